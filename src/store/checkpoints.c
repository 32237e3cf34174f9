/*
 * See checkpoints.h. Invariant: between a checkpoint that is handed out and the row that is
 * asked for, no row of the journal is missing.
 */
#include "store/checkpoints.h"

#include <stdlib.h>

#include "store/internal.h"

int checkpoint_due(struct store *s, int64_t *ret_seq, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
		"SELECT min(seq) FROM (SELECT seq, row_number() OVER w AS n,"
		"  sum(coalesce(octet_length(data::text), 0)) OVER w AS bytes"
		"  FROM (SELECT seq, data FROM ringdown.journal WHERE seq >"
		"   (SELECT coalesce(max(seq), 0) FROM ringdown.replay_checkpoint)"
		"   ORDER BY seq LIMIT $1) j WINDOW w AS (ORDER BY seq)) k"
		" WHERE n = $1 OR bytes >= $2", "ii", (int64_t)CHECKPOINT_ROWS,
		(int64_t)CHECKPOINT_BYTES);

	if (e == 0)
		*ret_seq = pg_null(r, 0, 0) ? 0 : pg_i64(r, 0, 0);
	return e;
}

int checkpoint_before(struct store *s, int64_t seq, char **ret_doc, int64_t *ret_seq,
		      struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
		"SELECT c.seq, c.doc, (SELECT min(seq) FROM ringdown.journal),"
		" (SELECT min(at)::text FROM ringdown.replay_checkpoint)"
		" FROM (SELECT 1) one LEFT JOIN LATERAL"
		" (SELECT seq, doc FROM ringdown.replay_checkpoint WHERE seq <= $1"
		"  ORDER BY seq DESC LIMIT 1) c ON true", "i", seq);

	*ret_doc = NULL;
	*ret_seq = 0;
	if (e < 0)
		return e;
	if (!pg_null(r, 0, 0))
		*ret_seq = pg_i64(r, 0, 0);
	if (*ret_seq + 1 < pg_i64(r, 0, 2))
		return err_set(err, ERR_NOT_FOUND, "what was then is not kept any more; the past"
			       " begins at %s", pg_null(r, 0, 3) ? "the next checkpoint" :
							       pg_text(r, 0, 3));
	*ret_doc = col_dup(r, 0, 1);
	return 0;
}

int checkpoint_put(struct store *s, int64_t seq, const char *doc, struct err *err)
{
	return store_query(s, NULL, err, "INSERT INTO ringdown.replay_checkpoint (seq, at, doc)"
			   " SELECT seq, at, $2 FROM ringdown.journal WHERE seq = $1"
			   " ON CONFLICT DO NOTHING", "it", seq, doc);
}

int checkpoints_prune(struct store *s, struct err *err)
{
	return store_query(s, NULL, err, "DELETE FROM ringdown.replay_checkpoint WHERE seq + 1 <"
			   " (SELECT min(seq) FROM ringdown.journal)", "");
}

int journal_seq_at(struct store *s, int64_t at_ms, int64_t *ret_seq, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	/* rows are stamped when their transaction begins and numbered when it ends */
	int e = store_query(s, &r, err, "SELECT max(seq) FROM (SELECT seq FROM ringdown.journal"
			    " WHERE at <= $1 ORDER BY at DESC, seq DESC LIMIT 100) j", "m", at_ms);

	if (e == 0)
		*ret_seq = pg_null(r, 0, 0) ? 0 : pg_i64(r, 0, 0);
	return e;
}
