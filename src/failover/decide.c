/*
 * The deciding task: reads, computes, matches, orders, once a tick; see decide.h. The
 * opinion is in rules.c and gates.c, what is ordered is written by decide_act.c.
 *
 * Invariant: a tick decides only on what it read itself, while the lease is held and
 * nothing stood still; an order that fails is not repeated at once.
 */
#include "failover/decide.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "failover/lease.h"
#include "fold/state.h"
#include "failover/decide_index.h"
#include "notify/notify.h"
#include "store/accounts.h"

enum { TICK_MS = 1000, TICK_MIN_MS = 40 };

/* ---- one lineage -------------------------------------------------------------------------- */

static void refresh_gates(struct decider *d, struct lineage *l)
{
	const struct event *e = &l->ev.e;
	struct gate_ask ask = { .partial = lineage_open(l) && e->partial,
				.own_event = lineage_open(l) ? e->id : NULL };
	const char *target;

	gates_clear(l->gates);
	target = context_gates(d, l, &ask, l->gates);
	str_replace(&l->target, target);
	l->gates_known = true;
}

/* Healthy once ends a suppression; written when it becomes so. */
static void note_healthy(struct decider *d, struct lineage *l)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	const struct watched *w = decider_account(d, l->current);
	bool healthy = w && w->sweep_n && w->verdict.severity == SEV_NONE &&
		       w->verdict.health == HEALTH_HEALTHY;
	struct who who = decider_who(d);
	struct err err = { 0 };

	if (!healthy || (l->was_healthy && l->healthy_since_ms)) {
		if (w && w->sweep_n && verdict_rank(&w->verdict) >= 2)
			l->was_healthy = false;
		return;
	}
	if (tx_begin(d->d->store, &t, &who, &err) < 0 ||
	    lineage_healthy(&t, l->primary, tx_now_ms(&t), &err) < 0 ||
	    tx_commit(&t, NULL, &err) < 0) {
		log_debug("decide", "%s: %s", l->primary, err.msg);
		return;
	}
	l->was_healthy = true;
	l->healthy_since_ms = loop_wall_ms(d->d->loop);
}

static void look_if_told(struct decider *d, struct lineage *l)
{
	_cleanup_(free_p) char *id = xstrdup(l->ev.e.id);
	struct err err = { 0 };

	if (l->ev.e.status != EV_PENDING || l->ev.untold_extended || l->untold_known ||
	    window_left_ms(&l->ev.e) > 0)
		return;
	l->untold_known = notify_untold(d->d->store, id, &l->untold, &err) == 0;
}

/* The last test counts only at the deadline, and only while it is fresh. */
static void expire_last_test(struct decider *d, struct lineage *l)
{
	int64_t now = loop_now_ms(d->d->loop);

	if (l->last == LAST_NONE)
		return;
	if (l->ev.e.status != EV_PENDING ||
	    (window_left_ms(&l->ev.e) > 0 && l->last != LAST_RUNNING) ||
	    (l->last != LAST_RUNNING && now - l->last_began_ms > 2 * d->d->set->last_test_ms))
		l->last = LAST_NONE;
	else if (l->last == LAST_RUNNING && now - l->last_began_ms > d->d->set->last_test_ms)
		l->last = LAST_LATE;
}

static void decide_lineage(struct decider *d, struct lineage *l)
{
	const struct watched *w = decider_account(d, l->current);
	int64_t now = loop_now_ms(d->d->loop);
	const struct rule *r;
	struct rule_ctx c;

	str_replace(&l->name, w ? w->row.name : l->primary);
	refresh_gates(d, l);
	lineage_clock(d, l);
	expire_last_test(d, l);
	look_if_told(d, l);
	if (!d->stopping && l->older_done)
		decide_supersede(d, l);
	if (!lineage_open(l))
		note_healthy(d, l);
	if (l->announced_ms && gates_first_shut(l->gates, 0) >= 0)
		l->announced_ms = 0;
	context_rules(d, l, &c);
	r = rules_match(&c);
	l->rule = r ? r->id : 0;
	if (r && (!l->refused_ms || now - l->refused_ms >= TICK_MS / 2))
		decide_act(d, l, r);
	if (lineage_open(l) && (l->ev.e.status == EV_PENDING || l->ev.e.status == EV_HELD) &&
	    now >= d->observe_until_ms)
		decide_test(d, l, false);
}

/* ---- the task ----------------------------------------------------------------------------- */

/* While an event of it is pending or held, an account's traffic is judged by the last five. */
static void set_windows(struct decider *d)
{
	for (int open = 0; open < 2; open++) {
		for (size_t i = 0; i < d->n; i++) {
			const struct event *e = &d->v[i]->ev.e;
			struct watched *w = decider_account(d, d->v[i]->current);

			if (w && open == (e->id && (e->status == EV_PENDING ||
						    e->status == EV_HELD)))
				w->in_window = open;
		}
	}
}

static void tick(struct decider *d)
{
	struct err err = { 0 };
	bool leads = d->d->lease && lease_held(d->d->lease);

	if (!leads) {
		if (d->leading)
			log_info("decide", "no longer deciding");
		d->leading = false;
		return;
	}
	if (!d->leading) {
		/* what was measured before belongs to another leadership */
		for (size_t i = 0; i < d->n; i++)
			d->v[i]->clock_event[0] = 0;
		monitor_wake(d->m);
	}
	d->leading = true;
	if (decider_read(d, decider_pools_due(d), &err) < 0) {
		log_debug("decide", "cannot read: %s", err.msg);
		return;
	}
	set_windows(d);
	for (size_t i = 0; i < d->n && lease_held(d->d->lease) && !task_cancelled(); i++)
		if (d->v[i]->listed)
			decide_lineage(d, d->v[i]);
	if (d->control.paused || d->control.maintenance) {
		struct who who = decider_who(d);

		control_expire(d->d->store, &who, &err);
	}
}

static int64_t tick_ms(const struct decider *d)
{
	int64_t t = d->d->set->test_every_ms / 6;

	return t > TICK_MS ? TICK_MS : t < TICK_MIN_MS ? TICK_MIN_MS : t;
}

static void run(void *arg)
{
	struct decider *d = arg;

	while (!d->stopping && !task_cancelled()) {
		uint64_t look = ++d->m->looks_begun;

		d->woken = false;
		tick(d);
		d->m->looks_ended = look;
		condition_wake(&d->m->looked);
		/* wakes come in crowds; a tick reads the database, so they wait for each other */
		task_sleep(TICK_MIN_MS / 2);
		if (!d->woken && !d->stopping)
			condition_wait(&d->wake, tick_ms(d));
	}
}

static void run_done(void *arg)
{
	struct decider *d = arg;

	d->tasks--;
}

static void on_swept(void *ctx)
{
	decider_wake(ctx);
}

struct decider *decider_new(struct failover_deps *d, struct monitor *m)
{
	struct decider *x = xcalloc(1, sizeof(*x));

	x->d = d;
	x->m = m;
	x->index = decide_index_new();
	m->swept = on_swept;
	m->swept_ctx = x;
	return x;
}

void decider_start(struct decider *d)
{
	d->tasks++;
	task_start(d->d->loop, "decide", run, d, run_done);
}

void decider_stop(struct decider *d)
{
	d->stopping = true;
	d->m->swept = NULL;
	condition_wake(&d->wake);
}

bool decider_idle(const struct decider *d)
{
	return d->tasks == 0;
}

void decider_free(struct decider *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++) {
		struct lineage *l = d->v[i];

		free_p(&l->primary);
		free_p(&l->current);
		free_p(&l->name);
		free_p(&l->older_done);
		free_p(&l->target);
		event_row_fini(&l->ev);
		gates_clear(l->gates);
		free_p(&d->v[i]);
	}
	free_p(&d->v);
	decide_index_free(d->index);
	decide_facts_fini(&d->facts);
	control_fini(&d->control);
	free_p(&d);
}

void decider_wake(struct decider *d)
{
	d->woken = true;
	condition_wake(&d->wake);
}

void decider_gap(struct decider *d)
{
	d->observe_until_ms = loop_now_ms(d->d->loop) + d->d->set->observe_after_gap_ms;
	for (size_t i = 0; i < d->n; i++)
		d->v[i]->announced_ms = 0;
	decider_wake(d);
}

/* ---- documents ------------------------------------------------------------------------------ */

const struct gate_result *decider_gates(const struct decider *d, const char *primary,
					const char **ret_target)
{
	const struct lineage *l = decider_lineage_of(d, primary);

	if (!l || !l->gates_known || !d->leading)
		return NULL;
	if (ret_target)
		*ret_target = l->target;
	return l->gates;
}

bool decider_all_gates(const struct decider *d, struct lineage_gates **ret, size_t *ret_n)
{
	size_t n = 0;

	if (!d->leading)
		return false;
	*ret = xcalloc(d->n + 1, sizeof(**ret));
	for (size_t i = 0; i < d->n; i++) {
		struct lineage *l = d->v[i];

		if (l->gates_known && l->listed)
			(*ret)[n++] = (struct lineage_gates){ l->primary, l->target, l->gates,
							      GATE_MAX };
	}
	*ret_n = n;
	return true;
}

void decider_live(const struct decider *d, struct jw *w)
{
	struct lineage_gates *v;
	size_t n;

	if (!decider_all_gates(d, &v, &n))
		return;
	jw_arr(w, "gates");
	for (size_t i = 0; i < n; i++) {
		jw_obj(w, NULL);
		jw_str(w, "lineage", v[i].lineage);
		jw_str(w, "target", v[i].target);
		gates_json(w, "gates", v[i].gates, v[i].n_gates);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	free_p(&v);
}

static void detect_doc(struct decider *d, struct lineage *l, const struct watched *w,
		       struct str *ret)
{
	struct gate_result gates[GATE_MAX] = { 0 };
	struct gate_ask ask = { .own_event = lineage_open(l) ? l->ev.e.id : NULL };
	struct rule_ctx c;
	const struct rule *r;
	struct jw out = JW(ret);
	bool needed = verdict_rank(&w->verdict) >= 2;

	refresh_gates(d, l);
	context_rules(d, l, &c);
	r = rules_match(&c);
	context_gates(d, l, &ask, gates);
	jw_obj(&out, NULL);
	jw_bool(&out, "needed", needed);
	jw_str(&out, "severity", severity_name(w->verdict.severity));
	jw_bool(&out, "confirmed", w->verdict.confirmed);
	if (r)
		jw_i64(&out, "rule", r->id);
	else
		jw_null(&out, "rule");
	jw_str(&out, "reason", w->verdict.cause[0] ? w->verdict.cause : r ? r->why :
	       "nothing is wrong");
	jw_str(&out, "why", r ? r->why : NULL);
	jw_str(&out, "lineage", l->primary);
	jw_str(&out, "eventId", lineage_open(l) ? l->ev.e.id : NULL);
	gates_json(&out, "gates", gates, GATE_MAX);
	jw_obj_end(&out);
	gates_clear(gates);
}

int decider_detect(struct decider *d, const char *account, struct str *ret, struct err *err)
{
	struct str doc = STR_INIT(STR_MAX_DEFAULT);
	const struct watched *w;
	struct lineage *l;
	int r;

	d->tasks++;
	r = monitor_cycle(d->m, account, NULL, &doc, err);
	str_fini(&doc);
	if (r == 0)
		r = decider_read(d, true, err);
	d->tasks--;
	if (r < 0)
		return r;
	w = monitor_find(d->m, account);
	l = w ? decider_lineage_of(d, w->row.id) : NULL;
	if (!l) {
		struct jw out = JW(ret);

		jw_obj(&out, NULL);
		jw_bool(&out, "needed", false);
		jw_str(&out, "severity", severity_name(w ? w->verdict.severity : SEV_NONE));
		jw_null(&out, "rule");
		jw_str(&out, "reason", "no lineage runs on this account");
		jw_arr(&out, "gates");
		jw_arr_end(&out);
		jw_obj_end(&out);
		return 0;
	}
	w = decider_account(d, l->current);
	if (!w)
		return err_set(err, ERR_NOT_FOUND, "the lineage's account is not watched");
	detect_doc(d, l, w, ret);
	return 0;
}
