/* run: bounds of time, output and what is left behind; binding; what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/proc.h"
#include "tests/lib/verbtest.h"

static struct verbtest t;
static char *args[12];

static void argv(const char *a, ...)
{
	va_list ap;
	size_t n = 0;

	va_start(ap, a);
	for (; a; a = va_arg(ap, const char *))
		args[n++] = (char *)(uintptr_t)a;
	va_end(ap);
	t.step.op.argv = args;
	t.step.op.n_argv = n;
}

static int script(const char *text)
{
	t.step.op.text = (char *)(uintptr_t)text;
	t.step.op.n_argv = 0;
	return verbtest_run(&t);
}

static int setup(void **state)
{
	(void)state;
	verbtest_init(&t, VERB_RUN, EFFECT_READ);
	t.env.keepers = proc_keepers_new(t.loop);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	proc_keepers_free(t.env.keepers);
	verbtest_fini(&t);
	return 0;
}


#define ok(call) do { if ((call) < 0) fail_msg("%s", t.err.msg); } while (0)

static void arguments(void **state)
{
	(void)state;
	verbtest_text(&t, "x", "a b; rm -rf /tmp/nothing '$HOME' `id`");
	argv("printf", "%s|", "one", "$x", "$$x", NULL);
	ok(verbtest_run(&t));
	assert_string_equal(verbtest_got(&t, "stdout"),
			    "one|a b; rm -rf /tmp/nothing '$HOME' `id`|$x|\n");
	assert_int_equal(verbtest_number(&t, "exit"), 0);
	char *d = verbtest_describe(&t);
	assert_string_equal(d, "printf '%s|' one 'a b; rm -rf /tmp/nothing '\\''$HOME'\\'' `id`'"
			       " '$x'");
	free(d);
	argv("sh", "-c", "echo no >&2; exit 3", NULL);
	ok(verbtest_run(&t));
	assert_int_equal(verbtest_number(&t, "exit"), 3);
	assert_string_equal(verbtest_got(&t, "stderr"), "no\n");
	argv("sh", "-c", "kill -9 $$$$", NULL);
	ok(verbtest_run(&t));
	assert_int_equal(verbtest_number(&t, "exit"), 137);
	argv("no-such-program-here", NULL);
	assert_int_equal(verbtest_run(&t), ERR_NOT_FOUND);
	argv("printf", "$missing", NULL);
	assert_int_equal(verbtest_run(&t), ERR_NOT_FOUND);
	assert_string_equal(t.scope.needs, "missing");
}

static void strict_script(void **state)
{
	(void)state;
	verbtest_text(&t, "name", "'; echo pwned; $(id) \"");
	ok(script("for i in 1 2; do echo \"$i $name\"; done\n"));
	assert_string_equal(verbtest_got(&t, "stdout"),
			    "1 '; echo pwned; $(id) \"\n2 '; echo pwned; $(id) \"\n");
	ok(script("false | true\necho reached\n"));
	assert_int_equal(verbtest_number(&t, "exit"), 1);
	ok(script("echo $undefined_here\necho reached\n"));
	assert_true(verbtest_number(&t, "exit") != 0);
	assert_string_equal(verbtest_got(&t, "stdout"), "");
	verbtest_text(&t, "LD_PRELOAD", "/tmp/x.so");
	assert_int_equal(script("echo $LD_PRELOAD\n"), ERR_DENIED);
}

static void no_input_no_terminal(void **state)
{
	(void)state;
	ok(script("cat; if read -r x; then echo got; else echo end; fi; tty || true;"
		  " if (echo x > /dev/tty) 2>/dev/null; then echo tty; else echo none; fi\n"));
	assert_string_equal(verbtest_got(&t, "stdout"), "end\nnot a tty\nnone\n");
	/* none of our environment either */
	setenv("ENCRYPTION_KEY", "0123456789abcdef", 1);
	ok(script("echo ${ENCRYPTION_KEY:-none} $TERM\n"));
	assert_string_equal(verbtest_got(&t, "stdout"), "none dumb\n");
}

static void never_ends(void **state)
{
	(void)state;
	t.call.timeout_ms = 300;
	argv("sleep", "1000", NULL);
	assert_int_equal(verbtest_run(&t), ERR_TIMEOUT);
	assert_true(strstr(t.err.msg, "300ms") != NULL);
	/* what it had written is kept */
	assert_int_equal(script("echo begun; sleep 1000\n"), ERR_TIMEOUT);
	assert_string_equal(verbtest_got(&t, "stdout"), "begun\n");
}

/* Is there a process with this mark in its arguments? */
static bool alive(const char *mark)
{
	for (int i = 0; i < 50; i++) {
		struct verbtest p;
		bool found;

		verbtest_init(&p, VERB_RUN, EFFECT_READ);
		char *a[] = { (char[]){ "pgrep" }, (char[]){ "-fx" }, xasprintf("sleep %s", mark) };
		p.step.op.argv = a;
		p.step.op.n_argv = 3;
		verbtest_run(&p);
		found = verbtest_number(&p, "exit") == 0;
		free(a[2]);
		verbtest_fini(&p);
		if (!found)
			return false;
		usleep(20000);
	}
	return true;
}

static void ignores_term(void **state)
{
	(void)state;
	t.call.timeout_ms = 200;
	assert_int_equal(script("trap '' TERM; (trap '' TERM; sleep 771001) & sleep 771001; sleep"
				" 771001\n"), ERR_TIMEOUT);
	assert_false(alive("771001"));
}

static void daemons(void **state)
{
	(void)state;
	/* in the background, in a session of its own, twice forked, deaf to TERM */
	ok(script("setsid sh -c 'trap \"\" TERM HUP; sleep 771002 & sleep 771002' >/dev/null 2>&1 &"
		  " \n(setsid sh -c '(sleep 771003 &) ; exit 0' &) \n"
		  "nohup sleep 771004 >/dev/null 2>&1 &\nsleep 0.2; echo started\n"));
	assert_string_equal(verbtest_got(&t, "stdout"), "started\n");
	assert_int_equal(verbtest_number(&t, "exit"), 0);
	assert_false(alive("771002"));
	assert_false(alive("771003"));
	assert_false(alive("771004"));
}

/* A service's daemon stays, when a change says so and ends by itself; nothing else does. */
static void leaves_running(void **state)
{
	static const char text[] = "setsid sleep 771005 >/dev/null 2>&1 &\necho up\n";

	(void)state;
	t.step.op.leaves_running = true;
	ok(script(text));		/* a read */
	assert_false(alive("771005"));
	t.call.effect = EFFECT_CHANGE;
	ok(script(text));
	assert_string_equal(verbtest_got(&t, "stdout"), "up\n");
	assert_true(alive("771005"));
	t.step.op.leaves_running = false;
	ok(script("pkill -KILL -fx 'sleep 771005'\n"));
	/* nor when it had to be ended */
	t.step.op.leaves_running = true;
	t.call.timeout_ms = 300;
	assert_int_equal(script("setsid sleep 771006 & sleep 1000\n"), ERR_TIMEOUT);
	assert_false(alive("771006"));
}

static int guardians(void)
{
	ok(script("pgrep -c -P \"$(ps -o ppid= -p $PPID | tr -d ' ')\" ringdown-guard || true\n"));
	return atoi(verbtest_got(&t, "stdout"));
}

/* One guardian serves one after another; killed, it takes its program along. */
static void guardian(void **state)
{
	_cleanup_(free_p) char *first = NULL;

	(void)state;
	ok(script("echo $PPID\n"));
	first = xstrdup(verbtest_got(&t, "stdout"));
	argv("no-such-program", NULL);
	assert_int_equal(verbtest_run(&t), ERR_NOT_FOUND);
	argv("/etc/passwd", NULL);
	assert_int_equal(verbtest_run(&t), ERR_SYSTEM);
	ok(script("setsid sleep 771007 & echo $PPID\n"));
	assert_string_equal(verbtest_got(&t, "stdout"), first);
	assert_false(alive("771007"));
	assert_int_equal(guardians(), 1);
	ok(script("sleep 0.3; kill -KILL $PPID; sleep 771008\n"));
	assert_int_equal(verbtest_number(&t, "exit"), 137);
	ok(script("echo $PPID\n"));
	assert_string_not_equal(verbtest_got(&t, "stdout"), first);
	/* without a pool: one of its own */
	t.env.keepers = (proc_keepers_free(t.env.keepers), NULL);
	ok(script("echo alone\n"));
	assert_string_equal(verbtest_got(&t, "stdout"), "alone\n");
}

static void writes_much(void **state)
{
	const char *out;

	(void)state;
	ok(script("echo first; for i in $(seq 1 40000); do echo \"line $i of many\"; done; echo"
		  " last\n"));
	out = verbtest_got(&t, "stdout");
	assert_true(strlen(out) < 140000);
	assert_true(str_has_prefix(out, "first\nline 1 of many\n"));
	assert_non_null(strstr(out, " bytes left out ...]\n"));
	assert_string_equal(out + strlen(out) - 5, "last\n");
	/* a gigabyte: ended long before */
	t.call.timeout_ms = 60000;
	assert_int_equal(script("head -c 1073741824 /dev/zero | tr '\\0' 'x'\n"), ERR_TOO_BIG);
	assert_true(strlen(verbtest_got(&t, "stdout")) < 140000);
	assert_int_equal(script("yes\n"), ERR_TOO_BIG);
	assert_true(t.live.len < 300000);
}

static void escapes(void **state)
{
	(void)state;
	ok(script("printf"
		  " 'a\\033[31mred\\033[0m\\033]0;title\\007b\\033]8;;http://x\\033\\\\c\\n'\n"
		  "printf 'one\\rtwo\\r\\nbell\\007\\010\\200\\377 \\342\\200\\256rtl\\n'\nprintf"
		  " '\\033Pdcs\\033\\\\\\033(Bok\\n\\033[2J\\033[?1049h'\n"));
	assert_string_equal(verbtest_got(&t, "stdout"),
			    "aredbc\none\ntwo\nbell\xef\xbf\xbd\xef\xbf\xbd rtl\nok\n");
	assert_string_equal(str_get(&t.live), verbtest_got(&t, "stdout"));
}

static void secrets(void **state)
{
	struct pair env = { .name = (char[]){ "TOKEN" }, .text = (char[]){ "$token" } };

	(void)state;
	verbtest_secret(&t, "token", "s3cr3t-value");
	argv("echo", "$token", NULL);
	assert_int_equal(verbtest_run(&t), ERR_DENIED);
	t.step.op.env = &env;
	t.step.op.n_env = 1;
	ok(script("printf 's3cr'; sleep 0.1; printf '3t-value\\n'; printf %s \"$TOKEN\" |"
		  " base64\n"));
	assert_string_equal(verbtest_got(&t, "stdout"), "***\n***\n");
	assert_null(strstr(str_get(&t.live), "s3cr3t"));
	char *d = verbtest_describe(&t);
	assert_null(strstr(d, "s3cr3t"));
	assert_non_null(strstr(d, "TOKEN='***'"));
	free(d);
}

static void follow(void **state)
{
	struct pair count[] = { { .name = (char[]){ "errors" }, .text = (char[]){ "[Ee]rror" } },
				{ .name = (char[]){ "all" }, .text = (char[]){ "" } } };

	(void)state;
	t.step.op.follow_ms = 400;
	t.step.op.count = count;
	t.step.op.n_count = 2;
	ok(script("echo 'Error one'; echo fine; echo 'two error' >&2; sleep 1000\n"));
	assert_int_equal(verbtest_number(&t, "exit"), 0);
	assert_int_equal(verbtest_number(&t, "counts:errors"), 2);
	assert_int_equal(verbtest_number(&t, "counts:all"), 3);
	assert_true(value_get(&t.result, "followed")->b);
	count[0].text = (char[]){ "(" };
	assert_int_equal(script("echo x\n"), ERR_INVALID);
}

static void directory(void **state)
{
	char dir[] = "/tmp/verb_run-XXXXXX";
	_cleanup_(free_p) char *link = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	link = xasprintf("%s/out", dir);
	assert_int_equal(symlink("/etc", link), 0);
	t.env.root = dir;
	argv("pwd", NULL);
	ok(verbtest_run(&t));
	assert_true(str_has_prefix(verbtest_got(&t, "stdout"), dir));
	t.step.op.cwd = (char[]){ "/etc" };
	assert_int_equal(verbtest_run(&t), ERR_DENIED);
	t.step.op.cwd = (char[]){ "out" };
	assert_int_equal(verbtest_run(&t), ERR_DENIED);
	t.step.op.cwd = (char[]){ "../.." };
	assert_int_equal(verbtest_run(&t), ERR_DENIED);
	t.step.op.cwd = (char[]){ "nowhere" };
	assert_int_equal(verbtest_run(&t), ERR_NOT_FOUND);
	unlink(link);
	rmdir(dir);
}

static void results(void **state)
{
	struct expect want = { .subject = (char[]){ "lines" } };

	(void)state;
	t.step.expect = &want;
	t.step.n_expect = 1;
	ok(script("echo '{\"a\": [1, 2]}'\n"));
	assert_int_equal(verbtest_number(&t, "json:$.a[1]"), 2);
	ok(script("echo one; echo two\n"));
	assert_int_equal(value_get(&t.result, "lines")->n_items, 2);
	t.call.effect = EFFECT_UNKNOWN;
	assert_int_equal(script("echo x\n"), ERR_DENIED);
	t.call.effect = EFFECT_CHANGE;
	t.call.rehearse = true;
	ok(script("echo x > /tmp/verb_run_must_not_exist\n"));
	assert_int_equal(access("/tmp/verb_run_must_not_exist", F_OK), -1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(arguments), T(strict_script), T(no_input_no_terminal), T(never_ends),
		T(ignores_term),
		T(daemons), T(leaves_running), T(guardian), T(writes_much), T(escapes), T(secrets),
		T(follow), T(directory),
		T(results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
