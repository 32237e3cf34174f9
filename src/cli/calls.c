/* `ringdown calls hours|outcomes`: how calls go, hour by hour and by how they ended. */
#include "cli/remote.h"
#include "read/calls.h"

static int show(struct cli *c, const char *member, const struct record_type *type)
{
	struct str path = STR_INIT(200);
	int r;

	str_add(&path, "/api/v1/calls");
	remote_query(&path, "hours", cli_opt(c, "hours"));
	r = remote_list_max(c, str_get(&path), member, type, NULL, NULL, REMOTE_WHOLE);
	str_fini(&path);
	return r;
}

static int hours(struct cli *c)
{
	return show(c, "hours", &call_hour_type);
}

static int outcomes(struct cli *c)
{
	return show(c, "outcomes", &call_outcome_type);
}

static int run_hours(struct cli *c)
{
	return cli_run(c, hours);
}

static int run_outcomes(struct cli *c)
{
	return cli_run(c, outcomes);
}

static const struct cli_option options[] = {
	{ .name = "hours", .arg = "N", .help = "how many hours back, up to 744; 24 unless said" },
};
static const struct subcommand verbs[] = {
	{ .name = "hours", .help = "one row an hour, newest first", .kind = CLI_READS,
	  .options = options, .n_options = COUNT_OF(options), .run = run_hours },
	{ .name = "outcomes", .help = "one row an outcome, most frequent first",
	  .kind = CLI_READS, .options = options, .n_options = COUNT_OF(options),
	  .run = run_outcomes },
};

const struct subcommand cmd_calls = {
	.name = "calls",
	.help = "calls by hour and by outcome",
	.kind = CLI_READS,
	.options = options, .n_options = COUNT_OF(options),
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
	.run = run_hours,
};
