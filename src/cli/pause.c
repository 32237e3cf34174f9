/* `ringdown pause`, `unpause`, `maintenance`: automation off and on, by a person, with a
 * reason. */
#include <string.h>

#include "cli/remote.h"
#include "core/json.h"
#include "core/mem.h"

static int order(struct cli *c)
{
	struct str path = STR_INIT(100), body = STR_INIT(4000);
	struct jw w = JW(&body);
	struct json *reply = NULL;
	const char *how_long = cli_opt(c, "for"), *name = cli_command(c)->name;
	bool ends = cli_flag(c, "end");
	int64_t ms;
	int r;

	if (!cli_opt_duration(c, "for", &ms))
		return EXIT_USAGE;
	str_addf(&path, "/api/v1/%s", name);
	jw_obj(&w, NULL);
	jw_str(&w, "reason", cli_opt(c, "reason"));
	if (how_long)
		jw_str(&w, "for", how_long);
	if (ends)
		jw_bool(&w, "on", false);
	jw_obj_end(&w);
	r = remote_send(c, "POST", str_get(&path), str_get(&body), &reply, NULL);
	if (!r && cli_format(c) == FORMAT_JSON)
		remote_print(c, reply);
	else if (!r && (ends || str_eq(name, "unpause")))
		cli_print(c, "%s\n", ends ? "maintenance ended" : "automation is on");
	else if (!r)
		cli_print(c, "%s%s%s\n", str_eq(name, "pause") ? "automation is paused" :
			  "maintenance", how_long ? " for " : "",
			  how_long ? how_long : str_eq(name, "pause") ?
			  " until 'ringdown unpause'" : " for an hour");
	json_free(reply);
	str_fini(&path);
	str_fini(&body);
	return r;
}

static int run(struct cli *c)
{
	if (cli_flag(c, "end") && cli_opt(c, "for"))
		return cli_fail(c, EXIT_USAGE, "--end and --for exclude each other");
	return cli_run(c, order);
}

#define REASON                                                                                     \
	{ .name = "reason", .arg = "R", .required = true, .help = "why; kept in the journal" }
#define FOR { .name = "for", .arg = "D", .help = "how long, such as 30m or 1h30m" }

static const struct cli_option pause_options[] = { REASON, FOR };
static const struct cli_option unpause_options[] = { REASON };
static const struct cli_option maintenance_options[] = {
	REASON, FOR, { .name = "end", .help = "end it before its time" },
};

const struct subcommand cmd_pause = {
	.name = "pause",
	.help = "stop automatic decisions, until unpaused or for a while; watching goes on",
	.kind = CLI_CHANGES,
	.options = pause_options, .n_options = COUNT_OF(pause_options),
	.run = run,
};

const struct subcommand cmd_unpause = {
	.name = "unpause",
	.help = "let automation act again; ends maintenance too",
	.kind = CLI_CHANGES,
	.options = unpause_options, .n_options = COUNT_OF(unpause_options),
	.run = run,
};

const struct subcommand cmd_maintenance = {
	.name = "maintenance",
	.help = "announce maintenance, an hour unless said: nothing is decided meanwhile",
	.kind = CLI_CHANGES,
	.options = maintenance_options, .n_options = COUNT_OF(maintenance_options),
	.run = run,
};
