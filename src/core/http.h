/*
 * HTTP and SMTP client: libcurl's multi interface on the loop. Connections are
 * reused; names are resolved by the loop under the request's deadline; TLS is
 * verified; redirects are not followed. POST and PATCH are never sent twice: a kept
 * connection that breaks before the answer ends as HTTP_BROKEN with sent set.
 */
#ifndef RD_CORE_HTTP_H
#define RD_CORE_HTTP_H

#include "core/crypto.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/op.h"
#include "core/str.h"

struct http;
struct http *http_new(struct loop *l);
void http_free(struct http *h);			/* cancels what runs; NULL ok */

enum { HTTP_MAX_HEADERS = 12 };
struct http_request {
	const char *method;			/* "GET" */
	const char *url;
	const char *headers[HTTP_MAX_HEADERS];	/* "Name: value", no CR or LF */
	const char *user;			/* basic auth when set */
	struct secret *password;		/* borrowed until done */
	const char *bearer_prefix;		/* "Authorization: Bearer " or "xi-api-key: " */
	struct secret *bearer;			/* sent as bearer_prefix + secret */
	const char *body;			/* NULL = none; borrowed until done */
	size_t body_len;
	int64_t timeout_ms;			/* whole exchange; required unless streaming */
	int64_t connect_ms;			/* until connected; 0 = the whole time */
	size_t max_body;			/* 0 = 8 MiB */
	/* Taken for the reply's body, its content dropped: page after page in one piece of memory.
	 * NULL = a new one. */
	struct str *room;
	/* Streaming: called per chunk from the loop; no total timeout, but dead after
	 * idle_ms without a byte. The reply body then stays empty. */
	void (*on_data)(void *ctx, const char *p, size_t n);
	void (*on_head)(void *ctx, int status);
	void *ctx;
	int64_t idle_ms;
	const char *unix_socket;		/* path instead of TCP, or NULL */
	bool insecure_tls;			/* tests and a loud setting only */
	/* reply.cert_until_ms; on a connection of its own */
	bool want_cert;
};

/* What went wrong below HTTP; HTTP_DONE means a status line arrived and the body is whole. */
enum http_result {
	HTTP_DONE, HTTP_RESOLVE, HTTP_CONNECT, HTTP_TLS, HTTP_TIMEOUT,
	HTTP_BROKEN /* cut, garbled */,
	HTTP_TOO_BIG, HTTP_CANCELLED, HTTP_REFUSED /* the request itself is malformed */
};
const char *http_result_name(enum http_result r);

struct http_reply {
	enum http_result result;
	int status;				/* 0 unless HTTP_DONE */
	struct str body;
	struct str head;			/* raw header lines */
	int64_t latency_ms;
	int64_t cert_until_ms;			/* end of the server's certificate; 0 = none seen */
	bool sent;				/* the request may have reached the other side */
	char error[160];
};
void http_reply_fini(struct http_reply *r);
/* Value of a header, copied into buf; NULL when absent. */
const char *http_header(const struct http_reply *r, const char *name, char *buf, size_t n);

/* Async form: req is copied except what says "borrowed"; op.done with OP_OK whatever the
 * result (look at reply), OP_CANCELLED after cancel. */
struct http_call { struct op op; struct http_reply reply; struct http_transfer *transfer; };
void http_start(struct http *h, struct http_call *c, const struct http_request *req);
/* In a task: the same, waiting. Cancelled = result HTTP_CANCELLED. */
void http_fetch(struct http *h, const struct http_request *req, struct http_reply *ret);

/* Mail: one message to many recipients; a refused recipient does not stop the rest. */
struct mail {
	const char *url;			/* smtp://host:port or smtps:// */
	bool require_tls;			/* STARTTLS must succeed (smtp://) */
	const char *user; struct secret *password; /* NULL = no login */
	const char *from;
	const char *const *to; size_t n_to;
	const char *text;			/* whole message with headers, CRLF */
	int64_t timeout_ms;
	/* who may sign the server's certificate; NULL = the system's */
	const char *ca_file;
	bool insecure_tls;
};
/* 0: accepted for at least one recipient (*ret_refused counts the others). ERR_DENIED: the
 * server refused for good (login, sender, all recipients); ERR_INVALID: an address or the URL;
 * ERR_UNREACHABLE, ERR_TIMEOUT, ERR_CANCELLED. */
int mail_send(struct http *h, const struct mail *m, int *ret_refused, struct err *err);

#endif
