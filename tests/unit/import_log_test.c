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
	{ "2025-10-20 02:15 Europe/Berlin", NULL, "2025-10-20T00:15:00.000Z", NULL },
	{ "2025-10-20 02:15 Africa/Juba", NULL, "2025-10-20T02:15:00.000Z",
	  "'Africa/Juba' is not known" },
	/* an offset that stands at the time, or behind a name, counts whatever --zone says */
	{ "2025-10-20 00:15-07:00", "UTC", "2025-10-20T07:15:00.000Z", NULL },
	{ "2025-10-20T00:15-07:00", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "2025-10-20T07:15Z", "PDT", "2025-10-20T07:15:00.000Z", NULL },
	{ "2025-10-20 09:15 GMT+2", "PDT", "2025-10-20T07:15:00.000Z", NULL },
	{ "2025-10-20 00:15 UTC-7", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "Mon, 20 Oct 2025 07:15:00 +0000", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "20/Oct/2025:07:15:00 +0000", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "20-Oct-2025 07:15:30,250 UTC", NULL, "2025-10-20T07:15:30.250Z", NULL },
	{ "2025/10/20 07:15 UTC", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "20251020 07:15 UTC", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "20.10.2025 07:15 UTC", NULL, "2025-10-20T07:15:00.000Z", NULL },
	{ "October 20th, 2025 at 7am UTC", NULL, "2025-10-20T07:00:00.000Z", NULL },
	/* the hour that comes twice, and the one that never was, where only a place is named */
	{ "2025-11-02 01:30 America/New_York", NULL, "2025-11-02T05:30:00.000Z",
	  "came twice that day: read as the first, EDT" },
	{ "2025-11-02 01:30", "ET", "2025-11-02T05:30:00.000Z", "came twice" },
	{ "2025-11-02 02:30 America/New_York", NULL, "2025-11-02T07:30:00.000Z", NULL },
	{ "2025-11-02 01:30 EST", NULL, "2025-11-02T06:30:00.000Z", NULL },
	{ "2025-03-09 02:30 America/Los_Angeles", NULL, "2025-03-09T09:30:00.000Z",
	  "left out that day" },
	{ "2025-10-26 01:30 Europe/London", NULL, "2025-10-26T00:30:00.000Z", "came twice" },
	/* numbers, in seconds and finer */
	{ "1760944500123", NULL, "2025-10-20T07:15:00.123Z", NULL },
	{ "1760944500.5", NULL, "2025-10-20T07:15:00.500Z", NULL },
	{ "1760944500123456", NULL, "2025-10-20T07:15:00.123Z", NULL },
	{ "1760944500123456789", NULL, "2025-10-20T07:15:00.123Z", NULL },
	{ "17609445001234", NULL, "2025-10-20T07:00:00.000Z", "cannot be read" },
	/* what was assumed, or passed over, is said */
	{ "~07:15 GMT Oct 20, 2025", NULL, "2025-10-20T07:15:00.000Z", "not exact" },
	{ "10/20/25 07:15 UTC", NULL, "2025-10-20T07:15:00.000Z", "two digits for a year" },
	{ "Oct 20 25 07:15 UTC", NULL, "2025-10-20T07:15:00.000Z", "two digits for a year" },
	{ "Oct 20 99 07:15 UTC", NULL, "1999-10-20T07:15:00.000Z", "before the incident" },
	{ "Dec 31 23:50 UTC", NULL, "2025-12-31T23:50:00.000Z", "no year" },
	{ "2025-10-20 07:15abc UTC", NULL, "2025-10-20T07:15:00.000Z", "'abc' was not under" },
	{ "2025-10-20 07:15 (Pacific Daylight Time)", "UTC", "2025-10-20T07:15:00.000Z",
	  "'Pacific Daylight Time' was not" },
	{ "2025-10-20 13:30 PM UTC", NULL, "2025-10-20T13:30:00.000Z", "contradict" },
	{ "2025-10-20 07:15:99 UTC", NULL, "2025-10-20T07:00:00.000Z", "cannot be read" },
	{ "1970-01-01T00:00:00Z", NULL, "1970-01-01T00:00:00.001Z", "before the incident" },
	{ "Oct 20 1925 07:15 UTC", NULL, "2025-10-20T07:00:00.000Z", "before 1970" },
	{ "2025-10-25T00:00:00Z", NULL, "2025-10-25T00:00:00.000Z", NULL },
	{ "2025-12-01T00:00:01Z", NULL, "2025-12-01T00:00:01.000Z", NULL },
	{ "2026-02-01T00:00:00Z", NULL, "2026-02-01T00:00:00.000Z", "in the future" },
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
		assert_true(parse_time_ms("2026-01-20T07:00:00Z", &r.now_ms));
		format_time(at, import_instant(cases[i].text, &r, &why));
		if (strcmp(at, cases[i].at) != 0 || !why != !cases[i].doubt ||
		    (why && !strstr(why, cases[i].doubt)))
			fail_msg("'%s': %s, doubt %s", cases[i].text, at, why ? why : "none");
	}
}

/* A year that nobody wrote is the one that is nearest to the incident. */
static void years(void **state)
{
	static const struct { const char *base, *text, *at; } v[] = {
		{ "2026-01-01T01:00:00Z", "Dec 31 23:50 UTC", "2025-12-31T23:50:00.000Z" },
		{ "2025-12-31T23:00:00Z", "Jan 1 00:10 UTC", "2026-01-01T00:10:00.000Z" },
		{ "2025-10-20T07:00:00Z", "Oct 19 07:10 UTC", "2025-10-19T07:10:00.000Z" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(v); i++) {
		struct import_rules r = { 0 };
		_cleanup_(free_p) char *why = NULL;
		char at[TIME_TEXT];

		assert_true(parse_time_ms(v[i].base, &r.base_ms));
		assert_string_equal(format_time(at, import_instant(v[i].text, &r, &why)), v[i].at);
		assert_non_null(strstr(why, "no year"));
	}
}

struct want { const char *at, *original, *text, *doubt; };
static const struct shape { const char *file; struct want v[3]; const char *refused; } shapes[] = {
	{ "who,time,message\r\nanna,2025-10-20T07:15:00Z,\"calls, \"\"all\"\" fail\"\nben,soon,x\n",
	  { { "07:15", "2025-10-20T07:15:00Z", "calls, \"all\" fail (who: anna)", NULL },
	    { "07:00", "soon", "x (who: ben)", "cannot be read" } }, NULL },
	{ "2025-10-20T07:15:00Z,calls,fail\n",
	  { { "07:15", "2025-10-20T07:15:00Z", "calls, fail", NULL } }, NULL },
	{ "\xef\xbb\xbf" "time,text\r\n2025-10-20T07:15:00Z,x\r\n",
	  { { "07:15", "2025-10-20T07:15:00Z", "x", NULL } }, NULL },
	{ "time;text\n2025-10-20T07:15:00Z;a, b\n",
	  { { "07:15", "2025-10-20T07:15:00Z", "a, b", NULL } }, NULL },
	{ "date\ttime\ttz\ttext\n2025-10-20\t00:15\tPDT\tx\n",
	  { { "07:15", "2025-10-20 00:15 PDT", "x", NULL } }, NULL },
	{ "Time (UTC),Severity\n2025-10-20 07:15 UTC,high\n",
	  { { "07:15", "2025-10-20 07:15 UTC", "high", NULL } }, NULL },
	{ "2025-10-20T07:15:00Z,a\r2025-10-20T07:16:00Z,b\r",
	  { { "07:15", "2025-10-20T07:15:00Z", "a", NULL },
	    { "07:16", "2025-10-20T07:16:00Z", "b", NULL } }, NULL },
	{ "time,text\n2025-10-20T07:15:00Z,\"a\nb\"\n2025-10-20T07:16:00Z,\"c\nd,e\n",
	  { { "07:15", "2025-10-20T07:15:00Z", "a\nb", NULL },
	    { "07:16", "2025-10-20T07:16:00Z", "c\nd,e\n", "was not closed" } }, NULL },
	{ "time,text\n\n,\n", { { 0 } }, NULL },
	{ "", { { 0 } }, NULL },
	{ "{\"v\":1,\"log\":[{\"ts\":1760944500,\"msg\":\"calls fail\",\"n\":2},{\"x\":1},\"y\"]}",
	  { { "07:15", "1760944500", "calls fail (n: 2)", NULL },
	    { "07:00", "", "x: 1", "cannot be read" }, { "07:00", "", "y", "cannot be read" } },
	  NULL },
	{ "{\"time\":\"2025-10-20T07:15:00Z\",\"text\":\"a\"}\n\n"
	  "{\"time\":\"2025-10-20T07:16:00Z\",\"text\":{\"b\":[1]}}\n",
	  { { "07:15", "2025-10-20T07:15:00Z", "a", NULL },
	    { "07:16", "2025-10-20T07:16:00Z", "{\"b\":[1]}", NULL } }, NULL },
	{ "{\"at\":\"2025-10-20T07:15:00Z\",\"text\":\"alone\",\"tags\":[\"t\"]}",
	  { { "07:15", "2025-10-20T07:15:00Z", "alone (tags: [\"t\"])", NULL } }, NULL },
	{ "[1", { { 0 } }, "" },
	{ "{}", { { 0 } }, "an array of lines is wanted" },
	{ "{\"at\":1}\nnonsense\n", { { 0 } }, "line 2" },
};

static void check_shape(const struct shape *x)
{
	struct import_rules r = { 0 };
	struct import_line *v;
	struct err err = { 0 };
	size_t n, want = 0;
	int e;

	assert_true(parse_time_ms("2025-10-20T07:00:00Z", &r.base_ms));
	e = import_parse(x->file, strlen(x->file), &r, &v, &n, &err);
	if (x->refused) {
		assert_int_equal(e, ERR_INVALID);
		assert_non_null(strstr(err.msg, x->refused));
		return;
	}
	while (want < COUNT_OF(x->v) && x->v[want].at)
		want++;
	if (e != 0 || n != want)
		fail_msg("%s: %zu lines, %d %s", x->file, n, e, err.msg);
	for (size_t i = 0; i < n; i++) {
		char at[TIME_TEXT];

		format_time(at, v[i].at_ms);
		if (strncmp(at + 11, x->v[i].at, 5) != 0 || !v[i].doubt != !x->v[i].doubt ||
		    strcmp(v[i].original, x->v[i].original) != 0 ||
		    strcmp(v[i].text, x->v[i].text) != 0 ||
		    (v[i].doubt && !strstr(v[i].doubt, x->v[i].doubt)))
			fail_msg("%s: %s '%s' '%s' doubt %s", x->file, at, v[i].original, v[i].text,
				 v[i].doubt ? v[i].doubt : "none");
	}
	import_free(v, n);
}

/* Whatever the shape of a file, each of its lines is there with all that it says. */
static void files(void **state)
{
	struct import_rules r = { 0 };
	struct str big = STR_INIT(8 << 20);
	struct import_line *v;
	struct err err = { 0 };
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(shapes); i++)
		check_shape(&shapes[i]);
	assert_int_equal(import_parse("a\0b", 3, &r, &v, &n, &err), ERR_INVALID);
	for (int i = 0; i < 21000; i++)
		str_add(&big, i ? "\xc3\xa4" : "2025-10-20T07:15:00Z,");
	assert_int_equal(import_parse(str_get(&big), big.len, &r, &v, &n, &err), 0);
	assert_non_null(strstr(v[0].doubt, "longer than 20000"));
	import_free(v, n);
	for (int i = 0; i < 100001; i++)
		str_add(&big, "\n1,x");
	assert_int_equal(import_parse(str_get(&big), big.len, &r, &v, &n, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "100000"));
	str_fini(&big);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(instants), cmocka_unit_test(years),
					    cmocka_unit_test(files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
