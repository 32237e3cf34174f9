/*
 * What is not worth waking anybody: open incidents whose severity has a digest, in one message
 * a day with all of them. The first of their clocks that falls due speaks for all and moves all.
 */
#ifndef RD_INCIDENT_DIGEST_H
#define RD_INCIDENT_DIGEST_H

#include "incident/incidents.h"

/* In the leader's task: due is a digest clock that is due. ERR_CONFLICT: a person was first. */
int digest_fire(struct incidents *h, const struct who *who, const struct due_clock *due,
		struct err *err);

#endif
