-- A list of agents begins with those that fail: its first screens are read by this order, of
-- however many agents.
CREATE INDEX agent_ext_failing ON ringdown.agent_ext
	((outcome = 'bad') DESC, since DESC NULLS LAST, agent_id);
