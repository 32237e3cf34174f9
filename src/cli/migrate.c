/*
 * `ringdown migrate`: brings the database to this program's schema; `adopt`: binds
 * it to an environment, so that a copy of production is never taken for it.
 */
#include "store/migrate.h"

#include <string.h>

#include "cli/database.h"
#include "cli/remote.h"
#include "core/json.h"
#include "store/lease_row.h"

static void print_result(struct cli *c, const struct migrate_options *o,
			 const struct migrate_result *r)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&out);

	if (cli_format(c) == FORMAT_JSON) {
		jw_obj(&w, NULL);
		jw_i64(&w, "from", r->from);
		jw_i64(&w, "to", r->to);
		jw_i64(&w, "statements", r->todo);
		jw_bool(&w, "prisma", r->prisma);
		jw_str(&w, "missing", r->names.len ? str_get(&r->names) : NULL);
		jw_str(&w, "notes", str_get(&r->notes));
		jw_str(&w, "sql", r->out.len ? str_get(&r->out) : NULL);
		jw_obj_end(&w);
		str_addc(&out, '\n');
	} else {
		str_add(&out, str_get(&r->out));
		if (r->notes.len) {
			const char *sep = o->dry_run ? "-- " : "";
			for (const char *p = str_get(&r->notes); *p;) {
				size_t n = strcspn(p, "\n");
				str_addf(&out, "%s%.*s\n", sep, (int)n, p);
				p += n + (p[n] == '\n');
			}
		}
		if (!o->dry_run && r->todo)
			str_addf(&out, "schema %d -> %d, %d statements%s\n", r->from, r->to,
				 r->todo, o->check ? " to do" : "");
		else if (!o->dry_run)
			str_addf(&out, "schema %d, nothing to do\n", r->to);
	}
	cli_write(c, str_get(&out));
	str_fini(&out);
}

static int migrate(struct cli *c)
{
	struct cli_database d;
	struct migrate_result r = { 0 };
	struct err err = { 0 };
	const char *environment = config_environment(cli_config(c));
	const struct migrate_options o = {
		.dry_run = cli_flag(c, "dry-run"),
		.check = cli_flag(c, "check"),
		.app_indexes = cli_flag(c, "app-indexes"),
		.environment = str_empty(environment) ? NULL : environment,
	};
	int status;

	if (o.dry_run && o.check)
		return cli_fail(c, EXIT_USAGE, "--check and --dry-run exclude each other");
	status = cli_database_open(c, false, false, &d);
	if (status)
		return status;
	if (migrate_run(d.store, &o, &r, &err) < 0) {
		if (cli_format(c) != FORMAT_JSON)
			cli_write(c, str_get(&r.out));
		status = cli_fail_err(c, &err);
	} else {
		print_result(c, &o, &r);
		if (r.missing && !o.dry_run)
			status = cli_fail(c, EXIT_NO, "the application lacks %s: its tables belong"
					  " to Prisma; run the SQL printed as a migration of its"
					  " own, then migrate again", str_get(&r.names));
	}
	if (!status && o.check && r.todo)
		status = EXIT_NO;
	migrate_result_fini(&r);
	cli_database_close(&d);
	return status;
}

static int run_migrate(struct cli *c)
{
	if (!cli_flag(c, "check") && !cli_flag(c, "dry-run") && cli_flag(c, "read-only"))
		return cli_fail(c, EXIT_DENIED, "--read-only is set");
	return cli_run(c, migrate);
}

static const struct cli_option migrate_options[] = {
	{ .name = "check", .help = "change nothing; exit 1 when something is to do" },
	{ .name = "dry-run", .help = "change nothing; print the SQL" },
	{ .name = "app-indexes", .help = "also make the indexes on the application's big tables" },
};

const struct subcommand cmd_migrate = {
	.name = "migrate",
	.help = "create or update ringdown's tables in the database",
	.detail = "Creates what is missing and never drops or rewrites what it finds. Safe to"
		  " repeat\nand to run twice at once. A clashing column or a newer database ends it"
		  " before\nanything is changed.",
	.kind = CLI_READS, /* as --check and --dry-run; changing is refused in run */
	.options = migrate_options, .n_options = COUNT_OF(migrate_options),
	.run = run_migrate,
};

static int adopt(struct cli *c)
{
	struct cli_database d;
	struct err err = { 0 };
	const char *name = cli_opt(c, "environment");
	const char *ours = config_environment(cli_config(c));
	int status;

	if (!str_empty(ours) && !str_eq(ours, name))
		return cli_fail(c, EXIT_NO, "the configuration is that of environment '%s', not"
				" '%s'; choose it with --env", ours, name);
	status = cli_database_open(c, false, false, &d);
	if (status)
		return status;
	if (migrate_current(d.store, &err) < 0 ||
	    environment_adopt(d.store, &d.who, name, &err) < 0)
		status = cli_fail_err(c, &err);
	else if (cli_format(c) == FORMAT_JSON)
		cli_print(c, "{\"environment\":\"%s\"}\n", name);
	else
		cli_print(c, "adopted for environment %s\n", name);
	cli_database_close(&d);
	return status;
}

static int run_adopt(struct cli *c)
{
	const char *name = cli_opt(c, "environment");

	if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-.")])
		return cli_fail(c, EXIT_USAGE, "an environment's name has letters, digits, '-', '_'"
					       " and '.'");
	return cli_run(c, adopt);
}

static const struct cli_option adopt_options[] = {
	{ .name = "environment", .arg = "NAME", .required = true,
	  .help = "the environment that this database belongs to from now on" },
};

const struct subcommand cmd_adopt = {
	.name = "adopt",
	.help = "bind the database to an environment, so that engines may act on it",
	.detail = "An engine whose configuration names another environment, or that finds the\n"
		  "database on another server (a restored copy), only watches until this is run.",
	.kind = CLI_CHANGES,
	.options = adopt_options, .n_options = COUNT_OF(adopt_options),
	.run = run_adopt,
};
