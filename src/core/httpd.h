/*
 * HTTP server (libmicrohttpd) on the loop: bounded heads, bodies, connections and
 * time per request; handlers may answer later; event streams with a bounded queue.
 */
#ifndef RD_CORE_HTTPD_H
#define RD_CORE_HTTPD_H

#include "core/err.h"
#include "core/loop.h"
#include "core/str.h"

struct httpd;
struct httpd_req;

struct httpd_options {
	const char *address;		/* "127.0.0.1" */
	int port;			/* 0 picks one */
	size_t max_body;		/* bytes; larger -> on_too_big or a plain 413 */
	const char *big_path;		/* takes big_body instead; NULL = none; borrowed */
	size_t big_body;
	int max_connections;		/* default 256 */
	int64_t head_timeout_ms;	/* slow heads and bodies are cut, within twice this; 10 s */
	int64_t answer_timeout_ms;	/* a handler that does not answer -> 503; default 120 s */
};

/* Called with the whole request (body included). Must lead to exactly one httpd_reply,
 * httpd_stream or httpd_drop, now or later; the request lives until then. */
typedef void (*httpd_handler)(void *ctx, struct httpd_req *req);
struct httpd *httpd_new(struct loop *l, const struct httpd_options *o, httpd_handler fn, void *ctx,
			struct err *err);
void httpd_free(struct httpd *d);	/* open requests are dropped; NULL ok */
int httpd_port(const struct httpd *d);
/* Error replies that the server itself makes (413, 503, 400) pass through here so that
 * they look like ours: fills type and body. */
typedef void (*httpd_error_fn)(void *ctx, const struct httpd_req *r, int status, const char *why,
			       struct str *body, const char **content_type);
void httpd_on_error(struct httpd *d, httpd_error_fn fn, void *ctx); /* r: NULL before a head */

const char *httpd_method(const struct httpd_req *r);
const char *httpd_path(const struct httpd_req *r);	/* decoded, without query */
const char *httpd_raw_path(const struct httpd_req *r);	/* as sent, without query */
const char *httpd_query_string(const struct httpd_req *r); /* as sent, "" when none */
const char *httpd_query(const struct httpd_req *r, const char *name);	/* decoded or NULL */
const char *httpd_header(const struct httpd_req *r, const char *name);
const char *httpd_body(const struct httpd_req *r, size_t *ret_len);
const char *httpd_peer(const struct httpd_req *r);	/* "127.0.0.1:1234" */
/* Called when the client goes away before the answer; the handler still must answer. */
void httpd_on_close(struct httpd_req *r, void (*fn)(void *ctx), void *ctx);

void httpd_add_header(struct httpd_req *r, const char *name, const char *value);
void httpd_reply(struct httpd_req *r, int status, const char *content_type, const char *body,
		 size_t len);
/* Fault injection for the simulator: cut the connection without an answer. */
void httpd_drop(struct httpd_req *r);

/* Streams: queue beyond max_queue bytes drops the client (it resumes by sequence number).
 * NULL: the client is gone or was answered by the deadline; the request is then done with. */
struct httpd_stream;
struct httpd_stream *httpd_stream(struct httpd_req *r, const char *content_type, size_t max_queue,
				  void (*on_close)(void *ctx), void *ctx);
/* false: dropped; on_close follows from the loop, until then s may be used. */
bool httpd_stream_push(struct httpd_stream *s, const char *p, size_t n);
void httpd_stream_end(struct httpd_stream *s);	/* on_close is not called */

#endif
