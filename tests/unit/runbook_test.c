/* The parser: what it takes, and that everything wrong is told with its place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/runbook.h"

#define HEAD "ringdown: 1\nid: t\ntitle: T\n"
#define PHASES "phases:\n- phase: p\n  steps:\n"

static struct runbook *parse(const char *text, struct str *told)
{
	struct problems p = { 0 };
	struct runbook *rb = runbook_parse(text, strlen(text), "f", &p);

	problems_print(told, &p);
	problems_fini(&p);
	return rb;
}

static void bad_files(void **state)
{
	static const struct { const char *text, *told; } t[] = {
		{ "", "f:1:1: this is no runbook: it must begin with 'ringdown: 1'\n" },
		{ "a: [", NULL },
		{ "ringdown: 2\nid: t\ntitle: T\n" PHASES "  - {note: x}\n",
		  "f:1:11: version 2 of the format is not known here, only 1\n" },
		{ HEAD "tittle: x\n" PHASES "  - {note: x}\n",
		  "f:4:1: unknown key 'tittle' in runbook, did you mean 'title'?\n" },
		{ HEAD "title: x\n" PHASES "  - {note: x}\n",
		  "f:4:1: key 'title' is there twice, first in line 3\n" },
		{ HEAD, "f:1:1: 'phases' is missing in this runbook\n" },
		{ HEAD PHASES "  - {id: a, note: x}\n  - {id: a, note: y}\n",
		  "f:8:5: id 'a' is used twice, first in line 7\n" },
		{ HEAD PHASES "  - {note: x, expect: {}}\n",
		  "f:7:23: an empty expectation holds for nothing\n" },
		{ HEAD PHASES "  - {http: GET https://h/, expect: {}}\n",
		  "f:7:36: an empty expectation holds for nothing\n" },
		{ HEAD PHASES "\t- {note: x}\n", "f:7:1: a tab indents this line; use spaces\n" },
		{ HEAD PHASES "  - {http: GET https://h/$org}\n",
		  "f:7:5: nothing has the name $org\n" },
		{ HEAD "params: {org_id: id}\n" PHASES "  - {http: GET https://h/$orgid}\n",
		  "f:8:5: nothing has the name $orgid, did you mean $org_id?\n" },
		{ HEAD PHASES "  - {note: x, timeout: 30}\n",
		  "f:7:24: '30' is no duration: write a number with its unit, as 90s, 5m,"
		  " 1h30m\n" },
		{ HEAD PHASES "  - {note: x, optional: yes}\n", NULL },
		{ HEAD PHASES "  - {note: x, tags: {a: b}}\n", NULL },
		{ HEAD PHASES "  - {note: [x]}\n", "f:7:12: wants a text, this is a list\n" },
		{ HEAD PHASES "  - {note: x, ask: y}\n", "f:7:15: one step has one verb: 'note' is"
		  " there already\n" },
		{ HEAD PHASES "  - {id: a}\n", NULL },
		{ HEAD PHASES "  - {note: x, effect: chnge}\n",
		  "f:7:23: 'chnge' is not one of read|change|destroy|unknown, did you mean"
		  " 'change'?\n" },
		{ HEAD PHASES "  - {http: GET https://h/, expect: {time: {less: 2s}}}\n",
		  "f:7:44: unknown matcher 'less'; there are eq ne lt le gt ge in match contains"
		  " exists count all any not, and bands {ok: M, warn: M}\n" },
		{ HEAD PHASES "  - {note: \"x}\n",
		  "f:8:1: found unexpected end of stream while scanning a quoted scalar that"
		  " begins at 7:12\n" },
		{ HEAD PHASES "  - {note: x, follow: 5s}\n",
		  "f:7:15: 'follow' belongs to run, this is note\n" },
		{ HEAD PHASES "  - {note: x, needs: [b]}\n", "f:7:5: no step has the id 'b'\n" },
		{ HEAD PHASES "  - {id: abc, note: x}\n  - {gate: {until: abd}}\n", NULL },
		{ HEAD PHASES "  - {gate: {time: 5m, until: a}}\n", NULL },
		{ HEAD PHASES "  - {note: x, when: {later: pass}}\n  - {id: later, note: y}\n",
		  "f:7:22: step 'later' comes later\n" },
		{ HEAD PHASES "  - {note: x, when: {nothing: 5}}\n",
		  "f:7:22: 'nothing' is no parameter, saved name or step\n" },
		{ HEAD PHASES "  - {run: [echo, $x]}\n  - {run: [date], save: {x: stdout}}\n",
		  "f:7:5: $x is only known after a later step saves it\n" },
		{ HEAD PHASES "  - {run: [date], save: {x: status}}\n", NULL },
		{ HEAD "params: {n: {type: int, default: many}}\n" PHASES "  - {note: x}\n",
		  "f:4:34: n wants a whole number\n" },
		{ HEAD "params: {n: {type: strng}}\n" PHASES "  - {note: x}\n",
		  "f:4:20: 'strng' is no type of parameter, did you mean 'string'?\n" },
		{ HEAD "params: {n: {type: secret, default: abcdef}}\n" PHASES "  - {note: x}\n",
		  "f:4:37: a secret has no default: it would stand in this file\n" },
		{ HEAD PHASES "  - {note: x, title: 0755}\n",
		  "f:7:22: 0755 is an octal number elsewhere: write '0755'\n" },
		{ HEAD PHASES "  - {note: \"a\\eb\"}\n", "f:7:12: a control character (byte 0x1b)"
		  " in a text\n" },
		{ HEAD "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c"
		  " [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e"
		  " [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
		  NULL },
		{ HEAD PHASES "  - {explain: {code: none}, sql: SELECT 1}\n", NULL },
	};

	int bad = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct str told = STR_INIT(100000);
		struct runbook *rb = parse(t[i].text, &told);
		if (rb || !told.len || (t[i].told && strcmp(t[i].told, str_get(&told)))) {
			print_error("row %zu: %s", i, str_get(&told));
			bad++;
		}
		str_fini(&told);
	}
	assert_int_equal(bad, 0);
}

/* One step with its params; what lint says; NULL = nothing. */
static void safety(void **state)
{
	static const struct { const char *step, *told; } t[] = {
		{ "{run: [tail, -f, /var/log/x]}", "tail -f never ends" },
		{ "{run: [tail, -f, /var/log/x], follow: 60s}", NULL },
		{ "{run: [tail, '-n100', /var/log/x]}", NULL },
		{ "{run: [docker-compose, logs, -f, app]}", "logs -f never ends" },
		{ "{run: [docker-compose, logs, '--tail=50', app]}", NULL },
		{ "{run: 'tail -f x | sort', follow: 60s}", "can never print" },
		{ "{run: 'docker-compose logs -f app | tail -5', follow: 60s}", "can never print" },
		{ "{run: [watch, -n, '1', date]}", "watch never ends" },
		{ "{run: [openssl, s_client, -connect, 'h:443']}", "s_client waits" },
		{ "{run: [openssl, s_client, -connect, 'h:443'], timeout: 10s}", NULL },
		{ "{run: [traceroute, h]}", "tracing a route" },
		{ "{run: [speedtest-cli]}", "speed test" },
		{ "{run: [ping, -c, '10', h]}", NULL },
		{ "{run: [ping, h]}", "ping without -c" },
		{ "{run: [less, x]}", "wants a terminal" },
		{ "{run: [redis-cli, FLUSHDB], effect: change, undo: none, why: w}",
		  "effect: destroy" },
		{ "{run: [redis-cli, FLUSHDB], effect: destroy, undo: none, why: w}", "phrase" },
		{ "{run: [redis-cli, FLUSHDB], effect: destroy, undo: none, why: w, confirm: {type:"
		  " flush}}", NULL },
		{ "{run: [find, /x, -mtime, '+30', -delete]}", "find -delete destroys" },
		{ "{run: [pm2, restart, app]}", "warning: pm2 changes" },
		{ "{run: [pm2, restart, app], effect: change}", "how is this change undone" },
		{ "{run: [pm2, restart, app], effect: change, undo: none}", "needs a 'why'" },
		{ "{run: [pm2, restart, app], effect: change, undo: none, why: w, confirm: false}",
		  "always confirmed" },
		{ "{run: [date], undo: {run: [date]}}", "goes with a change" },
		{ "{run: [imported], effect: unknown}", "warning: effect unknown" },
		{ "{run: [curl, -u, 'a:$token', 'https://h']}", "secret $token in an argument" },
		{ "{http: 'GET https://h/$token'}", "secret $token in a URL" },
		{ "{http: GET https://h/, query: {t: $token}}", "secret $token in a URL" },
		{ "{sql: SELECT $token}", "secret $token in SQL" },
		{ "{http: GET https://h/, headers: {X-Key: $token}}", NULL },
		{ "{http: GET https://h/, auth: {user: $org, secret: token}}", NULL },
		{ "{http: GET https://h/, auth: {user: $org, secret: org}}",
		  "no secret parameter" },
		{ "{http: GET https://h/, auth: {user: $org}}", "wants {user, secret}" },
		{ "{http: 'GET https://u:password@h/'}", "a password stands in the URL" },
		{ "{run: [psql, 'postgresql://u:hunter22@h/db']}", "a password stands in the URL" },
		{ "{http: POST https://h/}", "how is this change undone" },
		{ "{http: POST https://h/, effect: read}", "needs a 'why'" },
		{ "{http: POST https://h/, effect: read, why: it only checks}", NULL },
		{ "{http: ftp://h/}", "the URL begins with" },
		{ "{http: FETCH https://h/}", "none of GET" },
		{ "{sql: SELECT 1; DROP TABLE x}", "2 statements" },
		{ "{sql: COMMIT}", "transactions and settings" },
		{ "{sql: SET x = 1}", "transactions and settings" },
		{ "{sql: UPDATE t SET a = 1 WHERE b = 2}", "the step is declared to read" },
		{ "{sql: 'WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x'}",
		  "the step is declared to read" },
		{ "{sql: UPDATE t SET a = 1 WHERE b = 2, effect: change, undo: none, why: w}",
		  "affected" },
		{ "{sql: UPDATE t SET a = 1 WHERE b = 2, effect: change, undo: none, why: w,"
		  " expect: {affected: 1}}", NULL },
		{ "{sql: UPDATE t SET a = 1, effect: change, undo: none, why: w, expect: {affected:"
		  " 1}}", "no WHERE" },
		{ "{sql: TRUNCATE t, effect: change, undo: none, why: w}",
		  "this statement destroys" },
		{ "{sql: 'COPY t TO PROGRAM ''x'''}", "COPY with PROGRAM" },
		{ "{sql: 'SELECT ''$org'''}", "stands inside quotes" },
		{ "{say: x, to: [pager], every: 5m}", "needs 'until'" },
		{ "{decide: What?}", "needs 'options'" },
		{ "{ask: Which?, answer: choice}", "needs 'items'" },
		{ "{run: [pm2, stop, a], effect: change, hold: stopped, undo: {run: [pm2, start,"
		  " a]}}", "nothing here releases" },
		{ "{run: [pm2, stop, a], effect: change, hold: stopped, undo: {run: [pm2, start,"
		  " a], release: stopped}}", NULL },
		{ "{run: [pm2, stop, a], effect: change, undo: {run: [pm2, start, a], release:"
		  " other}}", "no step here sets" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct str told = STR_INIT(100000);
		_cleanup_(free_p) char *text = xasprintf(HEAD
							 "params: {token: secret, org: id}\n" PHASES
							 "  - %s\n", t[i].step);
		struct runbook *rb = parse(text, &told);
		bool fits = t[i].told ? told.len && strstr(str_get(&told), t[i].told) : rb &&
			!told.len;
		if (!fits)
			fail_msg("%s: '%s', wanted '%s'", t[i].step, str_get(&told), t[i].told);
		runbook_free(rb);
		str_fini(&told);
	}
}

static void good_file(void **state)
{
	static const char text[] = "\xef\xbb\xbf" HEAD "params:\r\n  w: {type: duration, default:"
		" 1h, max: 24h}\r\n  base: {type: url, from: target}\r\n  flag: {type: bool, ask:"
		" start}\r\ntables: {codes: [{code: '30008', retry: true}]}\r\n"
		"never: [{text: no keys, blocks: [keys]}]\r\n" PHASES
		"  - {http: GET $base/x, expect: 200, tags: keys}\r\n"
		"  - {id: q, sql: 'SELECT $w, $codes2', bind: {codes2: {table: codes, column: code,"
		" where: {retry: true}}}, save: {n: rows}}\r\n  - decide:"
		" 'mojib\xc3\x83\xc2\xa4ke?'\r\n    options:\r\n    - {pick: a, likely_when: {any:"
		" [{q: fail, n: 0}, {flag: true}]}, steps: [{note: in a}]}\r\n    - {pick: b}\r\n "
		" - {note: in a}\r\n";
	struct str told = STR_INIT(100000);
	struct runbook *rb = parse(text, &told);
	int depth = 9;

	(void)state;
	if (!rb)
		fail_msg("%s", str_get(&told));
	assert_int_equal(told.len, 0);
	const struct step *s = runbook_step_at(rb, 0, &depth);
	assert_string_equal(s->id, "get-base-x");
	assert_string_equal(s->blocked_by, "no keys");
	assert_int_equal(s->n_expect, 1);
	assert_string_equal(s->expect[0].subject, "status");
	s = runbook_step_at(rb, 3, &depth);
	assert_string_equal(s->id, "in-a");
	assert_int_equal(depth, 1);
	assert_string_equal(runbook_step_at(rb, 4, &depth)->id, "in-a-2");
	assert_null(runbook_step_at(rb, 5, NULL));
	s = runbook_step(rb, "q");
	assert_string_equal(s->bind[0].column, "code");
	const struct condition_when *any = runbook_step_at(rb, 2, NULL)->op.options[0].likely;
	assert_int_equal(any[0].n_any, 3);
	assert_int_equal(any[0].any[0].n_all, 2);
	assert_int_equal(any[0].any[1].n_all, 0);
	assert_int_equal(any[0].any[2].n_all, 1);
	assert_int_equal(rb->params[0].otherwise.ms, 3600000);
	assert_int_equal(strlen(rb->source), strlen(text));
	runbook_free(rb);
	str_fini(&told);
}

static void too_much(void **state)
{
	struct str text = STR_INIT(64 << 20);
	struct str told = STR_INIT(100000);

	(void)state;
	str_add(&text, HEAD PHASES);
	for (int i = 0; i < 10000; i++)
		str_add(&text, "  - {note: the same}\n");
	assert_null(parse(str_get(&text), &told));
	assert_non_null(strstr(str_get(&told), "more than 2000 steps"));
	str_clear(&text);
	str_clear(&told);
	str_add(&text, HEAD PHASES);
	for (int i = 0; i < 1999; i++)
		str_add(&text, "  - {note: the same}\n");
	struct runbook *rb = parse(str_get(&text), &told);
	assert_non_null(rb);
	runbook_free(rb);
	str_clear(&text);
	str_clear(&told);
	while (text.len < 11 << 20)
		str_add(&text, "# a comment that fills the file, line after line, to its end\n");
	assert_null(parse(str_get(&text), &told));
	assert_string_equal(str_get(&told), "f:1:1: larger than 10 MiB\n");
	struct problems p = { 0 };
	assert_null(runbook_parse("a\0b: 1\n", 7, "f", &p));
	assert_string_equal(p.v[0].text, "NUL byte");
	problems_fini(&p);
	str_fini(&text);
	str_fini(&told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files), cmocka_unit_test(safety), cmocka_unit_test(good_file),
		cmocka_unit_test(too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
