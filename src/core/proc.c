/*
 * Child processes: fork and exec of an argv, never a shell. Each child leads its own process
 * group and inherits no descriptor of ours but its three. Its end is noticed through a pidfd
 * on the loop; a failed exec is reported to the caller through a close-on-exec pipe.
 *
 * Invariant: a signal goes only to a child that we started and have not reaped yet, so its
 * number cannot belong to somebody else.
 */
#include "core/proc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/proc_internal.h"
#include "core/task.h"

enum { MAX_GROUPS = 64, POLL_MS = 20 /* where the kernel has no pidfd */, KILL_MS = 2000 };

struct proc {
	struct loop *loop;
	pid_t pid;
	int pidfd, status;
	bool running;
	struct keeper *keeper;		/* the guardian while it runs under one; pid is its */
	struct watch *watch;
	struct timer timer;
	struct condition ended;
	void (*on_exit)(void *ctx, int status);
	void *ctx;
};

/* All that the child needs, prepared before fork: after it only simple calls are safe. */
struct plan {
	const struct proc_options *o;
	char **env;
	uid_t uid;
	gid_t gid, groups[MAX_GROUPS];
	int n_groups, out, err, report;
	bool drop;
	pid_t parent;
};

/* ---- environment and user ------------------------------------------------------------ */

static void env_free(char **env)
{
	for (size_t i = 0; env && env[i]; i++)
		free_p(&env[i]);
	free_p(&env);
}

/* Adds "K=V", replacing an earlier K. */
static void env_put(char ***env, size_t *n, size_t *cap, const char *line)
{
	size_t name = strcspn(line, "=");

	for (size_t i = 0; i < *n; i++) {
		if (strncmp((*env)[i], line, name) == 0 && (*env)[i][name] == '=') {
			str_replace(&(*env)[i], line);
			return;
		}
	}
	*env = grow(*env, cap, *n + 2, sizeof(**env));
	(*env)[(*n)++] = xstrdup(line);
	(*env)[*n] = NULL;
}

static char **env_build(const struct proc_options *o, const struct passwd *pw)
{
	char **env = NULL;
	size_t n = 0, cap = 0;

	for (char **e = environ; !o->only_env && e && *e; e++)
		env_put(&env, &n, &cap, *e);
	if (pw) {
		const char *const own[][2] = { { "HOME", pw->pw_dir }, { "USER", pw->pw_name },
					       { "LOGNAME", pw->pw_name } };

		for (size_t i = 0; i < COUNT_OF(own); i++) {
			_cleanup_(free_p) char *line = xasprintf("%s=%s", own[i][0], own[i][1]);

			env_put(&env, &n, &cap, line);
		}
	}
	for (size_t i = 0; o->env && o->env[i]; i++)
		env_put(&env, &n, &cap, o->env[i]);
	if (!env)
		env = xcalloc(1, sizeof(*env));
	return env;
}

static int plan_user(struct plan *p, const struct passwd *pw, struct err *err)
{
	p->uid = pw->pw_uid;
	p->gid = pw->pw_gid;
	p->n_groups = MAX_GROUPS;
	p->drop = geteuid() == 0;
	if (!p->drop && geteuid() != p->uid)
		return err_set(err, ERR_DENIED, "cannot run %s as user %s: not root", p->o->argv[0],
			       p->o->user);
	if (getgrouplist(pw->pw_name, pw->pw_gid, p->groups, &p->n_groups) < 0)
		p->n_groups = MAX_GROUPS; /* the first ones; a service user has a handful */
	return 0;
}

/* ---- the child's side ------------------------------------------------------------------- */

static void child_fds(const struct plan *p)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int out = fcntl(p->out >= 0 ? p->out : null, F_DUPFD_CLOEXEC, 3);
	int err = fcntl(p->err >= 0 ? p->err : null, F_DUPFD_CLOEXEC, 3);

	dup2(null, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		for (int fd = 3; fd < 1024; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static bool child_prepare(const struct plan *p)
{
	setpgid(0, 0);
	for (int s = 1; s < NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			signal(s, SIG_DFL);
	child_fds(p);
	if (p->o->cwd && chdir(p->o->cwd) < 0)
		return false;
	if (p->drop && (setgroups((size_t)p->n_groups, p->groups) < 0 || setgid(p->gid) < 0 ||
			setuid(p->uid) < 0))
		return false;
	/* after setuid, which clears it */
	if (p->o->die_with_parent) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != p->parent)
			_exit(127);
	}
	return true;
}

__attribute__((noreturn)) static void child(const struct plan *p)
{
	sigset_t none;
	int e;

	if (child_prepare(p)) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (p->o->path)
			execve(p->o->path, (char *const *)(uintptr_t)p->o->argv, p->env);
		else
			execvpe(p->o->argv[0], (char *const *)(uintptr_t)p->o->argv, p->env);
	}
	e = errno;
	if (write(p->report, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

/* ---- starting ------------------------------------------------------------------------------ */

/* fork, exec, and the errno of a failed exec. The pid, or negative with err. */
static pid_t spawn(struct plan *p, struct err *err)
{
	int report[2], child_errno = 0;
	sigset_t all, before;
	ssize_t n;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_set(err, ERR_SYSTEM, "cannot start %s: %s", p->o->argv[0],
			       strerror(errno));
	p->report = report[1];
	p->parent = getpid();
	/* no handler of ours may run in the child before it has reset them */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		child(p);
	child_errno = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		return err_set(err, ERR_SYSTEM, "cannot start %s: %s", p->o->argv[0],
			       strerror(child_errno));
	}
	setpgid(pid, pid);
	do {
		n = read(report[0], &child_errno, sizeof(child_errno));
	} while (n < 0 && errno == EINTR);
	close(report[0]);
	if (n == (ssize_t)sizeof(child_errno)) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return err_set(err, child_errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM,
			       "cannot start %s: %s", p->o->argv[0], strerror(child_errno));
	}
	return pid;
}

static pid_t start(const struct proc_options *o, int out, int errfd, struct err *err)
{
	struct plan p = { .o = o, .out = out, .err = errfd };
	struct passwd pw, *found = NULL;
	char names[4096];
	pid_t pid;

	if (o->user) {
		getpwnam_r(o->user, &pw, names, sizeof(names), &found);
		if (!found)
			return err_set(err, ERR_NOT_FOUND, "cannot run %s: there is no user %s",
				       o->argv[0], o->user);
		pid = plan_user(&p, found, err);
		if (pid < 0)
			return pid;
	}
	p.env = env_build(o, p.drop ? found : NULL);
	pid = spawn(&p, err);
	env_free(p.env);
	return pid;
}

static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* true when the child has ended; reaps it. */
static bool reap(pid_t pid, int *ret_status)
{
	int status;
	pid_t got = waitpid(pid, &status, WNOHANG);

	if (got == 0 || (got < 0 && errno == EINTR))
		return false;
	*ret_status = got < 0 ? 0 : exit_status(status);
	return true;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- on the loop ----------------------------------------------------------------------------- */

static void close_pidfd(struct proc *p)
{
	timer_stop(&p->timer);
	watch_free(p->watch);
	p->watch = NULL;
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->pidfd = -1;
}

/* Notices the end. */
static bool look(struct proc *p)
{
	if (!p->running || !reap(p->pid, &p->status))
		return false;
	p->running = false;
	close_pidfd(p);
	condition_wake(&p->ended);
	if (p->on_exit)
		p->on_exit(p->ctx, p->status);
	return true;
}

static void on_pidfd(void *ctx, int events)
{
	(void)events;
	look(ctx);
}

static void on_poll_timer(struct timer *t)
{
	if (!look(t->user))
		timer_start(t->loop, t, POLL_MS, on_poll_timer);
}

static void on_kept_end(void *ctx, int status)
{
	struct proc *p = ctx;

	p->keeper = NULL;
	p->running = false;
	p->status = status;
	condition_wake(&p->ended);
	if (p->on_exit)
		p->on_exit(p->ctx, p->status);
}

static struct proc *start_kept(struct loop *l, const struct proc_options *o,
			       void (*on_exit)(void *ctx, int status), void *ctx, struct err *err)
{
	struct proc *p = xcalloc(1, sizeof(*p));
	char **env = env_build(o, NULL);

	*p = (struct proc){ .loop = l, .pidfd = -1, .on_exit = on_exit, .ctx = ctx,
			    .timer = TIMER_INIT };
	p->keeper = keeper_start(l, o, env, on_kept_end, p, &p->pid, err);
	p->running = p->keeper != NULL;
	env_free(env);
	if (!p->keeper)
		free_p(&p);
	return p;
}

struct proc *proc_start(struct loop *l, const struct proc_options *o,
			void (*on_exit)(void *ctx, int status), void *ctx, struct err *err)
{
	if (o->tree)
		return start_kept(l, o, on_exit, ctx, err);
	pid_t pid = start(o, o->stdout_fd, o->stderr_fd, err);
	struct proc *p;

	if (pid < 0)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->loop = l;
	p->pid = pid;
	p->pidfd = -1;
	p->running = true;
	p->on_exit = on_exit;
	p->ctx = ctx;
	p->timer = TIMER_INIT;
	p->timer.user = p;
	if (!l)
		return p;
	p->pidfd = open_pidfd(pid);
	p->watch = p->pidfd >= 0 ? watch_new(l, p->pidfd, on_pidfd, p) : NULL;
	if (p->watch)
		watch_set(p->watch, WATCH_READ);
	else
		timer_start(l, &p->timer, POLL_MS, on_poll_timer);
	return p;
}

pid_t proc_pid(const struct proc *p)
{
	return p->pid;
}

bool proc_running(const struct proc *p)
{
	return p->running;
}

void proc_signal(struct proc *p, int signum)
{
	if (p->keeper)
		keeper_signal(p->keeper, signum);
	else if (p->running)
		kill(-p->pid, signum);
}

int proc_wait(struct proc *p, int64_t ms)
{
	int64_t until = loop_now_ms(p->loop) + ms, left;

	while (p->running && (left = until - loop_now_ms(p->loop)) > 0)
		if (condition_wait(&p->ended, left) == OP_CANCELLED)
			break;
	return p->running ? -1 : p->status;
}

int proc_stop(struct proc *p, int64_t grace_ms)
{
	int status;

	proc_signal(p, SIGTERM);
	proc_signal(p, SIGCONT);
	status = proc_wait(p, grace_ms);
	if (!p->running || task_cancelled())
		return status;
	proc_signal(p, SIGKILL);
	return proc_wait(p, 2000);
}

void proc_continue(struct proc *p)
{
	if (p->running && !p->keeper)
		family_continue(p->pid);
}

void proc_kill(struct proc *p)
{
	if (p->keeper)
		keeper_signal(p->keeper, SIGKILL);
	else if (p->running)
		family_kill(p->pid);
}

/* A cancel ends one wait only. */
int proc_wait_anyway(struct proc *p, int64_t ms)
{
	int64_t until = loop_now_ms(p->loop) + ms, left;

	while (p->running && (left = until - loop_now_ms(p->loop)) > 0)
		condition_wait_anyway(&p->ended, left);
	return p->running ? -1 : p->status;
}

int proc_end(struct proc *p, int signum, int64_t grace_ms)
{
	int status;

	proc_signal(p, signum);
	proc_continue(p);
	status = proc_wait_anyway(p, grace_ms);
	if (!p->running)
		return status;
	proc_kill(p);
	return proc_wait_anyway(p, KILL_MS);
}

bool proc_ended(struct proc *p)
{
	if (p->running && reap(p->pid, &p->status))
		p->running = false;
	return !p->running;
}

static bool ended_within(struct proc *p, int64_t ms)
{
	for (int64_t until = now_ms() + ms; !proc_ended(p);) {
		if (now_ms() >= until)
			return false;
		poll(NULL, 0, POLL_MS);
	}
	return true;
}

int proc_end_now(struct proc *p, int signum, int64_t grace_ms)
{
	if (proc_ended(p))
		return p->status;
	proc_signal(p, signum);
	proc_continue(p);
	if (!ended_within(p, grace_ms)) {
		proc_kill(p);
		ended_within(p, KILL_MS);
	}
	return p->running ? -1 : p->status;
}

void proc_free(struct proc *p)
{
	if (!p)
		return;
	close_pidfd(p);
	if (p->keeper)
		keeper_drop(p->keeper);
	else if (p->running && !reap(p->pid, &p->status)) {
		kill(-p->pid, SIGTERM);
		reap(p->pid, &p->status);
	}
	assert(!p->ended.first); /* a task waits for what its owner frees */
	free_p(&p);
}

/* ---- without a loop ------------------------------------------------------------- */

/* What is there now; false at the end of the pipe. */
static bool drain(int fd, struct str *out)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (out)
			str_addn(out, buf, (size_t)n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Until the child ends (not until the pipe closes: a grandchild may keep it) or time is up. */
static bool run_to_end(pid_t pid, int fd, int64_t timeout_ms, struct str *out, int *ret_status)
{
	int64_t until = now_ms() + timeout_ms;
	int pidfd = open_pidfd(pid);
	bool ended = false;

	while (!(ended = reap(pid, ret_status)) && now_ms() < until) {
		struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
				       { .fd = pidfd, .events = POLLIN } };
		int64_t left = until - now_ms();

		if (left < 0)
			left = 0;
		poll(p, 2, (int)(pidfd < 0 && left > POLL_MS ? POLL_MS : left));
		if (fd >= 0 && p[0].revents && !drain(fd, out))
			fd = -1;
	}
	if (fd >= 0)
		drain(fd, out);
	if (pidfd >= 0)
		close(pidfd);
	return ended;
}

int proc_run(const struct proc_options *o, int64_t timeout_ms, struct str *out, struct err *err)
{
	int both[2], status = 0;
	pid_t pid;

	if (pipe2(both, O_CLOEXEC) < 0)
		return err_set(err, ERR_SYSTEM, "cannot start %s: %s", o->argv[0], strerror(errno));
	fcntl(both[0], F_SETFL, O_NONBLOCK);
	pid = start(o, o->stdout_fd >= 0 ? o->stdout_fd : both[1],
		    o->stderr_fd >= 0 ? o->stderr_fd : both[1], err);
	close(both[1]);
	if (pid > 0 && !run_to_end(pid, both[0], timeout_ms, out, &status)) {
		kill(-pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		pid = err_set(err, ERR_TIMEOUT, "%s did not end within %lld ms", o->argv[0],
			      (long long)timeout_ms);
	}
	close(both[0]);
	return pid < 0 ? (int)pid : status;
}

void proc_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}
