/*
 * Public status feeds: they weigh and explain, they never decide. A feed that
 * fails is FEED_UNKNOWN.
 */
#ifndef RD_PROVIDERS_FEED_H
#define RD_PROVIDERS_FEED_H

#include "providers/provider.h"

enum feed_id { FEED_TWILIO, FEED_ELEVENLABS, FEED_TELNYX, FEED_AWS, FEED_COUNT };
const char *feed_name(enum feed_id f);		/* "twilio" ... "aws" */

enum feed_state { FEED_UNKNOWN, FEED_OPERATIONAL, FEED_MAINTENANCE, FEED_DEGRADED, FEED_DOWN };
const char *feed_state_name(enum feed_state s);

struct feed_item {				/* a component or service that is not well */
	char name[80];
	char status[24];			/* the feed's own word */
	enum feed_state state;
};
struct feed_incident {
	char id[48], name[120], status[24], impact[16], url[120];
	int64_t started_ms, updated_ms;
	char said[400];				/* its newest update, and when it was published */
	int64_t said_ms;
};
enum { FEED_MAX_ITEMS = 32, FEED_MAX_INCIDENTS = 8 };
struct feed_report {
	enum feed_state state;			/* worst of the components on the allow-list */
	char indicator[16];			/* the page's own word, not used for state */
	struct feed_item items[FEED_MAX_ITEMS];
	int n_items;
	int n_matched;				/* components that the allow-list selected */
	struct feed_incident incidents[FEED_MAX_INCIDENTS];
	int n_incidents;			/* open ones */
	int64_t updated_ms;			/* by the feed; 0 = not said */
	bool unchanged;				/* 304: same as last time */
};

struct feed_ops {
	enum call_result (*fetch)(struct providers *p, enum feed_id f, struct feed_report *ret,
				  struct call_info *info);
};
extern const struct feed_ops feed_ops;

/* The last report that could be read, and when that was (wall time); false: none so far. Asks
 * nobody. */
bool feed_last(const struct providers *p, enum feed_id f, struct feed_report *ret,
	       int64_t *ret_at_ms);

/* Pure parts, for tests and fuzzers. 0, or negative with err: then *ret is FEED_UNKNOWN. */
int statuspage_read(const char *body, size_t n, const struct strlist *allow,
		    struct feed_report *ret, struct err *err);
/* UTF-16 (either order, with or without BOM) or UTF-8. */
int awshealth_read(const char *body, size_t n, const struct strlist *services,
		   struct feed_report *ret, struct err *err);

#endif
