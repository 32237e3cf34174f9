/*
 * Values: one struct for whatever a parameter, a result or a saved name can be. Types are
 * kept as they came: nothing here turns a text into a number or back. Printing goes two
 * ways: JSON for storage and programs, one cleaned line for people; a secret is "***" in
 * both.
 */
#include "runbook/value.h"

#include <string.h>

#include "core/mem.h"

enum { ITEMS_MAX = 100000, DEPTH_MAX = JSON_MAX_DEPTH };

const char *value_type_name(enum value_type t)
{
	static const char *const names[] = {
		[V_NULL] = "nothing", [V_BOOL] = "true or false", [V_NUMBER] = "a number",
		[V_TEXT] = "a text", [V_DURATION] = "a duration", [V_TIME] = "a time",
		[V_LIST] = "a list", [V_MAP] = "a map",
	};

	return (size_t)t < COUNT_OF(names) ? names[t] : "?";
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free_p(&s);
}

static void clear_content(struct value *v)
{
	for (size_t i = 0; i < v->n_items; i++)
		value_fini(&v->items[i]);
	free_p(&v->items);
	wipe(v->text);
	v->text = NULL;
	v->n_items = 0;
	v->type = V_NULL;
}

void value_fini(struct value *v)
{
	if (!v)
		return;
	clear_content(v);
	free_p(&v->name);
	memset(v, 0, sizeof(*v));
}

/* Members that fit before the next growth: powers of two, so that it need not be kept. */
static size_t capacity(size_t n)
{
	size_t cap = 4;

	while (cap < n)
		cap *= 2;
	return cap;
}

void value_copy(struct value *to, const struct value *from)
{
	if (!from)
		return;
	*to = *from;
	to->text = xstrdup(from->text);
	to->name = xstrdup(from->name);
	to->items = from->n_items ? xcalloc(capacity(from->n_items), sizeof(*to->items)) : NULL;
	for (size_t i = 0; i < from->n_items; i++)
		value_copy(&to->items[i], &from->items[i]);
}

void value_set_text(struct value *v, const char *s)
{
	char *copy = xstrdup(s); /* s may lie inside v */

	clear_content(v);
	v->type = s ? V_TEXT : V_NULL;
	v->text = copy;
}

void value_set_number(struct value *v, double n)
{
	clear_content(v);
	v->type = V_NUMBER;
	v->n = n;
}

void value_set_bool(struct value *v, bool b)
{
	clear_content(v);
	v->type = V_BOOL;
	v->b = b;
}

struct value *value_add(struct value *v, const char *name)
{
	if (v->type != V_LIST && v->type != V_MAP) {
		clear_content(v);
		v->type = name ? V_MAP : V_LIST;
	}
	if (!v->n_items || v->n_items == capacity(v->n_items))
		v->items = xrealloc(v->items, capacity(v->n_items + 1) * sizeof(*v->items));
	struct value *item = &v->items[v->n_items++];
	memset(item, 0, sizeof(*item));
	item->name = xstrdup(name);
	return item;
}

const struct value *value_get(const struct value *map, const char *name)
{
	if (!map || map->type != V_MAP || !name)
		return NULL;
	for (size_t i = 0; i < map->n_items; i++)
		if (str_eq(map->items[i].name, name))
			return &map->items[i];
	return NULL;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (!a || !b || a->type != b->type)
		return !a && !b;
	switch (a->type) {
	case V_NULL: return true;
	case V_BOOL: return a->b == b->b;
	case V_NUMBER: return a->n == b->n;
	case V_TEXT: return str_eq(a->text, b->text);
	case V_DURATION:
	case V_TIME: return a->ms == b->ms;
	case V_LIST:
	case V_MAP: break;
	}
	if (a->n_items != b->n_items)
		return false;
	for (size_t i = 0; i < a->n_items; i++) {
		const struct value *other = &b->items[i];
		if (a->type == V_MAP)
			other = value_get(b, a->items[i].name);
		if (!other || !value_equal(&a->items[i], other))
			return false;
	}
	return true;
}

static int from_json(struct value *v, const struct json *j, size_t *left)
{
	if (!*left)
		return ERR_TOO_BIG;
	--*left;
	switch (json_type(j)) {
	case JSON_NULL: break;
	case JSON_BOOL: value_set_bool(v, json_bool(j, false)); break;
	case JSON_NUMBER: value_set_number(v, json_double(j, 0)); break;
	case JSON_STRING: value_set_text(v, json_str(j)); break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		v->type = json_type(j) == JSON_ARRAY ? V_LIST : V_MAP;
		for (const struct json *c = json_first(j); c; c = json_next(c)) {
			int r = from_json(value_add(v, json_name(c)), c, left);
			if (r)
				return r;
		}
		break;
	}
	return 0;
}

int value_from_json(struct value *v, const struct json *j)
{
	size_t left = ITEMS_MAX;

	clear_content(v);
	return from_json(v, j, &left);
}

void value_json(struct jw *w, const char *name, const struct value *v)
{
	char buf[TIME_TEXT + 32];

	if (v && v->secret) {
		jw_str(w, name, "***");
		return;
	}
	switch (v ? v->type : V_NULL) {
	case V_NULL: jw_null(w, name); break;
	case V_BOOL: jw_bool(w, name, v->b); break;
	case V_NUMBER: jw_double(w, name, v->n); break;
	case V_TEXT: jw_str(w, name, v->text); break;
	case V_DURATION:
		format_duration(buf, sizeof(buf), v->ms);
		jw_str(w, name, buf);
		break;
	case V_TIME: jw_str(w, name, format_time(buf, v->ms)); break;
	case V_LIST:
		jw_arr(w, name);
		for (size_t i = 0; i < v->n_items; i++)
			value_json(w, NULL, &v->items[i]);
		jw_arr_end(w);
		break;
	case V_MAP:
		jw_obj(w, name);
		for (size_t i = 0; i < v->n_items; i++)
			value_json(w, v->items[i].name, &v->items[i]);
		jw_obj_end(w);
		break;
	}
}

static void print(struct str *out, const struct value *v, size_t end, int depth)
{
	char buf[TIME_TEXT + 32];

	if (out->len >= end)
		return;
	if (v && v->secret) {
		str_add(out, "***");
		return;
	}
	switch (v ? v->type : V_NULL) {
	case V_NULL: str_add(out, depth ? "null" : "nothing"); break;
	case V_BOOL: str_add(out, v->b ? "true" : "false"); break;
	case V_NUMBER: json_add_double(out, v->n); break;
	case V_TEXT: str_add(out, v->text); break;
	case V_DURATION:
		format_duration(buf, sizeof(buf), v->ms);
		str_add(out, buf);
		break;
	case V_TIME: str_add(out, format_time(buf, v->ms)); break;
	case V_LIST:
	case V_MAP:
		str_addc(out, v->type == V_LIST ? '[' : '{');
		for (size_t i = 0; i < v->n_items && out->len < end; i++) {
			str_add(out, i ? ", " : "");
			if (v->type == V_MAP)
				str_addf(out, "%s: ", v->items[i].name);
			print(out, &v->items[i], end, depth + 1);
		}
		str_addc(out, v->type == V_LIST ? ']' : '}');
		break;
	}
}

void value_print(struct str *out, const struct value *v, size_t max)
{
	struct str raw = STR_INIT(4 * max + 64);

	print(&raw, v, 4 * max + 60, 0);
	_cleanup_(free_p) char *line = text_clean(str_get(&raw), 0);
	size_t n = strlen(line);
	if (n > max) {
		n = utf8_prefix(line, max > 3 ? max - 3 : 0);
		str_addn(out, line, n);
		str_add(out, "...");
	} else {
		str_addn(out, line, n);
	}
	str_fini(&raw);
}

/* One step of a path: ".name", "[12]", "[-1]", "['na.me']"; NULL when it is not one. */
static const char *path_step(const char *p, const struct value **v)
{
	char name[200];
	size_t n;
	int64_t i;

	if (*p == '.') {
		n = strcspn(++p, ".[");
		if (!n || n >= sizeof(name))
			return NULL;
		memcpy(name, p, n);
		name[n] = '\0';
		*v = value_get(*v, name);
		return p + n;
	}
	if (*p++ != '[')
		return NULL;
	char quote = *p == '\'' || *p == '"' ? *p++ : 0;
	n = quote ? strcspn(p, quote == '"' ? "\"" : "'") : strcspn(p, "]");
	if (n >= sizeof(name) || !p[n] || (quote && p[n + 1] != ']'))
		return NULL;
	memcpy(name, p, n);
	name[n] = '\0';
	p += n + (quote ? 2 : 1);
	if (quote) {
		*v = value_get(*v, name);
		return p;
	}
	if (!parse_i64(name, -ITEMS_MAX, ITEMS_MAX, &i))
		return NULL;
	size_t count = *v && (*v)->type == V_LIST ? (*v)->n_items : 0;
	if (i < 0)
		i += (int64_t)count;
	*v = i >= 0 && (size_t)i < count ? &(*v)->items[i] : NULL;
	return p;
}

const struct value *value_path(const struct value *v, const char *path)
{
	const char *p = path;

	if (*p++ != '$')
		return NULL;
	while (v && p && *p)
		p = path_step(p, &v);
	return p ? v : NULL;
}

bool value_path_valid(const char *path)
{
	const struct value none = { 0 };
	const struct value *v = &none;
	const char *p = path;

	if (!p || *p++ != '$')
		return false;
	while (p && *p) {
		v = &none;
		p = path_step(p, &v);
	}
	return p != NULL;
}
