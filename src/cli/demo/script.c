/* Steps that several scripts take; see script.h. */
#include "cli/demo/script.h"

static bool settled(struct demo *d, const void *arg)
{
	(void)arg;
	for (size_t i = 0; i < d->state.n_accounts; i++) {
		const struct account *a = &d->state.accounts[i];

		if (a->health != HEALTH_HEALTHY)
			return false;
		if (!a->is_primary && a->voice_ready == 0)
			return false;
	}
	return d->state.n_accounts > 0 && d->state.n_gates > 0;
}

bool script_begin_only_settle(struct demo *d)
{
	if (!demo_wait(d, slack(d, 600), settled, NULL, "every account to be found healthy"))
		return false;
	free_p(&d->digest);
	d->digest = demo_digest(d);
	return true;
}

bool script_outage(struct demo *d)
{
	_cleanup_(free_p) char *body = xasprintf("{\"name\":\"%s\",\"auto\":true}",
						 d->scenario->name);
	int status = 0;

	json_free(demo_sim(d, "POST", "/_sim/scenario", body, &status));
	if (status != 200)
		return demo_fail(d, "the simulator refuses to start the scenario (HTTP %d)",
				 status);
	d->began_ms = loop_wall_ms(d->loop);
	return true;
}

bool script_begin(struct demo *d)
{
	return script_begin_only_settle(d) && script_outage(d);
}

void script_at_once(struct demo *d)
{
	const struct event *e;

	if (!script_begin(d) || !demo_wait_status(d, "completed", slack(d, 600)))
		return;
	e = demo_event(d);
	if (e->tests_failed > 0 || e->deadline_at_ms)
		demo_fail(d, "a window was opened although the failure is critical and confirmed");
}

bool script_window_opens(struct demo *d)
{
	return script_begin(d) && demo_wait_status(d, "pending", slack(d, 900)) &&
	       demo_wait_tests(d, 1, slack(d, 120));
}

bool script_order_on(struct demo *d, const char *verb, const char *event, const char *extra)
{
	int status = demo_order(d, verb, event, extra);

	if (status >= 200 && status < 300)
		return true;
	return demo_fail(d, "%s of %s was refused with %d: %.300s", verb, event, status,
			 d->refused ? d->refused : "");
}

bool script_order(struct demo *d, const char *verb, const char *extra)
{
	const struct event *e = demo_event(d);
	_cleanup_(free_p) char *id = xstrdup(e ? e->id : "");

	return script_order_on(d, verb, id, extra);
}

static bool named_healthy(struct demo *d, const void *arg)
{
	for (size_t i = 0; i < d->state.n_accounts; i++)
		if (str_eq(d->state.accounts[i].name, arg))
			return d->state.accounts[i].health == HEALTH_HEALTHY;
	return false;
}

bool script_healthy(struct demo *d, const char *account, int64_t ms)
{
	_cleanup_(free_p) char *what = xasprintf("%s to be healthy again", account);

	return demo_wait(d, ms, named_healthy, account, what);
}

/* The gates of the way back may need another look at the recovered account: try again on 409. */
bool script_rolls_back(struct demo *d)
{
	const struct event *e = demo_event(d);
	_cleanup_(free_p) char *id = xstrdup(e ? e->id : "");
	int64_t until = loop_now_ms(d->loop) + slack(d, 300);
	int status;

	while ((status = demo_order(d, "rollback", id, "")) == 409 && loop_now_ms(d->loop) < until)
		demo_sleep_story(d, 30);
	if (status != 202)
		return demo_fail(d, "rollback was refused with %d: %.300s", status,
				 d->refused ? d->refused : "");
	return demo_wait_status(d, "rolled_back", slack(d, 600));
}

static bool any_alert(struct demo *d, const void *arg)
{
	(void)arg;
	return d->alerts > 0 || d->state.n_alerts > 0 || d->state.n_events > 0;
}

bool script_no_event_for(struct demo *d, double seconds)
{
	int64_t until = loop_now_ms(d->loop) + demo_story_ms(d, seconds);

	while (loop_now_ms(d->loop) < until && !task_cancelled()) {
		if (d->state.n_events > 0)
			return demo_fail(d, "an event was opened: %s", d->state.events[0].cause ?
					 d->state.events[0].cause : "");
		condition_wait(&d->changed, 250);
	}
	return true;
}

bool script_alert_only(struct demo *d, double seconds)
{
	return script_begin(d) &&
	       demo_wait(d, slack(d, 900), any_alert, NULL, "an alert") &&
	       script_no_event_for(d, seconds);
}

static bool gate_is_shut(struct demo *d, const void *arg)
{
	for (size_t i = 0; i < d->state.n_gates; i++)
		for (size_t k = 0; k < d->state.gates[i].n_gates; k++)
			if (d->state.gates[i].gates[k].gate == *(const int *)arg &&
			    !d->state.gates[i].gates[k].pass)
				return true;
	return false;
}

bool script_gate_shut(struct demo *d, enum gate gate)
{
	int g = (int)gate;
	_cleanup_(free_p) char *what = xasprintf("gate %s to be shut", gate_name(g));

	return demo_wait(d, slack(d, 300), gate_is_shut, &g, what);
}

int script_leader(struct demo *d)
{
	for (int i = 0; i < DEMO_ENGINES; i++) {
		char id[16];

		snprintf(id, sizeof(id), "eng-%d", i + 1);
		if (str_eq(d->state.leader, id))
			return i;
	}
	return -1;
}

static bool leader_moved(struct demo *d, const void *arg)
{
	int i = script_leader(d);

	return i >= 0 && i != *(const int *)arg;
}

bool script_leader_is_not(struct demo *d, int i, int64_t ms)
{
	return demo_wait(d, ms, leader_moved, &i, "the other engine to lead");
}
