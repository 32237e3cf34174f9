-- What the console may read when it has to go to the database itself: no message content,
-- no secrets, no people's addresses, no writes. Repeatable.
GRANT USAGE ON SCHEMA ringdown TO ringdown_console;
ALTER ROLE ringdown_console SET default_transaction_read_only = on;
GRANT SELECT ON ringdown.schema_version, ringdown.environment, ringdown.lease,
	ringdown.lease_beat, ringdown.engine, ringdown.journal, ringdown.journal_head,
	ringdown.control, ringdown.hold, ringdown.alert, ringdown.live, ringdown.standby_for,
	ringdown.lineage, ringdown.agent_ext, ringdown.number_ext, ringdown.event,
	ringdown.event_step, ringdown.event_item, ringdown.event_test, ringdown.effect,
	ringdown.reservation, ringdown.evidence, ringdown.agent_change, ringdown.health_rollup,
	ringdown.sms_hold, ringdown.sms_action, ringdown.sms_retry, ringdown.sms_minute, ringdown.run,
	ringdown.incident, ringdown.incident_clock, ringdown.incident_link TO ringdown_console;
GRANT SELECT ON ringdown.note, ringdown.timeline_mark, ringdown.silence TO ringdown_console;
GRANT SELECT (id, channel, event_id, kind, state, attempts, created_at, next_at, sent_at, dead_at,
	error) ON ringdown.outbox TO ringdown_console;
GRANT SELECT (account_id, api_key_sid, second_key_sid, parent_sid, parent_key_sid, edge, type,
	balance, balance_amount, credentials_set_at, health, health_since, last_check, why, failing,
	unknown, agents, failure_rate, standby_ready, standby_problems, not_ready_reason,
	capabilities, removed_at) ON ringdown.account_ext TO ringdown_console;
GRANT SELECT (id, name, provider, "accountSid", "isPrimary", "isActive", priority, status, region,
	"healthStatus", "lastHealthCheck", "createdAt", "updatedAt") ON "TwilioAccount"
	TO ringdown_console;
GRANT SELECT ON "TwilioFailoverEvent", "TwilioHealthCheck", "TwilioBackupPhoneNumber", "VoiceAgent",
	"OrgSettings" TO ringdown_console;
GRANT SELECT (id, "orgId", direction, channel, status, "from", "to", metadata, "createdAt")
	ON "MessageLog" TO ringdown_console;
GRANT SELECT (id, tenant_id, from_number, to_number, status, error_code, error_message, created_at)
	ON sms_messages TO ringdown_console;
GRANT SELECT (id, tenant_id, call_sid, from_number, to_number, status, duration, created_at)
	ON calls TO ringdown_console;
