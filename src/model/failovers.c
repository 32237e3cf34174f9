/* Field tables of failover analytics; see failovers.h. */
#include "model/failovers.h"

static const struct field row_fields[] = {
	FIELD(failover_row, id, "id", "EVENT", F_STR),
	FIELD(failover_row, status, "status", "STATE", F_ENUM, .names = &event_status_names),
	FIELD(failover_row, trigger, "triggerType", "TRIGGER", F_ENUM, .names = &trigger_names),
	FIELD(failover_row, window_ms, "windowMs", "WINDOW", F_DUR),
	FIELD(failover_row, opened_at_ms, "openedAt", "OPENED", F_TIME),
	FIELD(failover_row, decided_at_ms, "decidedAt", "DECIDED", F_TIME),
	FIELD(failover_row, decided_by, "decidedBy", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(failover_row, completed_at_ms, "completedAt", "COMPLETED", F_TIME),
};
RECORD_TYPE(failover_row_type, "event", failover_row, row_fields);

static const struct field step_fields[] = {
	FIELD(failover_step, id, "id", "EVENT", F_STR),
	FIELD(failover_step, step, "step", "STEP", F_STR),
	FIELD(failover_step, ms, "ms", "TOOK", F_I64),
};
RECORD_TYPE(failover_step_type, "step", failover_step, step_fields);

static const struct field gate_fields[] = {
	FIELD(failover_gate, gate, "gate", "GATE", F_STR),
	FIELD(failover_gate, events, "events", "EVENTS", F_I64),
	FIELD(failover_gate, times, "times", "TIMES", F_I64),
};
RECORD_TYPE(failover_gate_type, "gate", failover_gate, gate_fields);
