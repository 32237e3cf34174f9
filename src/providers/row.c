/*
 * JSON rows without a tree. Everything here relies on json_scan having accepted the
 * whole text: brackets match, strings end, escapes are right.
 *
 * The first of two members with the same name wins; nothing is copied until asked.
 */
#include "providers/row.h"

#include <string.h>
#include <stdio.h>

#include "core/mem.h"
#include "core/task.h"

static const char *space(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '\n' || *s == '\r' || *s == '\t'))
		s++;
	return s;
}

/* s at the opening quote; returns what follows the closing one: a quote after an even
 * number of backslashes. */
static const char *string_end(const char *s, const char *end)
{
	const char *from = ++s;

	while ((s = memchr(s, '"', (size_t)(end - s)))) {
		const char *back = s;
		while (back > from && back[-1] == '\\')
			back--;
		s++;
		if ((s - 1 - back) % 2 == 0)
			return s;
	}
	return end;
}

static const char *nested_end(const char *s, const char *end)
{
	int depth = 0;

	while (s < end) {
		switch (*s) {
		case '"': s = string_end(s, end); continue;
		case '{':
		case '[': depth++; break;
		case '}':
		case ']':
			if (--depth == 0)
				return s + 1;
			break;
		default: break;
		}
		s++;
	}
	return end;
}

static const char *value_end(const char *s, const char *end)
{
	if (s < end && *s == '"')
		return string_end(s, end);
	if (s < end && (*s == '{' || *s == '['))
		return nested_end(s, end);
	while (s < end && *s != ',' && *s != '}' && *s != ']' && *s != ' ' && *s != '\n' &&
	       *s != '\r' && *s != '\t')
		s++;
	return s;
}

/* A list inside the object that is walked on the way instead of kept. */
struct list_walk {
	const char *name;
	int (*fn)(void *ctx, struct row *item);
	void *ctx;
	bool found;
};

static int walk_elements(const char **at, const char *end,
			 int (*fn)(void *ctx, struct row *item), void *ctx);

static bool is_walked(const struct row_member *m, const struct list_walk *lw)
{
	return lw && !lw->found && m->name_len == strlen(lw->name) &&
	       !memcmp(m->name, lw->name, m->name_len);
}

/* Name, colon and value at *at. 0, or what a walked list ended with. */
static int read_member(struct row_member *m, const char **at, const char *end,
		       struct list_walk *lw)
{
	const char *s = string_end(*at, end);
	int r = 0;

	m->name = *at + 1;
	m->name_len = (uint32_t)(s - *at - 2);
	s = space(s, end);
	s = space(s + (s < end), end); /* the colon */
	m->value = s;
	if (is_walked(m, lw)) {
		lw->found = true;
		r = walk_elements(&s, end, lw->fn, lw->ctx);
		m->value_len = 0;
	} else {
		s = value_end(s, end);
		m->value_len = (uint32_t)(s - m->value);
	}
	*at = s;
	return r;
}

/* Reads the object at *at and moves behind it. */
static int read_object(struct row *r, const char **at, const char *end, struct list_walk *lw)
{
	const char *s = space(*at, end);

	r->n = r->at = 0;
	if (s == end || *s != '{')
		return -1;
	s = space(s + 1, end);
	while (s < end && *s == '"') {
		if (r->n == ROW_MEMBERS)
			return -1;
		int stop = read_member(&r->m[r->n++], &s, end, lw);
		if (stop)
			return stop;
		s = space(s, end);
		if (s < end && *s == ',')
			s = space(s + 1, end);
	}
	if (s == end || *s != '}')
		return -1;
	*at = s + 1;
	return 0;
}

int row_read(struct row *r, const char *text, size_t n)
{
	return read_object(r, &text, text + n, NULL);
}

int row_of_json(struct row *r, const struct json *v, struct str *keep)
{
	str_clear(keep);
	json_print(keep, v);
	return keep->full ? -1 : row_read(r, str_get(keep), keep->len);
}

static const struct row_member *find(const struct row *r, const char *name, int from)
{
	size_t len = strlen(name);

	for (int k = 0; k < r->n; k++) {
		int i = from + k < r->n ? from + k : from + k - r->n;
		if (r->m[i].name_len == len && !memcmp(r->m[i].name, name, len))
			return &r->m[i];
	}
	return NULL;
}

static const struct row_member *get(struct row *r, const char *name)
{
	const struct row_member *m = find(r, name, r->at);

	if (m)
		r->at = (int)(m - r->m) + 1 == r->n ? 0 : (int)(m - r->m) + 1;
	return m;
}

bool row_has(const struct row *r, const char *name)
{
	const struct row_member *m = find(r, name, 0);

	return m && m->value_len && *m->value != 'n';
}

/* The content of a string member: *ret points into the text, or to heap text in *owned. */
static size_t content(const struct row_member *m, const char **ret, char **owned)
{
	const char *s = m->value + 1;
	size_t n = m->value_len - 2;

	*ret = s;
	if (!memchr(s, '\\', n))
		return n;
	_cleanup_(json_free_p) struct json *v = json_parse(m->value, m->value_len, NULL);
	*owned = xstrdup(json_str(v) ? json_str(v) : "");
	*ret = *owned;
	return strlen(*owned);
}

static bool is_string(const struct row_member *m)
{
	return m && m->value_len >= 2 && *m->value == '"';
}

static bool is_number(const struct row_member *m)
{
	return m && m->value_len && (*m->value == '-' || (*m->value >= '0' && *m->value <= '9'));
}

static void put(char *buf, size_t size, const char *s, size_t n)
{
	bool plain = true;

	if (n >= size)
		for (n = size - 1; n && ((unsigned char)s[n] & 0xc0) == 0x80;)
			n--;
	memcpy(buf, s, n);
	buf[n] = 0;
	for (size_t i = 0; i < n && plain; i++)
		plain = (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x7f;
	if (!plain)
		text_clean_buf(buf);
}

void row_text(struct row *r, const char *name, char *buf, size_t n)
{
	const struct row_member *m = get(r, name);
	_cleanup_(free_p) char *owned = NULL;
	const char *s;

	buf[0] = 0;
	if (is_string(m)) {
		size_t len = content(m, &s, &owned);
		put(buf, n, s, len);
	} else if (is_number(m)) {
		put(buf, n, m->value, m->value_len);
	}
}

const char *row_keep(struct row *r, const char *name, char *scratch, size_t size, size_t *used)
{
	const struct row_member *m = get(r, name);
	_cleanup_(free_p) char *owned = NULL;
	const char *s;

	if (!is_string(m) || m->value_len == 2)
		return "";
	size_t n = content(m, &s, &owned);
	if (size - *used <= n)
		return NULL;
	char *to = scratch + *used;
	memcpy(to, s, n);
	to[n] = 0;
	*used += n + 1;
	return to;
}

int64_t row_int(struct row *r, const char *name, int64_t otherwise)
{
	char buf[32];
	int64_t n;

	row_text(r, name, buf, sizeof(buf));
	return parse_i64(buf, INT64_MIN, INT64_MAX, &n) ? n : otherwise;
}

bool row_bool(struct row *r, const char *name, bool otherwise)
{
	const struct row_member *m = get(r, name);

	if (!m || !m->value_len || (*m->value != 't' && *m->value != 'f'))
		return otherwise;
	return *m->value == 't';
}

int64_t row_time(struct row *r, const char *name)
{
	char buf[48];
	int64_t ms;

	row_text(r, name, buf, sizeof(buf));
	return buf[0] && (parse_rfc2822_ms(buf, &ms) || parse_time_ms(buf, &ms)) ? ms : 0;
}

int row_object(struct row *r, const char *name, struct row *ret)
{
	const struct row_member *m = get(r, name);

	ret->n = ret->at = 0;
	return m ? row_read(ret, m->value, m->value_len) : -1;
}

static int walk_elements(const char **at, const char *end,
			 int (*fn)(void *ctx, struct row *item), void *ctx)
{
	enum { TURN_EVERY = 5000 };
	const char *s = *at;
	struct row item;

	if (s == end || *s != '[')
		return -1;
	s = space(s + 1, end);
	for (int k = 1; s < end && *s != ']'; k++) {
		int r = read_object(&item, &s, end, NULL);
		if (!r)
			r = fn(ctx, &item);
		if (r)
			return r;
		s = space(s, end);
		if (s < end && *s == ',')
			s = space(s + 1, end);
		if (k % TURN_EVERY == 0 && task_self() && task_sleep(0))
			return 1;
	}
	*at = s + (s < end);
	return 0;
}

int rows_walk(const char *text, size_t n, int (*fn)(void *ctx, struct row *item), void *ctx)
{
	const char *end = text + n;
	const char *s = space(text, end);

	return walk_elements(&s, end, fn, ctx);
}

int row_read_page(struct row *r, const char *text, size_t n, const char *list,
		  int (*fn)(void *ctx, struct row *item), void *ctx)
{
	struct list_walk lw = { .name = list, .fn = fn, .ctx = ctx };
	int ret = read_object(r, &text, text + n, &lw);

	return ret ? ret : lw.found ? 0 : -1;
}
