/*
 * Alerts: what wants attention first, then what somebody has in hand or what is explained by
 * another, then what is over. Alerts of one group stand together, for they are told together.
 * An acknowledgement or a silence is an order with a dialog; neither changes anything outside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/columns.h"
#include "views/incidents.h"

/* ---- words ---- */

static bool silenced(const struct app *a, const struct alert *x)
{
	return x->silenced_until_ms > app_now(a);
}

/* Smaller = wants more attention. */
static int rank(const struct app *a, const struct alert *x)
{
	bool bad = str_eq(x->severity, "bad");

	if (x->state == AL_RESOLVED)
		return 6;
	if (x->state == AL_PENDING)
		return 5;
	if (!str_empty(x->inhibited_by))
		return 4;
	if (silenced(a, x))
		return 3;
	return !str_empty(x->acked_by) ? 2 : bad ? 0 : 1;
}

static void word(const struct app *a, const struct alert *x, char *buf, size_t n)
{
	char span[WHEN_TEXT];

	if (x->state != AL_FIRING)
		snprintf(buf, n, "%s", enum_name(&alert_state_names, x->state));
	else if (!str_empty(x->inhibited_by))
		snprintf(buf, n, "explained");
	else if (silenced(a, x))
		snprintf(buf, n, "quiet %s", when_span(span, x->silenced_until_ms - app_now(a)));
	else if (!str_empty(x->acked_by))
		snprintf(buf, n, "ack %.20s", x->acked_by);
	else
		snprintf(buf, n, "FIRING");
}

static enum role role_of(const struct app *a, const struct alert *x)
{
	static const enum role roles[] = { ROLE_bad, ROLE_warn,    ROLE_count, ROLE_count,
		                           ROLE_dim, ROLE_unknown, ROLE_dim };

	return roles[rank(a, x)];
}

/* ---- columns ---- */

static const struct app *app_of(void *ctx)
{
	return ((struct view *)ctx)->app;
}

static enum role col_level(void *ctx, const void *rec, char *buf)
{
	const struct alert *x = rec;

	snprintf(buf, CELL_TEXT, "%s",
	         str_eq(x->severity, "bad")    ? "BAD"
	         : str_eq(x->severity, "warn") ? "WARN"
	                                       : "info");
	return role_of(app_of(ctx), x);
}

static enum role col_state(void *ctx, const void *rec, char *buf)
{
	const struct alert *x = rec;
	struct view *v = ctx;

	word(v->app, x, buf, CELL_TEXT);
	v->ticks |= silenced(v->app, x);
	return role_of(v->app, x);
}

static enum role col_priority(void *ctx, const void *rec, char *buf)
{
	const struct alert *x = rec;

	snprintf(buf, CELL_TEXT, "%s", x->priority ? x->priority : "-");
	return role_of(app_of(ctx), x);
}

static enum role col_subject(void *ctx, const void *rec, char *buf)
{
	const struct alert *x = rec;

	snprintf(buf, CELL_TEXT, "%s", app_account(app_of(ctx), x->subject));
	return ROLE_normal;
}

static enum role col_since(void *ctx, const void *rec, char *buf)
{
	cell_since(ctx, ((const struct alert *)rec)->since_ms, buf);
	return ROLE_dim;
}

static enum role col_group(void *ctx, const void *rec, char *buf)
{
	const struct alert *x = rec;

	(void)ctx;
	if (x->count > 1)
		snprintf(buf, CELL_TEXT, "%s x%lld", x->grouping ? x->grouping : "",
		         (long long)x->count);
	else
		snprintf(buf, CELL_TEXT, "%s", x->grouping ? x->grouping : "-");
	return ROLE_dim;
}

static const struct column columns[] = {
	{ .title = "LEVEL", .w = 5, .text = col_level },
	{ .title = "P", .w = 2, .text = col_priority },
	{ .title = "STATE", .w = 10, .wide = 16, .text = col_state },
	{ .title = "ALERT", .w = 17, .wide = 24, .show = MEMBER(alert, name), .none = "?" },
	{ .title = "ON", .w = 13, .wide = 24, .text = col_subject },
	{ .title = "SINCE", .w = 9, .text = col_since,
	  .sort_by = MEMBER(alert, since_ms), .drop = 1 },
	{ .title = "GROUP", .w = 10, .wide = 18, .text = col_group, .drop = 3 },
	{ .title = "WHAT", .w = 13, .grow = true, .show = MEMBER(alert, text), .drop = 2 },
};

/* ---- rows ---- */

struct ranked {
	const struct alert *x;
	int rank, group;
};

static int cmp_since(const void *a, const void *b)
{
	const struct alert *x = a, *y = b;

	return x->since_ms < y->since_ms ? -1 : x->since_ms > y->since_ms;
}

static int compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->group != y->group)
		return x->group - y->group; /* the group of what wants most comes first */
	if (x->rank != y->rank)
		return x->rank - y->rank;
	return cmp_since(y->x, x->x);
}

/* A group is as pressing as its worst member; those without one stand alone. */
static void group(struct ranked *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t first = i;
		int best = v[i].rank;

		for (size_t k = 0; k < n && !str_empty(v[i].x->grouping); k++)
			if (str_eq(v[k].x->grouping, v[i].x->grouping)) {
				first = k < first ? k : first;
				best = v[k].rank < best ? v[k].rank : best;
			}
		v[i].group = best * 2000 + (int)first;
	}
}

static struct ranked *ranked(const struct app *a, size_t *ret_n)
{
	const struct state *s = app_state(a);
	struct ranked *v = xcalloc(s->n_alerts + 1, sizeof(*v));

	for (size_t i = 0; i < s->n_alerts; i++)
		v[i] = (struct ranked){ &s->alerts[i], rank(a, &s->alerts[i]), 0 };
	group(v, s->n_alerts);
	if (s->n_alerts > 1)
		qsort(v, s->n_alerts, sizeof(*v), compare);
	*ret_n = s->n_alerts;
	return v;
}

static void update(struct view *v)
{
	size_t n;
	struct ranked *rows = ranked(v->app, &n);

	list_begin(&v->list);
	for (size_t i = 0; i < n; i++)
		list_add(&v->list, rows[i].x, rows[i].x->id);
	list_end(&v->list);
	free_p(&rows);
}

/* Whom it was told to and when it is told again. */
static void draw_told(struct view *v, struct area a, int y, const struct alert *x)
{
	char at[WHEN_TEXT], span[WHEN_TEXT], next[60] = "";
	int64_t left = x->next_tell_ms - app_now(v->app);
	bool utc = shell_utc(v->shell);

	if (x->next_tell_ms)
		snprintf(next, sizeof(next), "; next send %s%s%s",
		         when_clock(at, x->next_tell_ms, utc), left > 0 ? ", in " : ", due",
		         left > 0 ? when_span(span, left) : "");
	v->ticks |= x->next_tell_ms > 0;
	if (x->told_at_ms)
		area_textf(a, 1, y, ROLE_dim, "told %lld %s by %s, last %s%s", (long long)x->told_n,
		           x->told_n == 1 ? "time" : "times", x->told_to ? x->told_to : "?",
		           when_clock(at, x->told_at_ms, utc), next);
	else
		area_textf(a, 1, y, ROLE_dim, x->next_tell_ms ? "not told yet%s" :
		           "no message of its own: what it is about tells people%s", next);
}

static void draw_below(struct view *v, struct area a, const struct alert *x)
{
	char clock[WHEN_TEXT];
	int y = 1;

	area_rule(a, 0, x->id);
	y = area_wrap(a, 1, y, a.w - 2, role_of(v->app, x), x->text ? x->text : "");
	if (x->value || x->runbook || x->source)
		area_textf(a, 1, y++, ROLE_dim, "%s%s%s%s%s%s", x->source ? "from " : "",
		           x->source ? x->source : "", x->value ? "   value " : "",
		           x->value ? x->value : "", x->runbook ? "   runbook " : "",
		           x->runbook ? x->runbook : "");
	if (silenced(v->app, x))
		area_textf(a, 1, y++, ROLE_count, "silenced by %s: %s",
		           x->silenced_by ? x->silenced_by : "?",
		           x->silenced_reason ? x->silenced_reason : "");
	if (!str_empty(x->inhibited_by))
		area_textf(a, 1, y++, ROLE_dim, "not told: %s explains it", x->inhibited_by);
	if (!str_empty(x->acked_by) && x->ack_until_ms)
		area_textf(a, 1, y++, ROLE_count, "%s has it in hand until %s", x->acked_by,
		           when_clock(clock, x->ack_until_ms, shell_utc(v->shell)));
	draw_told(v, a, y, x);
}

static void draw(struct view *v, struct area a)
{
	const struct alert *x = list_selected(&v->list);
	int below = x && a.h >= 14 ? 6 : 0;
	char title[120], as_of[80];

	app_as_of(v->app, as_of);
	snprintf(title, sizeof(title), "ALERTS %lld %s", (long long)v->list.total, as_of);
	list_draw(&v->list, area_sub(a, 0, 0, a.w, a.h - below), title, true);
	if (!v->list.total)
		area_text(a, 1, 1, ROLE_dim,
		          v->list.filter[0] ? "no alert matches the filter"
		                            : "no alert, now or in the last day");
	if (below)
		draw_below(v, area_sub(a, 0, a.h - below, a.w, below), x);
}

static bool subject(struct view *v, struct subject *ret)
{
	const struct alert *x = list_selected(&v->list);

	if (!x)
		return false;
	*ret = (struct subject){ .kind = "alert" };
	snprintf(ret->id, sizeof(ret->id), "%s", x->id);
	snprintf(ret->part, sizeof(ret->part), "%s", x->name ? x->name : "");
	snprintf(ret->title, sizeof(ret->title), "%.30s %.60s", x->name ? x->name : "?",
	         app_account(v->app, x->subject));
	snprintf(ret->command, sizeof(ret->command), "ringdown alerts");
	return true;
}

/* ---- the strip of the overview ---- */

const struct alert *alert_loudest(const struct app *a)
{
	size_t n;
	struct ranked *v = ranked(a, &n);
	const struct alert *x = n && v[0].rank < 2 ? v[0].x : NULL;

	free_p(&v);
	return x;
}

bool alerts_strip(const struct app *a, struct area at, int y)
{
	size_t n, loud = 0, quiet = 0;
	struct ranked *v = ranked(a, &n);
	int x;

	for (size_t i = 0; i < n; i++) {
		loud += v[i].rank < 2;
		quiet += v[i].rank >= 2 && v[i].rank < 5;
	}
	if (loud + quiet == 0) {
		free_p(&v);
		return false;
	}
	x = area_text(at, 1, y, ROLE_label, "alerts ");
	x = area_textf(at, x, y, loud ? ROLE_warn : ROLE_normal, "%zu firing", loud);
	if (quiet)
		x = area_textf(at, x, y, ROLE_dim, ", %zu in hand", quiet);
	x += 2;
	for (size_t i = 0; i < n && v[i].rank < 2; i++) {
		const char *level = v[i].rank == 0 ? "BAD" : "WARN",
		           *on = str_empty(v[i].x->subject) ? "" :
		                                              app_account(a, v[i].x->subject);
		int w = (int)strlen(level) + 1 +
		        text_width(v[i].x->name ? v[i].x->name : "?", true) + 1 +
		        text_width(on, true);
		if (x + w + 14 > at.w) {
			area_text(at, x, y, ROLE_dim, "..");
			break;
		}
		x = area_textf(at, x, y, role_of(a, v[i].x), "%s %s ", level,
		               v[i].x->name ? v[i].x->name : "?");
		x = area_textf(at, x, y, ROLE_normal, "%s%s ", on, on[0] ? " " : "");
	}
	area_text(at, at.w - 8, y, ROLE_dim, "l lists");
	free_p(&v);
	return true;
}

/* ---- orders ---- */

static const struct alert *find(const struct app *a, const char *id)
{
	const struct state *s = app_state(a);

	for (size_t i = 0; i < s->n_alerts; i++)
		if (str_eq(s->alerts[i].id, id))
			return &s->alerts[i];
	return NULL;
}

static const char *const spans[] = { "1h", "4h", "24h", "7d" };

static void why_not(const struct app *a, const struct action *x, const struct subject *s, char *buf,
                    size_t n)
{
	const struct alert *al = find(a, s->id);

	if (!al)
		snprintf(buf, n, "the alert is not known any more");
	else if (str_eq(x->name, "alert-ack") && al->state == AL_RESOLVED)
		snprintf(buf, n, "it is resolved");
	else if (str_eq(x->name, "alert-ack") && !str_empty(al->acked_by))
		snprintf(buf, n, "%.40s has it in hand", al->acked_by);
	else if (str_eq(x->name, "alert-unack") && str_empty(al->acked_by))
		snprintf(buf, n, "nobody has it in hand");
}

static void fill(struct decision *d, struct dialog *g)
{
	const struct alert *x = find(d->app, d->subject.id);

	if (!x)
		return;
	dialog_line(g, ROLE_danger, "ALERT", "%s on %s: %s", x->name ? x->name : "?",
	            app_account(d->app, x->subject), x->text ? x->text : "");
	if (str_eq(d->action->name, "alert-silence")) {
		dialog_line(g, ROLE_normal, "MEANS",
		            "it is not told until then; it stays in the list");
		for (size_t i = 0; i < COUNT_OF(spans); i++)
			dialog_choice(g, "for %s", spans[i]);
	} else {
		dialog_line(g, ROLE_normal, "MEANS",
		            str_eq(d->action->name, "alert-ack")
		                    ? "you have it in hand: not told again until that runs out"
		                    : "it is told again");
	}
	dialog_arm(g, "");
	g->focus = 0; /* for how long is chosen first; Tab goes to the reason */
}

static bool body(struct decision *d, struct dialog *g, struct jw *w)
{
	if (str_eq(d->action->name, "alert-silence")) {
		if (g->choice < 0) {
			dialog_note(g, ROLE_warn, "choose for how long: a number, or Up Down");
			return false;
		}
		jw_str(w, "alert", d->subject.id);
		jw_str(w, "for", spans[g->choice]);
	}
	if (g->own.len)
		jw_str(w, "reason", g->own.text);
	return true;
}

static const struct action_hooks hooks = { .why_not = why_not, .fill = fill, .body = body };

#define ALERT(name_, label_, key_, path_, ...)                                                     \
	{                                                                                          \
		.name = "alert-" name_, .label = label_, .key = key_, .kind = "alert",             \
		.role = PR_OPERATOR, .danger = DIALOG_PLAIN, .method = "POST", .path = path_,      \
		.hooks = &hooks, __VA_ARGS__                                                       \
	}
static const struct action actions[] = {
	ALERT("ack", "acknowledge: you have it in hand", 'a', "/api/v1/alerts/%s/ack",
	      .verb = "acknowledge"),
	ALERT("unack", "nobody has it in hand any more", 'k', "/api/v1/alerts/%s/unack",
	      .verb = "say so"),
	ALERT("silence", "silence it for a while, with a reason", 's', "/api/v1/silences",
	      .verb = "silence it", .own_reason = true),
};

size_t alert_action_count(void)
{
	return COUNT_OF(actions);
}

const struct action *alert_action_at(size_t i)
{
	return i < COUNT_OF(actions) ? &actions[i] : NULL;
}

static const enum act keys[] = { ACT_ACK,    ACT_RUNBOOK, ACT_NOTE, ACT_DECLARE,
	                         ACT_FILTER, ACT_SORT,    ACT_BACK, ACT_NONE };

const struct view_def view_alerts = {
	.name = "alerts",
	.title = "Alerts",
	.help = "what fires, who has it in hand, what is silenced or explained; a acknowledges",
	.columns = columns,
	.n_columns = COUNT_OF(columns),
	.keys = keys,
	.update = update,
	.draw = draw,
	.subject = subject,
};
