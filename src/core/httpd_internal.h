/* Shared by the files of the HTTP server: httpd.c (daemon), httpd_front.c (heads), httpd_conn.c
 * (connections), httpd_req.c, httpd_stream.c. */
#ifndef RD_CORE_HTTPD_INTERNAL_H
#define RD_CORE_HTTPD_INTERNAL_H

#include <microhttpd.h>

#include "core/httpd.h"

enum { HTTPD_SILENCE_S = 60,	/* idle kept-alive connections, clients that do not read */
       HTTPD_LINGER_MS = 1000 };

struct httpd {
	struct loop *loop;
	struct MHD_Daemon *mhd;
	struct watch *watch;
	struct timer timer, soon;	/* the library's own timeout; work that we made */
	struct httpd_options o;
	httpd_handler fn;
	void *ctx;
	httpd_error_fn error_fn;
	void *error_ctx;
	struct httpd_req *requests;
	struct httpd_front *front;
	struct httpd_conn *conns;	/* that the library has */
	int inside;			/* how many */
	const struct httpd_heads *entering;	/* of the one that is being handed over */
	bool closing;
};

/* Requests whose heads were looked at and are sound. */
struct httpd_heads {
	unsigned n;
	uint64_t bytes;			/* with their bodies */
	bool endless;			/* the last one's body says itself where it ends */
};

/* One client connection: what it takes to look at each head, and to cut slow ones. */
struct httpd_conn {
	struct httpd *d;
	struct MHD_Connection *mhd;
	int fd;
	struct timer tick;
	uint64_t bytes;			/* received, at the last tick */
	unsigned whole, whole_at_tick;	/* whole requests received */
	struct httpd_heads heads;	/* looked at since the connection began */
	/* more came than was looked at: nothing after this answer */
	bool last;
	struct watch *watch;		/* held between two requests: the library does not read */
	bool leaving;			/* refused: what still comes is thrown away */
	size_t seen;			/* bytes peeked at last */
	int64_t held_ms;		/* monotonic: since when */
	struct httpd_req *req;		/* the one under way */
	struct httpd_conn *next, *prev;
};

struct extra_header {
	char *name, *value;
	struct extra_header *next;
};

struct httpd_req {
	struct httpd *d;		/* NULL: the server is gone, only the handler holds it */
	struct MHD_Connection *mhd;
	struct httpd_conn *conn;
	char *method, *path, *raw_path, *query, peer[64];
	struct str body;
	bool begun, whole, suspended, answered, dropped, too_big, closed;
	bool owed;	/* the handler has it and will answer; then, not before, it may be freed */
	struct timer deadline;
	int64_t answer_by_ms;
	struct extra_header *headers;
	struct MHD_Response *response;
	int status;
	void (*on_close)(void *ctx);
	void *close_ctx;
	struct httpd_stream *stream;
	struct httpd_req *next, *prev;
};

/* Bytes that its body may have. */
size_t httpd_req_max(const struct httpd_req *r);

/* httpd.c: runs the library in the next turn; many answers in one turn share it. */
void httpd_drive_soon(struct httpd *d);

/* httpd_conn.c */
struct httpd_conn *httpd_conn_new(struct httpd *d, struct MHD_Connection *mhd);
void httpd_conn_free(struct httpd_conn *c);
/* The library closes the connection as soon as it looks at it. */
void httpd_conn_cut(struct httpd_conn *c);
/* A request has come whole; called before it is answered. */
void httpd_conn_whole(struct httpd_conn *c);
/* The library has run: holds those that have answered all that was looked at. */
void httpd_conns_hold(struct httpd *d);
void httpd_conns_release(struct httpd *d);	/* all, for the end */

/* httpd_front.c: owns the listening socket and what has not sent its first head. NULL: no watch. */
struct httpd_front *httpd_front_new(struct httpd *d, int fd);
void httpd_front_free(struct httpd_front *f);
int httpd_front_fd(const struct httpd_front *f);
void httpd_front_left(struct httpd_front *f);	/* a connection inside ended: there may be room */
/* The heads that wait in the socket, which stay there. 0: sound; -1: not whole yet, and the socket
 * is readable again only with more; -2: the client is gone or will send no more; else the status
 * to refuse with. *seen: bytes that were there the last time, 0 at first. */
int httpd_look(int fd, size_t *seen, struct httpd_heads *ret, const char **why);
/* After httpd_look said -1. */
void httpd_look_any(int fd);
/* Reads and throws away. False: the client has ended, too. */
bool httpd_discard(int fd);
/* An answer past the library, on a connection that it has not begun to answer. */
void httpd_write_error(struct httpd *d, int fd, int status, const char *why);

/* httpd_req.c */
struct httpd_req *httpd_req_new(struct httpd *d, struct MHD_Connection *mhd,
				struct httpd_conn *conn, const char *uri);
void httpd_req_free(struct httpd_req *r);
void httpd_req_unlink(struct httpd_req *r);
void httpd_req_suspend(struct httpd_req *r);	/* until answered, at most answer_timeout_ms */
void httpd_req_resume(struct httpd_req *r);
void httpd_req_gone(struct httpd_req *r);	/* tells the handler, once */
/* The handler is done with r. false: too late (timed out, client gone); r may be freed. */
bool httpd_req_take_back(struct httpd_req *r);
void httpd_req_apply_headers(struct httpd_req *r, const char *content_type);
void httpd_req_error(struct httpd_req *r, int status, const char *why);

/* httpd_stream.c: the connection is over; calls on_close. */
void httpd_stream_closed(struct httpd_stream *s);
void httpd_stream_drop(struct httpd_stream *s);

#endif
