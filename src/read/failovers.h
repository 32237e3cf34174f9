/* Events, their steps and the gates that held them, since an instant; drills are left to the
 * caller, who sees them by their trigger. */
#ifndef RD_READ_FAILOVERS_H
#define RD_READ_FAILOVERS_H

#include "core/pg.h"
#include "model/failovers.h"

int read_failovers(struct pg_conn *c, int64_t since_ms, struct failover_row **ret, size_t *ret_n,
		   struct err *err);
/* Steps that were done, of events that are no drills. */
int read_failover_steps(struct pg_conn *c, int64_t since_ms, struct failover_step **ret,
			size_t *ret_n, struct err *err);
int read_failover_gates(struct pg_conn *c, int64_t since_ms, struct failover_gate **ret,
			size_t *ret_n, struct err *err);

#endif
