/* Commands that work on the database itself: opening it within cli_run. */
#ifndef RD_CLI_DATABASE_H
#define RD_CLI_DATABASE_H

#include "cli/cli.h"
#include "store/store.h"

struct cli_database {
	struct store *store;
	struct keyring *keys;		/* NULL when encryptionKey is not set */
	struct who who;			/* the person at this machine */
	char *actor;
};
/* Within cli_run. need_key: refuse without a usable ENCRYPTION_KEY. 0, or an exit status after
 * telling. Does not connect yet. */
int cli_database_open(struct cli *c, bool need_key, bool read_only, struct cli_database *ret);
void cli_database_close(struct cli_database *d);

#endif
