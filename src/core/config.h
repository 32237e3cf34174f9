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
	OPT_URL,	/* char *; https unless loopback (see insecure) */
	OPT_LIST,	/* struct strlist: YAML list, or comma separated in the environment */
	OPT_CHOICE,	/* char *, one of choices */
};
struct strlist { char **v; size_t n; };
void strlist_fini(struct strlist *l);
void strlist_add(struct strlist *l, const char *s);

enum { OPT_RELOAD = 1 /* SIGHUP applies it */, OPT_HIDDEN = 2, OPT_SCALES = 4 /* --speed */ };
struct option_row {
	const char *name;		/* dotted path in the file: "twilio.apiBase" */
	enum opt_type type;
	size_t offset;			/* in the module's settings struct */
	const char *def;		/* default as text; NULL = unset */
	int64_t min, max;		/* OPT_INT, OPT_DURATION (ms); both 0 = any */
	const char *choices;		/* "a|b|c" */
	const char *env;		/* environment variable, or NULL */
	unsigned flags;
	const char *help;		/* one sentence, with the source of the number */
};
struct option_table { const char *section; const struct option_row *rows; size_t n; size_t size; };

struct config_value {			/* where a value came from, for `config show` */
	const struct option_row *row;
	char *text;			/* as given; secrets masked */
	char *origin;			/* "default", "FILE:LINE:COL", "environment NAME", "--flag" */
};
struct config;

/* Loads into the settings structs in bases[i] (one for each table, zeroed by the caller).
 * file NULL = none; env_name chooses environments.NAME in the file (NULL: its `environment:`
 * key, else none); getenv_fn NULL = ignore the environment. Every error is
 * "file:line:column: unknown key 'x', did you mean 'y'?" or "ENV NAME: ...". */
struct config *config_load(const struct option_table *const *tables, void *const *bases, size_t n,
			   const char *file, const char *env_name,
			   char *(*getenv_fn)(const char *), struct err *err);
/* Sets one option by name as the command line does. */
int config_set(struct config *c, const char *name, const char *text, const char *origin,
	       struct err *err);
void config_free(struct config *c);	/* frees what it put into the structs */
size_t config_count(const struct config *c);
const struct config_value *config_at(const struct config *c, size_t i);
/* Label and production flag of the chosen environment; "" / false when none. */
const char *config_environment(const struct config *c);
bool config_production(const struct config *c);
/* The file that applies: given, $RINGDOWN_CONFIG, ./ringdown.yaml, XDG, /etc; NULL = none. */
char *config_find(const char *given, char *(*getenv_fn)(const char *));

#endif
