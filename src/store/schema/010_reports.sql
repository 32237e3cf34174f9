-- Two people who edit one section: the text that came second is kept aside until it is merged.

ALTER TABLE ringdown.report_text ADD COLUMN aside boolean NOT NULL DEFAULT false;
ALTER TABLE ringdown.practice ADD COLUMN note text NOT NULL DEFAULT '';
