-- Messages of incidents that nobody took: when the next channel was tried instead, once.

ALTER TABLE ringdown.outbox ADD COLUMN answered_at timestamptz(3);
CREATE INDEX outbox_unanswered ON ringdown.outbox (dead_at)
	WHERE state = 'dead' AND answered_at IS NULL;
