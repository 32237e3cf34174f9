/*
 * The tasks of the acting half: one looks for attempts while this engine leads and runs
 * each in a task of its own; one sends unlocks that are owed, for ever, whoever leads.
 * See execute.h.
 */
#include <stdlib.h>

#include "core/log.h"
#include "failover/lock.h"
#include "failover/lease.h"
#include "notify/notify.h"
#include "store/control.h"
#include "store/lease_row.h"
#include "store/steps.h"

enum { SCAN_MS = 1000, REMEMBER_MS = 10000, UNLOCK_RETRY_MS = 2000, UNLOCK_RETRY_MAX_MS = 30000,
       UNLOCK_PAGE_AFTER = 3 };

struct run {
	struct executor *x;
	char *event;
	struct task *task;
	struct run *next;
};

struct owed {
	char *event;
	int64_t epoch, next_ms, wait_ms;	/* loop clock */
	int tries;
	bool paged;
	struct owed *next;
};

/* ---- attempts ----------------------------------------------------------------------- */

static bool leads(const struct executor *x)
{
	/* the first outside write may come only after the takeover wait: begin with it */
	return x->d->lease ? lease_held(x->d->lease) && lease_may_write(x->d->lease) :
			     x->write_ok_without_lease;
}

static void run_attempt(void *arg)
{
	struct run *r = arg;
	struct err err = { 0 };
	int x = execute_event(r->x, r->event, &err);

	if (x < 0 && x != ERR_LEASE && x != ERR_CANCELLED)
		log_warn("failover", "%s: %s", r->event, err.msg);
}

static void run_done(void *arg)
{
	struct run *r = arg, **p = &r->x->runs;
	struct executor *x = r->x;

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	free_p(&r->event);
	free_p(&r);
	condition_wake(&x->wake);
	if (x->d->ports && x->d->ports->wake)
		x->d->ports->wake(x->d->ports->ctx);
}

static void start_run(struct executor *x, const char *event)
{
	for (struct run *r = x->runs; r; r = r->next)
		if (str_eq(r->event, event))
			return;
	struct run *r = xcalloc(1, sizeof(*r));
	*r = (struct run){ .x = x, .event = xstrdup(event), .next = x->runs };
	x->runs = r;
	r->task = task_start(x->d->loop, "attempt", run_attempt, r, run_done);
}

static void adopt_owed(struct executor *x)
{
	struct owed_unlock *v = NULL;
	size_t n = 0;

	if (unlocks_owed(x->d->store, &v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		executor_owe_unlock(x, v[i].event, v[i].epoch);
	unlocks_free(v, n);
}

static bool begin_to_lead(struct executor *x)
{
	struct err err = { 0 };
	int r = reconcile(x, &err);

	if (r < 0 && r != ERR_LEASE)
		log_warn("failover", "not acting yet: %s", err.msg);
	return r == 0;
}

/* Now and then: did another engine's log, or ours while it does not lead, remember what the
 * database lost? False: the leader must look again before it goes on. */
static bool remembered(struct executor *x, bool led, int64_t *again_ms)
{
	struct err err = { 0 };
	bool due = false;
	int64_t now = loop_now_ms(x->d->loop);

	if (now < *again_ms)
		return true;
	*again_ms = now + REMEMBER_MS;
	if ((led ? reconcile_due(x, &due, &err) : reconcile_follow(x, &err)) < 0 &&
	    err.code != ERR_CANCELLED)
		log_debug("failover", "the intent log: %s", err.msg);
	return !due;
}

/* In a copy of a database attempts may stand open that the original carries out. */
static bool ours(struct executor *x)
{
	const char *name = x->d->environment ? x->d->environment : "";
	struct err err = { 0 };

	if (x->d->set->shadow || x->d->leader_only_reads)
		return false;
	if (environment_check(x->d->store, name, &err) == 0) {
		x->not_ours = false;
		return true;
	}
	if (!x->not_ours && (err.code == ERR_DENIED || err.code == ERR_NOT_FOUND)) {
		x->not_ours = true;
		log_warn("failover", "nothing is carried out: %s", err.msg);
	}
	return false;
}

static void scan(void *arg)
{
	struct executor *x = arg;
	int64_t again_ms = 0;
	bool led = false;

	while (!x->stopping && !task_cancelled()) {
		unsigned states = 1u << EV_APPROVED | 1u << EV_EXECUTING | 1u << EV_ROLLING_BACK;
		char **ids = NULL;
		size_t n = 0;

		led = remembered(x, led, &again_ms) && led;
		if (leads(x) && ours(x) && leads(x) &&
		    (led || begin_to_lead(x)) &&
		    events_in(x->d->store, states, &ids, &n, NULL) >= 0) {
			if (!led)
				adopt_owed(x);	/* of a leader that is gone */
			led = true;
			for (size_t i = 0; i < n && leads(x) && !x->stopping; i++)
				start_run(x, ids[i]);
		}
		led = led && leads(x);
		for (size_t i = 0; i < n; i++)
			free_p(&ids[i]);
		free_p(&ids);
		if (!x->stopping)
			condition_wait(&x->wake, SCAN_MS);
	}
}

static void scan_done(void *arg)
{
	((struct executor *)arg)->scanning = false;
}

/* ---- unlocks --------------------------------------------------------------------------- */

void executor_owe_unlock(struct executor *x, const char *event, int64_t epoch)
{
	struct owed *o;

	for (o = x->owed; o; o = o->next) {
		if (!str_eq(o->event, event))
			continue;
		if (o->epoch < epoch)
			o->epoch = epoch;
		return;
	}
	o = xcalloc(1, sizeof(*o));
	*o = (struct owed){ .event = xstrdup(event), .epoch = epoch, .next = x->owed };
	x->owed = o;
	condition_wake(&x->owed_changed);
}

/* A newer leader that works on the event has a lock of its own, and unlocks. Without the
 * database nobody can: then it is sent. */
static bool overtaken(struct executor *x, const struct owed *o)
{
	struct event_row r = { 0 };
	bool yes = false;

	if (event_load(x->d->store, NULL, o->event, &r, NULL) >= 0)
		yes = event_status_attempting(r.e.status) && r.e.epoch > o->epoch;
	event_row_fini(&r);
	return yes;
}

static void unlocked(struct executor *x, const struct owed *o)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(0);
	struct event_progress p = EVENT_PROGRESS;

	if (tx_begin(x->d->store, &t, &who, NULL) < 0)
		return;
	p.unlocked_at_ms = t.now_ms;
	if (event_progress(&t, o->event, &p, NULL) >= 0 &&
	    alert_resolve(&t, "unlock-owed", o->event, NULL, NULL) >= 0)
		tx_commit(&t, NULL, NULL);
}

static void page(struct executor *x, struct owed *o)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(0);

	if (o->paged || tx_begin(x->d->store, &t, &who, NULL) < 0)
		return;
	const struct failover_ports *ports = x->d->ports;
	static const char text[] = "the application did not take the unlock; it is tried again "
				   "until it does, and the lock ends by itself";
	int r = alert_raise(&t, "unlock-owed", o->event, "bad", text, false, NULL);
	if (r >= 0 && ports && ports->say)
		r = ports->say(ports->ctx, &t, SAY_LOCKED, NULL, o->event, text, NULL);
	if (r >= 0)
		o->paged = tx_commit(&t, NULL, NULL) >= 0;
}

static void owed_remove(struct executor *x, struct owed *o)
{
	struct owed **p = &x->owed;

	while (*p != o)
		p = &(*p)->next;
	*p = o->next;
	free_p(&o->event);
	free_p(&o);
}

static void unlock_all(void *arg)
{
	struct executor *x = arg;

	while (!x->stopping && !task_cancelled()) {
		int64_t now = loop_now_ms(x->d->loop), wait = -1;
		struct owed *o = x->owed;

		while (o && o->next_ms > now) {
			wait = wait < 0 || o->next_ms - now < wait ? o->next_ms - now : wait;
			o = o->next;
		}
		if (!o) {
			condition_wait(&x->owed_changed, wait);
			continue;
		}
		if (overtaken(x, o)) {
			owed_remove(x, o);
		} else if (unlock_send(x->d, o->event, o->epoch)) {
			unlocked(x, o);
			owed_remove(x, o);
		} else {
			o->wait_ms = o->wait_ms ? o->wait_ms * 2 : UNLOCK_RETRY_MS;
			if (o->wait_ms > UNLOCK_RETRY_MAX_MS)
				o->wait_ms = UNLOCK_RETRY_MAX_MS;
			o->next_ms = loop_now_ms(x->d->loop) + o->wait_ms;
			if (++o->tries >= UNLOCK_PAGE_AFTER)
				page(x, o);
		}
	}
}

static void unlock_done(void *arg)
{
	((struct executor *)arg)->unlocking = false;
}

/* ---- life -------------------------------------------------------------------------------- */

struct executor *executor_new(struct failover_deps *d, const char *state_dir)
{
	struct executor *x = xcalloc(1, sizeof(*x));

	x->d = d;
	x->state_dir = xstrdup(state_dir);
	x->scanning = x->unlocking = true;
	x->scan_task = task_start(d->loop, "executor", scan, x, scan_done);
	x->unlock_task = task_start(d->loop, "unlocker", unlock_all, x, unlock_done);
	return x;
}

void executor_wake(struct executor *x)
{
	condition_wake(&x->wake);
}

void executor_lost(struct executor *x)
{
	/* the guards refuse from now on; the tasks leave their events for the next leader */
	for (struct run *r = x->runs; r; r = r->next)
		task_cancel(r->task);
}

void executor_stop(struct executor *x)
{
	if (x->stopping)
		return;
	x->stopping = true;
	executor_lost(x);
	if (x->scanning)
		task_cancel(x->scan_task);
	if (x->unlocking)
		task_cancel(x->unlock_task);
}

bool executor_idle(const struct executor *x)
{
	return !x->runs && !x->scanning && !x->unlocking;
}

void executor_free(struct executor *x)
{
	if (!x)
		return;
	while (x->owed)
		owed_remove(x, x->owed);
	intent_close(x->intents);
	free_p(&x->state_dir);
	free_p(&x);
}

/* ---- accepting what is ---------------------------------------------------------------------- */

/* The webhooks of those that moved are the approved ones from now on: the next attempt takes
 * them along. */
static int adopt_moved(struct tx *t, const char *event_id, struct err *err)
{
	struct item *v = NULL;
	size_t n = 0, moved = 0;
	int r = items_load(t->store, event_id, &v, &n, err);

	if (r < 0)
		return r;
	_cleanup_(free_p) struct item **p = xcalloc(n + 1, sizeof(struct item *));
	for (size_t i = 0; i < n; i++)
		if (v[i].state == IT_MOVED && v[i].step && v[i].after)
			p[moved++] = &v[i];
	r = items_baseline(t, event_id, p, moved, true, err);
	items_free(v, n);
	return r;
}

int execute_accept(struct tx *t, const char *event_id, struct err *err)
{
	int64_t orphans;
	int r = adopt_moved(t, event_id, err);

	if (r >= 0)
		r = items_accept(t, event_id, err);
	if (r >= 0)
		r = effects_orphans(t, event_id, &orphans, err); /* nobody goes on with them */
	return r < 0 ? r : items_release(t, event_id, err);
}
