/*
 * What clients did: counters per operation, writes that changed something, and
 * the two kinds of write that must not happen.
 *
 * Forbidden: buying or releasing a number, changing an account's status or
 * credentials, deleting an agent, ending a call, writing to an account marked as
 * source. Duplicate: a second creation of the same thing, or a change of a value
 * that a client had already brought where it wanted it. One undo (back to the value
 * before) is no duplicate; doing it again is. A phase ends all of this: one starts
 * with the first lock of an event, with the first after its unlock, and by
 * POST /_sim/phase.
 */
#ifndef RD_SIM_LEDGER_H
#define RD_SIM_LEDGER_H

#include "sim/request.h"

void sim_ledger_done(struct sim_request *q);		/* once per answered request */
void sim_ledger_effective(struct sim_request *q, struct sim_account *a);
void sim_ledger_forbidden(struct sim_request *q, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void sim_ledger_duplicate(struct sim_request *q, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A client changes a field of a number from old to v (already different). */
void sim_ledger_field(struct sim_request *q, struct sim_number *n, int field, const char *old,
		      const char *v);
void sim_ledger_assign(struct sim_request *q, struct sim_import *i, struct sim_agent *old,
		       struct sim_agent *now);
void sim_ledger_clear(struct sim_ledger *l);
void sim_ledger_write(const struct sim *s, struct jw *w);	/* members of the state */

#endif
