/*
 * HTTP server over libmicrohttpd in external-epoll mode: one watch on its epoll fd, one
 * timer from its own timeout. A request whose handler does not answer at once is suspended
 * and resumed when the answer is there.
 */
#include "core/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/httpd_internal.h"
#include "core/mem.h"

enum {
	HEAD_MEMORY = 32 << 10,
	DISCARD = 1 << 20,		/* of a body too large, so that the client reads our 413 */
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

	MHD_run(d->mhd);
	httpd_conns_hold(d);
	if (MHD_get_timeout(d->mhd, &wait) == MHD_YES)
		timer_start(d->loop, &d->timer, wait > 60000 ? 60000 : (int64_t)wait, on_timer);
	else
		timer_stop(&d->timer);
}

void httpd_drive_soon(struct httpd *d)
{
	if (!d->closing && !timer_active(&d->soon))
		timer_start(d->loop, &d->soon, 0, on_timer);
}

static void on_epoll(void *ctx, int events)
{
	(void)events;
	drive(ctx);
}

/* ---- connections ---------------------------------------------------------------------- */

static void on_connection(void *cls, struct MHD_Connection *conn, void **socket_ctx,
			  enum MHD_ConnectionNotificationCode code)
{
	struct httpd *d = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_ctx = httpd_conn_new(d, conn);
	} else {
		httpd_conn_free(TAKE(*socket_ctx));
		if (!d->closing)
			httpd_front_left(d->front);
	}
}

/* ---- the library's callbacks ------------------------------------------------------------ */

/* The request is made here because only here is the raw URI; the method comes later. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return httpd_req_new(cls, conn, info ? info->socket_context : NULL, uri);
}

static enum MHD_Result queue_answer(struct httpd_req *r)
{
	return r->dropped ? MHD_NO : MHD_queue_response(r->mhd, (unsigned)r->status, r->response);
}

static enum MHD_Result refuse(struct httpd_req *r, int status, const char *why)
{
	httpd_req_error(r, status, why);
	return queue_answer(r);
}

static enum MHD_Result on_head(struct httpd_req *r, const char *method)
{
	const char *length = MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, "Content-Length");
	size_t max = httpd_req_max(r);
	int64_t n;

	r->begun = true;
	str_replace(&r->method, method);
	if (strstr(r->raw_path, "%00"))
		return refuse(r, 400, "the path holds a NUL");
	if (length && parse_i64(length, 0, INT64_MAX, &n) && (uint64_t)n > max) {
		r->too_big = true;
		if ((uint64_t)n > max + DISCARD)
			return refuse(r, 413, "the body is larger than this server takes");
	}
	return MHD_YES;
}

static enum MHD_Result on_body(struct httpd_req *r, const char *p, size_t n)
{
	if (r->body.len + n > httpd_req_max(r))
		r->too_big = true;
	if (!r->too_big)
		str_addn(&r->body, p, n);
	return MHD_YES;
}

static enum MHD_Result on_whole(struct httpd_req *r)
{
	struct httpd *d = r->d;

	r->whole = true;
	httpd_conn_whole(r->conn);
	if (r->too_big)
		return refuse(r, 413, "the body is larger than this server takes");
	r->owed = true;
	d->fn(d->ctx, r);
	if (r->answered)
		return queue_answer(r);
	httpd_req_suspend(r);
	return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_size, void **con_cls)
{
	struct httpd_req *r = *con_cls;
	size_t n = *upload_size;

	(void)cls;
	(void)url;
	(void)version;
	(void)conn;
	if (!r || !r->conn)
		return MHD_NO;
	if (!r->begun)
		return on_head(r, method);
	*upload_size = 0;
	if (n)
		return on_body(r, upload, n);
	if (r->answered)
		return queue_answer(r);
	return r->whole ? MHD_YES : on_whole(r);
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
	timer_stop(&r->deadline);
	if (r->conn)
		r->conn->req = NULL;
	r->conn = NULL;
	if (r->stream)
		httpd_stream_closed(TAKE(r->stream));
	if (r->owed)
		httpd_req_gone(r);
	else
		httpd_req_free(r);
}

/* ---- life ----------------------------------------------------------------------- */

static int open_socket(const struct httpd_options *o, struct err *err)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)o->port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons((uint16_t)o->port) };
	bool six = strchr(o->address, ':') != NULL;
	int one = 1, fd;

	if ((six ? inet_pton(AF_INET6, o->address, &in6.sin6_addr) :
		   inet_pton(AF_INET, o->address, &in.sin_addr)) != 1)
		return err_set(err, ERR_INVALID, "cannot listen on '%s': not an IP address",
			       o->address);
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
	d->timer = d->soon = TIMER_INIT;
	d->timer.user = d->soon.user = d;
	if (d->o.max_body == 0)
		d->o.max_body = 1 << 20;
	if (d->o.max_connections <= 0)
		d->o.max_connections = 256;
	if (d->o.head_timeout_ms <= 0)
		d->o.head_timeout_ms = 10000;
	if (d->o.answer_timeout_ms <= 0)
		d->o.answer_timeout_ms = 120000;
	d->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
		on_access, d,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)d->o.max_connections,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTPD_SILENCE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MEMORY,
		MHD_OPTION_URI_LOG_CALLBACK, on_uri, d,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, d,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, d, MHD_OPTION_END);
	info = d->mhd ? MHD_get_daemon_info(d->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	d->watch = info ? watch_new(l, info->epoll_fd, on_epoll, d) : NULL;
	d->front = d->watch ? httpd_front_new(d, fd) : NULL;
	if (!d->front) {
		err_set(err, ERR_FAILED, "cannot start the HTTP server");
		watch_free(d->watch);
		if (d->mhd)
			MHD_stop_daemon(d->mhd);
		close(fd);
		free_p(&d);
		return NULL;
	}
	watch_set(d->watch, WATCH_READ);
	drive(d);
	return d;
}

void httpd_on_error(struct httpd *d, httpd_error_fn fn, void *ctx)
{
	d->error_fn = fn;
	d->error_ctx = ctx;
}

int httpd_port(const struct httpd *d)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(httpd_front_fd(d->front), (struct sockaddr *)&ss, &len) < 0)
		return 0;
	return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port :
						((struct sockaddr_in *)&ss)->sin_port);
}

void httpd_free(struct httpd *d)
{
	if (!d)
		return;
	d->closing = true;
	httpd_front_free(TAKE(d->front));
	timer_stop(&d->timer);
	timer_stop(&d->soon);
	/* the library stops only with nothing suspended */
	for (struct httpd_req *r = d->requests; r; r = r->next) {
		timer_stop(&r->deadline);
		if (r->stream)
			httpd_stream_drop(r->stream);
		if (!r->answered)
			r->answered = r->dropped = true;
		httpd_req_resume(r);
	}
	httpd_conns_release(d);
	watch_free(d->watch);
	MHD_stop_daemon(d->mhd);
	/* what a handler still owes is freed when it answers */
	while (d->requests)
		httpd_req_unlink(d->requests);
	free_p(&d);
}
