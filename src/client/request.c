/*
 * Single requests of the screen: documents to show, changes to make.
 *
 * Invariants: done is called exactly once, from the loop, unless the request was cancelled;
 * a change carries one random key through all its attempts, and goes to another engine only
 * when the one before was not reached or broke off before its answer. Everything ends
 * within the deadline.
 */
#include "client/internal.h"

#include <stdio.h>
#include <string.h>

enum {
	DEADLINE_MS = 15000,
	CONNECT_MS = 3000,
	READ_MS = 6000,			/* one attempt to read; the next engine may know it, too */
	HOLD_MS = 3000,			/* how long a request waits for the link to be there */
	AGAIN_MS = 400,
	BODY_MAX = 16 << 20,
};

struct client_request {
	struct client *client;
	struct client_request *next, *prev;
	struct http_call call;
	struct lookup *lookup;		/* instead of a call: asked of the database */
	struct timer timer;		/* waits for a link, a pause, or the deadline */
	char *method, *path, *body, *url;
	char key[40], key_header[64];
	client_done done;
	client_text_done text_done;	/* instead: the answer as it came */
	void *ctx;
	int64_t deadline_ms, hold_ms;
	size_t engine, tried;
	bool change, running, cancelled, maybe_done;
	char problem[400];
};

static void attempt(struct client_request *r);

static void unlink_free(struct client_request *r)
{
	struct client *c = r->client;

	timer_stop(&r->timer);
	if (r->prev)
		r->prev->next = r->next;
	else
		c->requests = r->next;
	if (r->next)
		r->next->prev = r->prev;
	free_p(&r->method);
	free_p(&r->path);
	free_p(&r->body);
	free_p(&r->url);
	free_p(&r);
	client_maybe_free(c);
}

static void finish(struct client_request *r, int status, const struct json *doc,
		   const char *problem)
{
	client_text_done text_done = r->text_done;
	client_done done = r->done;
	void *ctx = r->ctx;
	_cleanup_(free_p) char *text = xstrdup(problem);

	unlink_free(r);
	if (text_done)
		text_done(ctx, status, NULL, 0, text);
	else
		done(ctx, status, doc, text);
}

static void finish_text(struct client_request *r, int status, const struct str *body)
{
	client_text_done done = r->text_done;
	void *ctx = r->ctx;

	unlink_free(r);
	done(ctx, status, str_get(body), body->len, NULL);
}

static void give_up(struct client_request *r)
{
	_cleanup_(json_free_p) struct json *old = r->change ? NULL : kept_get(r->client, r->path);
	char text[600];
	const char *why = r->problem[0] ? r->problem : "no engine is connected";

	if (old) { /* what was seen last; everything says that it is old */
		finish(r, 200, old, NULL);
		return;
	}
	if (r->maybe_done)
		snprintf(text, sizeof(text), "%s. It may have been done all the same: look before "
			 "you repeat it", why);
	else
		snprintf(text, sizeof(text), "no engine was reached: %s", why);
	finish(r, 0, NULL, text);
}

static void on_timer(struct timer *t)
{
	struct client_request *r = t->user;

	if (loop_now_ms(r->client->loop) >= r->deadline_ms)
		give_up(r);
	else
		attempt(r);
}

static void wait_ms(struct client_request *r, int64_t ms)
{
	int64_t left = r->deadline_ms - loop_now_ms(r->client->loop);

	timer_start(r->client->loop, &r->timer, ms < left ? ms : left, on_timer);
}

/* ---- answers ------------------------------------------------------------------------------- */

/* The same change came twice, as it should, and the first is not through yet. */
static bool first_still_works(const struct client_request *r, int status, const char *problem)
{
	return r->change && r->maybe_done && status == 409 && strstr(problem, "the first request");
}

static void answered(struct client_request *r, const struct http_reply *reply)
{
	char problem[400];
	int status = reply->status;

	if (status >= 400) {
		client_problem(&reply->body, status, problem, sizeof(problem));
		if (first_still_works(r, status, problem)) {
			wait_ms(r, AGAIN_MS);
			return;
		}
		if (status == 503 && !r->change && r->tried < r->client->n_apis) {
			snprintf(r->problem, sizeof(r->problem), "%s", problem);
			r->engine++;
			attempt(r);
			return;
		}
	}
	if (status < 400 && r->text_done) {
		finish_text(r, status, &reply->body);
		return;
	}
	_cleanup_(json_free_p) struct json *doc =
		reply->body.len ? json_parse(reply->body.s, reply->body.len, NULL) : NULL;

	if (status < 400 && reply->body.len && !doc) {
		snprintf(r->problem, sizeof(r->problem), "the answer cannot be read");
		r->maybe_done = r->change;
		give_up(r);
	} else {
		if (doc && status == 200 && !r->change)
			kept_put(r->client, r->path, reply->body.s, reply->body.len);
		finish(r, status, doc, status >= 400 ? problem : NULL);
	}
}

/* Not reached, cut, or silent: on to the next where that is safe. */
static void broken(struct client_request *r, const struct http_reply *reply)
{
	struct client *c = r->client;
	bool silent = reply->result == HTTP_TIMEOUT && reply->sent;

	snprintf(r->problem, sizeof(r->problem), "%s: %s", client_host(c, r->engine % c->n_apis),
		 client_reason(reply));
	if (reply->sent && r->change)
		r->maybe_done = true;
	if (reply->result == HTTP_REFUSED || reply->result == HTTP_TOO_BIG ||
	    (silent && r->change) || loop_now_ms(c->loop) >= r->deadline_ms) {
		give_up(r);
		return;
	}
	r->engine++;
	if (r->tried % c->n_apis != 0)
		wait_ms(r, 0);
	else if (r->tried >= 2 * c->n_apis && !r->maybe_done)
		give_up(r); /* everyone was asked twice */
	else
		wait_ms(r, AGAIN_MS);
}

static void call_done(struct op *op, int outcome)
{
	struct client_request *r = op->user;
	struct http_reply reply;

	(void)outcome;
	r->running = false;
	str_replace(&r->url, NULL);
	reply = r->call.reply; /* r may be gone after these */
	if (r->cancelled)
		unlink_free(r);
	else if (reply.result == HTTP_DONE)
		answered(r, &reply);
	else
		broken(r, &reply);
	http_reply_fini(&reply);
}

/* ---- attempts ------------------------------------------------------------------------------- */

static void attempt(struct client_request *r)
{
	struct client *c = r->client;
	int64_t left = r->deadline_ms - loop_now_ms(c->loop);
	struct http_request req = {
		.method = r->method, .body = r->body, .body_len = r->body ? strlen(r->body) : 0,
		.timeout_ms = r->change || left < READ_MS ? left : READ_MS,
		.connect_ms = CONNECT_MS, .max_body = BODY_MAX,
		.bearer = c->token, .bearer_prefix = "Authorization: Bearer ",
		.headers = { r->text_done ? "Accept: */*" : "Accept: application/json" },
	};
	size_t h = 1;

	if (c->n_apis == 0) {
		snprintf(r->problem, sizeof(r->problem), "no engine address is configured");
		give_up(r);
		return;
	}
	if (r->tried == 0)
		r->engine = c->engine;
	r->tried++;
	if (r->body)
		req.headers[h++] = "Content-Type: application/json";
	if (r->change)
		req.headers[h++] = r->key_header;
	timer_stop(&r->timer);
	r->url = xasprintf("%s%s", c->apis[r->engine % c->n_apis], r->path);
	req.url = r->url;
	r->running = true;
	r->call = (struct http_call){ .op = { .done = call_done, .user = r } };
	http_start(c->http, &r->call, &req);
}

static void lookup_answered(void *ctx, const struct str *answer, const char *problem)
{
	_cleanup_(json_free_p) struct json *doc = NULL;
	struct client_request *r = ctx;

	r->running = false;
	r->lookup = NULL;
	if (r->cancelled) {
		unlink_free(r);
		return;
	}
	doc = answer ? json_parse(str_get(answer), answer->len, NULL) : NULL;
	if (doc)
		kept_put(r->client, r->path, str_get(answer), answer->len);
	finish(r, doc ? 200 : 0, doc, doc ? NULL : problem);
}

/* In the loop's next turn when there is a link; before that it waits a moment for one. */
static void begin(struct client_request *r)
{
	struct client *c = r->client;
	int64_t now = loop_now_ms(c->loop);

	if (!c->started)
		return;
	if (!r->deadline_ms) {
		r->deadline_ms = now + DEADLINE_MS;
		r->hold_ms = now + HOLD_MS;
	}
	if (!r->change && lookup_knows(c, r->path)) {
		timer_stop(&r->timer);
		r->running = true;
		r->lookup = lookup_start(c, r->path, lookup_answered, r);
		return;
	}
	if (c->connected || c->n_apis == 0 || c->failures > 0)
		wait_ms(r, 0);
	else
		wait_ms(r, r->hold_ms - now);
}

void requests_kick(struct client *c)
{
	for (struct client_request *r = c->requests; r; r = r->next)
		if (!r->running && !r->cancelled && r->tried == 0)
			begin(r);
}

static struct client_request *request_new(struct client *c, const char *method, const char *path,
					  const char *body, client_done done, void *ctx)
{
	struct client_request *r = xcalloc(1, sizeof(*r));

	r->client = c;
	r->method = xstrdup(method);
	r->path = xstrdup(path);
	r->body = xstrdup(body);
	r->done = done;
	r->ctx = ctx;
	r->timer = TIMER_INIT;
	r->timer.user = r;
	r->change = !str_eq(method, "GET");
	random_id(r->key, sizeof(r->key), "key_");
	snprintf(r->key_header, sizeof(r->key_header), "Idempotency-Key: %s", r->key);
	r->next = c->requests;
	if (c->requests)
		c->requests->prev = r;
	c->requests = r;
	begin(r);
	return r;
}

struct client_request *client_get(struct client *c, const char *path, client_done done, void *ctx)
{
	return request_new(c, "GET", path, NULL, done, ctx);
}

struct client_request *client_get_text(struct client *c, const char *path, client_text_done done,
				       void *ctx)
{
	struct client_request *r = request_new(c, "GET", path, NULL, NULL, ctx);

	r->text_done = done; /* nothing is sent before the next turn of the loop */
	return r;
}

struct client_request *client_send(struct client *c, const char *method, const char *path,
				   const char *body, client_done done, void *ctx)
{
	return request_new(c, method, path, body, done, ctx);
}

void client_cancel(struct client_request *r)
{
	if (!r || r->cancelled)
		return;
	r->cancelled = true;
	timer_stop(&r->timer);
	if (r->lookup)
		lookup_cancel(r->lookup);
	else if (r->running)
		r->call.op.cancel(&r->call.op);
	else
		unlink_free(r);
}

void requests_free(struct client *c)
{
	struct client_request *next;

	for (struct client_request *r = c->requests; r; r = next) {
		next = r->next;
		client_cancel(r);
	}
}
