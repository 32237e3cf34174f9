/* The account's field table and its nested JSON; see account.h. */
#include "model/account.h"

static const struct field fields[] = {
	FIELD(account, id, "id", "ID", F_STR, .flags = FF_FILTER),
	FIELD(account, name, "name", "ACCOUNT", F_STR, .flags = FF_SORT | FF_FILTER | FF_OUTSIDE),
	FIELD(account, provider, "provider", "PROVIDER", F_STR, .flags = FF_FILTER),
	FIELD(account, account_sid, "accountSid", "SID", F_STR, .flags = FF_FILTER | FF_DETAIL),
	FIELD(account, role, "role", "ROLE", F_ENUM, .flags = FF_SORT | FF_FILTER,
	      .names = &account_role_names, .help = "carrying while agents run on it"),
	FIELD(account, is_primary, "isPrimary", "PRIMARY", F_BOOL, .flags = FF_SORT,
	      .help = "a home account; changed only by a person"),
	FIELD(account, is_active, "isActive", "ACTIVE", F_BOOL, .help = "monitored"),
	FIELD(account, priority, "priority", "PRIO", F_I64, .flags = FF_SORT),
	FIELD(account, status, "status", "STATUS", F_STR, .help = "as the provider says"),
	FIELD(account, type, "type", "TYPE", F_STR),
	FIELD(account, region, "region", "REGION", F_STR),
	FIELD(account, edge, "edge", "EDGE", F_STR, .flags = FF_DETAIL),
	FIELD(account, parent_sid, "parentSid", "PARENT", F_STR, .flags = FF_DETAIL),
	FIELD(account, health, "health", "HEALTH", F_ENUM, .flags = FF_SORT | FF_FILTER,
	      .names = &health_names),
	FIELD(account, health_since_ms, "healthSince", "SINCE", F_TIME, .flags = FF_SORT),
	FIELD(account, last_check_ms, "lastHealthCheck", "CHECKED", F_TIME, .flags = FF_SORT),
	FIELD(account, why, "why", "WHY", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(account, agents, "agents", "AGENTS", F_I64, .flags = FF_SORT),
	FIELD(account, failing, "failing", "FAIL", F_I64, .flags = FF_SORT),
	FIELD(account, unknown, "unknown", "UNKNOWN", F_I64, .flags = FF_SORT),
	FIELD(account, failure_rate, "failureRate", "RATE", F_DOUBLE, .flags = FF_SORT),
	FIELD(account, balance, "balance", "BALANCE", F_STR, .flags = FF_SORT),
	FIELD(account, has_second_credential, "hasSecondCredential", "2ND CRED", F_BOOL,
	      .flags = FF_DETAIL),
	FIELD(account, has_api_key, "hasApiKey", "API KEY", F_BOOL, .flags = FF_DETAIL),
	FIELD(account, credentials_set_at_ms, "credentialsSetAt", "CRED SET", F_TIME,
	      .flags = FF_DETAIL),
	FIELD(account, current_account, "currentAccountId", "RUNS ON", F_STR, .flags = FF_DETAIL),
	FIELD(account, numbers_total, "numbersTotal", "NUMBERS", F_I64, .flags = FF_SORT),
	FIELD(account, numbers_free, "numbersFree", "FREE", F_I64, .flags = FF_SORT),
	FIELD(account, voice_ready, "numbersVoiceReady", "VOICE", F_I64),
	FIELD(account, sms_ready, "numbersSmsReady", "SMS", F_I64),
	FIELD(account, standby_ready, "standbyReady", "READY", F_BOOL, .flags = FF_SORT),
	FIELD(account, standby_problems, "standbyProblems", "LACKS", F_JSON, .flags = FF_DETAIL),
};
RECORD_TYPE(account_type, "account", account, fields);

void account_json(struct jw *w, const char *name, const struct account *a)
{
	jw_obj(w, name);
	record_members(w, &account_type, a);
	jw_obj(w, "numbers");
	jw_i64(w, "total", a->numbers_total);
	jw_i64(w, "free", a->numbers_free);
	jw_i64(w, "voiceReady", a->voice_ready);
	jw_i64(w, "smsReady", a->sms_ready);
	jw_obj_end(w);
	jw_obj(w, "standby");
	jw_bool(w, "ready", a->standby_ready);
	jw_raw(w, "problems", a->standby_problems ? a->standby_problems : "[]");
	jw_obj_end(w);
	jw_obj_end(w);
}

int account_from_json(struct account *a, const struct json *obj, struct err *err)
{
	return record_from_json(&account_type, a, obj, false, err);
}
