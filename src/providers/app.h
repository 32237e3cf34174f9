/*
 * The telephony application: health, feature flags, webhook checks, and the
 * signed hooks that tell it about a failover.
 */
#ifndef RD_PROVIDERS_APP_H
#define RD_PROVIDERS_APP_H

#include "providers/provider.h"

enum { APP_MAX_FEATURES = 64 };
struct app_feature { char name[48]; bool on; };
struct app_features { struct app_feature v[APP_MAX_FEATURES]; int n; };
struct app_health {
	bool healthy;			/* 2xx, and a status word (if any) that says so */
	char status[32];		/* the application's own word */
};

enum app_hook { HOOK_LOCK, HOOK_UNLOCK, HOOK_AFTER_SWITCH };
const char *app_hook_name(enum app_hook h);
struct hook_body { const char *event_id; int64_t epoch; int64_t ttl_s; };

/* What a probe of a webhook saw. */
struct webhook_probe {
	int http_status;
	bool answered;			/* 2xx */
	bool twiml;			/* body parses as a <Response> document */
	bool signature_refused;		/* 401 or 403 */
};

struct app_ops {
	enum call_result (*health)(struct providers *p, struct app_health *ret,
				   struct call_info *info);
	/* The application's own view of Twilio (X-Internal-Key). */
	enum call_result (*twilio_health)(struct providers *p, struct app_health *ret,
					  struct call_info *info);
	enum call_result (*features)(struct providers *p, struct app_features *ret,
				     struct call_info *info);
	enum call_result (*feature_set)(struct providers *p, const struct write_guard *guard,
					const char *name, bool on, struct call_info *info);
	/* A probe signed with the account's token (c->token), marked as ours. url NULL = the
	 * configured $APP_BASE/webhooks/test. CALL_REFUSED/REASON_NO_CREDENTIAL without token. */
	enum call_result (*webhook_test)(struct providers *p, const struct credentials *c,
					 const char *url, struct webhook_probe *ret,
					 struct call_info *info);
	/* Asks the application whether it accepts a signature made with the account's token. */
	enum call_result (*validate_signature)(struct providers *p, const struct credentials *c,
					       bool *ret_valid, struct call_info *info);
	enum call_result (*hook)(struct providers *p, const struct write_guard *guard,
				 enum app_hook which, const struct hook_body *body,
				 struct call_info *info);
	/* Any read of a path under $APP_BASE, for runbooks; text is scrubbed and capped. */
	enum call_result (*get)(struct providers *p, const char *path, struct str *ret_text,
				struct call_info *info);
};
extern const struct app_ops app_ops;

#endif
