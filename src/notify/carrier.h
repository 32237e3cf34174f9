/* The account that speaks to our own people: never one that is in trouble. */
#ifndef RD_NOTIFY_CARRIER_H
#define RD_NOTIFY_CARRIER_H

#include "notify/channel.h"
#include "providers/provider.h"

/* One that has the number from, where that is known; notify.smsAccount, else the first that has no
 * part in what the parcel is about. healthy: only one that was seen healthy; else one that is not
 * known to be ill will do. ERR_NOT_FOUND. */
int carrier_choose(const struct notifier_deps *d, const struct parcel *p, const char *from,
		   bool healthy, struct credentials *ret, struct err *err);
/* People and the policy decided that it is sent; nothing more is to be asked. */
extern const struct write_guard carrier_guard;

#endif
