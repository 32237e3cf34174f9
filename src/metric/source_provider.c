/*
 * Metrics that a provider's API has: balances of the accounts that are watched, what is left
 * of the ElevenLabs quota. One series for each account that answers with a figure;
 * subaccounts have no balance of their own and give none.
 *
 * An account that does not answer makes the metric unreadable only when no other one does:
 * who is down is told by health checks.
 */
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "metric/internal.h"
#include "providers/agents_api.h"
#include "providers/telephony.h"
#include "store/accounts.h"

static int why(struct err *err, const char *who, const struct call_info *info)
{
	return err_set(err, ERR_UNREACHABLE, "%s: %s%s%s", who, call_result_name(info->result),
		       info->message[0] ? ": " : "", info->message);
}

/* 0 also when the account has no balance of its own. */
static int balance_of(struct metric_ask *a, const struct account *acc, enum provider_kind kind,
		      struct err *err)
{
	const struct providers *p = a->ms->d.providers;
	struct account_keys keys = { 0 };
	struct credentials c = { 0 };
	struct balance b = { 0 };
	struct call_info info = { 0 };
	int e = account_keys_load(a->ms->d.store, acc->id, &keys, err);

	if (e < 0)
		return e;
	credentials_from_keys(&keys, &c);
	account_keys_fini(&keys);
	bool parent = credentials_have(&c, CRED_PARENT);

	if (providers_telephony(p, kind)->balance((struct providers *)(uintptr_t)p, &c,
						  parent ? CRED_PARENT : CRED_MAIN, &b, &info) !=
	    CALL_OK)
		e = info.reason == REASON_UNSUPPORTED ? 0 : why(err, acc->name, &info);
	else if (b.known)
		metric_points_add(a->ret, a->m->by ? acc->name : "", b.amount);
	credentials_fini(&c);
	return e;
}

/* Without `by`: the lowest, as one series. */
static void keep_lowest(struct metric_points *p)
{
	double lowest = p->n ? p->v[0].value : 0;
	bool any = p->n > 0;

	for (size_t i = 1; i < p->n; i++)
		lowest = p->v[i].value < lowest ? p->v[i].value : lowest;
	metric_points_fini(p);
	if (any)
		metric_points_add(p, "", lowest);
}

static int balances(struct metric_ask *a, enum provider_kind kind, struct err *err)
{
	const char *name = kind == PROVIDER_TELNYX ? "telnyx" : "twilio";
	struct account *rows = NULL;
	struct err last = { 0 };
	size_t n = 0;
	int e = accounts_list(a->ms->d.store, &rows, &n, err), bad = 0;

	for (size_t i = 0; e == 0 && bad != ERR_CANCELLED && i < n; i++)
		if (rows[i].is_active && str_eq(rows[i].provider, name))
			bad = balance_of(a, &rows[i], kind, &last) < 0 ? last.code : bad;
	accounts_free(rows, n);
	if (e == 0 && a->ret->n == 0 && bad < 0) {
		*err = last;
		return last.code;
	}
	if (!a->m->by)
		keep_lowest(a->ret);
	return e;
}

static int twilio_balance(struct metric_ask *a, struct err *err)
{
	return balances(a, PROVIDER_TWILIO, err);
}

static int telnyx_balance(struct metric_ask *a, struct err *err)
{
	return balances(a, PROVIDER_TELNYX, err);
}

/* Percent of the characters that are left. */
static int elevenlabs_quota(struct metric_ask *a, struct err *err)
{
	struct providers *p = a->ms->d.providers;
	struct subscription s = { 0 };
	struct call_info info = { 0 };

	if (p->agents->subscription(p, &s, &info) != CALL_OK)
		return why(err, "ElevenLabs", &info);
	if (s.limit > 0)
		metric_points_add(a->ret, "", 100.0 * (double)(s.limit - s.used) / (double)s.limit);
	return 0;
}

static const struct {
	const char *name;
	int (*ask)(struct metric_ask *a, struct err *err);
} figures[] = {
	{ "twilio.balance", twilio_balance },
	{ "telnyx.balance", telnyx_balance },
	{ "elevenlabs.quota", elevenlabs_quota },
};

int metric_ask_provider(struct metric_ask *a, struct err *err)
{
	const char *names[COUNT_OF(figures)], *near;

	if (!a->ms->d.providers || !a->ms->d.store)
		return err_set(err, ERR_NOT_FOUND, "there are no providers to ask");
	for (size_t i = 0; i < COUNT_OF(figures); i++) {
		names[i] = figures[i].name;
		if (str_eq(a->m->text, figures[i].name))
			return figures[i].ask(a, err);
	}
	near = str_nearest(a->m->text, names, COUNT_OF(names));
	return err_set(err, ERR_INVALID, "providers have no figure '%.40s'%s%s%s", a->m->text,
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
