/*
 * The log: the journal as the engines wrote it and this console's own lines, newest
 * first, filtered by severity (h: all, warn, bad) and text. Lines of the console are
 * kept in a ring of its own and never reach the terminal any other way.
 */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "views/app.h"
#include "views/columns.h"

#define LINES 200

struct app_log {
	struct app *app;
	struct entry lines[LINES]; /* ring; at = next to write */
	size_t at, n;
};

static void on_line(void *ctx, enum log_level level, const char *text)
{
	struct app_log *l = ctx;
	struct entry *e = &l->lines[l->at];

	if (level < LOG_INFO)
		return;
	str_replace(&e->text, text);
	str_replace(&e->kind, "console");
	str_replace(&e->subject, "console");
	str_replace(&e->severity, level >= LOG_ERROR ? "bad" : level == LOG_WARN ? "warn" : "info");
	e->at_ms = loop_wall_ms(l->app->loop);
	l->at = (l->at + 1) % LINES;
	if (l->n < LINES)
		l->n++;
}

struct app_log *app_log_new(struct app *a)
{
	struct app_log *l = xcalloc(1, sizeof(*l));

	l->app = a;
	log_tap(on_line, l);
	return l;
}

void app_log_free(struct app_log *l)
{
	if (!l)
		return;
	log_tap(NULL, NULL);
	for (size_t i = 0; i < LINES; i++)
		record_fini(&entry_type, &l->lines[i]);
	free_p(&l);
}

static enum role role_level(const char *severity)
{
	return str_eq(severity, "bad")    ? ROLE_bad
	       : str_eq(severity, "warn") ? ROLE_warn
	                                  : ROLE_normal;
}

/* People know accounts by name. */
static const char *subject_name(const struct app *a, const struct entry *e)
{
	if (str_empty(e->subject))
		return e->kind ? e->kind : "";
	return app_account(a, e->subject);
}

static bool is_engine(const struct app *a, const char *actor)
{
	const struct state *s = client_state(a->client); /* who they are was not recorded */

	for (size_t i = 0; i < s->n_peers; i++)
		if (str_eq(s->peers[i].id, actor))
			return true;
	return str_has_prefix(actor, "engine") || str_eq(actor, s->leader);
}

void entry_draw(const struct app *a, struct area at, int y, const struct entry *e)
{
	const char *text = e->text ? e->text : "", *name = subject_name(a, e);
	size_t n = strlen(name);
	const char *actor = str_empty(e->actor) || is_engine(a, e->actor) ? "" : e->actor;
	char clock[WHEN_TEXT], buf[400];
	int x;

	x = area_text(at, 1, y, ROLE_dim, when_clock(clock, e->at_ms, shell_utc(a->shell)));
	area_field(at, x + 2, y, 14, 0, ROLE_normal, name);
	/* the name stands before it already */
	if (n && str_has_prefix(text, name) && (text[n] == ' ' || text[n] == ':'))
		text += n + 1 + (text[n] == ':' && text[n + 1] == ' ');
	/* "anna is commander" says who it was */
	snprintf(buf, sizeof(buf), "%s%s%s", actor[0] && !str_has_prefix(text, actor) ? actor : "",
	         actor[0] && !str_has_prefix(text, actor) ? ": " : "", text);
	area_field(at, x + 17, y, at.w - x - 18, 0, role_level(e->severity), buf);
}

static enum role col_at(void *ctx, const void *rec, char *buf)
{
	cell_since(ctx, ((const struct entry *)rec)->at_ms, buf);
	return ROLE_dim;
}

static enum role col_level(void *ctx, const void *rec, char *buf)
{
	const struct entry *e = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", e->severity ? e->severity : "info");
	return role_level(e->severity);
}

static enum role col_subject(void *ctx, const void *rec, char *buf)
{
	struct view *v = ctx;

	snprintf(buf, CELL_TEXT, "%s", subject_name(v->app, rec));
	return ROLE_normal;
}

static enum role col_text(void *ctx, const void *rec, char *buf)
{
	const struct entry *e = rec;

	(void)ctx;
	snprintf(buf, CELL_TEXT, "%s", e->text ? e->text : "");
	return role_level(e->severity);
}

static const struct column columns[] = {
	{ .title = "AT", .w = 9, .text = col_at, .sort_by = MEMBER(entry, at_ms) },
	{ .title = "LEVEL", .w = 5, .text = col_level, .drop = 2 },
	{ .title = "ON", .w = 12, .wide = 24, .text = col_subject, .drop = 1 },
	{ .title = "BY", .w = 8, .wide = 14, .show = MEMBER(entry, actor), .none = "-", .drop = 3 },
	{ .title = "WHAT", .w = 36, .grow = true, .text = col_text },
};

static void add_merged(struct view *v, const struct state *s, const struct app_log *l)
{
	char key[64];
	size_t i = 0, k = 0;

	/* two lists, each newest first */
	while (i < s->n_entries || k < l->n) {
		const struct entry *mine =
		        k < l->n ? &l->lines[(l->at + LINES - 1 - k) % LINES] : NULL;
		const struct entry *theirs = i < s->n_entries ? &s->entries[i] : NULL;
		if (mine && (!theirs || mine->at_ms >= theirs->at_ms)) {
			snprintf(key, sizeof(key), "c%lld-%zu", (long long)mine->at_ms, k++);
			list_add(&v->list, mine, key);
		} else if (theirs) {
			snprintf(key, sizeof(key), "%lld", (long long)theirs->seq);
			i++;
			list_add(&v->list, theirs, key);
		}
	}
}

static void update(struct view *v)
{
	struct app *app = v->app;

	list_begin(&v->list);
	add_merged(v, app_state(app), app->log);
	list_end(&v->list);
}

static void draw(struct view *v, struct area a)
{
	const struct entry *e = list_selected(&v->list);
	struct area list = area_sub(a, 0, 0, a.w, a.h > 12 ? a.h - 4 : a.h);
	char as_of[80], title[120];

	app_as_of(v->app, as_of);
	list_draw(&v->list, list, NULL, true);
	if (!v->list.total)
		area_text(list, 1, 1, ROLE_dim,
		          v->list.filter[0] ? "no line matches the filter" : "no line yet");
	if (list.h == a.h)
		return;
	snprintf(title, sizeof(title), "LINE %s", as_of);
	area_rule(a, list.h, title);
	if (e)
		area_wrap(area_sub(a, 1, list.h + 1, a.w - 2, 3), 0, 0, a.w - 2,
		          role_level(e->severity), e->text);
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct entry *e = list_selected(&v->list);

	if (!e)
		return false;
	*ret = (struct subject){ .kind = "entry", .command = "ringdown audit" };
	if (e->seq)
		snprintf(ret->id, sizeof(ret->id), "#%lld", (long long)e->seq);
	else
		snprintf(ret->id, sizeof(ret->id), "line");
	return true;
}

static const enum act keys[] = { ACT_FILTER, ACT_SORT, ACT_WRITE, ACT_PLAIN, ACT_BACK, ACT_NONE };

const struct view_def view_log = {
	.name = "log",
	.title = "Log",
	.key = '0',
	.help = "the journal and this console's own lines; /warn or /bad filters",
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.update = update,
	.draw = draw,
	.subject = subject,
};
