/*
 * Inside providers only: one request with its slot, repeats after 429, meaning
 * and evidence; links and texts out of replies.
 */
#ifndef RD_PROVIDERS_REQUEST_H
#define RD_PROVIDERS_REQUEST_H

#include "core/json.h"
#include "providers/provider.h"

struct request {
	enum call_family family;
	const char *limiter;		/* account or service that the slot is for; NULL = none */
	const char *method, *url;
	const char *user;		/* basic auth */
	struct secret *password;
	const char *bearer_prefix;
	struct secret *bearer;
	const char *header[3];		/* more header lines */
	const char *body;		/* with content_type */
	const char *content_type;
	size_t max_body;
	struct str *room;		/* as in http_request */
	bool write, api_key, account_path;
	const struct write_guard *guard;
};

/* Start of an operation: everything zero. */
void info_begin(struct call_info *info);
/* Sets result, reason and message; returns the result. */
enum call_result info_refuse(struct call_info *info, enum call_reason why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The body was not what it should be; evidence (may be NULL) is scrubbed and kept short. */
enum call_result info_garbled(struct call_info *info, bool write, const char *what,
			      const char *evidence, size_t n);

/* The reply, whatever it is, with info filled. reply is the caller's to fini. */
enum call_result request_raw(struct providers *p, const struct request *rq,
			     struct http_reply *reply, struct call_info *info);
/* CALL_OK only with a JSON object or array as *ret (caller frees). */
enum call_result request_json(struct providers *p, const struct request *rq, struct json **ret,
			      struct call_info *info);

/* A paging link made to stay on base: scheme, host and prefix of base, path of link. */
void link_on_base(struct str *out, const char *base, const char *link);
/* base without a final slash, then path. */
void url_join(struct str *out, const char *base, const char *path);

/* A member as text into a fixed buffer: numbers become digits; null, absent and other
 * types become "". Cut, cleaned. */
void text_of(const struct json *obj, const char *name, char *buf, size_t n);
/* Number, or digits in a string, else otherwise. */
int64_t int_of(const struct json *obj, const char *name, int64_t otherwise);
/* RFC 2822 or RFC 3339; 0 when absent or neither. */
int64_t time_of(const struct json *obj, const char *name);
bool json_has_array(const struct json *obj, const char *name);

/* name=value into a form or query, encoded, with & between. Value NULL adds nothing. */
void form_add(struct str *form, const char *name, const char *value);

/* Room for one more element at the end of a list of {v, n, cap}. */
#define LIST_PUSH(l) \
	((l)->v = grow((l)->v, &(l)->cap, (l)->n + 1, sizeof(*(l)->v)), \
	 memset(&(l)->v[(l)->n], 0, sizeof(*(l)->v)), &(l)->v[(l)->n++])

#endif
