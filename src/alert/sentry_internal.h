/* Shared by sentry.c, which looks, and sentry_keep.c, which writes down what it saw. */
#ifndef RD_ALERT_SENTRY_INTERNAL_H
#define RD_ALERT_SENTRY_INTERNAL_H

#include "alert/board.h"
#include "alert/sentry.h"
#include "core/duty.h"

struct sentry {
	struct sentry_deps d;
	struct duty duty;
	int64_t pruned_ms;		/* wall: what is old was dropped last */
	struct board *board;
	int64_t epoch;			/* the board was loaded under this one */
	int64_t wall_ms, mono_ms;	/* of the last look */
	int64_t refreshed_ms, sampled_ms, look_ms;
};

/* The policy's table of alerts as alerts_rate wants it; p may be NULL. */
void sentry_ratings(const struct policy *p, struct str *ret);
/* What a look moved, and what time alone does, in one transaction; an error: nothing of it was
 * kept. p may be NULL: what others raised is told all the same. */
int sentry_keep(struct sentry *w, const struct policy *p, struct err *err);

#endif
