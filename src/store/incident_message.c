/*
 * What stays of a message that a person sent: its copy among the notes, the update that it
 * was, the clock of the provider that is to answer. In the sender's transaction.
 */
#include "store/incidents_internal.h"

static int put_note(struct tx *t, const char *id, const char *kind, const char *source,
		    const char *text, struct err *err)
{
	return tx_query(t, NULL, err,
			"INSERT INTO ringdown.note (incident_id, kind, happened_at,"
			" recorded_at, source, by, text) VALUES ($1, $2, $3, $3, $4, $5, $6)",
			"ttmttt", id, kind, tx_now_ms(t), source, t->who.actor, text);
}

int incident_message_since(struct tx *t, const char *id, const char *key, int64_t since_ms,
			   int64_t *ret_ms, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct incident now = { 0 };
	int e = incident_lock(t, id, 0, &now, err);

	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_query(t, &r, err,
			     "SELECT max(created_at) FROM ringdown.outbox WHERE event_id = $1 AND"
			     " created_at > $2 AND starts_with(dedup_key, $3)",
			     "tmt", id, since_ms, key);
	*ret_ms = e == 0 && !pg_null(r, 0, 0) ? pg_time(r, 0, 0) : 0;
	return e;
}

int incident_message(struct tx *t, const char *id, const struct incident_sent *s, struct err *err)
{
	struct incident now = { 0 };
	int e = incident_lock(t, id, 0, &now, err);

	record_fini(&incident_type, &now);
	if (e == 0 && s->again)
		return incident_changed(t, id, "incident.repeated", NOTE_INFO, s->line, err);
	if (e == 0)
		e = put_note(t, id, "update", s->source, s->note, err);
	if (e == 0 && s->update)
		e = tx_query(t, NULL, err,
			     "UPDATE ringdown.incident_clock SET state = 'running',"
			     " last_at = $2, sent = sent + 1,"
			     " due_at = $2::timestamptz + every_ms * interval '1 ms'"
			     " WHERE incident_id = $1 AND kind = 'update' AND state IN ('running', "
			     "'due')"
			     " AND every_ms > 0",
			     "tm", id, tx_now_ms(t));
	if (e == 0 && json_count(s->fields))
		e = incident_fields_put(t, id, s->fields, err);
	/* a later word to the same provider counts anew */
	if (e == 0 && s->clock)
		e = tx_query(t, NULL, err,
			     "UPDATE ringdown.incident_clock SET state = 'stopped', last_at = $3"
			     " WHERE incident_id = $1 AND kind = 'vendor' AND target = $2 AND"
			     " state IN ('running', 'due', 'held')",
			     "ttm", id, s->clock->target, tx_now_ms(t));
	if (e == 0 && s->clock)
		e = incident_clocks_add(t, id, s->clock, 1, err);
	return e < 0 ? e : incident_changed(t, id, "incident.message", NOTE_INFO, s->line, err);
}

/* ---- what status pages say ---------------------------------------------------------------- */

int incidents_quote(struct tx *t, const struct incident_saying *q, size_t *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *short_text = text_clean(q->text, 200);
	int e = tx_query(t, &r, err,
			 "SELECT i.id FROM ringdown.incident i WHERE i.kind = 'real' AND i.state IN"
			 " ('declared', 'acknowledged', 'mitigated') AND NOT EXISTS (SELECT 1 FROM"
			 " ringdown.note n WHERE n.incident_id = i.id AND n.kind = 'quote' AND"
			 " n.subject = $1 AND n.happened_at = $2) ORDER BY i.id LIMIT 50",
			 "tm", q->subject, q->said_ms);

	for (int i = 0; e == 0 && i < pg_rows(r); i++) {
		const char *id = pg_text(r, i, 0);
		struct incident now = { 0 };

		e = incident_lock(t, id, 0, &now, err);
		record_fini(&incident_type, &now);
		if (e == 0)
			e = tx_query(t, NULL, err,
				     "INSERT INTO ringdown.note (incident_id, kind, subject,"
				     " happened_at, recorded_at, source, by, text)"
				     " VALUES ($1, 'quote', $2, $3, $4, $5, $6, $7)", "ttmmttt", id,
				     q->subject, q->said_ms, tx_now_ms(t), q->source, t->who.actor,
				     q->text);
		if (e == 0)
			e = tx_one(t, err, "UPDATE ringdown.incident SET status_quoted = $2"
				   " WHERE id = $1", "tt", id, short_text);
		if (e == 0)
			e = incident_changed(t, id, "incident.quoted", NOTE_INFO, short_text, err);
	}
	*ret += e == 0 ? (size_t)pg_rows(r) : 0;
	return e;
}
