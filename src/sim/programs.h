/* Programs that runbooks call and a demo does not have: small stand-ins with their state in
 * files beside them (src/sim/programs). */
#ifndef RD_SIM_PROGRAMS_H
#define RD_SIM_PROGRAMS_H

#include "core/err.h"

/* Writes them into an existing directory; "prepare" among them makes their state. */
int sim_programs_install(const char *dir, struct err *err);

#endif
