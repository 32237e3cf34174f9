/*
 * A transaction: begin (with the leader's fence), statements, journal rows, commit.
 *
 * Invariants: a leader's transaction holds the lease row FOR SHARE from its first
 * statement, so a takeover waits for it or refuses it; the journal head is locked last,
 * so nobody waits for it longer than an insert; what tx_commit answers is what happened,
 * also when the reply to COMMIT was lost.
 */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/task.h"
#include "store/internal.h"

enum { OUTCOME_WAIT_MS = 10000, OUTCOME_EVERY_MS = 100 };

const char *note_level_name(enum note_level l)
{
	return l == NOTE_BAD ? "bad" : l == NOTE_WARN ? "warn" : "info";
}

static void free_notes(struct tx *t)
{
	while (t->notes) {
		struct tx_note *n = t->notes;

		t->notes = n->next;
		free(n->kind);
		free(n->subject);
		free(n->text);
		free(n->data);
		free(n);
	}
	t->n_notes = 0;
}

static void end(struct tx *t)
{
	pg_release(TAKE(t->conn));
	free_notes(t);
}

static int fence(struct tx *t, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e;

	/* what this leader knows is of the server that it took the lease on: one that took its
	 * place
	 * may lack commits, and has the same epoch in its row all the same */
	if (t->who.epoch > 0)
		e = pg_run(t->conn, &r, err,
			   "SELECT pg_current_xact_id()::text, EXISTS (SELECT 1 FROM"
			   " ringdown.environment WHERE timeline <> " SERVER_TIMELINE
			   ") FROM ringdown.lease WHERE epoch = $1 AND holder = $2 FOR SHARE",
			   "it", t->who.epoch, t->store->engine_id);
	else
		e = pg_run(t->conn, &r, err, "SELECT pg_current_xact_id()::text, false", "");
	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_LEASE, "epoch %lld no longer holds the lease",
			       (long long)t->who.epoch);
	if (pg_bool(r, 0, 1) && !t->who.any_timeline)
		return err_set(err, ERR_LEASE, "PostgreSQL failed over to another server");
	snprintf(t->xid, sizeof(t->xid), "%s", pg_text(r, 0, 0));
	return 0;
}

int tx_begin(struct store *s, struct tx *t, const struct who *who, struct err *err)
{
	int e;

	memset(t, 0, sizeof(*t));
	t->store = s;
	t->who = *who;
	if (s->read_only)
		return err_set(err, ERR_DENIED, "this database connection may only read");
	/* Before a connection is held: waiting for a second one could starve. */
	if (s->keys && !s->journal_key) {
		e = journal_key_load(s, err);
		if (e < 0)
			return e;
	}
	e = pg_acquire(s->pool, &t->conn, err);
	if (e < 0)
		return e;
	t->now_ms = loop_wall_ms(s->loop);
	e = pg_query(t->conn, "BEGIN ISOLATION LEVEL READ COMMITTED", NULL, NULL, err);
	if (e == 0)
		e = fence(t, err);
	if (e < 0)
		tx_rollback(t);
	return e;
}

int64_t tx_now_ms(const struct tx *t)
{
	return t->now_ms;
}

static int run(struct tx *t, struct pg_result **ret, struct err *err, const char *sql,
	       const char *fmt, va_list ap)
{
	struct pg_params p = PG_PARAMS;

	if (!t->conn)
		return err_set(err, ERR_FAILED, "the transaction is over");
	pg_p_format(&p, fmt, ap);
	return pg_query(t->conn, sql, &p, ret, err);
}

int tx_query(struct tx *t, struct pg_result **ret, struct err *err, const char *sql,
	     const char *fmt, ...)
{
	va_list ap;
	int e;

	va_start(ap, fmt);
	e = run(t, ret, err, sql, fmt, ap);
	va_end(ap);
	return e;
}

int tx_one(struct tx *t, struct err *err, const char *sql, const char *fmt, ...)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	va_list ap;
	int e;

	va_start(ap, fmt);
	e = run(t, &r, err, sql, fmt, ap);
	va_end(ap);
	if (e < 0)
		return e;
	if (pg_affected(r) != 1)
		return err_set(err, ERR_CONFLICT, "the row is not there any more, or not as"
						  " expected");
	return 0;
}

int lock_agents(struct tx *t, const char *doc, struct err *err)
{
	return tx_query(t, NULL, err,
			"SELECT count(*) FROM (SELECT 1 FROM \"VoiceAgent\" v WHERE v.id IN"
			" (SELECT coalesce(j.id, j.agent) FROM json_to_recordset($1::json)"
			" AS j(id text, agent text)) ORDER BY v.id FOR NO KEY UPDATE) x", "t", doc);
}

int lock_numbers(struct tx *t, const char *doc, struct err *err)
{
	return tx_query(t, NULL, err,
			"SELECT count(*) FROM (SELECT 1 FROM \"TwilioBackupPhoneNumber\" p"
			" WHERE p.\"phoneNumber\" IN (SELECT coalesce(j.number, j.to_number)"
			" FROM json_to_recordset($1::json) AS j(number text, to_number text))"
			" ORDER BY p.\"phoneNumber\" FOR NO KEY UPDATE) x", "t", doc);
}

static char *clean(const char *s, size_t max)
{
	char *masked = redact_copy(s ? s : "");
	char *ret = text_clean(masked, max);

	free(masked);
	return ret;
}

void tx_note(struct tx *t, enum note_level level, const char *kind, const char *subject,
	     const char *text, const char *data)
{
	struct tx_note *n = xcalloc(1, sizeof(*n));

	n->level = level;
	n->kind = clean(kind, 80);
	n->subject = clean(subject, 200);
	n->text = clean(text, 2000);
	n->data = data ? redact_copy(data) : NULL;
	n->next = t->notes;
	t->notes = n;
	t->n_notes++;
}

/* 1 committed, 0 not, negative: cannot say yet. */
static int outcome(struct tx *t, const char *hash, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	const char *status;
	int e = store_query(t->store, &r, err,
			    "SELECT pg_xact_status($1::xid8), EXISTS (SELECT 1 FROM"
			    " ringdown.journal WHERE seq = $2 AND hash = $3)", "tit", t->xid,
			    t->head_seq, hash);

	/* An id the server has not given out yet: a standby that never saw it took over. */
	if (e == ERR_INVALID)
		return 0;
	if (e < 0)
		return e;
	if (pg_bool(r, 0, 1))
		return 1;
	status = pg_text(r, 0, 0);
	if (str_eq(status, "in progress"))
		return err_set(err, ERR_TIMEOUT, "the server is still working on it");
	if (!str_eq(status, "committed") || t->n_notes == 0)
		return str_eq(status, "committed");
	/* With notes the journal row is the proof: ids are given out anew after a failover. Asked
	 * again, since the commit may have come between this statement's snapshot and its
	 * answer. */
	pg_result_free(TAKE(r));
	e = store_query(t->store, &r, err,
			"SELECT 1 FROM ringdown.journal WHERE seq = $1 AND hash = $2",
			"it", t->head_seq, hash);
	return e < 0 ? e : pg_rows(r);
}

static int find_outcome(struct tx *t, const char *hash, int64_t *ret_seq, struct err *err)
{
	int64_t until = loop_now_ms(t->store->loop) + OUTCOME_WAIT_MS;
	struct err why = { 0 };

	for (;;) {
		int r = outcome(t, hash, &why);

		if (r == 1) {
			if (ret_seq)
				*ret_seq = t->head_seq;
			return 0;
		}
		if (r == 0)
			return err_set(err, ERR_UNREACHABLE,
				       "the database went away before the commit; nothing was"
				       " changed");
		if (loop_now_ms(t->store->loop) >= until || task_sleep(OUTCOME_EVERY_MS) != 0)
			return err_set(err, ERR_TIMEOUT, "outcome unknown: %s", why.msg);
	}
}

int tx_commit(struct tx *t, int64_t *ret_seq, struct err *err)
{
	char hash[65] = "";
	int e = 0;

	if (!t->conn)
		return err_set(err, ERR_FAILED, "the transaction is over");
	if (t->n_notes > 0)
		e = journal_append(t, hash, err);
	else /* COMMIT of a failed transaction answers ROLLBACK without an error */
		e = pg_query(t->conn, "SELECT 1", NULL, NULL, err);
	if (e < 0) {
		tx_rollback(t);
		return e;
	}
	e = pg_query(t->conn, "COMMIT", NULL, NULL, err);
	if (e == 0) {
		if (ret_seq)
			*ret_seq = t->head_seq;
	} else if (e == ERR_UNREACHABLE || e == ERR_TIMEOUT || pg_broken(t->conn)) {
		pg_release(TAKE(t->conn));
		e = find_outcome(t, hash, ret_seq, err);
	}
	end(t);
	return e;
}

void tx_rollback(struct tx *t)
{
	if (!t)
		return;
	/* A broken connection, or one in a transaction, is closed when released. */
	if (t->conn && !pg_broken(t->conn) && !task_cancelled())
		pg_query(t->conn, "ROLLBACK", NULL, NULL, NULL);
	end(t);
}
