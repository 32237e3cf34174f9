/* What a tick of the decider reads at once, for all lineages together. */
#ifndef RD_STORE_DECIDE_READ_H
#define RD_STORE_DECIDE_READ_H

#include "store/store.h"

struct standby_row { char *primary, *backup; int64_t priority; };
struct attempt_row { char *lineage; int64_t wrote_at_ms; };	/* its last write forward */
struct pool_count { char *account; int64_t usable, routed; char *example, *not_ready; };
struct decide_facts {
	struct standby_row *standby; size_t n_standby;	/* explicit ones, by priority */
	struct attempt_row *attempts; size_t n_attempts;	/* outside writes since since_ms */
	struct pool_count *pools; size_t n_pools;	/* one a Twilio account */
};
void decide_facts_fini(struct decide_facts *f);
/* pools: false leaves those of *ret as they are; they cost most with many numbers. */
int decide_facts_read(struct store *s, int64_t attempts_since_ms, bool pools,
		      struct decide_facts *ret, struct err *err);

#endif
