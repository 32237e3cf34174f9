/*
 * Incidents: the open ones first, most pressing on top, then those that are over. All of it
 * is in the state that the stream brings, so it is there without asking, and in the past too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "views/incidents.h"

static enum role col_severity(void *ctx, const void *rec, char *buf)
{
	const struct incident *i = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", i->severity ? i->severity : "?");
	return incident_open(i) ? role_incident_severity(i->severity) : ROLE_normal;
}

static enum role col_state(void *ctx, const void *rec, char *buf)
{
	const struct incident *i = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s%s", word_incident_state(i),
	         i->kind == IK_DRILL      ? " DRILL"
	         : i->kind == IK_BACKFILL ? " late"
	                                  : "");
	return role_incident_state(i);
}

static enum role col_open(void *ctx, const void *rec, char *buf)
{
	const struct incident *i = rec;
	struct view *v = ctx;
	int64_t end = i->resolved_at_ms ? i->resolved_at_ms : i->closed_at_ms;
	char span[WHEN_TEXT];

	if (incident_open(i))
		v->ticks = true;
	snprintf(buf, CELL_TEXT, "%s",
	         when_span(span,
	                   (incident_open(i) || !end ? app_now(v->app) : end) - i->declared_at_ms));
	return incident_open(i) ? ROLE_count : ROLE_dim;
}

static enum role col_next(void *ctx, const void *rec, char *buf)
{
	struct view *v = ctx;
	bool ticks = false;

	if (!incident_next(v->app, rec, buf, CELL_TEXT, &ticks))
		snprintf(buf, CELL_TEXT, "-");
	v->ticks |= ticks;
	return strstr(buf, "DUE") ? ROLE_bad : ROLE_count;
}

static enum role col_commander(void *ctx, const void *rec, char *buf)
{
	const struct incident *i = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s",
	         !str_empty(i->commander) ? i->commander
	         : incident_open(i)       ? "NONE"
	                                  : "-");
	return incident_open(i) && str_empty(i->commander) ? ROLE_warn : ROLE_normal;
}

static const struct column columns[] = {
	{ .title = "INCIDENT", .w = 9, .show = MEMBER(incident, id) },
	{ .title = "SEV", .w = 3, .text = col_severity },
	{ .title = "STATE", .w = 12, .wide = 18, .text = col_state },
	{ .title = "OPEN", .w = 8, .align = 1, .text = col_open,
	  .sort_by = MEMBER(incident, declared_at_ms), .drop = 2 },
	{ .title = "NEXT", .w = 18, .wide = 24, .text = col_next, .drop = 1 },
	{ .title = "COMMANDER", .w = 9, .wide = 14, .text = col_commander, .drop = 3 },
	{ .title = "TITLE", .w = 26, .grow = true, .show = MEMBER(incident, title) },
};

static int cmp_declared(const void *a, const void *b)
{
	const struct incident *x = a, *y = b;

	return x->declared_at_ms < y->declared_at_ms ? -1 : x->declared_at_ms > y->declared_at_ms;
}

static int compare(const void *a, const void *b)
{
	const struct incident *x = *(const struct incident *const *)a,
	                      *y = *(const struct incident *const *)b;
	int c;

	if (incident_open(x) != incident_open(y))
		return incident_open(x) ? -1 : 1;
	c = incident_open(x)
	            ? strcmp(x->severity ? x->severity : "", y->severity ? y->severity : "")
	            : 0;
	return c ? c : cmp_declared(y, x);
}

static void update(struct view *v)
{
	const struct state *s = app_state(v->app);
	const struct incident **order = xcalloc(s->n_incidents + 1, sizeof(*order));

	for (size_t i = 0; i < s->n_incidents; i++)
		order[i] = &s->incidents[i];
	if (s->n_incidents > 1)
		qsort(order, s->n_incidents, sizeof(*order), compare);
	list_begin(&v->list);
	for (size_t i = 0; i < s->n_incidents; i++)
		list_add(&v->list, order[i], order[i]->id);
	list_end(&v->list);
	free_p(&order);
}

static int text_line(struct area a, int y, const char *label, const char *text)
{
	if (str_empty(text) || y >= a.h)
		return y;
	area_text(a, 1, y, ROLE_label, label);
	return area_wrap(a, 12, y, a.w - 13, ROLE_normal, text);
}

static void draw_below(struct view *v, struct area a, const struct incident *i)
{
	char as_of[80], title[160], t[4][WHEN_TEXT];
	bool utc = shell_utc(v->shell);
	int y = 1;

	if (a.h < 2)
		return;
	app_as_of(v->app, as_of);
	snprintf(title, sizeof(title), "%s %s", i->id, as_of);
	area_rule(a, 0, title);
	y = text_line(a, y, "what", i->title);
	y = text_line(a, y, "impact", i->impact);
	area_text(a, 1, y, ROLE_label, "times");
	area_textf(a, 12, y++, ROLE_normal, "started %s  declared %s  acked %s  mitigated %s",
	           when_clock(t[0], i->started_at_ms, utc),
	           when_clock(t[1], i->declared_at_ms, utc), when_clock(t[2], i->acked_at_ms, utc),
	           when_clock(t[3], i->mitigated_at_ms, utc));
	area_text(a, 1, y, ROLE_label, "linked");
	area_textf(a, 12, y++, ROLE_normal, "alerts %lld  events %lld  runs %lld  notes %lld",
	           (long long)i->alerts, (long long)i->events, (long long)i->runs,
	           (long long)i->notes);
	y = text_line(a, y, "vendor", i->status_quoted);
	text_line(a, y, "cause", i->cause);
}

static void draw(struct view *v, struct area a)
{
	const struct incident *i = list_selected(&v->list);
	int rows = (int)v->list.total + 1, least = a.h >= 14 ? 7 : 0, list;
	char title[80];

	list = rows < a.h - least ? rows : a.h - least;
	snprintf(title, sizeof(title), "INCIDENTS %lld", (long long)v->list.total);
	list_draw(&v->list, area_sub(a, 0, 0, a.w, list < 2 ? 2 : list), title, true);
	if (!v->list.total)
		area_text(a, 1, 1, ROLE_dim,
		          v->list.filter[0]        ? "no incident matches the filter"
		          : app_state(v->app)->seq ? "no incident: D declares one"
		                                   : "no data yet");
	if (i && least)
		draw_below(v, area_sub(a, 0, list, a.w, a.h - list), i);
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct incident *i = list_selected(&v->list);

	if (!i)
		return false;
	incident_subject(i, NULL, ret);
	return true;
}

static unsigned act(struct view *v, enum act what)
{
	const struct incident *i = list_selected(&v->list);

	if (what == ACT_HANDOVER) {
		app_handover(v->app, i ? i->id : "");
		return WANT_REDRAW;
	}
	if (i && what == ACT_REPORT) {
		app_report(v->app, i->id);
		return WANT_REDRAW;
	}
	if (i && what == ACT_MESSAGES) {
		app_messages(v->app, i->id);
		return WANT_REDRAW;
	}
	if (i && what == ACT_TIMELINE) {
		app_timeline_show(v->app, i->id);
		return WANT_REDRAW;
	}
	if (what != ACT_OPEN || !i)
		return WANT_UNHANDLED;
	app_incident_watch(v->app, i->id);
	shell_go(v->shell, "incident");
	return WANT_REDRAW;
}

static const enum act keys[] = { ACT_OPEN,   ACT_ACK,  ACT_DECLARE, ACT_NOTE,
	                         ACT_REPLAY, ACT_REPORT, ACT_FILTER, ACT_BACK, ACT_NONE };

const struct view_def view_incidents = {
	.name = "incidents",
	.title = "Incidents",
	.key = '7',
	.help = "what is open, what is due next, who commands; Enter opens one",
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
};
