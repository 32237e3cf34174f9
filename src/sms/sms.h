/*
 * SMS as people look at it and act on it: reports over three sources, actions with
 * preview, row guard and undo, retries at a pace. One of these per engine; it decides
 * nothing by itself.
 */
#ifndef RD_SMS_SMS_H
#define RD_SMS_SMS_H

#include "core/json.h"
#include "read/sms.h"
#include "store/store.h"

struct providers;
struct sms;

struct sms_deps {
	struct loop *loop;
	struct store *store;
	struct providers *providers;
	int64_t retry_age_ms;		/* older messages are not sent again */
};
struct sms *sms_new(const struct sms_deps *d);
void sms_stop(struct sms *s);		/* NULL ok; running retries end after their batch */
bool sms_idle(const struct sms *s);	/* NULL is idle */
void sms_free(struct sms *s);		/* NULL ok */

/* ---- reports (report.c); for tasks ---------------------------------------------------- */

enum sms_report_kind { SMS_MIX, SMS_FAILURES, SMS_CODES, SMS_ORGS, SMS_SENDERS, SMS_HOURS,
		       SMS_REPORTS };
int sms_report_parse(const char *word);		/* -1 */
struct sms_query {
	enum sms_report_kind kind;
	enum sms_source source;
	int64_t window_ms;			/* at most 24 h */
	int64_t limit;
	const char *org, *code, *sender, *cursor;
	bool content;				/* of messages; the caller has it written down */
};
/* Appends {"source","windowMs","asOf","rows":[...],...}. */
int sms_report(struct sms *s, const struct sms_query *q, struct str *ret, struct err *err);

/* ---- actions (actions.c, retry.c); for tasks ------------------------------------------------ */

struct sms_order {
	const char *org;
	int64_t per_minute;		/* -1 = not given */
	int64_t rows;			/* what the preview said; -1 = not compared */
	const char *reason;
	bool dry_run;
	/* retry */
	const char *code, *messages;	/* one code; JSON array of ids; NULL = all that qualify */
	int64_t limit;
};
#define SMS_ORDER ((struct sms_order){ .per_minute = -1, .rows = -1, .limit = 100 })

/* Each appends {"action","actionId","orgId","dryRun","rows","text","before","after","undo"}.
 * ERR_NOT_FOUND, ERR_CONFLICT (already so; other rows than said), ERR_INVALID with a field. */
int sms_org_off(struct sms *s, const struct who *who, const struct sms_order *o, struct str *ret,
		struct err *err);
int sms_org_on(struct sms *s, const struct who *who, const struct sms_order *o, struct str *ret,
	       struct err *err);
int sms_org_rate(struct sms *s, const struct who *who, const struct sms_order *o, struct str *ret,
		 struct err *err);
/* Puts back what an action replaced, if nobody changed it since. */
int sms_undo(struct sms *s, const struct who *who, const char *action, struct str *ret,
	     struct err *err);
/* The application's feature sms_automation. */
int sms_global(struct sms *s, const struct who *who, bool on, const struct sms_order *o,
	       struct str *ret, struct err *err);
/* Re-queues failed messages in batches, per_minute (60 unless said) of them a minute: at most an
 * hour old, each once for ever, never to who opted out, from the same sender. Returns once the
 * first batch is through; the rest goes on in a task. */
int sms_retry(struct sms *s, const struct who *who, const struct sms_order *o, struct str *ret,
	      struct err *err);
/* One batch in one transaction; *ret_n messages were re-queued. */
int sms_retry_batch(struct sms *s, const struct who *who, const char *action,
		    const struct sms_order *o, int64_t *ret_n, struct err *err);

/* Features of the application: {"features":[{"name","on"}]}. */
int sms_features(struct sms *s, struct str *ret, struct err *err);
int sms_feature_set(struct sms *s, const struct who *who, const char *name, bool on,
		    const char *reason, struct err *err);

#endif
