/* Switches and acknowledgements: pause, unpause, maintenance, ack. */
#include "api/internal.h"

#include "engine/engine.h"
#include "engine/parts.h"
#include "failover/commands.h"
#include "notify/notify.h"
#include "store/events.h"

static struct who who_of(const struct call *c)
{
	return (struct who){ .actor = c->user, .role = enum_name(&person_role_names, (int)c->role),
			     .via = "api" };
}

enum { MOST_MIN = 43200 };
#define MOST_MS (MOST_MIN * INT64_C(60000))

/* "for": duration text, or "minutes". *ret 0 = until somebody ends it. */
static int until(struct call *c, int64_t otherwise_ms, int64_t *ret)
{
	const char *text = call_text(c, "for");
	int64_t ms = call_int(c, "minutes", 0) * 60000;

	if (text && !parse_duration_ms(text, &ms))
		return api_problem_field(c, 400, "for", "a duration with its unit, such as 30m or"
							" 1h30m");
	if (text && (ms < 1000 || ms > MOST_MS))
		return api_problem_field(c, 400, "for", "from 1s to 30d");
	if (ms == 0)
		ms = otherwise_ms;
	*ret = ms ? loop_wall_ms(c->engine->loop) + ms : 0;
	return 0;
}

static int done(struct call *c)
{
	hub_wake(c->engine->hub);
	parts_wake(c->engine);
	str_add(&c->out, "{\"ok\":true}");
	return 200;
}

static int pause_to(struct call *c, bool on)
{
	struct who who = who_of(c);
	struct err err = { 0 };
	int64_t until_ms = 0;
	int status = on ? until(c, 0, &until_ms) : 0;

	if (status)
		return status;
	if (command_pause(c->engine->decider, &who, on, until_ms, call_text(c, "reason"), &err) < 0)
		return api_problem_err(c, &err);
	return done(c);
}

static int post_pause(struct call *c)
{
	return pause_to(c, true);
}

/* Automation is on again only when neither a pause nor maintenance is left. */
static int post_unpause(struct call *c)
{
	struct who who = who_of(c);
	struct err err = { 0 };

	if (hub_state(c->engine->hub)->control.maintenance &&
	    command_maintenance(c->engine->decider, &who, false, 0, call_text(c, "reason"),
				&err) < 0)
		return api_problem_err(c, &err);
	return pause_to(c, false);
}

static int post_maintenance(struct call *c)
{
	enum { HOUR_MS = 3600000 };
	struct who who = who_of(c);
	bool on = json_get_bool(c->body, "on", true);
	struct err err = { 0 };
	int64_t until_ms = 0;
	int status = on ? until(c, HOUR_MS, &until_ms) : 0;

	if (status)
		return status;
	if (command_maintenance(c->engine->decider, &who, on, until_ms, call_text(c, "reason"),
				&err) < 0)
		return api_problem_err(c, &err);
	return done(c);
}

/* The page that is open somewhere else is acknowledged with it. */
static int tell_acked(struct call *c, struct tx *t, const char *id, struct err *err)
{
	_cleanup_(free_p) char *text = xasprintf("%s is on it", c->user);
	struct event_row row = { 0 };
	int e = event_load(c->engine->store, t, id, &row, err);

	if (e == 0)
		e = notify_put(t, c->engine->o->notify, SAY_ACKED, &row.e, NULL, text, err);
	event_row_fini(&row);
	return e;
}

static int post_ack(struct call *c)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = who_of(c);
	struct err err = { 0 };

	if (tx_begin(c->engine->store, &t, &who, &err) < 0 ||
	    event_ack(&t, call_text(c, "eventId"), c->user, &err) < 0 ||
	    tell_acked(c, &t, call_text(c, "eventId"), &err) < 0 ||
	    tx_commit(&t, NULL, &err) < 0)
		return api_problem_err(c, &err);
	return done(c);
}

#define REASON { "reason", M_TEXT, .max = 500 }
#define FOR { "for", M_TEXT, .max = 20 }, { "minutes", M_INT, .min = 1, .max = MOST_MIN }

static const struct route routes[] = {
	{ "POST", "/api/v1/pause", PR_OPERATOR, 0, { FOR, REASON }, post_pause,
	  "automation off, for a while or until unpaused" },
	{ "POST", "/api/v1/unpause", PR_OPERATOR, 0, { REASON }, post_unpause, "automation on" },
	{ "POST", "/api/v1/maintenance", PR_OPERATOR, 0, { FOR, REASON, { "on", M_BOOL } },
	  post_maintenance, "maintenance, an hour unless said; on:false ends it" },
	{ "POST", "/api/v1/ack", PR_OPERATOR, 0,
	  { { "eventId", M_TEXT, .required = true, .max = 40 }, REASON }, post_ack,
	  "somebody is on it: stops the paging, changes nothing else" },
};
const struct route_table control_routes = { routes, COUNT_OF(routes) };
