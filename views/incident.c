/*
 * One incident: state and times, what is due next and what will be sent to whom, roles,
 * checklist, actions, what is linked. A list of rows of several kinds; Enter acts on the
 * one under the cursor, or opens what it names. It changes nothing itself: every order is
 * an action with a dialog.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/incidents.h"
#include "views/runs.h"

enum row_kind { ROW_HEAD, ROW_CLOCK, ROW_ROLE, ROW_TASK, ROW_ACTION, ROW_NOTE, ROW_LINK };

struct row {
	enum row_kind kind;
	const char *head;
	const void *rec;	/* of a head: what is said beside it, or NULL */
	char key[64];
};
struct incident_view {
	struct row *rows;
	size_t n, cap;
};

/* ---- rows ---- */

static void clock_to(const struct incident_clock *c, char *buf, size_t n)
{
	struct json *list = c->via ? json_parse(c->via, strlen(c->via), NULL) : NULL;
	size_t at = (size_t)snprintf(buf, n, "%s", c->target ? c->target : "");

	for (const struct json *m = json_first(list); m && at < n; m = json_next(m))
		at += (size_t)snprintf(buf + at, n - at, "%s%.20s",
		                       m == json_first(list) ? (at ? " by " : "by ") : ", ",
		                       json_str(m) ? json_str(m) : "");
	json_free(list);
}

static enum role col_what(void *ctx, const void *rec, char *buf)
{
	const struct row *r = rec;

	(void)ctx;
	switch (r->kind) {
	case ROW_HEAD:
		snprintf(buf, CELL_TEXT, "%s", r->head);
		return ROLE_title;
	case ROW_CLOCK:
		snprintf(buf, CELL_TEXT, " %s",
		         word_clock(((const struct incident_clock *)r->rec)->kind));
		return ROLE_normal;
	case ROW_ROLE:
		snprintf(buf, CELL_TEXT, " %s", ((const struct incident_role *)r->rec)->role);
		return ROLE_normal;
	case ROW_TASK:
		snprintf(buf, CELL_TEXT, " %s",
		         ((const struct incident_task *)r->rec)->done ? "[x]" : "[ ]");
		return ROLE_normal;
	case ROW_ACTION:
		snprintf(buf, CELL_TEXT, " %s", ((const struct incident_action *)r->rec)->id);
		return ROLE_normal;
	case ROW_NOTE:
		snprintf(buf, CELL_TEXT, " %s", ((const struct timeline_entry *)r->rec)->actor);
		return ROLE_normal;
	case ROW_LINK:
		snprintf(buf, CELL_TEXT, " %s", ((const struct incident_link *)r->rec)->kind);
		return ROLE_normal;
	}
	return ROLE_normal;
}

static enum role col_state(void *ctx, const void *rec, char *buf)
{
	struct view *v = ctx;
	const struct row *r = rec;
	char t[WHEN_TEXT];

	if (r->kind == ROW_CLOCK) {
		const struct incident_clock *c = r->rec;
		if (c->state == CS_HELD)
			snprintf(buf, CELL_TEXT, "HELD");
		else if (c->state == CS_RUNNING || c->state == CS_DUE)
			v->ticks |= incident_due(v->app, c->due_at_ms, buf, CELL_TEXT);
		else
			snprintf(buf, CELL_TEXT, "%s", enum_name(&clock_state_names, c->state));
		return role_clock(strstr(buf, "DUE") ? CS_DUE : c->state);
	}
	if (r->kind == ROW_ACTION) {
		const struct incident_action *x = r->rec;
		snprintf(buf, CELL_TEXT, "%s", x->state ? x->state : "");
		if (str_eq(x->state, "open") && x->due_at_ms)
			v->ticks |= incident_due(v->app, x->due_at_ms, buf, CELL_TEXT);
		return str_eq(x->state, "open") ? ROLE_count : ROLE_dim;
	}
	if (r->kind == ROW_LINK)
		snprintf(buf, CELL_TEXT, "%s",
		         when_clock(t, ((const struct incident_link *)r->rec)->at_ms,
		                    shell_utc(v->shell)));
	else if (r->kind == ROW_NOTE)
		snprintf(buf, CELL_TEXT, "%s",
		         when_since(t, ((const struct timeline_entry *)r->rec)->happened_at_ms,
		                    app_now(v->app), shell_utc(v->shell)));
	else if (r->kind == ROW_TASK && ((const struct incident_task *)r->rec)->by)
		snprintf(buf, CELL_TEXT, "%s", ((const struct incident_task *)r->rec)->by);
	else if (r->kind == ROW_ROLE)
		snprintf(buf, CELL_TEXT, "%s",
		         when_clock(t, ((const struct incident_role *)r->rec)->since_ms,
		                    shell_utc(v->shell)));
	return ROLE_dim;
}

static void clock_text(const struct incident_clock *c, char *buf)
{
	char to[120];
	size_t at = (size_t)snprintf(buf, CELL_TEXT, "%s", c->text ? c->text : "");

	clock_to(c, to, sizeof(to));
	if (to[0] && at < CELL_TEXT)
		at += (size_t)snprintf(buf + at, CELL_TEXT - at, " (%s)", to);
	if (c->sent && at < CELL_TEXT)
		at += (size_t)snprintf(buf + at, CELL_TEXT - at, ", sent %lld", (long long)c->sent);
	if (c->state == CS_HELD && at < CELL_TEXT)
		snprintf(buf + at, CELL_TEXT - at, ", held by %.30s: %.80s",
		         c->held_by ? c->held_by : "?", c->held_reason ? c->held_reason : "");
}

static enum role col_text(void *ctx, const void *rec, char *buf)
{
	const struct row *r = rec;

	(void)ctx;
	if (r->kind == ROW_HEAD) {
		snprintf(buf, CELL_TEXT, "%s", r->rec ? (const char *)r->rec : "");
		return ROLE_warn;
	} else if (r->kind == ROW_CLOCK) {
		clock_text(r->rec, buf);
	} else if (r->kind == ROW_ROLE) {
		snprintf(buf, CELL_TEXT, "%s", ((const struct incident_role *)r->rec)->person);
	} else if (r->kind == ROW_TASK) {
		snprintf(buf, CELL_TEXT, "%s", ((const struct incident_task *)r->rec)->text);
		return ((const struct incident_task *)r->rec)->done ? ROLE_dim : ROLE_normal;
	} else if (r->kind == ROW_ACTION) {
		const struct incident_action *x = r->rec;
		snprintf(buf, CELL_TEXT, "%s%s%s", x->text, x->owner ? ", " : "",
		         x->owner ? x->owner : "");
	} else if (r->kind == ROW_NOTE) {
		const struct timeline_entry *x = r->rec;
		snprintf(buf, CELL_TEXT, "%.*s%s%.60s%s", CELL_TEXT - 70, x->text ? x->text : "",
		         x->link ? " (" : "", x->link ? x->link : "", x->link ? ")" : "");
	} else if (r->kind == ROW_LINK) {
		const struct incident_link *x = r->rec;
		snprintf(buf, CELL_TEXT, "%s %s", x->ref, x->text ? x->text : "");
	}
	return ROLE_normal;
}

static const struct column columns[] = {
	{ .title = "WHAT", .w = 10, .wide = 20, .text = col_what },
	{ .title = "STATE", .w = 13, .text = col_state },
	{ .title = "TEXT", .w = 20, .grow = true, .text = col_text },
};

static struct row *add(struct incident_view *st, enum row_kind kind, const void *rec,
                       const char *before, const char *key)
{
	struct row *r;

	st->rows = grow(st->rows, &st->cap, st->n + 1, sizeof(*st->rows));
	r = &st->rows[st->n++];
	*r = (struct row){ .kind = kind, .rec = rec };
	snprintf(r->key, sizeof(r->key), "%s%s", before, key);
	return r;
}

static void head(struct incident_view *st, const char *text)
{
	add(st, ROW_HEAD, NULL, "head ", text)->head = text;
}

/* What still asks for something first; what was is not repeated (the timeline has it). */
static void fill(struct incident_view *st, const struct incident_doc *d)
{
	st->n = 0;
	head(st, "CLOCKS");
	for (size_t i = 0; i < d->n_clocks; i++)
		if (d->clocks[i].state != CS_STOPPED && d->clocks[i].state != CS_DONE)
			add(st, ROW_CLOCK, &d->clocks[i], "", d->clocks[i].id);
	head(st, "ROLES");
	if (!d->incident.commander)
		st->rows[st->n - 1].rec = "no commander (. c takes it)";
	for (size_t i = 0; i < d->n_roles; i++)
		if (!d->roles[i].until_ms)
			add(st, ROW_ROLE, &d->roles[i], "role ", d->roles[i].role);
	head(st, "CHECKLIST");
	for (size_t i = 0; i < d->n_tasks; i++)
		add(st, ROW_TASK, &d->tasks[i], "", d->tasks[i].id);
	if (d->n_actions)
		head(st, "ACTIONS");
	for (size_t i = 0; i < d->n_actions; i++)
		add(st, ROW_ACTION, &d->actions[i], "", d->actions[i].id);
	if (d->n_written)
		head(st, "NOTES");
	for (size_t i = 0; i < d->n_written; i++)
		add(st, ROW_NOTE, &d->written[i], "", d->written[i].id);
	if (d->n_links)
		head(st, "LINKED");
	/* who was told is much and comes last */
	for (int told = 0; told < 2; told++)
		for (size_t i = d->n_links; i-- > 0;)
			if (str_eq(d->links[i].kind, "message") == told)
				add(st, ROW_LINK, &d->links[i], "link ", d->links[i].ref);
}

static void update(struct view *v)
{
	struct incident_view *st = v->state;
	const struct incident *open = app_incident_open(v->app);
	const struct incident_doc *d;

	if (!app_incident_watched(v->app)[0] && open)
		app_incident_watch(v->app, open->id);
	app_incidents_changed(v->app);
	d = app_incident_doc(v->app);
	st->n = 0;
	if (d)
		fill(st, d);
	list_begin(&v->list);
	for (size_t i = 0; i < st->n; i++)
		list_add(&v->list, &st->rows[i], st->rows[i].key);
	list_end(&v->list);
	if (d && st->n > 1 && (!v->list.key[0] || v->list.key[0] == 'h') && v->list.cursor == 0)
		list_select_key(&v->list, st->rows[1].key);
}

/* ---- the head ---- */

static void times_text(const struct view *v, const struct incident *i, char *buf, size_t n)
{
	const struct {
		const char *what;
		int64_t at;
	} stamps[] = {
		{ "started", i->started_at_ms },     { "detected", i->detected_at_ms },
		{ "declared", i->declared_at_ms },   { "acked", i->acked_at_ms },
		{ "mitigated", i->mitigated_at_ms }, { "resolved", i->resolved_at_ms },
	};
	char t[WHEN_TEXT];
	size_t at = 0;

	for (size_t k = 0; k < COUNT_OF(stamps) && at < n; k++)
		if (stamps[k].at && !(k == 1 && stamps[1].at == i->declared_at_ms))
			at += (size_t)snprintf(buf + at, n - at, "%s%s %s", at ? "  " : "",
			                       stamps[k].what,
			                       when_minute(t, stamps[k].at, shell_utc(v->shell)));
}

static int line(struct area a, int y, const char *label, enum role role, const char *text)
{
	area_text(a, 1, y, ROLE_label, label);
	area_field(a, 9, y, a.w - 10, 0, role, text);
	return y + 1;
}

static void severity_text(const struct view *v, const struct incident_doc *d, char *buf, size_t n)
{
	char t[WHEN_TEXT];
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < d->n_severities && at < n; i++)
		at += (size_t)snprintf(buf + at, n - at, "%s%s %s by %s", at ? ", then " : "",
		                       d->severities[i].severity,
		                       when_minute(t, d->severities[i].at_ms, shell_utc(v->shell)),
		                       d->severities[i].by ? d->severities[i].by : "?");
}

static int draw_head(struct view *v, struct area a, const struct incident *i,
                     const struct incident_doc *d)
{
	char text[500], next[120], as_of[80], span[WHEN_TEXT];
	int64_t end = i->resolved_at_ms ? i->resolved_at_ms : i->closed_at_ms;
	bool ticks = incident_open(i);
	int y = 0;

	app_as_of(v->app, as_of);
	snprintf(text, sizeof(text), "%s %s %s%s  %s %s", i->id, i->severity,
	         word_incident_state(i), i->kind == IK_DRILL ? " DRILL" : "",
	         incident_open(i) ? "open" : "was open",
	         when_span(span, (end ? end : app_now(v->app)) - i->declared_at_ms));
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", as_of[0] ? "  " : "",
	         as_of);
	area_rule(a, y++, text);
	y = line(a, y, "what", role_incident_severity(i->severity), i->title ? i->title : "");
	if (!str_empty(i->impact) && a.h > 12)
		y = line(a, y, "impact", ROLE_normal, i->impact);
	times_text(v, i, text, sizeof(text));
	if (a.h > 10) {
		area_text(a, 1, y, ROLE_label, "times");
		y = area_wrap(a, 9, y, a.w - 10, ROLE_normal, text);
	}
	if (incident_next(v->app, i, next, sizeof(next), &ticks)) {
		snprintf(text, sizeof(text), "%s%s%s   commander %s", next,
		         i->escalate_to ? "; to " : "", i->escalate_to ? i->escalate_to : "",
		         !str_empty(i->commander) ? i->commander :
		         app_past(v->app)	  ? "NONE" : "NONE (. c takes it)");
		y = line(a, y, "next", strstr(next, "DUE") ? ROLE_bad : ROLE_count, text);
	}
	if (d && d->n_severities > 1 && a.h > 14) {
		severity_text(v, d, text, sizeof(text));
		y = line(a, y, "was", ROLE_normal, text);
	}
	if (!str_empty(i->status_quoted) && a.h > 13)
		y = line(a, y, "vendor", ROLE_normal, i->status_quoted);
	if (app_incident_problem(v->app)[0])
		y = line(a, y, "!", ROLE_warn, app_incident_problem(v->app));
	v->ticks |= ticks;
	return y;
}

static void draw(struct view *v, struct area a)
{
	const struct incident *i = app_incident_find(v->app, app_incident_watched(v->app));
	const struct incident_doc *d = app_incident_doc(v->app);
	int y;

	if (!i && d)
		i = &d->incident;
	if (!i) {
		area_rule(a, 0, "INCIDENT");
		area_text(a, 1, 1, app_incident_problem(v->app)[0] ? ROLE_warn : ROLE_dim,
		          app_incident_problem(v->app)[0] ? app_incident_problem(v->app)
		          : app_incident_watched(v->app)[0]
		                  ? "asking the engine .."
		                  : "none is open: D declares one, 7 lists");
		return;
	}
	y = draw_head(v, a, i, d);
	if (!d) {
		area_text(a, 1, y, ROLE_dim,
		          app_past(v->app) ? "clocks, roles, checklist, links: not recorded"
		                           : "asking the engine for clocks and links ..");
		return;
	}
	list_draw(&v->list, area_sub(a, 0, y, a.w, a.h - y), NULL, true);
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct incident *i = app_incident_find(v->app, app_incident_watched(v->app));
	const struct row *r = list_selected(&v->list);

	if (!i && app_incident_doc(v->app))
		i = &app_incident_doc(v->app)->incident;
	if (!i)
		return false;
	incident_subject(i, r && r->kind != ROW_HEAD ? r->key : NULL, ret);
	return true;
}

/* ---- keys ---- */

static unsigned open_link(struct view *v, const struct incident_link *l)
{
	struct view *to;

	if (str_eq(l->kind, "run")) {
		app_runs_watch(v->app, l->ref);
		shell_go(v->shell, "walk");
	} else if (str_eq(l->kind, "event")) {
		to = shell_find_view(v->shell, "events");
		list_select_key(&to->list, l->ref);
		shell_go(v->shell, "events");
	} else if (str_eq(l->kind, "incident")) {
		app_incident_watch(v->app, l->ref);
	} else {
		shell_say(v->shell, ROLE_hint, "%s %s: %s", l->kind, l->ref,
		          l->text ? l->text : "");
	}
	return WANT_UPDATE;
}

/* A note is a subject of its own; the orders of its row are those of the incident. */
static unsigned on_note(struct view *v, const struct row *r, const char *order)
{
	struct subject s = { .kind = "note" };

	if (!r || r->kind != ROW_NOTE) {
		shell_say(v->shell, ROLE_hint, "put the cursor on a note");
		return WANT_REDRAW;
	}
	snprintf(s.id, sizeof(s.id), "%s", r->key);
	snprintf(s.title, sizeof(s.title), "%.90s", r->key);
	app_act(v->app, order, &s);
	return WANT_REDRAW;
}

static unsigned act(struct view *v, enum act what)
{
	const struct incident_doc *d = app_incident_doc(v->app);
	const struct row *r = list_selected(&v->list);
	struct subject s;
	const char *order;

	if (what == ACT_BACK && !v->list.filter[0]) {
		shell_go(v->shell, "incidents");
		return WANT_REDRAW;
	}
	if (what == ACT_REPORT) {
		app_report(v->app, app_incident_watched(v->app));
		return WANT_REDRAW;
	}
	if (what == ACT_MESSAGES) {
		app_messages(v->app, app_incident_watched(v->app));
		return WANT_REDRAW;
	}
	if (what == ACT_TIMELINE || what == ACT_HANDOVER) {
		if (what == ACT_TIMELINE)
			app_timeline_show(v->app, app_incident_watched(v->app));
		else
			app_handover(v->app, app_incident_watched(v->app));
		return WANT_REDRAW;
	}
	if (what == ACT_ANNOTATE || what == ACT_RETRACT ||
	    (what == ACT_OPEN && r && r->kind == ROW_NOTE))
		return on_note(v, r, what == ACT_RETRACT ? "note-retract" : "note-edit");
	if (what != ACT_OPEN || !r || !d)
		return WANT_UNHANDLED;
	if (r->kind == ROW_LINK)
		return open_link(v, r->rec);
	order = incident_action_of(d, r->key);
	if (order && subject(v, &s))
		app_act(v->app, order, &s);
	return WANT_REDRAW;
}

static void close_(struct view *v)
{
	struct incident_view *st = v->state;

	free_p(&st->rows);
}

static const enum act keys[] = { ACT_OPEN,     ACT_ACK,    ACT_NOTE, ACT_TIMELINE, ACT_MESSAGES,
	                         ACT_REPORT,   ACT_HANDOVER, ACT_REPLAY, ACT_BACK, ACT_NONE };

const struct view_def view_incident = {
	.name = "incident",
	.title = "Incident",
	.help = "one incident: clocks, roles, checklist, actions, notes, links; Enter acts on it",
	.state_size = sizeof(struct incident_view),
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.close = close_,
};
