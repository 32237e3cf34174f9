/* The body of a request against its route's members: unknown members, wrong types and
 * missing ones are named, before a handler sees anything. */
#include "api/internal.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 2000 };

static const struct member *find(const struct route *r, const char *name)
{
	for (int i = 0; i < MEMBERS_MAX && r->body[i].name; i++)
		if (str_eq(r->body[i].name, name))
			return &r->body[i];
	return NULL;
}

static int complain(struct call *c, const char *name, const char *detail)
{
	return api_problem_field(c, 400, name, detail);
}

static int unknown(struct call *c, const char *name)
{
	const char *names[MEMBERS_MAX] = { NULL };
	char detail[300];
	size_t n = 0;

	for (; n < MEMBERS_MAX && c->route->body[n].name; n++)
		names[n] = c->route->body[n].name;
	const char *near = str_nearest(name, names, n);
	_cleanup_(free_p) char *clean = text_clean(name, 60);
	snprintf(detail, sizeof(detail), near ? "unknown member \"%s\"; did you mean \"%s\"?" :
						"unknown member \"%s\"", clean, near);
	return complain(c, clean, detail);
}

static int check_texts(struct call *c, const struct member *m, const struct json *v)
{
	if (json_type(v) != JSON_ARRAY)
		return complain(c, m->name, "expected an array of strings");
	if (json_count(v) > 50)
		return complain(c, m->name, "at most 50 elements");
	for (const struct json *x = json_first(v); x; x = json_next(x))
		if (!json_str(x))
			return complain(c, m->name, "expected an array of strings");
	return 0;
}

static int check_bools(struct call *c, const struct member *m, const struct json *v)
{
	bool good = json_type(v) == JSON_ARRAY && json_count(v) <= 500;

	for (const struct json *x = good ? json_first(v) : NULL; x; x = json_next(x))
		good = good && json_type(x) == JSON_BOOL;
	return good ? 0 : complain(c, m->name, "expected an array of true and false");
}

static int check_member(struct call *c, const struct member *m, const struct json *v)
{
	char detail[200];
	int64_t max = m->max ? m->max : TEXT_MAX;

	switch (m->type) {
	case M_TEXT:
		if (!json_str(v))
			break;
		if ((int64_t)strlen(json_str(v)) > max) {
			snprintf(detail, sizeof(detail), "longer than %lld bytes", (long long)max);
			return complain(c, m->name, detail);
		}
		if (m->required && str_empty(json_str(v)))
			return complain(c, m->name, "must not be empty");
		return 0;
	case M_INT: {
		int64_t i = json_i64(v, 0);

		if (json_type(v) != JSON_NUMBER || json_double(v, 0) != (double)i)
			break;
		if ((m->min || m->max) && (i < m->min || i > m->max)) {
			snprintf(detail, sizeof(detail), "must be between %lld and %lld",
				 (long long)m->min, (long long)m->max);
			return complain(c, m->name, detail);
		}
		return 0;
	}
	case M_NUMBER:
		if (json_type(v) == JSON_NUMBER)
			return 0;
		break;
	case M_BOOL:
		if (json_type(v) == JSON_BOOL)
			return 0;
		break;
	case M_TEXTS:
		return check_texts(c, m, v);
	case M_BOOLS:
		return check_bools(c, m, v);
	case M_OBJECT:
		if (json_type(v) == JSON_OBJECT)
			return 0;
		break;
	}
	static const char *const want[] = {
		[M_TEXT] = "a string", [M_INT] = "a whole number", [M_BOOL] = "true or false",
		[M_TEXTS] = "an array of strings", [M_OBJECT] = "an object",
		[M_NUMBER] = "a number",
		[M_BOOLS] = "an array of true and false",
	};
	snprintf(detail, sizeof(detail), "expected %s, got %s", want[m->type], json_type_name(v));
	return complain(c, m->name, detail);
}

int body_check(struct call *c, const struct json *body)
{
	if (body && json_type(body) != JSON_OBJECT)
		return api_problem(c, 400, NULL, "the body must be a JSON object, not %s",
				   json_type_name(body));
	for (const struct json *v = json_first(body); v; v = json_next(v)) {
		const struct member *m = find(c->route, json_name(v));
		int status;

		if (!m)
			return unknown(c, json_name(v));
		if (json_type(v) == JSON_NULL && !m->required)
			continue;
		status = check_member(c, m, v);
		if (status)
			return status;
	}
	for (int i = 0; i < MEMBERS_MAX && c->route->body[i].name; i++)
		if (c->route->body[i].required && !json_get(body, c->route->body[i].name))
			return complain(c, c->route->body[i].name, "is required");
	return 0;
}
