/* Text, numbers, durations, instants, cleaning, nearest names: by table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/mem.h"
#include "core/str.h"

static void buffer_caps(void **state)
{
	struct str b = STR_INIT(10);
	(void)state;

	assert_string_equal(str_get(&b), "");
	str_add(&b, NULL);
	str_addf(&b, "%d-%s", 12, "ab");
	assert_string_equal(str_get(&b), "12-ab");
	assert_false(b.full);
	str_add(&b, "123456");
	assert_true(b.full);
	assert_string_equal(str_get(&b), "12-ab12345");
	str_add(&b, "x");
	assert_int_equal(b.len, 10);
	str_clear(&b);
	assert_false(b.full);
	for (int i = 0; i < 3; i++)
		str_addc(&b, 'z');
	char *s = str_take(&b);
	assert_string_equal(s, "zzz");
	free(s);
	s = str_take(&b);
	assert_string_equal(s, "");
	free(s);
	struct str big = { 0 };
	for (int i = 0; i < 5000; i++)
		str_addf(&big, "%300d", i);
	assert_int_equal(big.len, 1500000);
	str_fini(&big);
	str_fini(&big);
}

static void integers(void **state)
{
	static const struct {
		const char *s;
		bool ok;
		int64_t v;
	} t[] = {
		{ "0", true, 0 },
		{ "-5", true, -5 },
		{ "100", true, 100 },
		{ "101", false, 0 },
		{ "-101", false, 0 },
		{ "", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "+1", false, 0 },
		{ "-", false, 0 },
		{ "--1", false, 0 },
		{ "1e2", false, 0 },
		{ "0x10", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ NULL, false, 0 },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		int64_t v = 77;
		assert_int_equal(parse_i64(t[i].s, -100, 100, &v), t[i].ok);
		assert_int_equal(v, t[i].ok ? t[i].v : 77);
	}
	int64_t v;
	assert_true(parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v));
	assert_false(parse_i64("9223372036854775808", INT64_MIN, INT64_MAX, &v));
	double d;
	assert_true(parse_double("-1.5e3", &d) && d > -1500.1 && d < -1499.9);
	static const char *const bad[] = { "", "nan", "inf", "0x1p3", "1e999", "1.5x", " 1", "e",
					   NULL };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(parse_double(bad[i], &d));
}

static void durations(void **state)
{
	static const struct {
		const char *s;
		int64_t ms;
		const char *out;	/* NULL = same as s */
	} good[] = {
		{ "90s", 90000, "1m30s" },
		{ "10m", 600000, NULL },
		{ "1h30m", 5400000, NULL },
		{ "250ms", 250, NULL },
		{ "2d", 172800000, NULL },
		{ "0s", 0, NULL },
		{ "1d2h3m4s5ms", 93784005, NULL },
		{ "48h", 172800000, "2d" },
		{ "1m1ms", 60001, NULL },
	};
	static const char *const bad[] = { "", "10", "s", "1x", "1s1m", "1m1m", "-1s", "1.5s",
					   "1 s", " 1s",
					   "1s ", "9223372036854775807d", "99999999999999999999s",
					   "106751991168d", "1M", NULL };
	char buf[64];
	int64_t ms;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(parse_duration_ms(good[i].s, &ms));
		assert_int_equal(ms, good[i].ms);
		format_duration(buf, sizeof(buf), ms);
		assert_string_equal(buf, good[i].out ? good[i].out : good[i].s);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(parse_duration_ms(bad[i], &ms));
	format_duration(buf, sizeof(buf), -1500);
	assert_string_equal(buf, "-1s500ms");
	format_duration(buf, sizeof(buf), INT64_MIN);
	format_duration(buf, 4, 5400000);
	assert_string_equal(buf, "1h3");
}

static void instants(void **state)
{
	static const struct {
		const char *s;
		int64_t ms;
	} good[] = {
		{ "2026-11-21T03:12:47.123Z", 1795230767123 },
		{ "2026-11-21T03:12:47.123456+00:00", 1795230767123 },
		{ "2026-11-21t04:12:47.123+01:00", 1795230767123 },
		{ "2026-11-20 22:12:47.123-0500", 1795230767123 },
		{ "2026-11-21 03:12:47.123+00", 1795230767123 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1969-12-31T23:59:59.999Z", -1 },
		{ "2024-02-29T12:00:00.5Z", 1709208000500 },
		{ "2016-12-31T23:59:60Z", 1483228800000 },
		{ "0001-01-01T00:00:00Z", -62135596800000 },
	};
	static const char *const bad[] = {
		"", "2026-11-21", "2026-11-21T03:12:47", "2026-13-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-11-21T24:00:00Z", "2026-11-21T03:12:47.Z", "2026-11-21T03:12:47Zx",
		"2026-11-21T03:12:47+0", "2026-11-21T03:12:47+24:00", "0000-01-01T00:00:00Z",
		"2026-1-21T03:12:47Z", NULL };
	char buf[TIME_TEXT];
	int64_t ms;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(parse_time_ms(good[i].s, &ms));
		assert_int_equal(ms, good[i].ms);
		assert_true(parse_time_ms(format_time(buf, ms), &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(parse_time_ms(bad[i], &ms));
	assert_string_equal(format_time(buf, 1795230767123), "2026-11-21T03:12:47.123Z");
	assert_string_equal(format_time(buf, INT64_MAX), "9999-12-31T23:59:59.999Z");
	assert_string_equal(format_time(buf, INT64_MIN), "0001-01-01T00:00:00.000Z");
	/* every day of 800 years, forth and back */
	for (int64_t day = -146097; day < 146097; day++) {
		assert_true(parse_time_ms(format_time(buf, day * 86400000 + 1), &ms));
		assert_int_equal(ms, day * 86400000 + 1);
	}
}

static void mail_dates(void **state)
{
	char buf[64];
	int64_t ms;
	(void)state;

	assert_true(parse_rfc2822_ms("Mon, 16 Aug 2010 23:00:23 +0000", &ms));
	assert_int_equal(ms, 1281999623000);
	format_rfc2822(buf, sizeof(buf), ms);
	assert_string_equal(buf, "Mon, 16 Aug 2010 23:00:23 +0000");
	assert_true(parse_rfc2822_ms("16 Aug 2010 19:00:23 -0400", &ms));
	assert_int_equal(ms, 1281999623000);
	assert_true(parse_rfc2822_ms("Thu, 1 Jan 1970 00:00:00 GMT", &ms));
	assert_int_equal(ms, 0);
	format_rfc2822(buf, sizeof(buf), -86400000);
	assert_string_equal(buf, "Wed, 31 Dec 1969 00:00:00 +0000");
	static const char *const bad[] = { "", "Mon", "Mon, 32 Aug 2010 23:00:23 +0000",
					   "Mon, 16 Agu 2010 23:00:23 +0000",
					   "2010-08-16T23:00:23Z",
					   "Mon, 16 Aug 2010 23:00:23", "Mon, 16 Aug", ",", NULL };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(parse_rfc2822_ms(bad[i], &ms));
}

static void cleaning(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		const char *out;
	} t[] = {
		{ NULL, 10, "" },
		{ "plain", 10, "plain" },
		{ "a\tb\r\nc", 0, "a b  c" },
		{ "\x1b[31mred\x1b[0m", 0, "[31mred[0m" },
		{ "\x1b]0;title\x07x", 0, "]0;titlex" },
		{ "a\x7f\x01z", 0, "az" },
		{ "c1:\xc2\x9b" "31m", 0, "c1:31m" },			/* C1 CSI as UTF-8 */
		{ "raw\x9b" "31m", 0, "raw\xef\xbf\xbd" "31m" },	/* and as a bare byte */
		{ "nel\xc2\x85x", 0, "nel x" },
		{ "\xe2\x80\xae" "abc\xe2\x80\xac", 0, "abc" },		/* RLO PDF */
		{ "\xe2\x81\xa6x\xe2\x81\xa9", 0, "x" },		/* isolates */
		{ "\xd8\x9cx", 0, "x" },				/* Arabic letter mark */
		{ "z\xe2\x80\x8b\xe2\x80\x8d\xef\xbb\xbfw", 0, "zw" },	/* ZWSP ZWJ BOM */
		{ "a\xe2\x80\xa8" "b", 0, "a b" },			/* line separator */
		{ "\xef\xb8\x8f!", 0, "!" },				/* variation selector */
		{ "\xf3\xa0\x81\x81!", 0, "!" },			/* tag */
		{ "Gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80", 0,
		  "Gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80" },
		{ "\xc0\x80", 0, "\xef\xbf\xbd\xef\xbf\xbd" },		/* overlong NUL */
		{ "\xed\xa0\x80", 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
		{ "\xf4\x90\x80\x80", 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "cut\xe4\xb8", 0, "cut\xef\xbf\xbd" },
		{ "abcdef", 6, "abcdef" },
		{ "abcdefg", 6, "abc..." },
		{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 4, "\xc3\xbc..." },
		{ "abc\x01\x02\x03", 3, "abc" },	/* what is dropped does not count */
		{ "abcd", 3, "..." },
		{ "abcd", 2, ".." },
		{ "abcd", 1, "." },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		char *s = text_clean(t[i].in, t[i].max);
		assert_string_equal(s, t[i].out);
		assert_true(utf8_valid(s, strlen(s)));
		free(s);
	}
	static const struct { const char *in; size_t max; const char *out; } lines[] = {
		{ NULL, 0, "" },
		{ "one", 0, "one" },
		{ "one\r\ntwo\rthree\n\nfour\xe2\x80\xa8" "five", 0,
		  "one\ntwo\nthree\n\nfour\nfive" },
		{ "\n \r\n  one \t \n\x1b[2Jtwo\t2 \n\n ", 0, "  one\n[2Jtwo 2" },
		{ " \n\r\x07", 0, "" },
		{ "ab\ncdef", 6, "ab\n..." },
		{ "ab   \ncd  ef", 6, "ab\n..." },
	};
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		char *s = text_clean_lines(lines[i].in, lines[i].max);
		assert_string_equal(s, lines[i].out);
		free(s);
	}
	char buf[] = "a\x1b\xff\tb\xe2\x80\xae" "c\xc3";
	text_clean_buf(buf);
	assert_string_equal(buf, "a? bc?");
}

static void every_byte_pair_cleans(void **state)
{
	(void)state;
	for (int a = 1; a < 256; a++) {
		for (int b = 1; b < 256; b++) {
			char in[] = { (char)a, (char)b, (char)0x80, 'x', 0 };
			char *s = text_clean(in, 0);
			assert_true(utf8_valid(s, strlen(s)));
			assert_int_equal(s[strcspn(s, "\x1b\r\n\t\x7f\x9b")] == 0 ||
						 strchr(s, '\x1b') == NULL, 1);
			free(s);
			text_clean_buf(in);
			assert_true(utf8_valid(in, strlen(in)));
		}
	}
}

static void nearest(void **state)
{
	static const char *const names[] = { "status", "accounts", "agents", NULL, "numbers",
					     "events",
					     "sms", "rules", "twilio.apiBase", "failover" };
	static const struct {
		const char *word, *near;
	} t[] = {
		{ "staus", "status" },	    { "accuonts", "accounts" }, { "agnet", "agents" },
		{ "twilio.apibase", "twilio.apiBase" }, { "twilio.api_base", "twilio.apiBase" },
		{ "smss", "sms" },	    { "SMS", "sms" },		{ "fialover", "failover" },
		{ "zebra", NULL },	    { "x", NULL },		{ "", NULL },
		{ NULL, NULL },		    { "qqqqqqqqqqqq", NULL },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		const char *got = str_nearest(t[i].word, names, COUNT_OF(names));
		if (t[i].near)
			assert_string_equal(got, t[i].near);
		else
			assert_null(got);
	}
	char huge[5000];
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = 0;
	assert_null(str_nearest(huge, names, COUNT_OF(names)));
}

static void encodings(void **state)
{
	struct str b = STR_INIT(1000);
	uint8_t raw[4];
	(void)state;

	str_add_urlencoded(&b, "a b+/~\xc3\xbc");
	assert_string_equal(str_get(&b), "a%20b%2B%2F~%C3%BC");
	static const struct {
		const char *in, *out;
	} t[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		  { "foob", "Zm9vYg==" } };
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		str_clear(&b);
		str_add_base64(&b, t[i].in, strlen(t[i].in));
		assert_string_equal(str_get(&b), t[i].out);
		str_clear(&b);
		assert_true(base64_decode(t[i].out, &b));
		assert_string_equal(str_get(&b), t[i].in);
	}
	static const char *const bad[] = { "Z", "Zg=", "Z===", "Zg==x", "Z g=", "Zh==", "=" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		str_clear(&b);
		assert_false(base64_decode(bad[i], &b));
	}
	str_clear(&b);
	assert_true(base64_decode("-_8", &b));
	assert_memory_equal(b.s, "\xfb\xff", 2);
	str_clear(&b);
	str_add_hex(&b, "\x00\xff\x10", 3);
	assert_string_equal(str_get(&b), "00ff10");
	assert_true(hex_decode("00fF10a0", raw, 4));
	assert_memory_equal(raw, "\x00\xff\x10\xa0", 4);
	assert_false(hex_decode("00ff10", raw, 4));
	assert_false(hex_decode("00ff10zz", raw, 4));
	str_fini(&b);
}

static void errors(void **state)
{
	struct err e = { 0 };
	char big[2000];
	(void)state;

	assert_int_equal(err_set(&e, ERR_INVALID, "bad %s", "\x1b[1mthing\n"), ERR_INVALID);
	assert_string_equal(e.msg, "bad [1mthing ");
	assert_int_equal(err_prefix(&e, "account %d", 5), ERR_INVALID);
	assert_string_equal(e.msg, "account 5: bad [1mthing ");
	assert_int_equal(err_field(&e, ERR_DENIED, "name", "no"), ERR_DENIED);
	assert_string_equal(e.field, "name");
	assert_int_equal(err_set(NULL, ERR_LEASE, "x"), ERR_LEASE);
	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	err_set(&e, ERR_FAILED, "%s", big);
	err_prefix(&e, "%s", big);
	assert_true(strlen(e.msg) < sizeof(e.msg));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer_caps),	cmocka_unit_test(integers),
		cmocka_unit_test(durations),	cmocka_unit_test(instants),
		cmocka_unit_test(mail_dates),	cmocka_unit_test(cleaning),
		cmocka_unit_test(every_byte_pair_cleans), cmocka_unit_test(nearest),
		cmocka_unit_test(encodings),	cmocka_unit_test(errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
