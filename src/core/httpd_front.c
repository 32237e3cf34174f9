/*
 * The door of the HTTP server: accepts, and looks at the head of each request without
 * taking it off the socket. A whole and sound one is handed to the library, the first with
 * the socket; a broken, oversized or slow one gets an answer of ours, in the form that
 * the rest of the API has, where the library would send a page of its own. (httpd_conn.c
 * looks at the later ones.)
 *
 * Invariants: nothing is read from a socket that is handed over; at the door and inside
 * are together never more than max_connections, the rest waits in the kernel's queue; each
 * one here ends within head_timeout_ms.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/httpd_internal.h"
#include "core/mem.h"

enum { HEAD_MAX = 16 << 10, LINE_MAX_BYTES = 8 << 10, FIELDS_MAX = 100, ACCEPTS = 64 };

struct httpd_guest {
	struct httpd_front *front;
	int fd;
	struct watch *watch;
	struct timer timer;
	size_t seen;			/* bytes peeked at last */
	bool leaving;			/* answered: what still comes is thrown away */
	struct httpd_guest *next, *prev;
};

struct httpd_front {
	struct httpd *d;
	int fd;
	struct watch *watch;
	struct httpd_guest *guests;
	int n;
	bool full;
};

/* ---- is it a head? ----------------------------------------------------------------------- */

static bool token_char(char c)
{
	return c > ' ' && c < 127 && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static size_t token_len(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && token_char(s[i]))
		i++;
	return i;
}

/* 0, or the status to refuse with. */
static int check_request_line(const char *s, size_t n, bool *ret_host, const char **why)
{
	size_t method = token_len(s, n), at = method + 1, target;

	*why = "the request line is not METHOD TARGET HTTP/1.1";
	if (!method || method > 32 || method >= n || s[method] != ' ')
		return 400;
	for (target = at; target < n && s[target] > ' ' && s[target] != 127; target++)
		;
	if (target == at || target >= n || s[target] != ' ' || n - target - 1 != 8 ||
	    memcmp(s + target + 1, "HTTP/", 5) != 0)
		return 400;
	*ret_host = memcmp(s + target + 6, "1.0", 3) != 0;
	if (s[target + 6] == '1' && s[target + 7] == '.')
		return 0;
	*why = "this server speaks HTTP/1.1";
	return 505;
}

struct head { int fields, hosts, lengths; bool chunked; uint64_t body; size_t size; };

static bool field_is(const char *s, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(s, name, n) == 0;
}

static int check_field(const char *s, size_t n, struct head *h, const char **why)
{
	size_t name = token_len(s, n), at = name + 1;

	*why = "a header line is not NAME: VALUE";
	if (!name || name >= n || s[name] != ':')
		return 400;
	for (size_t i = at; i < n; i++)
		if ((unsigned char)s[i] < ' ' && s[i] != '\t')
			return 400;
	while (at < n && (s[at] == ' ' || s[at] == '\t'))
		at++;
	while (n > at && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	h->hosts += field_is(s, name, "Host");
	if (field_is(s, name, "Content-Length")) {
		h->lengths++;
		*why = "Content-Length is not a number";
		if (at == n || n - at > 18 || strspn(s + at, "0123456789") < n - at)
			return 400;
		for (h->body = 0; at < n; at++)
			h->body = h->body * 10 + (uint64_t)(s[at] - '0');
	}
	if (field_is(s, name, "Transfer-Encoding")) {
		h->chunked = true;
		*why = "only the transfer encoding chunked is understood";
		if (!field_is(s + at, n - at, "chunked"))
			return 400;
	}
	*why = "too many header lines";
	return ++h->fields > FIELDS_MAX ? 431 : 0;
}

/* The next line without its end; NULL when it is not whole. */
static const char *next_line(const char **p, const char *end, size_t *ret_n)
{
	const char *s = *p, *nl = memchr(s, '\n', (size_t)(end - s));

	if (!nl)
		return NULL;
	*p = nl + 1;
	*ret_n = (size_t)(nl - s) - (nl > s && nl[-1] == '\r');
	return s;
}

/* 0: whole and sound; -1: not whole yet; else the status to refuse with. */
static int check_head(const char *p, size_t n, struct head *ret, const char **why)
{
	const char *from = p, *end = p + n, *line;
	struct head h = { 0 };
	bool first = true, host = false;
	size_t len;
	int r;

	while ((line = next_line(&p, end, &len))) {
		if (first && len == 0)
			continue;	/* empty lines before a request are passed over */
		if (len == 0)
			break;
		if (len > LINE_MAX_BYTES) {
			*why = first ? "the address is too long" : "a header line is too long";
			return first ? 414 : 431;
		}
		r = first ? check_request_line(line, len, &host, why) :
			check_field(line, len, &h, why);
		if (r)
			return r;
		first = false;
	}
	if (!line) {
		*why = "the head is too large";
		return n >= HEAD_MAX ? 431 : -1;
	}
	h.size = (size_t)(p - from);
	*ret = h;
	*why = host && h.hosts != 1 ? "exactly one Host is needed" :
				      "Content-Length stands more than once, or beside"
				      " Transfer-Encoding";
	return (host && h.hosts != 1) || h.lengths > 1 || (h.lengths && h.chunked) ? 400 : 0;
}

/* All that are there, one behind the other: what follows a sound one may be a part only, or
 * broken; then it does not count. */
static int check_heads(const char *p, size_t n, struct httpd_heads *ret, const char **why)
{
	struct head h = { 0 };
	int r = check_head(p, n, &h, why);

	if (r)
		return r;
	*ret = (struct httpd_heads){ 0 };
	do {
		ret->n++;
		ret->bytes += h.size + h.body;
		ret->endless = h.chunked;
	} while (!h.chunked && ret->bytes < n &&
		 check_head(p + ret->bytes, n - (size_t)ret->bytes, &h, why) == 0);
	return 0;
}

static void wake_at(int fd, size_t n)
{
	int low = (int)n;

	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
}

void httpd_look_any(int fd)
{
	wake_at(fd, 1);
}

int httpd_look(int fd, size_t *seen, struct httpd_heads *ret, const char **why)
{
	char head[HEAD_MAX];
	ssize_t n = recv(fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
	int r;

	*why = "";
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -1;
	if (n <= 0 || (size_t)n == *seen)
		return -2;
	r = check_heads(head, (size_t)n, ret, why);
	if (r == -1) {
		*seen = (size_t)n;
		wake_at(fd, *seen + 1);
	}
	return r;
}

/* ---- guests -------------------------------------------------------------------------------- */

static void look_at_door(struct httpd_front *f)
{
	bool full = f->n + f->d->inside >= f->d->o.max_connections;

	if (full != f->full && f->watch)
		watch_set(f->watch, full ? 0 : WATCH_READ);
	f->full = full;
}

/* The socket is whoever's calls this. */
static void guest_free(struct httpd_guest *g)
{
	struct httpd_front *f = g->front;

	timer_stop(&g->timer);
	watch_free(g->watch);
	if (g->prev)
		g->prev->next = g->next;
	else
		f->guests = g->next;
	if (g->next)
		g->next->prev = g->prev;
	f->n--;
	free_p(&g);
	look_at_door(f);
}

static void guest_close(struct httpd_guest *g)
{
	int fd = g->fd;

	guest_free(g);
	shutdown(fd, SHUT_RDWR);
	close(fd);
}

static void on_linger_over(struct timer *t)
{
	guest_close(t->user);
}

/* Closing with bytes unread would take an answer back. */
bool httpd_discard(int fd)
{
	char bin[4096];
	ssize_t n;

	while ((n = recv(fd, bin, sizeof(bin), MSG_DONTWAIT)) > 0)
		;
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void guest_discard(struct httpd_guest *g)
{
	if (!httpd_discard(g->fd))
		guest_close(g);
}

static const char *phrase(int status)
{
	return status == 400 ? "Bad Request" : status == 408 ? "Request Timeout" :
	       status == 414 ? "URI Too Long" : status == 431 ? "Request Header Fields Too Large" :
				"HTTP Version Not Supported";
}

void httpd_write_error(struct httpd *d, int fd, int status, const char *why)
{
	struct str body = STR_INIT(4096), out = STR_INIT(8192);
	const char *type = "text/plain";

	if (d->error_fn)
		d->error_fn(d->error_ctx, NULL, status, why, &body, &type);
	else
		str_add(&body, why);
	str_addf(&out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection:"
		 " close\r\n\r\n%s", status, phrase(status), type, body.len, str_get(&body));
	/* a few hundred bytes into an empty buffer: sent or not, the connection ends */
	if (send(fd, out.s, out.len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		shutdown(fd, SHUT_WR);
	str_fini(&body);
	str_fini(&out);
}

static void guest_refuse(struct httpd_guest *g, int status, const char *why)
{
	httpd_write_error(g->front->d, g->fd, status, why);
	g->leaving = true;
	httpd_look_any(g->fd);
	timer_start(g->front->d->loop, &g->timer, HTTPD_LINGER_MS, on_linger_over);
	guest_discard(g);
}

static void guest_enter(struct httpd_guest *g, const struct httpd_heads *heads)
{
	struct httpd *d = g->front->d;
	struct sockaddr_storage who;
	socklen_t len = sizeof(who);
	int fd = g->fd;
	bool known = getpeername(fd, (struct sockaddr *)&who, &len) == 0;

	httpd_look_any(fd);
	guest_free(g);
	d->entering = heads;
	if (known)
		/* closes it if it will not */
		MHD_add_connection(d->mhd, fd, (struct sockaddr *)&who, len);
	else
		close(fd);
	d->entering = NULL;
	httpd_drive_soon(d);
	look_at_door(d->front);
}

static void on_guest(void *ctx, int events)
{
	struct httpd_guest *g = ctx;
	struct httpd_heads heads;
	const char *why;
	int r;

	(void)events;
	if (g->leaving) {
		guest_discard(g);
		return;
	}
	r = httpd_look(g->fd, &g->seen, &heads, &why);
	if (r == 0)
		guest_enter(g, &heads);
	else if (r > 0)
		guest_refuse(g, r, why);
	else if (r == -2)
		guest_close(g);
}

static void on_slow(struct timer *t)
{
	struct httpd_guest *g = t->user;

	/* who said nothing at all is not answered either */
	if (g->seen)
		guest_refuse(g, 408, "the request did not come in time");
	else
		guest_close(g);
}

static void on_accept(void *ctx, int events)
{
	struct httpd_front *f = ctx;

	(void)events;
	for (int i = 0; i < ACCEPTS && !f->full; i++) {
		int fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		struct httpd_guest *g = xcalloc(1, sizeof(*g));
		*g = (struct httpd_guest){ .front = f, .fd = fd, .timer = TIMER_INIT,
					   .next = f->guests };
		g->timer.user = g;
		if (f->guests)
			f->guests->prev = g;
		f->guests = g;
		f->n++;
		g->watch = watch_new(f->d->loop, fd, on_guest, g);
		if (!g->watch) {
			guest_close(g);
			return;
		}
		watch_set(g->watch, WATCH_READ);
		timer_start(f->d->loop, &g->timer, f->d->o.head_timeout_ms, on_slow);
		look_at_door(f);
	}
}

/* ---- life ------------------------------------------------------------------------------------ */

struct httpd_front *httpd_front_new(struct httpd *d, int fd)
{
	struct httpd_front *f = xcalloc(1, sizeof(*f));

	f->d = d;
	f->fd = fd;
	f->watch = watch_new(d->loop, fd, on_accept, f);
	if (!f->watch) {
		free_p(&f);
		return NULL;
	}
	watch_set(f->watch, WATCH_READ);
	return f;
}

int httpd_front_fd(const struct httpd_front *f)
{
	return f->fd;
}

void httpd_front_left(struct httpd_front *f)
{
	if (f)
		look_at_door(f);
}

void httpd_front_free(struct httpd_front *f)
{
	if (!f)
		return;
	watch_free(TAKE(f->watch));
	shutdown(f->fd, SHUT_RDWR);
	close(f->fd);
	while (f->guests)
		guest_close(f->guests);
	free_p(&f);
}
