/* YAML: the tree and its places, and what is refused, with the place it is refused at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/yaml.h"

static void tree(void **state)
{
	static const char text[] = "# comment\n"
				   "name: \"x: y\"\n"
				   "empty:\n"
				   "list: [1, two, {a: b}]\n"
				   "block: |\n"
				   "  line 1\n"
				   "  \tline 2\n"
				   "map:\n"
				   "  k: v   # why\n"
				   "  n: null\n"
				   "again: &a\n"
				   "  - p\n"
				   "  - q: 1\n"
				   "copy: *a\n";
	struct err e;
	struct yaml *y = yaml_parse(text, strlen(text), "f.yaml", &e);
	(void)state;

	assert_non_null(y);
	assert_int_equal(y->type, YAML_MAP);
	assert_string_equal(yaml_get_str(y, "name"), "x: y");
	assert_true(yaml_get(y, "name")->quoted);
	assert_string_equal(yaml_get_str(y, "empty"), "");
	assert_false(yaml_get(y, "empty")->quoted);
	assert_string_equal(yaml_get_str(y, "block"), "line 1\n\tline 2\n");
	assert_true(yaml_get(y, "block")->quoted);
	const struct yaml *k = yaml_get(yaml_get(y, "map"), "k");
	assert_int_equal(k->line, 9);
	assert_int_equal(k->column, 6);
	assert_int_equal(k->key_line, 9);
	assert_int_equal(k->key_column, 3);
	const struct yaml *l = yaml_get(y, "list");
	assert_int_equal(l->type, YAML_LIST);
	assert_string_equal(l->first->next->text, "two");
	assert_string_equal(yaml_get_str(l->first->next->next, "a"), "b");
	const struct yaml *c = yaml_get(y, "copy");
	assert_int_equal(c->line, 14);
	assert_string_equal(c->first->text, "p");
	assert_string_equal(yaml_get_str(c->first->next, "q"), "1");
	assert_null(yaml_get(y, "nope"));
	assert_null(yaml_get(l, "a"));
	assert_null(yaml_get_str(y, "list"));
	assert_null(yaml_get(NULL, "a"));
	assert_int_equal(yaml_err(&e, "f.yaml", k, "bad %s", "thing"), ERR_INVALID);
	assert_string_equal(e.msg, "f.yaml:9:6: bad thing");
	yaml_free(y);
	static const char *const blank[] = { "", "# only\n", "---\n", "\n\n", "--- # x\n...\n",
					     "~\n" };
	for (size_t i = 0; i < COUNT_OF(blank) - 1; i++) {
		y = yaml_parse(blank[i], strlen(blank[i]), "f", &e);
		assert_non_null(y);
		assert_int_equal(y->type, YAML_MAP);
		assert_null(y->first);
		yaml_free(y);
	}
	yaml_free(NULL);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *why;
	} t[] = {
		{ "a: 1\nb: 2\na: 3\n", "f:3:1: key 'a' is there twice, first in line 1" },
		{ "x:\n  a: 1\n  a: 2\n", "f:3:3: key 'a' is there twice" },
		{ "{\"a\": 1, a: 2}", "f:1:10: key 'a' is there twice" },
		{ "a:\n\tb: 1\n", "f:2:1: a tab indents" },
		{ "a:\n  \tb: 1\n", "f:2:3: " },
		{ "a: *b\n", "f:1:4: no anchor '&b'" },
		{ "a: &x [*x]\n", "f:1:8: no anchor '&x'" },
		{ "<<: {a: 1}\n", "f:1:1: merge keys" },
		{ "? [a]\n: b\n", "f:1:3: a key must be" },
		{ "a: !!binary aGk=\n", "f:1:4: tags" },
		{ "a: !x {b: c}\n", "f:1:4: tags" },
		{ "!x a: b\n", "f:1:1: tags" },
		{ "a: 1\n---\nb: 2\n", "f:2:1: a second document" },
		{ "a: [1, 2\n", "f:2:1: " },
		{ "a: 'x\n", "f:2:1: " },
		{ "a: b: c\n", "f:1:5: " },
		{ "a: \xff\n", "f:1:4: invalid UTF-8" },
		{ "a: \x01\n", "f:" },
		{ "a: \"x\\0y\"\n", "f:1:4: NUL in a text" },
		{ "\"x\\0y\": 1\n", "f:1:1: NUL in a key" },
		{ "a: }\n", "f:1:4: " },
		{ "%YAML 9.9\n---\na: 1\n", "f:1:1: " },
		{ "@a: 1\n", "f:1:1: " },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct err e = { 0 };
		struct yaml *y = yaml_parse(t[i].text, strlen(t[i].text), "f", &e);
		if (y || !str_has_prefix(e.msg, t[i].why))
			fail_msg("'%s': got '%s', wanted '%s'", t[i].text, y ? "a tree" : e.msg,
				 t[i].why);
	}
	struct err e;
	assert_null(yaml_parse("a: b\0c\n", 7, "f", &e));
	assert_string_equal(e.msg, "f:1:5: NUL byte");
	struct yaml *y = yaml_parse("a: !!str 1\n", 11, "f", &e);
	assert_non_null(y);
	assert_true(yaml_get(y, "a")->quoted);
	yaml_free(y);
}

static void bombs(void **state)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct err e = { 0 };
	clock_t start = clock();
	(void)state;

	/* ten to the ninth values */
	str_add(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 9; i++)
		str_addf(&b, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i,
			 i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_null(yaml_parse(b.s, b.len, "f", &e));
	assert_int_equal(e.code, ERR_TOO_BIG);
	assert_true(str_has_prefix(e.msg, "f:6:"));
	/* one long text many times */
	str_clear(&b);
	str_add(&b, "a: &a ");
	for (int i = 0; i < 1 << 20; i++)
		str_addc(&b, 'x');
	str_add(&b, "\nb: [");
	for (int i = 0; i < 5000; i++)
		str_add(&b, "*a,");
	str_add(&b, "1]\n");
	assert_null(yaml_parse(b.s, b.len, "f", &e));
	assert_non_null(strstr(e.msg, "aliases expand"));
	/* depth by brackets, by indentation, by aliases */
	str_clear(&b);
	for (int i = 0; i < 20000; i++)
		str_addc(&b, '[');
	assert_null(yaml_parse(b.s, b.len, "f", &e));
	assert_non_null(strstr(e.msg, "nested too deeply"));
	str_clear(&b);
	for (int i = 0; i < 200; i++)
		str_addf(&b, "%*sa:\n", i, "");
	assert_null(yaml_parse(b.s, b.len, "f", &e));
	assert_non_null(strstr(e.msg, "nested too deeply"));
	str_clear(&b);
	str_add(&b, "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n");
	for (int i = 1; i < 100; i++)
		str_addf(&b, "a%d: &a%d [[[[[[[[[[*a%d]]]]]]]]]]\n", i, i, i - 1);
	assert_null(yaml_parse(b.s, b.len, "f", &e));
	assert_non_null(strstr(e.msg, "nested too deeply"));
	/* many values and many keys */
	str_clear(&b);
	for (int i = 0; i < 150000; i++)
		str_addf(&b, "k%d: 1\n", i);
	struct yaml *y = yaml_parse(b.s, b.len, "f", &e);
	assert_non_null(y);
	yaml_free(y);
	for (int i = 0; i < 60000; i++)
		str_addf(&b, "l%d: 1\n", i);
	assert_null(yaml_parse(b.s, b.len, "f", &e));
	assert_int_equal(e.code, ERR_TOO_BIG);
	assert_true(clock() - start < 30 * CLOCKS_PER_SEC);
	str_clear(&b);
	while (b.len <= YAML_MAX_BYTES)
		str_add(&b, "# ........................................................\n");
	assert_null(yaml_parse(b.s, b.len, "f", &e));
	assert_int_equal(e.code, ERR_TOO_BIG);
	str_fini(&b);
}

static void files(void **state)
{
	struct err e;
	char name[] = "/tmp/yaml_test_XXXXXX";
	int fd = mkstemp(name);
	(void)state;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a: [1, 2]\n", 10), 10);
	close(fd);
	struct yaml *y = yaml_load(name, &e);
	assert_non_null(y);
	yaml_free(y);
	unlink(name);
	assert_null(yaml_load(name, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_non_null(strstr(e.msg, name));
	assert_null(yaml_load("/tmp", &e));
	assert_int_equal(e.code, ERR_SYSTEM);
}

/* Every prefix and every one-byte change ends well. */
static void mutations(void **state)
{
	static const char text[] = "a: &x {b: [1, \"q\\n\"]}\nc: *x\nd: |\n  t\n? e\n: 'f'\n";
	(void)state;

	for (size_t n = 0; n < sizeof(text); n++)
		yaml_free(yaml_parse(text, n, "f", NULL));
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		for (int c = 0; c < 256; c++) {
			char copy[sizeof(text)];
			memcpy(copy, text, sizeof(text));
			copy[i] = (char)c;
			yaml_free(yaml_parse(copy, sizeof(text) - 1, "f", NULL));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree), cmocka_unit_test(refused), cmocka_unit_test(bombs),
		cmocka_unit_test(files), cmocka_unit_test(mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
