/*
 * Tests of an open window and of a held event: fresh evidence, judged, stored with the
 * window's figures. One at a time per lineage, each in a task of its own, so that a slow
 * account holds nobody else up.
 *
 * Invariant: the figures are those of the row as it was read; if somebody changed the
 * event meanwhile, the test is lost, not merged.
 */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "failover/lease.h"
#include "failover/lineage.h"

struct test { struct decider *d; char *primary, *event; bool last; };

void lineage_clock(struct decider *d, struct lineage *l)
{
	bool open = l->ev.e.id && (l->ev.e.status == EV_PENDING || l->ev.e.status == EV_HELD);
	char now[40];

	/* a new event, or the same in another state: what was measured does not carry over */
	snprintf(now, sizeof(now), "%s/%s", l->ev.e.id ? l->ev.e.id : "", l->ev.e.id ?
		 event_status_name(l->ev.e.status) : "");
	if (strcmp(now, l->clock_event)) {
		snprintf(l->clock_event, sizeof(l->clock_event), "%s", now);
		l->clock = (struct window_clock){ 0 };
		l->last = LAST_NONE;
		l->test_due_ms = 0;
		l->tests = 0;
		l->stored_outcome = -1;
		l->announced_ms = 0;
		l->retested = false;
		l->unjudged_ms = 0;
		l->untold_known = false;
		/* the opening of a window is a failed test: the next comes after the usual time */
		if (open && loop_wall_ms(d->d->loop) - l->ev.e.state_since_ms <
				    d->d->set->test_every_ms)
			l->test_due_ms = loop_now_ms(d->d->loop) + d->d->set->test_every_ms;
	}
}

static char *parts_json(const struct watched *w)
{
	struct str b = STR_INIT(512);
	struct jw out = JW(&b);
	const struct account_facts *f = &w->raw;

	jw_obj(&out, NULL);
	jw_str(&out, "api", outcome_name(facts_account_bad(f) ? OUT_BAD :
					 f->probe[PROBE_API].outcome));
	jw_str(&out, "webhook", outcome_name(f->probe[PROBE_WEBHOOK].outcome));
	jw_str(&out, "agents", outcome_name(f->failing + f->inherited ? OUT_BAD :
					    f->unknown * 2 > f->watched ? OUT_UNKNOWN : OUT_OK));
	jw_str(&out, "numbers", outcome_name(f->probe[PROBE_NUMBERS].outcome));
	jw_obj_end(&out);
	return str_take(&b);
}

static char *detail_of(const struct watched *w)
{
	if (w->test.cause[0])
		return xstrdup(w->test.cause);
	return xasprintf("%lld of %lld agents fail", (long long)w->raw.failing,
			 (long long)w->raw.watched);
}

static int store_test(struct decider *d, struct lineage *l, struct event_row *row,
		      const struct event_test *test, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = decider_who(d);
	int r;

	/* a held event is tested for days: only what is new, and a sign of life now and then */
	if (row->e.status == EV_HELD && test->outcome == l->stored_outcome && l->tests % 20 &&
	    test->outcome != OUT_OK)
		return 0;
	r = tx_begin(d->d->store, &t, &who, err);
	if (r == 0)
		r = event_test_add(&t, row, test, err);
	if (r == 0)
		r = tx_commit(&t, NULL, err);
	if (r == 0)
		l->stored_outcome = test->outcome;
	return r;
}

static void record(struct decider *d, struct lineage *l, const struct watched *w, bool last)
{
	_cleanup_(free_p) char *parts = parts_json(w);
	_cleanup_(free_p) char *detail = detail_of(w);
	struct event_test test = { .at_ms = w->swept_wall_ms, .outcome = (int)w->test_outcome,
				   .detail = detail, .parts = parts };
	struct window_clock clock = l->clock;
	struct event_row row = { 0 };
	struct err err = { 0 };
	int64_t now = loop_now_ms(d->d->loop);

	event_copy(&row.e, &l->ev.e);
	row.fails = test.outcome == OUT_BAD ? l->ev.fails + 1 : test.outcome == OUT_OK ? 0 :
		l->ev.fails;
	window_test(&row.e, &clock, w->test_outcome, d->d->set, now, loop_wall_ms(d->d->loop));
	event_set_gates(&row.e, l->gates, l->gates_known ? GATE_MAX : 0);
	if (test.outcome == OUT_BAD && w->test.cause[0])
		str_replace(&row.e.cause, w->test.cause);
	if (store_test(d, l, &row, &test, &err) < 0) {
		log_info("decide", "%s: test not stored: %s", row.e.id, err.msg);
		event_row_fini(&row);
		return;
	}
	l->clock = clock;
	l->tests++;
	l->retested |= l->announced_ms > 0 && test.outcome == OUT_BAD;
	if (test.outcome != OUT_UNKNOWN)
		l->unjudged_ms = 0;
	else if (!l->unjudged_ms)
		l->unjudged_ms = now;
	if (last)
		l->last = now - l->last_began_ms > d->d->set->last_test_ms ? LAST_LATE :
			  test.outcome == OUT_BAD			   ? LAST_FAILED :
									     LAST_OTHER;
	/* the row stays the one that was read; only the window's figures are new */
	l->ev.fails = row.fails;
	event_row_fini(&row);
}

static void test_task(void *arg)
{
	struct test *t = arg;
	struct decider *d = t->d;
	struct lineage *l = decider_lineage(d, t->primary);
	const struct watched *w = l ? decider_account(d, l->current) : NULL;
	/* a cycle's sweep that began after the last test is as fresh as one of our own */
	bool reuse = w && !t->last && l->clock.last_ms && w->sweep_n && w->whole &&
		     w->swept_ms - w->latency_ms > l->clock.last_ms + d->d->set->test_every_ms / 2;
	bool done = w && (reuse || monitor_sweep(d->m, w->row.id));

	if (done && l->ev.e.id && str_eq(l->ev.e.id, t->event) &&
	    (l->ev.e.status == EV_PENDING || l->ev.e.status == EV_HELD) && lease_held(d->d->lease))
		record(d, l, w, t->last);
	else if (l && t->last)
		l->last = LAST_OTHER;
}

static void test_done(void *arg)
{
	struct test *t = arg;
	struct lineage *l = decider_lineage(t->d, t->primary);

	if (l) {
		l->testing = false;
		l->test_due_ms = l->test_began_ms + (l->ev.e.status == EV_HELD ?
						     t->d->d->set->held_retest_ms :
						     t->d->d->set->test_every_ms);
	}
	t->d->tasks--;
	decider_wake(t->d);
	free_p(&t->primary);
	free_p(&t->event);
	free_p(&t);
}

void decide_test(struct decider *d, struct lineage *l, bool last)
{
	int64_t now = loop_now_ms(d->d->loop);
	struct test *t;

	if (last && l->last == LAST_RUNNING && now - l->last_began_ms > d->d->set->last_test_ms)
		l->last = LAST_LATE;
	if (l->testing || d->stopping || (!last && now < l->test_due_ms) ||
	    (last && l->last != LAST_NONE))
		return;
	if (last) {
		l->last = LAST_RUNNING;
		l->last_began_ms = now;
	}
	t = xcalloc(1, sizeof(*t));
	t->d = d;
	t->primary = xstrdup(l->primary);
	t->event = xstrdup(l->ev.e.id);
	t->last = last;
	l->testing = true;
	l->test_began_ms = now;
	d->tasks++;
	task_start(d->d->loop, "test", test_task, t, test_done);
}
