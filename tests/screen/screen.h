/* What screen tests share: starting a scene of this very test program in a terminal. */
#ifndef RD_TESTS_SCREEN_H
#define RD_TESTS_SCREEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/vt.h"
#include "tests/screen/scene.h"

#define DEADLINE 60000	/* ms; machines under load are slow, deadlines are not measurements */

static struct vt *start_with(const char *scene, const char *view, int w, int h, const char *term,
			     const char *lang, const char *extra)
{
	const char *argv[] = { "/proc/self/exe", "--run", scene, view, NULL };
	char t[64], l[64];
	const char *env[] = { t, l, "HOME=/nonexistent", "PATH=/usr/bin:/bin",
			      "ASAN_OPTIONS=handle_segv=0:handle_abort=0:handle_sigbus=0:"
			      "detect_leaks=0",
			      "UBSAN_OPTIONS=print_stacktrace=1", extra, NULL };

	snprintf(t, sizeof(t), "TERM=%s", term);
	snprintf(l, sizeof(l), "LANG=%s", lang);
	return vt_start(argv, env, w, h);
}

static inline struct vt *start(const char *scene, const char *view, int w, int h)
{
	return start_with(scene, view, w, h, "xterm-256color", "C.UTF-8", NULL);
}

/* Fails with the screen. */
#define expect(v, text)                                                                            \
	do {                                                                                       \
		if (!vt_wait(v, text, DEADLINE))                                                   \
			fail_msg("no \"%s\" on:\n%s", text, vt_screen(v));                         \
	} while (0)
#define expect_either(v, text, other)                                                              \
	do {                                                                                       \
		for (int i_ = 0; i_ < DEADLINE && !vt_wait(v, text, 0) && !vt_has(v, other); i_++) \
			vt_settle(v, 1, 1);                                                        \
		if (!vt_has(v, text) && !vt_has(v, other))                                         \
			fail_msg("neither \"%s\" nor \"%s\" on:\n%s", text, other,                  \
				 vt_screen(v));                                                    \
	} while (0)
#define expect_gone(v, text)                                                                       \
	do {                                                                                       \
		if (!vt_wait_gone(v, text, DEADLINE))                                              \
			fail_msg("still \"%s\" on:\n%s", text, vt_screen(v));                      \
	} while (0)

static inline void quit(struct vt *v)
{
	/* the first may close a dialog */
	for (int i = 0; i < 4 && vt_wait_exit(v, 0) < 0; i++) {
		vt_send(v, "\003");
		vt_settle(v, 200, 1000);
	}
	if (vt_wait_exit(v, DEADLINE) != 0)
		fail_msg("did not quit:\n%s", vt_screen(v));
	assert_false(vt_alt_screen(v));
	assert_true(vt_cursor_visible(v));
	assert_false(vt_paste_mode(v));
	assert_true(vt_cooked(v));
	vt_free(v);
}

#endif
