/* The API of a status page that is written to, not read: our own. */
#ifndef RD_SIM_STATUSPAGE_H
#define RD_SIM_STATUSPAGE_H

#include "sim/request.h"

void sim_statuspage_clear(struct sim *s);

#endif
