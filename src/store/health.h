/* Small reads that the monitor and the decider need beside the tables' own functions. */
#ifndef RD_STORE_HEALTH_H
#define RD_STORE_HEALTH_H

#include "store/store.h"

/* Accounts (from and to) of events that are approved, executing, failed or rolling back. */
int health_busy_accounts(struct store *s, char ***ret, size_t *ret_n, struct err *err);
/* Numbers of watched agents on the account whose webhooks are not the approved ones. */
int health_drifted(struct store *s, const char *account, int64_t *ret, struct err *err);
/* Free numbers of the account that are not fit because something else routes them: how many,
 * and one of them with its problem ("" when none). */
int health_routed(struct store *s, const char *account, int64_t *ret, char *example, size_t n,
		  struct err *err);
/* Ids of events opened since a wall time, oldest first. */
int health_opened_since(struct store *s, int64_t since_ms, char ***ret, size_t *ret_n,
			struct err *err);
/* The newest row of "TwilioHealthCheck": details JSON (NULL = none) and when. */
int health_last_details(struct store *s, const char *account, char **ret, int64_t *ret_at_ms,
			struct err *err);

#endif
