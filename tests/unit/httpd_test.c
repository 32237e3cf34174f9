/*
 * The server against clients that misbehave: slow, broken, greedy, gone. Each client is a
 * raw socket in the same loop.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/httpd.h"
#include "core/mem.h"
#include "core/task.h"

enum { HEAD_MS = 300, QUEUE = 100000 };

struct fixture {
	struct loop *loop;
	struct httpd *httpd;
	struct httpd_stream *stream;
	struct httpd_req *parked;
	int closed, stream_closed, handled;
	void (*script)(struct fixture *f);
};

static void on_stream_closed(void *ctx)
{
	struct fixture *f = ctx;

	f->stream_closed++;
	f->stream = NULL;
}

static void on_closed(void *ctx)
{
	struct fixture *f = ctx;

	f->closed++;
}

static void handler(void *ctx, struct httpd_req *r)
{
	struct fixture *f = ctx;
	const char *path = httpd_path(r);
	char text[100];
	size_t len;

	f->handled++;
	httpd_body(r, &len);
	if (strcmp(path, "/park") == 0) {
		f->parked = r;
		httpd_on_close(r, on_closed, f);
	} else if (strcmp(path, "/stream") == 0) {
		f->stream = httpd_stream(r, "text/event-stream", QUEUE, on_stream_closed, f);
	} else {
		snprintf(text, sizeof(text), "%s %s %s %zu", httpd_method(r), path,
			 httpd_raw_path(r), len);
		httpd_reply(r, 200, "text/plain", text, strlen(text));
	}
}

static void on_error(void *ctx, const struct httpd_req *r, int status, const char *why,
		     struct str *body, const char **content_type)
{
	(void)ctx;
	(void)r;
	str_addf(body, "{\"status\":%d,\"why\":\"%s\"}", status, why);
	*content_type = "application/problem+json";
}

static void start(struct fixture *f)
{
	struct httpd_options o = { .address = "127.0.0.1", .max_body = 2000,
				   .head_timeout_ms = HEAD_MS,
				   .max_connections = 20, .answer_timeout_ms = 60000 };
	struct err err = { 0 };

	f->httpd = httpd_new(f->loop, &o, handler, f, &err);
	assert_non_null(f->httpd);
	httpd_on_error(f->httpd, on_error, f);
}

static void run_script(void *arg)
{
	struct fixture *f = arg;

	f->script(f);
	loop_stop(f->loop);
}

static void with_server(void (*script)(struct fixture *f))
{
	struct fixture f = { .script = script, .loop = loop_new() };

	start(&f);
	task_start(f.loop, "script", run_script, &f, NULL);
	loop_run(f.loop);
	httpd_free(f.httpd);
	loop_free(f.loop);
}

/* ---- a raw client -------------------------------------------------------------------- */

static int dial(struct fixture *f)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons((uint16_t)httpd_port(f->httpd)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0 || errno == EINPROGRESS);
	task_sleep(5);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes until `until` is in it, the end, or ms; "" when nothing. *ret_end: closed. */
static const char *hear(int fd, struct str *in, const char *until, int64_t ms, bool *ret_end)
{
	char buf[4096];

	*ret_end = false;
	for (int64_t t = 0; t < ms; t += 5) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n > 0)
			str_addn(in, buf, (size_t)n);
		else if (n == 0 || errno != EAGAIN)
			*ret_end = true;
		if (*ret_end || (until && strstr(str_get(in), until)))
			break;
		if (n < 0)
			task_sleep(5);
	}
	return str_get(in);
}

static void expect(struct fixture *f, const char *request, const char *want)
{
	struct str in = STR_INIT(20000);
	bool end;
	int fd = dial(f);

	say(fd, request);
	if (!strstr(hear(fd, &in, want, 5000, &end), want))
		fail_msg("wanted %s, got %s", want, str_get(&in));
	close(fd);
	str_fini(&in);
}

/* The time until the server closes. */
static int64_t closed_after(struct fixture *f, int fd, int64_t max_ms, const char *drip)
{
	int64_t from = loop_now_ms(f->loop);
	struct str in = STR_INIT(20000);
	bool end = false;

	while (!end && loop_now_ms(f->loop) - from < max_ms) {
		hear(fd, &in, NULL, 50, &end);
		if (!end && drip)
			send(fd, drip, strlen(drip), MSG_NOSIGNAL);
	}
	str_fini(&in);
	return end ? loop_now_ms(f->loop) - from : -1;
}

/* ---- heads and bodies ------------------------------------------------------------------- */

static void script_heads(struct fixture *f)
{
	char big[9000];

	expect(f, "GET /a%20b/%C3%A9?x=1 HTTP/1.1\r\nHost: h\r\n\r\n",
	       "GET /a b/\xc3\xa9 /a%20b/%C3%A9 0");
	expect(f, "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n", "Content-Length: 12");
	expect(f, "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "POST /x /x 5");
	expect(f, "GET /x%00y HTTP/1.1\r\nHost: h\r\n\r\n", "{\"status\":400");
	expect(f, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", "GET /2");
	expect(f, "GET /x HTTP/1.0\r\n\r\n", "GET /x");
	expect(f, "nonsense\r\n\r\n", ""); /* closed without a word */
	expect(f, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n", " 400 ");
	expect(f, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999999\r\n\r\n",
	       "{\"status\":413");
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	char *post = xasprintf("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
			       strlen(big), big);

	expect(f, post, "{\"status\":413");
	free_p(&post);
	int before = f->handled;
	struct str head = STR_INIT(100000), in = STR_INIT(20000);
	bool end;
	int fd = dial(f);

	str_add(&head, "GET /x HTTP/1.1\r\n");
	for (int i = 0; i < 8; i++)
		str_addf(&head, "X-%d: %s\r\n", i, big);
	send(fd, head.s, head.len, MSG_NOSIGNAL);
	hear(fd, &in, " 431 ", 3000, &end);
	assert_non_null(strstr(str_get(&in), " 431 "));
	assert_int_equal(f->handled, before);
	close(fd);
	str_fini(&head);
	str_fini(&in);
}

static void heads(void **state)
{
	(void)state;
	with_server(script_heads);
}

/* Every later head of a connection is looked at like the first: what is refused gets our words. */
static void script_later(struct fixture *f)
{
	static char line[9100], many[20000];
	const struct { const char *text, *want; } t[] = {
		{ "nonsense\r\n\r\n", "{\"status\":400" },
		{ "GET /x HTTP/1.1\r\n\r\n", "{\"status\":400" },
		{ "GET /x HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "{\"status\":400" },
		{ "GET /x HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", "{\"status\":400" },
		{ "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n", "{\"status\":400" },
		{ "GET /x HTTP/2.0\r\nHost: h\r\n\r\n", "{\"status\":505" },
		{ line, "{\"status\":414" },
		{ many, "{\"status\":431" },
		{ "GET /x HTTP/1.1\r\nHost:", "{\"status\":408" },
	};

	memset(line, 'a', sizeof(line));
	memcpy(line, "GET /", 5);
	memcpy(line + sizeof(line) - 23, " HTTP/1.1\r\nHost: h\r\n\r\n", 23);
	memset(many, 'b', sizeof(many));
	memcpy(many, "GET /x HTTP/1.1\r\nHost: h\r\n", 26);
	for (size_t i = 100; i < sizeof(many); i += 100)
		memcpy(many + i, "\r\nX: ", 5);
	memcpy(many + 26, "X: ", 3);
	memcpy(many + sizeof(many) - 5, "\r\n\r\n", 5);
	for (size_t i = 0; i < COUNT_OF(t) * 2; i++) {
		struct str in = STR_INIT(20000);
		int before = f->handled, fd = dial(f);
		size_t at = i / 2, cut = strlen(t[at].text) / 2;
		bool end;

		for (int k = 0; k < 3; k++) {
			str_clear(&in);
			say(fd, "POST /good HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12");
			task_sleep(2);
			say(fd, "345");
			if (!strstr(hear(fd, &in, "/good 5", 3000, &end), "/good 5"))
				fail_msg("a good one: %s", str_get(&in));
		}
		str_clear(&in);
		/* whole, or in two parts */
		if (i % 2 && t[at].text != many) {
			assert_int_equal(send(fd, t[at].text, cut, MSG_NOSIGNAL), cut);
			task_sleep(5);
			say(fd, t[at].text + cut);
		} else {
			say(fd, t[at].text);
		}
		hear(fd, &in, NULL, 3000, &end);
		if (!strstr(str_get(&in), t[at].want) || strstr(str_get(&in), "<html") || !end)
			fail_msg("%zu: wanted %s, got %s%s", i, t[at].want, str_get(&in),
				 end ? "" : " and no end");
		assert_int_equal(f->handled, before + 3);
		close(fd);
		str_fini(&in);
	}
}

/* One behind the other without waiting: those that came with the one before are answered in turn;
 * what came half, or broken, or behind a body of unknown length, ends the connection after the
 * answer that is due, so that it can be asked again. */
static void script_pipelined(struct fixture *f)
{
	static const char two[] = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n"
				  "\r\n";
	static const struct { const char *text; int answers; bool stays; } t[] = {
		{ two, 2, true },
		{ "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n"
		  "Host: h\r\n\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n", 3, true },
		{ "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HT", 1, false },
		{ "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n", 1, false },
		{ "POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
		  "0\r\n\r\nnonsense\r\n\r\n", 1, false },
	};

	for (size_t i = 0; i < COUNT_OF(t) * 2; i++) {
		struct str in = STR_INIT(20000);
		int before = f->handled, fd = dial(f);
		bool end;

		if (i % 2) {		/* also not at the start of a connection */
			say(fd, two);
			hear(fd, &in, "GET /2", 3000, &end);
			before += 2;
			str_clear(&in);
		}
		say(fd, t[i / 2].text);
		hear(fd, &in, NULL, HEAD_MS / 2, &end);
		if (f->handled != before + t[i / 2].answers || end == t[i / 2].stays ||
		    strstr(str_get(&in), "<html"))
			fail_msg("%zu: %d answers%s: %s", i, f->handled - before,
				 end ? ", ended" : "", str_get(&in));
		close(fd);
		str_fini(&in);
	}
}

static void later_heads(void **state)
{
	(void)state;
	with_server(script_later);
	with_server(script_pipelined);
}

/* Ended while connections wait for their next request, and with half of one. */
static void script_held(struct fixture *f)
{
	struct str in = STR_INIT(20000);
	bool end;

	for (int i = 0; i < 3; i++) {
		int fd = dial(f);

		str_clear(&in);
		say(fd, "GET /one HTTP/1.1\r\nHost: h\r\n\r\n");
		hear(fd, &in, "GET /one", 3000, &end);
		if (i)
			say(fd, "GET /two HT");
		if (i == 2)
			close(fd);
		task_sleep(10);
	}
	str_fini(&in);
}

static void freed_held(void **state)
{
	(void)state;
	with_server(script_held);
}

static void script_slow(struct fixture *f)
{
	int fd = dial(f);
	struct str in = STR_INIT(20000);
	bool end;

	assert_in_range(closed_after(f, fd, 5000, NULL), 1, 2 * HEAD_MS + 200); /* says nothing */
	close(fd);
	fd = dial(f);
	say(fd, "GET /x HTTP/1.1\r\n");
	/* endless head */
	assert_in_range(closed_after(f, fd, 5000, "X: y\r\n"), 1, 2 * HEAD_MS + 200);
	close(fd);
	fd = dial(f);
	say(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n");
	assert_in_range(closed_after(f, fd, 5000, "a"), 1, 2 * HEAD_MS + 200); /* slow body */
	close(fd);
	/* idle between requests is no fault, slow in the second one is */
	fd = dial(f);
	say(fd, "GET /one HTTP/1.1\r\nHost: h\r\n\r\n");
	hear(fd, &in, "GET /one", 3000, &end);
	assert_int_equal(closed_after(f, fd, 4 * HEAD_MS, NULL), -1);
	say(fd, "GET /two HTTP/1.1\r\nHost: h\r\n\r\n");
	str_clear(&in);
	assert_non_null(strstr(hear(fd, &in, "GET /two", 3000, &end), "GET /two"));
	say(fd, "GET /three HTTP/1.1\r\n");
	assert_in_range(closed_after(f, fd, 5000, "X: y\r\n"), 1, 3 * HEAD_MS + 200);
	close(fd);
	str_fini(&in);
	assert_int_equal(f->handled, 2);
}

static void slow_clients(void **state)
{
	(void)state;
	with_server(script_slow);
}

static void script_many(struct fixture *f)
{
	int fds[40];

	for (int i = 0; i < 40; i++) /* more than max_connections, all silent */
		fds[i] = dial(f);
	expect(f, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "GET /x"); /* served once they are cut */
	for (int i = 0; i < 40; i++)
		close(fds[i]);
}

static void connection_limit(void **state)
{
	(void)state;
	with_server(script_many);
}

/* ---- clients that go --------------------------------------------------------------------- */

static void script_gone(struct fixture *f)
{
	int fd = dial(f);

	say(fd, "GET /park HTTP/1.1\r\nHost: h\r\n\r\n");
	while (!f->parked)
		task_sleep(5);
	task_sleep(700);
	assert_int_equal(f->closed, 0);
	close(fd);
	for (int i = 0; i < 12000 && !f->closed; i++)
		task_sleep(5);
	assert_int_equal(f->closed, 1);
	assert_non_null(httpd_header(f->parked, "Host"));
	httpd_reply(f->parked, 200, NULL, "", 0);
	task_sleep(50);
	assert_int_equal(f->closed, 1);
	/* gone in the middle of a body */
	fd = dial(f);
	say(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
	task_sleep(20);
	close(fd);
	task_sleep(20);
	assert_int_equal(f->handled, 1);
}

static void client_gone(void **state)
{
	(void)state;
	with_server(script_gone);
}

/* ---- streams -------------------------------------------------------------------------------- */

static void script_stream(struct fixture *f)
{
	struct str in = STR_INIT(20000);
	char block[3000];
	int fd = dial(f), pushed = 0;
	bool end;

	say(fd, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
	while (!f->stream)
		task_sleep(5);
	assert_true(httpd_stream_push(f->stream, "first\n", 6));
	assert_non_null(strstr(hear(fd, &in, "first", 3000, &end), "first"));
	assert_non_null(strstr(in.s, "text/event-stream"));
	httpd_stream_end(f->stream);
	assert_non_null(strstr(hear(fd, &in, "\r\n0\r\n", 3000, &end), "\r\n0\r\n"));
	assert_int_equal(f->stream_closed, 0); /* ended by us */
	f->stream = NULL;

	/* the connection is kept, and serves a stream that this client does not read */
	say(fd, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
	while (!f->stream)
		task_sleep(5);
	memset(block, 'x', sizeof(block));
	for (; pushed < 20000 && f->stream && httpd_stream_push(f->stream, block, sizeof(block));
	     pushed++) {
		if (pushed % 10 == 0)
			task_sleep(0);
		if (pushed % 100 == 0) /* others do not wait */
			expect(f, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "GET /x");
	}
	assert_true(pushed < 20000);
	for (int i = 0; i < 200 && !f->stream_closed; i++)
		task_sleep(5);
	assert_int_equal(f->stream_closed, 1);
	close(fd);
	str_fini(&in);
}

static void streams(void **state)
{
	(void)state;
	with_server(script_stream);
}

/* Every byte arrives, in order, whatever the sizes of writes and reads. */
static void script_order(struct fixture *f)
{
	int fd = dial(f), next = 0, seen = 0;
	char *big = xcalloc(1, 1 << 16);
	struct str in = STR_INIT((size_t)4 << 20);
	bool end;

	say(fd, "GET /stream HTTP/1.0\r\n\r\n"); /* no chunks in the way */
	while (!f->stream)
		task_sleep(5);
	for (int round = 0; round < 300; round++) {
		struct str out = STR_INIT(1 << 20);

		for (int i = 0; i < 1 + round * 37 % 800; i++)
			str_addf(&out, "%07d\n", next++);
		assert_true(httpd_stream_push(f->stream, out.s, out.len));
		str_fini(&out);
		hear(fd, &in, NULL, round % 3 ? 1 : 6, &end);
	}
	httpd_stream_end(f->stream);
	hear(fd, &in, NULL, 3000, &end);
	assert_true(end);
	char *p = strstr(in.s, "\r\n\r\n") + 4;

	for (; *p; p += 8)
		assert_int_equal(strtol(p, NULL, 10), seen++);
	assert_int_equal(seen, next);
	close(fd);
	free_p(&big);
	str_fini(&in);
}

static void stream_order(void **state)
{
	(void)state;
	with_server(script_order);
}

/* ---- the end -------------------------------------------------------------------- */

static void script_free(struct fixture *f)
{
	struct str in = STR_INIT(20000);
	struct httpd_req *owed;
	bool end;

	for (int i = 0; i < 3; i++) { /* also from inside a task */
		int a = dial(f), b = dial(f), c = dial(f);

		f->parked = NULL;
		f->stream = NULL;
		say(a, "GET /park HTTP/1.1\r\nHost: h\r\n\r\n");
		say(b, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
		say(c, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
		while (!f->parked || !f->stream)
			task_sleep(5);
		owed = f->parked;
		httpd_free(f->httpd);
		assert_int_equal(f->stream_closed, i + 1);
		if (i == 1)
			httpd_drop(owed);
		else
			httpd_reply(owed, 200, NULL, "late", 4);
		str_clear(&in);
		hear(a, &in, NULL, 1000, &end);
		assert_true(end);
		close(a);
		close(b);
		close(c);
		start(f);
	}
	str_fini(&in);
}

static void freed_in_use(void **state)
{
	(void)state;
	with_server(script_free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads),
		cmocka_unit_test(later_heads),
		cmocka_unit_test(slow_clients),
		cmocka_unit_test(connection_limit),
		cmocka_unit_test(client_gone),
		cmocka_unit_test(streams),
		cmocka_unit_test(stream_order),
		cmocka_unit_test(freed_in_use),
		cmocka_unit_test(freed_held),
	};

	return cmocka_run_group_tests_name("httpd", tests, NULL, NULL);
}
