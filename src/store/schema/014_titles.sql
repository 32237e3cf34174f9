-- Titles that the policy worded follow what is linked until a person words one.
ALTER TABLE ringdown.incident ADD COLUMN titled_at timestamptz(3);	-- by the policy; NULL: a person
