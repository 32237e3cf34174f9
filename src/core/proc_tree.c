/*
 * The guardian of a program and of everything it starts: a process between us and the
 * program that is the "subreaper", so that orphans, daemons too, become its children. When
 * the program ends, or the guardian is told to stop, or we die, it ends what is left: TERM,
 * and KILL after the grace, round after round until nothing is there.
 *
 * It runs between fork and exec of a program with threads: nothing here allocates or takes
 * a lock. It exits with the program's status (128 + signal).
 */
#include "core/proc_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_MS = 2000, DAEMON_MS = 300, ROUND_MS = 20, ROUNDS = 250 };

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Sends to each of our children; their own become ours when they end. */
static void signal_children(int signum)
{
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	char buf[4096];
	pid_t pid = 0;
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				pid = pid * 10 + (buf[i] - '0');
			} else if (pid > 0) {
				kill(pid, signum);
				pid = 0;
			}
		}
	close(fd);
}

/* true when there is no child any more. */
static bool reap(pid_t program, int *status, bool *ended)
{
	int s;
	pid_t got;

	while ((got = waitpid(-1, &s, WNOHANG)) > 0)
		if (got == program) {
			*status = WIFSIGNALED(s) ? 128 + WTERMSIG(s) : WEXITSTATUS(s);
			*ended = true;
		}
	return got < 0 && errno == ECHILD;
}

/* Waits for a signal: TERM is one of ours, or 0 after ms. */
static int wait_signal(int64_t ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };
	sigset_t set;
	int s;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	s = sigtimedwait(&set, NULL, &ts);
	return s < 0 ? 0 : s;
}

/* Ends everything: TERM to all and to the program's group, KILL from the deadline on. */
static void end_all(pid_t program, int64_t grace_ms, int *status, bool *ended)
{
	int64_t deadline = now_ms() + grace_ms;

	kill(-program, SIGTERM);
	signal_children(SIGTERM);
	kill(-program, SIGCONT);
	for (int i = 0; !reap(program, status, ended);) {
		int64_t left = deadline - now_ms();

		if (left > 0) {
			wait_signal(left < 100 ? left : 100);
			continue;
		}
		if (i++ > ROUNDS)
			break; /* what cannot be killed hangs in the kernel */
		kill(-program, SIGKILL);
		signal_children(SIGKILL);
		wait_signal(ROUND_MS);
	}
}

__attribute__((noreturn)) static void guard(pid_t program, int64_t grace_ms)
{
	int status = 0;
	bool ended = false, told = false, alone = false;

	prctl(PR_SET_NAME, "ringdown-guard");
	while (!ended && !told) {
		alone = reap(program, &status, &ended);
		if (!ended)
			told = wait_signal(3600 * 1000) == SIGTERM;
	}
	if (!alone)
		end_all(program, told ? grace_ms : DAEMON_MS, &status, &ended);
	_exit(ended ? status : 128 + SIGKILL);
}

bool proc_tree_guard(int report, int64_t grace_ms)
{
	pid_t self = getpid(), pid;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0) {
		setpgid(0, 0);
		prctl(PR_SET_CHILD_SUBREAPER, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != self)
			_exit(127);
		return true;
	}
	setpgid(pid, pid);
	(void)report; /* with all the rest: only the program may keep the pipes open */
	if (syscall(SYS_close_range, 0, ~0U, 0) < 0)
		for (int fd = 0; fd < 1024; fd++)
			close(fd);
	guard(pid, grace_ms > 0 ? grace_ms : GRACE_MS);
}
