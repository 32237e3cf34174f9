/*
 * Runs of runbooks as rows; see runs.h.
 *
 * Invariant: an entry n exists when and only when the run's row had version n at some
 * commit; row n's hash is HMAC(journal key, hash of n-1, length-prefixed fields of n).
 * Whoever appends holds the run's row, so two orders for one state cannot both be stored.
 */
#include "store/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

#define CLEAN_RESULT _cleanup_(pg_result_free_p) struct pg_result

void run_entry_rows_free(struct run_entry_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&rows[i].kind);
		free_p(&rows[i].step);
		free_p(&rows[i].by);
		free_p(&rows[i].data);
		free_p(&rows[i].hash);
	}
	free_p(&rows);
}

void runs_list_free(struct run *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_fini(&run_type, &v[i]);
	free_p(&v);
}

void runs_last_free(struct run_last *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_p(&v[i].runbook);
	free_p(&v);
}

/* ---- the chain ---------------------------------------------------------------------- */

static void field(struct str *b, const char *s)
{
	if (s)
		str_addf(b, "%zu:%s,", strlen(s), s);
	else
		str_add(b, "-,");
}

static void entry_hash(const struct store *s, const char *run, const char *previous,
		       const struct run_entry_row *e, char ret[65])
{
	struct str b = STR_INIT(STR_MAX_DEFAULT), hex = STR_INIT(128);
	const char *k = secret_reveal(s->journal_key);
	uint8_t mac[SHA256_LEN];

	field(&b, previous);
	field(&b, run);
	str_addf(&b, "%lld,%lld,%lld,", (long long)e->n, (long long)e->at_ms,
		 (long long)e->epoch);
	field(&b, e->kind);
	field(&b, e->step);
	field(&b, e->by);
	field(&b, e->data);
	hmac_sha256(k, strlen(k), str_get(&b), b.len, mac);
	str_add_hex(&hex, mac, sizeof(mac));
	snprintf(ret, 65, "%s", str_get(&hex));
	str_fini(&hex);
	str_fini(&b);
}

/* The run's row is read first: it says which entry must end in which hash, whatever is appended
 * while the entries are read. */
int run_verify(struct store *s, const char *id, int64_t *ret_bad, struct err *err)
{
	enum { PAGE = 500 };
	CLEAN_RESULT *r = NULL;
	struct run_entry_row *rows = NULL;
	char previous[65] = "", hash[65];
	size_t n = PAGE;
	int64_t last = 0, version = 0;
	int e = s->journal_key ? 0 : journal_key_load(s, err);

	*ret_bad = 0;
	if (e == 0)
		e = store_query(s, &r, err, "SELECT chain, version FROM ringdown.run WHERE id = $1",
				"t", id);
	if (e == 0)
		version = pg_rows(r) ? pg_i64(r, 0, 1) : 0;
	while (e == 0 && n == PAGE && !*ret_bad) {
		e = run_entries(s, id, last, PAGE, &rows, &n, err);
		for (size_t i = 0; e == 0 && i < n && !*ret_bad; i++) {
			entry_hash(s, id, previous, &rows[i], hash);
			if (rows[i].n != last + 1 || !str_eq(hash, rows[i].hash) ||
			    (rows[i].n == version && !str_eq(hash, pg_text(r, 0, 0))))
				*ret_bad = last + 1;
			last = rows[i].n;
			snprintf(previous, sizeof(previous), "%s", hash);
		}
		if (e == 0)
			run_entry_rows_free(TAKE(rows), n);
	}
	if (e == 0 && !*ret_bad && last < version)
		*ret_bad = last + 1;
	return e;
}

int runs_verify(struct store *s, struct runs_verdict *ret, struct err *err)
{
	CLEAN_RESULT *r = NULL;
	int e = store_query(s, &r, err, "SELECT id FROM ringdown.run ORDER BY started_at, id", "");

	*ret = (struct runs_verdict){ .ok = true };
	for (int i = 0; e == 0 && ret->ok && i < pg_rows(r); i++) {
		const char *id = pg_text(r, i, 0);

		e = run_verify(s, id, &ret->bad_entry, err);
		if (e < 0 || !ret->bad_entry) {
			ret->checked += e == 0;
			continue;
		}
		ret->ok = false;
		snprintf(ret->bad, sizeof(ret->bad), "%s", id);
	}
	return e;
}

/* ---- writing -------------------------------------------------------------------------- */

/* One statement for all; hash: of the entry before them, then of the last. */
static int insert_entries(struct tx *t, const char *id, const struct run_entry_row *e, size_t n,
			  char hash[65], struct err *err)
{
	struct str rows = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&rows);
	int x = t->store->journal_key ? 0 : journal_key_load(t->store, err);

	if (x < 0)
		return x;
	jw_arr(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		char previous[65];

		memcpy(previous, hash, sizeof(previous));
		entry_hash(t->store, id, previous, &e[i], hash);
		jw_obj(&w, NULL);
		jw_i64(&w, "n", e[i].n);
		jw_time(&w, "at", e[i].at_ms);
		jw_str(&w, "kind", e[i].kind);
		jw_str(&w, "step", e[i].step);
		jw_str(&w, "by", e[i].by);
		jw_i64(&w, "epoch", e[i].epoch);
		jw_str(&w, "data", e[i].data);
		jw_str(&w, "hash", hash);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	x = rows.full ? err_set(err, ERR_TOO_BIG, "too much came together") :
	    tx_query(t, NULL, err, "INSERT INTO ringdown.run_entry (run_id, n, at, kind, step, by,"
		     " epoch, data, hash) SELECT $1, j.n, j.at, j.kind, j.step, j.by, j.epoch,"
		     " j.data, j.hash FROM json_to_recordset($2::json) AS j(n bigint,"
		     " at timestamptz, kind text, step text, by text, epoch bigint, data text,"
		     " hash text)", "tt", id, str_get(&rows));
	str_fini(&rows);
	return x;
}

static char *summary_json(const struct run_update *u, const char *id, int64_t version)
{
	struct str b = STR_INIT(1 << 20);
	struct jw w = JW(&b);
	struct run r = { 0 };

	record_copy(&run_type, &r, u->summary);
	str_replace(&r.id, id);
	r.version = version;
	record_json(&w, NULL, &run_type, &r);
	record_fini(&run_type, &r);
	return str_take(&b);
}

static void note(struct tx *t, const char *id, const struct run_told *told, size_t n,
		 const char *summary, const char *hash)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	size_t last = n;

	for (size_t i = 0; i < n; i++)
		last = told[i].note ? i : last;
	str_addf(&b, "{\"run\":%s,\"chain\":\"%s\"}", summary, hash);
	for (size_t i = 0; i < n; i++)
		if (told[i].note)
			tx_note(t, told[i].level, "run", id, told[i].note,
				i == last ? str_get(&b) : NULL);
	str_fini(&b);
}

int run_next_id(struct tx *t, char **ret, struct err *err)
{
	return store_next_id(t, "ringdown.run_seq", "RUN-", ret, err);
}

int run_create(struct tx *t, const char *id, const struct run_entry_row *first,
	       const struct run_update *u, struct err *err)
{
	_cleanup_(free_p) char *summary = summary_json(u, id, 1);
	const struct run *r = u->summary;
	struct run_told told = { u->level, u->note };
	char hash[65] = "";
	int e = tx_query(t, NULL, err, "INSERT INTO ringdown.run (id, version, runbook, status,"
			 " kind, incident, subject, started_at, due_at, summary)"
			 " VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9::json)", "ttttttmmt", id,
			 r->runbook, enum_name(&run_status_names, r->status), r->kind, r->incident,
			 r->subject, first->at_ms, u->due_ms, summary);

	if (e == 0)
		e = insert_entries(t, id, first, 1, hash, err);
	if (e == 0)
		e = tx_one(t, err, "UPDATE ringdown.run SET chain = $2 WHERE id = $1", "tt", id,
			   hash);
	if (e == 0)
		note(t, id, &told, 1, summary, hash);
	return e;
}

static int lock_row(struct tx *t, const char *id, int64_t *ret_version, char **ret_chain,
		    struct err *err)
{
	CLEAN_RESULT *r = NULL;
	int e = tx_query(t, &r, err, "SELECT version, chain FROM ringdown.run WHERE id = $1"
			 " FOR NO KEY UPDATE", "t", id);

	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no run %s", id);
	*ret_version = pg_i64(r, 0, 0);
	if (ret_chain)
		*ret_chain = col_dup(r, 0, 1);
	return 0;
}

int run_lock(struct tx *t, const char *id, int64_t *ret_version, struct err *err)
{
	return lock_row(t, id, ret_version, NULL, err);
}

int run_append(struct tx *t, const char *id, const struct run_entry_row *e,
	       const struct run_told *told, size_t n, const struct run_update *u, struct err *err)
{
	_cleanup_(free_p) char *chain = NULL;
	const struct run_entry_row *last = &e[n - 1];
	_cleanup_(free_p) char *summary = summary_json(u, id, last->n);
	const struct run *r = u->summary;
	char hash[65];
	int64_t version;
	int x = lock_row(t, id, &version, &chain, err);

	if (x == 0 && e->n != version + 1)
		return err_set(err, ERR_CONFLICT, "%s has moved on to version %lld", id,
			       (long long)version);
	if (x == 0) {
		snprintf(hash, sizeof(hash), "%s", chain);
		x = insert_entries(t, id, e, n, hash, err);
	}
	if (x == 0)
		x = tx_one(t, err, "UPDATE ringdown.run SET version = $2, chain = $3, status = $4,"
			   " ended_at = $5, holds = $6, due_at = $7, summary = $8::json,"
			   " doc = COALESCE($9, doc) WHERE id = $1", "tittmimtt", id, last->n, hash,
			   enum_name(&run_status_names, r->status), r->ended_at_ms, r->holds,
			   u->due_ms, summary, u->doc);
	if (x == 0)
		note(t, id, told, n, summary, hash);
	return x;
}

/* ---- reading ----------------------------------------------------------------------------- */

int runs_list(struct store *s, const char *status, const char *runbook, const char *before,
	      int64_t limit, struct run **ret, size_t *ret_n, struct err *err)
{
	CLEAN_RESULT *r = NULL;
	bool open = str_eq(status, "open");
	int e = store_query(s, &r, err, "SELECT summary::text FROM ringdown.run WHERE"
			    " ($1::text IS NULL OR status = $1) AND (NOT $2 OR ended_at IS NULL OR"
			    " due_at IS NOT NULL) AND ($3::text IS NULL OR runbook = $3)"
			    " AND ($4::text IS NULL OR (started_at, id) < (SELECT started_at, id"
			    " FROM ringdown.run WHERE id = $4)) ORDER BY started_at DESC, id DESC"
			    " LIMIT $5",
			    "tbtti", open ? NULL : status, open, runbook, before, limit);

	if (e < 0)
		return e;
	size_t n = (size_t)pg_rows(r);
	*ret = xcalloc(n + 1, sizeof(**ret));
	*ret_n = n;
	for (size_t i = 0; i < n; i++) {
		const char *text = pg_text(r, (int)i, 0);
		_cleanup_(json_free_p) struct json *j = json_parse(text, strlen(text), NULL);

		(void)record_from_json(&run_type, &(*ret)[i], j, false, NULL);
	}
	return 0;
}

int run_version(struct store *s, const char *id, int64_t *ret, struct err *err)
{
	CLEAN_RESULT *r = NULL;
	int e = store_query(s, &r, err, "SELECT version FROM ringdown.run WHERE id = $1", "t", id);

	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no run %s", id);
	*ret = pg_i64(r, 0, 0);
	return 0;
}

int run_entries(struct store *s, const char *id, int64_t after, int64_t limit,
		struct run_entry_row **ret, size_t *ret_n, struct err *err)
{
	CLEAN_RESULT *r = NULL;
	int e = store_query(s, &r, err, "SELECT n, at, epoch, kind, step, by, data, hash FROM"
			    " ringdown.run_entry WHERE run_id = $1 AND n > $2 ORDER BY n LIMIT $3",
			    "tii", id, after, limit);

	if (e < 0)
		return e;
	size_t n = (size_t)pg_rows(r);
	*ret = xcalloc(n + 1, sizeof(**ret));
	*ret_n = n;
	for (size_t k = 0; k < n; k++) {
		int i = (int)k;

		(*ret)[k] = (struct run_entry_row){
			.n = pg_i64(r, i, 0), .at_ms = pg_time(r, i, 1), .epoch = pg_i64(r, i, 2),
			.kind = col_dup(r, i, 3), .step = col_dup(r, i, 4), .by = col_dup(r, i, 5),
			.data = col_dup(r, i, 6), .hash = col_dup(r, i, 7),
		};
	}
	return 0;
}

int run_stored_doc(struct store *s, const char *id, char **ret, struct err *err)
{
	CLEAN_RESULT *r = NULL;
	int e = store_query(s, &r, err, "SELECT doc FROM ringdown.run WHERE id = $1", "t", id);

	*ret = NULL;
	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no run %s", id);
	*ret = col_dup(r, 0, 0);
	return 0;
}

int runs_last(struct store *s, struct run_last **ret, size_t *ret_n, struct err *err)
{
	CLEAN_RESULT *r = NULL;
	int e = store_query(s, &r, err, "SELECT runbook, max(started_at) FROM ringdown.run"
			    " GROUP BY runbook", "");

	if (e < 0)
		return e;
	*ret_n = (size_t)pg_rows(r);
	*ret = xcalloc(*ret_n + 1, sizeof(**ret));
	for (size_t i = 0; i < *ret_n; i++)
		(*ret)[i] = (struct run_last){ col_dup(r, (int)i, 0), pg_time(r, (int)i, 1) };
	return 0;
}
