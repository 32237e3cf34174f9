/*
 * One request of the HTTP server: what the handler reads from it, and its answer. While
 * the handler works the connection is suspended in the library, which then neither times
 * out nor notices a hang-up: the timer here does both.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/httpd_internal.h"
#include "core/mem.h"

enum { LOOK_MS = 500 /* how often a waiting client is looked at */ };

/* ---- life ------------------------------------------------------------------------------- */

static void set_peer(struct httpd_req *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char text[INET6_ADDRSTRLEN];

	if (!info || !info->client_addr)
		return;
	if (info->client_addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)info->client_addr;

		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		snprintf(r->peer, sizeof(r->peer), "%s:%d", text, ntohs(in->sin_port));
	} else if (info->client_addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)info->client_addr;

		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		snprintf(r->peer, sizeof(r->peer), "[%s]:%d", text, ntohs(in6->sin6_port));
	}
}

struct httpd_req *httpd_req_new(struct httpd *d, struct MHD_Connection *mhd,
				struct httpd_conn *conn, const char *uri)
{
	struct httpd_req *r = xcalloc(1, sizeof(*r));
	const char *question = strchr(uri, '?');

	r->d = d;
	r->mhd = mhd;
	r->conn = conn;
	r->method = xstrdup("");
	r->raw_path = question ? xstrndup(uri, (size_t)(question - uri)) : xstrdup(uri);
	r->query = xstrdup(question ? question + 1 : "");
	r->path = xstrdup(r->raw_path);
	MHD_http_unescape(r->path);
	r->body = STR_INIT(httpd_req_max(r) + 1);
	r->deadline = TIMER_INIT;
	r->deadline.user = r;
	set_peer(r);
	r->next = d->requests;
	if (d->requests)
		d->requests->prev = r;
	d->requests = r;
	if (conn)
		conn->req = r;
	return r;
}

size_t httpd_req_max(const struct httpd_req *r)
{
	const struct httpd_options *o = &r->d->o;

	return o->big_path && str_eq(r->path, o->big_path) ? o->big_body : o->max_body;
}

void httpd_req_unlink(struct httpd_req *r)
{
	if (!r->d)
		return;
	if (r->prev)
		r->prev->next = r->next;
	else
		r->d->requests = r->next;
	if (r->next)
		r->next->prev = r->prev;
	r->next = r->prev = NULL;
	r->d = NULL;
}

void httpd_req_free(struct httpd_req *r)
{
	timer_stop(&r->deadline);
	httpd_req_unlink(r);
	while (r->headers) {
		struct extra_header *h = r->headers;

		r->headers = h->next;
		free_p(&h->name);
		free_p(&h->value);
		free_p(&h);
	}
	if (r->response)
		MHD_destroy_response(r->response);
	str_fini(&r->body);
	free_p(&r->method);
	free_p(&r->path);
	free_p(&r->raw_path);
	free_p(&r->query);
	free_p(&r);
}

/* ---- what the handler reads ---------------------------------------------------------------- */

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
	return r->closed ? NULL : MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *httpd_header(const struct httpd_req *r, const char *name)
{
	return r->closed ? NULL : MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
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

void httpd_on_close(struct httpd_req *r, void (*fn)(void *ctx), void *ctx)
{
	r->on_close = fn;
	r->close_ctx = ctx;
}

/* ---- while the handler works ---------------------------------------------------- */

void httpd_req_gone(struct httpd_req *r)
{
	void (*fn)(void *) = TAKE(r->on_close);

	if (fn)
		fn(r->close_ctx);
}

static bool client_gone(const struct httpd_req *r)
{
	char c;
	ssize_t n = recv(r->conn->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void on_look(struct timer *t)
{
	struct httpd_req *r = t->user;
	int64_t left = r->answer_by_ms - loop_now_ms(t->loop);

	if (left <= 0) {
		httpd_req_error(r, 503, "no answer in time");
		return;
	}
	timer_start(t->loop, t, left < LOOK_MS ? left : LOOK_MS, on_look);
	if (r->on_close && client_gone(r))
		httpd_req_gone(r); /* may answer, and so stop the timer */
}

void httpd_req_suspend(struct httpd_req *r)
{
	int64_t limit = r->d->o.answer_timeout_ms;

	r->suspended = true;
	MHD_suspend_connection(r->mhd);
	r->answer_by_ms = loop_now_ms(r->d->loop) + limit;
	timer_start(r->d->loop, &r->deadline, limit < LOOK_MS ? limit : LOOK_MS, on_look);
}

void httpd_req_resume(struct httpd_req *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->mhd);
	httpd_drive_soon(r->d);
}

/* ---- answering ------------------------------------------------------------------ */

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

void httpd_req_apply_headers(struct httpd_req *r, const char *content_type)
{
	if (content_type)
		MHD_add_response_header(r->response, "Content-Type", content_type);
	for (struct extra_header *h = r->headers; h; h = h->next)
		MHD_add_response_header(r->response, h->name, h->value);
	if (r->conn && r->conn->last)
		MHD_add_response_header(r->response, "Connection", "close");
}

bool httpd_req_take_back(struct httpd_req *r)
{
	r->owed = false;
	if (r->closed)
		httpd_req_free(r);
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
	httpd_req_apply_headers(r, content_type);
	timer_stop(&r->deadline);
	httpd_req_resume(r);
}

void httpd_reply(struct httpd_req *r, int status, const char *content_type, const char *body,
		 size_t len)
{
	if (httpd_req_take_back(r))
		set_reply(r, status, content_type, body, len);
}

void httpd_drop(struct httpd_req *r)
{
	if (!httpd_req_take_back(r))
		return;
	r->answered = r->dropped = true;
	timer_stop(&r->deadline);
	httpd_req_resume(r);
}

void httpd_req_error(struct httpd_req *r, int status, const char *why)
{
	struct str body = STR_INIT(4096);
	const char *type = "text/plain";

	if (r->d->error_fn)
		r->d->error_fn(r->d->error_ctx, r, status, why, &body, &type);
	else
		str_add(&body, why);
	set_reply(r, status, type, str_get(&body), body.len);
	str_fini(&body);
}
