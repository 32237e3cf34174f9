/* A carrier account as the API, the console and the fold see it (never a credential). */
#ifndef RD_MODEL_ACCOUNT_H
#define RD_MODEL_ACCOUNT_H

#include "model/fields.h"

struct account {
	char *id, *name;
	char *provider;			/* "twilio" or "telnyx" */
	char *account_sid;
	int role;			/* enum account_role: carrying while agents run on it */
	bool is_primary, is_active;	/* home account; monitored */
	int64_t priority;		/* lower is chosen first as a target */
	char *status;			/* at the provider: active, suspended, closed, or unknown */
	char *type;			/* Full or Trial; unknown = NULL */
	char *region, *edge;
	char *parent_sid;		/* independent confirmation comes from there */
	int health;			/* enum health */
	int64_t health_since_ms, last_check_ms;
	char *why;			/* one short cause, cleaned */
	int64_t agents, failing, unknown;	/* watched agents on it now */
	double failure_rate;		/* failing / (failing + ok), 0..1 */
	int64_t numbers_total, numbers_free, voice_ready, sms_ready;
	bool standby_ready;
	char *standby_problems;		/* JSON array of sentences */
	char *balance;			/* "12.34 USD"; NULL = unknown */
	bool has_second_credential, has_api_key;
	int64_t credentials_set_at_ms;
	char *current_account;		/* for a primary: where its lineage runs now (id) */
};
extern const struct record_type account_type;

/* What opens an account; every part is owned, none ever leaves the process but to the provider. */
struct secret;
struct account_keys {
	char *id, *provider, *account_sid, *region, *edge;
	struct secret *token;
	struct secret *previous_token;	/* the generation before, while it still signs */
	char *api_key; struct secret *api_secret;
	char *second_key; struct secret *second_secret;	/* key NULL: an auth token */
	char *parent_sid, *parent_key; struct secret *parent_secret;
};

/* {"account":...} in the shape of contract.md §4, with numbers{} and standby{} nested. */
void account_json(struct jw *w, const char *name, const struct account *a);
int account_from_json(struct account *a, const struct json *obj, struct err *err);

#endif
