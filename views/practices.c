/*
 * What is to be done every month, quarter and year (R3): when each is due, what is overdue,
 * who did it last and when. d says that one was done, m moves its date. Below it what belongs
 * to it: how long ago a drill was, which reviews wait. The list is known in every view, because
 * the header counts what is overdue.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "model/incident.h"
#include "model/review.h"
#include "views/incidents.h"

enum { FRESH_MS = 30000, AGAIN_MS = 2000, ROW_AT = 0, ROW_NOTE };

struct practices_data {
	struct app *app;
	struct practice *v;
	size_t n;
	struct client_request *asking, *sending;
	int64_t asked_ms, got_ms;		/* monotonic; 0 = never */
	int64_t seq;				/* the journal's, when it was asked for */
	char problem[160];
	char id[64], title[80], wrong[120];	/* of the open form */
	bool open, moving;			/* moving: its date; else it was done */
};

/* ---- columns ---- */

static bool overdue(const struct app *a, const struct practice *p)
{
	return p->due_at_ms && p->due_at_ms < app_now(a);
}

static enum role role_of(void *ctx, const struct practice *p)
{
	const struct view *v = ctx;

	return overdue(v->app, p)        ? ROLE_bad
	       : str_eq(p->state, "due") ? ROLE_warn
	                                 : ROLE_normal;
}

static enum role col_state(void *ctx, const void *rec, char *buf)
{
	const struct practice *p = rec;
	const struct view *v = ctx;

	snprintf(buf, CELL_TEXT, "%s",
	         overdue(v->app, p) ? "OVERDUE" : p->state ? p->state : "?");
	return role_of(ctx, p);
}

static enum role col_title(void *ctx, const void *rec, char *buf)
{
	const struct practice *p = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", p->title ? p->title : p->id);
	return ROLE_normal;
}

static enum role col_every(void *ctx, const void *rec, char *buf)
{
	const struct practice *p = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%lldd", (long long)(p->every_ms / 86400000));
	return ROLE_dim;
}

static enum role col_due(void *ctx, const void *rec, char *buf)
{
	const struct practice *p = rec;
	char iso[TIME_TEXT];

	snprintf(buf, CELL_TEXT, "%.10s", p->due_at_ms ? format_time(iso, p->due_at_ms) : "-");
	return role_of(ctx, p);
}

static enum role col_in(void *ctx, const void *rec, char *buf)
{
	const struct practice *p = rec;
	struct view *v = ctx;
	int64_t left = p->due_at_ms - app_now(v->app);
	char span[WHEN_TEXT];

	if (!p->due_at_ms)
		snprintf(buf, CELL_TEXT, "-");
	else
		snprintf(buf, CELL_TEXT, "%s%s%s", left < 0 ? "" : "in ",
		         when_span(span, left < 0 ? -left : left), left < 0 ? " ago" : "");
	return role_of(ctx, p);
}

static enum role col_done(void *ctx, const void *rec, char *buf)
{
	const struct practice *p = rec;
	char iso[TIME_TEXT];

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%.10s",
	         p->done_at_ms ? format_time(iso, p->done_at_ms) : "never");
	return p->done_at_ms ? ROLE_normal : ROLE_dim;
}

static const struct column columns[] = {
	{ .title = "STATE", .w = 7, .text = col_state },
	{ .title = "WHAT", .w = 20, .wide = 60, .grow = true, .text = col_title },
	{ .title = "EVERY", .w = 5, .align = 1, .text = col_every, .drop = 2 },
	{ .title = "DUE", .w = 10, .text = col_due, .sort_by = MEMBER(practice, due_at_ms) },
	{ .title = "IN", .w = 12, .text = col_in, .drop = 3 },
	{ .title = "LAST DONE", .w = 10, .text = col_done },
	{ .title = "BY", .w = 8, .wide = 16,
	  .show = MEMBER(practice, done_by), .none = "-", .none_role = ROLE_dim, .drop = 1 },
	{ .title = "NOTE", .w = 12, .wide = 80,
	  .show = MEMBER(practice, note), .role = ROLE_dim, .drop = 4 },
};

/* ---- data ---- */

static struct practices_data *data(struct app *a)
{
	if (!a->practices) {
		a->practices = xcalloc(1, sizeof(*a->practices));
		a->practices->app = a;
	}
	return a->practices;
}

static void take(struct practices_data *d, const struct json *doc)
{
	records_free(&practice_type, d->v, d->n);
	d->v = records_read(&practice_type, json_get(doc, "practices"), &d->n);
}

static void got(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct practices_data *d = ctx;

	d->asking = NULL;
	d->problem[0] = '\0';
	if (status == 200) {
		take(d, doc);
		d->got_ms = loop_now_ms(d->app->loop);
	} else {
		snprintf(d->problem, sizeof(d->problem), "%s",
		         problem ? problem : "the engine did not answer");
	}
	shell_changed(d->app->shell);
}

/* Somebody did one or moved its date since we asked. */
static bool moved(const struct practices_data *d)
{
	const struct state *s = app_state(d->app);

	for (size_t i = 0; i < s->n_entries && s->entries[i].seq > d->seq; i++)
		if (str_has_prefix(s->entries[i].kind, "practice."))
			return true;
	return false;
}

static void ask(struct practices_data *d)
{
	int64_t age = loop_now_ms(d->app->loop) - d->asked_ms;
	const struct state *s = app_state(d->app);

	if (d->asking || !s->seq || (d->asked_ms && age < (d->problem[0] ? AGAIN_MS : FRESH_MS) &&
	                             !moved(d)))
		return;
	d->asked_ms = loop_now_ms(d->app->loop);
	d->seq = s->seq;
	d->asking = client_get(d->app->client, "/api/v1/practices", got, d);
}

void app_practices_changed(struct app *a)
{
	ask(data(a));
}

static void update(struct view *v)
{
	struct practices_data *d = data(v->app);

	if (!app_past(v->app))
		ask(d);
	list_begin(&v->list);
	for (size_t i = 0; i < d->n; i++)
		list_add(&v->list, &d->v[i], d->v[i].id);
	list_end(&v->list);
}

int app_practices_due(const struct app *a, struct sheet *sh)
{
	const struct practices_data *d = a->practices;
	char span[WHEN_TEXT];
	int n = 0;

	for (size_t i = 0; d && !app_past(a) && i < d->n; i++) {
		const struct practice *p = &d->v[i];

		if (!overdue(a, p))
			continue;
		n++;
		if (sh)
			sheet_line(sh, ROLE_bad, "DUE %s ago  practice %s: %s",
			           when_span(span, app_now(a) - p->due_at_ms), p->id,
			           p->title ? p->title : "");
	}
	return n;
}

static const struct practice *find(const struct app *a, const char *id)
{
	const struct practices_data *d = a->practices;

	for (size_t i = 0; d && i < d->n; i++)
		if (str_eq(d->v[i].id, id))
			return &d->v[i];
	return NULL;
}

void app_practices_free(struct app *a)
{
	struct practices_data *d = a->practices;

	if (!d)
		return;
	if (d->asking)
		client_cancel(d->asking);
	if (d->sending)
		client_cancel(d->sending);
	records_free(&practice_type, d->v, d->n);
	free_p(&a->practices);
}

/* ---- drawing ---- */

/* The newest drill, and how it went. */
static int draw_drill(struct view *v, struct area a, int y)
{
	const struct state *s = app_state(v->app);
	const struct incident *last = NULL;
	char when[WHEN_TEXT], took[WHEN_TEXT];
	int64_t over;

	for (size_t i = 0; i < s->n_incidents; i++)
		if (s->incidents[i].kind == IK_DRILL &&
		    (!last || s->incidents[i].declared_at_ms > last->declared_at_ms))
			last = &s->incidents[i];
	if (!last) {
		area_field(a, 1, y, a.w - 2, 0, ROLE_dim,
		           "no drill among the last incidents; ringdown drill SCENARIO holds one");
		return y + 1;
	}
	over = last->resolved_at_ms;
	area_textf(a, 1, y, ROLE_normal, "last drill %s, %s: %.60s%s%s", last->id,
	           when_since(when, last->declared_at_ms, app_now(v->app), shell_utc(v->shell)),
	           last->title ? last->title : "",
	           over ? ", resolved after " : ", not resolved",
	           over ? when_span(took, over - last->declared_at_ms) : "");
	return y + 1;
}

/* Reports and reviews of incidents that are over: each is a dated item as well. */
static int draw_reviews(struct view *v, struct area a, int y)
{
	const struct state *s = app_state(v->app);
	char due[80];

	for (size_t i = 0; i < s->n_incidents && y < a.h; i++) {
		const struct incident *x = &s->incidents[i];
		bool report = x->review < RV_IN_REVIEW;
		int64_t at = report ? x->report_due_at_ms : x->review_due_at_ms;

		if (!at || x->review >= RV_REVIEWED || x->state < IS_RESOLVED ||
		    x->state == IS_CLOSED || x->kind == IK_BACKFILL)
			continue;
		v->ticks |= incident_due(v->app, at, due, sizeof(due));
		area_textf(a, 1, y++, strstr(due, "DUE") ? ROLE_bad : ROLE_normal,
		           "%s: %s %s%s", x->id, report ? "report" : "review",
		           strstr(due, "DUE") ? "" : "due in ", due);
	}
	return y;
}

static void draw_below(struct view *v, struct area a, const struct practice *p)
{
	char iso[TIME_TEXT];
	int y = 1;

	area_rule(a, 0, p ? p->id : "REVIEWS AND DRILLS");
	if (p)
		y = area_wrap(a, 1, y, a.w - 2, ROLE_normal, p->title ? p->title : "");
	if (p && !str_empty(p->note))
		y = area_wrap(a, 1, y, a.w - 2, ROLE_dim, p->note);
	if (p && p->planned_at_ms)
		area_textf(a, 1, y++, ROLE_warn, "moved from %.10s by %s%s%.200s",
		           format_time(iso, p->planned_at_ms), p->moved_by ? p->moved_by : "?",
		           p->moved_reason ? ": " : "", p->moved_reason ? p->moved_reason : "");
	draw_reviews(v, a, draw_drill(v, a, y));
}

static void draw(struct view *v, struct area a)
{
	struct practices_data *d = data(v->app);
	int below = a.h >= 14 ? 6 : 0, late = 0;
	char title[160], as_of[80];

	for (size_t i = 0; i < d->n; i++)
		late += overdue(v->app, &d->v[i]);
	app_as_of(v->app, as_of);
	snprintf(title, sizeof(title), "PRACTICES %zu, %d overdue%s%s", d->n, late,
	         as_of[0] ? "  " : "", as_of);
	area_rule(a, 0, title);
	list_draw(&v->list, area_sub(a, 0, 1, a.w, a.h - below - 1), NULL, true);
	if (d->problem[0])
		area_field(a, 1, 2, a.w - 2, 0, ROLE_warn, d->problem);
	else if (!v->list.total)
		area_text(a, 1, 2, ROLE_dim,
		          !d->got_ms          ? "asking the engine .."
		          : v->list.filter[0] ? "no row matches the filter"
		                              : "the policy has none (reviews: in policy.yaml)");
	if (below)
		draw_below(v, area_sub(a, 0, a.h - below, a.w, below), list_selected(&v->list));
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct practice *p = list_selected(&v->list);

	if (!p)
		return false;
	*ret = (struct subject){ .kind = "practice" };
	snprintf(ret->id, sizeof(ret->id), "%s", p->id);
	snprintf(ret->title, sizeof(ret->title), "%s", p->title ? p->title : p->id);
	snprintf(ret->command, sizeof(ret->command), "ringdown practices done %.60s", p->id);
	return true;
}

/* ---- it was done; its date is another one ---- */

static const struct form_row due_rows[] = {
	{ "dueAt", "Due", "2026-12-01, +7d or an instant; empty: as the policy says", FORM_TEXT,
	  false },
	{ "reason", "Why", "kept in the journal", FORM_TEXT, false },
};
static const struct form_row rows[] = {
	{ "at", "Done at", "empty = now; 10:51, -2h, 2026-11-21 or a whole instant", FORM_TEXT,
	  false },
	{ "note", "Note", "what came of it: decisions, links, who was there", FORM_AREA, false },
};

static bool done_at(const struct app *a, const char *text, int64_t *ret)
{
	_cleanup_(free_p) char *day = text && strlen(text) == 10 && text[4] == '-'
	                                      ? xasprintf("%sT12:00:00Z", text)
	                                      : NULL;

	return app_when(a, day ? day : text, ret) && *ret <= app_now(a);
}

static const char *on_check(void *ctx, size_t row, const char *text)
{
	struct practices_data *d = ctx;
	int64_t ms;

	if (d->moving && row == ROW_AT && !str_empty(text) &&
	    !incident_due_parse(text, app_now(d->app), &ms)) {
		snprintf(d->wrong, sizeof(d->wrong),
		         "such as 2026-12-01, +7d or 2026-12-01T12:00:00Z");
		return d->wrong;
	}
	if (d->moving || row != ROW_AT || done_at(d->app, text, &ms))
		return NULL;
	snprintf(d->wrong, sizeof(d->wrong), "an instant that was: 10:51, -2h, 2026-11-21");
	return d->wrong;
}

static void answered(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct practices_data *d = ctx;
	struct app *a = d->app;

	d->sending = NULL;
	if (status >= 200 && status < 300) {
		take(d, doc);
		if (d->open)
			form_close(shell_form(a->shell));
		shell_say(a->shell, ROLE_ok, "%s: %s", d->id, d->moving ? "moved" : "done");
	} else if (d->open) {
		form_done(shell_form(a->shell), problem ? problem : "no answer",
		          json_get_str(doc, "field"));
	} else {
		shell_say(a->shell, ROLE_error, "%s: %s", d->id, problem ? problem : "no answer");
	}
	shell_changed(a->shell);
}

static void on_send(void *ctx, struct form *f)
{
	struct practices_data *d = ctx;
	_cleanup_(str_fini) struct str body = STR_INIT(16000), path = STR_INIT(300);
	struct jw w = JW(&body);
	int64_t at = 0;

	jw_obj(&w, NULL);
	if (d->moving)
		jw_str(&w, "dueAt", form_get(f, ROW_AT) ? form_get(f, ROW_AT) : "");
	else if (done_at(d->app, form_get(f, ROW_AT), &at) && at)
		jw_time(&w, "at", at);
	if (form_get(f, ROW_NOTE))
		jw_str(&w, d->moving ? "reason" : "note", form_get(f, ROW_NOTE));
	jw_obj_end(&w);
	str_add(&path, "/api/v1/practices/");
	str_add_urlencoded(&path, d->id);
	str_add(&path, d->moving ? "/due" : "/done");
	d->sending = client_send(d->app->client, "POST", str_get(&path), str_get(&body), answered,
	                         d);
}

static void on_closed(void *ctx)
{
	struct practices_data *d = ctx;

	d->open = false;
}

static void run(struct app *a, const struct action *x, const struct subject *s)
{
	struct practices_data *d = data(a);
	struct form *f = shell_form(a->shell);

	if (d->sending) {
		shell_say(a->shell, ROLE_hint, "the last one is still being sent");
		return;
	}
	form_close(f);
	snprintf(d->id, sizeof(d->id), "%s", s->id);
	d->moving = str_eq(x->name, "practice-due");
	snprintf(d->title, sizeof(d->title), "%s: %.70s", d->moving ? "ANOTHER DATE" : "DONE",
	         s->title);
	form_open(f, d->title, d->moving ? due_rows : rows, COUNT_OF(rows), on_send, on_closed, d);
	if (!d->moving)
		form_area(f, 1000, false);
	f->check = on_check;
	f->focus = d->moving ? ROW_AT : ROW_NOTE;
	snprintf(f->sent, sizeof(f->sent), "sent; waiting for the engine ..");
	d->open = true;
}

static void why_not(const struct app *a, const struct action *x, const struct subject *s, char *buf,
                    size_t n)
{
	(void)x;
	if (!find(a, s->id))
		snprintf(buf, n, "put the cursor on a practice");
}

static const struct action_hooks hooks = { .run = run, .why_not = why_not };
static const struct action actions[] = {
	{ .name = "practice-done", .label = "it was done", .key = 'd', .kind = "practice",
	  .role = PR_OPERATOR, .method = "POST", .hooks = &hooks },
	{ .name = "practice-due", .label = "another date", .key = 'm', .kind = "practice",
	  .role = PR_OPERATOR, .method = "POST", .hooks = &hooks },
};

size_t practice_action_count(void)
{
	return COUNT_OF(actions);
}

const struct action *practice_action_at(size_t i)
{
	return i < COUNT_OF(actions) ? &actions[i] : NULL;
}

/* ---- keys ---- */

static unsigned act(struct view *v, enum act what)
{
	struct subject s;

	if (what == ACT_REFRESH)
		data(v->app)->asked_ms = 0;
	if (what != ACT_OPEN || !subject(v, &s))
		return WANT_UNHANDLED;
	app_act(v->app, "practice-done", &s);
	return WANT_REDRAW;
}

static const enum act keys[] = {
	ACT_DID, ACT_MOVE_DATE, ACT_NOTE, ACT_FILTER, ACT_SORT, ACT_BACK, ACT_NONE
};

const struct view_def view_practices = {
	.name = "practices",
	.title = "Practices",
	.help = "what is to be done every month, quarter and year: due, overdue, done by whom",
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.present = true,
};
