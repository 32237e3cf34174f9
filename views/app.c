/*
 * The console's composition below the command line: client and shell tied together, the
 * header's facts, alarms, the unread list, freezing. Invariant: nothing of the client
 * runs before the first paint, and nothing here waits for anything.
 */
#include "views/app.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/incidents.h"
#include "views/runs.h"

#define VIEW(name) extern const struct view_def view_##name;
#include "views/list.h"
#undef VIEW

const struct view_def *const views_all[] = {
#define VIEW(name) &view_##name,
#include "views/list.h"
#undef VIEW
	NULL,
};

const struct state *app_state(const struct app *a)
{
	if (app_past(a))
		return app_past_state(a);
	return a->frozen ? &a->still : client_state(a->client);
}

int64_t app_now(const struct app *a)
{
	if (app_past(a))
		return app_past_ms(a);
	int64_t now = a->frozen ? a->still.now_ms : client_server_now_ms(a->client);

	return now > 0 ? now : loop_wall_ms(a->loop);
}

bool app_stale(const struct app *a)
{
	return !app_past(a) && client_stale(a->client);
}

const char *app_account(const struct app *a, const char *id)
{
	const struct account *x = id ? state_account(app_state(a), id) : NULL;

	return x && !str_empty(x->name) ? x->name : str_empty(id) ? "-" : id;
}

static int64_t data_age(const struct app *a)
{
	int64_t api = client_api_age_ms(a->client), db = client_db_age_ms(a->client);

	if (client_link(a->client) == LINK_DATABASE)
		return db;
	if (client_link(a->client) == LINK_SAVED && db >= 0 && (api < 0 || db < api))
		return db; /* it was the last that spoke */
	if (api < 0 && app_state(a)->now_ms > 0)
		return app_now(a) - app_state(a)->now_ms;
	return api;
}

const char *app_as_of(const struct app *a, char buf[80])
{
	char clock[WHEN_TEXT], age[WHEN_TEXT];
	int64_t old = data_age(a);

	buf[0] = '\0';
	if (app_stale(a) && app_state(a)->seq > 0 && old >= 0)
		snprintf(buf, 80, "AS OF %s (%s old)",
		         when_clock(clock, app_now(a) - old, shell_utc(a->shell)),
		         when_age(age, old));
	return buf;
}

/* ---- header ----------------------------------------------------------------------------- */

static void header_automation(const struct state *s, bool stale, struct header *h)
{
	const struct control *c = &s->control;

	h->automation_role = ROLE_warn;
	if (c->paused)
		snprintf(h->automation, sizeof(h->automation), "OFF by %.20s", c->by ? c->by : "?");
	else if (c->maintenance)
		snprintf(h->automation, sizeof(h->automation), "MAINTENANCE");
	else if (c->shadow)
		snprintf(h->automation, sizeof(h->automation), "SHADOW");
	else if (s->seq && str_empty(s->leader))
		snprintf(h->automation, sizeof(h->automation), "NO LEADER");
	else {
		h->automation_role = ROLE_header;
		snprintf(h->automation, sizeof(h->automation), "%s",
		         !s->seq ? "?"
		         : stale ? "~on"
		                 : "on");
	}
}

static void header_link(const struct app *a, struct header *h)
{
	const struct state *s = app_state(a);

	h->api_age_ms = client_api_age_ms(a->client);
	h->db_age_ms = client_db_age_ms(a->client);
	switch (client_link(a->client)) {
	case LINK_CONNECTING:
		if (h->api_age_ms < 0)
			snprintf(h->api_word, sizeof(h->api_word), "connecting");
		break;
	case LINK_DATABASE:
		snprintf(h->api_word, sizeof(h->api_word), "DOWN");
		break;
	case LINK_NONE:
	case LINK_SAVED:
		snprintf(h->api_word, sizeof(h->api_word), "DOWN");
		break;
	case LINK_API:
		break;
	}
	if (client_link(a->client) == LINK_API && s->seq && !s->database_ok)
		snprintf(h->db_word, sizeof(h->db_word), "DOWN");
	h->stale = app_stale(a);
	if (h->stale && s->seq > 0 && data_age(a) >= 0)
		h->as_of_ms = app_now(a) - data_age(a);
	snprintf(h->trouble, sizeof(h->trouble), "%s", client_trouble(a->client));
	if (!h->trouble[0] && s->seq && !s->database_ok)
		snprintf(h->trouble, sizeof(h->trouble), "the engine has no database: %.100s",
		         s->database_why ? s->database_why : "no reason given");
}

static void header_holds(const struct app *a, struct header *h)
{
	const struct state *s = app_state(a);
	char span[WHEN_TEXT];

	for (size_t i = 0; i < s->n_holds && h->n_holds < HEADER_HOLDS; i++) {
		const struct hold *x = &s->holds[i];
		snprintf(h->holds[h->n_holds++], sizeof(h->holds[0]),
		         "HOLD  %.24s %.32s  %s  by %.20s  \"%.40s\"", x->what ? x->what : "?",
		         x->subject && !strstr(x->what ? x->what : "", x->subject) ? x->subject
		                                                                   : "",
		         when_span(span, app_now(a) - x->since_ms), x->by ? x->by : "?",
		         x->reason ? x->reason : "");
		h->ticks |= app_now(a) - x->since_ms < 86400000;
	}
}

static bool incident_runs(const struct state *s)
{
	for (size_t i = 0; i < s->n_incidents; i++)
		if (s->incidents[i].state < IS_RESOLVED)
			return true;
	return false;
}

static bool trouble(const struct state *s)
{
	for (size_t i = 0; i < s->n_accounts; i++)
		if (s->accounts[i].health != HEALTH_HEALTHY)
			return true;
	return false;
}

static bool alerts_fire(const struct state *s)
{
	for (size_t i = 0; i < s->n_alerts; i++)
		if (s->alerts[i].state == AL_FIRING)
			return true;
	return false;
}

/* No event is open: what became of the newest one. */
static const char *coach_after(const struct app *a, const struct event *e)
{
	const struct account *home = state_account(app_state(a), e->from);

	if (e->status == EV_ROLLED_BACK)
		return "DEMO: all agents are home. 5 shows SMS that fail, b a runbook; q quits.";
	if (e->status != EV_COMPLETED)
		return "DEMO: over without a failover. F starts one by hand; q quits.";
	if (home && home->health == HEALTH_HEALTHY)
		return "DEMO: the old account is healthy again: U rolls back to it.";
	return "DEMO: the agents have moved. Once the old account is healthy, U rolls back.";
}

static void header_coach(struct app *a, struct header *h, const struct event *e)
{
	const char *line = "";
	const char *view = a->shell ? shell_view(a->shell)->def->name : "";
	const struct event *newest = app_state(a)->n_events ? &app_state(a)->events[0] : NULL;

	if (!a->demo && !app_state(a)->demo)
		return;
	if (str_eq(view, "walk"))
		line = "DEMO: Enter acts on the step that is due, U undoes; q leaves, the run "
		       "stays.";
	else if (str_eq(view, "sms"))
		line = "DEMO: b opens the runbook that fits the row; nothing runs by that.";
	else if (str_eq(view, "runbooks"))
		line = "DEMO: Enter shows every step first, Enter again starts. . is a dry run.";
	else if (!e && newest && newest->status == EV_COMPLETED)
		line = coach_after(a, newest);
	else if (!e && incident_runs(app_state(a)))
		line = "DEMO: an incident runs. 7 shows it; a acknowledges, t writes a note.";
	else if (!e && newest)
		line = coach_after(a, newest);
	else if (!e && trouble(app_state(a)))
		line = "DEMO: not judged yet, or nothing to do by itself. g says why; D declares.";
	else if (!e && alerts_fire(app_state(a)))
		line = "DEMO: it begins: l lists the alerts. Watch NEXT and ACCOUNTS.";
	else if (!e && app_state(a)->n_alerts) /* resolved ones: it has been */
		line = "DEMO: the outage is over. 8 is what happened, T shows it again; q quits.";
	else if (!e)
		line = "DEMO: all is well; an outage begins in a moment. Watch NEXT and ACCOUNTS.";
	else if (e->status == EV_PENDING)
		line = "DEMO: the window runs. 2 shows the event, g its gates, p the plan; A "
		       "approves.";
	else if (e->status == EV_EXECUTING || e->status == EV_APPROVED)
		line = "DEMO: agents move, canaries first. 2 shows the steps, 4 the agents.";
	else if (e->status == EV_HELD)
		line = "DEMO: held by a gate. g says why; A can override what may be overridden.";
	else if (e->status == EV_FAILED)
		line = "DEMO: stopped, a person decides. . shows resume, roll back and accept.";
	else if (e->status == EV_ROLLING_BACK)
		line = "DEMO: the agents go home, what others changed is left. 2 shows it.";
	snprintf(h->coach, sizeof(h->coach), "%s", line);
}

static int count_unread(const struct app *a)
{
	const struct state *s = app_state(a);
	int n = 0;

	for (size_t i = 0; i < s->n_entries && s->entries[i].seq > a->read_seq; i++)
		n += str_eq(s->entries[i].severity, "bad") ||
		     str_eq(s->entries[i].severity, "warn");
	for (size_t i = 0; i < s->n_messages; i++)
		n += str_eq(s->messages[i].state, "dead");
	return n;
}

static void app_header(void *ctx, struct header *h)
{
	struct app *a = ctx;
	const struct state *s = app_state(a);
	const struct event *e = event_most_urgent(s);
	char what[WHEN_TEXT], when[WHEN_TEXT];

	snprintf(h->environment, sizeof(h->environment), "%s",
	         !str_empty(s->environment) ? s->environment
	         : a->environment           ? a->environment
	                                    : "ringdown");
	h->production = s->production || a->production;
	if (h->production)
		for (char *p = h->environment; *p; p++)
			*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
	h->demo = s->demo || a->demo;
	h->read_only = a->read_only;
	snprintf(h->leader, sizeof(h->leader), "%s", s->leader ? s->leader : "");
	h->now_ms = app_now(a);
	header_automation(s, app_stale(a), h);
	header_link(a, h);
	header_holds(a, h);
	snprintf(h->user, sizeof(h->user), "%s",
	         client_user(a->client) ? client_user(a->client) : "");
	h->unread = count_unread(a);
	incident_strip(a, h->incident, sizeof(h->incident), &h->ticks);
	h->here = (int)s->n_people;
	if (e) {
		event_next(a, e, true, what, when);
		snprintf(h->brief, sizeof(h->brief), "%.20s %.40s %.12s", e->id, what, when);
	}
	header_coach(a, h, e);
	h->ticks |= app_note_keep(a);
	h->ticks |= app_report_keep(a);
	h->ticks |= app_message_keep(a);
	if (app_past(a))
		app_past_header(a, h);
}

/* ---- alarms ------------------------------------------------------------------------------- */

static void alarm_event(struct app *a, const struct event *e)
{
	char key[128];
	int64_t left = e->deadline_at_ms - app_now(a);

	if (e->status == EV_PENDING || e->status == EV_HELD || e->status == EV_FAILED) {
		snprintf(key, sizeof(key), "%s %s %lld", e->id, event_status_name(e->status),
		         (long long)e->reopens);
		shell_alarm(a->shell, key);
	}
	if (e->status == EV_PENDING && e->deadline_at_ms && left > 0 && left <= 60000) {
		snprintf(key, sizeof(key), "%s soon %lld", e->id,
		         (long long)e->deadline_at_ms / 60000);
		shell_alarm(a->shell, key);
	}
}

static void on_changed(void *ctx)
{
	struct app *a = ctx;
	const struct state *s = client_state(a->client);

	if (!a->shell)
		return;
	if (!a->read_seq)
		a->read_seq = s->seq; /* what was there before we came is history */
	for (size_t i = 0; i < s->n_events; i++)
		alarm_event(a, &s->events[i]);
	app_runs_prefetch(a);
	app_incidents_changed(a);
	if (a->replay_first && s->seq && client_link(a->client) == LINK_API)
		app_replay(a, TAKE(a->replay_first), a->replay_first_ms);
	shell_changed(a->shell);
}

/* ---- the shell's questions ------------------------------------------------------------------ */

static void start_client(void *arg)
{
	struct app *a = arg;

	a->starting = false;
	if (!a->shell)
		free_p(&a); /* left before it began */
	else
		client_start(a->client);
}

/* In a turn of its own: the first frame is out before a library is touched. */
static void app_started(void *ctx)
{
	struct app *a = ctx;

	a->starting = true;
	loop_defer(a->loop, start_client, a);
}

static void app_refresh(void *ctx)
{
	struct app *a = ctx;

	shell_say(a->shell, ROLE_hint, "%s",
	          client_link(a->client) == LINK_API ? "the stream brings changes as they happen"
	                                             : client_trouble(a->client));
	shell_changed(a->shell);
}

static void app_unread(void *ctx, struct sheet *sh)
{
	struct app *a = ctx;
	const struct state *s = app_state(a);
	char clock[WHEN_TEXT];
	int n = app_due_lines(a, sh);

	for (size_t i = 0; i < s->n_messages; i++) {
		const struct message *m = &s->messages[i];
		if (!str_eq(m->state, "dead") && !str_eq(m->state, "waiting"))
			continue;
		sheet_line(sh, str_eq(m->state, "dead") ? ROLE_bad : ROLE_warn,
		           "%s  NOT TOLD  %s%s%s: %s",
		           when_clock(clock, m->at_ms, shell_utc(a->shell)),
		           m->channel ? m->channel : "?", str_empty(m->to) ? "" : " to ",
		           m->to ? m->to : "",
		           m->error ? m->error : m->state);
		n++;
	}
	for (size_t i = 0; i < s->n_entries && s->entries[i].seq > a->read_seq && n < 200;
	     i++, n++) {
		const struct entry *e = &s->entries[i];
		sheet_line(sh,
		           str_eq(e->severity, "bad")    ? ROLE_bad
		           : str_eq(e->severity, "warn") ? ROLE_warn
		                                         : ROLE_normal,
		           "%s  %s %s", when_clock(clock, e->at_ms, shell_utc(a->shell)),
		           e->subject ? e->subject
		           : e->kind  ? e->kind
		                      : "",
		           e->text ? e->text : "");
	}
	if (!n)
		sheet_line(sh, ROLE_dim, "nothing new since you looked");
	if (!app_past(a))
		a->read_seq = s->seq;
}

static void app_freeze(void *ctx, bool on)
{
	struct app *a = ctx;
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	struct json *doc;

	state_fini(&a->still);
	state_init(&a->still);
	a->frozen = false;
	if (!on)
		return;
	/* a copy: the live one goes on changing under it */
	state_json(&w, NULL, client_state(a->client));
	doc = json_parse(str_get(&b), b.len, NULL);
	if (doc && state_load(&a->still, doc, NULL) == 0) {
		a->still.now_ms = client_server_now_ms(a->client);
		a->frozen = true;
	}
	json_free(doc);
	str_fini(&b);
}

static void app_presence(void *ctx, const char *looking_at, bool dialog)
{
	struct app *a = ctx;

	client_presence(a->client, looking_at, dialog);
}

static void app_quit(void *ctx)
{
	struct app *a = ctx;

	if (a->quit)
		a->quit(a->quit_ctx);
	else
		loop_stop(a->loop);
}

static struct app *app_make(struct loop *l, const struct app_options *o)
{
	struct app *a = xcalloc(1, sizeof(*a));

	a->loop = l;
	a->environment = o->environment;
	a->production = o->production;
	a->demo = o->demo;
	a->read_only = o->read_only;
	a->quit = o->quit;
	a->quit_ctx = o->quit_ctx;
	state_init(&a->still);
	a->log = app_log_new(a);
	a->client = client_new(l, &o->client, on_changed, a);
	a->runs = run_data_new(a);
	a->incidents = incident_data_new(a);
	a->state_dir = o->client.state_dir;
	a->replay_first = o->replay;
	a->replay_first_ms = o->replay_ms;
	return a;
}

static struct shell_app shell_app_of(struct app *a)
{
	return (struct shell_app){
		.ctx = a,
		.views = views_all,
		.started = app_started,
		.header = app_header,
		.refresh = app_refresh,
		.actions = app_actions,
		.act = app_act,
		.possible = app_possible,
		.unread = app_unread,
		.command = app_command,
		.word = app_word,
		.presence = app_presence,
		.freeze = app_freeze,
		.key = app_replay_key,
		.quit = app_quit,
	};
}

int app_new(struct loop *l, const struct app_options *o, struct app **ret, struct err *err)
{
	struct app *a = app_make(l, o);
	struct shell_app sa = shell_app_of(a);
	int r = shell_new(l, &o->shell, &sa, &a->shell, err);

	if (r) {
		app_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

struct app *app_new_headless(struct loop *l, const struct app_options *o, int w, int h, bool ascii)
{
	struct app *a = app_make(l, o);
	struct shell_app sa = shell_app_of(a);

	a->shell = shell_new_headless(l, &o->shell, &sa, w, h, ascii);
	if (!a->shell) {
		app_free(a);
		return NULL;
	}
	client_start(a->client);
	return a;
}

void app_free(struct app *a)
{
	if (!a)
		return;
	shell_free(TAKE(a->shell)); /* first of all the terminal */
	app_decisions_free(a);
	run_data_free(TAKE(a->runs));
	incident_data_free(TAKE(a->incidents));
	app_declare_free(a);
	app_handover_free(a);
	app_messages_free(a);
	app_report_free(a);
	app_practices_free(a);
	app_replay_free(a);
	app_note_free(a);
	client_free(a->client);
	app_log_free(a->log);
	state_fini(&a->still);
	if (!a->starting)
		free_p(&a);
}
