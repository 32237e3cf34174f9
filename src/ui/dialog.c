/*
 * The decision dialog. Invariant: confirm() is called only from an Enter typed while the
 * dialog is armed, has been on the terminal for DIALOG_SETTLE_MS, and (unless plain) the
 * typed text equals the word. It sends nothing itself and knows no action.
 */
#include "ui/dialog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "ui/keys.h"

#define DIALOG_SETTLE_MS 120
#define CHOICES 60

void dialog_clear_lines(struct dialog *d)
{
	for (size_t i = 0; i < d->n; i++)
		free_p(&d->lines[i].text);
	d->n = 0;
}

static void clear_choices(struct dialog *d)
{
	for (size_t i = 0; i < d->n_choices; i++)
		free_p(&d->choices[i]);
	free_p(&d->choices);
	d->n_choices = 0;
}

void dialog_fini(struct dialog *d)
{
	dialog_clear_lines(d);
	clear_choices(d);
	free_p(&d->lines);
	*d = (struct dialog){ 0 };
}

bool dialog_is_open(const struct dialog *d)
{
	return d->state != DIALOG_CLOSED;
}

void dialog_close(struct dialog *d)
{
	const struct dialog_events *on = d->on;
	void *ctx = d->ctx;

	if (!dialog_is_open(d))
		return;
	dialog_fini(d);
	if (on && on->closed)
		on->closed(ctx);
}

void dialog_open(struct dialog *d, const char *title, const char *verb, enum dialog_danger danger,
                 const struct dialog_events *on, void *ctx)
{
	dialog_close(d);
	*d = (struct dialog){
		.state = DIALOG_LOADING, .danger = danger, .on = on, .ctx = ctx, .choice = -1
	};
	snprintf(d->title, sizeof(d->title), "%s", title);
	snprintf(d->verb, sizeof(d->verb), "%s", verb);
	d->typed.max = sizeof(d->word) - 1;
	d->own.max = 200;
}

void dialog_line(struct dialog *d, enum role role, const char *label, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	d->lines = grow(d->lines, &d->cap, d->n + 1, sizeof(*d->lines));
	d->lines[d->n] = (struct dialog_line){ .role = role, .text = xstrdup(buf) };
	snprintf(d->lines[d->n].label, sizeof(d->lines[d->n].label), "%s", label);
	d->n++;
}

void dialog_choice(struct dialog *d, const char *fmt, ...)
{
	va_list ap;

	if (d->n_choices == CHOICES)
		return;
	if (!d->choices)
		d->choices = xcalloc(CHOICES, sizeof(*d->choices));
	va_start(ap, fmt);
	d->choices[d->n_choices++] = xvasprintf(fmt, ap);
	va_end(ap);
}

void dialog_note(struct dialog *d, enum role role, const char *text)
{
	d->note_role = role;
	snprintf(d->note, sizeof(d->note), "%s", text);
}

void dialog_arm(struct dialog *d, const char *word)
{
	if (d->state != DIALOG_LOADING)
		return;
	snprintf(d->word, sizeof(d->word), "%s", word ? word : "");
	/* a word that cannot be typed would lock everybody out */
	if (d->danger != DIALOG_PLAIN && !d->word[0]) {
		dialog_disarm(d, "nothing to confirm with; use the command line");
		return;
	}
	d->state = DIALOG_ARMED;
	d->focus = d->own_reason ? 1 : 0;
	d->note[0] = '\0';
	d->shown = false; /* the word must be on the screen before keys count */
}

void dialog_disarm(struct dialog *d, const char *why)
{
	if (d->state != DIALOG_LOADING && d->state != DIALOG_ARMED)
		return;
	d->state = DIALOG_DISARMED;
	d->note_role = ROLE_warn;
	snprintf(d->note, sizeof(d->note), "%s", why);
}

void dialog_sending(struct dialog *d, int64_t now_ms)
{
	d->state = DIALOG_SENDING;
	d->since_ms = now_ms;
	d->note[0] = '\0';
}

void dialog_done(struct dialog *d, bool good, const char *what)
{
	d->state = DIALOG_DONE;
	d->note_role = good ? ROLE_ok : ROLE_error;
	snprintf(d->note, sizeof(d->note), "%s", what);
}

const char *dialog_reason(const struct dialog *d)
{
	if (d->own.len)
		return d->own.text;
	return d->own_reason ? "" : d->reasons[d->reason];
}

void dialog_update(struct dialog *d)
{
	const char *what = NULL;

	if ((d->state == DIALOG_LOADING || d->state == DIALOG_ARMED) && d->on && d->on->check)
		what = d->on->check(d->ctx);
	if (what)
		dialog_disarm(d, what);
}

void dialog_painted(struct dialog *d, int64_t now_ms)
{
	if (!dialog_is_open(d) || d->shown)
		return;
	d->shown = true;
	d->shown_ms = now_ms;
}

static void on_enter(struct dialog *d)
{
	if (d->state == DIALOG_DONE || d->state == DIALOG_DISARMED) {
		dialog_close(d);
		return;
	}
	if (d->state != DIALOG_ARMED)
		return;
	if (d->danger != DIALOG_PLAIN && !d->typed.len) {
		if (d->focus == 1 && d->own.len) {
			d->focus = 0; /* the reason is written; now the word */
			return;
		}
		dialog_close(d); /* Enter alone is No */
		return;
	}
	if (d->danger != DIALOG_PLAIN && strcasecmp(d->typed.text, d->word) != 0) {
		d->note_role = ROLE_warn;
		snprintf(d->note, sizeof(d->note), "that is not the word; nothing was done");
		field_set(&d->typed, "");
		return;
	}
	if (d->own_reason && !d->own.len) {
		dialog_note(d, ROLE_warn,
		            d->own_label[0] ? "it is needed"
		                            : "say why in your own words first");
		d->focus = 1;
		return;
	}
	if (d->n_choices && !d->many && d->choice < 0) {
		dialog_note(d, ROLE_warn, "nothing is chosen yet: a number, or Up and Down");
		return;
	}
	d->on->confirm(d->ctx, d);
}

static bool has_reasons(const struct dialog *d)
{
	return d->reasons[0][0] || d->own_reason;
}

/* Numbers and arrows choose; where any number may be, Space and numbers tick. */
static bool on_choice_key(struct dialog *d, uint32_t key)
{
	int n = (int)d->n_choices, to = d->choice;

	if (key == KEY_DOWN || (key == 'j' && !d->focus))
		to = to + 1 < n ? to + 1 : n - 1;
	else if (key == KEY_UP || (key == 'k' && !d->focus))
		to = to > 0 ? to - 1 : 0;
	else if (key >= '1' && key <= '9' && !d->focus && (int)(key - '1') < n)
		to = (int)(key - '1');
	else if (!(key == KEY_SPACE && d->many && to >= 0 && !d->focus))
		return false;
	d->choice = to;
	d->note[0] = '\0';
	if (d->many && (key == KEY_SPACE || (key >= '1' && key <= '9')))
		d->ticked ^= (uint64_t)1 << to;
	return true;
}

static void on_editing_key(struct dialog *d, uint32_t key)
{
	struct field_edit *f = d->focus ? &d->own : &d->typed;

	if (d->n_choices && on_choice_key(d, key))
		return;
	if (key == KEY_TAB || key == KEY_BACKTAB) {
		if (has_reasons(d) && (d->danger != DIALOG_PLAIN || d->n_choices))
			d->focus = !d->focus;
		return;
	}
	if (key == KEY_UP || key == KEY_DOWN) {
		int to = d->reason + (key == KEY_DOWN ? 1 : -1);
		if (to >= 0 && to < 3 && d->reasons[to][0])
			d->reason = to;
		return;
	}
	/* digits choose a reason where no word is being typed */
	if ((d->focus == 1 || d->danger == DIALOG_PLAIN) && !d->own.len && key >= '1' &&
	    key <= '3' && d->reasons[key - '1'][0]) {
		d->reason = (int)(key - '1');
		return;
	}
	if (d->danger == DIALOG_PLAIN && !d->focus)
		return;
	d->note[0] = '\0';
	field_key(f, key);
}

void dialog_key(struct dialog *d, uint32_t key, int64_t now_ms)
{
	if (key == KEY_ESC || key == KEY_CTRL('c')) {
		dialog_close(d);
		return;
	}
	if (!d->shown || now_ms - d->shown_ms < DIALOG_SETTLE_MS)
		return; /* typed before anybody could have read it */
	if (key == KEY_PGDN)
		d->top += d->page > 1 ? d->page - 1 : 1;
	else if (key == KEY_PGUP)
		d->top -= d->page > 1 ? d->page - 1 : 1;
	else if (key == KEY_ENTER)
		on_enter(d);
	else if (d->state == DIALOG_ARMED)
		on_editing_key(d, key);
	else if ((d->state == DIALOG_DONE || d->state == DIALOG_DISARMED) && key == 'q')
		dialog_close(d);
}

void dialog_paste(struct dialog *d, const char *text, size_t n, int64_t now_ms)
{
	/* the word is to be typed by who has read it; only the reason takes a paste */
	if (d->state == DIALOG_ARMED && d->focus == 1 && d->shown &&
	    now_ms - d->shown_ms >= DIALOG_SETTLE_MS)
		field_paste(&d->own, text, n);
}

/* ---- drawing ------------------------------------------------------------------------ */

#define LABEL_W 9

static bool writes_reason(const struct dialog *d)
{
	return d->own_reason || d->focus == 1 || d->own.len;
}

/* Columns of the question before the field. */
static int ask_width(const struct dialog *d)
{
	return 5 + text_width(d->word, false) + 12 + text_width(d->verb, false) + 2;
}

static int draw_lines(const struct dialog *d, struct area a)
{
	int y = -d->top;

	for (size_t i = 0; i < d->n; i++) {
		area_text(a, 0, y, ROLE_label, d->lines[i].label);
		y = area_wrap(a, LABEL_W, y, a.w - LABEL_W, d->lines[i].role, d->lines[i].text);
	}
	if (d->reasons[0][0] && !d->own_reason)
		for (int i = 0; i < 3 && d->reasons[i][0]; i++, y++) {
			bool here = i == d->reason && !d->own.len;
			if (i == 0)
				area_text(a, 0, y, ROLE_label, "REASON");
			area_textf(a, LABEL_W, y, here ? ROLE_normal : ROLE_dim, "%c%d%c ",
			           here ? '(' : ' ', i + 1, here ? ')' : ' ');
			area_field(a, LABEL_W + 4, y, a.w - LABEL_W - 4, 0,
			           here ? ROLE_normal : ROLE_dim, d->reasons[i]);
		}
	for (int i = 0; i < (int)d->n_choices; i++) {
		bool here = i == d->choice, on = d->many && d->ticked >> i & 1;
		int x = area_text(a, 0, y, ROLE_normal, here ? ">" : " ");

		if (i < 9)
			area_textf(a, x + 1, y, ROLE_key, "%d", i + 1);
		if (d->many)
			area_text(a, x + 3, y, on ? ROLE_ok : ROLE_normal, on ? "[x]" : "[ ]");
		else if (here)
			area_text(a, x + 3, y, ROLE_normal, "(*)");
		y = area_wrap(a, LABEL_W, y, a.w - LABEL_W, here ? ROLE_selected : ROLE_normal,
		              d->choices[i]);
	}
	if (d->command[0]) {
		area_text(a, 0, y, ROLE_label, "COMMAND");
		y = area_wrap(a, LABEL_W, y, a.w - LABEL_W, ROLE_dim, d->command);
	}
	return y + d->top;
}

static int draw_ask(struct dialog *d, struct area a, int y)
{
	int x;

	if (d->danger == DIALOG_PLAIN) {
		area_textf(a, 0, y, ROLE_danger, "Enter to %s", d->verb);
		area_text(a, 12 + (int)strlen(d->verb), y, ROLE_hint,
		          d->many        ? "Space or a number ticks   Esc = No"
		          : d->n_choices ? "a number or Up Down chooses   Esc = No"
		                         : "Esc = No");
		if (!d->focus)
			area_cursor(a, 0, y);
		return y + 1;
	}
	x = area_text(a, 0, y, ROLE_normal, "Type ");
	x = area_text(a, x, y, ROLE_danger, d->word);
	x = area_textf(a, x, y, ROLE_normal, " and Enter to %s: ", d->verb);
	if (a.w - ask_width(d) < 8) {
		y++;
		x = 0;
	}
	field_draw(&d->typed, a, x, y, a.w - x < 24 ? a.w - x : 24, d->focus == 0);
	area_field(a, 0, y + 1, a.w, 0, ROLE_hint,
	           has_reasons(d) ? "Enter alone or Esc = No   Up Down other reason   Tab own words"
	                          : "Enter alone or Esc = No");
	return y + 2;
}

static void draw_foot(struct dialog *d, struct area a, int64_t now_ms)
{
	static const char spinner[] = "|/-\\";
	int y = 0;

	d->ticks = d->state == DIALOG_SENDING || d->state == DIALOG_LOADING;
	if (d->state == DIALOG_ARMED && writes_reason(d)) {
		int x = area_textf(a, 0, y, ROLE_label, "%s ",
				   d->own_label[0] ? d->own_label : "WHY");
		field_draw(&d->own, a, x, y, a.w - x, d->focus == 1);
		y++;
	}
	switch (d->state) {
	case DIALOG_LOADING:
		area_text(a, 0, y, ROLE_hint, "reading what would happen ..  Esc = No");
		area_cursor(a, 0, y);
		break;
	case DIALOG_ARMED:
		y = draw_ask(d, a, y);
		if (!d->note[0] && d->own.lost)
			area_textf(a, 0, y, ROLE_warn, "%zu characters did not fit: %zu bytes are "
			           "the most", d->own.lost, d->own.max);
		area_field(a, 0, y, a.w, 0, d->note_role, d->note);
		break;
	case DIALOG_SENDING:
		area_textf(a, 0, y, ROLE_hint,
		           "%c sent, waiting for the engine %llds; it counts even if you leave",
		           spinner[(now_ms / 1000) & 3],
		           (long long)((now_ms - d->since_ms) / 1000));
		area_cursor(a, 0, y);
		break;
	case DIALOG_DISARMED:
	case DIALOG_DONE:
		y = area_wrap(a, 0, y, a.w, d->note_role, d->note);
		area_text(a, 0, y, ROLE_hint,
		          d->state == DIALOG_DONE ? "Enter closes"
		                                  : "nothing was done; Enter closes");
		area_cursor(a, 0, y);
		break;
	case DIALOG_CLOSED:
		break;
	}
}

static int foot_height(const struct dialog *d, int w)
{
	if (d->state != DIALOG_ARMED || d->danger == DIALOG_PLAIN)
		return 3;
	return 3 + writes_reason(d) + (w - ask_width(d) < 8);
}

void dialog_draw(struct dialog *d, struct area a, int64_t now_ms)
{
	int w = a.w < 100 ? a.w : 100, foot = foot_height(d, w - 4), body, h;
	struct area box, in;
	char more[24];

	if (!dialog_is_open(d) || a.h < 3 || a.w < 8)
		return;
	in = area_sub(a, 0, 0, w - 4, 0); /* measure: height 0 draws nothing */
	d->top = d->top < 0 ? 0 : d->top;
	body = draw_lines(d, in);
	h = body + foot + 2 < a.h ? body + foot + 2 : a.h;
	d->page = h - foot - 2;
	if (d->top > body - d->page)
		d->top = body > d->page ? body - d->page : 0;
	box = area_sub(a, (a.w - w) / 2, (a.h - h) / 2, w, h);
	area_clear(box, ROLE_normal);
	for (int y = 0; y < h; y++) {
		area_put(box, 0, y, ROLE_dialog, y == 0 || y == h - 1 ? '+' : '|');
		area_put(box, w - 1, y, ROLE_dialog, y == 0 || y == h - 1 ? '+' : '|');
	}
	area_fill(box, 1, 0, w - 2, ROLE_dialog, '-');
	area_fill(box, 1, h - 1, w - 2, ROLE_dialog, '-');
	area_text(area_sub(box, 0, 0, w - 2, 1), 2, 0, ROLE_dialog, d->title);
	if (body > d->page) {
		snprintf(more, sizeof(more), " PgUp PgDn ");
		area_text(box, w - 14, h - 1, ROLE_dialog, more);
	}
	draw_lines(d, area_sub(box, 2, 1, w - 4, h - 2 - foot));
	draw_foot(d, area_sub(box, 2, h - 1 - foot, w - 4, foot), now_ms);
}
