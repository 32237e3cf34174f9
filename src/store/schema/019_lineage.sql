-- What keeps a lineage from opening again follows from its newest event; nothing ever wrote or
-- read these.
ALTER TABLE ringdown.lineage
	DROP COLUMN suppress_until, DROP COLUMN suppress_rank,
	DROP COLUMN suppress_cause, DROP COLUMN suppress_by;
