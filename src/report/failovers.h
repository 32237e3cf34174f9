/*
 * How failovers go: how their windows end, how long deciding and each step take, which gates
 * hold. Drills are counted apart and are in no figure. Pure.
 */
#ifndef RD_REPORT_FAILOVERS_H
#define RD_REPORT_FAILOVERS_H

#include "core/json.h"
#include "model/failovers.h"
#include "report/times.h"

#define WINDOW_END_LIST(X)                                                                         \
	X(WE_CANCELLED, "cancelled")		/* it recovered, or a person called it off */      \
	X(WE_APPROVED, "approved")		/* by a person */                                  \
	X(WE_EXPIRED, "expired")		/* the deadline came: the engine approved */       \
	X(WE_REJECTED, "rejected") X(WE_SUPERSEDED, "superseded")                                  \
	X(WE_OPEN, "open")			/* pending or held */
enum window_end { WINDOW_END_LIST(RD_ENUM_ID) WE_MAX };
extern const struct enum_names window_end_names;
const char *window_end_help(enum window_end e);

enum { FAILOVER_STEPS = 16 };
struct failover_metrics {
	size_t events, drills, windows, ends[WE_MAX];
	struct time_summary deciding;	/* opened to decided, of those with a window */
	struct time_summary moving;	/* decided to completed */
	struct { char name[24]; struct time_summary took; } steps[FAILOVER_STEPS];
	size_t n_steps;
};
/* How a window ended, or WE_MAX when the event had none. */
enum window_end window_end(const struct failover_row *r);
void failover_count(const struct failover_row *v, size_t n, const struct failover_step *steps,
		    size_t n_steps, struct failover_metrics *ret);
void failover_json(struct jw *w, const struct failover_metrics *m);

#endif
