/*
 * The cell grid: UTF-8 decoding, widths, cleaning, clipping, words that are never cut
 * in the middle. Invariant: a cell holds a printable code point (or 0 behind a wide
 * one), and a wide one is never split. It knows nothing of terminals.
 *
 * Widths are a table of our own rather than the locale's, so that they are the same in
 * tests, under LANG=C and on every libc.
 */
#include "ui/cells.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

struct range {
	uint32_t from, to;
};

static const struct range wide[] = {
	{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },   { 0x23e9, 0x23ec },
	{ 0x25fd, 0x25fe },   { 0x2614, 0x2615 },   { 0x26a1, 0x26a1 },   { 0x26aa, 0x26ab },
	{ 0x26bd, 0x26be },   { 0x26c4, 0x26c5 },   { 0x26d4, 0x26d4 },   { 0x2705, 0x2705 },
	{ 0x270a, 0x270b },   { 0x2728, 0x2728 },   { 0x274c, 0x274c },   { 0x2753, 0x2755 },
	{ 0x2e80, 0x303e },   { 0x3041, 0x33ff },   { 0x3400, 0x4dbf },   { 0x4e00, 0x9fff },
	{ 0xa000, 0xa4cf },   { 0xa960, 0xa97c },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x16fe0, 0x18aff },
	{ 0x1b000, 0x1b2ff }, { 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e },
	{ 0x1f191, 0x1f19a }, { 0x1f200, 0x1f320 }, { 0x1f32d, 0x1f64f }, { 0x1f680, 0x1f6ff },
	{ 0x1f7e0, 0x1f7eb }, { 0x1f90c, 0x1f9ff }, { 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd },
};
/* combining marks, joiners, direction marks, variation selectors, tags */
static const struct range zero[] = {
	{ 0x0300, 0x036f },   { 0x0483, 0x0489 },   { 0x0591, 0x05bd }, { 0x0610, 0x061a },
	{ 0x061c, 0x061c },   { 0x064b, 0x065f },   { 0x0670, 0x0670 }, { 0x06d6, 0x06ed },
	{ 0x0900, 0x0902 },   { 0x093c, 0x093c },   { 0x0941, 0x0948 }, { 0x094d, 0x094d },
	{ 0x0e31, 0x0e31 },   { 0x0e34, 0x0e3a },   { 0x0e47, 0x0e4e }, { 0x1160, 0x11ff },
	{ 0x180b, 0x180f },   { 0x1ab0, 0x1aff },   { 0x1dc0, 0x1dff }, { 0x200b, 0x200f },
	{ 0x2028, 0x202e },   { 0x2060, 0x206f },   { 0x20d0, 0x20f0 }, { 0x302a, 0x302d },
	{ 0xfe00, 0xfe0f },   { 0xfe20, 0xfe2f },   { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
	{ 0x1f3fb, 0x1f3ff }, { 0xe0000, 0xe0fff },
};

static bool in_table(const struct range *t, size_t n, uint32_t cp)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (cp > t[mid].to)
			lo = mid + 1;
		else if (cp < t[mid].from)
			hi = mid;
		else
			return true;
	}
	return false;
}

int codepoint_width(uint32_t cp)
{
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad)
		return 0;
	if (cp < 0x300)
		return 1;
	if (in_table(zero, COUNT_OF(zero), cp))
		return 0;
	return in_table(wide, COUNT_OF(wide), cp) ? 2 : 1;
}

uint32_t utf8_next(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t cp;
	int n;

	if (!*p)
		return 0;
	*s += 1;
	if (*p < 0x80)
		return *p;
	n = *p >= 0xf0 && *p < 0xf5   ? 4
	    : *p >= 0xe0 && *p < 0xf0 ? 3
	    : *p >= 0xc2 && *p < 0xe0 ? 2
	                              : 0;
	if (!n)
		return 0xfffd;
	cp = *p & (0xffu >> (n + 1));
	for (int i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0xfffd;
		cp = cp << 6 | (p[i] & 0x3fu);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return 0xfffd;
	*s += n - 1;
	return cp;
}

size_t utf8_encode(uint32_t cp, char buf[4])
{
	if (cp < 0x80) {
		buf[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		buf[0] = (char)(0xc0 | cp >> 6);
		buf[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		buf[0] = (char)(0xe0 | cp >> 12);
		buf[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		buf[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	buf[0] = (char)(0xf0 | cp >> 18);
	buf[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	buf[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	buf[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* Cleaned: tab and line ends are a blank, other controls and zero widths vanish (0),
 * in ASCII mode the rest is '?' and bars keep their meaning. */
static uint32_t clean(uint32_t cp, bool ascii, int *width)
{
	static const char bars[] = ".:-=+*#@"; /* U+2581..U+2588 */

	if (cp == '\t' || cp == '\n' || cp == '\r')
		cp = ' ';
	*width = codepoint_width(cp);
	if (!ascii || cp < 0x7f)
		return *width ? cp : 0;
	if (!*width)
		return 0;
	*width = 1;
	if (cp >= 0x2581 && cp <= 0x2588)
		return (uint32_t)bars[cp - 0x2581];
	return '?';
}

int text_width(const char *s, bool ascii)
{
	int sum = 0, w;
	uint32_t cp;

	if (!s)
		return 0;
	while ((cp = utf8_next(&s)))
		if (clean(cp, ascii, &w))
			sum += w;
	return sum;
}

void cells_init(struct cells *c)
{
	*c = (struct cells){ .cur_y = -1 };
}

void cells_fini(struct cells *c)
{
	free_p(&c->at);
	cells_init(c);
}

void cells_clear(struct cells *c)
{
	for (int i = 0; i < c->w * c->h; i++)
		c->at[i] = (struct cell){ ' ', ROLE_normal };
	c->cur_y = -1;
	c->cur_visible = false;
}

void cells_resize(struct cells *c, int w, int h)
{
	c->w = w < 1 ? 1 : w > 1000 ? 1000 : w;
	c->h = h < 1 ? 1 : h > 500 ? 500 : h;
	c->at = xrealloc(c->at, (size_t)c->w * (size_t)c->h * sizeof(*c->at));
	cells_clear(c);
}

void cells_row_text(const struct cells *c, int y, struct str *out)
{
	int last = c->w;
	char buf[4];

	if (y < 0 || y >= c->h)
		return;
	while (last > 0 && c->at[y * c->w + last - 1].ch == ' ')
		last--;
	for (int x = 0; x < last; x++) {
		uint32_t ch = c->at[y * c->w + x].ch;
		if (ch)
			str_addn(out, buf, utf8_encode(ch, buf));
	}
}

struct area area_all(struct cells *c)
{
	return (struct area){ c, 0, 0, c->w, c->h };
}

struct area area_sub(struct area a, int x, int y, int w, int h)
{
	if (x < 0) {
		w += x;
		x = 0;
	}
	if (y < 0) {
		h += y;
		y = 0;
	}
	if (w > a.w - x)
		w = a.w - x;
	if (h > a.h - y)
		h = a.h - y;
	return (struct area){ a.c, a.x + x, a.y + y, w > 0 ? w : 0, h > 0 ? h : 0 };
}

/* Whatever half of a wide character is overwritten, the other half becomes a blank. */
static void cell_set(struct cells *c, int x, int y, struct cell v)
{
	struct cell *row = c->at + (ptrdiff_t)y * c->w;

	if (!row[x].ch && x > 0 && v.ch)
		row[x - 1].ch = ' ';
	if (x + 1 < c->w && !row[x + 1].ch && row[x].ch && v.ch)
		row[x + 1].ch = ' ';
	row[x] = v;
}

void area_put(struct area a, int x, int y, enum role role, uint32_t ch)
{
	int w;

	ch = clean(ch, a.c->ascii, &w);
	if (!ch || x < 0 || y < 0 || y >= a.h || x + w > a.w)
		return;
	cell_set(a.c, a.x + x, a.y + y, (struct cell){ ch, (uint8_t)role });
	if (w == 2) {
		struct cell *right = &a.c->at[(a.y + y) * a.c->w + a.x + x + 1];
		cell_set(a.c, a.x + x + 1, a.y + y, (struct cell){ ' ', (uint8_t)role });
		a.c->at[(a.y + y) * a.c->w + a.x + x].ch = ch;
		right->ch = 0;
	}
}

void area_fill(struct area a, int x, int y, int w, enum role role, char ch)
{
	for (int i = 0; i < w; i++)
		area_put(a, x + i, y, role, (unsigned char)ch);
}

void area_clear(struct area a, enum role role)
{
	for (int y = 0; y < a.h; y++)
		area_fill(a, 0, y, a.w, role, ' ');
}

/* Draws at most n bytes of s, at most up to column end. */
static int text_n(struct area a, int x, int y, int end, enum role role, const char *s, size_t n)
{
	const char *stop = s + n;
	uint32_t cp;
	int w;

	while (s < stop && (cp = utf8_next(&s))) {
		cp = clean(cp, a.c->ascii, &w);
		if (!cp)
			continue;
		if (x + w > end)
			break;
		area_put(a, x, y, role, cp);
		x += w;
	}
	return x;
}

int area_text(struct area a, int x, int y, enum role role, const char *s)
{
	return s ? text_n(a, x, y, a.w, role, s, strlen(s)) : x;
}

int area_textf(struct area a, int x, int y, enum role role, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return area_text(a, x, y, role, buf);
}

/* Bytes of s that fit into w columns without cutting a word; *used their width without
 * trailing blanks. 0 when the first word alone is too long. */
static size_t fit_words(const char *s, int w, bool ascii, int *used)
{
	const char *p = s;
	size_t good = 0;
	int width = 0, cw, solid = 0;
	uint32_t cp;

	*used = 0;
	for (;;) {
		const char *before = p;
		cp = utf8_next(&p);
		if (!cp || cp == ' ' || cp == '\n') {
			if (width > w)
				return good;
			good = (size_t)(before - s);
			*used = solid;
			if (!cp || cp == '\n')
				return good;
		}
		if (clean(cp, ascii, &cw))
			width += cw;
		if (cp != ' ')
			solid = width;
		else if (width > w + 1)
			return good;
	}
}

void area_field(struct area a, int x, int y, int w, int align, enum role role, const char *s)
{
	int full, used;
	size_t n;

	if (!s || w <= 0)
		return;
	full = text_width(s, a.c->ascii);
	if (full <= w) {
		text_n(a, align > 0 ? x + w - full : x, y, x + w, role, s, strlen(s));
		return;
	}
	n = w > 3 ? fit_words(s, w - 3, a.c->ascii, &used) : 0;
	if (n) {
		x = text_n(a, x, y, x + w, role, s, n);
		area_text(a, x, y, role, " ..");
		return;
	}
	text_n(a, x, y, x + w - 1, role, s, strlen(s));
	area_put(a, x + w - 1, y, role, '~');
}

size_t text_break(const char *s, int w, bool ascii)
{
	int used, cols = 0, cw;
	size_t n = fit_words(s, w, ascii, &used);
	const char *p = s;

	if (n || !*s || *s == '\n')
		return n;
	while (*p && *p != ' ' && *p != '\n') {
		const char *q = p;
		if (clean(utf8_next(&q), ascii, &cw))
			cols += cw;
		if (cols > w && p > s)
			break;
		p = q;
	}
	return p > s ? (size_t)(p - s) : 1;
}

const char *text_after(const char *s)
{
	if (*s == '\n')
		return s + 1;
	return s + strspn(s, " ");
}

int area_wrap(struct area a, int x, int y, int w, enum role role, const char *s)
{
	if (!s || w <= 0)
		return y;
	while (*s) {
		size_t n = text_break(s, w, a.c->ascii);

		text_n(a, x, y++, x + w, role, s, n);
		s = text_after(s + n);
	}
	return y;
}

int area_rule(struct area a, int y, const char *title)
{
	int x = 0;

	area_fill(a, 0, y, a.w, ROLE_rule, '-');
	if (!str_empty(title) && a.w > 2)
		x = area_text(area_sub(a, 0, 0, a.w, a.h), 1, y, ROLE_title, title);
	return x;
}

void area_cursor(struct area a, int x, int y)
{
	if (x < 0 || y < 0 || y >= a.h || a.w < 1)
		return;
	a.c->cur_x = a.x + (x < a.w ? x : a.w - 1);
	a.c->cur_y = a.y + y;
	a.c->cur_visible = true;
}
