/*
 * HTTP server over libmicrohttpd in external-epoll mode: one watch on its epoll fd,
 * one timer from its own timeout. A request is suspended once it is whole and resumed
 * when the answer is there, so handlers may take as long as answer_timeout_ms.
 *
 * Suspended connections neither time out nor notice a hang-up in the library: the
 * deadline here bounds both.
 */
#include "core/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"

struct httpd {
	struct loop *loop;
	struct MHD_Daemon *mhd;
	struct watch *watch;
	struct timer timer;
	struct httpd_options o;
	httpd_handler fn;
	void *ctx;
	void (*error_fn)(void *ctx, int status, const char *why, struct str *body,
			 const char **content_type);
	void *error_ctx;
	struct httpd_req *requests;
	bool running, run_again, closing, turn_deferred;
};

struct extra_header {
	char *name, *value;
	struct extra_header *next;
};

struct httpd_req {
	struct httpd *d;
	struct MHD_Connection *conn;
	char *method, *path, *raw_path, *query, peer[64];
	struct str body;
	bool whole, suspended, answered, dropped, too_big, closed;
	bool owed;	/* the handler has it and will answer; then, not before, it may be freed */
	struct timer deadline;
	struct extra_header *headers;
	struct MHD_Response *response;
	int status;
	void *user;
	void (*free_user)(void *);
	void (*on_close)(void *ctx);
	void *close_ctx;
	struct httpd_stream *stream;
	struct httpd_req *next, *prev;
};

struct httpd_stream {
	struct httpd_req *req;
	struct str queue;
	size_t sent, max_queue;
	bool ended, dropped;
	void (*on_close)(void *ctx);
	void *ctx;
};

/* ---- driving the library ------------------------------------------------------------ */

static void drive(struct httpd *d);

static void on_timer(struct timer *t)
{
	drive(t->user);
}

static void drive(struct httpd *d)
{
	MHD_UNSIGNED_LONG_LONG wait;

	if (d->running) {
		d->run_again = true;
		return;
	}
	d->running = true;
	do {
		d->run_again = false;
		MHD_run(d->mhd);
	} while (d->run_again);
	d->running = false;
	if (MHD_get_timeout(d->mhd, &wait) == MHD_YES)
		timer_start(d->loop, &d->timer, wait > 60000 ? 60000 : (int64_t)wait, on_timer);
	else
		timer_stop(&d->timer);
}

static void drive_deferred(void *arg)
{
	struct httpd *d = arg;

	d->turn_deferred = false;
	if (d->closing)
		return;
	drive(d);
}

/* Resumed connections are served by the next run; many answers in one turn share it. */
static void drive_soon(struct httpd *d)
{
	if (d->turn_deferred || d->closing)
		return;
	d->turn_deferred = true;
	loop_defer(d->loop, drive_deferred, d);
}

static void on_epoll(void *ctx, int events)
{
	(void)events;
	drive(ctx);
}

/* ---- requests ------------------------------------------------------------------------- */

static char *decode_path(const char *raw)
{
	char *s = xstrdup(raw);

	MHD_http_unescape(s);
	return s;
}

static struct httpd_req *req_new(struct httpd *d, struct MHD_Connection *conn, const char *method,
				 const char *uri)
{
	struct httpd_req *r = xcalloc(1, sizeof(*r));
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const char *question = strchr(uri, '?');

	r->d = d;
	r->conn = conn;
	r->method = xstrdup(method);
	r->raw_path = question ? xstrndup(uri, (size_t)(question - uri)) : xstrdup(uri);
	r->query = xstrdup(question ? question + 1 : "");
	r->path = decode_path(r->raw_path);
	r->body = STR_INIT(d->o.max_body + 1);
	r->deadline = TIMER_INIT;
	r->deadline.user = r;
	if (info && info->client_addr && info->client_addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)info->client_addr;
		char text[INET_ADDRSTRLEN];

		snprintf(r->peer, sizeof(r->peer), "%s:%d",
			 inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)), ntohs(in->sin_port));
	}
	r->next = d->requests;
	if (d->requests)
		d->requests->prev = r;
	d->requests = r;
	return r;
}

static void req_free(struct httpd_req *r)
{
	timer_stop(&r->deadline);
	if (r->prev)
		r->prev->next = r->next;
	else
		r->d->requests = r->next;
	if (r->next)
		r->next->prev = r->prev;
	while (r->headers) {
		struct extra_header *h = r->headers;

		r->headers = h->next;
		free_p(&h->name);
		free_p(&h->value);
		free_p(&h);
	}
	if (r->response)
		MHD_destroy_response(r->response);
	if (r->user && r->free_user)
		r->free_user(r->user);
	str_fini(&r->body);
	free_p(&r->method);
	free_p(&r->path);
	free_p(&r->raw_path);
	free_p(&r->query);
	free_p(&r);
}

const char *httpd_method(const struct httpd_req *r)
{
	return r->method;
}

const char *httpd_path(const struct httpd_req *r)
{
	return r->path;
}

const char *httpd_raw_path(const struct httpd_req *r)
{
	return r->raw_path;
}

const char *httpd_query_string(const struct httpd_req *r)
{
	return r->query;
}

const char *httpd_query(const struct httpd_req *r, const char *name)
{
	return r->closed ? NULL : MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
}

const char *httpd_header(const struct httpd_req *r, const char *name)
{
	return r->closed ? NULL : MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *httpd_body(const struct httpd_req *r, size_t *ret_len)
{
	*ret_len = r->body.len;
	return str_get(&r->body);
}

const char *httpd_peer(const struct httpd_req *r)
{
	return r->peer;
}

void *httpd_get_user(const struct httpd_req *r)
{
	return r->user;
}

void httpd_set_user(struct httpd_req *r, void *user, void (*free_fn)(void *))
{
	r->user = user;
	r->free_user = free_fn;
}

void httpd_on_close(struct httpd_req *r, void (*fn)(void *ctx), void *ctx)
{
	r->on_close = fn;
	r->close_ctx = ctx;
}

void httpd_add_header(struct httpd_req *r, const char *name, const char *value)
{
	struct extra_header *h;

	if (strpbrk(name, "\r\n:") || strpbrk(value, "\r\n"))
		return;
	h = xcalloc(1, sizeof(*h));
	h->name = xstrdup(name);
	h->value = xstrdup(value);
	h->next = r->headers;
	r->headers = h;
}

/* ---- answering -------------------------------------------------------------------------- */

/* The answer is set: let the library send it. */
static void answer_ready(struct httpd_req *r)
{
	timer_stop(&r->deadline);
	if (r->suspended) {
		r->suspended = false;
		MHD_resume_connection(r->conn);
	}
	drive_soon(r->d);
}

static void apply_headers(struct httpd_req *r, const char *content_type)
{
	if (content_type)
		MHD_add_response_header(r->response, "Content-Type", content_type);
	for (struct extra_header *h = r->headers; h; h = h->next)
		MHD_add_response_header(r->response, h->name, h->value);
}

/* The handler is done with r. false: too late (timed out, client gone); r may be freed. */
static bool take_back(struct httpd_req *r)
{
	r->owed = false;
	if (r->closed)
		req_free(r);
	else if (!r->answered)
		return true;
	return false;
}

static void set_reply(struct httpd_req *r, int status, const char *content_type, const char *body,
		      size_t len)
{
	r->answered = true;
	r->status = status;
	r->response = MHD_create_response_from_buffer(len, (void *)(uintptr_t)(body ? body : ""),
						      MHD_RESPMEM_MUST_COPY);
	apply_headers(r, content_type);
	answer_ready(r);
}

void httpd_reply(struct httpd_req *r, int status, const char *content_type, const char *body,
		 size_t len)
{
	if (take_back(r))
		set_reply(r, status, content_type, body, len);
}

void httpd_drop(struct httpd_req *r)
{
	if (!take_back(r))
		return;
	r->answered = r->dropped = true;
	answer_ready(r);
}

static void reply_error(struct httpd_req *r, int status, const char *why)
{
	struct str body = STR_INIT(4096);
	const char *type = "text/plain";

	if (r->d->error_fn)
		r->d->error_fn(r->d->error_ctx, status, why, &body, &type);
	else
		str_add(&body, why);
	set_reply(r, status, type, str_get(&body), body.len);
	str_fini(&body);
}

static void on_answer_timeout(struct timer *t)
{
	struct httpd_req *r = t->user;

	if (!r->answered)
		reply_error(r, 503, "no answer in time");
}

/* ---- streams ------------------------------------------------------------------------------ */

static ssize_t stream_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct httpd_stream *s = cls;
	size_t left = s->queue.len - s->sent;

	(void)pos;
	if (s->dropped)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (left == 0) {
		if (s->ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (!s->req->suspended) {
			s->req->suspended = true;
			MHD_suspend_connection(s->req->conn);
		}
		return 0;
	}
	if (left > max)
		left = max;
	memcpy(buf, s->queue.s + s->sent, left);
	s->sent += left;
	if (s->sent == s->queue.len) {
		str_clear(&s->queue);
		s->sent = 0;
	}
	return (ssize_t)left;
}

static void stream_free(struct httpd_stream *s)
{
	str_fini(&s->queue);
	free_p(&s);
}

struct httpd_stream *httpd_stream(struct httpd_req *r, const char *content_type, size_t max_queue,
				  void (*on_close)(void *ctx), void *ctx)
{
	struct httpd_stream *s;

	if (!take_back(r))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->req = r;
	s->queue = STR_INIT(max_queue + 65536);
	s->max_queue = max_queue;
	s->on_close = on_close;
	s->ctx = ctx;
	r->stream = s;
	r->answered = true;
	r->status = 200;
	r->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, stream_read, s, NULL);
	httpd_add_header(r, "Cache-Control", "no-store");
	apply_headers(r, content_type);
	answer_ready(r);
	return s;
}

static void stream_wake(struct httpd_stream *s)
{
	if (s->req->suspended) {
		s->req->suspended = false;
		MHD_resume_connection(s->req->conn);
	}
	drive_soon(s->req->d);
}

bool httpd_stream_push(struct httpd_stream *s, const char *p, size_t n)
{
	if (s->dropped || s->ended)
		return false;
	if (s->queue.len - s->sent + n > s->max_queue) {
		s->dropped = true;
		stream_wake(s);
		return false;
	}
	if (s->sent > 0 && s->sent >= s->queue.len / 2) {
		memmove(s->queue.s, s->queue.s + s->sent, s->queue.len - s->sent);
		s->queue.len -= s->sent;
		s->sent = 0;
	}
	str_addn(&s->queue, p, n);
	stream_wake(s);
	return true;
}

void httpd_stream_end(struct httpd_stream *s)
{
	s->on_close = NULL;
	s->ended = true;
	stream_wake(s);
}

/* ---- the library's callbacks ----------------------------------------------------------------- */

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
	struct httpd *d = cls;

	/* the method comes later; the request is made here because only here is the raw URI */
	return req_new(d, conn, "", uri);
}

static void call_handler(void *arg)
{
	struct httpd_req *r = arg;

	if (r->d->closing || r->closed)
		httpd_drop(r);
	else
		r->d->fn(r->d->ctx, r);
}

static enum MHD_Result queue_answer(struct httpd_req *r)
{
	enum MHD_Result res;

	if (r->dropped)
		return MHD_NO;
	res = MHD_queue_response(r->conn, (unsigned)r->status, r->response);
	return res;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_size, void **con_cls)
{
	struct httpd *d = cls;
	struct httpd_req *r = *con_cls;

	(void)url;
	(void)version;
	(void)conn;
	if (!r)
		return MHD_NO;
	if (r->method[0] == '\0') {
		const char *length;
		int64_t n;

		str_replace(&r->method, method);
		length = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Content-Length");
		if (length && parse_i64(length, 0, INT64_MAX, &n) && (size_t)n > d->o.max_body) {
			r->too_big = true;
			reply_error(r, 413, "the body is larger than this server takes");
			return queue_answer(r);
		}
		return MHD_YES;
	}
	if (*upload_size) {
		if (r->body.len + *upload_size > d->o.max_body)
			r->too_big = true;
		else
			str_addn(&r->body, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (r->answered)
		return queue_answer(r);
	if (!r->whole) {
		r->whole = true;
		if (r->too_big) {
			reply_error(r, 413, "the body is larger than this server takes");
			return queue_answer(r);
		}
		r->suspended = r->owed = true;
		MHD_suspend_connection(conn);
		timer_start(d->loop, &r->deadline, d->o.answer_timeout_ms, on_answer_timeout);
		loop_defer(d->loop, call_handler, r);
	}
	return MHD_YES;
}

/* The exchange is over: sent, or the client is gone. */
static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct httpd_req *r = *con_cls;

	(void)cls;
	(void)conn;
	(void)why;
	if (!r)
		return;
	*con_cls = NULL;
	r->closed = true;
	if (r->stream) {
		struct httpd_stream *s = r->stream;
		void (*fn)(void *) = s->on_close;

		r->stream = NULL;
		if (fn)
			fn(s->ctx);
		stream_free(s);
		req_free(r);
		return;
	}
	if (!r->owed)
		req_free(r);
	else if (r->on_close)
		r->on_close(r->close_ctx);
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **socket_ctx,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	int one = 1;

	(void)cls;
	(void)socket_ctx;
	if (code != MHD_CONNECTION_NOTIFY_STARTED)
		return;
	info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info)
		setsockopt(info->connect_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* ---- life ---------------------------------------------------------------------------------------- */

static int open_socket(const struct httpd_options *o, struct err *err)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)o->port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)o->port) };
	bool six = strchr(o->address, ':') != NULL;
	int one = 1, fd;

	if ((six ? inet_pton(AF_INET6, o->address, &in6.sin6_addr) :
		   inet_pton(AF_INET, o->address, &in.sin_addr)) != 1)
		return err_set(err, ERR_INVALID, "cannot listen on '%s': not an IP address", o->address);
	fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "cannot open a socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
		 six ? sizeof(in6) : sizeof(in)) < 0 || listen(fd, 1024) < 0) {
		int e = errno;

		shutdown(fd, SHUT_RDWR);
		close(fd);
		return err_set(err, e == EADDRINUSE ? ERR_EXISTS : ERR_SYSTEM,
			       "cannot listen on %s:%d: %s", o->address, o->port, strerror(e));
	}
	return fd;
}

struct httpd *httpd_new(struct loop *l, const struct httpd_options *o, httpd_handler fn, void *ctx,
			struct err *err)
{
	struct httpd *d;
	int fd = open_socket(o, err);
	const union MHD_DaemonInfo *info;

	if (fd < 0)
		return NULL;
	d = xcalloc(1, sizeof(*d));
	d->loop = l;
	d->o = *o;
	d->fn = fn;
	d->ctx = ctx;
	d->timer = TIMER_INIT;
	d->timer.user = d;
	if (d->o.max_body == 0)
		d->o.max_body = 1 << 20;
	if (d->o.max_connections <= 0)
		d->o.max_connections = 256;
	if (d->o.head_timeout_ms <= 0)
		d->o.head_timeout_ms = 10000;
	if (d->o.answer_timeout_ms <= 0)
		d->o.answer_timeout_ms = 120000;
	d->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
		NULL, on_access, d, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)d->o.max_connections,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((d->o.head_timeout_ms + 999) / 1000),
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)64 << 10,
		MHD_OPTION_URI_LOG_CALLBACK, on_uri, d,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, d,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, d, MHD_OPTION_END);
	info = d->mhd ? MHD_get_daemon_info(d->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	d->watch = info ? watch_new(l, info->epoll_fd, on_epoll, d) : NULL;
	if (!d->watch) {
		err_set(err, ERR_FAILED, "cannot start the HTTP server");
		if (d->mhd)
			MHD_stop_daemon(d->mhd);
		free_p(&d);
		return NULL;
	}
	watch_set(d->watch, WATCH_READ);
	drive(d);
	return d;
}

void httpd_on_error(struct httpd *d, void (*fn)(void *ctx, int status, const char *why,
			struct str *body, const char **content_type), void *ctx)
{
	d->error_fn = fn;
	d->error_ctx = ctx;
}

int httpd_port(const struct httpd *d)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(d->mhd, MHD_DAEMON_INFO_LISTEN_FD);
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (!info || getsockname(info->listen_fd, (struct sockaddr *)&ss, &len) < 0)
		return 0;
	return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port :
						((struct sockaddr_in *)&ss)->sin_port);
}

void httpd_free(struct httpd *d)
{
	if (!d)
		return;
	d->closing = true;
	/* deferred handlers see closing and drop; suspended connections must be resumed first */
	for (int i = 0; i < 100 && d->turn_deferred; i++)
		loop_run_once(d->loop, 0);
	for (struct httpd_req *r = d->requests; r; r = r->next) {
		if (r->stream)
			r->stream->dropped = true;
		r->answered = r->dropped = true;
		if (r->suspended) {
			r->suspended = false;
			MHD_resume_connection(r->conn);
		}
	}
	timer_stop(&d->timer);
	watch_free(d->watch);
	MHD_stop_daemon(d->mhd);
	/* requests that a handler still owes are freed when it answers */
	for (struct httpd_req *r = d->requests, *next; r; r = next) {
		next = r->next;
		r->closed = true;
		if (!r->owed)
			req_free(r);
	}
	free_p(&d);
}
