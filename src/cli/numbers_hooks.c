/*
 * `ringdown numbers drift|adopt|repair|sms-ready`: what a person decides about a number
 * that is not as approved. The engine shows before and after; here they are only printed.
 */
#include "cli/numbers_hooks.h"

#include "cli/ask.h"
#include "cli/output.h"
#include "cli/remote.h"

/* ---- drift ------------------------------------------------------------------------------ */

static void add_fields(struct table *t, const struct json *row)
{
	const struct json *was = json_get(row, "approved"), *is = json_get(row, "observed");

	for (const struct json *f = json_first(is); f; f = json_next(f)) {
		table_add(t, json_get_str(row, "phoneNumber"));
		table_add(t, json_get_str(row, "accountId"));
		table_add(t, json_get_str(row, "since"));
		table_add(t, json_name(f));
		table_add(t, json_get_str(was, json_name(f)));
		table_add(t, json_str(f));
	}
}

static int drift(struct cli *c)
{
	static const struct table_column columns[] = {
		{ "phoneNumber", "NUMBER", false }, { "accountId", "ACCOUNT", false },
		{ "since", NULL, false }, { "field", NULL, false }, { "approved", NULL, false },
		{ "observed", "NOW", false },
	};
	struct str path = STR_INIT(2000);
	struct json *doc = NULL;
	struct table t;
	int64_t limit = 200;
	int r;

	if (!cli_opt_i64(c, "limit", 1, 1000, &limit))
		return EXIT_USAGE;
	str_addf(&path, "/api/v1/webhooks?limit=%lld", (long long)limit);
	remote_query(&path, "accountId", cli_opt(c, "account"));
	r = remote_get(c, str_get(&path), &doc);
	str_fini(&path);
	if (!r && cli_format(c) == FORMAT_JSON) {
		remote_print(c, doc);
	} else if (!r) {
		table_init(&t, cli_format(c), columns, COUNT_OF(columns));
		for (const struct json *v = json_first(json_get(doc, "webhooks")); v;
		     v = json_next(v))
			add_fields(&t, v);
		if (cli_format(c) == FORMAT_TEXT)
			remote_names(c, &t);
		if (!t.n && cli_format(c) == FORMAT_TEXT)
			cli_write(c, "every number that was read is as approved\n");
		else
			table_print(&t, c, "webhooks");
		table_fini(&t);
	}
	json_free(doc);
	return r;
}

int numbers_run_drift(struct cli *c)
{
	return cli_run(c, drift);
}

/* ---- adopt, repair, sms-ready --------------------------------------------------------------- */

static void print_fields(struct cli *c, const char *title, const struct json *v)
{
	for (const struct json *f = json_first(v); f; f = json_next(f))
		cli_print(c, "%-8s %-28s %s\n", title, json_name(f),
			  json_str(f) ? json_str(f) : "");
}

static int change(struct cli *c, const char *path)
{
	bool dry = cli_flag(c, "dry-run");
	struct str body = STR_INIT(4000);
	struct json *reply = NULL;
	struct jw w = JW(&body);
	int r;

	jw_obj(&w, NULL);
	if (cli_arg(c, 0))
		jw_str(&w, "phoneNumber", cli_arg(c, 0));
	if (cli_opt(c, "agent"))
		jw_str(&w, "agentId", cli_opt(c, "agent"));
	if (cli_opt(c, "reason"))
		jw_str(&w, "reason", cli_opt(c, "reason"));
	if (str_eq(cli_command(c)->name, "sms-ready"))
		jw_bool(&w, "ready", !cli_flag(c, "off"));
	else if (cli_opt(c, "account"))
		jw_str(&w, "accountId", cli_opt(c, "account"));
	if (dry)
		jw_bool(&w, "dryRun", true);
	jw_obj_end(&w);
	r = remote_send(c, "POST", path, str_get(&body), &reply, NULL);
	if (!r && cli_format(c) == FORMAT_JSON) {
		remote_print(c, reply);
	} else if (!r) {
		cli_print(c, "%s: %s\n", json_get_str(reply, "phoneNumber"),
			  json_get_str(reply, "text"));
		print_fields(c, "before", json_get(reply, "before"));
		print_fields(c, "after", json_get(reply, "after"));
		cli_print(c, dry ? "nothing was changed (--dry-run)\n" : "undo: %s\n",
			  json_get_str(reply, "undo"));
	}
	json_free(reply);
	str_fini(&body);
	return r;
}

static int hooks(struct cli *c)
{
	bool repair = str_eq(cli_command(c)->name, "repair");

	if (repair && !cli_flag(c, "dry-run") &&
	    !ask_production(c, cli_arg(c, 0) ? cli_arg(c, 0) : cli_opt(c, "agent")))
		return EXIT_NO;
	return change(c, repair ? "/api/v1/webhooks/repair" : "/api/v1/webhooks/adopt");
}

static int ready(struct cli *c)
{
	return change(c, "/api/v1/numbers/sms-ready");
}

static int run(struct cli *c, int (*fn)(struct cli *c))
{
	if (!cli_arg(c, 0) == !cli_opt(c, "agent"))
		return cli_fail(c, EXIT_USAGE, "wants NUMBER or --agent ID, one of the two");
	if (str_empty(cli_opt(c, "reason")) && !cli_flag(c, "dry-run"))
		return cli_fail(c, EXIT_USAGE, "wants --reason R: why; kept in the journal");
	return cli_run(c, fn);
}

int numbers_run_hooks(struct cli *c)
{
	return run(c, hooks);
}

int numbers_run_ready(struct cli *c)
{
	return run(c, ready);
}

#define AGENT { .name = "agent", .arg = "ID", .help = "the number this agent is reached by now" }
#define DRY { .name = "dry-run", .help = "show before and after; change nothing" }
#define REASON { .name = "reason", .arg = "R", .help = "why; kept in the journal (required)" }

const struct cli_option numbers_drift_options[2] = {
	{ .name = "account", .arg = "A", .help = "only this account's" },
	{ .name = "limit", .arg = "N", .help = "at most so many, up to 1000 (200)" },
};
const struct cli_option numbers_hooks_options[4] = {
	{ .name = "account", .arg = "A", .help = "that has the number, where several do" }, AGENT,
	DRY,
	REASON,
};
const struct cli_option numbers_ready_options[4] = {
	{ .name = "off", .help = "say that it may not" }, AGENT, DRY, REASON,
};
