/*
 * The line editor. Invariant: the text is valid UTF-8 without control bytes, so it may be
 * sent and shown as it is. It knows no completion; the command line has that.
 */
#include "ui/field.h"

#include <string.h>

#include "core/mem.h"
#include "ui/keys.h"

void field_set(struct field_edit *f, const char *text)
{
	f->len = f->at = f->lost = 0;
	f->text[0] = '\0';
	if (text)
		field_paste(f, text, strlen(text));
}

static size_t before(const struct field_edit *f, size_t at)
{
	while (at > 0 && ((unsigned char)f->text[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t after(const struct field_edit *f, size_t at)
{
	while (at < f->len && ((unsigned char)f->text[++at] & 0xc0) == 0x80)
		;
	return at;
}

static void erase(struct field_edit *f, size_t from, size_t to)
{
	memmove(f->text + from, f->text + to, f->len - to + 1);
	f->len -= to - from;
	f->at = from;
}

static void insert(struct field_edit *f, uint32_t cp)
{
	char buf[4];
	size_t n = utf8_encode(cp, buf);
	size_t max = f->max && f->max < sizeof(f->text) - 1 ? f->max : sizeof(f->text) - 1;

	if (!codepoint_width(cp))
		return;
	if (f->len + n > max) {
		f->lost++;
		return;
	}
	memmove(f->text + f->at + n, f->text + f->at, f->len - f->at + 1);
	memcpy(f->text + f->at, buf, n);
	f->len += n;
	f->at += n;
}

static size_t word_start(const struct field_edit *f)
{
	size_t at = f->at;

	while (at > 0 && f->text[at - 1] == ' ')
		at--;
	while (at > 0 && f->text[at - 1] != ' ')
		at--;
	return at;
}

bool field_key(struct field_edit *f, uint32_t key)
{
	switch (key) {
	case KEY_BACKSPACE:
		erase(f, before(f, f->at), f->at);
		return true;
	case KEY_DELETE:
		if (f->at < f->len)
			erase(f, f->at, after(f, f->at));
		return true;
	case KEY_LEFT:
		f->at = before(f, f->at);
		return true;
	case KEY_RIGHT:
		f->at = after(f, f->at);
		return true;
	case KEY_HOME:
	case KEY_CTRL('a'):
		f->at = 0;
		return true;
	case KEY_END:
	case KEY_CTRL('e'):
		f->at = f->len;
		return true;
	case KEY_CTRL('u'):
		erase(f, 0, f->at);
		return true;
	case KEY_CTRL('w'):
		erase(f, word_start(f), f->at);
		return true;
	default:
		if (key < 0x20 || key == 0x7f || key >= KEY_FIRST_)
			return false;
		insert(f, key);
		return true;
	}
}

void field_paste(struct field_edit *f, const char *text, size_t n)
{
	_cleanup_(free_p) char *copy = xstrndup(text, n);
	const char *p = copy;
	uint32_t cp;

	while ((cp = utf8_next(&p))) {
		if (cp == '\n' || cp == '\r' || cp == '\t')
			cp = ' ';
		if (cp >= 0x20)
			insert(f, cp);
	}
}

void field_draw(const struct field_edit *f, struct area a, int x, int y, int w, bool focused)
{
	char head[sizeof(f->text)];
	int cols, skip = 0, at = 0;
	const char *p = f->text;

	memcpy(head, f->text, f->at);
	head[f->at] = '\0';
	cols = text_width(head, a.c->ascii);
	if (focused && cols >= w)
		skip = cols - w + 1;
	area_fill(a, x, y, w, ROLE_input, ' ');
	while (*p && at - skip < w) {
		uint32_t cp = utf8_next(&p);
		if (at >= skip)
			area_put(area_sub(a, x, y, w, 1), at - skip, 0, ROLE_input,
			         f->hidden ? '*' : cp);
		at += f->hidden || a.c->ascii ? 1 : codepoint_width(cp);
	}
	if (focused)
		area_cursor(a, x + cols - skip, y);
}
