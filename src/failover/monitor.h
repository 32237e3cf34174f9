/*
 * The observing half: cycles over all active accounts, their findings, what is stored of
 * them, and the readiness of every standby. Runs on every engine; a follower makes the
 * account-scoped probes only and stores them as evidence.
 */
#ifndef RD_FAILOVER_MONITOR_H
#define RD_FAILOVER_MONITOR_H

#include "core/json.h"
#include "failover/failover.h"

struct monitor;
struct watched;			/* one account as it is watched: failover/watch.h */

struct monitor *monitor_new(struct failover_deps *d);
void monitor_start(struct monitor *m);		/* its timer task; the first cycle at once */
void monitor_stop(struct monitor *m);
bool monitor_idle(const struct monitor *m);	/* no task of it runs any more */
void monitor_free(struct monitor *m);		/* NULL ok */
void monitor_wake(struct monitor *m);		/* leadership changed, accounts changed */

/* For tasks. One cycle of an account (id), or of all (NULL), coalesced: within on_demand_ms the
 * last result is given again. Appends the document of contract §4: an account's, or
 * {"ranAt","accounts":[...],"started":[]}. kinds: names joined by "," or NULL = all.
 * ERR_NOT_FOUND: no such account. On a follower the leader's last cycle, with
 * "from":"ENGINE","stale":true. */
int monitor_cycle(struct monitor *m, const char *account, const char *kinds, struct str *ret,
		  struct err *err);
/* As monitor_cycle of all, with the ids of events that were started meanwhile. */
int monitor_cron(struct monitor *m, struct str *ret, struct err *err);
/* Brings the number pool of one account in line now: {"added","updated","gone","kept"}. */
int monitor_sync(struct monitor *m, const char *account, struct str *ret, struct err *err);

/* Something was seen that one sample does not prove: the next cycle comes sooner. */
bool monitor_suspicious(const struct monitor *m);
int64_t monitor_cycle_ms(const struct monitor *m);	/* duration of the last full cycle */
int64_t monitor_age_ms(const struct monitor *m);	/* since it ended; -1 = none yet */

#endif
