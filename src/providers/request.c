/*
 * One request from start to meaning: wait for a slot, ask the guard, send, read
 * the reply, repeat after 429 (which the providers promise was not processed).
 *
 * Invariants: the guard is asked with nothing between its yes and the wire; a
 * write is never sent again after anything but a 429; a link from a reply never
 * leads to another host than the configured one.
 */
#include "providers/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/task.h"
#include "providers/limiter.h"

void info_begin(struct call_info *info)
{
	*info = (struct call_info){ 0 };
}

enum call_result info_refuse(struct call_info *info, enum call_reason why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(info->message, sizeof(info->message), fmt, ap);
	va_end(ap);
	info->reason = why;
	return info->result = CALL_REFUSED;
}

enum call_result info_garbled(struct call_info *info, bool write, const char *what,
			      const char *evidence, size_t n)
{
	struct str b = STR_INIT(4096);

	str_add(&b, evidence ? "" : NULL);
	if (evidence)
		str_addn(&b, evidence, n < 400 ? n : 400);
	evidence_scrub(&b);
	_cleanup_(free_p) char *all = b.len ? xasprintf("%s: %s", what, b.s) : xstrdup(what);
	_cleanup_(free_p) char *clean = text_clean(all, 150);
	snprintf(info->message, sizeof(info->message), "%s", clean);
	text_clean_buf(info->message); /* the cut may have split a character */
	str_fini(&b);
	info->maybe_done = write;
	return info->result = CALL_GARBLED;
}

/* ---- replies -------------------------------------------------------------------- */

static const char *const id_headers[] = {
	[FAMILY_TWILIO] = "Twilio-Request-Id",
	[FAMILY_ELEVENLABS] = "request-id",
	[FAMILY_TELNYX] = "x-request-id",
	[FAMILY_APP] = "x-request-id",
	[FAMILY_FEED] = "x-request-id",
};

static int64_t header_seconds(const struct http_reply *r, const char *name)
{
	char buf[32];
	int64_t s;

	if (!http_header(r, name, buf, sizeof(buf)) || !parse_i64(buf, 0, 3600, &s))
		return 0;
	return s * 1000;
}

static int64_t retry_after(const struct request *rq, const struct http_reply *r)
{
	int64_t ms = header_seconds(r, "Retry-After");

	if (!ms && rq->family != FAMILY_TWILIO)
		ms = header_seconds(r, "X-RateLimit-Reset");
	return ms;
}

static void judge(const struct request *rq, const struct http_reply *r, struct call_info *info)
{
	char id[sizeof(info->request_id)] = "";

	http_header(r, id_headers[rq->family], id, sizeof(id));
	text_clean_buf(id);
	const struct call_raw raw = {
		.family = rq->family,
		.http = r->result,
		.status = r->status,
		.body = r->body.s,
		.len = r->body.len,
		.write = rq->write,
		.sent = r->sent,
		.api_key = rq->api_key,
		.account_path = rq->account_path,
		.signed_reply = id[0] != 0,
	};
	call_classify(&raw, info);
	snprintf(info->request_id, sizeof(info->request_id), "%s", id);
	info->latency_ms = r->latency_ms;
	info->retry_after_ms = r->result == HTTP_DONE ? retry_after(rq, r) : 0;
	if (r->result == HTTP_DONE)
		return;
	struct str b = STR_INIT(1024);
	str_addf(&b, "%s%s%s", http_result_name(r->result), r->error[0] ? ": " : "", r->error);
	redact(&b);
	snprintf(info->message, sizeof(info->message), "%s", str_get(&b));
	text_clean_buf(info->message);
	str_fini(&b);
}

/* ---- sending -------------------------------------------------------------------- */

static void fill(struct http_request *hr, const struct providers *p, const struct request *rq,
		 char type[80])
{
	const struct providers_settings *set = p->settings;
	int n = 0;

	*hr = (struct http_request){
		.method = rq->method,
		.url = rq->url,
		.user = rq->user,
		.password = rq->password,
		.bearer_prefix = rq->bearer_prefix,
		.bearer = rq->bearer,
		.max_body = rq->max_body,
		.room = rq->room,
		.timeout_ms = rq->write			   ? set->write_timeout_ms
			      : rq->family == FAMILY_FEED ? set->feed_timeout_ms
							   : set->read_timeout_ms,
	};
	hr->headers[n++] = "Accept: application/json";
	for (size_t i = 0; i < COUNT_OF(rq->header); i++)
		if (rq->header[i])
			hr->headers[n++] = rq->header[i];
	if (!rq->body)
		return;
	snprintf(type, 80, "Content-Type: %s", rq->content_type);
	hr->headers[n] = type;
	hr->body = rq->body;
	hr->body_len = strlen(rq->body);
}

static bool guard_allows(const struct request *rq)
{
	return !rq->write || !rq->guard || !rq->guard->may_write ||
	       rq->guard->may_write(rq->guard->ctx);
}

/* One exchange, in its slot. */
static enum call_result send_once(struct providers *p, const struct request *rq,
				  struct http_reply *reply, struct call_info *info)
{
	struct limiter_slot *slot = NULL;
	struct http_request hr;
	char type[80];

	if (rq->limiter) {
		slot = limiters_enter(p->limiters, rq->limiter);
		if (!slot)
			return info->result = CALL_CANCELLED;
	}
	fill(&hr, p, rq, type);
	if (guard_allows(rq)) {
		info->requests++;
		http_fetch(p->http, &hr, reply);
		judge(rq, reply, info);
	} else {
		snprintf(info->message, sizeof(info->message),
			 "not sent: writing is not allowed now");
		info->reason = REASON_GUARD;
		info->result = CALL_CANCELLED;
	}
	if (slot)
		limiters_leave(p->limiters, slot, info->result == CALL_OK,
			       info->result == CALL_RATE_LIMITED, info->retry_after_ms);
	return info->result;
}

enum call_result request_raw(struct providers *p, const struct request *rq,
			     struct http_reply *reply, struct call_info *info)
{
	enum { WAIT_MAX_MS = 5000 };
	int repeats = (int)p->settings->read_retries;

	for (int attempt = 0;; attempt++) {
		*reply = (struct http_reply){ 0 };
		send_once(p, rq, reply, info);
		if (info->result != CALL_RATE_LIMITED || attempt >= repeats)
			return info->result;
		int64_t wait = backoff_ms(attempt, loop_random(p->loop));
		if (info->retry_after_ms > wait)
			wait = info->retry_after_ms;
		if (wait > WAIT_MAX_MS)
			return info->result;
		http_reply_fini(reply);
		if (task_sleep(wait)) {
			*reply = (struct http_reply){ 0 };
			return info->result = CALL_CANCELLED;
		}
	}
}

enum call_result request_json(struct providers *p, const struct request *rq, struct json **ret,
			      struct call_info *info)
{
	struct http_reply reply;
	struct err err = { 0 };

	*ret = NULL;
	if (request_raw(p, rq, &reply, info) == CALL_OK) {
		struct json *v = json_parse(str_get(&reply.body), reply.body.len, &err);
		if (v && (json_type(v) == JSON_OBJECT || json_type(v) == JSON_ARRAY)) {
			*ret = v;
		} else {
			char what[120];
			snprintf(what, sizeof(what), "not JSON (%.90s)",
				 v ? "a bare value" : err.msg);
			info_garbled(info, rq->write, what, reply.body.s, reply.body.len);
			json_free(v);
		}
	}
	http_reply_fini(&reply);
	return info->result;
}

/* ---- links ---------------------------------------------------------------------- */

void url_join(struct str *out, const char *base, const char *path)
{
	size_t n = strlen(base);

	while (n && base[n - 1] == '/')
		n--;
	str_addn(out, base, n);
	str_add(out, path);
}

/* Where the path of an absolute URL starts. */
static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://");

	if (!host)
		return url;
	host += 3;
	return host + strcspn(host, "/?");
}

void link_on_base(struct str *out, const char *base, const char *link)
{
	const char *prefix = path_of(base);
	const char *path = path_of(link);
	size_t n = strlen(prefix);

	while (n && prefix[n - 1] == '/')
		n--;
	if (n && !strncmp(path, prefix, n) && path[n] == '/')
		path += n;
	url_join(out, base, *path == '/' ? "" : "/");
	str_add(out, path);
}

/* ---- values --------------------------------------------------------------------- */

void text_of(const struct json *obj, const char *name, char *buf, size_t n)
{
	const struct json *v = json_get(obj, name);
	const char *s = json_str(v);

	buf[0] = 0;
	if (json_type(v) == JSON_NUMBER) {
		snprintf(buf, n, "%lld", (long long)json_i64(v, 0));
	} else if (s) {
		size_t len = strlen(s);
		if (len >= n)
			for (len = n - 1; len && ((unsigned char)s[len] & 0xc0) == 0x80;)
				len--;
		memcpy(buf, s, len);
		buf[len] = 0;
		text_clean_buf(buf);
	}
}

int64_t int_of(const struct json *obj, const char *name, int64_t otherwise)
{
	const struct json *v = json_get(obj, name);
	int64_t n;

	if (json_str(v))
		return parse_i64(json_str(v), INT64_MIN, INT64_MAX, &n) ? n : otherwise;
	return json_i64(v, otherwise);
}

int64_t time_of(const struct json *obj, const char *name)
{
	const char *s = json_get_str(obj, name);
	int64_t ms;

	if (str_empty(s))
		return 0;
	return parse_rfc2822_ms(s, &ms) || parse_time_ms(s, &ms) ? ms : 0;
}

bool json_has_array(const struct json *obj, const char *name)
{
	return json_type(json_get(obj, name)) == JSON_ARRAY;
}

void form_add(struct str *form, const char *name, const char *value)
{
	if (!value)
		return;
	if (form->len)
		str_addc(form, '&');
	str_add_urlencoded(form, name);
	str_addc(form, '=');
	str_add_urlencoded(form, value);
}
