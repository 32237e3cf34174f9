/*
 * A spoken call: rings the number of a rung and says the incident twice. Each costs money, so
 * it is off unless the owner set notify.callFrom and the policy says that calls are spoken; it
 * goes through an account that is healthy and has no part in the trouble, or not at all. The
 * task to call by hand stands beside it in any case: nobody can be seen to have listened.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "notify/carrier.h"
#include "providers/telephony.h"

enum { TEXT_MAX = 300, RING_S = 40 };

static bool configured(const struct notify_settings *set)
{
	return !str_empty(set->call_from);
}

static void add_escaped(struct str *b, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&': str_add(b, "&amp;"); break;
		case '<': str_add(b, "&lt;"); break;
		case '>': str_add(b, "&gt;"); break;
		case '"': str_add(b, "&quot;"); break;
		default: str_addc(b, *s);
		}
	}
}

static void compose(struct str *b, const struct parcel *p)
{
	_cleanup_(free_p) char *line = text_clean(p->say.text ? p->say.text : p->event, TEXT_MAX);

	str_add(b, "<Response>");
	for (int i = 0; i < 2; i++) {
		str_add(b, "<Say>This is ringdown. ");
		add_escaped(b, line);
		str_add(b, "</Say><Pause length=\"1\"/>");
	}
	str_add(b, "</Response>");
}

static int send_call(const struct notifier_deps *d, const struct parcel *p, struct refusal *why,
		     struct err *err)
{
	_cleanup_(free_p) char *from = xstrdup(d->set->call_from);
	struct str twiml = STR_INIT(8000);
	struct credentials c = { 0 };
	struct call_info info;
	char sid[36];
	int r = carrier_choose(d, p, from, true, &c, err);

	if (r < 0)
		return r;
	compose(&twiml, p);
	const struct test_call call = { .from = from, .to = p->recipient, .timeout_s = RING_S,
					.twiml = str_get(&twiml) };
	if (d->providers->telephony->test_call(d->providers, &c, &carrier_guard, &call, sid,
					       &info) != CALL_OK) {
		/* one that may ring already is not rung again */
		why->for_good = info.maybe_done || info.result == CALL_REFUSED ||
				info.result == CALL_NOT_FOUND;
		why->retry_after_ms = info.retry_after_ms;
		r = err_set(err, info.result == CALL_CANCELLED ? ERR_CANCELLED : ERR_FAILED,
			    "%s %lld %s", call_result_name(info.result), (long long)info.code,
			    info.message);
	}
	credentials_fini(&c);
	str_fini(&twiml);
	return r;
}

/* Only to the numbers of rungs, never to everybody. */
static void nobody(const struct notify_settings *set, struct strlist *ret)
{
	(void)set;
	(void)ret;
}

const struct channel channel_voice = {
	.name = "voice", .kinds = 0, .configured = configured, .recipients = nobody,
	.send = send_call,
};
