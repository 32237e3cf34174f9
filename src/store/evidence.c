/*
 * Evidence of every engine, the application's history of health, and what is kept of both:
 * hours are rolled up before their rows go.
 */
#include "store/evidence.h"

#include <stdlib.h>

#include "core/json.h"
#include "store/internal.h"

enum { HOUR_MS = 3600 * 1000, PRUNE_ROWS = 10000, PRUNE_ROUNDS = 50 };

void evidence_free(struct evidence_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rows[i].engine);
		free(rows[i].account);
		free(rows[i].method);
		free(rows[i].class_);
		free(rows[i].reason);
		free(rows[i].detail);
	}
	free(rows);
}

static void add_text(struct jw *w, const char *name, const char *s)
{
	_cleanup_(free_p) char *masked = s ? redact_copy(s) : NULL;
	_cleanup_(free_p) char *clean = masked ? text_clean(masked, 500) : NULL;

	jw_str(w, name, clean);
}

int evidence_put(struct store *s, const struct evidence_row *rows, size_t n, struct err *err)
{
	struct str doc = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&doc);
	int e;

	if (n == 0)
		return 0;
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		_cleanup_(free_p) char *detail = rows[i].detail ? redact_copy(rows[i].detail) :
			NULL;

		jw_obj(&w, NULL);
		jw_str(&w, "account", rows[i].account);
		jw_str(&w, "kind", probe_kind_name(rows[i].kind));
		jw_str(&w, "method", rows[i].method ? rows[i].method : "");
		jw_str(&w, "outcome", outcome_name(rows[i].outcome));
		add_text(&w, "class", rows[i].class_);
		add_text(&w, "reason", rows[i].reason);
		jw_i64(&w, "code", rows[i].code);
		jw_i64(&w, "latency", rows[i].latency_ms);
		jw_raw(&w, "detail", detail);
		jw_time(&w, "at", rows[i].at_ms ? rows[i].at_ms : loop_wall_ms(s->loop));
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	e = store_query(s, NULL, err,
			"INSERT INTO ringdown.evidence (engine, account_id, kind, method, outcome,"
			" class, reason, code, latency_ms, detail, at) SELECT $2, account, kind,"
			" method, outcome, class, reason, nullif(code, 0), latency, detail, at"
			" FROM json_to_recordset($1::json) AS j(account text, kind text, method"
			" text, outcome text, class text, reason text, code bigint, latency bigint,"
			" detail json, at timestamptz)", "tt", str_get(&doc), s->engine_id);
	str_fini(&doc);
	return e;
}

int evidence_latest(struct store *s, const char *account, int64_t since_ms,
		    struct evidence_row **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct evidence_row *rows;
	int n, e = store_query(s, &r, err,
			       "SELECT DISTINCT ON (account_id, engine, kind, method) account_id,"
			       " engine, kind, method, outcome, class, reason, code, latency_ms,"
			       " detail, at FROM ringdown.evidence WHERE ($1::text IS NULL OR"
			       " account_id = $1) AND at >= $2 ORDER BY account_id, engine, kind,"
			       " method, at DESC, id DESC",
			       "tm", account, since_ms > 0 ? since_ms : 1);

	if (e < 0)
		return e;
	n = pg_rows(r);
	rows = xcalloc((size_t)n + 1, sizeof(*rows));
	for (int i = 0; i < n; i++)
		rows[i] = (struct evidence_row){
			.account = col_dup(r, i, 0), .engine = col_dup(r, i, 1),
			.kind = enum_parse(&probe_kind_names, pg_text(r, i, 2)),
			.method = col_dup(r, i, 3),
			.outcome = enum_parse(&outcome_names, pg_text(r, i, 4)),
			.class_ = col_dup(r, i, 5), .reason = col_dup(r, i, 6),
			.code = pg_i64(r, i, 7),
			.latency_ms = pg_i64(r, i, 8), .detail = col_dup(r, i, 9),
			.at_ms = pg_time(r, i, 10),
		};
	*ret = rows;
	*ret_n = (size_t)n;
	return 0;
}

/* ---- history -------------------------------------------------------------------------------- */

int health_check_put(struct tx *t, const struct health_check *h, struct err *err)
{
	char id[40];

	random_id(id, sizeof(id), "chk_");
	return tx_query(t, NULL, err,
			"INSERT INTO \"TwilioHealthCheck\" (id, \"accountId\", status,"
			" \"checkType\", \"totalAgents\", \"failedAgents\", \"failureRate\","
			" \"latencyMs\", details, \"checkedAt\") VALUES ($1, $2, $3, $4, $5, $6,"
			" $7, $8, $9, $10)",
			"ttttiiditm", id, h->account, h->status, h->check_type, h->total, h->failed,
			h->rate, h->latency_ms, h->details, tx_now_ms(t));
}

int health_history(struct store *s, const char *account, int64_t since_ms, int64_t limit,
		   struct health_point **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct health_point *rows;
	int n, e = store_query(s, &r, err,
			       "SELECT \"checkedAt\", \"totalAgents\", \"failedAgents\","
			       " \"latencyMs\", status, \"failureRate\" FROM \"TwilioHealthCheck\""
			       " WHERE \"accountId\" = $1 AND \"checkedAt\" >= $2"
			       " ORDER BY \"checkedAt\" DESC LIMIT $3",
			       "tmi", account, since_ms > 0 ? since_ms : 1,
			       limit > 0 ? limit : 1000);

	if (e < 0)
		return e;
	n = pg_rows(r);
	rows = xcalloc((size_t)n + 1, sizeof(*rows));
	for (int i = 0; i < n; i++)
		rows[i] = (struct health_point){
			.at_ms = pg_time(r, i, 0), .total = pg_i64(r, i, 1),
			.failed = pg_i64(r, i, 2),
			.latency_ms = pg_i64(r, i, 3), .status = col_dup(r, i, 4),
			.rate = pg_double(r, i, 5),
		};
	*ret = rows;
	*ret_n = (size_t)n;
	return 0;
}

void health_points_free(struct health_point *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(rows[i].status);
	free(rows);
}

/* Hours that have rows and are over; those not rolled up yet, and the last one again. */
static const char ROLL_SQL[] =
	"INSERT INTO ringdown.health_rollup (account_id, hour, checks, healthy, failing_max,"
	" rate_avg, rate_max, latency_avg, latency_max)"
	" SELECT \"accountId\", date_trunc('hour', \"checkedAt\"), count(*),"
	"  count(*) FILTER (WHERE status = 'healthy'), max(\"failedAgents\"), avg(\"failureRate\"),"
	"  max(\"failureRate\"), avg(\"latencyMs\"), max(\"latencyMs\")"
	" FROM \"TwilioHealthCheck\" WHERE \"accountId\" IS NOT NULL AND \"checkedAt\" < $1"
	"  AND \"checkedAt\" >= coalesce((SELECT max(hour) FROM ringdown.health_rollup),"
	"   '-infinity') GROUP BY 1, 2"
	" ON CONFLICT (account_id, hour) DO UPDATE SET checks = excluded.checks,"
	"  healthy = excluded.healthy, failing_max = excluded.failing_max,"
	"  rate_avg = excluded.rate_avg, rate_max = excluded.rate_max,"
	"  latency_avg = excluded.latency_avg, latency_max = excluded.latency_max"
	"  WHERE excluded.checks >= health_rollup.checks";

static const char *const prune_sql[] = {
	"DELETE FROM \"TwilioHealthCheck\" WHERE ctid IN (SELECT ctid FROM \"TwilioHealthCheck\""
	" WHERE \"checkedAt\" < $1 LIMIT $2)",
	"DELETE FROM ringdown.evidence WHERE ctid IN (SELECT ctid FROM ringdown.evidence"
	" WHERE at < $1 LIMIT $2)",
	"DELETE FROM ringdown.agent_change WHERE ctid IN (SELECT ctid FROM ringdown.agent_change"
	" WHERE at < $1 LIMIT $2)",
};

/* In a fenced transaction each, since only the leader may remove anything. */
static int prune(struct store *s, const struct who *who, const char *sql, int64_t before_ms,
		 int64_t *ret_n, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = tx_query(&t, &r, err, sql, "mi", before_ms, (int64_t)PRUNE_ROWS);
	*ret_n = e == 0 ? pg_affected(r) : 0;
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

/* The oldest of what was written outside, looked at by number so that nothing is searched, and
 * the tests of events that are over. */
static const char *const attempts_sql[] = {
	"DELETE FROM ringdown.effect WHERE id IN (SELECT id FROM (SELECT id, at, state FROM"
	" ringdown.effect ORDER BY id LIMIT $2) oldest WHERE at < $1 AND state <> 'intended')",
	"DELETE FROM ringdown.event_test WHERE event_id IN (SELECT id FROM ringdown.event e WHERE"
	" opened_at < $1 AND state_since < $1 AND status NOT IN ('held', 'pending', 'approved',"
	" 'executing', 'failed', 'rolling_back') AND EXISTS (SELECT 1 FROM ringdown.event_test x"
	" WHERE x.event_id = e.id) ORDER BY opened_at LIMIT $2)",
};

int attempts_prune(struct store *s, const struct who *who, int64_t before_ms, struct err *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < COUNT_OF(attempts_sql); i++) {
		int64_t n = PRUNE_ROWS;

		for (int k = 0; k < PRUNE_ROUNDS && e == 0 && n == PRUNE_ROWS; k++)
			e = prune(s, who, attempts_sql[i], before_ms, &n, err);
	}
	return e;
}

int history_roll(struct store *s, const struct who *who, int64_t now_ms, int64_t keep_ms,
		 struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = tx_query(&t, NULL, err, ROLL_SQL, "m", now_ms / HOUR_MS * HOUR_MS);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	for (size_t i = 0; e == 0 && i < COUNT_OF(prune_sql); i++) {
		int64_t n = PRUNE_ROWS;

		for (int k = 0; k < PRUNE_ROUNDS && e == 0 && n == PRUNE_ROWS; k++)
			e = prune(s, who, prune_sql[i], now_ms - keep_ms, &n, err);
	}
	return e;
}
