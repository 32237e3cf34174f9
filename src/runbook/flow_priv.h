/* Shared by the files of the flow only. */
#ifndef RD_RUNBOOK_FLOW_PRIV_H
#define RD_RUNBOOK_FLOW_PRIV_H

#include "core/json.h"
#include "core/mem.h"
#include "runbook/flow.h"

struct frame {				/* the runbook itself, or a call's own copy of another */
	const struct runbook *rb;
	struct runbook *own;
	char *prefix;			/* "", "call/" */
	int call, up;			/* its call's node, the frame of that; -1 */
	struct value params, saves;	/* maps */
};

enum undo_state { UNDO_NONE, UNDO_OFFERED, UNDO_ORDERED, UNDO_RUNNING, UNDO_UNKNOWN, UNDO_FAILED,
		  UNDO_DONE };

struct node {
	struct flow *flow;
	const struct step *s;
	int frame, parent, option;	/* option of the parent's decision, else -1 */
	int phase, depth, end;		/* end: after the last of its inner steps */
	const char *blocked;		/* text of a `never` rule, or why it cannot run at all */
	char **names; size_t n_names;	/* $names of its operations */
	char **undo_names; size_t n_undo_names;
	struct value binds;		/* map: lists out of tables */

	int state, disposition;
	enum run_outcome outcome, later; /* later: what a gate found when it looked again */
	int64_t attempt, tries, started_ms, ended_ms, retry_ms, gate_next_ms, gate_shift_ms;
	bool wanted, previewed, preview_bad, preview_stale, confirmed, second_done, passed_over,
		opened, final;
	enum undo_state undo;
	char *confirmed_by, *by, *command, *undo_command, *reason, *result, *output, *preview,
		*preview_why, *explain, *checks, *picked, *answer, *why;
	struct value own;		/* map: saves of its preview */
	struct value as_value;		/* its outcome, for conditions */
	/* memory only */
	char *described, *described_undo;
	struct str live;
};

struct held { char *name, *by, *text; int node; int64_t since_ms; };
struct noted { char *by, *text; int64_t at_ms; };
enum { NOTES_KEPT = 200 };

/* What comes next, without a clock. */
enum stage { ST_NONE, ST_PREVIEW, ST_RUN, ST_RUNNING, ST_RETRY, ST_GATE, ST_UNDO, ST_UNDOING,
	     ST_FINISH, ST_OVER };

struct flow {
	struct frame *frames; size_t n_frames, cap_frames;
	struct node *nodes; size_t n_nodes, cap_nodes;
	int *phase_late; size_t n_phases;
	struct masker *masker;
	struct value *secrets;		/* map in memory only: "prefix name" */

	int64_t version, at_ms;
	char *id, *kind, *environment, *incident, *subject, *started_by, *driver,
		*policy;
	int64_t started_ms, ended_ms;
	bool begun, dry, paused, over;
	int status;			/* when over */
	char *paused_by, *end_reason;
	int64_t paused_ms;
	int *undo; size_t n_undo, cap_undo;	/* nodes, the last is undone first */
	int undoing;			/* node whose undo is ordered, runs or is unknown; -1 */
	struct held *holds; size_t n_holds, cap_holds;
	struct noted *notes; size_t n_notes;
	struct value builtin, facts;	/* maps; facts: of the incident, for messages only */

	/* computed by flow_settle */
	int cur;
	enum stage stage;
	struct { int kind, node; char *text, *param; } wait;
	int64_t wait_version;		/* entry that led to this wait: older orders are refused */
	int wait_attempt;
	struct { int kind; char *by; int64_t at_ms; } last;	/* last order of a person */
};

/* flow.c */
struct node *flow_node(const struct flow *f, const struct step *s);
struct node *flow_node_id(const struct flow *f, const char *id);
struct node *flow_node_in(const struct flow *f, int frame, const char *id); /* frame's own id */
bool node_closed(const struct node *n);

/* flow_offers.c: values for what is still to be given, out of the run itself */
void flow_offer(const struct flow *f, struct run_doc *d);

/* flow_settle.c: after each change of what counts */
void flow_settle(struct flow *f);
int flow_due_phase(const struct flow *f, int64_t now_ms, int64_t *ret_next_ms);

/* flow_value.c */
const struct value *node_value(const struct node *n, const char *name);
const struct param *node_param(const struct node *n, const char *name, int *ret_frame);
/* First name without a value that a person can give; heap text as in run_wait.param. */
char *node_missing(const struct node *n);
char *node_missing_undo(const struct node *n);	/* of its undo alone: after a kill, a secret */
char *node_missing_when(const struct node *n);
void frame_set(struct value *map, const char *name, struct value *v);	/* takes v's content */
int flow_param_frame(const struct flow *f, const char *name, const char **ret_bare);
/* Is the text a value of the parameter? ret may be NULL. */
int flow_param_value(const struct flow *f, const char *name, const char *text, struct value *ret,
		     bool *ret_secret, struct err *err);
char *json_scalar_text(const struct json *j);	/* NULL when not a scalar */
/* 1 holds, 0 not, -1 a name has no value. why (may be NULL): evidence, for people. */
int node_conditions(const struct node *n, const struct condition_when *c, size_t count,
		    struct str *why);
/* Binds a call's `with` in the scope of the call. */
void frame_bind_with(struct flow *f, int frame);
void node_bind_tables(struct node *n);

/* flow_names.c */
void node_collect_names(struct node *n);

/* flow_say.c: what people read of a wait */
void wait_text(const struct flow *f, const struct node *n, int kind, const char *param,
	       struct str *out);

#endif
