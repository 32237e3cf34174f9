/* `ringdown features`: the application's own switches, listed and set through the engine. */
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"

static int print(struct cli *c, const struct json *doc)
{
	static const struct table_column columns[] = { { "name", NULL, false },
						       { "on", NULL, false } };
	struct table t;

	if (cli_format(c) == FORMAT_JSON) {
		remote_print(c, doc);
		return EXIT_DONE;
	}
	table_init(&t, cli_format(c), columns, COUNT_OF(columns));
	for (const struct json *v = json_first(json_get(doc, "features")); v; v = json_next(v)) {
		table_add(&t, json_get_str(v, "name"));
		table_add(&t, json_get_bool(v, "on", false) ? "on" : "off");
	}
	table_print(&t, c, NULL);
	table_fini(&t);
	return EXIT_DONE;
}

static int list(struct cli *c)
{
	struct json *doc = NULL;
	int r = remote_get(c, "/api/v1/features", &doc);

	if (r == 0)
		r = print(c, doc);
	json_free(doc);
	return r;
}

static int set(struct cli *c)
{
	struct str body = STR_INIT(4000);
	struct jw w = JW(&body);
	struct json *doc = NULL;
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "name", cli_arg(c, 0));
	jw_bool(&w, "on", str_eq(cli_arg(c, 1), "on"));
	if (cli_opt(c, "reason"))
		jw_str(&w, "reason", cli_opt(c, "reason"));
	jw_obj_end(&w);
	r = remote_send(c, "POST", "/api/v1/features", str_get(&body), &doc, NULL);
	if (r == 0)
		r = print(c, doc);
	json_free(doc);
	str_fini(&body);
	return r;
}

static int list_run(struct cli *c)
{
	return cli_run(c, list);
}

static int set_run(struct cli *c)
{
	if (!str_eq(cli_arg(c, 1), "on") && !str_eq(cli_arg(c, 1), "off"))
		return cli_fail(c, EXIT_USAGE, "say on or off, not '%.40s'", cli_arg(c, 1));
	return cli_run(c, set);
}

static const struct cli_option options[] = {
	{ .name = "reason", .arg = "R", .help = "why; kept in the journal" },
};
static const struct subcommand verbs[] = {
	{ .name = "list", .kind = CLI_READS, .run = list_run, .help = "every feature, on or off" },
	{ .name = "set", .args = "NAME on|off", .kind = CLI_CHANGES, .run = set_run,
	  .options = options, .n_options = COUNT_OF(options), .help = "switch one" },
};

const struct subcommand cmd_features = {
	.name = "features",
	.help = "the application's feature flags",
	.kind = CLI_READS,
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
};
