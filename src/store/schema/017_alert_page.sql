-- The page that an alert is part of: several of one group are one, and it ends with the last.

ALTER TABLE ringdown.alert ADD COLUMN page text;
