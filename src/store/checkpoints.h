/*
 * Checkpoints of replay: what the journal tells up to a row, folded, as text. They are made
 * from the journal alone and say nothing that it does not, so any engine may write them and
 * all of them may be dropped.
 */
#ifndef RD_STORE_CHECKPOINTS_H
#define RD_STORE_CHECKPOINTS_H

#include "store/store.h"

/* At most this far from a checkpoint is any row, once the leader was there. */
enum { CHECKPOINT_ROWS = 1000, CHECKPOINT_BYTES = 4 << 20 };

/* The row at which the next one is due: so many rows or bytes after the newest; 0 = none yet. */
int checkpoint_due(struct store *s, int64_t *ret_seq, struct err *err);
/* The newest that is not beyond seq; *ret_doc NULL and *ret_seq 0: begin with nothing.
 * ERR_NOT_FOUND: the rows after it are not kept any more; err says from when they are. */
int checkpoint_before(struct store *s, int64_t seq, char **ret_doc, int64_t *ret_seq,
		      struct err *err);
int checkpoint_put(struct store *s, int64_t seq, const char *doc, struct err *err);
/* Drops those whose rows were pruned from the journal. */
int checkpoints_prune(struct store *s, struct err *err);
/* The newest row at an instant; 0 = before all. */
int journal_seq_at(struct store *s, int64_t at_ms, int64_t *ret_seq, struct err *err);

#endif
