-- Alerts carry who watches them, why they are quiet, and what they count.

ALTER TABLE ringdown.alert ADD COLUMN priority text;
ALTER TABLE ringdown.alert ADD COLUMN grouping text;
ALTER TABLE ringdown.alert ADD COLUMN count bigint NOT NULL DEFAULT 1;
ALTER TABLE ringdown.alert ADD COLUMN figure text;
ALTER TABLE ringdown.alert ADD COLUMN silenced_by text;
ALTER TABLE ringdown.alert ADD COLUMN silenced_reason text;
ALTER TABLE ringdown.alert ADD COLUMN silenced_until timestamptz(3);
ALTER TABLE ringdown.alert ADD COLUMN told_at timestamptz(3);

-- What stands behind an alert that was received: one row a fingerprint, bounded by the receiver.
CREATE TABLE ringdown.alert_member (
	alert_id text NOT NULL REFERENCES ringdown.alert,
	fingerprint text NOT NULL,
	state text NOT NULL CHECK (state IN ('firing', 'resolved')),
	labels json NOT NULL,
	text text NOT NULL DEFAULT '',
	starts_at timestamptz(3) NOT NULL,	-- as the sender says
	ends_at timestamptz(3),
	received_at timestamptz(3) NOT NULL,
	doubt text,				-- what is odd about its times
	PRIMARY KEY (alert_id, fingerprint)
);
-- Deliveries: what came, what was kept, what was left out and why.
CREATE TABLE ringdown.alert_delivery (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz(3) NOT NULL,
	by text NOT NULL,
	receiver text NOT NULL DEFAULT '',
	alerts integer NOT NULL,
	kept integer NOT NULL,
	dropped integer NOT NULL,
	note text NOT NULL DEFAULT ''
);
CREATE INDEX alert_delivery_at ON ringdown.alert_delivery (at);
