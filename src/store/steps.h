/* The attempt as a whole: ringdown.event_step, its lock, and what must be re-read before
 * anything is written outside. */
#ifndef RD_STORE_STEPS_H
#define RD_STORE_STEPS_H

#include "model/event.h"
#include "store/store.h"

/* All nine, waiting. */
int steps_put(struct tx *t, const char *event, int64_t agents, struct err *err);
int steps_save(struct tx *t, const char *event, const struct event_step steps[STEP_MAX],
	       struct err *err);

/* An event as the executor needs it. */
struct attempt_row {
	struct event e;			/* with steps, without tests and gates */
	bool cancel;			/* a person asked for it */
	char *cancel_by;
	int64_t lock_expires_ms, lock_renewals, unlocked_ms;
	int64_t first_write_ms, last_write_ms;
};
void attempt_fini(struct attempt_row *a);
int attempt_load(struct store *s, const char *event, struct attempt_row *ret, struct err *err);
/* Ids of events that are approved, executing or rolling_back, oldest first. */
int attempts_due(struct store *s, char ***ret, size_t *ret_n, struct err *err);

/* Inside a leader's transaction: what would stop an outside write of this event. */
struct attempt_stop {
	int status;			/* enum event_status */
	int64_t version;
	bool cancel, paused;
};
int attempt_stop_read(struct tx *t, const char *event, struct attempt_stop *ret,
		      struct err *err);

/* One conditional update on status and version; the executor's own transitions. Writes the
 * application's "TwilioFailoverEvent" too, and the journal. ERR_CONFLICT: somebody was
 * faster; text says with what. */
struct attempt_move {
	int from, to;			/* enum event_status */
	int64_t version;
	const char *reason, *error;	/* NULL = as it was / none */
	const char *executed_by;	/* NULL = leave */
	int64_t rollback_until_ms;	/* 0 = leave */
	int64_t moved, failed;		/* agents; -1 = leave */
	const char *text;		/* journal line */
	enum note_level level;
};
int attempt_transition(struct tx *t, const char *event, const struct attempt_move *m,
		       struct err *err);
/* Counts, beside the steps, as shown while it runs; journaled with the steps when text. */
int attempt_progress(struct tx *t, const char *event, int64_t moved, int64_t failed,
		     const struct event_step steps[STEP_MAX], const char *text,
		     struct err *err);
int attempt_locked(struct tx *t, const char *event, int64_t expires_ms, int64_t renewals,
		   struct err *err);
int attempt_unlocked(struct tx *t, const char *event, struct err *err);
/* Events whose lock may still stand although nobody works on them: (id, epoch). */
struct owed_unlock { char *event; int64_t epoch; };
int unlocks_owed(struct store *s, struct owed_unlock **ret, size_t *ret_n, struct err *err);
void unlocks_free(struct owed_unlock *v, size_t n);

#endif
