/*
 * A run, walked: the steps with their states, the one under the cursor open beside or
 * below. Enter acts on the step that is due, and opens any other; the cursor goes along
 * with the run until somebody moves it. It is read-only itself: every order is an action
 * (run_actions.c) with a dialog of its own.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "views/runs.h"

struct walk_row { /* a phase's head, or a step */
	const struct run_phase *phase;
	const struct run_step *step;
	int64_t done, total;
};
struct walk {
	struct walk_row *rows;
	size_t n, cap;
	bool whole;  /* the step has the screen */
	bool inside; /* keys scroll the step, not the list */
	int top, left, page, height;
	char id[64], step[80], followed[80];
};

static const struct app *app_of(void *ctx)
{
	return ((struct view *)ctx)->app;
}

/* ---- the list ---- */

static enum role col_step(void *ctx, const void *rec, char *buf)
{
	const struct walk_row *r = rec;
	const char *id;

	(void)ctx;
	if (!r->step) {
		snprintf(buf, CELL_TEXT, "%s", r->phase->name ? r->phase->name : "");
		for (char *p = buf; *p; p++)
			*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
		return ROLE_title;
	}
	/* "rollback/hold-calls" of a runbook that is called stands below the call */
	id = strrchr(r->step->id, '/');
	snprintf(buf, CELL_TEXT, "%*s%s", (int)(2 + 2 * (r->step->depth < 5 ? r->step->depth : 5)),
	         "", id && id[1] ? id + 1 : r->step->id);
	return r->step->state == RS_NOT_APPLICABLE ? ROLE_dim : ROLE_normal;
}

static size_t step_span(struct view *v, const struct run_step *s, char *buf)
{
	char span[WHEN_TEXT];

	v->ticks = true;
	return (size_t)snprintf(buf, CELL_TEXT, "%s %s%s",
	                        str_eq(s->verb, "gate") ? "WAITS" : "RUNNING",
	                        app_stale(v->app) ? "~" : "",
	                        when_span(span, app_now(v->app) - s->started_at_ms));
}

/* State and what came of it in one: "done WARN", "NOW optional", "RUNNING 0:12". */
static enum role col_state(void *ctx, const void *rec, char *buf)
{
	const struct walk_row *r = rec;
	const struct run_doc *d = app_runs_doc(app_of(ctx));
	const struct run_step *s = r->step;
	const char *word, *more = "";
	char part[48] = "";
	size_t ticked, items;
	bool due = s && d && s->state == RS_READY && str_eq(d->run.step, s->id);

	if (!s) {
		snprintf(buf, CELL_TEXT, "%lld/%lld", (long long)r->done, (long long)r->total);
		return ROLE_dim;
	}
	if (s->state == RS_RUNNING && s->started_at_ms) {
		step_span(ctx, s, buf);
		return ROLE_count;
	}
	word = word_step(s);
	if (due && d->wait.kind == RW_FAILED)
		word = "FAILED";
	else if ((s->state == RS_DONE || s->state == RS_FAILED) && s->picked)
		more = s->picked;
	else if (s->state == RS_DONE && run_step_ticked(s, &ticked, &items) && ticked < items)
		snprintf(part, sizeof(part), "%zu/%zu", ticked, items);
	else if (s->state == RS_DONE && !str_empty(s->outcome) && !str_eq(s->outcome, "pass"))
		more = word_run_outcome(s->outcome);
	else if (s->state == RS_UNKNOWN)
		more = "happened?";
	else if (due)
		more = word_wait_short(d->wait.kind);
	else if ((s->state == RS_WAITING || s->state == RS_READY) && s->optional)
		more = "optional";
	if (part[0]) {
		snprintf(buf, CELL_TEXT, "%s %s", word, part);
		return ROLE_warn;
	}
	snprintf(buf, CELL_TEXT, "%s%s%.60s", word, more[0] ? " " : "", more);
	return s->state == RS_DONE && !s->picked && more[0] ? role_run_outcome(s->outcome)
	                                                    : role_step(s);
}

static enum role col_effect(void *ctx, const void *rec, char *buf)
{
	const struct walk_row *r = rec;

	(void)ctx;
	if (!r->step)
		return ROLE_normal;
	bool change = str_eq(r->step->effect, "change"),
	     destroy = str_eq(r->step->effect, "destroy");
	snprintf(buf, CELL_TEXT, "%s", destroy ? "DESTROY" : change ? "CHANGE" : r->step->verb);
	return destroy ? ROLE_bad : change ? ROLE_warn : ROLE_dim;
}

static enum role col_by(void *ctx, const void *rec, char *buf)
{
	const struct walk_row *r = rec;

	(void)ctx;
	if (r->step)
		snprintf(buf, CELL_TEXT, "%s", r->step->by ? r->step->by : "");
	return ROLE_normal;
}

static enum role col_title(void *ctx, const void *rec, char *buf)
{
	const struct walk_row *r = rec;

	struct view *v = ctx;

	if (!r->step) { /* a phase says here how long it may take */
		v->ticks |= run_box_text(v->app, r->phase, buf, CELL_TEXT);
		return strncmp(buf, "LATE", 4) == 0 ? ROLE_bad : ROLE_count;
	}
	if (!str_eq(r->step->title, r->step->id))
		snprintf(buf, CELL_TEXT, "%s", r->step->title ? r->step->title : "");
	return ROLE_normal;
}

static const struct column columns[] = {
	{ .title = "STEP", .w = 18, .wide = 24, .text = col_step },
	{ .title = "STATE", .w = 8, .wide = 20, .text = col_state },
	{ .title = "DOES", .w = 7, .text = col_effect, .drop = 2 },
	{ .title = "TITLE", .w = 26, .grow = true, .text = col_title, .drop = 1 },
	{ .title = "BY", .w = 17, .text = col_by, .drop = 3 },
};

static void fill(struct walk *st, const struct run_doc *d)
{
	struct walk_row *head = NULL;
	size_t step = 0;

	st->n = 0;
	st->rows = grow(st->rows, &st->cap, d->n_phases + d->n_steps + 1, sizeof(*st->rows));
	for (size_t p = 0; p < d->n_phases; p++) {
		head = &st->rows[st->n++];
		*head = (struct walk_row){ .phase = &d->phases[p] };
		while (step < d->n_steps && str_eq(d->steps[step].phase, d->phases[p].name)) {
			const struct run_step *s = &d->steps[step++];
			if (s->state == RS_NOT_APPLICABLE && s->depth > 0)
				continue; /* of an option that was not picked */
			st->rows[st->n++] = (struct walk_row){ .phase = head->phase, .step = s };
			if (s->state == RS_NOT_APPLICABLE)
				continue;
			head->total++;
			head->done += s->state == RS_DONE || s->state == RS_SKIPPED ||
			              s->state == RS_UNDONE;
		}
	}
	for (; step < d->n_steps; step++) /* of a phase that is not named: shown all the same */
		st->rows[st->n++] = (struct walk_row){ .step = &d->steps[step] };
}

static void update(struct view *v)
{
	struct walk *st = v->state;
	const struct run_doc *d;
	char key[64];

	app_runs_update(v->app);
	d = app_runs_doc(v->app);
	if (!str_eq(st->id, app_runs_watched(v->app))) {
		snprintf(st->id, sizeof(st->id), "%s", app_runs_watched(v->app));
		st->whole = st->inside = false;
		st->followed[0] = v->list.key[0] = '\0';
	}
	st->n = 0;
	if (d)
		fill(st, d);
	/* the cursor goes along while it is on the step that was due */
	if (d && d->run.step && !str_eq(d->run.step, st->followed)) {
		if (!st->followed[0] || str_eq(v->list.key, st->followed))
			snprintf(v->list.key, sizeof(v->list.key), "%s", d->run.step);
		snprintf(st->followed, sizeof(st->followed), "%s", d->run.step);
	}
	list_begin(&v->list);
	for (size_t i = 0; i < st->n; i++) {
		const struct walk_row *r = &st->rows[i];
		if (!r->step)
			snprintf(key, sizeof(key), "phase %.50s",
			         r->phase->name ? r->phase->name : "");
		else
			snprintf(key, sizeof(key), "%s", r->step->id);
		list_add(&v->list, r, key);
	}
	list_end(&v->list);
}

/* ---- the head ---- */

static void now_text(const struct app *a, const struct run_doc *d, char *buf, size_t n, bool *ticks)
{
	const struct run *r = &d->run;
	char when[WHEN_TEXT] = "", clock[WHEN_TEXT];
	size_t at;

	if (!run_open(r)) {
		snprintf(buf, n, "%s%s%s at %s, %lld of %lld steps", word_run(r),
		         r->outcome ? " " : "", r->outcome ? word_run_outcome(r->outcome) : "",
		         when_clock(clock, r->ended_at_ms, shell_utc(a->shell)), (long long)r->done,
		         (long long)r->total);
		return;
	}
	at = (size_t)snprintf(buf, n, "%s",
	                      d->wait.kind == RW_FAILED     ? "FAILED, waits for you"
	                      : d->wait.kind == RW_HAPPENED ? "UNKNOWN, did it happen?"
	                                                    : word_run(r));
	if (r->status == RUN_WAITING && d->wait.kind != RW_FAILED && d->wait.kind != RW_HAPPENED)
		at += (size_t)snprintf(buf + at, n - at, " for %s", word_wait(d->wait.kind));
	if (r->step)
		at += (size_t)snprintf(buf + at, n - at, " at %.60s", r->step);
	if (d->wait.until_ms) {
		struct countdown c = { .at_ms = d->wait.until_ms,
			               .now_ms = app_now(a),
			               .stale = app_stale(a),
			               .exact = true };
		*ticks |= when_countdown(when, &c);
		at += (size_t)snprintf(buf + at, n - at, ", %s in %s",
		                       str_eq(d->wait.at_end, "go")     ? "goes on"
		                       : str_eq(d->wait.at_end, "stop") ? "stops"
		                                                        : "ends",
		                       when);
	}
	if (d->wait.next_ms && at < n) {
		struct countdown c = { .at_ms = d->wait.next_ms,
			               .now_ms = app_now(a),
			               .stale = app_stale(a),
			               .exact = true };
		*ticks |= when_countdown(when, &c);
		at += (size_t)snprintf(buf + at, n - at, ", next check in %s", when);
	}
	/* what only says the title again stands in the list and with the step */
	if (!str_empty(d->wait.text) && at < n &&
	    (!r->step_title ||
	     strncasecmp(d->wait.text, r->step_title, strlen(r->step_title)) != 0))
		snprintf(buf + at, n - at, ": %.160s", d->wait.text);
}

/* The time box that counts now, also when its phase has scrolled away. */
static size_t box_now(const struct app *a, const struct run_doc *d, char *buf, size_t n,
                      bool *ticks)
{
	const struct run_step *s = run_step_find(d, d->run.step);
	char box[80] = "";

	for (size_t i = 0; s && run_open(&d->run) && i < d->n_phases; i++)
		if (str_eq(d->phases[i].name, s->phase))
			*ticks |= run_box_text(a, &d->phases[i], box, sizeof(box));
	return box[0] ? (size_t)snprintf(buf, n, "   %.40s: %s", s->phase, box) : 0;
}

static void people_text(const struct app *a, const struct run_doc *d, char *buf, size_t n,
                        bool *ticks)
{
	const struct run *r = &d->run;
	char others[120];
	size_t at;

	if (!run_open(r))
		at = (size_t)snprintf(buf, n, "was driven by %s",
		                      r->driver ? r->driver : r->started_by);
	else if (app_runs_is_me(a, r->driver))
		at = (size_t)snprintf(buf, n, "you drive");
	else if (r->driver)
		at = (size_t)snprintf(buf, n, "%.30s drives, you watch (. T)",
		                      r->driver);
	else
		at = (size_t)snprintf(buf, n, "nobody drives (Enter takes it)");
	run_watchers(a, r, others, sizeof(others));
	if (others[0])
		at += (size_t)snprintf(buf + at, n - at, "   %s here too", others);
	at += (size_t)snprintf(buf + at, n - at, "   %lld of %lld", (long long)r->done,
	                       (long long)r->total);
	if (d->n_undo)
		at += (size_t)snprintf(buf + at, n - at, "   undo %zu (U)", d->n_undo);
	if (d->n_holds)
		at += (size_t)snprintf(buf + at, n - at, "   HOLDS %zu", d->n_holds);
	if (at < n)
		at += box_now(a, d, buf + at, n - at, ticks);
	if (d->n_notes && at < n)
		snprintf(buf + at, n - at, "   notes %zu (p)", d->n_notes);
}

static int draw_head(struct view *v, struct area a, const struct run_doc *d)
{
	const struct run *r = &d->run;
	char text[500], as_of[80];
	bool ticks = false;
	int y = 0;

	app_as_of(v->app, as_of);
	snprintf(text, sizeof(text), "%s %.80s%s%.20s%s%.40s%s%s", r->id,
	         r->title ? r->title : r->runbook, r->severity ? "  " : "",
	         r->severity ? r->severity : "", r->subject ? "  for " : "",
	         r->subject ? r->subject : "", as_of[0] ? "  " : "", as_of);
	area_rule(a, y++, text);
	if (str_eq(r->kind, "dry") || str_eq(r->kind, "drill"))
		area_textf(a, a.w - 12, 0, ROLE_demo, " %s ",
		           r->kind[1] == 'r' && r->kind[2] == 'y' ? "DRY RUN" : "DRILL");
	now_text(v->app, d, text, sizeof(text), &ticks);
	area_field(a, 1, y++, a.w - 2, 0, role_run(r), text);
	if (a.h > 9) {
		people_text(v->app, d, text, sizeof(text), &ticks);
		area_field(a, 1, y++, a.w - 2, 0, ROLE_normal, text);
	}
	if (r->file_changed && a.h > 12)
		area_field(a, 1, y++, a.w - 2, 0, ROLE_warn,
		           "the file was edited since; this run keeps the text it began with");
	if (r->policy_changed && a.h > 13)
		area_field(a, 1, y++, a.w - 2, 0, ROLE_warn,
		           "policy.yaml was edited since; this run keeps the values it began with");
	if (app_runs_doc_problem(v->app)[0])
		area_field(a, 1, y++, a.w - 2, 0, ROLE_warn, app_runs_doc_problem(v->app));
	v->ticks |= ticks;
	return y;
}

/* ---- the step beside or below ---- */

static void draw_phase(struct view *v, struct area a, const struct walk_row *r)
{
	const struct run_doc *d = app_runs_doc(v->app);
	char text[200];
	int y = 1;

	v->ticks |= run_box_text(v->app, r->phase, text, sizeof(text));
	area_textf(a, 1, y++, ROLE_normal, "%lld of %lld steps   %s", (long long)r->done,
	           (long long)r->total, text);
	for (size_t i = 0; i < d->n_never; i++) {
		area_text(a, 1, y, ROLE_bad, "NEVER");
		y = area_wrap(a, 10, y, a.w - 11, ROLE_warn, d->never[i]);
	}
	for (size_t i = 0; i < d->n_checklist && !run_open(&d->run); i++) {
		area_text(a, 1, y, ROLE_label, i ? "" : "AFTER");
		y = area_wrap(a, 10, y, a.w - 11, ROLE_normal, d->checklist[i]);
	}
}

/* At the end of a run: what is left to do by hand, where there is room for it. */
static void draw_after(const struct run_doc *d, struct area in, int y)
{
	if (run_open(&d->run) || in.h - y < 2)
		return;
	if (d->n_undo)
		area_textf(in, 1, y++, ROLE_hint, "U still undoes %s", d->undo[0]);
	for (size_t i = 0; i < d->n_checklist && y < in.h; i++) {
		area_text(in, 1, y, ROLE_label, i ? "" : "AFTER");
		y = area_wrap(in, 10, y, in.w - 11, ROLE_normal, d->checklist[i]);
	}
}

static void draw_open(struct view *v, struct area a, const struct walk_row *r)
{
	struct walk *st = v->state;
	const struct run_doc *d = app_runs_doc(v->app);
	struct area in = area_sub(a, 0, 1, a.w, a.h - 1);
	char title[160];

	if (!r || a.h < 2)
		return;
	if (!r->step) {
		snprintf(title, sizeof(title), "phase %s", r->phase->name);
		area_rule(a, 0, title);
		draw_phase(v, a, r);
		return;
	}
	if (!str_eq(st->step, r->step->id)) {
		snprintf(st->step, sizeof(st->step), "%s", r->step->id);
		st->top = st->left = 0;
	}
	st->page = in.h;
	st->height = run_step_draw(v->app, d, r->step, area_sub(in, 0, 0, in.w, 0), 0, 0);
	if (st->top > st->height - in.h)
		st->top = st->height > in.h ? st->height - in.h : 0;
	snprintf(title, sizeof(title), "%.70s %s%s", r->step->id,
	         r->step->verb ? r->step->verb : "",
	         st->height <= in.h ? ""
	         : st->inside       ? "  (j k < > scroll, Tab leaves)"
	                            : "  (Tab scrolls)");
	area_rule(a, 0, title);
	draw_after(d, in, run_step_draw(v->app, d, r->step, in, -st->top, st->left) + 1);
	v->ticks |= r->step->state == RS_RUNNING;
	if (st->inside)
		area_cursor(a, 0, 0);
}

static void draw_nothing(struct view *v, struct area a)
{
	area_rule(a, 0, "RUN");
	if (app_runs_doc_problem(v->app)[0])
		area_wrap(a, 1, 1, a.w - 2, ROLE_warn, app_runs_doc_problem(v->app));
	else
		area_text(a, 1, 1, ROLE_dim,
		          app_runs_watched(v->app)[0]
		                  ? "asking the engine for the run .."
		                  : "no run is open here: 6 lists runbooks and runs");
}

/* On tall screens the rest of the run stands below its steps. */
static void draw_rest(struct view *v, struct area a)
{
	const struct run_doc *d = app_runs_doc(v->app);
	char t[WHEN_TEXT];
	int y = 1;

	if (a.h < 4)
		return;
	area_rule(a, 0, "UNDO, HOLDS, NOTES");
	for (size_t i = 0; i < d->n_undo; i++)
		area_textf(a, 1, y++, ROLE_normal, "undo %zu  %s%s", i + 1, d->undo[i],
		           i ? "" : "   U");
	for (size_t i = 0; i < d->n_holds; i++)
		area_textf(a, 1, y++, ROLE_warn, "HOLD  %s by %s   . l releases", d->holds[i].name,
		           d->holds[i].by ? d->holds[i].by : "?");
	for (size_t i = d->n_notes; i-- > 0 && y < a.h;) {
		area_textf(a, 1, y, ROLE_dim, "%s",
		           when_clock(t, d->notes[i].at_ms, shell_utc(v->shell)));
		y = area_wrap(a, 11, y, a.w - 12, ROLE_normal,
		              d->notes[i].text ? d->notes[i].text : "");
	}
	if (y == 1)
		area_text(a, 1, y, ROLE_dim, "nothing to undo, no hold, no note (t)");
}

static void draw(struct view *v, struct area a)
{
	struct walk *st = v->state;
	const struct run_doc *d = app_runs_doc(v->app);
	const struct walk_row *r = list_selected(&v->list);
	struct area body, list, open;
	int y;

	if (!d) {
		draw_nothing(v, a);
		return;
	}
	y = draw_head(v, a, d);
	body = area_sub(a, 0, y, a.w, a.h - y);
	if (st->whole && r && r->step) {
		draw_open(v, body, r);
		return;
	}
	if (a.w >= 150) {
		int w = body.w * 2 / 5 < 72 ? 72 : body.w * 2 / 5;
		int rows = (int)st->n + 1, rest = body.h - rows >= 8 ? body.h - rows - 1 : 0;
		list = area_sub(body, 0, 0, w, body.h - rest);
		draw_rest(v, area_sub(body, 0, body.h - rest, w, rest));
		open = area_sub(body, w + 2, 0, body.w - w - 2, body.h);
	} else {
		int rows = (int)st->n + 1, most = body.h < 9 ? body.h : body.h * 2 / 5 + 1;
		list = area_sub(body, 0, 0, body.w, rows < most ? rows : most);
		open = area_sub(body, 0, list.h, body.w, body.h - list.h);
	}
	/* what comes next is in sight, not only where we are */
	if (v->list.cursor - v->list.top > list.h - 4 && list.h > 5)
		v->list.top = v->list.cursor - (list.h - 4);
	list_draw(&v->list, list, NULL, !st->inside);
	draw_open(v, open, r);
}

/* ---- keys ---- */

static bool subject(struct view *v, struct subject *ret)
{
	const struct walk_row *r = list_selected(&v->list);
	const struct run_doc *d = app_runs_doc(v->app);

	if (!d)
		return false;
	run_subject(&d->run, r && r->step ? r->step->id : NULL, ret);
	return true;
}

static unsigned open_row(struct view *v)
{
	struct walk *st = v->state;
	const struct walk_row *r = list_selected(&v->list);
	const struct run_doc *d = app_runs_doc(v->app);
	struct subject sub;
	const char *name;

	if (!d || !r || !r->step)
		return WANT_REDRAW;
	name = run_action_now(v->app, d);
	if (!name || !str_eq(d->run.step, r->step->id)) {
		st->whole = !st->whole;
		return WANT_REDRAW;
	}
	subject(v, &sub);
	app_act(v->app, name, &sub);
	return WANT_REDRAW;
}

static unsigned scroll(struct view *v, enum act what)
{
	struct walk *st = v->state;
	int page = st->page > 1 ? st->page - 1 : 1;

	switch (what) {
	case ACT_DOWN:
		st->top++;
		break;
	case ACT_UP:
		st->top--;
		break;
	case ACT_PAGE_DOWN:
		st->top += page;
		break;
	case ACT_PAGE_UP:
		st->top -= page;
		break;
	case ACT_TOP:
		st->top = st->left = 0;
		break;
	case ACT_BOTTOM:
		st->top = st->height;
		break;
	default:
		return WANT_UNHANDLED;
	}
	st->top = st->top < 0 ? 0 : st->top;
	return WANT_REDRAW;
}

static unsigned back(struct view *v)
{
	struct walk *st = v->state;

	if (st->inside)
		st->inside = false;
	else if (st->whole)
		st->whole = false;
	else
		shell_go(v->shell, "runbooks");
	return WANT_REDRAW;
}

static unsigned act(struct view *v, enum act what)
{
	struct walk *st = v->state;

	if (st->inside || st->whole) {
		unsigned want = scroll(v, what);
		if (want != WANT_UNHANDLED)
			return want;
	}
	switch (what) {
	case ACT_OPEN:
		return open_row(v);
	case ACT_BACK:
		return back(v);
	case ACT_NEXT_PANE:
	case ACT_PREV_PANE:
		st->inside = !st->inside;
		return WANT_REDRAW;
	case ACT_RIGHT:
	case ACT_COLUMNS_RIGHT:
		st->left += 8;
		return WANT_REDRAW;
	case ACT_LEFT:
	case ACT_COLUMNS_LEFT:
		st->left = st->left > 8 ? st->left - 8 : 0;
		return WANT_REDRAW;
	case ACT_SORT:
	case ACT_SORT_REVERSE:
		shell_say(v->shell, ROLE_hint, "steps keep their order");
		return WANT_REDRAW;
	case ACT_PLAN_RUN:
		run_sheet(v->app);
		return WANT_REDRAW;
	case ACT_REFRESH:
		app_runs_refresh(v->app);
		return WANT_UPDATE | WANT_REDRAW;
	default:
		return WANT_UNHANDLED;
	}
}

/* For Y and w: where the run is and the step under the cursor, all of it. */
static int below(struct view *v, struct area a)
{
	const struct walk_row *r = list_selected(&v->list);
	const struct run_doc *d = app_runs_doc(v->app);
	int y;

	if (!d)
		return 0;
	/* measured without a height the head is at its shortest */
	y = draw_head(v, a, d) + (a.h ? 1 : 4);
	if (!r || !r->step)
		return y;
	area_rule(a, y++, r->step->id);
	return run_step_draw(v->app, d, r->step, a, y, 0);
}

static void enter(struct view *v)
{
	((struct walk *)v->state)->followed[0] = '\0';
}

static void close_(struct view *v)
{
	free_p(&((struct walk *)v->state)->rows);
}

static const enum act keys[] = { ACT_OPEN,     ACT_ROLLBACK,  ACT_APPROVE, ACT_REJECT, ACT_NOTE_RUN,
	                         ACT_PLAN_RUN, ACT_NEXT_PANE, ACT_BACK,    ACT_NONE };

static const enum act no_keys[] = { ACT_SORT, ACT_SORT_REVERSE, ACT_NONE }; /* an order is given */

const struct view_def view_walk = {
	.present = true,
	.name = "walk",
	.title = "Run",
	.help = "a run of a runbook, step by step (Enter on it in 6)",
	.state_size = sizeof(struct walk),
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.without = no_keys,
	.enter = enter,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.below = below,
	.close = close_,
};
