/*
 * Runs and their entries. An order is one transaction: run_lock takes the run's row, the
 * caller judges what is there now, run_append adds entries and moves the version. Entries
 * are chained by hash; the journal's notes carry the head of the chain.
 */
#ifndef RD_STORE_RUNS_H
#define RD_STORE_RUNS_H

#include "model/run.h"
#include "store/store.h"

struct run_entry_row {
	int64_t n, at_ms, epoch;
	char *kind, *step, *by;		/* kind: a word of run_entry_names */
	char *data;			/* JSON object or NULL */
	char *hash;
};
void run_entry_rows_free(struct run_entry_row *rows, size_t n);

/* What goes into the run's row beside an entry. */
struct run_update {
	const struct run *summary;	/* its version is set here */
	int64_t due_ms;			/* 0 = nothing happens by itself */
	const char *doc;		/* of a run that is over; NULL = leave */
	enum note_level level;
	const char *note;		/* journal text; NULL: not journaled */
};

/* A new run with its first entry (n 1); id from run_next_id. */
int run_next_id(struct tx *t, char **ret, struct err *err);
int run_create(struct tx *t, const char *id, const struct run_entry_row *first,
	       const struct run_update *u, struct err *err);
/* The row is ours until the transaction ends. ERR_NOT_FOUND. */
int run_lock(struct tx *t, const char *id, int64_t *ret_version, struct err *err);
/* n entries in a row; what the journal says of each stands in told (level and note of u are not
 * read), the state once behind the last of them. Takes the lock itself. ERR_CONFLICT: e->n does not
 * follow the run's version. */
struct run_told { enum note_level level; const char *note; /* NULL: not journaled */ };
int run_append(struct tx *t, const char *id, const struct run_entry_row *e,
	       const struct run_told *told, size_t n, const struct run_update *u, struct err *err);

/* Newest first; status NULL = all, "open" = not over, or being undone; before: id of the last one
 * seen. */
int runs_list(struct store *s, const char *status, const char *runbook, const char *before,
	      int64_t limit, struct run **ret, size_t *ret_n, struct err *err);
void runs_list_free(struct run *v, size_t n);
int run_version(struct store *s, const char *id, int64_t *ret, struct err *err);
/* In order; at most limit (<= 1000) after n. */
int run_entries(struct store *s, const char *id, int64_t after, int64_t limit,
		struct run_entry_row **ret, size_t *ret_n, struct err *err);
/* Document of a run that is over; *ret NULL: not kept. */
int run_stored_doc(struct store *s, const char *id, char **ret, struct err *err);
/* {"runbook-id": time of its last start}, as rows. */
struct run_last { char *runbook; int64_t at_ms; };
int runs_last(struct store *s, struct run_last **ret, size_t *ret_n, struct err *err);
void runs_last_free(struct run_last *v, size_t n);

/* Recomputes the chain; *ret_bad 0, or the entry where it breaks. */
int run_verify(struct store *s, const char *id, int64_t *ret_bad, struct err *err);
/* All of them, until one breaks. */
struct runs_verdict { bool ok; int64_t checked, bad_entry; char bad[40]; /* the run */ };
int runs_verify(struct store *s, struct runs_verdict *ret, struct err *err);

#endif
