/* What each feed said last, with its ETag, for the next If-None-Match. */
#ifndef RD_PROVIDERS_FEED_CACHE_H
#define RD_PROVIDERS_FEED_CACHE_H

#include "providers/feed.h"

struct feed_cache {
	struct {
		char etag[128];
		struct feed_report report;
		bool filled;
		int64_t at_ms;		/* wall; read, or the same as before */
	} feed[FEED_COUNT];
};
struct feed_cache *feed_cache_new(void);
void feed_cache_free(struct feed_cache *c);	/* NULL ok */

#endif
