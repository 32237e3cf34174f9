/* The application's lock around an attempt, and unlocks that are owed. */
#ifndef RD_FAILOVER_LOCK_H
#define RD_FAILOVER_LOCK_H

#include "failover/act.h"

/* Takes the lock, or a new one when resuming; starts its one renewal. */
int lock_take(struct act *a, struct err *err);
/* Ends the renewal and unlocks; what cannot be sent now is owed and retried for ever. */
void lock_release(struct act *a);
/* degraded: up to calls_wait for calls in progress on the source. */
void lock_wait_calls(struct act *a);
int hook_after_switch(struct act *a, struct err *err);
/* One try; true when the application took it (or there is none to tell). */
bool unlock_send(struct failover_deps *d, const char *event, int64_t epoch);
/* executor.c: tried for ever; dropped only when a newer leader works on the event. */
void executor_owe_unlock(struct executor *x, const char *event, int64_t epoch);

#endif
