/* `ringdown audit`: the journal, newest first; --verify recomputes its chain of hashes. */
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "fold/state.h"

static void print_row(struct cli *c, const struct json *doc)
{
	static const struct table_column columns[] = {
		{ "ok", NULL, false }, { "checked", NULL, true }, { "first", NULL, true },
		{ "last", NULL, true }, { "badSeq", NULL, true }, { "runs", NULL, true },
		{ "badRun", NULL, false }, { "badRunEntry", NULL, true }, { "why", NULL, false },
	};
	struct table t;

	table_init(&t, FORMAT_CSV, columns, COUNT_OF(columns));
	table_add_bool(&t, json_get_bool(doc, "ok", false));
	for (size_t i = 1; i < COUNT_OF(columns); i++)
		if (columns[i].number)
			table_add_i64(&t, json_get_i64(doc, columns[i].json, 0));
		else
			table_add(&t, json_get_str(doc, columns[i].json));
	table_print(&t, c, NULL);
	table_fini(&t);
}

static int verify(struct cli *c)
{
	struct json *doc = NULL;
	int r = remote_get(c, "/api/v1/audit/verify", &doc);
	bool ok;

	if (r)
		return r;
	ok = json_get_bool(doc, "ok", false);
	if (cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else if (cli_format(c) == FORMAT_CSV)
		print_row(c, doc);
	else if (ok)
		cli_print(c, "intact: %lld entries, %lld to %lld; %lld runs\n",
			  (long long)json_get_i64(doc, "checked", 0),
			  (long long)json_get_i64(doc, "first", 0),
			  (long long)json_get_i64(doc, "last", 0),
			  (long long)json_get_i64(doc, "runs", 0));
	else if (json_get_str(doc, "badRun"))
		cli_fail(c, EXIT_NO, "the chain of %s breaks at its entry %lld; entries after it"
				     " prove nothing", json_get_str(doc, "badRun"),
			 (long long)json_get_i64(doc, "badRunEntry", 0));
	else
		cli_fail(c, EXIT_NO, "the chain breaks at entry %lld: %s; entries after it prove"
				     " nothing", (long long)json_get_i64(doc, "badSeq", 0),
			 json_get_str(doc, "why") ? json_get_str(doc, "why") : "?");
	json_free(doc);
	return ok ? EXIT_DONE : EXIT_NO;
}

static int audit(struct cli *c)
{
	struct str path = STR_INIT(4000);
	int64_t limit = 100;
	int r;

	if (cli_flag(c, "verify"))
		return verify(c);
	if (!cli_opt_i64(c, "limit", 1, 10000000, &limit))
		return EXIT_USAGE;
	str_add(&path, "/api/v1/audit");
	remote_query(&path, "subject", cli_opt(c, "subject"));
	remote_query(&path, "kind", cli_opt(c, "kind"));
	remote_query(&path, "actor", cli_opt(c, "actor"));
	r = remote_list_max(c, str_get(&path), "entries", &entry_type, NULL,
			    "seq at severity kind subject actor text", limit);
	str_fini(&path);
	return r;
}

static int run(struct cli *c)
{
	return cli_run(c, audit);
}

static const struct cli_option options[] = {
	{ .name = "verify", .help = "recompute the hashes; exit 1 when the chain is broken" },
	{ .name = "subject", .arg = "S", .help = "only about this event, account, token ..." },
	{ .name = "kind", .arg = "K", .help = "only kinds that begin so: event, account ..." },
	{ .name = "actor", .arg = "WHO", .help = "only by this person or engine" },
	{ .name = "limit", .arg = "N", .help = "at most so many (100)" },
};

const struct subcommand cmd_audit = {
	.name = "audit",
	.help = "who did what: the journal, newest first, or a check of its hashes",
	.kind = CLI_READS,
	.options = options, .n_options = COUNT_OF(options),
	.run = run,
};
