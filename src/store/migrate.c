/*
 * Brings a database to this program's schema: versions of schema "ringdown", what is
 * absent of the application's tables, indexes, the console's role.
 *
 * Nothing is changed before it is known that nothing clashes. Two at once are serialised
 * by a table lock held on a second connection; every wait for a lock ends after 2 s and is
 * tried again, so that a busy application is never queued behind us. Where Prisma owns the
 * public tables they are only checked.
 */
#include "store/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/embed.h"
#include "core/task.h"
#include "store/app_tables.h"
#include "store/internal.h"
#include "store/lease_row.h"

#define SCHEMA(v, name, path) EMBED(schema_##name, path);
#include "store/schema/list.h"
#undef SCHEMA
EMBED(schema_console_role, "src/store/schema/console_role.sql");
EMBED(schema_runbook_role, "src/store/schema/runbook_role.sql");

struct version { int n; const char *name, *sql; };
static const struct version versions[] = {
#define SCHEMA(v, name_, path) { .n = v, .name = #name_, .sql = schema_##name_##_start },
#include "store/schema/list.h"
#undef SCHEMA
};

enum { STATEMENT_MS = 3600 * 1000, LOCK_TRIES = 30, LOCK_PAUSE_MS = 300 };

static const char BOOTSTRAP[] =
	"CREATE SCHEMA IF NOT EXISTS ringdown;\n"
	"CREATE TABLE IF NOT EXISTS ringdown.schema_version (\n"
	"	version integer PRIMARY KEY,\n"
	"	name text NOT NULL,\n"
	"	applied_at timestamptz(3) NOT NULL\n"
	");\n";
static const char SETTINGS[] = "SET lock_timeout = '2s'; SET client_min_messages = warning";

struct migration {
	struct store *s;
	const struct migrate_options *o;
	struct migrate_result *ret;
	struct pg_pool *pool;
	struct pg_conn *work, *guard;	/* guard: its open transaction holds the lock */
	struct app_state app;
};

void migrate_result_fini(struct migrate_result *r)
{
	str_fini(&r->out);
	str_fini(&r->names);
	str_fini(&r->notes);
}

int migrate_version(void)
{
	return versions[COUNT_OF(versions) - 1].n;
}

/* ---- what is there ------------------------------------------------------------------ */

static int read_version(struct pg_conn *c, int *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_query(c, "SELECT coalesce(max(version), 0) FROM ringdown.schema_version", NULL,
			 &r, err);

	*ret = 0;
	if (e == ERR_NOT_FOUND)
		return 0;
	if (e == 0)
		*ret = (int)pg_i64(r, 0, 0);
	return e;
}

static int too_new(int have, struct err *err)
{
	return err_set(err, ERR_CONFLICT,
		       "the database has schema version %d, this program knows %d: use a newer"
		       " ringdown",
		       have, migrate_version());
}

int migrate_current(struct store *s, struct err *err)
{
	_cleanup_(pg_release_p) struct pg_conn *c = NULL;
	int have, e = pg_acquire(s->pool, &c, err);

	if (e == 0)
		e = read_version(c, &have, err);
	if (e < 0)
		return e;
	if (have == 0)
		return err_set(err, ERR_NOT_FOUND,
			       "the database has no ringdown tables: run `ringdown migrate`");
	if (have > migrate_version())
		return too_new(have, err);
	if (have < migrate_version())
		return err_set(err, ERR_CONFLICT,
			       "the database has schema version %d, this program needs %d: run"
			       " `ringdown migrate`",
			       have, migrate_version());
	return 0;
}

static int look(struct migration *m, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_query(m->work, "SELECT to_regclass('_prisma_migrations') IS NOT NULL", NULL, &r,
			 err);

	if (e == 0)
		e = read_version(m->work, &m->ret->from, err);
	if (e == 0)
		e = app_state_read(m->work, &m->app, err);
	if (e < 0)
		return e;
	m->ret->prisma = pg_bool(r, 0, 0);
	m->ret->to = m->ret->from;
	if (m->ret->from > migrate_version())
		return too_new(m->ret->from, err);
	if (m->app.convert.len)
		str_addf(&m->ret->out, "-- Times without a zone cannot be told from local ones."
			 " Where they are UTC, as\n-- Prisma writes them, this gives them their"
			 " zone; in schema.prisma they are\n-- @db.Timestamptz(3).\n%s\n",
			 str_get(&m->app.convert));
	if (m->app.clashes.len)
		return err_set(err, ERR_CONFLICT, "nothing was changed: column %s%s",
			       str_get(&m->app.clashes), m->app.convert.len ?
			       "; the statements printed give times their zone, then run it again" :
			       "");
	return 0;
}

/* ---- waiting for locks without making others wait ------------------------------------ */

static bool worth_retrying(int e)
{
	return e == ERR_CONFLICT || e == ERR_EXISTS;	/* lock timeout, deadlock, made meanwhile */
}

/* Runs a script until it gets its locks. begin: as one transaction. */
static int script(struct pg_conn *c, const char *sql, bool begin, struct err *err)
{
	_cleanup_(free_p) char *whole = begin ? xasprintf("BEGIN; %s; COMMIT", sql) : xstrdup(sql);
	int e = 0;

	for (int i = 0; i < LOCK_TRIES; i++) {
		e = pg_script(c, whole, err);
		if (e == 0 || !worth_retrying(e))
			return e;
		if (begin)
			pg_script(c, "ROLLBACK", NULL);
		if (task_sleep(LOCK_PAUSE_MS) != 0)
			return err_set(err, ERR_CANCELLED, "cancelled");
	}
	return e;
}

static int connect_both(struct migration *m, struct err *err)
{
	struct pg_options o = {
		.url = m->s->url, .max_connections = 2, .connect_timeout_ms = m->s->timeout_ms,
		.statement_timeout_ms = STATEMENT_MS, .application_name = "ringdown migrate",
		.need_read_write = true,
	};
	int e;

	m->pool = pg_pool_new(m->s->loop, &o);
	e = pg_acquire(m->pool, &m->work, err);
	return e < 0 ? e : pg_script(m->work, SETTINGS, err);
}

static int take_guard(struct migration *m, struct err *err)
{
	int e = script(m->work, BOOTSTRAP, false, err);

	if (e == 0)
		e = pg_acquire(m->pool, &m->guard, err);
	if (e == 0)
		e = pg_script(m->guard, SETTINGS, err);
	for (int i = 0; e == 0; i++) {
		e = pg_script(m->guard, "BEGIN; LOCK TABLE ringdown.schema_version"
			      " IN SHARE UPDATE EXCLUSIVE MODE", err);
		if (e == 0)
			return 0;
		pg_script(m->guard, "ROLLBACK", NULL);
		if (!worth_retrying(e) || i >= LOCK_TRIES || task_sleep(LOCK_PAUSE_MS) != 0)
			return err_prefix(err, "another migration is running");
		e = 0;
	}
	return e;
}

/* ---- parts ---------------------------------------------------------------------------- */

static int apply_versions(struct migration *m, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(versions); i++) {
		const struct version *v = &versions[i];
		char at[TIME_TEXT];
		_cleanup_(free_p) char *sql = NULL;
		int e;

		if (v->n <= m->ret->to)
			continue;
		m->ret->todo++;
		sql = xasprintf("%s\nINSERT INTO ringdown.schema_version (version, name,"
				" applied_at) VALUES (%d, '%s', '%s')", v->sql, v->n, v->name,
				format_time(at, loop_wall_ms(m->s->loop)));
		if (m->o->dry_run)
			str_addf(&m->ret->out, "-- ringdown schema, version"
					       " %d\nBEGIN;\n%s;\nCOMMIT;\n\n", v->n, sql);
		if (m->o->dry_run || m->o->check)
			continue;
		e = script(m->work, sql, true, err);
		if (e < 0)
			return err_prefix(err, "schema version %d", v->n);
		m->ret->to = v->n;
		str_addf(&m->ret->notes, "schema ringdown is at version %d (%s)\n", v->n, v->name);
	}
	return 0;
}

static int apply_app(struct migration *m, struct err *err)
{
	int e;

	if (!m->app.missing)
		return 0;
	m->ret->todo += m->app.missing;
	if (m->ret->prisma) {
		m->ret->missing = m->app.missing;
		str_add(&m->ret->names, str_get(&m->app.names));
	}
	if (m->ret->prisma || m->o->dry_run)
		str_addf(&m->ret->out, "%s%s\n", m->ret->prisma ?
			 "-- The application's tables belong to Prisma. Put this into a migration"
			 " of its own\n-- (prisma/migrations/.../migration.sql), then run `ringdown"
			 " migrate` again:\n" :
			 "-- the application's tables\n", str_get(&m->app.sql));
	if (m->ret->prisma || m->o->dry_run || m->o->check)
		return 0;
	e = script(m->work, str_get(&m->app.sql), true, err);
	if (e < 0)
		return err_prefix(err, "the application's tables");
	str_addf(&m->ret->notes, "%d tables or columns of the application added\n", m->app.missing);
	return 0;
}

/* Prisma runs a migration as one batch, where CONCURRENTLY is refused. */
static void plain_indexes(struct str *out, const char *what, const char *sql)
{
	const char *word = " CONCURRENTLY", *at;

	str_addf(out, "-- %s\n", what);
	for (; (at = strstr(sql, word)); sql = at + strlen(word))
		str_addn(out, sql, (size_t)(at - sql));
	str_addf(out, "%s\n", sql);
}

/* Statements that belong into no transaction, one a line. */
static int apply_lines(struct migration *m, struct str *lines, int n, const char *what,
		       struct err *err)
{
	char *line, *rest = lines->s;
	int e = 0;

	m->ret->todo += n;
	if (n > 0 && m->ret->prisma)
		plain_indexes(&m->ret->out, what, str_get(lines));
	else if (n > 0 && m->o->dry_run)
		str_addf(&m->ret->out, "-- %s, outside of any transaction\n%s\n", what,
			 str_get(lines));
	if (m->ret->prisma || m->o->dry_run || m->o->check)
		return 0;
	while (e == 0 && rest && (line = strsep(&rest, "\n")) && line[0])
		e = script(m->work, line, false, err);
	if (e < 0)
		return err_prefix(err, "%s", what);
	if (n > 0)
		str_addf(&m->ret->notes, "%d %s added\n", n, what);
	return 0;
}

/* In a dry run or under Prisma tables may still be absent: then all are listed. */
static int apply_indexes(struct migration *m, struct err *err)
{
	struct str sql = STR_INIT(1 << 16);
	int n = 0, e = app_indexes_missing(m->work, m->o->app_indexes, &sql, &n, err);

	if (e == 0)
		e = apply_lines(m, &sql, n, "indexes", err);
	str_fini(&sql);
	return e;
}

static int apply_checks(struct migration *m, struct err *err)
{
	struct str sql = STR_INIT(1 << 16);
	int n = 0, e = app_checks_missing(m->work, &sql, &n, &m->ret->notes, err);

	if (e == 0)
		e = apply_lines(m, &sql, n, "checks", err);
	str_fini(&sql);
	return e;
}

struct role { const char *name, *what, *grants; };

/* Roles belong to the whole server: without the right to make one, say what to do. */
static int apply_role(struct migration *m, const struct role *role, struct err *err)
{
	_cleanup_(free_p) char *create = xasprintf("CREATE ROLE %s LOGIN", role->name);
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err why = { 0 };
	bool there;
	int e = pg_run(m->work, &r, err, "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname ="
					 " $1)", "t", role->name);

	if (e < 0)
		return e;
	there = pg_bool(r, 0, 0);
	if (m->o->dry_run)
		str_addf(&m->ret->out, "-- %s\n%s%s%s\n", role->what, there ? "" : create,
			 there ? "" : ";\n", role->grants);
	if (m->o->dry_run || m->o->check)
		return 0;
	if (!there) {
		e = pg_script(m->work, create, &why);
		if (e == 0)
			str_addf(&m->ret->notes, "role %s created (set a password to use it)\n",
				 role->name);
		else if (e != ERR_EXISTS && !strstr(why.msg, "already exists"))
			str_addf(&m->ret->notes, "role %s: %s; as an administrator: %s\n",
				 role->name, why.msg, create);
	}
	e = script(m->work, role->grants, true, &why);
	if (e < 0) {
		pg_script(m->work, "ROLLBACK", NULL);
		str_addf(&m->ret->notes, "role %s has not got its rights: %s\n", role->name,
			 why.msg);
	}
	return 0;
}

static int apply_roles(struct migration *m, struct err *err)
{
	const struct role roles[] = {
		{ "ringdown_console", "the console's own read-only role",
		  schema_console_role_start },
		{ "ringdown_runbook", "the role of runbooks' reads", schema_runbook_role_start },
	};
	int e = 0;

	for (size_t i = 0; i < COUNT_OF(roles) && e == 0; i++)
		e = apply_role(m, &roles[i], err);
	return e;
}

static int adopt_new(struct migration *m, struct err *err)
{
	struct who who = { .actor = "migrate", .role = "admin", .via = "cli" };
	int e;

	if (!m->o->environment || m->o->dry_run || m->o->check)
		return 0;
	e = environment_check(m->s, m->o->environment, err);
	if (e != ERR_NOT_FOUND)
		return e == ERR_DENIED ? 0 : e;		/* the engine says so; not ours to change */
	e = environment_adopt(m->s, &who, m->o->environment, err);
	if (e == 0)
		str_addf(&m->ret->notes, "adopted for environment %s\n", m->o->environment);
	return e;
}

static int run(struct migration *m, struct err *err)
{
	bool change = !m->o->dry_run && !m->o->check;
	int e = connect_both(m, err);

	if (e == 0)
		e = look(m, err);
	if (e == 0 && change) {
		e = take_guard(m, err);
		app_state_fini(&m->app);
		if (e == 0)
			e = look(m, err);	/* another one may have been at work until now */
	} else if (e == 0 && m->o->dry_run && m->ret->from == 0) {
		str_addf(&m->ret->out, "%s\n", BOOTSTRAP);
	}
	if (e == 0)
		e = apply_versions(m, err);
	if (e == 0)
		e = apply_app(m, err);
	if (e == 0)
		e = apply_indexes(m, err);
	if (e == 0)
		e = apply_checks(m, err);
	if (e == 0)
		e = apply_roles(m, err);
	return e == 0 ? adopt_new(m, err) : e;
}

int migrate_run(struct store *s, const struct migrate_options *o, struct migrate_result *ret,
		struct err *err)
{
	struct migration m = { .s = s, .o = o, .ret = ret };
	int e;

	*ret = (struct migrate_result){ .out = STR_INIT(1 << 20), .names = STR_INIT(8000),
					 .notes = STR_INIT(1 << 16) };
	e = run(&m, err);
	app_state_fini(&m.app);
	pg_release(m.guard);
	pg_release(m.work);
	pg_pool_free(m.pool);
	return e;
}
