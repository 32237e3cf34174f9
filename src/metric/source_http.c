/*
 * Metrics over HTTP: a path of the telephony application, whose reply is JSON, and a query of
 * Prometheus. `value` says where the number is: "$.average", or with `by` one in each element
 * of an array, "$.calls[*].mos".
 *
 * Beyond loopback only https. Redirects are not followed.
 */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/str.h"
#include "metric/internal.h"

enum { BODY_MAX = 8 << 20 };

/* ---- paths in JSON --------------------------------------------------------------------------- */

/* "$.a[0].b" -> "a.0.b" */
static void plain_path(struct str *b, const char *path, size_t n)
{
	if (!path)
		return;
	if (n && *path == '$') {
		path++;
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		if (path[i] == ']')
			continue;
		if (path[i] == '.' || path[i] == '[') {
			if (b->len && b->s[b->len - 1] != '.')
				str_addc(b, '.');
		} else {
			str_addc(b, path[i]);
		}
	}
}

static const struct json *at_path(const struct json *j, const char *path, size_t n)
{
	struct str b = STR_INIT(1000);
	const struct json *v;

	plain_path(&b, path, n);
	v = b.len ? json_path(j, str_get(&b)) : j;
	str_fini(&b);
	return v;
}

static bool number_of(const struct json *v, double *ret)
{
	if (json_type(v) == JSON_NUMBER)
		*ret = json_double(v, 0);
	else if (json_type(v) == JSON_BOOL)
		*ret = json_bool(v, false);
	else
		return json_str(v) && parse_double(json_str(v), ret);
	return true;
}

/* Numbers of the elements, each under its label. */
static int each(const struct policy_metric *m, const struct json *j, const char *star,
		struct metric_points *ret, struct err *err)
{
	const struct json *list = at_path(j, m->json_path, (size_t)(star - m->json_path));

	if (json_type(list) != JSON_ARRAY)
		return err_set(err, ERR_INVALID, "the reply has no list at %s", m->json_path);
	for (const struct json *x = json_first(list); x; x = json_next(x)) {
		const struct json *label = json_path(x, m->by);
		const char *rest = star + strlen("[*]");
		struct str text = STR_INIT(1000);
		double v;

		if (json_str(label))
			str_add(&text, json_str(label));
		else
			json_print(&text, label);
		if (number_of(at_path(x, rest, strlen(rest)), &v))
			metric_points_add(ret, str_get(&text), v);
		str_fini(&text);
	}
	return 0;
}

int metric_from_json(const struct policy_metric *m, const char *text, size_t len,
		     struct metric_points *ret, struct err *err)
{
	_cleanup_(json_free_p) struct json *j = json_parse(text, len, err);
	const char *path = m->json_path ? m->json_path : "$", *star = strstr(path, "[*]");
	const struct json *v;
	double number;

	if (!j)
		return err_prefix(err, "the reply is not JSON");
	if (m->by && star)
		return each(m, j, star, ret, err);
	v = at_path(j, path, strlen(path));
	if (json_type(v) == JSON_NULL)
		return err_set(err, ERR_NOT_FOUND, "the reply has no value at %s", path);
	if (!number_of(v, &number))
		return err_set(err, ERR_INVALID, "%s came at %s instead of a number",
			       json_type_name(v), path);
	metric_points_add(ret, "", number);
	return 0;
}

/* [time, "number"]; what is no number is no value. */
static void add_sample(struct metric_points *ret, const char *label, const struct json *pair)
{
	double v;

	if (json_count(pair) == 2 && number_of(json_path(pair, "1"), &v) && isfinite(v))
		metric_points_add(ret, label, v);
}

int metric_from_prometheus(const struct policy_metric *m, const char *text, size_t len,
			   struct metric_points *ret, struct err *err)
{
	_cleanup_(json_free_p) struct json *j = json_parse(text, len, err);
	const struct json *data = json_get(j, "data"), *result = json_get(data, "result");
	const char *type = json_get_str(data, "resultType");

	if (!j)
		return err_prefix(err, "Prometheus' reply is not JSON");
	if (!str_eq(json_get_str(j, "status"), "success")) {
		const char *why = json_get_str(j, "error");
		_cleanup_(free_p) char *clean = text_clean(why ? why : "no reason given", 200);

		return err_set(err, ERR_FAILED, "Prometheus refuses the query: %s", clean);
	}
	if (str_eq(type, "scalar")) {
		add_sample(ret, "", result);
		return 0;
	}
	if (!str_eq(type, "vector"))
		return err_set(err, ERR_INVALID,
			       "the query gives a %.20s; a vector or a scalar is wanted",
			       type ? type : "nothing");
	for (const struct json *x = json_first(result); x; x = json_next(x))
		add_sample(ret, m->by ? json_get_str(json_get(x, "metric"), m->by) : "",
			   json_get(x, "value"));
	return 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

static bool loopback(const char *host)
{
	size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");

	if ((n == 9 && strncasecmp(host, "localhost", n) == 0) ||
	    (n == 5 && strncmp(host, "[::1]", n) == 0))
		return true;
	if (strncmp(host, "127.", 4) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isdigit((unsigned char)host[i]) && host[i] != '.')
			return false;
	return true;
}

static int fetch(struct metric_ask *a, const char *url, struct http_reply *ret, struct err *err)
{
	struct http_request q = { .method = "GET", .url = url, .timeout_ms = a->deadline_ms,
				  .max_body = BODY_MAX };
	bool tls = str_has_prefix(url, "https://");

	q.headers[0] = "Accept: application/json";
	if (!tls && !str_has_prefix(url, "http://"))
		return err_set(err, ERR_INVALID, "'%.80s' is not an http(s) address", url);
	if (!tls && !a->ms->d.allow_insecure_http && !loopback(url + strlen("http://")))
		return err_set(err, ERR_DENIED, "plain http beyond this machine: use https");
	http_fetch(a->ms->d.http, &q, ret);
	if (ret->result == HTTP_DONE)
		return 0;
	return err_set(err, ret->result == HTTP_TIMEOUT ? ERR_TIMEOUT :
		       ret->result == HTTP_CANCELLED ? ERR_CANCELLED : ERR_UNREACHABLE,
		       "no answer (%s)%s%s", http_result_name(ret->result),
		       ret->error[0] ? ": " : "", ret->error);
}

static void add_query(struct str *url, const char *name, const char *value)
{
	str_addc(url, strchr(str_get(url), '?') ? '&' : '?');
	str_add_urlencoded(url, name);
	str_addc(url, '=');
	str_add_urlencoded(url, value);
}

int metric_ask_http(struct metric_ask *a, struct err *err)
{
	_cleanup_(free_p) char *base = NULL;
	const char *target = a->ms->d.target;
	struct str url = STR_INIT(65536);
	struct http_reply reply = { 0 };
	int e = metric_expand(a->policy, target, a->m->text, a->over_ms, &base, err);

	str_add(&url, base);
	for (size_t i = 0; e == 0 && i < a->m->n_query; i++) {
		const struct policy_pair *q = &a->m->query[i];
		_cleanup_(free_p) char *v = NULL;

		e = metric_expand(a->policy, target, q->value, a->over_ms, &v, err);
		if (e == 0)
			add_query(&url, q->name, v);
	}
	if (e == 0)
		e = fetch(a, str_get(&url), &reply, err);
	if (e == 0 && reply.status != 200)
		e = err_set(err, ERR_FAILED, "HTTP status %d", reply.status);
	if (e == 0)
		e = metric_from_json(a->m, str_get(&reply.body), reply.body.len, a->ret, err);
	http_reply_fini(&reply);
	str_fini(&url);
	return e;
}

int metric_ask_prometheus(struct metric_ask *a, struct err *err)
{
	const char *base = policy_target_value(a->policy, a->ms->d.target, "prometheus");
	_cleanup_(free_p) char *query = NULL;
	struct str url = STR_INIT(65536);
	struct http_reply reply = { 0 };
	int e;

	if (str_empty(base))
		return err_set(err, ERR_NOT_FOUND, "the target '%s' of the policy has no value for "
			       "prometheus, the address of its server", a->ms->d.target);
	e = metric_expand(a->policy, a->ms->d.target, a->m->text, a->over_ms, &query, err);
	str_addf(&url, "%s/api/v1/query", base);
	if (e == 0) {
		add_query(&url, "query", query);
		e = fetch(a, str_get(&url), &reply, err);
	}
	/* 400 and 422 carry the reason in the same form */
	if (e == 0 && reply.status != 200 && reply.status != 400 && reply.status != 422)
		e = err_set(err, ERR_FAILED, "Prometheus answers with HTTP status %d",
			    reply.status);
	if (e == 0)
		e = metric_from_prometheus(a->m, str_get(&reply.body), reply.body.len, a->ret, err);
	http_reply_fini(&reply);
	str_fini(&url);
	return e;
}
