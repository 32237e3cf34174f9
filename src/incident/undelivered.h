/*
 * A page that cannot be delivered is no page. A message of an open incident that its channel
 * gave up on is told by the next channel that is configured; the ladder does not wait for
 * somebody who heard nothing; when no channel is left, a call by hand is due. What a person
 * sent outside is not sent another way by itself: that is a task.
 */
#ifndef RD_INCIDENT_UNDELIVERED_H
#define RD_INCIDENT_UNDELIVERED_H

#include "incident/incidents.h"

/* In the leader's task. *ret: messages answered. */
int undelivered_look(struct incidents *h, const struct who *who, size_t *ret, struct err *err);

#endif
