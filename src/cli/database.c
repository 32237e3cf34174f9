/*
 * The database for commands: address and keys from the configuration, the person's
 * name from the system. Such commands need the address of the database, which only
 * the people who run the engine have; the API's roles do not apply to them.
 */
#include "cli/database.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/remote.h"

static char *person(void)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *sudo = getenv("SUDO_USER");

	if (getuid() == 0 && !str_empty(sudo))
		return text_clean(sudo, 60);
	return pw ? text_clean(pw->pw_name, 60) : xasprintf("uid %u", (unsigned)getuid());
}

int cli_database_open(struct cli *c, bool need_key, bool read_only, struct cli_database *ret)
{
	const struct main_settings *s = cli_settings(c, &main_options);
	struct err err = { 0 };

	*ret = (struct cli_database){ 0 };
	if (str_empty(s->database))
		return cli_fail(c, EXIT_USAGE, "no database is named: set DATABASE_URL, database:"
				" in the configuration, or --db");
	if (s->encryption_key || need_key) {
		ret->keys = keyring_new(secret_reveal(s->encryption_key),
					secret_reveal(s->encryption_key_previous), &err);
		if (!ret->keys)
			return cli_fail(c, EXIT_USAGE, "%s", err.msg);
	}
	const struct store_options o = {
		.url = s->database,
		.engine_id = "cli",
		.keys = ret->keys,
		.timeout_ms = 10000,
		.read_only = read_only,
	};
	ret->store = store_open(cli_loop(c), &o, &err);
	if (!ret->store) {
		cli_database_close(ret);
		return cli_fail(c, EXIT_USAGE, "%s", err.msg);
	}
	ret->actor = person();
	ret->who = (struct who){ .actor = ret->actor, .role = "admin", .via = "cli" };
	return 0;
}

void cli_database_close(struct cli_database *d)
{
	store_close(d->store);
	keyring_free(d->keys);
	free(d->actor);
	*d = (struct cli_database){ 0 };
}
