/*
 * HTTP client over curl's multi interface: one watch for each of curl's sockets, one
 * timer, and at most one finished transfer handed over in each turn.
 *
 * Invariant: a call's done comes once, from the loop; after http_free of the client no
 * call is pending (they end as cancelled), except when a task freed it: then they end as
 * soon as that task waits.
 */
#include "core/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/http_internal.h"
#include "core/mem.h"
#include "core/task.h"

enum { DEFAULT_LIMIT_MS = 10000 };

struct sock {
	struct http *http;
	curl_socket_t fd;
	struct watch *watch;
};

static void pump_soon(struct http *h);

static void socket_action(struct http *h, curl_socket_t fd, int mask)
{
	int running;

	h->inside++;
	curl_multi_socket_action(h->multi, fd, mask, &running);
	h->inside--;
	pump_soon(h);
}

/* ---- curl's sockets and timer ------------------------------------------------------ */

static void on_sock(void *ctx, int events)
{
	struct sock *s = ctx;
	int mask = 0;

	if (events & WATCH_READ)
		mask |= CURL_CSELECT_IN;
	if (events & WATCH_WRITE)
		mask |= CURL_CSELECT_OUT;
	socket_action(s->http, s->fd, mask);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *sockp)
{
	struct http *h = ctx;
	struct sock *s = sockp;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s) {
			watch_free(s->watch);
			free_p(&s);
		}
		curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->http = h;
		s->fd = fd;
		s->watch = watch_new(h->loop, fd, on_sock, s);
		curl_multi_assign(h->multi, fd, s);
	}
	if (s->watch)
		watch_set(s->watch, (what & CURL_POLL_IN ? WATCH_READ : 0) |
				    (what & CURL_POLL_OUT ? WATCH_WRITE : 0));
	return 0;
}

static void on_timer(struct timer *t)
{
	socket_action(t->user, CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *multi, long ms, void *ctx)
{
	struct http *h = ctx;

	(void)multi;
	if (ms < 0)
		timer_stop(&h->timer);
	else
		timer_start(h->loop, &h->timer, ms, on_timer);
	return 0;
}

/* ---- results -------------------------------------------------------------------------- */

const char *http_result_name(enum http_result r)
{
	static const char *const names[] = {
		[HTTP_DONE] = "done", [HTTP_RESOLVE] = "name not resolved",
		[HTTP_CONNECT] = "cannot connect", [HTTP_TLS] = "TLS failed",
		[HTTP_TIMEOUT] = "no answer in time", [HTTP_BROKEN] = "connection broken",
		[HTTP_TOO_BIG] = "answer too big", [HTTP_CANCELLED] = "cancelled",
		[HTTP_REFUSED] = "request malformed",
	};

	return names[r];
}

void http_reply_fini(struct http_reply *r)
{
	str_fini(&r->body);
	str_fini(&r->head);
	memset(r, 0, sizeof(*r));
}

const char *http_header(const struct http_reply *r, const char *name, char *buf, size_t n)
{
	size_t len = strlen(name);
	const char *line = str_get(&r->head);

	while (*line) {
		const char *end = strchr(line, '\n');
		size_t line_len = end ? (size_t)(end - line) : strlen(line);

		if (line_len > len && strncasecmp(line, name, len) == 0 && line[len] == ':') {
			const char *v = line + len + 1;
			const char *stop = line + line_len;

			while (v < stop && (*v == ' ' || *v == '\t'))
				v++;
			while (stop > v && (stop[-1] == '\r' || stop[-1] == ' '))
				stop--;
			snprintf(buf, n, "%.*s", (int)(stop - v), v);
			return buf;
		}
		line += line_len + (end ? 1 : 0);
	}
	return NULL;
}

static enum http_result result_of(const struct http_transfer *t, CURLcode code)
{
	if (t->too_big)
		return HTTP_TOO_BIG;
	if (t->repeated)
		return HTTP_BROKEN;
	switch (code) {
	case CURLE_OK:
		return HTTP_DONE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_RESOLVE;
	case CURLE_COULDNT_CONNECT:
		return HTTP_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_USE_SSL_FAILED:
		return HTTP_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TIMEOUT;
	case CURLE_URL_MALFORMAT:
		return HTTP_REFUSED;
	default:
		return HTTP_BROKEN;
	}
}

/* Lets go of everything of curl's. */
static void let_go(struct http_transfer *t)
{
	resolve_cancel(t->resolve);
	t->resolve = NULL;
	timer_stop(&t->deadline);
	timer_stop(&t->soon);
	watch_free(t->watch);
	t->watch = NULL;
	if (t->in_multi)
		curl_multi_remove_handle(t->http->multi, t->easy);
	t->in_multi = false;
	if (t->easy)
		curl_easy_cleanup(t->easy);
	t->easy = NULL;
}

static void transfer_free(struct http_transfer *t)
{
	let_go(t);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->resolved);
	secret_free(t->password);
	if (t->prev)
		t->prev->next = t->next;
	else
		t->http->transfers = t->next;
	if (t->next)
		t->next->prev = t->prev;
	free_p(&t->url);
	free_p(&t->host);
	free_p(&t);
}

static void client_free(struct http *h)
{
	http_names_free(h);
	free_p(&h);
}

static void deliver(void *arg)
{
	struct http_transfer *t = arg;
	struct http *h = t->http;
	struct http_call *c = t->call;
	int outcome = t->result == HTTP_CANCELLED ? OP_CANCELLED : OP_OK;

	transfer_free(t);
	c->transfer = NULL;
	c->op.done(&c->op, outcome);
	if (h->closing && !h->waited_for && !h->transfers)
		client_free(h);
}

/* "Expire date:Nov 21 12:00:00 2026 GMT" of the first certificate, the server's own. */
static int64_t cert_until(CURL *easy)
{
	struct curl_certinfo *info = NULL;
	struct tm tm = { 0 };

	curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info);
	for (struct curl_slist *s = info && info->num_of_certs > 0 ? info->certinfo[0] : NULL; s;
	     s = s->next)
		if (strncmp(s->data, "Expire date:", 12) == 0 &&
		    (strptime(s->data + 12, "%b %d %H:%M:%S %Y", &tm) ||
		     strptime(s->data + 12, "%Y-%m-%d %H:%M:%S", &tm)))
			return (int64_t)timegm(&tm) * 1000;
	return 0;
}

void http_transfer_end(struct http_transfer *t, enum http_result result, const char *error)
{
	struct http_reply *r = &t->call->reply;
	long status = 0, request_size = 0;

	if (t->ended)
		return;
	t->ended = true;
	if (result == HTTP_DONE && !t->head_done && !t->mail) {
		result = HTTP_BROKEN; /* curl takes a head that was cut for a whole one */
		error = "the answer was cut";
	}
	timer_stop(&t->deadline);
	if (t->watch)
		watch_set(t->watch, 0);
	r->result = t->result = result;
	r->latency_ms = loop_now_ms(t->http->loop) - t->started_ms;
	if (t->easy) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &request_size);
		r->cert_until_ms = cert_until(t->easy);
	}
	if (t->last_status && !t->watch)
		*t->last_status = (int)status;
	r->sent = request_size > 0;
	r->status = result == HTTP_DONE ? (int)status : 0;
	snprintf(r->error, sizeof(r->error), "%s", error ? error : http_result_name(result));
	text_clean_buf(r->error);
	loop_defer(t->http->loop, deliver, t);
}

/* One finished transfer each turn, so that a burst of replies does not starve the rest. */
static void pump(struct timer *timer)
{
	struct http *h = timer->user;
	int left = 0;
	CURLMsg *m;

	do {
		m = curl_multi_info_read(h->multi, &left);
	} while (m && m->msg != CURLMSG_DONE);
	if (!m)
		return;
	struct http_transfer *t = NULL;
	CURLcode code = m->data.result;
	curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
	enum http_result result = result_of(t, code);
	if (code == CURLE_OK && t->on_connected && !t->ended)
		t->on_connected(t);
	else
		http_transfer_end(t, result, code == CURLE_OK ? NULL :
			  t->curl_error[0] ? t->curl_error : curl_easy_strerror(code));
	if (left > 0)
		pump_soon(h);
}

static void pump_soon(struct http *h)
{
	if (!timer_active(&h->pump))
		timer_start(h->loop, &h->pump, 0, pump);
}

/* ---- one request ------------------------------------------------------------------------ */

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_transfer *t = ctx;
	struct http_reply *r = &t->call->reply;

	n *= size;
	if (t->ended)
		return 0;
	if (t->on_data) {
		timer_start(t->http->loop, &t->deadline, t->idle_ms, http_on_deadline);
		t->on_data(t->ctx, p, n);
		return n;
	}
	if (r->body.len + n > t->max_body) {
		t->too_big = true;
		return 0;
	}
	str_addn(&r->body, p, n);
	return n;
}

static size_t on_head(char *p, size_t size, size_t n, void *ctx)
{
	struct http_transfer *t = ctx;
	struct str *head = &t->call->reply.head;
	long status = 0;

	n *= size;
	if (t->ended)
		return 0;
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0)
		str_clear(head); /* of the final reply, not of a 100 */
	str_addn(head, p, n);
	if (n <= 2 && !t->head_done) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		t->head_done = status >= 200;
		if (t->head_done && t->on_head_line)
			t->on_head_line(t->ctx, (int)status);
	}
	return n;
}

void http_on_deadline(struct timer *timer)
{
	struct http_transfer *t = timer->user;

	http_transfer_end(t, HTTP_TIMEOUT, NULL);
}

static void on_cancel(struct op *op)
{
	struct http_call *c = CONTAINER_OF(op, struct http_call, op);

	if (c->transfer)
		http_transfer_end(c->transfer, HTTP_CANCELLED, NULL);
}

static void on_soon(struct timer *timer)
{
	http_transfer_go(timer->user);
}

/* Into the multi, once the address is known. */
void http_transfer_go(struct http_transfer *t)
{
	if (t->ended)
		return;
	if (t->http->inside) {
		timer_start(t->http->loop, &t->soon, 0, on_soon);
		return;
	}
	t->in_multi = true;
	curl_multi_add_handle(t->http->multi, t->easy);
	socket_action(t->http, CURL_SOCKET_TIMEOUT, 0);
}

/*
 * curl sends a request again when the kept connection it chose was closed before an answer.
 * The server may have acted on the first: what must not happen twice ends as broken instead,
 * and the caller finds out.
 */
static int on_send(void *ctx, char *to, char *from, int to_port, int from_port)
{
	struct http_transfer *t = ctx;
	long sent = 0;

	(void)to;
	(void)from;
	(void)to_port;
	(void)from_port;
	curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
	t->repeated = t->once && sent > 0;
	return t->repeated ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static bool is_repeatable(const char *method)
{
	static const char *const names[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(method, names[i]) == 0)
			return true;
	return false;
}

static void add_header(struct http_transfer *t, const char *line)
{
	if (strpbrk(line, "\r\n"))
		t->bad_request = true;
	else
		t->headers = curl_slist_append(t->headers, line);
}

static void set_credentials(struct http_transfer *t, const struct http_request *req)
{
	if (req->user) {
		t->password = secret_ref(req->password);
		curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(t->easy, CURLOPT_USERNAME, req->user);
		curl_easy_setopt(t->easy, CURLOPT_PASSWORD, secret_reveal(req->password));
	}
	if (req->bearer) {
		char *line = xasprintf("%s%s", req->bearer_prefix ? req->bearer_prefix :
				       "Authorization: Bearer ", secret_reveal(req->bearer));

		add_header(t, line);
		explicit_bzero(line, strlen(line));
		free_p(&line);
	}
}

static void set_method(struct http_transfer *t, const struct http_request *req)
{
	const char *method = req->method ? req->method : "GET";
	bool has_body = req->body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
		strcmp(method, "PATCH") == 0;

	if (!method[0] || method[strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		t->bad_request = true;
	t->once = !is_repeatable(method);
	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (has_body) {
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)(req->body ? req->body_len : 0));
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, req->body ? req->body : "");
	}
	curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_options(struct http_transfer *t, const struct http_request *req, int64_t limit_ms)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_send);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, t->on_data ? NULL : "");
	/* of several addresses none may eat all the time */
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(req->connect_ms > 0 ? req->connect_ms : limit_ms));
	/* shorter than servers keep idle connections, so that we rarely meet one just closed */
	curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, 50L);
	if (req->unix_socket)
		curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
	if (req->want_cert) {
		curl_easy_setopt(e, CURLOPT_CERTINFO, 1L);
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	}
	if (req->insecure_tls) {
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	set_method(t, req);
	add_header(t, "Expect:");
	for (int i = 0; i < HTTP_MAX_HEADERS && req->headers[i]; i++)
		add_header(t, req->headers[i]);
	set_credentials(t, req);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
}

struct http_transfer *http_transfer_new(struct http *h, struct http_call *c, const char *url)
{
	struct http_transfer *t = xcalloc(1, sizeof(*t));

	memset(&c->reply, 0, sizeof(c->reply));
	c->reply.body = c->reply.head = STR_INIT(STR_MAX_DEFAULT);
	c->reply.head.max = 65536;
	c->op.cancel = on_cancel;
	c->transfer = t;
	t->http = h;
	t->call = c;
	t->url = xstrdup(url ? url : "");
	t->easy = curl_easy_init();
	t->deadline = t->soon = TIMER_INIT;
	t->deadline.user = t->soon.user = t;
	t->started_ms = loop_now_ms(h->loop);
	curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(t->easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->curl_error);
	/* what we gave it must not run out while a transfer waits for a free connection */
	curl_easy_setopt(t->easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
	t->next = h->transfers;
	if (h->transfers)
		h->transfers->prev = t;
	h->transfers = t;
	return t;
}

void http_start(struct http *h, struct http_call *c, const struct http_request *req)
{
	struct http_transfer *t = http_transfer_new(h, c, req->url);
	int64_t limit = req->on_data ? req->idle_ms : req->timeout_ms;

	t->on_data = req->on_data;
	t->on_head_line = req->on_head;
	t->ctx = req->ctx;
	t->idle_ms = req->idle_ms;
	t->max_body = req->max_body ? req->max_body : (size_t)8 << 20;
	if (req->room) {
		str_clear(req->room);
		c->reply.body = *req->room;
		*req->room = STR_INIT(STR_MAX_DEFAULT);
	}
	if (limit <= 0)
		limit = DEFAULT_LIMIT_MS;
	set_options(t, req, limit);
	timer_start(h->loop, &t->deadline, limit, http_on_deadline);
	if (t->bad_request)
		http_transfer_end(t, HTTP_REFUSED, "a line break in a header, or not a method");
	else
		http_transfer_resolve(t, limit, req->unix_socket != NULL);
}

void http_fetch(struct http *h, const struct http_request *req, struct http_reply *ret)
{
	struct http_call c = { 0 };

	if (task_cancelled()) {
		*ret = (struct http_reply){ .result = HTTP_CANCELLED };
		snprintf(ret->error, sizeof(ret->error), "%s", http_result_name(HTTP_CANCELLED));
		return;
	}
	http_start(h, &c, req);
	task_await(&c.op);
	*ret = c.reply;
}

/* ---- life --------------------------------------------------------------------------------- */

struct http *http_new(struct loop *l)
{
	struct http *h = xcalloc(1, sizeof(*h));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	h->loop = l;
	h->timer = h->pump = TIMER_INIT;
	h->timer.user = h->pump.user = h;
	h->multi = curl_multi_init();
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 64L);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 128L);
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	h->closing = true;
	for (struct http_transfer *t = h->transfers; t; t = t->next) {
		http_transfer_end(t, HTTP_CANCELLED, NULL);
		let_go(t);
	}
	timer_stop(&h->timer);
	timer_stop(&h->pump);
	curl_multi_cleanup(h->multi);
	/* the deferred ends; none of them waits. A task cannot run the loop: they come later */
	h->waited_for = !task_self();
	for (int i = 0; i < 1000 && h->waited_for && h->transfers; i++)
		loop_run_once(h->loop, 0);
	h->waited_for = false;
	if (!h->transfers)
		client_free(h);
}
