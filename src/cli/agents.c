/* `ringdown agents`: the voice agents, failing ones first, filtered where they are stored. */
#include "cli/remote.h"
#include "core/mem.h"
#include "model/agent.h"

static int list(struct cli *c)
{
	_cleanup_(free_p) char *account = NULL, *home = NULL;
	struct str path = STR_INIT(8000);
	int64_t limit = 0;
	int r;

	if (!cli_opt_i64(c, "limit", 1, 10000000, &limit))
		return EXIT_USAGE;
	r = remote_account_id(c, cli_opt(c, "account"), &account);
	if (!r)
		r = remote_account_id(c, cli_opt(c, "home"), &home);
	if (r)
		return r;
	str_add(&path, "/api/v1/agents");
	remote_query(&path, "q", cli_opt(c, "search"));
	remote_query(&path, "sort", cli_opt(c, "sort"));
	remote_query(&path, "accountId", account);
	remote_query(&path, "homeAccountId", home);
	remote_query(&path, "outcome", cli_flag(c, "failing") ? "bad" : cli_opt(c, "outcome"));
	r = remote_list_max(c, str_get(&path), "agents", &agent_type, NULL,
			    "id name outcome reason since phoneNumber backupPhoneNumber accountId "
			    "homeAccountId", limit);
	str_fini(&path);
	return r;
}

static int run(struct cli *c)
{
	return cli_run(c, list);
}

static const struct cli_option options[] = {
	{ .name = "search", .arg = "TEXT", .help = "name, number, id or reason contains it" },
	{ .name = "account", .arg = "A", .help = "those that run on this account now" },
	{ .name = "home", .arg = "A", .help = "those at home on this account" },
	{ .name = "outcome", .arg = "O", .choices = "ok|bad|unknown", .help = "last judgement" },
	{ .name = "failing", .help = "the same as --outcome bad" },
	{ .name = "sort", .arg = "FIELD", .help = "JSON name of a field; -FIELD reverses (failing"
						  " first)" },
	{ .name = "limit", .arg = "N", .help = "at most so many" },
};

const struct subcommand cmd_agents = {
	.name = "agents",
	.help = "list the voice agents, failing ones first",
	.kind = CLI_READS,
	.options = options, .n_options = COUNT_OF(options),
	.run = run,
};
