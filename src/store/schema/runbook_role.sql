-- What a runbook's reads may see: the application's tables and ringdown's own, without
-- credentials. No writes, no programs, no files. Repeatable.
ALTER ROLE ringdown_runbook SET default_transaction_read_only = on;
GRANT USAGE ON SCHEMA public, ringdown TO ringdown_runbook;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO ringdown_runbook;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ringdown_runbook;
REVOKE SELECT ON "TwilioAccount" FROM ringdown_runbook;
GRANT SELECT (id, name, provider, "accountSid", "isPrimary", "isActive", priority, status, region,
	"healthStatus", "lastHealthCheck", "createdAt", "updatedAt") ON "TwilioAccount"
	TO ringdown_runbook;
GRANT SELECT ON ringdown.schema_version, ringdown.environment, ringdown.lease, ringdown.journal,
	ringdown.control, ringdown.hold, ringdown.alert, ringdown.event, ringdown.event_step,
	ringdown.event_item, ringdown.event_test, ringdown.health_rollup TO ringdown_runbook;
-- where the application's tables are not in the schema "public"
GRANT SELECT ON "MessageLog", "OrgSettings", "VoiceAgent", "TwilioFailoverEvent", "TwilioHealthCheck",
	"TwilioBackupPhoneNumber", sms_messages, calls TO ringdown_runbook;
ALTER ROLE ringdown_runbook SET search_path = "$user", public, ringdown;
