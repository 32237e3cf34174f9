/*
 * The lease (failover.md §7): one leader at a time, known by its epoch. Renewed every
 * 3 s on a direct connection; validity is counted on the monotonic clock from before
 * the renewal was sent. A contender waits until (epoch, counter) stood still for a
 * whole TTL of its own clock; its first outside write comes no earlier than TTL + D
 * after the last renewal it saw.
 */
#ifndef RD_FAILOVER_LEASE_H
#define RD_FAILOVER_LEASE_H

#include "failover/failover.h"

struct lease;

struct lease_events {
	void *ctx;
	void (*gained)(void *ctx, int64_t epoch);
	/* before any further outside write starts */
	void (*lost)(void *ctx, const char *why);
};

/* Starts the keeper task. advertise: address other engines and consoles may use. */
struct lease *lease_new(struct failover_deps *deps, const char *advertise,
			const struct lease_events *events);
/* Gives the lease back when held (best effort, bounded) and ends the task. */
void lease_stop(struct lease *l);
void lease_free(struct lease *l);

bool lease_held(const struct lease *l);		/* believed valid now */
int64_t lease_epoch(const struct lease *l);	/* 0 when not held */
int64_t lease_valid_ms(const struct lease *l);	/* what is left of the local validity */
/* May an outside write start now? Held, validity > D, takeover wait over, no unhandled gap. */
bool lease_may_write(const struct lease *l);
const char *lease_why_not(const struct lease *l);	/* sentence when lease_may_write is false */
const char *lease_holder(const struct lease *l);	/* "" when unknown */
const char *lease_holder_address(const struct lease *l);
/* A loop gap happened: nothing may be written until the row was read again. */
void lease_doubt(struct lease *l);

#endif
