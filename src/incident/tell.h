/*
 * Who is told by a clock that fell due, which way and in which words: channels go through the
 * outbox, a telephone is a call that a person makes and ticks off. Planned from the policy
 * first, written in the transaction that moves the clock.
 */
#ifndef RD_INCIDENT_TELL_H
#define RD_INCIDENT_TELL_H

#include "model/incident.h"
#include "notify/notify.h"
#include "policy/policy.h"

enum { TELL_MAX = 8 };
struct telling {
	char *incident;
	char *key;			/* what keeps the outbox from taking it twice */
	char *text, *line;		/* what is told; what the journal says of it */
	struct notify_to to[TELL_MAX]; size_t n;	/* recipients are heap */
	struct incident_clock *calls; size_t n_calls;	/* to be made by hand */
	struct str missing;		/* ways that are not configured, in words */
};
/* said: the clock as it was when it fell due. */
void tell_plan(struct telling *t, const struct policy *p, const struct incident *i,
	       const struct incident_clock *said, int64_t now_ms);
/* Puts it into the outbox; fills missing. */
int tell_put(struct telling *t, struct tx *tx, const struct notify_settings *set, struct err *err);
/* What the journal says of it; after tell_put. */
const char *tell_line(struct telling *t);
void tell_fini(struct telling *t);

/* Acknowledged or over: said where it was told before. */
int tell_over(struct tx *tx, const struct notify_settings *set, const char *incident,
	      enum say_kind kind, const char *text, struct err *err);

#endif
