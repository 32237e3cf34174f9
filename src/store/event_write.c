/*
 * Writing failover events; see events.h. A row travels as one JSON document, from which
 * PostgreSQL populates the record, so that a new column is one line of the column table.
 *
 * Invariants: a change of state is one UPDATE that compares status and version; every one is
 * journaled with the whole event as it is in the database then, and mirrored into the
 * application's table, in the same transaction.
 */
#include "store/events.h"

#include <string.h>

#include "store/event_columns.h"
#include "store/internal.h"

static enum note_level level_of(const struct event *e)
{
	switch (e->status) {
	case EV_FAILED:
		return NOTE_BAD;
	case EV_HELD:
	case EV_PENDING:
	case EV_APPROVED:
	case EV_ROLLING_BACK:
		return NOTE_WARN;
	default:
		return NOTE_INFO;
	}
}

static int mirror(struct tx *t, const struct event_row *r, struct err *err)
{
	const struct event *e = &r->e;
	bool back = e->status == EV_ROLLED_BACK;

	return tx_query(t, NULL, err,
		"INSERT INTO \"TwilioFailoverEvent\" (id, \"fromAccountId\", \"toAccountId\","
		" status, severity, \"triggerType\", reason, \"ruleId\", \"affectedAgents\","
		" \"totalAgents\", \"approvalDeadline\", \"approvedBy\", \"approvedAt\","
		" \"startedAt\", \"completedAt\", \"rolledBackAt\", error, metadata, \"createdAt\","
		" \"updatedAt\") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::timestamptz,"
		" $12, $13::timestamptz, $14::timestamptz, $15::timestamptz, $16::timestamptz, $17,"
		" jsonb_build_object('lineage', $18::text, 'cause', $19::text, 'version',"
		" $20::bigint), $21::timestamptz, $22::timestamptz)"
		" ON CONFLICT (id) DO UPDATE SET \"toAccountId\" = excluded.\"toAccountId\","
		" status = excluded.status, severity = excluded.severity, reason = excluded.reason,"
		" \"ruleId\" = excluded.\"ruleId\", \"affectedAgents\" ="
		" excluded.\"affectedAgents\", \"totalAgents\" = excluded.\"totalAgents\","
		" \"approvalDeadline\" = excluded.\"approvalDeadline\","
		" \"approvedBy\" = excluded.\"approvedBy\", \"approvedAt\" ="
		" excluded.\"approvedAt\", \"startedAt\" = excluded.\"startedAt\", \"completedAt\""
		" = excluded.\"completedAt\", \"rolledBackAt\" = excluded.\"rolledBackAt\", error ="
		" excluded.error, metadata = excluded.metadata, \"updatedAt\" ="
		" excluded.\"updatedAt\"",
		"ttttttttiimtmmmmtttimm", e->id, e->from, e->to, event_status_name(e->status),
		severity_name(e->severity), enum_name(&trigger_names, e->trigger), e->reason,
		NULL, (int64_t)e->agents_moved, (int64_t)e->agents_total, e->deadline_at_ms,
		e->decided_by, e->decided_at_ms, e->started_at_ms, e->completed_at_ms,
		back ? e->state_since_ms : (int64_t)0, e->error, e->lineage, e->cause,
		e->version, e->opened_at_ms, tx_now_ms(t));
}

/* Journals the event as it is in the database now, and mirrors it. */
static int note(struct tx *t, struct event_row *r, const char *kind, const char *text,
		struct err *err)
{
	struct event_row now = { 0 };
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	/* locked: what is mirrored must not be older than what another transaction mirrored */
	int e = event_lock(t, r->e.id, &now, err);

	if (e == 0) {
		jw_obj(&w, NULL);
		event_json(&w, "event", &now.e);
		jw_obj_end(&w);
		tx_note(t, level_of(&now.e), kind, now.e.id,
			text ? text : now.e.reason ? now.e.reason : "", str_get(&b));
		e = mirror(t, &now, err);
	}
	str_fini(&b);
	event_row_fini(&now);
	return e;
}

int event_note(struct tx *t, const char *id, const char *kind, const char *text, struct err *err)
{
	struct event_row r = { .e.id = (char *)(uintptr_t)id };

	return note(t, &r, kind, text, err);
}

static void kind_of(char *buf, size_t n, const struct event *e)
{
	struct str b = STR_INIT(n - 1);

	str_addf(&b, "event.%s", event_status_name(e->status));
	strncpy(buf, str_get(&b), n - 1);
	buf[n - 1] = 0;
	str_fini(&b);
}

int event_open(struct tx *t, struct event_row *r, struct err *err)
{
	struct str doc = STR_INIT(STR_MAX_DEFAULT), sql = STR_INIT(16384);
	char kind[48];
	int e = r->e.id ? 0 : store_next_id(t, "ringdown.event_seq", "EV-", &r->e.id, err);

	if (e < 0)
		return e;
	r->e.version = 1;
	if (!r->e.opened_at_ms)
		r->e.opened_at_ms = tx_now_ms(t);
	if (!r->e.state_since_ms)
		r->e.state_since_ms = tx_now_ms(t);
	event_columns_json(&doc, r);
	str_add(&sql, "INSERT INTO ringdown.event (id, version, gates, ");
	event_columns_list(&sql, EC_DECIDING);
	str_add(&sql, ") SELECT id, version, gates, ");
	event_columns_list(&sql, EC_DECIDING);
	str_add(&sql, " FROM json_populate_record(NULL::ringdown.event, $1::json)");
	e = tx_query(t, NULL, err, str_get(&sql), "t", str_get(&doc));
	str_fini(&sql);
	str_fini(&doc);
	if (e == ERR_EXISTS)
		return err_set(err, ERR_CONFLICT, "the lineage has an open event already");
	if (e < 0)
		return e;
	kind_of(kind, sizeof(kind), &r->e);
	return note(t, r, kind, NULL, err);
}

/* What happened instead, for the loser of a race. */
static int lost(struct tx *t, const char *id, struct err *err)
{
	struct event_row now = { 0 };
	char says[200];
	int e = event_load(t->store, t, id, &now, err);

	if (e == 0) {
		event_says(&now.e, tx_now_ms(t), says, sizeof(says));
		e = err_set(err, ERR_CONFLICT, "%s", says);
	}
	event_row_fini(&now);
	return e;
}

static int update(struct tx *t, const struct event_row *r, unsigned flags, int add_version,
		  enum event_status from, int64_t version, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *res = NULL;
	struct str doc = STR_INIT(STR_MAX_DEFAULT), sql = STR_INIT(16384);
	int e;

	event_columns_json(&doc, r);
	str_add(&sql, "UPDATE ringdown.event e SET (");
	event_columns_list(&sql, flags);
	str_add(&sql, ", gates) = (SELECT ");
	event_columns_list(&sql, flags);
	str_addf(&sql, ", gates FROM json_populate_record(NULL::ringdown.event, $1::json)),"
		 " version = e.version + %d WHERE e.id = $2 AND e.status = $3 AND e.version = $4",
		 add_version);
	e = tx_query(t, &res, err, str_get(&sql), "ttti", str_get(&doc), r->e.id,
		     event_status_name(from), version);
	str_fini(&sql);
	str_fini(&doc);
	if (e == ERR_EXISTS)
		return err_set(err, ERR_CONFLICT, "the lineage has another open event");
	if (e < 0)
		return e;
	return pg_affected(res) == 1 ? 0 : lost(t, r->e.id, err);
}

int event_transition(struct tx *t, struct event_row *r, enum event_status from, int64_t version,
		     const char *text, struct err *err)
{
	char kind[48] = "event.update";
	int e;

	if (r->e.status != (int)from) {
		r->e.state_since_ms = tx_now_ms(t);
		kind_of(kind, sizeof(kind), &r->e);
	}
	e = update(t, r, EC_DECIDING, 1, from, version, err);
	if (e < 0)
		return e;
	r->e.version = version + 1;
	return note(t, r, kind, text, err);
}

int event_test_add(struct tx *t, struct event_row *r, const struct event_test *test,
		   struct err *err)
{
	int e = update(t, r, EC_WINDOW, 0, (enum event_status)r->e.status, r->e.version, err);

	if (e == 0)
		e = tx_query(t, NULL, err,
			     "INSERT INTO ringdown.event_test (event_id, n, at, outcome, detail,"
			     " parts) SELECT $1, coalesce(max(n), 0) + 1, $2::timestamptz, $3, $4,"
			     " $5::json FROM ringdown.event_test WHERE event_id = $1", "tmttt",
			     r->e.id,
			     test->at_ms, outcome_name(test->outcome), test->detail, test->parts);
	if (e < 0)
		return e;
	return note(t, r, "event.test", test->detail, err);
}

int event_preview(struct tx *t, const char *id, const char *hash, const char *plan, int64_t agents,
		  struct err *err)
{
	return tx_query(t, NULL, err,
		"UPDATE ringdown.event SET plan_hash = $2, plan = $3::json, agents_total = $4"
		" WHERE id = $1 AND status IN ('held', 'pending')", "ttti", id, hash, plan, agents);
}

/* ---- the acting side --------------------------------------------------------------- */

int event_progress(struct tx *t, const char *id, const struct event_progress *p, struct err *err)
{
	return tx_one(t, err,
		"UPDATE ringdown.event SET agents_moved = CASE WHEN $2 < 0 THEN agents_moved ELSE"
		" $2 END, agents_failed = CASE WHEN $3 < 0 THEN agents_failed ELSE $3 END,"
		" first_write_at = coalesce(first_write_at, $4::timestamptz),"
		" last_write_at = greatest(last_write_at, $5::timestamptz),"
		" lock_expires_at = coalesce($6::timestamptz, lock_expires_at),"
		" lock_renewals = CASE WHEN $7 < 0 THEN lock_renewals ELSE $7 END,"
		" unlocked_at = coalesce($8::timestamptz, unlocked_at),"
		" error = coalesce($9, error), executed_by = coalesce($10, executed_by),"
		" epoch = CASE WHEN $11 < 0 THEN epoch ELSE $11 END WHERE id = $1",
		"tiimmmimtti", id, p->moved, p->failed,
		p->first_write_at_ms < 0 ? (int64_t)0 : p->first_write_at_ms,
		p->last_write_at_ms < 0 ? (int64_t)0 : p->last_write_at_ms,
		p->lock_expires_at_ms < 0 ? (int64_t)0 : p->lock_expires_at_ms, p->lock_renewals,
		p->unlocked_at_ms < 0 ? (int64_t)0 : p->unlocked_at_ms, p->error, p->executed_by,
		p->epoch);
}

int event_step_put(struct tx *t, const char *id, const struct event_step *step, bool note_it,
		   struct err *err)
{
	struct str text = STR_INIT(300);
	int e = 0;

	/* The event before its steps, as transitions do. */
	if (note_it)
		e = tx_query(t, NULL, err, "SELECT 1 FROM ringdown.event WHERE id = $1"
			     " FOR NO KEY UPDATE", "t", id);
	if (e < 0)
		return e;
	e = tx_query(t, NULL, err,
		"INSERT INTO ringdown.event_step (event_id, n, name, state, done, total,"
		" started_at, ended_at, error, epoch) VALUES ($1, $2, $3, $4, $5, $6,"
		" $7::timestamptz, $8::timestamptz, $9, $10) ON CONFLICT (event_id, n) DO UPDATE"
		" SET state = excluded.state, done = excluded.done, total = excluded.total,"
		" started_at = excluded.started_at, ended_at = excluded.ended_at,"
		" error = excluded.error, epoch = excluded.epoch", "tittiimmti", id, step->n,
		step_name(step->n), step_state_name(step->state), step->done, step->total,
		step->started_at_ms, step->ended_at_ms, step->error, t->who.epoch);

	if (e >= 0 && note_it) {
		str_addf(&text, "step %lld %s: %s", (long long)step->n, step_name(step->n),
			 step_state_name(step->state));
		e = event_note(t, id, "event.step", str_get(&text), err);
	}
	str_fini(&text);
	return e;
}

int event_cancel_request(struct tx *t, const char *id, const char *by, const char *reason,
			 struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *text = xasprintf("%s asks to stop it%s%s", by,
						 str_empty(reason) ? "" : ": ",
						 reason ? reason : "");
	int e = tx_query(t, &r, err,
		"UPDATE ringdown.event SET cancel_requested_by = coalesce(cancel_requested_by, $2),"
		" cancel_requested_at = coalesce(cancel_requested_at, $3::timestamptz)"
		" WHERE id = $1 AND status IN ('approved', 'executing')", "ttm", id, by,
		tx_now_ms(t));

	if (e < 0)
		return e;
	if (pg_affected(r) != 1)
		return lost(t, id, err);
	return event_note(t, id, "event.cancel_requested", text, err);
}

int event_cancel_clear(struct tx *t, const char *id, struct err *err)
{
	return tx_query(t, NULL, err, "UPDATE ringdown.event SET cancel_requested_by = NULL,"
			" cancel_requested_at = NULL WHERE id = $1", "t", id);
}

int event_ack(struct tx *t, const char *id, const char *by, struct err *err)
{
	int e = tx_one(t, err,
		"UPDATE ringdown.event SET acked_by = $2, acked_at = $3::timestamptz WHERE id = $1",
		"ttm", id, by, tx_now_ms(t));

	if (e == ERR_CONFLICT)
		return err_set(err, ERR_NOT_FOUND, "there is no event %s", id);
	return e < 0 ? e : event_note(t, id, "event.acked", by, err);
}

int events_supersede(struct tx *t, const char *lineage, const char *id, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
		"UPDATE ringdown.event SET status = 'superseded', version = version + 1,"
		" rule_id = 800, state_since = $3::timestamptz WHERE lineage = $1 AND id <> $2"
		" AND status = 'completed' AND opened_at <= (SELECT opened_at FROM ringdown.event"
		" WHERE id = $2) RETURNING id", "ttm", lineage, id, tx_now_ms(t));
	struct str text = STR_INIT(200);

	str_addf(&text, "%s is the newer event of the lineage", id);
	for (int i = 0; e >= 0 && i < pg_rows(r); i++)
		e = event_note(t, pg_text(r, i, 0), "event.superseded", str_get(&text), err);
	str_fini(&text);
	return e;
}
