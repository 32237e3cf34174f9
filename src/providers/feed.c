/*
 * Fetching status feeds: each address, its ETag and its last report. A reply that
 * cannot be read is FEED_UNKNOWN and no evidence of anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "providers/feed_cache.h"
#include "providers/request.h"

const char *feed_name(enum feed_id f)
{
	static const char *const names[FEED_COUNT] = {
		[FEED_TWILIO] = "twilio",
		[FEED_ELEVENLABS] = "elevenlabs",
		[FEED_TELNYX] = "telnyx",
		[FEED_AWS] = "aws",
	};

	return (unsigned)f < FEED_COUNT ? names[f] : "?";
}

const char *feed_state_name(enum feed_state s)
{
	switch (s) {
	case FEED_OPERATIONAL: return "operational";
	case FEED_MAINTENANCE: return "maintenance";
	case FEED_DEGRADED: return "degraded";
	case FEED_DOWN: return "down";
	case FEED_UNKNOWN: break;
	}
	return "unknown";
}

struct feed_cache *feed_cache_new(void)
{
	return xcalloc(1, sizeof(struct feed_cache));
}

void feed_cache_free(struct feed_cache *c)
{
	free(c);
}

struct source {
	const char *base, *path;
	const struct strlist *allow;
	int (*read)(const char *body, size_t n, const struct strlist *allow,
		    struct feed_report *ret, struct err *err);
};

static struct source source_of(const struct providers_settings *set, enum feed_id f)
{
	static const char summary[] = "/api/v2/summary.json";

	switch (f) {
	case FEED_ELEVENLABS:
		return (struct source){ set->elevenlabs_status, summary,
					&set->elevenlabs_components, statuspage_read };
	case FEED_TELNYX:
		return (struct source){ set->telnyx_status, summary, &set->telnyx_components,
					statuspage_read };
	case FEED_AWS:
		return (struct source){ set->aws_health, "/public/currentevents",
					&set->aws_services, awshealth_read };
	default:
		return (struct source){ set->twilio_status, summary, &set->twilio_components,
					statuspage_read };
	}
}

static void take_report(struct providers *p, enum feed_id f, const struct source *src,
			const struct http_reply *reply, struct feed_report *ret,
			struct call_info *info)
{
	struct err err = { 0 };
	char etag[sizeof(p->feed_cache->feed[f].etag)] = "";

	if (reply->status == 304 && p->feed_cache->feed[f].filled) {
		*ret = p->feed_cache->feed[f].report;
		ret->unchanged = true;
		p->feed_cache->feed[f].at_ms = loop_wall_ms(p->loop);
		return;
	}
	if (src->read(str_get(&reply->body), reply->body.len, src->allow, ret, &err)) {
		*ret = (struct feed_report){ 0 };
		info_garbled(info, false, err.msg, reply->body.s, reply->body.len);
		return;
	}
	http_header(reply, "ETag", etag, sizeof(etag));
	if (strpbrk(etag, "\r\n") || strlen(etag) + 1 >= sizeof(etag))
		etag[0] = 0;
	memcpy(p->feed_cache->feed[f].etag, etag, sizeof(etag));
	p->feed_cache->feed[f].report = *ret;
	p->feed_cache->feed[f].filled = true;
	p->feed_cache->feed[f].at_ms = loop_wall_ms(p->loop);
}

static enum call_result fetch(struct providers *p, enum feed_id f, struct feed_report *ret,
			      struct call_info *info)
{
	struct source src = source_of(p->settings, f);
	/* real ones have some 100 kB; what is much longer is no status page */
	struct request rq = { .family = FAMILY_FEED, .method = "GET",
			      .max_body = (size_t)4 << 20 };
	struct http_reply reply;
	struct str url = STR_INIT(1024);
	char condition[160];

	info_begin(info);
	*ret = (struct feed_report){ 0 };
	url_join(&url, src.base, src.path);
	rq.url = str_get(&url);
	if (p->feed_cache->feed[f].filled && p->feed_cache->feed[f].etag[0]) {
		snprintf(condition, sizeof(condition), "If-None-Match: %s",
			 p->feed_cache->feed[f].etag);
		rq.header[0] = condition;
	}
	if (request_raw(p, &rq, &reply, info) == CALL_OK)
		take_report(p, f, &src, &reply, ret, info);
	http_reply_fini(&reply);
	str_fini(&url);
	return info->result;
}

bool feed_last(const struct providers *p, enum feed_id f, struct feed_report *ret,
	       int64_t *ret_at_ms)
{
	if (!p || !p->feed_cache || !p->feed_cache->feed[f].filled)
		return false;
	*ret = p->feed_cache->feed[f].report;
	*ret_at_ms = p->feed_cache->feed[f].at_ms;
	return true;
}

const struct feed_ops feed_ops = { .fetch = fetch };
