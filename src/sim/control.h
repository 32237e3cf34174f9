/* The control interface, also callable without HTTP. */
#ifndef RD_SIM_CONTROL_H
#define RD_SIM_CONTROL_H

#include "sim/request.h"

/* One call of the control interface; body may be NULL. 0, or err says what was wrong. */
int sim_control_apply(struct sim *s, const char *method, const char *path, const char *body,
		      struct err *err);
/* POST /_sim/account, number, agent: set.c */
int sim_set_account(struct sim *s, struct sim_account *a, const struct json *spec,
		    struct err *err);
int sim_set_number(struct sim *s, struct sim_number *n, const struct json *spec,
		   struct err *err);
int sim_set_agent(struct sim *s, struct sim_agent *g, const struct json *spec, struct err *err);
/* state.c; parts is a comma-separated choice or NULL for all. */
void sim_state_write(struct sim *s, struct jw *w, const char *parts);

#endif
