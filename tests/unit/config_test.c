/* Configuration: precedence of the layers, every refusal with its place, reload, search path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config.h"
#include "core/config_value.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "core/str.h"

struct settings {
	struct strlist api;
	char *database;
	struct secret *token;
	bool insecure;
};
struct other {
	char *base, *level;
	int64_t port, wait;
	double rate;
	struct strlist names;
	bool on;
};

#define ROW(n, t, m, ...)                                                                          \
	{ .name = n, .type = t, .offset = offsetof(struct settings, m), __VA_ARGS__ }
#define ROW2(n, t, m, ...)                                                                         \
	{ .name = n, .type = t, .offset = offsetof(struct other, m), __VA_ARGS__ }
static const struct option_row rows[] = {
	ROW("api", OPT_LIST, api, .flags = OPT_URLS, .def = "http://127.0.0.1:8080",
	    .env = "T_API"),
	ROW("database", OPT_STR, database, .env = "T_DB"),
	ROW("token", OPT_SECRET, token, .env = "T_TOKEN", .flags = OPT_RELOAD),
	ROW("allowInsecureHttp", OPT_BOOL, insecure, .def = "false"),
};
static const struct option_row other_rows[] = {
	ROW2("twilio.apiBase", OPT_URL, base, .def = "https://api.twilio.com", .env = "T_BASE"),
	ROW2("twilio.level", OPT_CHOICE, level, .choices = "low|high", .def = "low"),
	ROW2("twilio.port", OPT_INT, port, .min = 1, .max = 65535, .def = "80"),
	ROW2("twilio.wait", OPT_DURATION, wait, .min = 1000, .max = 3600000, .def = "10m",
	     .flags = OPT_RELOAD | OPT_SCALES),
	ROW2("twilio.rate", OPT_DOUBLE, rate, .def = "0.5"),
	ROW2("twilio.names", OPT_LIST, names, .def = "a, b"),
	ROW2("twilio.on", OPT_BOOL, on),
};
static const struct option_table table = { "main", rows, COUNT_OF(rows), sizeof(struct settings) };
static const struct option_table other_table = { "twilio", other_rows, COUNT_OF(other_rows),
						 sizeof(struct other) };
static const struct option_table *const tables[] = { &table, &other_table };

static struct settings s;
static struct other o;
static char file[64];

static const char *write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return file;
}

static char *env_none(const char *name)
{
	(void)name;
	return NULL;
}

static char *env_some(const char *name)
{
	static char db[] = "env-db";
	static char api[] = "https://a.example, https://b.example";
	static char empty[] = "";

	if (str_eq(name, "T_DB"))
		return db;
	if (str_eq(name, "T_BASE"))
		return empty;
	return str_eq(name, "T_API") ? api : NULL;
}

static char *env_bad(const char *name)
{
	static char base[] = "ftp://x";

	return str_eq(name, "T_BASE") ? base : NULL;
}

static struct config *load(const char *text, const char *env, char *(*fn)(const char *),
			   struct err *e)
{
	void *bases[] = { &s, &o };

	memset(e, 0, sizeof(*e));
	return config_load(tables, bases, 2, text ? write_file(text) : NULL, env, fn, e);
}

static const char *origin_of(const struct config *c, const char *name)
{
	for (size_t i = 0; i < config_count(c); i++)
		if (str_eq(config_at(c, i)->row->name, name))
			return config_at(c, i)->origin;
	return NULL;
}

static void layers(void **state)
{
	static const char text[] = "database: file-db\n"
				   "twilio:\n"
				   "  port: 8080\n"
				   "  wait: 90s\n"
				   "  names: [x, \"y,z\"]\n"
				   "  on: yes\n"
				   "token: s3cr3t-token\n"
				   "environment: test\n"
				   "environments:\n"
				   "  test:\n"
				   "    database: test-db\n"
				   "  live:\n"
				   "    label: LIVE!\n"
				   "    production: true\n"
				   "    database: live-db\n"
				   "    twilio: {port: 1}\n";
	struct err e;
	struct config *c = load(NULL, NULL, NULL, &e);
	(void)state;

	assert_non_null(c);
	assert_string_equal(s.api.v[0], "http://127.0.0.1:8080");
	assert_null(s.database);
	assert_int_equal(o.wait, 600000);
	assert_int_equal(o.names.n, 2);
	assert_string_equal(o.names.v[1], "b");
	assert_string_equal(config_environment(c), "");
	assert_false(config_production(c));
	config_free(c);
	assert_null(o.level);

	c = load(text, NULL, env_none, &e);
	assert_non_null(c);
	assert_string_equal(s.database, "test-db");
	assert_int_equal(o.port, 8080);
	assert_int_equal(o.names.n, 2);
	assert_string_equal(o.names.v[1], "y,z");
	assert_true(o.on);
	assert_true(secret_equal(s.token, "s3cr3t-token"));
	for (size_t i = 0; i < config_count(c); i++)
		assert_null(strstr(config_at(c, i)->text ? config_at(c, i)->text : "", "s3cr3t"));
	assert_string_equal(config_environment_label(c), "test");
	assert_non_null(strstr(origin_of(c, "database"), ":11:15"));
	config_free(c);

	c = load(text, "live", env_some, &e);
	assert_non_null(c);
	assert_string_equal(s.database, "env-db");
	assert_string_equal(origin_of(c, "database"), "environment T_DB");
	assert_int_equal(s.api.n, 2);
	assert_string_equal(s.api.v[1], "https://b.example");
	assert_string_equal(o.base, "https://api.twilio.com");
	assert_int_equal(o.port, 1);
	assert_string_equal(config_environment(c), "live");
	assert_string_equal(config_environment_label(c), "LIVE!");
	assert_true(config_production(c));
	assert_int_equal(config_set(c, "database", "cli-db", "--db", &e), 0);
	assert_string_equal(s.database, "cli-db");
	assert_string_equal(origin_of(c, "database"), "--db");
	assert_int_equal(config_set(c, "twilio.port", "0", "--port", &e), ERR_INVALID);
	assert_string_equal(e.msg, "--port: 'twilio.port' wants 1 to 65535, not 0");
	assert_int_equal(o.port, 1);
	assert_int_equal(config_set(c, "databse", "x", "--set", &e), ERR_INVALID);
	assert_non_null(strstr(e.msg, "did you mean 'database'?"));
	config_free(c);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *why;
	} t[] = {
		{ "databse: x\n", ":1:1: unknown key 'databse', did you mean 'database'?" },
		{ "twilio:\n  apibase: https://x\n",
		  ":2:3: unknown key 'twilio.apibase', did you mean 'twilio.apiBase'?" },
		{ "twillio:\n  port: 1\n", ":1:1: unknown key 'twillio', did you mean 'twilio'?" },
		{ "port: 1\n", ":1:1: unknown key 'port', did you mean 'twilio.port'?" },
		{ "enviroments: {}\n", ":1:1: unknown key 'enviroments', did you mean"
				       " 'environments'?" },
		{ "zzz: 1\n", ":1:1: unknown key 'zzz'" },
		{ "twilio: 5\n", ":1:9: 'twilio' is a section" },
		{ "twilio: [1]\n", ":1:9: 'twilio' is a section" },
		{ "twilio:\n  port: x\n", ":2:9: 'twilio.port' wants a whole number, not 'x'" },
		{ "twilio:\n  port: 70000\n", ":2:9: 'twilio.port' wants 1 to 65535, not 70000" },
		{ "twilio:\n  port:\n", "'twilio.port' wants a value" },
		{ "twilio:\n  port: [1]\n", ":2:9: 'twilio.port' wants an integer, not a list" },
		{ "twilio:\n  wait: 90\n", ":2:9: 'twilio.wait' wants a duration with its unit" },
		{ "twilio:\n  wait: 1ms\n", "wants 1s to 1h, not 1ms" },
		{ "twilio:\n  level: hihg\n", "wants one of low|high, not 'hihg'; did you mean"
					      " 'high'?" },
		{ "twilio:\n  rate: fast\n", "wants a number, not 'fast'" },
		{ "twilio:\n  on: maybe\n", "wants true or false, not 'maybe'" },
		{ "twilio:\n  names: {a: b}\n", "wants a list, not a map" },
		{ "twilio:\n  names: [[a]]\n", ":2:11: 'twilio.names' wants a list of texts" },
		{ "twilio:\n  apiBase: api.twilio.com\n", "wants a URL such as https://" },
		{ "twilio:\n  apiBase: https://\n", "wants a URL" },
		{ "twilio:\n  apiBase: 'https://a b'\n", "wants a URL without" },
		{ "twilio:\n  apiBase: http://api.twilio.com\n",
		  ":2:12: 'twilio.apiBase' http://api.twilio.com would travel in clear" },
		{ "twilio:\n  apiBase: http://127.evil.example/\n", "would travel in clear" },
		{ "twilio:\n  apiBase: http://localhost@evil.example/\n", "would travel in clear" },
		{ "api: [\"http://10.0.0.1\"]\n", "would travel in clear" },
		{ "database: x\ndatabase: y\n", ":2:1: key 'database' is there twice" },
		{ "- a\n", ":1:1: a configuration is a map" },
		{ "environments: [a]\n", "'environments' wants a map of names" },
		{ "environments: {a: 5}\n", "environment 'a' wants a map of options" },
		{ "environment: tset\nenvironments: {test: {}}\n",
		  ":1:14: no environment 'tset' in" },
		{ "environment: a\nenvironments: {a: {databse: x}}\n",
		  ":2:20: unknown key 'databse', did you mean 'database'?" },
		{ "environment: a\nenvironments: {a: {labl: x}}\n",
		  "unknown key 'labl', did you mean 'label'?" },
		{ "environment: a\nenvironments: {a: {production: maybe}}\n",
		  "'production' wants true" },
	};
	struct err e;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct config *c = load(t[i].text, NULL, env_none, &e);
		if (c || !strstr(e.msg, t[i].why) || e.code != ERR_INVALID)
			fail_msg("%s: got '%s', wanted '%s'", t[i].text, c ? "loaded" : e.msg,
				 t[i].why);
	}
	assert_null(load("database: x\n", "live", env_none, &e));
	assert_non_null(strstr(e.msg, "--env: no environment 'live'"));
	assert_null(load(NULL, NULL, env_bad, &e));
	assert_string_equal(e.msg, "environment T_BASE: wants a URL such as https://host/path");
	assert_null(load("environments: {live: {}}\n", "liev", env_none, &e));
	assert_non_null(strstr(e.msg, "did you mean 'live'?"));
}

static void count_in(void *ctx, const char *text)
{
	str_addf(ctx, "%s\n", text);
}

/* Environments that are not chosen: errors of a check, warnings of a start. */
static void others(void **state)
{
	static const char text[] =
		"environment: a\n"
		"environments:\n"
		"  a: {database: x}\n"
		"  b:\n"
		"    labl: B\n"
		"    twilio: {apiBse: https://x.example, port: 99999}\n"
		"    database: y\n"
		"  c: {production: maybe}\n";
	struct str told = STR_INIT(8000);
	void *bases[] = { &s, &o };
	struct err e = { 0 };
	size_t problems;
	struct config *c;

	(void)state;
	c = config_load_all(tables, bases, 2, write_file(text), NULL, env_none, count_in, &told, &problems);
	assert_non_null(c);
	assert_int_equal(problems, 4);
	assert_non_null(strstr(told.s, ":5:5: unknown key 'labl', did you mean 'label'?"));
	assert_non_null(strstr(told.s, ":6:14: unknown key 'twilio.apiBse', did you mean"
				       " 'twilio.apiBase'?"));
	assert_non_null(strstr(told.s, ":6:47: 'twilio.port'"));
	assert_non_null(strstr(told.s, "'production' wants true or false"));
	assert_string_equal(s.database, "x");
	config_free(c);
	c = load(text, NULL, env_none, &e);
	assert_non_null(c);
	assert_string_equal(s.database, "x");
	assert_non_null(strstr(config_warning(c, 0), "did you mean 'label'?"));
	assert_non_null(config_warning(c, 3));
	assert_null(config_warning(c, 4));
	config_free(c);
	str_fini(&told);
}

static void insecure(void **state)
{
	static const struct {
		const char *url;
		bool insecure;
	} t[] = {
		{ "https://x", false },		   { "http://x", true },
		{ "http://localhost:1/", false },  { "http://LOCALHOST", false },
		{ "http://127.0.0.1", false },	   { "http://127.9.9.9:80/x", false },
		{ "http://[::1]:8080/", false },   { "http://[::2]", true },
		{ "http://localhost.evil.example", true }, { "http://127.0.0.1.evil.example",
							     true },
		{ "http://127.0.0.1@evil.example", true }, { "HTTP://x", true },
		{ "http://evil.example/@127.0.0.1", true }, { "http://evil.example?@localhost",
							      true },
		{ "smtp://x", false },
	};
	struct err e;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(t); i++)
		if (url_insecure(t[i].url) != t[i].insecure)
			fail_msg("%s", t[i].url);
	struct config *c = load("allowInsecureHttp: true\ntwilio: {apiBase: \"http://proxy:1\"}\n",
				NULL, env_none, &e);
	assert_non_null(c);
	assert_non_null(strstr(config_warning(c, 0), "INSECURE: twilio.apiBase http://proxy:1"));
	assert_null(config_warning(c, 1));
	config_free(c);
}

static void count_problem(void *ctx, const char *text)
{
	struct str *b = ctx;

	str_addf(b, "%s\n", text);
}

static void all_problems(void **state)
{
	void *bases[] = { &s, &o };
	struct str b = STR_INIT(10000);
	size_t n;
	struct config *c;
	(void)state;

	write_file("databse: x\ntwilio:\n  port: x\n  wait: 5\n  level: low\ntoken: t\n");
	c = config_load_all(tables, bases, 2, file, NULL, env_bad, count_problem, &b, &n);
	assert_non_null(c);
	assert_int_equal(n, 4);
	assert_non_null(strstr(b.s, ":1:1: unknown key"));
	assert_non_null(strstr(b.s, ":3:9: "));
	assert_non_null(strstr(b.s, ":4:9: "));
	assert_non_null(strstr(b.s, "environment T_BASE"));
	assert_int_equal(o.port, 80);
	config_free(c);
	str_clear(&b);
	assert_null(config_load_all(tables, bases, 2, "/no/such", NULL, NULL, count_problem, &b,
				    &n));
	assert_int_equal(n, 1);
	assert_non_null(strstr(b.s, "/no/such: No such file"));
	str_fini(&b);
}

static void reload(void **state)
{
	struct settings s2 = { 0 };
	struct other o2 = { 0 };
	void *bases[] = { &s2, &o2 };
	struct str b = STR_INIT(10000);
	struct err e;
	struct config *c = load("token: first-token\ntwilio: {wait: 1m, port: 5}\n", NULL, env_none,
				&e);
	(void)state;

	assert_non_null(c);
	write_file("token: second-token\ntwilio: {wait: 2m, port: 6}\n");
	struct config *fresh = config_load(tables, bases, 2, file, NULL, env_none, &e);
	assert_non_null(fresh);
	config_take(c, fresh, count_problem, &b);
	config_free(fresh);
	assert_int_equal(o.wait, 120000);
	assert_int_equal(o.port, 5);
	assert_true(secret_equal(s.token, "second-token"));
	assert_string_equal(str_get(&b), "token: [secret] -> [secret]\ntwilio.port: needs a"
					 " restart\ntwilio.wait: 1m -> 2m\n");
	config_free(c);
	str_fini(&b);
}

static char *env_home(const char *name)
{
	static char home[] = "/no/home";
	static char cfg[] = "given-by-env.yaml";

	if (str_eq(name, "RINGDOWN_CONFIG"))
		return cfg;
	return str_eq(name, "HOME") ? home : NULL;
}

static void search(void **state)
{
	char *p;
	(void)state;

	p = config_find("x.yaml", env_home);
	assert_string_equal(p, "x.yaml");
	free(p);
	p = config_find(NULL, env_home);
	assert_string_equal(p, "given-by-env.yaml");
	free(p);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(file, sizeof(file), "/tmp/config_test_XXXXXX");
	int fd = mkstemp(file);
	close(fd);
	return fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers),	cmocka_unit_test(refused),
		cmocka_unit_test(insecure),	cmocka_unit_test(all_problems),
		cmocka_unit_test(others),
		cmocka_unit_test(reload),	cmocka_unit_test(search),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
