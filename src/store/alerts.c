/*
 * Alerts: conditions people should know of that move nothing by themselves. One open row
 * per name and subject, by constraint; raising it again only refreshes it.
 */
#include "core/json.h"
#include "model/row.h"
#include "store/control.h"
#include "store/alerts_internal.h"

int alerts_lock(struct tx *t, struct err *err)
{
	int e = t->alerts_locked ? 0 :
		tx_query(t, NULL, err, "SELECT pg_advisory_xact_lock(hashtextextended("
			 "'ringdown alerts', 0))", "");

	t->alerts_locked = e == 0;
	return e;
}

/* Its first row, with a sentence of its own or the alert's. */
void alert_note(struct tx *t, const struct pg_result *r, const char *kind, const char *text)
{
	struct str data = STR_INIT(65536), past = STR_INIT(4000);
	struct jw w = JW(&data);
	struct alert a = { 0 };
	bool quiet, over;

	row_record(&alert_type, &a, r, 0);
	quiet = text || a.state != AL_FIRING;
	over = a.state == AL_RESOLVED;
	if (over)
		str_addf(&past, "over: %s", a.text ? a.text : a.name);
	jw_obj(&w, NULL);
	record_json(&w, "alert", &alert_type, &a);
	jw_obj_end(&w);
	tx_note(t, quiet ? NOTE_INFO : str_eq(a.severity, "bad") ? NOTE_BAD : NOTE_WARN, kind,
		str_empty(a.subject) ? a.name : a.subject, text ? text : over ? str_get(&past) :
			a.text,
		str_get(&data));
	record_fini(&alert_type, &a);
	str_fini(&data);
	str_fini(&past);
}

int alert_raise(struct tx *t, const char *name, const char *subject, const char *severity,
		const char *text, bool tell, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(pg_result_free_p) struct pg_result *old = NULL;
	bool is_new, louder;
	int e;

	subject = subject ? subject : "";
	e = alerts_lock(t, err);
	if (e < 0)
		return e;
	e = tx_query(t, &old, err, "SELECT severity, text FROM ringdown.alert"
		     " WHERE name = $1 AND subject = $2 AND state <> 'resolved'", "tt", name,
		     subject);
	if (e < 0)
		return e;
	is_new = pg_rows(old) == 0;
	louder = !is_new && !str_eq(pg_text(old, 0, 0), severity);
	e = tx_query(t, &r, err,
		     "INSERT INTO ringdown.alert (id, name, subject, text, severity, state, since,"
		     " seen_at, quiet) VALUES ('AL-' || nextval('ringdown.alert_seq'), $1, $2, $3,"
		     " $4, 'firing', $5, $5, $6) ON CONFLICT (name, subject) WHERE state <>"
		     " 'resolved' DO UPDATE SET text = excluded.text, severity = excluded.severity,"
		     " seen_at = excluded.seen_at, state = 'firing' RETURNING " ALERT_COLUMNS,
		     "ttttmb", name, subject, text ? text : "", severity, tx_now_ms(t), !tell);
	if (e == 0 && (is_new || louder))
		alert_note(t, r, is_new ? "alert.firing" : "alert.changed", NULL);
	else if (e == 0 && !str_eq(pg_text(old, 0, 1), text ? text : ""))
		alerts_note(t, r, "alert.figures");
	return e;
}

int alert_resolve(struct tx *t, const char *name, const char *subject, bool *ret_was,
		  struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = alerts_lock(t, err);

	if (e == 0)
		e = tx_query(t, &r, err,
			     "UPDATE ringdown.alert SET state = 'resolved', resolved_at = $3"
			     " WHERE name = $1 AND subject = $2 AND state <> 'resolved'"
			     " RETURNING " ALERT_COLUMNS,
			     "ttm", name, subject ? subject : "", tx_now_ms(t));

	if (e < 0)
		return e;
	if (pg_rows(r))
		alert_note(t, r, "alert.resolved", NULL);
	if (ret_was)
		*ret_was = pg_rows(r) > 0;
	return 0;
}

int alerts_list(struct store *s, int64_t since_ms, int64_t limit, struct alert **ret,
		size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " ALERT_COLUMNS " FROM ringdown.alert"
			    " WHERE state <> 'resolved' OR resolved_at >= $1"
			    " ORDER BY since DESC, id LIMIT $2", "mi",
			    since_ms > 0 ? since_ms : 1, limit > 0 ? limit : 200);

	if (e == 0)
		*ret = row_records(&alert_type, r, ret_n);
	return e;
}

void alerts_free(struct alert *rows, size_t n)
{
	records_free(&alert_type, rows, n);
}
