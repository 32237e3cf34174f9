-- What every part needs: meta, lease, engines, journal, people's switches, outbox.

CREATE TABLE ringdown.meta (
	key text PRIMARY KEY,
	value text NOT NULL
);

-- Which database this is; a restored copy disagrees with its own row (failover §7).
CREATE TABLE ringdown.environment (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	name text NOT NULL,
	system_identifier text NOT NULL,
	database_name text NOT NULL,
	timeline bigint NOT NULL DEFAULT 1,
	adopted_at timestamptz(3) NOT NULL,
	adopted_by text NOT NULL
);

-- Leader transactions lock this row FOR SHARE; only a takeover updates it.
CREATE TABLE ringdown.lease (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	holder text NOT NULL DEFAULT '',
	epoch bigint NOT NULL DEFAULT 0,
	address text NOT NULL DEFAULT '',
	taken_at timestamptz(3)
);
INSERT INTO ringdown.lease DEFAULT VALUES;

-- Renewals go here, so that a stream of leader transactions cannot starve them.
CREATE TABLE ringdown.lease_beat (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch bigint NOT NULL DEFAULT 0,
	counter bigint NOT NULL DEFAULT 0,
	backend_pid integer NOT NULL DEFAULT 0,
	renewed_at timestamptz(3)
);
INSERT INTO ringdown.lease_beat DEFAULT VALUES;

CREATE TABLE ringdown.engine (
	id text PRIMARY KEY,
	address text NOT NULL DEFAULT '',
	version text NOT NULL DEFAULT '',
	counter bigint NOT NULL DEFAULT 0,
	started_at timestamptz(3) NOT NULL,
	seen_at timestamptz(3) NOT NULL
);

-- Append-only and hash-chained; data is json, not jsonb: its bytes are what was hashed.
CREATE TABLE ringdown.journal (
	seq bigint PRIMARY KEY,
	at timestamptz(3) NOT NULL,
	level text NOT NULL CHECK (level IN ('info', 'warn', 'bad')),
	kind text NOT NULL,
	subject text NOT NULL DEFAULT '',
	actor text NOT NULL,
	role text NOT NULL DEFAULT '',
	via text NOT NULL DEFAULT '',
	epoch bigint NOT NULL DEFAULT 0,
	text text NOT NULL DEFAULT '',
	data json,
	hash text NOT NULL
);
CREATE INDEX journal_at ON ringdown.journal (at);
CREATE INDEX journal_subject ON ringdown.journal (subject, seq);
CREATE INDEX journal_kind ON ringdown.journal (kind, seq);
CREATE TABLE ringdown.journal_head (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	seq bigint NOT NULL DEFAULT 0,
	hash text NOT NULL DEFAULT ''
);
INSERT INTO ringdown.journal_head DEFAULT VALUES;
-- Rows up to seq were pruned; hash is the chain's value there, mac signs both.
CREATE TABLE ringdown.journal_checkpoint (
	seq bigint PRIMARY KEY,
	hash text NOT NULL,
	mac text NOT NULL,
	at timestamptz(3) NOT NULL,
	by text NOT NULL
);

CREATE TABLE ringdown.control (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	version bigint NOT NULL DEFAULT 0,
	paused boolean NOT NULL DEFAULT false,
	paused_by text,
	paused_reason text,
	paused_at timestamptz(3),
	paused_until timestamptz(3),
	maintenance boolean NOT NULL DEFAULT false,
	maintenance_by text,
	maintenance_reason text,
	maintenance_at timestamptz(3),
	maintenance_until timestamptz(3),
	shadow boolean NOT NULL DEFAULT false
);
INSERT INTO ringdown.control DEFAULT VALUES;

-- Outstanding hazards, pinned on screen until released.
CREATE TABLE ringdown.hold (
	id text PRIMARY KEY,
	what text NOT NULL,
	subject text NOT NULL DEFAULT '',
	by text NOT NULL,
	reason text NOT NULL DEFAULT '',
	since timestamptz(3) NOT NULL,
	until timestamptz(3)
);

CREATE SEQUENCE ringdown.alert_seq;
CREATE TABLE ringdown.alert (
	id text PRIMARY KEY,
	name text NOT NULL,
	subject text NOT NULL DEFAULT '',
	text text NOT NULL DEFAULT '',
	severity text NOT NULL DEFAULT 'warn',
	state text NOT NULL CHECK (state IN ('pending', 'firing', 'resolved')),
	since timestamptz(3) NOT NULL,
	seen_at timestamptz(3) NOT NULL,
	resolved_at timestamptz(3),
	acked_by text,
	acked_at timestamptz(3)
);
CREATE UNIQUE INDEX alert_one_open ON ringdown.alert (name, subject) WHERE state <> 'resolved';
CREATE INDEX alert_since ON ringdown.alert (since);

-- What is shown but not journaled, written by the leader: one document a key.
CREATE TABLE ringdown.live (
	key text PRIMARY KEY,
	doc json NOT NULL,
	at timestamptz(3) NOT NULL
);

CREATE TABLE ringdown.outbox (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	channel text NOT NULL,
	event_id text NOT NULL DEFAULT '',
	kind text NOT NULL,
	recipient text NOT NULL DEFAULT '',
	dedup_key text,
	payload json NOT NULL,
	state text NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'dead', 'digested')),
	attempts integer NOT NULL DEFAULT 0,
	created_at timestamptz(3) NOT NULL,
	next_at timestamptz(3) NOT NULL,
	claimed_by text,
	claimed_until timestamptz(3),
	sent_at timestamptz(3),
	dead_at timestamptz(3),
	error text
);
CREATE UNIQUE INDEX outbox_once ON ringdown.outbox (channel, dedup_key)
	WHERE dedup_key IS NOT NULL;
CREATE INDEX outbox_due ON ringdown.outbox (channel, event_id, id)
	WHERE state IN ('waiting', 'sending');
CREATE INDEX outbox_recent ON ringdown.outbox (created_at);

CREATE TABLE ringdown.token (
	hash text PRIMARY KEY,
	id text NOT NULL UNIQUE,
	name text NOT NULL,
	role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin', 'alerts')),
	created_at timestamptz(3) NOT NULL,
	created_by text NOT NULL,
	last_used_at timestamptz(3),
	revoked_at timestamptz(3),
	revoked_by text
);

CREATE TABLE ringdown.idempotency (
	actor text NOT NULL,
	key text NOT NULL,
	route text NOT NULL,
	body_hash text NOT NULL,
	status integer NOT NULL DEFAULT 0,
	reply text,
	at timestamptz(3) NOT NULL,
	PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_at ON ringdown.idempotency (at);
