/* `ringdown ack EVENT`: somebody is on it. Stops the paging and changes nothing else. */
#include "cli/cli.h"
#include "cli/remote.h"
#include "core/mem.h"

static int ack(struct cli *c)
{
	struct str body = STR_INIT(2000);
	struct json *reply = NULL;
	struct jw w = JW(&body);
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "eventId", cli_arg(c, 0));
	if (cli_opt(c, "reason"))
		jw_str(&w, "reason", cli_opt(c, "reason"));
	jw_obj_end(&w);
	r = remote_send(c, "POST", "/api/v1/ack", str_get(&body), &reply, NULL);
	if (!r && cli_format(c) == FORMAT_JSON)
		remote_print(c, reply);
	else if (!r)
		cli_print(c, "%s is acknowledged; nobody else is paged for it\n", cli_arg(c, 0));
	json_free(reply);
	str_fini(&body);
	return r;
}

static int run(struct cli *c)
{
	return cli_run(c, ack);
}

static const struct cli_option options[] = {
	{ .name = "reason", .arg = "R", .help = "a word to it; kept in the journal" },
};

const struct subcommand cmd_ack = {
	.name = "ack",
	.args = "EVENT",
	.help = "acknowledge an event: somebody is on it, the paging stops",
	.kind = CLI_CHANGES,
	.options = options, .n_options = COUNT_OF(options),
	.run = run,
};
