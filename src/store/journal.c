/*
 * The journal: audit, timeline and event stream in one append-only table.
 *
 * Invariant: row n's hash is HMAC(key, hash of n-1, length-prefixed fields of n). The
 * head row hands out both, is locked last in a transaction and therefore orders commits:
 * whoever reads "after SEQ" never misses a row, and the chain cannot fork. The key is
 * random, sealed in ringdown.meta, and not derived from ENCRYPTION_KEY, so that a
 * rotation leaves the chain as it is.
 */
#include "store/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"


#define ROW_COLUMNS "seq, at, level, kind, subject, actor, role, via, epoch, text, data, hash"
enum { ROWS_A_STATEMENT = 3, ROW_PARAMS = 12, VERIFY_PAGE = 1000 };

int journal_key_load(struct store *s, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT value FROM ringdown.meta WHERE key = 'journal_key'",
			    "");

	if (e == 0 && pg_rows(r) == 0) {
		uint8_t raw[32];
		struct str hex = STR_INIT(128);
		char *sealed;

		random_bytes(raw, sizeof(raw));
		str_add_hex(&hex, raw, sizeof(raw));
		sealed = seal(s->keys, str_get(&hex), JOURNAL_KEY_AAD);
		pg_result_free(TAKE(r));
		e = store_query(s, NULL, err,
				"INSERT INTO ringdown.meta (key, value) VALUES ('journal_key', $1)"
				" ON CONFLICT DO NOTHING", "t", sealed);
		free(sealed);
		str_fini(&hex);
		/* Another engine may have been first: its key counts. */
		if (e == 0)
			e = store_query(s, &r, err,
					"SELECT value FROM ringdown.meta WHERE key = 'journal_key'",
					"");
	}
	if (e == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND, "the database has no ringdown tables: run"
						   " `ringdown migrate`");
	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_FAILED, "the journal's key cannot be stored");
	if (s->journal_key)
		return 0;
	e = unseal(s->keys, pg_text(r, 0, 0), JOURNAL_KEY_AAD, &s->journal_key, err);
	return e < 0 ? err_prefix(err, "the journal's key") : 0;
}

static void field(struct str *b, const char *s)
{
	if (s)
		str_addf(b, "%zu:%s,", strlen(s), s);
	else
		str_add(b, "-,");
}

void journal_hash(const struct secret *key, const char *previous, const struct journal_row *r,
		  char ret[65])
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct str hex = STR_INIT(128);
	const char *k = secret_reveal(key);
	uint8_t mac[SHA256_LEN];

	field(&b, previous);
	str_addf(&b, "%lld,%lld,%lld,", (long long)r->seq, (long long)r->at_ms,
		 (long long)r->epoch);
	field(&b, r->level);
	field(&b, r->kind);
	field(&b, r->subject);
	field(&b, r->actor);
	field(&b, r->role);
	field(&b, r->via);
	field(&b, r->text);
	field(&b, r->data);
	hmac_sha256(k, strlen(k), str_get(&b), b.len, mac);
	str_add_hex(&hex, mac, sizeof(mac));
	snprintf(ret, 65, "%s", str_get(&hex));
	str_fini(&hex);
	str_fini(&b);
}

static struct tx_note *reversed(struct tx_note *n)
{
	struct tx_note *ret = NULL;

	while (n) {
		struct tx_note *next = n->next;

		n->next = ret;
		ret = n;
		n = next;
	}
	return ret;
}

static void bind_row(struct pg_params *p, const struct journal_row *r)
{
	pg_p_i64(p, r->seq);
	pg_p_time(p, r->at_ms);
	pg_p_text(p, r->level);
	pg_p_text(p, r->kind);
	pg_p_text(p, r->subject);
	pg_p_text(p, r->actor);
	pg_p_text(p, r->role);
	pg_p_text(p, r->via);
	pg_p_i64(p, r->epoch);
	pg_p_text(p, r->text);
	pg_p_text(p, r->data);
	pg_p_text(p, r->hash);
}

/* Writes the next few notes in one statement; returns the first that is left. */
static const struct tx_note *insert_some(struct tx *t, const struct tx_note *n, int64_t *seq,
					 char hash[65], int *ret_e, struct err *err)
{
	struct pg_params p = PG_PARAMS;
	struct str sql = STR_INIT(8192);

	str_add(&sql, "INSERT INTO ringdown.journal (" ROW_COLUMNS ") VALUES ");
	for (int i = 0; n && i < ROWS_A_STATEMENT; i++, n = n->next) {
		char next[65];
		struct journal_row r = {
			.seq = ++*seq, .at_ms = t->now_ms, .epoch = t->who.epoch,
			.level = (char *)note_level_name(n->level), .kind = n->kind,
			.subject = n->subject, .text = n->text, .data = n->data,
			.actor = (char *)(t->who.actor ? t->who.actor : "unknown"),
			.role = (char *)(t->who.role ? t->who.role : ""),
			.via = (char *)(t->who.via ? t->who.via : ""), .hash = next,
		};

		journal_hash(t->store->journal_key, hash, &r, next);
		memcpy(hash, next, sizeof(next));
		str_add(&sql, i ? ", (" : "(");
		for (int k = 1; k <= ROW_PARAMS; k++)
			str_addf(&sql, k > 1 ? ", $%d" : "$%d", i * ROW_PARAMS + k);
		str_addc(&sql, ')');
		bind_row(&p, &r);
	}
	*ret_e = pg_query(t->conn, str_get(&sql), &p, NULL, err);
	str_fini(&sql);
	return n;
}

int journal_append(struct tx *t, char ret_hash[65], struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	const struct tx_note *n;
	int64_t seq;
	int e;

	if (!t->store->journal_key)
		return err_set(err, ERR_DENIED,
			       "ENCRYPTION_KEY is not set: changes cannot be signed into the"
			       " journal");
	e = pg_query(t->conn, "SELECT seq, hash FROM ringdown.journal_head FOR UPDATE", NULL, &r,
		     err);
	if (e < 0)
		return e;
	seq = pg_i64(r, 0, 0);
	snprintf(ret_hash, 65, "%s", pg_text(r, 0, 1));
	t->notes = reversed(t->notes);
	for (n = t->notes; n && e == 0;)
		n = insert_some(t, n, &seq, ret_hash, &e, err);
	if (e < 0)
		return e;
	t->head_seq = seq;
	return pg_run(t->conn, NULL, err, "UPDATE ringdown.journal_head SET seq = $1, hash = $2",
		      "it", seq, ret_hash);
}

/* ---- reading ----------------------------------------------------------------------- */

void journal_rows_free(struct journal_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct journal_row *r = &rows[i];

		free(r->level);
		free(r->kind);
		free(r->subject);
		free(r->actor);
		free(r->role);
		free(r->via);
		free(r->text);
		free(r->data);
		free(r->hash);
	}
	free(rows);
}

void journal_row_json(struct jw *w, const char *name, const struct journal_row *r)
{
	jw_obj(w, name);
	jw_i64(w, "seq", r->seq);
	jw_time(w, "at", r->at_ms);
	jw_str(w, "severity", r->level);
	jw_str(w, "kind", r->kind);
	jw_str(w, "subject", r->subject);
	jw_str(w, "actor", r->actor);
	jw_str(w, "via", r->via);
	jw_str(w, "text", r->text);
	jw_raw(w, "data", r->data);
	jw_obj_end(w);
}

static void read_rows(const struct pg_result *res, struct journal_row **ret, size_t *ret_n)
{
	int n = pg_rows(res);
	struct journal_row *rows = xcalloc((size_t)n + 1, sizeof(*rows));

	for (int i = 0; i < n; i++) {
		rows[i] = (struct journal_row){
			.seq = pg_i64(res, i, 0), .at_ms = pg_time(res, i, 1),
			.level = col_dup(res, i, 2), .kind = col_dup(res, i, 3),
			.subject = col_dup(res, i, 4), .actor = col_dup(res, i, 5),
			.role = col_dup(res, i, 6), .via = col_dup(res, i, 7),
			.epoch = pg_i64(res, i, 8), .text = col_dup(res, i, 9),
			.data = col_dup(res, i, 10), .hash = col_dup(res, i, 11),
		};
	}
	*ret = rows;
	*ret_n = (size_t)n;
}

static int64_t capped(int64_t limit)
{
	return limit < 1 || limit > VERIFY_PAGE ? VERIFY_PAGE : limit;
}

int journal_after(struct store *s, int64_t seq, int64_t limit, struct journal_row **ret,
		  size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " ROW_COLUMNS " FROM ringdown.journal"
			    " WHERE seq > $1 ORDER BY seq LIMIT $2", "ii", seq, capped(limit));

	if (e == 0)
		read_rows(r, ret, ret_n);
	return e;
}

/* Of some kinds: each by its own index from the cursor's instant on, so that a rare one among
 * a million rows is not looked for row by row. */
#define BEFORE_KIND                                                                                \
	"WITH RECURSIVE c AS (SELECT CASE WHEN $1::bigint = 0 THEN 9223372036854775807 ELSE $1"    \
	" END AS seq, coalesce((SELECT at FROM ringdown.journal WHERE $1 > 0 AND seq >= $1"        \
	" ORDER BY seq LIMIT 1), 'infinity') AS at), k (kind) AS ((SELECT min(kind) FROM"          \
	" ringdown.journal WHERE kind >= $3) UNION ALL SELECT (SELECT min(j.kind) FROM"            \
	" ringdown.journal j WHERE j.kind > k.kind) FROM k WHERE k.kind IS NOT NULL) "             \
	"SELECT x.* FROM c, k CROSS JOIN LATERAL (SELECT " ROW_COLUMNS " FROM ringdown.journal"    \
	" WHERE (kind, at, seq) < (k.kind, c.at, c.seq) AND (kind, at, seq) >= (k.kind,"           \
	" '-infinity', 0) AND ($2::text IS NULL OR subject = $2) AND ($4::text IS NULL OR actor"   \
	" = $4) ORDER BY kind DESC, at DESC, seq DESC LIMIT $5) x WHERE starts_with(k.kind, $3)"   \
	" ORDER BY x.at DESC, x.seq DESC LIMIT $5"
#define BEFORE                                                                                     \
	"SELECT " ROW_COLUMNS " FROM ringdown.journal WHERE ($1::bigint = 0 OR seq < $1)"          \
	" AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR starts_with(kind, $3))"  \
	" AND ($4::text IS NULL OR actor = $4) ORDER BY seq DESC LIMIT $5"

int journal_before(struct store *s, int64_t seq, const char *subject, const char *kind,
		   const char *actor, int64_t limit, struct journal_row **ret, size_t *ret_n,
		   struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	/* what concerns one subject is few rows already */
	int e = store_query(s, &r, err, kind && !subject ? BEFORE_KIND : BEFORE, "ittti", seq,
			    subject, kind, actor, capped(limit));

	if (e == 0)
		read_rows(r, ret, ret_n);
	return e;
}

int journal_head(struct store *s, int64_t *ret_seq, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT seq FROM ringdown.journal_head", "");

	if (e == 0)
		*ret_seq = pg_i64(r, 0, 0);
	return e;
}
