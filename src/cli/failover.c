/* `ringdown failover start ACCOUNT`: a failover by hand, or with --dry-run its plan and
 * gates. The orders on events are its other verbs. */
#include "cli/orders.h"

#include "cli/ask.h"
#include "cli/remote.h"
#include "core/mem.h"

static int start(struct cli *c)
{
	struct str body = STR_INIT(8000);
	struct jw w = JW(&body);
	struct json *reply = NULL;
	bool dry = cli_flag(c, "dry-run");
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "accountId", cli_arg(c, 0));
	jw_str(&w, "triggerType", "MANUAL");
	if (cli_opt(c, "to"))
		jw_str(&w, "targetAccountId", cli_opt(c, "to"));
	jw_str(&w, "reason", cli_opt(c, "reason"));
	if (dry)
		jw_bool(&w, "dryRun", true);
	if (cli_flag(c, "partial"))
		jw_bool(&w, "partial", true);
	r = orders_overrides(c, &w);
	if (!r && !dry && !ask_production(c, cli_arg(c, 0)))
		r = EXIT_NO;
	jw_obj_end(&w);
	if (!r)
		r = remote_send(c, "POST", API_FAILOVER "/start", str_get(&body), &reply, NULL);
	if (!r)
		r = orders_answer(c, reply, dry);
	json_free(reply);
	str_fini(&body);
	return r;
}

static int run_start(struct cli *c)
{
	if (str_empty(cli_opt(c, "reason")) && !cli_flag(c, "dry-run"))
		return cli_fail(c, EXIT_USAGE, "wants --reason R: why; kept in the journal");
	return cli_run(c, start);
}

static const struct cli_option options[] = {
	{ .name = "to", .arg = "ACCOUNT", .help = "the account to move to; else the best that"
						  " fits" },
	{ .name = "dry-run", .help = "show the plan and the gates; change nothing" },
	{ .name = "partial", .help = "move as many agents as there are numbers" },
	{ .name = "reason", .arg = "R", .help = "why; kept in the journal (required)" },
	{ .name = "override", .arg = "GATE", .repeated = true,
	  .help = "go on although this gate is shut; may be repeated" },
};

static const struct subcommand verbs[] = {
	{ .name = "start", .args = "ACCOUNT",
	  .help = "move the agents of a primary account to a backup, approved at once",
	  .kind = CLI_CHANGES, .options = options, .n_options = COUNT_OF(options),
	  .run = run_start },
	ORDER_ROWS,
};

const struct subcommand cmd_failover = {
	.name = "failover",
	.help = "start a failover by hand; approve, reject ... are commands of their own as well",
	.kind = CLI_READS,
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
};
