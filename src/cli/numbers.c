/*
 * `ringdown numbers`: the pool of backup numbers; sync with the provider, buy, transfer.
 * Buying shows what it costs and wants the number typed: nothing is bought by a slip.
 */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/numbers_hooks.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "model/agent.h"

static int list(struct cli *c)
{
	_cleanup_(free_p) char *account = NULL;
	struct str path = STR_INIT(4000);
	int64_t limit = 0;
	int r;

	if (!cli_opt_i64(c, "limit", 1, 10000000, &limit))
		return EXIT_USAGE;
	r = remote_account_id(c, cli_opt(c, "account"), &account);
	if (r)
		return r;
	str_add(&path, "/api/v1/numbers");
	remote_query(&path, "accountId", account);
	remote_query(&path, "status", cli_opt(c, "status"));
	r = remote_list_max(c, str_get(&path), "numbers", &number_type, NULL,
			    "phoneNumber accountId country areaCode status assignedAgentId"
			    " voiceReady smsReady assignedAt problem", limit);
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
			str_addf(&text, "%s%lld %s", text.len ? ", " : "",
				 (long long)json_i64(v, 0), json_name(v));
	cli_print(c, "%s: %s\n", name, str_get(&text));
	str_fini(&text);
}

static int sync_all(struct cli *c)
{
	struct json *doc = NULL, *reply = NULL;
	int r = remote_get(c, API_FAILOVER "/accounts", &doc), failed = 0;

	for (const struct json *a = json_first(json_get(doc, "accounts")); a && !r;
	     a = json_next(a)) {
		if (!json_get_bool(a, "isActive", false) || json_get_bool(a, "isPrimary", false))
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

/* ---- buy -------------------------------------------------------------------------------- */

static int search(struct cli *c, struct json **ret)
{
	static const char *const plain[][2] = {
		{ "country", "country" }, { "kind", "kind" }, { "area-code", "areaCode" },
		{ "contains", "contains" },
	};
	struct str body = STR_INIT(4000);
	struct jw w = JW(&body);
	int64_t limit = 20;
	int r;

	if (!cli_opt_i64(c, "limit", 1, 100, &limit))
		return EXIT_USAGE;
	jw_obj(&w, NULL);
	jw_str(&w, "accountId", cli_arg(c, 0));
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		if (cli_opt(c, plain[i][0]))
			jw_str(&w, plain[i][1], cli_opt(c, plain[i][0]));
	jw_bool(&w, "sms", cli_flag(c, "sms"));
	jw_i64(&w, "limit", limit);
	jw_obj_end(&w);
	r = remote_send(c, "POST", "/api/v1/numbers/search", str_get(&body), ret, NULL);
	str_fini(&body);
	return r;
}

static void price_text(const struct json *price, char *buf, size_t n)
{
	if (json_type(price) == JSON_OBJECT)
		snprintf(buf, n, "%.2f %s a month", json_get_double(price, "monthly", 0),
			 json_get_str(price, "currency") ? json_get_str(price, "currency") : "");
	else
		snprintf(buf, n, "price unknown");
}

static void print_offers(struct cli *c, const struct json *found)
{
	static const struct table_column columns[] = {
		{ "phoneNumber", "NUMBER", false }, { "locality", NULL, false },
		{ "region", NULL, false },
		{ "voice", NULL, false }, { "sms", NULL, false },
		{ "needsAddress", "ADDRESS", false },
		{ "price", NULL, false },
	};
	char price[80];
	struct table t;

	price_text(json_get(found, "price"), price, sizeof(price));
	table_init(&t, cli_format(c), columns, COUNT_OF(columns));
	for (const struct json *v = json_first(json_get(found, "offers")); v; v = json_next(v)) {
		table_add(&t, json_get_str(v, "phoneNumber"));
		table_add(&t, json_get_str(v, "locality"));
		table_add(&t, json_get_str(v, "region"));
		table_add_bool(&t, json_get_bool(v, "voice", false));
		table_add_bool(&t, json_get_bool(v, "sms", false));
		table_add_bool(&t, json_get_bool(v, "needsAddress", false));
		table_add(&t, price);
	}
	table_print(&t, c, "offers");
	table_fini(&t);
}

static bool offered(const struct json *found, const char *number)
{
	for (const struct json *v = json_first(json_get(found, "offers")); v; v = json_next(v))
		if (str_eq(json_get_str(v, "phoneNumber"), number))
			return true;
	return false;
}

/* The number to buy: --confirm, or typed at the terminal. NULL after telling. */
static char *chosen(struct cli *c, const struct json *found, int *ret)
{
	const char *given = cli_opt(c, "confirm");
	char price[80];
	char *typed;

	price_text(json_get(found, "price"), price, sizeof(price));
	*ret = EXIT_NO;
	if (!given && !ask_terminal()) {
		*ret = cli_fail(c, EXIT_USAGE, "nothing was bought: --confirm NUMBER names the one"
					       " to buy");
		return NULL;
	}
	if (!given)
		print_offers(c, found);
	_cleanup_(free_p) char *prompt = xasprintf("Buying costs %s. Type the number to buy: ",
						   price);
	typed = given ? xstrdup(given) : ask_line(prompt);
	if (typed && offered(found, typed))
		return typed;
	*ret = cli_fail(c, EXIT_NO, "nothing was bought: %s%s",
			str_empty(typed) ? "no number was typed" : typed,
			str_empty(typed) ? "" : " is not among the numbers offered now");
	free_p(&typed);
	return NULL;
}

static int buy_one(struct cli *c, const char *number)
{
	static const char *const plain[][2] = {
		{ "country", "country" }, { "kind", "kind" }, { "address", "addressSid" },
		{ "bundle", "bundleSid" }, { "reason", "reason" },
	};
	struct str body = STR_INIT(4000);
	struct json *reply = NULL;
	struct jw w = JW(&body);
	double cap = 0;
	int r;

	if (cli_opt(c, "max-price") && (!parse_double(cli_opt(c, "max-price"), &cap) || cap < 0))
		return cli_fail(c, EXIT_USAGE, "--max-price wants an amount such as 1.50");
	jw_obj(&w, NULL);
	jw_str(&w, "accountId", cli_arg(c, 0));
	jw_str(&w, "phoneNumber", number);
	jw_str(&w, "confirm", number);
	if (cli_opt(c, "max-price"))
		jw_double(&w, "maxMonthlyPrice", cap);
	if (cli_flag(c, "price-unknown"))
		jw_bool(&w, "priceUnknown", true);
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		if (cli_opt(c, plain[i][0]))
			jw_str(&w, plain[i][1], cli_opt(c, plain[i][0]));
	jw_obj_end(&w);
	r = remote_send(c, "POST", "/api/v1/numbers/buy", str_get(&body), &reply, NULL);
	if (!r && cli_format(c) == FORMAT_JSON)
		remote_print(c, reply);
	else if (!r)
		cli_print(c, "%s bought; it joins the pool once its webhooks are known\n", number);
	json_free(reply);
	str_fini(&body);
	return r;
}

static int buy(struct cli *c)
{
	_cleanup_(free_p) char *number = NULL;
	struct json *found = NULL;
	int r = search(c, &found);

	if (!r && cli_flag(c, "dry-run"))
		cli_format(c) == FORMAT_JSON ? remote_print(c, found) : print_offers(c, found);
	else if (!r && !json_count(json_get(found, "offers")))
		r = cli_fail(c, EXIT_NO, "no such number is for sale; try another area code or"
					 " --kind");
	else if (!r && (number = chosen(c, found, &r)))
		r = buy_one(c, number);
	json_free(found);
	return r;
}

static int run_buy(struct cli *c)
{
	if (str_empty(cli_opt(c, "reason")) && !cli_flag(c, "dry-run"))
		return cli_fail(c, EXIT_USAGE, "wants --reason R: why; kept in the journal");
	return cli_run(c, buy);
}

/* ---- transfer ---------------------------------------------------------------------------- */

static int transfer(struct cli *c)
{
	const char *number = cli_arg(c, 0);
	struct str body = STR_INIT(4000);
	struct json *reply = NULL;
	struct jw w = JW(&body);
	int r;

	if (!cli_flag(c, "dry-run") && !ask_typed(c, "this moves the number to another account",
						  number))
		return EXIT_NO;
	jw_obj(&w, NULL);
	jw_str(&w, "fromAccountId", cli_opt(c, "from"));
	jw_str(&w, "toAccountId", cli_opt(c, "to"));
	jw_str(&w, "phoneNumber", number);
	jw_str(&w, "confirm", number);
	jw_str(&w, "reason", cli_opt(c, "reason"));
	if (cli_flag(c, "dry-run"))
		jw_bool(&w, "dryRun", true);
	jw_obj_end(&w);
	r = remote_send(c, "POST", "/api/v1/numbers/transfer", str_get(&body), &reply, NULL);
	if (!r && cli_format(c) == FORMAT_JSON)
		remote_print(c, reply);
	else if (!r)
		cli_print(c, cli_flag(c, "dry-run") ? "%s can be moved from %s to %s\n" :
			  "%s moved from %s to %s\n", number, cli_opt(c, "from"), cli_opt(c, "to"));
	json_free(reply);
	str_fini(&body);
	return r;
}

static int run_transfer(struct cli *c)
{
	if (str_empty(cli_opt(c, "reason")) && !cli_flag(c, "dry-run"))
		return cli_fail(c, EXIT_USAGE, "wants --reason R: why; kept in the journal");
	return cli_run(c, transfer);
}

static const struct cli_option list_options[] = {
	{ .name = "account", .arg = "A", .help = "only this account's" },
	{ .name = "status", .arg = "S", .choices = "available|reserved|assigned|unavailable",
	  .help = "only these" },
	{ .name = "limit", .arg = "N", .help = "at most so many" },
};

static const struct cli_option buy_options[] = {
	{ .name = "country", .arg = "CC", .help = "two letters (US)" },
	{ .name = "kind", .arg = "K", .choices = "Local|TollFree|Mobile|National",
	  .help = "which sort" },
	{ .name = "area-code", .arg = "N", .help = "such as 415" },
	{ .name = "contains", .arg = "P", .help = "digits or letters in it; * is any" },
	{ .name = "sms", .help = "must take SMS as well as voice" },
	{ .name = "limit", .arg = "N", .help = "offers to show, at most 100 (20)" },
	{ .name = "max-price", .arg = "P", .help = "dearest a month; the engine has a cap of its"
						   " own" },
	{ .name = "price-unknown", .help = "buy although the price cannot be looked up" },
	{ .name = "address", .arg = "AD...", .help = "address, where the country asks for one" },
	{ .name = "bundle", .arg = "BU...", .help = "regulatory bundle, where the country asks for"
						    " one" },
	{ .name = "confirm", .arg = "NUMBER", .help = "the number to buy, instead of typing it" },
	{ .name = "dry-run", .help = "show what is for sale and its price; buy nothing" },
	{ .name = "reason", .arg = "R", .help = "why; kept in the journal (required)" },
};
static const struct cli_option transfer_options[] = {
	{ .name = "from", .arg = "ACCOUNT", .required = true, .help = "that has it now" },
	{ .name = "to", .arg = "ACCOUNT", .required = true, .help = "that gets it" },
	{ .name = "dry-run", .help = "say whether it can be moved; change nothing" },
	{ .name = "reason", .arg = "R", .help = "why; kept in the journal (required)" },
};

static const struct subcommand verbs[] = {
	{ .name = "sync", .args = "[ACCOUNT]",
	  .help = "bring the pool in line with the provider, of one account or of every backup",
	  .kind = CLI_CHANGES, .run = run_sync },
	{ .name = "buy", .args = "ACCOUNT", .help = "search, show the price, and buy one number",
	  .kind = CLI_CHANGES, .options = buy_options, .n_options = COUNT_OF(buy_options),
	  .run = run_buy },
	{ .name = "transfer", .args = "NUMBER",
	  .help = "move an unused number between accounts of one parent; a checklist otherwise",
	  .kind = CLI_CHANGES, .options = transfer_options, .n_options = COUNT_OF(transfer_options),
	  .run = run_transfer },
	NUMBERS_HOOKS_VERBS,
};

const struct subcommand cmd_numbers = {
	.name = "numbers",
	.help = "list the pool of backup numbers; sync, buy, transfer, mend what is not as"
		" approved",
	.kind = CLI_READS,
	.options = list_options, .n_options = COUNT_OF(list_options),
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
	.run = run_list,
};
