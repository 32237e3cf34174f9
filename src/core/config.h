/*
 * Configuration: options as rows (name, type, range, default, unit, help,
 * environment name), filled from built-in defaults, a YAML file, the chosen
 * environment's set in it, then environment variables, then the command line.
 * A module exports its rows; cli/options.c lists the tables. Values are written
 * straight into the module's struct by offset.
 */
#ifndef RD_CORE_CONFIG_H
#define RD_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"
#include "core/yaml.h"

enum opt_type {
	OPT_STR,	/* char * */
	OPT_SECRET,	/* struct secret * */
	OPT_INT,	/* int64_t */
	OPT_BOOL,	/* bool */
	OPT_DOUBLE,	/* double */
	OPT_DURATION,	/* int64_t ms; text with a unit */
	OPT_URL,	/* char *; https unless loopback or allowInsecureHttp; choices, when
			 * given, are the schemes that may be used instead: "smtp|smtps" */
	OPT_LIST,	/* struct strlist: YAML list, or comma separated in the environment */
	OPT_CHOICE,	/* char *, one of choices */
};
struct strlist { char **v; size_t n; };
void strlist_fini(struct strlist *l);
void strlist_add(struct strlist *l, const char *s);

enum {
	OPT_RELOAD = 1,		/* SIGHUP applies it */
	OPT_HIDDEN = 2,
	OPT_SCALES = 4,		/* a duration that --speed shortens (failover/settings.c) */
	OPT_URLS = 8,		/* OPT_LIST: every member is checked as OPT_URL is */
};
struct option_row {
	const char *name;		/* dotted path in the file: "twilio.apiBase" */
	enum opt_type type;
	size_t offset;			/* in the module's settings struct */
	const char *def;		/* default as text; NULL = unset */
	int64_t min, max;		/* OPT_INT, OPT_DURATION (ms); both 0 = any */
	const char *choices;		/* "a|b|c" */
	const char *env;		/* environment variable, or NULL */
	unsigned flags;
	/* of OPT_INT and OPT_DOUBLE: "messages a minute"; or NULL */
	const char *unit;
	const char *help;		/* one sentence, with the source of the number */
};
struct option_table {
	const char *section; const struct option_row *rows; size_t n; size_t size;
	/* do the values fit together? NULL = nothing to ask; err->field names an option */
	int (*check)(const void *settings, struct err *err);
};

struct config_value {			/* where a value came from, for `config show` */
	const struct option_row *row;
	char *text;			/* as given; secrets masked */
	/* "default", "FILE:LINE:COL", "environment NAME", "--flag" */
	char *origin;
};
struct config;

/* Loads into the settings structs in bases[i] (one for each table, zeroed by the caller).
 * file NULL = none; env_name chooses environments.NAME in the file (NULL: its `environment:`
 * key, else none); getenv_fn NULL = ignore the environment. Every error is
 * "file:line:column: unknown key 'x', did you mean 'y'?" or "environment NAME: ...". */
struct config *config_load(const struct option_table *const *tables, void *const *bases, size_t n,
			   const char *file, const char *env_name,
			   char *(*getenv_fn)(const char *), struct err *err);
/* The same, telling every problem instead of the first; what is wrong keeps its default.
 * NULL only when the file cannot be read at all. *ret_problems counts. */
struct config *config_load_all(const struct option_table *const *tables, void *const *bases,
			       size_t n, const char *file, const char *env_name,
			       char *(*getenv_fn)(const char *),
			       void (*problem)(void *ctx, const char *text), void *ctx,
			       size_t *ret_problems);
/* Sets one option by name as the command line does. */
int config_set(struct config *c, const char *name, const char *text, const char *origin,
	       struct err *err);
void config_free(struct config *c);	/* frees what it put into the structs */
size_t config_count(const struct config *c);
const struct config_value *config_at(const struct config *c, size_t i);
/* Name, label (the name when it has none) and production flag of the chosen environment;
 * "" and false when none. */
const char *config_environment(const struct config *c);
const char *config_environment_label(const struct config *c);
bool config_production(const struct config *c);
/* What should be said loudly at start: insecure addresses. NULL after the last. */
const char *config_warning(const struct config *c, size_t i);
/* SIGHUP: takes the OPT_RELOAD values that differ from fresh into running (fresh gets the old
 * ones and is freed by the caller); tells each as "name: old -> new" or "name: needs a restart".
 * Pointers into the settings structs are not kept across this. */
void config_take(struct config *running, struct config *fresh,
		 void (*tell)(void *ctx, const char *text), void *ctx);
const char *opt_type_name(enum opt_type t);
/* The file that applies: given, $RINGDOWN_CONFIG, ./ringdown.yaml, XDG, /etc; NULL = none. */
char *config_find(const char *given, char *(*getenv_fn)(const char *));

#endif
