/*
 * The intent log: one line on local disk, fsynced, before each batch of outside writes
 * (failover.md §7). It is the witness that a database which lost its newest commits (a
 * changed timeline) cannot give: what this engine may have written outside.
 */
#ifndef RD_FAILOVER_INTENT_H
#define RD_FAILOVER_INTENT_H

#include <stdint.h>

#include "core/err.h"

struct intent_log;
/* DIR/intent-DATABASE.log, created 0600. NULL with err. dir NULL: a log that keeps nothing.
 * database: which one, so that another one's events are not taken for ours. */
struct intent_log *intent_open(const char *dir, const char *database, struct err *err);
void intent_close(struct intent_log *l);	/* NULL ok */
/* Buffers a line; intent_sync writes and fsyncs what was buffered. */
void intent_add(struct intent_log *l, int64_t at_ms, int64_t epoch, const char *event,
		const char *agent, const char *kind, const char *subject);
int intent_sync(struct intent_log *l, struct err *err);
/* Calls fn for each whole line with epoch > after_epoch; a torn last line is skipped. */
int intent_read(const char *dir, const char *database, int64_t after_epoch,
		void (*fn)(void *ctx, int64_t at_ms, int64_t epoch, const char *event,
			   const char *agent, const char *kind, const char *subject),
		void *ctx, struct err *err);

#endif
