/*
 * What is around a view: header line, strips (trouble, incident, holds), message line,
 * footer; and how all of it shrinks. Pure drawing from the shell's state. Invariant: a
 * line is never cut inside a word, less important items go first.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "ui/shell_priv.h"
#include "ui/when.h"

#define LEAST_W 40
#define LEAST_H 10
#define FRESH_MS 3000

struct item {
	char text[80];
	enum role role;
	int rank; /* the highest goes first; 0 stays */
	bool right;
	bool gone;
};

static void age_text(char *buf, size_t n, const char *what, int64_t age_ms, const char *word)
{
	char age[WHEN_TEXT];

	if (word[0])
		snprintf(buf, n, "%s %s", what, word);
	else if (age_ms < 0)
		snprintf(buf, n, "%s -", what);
	else if (age_ms <= FRESH_MS) /* a number that dances would be news without content */
		snprintf(buf, n, "%s ok", what);
	else
		snprintf(buf, n, "%s %s", what, when_age(age, age_ms));
}

static size_t header_items(struct shell *s, struct item *it, bool seconds)
{
	const struct header *h = &s->header;
	char clock[WHEN_TEXT];
	size_t n = 0;

	if (h->past[0]) {
		it[n] = (struct item){ .role = ROLE_danger };
		snprintf(it[n++].text, 80, "%s", h->past);
	}
	it[n] = (struct item){ .role = h->production ? ROLE_production
		                       : h->demo     ? ROLE_demo
		                                     : ROLE_title };
	snprintf(it[n++].text, 80, "%s",
	         h->demo             ? "DEMO (simulated)"
	         : h->environment[0] ? h->environment
	                             : "ringdown");
	if (h->past[0])
		return n; /* ages, leader and clock are of the present */
	it[n] = (struct item){ .role = ROLE_header, .rank = 6 };
	snprintf(it[n++].text, 80, "lead %s", h->leader[0] ? h->leader : "?");
	it[n] = (struct item){ .role = h->api_age_ms > FRESH_MS || h->api_word[0] ? ROLE_stale
		                                                                  : ROLE_header,
		               .rank = 3 };
	age_text(it[n++].text, 80, "API", h->api_age_ms, h->api_word);
	it[n] = (struct item){ .role = h->db_age_ms > FRESH_MS || h->db_word[0] ? ROLE_stale
		                                                                : ROLE_header,
		               .rank = 4 };
	age_text(it[n++].text, 80, "DB", h->db_age_ms, h->db_word);
	it[n] = (struct item){ .role = h->automation_role, .rank = 1 };
	snprintf(it[n++].text, 80, "AUTO %s", h->automation[0] ? h->automation : "?");
	if (s->frozen) {
		it[n] = (struct item){ .role = ROLE_stale, .rank = 0 };
		snprintf(it[n++].text, 80, "FROZEN (z)");
	}
	if (h->read_only) {
		it[n] = (struct item){ .role = ROLE_hint, .rank = 5 };
		snprintf(it[n++].text, 80, "READ ONLY");
	}
	if (h->unread) {
		it[n] = (struct item){ .role = ROLE_warn, .rank = 2 };
		snprintf(it[n++].text, 80, "!%d", h->unread);
	}
	if (h->here > 1) {
		it[n] = (struct item){ .role = ROLE_header, .rank = 7 };
		snprintf(it[n++].text, 80, "%d here", h->here);
	}
	it[n] = (struct item){ .role = ROLE_header, .rank = 2, .right = true };
	snprintf(it[n++].text, 80, "%s%s",
	         seconds ? when_clock(clock, h->now_ms, s->utc)
	                 : when_minute(clock, h->now_ms, s->utc),
	         s->utc ? "" : " local");
	if (h->user[0]) {
		it[n] = (struct item){ .role = ROLE_header, .rank = 5, .right = true };
		snprintf(it[n++].text, 80, "%s", h->user);
	}
	return n;
}

static int items_width(const struct item *it, size_t n, bool right)
{
	int sum = 0;

	for (size_t i = 0; i < n; i++)
		if (!it[i].gone && it[i].right == right)
			sum += text_width(it[i].text, false) + 2;
	return sum;
}

static void draw_header(struct shell *s, struct area a, bool seconds)
{
	struct item it[12];
	size_t n = header_items(s, it, seconds);
	int x = 0;

	while (items_width(it, n, false) + items_width(it, n, true) - 2 > a.w) {
		int worst = -1;
		for (size_t i = 0; i < n; i++)
			if (!it[i].gone && it[i].rank > 0 &&
			    (worst < 0 || it[i].rank > it[worst].rank))
				worst = (int)i;
		if (worst < 0)
			break;
		it[worst].gone = true;
	}
	for (size_t i = 0; i < n; i++)
		if (!it[i].gone && !it[i].right)
			x = area_text(a, x, 0, it[i].role, it[i].text) + 2;
	x = a.w - items_width(it, n, true) + 2;
	for (size_t i = 0; i < n; i++)
		if (!it[i].gone && it[i].right)
			x = area_text(a, x, 0, it[i].role, it[i].text) + 2;
}

static int draw_strips(struct shell *s, struct area a)
{
	const struct header *h = &s->header;
	char clock[WHEN_TEXT], age[WHEN_TEXT];
	int y = 1;

	if (h->stale && h->as_of_ms > 0) {
		int x = area_textf(a, 0, y, ROLE_stale, "AS OF %s (%s old)",
		                   when_clock(clock, h->as_of_ms, s->utc),
		                   when_age(age, h->now_ms - h->as_of_ms));
		area_field(a, x + 2, y, a.w - x - 2, 0, ROLE_warn, h->trouble);
		y++;
	} else if (h->trouble[0]) {
		area_field(a, 0, y++, a.w, 0, ROLE_warn, h->trouble);
	}
	if (h->incident[0] && a.h > 12)
		area_field(a, 0, y++, a.w, 0, ROLE_normal, h->incident);
	for (int i = 0; i < h->n_holds && i < HEADER_HOLDS && y < a.h / 3; i++)
		area_field(a, 0, y++, a.w, 0, ROLE_warn, h->holds[i]);
	return y;
}

static void draw_footer(struct shell *s, struct area a)
{
	static const enum act always[] = { ACT_MENU, ACT_COMMAND_LINE, ACT_HELP };
	const enum act *keys = s->views[s->front].def->keys;
	struct subject sub;
	char buf[16];
	int right = 0, x = 0;

	if (s->sheet.open || s->form.open) {
		area_field(a, 0, 0, a.w, 0, ROLE_hint,
		           s->form.open && s->form.leaving ? "Tab next   ^S send   Esc keep it"
		           : s->form.open                  ? "Tab next   ^S send   Esc give up"
		           : s->sheet.choosable && (int)s->sheet.n > s->sheet.page
		                   ? "j k move   Enter or letter choose   PgDn scroll   q close"
		           : s->sheet.choosable ? "j k move   Enter or letter choose   q close"
		                                : "PgDn PgUp scroll   q close");
		return;
	}
	shell_subject(s, &sub);
	for (size_t i = 0; i < COUNT_OF(always); i++)
		right += 3 + text_width(binding_of(always[i])->word, true) + (i ? 1 : 0);
	if (right > a.w)
		right = 0;
	for (size_t i = 0; keys && keys[i]; i++) {
		const struct binding *b = binding_of(keys[i]);
		const char *name = key_name(b->keys[0], buf);
		int w = text_width(name, true) + 1 + text_width(b->word, true);
		if (b->action && s->app.possible && !s->app.possible(s->app.ctx, b->action, &sub))
			continue;
		if (x + w + 1 > a.w - right)
			continue;
		x = area_text(a, x, 0, ROLE_key, name);
		x = area_text(a, x + 1, 0, ROLE_hint, b->word) + 2;
	}
	x = right ? a.w - right + 1 : 0;
	for (size_t i = 0; i < COUNT_OF(always); i++) {
		const struct binding *b = binding_of(always[i]);
		x = area_text(a, x, 0, ROLE_key, key_name(b->keys[0], buf));
		x = area_text(a, x + 1, 0, ROLE_hint, b->word) + 1;
	}
}

static void draw_prompt(struct shell *s, struct area a)
{
	int x = 0;

	if (s->prompt == PROMPT_COMMAND)
		x = area_text(a, 0, 0, ROLE_key, ":");
	else if (s->prompt == PROMPT_FILTER)
		x = area_text(a, 0, 0, ROLE_key, "/");
	else
		x = area_textf(a, 0, 0, ROLE_label, "%s: ", s->ask_label);
	if (s->field.lost && a.w - x > 50) {
		area_textf(a, a.w - 22, 0, ROLE_warn, "%zu did not fit", s->field.lost);
		a.w -= 23;
	}
	field_draw(&s->field, a, x, 0, a.w - x, true);
}

/* How many lines the message wants above the footer. */
static int message_lines(struct shell *s, struct area all)
{
	int n;

	if (s->prompt != PROMPT_NONE || !s->message[0])
		return 1;
	n = area_wrap(area_sub(all, 0, 0, all.w, 0), 0, 0, all.w, ROLE_normal, s->message);
	return n < 1 ? 1 : n > 4 ? 4 : n;
}

static void draw_message(struct shell *s, struct area a)
{
	struct subject sub = { 0 };
	struct view *v = &s->views[s->front];
	int x;

	if (s->prompt != PROMPT_NONE) {
		draw_prompt(s, a);
	} else if (s->message[0]) {
		area_clear(a, ROLE_normal);
		area_wrap(a, 0, 0, a.w, s->message_role, s->message);
	} else if (keys_pasting(&s->keys)) {
		area_text(a, 0, 0, ROLE_warn, "receiving a paste; ^C ends it");
	} else if (s->header.coach[0]) {
		area_field(a, 0, 0, a.w, 0, ROLE_count, s->header.coach);
	} else if (v->def->columns && v->list.filter[0]) {
		x = area_textf(a, 0, 0, ROLE_match, "/%s", v->list.filter);
		area_textf(a, x + 2, 0, ROLE_hint, "%lld of %zu rows   Esc clears",
		           (long long)v->list.total,
		           v->list.windowed ? (size_t)v->list.total : v->list.n_all);
	} else if (shell_subject(s, &sub) && sub.command[0] && a.w >= 60) {
		x = sub.id[0] ? area_textf(a, 1, 0, ROLE_dim, "%s selected", sub.id) : 1;
		int w = text_width(sub.command, a.c->ascii) + 14;
		if (x + 2 + w <= a.w) {
			x = area_text(a, a.w - w, 0, ROLE_dim, "as a command: ");
			area_text(a, x, 0, ROLE_dim, sub.command);
		}
	}
}

static void too_small(struct shell *s, struct area a)
{
	const struct header *h = &s->header;
	int y = 0;

	y = area_wrap(a, 0, y, a.w, h->production ? ROLE_production : ROLE_title,
	              h->demo ? "DEMO" : h->environment);
	y = area_wrap(a, 0, y, a.w, ROLE_count, h->brief);
	y = area_wrap(a, 0, y, a.w, ROLE_hint, "40x10 is the least");
	area_wrap(a, 0, y, a.w, ROLE_hint, "q quits");
}

void shell_compose(struct shell *s)
{
	struct area all = area_all(&s->cells);
	struct view *v = &s->views[s->front];
	struct area body;
	int top;

	cells_clear(&s->cells);
	if (all.w < LEAST_W || all.h < LEAST_H) {
		too_small(s, all);
		return;
	}
	top = draw_strips(s, all);
	body = area_sub(all, 0, top, all.w, all.h - top - 2);
	v->ticks = false;
	if (s->header.past[0] && v->def->present)
		area_wrap(body, 1, 1, body.w - 2, ROLE_dim,
		          "not recorded: this view asks the engine for what is now (q leaves the "
		          "past)");
	else
		v->def->draw(v, body);
	if (s->sheet.open)
		sheet_draw(&s->sheet, body);
	if (s->form.open)
		form_draw(&s->form, body);
	dialog_draw(&s->dialog, area_sub(all, 0, 1, all.w, all.h - 1), loop_now_ms(s->loop));
	if (!dialog_is_open(&s->dialog) || s->dialog.state == DIALOG_CLOSED) {
		int lines = message_lines(s, all);
		draw_message(s, area_sub(all, 0, all.h - 1 - lines, all.w, lines));
		draw_footer(s, area_sub(all, 0, all.h - 1, all.w, 1));
	}
	draw_header(s, all,
	            v->ticks || s->header.ticks || s->header.stale || dialog_is_open(&s->dialog));
}
