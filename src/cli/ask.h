/* Questions to the person at the terminal. */
#ifndef RD_CLI_ASK_H
#define RD_CLI_ASK_H

#include "cli/cli.h"
#include "core/crypto.h"

/* A secret that is never on the command line: from file ("-" = a line of stdin), typed without
 * echo at a terminal, else a line of stdin. optional: an empty answer is NULL. 0, or an exit
 * status after telling. */
int ask_secret(struct cli *c, const char *prompt, const char *file, bool optional,
	       struct secret **ret);
/* At a terminal: says why, and wants the word typed. True when it was, or without a terminal. */
bool ask_typed(struct cli *c, const char *why, const char *word);
/* In production, at a terminal: the subject of an order is typed again. */
bool ask_production(struct cli *c, const char *word);
/* A line of stdin after a prompt; NULL at its end. Caller frees. */
char *ask_line(const char *prompt);
bool ask_terminal(void);	/* somebody can be asked */

#endif
