-- A lane of the timeline is read kind by kind, each in the order of the timeline.
CREATE INDEX journal_kind_position ON ringdown.journal (kind, at, seq);
DROP INDEX ringdown.journal_kind;
CREATE INDEX note_kind_position ON ringdown.note (kind, happened_at, id);
