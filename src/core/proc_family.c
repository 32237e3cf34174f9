/*
 * A child with everything below it, however deep and in whatever session: found in /proc, each
 * held by a pidfd before it gets a signal, so that a number given anew is never hit.
 *
 * To end a family it is stopped first, from the top: who stands still starts nobody, so the list
 * is complete when KILL goes out. What has left the family before (a daemon whose parents are
 * gone) is not found here; programs that may do that run under a guardian (proc_tree.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/proc_internal.h"

enum { ROUNDS = 20 };	/* of looking for somebody new */

struct member { pid_t pid; int fd; };
struct family { struct member *v; size_t n, cap; };

/* The parent of a process, 0 = there is none such. */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	const char *p;
	int64_t parent = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	p = strrchr(text, ')');		/* ") S 123 ...": the name may hold anything */
	if (!p || strlen(p) < 5)
		return 0;
	p += 4;
	for (; *p >= '0' && *p <= '9'; p++)
		parent = parent * 10 + (*p - '0');
	return (pid_t)parent;
}

static bool has(const struct family *f, pid_t pid)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].pid == pid)
			return true;
	return false;
}

static void add(struct family *f, pid_t pid, pid_t parent)
{
	int fd;

	if (has(f, pid))
		return;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	/* still the one that was listed, now that it cannot become another */
	if (fd < 0 || parent_of(pid) != parent) {
		if (fd >= 0)
			close(fd);
		return;
	}
	f->v = grow(f->v, &f->cap, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = (struct member){ pid, fd };
}

static void add_children(struct family *f, pid_t parent)
{
	char path[64], buf[4096];
	pid_t pid = 0;
	ssize_t n;
	int fd;

	/* ours have one thread that starts programs, PostgreSQL has one at all */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				pid = pid * 10 + (buf[i] - '0');
			} else if (pid > 0) {
				add(f, pid, parent);
				pid = 0;
			}
		}
	if (fd >= 0)
		close(fd);
}

static void send_to(const struct member *m, int signum)
{
	syscall(SYS_pidfd_send_signal, m->fd, signum, NULL, 0);
}

/* Everybody below the top, each given signum when it is found. */
static void collect(struct family *f, pid_t top, int signum)
{
	size_t before;

	for (int round = 0; round < ROUNDS; round++) {
		before = f->n;
		add_children(f, top);
		for (size_t i = 0; i < f->n; i++) {
			if (i >= before)
				send_to(&f->v[i], signum);
			add_children(f, f->v[i].pid);
		}
		if (f->n == before)
			break;
	}
}

static void family_fini(struct family *f)
{
	for (size_t i = 0; i < f->n; i++)
		close(f->v[i].fd);
	free_p(&f->v);
}

void family_continue(pid_t top)
{
	struct family f = { 0 };

	kill(top, SIGCONT);
	collect(&f, top, SIGCONT);
	family_fini(&f);
}

void family_kill(pid_t top)
{
	struct family f = { 0 };

	kill(top, SIGSTOP);
	collect(&f, top, SIGSTOP);
	kill(top, SIGKILL);
	for (size_t i = 0; i < f.n; i++)
		send_to(&f.v[i], SIGKILL);
	family_fini(&f);
}
