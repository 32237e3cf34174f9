/*
 * The drawn time axis: one line a lane over the time of the rows that are loaded. Accounts
 * and failovers last, so they are drawn as bars from the row that begins them to the one
 * that ends them; everything else is a mark where it happened. Letters say it all: B bad,
 * W warn, = an open event, ! and w loud rows, . others, ? an instant that is not sure.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/timeline.h"

enum { LABEL_W = 9, SUBJECTS = 24 };

static const struct {
	const char *lane, *label;
} lanes[] = {
	{ "account", "accounts" }, { "event", "failover" }, { "run", "runs" },
	{ "alert", "alerts" },     { "people", "people" },  { "outside", "imported" },
};

struct span {
	int64_t from_ms, to_ms;
	int w;
};

static int column_of(const struct span *s, int64_t at_ms)
{
	int64_t ms = s->to_ms - s->from_ms;
	int x = ms > 0 ? (int)((double)(at_ms - s->from_ms) / (double)ms * (s->w - 1) + 0.5)
	               : s->w - 1;

	return x < 0 ? 0 : x >= s->w ? s->w - 1 : x;
}

/* How loud a row is: 0 nothing, 1 info, 2 warn, 3 bad. */
static int level(const struct timeline_entry *e)
{
	return str_eq(e->severity, "bad") ? 3 : str_eq(e->severity, "warn") ? 2 : 1;
}

static const struct {
	char ch;
	enum role role;
} marks[] = {
	{ ' ', ROLE_dim },
	{ '.', ROLE_normal },
	{ 'w', ROLE_warn },
	{ '!', ROLE_bad },
};

static void draw_marks(struct area a, int y, const struct timeline_pages *p, const struct span *s,
                       const char *lane)
{
	uint8_t *worst = xcalloc((size_t)s->w, 1), *doubt = xcalloc((size_t)s->w, 1);

	for (size_t i = 0; i < p->n; i++) {
		const struct timeline_entry *e = &p->rows[i];
		int x = column_of(s, e->happened_at_ms);

		if (!str_eq(e->lane, lane))
			continue;
		if (level(e) > worst[x])
			worst[x] = (uint8_t)level(e);
		doubt[x] |= e->doubt != NULL;
	}
	for (int x = 0; x < s->w; x++)
		if (worst[x])
			area_put(a, LABEL_W + x, y, marks[worst[x]].role,
			         doubt[x] ? '?' : (unsigned char)marks[worst[x]].ch);
	free_p(&worst);
	free_p(&doubt);
}

/* Where each subject stands from one row to its next; bars show the worst of them. */
struct standing {
	const char *subject;
	int level;
};

static int *standing_of(struct standing *v, size_t *n, const char *subject)
{
	for (size_t i = 0; i < *n; i++)
		if (str_eq(v[i].subject, subject))
			return &v[i].level;
	if (*n == SUBJECTS)
		return NULL;
	v[*n] = (struct standing){ subject, 0 };
	return &v[(*n)++].level;
}

static bool ends(const struct timeline_entry *e)
{
	static const char *const over[] = { "completed",  "cancelled", "rejected", "rolled_back",
		                            "superseded", "accepted",  "expired" };

	for (size_t i = 0; i < COUNT_OF(over); i++)
		if (e->kind && strstr(e->kind, over[i]))
			return true;
	return false;
}

static int stands(const struct timeline_entry *e, bool events)
{
	if (events)
		return ends(e) ? 0 : strstr(e->kind ? e->kind : "", "held") ? 2 : 1;
	return level(e) - 1; /* an account that is well is no bar */
}

static void draw_bars(struct area a, int y, const struct timeline_pages *p, const struct span *s,
                      bool events)
{
	static const char words[2][4] = { { ' ', 'W', 'B', 'B' }, { ' ', '=', 'H', 'H' } };
	struct standing v[SUBJECTS];
	size_t n = 0, i = p->n;

	for (int x = 0; x < s->w; x++) {
		int worst = 0;

		for (; i > 0 && column_of(s, p->rows[i - 1].happened_at_ms) <= x; i--) {
			const struct timeline_entry *e = &p->rows[i - 1];
			bool mine =
			        events ? str_has_prefix(e->kind ? e->kind : "", "event.")
			               : str_has_prefix(e->kind ? e->kind : "", "account.health");
			int *at = mine && !e->noise
			                  ? standing_of(v, &n, e->subject ? e->subject : "")
			                  : NULL;
			if (at)
				*at = stands(e, events);
			if (at && *at > worst)
				worst = *at; /* also when it was over at once */
		}
		for (size_t k = 0; k < n; k++)
			if (v[k].level > worst)
				worst = v[k].level;
		if (worst)
			area_put(a, LABEL_W + x, y,
			         events ? (worst > 1 ? ROLE_warn : ROLE_count)
			                : (worst > 1 ? ROLE_bad : ROLE_warn),
			         (unsigned char)words[events][worst]);
	}
}

/* Instants below the axis, as many as fit. */
static void draw_scale(const struct app *a, struct area at, int y, const struct span *s,
                       const struct timeline_entry *cursor)
{
	bool utc = shell_utc(a->shell), days = s->to_ms - s->from_ms > 20 * 3600000;
	char text[WHEN_TEXT], full[WHEN_TEXT];
	int x = 0;

	while (x + 10 < s->w) {
		int64_t ms =
		        s->from_ms + (int64_t)((double)(s->to_ms - s->from_ms) * x / (s->w - 1));

		if (days)
			snprintf(text, sizeof(text), "|%.5s %.5s", format_time(full, ms) + 5,
			         format_time(full, ms) + 11);
		else
			snprintf(text, sizeof(text), "|%s",
			         s->to_ms - s->from_ms > 600000 ? when_minute(full, ms, utc)
			                                        : when_clock(full, ms, utc));
		area_text(at, LABEL_W + x, y, ROLE_dim, text);
		x += text_width(text, true) + 5;
	}
	if (cursor)
		area_put(at, LABEL_W + column_of(s, cursor->happened_at_ms), y, ROLE_selected, '^');
}

int timeline_axis(const struct app *a, struct area at, const struct timeline_pages *p,
                  const struct timeline_entry *cursor)
{
	struct span s = { .w = at.w - LABEL_W - 1 };
	int y = 0;

	if (!p->n || s.w < 16 || at.h < 4)
		return 0;
	s.to_ms = p->rows[0].happened_at_ms;
	s.from_ms = p->rows[p->n - 1].happened_at_ms;
	for (size_t i = 0; i < COUNT_OF(lanes) && y < at.h - 1; i++) {
		bool any = i < 2 || at.h > 5;

		for (size_t k = 0; !any && k < p->n; k++)
			any = str_eq(p->rows[k].lane, lanes[i].lane);
		if (!any)
			continue;
		area_field(at, 0, y, LABEL_W - 1, 0, ROLE_label, lanes[i].label);
		draw_marks(at, y, p, &s, lanes[i].lane);
		if (i < 2)
			draw_bars(at, y, p, &s, i == 1);
		y++;
	}
	draw_scale(a, at, y, &s, cursor);
	return y + 1;
}
