/*
 * What of a run's document changed since somebody last read it. Each step is compared with
 * what was written of it before, so whatever made it different counts: an entry, a value that
 * was given elsewhere, live output. Kept for the runs read last; whoever asks with a revision
 * that is not known here gets everything.
 */
#ifndef RD_API_RUN_MARKS_H
#define RD_API_RUN_MARKS_H

#include "model/run.h"

struct run_marks;
/* base: revisions begin there, so that those of an engine that is gone are not known. */
struct run_marks *run_marks_new(int64_t base);
void run_marks_free(struct run_marks *m);
/* The revision of the document as it is; changed[i] (d->n_steps of them): whether step i is
 * another than at `since`. *ret_partial false: since is not known, all of them are. */
int64_t run_marks_note(struct run_marks *m, const struct run_doc *d, int64_t since, bool *changed,
		       bool *ret_partial);

#endif
