/*
 * Which of our capabilities work now, by the map of the policy: a capability is as well as the
 * worst component that it needs; a component is as well as what watches it says. What nobody
 * watches is not known, and is never shown as working. Pure but for the reading.
 */
#ifndef RD_INCIDENT_CAPABILITY_H
#define RD_INCIDENT_CAPABILITY_H

#include "model/fields.h"
#include "policy/policy.h"
#include "store/store.h"

#define CAPABILITY_STATE_LIST(X)                                                                   \
	X(CAP_OK, "ok") X(CAP_UNKNOWN, "unknown") X(CAP_DEGRADED, "degraded") X(CAP_DOWN, "down")
enum capability_state { CAPABILITY_STATE_LIST(RD_ENUM_ID) CAP_MAX };
extern const struct enum_names capability_state_names;

/* What watches: read once for all components. */
struct watch_alert { char *name, *severity, *text; };
struct watch_account { char *name, *provider, *health, *why; bool carrying; };
struct watching {
	struct watch_alert *alerts; size_t n_alerts;
	struct watch_account *accounts; size_t n_accounts;
	struct json *feeds;		/* the leader's document; NULL = none */
	bool database;			/* it answered */
	int64_t now_ms;
};
int watching_read(struct store *s, struct watching *ret, struct err *err);
void watching_fini(struct watching *w);

/* *ret_why (heap) says what says so. */
enum capability_state component_state(const struct policy_dependency *d, const struct watching *w,
				      char **ret_why);
/* The worst of what it needs; *ret_why (heap) names it. */
enum capability_state capability_now(const struct policy *p, const char *capability,
				     const struct watching *watch, char **ret_why);
/* "capabilities", "affected", "working", "unknown". */
void capabilities_json(struct jw *w, const struct policy *p, const struct watching *watch);

#endif
