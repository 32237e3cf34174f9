/*
 * The orders that gates stand before: start, approve, rollback. A shut gate that was not
 * overridden is the answer, with all the gates; a changed plan is, too.
 *
 * On a follower the gates are the leader's, as it left them in the live document, with
 * those put right that any engine can judge from the database.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "failover/commands_internal.h"
#include "failover/lease.h"
#include "failover/plan.h"
#include "failover/rollback.h"
#include "notify/notify.h"
#include "store/health.h"

/* ---- gates ------------------------------------------------------------------------------ */

/* Gates that only the leader's probes can open. */
static bool leaders(int gate)
{
	return gate >= GATE_EVIDENCE && gate != GATE_NUMBERS;
}

static const char *take_leaders_gates(struct decider *d, const struct lineage *l,
				      const char *target, struct gate_result out[GATE_MAX])
{
	_cleanup_(free_p) char *doc = NULL;
	_cleanup_(json_free_p) struct json *j = NULL;
	struct err err = { 0 };
	const struct watched *w;
	int64_t at = 0;

	/* it is written when it changes, at least once a cycle */
	if (live_get(d->d->store, "leader", &doc, &at, &err) < 0 || !doc ||
	    loop_wall_ms(d->d->loop) - at > d->d->set->cycle_ms + d->d->set->evidence_fresh_ms)
		return target;
	j = json_parse(doc, strlen(doc), &err);
	for (const struct json *v = json_first(json_get(j, "gates")); v; v = json_next(v)) {
		const char *to = json_get_str(v, "target");

		if (!str_eq(json_get_str(v, "lineage"), l->primary) ||
		    (target && !str_eq(to, target)))
			continue;
		for (const struct json *g = json_first(json_get(v, "gates")); g; g = json_next(g)) {
			struct gate_result one = { 0 };

			record_from_json(&gate_result_type, &one, g, false, NULL);
			if (leaders(one.gate) && one.gate < GATE_MAX)
				record_copy(&gate_result_type, &out[one.gate], &one);
			record_fini(&gate_result_type, &one);
		}
		w = monitor_account(d->m, to);
		return w ? w->row.id : target;
	}
	return target;
}

/* Chooses the target where none was named; *ret_target NULL = none. */
static int compute_gates(struct decider *d, struct lineage *l, const struct gate_ask *ask,
			 struct gate_result out[GATE_MAX], const char **ret_target)
{
	struct gate_ask again = *ask;
	const char *chosen = NULL;
	bool leads = d->d->lease && lease_held(d->d->lease);

	if (!leads && !ask->target) {
		struct gate_result scratch[GATE_MAX] = { 0 };

		chosen = take_leaders_gates(d, l, NULL, scratch);
		gates_clear(scratch);
		again.target = chosen;
	}
	*ret_target = context_gates(d, l, &again, out);
	if (!leads && *ret_target)
		take_leaders_gates(d, l, *ret_target, out);
	if (ask->manual && !out[GATE_EVIDENCE].pass) {
		out[GATE_EVIDENCE].pass = true;
		str_replace(&out[GATE_EVIDENCE].why, "started by a person: not asked");
	}
	return 0;
}

static int refuse_shut(const struct gate_result g[GATE_MAX], unsigned overrides, bool rollback,
		       struct command_result *ret, struct err *err)
{
	for (int i = 0; i < GATE_MAX; i++) {
		if (g[i].pass || (overrides >> i & 1) || (rollback &&
							  !gate_of_rollback((enum gate)i)))
			continue;
		order_gates(ret, g, rollback);
		return err_set(err, ERR_CONFLICT, "gate %s is shut: %s", gate_name(i), g[i].why);
	}
	return 0;
}

static void put_plan(const struct plan *p, struct command_result *ret)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	plan_json(&w, NULL, p, true);
	free_p(&ret->plan);
	ret->plan = str_take(&b);
}

/* ---- start and approve ---------------------------------------------------------------------- */

static int store_plan(struct tx *t, struct order *o, struct err *err)
{
	return plan_store(t, o->row.e.id, o->plan, err);
}

static void approve_row(const struct decider *d, const struct command *c, struct order *o,
			unsigned overrides)
{
	struct event *e = &o->row.e;

	e->status = EV_APPROVED;
	e->deadline_at_ms = 0;
	e->decided_at_ms = loop_wall_ms(d->d->loop);
	str_replace(&e->decided_by, c->who->actor);
	str_replace(&e->held_gate, NULL);
	str_replace(&e->to, o->plan->to);
	str_replace(&e->from, o->plan->from);
	if (!str_empty(c->reason))
		str_replace(&e->reason, c->reason);
	if (overrides) {
		free_p(&e->overrides);
		e->overrides = gates_names_json(overrides);
	}
	e->partial = e->partial || c->partial;
	event_set_gates(e, o->gates, GATE_MAX);
	plan_into_event(o->plan, e);
}

/* A new event, approved in the transaction that opens it. */
static int open_approved(struct decider *d, const struct command *c, struct order *o,
			 struct err *err)
{
	struct str text = STR_INIT(700);
	int r = tx_begin(d->d->store, &o->t, c->who, err);

	if (r == 0)
		r = event_open(&o->t, &o->row, err);
	if (r == 0)
		r = plan_store(&o->t, o->row.e.id, o->plan, err);
	if (r == 0)
		r = event_note(&o->t, o->row.e.id, "event.planned", "the plan is stored", err);
	str_addf(&text, "started by %s%s%s", c->who->actor, str_empty(c->reason) ? "" : ": ",
		 c->reason ? c->reason : "");
	return order_finish(d, o, r, SAY_DECIDED, &text, err);
}

static void fill_manual(struct decider *d, const struct lineage *l, const struct command *c,
			struct event *e)
{
	const struct watched *w = monitor_account(d->m, l->current);

	e->trigger = c->drill ? TRIG_DRILL : TRIG_MANUAL;
	e->drill = xstrdup(c->drill);
	e->lineage = xstrdup(l->primary);
	e->from = xstrdup(l->current);
	e->opened_at_ms = e->state_since_ms = e->started_at_ms = loop_wall_ms(d->d->loop);
	e->passes_needed = d->d->set->passes;
	e->severity = w ? (int)w->verdict.severity : SEV_NONE;
	e->confirmed = w && w->verdict.confirmed;
	e->cause = xstrdup(w && w->verdict.cause[0] ? w->verdict.cause : "started by a person");
	e->cause_key = xstrdup(w ? w->verdict.cause_key : "");
	e->reason = xstrdup(str_empty(c->reason) ? "started by a person" : c->reason);
}

struct approval {
	struct decider *d;
	const struct command *c;
	struct lineage *l;
	struct order o;
	const char *target;
	unsigned overrides;
	struct plan *plan;
};

/* Gates, then the plan; both may be the answer. */
static int check_approval(struct approval *a, bool manual, struct command_result *ret,
			  struct err *err)
{
	const struct command *c = a->c;
	const struct watched *named = c->target ? monitor_find(a->d->m, c->target) : NULL;
	struct gate_ask ask = { .manual = manual, .by_person = true,
				.partial = c->partial || a->o.row.e.partial,
				.target = named ? named->row.id : NULL,
				.own_event = a->o.row.e.id };
	bool degraded = a->o.row.e.severity != SEV_CRITICAL || !a->o.row.e.confirmed;
	int r;

	if (c->target && !named)
		return err_field(err, ERR_NOT_FOUND, "targetAccountId",
				 "there is no account \"%s\"", c->target);
	if (named && str_eq(named->row.id, a->l->current))
		return err_field(err, ERR_INVALID, "targetAccountId",
				 "the agents run on %s already", named->row.name);
	compute_gates(a->d, a->l, &ask, a->o.gates, &a->target);
	if (a->target && !decide_plan(a->d, a->l, a->target, a->o.row.e.id, degraded, &a->plan,
				      err))
		return err->code ? err->code : ERR_FAILED;
	if (c->dry_run) {
		order_gates(ret, a->o.gates, false);
		if (!a->plan)
			return err_set(err, ERR_CONFLICT, "no account could take over");
		put_plan(a->plan, ret);
		return 0;
	}
	r = refuse_shut(a->o.gates, a->overrides, false, ret, err);
	if (r < 0)
		return r;
	if (!a->plan || a->plan->n_moves == 0 || (a->plan->n_stays > 0 && !ask.partial)) {
		order_gates(ret, a->o.gates, false);
		if (a->plan)
			put_plan(a->plan, ret);
		return err_set(err, ERR_CONFLICT, "%lld of %lld agents have no fitting number; a"
			       " partial failover leaves them where they are",
			       (long long)(a->plan ? (int64_t)a->plan->n_stays : 0),
			       (long long)(a->plan ? a->plan->needed : 0));
	}
	if (c->plan_hash && strcmp(c->plan_hash, a->plan->hash)) {
		put_plan(a->plan, ret);
		return err_set(err, ERR_CONFLICT, "the plan changed since it was shown: look at it"
						  " again");
	}
	a->o.plan = a->plan;
	return 0;
}

static int carry_out(struct approval *a, bool open, struct command_result *ret, struct err *err)
{
	int r;

	approve_row(a->d, a->c, &a->o, a->overrides);
	r = open ? open_approved(a->d, a->c, &a->o, err) :
		   order_commit(a->d, a->c, &a->o, store_plan, SAY_DECIDED, err);
	if (r == ERR_EXISTS)
		r = err_set(err, ERR_CONFLICT, "a number went to another event meanwhile: try"
					       " again");
	if (r == 0)
		order_result(a->d->d->store, a->o.row.e.id, ret);
	return r;
}

static int ready(struct decider *d, struct err *err)
{
	struct str doc = STR_INIT(STR_MAX_DEFAULT);
	int r = d->m->n ? 0 : monitor_cycle(d->m, NULL, NULL, &doc, err);

	str_fini(&doc);
	return r < 0 ? r : decider_read(d, true, err);
}

int command_start(struct decider *d, const struct command *c, struct command_result *ret,
		  struct err *err)
{
	struct approval a = { .d = d, .c = c };
	const struct watched *w;
	char says[200];
	bool adopt;
	int r = ready(d, err);

	if (r == 0)
		r = gates_parse(c->overrides, c->n_overrides, false, &a.overrides, err);
	if (r < 0)
		return r;
	w = monitor_find(d->m, c->account);
	if (!w)
		return err_field(err, ERR_NOT_FOUND, "accountId", "there is no account \"%s\"",
				 c->account ? c->account : "");
	a.l = decider_lineage_of(d, w->row.id);
	if (!a.l || !str_eq(a.l->current, w->row.id))
		return err_field(err, ERR_CONFLICT, "accountId", "no agents run on %s now",
				 w->row.name);
	adopt = lineage_open(a.l);
	if (adopt) {
		_cleanup_(free_p) char *id = xstrdup(a.l->ev.e.id);

		r = event_load(d->d->store, NULL, id, &a.o.row, err);
		a.o.from = (enum event_status)a.o.row.e.status;
		if (r == 0 && a.o.from != EV_HELD && a.o.from != EV_PENDING && !c->dry_run) {
			event_says(&a.o.row.e, loop_wall_ms(d->d->loop), says, sizeof(says));
			r = err_set(err, ERR_CONFLICT, "%s", says);
		}
		if (r == 0)
			a.o.row.e.trigger = c->drill ? TRIG_DRILL : TRIG_MANUAL;
	} else {
		fill_manual(d, a.l, c, &a.o.row.e);
	}
	if (r == 0)
		r = check_approval(&a, true, ret, err);
	if (r == 0 && !c->dry_run)
		r = carry_out(&a, !adopt, ret, err);
	plan_free(a.plan);
	order_fini(&a.o);
	return r;
}

int command_approve(struct decider *d, const struct command *c, struct command_result *ret,
		    struct err *err)
{
	struct approval a = { .d = d, .c = c };
	int r = ready(d, err);

	if (r == 0)
		r = gates_parse(c->overrides, c->n_overrides, false, &a.overrides, err);
	if (r == 0)
		r = order_begin(d, c, &a.o, err);
	if (r == 0)
		r = order_state(d, &a.o, 1u << EV_HELD | 1u << EV_PENDING, "approved", err);
	if (r == 0 && !(a.l = decider_lineage(d, a.o.row.e.lineage))) {
		r = ERR_NOT_FOUND;
		err_set(err, r, "its lineage is not known");
	}
	if (r == 0)
		r = check_approval(&a, a.o.row.e.trigger == TRIG_MANUAL, ret, err);
	if (r == 0 && !c->dry_run)
		r = carry_out(&a, false, ret, err);
	plan_free(a.plan);
	order_fini(&a.o);
	return r;
}

/* ---- rollback -------------------------------------------------------------------------------- */

static int newest(struct tx *t, struct order *o, struct err *err)
{
	int r = rollback_is_newest(t, o->row.e.id, err);

	return r < 0 ? r : event_cancel_clear(t, o->row.e.id, err);
}

static int rollback_dry(struct decider *d, const char *event, struct command_result *ret,
			struct err *err)
{
	_cleanup_(back_plan_free_p) struct back_plan *p = NULL;
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	int r = rollback_plan(d->d, event, &p, err);

	if (r == 0) {
		back_plan_json(&w, NULL, p);
		free_p(&ret->plan);
		ret->plan = str_take(&b);
	}
	str_fini(&b);
	return r;
}

/* On a follower: is the destination healthy? As the leader left it in the history. Its gates speak
 * of where agents would go next, which need not be where they came from. */
static void leaders_target_healthy(struct decider *d, const char *account, struct gate_result *g)
{
	_cleanup_(free_p) char *doc = NULL;
	_cleanup_(json_free_p) struct json *j = NULL;
	const struct watched *w = monitor_account(d->m, account);
	struct account_facts *facts = xcalloc(1, sizeof(*facts));
	const char *trouble = "not checked lately";
	struct err err = { 0 };
	int64_t at = 0;

	if (health_last_details(d->d->store, account, &doc, &at, &err) == 0 && doc &&
	    loop_wall_ms(d->d->loop) - at <= d->d->set->cycle_ms + d->d->set->evidence_fresh_ms)
		j = json_parse(doc, strlen(doc), &err);
	for (const struct json *c = json_first(json_get(j, "checks")); c; c = json_next(c)) {
		int kind = enum_parse(&probe_kind_names, json_get_str(c, "kind"));
		int outcome = enum_parse(&outcome_names, json_get_str(c, "outcome"));
		const char *why = json_get_str(c, "reason");

		if (kind >= 0 && kind < PROBE_MAX && outcome >= 0)
			sample_set(&facts->probe[kind], (enum outcome)outcome,
				   json_get_str(c, "class"), 1, "%s", why ? why : "");
	}
	if (j)
		trouble = facts_trouble(facts);
	g->pass = trouble == NULL;
	_cleanup_(free_p) char *text = xasprintf("%s: %s", w ? w->row.name : account,
						 trouble ? trouble : "its own probes are ok");
	str_replace(&g->why, text);
	free_p(&facts);
}

static void take_leaders_rollback(struct decider *d, struct lineage *l, const char *target,
				  struct gate_result out[GATE_MAX])
{
	struct gate_result any[GATE_MAX] = { 0 };

	take_leaders_gates(d, l, NULL, any);
	if (any[GATE_AGENTS].why)
		record_copy(&gate_result_type, &out[GATE_AGENTS], &any[GATE_AGENTS]);
	gates_clear(any);
	leaders_target_healthy(d, target, &out[GATE_TARGET_HEALTHY]);
}

/* Seen from the destination: what counts there are the agents' own numbers, not its pool. */
static void rollback_gates(struct decider *d, struct lineage *l, unsigned overrides,
			   struct order *o)
{
	struct gate_ask ask = { .target = o->row.e.from, .manual = true, .by_person = true,
				.own_event = o->row.e.id };
	struct gate_result *numbers = &o->gates[GATE_NUMBERS];
	const char *target;
	char why[240];

	compute_gates(d, l, &ask, o->gates, &target);
	numbers->overridable = true; /* on the way back, see gates_parse() */
	if (!target)
		return;
	if (!d->d->lease || !lease_held(d->d->lease))
		take_leaders_rollback(d, l, target, o->gates);
	if (!o->gates[GATE_TARGET_HEALTHY].pass && !(overrides >> GATE_TARGET_HEALTHY & 1)) {
		numbers->pass = false;
		str_replace(&numbers->why, "not asked: the account is not healthy");
		return;
	}
	numbers->pass = rollback_numbers(d->d, o->row.e.id, why, sizeof(why));
	str_replace(&numbers->why, why);
}

int command_rollback(struct decider *d, const struct command *c, struct command_result *ret,
		     struct err *err)
{
	unsigned overrides = 0;
	struct lineage *l = NULL;
	struct order o = { 0 };
	int r = ready(d, err);

	if (r == 0)
		r = gates_parse(c->overrides, c->n_overrides, true, &overrides, err);
	if (r == 0)
		r = order_begin(d, c, &o, err);
	if (r == 0)
		r = order_state(d, &o, 1u << EV_COMPLETED | 1u << EV_FAILED, "rolled back", err);
	if (r == 0 && !c->dry_run)
		r = order_acts(d, err);
	if (r == 0 && !(l = decider_lineage(d, o.row.e.lineage))) {
		r = ERR_NOT_FOUND;
		err_set(err, r, "its lineage is not known");
	}
	if (r == 0 && o.row.e.rollback_until_ms &&
	    loop_wall_ms(d->d->loop) > o.row.e.rollback_until_ms)
		r = err_set(err, ERR_CONFLICT, "%s is too old: its before-images are no longer"
					       " kept", o.row.e.id);
	if (r == 0) {
		/* a preview says all that is in the way */
		rollback_gates(d, l, c->dry_run ? ~0u : overrides, &o);
		if (c->dry_run) {
			order_gates(ret, o.gates, true);
			r = rollback_dry(d, c->event, ret, err);
		} else {
			r = refuse_shut(o.gates, overrides, true, ret, err);
		}
	}
	if (r == 0 && !c->dry_run) {
		o.row.e.status = EV_ROLLING_BACK;
		o.row.rollback_started_at_ms = loop_wall_ms(d->d->loop);
		str_replace(&o.row.rollback_by, c->who->actor);
		if (!str_empty(c->reason))
			str_replace(&o.row.e.reason, c->reason);
		r = order_commit(d, c, &o, newest, SAY_ROLLING_BACK, err);
		if (r == 0)
			order_result(d->d->store, c->event, ret);
	}
	order_fini(&o);
	return r;
}
