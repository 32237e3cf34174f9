/*
 * The intent log: a line on local disk, fsynced, before each outside write (failover.md
 * section 7). It is the witness that a database which lost its newest commits (a changed
 * timeline) cannot give: what this engine may have written outside, and what was there
 * before.
 */
#ifndef RD_FAILOVER_INTENT_H
#define RD_FAILOVER_INTENT_H

#include <stdint.h>

#include "core/err.h"

struct intent_log;
struct intent {
	int64_t at_ms, epoch;
	const char *event, *agent, *kind, *subject;
	const char *before, *after;	/* JSON or NULL */
};
/* DIR/intent-DATABASE.log, created 0600. NULL with err. dir NULL: a log that keeps nothing.
 * database: which one, so that another one's events are not taken for ours. */
struct intent_log *intent_open(const char *dir, const char *database, struct err *err);
void intent_close(struct intent_log *l);	/* NULL ok; nobody waits in intent_sync */
/* Buffers a line. */
void intent_add(struct intent_log *l, const struct intent *i);
/* Returns when all that was added before this call is on disk. In a task: a worker thread writes,
 * and several callers share one fsync. */
int intent_sync(struct intent_log *l, struct err *err);
/* At what size a file is turned over (tests). */
void intent_keep(struct intent_log *l, int64_t bytes);
/* Calls fn for each whole line; a torn last line is skipped. */
int intent_read(const char *dir, const char *database,
		void (*fn)(void *ctx, const struct intent *i), void *ctx, struct err *err);

/* The timeline up to which this log was merged into the database; 0 = not known. */
int64_t intent_merged(const char *dir, const char *database);
int intent_merged_put(const char *dir, const char *database, int64_t timeline, struct err *err);

#endif
