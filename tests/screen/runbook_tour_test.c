/*
 * A newcomer's way through a runbook, with the real program: from a row of the SMS view to
 * what fits it, the walk with a change and its undo, the line cut in the middle and the
 * run found again where it was, to its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/str.h"
#include "tests/lib/vt.h"

#define SOON 60000
#define LONG 90000
#define TURNS 60

#define expect(v, text, ms)                                                                        \
	do {                                                                                       \
		if (!vt_wait(v, text, ms))                                                         \
			fail_msg("no \"%s\" on:\n%s", text, vt_screen(v));                         \
	} while (0)

static char dir[64], binary[100], home[100];

static struct vt *run(const char *const *argv)
{
	const char *env[] = { "TERM=xterm-256color", "LANG=C.UTF-8",
			      "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", home, NULL };

	return vt_start(argv, env, 80, 24);
}

static struct vt *console(void)
{
	const char *argv[] = { binary, NULL };

	return run(argv);
}

static void settle(struct vt *v)
{
	vt_settle(v, 300, 2000); /* read it first: faster keys do not count */
}

/* What stands between "Type " and " and Enter". */
static void type_the_word(struct vt *v)
{
	char word[64] = "";
	const char *at, *end;

	expect(v, " and Enter to ", SOON);
	settle(v);
	at = strstr(vt_screen(v), "Type ");
	end = at ? strstr(at, " and Enter to ") : NULL;
	assert_true(at && end && end - at - 5 < (long)sizeof(word));
	snprintf(word, sizeof(word), "%.*s", (int)(end - at - 5), at + 5);
	vt_send(v, word);
	vt_send(v, "\r");
}

/* One thing that the run waits for; false when it waits for none of them. */
static bool one_turn(struct vt *v)
{
	bool change = vt_has(v, " at org-off");

	settle(v);
	if (vt_has(v, "WAITING for an answer")) {
		vt_send(v, "\r");
		expect(v, "Enter to answer", SOON);
		settle(v);
		vt_send(v, "\r");
	} else if (vt_has(v, "WAITING for a decision")) {
		vt_send(v, "\r");
		expect(v, "you choose", SOON);
		settle(v);
		vt_send(v, "3\r"); /* content */
	} else if (vt_has(v, "WAITING for a yes or a skip")) {
		vt_send(v, "\r");
		expect(v, "do it", SOON);
		settle(v);
		vt_send(v, change ? "1\r" : "2\r");
	} else if (vt_has(v, "WAITING for a value")) {
		vt_send(v, "\r");
		expect(v, "needs org_id", SOON);
		expect(v, "organisation to act on", SOON);
		settle(v);
		vt_send(v, "\r"); /* the row's organisation is filled in */
	} else if (vt_has(v, "WAITING for a confirmation")) {
		vt_send(v, "\r");
		expect(v, "smsDisabled", SOON);
		type_the_word(v);
	} else if (vt_has(v, "WAITING for a gate")) {
		vt_send(v, "\r");
		expect(v, "do not wait for it", SOON);
		settle(v);
		vt_send(v, "2\r");
		expect(v, "say why", SOON);
		vt_send(v, "seen on the dashboard\r");
	} else if (vt_has(v, "FAILED, waits for you")) {
		vt_send(v, "\r");
		expect(v, "go on although it failed", SOON);
		settle(v);
		vt_send(v, "2\r");
	} else {
		return false;
	}
	settle(v);
	return true;
}

static void walk_until(struct vt *v, const char *text)
{
	for (int i = 0; i < TURNS && !vt_has(v, text); i++)
		if (!one_turn(v))
			vt_wait(v, text, 1000);
	if (!vt_has(v, text))
		fail_msg("never \"%s\":\n%s", text, vt_screen(v));
}

static void start_from_row(struct vt *v)
{
	vt_send(v, "5");
	expect(v, "[MIX]", SOON);
	vt_send(v, "\t\t");
	expect(v, "[ORGS]", SOON);
	expect(v, ">org_", SOON);
	settle(v);
	vt_send(v, "b");
	expect(v, "messaging-failures", SOON);
	settle(v);
	if (vt_has(v, "1  messaging-failures"))
		vt_send(v, "1");
	expect(v, "nothing runs yet", SOON);
	expect(v, "SYMPTOMS", SOON);
	settle(v);
	vt_send(v, "\r");
	expect(v, "reads run by themselves", SOON);
	settle(v);
	vt_send(v, "\r");
	expect(v, "you drive", SOON);
}

static void quit(struct vt *v)
{
	for (int i = 0; i < 3 && vt_alt_screen(v); i++) {
		vt_send(v, "\003");
		vt_settle(v, 300, 1000);
	}
	assert_true(vt_wait_exit(v, SOON) >= 0);
	assert_true(vt_cooked(v));
	vt_free(v);
}

static void walk(void)
{
	struct vt *v = console();

	expect(v, "DEMO (simulated)", SOON);
	expect(v, "ACCOUNTS", SOON);
	start_from_row(v);
	/* a change: asked for, shown, confirmed, and then the next step is due */
	walk_until(v, "undo 1 (U)");
	/* the line is cut; the run goes on without us */
	vt_hangup(v);
	assert_true(vt_wait_exit(v, SOON) >= 0);
	vt_free(v);
	v = console();
	expect(v, "DEMO (simulated)", SOON);
	expect(v, "ACCOUNTS", SOON);
	vt_send(v, "6");
	expect(v, ">RUN-", SOON);
	vt_send(v, "\r");
	expect(v, "undo 1 (U)", SOON);
	settle(v);
	if (!vt_has(v, "you drive")) {
		vt_send(v, ".T");
		expect(v, "Enter to take", SOON);
		settle(v);
		vt_send(v, "\r");
		expect(v, "you drive", SOON);
	}
	settle(v);
	vt_send(v, "U");
	expect(v, "undo the last change org-off", SOON);
	expect(v, "UNDOES", SOON);
	type_the_word(v);
	expect(v, "undone", SOON);
	walk_until(v, "was driven by");
	assert_true(vt_has(v, "done WARN at") || vt_has(v, "done pass at") ||
		    vt_has(v, "done FAIL at"));
	quit(v);
}

static void test_newcomer(void **state)
{
	_cleanup_(free_p) char *file = NULL, *real = NULL, *build = NULL, *books = NULL;
	_cleanup_(free_p) char *shipped = NULL;
	char cwd[512];
	struct vt *world;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/rd-rbtour-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(home, sizeof(home), "HOME=%s", dir);
	/* a place of its own: what attaches to a demo goes by where the program is, and the
	 * runbooks are found beside it */
	build = xasprintf("%s/build", dir);
	books = xasprintf("%s/runbooks", dir);
	shipped = xasprintf("%s/runbooks", cwd);
	assert_int_equal(mkdir(build, 0700), 0);
	assert_int_equal(symlink(shipped, books), 0);
	snprintf(binary, sizeof(binary), "%s/ringdown", build);
	real = xasprintf("%s/build/ringdown", cwd);
	if (link(real, binary) != 0 && symlink(real, binary) != 0)
		fail_msg("build/ringdown is missing");
	file = xasprintf("%s/demo.yaml", build);
	const char *argv[] = { binary, "demo", "--world", file, "--speed", "20", NULL };
	world = run(argv);
	for (int ms = 0; ms < LONG && access(file, R_OK) != 0; ms += 200)
		vt_settle(world, 200, 200);
	assert_int_equal(access(file, R_OK), 0);
	walk();
	kill(vt_pid(world), SIGTERM);
	assert_true(vt_wait_exit(world, 60000) >= 0);
	vt_free(world);
	unlink(binary);
	unlink(file);
	unlink(books);
	rmdir(build);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_newcomer) };

	return cmocka_run_group_tests_name("runbook tour", tests, NULL, NULL);
}
