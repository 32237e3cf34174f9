/*
 * How long incidents and failovers take: medians by month and by cause with the trend drawn,
 * how approval windows end, how long each step takes, which gates hold. The engine sums up;
 * what is not known is "-", never 0, and drills are in no figure.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "ui/chart.h"
#include "views/asked.h"

enum { BAR = 20, FRESH_MS = 30000, COLUMNS = 8, CELL = 28, TIMES = 5, TREND = 24 };
enum pane { PANE_MONTHS, PANE_CAUSES, PANE_FAILOVERS, PANES };

static const struct { const char *title, *path, *command; } panes[PANES] = {
	{ "BY MONTH", "/api/v1/metrics/times?by=month", "ringdown metrics --by month" },
	{ "BY CAUSE", "/api/v1/metrics/times?by=cause", "ringdown metrics --by cause" },
	{ "FAILOVERS", "/api/v1/metrics/failover", "ringdown metrics --failover" },
};

struct line { char cells[COLUMNS][CELL], key[64]; };
struct times {
	enum pane pane;
	struct json *doc;
	struct line *lines;
	size_t n, cap;
	struct asked asked;
};

static enum role text_of(const void *rec, char *buf, size_t i)
{
	const struct line *l = rec;

	snprintf(buf, CELL_TEXT, "%s", l->cells[i]);
	return str_eq(l->cells[i], "-") ? ROLE_dim : i == 0 ? ROLE_label : ROLE_normal;
}

#define CELL_FN(n)                                                                                 \
	static enum role cell_##n(void *ctx, const void *rec, char *buf)                           \
	{                                                                                          \
		(void)ctx;                                                                         \
		return text_of(rec, buf, n);                                                       \
	}
CELL_FN(0)
CELL_FN(1)
CELL_FN(2)
CELL_FN(3)
CELL_FN(4)
CELL_FN(5)
CELL_FN(6)
CELL_FN(7)
#undef CELL_FN

#define COL(title_, w_, drop_, n)                                                                  \
	{                                                                                          \
		.title = title_, .w = w_, .align = 1, .drop = drop_, .text = cell_##n              \
	}
static const struct column month_columns[COLUMNS] = {
	{ .title = "MEDIANS OF", .w = 10, .wide = 30, .grow = true, .text = cell_0 },
	COL("N", 4, 0, 1), COL("DRILLS", 6, 3, 2), COL("TTD", 8, 2, 3), COL("TTA", 8, 0, 4),
	COL("TTM", 8, 0, 5), COL("TTR", 8, 0, 6), COL("IMPACT", 8, 1, 7),
};
static const struct column failover_columns[] = {
	{ .title = "SPAN", .w = 12, .wide = 30, .grow = true, .text = cell_0 },
	COL("N", 5, 0, 1), COL("MEDIAN", 9, 0, 2), COL("P90", 9, 0, 3), COL("MAX", 9, 1, 4),
	COL("MEAN", 9, 2, 5),
	{ .title = "MEDIAN OF ALL", .w = BAR + 2, .drop = 3, .text = cell_6 },
};
#undef COL

/* ---- data ------------------------------------------------------------------------------ */

static void span_ms(char *ret, int64_t ms)
{
	if (ms < 0)
		snprintf(ret, CELL, "-");
	else if (ms < 1000)
		snprintf(ret, CELL, "%lldms", (long long)ms);
	else if (ms < 60000)
		snprintf(ret, CELL, "%llds", (long long)(ms / 1000));
	else if (ms < 6000000)
		snprintf(ret, CELL, "%lldm%02lld", (long long)(ms / 60000),
			 (long long)(ms / 1000 % 60));
	else
		snprintf(ret, CELL, "%lldh%02lld", (long long)(ms / 3600000),
			 (long long)(ms / 60000 % 60));
}

static void span(char *ret, const struct json *v)
{
	span_ms(ret, json_type(v) == JSON_NUMBER ? json_i64(v, -1) : -1);
}

static struct line *add_line(struct times *st, const char *key)
{
	struct line *l;

	st->lines = grow(st->lines, &st->cap, st->n + 1, sizeof(*st->lines));
	l = &st->lines[st->n++];
	memset(l, 0, sizeof(*l));
	snprintf(l->key, sizeof(l->key), "%s", key ? key : "?");
	snprintf(l->cells[0], CELL, "%s", key ? key : "?");
	return l;
}

static void number(char *ret, const struct json *v)
{
	snprintf(ret, CELL, "%lld", (long long)json_i64(v, 0));
}

static void month_lines(struct times *st)
{
	const char *name = st->pane == PANE_CAUSES ? "cause" : "month";

	for (const struct json *x = json_first(json_get(st->doc, "rows")); x; x = json_next(x)) {
		struct line *l = add_line(st, json_get_str(x, name));
		size_t c = 3;

		number(l->cells[1], json_get(x, "incidents"));
		number(l->cells[2], json_get(x, "drills"));
		for (const struct json *t = json_first(json_get(x, "times")); t && c < COLUMNS;
		     t = json_next(t))
			span(l->cells[c++], json_get(t, "median"));
	}
}

static void failover_lines(struct times *st)
{
	static const char *const names[] = { "median", "p90", "max", "mean" };

	double top = 1;

	for (const struct json *x = json_first(json_get(st->doc, "spans")); x; x = json_next(x))
		if (json_get_double(x, "median", 0) > top)
			top = json_get_double(x, "median", 0);
	for (const struct json *x = json_first(json_get(st->doc, "spans")); x; x = json_next(x)) {
		struct line *l = add_line(st, json_get_str(x, "span"));
		int bar = (int)(BAR * json_get_double(x, "median", 0) / top + 0.5);

		snprintf(l->cells[6], CELL, "%.*s", bar, "####################");

		number(l->cells[1], json_get(x, "n"));
		for (size_t i = 0; i < COUNT_OF(names); i++)
			span(l->cells[2 + i], json_get(x, names[i]));
	}
}

static void got(struct view *v, const struct json *doc)
{
	struct times *st = v->state;

	json_free(st->doc);
	st->doc = json_copy(doc);
}

static void update(struct view *v)
{
	struct times *st = v->state;
	bool failovers = st->pane == PANE_FAILOVERS;

	asked_get(&st->asked, v, panes[st->pane].path, FRESH_MS, got);
	v->list.columns = failovers ? failover_columns : month_columns;
	v->list.n_columns = failovers ? COUNT_OF(failover_columns) : COLUMNS;
	st->n = 0;
	if (failovers)
		failover_lines(st);
	else
		month_lines(st);
	list_begin(&v->list);
	for (size_t i = 0; i < st->n; i++)
		list_add(&v->list, &st->lines[i], st->lines[i].key);
	list_end(&v->list);
}

/* ---- drawing ----------------------------------------------------------------------------- */

/* Medians of TTR from the oldest month to the newest; a month without one is a gap. */
static void trend(struct area a, int y, const struct json *rows)
{
	double v[TREND];
	size_t n = 0;
	double top = 0;
	char most[CELL];

	for (const struct json *x = json_first(rows); x && n < TREND; x = json_next(x), n++) {
		const struct json *ttr = json_path(x, "times.3.median");

		v[n] = json_type(ttr) == JSON_NUMBER ? json_double(ttr, 0) : -1;
		top = v[n] > top ? v[n] : top;
	}
	/* newest first in the reply, oldest first in the drawing */
	for (size_t at = 0; at < n / 2; at++) {
		double t = v[at];

		v[at] = v[n - 1 - at];
		v[n - 1 - at] = t;
	}
	if (n < 2 || top <= 0)
		return;
	span_ms(most, (int64_t)top);
	chart_history(a, area_textf(a, 1, y, ROLE_label, "TTR, %zu months to now ", n), y, (int)n,
		      v, n, top, 0, 0);
	area_textf(a, 27 + (int)n, y, ROLE_dim, "highest %s", most);
}

/* "P0 12  P1 340": of all rows together. */
static int draw_severities(struct area a, int y, const struct json *rows)
{
	struct { char name[8]; double ms; } v[8];
	size_t n = 0;
	int x;

	for (const struct json *r = json_first(rows); r; r = json_next(r))
		for (const struct json *s = json_first(json_get(r, "severities")); s;
		     s = json_next(s)) {
			const char *name = json_get_str(s, "severity");
			size_t k = 0;

			while (k < n && !str_eq(v[k].name, name))
				k++;
			if (k == COUNT_OF(v))
				continue;
			if (k == n) {
				v[n].ms = 0;
				snprintf(v[n++].name, sizeof(v->name), "%s", name ? name : "?");
			}
			v[k].ms += json_get_double(s, "ms", 0);
		}
	if (!n)
		return y;
	x = area_text(a, 1, y, ROLE_label, "minutes at severity") + 2;
	for (int p = '0'; p <= '9'; p++) /* the highest first, whichever row had it */
		for (size_t k = 0; k < n && x + 12 < a.w; k++)
			if (v[k].name[1] == p)
				x = area_textf(a, x, y, ROLE_normal, "%s %.0f", v[k].name,
				               v[k].ms / 60000) + 3;
	return y + 1;
}

static int draw_times(struct times *st, struct area a, int y)
{
	static const char *const names[] = { "median", "p90", "max", "mean" };
	double top = 1;

	for (const struct json *t = json_first(json_get(st->doc, "all")); t; t = json_next(t))
		if (json_get_double(t, "p90", 0) > top)
			top = json_get_double(t, "p90", 0);
	for (const struct json *t = json_first(json_get(st->doc, "all")); t && y < a.h;
	     t = json_next(t), y++) {
		int64_t missing = json_get_i64(t, "missing", 0),
		        late = json_get_i64(t, "backfilled", 0);
		char span_[CELL];
		int x = area_textf(a, 8, y, ROLE_normal, "n %-4lld",
		                   (long long)json_get_i64(t, "n", 0));

		area_text(a, 1, y, ROLE_label, json_get_str(t, "time"));
		for (size_t i = 0; i < COUNT_OF(names) - (a.w < 76); i++) {
			span(span_, json_get(t, names[i]));
			area_text(a, x + 1, y, ROLE_dim, i ? names[i] : "med");
			x = area_textf(a, x + 5 + (i == 3), y, ROLE_normal, "%-7s", span_) + 1;
		}
		if (a.w > 110) {
			chart_bar(a, x, y, 14, json_get_double(t, "median", 0), top);
			x += 16;
		}
		if (missing)
			x = area_textf(a, x, y, ROLE_warn, "%lld missing", (long long)missing) + 2;
		if (late && x + 16 < a.w)
			x = area_textf(a, x, y, ROLE_dim, "%lld backfilled", (long long)late) + 2;
		if (a.w - x > 24)
			area_field(a, x, y, a.w - x - 1, 0, ROLE_dim, json_get_str(t, "measured"));
	}
	y = draw_severities(a, y, json_get(st->doc, "rows"));
	if (st->pane == PANE_MONTHS && y + 6 < a.h) {
		trend(a, y, json_get(st->doc, "rows"));
		y++;
	}
	return y;
}

static int draw_failovers(struct times *st, struct area a, int y)
{
	int64_t windows = json_get_i64(st->doc, "windows", 0);
	int x = 1;

	area_textf(a, 1, y++, ROLE_normal,
		   "failovers in a year %lld, drills not counted %lld, windows %lld",
		   (long long)json_get_i64(st->doc, "events", 0),
		   (long long)json_get_i64(st->doc, "drills", 0), (long long)windows);
	for (const struct json *e = json_first(json_get(st->doc, "ends")); e && y < a.h;
	     e = json_next(e)) {
		int64_t n = json_get_i64(e, "n", 0);

		if (!n)
			continue;
		area_text(a, 3, y, ROLE_label, json_get_str(e, "end"));
		chart_bar(a, 15, y, 22, (double)n, (double)windows);
		area_textf(a, 39, y, ROLE_normal, "%4lld  %3.0f %%", (long long)n,
			   100.0 * (double)n / (double)windows);
		area_field(a, 53, y++, a.w - 54, 0, ROLE_dim, json_get_str(e, "help"));
	}
	for (const struct json *g = json_first(json_get(st->doc, "gates")); g && y < a.h;
	     g = json_next(g)) {
		if (x == 1)
			x = area_text(a, 1, y, ROLE_label, "held by gate") + 2;
		if (x + 24 > a.w)
			break;
		x = area_textf(a, x, y, ROLE_warn, "%s %lld", json_get_str(g, "gate"),
			       (long long)json_get_i64(g, "events", 0)) + 3;
	}
	return x == 1 ? y : y + 1;
}

static void draw(struct view *v, struct area a)
{
	struct times *st = v->state;
	char as_of[80], title[120];
	int x = 1, y = 2;

	app_as_of(v->app, as_of);
	snprintf(title, sizeof(title), "TIMES %s", as_of);
	area_rule(a, 0, title);
	for (int i = 0; i < PANES; i++)
		x = area_textf(a, x, 1, i == (int)st->pane ? ROLE_selected : ROLE_normal, "%s%s%s",
			       i == (int)st->pane ? "[" : "", panes[i].title,
			       i == (int)st->pane ? "]" : "") + 2;
	if (x + 44 < a.w)
		area_text(a, x + 2, 1, ROLE_dim,
			  st->asked.request ? "asking .." :
					      "Tab: next; drills left out, backfills in");
	if (st->doc && a.h > 16)
		y = st->pane == PANE_FAILOVERS ? draw_failovers(st, a, y) : draw_times(st, a, y);
	list_draw(&v->list, area_sub(a, 0, y, a.w, a.h - y), NULL, true);
	if (st->asked.problem[0])
		area_field(a, 1, y + 1, a.w - 2, 0, ROLE_warn, st->asked.problem);
	else if (!v->list.total && y + 1 < a.h)
		area_text(a, 1, y + 1, ROLE_dim, !st->asked.got_ms ? "asking the engine .." :
			  v->list.filter[0] ? "no row matches the filter" : "nothing happened yet");
}

/* ---- keys ----------------------------------------------------------------------------------- */

static unsigned act(struct view *v, enum act what)
{
	struct times *st = v->state;

	if (what == ACT_NEXT_PANE || what == ACT_RIGHT)
		st->pane = (enum pane)((st->pane + 1) % PANES);
	else if (what == ACT_PREV_PANE || what == ACT_LEFT)
		st->pane = (enum pane)((st->pane + PANES - 1) % PANES);
	else if (what != ACT_REFRESH)
		return WANT_UNHANDLED;
	asked_drop(&st->asked);
	json_free(TAKE(st->doc));
	v->list.cursor = v->list.top = 0;
	v->list.key[0] = '\0';
	v->list.sort = -1;
	return WANT_UPDATE | WANT_REDRAW;
}

static bool subject(struct view *v, struct subject *ret)
{
	struct times *st = v->state;

	*ret = (struct subject){ 0 };
	snprintf(ret->command, sizeof(ret->command), "%s", panes[st->pane].command);
	return true;
}

static void close_(struct view *v)
{
	struct times *st = v->state;

	asked_drop(&st->asked);
	json_free(st->doc);
	free_p(&st->lines);
}

static const enum act keys[] = { ACT_NEXT_PANE, ACT_FILTER, ACT_SORT, ACT_BACK, ACT_NONE };

const struct view_def view_times = {
	.name = "times",
	.title = "Times",
	.help = "how long incidents and failovers take, by month and cause; how windows end",
	.state_size = sizeof(struct times),
	.columns = month_columns,
	.n_columns = COLUMNS,
	.keys = keys,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.close = close_,
};
