/* Shared by the files of `ringdown alerts`. */
#ifndef RD_CLI_ALERTS_H
#define RD_CLI_ALERTS_H

struct cli;

/* `alerts test FILE`, in alerts_test.c. */
int cli_alerts_test(struct cli *c);

#endif
