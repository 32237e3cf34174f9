/*
 * The probes of one account; see probe.h.
 *
 * Invariant: bad only where the provider itself speaks of this account (suspended, closed,
 * inactive, credentials refused in its own words). 429, timeouts, 5xx, garbled replies and a
 * key that may not ask are unknown; the first two kinds of trouble also count as strikes.
 * A refusal by one credential is never taken for the account's state when another one, or
 * the parent, can be asked.
 */
#include "failover/probe.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

void reading_fini(struct reading *r)
{
	credentials_fini(&r->keys);
	phone_list_fini(&r->phones);
	LIST_FINI(&r->calls);
	LIST_FINI(&r->messages);
	LIST_FINI(&r->alerts);
}

enum strike strike_of(const struct call_info *info)
{
	switch (info->result) {
	case CALL_SERVER:
	case CALL_TIMEOUT:
	case CALL_UNREACHABLE:
		return STRIKE_HIT;
	case CALL_OK:
	case CALL_REJECTED:
	case CALL_INACTIVE:
	case CALL_NOT_FOUND:
		return STRIKE_ANSWERED;
	case CALL_REFUSED:
		return info->http_status ? STRIKE_ANSWERED : STRIKE_NONE;
	default:
		return STRIKE_NONE;
	}
}

void call_why(const struct call_info *info, char *buf, size_t n)
{
	struct str b = STR_INIT(n - 1);

	str_add(&b, call_result_name(info->result));
	if (info->http_status)
		str_addf(&b, ", HTTP %d", info->http_status);
	if (info->code)
		str_addf(&b, ", %lld", (long long)info->code);
	else if (info->code_name[0])
		str_addf(&b, ", %s", info->code_name);
	if (info->message[0])
		str_addf(&b, ": %.80s", info->message);
	snprintf(buf, n, "%s", str_get(&b));
	str_fini(&b);
}

static const struct telephony_ops *ops_of(const struct probe_ask *a)
{
	return providers_telephony(a->providers, a->keys->provider);
}

static void feed(const struct probe_ask *a, struct reading *r, enum endpoint e,
		 const struct call_info *info)
{
	r->requests += info->requests;
	strikes_feed(a->strikes, e, strike_of(info), loop_now_ms(a->loop));
}

/* ---- scope: account, credential, parent ------------------------------------------- */

static bool opens(const struct call_info *i)
{
	return i->result == CALL_OK || i->result == CALL_INACTIVE;
}

static bool inactive(const struct call_info *i, const struct account_info *info)
{
	return i->result == CALL_INACTIVE ||
	       (i->result == CALL_OK &&
		(info->status == ACCOUNT_SUSPENDED || info->status == ACCOUNT_CLOSED));
}

/* What somebody's answer means for a finding that the account is not active or refuses us. */
static enum opinion opinion_of(bool asked, const struct call_info *i,
			       const struct account_info *info, bool refusal_agrees)
{
	if (!asked || (i->result == CALL_REFUSED && i->reason == REASON_NO_CREDENTIAL))
		return OP_NONE;
	if (inactive(i, info))
		return OP_AGREES;
	if (i->result == CALL_REJECTED)
		return refusal_agrees ? OP_AGREES : OP_SILENT;
	if (i->result == CALL_OK && (info->status == ACCOUNT_ACTIVE || info->status_hidden))
		return OP_DISAGREES;
	return OP_SILENT;
}

static void sample_account(const struct call_info *i, const struct account_info *info,
			   const char *by, int64_t now, struct sample *s)
{
	char why[WHY_LEN];

	call_why(i, why, sizeof(why));
	if (inactive(i, info) && i->result == CALL_OK)
		sample_set(s, OUT_BAD, account_status_name(info->status), now,
			   "the account is %s%s", account_status_name(info->status), by);
	else if (inactive(i, info))
		sample_set(s, OUT_BAD, "inactive", now, "the account is not active%s (%s)", by,
			   why);
	else if (i->result == CALL_OK && info->status == ACCOUNT_ACTIVE)
		sample_set(s, OUT_OK, "", now, "active%s", by);
	else if (i->result == CALL_OK)
		sample_set(s, OUT_UNKNOWN, "hidden", now, "this key may not read the status");
	else
		sample_set(s, OUT_UNKNOWN, i->result == CALL_REJECTED ? "refused" : "unread", now,
			   "status not read: %s", why);
	s->code = i->code;
	s->latency_ms = i->latency_ms;
}

static void sample_credential(const struct probe_ask *a, const struct call_info *main,
			      const struct call_info *second, bool second_asked, int64_t now,
			      struct sample *s)
{
	const struct call_info *bad = main->result == CALL_REJECTED			 ? main :
				      second_asked && second->result == CALL_REJECTED ? second :
											NULL;
	bool key = credentials_is_key(a->keys, bad == second ? CRED_SECOND : CRED_MAIN);
	char why[WHY_LEN];

	if (bad) {
		call_why(bad, why, sizeof(why));
		sample_set(s, OUT_BAD, "rejected", now, "%s is refused (%s)",
			   bad == main && second_asked && second->result == CALL_REJECTED ?
				   "every credential" :
			   key ? "the API key" :
				 "the auth token",
			   why);
		s->code = bad->code;
	} else if (opens(main)) {
		sample_set(s, OUT_OK, "", now, "accepted");
	} else {
		call_why(main, why, sizeof(why));
		sample_set(s, OUT_UNKNOWN, "unread", now, "not asked: %s", why);
	}
	s->latency_ms = main->latency_ms;
}

/* The parent as an account of its own: a target under an ill parent is no target. */
static void probe_parent_itself(const struct probe_ask *a, struct reading *r)
{
	struct credentials p = { .provider = a->keys->provider };
	struct account_info info = { 0 };
	struct call_info call = { 0 };
	char why[WHY_LEN];

	snprintf(p.account_sid, sizeof(p.account_sid), "%s", a->keys->parent_sid);
	snprintf(p.region, sizeof(p.region), "%s", a->keys->region);
	snprintf(p.edge, sizeof(p.edge), "%s", a->keys->edge);
	if (a->keys->parent_key[0]) {
		snprintf(p.api_key, sizeof(p.api_key), "%s", a->keys->parent_key);
		p.api_secret = a->keys->parent_secret;
	} else {
		p.token = a->keys->parent_secret;
	}
	ops_of(a)->account(a->providers, &p, CRED_MAIN, &info, &call);
	r->requests += call.requests;
	if (inactive(&call, &info)) {
		snprintf(r->parent_trouble, sizeof(r->parent_trouble), "its parent is not active");
	} else if (call.result == CALL_REJECTED) {
		call_why(&call, why, sizeof(why));
		snprintf(r->parent_trouble, sizeof(r->parent_trouble),
			 "its parent's credential is refused (%.100s)", why);
	}
}

void probe_scope(const struct probe_ask *a, struct reading *r)
{
	const struct telephony_ops *ops = ops_of(a);
	struct account_info main = { 0 }, second = { 0 }, parent = { 0 };
	struct sample *acc = &r->sample[PROBE_ACCOUNT], *cred = &r->sample[PROBE_CREDENTIAL];
	bool by_parent = false;

	ops->account(a->providers, a->keys, CRED_MAIN, &main, &r->main);
	feed(a, r, EP_ACCOUNT, &r->main);
	r->latency_ms = r->main.latency_ms;
	r->second_asked = credentials_have(a->keys, CRED_SECOND);
	if (r->second_asked) {
		ops->account(a->providers, a->keys, CRED_SECOND, &second, &r->second);
		r->requests += r->second.requests;
	}
	r->parent_asked = credentials_have(a->keys, CRED_PARENT);
	if (r->parent_asked) {
		ops->account(a->providers, a->keys, CRED_PARENT, &parent, &r->parent);
		r->requests += r->parent.requests;
		probe_parent_itself(a, r);
	}
	int64_t now = loop_now_ms(a->loop);
	const struct call_info *how = &r->main;
	const struct account_info *info = &main;
	if (!opens(how) || (how->result == CALL_OK && main.status == ACCOUNT_UNKNOWN)) {
		if (r->second_asked && opens(&r->second) && second.status != ACCOUNT_UNKNOWN) {
			how = &r->second;
			info = &second;
		} else if (r->parent_asked && inactive(&r->parent, &parent)) {
			how = &r->parent;
			info = &parent;
			by_parent = true;
		}
	}
	sample_account(how, info, by_parent ? ", says its parent" : "", now, acc);
	sample_credential(a, &r->main, &r->second, r->second_asked, now, cred);
	r->info = *info;
	r->info_known = how->result == CALL_OK;
	r->any_works = opens(&r->main) || (r->second_asked && opens(&r->second));
	r->works = !opens(&r->main) && r->second_asked && opens(&r->second) ? CRED_SECOND :
		CRED_MAIN;

	/* what the others say, if there is a finding */
	bool main_bad = r->main.result == CALL_REJECTED;
	if (cred->outcome == OUT_BAD && acc->outcome != OUT_BAD)
		r->opinion[CF_SECOND] = main_bad ?
			opinion_of(r->second_asked, &r->second, &second, true) :
			opinion_of(true, &r->main, &main, true);
	else
		r->opinion[CF_SECOND] = how == &r->second ?
			opinion_of(true, &r->main, &main, true) :
			opinion_of(r->second_asked, &r->second, &second, main_bad);
	if (by_parent)
		r->opinion[CF_METHOD] = opinion_of(true, &r->main, &main, true);
	else
		r->opinion[CF_PARENT] = opinion_of(r->parent_asked, &r->parent, &parent, false);
}

/* ---- numbers, traffic, balance ------------------------------------------------------ */

void probe_numbers(const struct probe_ask *a, struct reading *r)
{
	struct sample *s = &r->sample[PROBE_NUMBERS];
	struct call_info info = { 0 };
	char why[WHY_LEN];

	ops_of(a)->numbers(a->providers, a->keys, r->works, &r->phones, &info);
	feed(a, r, EP_NUMBERS, &info);
	if (info.result == CALL_REJECTED && r->parent_asked && r->parent.result == CALL_OK) {
		ops_of(a)->numbers(a->providers, a->keys, CRED_PARENT, &r->phones, &info);
		r->requests += info.requests;
	}
	r->numbers_read = info.result == CALL_OK;
	call_why(&info, why, sizeof(why));
	if (r->numbers_read)
		sample_set(s, OUT_OK, "", loop_now_ms(a->loop), "%zu numbers", r->phones.n);
	else
		sample_set(s, OUT_UNKNOWN, "unread", loop_now_ms(a->loop), "not read: %s", why);
	s->code = info.code;
	s->latency_ms = info.latency_ms;
}

void probe_traffic(const struct probe_ask *a, struct reading *r, int64_t since_wall_ms,
		   int max_pages)
{
	const struct telephony_ops *ops = ops_of(a);
	struct sample *s = &r->sample[PROBE_TRAFFIC];
	struct call_info calls = { 0 }, messages = { 0 }, alerts = { 0 };
	bool failed = false;
	char why[WHY_LEN];

	ops->calls(a->providers, a->keys, since_wall_ms, max_pages, &r->calls, &calls);
	feed(a, r, EP_CALLS, &calls);
	ops->messages(a->providers, a->keys, since_wall_ms, max_pages, &r->messages, &messages);
	feed(a, r, EP_MESSAGES, &messages);
	for (size_t i = 0; i < r->calls.n && !failed; i++)
		failed = r->calls.v[i].status == CALL_STATUS_FAILED;
	if (failed) {
		ops->alerts(a->providers, a->keys, since_wall_ms, max_pages, &r->alerts, &alerts);
		feed(a, r, EP_ALERTS, &alerts);
	}
	r->traffic_read = calls.result == CALL_OK || messages.result == CALL_OK;
	call_why(&calls, why, sizeof(why));
	sample_set(s, OUT_UNKNOWN, r->traffic_read ? "few" : "unread", loop_now_ms(a->loop),
		   r->traffic_read ? "too little to judge" : "not read: %s", why);
	s->latency_ms = calls.latency_ms;
}

void probe_balance(const struct probe_ask *a, struct reading *r)
{
	struct call_info info = { 0 };

	r->balance_asked = true;
	ops_of(a)->balance(a->providers, a->keys,
			   credentials_have(a->keys, CRED_PARENT) ? CRED_PARENT : r->works,
			   &r->balance, &info);
	r->requests += info.requests;
	if (!credentials_have(a->keys, CRED_PARENT))
		feed(a, r, EP_BALANCE, &info);
	if (info.result != CALL_OK)
		r->balance.known = false;
}

enum opinion probe_one_number(const struct probe_ask *a, struct reading *r, const char *e164)
{
	struct phone_list one = { 0 };
	struct call_info info = { 0 };
	enum opinion o = OP_SILENT;

	ops_of(a)->number_by_e164(a->providers, a->keys, e164, &one, &info);
	r->requests += info.requests;
	if (info.result == CALL_NOT_FOUND)
		o = OP_AGREES;
	else if (info.result == CALL_OK)
		o = OP_DISAGREES;
	phone_list_fini(&one);
	return o;
}

void probe_webhook(const struct probe_ask *a, struct reading *r)
{
	struct sample *s = &r->sample[PROBE_WEBHOOK];
	struct webhook_probe seen = { 0 };
	struct call_info info = { 0 };
	int64_t now;
	char why[WHY_LEN];

	a->providers->app->webhook_test(a->providers, a->keys, NULL, &seen, &info);
	now = loop_now_ms(a->loop);
	call_why(&info, why, sizeof(why));
	if (info.reason == REASON_NO_CREDENTIAL || info.reason == REASON_UNSUPPORTED ||
	    info.result == CALL_CANCELLED)
		sample_set(s, OUT_UNKNOWN, "unsigned", now, "no auth token to sign a probe with");
	else if (seen.signature_refused)
		sample_set(s, OUT_BAD, "signature", now, "our endpoint refuses this account's"
			   " signature");
	else if (info.result == CALL_OK && seen.answered)
		sample_set(s, OUT_OK, "", now, "answered");
	else if (info.result == CALL_RATE_LIMITED)
		sample_set(s, OUT_UNKNOWN, "limited", now, "our endpoint asks to wait");
	else
		sample_set(s, OUT_BAD, "down", now, "our endpoint does not answer as it should"
						    " (%s)", why);
	s->latency_ms = info.latency_ms;
}

void probe_video(const struct probe_ask *a, struct reading *r)
{
	struct sample *s = &r->sample[PROBE_VIDEO];
	struct call_info info = { 0 };
	int64_t now;
	char why[WHY_LEN];

	ops_of(a)->video(a->providers, a->keys, &info);
	r->requests += info.requests;
	now = loop_now_ms(a->loop);
	call_why(&info, why, sizeof(why));
	switch (strike_of(&info)) {
	case STRIKE_HIT:
		++*a->video_hits;
		break;
	case STRIKE_ANSWERED:
		*a->video_hits = 0;
		break;
	default:
		break;
	}
	if (info.reason == REASON_UNSUPPORTED)
		return;	/* a provider without rooms: no such probe */
	if (info.result == CALL_OK)
		sample_set(s, OUT_OK, "", now, "rooms answer");
	else if (*a->video_hits >= a->set->api_strikes)
		sample_set(s, OUT_BAD, "5xx", now, "video rooms fail %d times in a row (%s)",
			   *a->video_hits, why);
	else
		sample_set(s, OUT_UNKNOWN, "unread", now, "rooms not read: %s", why);
	s->code = info.code;
	s->latency_ms = info.latency_ms;
}
