/*
 * People at random: each order is one transaction from a desk that is no engine, with the
 * same checks as failover/commands.c makes, but for gates (a person overrides them all).
 */
#include <stdio.h>
#include <string.h>

#include "failover/plan.h"
#include "failover/rollback.h"
#include "store/steps.h"
#include "tests/world/world.h"

static const struct who JANE = { .actor = "jane", .role = "operator", .via = "api" };

static int newest(const struct world *w)
{
	return w->now.n_events - 1;
}

static void start_attempt(struct world *w)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct store *s = &w->desk->store;
	const char *to = str_eq(w->now.current, "acc1") ? "acc2" : "acc1";
	struct event_row row = { 0 };
	struct plan *plan = NULL;
	struct err err = { 0 };

	if (w->now.n_events == W_EVENTS)
		return;
	int r = plan_load(s, &w->set, "acc1", w->now.current, to, NULL, true, 0, &plan, &err);
	if (r < 0 || !plan->n_moves) {
		plan_free(plan);
		return;
	}
	row.e.status = EV_APPROVED;
	row.e.severity = chance(w, 500) ? SEV_CRITICAL : SEV_DEGRADED;
	row.e.trigger = TRIG_MANUAL;
	row.e.lineage = xstrdup("acc1");
	row.e.from = xstrdup(plan->from);
	plan_into_event(plan, &row.e);
	r = tx_begin(s, &t, &JANE, &err);
	if (r >= 0)
		r = event_open(&t, &row, &err);
	if (r >= 0)
		r = plan_store(&t, row.e.id, plan, &err);
	if (r >= 0)
		r = tx_commit(&t, NULL, &err);
	say(w, "jane starts %s to %s: %s", row.e.id ? row.e.id : "?", to, r < 0 ? err.msg : "ok");
	event_row_fini(&row);
	plan_free(plan);
}

struct order {
	const char *what;
	unsigned from;
	enum event_status to;
	int (*also)(struct tx *t, const char *id, struct err *err);
};

static const struct order orders[] = {
	{ "rolls back", 1u << EV_COMPLETED | 1u << EV_FAILED, EV_ROLLING_BACK, rollback_is_newest },
	{ "resumes", 1u << EV_FAILED, EV_EXECUTING, attempt_cancel_clear },
	{ "accepts", 1u << EV_FAILED, EV_ACCEPTED, execute_accept },
};

static void order_event(struct world *w, const char *id, const struct order *o)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct event_row row = { 0 };
	struct err err = { 0 };
	int r = tx_begin(&w->desk->store, &t, &JANE, &err);

	if (r >= 0)
		r = event_lock(&t, id, &row, &err);
	if (r >= 0 && !(o->from & 1u << row.e.status))
		r = err_set(&err, ERR_CONFLICT, "it is %s", event_status_name(row.e.status));
	if (r >= 0 && o->to == EV_EXECUTING && row.rollback_started_at_ms)
		r = err_set(&err, ERR_CONFLICT, "it failed while rolling back");
	if (r >= 0 && o->also)
		r = o->also(&t, id, &err);
	if (r >= 0) {
		int from = row.e.status;

		row.e.status = (int)o->to;
		if (o->to == EV_ROLLING_BACK)
			row.rollback_started_at_ms = t.now_ms;
		r = event_transition(&t, &row, (enum event_status)from, row.e.version, o->what, &err);
	}
	if (r >= 0)
		r = tx_commit(&t, NULL, &err);
	say(w, "jane %s %s: %s", o->what, id, r < 0 ? err.msg : "ok");
	event_row_fini(&row);
}

static void cancel_event(struct world *w, const char *id)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct err err = { 0 };
	int r = tx_begin(&w->desk->store, &t, &JANE, &err);

	if (r >= 0)
		r = event_cancel_request(&t, id, "jane", &err);
	if (r >= 0)
		r = tx_commit(&t, NULL, &err);
	say(w, "jane cancels %s: %s", id, r < 0 ? err.msg : "ok");
}

static void pause(struct world *w, bool on)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };

	if (tx_begin(&w->desk->store, &t, &JANE, NULL) < 0)
		return;
	w->next.paused = on;
	if (tx_commit(&t, NULL, NULL) >= 0)
		say(w, "jane %s", on ? "pauses" : "unpauses");
}

/* Somebody changes a number at the provider, past the engine. */
static void interfere(struct world *w)
{
	struct fake_number *n = &w->out.numbers[dice(w, (uint64_t)w->out.n_numbers)];

	snprintf(n->hooks[WH_SMS_FALLBACK_URL], sizeof(n->hooks[0]), "https://other.example/%d",
		 (int)dice(w, 1000));
	w->interfered = true;
	say(w, "somebody changes %s", n->e164);
}

void person_acts(void *arg)
{
	struct world *w = arg;
	int i = newest(w);
	const struct event_row *e = i >= 0 ? w->now.events[i] : NULL;
	_cleanup_(free_p) char *id = e ? xstrdup(e->e.id) : NULL;
	int status = e ? e->e.status : EV_CANCELLED;

	w->operations++;
	if (w->now.paused && chance(w, 500)) {
		pause(w, false);
		return;
	}
	switch (status) {
	case EV_APPROVED:
	case EV_EXECUTING:
		if (chance(w, 250))
			cancel_event(w, id);
		else if (chance(w, 150))
			pause(w, true);
		break;
	case EV_ROLLING_BACK:
		break;
	case EV_FAILED:
		order_event(w, id, &orders[dice(w, COUNT_OF(orders))]);
		break;
	case EV_COMPLETED:
		if (chance(w, 600))
			order_event(w, id, &orders[0]);
		else
			start_attempt(w);
		break;
	default:
		start_attempt(w);
	}
	if (w->interference && chance(w, 60))
		interfere(w);
}
