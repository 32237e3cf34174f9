-- Runs of runbooks: one row each, and what happened in them, entry by entry.

CREATE SEQUENCE ringdown.run_seq;
CREATE TABLE ringdown.run (
	id text PRIMARY KEY,
	version bigint NOT NULL,		-- entries so far; orders meet here
	chain text NOT NULL DEFAULT '',		-- hash of the last entry
	runbook text NOT NULL,
	status text NOT NULL,
	kind text NOT NULL,
	incident text,
	subject text,
	started_at timestamptz(3) NOT NULL,
	ended_at timestamptz(3),
	holds bigint NOT NULL DEFAULT 0,
	due_at timestamptz(3),			-- when it goes on by itself
	summary json NOT NULL,
	doc text				-- of a run that is over
);
CREATE INDEX run_open ON ringdown.run (started_at) WHERE ended_at IS NULL OR due_at IS NOT NULL;
CREATE INDEX run_started ON ringdown.run (started_at DESC, id DESC);
CREATE INDEX run_runbook ON ringdown.run (runbook, started_at DESC);

-- Only ever added to; each row's hash covers the one before it, and the journal's rows carry
-- the head, so neither can be rewritten alone.
CREATE TABLE ringdown.run_entry (
	run_id text NOT NULL REFERENCES ringdown.run,
	n bigint NOT NULL,
	at timestamptz(3) NOT NULL,
	kind text NOT NULL,
	step text,
	by text,
	epoch bigint NOT NULL DEFAULT 0,
	data text,
	hash text NOT NULL,
	PRIMARY KEY (run_id, n)
);
CREATE FUNCTION ringdown.run_entry_fixed() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN RAISE EXCEPTION ''entries of a run are never changed''; END';
CREATE TRIGGER run_entry_fixed BEFORE UPDATE OR DELETE ON ringdown.run_entry
	FOR EACH ROW EXECUTE FUNCTION ringdown.run_entry_fixed();
