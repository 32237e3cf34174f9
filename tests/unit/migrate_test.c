/*
 * migrate on a real server: from nothing, twice, by two at once, beside Prisma, with a
 * clash, with a newer version; and what the console's role may and may not do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/pgtemp.h"
#include "store/lease_row.h"
#include "store/migrate.h"

static struct pgtemp *pg;

struct run {
	const char *url;
	struct migrate_options o;
	struct migrate_result ret;
	struct err err;
	int e;
	struct loop *loop;
	struct store *store;
};

static void migrate_task(void *arg)
{
	struct run *r = arg;

	r->e = migrate_run(r->store, &r->o, &r->ret, &r->err);
}

static void open_run(struct run *r, struct loop *l)
{
	struct store_options o = { .url = r->url, .engine_id = "test" };

	r->loop = l;
	r->store = store_open(l, &o, &r->err);
	assert_non_null(r->store);
}

static void migrate_once(struct run *r)
{
	struct loop *l = loop_new();

	open_run(r, l);
	in_task(l, migrate_task, r);
	store_close(r->store);
	loop_free(l);
}

static void expect_ok(struct run *r)
{
	if (r->e != 0)
		fail_msg("migrate: %s", r->err.msg);
}

static void from_nothing_and_again(void **state)
{
	struct run a = { .url = pgtemp_database(pg, "fresh", NULL), .o.environment = "test" };
	struct run b = { .url = a.url }, c = { .url = a.url, .o.check = true };

	(void)state;
	migrate_once(&a);
	expect_ok(&a);
	assert_int_equal(a.ret.from, 0);
	assert_int_equal(a.ret.to, migrate_version());
	assert_string_equal(pgtemp_sql(pg, a.url, "SELECT name FROM ringdown.environment"), "test");
	pgtemp_sql(pg, a.url, "INSERT INTO \"TwilioAccount\" (id, \"accountSid\") VALUES ('a',"
			      " 'AC1')");
	migrate_once(&b);
	expect_ok(&b);
	assert_int_equal(b.ret.todo, 0);
	migrate_once(&c);
	expect_ok(&c);
	assert_int_equal(c.ret.todo, 0);
	assert_string_equal(pgtemp_sql(pg, a.url, "SELECT count(*) FROM \"TwilioAccount\""), "1");
	assert_string_equal(pgtemp_sql(pg, a.url, "SELECT count(*) FROM pg_index WHERE NOT"
						  " indisvalid"), "0");
	migrate_result_fini(&a.ret);
	migrate_result_fini(&b.ret);
	migrate_result_fini(&c.ret);
}

static void two_at_once(void **state)
{
	struct run r[4];
	void *args[4];
	struct loop *l = loop_new();
	const char *url = pgtemp_database(pg, "twice", NULL);

	(void)state;
	for (int i = 0; i < 4; i++) {
		r[i] = (struct run){ .url = url, .o.environment = "test", .o.app_indexes = true };
		open_run(&r[i], l);
		args[i] = &r[i];
	}
	in_tasks(l, 4, migrate_task, args);
	for (int i = 0; i < 4; i++) {
		expect_ok(&r[i]);
		assert_int_equal(r[i].ret.to, migrate_version());
		store_close(r[i].store);
		migrate_result_fini(&r[i].ret);
	}
	loop_free(l);
	assert_string_equal(pgtemp_sql(pg, url, "SELECT count(*) FROM pg_index WHERE NOT"
						" indisvalid"), "0");
	assert_string_equal(pgtemp_sql(pg, url, "SELECT count(*) FROM pg_class"
				       " WHERE relname = 'ringdown_message_time'"), "1");
}

static void beside_an_application(void **state)
{
	const char *url = pgtemp_database(pg, "app", NULL);
	struct run a = { .url = url };

	(void)state;
	pgtemp_sql(pg, url, "CREATE TABLE \"VoiceAgent\" (id text PRIMARY KEY, \"orgId\" text NOT"
		   " NULL, name varchar(80) NOT NULL, status text NOT NULL, \"elevenLabsAgentId\""
		   " text, \"twilioPhoneNumber\" text, extra jsonb);"
		   " INSERT INTO \"VoiceAgent\" VALUES ('v1', 'o', 'n', 'ACTIVE', 'e', '+1',"
		   " '{\"a\":1}')");
	migrate_once(&a);
	expect_ok(&a);
	assert_string_equal(pgtemp_sql(pg, url, "SELECT extra->>'a' ||"
				       " coalesce(\"twilioAccountId\", '-') FROM \"VoiceAgent\""),
				       "1-");
	migrate_result_fini(&a.ret);
}

/* Checks come NOT VALID first and end validated; rows that stand against one keep it away. */
static void checks_respect_rows(void **state)
{
	const char *url = pgtemp_database(pg, "checks", NULL);
	struct run a = { .url = url }, b = { .url = url }, c = { .url = url, .o.check = true };
	static const char states[] = "SELECT string_agg(conname || ' ' || convalidated, ', ' ORDER"
				     " BY conname) FROM pg_constraint WHERE conname LIKE"
				     " 'ringdown%'";

	(void)state;
	pgtemp_sql(pg, url, "CREATE TABLE \"TwilioBackupPhoneNumber\" (id text PRIMARY KEY,"
		   " \"phoneNumber\" text, status text);"
		   " INSERT INTO \"TwilioBackupPhoneNumber\" VALUES ('n1', '+1', 'retired')");
	migrate_once(&a);
	expect_ok(&a);
	assert_non_null(strstr(str_get(&a.ret.notes), "1 rows of \"TwilioBackupPhoneNumber\" do not"
						      " keep"));
	assert_string_equal(pgtemp_sql(pg, url, states), "ringdown_account_sid_given true,"
			    " ringdown_org_given true, ringdown_pool_number_given true");
	assert_string_equal(pgtemp_sql(pg, url, "SELECT status FROM \"TwilioBackupPhoneNumber\""),
			    "retired");
	/* an interrupted run leaves one not validated */
	pgtemp_sql(pg, url, "UPDATE \"TwilioBackupPhoneNumber\" SET status = 'available';"
		   " ALTER TABLE \"TwilioBackupPhoneNumber\" ADD CONSTRAINT ringdown_pool_status"
		   " CHECK (status IN ('available', 'reserved', 'assigned', 'unavailable')) NOT"
		   " VALID");
	migrate_once(&b);
	expect_ok(&b);
	assert_int_equal(b.ret.todo, 1);
	assert_string_equal(pgtemp_sql(pg, url, states), "ringdown_account_sid_given true,"
			    " ringdown_org_given true, ringdown_pool_number_given true,"
			    " ringdown_pool_status true");
	migrate_once(&c);
	expect_ok(&c);
	assert_int_equal(c.ret.todo, 0);
	migrate_result_fini(&a.ret);
	migrate_result_fini(&b.ret);
	migrate_result_fini(&c.ret);
}

static void prisma_is_only_checked(void **state)
{
	const char *url = pgtemp_database(pg, "prisma", NULL);
	struct run a = { .url = url }, b = { .url = url };

	(void)state;
	pgtemp_sql(pg, url, "CREATE TABLE _prisma_migrations (id text)");
	migrate_once(&a);
	expect_ok(&a);
	assert_true(a.ret.prisma);
	assert_int_equal(a.ret.missing > 0, 1);
	assert_non_null(strstr(str_get(&a.ret.names), "\"TwilioAccount\""));
	assert_non_null(strstr(str_get(&a.ret.out), "CREATE TABLE IF NOT EXISTS"
						    " \"TwilioAccount\""));
	assert_string_equal(pgtemp_sql(pg, url, "SELECT to_regclass('\"TwilioAccount\"') IS NULL"),
			    "t");
	assert_string_equal(pgtemp_sql(pg, url, "SELECT count(*) FROM ringdown.lease"), "1");
	/* what was printed is what is needed */
	pgtemp_sql(pg, url, str_get(&a.ret.out));
	migrate_once(&b);
	expect_ok(&b);
	assert_int_equal(b.ret.todo, 0);
	assert_int_equal(b.ret.missing, 0);
	assert_string_equal(str_get(&b.ret.out), "");
	migrate_result_fini(&a.ret);
	migrate_result_fini(&b.ret);
}

/* What is printed beside the error gives the times their zone, without a change of the instant. */
static void times_without_a_zone(void **state)
{
	const char *url = pgtemp_database(pg, "zone", NULL);
	struct run a = { .url = url }, b = { .url = url };

	(void)state;
	pgtemp_sql(pg, url, "CREATE TABLE \"VoiceAgent\" (id text PRIMARY KEY, \"createdAt\""
			    " timestamp(3) NOT NULL, \"updatedAt\" timestamp(3) NOT NULL);"
			    " INSERT INTO \"VoiceAgent\" VALUES ('a', '2026-11-21 03:12:47.123',"
			    " '2026-11-21 03:12:47')");
	migrate_once(&a);
	assert_int_equal(a.e, ERR_CONFLICT);
	assert_non_null(strstr(a.err.msg, "\"VoiceAgent\".\"createdAt\" is timestamp(3) without"));
	assert_non_null(strstr(a.err.msg, "the statements printed give times their zone"));
	assert_non_null(strstr(str_get(&a.ret.out), "@db.Timestamptz(3)"));
	pgtemp_sql(pg, url, str_get(&a.ret.out));
	assert_string_equal(pgtemp_sql(pg, url, "SELECT \"createdAt\" = '2026-11-21T03:12:47.123Z'"
						" FROM \"VoiceAgent\""), "t");
	migrate_once(&b);
	expect_ok(&b);
	migrate_result_fini(&a.ret);
	migrate_result_fini(&b.ret);
}

static void clash_changes_nothing(void **state)
{
	const char *url = pgtemp_database(pg, "clash", NULL);
	struct run a = { .url = url };

	(void)state;
	pgtemp_sql(pg, url, "CREATE TABLE \"TwilioAccount\" (id text, \"isActive\" integer,"
			" \"createdAt\" timestamp(3), \"updatedAt\" timestamp(3),"
			" \"lastHealthCheck\" timestamp(3))");
	migrate_once(&a);
	assert_int_equal(a.e, ERR_CONFLICT);
	assert_non_null(strstr(a.err.msg, "\"TwilioAccount\".\"isActive\" is integer, not"
					  " boolean"));
	assert_non_null(strstr(a.err.msg, "; and 1 more"));
	assert_string_equal(pgtemp_sql(pg, url, "SELECT to_regnamespace('ringdown') IS NULL"), "t");
	assert_string_equal(pgtemp_sql(pg, url, "SELECT count(*) FROM information_schema.columns"
				       " WHERE table_name = 'TwilioAccount'"), "5");
	migrate_result_fini(&a.ret);
}

static void newer_is_refused(void **state)
{
	const char *url = pgtemp_database(pg, "newer", "fresh");
	struct run a = { .url = url };

	(void)state;
	pgtemp_sql(pg, url, "INSERT INTO ringdown.schema_version VALUES (999, 'later',"
			    " '2030-01-01')");
	migrate_once(&a);
	assert_int_equal(a.e, ERR_CONFLICT);
	assert_non_null(strstr(a.err.msg, "version 999"));
	migrate_result_fini(&a.ret);
}

static void dry_run_prints_all(void **state)
{
	const char *url = pgtemp_database(pg, "dry", NULL);
	struct run a = { .url = url, .o.dry_run = true };

	(void)state;
	migrate_once(&a);
	expect_ok(&a);
	assert_string_equal(pgtemp_sql(pg, url, "SELECT to_regnamespace('ringdown') IS NULL"), "t");
	assert_non_null(strstr(str_get(&a.ret.out), "CREATE TABLE ringdown.journal ("));
	assert_non_null(strstr(str_get(&a.ret.out), "CREATE UNIQUE INDEX CONCURRENTLY"));
	migrate_result_fini(&a.ret);
}

struct guard_case { struct store *s; int same, other; struct err err; };

static void guard_task(void *arg)
{
	struct guard_case *g = arg;

	g->same = environment_check(g->s, "test", &g->err);
	g->other = environment_check(g->s, "production", &g->err);
}

/* A restored copy: the row came along, the database has another name. */
static void copies_are_noticed(void **state)
{
	const char *url = pgtemp_database(pg, "copy", "fresh");
	struct store_options o = { .url = url, .engine_id = "test" };
	struct loop *l = loop_new();
	struct guard_case g = { .s = store_open(l, &o, NULL) };

	(void)state;
	in_task(l, guard_task, &g);
	store_close(g.s);
	loop_free(l);
	assert_int_equal(g.same, ERR_DENIED);
	assert_int_equal(g.other, ERR_DENIED);
	assert_non_null(strstr(g.err.msg, "belongs to environment 'test'"));
}

static bool may(const char *role, const char *url, const char *sql)
{
	char text[600];

	snprintf(text, sizeof(text), "DO $$ BEGIN SET LOCAL ROLE %s; EXECUTE $q$%s$q$;"
		 " PERFORM set_config('t.ok', 'yes', false);"
		 " EXCEPTION WHEN insufficient_privilege OR undefined_column THEN"
		 " PERFORM set_config('t.ok', 'no', false); END $$;"
		 " SELECT current_setting('t.ok')", role, sql);
	return strcmp(pgtemp_sql(pg, url, text), "yes") == 0;
}

static bool console_may(const char *url, const char *sql)
{
	return may("ringdown_console", url, sql);
}

static void runbook_role(void **state)
{
	static const char *const no[] = {
		"SELECT \"authToken\" FROM \"TwilioAccount\"", "SELECT * FROM ringdown.account_ext",
		"SELECT * FROM ringdown.token", "SELECT * FROM ringdown.meta",
		"SELECT * FROM ringdown.outbox", "UPDATE ringdown.control SET paused = true",
		"DELETE FROM \"VoiceAgent\"", "UPDATE \"OrgSettings\" SET \"smsDisabled\" = true",
		"INSERT INTO calls (id) VALUES ('x')", "CREATE TABLE t (a int)",
		"CREATE TABLE ringdown.t (a int)",
	};
	const char *url = pgtemp_database(pg, "runbook_role", "fresh");

	(void)state;
	assert_true(may("ringdown_runbook", url, "SELECT content FROM \"MessageLog\""));
	assert_true(may("ringdown_runbook", url, "SELECT * FROM calls, call_recordings,"
						 " webhook_logs"));
	assert_true(may("ringdown_runbook", url, "SELECT \"accountSid\" FROM \"TwilioAccount\""));
	assert_true(may("ringdown_runbook", url, "SELECT * FROM ringdown.event"));
	for (size_t i = 0; i < COUNT_OF(no); i++)
		if (may("ringdown_runbook", url, no[i]))
			fail_msg("the role of runbooks may: %s", no[i]);
}

static void console_role(void **state)
{
	const char *url = pgtemp_database(pg, "role", "fresh");

	(void)state;
	assert_true(console_may(url, "SELECT * FROM ringdown.journal"));
	assert_true(console_may(url, "SELECT id, \"accountSid\" FROM \"TwilioAccount\""));
	assert_true(console_may(url, "SELECT status, metadata FROM \"MessageLog\""));
	assert_true(console_may(url, "SELECT text FROM ringdown.note"));
	assert_false(console_may(url, "SELECT content FROM \"MessageLog\""));
	assert_false(console_may(url, "SELECT \"authToken\" FROM \"TwilioAccount\""));
	assert_false(console_may(url, "SELECT * FROM ringdown.account_ext"));
	assert_false(console_may(url, "SELECT * FROM ringdown.token"));
	assert_false(console_may(url, "SELECT * FROM ringdown.meta"));
	assert_false(console_may(url, "SELECT payload FROM ringdown.outbox"));
	assert_false(console_may(url, "SELECT message_body FROM sms_messages"));
	assert_false(console_may(url, "SELECT * FROM call_transcriptions"));
	assert_false(console_may(url, "SELECT * FROM \"User\""));
	assert_false(console_may(url, "UPDATE ringdown.control SET paused = true"));
	assert_false(console_may(url, "DELETE FROM \"VoiceAgent\""));
}

/* A busy table: the lock is tried for 2 s at a time and got once it is free. */
static void waits_for_locks_politely(void **state)
{
	const char *url = pgtemp_database(pg, "busy", NULL);
	struct run a = { .url = url };
	char sql[400];

	(void)state;
	pgtemp_sql(pg, url, "CREATE TABLE \"VoiceAgent\" (id text PRIMARY KEY)");
	snprintf(sql, sizeof(sql), "psql '%s' -qc 'BEGIN; LOCK TABLE \"VoiceAgent\"; SELECT"
		 " pg_sleep(3)' >/dev/null 2>&1 &", url);
	assert_int_equal(system(sql), 0); /* a test may use the shell */
	pgtemp_sql(pg, url, "DO $$ BEGIN LOOP EXIT WHEN EXISTS (SELECT 1 FROM pg_locks WHERE mode ="
		   " 'AccessExclusiveLock' AND relation = '\"VoiceAgent\"'::regclass);"
		   " PERFORM pg_sleep(0.02); END LOOP; END $$");
	migrate_once(&a);
	expect_ok(&a);
	assert_int_equal(a.ret.to, migrate_version());
	migrate_result_fini(&a.ret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_nothing_and_again),
		cmocka_unit_test(two_at_once),
		cmocka_unit_test(beside_an_application),
		cmocka_unit_test(checks_respect_rows),
		cmocka_unit_test(prisma_is_only_checked),
		cmocka_unit_test(times_without_a_zone),
		cmocka_unit_test(clash_changes_nothing),
		cmocka_unit_test(newer_is_refused),
		cmocka_unit_test(dry_run_prints_all),
		cmocka_unit_test(copies_are_noticed),
		cmocka_unit_test(console_role), cmocka_unit_test(runbook_role),
		cmocka_unit_test(waits_for_locks_politely),
	};
	int failed;

	pg = pgtemp_start();
	failed = cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
	pgtemp_stop(pg);
	return failed;
}
