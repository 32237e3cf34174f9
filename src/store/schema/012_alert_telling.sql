-- What people were told of an alert, where, and when they are told again; acknowledgements that
-- run out; reminders of silences. What the engine raised so far was told where it was raised.

ALTER TABLE ringdown.alert ADD COLUMN quiet boolean NOT NULL DEFAULT false;
ALTER TABLE ringdown.alert ADD COLUMN told_n integer NOT NULL DEFAULT 0;
ALTER TABLE ringdown.alert ADD COLUMN told_to text;
ALTER TABLE ringdown.alert ADD COLUMN repeat_at timestamptz(3);
ALTER TABLE ringdown.alert ADD COLUMN over_told_at timestamptz(3);
ALTER TABLE ringdown.alert ADD COLUMN ack_until timestamptz(3);
ALTER TABLE ringdown.alert ADD COLUMN reminded_at timestamptz(3);
ALTER TABLE ringdown.silence ADD COLUMN reminded_at timestamptz(3);
UPDATE ringdown.alert SET quiet = true WHERE source = 'ringdown';
CREATE INDEX alert_end_untold ON ringdown.alert (resolved_at)
	WHERE state = 'resolved' AND told_at IS NOT NULL AND over_told_at IS NULL;
CREATE INDEX alert_resolved_at ON ringdown.alert (resolved_at) WHERE state = 'resolved';
