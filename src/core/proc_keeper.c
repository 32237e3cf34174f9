/*
 * The engine's end of guardians: finds or forks one, hands it a program, hears of its end.
 * A guardian that has ended everything of its program serves the next one, as the fork of a
 * large process costs more than most programs; one that idles for a while is let go.
 *
 * Invariant: one program a guardian, so that every orphan is known to belong to it. The
 * socket is the only tie: when it closes, the guardian ends all and itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/proc_internal.h"

enum { IDLE_MAX = 2, IDLE_MS = 5000, ANSWER_MS = 10000, REAP_MS = 50, GRACE_MS = 2000 };

struct keeper {
	struct proc_keepers *pool;	/* NULL: serves one program only */
	struct loop *loop;
	pid_t pid;
	int socket;
	bool busy;
	int64_t grace_ms;
	struct watch *watch;
	struct timer timer;		/* idle for long; after that: not reaped yet */
	void (*ended)(void *ctx, int status);
	void *ctx;
	struct keeper *next;
};

struct proc_keepers { struct loop *loop; struct keeper *first; };

struct proc_keepers *proc_keepers_new(struct loop *l)
{
	struct proc_keepers *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	return p;
}

/* ---- the end of a guardian ------------------------------------------------------------------- */

static void unlink_keeper(struct keeper *k)
{
	struct keeper **at = k->pool ? &k->pool->first : NULL;

	while (at && *at != k)
		at = &(*at)->next;
	if (at)
		*at = k->next;
}

static void disconnect(struct keeper *k)
{
	timer_stop(&k->timer);
	watch_free(k->watch);
	k->watch = NULL;
	if (k->socket >= 0)
		close(k->socket);
	k->socket = -1;
}

static void keeper_free(struct keeper *k)
{
	disconnect(k);
	unlink_keeper(k);
	free_p(&k);
}

static void reap_later(struct timer *t)
{
	struct keeper *k = t->user;

	if (waitpid(k->pid, NULL, WNOHANG) == 0)
		timer_start(k->loop, t, REAP_MS, reap_later);
	else
		keeper_free(k);
}

/* It ends what it has, and itself; we wait for that beside other things. */
static void retire(struct keeper *k)
{
	disconnect(k);
	k->busy = true;
	k->ended = NULL;
	if (waitpid(k->pid, NULL, WNOHANG) != 0 || !k->pool)
		keeper_free(k);
	else
		timer_start(k->loop, &k->timer, REAP_MS, reap_later);
}

static void idle_long(struct timer *t)
{
	retire(t->user);
}

void proc_keepers_free(struct proc_keepers *p)
{
	while (p && p->first) {
		struct keeper *k = p->first;
		bool idle = !k->busy;

		disconnect(k);
		waitpid(k->pid, NULL, idle ? 0 : WNOHANG);
		keeper_free(k);
	}
	free_p(&p);
}

/* ---- what it says ---------------------------------------------------------------------------- */

static size_t count_idle(const struct proc_keepers *p)
{
	size_t n = 0;

	for (const struct keeper *k = p->first; k; k = k->next)
		n += !k->busy;
	return n;
}

static void on_message(void *arg, int events)
{
	struct keeper *k = arg;
	struct guard_message m;
	ssize_t n = recv(k->socket, &m, sizeof(m), MSG_DONTWAIT);
	void (*ended)(void *ctx, int status) = k->ended;
	void *ctx = k->ctx;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	bool gone = n != (ssize_t)sizeof(m);
	if (!gone && m.word != GUARD_ENDED)
		return;
	int status = gone ? 128 + SIGKILL : m.value;
	k->ended = NULL;
	k->busy = false;
	if (!k->pool) {			/* has nothing left to do */
		disconnect(k);
		waitpid(k->pid, NULL, 0);
		keeper_free(k);
	} else if (gone || count_idle(k->pool) > IDLE_MAX)
		retire(k);
	else
		timer_start(k->loop, &k->timer, IDLE_MS, idle_long);
	if (ended)
		ended(ctx, status);
}

void keeper_signal(struct keeper *k, int signum)
{
	struct guard_message m = { .word = GUARD_STOP,
				   .grace_ms = signum == SIGKILL ? 0 : k->grace_ms };

	if (signum != SIGTERM && signum != SIGKILL)
		return;
	if (send(k->socket, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		kill(k->pid, SIGTERM);
}

void keeper_drop(struct keeper *k)
{
	retire(k);
}

/* ---- the start of one ------------------------------------------------------------------------ */

static struct keeper *fork_keeper(struct loop *l, struct proc_keepers *pool, struct err *err)
{
	struct keeper *k;
	sigset_t all, before;
	int both[2], e;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) < 0) {
		err_set(err, ERR_SYSTEM, "socketpair: %s", strerror(errno));
		return NULL;
	}
	/* no handler of ours may run in the child before it has reset them */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		proc_guard(both[1]);
	e = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(both[1]);
	if (pid < 0) {
		close(both[0]);
		err_set(err, ERR_SYSTEM, "fork: %s", strerror(e));
		return NULL;
	}
	k = xcalloc(1, sizeof(*k));
	*k = (struct keeper){ .pool = pool, .loop = l, .pid = pid, .socket = both[0],
			      .timer = TIMER_INIT };
	k->timer.user = k;
	k->watch = watch_new(l, k->socket, on_message, k);
	if (pool) {
		k->next = pool->first;
		pool->first = k;
	}
	return k;
}

static struct keeper *idle_one(struct proc_keepers *pool)
{
	for (struct keeper *k = pool ? pool->first : NULL; k; k = k->next)
		if (!k->busy)
			return k;
	return NULL;
}

/* ---- the request ----------------------------------------------------------------------------- */

static size_t put_text(struct str *b, size_t base, const char *s)
{
	size_t at = base + b->len;

	str_addn(b, s, strlen(s) + 1);
	return at;
}

static size_t put_texts(size_t *slots, struct str *b, size_t base, const char *const *v)
{
	size_t n = 0;

	for (; v && v[n]; n++)
		slots[n] = put_text(b, base, v[n]);
	return n;
}

static size_t count(const char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

static bool write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno != EINTR)
			return false;
		at += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return true;
}

/* A file in memory: however much it is, handing it over does not wait for anybody. */
static int request(const struct proc_options *o, const char *const *env, size_t *ret_size)
{
	struct guard_request q = { .n_argv = count(o->argv), .n_env = count(env) };
	size_t n = q.n_argv + q.n_env + 2, base = sizeof(q) + n * sizeof(size_t);
	size_t *slots = xcalloc(n, sizeof(*slots));
	struct str text = STR_INIT(STR_MAX_DEFAULT);
	int fd = memfd_create("ringdown-request", MFD_CLOEXEC);

	q.argv = sizeof(q);
	q.env = sizeof(q) + (q.n_argv + 1) * sizeof(*slots);
	put_texts(slots, &text, base, o->argv);
	put_texts(slots + q.n_argv + 1, &text, base, env);
	q.path = put_text(&text, base, o->path ? o->path : o->argv[0]);
	q.cwd = o->cwd ? put_text(&text, base, o->cwd) : 0;
	*ret_size = base + text.len;
	if (fd >= 0 && (text.full || !write_all(fd, &q, sizeof(q)) ||
			!write_all(fd, slots, n * sizeof(*slots)) ||
			!write_all(fd, text.s, text.len))) {
		close(fd);
		fd = -1;
	}
	if (text.s)
		explicit_bzero(text.s, text.len);
	str_fini(&text);
	free_p(&slots);
	return fd;
}

static bool hand_over(const struct keeper *k, const struct proc_options *o, int fd, size_t size)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * GUARD_FDS)];
	} control = { 0 };
	struct guard_message m = { .word = GUARD_START, .size = size,
				   .leave_running = o->leave_running };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[GUARD_FDS] = { o->stdout_fd >= 0 ? o->stdout_fd : null,
			       o->stderr_fd >= 0 ? o->stderr_fd : null, fd };
	struct iovec io = { &m, sizeof(m) };
	struct msghdr h = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	ssize_t n = sendmsg(k->socket, &h, MSG_NOSIGNAL);

	if (null >= 0)
		close(null);
	return n == (ssize_t)sizeof(m);
}

/* It answers at once, as vfork and exec do. */
static bool answered(const struct keeper *k, struct guard_message *m)
{
	struct pollfd p = { .fd = k->socket, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, ANSWER_MS);
	while (n < 0 && errno == EINTR);
	return n > 0 && recv(k->socket, m, sizeof(*m), 0) == (ssize_t)sizeof(*m);
}

struct keeper *keeper_start(struct loop *l, const struct proc_options *o, char *const *env,
			    void (*ended)(void *ctx, int status), void *ctx, pid_t *ret_pid,
			    struct err *err)
{
	struct guard_message m = { 0 };
	struct keeper *k = idle_one(o->keepers);
	bool good;
	size_t size;
	int fd;

	if (!k)
		k = fork_keeper(l, o->keepers, err);
	if (!k)
		return NULL;
	timer_stop(&k->timer);
	k->busy = true;
	k->grace_ms = o->grace_ms > 0 ? o->grace_ms : GRACE_MS;
	fd = request(o, (const char *const *)env, &size);
	good = fd >= 0 && hand_over(k, o, fd, size) && answered(k, &m);
	if (fd >= 0)
		close(fd);
	if (good && m.word == GUARD_STARTED) {
		*ret_pid = (pid_t)m.value;
		k->ended = ended;
		k->ctx = ctx;
		watch_set(k->watch, WATCH_READ);
		return k;
	}
	if (good)
		err_set(err, m.value == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "cannot start %s: %s",
			o->argv[0], strerror(m.value));
	else
		err_set(err, ERR_SYSTEM, "cannot start %s: its guardian does not answer",
			o->argv[0]);
	if (good && k->pool) {
		k->busy = false;
		timer_start(k->loop, &k->timer, IDLE_MS, idle_long);
	} else {
		retire(k);
	}
	return NULL;
}
