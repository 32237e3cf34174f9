/*
 * What happened, in one order, with the lanes drawn above it: everything, or what belongs
 * to one incident. The rows are the engine's pages; filter, lane and noise are asked of it.
 * Enter goes to the evidence; pins and annotations are of the incident.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/incidents.h"
#include "views/runs.h"
#include "views/timeline.h"

enum { PLAY_MS = 1000 };

struct timeline_view {
	struct timeline_pages pages;
	struct client_request *marking;
	struct view *view;
	char said[120];  /* of the mark that is being sent */
	char marked[64]; /* id that is pinned or annotated right now */
	int64_t seen;    /* journal rows up to here were looked at */
	bool at_top;     /* follows the newest */
};

static const char *const lanes[] = { "",       "account", "event",   "run",    "alert",
	                             "people", "message", "outside", "engine", "pinned" };

/* ---- columns ---- */

static enum role col_at(void *ctx, const void *rec, char *buf)
{
	const struct timeline_entry *e = rec;
	struct view *v = ctx;
	char t[WHEN_TEXT];

	snprintf(buf, CELL_TEXT, "%s%s%s", e->pinned ? "*" : " ",
	         when_since(t, e->happened_at_ms, app_now(v->app), shell_utc(v->shell)),
	         e->doubt ? "?" : "");
	return e->doubt ? ROLE_warn : ROLE_dim;
}

static enum role col_subject(void *ctx, const void *rec, char *buf)
{
	const struct timeline_entry *e = rec;
	struct view *v = ctx;

	snprintf(buf, CELL_TEXT, "%s", e->subject ? app_account(v->app, e->subject) : "-");
	return ROLE_normal;
}

static enum role role_of(const struct timeline_entry *e)
{
	return str_eq(e->severity, "bad")    ? ROLE_bad
	       : str_eq(e->severity, "warn") ? ROLE_warn
	       : e->noise                    ? ROLE_dim
	                                     : ROLE_normal;
}

static enum role col_text(void *ctx, const void *rec, char *buf)
{
	const struct timeline_entry *e = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%.*s", CELL_TEXT - 1, e->text ? e->text : "");
	return role_of(e);
}

static const struct column columns[] = {
	{ .title = "HAPPENED", .w = 11, .text = col_at },
	{ .title = "LANE", .w = 7, .show = MEMBER(timeline_entry, lane), .drop = 2 },
	{ .title = "ON", .w = 9, .wide = 20, .text = col_subject, .drop = 3 },
	{ .title = "BY", .w = 7, .wide = 14,
	  .show = MEMBER(timeline_entry, actor), .none = "-", .drop = 1 },
	{ .title = "WHAT", .w = 26, .grow = true, .text = col_text },
};

/* ---- rows ---- */

static void on_pages(void *ctx)
{
	shell_changed(((struct view *)ctx)->shell);
}

static void open_(struct view *v)
{
	struct timeline_view *st = v->state;

	timeline_pages_init(&st->pages, v->app);
	st->pages.changed = on_pages;
	st->pages.ctx = v;
	st->view = v;
	st->at_top = true;
}

static void close_(struct view *v)
{
	struct timeline_view *st = v->state;

	timeline_pages_fini(&st->pages);
	if (st->marking)
		client_cancel(st->marking);
}

static int64_t selected_ms(struct view *v)
{
	const struct timeline_entry *e = list_selected(&v->list);
	const struct timeline_view *st = v->state;

	return e && !st->at_top ? e->happened_at_ms : 0;
}

static void reload(struct view *v)
{
	struct timeline_view *st = v->state;

	timeline_seek(&st->pages, selected_ms(v));
}

/* The same rows, as they are now: nothing moves on the screen. */
static void again(struct view *v)
{
	struct timeline_view *st = v->state;
	const struct timeline_pages *p = &st->pages;

	if (p->n && v->list.cursor < TIMELINE_PAGE / 2)
		timeline_seek(&st->pages, p->newest ? 0 : p->rows[0].happened_at_ms);
	else
		reload(v);
}

static void follow_filter(struct view *v)
{
	struct timeline_view *st = v->state;
	int64_t to = app_past(v->app) ? app_now(v->app) : 0;

	if (str_eq(st->pages.q, v->list.filter) && st->pages.to_ms == to)
		return;
	/* while the past plays it is asked for once a second, not at each tick */
	if (str_eq(st->pages.q, v->list.filter) && to && st->pages.to_ms &&
	    loop_now_ms(shell_loop(v->shell)) - st->pages.asked_ms < PLAY_MS)
		return;
	snprintf(st->pages.q, sizeof(st->pages.q), "%s", v->list.filter);
	st->pages.to_ms = to;
	st->at_top = true;
	reload(v);
}

/* What somebody else changed in rows that are loaded already. */
static void follow_changes(struct view *v)
{
	static const char *const kinds[] = { "note.edited", "incident.retracted", "timeline.mark" };
	struct timeline_view *st = v->state;
	const struct state *s = client_state(((struct app *)v->app)->client);
	int64_t from = st->seen;

	st->seen = s->seq;
	for (size_t i = 0; from && i < s->n_entries && s->entries[i].seq > from; i++)
		for (size_t k = 0; k < COUNT_OF(kinds); k++)
			if (str_eq(s->entries[i].kind, kinds[k])) {
				again(v);
				return;
			}
}

static void update(struct view *v)
{
	struct timeline_view *st = v->state;
	struct timeline_pages *p = &st->pages;
	char top[64];

	follow_filter(v);
	if (!app_past(v->app))
		follow_changes(v);
	/* on the newest row the cursor goes along with what comes */
	st->at_top = p->newest && v->list.cursor == 0;
	snprintf(top, sizeof(top), "%s", v->list.key);
	list_begin(&v->list);
	for (size_t i = 0; i < p->n; i++)
		list_add(&v->list, &p->rows[i], p->rows[i].id);
	list_end(&v->list);
	if (st->at_top && p->n && !str_eq(p->rows[0].id, top))
		list_select_key(&v->list, p->rows[0].id);
	timeline_near(p, (size_t)(v->list.cursor > 0 ? v->list.cursor : 0));
}

/* ---- drawing ---- */

/* Rows below the list: a text of several lines gets more of them, while most is the list's. */
static int detail_rows(struct area a, const struct timeline_entry *e)
{
	struct area none = area_sub(a, 0, 0, a.w, 0);
	int rows = 2 + (e ? area_wrap(none, 1, 0, a.w - 2, ROLE_normal, e->text) : 0);
	int most = a.h / 3 > 4 ? a.h / 3 : 4;

	return a.h < 12 ? 0 : rows < 4 ? 4 : rows < most ? rows : most;
}

static void draw_detail(struct area a, const struct timeline_entry *e)
{
	char t[2][TIME_TEXT];
	int y = 1;

	area_rule(a, 0, e->id);
	if (e->doubt && a.h > 3) {
		area_textf(a, 1, y, ROLE_warn, "DOUBT ");
		y = area_wrap(a, 7, y, a.w - 8, ROLE_warn, e->doubt);
		if (e->original)
			area_textf(a, 1, y++, ROLE_dim, "as written: %s", e->original);
	}
	y = area_wrap(area_sub(a, 0, 0, a.w, a.h - 1), 1, y, a.w - 2, role_of(e),
	              e->text ? e->text : "");
	if (y > a.h - 1) /* the rest of a long one */
		area_textf(a, a.w - 24, 0, ROLE_key, " +%d lines: Enter ", y - a.h + 1);
	y = y < a.h - 1 ? y : a.h - 1;
	area_textf(a, 1, y, ROLE_dim, "happened %s  recorded %s%s%s%s%s",
	           format_time(t[0], e->happened_at_ms), format_time(t[1], e->recorded_at_ms),
	           e->actor ? "  by " : "", e->actor ? e->actor : "", e->link ? "  evidence " : "",
	           e->link ? e->link : "");
}

static void title_of(const struct view *v, char *buf, size_t n)
{
	const struct timeline_view *st = v->state;
	const struct timeline_pages *p = &st->pages;
	char as_of[80];

	app_as_of(v->app, as_of);
	snprintf(buf, n, "TIMELINE %s  %s%s  noise %s%s%s%s", p->incident[0] ? p->incident : "all",
	         p->lane[0] ? p->lane : "all lanes", p->q[0] ? ", filtered" : "",
	         p->noise ? "shown" : "hidden (v)", p->newest ? "" : "  older than now",
	         as_of[0] ? "  " : "", as_of);
}

static void draw(struct view *v, struct area a)
{
	struct timeline_view *st = v->state;
	const struct timeline_pages *p = &st->pages;
	const struct timeline_entry *e = list_selected(&v->list);
	int axis = a.h >= 30 ? 8 : a.h >= 14 ? 6 : a.h >= 10 ? 4 : 0, detail = detail_rows(a, e);
	char title[200];
	int y = 1;

	title_of(v, title, sizeof(title));
	area_rule(a, 0, title);
	if (axis)
		y += timeline_axis(v->app, area_sub(a, 0, 1, a.w, axis), p, e);
	list_draw(&v->list, area_sub(a, 0, y, a.w, a.h - y - detail), NULL, true);
	if (p->problem[0])
		area_field(a, 1, y + 1, a.w - 2, 0, ROLE_warn, p->problem);
	else if (!p->n)
		area_text(a, 1, y + 1, ROLE_dim,
		          !p->loaded ? "asking the engine .."
		          : !p->oldest ? "searching .."
		          : p->q[0]  ? "nothing matches the filter"
		          : str_eq(p->lane, "pinned") && !p->incident[0]
		                  ? "pins belong to an incident: i goes to its timeline"
		                     : "nothing here");
	if (detail && e)
		draw_detail(area_sub(a, 0, a.h - detail, a.w, detail), e);
}

/* "n:7" of the timeline is the note N-7. */
static void note_id(const struct timeline_entry *e, char *buf, size_t n)
{
	snprintf(buf, n, "N-%s", str_has_prefix(e->id, "n:") ? e->id + 2 : "");
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct timeline_entry *e = list_selected(&v->list);
	const struct timeline_view *st = v->state;

	if (!e)
		return false;
	*ret = (struct subject){ .kind = "entry" };
	snprintf(ret->id, sizeof(ret->id), "%s", e->id);
	if (e->editable) {
		snprintf(ret->kind, sizeof(ret->kind), "note");
		note_id(e, ret->id, sizeof(ret->id));
	}
	if (e->link && str_has_prefix(e->link, "http"))
		snprintf(ret->link, sizeof(ret->link), "%s", e->link);
	snprintf(ret->title, sizeof(ret->title), "%.20s %.70s", ret->id, e->text ? e->text : "");
	snprintf(ret->command, sizeof(ret->command), "ringdown timeline%s%s",
	         st->pages.incident[0] ? " " : "", st->pages.incident);
	return true;
}

/* ---- to the evidence ---- */

static void go_row(struct view *v, const char *view, const char *key)
{
	struct view *to = shell_find_view(v->shell, view);

	list_select_key(&to->list, key);
	shell_go(v->shell, view);
}

/* What the entry names as its evidence, else what it is about. */
static unsigned open_evidence(struct view *v, const struct timeline_entry *e)
{
	bool note = str_has_prefix(e->id, "n:") && !str_empty(e->link);
	const char *on = note ? e->link : e->subject ? e->subject : "";
	char seq[40];

	if (str_has_prefix(on, "EV-")) {
		go_row(v, "events", on);
	} else if (str_has_prefix(on, "AL-")) {
		go_row(v, "alerts", on);
	} else if (str_has_prefix(on, "j:")) {
		go_row(v, "log", on + 2);
	} else if (str_has_prefix(on, "RUN-")) {
		app_runs_watch(v->app, on);
		shell_go(v->shell, "walk");
	} else if (str_has_prefix(on, "INC-")) {
		app_incident_watch(v->app, on);
		shell_go(v->shell, "incident");
	} else if (state_account(app_state(v->app), on)) {
		go_row(v, "accounts", on);
	} else if (str_has_prefix(e->id, "j:")) {
		snprintf(seq, sizeof(seq), "%s", e->id + 2);
		go_row(v, "log", seq);
	} else {
		shell_say(v->shell, ROLE_hint,
		          note ? "%s: its evidence is outside (y copies it): %s"
		               : "%s has no evidence but itself: %s",
		          e->id, e->link ? e->link : "written by a person");
	}
	return WANT_REDRAW;
}

static void on_whole(void *ctx, const char *value)
{
	struct view *v = ctx;
	const struct timeline_entry *e = list_selected(&v->list);

	if (e && str_eq(e->id, value))
		open_evidence(v, e);
	shell_redraw(v->shell);
}

/* What does not fit below the list is read in a sheet. */
static unsigned open_entry(struct view *v, const struct timeline_entry *e)
{
	const char *text = e->text ? e->text : "";
	struct sheet *s = shell_sheet(v->shell);
	int w = shell_width(v->shell) - 4;

	if (!strchr(text, '\n') && text_width(text, false) < 2 * w)
		return open_evidence(v, e);
	sheet_open(s, e->id, on_whole, v);
	if (!str_empty(e->link))
		sheet_choice(s, 'e', e->id, "its evidence: %s", e->link);
	sheet_line(s, ROLE_dim, "%s%s", e->actor ? "by " : "", e->actor ? e->actor : "");
	sheet_text(s, ROLE_normal, w > 20 ? w : 20, text);
	return WANT_REDRAW;
}

/* ---- marks ---- */

static void marked(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct timeline_view *st = ctx;
	struct view *v = st->view;

	(void)doc;
	st->marking = NULL;
	if (status < 200 || status >= 300) {
		shell_say(v->shell, ROLE_error, "not marked: %s", problem ? problem : "no answer");
	} else {
		shell_say(v->shell, ROLE_ok, "%s", st->said);
		again(v);
	}
	shell_changed(v->shell);
}

/* The incident whose mark it becomes; NULL = none, which was said. */
static const char *marks_of(struct view *v)
{
	struct timeline_view *st = v->state;
	const struct incident *open = app_incident_open(v->app);
	const char *incident = st->pages.incident[0] ? st->pages.incident : open ? open->id : NULL;
	char why[160];

	app_people_why_not(v->app, why, sizeof(why));
	if (!why[0] && !incident)
		snprintf(why, sizeof(why), "marks belong to an incident, and none is open");
	if (!why[0] && st->marking)
		snprintf(why, sizeof(why), "the last mark is still being sent");
	if (!why[0])
		return incident;
	shell_say(v->shell, ROLE_warn, "mark: not now, %s", why);
	return NULL;
}

/* name: "pinned" or "hidden", which becomes on; NULL: the words beside it. */
static void mark(struct view *v, const char *id, const char *name, bool on, const char *text)
{
	struct timeline_view *st = v->state;
	const char *incident = marks_of(v);
	struct str b = STR_INIT(8192);
	struct jw w = JW(&b);

	if (!incident)
		return;
	snprintf(st->said, sizeof(st->said), "%s in the timeline of %s%s",
	         !name                     ? "annotated"
	         : str_eq(name, "hidden") ? (on ? "hidden (v shows it)" : "shown again")
	         : on                      ? "pinned"
	                                   : "no longer pinned",
	         incident, st->pages.incident[0] ? "" : " (i goes there)");
	jw_obj(&w, NULL);
	jw_str(&w, "incident", incident);
	jw_str(&w, "entry", id);
	if (name)
		jw_bool(&w, name, on);
	if (text)
		jw_str(&w, "text", text);
	jw_obj_end(&w);
	st->marking = client_send(v->app ? ((struct app *)v->app)->client : NULL, "POST",
	                          "/api/v1/timeline/mark", str_get(&b), marked, st);
	str_fini(&b);
}

static void on_annotation(void *ctx, const char *text)
{
	struct timeline_view *st = ctx;

	if (text)
		mark(st->view, st->marked, NULL, false, text);
}

/* A note is changed itself; anything else gets words beside it. */
static void annotate(struct view *v, const struct timeline_entry *e)
{
	struct timeline_view *st = v->state;
	struct subject s;

	if (e->editable && subject(v, &s)) {
		app_act(v->app, "note-edit", &s);
		return;
	}
	if (!marks_of(v))
		return;
	snprintf(st->marked, sizeof(st->marked), "%s", e->id);
	shell_ask(v->shell, "annotation", e->annotation ? e->annotation : "", false, on_annotation,
	          st);
}

static unsigned retract(struct view *v, const struct timeline_entry *e)
{
	struct subject s;

	if (!e->editable)
		shell_say(v->shell, ROLE_warn,
		          "%s: only what a person wrote can be taken back; p and e mark it", e->id);
	else if (subject(v, &s))
		app_act(v->app, e->retracted ? "note-back" : "note-retract", &s);
	return WANT_REDRAW;
}

const struct timeline_entry *app_timeline_entry(const struct app *a, const char *note)
{
	struct view *v = shell_opened_view(a->shell, "timeline");
	struct timeline_view *st = v ? v->state : NULL;
	char id[40];

	for (size_t i = 0; st && i < st->pages.n; i++) {
		note_id(&st->pages.rows[i], id, sizeof(id));
		if (st->pages.rows[i].editable && str_eq(id, note))
			return &st->pages.rows[i];
	}
	return NULL;
}

void app_timeline_reload(struct app *a)
{
	struct view *v = shell_opened_view(a->shell, "timeline");

	if (v)
		again(v);
}

/* ---- where to ---- */

static void on_seek(void *ctx, const char *text)
{
	struct timeline_view *st = ctx;
	struct view *v = st->view;
	int64_t at = 0;

	if (!text)
		return;
	if (!app_when(v->app, text, &at)) {
		shell_say(v->shell, ROLE_warn,
		          "such as 10:51, 10:51:30, -2h or 2026-11-21T10:51:00Z");
		return;
	}
	st->at_top = at == 0;
	timeline_seek(&st->pages, at);
}

static void next_lane(struct timeline_view *st)
{
	size_t i = 0;

	while (i < COUNT_OF(lanes) && !str_eq(lanes[i], st->pages.lane))
		i++;
	snprintf(st->pages.lane, sizeof(st->pages.lane), "%s", lanes[(i + 1) % COUNT_OF(lanes)]);
}

void app_timeline_show(struct app *a, const char *incident)
{
	struct view *v = shell_find_view(a->shell, "timeline");
	struct timeline_view *st = v->state;

	shell_go(a->shell, "timeline");
	if (str_eq(st->pages.incident, incident))
		return;
	snprintf(st->pages.incident, sizeof(st->pages.incident), "%s", incident);
	st->at_top = true;
	timeline_seek(&st->pages, 0);
}

static unsigned act(struct view *v, enum act what)
{
	struct timeline_view *st = v->state;
	const struct timeline_entry *e = list_selected(&v->list);

	switch (what) {
	case ACT_OPEN:
		return e ? open_entry(v, e) : WANT_NOTHING;
	case ACT_NOISE:
		st->pages.noise = !st->pages.noise;
		reload(v);
		return WANT_UPDATE;
	case ACT_LANE:
		next_lane(st);
		reload(v);
		return WANT_UPDATE;
	case ACT_SCOPE:
		snprintf(st->pages.incident, sizeof(st->pages.incident), "%s",
		         st->pages.incident[0]       ? ""
		         : app_incident_open(v->app) ? app_incident_open(v->app)->id
		                                     : app_incident_watched(v->app));
		reload(v);
		return WANT_UPDATE;
	case ACT_REPLAY:
		app_replay(v->app, st->pages.incident, e ? e->happened_at_ms : 0);
		return WANT_REDRAW;
	case ACT_SEEK:
		shell_ask(v->shell, "go to", "", false, on_seek, st);
		return WANT_REDRAW;
	case ACT_PIN:
		if (e)
			mark(v, e->id, "pinned", !e->pinned, NULL);
		return WANT_REDRAW;
	case ACT_HIDE:
		if (e)
			mark(v, e->id, "hidden", !e->hidden, NULL);
		return WANT_REDRAW;
	case ACT_ANNOTATE:
		if (e)
			annotate(v, e);
		return WANT_REDRAW;
	case ACT_RETRACT:
		return e ? retract(v, e) : WANT_NOTHING;
	case ACT_REFRESH:
		reload(v);
		return WANT_UPDATE;
	case ACT_TOP:
		if (!st->pages.newest)
			timeline_seek(&st->pages, 0);
		st->at_top = true;
		return WANT_UNHANDLED;
	default:
		return WANT_UNHANDLED | WANT_UPDATE; /* the cursor may come near an end */
	}
}

static const enum act keys[] = { ACT_OPEN, ACT_SEEK, ACT_NOISE,    ACT_LANE, ACT_SCOPE,
	                         ACT_PIN,  ACT_NOTE, ACT_ANNOTATE, ACT_RETRACT,
	                         ACT_HIDE, ACT_BACK, ACT_NONE };

const struct view_def view_timeline = {
	.name = "timeline",
	.title = "Timeline",
	.key = '8',
	.help = "what happened, in one order, lanes drawn above; Enter goes to the evidence",
	.state_size = sizeof(struct timeline_view),
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.open = open_,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.close = close_,
};
