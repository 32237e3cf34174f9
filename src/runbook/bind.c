/*
 * Binding of names into plain texts, URLs, headers and JSON. A value goes where the text
 * says and nowhere else: percent-encoded in a URL, refused in a header when it holds a line
 * break, a JSON value of its own type. SQL is in bind_sql.c; there no value becomes text.
 *
 * Lists and maps fit only into JSON and SQL. A dollar before anything but a name is itself.
 */
#include "runbook/bind.h"

#include <ctype.h>
#include <string.h>

#include "core/mem.h"

static bool name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* p at a dollar: length of what stands for a name, and the name; 0 = only a dollar. */
size_t bind_name_at(const char *p, char *name, size_t size)
{
	const char *from = p + 1;
	bool braces = *from == '{';
	size_t n = 0;

	from += braces;
	if (*p != '$' || !name_start(*from))
		return 0;
	while (name_char(from[n]))
		n++;
	if (n >= size || (braces && from[n] != '}'))
		return 0;
	memcpy(name, from, n);
	name[n] = '\0';
	return (size_t)(from - p) + n + braces;
}

static void add_name(char ***list, size_t *n, const char *name)
{
	size_t cap = *n;

	for (size_t i = 0; i < *n; i++)
		if (str_eq((*list)[i], name))
			return;
	*list = grow(*list, &cap, *n + 1, sizeof(**list));
	(*list)[(*n)++] = xstrdup(name);
}

size_t bind_names(const char *text, char ***ret)
{
	char name[BIND_NAME_MAX];
	size_t n = 0;

	*ret = NULL;
	for (const char *p = text; p && *p;) {
		size_t len = *p == '$' ? bind_name_at(p, name, sizeof(name)) : 0;
		if (len)
			add_name(ret, &n, name);
		p += len ? len : *p == '$' && p[1] == '$' ? 2 : 1;
	}
	return n;
}

const struct value *bind_lookup(struct scope *s, const char *name, struct err *err)
{
	const struct value *v = s->get(s->ctx, name);

	if (!v) {
		str_replace(&s->needs, name);
		err_field(err, ERR_NOT_FOUND, name, "needs %s", name);
	}
	return v;
}

/* As one text: what argv, URL, header and environment get. */
static int value_text(const struct value *v, const char *name, struct str *out, struct err *err)
{
	char buf[TIME_TEXT + 32];

	switch (v->type) {
	case V_TEXT: str_add(out, v->text); return 0;
	case V_BOOL: str_add(out, v->b ? "true" : "false"); return 0;
	case V_NUMBER: json_add_double(out, v->n); return 0;
	case V_DURATION:
		format_duration(buf, sizeof(buf), v->ms);
		str_add(out, buf);
		return 0;
	case V_TIME: str_add(out, format_time(buf, v->ms)); return 0;
	case V_NULL:
	case V_LIST:
	case V_MAP: break;
	}
	return err_field(err, ERR_INVALID, name, "$%s is %s: it does not fit into a text", name,
			 value_type_name(v->type));
}

/* May this value begin a URL as it is? */
static bool whole_url(const char *s)
{
	size_t n = str_has_prefix(s, "https://") ? 8 : str_has_prefix(s, "http://") ? 7 : 0;

	if (!n || !s[n] || s[n] == '/')
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f ||
		    strchr("\"<>\\^`{|}", *s))
			return false;
	return true;
}

static int add_value(struct scope *s, const char *name, enum bind_for how, struct str *ret,
		     bool *secret, struct err *err)
{
	struct str text = STR_INIT(ret->max);
	const struct value *v = bind_lookup(s, name, err);
	int r = v ? value_text(v, name, &text, err) : ERR_NOT_FOUND;

	if (!r && v->secret)
		*secret = true;
	if (!r && v->secret && how == BIND_URL)
		r = err_field(err, ERR_INVALID, name, "$%s is a secret: never in a URL", name);
	if (!r && how == BIND_HEADER)
		for (const char *c = str_get(&text); *c && !r; c++)
			if (*c == '\r' || *c == '\n')
				r = err_field(err, ERR_INVALID, name,
					      "$%s holds a line break: not in a header", name);
	if (!r && how == BIND_URL && !(ret->len == 0 && whole_url(str_get(&text))))
		str_add_urlencoded(ret, str_get(&text));
	else if (!r)
		str_add(ret, str_get(&text));
	str_fini(&text);
	return r;
}

int bind_text(struct scope *s, const char *text, enum bind_for how, struct str *ret,
	      bool *ret_secret, struct err *err)
{
	char name[BIND_NAME_MAX];
	bool secret = false;
	int r = 0;

	for (const char *p = text; *p && !r;) {
		size_t len = *p == '$' ? bind_name_at(p, name, sizeof(name)) : 0;
		if (len)
			r = add_value(s, name, how, ret, &secret, err);
		else
			str_addc(ret, *p);
		p += len ? len : *p == '$' && p[1] == '$' ? 2 : 1;
	}
	if (!r && ret->full)
		r = err_set(err, ERR_TOO_BIG, "the bound text is too long");
	if (!r && ret_secret)
		*ret_secret = secret;
	if (!r && !ret->s)
		str_addn(ret, "", 0);
	return r;
}

static int json_value(struct scope *s, struct jw *w, const char *member, const struct json *j,
		      struct err *err);

static int json_text(struct scope *s, struct jw *w, const char *member, const char *text,
		     struct err *err)
{
	char name[BIND_NAME_MAX];
	size_t len = *text == '$' ? bind_name_at(text, name, sizeof(name)) : 0;

	if (len && !text[len]) { /* the name alone: its own type */
		const struct value *v = bind_lookup(s, name, err);
		if (!v)
			return ERR_NOT_FOUND;
		struct value clear = *v; /* borrowed; the receiver of the body needs the secret */
		clear.secret = false;
		value_json(w, member, &clear);
		return 0;
	}
	struct str b = STR_INIT(w->out->max);
	int r = bind_text(s, text, BIND_PLAIN, &b, NULL, err);
	if (!r)
		jw_str(w, member, str_get(&b));
	str_fini(&b);
	return r;
}

static int json_value(struct scope *s, struct jw *w, const char *member, const struct json *j,
		      struct err *err)
{
	bool array = json_type(j) == JSON_ARRAY;
	int r = 0;

	if (json_type(j) == JSON_STRING)
		return json_text(s, w, member, json_str(j), err);
	if (!array && json_type(j) != JSON_OBJECT) {
		jw_json(w, member, j);
		return 0;
	}
	if (array)
		jw_arr(w, member);
	else
		jw_obj(w, member);
	for (const struct json *c = json_first(j); c && !r; c = json_next(c))
		r = json_value(s, w, json_name(c), c, err);
	if (array)
		jw_arr_end(w);
	else
		jw_obj_end(w);
	return r;
}

int bind_json(struct scope *s, const char *json, struct str *ret, struct err *err)
{
	_cleanup_(json_free_p) struct json *j = json_parse(json, strlen(json), err);
	struct jw w = JW(ret);

	return j ? json_value(s, &w, NULL, j, err) : ERR_INVALID;
}
