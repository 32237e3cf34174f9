/*
 * The tour of the README with the real program: the demo opens on a live outage, a person
 * watches, approves with the word that only the dialog shows, sees the steps, rolls back,
 * and leaves nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/str.h"
#include "tests/lib/vt.h"

#define SOON 20000
#define OUTAGE 150000

#define expect(v, text, ms)                                                                        \
	do {                                                                                       \
		if (!vt_wait(v, text, ms))                                                         \
			fail_msg("no \"%s\" on:\n%s", text, vt_screen(v));                         \
	} while (0)

/* What stands between "Type " and " and Enter". */
static void type_the_word(struct vt *v, const char *verb)
{
	char want[64], word[64] = "";
	const char *at, *end;

	snprintf(want, sizeof(want), " and Enter to %s", verb);
	expect(v, want, SOON);
	vt_settle(v, 300, 2000); /* read it first: faster keys do not count */
	at = strstr(vt_screen(v), "Type ");
	end = at ? strstr(at, want) : NULL;
	assert_true(at && end && end - at - 5 < (long)sizeof(word));
	snprintf(word, sizeof(word), "%.*s", (int)(end - at - 5), at + 5);
	vt_send(v, word);
	vt_send(v, "\r");
}

static void test_tour(void **state)
{
	char dir[] = "/tmp/rd-tour-XXXXXX", binary[200], home[220], cwd[512];
	const char *argv[] = { binary, "demo", "--speed", "20", NULL };
	const char *env[] = { "TERM=xterm-256color", "LANG=C.UTF-8", "PATH=/usr/bin:/bin:/usr/sbin:/sbin", home,
			      NULL };
	struct vt *v;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(home, sizeof(home), "HOME=%s", dir);
	/* a name of its own: what attaches to a demo goes by where the program is */
	snprintf(binary, sizeof(binary), "%s/ringdown", dir);
	_cleanup_(free_p) char *real = xasprintf("%s/build/ringdown", cwd);
	if (link(real, binary) != 0 && symlink(real, binary) != 0)
		fail_msg("build/ringdown is missing");
	v = vt_start(argv, env, 80, 24);
	expect(v, "DEMO (simulated)", 90000);
	expect(v, "ACCOUNTS", SOON);
	expect(v, "EV-101", OUTAGE);
	vt_send(v, "2");
	expect(v, "EVENTS 1 of", SOON);
	vt_send(v, "g");
	expect(v, "GATES", SOON);
	vt_send(v, "q");
	vt_send(v, "p");
	expect(v, "canary", SOON);
	vt_send(v, "q");
	if (vt_wait(v, "APPROVES ITSELF IN", SOON)) {
		vt_send(v, "A");
		type_the_word(v, "approve");
	}
	expect(v, "completed", OUTAGE);
	expect(v, "40/40", SOON);
	vt_send(v, "4");
	expect(v, "AGENTS 40", SOON);
	vt_send(v, "2");
	vt_send(v, "U");
	/* while the home account still fails the engine refuses, and says which gate is shut */
	if (!vt_wait(v, "and Enter to rollback", 5000)) {
		assert_true(vt_has(v, "SHUT") || vt_has(v, "not possible"));
		vt_send(v, "\r");
	} else {
		type_the_word(v, "rollback");
		vt_settle(v, 500, 5000);
	}
	vt_send(v, "q"); /* an answer that is still shown; the rest is the view's */
	for (int i = 0; i < 3 && vt_alt_screen(v); i++) {
		vt_send(v, "\003");
		vt_settle(v, 300, 1000);
	}
	assert_int_equal(vt_wait_exit(v, 60000), 0);
	assert_false(vt_alt_screen(v));
	assert_true(vt_cooked(v));
	vt_free(v);
	unlink(binary);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_tour) };

	return cmocka_run_group_tests_name("tour", tests, NULL, NULL);
}
