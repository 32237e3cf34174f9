/*
 * The drawn timeline: one lane each for the accounts that were not well, failover events, runs,
 * alerts, messages and people, over one axis of time with the incident's stages across all of
 * them. State is told by height as well as by colour. Thousands of entries become one mark for
 * each column of the drawing, with how many there are.
 */
#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"

enum { LANE_H = 30, BAND_H = 16, COLUMNS = 200, ACCOUNTS_MAX = 8, BARS_MAX = 12, TOP = 34,
       CHAR_W = 6 };

double draw_x(const struct report *r, int64_t ms)
{
	double span = (double)(r->to_ms > r->from_ms ? r->to_ms - r->from_ms : 1);
	double at = (double)(ms - r->from_ms) / span;

	at = at < 0 ? 0 : at > 1 ? 1 : at;
	return DRAW_LEFT + at * (DRAW_W - DRAW_LEFT - DRAW_RIGHT);
}

void draw_open(struct str *out, int height, const char *title)
{
	str_addf(out, "<figure class=draw><svg viewBox=\"0 0 %d %d\" role=img aria-label=\"",
		 DRAW_W, height);
	html_text(out, title, 0);
	str_add(out, "\">\n");
}

void draw_lane_label(struct str *out, double y, const char *name, const char *more)
{
	str_addf(out, "<text class=lane x=\"%d\" y=\"%.1f\">", DRAW_LEFT - 10, y);
	html_text(out, name, 16);
	if (more) {
		str_addf(out, "</text><text class=more x=\"%d\" y=\"%.1f\">", DRAW_LEFT - 10,
			 y + 11);
		html_text(out, more, 18);
	}
	str_add(out, "</text>\n");
}

/* ---- the axis ------------------------------------------------------------------------- */

static int64_t tick_step(int64_t span)
{
	static const int64_t s[] = { 10,   30,   60,    120,   300,   600,   900,    1800,
				     3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800 };

	for (size_t i = 0; i < COUNT_OF(s); i++)
		if (span / (s[i] * 1000) <= 9)
			return s[i] * 1000;
	return span / 8 + 1;
}

void draw_axis(struct str *out, const struct report *r, int top, int bottom)
{
	int64_t step = tick_step(r->to_ms - r->from_ms), at = (r->from_ms / step + 1) * step;

	for (; at < r->to_ms; at += step) {
		double x = draw_x(r, at);
		time_t sec = (time_t)(at / 1000);
		struct tm tm;
		char label[32];

		gmtime_r(&sec, &tm);
		strftime(label, sizeof(label),
			 step >= 86400000 ? "%d %b"
			 : step < 60000   ? "%H:%M:%S"
					  : "%H:%M",
			 &tm);
		str_addf(out,
			 "<path class=grid d=\"M%.1f %dV%d\"/><text class=tick x=\"%.1f\" "
			 "y=\"%d\">%s</text>\n",
			 x, top, bottom, x, bottom + 15, label);
	}
}

struct stage { char name[80]; double x; };

/* Stages that fall together share one line and one name. */
static size_t stages_of(const struct report *r, struct stage v[5])
{
	const struct incident *i = &r->doc.incident;
	const struct { const char *name; int64_t at; } all[] = {
		{ "began", i->started_at_ms }, { "detected", i->detected_at_ms },
		{ "acknowledged", i->acked_at_ms }, { "mitigated", i->mitigated_at_ms },
		{ "resolved", i->resolved_at_ms },
	};
	size_t n = 0;

	for (size_t k = 0; k < COUNT_OF(all); k++) {
		double x = draw_x(r, all[k].at);
		size_t len;

		if (!all[k].at || all[k].at < r->from_ms || all[k].at > r->to_ms)
			continue;
		if (n && fabs(x - v[n - 1].x) < 10) {
			len = strlen(v[n - 1].name);
			snprintf(v[n - 1].name + len, sizeof(v->name) - len, ", %s", all[k].name);
			continue;
		}
		v[n].x = x;
		snprintf(v[n++].name, sizeof(v->name), "%s", all[k].name);
	}
	return n;
}

/* Names that would overlap go one line lower. */
void draw_stages(struct str *out, const struct report *r, int top, int bottom)
{
	struct stage v[5];
	double ends[3] = { 0 };
	size_t n = stages_of(r, v);

	for (size_t k = 0; k < n; k++) {
		double width = (double)strlen(v[k].name) * CHAR_W, x = v[k].x;
		bool left = x + width + 6 > DRAW_W;
		double from = left ? x - width - 4 : x;
		size_t row = 0;

		while (row < 2 && from < ends[row])
			row++;
		ends[row] = from + width + 10;
		str_addf(out,
			 "<path class=stage d=\"M%.1f %dV%d\"/><text class=stage-name x=\"%.1f\" "
			 "y=\"%d\"%s>%s</text>\n",
			 x, top - 24 + (int)row * 11, bottom, left ? x - 4 : x + 4,
			 top - 18 + (int)row * 11, left ? " text-anchor=end" : "", v[k].name);
	}
}

/* ---- accounts --------------------------------------------------------------------------- */

const char *draw_health_class(const char *status)
{
	static const char *const words[] = { "critical", "degraded", "minor", "healthy" };

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(status, words[i]))
			return words[i];
	return "unknown";
}

static double band_height(const char *class_)
{
	return str_eq(class_, "critical") ? BAND_H : str_eq(class_, "degraded") ? BAND_H * 0.75 :
	       str_eq(class_, "minor") ? BAND_H * 0.5 : str_eq(class_, "healthy") ? 3 : 6;
}

static void band(struct str *out, const struct report *r, const char *class_, int64_t from,
		 int64_t to, int y)
{
	double h = band_height(class_), x = draw_x(r, from), w = draw_x(r, to) - x;
	char a[32], b[32];

	report_when(a, from);
	report_when(b, to);
	str_addf(out,
		 "<rect class=h-%s x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"1.5\">"
		 "<title>%s, %s to %s</title></rect>\n",
		 class_, x, y + BAND_H - h, w < 1 ? 1 : w, h, class_, a, b);
}

/* One account's rows lie together; bands end where the state changes or nothing was checked. */
static void account_lane(struct str *out, const struct report *r, size_t from, size_t to, int y)
{
	size_t start = from;

	draw_lane_label(out, y + 13, r->health[from].account, NULL);
	for (size_t i = from + 1; i <= to; i++) {
		const char *class_ = draw_health_class(r->health[start].status);
		int64_t last = r->health[i - 1].at_ms;
		bool gap = i < to && r->health[i].at_ms - last > 20 * r->slice_ms &&
			   r->health[i].at_ms - last > 300000;

		if (i < to && !gap && str_eq(class_, draw_health_class(r->health[i].status)))
			continue;
		band(out, r, class_, r->health[start].at_ms,
		     i < to && !gap ? r->health[i].at_ms : last + r->slice_ms, y);
		start = i;
	}
}

static bool was_ill(const struct report *r, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (!str_eq(r->health[i].status, "healthy"))
			return true;
	return false;
}

static size_t account_end(const struct report *r, size_t from)
{
	size_t to = from;

	while (to < r->n_health && str_eq(r->health[to].account, r->health[from].account))
		to++;
	return to;
}

/* ---- bars and marks ------------------------------------------------------------------------ */

static void bar(struct str *out, const struct report *r, const char *class_, int64_t from,
		int64_t to, int y, const char *label)
{
	double x = draw_x(r, from), w = draw_x(r, to ? to : r->to_ms) - x;
	double text_w = (double)strlen(label) * CHAR_W + 8;
	bool inside = w > text_w, left = !inside && x + w + text_w > DRAW_W - DRAW_RIGHT;

	w = w < 3 ? 3 : w;
	str_addf(out, "<rect class=%s x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"3\"/>",
		 class_, x, y, w, BAND_H);
	str_addf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%d\"%s>", inside ? "bar-in" : "bar-out",
		 inside ? x + 6 : left ? x - 5 : x + w + 5, y + 12, left ? " text-anchor=end" : "");
	html_text(out, label, 60);
	str_add(out, "</text>\n");
}

static int event_bars(struct str *out, const struct report *r, int y)
{
	for (size_t i = 0; i < r->n_events && i < BARS_MAX; i++, y += LANE_H - 6) {
		const struct review_event *e = &r->events[i];
		const char *status = enum_name(&event_status_names, e->status);
		_cleanup_(free_p) char *label =
			xasprintf("%s %s, %lld of %lld moved", e->id, status,
				  (long long)e->agents_moved, (long long)e->agents_total);

		draw_lane_label(out, y + 13, i ? "" : "Failover", NULL);
		bar(out, r, str_eq(status, "completed") ? "b-good" : str_eq(status, "failed") ||
			    str_eq(status, "held") ? "b-bad" : "b-event", e->opened_at_ms,
		    e->ended_at_ms ? e->ended_at_ms : e->completed_at_ms, y, label);
	}
	return y;
}

static int run_bars(struct str *out, const struct report *r, int y)
{
	for (size_t i = 0; i < r->n_runs && i < BARS_MAX; i++, y += LANE_H - 6) {
		const struct review_run *u = &r->runs[i];
		_cleanup_(free_p) char *label = xasprintf("%s %s", u->runbook ? u->runbook : u->id,
							  u->status ? u->status : "");

		draw_lane_label(out, y + 13, i ? "" : "Runbooks", NULL);
		bar(out, r, "b-run", u->started_at_ms, u->ended_at_ms, y, label);
	}
	return y;
}

struct mark { size_t n; const struct timeline_entry *first; bool pinned; };

/* How often n is twice as much, in between as a straight line; at most so many. */
static double doublings(size_t n, double most)
{
	double x = (double)n, times = 0;

	while (x >= 2) {
		x /= 2;
		times++;
	}
	times += x > 1 ? x - 1 : 0;
	return times < most ? times : most;
}

static int marks(struct str *out, const struct report *r, const char *lane, const char *name, int y)
{
	struct mark v[COLUMNS] = { 0 };
	size_t total = 0;
	char more[40];

	for (size_t i = 0; i < r->n_entries; i++) {
		const struct timeline_entry *e = &r->entries[i];
		double at = draw_x(r, e->happened_at_ms) - DRAW_LEFT;
		size_t k = (size_t)(at / (DRAW_W - DRAW_LEFT - DRAW_RIGHT + 0.001) * COLUMNS);

		if (!str_eq(e->lane, lane) || e->happened_at_ms < r->from_ms ||
		    e->happened_at_ms > r->to_ms)
			continue;
		total++;
		v[k].pinned = v[k].pinned || e->pinned;
		if (!v[k].n++)
			v[k].first = e;
	}
	if (!total)
		return y;
	snprintf(more, sizeof(more), "%zu", total);
	draw_lane_label(out, y + 9, name, more);
	str_addf(out, "<path class=base d=\"M%d %dH%d\"/>\n", DRAW_LEFT, y + 10,
		 DRAW_W - DRAW_RIGHT);
	for (size_t k = 0; k < COLUMNS; k++) {
		char at[32];

		if (!v[k].n)
			continue;
		report_when(at, v[k].first->happened_at_ms);
		str_addf(out,
			 "<circle class=\"m-%s%s\" cx=\"%.1f\" cy=\"%d\" r=\"%.1f\"><title>%s ",
			 lane, v[k].pinned ? " pin" : "", draw_x(r, v[k].first->happened_at_ms),
			 y + 10, 3 + doublings(v[k].n, 4), at);
		html_text(out, v[k].first->text, 90);
		if (v[k].n > 1)
			str_addf(out, " (and %zu more)", v[k].n - 1);
		str_add(out, "</title></circle>\n");
	}
	return y + LANE_H;
}

static int account_lanes(struct str *out, const struct report *r, int y)
{
	size_t shown = 0;

	for (size_t i = 0, to; i < r->n_health; i = to) {
		to = account_end(r, i);
		if (!was_ill(r, i, to) || shown++ >= ACCOUNTS_MAX)
			continue;
		account_lane(out, r, i, to, y);
		y += LANE_H - 4;
	}
	return y;
}

void draw_timeline(struct str *out, const struct report *r)
{
	struct str body = STR_INIT(4 << 20);
	int y = TOP + 8;
	bool ill;

	y = account_lanes(&body, r, y) + 4;
	ill = body.len > 0;
	y = event_bars(&body, r, y) + 4;
	y = run_bars(&body, r, y) + 4;
	y = marks(&body, r, "alert", "Alerts", y);
	y = marks(&body, r, "message", "Messages", y);
	y = marks(&body, r, "people", "People", y);
	y = marks(&body, r, "outside", "Outside", y);
	if (!body.len) {
		str_fini(&body);
		return; /* an axis with nothing on it shows nothing */
	}
	draw_open(out, y + 24,
		  "The incident over time: accounts, failover, runbooks, alerts, messages, people");
	draw_axis(out, r, TOP, y);
	str_add(out, str_get(&body));
	draw_stages(out, r, TOP, y);
	str_add(out, "</svg><figcaption>");
	if (ill)
		str_add(out, "Accounts: the higher the bar, the worse; a thin line is well, "
			     "grey was not known. ");
	str_add(out, "Dots: the bigger, the more entries.</figcaption></figure>\n");
	str_fini(&body);
}
