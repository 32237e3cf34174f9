/*
 * The terminal. Frames go out as differences, written with terminfo's strings into a
 * queue that the loop relays when the tty takes bytes; a tty that nobody reads costs
 * memory for one frame and never a blocked loop. The tty is opened anew, so that
 * O_NONBLOCK does not reach the shell that shares our descriptors.
 *
 * Invariant: whatever ends the process (q, TERM, HUP, INT, QUIT, SEGV, ABRT, ^Z) first
 * restores the terminal through rites.c.
 * No query is ever sent to the terminal. What the bytes of keys mean is keys.c's.
 */
#include "ui/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define term nc_term /* term.h has a struct term of its own */
#include <curses.h>
#include <term.h>
#undef term

#include "core/mem.h"
#include "core/str.h"
#include "ui/rites.h"

/* curses.h and term.h define words of ours as macros */
#undef lines
#undef columns
#undef timeout
#undef tab

enum cap {
	CAP_CUP,
	CAP_CUF,
	CAP_EL,
	CAP_CLEAR,
	CAP_SGR0,
	CAP_BOLD,
	CAP_UNDERLINE,
	CAP_REVERSE,
	CAP_DIM,
	CAP_SETAF,
	CAP_SETAB,
	CAP_CIVIS,
	CAP_CNORM,
	CAP_SMCUP,
	CAP_RMCUP,
	CAP_COUNT
};
static const char *const cap_names[CAP_COUNT] = {
	"cup", "cuf",   "el",    "clear", "sgr0",  "bold",  "smul",  "rev",
	"dim", "setaf", "setab", "civis", "cnorm", "smcup", "rmcup",
};
/* What nearly everything understands: for a TERM that this machine has no entry of. */
static const char *const cap_ansi[CAP_COUNT] = {
	"\033[%i%p1%d;%p2%dH",
	"\033[%p1%dC",
	"\033[K",
	"\033[H\033[2J",
	"\033[m",
	"\033[1m",
	"\033[4m",
	"\033[7m",
	NULL,
	NULL,
	NULL,
	"\033[?25l",
	"\033[?25h",
	"\033[?1049h",
	"\033[?1049l",
};

#define OUT_MAX ((size_t)4 << 20)
#define MODES_ON "\033[?2004h"
#define MODES_OFF "\033[?2004l"

struct term {
	struct loop *loop;
	const struct term_events *on;
	void *ctx;
	struct term_options opt;
	int fd, wake_fd, wake_to;
	struct watch *watch, *wake;
	struct termios saved;
	char *caps[CAP_COUNT];
	bool xterm_like, tmux, screen, wrap_safe, utf8;
	int colors, w, h;
	struct cells front; /* what the terminal shows */
	bool front_valid, want_drain, plain, active, gone;
	struct str out;
	size_t out_off;
	int x, y; /* the terminal's cursor, -1 = unknown */
	bool cursor_on;
	int style;                /* index into sgr, -1 = unknown */
	char sgr[ROLE_COUNT][48]; /* from plain to the role */
	uint8_t same[ROLE_COUNT]; /* the first role with equal bytes */
	bool inky[ROLE_COUNT];    /* a blank in it can be seen */
};

/* ---- modes and signals ----------------------------------------------------------------- */

/* For the loop's signals, which cannot be given back. */
static struct term *current;

static void modes_raw(struct term *t)
{
	struct termios raw = t->saved;

	raw.c_iflag &= ~(tcflag_t)(IXON | IXOFF | IXANY | ICRNL | INLCR | IGNCR | ISTRIP | PARMRK |
	                           BRKINT);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(t->fd, TCSANOW, &raw);
	rites_arm(t->fd, &t->saved);
}

/* ---- the queue ------------------------------------------------------------------ */

static void lost(struct term *t, int signum)
{
	if (t->gone)
		return;
	t->gone = true;
	watch_set(t->watch, 0);
	rites_restore();
	t->on->gone(t->ctx, signum);
}

static void flush_out(struct term *t)
{
	while (t->out_off < t->out.len) {
		ssize_t n = write(t->fd, t->out.s + t->out_off, t->out.len - t->out_off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			watch_set(t->watch, WATCH_READ | WATCH_WRITE);
			return;
		}
		if (n <= 0) {
			lost(t, 0);
			return;
		}
		t->out_off += (size_t)n;
	}
	str_clear(&t->out);
	t->out_off = 0;
	if (!t->gone)
		watch_set(t->watch, WATCH_READ);
}

/* Writes terminfo's padding ("$<5>") nowhere: nothing that old is on the other end. */
static void add_cap(struct str *out, const char *s)
{
	while (s && *s) {
		const char *pad = strstr(s, "$<");
		const char *end = pad ? strchr(pad, '>') : NULL;
		if (!end) {
			str_add(out, s);
			return;
		}
		str_addn(out, s, (size_t)(pad - s));
		s = end + 1;
	}
}

static void put_cap(struct term *t, enum cap cap)
{
	add_cap(&t->out, t->caps[cap]);
}

static void on_tty(void *ctx, int events)
{
	struct term *t = ctx;
	char buf[4096];

	if (t->gone)
		return;
	if (events & WATCH_WRITE) {
		flush_out(t);
		if (!t->gone && !t->out.len && t->want_drain) {
			t->want_drain = false;
			t->on->drained(t->ctx);
		}
	}
	if (t->gone || !(events & WATCH_READ))
		return;
	ssize_t n = read(t->fd, buf, sizeof(buf));
	if (n > 0)
		t->on->input(t->ctx, buf, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR && errno != EWOULDBLOCK))
		lost(t, 0); /* end of file or EIO: the line was cut */
}

static void measure(struct term *t)
{
	struct winsize ws = { 0 };
	int64_t v;

	t->w = t->h = 0;
	if (ioctl(t->fd, TIOCGWINSZ, &ws) == 0) {
		t->w = ws.ws_col;
		t->h = ws.ws_row;
	}
	if (t->w <= 0)
		t->w = parse_i64(getenv("COLUMNS"), 1, 1000, &v) ? (int)v : 80;
	if (t->h <= 0)
		t->h = parse_i64(getenv("LINES"), 1, 500, &v) ? (int)v : 24;
}

static void on_winch(void *ctx, int signum)
{
	struct term *t = current;

	(void)ctx;
	(void)signum;
	if (!t || !t->active)
		return;
	measure(t);
	/* also when the size is the old one again: in between the terminal cut its lines */
	term_forget(t);
	if (!t->plain)
		t->on->resized(t->ctx);
}

static void on_wake(void *ctx, int events)
{
	struct term *t = ctx;
	unsigned char c = 0;

	(void)events;
	if (read(t->wake_fd, &c, 1) == 1)
		lost(t, c);
}

/* ---- capabilities ----------------------------------------------------------------- */

bool term_locale_utf8(void)
{
	static const char *const vars[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < COUNT_OF(vars); i++) {
		const char *v = getenv(vars[i]);
		if (!str_empty(v))
			return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
	}
	return false;
}

static bool known_family(const char *name)
{
	static const char *const families[] = { "xterm",     "tmux",   "screen", "rxvt",
		                                "alacritty", "kitty",  "foot",   "wezterm",
		                                "st-",       "vte",    "gnome",  "konsole",
		                                "ghostty",   "contour" };

	for (size_t i = 0; i < COUNT_OF(families); i++)
		if (str_has_prefix(name, families[i]))
			return true;
	return false;
}

static int caps_read(struct term *t, struct err *err)
{
	const char *name = getenv("TERM");
	int status = 0;
	bool known;

	if (str_empty(name) || str_eq(name, "dumb"))
		return err_set(
		        err, ERR_SYSTEM,
		        "TERM=%s cannot show the console; `ringdown watch` and `ringdown status` "
		        "work anywhere",
		        name ? name : "");
	known = setupterm(name, t->fd, &status) == OK;
	for (int i = 0; i < CAP_COUNT; i++) {
		const char *s = known ? tigetstr(cap_names[i]) : cap_ansi[i];
		t->caps[i] = s && s != (char *)-1 ? xstrdup(s) : NULL;
	}
	t->colors = known ? tigetnum("colors") : 0;
	t->wrap_safe = known ? !tigetflag("am") || tigetflag("xenl") : true;
	if (!t->caps[CAP_CUP] || !t->caps[CAP_CLEAR])
		return err_set(
		        err, ERR_SYSTEM,
		        "TERM=%s cannot position the cursor; `ringdown watch` works anywhere",
		        name);
	if (!t->caps[CAP_SGR0])
		t->caps[CAP_SGR0] = xstrdup("");
	/* the line drawing set is never switched on, so it need not be switched off */
	if (str_has_prefix(t->caps[CAP_SGR0], "\033(B"))
		memmove(t->caps[CAP_SGR0], t->caps[CAP_SGR0] + 3, strlen(t->caps[CAP_SGR0]) - 2);
	if (!t->caps[CAP_SETAF] || !t->caps[CAP_SETAB] || t->opt.no_color || t->colors < 8)
		t->colors = 0;
	t->xterm_like = known_family(name);
	t->tmux = !str_empty(getenv("TMUX"));
	t->screen = !t->tmux && str_has_prefix(name, "screen");
	t->utf8 = term_locale_utf8() && !str_has_prefix(name, "vt1") &&
	          !str_has_prefix(name, "vt2") && !str_has_prefix(name, "vt5");
	return 0;
}

static void prepare_rites(struct term *t)
{
	struct str s = STR_INIT(256);

	add_cap(&s, t->caps[CAP_SGR0]);
	if (t->xterm_like)
		str_add(&s, MODES_OFF);
	if (t->caps[CAP_RMCUP]) {
		add_cap(&s, t->caps[CAP_RMCUP]);
	} else { /* no second screen: leave an empty one */
		add_cap(&s, t->caps[CAP_CLEAR]);
	}
	add_cap(&s, t->caps[CAP_CNORM]);
	rites_prepare(str_get(&s), s.len);
	str_fini(&s);
}

static void enter(struct term *t)
{
	modes_raw(t);
	put_cap(t, CAP_SMCUP);
	if (t->xterm_like)
		str_add(&t->out, MODES_ON);
	put_cap(t, CAP_CIVIS);
	t->cursor_on = false;
	t->active = true;
	term_forget(t);
}

static int tty_open(struct term *t, struct err *err)
{
	char name[128];
	const int flags = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(err, ERR_SYSTEM,
		               "%s is not a terminal; use `ringdown status` or `ringdown watch`",
		               isatty(STDIN_FILENO) ? "standard output" : "standard input");
	t->fd = ttyname_r(STDOUT_FILENO, name, sizeof(name)) == 0 ? open(name, flags) : -1;
	if (t->fd < 0)
		t->fd = open("/dev/tty", flags);
	if (t->fd < 0)
		return err_set(err, ERR_SYSTEM, "cannot open the terminal: %s", strerror(errno));
	if (tcgetattr(t->fd, &t->saved) < 0)
		return err_set(err, ERR_SYSTEM, "cannot read the terminal's modes: %s",
		               strerror(errno));
	return 0;
}

static void wake_open(struct term *t)
{
	int fds[2];

	if (!t->opt.graceful || pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return;
	t->wake_to = fds[1];
	t->wake_fd = fds[0];
	t->wake = watch_new(t->loop, t->wake_fd, on_wake, t);
	watch_set(t->wake, WATCH_READ);
}

static void sigcont(void *ctx, int signum)
{
	struct term *t = current;

	(void)ctx;
	(void)signum;
	if (!t || !t->active || t->gone)
		return;
	/* stopped from outside (SIGSTOP): the shell may have changed everything */
	rites_disarm();
	enter(t);
	measure(t);
	t->on->resized(t->ctx);
}

static void sigtstp(void *ctx, int signum)
{
	(void)ctx;
	(void)signum;
	if (current)
		term_suspend(current);
}

int term_open(struct loop *l, const struct term_options *o, const struct term_events *on, void *ctx,
              struct term **ret, struct err *err)
{
	struct term *t = xcalloc(1, sizeof(*t));
	struct theme theme;

	*t = (struct term){ .loop = l,
		            .on = on,
		            .ctx = ctx,
		            .opt = *o,
		            .fd = -1,
		            .wake_fd = -1,
		            .wake_to = -1,
		            .x = -1,
		            .y = -1,
		            .style = -1,
		            .out = STR_INIT(OUT_MAX) };
	cells_init(&t->front);
	if (tty_open(t, err) || caps_read(t, err)) {
		term_close(t);
		return ERR_SYSTEM;
	}
	t->watch = watch_new(l, t->fd, on_tty, t);
	watch_set(t->watch, WATCH_READ);
	wake_open(t);
	prepare_rites(t);
	theme_init(&theme);
	term_set_theme(t, &theme);
	measure(t);
	rites_signals_take(t->wake_to);
	current = t;
	loop_on_signal(l, SIGWINCH, on_winch, NULL);
	loop_on_signal(l, SIGCONT, sigcont, NULL);
	loop_on_signal(l, SIGTSTP, sigtstp, NULL);
	enter(t);
	*ret = t;
	return 0;
}

void term_close(struct term *t)
{
	if (!t)
		return;
	if (t->active && !t->gone)
		flush_out(t); /* finish the sequence under way if the terminal takes it */
	t->active = false;
	current = NULL;
	rites_restore();
	if (t->watch)
		rites_signals_give_back();
	watch_free(t->watch);
	watch_free(t->wake);
	if (t->wake_fd >= 0) {
		close(t->wake_to);
		close(t->wake_fd);
	}
	if (t->fd >= 0)
		close(t->fd);
	for (int i = 0; i < CAP_COUNT; i++)
		free_p(&t->caps[i]);
	cells_fini(&t->front);
	str_fini(&t->out);
	free_p(&t);
}

int term_width(const struct term *t)
{
	return t->w;
}

int term_height(const struct term *t)
{
	return t->h;
}

bool term_ascii(const struct term *t)
{
	return t->opt.ascii || !t->utf8;
}

void term_forget(struct term *t)
{
	t->front_valid = false;
	t->x = t->y = t->style = -1;
}

/* ---- painting -------------------------------------------------------------------- */

static void sgr_color(const struct term *t, struct str *s, enum cap cap, int32_t color)
{
	int n = theme_nearest(color, t->colors);

	if (n >= 0)
		add_cap(s, tiparm(t->caps[cap], n));
}

void term_set_theme(struct term *t, const struct theme *theme)
{
	static const struct {
		int attr;
		enum cap cap;
	} attrs[] = { { ATTR_BOLD, CAP_BOLD },
		      { ATTR_UNDERLINE, CAP_UNDERLINE },
		      { ATTR_REVERSE, CAP_REVERSE },
		      { ATTR_DIM, CAP_DIM } };

	for (int r = 0; r < ROLE_COUNT; r++) {
		const struct style *st = &theme->role[r];
		struct str s = STR_INIT(sizeof(t->sgr[r]));
		int on = st->attrs;
		/* without colours a background must still be told from the rest */
		if (!t->colors && st->bg != COLOR_DEFAULT)
			on |= ATTR_REVERSE;
		for (size_t i = 0; i < COUNT_OF(attrs); i++)
			if (on & attrs[i].attr)
				add_cap(&s, t->caps[attrs[i].cap]);
		if (t->colors) {
			sgr_color(t, &s, CAP_SETAF, st->fg);
			sgr_color(t, &s, CAP_SETAB, st->bg);
		}
		snprintf(t->sgr[r], sizeof(t->sgr[r]), "%s", str_get(&s));
		str_fini(&s);
		t->inky[r] = (on & (ATTR_UNDERLINE | ATTR_REVERSE)) ||
		             (t->colors && st->bg != COLOR_DEFAULT);
		t->same[r] = (uint8_t)r;
		for (int q = r - 1; q >= 0; q--)
			if (str_eq(t->sgr[q], t->sgr[r]))
				t->same[r] = (uint8_t)q;
	}
	term_forget(t);
}

static bool same_cell(const struct term *t, const struct cell *a, const struct cell *b)
{
	if (a->ch != b->ch)
		return false;
	if (t->same[a->role] == t->same[b->role])
		return true;
	return a->ch == ' ' && !t->inky[a->role] && !t->inky[b->role];
}

static bool faint_blank(const struct term *t, const struct cell *c)
{
	return c->ch == ' ' && !t->inky[c->role];
}

static void set_style(struct term *t, int style)
{
	if (t->style == style)
		return;
	if (t->style < 0 || t->sgr[t->style][0])
		put_cap(t, CAP_SGR0);
	str_add(&t->out, t->sgr[style]);
	t->style = style;
}

static void put_cell(struct term *t, const struct cell *c)
{
	char buf[4];

	if (!c->ch)
		return;
	/* any style that leaves a blank blank will do for one */
	if (!(faint_blank(t, c) && t->style >= 0 && !t->inky[t->style]))
		set_style(t, t->same[c->role]);
	str_addn(&t->out, buf, utf8_encode(c->ch, buf));
	t->x += codepoint_width(c->ch);
	if (t->x >= t->w)
		t->x = t->y = -1; /* at the margin terminals differ */
}

static void move_to(struct term *t, int x, int y, const struct cell *row)
{
	int gap = x - t->x;
	int inked = 0;

	if (t->y == y && gap == 0)
		return;
	/* a short way over cells that stay: sending them again is shorter than moving */
	if (t->y == y && gap > 0 && gap <= 4 && row) {
		for (int i = t->x; i < x; i++)
			if (row[i].ch < 0x20 || row[i].ch > 0x7e ||
			    t->same[row[i].role] != t->style)
				inked++;
		if (!inked) {
			while (t->x < x)
				put_cell(t, &row[t->x]);
			return;
		}
	}
	if (t->y == y && gap > 0 && t->caps[CAP_CUF])
		add_cap(&t->out, tiparm(t->caps[CAP_CUF], gap));
	else
		add_cap(&t->out, tiparm(t->caps[CAP_CUP], y, x));
	t->x = x;
	t->y = y;
}

static void paint_row(struct term *t, const struct cells *f, int y)
{
	const struct cell *new = f->at + (ptrdiff_t)y * f->w;
	struct cell *old = t->front.at + (ptrdiff_t)y * f->w;
	int first = -1, last = -1, blank_from = f->w, x;
	/* writing the very last cell scrolls a terminal that wraps at once */
	int end = !t->wrap_safe && y == f->h - 1 ? f->w - 1 : f->w;

	for (x = 0; x < end; x++)
		if (!same_cell(t, &new[x], &old[x])) {
			if (first < 0)
				first = x;
			last = x;
		}
	if (first < 0)
		return;
	while (blank_from > 0 && faint_blank(t, &new[blank_from - 1]))
		blank_from--;
	for (x = first; x <= last; x++) {
		if (same_cell(t, &new[x], &old[x]))
			continue;
		if (x >= blank_from && last - x >= 4 && t->caps[CAP_EL]) {
			move_to(t, x, y, new);
			if (t->style < 0 || t->inky[t->style] || t->sgr[t->style][0])
				set_style(t, t->same[ROLE_normal]);
			put_cap(t, CAP_EL);
			break;
		}
		if (!new[x].ch && x > 0)
			x--; /* the right half changed: write the whole */
		move_to(t, x, y, new);
		put_cell(t, &new[x]);
		if (codepoint_width(new[x].ch) == 2)
			x++;
	}
	memcpy(old, new, (size_t)f->w * sizeof(*new));
}

bool term_paint(struct term *t, const struct cells *f)
{
	if (t->gone || t->plain || !t->active)
		return true;
	if (t->out.len > t->out_off && t->front_valid) {
		t->want_drain = true;
		return false;
	}
	if (!t->front_valid || t->front.w != f->w || t->front.h != f->h) {
		cells_resize(&t->front, f->w, f->h);
		set_style(t, t->same[ROLE_normal]);
		put_cap(t, CAP_CLEAR);
		t->x = t->y = 0;
		t->front_valid = true;
	}
	size_t before = t->out.len;
	for (int y = 0; y < f->h && y < t->h; y++)
		paint_row(t, f, y);
	/* bytes spent while the cursor shows would make it hop about on a slow link */
	bool show = f->cur_visible && f->cur_y >= 0 && f->cur_x < t->w && f->cur_y < t->h;
	if (show)
		move_to(t, f->cur_x, f->cur_y, NULL);
	if (show != t->cursor_on && t->caps[CAP_CIVIS]) {
		put_cap(t, show ? CAP_CNORM : CAP_CIVIS);
		t->cursor_on = show;
	}
	if (t->out.len != before || t->out_off < t->out.len)
		flush_out(t);
	return true;
}

void term_bell(struct term *t)
{
	str_addc(&t->out, '\a');
	flush_out(t);
}

bool term_clipboard(struct term *t, const char *text, size_t n)
{
	struct str s = STR_INIT(OUT_MAX / 2);

	if (!t->xterm_like)
		return false;
	str_add(&s, "\033]52;c;");
	str_add_base64(&s, text, n);
	str_add(&s, "\a");
	if (t->tmux) {
		str_add(&t->out, "\033Ptmux;\033");
		str_addn(&t->out, s.s, s.len);
		str_add(&t->out, "\033\\");
	} else if (t->screen) {
		str_add(&t->out, "\033P");
		str_addn(&t->out, s.s, s.len);
		str_add(&t->out, "\033\\");
	}
	if (!t->screen)
		str_addn(&t->out, s.s, s.len);
	str_fini(&s);
	flush_out(t);
	return true;
}

/* ---- leaving for a while ---------------------------------------------------------- */

void term_suspend(struct term *t)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, old;

	if (!t->active || t->gone)
		return;
	rites_restore();
	str_clear(&t->out);
	t->out_off = 0;
	t->active = false;
	sigemptyset(&dfl.sa_mask);
	sigaction(SIGTSTP, &dfl, &old);
	/* the whole job; without a job-control shell the kernel drops it and we go on */
	kill(0, SIGTSTP);
	sigaction(SIGTSTP, &old, NULL);
	tcgetattr(t->fd, &t->saved);
	enter(t);
	measure(t);
	t->on->resized(t->ctx);
}

void term_plain(struct term *t, const char *text)
{
	put_cap(t, CAP_SGR0);
	if (t->caps[CAP_RMCUP])
		put_cap(t, CAP_RMCUP);
	else
		put_cap(t, CAP_CLEAR);
	put_cap(t, CAP_CNORM);
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			str_addc(&t->out, '\r'); /* OPOST is off */
		str_addc(&t->out, *p);
	}
	t->plain = true;
	t->cursor_on = true;
	t->style = -1;
	flush_out(t);
}

void term_return(struct term *t)
{
	if (!t->plain)
		return;
	t->plain = false;
	put_cap(t, CAP_SMCUP);
	put_cap(t, CAP_CIVIS);
	t->cursor_on = false;
	term_forget(t);
	measure(t);
	t->on->resized(t->ctx);
}
