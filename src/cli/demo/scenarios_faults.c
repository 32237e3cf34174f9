/* Scenarios in which our own processes die, stand still or lose the database. */
#include "cli/demo/script.h"

static bool step_running(struct demo *d, const void *arg)
{
	const struct event *e = demo_event(d);
	int step = *(const int *)arg;

	return e && e->status == EV_EXECUTING &&
	       (e->steps[step].state == SS_RUNNING || e->steps[step].state == SS_DONE);
}

static bool wait_step(struct demo *d, enum step_id step)
{
	int n = (int)step;
	_cleanup_(free_p) char *what = xasprintf("step %s to run", step_name(n));

	return demo_wait(d, slack(d, 900), step_running, &n, what);
}

static bool executed_by_other(struct demo *d, int leader)
{
	char id[16];

	snprintf(id, sizeof(id), "eng-%d", leader + 1);
	if (str_eq(demo_event(d)->executed_by, id))
		return demo_fail(d, "executedBy is %s, the engine that was stopped", id);
	return true;
}

static void play_engine_crash(struct demo *d)
{
	int leader;

	if (!script_begin(d) || !wait_step(d, STEP_ELEVENLABS))
		return;
	leader = script_leader(d);
	if (leader < 0) {
		demo_fail(d, "nobody leads");
		return;
	}
	demo_engine_kill(d, leader, SIGKILL);
	if (demo_wait_status(d, "completed", slack(d, 900)))
		executed_by_other(d, leader);
}

static bool request_held(struct demo *d, const void *arg)
{
	struct json *state = demo_sim(d, "GET", "/_sim/state?parts=waiting", NULL, NULL);
	bool held = json_count(json_get(state, "waiting")) > 0;

	(void)arg;
	json_free(state);
	return held;
}

static void play_stale_leader(struct demo *d)
{
	int leader;

	if (!script_begin(d))
		return;
	demo_stage(d, "hold");
	if (!demo_wait(d, slack(d, 900), request_held, NULL, "a write on the wire"))
		return;
	leader = script_leader(d);
	if (leader < 0) {
		demo_fail(d, "nobody leads");
		return;
	}
	demo_engine_kill(d, leader, SIGSTOP);
	if (!script_leader_is_not(d, leader, slack(d, 0)))
		return;
	demo_stage(d, "release");
	demo_engine_kill(d, leader, SIGCONT);
	if (demo_wait_status(d, "completed", slack(d, 900)))
		executed_by_other(d, leader);
}

static void play_unattended(struct demo *d)
{
	struct err err = { 0 };
	int64_t before;

	if (!script_window_opens(d))
		return;
	before = demo_event(d)->tested_failing_ms;
	demo_engine_kill(d, 0, SIGKILL);
	demo_sleep_story(d, 700); /* longer than what is left of the window */
	if (demo_engine_start(d, 0, &err) < 0) {
		demo_fail(d, "%s", err.msg);
		return;
	}
	demo_sleep_story(d, 60);
	if (demo_event(d)->status != EV_PENDING && demo_event(d)->status != EV_HELD) {
		demo_fail(d, "it became %s out of the gap",
			  event_status_name(demo_event(d)->status));
		return;
	}
	if (!demo_wait_status(d, "completed", slack(d, 1800)))
		return;
	if (demo_event(d)->tested_failing_ms < demo_event(d)->window_ms)
		demo_fail(d, "approved with %lld ms of tested failing time, %lld are needed (%lld"
			     " before the gap)", (long long)demo_event(d)->tested_failing_ms,
			  (long long)demo_event(d)->window_ms, (long long)before);
}

static bool mail_about_database(struct demo *d, const void *arg)
{
	struct json *sent = demo_sim(d, "GET", "/_sim/sent", NULL, NULL);
	struct str b = STR_INIT((size_t)64 << 20);
	bool found;

	(void)arg;
	json_print(&b, sent);
	found = b.s && strstr(b.s, "database");
	str_fini(&b);
	json_free(sent);
	return found;
}

static void play_db_down(struct demo *d)
{
	struct err err = { 0 };
	struct json *state;
	int64_t writes;

	if (!script_window_opens(d))
		return;
	if (demo_database_stop(d, &err) < 0) {
		demo_fail(d, "%s", err.msg);
		return;
	}
	if (!demo_wait(d, slack(d, 120), mail_about_database, NULL, "a mail about the database"))
		return;
	state = demo_sim(d, "GET", "/_sim/state?parts=counters", NULL, NULL);
	writes = json_i64(json_path(state, "counters.effectiveWrites"), -1);
	json_free(state);
	demo_sleep_story(d, 300);
	state = demo_sim(d, "GET", "/_sim/state?parts=counters", NULL, NULL);
	if (json_i64(json_path(state, "counters.effectiveWrites"), -1) != writes)
		demo_fail(d, "something was written outside while the database was away");
	json_free(state);
	if (demo_database_start(d, &err) < 0) {
		demo_fail(d, "%s", err.msg);
		return;
	}
	demo_wait_status(d, "completed", slack(d, 1800));
}

static const struct scenario rows[] = {
	{ "engine-crash", "the leader is killed in step 5, a second engine runs", "completed", 2,
	  .play = play_engine_crash },
	{ "stale-leader", "the leader stands still with a request on the wire", "completed", 2,
	  .play = play_stale_leader },
	{ "unattended", "every engine is down for most of the window", "completed", 1,
	  .play = play_unattended },
	{ "db-down", "PostgreSQL stops for a while in the window", "completed", 1,
	  .play = play_db_down },
};
const struct scenario_list fault_scenarios = { rows, COUNT_OF(rows) };
