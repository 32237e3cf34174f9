/*
 * Proving the journal's chain, and shortening it without breaking it: pruning leaves a
 * checkpoint (sequence and hash, signed) from which the chain goes on.
 *
 * It cannot show that the newest rows and the head were cut off together by someone who
 * owns the database; the head's sequence in logs and exports is what tells then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"
#include "store/journal.h"

enum { VERIFY_PAGE = 1000, PRUNE_BATCH = 5000 };

static void checkpoint_mac(const struct secret *key, int64_t seq, const char *hash, char ret[65])
{
	char *text = xasprintf("checkpoint,%lld,%s", (long long)seq, hash);
	struct str hex = STR_INIT(128);
	const char *k = secret_reveal(key);
	uint8_t mac[SHA256_LEN];

	hmac_sha256(k, strlen(k), text, strlen(text), mac);
	str_add_hex(&hex, mac, sizeof(mac));
	snprintf(ret, 65, "%s", str_get(&hex));
	str_fini(&hex);
	free(text);
}

static int broken(struct journal_verdict *v, int64_t seq, const char *why)
{
	v->ok = false;
	v->bad_seq = seq;
	snprintf(v->why, sizeof(v->why), "%s", why);
	return 0;
}

/* Sets where the chain starts: *seq and hash of the row before the first. */
static int start(struct store *s, struct journal_verdict *v, int64_t *seq, char hash[65],
		 struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	char mac[65];
	int e = store_query(s, &r, err, "SELECT seq, hash, mac FROM ringdown.journal_checkpoint"
			    " ORDER BY seq DESC LIMIT 1", "");

	*seq = 0;
	hash[0] = '\0';
	if (e < 0 || pg_rows(r) == 0)
		return e;
	*seq = pg_i64(r, 0, 0);
	snprintf(hash, 65, "%s", pg_text(r, 0, 1));
	checkpoint_mac(s->journal_key, *seq, hash, mac);
	if (!equal_ct(mac, pg_text(r, 0, 2)))
		broken(v, *seq, "the checkpoint left by pruning has a wrong signature");
	return 0;
}

static void check_rows(struct store *s, const struct journal_row *rows, size_t n, int64_t *seq,
		       char hash[65], int64_t last, struct journal_verdict *v)
{
	for (size_t i = 0; i < n && *seq < last; i++) {
		char want[65];

		if (rows[i].seq != *seq + 1) {
			broken(v, *seq + 1, "the row is missing");
			return;
		}
		journal_hash(s->journal_key, hash, &rows[i], want);
		if (!equal_ct(want, rows[i].hash ? rows[i].hash : "")) {
			broken(v, rows[i].seq, "the row, or the one before it, was changed");
			return;
		}
		*seq = rows[i].seq;
		memcpy(hash, want, sizeof(want));
		v->checked++;
	}
}

int journal_verify(struct store *s, struct journal_verdict *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *head = NULL;
	char hash[65] = "";
	int64_t seq = 0;
	int e;

	*ret = (struct journal_verdict){ .ok = true };
	if (!s->keys)
		return err_set(err, ERR_DENIED, "ENCRYPTION_KEY is not set: the chain cannot be"
						" checked");
	e = s->journal_key ? 0 : journal_key_load(s, err);
	if (e == 0)
		e = store_query(s, &head, err, "SELECT seq, hash FROM ringdown.journal_head", "");
	if (e == 0)
		e = start(s, ret, &seq, hash, err);
	if (e < 0)
		return e;
	ret->first = seq + 1;
	ret->last = pg_i64(head, 0, 0);
	while (ret->ok && seq < ret->last) {
		struct journal_row *rows = NULL;
		size_t n = 0;

		e = journal_after(s, seq, VERIFY_PAGE, &rows, &n, err);
		if (e < 0)
			return e;
		if (n == 0)
			broken(ret, seq + 1, "the row is missing");
		check_rows(s, rows, n, &seq, hash, ret->last, ret);
		journal_rows_free(rows, n);
	}
	if (ret->ok && !equal_ct(hash, pg_text(head, 0, 1)))
		broken(ret, ret->last, "the head does not match the last row");
	return 0;
}

/* One batch: 1 = removed some, 0 = nothing left. */
static int prune_some(struct store *s, const struct who *who, int64_t before_ms, int64_t head,
		      int64_t *removed, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	char mac[65], text[96];
	int64_t seq;
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = tx_query(&t, &r, err,
			     "SELECT seq, hash, (SELECT min(seq) FROM ringdown.journal)"
			     " FROM ringdown.journal WHERE seq < $3"
			     " AND seq < (SELECT min(seq) FROM ringdown.journal) + $2"
			     " AND at < $1 ORDER BY seq DESC LIMIT 1", "mii", before_ms,
			     (int64_t)PRUNE_BATCH, head);
	if (e < 0 || pg_rows(r) == 0)
		return e;
	seq = pg_i64(r, 0, 0);
	checkpoint_mac(s->journal_key, seq, pg_text(r, 0, 1), mac);
	snprintf(text, sizeof(text), "rows %lld to %lld pruned", (long long)pg_i64(r, 0, 2),
		 (long long)seq);
	e = tx_query(&t, NULL, err,
		     "INSERT INTO ringdown.journal_checkpoint (seq, hash, mac, at, by)"
		     " VALUES ($1, $2, $3, $4, $5)", "ittmt", seq, pg_text(r, 0, 1), mac,
		     tx_now_ms(&t), who->actor);
	if (e == 0)
		e = tx_query(&t, NULL, err, "DELETE FROM ringdown.journal_checkpoint WHERE seq <"
					    " $1", "i", seq);
	if (e == 0)
		e = tx_query(&t, NULL, err, "DELETE FROM ringdown.journal WHERE seq <= $1", "i",
			     seq);
	if (e < 0)
		return e;
	*removed += seq - pg_i64(r, 0, 2) + 1;
	tx_note(&t, NOTE_INFO, "journal.pruned", "journal", text, NULL);
	e = tx_commit(&t, NULL, err);
	return e < 0 ? e : 1;
}

int journal_prune(struct store *s, const struct who *who, int64_t before_ms, int64_t *ret_removed,
		  struct err *err)
{
	int64_t removed = 0, head = 0;
	int e = journal_head(s, &head, err);	/* what pruning itself adds is not its business */

	while (e >= 0 && (e = prune_some(s, who, before_ms, head, &removed, err)) > 0)
		;
	if (ret_removed)
		*ret_removed = removed;
	return e;
}
