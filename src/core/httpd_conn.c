/*
 * The connections that the library has. Between two requests each is held: the library
 * does not read it, and the next head is looked at on the socket like the first one at the
 * door, so that what is refused is refused in our words.
 *
 * Invariants: the library reads no head that was not looked at. It may take more off the
 * socket than one request; what it has taken is known from the counts of bytes, and when
 * that is more than was looked at the answer is the connection's last.
 *
 * The library counts time without any byte only, so one byte now and then would keep a
 * connection for ever. A timer for each wants a whole request in each period in which bytes
 * arrived, and ends those that are held too long.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/httpd_internal.h"
#include "core/mem.h"

enum { READINGS = 5 };

static uint64_t bytes_received(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_bytes_received :
		0;
}

/* What the library has read of it. More may come while we look. */
static uint64_t bytes_taken(int fd)
{
	uint64_t before = bytes_received(fd), after = before;
	int waiting = 0;

	for (int i = 0; i < READINGS; i++) {
		before = after;
		if (ioctl(fd, FIONREAD, &waiting) < 0)
			waiting = 0;
		after = bytes_received(fd);
		if (after == before)
			break;
	}
	return after - (uint64_t)waiting;
}

/* ---- held ------------------------------------------------------------------------------- */

static void let_go(struct httpd_conn *c)
{
	if (!c->watch)
		return;
	watch_free(TAKE(c->watch));
	httpd_look_any(c->fd);
	MHD_resume_connection(c->mhd);
	httpd_drive_soon(c->d);
}

void httpd_conn_cut(struct httpd_conn *c)
{
	shutdown(c->fd, SHUT_RDWR);
	let_go(c);
}

static void on_linger_over(struct timer *t)
{
	httpd_conn_cut(t->user);
}

static void refuse(struct httpd_conn *c, int status, const char *why)
{
	httpd_write_error(c->d, c->fd, status, why);
	c->leaving = true;
	httpd_look_any(c->fd);
	timer_start(c->d->loop, &c->tick, HTTPD_LINGER_MS, on_linger_over);
	if (!httpd_discard(c->fd))
		httpd_conn_cut(c);
}

static void on_held(void *ctx, int events)
{
	struct httpd_conn *c = ctx;
	struct httpd_heads more;
	const char *why;
	int r;

	(void)events;
	if (c->leaving) {
		if (!httpd_discard(c->fd))
			httpd_conn_cut(c);
		return;
	}
	r = httpd_look(c->fd, &c->seen, &more, &why);
	if (r == 0) {
		c->heads.n += more.n;
		c->heads.bytes += more.bytes;
		c->heads.endless = more.endless;
		let_go(c);
	} else if (r > 0) {
		refuse(c, r, why);
	} else if (r == -2) {
		httpd_conn_cut(c);
	}
}

void httpd_conn_whole(struct httpd_conn *c)
{
	c->whole++;
	c->last = c->whole >= c->heads.n &&
		  (c->heads.endless || bytes_taken(c->fd) > c->heads.bytes);
}

/* An answer goes out and others wait for it: nothing is held in the middle of one. */
static bool at_rest(const struct httpd_conn *c)
{
	return c->whole > 0 && c->whole >= c->heads.n && !c->req && !c->last && !c->watch;
}

void httpd_conns_hold(struct httpd *d)
{
	for (struct httpd_conn *c = d->conns; c; c = c->next) {
		if (!at_rest(c))
			continue;
		c->watch = watch_new(d->loop, c->fd, on_held, c);
		if (!c->watch)
			continue;
		c->seen = 0;
		c->held_ms = loop_now_ms(d->loop);
		MHD_suspend_connection(c->mhd);
		watch_set(c->watch, WATCH_READ);
	}
}

void httpd_conns_release(struct httpd *d)
{
	for (struct httpd_conn *c = d->conns; c; c = c->next) {
		timer_stop(&c->tick);
		if (!c->watch)
			continue;
		watch_free(TAKE(c->watch));
		MHD_resume_connection(c->mhd);
	}
}

/* ---- time ------------------------------------------------------------------------------- */

/* Idle between two requests is fine for a while; slow inside one is not, and a new
 * connection has come to ask something. */
static void on_tick(struct timer *t)
{
	static const char late[] = "the request did not come in time";
	struct httpd_conn *c = t->user;
	uint64_t bytes = bytes_received(c->fd);

	if (!(c->req && c->req->whole) && c->whole == c->whole_at_tick &&
	    (bytes != c->bytes || c->whole == 0 || (c->watch && c->seen))) {
		if (c->watch) {
			refuse(c, 408, late);
			return;
		}
		/* the library has nothing to say on it as long as the request is not whole */
		if (!(c->req && c->req->answered))
			httpd_write_error(c->d, c->fd, 408, late);
		httpd_conn_cut(c);
		return;
	}
	if (c->watch && loop_now_ms(t->loop) - c->held_ms >= HTTPD_SILENCE_S * 1000) {
		httpd_conn_cut(c);
		return;
	}
	c->bytes = bytes;
	c->whole_at_tick = c->whole;
	timer_start(t->loop, t, c->d->o.head_timeout_ms, on_tick);
}

/* ---- life ------------------------------------------------------------------------------- */

struct httpd_conn *httpd_conn_new(struct httpd *d, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct httpd_conn *c = xcalloc(1, sizeof(*c));
	int one = 1;

	c->d = d;
	c->mhd = mhd;
	c->fd = info ? info->connect_fd : -1;
	if (d->entering)
		c->heads = *d->entering;
	c->tick = TIMER_INIT;
	c->tick.user = c;
	c->next = d->conns;
	if (d->conns)
		d->conns->prev = c;
	d->conns = c;
	d->inside++;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	timer_start(d->loop, &c->tick, d->o.head_timeout_ms, on_tick);
	return c;
}

void httpd_conn_free(struct httpd_conn *c)
{
	if (!c)
		return;
	timer_stop(&c->tick);
	watch_free(c->watch);
	if (c->prev)
		c->prev->next = c->next;
	else
		c->d->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->d->inside--;
	free_p(&c);
}
