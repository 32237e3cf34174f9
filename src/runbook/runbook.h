/*
 * A runbook as read from YAML (schema v1): what ringdown-runbook(5) documents. Immutable
 * after runbook_parse. keys.h has the table of every key, from which the parser, the JSON
 * Schema and the manual are made.
 */
#ifndef RD_RUNBOOK_RUNBOOK_H
#define RD_RUNBOOK_RUNBOOK_H

#include "core/yaml.h"
#include "runbook/match.h"
#include "runbook/value.h"

struct place { int line, column; };

enum param_type { PARAM_STRING, PARAM_INT, PARAM_NUMBER, PARAM_BOOL, PARAM_ENUM, PARAM_PHONE,
		  PARAM_DATE, PARAM_DURATION, PARAM_URL, PARAM_ID, PARAM_SECRET, PARAM_FILE };
enum param_from { FROM_NONE, FROM_ENV, FROM_FILE, FROM_TARGET /* policy target's setting */,
		  FROM_CMD };
enum param_ask { ASK_AT_USE, ASK_AT_START };
struct param {
	struct place at;
	char *name, *help, *pattern;
	enum param_type type;
	enum param_from from;
	char *from_name;		/* variable, path, target member */
	char **from_argv;		/* FROM_CMD */
	enum param_ask ask;
	char **choices; size_t n_choices;
	bool has_default; struct value otherwise;
	double min, max; bool has_min, has_max;	/* number, length of a string, duration in ms */
};

/* verb_NAME.c does it, verb_words in keys.c says what it is. */
#define VERB_LIST(X)                                                                               \
	X(VERB_HTTP, http) X(VERB_SQL, sql) X(VERB_RUN, run) X(VERB_METRIC, metric)                \
	X(VERB_ASK, ask) X(VERB_DECIDE, decide) X(VERB_GATE, gate) X(VERB_SAY, say)                \
	X(VERB_CALL, call) X(VERB_NOTE, note)
#define X(id, name) id,
enum verb_id { VERB_LIST(X) VERB_MAX };
#undef X
enum effect { EFFECT_READ, EFFECT_CHANGE, EFFECT_DESTROY, EFFECT_UNKNOWN /* imported */ };
enum on_fail { ON_FAIL_STOP, ON_FAIL_GO, ON_FAIL_ASK };

/* What a verb is told to do; used by steps, previews and undos alike. Texts may hold $name. */
struct pair { char *name, *text; struct place at; };
struct operation {
	struct place at;
	enum verb_id verb;
	/* http: method url; sql: text; run: script; metric: name; ask, decide, note: text;
	 * gate: see below; say: template; call: runbook id */
	char *text;
	char *method;
	struct pair *headers, *query, *form, *env;
	size_t n_headers, n_query, n_form, n_env;
	char *body_json;		/* http json: canonical JSON with "$name" strings to bind */
	char *auth_user, *auth_secret;	/* http auth: text with $name, name of a secret param */
	char *auth_bearer, *auth_header; /* secret param; header name when not Authorization */
	char *db, *tx;			/* sql: "app" (default) or "ringdown"; tx: "none" or NULL */
	char **argv; size_t n_argv;	/* run by argv; else script in text */
	char *cwd;
	int64_t follow_ms;		/* run: end it after so long, that is success */
	bool leaves_running;		/* run: what outlives a change stays (a service's daemon) */
	struct pair *count; size_t n_count; /* run: name -> regex counted over lines */
	int64_t over_ms;		/* metric */
	char *answer;			/* ask: done yesno text number choice */
	char **items; size_t n_items;	/* ask: checklist or choices */
	struct option *options; size_t n_options; /* decide */
	char *gate_until;		/* step id */
	int64_t gate_time_ms, gate_every_ms, gate_max_ms;
	char *gate_role; int64_t gate_window_ms; char *gate_at_end; /* stop | go */
	char **gate_steps; size_t n_gate_steps; bool gate_cancel; /* recheck, if_pass: cancel */
	char **to; size_t n_to;		/* say */
	char **needs_fields; size_t n_needs_fields; /* say: fields that must be filled */
	int64_t say_every_ms; char *say_until;
	struct pair *with; size_t n_with; /* call */
};

struct expect {				/* one subject and what is wanted of it */
	struct place at;
	/* status time header body json rows cell row sum(col) ... */
	char *subject;
	struct matcher *m;		/* a map matcher for header, json, row */
};
struct condition_when {			/* when / likely_when: AND */
	char *name;			/* param, saved value or step id (its outcome) */
	struct matcher *m;
	struct condition_when *any; size_t n_any;	/* {any: [...]}: OR of ANDs; name NULL */
	size_t n_all;			/* in any: how many from here on, this one included, are
					 * one AND; 0 inside such a group */
	struct place at;
};
struct save { char *name, *expression; struct place at; bool secret; };
struct binding { char *name, *table, *column; struct expect *where; size_t n_where;
		 struct place at; };

struct step {
	struct place at;
	char *id;			/* given, or made from the title: unique in the runbook */
	bool made_id;
	char *title, *help, *role, *why;
	char **tags; size_t n_tags;
	struct operation op;
	struct condition_when *when; size_t n_when;
	char **needs; size_t n_needs;	/* step ids that must have passed (or been skipped) */
	bool optional;
	int64_t timeout_ms;
	int retry_times; int64_t retry_every_ms; struct expect *retry_unless; size_t n_unless;
	struct expect *expect; size_t n_expect;
	struct save *save; size_t n_save;
	struct binding *bind; size_t n_bind;
	struct pair *explain; size_t n_explain;	/* result column -> table name */
	char **mask; size_t n_mask;		/* columns, json paths kept out of the journal */
	enum effect effect;
	struct operation *preview; struct save *preview_save; size_t n_preview_save;
	struct operation *undo; bool undo_none; char *undo_release;
	bool confirm;				/* asked for before it is done */
	char *confirm_type;			/* typed phrase */
	bool confirm_second;			/* by another person */
	char *hold, *release;
	enum on_fail on_fail;
	char *blocked_by;			/* text of the `never` rule that applies, or NULL */
};
struct option { struct place at; char *pick, *label; struct condition_when *likely; size_t n_likely;
		struct step *steps; size_t n_steps; };
struct phase { struct place at; char *name; bool has_box; int64_t box_from_ms, box_to_ms;
	       struct step *steps; size_t n_steps; };
struct rb_table { struct place at; char *name; struct value rows; };	/* list of maps */
struct never { struct place at; char *text; char **blocks; size_t n_blocks; /* step tags */ };
struct run_trigger { char **alerts; size_t n_alerts; char *text; char **kinds; size_t n_kinds; };
struct deadline { char *what; int64_t within_ms; };

struct runbook {
	char *file;			/* as opened, for messages */
	char *hash;			/* SHA-256 of the bytes, hex */
	char *source;			/* the bytes: frozen into a run at its start */
	char *id, *title, *service, *severity;
	struct run_trigger trigger;
	char **symptoms; size_t n_symptoms;
	char **links; size_t n_links;
	char **prevention; size_t n_prevention;
	char **review; size_t n_review;
	char **checklist; size_t n_checklist;	/* after.checklist */
	struct deadline *deadlines; size_t n_deadlines;
	struct never *never; size_t n_never;
	struct param *params; size_t n_params;
	struct rb_table *tables; size_t n_tables;
	struct phase *phases; size_t n_phases;
	double speed;			/* of a demonstration; see runbook_hasten */
};
/* Demonstrations: time that only passes (gates of time, repeats) is divided by speed; what
 * waits for people or for something to come about is not. */
void runbook_hasten(struct runbook *rb, double speed);

struct problems;
/* Numbers in tables and statements that look like the vendor's error codes and that
 * `known` denies: warnings. */
void runbook_lint_codes(const struct runbook *rb, bool (*known)(int64_t code),
			struct problems *ret);

/* Problems with their places, in the order of the file; at most 100 kept. */
struct problem { char *file; struct place at; bool warning; char *text; };
struct problems { struct problem *v; size_t n; size_t n_errors; };
void problems_add(struct problems *p, const char *file, struct place at, bool warning,
		  const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void problems_fini(struct problems *p);
void problems_print(struct str *out, const struct problems *p);	/* file:line:column: what */

/* Reads one text. NULL when it has errors (all of them in ret); warnings alone still give it. */
struct runbook *runbook_parse(const char *text, size_t len, const char *file,
			      struct problems *ret);
struct runbook *runbook_load(const char *file, struct problems *ret);
void runbook_free(struct runbook *rb);
const struct step *runbook_step(const struct runbook *rb, const char *id);	/* any depth */
/* All steps in reading order, options' steps after their decide. Index, or NULL at the end. */
const struct step *runbook_step_at(const struct runbook *rb, size_t index, int *ret_depth);

/* The runbooks of a directory (not following links out of it), by id; problems of all files.
 * Unreadable ones are left out and named. Resolves `call`, finds circles. */
struct library;
struct library *library_load(const char *dir, struct problems *ret, struct err *err);
void library_free(struct library *l);
size_t library_count(const struct library *l);
const struct runbook *library_at(const struct library *l, size_t i);
const struct runbook *library_find(const struct library *l, const char *id);
/* Nearest known id for a message, or NULL. */
const char *library_nearest(const struct library *l, const char *id);

#endif
