/*
 * How many requests may be in flight for one account. No provider publishes its
 * ceiling, so the limit is found: it doubles until the first 429, then grows by
 * one per round and halves at each further burst of them.
 */
#ifndef RD_PROVIDERS_LIMITER_H
#define RD_PROVIDERS_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/loop.h"

/* Pure part. */
struct limiter {
	double limit;
	double threshold;		/* slow start ends here */
	int max, in_flight;
	int64_t cut_at_ms;		/* last halving */
	int64_t hold_until_ms;		/* the provider said Retry-After */
};
enum { LIMITER_CUT_EVERY_MS = 1000 };	/* one burst of 429 is one cut */
void limiter_init(struct limiter *l, int start, int max);
bool limiter_may(const struct limiter *l, int64_t now_ms);
/* When a hold ends, in ms from now; 0 = no hold, only a free slot is missing. */
int64_t limiter_hold_ms(const struct limiter *l, int64_t now_ms);
void limiter_take(struct limiter *l);
/* limited = the answer was 429; ok = it was an answer that says the provider keeps up. */
void limiter_give(struct limiter *l, bool ok, bool limited, int64_t retry_after_ms,
		  int64_t now_ms);
/* Full jitter: 0 .. min(cap, base * 2^attempt); random is any 64 bits. */
int64_t backoff_ms(int attempt, uint64_t random);

/* One limiter for each name (account, service), with the tasks that wait for it. */
struct limiters;
struct limiter_slot;
struct limiters *limiters_new(struct loop *l, int start, int max);
void limiters_free(struct limiters *ls);	/* NULL ok */
/* Waits in the task for a free slot. NULL when the task was cancelled. */
struct limiter_slot *limiters_enter(struct limiters *ls, const char *name);
void limiters_leave(struct limiters *ls, struct limiter_slot *s, bool ok, bool limited,
		    int64_t retry_after_ms);

#endif
