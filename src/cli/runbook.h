/* `ringdown runbook`: what its verbs share. */
#ifndef RD_CLI_RUNBOOK_H
#define RD_CLI_RUNBOOK_H

#include "cli/cli.h"
#include "runbook/runbook.h"

/* --dir or the configuration's; caller frees. NULL after telling why; *ret_status is set. */
char *runbook_cli_dir(struct cli *c, int *ret_status);
/* The library; its problems go to stderr when tell is set. NULL after telling why. */
struct library *runbook_cli_library(struct cli *c, bool tell, int *ret_status);
/* An id, or a file when it has a slash or ends in .yaml. The library keeps it alive, or *ret_own
 * is to be freed. NULL after telling why. */
const struct runbook *runbook_cli_find(struct cli *c, const char *what,
				       struct library **ret_library, struct runbook **ret_own,
					int *ret_status);
int runbook_test(struct cli *c);
int runbook_import_cli(struct cli *c);
int runbook_run(struct cli *c);
int runbook_resume(struct cli *c);
int runbook_undo(struct cli *c);

#endif
