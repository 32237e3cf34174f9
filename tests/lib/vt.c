/*
 * The pty and libvterm (0.1.4) behind vt.h. The bytes are kept too, because some things
 * a person must never get (colours under NO_COLOR, bytes over 0x7f) can only be seen
 * there. Paste mode is read from the bytes: libvterm does not tell.
 */
#include "tests/lib/vt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <vterm.h>

#include "core/mem.h"
#include "core/str.h"

struct vt {
	pid_t pid;
	int master, slave, w, h, status;
	bool exited, alt, cursor, paste;
	VTerm *term;
	VTermScreen *screen;
	VTermPos pos;
	struct str raw, text;
	struct termios before;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int on_cursor(VTermPos pos, VTermPos old, int visible, void *user)
{
	struct vt *v = user;

	(void)old;
	(void)visible;
	v->pos = pos;
	return 1;
}

static int on_prop(VTermProp prop, VTermValue *val, void *user)
{
	struct vt *v = user;

	if (prop == VTERM_PROP_ALTSCREEN)
		v->alt = val->boolean;
	if (prop == VTERM_PROP_CURSORVISIBLE)
		v->cursor = val->boolean;
	return 1;
}

static const VTermScreenCallbacks callbacks = { .movecursor = on_cursor, .settermprop = on_prop };

struct vt *vt_start(const char *const *argv, const char *const *env, int w, int h)
{
	struct vt *v = xcalloc(1, sizeof(*v));
	struct winsize ws = { .ws_row = (unsigned short)h, .ws_col = (unsigned short)w };

	*v = (struct vt){ .w = w,
		          .h = h,
		          .cursor = true,
		          .raw = STR_INIT((size_t)64 << 20),
		          .text = STR_INIT(1 << 20) };
	v->term = vterm_new(h, w);
	vterm_set_utf8(v->term, 1);
	v->screen = vterm_obtain_screen(v->term);
	vterm_screen_set_callbacks(v->screen, &callbacks, v);
	vterm_screen_enable_altscreen(v->screen, 1);
	vterm_screen_reset(v->screen, 1);
	/* the slave stays open here so that the modes left behind can be looked at */
	if (openpty(&v->master, &v->slave, NULL, NULL, &ws) < 0)
		abort();
	fcntl(v->master, F_SETFD, FD_CLOEXEC);
	fcntl(v->slave, F_SETFD, FD_CLOEXEC);
	tcgetattr(v->slave, &v->before);
	v->pid = fork();
	if (v->pid == 0) {
		setsid();
		ioctl(v->slave, TIOCSCTTY, 0);
		for (int fd = 0; fd < 3; fd++)
			dup2(v->slave, fd);
		execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
		_exit(127);
	}
	return v;
}

void vt_free(struct vt *v)
{
	if (!v)
		return;
	if (!v->exited) {
		kill(v->pid, SIGKILL);
		waitpid(v->pid, NULL, 0);
	}
	if (v->master >= 0)
		close(v->master);
	if (v->slave >= 0)
		close(v->slave);
	vterm_free(v->term);
	str_fini(&v->raw);
	str_fini(&v->text);
	free_p(&v);
}

pid_t vt_pid(const struct vt *v)
{
	return v->pid;
}

/* One read, at most ms; false: nothing came. */
static bool take(struct vt *v, int ms)
{
	struct pollfd p = { .fd = v->master, .events = POLLIN };
	char buf[65536];
	ssize_t n;

	if (v->master < 0 || poll(&p, 1, ms) <= 0)
		return false;
	n = read(v->master, buf, sizeof(buf));
	if (n <= 0)
		return false;
	str_addn(&v->raw, buf, (size_t)n);
	vterm_input_write(v->term, buf, (size_t)n);
	for (const char *s = str_get(&v->raw), *hit; (hit = strstr(s, "\033[?2004")); s = hit + 7)
		v->paste = hit[7] == 'h';
	return true;
}

static void add_cell(struct str *out, const VTermScreenCell *c)
{
	for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && c->chars[i]; i++) {
		uint32_t cp = c->chars[i];
		if (cp == (uint32_t)-1)
			return;
		if (cp < 0x80) {
			str_addc(out, (char)cp);
		} else if (cp < 0x800) {
			str_addc(out, (char)(0xc0 | cp >> 6));
			str_addc(out, (char)(0x80 | (cp & 0x3f)));
		} else {
			str_addc(out, (char)(0xe0 | cp >> 12));
			str_addc(out, (char)(0x80 | (cp >> 6 & 0x3f)));
			str_addc(out, (char)(0x80 | (cp & 0x3f)));
		}
	}
	if (!c->chars[0])
		str_addc(out, ' ');
}

static void add_row(struct vt *v, int y)
{
	size_t start = v->text.len;

	for (int x = 0; x < v->w;) {
		VTermScreenCell c;
		vterm_screen_get_cell(v->screen, (VTermPos){ .row = y, .col = x }, &c);
		add_cell(&v->text, &c);
		x += c.width > 0 ? c.width : 1;
	}
	while (v->text.len > start && v->text.s[v->text.len - 1] == ' ')
		v->text.s[--v->text.len] = '\0';
}

const char *vt_screen(struct vt *v)
{
	str_clear(&v->text);
	for (int y = 0; y < v->h; y++) {
		add_row(v, y);
		str_addc(&v->text, '\n');
	}
	return str_get(&v->text);
}

const char *vt_row(struct vt *v, int y)
{
	str_clear(&v->text);
	add_row(v, y);
	return str_get(&v->text);
}

bool vt_has(struct vt *v, const char *text)
{
	return strstr(vt_screen(v), text) != NULL;
}

static bool wait_for(struct vt *v, const char *text, bool there, int ms)
{
	int64_t end = now_ms() + ms;

	while (vt_has(v, text) != there) {
		int64_t left = end - now_ms();
		if (left <= 0)
			return false;
		if (!take(v, left > 20 ? 20 : (int)left) && v->master < 0)
			return false;
	}
	return true;
}

bool vt_wait(struct vt *v, const char *text, int ms)
{
	return wait_for(v, text, true, ms);
}

bool vt_wait_gone(struct vt *v, const char *text, int ms)
{
	return wait_for(v, text, false, ms);
}

bool vt_wait_raw(struct vt *v, const char *bytes, int ms)
{
	int64_t end = now_ms() + ms;
	size_t len = strlen(bytes);

	while (v->raw.len == 0 || (len && !memmem(v->raw.s, v->raw.len, bytes, len)))
		if (now_ms() >= end || (!take(v, 20) && v->master < 0))
			return false;
	return true;
}

void vt_settle(struct vt *v, int quiet_ms, int ms)
{
	int64_t end = now_ms() + ms;

	while (now_ms() < end && take(v, quiet_ms))
		;
}

void vt_cursor(struct vt *v, int *ret_x, int *ret_y)
{
	*ret_x = v->pos.col;
	*ret_y = v->pos.row;
}

void vt_send_n(struct vt *v, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0 && v->master >= 0) {
		ssize_t done = write(v->master, p, n > 512 ? 512 : n);
		if (done <= 0)
			return;
		p += done;
		n -= (size_t)done;
		if (n)
			take(v, 1);
	}
}

void vt_send(struct vt *v, const char *keys)
{
	vt_send_n(v, keys, strlen(keys));
}

void vt_resize(struct vt *v, int w, int h)
{
	struct winsize ws = { .ws_row = (unsigned short)h, .ws_col = (unsigned short)w };

	v->w = w;
	v->h = h;
	vterm_set_size(v->term, h, w);
	ioctl(v->master, TIOCSWINSZ, &ws);
}

void vt_hangup(struct vt *v)
{
	close(v->slave);
	close(v->master);
	v->master = v->slave = -1;
}

int vt_wait_exit(struct vt *v, int ms)
{
	int64_t end = now_ms() + ms;
	int status;

	while (!v->exited) {
		pid_t r = waitpid(v->pid, &status, WNOHANG);
		if (r == v->pid) {
			v->exited = true;
			v->status =
			        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			break;
		}
		if (now_ms() >= end)
			return -1;
		if (!take(v, 5)) {
			struct timespec t = { 0, 2000000 };
			nanosleep(&t, NULL);
		}
	}
	while (take(v, 0))
		;
	return v->status;
}

const unsigned char *vt_raw(const struct vt *v, size_t *ret_n)
{
	*ret_n = v->raw.len;
	return (const unsigned char *)str_get(&v->raw);
}

void vt_mark(struct vt *v)
{
	str_clear(&v->raw);
}

bool vt_alt_screen(const struct vt *v)
{
	return v->alt;
}

bool vt_cursor_visible(const struct vt *v)
{
	return v->cursor;
}

bool vt_paste_mode(const struct vt *v)
{
	return v->paste;
}

bool vt_cooked(const struct vt *v)
{
	struct termios now;

	if (v->slave < 0 || tcgetattr(v->slave, &now) < 0)
		return false;
	return now.c_lflag == v->before.c_lflag && now.c_iflag == v->before.c_iflag &&
	       now.c_oflag == v->before.c_oflag;
}
