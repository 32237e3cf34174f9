/*
 * The approval window as arithmetic (failover.md §3): tested failing time, passes, reopening,
 * extensions, the derived deadline. Pure; times are of the monotonic clock unless named wall.
 */
#ifndef RD_FAILOVER_WINDOW_H
#define RD_FAILOVER_WINDOW_H

#include "failover/failover.h"
#include "model/event.h"

/* What only the process that tests knows: gone with it, so a new leader starts with a gap. */
struct window_clock {
	int64_t last_ms;		/* last test (or the opening); 0 = none in this process */
	bool last_failed;
};

/* A new window: full time, no passes. */
void window_start(struct event *e, struct window_clock *c, const struct failover_settings *set,
		  int64_t now_ms, int64_t now_wall_ms);
/* One finished test. Failing time grows by the time since the test before, if that failed too
 * and is at most test_gap_ms old. Adjusts passes, counters, last and next test, deadline. */
void window_test(struct event *e, struct window_clock *c, enum outcome o,
		 const struct failover_settings *set, int64_t now_ms, int64_t now_wall_ms);
/* What is missing; 0 = at its deadline. */
int64_t window_left_ms(const struct event *e);
bool window_passed(const struct event *e);	/* enough passes in a row */
/* Time kept, more passes needed, flapping after max_reopens. */
void window_reopen(struct event *e, struct window_clock *c, const struct failover_settings *set,
		   int64_t now_ms, int64_t now_wall_ms);
/* 0, or ERR_CONFLICT: the sum would pass extend_max_ms (says what is left). by_ms 0 = usual. */
int window_extend(struct event *e, int64_t by_ms, const struct failover_settings *set,
		  int64_t now_wall_ms, struct err *err);
/* Derived, for display: when it would end if every test to come fails. */
void window_deadline(struct event *e, int64_t now_wall_ms);

#endif
