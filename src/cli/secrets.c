/*
 * `ringdown secrets rotate`: seals everything that is sealed under ENCRYPTION_KEY_PREVIOUS
 * again under ENCRYPTION_KEY, account by account, each in a transaction of its own: it can
 * be interrupted and repeated at any point.
 */
#include "core/task.h"
#include "cli/database.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "store/accounts.h"
#include "store/migrate.h"

enum { BATCH = 20 };

static void tell_end(struct cli *c, int64_t done)
{
	if (cli_format(c) == FORMAT_JSON)
		cli_print(c, "{\"resealed\":%lld,\"left\":0}\n", (long long)done);
	else if (done)
		cli_print(c, "%lld accounts sealed with the current key; ENCRYPTION_KEY_PREVIOUS is"
			  " no longer needed once every engine runs with the new one\n",
			  (long long)done);
	else
		cli_write(c, "everything is sealed with the current key\n");
}

static int reseal(struct cli *c, struct cli_database *d)
{
	_cleanup_(free_p) char *closed = NULL;
	int64_t total = 0, done = 0, left = 1;
	struct err err = { 0 };

	if (migrate_current(d->store, &err) < 0 || accounts_unopenable(d->store, &closed, &err) < 0)
		return cli_fail_err(c, &err);
	if (!str_empty(closed))
		return cli_fail(c, EXIT_NO, "neither key opens the credentials of %s; nothing was"
				" changed: give the key they were sealed with as"
				" ENCRYPTION_KEY_PREVIOUS, or enter them anew with 'ringdown"
				" accounts edit'", closed);
	while (left > 0) {
		if (accounts_reseal(d->store, &d->who, BATCH, &done, &left, &err) < 0)
			return cli_fail_err(c, &err);
		total += done;
		if (left > 0)
			cli_note(c, "%lld done, %lld left", (long long)total, (long long)left);
		if (left > 0 && done == 0)
			return cli_fail(c, EXIT_NO, "%lld accounts could not be sealed anew; run it"
						    " again", (long long)left);
		if (task_cancelled())
			return cli_fail(c, EXIT_NO, "interrupted; run it again to go on");
	}
	tell_end(c, total);
	return EXIT_DONE;
}

static int rotate(struct cli *c)
{
	struct cli_database d;
	int status = cli_database_open(c, true, false, &d);

	if (status)
		return status;
	status = reseal(c, &d);
	cli_database_close(&d);
	return status;
}

static int run_rotate(struct cli *c)
{
	return cli_run(c, rotate);
}

static const struct subcommand verbs[] = {
	{ .name = "rotate", .help = "seal everything again with the current ENCRYPTION_KEY",
	  .detail = "Set ENCRYPTION_KEY to the new key and ENCRYPTION_KEY_PREVIOUS to the old one,"
		    " for\nthe engines and for this command. May be interrupted and repeated.",
	  .kind = CLI_CHANGES, .run = run_rotate },
};

const struct subcommand cmd_secrets = {
	.name = "secrets",
	.help = "the key that seals credentials: rotate",
	.kind = CLI_READS,
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
};
