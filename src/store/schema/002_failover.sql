-- Accounts, agents and numbers beyond the application's columns; events and what they did.

CREATE TABLE ringdown.account_ext (
	account_id text PRIMARY KEY,
	api_key_sid text,
	api_key_secret text,			-- this and the three below are sealed
	second_key_sid text,			-- NULL: second_secret is an auth token
	second_secret text,
	parent_sid text,
	parent_key_sid text,			-- NULL: parent_secret is an auth token
	parent_secret text,
	previous_token text,			-- the generation before, for signatures during a change
	previous_token_until timestamptz(3),
	edge text,
	type text,
	balance text,
	balance_amount double precision,
	credentials_set_at timestamptz(3),
	health text NOT NULL DEFAULT 'unknown',
	health_since timestamptz(3),
	last_check timestamptz(3),
	why text,
	failing bigint NOT NULL DEFAULT 0,
	unknown bigint NOT NULL DEFAULT 0,
	agents bigint NOT NULL DEFAULT 0,
	failure_rate double precision NOT NULL DEFAULT 0,
	standby_ready boolean NOT NULL DEFAULT false,
	standby_problems json,
	not_ready_reason text,			-- set when canaries failed there; cleared by verify
	capabilities json,			-- what the credential was seen able to do
	removed_at timestamptz(3)
);

-- Empty for a primary: every other active account stands by for it.
CREATE TABLE ringdown.standby_for (
	primary_id text NOT NULL,
	backup_id text NOT NULL,
	priority integer NOT NULL DEFAULT 100,
	PRIMARY KEY (primary_id, backup_id)
);

CREATE TABLE ringdown.lineage (
	primary_id text PRIMARY KEY,
	current_account text NOT NULL,
	version bigint NOT NULL DEFAULT 0,
	suppress_until timestamptz(3),
	suppress_rank integer,			-- severity_rank() at or below which nothing opens
	suppress_cause text,			-- cause_key
	suppress_by text,			-- event id
	healthy_since timestamptz(3)
);

CREATE TABLE ringdown.agent_ext (
	agent_id text PRIMARY KEY,
	home_account text,
	integration text CHECK (integration IN ('import', 'register_call')),
	eleven_present boolean,			-- NULL = never asked
	eleven_seen_at timestamptz(3),
	eleven_number_id text,			-- phone_number_id of the import in use
	outcome text NOT NULL DEFAULT 'unknown' CHECK (outcome IN ('ok', 'bad', 'unknown')),
	reason text,
	since timestamptz(3),
	calls_per_day bigint NOT NULL DEFAULT 0,
	priority integer NOT NULL DEFAULT 100
);

-- A number in an account: the approved webhooks and what was last seen.
CREATE TABLE ringdown.number_ext (
	account_id text NOT NULL,
	phone_number text NOT NULL,
	sid text,
	baseline json,
	baseline_at timestamptz(3),
	approved_by text,
	observed json,
	observed_at timestamptz(3),
	drift_since timestamptz(3),
	trunk_sid text,
	application_sid text,
	voice_region text,
	sms_ready_source text,			-- campaign, person
	problem text,
	PRIMARY KEY (account_id, phone_number)
);

CREATE SEQUENCE ringdown.event_seq START 101;
CREATE TABLE ringdown.event (
	id text PRIMARY KEY,
	version bigint NOT NULL DEFAULT 1,
	status text NOT NULL CHECK (status IN ('held', 'pending', 'approved', 'executing', 'completed',
		'failed', 'rolling_back', 'cancelled', 'rejected', 'rolled_back', 'accepted',
		'superseded')),
	severity text NOT NULL CHECK (severity IN ('none', 'minor', 'degraded', 'critical')),
	confirmed boolean NOT NULL DEFAULT false,
	reopens integer NOT NULL DEFAULT 0,
	flapping boolean NOT NULL DEFAULT false,
	trigger_type text NOT NULL CHECK (trigger_type IN ('AUTOMATIC', 'MANUAL', 'DRILL')),
	rule_id integer NOT NULL DEFAULT 0,
	reason text,
	cause text,
	cause_key text,
	lineage text NOT NULL,
	from_account text NOT NULL,
	to_account text,
	opened_at timestamptz(3) NOT NULL,
	state_since timestamptz(3) NOT NULL,
	started_at timestamptz(3),
	window_ms bigint NOT NULL DEFAULT 0,
	extended_ms bigint NOT NULL DEFAULT 0,
	tested_failing_ms bigint NOT NULL DEFAULT 0,
	deadline_at timestamptz(3),
	last_test_at timestamptz(3),
	next_test_at timestamptz(3),
	passes integer NOT NULL DEFAULT 0,	-- in a row
	passes_needed integer NOT NULL DEFAULT 2,
	fails integer NOT NULL DEFAULT 0,	-- in a row
	tests_passed bigint NOT NULL DEFAULT 0,
	tests_failed bigint NOT NULL DEFAULT 0,
	held_gate text,
	announced_at timestamptz(3),
	realert_at timestamptz(3),
	realerts integer NOT NULL DEFAULT 0,
	untold_extended boolean NOT NULL DEFAULT false,
	paged_flapping boolean NOT NULL DEFAULT false,
	decided_at timestamptz(3),
	decided_by text,
	completed_at timestamptz(3),
	rollback_until timestamptz(3),
	rollback_started_at timestamptz(3),
	rollback_by text,
	executed_by text,
	epoch bigint NOT NULL DEFAULT 0,
	plan_hash text,
	plan json,				-- summary; the rows are in item
	overrides json,				-- array of gate ids
	partial boolean NOT NULL DEFAULT false,
	gates json,				-- as they were when last tested or decided
	error text,
	cancel_requested_by text,
	cancel_requested_at timestamptz(3),
	first_write_at timestamptz(3),		-- of the attempt, outside; for the hour gate
	last_write_at timestamptz(3),		-- of any epoch; the closing sweep waits for it
	lock_expires_at timestamptz(3),
	lock_renewals integer NOT NULL DEFAULT 0,
	unlocked_at timestamptz(3),
	acked_by text,
	acked_at timestamptz(3),
	agents_total bigint NOT NULL DEFAULT 0,
	agents_moved bigint NOT NULL DEFAULT 0,
	agents_failed bigint NOT NULL DEFAULT 0,
	drill text,
	extra json				-- whatever a later version must remember
);
CREATE UNIQUE INDEX event_one_open ON ringdown.event (lineage)
	WHERE status IN ('held', 'pending', 'approved', 'executing', 'failed', 'rolling_back');
CREATE INDEX event_lineage ON ringdown.event (lineage, opened_at DESC);
CREATE INDEX event_opened ON ringdown.event (opened_at DESC);
CREATE INDEX event_first_write ON ringdown.event (first_write_at);

CREATE TABLE ringdown.event_step (
	event_id text NOT NULL REFERENCES ringdown.event ON DELETE CASCADE,
	n integer NOT NULL CHECK (n BETWEEN 1 AND 9),
	name text NOT NULL,
	state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'skipped',
		'undone')),
	done bigint NOT NULL DEFAULT 0,
	total bigint NOT NULL DEFAULT 0,
	started_at timestamptz(3),
	ended_at timestamptz(3),
	error text,
	epoch bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (event_id, n)
);

-- One agent's move, with the images that resume and rollback compare.
CREATE TABLE ringdown.event_item (
	event_id text NOT NULL REFERENCES ringdown.event ON DELETE CASCADE,
	agent_id text NOT NULL,
	ord integer NOT NULL,
	canary boolean NOT NULL DEFAULT false,
	integration text NOT NULL,
	eleven_agent_id text,
	from_account text NOT NULL,
	to_account text,
	from_number text NOT NULL,
	from_number_sid text,
	to_number text,
	to_number_sid text,
	eleven_before text,			-- phone_number_id
	eleven_after text,
	state text NOT NULL CHECK (state IN ('waiting', 'moving', 'moved', 'failed', 'undone',
		'conflict', 'stays')),
	step integer NOT NULL DEFAULT 0,	-- last step of it that is done
	before json,
	after json,
	observed json,
	error text,
	updated_at timestamptz(3),
	PRIMARY KEY (event_id, agent_id)
);
CREATE INDEX event_item_order ON ringdown.event_item (event_id, ord);
CREATE INDEX event_item_state ON ringdown.event_item (event_id, state);

CREATE TABLE ringdown.event_test (
	event_id text NOT NULL REFERENCES ringdown.event ON DELETE CASCADE,
	n integer NOT NULL,
	at timestamptz(3) NOT NULL,
	outcome text NOT NULL CHECK (outcome IN ('ok', 'bad', 'unknown')),
	detail text,
	parts json,
	PRIMARY KEY (event_id, n)
);

-- Every outside write, before it is sent and after its read-back.
CREATE TABLE ringdown.effect (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	event_id text NOT NULL DEFAULT '',
	agent_id text NOT NULL DEFAULT '',
	kind text NOT NULL,
	subject text NOT NULL DEFAULT '',
	before json,
	after json,
	state text NOT NULL CHECK (state IN ('intended', 'done', 'failed', 'unknown')),
	epoch bigint NOT NULL DEFAULT 0,
	engine text NOT NULL DEFAULT '',
	at timestamptz(3) NOT NULL,
	ended_at timestamptz(3),
	error text
);
CREATE INDEX effect_event ON ringdown.effect (event_id, id);
CREATE INDEX effect_open ON ringdown.effect (id) WHERE state = 'intended';

-- Numbers promised to agents by an approved plan; kept while failed.
CREATE TABLE ringdown.reservation (
	phone_number text PRIMARY KEY,
	account_id text NOT NULL,
	agent_id text NOT NULL UNIQUE,
	event_id text NOT NULL REFERENCES ringdown.event ON DELETE CASCADE,
	at timestamptz(3) NOT NULL
);
CREATE INDEX reservation_event ON ringdown.reservation (event_id);

CREATE TABLE ringdown.evidence (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	engine text NOT NULL,
	account_id text NOT NULL,
	kind text NOT NULL,
	method text NOT NULL DEFAULT '',	-- main, second, parent, or the component
	outcome text NOT NULL CHECK (outcome IN ('ok', 'bad', 'unknown')),
	class text,
	reason text,
	code bigint,
	latency_ms bigint,
	detail json,
	at timestamptz(3) NOT NULL
);
CREATE INDEX evidence_latest ON ringdown.evidence (account_id, engine, kind, at DESC);
CREATE INDEX evidence_at ON ringdown.evidence (at);

CREATE TABLE ringdown.agent_change (	-- transitions of an agent's outcome
	agent_id text NOT NULL,
	account_id text NOT NULL,
	outcome text NOT NULL,
	reason text,
	at timestamptz(3) NOT NULL
);
CREATE INDEX agent_change_agent ON ringdown.agent_change (agent_id, at);
CREATE INDEX agent_change_at ON ringdown.agent_change (at);

CREATE TABLE ringdown.health_rollup (	-- hours of "TwilioHealthCheck"
	account_id text NOT NULL,
	hour timestamptz(3) NOT NULL,
	checks bigint NOT NULL,
	healthy bigint NOT NULL,
	failing_max bigint NOT NULL,
	rate_avg double precision NOT NULL,
	rate_max double precision NOT NULL,
	latency_avg double precision,
	latency_max bigint,
	PRIMARY KEY (account_id, hour)
);
