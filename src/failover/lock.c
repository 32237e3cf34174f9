/*
 * The application's lock (failover.md §5 steps 1 and 8): a signed hook with a time to
 * live; the application treats expired or unreachable as unlocked. Taking it is an
 * outside write like any other. Giving it back is not: it needs neither lease nor
 * database, so what cannot be sent now goes on a list that is worked off for ever.
 *
 * Invariant: a lock that was taken is always followed by an unlock or by its own end;
 * it is renewed once and never held past twice its time.
 */
#include "failover/lock.h"

#include <stdio.h>

#include "core/log.h"
#include "store/steps.h"

enum { LOCK_TRIES = 3, LOCK_RETRY_MS = 1000, CALLS_POLLS = 12 };

static int64_t ttl_s(const struct act *a)
{
	return (a->d->set->lock_ttl_ms + 999) / 1000;
}

/* No hook to sign counts as done: there is nobody to tell. */
static bool nobody_to_tell(const struct call_info *info)
{
	return info->result == CALL_REFUSED && (info->reason == REASON_UNSUPPORTED ||
						info->reason == REASON_NO_CREDENTIAL);
}

static int lock_hook(struct act *a, enum app_hook which, struct err *err)
{
	struct providers *p = a->d->providers;
	struct hook_body body = { a->row.e.id, a->epoch, ttl_s(a) };
	struct call_info info = { 0 };
	char text[200];

	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		struct effect *e = effect_new(NULL, app_hook_name(which), a->row.e.id, NULL, NULL);
		int r = act_intend(a, e, err);

		if (r < 0)
			return r;
		p->app->hook(p, &a->guard, which, &body, &info);
		act_wrote(a, e, &info);
		if (info.result == CALL_OK || nobody_to_tell(&info))
			return 0;
		if (tries + 1 < LOCK_TRIES && task_sleep(LOCK_RETRY_MS) == OP_CANCELLED)
			return err_set(err, ERR_CANCELLED, "stopped");
	}
	return err_set(err, ERR_UNREACHABLE, "the application did not take \"%s\": %s",
		       app_hook_name(which), info_text(&info, text, sizeof(text)));
}

/* ---- the one renewal ---------------------------------------------------------------- */

struct lock_row { int64_t renewals; };

static int store_lock(struct act *a, struct tx *t, void *arg, struct err *err)
{
	const struct lock_row *l = arg;

	return attempt_locked(t, a->row.e.id, t->now_ms + a->d->set->lock_ttl_ms, l->renewals, err);
}

static void keep(void *arg)
{
	struct act *a = arg;
	struct err err = { 0 };

	if (a->keeper_over ||
	    condition_wait(&a->keeper_end, a->d->set->lock_ttl_ms * 6 / 10) != OP_TIMEOUT)
		return;
	struct lock_row once = { 1 };
	if (lock_hook(a, HOOK_LOCK, &err) < 0 || act_tx(a, store_lock, &once, &err) < 0)
		log_warn("failover", "%s: the lock was not renewed: %s", a->row.e.id, err.msg);
}

int lock_take(struct act *a, struct err *err)
{
	if (a->locked)
		return 0;
	act_step(a, STEP_LOCK, SS_RUNNING, NULL);
	/* on record first, so that an engine that dies here leaves an unlock owed; from here on
	 * one is sent in any case: a refused lock may have been taken all the same */
	struct lock_row first = { 0 };
	int r = act_tx(a, store_lock, &first, err);
	a->locked = r >= 0;
	if (r >= 0)
		r = lock_hook(a, HOOK_LOCK, err);
	if (r < 0) {
		if (a->stop == ACT_GO)
			act_step(a, STEP_LOCK, SS_FAILED, err ? err->msg : "");
		return r;
	}
	a->keeper_over = false;
	crowd_init(&a->keeper, 1);
	crowd_add(&a->keeper, "lock keeper", keep, a);
	act_step(a, STEP_LOCK, SS_DONE, NULL);
	return 0;
}

bool unlock_send(struct failover_deps *d, const char *event, int64_t epoch)
{
	struct hook_body body = { event, epoch, 0 };
	struct call_info info = { 0 };
	char text[200];

	d->providers->app->hook(d->providers, NULL, HOOK_UNLOCK, &body, &info);
	if (info.result == CALL_OK || nobody_to_tell(&info))
		return true;
	log_warn("failover", "%s: unlock was not taken: %s", event,
		 info_text(&info, text, sizeof(text)));
	return false;
}

void lock_release(struct act *a)
{
	a->keeper_over = true;
	condition_wake(&a->keeper_end);
	crowd_join(&a->keeper);
	if (!a->locked)
		return;
	a->locked = false;
	bool sent = a->stop != ACT_LOST && unlock_send(a->d, a->row.e.id, a->epoch);
	if (!sent) {
		executor_owe_unlock(a->x, a->row.e.id, a->epoch);
		act_step(a, STEP_UNLOCK, SS_RUNNING, "not taken yet, tried again");
		return;
	}
	act_step(a, STEP_UNLOCK, SS_DONE, NULL);
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = act_who(a);
	struct event_progress p = EVENT_PROGRESS;
	if (tx_begin(a->d->store, &t, &who, NULL) < 0)
		return;
	p.unlocked_at_ms = t.now_ms;
	if (event_progress(&t, a->row.e.id, &p, NULL) >= 0)
		tx_commit(&t, NULL, NULL);
}

/* ---- calls in progress, and the hook after the switch --------------------------------- */

/* A minute in which nothing moves must not look like one in which nothing happens. */
static void say_waiting(struct act *a, int live)
{
	char text[120], most[32];
	struct err err = { 0 };

	format_duration(most, sizeof(most), a->d->set->calls_wait_ms);
	snprintf(text, sizeof(text), "%d call%s may end, %s at most", live, live == 1 ? "" : "s",
		 most);
	act_step(a, STEP_LOCK, SS_RUNNING, text);
	if (act_flush(a, &err) < 0)
		log_debug("failover", "%s: %s", a->row.e.id, err.msg);
}

void lock_wait_calls(struct act *a)
{
	int said = 0;
	struct providers *p = a->d->providers;
	int64_t until = loop_now_ms(a->d->loop) + a->d->set->calls_wait_ms;
	int64_t every = a->d->set->calls_wait_ms / CALLS_POLLS + 1;

	while (a->stop == ACT_GO && loop_now_ms(a->d->loop) < until) {
		struct call_info info = { 0 };
		int live = 0;

		/* a source that cannot say is not waited for */
		if (p->telephony->calls_live(p, &a->from_keys, NULL, &live, &info) != CALL_OK ||
		    live == 0)
			break;
		if (live != said)
			say_waiting(a, said = live);
		if (task_sleep(every) == OP_CANCELLED)
			break;
	}
	if (said)
		act_step(a, STEP_LOCK, SS_DONE, NULL);
}

int hook_after_switch(struct act *a, struct err *err)
{
	return lock_hook(a, HOOK_AFTER_SWITCH, err);
}
