/* Agents in windows: filter, sort and position run in the database. */
#ifndef RD_READ_AGENTS_H
#define RD_READ_AGENTS_H

#include "core/pg.h"
#include "model/agent.h"

struct agents_window {
	const char *q;			/* name, number, id or reason contains; NULL = all */
	/* JSON name of a field; "-" before it reverses; NULL: failing first */
	const char *sort;
	const char *account, *home;	/* where it runs; its lineage; NULL = all */
	const char *outcome;		/* ok, bad, unknown; NULL = all */
	int64_t offset, limit;		/* limit <= 1000 */
};
/* ERR_INVALID with field "sort" when there is no such column. *ret: array of n, record_fini
 * each and free. */
int read_agents(struct pg_conn *c, const struct agents_window *w, struct agent **ret, size_t *ret_n,
		int64_t *ret_total, struct err *err);
void read_agents_free(struct agent *rows, size_t n);

#endif
