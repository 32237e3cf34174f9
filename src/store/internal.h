/* Shared by the files of store/ only. */
#ifndef RD_STORE_INTERNAL_H
#define RD_STORE_INTERNAL_H

#include "store/store.h"

/* NULL for NULL; else a copy. */
char *col_dup(const struct pg_result *r, int row, int col);

/* A promotion adds one, at once: the control file would only say so after a checkpoint. */
#define SERVER_TIMELINE                                                                            \
	"('x' || lpad(left(pg_walfile_name(pg_current_wal_lsn()), 8), 16, '0'))::bit(64)::bigint"

struct tx_note {
	struct tx_note *next;
	enum note_level level;
	char *kind, *subject, *text, *data;
};

#define JOURNAL_KEY_AAD "ringdown.meta/journal_key"
/* Loads the chain's key, or makes it when the database has none yet. */
int journal_key_load(struct store *s, struct err *err);
/* Takes the head row and writes the notes; the last thing before COMMIT. */
int journal_append(struct tx *t, char ret_hash[65], struct err *err);

/*
 * Writes of many rows take their locks in one order, or two of them could wait for each
 * other: first "VoiceAgent" by id, then the pool's numbers, then rows of our own, each set
 * in the order of its key. doc: JSON array of objects with "id" or "agent", and with "number"
 * or "to_number".
 */
int lock_agents(struct tx *t, const char *doc, struct err *err);
int lock_numbers(struct tx *t, const char *doc, struct err *err);

#endif
