/* What people hear of alerts: one message a group and severity, when it begins, again while nobody
 * acknowledges it, and when it is over. By the policy's channels for the severity. */
#ifndef RD_ALERT_TELL_H
#define RD_ALERT_TELL_H

#include "notify/notify.h"
#include "policy/policy.h"
#include "store/store.h"

struct telling_alerts {
	const struct notify_settings *set;
	const struct policy *policy;	/* NULL: by all channels, once */
	double speed;			/* durations of the policy are divided by it */
	int64_t remind_ms;		/* silences and acknowledgements are told so long before */
};
/* In the transaction that moved them, after alerts_hush. What was hushed and still fires when
 * that ends is told then. */
int alert_tell(struct tx *t, const struct telling_alerts *d, struct err *err);
/* Silences and acknowledgements that end soon or seem forgotten; each once, the last daily. */
int alert_remind(struct tx *t, const struct telling_alerts *d, struct err *err);

#endif
