/*
 * The first screen: what happens next by itself and when, impact, accounts with since-when
 * and why, what happened. Two panes take the cursor: NEXT and ACCOUNTS (Tab). Rows are
 * made in update from the state; draw only paints them.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "read/timeline.h"
#include "views/app.h"
#include "views/columns.h"
#include "views/incidents.h"
#include "views/runs.h"

enum pane { PANE_NEXT, PANE_ACCOUNTS };

struct overview {
	enum pane pane;
	bool chosen; /* a person put the cursor there */
	struct list accounts;
	const struct event **open; /* most urgent first */
	size_t n_open, cap_open;
	char selected[64]; /* event id */
	size_t at;
};

static void open_(struct view *v)
{
	struct overview *o = v->state;

	list_init(&o->accounts, account_columns, n_account_columns, v);
}

static void close_(struct view *v)
{
	struct overview *o = v->state;

	list_fini(&o->accounts);
	free_p(&o->open);
}

static bool on_overview(const struct app *a, const struct event *e)
{
	if (event_status_open(e->status))
		return true;
	/* how it ended stays in sight for a while */
	return e->state_since_ms && app_now(a) - e->state_since_ms < 10 * 60000 &&
	       e->status != EV_SUPERSEDED;
}

static void update(struct view *v)
{
	struct app *a = v->app;
	struct overview *o = v->state;
	const struct state *s = app_state(a);

	o->n_open = 0;
	for (size_t i = 0; i < s->n_events; i++) {
		size_t at = o->n_open;
		if (!on_overview(a, &s->events[i]))
			continue;
		o->open = grow(o->open, &o->cap_open, o->n_open + 1, sizeof(*o->open));
		for (; at > 0 && event_compare(&s->events[i], o->open[at - 1]) < 0; at--)
			o->open[at] = o->open[at - 1];
		o->open[at] = &s->events[i];
		o->n_open++;
	}
	o->at = 0;
	for (size_t i = 0; i < o->n_open; i++)
		if (str_eq(o->open[i]->id, o->selected))
			o->at = i;
	/* a new event takes the cursor unless somebody put it elsewhere */
	if (!o->chosen || !o->n_open)
		o->pane = o->n_open ? PANE_NEXT : PANE_ACCOUNTS;
	o->accounts.changed = false;
	accounts_fill(&o->accounts, s);
}

static bool draw_event_line(struct view *v, struct area a, int y, const struct event *e,
                            bool selected)
{
	struct app *app = v->app;
	char what[WHEN_TEXT], when[WHEN_TEXT];
	bool ticks = event_next(app, e, selected, what, when);
	int w = text_width(when, true), ww = text_width(what, true);
	int x = a.w - 1 - w - 2 - ww;

	int id = 6 + text_width(e->id, true) + 1;
	enum role role = app_stale(app) ? ROLE_stale : role_status(e->status);
	char left[160];

	if (w > 0)
		area_text(a, a.w - 1 - w, y, role, when);
	else
		x = a.w - 1 - ww;
	if (x < id) { /* narrow: the words lose, the time stays */
		ww = a.w - id - (w ? w + 3 : 1);
		x = id;
	}
	area_field(a, x, y, ww, 0, role, what);
	snprintf(left, sizeof(left), "%s to %s", app_account(app, e->from),
	         app_account(app, e->to));
	int at = area_text(a, 6, y, selected ? ROLE_selected : ROLE_title, e->id);
	if (text_width(left, a.c->ascii) > x - at - 2)
		snprintf(left, sizeof(left), "%s", app_account(app, e->from));
	area_field(area_sub(a, 0, 0, x - 1 > 0 ? x - 1 : 0, a.h), at + 1, y, x - at - 2, 0,
	           ROLE_normal, left);
	return ticks;
}

static const char *you_line(const struct event *e, char *buf, size_t n)
{
	char gates[96];

	event_gates_text(e, gates, sizeof(gates));
	gates[strcspn(gates, ";")] = '\0'; /* "then" names the one that is shut */
	switch (e->status) {
	case EV_PENDING:
		snprintf(buf, n, "A %s   X reject   E extend   g gates %s",
		         event_shut_gate(e) ? "override" : "approve now", gates);
		break;
	case EV_HELD:
		snprintf(buf, n, "A override   X reject   g gates %s", gates);
		break;
	case EV_APPROVED:
	case EV_EXECUTING:
		snprintf(buf, n, ". cancel (free until step 3)   Enter shows the steps");
		break;
	case EV_FAILED:
		snprintf(buf, n, ". resume, accept   U roll back   Enter shows what is where");
		break;
	case EV_COMPLETED:
		snprintf(buf, n, "U roll back   Enter shows what was done");
		break;
	default:
		snprintf(buf, n, "Enter shows it");
		break;
	}
	return buf;
}

/* Why an outage that everybody can see leads to nothing. NULL: nothing stands in the way. */
static const struct gate_result *held_apart(const struct state *s, const char **ret_lineage)
{
	for (size_t i = 0; i < s->n_gates; i++)
		for (size_t k = 0; k < s->gates[i].n_gates; k++) {
			const struct gate_result *g = &s->gates[i].gates[k];

			if (g->gate == GATE_ISOLATION && !g->pass) {
				*ret_lineage = s->gates[i].lineage;
				return g;
			}
		}
	return NULL;
}

static const char past_words[] = "nothing can be done in the past (q leaves it)";

static int next_line(struct area a, int y, const char *label, enum role role, const char *text)
{
	area_text(a, 6, y, ROLE_label, label);
	area_field(a, 13, y, a.w - 14, 0, role, text);
	return y + 1;
}

/* No event is open. What stands in the way of one, or what is loudest, and what a person can do. */
static int draw_nothing(struct area a, struct app *app, int most)
{
	const struct state *s = app_state(app);
	const struct incident *i = app_incident_open(app);
	const char *lineage = NULL;
	const struct gate_result *g = held_apart(s, &lineage);
	const struct alert *loud = alert_loudest(app);
	char text[300];

	if (!s->seq) {
		area_field(a, 6, 0, a.w - 6, 0, ROLE_hint,
			   app_past(app) ? "nothing is recorded of this instant (right, ] go on)" :
			   "no data yet; keys work, the connection is being made");
		return 1;
	}
	if (g)
		snprintf(text, sizeof(text), "nothing by itself: %s stays, gate isolation is shut",
			 app_account(app, lineage));
	area_field(a, 6, 0, a.w - 6, 0, g ? ROLE_warn : ROLE_normal,
		   g ? text : "nothing will happen by itself: no event is open");
	if (most < 3 || (!g && !loud))
		return 1;
	if (g)
		snprintf(text, sizeof(text), "%s", g->why ? g->why : "no reason recorded");
	else
		snprintf(text, sizeof(text), "%s%s%s: %s", loud->name ? loud->name : "?",
			 str_empty(loud->subject) ? "" : " ",
			 str_empty(loud->subject) ? "" : app_account(app, loud->subject),
			 loud->text ? loud->text : "");
	next_line(a, 1, "why", ROLE_normal, text);
	snprintf(text, sizeof(text), "%s%s   l alerts, b there its runbook%s",
		 i ? "7 shows " : "D declare an incident", i ? i->id : "", g ? "   g gates" : "");
	return next_line(a, 2, "you", ROLE_normal, app_past(app) ? past_words : text);
}

static int draw_next(struct view *v, struct area a, int most)
{
	struct app *app = v->app;
	struct overview *o = v->state;
	const struct event *e;
	char buf[400];
	int y = 0;

	area_text(a, 0, 0, ROLE_title, "NEXT");
	if (!o->n_open) {
		return draw_nothing(a, app, most);
	}
	/* rows first, the selected one's three lines below them: moving shifts nothing */
	for (size_t i = 0; i < o->n_open && y < (most > 4 ? most - 3 : most); i++) {
		bool here = i == o->at;
		if (here && o->pane == PANE_NEXT) {
			area_put(a, 5, y, ROLE_normal, '>');
			area_cursor(a, 5, y);
		}
		v->ticks |= draw_event_line(v, a, y++, o->open[i], here);
	}
	if (most < 4 || o->at >= o->n_open)
		return y;
	e = o->open[o->at];
	y = next_line(a, y, "why", ROLE_normal, e->cause ? e->cause : "no cause recorded");
	event_then_text(e, buf, sizeof(buf));
	y = next_line(a, y, "then", ROLE_normal, buf);
	return next_line(a, y, "you", ROLE_normal,
			 app_past(app) ? past_words : you_line(e, buf, sizeof(buf)));
}

enum { FULL_IMPACT_W = 70 };	/* narrower: what was normal is left out, no word is cut */

static int draw_ratio(struct area a, int x, int y, const char *what, double v, double normal,
                      bool stale)
{
	enum role role = ROLE_unknown;
	const char *word = "?";

	x = area_textf(a, x, y, ROLE_label, "%s ", what);
	if (v < 0)
		return area_text(a, x, y, ROLE_unknown, " ?") + 3;
	if (normal >= 0 && v < normal - 0.20) {
		role = ROLE_bad;
		word = "BAD";
	} else if (normal >= 0 && v < normal - 0.03) {
		role = ROLE_warn;
		word = "WARN";
	} else {
		role = ROLE_ok;
		word = "ok";
	}
	x = area_textf(a, x, y, stale ? ROLE_stale : role, "%s%.0f%%  %s", stale ? "~" : "",
	               v * 100, word);
	if (normal >= 0 && a.w >= FULL_IMPACT_W)
		x = area_textf(a, x, y, ROLE_normal, "  was %.0f%%", normal * 100);
	return x + 3;
}

static int draw_impact(struct view *v, struct area a, int y)
{
	struct app *app = v->app;
	const struct impact *im = &app_state(app)->impact;
	char title[120], as_of[80];
	int x = 1;

	app_as_of(app, as_of);
	snprintf(title, sizeof(title), "IMPACT, last 10 min%s%s", as_of[0] ? "  " : "", as_of);
	area_rule(a, y++, title);
	if (app_past(app)) {
		area_text(a, 1, y, ROLE_dim, "not recorded");
		return y + 1 + (a.h > 14 && alerts_strip(app, a, y + 1));
	}
	x = draw_ratio(a, x, y, "calls ok", im->calls_ok, im->calls_ok_normal, app_stale(app));
	x = draw_ratio(a, x, y, a.w < FULL_IMPACT_W ? "sms" : "sms delivered", im->sms_delivered,
	               im->sms_delivered_normal, app_stale(app));
	if (x + 8 < a.w) {
		x = area_text(a, x, y, ROLE_label, "live ");
		if (im->calls_live < 0)
			area_text(a, x, y, ROLE_unknown, "?");
		else
			area_textf(a, x, y, ROLE_normal, "%s%lld", app_stale(app) ? "~" : "",
			           (long long)im->calls_live);
	}
	return y + 1 + (a.h > 14 && alerts_strip(app, a, y + 1));
}

static void draw_recent(struct view *v, struct area a)
{
	struct app *app = v->app;
	const struct state *s = app_state(app);
	int y = 1;

	if (a.h < 2)
		return;
	area_rule(a, 0, "RECENT");
	/* the few rows are for what happened; the log has the system's own small steps too */
	for (size_t i = 0; i < s->n_entries && y < a.h; i++)
		if (!timeline_noise(s->entries[i].kind))
			entry_draw(app, a, y++, &s->entries[i]);
	if (y == 1)
		area_text(a, 1, 1, ROLE_dim, "nothing yet");
}

static void draw_people(struct view *v, struct area a)
{
	const struct state *s = app_state(v->app);

	if (a.h < 2)
		return;
	area_rule(a, 0, "HERE");
	for (int y = 1; y < a.h && (size_t)(y - 1) < s->n_people; y++) {
		const struct person *p = &s->people[y - 1];
		area_textf(a, 1, y, p->dialog ? ROLE_warn : ROLE_normal, "%s %s  %s%s",
		           p->name ? p->name : "?", p->role ? p->role : "",
		           p->dialog ? "is deciding on " : "looks at ",
		           app_account(v->app, p->looking_at));
	}
}

static void draw_accounts(struct view *v, struct area a)
{
	struct overview *o = v->state;
	char title[120], as_of[80];

	app_as_of(v->app, as_of);
	snprintf(title, sizeof(title), "ACCOUNTS%s%s", as_of[0] ? " " : "", as_of[0] ? "~" : "");
	list_draw(&o->accounts, a, title, o->pane == PANE_ACCOUNTS);
	if (!o->accounts.total && a.h > 1)
		area_text(a, 1, 1, ROLE_dim, "none known yet");
}

static void draw(struct view *v, struct area a)
{
	struct overview *o = v->state;
	bool beside = a.w >= 150;
	struct area left = beside ? area_sub(a, 0, 0, a.w * 3 / 5, a.h) : a;
	int y, rows = (int)o->accounts.total + 1, most;

	if (left.h > 14)
		area_rule(left, 0, "");
	y = left.h > 14 ? 1 : 0;
	most = left.h / 3 > 5 ? left.h / 3 : left.h > 8 ? 5 : 2;
	y += draw_next(v, area_sub(left, 0, y, left.w, left.h - y), most);
	if (left.h - y > 8)
		y = app_runs_strip(v->app, left, y);
	if (left.h - y > 4)
		y = draw_impact(v, left, y);
	if (rows < 2)
		rows = 2;
	/* RECENT gets a third of what is left, or all that accounts do not need */
	int rest = left.h - y;
	if (!beside && rest - rows < rest / 3 && rest >= 8)
		rows = rest - rest / 3;
	if (rows > rest || beside)
		rows = rest;
	draw_accounts(v, area_sub(left, 0, y, left.w, rows));
	if (beside) {
		struct area right = area_sub(a, left.w + 2, 0, a.w - left.w - 2, a.h);
		int people = (int)app_state(v->app)->n_people;
		people = people ? people + 1 : 0;
		draw_recent(v, area_sub(right, 0, 0, right.w, right.h - people));
		draw_people(v, area_sub(right, 0, right.h - people, right.w, people));
	} else {
		draw_recent(v, area_sub(a, 0, y + rows, a.w, a.h - y - rows));
	}
}

static const struct event *selected_event(struct overview *o)
{
	return o->at < o->n_open ? o->open[o->at] : NULL;
}

static bool subject(struct view *v, struct subject *ret)
{
	struct overview *o = v->state;
	const struct account *x;

	if (o->pane == PANE_NEXT && selected_event(o)) {
		event_subject(v->app, selected_event(o), ret);
		return true;
	}
	x = list_selected(&o->accounts);
	if (!x)
		return false;
	account_subject(x, ret);
	return true;
}

static unsigned open_row(struct view *v)
{
	struct overview *o = v->state;
	struct view *to;
	const struct account *x = list_selected(&o->accounts);

	if (o->pane == PANE_NEXT && selected_event(o)) {
		to = shell_find_view(v->shell, "events");
		list_select_key(&to->list, selected_event(o)->id);
		shell_go(v->shell, "events");
	} else if (x) {
		to = shell_find_view(v->shell, "accounts");
		list_select_key(&to->list, x->id);
		shell_go(v->shell, "accounts");
	}
	return WANT_REDRAW;
}

static unsigned move_next(struct overview *o, int by)
{
	if (by > 0 && o->at + 1 < o->n_open)
		o->at++;
	else if (by < 0 && o->at > 0)
		o->at--;
	else if (by > 0 && o->accounts.total)
		o->pane = PANE_ACCOUNTS; /* down from the last event goes on below */
	if (selected_event(o))
		snprintf(o->selected, sizeof(o->selected), "%s", selected_event(o)->id);
	return WANT_REDRAW;
}

static unsigned act(struct view *v, enum act what)
{
	struct app *app = v->app;
	struct overview *o = v->state;
	const struct event *e = selected_event(o);

	o->chosen = true;
	switch (what) {
	case ACT_NEXT_PANE:
	case ACT_PREV_PANE:
		o->pane = o->pane == PANE_NEXT ? PANE_ACCOUNTS : PANE_NEXT;
		return WANT_REDRAW;
	case ACT_OPEN:
		return open_row(v);
	case ACT_ALERTS:
		shell_go(v->shell, "alerts");
		return WANT_REDRAW;
	case ACT_GATES:
		if (e)
			gates_sheet(v->shell, "GATES", e->gates, e->n_gates);
		else if (app_state(app)->n_gates)
			gates_sheet(v->shell, "GATES", app_state(app)->gates[0].gates,
			            app_state(app)->gates[0].n_gates);
		return WANT_REDRAW;
	case ACT_PLAN:
		open_row(v);
		shell_say(v->shell, ROLE_hint, "p again lists every agent of the plan");
		return WANT_REDRAW;
	case ACT_DOWN:
	case ACT_UP:
		if (o->pane == PANE_NEXT)
			return move_next(o, what == ACT_DOWN ? 1 : -1);
		if (what == ACT_UP && o->accounts.cursor == 0 && o->n_open) {
			o->pane = PANE_NEXT;
			return WANT_REDRAW;
		}
		break;
	default:
		break;
	}
	if (o->pane == PANE_ACCOUNTS && list_act(&o->accounts, what))
		return WANT_REDRAW | (o->accounts.changed ? WANT_UPDATE : 0);
	return WANT_UNHANDLED;
}

static const enum act keys[] = { ACT_OPEN, ACT_APPROVE, ACT_REJECT,     ACT_EXTEND,
	                         ACT_ACK,  ACT_GATES,   ACT_RUNBOOK, ACT_AUTOMATION, ACT_NONE };

const struct view_def view_overview = {
	.name = "overview",
	.title = "Overview",
	.key = '1',
	.help = "what happens next, impact, accounts, what happened",
	.state_size = sizeof(struct overview),
	.keys = keys,
	.open = open_,
	.update = update,
	.draw = draw,
	.act = act,
	.subject = subject,
	.close = close_,
};
