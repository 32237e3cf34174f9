/* Shared by the files of the host of incidents. */
#ifndef RD_INCIDENT_INTERNAL_H
#define RD_INCIDENT_INTERNAL_H

#include "core/duty.h"
#include "incident/incidents.h"
#include "providers/feed.h"

struct incidents {
	struct incidents_deps d;
	struct duty duty;
	int64_t feeds_at[FEED_COUNT], feeds_quoted_ms;	/* of quotes.c */
};
/* A duration of the policy at the pace of a demonstration. */
int64_t incidents_faster(const struct incidents *h, int64_t ms);
/* The journal moved: consoles and the own task look again. */
void incidents_changed(struct incidents *h);

#endif
