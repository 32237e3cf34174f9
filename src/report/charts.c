/* Charts of an incident: what share of each account's agents failed, calls and messages with
 * those that failed. One axis of time for all, the same as the timeline's. */
#include "report/html.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

enum { ROW_H = 66, PLOT_H = 44, TRAFFIC_H = 110, TOP = 34, ACCOUNTS_MAX = 8, BARS = 60 };

static void frame(struct str *out, double y, double h, const char *most)
{
	str_addf(out,
		 "<path class=base d=\"M%d %.1fH%d\"/><text class=tick-y x=\"%d\" "
		 "y=\"%.1f\">%s</text>\n",
		 DRAW_LEFT, y + h, DRAW_W - DRAW_RIGHT, DRAW_LEFT + 4, y + 9, most);
}

/* ---- accounts ------------------------------------------------------------------------- */

static double rate_of(const struct review_health *h)
{
	return h->rate < 0 ? 0 : h->rate > 1 ? 1 : h->rate;
}

static void area(struct str *out, const struct report *r, size_t from, size_t to, double y)
{
	double x = draw_x(r, r->health[from].at_ms);

	str_addf(out, "<path class=area d=\"M%.1f %.1f", x, y + PLOT_H);
	for (size_t i = from; i < to; i++) {
		double next = draw_x(r, i + 1 < to ? r->health[i + 1].at_ms
						   : r->health[i].at_ms + r->slice_ms);

		str_addf(out, "V%.1fH%.1f", y + PLOT_H * (1 - rate_of(&r->health[i])), next);
	}
	str_addf(out, "V%.1fZ\"/>\n", y + PLOT_H);
}

static void account(struct str *out, const struct report *r, size_t from, size_t to, double y)
{
	const struct review_health *worst = &r->health[from];
	char more[64];

	for (size_t i = from; i < to; i++)
		if (r->health[i].rate > worst->rate)
			worst = &r->health[i];
	snprintf(more, sizeof(more), "worst %.0f %%", 100 * rate_of(worst));
	draw_lane_label(out, y + 18, r->health[from].account, more);
	frame(out, y, PLOT_H, "100 %");
	area(out, r, from, to, y);
}

void draw_health(struct str *out, const struct report *r)
{
	struct str body = STR_INIT(4 << 20);
	size_t shown = 0, well = 0, more = 0;
	int y = TOP + 6;

	for (size_t i = 0, to; i < r->n_health; i = to) {
		bool ill = false;

		for (to = i;
		     to < r->n_health && str_eq(r->health[to].account, r->health[i].account); to++)
			ill = ill || r->health[to].rate > 0;
		well += !ill;
		more += ill && shown >= ACCOUNTS_MAX;
		if (!ill || shown >= ACCOUNTS_MAX)
			continue;
		account(&body, r, i, to, y);
		y += ROW_H;
		shown++;
	}
	if (shown) {
		str_add(out, "<h3>Agents failing, by account</h3>\n");
		draw_open(out, y + 16, "Share of agents that fail, by account");
		draw_axis(out, r, TOP, y - 8);
		str_add(out, str_get(&body));
		draw_stages(out, r, TOP, y - 8);
		str_add(out, "</svg>");
		str_addf(out,
			 "<figcaption>%zu other account%s had no failing "
			 "agent%s.</figcaption></figure>\n",
			 well, well == 1 ? "" : "s", more ? "; more that had are left out" : "");
	}
	str_fini(&body);
}

/* ---- against other incidents -------------------------------------------------------- */

/* log10 of 1 and more, bit by bit. The mathematics library would be loaded into every console
 * for it, and that is a third of a megabyte. */
static double tenfolds(double x)
{
	enum { BITS = 23 };	/* finer than a pixel by far */
	double n = 0, bit = 0.5;

	while (x >= 10) {
		x /= 10;
		n++;
	}
	for (int k = 0; k < BITS; k++) {
		x *= x;
		if (x >= 10) {
			x /= 10;
			n += bit;
		}
		bit /= 2;
	}
	return n;
}

/* Seconds to years on one line: each tenfold is as wide. */
static double log_x(int64_t ms, double most)
{
	double at = tenfolds(ms > 1000 ? (double)ms / 1000 : 1) / most;

	return DRAW_LEFT + (at > 1 ? 1 : at) * (DRAW_W - DRAW_LEFT - 90);
}

static void compare_row(struct str *out, const struct report *r, int k, int y, double most)
{
	const struct time_summary *u = &r->usual[k];
	int64_t is = incident_time(&r->doc.incident, (enum time_kind)k);
	char span[40];

	draw_lane_label(out, y + 4, enum_name(&time_kind_names, k), NULL);
	str_addf(out, "<path class=base d=\"M%d %dH%d\"/>\n", DRAW_LEFT, y, DRAW_W - 90);
	if (u->n) {
		double from = log_x(u->median, most), to = log_x(u->p90, most);

		str_addf(out,
			 "<rect class=usual x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"8\" "
			 "rx=\"2\"/>"
			 "<path class=median d=\"M%.1f %dV%d\"/>\n",
			 from, y - 4, to - from < 2 ? 2 : to - from, from, y - 7, y + 7);
	}
	if (is < 0)
		return;
	report_span(span, is);
	str_addf(out,
		 "<circle class=this cx=\"%.1f\" cy=\"%d\" r=\"5\"/><text x=\"%d\" "
		 "y=\"%d\">%s</text>\n",
		 log_x(is, most), y, DRAW_W - 80, y + 4, span);
}

void draw_compare(struct str *out, const struct report *r)
{
	static const struct { const char *name; int64_t ms;
	} ticks[] = {
		{ "1s", 1000 },     { "10s", 10000 },    { "1m", 60000 },
		{ "10m", 600000 },  { "1h", 3600000 },   { "6h", 21600000 },
		{ "1d", 86400000 }, { "1w", 604800000 }, { "4w", 2419200000 },
	};
	int64_t top = 60000;
	double most;
	int y = 14;

	if (!r->others)
		return;
	for (int k = 0; k < TIME_KINDS; k++) {
		int64_t is = incident_time(&r->doc.incident, (enum time_kind)k);

		top = is > top ? is : top;
		top = r->usual[k].n && r->usual[k].p90 > top ? r->usual[k].p90 : top;
	}
	most = tenfolds((double)top / 1000 * 1.3);
	str_addf(out, "<h3>Compared with %zu other incident%s</h3>\n", r->others,
		 r->others == 1 ? "" : "s");
	draw_open(out, TIME_KINDS * 26 + 26, "Times of this incident against the others");
	for (size_t i = 0; i < COUNT_OF(ticks) && ticks[i].ms <= top; i++)
		str_addf(
			out,
			"<path class=grid d=\"M%.1f 4V%d\"/><text class=tick x=\"%.1f\" y=\"%d\">%s"
			"</text>\n",
			log_x(ticks[i].ms, most), TIME_KINDS * 26 + 4, log_x(ticks[i].ms, most),
			TIME_KINDS * 26 + 18, ticks[i].name);
	for (int k = 0; k < TIME_KINDS; k++, y += 26)
		compare_row(out, r, k, y, most);
	str_add(out,
		"</svg><figcaption>Dot: this incident. Bar: from the median to the 90th percentile "
		"of "
		"the others; drills left out. Each tenfold is as wide.</figcaption></figure>\n");
}

/* ---- calls and messages ------------------------------------------------------------------ */

/* What falls into one bar: some slices, so that there are not more bars than can be told apart. */
struct bar { int64_t at_ms, all, bad; };

static int64_t bar_ms(const struct report *r)
{
	int64_t ms = r->slice_ms;

	while ((r->to_ms - r->from_ms) / ms > BARS)
		ms += r->slice_ms;
	return ms;
}

static size_t bars_of(const struct report *r, bool calls, struct bar ret[BARS + 2])
{
	int64_t ms = bar_ms(r);
	size_t n = 0;

	for (size_t i = 0; i < r->n_slices; i++) {
		const struct review_slice *s = &r->slices[i];
		int64_t at = s->at_ms - (s->at_ms - r->from_ms) % ms;

		if (s->at_ms < r->from_ms)
			continue;
		if ((!n || ret[n - 1].at_ms != at) && n < BARS + 2)
			ret[n++] = (struct bar){ .at_ms = at };
		ret[n - 1].all += calls ? s->calls : s->messages;
		ret[n - 1].bad += calls ? s->calls_failed : s->messages_failed;
	}
	return n;
}

static void bar_part(struct str *out, const char *class_, double x, double y, double w, double h)
{
	str_addf(out, "<rect class=%s x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
		 class_, x, y, w, h);
}

static void bars(struct str *out, const struct report *r, bool calls, double y)
{
	struct bar v[BARS + 2];
	size_t n = bars_of(r, calls, v);
	double most = 1, h = TRAFFIC_H - 34;
	double w = draw_x(r, r->from_ms + bar_ms(r)) - draw_x(r, r->from_ms);
	char label[40];

	for (size_t i = 0; i < n; i++)
		most = (double)v[i].all > most ? (double)v[i].all : most;
	snprintf(label, sizeof(label), "at most %.0f", most);
	draw_lane_label(out, y + 18, calls ? "Calls" : "Messages", label);
	frame(out, y, h, "");
	for (size_t i = 0; i < n; i++) {
		double x = draw_x(r, v[i].at_ms), bar = w > 3 ? w - 1 : w > 1 ? w : 1;
		double all = h * (double)v[i].all / most, bad = h * (double)v[i].bad / most;

		if (all > bad)
			bar_part(out, "ok", x, y + h - all, bar, all - bad);
		if (bad > 0)
			bar_part(out, "bad", x, y + h - bad, bar, bad);
		str_addc(out, '\n');
	}
}

void draw_traffic(struct str *out, const struct report *r)
{
	int bottom = TOP + 6 + 2 * TRAFFIC_H - 28;
	char every[40];

	if (!r->n_slices)
		return;
	report_span(every, bar_ms(r));
	str_add(out, "<h3>Calls and messages</h3>\n");
	draw_open(out, bottom + 24, "Calls and messages, and those of them that failed");
	draw_axis(out, r, TOP, bottom);
	bars(out, r, true, TOP + 6);
	bars(out, r, false, TOP + 6 + TRAFFIC_H);
	draw_stages(out, r, TOP, bottom);
	str_addf(out,
		 "</svg><figcaption>One bar is %s. Red, at the bottom: failed; green above it: "
		 "went well.</figcaption></figure>\n",
		 every);
}
