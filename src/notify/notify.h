/*
 * Telling people: what must be said becomes outbox rows in the transaction that causes
 * it (notify_put), one per channel and recipient; the notifier's task sends them. With
 * the database down it mails the last known recipients from a sealed copy on disk and
 * acts on nothing.
 *
 * A channel is one .c with a struct channel and one line in channels.h.
 */
#ifndef RD_NOTIFY_NOTIFY_H
#define RD_NOTIFY_NOTIFY_H

#include "core/config.h"
#include "core/crypto.h"
#include "core/http.h"
#include "model/event.h"

struct store;
struct tx;
struct providers;

/* What happened; the word is the outbox row's kind. */
#define NOTIFY_KINDS(X)                                                                            \
	X(SAY_OPENED, "opened") X(SAY_HELD, "held") X(SAY_REALERT, "realert")                      \
	X(SAY_ANNOUNCED, "announced") X(SAY_DECIDED, "decided") X(SAY_COMPLETED, "completed")      \
	X(SAY_FAILED, "failed") X(SAY_ROLLING_BACK, "rolling_back")                                \
	X(SAY_ROLLED_BACK, "rolled_back") X(SAY_CANCELLED, "cancelled")                            \
	X(SAY_REJECTED, "rejected") X(SAY_FLAPPING, "flapping") X(SAY_ALERT, "alert")              \
	X(SAY_RESOLVED, "resolved") X(SAY_LOCKED, "locked") X(SAY_DATABASE, "database")      \
	X(SAY_ACKED, "acknowledged") X(SAY_INCIDENT, "incident") X(SAY_MESSAGE, "message")
enum say_kind { NOTIFY_KINDS(RD_ENUM_ID) SAY_MAX };
extern const struct enum_names say_kind_names;

struct notify_settings {
	char *smtp_url, *smtp_user, *smtp_from, *smtp_ca_file;
	struct secret *smtp_password;
	bool smtp_starttls, smtp_insecure;
	struct strlist mail_to;			/* beside every SUPER_ADMIN of "User" */
	struct secret *slack_url;		/* the whole URL is the secret */
	char *slack_base, *pagerduty_base;
	struct secret *pagerduty_key;
	char *webhook_url;
	struct secret *webhook_secret;
	struct strlist sms_to;
	char *sms_account, *sms_from;		/* id or name; never the failing one */
	char *call_from;			/* spoken calls; unset: none is ever made */
	char *statuspage_base, *statuspage_page;
	struct secret *statuspage_key;
	char *statuspage_url;
	int64_t retry_ms, give_up_ms, per_event_hour, per_hour;
};
extern const struct option_table notify_options;

struct notifier;
struct notifier_deps {
	struct loop *loop;
	struct http *http;
	struct store *store;
	struct providers *providers;
	const struct notify_settings *set;
	const struct keyring *keys;
	const char *engine_id, *state_dir, *public_url, *environment;
	/* Address of the engine that led last, when it is another one: as long as it answers, it
	 * tells
	 * people that the database is away, and we need not. NULL function or result: we do. */
	const char *(*speaker)(void *ctx);
	void *speaker_ctx;
};
struct notifier *notifier_new(const struct notifier_deps *d);
void notifier_wake(struct notifier *n);
void notifier_public_url(struct notifier *n, const char *url);	/* it was configured anew */
void notifier_stop(struct notifier *n);
bool notifier_idle(const struct notifier *n);
void notifier_free(struct notifier *n);

/* In the causing transaction: rows for every channel that is configured. subject: event id or
 * alert name; e may be NULL (alerts); text: one sentence for people. */
int notify_put(struct tx *t, const struct notify_settings *set, enum say_kind kind,
	       const struct event *e, const char *subject, const char *text, struct err *err);
/* As notify_put without an event, once for each key: by the channels that are named ("slack mail"),
 * and by the webhook, which is for machines; NULL, or none of them is configured: by all. Names of
 * those that have it are added to ret_by. page: under what a pager folds it, NULL = the subject. */
int notify_put_by(struct tx *t, const struct notify_settings *set, enum say_kind kind,
		  const char *subject, const char *text, const char *key, const char *page,
		  const char *by, struct str *ret_by, struct err *err);
/* To these channels only, once for each key; the policy chose them, so neither kinds nor caps
 * count. recipient NULL: all that the channel has. Names of channels that are not configured
 * are added to ret_missing. */
struct notify_to { const char *channel, *recipient; };
int notify_put_to(struct tx *t, const struct notify_settings *set, enum say_kind kind,
		  const char *subject, const char *text, const char *key,
		  const struct notify_to *to, size_t n, struct str *ret_missing, struct err *err);
/* A person's words as they stand, without ringdown's frame around them. status: of a status page
 * ("Investigating"); components: JSON, what its components say then; NULL = as they are. */
struct notify_letter { const char *subject, *body, *status, *components; };
int notify_put_letter(struct tx *t, const struct notify_settings *set, const char *subject,
		      const struct notify_letter *letter, const char *key,
		      const struct notify_to *to, size_t n, struct str *ret_missing,
		      struct err *err);
/* Without a database: mail and Slack to the last known, once per subject and hour. */
void notify_offline(struct notifier *n, const char *subject, const char *text);
/* *ret: nobody could be told about this event so far (its window is then extended once). */
int notify_untold(struct store *s, const char *event_id, bool *ret, struct err *err);

#endif
