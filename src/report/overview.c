/*
 * See overview.h. Every drawing says its highest figure, so that heights can be read; a month
 * without a figure is a gap, not a zero. Means stand in tables beside medians, never alone.
 */
#include "report/overview.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "report/html.h"

enum { MONTHS = 24, CAUSES = 12, LANE = 74, PLOT = 44, TOP = 14, ROW = 24, BAR_LEFT = 220,
       BAR_RIGHT = 190 };

/* ---- by month ------------------------------------------------------------------------- */

static size_t months_shown(const struct overview *o)
{
	return o->n_months < MONTHS ? o->n_months : MONTHS;
}

/* Oldest at the left. */
static const struct times_row *month(const struct overview *o, size_t i)
{
	return &o->months[months_shown(o) - 1 - i];
}

static double month_w(const struct overview *o)
{
	double w = (DRAW_W - DRAW_LEFT - DRAW_RIGHT) / (double)months_shown(o);

	return w < 80 ? w : 80;
}

static double month_x(const struct overview *o, size_t i)
{
	return DRAW_LEFT + month_w(o) * (double)i;
}

static void month_names(struct str *out, const struct overview *o, int y)
{
	size_t n = months_shown(o), step = n > 12 ? 2 : 1;

	for (size_t i = 0; i < n; i += step)
		str_addf(out, "<text class=tick x=\"%.1f\" y=\"%d\">%s</text>\n",
			 month_x(o, i) + month_w(o) / 2, y, month(o, i)->name);
}

static void base(struct str *out, int y)
{
	str_addf(out, "<path class=base d=\"M%d %dH%d\"/>\n", DRAW_LEFT, y, DRAW_W - DRAW_RIGHT);
}

/* A bar to the median, a line on to the 90th percentile. */
static void month_lane(struct str *out, const struct overview *o, enum time_kind k, int y)
{
	int64_t top = 0;
	bool any = false;
	char span[40], more[64];

	for (size_t i = 0; i < months_shown(o); i++)
		if (month(o, i)->v[k].n) {
			any = true;
			if (month(o, i)->v[k].median > top)
				top = month(o, i)->v[k].median;
		}
	html_short_span(span, top);
	snprintf(more, sizeof(more), "%s%s", any ? "up to " : "no figure yet", any ? span : "");
	top += top / 2; /* room for the lines; one long incident must not flatten all */
	draw_lane_label(out, y + 20, enum_name(&time_kind_names, (int)k), more);
	base(out, y + PLOT);
	for (size_t i = 0; i < months_shown(o) && top; i++) {
		const struct time_summary *s = &month(o, i)->v[k];
		double w = month_w(o), x = month_x(o, i) + w * 0.2;
		double median = PLOT * (double)s->median / (double)top;
		double p90 = PLOT * (double)s->p90 / (double)top;

		if (!s->n)
			continue;
		p90 = p90 > PLOT + 8 ? PLOT + 8 : p90;
		html_short_span(span, s->median);
		str_addf(out,
			 "<rect class=%s x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
			 "rx=\"1.5\"><title>%s: n %zu, median %s</title></rect>"
			 "<path class=median d=\"M%.1f %.1fV%.1f\"/>\n",
			 s->backfilled == s->n ? "usual" : "b-event", x, y + PLOT - median,
			 w * 0.6, median < 1 ? 1 : median, month(o, i)->name, s->n, span,
			 x + w * 0.3, y + PLOT - median, y + PLOT - p90);
	}
}

static const char *severity_class(const char *severity)
{
	return str_eq(severity, "P0")   ? "bad"
	       : str_eq(severity, "P1") ? "h-degraded"
	       : str_eq(severity, "P2") ? "h-minor"
					: "h-unknown";
}

static int64_t severity_sum(const struct times_row *r)
{
	int64_t sum = 0;

	for (size_t k = 0; k < r->n_severities; k++)
		sum += r->severities[k].ms;
	return sum;
}

/* Minutes at each severity, on top of each other, the highest at the bottom. */
static void severity_lane(struct str *out, const struct overview *o, int y)
{
	int64_t top = 0;
	char span[40], more[64];

	for (size_t i = 0; i < months_shown(o); i++)
		top = severity_sum(month(o, i)) > top ? severity_sum(month(o, i)) : top;
	html_short_span(span, top);
	snprintf(more, sizeof(more), "at most %s", span);
	draw_lane_label(out, y + 20, "Severity", top ? more : "-");
	base(out, y + PLOT);
	for (size_t i = 0; i < months_shown(o) && top; i++) {
		const struct times_row *r = month(o, i);
		double w = month_w(o), from = y + PLOT;

		for (size_t k = 0; k < r->n_severities; k++) {
			double h = PLOT * (double)r->severities[k].ms / (double)top;

			str_addf(out,
				 "<rect class=%s x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
				 "height=\"%.1f\"><title>%s %s: %.1f minutes</title></rect>\n",
				 severity_class(r->severities[k].severity),
				 month_x(o, i) + w * 0.2, from - h, w * 0.6, h, r->name,
				 r->severities[k].severity, (double)r->severities[k].ms / 60000);
			from -= h;
		}
	}
}

static void months_drawn(struct str *out, const struct overview *o)
{
	int y = TOP;

	if (!o->n_months)
		return;
	draw_open(out, TOP + LANE * (TIME_KINDS + 1) + 12,
		  "Times of incidents and minutes at each severity, by month");
	for (int k = 0; k < TIME_KINDS; k++, y += LANE)
		month_lane(out, o, (enum time_kind)k, y);
	severity_lane(out, o, y);
	month_names(out, o, y + PLOT + 16);
	str_add(out, "</svg><figcaption>Bar: the median of the month; the line ends at the 90th "
		     "percentile, or above the lane where that is further up; a grey bar is of "
		     "incidents entered afterwards. Severity: minutes at P0, P1, P2, P3, from the "
		     "bottom.</figcaption></figure>\n");
}

/* ---- tables ------------------------------------------------------------------------------ */

static void span_cell(struct str *out, const struct time_summary *s)
{
	char median[40], p90[40], max[40], mean[40];

	if (!s->n) {
		str_add(out, "<td class=n>&mdash;");
		return;
	}
	html_short_span(median, s->median);
	html_short_span(p90, s->p90);
	html_short_span(max, s->max);
	html_short_span(mean, s->mean);
	str_addf(out, "<td class=n title=\"n %zu, p90 %s, max %s, mean %s\">%s", s->n, p90, max,
		 mean, median);
	if (s->missing)
		str_addf(out, " <b class=miss>%zu missing</b>", s->missing);
}

static void rows_table(struct str *out, const char *what, const struct times_row *rows, size_t n)
{
	str_addf(out, "<div class=scroll><table><thead><tr><th>%s<th class=n>Incidents"
		 "<th class=n>Drills, left out", what);
	for (int k = 0; k < TIME_KINDS; k++)
		str_addf(out, "<th class=n>%s", enum_name(&time_kind_names, k));
	str_add(out, "<th class=n>Minutes at severity</thead><tbody>\n");
	for (size_t i = 0; i < n; i++) {
		str_add(out, "<tr><td>");
		html_text(out, rows[i].name, 60);
		str_addf(out, "<td class=n>%zu<td class=n>%zu", rows[i].incidents, rows[i].drills);
		for (int k = 0; k < TIME_KINDS; k++)
			span_cell(out, &rows[i].v[k]);
		str_add(out, rows[i].n_severities ? "<td class=n>" : "<td class=n>&mdash;");
		for (size_t k = 0; k < rows[i].n_severities; k++) {
			html_textf(out, "%s%s %.0f", k ? ", " : "", rows[i].severities[k].severity,
				   (double)rows[i].severities[k].ms / 60000);
		}
		str_add(out, "\n");
	}
	str_add(out, "</tbody></table></div>\n");
}

static void all_table(struct str *out, const struct overview *o)
{
	str_add(out, "<div class=scroll><table><thead><tr><th>Time<th>Measured<th class=n>n"
		     "<th class=n>Median<th class=n>p90<th class=n>Max<th class=n>Mean"
		     "<th class=n>Missing<th class=n>Entered afterwards</thead><tbody>\n");
	for (int k = 0; k < TIME_KINDS; k++) {
		const struct time_summary *s = &o->all[k];
		const int64_t v[] = { s->median, s->p90, s->max, s->mean };

		str_addf(out, "<tr><td><b>%s</b><td>%s<td class=n>%zu",
			 enum_name(&time_kind_names, k), time_kind_help((enum time_kind)k), s->n);
		for (size_t i = 0; i < COUNT_OF(v); i++) {
			char span[40];

			html_short_span(span, s->n ? v[i] : TIME_MISSING);
			str_addf(out, "<td class=n>%s", s->n ? span : "&mdash;");
		}
		str_addf(out, "<td class=n>%s%zu%s<td class=n>%zu\n",
			 s->missing ? "<b class=miss>" : "", s->missing, s->missing ? "</b>" : "",
			 s->backfilled);
	}
	str_add(out, "</tbody></table></div>\n");
}

/* ---- bars lying down ------------------------------------------------------------------- */

/* value, and on to more where that is greater; both of top. */
static void lying(struct str *out, int y, const char *name, const char *class_, double value,
		  double more, double top, const char *text)
{
	double w = DRAW_W - BAR_LEFT - BAR_RIGHT, to = top > 0 ? w * value / top : 0;

	str_addf(out, "<text class=lane x=\"%d\" y=\"%d\">", BAR_LEFT - 10, y + 12);
	html_text(out, name, 28);
	str_add(out, "</text>");
	if (value > 0)
		str_addf(out, "<rect class=%s x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"14\" "
			 "rx=\"2\"/>", class_, BAR_LEFT, y, to < 1 ? 1 : to);
	if (more > value && top > 0)
		str_addf(out, "<path class=median d=\"M%.1f %dH%.1f\"/>", BAR_LEFT + to, y + 7,
			 BAR_LEFT + w * more / top);
	str_addf(out, "<text x=\"%.0f\" y=\"%d\">", DRAW_W - BAR_RIGHT + 8.0, y + 12);
	html_text(out, text, 60);
	str_add(out, "</text>\n");
}

static void causes_drawn(struct str *out, const struct overview *o)
{
	size_t n = o->n_causes < CAUSES ? o->n_causes : CAUSES;
	int64_t top = 0;
	char text[80], span[40];
	int y = 4;

	for (size_t i = 0; i < n; i++)
		if (o->causes[i].v[TIME_TTR].n && o->causes[i].v[TIME_TTR].p90 > top)
			top = o->causes[i].v[TIME_TTR].p90;
	if (!top)
		return;
	str_add(out, "<h3>Time to resolve, by cause</h3>\n");
	draw_open(out, (int)n * ROW + 8, "Time to resolve, by cause");
	for (size_t i = 0; i < n; i++, y += ROW) {
		const struct time_summary *s = &o->causes[i].v[TIME_TTR];

		html_short_span(span, s->n ? s->median : TIME_MISSING);
		snprintf(text, sizeof(text), "%s, n %zu", span, s->n);
		lying(out, y, o->causes[i].name, "b-event", s->n ? (double)s->median : 0,
		      s->n ? (double)s->p90 : 0, (double)top, text);
	}
	str_add(out, "</svg><figcaption>Bar: the median; the line ends at the 90th "
		     "percentile.</figcaption></figure>\n");
}

static void ends_drawn(struct str *out, const struct failover_metrics *m)
{
	static const char *const classes[WE_MAX] = {
		[WE_CANCELLED] = "b-good", [WE_APPROVED] = "b-event", [WE_EXPIRED] = "h-degraded",
		[WE_REJECTED] = "b-bad", [WE_SUPERSEDED] = "usual", [WE_OPEN] = "usual",
	};
	char text[80];
	int y = 4;

	str_add(out, "<h3>How approval windows end</h3>\n");
	draw_open(out, WE_MAX * ROW + 8, "How approval windows end");
	for (int e = 0; e < WE_MAX; e++, y += ROW) {
		snprintf(text, sizeof(text), "%zu, %.0f %%", m->ends[e],
			 100.0 * (double)m->ends[e] / (double)m->windows);
		lying(out, y, enum_name(&window_end_names, e), classes[e], (double)m->ends[e], 0,
		      (double)m->windows, text);
	}
	str_add(out, "</svg><figcaption>");
	for (int e = 0; e < WE_MAX; e++)
		html_textf(out, "%s%s: %s", e ? "; " : "", enum_name(&window_end_names, e),
			   window_end_help((enum window_end)e));
	str_add(out, ".</figcaption></figure>\n");
}

/* Steps are quick: below a second in milliseconds. */
static void fine_span(char ret[40], int64_t ms)
{
	if (ms >= 0 && ms < 1000)
		snprintf(ret, 40, "%lldms", (long long)ms);
	else
		html_short_span(ret, ms);
}

static void span_row(struct str *out, int *y, const char *name, const struct time_summary *s,
		     int64_t top)
{
	char median[40], p90[40], text[120];

	fine_span(median, s->n ? s->median : TIME_MISSING);
	fine_span(p90, s->n ? s->p90 : TIME_MISSING);
	snprintf(text, sizeof(text), "%s, p90 %s, n %zu", median, p90, s->n);
	lying(out, *y, name, "b-run", s->n ? (double)s->median : 0, s->n ? (double)s->p90 : 0,
	      (double)top, text);
	*y += ROW;
}

static void steps_drawn(struct str *out, const struct failover_metrics *m)
{
	int64_t top = m->deciding.p90 > m->moving.p90 ? m->deciding.p90 : m->moving.p90;
	int y = 4;

	for (size_t i = 0; i < m->n_steps; i++)
		top = m->steps[i].took.p90 > top ? m->steps[i].took.p90 : top;
	str_add(out, "<h3>How long each part takes</h3>\n");
	draw_open(out, (int)(m->n_steps + 2) * ROW + 8, "How long each part of a failover takes");
	span_row(out, &y, "opened to decided", &m->deciding, top);
	span_row(out, &y, "decided to completed", &m->moving, top);
	for (size_t i = 0; i < m->n_steps; i++)
		span_row(out, &y, m->steps[i].name, &m->steps[i].took, top);
	str_add(out, "</svg><figcaption>Bar: the median; the line ends at the 90th "
		     "percentile.</figcaption></figure>\n");
}

static void gates_drawn(struct str *out, const struct overview *o)
{
	int64_t top = 1;
	char text[80];
	int y = 4;

	if (!o->n_gates) {
		str_add(out, "<p>No gate held anything.</p>\n");
		return;
	}
	for (size_t i = 0; i < o->n_gates; i++)
		top = o->gates[i].events > top ? o->gates[i].events : top;
	str_add(out, "<h3>Gates that held</h3>\n");
	draw_open(out, (int)o->n_gates * ROW + 8, "Gates that held failovers");
	for (size_t i = 0; i < o->n_gates; i++, y += ROW) {
		snprintf(text, sizeof(text), "%lld event%s, %lld time%s",
			 (long long)o->gates[i].events, o->gates[i].events == 1 ? "" : "s",
			 (long long)o->gates[i].times, o->gates[i].times == 1 ? "" : "s");
		lying(out, y, o->gates[i].gate, "h-degraded", (double)o->gates[i].events, 0,
		      (double)top, text);
	}
	str_add(out, "</svg></figure>\n");
}

/* ---- the page ------------------------------------------------------------------------------ */

static void cards(struct str *out, const struct overview *o)
{
	str_add(out, "<dl class=cards>\n");
	for (int k = 0; k < TIME_KINDS; k++) {
		const struct time_summary *s = &o->all[k];
		_cleanup_(free_p) char *help = xasprintf(
			"median of %zu; %s", s->n, time_kind_help((enum time_kind)k));
		char span[40];

		html_short_span(span, s->n ? s->median : TIME_MISSING);
		html_card(out, s->n ? "" : "none", s->n ? span : "\xe2\x80\x94",
			  enum_name(&time_kind_names, k), help);
	}
	str_add(out, "</dl>\n");
}

static void failovers(struct str *out, const struct overview *o)
{
	const struct failover_metrics *m = &o->failovers;

	str_addf(out, "<section>\n<h2>Failovers</h2>\n<p>%zu failover%s, %zu of them with an "
		 "approval window; %zu drill%s not counted.</p>\n", m->events,
		 m->events == 1 ? "" : "s", m->windows, m->drills, m->drills == 1 ? "" : "s");
	if (m->windows)
		ends_drawn(out, m);
	if (m->n_steps)
		steps_drawn(out, m);
	gates_drawn(out, o);
	str_add(out, "</section>\n");
}

void overview_html(const struct overview *o, struct str *out)
{
	html_open(out, "How long incidents take");
	str_add(out, "<header>\n<h1>How long incidents take</h1>\n<p class=meta>");
	html_textf(out, "%zu incident%s%s", o->incidents, o->incidents == 1 ? "" : "s",
		   o->since_ms ? " since " : "");
	if (o->since_ms)
		html_time(out, o->since_ms);
	html_textf(out, "; %zu entered afterwards; %zu drill%s left out.", o->backfills, o->drills,
		   o->drills == 1 ? "" : "s");
	str_add(out, "</p>\n</header>\n");
	cards(out, o);
	str_add(out, "<section>\n<h2>Times</h2>\n");
	all_table(out, o);
	str_add(out, "<p>Means mislead where few incidents are long: read the median and the 90th "
		     "percentile. A stamp that is missing is missing, not 0.</p>\n</section>\n"
		     "<section>\n<h2>By month</h2>\n");
	months_drawn(out, o);
	rows_table(out, "Month", o->months, o->n_months);
	str_add(out, "</section>\n<section>\n<h2>By cause</h2>\n");
	causes_drawn(out, o);
	rows_table(out, "Cause", o->causes, o->n_causes);
	str_add(out, "</section>\n");
	failovers(out, o);
	str_add(out, "<footer><p>Made by ringdown ");
	html_time(out, o->now_ms);
	str_add(out, ". All instants are UTC.</p></footer>\n");
	html_close(out);
}
