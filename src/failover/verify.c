/* See verify.h. Test credentials and pairs that the provider refuses are not usable; a
 * Standard key, a trial account or a missing second opinion are limits that are told. */
#include "failover/verify.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

static void cannot(struct jw *w, const char *sentence)
{
	jw_str(w, NULL, sentence);
}

static int unreachable(struct err *err, const struct call_info *info)
{
	return err_set(err, ERR_UNREACHABLE, "the provider could not be asked (%s): %s",
		       call_result_name(info->result), info->message);
}

/* false: not usable, why_not says why. */
static bool judge_main(struct verified *v, const struct call_info *info)
{
	if (info->result == CALL_OK)
		return true;
	if (info->reason == REASON_TEST_CREDENTIALS)
		snprintf(v->why_not, sizeof(v->why_not),
			 "these are test credentials (20008): they cannot read the account nor its"
			 " numbers");
	else if (info->result == CALL_REJECTED)
		snprintf(v->why_not, sizeof(v->why_not),
			 "the provider refuses these credentials (HTTP %d, code %lld): %s",
			 info->http_status, (long long)info->code, info->message);
	else if (info->result == CALL_INACTIVE)
		snprintf(v->why_not, sizeof(v->why_not), "the account is not active (code %lld):"
			 " %s", (long long)info->code, info->message);
	else
		snprintf(v->why_not, sizeof(v->why_not), "the provider answered %s (HTTP %d): %s",
			 call_result_name(info->result), info->http_status, info->message);
	return false;
}

static bool provider_away(const struct call_info *info)
{
	return info->result == CALL_SERVER || info->result == CALL_TIMEOUT ||
	       info->result == CALL_UNREACHABLE || info->result == CALL_GARBLED ||
	       info->result == CALL_RATE_LIMITED || info->result == CALL_CANCELLED;
}

/* A second opinion is wanted for "critical": say which one is missing or refused. */
static void check_other(struct providers *p, const struct telephony_ops *ops,
			const struct credentials *c, enum credential_use use, const char *name,
			struct jw *w)
{
	struct account_info a = { 0 };
	struct call_info info = { 0 };
	char text[300];

	if (!credentials_have(c, use))
		return;
	ops->account(p, c, use, &a, &info);
	if (info.result == CALL_OK)
		return;
	snprintf(text, sizeof(text), "the %s is refused (%s, code %lld): it cannot confirm a"
				     " failure", name, call_result_name(info.result),
				     (long long)info.code);
	cannot(w, text);
}

int account_verify(struct failover_deps *d, const struct credentials *c, struct verified *ret,
		   struct err *err)
{
	struct providers *p = d->providers;
	const struct telephony_ops *ops = providers_telephony(p, c->provider);
	struct account_info a = { 0 };
	struct call_info info = { 0 };
	struct phone_list numbers = { 0 };
	struct jw w;

	*ret = (struct verified){ .cannot = STR_INIT(1 << 16) };
	w = JW(&ret->cannot);
	jw_arr(&w, NULL);
	if (c->provider == PROVIDER_TWILIO) {
		ops->account(p, c, CRED_MAIN, &a, &info);
		if (provider_away(&info))
			return unreachable(err, &info);
		ret->usable = judge_main(ret, &info);
		ret->status = a.status;
		ret->trial = a.trial;
		ret->status_hidden = a.status_hidden;
		snprintf(ret->name, sizeof(ret->name), "%s", a.name);
	}
	if (c->provider != PROVIDER_TWILIO || ret->usable) {
		ops->numbers(p, c, CRED_MAIN, &numbers, &info);
		if (provider_away(&info)) {
			phone_list_fini(&numbers);
			return unreachable(err, &info);
		}
		ret->usable = judge_main(ret, &info);
		ret->numbers = numbers.n;
		phone_list_fini(&numbers);
	}
	if (a.status_hidden)
		cannot(&w, "a Standard API key cannot read the account's status: give an auth"
			   " token, a Main key or the parent's credential as well");
	if (a.trial)
		cannot(&w, "a trial account cannot be a failover target");
	if (!c->token)
		cannot(&w, "without the auth token webhooks cannot be signed nor probed");
	if (!credentials_have(c, CRED_SECOND) && !credentials_have(c, CRED_PARENT))
		cannot(&w, "without a second or parent credential nothing can confirm that a"
			   " refusal is real: such a failure is held, not failed over");
	check_other(p, ops, c, CRED_SECOND, "second credential", &w);
	check_other(p, ops, c, CRED_PARENT, "parent's credential", &w);
	jw_arr_end(&w);
	return 0;
}

void verified_fini(struct verified *v)
{
	str_fini(&v->cannot);
}

void verified_json(struct jw *w, const char *name, const struct verified *v)
{
	jw_obj(w, name);
	jw_bool(w, "usable", v->usable);
	jw_str(w, "status", account_status_name(v->status));
	jw_str(w, "type", v->status_hidden ? NULL : v->trial ? "Trial" : "Full");
	jw_str(w, "friendlyName", v->name);
	jw_i64(w, "numbers", (int64_t)v->numbers);
	jw_str(w, "why", v->usable ? NULL : v->why_not);
	jw_raw(w, "cannot", v->cannot.len ? v->cannot.s : "[]");
	jw_obj_end(w);
}
