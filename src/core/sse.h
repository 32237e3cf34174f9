/* Server-sent events, reader: bytes in, events out, bounded. */
#ifndef RD_CORE_SSE_H
#define RD_CORE_SSE_H

#include "core/str.h"

struct sse {
	struct str line, data;
	char event[64], id[32];
	void (*on_event)(void *ctx, const char *event, const char *id, const char *data);
	void (*on_comment)(void *ctx, const char *text);
	void *ctx;
	bool overflow;			/* a line or event over max: the caller drops the link */
	bool has_data, after_cr;	/* the reader's own */
};
void sse_init(struct sse *s, size_t max);
void sse_feed(struct sse *s, const char *p, size_t n);
void sse_fini(struct sse *s);

#endif
