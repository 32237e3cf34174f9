/*
 * The report of an incident: its state and deadlines, times and what was lost, then its
 * sections and action items as lines. Enter writes the section or changes the item under the
 * cursor; every change is an action with a form or a dialog.
 */
#include "views/report.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/incidents.h"

struct report_view {
	struct report_lines lines;
	int64_t answer;			/* of which answer they were made */
	int width;
	int64_t minute;
};

/* ---- rows ---- */

static enum role col_text(void *ctx, const void *rec, char *buf)
{
	const struct report_line *l = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", l->text);
	return l->role;
}

static const struct column columns[] = {
	{ .title = "SECTIONS AND ACTION ITEMS", .w = 30, .grow = true, .text = col_text },
};

static void open_first(struct report_data *d)
{
	const struct incident *i = app_incident_open(d->app);
	const struct state *s = app_state(d->app);
	const char *watched = app_incident_watched(d->app);

	if (d->id[0] || !s->seq)
		return;
	for (size_t k = 0; !i && k < s->n_incidents; k++)
		i = &s->incidents[k];
	if (watched[0] || i)
		snprintf(d->id, sizeof(d->id), "%s", watched[0] ? watched : i->id);
}

static void update(struct view *v)
{
	struct report_view *st = v->state;
	struct report_data *d = report_data(v->app);
	int64_t minute = app_now(v->app) / 60000;

	open_first(d);
	report_ask(d);
	if (st->answer != d->answers || st->width != shell_width(v->shell) ||
	    st->minute != minute) {
		report_lines_fini(&st->lines);
		report_lines_make(d, shell_width(v->shell) - 3, &st->lines);
		st->answer = d->answers;
		st->width = shell_width(v->shell);
		st->minute = minute;
	}
	list_begin(&v->list);
	for (size_t i = 0; i < st->lines.n; i++)
		list_add(&v->list, &st->lines.v[i], st->lines.v[i].key);
	list_end(&v->list);
}

/* ---- the head ---- */

static int line(struct area a, int y, const char *label, enum role role, const char *text)
{
	area_text(a, 1, y, ROLE_label, label);
	area_field(a, 9, y, a.w - 10, 0, role, text);
	return y + 1;
}

static bool deadline(const struct app *a, const char *what, int64_t at, bool met, char *buf,
                     size_t n, enum role *role)
{
	char due[80];
	size_t len = strlen(buf);
	bool ticks = false;

	if (len && n - len > 3)
		len += (size_t)snprintf(buf + len, n - len, "   ");
	if (met) {
		snprintf(buf + len, n - len, "%s done", what);
	} else if (!at) {
		snprintf(buf + len, n - len, "%s not due yet", what);
	} else {
		ticks = incident_due(a, at, due, sizeof(due));
		snprintf(buf + len, n - len, "%s %s%s", what, strstr(due, "DUE") ? "" : "due in ",
		         due);
		if (strstr(due, "DUE"))
			*role = ROLE_bad;
	}
	return ticks;
}

/* The report is met once it is in review, the review once it was held. */
static int draw_deadlines(struct view *v, struct area a, int y, const struct json *i)
{
	int review = enum_parse(&review_state_names, report_str(i, "review"));
	enum role role = ROLE_normal;
	char text[200] = "";

	v->ticks |= deadline(v->app, "report", report_time(i, "reportDueAt"),
	                     review >= RV_IN_REVIEW, text, sizeof(text), &role);
	v->ticks |= deadline(v->app, "review", report_time(i, "reviewDueAt"), review >= RV_REVIEWED,
	                     text, sizeof(text), &role);
	if (*report_str(i, "reviewOwner"))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "   led by %.40s",
		         report_str(i, "reviewOwner"));
	return line(a, y, "due", role, text);
}

static int draw_signs(struct view *v, struct area a, int y, const struct json *doc)
{
	const struct json *list = json_get(doc, "signatures");
	char text[240] = "", when[WHEN_TEXT];

	for (const struct json *s = json_first(list); s; s = json_next(s)) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%.12s by %.24s %s", len ? ", " : "",
		         str_eq(report_str(s, "state"), "in_review") ? "in review"
		                                                     : report_str(s, "state"),
		         report_str(s, "by"),
		         when_since(when, report_time(s, "at"), app_now(v->app),
		                    shell_utc(v->shell)));
	}
	return text[0] ? line(a, y, "signed", ROLE_normal, text) : y;
}

static int draw_times(struct area a, int y, const struct json *doc)
{
	char text[200] = "", span[WHEN_TEXT];

	for (const struct json *t = json_first(json_get(doc, "times")); t; t = json_next(t)) {
		size_t len = strlen(text);
		bool known = json_type(t) == JSON_NUMBER;

		snprintf(text + len, sizeof(text) - len, "%s%s %s", len ? "   " : "",
		         json_name(t), known ? when_span(span, json_i64(t, 0)) : "-");
	}
	return line(a, y, "times", ROLE_normal, text);
}

static void lost_text(const struct json *t, char *buf, size_t n)
{
	int64_t usual = json_get_i64(t, "usualTotal", -1),
		lost = json_get_i64(t, "beyondUsual", 0) + json_get_i64(t, "neverCame", 0);
	size_t len = strlen(buf);

	if (!json_get_bool(t, "known", false) || usual < 0)
		snprintf(buf + len, n - len, "   %s lost ?", report_str(t, "kind"));
	else
		snprintf(buf + len, n - len, "   %s lost %lld", report_str(t, "kind"),
		         (long long)lost);
}

static int draw_impact(struct area a, int y, const struct json *doc)
{
	const struct json *x = json_get(doc, "impact");
	int64_t failing = json_get_i64(x, "agentsFailing", -1), orgs = json_get_i64(x, "orgs", -1);
	char text[200];

	if (failing < 0)
		snprintf(text, sizeof(text), "agents ?");
	else
		snprintf(text, sizeof(text), "agents %lld of %lld", (long long)failing,
		         (long long)json_get_i64(x, "agents", 0));
	snprintf(text + strlen(text), sizeof(text) - strlen(text), orgs < 0 ? "   orgs ?" :
	         "   orgs %lld", (long long)orgs);
	for (const struct json *t = json_first(json_get(x, "traffic")); t; t = json_next(t))
		lost_text(t, text, sizeof(text));
	return line(a, y, "hurt", ROLE_normal, text);
}

static int draw_head(struct view *v, struct area a, struct report_data *d)
{
	const struct json *i = json_get(d->doc, "incident");
	char text[400], as_of[80];
	int y = 0;

	app_as_of(v->app, as_of);
	snprintf(text, sizeof(text), "REPORT OF %s  %s%s%s", d->id, report_review(d),
	         as_of[0] ? "  " : "", as_of);
	area_rule(a, y++, text);
	snprintf(text, sizeof(text), "%s %s%s: %s", report_str(i, "severity"),
	         report_str(i, "state"), str_eq(report_str(i, "kind"), "drill") ? ", a DRILL" :
	         str_eq(report_str(i, "kind"), "backfill") ? ", entered afterwards" : "",
	         report_str(i, "title"));
	y = line(a, y, "what", role_incident_severity(report_str(i, "severity")), text);
	y = draw_deadlines(v, a, y, i);
	if (a.h > 14)
		y = draw_signs(v, a, y, d->doc);
	if (a.h > 12) {
		y = draw_times(a, y, d->doc);
		y = draw_impact(a, y, d->doc);
	}
	if (d->problem[0])
		y = line(a, y, "!", ROLE_warn, d->problem);
	return y;
}

static void draw(struct view *v, struct area a)
{
	struct report_data *d = report_data(v->app);
	int y;

	if (!d->doc) {
		area_rule(a, 0, "REPORT");
		area_text(a, 1, 1, d->problem[0] ? ROLE_warn : ROLE_dim,
		          d->problem[0] ? d->problem
		          : d->id[0]    ? "asking the engine .."
		                        : "no incident is known: D declares one, 7 lists");
		return;
	}
	y = draw_head(v, a, d);
	list_draw(&v->list, area_sub(a, 0, y, a.w, a.h - y), NULL, true);
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct report_data *d = report_data(v->app);
	const struct report_line *l = list_selected(&v->list);
	const struct json *s;

	if (!d->id[0])
		return false;
	*ret = (struct subject){ .kind = "report" };
	snprintf(ret->id, sizeof(ret->id), "%s", d->id);
	if (l)
		snprintf(ret->part, sizeof(ret->part), "%s", l->part);
	s = report_section(d, ret->part);
	snprintf(ret->title, sizeof(ret->title), "%s %.60s", d->id,
	         s ? report_str(s, "title") : l && l->kind == LINE_ITEM ? l->part : "report");
	snprintf(ret->command, sizeof(ret->command), "ringdown report %s", d->id);
	if (s)
		snprintf(ret->command, sizeof(ret->command), "ringdown report edit %s %s", d->id,
		         ret->part);
	return true;
}

/* ---- keys ---- */

static void jump(struct view *v, int by)
{
	int64_t i = v->list.cursor;

	for (i += by; i >= 0 && i < v->list.total; i += by) {
		const struct report_line *l = v->list.rows[i].rec;

		if (l->kind == LINE_SECTION || l->kind == LINE_ITEMS) {
			list_select_key(&v->list, l->key);
			/* the head on top, so that the section is what one sees */
			v->list.top = i;
			return;
		}
	}
}

static unsigned open_row(struct view *v)
{
	const struct report_line *l = list_selected(&v->list);
	struct subject s;

	if (l && subject(v, &s))
		app_act(v->app,
		        l->kind == LINE_ITEM    ? "report-change"
		        : l->kind == LINE_ITEMS ? "report-item"
		                                : "report-edit",
		        &s);
	return WANT_REDRAW;
}

static unsigned act(struct view *v, enum act what)
{
	struct report_data *d = report_data(v->app);

	switch (what) {
	case ACT_OPEN:
		return open_row(v);
	case ACT_NEXT_PANE:
		jump(v, 1);
		return WANT_REDRAW;
	case ACT_PREV_PANE:
		jump(v, -1);
		return WANT_REDRAW;
	case ACT_TIMELINE:
		app_timeline_show(v->app, d->id);
		return WANT_REDRAW;
	case ACT_REFRESH:
		report_moved(d);
		return WANT_UNHANDLED;
	case ACT_SORT:
	case ACT_SORT_REVERSE:
	case ACT_COLUMNS_LEFT:
	case ACT_COLUMNS_RIGHT:
		return WANT_NOTHING;
	case ACT_BACK:
		if (v->list.filter[0] || !d->from[0])
			return WANT_UNHANDLED;
		shell_go(v->shell, d->from);
		return WANT_REDRAW;
	default:
		return WANT_UNHANDLED;
	}
}

static void close_(struct view *v)
{
	struct report_view *st = v->state;

	report_lines_fini(&st->lines);
}

static const enum act keys[] = { ACT_OPEN,      ACT_EDIT_TEXT, ACT_ADD_ITEM, ACT_REVIEW,
	                         ACT_EXPORT,    ACT_NEXT_PANE, ACT_TIMELINE, ACT_NOTE, ACT_FILTER,
	                         ACT_BACK,      ACT_NONE };
/* Its lines are a text: they stay as they stand. */
static const enum act without[] = { ACT_SORT, ACT_SORT_REVERSE, ACT_COLUMNS_LEFT,
	                            ACT_COLUMNS_RIGHT, ACT_NONE };

const struct view_def view_report = {
	.name = "report",
	.title = "Report",
	.help = "the report of an incident: sections, what is still asked, action items, review",
	.state_size = sizeof(struct report_view),
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.without = without,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.close = close_,
	.present = true,
};
