/*
 * A demo's world in a process of its own, as the console's demo and a drill run it: started,
 * waited for until its file is there, ended. Blocks: nothing else runs at its beginning and end.
 *
 * Invariant: after demo_world_end nothing of it is left, neither a process nor its directory,
 * also when the world itself stood still or did not end by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/demo/demo.h"
#include "core/mem.h"

enum { UP_MS = 120000, DOWN_MS = 12000, POLL_MS = 50, REMOVE_MS = 30000 };

struct proc *demo_world_start(const char *const *argv, const char *const *env, const char *log,
			      struct err *err)
{
	struct proc_options o = { .argv = argv, .env = env, .only_env = env != NULL,
				  .die_with_parent = true };
	struct proc *p;
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	o.stdout_fd = o.stderr_fd = fd;
	p = proc_start(NULL, &o, NULL, NULL, err);
	if (fd >= 0)
		close(fd);
	return p;
}

bool demo_world_up(struct loop *l, struct proc *world, const char *file, const bool *given_up)
{
	int64_t until = loop_now_ms(l) + UP_MS;

	while (loop_now_ms(l) < until && !*given_up) {
		if (access(file, R_OK) == 0)
			return true;
		if (proc_ended(world))
			return false;
		loop_run_once(l, POLL_MS);
	}
	return false;
}

void demo_remove_tree(const char *dir)
{
	const char *argv[] = { "rm", "-rf", "--", dir, NULL };
	struct proc_options o = { .argv = argv, .stdout_fd = -1, .stderr_fd = -1 };

	proc_run(&o, REMOVE_MS, NULL, NULL);
}

char *demo_dir_name(int pid, const char *rest)
{
	const char *tmp = getenv("TMPDIR");

	return xasprintf("%s/ringdown-demo-%d-%s", str_empty(tmp) ? "/tmp" : tmp, pid, rest);
}

/* Of a world that was killed; only what is ours. */
static void remove_dirs(pid_t pid)
{
	_cleanup_(free_p) char *pattern = demo_dir_name((int)pid, "??????");
	glob_t found;
	struct stat st;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (lstat(found.gl_pathv[i], &st) == 0 && S_ISDIR(st.st_mode) &&
		    st.st_uid == geteuid())
			demo_remove_tree(found.gl_pathv[i]);
	globfree(&found);
}

void demo_world_end(struct proc *world, const char *file)
{
	if (world && proc_end_now(world, SIGTERM, DOWN_MS) == 128 + SIGKILL)
		remove_dirs(proc_pid(world));
	proc_free(world);
	unlink(file);
}
