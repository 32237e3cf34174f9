-- What a runbook's reads may see: the application's tables and some of ringdown's own, no
-- credentials. No writes, no programs, no files. Repeatable. The application's tables are
-- found as the migrating role finds them, wherever its search path leads.
ALTER ROLE ringdown_runbook SET default_transaction_read_only = on;
GRANT USAGE ON SCHEMA ringdown TO ringdown_runbook;
DO $$
DECLARE
	app regclass;
	place text;
BEGIN
	EXECUTE format('ALTER ROLE ringdown_runbook SET search_path = %s',
		(SELECT string_agg(quote_ident(s), ', ') FROM unnest(current_schemas(false)) s));
	FOR app IN SELECT to_regclass(quote_ident(t)) FROM unnest(ARRAY['MessageLog', 'OrgSettings',
		'VoiceAgent', 'TwilioFailoverEvent', 'TwilioHealthCheck', 'TwilioBackupPhoneNumber', 'User',
		'calls', 'call_recordings', 'sms_messages', 'call_transcriptions', 'webhook_logs']) t
	LOOP
		CONTINUE WHEN app IS NULL;
		SELECT n.nspname INTO place FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.oid = app;
		EXECUTE format('GRANT USAGE ON SCHEMA %I TO ringdown_runbook', place);
		EXECUTE format('GRANT SELECT ON %s TO ringdown_runbook', app);
	END LOOP;
	-- tables that a restore makes again stay readable, where nothing secret is made beside them
	IF place <> 'ringdown' THEN
		EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES'
			' TO ringdown_runbook', place);
	END IF;
END $$;
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
