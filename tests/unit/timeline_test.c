/*
 * The timeline on a real PostgreSQL: one order whatever the page size and the direction, also
 * where many rows share a millisecond; lanes, noise, pins, search, and notes that happened
 * when nobody was writing yet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "read/timeline.h"
#include "store/incidents.h"
#include "tests/lib/storetest.h"

static struct storetest st;
static const struct who anna = { .actor = "anna", .role = "operator", .via = "api" };
static const int64_t t0 = 1760918400000;	/* 2025-10-20T00:00:00Z */

static void must(int e, const struct err *err)
{
	if (e < 0)
		fail_msg("%s", err->msg);
}

static void journal(struct store *s, int seq, int64_t at_ms, const char *kind, const char *subject,
		    const char *text)
{
	struct err err = { 0 };

	must(store_query(s, NULL, &err, "INSERT INTO ringdown.journal (seq, at, level, kind,"
			 " subject, actor, text, hash) VALUES ($1, $2, 'info', $3, $4, 'engine',"
			 " $5, '')", "imttt",
			 (int64_t)seq, at_ms, kind, subject, text), &err);
}

static size_t page(struct store *s, struct timeline_window *w, struct timeline_entry **ret,
		   char **next)
{
	struct pg_conn *c = NULL;
	struct err err = { 0 };
	size_t n = 0;

	must(pg_acquire(s->pool, &c, &err), &err);
	must(read_timeline(c, w, ret, &n, next, &err), &err);
	pg_release(c);
	return n;
}

/* Ids of all entries in order, by pages of `limit`. */
static char *walk(struct store *s, struct timeline_window w)
{
	struct str all = STR_INIT(20000);
	char *cursor = NULL;

	do {
		struct timeline_entry *v = NULL;
		char *next = NULL;
		size_t n;

		w.cursor = cursor;
		n = page(s, &w, &v, &next);
		for (size_t i = 0; i < n; i++)
			str_addf(&all, "%s ", v[i].id);
		records_free(&timeline_entry_type, v, n);
		free_p(&cursor);
		cursor = next;
	} while (cursor);
	return str_take(&all);
}

static void expect(struct store *s, struct timeline_window w, const char *want)
{
	for (int64_t limit = 1; limit <= 20; limit += limit < 4 ? 1 : 8) {
		_cleanup_(free_p) char *got = NULL;

		w.limit = limit;
		got = walk(s, w);
		assert_string_equal(got, want);
	}
}

static void one_order(void *arg)
{
	struct store *s = arg;
	struct note_new early = { .text = "calls fail", .happened_at_ms = t0 + 5 },
			same = { .text = "same instant", .happened_at_ms = t0 + 20 };
	struct timeline_window back = { .to_ms = t0 + 1000 }, forth = back;
	struct err err = { 0 };

	forth.forward = true;
	must(note_put(s, &anna, &early, NULL, &err), &err);
	must(note_put(s, &anna, &same, NULL, &err), &err);
	for (int i = 0; i < 4; i++)
		journal(s, 100 + i, t0 + 20, "event.test", "EV-1", "test");
	journal(s, 104, t0 + 10, "account.health", "acme", "acme is degraded");
	journal(s, 105, t0 + 30, "event.pending", "EV-1", "window opens");
	expect(s, back, "j:105 j:103 j:102 j:101 j:100 n:2 j:104 n:1 ");
	expect(s, forth, "n:1 j:104 n:2 j:100 j:101 j:102 j:103 j:105 ");
	back.at_ms = t0 + 20;		/* a seek lands in the middle */
	expect(s, back, "j:103 j:102 j:101 j:100 n:2 j:104 n:1 ");
}

static void lanes_and_noise(void *arg)
{
	struct store *s = arg;
	struct timeline_window w = { .to_ms = t0 + 1000, .forward = true };
	struct note_new import = { .kind = "import", .text = "500s seen", .source = "chat.csv:3",
				   .original = "00:15 PST Oct 20", .doubt = "PST in October",
				   .happened_at_ms = t0 + 2 };
	struct timeline_entry *v = NULL;
	struct err err = { 0 };
	char *next = NULL;

	must(note_put(s, &anna, &import, NULL, &err), &err);
	assert_int_equal(note_put(s, &anna, &import, NULL, &err), ERR_EXISTS);	/* imported twice */
	journal(s, 200, t0 + 1, "event.step", "EV-1", "step 1 lock: running");
	journal(s, 201, t0 + 3, "event.completed", "EV-1", "40 of 40");
	journal(s, 202, t0 + 4, "unheard.of", "x", "new kind of 100%");
	expect(s, w, "n:1 j:201 j:202 ");
	w.noise = true;
	expect(s, w, "j:200 n:1 j:201 j:202 ");
	w.lane = "event";
	expect(s, w, "j:200 j:201 ");
	w.lane = "outside";
	expect(s, w, "n:1 ");
	w.lane = "engine";
	expect(s, w, "j:202 ");
	w.lane = NULL;
	w.q = "100%";
	expect(s, w, "j:202 ");
	w.q = "ev-1";
	expect(s, w, "j:200 j:201 ");
	w.q = "_";
	expect(s, w, "");
	w.q = NULL;
	w.limit = 10;
	page(s, &w, &v, &next);
	assert_string_equal(v[1].original, "00:15 PST Oct 20");
	assert_string_equal(v[1].doubt, "PST in October");
	assert_true(v[0].noise && !v[2].noise && !v[1].editable && !v[2].editable);
	records_free(&timeline_entry_type, v, 4);
}

/* A note that was taken back is shown with the noise, and who took it back by itself. */
static void taken_back(void *arg)
{
	struct store *s = arg;
	struct timeline_window w = { .to_ms = t0 + 1000, .forward = true, .limit = 10 };
	struct note_new n = { .text = "wrong", .source = "EV-1", .happened_at_ms = t0 + 2 };
	struct timeline_entry *v = NULL;
	_cleanup_(free_p) char *id = NULL;
	struct err err = { 0 };
	char *next = NULL;

	must(note_put(s, &anna, &n, &id, &err), &err);
	expect(s, w, "n:1 ");
	must(note_retract(s, &anna, id, 1, false, "other account", &err), &err);
	expect(s, w, "");
	w.noise = true;
	page(s, &w, &v, &next);
	assert_string_equal(v[0].text, "TAKEN BACK: wrong");
	assert_string_equal(v[0].link, "EV-1");
	assert_true(v[0].noise && v[0].retracted && v[0].editable);
	records_free(&timeline_entry_type, v, 1);
	w = (struct timeline_window){ .from_ms = t0 + 1000, .q = "taken back", .limit = 10 };
	page(s, &w, &v, &next);
	assert_string_equal(v[0].text, "N-1 of anna taken back: other account");
	records_free(&timeline_entry_type, v, 1);
}

/* What an incident hides is shown with the noise, so that it can be shown again. */
static void hidden(void *arg)
{
	struct store *s = arg;
	struct incident_new a = { .title = "a", .severity = "P1" };
	struct timeline_window w = { .lane = "outside", .forward = true, .limit = 10 };
	struct note_new import = { .kind = "import", .text = "500s", .source = "chat.csv",
				   .happened_at_ms = t0 };
	struct timeline_entry *v = NULL;
	_cleanup_(free_p) char *id = NULL;
	struct err err = { 0 };
	char *next = NULL;
	bool yes = true;

	must(incident_declare(s, &anna, &a, &id, &err), &err);
	import.incident = w.incident = id;
	must(note_put(s, &anna, &import, NULL, &err), &err);
	expect(s, w, "n:1 ");
	must(timeline_mark(s, &anna, id, "n:1", NULL, &yes, "noise of the chat", &err), &err);
	expect(s, w, "");
	w.noise = true;
	page(s, &w, &v, &next);
	assert_string_equal(v[0].text, "HIDDEN: 500s [noise of the chat]");
	assert_string_equal(v[0].annotation, "noise of the chat");
	assert_true(v[0].hidden && v[0].noise);
	records_free(&timeline_entry_type, v, 1);
	/* two who annotate one after the other: the words of the first are in the journal */
	must(timeline_mark(s, &anna, id, "n:1", NULL, NULL, "said by the carrier", &err), &err);
	w = (struct timeline_window){ .incident = id, .q = "noise of the chat", .noise = true,
				      .limit = 10 };
	page(s, &w, &v, &next);
	assert_string_equal(v[0].text, "hidden n:1: noise of the chat");
	records_free(&timeline_entry_type, v, 1);
}

/* An incident sees its window, its own notes wherever they lie, and no other incident's. */
static void of_an_incident(void *arg)
{
	struct store *s = arg;
	struct incident_new a = { .title = "a", .severity = "P1" },
		b = { .title = "b", .severity = "P2" };
	struct note_new mine = { .text = "hours before", .happened_at_ms = t0 - 3600000 },
			theirs = { .text = "not ours", .happened_at_ms = t0 + 1 };
	struct timeline_window w = { .from_ms = t0, .to_ms = t0 + 1000, .forward = true };
	_cleanup_(free_p) char *id = NULL, *other = NULL;
	struct err err = { 0 };
	bool yes = true;

	must(incident_declare(s, &anna, &a, &id, &err), &err);
	must(incident_declare(s, &anna, &b, &other, &err), &err);
	mine.incident = id;
	theirs.incident = other;
	must(note_put(s, &anna, &mine, NULL, &err), &err);
	must(note_put(s, &anna, &theirs, NULL, &err), &err);
	journal(s, 300, t0 + 2, "account.health", "acme", "acme is degraded");
	journal(s, 301, t0 + 3, "incident.severity", other, "P2");
	journal(s, 302, t0 + 4, "incident.severity", id, "P1");
	w.incident = id;
	expect(s, w, "n:1 j:300 j:302 ");
	must(timeline_mark(s, &anna, id, "j:300", &yes, NULL, "the first sign", &err), &err);
	w.pinned = true;
	expect(s, w, "j:300 ");
	w.lane = "account";
	expect(s, w, "j:300 ");
	w.lane = "event";
	expect(s, w, "");
	w.lane = "people";
	w.pinned = false;
	expect(s, w, "n:1 j:302 ");
	w.lane = NULL;
	must(timeline_mark(s, &anna, id, "j:302", NULL, &yes, NULL, &err), &err);
	expect(s, w, "n:1 j:300 ");
}

/* The same number of both sources in the same instant, wherever a page ends. */
static void ties(void *arg)
{
	struct store *s = arg;
	struct timeline_window back = { .noise = true }, forth = { .noise = true, .forward = true };
	struct note_new n = { .text = "x", .happened_at_ms = t0 };
	struct err err = { 0 };

	for (int i = 1; i <= 3; i++)
		must(note_put(s, &anna, &n, NULL, &err), &err);
	must(store_query(s, NULL, &err, "DELETE FROM ringdown.journal", ""), &err);
	for (int i = 1; i <= 4; i++)
		journal(s, i, t0, "event.test", "EV-1", "test");
	expect(s, forth, "j:1 n:1 j:2 n:2 j:3 n:3 j:4 ");
	expect(s, back, "j:4 n:3 j:3 n:2 j:2 n:1 j:1 ");
	back.q = forth.q = "E";
	expect(s, back, "j:4 j:3 j:2 j:1 ");
	back.q = forth.q = "X";
	expect(s, forth, "n:1 n:2 n:3 ");
}

/* A word that only the oldest of many rows has: each answer is bounded, the next goes on. */
static void long_search(void *arg)
{
	struct store *s = arg;
	struct timeline_window w = { .q = "ZEBRA", .limit = 10, .noise = true };
	struct timeline_entry *v = NULL;
	_cleanup_(free_p) char *cursor = NULL;
	struct err err = { 0 };
	int answers = 0;
	size_t n = 0;

	journal(s, 1, t0, "event.test", "EV-1", "a zebra");
	for (int64_t from = 2; from < 240000; from += 20000)
		must(store_query(s, NULL, &err, "INSERT INTO ringdown.journal (seq, at, level,"
				 " kind, subject, actor, text, hash) SELECT n, $1::timestamptz + n"
				 " * interval '1 ms', 'info', 'event.step', '', 'engine', 'step',"
				 " '' FROM generate_series($2::bigint, $2 + 19999) n", "mi", t0,
				 from), &err);
	do {
		char *next = NULL;

		w.cursor = cursor;
		n = page(s, &w, &v, &next);
		free_p(&cursor);
		cursor = next;
		answers++;
		if (n == 0)
			records_free(&timeline_entry_type, v, n);
	} while (cursor && n == 0);
	assert_int_equal(n, 1);
	assert_string_equal(v[0].id, "j:1");
	assert_int_equal(answers, 2);
	records_free(&timeline_entry_type, v, n);
	w.cursor = NULL;
	w.forward = true;	/* found at once, and the rest is looked through in turn */
	n = page(s, &w, &v, &cursor);
	assert_int_equal(n, 1);
	assert_non_null(cursor);
	records_free(&timeline_entry_type, v, n);
}

static void bad_positions(void *arg)
{
	struct store *s = arg;
	struct timeline_window w = { .cursor = "1-x-3", .limit = 5 };
	struct timeline_entry *v = NULL;
	struct pg_conn *c = NULL;
	struct err err = { 0 };
	char *next = NULL;
	size_t n;

	must(pg_acquire(s->pool, &c, &err), &err);
	assert_int_equal(read_timeline(c, &w, &v, &n, &next, &err), ERR_INVALID);
	assert_string_equal(err.field, "cursor");
	w.cursor = "1-j-99999999999999999999";
	assert_int_equal(read_timeline(c, &w, &v, &n, &next, &err), ERR_INVALID);
	w.cursor = NULL;
	w.lane = "moon";
	assert_int_equal(read_timeline(c, &w, &v, &n, &next, &err), ERR_INVALID);
	assert_string_equal(err.field, "lane");
	pg_release(c);
}

static int start(void **state) { (void)state; storetest_start(&st); return 0; }
static int stop(void **state) { (void)state; storetest_stop(&st); return 0; }
#define ON_DATABASE(fn) static void t_##fn(void **state) { (void)state; storetest_run(&st, fn); }
ON_DATABASE(one_order)
ON_DATABASE(lanes_and_noise)
ON_DATABASE(taken_back)
ON_DATABASE(hidden)
ON_DATABASE(of_an_incident)
ON_DATABASE(ties)
ON_DATABASE(long_search)
ON_DATABASE(bad_positions)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_one_order),	    cmocka_unit_test(t_lanes_and_noise),
		cmocka_unit_test(t_taken_back),	    cmocka_unit_test(t_hidden),
		cmocka_unit_test(t_of_an_incident), cmocka_unit_test(t_ties),
		cmocka_unit_test(t_long_search),    cmocka_unit_test(t_bad_positions),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
