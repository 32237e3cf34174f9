/* Times of incidents and of failovers, summed up: what the console draws and scripts read. */
#include "api/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "read/failovers.h"
#include "read/review.h"
#include "report/failovers.h"
#include "report/overview.h"
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
			if (times_known_since(&page[i]) >= since_ms)
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

/* Incidents of a time, and how long each was of which severity. */
struct past { struct incident *v; size_t n; struct severity_span *spans; size_t n_spans; };

static int read_past(struct call *c, int64_t since_ms, struct past *p, struct err *err)
{
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	int e = all_incidents(c, since_ms, &p->v, &p->n, err);

	if (e == 0)
		e = pg_acquire(c->engine->store->pool, &conn, err);
	return e < 0 ? e : read_severity_spans(conn, loop_wall_ms(c->engine->loop), &p->spans,
					       &p->n_spans, err);
}

static void past_fini(struct past *p)
{
	records_free(&incident_type, p->v, p->n);
	records_free(&severity_span_type, p->spans, p->n_spans);
}

static size_t past_table(const struct past *p, enum time_group by, struct times_row **ret)
{
	size_t n = times_table(p->v, p->n, by, ret);

	times_severities(*ret, n, p->v, p->n, by, p->spans, p->n_spans);
	return n;
}

static void write_severities(struct jw *w, const struct times_row *r)
{
	jw_arr(w, "severities");
	for (size_t k = 0; k < r->n_severities; k++) {
		jw_obj(w, NULL);
		jw_str(w, "severity", r->severities[k].severity);
		jw_i64(w, "ms", r->severities[k].ms);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static void write_all(struct jw *w, const struct past *p, enum time_group by)
{
	const struct incident *v = p->v;
	struct time_summary all[TIME_KINDS];
	struct times_row *rows;
	size_t n = p->n, n_rows = past_table(p, by, &rows);

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
		write_severities(w, &rows[i]);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_obj_end(w);
	times_free(rows, n_rows);
}

static int64_t days_ago(const struct call *c)
{
	return loop_wall_ms(c->engine->loop) - call_number(c, "days") * DAY_MS;
}

static int get_times(struct call *c)
{
	struct past p = { 0 };
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int status = 200;

	if (read_past(c, days_ago(c), &p, &err) < 0)
		status = api_problem_err(c, &err);
	else
		write_all(&w, &p, str_eq(call_query(c, "by"), "cause") ? TIMES_BY_CAUSE :
									 TIMES_BY_MONTH);
	past_fini(&p);
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

static void parts_fini(struct failover_parts *p)
{
	records_free(&failover_row_type, p->rows, p->n_rows);
	records_free(&failover_step_type, p->steps, p->n_steps);
	records_free(&failover_gate_type, p->gates, p->n_gates);
}

static int get_failovers(struct call *c)
{
	struct failover_parts p = { 0 };
	struct failover_metrics m;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int64_t since = days_ago(c);
	int status = 200;

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
	parts_fini(&p);
	return status;
}

static void fill(struct overview *o, const struct past *p, const struct failover_parts *f)
{
	o->n_months = past_table(p, TIMES_BY_MONTH, &o->months);
	o->n_causes = past_table(p, TIMES_BY_CAUSE, &o->causes);
	for (int k = 0; k < TIME_KINDS; k++)
		times_summary(p->v, p->n, (enum time_kind)k, &o->all[k]);
	for (size_t i = 0; i < p->n; i++) {
		o->incidents += p->v[i].kind != IK_DRILL;
		o->drills += p->v[i].kind == IK_DRILL;
		o->backfills += p->v[i].kind == IK_BACKFILL;
	}
	failover_count(f->rows, f->n_rows, f->steps, f->n_steps, &o->failovers);
	o->gates = f->gates;
	o->n_gates = f->n_gates;
}

static int get_overview(struct call *c)
{
	struct past p = { 0 };
	struct failover_parts f = { 0 };
	struct overview o = { .now_ms = loop_wall_ms(c->engine->loop) };
	struct err err = { 0 };
	int status = 200;

	o.since_ms = days_ago(c);
	if (read_past(c, o.since_ms, &p, &err) < 0 || read_parts(c, o.since_ms, &f, &err) < 0) {
		status = api_problem_err(c, &err);
	} else {
		fill(&o, &p, &f);
		overview_html(&o, &c->out);
		if (!c->out.full && c->req)
			api_reply_page(c, "text/html; charset=utf-8");
	}
	if (c->out.full)
		status = api_problem(c, 500, NULL, "the page is larger than an answer may be");
	times_free(o.months, o.n_months);
	times_free(o.causes, o.n_causes);
	past_fini(&p);
	parts_fini(&f);
	return status;
}

#define DAYS(usual)                                                                                \
	{ "days", Q_INT, "so far back", .min = 1, .max = DAYS_MAX, .otherwise = usual }

static const struct route routes[] = {
	{ "GET", "/api/v1/metrics/times", PR_VIEWER, .handle = get_times,
	  .help = "TTD, TTA, TTM, TTR, impact: n, median, p90, max, mean",
	  .query = { { "by", Q_WORD, "a row for each; month unless said",
		       .also = (const char *const[]){ "month", "cause", NULL } },
		     DAYS(DAYS_MAX) } },
	{ "GET", "/api/v1/metrics/failover", PR_VIEWER, .handle = get_failovers,
	  .help = "how windows end, time per step, which gates held", .query = { DAYS(365) } },
	{ "GET", "/api/v1/metrics/overview", PR_VIEWER, .handle = get_overview,
	  .help = "all of it as one HTML page with charts", .query = { DAYS(365) } },
};
const struct route_table times_routes = { routes, COUNT_OF(routes) };
