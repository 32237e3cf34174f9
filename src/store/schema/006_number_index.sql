-- The few numbers that are out of order, found without reading them all: each cycle asks for
-- them, each tick counts the pools without them.

CREATE INDEX number_ext_problem ON ringdown.number_ext (account_id, phone_number)
	WHERE problem IS NOT NULL;
CREATE INDEX number_ext_drift ON ringdown.number_ext (account_id, phone_number)
	WHERE drift_since IS NOT NULL;
