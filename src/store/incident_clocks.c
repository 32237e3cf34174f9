/*
 * Clocks of incidents as rows. What is due is read outside any transaction; what came of it
 * is written back only if the row is still as it was read (kind of running, same due time),
 * so that a hold or an acknowledgement that came between wins.
 */
#include "store/incidents_internal.h"

/* Report and review are counted from the end: none is due while the incident lasts. */
#define ENDED                                                                                      \
	" AND (kind <> 'deadline' OR EXISTS (SELECT 1 FROM ringdown.incident i WHERE"              \
	" i.id = incident_id AND i.state IN ('resolved', 'closed')))"

int clocks_due(struct store *s, int64_t now_ms, struct due_clock **ret, size_t *ret_n,
	       int64_t *ret_next_ms, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL, *next = NULL;
	int e = store_query(s, &r, err, "SELECT incident_id, " CLOCK_COLUMNS
			    " FROM ringdown.incident_clock WHERE state = 'running' AND due_at <= $1"
			    ENDED
			    " ORDER BY due_at, ringdown.incident_clock.id LIMIT 200", "m", now_ms);

	if (e == 0)
		e = store_query(s, &next, err, "SELECT min(due_at) FROM ringdown.incident_clock"
				" WHERE state = 'running' AND due_at > $1", "m", now_ms);
	if (e < 0)
		return e;
	*ret_n = (size_t)pg_rows(r);
	*ret = *ret_n ? xcalloc(*ret_n, sizeof(**ret)) : NULL;
	for (size_t i = 0; i < *ret_n; i++) {
		(*ret)[i].incident = col_dup(r, (int)i, 0);
		row_record(&incident_clock_type, &(*ret)[i].clock, r, (int)i);
	}
	*ret_next_ms = pg_time(next, 0, 0);
	return 0;
}

void clocks_free(struct due_clock *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&v[i].incident);
		record_fini(&incident_clock_type, &v[i].clock);
	}
	free_p(&v);
}

int clock_put(struct tx *t, const char *incident, const struct incident_clock *c,
	      int64_t was_due_ms, struct err *err)
{
	int64_t n;
	int e = incident_number(c->id, "C-", &n, err);

	if (e < 0)
		return e;
	return tx_one(t, err, "UPDATE ringdown.incident_clock SET state = $3, due_at = $4, rung ="
		      " $5, respond_ms = $6, target = $7, via = $8, text = $9, sent = $10, last_at"
		      " = $11 WHERE id = $1 AND incident_id = $2 AND state = 'running' AND due_at ="
		      " $12",
		      "ittmiitttimm", n, incident, enum_name(&clock_state_names, c->state),
		      c->due_at_ms,
		      c->rung, c->respond_ms, c->target, c->via, c->text ? c->text : "", c->sent,
		      c->last_at_ms, was_due_ms);
}

int clock_fired(struct tx *t, const char *incident, const struct incident_clock *c,
		int64_t was_due_ms, const struct incident_clock *more, size_t n_more,
		const char *text, struct err *err)
{
	struct incident now = { 0 };
	int e = incident_lock(t, incident, 0, &now, err);

	record_fini(&incident_type, &now);
	if (e == 0)
		e = clock_put(t, incident, c, was_due_ms, err);
	if (e == 0)
		e = incident_clocks_add(t, incident, more, n_more, err);
	return e < 0 ? e : incident_changed(t, incident, c->state == CS_DUE ? "incident.due" :
					    "incident.told", NOTE_WARN, text, err);
}

/* One statement on one clock with its incident locked, journaled under the incident. */
static int change(struct store *s, const struct who *who, const char *incident, const char *clock,
		  const char *sql, const char *value, const char *kind, const char *text,
		  struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *words = NULL;
	struct incident now = { 0 };
	int64_t n;
	int e = incident_number(clock, "C-", &n, err);

	if (e == 0)
		e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = incident_lock(&t, incident, 0, &now, err);
	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_query(&t, &r, err, sql, "itmtt", n, incident, tx_now_ms(&t), who->actor,
			     value);
	if (e == 0 && pg_rows(r) == 0)
		e = err_set(err, ERR_CONFLICT, "%s of %s is not in a state for this", clock,
			    incident);
	if (e < 0)
		return e;
	words = xasprintf("%s: %s%s%s", text, pg_text(r, 0, 0), str_empty(value) ? "" : " - ",
			  value ? value : "");
	e = incident_changed(&t, incident, kind, NOTE_INFO, words, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

int clock_hold(struct store *s, const struct who *who, const char *incident, const char *clock,
	       bool on, const char *reason, struct err *err)
{
	if (on && str_empty(reason))
		return err_field(err, ERR_INVALID, "reason", "holding a clock needs a reason");
	return change(s, who, incident, clock, on ?
		"UPDATE ringdown.incident_clock SET state = 'held', held_by = $4, held_reason = $5,"
		" left_ms = greatest(0, extract(epoch FROM due_at - $3::timestamptz) *"
		" 1000)::bigint WHERE id = $1 AND incident_id = $2 AND state = 'running' RETURNING"
		" text" :
		"UPDATE ringdown.incident_clock SET state = 'running', held_by = NULL,"
		" held_reason = NULL, due_at = $3::timestamptz + left_ms * interval '1 ms'"
		" WHERE id = $1 AND incident_id = $2 AND state = 'held'"
		" AND $4::text IS NOT NULL AND ($5::text IS NULL OR true) RETURNING text",
		reason, on ? "incident.clock-held" : "incident.clock-running",
		on ? "clock held" : "clock runs again", err);
}

int clock_done(struct store *s, const struct who *who, const char *incident, const char *clock,
	       const char *text, struct err *err)
{
	/* an update that was given starts the next interval */
	return change(s, who, incident, clock,
		"UPDATE ringdown.incident_clock SET last_at = $3, sent = sent + 1,"
		" state = CASE WHEN every_ms > 0 THEN 'running' ELSE 'done' END,"
		" due_at = CASE WHEN every_ms > 0 THEN $3::timestamptz + every_ms * interval '1 ms'"
		"  ELSE due_at END"
		" WHERE id = $1 AND incident_id = $2 AND state IN ('due', 'running')"
		" AND kind IN ('update', 'task', 'deadline', 'vendor')"
		" AND $4::text IS NOT NULL AND ($5::text IS NULL OR true) RETURNING text",
		text, "incident.clock-done", "done", err);
}

/* ---- the daily digest -------------------------------------------------------------------- */

int clock_unmoved(struct tx *t, const char *incident, const struct incident_clock *c,
		  struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct incident now = { 0 };
	int64_t n;
	int e = incident_number(c->id, "C-", &n, err);

	if (e == 0)
		e = incident_lock(t, incident, 0, &now, err);
	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_query(t, &r, err,
			     "SELECT 1 FROM ringdown.incident_clock WHERE id = $1"
			     " AND state = 'running' AND due_at = $2 FOR UPDATE",
			     "im", n, c->due_at_ms);
	if (e == 0 && pg_rows(r) == 0)
		e = err_set(err, ERR_CONFLICT, "%s was changed meanwhile", c->id);
	return e;
}

int clock_digested(struct tx *t, const char *incident, const char *clock, int64_t next_ms,
		   const char *text, struct err *err)
{
	struct incident now = { 0 };
	int64_t n;
	int e = incident_number(clock, "C-", &n, err);

	if (e == 0)
		e = incident_lock(t, incident, 0, &now, err);
	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_query(t, NULL, err, "UPDATE ringdown.incident_clock SET due_at = $2,"
			     " sent = sent + 1, last_at = $3 WHERE id = $1 AND state = 'running'",
			     "imm", n, next_ms, tx_now_ms(t));
	return e < 0 ? e : incident_changed(t, incident, "incident.told", NOTE_INFO, text, err);
}

/* ---- messages that nobody took ----------------------------------------------------------- */

int incident_undelivered(struct tx *t, const char *incident, int64_t outbox, const char *clock,
			 const struct incident_clock *task, const char *text, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct incident now = { 0 };
	int64_t n = 0;
	int e = incident_lock(t, incident, 0, &now, err);

	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_one(t, err, "UPDATE ringdown.outbox SET answered_at = $2 WHERE id = $1 AND"
			   " answered_at IS NULL", "im", outbox, tx_now_ms(t));
	/* who did not hear it cannot answer: the next rung now */
	if (e == 0 && clock && incident_number(clock, "C-", &n, err) == 0)
		e = tx_query(t, &r, err,
			     "UPDATE ringdown.incident_clock SET due_at = $3 WHERE id = $1"
			     " AND incident_id = $2 AND kind = 'ladder' AND state = 'running' AND"
			     " due_at > $3",
			     "itm", n, incident, tx_now_ms(t));
	if (e == 0 && task)
		e = incident_clocks_add(t, incident, task, 1, err);
	return e < 0 ? e
		     : incident_changed(t, incident, "incident.undelivered", NOTE_BAD, text, err);
}
