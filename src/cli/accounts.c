/*
 * `ringdown accounts`: the carrier accounts; add, edit, set-primary, remove, verify.
 * Credentials come from a prompt without echo, stdin or a file, never from the command
 * line; the engine checks them live before it stores anything.
 */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "model/account.h"
#include "providers/provider.h"

#define ACCOUNTS API_FAILOVER "/accounts"

static int read_account(void *rec, const struct json *obj, struct err *err)
{
	return account_from_json(rec, obj, err);
}

static int list(struct cli *c)
{
	return remote_list(c, ACCOUNTS, "accounts", &account_type, read_account,
			   "id name role isPrimary isActive health agents failing numbersFree "
			   "standbyReady balance status why");
}

static int run_list(struct cli *c)
{
	return cli_run(c, list);
}

/* ---- credentials ------------------------------------------------------------------------- */

struct given {
	struct secret *token, *api, *second, *parent;
};

static void given_fini(struct given *g)
{
	secret_free(g->token);
	secret_free(g->api);
	secret_free(g->second);
	secret_free(g->parent);
}

static int ask_for(struct cli *c, const char *option, bool wanted, const char *prompt,
		   struct secret **ret)
{
	const char *file = cli_opt(c, option);

	return wanted || file ? ask_secret(c, prompt, file, false, ret) : 0;
}

/* Asked in this order; from stdin they are lines in this order. */
static int ask_all(struct cli *c, bool adding, struct given *g)
{
	bool by_key = cli_opt(c, "api-key") != NULL;
	int r = ask_for(c, "token-file", (adding && !by_key) || cli_flag(c, "token"),
			"auth token", &g->token);

	if (!r)
		r = ask_for(c, "key-secret-file", by_key, "secret of the API key", &g->api);
	if (!r)
		r = ask_for(c, "second-file", cli_opt(c, "second-key") || cli_flag(c, "second"),
			    "second credential", &g->second);
	if (!r)
		r = ask_for(c, "parent-token-file", cli_opt(c, "parent") != NULL,
			    "auth token of the parent account", &g->parent);
	return r;
}

static void put(struct jw *w, const char *member, const char *value)
{
	if (value)
		jw_str(w, member, value);
}

static void put_secret(struct jw *w, const char *member, const struct secret *value)
{
	if (value)
		jw_str(w, member, secret_reveal(value));
}

static int add_members(struct cli *c, struct jw *w, const struct given *g)
{
	static const char *const plain[][2] = {
		{ "name", "name" }, { "sid", "accountSid" }, { "provider", "provider" },
		{ "region", "region" }, { "edge", "edge" }, { "api-key", "apiKeySid" },
		{ "second-key", "secondKeySid" }, { "parent", "parentSid" }, { "reason", "reason" },
	};
	int64_t priority = -1;

	for (size_t i = 0; i < COUNT_OF(plain); i++)
		put(w, plain[i][1], cli_opt(c, plain[i][0]));
	put_secret(w, "authToken", g->token);
	put_secret(w, "apiKeySecret", g->api);
	put_secret(w, "secondSecret", g->second);
	put_secret(w, "parentAuthToken", g->parent);
	if (!cli_opt_i64(c, "priority", 0, 1000, &priority))
		return EXIT_USAGE;
	if (priority >= 0)
		jw_i64(w, "priority", priority);
	if (cli_opt(c, "active"))
		jw_bool(w, "isActive", str_eq(cli_opt(c, "active"), "on"));
	if (cli_flag(c, "primary"))
		jw_bool(w, "isPrimary", true);
	return 0;
}

/* ---- answers ------------------------------------------------------------------------------ */

static void tell_check(struct cli *c, const struct json *check)
{
	const char *status = json_get_str(check, "status");
	const char *why = json_get_str(check, "why");

	cli_print(c, "credentials: %s%s%s\n", json_get_bool(check, "usable", false) ? "usable" :
		  "NOT usable", why ? ": " : "", why ? why : "");
	if (status)
		cli_print(c, "account: %s%s, %lld numbers\n", status,
			  str_eq(json_get_str(check, "type"), "Trial") ? " (trial)" : "",
			  (long long)json_get_i64(check, "numbers", 0));
	for (const struct json *v = json_first(json_get(check, "cannot")); v; v = json_next(v))
		cli_print(c, "cannot: %s\n", json_str(v) ? json_str(v) : "");
}

static int answer(struct cli *c, const struct json *reply, const char *what)
{
	const struct json *a = json_get(reply, "account");

	if (cli_format(c) == FORMAT_JSON) {
		remote_print(c, reply);
		return EXIT_DONE;
	}
	cli_print(c, "%s (%s) %s\n", json_get_str(a, "name"), json_get_str(a, "id"), what);
	if (json_get(reply, "check"))
		tell_check(c, json_get(reply, "check"));
	return EXIT_DONE;
}

static int send(struct cli *c, const char *method, const char *ref, const char *tail,
		const struct str *body, struct json **ret)
{
	struct str path = STR_INIT(2000);
	int r;

	str_add(&path, ACCOUNTS);
	if (ref) {
		str_addc(&path, '/');
		str_add_urlencoded(&path, ref);
	}
	str_add(&path, tail);
	r = remote_send(c, method, str_get(&path), body ? str_get(body) : NULL, ret, NULL);
	str_fini(&path);
	return r;
}

/* ---- verbs -------------------------------------------------------------------------------- */

static int change(struct cli *c, bool adding)
{
	struct str body = STR_INIT(1 << 20);
	struct given g = { NULL };
	struct json *reply = NULL;
	struct jw w = JW(&body);
	struct err err = { 0 };

	/* before anything is asked for */
	if (region_check(cli_opt(c, "region"), &err) < 0)
		return cli_fail(c, EXIT_USAGE, "--region: %s", err.msg);
	int r = ask_all(c, adding, &g);

	jw_obj(&w, NULL);
	if (!r)
		r = add_members(c, &w, &g);
	jw_obj_end(&w);
	if (!r && str_eq(str_get(&body), "{}"))
		r = cli_fail(c, EXIT_USAGE, "nothing to change; 'ringdown accounts edit --help'"
					    " lists what can be");
	if (!r)
		r = send(c, adding ? "POST" : "PATCH", cli_arg(c, 0), "", &body, &reply);
	if (!r)
		r = answer(c, reply, adding ? "added" : "changed");
	if (body.len)
		explicit_bzero(body.s, body.len);
	str_fini(&body);
	given_fini(&g);
	json_free(reply);
	return r;
}

static int add(struct cli *c)
{
	return change(c, true);
}

static int edit(struct cli *c)
{
	return change(c, false);
}

static int set_primary(struct cli *c)
{
	struct str body = STR_INIT(2000);
	struct json *reply = NULL;
	struct jw w = JW(&body);
	int r;

	jw_obj(&w, NULL);
	jw_bool(&w, "isPrimary", !cli_flag(c, "off"));
	put(&w, "reason", cli_opt(c, "reason"));
	jw_obj_end(&w);
	r = send(c, "PATCH", cli_arg(c, 0), "", &body, &reply);
	if (!r)
		r = answer(c, reply, cli_flag(c, "off") ? "is no primary any more" :
			   "is a primary now");
	str_fini(&body);
	json_free(reply);
	return r;
}

static int delete(struct cli *c)
{
	struct json *reply = NULL;
	int r;

	if (!ask_typed(c, "its credentials are forgotten", cli_arg(c, 0)))
		return EXIT_NO;
	r = send(c, "DELETE", cli_arg(c, 0), "", NULL, &reply);
	if (!r && cli_format(c) == FORMAT_JSON)
		remote_print(c, reply);
	else if (!r)
		cli_print(c, "%s removed\n", cli_arg(c, 0));
	json_free(reply);
	return r;
}

static int verify(struct cli *c)
{
	struct str body = STR_INIT(10);
	struct json *reply = NULL;
	int r;

	str_add(&body, "{}");
	r = send(c, "POST", cli_arg(c, 0), "/verify", &body, &reply);
	if (!r && cli_format(c) == FORMAT_JSON)
		remote_print(c, reply);
	else if (!r)
		tell_check(c, reply);
	if (!r && !json_get_bool(reply, "usable", false))
		r = EXIT_NO;
	json_free(reply);
	str_fini(&body);
	return r;
}

#define VERB_RUN(fn) static int run_##fn(struct cli *c) { return cli_run(c, fn); }
VERB_RUN(add)
VERB_RUN(edit)
VERB_RUN(set_primary)
VERB_RUN(delete)
VERB_RUN(verify)

#define CREDENTIALS                                                                                \
	{ .name = "token-file", .arg = "F", .help = "the auth token, line 1 of F; - is stdin" },   \
	{ .name = "api-key", .arg = "SK...",                                                       \
	  .help = "an API key instead; its secret is asked for" },                                 \
	{ .name = "key-secret-file", .arg = "F", .help = "the secret of the API key" },            \
	{ .name = "second", .help = "ask for a second auth token, to confirm a rejection with" },  \
	{ .name = "second-key", .arg = "SK...", .help = "an API key as the second credential" },   \
	{ .name = "second-file", .arg = "F", .help = "the second credential's secret" },           \
	{ .name = "parent", .arg = "AC...", .help = "the parent account; its token is asked for" },\
	{ .name = "parent-token-file", .arg = "F", .help = "the parent's auth token" },            \
	{ .name = "region", .arg = "R", .help = "Twilio region (us1), such as ie1, au1" },         \
	{ .name = "edge", .arg = "E", .help = "ashburn, dublin ..." },                             \
	{ .name = "priority", .arg = "N", .help = "lower is chosen first as a target" },           \
	{ .name = "reason", .arg = "R", .help = "why; kept in the journal" }

static const struct cli_option add_options[] = {
	{ .name = "name", .arg = "N", .required = true, .help = "how people call it" },
	{ .name = "sid", .arg = "AC...", .required = true, .help = "the account's SID" },
	{ .name = "provider", .arg = "P", .choices = "twilio|telnyx", .help = "whose (twilio)" },
	{ .name = "primary", .help = "agents are at home here" },
	CREDENTIALS,
};
static const struct cli_option edit_options[] = {
	{ .name = "name", .arg = "N", .help = "how people call it" },
	{ .name = "sid", .arg = "AC...", .help = "the account's SID" },
	{ .name = "active", .arg = "X", .choices = "on|off", .help = "monitored or not" },
	{ .name = "token", .help = "ask for a new auth token" },
	CREDENTIALS,
};
static const struct cli_option primary_options[] = {
	{ .name = "off", .help = "no longer a primary" },
	{ .name = "reason", .arg = "R", .help = "why; kept in the journal" },
};

static const struct subcommand verbs[] = {
	{ .name = "add", .help = "add an account after a live check of its credentials",
	  .detail = "The auth token is asked for without echo; without a terminal it is a line of"
		    " stdin.\nSeveral secrets are asked for, or read, in the order: auth token,"
		    " secret of the API\nkey, second credential, parent's token. Test credentials"
		    " are refused.",
	  .kind = CLI_CHANGES, .options = add_options, .n_options = COUNT_OF(add_options),
	  .run = run_add },
	{ .name = "edit", .args = "ACCOUNT", .help = "change it; new credentials are checked live",
	  .kind = CLI_CHANGES, .options = edit_options, .n_options = COUNT_OF(edit_options),
	  .run = run_edit },
	{ .name = "set-primary", .args = "ACCOUNT", .help = "make it a home of agents, or --off",
	  .kind = CLI_CHANGES, .options = primary_options, .n_options = COUNT_OF(primary_options),
	  .run = run_set_primary },
	{ .name = "remove", .args = "ACCOUNT", .help = "forget an account that nothing uses",
	  .kind = CLI_CHANGES, .run = run_delete },
	{ .name = "verify", .args = "ACCOUNT",
	  .help = "what its credentials are and cannot do; exit 1 when they are not usable",
	  .kind = CLI_READS, .run = run_verify },
};

const struct subcommand cmd_accounts = {
	.name = "accounts",
	.help = "list the carrier accounts; add, edit, set-primary, remove, verify",
	.detail = "ACCOUNT is an id, a SID or a name.",
	.kind = CLI_READS,
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
	.run = run_list,
};
