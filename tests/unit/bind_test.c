/* Binding: what hostile values become in each place, and that no secret form stays. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/bind.h"
#include "runbook/param.h"

static struct value named[16];

static const struct value *get(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < COUNT_OF(named); i++)
		if (str_eq(named[i].name, name))
			return &named[i];
	return NULL;
}

static int setup(void **state)
{
	size_t n = 0;

	(void)state;
#define TEXT(N, T) named[n].name = xstrdup(N); value_set_text(&named[n++], T)
	TEXT("evil", "'; DROP TABLE x; --");
	TEXT("path", "../a b?c&d=e#f");
	TEXT("base", "https://app.example.com/v1");
	TEXT("crlf", "a\r\nX-Evil: 1");
	TEXT("opt", "--config=/etc/passwd");
	TEXT("dollar", "$evil");
	TEXT("quote", "\"a\\\n");
	named[n].name = xstrdup("n");
	value_set_number(&named[n++], 42);
	named[n].name = xstrdup("half");
	value_set_number(&named[n++], 0.5);
	named[n].name = xstrdup("on");
	value_set_bool(&named[n++], true);
	named[n].name = xstrdup("window");
	named[n].type = V_DURATION;
	named[n++].ms = 5400000;
	named[n].name = xstrdup("codes");
	value_set_text(value_add(&named[n], NULL), "30008");
	value_set_text(value_add(&named[n++], NULL), "3','x");
	TEXT("token", "s3cr/t+\"x");
	named[n - 1].secret = true;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(named); i++)
		value_fini(&named[i]);
	return 0;
}

static void texts(void **state)
{
	static const struct { enum bind_for how; const char *text, *want; int r; } t[] = {
		{ BIND_PLAIN, "$evil", "'; DROP TABLE x; --", 0 },
		{ BIND_PLAIN, "a${n}b $$n $ 5 $", "a42b $n $ 5 $", 0 },
		{ BIND_PLAIN, "$dollar", "$evil", 0 },
		{ BIND_PLAIN, "$window $on $half", "1h30m true 0.5", 0 },
		{ BIND_PLAIN, "$codes", NULL, ERR_INVALID },
		{ BIND_PLAIN, "$unknown", NULL, ERR_NOT_FOUND },
		{ BIND_PLAIN, "${n", "${n", 0 },
		{ BIND_PLAIN, "$1", "$1", 0 },
		{ BIND_URL, "$base/x/$path?q=$evil", "https://app.example.com/v1/x/"
		  "..%2Fa%20b%3Fc%26d%3De%23f?q=%27%3B%20DROP%20TABLE%20x%3B%20--", 0 },
		{ BIND_URL, "https://h/$base", "https://h/https%3A%2F%2Fapp.example.com%2Fv1", 0 },
		{ BIND_URL, "$path", "..%2Fa%20b%3Fc%26d%3De%23f", 0 },
		{ BIND_URL, "https://h/$token", NULL, ERR_INVALID },
		{ BIND_HEADER, "Bearer $token", "Bearer s3cr/t+\"x", 0 },
		{ BIND_HEADER, "$crlf", NULL, ERR_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct scope s = { .get = get };
		struct str out = STR_INIT(1000);
		struct err err = { 0 };
		bool secret = false;
		int r = bind_text(&s, t[i].text, t[i].how, &out, &secret, &err);
		if (r != t[i].r || (!r && strcmp(str_get(&out), t[i].want)))
			fail_msg("%s: %d '%s' %s", t[i].text, r, str_get(&out), err.msg);
		if (r == ERR_NOT_FOUND)
			assert_string_equal(s.needs, "unknown");
		if (!r)
			assert_int_equal(secret, strstr(t[i].text, "token") != NULL);
		free_p(&s.needs);
		str_fini(&out);
	}
}

static void sql(void **state)
{
	static const struct { const char *text, *want; size_t n; const char *types; } t[] = {
		{ "SELECT $n, $evil, $n", "SELECT $1, $2, $1", 2, "bigint text" },
		{ "now() - $window < ${half}", "now() - $1 < $2", 2, "interval numeric" },
		{ "= ANY($codes) AND $on", "= ANY($1) AND $2", 2, "text[] boolean" },
		{ "'$n' \"$n\" -- $n\n/* $n /* x */ $n */ $$ $n $$ $q$ $n $q$ $n",
		  "'$n' \"$n\" -- $n\n/* $n /* x */ $n */ $$ $n $$ $q$ $n $q$ $1", 1, "bigint" },
		{ "E'\\'$n' , 'it''s $n', $n", "E'\\'$n' , 'it''s $n', $1", 1, "bigint" },
		{ "'\\' || $n", "'\\' || $1", 1, "bigint" },
		{ "col$n", "col$n", 0, "" },
		{ "$n::text", "$1::text", 1, "bigint" },
		{ "'open $n", "'open $n", 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct scope s = { .get = get };
		struct bound_sql b = { 0 };
		struct err err = { 0 };
		struct str types = STR_INIT(1000);
		assert_int_equal(bind_sql(&s, t[i].text, &b, &err), 0);
		assert_string_equal(b.text, t[i].want);
		assert_int_equal(b.n, t[i].n);
		for (size_t k = 0; k < b.n; k++)
			str_addf(&types, "%s%s", k ? " " : "", b.types[k]);
		assert_string_equal(str_get(&types), t[i].types);
		str_fini(&types);
		bound_sql_fini(&b);
	}
	struct scope s = { .get = get };
	struct bound_sql b = { 0 };
	struct err err = { 0 };
	assert_int_equal(bind_sql(&s, "SELECT $1", &b, &err), ERR_INVALID);
	assert_int_equal(bind_sql(&s, "SELECT $none", &b, &err), ERR_NOT_FOUND);
	assert_string_equal(s.needs, "none");
	free_p(&s.needs);
}

static void count_names(void *ctx, const char *name, bool quoted)
{
	str_addf(ctx, "%s%s ", quoted ? "'" : "", name);
}

static void scan(void **state)
{
	struct str names = STR_INIT(1000);
	size_t n;

	(void)state;
	bind_sql_scan("SELECT '$a', $b -- $c ; x\n ; ", count_names, &names, &n);
	assert_int_equal(n, 1);
	assert_string_equal(str_get(&names), "'a b ");
	bind_sql_scan("SELECT ';'; DROP TABLE x", count_names, &names, &n);
	assert_int_equal(n, 2);
	bind_sql_scan(" -- nothing\n", count_names, &names, &n);
	assert_int_equal(n, 0);
	str_fini(&names);
}

static void json(void **state)
{
	struct scope s = { .get = get };
	struct str out = STR_INIT(2000);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(bind_json(&s, "{\"a\":\"$n\",\"b\":[\"x"
		" $n\",\"$on\",\"$$n\"],\"c\":\"$quote\",\"d\":\"$codes\",\"e\":1,"
		"\"f\":\"$token\"}", &out, &err), 0);
	assert_string_equal(str_get(&out), "{\"a\":42,\"b\":[\"x 42\",true,\"$n\"],"
		"\"c\":\"\\\"a\\\\\\n\",\"d\":[\"30008\",\"3','x\"],\"e\":1,"
		"\"f\":\"s3cr/t+\\\"x\"}");
	str_fini(&out);
	assert_int_equal(bind_json(&s, "{\"a\":\"$none\"}", &out, &err), ERR_NOT_FOUND);
	free_p(&s.needs);
	str_fini(&out);
}

static void masks(void **state)
{
	static const char *const forms[] = {
		"s3cr/t+\"x", "czNjci90KyJ4", "s3cr%2Ft%2B%22x", "s3cr/t+\\\"x",
		"QUMxOnMzY3IvdCsieA==", "QUMxOnMzY3IvdCsieA",
	};
	struct masker *m = masker_new();
	struct str text = STR_INIT(4000);

	(void)state;
	masker_add(m, "s3cr/t+\"x", "AC1");
	masker_add(m, "s3cr", NULL); /* a part of the other */
	masker_add(m, "ab", NULL);   /* too short to be looked for */
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		str_clear(&text);
		str_addf(&text, "<%s|%s>ab", forms[i], forms[i]);
		masker_apply(m, &text);
		if (strcmp(str_get(&text), "<***|***>ab"))
			fail_msg("%s -> %s", forms[i], str_get(&text));
	}
	struct value v = { 0 };
	value_set_text(value_add(value_add(&v, "rows"), "x"), "token=s3cr/t+\"x");
	masker_value(m, &v);
	str_clear(&text);
	value_print(&text, &v, 100);
	assert_string_equal(str_get(&text), "{rows: {x: token=***}}");
	value_fini(&v);
	str_fini(&text);
	masker_free(m);
}

static void params(void **state)
{
	char *choices[] = { "a", "b" };
	static const struct { enum param_type type; const char *text; bool ok; } t[] = {
		{ PARAM_PHONE, "+14155550100", true }, { PARAM_PHONE, "14155550100", false },
		{ PARAM_PHONE, "+1415555010x", false }, { PARAM_PHONE, "+0155550100", false },
		{ PARAM_INT, "12", true }, { PARAM_INT, "1.5", false }, { PARAM_INT, "0x1", false },
		{ PARAM_NUMBER, "1.5", true }, { PARAM_BOOL, "true", true },
		{ PARAM_BOOL, "yes", false },
		{ PARAM_DATE, "2026-11-21", true }, { PARAM_DATE, "2026-13-21", false },
		{ PARAM_DATE, "2026-11-21T03:00:00-08:00", true },
		{ PARAM_DURATION, "1h30m", true }, { PARAM_DURATION, "90", false },
		{ PARAM_URL, "https://a.example/x", true }, { PARAM_URL, "ftp://a", false },
		{ PARAM_URL, "https://a b", false }, { PARAM_ID, "org_12-x", true },
		{ PARAM_ID, "--flag", false }, { PARAM_ID, "a;b", false }, { PARAM_ID, "", false },
		{ PARAM_SECRET, "abc", false }, { PARAM_SECRET, "abcd", true },
		{ PARAM_ENUM, "b", true }, { PARAM_ENUM, "c", false },
		{ PARAM_STRING, "\x1b[31m", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct param p = { .name = "p", .type = t[i].type };
		struct value v = { 0 };
		struct err err = { 0 };
		if (t[i].type == PARAM_ENUM) {
			p.choices = choices;
			p.n_choices = 2;
		}
		int r = param_value(&p, t[i].text, &v, &err);
		if ((r == 0) != t[i].ok)
			fail_msg("%s '%s': %d %s", param_type_name(p.type), t[i].text, r, err.msg);
		if (r) {
			assert_string_equal(err.field, "p");
			assert_null(strstr(err.msg, "abc"));
		}
		value_fini(&v);
	}
	struct param p = { .name = "w", .type = PARAM_DURATION, .has_max = true, .max = 86400000 };
	struct value v = { 0 };
	struct err err = { 0 };
	assert_int_equal(param_value(&p, "2d", &v, &err), ERR_INVALID);
	assert_string_equal(err.msg, "w wants a duration such as 90s, 5m or 1h30m, at most 1d");
	value_fini(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts), cmocka_unit_test(sql), cmocka_unit_test(scan),
		cmocka_unit_test(json), cmocka_unit_test(masks), cmocka_unit_test(params),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
