/*
 * What people order; see commands.h. Each order reads what is there now, checks state and
 * gates, and is one transaction that compares the event's status and version: of two
 * orders at the same moment one wins, and the other is told what happened.
 *
 * Invariant: a person's order is never carried out here, only recorded; the leader does the
 * rest under its lease.
 */
#include "failover/commands.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "failover/commands_internal.h"
#include "failover/execute.h"
#include "failover/lease.h"
#include "failover/plan.h"
#include "notify/notify.h"
#include "store/lease_row.h"

void command_result_fini(struct command_result *r)
{
	free_p(&r->event);
	free_p(&r->plan);
	free_p(&r->id);
	gates_free(r->gates, r->n_gates);
	memset(r, 0, sizeof(*r));
}

/* ---- shared ----------------------------------------------------------------------------- */

void order_result(struct store *s, const char *id, struct command_result *ret)
{
	struct event_row row = { 0 };
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	struct err err;

	ret->status = -1;
	str_replace(&ret->id, id);
	if (event_load(s, NULL, id, &row, &err) == 0) {
		event_json(&w, NULL, &row.e);
		free_p(&ret->event);
		ret->event = str_take(&b);
		ret->status = row.e.status;
	}
	str_fini(&b);
	event_row_fini(&row);
}

int order_acts(struct decider *d, struct err *err)
{
	const char *name = d->d->environment ? d->d->environment : "";
	struct err why = { 0 };
	int r = d->d->set->shadow ? err_set(&why, ERR_DENIED, "shadow mode: nothing is carried"
							      " out") :
				    environment_check(d->d->store, name, &why);

	if (r == ERR_DENIED || r == ERR_NOT_FOUND)
		return err_set(err, ERR_CONFLICT, "gate environment is shut: %s", why.msg);
	if (r < 0)
		*err = why;
	return r;
}

void order_gates(struct command_result *ret, const struct gate_result g[GATE_MAX], bool rollback)
{
	gates_free(ret->gates, ret->n_gates);
	ret->gates = xcalloc(GATE_MAX, sizeof(*ret->gates));
	ret->n_gates = 0;
	for (int i = 0; i < GATE_MAX; i++)
		if (!rollback || gate_of_rollback((enum gate)i))
			record_copy(&gate_result_type, &ret->gates[ret->n_gates++], &g[i]);
}

int order_begin(struct decider *d, const struct command *c, struct order *o, struct err *err)
{
	int r;

	memset(o, 0, sizeof(*o));
	o->t.conn = NULL;
	r = event_load(d->d->store, NULL, c->event ? c->event : "", &o->row, err);
	if (r == 0)
		o->from = (enum event_status)o->row.e.status;
	return r;
}

void order_fini(struct order *o)
{
	tx_rollback(&o->t);
	event_row_fini(&o->row);
	gates_clear(o->gates);
}

int order_state(const struct decider *d, const struct order *o, unsigned allowed, const char *verb,
		struct err *err)
{
	char says[200];

	if (allowed >> o->from & 1)
		return 0;
	event_says(&o->row.e, loop_wall_ms(d->d->loop), says, sizeof(says));
	return err_set(err, ERR_CONFLICT, "%s, so it cannot be %s", says, verb);
}

int order_finish(struct decider *d, struct order *o, int r, int say, struct str *text,
		 struct err *err)
{
	if (r == 0 && say >= 0)
		r = decider_say(d, &o->t, say, &o->row.e, str_get(text), err);
	if (r == 0)
		r = tx_commit(&o->t, NULL, err);
	str_fini(text);
	if (r == 0 && d->d->ports && d->d->ports->wake)
		d->d->ports->wake(d->d->ports->ctx);
	decider_wake(d);
	return r;
}

/* Transaction, transition, message, commit. */
int order_commit(struct decider *d, const struct command *c, struct order *o,
		 int (*also)(struct tx *t, struct order *o, struct err *err), int say,
		 struct err *err)
{
	struct str text = STR_INIT(700);
	int r = tx_begin(d->d->store, &o->t, c->who, err);

	if (r == 0 && also)
		r = also(&o->t, o, err);
	str_addf(&text, "%s by %s%s%s", event_status_name(o->row.e.status), c->who->actor,
		 str_empty(c->reason) ? "" : ": ", c->reason ? c->reason : "");
	if (r == 0)
		r = event_transition(&o->t, &o->row, o->from, o->row.e.version, str_get(&text),
				     err);
	return order_finish(d, o, r, say, &text, err);
}

static void decided(const struct decider *d, const struct command *c, struct event *e,
		    enum event_status to)
{
	e->status = (int)to;
	e->deadline_at_ms = 0;
	str_replace(&e->held_gate, NULL);
	e->decided_at_ms = loop_wall_ms(d->d->loop);
	str_replace(&e->decided_by, c->who->actor);
	if (!str_empty(c->reason))
		str_replace(&e->reason, c->reason);
}

/* ---- reject, extend, cancel, resume, accept ------------------------------------------------ */

#define IN(s) (1u << (s))

int command_reject(struct decider *d, const struct command *c, struct command_result *ret,
		   struct err *err)
{
	struct order o;
	int r = order_begin(d, c, &o, err);

	if (r == 0)
		r = order_state(d, &o, IN(EV_HELD) | IN(EV_PENDING), "rejected", err);
	if (r == 0) {
		decided(d, c, &o.row.e, EV_REJECTED);
		r = order_commit(d, c, &o, NULL, SAY_REJECTED, err);
	}
	order_fini(&o);
	if (r == 0)
		order_result(d->d->store, c->event, ret);
	return r;
}

int command_extend(struct decider *d, const struct command *c, struct command_result *ret,
		   struct err *err)
{
	struct order o;
	int r = order_begin(d, c, &o, err);

	if (r == 0)
		r = order_state(d, &o, IN(EV_PENDING), "extended", err);
	if (r == 0) {
		/* minutes are a person's: real ones, at the speed that everything else runs at */
		int64_t by = c->minutes > 0 ? d->d->set->extend_ms * c->minutes / 10 : 0;

		r = window_extend(&o.row.e, by, d->d->set, loop_wall_ms(d->d->loop), err);
	}
	if (r == 0) {
		if (!str_empty(c->reason))
			str_replace(&o.row.e.reason, c->reason);
		r = order_commit(d, c, &o, NULL, -1, err);
	}
	order_fini(&o);
	if (r == 0)
		order_result(d->d->store, c->event, ret);
	return r;
}

static int give_back(struct tx *t, struct order *o, struct err *err)
{
	return plan_release(t, o->row.e.id, err);
}

/* Under way: the executor stops at the next point between agents. */
static int ask_to_stop(struct decider *d, const struct command *c, struct order *o, struct err *err)
{
	int r = tx_begin(d->d->store, &o->t, c->who, err);

	if (r == 0)
		r = event_cancel_request(&o->t, o->row.e.id, c->who->actor, c->reason, err);
	if (r == 0)
		r = tx_commit(&o->t, NULL, err);
	if (r == 0 && d->d->ports && d->d->ports->wake)
		d->d->ports->wake(d->d->ports->ctx);
	return r;
}

int command_cancel(struct decider *d, const struct command *c, struct command_result *ret,
		   struct err *err)
{
	struct order o;
	int r = order_begin(d, c, &o, err);

	if (r == 0)
		r = order_state(d, &o, IN(EV_HELD) | IN(EV_PENDING) | IN(EV_APPROVED) |
				IN(EV_EXECUTING), "cancelled", err);
	if (r == 0 && o.from == EV_EXECUTING) {
		r = ask_to_stop(d, c, &o, err);
	} else if (r == 0) {
		decided(d, c, &o.row.e, EV_CANCELLED);
		r = order_commit(d, c, &o, o.from == EV_APPROVED ? give_back : NULL, SAY_CANCELLED,
				 err);
	}
	order_fini(&o);
	if (r == 0)
		order_result(d->d->store, c->event, ret);
	return r;
}

/* What an earlier wish to cancel left behind would stop the resumed attempt at once. */
static int forget_cancel(struct tx *t, struct order *o, struct err *err)
{
	return event_cancel_clear(t, o->row.e.id, err);
}

int command_resume(struct decider *d, const struct command *c, struct command_result *ret,
		   struct err *err)
{
	struct order o;
	int r = order_begin(d, c, &o, err);

	if (r == 0)
		r = order_state(d, &o, IN(EV_FAILED), "resumed", err);
	if (r == 0)
		r = order_acts(d, err);
	if (r == 0 && o.row.rollback_started_at_ms)
		r = err_set(err, ERR_CONFLICT, "%s failed while rolling back: roll it back again,"
					       " or accept", o.row.e.id);
	if (r == 0) {
		o.row.e.status = EV_EXECUTING;
		str_replace(&o.row.e.error, NULL);
		if (!str_empty(c->reason))
			str_replace(&o.row.e.reason, c->reason);
		r = order_commit(d, c, &o, forget_cancel, SAY_DECIDED, err);
	}
	order_fini(&o);
	if (r == 0)
		order_result(d->d->store, c->event, ret);
	return r;
}

static int take_as_it_is(struct tx *t, struct order *o, struct err *err)
{
	return execute_accept(t, o->row.e.id, err);
}

int command_accept(struct decider *d, const struct command *c, struct command_result *ret,
		   struct err *err)
{
	struct order o;
	int r = order_begin(d, c, &o, err);

	if (r == 0)
		r = order_state(d, &o, IN(EV_FAILED), "accepted", err);
	if (r == 0) {
		decided(d, c, &o.row.e, EV_ACCEPTED);
		r = order_commit(d, c, &o, take_as_it_is, SAY_RESOLVED, err);
	}
	order_fini(&o);
	if (r == 0)
		order_result(d->d->store, c->event, ret);
	return r;
}

/* ---- pause ---------------------------------------------------------------------------------- */

static void woken(struct decider *d)
{
	if (d->d->ports && d->d->ports->wake)
		d->d->ports->wake(d->d->ports->ctx);
	decider_wake(d);
}

int command_pause(struct decider *d, const struct who *who, bool on, int64_t until_ms,
		  const char *reason, struct err *err)
{
	int r = control_pause(d->d->store, who, on, until_ms, reason, err);

	woken(d);
	return r;
}

int command_maintenance(struct decider *d, const struct who *who, bool on, int64_t until_ms,
			const char *reason, struct err *err)
{
	int r = control_maintenance(d->d->store, who, on, until_ms, reason, err);

	woken(d);
	return r;
}
