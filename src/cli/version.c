/* `ringdown version`: the program's and its libraries' versions, for bug reports. */
#include "cli/cli.h"
#include "cli/version.h"

static int run(struct cli *c)
{
	if (cli_format(c) == FORMAT_JSON)
		cli_print(c, "{\"version\":\"%s\"}\n", RINGDOWN_VERSION);
	else
		cli_print(c, "ringdown %s\n", RINGDOWN_VERSION);
	return EXIT_DONE;
}

const struct subcommand cmd_version = {
	.name = "version",
	.help = "print the version",
	.kind = CLI_READS,
	.run = run,
};
