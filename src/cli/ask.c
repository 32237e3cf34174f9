/*
 * Asking at the terminal, without echo for secrets. The terminal's settings are put back
 * on every way out, a signal included: they are changed only while a line is read, with
 * the signals that end us held back.
 */
#include "cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "core/mem.h"

enum { SECRET_MAX = 4096 };

bool ask_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* One line from fd, byte by byte so that what follows stays for the next question. Returns its
 * length without the newline, -1 at the end or on an error. */
static ssize_t read_line(int fd, char *buf, size_t n)
{
	size_t len = 0;

	for (;;) {
		char ch;
		ssize_t got = read(fd, &ch, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 && len == 0)
			return -1;
		if (got <= 0 || ch == '\n')
			break;
		if (len + 1 >= n) {
			errno = E2BIG;
			return -1;
		}
		buf[len++] = ch;
	}
	if (len && buf[len - 1] == '\r')
		len--;
	buf[len] = '\0';
	return (ssize_t)len;
}

static ssize_t read_hidden(const char *prompt, char *buf, size_t n)
{
	struct termios was, quiet;
	sigset_t hold, before;
	ssize_t len;

	sigemptyset(&hold);
	sigaddset(&hold, SIGINT);
	sigaddset(&hold, SIGTERM);
	sigaddset(&hold, SIGHUP);
	sigaddset(&hold, SIGTSTP);
	fprintf(stderr, "%s: ", prompt);
	fflush(stderr);
	if (tcgetattr(STDIN_FILENO, &was) != 0)
		return -1;
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	/* ^C and ^\ reach us as bytes while ISIG is off: the line ends there */
	quiet.c_cc[VEOL] = 3;
	sigprocmask(SIG_BLOCK, &hold, &before);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	len = read_line(STDIN_FILENO, buf, n);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	fputc('\n', stderr);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return len >= 0 && memchr(buf, 3, (size_t)len) ? -1 : len;
}

static ssize_t read_file(struct cli *c, const char *file, char *buf, size_t n)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	ssize_t len;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
		cli_note(c, "ringdown: %s: others can read this file", file);
	len = read_line(fd, buf, n);
	close(fd);
	return len;
}

int ask_secret(struct cli *c, const char *prompt, const char *file, bool optional,
	       struct secret **ret)
{
	char buf[SECRET_MAX] = "";
	ssize_t len;

	bool terminal = ask_terminal();

	errno = 0;
	if (file && !str_eq(file, "-"))
		len = read_file(c, file, buf, sizeof(buf));
	else if (!file && terminal)
		len = read_hidden(prompt, buf, sizeof(buf));
	else
		len = read_line(STDIN_FILENO, buf, sizeof(buf));
	if (len > 0)
		*ret = secret_new(buf);
	explicit_bzero(buf, sizeof(buf));
	if (len > 0 || (optional && len == 0))
		return 0;
	return cli_fail(c, EXIT_USAGE, "%s: %s", file ? file : prompt,
			len < 0 && errno ? strerror(errno) : "nothing was given");
}

char *ask_line(const char *prompt)
{
	char buf[512];

	fflush(stdout);
	fprintf(stderr, "%s", prompt);
	fflush(stderr);
	return read_line(STDIN_FILENO, buf, sizeof(buf)) < 0 ? NULL : xstrdup(buf);
}

bool ask_typed(struct cli *c, const char *why, const char *word)
{
	_cleanup_(free_p) char *prompt = NULL, *answer = NULL;

	if (!ask_terminal())
		return true;
	prompt = xasprintf("%s; type %s to go on: ", why, word);
	answer = ask_line(prompt);
	if (str_eq(answer, word))
		return true;
	cli_fail(c, EXIT_NO, "not confirmed; nothing was done");
	return false;
}

bool ask_production(struct cli *c, const char *word)
{
	const struct config *config = cli_config(c);
	_cleanup_(free_p) char *why = NULL;

	if (!config || !config_production(config))
		return true;
	why = xasprintf("PRODUCTION (%s)", config_environment(config));
	return ask_typed(c, why, word);
}
