/*
 * The command line's frame. A subcommand is a table (name, arguments, options, help,
 * whether it reads or changes) and a function; parsing, --help, the manual, output
 * formats and error texts come from the table.
 *
 * To add one: src/cli/NAME.c with `const struct subcommand cmd_NAME`, one line in
 * list.h. Verbs (`accounts add`) are subcommands in a table of their own.
 */
#ifndef RD_CLI_CLI_H
#define RD_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"
#include "core/err.h"
#include "core/str.h"

/* Exit statuses (the contract with scripts). */
enum {
	EXIT_DONE = 0,
	EXIT_NO = 1,		/* refused, failed check, or "no" */
	EXIT_USAGE = 2,		/* usage or configuration */
	EXIT_UNREACHABLE = 3,	/* cannot reach what is needed */
	EXIT_DENIED = 4,	/* not permitted */
};

struct cli;

struct cli_option {
	const char *name;	/* "reason" for --reason */
	const char *arg;	/* "R"; NULL = a flag */
	const char *help;
	bool required;
	bool repeated;		/* may be given several times */
	const char *choices;	/* "text|ansi" or NULL */
};

enum cli_kind {
	CLI_READS,		/* gets --json and --csv */
	CLI_STREAMS,		/* gets --json and --jsonl */
	CLI_CHANGES,		/* refused under --read-only; gets --json */
	CLI_SERVES,		/* a process that stays: gets neither */
};

struct subcommand {
	const char *name;
	/* "ACCOUNT [NUMBER...]": how many are needed is read from it */
	const char *args;
	const char *help;		/* one line */
	const char *detail;		/* paragraphs for --help and the manual; may be NULL */
	enum cli_kind kind;
	bool hidden;			/* not in help */
	const struct cli_option *options; size_t n_options;
	/* Verbs. Without one on the command line run is called, or it is a usage error when
	 * run is NULL. */
	const struct subcommand *verbs; size_t n_verbs;
	int (*run)(struct cli *c);	/* exit status */
	/* A list that --help and the manual add under this title: the i-th name and what it is;
	 * NULL at the end. */
	const char *list_title;
	const char *list_option;	/* the names are values of this option; NULL: of a word */
	const char *(*list)(size_t i, const char **ret_what);
};

#define SUBCOMMAND(name) extern const struct subcommand cmd_##name;
#include "cli/list.h"
#undef SUBCOMMAND
extern const struct subcommand *const cli_subcommands[];	/* NULL-terminated */
extern const struct cli_option cli_global_options[];		/* name NULL ends */

enum cli_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL, FORMAT_CSV };

/* ---- what was given ---- */
const struct subcommand *cli_command(const struct cli *c);	/* the verb where there is one */
enum cli_format cli_format(const struct cli *c);
int cli_argc(const struct cli *c);
const char *cli_arg(const struct cli *c, int i);		/* NULL when not given */
/* Options of the command or global ones, by name. */
const char *cli_opt(const struct cli *c, const char *name);	/* last value; NULL = not given */
bool cli_flag(const struct cli *c, const char *name);
size_t cli_opt_count(const struct cli *c, const char *name);
const char *cli_opt_at(const struct cli *c, const char *name, size_t i);
/* --flags of a number or duration; false after telling what is wrong (return EXIT_USAGE). */
bool cli_opt_i64(struct cli *c, const char *name, int64_t min, int64_t max, int64_t *ret);
bool cli_opt_duration(struct cli *c, const char *name, int64_t *ret_ms);
/* argv[0], to start ourselves again */
const char *cli_program(const struct cli *c);

/* ---- configuration (cli/options.c lists the tables) ---- */
/* Loads it once: file, --env, environment, --api, --db. 0, or EXIT_USAGE after telling why. */
int cli_load(struct cli *c);
/* Loads no file and no environment: built-in values only (demo, simulate, tests). */
int cli_load_builtin(struct cli *c);
/* Exactly this file, no environment; replaces what was loaded (attaching to a demo). */
int cli_load_file(struct cli *c, const char *file);
struct config *cli_config(const struct cli *c);
void *cli_settings(const struct cli *c, const struct option_table *t);	/* after cli_load */
/* A second load for SIGHUP, taking over what can be: NULL, or why not (valid until the next). */
const char *cli_reload(struct cli *c, void (*tell)(void *ctx, const char *text), void *ctx);
/* stateDir, $XDG_STATE_HOME/ringdown or ~/.local/state/ringdown; made when missing, 0700.
 * NULL after telling why. */
const char *cli_state_dir(struct cli *c);

/* ---- telling ---- */
/* One line "ringdown: what: why" on stderr, redacted; returns status. */
int cli_fail(struct cli *c, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same from an err: the status follows from its code. */
int cli_fail_err(struct cli *c, const struct err *err);
int cli_status_of(int err_code);
/* To stdout, redacted. */
void cli_print(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_write(struct cli *c, const char *text);
/* Into a file, 0600; 0 or an exit status after telling. */
int cli_write_file(struct cli *c, const char *name, const struct str *text);
/* stderr */
void cli_note(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- main.c's business ---- */
struct cli *cli_new(int argc, char **argv);
/* 0; EXIT_USAGE after telling; -1: --help or --version was answered. */
int cli_parse(struct cli *c);
void cli_free(struct cli *c);
void cli_usage(struct cli *c, const struct subcommand *cmd, const char *path, struct str *out);
void cli_overview(struct str *out);
void cli_manual(struct str *out);

#endif
