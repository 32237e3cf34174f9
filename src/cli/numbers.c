/* `ringdown numbers`: the pool of backup numbers; sync with the provider. */
#include <string.h>

#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "model/agent.h"

static int list(struct cli *c)
{
	struct str path = STR_INIT(4000);
	int64_t limit = 0;
	int r;

	if (!cli_opt_i64(c, "limit", 1, 10000000, &limit))
		return EXIT_USAGE;
	str_add(&path, "/api/v1/numbers");
	remote_query(&path, "accountId", cli_opt(c, "account"));
	remote_query(&path, "status", cli_opt(c, "status"));
	r = remote_list_max(c, str_get(&path), "numbers", &number_type, NULL,
			    "phoneNumber accountId country areaCode status assignedAgentId voiceReady "
			    "smsReady assignedAt problem", limit);
	str_fini(&path);
	return r;
}

static int run_list(struct cli *c)
{
	return cli_run(c, list);
}

/* ---- sync ------------------------------------------------------------------------------- */

static int sync_one(struct cli *c, const char *account, struct json **ret)
{
	struct str path = STR_INIT(2000);
	int r;

	str_add(&path, API_FAILOVER "/accounts/");
	str_add_urlencoded(&path, account);
	str_add(&path, "/numbers/sync");
	r = remote_send(c, "POST", str_get(&path), "{}", ret, NULL);
	str_fini(&path);
	return r;
}

static void tell_sync(struct cli *c, const char *name, const struct json *reply)
{
	struct str text = STR_INIT(4000);

	for (const struct json *v = json_first(reply); v; v = json_next(v))
		if (json_type(v) == JSON_NUMBER)
			str_addf(&text, "%s%lld %s", text.len ? ", " : "", (long long)json_i64(v, 0), json_name(v));
	cli_print(c, "%s: %s\n", name, str_get(&text));
	str_fini(&text);
}

static int sync_all(struct cli *c)
{
	struct json *doc = NULL, *reply = NULL;
	int r = remote_get(c, API_FAILOVER "/accounts", &doc), failed = 0;

	for (const struct json *a = json_first(json_get(doc, "accounts")); a && !r; a = json_next(a)) {
		if (!json_get_bool(a, "isActive", false) || !str_eq(json_get_str(a, "role"), "standby"))
			continue;
		if (sync_one(c, json_get_str(a, "id"), &reply))
			failed++;
		else if (cli_format(c) == FORMAT_TEXT)
			tell_sync(c, json_get_str(a, "name"), reply);
		else
			remote_print(c, reply);
		json_free(TAKE(reply));
	}
	json_free(doc);
	return r ? r : failed ? EXIT_NO : EXIT_DONE;
}

static int sync_numbers(struct cli *c)
{
	struct json *reply = NULL;
	int r;

	if (!cli_arg(c, 0))
		return sync_all(c);
	r = sync_one(c, cli_arg(c, 0), &reply);
	if (!r && cli_format(c) == FORMAT_JSON)
		remote_print(c, reply);
	else if (!r)
		tell_sync(c, cli_arg(c, 0), reply);
	json_free(reply);
	return r;
}

static int run_sync(struct cli *c)
{
	return cli_run(c, sync_numbers);
}

static const struct cli_option list_options[] = {
	{ .name = "account", .arg = "A", .help = "only this account's (its id)" },
	{ .name = "status", .arg = "S", .choices = "available|reserved|assigned|unavailable",
	  .help = "only these" },
	{ .name = "limit", .arg = "N", .help = "at most so many" },
};

static const struct subcommand verbs[] = {
	{ .name = "sync", .args = "[ACCOUNT]",
	  .help = "bring the pool in line with the provider, of one account or of every standby",
	  .kind = CLI_CHANGES, .run = run_sync },
};

const struct subcommand cmd_numbers = {
	.name = "numbers",
	.help = "list the pool of backup numbers; sync",
	.kind = CLI_READS,
	.options = list_options, .n_options = COUNT_OF(list_options),
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
	.run = run_list,
};
