/* `ringdown alerts`: what is firing, and what was resolved lately. */
#include "cli/remote.h"
#include "fold/state.h"

static int list(struct cli *c)
{
	return remote_list(c, "/api/v1/alerts", "alerts", &alert_type, NULL,
			   "state severity name subject since resolvedAt ackedBy text");
}

static int run(struct cli *c)
{
	return cli_run(c, list);
}

const struct subcommand cmd_alerts = {
	.name = "alerts",
	.help = "list alerts, open and recent",
	.kind = CLI_READS,
	.run = run,
};
