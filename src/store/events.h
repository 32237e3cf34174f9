/*
 * Failover events: ringdown.event with its tests, steps and gates, mirrored into the
 * application's "TwilioFailoverEvent". Every transition is one conditional update on
 * status and version; the loser of a race gets ERR_CONFLICT and what happened instead.
 *
 * The deciding side writes through event_open, event_transition and event_test_add; the
 * acting side through event_transition (states) and event_progress (what it has done).
 */
#ifndef RD_STORE_EVENTS_H
#define RD_STORE_EVENTS_H

#include "model/event.h"
#include "store/store.h"

struct event_row {
	struct event e;
	/* what only engines need */
	int64_t announced_at_ms, realert_at_ms, realerts;
	bool untold_extended, paged_flapping;
	int64_t fails;				/* failed tests in a row */
	int64_t rollback_started_at_ms;
	char *rollback_by;
	char *cancel_requested_by;
	int64_t cancel_requested_at_ms;
	int64_t first_write_at_ms, last_write_at_ms;
	int64_t lock_expires_at_ms, lock_renewals, unlocked_at_ms;
};
void event_row_fini(struct event_row *r);
void event_rows_free(struct event_row *rows, size_t n);

/* ---- reading: with t inside its transaction, else (t NULL) outside ----------------- */

/* With steps, gates and the newest tests. ERR_NOT_FOUND. */
int event_load(struct store *s, struct tx *t, const char *id, struct event_row *ret,
	       struct err *err);
/* As event_load and locked FOR UPDATE; t required. */
int event_lock(struct tx *t, const char *id, struct event_row *ret, struct err *err);
/* Open events and the newest one of each lineage, closed or not; with gates, without tests.
 * What the decider looks at each tick. */
int events_current(struct store *s, struct event_row **ret, size_t *ret_n, struct err *err);
/* Ids of events in these states (bit = enum event_status), oldest first; for the acting side. */
int events_in(struct store *s, unsigned states, char ***ret, size_t *ret_n, struct err *err);

struct events_filter {
	const char *status;		/* word, or several joined by "," ; NULL = all */
	const char *account;		/* from, to or lineage */
	const char *cursor;		/* as given by the last page; NULL = newest */
	int64_t limit;			/* <= 1000 */
};
/* Newest first; *ret_cursor NULL at the end. With steps, tests and gates. */
int events_list(struct store *s, const struct events_filter *f, struct event_row **ret,
		size_t *ret_n, char **ret_cursor, struct err *err);

/* ---- writing ----------------------------------------------------------------------- */

/* Inserts; id is made when NULL, version 1. Journals "event.<status>". ERR_CONFLICT: the
 * lineage has an open event already (named). */
int event_open(struct tx *t, struct event_row *r, struct err *err);
/* Writes r (status and everything of the deciding side) if the row still has this status and
 * version; adds 1 to r->e.version. Journals "event.<status>" when the status changed, else
 * "event.update", with text as its line (NULL: the reason) and the whole event as data. */
int event_transition(struct tx *t, struct event_row *r, enum event_status from, int64_t version,
		     const char *text, struct err *err);
/* Adds a test and writes the window's figures of r with it, if the row still has the status
 * and version that r has (the version does not change). Journals "event.test". */
int event_test_add(struct tx *t, struct event_row *r, const struct event_test *test,
		   struct err *err);

/* Journals the event as it is now under this kind, and mirrors it: after plan_store and the
 * like, which write columns of their own. */
int event_note(struct tx *t, const char *id, const char *kind, const char *text, struct err *err);

/* The plan as people are shown it before it is approved: summary and hash, nothing reserved. */
int event_preview(struct tx *t, const char *id, const char *hash, const char *plan, int64_t agents,
		  struct err *err);

/* What the acting side has done; no transition, no version. NULL or -1 = unchanged. */
struct event_progress {
	int64_t moved, failed;
	int64_t first_write_at_ms, last_write_at_ms;	/* first: only when unset; last: greater */
	int64_t lock_expires_at_ms, lock_renewals, unlocked_at_ms;
	const char *error, *executed_by;
	int64_t epoch;
};
#define EVENT_PROGRESS ((struct event_progress){ .moved = -1, .failed = -1,                        \
	.first_write_at_ms = -1, .last_write_at_ms = -1, .lock_expires_at_ms = -1,                 \
	.lock_renewals = -1, .unlocked_at_ms = -1, .epoch = -1 })
int event_progress(struct tx *t, const char *id, const struct event_progress *p, struct err *err);
/* One step's row (step->n); journals "event.step" with the event as data when note is set. */
int event_step_put(struct tx *t, const char *id, const struct event_step *step, bool note,
		   struct err *err);
/* Asks the acting side to stop; 0 rows (not approved or executing) -> ERR_CONFLICT. */
int event_cancel_request(struct tx *t, const char *id, const char *by, const char *reason,
			 struct err *err);
/* A wish to cancel is over (resumed, rolled back). */
int event_cancel_clear(struct tx *t, const char *id, struct err *err);
int event_ack(struct tx *t, const char *id, const char *by, struct err *err);
/* Completed events of the lineage older than `id` become superseded. */
int events_supersede(struct tx *t, const char *lineage, const char *id, struct err *err);

/* "approved by ben 2 s ago": what an event's state says to somebody who came too late. */
void event_says(const struct event *e, int64_t now_ms, char *buf, size_t n);

#endif
