/*
 * `ringdown token create|list|revoke`: who may talk to the engine's API. Works on the
 * database, so that the first token can be made before there is one to ask with. A
 * token's text is printed once, alone on stdout, and never stored.
 */
#include "store/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "cli/database.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "store/migrate.h"

static int open_database(struct cli *c, bool changes, struct cli_database *d)
{
	struct err err = { 0 };
	int status = cli_database_open(c, changes, !changes, d);

	if (!status && migrate_current(d->store, &err) < 0)
		status = cli_fail_err(c, &err);
	if (status)
		cli_database_close(d);
	return status;
}

/* What is printed is cleaned of living secrets, so this one ends before it is shown. */
static void show_token(struct cli *c, struct secret *token, const char *id)
{
	_cleanup_(free_p) char *text = xstrdup(secret_reveal(token));
	struct str out = STR_INIT(4000);
	struct jw w = JW(&out);

	secret_free(token);
	jw_obj(&w, NULL);
	jw_str(&w, "id", id);
	jw_str(&w, "name", cli_opt(c, "name"));
	jw_str(&w, "role", cli_opt(c, "role"));
	jw_str(&w, "token", text);
	jw_obj_end(&w);
	if (cli_format(c) == FORMAT_JSON) {
		cli_print(c, "%s\n", str_get(&out));
	} else {
		cli_print(c, "%s\n", text);
		cli_note(c, "%s, role %s: shown only now; put it into RINGDOWN_TOKEN or token: of"
			 " the configuration", cli_opt(c, "name"), cli_opt(c, "role"));
	}
	if (out.len)
		explicit_bzero(out.s, out.len);
	explicit_bzero(text, strlen(text));
	str_fini(&out);
}

static int create(struct cli *c)
{
	_cleanup_(free_p) char *id = NULL;
	struct secret *token = NULL;
	struct cli_database d;
	struct err err = { 0 };
	int status = open_database(c, true, &d);

	if (status)
		return status;
	if (token_create(d.store, &d.who, cli_opt(c, "name"), cli_opt(c, "role"), &token, &id,
			 &err) < 0)
		status = cli_fail_err(c, &err);
	else
		show_token(c, token, id);
	cli_database_close(&d);
	return status;
}

static int list(struct cli *c)
{
	static const struct table_column columns[] = {
		{ "id", NULL, false }, { "name", NULL, false }, { "role", NULL, false },
		{ "createdAt", "CREATED", false }, { "createdBy", "BY", false },
		{ "lastUsedAt", "LAST USED", false }, { "revokedAt", "REVOKED", false },
	};
	struct token_row *rows = NULL;
	struct cli_database d;
	struct err err = { 0 };
	struct table t;
	size_t n = 0;
	int status = open_database(c, false, &d);

	if (status)
		return status;
	table_init(&t, cli_format(c), columns, COUNT_OF(columns));
	if (tokens_list(d.store, &rows, &n, &err) < 0)
		status = cli_fail_err(c, &err);
	for (size_t i = 0; i < n; i++) {
		table_add(&t, rows[i].id);
		table_add(&t, rows[i].name);
		table_add(&t, rows[i].role);
		table_add_time(&t, rows[i].created_at_ms);
		table_add(&t, rows[i].created_by);
		table_add_time(&t, rows[i].last_used_at_ms);
		table_add_time(&t, rows[i].revoked_at_ms);
	}
	if (!status)
		table_print(&t, c, "tokens");
	table_fini(&t);
	tokens_free(rows, n);
	cli_database_close(&d);
	return status;
}

static int revoke(struct cli *c)
{
	struct cli_database d;
	struct err err = { 0 };
	int status = open_database(c, true, &d);

	if (status)
		return status;
	if (token_revoke(d.store, &d.who, cli_arg(c, 0), &err) < 0)
		status = cli_fail_err(c, &err);
	else if (cli_format(c) == FORMAT_JSON)
		cli_write(c, "{\"ok\":true}\n");
	else
		cli_print(c, "%s revoked; engines forget it within a minute\n", cli_arg(c, 0));
	cli_database_close(&d);
	return status;
}

static int run_create(struct cli *c)
{
	return cli_run(c, create);
}

static int run_list(struct cli *c)
{
	return cli_run(c, list);
}

static int run_revoke(struct cli *c)
{
	return cli_run(c, revoke);
}

static const struct cli_option create_options[] = {
	{ .name = "name", .arg = "N", .required = true, .help = "who or what uses it: a person's"
	  " name" },
	{ .name = "role", .arg = "R", .required = true, .choices = "viewer|operator|admin|alerts",
	  .help = "what it may do" },
};

static const struct subcommand verbs[] = {
	{ .name = "create", .help = "make a token and print it, once", .kind = CLI_CHANGES,
	  .options = create_options, .n_options = COUNT_OF(create_options), .run = run_create },
	{ .name = "list", .help = "names, roles and use; never the tokens", .kind = CLI_READS,
	  .run = run_list },
	{ .name = "revoke", .args = "NAME|ID", .help = "end a token", .kind = CLI_CHANGES,
	  .run = run_revoke },
};

const struct subcommand cmd_token = {
	.name = "token",
	.help = "tokens for the API: create, list, revoke",
	.detail = "Works on the database itself (DATABASE_URL, ENCRYPTION_KEY), so that the first\n"
		  "token can be made.",
	.kind = CLI_READS,
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
};
