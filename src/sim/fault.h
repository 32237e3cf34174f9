/* Faults laid on requests: matching, and what they do together. */
#ifndef RD_SIM_FAULT_H
#define RD_SIM_FAULT_H

#include "sim/request.h"

/* From {match,fault}; returns the id, or a negative code with err. */
int sim_fault_add(struct sim *s, const struct json *spec, struct err *err);
bool sim_fault_remove(struct sim *s, int id);
void sim_fault_clear(struct sim *s);
void sim_fault_list(const struct sim *s, struct jw *w);
/* Counts hits and rolls the dice. a may be NULL; path without, full with the service's
 * prefix: a match may be written either way. */
void sim_fault_match(struct sim *s, const char *service, struct sim_account *a,
		     const char *path, const char *full, const char *method,
		     struct sim_effect *ret);
void sim_effect_fini(struct sim_effect *e);
bool sim_fault_held(const struct sim *s, int id);

#endif
