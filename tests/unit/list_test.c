/* Tables and dialogs: cursor by key, filter, sort, widths by policy; what confirms and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "ui/dialog.h"
#include "ui/keys.h"
#include "ui/list.h"
#include "ui/when.h"

struct rec {
	const char *name;
	int64_t n;
	const char *note;
};

static enum role col_again(void *ctx, const void *rec, char *buf)
{
	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", ((const struct rec *)rec)->name);
	return ROLE_normal;
}

static const struct column columns[] = {
	{ .title = "NAME", .w = 8, .wide = 12, .show = MEMBER(rec, name) },
	{ .title = "N", .w = 6, .align = 1, .show = MEMBER(rec, n), .drop = 1 },
	{ .title = "AGAIN", .w = 10, .grow = true, .text = col_again,
	  .sort_by = MEMBER(rec, n), .drop = 2 },
};

static struct rec recs[] = {
	{ "delta", 4, NULL },
	{ "alpha", 10, "" },
	{ "charlie", 2, "a note" },
	{ "bravo", 30, NULL },
};

static void fill(struct list *l, size_t n)
{
	list_begin(l);
	for (size_t i = 0; i < n; i++)
		list_add(l, &recs[i], recs[i].name);
	list_end(l);
}

static const char *at(struct list *l, int i)
{
	return ((const struct rec *)l->rows[i].rec)->name;
}

static void test_cursor_sticks(void **state)
{
	struct list l;

	(void)state;
	list_init(&l, columns, COUNT_OF(columns), NULL);
	fill(&l, 4);
	list_act(&l, ACT_DOWN);
	assert_string_equal(l.key, "alpha");
	l.sort = 1;
	fill(&l, 4);
	assert_string_equal(at(&l, 0), "charlie");
	assert_int_equal(l.cursor, 2);
	list_set_filter(&l, "ALPH");
	fill(&l, 4);
	assert_int_equal(l.total, 1);
	assert_int_equal(l.cursor, 0);
	list_set_filter(&l, "nothing");
	fill(&l, 4);
	assert_int_equal(l.total, 0);
	assert_null(list_selected(&l));
	list_act(&l, ACT_BOTTOM);
	list_act(&l, ACT_UP);
	assert_int_equal(l.cursor, 0);
	list_fini(&l);
}

static void test_sort(void **state)
{
	struct list l;

	(void)state;
	list_init(&l, columns, COUNT_OF(columns), NULL);
	list_act(&l, ACT_SORT);
	fill(&l, 4);
	assert_string_equal(at(&l, 0), "alpha");
	list_act(&l, ACT_SORT);
	list_act(&l, ACT_SORT_REVERSE);
	fill(&l, 4);
	assert_string_equal(at(&l, 0), "bravo");
	assert_string_equal(at(&l, 3), "charlie");
	list_act(&l, ACT_SORT);
	fill(&l, 4);
	assert_string_equal(at(&l, 0), "charlie");
	assert_string_equal(at(&l, 1), "delta");
	list_fini(&l);
}

/* What is empty is said in words, and in another role; it is what the filter looks at. */
static void test_none(void **state)
{
	static const struct column noted[] = {
		{ .title = "NOTE", .w = 8, .show = MEMBER(rec, note), .role = ROLE_count,
		  .none = "nothing", .none_role = ROLE_dim },
	};
	struct list l;
	struct cells c;

	(void)state;
	list_init(&l, noted, COUNT_OF(noted), NULL);
	cells_init(&c);
	cells_resize(&c, 20, 5);
	fill(&l, 4);
	list_draw(&l, area_all(&c), NULL, false);
	assert_int_equal(c.at[2 * c.w + 1].role, ROLE_dim);
	assert_int_equal(c.at[3 * c.w + 1].role, ROLE_count);
	list_set_filter(&l, "nothing");
	fill(&l, 4);
	assert_int_equal(l.total, 3);
	cells_fini(&c);
	list_fini(&l);
}

static void test_widths(void **state)
{
	struct list l;
	struct cells c;
	struct str s = STR_INIT(4096);

	(void)state;
	list_init(&l, columns, COUNT_OF(columns), NULL);
	fill(&l, 4);
	cells_init(&c);
	for (int w = 60; w > 0; w--) {
		cells_resize(&c, w, 5);
		list_draw(&l, area_all(&c), "ROWS 4", true);
		str_clear(&s);
		cells_row_text(&c, 1, &s);
		if (w >= 27)
			assert_non_null(strstr(str_get(&s), "4 delta"));
		else if (w >= 16)
			assert_non_null(strstr(str_get(&s), "delta         4"));
		else if (w >= 10)
			assert_string_equal(str_get(&s), ">delta");
	}
	str_fini(&s);
	cells_fini(&c);
	list_fini(&l);
}

static struct rec window_rec = { "row", 1, NULL };
static const void *window_row(void *ctx, int64_t i, char key[64])
{
	(void)ctx;
	if (key)
		snprintf(key, 64, "%lld", (long long)i);
	return i % 2 ? &window_rec : NULL;
}

static void test_window(void **state)
{
	struct list l;
	struct cells c;

	(void)state;
	list_init(&l, columns, COUNT_OF(columns), NULL);
	cells_init(&c);
	cells_resize(&c, 40, 11);
	list_window(&l, 10000000, window_row);
	list_draw(&l, area_all(&c), NULL, true);
	list_act(&l, ACT_BOTTOM);
	list_draw(&l, area_all(&c), NULL, true);
	assert_int_equal(l.cursor, 9999999);
	assert_int_equal(l.top, 9999990);
	list_act(&l, ACT_PAGE_UP);
	assert_int_equal(l.cursor, 9999990);
	list_window(&l, 3, window_row);
	assert_int_equal(l.cursor, 2);
	cells_fini(&c);
	list_fini(&l);
}

/* ---- the dialog ------------------------------------------------------------------- */

struct decided {
	int confirmed, closed;
	const char *happened;
};

static void on_confirm(void *ctx, struct dialog *d)
{
	(void)d;
	((struct decided *)ctx)->confirmed++;
}

static void on_closed(void *ctx)
{
	((struct decided *)ctx)->closed++;
}

static const char *on_check(void *ctx)
{
	return ((struct decided *)ctx)->happened;
}

static const struct dialog_events on = { on_confirm, on_closed, on_check };

static void type(struct dialog *d, const char *keys, int64_t now)
{
	for (; *keys; keys++)
		dialog_key(d, (unsigned char)*keys, now);
}

static void test_dialog_word(void **state)
{
	struct dialog d = { 0 };
	struct decided x = { 0 };

	(void)state;
	dialog_open(&d, "T", "approve", DIALOG_WORD, &on, &x);
	type(&d, "7c1e\r", 1000);			/* still loading */
	dialog_arm(&d, "7c1e");
	type(&d, "7c1e\r", 1000);			/* not painted yet: type-ahead */
	dialog_painted(&d, 1000);
	type(&d, "7c1e\r", 1050);			/* nobody reads that fast */
	assert_int_equal(x.confirmed, 0);
	assert_true(dialog_is_open(&d));
	type(&d, "wrong\r", 2000);
	assert_int_equal(x.confirmed, 0);
	assert_true(dialog_is_open(&d));
	type(&d, "7c1e\r", 2000);
	assert_int_equal(x.confirmed, 1);
	dialog_close(&d);
	assert_int_equal(x.closed, 1);
}

static void test_dialog_no(void **state)
{
	static const char *const noes[] = { "\r", "\033", "\003" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(noes); i++) {
		struct dialog d = { 0 };
		struct decided x = { 0 };
		dialog_open(&d, "T", "approve", DIALOG_WORD, &on, &x);
		dialog_arm(&d, "word");
		dialog_painted(&d, 1000);
		type(&d, noes[i], 2000);
		assert_false(dialog_is_open(&d));
		assert_int_equal(x.confirmed, 0);
		assert_int_equal(x.closed, 1);
	}
}

static void test_dialog_disarms(void **state)
{
	struct dialog d = { 0 };
	struct decided x = { 0 };

	(void)state;
	dialog_open(&d, "T", "approve", DIALOG_WORD, &on, &x);
	dialog_arm(&d, "word");
	dialog_painted(&d, 1000);
	type(&d, "word", 2000);
	x.happened = "ben approved it 2 s before you";
	dialog_update(&d);
	type(&d, "\r", 2100);
	assert_int_equal(x.confirmed, 0);
	assert_false(dialog_is_open(&d));
	/* a paste never fills the word */
	dialog_open(&d, "T", "approve", DIALOG_WORD, &on, &x);
	x.happened = NULL;
	dialog_arm(&d, "word");
	dialog_painted(&d, 3000);
	dialog_paste(&d, "word", 4, 4000);
	assert_int_equal(d.typed.len, 0);
	dialog_close(&d);
}

static void test_dialog_reasons(void **state)
{
	struct dialog d = { 0 };
	struct decided x = { 0 };

	(void)state;
	dialog_open(&d, "T", "reject", DIALOG_WORD, &on, &x);
	snprintf(d.reasons[0], sizeof(d.reasons[0]), "first");
	snprintf(d.reasons[1], sizeof(d.reasons[1]), "second");
	dialog_arm(&d, "word");
	dialog_painted(&d, 1000);
	dialog_key(&d, KEY_DOWN, 2000);
	assert_string_equal(dialog_reason(&d), "second");
	dialog_key(&d, KEY_TAB, 2000);
	type(&d, "1", 2000);
	assert_string_equal(dialog_reason(&d), "first");
	type(&d, "mine", 2000);
	assert_string_equal(dialog_reason(&d), "mine");
	/* own words needed: nothing goes without them */
	dialog_open(&d, "T", "reject", DIALOG_WORD, &on, &x);
	d.own_reason = true;
	dialog_arm(&d, "word");
	dialog_painted(&d, 3000);
	dialog_key(&d, KEY_TAB, 4000);
	type(&d, "word\r", 4000);
	assert_int_equal(x.confirmed, 0);
	type(&d, "because\r", 4000);
	assert_int_equal(x.confirmed, 1);
	dialog_close(&d);
}

static void test_dialog_sizes(void **state)
{
	struct cells c;

	(void)state;
	cells_init(&c);
	for (int w = 1; w < 90; w += 3)
		for (int h = 1; h < 30; h++) {
			struct dialog d = { 0 };
			struct decided x = { 0 };
			cells_resize(&c, w, h);
			dialog_open(&d, "TITLE", "approve", DIALOG_WORD, &on, &x);
			for (int i = 0; i < 12; i++)
				dialog_line(&d, ROLE_normal, "LABEL",
					    "line %d of some length to be wrapped", i);
			dialog_arm(&d, "word");
			dialog_draw(&d, area_all(&c), 0);
			dialog_close(&d);
		}
	cells_fini(&c);
}

static void test_countdown(void **state)
{
	static const struct {
		struct countdown c;
		const char *text;
	} t[] = {
		{ { .at_ms = 401000 + 1000000, .now_ms = 1000000 }, "06:41" },
		{ { .at_ms = 401000 + 1000000, .now_ms = 1000000, .stale = true }, "~06:41" },
		{ { .at_ms = 1000000 - 12000, .now_ms = 1000000, .stale = true },
		  "deadline passed 0:12 ago, outcome unknown" },
		{ { .at_ms = 1000000 - 12000, .now_ms = 1000000 }, "deciding" },
		{ { .at_ms = 1400000, .now_ms = 1000000, .last_test_ms = 1000000 - 94000 },
		  "no test for 94 s" },
		{ { .at_ms = 1000000 + 900000, .now_ms = 1000000 }, "15m" },
		{ { .at_ms = 1000000 + 900000, .now_ms = 1000000, .exact = true }, "15:00" },
		{ { .at_ms = 1000000 + 3850000, .now_ms = 1000000 }, "1:04:10" },
		{ { .at_ms = 1000400, .now_ms = 1000000 }, "00:01" },
		{ { .at_ms = 0, .now_ms = 1000000 }, "-" },
	};
	char buf[WHEN_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		when_countdown(buf, &t[i].c);
		assert_string_equal(buf, t[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cursor_sticks),  cmocka_unit_test(test_sort),
		cmocka_unit_test(test_none),	       cmocka_unit_test(test_window),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_dialog_word),    cmocka_unit_test(test_dialog_no),
		cmocka_unit_test(test_dialog_disarms), cmocka_unit_test(test_dialog_reasons),
		cmocka_unit_test(test_dialog_sizes),   cmocka_unit_test(test_countdown),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
