-- A date of a practice that people moved: the policy's, and the one that counts instead. A later
-- word takes the place of the one before; the journal has all of them.
CREATE TABLE ringdown.practice_date (
	id text NOT NULL,
	due_at timestamptz(3) NOT NULL,
	moved_to timestamptz(3) NOT NULL,
	by text NOT NULL,
	at timestamptz(3) NOT NULL,
	reason text NOT NULL DEFAULT '',
	PRIMARY KEY (id, due_at)
);
-- Roles of incidents are known words.
UPDATE ringdown.incident_role SET role = CASE role WHEN 'expert' THEN 'sme'
	ELSE replace(role, ' ', '-') END WHERE role IN ('expert', 'customer liaison', 'internal liaison');
