/*
 * The approval window; see window.h.
 *
 * Invariant: tested_failing_ms grows only by intervals that have a failed test of this
 * process at both ends and are no longer than test_gap_ms. An engine that was away finds
 * no clock of its own, so its absence can never approve anything.
 */
#include "failover/window.h"

#include "core/str.h"

void window_deadline(struct event *e, int64_t now_wall_ms)
{
	e->deadline_at_ms = e->status == EV_PENDING ? now_wall_ms + window_left_ms(e) : 0;
}

int64_t window_left_ms(const struct event *e)
{
	int64_t left = e->window_ms + e->extended_ms - e->tested_failing_ms;

	return left > 0 ? left : 0;
}

bool window_passed(const struct event *e)
{
	return e->passes_needed > 0 && e->passes >= e->passes_needed;
}

static int64_t passes_for(int64_t reopens, const struct failover_settings *set)
{
	return reopens == 0 ? set->passes : reopens == 1 ? set->passes_reopen1 :
							   set->passes_reopen2;
}

static void schedule(struct event *e, struct window_clock *c, bool failed,
		     const struct failover_settings *set, int64_t now_ms, int64_t now_wall_ms)
{
	c->last_ms = now_ms;
	c->last_failed = failed;
	e->next_test_at_ms = now_wall_ms +
			     (e->status == EV_HELD ? set->held_retest_ms : set->test_every_ms);
	window_deadline(e, now_wall_ms);
}

void window_start(struct event *e, struct window_clock *c, const struct failover_settings *set,
		  int64_t now_ms, int64_t now_wall_ms)
{
	e->started_at_ms = now_wall_ms;
	e->window_ms = set->window_ms;
	e->extended_ms = 0;
	e->tested_failing_ms = 0;
	e->passes = 0;
	e->passes_needed = passes_for(e->reopens, set);
	schedule(e, c, true, set, now_ms, now_wall_ms);
}

void window_test(struct event *e, struct window_clock *c, enum outcome o,
		 const struct failover_settings *set, int64_t now_ms, int64_t now_wall_ms)
{
	int64_t since = now_ms - c->last_ms;

	if (o == OUT_BAD && e->status == EV_PENDING && c->last_ms > 0 && c->last_failed &&
	    since <= set->test_gap_ms)
		e->tested_failing_ms += since;
	if (o == OUT_BAD) {
		e->passes = 0;
		e->tests_failed++;
	} else if (o == OUT_OK) {
		e->passes++;
		e->tests_passed++;
	}
	e->last_test_at_ms = now_wall_ms;
	schedule(e, c, o == OUT_BAD, set, now_ms, now_wall_ms);
}

void window_reopen(struct event *e, struct window_clock *c, const struct failover_settings *set,
		   int64_t now_ms, int64_t now_wall_ms)
{
	e->reopens++;
	e->passes = 0;
	e->passes_needed = passes_for(e->reopens, set);
	if (e->reopens >= set->max_reopens)
		e->flapping = true;
	if (e->window_ms == 0) {
		e->window_ms = set->window_ms;
		e->started_at_ms = now_wall_ms;
	}
	schedule(e, c, true, set, now_ms, now_wall_ms);
}

int window_extend(struct event *e, int64_t by_ms, const struct failover_settings *set,
		  int64_t now_wall_ms, struct err *err)
{
	int64_t left = set->extend_max_ms - e->extended_ms;
	char text[32];

	if (by_ms <= 0)
		by_ms = set->extend_ms;
	if (by_ms > left) {
		format_duration(text, sizeof(text), left > 0 ? left : 0);
		return err_field(err, ERR_CONFLICT, "minutes",
				 "%s can be extended by %s more at most", e->id ? e->id : "it",
				 text);
	}
	e->extended_ms += by_ms;
	window_deadline(e, now_wall_ms);
	return 0;
}
