/*
 * The client against servers that misbehave, and mail. The server is a raw listener in the
 * same loop that answers each request with what the test says.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/http.h"
#include "core/mem.h"
#include "core/task.h"

/* ---- a resolver that we can make slow or silent: it stands before the system's ------------ */

static int slow_ms;
static bool names_fail;
static int lookups;

__attribute__((visibility("default"))) int getaddrinfo(const char *restrict node,
	const char *restrict service, const struct addrinfo *restrict hints,
	struct addrinfo **restrict res)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(__typeof__(real))(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");

	__atomic_fetch_add(&lookups, 1, __ATOMIC_SEQ_CST);
	if (node && strstr(node, ".test")) {
		if (slow_ms)
			usleep((useconds_t)slow_ms * 1000);
		if (names_fail)
			return EAI_AGAIN;
		node = "127.0.0.1";
	}
	return real(node, service, hints, res);
}

/* ---- the raw server ------------------------------------------------------------- */

struct peer {
	struct fixture *f;
	int fd, number;
	struct watch *watch;
	struct str in;
	struct peer *next;
};

struct fixture {
	struct loop *loop;
	struct http *http;
	int fd, port, connections, open, most_open, requests;
	struct watch *watch;
	struct peer *peers;
	/* what to answer; NULL: nothing. "close" as the whole text cuts the connection. A text
	 * that starts with "!" is sent without the "!" and then cut. */
	const char *(*answer)(struct fixture *f, struct peer *p, const char *request);
	const char *greeting;		/* said to each connection: the server speaks lines then */
	struct str seen;
	bool data;
	void (*script)(struct fixture *f);
	int chunks, seconds, head_status;
	struct http_call second;
};

static void peer_close(struct peer *p)
{
	for (struct peer **x = &p->f->peers; *x; x = &(*x)->next)
		if (*x == p) {
			*x = p->next;
			break;
		}
	p->f->open--;
	watch_free(p->watch);
	close(p->fd);
	str_fini(&p->in);
	free_p(&p);
}

/* The length of the first whole request (or line) in `in`, or 0. */
static size_t whole(const struct fixture *f, const struct str *in)
{
	const char *s = str_get(in), *end, *length;
	size_t n;

	if (f->greeting) {
		end = strstr(s, f->data ? "\r\n.\r\n" : "\r\n");
		return end ? (size_t)(end - s) + (f->data ? 5 : 2) : 0;
	}
	end = strstr(s, "\r\n\r\n");
	if (!end)
		return 0;
	n = (size_t)(end - s) + 4;
	length = strcasestr(s, "Content-Length: ");
	if (length && length < end)
		n += (size_t)strtol(length + 16, NULL, 10);
	return in->len >= n ? n : 0;
}

static void on_peer(void *ctx, int events)
{
	struct peer *p = ctx;
	char buf[4096];
	ssize_t got = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT);
	size_t n;

	(void)events;
	if (got <= 0) {
		peer_close(p);
		return;
	}
	str_addn(&p->in, buf, (size_t)got);
	while ((n = whole(p->f, &p->in)) > 0) {
		char *request = xstrndup(p->in.s, n);
		const char *text;
		bool cut;

		memmove(p->in.s, p->in.s + n, p->in.len - n + 1);
		p->in.len -= n;
		p->f->requests++;
		text = p->f->answer(p->f, p, request);
		free_p(&request);
		cut = text && (text[0] == '!' || strcmp(text, "close") == 0);
		if (text && strcmp(text, "close") != 0)
			send(p->fd, text + cut, strlen(text + cut), MSG_NOSIGNAL);
		if (cut) {
			peer_close(p);
			return;
		}
	}
}

static void on_listen(void *ctx, int events)
{
	struct fixture *f = ctx;
	struct peer *p = xcalloc(1, sizeof(*p));

	(void)events;
	p->f = f;
	p->fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(p->fd >= 0);
	p->number = f->connections++;
	if (++f->open > f->most_open)
		f->most_open = f->open;
	p->in = STR_INIT(1 << 20);
	p->next = f->peers;
	f->peers = p;
	p->watch = watch_new(f->loop, p->fd, on_peer, p);
	watch_set(p->watch, WATCH_READ);
	if (f->greeting)
		send(p->fd, f->greeting, strlen(f->greeting), MSG_NOSIGNAL);
}

static void run_script(void *arg)
{
	struct fixture *f = arg;

	f->script(f);
	loop_stop(f->loop);
}

typedef const char *(*answer_fn)(struct fixture *f, struct peer *p, const char *request);

static void listen_tcp(struct fixture *f)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr =
				  htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&in, sizeof(in)), 0);
	getsockname(f->fd, (struct sockaddr *)&in, &len);
	f->port = ntohs(in.sin_port);
}

static void serve(struct fixture *f)
{
	assert_int_equal(listen(f->fd, 512), 0);
	f->watch = watch_new(f->loop, f->fd, on_listen, f);
	watch_set(f->watch, WATCH_READ);
}

static void with_answers(answer_fn answer, const char *greeting, void (*script)(struct fixture *f))
{
	struct fixture f = { .script = script, .answer = answer, .greeting = greeting,
			     .loop = loop_new(), .seen = STR_INIT(100000) };

	f.http = http_new(f.loop);
	listen_tcp(&f);
	serve(&f);
	task_start(f.loop, "script", run_script, &f, NULL);
	loop_run(f.loop);
	http_free(f.http);
	while (f.peers)
		peer_close(f.peers);
	watch_free(f.watch);
	close(f.fd);
	str_fini(&f.seen);
	loop_free(f.loop);
}

static void fetch(struct fixture *f, const char *method, const char *path, struct http_reply *ret)
{
	char url[200];
	struct http_request req = { .method = method, .url = url, .timeout_ms = 1000 };

	if (strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0) {
		req.body = "a=1";
		req.body_len = 3;
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", f->port, path);
	http_fetch(f->http, &req, ret);
}

static enum http_result result(struct fixture *f, const char *method, const char *path)
{
	struct http_reply r;
	enum http_result what;

	fetch(f, method, path, &r);
	what = r.result;
	http_reply_fini(&r);
	return what;
}

#define OK_TEXT "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* ---- what must not be sent twice ------------------------------------------------ */

static const char *answer_once(struct fixture *f, struct peer *p, const char *request)
{
	(void)p;
	/* the second request of all meets a server that dies with it */
	(void)request;
	return f->requests == 2 ? "close" : OK_TEXT;
}

static void script_repeat(struct fixture *f)
{
	static const struct { const char *method; bool again; } rows[] = {
		{ "GET", true }, { "POST", false }, { "PATCH", false }, { "DELETE", true },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http_reply r;

		f->requests = 0;
		assert_int_equal(result(f, "GET", "/first"), HTTP_DONE);
		fetch(f, rows[i].method, "/second", &r);
		assert_int_equal(r.result, rows[i].again ? HTTP_DONE : HTTP_BROKEN);
		assert_true(r.sent);
		http_reply_fini(&r);
		assert_int_equal(f->requests, rows[i].again ? 3 : 2);
	}
}

static void never_twice(void **state)
{
	(void)state;
	with_answers(answer_once, NULL, script_repeat);
}

/* ---- servers that talk nonsense ------------------------------------------------- */

static const char *answer_path(struct fixture *f, struct peer *p, const char *request)
{
	static const struct { const char *path, *text; } rows[] = {
		{ "/ok", OK_TEXT }, { "/garbage", "!\x01\x02 what\r\n\r\n" }, { "/cut", "close" },
		{ "/short", "!HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc" },
		{ "/chunk", "!HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc" },
		{ "/gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length:"
			   " 3\r\n\r\nabc" },
		{ "/hints", "HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n" OK_TEXT },
		{ "/redirect", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n" },
		{ "/empty", "HTTP/1.1 204 No Content\r\n\r\n" },
		{ "/head", "!HTTP/1.1 200 OK\r\nX: 1" }, { "/status", "!HTTP/1.1 abc\r\n\r\n" },
	};

	(void)f;
	(void)p;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *at = strchr(request, ' ') + 1;
		size_t n = strlen(rows[i].path);

		if (strncmp(at, rows[i].path, n) == 0 && at[n] == ' ')
			return rows[i].text;
	}
	return NULL; /* silence */
}

static void script_nonsense(struct fixture *f)
{
	struct http_reply r;
	char buf[20];

	assert_int_equal(result(f, "POST", "/ok"), HTTP_DONE);
	assert_int_equal(result(f, "POST", "/garbage"), HTTP_BROKEN);
	assert_int_equal(result(f, "POST", "/cut"), HTTP_BROKEN);
	assert_int_equal(result(f, "GET", "/short"), HTTP_BROKEN);
	assert_int_equal(result(f, "GET", "/chunk"), HTTP_BROKEN);
	assert_int_equal(result(f, "GET", "/gzip"), HTTP_BROKEN);
	assert_int_equal(result(f, "GET", "/head"), HTTP_BROKEN);
	assert_int_equal(result(f, "GET", "/status"), HTTP_BROKEN);
	fetch(f, "GET", "/hints", &r);
	assert_int_equal(r.status, 200);
	assert_null(http_header(&r, "X", buf, sizeof(buf)));
	http_reply_fini(&r);
	fetch(f, "GET", "/redirect", &r); /* not followed */
	assert_int_equal(r.status, 302);
	assert_string_equal(http_header(&r, "location", buf, sizeof(buf)), "/ok");
	http_reply_fini(&r);
	assert_int_equal(result(f, "GET", "/empty"), HTTP_DONE);
	fetch(f, "POST", "/silence", &r);
	assert_int_equal(r.result, HTTP_TIMEOUT);
	assert_true(r.sent);
	assert_in_range(r.latency_ms, 950, 2500);
	http_reply_fini(&r);
}

static void nonsense(void **state)
{
	(void)state;
	with_answers(answer_path, NULL, script_nonsense);
}

static void script_sent(struct fixture *f)
{
	char url[100];
	struct http_reply r;
	struct http_request req = { .url = url, .timeout_ms = 300, .method = "POST" };
	static const char *const bad[] = { "http://", "ftp://127.0.0.1/x", "http://127.0.0.1:0/",
					   "http://a b/", "/path", "smtp://127.0.0.1/", "" };

	/* TLS to a server that waits */
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", f->port);
	http_fetch(f->http, &req, &r);
	assert_int_equal(r.result, HTTP_TIMEOUT);
	assert_false(r.sent);
	http_reply_fini(&r);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		snprintf(url, sizeof(url), "%s", bad[i]);
		http_fetch(f->http, &req, &r);
		assert_int_equal(r.result, HTTP_REFUSED);
		assert_false(r.sent);
		http_reply_fini(&r);
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", f->port);
	req.method = "GET / HTTP/1.1\r\nX:";
	http_fetch(f->http, &req, &r);
	assert_int_equal(r.result, HTTP_REFUSED);
	http_reply_fini(&r);
	assert_int_equal(f->requests, 0);
}

static void sent_flag(void **state)
{
	(void)state;
	with_answers(answer_path, NULL, script_sent);
}

/* ---- headers, credentials, sockets ---------------------------------------------- */

static const char *answer_echo(struct fixture *f, struct peer *p, const char *request)
{
	(void)p;
	str_clear(&f->seen);
	str_add(&f->seen, request);
	return OK_TEXT;
}

static void script_headers(struct fixture *f)
{
	char url[100];
	struct secret *key = secret_new("k3y-of-test");
	struct http_reply r;
	struct http_request req = { .url = url, .timeout_ms = 1000, .method = "PATCH",
				    .bearer_prefix = "xi-api-key: ", .bearer = key,
				    .headers = { "Content-Type: application/json", "X-A: b" },
				    .body = "{}", .body_len = 2 };

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/p?q=%%20", f->port);
	http_fetch(f->http, &req, &r);
	assert_int_equal(r.status, 200);
	http_reply_fini(&r);
	assert_true(str_has_prefix(f->seen.s, "PATCH /p?q=%20 HTTP/1.1\r\n"));
	assert_non_null(strstr(f->seen.s, "\r\nxi-api-key: k3y-of-test\r\n"));
	assert_non_null(strstr(f->seen.s, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(f->seen.s, "\r\nX-A: b\r\n"));
	assert_null(strstr(f->seen.s, "Expect"));
	assert_non_null(strstr(f->seen.s, "\r\n\r\n{}"));
	req.bearer = NULL;
	req.user = "AC1";
	req.password = key;
	http_fetch(f->http, &req, &r);
	http_reply_fini(&r);
	assert_non_null(strstr(f->seen.s, "\r\nAuthorization: Basic QUMxOmszeS1vZi10ZXN0\r\n"));
	secret_free(key);
	assert_int_equal(f->connections, 1); /* kept */
}

static void headers(void **state)
{
	(void)state;
	with_answers(answer_echo, NULL, script_headers);
}

static void script_unix(struct fixture *f)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct http_reply r;
	struct http_request req = { .url = "http://engine.test/x", .timeout_ms = 1000,
				    .unix_socket = un.sun_path };

	watch_free(f->watch);
	close(f->fd);
	snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/rdhttp.%d", (int)getpid());
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&un, sizeof(un)), 0);
	serve(f);
	http_fetch(f->http, &req, &r);
	unlink(un.sun_path);
	assert_int_equal(r.status, 200);
	http_reply_fini(&r);
	assert_non_null(strstr(f->seen.s, "Host: engine.test"));
}

static void unix_socket(void **state)
{
	(void)state;
	with_answers(answer_echo, NULL, script_unix);
}

/* ---- many at once --------------------------------------------------------------- */

static void on_timeout(struct op *op, int outcome)
{
	struct http_call *c = CONTAINER_OF(op, struct http_call, op);

	assert_int_equal(outcome, OP_OK);
	assert_int_equal(c->reply.result, HTTP_TIMEOUT);
	http_reply_fini(&c->reply);
	++*(int *)op->user;
}

static void script_limit(struct fixture *f)
{
	enum { N = 150 };
	struct http_call *calls = xcalloc(N, sizeof(*calls));
	char url[100];
	int done = 0;
	struct http_request req = { .url = url, .timeout_ms = 700 };

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/silence", f->port);
	for (int i = 0; i < N; i++) {
		calls[i].op = (struct op){ .done = on_timeout, .user = &done };
		http_start(f->http, &calls[i], &req);
	}
	while (done < N)
		task_sleep(5);
	/* 64; the other side may see a new connection before the end of the one it replaces */
	assert_in_range(f->most_open, 40, 80);
	free_p(&calls);
	assert_int_equal(result(f, "GET", "/ok"), HTTP_DONE);
}

static void host_limit(void **state)
{
	(void)state;
	with_answers(answer_path, NULL, script_limit);
}

/* ---- streams -------------------------------------------------------------------- */

static const char *answer_stream(struct fixture *f, struct peer *p, const char *request)
{
	(void)f;
	(void)p;
	if (strstr(request, "/ok"))
		return OK_TEXT;
	return strstr(request, "/ends") ? "!HTTP/1.1 200 OK\r\n\r\none" :
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\none";
}

static void on_head(void *ctx, int status)
{
	((struct fixture *)ctx)->head_status = status;
}

static void on_second(struct op *op, int outcome)
{
	struct http_call *c = CONTAINER_OF(op, struct http_call, op);

	assert_int_equal(outcome, OP_OK);
	assert_int_equal(c->reply.status, 200);
	http_reply_fini(&c->reply);
	++*(int *)op->user;
}

/* A request from inside the client's own callback. */
static void on_data(void *ctx, const char *p, size_t n)
{
	struct fixture *f = ctx;
	char url[100];
	struct http_request req = { .url = url, .timeout_ms = 1000 };

	(void)p;
	f->chunks += (int)n;
	f->second.op = (struct op){ .done = on_second, .user = &f->seconds };
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", f->port);
	http_start(f->http, &f->second, &req);
}

static void script_stream(struct fixture *f)
{
	struct http_call call = { 0 };
	char url[100];
	struct http_request req = { .url = url, .on_data = on_data, .on_head = on_head, .ctx = f,
				    .idle_ms = 500 };

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/stays", f->port);
	http_start(f->http, &call, &req);
	while (f->chunks < 3)
		task_sleep(5);
	assert_int_equal(f->head_status, 200);
	while (f->seconds < 1)
		task_sleep(5);
	call.op.cancel(&call.op);
	call.op.cancel(&call.op); /* idempotent */
	assert_int_equal(task_await(&call.op), OP_CANCELLED);
	http_reply_fini(&call.reply);
	f->chunks = 0;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/ends", f->port);
	http_start(f->http, &call, &req);
	task_await(&call.op);
	assert_int_equal(call.reply.result, HTTP_DONE);
	assert_int_equal(f->chunks, 3);
	http_reply_fini(&call.reply);
	while (f->seconds < 2)
		task_sleep(5);
}

static void streams(void **state)
{
	(void)state;
	with_answers(answer_stream, NULL, script_stream);
}

/* ---- the end -------------------------------------------------------------------- */

static void on_done(struct op *op, int outcome)
{
	assert_int_equal(outcome, OP_CANCELLED);
	++*(int *)op->user;
}

static void script_free(struct fixture *f)
{
	struct http_call calls[5];
	char url[100];
	int done = 0;
	struct http_request req = { .url = url, .timeout_ms = 5000 };

	for (int i = 0; i < 5; i++) {
		snprintf(url, sizeof(url), "http://%s:%d/silence", i ? "127.0.0.1" : "slow.test",
			 f->port);
		calls[i] = (struct http_call){ .op = { .done = on_done, .user = &done } };
		http_start(f->http, &calls[i], &req);
	}
	task_sleep(20);
	http_free(f->http); /* inside a task */
	assert_int_equal(done, 0);
	for (int i = 0; i < 12000 && done < 5; i++)
		task_sleep(5);
	assert_int_equal(done, 5);
	f->http = http_new(f->loop);
}

static void freed_in_use(void **state)
{
	(void)state;
	slow_ms = 50;
	with_answers(answer_path, NULL, script_free);
	slow_ms = 0;
}

/* ---- names ---------------------------------------------------------------------- */

static int fetch_name(struct fixture *f, const char *host, int64_t timeout_ms)
{
	char url[100];
	struct http_reply r;
	enum http_result what;
	struct http_request req = { .url = url, .timeout_ms = timeout_ms };

	snprintf(url, sizeof(url), "http://%s:%d/ok", host, f->port);
	http_fetch(f->http, &req, &r);
	what = r.result;
	http_reply_fini(&r);
	return (int)what;
}

static void script_names(struct fixture *f)
{
	int before;

	assert_int_equal(fetch_name(f, "api.test", 1000), HTTP_DONE);
	before = lookups;
	names_fail = true;
	assert_int_equal(fetch_name(f, "api.test", 1000), HTTP_DONE); /* remembered */
	assert_int_equal(lookups, before);
	assert_int_equal(fetch_name(f, "other.test", 1000), HTTP_RESOLVE);
	names_fail = false;
	/* a resolver that hangs holds neither the loop nor the request past its deadline */
	slow_ms = 1500;
	loop_take_gap_ms(f->loop);
	int64_t from = loop_now_ms(f->loop);

	assert_int_equal(fetch_name(f, "slow.test", 200), HTTP_TIMEOUT);
	assert_in_range(loop_now_ms(f->loop) - from, 150, 900);
	assert_int_equal(fetch_name(f, "127.0.0.1", 1000), HTTP_DONE);
	assert_in_range(loop_take_gap_ms(f->loop), 0, 300);
	slow_ms = 0;
}

static void names(void **state)
{
	(void)state;
	with_answers(answer_path, NULL, script_names);
}

/* ---- mail ----------------------------------------------------------------------- */

static const char *answer_smtp(struct fixture *f, struct peer *p, const char *line)
{
	(void)p;
	str_addf(&f->seen, "%s", line);
	if (f->data) {
		f->data = false;
		return "250 queued\r\n";
	}
	if (str_has_prefix(line, "EHLO"))
		return "250-hello\r\n250 AUTH PLAIN LOGIN\r\n";
	if (str_has_prefix(line, "AUTH PLAIN"))
		return "535 no\r\n";
	if (str_has_prefix(line, "RCPT"))
		return strstr(line, "bad") ? "550 nobody\r\n" : "250 ok\r\n";
	if (str_has_prefix(line, "DATA")) {
		f->data = true;
		return "354 go\r\n";
	}
	if (str_has_prefix(line, "QUIT"))
		return "!221 bye\r\n";
	if (str_has_prefix(line, "EXPN") || str_has_prefix(line, "HELP"))
		return "502 no\r\n";
	return "250 ok\r\n";
}

static int mail(struct fixture *f, struct mail m, const char *const *to, int *ret_refused)
{
	char url[100];
	struct err err = { 0 };

	snprintf(url, sizeof(url), "smtp://127.0.0.1:%d", f->port);
	if (!m.url)
		m.url = url;
	m.to = to;
	for (m.n_to = 0; to[m.n_to];)
		m.n_to++;
	if (!m.from)
		m.from = "ringdown@example.com";
	m.text = "Subject: x\r\n\r\n.one\r\ntwo\r\n";
	m.timeout_ms = 1500;
	str_clear(&f->seen);
	f->data = false;
	return mail_send(f->http, &m, ret_refused, &err);
}

#define TO(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void script_mail(struct fixture *f)
{
	struct secret *pw = secret_new("mailpass");
	int refused = -1;

	assert_int_equal(mail(f, (struct mail){ 0 }, TO("a@x.test", "b@x.test"), &refused), 0);
	assert_int_equal(refused, 0);
	assert_non_null(strstr(f->seen.s, "MAIL FROM:<ringdown@example.com>"));
	assert_non_null(strstr(f->seen.s, "..one\r\ntwo\r\n.\r\n"));
	assert_int_equal(mail(f, (struct mail){ 0 }, TO("bad1@x.test", "b@x.test", "bad2@x.test"),
			      &refused), 0);
	assert_int_equal(refused, 2);
	assert_int_equal(mail(f, (struct mail){ 0 }, TO("bad@x.test"), &refused), ERR_DENIED);
	assert_null(strstr(f->seen.s, "DATA"));
	assert_int_equal(mail(f, (struct mail){ .user = "u", .password = pw }, TO("a@x.test"),
			      &refused), ERR_DENIED);
	/* no encryption offered, but wanted: nothing is sent */
	assert_int_equal(mail(f, (struct mail){ .require_tls = true }, TO("a@x.test"), &refused),
			 ERR_UNREACHABLE);
	assert_null(strstr(str_get(&f->seen), "MAIL"));
	assert_int_equal(mail(f, (struct mail){ 0 }, TO("a@x>\r\nRSET\r\n"), &refused),
			 ERR_INVALID);
	assert_int_equal(mail(f, (struct mail){ .from = "a b" }, TO("a@x.test"), &refused),
			 ERR_INVALID);
	assert_int_equal(mail(f, (struct mail){ .url = "http://127.0.0.1/" }, TO("a@x.test"),
			      &refused), ERR_INVALID);
	assert_int_equal(mail(f, (struct mail){ .url = "smtp://127.0.0.1:1" }, TO("a@x.test"),
			      &refused), ERR_UNREACHABLE);
	secret_free(pw);
}

static void mails(void **state)
{
	(void)state;
	with_answers(answer_smtp, "220 here\r\n", script_mail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_twice),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(sent_flag),
		cmocka_unit_test(headers),
		cmocka_unit_test(unix_socket),
		cmocka_unit_test(host_limit),
		cmocka_unit_test(streams),
		cmocka_unit_test(freed_in_use),
		cmocka_unit_test(names),
		cmocka_unit_test(mails),
	};

	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
