-- The state as the journal tells it, from time to time, so that any instant is at most some
-- hundred rows away; and indexes in the order of the timeline's positions.
CREATE TABLE ringdown.replay_checkpoint (
	seq bigint PRIMARY KEY,			-- of the last row that is in it
	at timestamptz(3) NOT NULL,		-- of that row
	doc text NOT NULL
);
CREATE INDEX journal_position ON ringdown.journal (at, seq);
DROP INDEX ringdown.journal_at;
CREATE INDEX note_position ON ringdown.note (happened_at, id);
DROP INDEX ringdown.note_happened;
