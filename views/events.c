/*
 * Failover events: open ones first, then how earlier ones went; the selected one below
 * the list (beside it on wide screens) with tests, gates, plan and steps. Enter gives
 * it the whole screen.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/app.h"
#include "views/columns.h"

void event_detail(struct view *v, struct area a, const struct event *e);

struct events {
	bool whole; /* the detail has the screen */
	const struct event **sorted;
	size_t cap;
};

static const struct app *app_of(void *ctx)
{
	return ((struct view *)ctx)->app;
}

static enum role col_severity(void *ctx, const void *rec, char *buf)
{
	const struct event *e = rec;
	bool open = event_status_open(e->status);

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s%s", severity_name(e->severity),
	         event_unconfirmed(e) ? "?" : "");
	return !open                         ? ROLE_dim
	       : e->severity == SEV_CRITICAL ? ROLE_bad
	       : e->severity == SEV_DEGRADED ? ROLE_warn
	                                     : ROLE_normal;
}

static enum role col_state(void *ctx, const void *rec, char *buf)
{
	const struct event *e = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s%s", word_status(e), e->flapping ? "!" : "");
	return role_status(e->status);
}

static enum role col_when(void *ctx, const void *rec, char *buf)
{
	const struct event *e = rec;
	struct view *v = ctx;
	char what[WHEN_TEXT], when[WHEN_TEXT];

	if (event_status_open(e->status)) {
		v->ticks |= event_next(app_of(ctx), e, str_eq(v->list.key, e->id), what, when);
		snprintf(buf, CELL_TEXT, "%s", when[0] ? when : "see below");
		return app_stale(app_of(ctx)) ? ROLE_stale : role_status(e->status);
	}
	cell_since(v, e->state_since_ms, buf);
	return ROLE_dim;
}

static enum role col_from(void *ctx, const void *rec, char *buf)
{
	snprintf(buf, CELL_TEXT, "%s", app_account(app_of(ctx), ((const struct event *)rec)->from));
	return ROLE_normal;
}

static enum role col_to(void *ctx, const void *rec, char *buf)
{
	snprintf(buf, CELL_TEXT, "%s", app_account(app_of(ctx), ((const struct event *)rec)->to));
	return ROLE_normal;
}

static enum role col_moved(void *ctx, const void *rec, char *buf)
{
	const struct event *e = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%lld/%lld", (long long)e->agents_moved,
	         (long long)e->agents_total);
	return e->agents_failed ? ROLE_bad : ROLE_normal;
}

static enum role col_cause(void *ctx, const void *rec, char *buf)
{
	const struct event *e = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", e->cause ? e->cause : e->reason ? e->reason : "");
	return ROLE_normal;
}

static const struct column columns[] = {
	{ .title = "EVENT", .w = 7, .wide = 12, .show = MEMBER(event, id) },
	{ .title = "", .w = 9, .text = col_severity, .drop = 3 },
	{ .title = "STATE", .w = 12, .text = col_state },
	{ .title = "IN/SINCE", .w = 9, .align = 1, .text = col_when,
	  .sort_by = MEMBER(event, opened_at_ms) },
	{ .title = "FROM", .w = 13, .wide = 24, .text = col_from, .drop = 1 },
	{ .title = "TO", .w = 13, .wide = 24, .text = col_to, .drop = 2 },
	{ .title = "MOVED", .w = 5, .wide = 9, .align = 1, .text = col_moved, .drop = 4 },
	{ .title = "BY", .w = 4, .wide = 12,
	  .show = MEMBER(event, decided_by), .none = "-", .drop = 6 },
	{ .title = "CAUSE", .w = 16, .grow = true, .text = col_cause, .drop = 9 },
};

static void update(struct view *v)
{
	struct events *st = v->state;
	const struct state *s = app_state(v->app);

	st->sorted = grow(st->sorted, &st->cap, s->n_events + 1, sizeof(*st->sorted));
	for (size_t i = 0; i < s->n_events; i++) {
		size_t at = i;
		for (; at > 0 && event_compare(&s->events[i], st->sorted[at - 1]) < 0; at--)
			st->sorted[at] = st->sorted[at - 1];
		st->sorted[at] = &s->events[i];
	}
	list_begin(&v->list);
	for (size_t i = 0; i < s->n_events; i++)
		list_add(&v->list, st->sorted[i], st->sorted[i]->id);
	list_end(&v->list);
}

static void close_(struct view *v)
{
	free_p(&((struct events *)v->state)->sorted);
}

static void draw(struct view *v, struct area a)
{
	struct events *st = v->state;
	const struct event *e = list_selected(&v->list);
	struct area list, detail;
	char title[80], as_of[80];

	if (st->whole && e) {
		event_detail(v, a, e);
		return;
	}
	if (a.w >= 150) {
		list = area_sub(a, 0, 0, a.w / 2, a.h);
		detail = area_sub(a, list.w + 2, 0, a.w - list.w - 2, a.h);
	} else {
		int rows = (int)v->list.total + 1, most = a.h >= 18 ? 4 : a.h;
		if (a.h > 30)
			most = a.h - 22;
		list = area_sub(a, 0, 0, a.w, rows < most ? (rows < 2 ? 2 : rows) : most);
		detail = area_sub(a, 0, list.h, a.w, a.h - list.h);
	}
	app_as_of(v->app, as_of);
	snprintf(title, sizeof(title), "EVENTS %lld of %lld %s",
	         (long long)(v->list.total ? v->list.cursor + 1 : 0), (long long)v->list.total,
	         as_of[0] ? "~" : "");
	list_draw(&v->list, list, title, true);
	if (!v->list.total)
		area_text(list, 1, 1, ROLE_dim,
		          v->list.filter[0]
		                  ? "no event matches the filter"
		                  : "no event: nothing has failed over, nothing is about to");
	if (e && detail.h > 2)
		event_detail(v, detail, e);
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct event *e = list_selected(&v->list);

	if (!e)
		return false;
	event_subject(v->app, e, ret);
	return true;
}

enum { NAME_WIDTH = 23 };

/* Whole words of a name, ".." for the rest, filled up to the column's width. */
static void name_cell(char *buf, size_t n, const char *name)
{
	char text[200];
	bool whole;

	snprintf(text, sizeof(text), "%s", name);
	whole = text_width(text, false) <= NAME_WIDTH;
	while (!whole && text_width(text, false) > NAME_WIDTH - 3) {
		char *end = strrchr(text, ' ');

		if (!end) /* one long word: a character less */
			for (end = text + strlen(text) - 1; end > text && (*end & 0xc0) == 0x80;)
				end--;
		*end = '\0';
	}
	if (!whole)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " ..");
	snprintf(buf, n, "%s%*s", text, NAME_WIDTH - text_width(text, false), "");
}

static void add_item(struct sheet *s, const struct json *m)
{
	char cell[220];
	const char *name = json_get_str(m, "name"), *from = json_get_str(m, "fromNumber");
	const char *to = json_get_str(m, "toNumber"), *state = json_get_str(m, "state");
	const char *error = json_get_str(m, "error"), *match = json_get_str(m, "match");
	enum role role = str_eq(state, "failed") || str_eq(state, "conflict") ? ROLE_bad
	                 : str_eq(state, "moved")                             ? ROLE_ok
	                                                                      : ROLE_normal;

	name_cell(cell, sizeof(cell), name ? name : "?");
	sheet_line(s, role, "%-6s %s %-13s to %-13s %s%s%s%s",
	           json_get_bool(m, "canary", false) ? "canary" : "", cell,
	           from ? from : "?", to ? to : "stays",
	           state   ? state
	           : match ? match
	                   : "",
	           json_get_bool(m, "smsReady", true) ? "" : " SMS held",
	           json_get_bool(m, "healthy", false) ? "  works now" : "", error ? error : "");
}

static void got_plan(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct view *v = ctx;
	struct sheet *s = shell_sheet(v->shell);
	const struct json *plan = json_get(doc, "plan"), *list = json_get(doc, "items"), *m;

	if (!s->open || !str_has_prefix(s->title, "PLAN"))
		return;
	shell_redraw(v->shell);
	if (status != 200) {
		sheet_line(s, ROLE_error, "no rows: %s",
		           problem ? problem : "the engine did not answer");
		return;
	}
	if (!list)
		list = json_get(plan, "moves");
	if (!json_count(list))
		sheet_line(s, ROLE_dim, "no agent is in it");
	for (m = json_first(list); m; m = json_next(m))
		add_item(s, m);
	for (m = json_first(json_get(plan, "stays")); m; m = json_next(m))
		sheet_line(s, ROLE_warn, "stays  %-24.24s %-15s %s",
		           json_get_str(m, "name") ? json_get_str(m, "name") : "?",
		           json_get_str(m, "number") ? json_get_str(m, "number") : "",
		           json_get_str(m, "why") ? json_get_str(m, "why") : "");
}

/* Until it is approved the plan is what a start would do now; later its stored rows. */
static void show_plan(struct view *v, const struct event *e)
{
	struct app *app = v->app;
	struct sheet *s = shell_sheet(v->shell);
	char title[96], text[256], path[160];

	snprintf(title, sizeof(title), "PLAN #%.4s of %.40s", e->plan_hash ? e->plan_hash : "none",
	         e->id);
	sheet_open(s, title, NULL, NULL);
	event_plan_text(e, text, sizeof(text));
	sheet_line(s, ROLE_normal, "%s", text);
	if (app_past(app)) {
		sheet_line(s, ROLE_dim, "agent by agent: not recorded");
		return;
	}
	if (event_has_steps(e)) {
		snprintf(path, sizeof(path), "/api/v1/events/%.64s/items", e->id);
		client_get(app->client, path, got_plan, v);
		return;
	}
	struct str body = STR_INIT(1000);
	struct jw w = JW(&body);
	jw_obj(&w, NULL);
	jw_str(&w, "accountId", e->from);
	jw_str(&w, "triggerType", "MANUAL");
	jw_bool(&w, "dryRun", true);
	jw_obj_end(&w);
	client_send(app->client, "POST", "/api/admin/twilio-failover/start", str_get(&body),
	            got_plan, v);
	str_fini(&body);
}

static unsigned act(struct view *v, enum act what)
{
	struct events *st = v->state;
	const struct event *e = list_selected(&v->list);

	switch (what) {
	case ACT_OPEN:
		st->whole = e && !st->whole;
		return WANT_REDRAW;
	case ACT_BACK:
		if (!st->whole)
			return WANT_UNHANDLED;
		st->whole = false;
		return WANT_REDRAW;
	case ACT_GATES:
		if (e)
			gates_sheet(v->shell, "GATES", e->gates, e->n_gates);
		return WANT_REDRAW;
	case ACT_PLAN:
		if (e)
			show_plan(v, e);
		return WANT_REDRAW;
	default:
		return WANT_UNHANDLED;
	}
}

static const enum act keys[] = { ACT_APPROVE, ACT_REJECT, ACT_EXTEND, ACT_ACK,  ACT_ROLLBACK,
				 ACT_RUNBOOK,
	                         ACT_GATES,   ACT_PLAN,   ACT_OPEN,   ACT_BACK, ACT_NONE };

const struct view_def view_events = {
	.name = "events",
	.title = "Events",
	.key = '2',
	.help = "failovers: windows, tests, gates, plan, steps, how it went",
	.state_size = sizeof(struct events),
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.close = close_,
};
