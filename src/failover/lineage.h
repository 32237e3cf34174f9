/*
 * A lineage as the decider keeps it: its event as last read, its window's clock, its gates.
 * Shared by decide, decide_act, decide_test, context and commands; nobody else.
 */
#ifndef RD_FAILOVER_LINEAGE_H
#define RD_FAILOVER_LINEAGE_H

#include "failover/decide.h"
#include "failover/gates.h"
#include "failover/rules.h"
#include "failover/watch.h"
#include "failover/window.h"
#include "store/control.h"
#include "store/decide_read.h"
#include "store/events.h"

enum last_test { LAST_NONE, LAST_RUNNING, LAST_FAILED, LAST_OTHER, LAST_LATE };

struct lineage {
	char *primary, *current, *name;
	bool listed;			/* its account is still a primary */
	int64_t healthy_since_ms;	/* wall; from the row */
	bool was_healthy;
	struct event_row ev;		/* newest, or the open one; ev.e.id NULL = none */
	bool newer_done;		/* while events are read */
	char *older_done;		/* a completed event older than a newer completed one */

	struct window_clock clock;	/* of clock_event */
	char clock_event[40];
	bool testing;
	int64_t test_due_ms, test_began_ms;	/* monotonic; due 0 = at once */
	int64_t tests;			/* of this event, by this process */
	int stored_outcome;		/* of the last test that was stored while held */
	enum last_test last;
	int64_t last_began_ms;
	int64_t announced_ms;		/* monotonic; 0 = not by this process */
	bool retested;			/* failed in a test after that */
	int64_t unjudged_ms;		/* monotonic: first unknown test in a row; 0 = none */
	bool untold, untold_known;

	char *target;			/* best candidate; NULL = none */
	struct gate_result gates[GATE_MAX];
	bool gates_known;
	int64_t agents, imports;	/* watched, on its current account; see context_agents() */
	int on, home;			/* current account and primary, by the roster's number */
	/* a plan left so many out, at these counts */
	int64_t short_by, short_needed, short_free;
	int rule;			/* last one that fitted, for people; 0 = none */
	int64_t refused_ms;		/* monotonic: an order failed; not again at once */
};

struct decider {
	struct failover_deps *d;
	struct monitor *m;
	struct lineage **v;
	size_t n, cap;
	struct decide_index *index;
	struct decide_facts facts;
	int64_t pools_read_ms, pools_cost_ms;	/* monotonic; 0 = to be read */
	struct control_row control;
	bool database_ok, durable, environment_ok;
	char database_why[300], environment_why[300];
	int64_t checked_ms;		/* monotonic: database and environment */
	int64_t observe_until_ms;
	bool leading, read_once;
	struct condition wake;
	bool stopping, woken;
	int tasks;
};

/* ---- context.c: facts of a lineage now; pure over what was read ------------------------ */

/* Everything a tick needs from the database, the pools' counts only if told. In a task. */
int decider_read(struct decider *d, bool pools, struct err *err);
bool decider_pools_due(const struct decider *d);
/* What people's commands need as well, on any engine: as decider_read. */
struct lineage *decider_lineage(const struct decider *d, const char *primary);
/* As monitor_account(), without a search. */
struct watched *decider_account(const struct decider *d, const char *id);
/* The lineage that the account carries, or is home of. */
struct lineage *decider_lineage_of(const struct decider *d, const char *account);
struct gate_ask {
	const char *target;		/* account id; NULL = choose */
	bool manual, partial;
	/* the lease may be another engine's: it will carry it out */
	bool by_person;
	const char *own_event;		/* leave out of `attempt`; NULL = the lineage's */
};
/* Chooses (unless told) and computes; out gets the texts (gates_clear it before). Returns the
 * target's id, borrowed from the monitor, or NULL. */
const char *context_gates(struct decider *d, struct lineage *l, const struct gate_ask *ask,
			  struct gate_result out[GATE_MAX]);
void context_rules(struct decider *d, struct lineage *l, struct rule_ctx *ret);
bool lineage_open(const struct lineage *l);
/* Watched agents of the lineage on its current account, and how many need an import. */
void context_agents(const struct decider *d, const struct lineage *l, int64_t *ret_agents,
		    int64_t *ret_imports);

/* ---- decide_act.c: carrying an action out, one transaction each -------------------------- */

void decide_act(struct decider *d, struct lineage *l, const struct rule *r);
void decide_supersede(struct decider *d, struct lineage *l);
/* The plan for the lineage's target as an event's preview; false: none can be made now. */
struct plan;
bool decide_plan(struct decider *d, struct lineage *l, const char *target, const char *own,
		 bool degraded, struct plan **ret, struct err *err);
struct who decider_who(const struct decider *d);
int decider_say(struct decider *d, struct tx *t, int kind, const struct event *e, const char *text,
		struct err *err);

/* ---- decide_test.c -------------------------------------------------------------------------- */

/* Starts a test when one is due; last: the last one, now. */
void decide_test(struct decider *d, struct lineage *l, bool last);
/* The event changed hands or state: its clock starts anew where it must. */
void lineage_clock(struct decider *d, struct lineage *l);

#endif
