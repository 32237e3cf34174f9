/*
 * A lineage's facts: what the monitor knows, what the database says, put into the structs
 * that gates and rules are pure functions of.
 *
 * Invariant: what was not read or is too old becomes a shut gate or an absent fact, never
 * a guess in favour of acting.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "failover/lease.h"
#include "failover/decide_index.h"
#include "store/accounts.h"
#include "store/lease_row.h"

enum { CHECK_EVERY_MS = 1000, POOLS_CHEAP_MS = 20, POOLS_PAUSE = 20, POOLS_OLD_MS = 10000 };

/* ---- reading -------------------------------------------------------------------------- */

struct lineage *decider_lineage_of(const struct decider *d, const char *account)
{
	struct lineage *home = decider_lineage(d, account);

	if (home && !home->listed)
		home = NULL;
	for (size_t i = 0; account && i < d->n; i++)
		if (d->v[i]->listed && str_eq(d->v[i]->current, account) &&
		    (!home || home == d->v[i]))
			return d->v[i];
	return home;
}

bool lineage_open(const struct lineage *l)
{
	return l->ev.e.id && event_status_open((enum event_status)l->ev.e.status);
}

static int read_lineages(struct decider *d, struct err *err)
{
	struct lineage_row *rows = NULL;
	size_t n = 0;
	int r = lineages_list(d->d->store, &rows, &n, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < d->n; i++)
		d->v[i]->listed = false;
	for (size_t i = 0; i < n; i++) {
		struct lineage *l = decider_lineage(d, rows[i].primary);

		if (!l)
			l = decider_lineage_add(d, rows[i].primary);
		if (!str_eq(l->current, rows[i].current)) {
			str_replace(&l->current, rows[i].current);
			decide_index_moved(d);
		}
		l->listed = true;
		l->healthy_since_ms = rows[i].healthy_since_ms;
	}
	lineages_free(rows, n);
	return 0;
}

/* Each lineage gets its open event, else its newest; rows come newest first. */
static int read_events(struct decider *d, struct err *err)
{
	struct event_row *rows = NULL;
	size_t n = 0;
	int r = events_current(d->d->store, &rows, &n, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < d->n; i++) {
		free_p(&d->v[i]->older_done);
		event_row_fini(&d->v[i]->ev);
		d->v[i]->newer_done = false;
	}
	for (size_t k = 0; k < n; k++) {
		struct lineage *l = decider_lineage(d, rows[k].e.lineage);
		bool open = event_status_open((enum event_status)rows[k].e.status);
		bool done = rows[k].e.status == EV_COMPLETED;

		if (!l)
			continue;
		if (done && l->newer_done && !l->older_done)
			l->older_done = xstrdup(rows[k].e.id);
		l->newer_done |= done;
		if (l->ev.e.id && (!open || lineage_open(l)))
			continue;
		event_row_fini(&l->ev);
		l->ev = rows[k];
		memset(&rows[k], 0, sizeof(rows[k]));
	}
	event_rows_free(rows, n);
	return 0;
}

static void check_database(struct decider *d)
{
	struct err err = { 0 };
	const char *name = d->d->environment ? d->d->environment : "";
	bool durable = false;
	int r;

	if (d->checked_ms && loop_now_ms(d->d->loop) - d->checked_ms < CHECK_EVERY_MS)
		return;
	d->checked_ms = loop_now_ms(d->d->loop);
	/* it waits: until then an order goes by what was known */
	r = store_check(d->d->store, d->d->set->quorum_durable, &durable, &err);
	d->durable = durable;
	d->database_ok = r == 0;
	snprintf(d->database_why, sizeof(d->database_why), "%.290s", r < 0 ? err.msg : "");
	if (r < 0)
		return;
	r = environment_check(d->d->store, name, &err);
	d->environment_ok = r == 0;
	snprintf(d->environment_why, sizeof(d->environment_why), "%.290s", r < 0 ? err.msg : "");
}

/* With a hundred thousand numbers the pools take the database a third of a second: then a tick
 * uses what was read a little earlier. Plans look for themselves. */
bool decider_pools_due(const struct decider *d)
{
	int64_t wait = d->pools_cost_ms * POOLS_PAUSE;

	return !d->pools_read_ms || d->pools_cost_ms <= POOLS_CHEAP_MS ||
	       loop_now_ms(d->d->loop) - d->pools_read_ms >= (wait < POOLS_OLD_MS ? wait :
							      POOLS_OLD_MS);
}

int decider_read(struct decider *d, bool pools, struct err *err)
{
	int64_t wall = loop_wall_ms(d->d->loop), began;
	struct control_row control = { 0 };
	int r;

	check_database(d);
	r = read_lineages(d, err);
	if (r == 0)
		r = read_events(d, err);
	began = loop_now_ms(d->d->loop);
	if (r == 0)
		r = decide_facts_read(d->d->store, wall - d->d->set->hour_ms, pools, &d->facts,
				      err);
	decide_index_facts(d);
	if (r == 0 && pools) {
		d->pools_read_ms = loop_now_ms(d->d->loop);
		d->pools_cost_ms = d->pools_read_ms - began;
	}
	if (r == 0)
		r = control_read(d->d->store, wall, &control, err);
	if (r < 0) {
		d->database_ok = false;
		snprintf(d->database_why, sizeof(d->database_why), "%.290s", err->msg);
		return r;
	}
	control_fini(&d->control);
	d->control = control;
	d->read_once = true;
	return 0;
}

/* ---- gates ------------------------------------------------------------------------------ */

static void facts_lease(const struct decider *d, const struct gate_ask *ask, struct gate_facts *f)
{
	const struct lease *l = d->d->lease;

	if (!l)
		return;
	if (ask->by_person && !lease_held(l) && lease_holder(l)[0]) {
		/* another engine leads and will carry the order out under its own lease */
		f->lease_held = true;
		f->lease_valid_ms = d->d->set->lease_ttl_ms;
		return;
	}
	f->lease_held = lease_held(l);
	f->lease_valid_ms = lease_valid_ms(l);
	f->lease_why = lease_may_write(l) ? NULL : lease_why_not(l);
}

static void facts_attempt(const struct decider *d, const struct lineage *l,
			  const struct gate_ask *ask, const char *target, struct gate_facts *f)
{
	size_t n;
	const struct lineage *const *busy = decider_busy(d, &n);

	for (size_t i = 0; i < n; i++) {
		const struct event *e = &busy[i]->ev.e;

		if (str_eq(e->id, ask->own_event))
			continue;
		if (busy[i] == l)
			f->other_shares = "the lineage";
		else if (target && (str_eq(e->to, target) || str_eq(e->from, target)))
			f->other_shares = "the target";
		else if (str_eq(e->from, l->current) || str_eq(e->to, l->current))
			f->other_shares = "the source";
		else
			continue;
		f->other_event = e->id;
		return;
	}
}

/* What wrote within the hour, and what was approved and is about to. */
static void facts_hour(const struct decider *d, const struct lineage *l, const char *own,
		       struct gate_facts *f)
{
	int64_t oldest_all = 0, oldest_one = 0;

	for (size_t i = 0; i < d->facts.n_attempts; i++) {
		const struct attempt_row *a = &d->facts.attempts[i];

		f->attempts_all++;
		if (!oldest_all)
			oldest_all = a->wrote_at_ms;
		if (!str_eq(a->lineage, l->primary))
			continue;
		f->attempts_lineage++;
		if (!oldest_one)
			oldest_one = a->wrote_at_ms;
	}
	for (size_t i = 0; i < d->n; i++) {
		const struct event_row *r = &d->v[i]->ev;

		f->attempts_all += r->e.id && !str_eq(r->e.id, own) && !r->first_write_at_ms &&
				   (r->e.status == EV_APPROVED || r->e.status == EV_EXECUTING);
	}
	if (f->attempts_all >= d->d->set->max_per_hour && oldest_all)
		f->attempts_free_ms = oldest_all + d->d->set->hour_ms;
	else if (oldest_one)
		f->attempts_free_ms = oldest_one + d->d->set->hour_ms;
}

static void facts_evidence(const struct decider *d, const struct lineage *l, char *why, size_t n,
			   struct gate_facts *f)
{
	const struct watched *w = decider_account(d, l->current);

	f->evidence_age_ms = -1;
	f->anything_answers = monitor_anything_answers(d->m);
	if (!w || w->sweep_n == 0)
		return;
	f->evidence_age_ms = loop_now_ms(d->d->loop) - w->swept_ms;
	f->evidence_at_ms = w->swept_wall_ms;
	for (int k = 0; k < PROBE_MAX; k++)
		f->evidence_kinds += w->held.probe[k].outcome == OUT_BAD;
	f->evidence_kinds += w->held.failing > 0 &&
		w->held.probe[PROBE_NUMBERS].outcome != OUT_BAD &&
			     (w->held.main_reason == AR_NUMBER_GONE ||
			      w->held.main_reason == AR_NO_VOICE);
	f->evidence_sweeps = w->sweeps_bad;
	f->blocker = monitor_blocked(d->m, w, why, n);
	f->blocker_why = why;
}

static void facts_agents(const struct decider *d, const struct lineage *l, struct gate_facts *f)
{
	int64_t imports;

	context_agents(d, l, &f->numbers_needed, &imports);
	f->any_import = imports > 0;
	f->eleven_answers = d->m->eleven.answers;
	f->eleven_may_write = d->m->eleven.may_write;
	f->eleven_rights_known = d->m->eleven.rights_known;
	f->eleven_why = d->m->eleven.why[0] ? d->m->eleven.why : NULL;
}

static void facts_target(const struct decider *d, const struct lineage *l, const char *target,
			 struct gate_facts *f)
{
	const struct watched *t = decider_account(d, target);
	const struct watched *from = decider_account(d, l->current);
	const struct pool_count *pool = decider_pool(d, target);
	const struct sample *hook;
	bool home = str_eq(target, l->primary);

	if (!t)
		return;
	f->target = t->row.id;
	f->target_name = t->row.name;
	f->target_trouble = t->sweep_n == 0 ? "not checked yet" :
			    loop_now_ms(d->d->loop) - t->swept_ms > d->d->set->evidence_fresh_ms +
								     d->d->set->cycle_ms ?
						"not checked lately" :
						facts_trouble(&t->held);
	f->parent_trouble = t->parent_trouble[0] ? t->parent_trouble : NULL;
	if (from && from->held.probe[PROBE_API].outcome == OUT_BAD &&
	    str_eq(from->row.region, t->row.region) && d->m->feed[FEED_TWILIO].state == FEED_DOWN)
		f->shared_trouble = "its region and platform are reported down as well";
	f->type_known = t->type_known;
	f->type_full = !t->trial;
	f->credential_fit = t->have_keys && (t->keys.token || !f->any_import);
	f->credential_why = !t->have_keys ? t->keys_why :
			    !t->keys.token ? "no auth token is stored for imports" : NULL;
	f->balance_known = t->balance_known;
	f->balance = t->balance.amount;
	f->target_not_ready = pool && !str_empty(pool->not_ready);
	f->target_not_ready_why = pool ? pool->not_ready : NULL;
	f->numbers_free = home ? f->numbers_needed : pool ? pool->usable : 0;
	/* a plan found that some of them fit no agent (another country) */
	if (l->short_by && l->short_needed == f->numbers_needed && l->short_free == f->numbers_free)
		f->numbers_free = f->numbers_needed - l->short_by;
	if (pool && f->numbers_free < f->numbers_needed) {
		f->routed_elsewhere = pool->routed;
		f->routed_example = pool->example;
	}
	hook = &t->held.probe[PROBE_WEBHOOK];
	f->webhook_asked = hook->at_ms > 0;
	f->webhook_ok = hook->outcome == OUT_OK;
	f->webhook_why = hook->at_ms && hook->outcome != OUT_OK ? hook->why : NULL;
}

/* What is the same for every target. why: room for a sentence that f borrows. */
static void facts_lineage(const struct decider *d, const struct lineage *l,
			  const struct gate_ask *ask, char *why, size_t n, struct gate_facts *f)
{
	const struct control_row *c = &d->control;

	facts_lease(d, ask, f);
	f->database_ok = d->database_ok;
	f->database_durable = d->durable;
	f->database_why = d->database_why[0] ? d->database_why : NULL;
	f->environment_ok = d->environment_ok;
	f->environment_why = d->environment_why[0] ? d->environment_why : NULL;
	f->shadow = d->d->set->shadow || c->shadow;
	f->paused = c->paused;
	f->maintenance = c->maintenance;
	f->paused_by = c->paused ? c->paused_by : c->maintenance_by;
	f->paused_reason = c->paused ? c->paused_reason : c->maintenance_reason;
	f->paused_until_ms = c->paused ? c->paused_until_ms : c->maintenance_until_ms;
	facts_hour(d, l, ask->own_event, f);
	facts_evidence(d, l, why, n, f);
	facts_agents(d, l, f);
	f->manual = ask->manual;
	f->partial = ask->partial;
}

/* The first that all of the target's gates let pass; NULL = none. */
static const struct watched *choose(const struct decider *d, const struct lineage *l,
				    const struct gate_ask *ask, const struct gate_facts *common,
				    const struct candidates *c)
{
	int64_t wall = loop_wall_ms(d->d->loop);

	for (size_t k = 0; k < c->n; k++) {
		struct gate_facts f = *common;

		facts_attempt(d, l, ask, c->v[k]->row.id, &f);
		facts_target(d, l, c->v[k]->row.id, &f);
		if (gates_target_open(&f, d->d->set, wall))
			return c->v[k];
	}
	return NULL;
}

const char *context_gates(struct decider *d, struct lineage *l, const struct gate_ask *ask,
			  struct gate_result out[GATE_MAX])
{
	struct gate_facts f = { 0 };
	const struct candidates *c;
	const struct watched *w;
	const char *target;
	char blocker[240] = "";

	facts_lineage(d, l, ask, blocker, sizeof(blocker), &f);
	if (ask->target) {
		w = decider_account(d, ask->target);
	} else {
		c = decider_candidates(d, l);
		w = choose(d, l, ask, &f, c);
		if (!w && c->n)
			w = c->v[0];
	}
	target = w ? w->row.id : NULL;
	facts_attempt(d, l, ask, target, &f);
	facts_target(d, l, target, &f);
	gates_compute(&f, d->d->set, loop_wall_ms(d->d->loop), out);
	return target;
}

/* ---- rules ------------------------------------------------------------------------------ */

static bool suppressed(const struct decider *d, const struct lineage *l, const struct verdict *v)
{
	const struct event *e = &l->ev.e;
	int64_t age = loop_wall_ms(d->d->loop) - e->state_since_ms;
	/* stopped by a person: not reopened under their hands */
	bool stopped = e->id && e->status == EV_CANCELLED && e->decided_by;

	if (!e->id || (e->status != EV_REJECTED && e->status != EV_ROLLED_BACK &&
		       e->status != EV_ACCEPTED && !stopped))
		return false;
	return age < (stopped ? d->d->set->reopen_ms : d->d->set->suppress_ms) &&
	       verdict_rank(v) <= severity_rank((enum severity)e->severity, e->confirmed) &&
	       str_eq(v->cause_key, e->cause_key) && l->healthy_since_ms < e->state_since_ms;
}

static bool reopenable(const struct decider *d, const struct lineage *l, const struct verdict *v)
{
	const struct event *e = &l->ev.e;

	return e->id && e->status == EV_CANCELLED && str_eq(e->from, l->current) &&
	       loop_wall_ms(d->d->loop) - e->state_since_ms < d->d->set->reopen_ms &&
	       e->trigger == TRIG_AUTOMATIC && e->decided_by == NULL &&
	       str_eq(v->cause_key, e->cause_key);
}

static void rule_event_facts(struct decider *d, struct lineage *l, const struct verdict *v,
			     struct rule_ctx *c)
{
	const struct event *e = &l->ev.e;
	int64_t now = loop_now_ms(d->d->loop);

	rule_fact_set(c, RF_WORSE, verdict_rank(v) >
				   severity_rank((enum severity)e->severity, e->confirmed));
	rule_fact_set(c, RF_DEADLINE, e->status == EV_PENDING && e->window_ms > 0 &&
				      window_left_ms(e) == 0);
	rule_fact_set(c, RF_UNTOLD, l->untold_known && l->untold && !l->ev.untold_extended);
	rule_fact_set(c, RF_LAST_DONE, l->last == LAST_FAILED || l->last == LAST_OTHER);
	rule_fact_set(c, RF_LAST_FAILED, l->last == LAST_FAILED);
	rule_fact_set(c, RF_LAST_LATE, l->last == LAST_LATE);
	rule_fact_set(c, RF_UNJUDGED, l->unjudged_ms > 0 &&
				      now - l->unjudged_ms >= d->d->set->test_gap_ms);
	rule_fact_set(c, RF_PASSED, window_passed(e));
	rule_fact_set(c, RF_ANNOUNCED, l->announced_ms > 0);
	rule_fact_set(c, RF_ANNOUNCE_OVER, l->announced_ms > 0 &&
					   now - l->announced_ms >= d->d->set->announce_ms);
	rule_fact_set(c, RF_RETESTED, l->retested);
	rule_fact_set(c, RF_REALERT, l->ev.realert_at_ms &&
				     loop_wall_ms(d->d->loop) >= l->ev.realert_at_ms);
	rule_fact_set(c, RF_FLAP_UNPAGED, e->flapping && !l->ev.paged_flapping);
}

void context_rules(struct decider *d, struct lineage *l, struct rule_ctx *ret)
{
	const struct watched *w = decider_account(d, l->current);
	static const struct verdict nothing;
	int64_t now = loop_now_ms(d->d->loop);
	bool known = w && w->sweep_n && now - w->swept_ms <= d->d->set->evidence_fresh_ms;
	const struct verdict *v = known ? &w->verdict : &nothing;
	bool critical = v->severity == SEV_CRITICAL;
	char why[240];

	*ret = (struct rule_ctx){ .state = lineage_open(l) ? l->ev.e.status : RULE_IDLE };
	rule_fact_set(ret, RF_OBSERVING, now < d->observe_until_ms);
	rule_fact_set(ret, RF_BLOCKED, known && monitor_blocked(d->m, w, why,
								sizeof(why)) != BLOCK_NONE);
	rule_fact_set(ret, RF_CRITICAL, critical && v->confirmed);
	rule_fact_set(ret, RF_UNCONFIRMED, critical && !v->confirmed);
	rule_fact_set(ret, RF_CONFIRMING, v->confirming);
	rule_fact_set(ret, RF_DEGRADED, v->severity == SEV_DEGRADED);
	rule_fact_set(ret, RF_MINOR, v->severity == SEV_MINOR);
	rule_fact_set(ret, RF_OPEN, l->gates_known && gates_first_shut(l->gates, 0) < 0);
	rule_fact_set(ret, RF_PAUSED, d->control.paused || d->control.maintenance);
	if (lineage_open(l)) {
		rule_event_facts(d, l, v, ret);
		return;
	}
	if (verdict_rank(v) >= 2) {
		rule_fact_set(ret, RF_SUPPRESSED, suppressed(d, l, v));
		if (reopenable(d, l, v))
			ret->state = EV_CANCELLED;
	}
}
