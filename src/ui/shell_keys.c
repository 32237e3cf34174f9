/*
 * What keys do. Order: dialog, sheet, prompt, then the view's own meaning, then the
 * general one. Invariant: a paste goes to a field or nowhere, and a change key only ever
 * opens a dialog.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "ui/shell_priv.h"

static struct view *front(struct shell *s)
{
	return &s->views[s->front];
}

bool shell_subject(struct shell *s, struct subject *ret)
{
	struct view *v = front(s);

	*ret = (struct subject){ 0 };
	return v->opened && v->def->subject && v->def->subject(v, ret);
}

void shell_quit(struct shell *s)
{
	if (s->over)
		return;
	s->over = true;
	timer_stop(&s->tick_timer);
	timer_stop(&s->esc_timer);
	timer_stop(&s->paint_timer);
	if (s->app.quit)
		s->app.quit(s->app.ctx);
}

static void quit_chosen(void *ctx, const char *value)
{
	if (str_eq(value, "yes"))
		shell_quit(ctx);
}

static void ask_quit(struct shell *s)
{
	if (!s->quit_note[0]) {
		shell_quit(s);
		return;
	}
	sheet_open(&s->sheet, "QUIT", quit_chosen, s);
	sheet_line(&s->sheet, ROLE_normal, "%s", s->quit_note);
	sheet_choice(&s->sheet, 'n', "no", "stay");
	sheet_choice(&s->sheet, 'y', "yes", "quit");
}

/* ---- help ------------------------------------------------------------------------------ */

static bool without(const struct view_def *def, enum act act)
{
	for (const enum act *a = def->without; a && *a != ACT_NONE; a++)
		if (*a == act)
			return true;
	return false;
}

void shell_help(struct shell *s)
{
	const struct view_def *def = front(s)->def;
	size_t n;
	const struct binding *rows = binding_rows(&n);
	char keys[64], buf[16];
	int group = -1;

	sheet_open(&s->sheet, "HELP", NULL, s);
	sheet_line(&s->sheet, ROLE_normal, "%s: %s", def->title, def->help);
	for (size_t i = 0; i < n; i++) {
		const struct binding *b = &rows[i];
		if (binding_find(b->keys[0], def->name) != b->act || without(def, b->act))
			continue;
		if ((int)b->group != group) {
			group = (int)b->group;
			sheet_line(&s->sheet, ROLE_title, "%s", group_title(b->group));
		}
		keys[0] = '\0';
		for (size_t k = 0; k < COUNT_OF(b->keys) && b->keys[k]; k++)
			if (binding_find(b->keys[k], def->name) == b->act)
				snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "%s%s",
				         k ? " " : "", key_name(b->keys[k], buf));
		sheet_line(&s->sheet, ROLE_normal, "  %-14s %s%s", keys, b->help,
		           b->group == GROUP_CHANGE ? " (asks first)" : "");
	}
	sheet_line(&s->sheet, ROLE_title, "views");
	for (size_t i = 0; i < s->n_views; i++)
		sheet_line(&s->sheet, ROLE_normal, "  %c              %s: %s",
		           s->views[i].def->key ? s->views[i].def->key : ' ',
		           s->views[i].def->title, s->views[i].def->help);
}

/* ---- action menu -------------------------------------------------------------------------- */

static void action_chosen(void *ctx, const char *value)
{
	struct shell *s = ctx;
	struct subject sub;

	shell_subject(s, &sub);
	s->app.act(s->app.ctx, value, &sub);
	shell_redraw(s);
}

static void open_menu(struct shell *s)
{
	struct shell_action acts[64];
	struct subject sub;
	size_t n;
	char title[128];

	shell_subject(s, &sub);
	n = s->app.actions ? s->app.actions(s->app.ctx, &sub, acts, COUNT_OF(acts)) : 0;
	snprintf(title, sizeof(title), "ACTIONS %s", sub.title);
	sheet_open(&s->sheet, title, action_chosen, s);
	for (size_t i = 0; i < n; i++)
		if (!acts[i].why_not[0])
			sheet_choice(&s->sheet, acts[i].key, acts[i].name, "%s", acts[i].label);
	for (size_t i = 0; i < n; i++)
		if (acts[i].why_not[0])
			sheet_line(&s->sheet, ROLE_dim, "   %s: not now, %s", acts[i].label,
			           acts[i].why_not);
	if (!n)
		sheet_line(&s->sheet, ROLE_dim, "nothing can be done with this row");
}

static void run_action(struct shell *s, const struct binding *b)
{
	struct subject sub;

	shell_subject(s, &sub);
	if (s->header.read_only && b->group == GROUP_CHANGE) {
		shell_say(s, ROLE_warn, "this console is read-only (--read-only); as a command: %s",
		          sub.command);
		return;
	}
	if (s->app.act)
		s->app.act(s->app.ctx, b->action, &sub);
}

/* ---- acts ----------------------------------------------------------------------------------- */

static void go_back(struct shell *s)
{
	struct view *v = front(s);

	if (s->message[0]) {
		s->message[0] = '\0';
		return;
	}
	if (v->def->columns && v->list.filter[0]) {
		list_set_filter(&v->list, "");
		s->stale_rows = true;
		return;
	}
	if (s->front != 0) {
		size_t was = s->front;
		shell_go(s, s->views[0].def->name);
		s->last = was;
		return;
	}
	/* ESC may be the head of a sequence on a slow line: it never quits */
	if (s->by_esc)
		shell_say(s, ROLE_hint, "q quits");
	else
		ask_quit(s);
}

static void freeze(struct shell *s)
{
	s->frozen = !s->frozen;
	if (s->app.freeze)
		s->app.freeze(s->app.ctx, s->frozen);
	s->stale_rows = true;
	shell_say(s, ROLE_hint, s->frozen ? "the picture is held; z goes on" : "live again");
}

static bool general(struct shell *s, enum act act)
{
	switch (act) {
	case ACT_BACK:
		go_back(s);
		return true;
	case ACT_QUIT:
		shell_quit(s);
		return true;
	case ACT_SUSPEND:
		term_suspend(s->term);
		return true;
	case ACT_HELP:
		shell_help(s);
		return true;
	case ACT_MENU:
		open_menu(s);
		return true;
	case ACT_LAST_VIEW:
		shell_go(s, s->views[s->last].def->name);
		return true;
	case ACT_FREEZE:
		freeze(s);
		return true;
	case ACT_COPY:
		shell_copy_menu(s);
		return true;
	case ACT_PLAIN:
		shell_plain(s);
		return true;
	case ACT_WRITE:
		shell_write(s, NULL);
		return true;
	case ACT_SHOW_COMMAND:
		shell_show_command(s);
		return true;
	case ACT_REPAINT:
		if (s->term)
			term_forget(s->term);
		return true;
	case ACT_REFRESH:
		s->app.refresh(s->app.ctx);
		s->stale_rows = true;
		return true;
	case ACT_COMMAND_LINE:
	case ACT_FILTER:
		if (act == ACT_FILTER && !front(s)->def->columns) {
			shell_say(s, ROLE_hint, "nothing to filter in this view");
			return true;
		}
		s->prompt = act == ACT_FILTER ? PROMPT_FILTER : PROMPT_COMMAND;
		s->field = (struct field_edit){ 0 };
		s->complete_stem[0] = '\0';
		s->history_at = s->n_history;
		if (act == ACT_FILTER)
			field_set(&s->field, front(s)->list.filter);
		return true;
	case ACT_UNREAD:
		sheet_open(&s->sheet, "UNREAD", NULL, s);
		if (s->app.unread)
			s->app.unread(s->app.ctx, &s->sheet);
		return true;
	default:
		return false;
	}
}

void shell_do(struct shell *s, enum act act)
{
	struct view *v = front(s);
	const struct binding *b = binding_of(act);
	unsigned want = v->opened && v->def->act ? v->def->act(v, act) : WANT_UNHANDLED;

	if (want & WANT_UPDATE)
		s->stale_rows = true;
	if (want & WANT_BACK)
		go_back(s);
	if (!(want & WANT_UNHANDLED))
		return;
	if (general(s, act))
		return;
	if (b && b->action) {
		run_action(s, b);
		return;
	}
	if (v->def->columns && list_act(&v->list, act)) {
		s->stale_rows |= v->list.changed || v->list.windowed;
		if (!v->list.windowed)
			v->list.changed = false;
		if ((act == ACT_SORT || act == ACT_SORT_REVERSE))
			shell_say(s, ROLE_hint, "sorted by %s%s",
			          v->list.sort < 0 ? "importance"
			                           : v->list.columns[v->list.sort].title,
			          v->list.reverse ? ", reversed" : "");
	}
}

/* ---- prompts --------------------------------------------------------------------------------- */

static void prompt_end(struct shell *s, bool enter)
{
	enum prompt was = s->prompt;
	char line[sizeof(s->field.text)];
	void (*done)(void *, const char *) = TAKE(s->ask_done);

	snprintf(line, sizeof(line), "%s", s->field.text);
	s->prompt = PROMPT_NONE;
	explicit_bzero(s->field.text, sizeof(s->field.text));
	if (was == PROMPT_ASK && done)
		done(s->ask_ctx, enter ? line : NULL);
	else if (was == PROMPT_COMMAND && enter)
		shell_command(s, line);
	else if (was == PROMPT_FILTER && !enter)
		list_set_filter(&front(s)->list, "");
	s->stale_rows = true;
	explicit_bzero(line, sizeof(line));
}

static void history_move(struct shell *s, int by)
{
	int to = s->history_at + by;

	if (s->prompt != PROMPT_COMMAND || to < 0 || to > s->n_history)
		return;
	s->history_at = to;
	field_set(&s->field, to < s->n_history ? s->history[to] : "");
}

static const char *word_at(struct shell *s, size_t i)
{
	static const char *const own[] = { "quit",   "help",  "theme ", "bell off", "bell on",
		                           "write ", "plain", "utc",    "local",    "ascii" };

	if (i < COUNT_OF(own))
		return own[i];
	i -= COUNT_OF(own);
	if (i < s->n_views)
		return s->views[i].def->name;
	return s->app.word ? s->app.word(s->app.ctx, i - s->n_views) : NULL;
}

static void complete(struct shell *s)
{
	const char *w;

	if (!s->complete_stem[0] && s->field.len < sizeof(s->complete_stem)) {
		snprintf(s->complete_stem, sizeof(s->complete_stem), "%.*s",
		         (int)sizeof(s->complete_stem) - 1, s->field.text);
		s->complete_i = 0;
	}
	for (int round = 0; round < 2; round++) {
		while ((w = word_at(s, s->complete_i))) {
			s->complete_i++;
			if (str_has_prefix(w, s->complete_stem)) {
				field_set(&s->field, w);
				return;
			}
		}
		s->complete_i = 0;
	}
}

static void prompt_key(struct shell *s, uint32_t key)
{
	if (key == KEY_TAB) {
		if (s->prompt == PROMPT_COMMAND)
			complete(s);
		return;
	}
	s->complete_stem[0] = '\0';
	if (key == KEY_ENTER || key == KEY_ESC || key == KEY_CTRL('c')) {
		prompt_end(s, key == KEY_ENTER);
	} else if (key == KEY_UP || key == KEY_DOWN) {
		history_move(s, key == KEY_UP ? -1 : 1);
	} else if (key == KEY_BACKSPACE && !s->field.len && s->prompt != PROMPT_ASK) {
		prompt_end(s, false);
	} else if (field_key(&s->field, key) && s->prompt == PROMPT_FILTER) {
		list_set_filter(&front(s)->list, s->field.text);
		s->stale_rows = true;
	}
}

/* ---- the decoder's events ------------------------------------------------------------------- */

static bool go_by_key(struct shell *s, uint32_t key)
{
	if (key < '0' || key > '9')
		return false;
	for (size_t i = 0; i < s->n_views; i++)
		if ((uint32_t)s->views[i].def->key == key)
			return shell_go(s, s->views[i].def->name);
	shell_say(s, ROLE_hint, "%c: no view has this key", (int)key);
	return true;
}

/* One declares and notes from anywhere: a sheet that does not mean the letter itself closes. */
static bool makes_way(struct shell *s, uint32_t key)
{
	enum act act = binding_find(key, front(s)->def->name);

	if ((act != ACT_DECLARE && act != ACT_NOTE) || sheet_means(&s->sheet, key))
		return false;
	sheet_close(&s->sheet);
	return true;
}

static void on_key(void *ctx, uint32_t key, uint32_t batch)
{
	struct shell *s = ctx;
	enum act act;

	(void)batch;
	if (s->over)
		return;
	shell_catch_up(s);
	if (key == KEY_CTRL('l')) { /* a garbled dialog or form is no less garbled */
		general(s, ACT_REPAINT);
		return;
	}
	if (dialog_is_open(&s->dialog)) {
		dialog_key(&s->dialog, key, loop_now_ms(s->loop));
		return;
	}
	if (s->form.open) {
		form_key(&s->form, key, loop_now_ms(s->loop));
		return;
	}
	if (s->sheet.open && key == KEY_CTRL('c')) {
		shell_quit(s);
		return;
	}
	if (s->sheet.open && !makes_way(s, key)) {
		sheet_key(&s->sheet, key);
		return;
	}
	if (s->prompt != PROMPT_NONE) {
		prompt_key(s, key);
		return;
	}
	if (s->message[0] && key != KEY_ESC)
		s->message[0] = '\0';
	if (s->app.key && s->app.key(s->app.ctx, key))
		return;
	if (go_by_key(s, key))
		return;
	s->by_esc = key == KEY_ESC;
	act = binding_find(key, front(s)->def->name);
	if (act != ACT_NONE)
		shell_do(s, act);
}

static void on_paste(void *ctx, const char *text, size_t n)
{
	struct shell *s = ctx;

	if (dialog_is_open(&s->dialog))
		dialog_paste(&s->dialog, text, n, loop_now_ms(s->loop));
	else if (s->form.open)
		form_paste(&s->form, text, n);
	else if (s->prompt != PROMPT_NONE && !s->sheet.open)
		field_paste(&s->field, text, n);
}

const struct keys_events shell_keys_events = { .key = on_key, .paste = on_paste };
