/* `ringdown gates [ACCOUNT]`: why is it not acting? Every gate of every lineage, always. */
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"

static void add_lineage(struct table *t, const struct json *lineage)
{
	for (const struct json *g = json_first(json_get(lineage, "gates")); g; g = json_next(g)) {
		table_add(t, json_get_str(lineage, "name") ? json_get_str(lineage, "name") :
							     json_get_str(lineage, "lineage"));
		table_add(t, json_get_str(lineage, "target"));
		table_add(t, json_get_str(g, "gate"));
		table_add_bool(t, json_get_bool(g, "pass", false));
		table_add_bool(t, json_get_bool(g, "overridable", false));
		table_add(t, json_get_str(g, "why"));
	}
}

static int gates(struct cli *c)
{
	static const struct table_column columns[] = {
		{ "account", "ACCOUNT", false }, { "target", NULL, false }, { "gate", NULL, false },
		{ "pass", "OPEN", false }, { "overridable", "OVERRIDE", false },
		{ "why", NULL, false },
	};
	struct str path = STR_INIT(2000);
	struct json *doc = NULL;
	struct table t;
	int r;

	str_add(&path, "/api/v1/gates");
	remote_query(&path, "accountId", cli_arg(c, 0));
	r = remote_get(c, str_get(&path), &doc);
	str_fini(&path);
	if (r)
		return r;
	if (cli_arg(c, 0) && !json_count(json_get(doc, "lineages")))
		r = cli_fail(c, EXIT_NO, "'%s' is no primary account with gates; 'ringdown"
					 " accounts' lists them", cli_arg(c, 0));
	else if (cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	if (r || cli_format(c) == FORMAT_JSON) {
		json_free(doc);
		return r;
	}
	table_init(&t, cli_format(c), columns, COUNT_OF(columns));
	for (const struct json *l = json_first(json_get(doc, "lineages")); l; l = json_next(l))
		add_lineage(&t, l);
	remote_names(c, &t);
	table_print(&t, c, "gates");
	table_fini(&t);
	json_free(doc);
	return r;
}

static int run(struct cli *c)
{
	return cli_run(c, gates);
}

const struct subcommand cmd_gates = {
	.name = "gates",
	.args = "[ACCOUNT]",
	.help = "why is it not acting? the gates of every lineage, open or shut, with the reason",
	.kind = CLI_READS,
	.run = run,
};
