/*
 * Scenarios: named provider-side stories, as data. A stage is a list of calls of
 * the control interface, so that everything a scenario does can also be done by
 * hand. What operators and engines do in a scenario is not here.
 */
#ifndef RD_SIM_SCENARIOS_H
#define RD_SIM_SCENARIOS_H

#include "sim/request.h"

struct sim_stage_op { const char *path, *body; };	/* POST; body "DELETE" deletes */
enum { SIM_STAGE_OPS = 6 };
struct sim_stage {
	const char *name;
	/* Runs by itself at the first of: this many simulated seconds after an automatic start
	 * (0: never), this many webhook writes of clients to the account. */
	int at_s;
	const char *writes_to;
	int writes;
	struct sim_stage_op op[SIM_STAGE_OPS];
};
struct sim_scenario {
	const char *name, *what;
	struct sim_stage stage[SIM_STAGES_MAX];
	/* The world it wants; 0 = default. */
	int agents, lineages, backup_percent[2];
	bool own_standby, register_call;
	/* How whoever fills the database should configure the primary. */
	bool no_parent, single_credential;
};

void sim_scenario_init(struct sim *s);
void sim_scenario_stop(struct sim *s);
const struct sim_scenario *sim_scenario_find(const char *name);	/* NULL = unknown */
const struct sim_scenario *sim_scenario_at(size_t i);		/* NULL after the last */
void sim_scenario_shape(const struct sim_scenario *sc, struct sim_shape *shape);
/* Runs the stage "start" and, unless manual, arms the timed ones. */
int sim_scenario_start(struct sim *s, const struct sim_scenario *sc, bool manual,
		       struct err *err);
int sim_scenario_stage(struct sim *s, const char *stage, struct err *err);
void sim_scenario_wrote(struct sim *s, struct sim_account *a);
void sim_scenario_write(const struct sim *s, struct jw *w);

#endif
