/* Shared by the files that know curl: http.c, http_resolve.c and mail.c. */
#ifndef RD_CORE_HTTP_INTERNAL_H
#define RD_CORE_HTTP_INTERNAL_H

#include <curl/curl.h>

#include "core/http.h"

struct http {
	struct loop *loop;
	CURLM *multi;
	struct timer timer, pump;	/* curl's own; finished transfers wait */
	struct http_transfer *transfers;
	struct name *names;		/* http_resolve.c */
	int inside;			/* in a call of curl: its callbacks must not call it */
	bool closing, waited_for;
};

struct http_transfer {
	struct http *http;
	struct http_call *call;
	CURL *easy;
	struct curl_slist *headers, *resolved;
	struct resolve *resolve;
	struct timer deadline, soon;
	struct secret *password;
	char *url, *host;
	int port;
	/* mail: */
	int *last_status;		/* the server's last answer to curl goes there */
	void (*on_connected)(struct http_transfer *t); /* in place of the end */
	struct watch *watch;		/* of the connection, when it is ours */
	enum http_result result;
	bool in_multi, ended, head_done, too_big, bad_request, mail;
	bool once, repeated;		/* must not be sent twice; curl wanted to */
	void (*on_data)(void *ctx, const char *p, size_t n);
	void (*on_head_line)(void *ctx, int status);
	void *ctx;
	int64_t idle_ms, started_ms;
	size_t max_body;
	char curl_error[CURL_ERROR_SIZE];
	struct http_transfer *next, *prev;
};

struct http_transfer *http_transfer_new(struct http *h, struct http_call *c, const char *url);
/* Checks the URL and gets the transfer its addresses (none for a socket), then starts it. */
void http_transfer_resolve(struct http_transfer *t, int64_t timeout_ms, bool is_socket);
void http_transfer_go(struct http_transfer *t);
void http_transfer_end(struct http_transfer *t, enum http_result result, const char *error);
void http_on_deadline(struct timer *timer);
void http_names_free(struct http *h);

#endif
