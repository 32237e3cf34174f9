/*
 * Sheets. Invariant: what was chosen is handed over after the sheet is closed, so that
 * the choice may open the next one. A sheet changes nothing by itself.
 */
#include "ui/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "ui/keys.h"

void sheet_close(struct sheet *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free_p(&s->lines[i].text);
		free_p(&s->lines[i].value);
	}
	free_p(&s->lines);
	*s = (struct sheet){ 0 };
}

void sheet_open(struct sheet *s, const char *title, void (*chosen)(void *ctx, const char *value),
                void *ctx)
{
	sheet_close(s);
	s->open = true;
	snprintf(s->title, sizeof(s->title), "%s", title);
	s->chosen = chosen;
	s->ctx = ctx;
}

static void add(struct sheet *s, enum role role, char key, const char *value, const char *fmt,
                va_list ap)
{
	char buf[1024];

	vsnprintf(buf, sizeof(buf), fmt, ap);
	s->lines = grow(s->lines, &s->cap, s->n + 1, sizeof(*s->lines));
	s->lines[s->n] = (struct sheet_line){
		.role = role, .text = xstrdup(buf), .value = xstrdup(value), .key = key
	};
	if (value && !s->choosable) {
		s->choosable = true;
		s->cursor = (int)s->n;
	}
	s->n++;
}

void sheet_line(struct sheet *s, enum role role, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(s, role, 0, NULL, fmt, ap);
	va_end(ap);
}

void sheet_choice(struct sheet *s, char key, const char *value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(s, ROLE_normal, key, value, fmt, ap);
	va_end(ap);
}

void sheet_text(struct sheet *s, enum role role, int w, const char *text)
{
	while (text && *text) {
		size_t n = text_break(text, w, false);

		sheet_line(s, role, "%.*s", (int)n, text);
		text = text_after(text + n);
	}
}

static void choose(struct sheet *s, int i)
{
	void (*chosen)(void *, const char *) = s->chosen;
	void *ctx = s->ctx;
	_cleanup_(free_p) char *value = TAKE(s->lines[i].value);

	sheet_close(s);
	if (chosen)
		chosen(ctx, value);
}

static void scroll(struct sheet *s, int by)
{
	int most = (int)s->n - s->page;

	s->top += by;
	s->top = s->top > most ? most : s->top;
	s->top = s->top < 0 ? 0 : s->top;
}

static bool in_sight(const struct sheet *s, int i)
{
	return i >= s->top && i < s->top + s->page;
}

/* A page on: the cursor goes along where there is something to choose, else it stays behind. */
static void turn(struct sheet *s, int by)
{
	scroll(s, by);
	s->scrolled = true;
	for (int i = s->top; !in_sight(s, s->cursor) && i < (int)s->n && in_sight(s, i); i++)
		if (s->lines[i].value)
			s->cursor = i;
}

static void move(struct sheet *s, int by)
{
	int step = by < 0 ? -1 : 1;
	int last = s->cursor;

	if (!s->choosable) { /* nothing to choose: the text scrolls */
		scroll(s, by);
		return;
	}
	s->scrolled = false;
	for (int i = s->cursor + step; by && i >= 0 && i < (int)s->n; i += step)
		if (s->lines[i].value) {
			last = i;
			by -= step;
			if (!by)
				break;
		}
	s->cursor = last;
}

static int line_of(const struct sheet *s, uint32_t key)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->lines[i].key && (uint32_t)(unsigned char)s->lines[i].key == key &&
		    s->lines[i].value)
			return (int)i;
	return -1;
}

bool sheet_means(const struct sheet *s, uint32_t key)
{
	return line_of(s, key) >= 0;
}

void sheet_key(struct sheet *s, uint32_t key)
{
	int page = s->page > 1 ? s->page - 1 : 1;

	switch (key) {
	case KEY_ESC:
	case KEY_CTRL('c'):
		sheet_close(s);
		return;
	case KEY_DOWN:
		move(s, 1);
		return;
	case KEY_UP:
		move(s, -1);
		return;
	case KEY_PGDN:
	case KEY_SPACE:
		turn(s, page);
		return;
	case KEY_PGUP:
		turn(s, -page);
		return;
	case KEY_HOME:
		move(s, -(int)s->n);
		return;
	case KEY_END:
		move(s, (int)s->n);
		return;
	case KEY_ENTER:
		if (s->choosable && s->scrolled && !in_sight(s, s->cursor))
			s->scrolled = false; /* it is shown first */
		else if (s->choosable)
			choose(s, s->cursor);
		else
			sheet_close(s);
		return;
	default:
		break;
	}
	if (sheet_means(s, key)) {
		choose(s, line_of(s, key));
		return;
	}
	if (key == 'j')
		move(s, 1);
	else if (key == 'k')
		move(s, -1);
	else if (key == 'q' || key == '?')
		sheet_close(s);
}

void sheet_draw(struct sheet *s, struct area a)
{
	int h = (int)s->n + 1 < a.h ? (int)s->n + 1 : a.h;
	struct area b = area_sub(a, 0, a.h - h, a.w, h);
	char title[160];

	if (b.h < 1)
		return;
	s->page = b.h - 1;
	if (s->choosable && !s->scrolled && s->cursor < s->top)
		s->top = s->cursor;
	if (s->choosable && !s->scrolled && s->page > 0 && s->cursor >= s->top + s->page)
		s->top = s->cursor - s->page + 1;
	area_clear(b, ROLE_normal);
	snprintf(title, sizeof(title), "%s%s", s->title,
	         (int)s->n > s->page ? "  (PgDn for more)" : "");
	area_rule(b, 0, title);
	for (int y = 1; y < b.h && s->top + y - 1 < (int)s->n; y++) {
		const struct sheet_line *l = &s->lines[s->top + y - 1];
		bool here = s->choosable && s->top + y - 1 == s->cursor;
		int x = 1;
		area_put(b, 0, y, ROLE_normal, here ? '>' : ' ');
		if (l->key)
			area_put(b, 1, y, ROLE_key, (unsigned char)l->key);
		if (l->value)
			x = 4;
		area_field(b, x, y, b.w - x, 0, l->role, l->text);
		if (here)
			area_cursor(b, 0, y);
	}
	if (!s->choosable)
		area_cursor(b, 0, 0);
}
