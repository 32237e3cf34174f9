/*
 * Every key of a runbook file, once: the parser, the JSON Schema and ringdown-runbook(5)
 * are made from these rows. To add a key: a row in keys.c, a member in runbook.h.
 */
#ifndef RD_RUNBOOK_KEYS_H
#define RD_RUNBOOK_KEYS_H

#include "runbook/runbook.h"

struct reading;				/* of the parser */
typedef void (*key_read_fn)(struct reading *r, const struct yaml *y, void *base);

enum key_type {
	KEY_TEXT,		/* char * */
	KEY_ID,			/* char *: letters, digits, - and _ */
	KEY_BOOL,		/* bool */
	KEY_DURATION,		/* int64_t ms, with a unit */
	KEY_CHOICE,		/* int: index in choices; char * with KEY_AS_TEXT */
	KEY_TEXTS,		/* char **, count: a list, or one text */
	KEY_PAIRS,		/* struct pair *, count: name: text */
	KEY_SPECIAL,		/* read() */
};
enum { KEY_REQUIRED = 1, KEY_AS_TEXT = 2 };
struct key {
	const char *name;
	enum key_type type;
	size_t offset, count;		/* in the struct of the group */
	const char *choices;		/* "a|b" */
	unsigned flags;
	unsigned verbs;			/* operation: bits of those it belongs to; 0 = it is one */
	key_read_fn read;
	const char *schema;		/* KEY_SPECIAL: JSON Schema of the value */
	const char *help;
};
struct key_group {
	const char *name;		/* of the definition in the schema */
	const char *title;		/* of the section in the manual */
	const char *help;
	const struct key *keys; size_t n;
};
extern const struct key_group keys_runbook, keys_trigger, keys_never, keys_param, keys_phase,
	keys_step, keys_operation, keys_preview, keys_undo, keys_http, keys_auth, keys_gate,
	keys_recheck, keys_option, keys_retry, keys_confirm, keys_binding, keys_after,
	keys_deadline, keys_save, keys_from;
extern const struct key_group *const key_groups[];	/* NULL-terminated, manual's order */

/* What a verb is, and the subjects of its result. */
struct verb_words { const char *name, *value, *help; const char *const *subjects;
		    const char *main_subject; /* of `expect: 200`; NULL = none */
		    const char *subjects_help; };
extern const struct verb_words verb_words[VERB_MAX];
bool verb_has_subject(enum verb_id v, const char *subject);
const char *effect_name(enum effect e);		/* read change destroy unknown */

/* ---- made from the tables ---- */
void runbook_schema_json(struct str *out);	/* JSON Schema 2020-12 */
void runbook_manual(struct str *out);		/* troff */

/* ---- readers of special keys (parse_*.c) ---- */
#define READER(name) void name(struct reading *r, const struct yaml *y, void *base);
READER(read_version) READER(read_trigger) READER(read_never) READER(read_params)
READER(read_tables) READER(read_phases) READER(read_after) READER(read_deadlines)
READER(read_box) READER(read_steps_of_phase) READER(read_steps_of_option) READER(read_type)
READER(read_from) READER(read_ask_when) READER(read_default) READER(read_min) READER(read_max)
READER(read_http) READER(read_sql) READER(read_run) READER(read_metric) READER(read_ask)
READER(read_decide) READER(read_gate) READER(read_say) READER(read_call) READER(read_note)
READER(read_json) READER(read_auth) READER(read_options) READER(read_recheck)
READER(read_when) READER(read_likely) READER(read_retry) READER(read_times) READER(read_unless)
READER(read_expect) READER(read_save) READER(read_preview_save) READER(read_bind)
READER(read_where) READER(read_effect) READER(read_preview) READER(read_confirm)
READER(read_undo) READER(read_on_fail) READER(read_if_pass) READER(read_release)
#undef READER

#endif
