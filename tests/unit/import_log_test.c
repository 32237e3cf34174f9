/* Instants as people write them: read, or doubted aloud; never dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "incident/import.h"

static const struct { const char *text, *zone, *at, *doubt; } cases[] = {
	{ "2025-10-20T07:15:00Z", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "2025-10-20T00:15:00-07:00", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "1760944500", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "00:15 PST Oct 20", NULL, "2025-10-20T07:15:00.000Z", "PDT was in force" },
	{ "00:15 PST Oct 20", NULL, "2025-10-20T07:15:00.000Z", "no year" },
	{ "12:15 AM PDT, Oct 20, 2025", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "Jan 5 2026 11:00 PM PST", NULL, "2026-01-06T07:00:00.000Z", NULL },
	{ "Nov 2 2025 03:00 PST", NULL, "2025-11-02T11:00:00.000Z", NULL },
	{ "2025-10-20 07:15", NULL, "2025-10-20T07:15:00.000Z", "no zone" },
	{ "2025-10-20 00:15:30", "-07:00", "2025-10-20T07:15:30.000Z", NULL },
	{ "2025-10-20 07:15 XYT", NULL, "2025-10-20T07:15:00.000Z", "'XYT' is not known" },
	{ "2025-10-20 02:15 Europe/Berlin", NULL, "2025-10-20T02:15:00.000Z",
	  "'Europe/Berlin' is not known" },
	{ "2025-07-01 10:00 CET", NULL, "2025-07-01T08:00:00.000Z", "CEST was in force" },
	{ "2025-01-05 10:00 BST", NULL, "2025-01-05T10:00:00.000Z", "GMT was in force" },
	{ "2025-10-26 02:30 CET", NULL, "2025-10-26T01:30:00.000Z", NULL },
	{ "2025-10-26 02:30", "CEST", "2025-10-26T00:30:00.000Z", "clocks changed" },
	{ "2025-10-26 03:30 CEST", NULL, "2025-10-26T02:30:00.000Z", "CET was in force" },
	{ "2025-03-30 01:30 BST", NULL, "2025-03-30T00:30:00.000Z", NULL },
	{ "2025-03-30 01:30", "GMT", "2025-03-30T01:30:00.000Z", NULL },
	{ "2025-10-25 02:30 CEST", NULL, "2025-10-25T00:30:00.000Z", NULL },
	{ "2025-11-02 01:30", "PDT", "2025-11-02T08:30:00.000Z", "clocks changed" },
	{ "2025-02-30 10:00 UTC", NULL, "2025-03-02T10:00:00.000Z", "no such day" },
	{ "03/04/2025 10:00 UTC", NULL, "2025-03-04T10:00:00.000Z", "either way round" },
	{ "20/10/2025 10:00 UTC", NULL, "2025-10-20T10:00:00.000Z", NULL },
	{ "around lunch", NULL, "2025-10-20T07:00:00.000Z", "cannot be read" },
	{ "", NULL, "2025-10-20T07:00:00.000Z", "cannot be read" },
	{ "99:99 Oct 99", NULL, "2025-10-20T07:00:00.000Z", "cannot be read" },
};

static void instants(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct import_rules r = { .zone = cases[i].zone };
		_cleanup_(free_p) char *why = NULL;
		char at[TIME_TEXT];

		assert_true(parse_time_ms("2025-10-20T07:00:00Z", &r.base_ms));
		format_time(at, import_instant(cases[i].text, &r, &why));
		if (strcmp(at, cases[i].at) != 0 || !why != !cases[i].doubt ||
		    (why && !strstr(why, cases[i].doubt)))
			fail_msg("'%s': %s, doubt %s", cases[i].text, at, why ? why : "none");
	}
}

static void files(void **state)
{
	static const char csv[] = "who,time,message\r\nanna,2025-10-20T07:15:00Z,\"calls,"
				  " \"\"all\"\" fail\"\nben,soon,x\n";
	static const char plain[] = "2025-10-20T07:15:00Z,calls,fail\n";
	static const char json[] = "{\"v\":1,\"log\":[{\"ts\":1760944500,\"msg\":\"calls"
				   " fail\"},{\"x\":1}]}";
	struct import_rules r = { .base_ms = 1000 };
	struct import_line *v;
	struct err err = { 0 };
	size_t n;

	(void)state;
	assert_int_equal(import_parse(csv, strlen(csv), &r, &v, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].text, "calls, \"all\" fail");
	assert_null(v[0].doubt);
	assert_string_equal(v[1].original, "soon");
	assert_int_equal(v[1].at_ms, 1000);
	assert_non_null(v[1].doubt);
	import_free(v, n);
	assert_int_equal(import_parse(plain, strlen(plain), &r, &v, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(v[0].text, "calls, fail");
	import_free(v, n);
	assert_int_equal(import_parse(json, strlen(json), &r, &v, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].text, "calls fail");
	assert_null(v[0].doubt);
	assert_non_null(v[1].doubt);
	import_free(v, n);
	assert_int_equal(import_parse("[1", 2, &r, &v, &n, &err), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(instants), cmocka_unit_test(files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
