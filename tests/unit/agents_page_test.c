/*
 * Pages of agents on a real PostgreSQL: each order whole and the same whatever the page, also
 * where some were never judged, and a first screen that looks at no more rows than it shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "read/agents.h"
#include "tests/lib/storetest.h"

STORETEST(st)

static void must(int e, const struct err *err)
{
	if (e < 0)
		fail_msg("%s", err->msg);
}

static void run(struct pg_conn *c, const char *sql)
{
	struct err err = { 0 };

	must(pg_script(c, sql, &err), &err);
}

/* Of each kind some: failing since and failing without, well since and without, never judged,
 * and judged ones that the application no longer has. Names repeat. */
static void fill(struct pg_conn *c, const char *n)
{
	_cleanup_(free_p) char *sql = xasprintf(
		"INSERT INTO \"VoiceAgent\" (id, name, \"twilioPhoneNumber\") SELECT 'ag' || i,"
		" 'name ' || i %% 50, CASE WHEN i %% 3 > 0 THEN '+1555' || i * 7919 %% 1000 END"
		" FROM generate_series(1, %s) i;"
		"INSERT INTO ringdown.agent_ext (agent_id, outcome, since, calls_per_day) SELECT"
		" CASE WHEN i %% 10 = 9 THEN 'gone' ELSE 'ag' END || i, CASE WHEN i %% 25 < 2 THEN"
		" 'bad' WHEN i %% 7 = 0 THEN 'unknown' ELSE 'ok' END, CASE WHEN i %% 5 > 0 THEN"
		" '2026-11-21T00:00:00Z'::timestamptz + i %% 400 * interval '1 s' END, i %% 9"
		" FROM generate_series(1, %s) i WHERE i %% 10 <> 8;"
		"ANALYZE \"VoiceAgent\"; ANALYZE ringdown.agent_ext", n, n);

	run(c, sql);
}

static void add_page(struct pg_conn *c, const struct agents_window *w, struct str *ids,
		     int64_t *ret_total)
{
	struct agent *rows = NULL;
	struct err err = { 0 };
	size_t n = 0;

	must(read_agents(c, w, &rows, &n, ret_total, &err), &err);
	for (size_t i = 0; i < n; i++)
		str_addf(ids, "%s ", rows[i].id);
	read_agents_free(rows, n);
}

static char *by_pages(struct pg_conn *c, const char *sort, int64_t limit)
{
	struct str ids = STR_INIT(100000);
	int64_t total = 1;

	for (int64_t at = 0; at < total; at += limit)
		add_page(c, &(struct agents_window){ .sort = sort, .offset = at, .limit = limit },
			 &ids, &total);
	return str_take(&ids);
}

static char *in_order(struct pg_conn *c, const char *order)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *sql = xasprintf(
		"SELECT string_agg(v.id || ' ', '' ORDER BY %s, v.id) FROM \"VoiceAgent\" v"
		" LEFT JOIN ringdown.agent_ext x ON x.agent_id = v.id", order);
	struct err err = { 0 };

	must(pg_run(c, &r, &err, sql, ""), &err);
	return xstrdup(pg_text(r, 0, 0));
}

static void orders(void *store)
{
	static const struct { const char *sort, *order; } t[] = {
		{ NULL, "(coalesce(x.outcome, 'unknown') = 'bad') DESC, x.since DESC NULLS LAST" },
		{ "name", "v.name" }, { "-name", "v.name DESC" },
		{ "-phoneNumber", "v.\"twilioPhoneNumber\" DESC NULLS LAST" }, { "id", "v.id" },
		{ "since", "x.since" }, { "-callsPerDay", "x.calls_per_day DESC NULLS LAST" },
	};
	struct pg_conn *c = NULL;
	struct err err = { 0 };

	must(pg_acquire(((struct store *)store)->pool, &c, &err), &err);
	fill(c, "600");
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		_cleanup_(free_p) char *want = in_order(c, t[i].order);

		for (int64_t limit = 7; limit <= 1000; limit = limit * 4 + 3) {
			_cleanup_(free_p) char *got = by_pages(c, t[i].sort, limit);

			assert_string_equal(got, want);
		}
	}
	pg_release(c);
}

/* Rows of the judgements that the statements of this transaction looked at. */
static int64_t looked_at(struct pg_conn *c)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	must(pg_run(c, &r, &err, "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
		    " FROM pg_stat_xact_user_tables WHERE relname = 'agent_ext'", ""), &err);
	return pg_i64(r, 0, 0);
}

static void first_screens(void *store)
{
	struct pg_conn *c = NULL;
	struct err err = { 0 };

	must(pg_acquire(((struct store *)store)->pool, &c, &err), &err);
	fill(c, "20000");
	for (int at = 0; at <= 100; at += 50) {
		_cleanup_(str_fini) struct str ids = STR_INIT(10000);
		int64_t total;

		run(c, "BEGIN");
		add_page(c, &(struct agents_window){ .offset = at, .limit = 50 }, &ids, &total);
		assert_int_equal(total, 20000);
		assert_in_range(looked_at(c), 50, 3 * (at + 50) + 50);
		run(c, "ROLLBACK");
	}
	pg_release(c);
}

static void test_orders(void **state)
{
	(void)state;
	storetest_run(&st, orders);
}

static void test_first_screens(void **state)
{
	(void)state;
	storetest_run(&st, first_screens);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders), cmocka_unit_test(test_first_screens),
	};
	return cmocka_run_group_tests(tests, storetest_up, storetest_down);
}
