/* Import of Markdown: each construct, and that nothing of the source is lost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/import.h"

static char *import(const char *text, struct import_report *r)
{
	struct str yaml = STR_INIT(1 << 22);
	struct err err = { 0 };
	struct problems p = { 0 };

	if (runbook_import(text, strlen(text), "dir/My Procedure.md", &yaml, r, &err))
		fail_msg("%s", err.msg);
	struct runbook *rb = runbook_parse(str_get(&yaml), yaml.len, "t", &p);
	if (!rb)
		fail_msg("%s\n%s", p.v[0].text, str_get(&yaml));
	assert_string_equal(rb->id, "my-procedure");
	runbook_free(rb);
	problems_fini(&p);
	return str_take(&yaml);
}

#define F "```"
static void constructs(void **state)
{
	static const struct { const char *markdown, *has, *not; } t[] = {
		{ "# Title\n\ntext\n", "title: 'Title'\nphases:\n- phase: 'Introduction'\n "
				       " steps:\n  - title: 'text (line 3)'\n    note: |2-\n     "
				       " text\n", NULL },
		{ "---\ntitle: \"It's: this\"\nx: 1\n---\n# H\n", "title: 'It''s: this'", NULL },
		{ "# T\n## A\n### B\nx\n## C\n", "- phase: 'A / B'", "- phase: 'A'\n" },
		{ "# T\n## A\n## B\nx\n", "- phase: 'A'\n  steps:\n  - title: 'A'\n    note: |2-\n "
					  "     A", NULL },
		{ F "bash\n# show them\nls -la\n\n# and the time\ndate\n" F "\n",
		  "  - title: 'show them'\n    effect: 'unknown'\n    run: |2-\n      ls -la\n  -"
		  " title: 'and the time'\n", "phase: 'show" },
		{ "Look here:\n\n" F "sh\ndate\n" F "\n", "title: 'Look here:'\n    effect:"
		  " 'unknown'\n    run: |2-\n      date\n", "note" },
		{ F "\ndate\n" F "\n", "note: |2-\n      ```\n      date\n      ```\n", "run:" },
		{ F "json\n{\"a\": 1}\n" F "\n", "note: |2-\n      ```json\n      {\"a\": 1}\n     "
						 " ```\n", "run:" },
		{ "    date\n", "note: |2-\n      date\n", "run:" },
		{ F "console\n$ uptime\n 1 day\n$ date\n" F "\n",
		  "run: |2-\n      uptime\n  - title: '1 day (line 3)'\n    note: |2-\n      1"
		  " day\n", "$ " },
		{ F "console\nno prompt here\n" F "\n", "note", "run:" },
		{ F "console\n# systemctl status x\n" F "\n",
		  "run: |2-\n      systemctl status x\n", NULL },
		{ F "bash\n$ one\n$ two\n" F "\n", "run: |2-\n      one\n      two\n", NULL },
		{ F "bash\nfor i in 1 2; do\n  # inside\n  echo $i\ndone\n" F "\n",
		  "      for i in 1 2; do\n        # inside\n        echo $i\n      done\n", NULL },
		{ F "bash\ncat <<X\n# not a comment\nX\n" F "\n",
		  "      cat <<X\n      # not a comment\n      X\n", NULL },
		{ F "bash\ncd /srv/app\nexport A=b\nls\n" F "\n",
		  "run: |2-\n      ls\n    cwd: '/srv/app'\n    env:\n      A: 'b'\n", NULL },
		{ F "bash\ncd \"$HOME\"\nls\n" F "\n", "      cd \"$HOME\"\n      ls\n", "cwd" },
		{ F "bash\nget <pod-name> '[REGION]' \"org_xxx\" +1XXXXXXXXXX your_value\n" F "\n",
		  "get \"$pod_name\" ''\"$region\"'' \"${org}\" \"$phone\" \"$value\"", "<pod" },
		{ F "bash\nx <pod-name>\n" F "\n", "  pod_name:\n    type: 'string'\n    help:"
						   " 'pod-name in line 2'\n", NULL },
		{ F "bash\nlogs -n [namespace] x/[service-name] a[index] '[error]'\n" F "\n",
		  "logs -n \"$namespace\" x/\"$service_name\" a[index] '[error]'", NULL },
		{ F "bash\nsort <in >out\n" F "\n", "sort <in >out", "params" },
		{ F "bash\nlogin --password hunter2hunter\n" F "\n",
		  "login --password \"$password\"", "hunter2" },
		{ "The password: hunter2hunter is old\n", "password: (password) is old",
		  "hunter2" },
		{ F "bash\nput api_key=SKxxxxxxxxxxxx\n" F "\n", "api_key=\"$api_key\"", NULL },
		{ F "bash\ntail -f /var/log/x\n" F "\n", "run: |2-\n      tail -f /var/log/x\n   "
		  " follow: '60s'\n", NULL },
		{ F "bash\ntail -f x | sort\n" F "\n", "note: |2-\n      tail -f x | sort\n",
		  "run:" },
		{ F "sql\n-- how many\nSELECT count(*) FROM t WHERE id = '<id>';\nDELETE FROM"
		    " t\nWHERE a = 1;\n" F "\n",
		  "title: 'how many'\n    effect: 'unknown'\n    sql: |2-\n      SELECT count(*)"
		  " FROM t WHERE id = $id\n", NULL },
		{ "1. Do this\n2. Do that\n   - a\n   - b\n",
		  "  - ask: 'Do this'\n  - ask: 'Do that'\n    items:\n    - 'a'\n    - 'b'\n",
		  NULL },
		{ "1. Look:\n\n   " F "bash\n   date\n   " F "\n\n2. End\n",
		  "title: 'Look:'\n    effect: 'unknown'\n    run: |2-\n      date\n  - ask:"
		  " 'End'\n", NULL },
		{ "- [ ] one\n- [x] two\n", "    items:\n    - 'one'\n    - 'two'\n", NULL },
		{ "- a\n- b\n", "note: |2-\n      - a\n      - b\n", "ask" },
		{ "| a | b |\n|---|---|\n| 1 | 2 |\n", "note: |2-\n      | a | b |\n     "
						       " |---|---|\n      | 1 | 2 |\n", NULL },
		{ "> quoted\n\n<b>html</b>\n", "      > quoted\n\n      <b>html</b>\n", NULL },
		{ "x [a][1]\n\n[1]: https://example.com\n", "[1]: https://example.com", NULL },
		{ "a\r\nb\r\n", "      a\n      b\n", "\r" },
		{ "\xef\xbb\xbf# T\n\nbad \xff byte \x01 and \xe2\x80\xa8 line\n",
		  "bad \xef\xbf\xbd byte", "\xff" },
		/* words before code that is none: kept with it */
		{ "Post this:\n\n" F "\nhello\n" F "\n", "note: |2-\n      Post this:\n\n      " F
		  "\n      hello\n", "run:" },
		{ "Two lines\nthat ask:\n\n" F "console\n(a / b) * 100\n" F "\n",
		  "note: |2-\n      Two lines\n      that ask:\n\n", "run:" },
		{ "1. Say:\n\n   " F "\n   hello\n   " F "\n", "note: |2-\n      1. Say:\n",
		  "run:" },
		{ "For example:\n\n    me@host$ date\n", "      For example:\n\n", "run:" },
		{ "Open it:\n\n" F "sh\nless /var/log/x\n" F "\n",
		  "note: |2-\n      Open it:\n", "run:" },
		{ "Read it:\n\n" F "sh\n# only words\n" F "\n", "      Read it:\n", "run:" },
		{ "Nothing:\n\n" F "sh\n" F "\n", "      Nothing:\n", "run:" },
		{ "* * *\n\nwords\n", "title: 'words (line 1)'", NULL },
		{ F "\n" F "\n\n" F "\nfirst\n" F "\n", "title: 'first (line 1)'", NULL },
		/* variables that nobody sets */
		{ F "sh\nget ${Env}/x $DB_PASSWORD\n" F "\n", "get ${env}/x $db_password", NULL },
		{ F "sh\nget $DB_PASSWORD\n" F "\n", "  db_password:\n    type: 'secret'", NULL },
		{ F "sh\nX=1\nfor y in $X; do echo $y $HOME '$Z' \"\\$V\" ${W:-w}; done\n" F "\n",
		  "echo $y $HOME '$Z' \"\\$V\" ${W:-w}", "params" },
		{ F "sh\nexport A=b\necho $A\n" F "\n", "env:\n      A: 'b'", "params" },
		{ F "sh\nput --auth-token  abcdefghij sk-abcdefghijklmnopqrst\n" F "\n",
		  "put --auth-token  \"$token\" \"$api_key\"", "abcdefgh" },
		{ F "sh\ncurl https://u:pw123456@h/x\nless x\necho $i\n" F "\n",
		  "curl https://u:(password)@h/x\n      less x\n      echo $$i", "pw123456" },
		{ F "sh\nset x=postgres://admin:pa55@db/x\n" F "\n",
		  "postgres://admin:\"$password\"@db/x", "pa55" },
		{ "first $password here\n\n    $password=hunter2hunter;\n", "first $$password here",
		  "hunter2" },
		/* titles */
		{ "=====\nOF A SYSTEM\n=====\nx\n", "title: 'OF A SYSTEM'\n", NULL },
		{ F "bash\n#!/bin/bash\nset -eu\n\nid -u | \\\nsort\n" F "\n",
		  "title: 'id -u'", NULL },
		/* what wants a terminal */
		{ F "sh\nsudo -i\n" F "\n", "note: |2-\n      sudo -i", "run:" },
		{ F "sh\nkubectl -n a exec -it b -- sh\n" F "\n", "note", "run:" },
		{ F "sh\nkubectl -n a edit pvc b\n" F "\n", "note", "run:" },
		{ F "sh\nkubectl get pods -l role=edit\n" F "\n", "run:", NULL },
		{ "", "steps: []", NULL },
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct import_report r = { 0 };
		_cleanup_(free_p) char *yaml = import(t[i].markdown, &r);
		if (!strstr(yaml, t[i].has) || (t[i].not && strstr(yaml, t[i].not))) {
			print_error("--- row %zu\n%s\n--- has to have\n%s\n--- and not\n%s\n---"
				    " is\n%s\n", i, t[i].markdown, t[i].has,
				    t[i].not ? t[i].not : "", yaml);
			bad++;
		}
		import_report_fini(&r);
	}
	assert_int_equal(bad, 0);
}

static void coverage(void **state)
{
	struct import_report r = { 0 };
	_cleanup_(free_p) char *yaml = import("# T\n\nprose\n\n1. do\n\n" F "bash\na\nb\n" F
					      "\n\ntoken=abcdefghijkl\n", &r);

	(void)state;
	assert_non_null(yaml);
	assert_int_equal(r.executable, 2);
	assert_int_equal(r.human, 1);
	assert_int_equal(r.note, 2);
	assert_int_equal(r.run_steps, 1);
	assert_int_equal(r.params, 1);
	assert_int_equal(r.warnings.n, 1);
	assert_int_equal(r.warnings.v[0].at.line, 12);
	import_report_fini(&r);
}

/* Each word of the source is in the result, whatever stands around it. */
static void nothing_lost(void **state)
{
	static const char text[] =
		"alpha0\n\n# beta1\n\nlead2:\n\n" F "\nbody3\n" F "\n\n1. item4:\n\n   " F
		"text\n   body5\n   " F "\n\n   tail6:\n\n   " F "sh\n   date seven7\n   " F
		"\n2. item8\n   - sub9\n     1. deep10:\n\n        " F "console\n        plain11\n"
		"        " F "\n- [ ] task12\n  more13:\n\n  " F "json\n  {14}\n  " F "\n\n"
		"| head15 |\n|---|\n| cell16 |\n\n## empty17\n\n## last18\n\n<!-- remark19 -->\n\n"
		"end20:\n\n" F "bash\nvim file21\n" F "\n\nword22\n---\n\n[ref23]: https://x\n";
	static const char *const words[] = {
		"alpha0", "beta1", "lead2", "body3", "item4", "body5", "tail6", "seven7", "item8",
		"sub9", "deep10", "plain11", "task12", "more13", "{14}", "head15", "cell16",
		"empty17", "last18", "remark19", "end20", "file21", "word22", "ref23" };
	struct import_report r = { 0 };
	_cleanup_(free_p) char *yaml = import(text, &r);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (!strstr(yaml, words[i]))
			fail_msg("%s is lost:\n%s", words[i], yaml);
	import_report_fini(&r);
}

static void arguments(void **state)
{
	struct import_report r = { 0 };
	_cleanup_(free_p) char *yaml = import(F "bash\nNAME=$1\necho $NAME\n" F "\n", &r);

	(void)state;
	assert_non_null(yaml);
	assert_int_equal(r.warnings.n, 1);
	assert_non_null(strstr(r.warnings.v[0].text, "arguments ($1)"));
	import_report_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(constructs),
					    cmocka_unit_test(coverage),
					    cmocka_unit_test(nothing_lost),
					    cmocka_unit_test(arguments) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
