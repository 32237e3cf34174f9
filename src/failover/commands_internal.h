/* Shared by the files of people's commands only. */
#ifndef RD_FAILOVER_COMMANDS_INTERNAL_H
#define RD_FAILOVER_COMMANDS_INTERNAL_H

#include "failover/commands.h"
#include "failover/lineage.h"

struct plan;
struct order {
	struct event_row row;		/* as read, then as it will be */
	enum event_status from;
	struct tx t;
	struct gate_result gates[GATE_MAX];
	const struct plan *plan;	/* to be stored; borrowed */
};
/* Loads c->event. */
int order_begin(struct decider *d, const struct command *c, struct order *o, struct err *err);
void order_fini(struct order *o);
/* ERR_CONFLICT unless the event is in one of the states; verb: "rejected". */
int order_state(const struct decider *d, const struct order *o, unsigned allowed, const char *verb,
		struct err *err);
/* ERR_CONFLICT where whatever is ordered would not be carried out: in shadow mode, or on the
 * database of another environment. */
int order_acts(struct decider *d, struct err *err);
int order_commit(struct decider *d, const struct command *c, struct order *o,
		 int (*also)(struct tx *t, struct order *o, struct err *err), int say,
		 struct err *err);
/* The end of every order: message (say < 0: none), commit, waking who has to look now. r is what
 * came before; text is given away. */
int order_finish(struct decider *d, struct order *o, int r, int say, struct str *text,
		 struct err *err);
void order_result(struct store *s, const char *id, struct command_result *ret);
/* Of a rollback: only the gates that count for one. */
void order_gates(struct command_result *ret, const struct gate_result g[GATE_MAX], bool rollback);

#endif
