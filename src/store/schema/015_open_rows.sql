-- What the engine asks for every second or two is few rows of tables that only grow.
CREATE INDEX event_status ON ringdown.event (status, opened_at);
CREATE INDEX event_last_write ON ringdown.event (last_write_at) WHERE last_write_at IS NOT NULL;
CREATE INDEX event_locked ON ringdown.event (lock_expires_at)
	WHERE unlocked_at IS NULL AND lock_expires_at IS NOT NULL;
CREATE INDEX outbox_left ON ringdown.outbox (state) WHERE state IN ('waiting', 'sending', 'dead');
CREATE INDEX incident_open ON ringdown.incident (declared_at)
	WHERE state IN ('declared', 'acknowledged', 'mitigated');
