/* Shared by the two files that know curl: http.c and mail.c. */
#ifndef RD_CORE_HTTP_INTERNAL_H
#define RD_CORE_HTTP_INTERNAL_H

#include <curl/curl.h>

#include "core/http.h"

struct http {
	struct loop *loop;
	CURLM *multi;
	struct timer timer;
	struct http_transfer *transfers;
	bool pumping;
};

struct http_transfer {
	struct http *http;
	struct http_call *call;
	CURL *easy;
	struct curl_slist *headers, *resolved, *rcpt;
	struct resolve *resolve;
	struct timer deadline;
	struct secret *password, *bearer;
	char *url, *host;
	int port, last_status;
	enum http_result result;
	bool in_multi, ended, too_big, bad_header, mail;
	void (*on_data)(void *ctx, const char *p, size_t n);
	void (*on_head_line)(void *ctx, int status);
	void *ctx;
	int64_t idle_ms, started_ms;
	size_t max_body;
	char curl_error[CURL_ERROR_SIZE];
	struct http_transfer *next, *prev;
};

struct http_transfer *http_transfer_new(struct http *h, struct http_call *c, const char *url);
void http_transfer_resolve(struct http_transfer *t, int64_t timeout_ms, bool socket);
void http_transfer_go(struct http_transfer *t);
void http_transfer_end(struct http_transfer *t, enum http_result result, const char *error);
void http_on_deadline(struct timer *timer);

#endif
