/*
 * Getting things out over SSH: copy menu (OSC 52), plain lines on the normal screen, a
 * file; and the ':' command line. Invariant: what leaves is what is shown, cleaned and
 * masked; files are new and 0600.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"
#include "ui/shell_priv.h"
#include "ui/when.h"

#define PLAIN_WIDTH 160
#define PLAIN_HEIGHT 2000

/* A drawing as lines, blank ones at the end left out. */
static void drawn_text(struct shell *s, struct view *v, int w, int h,
                       void (*draw)(struct view *v, struct area a), struct str *out)
{
	struct cells c;
	int last = h;

	cells_init(&c);
	c.ascii = s->cells.ascii;
	cells_resize(&c, w, h);
	draw(v, area_all(&c));
	while (last > 0) {
		struct str row = STR_INIT(4096);
		cells_row_text(&c, last - 1, &row);
		bool blank = row.len == 0;
		str_fini(&row);
		if (!blank)
			break;
		last--;
	}
	for (int y = 0; y < last; y++) {
		cells_row_text(&c, y, out);
		str_addc(out, '\n');
	}
	cells_fini(&c);
}

static void draw_below(struct view *v, struct area a)
{
	v->def->below(v, a);
}

static void below_text(struct shell *s, struct view *v, struct str *out)
{
	struct cells none;
	int h;

	cells_init(&none);
	cells_resize(&none, PLAIN_WIDTH, 1);
	h = v->def->below(v, area_sub(area_all(&none), 0, 0, PLAIN_WIDTH, 0));
	cells_fini(&none);
	if (h > 0)
		drawn_text(s, v, PLAIN_WIDTH, h < PLAIN_HEIGHT ? h : PLAIN_HEIGHT, draw_below, out);
}

void shell_view_text(struct shell *s, struct str *out)
{
	struct view *v = &s->views[s->front];
	char clock[TIME_TEXT];

	str_addf(out, "ringdown %s  %s  %s%s\n", v->def->name,
	         s->header.demo ? "DEMO (simulated)" : s->header.environment,
	         format_time(clock, s->header.now_ms),
	         s->header.past[0]  ? "  PAST"
	         : s->header.stale ? "  STALE"
	                           : "");
	if (s->header.past[0] && v->def->present) {
		str_add(out, "not recorded\n");
		return;
	}
	if (!v->def->columns) {
		drawn_text(s, v, s->cells.w > 80 ? s->cells.w : 80, 60, v->def->draw, out);
		return;
	}
	list_lines(&v->list, PLAIN_WIDTH, out);
	if (v->def->below)
		below_text(s, v, out);
}

/* ---- copy -------------------------------------------------------------------------------- */

static void copy_chosen(void *ctx, const char *value)
{
	struct shell *s = ctx;

	if (!s->term || !term_clipboard(s->term, value, strlen(value)))
		shell_say(s, ROLE_warn,
		          "this terminal has no clipboard escape (OSC 52); w writes a file");
	else
		shell_say(s, ROLE_ok, "sent to the terminal's clipboard (OSC 52): %s", value);
}

void shell_copy_menu(struct shell *s)
{
	struct view *v = &s->views[s->front];
	struct subject sub;
	struct str row = STR_INIT(4096);

	shell_subject(s, &sub);
	sheet_open(&s->sheet, "COPY (OSC 52)", copy_chosen, s);
	if (sub.id[0])
		sheet_choice(&s->sheet, 'i', sub.id, "id       %s", sub.id);
	if (v->def->columns && list_selected(&v->list)) {
		list_row_text(&v->list, &row);
		sheet_choice(&s->sheet, 'r', str_get(&row), "row      %s", str_get(&row));
	}
	if (sub.command[0])
		sheet_choice(&s->sheet, 'c', sub.command, "command  %s", sub.command);
	if (sub.link[0])
		sheet_choice(&s->sheet, 'l', sub.link, "link     %s", sub.link);
	if (!s->sheet.n)
		sheet_line(&s->sheet, ROLE_dim, "nothing is selected");
	str_fini(&row);
}

void shell_plain(struct shell *s)
{
	struct str out = STR_INIT((size_t)1 << 20);

	if (!s->term)
		return;
	shell_view_text(s, &out);
	str_add(&out, "\n-- any key goes back --\n");
	s->plain = true;
	term_plain(s->term, str_get(&out));
	str_fini(&out);
}

static int write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t done = 0;

	if (fd < 0)
		return -1;
	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	return close(fd);
}

bool shell_save(struct shell *s, const char *path, const char *text, size_t n)
{
	_cleanup_(free_p) char *full = NULL;

	if (write_file(path, text, n) < 0) {
		shell_say(s, ROLE_error, "%s: %s", path, strerror(errno));
		return false;
	}
	full = realpath(path, NULL);
	shell_say(s, ROLE_ok, "wrote %s (0600)", full ? full : path);
	return true;
}

const char *shell_stamp(const struct shell *s, char buf[32])
{
	time_t now = (time_t)(loop_wall_ms(s->loop) / 1000);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(buf, 32, "%Y%m%dT%H%M%SZ", &tm);
	return buf;
}

void shell_write(struct shell *s, const char *path)
{
	struct str out = STR_INIT((size_t)1 << 20);
	char name[128], stamp[32];

	if (!path || !*path) {
		snprintf(name, sizeof(name), "ringdown-%s-%s.txt", s->views[s->front].def->name,
		         shell_stamp(s, stamp));
		path = name;
	}
	shell_view_text(s, &out);
	shell_save(s, path, str_get(&out), out.len);
	str_fini(&out);
}

void shell_show_command(struct shell *s)
{
	struct subject sub;

	if (shell_subject(s, &sub) && sub.command[0])
		shell_say(s, ROLE_normal, "%s", sub.command);
	else
		shell_say(s, ROLE_normal, "ringdown --view %s", s->views[s->front].def->name);
}

/* ---- ':' ------------------------------------------------------------------------------------ */

static void remember(struct shell *s, const char *line)
{
	if (s->n_history == (int)COUNT_OF(s->history)) {
		memmove(s->history[0], s->history[1], sizeof(s->history) - sizeof(s->history[0]));
		s->n_history--;
	}
	snprintf(s->history[s->n_history++], sizeof(s->history[0]), "%s", line);
}

static void set_theme(struct shell *s, const char *name)
{
	struct err err = { 0 };
	struct theme t;

	if (theme_load(&t, name, s->theme_dir[0] ? s->theme_dir : NULL, &err)) {
		shell_say(s, ROLE_error, "%s", err.msg);
		return;
	}
	s->theme = t;
	if (s->term)
		term_set_theme(s->term, &s->theme);
}

static bool own_command(struct shell *s, const char *line)
{
	if (str_eq(line, "q") || str_eq(line, "quit"))
		shell_quit(s);
	else if (str_eq(line, "help"))
		shell_help(s);
	else if (str_has_prefix(line, "theme "))
		set_theme(s, line + 6);
	else if (str_eq(line, "bell off") || str_eq(line, "bell on")) {
		s->bell_on = line[6] == 'n';
		shell_say(s, ROLE_hint, "bell %s", s->bell_on ? "on" : "off");
	} else if (str_eq(line, "write") || str_has_prefix(line, "write "))
		shell_write(s, line[5] ? line + 6 : NULL);
	else if (str_eq(line, "plain"))
		shell_plain(s);
	else if (str_eq(line, "utc") || str_eq(line, "local"))
		s->utc = line[0] == 'u';
	else if (str_eq(line, "ascii"))
		s->cells.ascii = true;
	else
		return false;
	return true;
}

void shell_command(struct shell *s, const char *line)
{
	struct err err = { 0 };

	while (*line == ' ' || *line == ':')
		line++;
	if (!*line)
		return;
	remember(s, line);
	if (shell_go(s, line) || own_command(s, line))
		return;
	if (!s->app.command)
		err_set(&err, ERR_NOT_FOUND, "no command '%s'; ? shows the keys", line);
	else if (s->app.command(s->app.ctx, line, &err) == 0)
		return;
	shell_say(s, ROLE_error, "%s", err.msg);
}
