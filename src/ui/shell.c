/*
 * The shell's core: life, views, painting. Invariant: input, data and time only mark what
 * is due; compose and paint happen in one place (paint_now), never inside a callback of
 * the terminal or the client. What keys do is in shell_keys.c, what is around the view
 * in shell_frame.c.
 */
#include "ui/shell.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "ui/shell_priv.h"

#define FRAME_MS 33
#define FIRST_FRAME_MS 45 /* the first picture stands that long before data replaces it */
#define BELL_MS 10000

static void paint_now(struct shell *s);

static void on_paint_timer(struct timer *t)
{
	struct shell *s = t->user;

	s->data_painted_ms = loop_now_ms(s->loop);
	paint_now(s);
}

static void on_deferred(void *arg)
{
	struct shell *s = arg;
	int64_t since;

	s->deferred = false;
	if (s->freed) { /* was waiting for this call */
		free_p(&s);
		return;
	}
	since = loop_now_ms(s->loop) - s->data_painted_ms;
	if (s->urgent || since >= FRAME_MS) {
		s->data_painted_ms = loop_now_ms(s->loop);
		paint_now(s);
	} else if (!timer_active(&s->paint_timer)) /* data comes faster than eyes read */
		timer_start(s->loop, &s->paint_timer, FRAME_MS - since, on_paint_timer);
}

void shell_redraw(struct shell *s)
{
	s->dirty = true;
	if (s->deferred || s->over || !s->term)
		return;
	s->deferred = true;
	loop_defer(s->loop, on_deferred, s);
}

void shell_changed(struct shell *s)
{
	s->stale_rows = true;
	shell_redraw(s);
}

static struct view *front(struct shell *s)
{
	return &s->views[s->front];
}

static void view_open(struct shell *s, struct view *v)
{
	if (v->opened)
		return;
	v->opened = true;
	v->state = xcalloc(1, v->def->state_size + 1);
	if (v->def->columns)
		list_init(&v->list, v->def->columns, v->def->n_columns, v);
	if (v->def->open)
		v->def->open(v);
	s->stale_rows = true;
}

static void tell_presence(struct shell *s)
{
	struct subject sub = { 0 };
	char at[sizeof(s->looking_at)];

	shell_subject(s, &sub);
	snprintf(at, sizeof(at), "%s", sub.id[0] ? sub.id : front(s)->def->name);
	if (str_eq(at, s->looking_at) && s->told_dialog == dialog_is_open(&s->dialog))
		return;
	snprintf(s->looking_at, sizeof(s->looking_at), "%s", at);
	s->told_dialog = dialog_is_open(&s->dialog);
	if (s->app.presence && s->started)
		s->app.presence(s->app.ctx, s->looking_at, s->told_dialog);
}

void shell_catch_up(struct shell *s)
{
	struct view *v = front(s);

	view_open(s, v);
	if (s->stale_rows) {
		s->stale_rows = false;
		if (!s->header.past[0] || !v->def->present)
			v->def->update(v);
	}
}

static void compose(struct shell *s)
{
	struct header h = { 0 };

	s->app.header(s->app.ctx, &h);
	s->header = h;
	shell_catch_up(s);
	dialog_update(&s->dialog);
	shell_compose(s);
}

static void painted(struct shell *s)
{
	s->painted_ms = loop_now_ms(s->loop);
	s->dirty = false;
	s->urgent = false;
	dialog_painted(&s->dialog, s->painted_ms);
	form_painted(&s->form, s->painted_ms);
	if (!s->started) {
		s->started = true;
		s->data_painted_ms = s->painted_ms + FIRST_FRAME_MS - FRAME_MS;
		if (s->app.started)
			s->app.started(s->app.ctx);
	}
	tell_presence(s);
}

static void paint_now(struct shell *s)
{
	timer_stop(&s->paint_timer);
	if (s->over || s->plain || !s->term)
		return;
	compose(s);
	if (term_paint(s->term, &s->cells))
		painted(s);
}

const struct cells *shell_frame(struct shell *s)
{
	compose(s);
	return &s->cells;
}

/* ---- the terminal's events ---------------------------------------------------------- */

static void arm_esc(struct shell *s);

static void on_esc_timer(struct timer *t)
{
	struct shell *s = t->user;

	keys_timeout(&s->keys, loop_now_ms(s->loop));
	if (!s->over)
		arm_esc(s);
}

static void arm_esc(struct shell *s)
{
	int64_t at = keys_wake_ms(&s->keys);

	timer_stop(&s->esc_timer);
	if (at >= 0) {
		int64_t in = at - loop_now_ms(s->loop);
		timer_start(s->loop, &s->esc_timer, in > 0 ? in : 0, on_esc_timer);
	}
}

static void on_input(void *ctx, const char *bytes, size_t n)
{
	struct shell *s = ctx;

	if (s->plain) { /* any key comes back from the normal screen */
		s->plain = false;
		keys_reset(&s->keys);
		term_return(s->term);
		return;
	}
	s->urgent = true;
	shell_catch_up(s);
	keys_feed(&s->keys, bytes, n, loop_now_ms(s->loop));
	if (s->over)
		return;
	arm_esc(s);
	shell_redraw(s);
}

static void on_resized(void *ctx)
{
	struct shell *s = ctx;

	cells_resize(&s->cells, term_width(s->term), term_height(s->term));
	s->urgent = true;
	shell_redraw(s);
}

static void on_drained(void *ctx)
{
	struct shell *s = ctx;

	if (s->dirty)
		paint_now(s);
}

static void on_gone(void *ctx, int signum)
{
	struct shell *s = ctx;

	(void)signum;
	dialog_close(&s->dialog); /* No */
	shell_quit(s);
}

static const struct term_events term_events = {
	.input = on_input,
	.resized = on_resized,
	.drained = on_drained,
	.gone = on_gone,
};

static void on_tick(struct timer *t)
{
	struct shell *s = t->user;
	int64_t wall = s->header.now_ms > 0 ? s->header.now_ms : loop_wall_ms(s->loop);

	shell_redraw(s);
	/* a little after the full second of the clock that is shown */
	wall += loop_now_ms(s->loop) - s->painted_ms;
	timer_start(s->loop, t, 1000 - wall % 1000 + 2, on_tick);
}

/* ---- life ------------------------------------------------------------------------------ */

static void add_views(struct shell *s)
{
	for (size_t i = 0; i < SHELL_VIEWS && s->app.views[i]; i++) {
		s->views[i] =
		        (struct view){ .def = s->app.views[i], .shell = s, .app = s->app.ctx };
		s->n_views++;
	}
}

static struct shell *shell_make(struct loop *l, const struct shell_options *o,
                                const struct shell_app *app)
{
	struct shell *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->app = *app;
	s->utc = o->utc;
	s->bell_on = true;
	s->stale_rows = true;
	s->esc_timer = s->tick_timer = s->paint_timer = TIMER_INIT;
	s->esc_timer.user = s->tick_timer.user = s->paint_timer.user = s;
	snprintf(s->theme_dir, sizeof(s->theme_dir), "%s", o->theme_dir ? o->theme_dir : "");
	snprintf(s->quit_note, sizeof(s->quit_note), "%s", o->quit_note ? o->quit_note : "");
	keys_init(&s->keys, &shell_keys_events, s);
	cells_init(&s->cells);
	theme_init(&s->theme);
	add_views(s);
	return s;
}

static int find_view(const struct shell *s, const char *name)
{
	for (size_t i = 0; i < s->n_views; i++)
		if (str_eq(s->views[i].def->name, name))
			return (int)i;
	return -1;
}

static int first_view(struct shell *s, const struct shell_options *o, struct err *err)
{
	const char *names[SHELL_VIEWS];
	const char *near;
	int i = o->view ? find_view(s, o->view) : 0;

	if (i >= 0) {
		s->front = s->last = (size_t)i;
		return 0;
	}
	for (size_t k = 0; k < s->n_views; k++)
		names[k] = s->views[k].def->name;
	near = str_nearest(o->view, names, s->n_views);
	return err_set(err, ERR_INVALID, "no view '%s'%s%s%s", o->view,
	               near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int shell_new(struct loop *l, const struct shell_options *o, const struct shell_app *app,
              struct shell **ret, struct err *err)
{
	struct shell *s = shell_make(l, o, app);
	int r;

	r = first_view(s, o, err);
	if (!r)
		r = theme_load(&s->theme, o->theme ? o->theme : "dark",
		               s->theme_dir[0] ? s->theme_dir : NULL, err);
	if (!r)
		r = term_open(l, &o->term, &term_events, s, &s->term, err);
	if (r) {
		shell_free(s);
		return r;
	}
	term_set_theme(s->term, &s->theme);
	s->cells.ascii = term_ascii(s->term);
	cells_resize(&s->cells, term_width(s->term), term_height(s->term));
	*ret = s; /* the first frame asks the views, and they ask for the shell */
	paint_now(s);
	timer_start(l, &s->tick_timer, 1000 - loop_wall_ms(l) % 1000 + 2, on_tick);
	return 0;
}

struct shell *shell_new_headless(struct loop *l, const struct shell_options *o,
                                 const struct shell_app *app, int w, int h, bool ascii)
{
	struct shell *s = shell_make(l, o, app);
	struct err err;

	if (first_view(s, o, &err)) {
		shell_free(s);
		return NULL;
	}
	s->cells.ascii = ascii;
	cells_resize(&s->cells, w, h);
	return s;
}

void shell_free(struct shell *s)
{
	if (!s)
		return;
	s->over = true;
	term_close(TAKE(s->term));
	timer_stop(&s->esc_timer);
	timer_stop(&s->tick_timer);
	timer_stop(&s->paint_timer);
	dialog_fini(&s->dialog);
	sheet_close(&s->sheet);
	form_close(&s->form);
	for (size_t i = 0; i < s->n_views; i++) {
		if (!s->views[i].opened)
			continue;
		if (s->views[i].def->close)
			s->views[i].def->close(&s->views[i]);
		list_fini(&s->views[i].list);
		free_p(&s->views[i].state);
	}
	cells_fini(&s->cells);
	s->freed = true;
	if (!s->deferred)
		free_p(&s);
}

bool shell_go(struct shell *s, const char *view)
{
	int i = find_view(s, view);

	if (i < 0)
		return false;
	if ((size_t)i != s->front)
		s->last = s->front;
	s->front = (size_t)i;
	view_open(s, front(s));
	if (front(s)->def->enter)
		front(s)->def->enter(front(s));
	s->stale_rows = true;
	shell_redraw(s);
	return true;
}

void shell_say(struct shell *s, enum role role, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->message, sizeof(s->message), fmt, ap);
	va_end(ap);
	s->message_role = role;
	shell_redraw(s);
}

void shell_alarm(struct shell *s, const char *key)
{
	uint64_t h = hash_add_text(HASH_START, key);
	int64_t now = loop_now_ms(s->loop);

	for (size_t i = 0; i < s->n_alarms && i < SHELL_ALARMS; i++)
		if (s->alarms[i] == h)
			return;
	s->alarms[s->n_alarms++ % SHELL_ALARMS] = h;
	if (!s->bell_on || !s->term || (s->belled_ms && now - s->belled_ms < BELL_MS))
		return;
	s->belled_ms = now;
	term_bell(s->term);
}

struct view *shell_view(struct shell *s)
{
	return front(s);
}

struct view *shell_find_view(struct shell *s, const char *name)
{
	int i = find_view(s, name);

	if (i < 0)
		return NULL;
	view_open(s, &s->views[i]);
	return &s->views[i];
}

struct view *shell_opened_view(struct shell *s, const char *name)
{
	int i = find_view(s, name);

	return i >= 0 && s->views[i].opened ? &s->views[i] : NULL;
}

struct dialog *shell_dialog(struct shell *s)
{
	return &s->dialog;
}

struct sheet *shell_sheet(struct shell *s)
{
	return &s->sheet;
}

struct form *shell_form(struct shell *s)
{
	return &s->form;
}

const struct header *shell_header(const struct shell *s)
{
	return &s->header;
}

bool shell_utc(const struct shell *s)
{
	return s->utc;
}

bool shell_ascii(const struct shell *s)
{
	return s->cells.ascii;
}

struct loop *shell_loop(const struct shell *s)
{
	return s->loop;
}

int shell_width(const struct shell *s)
{
	return s->cells.w;
}

void shell_ask(struct shell *s, const char *label, const char *preset, bool hidden,
               void (*done)(void *ctx, const char *text), void *ctx)
{
	s->prompt = PROMPT_ASK;
	snprintf(s->ask_label, sizeof(s->ask_label), "%s", label);
	s->field = (struct field_edit){ .hidden = hidden };
	field_set(&s->field, preset);
	s->ask_done = done;
	s->ask_ctx = ctx;
	shell_redraw(s);
}
