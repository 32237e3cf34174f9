/* The pool of backup numbers, and the approved webhooks of any number. Who reserves and
 * gives them: items.h. */
#ifndef RD_STORE_NUMBERS_H
#define RD_STORE_NUMBERS_H

#include "model/agent.h"
#include "store/store.h"

/* Ordered by (account, phone_number); account, status ("available" ...) NULL = all. */
int numbers_page(struct store *s, const char *account, const char *status, const char *after,
		 int64_t limit, struct number **ret, size_t *ret_n, struct err *err);
void numbers_free(struct number *rows, size_t n);

struct number_seen {			/* as the provider lists it */
	const char *phone_number, *sid, *country, *area_code;
	const char *capabilities;	/* JSON */
	bool voice_ready;
	int sms_ready;			/* 1, 0, -1 = unknown (leaves a person's word) */
	const char *problem, *trunk_sid, *application_sid, *voice_region;
	const char *observed;		/* webhooks JSON */
};
struct sync_result { int64_t added, updated, gone, kept; };
/* Brings the pool of a standby account in line, in parts, for lists are long: the batches are put
 * (added up in ret), then what was not among them since before_ms becomes unavailable. Assigned and
 * reserved ones keep their agent. */
int numbers_put(struct tx *t, const char *account, const struct number_seen *seen, size_t n,
		struct sync_result *ret, struct err *err);
int numbers_gone(struct tx *t, const char *account, int64_t before_ms, struct sync_result *ret,
		 struct err *err);

/* Baselines: first sight while healthy, then only by a person. */
struct number_hooks {
	char *account, *phone_number, *sid, *baseline, *observed, *approved_by;
	int64_t baseline_at_ms, observed_at_ms, drift_since_ms;
};
int hooks_list(struct store *s, const char *account, struct number_hooks **ret, size_t *ret_n,
	       struct err *err);
int hooks_get(struct store *s, const char *account, const char *phone_number,
	      struct number_hooks *ret, struct err *err);
void hooks_fini(struct number_hooks *h);
void hooks_free(struct number_hooks *rows, size_t n);
/* Stores what was seen; healthy and no baseline yet: it becomes the baseline. Drift is set or
 * cleared by comparing the JSON values. */
int hooks_observed(struct tx *t, const char *account, const struct number_seen *seen, size_t n,
		   bool healthy, struct err *err);
int hooks_adopt(struct tx *t, const char *account, const char *phone_number, const char *baseline,
		struct err *err);

/* Numbers that are not as approved, all accounts or one, longest first; at most limit. */
int hooks_drifted(struct store *s, const char *account, int64_t limit, struct number_hooks **ret,
		  size_t *ret_n, struct err *err);
/* The one account in which a number was seen. ERR_CONFLICT: several. */
int hooks_account(struct store *s, const char *phone_number, char **ret, struct err *err);
/* An attempt under way that uses the number; *ret NULL = none. */
int number_attempt(struct store *s, const char *phone_number, char **ret, struct err *err);

/* The source is a person, or a registered campaign that was seen. Ready: SMS of the agent that has
 * the number is no longer held. */
int number_set_sms_ready(struct tx *t, const char *phone_number, bool ready, const char *source,
			 struct err *err);

#endif
