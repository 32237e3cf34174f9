/*
 * HTTP client over curl's multi interface: one watch for each of curl's sockets, one
 * timer, and at most one finished transfer handed over in each turn. Host names are
 * resolved by the loop under the request's deadline; curl gets addresses.
 *
 * Invariant: a call's done comes once, from the loop; after http_free of the client no
 * call is pending (they end as cancelled).
 */
#include "core/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/http_internal.h"
#include "core/mem.h"
#include "core/task.h"

struct sock {
	struct http *http;
	curl_socket_t fd;
	struct watch *watch;
};

static void pump_soon(struct http *h);

/* ---- curl's sockets and timer ------------------------------------------------------ */

static void on_sock(void *ctx, int events)
{
	struct sock *s = ctx;
	struct http *h = s->http;
	int running, mask = 0;

	if (events & WATCH_READ)
		mask |= CURL_CSELECT_IN;
	if (events & WATCH_WRITE)
		mask |= CURL_CSELECT_OUT;
	curl_multi_socket_action(h->multi, s->fd, mask, &running);
	pump_soon(h);
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
	struct http *h = t->user;
	int running;

	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	pump_soon(h);
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
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_USE_SSL_FAILED:
		return HTTP_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TIMEOUT;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return HTTP_REFUSED;
	default:
		return HTTP_BROKEN;
	}
}

static void transfer_free(struct http_transfer *t)
{
	struct http *h = t->http;

	resolve_cancel(t->resolve);
	timer_stop(&t->deadline);
	if (t->in_multi)
		curl_multi_remove_handle(h->multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->resolved);
	curl_slist_free_all(t->rcpt);
	secret_free(t->password);
	secret_free(t->bearer);
	if (t->prev)
		t->prev->next = t->next;
	else
		h->transfers = t->next;
	if (t->next)
		t->next->prev = t->prev;
	free_p(&t->url);
	free_p(&t->host);
	free_p(&t);
}

static void deliver(void *arg)
{
	struct http_transfer *t = arg;
	struct http_call *c = t->call;
	int outcome = t->result == HTTP_CANCELLED ? OP_CANCELLED : OP_OK;

	transfer_free(t);
	c->transfer = NULL;
	c->op.done(&c->op, outcome);
}

void http_transfer_end(struct http_transfer *t, enum http_result result, const char *error)
{
	struct http_reply *r = &t->call->reply;
	long status = 0, request_size = 0;

	if (t->ended)
		return;
	t->ended = true;
	t->result = result;
	timer_stop(&t->deadline);
	r->result = result;
	r->latency_ms = loop_now_ms(t->http->loop) - t->started_ms;
	if (t->easy) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &request_size);
	}
	r->sent = request_size > 0;
	r->status = result == HTTP_DONE ? (int)status : 0;
	t->last_status = (int)status;
	if (result == HTTP_DONE && status == 0 && !t->mail)
		r->result = t->result = HTTP_BROKEN;
	snprintf(r->error, sizeof(r->error), "%s", error ? error : http_result_name(result));
	text_clean_buf(r->error);
	loop_defer(t->http->loop, deliver, t);
}

/* One finished transfer each turn, so that a burst of replies does not starve the rest. */
static void pump(void *arg)
{
	struct http *h = arg;
	int left = 0;
	CURLMsg *m;

	h->pumping = false;
	do {
		m = curl_multi_info_read(h->multi, &left);
	} while (m && m->msg != CURLMSG_DONE);
	if (!m)
		return;
	struct http_transfer *t = NULL;
	CURLcode code = m->data.result;
	curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
	enum http_result result = result_of(t, code);
	http_transfer_end(t, result, code == CURLE_OK ? NULL :
			  t->curl_error[0] ? t->curl_error : curl_easy_strerror(code));
	if (left > 0)
		pump_soon(h);
}

static void pump_soon(struct http *h)
{
	if (h->pumping)
		return;
	h->pumping = true;
	loop_defer(h->loop, pump, h);
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
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0)
		str_clear(head); /* of the final reply, not of a 100 */
	str_addn(head, p, n);
	if (n <= 2 && t->on_head_line) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
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

/* Into the multi, once the address is known. */
void http_transfer_go(struct http_transfer *t)
{
	int running;

	t->in_multi = true;
	curl_multi_add_handle(t->http->multi, t->easy);
	curl_multi_socket_action(t->http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	pump_soon(t->http);
}

static void on_resolved(void *ctx, int n, const char *const *addrs, const char *error)
{
	struct http_transfer *t = ctx;
	struct str line = STR_INIT(1000);

	t->resolve = NULL;
	if (t->ended)
		return;
	if (n == 0) {
		http_transfer_end(t, HTTP_RESOLVE, error);
		return;
	}
	str_addf(&line, "+%s:%d:", t->host, t->port);
	for (int i = 0; i < n; i++)
		str_addf(&line, "%s%s", i ? "," : "", addrs[i]);
	t->resolved = curl_slist_append(NULL, line.s);
	str_fini(&line);
	curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolved);
	http_transfer_go(t);
}

static bool is_address(const char *host)
{
	return host[strspn(host, "0123456789.")] == '\0' || strchr(host, ':') || host[0] == '[';
}

/* Host and port of the URL; false when it is not one. */
static bool parse_url(struct http_transfer *t)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL;
	int64_t number = 0;
	bool good = u && curl_url_set(u, CURLUPART_URL, t->url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK;

	if (good && curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
		good = parse_i64(port, 1, 65535, &number);
	if (good)
		t->host = xstrdup(host);
	t->port = (int)number;
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return good;
}

/* Looks the name up, or goes at once for addresses and sockets. */
void http_transfer_resolve(struct http_transfer *t, int64_t timeout_ms, bool socket)
{
	if (!parse_url(t)) {
		http_transfer_end(t, HTTP_REFUSED, "not a usable URL");
		return;
	}
	if (socket || is_address(t->host)) {
		http_transfer_go(t);
		return;
	}
	t->resolve = loop_resolve(t->http->loop, t->host, timeout_ms, on_resolved, t);
	if (!t->resolve)
		http_transfer_end(t, HTTP_RESOLVE, "cannot look the name up");
}

static void add_header(struct http_transfer *t, const char *line)
{
	if (strpbrk(line, "\r\n"))
		t->bad_header = true;
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
		char *line = xasprintf("%s%s", req->bearer_prefix, secret_reveal(req->bearer));

		add_header(t, line);
		memset(line, 0, strlen(line));
		free_p(&line);
	}
}

static void set_options(struct http_transfer *t, const struct http_request *req)
{
	CURL *e = t->easy;
	const char *method = req->method ? req->method : "GET";

	curl_easy_setopt(e, CURLOPT_URL, t->url);
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->curl_error);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, t->on_data ? NULL : "");
	if (req->unix_socket)
		curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
	if (req->insecure_tls) {
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	else if (req->body) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, req->body);
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	} else if (strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0 ||
		   strcmp(method, "PUT") == 0) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	} else {
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	}
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
	t->deadline = TIMER_INIT;
	t->deadline.user = t;
	t->started_ms = loop_now_ms(h->loop);
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
	set_options(t, req);
	timer_start(h->loop, &t->deadline, limit > 0 ? limit : 10000, http_on_deadline);
	if (t->bad_header)
		http_transfer_end(t, HTTP_REFUSED, "a header holds a line break");
	else
		http_transfer_resolve(t, limit > 0 ? limit : 10000, req->unix_socket != NULL);
}

void http_fetch(struct http *h, const struct http_request *req, struct http_reply *ret)
{
	struct http_call c = { 0 };

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
	h->timer = TIMER_INIT;
	h->timer.user = h;
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
	for (struct http_transfer *t = h->transfers; t; t = t->next)
		http_transfer_end(t, HTTP_CANCELLED, NULL);
	for (int i = 0; i < 1000 && (h->transfers || h->pumping); i++)
		loop_run_once(h->loop, 0); /* the deferred ends; none of them waits */
	timer_stop(&h->timer);
	curl_multi_cleanup(h->multi);
	free_p(&h);
}
