/* What failover analytics are counted from: one row an event, a step, a gate that held. */
#ifndef RD_MODEL_FAILOVERS_H
#define RD_MODEL_FAILOVERS_H

#include "model/fields.h"

struct failover_row {
	char *id, *decided_by;
	int status, trigger;		/* enum event_status, trigger */
	int64_t window_ms;		/* 0 = it had none */
	int64_t opened_at_ms, decided_at_ms, completed_at_ms;
};
struct failover_step { char *id; char *step; int64_t ms; };
struct failover_gate {
	char *gate;
	int64_t events, times;
}; /* how many events it held, how often */
extern const struct record_type failover_row_type, failover_step_type, failover_gate_type;

#endif
