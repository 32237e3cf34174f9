/*
 * After the database lost its newest commits (failover.md section 7): whether what is
 * outside was looked at since, and what can be known again of writes that only the
 * intent log remembers.
 */
#ifndef RD_STORE_LOST_H
#define RD_STORE_LOST_H

#include "store/store.h"

/* *ret_known: the timeline that was looked at last, 0 = a look is due, -1 = never noted. */
int lost_timeline(struct store *s, int64_t *ret_known, struct err *err);
/* Looked at on this timeline; 0 = a look is due. */
int lost_timeline_put(struct tx *t, int64_t timeline, struct err *err);
/* Nothing else is open in the event's lineage. */
int lost_alone(struct tx *t, const char *event, bool *ret, struct err *err);
/* Items of the event whose before-image was lost get it back from the writes that were merged: the
 * fields that each write replaced, and the agent's row as it is. */
int lost_images(struct tx *t, const char *event, struct err *err);

#endif
