/* JSON reader and writer: what is taken, what is refused and where, and the cost of size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/json.h"
#include "core/json_scan.h"
#include "core/mem.h"
#include "core/str.h"

static void refused(void **state)
{
	static const struct {
		const char *text;
		const char *why;	/* begins the error */
	} t[] = {
		{ "", "1:1: the text is empty" },
		{ "   ", "1:4: a value is missing" },
		{ "{", "1:2: a string must start" },
		{ "[1,]", "1:4: a value must start" },
		{ "[1 2]", "1:4: ',' or a closing" },
		{ "{\"a\":1,}", "1:8: a string must" },
		{ "{\"a\" 1}", "1:6: ':' is missing" },
		{ "{a:1}", "1:2: a string must" },
		{ "[1]x", "1:4: bytes after" },
		{ "1 2", "1:3: bytes after" },
		{ "{}\n{}", "2:1: bytes after" },
		{ "[1}", "1:3: ',' or" },
		{ "01", "1:2: a number starts" },
		{ "-", "1:2: a digit" },
		{ "1.", "1:3: a digit" },
		{ "1e", "1:3: a digit" },
		{ ".5", "1:1: a value must" },
		{ "+1", "1:1: a value must" },
		{ "NaN", "1:1: a value must" },
		{ "Infinity", "1:1: a value" },
		{ "nul", "1:1: a value" },
		{ "truex", "1:5: bytes" },
		{ "'a'", "1:1: a value" },
		{ "\"abc", "1:5: the text ends" },
		{ "\"a\\", "1:4: the text ends" },
		{ "\"a\nb\"", "1:3: control" },
		{ "\"\\x\"", "1:3: unknown escape" },
		{ "\"\\u12g4\"", "1:4: \\u without" },
		{ "\"\\u0000\"", "1:8: \\u0000" },
		{ "\"\\ud800\"", "1:8: half" },
		{ "\"\\udc00\"", "1:8: half" },
		{ "\"\\ud800\\u0041\"", "1:14: half" },
		{ "\"\xff\"", "1:2: invalid UTF-8" },
		{ "[\"\xc3\xbc\",\n \"\xed\xa0\x80\"]", "2:3: invalid UTF-8" },
		{ "[\"ab\", \"\xe4\xb8\"]", "1:9: invalid UTF-8" },
		{ "\xef\xbb\xbf{}", "1:1: a value" },
		{ "{\"a\":1,\"b\":2,\"a\":3}", "member 'a' is there twice" },
		{ "{\"a\":{\"x\":1,\"\\u0078\":2}}", "member 'x' is there twice" },
		{ "1e999", "a number is out of range" },
		{ "// c\n1", "1:1: a value" },
		{ "<html><body>502</body></html>", "1:1: a value" },
		{ "{\"a\":[1,2", "1:10: ']' is missing" },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct err e = { 0 };
		struct json *j = json_parse(t[i].text, strlen(t[i].text), &e);
		assert_null(j);
		assert_int_equal(e.code, ERR_INVALID);
		if (strncmp(e.msg, t[i].why, strlen(t[i].why)) != 0)
			fail_msg("%s: got '%s', wanted '%s'", t[i].text, e.msg, t[i].why);
	}
	struct err e;
	assert_null(json_parse("{}\0", 3, &e));
	assert_null(json_parse("\"a\0b\"", 5, &e));
	assert_null(json_parse("[1,\0", 4, &e));
	assert_null(json_parse(NULL, 0, NULL));
}

static void depth(void **state)
{
	char text[200001];
	struct err e;
	(void)state;

	for (int n = 63; n <= 65; n++) {
		memset(text, '[', (size_t)n);
		memset(text + n, ']', (size_t)n);
		struct json *j = json_parse(text, (size_t)n * 2, &e);
		assert_int_equal(j != NULL, n <= JSON_MAX_DEPTH);
		json_free(j);
	}
	memset(text, '[', sizeof(text));
	assert_null(json_parse(text, sizeof(text), &e));
	assert_non_null(strstr(e.msg, "nested too deeply"));
}

static void getters(void **state)
{
	static const char text[] =
		" {\"s\":\"x\\u00fc\\ud83d\\ude00\\/\",\"i\":-42,\"d\":1.5,\"t\":true,\"n\":null,"
		"\"a\":[{\"b\":7},[],{}],\"big\":9007199254740993000,\"\":0} ";
	_cleanup_(json_free_p) struct json *j = json_parse(text, strlen(text), NULL);
	(void)state;

	assert_non_null(j);
	assert_string_equal(json_get_str(j, "s"), "x\xc3\xbc\xf0\x9f\x98\x80/");
	assert_int_equal(json_get_i64(j, "i", 0), -42);
	assert_int_equal(json_get_i64(j, "d", 9), 9);
	assert_int_equal(json_get_i64(j, "s", 9), 9);
	assert_int_equal(json_get_i64(j, "big", 9), 9);
	assert_int_equal(json_get_i64(j, "", 9), 0);
	assert_true(json_get_double(j, "d", 0) > 1.4);
	assert_true(json_get_bool(j, "t", false));
	assert_true(json_get_bool(j, "n", true));
	assert_null(json_get_str(j, "missing"));
	assert_null(json_get_str(j, "S"));
	assert_null(json_get_str(NULL, "s"));
	assert_int_equal(json_i64(json_path(j, "a.0.b"), 0), 7);
	assert_null(json_path(j, "a.x.b"));
	assert_null(json_path(j, "a.9"));
	assert_null(json_path(j, "s.0"));
	assert_int_equal(json_count(json_get(j, "a")), 3);
	assert_int_equal(json_count(json_get(j, "s")), 0);
	assert_string_equal(json_name(json_first(j)), "s");
	assert_null(json_name(json_first(json_get(j, "a"))));
	assert_string_equal(json_type_name(json_get(j, "a")), "an array");
	assert_string_equal(json_type_name(NULL), "nothing");
	assert_null(json_first(json_get(j, "i")));
}

static void canonical(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "{\"b\":1,\"a\":[ true , null ]}", "{\"a\":[true,null],\"b\":1}" },
		{ "[1.0, 1e3, 0.1, -0.5e-7, 12345678901234567890]",
		  "[1,1000,0.1,-5e-08,1.2345678901234567e+19]" },
		{ "\"\\u001b\\n\\\"\\\\\\u007f\"", "\"\\u001b\\n\\\"\\\\\\u007f\"" },
		{ "-0", "0" },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct str b = STR_INIT(1000);
		struct json *j = json_parse(t[i].in, strlen(t[i].in), NULL);
		assert_non_null(j);
		json_print(&b, j);
		assert_string_equal(str_get(&b), t[i].out);
		json_free(j);
		str_fini(&b);
	}
}

static void writer(void **state)
{
	struct str b = STR_INIT(10000);
	struct jw w = JW(&b);
	struct err e;
	(void)state;

	jw_obj(&w, NULL);
	jw_str(&w, "s", "q\"\x1b\xff\xc3\xbc");
	jw_str(&w, "nil", NULL);
	jw_strn(&w, "cut", "abcdef", 3);
	jw_arr(&w, "a");
	jw_i64(&w, NULL, INT64_MIN);
	jw_arr(&w, NULL);
	jw_arr_end(&w);
	jw_obj(&w, NULL);
	jw_obj_end(&w);
	jw_bool(&w, NULL, false);
	jw_arr_end(&w);
	jw_double(&w, "d", 0.25);
	jw_double(&w, "inf", 1e308 * 10);
	jw_time(&w, "t", 1795230767123);
	jw_time(&w, "t0", 0);
	jw_raw(&w, "r", "{\"x\":1}");
	jw_null(&w, "z");
	jw_obj_end(&w);
	assert_string_equal(str_get(&b),
		"{\"s\":\"q\\\"\\u001b\xef\xbf\xbd\xc3\xbc\",\"nil\":null,\"cut\":\"abc\","
		"\"a\":[-9223372036854775808,[],{},false],\"d\":0.25,\"inf\":null,"
		"\"t\":\"2026-11-21T03:12:47.123Z\",\"t0\":null,\"r\":{\"x\":1},\"z\":null}");
	struct json *j = json_parse(b.s, b.len, &e);
	assert_non_null(j);
	json_free(j);
	str_fini(&b);
}

/* 200,000 elements and members: time must grow with the length, not its square. */
static void large(void **state)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	(void)state;

	str_add(&b, "{\"list\":[0");
	for (int i = 1; i < 200000; i++)
		str_addf(&b, ",%d", i);
	str_add(&b, "],\"map\":{\"k\":0");
	for (int i = 1; i < 200000; i++)
		str_addf(&b, ",\"k%d\":%d", i, i);
	str_add(&b, "}}");
	clock_t start = clock();
	struct json *j = json_parse(b.s, b.len, NULL);
	assert_non_null(j);
	int64_t sum = 0;
	for (const struct json *v = json_first(json_get(j, "list")); v; v = json_next(v))
		sum += json_i64(v, -1);
	assert_int_equal(sum, 19999900000);
	assert_int_equal(json_count(json_get(j, "map")), 200000);
	json_free(j);
	assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
	str_fini(&b);
}

/* Every prefix of a document is refused and nothing is read behind its end. */
static void prefixes(void **state)
{
	static const char text[] = "{\"a\":[1.5e+3,true,null,\"\\ud83d\\ude00\xc3\xbc\"],\"b\":{}}";
	(void)state;

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *exact = xmalloc(n);
		memcpy(exact, text, n);
		assert_null(json_parse(exact, n, NULL));
		free(exact);
	}
}

/* Text is looked at in groups of bytes: what is wrong shows wherever in a group it stands, and is
 * placed as one by one would. */
static void every_place(void **state)
{
	static const struct { char c; const char *why; } wrong[] = {
		{ '\n', "control character" }, { 0x1f, "control character" },
		{ 1, "control character" },
		{ '"', "',' or a closing" }, { (char)0x80, "invalid UTF-8" },
		{ (char)0xff, "invalid UTF-8" },
	};

	(void)state;
	for (size_t len = 1; len < 40; len++) {
		for (size_t at = 0; at < len * COUNT_OF(wrong); at++) {
			size_t place = at / COUNT_OF(wrong), w = at % COUNT_OF(wrong);
			char text[64] = "[\"", want[40];
			struct err err = { 0 };

			memset(text + 2, 'x', len);
			memcpy(text + 2 + len, "x\"]", 4);
			assert_int_equal(json_scan(text, strlen(text), &err), 0);
			assert_int_equal(utf8_prefix(text, strlen(text)), strlen(text));
			text[2 + place] = wrong[w].c;
			snprintf(want, sizeof(want), "1:%zu: ", 3 + place + (wrong[w].c == '"'));
			if (json_scan(text, strlen(text), &err) == 0 ||
			    strncmp(err.msg, want, strlen(want)) != 0 ||
			    !strstr(err.msg, wrong[w].why))
				fail_msg("%zu of %zu, %d: %s", place, len, wrong[w].c, err.msg);
			assert_int_equal(utf8_prefix(text, strlen(text)),
					 wrong[w].c < 0 ? 2 + place : strlen(text));
		}
	}
}

/* Whatever stands at whatever place of a text or a name, eight bytes being looked at at once. */
static void every_byte(void **state)
{
	(void)state;
	for (int c = 1; c < 0x80; c++)
		for (size_t n = 1; n <= 70; n += n < 20 ? 1 : 25)
			for (size_t at = 0; at < n; at++) {
				struct str b = STR_INIT(2000);
				struct jw w = JW(&b);
				char text[80] = { 0 };
				_cleanup_(json_free_p) struct json *v = NULL;

				memset(text, 'x', n);
				text[at] = (char)c;
				jw_obj(&w, NULL);
				jw_str(&w, text, text);
				jw_obj_end(&w);
				v = json_parse(str_get(&b), b.len, NULL);
				assert_non_null(v);
				assert_string_equal(json_get_str(v, text), text);
				assert_int_equal(strchr("\"\\", c) || c < ' ' || c == 0x7f,
						 b.len > 2 * n + 7);
				str_fini(&b);
			}
}

static void full_buffer(void **state)
{
	(void)state;
	for (size_t max = 1; max < 24; max++) {
		struct str b = STR_INIT(max);
		struct jw w = JW(&b);

		jw_obj(&w, NULL);
		jw_str(&w, "name", "value");
		jw_i64(&w, "n", 12345);
		jw_obj_end(&w);
		assert_int_equal(b.len, max);
		assert_memory_equal(b.s, "{\"name\":\"value\",\"n\":12345}", max);
		str_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused), cmocka_unit_test(depth),  cmocka_unit_test(getters),
		cmocka_unit_test(canonical), cmocka_unit_test(writer), cmocka_unit_test(large),
		cmocka_unit_test(prefixes), cmocka_unit_test(every_place),
		cmocka_unit_test(every_byte), cmocka_unit_test(full_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
