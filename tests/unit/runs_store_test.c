/* Runs as rows: orders meet in the run's row, entries are never changed, the chain holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/task.h"
#include "store/journal.h"
#include "store/runs.h"
#include "tests/lib/storetest.h"

static struct storetest st;
static const struct who jane = { .actor = "jane", .role = "operator", .via = "api" };

#define OK(call)                                                                                   \
	do {                                                                                       \
		struct err err_ = { 0 }, *err = &err_;                                             \
		int e_ = (call);                                                                   \
		if (e_ < 0)                                                                        \
			fail_msg("%s: %d %s", #call, e_, err_.msg);                                \
	} while (0)

static int append(struct store *s, const char *id, int64_t n, int status, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct run r = { .runbook = (char *)"book", .kind = (char *)"real", .status = status,
			 .ended_at_ms = status == RUN_DONE ? 5000 : 0 };
	struct run_update u = { .summary = &r, .doc = status == RUN_DONE ? "{\"id\":1}" : NULL };
	struct run_told told = { .note = "book: a step" };
	struct run_entry_row e = { .n = n, .at_ms = 1000 + n, .kind = (char *)"note",
				   .by = (char *)"jane", .data = (char *)"{\"text\":\"x\"}" };
	int x = tx_begin(s, &t, &jane, err);

	if (x == 0)
		x = run_append(&t, id, &e, &told, 1, &u, err);
	return x < 0 ? x : tx_commit(&t, NULL, err);
}

static char *start(struct store *s)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct run r = { .runbook = (char *)"book", .kind = (char *)"real" };
	struct run_update u = { .summary = &r, .note = "book: started by jane" };
	struct run_entry_row e = { .n = 1, .at_ms = 1000, .kind = (char *)"started" };
	char *id = NULL;

	OK(tx_begin(s, &t, &jane, err));
	OK(run_next_id(&t, &id, err));
	OK(run_create(&t, id, &e, &u, err));
	OK(tx_commit(&t, NULL, err));
	return id;
}

static void one_after_the_other(void *store)
{
	struct store *s = store;
	_cleanup_(free_p) char *id = start(s), *doc = NULL;
	struct run_entry_row *rows;
	struct run *list;
	struct journal_verdict v = { 0 };
	struct runs_verdict all;
	struct err no = { 0 };
	int64_t bad, version;
	size_t n;

	assert_string_equal(id, "RUN-1");
	OK(append(s, id, 2, RUN_WAITING, err));
	assert_int_equal(append(s, id, 2, RUN_WAITING, &no), ERR_CONFLICT);
	assert_int_equal(append(s, id, 9, RUN_WAITING, &no), ERR_CONFLICT);
	assert_int_equal(append(s, "RUN-7", 2, RUN_WAITING, &no), ERR_NOT_FOUND);
	OK(append(s, id, 3, RUN_DONE, err));
	OK(run_version(s, id, &version, err));
	assert_int_equal(version, 3);
	OK(run_entries(s, id, 1, 10, &rows, &n, err));
	assert_int_equal(n, 2);
	assert_string_equal(rows[1].data, "{\"text\":\"x\"}");
	run_entry_rows_free(rows, n);
	OK(runs_list(s, "open", NULL, NULL, 10, &list, &n, err));
	assert_int_equal(n, 0);
	runs_list_free(list, n);
	OK(runs_list(s, NULL, "book", NULL, 10, &list, &n, err));
	assert_int_equal(n, 1);
	assert_int_equal(list[0].version, 3);
	assert_int_equal(list[0].status, RUN_DONE);
	runs_list_free(list, n);
	OK(run_stored_doc(s, id, &doc, err));
	assert_string_equal(doc, "{\"id\":1}");
	OK(run_verify(s, id, &bad, err));
	assert_int_equal(bad, 0);
	OK(runs_verify(s, &all, err));
	assert_true(all.ok);
	assert_int_equal(all.checked, 1);
	OK(journal_verify(s, &v, err));
	assert_true(v.ok);
}

/* Neither by the program nor by hand. */
static void never_changed(void *store)
{
	struct store *s = store;
	_cleanup_(free_p) char *id = start(s);
	struct runs_verdict all;
	struct err no = { 0 };
	int64_t bad;

	OK(append(s, id, 2, RUN_WAITING, err));
	assert_true(store_query(s, NULL, &no, "UPDATE ringdown.run_entry SET by = 'ben'", "") < 0);
	assert_true(store_query(s, NULL, &no, "DELETE FROM ringdown.run_entry", "") < 0);
	OK(store_query(s, NULL, err, "ALTER TABLE ringdown.run_entry DISABLE TRIGGER ALL", ""));
	OK(store_query(s, NULL, err, "UPDATE ringdown.run_entry SET by = 'ben' WHERE n = 2", ""));
	OK(run_verify(s, id, &bad, err));
	assert_int_equal(bad, 2);
	OK(runs_verify(s, &all, err));
	assert_false(all.ok);
	assert_string_equal(all.bad, id);
	assert_int_equal(all.bad_entry, 2);
	OK(store_query(s, NULL, err, "DELETE FROM ringdown.run_entry WHERE n = 2", ""));
	OK(run_verify(s, id, &bad, err));
	assert_int_equal(bad, 2);
}

struct side { struct store *s; const char *id; int e; };
static void give_order(void *arg)
{
	struct side *x = arg;
	struct err no = { 0 };

	x->e = append(x->s, x->id, 2, RUN_WAITING, &no);
}

static void start_task(void *store)
{
	free(start(store));
}

static void two_at_once(void **state)
{
	(void)state;
	struct loop *l = loop_new();
	const char *url = storetest_database(&st);
	struct store *s[2] = { storetest_open(&st, l, url, "a"), storetest_open(&st, l, url, "b") };

	for (int round = 0; round < 20; round++) {
		_cleanup_(free_p) char *id = xasprintf("RUN-%d", round + 1);
		struct side x[2] = { { s[0], id, 0 }, { s[1], id, 0 } };
		void *args[2] = { &x[0], &x[1] };

		in_task(l, start_task, s[0]);
		in_tasks(l, 2, give_order, args);
		assert_int_equal(x[0].e + x[1].e, ERR_CONFLICT);
	}
	store_close(s[0]);
	store_close(s[1]);
	loop_free(l);
}

static void run_one(void **state) { (void)state; storetest_run(&st, one_after_the_other); }
static void run_fixed(void **state) { (void)state; storetest_run(&st, never_changed); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_one),
		cmocka_unit_test(run_fixed),
		cmocka_unit_test(two_at_once),
	};

	storetest_start(&st);
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	storetest_stop(&st);
	return r;
}
