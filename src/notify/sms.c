/*
 * SMS to people, sent through an account of the installation that is not the one in
 * trouble. It costs money, so only what needs somebody awake goes this way, and only to
 * the numbers in the configuration.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "notify/carrier.h"
#include "providers/telephony.h"

enum { TEXT_MAX = 300 };	/* two segments */

static bool configured(const struct notify_settings *set)
{
	return set->sms_to.n > 0 && !str_empty(set->sms_from);
}

static void recipients(const struct notify_settings *set, struct strlist *ret)
{
	for (size_t i = 0; i < set->sms_to.n; i++)
		strlist_add(ret, set->sms_to.v[i]);
}

static int send_sms(const struct notifier_deps *d, const struct parcel *p, struct refusal *why,
		    struct err *err)
{
	_cleanup_(free_p) char *from = xstrdup(d->set->sms_from);
	_cleanup_(free_p) char *text = NULL;
	struct credentials c = { 0 };
	struct call_info info;
	char sid[36];
	int r = carrier_choose(d, p, from, false, &c, err);

	if (r < 0)
		return r;
	text = say_line(&p->say, TEXT_MAX);
	if (d->providers->telephony->message_send(d->providers, &c, &carrier_guard, from,
						  p->recipient, text, sid, &info) != CALL_OK) {
		/* a reply that was lost: a second copy is better than none */
		why->for_good = info.result == CALL_REFUSED || info.result == CALL_NOT_FOUND;
		why->retry_after_ms = info.retry_after_ms;
		r = err_set(err, info.result == CALL_CANCELLED ? ERR_CANCELLED : ERR_FAILED,
			    "%s %lld %s", call_result_name(info.result), (long long)info.code,
			    info.message);
	}
	credentials_fini(&c);
	return r;
}

const struct channel channel_sms = {
	.name = "sms", .word = "sms",
	.kinds = KIND(SAY_OPENED) | KIND(SAY_HELD) | KIND(SAY_REALERT) | KIND(SAY_DECIDED) |
		 KIND(SAY_COMPLETED) | KIND(SAY_FAILED) | KIND(SAY_ROLLED_BACK) |
		 KIND(SAY_FLAPPING) | KIND(SAY_LOCKED) | KIND(SAY_DATABASE),
	.configured = configured, .recipients = recipients, .send = send_sms,
};
