/* Inside of struct cli, shared by parse.c, frame.c, help.c and complete.c only. */
#ifndef RD_CLI_FRAME_H
#define RD_CLI_FRAME_H

#include "cli/cli.h"

enum { CLI_MAX_ARGS = 256 };

struct cli_given {
	const struct cli_option *option;
	const char *value;		/* borrowed from argv; NULL for a flag */
};

struct cli {
	int argc;
	char **argv;
	const struct subcommand *command;
	char *path;
	struct cli_given given[CLI_MAX_ARGS];
	size_t n_given;
	const char *args[CLI_MAX_ARGS];
	int n_args;
	struct config *config;
	void **bases;			/* one settings struct for each option table */
	char *file;			/* configuration file that was read, or NULL */
	char *state_dir;
	char reload_problem[512];
	struct loop *loop;		/* within cli_run */
	struct http *http;
	void *user;			/* of cli_run_with */
};

extern const struct cli_option cli_json_option, cli_jsonl_option, cli_csv_option, cli_help_option;
/* What a command takes by its kind, one after the other; NULL at the end. */
const struct cli_option *cli_standard_option(enum cli_kind kind, size_t i);
/* The option of that name which cmd takes: its own, its kind's, or a global one. */
const struct cli_option *cli_find_option(const struct subcommand *cmd, const char *name, size_t n);

#endif
