/*
 * `ringdown` without a command: the console. Reads the configuration, opens the terminal,
 * paints, and only then lets the client start. When it is left, the terminal is restored
 * before anything else and nothing is joined or waited for.
 */
#include "cli/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/demo_console.h"
#include "cli/options.h"
#include "core/log.h"
#include "core/mem.h"

void console_options(struct cli *c, struct app_options *ret)
{
	const struct main_settings *m = cli_settings(c, &main_options);

	*ret = (struct app_options){
		.client = { .apis = (const char *const *)m->api.v,
		            .n_apis = m->api.n,
		            .database = m->database,
		            .token = m->token,
		            .state_dir = cli_state_dir(c) },
		.shell = { .theme = cli_opt(c, "theme"),
		           .view = cli_opt(c, "view"),
		           .utc = !cli_flag(c, "local"),
		           .term = { .ascii = cli_flag(c, "ascii"),
		                     .no_color = !str_empty(getenv("NO_COLOR")) } },
		.environment = config_environment_label(cli_config(c)),
		.production = config_production(cli_config(c)),
		.read_only = cli_flag(c, "read-only"),
	};
}

static char *theme_dir(void)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (!str_empty(base))
		return xasprintf("%s/ringdown/themes", base);
	return str_empty(home) ? NULL : xasprintf("%s/.config/ringdown/themes", home);
}

int console_run(struct cli *c, const struct app_options *o)
{
	_cleanup_(free_p) char *dir = theme_dir();
	struct app_options opt = *o;
	struct loop *l = loop_new();
	struct app *a = NULL;
	struct err err = { 0 };
	int r;

	mem_stay_small();
	opt.shell.theme_dir = dir;
	/* library messages must never reach the terminal that the console owns */
	log_init(-1, LOG_INFO);
	r = app_new(l, &opt, &a, &err);
	if (r == 0) {
		loop_run(l);
		app_free(a);
	}
	loop_free(l);
	/* an unknown theme is a wrong option, not something that was looked for and is missing */
	if (r == ERR_NOT_FOUND)
		return cli_fail(c, EXIT_USAGE, "%s", err.msg);
	return r ? cli_fail_err(c, &err) : EXIT_DONE;
}

static int run(struct cli *c)
{
	struct app_options o;
	bool demo;
	int r = demo_load(c, &demo);

	if (r)
		return r;
	console_options(c, &o);
	o.demo = demo;
	return console_run(c, &o);
}

const struct subcommand cmd_console = {
	.name = "console",
	.help = "open the console (the same as no command)",
	.detail = "The screen for who is on call: what happens next by itself, customer impact, "
	          "accounts, "
	          "events. Keys are shown at the bottom and by ?. Nothing outside changes without "
	          "a dialog "
	          "in which a word is typed.",
	.kind = CLI_SERVES,
	.run = run,
};
