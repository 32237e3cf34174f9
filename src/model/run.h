/*
 * A runbook run as API, console and command line see it: one document per run, made by
 * the engine from the run's entries. Nothing here can act.
 */
#ifndef RD_MODEL_RUN_H
#define RD_MODEL_RUN_H

#include "model/fields.h"

/* waiting = for a person or a gate; see run_wait.kind */
#define RUN_STATUS_LIST(X)                                                                         \
	X(RUN_RUNNING, "running") X(RUN_WAITING, "waiting") X(RUN_PAUSED, "paused")                \
	X(RUN_DONE, "done") X(RUN_FAILED, "failed") X(RUN_ABORTED, "aborted")
enum run_status { RUN_STATUS_LIST(RD_ENUM_ID) RUN_STATUS_MAX };

/* What a run waits for. happened = a step was in flight when its engine went away. */
#define RUN_WAIT_LIST(X)                                                                           \
	X(RW_NONE, "") X(RW_PARAM, "param") X(RW_CONFIRM, "confirm") X(RW_SECOND, "second")        \
	X(RW_ANSWER, "answer") X(RW_PICK, "pick") X(RW_GATE, "gate") X(RW_APPROVAL, "approval")    \
	X(RW_FAILED, "failed") X(RW_HAPPENED, "happened") X(RW_OPTIONAL, "optional")               \
	X(RW_CALL, "call")
enum run_wait_kind { RUN_WAIT_LIST(RD_ENUM_ID) RUN_WAIT_MAX };

/* waiting: not reached; ready: the current one, wants a person; unknown: did it happen? */
#define RUN_STEP_STATE_LIST(X)                                                                     \
	X(RS_WAITING, "waiting") X(RS_READY, "ready") X(RS_RUNNING, "running") X(RS_DONE, "done")  \
	X(RS_FAILED, "failed") X(RS_SKIPPED, "skipped") X(RS_UNKNOWN, "unknown")                   \
	X(RS_UNDONE, "undone") X(RS_NOT_APPLICABLE, "not_applicable")
enum run_step_state { RUN_STEP_STATE_LIST(RD_ENUM_ID) RS_MAX };

/* ran, dry, skipped by a person, did not apply */
#define RUN_DISPOSITION_LIST(X)                                                                    \
	X(RDI_NONE, "") X(RDI_RAN, "ran") X(RDI_DRY, "dry") X(RDI_SKIPPED, "skipped-by-user")      \
	X(RDI_NOT_APPLICABLE, "not-applicable")
enum run_disposition { RUN_DISPOSITION_LIST(RD_ENUM_ID) RDI_MAX };

struct run {				/* summary: lists, journal, stream ("run" member of data) */
	char *id;			/* "RUN-12" */
	int64_t version;		/* entries so far: orders carry it */
	char *runbook, *title, *severity, *hash;
	char *environment, *kind;	/* real, drill, dry */
	/* what it was started from: "EV-118", "org_12"; may be NULL */
	char *incident, *subject;
	int status;			/* enum run_status */
	char *outcome;			/* pass warn fail error unknown; NULL while open */
	char *step, *step_title;	/* current */
	int wait;			/* enum run_wait_kind */
	char *wait_text;		/* one sentence */
	int64_t started_at_ms, ended_at_ms, changed_at_ms;
	char *started_by, *driver;	/* driver NULL = nobody has it */
	int64_t done, total;		/* steps */
	int64_t holds;
	bool file_changed;		/* the file is no longer what runs */
	char *policy;			/* hash of policy.yaml at the start */
	bool policy_changed;		/* it is another one now; values of the target stay */
};
extern const struct record_type run_type;
extern const struct enum_names run_status_names, run_wait_names, run_step_state_names,
	run_disposition_names;

struct run_check { char *subject, *expected, *actual, *outcome, *why; };
extern const struct record_type run_check_type;

struct run_step {
	char *id, *phase, *title, *verb, *effect, *role, *help, *why;
	int64_t depth;			/* 0; 1 inside a decision's option ... */
	int state;			/* enum run_step_state */
	int disposition;		/* enum run_disposition */
	char *outcome;
	int64_t attempt, started_at_ms, ended_at_ms, timeout_ms;
	bool optional;
	char *by;			/* who ordered or answered */
	char *command;			/* as it really runs: bound, masked */
	char *reason;			/* of a skip, an answer's text */
	char *result;			/* JSON: subjects, tables capped; output head and tail */
	char *output;			/* text for people: sanitised, capped; live while running */
	char *preview;			/* JSON as result, of the preview operation */
	char *undo;			/* command that undoes it; NULL = none */
	char *undo_state;		/* offered running done failed; NULL */
	char *hold;			/* name of the hold it sets */
	char *explain;			/* JSON: {"column":{"value":"meaning; what to do"}} */
	char *suggestion, *evidence;	/* decide: pick that is likely, and why */
	char *picked;
	char *options;			/* decide: JSON [{"pick","label","likely":bool,"why"}] */
	char *items;			/* ask: JSON ["..."]; answer kind in answer_kind */
	char *answer_kind, *answer;
	struct run_check *checks; size_t n_checks;
};
extern const struct record_type run_step_type;

struct run_phase { char *name; int64_t box_from_ms, box_to_ms, deadline_at_ms; bool late; };
extern const struct record_type run_phase_type;
struct run_param { char *name, *type, *value, *help, *choices /* JSON */, *pattern; bool set,
		   secret;
		   bool at_start;	/* ask: start; others are asked for at their first use */
		   char *min, *max;	/* as one would type them; of texts: of their length */
		   char *wants;		/* what is to be typed, in words */
		   char *offers; /* JSON [{"value","from"}] */ };
extern const struct record_type run_param_type;
/* One more value to choose from, unless it is there or there are enough. */
void run_param_offer(struct run_param *p, const char *value, const char *from);
struct run_hold { char *name, *step, *by, *text; int64_t since_ms; };
extern const struct record_type run_hold_type;
struct run_note { int64_t at_ms; char *by, *text; };
extern const struct record_type run_note_type;

struct run_wait {			/* what exactly is wanted now */
	int kind;			/* enum run_wait_kind */
	char *step, *text;
	char *param;			/* RW_PARAM */
	char *phrase;			/* RW_CONFIRM: to be typed; "" = the dialog's own word */
	bool second, destroy;
	int64_t until_ms;		/* gate, approval: by itself then; 0 = never */
	int64_t next_ms;		/* gate: next check */
	char *at_end;			/* stop, go */
};
extern const struct record_type run_wait_type;

struct run_doc {
	struct run run;
	struct run_wait wait;
	struct run_phase *phases; size_t n_phases;
	struct run_step *steps; size_t n_steps;		/* reading order, all branches */
	struct run_param *params; size_t n_params;
	struct run_hold *holds; size_t n_holds;
	struct run_note *notes; size_t n_notes;		/* newest last, at most 200 */
	char **undo; size_t n_undo;			/* step ids, next to be undone first */
	char **never; size_t n_never;			/* texts of the rules in force */
	char **checklist; size_t n_checklist;		/* afterwards */
};
void run_doc_fini(struct run_doc *d);
void run_doc_json(struct jw *w, const char *name, const struct run_doc *d);
int run_doc_from_json(struct run_doc *d, const struct json *obj, struct err *err);
void run_step_json(struct jw *w, const struct run_step *s);
/* Members alone, with those steps only (NULL: all). */
void run_doc_members(struct jw *w, const struct run_doc *d, const bool *which);
/* A document with some steps only, over the one before; false: it does not fit, ask for all.
 * news is empty afterwards, or to be thrown away. */
bool run_doc_merge(struct run_doc *d, struct run_doc *news);

struct runbook_row {			/* a line of the list of runbooks */
	char *id, *title, *service, *severity, *triggers, *file, *hash;
	int64_t phases, steps, changes, destroys;
	char *suggested;		/* why it fits what is failing now; NULL = it does not */
	int64_t last_run_at_ms;
	char *problem;			/* it cannot run: first error */
	char *kinds;			/* words: rows it is offered on (b): event account alert
					 * org code message agent; from trigger.kinds */
	char *alerts;			/* words: the alerts of its trigger */
};
/* GET /api/v1/runbooks {"runbooks":[row]}; /api/v1/runbooks/{id} {"runbook":row,
 * "symptoms":[],"source","outline":run_doc of a run that has not begun, names unbound}. */
extern const struct record_type runbook_row_type;
/* Which word of a trigger's kinds means this event: its status, its severity, or any. NULL:
 * none. */
struct event;
const char *runbook_fits_event(const char *kinds, const struct event *e);

#endif
