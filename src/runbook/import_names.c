/*
 * What stands for something else in commands: <placeholders>, [PLACEHOLDERS], org_xxx,
 * +1XXXXXXXXXX, your_value, and credentials that were left in the text. They become
 * parameters; of a credential nothing is kept but the name.
 *
 * In a script a parameter is a variable of the environment, so the name is put in quotes,
 * or out of single quotes, where it stands. In prose placeholders are left as they are.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "runbook/import_parts.h"

enum { NAME_MAX_LEN = 40 };

static bool secret_word(const char *s)
{
	static const char *const words[] = { "password", "passwd", "secret", "token", "api_key",
					     "apikey",
					     "auth_key", "private_key", "credential" };

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strstr(s, words[i]))
			return true;
	return false;
}

/* A name made of the words of a placeholder. */
static char *name_of(const char *s, size_t n)
{
	struct str out = STR_INIT(NAME_MAX_LEN);

	if (n && isdigit((unsigned char)*s))
		str_add(&out, "n_");
	for (size_t i = 0; i < n; i++) {
		if (isalnum((unsigned char)s[i]))
			str_addc(&out, (char)tolower((unsigned char)s[i]));
		else if (out.len && out.s[out.len - 1] != '_')
			str_addc(&out, '_');
	}
	while (out.len && out.s[out.len - 1] == '_')
		out.s[--out.len] = '\0';
	return out.len ? str_take(&out) : xstrdup("value");
}

/* The parameter for this text; type NULL: told by the name. */
static const char *param_for(struct import *im, const char *was, size_t n, const char *named,
			     const char *type, int line)
{
	/* an example such as SKxxxx is no credential to be warned of */
	bool example = named && n && memmem(was, n, "xxxx", 4);

	_cleanup_(free_p) char *name = named ? xstrdup(named) : name_of(was, n);
	_cleanup_(free_p) char *base = xstrdup(name);

	type = type ? type : secret_word(name) ? "secret" : "string";
	bool credential = named != NULL;
	for (int k = 2;; k++) {
		size_t i = 0;
		while (i < im->n_params && !str_eq(im->params[i].name, name))
			i++;
		if (i == im->n_params)
			break;
		if (!credential || str_eq(im->params[i].type, type))
			return im->params[i].name;
		free_p(&name);
		name = xasprintf("%s_%d", base, k);
	}
	struct import_param *p = PUSH(&im->params, &im->n_params);
	*p = (struct import_param){ TAKE(name), credential && !example ? NULL : xstrndup(was, n),
				    type,
				    line };
	if (credential && !example)
		import_warn(im, line, "a credential stands in the text: it became the secret"
			    " parameter '%s'; change it where it is valid", p->name);
	return p->name;
}

/* ---- what begins here ------------------------------------------------------------------------ */
/* Length of a placeholder at p, 0 = none; *ret_from, *ret_n the words in it. */
static size_t placeholder(const char *text, const char *p, const char **ret_from, size_t *ret_n,
			  const char **ret_type)
{
	bool fresh = p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_' || p[-1] == '$');
	size_t n;

	*ret_type = NULL;
	*ret_from = p;
	if (*p == '<' && isalpha((unsigned char)p[1]) && (p == text || p[-1] != '<')) {
		n = 1;
		while (isalnum((unsigned char)p[n]) || (p[n] && strchr(" _.-", p[n])))
			n++;
		*ret_from = p + 1;
		*ret_n = n - 1;
		return p[n] == '>' && isalnum((unsigned char)p[n - 1]) &&
			n <= NAME_MAX_LEN ? n + 1 : 0;
	}
	if (*p == '[' && isupper((unsigned char)p[1]) && (isupper((unsigned char)p[2]) ||
							  p[2] == '_')) {
		n = strspn(p + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
		*ret_from = p + 1;
		*ret_n = n;
		return p[1 + n] == ']' && n <= NAME_MAX_LEN ? n + 2 : 0;
	}
	/* [namespace]: small letters are a set in patterns, so only where a word would begin */
	if (*p == '[' && p > text && strchr(" /=:", p[-1])) {
		n = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz-_");
		*ret_from = p + 1;
		*ret_n = n;
		if (n >= 4 && p[1] != '-' && p[1 + n] == ']' && n <= NAME_MAX_LEN)
			return n + 2;
	}
	if (*p == '+' && isdigit((unsigned char)p[1]) && strspn(p + 2, "X") >= 7) {
		*ret_from = "phone";
		*ret_n = 5;
		*ret_type = "phone";
		return 2 + strspn(p + 2, "X");
	}
	if (fresh && (!strncasecmp(p, "your_", 5) || !strncasecmp(p, "your-", 5))) {
		n = 5;
		while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '-')
			n++;
		*ret_from = p + 5;
		*ret_n = n - 5;
		return n > 5 && n <= NAME_MAX_LEN ? n : 0;
	}
	n = fresh ? strspn(p, "abcdefghijklmnopqrstuvwxyz") : 0;
	if (n && p[n] == '_' && strspn(p + n + 1, "x") >= 2 &&
	    !isalnum((unsigned char)p[n + 1 + strspn(p + n + 1, "x")])) {
		*ret_n = n;
		return n + 1 + strspn(p + n + 1, "x");
	}
	return 0;
}

static size_t value_length(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || (p[n] && strchr("+/_.=~!-", p[n])))
		n++;
	return n;
}

/* Length of a literal credential at p and what it is called; *ret_skip bytes stay before it. */
static size_t credential(const char *text, const char *p, size_t *ret_skip, const char **ret_name)
{
	static const struct { const char *before, *name; size_t least; } named[] = {
		{ "password=", "password", 6 }, { "passwd=", "password", 6 },
		{ "pwd=", "password", 6 },
		{ "secret=", "secret", 8 }, { "token=", "token", 8 }, { "api_key=", "api_key", 8 },
		{ "apikey=", "api_key", 8 }, { "--password ", "password", 6 },
		{ "--token ", "token", 8 }, { "--passwd ", "password", 6 },
		{ "--auth-token ", "token", 8 }, { "--api-secret ", "secret", 8 },
		{ "--secret ", "secret", 8 }, { "bearer ", "token", 16 },
		{ "auth_token=", "token", 8 },
		{ "password: ", "password", 8 },
	};
	static const char *const prefixes[] = { "sk_live_", "ghp_", "gho_", "ghs_", "xoxb-",
						"xoxp-", "AKIA", "xoxa-", "sk-" };
	bool fresh = p == text || !isalnum((unsigned char)p[-1]);

	*ret_skip = 0;
	for (size_t i = 0; i < COUNT_OF(named); i++) {
		size_t n = strlen(named[i].before);
		if (strncasecmp(p, named[i].before, n))
			continue;
		n += strspn(p + n, " =");
		*ret_skip = n + strspn(p + n, "'\"");
		*ret_name = named[i].name;
		n = value_length(p + *ret_skip);
		bool made_up = !strncasecmp(p + *ret_skip, "your", 4) ||
			strspn(p + *ret_skip, "xX*.") == n;
		return n >= named[i].least && !made_up ? n : 0;
	}
	for (size_t i = 0; fresh && i < COUNT_OF(prefixes); i++)
		if (!strncmp(p, prefixes[i], strlen(prefixes[i])) &&
		    value_length(p) >= strlen(prefixes[i]) + 16) {
			*ret_name = "api_key";
			return value_length(p);
		}
	if (!strncmp(p, "://", 3)) {
		size_t user = strcspn(p + 3, ":/@ \n'\"<$");
		size_t pass = p[3 + user] == ':' ? strcspn(p + 4 + user, "@/ \n'\"<$") : 0;
		*ret_skip = 4 + user;
		*ret_name = "password";
		return user && pass && p[4 + user + pass] == '@' ? pass : 0;
	}
	return 0;
}

/* ---- variables that nothing sets ----------------------------------------------------- */
static bool well_known(const char *s, size_t n)
{
	static const char *const names[] = { "HOME", "PATH", "USER", "LOGNAME", "PWD", "OLDPWD",
					     "SHELL", "HOSTNAME", "RANDOM", "LINENO", "SECONDS",
					     "TMPDIR", "LANG", "TERM", "UID", "EUID", "PPID",
					     "IFS", "OSTYPE", "REPLY", "_" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strlen(names[i]) == n && !strncmp(names[i], s, n))
			return true;
	return n > 4 && !strncmp(s, "BASH", 4);
}

/* "X=", "for X in", "read X", "getopts o X": set by the text itself. */
static bool set_here(const char *text, const char *s, size_t n)
{
	static const char *const before[] = { "for ", "read ", "-r ", "declare ", "local ",
					      "printf -v ", "mapfile ", "-t " };

	for (const char *p = text; (p = memmem(p, strlen(p), s, n)); p += n) {
		bool fresh = p == text || (!isalnum((unsigned char)p[-1]) &&
					   !strchr("_${", p[-1]));
		if (!fresh || isalnum((unsigned char)p[n]) || p[n] == '_')
			continue;
		if (p[n] == '=' || (p[n] == '+' && p[n + 1] == '='))
			return true;
		for (size_t i = 0; i < COUNT_OF(before); i++) {
			size_t k = strlen(before[i]);
			if ((size_t)(p - text) >= k && !strncmp(p - k, before[i], k))
				return true;
		}
	}
	return false;
}

/* Length of $NAME or ${NAME} at p that somebody else is to set, 0 = none. */
static size_t variable(const struct import *im, const char *text, const char *p,
		       const char **ret_from, size_t *ret_n)
{
	const char *s = p[1] == '{' ? p + 2 : p + 1;
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	if (*p != '$' || !n || n > NAME_MAX_LEN || isdigit((unsigned char)*s) ||
	    (p[1] == '{' && s[n] != '}') || well_known(s, n) || strstr(text, "<<'") ||
	    strstr(text, "<<\"") || set_here(text, s, n))
		return 0;
	for (size_t i = 0; i < im->n_env; i++)
		if (strlen(im->env[i].name) == n && !strncmp(im->env[i].name, s, n))
			return 0;
	*ret_from = s;
	*ret_n = n;
	return (size_t)(s - p) + n + (p[1] == '{');
}

/* ---- all of a text -------------------------------------------------------------- */
struct quoting { bool single, dbl; };

static void add_name(struct str *out, const char *name, enum import_place where,
		     const struct quoting *q)
{
	if (where == IN_PROSE)
		str_addf(out, "(%s)", name);
	else if (where == IN_SQL)
		str_addf(out, "$%s", name);
	else if (q->single)
		str_addf(out, "'\"$%s\"'", name);
	else
		str_addf(out, q->dbl ? "${%s}" : "\"$%s\"", name);
}

/* '<x>' as a whole: in SQL the quotes go with it. */
static bool quoted_whole(const char *text, const char *p, size_t n)
{
	return p > text && p[-1] == '\'' && p[n] == '\'';
}

char *import_names(struct import *im, const char *text, enum import_place where, int line)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct quoting q = { 0 };

	for (const char *p = text; *p;) {
		const char *from, *name, *type;
		size_t skip, words;
		size_t n = credential(text, p, &skip, &name);
		if (n) {
			str_addn(&out, p, skip);
			add_name(&out, param_for(im, p + skip, n, name, "secret", line), where, &q);
			p += skip + n;
			continue;
		}
		n = where == IN_PROSE ? 0 : placeholder(text, p, &from, &words, &type);
		if (n && where == IN_SQL && q.single && !quoted_whole(text, p, n))
			n = 0; /* a part of a literal: nothing can be bound there */
		if (n) {
			bool strip = where == IN_SQL && q.single;
			if (strip)
				out.s[--out.len] = '\0';
			add_name(&out, param_for(im, from, words, NULL, type, line), where, &q);
			p += n + strip;
			q.single = strip ? false : q.single;
			continue;
		}
		n = where == IN_SCRIPT && !q.single ? variable(im, text, p, &from, &words) : 0;
		if (n) {
			name = param_for(im, from, words, NULL, NULL, line);
			str_addf(&out, p[1] == '{' ? "${%s}" : "$%s", name);
			p += n;
			continue;
		}
		if (*p == '\\' && p[1] && !q.single) {
			str_addn(&out, p, 2);
			p += 2;
			continue;
		}
		q.single = *p == '\'' && !q.dbl ? !q.single : q.single;
		q.dbl = *p == '"' && !q.single ? !q.dbl : q.dbl;
		line += *p == '\n';
		str_addc(&out, *p++);
	}
	return str_take(&out);
}
