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
	if (pg_acquire(c->engine->store->pool, &conn, &err) < 0 ||
	    read_calls(conn, loop_wall_ms(c->engine->loop), call_number(c, "hours"), &w, &err) < 0)
		return api_problem_err(c, &err);
	return 200;
}

static const struct route routes[] = {
	{ "GET", "/api/v1/calls", PR_VIEWER, 0, { { 0 } }, get_calls,
	  "calls by hour and by outcome",
	  { { "hours", Q_INT, "of the last hours", .min = 1, .max = CALLS_MOST_H,
	      .otherwise = CALLS_DAY_H } } },
};
const struct route_table calls_routes = { routes, COUNT_OF(routes) };
