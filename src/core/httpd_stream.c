/*
 * Answers without an end: a queue that the library empties into the socket. A client that
 * reads too slowly fills its queue and is dropped; nobody else waits for it.
 */
#include <string.h>

#include "core/httpd_internal.h"
#include "core/mem.h"

enum { BLOCK = 16384 };

struct httpd_stream {
	struct httpd_req *req;
	struct str queue;
	size_t sent, max_queue;		/* queue.s + sent is what still has to go */
	bool ended, dropped;
	void (*on_close)(void *ctx);
	void *ctx;
};

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
			MHD_suspend_connection(s->req->mhd);
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

struct httpd_stream *httpd_stream(struct httpd_req *r, const char *content_type, size_t max_queue,
				  void (*on_close)(void *ctx), void *ctx)
{
	struct httpd_stream *s;

	if (!httpd_req_take_back(r))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->req = r;
	s->queue = STR_INIT(2 * max_queue + 1);
	s->max_queue = max_queue;
	s->on_close = on_close;
	s->ctx = ctx;
	r->stream = s;
	r->answered = true;
	r->status = 200;
	r->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, stream_read, s,
							NULL);
	httpd_add_header(r, "Cache-Control", "no-store");
	httpd_req_apply_headers(r, content_type);
	timer_stop(&r->deadline);
	httpd_req_resume(r);
	return s;
}

void httpd_stream_drop(struct httpd_stream *s)
{
	s->dropped = true;
	httpd_conn_cut(s->req->conn); /* the library would wait for a socket that takes more */
	httpd_req_resume(s->req);
}

bool httpd_stream_push(struct httpd_stream *s, const char *p, size_t n)
{
	size_t left = s->queue.len - s->sent;

	if (s->dropped || s->ended)
		return false;
	if (n > s->max_queue || left > s->max_queue - n) {
		httpd_stream_drop(s);
		return false;
	}
	/* at least max_queue bytes were sent since the last time: cheap on average */
	if (s->queue.len + n > 2 * s->max_queue) {
		memmove(s->queue.s, s->queue.s + s->sent, left);
		s->queue.len = left;
		s->sent = 0;
	}
	str_addn(&s->queue, p, n);
	httpd_req_resume(s->req);
	return true;
}

void httpd_stream_end(struct httpd_stream *s)
{
	s->on_close = NULL;
	s->ended = true;
	httpd_req_resume(s->req);
}

void httpd_stream_closed(struct httpd_stream *s)
{
	if (s->on_close)
		s->on_close(s->ctx);
	str_fini(&s->queue);
	free_p(&s);
}
