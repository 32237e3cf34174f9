/* Shared by the files of store/ that write alerts. */
#ifndef RD_STORE_ALERTS_INTERNAL_H
#define RD_STORE_ALERTS_INTERNAL_H

#include "store/internal.h"

#define ALERT_COLUMNS                                                                              \
	"id, name, subject, text, severity, state, since, resolved_at AS \"resolvedAt\","          \
	" acked_by AS \"ackedBy\", acked_at AS \"ackedAt\", priority, source,"                     \
	" coalesce(grouping, name) AS \"group\", count, figure AS value, runbook,"               \
	" inhibited_by AS \"inhibitedBy\", silenced_by AS \"silencedBy\","                         \
	" silenced_reason AS \"silencedReason\", silenced_until AS \"silencedUntil\", labels,"    \
	" ack_until AS \"ackUntil\", told_at AS \"toldAt\", told_n AS told,"                       \
	" told_to AS \"toldTo\", page,"                                                            \
	" CASE WHEN state = 'firing' AND NOT quiet AND acked_by IS NULL"                           \
	" AND inhibited_by IS NULL THEN CASE WHEN told_at IS NULL THEN silenced_until"             \
	" WHEN repeat_at IS NOT NULL THEN greatest(repeat_at, silenced_until) END END"             \
	" AS \"nextTellAt\""

/* Writers of alerts and silences come one after the other, for each writes several rows in an order
 * of its own. Before the first of them in a transaction. */
int alerts_lock(struct tx *t, struct err *err);
/* Journals the first row of r, with a sentence of its own or the alert's. */
void alert_note(struct tx *t, const struct pg_result *r, const char *kind, const char *text);
/* Journals many as one entry without a line of its own: what hushes them, what they say. */
void alerts_note(struct tx *t, const struct pg_result *r, const char *kind);
/* One statement over many: $1 JSON rows that it works by, $2 now, RETURNING ALERT_COLUMNS of those
 * that it changed, which are journaled as alerts_note does. Takes the lock. */
int alerts_rewrite(struct tx *t, const char *sql, const char *rows, const char *kind,
		   struct err *err);

#endif
