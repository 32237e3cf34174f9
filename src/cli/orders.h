/* Orders on events: shared by `failover` and the orders that have a word of their own. */
#ifndef RD_CLI_ORDERS_H
#define RD_CLI_ORDERS_H

#include "cli/cli.h"
#include "core/json.h"
#include "core/mem.h"

int orders_run(struct cli *c);
extern const struct cli_option order_plain[1], order_approve[4], order_extend[2], order_resume[2],
	order_rollback[3];

#define ORDER(name_, help_, opts)                                                                  \
	{ .name = name_, .args = "EVENT", .help = help_, .kind = CLI_CHANGES, .options = opts,     \
	  .n_options = COUNT_OF(opts), .run = orders_run }
#define ORDER_APPROVE                                                                              \
	ORDER("approve", "approve a held or pending event: its plan is carried out", order_approve)
#define ORDER_REJECT                                                                               \
	ORDER("reject", "do not fail over; the cause opens nothing new for an hour", order_plain)
#define ORDER_EXTEND ORDER("extend", "give the approval window more time", order_extend)
#define ORDER_CANCEL                                                                               \
	ORDER("cancel", "stop an event: free before step 3, later it is rolled back", order_plain)
#define ORDER_RESUME ORDER("resume", "go on with a failed event", order_resume)
#define ORDER_ROLLBACK                                                                             \
	ORDER("rollback", "put agents back home, all that nobody else changed since",              \
	      order_rollback)
#define ORDER_ACCEPT ORDER("accept", "take a failed event as it is, differences kept", order_plain)
#define ORDER_ROWS ORDER_APPROVE, ORDER_REJECT, ORDER_EXTEND, ORDER_CANCEL, ORDER_RESUME,          \
		   ORDER_ROLLBACK, ORDER_ACCEPT

/* Adds "overrides" from --override; asks for a person's word for the gates that want it typed.
 * 0, or an exit status after telling. */
int orders_overrides(struct cli *c, struct jw *w);
/* A rollback waits for some of the gates only. */
bool orders_gate_asked(const struct cli *c, const char *gate);
/* The reply of an order: {event}, or {plan, gates} of a dry run. Exit status. */
int orders_answer(struct cli *c, const struct json *reply, bool dry_run);

#endif
