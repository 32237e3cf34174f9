/*
 * http: one request, its parts bound where they stand: percent-encoded in the URL, checked
 * in headers, typed in JSON. `ringdown:` is this engine's own API, with the rights of the
 * person who ordered the step.
 *
 * A read is GET, HEAD or OPTIONS, unless the step declares effect: read and says why. Beyond
 * loopback only https. A secret is never part of a URL. Redirects are not followed: the
 * status is what the server said.
 */
#include <ctype.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/output.h"
#include "runbook/verbs.h"

enum { MAX_BODY = 4 << 20, SHOWN_BODY = 64 << 10, OWN_HEADERS = 2, DAY_S = 24 * 3600 };

/* A request ready to go. */
struct ready {
	struct str url, body, shown;		/* shown: headers and body for people */
	char *headers[HTTP_MAX_HEADERS];
	size_t n_headers;
	char *user;
	struct secret *password, *bearer;
	char *bearer_prefix;
	bool has_body, has_type;
};

static void ready_fini(struct ready *r)
{
	str_fini(&r->url);
	str_fini(&r->body);
	str_fini(&r->shown);
	for (size_t i = 0; i < r->n_headers; i++)
		free_p(&r->headers[i]);
	free_p(&r->user);
	free_p(&r->bearer_prefix);
	secret_free(r->password);
	secret_free(r->bearer);
}

/* ---- what is allowed ------------------------------------------------------------------- */

static bool is_own(const char *text)
{
	return str_has_prefix(text, "ringdown:");
}

static const char *method_of(const struct operation *op)
{
	return str_empty(op->method) ? "GET" : op->method;
}

static bool safe_method(const char *m)
{
	return str_eq(m, "GET") || str_eq(m, "HEAD") || str_eq(m, "OPTIONS");
}

/* Of our own API we know what only asks: the verdict, and whatever is a dry run. */
static bool own_read(const struct operation *op)
{
	return strstr(op->text, "/detect") || strstr(op->text, "/api/cron/twilio-health-monitor") ||
	       (op->body_json && strstr(op->body_json, "\"dryRun\":true"));
}

/* A POST that only asks, as its author says. Not for previews. */
static bool declared_read(const struct verb_call *c)
{
	const struct step *s = c->step;

	return s && c->op == &s->op && s->effect == EFFECT_READ && !str_empty(s->why) &&
	       (!is_own(c->op->text) || own_read(c->op));
}

static int check_effect(const struct verb_call *c, struct err *err)
{
	const char *m = method_of(c->op);

	if (c->effect == EFFECT_UNKNOWN)
		return err_set(err, ERR_DENIED, "the effect of this step is not declared");
	if (c->effect != EFFECT_READ || safe_method(m) || declared_read(c))
		return 0;
	return err_set(err, ERR_DENIED, "%s in a read: it needs effect: change, or effect: read "
		       "with a why", m);
}

static bool loopback(const char *host, size_t n)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strlen(names[i]) == n && strncasecmp(host, names[i], n) == 0)
			return true;
	if (n < 8 || strncmp(host, "127.", 4) != 0)
		return false;
	for (size_t i = 0; i < n; i++) /* 127.0.0.1.example.com is a name */
		if (!isdigit((unsigned char)host[i]) && host[i] != '.')
			return false;
	return true;
}

static int check_url(const struct verb_call *c, const char *url, struct err *err)
{
	const char *host = strstr(url, "://"), *at;
	size_t n;

	if (!host || (!str_has_prefix(url, "http://") && !str_has_prefix(url, "https://")))
		return err_set(err, ERR_INVALID, "'%.80s' is not an http(s) address", url);
	host += 3;
	n = strcspn(host, "/?#");
	at = memchr(host, '@', n);
	if (at)
		return err_set(err, ERR_DENIED, "a user or password in a URL: use auth");
	n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
	if (n == 0)
		return err_set(err, ERR_INVALID, "'%.80s' names no host", url);
	if (str_has_prefix(url, "https://") || c->env->allow_insecure_http || loopback(host, n))
		return 0;
	return err_set(err, ERR_DENIED, "plain http beyond this machine: use https");
}

/* ---- binding ------------------------------------------------------------------------------ */

/* The masked form of a value for people is what the masker makes of it. */
static int bind_url(const struct verb_call *c, struct ready *r, struct err *err)
{
	const char *text = c->op->text;
	bool asked = strchr(text, '?') != NULL;
	int e = bind_text(c->scope, text, BIND_URL, &r->url, NULL, err);

	for (size_t i = 0; i < c->op->n_query && e == 0; i++) {
		struct str v = STR_INIT(65536);
		bool secret = false;

		e = bind_text(c->scope, c->op->query[i].text, BIND_PLAIN, &v, &secret, err);
		if (e == 0 && secret)
			e = err_set(err, ERR_DENIED, "a secret does not go into a URL (query %s)",
				    c->op->query[i].name);
		str_addc(&r->url, asked ? '&' : '?');
		str_add_urlencoded(&r->url, c->op->query[i].name);
		str_addc(&r->url, '=');
		str_add_urlencoded(&r->url, str_get(&v));
		asked = true;
		str_fini(&v);
	}
	return e;
}

static int add_header(struct ready *r, const char *name, const char *value, struct err *err)
{
	if (r->n_headers >= HTTP_MAX_HEADERS - OWN_HEADERS)
		return err_set(err, ERR_TOO_BIG, "more than %d headers",
			       HTTP_MAX_HEADERS - OWN_HEADERS);
	r->headers[r->n_headers++] = xasprintf("%s: %s", name, value);
	r->has_type |= strcasecmp(name, "Content-Type") == 0;
	return 0;
}

static int bind_headers(const struct verb_call *c, struct ready *r, struct err *err)
{
	int e = 0;

	for (size_t i = 0; i < c->op->n_headers && e == 0; i++) {
		struct str v = STR_INIT(16384);
		bool secret = false;

		e = bind_text(c->scope, c->op->headers[i].text, BIND_HEADER, &v, &secret, err);
		if (e == 0)
			e = add_header(r, c->op->headers[i].name, str_get(&v), err);
		str_addf(&r->shown, "\n%s: ", c->op->headers[i].name);
		verb_show(c, &r->shown, secret ? "***" : str_get(&v));
		str_fini(&v);
	}
	return e;
}

static int bind_form(const struct verb_call *c, struct ready *r, struct err *err)
{
	int e = 0;

	for (size_t i = 0; i < c->op->n_form && e == 0; i++) {
		struct str v = STR_INIT(1 << 20);

		e = bind_text(c->scope, c->op->form[i].text, BIND_PLAIN, &v, NULL, err);
		str_add(&r->body, i ? "&" : "");
		str_add_urlencoded(&r->body, c->op->form[i].name);
		str_addc(&r->body, '=');
		str_add_urlencoded(&r->body, str_get(&v));
		str_fini(&v);
	}
	if (e == 0 && !r->has_type)
		e = add_header(r, "Content-Type", "application/x-www-form-urlencoded", err);
	return e;
}

static int bind_body(const struct verb_call *c, struct ready *r, struct err *err)
{
	int e = 0;

	r->has_body = c->op->body_json || c->op->n_form;
	if (c->op->body_json) {
		e = bind_json(c->scope, c->op->body_json, &r->body, err);
		if (e == 0 && !r->has_type)
			e = add_header(r, "Content-Type", "application/json", err);
	} else if (c->op->n_form) {
		e = bind_form(c, r, err);
	}
	if (e == 0 && r->has_body) {
		str_add(&r->shown, "\n\n");
		verb_show(c, &r->shown, str_get(&r->body));
	}
	return e;
}

/* A parameter of type secret, by name. */
static int secret_of(const struct verb_call *c, const char *name, struct secret **ret,
		     struct err *err)
{
	const struct value *v = bind_lookup(c->scope, *name == '$' ? name + 1 : name, err);

	if (!v)
		return ERR_NOT_FOUND;
	if (v->type != V_TEXT || str_empty(v->text))
		return err_field(err, ERR_INVALID, name, "%s: a text is needed", name);
	for (const char *p = v->text; *p; p++)
		if (*p == '\r' || *p == '\n')
			return err_field(err, ERR_INVALID, name, "%s holds a line break", name);
	*ret = secret_new(v->text);
	return 0;
}

static int bind_auth(const struct verb_call *c, struct ready *r, struct err *err)
{
	const struct operation *op = c->op;
	struct str user = STR_INIT(1000);
	int e = 0;

	if (op->auth_user && op->auth_secret) {
		e = bind_text(c->scope, op->auth_user, BIND_HEADER, &user, NULL, err);
		if (e == 0)
			e = secret_of(c, op->auth_secret, &r->password, err);
		r->user = str_take(&user);
		if (e == 0 && c->masker)
			masker_add(c->masker, secret_reveal(r->password), r->user);
		str_add(&r->shown, "\nuser ");
		verb_show(c, &r->shown, r->user);
		str_add(&r->shown, ", password ***");
	} else if (op->auth_bearer) {
		e = secret_of(c, op->auth_bearer, &r->bearer, err);
		if (op->auth_header)
			r->bearer_prefix = xasprintf("%s: ", op->auth_header);
		if (e == 0 && c->masker)
			masker_add(c->masker, secret_reveal(r->bearer), NULL);
		str_addf(&r->shown, "\n%s***", r->bearer_prefix ? r->bearer_prefix :
			 "Authorization: Bearer ");
	}
	str_fini(&user);
	return e;
}

static int prepare(const struct verb_call *c, struct ready *r, struct err *err)
{
	int e;

	*r = (struct ready){ .url = STR_INIT(65536), .body = STR_INIT(MAX_BODY),
			     .shown = STR_INIT(1 << 20) };
	e = bind_url(c, r, err);
	if (e == 0 && !is_own(c->op->text))
		e = check_url(c, str_get(&r->url), err);
	if (e == 0)
		e = bind_headers(c, r, err);
	if (e == 0)
		e = bind_auth(c, r, err);
	if (e == 0)
		e = bind_body(c, r, err);
	return e;
}

/* ---- results -------------------------------------------------------------------------------- */

static void set_body(const struct verb_call *c, struct value *result, const struct str *body)
{
	struct json *j = json_parse(str_get(body), body->len, NULL);
	struct str text = STR_INIT(SHOWN_BODY * 2);

	output_clean(c->masker, str_get(body), body->len, SHOWN_BODY, &text);
	value_set_text(value_add(result, "body"), str_get(&text));
	if (j)
		value_from_json(value_add(result, "json"), j);
	json_free(j);
	str_fini(&text);
}

/* Names in lower case; of a repeated one the last. */
static void set_headers(struct value *result, const struct str *head)
{
	struct value *map = value_add(result, "header");

	map->type = V_MAP;
	for (const char *line = strchr(str_get(head), '\n'); line && line[1];
	     line = strchr(line, '\n')) {
		size_t n = strcspn(++line, "\r\n"), k = strcspn(line, ":\r\n");

		if (k == 0 || k >= n)
			continue;
		_cleanup_(free_p) char *name = xstrndup(line, k);
		_cleanup_(free_p) char *value = xstrndup(line + k + 1, n - k - 1);
		_cleanup_(free_p) char *clean = text_clean(value + strspn(value, " \t"), 2000);
		struct value *v = NULL;

		for (char *p = name; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		for (size_t i = 0; i < map->n_items; i++)
			if (str_eq(map->items[i].name, name))
				v = &map->items[i];
		value_set_text(v ? v : value_add(map, name), clean);
	}
}

static void set_cert(const struct verb_call *c, struct value *result, const struct http_reply *r)
{
	int64_t whole_days = (r->cert_until_ms - loop_wall_ms(c->env->loop)) / 1000 / DAY_S;

	if (r->cert_until_ms)
		value_set_number(value_add(result, "cert_days"), (double)whole_days);
}

static int failed(const struct verb_call *c, const struct http_reply *r, struct err *err)
{
	bool again = safe_method(method_of(c->op));

	return err_set(err, r->result == HTTP_TIMEOUT ? ERR_TIMEOUT :
		       r->result == HTTP_CANCELLED ? ERR_CANCELLED :
		       r->result == HTTP_TOO_BIG ? ERR_TOO_BIG :
		       r->result == HTTP_REFUSED ? ERR_INVALID : ERR_UNREACHABLE, "%s: %s%s",
		       http_result_name(r->result), r->error,
		       r->sent && !again ? "; it may have been carried out" : "");
}

static int fetch(struct verb_call *c, const struct ready *r, struct value *result, struct err *err)
{
	struct http_request q = {
		.method = method_of(c->op), .url = str_get(&r->url), .user = r->user,
		.password = r->password, .bearer = r->bearer, .bearer_prefix = r->bearer_prefix,
		.body = r->has_body ? str_get(&r->body) : NULL, .body_len = r->body.len,
		.timeout_ms = c->timeout_ms > 0 ? c->timeout_ms : 30000, .max_body = MAX_BODY,
		.want_cert = str_has_prefix(str_get(&r->url), "https://"),
	};
	struct http_reply reply;
	int e = 0;

	for (size_t i = 0; i < r->n_headers; i++)
		q.headers[i] = r->headers[i];
	http_fetch(c->env->http, &q, &reply);
	verb_time(result, reply.latency_ms);
	if (reply.result == HTTP_DONE) {
		value_set_number(value_add(result, "status"), reply.status);
		set_headers(result, &reply.head);
		set_body(c, result, &reply.body);
		set_cert(c, result, &reply);
	} else {
		e = failed(c, &reply, err);
	}
	http_reply_fini(&reply);
	return e;
}

/* This engine's own API: same checks and the same audit as a call from outside. */
static int own(struct verb_call *c, const struct ready *r, struct value *result, struct err *err)
{
	const struct run_ports *p = c->env->ports;
	int64_t began = loop_now_ms(c->env->loop);
	struct str body = STR_INIT(MAX_BODY);
	int status = 0, e;

	if (!p || !p->engine_call)
		return err_set(err, ERR_UNREACHABLE, "this step needs an engine: none is attached");
	e = p->engine_call(p->ctx, method_of(c->op), str_get(&r->url) + strlen("ringdown:"),
			   r->has_body ? str_get(&r->body) : NULL, c->by, c->role, &status, &body,
			   err);
	verb_time(result, loop_now_ms(c->env->loop) - began);
	if (e == 0) {
		value_set_number(value_add(result, "status"), status);
		set_body(c, result, &body);
	}
	str_fini(&body);
	return e;
}

static int run(struct verb_call *c, struct value *result, struct err *err)
{
	struct ready r = { .n_headers = 0 };
	int e = check_effect(c, err);

	result->type = V_MAP;
	if (e == 0)
		e = prepare(c, &r, err);
	if (e == 0 && c->rehearse) {
		value_set_bool(value_add(result, "rehearsed"), false);
		ready_fini(&r);
		return 0;
	}
	if (e == 0)
		e = is_own(c->op->text) ? own(c, &r, result, err) : fetch(c, &r, result, err);
	ready_fini(&r);
	return e;
}

static int describe(const struct verb_call *c, struct str *ret, struct err *err)
{
	struct ready r;
	int e = prepare(c, &r, err);

	if (e == 0) {
		str_addf(ret, "%s ", method_of(c->op));
		verb_show(c, ret, str_get(&r.url));
		str_add(ret, str_get(&r.shown));
	}
	ready_fini(&r);
	return e;
}

const struct verb verb_http = { .describe = describe, .run = run };
