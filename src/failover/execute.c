/*
 * The nine steps (failover.md §5). Steps 3-7 run first for the canaries, then for the
 * rest in parallel; progress is what the items say, so every engine can go on at any
 * point, and running it twice does nothing the second time.
 *
 * Invariants: whatever way it ends, the application is unlocked; an agent left over means
 * failed, never completed; completed only after a clean read-back. It decides neither
 * that nor where to fail over.
 */
#include "failover/lock.h"
#include "failover/mover.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "failover/plan.h"
#include "failover/undo.h"
#include "store/accounts.h"
#include "store/items.h"
#include "store/steps.h"

enum { PREPARE_CHUNK = 500, ROUNDS = 3, ROUND_MS = 1000, REOPENS = 3, OBSERVE_TRIES = 4,
       CANARY_SPARES = 6 };

/* ---- steps 3 and 4: the application's rows, many agents at once ---------------------- */

struct chunk { struct mover **m; struct item **rows; size_t n; };

static int prepare_tx(struct act *a, struct tx *t, void *arg, struct err *err)
{
	struct chunk *c = arg;
	const char *id = a->row.e.id;
	int r = items_read_before(t, id, c->rows, c->n, err);

	for (size_t i = 0; r >= 0 && i < c->n; i++) {
		struct mover *m = c->m[i];

		m->row->dirty = false;	/* saved right here */
		if (m->row->before && !m->before) {
			mover_before(m);
			mover_add_before(m);
		}
	}
	if (r >= 0)
		r = items_assign(t, id, c->rows, c->n, err);
	if (r >= 0)
		r = items_switch(t, id, a->row.e.lineage, c->rows, c->n, err);
	for (size_t i = 0; r >= 0 && i < c->n; i++) {
		c->rows[i]->state = IT_MOVING;
		if (c->rows[i]->step < STEP_DATABASE)
			c->rows[i]->step = STEP_DATABASE;
	}
	return r < 0 ? r : items_save(t, id, c->rows, c->n, err);
}

/* Who can start now: in the target's list, and its before-image can be read. */
static bool ready(struct mover *m)
{
	if (m->row->step >= STEP_DATABASE)
		return false;
	if (!m->phone) {
		mover_fail(m, false, false, "%s is not in the target account", m->row->to_number);
		return false;
	}
	if (m->row->integration == INT_IMPORT && m->a->eleven_down_since_ms) {
		mover_fail(m, true, true, "ElevenLabs does not answer");
		m->eleven_down = true;
		return false;
	}
	return true;
}

static int prepare(struct act *a, struct mover **v, size_t n, struct err *err)
{
	struct chunk c = { xcalloc(n + 1, sizeof(struct mover *)),
			   xcalloc(n + 1, sizeof(struct item *)), 0 };
	int r = act_flush(a, err);	/* also hears of a cancel before step 3 */

	for (size_t i = 0; r >= 0 && a->stop == ACT_GO && i <= n; i++) {
		if (i < n && ready(v[i])) {
			c.m[c.n] = v[i];
			c.rows[c.n++] = v[i]->row;
		}
		if (c.n && (i == n || c.n == PREPARE_CHUNK)) {
			r = act_tx(a, prepare_tx, &c, err);
			c.n = 0;
		}
	}
	act_count(a);
	free_p(&c.m);
	free_p(&c.rows);
	return r;
}

/* ---- rounds ----------------------------------------------------------------------------- */

static void converge_task(void *arg)
{
	struct mover *m = arg;

	if (m->row->step >= STEP_DATABASE && !m->eleven_down)
		converge(m);
}

static int observe_patiently(struct act *a, struct err *err)
{
	for (int tries = 0;; tries++) {
		int r = observe(a, err);

		if (r >= 0 || r == ERR_CANCELLED || tries == OBSERVE_TRIES)
			return r;
		if (task_sleep(ROUND_MS) == OP_CANCELLED)
			return err_set(err, ERR_CANCELLED, "stopped");
	}
}

static size_t left_over(struct mover **v, size_t n, bool *ret_retry, bool *ret_eleven)
{
	size_t left = 0;

	*ret_retry = *ret_eleven = false;
	for (size_t i = 0; i < n; i++) {
		if (v[i]->row->state == IT_MOVED || v[i]->row->state == IT_STAYS)
			continue;
		left++;
		*ret_retry = *ret_retry || v[i]->retry;
		*ret_eleven = *ret_eleven || (v[i]->eleven_down && v[i]->retry);
	}
	return left;
}

static int one_round(struct act *a, struct mover **v, size_t n, struct err *err)
{
	struct crowd crowd;

	a->target_dead = false;
	for (size_t i = 0; i < n; i++)
		v[i]->eleven_down = v[i]->retry = v[i]->fatal = false;
	int r = prepare(a, v, n, err);
	if (r < 0)
		return r;
	/* twice the limit: half of them wait for the database while the rest is on the wire,
	 * whose own limit follows what the provider takes */
	crowd_init(&crowd, (int)a->d->set->parallel * 2);
	for (size_t i = 0; i < n && a->stop == ACT_GO; i++)
		if (v[i]->row->state != IT_MOVED && v[i]->row->state != IT_STAYS)
			crowd_add(&crowd, "move", converge_task, v[i]);
	crowd_join(&crowd);
	return act_flush(a, err);
}

/* ElevenLabs is away: unlocked, and tried again for a while; true = try on. */
static bool wait_for_eleven(struct act *a, int64_t began_ms)
{
	const struct failover_settings *set = a->d->set;

	if (loop_now_ms(a->d->loop) - began_ms >= set->eleven_retry_ms)
		return false;
	act_step(a, STEP_ELEVENLABS, SS_RUNNING, "ElevenLabs does not answer, tried again");
	lock_release(a);
	return task_sleep(set->eleven_retry_every_ms) != OP_CANCELLED;
}

static int run_movers(struct act *a, struct mover **v, size_t n, struct err *err)
{
	int64_t began_ms = loop_now_ms(a->d->loop);

	for (int round = 0;;) {
		bool retry, eleven;
		int r = one_round(a, v, n, err);

		if (r < 0 || a->stop != ACT_GO)
			return r;
		if (!left_over(v, n, &retry, &eleven) || !retry)
			return 0;
		if (eleven ? !wait_for_eleven(a, began_ms) :
			     ++round == ROUNDS || task_sleep(ROUND_MS) == OP_CANCELLED)
			return 0;
		r = observe_patiently(a, err);
		if (r == ERR_CANCELLED)
			return r;
		if (r < 0)
			return 0;	/* the target is away: what is left is left */
	}
}

/* ---- canaries ---------------------------------------------------------------------------- */

static bool is_canary(const struct mover *m)
{
	return m->row->canary;
}

static size_t pick_canaries(struct act *a, struct mover **pick, size_t want, bool *tried)
{
	size_t n = 0;

	/* while ElevenLabs is away, agents that do not need it come first */
	for (int pass = a->eleven_down_since_ms ? 0 : 1; pass < 2; pass++) {
		for (size_t i = 0; i < a->n_items && n < want; i++) {
			struct mover *m = &a->movers[i];

			if (tried[i] || m->row->state == IT_STAYS ||
			    (pass == 0 && m->row->integration == INT_IMPORT))
				continue;
			tried[i] = m->row->canary = true;
			pick[n++] = m;
		}
	}
	return n;
}

/* 1 = at least one passed, 0 = none did. */
static int run_canaries(struct act *a, char *why, size_t why_n, struct err *err)
{
	size_t want = (size_t)(a->d->set->canaries > 0 ? a->d->set->canaries : 1);
	size_t counted = 0, passed = 0, spared = 0;
	_cleanup_(free_p) bool *tried = xcalloc(a->n_items + 1, sizeof(*tried));
	_cleanup_(free_p) struct mover **pick = xcalloc(want + 1, sizeof(struct mover *));

	snprintf(why, why_n, "no agent could be tried");
	while (counted < want && spared < CANARY_SPARES && a->stop == ACT_GO) {
		size_t n = pick_canaries(a, pick, want - counted, tried);

		if (!n)
			break;
		int r = run_movers(a, pick, n, err);
		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i++) {
			bool ok = pick[i]->row->state == IT_MOVED;

			passed += ok;
			counted += ok || pick[i]->fatal;
			spared += !ok && !pick[i]->fatal;
			if (!ok && pick[i]->why[0])
				snprintf(why, why_n, "%s", pick[i]->why);
		}
	}
	return passed > 0;
}

static int mark_not_ready(struct act *a, struct tx *t, void *arg, struct err *err)
{
	(void)arg;
	return account_not_ready(t, a->row.e.to, a->stop_why, err);
}

/* All failed: nothing of them stays. */
static int canaries_failed(struct act *a, const char *why, struct err *err)
{
	_cleanup_(free_p) char *text = xasprintf("every canary failed: %s", why);

	snprintf(a->stop_why, sizeof(a->stop_why), "canaries of %s failed: %s", a->row.e.id, why);
	int r = undo_rows(a, is_canary, err);
	if (r >= 0)
		r = undo_outside(a, is_canary, err);
	if (a->stop != ACT_GO)
		return r;
	for (int n = STEP_SWITCH; n <= STEP_TEST; n++)
		act_step(a, n, SS_UNDONE, r == 0 ? NULL : why);
	act_step(a, STEP_NOTIFY, SS_DONE, NULL);
	lock_release(a);
	return act_transition(a, &(struct act_move){ .to = EV_FAILED, .error = text, .text = text,
						     .also = mark_not_ready }, err);
}

/* ---- step 2, visible from here on ----------------------------------------------------------- */

static int set_current(struct act *a, struct tx *t, void *arg, struct err *err)
{
	(void)arg;
	return lineage_set_current(t, a->row.e.lineage, a->row.e.to, err);
}

static int switch_account(struct act *a, struct err *err)
{
	struct err hook = { 0 };

	if (a->row.e.steps[STEP_SWITCH].state == SS_DONE)
		return 0;
	int r = act_tx(a, set_current, NULL, err);
	if (r < 0)
		return r;
	if (hook_after_switch(a, &hook) < 0 && a->stop == ACT_GO)
		log_warn("failover", "%s: %s", a->row.e.id, hook.msg);
	if (a->stop == ACT_GO)
		act_step(a, STEP_SWITCH, SS_DONE, hook.code ? hook.msg : NULL);
	return 0;
}

/* ---- the ends -------------------------------------------------------------------------------- */

static int adopt_baselines(struct act *a, struct tx *t, void *arg, struct err *err)
{
	_cleanup_(free_p) struct item **v = xcalloc(a->n_items + 1, sizeof(struct item *));
	size_t n = 0;

	(void)arg;
	for (size_t i = 0; i < a->n_items; i++)
		if (a->items[i].state == IT_MOVED && a->items[i].after)
			v[n++] = &a->items[i];
	return items_baseline(t, a->row.e.id, v, n, true, err);
}

static size_t count_left(const struct act *a, const char **ret_why)
{
	size_t left = 0;

	for (size_t i = 0; i < a->n_items; i++) {
		if (a->items[i].state == IT_MOVED || a->items[i].state == IT_STAYS)
			continue;
		if (!left++ && a->items[i].error)
			*ret_why = a->items[i].error;
	}
	return left;
}

static int end_failed(struct act *a, const char *why, struct err *err)
{
	const char *item_why = why;
	size_t left = count_left(a, &item_why);
	_cleanup_(free_p) char *text =
		left ? xasprintf("%zu of %lld agents are not moved: %s", left,
				 (long long)a->row.e.agents_total, item_why ? item_why : "?") :
		       xstrdup(why ? why : "?");

	for (size_t i = 0; i < a->n_items; i++) {
		struct item *it = &a->items[i];

		if (it->state == IT_MOVED || it->state == IT_STAYS || it->state == IT_UNDONE)
			continue;
		it->state = IT_FAILED;
		act_dirty(a, it);
	}
	act_count(a);
	for (int n = STEP_LOCK; n <= STEP_TEST; n++)
		if (a->row.e.steps[n].state == SS_RUNNING)
			act_step(a, n, SS_FAILED, text);
	act_step(a, STEP_NOTIFY, SS_DONE, NULL);
	lock_release(a);
	return act_transition(a, &(struct act_move){ .to = EV_FAILED, .error = text, .text = text,
						     .also = adopt_baselines }, err);
}

static int end_completed(struct act *a, struct err *err)
{
	_cleanup_(free_p) char *text = xasprintf("%lld of %lld agents run on the new account",
						 (long long)a->row.e.agents_moved,
						 (long long)a->row.e.agents_total);
	act_step(a, STEP_NOTIFY, SS_DONE, NULL);
	return act_transition(a, &(struct act_move){ .to = EV_COMPLETED, .text = text,
						     .also = adopt_baselines }, err);
}

/* Unlocked, then read back until it stays as it is. */
static int close_up(struct act *a, struct err *err)
{
	_cleanup_(free_p) struct mover **v = xcalloc(a->n_items + 1, sizeof(struct mover *));

	lock_release(a);
	for (int round = 0;; round++) {
		const char *why = NULL;
		int differ = sweep(a, err);
		size_t n = 0;

		if (a->stop != ACT_GO || differ == ERR_CANCELLED)
			return differ;
		if (differ < 0)
			return end_failed(a, err->msg, err);
		if (!differ)
			return count_left(a, &why) ? end_failed(a, why, err) :
				end_completed(a, err);
		if (round == REOPENS)
			return end_failed(a, "what was written does not stay", err);
		for (size_t i = 0; i < a->n_items; i++)
			if (a->items[i].state == IT_MOVING)
				v[n++] = &a->movers[i];
		int r = run_movers(a, v, n, err);
		if (r < 0 || a->stop != ACT_GO)
			return r;
	}
}

/* ---- from the beginning, or from wherever it stands ----------------------------- */

static int begin(struct act *a, struct err *err)
{
	/* as in the plan: what nothing confirmed may still carry calls */
	bool critical = a->row.e.severity == SEV_CRITICAL && a->row.e.confirmed;
	struct err lock = { 0 };

	for (size_t i = 0; i < a->n_items; i++) {
		struct item *it = &a->items[i];

		if (it->state == IT_MOVED || it->state == IT_STAYS)
			continue;
		/* undone canaries begin anew; anything else goes on from its step */
		it->state = IT_WAITING;
		str_replace(&it->error, NULL);
		act_dirty(a, it);
	}
	act_step(a, STEP_UNLOCK, SS_WAITING, NULL);
	act_step(a, STEP_NOTIFY, SS_WAITING, NULL);
	int r = lock_take(a, &lock);
	if (a->stop != ACT_GO)
		return err_set(err, ERR_CANCELLED, "%s", a->stop_why);
	if (r < 0 && !critical) {
		char text[600];

		snprintf(text, sizeof(text), "not locked, so not begun: %.500s", lock.msg);
		return end_failed(a, text, err);
	}
	if (r < 0)
		log_warn("failover", "%s: goes on without the lock: %s", a->row.e.id, lock.msg);
	if (!critical && !a->row.first_write_at_ms)
		lock_wait_calls(a);
	act_step(a, STEP_SWITCH, a->row.e.steps[STEP_SWITCH].state == SS_DONE ? SS_DONE :
		 SS_RUNNING, NULL);
	r = load_baselines(a, err);
	if (r >= 0)
		r = observe_patiently(a, err);
	if (r == ERR_UNREACHABLE && a->stop == ACT_GO) {
		_cleanup_(free_p) char *text = xstrdup(err->msg);

		return end_failed(a, text, err);
	}
	return r < 0 ? r : 1;
}

/* 0 = ended or stopped (a->stop), negative = an error that stops it. */
static int run_steps(struct act *a, struct err *err)
{
	_cleanup_(free_p) struct mover **v = xcalloc(a->n_items + 1, sizeof(struct mover *));
	char why[300];
	size_t n = 0;
	int r = begin(a, err);

	if (r <= 0)
		return r;
	if (a->row.e.steps[STEP_SWITCH].state != SS_DONE) {
		r = run_canaries(a, why, sizeof(why), err);
		if (r < 0 || a->stop != ACT_GO)
			return r < 0 ? r : 0;
		if (!r)
			return canaries_failed(a, why, err);
		r = switch_account(a, err);
		if (r < 0 || a->stop != ACT_GO)
			return r;
	}
	for (size_t i = 0; i < a->n_items; i++)
		if (a->items[i].state != IT_MOVED && a->items[i].state != IT_STAYS)
			v[n++] = &a->movers[i];
	r = n ? run_movers(a, v, n, err) : 0;
	if (r < 0 || a->stop != ACT_GO)
		return r;
	const char *item_why = NULL;
	return count_left(a, &item_why) ? end_failed(a, item_why, err) : close_up(a, err);
}

/* ---- a person's cancel ---------------------------------------------------------- */

static int give_back(struct act *a, struct tx *t, void *arg, struct err *err)
{
	(void)arg;
	int r = plan_release(t, a->row.e.id, err);

	return r < 0 ? r : attempt_cancel_clear(t, a->row.e.id, err);
}

static int clear_cancel(struct act *a, struct tx *t, void *arg, struct err *err)
{
	(void)arg;
	return attempt_cancel_clear(t, a->row.e.id, err);
}

static bool anything_changed(const struct act *a)
{
	for (size_t i = 0; i < a->n_items; i++)
		if (a->items[i].before)
			return true;
	return false;
}

static int cancelled(struct act *a, struct err *err)
{
	_cleanup_(free_p) char *text = xasprintf("cancelled by %s", a->row.cancel_requested_by ?
						 a->row.cancel_requested_by : "a person");

	if (anything_changed(a))
		return act_transition(a, &(struct act_move){ .to = EV_ROLLING_BACK, .text = text,
							     .also = clear_cancel }, err);
	for (int n = STEP_LOCK; n < STEP_MAX; n++)
		if (n != STEP_UNLOCK && a->row.e.steps[n].state == SS_RUNNING)
			act_step(a, n, SS_SKIPPED, NULL);
	/* an engine that went away may have locked it */
	a->locked = a->locked || (a->row.lock_expires_at_ms && !a->row.unlocked_at_ms);
	lock_release(a);
	return act_transition(a, &(struct act_move){ .to = EV_CANCELLED, .text = text,
						     .also = give_back }, err);
}

/* Something a person did stopped us: look what it was. */
static int heard(struct act *a, struct err *err)
{
	struct event_row now = { 0 };
	int r = event_load(a->d->store, NULL, a->row.e.id, &now, err);

	if (r < 0)
		return r;
	a->stop = ACT_GO;
	a->stop_why[0] = '\0';
	a->expect = now.e.status;
	event_row_fini(&a->row);
	a->row = now;
	return 0;
}

/* Nothing that was foreseen: a person must look, and nobody stays locked out meanwhile. */
static int give_up(struct act *a, struct err *err)
{
	_cleanup_(free_p) char *text = xstrdup(err->msg);

	log_error("failover", "%s: %s", a->row.e.id, text);
	return end_failed(a, text, err);
}

/* It is ours from here on. Writes of an epoch that is gone: what became of them is seen by
 * looking. */
static int take_over(struct act *a, struct tx *t, void *arg, struct err *err)
{
	struct event_progress p = EVENT_PROGRESS;
	int64_t n = 0;
	int r = effects_orphans(t, a->row.e.id, &n, err);

	(void)arg;
	p.epoch = a->epoch;
	p.executed_by = a->d->engine_id;
	if (r >= 0 && event_status_attempting(a->row.e.status))
		r = event_progress(t, a->row.e.id, &p, err);
	if (r >= 0 && n)
		log_info("failover", "%s: goes on after %lld writes without a known end",
			 a->row.e.id, (long long)n);
	return r;
}

static int start(struct act *a, struct err *err)
{
	if (a->row.cancel_requested_at_ms)
		return cancelled(a, err);
	return act_transition(a, &(struct act_move){ .to = EV_EXECUTING }, err);
}

int execute_event(struct executor *x, const char *event_id, struct err *ret_err)
{
	struct err own = { 0 }, *err = ret_err ? ret_err : &own;
	struct act a;
	int r = act_load(&a, x, event_id, err);

	if (r >= 0)
		r = act_tx(&a, take_over, NULL, err);
	while (r >= 0 && a.stop == ACT_GO && !task_cancelled()) {
		if (a.expect == EV_APPROVED)
			r = start(&a, err);
		else if (a.expect == EV_EXECUTING && a.row.cancel_requested_at_ms)
			r = cancelled(&a, err);
		else if (a.expect == EV_EXECUTING)
			r = run_steps(&a, err);
		else if (a.expect == EV_ROLLING_BACK)
			r = rollback_run(&a, err);
		else
			break;
		if (a.stop == ACT_CANCEL || (r == ERR_CONFLICT && a.expect != EV_EXECUTING))
			r = heard(&a, err);
		else if (r < 0 && a.stop == ACT_GO && a.expect != EV_APPROVED && !task_cancelled())
			r = give_up(&a, err);
	}
	if (a.x)
		lock_release(&a);
	act_fini(&a);
	return r;
}
