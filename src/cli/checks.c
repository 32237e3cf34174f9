/*
 * `ringdown checks [ACCOUNT]`: the history of health checks of one account or of all;
 * --now runs a check at once and shows what every probe said.
 */
#include <stdio.h>

#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"

static const struct table_column columns[] = {
	{ "at", NULL, false }, { "account", NULL, false }, { "status", NULL, false },
	{ "total", "AGENTS", true }, { "failed", "FAIL", true }, { "rate", NULL, true },
	{ "latencyMs", "MS", true },
};

static void add_checks(struct table *t, const char *account, const struct json *list)
{
	for (const struct json *v = json_first(list); v; v = json_next(v)) {
		char rate[32];

		snprintf(rate, sizeof(rate), "%.3f", json_get_double(v, "rate", 0));
		table_add(t, json_get_str(v, "at"));
		table_add(t, account);
		table_add(t, json_get_str(v, "status"));
		table_add_i64(t, json_get_i64(v, "total", 0));
		table_add_i64(t, json_get_i64(v, "failed", 0));
		table_add(t, rate);
		table_add_i64(t, json_get_i64(v, "latencyMs", 0));
	}
}

static int history_of(struct cli *c, struct table *t, const struct json *account)
{
	struct str path = STR_INIT(2000);
	struct json *doc = NULL;
	int r;

	str_add(&path, "/api/v1/checks");
	remote_query(&path, "accountId", json_get_str(account, "id"));
	remote_query(&path, "hours", cli_opt(c, "hours"));
	remote_query(&path, "limit", cli_opt(c, "limit"));
	r = remote_get(c, str_get(&path), &doc);
	if (!r)
		add_checks(t, json_get_str(account, "name"), json_get(doc, "checks"));
	str_fini(&path);
	json_free(doc);
	return r;
}

static int history(struct cli *c)
{
	struct str path = STR_INIT(2000);
	struct json *doc = NULL;
	struct table t;
	int r;

	str_add(&path, API_FAILOVER "/accounts");
	if (cli_arg(c, 0)) {
		str_addc(&path, '/');
		str_add_urlencoded(&path, cli_arg(c, 0));
	}
	r = remote_get(c, str_get(&path), &doc);
	str_fini(&path);
	if (r)
		return r;
	table_init(&t, cli_format(c), columns, COUNT_OF(columns));
	if (cli_arg(c, 0))
		r = history_of(c, &t, doc);
	else
		for (const struct json *a = json_first(json_get(doc, "accounts")); a && !r;
		     a = json_next(a))
			r = history_of(c, &t, a);
	if (!r)
		table_print(&t, c, "checks");
	table_fini(&t);
	json_free(doc);
	return r;
}

/* ---- now ------------------------------------------------------------------------------ */

static void print_now(struct cli *c, const struct json *doc)
{
	static const struct table_column probes[] = {
		{ "kind", "PROBE", false }, { "outcome", NULL, false }, { "code", NULL, true },
		{ "latencyMs", "MS", true }, { "reason", NULL, false },
	};
	const struct json *totals = json_get(doc, "totals");
	struct table t;

	if (cli_format(c) == FORMAT_TEXT)
		cli_print(c, "%s at %s: %lld agents, %lld failing, %lld unknown\n",
			  json_get_str(doc, "status") ? json_get_str(doc, "status") : "?",
			  json_get_str(doc, "checkedAt") ? json_get_str(doc, "checkedAt") : "?",
			  (long long)json_get_i64(totals, "agents", 0),
			  (long long)json_get_i64(totals, "failing", 0),
			  (long long)json_get_i64(totals, "unknown", 0));
	table_init(&t, cli_format(c), probes, COUNT_OF(probes));
	for (const struct json *v = json_first(json_get(doc, "checks")); v; v = json_next(v)) {
		table_add(&t, json_get_str(v, "kind"));
		table_add(&t, json_get_str(v, "outcome"));
		table_add_i64(&t, json_get_i64(v, "code", 0));
		table_add_i64(&t, json_get_i64(v, "latencyMs", 0));
		table_add(&t, json_get_str(v, "reason"));
	}
	table_print(&t, c, "checks");
	table_fini(&t);
}

static int now(struct cli *c)
{
	struct str path = STR_INIT(2000);
	struct json *doc = NULL;
	int r;

	str_add(&path, API_FAILOVER "/health-check");
	remote_query(&path, "accountId", cli_arg(c, 0));
	remote_query(&path, "kinds", cli_opt(c, "kinds"));
	r = remote_get(c, str_get(&path), &doc);
	str_fini(&path);
	if (r)
		return r;
	if (cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else
		print_now(c, doc);
	json_free(doc);
	return EXIT_DONE;
}

static int run(struct cli *c)
{
	int64_t n;

	if (cli_flag(c, "now") && !cli_arg(c, 0))
		return cli_fail(c, EXIT_USAGE, "--now wants an account: ringdown checks ACCOUNT"
					       " --now");
	if (!cli_opt_i64(c, "hours", 1, 9600, &n) || !cli_opt_i64(c, "limit", 1, 1000, &n))
		return EXIT_USAGE;
	return cli_run(c, cli_flag(c, "now") ? now : history);
}

static const struct cli_option options[] = {
	{ .name = "hours", .arg = "N", .help = "how far back (24)" },
	{ .name = "limit", .arg = "N", .help = "at most so many of each account (200)" },
	{ .name = "now", .help = "run a check of ACCOUNT now; repeats within 30 s get the last"
				 " result" },
	{ .name = "kinds", .arg = "K,...", .help = "with --now: only these probes" },
};

const struct subcommand cmd_checks = {
	.name = "checks",
	.args = "[ACCOUNT]",
	.help = "history of health checks, of one account or of all; --now runs one",
	.kind = CLI_READS,
	.options = options, .n_options = COUNT_OF(options),
	.run = run,
};
