/* Reading, checking and pruning the journal; rows are written by tx_commit only. */
#ifndef RD_STORE_JOURNAL_H
#define RD_STORE_JOURNAL_H

#include "core/json.h"
#include "store/store.h"

struct journal_row {
	int64_t seq, at_ms, epoch;
	char *level, *kind, *subject, *actor, *role, *via, *text;
	char *data;			/* JSON object or NULL */
	char *hash;
};
void journal_rows_free(struct journal_row *rows, size_t n);
/* {"seq","at","severity","kind","subject","actor","via","text","data"} as fold/state.h reads it. */
void journal_row_json(struct jw *w, const char *name, const struct journal_row *r);

/* Rows after seq in order, at most limit (<= 1000). */
int journal_after(struct store *s, int64_t seq, int64_t limit, struct journal_row **ret,
		  size_t *ret_n, struct err *err);
/* Newest first, before seq (0 = from the end); kind is a prefix; empty filters are NULL. */
int journal_before(struct store *s, int64_t seq, const char *subject, const char *kind,
		   const char *actor, int64_t limit, struct journal_row **ret, size_t *ret_n,
		   struct err *err);
int journal_head(struct store *s, int64_t *ret_seq, struct err *err);

struct journal_verdict {
	bool ok;
	int64_t first, last, checked;
	int64_t bad_seq;		/* where the chain breaks */
	char why[200];
};
/* Recomputes the chain from the newest checkpoint (or the start) to the head. */
int journal_verify(struct store *s, struct journal_verdict *ret, struct err *err);
/* Removes rows older than before_ms and leaves a signed checkpoint. Keeps at least the newest. */
int journal_prune(struct store *s, const struct who *who, int64_t before_ms, int64_t *ret_removed,
		  struct err *err);

/* For tests and the checker. */
void journal_hash(const struct secret *key, const char *previous, const struct journal_row *r,
		  char ret[65]);

#endif
