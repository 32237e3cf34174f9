/* Scenarios about carrying out and rolling back. */
#include "cli/demo/script.h"

static bool unlocked(struct demo *d, const void *arg)
{
	const struct event *e = demo_event(d);

	(void)arg;
	return e && (e->steps[STEP_UNLOCK].state == SS_DONE || !event_has_steps(e));
}

static void play_canary_fails(struct demo *d)
{
	if (script_begin(d) && demo_wait_status(d, "failed", slack(d, 900)))
		demo_wait(d, slack(d, 120), unlocked, NULL, "the application to be unlocked");
}

static void play_target_dies(struct demo *d)
{
	if (!script_begin(d) || !demo_wait_status(d, "failed", slack(d, 1500)) ||
	    !demo_wait(d, slack(d, 120), unlocked, NULL, "the application to be unlocked"))
		return;
	demo_stage(d, "recover");
	if (script_healthy(d, "acme-main", slack(d, 900)) &&
	    script_healthy(d, "acme-backup-1", slack(d, 900)))
		script_rolls_back(d);
}

static bool held_by_hour(struct demo *d, const void *arg)
{
	const struct event *e = demo_event(d);

	(void)arg;
	return d->state.n_events > 1 && e && e->status == EV_HELD && str_eq(e->held_gate, "hour");
}

static bool second_completed(struct demo *d, const void *arg)
{
	(void)arg;
	return d->state.n_events > 1 && demo_event(d)->status == EV_COMPLETED;
}

static void play_cooldown(struct demo *d)
{
	if (!script_begin(d) || !demo_wait_status(d, "completed", slack(d, 600)))
		return;
	demo_sleep_story(d, 600);
	demo_stage(d, "backup-fails");
	if (!demo_wait(d, slack(d, 1500), held_by_hour, NULL,
		       "a second event, held by gate hour") ||
	    !script_order(d, "approve", ",\"overrides\":[\"hour\"]"))
		return;
	if (!demo_wait(d, slack(d, 600), second_completed, NULL, "the second event to complete"))
		return;
	const struct account *a = state_account(&d->state, demo_event(d)->to);
	if (!a || !str_eq(a->name, "acme-backup-2"))
		demo_fail(d, "it went to %s, not to the third account", a ? a->name : "(none)");
}

static void play_rollback_conflict(struct demo *d)
{
	int status = 0;

	if (!script_begin(d) || !demo_wait_status(d, "completed", slack(d, 600)))
		return;
	demo_stage(d, "edit");
	demo_stage(d, "recover");
	if (!script_healthy(d, "acme-main", slack(d, 900)) || !script_rolls_back(d))
		return;
	struct json *state = demo_sim(d, "GET", "/_sim/state?parts=numbers", NULL, &status);
	bool kept = false;
	for (const struct json *v = json_first(json_get(state, "numbers")); v; v = json_next(v))
		kept = kept || str_eq(json_get_str(v, "smsUrl"), "https://edited.example/sms");
	json_free(state);
	if (!kept)
		demo_fail(d, "the edited webhook was overwritten by the rollback");
	_cleanup_(free_p) char *path = xasprintf("/api/v1/events/%s/items", demo_event(d)->id);
	struct json *items = demo_api(d, d->viewer, "GET", path, NULL, &status);
	bool listed = false;
	for (const struct json *v = json_first(json_get(items, "items")); v; v = json_next(v))
		listed = listed || str_eq(json_get_str(v, "state"), "conflict");
	json_free(items);
	if (!listed)
		demo_fail(d, "the conflict is not listed among the event's items");
}

static void play_rollback_early(struct demo *d)
{
	int status;

	if (!script_begin(d) || !demo_wait_status(d, "completed", slack(d, 600)))
		return;
	status = demo_order(d, "rollback", demo_event(d)->id, "");
	if (status != 409 || !d->refused || !strstr(d->refused, "target-healthy"))
		demo_fail(d, "rollback to a suspended account got %d: %.300s", status,
			  d->refused ? d->refused : "");
	demo_sleep_story(d, 120);
}

/* While the first is under way the second waits for it (gate attempt); then for numbers. */
static bool one_done_one_held(struct demo *d, const void *arg)
{
	int done = 0, held = 0;

	(void)arg;
	for (size_t i = 0; i < d->state.n_events; i++) {
		const struct event *e = &d->state.events[i];

		done += e->status == EV_COMPLETED;
		held += e->status == EV_HELD && str_eq(e->held_gate, "numbers");
	}
	return done == 1 && held == 1;
}

static void play_two_primaries(struct demo *d)
{
	if (script_begin(d))
		demo_wait(d, slack(d, 1200), one_done_one_held, NULL,
			  "one lineage completed and the other held by gate numbers");
}

static int64_t imports(struct demo *d)
{
	struct json *state = demo_sim(d, "GET", "/_sim/state?parts=imports", NULL, NULL);
	int64_t n = (int64_t)json_count(json_get(state, "imports"));

	json_free(state);
	return n;
}

static void play_register_call(struct demo *d)
{
	int64_t before = imports(d);

	script_at_once(d);
	if (!d->failed && imports(d) != before)
		demo_fail(d, "numbers were imported although the agents are integrated by"
			     " register-call");
}

static bool all_pending(struct demo *d, const void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < d->state.n_events; i++)
		n += d->state.events[i].status == EV_PENDING;
	return n == *(const size_t *)arg;
}

static bool all_decided(struct demo *d, const void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < d->state.n_events; i++)
		n += d->state.events[i].status == EV_COMPLETED ||
		     d->state.events[i].status == EV_REJECTED;
	return n == *(const size_t *)arg;
}

struct racer { struct demo *d; char *event; const char *verb; int status; int64_t after_ms; };

static void race(void *arg)
{
	struct racer *r = arg;

	task_sleep(r->after_ms);
	r->status = demo_order(r->d, r->verb, r->event, "");
}

/* Two orders on one event: at most one of them was taken (the deadline may have been first), and
 * the event is what that one said. */
static void check_race(struct demo *d, const struct racer *pair)
{
	const struct event *e = state_event(&d->state, pair[0].event);
	const struct racer *won = NULL;

	for (int i = 0; i < 2; i++) {
		if (pair[i].status != 200 && pair[i].status != 409)
			demo_fail(d, "%s of %s got %d", pair[i].verb, pair[i].event,
				  pair[i].status);
		if (pair[i].status == 200 && won)
			demo_fail(d, "%s was approved and rejected", pair[i].event);
		if (pair[i].status == 200)
			won = &pair[i];
	}
	bool rejected = won && str_eq(won->verb, "reject");
	if (!e || (e->status == EV_REJECTED) != rejected)
		demo_fail(d, "%s is %s, the order that was taken: %s", pair[0].event,
			  e ? event_status_name(e->status) : "gone", won ? won->verb : "none");
}

static void play_approve_race(struct demo *d)
{
	enum { LINEAGES = 50 };
	struct racer racers[2 * LINEAGES];
	size_t want = LINEAGES;
	struct crowd crowd;

	if (!script_begin(d) ||
	    !demo_wait(d, slack(d, 1200), all_pending, &want, "50 windows"))
		return;
	/* let the deadline come close, then everybody at once; every other rejection is sent first,
	 * every fifth comes too late, for an approval takes longer than a rejection */
	int64_t left = demo_event(d)->deadline_at_ms - loop_wall_ms(d->loop);
	task_sleep(left > 500 ? left - 300 : 0);
	crowd_init(&crowd, 2 * LINEAGES);
	for (int i = 0; i < 2 * LINEAGES; i++) {
		bool rejects = (i / 2 + i) % 2 == 1;

		racers[i] = (struct racer){ d, xstrdup(d->state.events[i / 2].id),
					    rejects ? "reject" : "approve", 0,
				    rejects && i / 2 % 5 == 0 ? 12000 : 0 };
		crowd_add(&crowd, "race", race, &racers[i]);
	}
	crowd_join(&crowd);
	if (demo_wait(d, slack(d, 1200), all_decided, &want, "50 outcomes"))
		for (int i = 0; i < 2 * LINEAGES; i += 2)
			check_race(d, &racers[i]);
	for (int i = 0; i < 2 * LINEAGES; i++)
		free_p(&racers[i].event);
}

static bool undelivered(struct demo *d, const void *arg)
{
	(void)arg;
	return d->state.outbox_waiting + d->state.outbox_dead > 0;
}

static void play_notify_down(struct demo *d)
{
	if (script_begin(d) && demo_wait_status(d, "completed", slack(d, 1800)))
		demo_wait(d, slack(d, 60), undelivered, NULL, "undelivered messages to be shown");
}

static const struct scenario rows[] = {
	{ "suspended", "the account is suspended, its parent says so", "completed", 1,
	  .play = script_at_once },
	{ "hacked", "the account's own and second credential are refused, no parent", "completed",
	  1,
	  .play = script_at_once },
	{ "numbers-deleted", "all numbers are gone", "completed", 1, .play = script_at_once },
	{ "canary-fails", "the target refuses webhooks for every number", "failed", 1,
	  .play = play_canary_fails, .digest_same = true },
	{ "target-dies", "the backup is suspended in step 6; both recover, rolled back",
	  "rolled_back",
	  1, .play = play_target_dies, .digest_same = true },
	{ "half-applied", "writes succeed but replies are lost, 5xx in the middle", "completed", 1,
	  .play = script_at_once },
	{ "cooldown", "a backup fails 10 minutes after a failover; held by gate hour, an"
	  " operator's override completes it to the third account", "completed+superseded", 1,
	  .play = play_cooldown },
	{ "rollback-conflict", "someone edits a webhook after the failover", "rolled_back", 1,
	  .play = play_rollback_conflict },
	{ "rollback-early", "rollback while the primary is still down", "completed", 1,
	  .play = play_rollback_early },
	{ "two-primaries", "two lineages fail at once, numbers for one", "completed+held", 1,
	  .settings = "failover.maxPerHour: 2\n", .play = play_two_primaries },
	{ "register-call", "agents integrated by register-call", "completed", 1,
	  .play = play_register_call },
	{ "approve-race", "50 lineages: approve, reject and deadline at the same moment",
	  "completed+rejected", 1, 100, "failover.maxPerHour: 50\n", play_approve_race },
	{ "notify-down", "mail and Slack fail", "completed", 1, .play = play_notify_down },
};
const struct scenario_list acting_scenarios = { rows, COUNT_OF(rows) };
