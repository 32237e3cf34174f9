/* Faults laid on requests: matching, and what they do together. */
#ifndef RD_SIM_FAULT_H
#define RD_SIM_FAULT_H

#include "sim/request.h"

/* From {match,fault}; returns the id, or a negative code with err. */
int sim_fault_add(struct sim *s, const struct json *spec, struct err *err);
bool sim_fault_remove(struct sim *s, int id);
void sim_fault_clear(struct sim *s);
void sim_fault_list(const struct sim *s, struct jw *w);
/* What faults look at. path without, full_path with the service's prefix: a match may be
 * written either way. account and body may be NULL. */
struct sim_asked {
	const char *service, *method, *path, *full_path, *body;
	struct sim_account *account;
};
/* Counts hits and rolls the dice. */
void sim_fault_match(struct sim *s, const struct sim_asked *q, struct sim_effect *ret);
/* Is the whole service down, for a (NULL: for all)? Uses up nothing. */
bool sim_fault_down(const struct sim *s, const char *service, const struct sim_account *a);
/* A lasting fault on paths of the service that contain this. */
bool sim_fault_path_down(const struct sim *s, const char *service, const char *path);
void sim_effect_fini(struct sim_effect *e);
bool sim_fault_held(const struct sim *s, int id);

#endif
