/* Lists that the console and the reading commands show, paged by cursor or offset. */
#include "api/internal.h"

#include <stdio.h>

#include "engine/engine.h"
#include "failover/decide.h"
#include "read/agents.h"
#include "store/control.h"
#include "store/evidence.h"
#include "store/items.h"
#include "store/journal.h"
#include "store/numbers.h"
#include "store/runs.h"
#include "store/store.h"

/* ---- agents ----------------------------------------------------------------------- */

static int get_agents(struct call *c)
{
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	struct agents_window win = { .q = call_query(c, "q"), .sort = call_query(c, "sort"),
				     .home = call_query(c, "homeAccountId") };
	_cleanup_(free_p) char *account = NULL;
	struct jw w = JW(&c->out);
	struct agent *rows = NULL;
	struct err err = { 0 };
	int64_t total = 0;
	size_t n = 0;
	char next[32];
	int status;

	if (!call_query_account(c, "accountId", &account, &status))
		return status;
	win.account = account;
	win.outcome = call_query(c, "outcome");
	win.limit = call_number(c, "limit");
	win.offset = call_number(c, call_query(c, "offset") ? "offset" : "cursor");
	if (pg_acquire(c->engine->store->pool, &conn, &err) < 0 ||
	    read_agents(conn, &win, &rows, &n, &total, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_i64(&w, "total", total);
	jw_i64(&w, "offset", win.offset);
	jw_arr(&w, "agents");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &agent_type, &rows[i]);
	jw_arr_end(&w);
	snprintf(next, sizeof(next), "%lld", (long long)win.offset + (long long)n);
	jw_str(&w, "nextCursor", win.offset + (int64_t)n < total ? next : NULL);
	jw_obj_end(&w);
	read_agents_free(rows, n);
	return 200;
}

/* ---- numbers ----------------------------------------------------------------------- */

static int get_numbers(struct call *c)
{
	struct jw w = JW(&c->out);
	struct number *rows = NULL;
	struct err err = { 0 };
	_cleanup_(free_p) char *account = NULL;
	int64_t limit = call_number(c, "limit");
	size_t n = 0;
	int status;

	if (!call_query_account(c, "accountId", &account, &status))
		return status;
	if (numbers_page(c->engine->store, account, call_query(c, "status"),
			 call_query(c, "cursor"), limit, &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "numbers");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &number_type, &rows[i]);
	jw_arr_end(&w);
	jw_str(&w, "nextCursor", (int64_t)n == limit ? rows[n - 1].phone_number : NULL);
	jw_obj_end(&w);
	numbers_free(rows, n);
	return 200;
}

/* ---- gates, audit ------------------------------------------------------------ */

/* As the live document has them: the leader's, whichever engine is asked. */
static int get_gates(struct call *c)
{
	const struct state *s = hub_state(c->engine->hub);
	_cleanup_(free_p) char *want = NULL;
	struct jw w = JW(&c->out);
	int status;

	if (!call_query_account(c, "accountId", &want, &status))
		return status;
	jw_obj(&w, NULL);
	jw_arr(&w, "lineages");
	for (size_t i = 0; i < s->n_gates; i++) {
		const struct lineage_gates *g = &s->gates[i];
		const struct account *a = state_account(s, g->lineage);

		if (want && !str_eq(want, g->lineage))
			continue;
		jw_obj(&w, NULL);
		jw_str(&w, "lineage", g->lineage);
		jw_str(&w, "name", a ? a->name : NULL);
		jw_str(&w, "target", g->target);
		gates_json_of(&w, g->gates, g->n_gates);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	return 200;
}

static int get_audit(struct call *c)
{
	struct journal_row *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int64_t limit = call_number(c, "limit");
	size_t n = 0;
	char next[32];

	if (journal_before(c->engine->store, call_number(c, "cursor"), call_query(c, "subject"),
			   call_query(c, "kind"), call_query(c, "actor"), limit, &rows, &n,
			   &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "entries");
	for (size_t i = 0; i < n; i++)
		journal_row_json(&w, NULL, &rows[i]);
	jw_arr_end(&w);
	if (n > 0)
		snprintf(next, sizeof(next), "%lld", (long long)rows[n - 1].seq);
	jw_str(&w, "nextCursor", (int64_t)n == limit ? next : NULL);
	jw_obj_end(&w);
	journal_rows_free(rows, n);
	return 200;
}

static int get_audit_verify(struct call *c)
{
	struct journal_verdict v = { 0 };
	struct runs_verdict runs = { 0 };
	struct jw w = JW(&c->out);
	struct err err = { 0 };

	if (journal_verify(c->engine->store, &v, &err) < 0 ||
	    runs_verify(c->engine->store, &runs, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_bool(&w, "ok", v.ok && runs.ok);
	jw_i64(&w, "first", v.first);
	jw_i64(&w, "last", v.last);
	jw_i64(&w, "checked", v.checked);
	jw_i64(&w, "badSeq", v.bad_seq);
	jw_i64(&w, "runs", runs.checked);
	jw_str(&w, "badRun", runs.ok ? NULL : runs.bad);
	jw_i64(&w, "badRunEntry", runs.bad_entry);
	jw_str(&w, "why", !v.ok ? v.why : runs.ok ? NULL : "an entry of a run was changed");
	jw_obj_end(&w);
	return 200;
}

/* ---- health history ------------------------------------------------------------------- */

static int get_checks(struct call *c)
{
	_cleanup_(free_p) char *account = NULL;
	struct health_point *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int64_t since = loop_wall_ms(c->engine->loop) - call_number(c, "hours") * 3600000;
	size_t n = 0;
	int status;

	if (!call_query_account(c, "accountId", &account, &status))
		return status;
	if (health_history(c->engine->store, account, since, call_number(c, "limit"), &rows, &n,
			   &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "checks");
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_time(&w, "at", rows[i].at_ms);
		jw_str(&w, "status", rows[i].status);
		jw_i64(&w, "total", rows[i].total);
		jw_i64(&w, "failed", rows[i].failed);
		jw_double(&w, "rate", rows[i].rate);
		jw_i64(&w, "latencyMs", rows[i].latency_ms);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_str(&w, "nextCursor", NULL);
	jw_obj_end(&w);
	health_points_free(rows, n);
	return 200;
}

/* ---- the lock, as the application asks ---------------------------------------------------- */

static int get_lock(struct call *c)
{
	const struct state *s = hub_state(c->engine->hub);
	int64_t now = loop_wall_ms(c->engine->loop), until = 0;
	const struct event *by = NULL;
	struct pg_result *held = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };

	for (size_t i = 0; i < s->n_events; i++)
		if (s->events[i].status == EV_EXECUTING &&
		    s->events[i].steps[STEP_LOCK].state == SS_DONE &&
		    s->events[i].steps[STEP_UNLOCK].state == SS_WAITING)
			by = &s->events[i];
	if (store_query(c->engine->store, &held, &err,
			"SELECT (SELECT max(lock_expires_at) FROM ringdown.event WHERE unlocked_at"
			" IS NULL        AND lock_expires_at > $1),"
			" (SELECT coalesce(json_agg(json_build_object('agentId', agent_id)), '[]')"
			"  FROM ringdown.sms_hold)", "m", now) < 0)
		return api_problem_err(c, &err);
	until = pg_time(held, 0, 0);
	jw_obj(&w, NULL);
	jw_bool(&w, "locked", until > now);
	jw_time(&w, "expiresAt", until);
	jw_str(&w, "eventId", by ? by->id : NULL);
	jw_raw(&w, "smsHeld", pg_text(held, 0, 1));
	jw_obj_end(&w);
	pg_result_free(held);
	return 200;
}

/* ---- who moves where ------------------------------------------------------------------------ */

static int get_items(struct call *c)
{
	struct item *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0;

	if (items_load(c->engine->store, c->params[0], &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "items");
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "agent", rows[i].agent);
		jw_str(&w, "name", rows[i].name);
		jw_bool(&w, "canary", rows[i].canary);
		jw_str(&w, "fromNumber", rows[i].from_number);
		jw_str(&w, "toNumber", rows[i].to_number);
		jw_str(&w, "state", enum_name(&item_state_names, rows[i].state));
		jw_str(&w, "step", step_name(rows[i].step));
		jw_str(&w, "error", rows[i].error);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	items_free(rows, n);
	return 200;
}

static const struct route routes[] = {
	{ "GET", "/api/v1/agents", PR_VIEWER, 0, { { 0 } }, get_agents,
	  "agents, with where they are and how they do",
	  { { "q", Q_TEXT, "in name, id or number" },
	    { "sort", Q_TEXT, "a column, -column from the other end" },
	    Q_ACCOUNT("agents that are on it now"),
	    { "homeAccountId", Q_TEXT, "agents whose own account it is" },
	    { "outcome", Q_WORDS, "of the last probe", .names = &outcome_names }, Q_LIMIT(100),
	    { "cursor", Q_INT, "nextCursor of the page before", .max = INT32_MAX },
	    { "offset", Q_INT, "or the place to begin at", .max = INT32_MAX } } },
	{ "GET", "/api/v1/numbers", PR_VIEWER, 0, { { 0 } }, get_numbers,
	  "the number pool",
	  { Q_ACCOUNT("numbers of it"),
	    { "status", Q_WORDS, "numbers in it", .names = &number_status_names }, Q_LIMIT(500),
	    { "cursor", Q_ID, "nextCursor of the page before", .prefix = "+" } } },
	{ "GET", "/api/v1/gates", PR_VIEWER, 0, { { 0 } }, get_gates,
	  "why is it not acting? every gate of every lineage",
	  { Q_ACCOUNT("the lineage of it"), Q_PAGES }, "lineages" },
	{ "GET", "/api/v1/audit", PR_VIEWER, 0, { { 0 } }, get_audit,
	  "the journal, newest first",
	  { { "subject", Q_TEXT, "what it is about" }, { "kind", Q_TEXT, "what happened" },
	    { "actor", Q_TEXT, "who did it" }, Q_LIMIT(100),
	    { "cursor", Q_INT, "nextCursor of the page before", .max = INT64_MAX } } },
	{ "GET", "/api/v1/audit/verify", PR_VIEWER, 0, { { 0 } }, get_audit_verify,
	  "recomputes the journal's chain of hashes" },
	{ "GET", "/api/v1/checks", PR_VIEWER, 0, { { 0 } }, get_checks,
	  "history of health",
	  { { "accountId", Q_TEXT, "an id, SID or name", .required = true, .max = 100 },
	    { "hours", Q_INT, "so far back", .min = 1, .max = 24 * 400, .otherwise = 24 },
	    Q_LIMIT(200) } },
	{ "GET", "/api/v1/lock", PR_VIEWER, 0, { { 0 } }, get_lock,
	  "is a failover under way, until when, and whose SMS is held" },
	{ "GET", "/api/v1/events/{id}/items", PR_VIEWER, 0, { { 0 } }, get_items,
	  "each agent of an event's plan and how far it is", { Q_PAGES }, "items" },
};
const struct route_table lists_routes = { routes, COUNT_OF(routes) };
