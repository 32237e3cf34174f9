/*
 * What people order, each as one transaction, from any engine that has the database. The
 * leader then carries it out. Reasons, overrides and who it was go into the event and the
 * journal.
 */
#ifndef RD_FAILOVER_COMMANDS_H
#define RD_FAILOVER_COMMANDS_H

#include "failover/decide.h"
#include "store/store.h"

struct command {
	const struct who *who;
	const char *account;		/* start: id, accountSid or name of source */
	const char *event;		/* all others: event id */
	const char *target;		/* start: id, accountSid or name; NULL = best */
	const char *reason;		/* NULL = none given */
	/* approve: the plan that was seen; NULL = whatever it is now */
	const char *plan_hash;
	const char *const *overrides; size_t n_overrides;	/* gate ids */
	int64_t minutes;		/* extend; 0 = usual */
	bool dry_run, partial;
	const char *drill;		/* start: name of a drill; makes the trigger DRILL */
};

/* What came of it; also with an error: gates (409) or the new plan (409). */
struct command_result {
	char *event;			/* JSON object {...} of contract §4, NULL = none */
	char *plan;			/* JSON of the plan: dry run, or "it changed" */
	/* shut ones among them: why it was refused */
	struct gate_result *gates; size_t n_gates;
	char *id;			/* of the event */
	int status;			/* enum event_status after it; -1 = unknown */
};
void command_result_fini(struct command_result *r);

/* For tasks. 0, or: ERR_NOT_FOUND; ERR_INVALID (err->field); ERR_CONFLICT: the text says what
 * happened instead, gates or plan are set where they are the reason; ERR_UNREACHABLE. */
typedef int (*command_fn)(struct decider *d, const struct command *c, struct command_result *ret,
			  struct err *err);
int command_start(struct decider *d, const struct command *c, struct command_result *ret,
		  struct err *err);
int command_approve(struct decider *d, const struct command *c, struct command_result *ret,
		    struct err *err);
int command_reject(struct decider *d, const struct command *c, struct command_result *ret,
		   struct err *err);
int command_extend(struct decider *d, const struct command *c, struct command_result *ret,
		   struct err *err);
int command_cancel(struct decider *d, const struct command *c, struct command_result *ret,
		   struct err *err);
int command_resume(struct decider *d, const struct command *c, struct command_result *ret,
		   struct err *err);
int command_rollback(struct decider *d, const struct command *c, struct command_result *ret,
		     struct err *err);
int command_accept(struct decider *d, const struct command *c, struct command_result *ret,
		   struct err *err);

/* on false ends it; until_ms (wall) 0 = until somebody does. */
int command_pause(struct decider *d, const struct who *who, bool on, int64_t until_ms,
		  const char *reason, struct err *err);
int command_maintenance(struct decider *d, const struct who *who, bool on, int64_t until_ms,
			const char *reason, struct err *err);

#endif
