/*
 * A run as a pure machine: state = fold(entries). No I/O, no clock of its own: the host
 * (runs.c), the test of cases (cases.c) and replays drive the same one.
 *
 *   people's orders --flow_order--> entry --+
 *   results of verbs -----------------------+--> stored --> flow_apply --> flow_next --> ...
 *
 * What is not an entry did not happen. "begin" is stored before a step acts; a begin
 * without an end after a restart makes the step unknown: a person says whether it happened.
 */
#ifndef RD_RUNBOOK_FLOW_H
#define RD_RUNBOOK_FLOW_H

#include "model/run.h"
#include "runbook/bind.h"

#define RUN_ENTRY_LIST(X)                                                                          \
	X(RE_STARTED, "started") X(RE_DRIVER, "driver") X(RE_PARAM, "param")                       \
	X(RE_PREVIEW, "preview") X(RE_CONFIRM, "confirm") X(RE_BEGIN, "begin") X(RE_END, "end")    \
	X(RE_ANSWER, "answer") X(RE_PICK, "pick") X(RE_SKIP, "skip") X(RE_RETRY, "retry")          \
	X(RE_GO, "go") X(RE_JUMP, "jump") X(RE_PAUSE, "pause") X(RE_UNPAUSE, "unpause")            \
	X(RE_APPROVE, "approve") X(RE_GATE, "gate") X(RE_HAPPENED, "happened")                     \
	X(RE_UNDO_BEGIN, "undo-begin") X(RE_UNDO_END, "undo-end") X(RE_RELEASE, "release")         \
	X(RE_NOTE, "note") X(RE_LATE, "late") X(RE_ABORT, "abort") X(RE_FINISH, "finish")
enum run_entry_kind { RUN_ENTRY_LIST(RD_ENUM_ID) RE_MAX };
extern const struct enum_names run_entry_names;

struct run_entry {
	int64_t n;			/* 1 ..., = version of the run after it */
	int64_t at_ms;
	int kind;			/* enum run_entry_kind */
	char *step, *by;
	char *data;			/* JSON object: what the kind needs (flow_apply.c) */
};
void run_entry_fini(struct run_entry *e);

struct flow;
struct secret;
/* lib: for `call` (borrowed, read here only; may be NULL in tests without calls). A called
 * runbook becomes part of this one: its steps are copies whose ids are "CALL/STEP", so a
 * struct step stands for one place of the run. */
struct flow *flow_new(const struct runbook *rb, const struct library *lib);
/* The same, from wherever the called ones are kept. */
struct flow *flow_new_from(const struct runbook *rb,
			   const struct runbook *(*find)(void *ctx, const char *id), void *ctx);
void flow_free(struct flow *f);
int flow_apply(struct flow *f, const struct run_entry *e, struct err *err);

/* What is to be done without a person. */
enum todo_kind {
	TODO_NOTHING,			/* a person is needed, or it is over; until_ms as below */
	/* run the step's preview, rehearse its SQL -> RE_PREVIEW with flow_judge_preview's data */
	TODO_PREVIEW,
	/* store RE_BEGIN {"command","undo"}, act, RE_END with the data of flow_judge; dry: only say
	 * what it would do */
	TODO_RUN,
	/* RE_UNDO_BEGIN, the step's undo, RE_UNDO_END, data as RE_END */
	TODO_UNDO,
	/* run what flow_gate_check names, RE_GATE with flow_gate's data */
	TODO_GATE,
	TODO_WAIT,			/* nothing before until_ms */
	/* the phase's box ended: store RE_LATE with its name as step */
	TODO_LATE,
	TODO_FINISH,			/* store RE_FINISH, data NULL */
};
struct todo {
	enum todo_kind kind;
	const struct step *step;
	int64_t attempt, until_ms;	/* until_ms 0: nothing happens by itself */
	const char *phase;		/* TODO_LATE */
	bool dry;			/* describe, do not act; data of flow_judge_dry */
};
void flow_next(const struct flow *f, int64_t now_ms, struct todo *ret);
/* The i-th step whose operation decides the gate now; NULL: no more (none at its opening). */
const struct step *flow_gate_check(const struct flow *f, const struct step *gate, size_t i);
void flow_gate(enum run_outcome worst, const char *why, struct str *ret_data);

/* A person's order: {"action":..., "step":..., more} as POST /api/v1/runs/{id}/do has it.
 * actions: take give param confirm answer pick skip retry go jump pause unpause approve
 * reject happened undo keep release note abort. What they carry beside action, version, step:
 * give to; param name value; confirm phrase (and second: true from the second person);
 * answer answer (text), items [bool]; pick pick; skip reject abort reason; happened
 * happened (bool); release hold; note text; start over from step: jump. The second person
 * and an approver differ from who asked, or are an admin with breakGlass: true and a reason.
 * 0 and *ret an entry to be stored (n set); ERR_CONFLICT: version is old or the state does
 * not allow it (err says what happened instead); ERR_INVALID with err->field; ERR_DENIED. */
int flow_order(const struct flow *f, const struct json *order, const char *by, int role,
	       int64_t now_ms, struct run_entry *ret, struct err *err);

/* Values for binding: params, saves, {"was"} of the preview. Valid until the next apply. */
void flow_scope(const struct flow *f, const struct step *s, struct scope *ret);
/* A message that is next and belongs to an incident: what the incident knows is learnt before it
 * is shown or said, by an RE_PARAM with {"from": "incident", "facts": {name: text or null}}. */
struct flow_saying {
	const struct step *step;
	const char *incident;
	int64_t attempt;
	bool wanting;			/* it waits for a value */
};
bool flow_saying(const struct flow *f, struct flow_saying *ret);
const char *flow_fact(const struct flow *f, const char *name);	/* as learnt last; NULL */
/* Secrets are handed in from memory, never from an entry; after a restart they are asked
 * for again. name as run_wait.param has it. */
void flow_secret(struct flow *f, const char *name, struct secret *s);
void flow_inherit(struct flow *f, const struct flow *before); /* secrets of the same run */
struct masker *flow_masker(const struct flow *f);
/* Judges a result: checks, saves, explanations -> the data of an RE_END entry. Secret saves
 * stay in memory. failed with ERR_NOT_FOUND: a value was missing, err->field names it. */
void flow_judge(const struct flow *f, const struct step *s, const struct value *result,
		const struct err *failed, struct str *ret_data);
/* affected: of the rehearsal, -1 = none took place. */
void flow_judge_preview(const struct flow *f, const struct step *s, const struct value *result,
			int64_t affected, const struct err *failed, struct str *ret_data);
void flow_judge_dry(const struct flow *f, const struct step *s, const char *command,
		    const char *undo, const struct err *missing, struct str *ret_data);
/* The step was in flight when its engine went away: data of RE_END, RE_UNDO_END. */
#define FLOW_LOST "{\"lost\":true}"

/* In memory, for the document only: the command as it would run now, live output. */
void flow_describe(struct flow *f, const struct step *s, const char *command, const char *undo);
void flow_output(struct flow *f, const struct step *s, const char *text, size_t n);

const struct runbook *flow_runbook(const struct flow *f, const struct step *s);	/* its own */
const struct step *flow_step(const struct flow *f, const char *id);
bool flow_dry(const struct flow *f);
bool flow_over(const struct flow *f);
int64_t flow_version(const struct flow *f);
/* In flight according to the entries: which step, and is it its undo. NULL = none. */
const struct step *flow_in_flight(const struct flow *f, bool *ret_undo);
void flow_run(const struct flow *f, struct run *ret);		/* summary; ret zeroed or used */
void flow_holds(const struct flow *f, struct str *names);	/* one a line */
void flow_doc(const struct flow *f, int64_t now_ms, struct run_doc *ret);

#endif
