/* What people hear of alerts: one message a group, when it begins and when it is over. */
#ifndef RD_ALERT_TELL_H
#define RD_ALERT_TELL_H

#include "notify/notify.h"
#include "store/store.h"

/* In the transaction that moved them, after alerts_hush. What was hushed and still fires when
 * that ends is told then. */
int alert_tell(struct tx *t, const struct notify_settings *set, struct err *err);

#endif
