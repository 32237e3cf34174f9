/*
 * Carrying out what a rule ordered: the row of the event is filled in and written in one
 * transaction of the leader, with the message to people beside it. Whoever lost a race
 * (a person was quicker) finds out here and looks again at the next tick.
 *
 * Invariant: an approval stores its plan and reserves its numbers in the transaction that
 * approves; if that is not possible, nothing was approved.
 */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "failover/lease.h"
#include "failover/lineage.h"
#include "failover/plan.h"
#include "notify/notify.h"

struct who decider_who(const struct decider *d)
{
	struct who who = WHO_ENGINE(d->d->lease ? lease_epoch(d->d->lease) : 0);

	who.actor = d->d->engine_id;
	return who;
}

int decider_say(struct decider *d, struct tx *t, int kind, const struct event *e, const char *text,
		struct err *err)
{
	const struct failover_ports *p = d->d->ports;

	return p && p->say ? p->say(p->ctx, t, kind, e, e->id, text, err) : 0;
}

static const struct verdict *verdict_of(const struct decider *d, const struct lineage *l)
{
	static const struct verdict nothing;
	const struct watched *w = decider_account(d, l->current);

	return w ? &w->verdict : &nothing;
}

static void take_verdict(struct event *e, const struct verdict *v)
{
	e->severity = (int)v->severity;
	e->confirmed = v->confirmed;
	str_replace(&e->cause, v->cause);
	str_replace(&e->cause_key, v->cause_key);
}

/* What a held event waits for: the first shut gate, else a person. */
static void take_gate(struct lineage *l, struct event *e)
{
	int g = gates_first_shut(l->gates, 0);

	str_replace(&e->held_gate, g >= 0 ? gate_name(g) : NULL);
	event_set_gates(e, l->gates, GATE_MAX);
	str_replace(&e->to, l->target);
}

static void reason(struct event *e, const struct rule *r, const char *more)
{
	_cleanup_(free_p) char *text = xasprintf("%s%s%s", r->why, str_empty(more) ? "" : ": ",
						 more ? more : "");

	e->rule = r->id;
	str_replace(&e->reason, text);
}

static void hold_text(const struct lineage *l, const struct event *e, char *buf, size_t n)
{
	int g = gates_first_shut(l->gates, 0);

	if (g >= 0)
		snprintf(buf, n, "gate %s: %s", gate_name(g), l->gates[g].why);
	else
		snprintf(buf, n, "%s", e->cause ? e->cause : "");
}

static void start_realerts(struct event_row *r, const struct decider *d, int64_t wall)
{
	r->realerts = 1;
	r->realert_at_ms = wall + d->d->set->hour_ms / 6;
}

/* ---- transactions ----------------------------------------------------------------------- */

struct change {
	struct event_row row;		/* as it will be */
	const struct plan *preview;	/* shown before it is approved */
	enum event_status from;
	bool open;			/* insert */
	const struct plan *plan;
	int say;			/* enum say_kind, -1 = nobody is told */
	const char *say_text;
};

static int put_preview(struct tx *t, const struct change *c, struct err *err)
{
	struct str b = STR_INIT(65536);
	struct jw w = JW(&b);
	int r;

	plan_json(&w, NULL, c->preview, false);
	r = event_preview(t, c->row.e.id, c->preview->hash, str_get(&b), c->preview->needed, err);
	str_fini(&b);
	return r;
}

static int note_plan(struct tx *t, const struct change *c, struct err *err)
{
	const struct plan *p = c->plan ? c->plan : c->preview;
	char text[120];

	snprintf(text, sizeof(text), "plan #%.4s: %zu agent%s move%s, %zu cannot",
		 p->hash, p->n_moves, p->n_moves == 1 ? "" : "s",
		 p->n_moves == 1 ? "s" : "", p->n_stays);
	return event_note(t, c->row.e.id, "event.planned", text, err);
}

static int write_change(struct decider *d, struct change *c, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = decider_who(d);
	int r = tx_begin(d->d->store, &t, &who, err);

	if (r == 0 && c->open)
		r = event_open(&t, &c->row, err);
	if (r == 0 && c->plan)
		r = plan_store(&t, c->row.e.id, c->plan, err);
	if (r == 0 && c->preview)
		r = put_preview(&t, c, err);
	if (r == 0 && !c->open)
		r = event_transition(&t, &c->row, c->from, c->row.e.version, NULL, err);
	else if (r == 0 && (c->plan || c->preview))
		r = note_plan(&t, c, err);
	if (r == 0 && c->say >= 0)
		r = decider_say(d, &t, c->say, &c->row.e, c->say_text ? c->say_text :
				c->row.e.reason, err);
	return r == 0 ? tx_commit(&t, NULL, err) : r;
}

/* Commits c and makes it the lineage's event; on a lost race the next tick reads what is. */
static bool apply(struct decider *d, struct lineage *l, struct change *c)
{
	struct err err = { 0 };
	int r = write_change(d, c, &err);

	if (r < 0) {
		log_write(r == ERR_CONFLICT || r == ERR_EXISTS ? LOG_INFO : LOG_WARN, "decide",
			  "%s %s: %s", l->primary, c->row.e.id ? c->row.e.id : "new", err.msg);
		event_row_fini(&c->row);
		l->refused_ms = loop_now_ms(d->d->loop);
		return false;
	}
	log_info("decide", "%s is %s (rule %lld): %s", c->row.e.id,
		 event_status_name(c->row.e.status), (long long)c->row.e.rule,
		 c->row.e.reason ? c->row.e.reason : "");
	event_row_fini(&l->ev);
	l->ev = c->row;
	memset(&c->row, 0, sizeof(c->row));
	d->pools_read_ms = 0; /* numbers may be taken now */
	lineage_clock(d, l);
	if (d->d->ports && d->d->ports->wake)
		d->d->ports->wake(d->d->ports->ctx);
	return true;
}

static void change_of(const struct lineage *l, struct change *c)
{
	memset(c, 0, sizeof(*c));
	event_copy(&c->row.e, &l->ev.e);
	c->row.announced_at_ms = l->ev.announced_at_ms;
	c->row.realert_at_ms = l->ev.realert_at_ms;
	c->row.realerts = l->ev.realerts;
	c->row.untold_extended = l->ev.untold_extended;
	c->row.paged_flapping = l->ev.paged_flapping;
	c->row.fails = l->ev.fails;
	c->row.rollback_started_at_ms = l->ev.rollback_started_at_ms;
	c->row.rollback_by = xstrdup(l->ev.rollback_by);
	c->from = (enum event_status)l->ev.e.status;
	c->say = -1;
}

/* ---- actions --------------------------------------------------------------------------------- */

static void fill_new(struct decider *d, struct lineage *l, struct event *e, const struct rule *r)
{
	int64_t agents, imports;

	context_agents(d, l, &agents, &imports);
	e->status = r->to;
	e->trigger = TRIG_AUTOMATIC;
	e->lineage = xstrdup(l->primary);
	e->from = xstrdup(l->current);
	e->agents_total = agents;
	e->opened_at_ms = e->state_since_ms = e->started_at_ms = loop_wall_ms(d->d->loop);
	e->passes_needed = d->d->set->passes;
	take_verdict(e, verdict_of(d, l));
	take_gate(l, e);
}

static void preview(struct decider *d, struct lineage *l, struct change *c, struct plan **plan)
{
	struct err err = { 0 };

	if (l->target && decide_plan(d, l, l->target, c->row.e.id,
				     c->row.e.severity != SEV_CRITICAL || !c->row.e.confirmed,
				     plan, &err)) {
		c->preview = *plan;
		str_replace(&c->row.e.plan_hash, (*plan)->hash);
		c->row.e.agents_total = (*plan)->needed;
	}
}

static void act_open(struct decider *d, struct lineage *l, const struct rule *r)
{
	_cleanup_(plan_free_p) struct plan *plan = NULL;
	struct change c = { .open = true };
	struct event *e = &c.row.e;
	struct window_clock clock = { 0 };
	int64_t wall = loop_wall_ms(d->d->loop);
	char text[500];

	fill_new(d, l, e, r);
	if (r->to == EV_PENDING) {
		window_start(e, &clock, d->d->set, loop_now_ms(d->d->loop), wall);
		str_replace(&e->held_gate, NULL);
		reason(e, r, e->cause);
		c.say = SAY_OPENED;
	} else {
		hold_text(l, e, text, sizeof(text));
		reason(e, r, text);
		e->next_test_at_ms = wall + d->d->set->held_retest_ms;
		start_realerts(&c.row, d, wall);
		c.say = SAY_HELD;
	}
	preview(d, l, &c, &plan);
	if (apply(d, l, &c) && r->to == EV_PENDING)
		l->clock = clock;
}

bool decide_plan(struct decider *d, struct lineage *l, const char *target, const char *own,
		 bool degraded, struct plan **ret, struct err *err)
{
	/* all of these may be read anew, and their texts freed, while the plan is loaded */
	_cleanup_(free_p) char *from = xstrdup(l->current), *to = xstrdup(target),
		*ours = xstrdup(own);
	const struct pool_count *pool = NULL;

	if (!to) {
		err_set(err, ERR_CONFLICT, "no account could take over");
		return false;
	}
	if (plan_load(d->d->store, d->d->set, l->primary, from, to, ours, degraded, -1, ret,
		      err) < 0)
		return false;
	for (size_t i = 0; i < d->facts.n_pools; i++)
		if (str_eq(d->facts.pools[i].account, to))
			pool = &d->facts.pools[i];
	l->short_by = (int64_t)(*ret)->n_stays;
	l->short_needed = (*ret)->needed;
	l->short_free = pool ? pool->usable : 0;
	return true;
}

static bool make_plan(struct decider *d, struct lineage *l, const struct event *e,
		      struct plan **ret)
{
	struct err err = { 0 };
	bool degraded = e->severity != SEV_CRITICAL || !e->confirmed;

	l->refused_ms = loop_now_ms(d->d->loop);
	if (!decide_plan(d, l, l->target, e->id, degraded, ret, &err)) {
		log_warn("decide", "%s: no plan: %s", l->primary, err.msg);
		return false;
	}
	if ((*ret)->n_moves > 0 && ((*ret)->n_stays == 0 || e->partial))
		return true;
	/* what the counts did not show: no number fits some agent's country */
	l->gates[GATE_NUMBERS].pass = false;
	free_p(&l->gates[GATE_NUMBERS].why);
	l->gates[GATE_NUMBERS].why = xasprintf("%zu of %lld agents have no fitting number",
					       (*ret)->n_stays, (long long)(*ret)->needed);
	return false;
}

static void act_hold(struct decider *d, struct lineage *l, const struct rule *r);

static void act_approve(struct decider *d, struct lineage *l, const struct rule *r)
{
	_cleanup_(plan_free_p) struct plan *plan = NULL;
	struct change c = { .open = !lineage_open(l) };
	struct event *e = &c.row.e;
	static const struct rule to_held = { 0, 0, { 0 }, EV_HELD, RA_HOLD,
					     "approved but for its numbers" };

	if (c.open) {
		fill_new(d, l, e, r);
	} else {
		change_of(l, &c);
		take_verdict(e, verdict_of(d, l));
		take_gate(l, e);
	}
	if (!make_plan(d, l, e, &plan)) {
		struct rule held = to_held;

		event_row_fini(&c.row);
		held.id = r->id;
		if (plan && c.open)
			act_open(d, l, &held);
		else if (plan && l->ev.e.status != EV_HELD)
			act_hold(d, l, &held);
		return;
	}
	e->status = EV_APPROVED;
	e->decided_at_ms = loop_wall_ms(d->d->loop);
	str_replace(&e->decided_by, "engine");
	str_replace(&e->held_gate, NULL);
	e->deadline_at_ms = 0;
	reason(e, r, e->cause);
	c.plan = plan;
	c.say = SAY_DECIDED;
	plan_into_event(plan, e);
	apply(d, l, &c);
}

static void act_hold(struct decider *d, struct lineage *l, const struct rule *r)
{
	struct change c;
	char text[500];
	int64_t wall = loop_wall_ms(d->d->loop);

	change_of(l, &c);
	c.row.e.status = EV_HELD;
	take_verdict(&c.row.e, verdict_of(d, l)->severity >= SEV_DEGRADED ? verdict_of(d, l) :
			       &(struct verdict){ .severity = (enum severity)l->ev.e.severity,
						  .confirmed = l->ev.e.confirmed });
	if (str_empty(c.row.e.cause)) {
		str_replace(&c.row.e.cause, l->ev.e.cause);
		str_replace(&c.row.e.cause_key, l->ev.e.cause_key);
	}
	take_gate(l, &c.row.e);
	hold_text(l, &c.row.e, text, sizeof(text));
	reason(&c.row.e, r, text);
	c.row.e.deadline_at_ms = 0;
	c.row.e.passes = 0;
	c.row.e.next_test_at_ms = wall + d->d->set->held_retest_ms;
	start_realerts(&c.row, d, wall);
	c.say = SAY_HELD;
	apply(d, l, &c);
}

static void act_window(struct decider *d, struct lineage *l, const struct rule *r, bool reopen)
{
	_cleanup_(plan_free_p) struct plan *plan = NULL;
	struct change c;
	struct window_clock clock = { 0 };
	int64_t now = loop_now_ms(d->d->loop), wall = loop_wall_ms(d->d->loop);

	change_of(l, &c);
	c.row.e.status = EV_PENDING;
	take_verdict(&c.row.e, verdict_of(d, l));
	take_gate(l, &c.row.e);
	str_replace(&c.row.e.held_gate, NULL);
	reason(&c.row.e, r, c.row.e.cause);
	if (reopen)
		window_reopen(&c.row.e, &clock, d->d->set, now, wall);
	else
		window_start(&c.row.e, &clock, d->d->set, now, wall);
	c.say = SAY_OPENED;
	preview(d, l, &c, &plan);
	if (apply(d, l, &c))
		l->clock = clock;
}

static void act_cancel(struct decider *d, struct lineage *l, const struct rule *r)
{
	struct change c;
	char text[120];

	change_of(l, &c);
	c.row.e.status = EV_CANCELLED;
	c.row.e.deadline_at_ms = 0;
	str_replace(&c.row.e.held_gate, NULL);
	snprintf(text, sizeof(text), "%lld tests in a row", (long long)c.row.e.passes);
	reason(&c.row.e, r, text);
	c.say = SAY_CANCELLED;
	if (apply(d, l, &c))
		monitor_forget(d->m, l->current);
}

/* Changes within a state: a version, a line in the journal, and somebody told. */
static void act_update(struct decider *d, struct lineage *l, const struct rule *r)
{
	int64_t now = loop_now_ms(d->d->loop), wall = loop_wall_ms(d->d->loop);
	struct change c;
	char text[500] = "";

	change_of(l, &c);
	switch (r->action) {
	case RA_UPGRADE:
		take_verdict(&c.row.e, verdict_of(d, l));
		c.say = SAY_OPENED;
		break;
	case RA_EXTEND_UNTOLD:
		c.row.untold_extended = true;
		c.row.e.extended_ms += d->d->set->extend_ms;
		window_deadline(&c.row.e, wall);
		c.say = SAY_OPENED;
		break;
	case RA_ANNOUNCE:
		c.row.announced_at_ms = wall;
		snprintf(text, sizeof(text), "fails over in %lld s unless it is rejected",
			 (long long)(d->d->set->announce_ms / 1000));
		c.say = SAY_ANNOUNCED;
		break;
	case RA_REALERT:
		c.row.realerts++;
		c.row.realert_at_ms = c.row.realerts == 2 ?
			c.row.e.state_since_ms + d->d->set->hour_ms :
							    wall + d->d->set->hour_ms;
		hold_text(l, &c.row.e, text, sizeof(text));
		c.say = SAY_REALERT;
		break;
	default:
		c.row.paged_flapping = true;
		c.say = SAY_FLAPPING;
		break;
	}
	take_gate(l, &c.row.e);
	if (c.row.e.status != EV_HELD)
		str_replace(&c.row.e.held_gate, NULL);
	reason(&c.row.e, r, text[0] ? text : c.row.e.cause);
	if (apply(d, l, &c)) {
		l->last = LAST_NONE;
		l->untold_known = false;
		if (r->action == RA_ANNOUNCE) {
			l->announced_ms = now;
			l->retested = false;
		}
	}
}

void decide_supersede(struct decider *d, struct lineage *l)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *id = xstrdup(l->ev.e.id);
	struct who who = decider_who(d);
	struct err err = { 0 };
	int r;

	if (!l->older_done || l->ev.e.status != EV_COMPLETED)
		return;
	r = tx_begin(d->d->store, &t, &who, &err);
	if (r == 0)
		r = events_supersede(&t, l->primary, id, &err);
	if (r == 0)
		r = tx_commit(&t, NULL, &err);
	if (r < 0)
		log_info("decide", "%s: %s", l->primary, err.msg);
}

void decide_act(struct decider *d, struct lineage *l, const struct rule *r)
{
	switch (r->action) {
	case RA_OPEN:
		act_open(d, l, r);
		break;
	case RA_APPROVE:
		act_approve(d, l, r);
		break;
	case RA_WINDOW:
		act_window(d, l, r, false);
		break;
	case RA_REOPEN:
		act_window(d, l, r, true);
		break;
	case RA_HOLD:
		act_hold(d, l, r);
		break;
	case RA_CANCEL:
		act_cancel(d, l, r);
		break;
	case RA_UPGRADE:
	case RA_EXTEND_UNTOLD:
	case RA_ANNOUNCE:
	case RA_REALERT:
	case RA_PAGE_FLAPPING:
		act_update(d, l, r);
		break;
	case RA_LAST_TEST:
		decide_test(d, l, true);
		break;
	case RA_CONFIRM:
		monitor_wake(d->m);
		break;
	case RA_SUPERSEDE:
		decide_supersede(d, l);
		break;
	case RA_STAY:
	case RA_ALERT:
		break;
	}
}
