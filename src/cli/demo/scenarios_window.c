/* Scenarios that are decided in the approval window. */
#include "cli/demo/script.h"

static void play_degraded(struct demo *d)
{
	if (!script_window_opens(d) || !demo_wait_status(d, "completed", slack(d, 1500)))
		return;
	if (demo_event(d)->tested_failing_ms < demo_event(d)->window_ms)
		demo_fail(d, "approved with %lld ms of tested failing time, %lld are needed",
			  (long long)demo_event(d)->tested_failing_ms,
			  (long long)demo_event(d)->window_ms);
}

static void play_approve(struct demo *d)
{
	if (!script_window_opens(d) || !demo_wait_tests(d, 2, slack(d, 120)) ||
	    !script_order(d, "approve", "") || !demo_wait_status(d, "completed", slack(d, 300)))
		return;
	demo_stage(d, "recover");
	if (script_healthy(d, "acme-main", slack(d, 900)))
		script_rolls_back(d);
}

static void play_recovers(struct demo *d)
{
	if (script_window_opens(d))
		demo_wait_status(d, "cancelled", slack(d, 1200));
}

struct reopened { int64_t times; };

static bool reopened(struct demo *d, const void *arg)
{
	const struct event *e = demo_event(d);

	return e && e->status == EV_PENDING && e->reopens >= ((const struct reopened *)arg)->times;
}

static void play_flapping(struct demo *d)
{
	int64_t before = 0;

	if (!script_window_opens(d))
		return;
	for (int64_t i = 1; i <= 3; i++) {
		struct reopened want = { i };

		before = demo_event(d)->tested_failing_ms;
		demo_stage(d, "recover");
		if (!demo_wait_status(d, "cancelled", slack(d, 900)))
			return;
		demo_stage(d, "fail");
		if (!demo_wait(d, slack(d, 900), reopened, &want, "the same event to reopen"))
			return;
		if (demo_event(d)->tested_failing_ms < before) {
			demo_fail(d, "the tested failing time was not kept: %lld ms before, %lld"
				     " after", (long long)before,
				     (long long)demo_event(d)->tested_failing_ms);
			return;
		}
	}
	if (!demo_wait_status(d, "completed", slack(d, 1500)))
		return;
	if (d->state.n_events != 1)
		demo_fail(d, "%zu events, expected one", d->state.n_events);
	else if (!demo_event(d)->flapping)
		demo_fail(d, "the event is not marked flapping");
}

static void play_reject(struct demo *d)
{
	if (!script_window_opens(d) || !script_order(d, "reject", "") ||
	    !demo_wait_status(d, "rejected", slack(d, 60)))
		return;
	demo_sleep_story(d, 900);
	if (d->state.n_events != 1)
		demo_fail(d, "a new event was opened although the cause is the same");
}

static bool is_critical(struct demo *d, const void *arg)
{
	(void)arg;
	return demo_event(d) && demo_event(d)->severity == SEV_CRITICAL;
}

static void play_escalates(struct demo *d)
{
	if (!script_window_opens(d))
		return;
	demo_stage(d, "suspend");
	if (!demo_wait(d, slack(d, 600), is_critical, NULL, "the event to become critical") ||
	    !demo_wait_status(d, "completed", slack(d, 300)))
		return;
	if (d->state.n_events != 1)
		demo_fail(d, "%zu events, expected the same one", d->state.n_events);
	else if (demo_event(d)->tested_failing_ms >= demo_event(d)->window_ms)
		demo_fail(d, "the window ran out instead of being cut short");
}

static void play_one_of_one(struct demo *d)
{
	play_degraded(d);
}

static void play_unconfirmed(struct demo *d)
{
	if (script_begin(d) && demo_wait_status(d, "pending", slack(d, 900)) &&
	    demo_wait_status(d, "held", slack(d, 1500)) && demo_event(d)->confirmed)
		demo_fail(d, "it counts as confirmed although nothing confirms it");
}

static void play_token_rotated(struct demo *d)
{
	const struct event *e;

	play_unconfirmed(d);
	e = demo_event(d);
	if (!d->failed && !(e->cause && strstr(e->cause, "credential")) &&
	    !(e->reason && strstr(e->reason, "credential")))
		demo_fail(d, "neither cause nor reason names the credential: %s; %s",
			  e->cause ? e->cause : "", e->reason ? e->reason : "");
}

static void play_paused(struct demo *d)
{
	int status = 0;

	if (!script_begin_only_settle(d))
		return;
	json_free(demo_api(d, d->operator, "POST", "/api/v1/pause", "{\"reason\":\"demo\"}",
			   &status));
	if (status != 200) {
		demo_fail(d, "pause was refused with %d", status);
		return;
	}
	if (!script_outage(d) || !demo_wait_status(d, "held", slack(d, 900)))
		return;
	json_free(demo_api(d, d->operator, "POST", "/api/v1/unpause", "{\"reason\":\"demo\"}",
			   &status));
	if (!demo_wait_status(d, "pending", slack(d, 300)) ||
	    !demo_wait_status(d, "completed", slack(d, 1500)))
		return;
	if (demo_event(d)->tested_failing_ms < demo_event(d)->window_ms)
		demo_fail(d, "it did not have a full window after the pause");
}

static const struct scenario rows[] = {
	{ "degraded", "most agents of the primary fail, nobody reacts", "completed", 1,
	  .play = play_degraded, .mends = true },
	{ "approve", "an operator approves, the primary recovers, the operator rolls back",
	  "rolled_back", 1, .play = play_approve, .digest_same = true, .mends = true },
	{ "recovers", "the primary recovers inside the window", "cancelled", 1,
	  .play = play_recovers,
	  .digest_same = true },
	{ "flapping", "recovers and fails again three times, then keeps failing", "completed", 1,
	  .play = play_flapping },
	{ "reject", "an operator rejects; the failure persists", "rejected", 1, .play = play_reject,
	  .digest_same = true },
	{ "escalates", "suspended while the window is open", "completed", 1,
	  .play = play_escalates },
	{ "two-agents", "exactly 2 of 40 agents fail, then recover", "cancelled", 1,
	  .play = play_recovers, .digest_same = true },
	{ "one-of-one", "the only watched agent fails and the account's API too", "completed", 1, 1,
	  .play = play_one_of_one },
	{ "unconfirmed", "the only credential is refused and nobody can say why", "held", 1,
	  .play = play_unconfirmed, .digest_same = true },
	{ "token-rotated", "one credential is refused, the second says the account is fine", "held",
	  1,
	  .play = play_token_rotated, .digest_same = true },
	{ "paused", "paused, then unpaused", "completed", 1, .play = play_paused },
};
const struct scenario_list window_scenarios = { rows, COUNT_OF(rows) };
