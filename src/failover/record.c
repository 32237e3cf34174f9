/*
 * Recording before acting. Writers that want to go outside line up; one of them takes
 * the whole line through a single transaction (group commit): fence, what a person
 * decided meanwhile, intents, ends, items, steps. Then one fsync of the local intent log,
 * then all of them may send. So the database costs a round per batch, not per call.
 *
 * Invariant: no outside write starts whose intent is not committed and on local disk,
 * and none after a commit that saw a pause, a cancel or another leader. This file knows
 * nothing of what is written.
 */
#include "failover/act.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "failover/lease.h"
#include "store/steps.h"

enum { NOTE_EVERY_MS = 500, RETRY_MS = 300, PAUSE_POLL_MS = 500, LEASE_POLL_MS = 100,
       ODD_ERRORS_MAX = 20 };

struct record_ask {
	struct effect *effect;		/* owned while it waits */
	struct record_ask *next;
	bool done, refused, abandoned;
};

struct who act_who(const struct act *a)
{
	return WHO_ENGINE(a->epoch);
}

static bool lease_allows(const struct act *a)
{
	return a->d->lease ? lease_may_write(a->d->lease) : a->x->write_ok_without_lease;
}

bool act_may_write(const struct act *a)
{
	return a->stop == ACT_GO && !a->paused && !a->x->stopping && lease_allows(a);
}

void act_stop_now(struct act *a, enum act_stop why, const char *text)
{
	if (a->stop != ACT_GO)
		return;
	a->stop = why;
	snprintf(a->stop_why, sizeof(a->stop_why), "%s", text ? text : "");
	condition_wake(&a->rec.changed);
}

struct effect *effect_new(const char *agent, const char *kind, const char *subject,
			  const char *before, const char *after)
{
	struct effect *e = xcalloc(1, sizeof(*e));

	*e = (struct effect){ .agent = agent, .kind = kind, .subject = subject,
			      .before = xstrdup(before), .after = xstrdup(after),
			      .state = "intended" };
	return e;
}

static void effect_free(struct effect *e)
{
	free_p(&e->before);
	free_p(&e->after);
	free_p(&e);
}

void act_dirty(struct act *a, struct item *i)
{
	struct recorder *r = &a->rec;

	if (i->dirty)
		return;
	i->dirty = true;
	r->dirty = grow(r->dirty, &r->cap_dirty, r->n_dirty + 1, sizeof(*r->dirty));
	r->dirty[r->n_dirty++] = i;
}

static void add_ended(struct recorder *r, struct effect *e)
{
	r->ended = grow(r->ended, &r->cap_ended, r->n_ended + 1, sizeof(*r->ended));
	r->ended[r->n_ended++] = e;
}

void recorder_fini(struct recorder *r)
{
	for (size_t i = 0; i < r->n_ended; i++)
		effect_free(r->ended[i]);
	free_p(&r->ended);
	free_p(&r->dirty);
}

/* ---- steps -------------------------------------------------------------------------- */

void act_step(struct act *a, int n, int state, const char *error)
{
	struct event_step *s = &a->row.e.steps[n];
	int64_t now = loop_wall_ms(a->d->loop);

	if (s->state == state && !error)
		return;
	/* taken up again: how long it takes this time */
	if (state == SS_WAITING || (state == SS_RUNNING && s->ended_at_ms))
		s->started_at_ms = 0;
	if (!s->started_at_ms && state != SS_WAITING && state != SS_SKIPPED)
		s->started_at_ms = now;
	s->ended_at_ms = state == SS_RUNNING || state == SS_WAITING ? 0 : now;
	s->state = state;
	s->n = n;
	if (s->total == 1 && (n < STEP_ASSIGN || n > STEP_TEST))
		s->done = state == SS_DONE;
	str_replace(&s->error, error);
	a->step_dirty[n] = a->step_note = true;
}

void act_count(struct act *a)
{
	struct event *e = &a->row.e;
	int64_t done[STEP_MAX] = { 0 }, moved = 0, failed = 0, total = 0;

	for (size_t i = 0; i < a->n_items; i++) {
		const struct item *it = &a->items[i];

		if (it->state == IT_STAYS && !it->to_account)
			continue;
		total++;
		moved += it->state == IT_MOVED;
		failed += it->state == IT_FAILED;
		for (int n = STEP_ASSIGN; n <= STEP_TEST && n <= it->step; n++)
			done[n]++;
	}
	e->agents_moved = moved;
	e->agents_failed = failed;
	for (int n = STEP_ASSIGN; n <= STEP_TEST; n++) {
		struct event_step *s = &e->steps[n];

		if (s->done == done[n] && s->total == total)
			continue;
		s->done = done[n];
		s->total = total;
		a->step_dirty[n] = true;
		if (a->expect != EV_EXECUTING)
			continue;
		if (done[n] == total)
			act_step(a, n, SS_DONE, NULL);
		else if (done[n] > 0 && s->state != SS_RUNNING)
			act_step(a, n, SS_RUNNING, NULL);
	}
}

/* ---- one batch ---------------------------------------------------------------------- */

struct batch {
	struct record_ask *asks;
	struct effect **intend; size_t n_intend;
	struct effect **ended; size_t n_ended;
	struct item **dirty; size_t n_dirty;
	bool steps[STEP_MAX], note;
};

static void batch_take(struct act *a, struct batch *b)
{
	struct recorder *r = &a->rec;
	size_t n = 0;

	if (r->n_dirty)
		act_count(a);
	*b = (struct batch){ .asks = r->first, .ended = r->ended, .n_ended = r->n_ended,
			     .dirty = r->dirty, .n_dirty = r->n_dirty, .note = a->step_note };
	memcpy(b->steps, a->step_dirty, sizeof(b->steps));
	memset(a->step_dirty, 0, sizeof(a->step_dirty));
	a->step_note = false;
	for (struct record_ask *k = b->asks; k; k = k->next)
		n++;
	b->intend = xcalloc(n + 1, sizeof(struct effect *));
	r->first = r->last = NULL;
	r->ended = NULL;
	r->n_ended = r->cap_ended = 0;
	r->dirty = NULL;
	r->n_dirty = r->cap_dirty = 0;
	for (size_t i = 0; i < b->n_dirty; i++)
		b->dirty[i]->dirty = false;
}

/* It was not committed: everything waits again, in front of what came meanwhile. */
static void batch_put_back(struct act *a, struct batch *b)
{
	struct recorder *r = &a->rec;
	struct record_ask **tail = &b->asks;

	while (*tail) {
		(*tail)->effect->id = 0;
		tail = &(*tail)->next;
	}
	*tail = r->first;
	r->first = b->asks;
	for (r->last = r->first; r->last && r->last->next;)
		r->last = r->last->next;
	b->asks = NULL;
	for (size_t i = 0; i < b->n_ended; i++)
		add_ended(r, b->ended[i]);
	b->n_ended = 0;
	for (size_t i = 0; i < b->n_dirty; i++)
		act_dirty(a, b->dirty[i]);
	for (int n = 0; n < STEP_MAX; n++)
		a->step_dirty[n] = a->step_dirty[n] || b->steps[n];
	a->step_note = a->step_note || b->note;
}

static void batch_fini(struct batch *b)
{
	free_p(&b->intend);
	free_p(&b->ended);
	free_p(&b->dirty);
}

static int save_steps(struct act *a, struct tx *t, const struct batch *b, struct err *err)
{
	int64_t now = loop_now_ms(a->d->loop);
	int last = 0, r = 0;
	bool note = b->note || now - a->noted_at_ms >= NOTE_EVERY_MS;

	for (int n = STEP_LOCK; n < STEP_MAX; n++)
		last = b->steps[n] ? n : last;
	if (!last)
		return 0;
	struct event_progress p = EVENT_PROGRESS;
	p.moved = a->row.e.agents_moved;
	p.failed = a->row.e.agents_failed;
	r = event_progress(t, a->row.e.id, &p, err);
	for (int n = STEP_LOCK; r >= 0 && n <= last; n++)
		if (b->steps[n])
			r = event_step_put(t, a->row.e.id, &a->row.e.steps[n], note && n == last,
					   err);
	if (r >= 0 && note)
		a->noted_at_ms = now;
	return r;
}

/* What a person, or another engine, decided since we last looked. */
static int read_stop(struct act *a, struct tx *t, struct err *err)
{
	struct attempt_stop s;
	int r = attempt_stop_read(t, a->row.e.id, &s, err);

	if (r < 0)
		return r;
	if (s.status != a->expect)
		act_stop_now(a, ACT_CANCEL, "the event is in another state now");
	else if (s.cancel && a->expect == EV_EXECUTING)
		act_stop_now(a, ACT_CANCEL, "a person cancelled it");
	a->paused = s.paused && a->expect == EV_EXECUTING;
	return 0;
}

/* again: the one before may have been committed although we were told otherwise. Its intents are
 * closed then, they are made anew. */
static int batch_write(struct act *a, struct batch *b, bool again, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = act_who(a);
	int r = tx_begin(a->d->store, &t, &who, err);
	int64_t orphans;

	if (r >= 0)
		r = read_stop(a, &t, err);
	if (r >= 0 && again)
		r = effects_orphans(&t, a->row.e.id, &orphans, err);
	b->n_intend = 0;
	for (struct record_ask *k = b->asks; k; k = k->next)
		if (!k->abandoned && a->stop == ACT_GO && !a->paused)
			b->intend[b->n_intend++] = k->effect;
	if (r >= 0)
		r = effects_intend(&t, a->row.e.id, b->intend, b->n_intend, err);
	if (r >= 0)
		r = effects_end(&t, b->ended, b->n_ended, err);
	if (r >= 0)
		r = items_save(&t, a->row.e.id, b->dirty, b->n_dirty, err);
	if (r >= 0)
		r = save_steps(a, &t, b, err);
	if (r >= 0)
		r = tx_commit(&t, NULL, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < b->n_intend; i++)
		intent_add(a->x->intents, &(struct intent){
			.at_ms = t.now_ms, .epoch = a->epoch, .event = a->row.e.id,
			.agent = b->intend[i]->agent, .kind = b->intend[i]->kind,
			.subject = b->intend[i]->subject, .before = b->intend[i]->before,
			.after = b->intend[i]->after });
	return intent_sync(a->x->intents, err);
}

/* Committed: those recorded may go; the rest waits on or is told no. */
static void batch_answer(struct act *a, struct batch *b)
{
	struct recorder *r = &a->rec;
	struct record_ask *next;

	for (struct record_ask *k = b->asks; k; k = next) {
		next = k->next;
		k->next = NULL;
		if (k->abandoned) {
			/* nobody will send it: it ends as such */
			if (k->effect->id) {
				k->effect->state = "failed";
				add_ended(r, k->effect);
			} else {
				effect_free(k->effect);
			}
			free_p(&k);
		} else if (k->effect->id || a->stop != ACT_GO) {
			k->refused = !k->effect->id;
			k->done = true;
		} else {
			if (r->last)
				r->last->next = k;
			else
				r->first = k;
			r->last = k;
		}
	}
	for (size_t i = 0; i < b->n_ended; i++)
		effect_free(b->ended[i]);
}

static bool gone_for_good(struct act *a, int code)
{
	if (code == ERR_LEASE || code == ERR_CANCELLED || task_cancelled() || a->x->stopping)
		return true;
	return a->d->lease && !lease_held(a->d->lease);
}

/* One batch, retried while the database is away and we lead. */
static int run_batch(struct act *a, struct err *err)
{
	struct err e = { 0 };

	for (int odd = 0, tries = 0;; tries++) {
		struct batch b;

		batch_take(a, &b);
		int r = batch_write(a, &b, tries > 0, &e);
		if (r >= 0) {
			batch_answer(a, &b);
			batch_fini(&b);
			return 0;
		}
		batch_put_back(a, &b);
		batch_fini(&b);
		odd += r != ERR_UNREACHABLE && r != ERR_TIMEOUT;
		if (gone_for_good(a, r) || odd > ODD_ERRORS_MAX) {
			log_warn("failover", "%s: stops here: %s", a->row.e.id, e.msg);
			act_stop_now(a, ACT_LOST, e.msg);
			if (err)
				*err = e;
			return r;
		}
		log_warn("failover", "%s: waits for the database: %s", a->row.e.id, e.msg);
		if (task_sleep(RETRY_MS) == OP_CANCELLED)
			act_stop_now(a, ACT_LOST, "stopped");
	}
}

/* ---- for writers ------------------------------------------------------------------- */

static int refuse(struct act *a, struct effect *e, struct err *err)
{
	if (e)
		effect_free(e);
	if (a->stop == ACT_LOST)
		return err_set(err, ERR_LEASE, "%s", a->stop_why);
	return err_set(err, ERR_CANCELLED, "%s",
		       a->stop_why[0] ? a->stop_why : "nothing may be written now");
}

/* Leaves the line; a batch that carries it now frees it. */
static void ask_abandon(struct act *a, struct record_ask *ask)
{
	struct record_ask **p = &a->rec.first, *prev = NULL;

	for (; *p && *p != ask; p = &(*p)->next)
		prev = *p;
	if (!*p) {
		ask->abandoned = true;
		return;
	}
	*p = ask->next;
	if (a->rec.last == ask)
		a->rec.last = prev;
	effect_free(ask->effect);
	free_p(&ask);
}

static void lead_batch(struct act *a)
{
	struct recorder *r = &a->rec;

	r->busy = true;
	if (run_batch(a, NULL) < 0) {
		/* stopped: whoever waits is told so */
		for (struct record_ask *k = r->first, *next; k; k = next) {
			next = k->next;
			k->next = NULL;
			if (k->abandoned) {
				effect_free(k->effect);
				free_p(&k);
				continue;
			}
			k->done = k->refused = true;
		}
		r->first = r->last = NULL;
	}
	r->busy = false;
	condition_wake(&r->changed);
}

/* Held, but not for long enough to write: the keeper is at it. */
static bool lease_short(const struct act *a)
{
	return a->stop == ACT_GO && a->d->lease && lease_held(a->d->lease) &&
	       !lease_may_write(a->d->lease);
}

int act_intend(struct act *a, struct effect *e, struct err *err)
{
	struct recorder *r = &a->rec;
	struct record_ask *ask;

	/* the lease is in doubt, or too short for a write: it may be fine again in a moment */
	while (a->stop == ACT_GO && !task_cancelled() && !lease_allows(a))
		task_sleep(LEASE_POLL_MS);
	if (a->stop != ACT_GO || task_cancelled())
		return refuse(a, e, err);
	ask = xcalloc(1, sizeof(*ask));
	ask->effect = e;
	if (r->last)
		r->last->next = ask;
	else
		r->first = ask;
	r->last = ask;
	while (!ask->done) {
		int out = OP_OK;

		if (r->busy)
			out = condition_wait(&r->changed, -1);
		else if ((a->paused && a->stop == ACT_GO) || lease_short(a))
			out = task_sleep(PAUSE_POLL_MS);
		if (out == OP_CANCELLED || (task_cancelled() && !ask->done)) {
			act_stop_now(a, ACT_LOST, "stopped");
			if (ask->done)
				break;
			ask_abandon(a, ask);
			return refuse(a, NULL, err);
		}
		if (!ask->done && !r->busy && !lease_short(a))
			lead_batch(a);
	}
	bool refused = ask->refused || a->stop != ACT_GO;
	free_p(&ask);
	if (!refused)
		return 0;
	if (e->id) {
		e->state = "failed";
		snprintf(e->error, sizeof(e->error), "not sent: %s", a->stop_why);
		add_ended(r, e);
		e = NULL;
	}
	return refuse(a, e, err);
}

void act_wrote(struct act *a, struct effect *e, const struct call_info *info)
{
	a->last_write_ms = loop_now_ms(a->d->loop);
	e->state = "done";
	if (info && info->result != CALL_OK) {
		e->state = info->maybe_done ? "unknown" : "failed";
		info_text(info, e->error, sizeof(e->error));
	}
	add_ended(&a->rec, e);
}

int act_flush(struct act *a, struct err *err)
{
	struct recorder *r = &a->rec;

	act_count(a);
	while (r->busy)
		if (condition_wait(&r->changed, -1) == OP_CANCELLED)
			return err_set(err, ERR_CANCELLED, "stopped");
	if (a->stop == ACT_LOST)
		return err_set(err, ERR_LEASE, "%s", a->stop_why);
	r->busy = true;
	int x = run_batch(a, err);
	r->busy = false;
	condition_wake(&r->changed);
	return x;
}

int act_tx(struct act *a, int (*fn)(struct act *a, struct tx *t, void *arg, struct err *err),
	   void *arg, struct err *err)
{
	struct who who = act_who(a);

	for (int conflicts = 0;;) {
		_cleanup_(tx_rollback) struct tx t = { 0 };
		struct err e = { 0 };
		int r = tx_begin(a->d->store, &t, &who, &e);

		if (r >= 0)
			r = fn(a, &t, arg, &e);
		if (r >= 0)
			r = tx_commit(&t, NULL, &e);
		if (r >= 0)
			return 0;
		tx_rollback(&t);
		bool away = r == ERR_UNREACHABLE || r == ERR_TIMEOUT;
		if (away && !gone_for_good(a, r) && task_sleep(RETRY_MS) == OP_OK)
			continue;
		if (r == ERR_CONFLICT && ++conflicts < 3 && str_has_prefix(e.msg, "deadlock"))
			continue;
		if (away || gone_for_good(a, r))
			act_stop_now(a, ACT_LOST, e.msg);
		if (err)
			*err = e;
		return r;
	}
}
