/*
 * The guardian's own process: it starts one program at a time for the engine and is the
 * "subreaper" of all that this one starts, so that orphans, daemons too, become its children.
 * When the program ends, or it is told to stop, or the engine is gone (its end of the socket
 * closes), it ends what is left: TERM, and KILL after the grace, round after round until
 * nothing is there. Then it can serve the next program.
 *
 * It is a fork of a program with threads: nothing here allocates or takes a lock. Programs
 * start by vfork, which copies nothing.
 */
#include "core/proc_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_MS = 2000, DAEMON_MS = 300, ROUND_MS = 20, ROUNDS = 250 };

struct guard { int socket, signals; bool gone; };

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

/* Until a child changes, at most ms. */
static void wait_child(int64_t ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &ts);
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
			wait_child(left < 100 ? left : 100);
			continue;
		}
		if (i++ > ROUNDS)
			break; /* what cannot be killed hangs in the kernel */
		kill(-program, SIGKILL);
		signal_children(SIGKILL);
		wait_child(ROUND_MS);
	}
}

/* ---- messages ----------------------------------------------------------------------------- */

static void answer(const struct guard *g, enum guard_word word, int value)
{
	struct guard_message m = { .word = word, .value = value };

	if (send(g->socket, &m, sizeof(m), MSG_NOSIGNAL) < 0)
		return; /* nobody is there: the next look finds that */
}

/* false: the engine is gone. fd: two outputs and the request, for GUARD_START. */
static bool receive(struct guard *g, struct guard_message *m, int fd[GUARD_FDS])
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int) * GUARD_FDS)]; } control;
	struct iovec io = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n;

	do
		n = recvmsg(g->socket, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	g->gone = n != (ssize_t)sizeof(*m);
	if (g->gone)
		return false;
	for (int i = 0; i < GUARD_FDS; i++)
		fd[i] = -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return true;
}

/* ---- one program ---------------------------------------------------------------------------- */

/* Offsets in the request become places in it. */
static char **places(char *base, size_t at, size_t n)
{
	char **v = (char **)(void *)(base + at);

	for (size_t i = 0; i < n; i++)
		v[i] = base + (size_t)(uintptr_t)v[i];
	return v;
}

/* In the vforked child, which shares our memory: nothing is written but through error. */
__attribute__((noreturn)) static void become(const struct guard_request *q, char **argv, char **env,
					     const int fd[GUARD_FDS], pid_t guard,
					     volatile int *error)
{
	const char *base = (const char *)q;
	sigset_t none;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(127);
	if ((fd[0] < 0 || dup2(fd[0], 1) == 1) && (fd[1] < 0 || dup2(fd[1], 2) == 2) &&
	    (!q->cwd || chdir(base + q->cwd) == 0)) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execve(base + q->path, argv, env);
	}
	*error = errno ? errno : EINVAL;
	_exit(127);
}

static pid_t begin(const struct guard *g, const int fd[GUARD_FDS], size_t size)
{
	volatile int error = 0;
	pid_t guard = getpid(), pid;
	char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd[2], 0);

	if (base == MAP_FAILED) {
		answer(g, GUARD_FAILED, errno);
		return -1;
	}
	struct guard_request *q = (struct guard_request *)(void *)base;
	char **argv = places(base, q->argv, q->n_argv), **env = places(base, q->env, q->n_env);
	pid = vfork();
	if (pid == 0)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Vfork): one thread, only kernel calls */
		become(q, argv, env, fd, guard, &error);
	if (pid < 0)
		error = errno;
	else if (error)
		waitpid(pid, NULL, 0);
	explicit_bzero(base, size);
	munmap(base, size);
	answer(g, error ? GUARD_FAILED : GUARD_STARTED, error ? error : (int)pid);
	return error ? -1 : pid;
}

/* Until the program ends or has to: how long it and the rest may still take, -1: it ended. */
static int64_t attend(struct guard *g, pid_t program, int *status, bool *ended, bool *alone)
{
	struct pollfd p[2] = { { .fd = g->socket, .events = POLLIN },
			       { .fd = g->signals, .events = POLLIN } };
	struct guard_message m = { 0 };
	struct signalfd_siginfo s;
	int fd[GUARD_FDS];

	for (;;) {
		*alone = reap(program, status, ended);
		if (*ended)
			return -1;
		poll(p, 2, -1);
		while (p[1].revents && read(g->signals, &s, sizeof(s)) > 0)
			if (s.ssi_signo == SIGTERM)
				return GRACE_MS;
		if (p[0].revents && (!receive(g, &m, fd) || m.word == GUARD_STOP))
			return g->gone ? GRACE_MS : m.grace_ms;
	}
}

static void serve(struct guard *g, const struct guard_message *m, const int fd[GUARD_FDS])
{
	pid_t program = begin(g, fd, m->size);
	bool ended = false, alone = false;
	int status = 0;

	for (int i = 0; i < GUARD_FDS; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	if (program < 0)
		return;
	int64_t ms = attend(g, program, &status, &ended, &alone);

	if (ended && !alone && m->leave_running) {	/* to whoever minds orphans here */
		answer(g, GUARD_ENDED, status);
		_exit(0);
	}
	if (!alone)
		end_all(program, ms < 0 ? DAEMON_MS : ms, &status, &ended);
	answer(g, GUARD_ENDED, ended ? status : 128 + SIGKILL);
}

void proc_guard(int socket)
{
	struct guard g = { .socket = socket };
	struct guard_message m = { 0 };
	sigset_t set;
	int fd[GUARD_FDS], null;

	setsid();
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	for (int s = 1; s < NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			signal(s, SIG_DFL);
	/* of all that we came with only the socket stays */
	dup2(socket, 3);
	g.socket = 3;
	if (syscall(SYS_close_range, 4, ~0U, 0) < 0)
		for (int i = 4; i < 1024; i++)
			close(i);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	g.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	prctl(PR_SET_NAME, "ringdown-guard");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	while (!g.gone && receive(&g, &m, fd))
		if (m.word == GUARD_START)
			serve(&g, &m, fd);
	_exit(0);
}
