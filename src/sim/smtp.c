/*
 * A mail sink: EHLO, MAIL, RCPT, DATA, AUTH (any), RSET, QUIT. Chosen recipients
 * are refused (POST /_sim/mail), faults of service "smtp" answer with their status,
 * cut or hang. One connection = one struct session with bounded buffers.
 */
#include "sim/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/mem.h"
#include "sim/fault.h"
#include "sim/sent.h"

enum { MAX_LINE = 4096, MAX_MAIL = 4 << 20, MAX_RECIPIENTS = 100 };

struct session {
	struct sim_smtp *owner;
	int fd;
	struct watch *watch;
	struct str in, mail, to;
	size_t recipients;
	bool data;
	struct session *next, **link;
};

struct sim_smtp {
	struct sim *sim;
	int fd, port;
	struct watch *watch;
	struct session *sessions;
};

static void close_session(struct session *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	watch_free(c->watch);
	close(c->fd);
	str_fini(&c->in);
	str_fini(&c->mail);
	str_fini(&c->to);
	free_p(&c);
}

/* Replies are a few bytes: a socket that cannot take them is given up. */
static bool say(struct session *c, const char *text)
{
	size_t n = strlen(text);

	return send(c->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* -1 close, 0 no fault, 1 answered, 2 hang. */
static int fault(struct session *c, const char *verb)
{
	struct sim_effect e;
	char text[64];
	int rc = 0;

	sim_fault_match(c->owner->sim,
			&(struct sim_asked){ .service = "smtp",
					     .method = verb,
					     .path = verb,
					     .full_path = verb },
			&e);
	if (e.drop || e.drop_reply) {
		rc = -1;
	} else if (e.hang) {
		rc = 2;
	} else if (e.status) {
		snprintf(text, sizeof(text), "%d simulated\r\n", e.status);
		rc = say(c, text) ? 1 : -1;
	}
	sim_effect_fini(&e);
	return rc;
}

static void address_of(const char *line, char *ret, size_t n)
{
	const char *a = strchr(line, '<'), *b = a ? strchr(a, '>') : NULL;

	snprintf(ret, n, "%.*s", b ? (int)(b - a - 1) : 0, a ? a + 1 : "");
}

static bool recipient(struct session *c, const char *line)
{
	char address[256];

	address_of(line, address, sizeof(address));
	if (!*address)
		return say(c, "501 5.1.3 bad address\r\n");
	if (sim_mail_refused(c->owner->sim, address))
		return say(c, "550 5.1.1 no such user\r\n");
	if (++c->recipients > MAX_RECIPIENTS)
		return say(c, "452 4.5.3 too many recipients\r\n");
	str_addf(&c->to, "%s%s", c->to.len ? "," : "", address);
	return say(c, "250 2.1.5 ok\r\n");
}

static void reset(struct session *c)
{
	str_clear(&c->mail);
	str_clear(&c->to);
	c->recipients = 0;
	c->data = false;
}

static bool command(struct session *c, const char *line)
{
	static const char *const fine[] = { "MAIL", "NOOP", "VRFY" };
	char verb[5];

	snprintf(verb, sizeof(verb), "%.4s", line);
	for (char *p = verb; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 32);
	switch (fault(c, verb)) {
	case -1:
		return false;
	case 1:
	case 2:
		return true;
	}
	if (str_eq(verb, "EHLO") || str_eq(verb, "HELO"))
		return say(c, "250-simulator\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n"
			      "250 SIZE 4194304\r\n");
	if (str_eq(verb, "RCPT"))
		return recipient(c, line);
	if (str_eq(verb, "AUTH"))
		return say(c, "235 2.7.0 ok\r\n");
	if (str_eq(verb, "QUIT")) {
		say(c, "221 2.0.0 bye\r\n");
		return false;
	}
	if (str_eq(verb, "RSET")) {
		reset(c);
		return say(c, "250 2.0.0 ok\r\n");
	}
	if (str_eq(verb, "DATA") && !c->to.len)
		return say(c, "554 5.5.1 no valid recipients\r\n");
	if (str_eq(verb, "DATA")) {
		c->data = true;
		return say(c, "354 go on\r\n");
	}
	for (size_t i = 0; i < COUNT_OF(fine); i++)
		if (str_eq(verb, fine[i]))
			return say(c, "250 2.0.0 ok\r\n");
	return say(c, "502 5.5.2 unknown command\r\n");
}

static bool end_of_mail(struct session *c)
{
	const char *subject = strstr(str_get(&c->mail), "Subject:");
	char text[256] = "";
	int rc = fault(c, "END");

	if (subject)
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(subject + 8, "\r\n"),
			 subject + 8);
	if (rc == 0)
		sim_sent_add(c->owner->sim, "mail", str_get(&c->to),
			     text + strspn(text, " "), str_get(&c->mail));
	reset(c);
	return rc == 0 ? say(c, "250 2.0.0 queued\r\n") : rc > 0;
}

static bool one_line(struct session *c, char *line)
{
	if (!c->data)
		return command(c, line);
	if (str_eq(line, "."))
		return end_of_mail(c);
	str_add(&c->mail, *line == '.' ? line + 1 : line);
	str_add(&c->mail, "\r\n");
	return !c->mail.full;
}

static bool lines(struct session *c)
{
	char *start = c->in.s, *end;
	bool ok = true;

	while (ok && start && (end = strchr(start, '\n'))) {
		*end = '\0';
		if (end > start && end[-1] == '\r')
			end[-1] = '\0';
		ok = one_line(c, start);
		start = end + 1;
	}
	if (ok && start && start != c->in.s) {
		size_t rest = strlen(start);

		memmove(c->in.s, start, rest + 1);
		c->in.len = rest;
	}
	return ok && c->in.len < MAX_MAIL;
}

static void on_session(void *ctx, int events)
{
	struct session *c = ctx;
	char buffer[16384];
	ssize_t n = recv(c->fd, buffer, sizeof(buffer), 0);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || memchr(buffer, '\0', (size_t)n)) {
		close_session(c);
		return;
	}
	str_addn(&c->in, buffer, (size_t)n);
	if (!lines(c))
		close_session(c);
}

static void on_connect(void *ctx, int events)
{
	struct sim_smtp *m = ctx;
	int fd = accept4(m->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct session *c;
	int rc;

	(void)events;
	if (fd < 0)
		return;
	c = xcalloc(1, sizeof(*c));
	c->owner = m;
	c->fd = fd;
	c->in = STR_INIT(MAX_MAIL + MAX_LINE);
	c->mail = STR_INIT(MAX_MAIL);
	c->to = STR_INIT(32768);
	c->next = m->sessions;
	c->link = &m->sessions;
	if (c->next)
		c->next->link = &c->next;
	m->sessions = c;
	c->watch = watch_new(m->sim->loop, fd, on_session, c);
	watch_set(c->watch, WATCH_READ);
	rc = fault(c, "CONNECT");
	if (rc == -1 || rc == 1 || (rc == 0 && !say(c, "220 simulator ESMTP\r\n")))
		close_session(c);
}

static int listen_on(const char *address, int port, int *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t len = sizeof(a);
	int one = 1, fd;

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		close(fd);
		return -1;
	}
	*ret_port = ntohs(a.sin_port);
	return fd;
}

struct sim_smtp *sim_smtp_new(struct sim *s, const char *address, int port, struct err *err)
{
	struct sim_smtp *m = xcalloc(1, sizeof(*m));

	m->sim = s;
	m->fd = listen_on(address, port, &m->port);
	if (m->fd < 0) {
		err_set(err, ERR_SYSTEM, "mail port %d: %s", port, strerror(errno));
		free_p(&m);
		return NULL;
	}
	m->watch = watch_new(s->loop, m->fd, on_connect, m);
	watch_set(m->watch, WATCH_READ);
	return m;
}

int sim_smtp_port(const struct sim_smtp *m)
{
	return m->port;
}

void sim_smtp_free(struct sim_smtp *m)
{
	if (!m)
		return;
	while (m->sessions)
		close_session(m->sessions);
	watch_free(m->watch);
	close(m->fd);
	free_p(&m);
}
