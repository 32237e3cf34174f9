/* Opening the console from a subcommand: `ringdown` itself and `ringdown demo`. */
#ifndef RD_CLI_CONSOLE_H
#define RD_CLI_CONSOLE_H

#include "cli/cli.h"
#include "core/loop.h"
#include "views/app.h"

/* Options from the command line and the configuration (cli_load or cli_load_builtin was
 * called); strings are borrowed from c. */
void console_options(struct cli *c, struct app_options *ret);
/* Runs the console on its own loop until it is left: exit status. */
int console_run(struct cli *c, const struct app_options *o);

#endif
