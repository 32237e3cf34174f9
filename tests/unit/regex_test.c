/* Patterns from people: what they match, what is said about bad ones, and that none hangs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "core/regex.h"

static bool match(const char *pattern, bool ignore_case, const char *text)
{
	struct err err = { 0 };
	struct regex *r = regex_new(pattern, ignore_case, &err);
	bool yes;

	assert_non_null(r);
	yes = regex_match(r, text, strlen(text));
	regex_free(r);
	return yes;
}

static void matches(void **state)
{
	(void)state;
	assert_true(match("^stop( all)?$", true, "STOP ALL"));
	assert_false(match("^stop$", false, "STOP"));
	assert_true(match("caf\xc3\xa9", true, "CAF\xc3\x89"));
	assert_true(match("b", false, "\xff\xfe" "b")); /* not UTF-8, still searched */
	assert_false(match("x", false, ""));
	regex_free(NULL);
}

static void bad_patterns(void **state)
{
	char *deep = xcalloc(1, 401), *longer = xcalloc(1, 3001);
	struct err err = { 0 };

	(void)state;
	assert_null(regex_new("a(b", false, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.msg, "a(b"));
	memset(deep, '(', 200);
	memset(deep + 200, ')', 200);
	assert_null(regex_new(deep, false, &err));
	memset(longer, 'a', 3000);
	assert_null(regex_new(longer, false, &err));
	free_p(&deep);
	free_p(&longer);
}

static void hostile_patterns_end(void **state)
{
	static const char *const patterns[] = { "(a+)+$", "(a|aa)+$", "(.*)*\\1x", "(?:a*)*b" };
	char text[5001];
	struct timespec from, to;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[5000] = '!';
	for (size_t i = 0; i < COUNT_OF(patterns); i++) {
		struct regex *r = regex_new(patterns[i], false, NULL);

		assert_non_null(r);
		clock_gettime(CLOCK_MONOTONIC, &from);
		assert_false(regex_match(r, text, sizeof(text)));
		clock_gettime(CLOCK_MONOTONIC, &to);
		assert_in_range(to.tv_sec - from.tv_sec, 0, 1);
		regex_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(bad_patterns),
		cmocka_unit_test(hostile_patterns_end),
	};

	return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
