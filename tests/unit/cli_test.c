/* Option tables of all modules are sound; subcommand tables too; tables print as promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/output.h"
#include "core/mem.h"

/* The test links no main.c, so the list is made here. */
const struct subcommand *const cli_subcommands[] = {
#define SUBCOMMAND(name) &cmd_##name,
#include "cli/list.h"
#undef SUBCOMMAND
	NULL
};

static void option_rows(void **state)
{
	const char *names[1000];
	const char *envs[1000];
	size_t n = 0;
	size_t n_env = 0;
	(void)state;

	for (size_t t = 0; t < option_table_count; t++) {
		assert_true(option_tables[t]->size > 0);
		for (size_t i = 0; i < option_tables[t]->n; i++) {
			const struct option_row *r = &option_tables[t]->rows[i];
			if (str_empty(r->help) || r->offset >= option_tables[t]->size ||
			    (r->type == OPT_CHOICE && !r->choices) || r->max < r->min)
				fail_msg("option %s: help, offset, choices or range", r->name);
			for (size_t k = 0; k < n; k++)
				if (str_eq(names[k], r->name))
					fail_msg("option %s is there twice", r->name);
			for (size_t k = 0; r->env && k < n_env; k++)
				if (str_eq(envs[k], r->env))
					fail_msg("environment %s is there twice", r->env);
			names[n++] = r->name;
			if (r->env)
				envs[n_env++] = r->env;
			assert_true(n < COUNT_OF(names));
		}
	}
	/* no option is also a section: a key would have two meanings */
	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++)
			if (str_has_prefix(names[b], names[a]) && names[b][strlen(names[a])] == '.')
				fail_msg("%s is an option and a section", names[a]);
	static const char *const promised[] = {
		"DATABASE_URL", "CRON_SECRET", "ENCRYPTION_KEY", "ENCRYPTION_KEY_PREVIOUS",
		"INTERNAL_SERVICE_KEY", "RINGDOWN_API", "RINGDOWN_TOKEN", "RINGDOWN_STATE_DIR" };
	for (size_t i = 0; i < COUNT_OF(promised); i++) {
		size_t k = 0;
		while (k < n_env && !str_eq(envs[k], promised[i]))
			k++;
		if (k == n_env)
			fail_msg("no option reads %s", promised[i]);
	}
}

/* Every default fits its own type and range, and nothing leaks. */
static void defaults(void **state)
{
	void **bases = xcalloc(option_table_count, sizeof(*bases));
	struct err err = { 0 };
	(void)state;

	for (size_t i = 0; i < option_table_count; i++)
		bases[i] = xcalloc(1, option_tables[i]->size);
	struct config *c = config_load(option_tables, bases, option_table_count, NULL, NULL, NULL,
				       &err);
	if (!c)
		fail_msg("%s", err.msg);
	config_free(c);
	for (size_t i = 0; i < option_table_count; i++)
		free(bases[i]);
	free(bases);
}

static void check_command(const struct subcommand *cmd, int depth)
{
	if (str_empty(cmd->name) || str_empty(cmd->help) || (!cmd->run && !cmd->n_verbs) ||
	    depth > 1)
		fail_msg("command %s", cmd->name);
	for (size_t i = 0; i < cmd->n_options; i++) {
		const struct cli_option *o = &cmd->options[i];
		if (str_empty(o->name) || str_empty(o->help) || o->name[0] == '-' ||
		    (!o->arg && (o->required || o->choices)) || str_eq(o->name, "json") ||
		    str_eq(o->name, "csv") || str_eq(o->name, "help"))
			fail_msg("option --%s of %s", o->name, cmd->name);
		/* a value that a credential could be would be seen by everybody on the machine */
		if (o->arg && (str_eq(o->name, "token") || str_eq(o->name, "auth-token") ||
			       str_eq(o->name, "password") || str_eq(o->name, "secret")))
			fail_msg("--%s of %s takes a secret from argv", o->name, cmd->name);
	}
	for (size_t i = 0; i < cmd->n_verbs; i++)
		check_command(&cmd->verbs[i], depth + 1);
}

static void commands(void **state)
{
	(void)state;
	for (size_t i = 0; cli_subcommands[i]; i++) {
		check_command(cli_subcommands[i], 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(cli_subcommands[k]->name, cli_subcommands[i]->name);
	}
}

static char *printed(struct table *t, const char *name)
{
	char text[4000] = "";
	FILE *tmp = tmpfile();

	fflush(stdout);
	int keep = dup(STDOUT_FILENO);
	dup2(fileno(tmp), STDOUT_FILENO);
	table_print(t, NULL, name);
	fflush(stdout);
	dup2(keep, STDOUT_FILENO);
	close(keep);
	rewind(tmp);
	size_t n = fread(text, 1, sizeof(text) - 1, tmp);
	text[n] = 0;
	fclose(tmp);
	return xstrdup(text);
}

static void tables(void **state)
{
	static const struct table_column columns[] = { { "id", NULL, false },
						       { "count", "N", true },
						       { "ok", NULL, false },
						       { "why", NULL, false } };
	static const struct {
		enum cli_format format;
		const char *want;
	} t[] = {
		{ FORMAT_TEXT, "ID           N  OK   WHY\n"
			       "a            5  yes  -\n"
			       "\xe4\xb8\xad\xe6\x96\x87   -123456  no   =1,2 \"q\"\n"
			       "[31mx        9  yes  y\n" },
		{ FORMAT_CSV, "id,count,ok,why\na,5,true,\n\xe4\xb8\xad\xe6\x96\x87,-123456,false,"
			      "\"'=1,2 \"\"q\"\"\"\n[31mx,9,true,y\n" },
		{ FORMAT_JSON, "{\"rows\":[{\"id\":\"a\",\"count\":5,\"ok\":true,\"why\":null},"
			       "{\"id\":\"\xe4\xb8\xad\xe6\x96\x87\",\"count\":-123456,"
			       "\"ok\":false,\"why\":\"=1,2 \\\"q\\\"\"},{\"id\":\"[31mx\","
			       "\"count\":9,\"ok\":true,\"why\":\"y\"}]}\n" },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct table tab;
		table_init(&tab, t[i].format, columns, COUNT_OF(columns));
		table_add(&tab, "a");
		table_add_i64(&tab, 5);
		table_add_bool(&tab, true);
		table_add(&tab, NULL);
		table_add(&tab, "\xe4\xb8\xad\xe6\x96\x87");
		table_add_i64(&tab, -123456);
		table_add_bool(&tab, false);
		table_add(&tab, "=1,2 \"q\"");
		table_add(&tab, "\x1b[31mx");
		table_add_i64(&tab, 9);
		table_add_bool(&tab, true);
		table_add(&tab, "y");
		char *got = printed(&tab, "rows");
		table_fini(&tab);
		assert_string_equal(got, t[i].want);
		free(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(option_rows), cmocka_unit_test(defaults),
		cmocka_unit_test(commands),
		cmocka_unit_test(tables),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
