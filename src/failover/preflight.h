/*
 * What a failover of an account would do now, step by step, and whether reading shows that it
 * could: asked of the providers by reads alone. For drills and for whoever wants to know before
 * the night.
 */
#ifndef RD_FAILOVER_PREFLIGHT_H
#define RD_FAILOVER_PREFLIGHT_H

#include "failover/decide.h"

/* Members of an object that the caller has begun: from, health, gates, to (null: nobody could take
 * over, and nothing follows), plan, steps [{step, name, would, can: yes | no | doubt, why}],
 * webhooks [{number, field, now, then}], agents [{agent, name, number, why}] that something stands
 * against, both bounded, with their counts. target NULL = as would be chosen. tell: the channels
 * that people are told by, NULL = none. In a task, on any engine. ERR_NOT_FOUND: no such account;
 * ERR_CONFLICT: no agents run on it. */
struct preflight_ask { const char *account, *target, *tell; };
int preflight(struct decider *d, const struct preflight_ask *ask, struct jw *w, struct err *err);

#endif
