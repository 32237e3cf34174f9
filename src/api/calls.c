/* Calls by hour and by outcome, as R2's queries ask for them; the document is read/calls.c's. */
#include "api/internal.h"

#include "engine/engine.h"
#include "read/calls.h"
#include "store/store.h"

static int get_calls(struct call *c)
{
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int64_t hours;
	int status;

	if (!call_query_i64(c, "hours", 1, CALLS_MOST_H, CALLS_DAY_H, &hours, &status))
		return status;
	if (pg_acquire(c->engine->store->pool, &conn, &err) < 0 ||
	    read_calls(conn, loop_wall_ms(c->engine->loop), hours, &w, &err) < 0)
		return api_problem_err(c, &err);
	return 200;
}

static const struct route routes[] = {
	{ "GET", "/api/v1/calls", PR_VIEWER, 0, { { 0 } }, get_calls,
	  "calls by hour and by outcome, of the last hours (24)" },
};
const struct route_table calls_routes = { routes, COUNT_OF(routes) };
