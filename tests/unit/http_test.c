/* Client and server against each other on loopback. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/http.h"
#include "core/httpd.h"
#include "core/mem.h"
#include "core/task.h"

struct fixture {
	struct loop *loop;
	struct http *http;
	struct httpd *httpd;
	struct httpd_stream *stream;
	struct httpd_req *parked;
	bool stream_closed;
	int chunks;
	void (*script)(struct fixture *f);
};

static void on_closed(void *ctx)
{
	struct fixture *f = ctx;

	f->stream_closed = true;
	f->stream = NULL;
}

static void handler(void *ctx, struct httpd_req *r)
{
	struct fixture *f = ctx;
	const char *path = httpd_path(r);
	char text[400];
	size_t len;
	const char *body = httpd_body(r, &len);

	if (strcmp(path, "/echo") == 0) {
		const char *q = httpd_query(r, "q"), *h = httpd_header(r, "X-Test");

		snprintf(text, sizeof(text), "%s %s q=%s h=%s %zu", httpd_method(r),
			 httpd_query_string(r), q ? q : "-", h ? h : "-", len);
		httpd_add_header(r, "X-Reply", "yes");
		httpd_reply(r, 201, "text/plain", text, strlen(text));
	} else if (strcmp(path, "/body") == 0) {
		httpd_reply(r, 200, "text/plain", body, len);
	} else if (strcmp(path, "/drop") == 0) {
		httpd_drop(r);
	} else if (strcmp(path, "/big") == 0) {
		char *big = xcalloc(1, 100000);

		memset(big, 'x', 99999);
		httpd_reply(r, 200, "text/plain", big, 99999);
		free_p(&big);
	} else if (strcmp(path, "/park") == 0) {
		f->parked = r;
	} else if (strcmp(path, "/stream") == 0) {
		f->stream = httpd_stream(r, "text/event-stream", 100000, on_closed, f);
		httpd_stream_push(f->stream, "one\n", 4);
	} else {
		httpd_reply(r, 404, "text/plain", "no", 2);
	}
}

static void run_script(void *arg)
{
	struct fixture *f = arg;

	f->script(f);
	loop_stop(f->loop);
}

static void with_server(void (*script)(struct fixture *f))
{
	struct fixture f = { .script = script };
	struct httpd_options o = { .address = "127.0.0.1", .max_body = 2000,
				   .answer_timeout_ms = 1500,
				   .head_timeout_ms = 1000 };
	struct err err = { 0 };

	f.loop = loop_new();
	f.http = http_new(f.loop);
	f.httpd = httpd_new(f.loop, &o, handler, &f, &err);
	assert_non_null(f.httpd);
	task_start(f.loop, "script", run_script, &f, NULL);
	loop_run(f.loop);
	if (f.parked)
		httpd_reply(f.parked, 200, NULL, "", 0);
	http_free(f.http);
	httpd_free(f.httpd);
	loop_free(f.loop);
}

static void fetch(struct fixture *f, const char *method, const char *path, const char *body,
		  struct http_reply *ret)
{
	char url[200];
	struct http_request req = { .method = method, .url = url, .timeout_ms = 3000,
				    .headers = { "X-Test: a b" }, .body = body,
				    .body_len = body ? strlen(body) : 0, .max_body = 50000 };

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", httpd_port(f->httpd), path);
	http_fetch(f->http, &req, ret);
}

static void script_basics(struct fixture *f)
{
	struct http_reply r;
	char buf[20], *big = xcalloc(1, 5001);

	fetch(f, "GET", "/echo?q=a%20b&x=1", NULL, &r);
	assert_int_equal(r.result, HTTP_DONE);
	assert_int_equal(r.status, 201);
	assert_string_equal(r.body.s, "GET q=a%20b&x=1 q=a b h=a b 0");
	assert_string_equal(http_header(&r, "x-reply", buf, sizeof(buf)), "yes");
	assert_true(r.sent);
	http_reply_fini(&r);
	for (int i = 0; i < 3; i++) {
		static const char *const methods[] = { "POST", "PATCH", "DELETE" };

		fetch(f, methods[i], "/body", "hello", &r);
		assert_int_equal(r.status, 200);
		assert_string_equal(r.body.s, "hello");
		http_reply_fini(&r);
	}
	memset(big, 'a', 5000);
	fetch(f, "POST", "/body", big, &r);
	assert_int_equal(r.status, 413);
	http_reply_fini(&r);
	fetch(f, "GET", "/drop", NULL, &r);
	assert_int_equal(r.result, HTTP_BROKEN);
	assert_int_equal(r.status, 0);
	assert_true(r.sent);
	http_reply_fini(&r);
	fetch(f, "GET", "/big", NULL, &r);
	assert_int_equal(r.result, HTTP_TOO_BIG);
	http_reply_fini(&r);
	free_p(&big);
}

static void basics(void **unused)
{
	(void)unused;
	with_server(script_basics);
}

static void script_slow(struct fixture *f)
{
	struct http_reply r;
	int64_t began = loop_now_ms(f->loop);

	fetch(f, "GET", "/park", NULL, &r); /* the handler never answers: the server does */
	assert_int_equal(r.status, 503);
	assert_in_range(loop_now_ms(f->loop) - began, 1400, 2900);
	http_reply_fini(&r);
	httpd_reply(f->parked, 200, NULL, "late", 4); /* harmless */
	f->parked = NULL;
	fetch(f, "GET", "/echo", NULL, &r);
	assert_int_equal(r.status, 201);
	http_reply_fini(&r);
}

static void slow_handler(void **unused)
{
	(void)unused;
	with_server(script_slow);
}

static void script_nowhere(struct fixture *f)
{
	struct http_reply r;
	struct http_request req = { .url = "http://127.0.0.1:1/", .timeout_ms = 1000 };

	http_fetch(f->http, &req, &r);
	assert_int_equal(r.result, HTTP_CONNECT);
	assert_false(r.sent);
	http_reply_fini(&r);
	req.url = "http://no-such-host.invalid/";
	http_fetch(f->http, &req, &r);
	assert_int_equal(r.result, HTTP_RESOLVE);
	http_reply_fini(&r);
	req.url = "nonsense";
	http_fetch(f->http, &req, &r);
	assert_int_equal(r.result, HTTP_REFUSED);
	http_reply_fini(&r);
	req.url = "http://127.0.0.1:1/";
	req.headers[0] = "X: a\r\nY: b";
	http_fetch(f->http, &req, &r);
	assert_int_equal(r.result, HTTP_REFUSED);
	http_reply_fini(&r);
}

static void nowhere(void **unused)
{
	(void)unused;
	with_server(script_nowhere);
}

struct child {
	struct fixture *f;
	struct http_reply r;
};

static void park(void *arg)
{
	struct child *c = arg;

	fetch(c->f, "GET", "/park", NULL, &c->r);
}

static void script_cancel(struct fixture *f)
{
	struct child c = { .f = f };
	struct task *t = task_start(f->loop, "park", park, &c, NULL);

	while (!f->parked)
		task_sleep(5);
	task_cancel(t);
	while (c.r.result != HTTP_CANCELLED)
		task_sleep(5);
	http_reply_fini(&c.r);
}

static void cancel_in_flight(void **unused)
{
	(void)unused;
	with_server(script_cancel);
}

static void count_chunk(void *ctx, const char *p, size_t n)
{
	struct fixture *f = ctx;

	(void)p;
	f->chunks += (int)n;
}

static void script_stream(struct fixture *f)
{
	struct http_call call = { 0 };
	char url[100];
	struct http_request req = { .url = url, .on_data = count_chunk, .ctx = f, .idle_ms = 400 };
	struct http_reply r;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/stream", httpd_port(f->httpd));
	http_start(f->http, &call, &req);
	while (f->chunks < 4)
		task_sleep(5);
	assert_true(httpd_stream_push(f->stream, "two\n", 4));
	fetch(f, "GET", "/echo", NULL, &r); /* others are served meanwhile */
	assert_int_equal(r.status, 201);
	http_reply_fini(&r);
	while (f->chunks < 8)
		task_sleep(5);
	task_await(&call.op); /* silence: the client gives up after idle_ms */
	assert_int_equal(call.reply.result, HTTP_TIMEOUT);
	http_reply_fini(&call.reply);
	for (int i = 0; i < 400 && !f->stream_closed; i++) {
		if (f->stream)
			httpd_stream_push(f->stream, "x", 1);
		task_sleep(5);
	}
	assert_true(f->stream_closed);
}

static void streams(void **unused)
{
	(void)unused;
	with_server(script_stream);
}

static void many(void *arg)
{
	struct child *c = arg;

	for (int i = 0; i < 50; i++) {
		fetch(c->f, "POST", "/body", "x", &c->r);
		assert_int_equal(c->r.status, 200);
		http_reply_fini(&c->r);
	}
}

static void script_many(struct fixture *f)
{
	struct child c[20];
	struct crowd crowd;

	crowd_init(&crowd, 20);
	for (int i = 0; i < 20; i++) {
		c[i] = (struct child){ .f = f };
		crowd_add(&crowd, "many", many, &c[i]);
	}
	crowd_join(&crowd);
}

static void many_at_once(void **unused)
{
	(void)unused;
	with_server(script_many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(basics),
		cmocka_unit_test(slow_handler),
		cmocka_unit_test(nowhere),
		cmocka_unit_test(cancel_in_flight),
		cmocka_unit_test(streams),
		cmocka_unit_test(many_at_once),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
