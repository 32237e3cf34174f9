/*
 * The deciding task: for each lineage, each second, facts -> rules -> one conditional
 * transition. Decides only while this engine holds the lease; executes nothing.
 */
#ifndef RD_FAILOVER_DECIDE_H
#define RD_FAILOVER_DECIDE_H

#include "core/json.h"
#include "failover/monitor.h"
#include "model/event.h"

struct decider;

struct decider *decider_new(struct failover_deps *d, struct monitor *m);
void decider_start(struct decider *d);
void decider_stop(struct decider *d);
bool decider_idle(const struct decider *d);
void decider_free(struct decider *d);		/* NULL ok */
void decider_wake(struct decider *d);		/* look now: a command, a sweep, leadership */
/* The loop stood still or the wall clock stepped: observe for a while, decide nothing. */
void decider_gap(struct decider *d);

/* Members of the live document: "gates":[{"lineage","target","gates":[...]}]. Empty on a
 * follower. */
void decider_live(const struct decider *d, struct jw *w);
/* The same, borrowed until the next turn; free_p the array. False: not this engine's to say. */
struct lineage_gates;
bool decider_all_gates(const struct decider *d, struct lineage_gates **ret, size_t *ret_n);
/* The gates of a lineage as this engine computed them last, GATE_MAX of them (borrowed until the
 * next turn); NULL: none. primary: account id. ret_target (may be NULL): account id or NULL. */
const struct gate_result *decider_gates(const struct decider *d, const char *primary,
					const char **ret_target);

/* For tasks: {needed,severity,rule,reason,gates} of contract §4 for the lineage that the account
 * carries or is home of; runs a cycle of it first (coalesced). */
int decider_detect(struct decider *d, const char *account, struct str *ret, struct err *err);

#endif
