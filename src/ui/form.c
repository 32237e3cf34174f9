/*
 * Forms. Invariant: values of secret fields are never drawn and are zeroed when the form
 * closes. It checks only what can be checked without asking anybody: that required fields
 * are there and numbers are numbers.
 */
#include "ui/form.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "ui/keys.h"

#define FORM_SETTLE_MS 120

static const char send_hint[] = "Tab next   Space yes/no   ^S or Enter on the last sends   Esc "
                                "gives up";
static const char lines_hint[] = "Enter begins a line   Tab next   ^S goes on   Esc keeps a draft";
static const char draft_hint[] = "Tab next   ^S or Enter on the last goes on   Esc keeps a draft";

void form_close(struct form *f)
{
	void (*closed)(void *) = f->closed;
	void *ctx = f->ctx;
	bool was = f->open;

	if (was && f->leaving)
		f->leaving(f->ctx, f);
	pad_fini(&f->pad);
	for (size_t i = 0; f->lines && i < f->n; i++)
		pad_fini(&f->lines[i]);
	free_p(&f->lines);
	explicit_bzero(f, sizeof(*f));
	if (was && closed)
		closed(ctx);
}

static struct pad *pad_of(const struct form *f, size_t i)
{
	if (f->rows[i].kind == FORM_AREA)
		return (struct pad *)(uintptr_t)&f->pad;
	return f->rows[i].kind == FORM_LINES ? &f->lines[i] : NULL;
}

void form_open(struct form *f, const char *title, const struct form_row *rows, size_t n,
               void (*send)(void *ctx, struct form *f), void (*closed)(void *ctx), void *ctx)
{
	form_close(f);
	f->open = true;
	snprintf(f->title, sizeof(f->title), "%s", title);
	f->rows = rows;
	f->n = n < FORM_ROWS ? n : FORM_ROWS;
	f->send = send;
	f->closed = closed;
	f->ctx = ctx;
	for (size_t i = 0; i < f->n; i++) {
		f->values[i].hidden = rows[i].kind == FORM_SECRET;
		if (rows[i].kind == FORM_LINES && !f->lines)
			f->lines = xcalloc(f->n, sizeof(*f->lines));
		if (rows[i].kind == FORM_LINES)
			f->lines[i] = (struct pad){ .max = FORM_LINES_BYTES, .lines = true };
	}
}

void form_area(struct form *f, size_t max, bool lines)
{
	f->pad.max = max;
	f->pad.lines = lines;
}

void form_focus(struct form *f, size_t row)
{
	f->focus = row < f->n ? row : 0;
	f->offered = 0;
	if (f->entered)
		f->entered(f->ctx, f);
}

void form_set(struct form *f, const char *name, const char *value)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!str_eq(f->rows[i].name, name))
			continue;
		if (pad_of(f, i))
			pad_set(pad_of(f, i), value);
		else
			field_set(&f->values[i], value);
	}
}

const char *form_get(const struct form *f, size_t i)
{
	const struct pad *p = pad_of(f, i);

	if (p)
		return p->len ? pad_text(p) : NULL;
	return f->values[i].len ? f->values[i].text : NULL;
}

const char *form_value(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->rows[i].name, name))
			return form_get(f, i);
	return NULL;
}

void form_done(struct form *f, const char *problem, const char *member)
{
	f->sending = false;
	f->note_role = ROLE_error;
	snprintf(f->note, sizeof(f->note), "%s", problem);
	for (size_t i = 0; member && i < f->n; i++)
		if (str_eq(f->rows[i].name, member))
			f->focus = i;
}

static bool complain(struct form *f, size_t i, const char *what)
{
	f->focus = i;
	f->note_role = ROLE_warn;
	snprintf(f->note, sizeof(f->note), "%s %s", f->rows[i].label, what);
	return false;
}

static const char *wrong(const struct form *f, size_t i)
{
	const char *text = f->check ? form_get(f, i) : NULL;

	return text ? f->check(f->ctx, i, text) : NULL;
}

static bool complete(struct form *f)
{
	const char *what;
	int64_t v;

	for (size_t i = 0; i < f->n; i++) {
		if (f->rows[i].required && !form_get(f, i))
			return complain(f, i, "is needed");
		if (f->rows[i].kind == FORM_NUMBER && f->values[i].len &&
		    !parse_i64(f->values[i].text, 0, 1000000, &v))
			return complain(f, i, "must be a number");
		if ((what = wrong(f, i)))
			return complain(f, i, what);
	}
	return true;
}

static void submit(struct form *f)
{
	if (f->sending || !complete(f))
		return;
	f->sending = true;
	f->note_role = ROLE_hint;
	snprintf(f->note, sizeof(f->note), "%s",
	         f->sent[0] ? f->sent : "sent; the credentials are being tried ..");
	f->send(f->ctx, f);
}

void form_painted(struct form *f, int64_t now_ms)
{
	if (!f->open || f->shown)
		return;
	f->shown = true;
	f->shown_ms = now_ms;
}

/* The next of the values that are offered for this field. */
static void next_offer(struct form *f)
{
	const char *from, *v = f->offer ? f->offer(f->ctx, f->focus, f->offered, &from) : NULL;

	if (!v && f->offered) {
		f->offered = 0;
		v = f->offer(f->ctx, f->focus, 0, &from);
	}
	if (!v)
		return;
	f->offered++;
	form_set(f, f->rows[f->focus].name, v);
}

void form_key(struct form *f, uint32_t key, int64_t now_ms)
{
	if (key == KEY_ESC || key == KEY_CTRL('c')) {
		form_close(f);
		return;
	}
	if (f->sending || !f->shown || now_ms - f->shown_ms < FORM_SETTLE_MS)
		return;
	f->note[0] = '\0';
	struct pad *p = pad_of(f, f->focus);

	if (p && key != KEY_CTRL('s') && pad_key(p, key))
		return;
	if (key == KEY_TAB || key == KEY_DOWN)
		form_focus(f, f->focus + 1);
	else if (key == KEY_BACKTAB || key == KEY_UP)
		form_focus(f, f->focus ? f->focus - 1 : f->n - 1);
	else if (key == KEY_CTRL('s') || (key == KEY_ENTER && f->focus + 1 == f->n))
		submit(f);
	else if (key == KEY_ENTER)
		form_focus(f, f->focus + 1);
	else if (key == KEY_CTRL('n') ||
	         (f->rows[f->focus].kind == FORM_CHOICE && key == KEY_SPACE))
		next_offer(f);
	else if (f->rows[f->focus].kind == FORM_FLAG && key == KEY_SPACE)
		field_set(&f->values[f->focus], f->values[f->focus].len ? "" : "yes");
	else if (f->rows[f->focus].kind != FORM_FLAG && !p)
		field_key(&f->values[f->focus], key);
}

void form_paste(struct form *f, const char *text, size_t n)
{
	if (!f->sending && pad_of(f, f->focus))
		pad_paste(pad_of(f, f->focus), text, n);
	else if (!f->sending && f->rows[f->focus].kind != FORM_FLAG)
		field_paste(&f->values[f->focus], text, n);
}

/* The values offered for the field in focus, on one line. */
static void draw_offers(const struct form *f, struct area a, int y)
{
	const char *from = NULL, *v;
	int x = 1;

	for (size_t i = 0; f->offer && (v = f->offer(f->ctx, f->focus, i, &from)); i++) {
		int w = text_width(v, a.c->ascii) + (from ? text_width(from, a.c->ascii) + 3 : 0);

		if (i == 0)
			x = area_text(a, x, y, ROLE_key, "^N") + 1;
		if (x + w + 2 > a.w)
			break;
		x = area_text(a, x, y, ROLE_normal, v);
		if (from && *from)
			x = area_textf(a, x, y, ROLE_dim, " (%s)", from);
		x += 2;
	}
}

/* ---- drawing ---- */

/* The last row as it is now: a text that takes the rest of the room. */
static bool area_open(const struct form *f)
{
	size_t last = f->n - 1;

	return f->n && f->rows[last].kind == FORM_AREA && (!f->below || f->focus == last);
}

/* The rest of the room is the text's; how long it is stands beside its label. */
static void draw_area(struct form *f, struct area a, int label, int y, int foot, bool focused)
{
	struct area in = area_sub(a, 1, y + 1, a.w - 2, a.h - foot - 1 - y);

	area_textf(a, label + 3, y, f->pad.lost ? ROLE_warn : ROLE_dim, "%zu of %zu bytes",
	           f->pad.len, f->pad.max);
	if (f->pad.lost)
		area_textf(a, label + 25, y, ROLE_warn, "%zu characters did not fit", f->pad.lost);
	if (in.h > 0)
		pad_draw(&f->pad, in, focused);
}

/* A text of several lines that is not being written: its first, and how many more. */
static void draw_shut(const struct pad *p, struct area a, int x, int y, int w)
{
	_cleanup_(free_p) char *line = xstrndup(pad_text(p), strcspn(pad_text(p), "\n"));
	int more = 0;

	for (const char *s = strchr(pad_text(p), '\n'); s; s = strchr(s + 1, '\n'))
		more++;
	area_fill(a, x, y, w, ROLE_input, ' ');
	area_field(a, x, y, w - (more ? 12 : 0), 0, ROLE_input, line);
	if (more)
		area_textf(a, x + w - 11, y, ROLE_dim, "+%d line%s", more, more > 1 ? "s" : "");
}

/* Rows that a field takes: one in focus grows with its text. */
static int row_height(const struct form *f, size_t i, int width, int room)
{
	int want, most = room / 3 > 6 ? 6 : room / 3;

	if (i != f->focus || f->rows[i].kind != FORM_LINES)
		return 1;
	want = pad_rows(&f->lines[i], width);
	return want < most ? want : most > 1 ? most : 1;
}

/* How many rows of fields are shown; the text or what stands below needs lines too. */
static int rows_shown(const struct form *f, int room)
{
	if (area_open(f) && f->below)
		return room > 12 ? 3 : 1;
	if (area_open(f))
		return room > 3 ? room - 1 : 2;
	if (f->below && (int)f->n > room / 2)
		return room / 2 > 1 ? room / 2 : 1;
	return room;
}

/* Rows at the bottom: the longest help, offers, what is wrong or which keys, one free. */
static int foot_rows(const struct form *f, struct area a)
{
	struct area none = area_sub(a, 0, 0, a.w, 0);
	int most = 1, cap = a.h >= 20 ? 4 : a.h >= 14 ? 2 : 1;

	for (size_t i = 0; i < f->n; i++) {
		int rows = area_wrap(none, 1, 0, a.w - 2, ROLE_dim, f->rows[i].help);

		most = rows > most ? rows : most;
	}
	return 4 + (most < cap ? most : cap) - 1;
}

static void draw_help(const struct form *f, struct area a, int y, int rows)
{
	struct area in = area_sub(a, 0, y, a.w, rows);

	if (rows == 1)
		area_field(in, 1, 0, a.w - 2, 0, ROLE_dim, f->rows[f->focus].help);
	else
		area_wrap(in, 1, 0, a.w - 2, ROLE_dim, f->rows[f->focus].help);
}

/* What did not fit of what was typed or pasted, never silently. */
static bool draw_lost(const struct form *f, struct area a)
{
	const struct pad *p = pad_of(f, f->focus);
	bool area = f->rows[f->focus].kind == FORM_AREA;
	size_t lost = p ? p->lost : f->values[f->focus].lost;
	size_t most = p ? p->max : sizeof(f->values[0].text) - 1;

	if (!lost || area) /* which says so beside its label */
		return false;
	area_textf(a, 1, a.h - 2, ROLE_warn, "%zu characters did not fit: %zu bytes are the most",
	           lost, most);
	return true;
}

static void draw_note(const struct form *f, struct area a)
{
	const char *what = f->note[0] ? NULL : wrong(f, f->focus);
	const struct pad *p = pad_of(f, f->focus);

	if (what || f->note[0])
		area_wrap(a, 1, a.h - 2, a.w - 2, what ? ROLE_warn : f->note_role,
		          what ? what : f->note);
	else if (!draw_lost(f, a))
		area_field(a, 1, a.h - 2, a.w - 2, 0, ROLE_hint,
		           p && p->lines ? lines_hint :
		           f->leaving    ? draft_hint :
		                           send_hint);
}

static void draw_row(struct form *f, struct area a, size_t i, int y, int h, int width, int foot)
{
	int label = a.w < 60 ? 14 : 22;
	const struct form_row *r = &f->rows[i];
	bool here = i == f->focus;

	area_put(a, 0, y, ROLE_normal, here ? '>' : ' ');
	area_field(a, 1, y, label, 0, ROLE_label, r->label);
	if (r->required)
		area_put(a, label + 1, y, ROLE_key, '*');
	if (r->kind == FORM_AREA && area_open(f)) {
		draw_area(f, a, label, y, foot, here);
	} else if (r->kind == FORM_LINES && here) {
		pad_draw(&f->lines[i], area_sub(a, label + 3, y, width, h), true);
	} else if (pad_of(f, i)) {
		draw_shut(pad_of(f, i), a, label + 3, y, width);
	} else if (r->kind == FORM_FLAG) {
		area_text(a, label + 3, y, ROLE_normal, f->values[i].len ? "[yes]" : "[no]");
		if (here)
			area_cursor(a, label + 4, y);
	} else {
		field_draw(&f->values[i], a, label + 3, y, width, here);
	}
}

void form_draw(struct form *f, struct area a)
{
	int label = a.w < 60 ? 14 : 22, width = a.w - label - 3;
	int foot = foot_rows(f, a), room = rows_shown(f, a.h - foot - 1), h, top = 0, y = 1;

	if (width > 50 && !f->below)
		width = 50;

	area_clear(a, ROLE_normal);
	area_rule(a, 0, f->title);
	h = row_height(f, f->focus, width, a.h - foot - 1);
	if ((int)f->focus + h > room)
		top = (int)f->focus + h - room;
	top = top > (int)f->focus ? (int)f->focus : top;
	for (size_t i = (size_t)top; i < f->n && y <= room; i++) {
		int rows = i == f->focus ? h : 1;

		draw_row(f, a, i, y, rows, width, foot);
		y += rows;
	}
	if (f->below && !area_open(f) && a.h - foot > y)
		f->below(f->ctx, f, area_sub(a, 0, y, a.w, a.h - foot - y));
	draw_help(f, a, a.h - foot, foot - 3);
	draw_offers(f, a, a.h - 3);
	draw_note(f, a);
}
