/* The failover resource (contract.md §4, paths of R4): checks, orders, events. Orders are
 * handed to failover/commands.h; what they answer becomes the reply here. */
#include "api/internal.h"

#include <stdio.h>

#include "engine/engine.h"
#include "engine/parts.h"
#include "failover/commands.h"
#include "failover/decide.h"
#include "failover/monitor.h"
#include "failover/preflight.h"
#include "notify/channel.h"
#include "store/events.h"
#include "store/items.h"

#define A "/api/admin/twilio-failover"

/* ---- observing ------------------------------------------------------------------------ */

static int get_health_check(struct call *c)
{
	struct err err = { 0 };

	if (monitor_cycle(c->engine->monitor, call_query(c, "accountId"), call_query(c, "kinds"),
			  &c->out, &err) < 0)
		return api_problem_err(c, &err);
	return 200;
}

static int post_detect(struct call *c)
{
	struct err err = { 0 };

	if (decider_detect(c->engine->decider, call_text(c, "accountId"), &c->out, &err) < 0)
		return api_problem_err(c, &err);
	return 200;
}

/* Names of the channels that are configured; NULL: none is. Caller frees. */
static char *channels_text(const struct notify_settings *set)
{
	struct str b = STR_INIT(1000);
	const struct channel *ch;

	for (size_t i = 0; (ch = channel_at(i)) != NULL; i++)
		if (ch->configured(set))
			str_addf(&b, "%s%s", b.len ? ", " : "", ch->name);
	if (b.len)
		return str_take(&b);
	str_fini(&b);
	return NULL;
}

static int get_preflight(struct call *c)
{
	_cleanup_(free_p) char *tell = channels_text(c->engine->o->notify);
	struct preflight_ask ask = { call_query(c, "accountId"), call_query(c, "targetAccountId"),
				     tell };
	struct err err = { 0 };
	struct jw w = JW(&c->out);
	int64_t began = loop_now_ms(c->engine->loop);

	jw_obj(&w, NULL);
	if (preflight(c->engine->decider, &ask, &w, &err) < 0) {
		str_clear(&c->out);
		return api_problem_err(c, &err);
	}
	jw_i64(&w, "tookMs", loop_now_ms(c->engine->loop) - began);
	jw_obj_end(&w);
	return 200;
}

static int run_cron(struct call *c)
{
	struct err err = { 0 };

	if (monitor_cron(c->engine->monitor, &c->out, &err) < 0)
		return api_problem_err(c, &err);
	return 200;
}

/* ---- orders ---------------------------------------------------------------------------- */

struct order {
	struct command c;
	struct who who;
	const char *overrides[GATE_MAX];
};

static int read_overrides(struct call *c, struct order *o)
{
	const struct json *list = json_get(c->body, "overrides");

	for (const struct json *v = json_first(list); v; v = json_next(v)) {
		char detail[200];

		if (enum_parse(&gate_names, json_str(v)) < 0) {
			const char *near = str_nearest(json_str(v), gate_names.names, gate_names.n);

			snprintf(detail, sizeof(detail), "there is no such gate%s%s%s",
				 near ? "; did you mean \"" : "", near ? near : "",
				 near ? "\"?" : "");
			return api_problem_field(c, 400, "overrides", detail);
		}
		if (o->c.n_overrides < COUNT_OF(o->overrides))
			o->overrides[o->c.n_overrides++] = json_str(v);
	}
	o->c.overrides = o->overrides;
	return 0;
}

static int read_order(struct call *c, struct order *o)
{
	*o = (struct order){ 0 };
	o->who = (struct who){ .actor = c->user, .role = enum_name(&person_role_names,
		(int)c->role),
			       .via = "api" };
	o->c = (struct command){
		.who = &o->who, .account = call_text(c, "accountId"),
		.event = call_text(c, "eventId"),
		.target = call_text(c, "targetAccountId"), .reason = call_text(c, "reason"),
		.plan_hash = call_text(c, "planHash"), .minutes = call_int(c, "minutes", 0),
		.dry_run = call_flag(c, "dryRun"), .partial = call_flag(c, "partial"),
	};
	return read_overrides(c, o);
}

static int refused(struct call *c, const struct command_result *r, const struct err *err)
{
	struct jw w = JW(&c->out);

	if (err->code != ERR_CONFLICT || (r->n_gates == 0 && !r->plan && !r->event))
		return api_problem_err(c, err);
	str_clear(&c->out);
	problem_begin(&w, 409, r->n_gates ? "A gate is shut" : r->plan ? "The plan changed" : NULL,
		      err->msg);
	if (r->n_gates)
		gates_json_of(&w, r->gates, r->n_gates);
	if (r->plan)
		jw_raw(&w, "plan", r->plan);
	if (r->event)
		jw_raw(&w, "event", r->event);
	jw_obj_end(&w);
	return 409;
}

static int do_order(struct call *c, command_fn fn, int done_status)
{
	struct command_result r = { 0 };
	struct err err = { 0 };
	struct jw w = JW(&c->out);
	struct order o;
	int status = read_order(c, &o);

	if (status)
		return status;
	if (fn(c->engine->decider, &o.c, &r, &err) < 0) {
		status = refused(c, &r, &err);
	} else {
		jw_obj(&w, NULL);
		if (r.event)
			jw_raw(&w, "event", r.event);
		if (r.plan)
			jw_raw(&w, "plan", r.plan);
		if (o.c.dry_run && r.n_gates)
			gates_json_of(&w, r.gates, r.n_gates);
		jw_obj_end(&w);
		status = o.c.dry_run ? 200 : done_status;
		hub_wake(c->engine->hub);
		parts_wake(c->engine);
	}
	command_result_fini(&r);
	return status;
}

static int post_start(struct call *c)
{
	const char *trigger = call_text(c, "triggerType");

	if (trigger && !str_eq(trigger, "MANUAL"))
		return api_problem_field(c, 400, "triggerType", "only MANUAL can be ordered");
	return do_order(c, command_start, 201);
}

static int post_approve(struct call *c)
{
	return do_order(c, command_approve, 200);
}

static int post_reject(struct call *c)
{
	return do_order(c, command_reject, 200);
}

static int post_extend(struct call *c)
{
	return do_order(c, command_extend, 200);
}

static int post_cancel(struct call *c)
{
	return do_order(c, command_cancel, 200);
}

static int post_resume(struct call *c)
{
	return do_order(c, command_resume, 200);
}

static int post_accept(struct call *c)
{
	return do_order(c, command_accept, 200);
}

static int post_rollback(struct call *c)
{
	return do_order(c, command_rollback, 202);
}

/* ---- events ---------------------------------------------------------------------------- */

static int get_events(struct call *c)
{
	struct events_filter f = { 0 };
	_cleanup_(free_p) char *cursor = NULL;
	_cleanup_(free_p) char *account = NULL;
	struct event_row *rows = NULL;
	struct err err = { 0 };
	struct jw w = JW(&c->out);
	size_t n = 0;
	int status;

	if (!call_query_account(c, "accountId", &account, &status))
		return status;
	f.account = account;
	f.limit = call_number(c, "limit");
	f.status = call_query(c, "status");
	f.cursor = call_query(c, "cursor");
	if (events_list(c->engine->store, &f, &rows, &n, &cursor, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "events");
	for (size_t i = 0; i < n; i++)
		event_json(&w, NULL, &rows[i].e);
	jw_arr_end(&w);
	jw_str(&w, "nextCursor", cursor);
	jw_obj_end(&w);
	event_rows_free(rows, n);
	return 200;
}

static int get_event(struct call *c)
{
	struct event_row row = { 0 };
	struct err err = { 0 };
	struct jw w = JW(&c->out);

	if (event_load(c->engine->store, NULL, c->params[0], &row, &err) < 0)
		return api_problem_err(c, &err);
	event_json(&w, NULL, &row.e);
	event_row_fini(&row);
	return 200;
}

#define EVENT_ID { "eventId", M_TEXT, .required = true, .max = 40 }
#define REASON { "reason", M_TEXT, .max = 500 }
#define OVERRIDES { "overrides", M_TEXTS }
#define ACCOUNT { "accountId", Q_TEXT, "an id, SID or name", .required = true, .max = 100 }

static const struct route routes[] = {
	{ "GET", A "/health-check", PR_VIEWER, 0, { { 0 } }, get_health_check,
	  "one health cycle of an account now; repeats within 30 s get the last result",
	  { ACCOUNT, { "kinds", Q_WORDS, "these probes only", .names = &probe_kind_names } } },
	{ "POST", A "/detect", PR_VIEWER, 0,
	  { { "accountId", M_TEXT, .required = true, .max = 100 } }, post_detect,
	  "would a failover be started, by which rule, and which gates are shut" },
	{ "GET", A "/preflight", PR_OPERATOR, 0, { { 0 } }, get_preflight,
	  "what a failover of an account would do, and could; reads only",
	  { ACCOUNT, { "targetAccountId", Q_TEXT, "to this one", .max = 100 } } },
	{ "POST", A "/start", PR_OPERATOR, 0,
	  { { "accountId", M_TEXT, .required = true, .max = 100 }, { "triggerType", M_TEXT },
	    { "targetAccountId", M_TEXT, .max = 100 }, REASON, { "dryRun", M_BOOL },
	    { "partial", M_BOOL }, OVERRIDES }, post_start, "start a failover by hand" },
	{ "POST", A "/approve", PR_OPERATOR, 0,
	  { EVENT_ID, REASON, { "planHash", M_TEXT, .max = 100 }, OVERRIDES,
	    { "partial", M_BOOL } },
	  post_approve, "approve a held or pending event with the plan that was seen" },
	{ "POST", A "/reject", PR_OPERATOR, 0, { EVENT_ID, REASON }, post_reject,
	  "do not fail over; the cause opens nothing new for an hour" },
	{ "POST", A "/extend", PR_OPERATOR, 0,
	  { EVENT_ID, REASON, { "minutes", M_INT, .min = 1, .max = 60 } }, post_extend,
	  "give the window more time, 10 minutes unless said" },
	{ "POST", A "/cancel", PR_OPERATOR, 0, { EVENT_ID, REASON }, post_cancel,
	  "stop it: before step 3 free, later a rollback" },
	{ "POST", A "/resume", PR_OPERATOR, 0, { EVENT_ID, REASON, OVERRIDES }, post_resume,
	  "go on with a failed event" },
	{ "POST", A "/accept", PR_OPERATOR, 0, { EVENT_ID, REASON }, post_accept,
	  "take a failed event as it is, differences kept" },
	{ "POST", A "/rollback", PR_OPERATOR, 0,
	  { EVENT_ID, REASON, { "dryRun", M_BOOL }, OVERRIDES }, post_rollback,
	  "put back what nobody else changed" },
	{ "GET", A "/events", PR_VIEWER, 0, { { 0 } }, get_events,
	  "events, newest first",
	  { { "status", Q_WORDS, "events in it", .names = &event_status_names },
	    Q_ACCOUNT("events that leave it or go to it"), Q_LIMIT(100),
	    { "cursor", Q_ID, "nextCursor of the page before", .prefix = "EV-" } } },
	{ "GET", A "/events/{id}", PR_VIEWER, 0, { { 0 } }, get_event, "one event" },
	{ "GET", "/api/cron/twilio-health-monitor", PR_VIEWER, ROUTE_CRON, { { 0 } }, run_cron,
	  "one full cycle, for a scheduler" },
	{ "POST", "/api/cron/twilio-health-monitor", PR_VIEWER, ROUTE_CRON | ROUTE_NO_BODY_CHECK,
	  { { 0 } }, run_cron, "the same" },
};
const struct route_table failover_routes = { routes, COUNT_OF(routes) };
