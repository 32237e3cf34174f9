-- SMS: agents held back after a move, people's actions with what they replaced, retries.

CREATE TABLE ringdown.sms_hold (
	agent_id text PRIMARY KEY,
	org_id text,
	event_id text,
	reason text NOT NULL,
	by text NOT NULL,
	since timestamptz(3) NOT NULL
);

CREATE SEQUENCE ringdown.sms_action_seq;
CREATE TABLE ringdown.sms_action (
	id text PRIMARY KEY,
	kind text NOT NULL,
	org_id text,
	by text NOT NULL,
	reason text NOT NULL DEFAULT '',
	at timestamptz(3) NOT NULL,
	before json,
	after json,
	rows_expected bigint,
	rows_done bigint,
	undone_at timestamptz(3),
	undone_by text
);
CREATE INDEX sms_action_at ON ringdown.sms_action (at DESC);

CREATE TABLE ringdown.sms_retry (	-- once per message, for ever
	message_id text PRIMARY KEY,
	action_id text,
	event_id text,
	by text NOT NULL,
	at timestamptz(3) NOT NULL,
	state text NOT NULL DEFAULT 'queued',
	error text
);
CREATE INDEX sms_retry_at ON ringdown.sms_retry (at);

-- Counted minutes of "MessageLog", so that a refresh costs what is new.
CREATE TABLE ringdown.sms_minute (
	minute timestamptz(3) NOT NULL,
	org_id text NOT NULL,
	status text NOT NULL,
	error_code text NOT NULL DEFAULT '',
	n bigint NOT NULL,
	PRIMARY KEY (minute, org_id, status, error_code)
);
