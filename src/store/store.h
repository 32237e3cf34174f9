/*
 * PostgreSQL as the other modules see it: one function = one transaction. For tasks.
 *
 * Writes go through struct tx. A leader's transaction (who->epoch > 0) first takes the
 * lease row FOR SHARE with holder and epoch compared, so it cannot commit after a
 * takeover. Journal rows are buffered by tx_note and written by tx_commit, which locks
 * the journal's head last: sequence numbers become visible in order, without gaps.
 *
 * SQL never calls now(): bind tx_now_ms() or the caller's now_ms ("m" in formats).
 */
#ifndef RD_STORE_STORE_H
#define RD_STORE_STORE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/crypto.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/pg.h"
#include "core/str.h"

struct store_options {
	/* of the database; the lease uses it too, so: direct, not pooled */
	const char *url;
	const char *engine_id;		/* "eng-1"; tools: "migrate", "cli" ... */
	/* borrowed; NULL: no secret can be opened, no journal written */
	const struct keyring *keys;
	int max_connections;		/* 0 = 8 */
	int64_t timeout_ms;		/* statement, idle in transaction, connect; 0 = 2000 */
	bool read_only;			/* console's fallback and reading commands */
};

struct store {
	struct loop *loop;
	struct pg_pool *pool;		/* everything but the lease */
	char *url;
	char *engine_id;
	const struct keyring *keys;
	struct secret *journal_key;	/* HMAC of the chain; hex; sealed in ringdown.meta */
	int64_t timeout_ms;
	bool read_only;
};
/* Does not connect: the first query does (so that an engine starts while the database is
 * away). NULL with err: unusable url. */
struct store *store_open(struct loop *l, const struct store_options *o, struct err *err);
void store_close(struct store *s);	/* NULL ok; no task may be inside */

/* One statement on a pool connection, outside any transaction: for reads. Formats as
 * pg_run: t text, i int64_t, b bool, d double, m time in ms (0 -> NULL), n NULL. */
int store_query(struct store *s, struct pg_result **ret, struct err *err, const char *sql,
		const char *fmt, ...);
/* Can it be reached and written to? 0, or negative with the sentence for the database gate.
 * quorum_durable: declared so by configuration; else, when standbys are connected, a
 * synchronous one is required (ret_durable false says it is missing). */
int store_check(struct store *s, bool quorum_durable, bool *ret_durable, struct err *err);

/* On whose behalf. All may be NULL but actor. */
struct who {
	const char *actor;		/* "jane", "engine eng-1" */
	const char *role;		/* viewer, operator, admin; "engine" */
	const char *via;		/* api, cli, cron, engine */
	int64_t epoch;			/* > 0: leader's transaction */
	/* also on a server that is not the known one: to settle that */
	bool any_timeline;
};
#define WHO_ENGINE(epoch_) ((struct who){ .actor = "engine", .role = "engine", .via = "engine", \
					  .epoch = (epoch_) })

enum note_level { NOTE_INFO, NOTE_WARN, NOTE_BAD };
const char *note_level_name(enum note_level l);		/* info, warn, bad */

struct tx_note;
struct tx {
	struct store *store;
	struct pg_conn *conn;		/* NULL = not begun or over */
	struct who who;			/* borrowed texts */
	int64_t now_ms;			/* wall time, the same through the transaction */
	char xid[24];
	struct tx_note *notes;		/* newest first until commit */
	int n_notes;
	int64_t head_seq;		/* set by tx_commit */
	bool alerts_locked;		/* alerts_lock */
};
/* 0; ERR_LEASE: epoch is no longer ours; else as pg_query. */
int tx_begin(struct store *s, struct tx *t, const struct who *who, struct err *err);
int64_t tx_now_ms(const struct tx *t);
/* One statement inside; formats as store_query. ret may be NULL. */
int tx_query(struct tx *t, struct pg_result **ret, struct err *err, const char *sql,
	     const char *fmt, ...);
/* As tx_query for writes that must hit exactly one row: 0 rows -> ERR_CONFLICT. */
int tx_one(struct tx *t, struct err *err, const char *sql, const char *fmt, ...);
/* Buffers a journal row. data: finished JSON object whose members are records as
 * fold/state.h says ({"event":{...}}), or NULL. Texts are copied and cleaned. */
void tx_note(struct tx *t, enum note_level level, const char *kind, const char *subject,
	     const char *text, const char *data);
/* 0 = committed, *ret_seq (may be NULL) the last journal sequence, 0 without notes. Negative =
 * not committed. When the reply to COMMIT is lost, the outcome is looked up on another
 * connection; only when that fails too it is ERR_TIMEOUT with "outcome unknown". Ends t. */
int tx_commit(struct tx *t, int64_t *ret_seq, struct err *err);
/* NULL ok, ended ok: _cleanup_(tx_rollback) struct tx t = {0}; */
void tx_rollback(struct tx *t);

/* "EV-" + next number and the like, from a sequence of the schema; caller frees. */
int store_next_id(struct tx *t, const char *sequence, const char *prefix, char **ret,
		  struct err *err);

#endif
