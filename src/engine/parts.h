/* The siblings that an engine hosts, started, woken and stopped together. */
#ifndef RD_ENGINE_PARTS_H
#define RD_ENGINE_PARTS_H

#include "core/json.h"
#include "engine/engine.h"

void parts_start(struct engine *e);
void parts_wake(struct engine *e);
void parts_gained(struct engine *e, int64_t epoch);
void parts_lost(struct engine *e);
void parts_gap(struct engine *e, int64_t gap_ms, int64_t wall_step_ms);
/* Members of the live document that only the leader knows: gates, cycleMs. */
void parts_live(const struct engine *e, struct jw *w);
int64_t parts_cycle_ms(const struct engine *e);
struct lineage_gates;
/* as decider_all_gates */
bool parts_gates(const struct engine *e, struct lineage_gates **ret, size_t *ret_n);
void parts_stop(struct engine *e);
bool parts_idle(const struct engine *e);	/* their tasks are over */
void parts_free(struct engine *e);

#endif
