/* Themes: the shipped ones load and leave no role out, errors name their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/str.h"
#include "ui/theme.h"

static void test_shipped(void **state)
{
	static const char *const want[] = { "dark", "light", "high-contrast", "mono",
					    "colorblind" };
	struct theme t;
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		assert_int_equal(theme_load(&t, want[i], NULL, &err), 0);
		assert_string_equal(t.name, want[i]);
	}
	assert_int_equal(theme_load(&t, "mono", NULL, &err), 0);
	for (int r = 0; r < ROLE_COUNT; r++) {
		assert_int_equal(t.role[r].fg, COLOR_DEFAULT);
		assert_int_equal(t.role[r].bg, COLOR_DEFAULT);
	}
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *says;
	} t[] = {
		{ "bad = red\nwran = yellow\n", "f:2:1: unknown role 'wran', did you mean"
						" 'warn'?" },
		{ "bad = reddish\n", "f:1:7: neither a colour nor an attribute: 'reddish'" },
		{ "bad = red on\n", "f:1:11: no colour after 'on'" },
		{ "bad = red blue\n", "f:1:11: a second foreground 'blue'" },
		{ "bad = 256\n", "'256'" },
		{ "bad = #12345\n", "'#12345'" },
	};
	struct theme th = { .name = "kept" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct err err = { 0 };
		assert_int_equal(theme_parse(&th, "f", t[i].text, strlen(t[i].text), &err),
				 ERR_INVALID);
		assert_non_null(strstr(err.msg, t[i].says));
		assert_string_equal(th.name, "kept");
	}
}

static void test_values(void **state)
{
	static const char text[] = "# comment\n\nbad = bright-red on #102030 bold underline #"
				   " trailing\nok=34\n";
	struct theme t;

	(void)state;
	assert_int_equal(theme_parse(&t, "f", text, sizeof(text) - 1, NULL), 0);
	assert_int_equal(t.role[ROLE_bad].fg, 9);
	assert_int_equal(t.role[ROLE_bad].bg, COLOR_RGB | 0x102030);
	assert_int_equal(t.role[ROLE_bad].attrs, ATTR_BOLD | ATTR_UNDERLINE);
	assert_int_equal(t.role[ROLE_ok].fg, 34);
}

static void test_unknown(void **state)
{
	struct theme t;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(theme_load(&t, "drak", NULL, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.msg, "did you mean 'dark'?"));
	assert_int_equal(theme_load(&t, "/nonexistent/x", NULL, &err), ERR_NOT_FOUND);
}

static void test_nearest(void **state)
{
	(void)state;
	assert_int_equal(theme_nearest(9, 16), 9);
	assert_int_equal(theme_nearest(9, 8), 1);
	assert_int_equal(theme_nearest(COLOR_RGB | 0xff0000, 256), 196);
	assert_int_equal(theme_nearest(COLOR_RGB | 0xff0000, 8), 1);
	assert_int_equal(theme_nearest(COLOR_DEFAULT, 256), -1);
	assert_int_equal(theme_nearest(1, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_unknown), cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests_name("theme", tests, NULL, NULL);
}
