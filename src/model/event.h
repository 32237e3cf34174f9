/*
 * A failover event with its steps, tests and gates (failover.md §3-§5, the JSON of
 * contract.md §4), as stored, served and folded.
 */
#ifndef RD_MODEL_EVENT_H
#define RD_MODEL_EVENT_H

#include "model/fields.h"

struct event_step {
	int64_t n;			/* enum step_id */
	int state;			/* enum step_state */
	int64_t done, total;		/* agents, or 0/1 */
	int64_t started_at_ms, ended_at_ms;
	char *error;
};
extern const struct record_type event_step_type;

struct event_test {
	int64_t at_ms;
	int outcome;			/* enum outcome: ok = pass, bad = fail */
	char *detail;			/* "18 of 40" */
	/* {"api":"ok","webhook":"ok","agents":"bad","numbers":"ok"} */
	char *parts;
};
extern const struct record_type event_test_type;

struct gate_result {
	int gate;			/* enum gate */
	bool pass, overridable, typed;	/* typed: overriding asks for the target's name */
	char *why;			/* a sentence, either way */
};
extern const struct record_type gate_result_type;
void gates_json(struct jw *w, const char *name, const struct gate_result *g, size_t n);
/* The first that is shut and not in overrides (bit = enum gate); NULL = none. Isolation goes before
 * the evidence that it explains. */
const struct gate_result *gates_shut(const struct gate_result *g, size_t n, unsigned overrides);

enum { EVENT_TESTS_KEPT = 40 };		/* newest last; older ones only in the database */

struct event {
	char *id;			/* "EV-118" */
	int64_t version;		/* each transition adds one */
	int status, severity, trigger;	/* enum event_status, severity, trigger */
	bool confirmed;
	int64_t reopens;
	bool flapping;
	int64_t rule;			/* id of the row of rules.c that produced the state */
	char *reason;			/* why it is in this state; a person's words where given */
	char *cause;			/* what is wrong, with numbers: "18 of 40 agents ..." */
	char *cause_key;		/* for "same cause": kinds of failing probes */
	char *lineage;			/* id of the primary */
	char *from, *to;		/* account ids; to may be NULL while none fits */
	int64_t opened_at_ms, state_since_ms;
	int64_t started_at_ms;		/* of the window or, without one, of the event */
	/* needed tested failing time (without, of it: extensions) */
	int64_t window_ms, extended_ms;
	int64_t tested_failing_ms;
	int64_t deadline_at_ms;		/* derived, for display; 0 without a window */
	int64_t last_test_at_ms, next_test_at_ms;
	int64_t passes, passes_needed, tests_passed, tests_failed;
	char *held_gate;		/* gate id that holds it */
	int64_t decided_at_ms, completed_at_ms, rollback_until_ms;
	char *decided_by, *executed_by;
	int64_t epoch;
	char *plan_hash, *plan;		/* summary of the plan, JSON (without the agents' rows) */
	char *overrides;		/* JSON array of gate ids */
	char *error;
	int64_t agents_total, agents_moved, agents_failed;
	char *acked_by;
	int64_t acked_at_ms;
	bool partial;
	char *drill;			/* reserved for triggerType DRILL: scenario name */

	struct event_step steps[STEP_MAX];	/* by n; [0] unused; n = 0 -> no steps yet */
	struct event_test *tests;
	size_t n_tests;
	struct gate_result *gates;	/* as they were when last tested */
	size_t n_gates;
};
extern const struct record_type event_type;

void event_fini(struct event *e);
void event_copy(struct event *to, const struct event *from);	/* to: zeroed or valid */
void event_add_test(struct event *e, const struct event_test *t);	/* copies */
void event_set_gates(struct event *e, const struct gate_result *g, size_t n); /* copies */
void gates_free(struct gate_result *g, size_t n);
bool event_has_steps(const struct event *e);
bool event_unconfirmed(const struct event *e);	/* critical, and nothing agrees with it */
/* The first gate that was shut when it was last tested; NULL = none. */
const struct gate_result *event_shut_gate(const struct event *e);
/* At its deadline it is approved without a person, as things stand; else it will be held. */
bool event_approves_itself(const struct event *e);

/* The shape of contract.md §4: nested steps, tests, agents, gates beside the flat fields. */
void event_json(struct jw *w, const char *name, const struct event *e);
int event_from_json(struct event *e, const struct json *obj, struct err *err);

#endif
