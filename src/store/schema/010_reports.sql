-- Two people who edit one section: the text that came second is kept aside until it is merged.

ALTER TABLE ringdown.report_text ADD COLUMN aside boolean NOT NULL DEFAULT false;
ALTER TABLE ringdown.practice ADD COLUMN note text NOT NULL DEFAULT '';
-- That one is overdue is told once for each date.
CREATE TABLE ringdown.practice_told (
	id text NOT NULL,
	due_at timestamptz(3) NOT NULL,
	at timestamptz(3) NOT NULL,
	PRIMARY KEY (id, due_at)
);
