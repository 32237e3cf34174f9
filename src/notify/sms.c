/*
 * SMS to people, sent through an account of the installation that is not the one in
 * trouble. It costs money, so only what needs somebody awake goes this way, and only to
 * the numbers in the configuration.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "notify/channel.h"
#include "providers/telephony.h"
#include "store/accounts.h"

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

static bool concerned(const struct event *e, const struct account *a)
{
	return e && (str_eq(a->id, e->from) || str_eq(a->id, e->lineage) || str_eq(a->id, e->to));
}

static bool may_send(const struct account *a, const struct event *e)
{
	return a->is_active && str_eq(a->provider, "twilio") && a->health != HEALTH_CRITICAL &&
	       a->health != HEALTH_DEGRADED && !(e && str_eq(a->id, e->from));
}

/* The named account, else the first healthy one that has no part in the event, else one that
 * has (but never the one that fails). NULL id: none. */
static int choose(const struct notifier_deps *d, const struct event *e, char **ret,
		  struct err *err)
{
	_cleanup_(free_p) char *named = xstrdup(d->set->sms_account); /* settings may be reloaded */
	struct account *rows = NULL;
	size_t n = 0;
	int r = accounts_list(d->store, &rows, &n, err);

	for (int pass = 0; r == 0 && pass < 2 && !*ret; pass++)
		for (size_t i = 0; i < n && !*ret; i++) {
			const struct account *a = &rows[i];
			bool fits = str_empty(named) || str_eq(a->id, named) ||
				str_eq(a->name, named) ||
				    str_eq(a->account_sid, named);

			if (fits && may_send(a, e) && (pass || !concerned(e, a)))
				*ret = xstrdup(a->id);
		}
	accounts_free(rows, n);
	if (r == 0 && !*ret)
		r = err_set(err, ERR_NOT_FOUND, str_empty(named) ?
			    "no healthy account could send it" :
			    "notify.smsAccount is the failing account, not healthy or unknown");
	return r;
}

static int load_keys(struct store *s, const char *id, struct credentials *c, struct err *err)
{
	struct account_keys k = { 0 };
	int r = account_keys_load(s, id, &k, err);

	if (r == 0)
		credentials_from_keys(&k, c);
	account_keys_fini(&k);
	return r;
}

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

static int send_sms(const struct notifier_deps *d, const struct parcel *p, struct refusal *why,
		    struct err *err)
{
	const struct write_guard guard = { always, NULL };
	_cleanup_(free_p) char *account = NULL;
	_cleanup_(free_p) char *from = xstrdup(d->set->sms_from);
	_cleanup_(free_p) char *text = NULL;
	struct credentials c = { 0 };
	struct call_info info;
	char sid[36];
	int r = choose(d, p->say.e, &account, err);

	if (r == 0)
		r = load_keys(d->store, account, &c, err);
	if (r < 0)
		return r;
	text = say_line(&p->say, TEXT_MAX);
	if (d->providers->telephony->message_send(d->providers, &c, &guard, from, p->recipient,
						  text, sid, &info) != CALL_OK) {
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
	.name = "sms",
	.kinds = KIND(SAY_OPENED) | KIND(SAY_HELD) | KIND(SAY_REALERT) | KIND(SAY_DECIDED) |
		 KIND(SAY_COMPLETED) | KIND(SAY_FAILED) | KIND(SAY_ROLLED_BACK) |
		 KIND(SAY_FLAPPING) | KIND(SAY_LOCKED) | KIND(SAY_DATABASE),
	.configured = configured, .recipients = recipients, .send = send_sms,
};
