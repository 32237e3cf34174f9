/*
 * What tests of written things share: a directory for what a scene keeps (drafts, a log of
 * what was sent), a console in it, a look at its files.
 */
#ifndef RD_TESTS_KEPT_H
#define RD_TESTS_KEPT_H

#include <sys/stat.h>
#include <unistd.h>

#include "tests/screen/screen.h"

static char dir[64], log_env[80], state_env[80];

static inline struct vt *start_here(const char *scene, const char *view, int w, int h, const char *term)
{
	const char *argv[] = { "/proc/self/exe", "--run", scene, view, NULL };
	char t[64];
	const char *env[] = { t, "LANG=C.UTF-8", "HOME=/nonexistent", "PATH=/usr/bin:/bin", log_env,
			      state_env,
			      "ASAN_OPTIONS=handle_segv=0:handle_abort=0:handle_sigbus=0:"
			      "detect_leaks=0",
			      str_eq(term, "vt100") ? "NO_COLOR=1" : NULL, NULL };

	snprintf(t, sizeof(t), "TERM=%s", term);
	return vt_start(argv, env, w, h);
}

static inline struct vt *start_inc(const char *scene, const char *view)
{
	return start_here(scene, view, 80, 24, "xterm-256color");
}

static inline int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/rd-inc-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(log_env, sizeof(log_env), "SCENE_LOG=%s/log", dir);
	snprintf(state_env, sizeof(state_env), "SCENE_STATE=%s", dir);
	return 0;
}

static inline const char *file_of(const char *name)
{
	static char buf[65536];
	_cleanup_(free_p) char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

	buf[n] = '\0';
	if (f)
		fclose(f);
	return buf;
}

static inline int tear_down(void **state)
{
	static const char *const names[] = { "log", "note-draft.json",
						    "note-draft-N-4998.json",
						    "message-INC-214-customer-notice.json",
						    "report-INC-214-summary.json",
						    "report-INC-214-root-cause.json" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		_cleanup_(free_p) char *path = xasprintf("%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static inline void read_it(struct vt *v)
{
	vt_settle(v, 250, 1500); /* faster keys do not count */
}

#define sent_has(text)                                                                             \
	do {                                                                                       \
		if (!strstr(file_of("log"), text))                                                 \
			fail_msg("no %s in what was sent:\n%s", text, file_of("log"));             \
	} while (0)

#endif
