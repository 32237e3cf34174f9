/*
 * JSON over cJSON; no other file sees its header. A struct json is a cJSON node
 * under another name.
 *
 * cJSON takes more than JSON is (junk numbers, bytes after the value, bad UTF-8,
 * raw control characters, NUL inside names), so json_scan.c checks the text first
 * and cJSON only ever builds trees from text that is right. Duplicate members are
 * found on the tree. Integers are exact up to 2^53.
 */
#include "core/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_scan.h"
#include "core/mem.h"

static const cJSON *node(const struct json *v)
{
	return (const cJSON *)(const void *)v;
}

static const struct json *value(const cJSON *c)
{
	return (const struct json *)(const void *)c;
}

static int by_name(const void *a, const void *b)
{
	const cJSON *const *x = a;
	const cJSON *const *y = b;

	return strcmp((*x)->string, (*y)->string);
}

/* The children in name order; *ret_n of them, caller frees. */
static const cJSON **sorted_members(const cJSON *obj, size_t *ret_n)
{
	size_t n = json_count(value(obj));
	const cJSON **list = xcalloc(n, sizeof(*list));
	size_t i = 0;

	for (const cJSON *c = obj->child; c; c = c->next)
		list[i++] = c;
	qsort(list, n, sizeof(*list), by_name);
	*ret_n = n;
	return list;
}

static int check_tree(const cJSON *v, struct err *err)
{
	if (cJSON_IsNumber(v) && !isfinite(v->valuedouble))
		return err_set(err, ERR_INVALID, "a number is out of range");
	if (cJSON_IsObject(v) && v->child && v->child->next) {
		size_t n;
		const cJSON **list = sorted_members(v, &n);
		for (size_t i = 1; i < n; i++) {
			if (strcmp(list[i - 1]->string, list[i]->string) != 0)
				continue;
			err_field(err, ERR_INVALID, list[i]->string,
				  "member '%.60s' is there twice", list[i]->string);
			free(list);
			return ERR_INVALID;
		}
		free(list);
	}
	for (const cJSON *c = v->child; c; c = c->next) {
		int r = check_tree(c, err);
		if (r)
			return r;
	}
	return 0;
}

struct json *json_parse(const char *text, size_t len, struct err *err)
{
	if (json_scan(text, len, err))
		return NULL;
	cJSON *c = cJSON_ParseWithLength(text, len);
	if (!c) {
		err_set(err, ERR_INVALID, "1:1: not JSON");
		return NULL;
	}
	if (check_tree(c, err)) {
		cJSON_Delete(c);
		return NULL;
	}
	return (struct json *)(void *)c;
}

void json_free(struct json *root)
{
	cJSON_Delete((cJSON *)(void *)root);
}

void json_free_p(struct json **root)
{
	json_free(*root);
}

struct json *json_copy(const struct json *v)
{
	return v ? (struct json *)(void *)cJSON_Duplicate(node(v), true) : NULL;
}

enum json_type json_type(const struct json *v)
{
	switch (v ? node(v)->type & 0xff : cJSON_NULL) {
	case cJSON_False:
	case cJSON_True: return JSON_BOOL;
	case cJSON_Number: return JSON_NUMBER;
	case cJSON_String: return JSON_STRING;
	case cJSON_Array: return JSON_ARRAY;
	case cJSON_Object: return JSON_OBJECT;
	default: return JSON_NULL;
	}
}

const char *json_type_name(const struct json *v)
{
	switch (json_type(v)) {
	case JSON_BOOL: return "a boolean";
	case JSON_NUMBER: return "a number";
	case JSON_STRING: return "a string";
	case JSON_ARRAY: return "an array";
	case JSON_OBJECT: return "an object";
	case JSON_NULL: break;
	}
	return v ? "null" : "nothing";
}

const struct json *json_get(const struct json *obj, const char *name)
{
	if (json_type(obj) != JSON_OBJECT)
		return NULL;
	for (const cJSON *c = node(obj)->child; c; c = c->next)
		if (!strcmp(c->string, name))
			return value(c);
	return NULL;
}

static const struct json *element(const struct json *arr, int64_t i)
{
	const struct json *v = json_first(arr);

	while (v && i-- > 0)
		v = json_next(v);
	return v;
}

const struct json *json_path(const struct json *v, const char *path)
{
	char part[128];

	while (v && *path) {
		size_t n = strcspn(path, ".");
		int64_t i;
		if (n >= sizeof(part))
			return NULL;
		memcpy(part, path, n);
		part[n] = 0;
		if (json_type(v) != JSON_ARRAY)
			v = json_get(v, part);
		else
			v = parse_i64(part, 0, INT32_MAX, &i) ? element(v, i) : NULL;
		path += n + (path[n] == '.');
	}
	return v;
}

const char *json_str(const struct json *v)
{
	return json_type(v) == JSON_STRING ? node(v)->valuestring : NULL;
}

const char *json_get_str(const struct json *obj, const char *name)
{
	return json_str(json_get(obj, name));
}

bool json_bool(const struct json *v, bool otherwise)
{
	return json_type(v) == JSON_BOOL ? cJSON_IsTrue(node(v)) : otherwise;
}

bool json_get_bool(const struct json *obj, const char *name, bool otherwise)
{
	return json_bool(json_get(obj, name), otherwise);
}

int64_t json_i64(const struct json *v, int64_t otherwise)
{
	if (json_type(v) != JSON_NUMBER)
		return otherwise;
	double d = node(v)->valuedouble;
	if (d != floor(d) || d < -9007199254740992.0 || d > 9007199254740992.0)
		return otherwise;
	return (int64_t)d;
}

int64_t json_get_i64(const struct json *obj, const char *name, int64_t otherwise)
{
	return json_i64(json_get(obj, name), otherwise);
}

double json_double(const struct json *v, double otherwise)
{
	return json_type(v) == JSON_NUMBER ? node(v)->valuedouble : otherwise;
}

double json_get_double(const struct json *obj, const char *name, double otherwise)
{
	return json_double(json_get(obj, name), otherwise);
}

size_t json_count(const struct json *v)
{
	size_t n = 0;

	for (v = json_first(v); v; v = json_next(v))
		n++;
	return n;
}

const struct json *json_first(const struct json *v)
{
	enum json_type t = json_type(v);

	return t == JSON_ARRAY || t == JSON_OBJECT ? value(node(v)->child) : NULL;
}

const struct json *json_next(const struct json *v)
{
	return v ? value(node(v)->next) : NULL;
}

const char *json_name(const struct json *member)
{
	return member ? node(member)->string : NULL;
}

static void print_number(struct str *out, double d)
{
	char buf[40];

	if (!isfinite(d)) {
		str_add(out, "null");
		return;
	}
	if (d == floor(d) && fabs(d) < 9007199254740992.0) {
		str_addf(out, "%lld", (long long)d);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) { /* shortest that reads back the same */
		snprintf(buf, sizeof(buf), "%.*g", digits, d);
		if (strtod(buf, NULL) == d)
			break;
	}
	str_add(out, buf);
}

static void print(struct str *out, const struct json *v, bool sorted);

static void print_member(struct str *out, const cJSON *m, bool first, bool sorted)
{
	if (!first)
		str_addc(out, ',');
	json_add_string(out, m->string, strlen(m->string));
	str_addc(out, ':');
	print(out, value(m), sorted);
}

static void print_members(struct str *out, const struct json *v, bool sorted)
{
	size_t n = 0;
	const cJSON **list = sorted ? sorted_members(node(v), &n) : NULL;

	str_addc(out, '{');
	for (size_t i = 0; i < n; i++)
		print_member(out, list[i], i == 0, true);
	for (const cJSON *m = sorted ? NULL : node(v)->child; m; m = m->next)
		print_member(out, m, m == node(v)->child, false);
	str_addc(out, '}');
	free(list);
}

static void print(struct str *out, const struct json *v, bool sorted)
{
	const char *sep = "";

	switch (json_type(v)) {
	case JSON_NULL: str_add(out, "null"); break;
	case JSON_BOOL: str_add(out, json_bool(v, false) ? "true" : "false"); break;
	case JSON_NUMBER: print_number(out, node(v)->valuedouble); break;
	case JSON_STRING: json_add_string(out, json_str(v), strlen(json_str(v))); break;
	case JSON_OBJECT: print_members(out, v, sorted); break;
	case JSON_ARRAY:
		str_addc(out, '[');
		for (const struct json *c = json_first(v); c; c = json_next(c)) {
			str_add(out, sep);
			print(out, c, sorted);
			sep = ",";
		}
		str_addc(out, ']');
		break;
	}
}

void json_print(struct str *out, const struct json *v)
{
	print(out, v, true);
}

void json_print_ordered(struct str *out, const struct json *v)
{
	print(out, v, false);
}

void json_add_double(struct str *out, double v)
{
	print_number(out, v);
}
