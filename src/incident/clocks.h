/*
 * The clocks of an incident, decided purely from policy, history and now: which rows must
 * exist, which is due, what it would send to whom. R3's three clocks are kept apart:
 *   routing   first notice by the severity's channels at once, repeated while unacknowledged
 *   severity  jump to the named role when the severity's escalation time passes unacknowledged
 *   ladder    rung after rung, each after the response time of the one before; rungs that are
 *             not for this severity are passed over
 * An acknowledgement stops all three (incident_set_state, where people change what is stored);
 * a higher severity starts severity and routing again. Who acknowledged a trifle has not told the
 * people of an outage: of what rises after that, the channels hear once, and so does the role that
 * is to know at once; nothing repeats.
 */
#ifndef RD_INCIDENT_CLOCKS_H
#define RD_INCIDENT_CLOCKS_H

#include "model/incident.h"
#include "policy/policy.h"

/* Rows for an incident that was just declared (was NULL), or whose severity was another; *ret
 * (heap, owned by the caller), ids unset. */
size_t clocks_open(const struct policy *p, const struct incident *i, const char *was,
		   const char *ladder, int64_t now_ms, struct incident_clock **ret);
/* c falls due: true, and *ret_said (record_fini of incident_clock_type) the row as it was, whose
 * text, target and via say what to whom; c itself becomes what follows (next due, next rung,
 * done; CS_DUE when a person must act). false: not due, nothing changed. */
bool clocks_fire(const struct policy *p, const struct incident *i, struct incident_clock *c,
		 int64_t now_ms, struct incident_clock *ret_said);
#endif
