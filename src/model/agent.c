/* Field tables of agents and numbers; see agent.h. */
#include "model/agent.h"

static const struct field agent_fields[] = {
	FIELD(agent, id, "id", "ID", F_STR, .flags = FF_FILTER),
	FIELD(agent, name, "name", "AGENT", F_STR, .flags = FF_SORT | FF_FILTER | FF_OUTSIDE),
	FIELD(agent, org_id, "orgId", "ORG", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(agent, status, "status", "STATUS", F_STR, .flags = FF_FILTER),
	FIELD(agent, outcome, "outcome", "STATE", F_ENUM, .flags = FF_SORT | FF_FILTER,
	      .names = &outcome_names),
	FIELD(agent, reason, "reason", "REASON", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(agent, since_ms, "since", "SINCE", F_TIME, .flags = FF_SORT),
	FIELD(agent, phone_number, "phoneNumber", "NUMBER", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(agent, backup_number, "backupPhoneNumber", "BACKUP", F_STR, .flags = FF_FILTER),
	FIELD(agent, account, "accountId", "ON", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(agent, home_account, "homeAccountId", "HOME", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(agent, integration, "integration", "VIA", F_ENUM, .names = &integration_names),
	FIELD(agent, eleven_id, "elevenLabsAgentId", "ELEVENLABS", F_STR, .flags = FF_DETAIL),
	FIELD(agent, sms_held, "smsHeld", "SMS HELD", F_BOOL),
	FIELD(agent, calls_per_day, "callsPerDay", "CALLS/D", F_I64, .flags = FF_SORT),
};
RECORD_TYPE(agent_type, "agent", agent, agent_fields);

static const struct field number_fields[] = {
	FIELD(number, id, "id", "ID", F_STR, .flags = FF_DETAIL),
	FIELD(number, phone_number, "phoneNumber", "NUMBER", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(number, account, "accountId", "ACCOUNT", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(number, sid, "phoneNumberSid", "SID", F_STR, .flags = FF_DETAIL),
	FIELD(number, country, "country", "CC", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(number, area_code, "areaCode", "AREA", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(number, status, "status", "STATUS", F_ENUM, .flags = FF_SORT | FF_FILTER,
	      .names = &number_status_names),
	FIELD(number, agent, "assignedAgentId", "AGENT", F_STR, .flags = FF_FILTER),
	FIELD(number, voice_ready, "voiceReady", "VOICE", F_BOOL, .flags = FF_SORT),
	FIELD(number, sms_ready, "smsReady", "SMS", F_BOOL, .flags = FF_SORT),
	FIELD(number, problem, "problem", "PROBLEM", F_STR, .flags = FF_OUTSIDE),
	FIELD(number, assigned_at_ms, "assignedAt", "SINCE", F_TIME, .flags = FF_SORT),
};
RECORD_TYPE(number_type, "number", number, number_fields);
