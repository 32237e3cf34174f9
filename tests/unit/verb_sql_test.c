/* sql on a real PostgreSQL: what a read cannot be talked into, the guard on changes, types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "tests/lib/pgtemp.h"
#include "tests/lib/verbtest.h"

static struct pgtemp *pg;
static const char *super, *owner_url;
static char *reader;
static struct verbtest t;

static int start(void **state)
{
	(void)state;
	pg = pgtemp_start();
	super = pgtemp_database(pg, "app", NULL);
	pgtemp_sql(pg, super, "CREATE ROLE app_owner LOGIN; CREATE ROLE ringdown_runbook LOGIN;"
		   " GRANT ALL ON SCHEMA public TO app_owner; SET ROLE app_owner;"
		   " CREATE TABLE org (id text PRIMARY KEY, off boolean NOT NULL, n int, made"
		   " timestamptz, data jsonb); INSERT INTO org VALUES ('a', false, 1,"
		   " '2026-01-02T03:04:05Z', '{\"k\": [1]}'), ('b', false, 2, NULL, NULL), ('c',"
		   " true, 3, now(), NULL); CREATE SEQUENCE seq; CREATE FUNCTION sneak() RETURNS"
		   " int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO org VALUES ('z', true); RETURN 1;"
		   " END $$; CREATE PROCEDURE ends() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;"
		   " GRANT SELECT ON org TO ringdown_runbook");
	owner_url = xasprintf("%s%suser=app_owner", super, strchr(super, '?') ? "&" : "?");
	reader = xasprintf("%s%suser=ringdown_runbook", super, strchr(super, '?') ? "&" : "?");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	pgtemp_stop(pg);
	free_p(&owner_url);
	free_p(&reader);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	verbtest_init(&t, VERB_SQL, EFFECT_READ);
	t.env.app_url = reader;
	t.env.app_change_url = owner_url;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	verbtest_fini(&t);
	return 0;
}

static int sql(const char *text)
{
	t.step.op.text = (char *)(uintptr_t)text;
	return verbtest_run(&t);
}

/* Everything that a read could change, in one line. */
static char *picture(void)
{
	return xstrdup(pgtemp_sql(pg, super,
		"SELECT string_agg(o::text, ';' ORDER BY id) FROM org o;"
		" SELECT last_value, is_called FROM seq;"
		" SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';"
		" SELECT count(*) FROM pg_class; SELECT count(*) FROM pg_prepared_xacts;"
		" SELECT count(*) FROM pg_roles; SELECT count(*) FROM pg_largeobject_metadata;"
		" SELECT setconfig FROM pg_db_role_setting ORDER BY 1"));
}

#define ok(call) do { if ((call) < 0) fail_msg("%s", t.err.msg); } while (0)

static void typed(void **state)
{
	struct value *v;

	(void)state;
	v = verbtest_value(&t, "window");
	v->type = V_DURATION;
	v->ms = 5400000;
	verbtest_text(&t, "evil", "'; DROP TABLE org; --");
	v = verbtest_value(&t, "ids");
	v->type = V_LIST;
	value_set_text(value_add(v, NULL), "a");
	value_set_text(value_add(v, NULL), "x\",\\y'");
	value_set_number(verbtest_value(&t, "num"), 2);
	value_set_bool(verbtest_value(&t, "yes"), true);
	ok(sql("SELECT id FROM org WHERE made > NOW() - $window"));
	assert_int_equal(verbtest_number(&t, "rows"), 1);
	ok(sql("SELECT id FROM org WHERE id = $evil OR id = ANY($ids)"));
	assert_int_equal(verbtest_number(&t, "rows"), 1);
	ok(sql("SELECT id FROM org WHERE n = $num AND off <> $yes LIMIT $num"));
	assert_int_equal(verbtest_number(&t, "rows"), 1);
	ok(sql("SELECT $evil AS e, '$evil' AS lit, n, off, made, data, NULL AS nothing FROM org"
	       " WHERE id = 'a'"));
	const struct value *row = &value_get(&t.result, "table")->items[0];
	assert_string_equal(value_get(row, "e")->text, "'; DROP TABLE org; --");
	assert_string_equal(value_get(row, "lit")->text, "$evil");
	assert_int_equal(value_get(row, "n")->type, V_NUMBER);
	assert_int_equal(value_get(row, "off")->type, V_BOOL);
	assert_int_equal(value_get(row, "made")->type, V_TIME);
	assert_int_equal(value_get(row, "data")->type, V_MAP);
	assert_int_equal(value_get(row, "nothing")->type, V_NULL);
	char *d = verbtest_describe(&t);
	assert_non_null(strstr(d, "SELECT $1 AS e, '$evil' AS lit"));
	assert_non_null(strstr(d, "$1 = '; DROP TABLE org; -- (text)"));
	free(d);
	assert_int_equal(sql("SELECT $missing"), ERR_NOT_FOUND);
	verbtest_secret(&t, "pw", "hunter22");
	assert_int_equal(sql("SELECT $pw"), ERR_DENIED);
	ok(sql("SELECT g FROM generate_series(1, 20000) g"));
	assert_int_equal(verbtest_number(&t, "rows"), 500);
	assert_int_equal(verbtest_number(&t, "total"), 20000);
	ok(sql("SELECT repeat('x', 1000000) FROM generate_series(1, 100)"));
	assert_int_equal(verbtest_number(&t, "total"), 100);
}

/* Whoever we read as: nothing is changed, whatever one statement says. */
static const char *const attacks[] = {
	"SELECT 1; SELECT 2", "SELECT 1; DROP TABLE org", "DROP TABLE org", "DELETE FROM org",
	"UPDATE org SET off = true", "INSERT INTO org VALUES ('q', true)", "TRUNCATE org",
	"WITH x AS (DELETE FROM org RETURNING *) SELECT * FROM x",
	"WITH x AS (UPDATE org SET n = 9 RETURNING *) SELECT * FROM x",
	"EXPLAIN ANALYZE DELETE FROM org", "SELECT * INTO copy_of_org FROM org",
	"SELECT sneak()", "SELECT nextval('seq')", "SELECT setval('seq', 77)",
	"COMMIT", "/* x */ COMMIT", "-- x\nCOMMIT AND CHAIN", "ROLLBACK", "END", "ABORT", "BEGIN",
	"START TRANSACTION READ WRITE", "SET TRANSACTION READ WRITE",
	"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
	"SET default_transaction_read_only = off",
	"RESET ALL", "RESET ROLE", "SET ROLE postgres", "SET SESSION AUTHORIZATION postgres",
	"DISCARD ALL",
	"SELECT set_config('transaction_read_only', 'off', false)",
	"SELECT set_config('transaction_read_only', 'off', true), sneak()",
	"SELECT set_config('default_transaction_read_only', 'off', false)",
	"SELECT set_config('role', 'postgres', false), sneak()",
	"SELECT set_config('session_authorization', 'postgres', false)",
	"WITH s AS (SELECT set_config('transaction_read_only', 'off', false)) SELECT sneak() FROM"
	" s",
	"DO $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM org; END $$",
	"DO $$ BEGIN COMMIT; DELETE FROM org; END $$",
	"DO $$ BEGIN PERFORM set_config('transaction_read_only','off',true); DELETE FROM org; END"
	" $$",
	"CALL ends()", "COPY org TO PROGRAM 'touch /tmp/verb_sql_pwned'",
	"COPY org FROM '/etc/passwd'", "COPY org TO STDOUT",
	"COPY (SELECT 1) TO PROGRAM 'touch /tmp/verb_sql_pwned'",
	"SELECT query_to_xml('COPY org TO PROGRAM ''touch /tmp/verb_sql_pwned''', true, true, '')",
	"SELECT query_to_xml('DELETE FROM org', true, true, '')",
	"PREPARE TRANSACTION 'x'", "PREPARE p AS DELETE FROM org", "EXECUTE p",
	"LISTEN x", "NOTIFY x", "LOCK TABLE org IN ACCESS EXCLUSIVE MODE", "VACUUM org",
	"ANALYZE org",
	"CREATE TABLE t (a int)", "CREATE TEMP TABLE t (a int)", "ALTER TABLE org ADD x int",
	"CREATE ROLE boss SUPERUSER", "ALTER ROLE ringdown_runbook SUPERUSER",
	"GRANT ALL ON org TO PUBLIC",
	"ALTER SYSTEM SET fsync = off", "SECURITY LABEL ON TABLE org IS 'x'",
	"SELECT pg_advisory_lock(42)", "SELECT pg_advisory_xact_lock(42)",
	"SELECT * FROM org FOR UPDATE",
	"SELECT lo_create(1)", "SELECT lo_import('/etc/passwd')",
	"SELECT lo_export(1, '/tmp/verb_sql_pwned')",
	"SELECT pg_read_file('/etc/passwd')", "SELECT pg_reload_conf()", "SELECT pg_switch_wal()",
	"SELECT pg_notify('x', 'y')", "(((SELECT sneak())))", "TABLE org; DELETE FROM org",
	"DECLARE c CURSOR WITH HOLD FOR SELECT 1", "LOAD 'x'", "CHECKPOINT", "", ";", "-- nothing",
};

static void reads_as(const char *url, const char *who)
{
	_cleanup_(free_p) char *before = picture();

	t.env.app_url = url;
	for (size_t i = 0; i < COUNT_OF(attacks); i++) {
		sql(attacks[i]);
		_cleanup_(free_p) char *after = picture();
		if (!str_eq(before, after))
			fail_msg("%s: \"%s\" changed\n%s\ninto\n%s", who, attacks[i], before,
				 after);
		assert_int_equal(access("/tmp/verb_sql_pwned", F_OK), -1);
	}
}

static void reads_only(void **state)
{
	(void)state;
	reads_as(reader, "reader");
	/* even with a role that may write */
	reads_as(owner_url, "owner");
	/* and a role that may do anything is refused altogether */
	t.env.app_url = super;
	assert_int_equal(sql("SELECT 1"), ERR_DENIED);
	assert_non_null(strstr(t.err.msg, "ringdown_runbook"));
	t.env.app_url = NULL;
	assert_int_equal(sql("SELECT 1"), ERR_DENIED);
	/* what outlives a session would be an advisory lock: the session does not */
	t.env.app_url = reader;
	ok(sql("SELECT pg_advisory_lock(7) IS NULL"));
	assert_string_equal(pgtemp_sql(pg, super, "SELECT count(*) FROM pg_locks WHERE locktype ="
						  " 'advisory'"), "0");
}

static void bounded(void **state)
{
	(void)state;
	t.call.timeout_ms = 300;
	assert_int_equal(sql("SELECT pg_sleep(60)"), ERR_TIMEOUT);
	assert_int_equal(sql("SELECT set_config('statement_timeout', '0', false), pg_sleep(60)"),
			 ERR_TIMEOUT);
	for (int i = 0; i < 100; i++) {
		if (str_eq(pgtemp_sql(pg, super, "SELECT count(*) FROM pg_stat_activity WHERE query"
				      " LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()"), "0"))
			return;
		usleep(50000);
	}
	fail_msg("a statement goes on at the server");
}

static const char *offs(void)
{
	return pgtemp_sql(pg, super, "SELECT string_agg(id, '' ORDER BY id) FROM org WHERE off");
}

static void guarded(void **state)
{
	(void)state;
	t.call.effect = t.step.effect = EFFECT_CHANGE;
	verbtest_text(&t, "id", "a");
	t.call.expect_affected = 1;
	t.call.rehearse = true;
	ok(sql("UPDATE org SET off = true WHERE id = $id"));
	assert_int_equal(verbtest_number(&t, "affected"), 1);
	assert_string_equal(offs(), "c");
	t.call.rehearse = false;
	assert_int_equal(sql("UPDATE org SET off = true"), ERR_CONFLICT);
	assert_non_null(strstr(t.err.msg, "3 rows would have changed, 1 expected: rolled back"));
	assert_int_equal(sql("UPDATE org SET off = true WHERE id = 'nobody'"), ERR_CONFLICT);
	assert_string_equal(offs(), "c");
	ok(sql("UPDATE org SET off = true WHERE id = $id"));
	assert_string_equal(offs(), "ac");
	ok(sql("UPDATE org SET off = false WHERE id = $id RETURNING n"));
	assert_int_equal(verbtest_number(&t, "cell"), 1);
	assert_string_equal(offs(), "c");
	/* what would end the transaction before the guard */
	const char *const bad[] = { "COMMIT", "UPDATE org SET off = true; COMMIT",
		"DO $$ BEGIN UPDATE org SET off = true; COMMIT; END $$", "CALL ends()", "ROLLBACK",
		"SET lock_timeout = 0", "BEGIN",
		"COPY org TO PROGRAM 'touch /tmp/verb_sql_pwned'", "PREPARE TRANSACTION 'x'",
		"WITH x AS (UPDATE org SET off = true RETURNING 1) SELECT * FROM x" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (sql(bad[i]) == 0)
			fail_msg("\"%s\" was done", bad[i]);
		assert_string_equal(offs(), "c");
	}
	t.env.app_change_url = NULL;
	assert_int_equal(sql("UPDATE org SET off = true WHERE id = 'a'"), ERR_DENIED);
	t.env.app_change_url = owner_url;
	t.step.op.db = (char[]){ "ringdown" };
	t.env.ringdown_url = super;
	assert_int_equal(sql("UPDATE org SET off = true WHERE id = 'a'"), ERR_DENIED);
	t.step.op.db = NULL;
	t.call.effect = EFFECT_UNKNOWN;
	assert_int_equal(sql("UPDATE org SET off = true WHERE id = 'a'"), ERR_DENIED);
}

static void without_transaction(void **state)
{
	static const char INDEX[] = "CREATE INDEX CONCURRENTLY org_n ON org (n) WHERE id IN ('x',"
				    " 'y')";

	(void)state;
	t.call.effect = t.step.effect = EFFECT_CHANGE;
	assert_true(sql(INDEX) < 0);
	t.step.op.tx = (char[]){ "none" };
	t.call.rehearse = true;
	ok(sql(INDEX));
	assert_string_equal(pgtemp_sql(pg, super, "SELECT to_regclass('org_n') IS NULL"), "t");
	t.call.rehearse = false;
	ok(sql(INDEX));
	ok(sql("ANALYZE org"));
	assert_string_equal(pgtemp_sql(pg, super, "SELECT to_regclass('org_n') IS NULL"), "f");
	ok(sql("DROP INDEX CONCURRENTLY org_n"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(typed), T(reads_only), T(bounded), T(guarded),
					    T(without_transaction) };

	return cmocka_run_group_tests(tests, start, stop);
}
