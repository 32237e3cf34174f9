/*
 * Option values: the conversion between text and the typed field at a row's offset.
 * Knows one row and one struct at a time; where the text came from, and which of
 * several sources wins, is config.c's business.
 */
#include "core/config_value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "core/str.h"

void strlist_fini(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strlist){ 0 };
}

void strlist_add(struct strlist *l, const char *s)
{
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = xstrdup(s);
}

const char *opt_type_name(enum opt_type t)
{
	static const char *const names[] = {
		[OPT_STR] = "text",	  [OPT_SECRET] = "secret",     [OPT_INT] = "integer",
		[OPT_BOOL] = "boolean",	  [OPT_DOUBLE] = "number",     [OPT_DURATION] = "duration",
		[OPT_URL] = "URL",	  [OPT_LIST] = "list",	       [OPT_CHOICE] = "choice",
	};

	return names[t];
}

static void *slot(const struct option_row *row, void *base)
{
	return (char *)base + row->offset;
}

void option_unset(const struct option_row *row, void *base)
{
	void *p = slot(row, base);

	switch (row->type) {
	case OPT_STR:
	case OPT_URL:
	case OPT_CHOICE: str_replace(p, NULL); break;
	case OPT_SECRET:
		secret_free(*(struct secret **)p);
		*(struct secret **)p = NULL;
		break;
	case OPT_LIST: strlist_fini(p); break;
	case OPT_INT:
	case OPT_DURATION: *(int64_t *)p = 0; break;
	case OPT_BOOL: *(bool *)p = false; break;
	case OPT_DOUBLE: *(double *)p = 0; break;
	}
}

static size_t type_size(enum opt_type t)
{
	switch (t) {
	case OPT_INT:
	case OPT_DURATION: return sizeof(int64_t);
	case OPT_BOOL: return sizeof(bool);
	case OPT_DOUBLE: return sizeof(double);
	case OPT_LIST: return sizeof(struct strlist);
	default: return sizeof(char *);
	}
}

void option_swap(const struct option_row *row, void *a, void *b)
{
	char keep[sizeof(struct strlist)];
	size_t n = type_size(row->type);

	memcpy(keep, slot(row, a), n);
	memcpy(slot(row, a), slot(row, b), n);
	memcpy(slot(row, b), keep, n);
}

/* The host of scheme://[user@]host[:port]/..., "" when there is none. */
static void url_host(const char *url, char *host, size_t n)
{
	const char *p = strstr(url, "://");

	host[0] = 0;
	if (!p)
		return;
	p += 3;
	size_t len = strcspn(p, "/?#");
	const char *at = memrchr(p, '@', len);
	if (at) {
		len -= (size_t)(at + 1 - p);
		p = at + 1;
	}
	if (*p == '[')
		len = strcspn(p, "]") + 1;
	else
		len = strcspn(p, ":/?#") < len ? strcspn(p, ":/?#") : len;
	snprintf(host, n, "%.*s", (int)len, p);
}

bool url_insecure(const char *url)
{
	char host[256];
	struct in_addr address;

	if (strncasecmp(url, "http://", 7) != 0)
		return false;
	url_host(url, host, sizeof(host));
	if (!strcasecmp(host, "localhost") || !strcmp(host, "[::1]"))
		return false;
	/* a whole address, so that "127.evil.example" is not this machine */
	return inet_pton(AF_INET, host, &address) != 1 || ntohl(address.s_addr) >> 24 != 127;
}

/* Is word one of "a|b|c"? Leaves the nearest in near ("" when none). */
static bool choose(const char *choices, const char *word, size_t len, char *near, size_t n)
{
	_cleanup_(free_p) char *copy = xstrdup(choices);
	_cleanup_(free_p) char *text = xstrndup(word, len);
	const char *names[32];
	size_t count = 0;
	char *save = NULL;

	for (char *p = strtok_r(copy, "|", &save); p && count < 32;
	     p = strtok_r(NULL, "|", &save)) {
		if (!strcmp(p, text))
			return true;
		names[count++] = p;
	}
	const char *best = str_nearest(text, names, count);
	snprintf(near, n, "%s", best ? best : "");
	return false;
}

static int check_choice(const struct option_row *row, const char *text, struct err *err)
{
	char near[64];

	if (choose(row->choices, text, strlen(text), near, sizeof(near)))
		return 0;
	return err_set(err, ERR_INVALID, "wants one of %s, not '%.60s'%s%s%s", row->choices, text,
		       *near ? "; did you mean '" : "", near, *near ? "'?" : "");
}

static int check_url(const struct option_row *row, const char *text, struct err *err)
{
	const char *schemes = row->type == OPT_URL && row->choices ? row->choices : "https|http";
	size_t n = strcspn(text, ":");
	char host[256];
	char near[64];

	if (text[strcspn(text, " \t\r\n\"<>\\^`{|}")])
		return err_set(err, ERR_INVALID, "wants a URL without blanks or quotes");
	url_host(text, host, sizeof(host));
	if (!choose(schemes, text, n, near, sizeof(near)) || !host[0])
		return err_set(err, ERR_INVALID, "wants a URL such as %.*s://host/path",
			       (int)strcspn(schemes, "|"), schemes);
	return 0;
}

static int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };

	for (size_t i = 0; i < COUNT_OF(yes); i++) {
		if (strcasecmp(s, yes[i]) && strcasecmp(s, no[i]))
			continue;
		*ret = !strcasecmp(s, yes[i]);
		return 0;
	}
	return ERR_INVALID;
}

static int range_err(const struct option_row *row, const char *text, struct err *err)
{
	char min[64];
	char max[64];

	if (row->type == OPT_DURATION) {
		format_duration(min, sizeof(min), row->min);
		format_duration(max, sizeof(max), row->max);
	} else {
		snprintf(min, sizeof(min), "%lld", (long long)row->min);
		snprintf(max, sizeof(max), "%lld", (long long)row->max);
	}
	return err_set(err, ERR_INVALID, "wants %s to %s, not %.60s", min, max, text);
}

static bool in_range(const struct option_row *row, int64_t v)
{
	return (!row->min && !row->max) || (v >= row->min && v <= row->max);
}

static int set_number(const struct option_row *row, void *p, const char *text, struct err *err)
{
	int64_t v;
	double d;
	bool b;

	switch (row->type) {
	case OPT_INT:
		if (!parse_i64(text, INT64_MIN, INT64_MAX, &v))
			return err_set(err, ERR_INVALID, "wants a whole number, not '%.60s'", text);
		if (!in_range(row, v))
			return range_err(row, text, err);
		*(int64_t *)p = v;
		return 0;
	case OPT_DURATION:
		if (!parse_duration_ms(text, &v))
			return err_set(err, ERR_INVALID,
				       "wants a duration with its unit, such as 90s, 10m or 1h30m, "
				       "not '%.60s'", text);
		if (!in_range(row, v))
			return range_err(row, text, err);
		*(int64_t *)p = v;
		return 0;
	case OPT_BOOL:
		if (parse_bool(text, &b))
			return err_set(err, ERR_INVALID, "wants true or false, not '%.60s'", text);
		*(bool *)p = b;
		return 0;
	default:
		if (!parse_double(text, &d))
			return err_set(err, ERR_INVALID, "wants a number, not '%.60s'", text);
		if (row->min != row->max && (d < (double)row->min || d > (double)row->max))
			return range_err(row, text, err);
		*(double *)p = d;
		return 0;
	}
}

int option_add(const struct option_row *row, void *base, const char *text, struct err *err)
{
	int r = 0;

	if (row->flags & OPT_URLS)
		r = check_url(row, text, err);
	else if (row->choices)
		r = check_choice(row, text, err);
	if (!r)
		strlist_add(slot(row, base), text);
	return r;
}

static int set_list(const struct option_row *row, void *base, const char *text, struct err *err)
{
	_cleanup_(free_p) char *copy = xstrdup(text);
	struct strlist old = *(struct strlist *)slot(row, base);
	struct strlist *l = slot(row, base);
	char *save = NULL;
	int r = 0;

	*l = (struct strlist){ 0 };
	for (char *p = strtok_r(copy, ",", &save); p && !r; p = strtok_r(NULL, ",", &save)) {
		p += strspn(p, " ");
		size_t n = strlen(p);
		while (n && p[n - 1] == ' ')
			p[--n] = 0;
		if (*p)
			r = option_add(row, base, p, err);
	}
	if (r) {
		strlist_fini(l);
		*l = old;
	} else {
		strlist_fini(&old);
	}
	return r;
}

int option_set(const struct option_row *row, void *base, const char *text, struct err *err)
{
	void *p = slot(row, base);
	int r;

	switch (row->type) {
	case OPT_INT:
	case OPT_BOOL:
	case OPT_DOUBLE:
	case OPT_DURATION:
		if (!text)
			return err_set(err, ERR_INVALID, "wants a value");
		return set_number(row, p, text, err);
	case OPT_LIST: return set_list(row, base, text ? text : "", err);
	case OPT_SECRET:
		secret_free(*(struct secret **)p);
		*(struct secret **)p = secret_new(text);
		return 0;
	case OPT_URL:
	case OPT_CHOICE:
		r = !text ? 0 : row->type == OPT_URL ? check_url(row, text, err) :
						      check_choice(row, text, err);
		if (r)
			return r;
		break;
	case OPT_STR: break;
	}
	str_replace(p, text);
	return 0;
}
