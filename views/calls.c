/*
 * Calls: how they ended, and hour by hour how many there were and how many of them failed, with
 * a bar for each. As the engine's query says it; asked for again every ten seconds.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "read/calls.h"
#include "views/asked.h"

#define FRESH_MS 10000

enum { SPAN_DAY = 24, SPAN_WEEK = 168, BAR_W = 14, SHARE_W = 24, OUTCOMES_MAX = 6 };

struct calls {
	int64_t span_h;
	struct call_hour *hours; size_t n_hours;
	struct call_outcome *outcomes; size_t n_outcomes;
	int64_t most;			/* calls of the busiest hour */
	int64_t as_of_ms;		/* when they were counted */
	struct asked asked;
};

/* ---- asking ------------------------------------------------------------------------------- */

static void clear(struct calls *st)
{
	records_free(&call_hour_type, st->hours, st->n_hours);
	records_free(&call_outcome_type, st->outcomes, st->n_outcomes);
	st->hours = NULL;
	st->outcomes = NULL;
	st->n_hours = st->n_outcomes = 0;
	st->most = 0;
}

static void got(struct view *v, const struct json *doc)
{
	struct calls *st = v->state;
	const char *as_of = json_get_str(doc, "asOf");
	size_t n = json_count(json_get(doc, "hours")), k = json_count(json_get(doc, "outcomes"));

	clear(st);
	if (!as_of || !parse_time_ms(as_of, &st->as_of_ms))
		st->as_of_ms = 0;
	st->hours = xcalloc(n + 1, sizeof(*st->hours));
	st->outcomes = xcalloc(k + 1, sizeof(*st->outcomes));
	for (const struct json *x = json_first(json_get(doc, "hours")); x; x = json_next(x)) {
		struct call_hour *h = &st->hours[st->n_hours++];

		record_from_json(&call_hour_type, h, x, false, NULL);
		st->most = h->calls > st->most ? h->calls : st->most;
	}
	for (const struct json *x = json_first(json_get(doc, "outcomes")); x; x = json_next(x))
		record_from_json(&call_outcome_type, &st->outcomes[st->n_outcomes++], x, false,
		                 NULL);
}

static void update(struct view *v)
{
	struct calls *st = v->state;
	char key[40], path[64];

	if (!st->span_h)
		st->span_h = SPAN_DAY;
	snprintf(path, sizeof(path), "/api/v1/calls?hours=%lld", (long long)st->span_h);
	asked_get(&st->asked, v, path, FRESH_MS, got);
	list_begin(&v->list);
	for (size_t i = 0; i < st->n_hours; i++) {
		snprintf(key, sizeof(key), "%lld", (long long)st->hours[i].at_ms);
		list_add(&v->list, &st->hours[i], key);
	}
	list_end(&v->list);
}

/* ---- columns -------------------------------------------------------------------------------- */

static enum role plain(const struct view *v)
{
	return app_stale(v->app) ? ROLE_stale : ROLE_normal;
}

/* An hour in which calls failed as they should not. */
static enum role role_of(const struct view *v, const struct call_hour *h)
{
	enum { SOME = 3 };

	if (h->failed < SOME || app_stale(v->app))
		return plain(v);
	return h->success < 90 ? ROLE_bad : h->success < 98 ? ROLE_warn : ROLE_normal;
}

static enum role col_hour(void *ctx, const void *rec, char *buf)
{
	struct view *v = ctx;
	char t[TIME_TEXT];

	format_time(t, ((const struct call_hour *)rec)->at_ms);
	snprintf(buf, CELL_TEXT, "%.5s %.5sZ", t + 5, t + 11);
	return plain(v);
}

#define NUMBER(member)                                                                             \
	static enum role col_##member(void *ctx, const void *rec, char *buf)                       \
	{                                                                                          \
		snprintf(buf, CELL_TEXT, "%lld",                                                   \
		         (long long)((const struct call_hour *)rec)->member);                      \
		return plain(ctx);                                                                 \
	}
NUMBER(calls)
NUMBER(completed)
NUMBER(failed)
NUMBER(busy)
NUMBER(no_answer)
NUMBER(avg_s)

static enum role col_success(void *ctx, const void *rec, char *buf)
{
	const struct call_hour *h = rec;

	if (h->completed + h->failed)
		snprintf(buf, CELL_TEXT, "%.1f%%", h->success);
	else
		snprintf(buf, CELL_TEXT, "-");
	return role_of(ctx, h);
}

/* As long as the hour was busy; "x" for its failed calls, which also count without colour. */
static enum role col_bar(void *ctx, const void *rec, char *buf)
{
	struct view *v = ctx;
	const struct calls *st = v->state;
	const struct call_hour *h = rec;
	int64_t w = st->most ? (h->calls * BAR_W + st->most - 1) / st->most : 0;
	int64_t bad = h->calls && h->failed ? (h->failed * w + h->calls - 1) / h->calls : 0;

	for (int64_t i = 0; i < w && i < BAR_W; i++)
		buf[i] = i < bad ? 'x' : '=';
	buf[w < BAR_W ? w : BAR_W] = '\0';
	return role_of(v, h);
}

static int cmp_success(const void *a, const void *b)
{
	const struct call_hour *x = a, *y = b;

	return x->success < y->success ? -1 : x->success > y->success;
}

static const struct column columns[] = {
	{ .title = "HOUR", .w = 12, .text = col_hour, .sort_by = MEMBER(call_hour, at_ms) },
	{ .title = "CALLS", .w = 6, .align = 1, .text = col_calls,
	  .sort_by = MEMBER(call_hour, calls) },
	{ .title = "DONE", .w = 6, .align = 1, .drop = 3, .text = col_completed,
	  .sort_by = MEMBER(call_hour, completed) },
	{ .title = "FAILED", .w = 6, .align = 1, .text = col_failed,
	  .sort_by = MEMBER(call_hour, failed) },
	{ .title = "BUSY", .w = 5, .align = 1, .drop = 5, .text = col_busy,
	  .sort_by = MEMBER(call_hour, busy) },
	{ .title = "NO ANSWER", .w = 9, .align = 1, .drop = 4, .text = col_no_answer,
	  .sort_by = MEMBER(call_hour, no_answer) },
	{ .title = "SUCCESS", .w = 7, .align = 1, .text = col_success, .cmp = cmp_success },
	{ .title = "AVG S", .w = 5, .align = 1, .drop = 2, .text = col_avg_s,
	  .sort_by = MEMBER(call_hour, avg_s) },
	{ .title = "x failed", .w = 10, .wide = BAR_W, .drop = 1, .text = col_bar },
};

/* ---- drawing -------------------------------------------------------------------- */

static bool is_bad(const char *status)
{
	return str_eq(status, "failed");
}

/* One line an outcome: name, how many, share, bar. */
static int draw_outcomes(struct view *v, struct area a)
{
	const struct calls *st = v->state;
	int y = 0;

	for (size_t i = 0; i < st->n_outcomes && y < OUTCOMES_MAX && y < a.h; i++, y++) {
		const struct call_outcome *o = &st->outcomes[i];
		enum role role = is_bad(o->status) ? ROLE_warn : plain(v);
		int x = 36, w = (int)(o->share * SHARE_W / 100 + 0.5);

		area_field(a, 1, y, 14, 0, role, o->status);
		area_textf(a, 16, y, role, "%8lld %6.1f%%", (long long)o->calls, o->share);
		for (int k = 0; k < w && x + k < a.w - 1; k++)
			area_text(a, x + k, y, role, is_bad(o->status) ? "x" : "=");
	}
	return y;
}

static void draw(struct view *v, struct area a)
{
	struct calls *st = v->state;
	char as_of[80], title[160], clock[WHEN_TEXT], age[WHEN_TEXT];
	int y = 1;

	app_as_of(v->app, as_of);
	if (as_of[0] && st->as_of_ms) /* they may be older than the rest */
		snprintf(as_of, sizeof(as_of), "AS OF %s (%s old)",
		         when_clock(clock, st->as_of_ms, shell_utc(v->shell)),
		         when_age(age, app_now(v->app) - st->as_of_ms));
	snprintf(title, sizeof(title), "HOW CALLS ENDED, last %s%s%s",
	         st->span_h == SPAN_WEEK ? "7 days" : "24 h", as_of[0] ? "  " : "", as_of);
	area_rule(a, 0, title);
	if (st->asked.problem[0])
		area_field(a, 1, y++, a.w - 2, 0, ROLE_warn, st->asked.problem);
	else if (!st->asked.got_ms)
		area_text(a, 1, y++, ROLE_dim, "asking the engine ..");
	else if (!st->n_outcomes)
		area_text(a, 1, y++, ROLE_dim, "no call in this time");
	if (a.h > 14)
		y += draw_outcomes(v, area_sub(a, 0, y, a.w, a.h - y));
	area_rule(a, y, "BY HOUR");
	list_draw(&v->list, area_sub(a, 0, y + 1, a.w, a.h - y - 1), NULL, true);
}

static unsigned act(struct view *v, enum act what)
{
	struct calls *st = v->state;

	if (what != ACT_NEXT_PANE && what != ACT_PREV_PANE && what != ACT_REFRESH)
		return WANT_UNHANDLED;
	if (what != ACT_REFRESH)
		st->span_h = st->span_h == SPAN_WEEK ? SPAN_DAY : SPAN_WEEK;
	asked_drop(&st->asked);
	return WANT_UPDATE | WANT_REDRAW;
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct call_hour *h = list_selected(&v->list);
	char t[TIME_TEXT];

	*ret = (struct subject){ .kind = "calls", .command = "ringdown calls hours" };
	if (h)
		snprintf(ret->id, sizeof(ret->id), "%s", format_time(t, h->at_ms));
	snprintf(ret->title, sizeof(ret->title), "calls%s%s", h ? " of " : "", ret->id);
	return true;
}

static void close_(struct view *v)
{
	struct calls *st = v->state;

	asked_drop(&st->asked);
	clear(st);
}

static const enum act keys[] = { ACT_NEXT_PANE, ACT_FILTER, ACT_SORT, ACT_BACK, ACT_NONE };

const struct view_def view_calls = {
	.name = "calls",
	.title = "Calls",
	.help = "calls by outcome and hour by hour; Tab: a day or a week",
	.state_size = sizeof(struct calls),
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.close = close_,
};
