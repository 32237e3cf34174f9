/* Times of incidents and of failovers, summed up: what the console draws and scripts read. */
#include "api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "read/failovers.h"
#include "report/failovers.h"
#include "report/times.h"
#include "store/incidents.h"

enum { PAGE = 1000, DAY_MS = 86400000, DAYS_MAX = 3660 };

/* All incidents of the time, page by page. */
static int all_incidents(struct call *c, int64_t since_ms, struct incident **ret, size_t *ret_n,
			 struct err *err)
{
	_cleanup_(free_p) char *before = NULL;
	size_t cap = 0, n;

	do {
		struct incident *page = NULL;
		int e = incidents_list(c->engine->store, NULL, PAGE, before, &page, &n, err);

		if (e < 0)
			return e;
		*ret = grow(*ret, &cap, *ret_n + n + 1, sizeof(**ret));
		if (n > 0)
			str_replace(&before, page[n - 1].id);
		for (size_t i = 0; i < n; i++) {
			int64_t known = page[i].detected_at_ms ? page[i].detected_at_ms :
								 page[i].declared_at_ms;

			if (known >= since_ms)
				(*ret)[(*ret_n)++] = page[i];
			else
				record_fini(&incident_type, &page[i]);
		}
		free_p(&page);
	} while (n == PAGE);
	return 0;
}

static void write_times(struct jw *w, const char *name, const struct time_summary *v)
{
	jw_arr(w, name);
	for (int k = 0; k < TIME_KINDS; k++) {
		jw_obj(w, NULL);
		jw_str(w, "time", enum_name(&time_kind_names, k));
		jw_str(w, "measured", time_kind_help((enum time_kind)k));
		times_json(w, &v[k]);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static void write_all(struct jw *w, const struct incident *v, size_t n, enum time_group by)
{
	struct time_summary all[TIME_KINDS];
	struct times_row *rows;
	size_t n_rows = times_table(v, n, by, &rows);

	for (int k = 0; k < TIME_KINDS; k++)
		times_summary(v, n, (enum time_kind)k, &all[k]);
	jw_obj(w, NULL);
	jw_i64(w, "incidents", (int64_t)n);
	write_times(w, "all", all);
	jw_arr(w, "rows");
	for (size_t i = 0; i < n_rows; i++) {
		jw_obj(w, NULL);
		jw_str(w, by == TIMES_BY_CAUSE ? "cause" : "month", rows[i].name);
		jw_i64(w, "incidents", (int64_t)rows[i].incidents);
		jw_i64(w, "drills", (int64_t)rows[i].drills);
		write_times(w, "times", rows[i].v);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_obj_end(w);
	times_free(rows, n_rows);
}

static int get_times(struct call *c)
{
	const char *by = call_query(c, "by");
	struct incident *v = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int64_t days, now = loop_wall_ms(c->engine->loop);
	size_t n = 0;
	int status = 200;

	if (by && !str_eq(by, "month") && !str_eq(by, "cause"))
		return api_problem_field(c, 400, "by", "month or cause");
	if (!call_query_i64(c, "days", 1, DAYS_MAX, DAYS_MAX, &days, &status))
		return status;
	if (all_incidents(c, now - days * DAY_MS, &v, &n, &err) < 0)
		status = api_problem_err(c, &err);
	else
		write_all(&w, v, n, str_eq(by, "cause") ? TIMES_BY_CAUSE : TIMES_BY_MONTH);
	records_free(&incident_type, v, n);
	return status;
}

struct failover_parts {
	struct failover_row *rows; size_t n_rows;
	struct failover_step *steps; size_t n_steps;
	struct failover_gate *gates; size_t n_gates;
};

static int read_parts(struct call *c, int64_t since_ms, struct failover_parts *p, struct err *err)
{
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	int e = pg_acquire(c->engine->store->pool, &conn, err);

	if (e == 0)
		e = read_failovers(conn, since_ms, &p->rows, &p->n_rows, err);
	if (e == 0)
		e = read_failover_steps(conn, since_ms, &p->steps, &p->n_steps, err);
	if (e == 0)
		e = read_failover_gates(conn, since_ms, &p->gates, &p->n_gates, err);
	return e;
}

static int get_failovers(struct call *c)
{
	struct failover_parts p = { 0 };
	struct failover_metrics m;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int64_t days, since;
	int status = 200;

	if (!call_query_i64(c, "days", 1, DAYS_MAX, 365, &days, &status))
		return status;
	since = loop_wall_ms(c->engine->loop) - days * DAY_MS;
	if (read_parts(c, since, &p, &err) < 0) {
		status = api_problem_err(c, &err);
	} else {
		failover_count(p.rows, p.n_rows, p.steps, p.n_steps, &m);
		jw_obj(&w, NULL);
		jw_time(&w, "since", since);
		failover_json(&w, &m);
		records_json(&w, "gates", &failover_gate_type, p.gates, p.n_gates);
		jw_obj_end(&w);
	}
	records_free(&failover_row_type, p.rows, p.n_rows);
	records_free(&failover_step_type, p.steps, p.n_steps);
	records_free(&failover_gate_type, p.gates, p.n_gates);
	return status;
}

static const struct route routes[] = {
	{ "GET", "/api/v1/metrics/times", PR_VIEWER, .handle = get_times,
	  .help = "TTD, TTA, TTM, TTR, impact: n, median, p90, max, mean: ?by=month or "
		  "cause&days=" },
	{ "GET", "/api/v1/metrics/failover", PR_VIEWER, .handle = get_failovers,
	  .help = "how windows end, time per step, which gates held: ?days=365" },
};
const struct route_table times_routes = { routes, COUNT_OF(routes) };
