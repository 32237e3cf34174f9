/*
 * Frames as text, ANSI, HTML and SVG. HTML and SVG are self-contained and name no font
 * that has to be fetched. Pure; runs of cells with one role become one element.
 */
#include "ui/shot.h"

#include <string.h>

#include "core/mem.h"

static const char *const inks[16] = {
	"#000000", "#cd3131", "#0dbc79", "#c9a400", "#2472c8", "#bc3fbc", "#11a8cd", "#d5d5d5",
	"#767676", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff",
};

static void add_ink(struct str *out, int32_t color, const char *otherwise)
{
	static const int level[6] = { 0, 95, 135, 175, 215, 255 };

	if (color == COLOR_DEFAULT)
		str_add(out, otherwise);
	else if (color & COLOR_RGB)
		str_addf(out, "#%06x", (unsigned)(color & 0xffffff));
	else if (color < 16)
		str_add(out, inks[color]);
	else if (color < 232)
		str_addf(out, "#%02x%02x%02x", (unsigned)level[(color - 16) / 36],
		         (unsigned)level[(color - 16) / 6 % 6], (unsigned)level[(color - 16) % 6]);
	else
		str_addf(out, "#%02x%02x%02x", (unsigned)(8 + (color - 232) * 10),
		         (unsigned)(8 + (color - 232) * 10), (unsigned)(8 + (color - 232) * 10));
}

static void add_escaped(struct str *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '&')
			str_add(out, "&amp;");
		else if (*s == '<')
			str_add(out, "&lt;");
		else if (*s == '>')
			str_add(out, "&gt;");
		else
			str_addc(out, *s);
	}
}

/* From x on the cells of one role: their text, and how many. */
static int run_at(const struct cells *c, int y, int x, struct str *text)
{
	const struct cell *row = c->at + (ptrdiff_t)y * c->w;
	char buf[4];
	int n = 0;

	str_clear(text);
	for (; x + n < c->w && row[x + n].role == row[x].role; n++)
		if (row[x + n].ch)
			str_addn(text, buf, utf8_encode(row[x + n].ch, buf));
	return n;
}

static void ansi_run(struct str *out, const struct style *st, const char *text)
{
	static const int codes[] = { 1, 4, 7, 2 };

	str_add(out, "\033[0");
	for (int i = 0; i < 4; i++)
		if (st->attrs & 1 << i)
			str_addf(out, ";%d", codes[i]);
	for (int bg = 0; bg < 2; bg++) {
		int32_t v = bg ? st->bg : st->fg;
		if (v == COLOR_DEFAULT)
			continue;
		if (v & COLOR_RGB)
			str_addf(out, ";%d;2;%d;%d;%d", 38 + 10 * bg, v >> 16 & 0xff, v >> 8 & 0xff,
			         v & 0xff);
		else if (v < 8)
			str_addf(out, ";%d", 30 + 10 * bg + v);
		else if (v < 16)
			str_addf(out, ";%d", 90 + 10 * bg + v - 8);
		else
			str_addf(out, ";%d;5;%d", 38 + 10 * bg, v);
	}
	str_addf(out, "m%s", text);
}

static void css(struct str *out, const struct style *st, bool svg)
{
	const char *fg = "#d5d5d5", *bg = "#101418";
	struct style s = *st;

	if (s.attrs & ATTR_REVERSE) {
		s.fg = st->bg;
		s.bg = st->fg;
		fg = "#101418";
		bg = "#d5d5d5";
	}
	str_add(out, svg ? "fill:" : "color:");
	add_ink(out, s.fg, fg);
	if (!svg && (s.bg != COLOR_DEFAULT || s.attrs & ATTR_REVERSE)) {
		str_add(out, ";background:");
		add_ink(out, s.bg, bg);
	}
	if (s.attrs & ATTR_BOLD)
		str_add(out, ";font-weight:bold");
	if (s.attrs & ATTR_UNDERLINE)
		str_add(out, ";text-decoration:underline");
	if (s.attrs & ATTR_DIM)
		str_add(out, ";opacity:.6");
}

static void svg_run(struct str *out, const struct style *st, int x, int y, int n, const char *text)
{
	bool ground = st->bg != COLOR_DEFAULT || st->attrs & ATTR_REVERSE;

	if (ground) {
		str_addf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"18\" fill=\"", x * 9,
		         y * 18, n * 9);
		add_ink(out, st->attrs & ATTR_REVERSE ? st->fg : st->bg, "#d5d5d5");
		str_add(out, "\"/>");
	}
	if (!text[strspn(text, " ")])
		return;
	str_addf(out, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" style=\"", x * 9, y * 18 + 14,
	         n * 9);
	css(out, st, true);
	str_add(out, "\">");
	add_escaped(out, text);
	str_add(out, "</text>\n");
}

static void write_row(const struct cells *c, const struct theme *t, enum shot_format f, int y,
                      struct str *out)
{
	struct str text = STR_INIT(65536);
	int n;

	if (f == SHOT_TEXT) {
		cells_row_text(c, y, out);
		str_addc(out, '\n');
		return;
	}
	for (int x = 0; x < c->w; x += n) {
		const struct style *st = &t->role[c->at[y * c->w + x].role];
		n = run_at(c, y, x, &text);
		if (f == SHOT_ANSI) {
			ansi_run(out, st, str_get(&text));
		} else if (f == SHOT_SVG) {
			svg_run(out, st, x, y, n, str_get(&text));
		} else {
			str_add(out, "<span style=\"");
			css(out, st, false);
			str_add(out, "\">");
			add_escaped(out, str_get(&text));
			str_add(out, "</span>");
		}
	}
	str_add(out, f == SHOT_ANSI ? "\033[0m\n" : f == SHOT_HTML ? "\n" : "");
	str_fini(&text);
}

void shot_write(const struct cells *c, const struct theme *t, enum shot_format f, struct str *out)
{
	if (f == SHOT_HTML)
		str_add(out,
		        "<!doctype html><meta charset=\"utf-8\"><title>ringdown</title>\n"
		        "<pre style=\"background:#101418;color:#d5d5d5;padding:1em;font:14px/18px "
		        "monospace\">");
	if (f == SHOT_SVG)
		str_addf(out,
		         "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		         "font-family=\"monospace\" font-size=\"14\" xml:space=\"preserve\">\n"
		         "<rect width=\"100%%\" height=\"100%%\" fill=\"#101418\"/>\n",
		         c->w * 9, c->h * 18);
	for (int y = 0; y < c->h; y++)
		write_row(c, t, f, y, out);
	str_add(out, f == SHOT_HTML ? "</pre>\n" : f == SHOT_SVG ? "</svg>\n" : "");
}
