/*
 * What people were told of alerts, and what ends by itself; see alerts.h. Everything that a later
 * look needs is in the row: whether it was told, where, and when it is told again. So neither a
 * restart nor another engine forgets it or says it twice.
 */
#include "core/json.h"
#include "model/row.h"
#include "store/alerts.h"
#include "store/alerts_internal.h"

enum { TOLD_MAX = 500, OVER_MAX = 200, ENDING_MAX = 200, EXPIRED_MAX = 100 };

/* ---- how grave, and what helps --------------------------------------------------------------- */

static const char rate_sql[] =
	"UPDATE ringdown.alert SET priority = w_p, runbook = w_r FROM (SELECT o.id AS oid,"
	"  x.severity AS w_p, x.runbook AS w_r FROM ringdown.alert o LEFT JOIN LATERAL"
	"   (SELECT severity, runbook FROM json_to_recordset($1::json)"
	"     AS t(n int, alert text, level text, severity text, runbook text)"
	"    WHERE t.alert = o.name AND coalesce(t.level, o.severity) ="
	"     CASE WHEN t.level IS NULL THEN o.severity WHEN o.severity = 'bad' THEN 'critical'"
	"     ELSE 'warn' END ORDER BY n LIMIT 1) x ON true"
	"  WHERE o.state <> 'resolved' AND o.source = 'ringdown') w"
	" WHERE id = oid AND (priority, runbook) IS DISTINCT FROM (w_p, w_r)"
	" RETURNING " ALERT_COLUMNS;

int alerts_rate(struct tx *t, const char *table, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = alerts_lock(t, err);

	if (e == 0)
		e = tx_query(t, &r, err, rate_sql, "t", table);
	if (e == 0)
		alerts_note(t, r, "alert.rated");
	return e;
}

/* ---- telling --------------------------------------------------------------------------------- */

#define LOUD                                                                                       \
	"state = 'firing' AND NOT quiet AND acked_by IS NULL AND inhibited_by IS NULL"             \
	" AND coalesce(silenced_until, $1) <= $1"
#define IN_GROUPS " ORDER BY coalesce(grouping, name), priority, severity, since, id LIMIT $2"

int alerts_untold(struct tx *t, enum alert_telling what, struct alert **ret, size_t *ret_n,
		  struct err *err)
{
	static const char *const sql[] = {
		[TELL_BEGUN] = "SELECT " ALERT_COLUMNS " FROM ringdown.alert WHERE " LOUD
			       " AND told_at IS NULL" IN_GROUPS,
		[TELL_AGAIN] = "SELECT " ALERT_COLUMNS " FROM ringdown.alert WHERE " LOUD
			       " AND told_at IS NOT NULL AND repeat_at <= $1" IN_GROUPS,
		[TELL_OVER] = "SELECT " ALERT_COLUMNS " FROM ringdown.alert WHERE"
			      " state = 'resolved' AND told_at IS NOT NULL AND over_told_at IS NULL"
			      " AND resolved_at <= $1" IN_GROUPS,
	};
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, sql[what], "mi", tx_now_ms(t),
			 what == TELL_OVER ? (int64_t)OVER_MAX : (int64_t)TOLD_MAX);

	if (e == 0)
		*ret = row_records(&alert_type, r, ret_n);
	return e;
}

static const char told_sql[] =
	"UPDATE ringdown.alert SET told_at = $2, told_n = told_n + 1, told_to = said,"
	" repeat_at = again, page = coalesce(page, paged) FROM json_to_recordset($1::json)"
	"  AS x(aid text, said text, again timestamptz, paged text)"
	" WHERE id = aid RETURNING " ALERT_COLUMNS;
static const char over_sql[] =
	"UPDATE ringdown.alert SET over_told_at = $2, repeat_at = NULL"
	" FROM json_to_recordset($1::json) AS x(aid text) WHERE id = aid RETURNING " ALERT_COLUMNS;

int alerts_told(struct tx *t, const struct alert *v, size_t n, enum alert_telling what,
		struct err *err)
{
	struct str rows = STR_INIT(1 << 20);
	struct jw w = JW(&rows);
	int e;

	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "aid", v[i].id);
		jw_str(&w, "said", v[i].told_to);
		jw_time(&w, "again", v[i].next_tell_ms);
		jw_str(&w, "paged", v[i].page);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	e = alerts_rewrite(t, what == TELL_OVER ? over_sql : told_sql, str_get(&rows), "alert.told",
			   err);
	str_fini(&rows);
	return e;
}

int alerts_of_page(struct tx *t, const char *page, int64_t *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "SELECT count(*) FROM ringdown.alert WHERE page = $1"
			 " AND state <> 'resolved'", "t", page);

	*ret = e == 0 ? pg_i64(r, 0, 0) : 0;
	return e;
}

/* ---- what ends by itself --------------------------------------------------------------------- */

static const struct field ending_fields[] = {
	FIELD(alert_ending, what, "what", "WHAT", F_STR),
	FIELD(alert_ending, id, "id", "ID", F_STR),
	FIELD(alert_ending, name, "name", "ALERT", F_STR, .flags = FF_OUTSIDE),
	FIELD(alert_ending, subject, "subject", "ON", F_STR, .flags = FF_OUTSIDE),
	FIELD(alert_ending, by, "by", "OWNER", F_STR, .flags = FF_OUTSIDE),
	FIELD(alert_ending, since_ms, "since", "SINCE", F_TIME),
	FIELD(alert_ending, until_ms, "until", "UNTIL", F_TIME),
	FIELD(alert_ending, firing, "firing", "HUSHES", F_I64, .help = "alerts that fire"),
	FIELD(alert_ending, why, "why", "WHY LISTED", F_STR),
	FIELD(alert_ending, reason, "reason", "REASON", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(alert_ending_type, "alert ending", alert_ending, ending_fields);

/* $1 now, $2 what ends before, $3 forgotten is what began before; $4 only what nobody was
 * reminded of, $5 since then. */
static const char ending_sql[] =
	"SELECT * FROM (SELECT 'silence' AS what, s.id::text AS id, s.name, s.subject, s.by,"
	"  s.since, s.until, f.n AS firing, s.reason, s.reminded_at, CASE WHEN s.until <= $2 THEN"
	"   'ends soon' ELSE 'long in force, and what it hushes fires' END AS why"
	"  FROM ringdown.silence s CROSS JOIN LATERAL (SELECT count(*) AS n FROM ringdown.alert a"
	"   WHERE a.state = 'firing' AND s.name IN ('*', a.name)"
	"   AND s.subject IN ('*', a.subject)) f"
	"  WHERE s.ended_by IS NULL AND s.until > $1"
	"  AND (s.until <= $2 OR (s.since <= $3 AND f.n > 0))"
	" UNION ALL SELECT 'ack', id, name, subject, acked_by, acked_at, ack_until, 1, text,"
	"  reminded_at, 'ends soon' FROM ringdown.alert WHERE state = 'firing' AND acked_by IS NOT"
	"  NULL AND ack_until <= $2) x"
	" WHERE NOT $4::boolean OR reminded_at IS NULL OR (reminded_at <= $3 AND until > $2)"
	" ORDER BY until, what, id LIMIT $5";

int alerts_ending(struct store *s, struct tx *t, int64_t now_ms, int64_t within_ms,
		  struct alert_ending **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t forgotten = now_ms - ALERT_FORGOTTEN_MS;
	int e = t ? tx_query(t, &r, err, ending_sql, "mmmbi", now_ms, now_ms + within_ms, forgotten,
			     true, (int64_t)ENDING_MAX) :
		    store_query(s, &r, err, ending_sql, "mmmbi", now_ms, now_ms + within_ms,
				forgotten, false, (int64_t)ENDING_MAX);

	if (e == 0)
		*ret = row_records(&alert_ending_type, r, ret_n);
	return e;
}

int alerts_reminded(struct tx *t, const struct alert_ending *v, size_t n, struct err *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < n; i++)
		e = tx_query(t, NULL, err, str_eq(v[i].what, "ack") ?
			     "UPDATE ringdown.alert SET reminded_at = $2 WHERE id = $1" :
			     "UPDATE ringdown.silence SET reminded_at = $2 WHERE id = $1::bigint",
			     "tm", v[i].id, tx_now_ms(t));
	return e;
}

int alerts_acks_expire(struct tx *t, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "SELECT id, acked_by FROM ringdown.alert WHERE state <>"
			 " 'resolved' AND acked_by IS NOT NULL AND ack_until <= $1 ORDER BY"
			 " ack_until LIMIT $2", "mi", tx_now_ms(t), (int64_t)EXPIRED_MAX);

	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		_cleanup_(free_p) char *why = xasprintf("the acknowledgement of %s has run out",
							pg_text(r, i, 1));

		e = alert_ack(t, pg_text(r, i, 0), false, 0, why, err);
	}
	return e;
}
