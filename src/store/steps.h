/* What the acting half needs beside store/events.h: an attempt's steps as a whole, and what
 * must be re-read before anything is written outside. */
#ifndef RD_STORE_STEPS_H
#define RD_STORE_STEPS_H

#include "model/event.h"
#include "store/store.h"

/* All nine, waiting; replaces what was there. */
int steps_put(struct tx *t, const char *event, int64_t agents, struct err *err);

/* What stops an outside write of this event, read inside a leader's transaction. */
struct attempt_stop {
	int status;			/* enum event_status */
	int64_t version;
	bool cancel;			/* a person asked for it */
	bool paused;			/* or in maintenance */
};
int attempt_stop_read(struct tx *t, const char *event, struct attempt_stop *ret,
		      struct err *err);

/* The lock was sent: until when it stands; any earlier unlock does not count for it. */
int attempt_locked(struct tx *t, const char *event, int64_t expires_ms, int64_t renewals,
		   struct err *err);
/* The cancel was heard. */
int attempt_cancel_clear(struct tx *t, const char *event, struct err *err);
/* A plan into the event's own row. */
int attempt_plan(struct tx *t, const char *event, const char *to, const char *plan,
		 const char *hash, int64_t agents, bool partial, struct err *err);

/* ERR_CONFLICT names a newer attempt of the lineage. */
int attempt_is_newest(struct tx *t, const char *event, struct err *err);

/* System identifier and hash of the name of the database, fit for a file name; caller frees. */
int database_identity(struct store *s, char **ret, struct err *err);
/* After a look at what was lost: the server's timeline is the known one; the lease's epoch is above
 * every one that was ever seen (its holder must take it anew then; false: it was above). */
int timeline_known(struct tx *t, int64_t timeline, struct err *err);
int lease_epoch_above(struct tx *t, int64_t epoch, bool *ret_raised, struct err *err);

/* Events that nobody works on and whose lock may still stand. */
struct owed_unlock { char *event; int64_t epoch; };
int unlocks_owed(struct store *s, struct owed_unlock **ret, size_t *ret_n, struct err *err);
void unlocks_free(struct owed_unlock *v, size_t n);

#endif
