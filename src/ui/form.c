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
static const char lines_hint[] = "Enter begins a line   ^S saves   Esc keeps it as a draft";
static const char draft_hint[] = "Tab next   ^S or Enter on the last goes on   Esc keeps it as a "
                                 "draft";

void form_close(struct form *f)
{
	void (*closed)(void *) = f->closed;
	void *ctx = f->ctx;
	bool was = f->open;

	if (was && f->leaving)
		f->leaving(f->ctx, f);
	pad_fini(&f->pad);
	explicit_bzero(f, sizeof(*f));
	if (was && closed)
		closed(ctx);
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
	for (size_t i = 0; i < f->n; i++)
		f->values[i].hidden = rows[i].kind == FORM_SECRET;
}

static bool is_area(const struct form *f, size_t i)
{
	return f->rows[i].kind == FORM_AREA;
}

void form_area(struct form *f, size_t max)
{
	f->pad.max = max;
}

void form_set(struct form *f, const char *name, const char *value)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!str_eq(f->rows[i].name, name))
			continue;
		if (is_area(f, i))
			pad_set(&f->pad, value);
		else
			field_set(&f->values[i], value);
	}
}

const char *form_get(const struct form *f, size_t i)
{
	if (is_area(f, i))
		return f->pad.len ? pad_text(&f->pad) : NULL;
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

static void move_to(struct form *f, size_t to)
{
	f->focus = to % f->n;
	f->offered = 0;
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
	if (is_area(f, f->focus) && key != KEY_CTRL('s') && pad_key(&f->pad, key))
		return;
	if (key == KEY_TAB || key == KEY_DOWN)
		move_to(f, f->focus + 1);
	else if (key == KEY_BACKTAB || key == KEY_UP)
		move_to(f, f->focus + f->n - 1);
	else if (key == KEY_CTRL('s') || (key == KEY_ENTER && f->focus + 1 == f->n))
		submit(f);
	else if (key == KEY_ENTER)
		move_to(f, f->focus + 1);
	else if (key == KEY_CTRL('n') ||
	         (f->rows[f->focus].kind == FORM_CHOICE && key == KEY_SPACE))
		next_offer(f);
	else if (f->rows[f->focus].kind == FORM_FLAG && key == KEY_SPACE)
		field_set(&f->values[f->focus], f->values[f->focus].len ? "" : "yes");
	else if (f->rows[f->focus].kind != FORM_FLAG && !is_area(f, f->focus))
		field_key(&f->values[f->focus], key);
}

void form_paste(struct form *f, const char *text, size_t n)
{
	if (!f->sending && is_area(f, f->focus))
		pad_paste(&f->pad, text, n);
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

/* The rest of the room is the text's; how long it is stands beside its label. */
static void draw_area(struct form *f, struct area a, int label, int y, bool focused)
{
	struct area in = area_sub(a, 1, y + 1, a.w - 2, a.h - 5 - y);

	area_textf(a, label + 3, y, f->pad.lost ? ROLE_warn : ROLE_dim, "%zu of %zu bytes",
	           f->pad.len, f->pad.max);
	if (f->pad.lost)
		area_textf(a, label + 25, y, ROLE_warn, "%zu characters did not fit", f->pad.lost);
	if (in.h > 0)
		pad_draw(&f->pad, in, focused);
}

/* How many rows of fields are shown; the text or what stands below needs lines too. */
static int rows_shown(const struct form *f, struct area a)
{
	int room = a.h - 5;

	if (f->n && is_area(f, f->n - 1))
		return room > 3 ? room - 1 : 2;
	if (f->below && (int)f->n > room / 2)
		return room / 2 > 1 ? room / 2 : 1;
	return room;
}

static void draw_note(const struct form *f, struct area a)
{
	const char *what = f->note[0] ? NULL : wrong(f, f->focus);
	size_t lost = is_area(f, f->focus) ? 0 : f->values[f->focus].lost;

	if (what || f->note[0])
		area_wrap(a, 1, a.h - 2, a.w - 2, what ? ROLE_warn : f->note_role,
		          what ? what : f->note);
	else if (lost)
		area_textf(a, 1, a.h - 2, ROLE_warn,
		           "%zu characters did not fit: %zu bytes are the most", lost,
		           sizeof(f->values[0].text) - 1);
	else
		area_field(a, 1, a.h - 2, a.w - 2, 0, ROLE_hint,
		           f->pad.lines ? lines_hint :
		           f->leaving   ? draft_hint :
		                          send_hint);
}

void form_draw(struct form *f, struct area a)
{
	int label = a.w < 60 ? 14 : 22, width = a.w - label - 3;
	int room = rows_shown(f, a), top = 0, below;

	if (width > 50 && !f->below)
		width = 50;

	area_clear(a, ROLE_normal);
	area_rule(a, 0, f->title);
	if ((int)f->focus >= room)
		top = (int)f->focus - room + 1;
	for (int i = top; i < (int)f->n && i - top < room; i++) {
		const struct form_row *r = &f->rows[i];
		int y = 1 + i - top;
		area_put(a, 0, y, ROLE_normal, i == (int)f->focus ? '>' : ' ');
		area_field(a, 1, y, label, 0, ROLE_label, r->label);
		if (r->required)
			area_put(a, label + 1, y, ROLE_key, '*');
		if (r->kind == FORM_AREA) {
			draw_area(f, a, label, y, i == (int)f->focus);
		} else if (r->kind == FORM_FLAG) {
			area_text(a, label + 3, y, ROLE_normal,
			          f->values[i].len ? "[yes]" : "[no]");
			if (i == (int)f->focus)
				area_cursor(a, label + 4, y);
		} else {
			field_draw(&f->values[i], a, label + 3, y, width, i == (int)f->focus);
		}
	}
	below = 1 + (room < (int)f->n ? room : (int)f->n);
	if (f->below && a.h - 4 > below)
		f->below(f->ctx, f, area_sub(a, 0, below, a.w, a.h - 4 - below));
	area_field(a, 1, a.h - 4, a.w - 2, 0, ROLE_dim, f->rows[f->focus].help);
	draw_offers(f, a, a.h - 3);
	draw_note(f, a);
}
