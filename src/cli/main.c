/*
 * The program's entry. Until a subcommand exists it only says how it is called.
 */
#include <stdio.h>

int main(int argc, char **argv)
{
	(void)argv;
	fputs("usage: ringdown [OPTIONS] [COMMAND ...]\n", argc > 1 ? stderr : stdout);
	return argc > 1 ? 2 : 0;
}
