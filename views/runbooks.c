/*
 * Runbooks: open runs on top (who drives, what each waits for), then the runbooks, those
 * first that fit what is failing now, with the reason. Enter on a run walks it; on a
 * runbook it opens the preview (every step, what it changes, how that is undone), and
 * from there the start.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/runs.h"

struct book_row { /* one of both */
	const struct run *run;
	const struct runbook_row *book;
};
struct runbooks {
	struct book_row *rows;
	size_t n, cap;
	bool whole; /* the preview has the screen */
	char previewed[96];
	int top, page, height;
};
enum { ENDED_RUNS = 5 };

static const struct app *app_of(void *ctx)
{
	return ((struct view *)ctx)->app;
}

static enum role col_id(void *ctx, const void *rec, char *buf)
{
	const struct book_row *r = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", r->run ? r->run->id : r->book->id);
	return !r->run && r->book->problem ? ROLE_dim : ROLE_normal;
}

static enum role col_state(void *ctx, const void *rec, char *buf)
{
	const struct book_row *r = rec;

	(void)ctx;
	if (r->run) {
		snprintf(buf, CELL_TEXT, "%s", word_run(r->run));
		return role_run(r->run);
	}
	if (r->book->problem) {
		snprintf(buf, CELL_TEXT, "BROKEN");
		return ROLE_bad;
	}
	snprintf(buf, CELL_TEXT, "%s", r->book->suggested ? "fits" : "");
	return ROLE_count;
}

static enum role col_severity(void *ctx, const void *rec, char *buf)
{
	const struct book_row *r = rec;
	const char *s = r->run ? r->run->severity : r->book->severity;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", s ? s : "-");
	return str_eq(s, "P0") ? ROLE_bad : str_eq(s, "P1") ? ROLE_warn : ROLE_normal;
}

static enum role col_service(void *ctx, const void *rec, char *buf)
{
	const struct book_row *r = rec;

	(void)ctx;
	if (r->run)
		snprintf(buf, CELL_TEXT, "%s", r->run->driver ? r->run->driver : "NOBODY");
	else
		snprintf(buf, CELL_TEXT, "%s", r->book->service ? r->book->service : "-");
	return r->run && run_open(r->run) && !r->run->driver ? ROLE_warn : ROLE_normal;
}

static enum role col_when(void *ctx, const void *rec, char *buf)
{
	const struct book_row *r = rec;
	struct view *v = ctx;
	char t[WHEN_TEXT];

	if (r->run && run_open(r->run)) {
		int64_t span = app_now(v->app) - r->run->started_at_ms;
		snprintf(buf, CELL_TEXT, "%s%s", app_stale(v->app) ? "~" : "", when_span(t, span));
		v->ticks |= span < 86400000;
		return ROLE_count;
	}
	snprintf(buf, CELL_TEXT, "%s",
	         when_since(t, r->run ? r->run->ended_at_ms : r->book->last_run_at_ms,
	                    app_now(app_of(ctx)), shell_utc(v->shell)));
	return ROLE_dim;
}

static enum role col_changes(void *ctx, const void *rec, char *buf)
{
	const struct book_row *r = rec;

	(void)ctx;
	if (r->run) {
		snprintf(buf, CELL_TEXT, "%lld/%lld", (long long)r->run->done,
		         (long long)r->run->total);
		return ROLE_normal;
	}
	if (r->book->destroys)
		snprintf(buf, CELL_TEXT, "%lld +%lld !%lld", (long long)r->book->steps,
		         (long long)r->book->changes, (long long)r->book->destroys);
	else if (r->book->changes)
		snprintf(buf, CELL_TEXT, "%lld +%lld", (long long)r->book->steps,
		         (long long)r->book->changes);
	else
		snprintf(buf, CELL_TEXT, "%lld", (long long)r->book->steps);
	return r->book->destroys ? ROLE_warn : ROLE_normal;
}

static enum role col_what(void *ctx, const void *rec, char *buf)
{
	const struct book_row *r = rec;

	(void)ctx;
	if (!r->run) {
		snprintf(buf, CELL_TEXT, "%s",
		         r->book->problem     ? r->book->problem
		         : r->book->suggested ? r->book->suggested
		         : r->book->title     ? r->book->title
		                              : "");
		return r->book->problem ? ROLE_bad : r->book->suggested ? ROLE_count : ROLE_normal;
	}
	if (r->run->status == RUN_WAITING)
		snprintf(buf, CELL_TEXT, "%s waits for %s at %s", r->run->runbook,
		         word_wait(r->run->wait), r->run->step ? r->run->step : "?");
	else
		snprintf(buf, CELL_TEXT, "%s%s%s", r->run->runbook, r->run->step ? " at " : "",
		         r->run->step ? r->run->step : "");
	return ROLE_normal;
}

static enum role col_triggers(void *ctx, const void *rec, char *buf)
{
	const struct book_row *r = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s",
	         r->run              ? r->run->subject ? r->run->subject : ""
	         : r->book->triggers ? r->book->triggers
	                             : "");
	return ROLE_dim;
}

static const struct column columns[] = {
	{ .title = "RUNBOOK", .w = 18, .wide = 26, .text = col_id },
	{ .title = "STATE", .w = 7, .text = col_state },
	{ .title = "SEV", .w = 3, .text = col_severity, .drop = 3 },
	{ .title = "FOR/WHO", .w = 9, .wide = 13, .text = col_service, .drop = 4 },
	{ .title = "WHAT, WHY", .w = 34, .grow = true, .text = col_what, .drop = 1 },
	{ .title = "STEPS", .w = 8, .wide = 10, .align = 1, .text = col_changes, .drop = 2 },
	{ .title = "LAST", .w = 9, .align = 1, .text = col_when, .drop = 5 },
	{ .title = "TRIGGER", .w = 20, .wide = 60, .text = col_triggers, .drop = 6 },
};

static void add(struct runbooks *st, struct book_row row)
{
	st->rows = grow(st->rows, &st->cap, st->n + 1, sizeof(*st->rows));
	st->rows[st->n++] = row;
}

static void update(struct view *v)
{
	struct runbooks *st = v->state;
	const struct runbook_row *books;
	const struct run *runs;
	size_t n_books, n_runs;
	int ended = 0;

	app_runs_update(v->app);
	n_books = app_runs_books(v->app, &books);
	n_runs = app_runs_list(v->app, &runs);
	st->n = 0;
	for (size_t i = 0; i < n_runs; i++)
		if (run_open(&runs[i]))
			add(st, (struct book_row){ .run = &runs[i] });
	for (int suggested = 1; suggested >= 0; suggested--)
		for (size_t i = 0; i < n_books; i++)
			if ((books[i].suggested != NULL) == (suggested == 1))
				add(st, (struct book_row){ .book = &books[i] });
	for (size_t i = 0; i < n_runs && ended < ENDED_RUNS; i++)
		if (!run_open(&runs[i])) {
			add(st, (struct book_row){ .run = &runs[i] });
			ended++;
		}
	list_begin(&v->list);
	for (size_t i = 0; i < st->n; i++)
		list_add(&v->list, &st->rows[i],
		         st->rows[i].run ? st->rows[i].run->id : st->rows[i].book->id);
	list_end(&v->list);
}

/* ---- the row in short ---- */

static int line(struct area a, int y, const char *label, enum role role, const char *text)
{
	if (str_empty(text))
		return y;
	area_text(a, 1, y, ROLE_label, label);
	return area_wrap(a, 10, y, a.w - 11, role, text);
}

static void draw_book(struct view *v, struct area a, const struct runbook_row *b)
{
	char text[200], when[WHEN_TEXT];
	int y = 1;

	area_rule(a, 0, b->id);
	y = line(a, y, "WHAT", ROLE_normal, b->title);
	y = line(a, y, "BROKEN", ROLE_bad, b->problem);
	y = line(a, y, "FITS", ROLE_count, b->suggested);
	snprintf(text, sizeof(text),
	         "%lld steps in %lld phases; %lld change something, %lld destroy",
	         (long long)b->steps, (long long)b->phases, (long long)b->changes,
	         (long long)b->destroys);
	y = line(a, y, "STEPS", b->destroys ? ROLE_warn : ROLE_normal, text);
	y = line(a, y, "WHEN", ROLE_normal, b->triggers);
	snprintf(text, sizeof(text), "%s",
	         b->last_run_at_ms
	                 ? when_since(when, b->last_run_at_ms, app_now(v->app), shell_utc(v->shell))
	                 : "never");
	y = line(a, y, "LAST RUN", ROLE_dim, text);
	if (!b->problem)
		line(a, y, "", ROLE_hint, "Enter shows every step first; nothing starts by that");
}

static void draw_run(struct view *v, struct area a, const struct run *r)
{
	char text[240], clock[WHEN_TEXT], others[120];
	int y = 1;

	area_rule(a, 0, r->id);
	y = line(a, y, "WHAT", ROLE_normal, r->title ? r->title : r->runbook);
	y = line(a, y, "FOR", ROLE_normal, r->subject);
	snprintf(text, sizeof(text), "%s%s%s%s%.100s", word_run(r),
	         r->status == RUN_WAITING ? " for " : "",
	         r->status == RUN_WAITING ? word_wait(r->wait) : "", r->wait_text ? ": " : "",
	         r->wait_text ? r->wait_text : "");
	y = line(a, y, "STATE", role_run(r), text);
	run_watchers(v->app, r, others, sizeof(others));
	snprintf(text, sizeof(text), "%s%s%s%s%s", r->driver ? r->driver : "nobody",
	         app_runs_is_me(v->app, r->driver) ? " (you)" : "",
	         others[0] ? "; looking on: " : "", others,
	         run_open(r) && !r->driver ? " drives: Enter, then Enter takes it" : "");
	y = line(a, y, "DRIVES", r->driver ? ROLE_normal : ROLE_warn, text);
	snprintf(text, sizeof(text), "%s by %s, %lld of %lld steps%s",
	         when_clock(clock, r->started_at_ms, shell_utc(v->shell)),
	         r->started_by ? r->started_by : "?", (long long)r->done, (long long)r->total,
	         r->holds ? "; holds are out" : "");
	line(a, y, "STARTED", r->holds ? ROLE_warn : ROLE_normal, text);
}

/* ---- the preview ---- */

static int draw_params(struct area a, int y, const struct run_doc *d)
{
	char text[300];

	for (size_t i = 0; i < d->n_params; i++) {
		const struct run_param *p = &d->params[i];
		if (strchr(p->name, '/'))
			continue; /* of a runbook that it calls */
		snprintf(text, sizeof(text), "%s (%s)  %s%s%s", p->name, p->type ? p->type : "text",
		         p->set        ? "= "
		         : p->at_start ? "asked for at the start"
		                       : "asked for when it is needed",
		         p->set ? p->secret  ? "***"
		                  : p->value ? p->value
		                             : ""
		                : "",
		         p->help ? "  " : "");
		y = line(a, y, i ? "" : "PARAMS", p->at_start && !p->set ? ROLE_count : ROLE_normal,
		         text);
		y = line(a, y, "", ROLE_dim, p->help);
	}
	return y;
}

static int draw_step(struct area a, int y, const struct run_step *s)
{
	bool change = !str_eq(s->effect, "read");
	int x = 3 + 2 * (int)(s->depth < 8 ? s->depth : 8);
	int at = area_text(a, x, y, ROLE_normal, s->id);

	at = area_textf(a, at + 2, y, ROLE_dim, "%s", s->verb ? s->verb : "");
	if (change && s->effect &&
	    (s->effect[0] == 'c' || s->effect[0] == 'd' || s->effect[0] == 'u'))
		at = area_text(a, at + 2, y, s->effect[0] == 'c' ? ROLE_warn : ROLE_bad,
		               s->effect[0] == 'c'   ? "CHANGE"
		               : s->effect[0] == 'd' ? "DESTROY"
		                                     : "UNKNOWN EFFECT");
	if (s->optional)
		at = area_text(a, at + 2, y, ROLE_dim, "optional");
	if (!str_empty(s->hold))
		area_textf(a, at + 2, y, ROLE_warn, "hold %.40s", s->hold);
	y++;
	if (s->title && !str_eq(s->title, s->id))
		y = area_wrap(a, x + 2, y, a.w - x - 3, ROLE_normal, s->title);
	if (!str_empty(s->command))
		y = area_wrap(a, x + 2, y, a.w - x - 3, ROLE_dim, s->command);
	if (!str_empty(s->undo)) {
		area_text(a, x + 2, y, ROLE_label, "undo");
		y = area_wrap(a, x + 7, y, a.w - x - 8, ROLE_dim, s->undo);
	}
	return y;
}

static int draw_outline(struct area a, int y, const struct outline *o)
{
	const struct run_doc *d = &o->doc;
	size_t step = 0;
	char box[80], from[24], to[24];

	for (size_t i = 0; i < o->n_symptoms; i++)
		y = line(a, y, i ? "" : "SYMPTOMS", ROLE_normal, o->symptoms[i]);
	for (size_t i = 0; i < d->n_never; i++)
		y = line(a, y, i ? "" : "NEVER", ROLE_warn, d->never[i]);
	y = draw_params(a, y, d);
	for (size_t p = 0; p < d->n_phases; p++) {
		const struct run_phase *ph = &d->phases[p];
		format_duration(from, sizeof(from), ph->box_from_ms);
		format_duration(to, sizeof(to), ph->box_to_ms);
		snprintf(box, sizeof(box), "%.40s%s%s%s%s", ph->name, ph->box_to_ms ? "  " : "",
		         ph->box_to_ms ? ph->box_from_ms ? from : "0m" : "",
		         ph->box_to_ms ? " to " : "", ph->box_to_ms ? to : "");
		area_text(a, 1, y++, ROLE_title, box);
		while (step < d->n_steps && str_eq(d->steps[step].phase, ph->name))
			y = draw_step(a, y, &d->steps[step++]);
	}
	for (size_t i = 0; i < d->n_checklist; i++)
		y = line(a, y, i ? "" : "AFTER", ROLE_normal, d->checklist[i]);
	return y;
}

static void draw_preview(struct view *v, struct area a, const struct runbook_row *b)
{
	struct runbooks *st = v->state;
	const struct outline *o = app_runs_outline(v->app);
	struct area in = area_sub(a, 0, 2, a.w, a.h - 2);
	char title[200];

	snprintf(title, sizeof(title), "%.60s  %.80s", b->id, b->title ? b->title : "");
	area_rule(a, 0, title);
	area_field(
	        a, 1, 1, a.w - 2, 0, ROLE_hint,
	        "nothing runs yet   Enter starts it   . dry run, drill   PgDn reads on   q back");
	if (!o) {
		area_wrap(in, 1, 0, in.w - 2,
		          app_runs_outline_problem(v->app)[0] ? ROLE_warn : ROLE_dim,
		          app_runs_outline_problem(v->app)[0]
		                  ? app_runs_outline_problem(v->app)
		                  : "asking the engine for its steps ..");
		return;
	}
	st->page = in.h;
	st->height = draw_outline(area_sub(in, 0, 0, in.w, 0), 0, o);
	if (st->top > st->height - in.h)
		st->top = st->height > in.h ? st->height - in.h : 0;
	draw_outline(in, -st->top, o);
	area_cursor(a, 0, 1);
}

static void draw(struct view *v, struct area a)
{
	struct runbooks *st = v->state;
	const struct book_row *r = list_selected(&v->list);
	struct area list = a, detail = area_sub(a, 0, 0, 0, 0);
	char title[80], as_of[80];

	if (st->whole && r && r->book) {
		draw_preview(v, a, r->book);
		return;
	}
	if (a.w >= 150) {
		list = area_sub(a, 0, 0, a.w * 3 / 5, a.h);
		detail = area_sub(a, list.w + 2, 0, a.w - list.w - 2, a.h);
	} else if (a.h >= 16) {
		list = area_sub(a, 0, 0, a.w, a.h - 8);
		detail = area_sub(a, 0, a.h - 8, a.w, 8);
	}
	app_as_of(v->app, as_of);
	snprintf(title, sizeof(title), "RUNBOOKS %zu%s", st->n, as_of[0] ? " ~" : "");
	list_draw(&v->list, list, title, true);
	if (app_runs_problem(v->app)[0])
		area_field(list, 1, v->list.total ? list.h - 1 : 1, list.w - 2, 0, ROLE_warn,
		           app_runs_problem(v->app));
	else if (!v->list.total)
		area_text(list, 1, 1, ROLE_dim,
		          v->list.filter[0] ? "no runbook or run matches the filter"
		          : app_runs_loading(v->app)
		                  ? "asking the engine for its runbooks .."
		                  : "no runbook: the engine has none in runbooks.dir");
	if (r && detail.h > 2 && r->run)
		draw_run(v, detail, r->run);
	else if (r && detail.h > 2 && r->book)
		draw_book(v, detail, r->book);
}

/* ---- keys ---- */

static bool subject(struct view *v, struct subject *ret)
{
	const struct book_row *r = list_selected(&v->list);

	if (!r)
		return false;
	if (r->run)
		run_subject(r->run, NULL, ret);
	else
		runbook_subject(r->book, ret);
	return true;
}

static unsigned open_row(struct view *v)
{
	struct runbooks *st = v->state;
	const struct book_row *r = list_selected(&v->list);
	struct subject sub;

	if (!r)
		return WANT_REDRAW;
	if (r->run) {
		app_runs_watch(v->app, r->run->id);
		shell_go(v->shell, "walk");
	} else if (st->whole) {
		subject(v, &sub);
		app_act(v->app, "runbook-start", &sub);
	} else {
		struct app *a = v->app;
		a->about[0] = '\0'; /* from here it is about no row */
		a->n_offers = 0;
		st->whole = true;
		st->top = 0;
		app_runs_preview(v->app, r->book->id);
	}
	return WANT_UPDATE | WANT_REDRAW;
}

static unsigned scroll(struct runbooks *st, enum act what)
{
	int page = st->page > 1 ? st->page - 1 : 1;

	switch (what) {
	case ACT_DOWN:
	case ACT_UP:
		st->top += what == ACT_DOWN ? 1 : -1;
		break;
	case ACT_PAGE_DOWN:
	case ACT_PAGE_UP:
		st->top += what == ACT_PAGE_DOWN ? page : -page;
		break;
	case ACT_TOP:
		st->top = 0;
		break;
	case ACT_BOTTOM:
		st->top = 100000; /* draw knows where the end is */
		break;
	default:
		return WANT_UNHANDLED;
	}
	st->top = st->top < 0 ? 0 : st->top;
	return WANT_REDRAW;
}

static unsigned act(struct view *v, enum act what)
{
	struct runbooks *st = v->state;

	if (st->whole) {
		unsigned want = scroll(st, what);
		if (want != WANT_UNHANDLED)
			return want;
	}
	switch (what) {
	case ACT_OPEN:
		return open_row(v);
	case ACT_BACK:
		if (!st->whole)
			return WANT_UNHANDLED;
		st->whole = false;
		return WANT_REDRAW;
	case ACT_REFRESH:
		app_runs_refresh(v->app);
		return WANT_UPDATE | WANT_REDRAW;
	default:
		return WANT_UNHANDLED;
	}
}

/* For Y and w: the steps of what is looked at. */
static int below(struct view *v, struct area a)
{
	const struct outline *o = app_runs_outline(v->app);

	return ((struct runbooks *)v->state)->whole && o ? draw_outline(a, 1, o) : 0;
}

/* From a row of another view: the preview of that runbook. */
void runbooks_show(struct app *a, const char *id)
{
	struct view *v = shell_find_view(a->shell, "runbooks");
	struct runbooks *st = v->state;

	shell_go(a->shell, "runbooks");
	st->whole = true;
	st->top = 0;
	list_set_filter(&v->list, "");
	snprintf(v->list.key, sizeof(v->list.key), "%s", id);
	app_runs_preview(a, id);
}

/* It has begun: the way back leads to the list, where the run stands on top. */
void runbooks_leave(struct app *a)
{
	struct view *v = shell_opened_view(a->shell, "runbooks");

	if (!v)
		return;
	((struct runbooks *)v->state)->whole = false;
	v->list.key[0] = '\0';
	v->list.cursor = v->list.top = 0;
}

/* Its key shows the list. */
static void enter(struct view *v)
{
	((struct runbooks *)v->state)->whole = false;
}

static void close_(struct view *v)
{
	free_p(&((struct runbooks *)v->state)->rows);
}

static const enum act keys[] = { ACT_OPEN, ACT_FILTER, ACT_SORT, ACT_BACK, ACT_NONE };

const struct view_def view_runbooks = {
	.present = true,
	.name = "runbooks",
	.title = "Runbooks",
	.key = '6',
	.help = "open runs and runbooks, what fits now first; Enter previews, again starts",
	.state_size = sizeof(struct runbooks),
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.enter = enter,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.below = below,
	.close = close_,
};
