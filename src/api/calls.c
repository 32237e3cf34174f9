/* Calls by hour and by outcome, as R2's queries ask for them; the rows are read/calls.c's. */
#include "api/internal.h"

#include "engine/engine.h"
#include "read/calls.h"
#include "store/store.h"

enum { DAY_H = 24, MOST_H = 24 * 31 };

static int get_calls(struct call *c)
{
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	int64_t now = loop_wall_ms(c->engine->loop), hours;
	struct call_outcome *outcomes = NULL;
	struct call_hour *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0, n_outcomes = 0;
	int status, e;

	if (!call_query_i64(c, "hours", 1, MOST_H, DAY_H, &hours, &status))
		return status;
	e = pg_acquire(c->engine->store->pool, &conn, &err);
	if (e == 0)
		e = read_call_hours(conn, now, hours, &rows, &n, &err);
	if (e == 0)
		e = read_call_outcomes(conn, now, hours, &outcomes, &n_outcomes, &err);
	if (e < 0) {
		records_free(&call_hour_type, rows, n);
		return api_problem_err(c, &err);
	}
	jw_obj(&w, NULL);
	jw_time(&w, "asOf", now);
	jw_arr(&w, "hours");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &call_hour_type, &rows[i]);
	jw_arr_end(&w);
	jw_arr(&w, "outcomes");
	for (size_t i = 0; i < n_outcomes; i++)
		record_json(&w, NULL, &call_outcome_type, &outcomes[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	records_free(&call_hour_type, rows, n);
	records_free(&call_outcome_type, outcomes, n_outcomes);
	return 200;
}

static const struct route routes[] = {
	{ "GET", "/api/v1/calls", PR_VIEWER, 0, { { 0 } }, get_calls,
	  "calls by hour and by outcome, of the last hours (24)" },
};
const struct route_table calls_routes = { routes, COUNT_OF(routes) };
