-- Incidents, their clocks, notes and reviews; silences and samples of alerts.

CREATE SEQUENCE ringdown.incident_seq START 201;
CREATE TABLE ringdown.incident (
	id text PRIMARY KEY,
	version bigint NOT NULL DEFAULT 1,
	title text NOT NULL,
	severity text NOT NULL,
	state text NOT NULL CHECK (state IN ('declared', 'acknowledged', 'mitigated', 'resolved',
		'closed')),
	kind text NOT NULL CHECK (kind IN ('real', 'drill', 'backfill')),
	service text NOT NULL DEFAULT '',
	impact text NOT NULL DEFAULT '',
	cause text NOT NULL DEFAULT '',
	fields json,				-- what templates ask for: {"eta": "..."}
	declared_by text NOT NULL,
	acked_by text,
	commander text,
	started_at timestamptz(3),		-- of the impact; people may correct these six
	detected_at timestamptz(3),
	declared_at timestamptz(3) NOT NULL,
	acked_at timestamptz(3),
	mitigated_at timestamptz(3),
	resolved_at timestamptz(3),
	closed_at timestamptz(3),
	status_quoted text,
	review text NOT NULL DEFAULT 'none' CHECK (review IN ('none', 'draft', 'in_review',
		'reviewed', 'closed')),
	review_owner text,
	policy_hash text NOT NULL DEFAULT '',
	dedup_key text,				-- of what declared it by policy
	changed_at timestamptz(3) NOT NULL
);
CREATE INDEX incident_declared ON ringdown.incident (declared_at);
CREATE UNIQUE INDEX incident_one_open ON ringdown.incident (dedup_key)
	WHERE dedup_key IS NOT NULL AND state IN ('declared', 'acknowledged', 'mitigated');

CREATE TABLE ringdown.incident_severity (
	incident_id text NOT NULL REFERENCES ringdown.incident,
	at timestamptz(3) NOT NULL,
	severity text NOT NULL,
	by text NOT NULL,
	reason text NOT NULL DEFAULT '',
	PRIMARY KEY (incident_id, at)
);

CREATE TABLE ringdown.incident_role (
	incident_id text NOT NULL REFERENCES ringdown.incident,
	role text NOT NULL,
	person text NOT NULL,
	by text NOT NULL,
	since timestamptz(3) NOT NULL,
	until timestamptz(3),
	PRIMARY KEY (incident_id, role, since)
);

CREATE TABLE ringdown.incident_link (
	incident_id text NOT NULL REFERENCES ringdown.incident,
	kind text NOT NULL CHECK (kind IN ('event', 'run', 'alert', 'note', 'message', 'incident',
		'url')),
	ref text NOT NULL,
	text text NOT NULL DEFAULT '',
	at timestamptz(3) NOT NULL,
	by text NOT NULL,
	gone_by text,				-- taken off again by a person
	PRIMARY KEY (incident_id, kind, ref)
);
CREATE INDEX incident_link_ref ON ringdown.incident_link (kind, ref);

CREATE TABLE ringdown.incident_clock (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	incident_id text NOT NULL REFERENCES ringdown.incident,
	kind text NOT NULL CHECK (kind IN ('routing', 'severity', 'ladder', 'update', 'digest',
		'vendor', 'deadline', 'task')),
	state text NOT NULL CHECK (state IN ('running', 'due', 'held', 'done', 'stopped')),
	due_at timestamptz(3) NOT NULL,
	every_ms bigint NOT NULL DEFAULT 0,
	respond_ms bigint NOT NULL DEFAULT 0,
	rung bigint NOT NULL DEFAULT 0,
	ladder text,
	target text,
	via json,
	text text NOT NULL DEFAULT '',
	held_by text,
	held_reason text,
	left_ms bigint,				-- until due, when it was held
	sent bigint NOT NULL DEFAULT 0,
	last_at timestamptz(3)
);
CREATE INDEX incident_clock_due ON ringdown.incident_clock (due_at) WHERE state = 'running';
CREATE INDEX incident_clock_of ON ringdown.incident_clock (incident_id);

CREATE TABLE ringdown.incident_action (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	incident_id text NOT NULL REFERENCES ringdown.incident,
	text text NOT NULL,
	owner text,
	due_at timestamptz(3),
	state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'dropped')),
	version bigint NOT NULL DEFAULT 1,
	by text NOT NULL,
	at timestamptz(3) NOT NULL
);
CREATE INDEX incident_action_of ON ringdown.incident_action (incident_id);

CREATE TABLE ringdown.incident_task (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	incident_id text NOT NULL REFERENCES ringdown.incident,
	text text NOT NULL,
	done boolean NOT NULL DEFAULT false,
	by text,
	at timestamptz(3)
);
CREATE INDEX incident_task_of ON ringdown.incident_task (incident_id);

-- Words of people and of logs from outside. An edit adds a version; the old text is kept.
CREATE TABLE ringdown.note (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	incident_id text REFERENCES ringdown.incident,	-- NULL: not (yet) part of one
	subject text NOT NULL DEFAULT '',
	kind text NOT NULL DEFAULT 'note' CHECK (kind IN ('note', 'import', 'quote', 'update')),
	happened_at timestamptz(3) NOT NULL,
	until timestamptz(3),
	recorded_at timestamptz(3) NOT NULL,
	original text,				-- an imported instant as it was written
	doubt text,
	source text NOT NULL DEFAULT '',
	by text NOT NULL,
	text text NOT NULL,
	version bigint NOT NULL DEFAULT 1,
	gone boolean NOT NULL DEFAULT false
);
CREATE INDEX note_incident ON ringdown.note (incident_id, happened_at);
CREATE INDEX note_happened ON ringdown.note (happened_at);
CREATE UNIQUE INDEX note_import_once ON ringdown.note
	(coalesce(incident_id, ''), source, md5(coalesce(original, '') || text))
	WHERE kind = 'import';
CREATE TABLE ringdown.note_version (
	note_id bigint NOT NULL REFERENCES ringdown.note,
	version bigint NOT NULL,
	at timestamptz(3) NOT NULL,
	by text NOT NULL,
	happened_at timestamptz(3) NOT NULL,
	text text NOT NULL,
	PRIMARY KEY (note_id, version)
);
-- Pins and annotations on anything in a timeline, by the entry's id.
CREATE TABLE ringdown.timeline_mark (
	incident_id text NOT NULL REFERENCES ringdown.incident,
	entry text NOT NULL,
	pinned boolean NOT NULL DEFAULT false,
	hidden boolean NOT NULL DEFAULT false,
	text text NOT NULL DEFAULT '',
	by text NOT NULL,
	at timestamptz(3) NOT NULL,
	PRIMARY KEY (incident_id, entry)
);

-- A report's sections as people wrote them; figures are filled in when it is printed.
CREATE TABLE ringdown.report_text (
	incident_id text NOT NULL REFERENCES ringdown.incident,
	section text NOT NULL,
	version bigint NOT NULL,
	text text NOT NULL,
	by text NOT NULL,
	at timestamptz(3) NOT NULL,
	PRIMARY KEY (incident_id, section, version)
);

-- Dated practices of the year (reviews, drills): when last done, by whom.
CREATE TABLE ringdown.practice (
	id text NOT NULL,
	done_at timestamptz(3) NOT NULL,
	by text NOT NULL,
	ref text NOT NULL DEFAULT '',
	PRIMARY KEY (id, done_at)
);

CREATE TABLE ringdown.silence (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL,			-- of alerts; '*' = any
	subject text NOT NULL DEFAULT '*',
	by text NOT NULL,
	reason text NOT NULL,
	since timestamptz(3) NOT NULL,
	until timestamptz(3) NOT NULL,
	ended_by text
);
CREATE INDEX silence_until ON ringdown.silence (until);

-- One row a metric, label and minute; pruned with health history.
CREATE TABLE ringdown.metric_sample (
	name text NOT NULL,
	label text NOT NULL DEFAULT '',
	at timestamptz(3) NOT NULL,
	value double precision NOT NULL,
	PRIMARY KEY (name, label, at)
);
CREATE INDEX metric_sample_at ON ringdown.metric_sample (at);
-- Where the evaluation of a series stands, so that a restart neither forgets nor repeats.
CREATE TABLE ringdown.series (
	name text NOT NULL,
	label text NOT NULL DEFAULT '',
	doc json NOT NULL,
	at timestamptz(3) NOT NULL,
	PRIMARY KEY (name, label)
);
ALTER TABLE ringdown.alert ADD COLUMN labels json;
ALTER TABLE ringdown.alert ADD COLUMN source text NOT NULL DEFAULT 'ringdown';
ALTER TABLE ringdown.alert ADD COLUMN runbook text;
ALTER TABLE ringdown.alert ADD COLUMN inhibited_by text;
ALTER TABLE ringdown.alert ADD COLUMN value double precision;
