/*
 * Last rites of the terminal. Invariant: restore runs at most once per arming, whoever
 * gets there first (term_close, a signal, a crash), and never blocks: a reader that has
 * stopped loses what it has not taken. State is static because a signal handler has no
 * other way to find it. It knows no terminfo; term.c prepares the bytes.
 */
#include "ui/rites.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"

static struct {
	volatile sig_atomic_t armed, wake_fd;
	int fd;
	struct termios saved;
	char bytes[256];
	size_t n;
	struct sigaction old[9];
} last = { .wake_fd = -1, .fd = -1 };

static const int fatal[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGSEGV,
	                     SIGABRT, SIGBUS, SIGFPE, SIGILL };
_Static_assert(COUNT_OF(fatal) == COUNT_OF(last.old), "one old action for each signal");
enum { N_SOFT = 4 };

void rites_prepare(const char *bytes, size_t n)
{
	last.n = n < sizeof(last.bytes) ? n : sizeof(last.bytes);
	memcpy(last.bytes, bytes, last.n);
}

void rites_arm(int fd, const struct termios *saved)
{
	last.fd = fd;
	last.saved = *saved;
	last.armed = 1;
}

void rites_disarm(void)
{
	last.armed = 0;
}

void rites_restore(void)
{
	int keep = errno;

	if (!last.armed)
		return;
	last.armed = 0;
	if (write(last.fd, last.bytes, last.n) != (ssize_t)last.n) {
		tcflush(last.fd, TCOFLUSH);
		if (write(last.fd, last.bytes, last.n) < 0)
			errno = keep; /* the terminal is gone: nothing left to restore */
	}
	tcsetattr(last.fd, TCSANOW, &last.saved);
	errno = keep;
}

static void on_fatal(int signum)
{
	unsigned char c = (unsigned char)signum;
	int wake = last.wake_fd;

	rites_restore();
	for (size_t i = 0; i < COUNT_OF(fatal); i++) {
		if (fatal[i] != signum)
			continue;
		if (i < N_SOFT && wake >= 0) {
			last.wake_fd = -1; /* a second one ends the process at once */
			if (write(wake, &c, 1) == 1)
				return;
		}
		sigaction(signum, &last.old[i], NULL);
	}
	raise(signum);
}

void rites_signals_take(int wake_fd)
{
	struct sigaction sa = { .sa_handler = on_fatal, .sa_flags = SA_NODEFER };

	last.wake_fd = wake_fd;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < COUNT_OF(fatal); i++) {
		sigaction(fatal[i], NULL, &last.old[i]);
		/* nohup: stay deaf to the signal; the hang-up itself is seen on the tty */
		if (last.old[i].sa_handler != SIG_IGN)
			sigaction(fatal[i], &sa, NULL);
	}
}

void rites_signals_give_back(void)
{
	last.wake_fd = -1;
	for (size_t i = 0; i < COUNT_OF(fatal); i++)
		sigaction(fatal[i], &last.old[i], NULL);
}
