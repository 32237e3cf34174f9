/* The cell grid: widths, cleaning, clipping, words that are never cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "ui/cells.h"

static struct cells grid(int w, int h, bool ascii)
{
	struct cells c;

	cells_init(&c);
	c.ascii = ascii;
	cells_resize(&c, w, h);
	return c;
}

static void expect_row(struct cells *c, int y, const char *want)
{
	struct str s = STR_INIT(4096);

	cells_row_text(c, y, &s);
	assert_string_equal(str_get(&s), want);
	str_fini(&s);
}

static void test_text(void **state)
{
	static const struct {
		const char *in, *utf8, *ascii;
	} t[] = {
		{ "plain", "plain", "plain" },
		{ "a\tb\nc", "a b c", "a b c" },
		{ "\033[31mred\033[0m", "[31mred[0m", "[31mred[0m" },
		{ "x\xc2\x9b" "31my", "x31my", "x31my" },		/* C1 CSI */
		{ "ev\xe2\x80\xae" "il", "evil", "evil" },	/* bidi override */
		{ "a\xe2\x80\x8b" "b", "ab", "ab" },		/* zero width */
		{ "e\xcc\x81t", "et", "et" },			/* combining */
		{ "\xff\xfe!", "\xef\xbf\xbd\xef\xbf\xbd!", "?\?!" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "?\?\?" }, /* surrogate */
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr?\?" },
		{ "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac", "?\?" },
		{ "\xe2\x96\x88", "\xe2\x96\x88", "@" },
		{ "\x7f\x01", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++)
		for (int ascii = 0; ascii < 2; ascii++) {
			struct cells c = grid(40, 1, ascii);
			area_text(area_all(&c), 0, 0, ROLE_normal, t[i].in);
			expect_row(&c, 0, ascii ? t[i].ascii : t[i].utf8);
			for (int x = 0; ascii && x < c.w; x++)
				assert_in_range(c.at[x].ch, 0x20, 0x7e);
			cells_fini(&c);
		}
}

static void test_wide_never_split(void **state)
{
	struct cells c = grid(5, 1, false);
	struct area a = area_all(&c);

	(void)state;
	/* the third would need columns 4 and 5 */
	assert_int_equal(area_text(a, 0, 0, ROLE_normal, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"),
			 4);
	expect_row(&c, 0, "\xe6\x97\xa5\xe6\x9c\xac");
	/* writing over either half blanks the other */
	area_put(a, 1, 0, ROLE_normal, 'x');
	expect_row(&c, 0, " x\xe6\x9c\xac");
	area_put(a, 2, 0, ROLE_normal, 'y');
	expect_row(&c, 0, " xy");
	cells_fini(&c);
}

static void test_field(void **state)
{
	static const struct {
		const char *in;
		int w, align;
		const char *out;
	} t[] = {
		{ "short", 10, 0, "short" },
		{ "short", 10, 1, "     short" },
		{ "several words here", 12, 0, "several .." },
		{ "several words here", 18, 0, "several words here" },
		{ "acme-backup-1", 12, 0, "acme-backup~" },
		{ "acme-backup-1 ready", 12, 0, "acme-backup~" },
		{ "ab cd", 3, 0, "ab~" },
		{ "abc", 1, 0, "~" },
		{ "", 5, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct cells c = grid(30, 1, true);
		area_field(area_all(&c), 0, 0, t[i].w, t[i].align, ROLE_normal, t[i].in);
		expect_row(&c, 0, t[i].out);
		cells_fini(&c);
	}
}

static void test_wrap(void **state)
{
	struct cells c = grid(10, 6, true);
	struct area a = area_all(&c);

	(void)state;
	assert_int_equal(area_wrap(a, 0, 0, 10, ROLE_normal, "one two three\nfour"), 3);
	expect_row(&c, 0, "one two");
	expect_row(&c, 1, "three");
	expect_row(&c, 2, "four");
	cells_clear(&c);
	assert_int_equal(area_wrap(a, 0, 0, 10, ROLE_normal, "abcdefghijklmnop x"), 2);
	expect_row(&c, 0, "abcdefghij");
	expect_row(&c, 1, "klmnop x");
	cells_fini(&c);
}

static void test_clipping(void **state)
{
	(void)state;
	for (int w = 1; w < 6; w++)
		for (int h = 1; h < 4; h++) {
			struct cells c = grid(w, h, false);
			struct area a = area_sub(area_all(&c), -2, -2, 9, 9);
			for (int y = -3; y < 6; y++)
				for (int x = -3; x < 9; x++) {
					area_text(a, x, y, ROLE_bad, "\xe6\x97\xa5x");
					area_field(a, x, y, 7, 1, ROLE_bad, "long words in it");
					area_fill(a, x, y, 20, ROLE_bad, '-');
					area_cursor(a, x, y);
				}
			area_rule(a, 0, "TITLE that is long");
			area_clear(a, ROLE_normal);
			cells_fini(&c);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	     cmocka_unit_test(test_wide_never_split),
		cmocka_unit_test(test_field),	     cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_clipping),
	};

	return cmocka_run_group_tests_name("cells", tests, NULL, NULL);
}
