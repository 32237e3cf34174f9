/* Matchers, subjects and values: one row, one comparison. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/runbook.h"

static struct matcher *parse(const char *subject, const char *yaml, struct problems *p)
{
	struct err err = { 0 };
	struct yaml *y = yaml_parse(yaml, strlen(yaml), "t", &err);
	struct matcher *m;

	if (!y)
		fail_msg("%s: %s", yaml, err.msg);
	m = matcher_parse_for(subject, yaml_get(y, "m"), "t", p);
	yaml_free(y);
	return m;
}

static void from_json(const char *json, struct value *v)
{
	struct json *j = json_parse(json, strlen(json), NULL);

	assert_non_null(j);
	assert_int_equal(value_from_json(v, j), 0);
	json_free(j);
}

static void literals(void **state)
{
	static const struct { const char *matcher, *value; enum run_outcome want; const char *why;
			      } t[] = {
		{ "200", "200", RO_PASS, "" },
		{ "200", "503", RO_FAIL, "503, wanted 200" },
		{ "200", "\"200\"", RO_ERROR, "a text (200) cannot be compared with 200" },
		{ "'yes'", "\"yes\"", RO_PASS, "" },
		{ "none", "\"none\"", RO_PASS, "" },
		{ "true", "true", RO_PASS, "" },
		{ "true", "1", RO_ERROR, NULL },
		{ "null", "null", RO_PASS, "" },
		{ "null", NULL, RO_PASS, "" },
		{ "5", NULL, RO_FAIL, "not there, wanted 5" },
		{ "{lt: 5}", "4.9", RO_PASS, "" },
		{ "{lt: 5}", "5", RO_FAIL, "5, wanted < 5" },
		{ "{ge: 3, lt: 5}", "7", RO_FAIL, "7, wanted >= 3 and < 5" },
		{ "{gt: 0}", "\"x\"", RO_ERROR, NULL },
		{ "{ne: 5}", "6", RO_PASS, "" },
		{ "{ne: 5}", NULL, RO_PASS, "" },
		{ "{in: ['30004', '30007']}", "\"30007\"", RO_PASS, "" },
		{ "{in: ['30004', '30007']}", "\"1\"", RO_FAIL, NULL },
		{ "{in: [1, 2]}", "\"1\"", RO_ERROR, NULL },
		{ "{match: '^1'}", "\"1\\n\"", RO_PASS, "" },
		{ "{match: '^1'}", "1", RO_ERROR, NULL },
		{ "{match: '(a+)+$'}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"", RO_FAIL,
		  NULL },
		{ "{contains: ok}", "\"all ok here\"", RO_PASS, "" },
		{ "{contains: 3}", "[1,2,3]", RO_PASS, "" },
		{ "{contains: {gt: 5}}", "[1,2,3]", RO_FAIL, NULL },
		{ "{contains: a}", "{\"a\":1}", RO_PASS, "" },
		{ "{exists: true}", "0", RO_PASS, "" },
		{ "{exists: true}", NULL, RO_FAIL, "not there, wanted there" },
		{ "{exists: false}", NULL, RO_PASS, "" },
		{ "{count: {gt: 0}}", "[]", RO_FAIL, NULL },
		{ "{count: 2}", "[1,2]", RO_PASS, "" },
		{ "{count: 0}", NULL, RO_PASS, "" },
		{ "{count: 1}", "\"a\"", RO_ERROR, NULL },
		{ "{all: {lt: 5}}", "[1,2]", RO_PASS, "" },
		{ "{all: {lt: 5}}", "[1,9]", RO_FAIL, "9, wanted < 5" },
		{ "{any: {lt: 5}}", "[9,1]", RO_PASS, "" },
		{ "{any: {lt: 5}}", "[9]", RO_FAIL, NULL },
		{ "{any: [5, 6]}", "6", RO_PASS, "" },
		{ "{any: [5, 6]}", "7", RO_FAIL, NULL },
		{ "{all: [{gt: 1}, {lt: 3}]}", "2", RO_PASS, "" },
		{ "{not: 5}", "6", RO_PASS, "" },
		{ "{not: {match: x}}", "\"x\"", RO_FAIL, "x, wanted not matching x" },
		{ "{ok: 0, warn: {lt: 20}}", "0", RO_PASS, "" },
		{ "{ok: {eq: 0}, warn: {lt: 20}}", "7", RO_WARN, "7, wanted 0, warning < 20" },
		{ "{ok: {eq: 0}, warn: {lt: 20}}", "20", RO_FAIL, NULL },
		{ "{ok: none, warn: minor}", "\"minor\"", RO_WARN, NULL },
		{ "{ok: none}", "3", RO_ERROR, NULL },
		{ "{warn: {lt: 20}, ok: 0}", "7", RO_WARN, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct problems p = { 0 };
		struct value v = { 0 };
		struct str why = STR_INIT(4000);
		_cleanup_(free_p) char *yaml = xasprintf("m: %s", t[i].matcher);
		struct matcher *m = parse(NULL, yaml, &p);
		if (!m)
			fail_msg("%s: %s", t[i].matcher, p.n ? p.v[0].text : "?");
		if (t[i].value)
			from_json(t[i].value, &v);
		enum run_outcome o = matcher_test(m, t[i].value ? &v : NULL, &why);
		if (o != t[i].want || (t[i].why && strcmp(str_get(&why), t[i].why)))
			fail_msg("row %zu: %s with %s: %s '%s'", i, t[i].matcher, t[i].value,
				 run_outcome_name(o), str_get(&why));
		str_fini(&why);
		value_fini(&v);
		matcher_free(m);
		problems_fini(&p);
	}
}

static void durations(void **state)
{
	struct problems p = { 0 };
	struct matcher *m = parse(NULL, "m: {lt: 2s}", &p);
	struct value v = { .type = V_DURATION, .ms = 1999 };
	struct str why = STR_INIT(1000);

	(void)state;
	assert_int_equal(matcher_test(m, &v, &why), RO_PASS);
	v.ms = 2000;
	assert_int_equal(matcher_test(m, &v, &why), RO_FAIL);
	assert_string_equal(str_get(&why), "2s, wanted < 2s");
	str_fini(&why);
	matcher_free(m);
}

static void bad_matchers(void **state)
{
	static const struct { const char *subject, *yaml, *want; } t[] = {
		{ NULL, "m: {lte: 5}", "t:1:5: unknown matcher 'lte', did you mean 'lt'?\n" },
		{ NULL, "m: {lt: many}", NULL },
		{ NULL, "m: {}", NULL },
		{ NULL, "m: {match: '('}", NULL },
		{ NULL, "m: {in: 5}", NULL },
		{ NULL, "m: {exists: 5}", NULL },
		{ NULL, "m: {ok: 1, bad: 2}", NULL },
		{ "json", "m: {calls: 5}", "t:1:5: 'calls' is no path such as $.a.b[0].c\n" },
		{ "json", "m: 5", NULL },
		{ "row", "m: {where: 5, n: 1}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct problems p = { 0 };
		struct str out = STR_INIT(4000);
		assert_null(parse(t[i].subject, t[i].yaml, &p));
		assert_int_equal(p.n_errors, 1);
		problems_print(&out, &p);
		if (t[i].want)
			assert_string_equal(strchr(str_get(&out), 't'), t[i].want);
		str_fini(&out);
		problems_fini(&p);
	}
}

#define TABLE "{\"table\":[{\"status\":\"sent\",\"n\":9},{\"status\":\"failed\",\"n\":3}," \
	"{\"status\":\"late\",\"n\":3}],\"affected\":1,\"stdout\":\"a\\n\\n\"," \
	"\"header\":{\"Content-Type\":\"text/html\"},\"counts\":{\"errors\":4}," \
	"\"json\":{\"calls\":[{\"id\":7}],\"a.b\":{\"c\":null}}}"

static void subjects(void **state)
{
	static const struct { const char *subject, *yaml; enum run_outcome want; const char *actual;
			      } t[] = {
		{ "rows", "m: 3", RO_PASS, "3" },
		{ "cell", "m: sent", RO_PASS, "sent" },
		{ "row", "m: {where: {status: failed}, n: {ok: 0, warn: {lt: 20}}}", RO_WARN,
		  "n 3" },
		{ "row", "m: {where: {status: gone}, n: {ok: 0, warn: {lt: 20}}}", RO_PASS, "n 0" },
		{ "row", "m: {n: {gt: 3}}", RO_FAIL, "n 9, n 3, n 3" },
		{ "sum(n)", "m: 15", RO_PASS, "15" },
		{ "max(n)", "m: 9", RO_PASS, "9" },
		{ "avg(n)", "m: 5", RO_PASS, "5" },
		{ "sum(status)", "m: 5", RO_ERROR, "" },
		{ "mode(n)", "m: 3", RO_PASS, "3" },
		{ "affected", "m: 2", RO_FAIL, "1" },
		{ "stdout", "m: a", RO_PASS, "a" },
		{ "header", "m: {content-type: {match: html}}", RO_PASS, "content-type text/html" },
		{ "counts", "m: {errors: {lt: 4}}", RO_FAIL, "errors 4" },
		{ "json", "m: {$.calls: {count: {gt: 0}}, '$.calls[0].id': 7}", RO_PASS, NULL },
		{ "json", "m: {'$[''a.b''].c': null}", RO_PASS, NULL },
		{ "json", "m: {$.none: {exists: true}}", RO_FAIL, NULL },
		{ "exit", "m: 0", RO_FAIL, "not there" },
	};
	struct value result = { 0 };

	(void)state;
	from_json(TABLE, &result);
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct problems p = { 0 };
		struct str actual = STR_INIT(4000);
		struct str why = STR_INIT(4000);
		struct matcher *m = parse(t[i].subject, t[i].yaml, &p);
		assert_non_null(m);
		enum run_outcome o = subject_test(t[i].subject, m, &result, &actual, &why);
		if (o != t[i].want || (t[i].actual && strcmp(t[i].actual, str_get(&actual))))
			fail_msg("%s %s: %s '%s' '%s'", t[i].subject, t[i].yaml,
				 run_outcome_name(o), str_get(&actual), str_get(&why));
		str_fini(&actual);
		str_fini(&why);
		matcher_free(m);
	}
	value_fini(&result);
}

static void saves(void **state)
{
	static const struct { const char *expression, *want; } t[] = {
		{ "cell", "sent" }, { "cell(n)", "9" }, { "mode(status)", "sent" },
		{ "stdout", "a" },
		{ "json:$.calls[0].id", "7" }, { "$.calls[-1].id", "7" },
		{ "json($.calls)", "[{id: 7}]" },
		{ "header:content-type", "text/html" }, { "counts:errors", "4" },
		{ "column(n)", "[9, 3, 3]" }, { "rows", "3" },
		{ "json:$.none", NULL }, { "nothing", NULL }, { "sum(n", NULL }, { "", NULL },
	};
	struct value result = { 0 };

	(void)state;
	from_json(TABLE, &result);
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct value v = { 0 };
		struct err err = { 0 };
		struct str out = STR_INIT(1000);
		int r = subject_value(t[i].expression, &result, &v, &err);
		assert_int_equal(r == 0, t[i].want != NULL);
		value_print(&out, &v, 100);
		if (!r)
			assert_string_equal(str_get(&out), t[i].want);
		str_fini(&out);
		value_fini(&v);
	}
	value_fini(&result);
}

static void values(void **state)
{
	struct value list = { 0 };
	struct value copy = { 0 };
	struct str out = STR_INIT(100000);

	(void)state;
	for (int i = 0; i < 100; i++)
		value_set_number(value_add(&list, NULL), i);
	for (int i = 0; i < 7; i++) { /* a copy can grow, whatever its size */
		value_copy(&copy, &list);
		copy.n_items = (size_t)i;
		struct value other = { 0 };
		value_copy(&other, &copy);
		for (int k = 0; k < 20; k++)
			value_set_text(value_add(&other, NULL), "x");
		assert_int_equal(other.n_items, i + 20);
		value_fini(&other);
		copy.n_items = 100;
		value_fini(&copy);
	}
	list.items[3].secret = true;
	struct jw w = JW(&out);
	value_json(&w, NULL, &list);
	assert_non_null(strstr(str_get(&out), "2,\"***\",4"));
	str_clear(&out);
	value_print(&out, &list, 20);
	assert_string_equal(str_get(&out), "[0, 1, 2, ***, 4,...");
	str_fini(&out);
	value_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals), cmocka_unit_test(durations),
		cmocka_unit_test(bad_matchers), cmocka_unit_test(subjects),
		cmocka_unit_test(saves), cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
