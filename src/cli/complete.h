/* Shell completions from the table of commands. */
#ifndef RD_CLI_COMPLETE_H
#define RD_CLI_COMPLETE_H

#include "cli/frame.h"

void cli_complete_bash(struct str *out);
void cli_complete_zsh(struct str *out);

#endif
