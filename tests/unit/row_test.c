/* Rows read from JSON text agree with the tree, on odd spacing, escapes and every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_scan.h"
#include "core/mem.h"
#include "providers/row.h"

static const char text[] =
	" {\"a\" : \"x\\\\\""
	" ,\"b\":\"q\\\"}]{[\",\"c\":[1,{\"a\":\"no\"},\"]\"],\"d\":null,\"e\":true,\"f\":-12,"
	"\"g\":\"17\",\"h\":{\"i\":\"in\"},\"j\":\"\\u00e4\\n\\u001b[m\",\"k\":\"\",\"l\":\"Sat, 21"
	" Nov 2026 03:01:00 +0000\",\"m\":1.5} ";

static void values(void **state)
{
	struct row r, in;
	char buf[40];

	assert_int_equal(row_read(&r, text, strlen(text)), 0);
	assert_int_equal(r.n, 12);
	static const struct { const char *name, *want; } t[] = {
		{ "a", "x\\" }, { "b", "q\"}]{[" }, { "c", "" }, { "d", "" }, { "e", "" },
		{ "f", "-12" }, { "g", "17" }, { "h", "" }, { "j", "\xc3\xa4 [m" }, { "k", "" },
		{ "m", "1.5" }, { "zz", "" }, { "i", "" }, { "a", "x\\" },
	};
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		row_text(&r, t[i].name, buf, sizeof(buf));
		assert_string_equal(buf, t[i].want);
	}
	assert_int_equal(row_int(&r, "f", 0), -12);
	assert_int_equal(row_int(&r, "g", 0), 17);
	assert_int_equal(row_int(&r, "a", 5), 5);
	assert_true(row_bool(&r, "e", false));
	assert_true(row_bool(&r, "d", true));
	assert_true(row_has(&r, "a") && !row_has(&r, "d") && !row_has(&r, "zz"));
	assert_int_equal(row_object(&r, "h", &in), 0);
	row_text(&in, "i", buf, sizeof(buf));
	assert_string_equal(buf, "in");
	assert_int_not_equal(row_object(&r, "a", &in), 0);
	assert_int_not_equal(row_object(&r, "d", &in), 0);
	assert_true(row_time(&r, "l") == 1795230060000);
	row_text(&r, "b", buf, 3);
	assert_string_equal(buf, "q\"");
	row_text(&r, "j", buf, 2); /* a character is not split */
	assert_string_equal(buf, "");
	char scratch[6];
	size_t used = 0;
	assert_string_equal(row_keep(&r, "a", scratch, sizeof(scratch), &used), "x\\");
	assert_string_equal(row_keep(&r, "d", scratch, sizeof(scratch), &used), "");
	assert_string_equal(row_keep(&r, "g", scratch, sizeof(scratch), &used), "17");
	assert_null(row_keep(&r, "g", scratch, sizeof(scratch), &used));
	(void)state;
}

static int count(void *ctx, struct row *item)
{
	char buf[8];

	row_text(item, "v", buf, sizeof(buf));
	if (!strcmp(buf, "stop"))
		return 1;
	if (!strcmp(buf, "bad"))
		return -1;
	++*(int *)ctx;
	return 0;
}

static void lists(void **state)
{
	static const struct { const char *text; int ret, n; } t[] = {
		{ "[]", 0, 0 }, { " [ ] ", 0, 0 }, { "[{}]", 0, 1 },
		{ "[{\"v\":1} , {\"v\":[{}]}]", 0, 2 }, { "[1]", -1, 0 }, { "[{},null]", -1, 1 },
		{ "{}", -1, 0 }, { "\"x\"", -1, 0 }, { "[{},{\"v\":\"stop\"},{}]", 1, 1 },
		{ "[{},{\"v\":\"bad\"},{}]", -1, 1 },
	};
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		int n = 0;
		assert_int_equal(rows_walk(t[i].text, strlen(t[i].text), count, &n), t[i].ret);
		assert_int_equal(n, t[i].n);
	}
	static const char page[] = "{\"x\":1,\"list\":[{},{}],\"next\":\"/p2\",\"list\":[{}]}";
	struct row r;
	char next[8];
	int n = 0;
	assert_int_equal(row_read_page(&r, page, strlen(page), "list", count, &n), 0);
	row_text(&r, "next", next, sizeof(next));
	assert_string_equal(next, "/p2");
	assert_int_equal(n, 2);
	assert_int_equal(row_read_page(&r, page, strlen(page), "next", count, &n), -1);
	assert_int_equal(row_read_page(&r, page, strlen(page), "none", count, &n), -1);
	assert_int_equal(row_read_page(&r, "[]", 2, "list", count, &n), -1);
	(void)state;
}

/* Also text that json_scan would refuse must not be read past its end. */
static void cuts(void **state)
{
	for (size_t n = 0; n <= strlen(text); n++) {
		char *part = xmalloc(n + (n == 0));
		memcpy(part, text, n);
		struct row r;
		int k = 0;
		row_read(&r, part, n);
		rows_walk(part, n, count, &k);
		row_read_page(&r, part, n, "c", count, &k);
		free(part);
	}
	(void)state;
}

static void many_members(void **state)
{
	struct str b = STR_INIT(100000);
	struct row r;

	str_add(&b, "{\"k0\":0");
	for (int i = 1; i < ROW_MEMBERS; i++)
		str_addf(&b, ",\"k%d\":%d", i, i);
	str_add(&b, "}");
	assert_int_equal(row_read(&r, b.s, b.len), 0);
	assert_int_equal(row_int(&r, "k127", 0), 127);
	assert_int_equal(row_int(&r, "k3", 0), 3);
	b.s[b.len - 1] = ',';
	str_add(&b, "\"more\":1}");
	assert_int_not_equal(row_read(&r, b.s, b.len), 0);
	str_fini(&b);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(values), cmocka_unit_test(lists),
					    cmocka_unit_test(cuts),
					    cmocka_unit_test(many_members) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
