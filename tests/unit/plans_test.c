/*
 * What the engine's timers and the console ask for on tables that only grow is found by index:
 * the server's own count of rows read in sequence stays where it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "read/timeline.h"
#include "store/events.h"
#include "store/journal.h"
#include "store/outbox.h"
#include "tests/lib/storetest.h"

static struct storetest st;
static const int64_t t0 = 1760918400000;	/* 2025-10-20T00:00:00Z */

static void must(int e, const struct err *err)
{
	if (e < 0)
		fail_msg("%s", err->msg);
}

static void fill(struct store *s)
{
	static const char *const sql[] = {
		"INSERT INTO ringdown.journal (seq, at, level, kind, subject, actor, text, hash) SELECT"
		" n, $1::timestamptz + n * interval '1 s', 'info', CASE n % 4 WHEN 0 THEN 'event.step'"
		" WHEN 1 THEN 'event.test' WHEN 2 THEN 'account.health' ELSE 'run' END, 'EV-' || n,"
		" 'engine', 'x', '' FROM generate_series(1000, 30000) n",
		"INSERT INTO ringdown.note (happened_at, recorded_at, by, text) SELECT $1::timestamptz"
		" + n * interval '9 s', $1, 'anna', 'x' FROM generate_series(1, 5000) n",
		"INSERT INTO ringdown.event (id, status, severity, trigger_type, lineage, from_account,"
		" opened_at, state_since) SELECT 'EV-' || n, 'cancelled', 'minor', 'AUTOMATIC',"
		" 'acc' || n % 3, 'a', $1::timestamptz + n * interval '1 h', $1 FROM"
		" generate_series(1, 40000) n",
		"INSERT INTO ringdown.incident (id, title, severity, state, kind, declared_by,"
		" declared_at, changed_at) SELECT 'INC-' || n, 't', 'P2', 'closed', 'real', 'anna',"
		" $1::timestamptz + n * interval '1 h', $1 FROM generate_series(1, 10000) n",
		"INSERT INTO ringdown.run (id, version, runbook, status, kind, started_at, ended_at,"
		" summary) SELECT 'RUN-' || n, 1, 'r', 'completed', 'real', $1::timestamptz + n *"
		" interval '1 h', $1, '{}' FROM generate_series(1, 10000) n",
		"INSERT INTO ringdown.alert (id, name, subject, state, since, seen_at, resolved_at)"
		" SELECT 'AL-' || n, 'm', 's' || n, 'resolved', $1::timestamptz + n * interval '1 h',"
		" $1, $1 FROM generate_series(1, 20000) n",
		"INSERT INTO ringdown.outbox (channel, kind, payload, state, created_at, next_at) SELECT"
		" 'mail', 'x', '{}', 'sent', $1::timestamptz + n * interval '1 h', $1 FROM"
		" generate_series(1, 20000) n",
	};
	struct err err = { 0 };

	for (size_t i = 0; i < COUNT_OF(sql); i++)
		must(store_query(s, NULL, &err, sql[i], "m", t0), &err);
	must(store_query(s, NULL, &err, "ANALYZE", ""), &err);
}

/* Rows read in sequence so far, of tables that are not small. Their counts are told to the
 * server at the end of a statement only when it is asked for. */
static int64_t in_sequence(struct store *s, char *ret_worst, size_t n)
{
	struct pg_result *r = NULL;
	struct err err = { 0 };
	int64_t sum;

	must(store_query(s, NULL, &err, "SELECT pg_stat_force_next_flush()", ""), &err);
	must(store_query(s, &r, &err, "SELECT sum(seq_tup_read) OVER (), relname FROM"
			 " pg_stat_user_tables WHERE schemaname = 'ringdown' AND relname IN"
			 " ('journal', 'note', 'event', 'incident', 'run', 'alert', 'outbox')"
			 " ORDER BY seq_tup_read DESC LIMIT 1", ""), &err);
	sum = pg_i64(r, 0, 0);
	snprintf(ret_worst, n, "%s", pg_text(r, 0, 1));
	pg_result_free(r);
	return sum;
}

/* ---- what is asked ------------------------------------------------------------- */

static void page(struct store *s, struct timeline_window w)
{
	struct timeline_entry *v = NULL;
	struct pg_conn *c = NULL;
	struct err err = { 0 };
	char *next = NULL;
	size_t n = 0;

	w.limit = 50;
	must(pg_acquire(s->pool, &c, &err), &err);
	must(read_timeline(c, &w, &v, &n, &next, &err), &err);
	pg_release(c);
	records_free(&timeline_entry_type, v, n);
	free_p(&next);
}

static void timeline_pages(struct store *s)
{
	static const char *const lanes[] = { "account", "event", "run", "alert", "message",
					     "people", "outside", "engine" };
	const int64_t middle = t0 + 15000000;

	for (int forward = 0; forward < 2; forward++) {
		page(s, (struct timeline_window){ .forward = forward });
		page(s, (struct timeline_window){ .forward = forward, .at_ms = middle });
		page(s, (struct timeline_window){ .forward = forward, .at_ms = middle,
						  .noise = true });
		for (size_t i = 0; i < COUNT_OF(lanes); i++)
			page(s, (struct timeline_window){ .forward = forward, .lane = lanes[i] });
		page(s, (struct timeline_window){ .forward = forward, .incident = "INC-5",
						  .from_ms = middle, .to_ms = middle + 3600000 });
		page(s, (struct timeline_window){ .forward = forward, .incident = "INC-5",
						  .pinned = true });
	}
}

static void audit(struct store *s)
{
	static const char *const kinds[] = { NULL, "event.test", "run", "nothing" };
	struct journal_row *rows = NULL;
	struct err err = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		must(journal_before(s, i == 2 ? 15000 : 0, NULL, kinds[i], NULL, 50, &rows, &n,
				    &err), &err);
		assert_int_equal(n, i == 3 ? 0 : 50);
		journal_rows_free(rows, n);
	}
	must(journal_before(s, 0, "EV-5000", NULL, NULL, 50, &rows, &n, &err), &err);
	assert_int_equal(n, 1);
	journal_rows_free(rows, n);
}

static void timers(struct store *s)
{
	struct event_row *rows = NULL;
	struct err err = { 0 };
	int64_t waiting, dead;
	char **ids = NULL;
	size_t n = 0;

	must(events_current(s, &rows, &n, &err), &err);
	assert_int_equal(n, 3);		/* the last of each lineage */
	event_rows_free(rows, n);
	must(events_in(s, 1u << EV_EXECUTING | 1u << EV_APPROVED, &ids, &n, &err), &err);
	assert_int_equal(n, 0);
	free_p(&ids);
	must(outbox_counts(s, &waiting, &dead, &err), &err);
	assert_int_equal(waiting + dead, 0);
}

static void by_index(void *arg)
{
	static void (*const asks[])(struct store *s) = { timeline_pages, audit, timers };
	struct store *s = arg;
	char worst[64];

	fill(s);
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		int64_t before = in_sequence(s, worst, sizeof(worst)), rows;

		asks[i](s);
		rows = in_sequence(s, worst, sizeof(worst)) - before;
		if (rows > 1000)
			fail_msg("part %zu read %lld rows in sequence, most of %s", i,
				 (long long)rows, worst);
	}
}

static int start(void **state) { (void)state; storetest_start(&st); return 0; }
static int stop(void **state) { (void)state; storetest_stop(&st); return 0; }
static void t_by_index(void **state) { (void)state; storetest_run(&st, by_index); }

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(t_by_index) };

	return cmocka_run_group_tests(tests, start, stop);
}
