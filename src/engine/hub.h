/*
 * The hub: what happens, to everyone who listens. It tails the journal (so that an
 * entry written by any engine or a person's command arrives here in order), folds it
 * into this engine's state, and hands entries and live documents to subscribers.
 */
#ifndef RD_ENGINE_HUB_H
#define RD_ENGINE_HUB_H

#include "core/loop.h"
#include "fold/state.h"

struct hub;
struct store;

struct hub_subscriber {
	void *ctx;
	/* kind "entry" (with seq > 0) or "live"; json is one line. false = drop me. */
	bool (*push)(void *ctx, const char *kind, int64_t seq, const char *json);
	struct hub_subscriber *next, *prev;
	struct hub *hub;
};

/* poll_ms: how often the journal is looked at without being woken. */
struct hub *hub_new(struct loop *l, struct store *s, int64_t poll_ms);
void hub_free(struct hub *h);			/* ends its task first: hub_stop, then the loop */
void hub_stop(struct hub *h);
void hub_wake(struct hub *h);			/* something was committed here */
const struct state *hub_state(const struct hub *h);
bool hub_loaded(const struct hub *h);		/* the first snapshot is in */
/* This engine's own live document, an object: gets its position, is folded, then sent on. */
void hub_live(struct hub *h, const char *json);
struct hub_doc {
	int64_t n;			/* position after it */
	int64_t seq;			/* entries that came before it */
	char *json;
};
/* The live documents after a position as a snapshot tells it; false: not known here, or too
 * long ago, so that only the whole will do (live_whole). Borrowed until the next wait. */
bool hub_live_after(const struct hub *h, const char *position, const struct hub_doc **ret,
		    size_t *ret_n);
void hub_subscribe(struct hub *h, struct hub_subscriber *s);
void hub_unsubscribe(struct hub_subscriber *s);	/* idempotent */

#endif
