/* The demo on a terminal: the world in a process of its own, the console here. */
#ifndef RD_CLI_DEMO_CONSOLE_H
#define RD_CLI_DEMO_CONSOLE_H

#include "cli/cli.h"
#include "cli/demo/demo.h"

/* Brings the world up, opens the console on it, and ends the world: exit status. */
int demo_console(struct cli *c, const struct demo_options *o, const struct scenario *s);

/* What --lasts says, in *ret_ms; false: said why it cannot be so of this scenario. */
bool demo_lasts(struct cli *c, const struct scenario *s, int64_t *ret_ms);

/* Where a running demo of this build says how to attach: DIR OF THE BINARY/demo.yaml. */
char *demo_attach_path(const char *binary);	/* caller frees */
/* Loads the configuration; where nothing says which engines to talk to and a demo of this build
 * is running, that of the demo. 0 or EXIT_USAGE. */
int demo_load(struct cli *c, bool *ret_demo);
/* The same for a command, which says so on stderr; does nothing when something is loaded. */
int demo_load_said(struct cli *c);

#endif
