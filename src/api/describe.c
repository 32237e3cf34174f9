/*
 * The API described by itself: the table of routes as it is, and as an OpenAPI document for
 * generators of clients. Both are written from the rows that requests are checked against, so
 * what stands here is what is taken.
 */
#include "api/internal.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine.h"

enum { WORDS_MAX = 64 };

static const char *const member_types[] = {
	[M_TEXT] = "string", [M_INT] = "integer", [M_BOOL] = "boolean", [M_TEXTS] = "strings",
	[M_OBJECT] = "object", [M_NUMBER] = "number", [M_BOOLS] = "booleans",
};
static const char *const query_types[] = {
	[Q_TEXT] = "string", [Q_INT] = "integer", [Q_WORD] = "word", [Q_WORDS] = "words",
	[Q_TIME] = "time", [Q_SPAN] = "duration", [Q_FLAG] = "flag", [Q_ID] = "id",
};

static const char *role_of(const struct route *r)
{
	return r->flags & ROUTE_OPEN ? "none" : r->flags & ROUTE_CRON ? "cron" :
	       enum_name(&person_role_names, (int)r->role);
}

/* ---- the table ------------------------------------------------------------------ */

static void members_json(struct jw *w, const struct route *r)
{
	jw_arr(w, "body");
	for (int i = 0; i < MEMBERS_MAX && r->body[i].name; i++) {
		const struct member *m = &r->body[i];

		jw_obj(w, NULL);
		jw_str(w, "name", m->name);
		jw_str(w, "type", member_types[m->type]);
		jw_bool(w, "required", m->required);
		jw_i64(w, "min", m->min);
		jw_i64(w, "max", m->max);
		jw_str(w, "help", m->help);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static void words_json(struct jw *w, const char *name, const struct query_param *q)
{
	const char *words[WORDS_MAX];
	size_t n = query_words(q, words, WORDS_MAX);

	if (n == 0)
		return;
	jw_arr(w, name);
	for (size_t i = 0; i < n; i++)
		jw_str(w, NULL, words[i]);
	jw_arr_end(w);
}

static void query_json(struct jw *w, const struct route *r)
{
	jw_arr(w, "query");
	for (int i = 0; i < QUERY_MAX && r->query[i].name; i++) {
		const struct query_param *q = &r->query[i];

		jw_obj(w, NULL);
		jw_str(w, "name", q->name);
		jw_str(w, "type", query_types[q->type]);
		jw_bool(w, "required", q->required);
		jw_i64(w, "min", q->min);
		jw_i64(w, "max", q->max);
		jw_i64(w, "default", q->otherwise);
		words_json(w, "words", q);
		jw_str(w, "help", q->help);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static int get_routes(struct call *c)
{
	struct jw w = JW(&c->out);
	const struct route *r;

	jw_obj(&w, NULL);
	jw_arr(&w, "routes");
	for (size_t i = 0; (r = api_routes(i)) != NULL; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "method", r->method);
		jw_str(&w, "path", r->path);
		jw_str(&w, "role", role_of(r));
		jw_bool(&w, "stream", r->flags & ROUTE_STREAM);
		jw_bool(&w, "anyBody", r->flags & ROUTE_NO_BODY_CHECK);
		jw_str(&w, "help", r->help);
		query_json(&w, r);
		members_json(&w, r);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	return 200;
}

/* ---- OpenAPI ---------------------------------------------------------------------- */

static void range_json(struct jw *w, int64_t min, int64_t max)
{
	if (min || max)
		jw_i64(w, "minimum", min);
	if (max && max != INT64_MAX)
		jw_i64(w, "maximum", max);
}

static void query_schema(struct jw *w, const struct query_param *q)
{
	jw_obj(w, "schema");
	jw_str(w, "type", q->type == Q_INT ? "integer" : "string");
	if (q->type == Q_INT) {
		range_json(w, q->min, q->max);
		if (q->otherwise > 0)
			jw_i64(w, "default", q->otherwise);
	} else if (q->type == Q_TIME) {
		jw_str(w, "format", "date-time");
	} else if (q->type == Q_FLAG) {
		jw_raw(w, "enum", "[\"0\",\"1\",\"false\",\"true\"]");
	} else if (q->type == Q_TEXT) {
		jw_i64(w, "maxLength", q->max ? q->max : 300);
	} else if (q->type == Q_WORD) {
		words_json(w, "enum", q);
	} else if (q->type == Q_WORDS) {
		words_json(w, "x-words", q);
	}
	jw_obj_end(w);
}

static void parameter_begin(struct jw *w, const char *name, const char *in, bool required)
{
	jw_obj(w, NULL);
	jw_str(w, "name", name);
	jw_str(w, "in", in);
	jw_bool(w, "required", required);
}

static void parameters(struct jw *w, const struct route *r)
{
	jw_arr(w, "parameters");
	for (const char *p = strchr(r->path, '{'); p; p = strchr(p + 1, '{')) {
		_cleanup_(free_p) char *name = xstrndup(p + 1, strcspn(p + 1, "}"));

		parameter_begin(w, name, "path", true);
		jw_raw(w, "schema", "{\"type\":\"string\",\"maxLength\":200}");
		jw_obj_end(w);
	}
	for (int i = 0; i < QUERY_MAX && r->query[i].name; i++) {
		parameter_begin(w, r->query[i].name, "query", r->query[i].required);
		jw_str(w, "description", r->query[i].help);
		query_schema(w, &r->query[i]);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static void member_schema(struct jw *w, const struct member *m)
{
	jw_obj(w, m->name);
	if (m->type == M_TEXTS || m->type == M_BOOLS) {
		jw_str(w, "type", "array");
		jw_obj(w, "items");
		jw_str(w, "type", m->type == M_TEXTS ? "string" : "boolean");
		jw_obj_end(w);
	} else {
		jw_str(w, "type", member_types[m->type]);
	}
	if (m->type == M_TEXT)
		jw_i64(w, "maxLength", m->max ? m->max : 2000);
	else if (m->type == M_INT)
		range_json(w, m->min, m->max);
	if (m->help)
		jw_str(w, "description", m->help);
	jw_obj_end(w);
}

static void request_body(struct jw *w, const struct route *r)
{
	bool needed = false;

	jw_obj(w, "requestBody");
	jw_obj(w, "content");
	jw_obj(w, "application/json");
	jw_obj(w, "schema");
	jw_str(w, "type", "object");
	if (!(r->flags & ROUTE_NO_BODY_CHECK)) {
		jw_bool(w, "additionalProperties", false);
		jw_obj(w, "properties");
		for (int i = 0; i < MEMBERS_MAX && r->body[i].name; i++)
			member_schema(w, &r->body[i]);
		jw_obj_end(w);
		jw_arr(w, "required");
		for (int i = 0; i < MEMBERS_MAX && r->body[i].name; i++) {
			if (r->body[i].required)
				jw_str(w, NULL, r->body[i].name);
			needed = needed || r->body[i].required;
		}
		jw_arr_end(w);
	}
	jw_obj_end(w);
	jw_obj_end(w);
	jw_obj_end(w);
	jw_bool(w, "required", needed);
	jw_obj_end(w);
}

static void operation(struct jw *w, const struct route *r)
{
	char method[12] = "";

	for (size_t i = 0; i < sizeof(method) - 1 && r->method[i]; i++)
		method[i] = (char)(r->method[i] | 0x20);
	jw_obj(w, method);
	jw_str(w, "summary", r->help);
	jw_str(w, "x-role", role_of(r));
	if (r->flags & ROUTE_OPEN)
		jw_raw(w, "security", "[]");
	parameters(w, r);
	if (!str_eq(r->method, "GET") && !str_eq(r->method, "DELETE"))
		request_body(w, r);
	jw_obj(w, "responses");
	jw_raw(w, "2XX", "{\"description\":\"done\"}");
	jw_raw(w, "default", "{\"description\":\"RFC 9457 problem\",\"content\":"
	       "{\"application/problem+json\":{\"schema\":{\"$ref\":"
	       "\"#/components/schemas/Problem\"}}}}");
	jw_obj_end(w);
	jw_obj_end(w);
}

static bool seen_before(size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (str_eq(api_routes(i)->path, api_routes(index)->path))
			return true;
	return false;
}

static int get_openapi(struct call *c)
{
	struct jw w = JW(&c->out);
	const struct route *r, *other;

	jw_obj(&w, NULL);
	jw_str(&w, "openapi", "3.1.0");
	jw_raw(&w, "info", "{\"title\":\"ringdown\",\"version\":\"1\"}");
	jw_raw(&w, "security", "[{\"token\":[]}]");
	jw_obj(&w, "paths");
	for (size_t i = 0; (r = api_routes(i)) != NULL; i++) {
		if (seen_before(i))
			continue;
		jw_obj(&w, r->path);
		for (size_t k = i; (other = api_routes(k)) != NULL; k++)
			if (str_eq(other->path, r->path))
				operation(&w, other);
		jw_obj_end(&w);
	}
	jw_obj_end(&w);
	jw_raw(&w, "components", "{\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":"
	       "\"bearer\"}},\"schemas\":{\"Problem\":{\"type\":\"object\",\"required\":[\"type\","
	       "\"title\",\"status\"],\"properties\":{\"type\":{\"type\":\"string\"},\"title\":"
	       "{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":"
	       "\"string\"},\"field\":{\"type\":\"string\"}}}}}");
	jw_obj_end(&w);
	return 200;
}

static const struct route routes[] = {
	{ "GET", "/api/v1/routes", PR_VIEWER, 0, { { 0 } }, get_routes,
	  "this table: method, path, role, parameters and members of the body" },
	{ "GET", "/api/v1/openapi", PR_VIEWER, 0, { { 0 } }, get_openapi,
	  "the same as an OpenAPI 3.1 document" },
};
const struct route_table describe_routes = { routes, COUNT_OF(routes) };
