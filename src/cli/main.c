/*
 * The program's entry: parse, run the subcommand, turn the result into an exit
 * status. Without a subcommand the console opens.
 *
 * Everything a subcommand needs comes through struct cli; nothing is global.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "cli/cli.h"
#include "core/proc.h"

const struct subcommand *const cli_subcommands[] = {
#define SUBCOMMAND(name) &cmd_##name,
#include "cli/list.h"
#undef SUBCOMMAND
	NULL
};

/* Libraries of libraries bring GnuTLS along, which nothing here uses: its set-up at load costs
 * nearly a megabyte and a millisecond before the first paint. It asks for this by name. */
int _gnutls_global_init_skip(void);
__attribute__((visibility("default"))) int _gnutls_global_init_skip(void)
{
	return 1;
}

int main(int argc, char **argv)
{
	proc_standard_fds();
	setlocale(LC_CTYPE, ""); /* widths of characters; numbers stay as JSON wants them */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
	struct cli *c = cli_new(argc, argv);
	int status = cli_parse(c);
	if (!status)
		status = cli_command(c)->run(c);
	else if (status < 0)
		status = EXIT_DONE;
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_DONE)
		status = EXIT_NO; /* what was to be printed did not arrive */
	cli_free(c);
	return status;
}
