/*
 * Requests of commands to the engines' API. Each engine of the list is tried in
 * turn; one that cannot be reached or says that it is not ready hands over to the
 * next. A refusal is final: engines share one database and would say the same.
 *
 * It does not read the database itself.
 */
#include "cli/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo_console.h"
#include "cli/frame.h"
#include "cli/options.h"
#include "cli/orders.h"
#include "cli/output.h"
#include "core/http.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/task.h"

enum { REQUEST_TIMEOUT_MS = 60000, PAGES_MAX = 10000 };

struct run {
	struct cli *c;
	int (*fn)(struct cli *c);
	int status;
};

static void run_task(void *arg)
{
	struct run *r = arg;

	r->status = r->fn(r->c);
}

static void stop_loop(void *arg)
{
	struct run *r = arg;

	loop_stop(r->c->loop);
}

int cli_run(struct cli *c, int (*fn)(struct cli *c))
{
	struct run r = { c, fn, EXIT_NO };

	if (demo_load_said(c))
		return EXIT_USAGE;
	c->loop = loop_new();
	c->http = http_new(c->loop);
	task_start(c->loop, c->command->name, run_task, &r, stop_loop);
	loop_run(c->loop);
	http_free(TAKE(c->http));
	loop_free(TAKE(c->loop));
	return r.status;
}

int cli_run_with(struct cli *c, int (*fn)(struct cli *c), void *user)
{
	int r;

	c->user = user;
	r = cli_run(c, fn);
	c->user = NULL;
	return r;
}

void *cli_user(const struct cli *c)
{
	return c->user;
}

struct loop *cli_loop(const struct cli *c)
{
	return c->loop;
}

struct http *cli_http(const struct cli *c)
{
	return c->http;
}

/* ---- one request ------------------------------------------------------------------ */

static const struct main_settings *settings(const struct cli *c)
{
	return cli_settings(c, &main_options);
}

static void fetch(struct cli *c, const char *base, const char *method, const char *path,
		  const char *body, const char *key, struct http_reply *ret)
{
	size_t n = strlen(base);
	_cleanup_(free_p) char *url =
		xasprintf("%.*s%s", (int)(n && base[n - 1] == '/' ? n - 1 : n), base, path);
	_cleanup_(free_p) char *idempotency = key ? xasprintf("Idempotency-Key: %s", key) : NULL;
	struct http_request req = {
		.method = method,
		.url = url,
		.headers = { "Accept: application/json" },
		.bearer_prefix = "Authorization: Bearer ",
		.bearer = settings(c)->token,
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.timeout_ms = REQUEST_TIMEOUT_MS,
	};
	size_t h = 1;

	if (body)
		req.headers[h++] = "Content-Type: application/json";
	if (idempotency)
		req.headers[h++] = idempotency;
	http_fetch(c->http, &req, ret);
}

/* Gates that are shut and not named yet, and those a person may go past. */
static void add_gates(const struct cli *c, struct str *out, const struct json *gates,
		      const char *said)
{
	struct str pass = STR_INIT(400);
	const char *sep = "; also shut: ";

	for (const struct json *g = json_first(gates); g; g = json_next(g)) {
		const char *name = json_get_str(g, "gate"), *why = json_get_str(g, "why");
		_cleanup_(free_p) char *told = xasprintf("gate %s ", name ? name : "?");

		if (json_get_bool(g, "pass", true) || !name || !orders_gate_asked(c, name))
			continue;
		if (json_get_bool(g, "overridable", false))
			str_addf(&pass, " --override %s", name);
		if (said && strstr(said, told))
			continue;
		str_addf(out, "%s%s%s%s%s", sep, name, why ? " (" : "", why ? why : "",
			 why ? ")" : "");
		sep = ", ";
	}
	if (pass.len)
		str_addf(out, "; to go on all the same:%s", str_get(&pass));
	str_fini(&pass);
}

/* The sentence of a problem document, with the gates that are shut. */
static void add_problem(const struct cli *c, struct str *out, const struct json *doc, int status)
{
	const char *detail = json_get_str(doc, "detail");
	const char *field = json_get_str(doc, "field");

	if (!detail)
		detail = json_get_str(doc, "title");
	if (detail)
		str_add(out, detail);
	else
		str_addf(out, "the engine answered %d", status);
	if (field && detail && !strstr(detail, field))
		str_addf(out, " (%s)", field);
	add_gates(c, out, json_get(doc, "gates"), detail);
}

static int tell_refusal(struct cli *c, int status, const struct http_reply *reply)
{
	struct str text = STR_INIT(2000);
	_cleanup_(json_free_p) struct json *doc = json_parse(reply->body.s, reply->body.len, NULL);
	int r = EXIT_NO;

	add_problem(c, &text, doc, status);
	if (status == 401) {
		r = EXIT_DENIED;
		str_addf(&text, "; %s", settings(c)->token ?
			 "'ringdown token create' makes a new one" :
			 "then set RINGDOWN_TOKEN or token: in the configuration");
	} else if (status == 403) {
		r = EXIT_DENIED;
	} else if (status == 400 || status == 413) {
		r = EXIT_USAGE;
	} else if (status >= 500) {
		r = EXIT_UNREACHABLE;
	}
	cli_fail(c, r, "%s", str_get(&text));
	for (const struct json *v = json_first(json_get(doc, "checklist")); v; v = json_next(v))
		cli_note(c, "[ ] %s", json_str(v) ? json_str(v) : "");
	str_fini(&text);
	return r;
}

static int tell_unreachable(struct cli *c, const char *base, const struct http_reply *reply)
{
	const char *more = settings(c)->api.n > 1 ? " (the last of several)" : "";

	return cli_fail(c, EXIT_UNREACHABLE, "no engine at %s%s: %s; start one with 'ringdown"
			" engine', or name it with --api", base, more,
			*reply->error ? reply->error : http_result_name(reply->result));
}

/* Sends to one engine after the other; *ret holds the last reply. True: it is an answer. */
static bool try_engines(struct cli *c, const char *method, const char *path, const char *body,
			const char *key, struct http_reply *ret, const char **ret_base)
{
	const struct strlist *api = &settings(c)->api;
	bool answered = false;

	for (size_t i = 0; i < api->n && !answered; i++) {
		http_reply_fini(ret);
		*ret = (struct http_reply){ 0 };
		*ret_base = api->v[i];
		fetch(c, api->v[i], method, path, body, key, ret);
		if (ret->result == HTTP_CANCELLED)
			break;
		answered = ret->result == HTTP_DONE && (ret->status != 503 || i + 1 == api->n);
	}
	return answered;
}

static int request(struct cli *c, const char *method, const char *path, const char *body,
		   const char *key, struct json **ret, int *ret_status)
{
	struct http_reply reply = { 0 };
	const char *base = "(none)";
	struct err err = { 0 };
	int r = 0;

	*ret = NULL;
	if (ret_status)
		*ret_status = 0;
	if (!settings(c)->api.n)
		return cli_fail(c, EXIT_USAGE, "no engine is named: give --api URL or set"
					       " RINGDOWN_API");
	if (!try_engines(c, method, path, body, key, &reply, &base)) {
		r = tell_unreachable(c, base, &reply);
	} else {
		if (ret_status)
			*ret_status = reply.status;
		if (reply.status < 200 || reply.status > 299)
			r = tell_refusal(c, reply.status, &reply);
		else if (reply.body.len)
			*ret = json_parse(reply.body.s, reply.body.len, &err);
		if (!r && reply.body.len && !*ret)
			r = cli_fail(c, EXIT_UNREACHABLE, "%s does not speak the engine's language:"
				     " %s", base, err.msg);
	}
	http_reply_fini(&reply);
	return r;
}

int remote_try(struct cli *c, const char *method, const char *path, const char *body,
	       struct json **ret)
{
	struct http_reply reply = { 0 };
	const char *base;
	char key[32];
	int status = 0;

	*ret = NULL;
	random_id(key, sizeof(key), "cli_");
	if (settings(c)->api.n &&
	    try_engines(c, method, path, body, body ? key : NULL, &reply, &base)) {
		status = reply.status;
		*ret = json_parse(reply.body.s, reply.body.len, NULL);
	}
	http_reply_fini(&reply);
	return status;
}

int remote_get(struct cli *c, const char *path, struct json **ret)
{
	int r = request(c, "GET", path, NULL, NULL, ret, NULL);

	if (!r && !*ret)
		r = cli_fail(c, EXIT_UNREACHABLE, "the engine's answer is empty");
	return r;
}

int remote_get_text(struct cli *c, const char *path, struct str *ret)
{
	struct http_reply reply = { 0 };
	const char *base = "(none)";
	int r = 0;

	if (!settings(c)->api.n)
		return cli_fail(c, EXIT_USAGE,
				"no engine is named: give --api URL or set RINGDOWN_API");
	if (!try_engines(c, "GET", path, NULL, NULL, &reply, &base))
		r = tell_unreachable(c, base, &reply);
	else if (reply.status < 200 || reply.status > 299)
		r = tell_refusal(c, reply.status, &reply);
	else
		str_addn(ret, reply.body.s, reply.body.len);
	http_reply_fini(&reply);
	return r;
}

int remote_send(struct cli *c, const char *method, const char *path, const char *body,
		struct json **ret, int *ret_status)
{
	char key[32];

	random_id(key, sizeof(key), "cli_");
	return request(c, method, path, body, key, ret, ret_status);
}

void remote_query(struct str *path, const char *name, const char *value)
{
	if (!value)
		return;
	str_addf(path, "%c%s=", strchr(str_get(path), '?') ? '&' : '?', name);
	str_add_urlencoded(path, value);
}

/* ---- printing ---------------------------------------------------------------------- */

static int add_rows(struct cli *c, struct table *t, const struct json *list,
		    const struct record_type *type, remote_reader read, const struct field **fields,
		    size_t n, int64_t *left)
{
	struct err err = { 0 };
	int r = 0;

	for (const struct json *v = json_first(list); v && !r && *left > 0; v = json_next(v),
	     --*left) {
		void *rec = xcalloc(1, type->size);
		record_init(type, rec);
		r = read ? read(rec, v, &err) : record_from_json(type, rec, v, false, &err);
		if (r)
			r = cli_fail(c, EXIT_UNREACHABLE, "the engine sent a %s that cannot be"
				     " read: %s", type->name, err.msg);
		else
			table_add_record(t, fields, n, rec);
		record_fini(type, rec);
		free(rec);
	}
	return r;
}

static void print_page(struct cli *c, const struct json *list, struct str *out, bool *first,
		       int64_t *left)
{
	for (const struct json *v = json_first(list); v && *left > 0; v = json_next(v), --*left) {
		if (cli_format(c) == FORMAT_JSON && !*first)
			str_addc(out, ',');
		*first = false;
		json_print(out, v);
		if (cli_format(c) == FORMAT_JSONL)
			str_addc(out, '\n');
	}
}

void remote_names(struct cli *c, struct table *t)
{
	struct http_reply reply = { 0 };
	const char *base = NULL;
	struct json *doc;

	if (t->format != FORMAT_TEXT || !t->n ||
	    !try_engines(c, "GET", API_FAILOVER "/accounts", NULL, NULL, &reply, &base)) {
		http_reply_fini(&reply);
		return;
	}
	doc = reply.status == 200 ? json_parse(reply.body.s, reply.body.len, NULL) : NULL;
	for (const struct json *a = json_first(json_get(doc, "accounts")); a; a = json_next(a))
		table_replace(t, json_get_str(a, "id"), json_get_str(a, "name"));
	json_free(doc);
	http_reply_fini(&reply);
}

int remote_account_id(struct cli *c, const char *ref, char **ret)
{
	struct str path = STR_INIT(4000);
	struct json *doc = NULL;
	int r;

	*ret = NULL;
	if (!ref)
		return 0;
	str_add(&path, API_FAILOVER "/accounts/");
	str_add_urlencoded(&path, ref);
	r = remote_get(c, str_get(&path), &doc);
	str_fini(&path);
	if (!r)
		*ret = xstrdup(json_get_str(doc, "id") ? json_get_str(doc, "id") : ref);
	json_free(doc);
	return r;
}

static bool shows_accounts(const struct table *t)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (strstr(t->columns[i].json, "ccountId") || str_eq(t->columns[i].json, "subject"))
			return true;
	return false;
}

int remote_list(struct cli *c, const char *path, const char *member, const struct record_type *type,
		remote_reader read, const char *columns)
{
	return remote_list_max(c, path, member, type, read, columns, 0);
}

/* One page: no more is asked for than is wanted. */
static int get_page(struct cli *c, const char *path, const char *cursor, int64_t left,
		    bool whole, struct json **ret)
{
	struct str at = STR_INIT(8000);
	char limit[24];
	int r;

	snprintf(limit, sizeof(limit), "%lld", (long long)(left < 1000 ? left : 1000));
	str_add(&at, path);
	remote_query(&at, "limit", whole ? NULL : limit);
	remote_query(&at, "cursor", cursor);
	r = remote_get(c, str_get(&at), ret);
	str_fini(&at);
	return r;
}

int remote_list_max(struct cli *c, const char *path, const char *member,
		    const struct record_type *type, remote_reader read, const char *columns,
		    int64_t max)
{
	const struct field *fields[TABLE_MAX_COLUMNS];
	struct str json = STR_INIT(STR_MAX_DEFAULT);
	bool as_json = cli_format(c) == FORMAT_JSON || cli_format(c) == FORMAT_JSONL;
	struct table t;
	size_t n = table_record_columns(&t, cli_format(c), type, columns, fields);
	_cleanup_(free_p) char *cursor = NULL;
	int64_t left = max > 0 ? max : INT64_MAX;
	bool first = true;
	int r = 0;

	if (cli_format(c) == FORMAT_JSON) {
		str_addc(&json, '{');
		json_add_string(&json, member, strlen(member));
		str_add(&json, ":[");
	}
	for (int page = 0; page < PAGES_MAX && !r && left > 0; page++) {
		struct json *doc = NULL;
		r = get_page(c, path, cursor, left, max == REMOTE_WHOLE, &doc);
		if (!r && as_json)
			print_page(c, json_get(doc, member), &json, &first, &left);
		else if (!r)
			r = add_rows(c, &t, json_get(doc, member), type, read, fields, n, &left);
		str_replace(&cursor, json_get_str(doc, "nextCursor"));
		json_free(doc);
		if (!cursor)
			break;
	}
	if (cli_format(c) == FORMAT_JSON)
		str_add(&json, "]}\n");
	if (!r && as_json)
		cli_write(c, str_get(&json));
	if (!r && !as_json && shows_accounts(&t))
		remote_names(c, &t);
	if (!r && !as_json)
		table_print(&t, c, member);
	table_fini(&t);
	str_fini(&json);
	return r;
}

static void add_lines(struct str *out, const struct json *v, int depth)
{
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		bool nested = json_type(m) == JSON_OBJECT || json_type(m) == JSON_ARRAY;
		str_addf(out, "%*s%s%s", 2 * depth, "", json_name(m) ? json_name(m) : "-",
			 json_name(m) ? ":" : "");
		if (nested && json_count(m)) {
			str_addc(out, '\n');
			add_lines(out, m, depth + 1);
			continue;
		}
		str_addc(out, ' ');
		if (json_str(m)) {
			_cleanup_(free_p) char *clean = text_clean(json_str(m), 0);
			str_add(out, clean);
		} else if (json_type(m) == JSON_NULL || nested) {
			str_add(out, json_type(m) == JSON_NULL ? "-" : "none");
		} else {
			json_print(out, m);
		}
		str_addc(out, '\n');
	}
}

void remote_print(struct cli *c, const struct json *doc)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);

	if (cli_format(c) == FORMAT_TEXT) {
		add_lines(&out, doc, 0);
	} else {
		json_print(&out, doc);
		str_addc(&out, '\n');
	}
	cli_write(c, str_get(&out));
	str_fini(&out);
}
