/*
 * The way home (failover.md §6): first the agents' rows, so that callers reach them again
 * at their own numbers, then the backup numbers as they were before. Agents whose number
 * at home is gone stay where they are and are listed. It ends with a read-back, unlocked.
 *
 * It asks no gate: who may roll back, and when, was decided before.
 */
#include "failover/rollback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "failover/lock.h"
#include "failover/plan.h"
#include "failover/undo.h"
#include "store/accounts.h"
#include "store/steps.h"

enum { OBSERVE_TRIES = 5, OBSERVE_RETRY_MS = 2000, VERIFY_ROUNDS = 3 };

static bool goes_home(const struct mover *m)
{
	return m->row->state != IT_STAYS;
}

/* ---- who cannot go home ------------------------------------------------------------------ */

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct home_list { struct phone_list phones; const char **v; size_t n; };

/* The numbers of the account they came from that take calls, sorted. */
static bool home_list(struct act *a, struct home_list *ret, struct call_info *info)
{
	struct providers *p = a->d->providers;

	memset(ret, 0, sizeof(*ret));
	p->telephony->numbers(p, &a->from_keys, CRED_MAIN, &ret->phones, info);
	if (info->result != CALL_OK)
		return false;
	ret->v = xcalloc(ret->phones.n + 1, sizeof(*ret->v));
	for (size_t i = 0; i < ret->phones.n; i++)
		if (ret->phones.v[i].voice)
			ret->v[ret->n++] = ret->phones.v[i].e164;
	qsort(ret->v, ret->n, sizeof(*ret->v), text_compare);
	return true;
}

static bool home_has(const struct home_list *l, const char *number)
{
	return number && bsearch(&number, l->v, l->n, sizeof(*l->v), text_compare);
}

static void home_list_fini(struct home_list *l)
{
	free_p(&l->v);
	phone_list_fini(&l->phones);
}

static bool still_away(const struct item *it)
{
	return it->before && it->state != IT_STAYS && it->state != IT_UNDONE &&
	       it->state != IT_CONFLICT;
}

int rollback_count_home(struct act *a, int64_t *ret_all, int64_t *ret_there,
			struct call_info *info)
{
	struct home_list l;
	int r = home_list(a, &l, info) ? 0 : ERR_UNREACHABLE;

	for (size_t i = 0; r == 0 && i < a->n_items; i++) {
		if (!still_away(&a->items[i]))
			continue;
		++*ret_all;
		*ret_there += home_has(&l, a->items[i].from_number);
	}
	home_list_fini(&l);
	return r;
}

/* Needs the home account's list; when it cannot be read, everybody goes: it is what was decided,
 * and their numbers at home were not touched. */
void rollback_find_stays(struct act *a)
{
	struct call_info info = { 0 };
	struct home_list l;
	bool known = home_list(a, &l, &info);

	for (size_t i = 0; known && i < a->n_items; i++) {
		struct item *it = &a->items[i];

		if (!still_away(it) || home_has(&l, it->from_number))
			continue;
		it->state = IT_STAYS;
		_cleanup_(free_p) char *why =
			xasprintf("its number %s is gone from the account at home",
				  it->from_number);
		str_replace(&it->error, why);
		act_dirty(a, it);
	}
	home_list_fini(&l);
}

/* ---- the home entries at ElevenLabs -------------------------------------------------------- */

/* The last look: what somebody changed while we were at it is said. */
static void check_home_imports(struct act *a)
{
	struct home_index *x = home_index_new(a);

	for (size_t i = 0; i < a->n_items && !a->eleven_down_since_ms; i++) {
		struct item *it = &a->items[i];
		enum home_import is = home_import_of(x, it, NULL);

		if (it->state == IT_STAYS || (is != HOME_MISSING && is != HOME_UNASSIGNED))
			continue;
		_cleanup_(free_p) char *why =
			xasprintf("%s is not assigned to any agent at ElevenLabs", it->from_number);
		log_warn("failover", "%s: %s: %s", a->row.e.id, it->agent, why);
		str_replace(&it->error, why);
		act_dirty(a, it);
	}
	home_index_free(x);
}

/* ---- the run ------------------------------------------------------------------------------- */

static int set_home(struct act *a, struct tx *t, void *arg, struct err *err)
{
	int64_t stays = *(int64_t *)arg;

	if (stays == a->row.e.agents_total && stays)
		return 0;	/* nobody goes home */
	return lineage_set_current(t, a->row.e.lineage, a->row.e.from, err);
}

static int release_rest(struct act *a, struct tx *t, void *arg, struct err *err)
{
	(void)arg;
	int r = plan_release(t, a->row.e.id, err);

	return r < 0 ? r : attempt_cancel_clear(t, a->row.e.id, err);
}

static int64_t count_state(const struct act *a, int state)
{
	int64_t n = 0;

	for (size_t i = 0; i < a->n_items; i++)
		n += a->items[i].state == state && a->items[i].to_account;
	return n;
}

static int back_failed(struct act *a, const char *why, struct err *err)
{
	_cleanup_(free_p) char *text = xasprintf("the rollback stopped: %s", why);

	lock_release(a);
	return act_transition(a, &(struct act_move){ .to = EV_FAILED, .error = text, .text = text },
			      err);
}

static const char *any_why(const struct act *a)
{
	const char *why = "something did not answer";

	for (size_t i = 0; i < a->n_items; i++)
		if (a->movers[i].why[0])
			why = a->movers[i].why;
	return why;
}

static int observe_patiently(struct act *a, struct err *err)
{
	for (int tries = 0;; tries++) {
		int r = observe(a, err);

		if (r >= 0 && a->eleven_down_since_ms)
			r = err_set(err, ERR_UNREACHABLE, "ElevenLabs does not answer");
		if (r >= 0 || r == ERR_CANCELLED || tries == OBSERVE_TRIES)
			return r;
		if (task_sleep(OBSERVE_RETRY_MS) == OP_CANCELLED)
			return err_set(err, ERR_CANCELLED, "stopped");
	}
}

/* Read back no earlier than D after the last write; what came back is undone again. */
static int verify(struct act *a, struct err *err)
{
	for (int round = 0; round < VERIFY_ROUNDS; round++) {
		size_t again = 0;
		int differ = sweep(a, err);	/* of what is observed: nothing is "moved" now */

		if (differ < 0)
			return differ;
		for (size_t i = 0; i < a->n_items; i++) {
			struct undo u;

			if (a->items[i].state != IT_UNDONE || !a->items[i].before)
				continue;
			undo_compare(&a->movers[i], &u);
			if (u.verdict == BACK_RESTORE) {
				a->items[i].state = IT_MOVING;
				again++;
			}
			undo_fini(&u);
		}
		if (!again)
			return 0;
		int left = undo_outside(a, goes_home, err);
		if (left < 0 || a->stop != ACT_GO)
			return left;
	}
	return err_set(err, ERR_FAILED, "what was put back does not stay");
}

static int end_rolled_back(struct act *a, struct err *err)
{
	int64_t conflicts = count_state(a, IT_CONFLICT), stays = count_state(a, IT_STAYS);
	int64_t home = count_state(a, IT_UNDONE) + conflicts;
	struct str text = STR_INIT(300);

	str_addf(&text, "%lld agents are home again", (long long)home);
	if (conflicts)
		str_addf(&text, "; %lld with something changed meanwhile, left as it is",
			 (long long)conflicts);
	if (stays)
		str_addf(&text, "; %lld stay on the backup", (long long)stays);
	for (int n = STEP_SWITCH; n <= STEP_TEST; n++)
		act_step(a, n, SS_UNDONE, NULL);
	lock_release(a);
	int r = act_transition(a, &(struct act_move){ .to = EV_ROLLED_BACK, .text = str_get(&text),
						      .also = release_rest }, err);
	str_fini(&text);
	return r;
}

/* What was never begun has nothing to undo. */
static void skip_unbegun(struct act *a)
{
	for (size_t i = 0; i < a->n_items; i++) {
		struct item *it = &a->items[i];

		if (it->before || it->state == IT_STAYS || it->state == IT_UNDONE)
			continue;
		it->state = IT_UNDONE;
		str_replace(&it->error, NULL);
		act_dirty(a, it);
	}
}

int rollback_run(struct act *a, struct err *err)
{
	struct err lock = { 0 };

	act_step(a, STEP_UNLOCK, SS_WAITING, NULL);
	if (lock_take(a, &lock) < 0) {
		if (a->stop != ACT_GO)
			return err_set(err, ERR_CANCELLED, "%s", a->stop_why);
		log_warn("failover", "%s: rolls back without the lock: %s", a->row.e.id, lock.msg);
	}
	int r = observe_patiently(a, err);
	if (r < 0 && a->stop == ACT_GO && r != ERR_CANCELLED) {
		_cleanup_(free_p) char *why = xstrdup(err->msg);

		return back_failed(a, why, err);
	}
	if (r < 0)
		return r;
	skip_unbegun(a);
	rollback_find_stays(a);
	/* first what callers need at home, then the rows that send them there */
	r = home_imports(a, err);
	if (a->stop != ACT_GO || r < 0)
		return r;
	if (r > 0)
		return back_failed(a, any_why(a), err);
	int64_t stays = count_state(a, IT_STAYS);
	r = undo_rows(a, goes_home, err);
	if (r >= 0)
		r = act_tx(a, set_home, &stays, err);
	if (r >= 0 && hook_after_switch(a, &lock) < 0)
		log_warn("failover", "%s: %s", a->row.e.id, lock.msg);
	if (r >= 0)
		r = undo_outside(a, goes_home, err);
	if (r < 0 || a->stop != ACT_GO)
		return r;
	if (r > 0)
		return back_failed(a, any_why(a), err);
	lock_release(a);
	r = verify(a, err);
	if (a->stop != ACT_GO || r == ERR_CANCELLED)
		return r;
	if (r < 0) {
		_cleanup_(free_p) char *why = xstrdup(err->msg);

		return back_failed(a, why, err);
	}
	check_home_imports(a);
	return end_rolled_back(a, err);
}

int rollback_is_newest(struct tx *t, const char *event_id, struct err *err)
{
	return attempt_is_newest(t, event_id, err);
}
