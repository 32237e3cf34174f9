/*
 * See pad.h. Invariant: the text is valid UTF-8 without control bytes (but line ends, where
 * they are wanted) and not longer than max. Lines on the screen exist only while it is drawn:
 * each ends at the last blank that fits.
 */
#include "ui/pad.h"

#include <string.h>

#include "core/mem.h"
#include "ui/keys.h"

void pad_fini(struct pad *p)
{
	if (p->text)
		explicit_bzero(p->text, p->cap);
	free_p(&p->text);
	*p = (struct pad){ .max = p->max, .lines = p->lines };
}

void pad_set(struct pad *p, const char *text)
{
	p->len = p->at = p->lost = 0;
	p->edits++;
	p->cr = false;
	if (p->text)
		p->text[0] = '\0';
	if (text)
		pad_paste(p, text, strlen(text));
}

const char *pad_text(const struct pad *p)
{
	return p->text ? p->text : "";
}

static bool is_rest(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t before(const struct pad *p, size_t at)
{
	while (at > 0 && is_rest(p->text[--at]))
		;
	return at;
}

static size_t after(const struct pad *p, size_t at)
{
	while (at < p->len && is_rest(p->text[++at]))
		;
	return at;
}

static void erase(struct pad *p, size_t from, size_t to)
{
	if (from == to)
		return;
	memmove(p->text + from, p->text + to, p->len - to + 1);
	p->len -= to - from;
	p->at = from;
	p->edits++;
}

/* The longest beginning that fits, of whole characters; the rest is counted. */
static void insert(struct pad *p, const char *s, size_t n)
{
	size_t room = p->max - p->len, fits = n;

	if (fits > room) {
		fits = room;
		while (fits > 0 && is_rest(s[fits]))
			fits--;
		for (size_t i = fits; i < n; i++)
			p->lost += !is_rest(s[i]);
	}
	if (!fits)
		return;
	p->text = grow(p->text, &p->cap, p->len + fits + 1, 1);
	memmove(p->text + p->at + fits, p->text + p->at, p->len - p->at);
	memcpy(p->text + p->at, s, fits);
	p->len += fits;
	p->at += fits;
	p->edits++;
	p->text[p->len] = '\0';
}

static void insert_clean(struct pad *p, const char *text, size_t n)
{
	_cleanup_(free_p) char *copy = xstrndup(text, n), *clean = text_clean(copy, 0);

	insert(p, clean, strlen(clean));
}

/* A terminal pastes a line end as CR; a paste comes in pieces. */
void pad_paste(struct pad *p, const char *text, size_t n)
{
	size_t from = p->cr && n && text[0] == '\n';

	p->cr = p->lines && n && text[n - 1] == '\r';

	for (size_t i = from; p->lines && i < n; i++) {
		if (text[i] != '\n' && text[i] != '\r')
			continue;
		insert_clean(p, text + from, i - from);
		insert(p, "\n", 1);
		i += text[i] == '\r' && i + 1 < n && text[i + 1] == '\n';
		from = i + 1;
	}
	insert_clean(p, text + from, n - from);
}

/* ---- lines ------------------------------------------------------------------------------ */

/* Where the line that begins at `from` ends, and where the next begins. */
static size_t line_end(const struct pad *p, size_t from, int w, size_t *ret_next)
{
	const char *s = p->text + from;
	size_t blank = 0;
	int cols = 0;

	while (*s) {
		const char *here = s;
		uint32_t cp = utf8_next(&s);

		if (cp == '\n') {
			*ret_next = (size_t)(s - p->text);
			return (size_t)(here - p->text);
		}
		cols += codepoint_width(cp);
		if (cols > w) {
			size_t end = blank ? blank : (size_t)(here - p->text);

			if (end == from) /* not even one fits */
				end = (size_t)(s - p->text);
			*ret_next = end + (p->text[end] == ' ');
			return end;
		}
		if (cp == ' ')
			blank = (size_t)(here - p->text);
	}
	*ret_next = p->len + 1;
	return p->len;
}

struct place { size_t from, end; int line, lines; };

/* The line with the cursor. */
static struct place place_of(const struct pad *p, size_t at)
{
	struct place x = { 0 };
	size_t from = 0, next, end;
	int w = p->w > 1 ? p->w : 1;

	if (!p->text)
		return (struct place){ .lines = 1 };
	for (; from <= p->len; from = next, x.lines++) {
		end = line_end(p, from, w, &next);
		if (at >= from) {
			x.from = from;
			x.end = end;
			x.line = x.lines;
		}
	}
	return x;
}

int pad_rows(const struct pad *p, int w)
{
	size_t from = 0, next;
	int n = 0;

	for (; p->text && from <= p->len; from = next, n++)
		line_end(p, from, w > 1 ? w : 1, &next);
	return n ? n : 1;
}

static int columns(const struct pad *p, size_t from, size_t to)
{
	const char *s = pad_text(p) + from;
	int cols = 0;

	while (s < pad_text(p) + to)
		cols += codepoint_width(utf8_next(&s));
	return cols;
}

static bool move_line(struct pad *p, int by)
{
	struct place x = place_of(p, p->at), to;
	int col = columns(p, x.from, p->at);

	if ((by < 0 && x.line == 0) || (by > 0 && x.line == x.lines - 1))
		return false;
	to = place_of(p, by < 0 ? x.from - 1 : x.end + 1);
	p->at = to.from;
	while (p->at < to.end && columns(p, to.from, p->at) < col)
		p->at = after(p, p->at);
	return true;
}

static size_t word_start(const struct pad *p)
{
	size_t at = p->at;

	while (at > 0 && (p->text[at - 1] == ' ' || p->text[at - 1] == '\n'))
		at--;
	while (at > 0 && p->text[at - 1] != ' ' && p->text[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_start(const struct pad *p)
{
	size_t at = p->at;

	while (at > 0 && p->text[at - 1] != '\n')
		at--;
	return at;
}

static bool page(struct pad *p, int by)
{
	for (int i = 0; i < p->h; i++)
		if (!move_line(p, by))
			break;
	return true;
}

bool pad_key(struct pad *p, uint32_t key)
{
	struct place x;
	char buf[4];

	p->cr = false;
	switch (key) {
	case KEY_BACKSPACE:
		erase(p, before(p, p->at), p->at);
		return true;
	case KEY_DELETE:
		if (p->at < p->len)
			erase(p, p->at, after(p, p->at));
		return true;
	case KEY_LEFT:
		p->at = before(p, p->at);
		return true;
	case KEY_RIGHT:
		p->at = after(p, p->at);
		return true;
	case KEY_UP:
	case KEY_DOWN:
		return move_line(p, key == KEY_UP ? -1 : 1);
	case KEY_HOME:
	case KEY_CTRL('a'):
		p->at = place_of(p, p->at).from;
		return true;
	case KEY_END:
	case KEY_CTRL('e'):
		x = place_of(p, p->at);
		p->at = x.end;
		return true;
	case KEY_CTRL('u'):
		erase(p, line_start(p), p->at);
		return true;
	case KEY_PGUP:
	case KEY_PGDN:
		return p->lines && page(p, key == KEY_PGUP ? -1 : 1);
	case KEY_ENTER:
		if (p->lines)
			insert(p, "\n", 1);
		return p->lines;
	case KEY_CTRL('w'):
		erase(p, word_start(p), p->at);
		return true;
	default:
		if (key < 0x20 || key == 0x7f || key >= KEY_FIRST_)
			return false;
		pad_paste(p, buf, utf8_encode(key, buf));
		return true;
	}
}

void pad_draw(struct pad *p, struct area a, bool focused)
{
	struct place x;
	size_t from = 0, next;
	int top;

	for (int y = 0; y < a.h; y++)
		area_fill(a, 0, y, a.w, ROLE_input, ' ');
	p->w = a.w;
	p->h = a.h;
	x = place_of(p, p->at);
	top = x.line >= a.h ? x.line - a.h + 1 : 0;
	for (int line = 0; p->text && from <= p->len && line - top < a.h; from = next, line++) {
		size_t end = line_end(p, from, a.w > 1 ? a.w : 1, &next);
		const char *s = p->text + from;
		int col = 0;

		while (line >= top && s < p->text + end) {
			uint32_t cp = utf8_next(&s);

			if (codepoint_width(cp))
				area_put(a, col, line - top, ROLE_input, cp);
			col += codepoint_width(cp);
		}
	}
	if (focused) {
		int col = columns(p, x.from, p->at);

		area_cursor(a, col < a.w ? col : a.w - 1, x.line - top);
	}
}
