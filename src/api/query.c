/*
 * The query of a request against its route's parameters, as body.c does it with the body: what
 * is unknown, given twice, missing or of the wrong kind is named before a handler sees anything.
 * Handlers read values that were checked, with the default of the row. A parameter without a
 * value counts as one that was not given, so that "?status=&limit=" asks for everything.
 */
#include "api/internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 300, PAIRS_MAX = 40, WORDS_MAX = 64 };

/* ---- taking it apart ------------------------------------------------------------ */

/* A piece of "a=1&b=2%20"; heap. *ret_len is its length: a %00 does not end it unseen. */
static char *decoded(const char *s, size_t n, size_t *ret_len)
{
	char *text = xcalloc(n + 1, 1);
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		char hex[3] = { 0 };
		uint8_t byte;

		if (s[i] == '%' && i + 2 < n) {
			memcpy(hex, s + i + 1, 2);
			if (hex_decode(hex, &byte, 1)) {
				text[len++] = (char)byte;
				i += 2;
				continue;
			}
		}
		text[len++] = s[i] == '+' ? ' ' : s[i];
	}
	*ret_len = len;
	return text;
}

/* Text that a database, a log and a terminal take: UTF-8 without control characters. */
static bool plain_text(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return utf8_valid(s, n);
}

void query_free(struct call *c)
{
	for (size_t i = 0; i < c->n_query; i++) {
		free_p(&c->query[i].name);
		free_p(&c->query[i].value);
	}
	free_p(&c->query);
	c->n_query = 0;
}

static int complain(struct call *c, const char *name, const char *detail)
{
	_cleanup_(free_p) char *clean = text_clean(name, 60);

	return api_problem_field(c, 400, clean, detail);
}

static int split(struct call *c, const char *q)
{
	size_t cap = 0;

	while (*q) {
		size_t n = strcspn(q, "&"), k = strcspn(q, "=&"), name_len, len;

		if (n == 0) {
			q++;
			continue;
		}
		if (c->n_query == PAIRS_MAX)
			return api_problem(c, 400, NULL, "more than %d parameters", PAIRS_MAX);
		c->query = grow(c->query, &cap, c->n_query + 1, sizeof(*c->query));
		struct call_pair *p = &c->query[c->n_query++];
		p->name = decoded(q, k, &name_len);
		p->value = k < n ? decoded(q + k + 1, n - k - 1, &len) : decoded("", 0, &len);
		if (!plain_text(p->name, name_len) || !plain_text(p->value, len))
			return complain(c, p->name, "not text: UTF-8 without control characters is"
						    " wanted");
		q += n + (q[n] == '&');
	}
	return 0;
}

/* ---- each against its row ---------------------------------------------------------- */

static const struct query_param *find(const struct route *r, const char *name)
{
	for (int i = 0; i < QUERY_MAX && r->query[i].name; i++)
		if (str_eq(r->query[i].name, name))
			return &r->query[i];
	return NULL;
}

static int unknown(struct call *c, const char *name)
{
	_cleanup_(str_fini) struct str detail = STR_INIT(2000);
	_cleanup_(free_p) char *clean = text_clean(name, 60);
	const char *names[QUERY_MAX];
	size_t n = 0;

	for (; n < QUERY_MAX && c->route->query[n].name; n++)
		names[n] = c->route->query[n].name;
	const char *near = str_nearest(name, names, n);
	str_addf(&detail, "unknown parameter \"%s\"", clean);
	if (near)
		str_addf(&detail, "; did you mean \"%s\"?", near);
	else
		str_add(&detail, n ? "; there are " : "; this path takes none");
	for (size_t i = 0; !near && i < n; i++)
		str_addf(&detail, "%s%s", i ? ", " : "", names[i]);
	return complain(c, name, str_get(&detail));
}

size_t query_words(const struct query_param *q, const char **ret, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; q->also && q->also[i] && n < most; i++)
		ret[n++] = q->also[i];
	for (size_t i = 0; q->names && i < q->names->n && n < most; i++)
		ret[n++] = q->names->names[i];
	return n;
}

/* One word, or several with commas between. */
static int check_words(struct call *c, const struct query_param *q, const char *s)
{
	const char *words[WORDS_MAX];
	size_t n = query_words(q, words, WORDS_MAX), len;

	do {
		len = q->type == Q_WORDS ? strcspn(s, ",") : strlen(s);
		_cleanup_(free_p) char *word = xstrndup(s, len);
		_cleanup_(str_fini) struct str detail = STR_INIT(2000);
		size_t i = 0;

		while (i < n && !str_eq(words[i], word))
			i++;
		s += len + (s[len] == ',');
		if (i < n)
			continue;
		_cleanup_(free_p) char *clean = text_clean(word, 60);
		const char *near = str_nearest(word, words, n);
		str_addf(&detail, "there is no %s '%s'", q->name, clean);
		if (near)
			str_addf(&detail, ", did you mean '%s'?", near);
		else
			str_add(&detail, "; one of ");
		for (i = 0; !near && i < n; i++)
			str_addf(&detail, "%s%s", i ? ", " : "", words[i]);
		return complain(c, q->name, str_get(&detail));
	} while (*s);
	return 0;
}

static int check_number(struct call *c, const struct query_param *q, const char *s)
{
	char detail[160];
	int64_t v;

	if (parse_i64(s, q->min, q->max, &v))
		return 0;
	if (q->max == INT64_MAX)
		snprintf(detail, sizeof(detail), "must be a whole number of at least %lld",
			 (long long)q->min);
	else
		snprintf(detail, sizeof(detail), "must be a whole number between %lld and %lld",
			 (long long)q->min, (long long)q->max);
	return complain(c, q->name, detail);
}

static int check_span(struct call *c, const struct query_param *q, const char *s)
{
	char detail[160], most[40];
	int64_t v;

	if (parse_duration_ms(s, &v) && v >= q->min && v <= q->max)
		return 0;
	format_duration(most, sizeof(most), q->max);
	snprintf(detail, sizeof(detail), "a duration of at most %s, with its unit: 30m, 1h30m",
		 most);
	return complain(c, q->name, detail);
}

static bool flag_of(const char *s, bool *ret)
{
	*ret = str_eq(s, "1") || str_eq(s, "true");
	return *ret || str_eq(s, "0") || str_eq(s, "false");
}

static int check_value(struct call *c, const struct query_param *q, const char *s)
{
	char detail[120];
	int64_t v;
	bool on;

	switch (q->type) {
	case Q_TEXT:
		if (strlen(s) <= (size_t)(q->max ? q->max : TEXT_MAX))
			return 0;
		snprintf(detail, sizeof(detail), "longer than %lld bytes",
			 (long long)(q->max ? q->max : TEXT_MAX));
		return complain(c, q->name, detail);
	case Q_INT:
		return check_number(c, q, s);
	case Q_WORD:
	case Q_WORDS:
		return check_words(c, q, s);
	case Q_TIME:
		if (parse_time_ms(s, &v))
			return 0;
		return complain(c, q->name, "must be an RFC 3339 time, with its zone: "
					    "2026-11-21T03:12:47Z");
	case Q_SPAN:
		return check_span(c, q, s);
	case Q_FLAG:
		return flag_of(s, &on) ? 0 : complain(c, q->name, "must be 1 or 0");
	case Q_ID:
		if (str_has_prefix(s, q->prefix) &&
		    parse_i64(s + strlen(q->prefix), 0, INT64_MAX, &v))
			return 0;
		return complain(c, q->name, "not one that was given out here");
	}
	return 0;
}

int query_check(struct call *c, const char *text)
{
	int status = split(c, text);

	for (size_t i = 0; i < c->n_query && !status; i++) {
		const struct call_pair *p = &c->query[i];
		const struct query_param *q = find(c->route, p->name);

		if (!q)
			return unknown(c, p->name);
		for (size_t k = 0; k < i; k++)
			if (str_eq(c->query[k].name, p->name))
				return complain(c, p->name, "given twice");
		if (p->value[0])
			status = check_value(c, q, p->value);
	}
	for (int i = 0; i < QUERY_MAX && !status && c->route->query[i].name; i++)
		if (c->route->query[i].required && !call_query(c, c->route->query[i].name))
			status = complain(c, c->route->query[i].name, "is required");
	return status;
}

/* ---- what handlers read -------------------------------------------------------------- */

const char *call_query(const struct call *c, const char *name)
{
	assert(find(c->route, name)); /* a handler reads what its row names, nothing else */
	for (size_t i = 0; i < c->n_query; i++)
		if (str_eq(c->query[i].name, name))
			return str_empty(c->query[i].value) ? NULL : c->query[i].value;
	return NULL;
}

int64_t call_number(const struct call *c, const char *name)
{
	const struct query_param *q = find(c->route, name);
	const char *s = call_query(c, name);
	int64_t v = q->otherwise;

	if (s && q->type == Q_SPAN)
		parse_duration_ms(s, &v);
	else if (s)
		parse_i64(s, q->min, q->max, &v);
	return v;
}

int64_t call_instant(const struct call *c, const char *name)
{
	const char *s = call_query(c, name);
	int64_t v = 0;

	if (s)
		parse_time_ms(s, &v);
	return v;
}

bool call_on(const struct call *c, const char *name)
{
	const char *s = call_query(c, name);
	bool on = false;

	return s && flag_of(s, &on) && on;
}
