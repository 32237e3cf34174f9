/*
 * Alerts of rules and of others; see alerts.h. State moves here, in the transaction that
 * journals it; what is only figures is refreshed without a journal row.
 *
 * Who is told when is the alert host's business; what it keeps of that is in alerts_told.c.
 */
#include "core/json.h"
#include "model/row.h"
#include "store/alerts.h"
#include "store/alerts_internal.h"

static const char put_sql[] =
	"INSERT INTO ringdown.alert (id, name, subject, text, severity, state, since, seen_at,"
	" priority, source, grouping, count, figure, runbook, labels)"
	" VALUES ('AL-' || nextval('ringdown.alert_seq'), $1, $2, $3, $4, $5, $6, $7, $8, $9,"
	" $10, $11, $12, $13, $14::json)"
	" ON CONFLICT (name, subject) WHERE state <> 'resolved' DO UPDATE SET"
	" text = excluded.text, severity = excluded.severity, state = excluded.state,"
	" seen_at = excluded.seen_at, priority = excluded.priority, count = excluded.count,"
	" figure = excluded.figure, labels = excluded.labels, runbook = excluded.runbook,"
	/* what was told as a warning and is worse now is told again at once */
	" repeat_at = CASE WHEN alert.told_at IS NOT NULL AND excluded.severity = 'bad'"
	"  AND alert.severity <> 'bad' THEN excluded.seen_at ELSE alert.repeat_at END"
	" RETURNING " ALERT_COLUMNS;

int alert_put(struct tx *t, const struct alert *a, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *old = NULL, *r = NULL;
	const char *subject = a->subject ? a->subject : "";
	const char *state = enum_name(&alert_state_names, a->state);
	int64_t since = a->since_ms ? a->since_ms : tx_now_ms(t);
	bool begins, moved;
	int e = alerts_lock(t, err);

	if (e == 0)
		e = tx_query(t, &old, err, "SELECT state, severity, count, text FROM ringdown.alert"
			     " WHERE name = $1 AND subject = $2 AND state <> 'resolved'", "tt",
			     a->name, subject);
	if (e == 0)
		e = tx_query(t, &r, err, put_sql, "tttttmmtttittt", a->name, subject,
			     a->text ? a->text : "", a->severity ? a->severity : "warn", state,
			     since, tx_now_ms(t), a->priority, a->source ? a->source : "ringdown",
			     a->grouping ? a->grouping : a->name,
			     a->count > 0 ? a->count : (int64_t)1, a->value, a->runbook,
			     a->labels);
	if (e < 0)
		return e;
	begins = pg_rows(old) == 0 || !str_eq(pg_text(old, 0, 0), state);
	moved = !begins && !str_eq(pg_text(old, 0, 1), a->severity);
	if (begins)
		alert_note(t, r, a->state == AL_FIRING ? "alert.firing" : "alert.pending", NULL);
	else if (moved)
		alert_note(t, r, "alert.changed", NULL);
	else if (pg_i64(old, 0, 2) != a->count || !str_eq(pg_text(old, 0, 3), a->text))
		alerts_note(t, r, "alert.figures");
	return 0;
}

int alert_drop(struct tx *t, const char *name, const char *subject, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct str data = STR_INIT(1000);
	struct jw w = JW(&data);
	int e = alerts_lock(t, err);

	if (e == 0)
		e = tx_query(t, &r, err, "DELETE FROM ringdown.alert WHERE name = $1 AND subject ="
			     " $2 AND state = 'pending' RETURNING id", "tt", name,
			     subject ? subject : "");

	if (e < 0 || pg_rows(r) == 0)
		return e;
	jw_obj(&w, NULL);
	jw_obj(&w, "alert");
	jw_str(&w, "id", pg_text(r, 0, 0));
	jw_bool(&w, "gone", true);
	jw_obj_end(&w);
	jw_obj_end(&w);
	tx_note(t, NOTE_INFO, "alert.dropped", subject ? subject : name, NULL, str_get(&data));
	str_fini(&data);
	return 0;
}

int alert_ack(struct tx *t, const char *id, bool on, int64_t until_ms, const char *reason,
	      struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *line = NULL;
	int e = alerts_lock(t, err);

	/* what nobody has in hand any more is told again at once */
	if (e == 0)
		e = tx_query(t, &r, err, "UPDATE ringdown.alert SET acked_by = $2::text,"
			     " acked_at = $3, ack_until = $4, reminded_at = NULL, repeat_at = CASE"
			     " WHEN $2::text IS NULL AND told_at IS NOT NULL AND acked_by IS NOT"
			     " NULL THEN $5 ELSE repeat_at END WHERE id = $1 AND state <>"
			     " 'resolved' RETURNING " ALERT_COLUMNS, "ttmmm", id,
			     on ? t->who.actor : NULL, on ? tx_now_ms(t) : (int64_t)0,
			     on ? until_ms : (int64_t)0, tx_now_ms(t));
	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "no open alert '%.40s'", id);
	line = xasprintf("%s: %s %s%s%s", id, t->who.actor, on ? "is on it" : "let go of it",
			 str_empty(reason) ? "" : ": ", reason ? reason : "");
	alert_note(t, r, on ? "alert.acked" : "alert.unacked", line);
	return 0;
}

int alert_find(struct store *s, const char *id, char **ret_name, char **ret_subject,
	       struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT name, subject FROM ringdown.alert WHERE id = $1",
			    "t", id);

	if (e == 0 && pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "no alert '%.40s'", id);
	if (e == 0) {
		*ret_name = col_dup(r, 0, 0);
		*ret_subject = col_dup(r, 0, 1);
	}
	return e;
}

/* ---- silences -------------------------------------------------------------------------------- */

static const struct field silence_fields[] = {
	FIELD(silence, id, "id", "ID", F_I64),
	FIELD(silence, name, "name", "ALERT", F_STR, .flags = FF_OUTSIDE),
	FIELD(silence, subject, "subject", "ON", F_STR, .flags = FF_OUTSIDE),
	FIELD(silence, by, "by", "OWNER", F_STR, .flags = FF_OUTSIDE),
	FIELD(silence, since_ms, "since", "SINCE", F_TIME),
	FIELD(silence, until_ms, "until", "UNTIL", F_TIME),
	FIELD(silence, alerts, "alerts", "HUSHES", F_I64, .help = "open alerts it covers now"),
	FIELD(silence, reason, "reason", "REASON", F_STR, .flags = FF_OUTSIDE),
	FIELD(silence, ended_by, "endedBy", "ENDED BY", F_STR, .flags = FF_OUTSIDE | FF_DETAIL),
};
RECORD_TYPE(silence_type, "silence", silence, silence_fields);

int silence_put(struct tx *t, const char *name, const char *subject, int64_t until_ms,
		const char *reason, int64_t *ret_id, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *line = NULL;
	char at[TIME_TEXT];
	int e = alerts_lock(t, err);

	if (e == 0)
		e = tx_query(t, &r, err, "INSERT INTO ringdown.silence (name, subject, by, reason,"
			     " since, until) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
			     "ttttmm", name, subject, t->who.actor, reason ? reason : "",
			     tx_now_ms(t), until_ms);

	if (e < 0)
		return e;
	*ret_id = pg_i64(r, 0, 0);
	line = xasprintf("silence %lld: %s%s%s until %s%s%s", (long long)*ret_id, name,
			 str_empty(subject) ? "" : " on ", subject,
			 format_time(at, until_ms), str_empty(reason) ? "" : ": ",
			 reason ? reason : "");
	tx_note(t, NOTE_INFO, "alert.silenced", name, line, NULL);
	return 0;
}

int silence_end(struct tx *t, int64_t id, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *line = NULL;
	int e = alerts_lock(t, err);

	if (e == 0)
		e = tx_query(t, &r, err, "UPDATE ringdown.silence SET ended_by = $2, until = $3"
			     " WHERE id = $1 AND ended_by IS NULL AND until > $3"
			     " RETURNING name, subject", "itm", id, t->who.actor, tx_now_ms(t));

	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "no silence %lld is in force", (long long)id);
	line = xasprintf("silence %lld ended: %s%s%s", (long long)id, pg_text(r, 0, 0),
			 str_empty(pg_text(r, 0, 1)) ? "" : " on ", pg_text(r, 0, 1));
	tx_note(t, NOTE_INFO, "alert.unsilenced", pg_text(r, 0, 0), line, NULL);
	return 0;
}

int silences_list(struct store *s, int64_t now_ms, struct silence **ret, size_t *ret_n,
		  struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT id, name, subject, by, reason, since, until,"
			    " ended_by AS \"endedBy\", (SELECT count(*) FROM ringdown.alert a WHERE"
			    "  a.state <> 'resolved' AND s.name IN ('*', a.name) AND s.subject IN"
			    "  ('*', a.subject)) AS alerts FROM ringdown.silence s"
			    " WHERE ended_by IS NULL AND until > $1 ORDER BY until, id LIMIT 500",
			    "m", now_ms);

	if (e == 0)
		*ret = row_records(&silence_type, r, ret_n);
	return e;
}

/* ---- what hushes them ------------------------------------------------------------------------ */

void alerts_note(struct tx *t, const struct pg_result *r, const char *kind)
{
	struct str data = STR_INIT(4 << 20);
	struct jw w = JW(&data);
	struct alert *v;
	size_t n = 0;

	v = row_records(&alert_type, r, &n);
	jw_obj(&w, NULL);
	jw_arr(&w, "alerts");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &alert_type, &v[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	if (n)
		tx_note(t, NOTE_INFO, kind, n == 1 ? v[0].name : "alerts", NULL, str_get(&data));
	str_fini(&data);
	records_free(&alert_type, v, n);
}

int alerts_rewrite(struct tx *t, const char *sql, const char *rows, const char *kind,
		   struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = alerts_lock(t, err);

	if (e == 0)
		e = tx_query(t, &r, err, sql, "tm", rows, tx_now_ms(t));
	if (e == 0)
		alerts_note(t, r, kind);
	return e;
}

static const char hush_sql[] =
	"WITH o AS (SELECT * FROM ringdown.alert WHERE state <> 'resolved'),"
	" s AS (SELECT o.id AS oid, x.by AS s_by, x.reason AS s_why, x.until AS s_until FROM o"
	"  LEFT JOIN LATERAL (SELECT by, reason, until FROM ringdown.silence"
	"   WHERE name IN ('*', o.name) AND subject IN ('*', o.subject) AND ended_by IS NULL"
	"   AND since <= $2 AND until > $2 ORDER BY until DESC LIMIT 1) x ON true),"
	" i AS (SELECT o.id AS oid, min(trim(b.name || ' ' || b.subject)) AS i_by"
	"  FROM json_to_recordset($1::json) AS r(source text, target text, equal text)"
	"  JOIN o ON o.name = r.target JOIN o b ON b.name = r.source AND b.state = 'firing'"
	"  AND b.id <> o.id AND CASE WHEN r.equal IS NULL THEN b.subject IN ('', o.subject)"
	"   ELSE o.labels->>r.equal = b.subject END GROUP BY 1)"
	" UPDATE ringdown.alert SET silenced_by = s_by, silenced_reason = s_why,"
	"  silenced_until = s_until, inhibited_by = i_by FROM s LEFT JOIN i USING (oid)"
	" WHERE id = oid AND (silenced_by, silenced_reason, silenced_until, inhibited_by)"
	"  IS DISTINCT FROM (s_by, s_why, s_until, i_by) RETURNING " ALERT_COLUMNS;

int alerts_hush(struct tx *t, const char *table, struct err *err)
{
	return alerts_rewrite(t, hush_sql, table, "alert.hushed", err);
}
