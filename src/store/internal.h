/* Shared by the files of store/ only. */
#ifndef RD_STORE_INTERNAL_H
#define RD_STORE_INTERNAL_H

#include "store/store.h"

/* NULL for NULL; else a copy. */
char *col_dup(const struct pg_result *r, int row, int col);

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

/* Text[] of ids as one JSON parameter. */
void json_add_ids(struct str *out, const char *const *ids, size_t n);

#endif
