/*
 * See calls.h. Both read what is newer than a bound instant, so that an index on the time is all
 * they need; without one a large table takes longer than a statement may, which is then told.
 * Busy and no-answer are the callee's business: the share of success leaves them out.
 */
#include "read/calls.h"

#include "model/row.h"

enum { HOUR_MS = 3600000 };

static const struct field hour_fields[] = {
	FIELD(call_hour, at_ms, "hour", "HOUR", F_TIME),
	FIELD(call_hour, calls, "calls", "CALLS", F_I64),
	FIELD(call_hour, completed, "completed", "COMPLETED", F_I64),
	FIELD(call_hour, failed, "failed", "FAILED", F_I64),
	FIELD(call_hour, busy, "busy", "BUSY", F_I64),
	FIELD(call_hour, no_answer, "noAnswer", "NO ANSWER", F_I64),
	FIELD(call_hour, other, "other", "OTHER", F_I64, .help = "in progress, ringing, cancelled"),
	FIELD(call_hour, success, "success", "SUCCESS %", F_DOUBLE,
	      .help = "completed of completed and failed, percent"),
	FIELD(call_hour, avg_s, "avgSeconds", "AVERAGE S", F_I64,
	      .help = "duration of the completed"),
};
RECORD_TYPE(call_hour_type, "hour of calls", call_hour, hour_fields);

static const struct field outcome_fields[] = {
	FIELD(call_outcome, status, "outcome", "OUTCOME", F_STR, .flags = FF_OUTSIDE),
	FIELD(call_outcome, calls, "calls", "CALLS", F_I64),
	FIELD(call_outcome, share, "share", "SHARE %", F_DOUBLE, .help = "percent of all calls"),
	FIELD(call_outcome, avg_s, "avgSeconds", "AVERAGE S", F_I64),
};
RECORD_TYPE(call_outcome_type, "outcome of calls", call_outcome, outcome_fields);

static const char hours_sql[] =
	"SELECT date_trunc('hour', created_at, 'UTC') AS hour, count(*) AS calls,"
	" count(*) FILTER (WHERE status = 'completed') AS completed,"
	" count(*) FILTER (WHERE status = 'failed') AS failed,"
	" count(*) FILTER (WHERE status = 'busy') AS busy,"
	" count(*) FILTER (WHERE status = 'no-answer') AS \"noAnswer\","
	" count(*) FILTER (WHERE status IS NULL OR status NOT IN ('completed', 'failed', 'busy',"
	"  'no-answer')) AS other,"
	" coalesce(100.0 * count(*) FILTER (WHERE status = 'completed') /"
	"  nullif(count(*) FILTER (WHERE status IN ('completed', 'failed')), 0), 0) AS success,"
	" coalesce(round(avg(duration) FILTER (WHERE status = 'completed')), 0)::bigint"
	"  AS \"avgSeconds\""
	" FROM calls WHERE created_at >= $1 GROUP BY 1 ORDER BY 1 DESC LIMIT 1000";

static const char outcomes_sql[] =
	"SELECT coalesce(status, 'unknown') AS outcome, count(*) AS calls,"
	" 100.0 * count(*) / sum(count(*)) OVER () AS share,"
	" coalesce(round(avg(duration)), 0)::bigint AS \"avgSeconds\""
	" FROM calls WHERE created_at >= $1 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 100";

/* Whole hours, the one that is going on among them. */
static int64_t since(int64_t now_ms, int64_t hours)
{
	return now_ms / HOUR_MS * HOUR_MS - (hours - 1) * HOUR_MS;
}

/* Newest first; hours without calls have no row. */
static int read_call_hours(struct pg_conn *c, int64_t now_ms, int64_t hours,
			   struct call_hour **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(c, &r, err, hours_sql, "m", since(now_ms, hours));

	if (e == 0)
		*ret = row_records(&call_hour_type, r, ret_n);
	return e;
}

/* The same calls, most frequent first. */
static int read_call_outcomes(struct pg_conn *c, int64_t now_ms, int64_t hours,
			      struct call_outcome **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(c, &r, err, outcomes_sql, "m", since(now_ms, hours));

	if (e == 0)
		*ret = row_records(&call_outcome_type, r, ret_n);
	return e;
}

int read_calls(struct pg_conn *c, int64_t now_ms, int64_t hours, struct jw *w, struct err *err)
{
	struct call_outcome *outcomes = NULL;
	struct call_hour *rows = NULL;
	size_t n = 0, n_outcomes = 0;
	int e = read_call_hours(c, now_ms, hours, &rows, &n, err);

	if (e == 0)
		e = read_call_outcomes(c, now_ms, hours, &outcomes, &n_outcomes, err);
	if (e == 0) {
		jw_obj(w, NULL);
		jw_time(w, "asOf", now_ms);
		jw_arr(w, "hours");
		for (size_t i = 0; i < n; i++)
			record_json(w, NULL, &call_hour_type, &rows[i]);
		jw_arr_end(w);
		jw_arr(w, "outcomes");
		for (size_t i = 0; i < n_outcomes; i++)
			record_json(w, NULL, &call_outcome_type, &outcomes[i]);
		jw_arr_end(w);
		jw_obj_end(w);
	}
	records_free(&call_hour_type, rows, n);
	records_free(&call_outcome_type, outcomes, n_outcomes);
	return e;
}
