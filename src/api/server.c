/*
 * The API's server: each request becomes a task that finds the route, checks token,
 * role, query and body, replays an answer already given for its Idempotency-Key, runs the
 * handler and replies. Everything before the handler is bounded by httpd.
 */
#include "api/internal.h"

#include <stdio.h>
#include <string.h>

#include "api/idempotency.h"
#include "api/intake.h"
#include "api/run_marks.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/task.h"
#include "engine/engine.h"
#include "store/accounts.h"

static const struct option_row rows[] = {
	{ "listen", OPT_STR, offsetof(struct api_settings, listen), "127.0.0.1:8470",
	  .env = "RINGDOWN_LISTEN", .help = "address and port of the HTTP API; port 0 picks one" },
	{ "advertise", OPT_STR, offsetof(struct api_settings, advertise), NULL,
	  .help = "URL that consoles and other engines use; default from listen" },
	{ "openHealth", OPT_BOOL, offsetof(struct api_settings, open_health), "true",
	  .help = "serve /healthz, /readyz and /metrics without a token" },
	{ "maxBody", OPT_INT, offsetof(struct api_settings, max_body), "1048576", 1024, 16777216,
	  .help = "largest request body in bytes" },
	{ "maxConnections", OPT_INT, offsetof(struct api_settings, max_connections), "512", 8,
	  20000,
	  .help = "connections at the same time" },
	{ "ratePerMinute", OPT_INT, offsetof(struct api_settings, rate_per_minute), "1200", 10,
	  1000000, .help = "requests of one token in a minute; more get 429" },
	{ "alertsPerMinute", OPT_INT, offsetof(struct api_settings, alerts_per_minute), "30000",
	  10, 1000000, .help = "deliveries of alerts by one token in a minute; more are told to"
			       " come again (503)" },
	{ "streamQueue", OPT_INT, offsetof(struct api_settings, stream_queue), "1048576", 65536,
	  67108864, .help = "bytes queued for a slow stream before it is dropped; it resumes by"
			    " sequence" },
	{ "numbers.maxPerDay", OPT_INT, offsetof(struct api_settings, numbers_per_day), "20", 0,
	  10000,
	  .help = "numbers that people may buy in 24 hours, in all; 0: none" },
	{ "numbers.maxMonthlyPrice", OPT_DOUBLE, offsetof(struct api_settings, number_price), "5",
	  .help = "dearest number that may be bought, a month, in the account's currency" },
};
const struct option_table api_options = { "api", rows, COUNT_OF(rows),
					  sizeof(struct api_settings) };

struct api {
	struct engine *engine;
	const struct api_settings *set;
	struct httpd *httpd;
	struct auth *auth;
	struct run_marks *run_marks;
	struct intake *intake;
	int open_calls;
	bool stopping;
};

struct run_marks *api_run_marks(const struct api *a)
{
	return a->run_marks;
}

struct intake *api_intake(const struct api *a)
{
	return a->intake;
}

const struct api_settings *api_get_settings(const struct api *a)
{
	return a->set;
}

int api_port(const struct api *a)
{
	return httpd_port(a->httpd);
}

/* ---- what handlers read ---------------------------------------------------------- */

const char *call_text(const struct call *c, const char *member)
{
	const char *s = json_get_str(c->body, member);

	return str_empty(s) ? NULL : s;
}

int64_t call_int(const struct call *c, const char *member, int64_t otherwise)
{
	return json_get_i64(c->body, member, otherwise);
}

bool call_flag(const struct call *c, const char *member)
{
	return json_get_bool(c->body, member, false);
}

bool call_query_account(struct call *c, const char *name, char **ret, int *status)
{
	const char *ref = call_query(c, name);
	struct account a = { 0 };
	struct err err = { 0 };
	char detail[200];

	*ret = NULL;
	if (!ref)
		return true;
	if (account_get(c->engine->store, ref, &a, &err) == 0)
		*ret = xstrdup(a.id);
	else if (err.code == ERR_NOT_FOUND)
		snprintf(detail, sizeof(detail), "there is no account '%.80s'", ref);
	record_fini(&account_type, &a);
	if (!*ret)
		*status = err.code == ERR_NOT_FOUND ? api_problem_field(c, 404, name, detail) :
						      api_problem_err(c, &err);
	return *ret != NULL;
}

/* ---- one request ------------------------------------------------------------------ */

static void call_free(struct call *c)
{
	for (int i = 0; i < PARAMS_MAX; i++)
		free_p(&c->params[i]);
	json_free((struct json *)(uintptr_t)c->body);
	query_free(c);
	free_p(&c->user);
	str_fini(&c->out);
	free_p(&c);
}

void api_reply_page(struct call *c, const char *type)
{
	c->answered = true;
	httpd_add_header(c->req, "Cache-Control", "no-store");
	httpd_add_header(c->req, "X-Content-Type-Options", "nosniff");
	httpd_reply(c->req, 200, type, str_get(&c->out), c->out.len);
}

static void reply(struct call *c, int status)
{
	const char *type = status >= 400 ? "application/problem+json" : "application/json";

	if (c->answered)
		return;
	c->answered = true;
	if (status == 401)
		httpd_add_header(c->req, "WWW-Authenticate", "Bearer");
	httpd_add_header(c->req, "Cache-Control", "no-store");
	httpd_add_header(c->req, "X-Content-Type-Options", "nosniff");
	httpd_reply(c->req, status, type, str_get(&c->out), c->out.len);
}

/* Parses and checks the body; 0 or the status of the problem. */
static int read_body(struct call *c)
{
	const char *type = httpd_header(c->req, "Content-Type");
	struct err err = { 0 };
	size_t len = 0;
	const char *body = httpd_body(c->req, &len);

	if (c->route->flags & ROUTE_NO_BODY_CHECK)
		return 0;
	if (len == 0)
		return body_check(c, NULL);
	if (str_eq(httpd_method(c->req), "GET"))
		return api_problem(c, 400, NULL, "a GET has no body");
	/* a form is what curl -d says when it is not told; the body is JSON all the same */
	if (type && !str_has_prefix(type, "application/json") &&
	    !str_has_prefix(type, "application/x-www-form-urlencoded"))
		return api_problem(c, 415, NULL, "the body must be application/json");
	c->body = json_parse(body, len, &err);
	if (!c->body)
		return api_problem(c, 400, NULL, "the body is not JSON: %s", err.msg);
	return body_check(c, c->body);
}

static int handle(struct call *c)
{
	int status = c->route->handle(c);

	if (status == 200 && c->route->list)
		pages_cut(c);
	return status;
}

static int run_handler(struct call *c)
{
	struct idempotency idem;
	int status = idempotency_begin(&idem, c);

	if (status)
		return status;
	status = handle(c);
	idempotency_end(&idem, c, status);
	return status;
}

static int answer(struct call *c)
{
	struct str allow = STR_INIT(200);
	int status = 404;

	c->route = route_match(httpd_method(c->req), httpd_path(c->req), c->params, &status,
			       &allow);
	if (!c->route) {
		if (status == 405)
			httpd_add_header(c->req, "Allow", str_get(&allow));
		status = api_problem(c, status, NULL, status == 405 ?
			"this path does not take %s" : "there is no %s here", httpd_method(c->req));
		str_fini(&allow);
		return status;
	}
	str_fini(&allow);
	status = auth_check(c->api->auth, c);
	if (!status)
		status = query_check(c, httpd_query_string(c->req));
	if (!status)
		status = read_body(c);
	return status ? status : run_handler(c);
}

/* What the problem in c->out says. */
static void count_delivery(struct call *c, int status)
{
	struct json *doc = status < 300 ? NULL : json_parse(str_get(&c->out), c->out.len, NULL);
	const char *why = json_get_str(doc, "detail");

	intake_count(c->api->intake, c->over_rate ? IN_TOO_MANY : intake_of_status(status),
		     c->user ? c->user : httpd_peer(c->req), why ? why : "");
	json_free(doc);
}

static void call_task(void *arg)
{
	struct call *c = arg;
	int status = answer(c);

	if (c->route && c->route->flags & ROUTE_ALERTS)
		count_delivery(c, status);
	reply(c, status);
}

static void call_done(void *arg)
{
	struct call *c = arg;

	c->api->open_calls--;
	call_free(c);
}

static void on_request(void *ctx, struct httpd_req *req)
{
	struct api *a = ctx;
	struct call *c = xcalloc(1, sizeof(*c));

	c->engine = a->engine;
	c->api = a;
	c->req = req;
	c->out = STR_INIT(STR_MAX_DEFAULT);
	if (a->stopping) {
		problem_plain(&c->out, 503, "this engine is shutting down");
		reply(c, 503);
		call_free(c);
		return;
	}
	a->open_calls++;
	task_start(a->engine->loop, "api", call_task, c, call_done);
}

static int inner_answer(struct call *c, const char *method, const char *path, const char *query,
			const char *body)
{
	struct str allow = STR_INIT(200);
	struct err err = { 0 };
	int status = 404;

	c->route = route_match(method, path, c->params, &status, &allow);
	str_fini(&allow);
	if (!c->route)
		return api_problem(c, status, NULL, "there is no %s %s here", method, path);
	if (c->route->flags & (ROUTE_STREAM | ROUTE_CRON))
		return api_problem(c, 400, NULL, "this is not for runbooks");
	if (c->role < c->route->role)
		return api_problem(c, 403, NULL, "the role %s is needed",
				   enum_name(&person_role_names, (int)c->route->role));
	if (c->route->flags & ROUTE_NO_BODY_CHECK)
		return api_problem(c, 400, NULL, "this is not for runbooks");
	if (!str_empty(body)) {
		c->body = json_parse(body, strlen(body), &err);
		if (!c->body)
			return api_problem(c, 400, NULL, "the body is not JSON: %s", err.msg);
	}
	int bad = query_check(c, query);

	if (!bad)
		bad = body_check(c, c->body);
	return bad ? bad : handle(c);
}

int api_call(struct api *a, const char *method, const char *path, const char *body,
	     const char *by, int role, int *ret_status, struct str *ret_body, struct err *err)
{
	struct call *c = xcalloc(1, sizeof(*c));
	const char *mark = strchr(path, '?');
	_cleanup_(free_p) char *plain = xstrndup(path, mark ? (size_t)(mark - path) : strlen(path));

	if (a->stopping) {
		free_p(&c);
		return err_set(err, ERR_UNREACHABLE, "this engine is shutting down");
	}
	c->engine = a->engine;
	c->api = a;
	c->user = xstrdup(by);
	c->role = (enum person_role)role;
	c->out = STR_INIT(STR_MAX_DEFAULT);
	a->open_calls++;
	*ret_status = inner_answer(c, method, plain, mark ? mark + 1 : "", body);
	str_addn(ret_body, str_get(&c->out), c->out.len);
	a->open_calls--;
	call_free(c);
	return 0;
}

static void on_error(void *ctx, const struct httpd_req *r, int status, const char *why,
		     struct str *body, const char **content_type)
{
	const struct api *a = ctx;

	if (r && str_eq(httpd_path(r), ALERTS_RECEIVE))
		intake_count(a->intake, intake_of_status(status), httpd_peer(r), why);
	problem_plain(body, status, why);
	*content_type = "application/problem+json";
}

/* ---- life -------------------------------------------------------------------------- */

static int split_listen(const char *listen, char *host, size_t n, int64_t *port, struct err *err)
{
	const char *colon = strrchr(listen, ':');

	if (!colon || !parse_i64(colon + 1, 0, 65535, port) || (size_t)(colon - listen) >= n)
		return err_set(err, ERR_INVALID, "listen: expected ADDRESS:PORT, got '%s'", listen);
	snprintf(host, n, "%.*s", (int)(colon - listen), listen);
	return 0;
}

struct api *api_new(struct engine *e, const struct api_settings *set, struct err *err)
{
	char host[128];
	int64_t port;
	struct api *a;

	if (split_listen(set->listen, host, sizeof(host), &port, err) < 0)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->engine = e;
	a->set = set;
	struct httpd_options o = { .address = host, .port = (int)port,
				   .max_body = (size_t)set->max_body,
				   .big_path = ALERTS_RECEIVE, .big_body = ALERTS_MAX_BODY,
				   .max_connections = (int)set->max_connections };
	a->httpd = httpd_new(e->loop, &o, on_request, a, err);
	if (!a->httpd) {
		free_p(&a);
		return NULL;
	}
	httpd_on_error(a->httpd, on_error, a);
	a->auth = auth_new(a);
	a->intake = intake_new(e);
	a->run_marks = run_marks_new(loop_wall_ms(e->loop));
	return a;
}

void api_stop(struct api *a)
{
	if (a)
		a->stopping = true;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	httpd_free(a->httpd);
	auth_free(a->auth);
	run_marks_free(a->run_marks);
	intake_free(a->intake);
	free_p(&a);
}
