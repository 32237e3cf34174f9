/*
 * The lease's rows, on the keeper's own direct connection (lease_row_pool); who may take,
 * renew and use it when is the keeper's business (failover/lease.h). For tasks.
 */
#ifndef RD_STORE_LEASE_ROW_H
#define RD_STORE_LEASE_ROW_H

#include "store/store.h"

struct lease_row {
	char holder[64];		/* "" = free */
	char address[256];		/* what the holder advertises */
	int64_t epoch, counter;
	int64_t taken_at_ms, renewed_at_ms;	/* the holder's wall clock: for display only */
	int backend_pid;		/* of the holder's lease connection */
};
/* One direct connection with the store's timeouts; the caller frees it. */
struct pg_pool *lease_row_pool(const struct store *s);

int lease_row_read(struct pg_conn *c, struct lease_row *ret, struct err *err);
/* Counts one up. 0; ERR_LEASE: epoch is no longer the row's. */
int lease_row_renew(struct pg_conn *c, int64_t epoch, int64_t now_ms, int64_t *ret_counter,
		    struct err *err);
/* Takes over from exactly the state seen: epoch becomes max(seen, min_epoch) + 1. Ends the
 * old holder's database sessions first, so a stopped client's row lock cannot block it.
 * 0; ERR_CONFLICT: someone renewed or took it meanwhile. */
int lease_row_take(struct pg_conn *c, const struct lease_row *seen, const char *holder,
		   const char *address, int64_t min_epoch, int64_t now_ms, int64_t *ret_epoch,
		   struct err *err);
/* Leaves it free for others at once. ERR_LEASE when it was not ours any more. */
int lease_row_release(struct pg_conn *c, int64_t epoch, int64_t now_ms, struct err *err);

/* The engines that are there: a counter each, renewed together with their cycle. */
struct engine_row {
	char *id, *address, *version;
	int64_t counter, started_at_ms, seen_at_ms;
};
int engine_beat(struct store *s, const char *address, const char *version, int64_t started_at_ms,
		struct err *err);
int engines_list(struct store *s, struct engine_row **ret, size_t *ret_n, struct err *err);
void engines_free(struct engine_row *rows, size_t n);

/* Name of the environment that the database was adopted for (heap); *ret NULL = none. */
int environment_name(struct store *s, char **ret, struct err *err);
/* Guard against acting on a copy. 0 fine; ERR_NOT_FOUND: never adopted; ERR_DENIED: this is
 * another database or environment than the row says; the text says what differs. */
int environment_check(struct store *s, const char *name, struct err *err);
int environment_adopt(struct store *s, const struct who *who, const char *name, struct err *err);
/* For a new leader, before it acts: if the server's timeline is not the one known, or epochs
 * went back, attempts under way fail for a person and the new timeline is the known one. */
int timeline_settle(struct store *s, int64_t epoch, bool went_back, bool *ret_changed,
		    struct err *err);
/* Server's timeline (a promotion adds one) and whether it is the one adopted or seen last. */
int environment_timeline(struct store *s, int64_t *ret_timeline, int64_t *ret_known,
			 struct err *err);

#endif
