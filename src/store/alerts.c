/*
 * Alerts: conditions people should know of that move nothing by themselves. One open row
 * per name and subject, by constraint; raising it again only refreshes it.
 */
#include <stdlib.h>

#include "core/json.h"
#include "store/control.h"
#include "store/internal.h"

static void note_alert(struct tx *t, const struct pg_result *r, const char *kind)
{
	struct str data = STR_INIT(16384);
	struct jw w = JW(&data);
	const char *severity = pg_text(r, 0, 4);
	bool over = str_eq(pg_text(r, 0, 5), "resolved");

	jw_obj(&w, NULL);
	jw_obj(&w, "alert");
	jw_str(&w, "id", pg_text(r, 0, 0));
	jw_str(&w, "name", pg_text(r, 0, 1));
	jw_str(&w, "subject", pg_text(r, 0, 2));
	jw_str(&w, "text", pg_text(r, 0, 3));
	jw_str(&w, "severity", severity);
	jw_str(&w, "state", pg_text(r, 0, 5));
	jw_time(&w, "since", pg_time(r, 0, 6));
	jw_time(&w, "resolvedAt", pg_time(r, 0, 7));
	jw_str(&w, "ackedBy", pg_null(r, 0, 8) ? NULL : pg_text(r, 0, 8));
	jw_obj_end(&w);
	jw_obj_end(&w);
	tx_note(t, over ? NOTE_INFO : str_eq(severity, "bad") ? NOTE_BAD : NOTE_WARN, kind,
		pg_text(r, 0, 2)[0] ? pg_text(r, 0, 2) : pg_text(r, 0, 1), pg_text(r, 0, 3),
		str_get(&data));
	str_fini(&data);
}

#define ALERT_COLUMNS "id, name, subject, text, severity, state, since, resolved_at, acked_by"

int alert_raise(struct tx *t, const char *name, const char *subject, const char *severity,
		const char *text, bool *ret_new, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(pg_result_free_p) struct pg_result *old = NULL;
	bool is_new, louder;
	int e;

	subject = subject ? subject : "";
	e = tx_query(t, &old, err, "SELECT severity FROM ringdown.alert"
		     " WHERE name = $1 AND subject = $2 AND state <> 'resolved'", "tt", name,
		     subject);
	if (e < 0)
		return e;
	is_new = pg_rows(old) == 0;
	louder = !is_new && !str_eq(pg_text(old, 0, 0), severity);
	e = tx_query(t, &r, err,
		     "INSERT INTO ringdown.alert (id, name, subject, text, severity, state, since,"
		     " seen_at) VALUES ('AL-' || nextval('ringdown.alert_seq'), $1, $2, $3, $4,"
		     " 'firing', $5, $5) ON CONFLICT (name, subject) WHERE state <> 'resolved' DO"
		     " UPDATE SET text = excluded.text, severity = excluded.severity, seen_at ="
		     " excluded.seen_at, state = 'firing' RETURNING " ALERT_COLUMNS,
		     "ttttm", name, subject, text ? text : "", severity, tx_now_ms(t));
	if (e < 0)
		return e;
	if (is_new || louder)
		note_alert(t, r, is_new ? "alert.firing" : "alert.changed");
	if (ret_new)
		*ret_new = is_new;
	return 0;
}

int alert_resolve(struct tx *t, const char *name, const char *subject, bool *ret_was,
		  struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
			 "UPDATE ringdown.alert SET state = 'resolved', resolved_at = $3"
			 " WHERE name = $1 AND subject = $2 AND state <> 'resolved'"
			 " RETURNING " ALERT_COLUMNS,
			 "ttm", name, subject ? subject : "", tx_now_ms(t));

	if (e < 0)
		return e;
	if (pg_rows(r))
		note_alert(t, r, "alert.resolved");
	if (ret_was)
		*ret_was = pg_rows(r) > 0;
	return 0;
}

int alerts_list(struct store *s, int64_t since_ms, int64_t limit, struct alert_row **ret,
		size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct alert_row *rows;
	int n, e = store_query(s, &r, err, "SELECT " ALERT_COLUMNS " FROM ringdown.alert"
			       " WHERE state <> 'resolved' OR resolved_at >= $1"
			       " ORDER BY since DESC, id LIMIT $2", "mi",
			       since_ms > 0 ? since_ms : 1, limit > 0 ? limit : 200);

	if (e < 0)
		return e;
	n = pg_rows(r);
	rows = xcalloc((size_t)n + 1, sizeof(*rows));
	for (int i = 0; i < n; i++)
		rows[i] = (struct alert_row){
			.id = col_dup(r, i, 0), .name = col_dup(r, i, 1),
			.subject = col_dup(r, i, 2),
			.text = col_dup(r, i, 3), .severity = col_dup(r, i, 4),
			.state = enum_parse(&alert_state_names, pg_text(r, i, 5)),
			.since_ms = pg_time(r, i, 6), .resolved_at_ms = pg_time(r, i, 7),
			.acked_by = col_dup(r, i, 8),
		};
	*ret = rows;
	*ret_n = (size_t)n;
	return 0;
}

void alerts_free(struct alert_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rows[i].id);
		free(rows[i].name);
		free(rows[i].subject);
		free(rows[i].text);
		free(rows[i].severity);
		free(rows[i].acked_by);
	}
	free(rows);
}
