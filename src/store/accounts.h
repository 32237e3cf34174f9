/* Carrier accounts: "TwilioAccount" and ringdown.account_ext together. */
#ifndef RD_STORE_ACCOUNTS_H
#define RD_STORE_ACCOUNTS_H

#include "model/account.h"
#include "store/store.h"

/* All, removed ones excepted, with agents and number counts; ordered by primary, priority, name. */
int accounts_list(struct store *s, struct account **ret, size_t *ret_n, struct err *err);
/* The figures of its pool anew, into the row. */
int account_count_numbers(struct store *s, struct account *a, struct err *err);
/* When any of them was checked last; 0 = never. */
int accounts_newest_check(struct store *s, int64_t *ret_ms, struct err *err);
void accounts_free(struct account *rows, size_t n);
/* id, accountSid or name. ERR_NOT_FOUND names the nearest. */
int account_get(struct store *s, const char *ref, struct account *ret, struct err *err);

/* Opened credentials (model/account.h). */
void account_keys_fini(struct account_keys *k);
/* ERR_NOT_FOUND: no such account, or sealed with a key that is missing (text says which). */
int account_keys_load(struct store *s, const char *id, struct account_keys *ret, struct err *err);

/* What a person enters; NULL or -1 = unchanged (edit) or default (add). */
struct account_input {
	const char *name, *provider, *account_sid, *region, *edge, *type;
	struct secret *token;
	const char *api_key; struct secret *api_secret;
	const char *second_key; struct secret *second_secret;
	const char *parent_sid, *parent_key; struct secret *parent_secret;
	int64_t priority;
	int is_primary, is_active;
	const char *capabilities;	/* JSON: what the live check found */
};
#define ACCOUNT_INPUT ((struct account_input){ .priority = -1, .is_primary = -1, .is_active = -1 })
int account_add(struct store *s, const struct who *who, const struct account_input *in,
		char **ret_id, struct err *err);
/* A new token keeps the one before for previous_ms, for signatures. */
int account_edit(struct store *s, const struct who *who, const char *id,
		 const struct account_input *in, int64_t previous_ms, struct err *err);
/* ERR_CONFLICT naming what uses it: agents, an open event, a lineage. */
int account_remove(struct store *s, const struct who *who, const char *id, struct err *err);

/* The monitor's result of a cycle: health, since, why, figures, status, type, balance.
 * balance_amount NULL: not known now, what was known stays. */
int account_health_put(struct tx *t, const struct account *a, const double *balance_amount,
		       struct err *err);
/* Why it cannot be a target, whatever its figures say; reason NULL: nothing is against it. */
int account_not_ready(struct tx *t, const char *id, const char *reason, struct err *err);

/* Re-seals up to batch accounts that are not under the current key; *ret_left counts the rest.
 * May be interrupted and repeated. */
int accounts_reseal(struct store *s, const struct who *who, int64_t batch, int64_t *ret_done,
		    int64_t *ret_left, struct err *err);
/* Accounts whose credentials none of our keys opens: names joined by ", ", "" when none. */
int accounts_unopenable(struct store *s, char **ret_names, struct err *err);

/* Lineages: where each primary's agents run now. What may not open again follows from the newest
 * event's state. */
struct lineage_row { char *primary, *current; int64_t healthy_since_ms, version; };
int lineages_list(struct store *s, struct lineage_row **ret, size_t *ret_n, struct err *err);
void lineages_free(struct lineage_row *rows, size_t n);
/* Its agents run on this account from now on. */
int lineage_set_current(struct tx *t, const char *primary, const char *account, struct err *err);
/* Without a break since; 0 = it is not. */
int lineage_healthy(struct tx *t, const char *primary, int64_t since_ms, struct err *err);
/* Makes backup a standby of primary alone; the lowest priority is taken first. */
int standby_set(struct tx *t, const char *primary, const char *backup, int64_t priority,
		struct err *err);
void ids_free(char **ids, size_t n);

#endif
