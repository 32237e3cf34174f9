/*
 * The orders of incidents, as rows of the one table of actions, and the hooks of their
 * dialogs: what each shows, when it is not possible, what is sent. They change our own
 * records and whom the clocks tell, so Enter confirms; every one says what follows.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/incidents.h"
#include "views/note.h"
#include "views/runs.h"

#define DO "/api/v1/incidents/%s/do"

static bool is(const struct action *x, const char *name)
{
	return str_eq(x->name + strlen("inc-"), name);
}

static const char *me(const struct app *a, char *buf, size_t n)
{
	const char *user = client_user(a->client) ? client_user(a->client) : "";

	snprintf(buf, n, "%.*s", (int)strcspn(user, " "), user);
	return buf;
}

/* ---- parts of the incident under the cursor ---- */

static const struct incident_clock *clock_of(const struct incident_doc *d, const char *part)
{
	for (size_t i = 0; d && i < d->n_clocks; i++)
		if (str_eq(d->clocks[i].id, part))
			return &d->clocks[i];
	return NULL;
}

static const struct incident_task *task_of(const struct incident_doc *d, const char *part)
{
	for (size_t i = 0; d && i < d->n_tasks; i++)
		if (str_eq(d->tasks[i].id, part))
			return &d->tasks[i];
	return NULL;
}

static const struct incident_action *todo_of(const struct incident_doc *d, const char *part)
{
	for (size_t i = 0; d && i < d->n_actions; i++)
		if (str_eq(d->actions[i].id, part))
			return &d->actions[i];
	return NULL;
}

static bool can_be_done(const struct incident_clock *c)
{
	return c && (c->state == CS_DUE || c->state == CS_RUNNING) &&
	       (c->kind == CK_UPDATE || c->kind == CK_TASK || c->kind == CK_DEADLINE ||
	        c->kind == CK_VENDOR);
}

const char *incident_action_of(const struct incident_doc *d, const char *part)
{
	const struct incident_clock *c = clock_of(d, part);
	const struct incident_action *t = todo_of(d, part);

	if (task_of(d, part))
		return "inc-task";
	if (t)
		return str_eq(t->state, "open") ? "inc-todo" : NULL;
	if (c && c->state == CS_HELD)
		return "inc-run";
	if (can_be_done(c))
		return "inc-done";
	if (c && c->state == CS_RUNNING)
		return "inc-hold";
	return str_has_prefix(part, "role ") ? "inc-role" : NULL;
}

/* ---- why not ---- */

static void part_why_not(const struct app *a, const struct action *x, const struct subject *s,
                         char *buf, size_t n)
{
	const struct incident_doc *d = app_incident_doc(a);
	const struct incident_clock *c = clock_of(d, s->part);

	if (is(x, "hold") && !(c && c->state == CS_RUNNING))
		snprintf(buf, n, "put the cursor on a clock that runs");
	else if (is(x, "run") && !(c && c->state == CS_HELD))
		snprintf(buf, n, "put the cursor on a clock that is held");
	else if (is(x, "done") && !can_be_done(c))
		snprintf(buf, n, "put the cursor on an update, a deadline or something to do");
	else if (is(x, "task") && !task_of(d, s->part))
		snprintf(buf, n, "put the cursor on a line of the checklist");
	else if (is(x, "todo") &&
	         !(todo_of(d, s->part) && str_eq(todo_of(d, s->part)->state, "open")))
		snprintf(buf, n, "put the cursor on an open action");
}

static void why_not(const struct app *a, const struct action *x, const struct subject *s, char *buf,
                    size_t n)
{
	const struct incident *i = app_incident_find(a, s->id);
	static const struct {
		const char *name;
		int to;
	} steps[] = {
		{ "ack", IS_ACKNOWLEDGED },
		{ "mitigate", IS_MITIGATED },
		{ "resolve", IS_RESOLVED },
		{ "close", IS_CLOSED },
	};

	if (!i) {
		snprintf(buf, n, "the incident is not known any more");
		return;
	}
	for (size_t k = 0; k < COUNT_OF(steps); k++)
		if (is(x, steps[k].name) && i->state >= steps[k].to)
			snprintf(buf, n, "it is %s", word_incident_state(i));
	if (is(x, "close") && i->state < IS_RESOLVED)
		snprintf(buf, n, "resolve it first");
	if (is(x, "severity") && !incident_open(i))
		snprintf(buf, n, "it is %s: the severity it had stays", word_incident_state(i));
	if (!buf[0])
		part_why_not(a, x, s, buf, n);
}

/* ---- what is shown ---- */

static void add_reasons(struct dialog *g, const char *one, const char *two, const char *three)
{
	const char *v[] = { one, two, three };

	for (size_t i = 0; i < COUNT_OF(v); i++)
		snprintf(g->reasons[i], sizeof(g->reasons[i]), "%s", v[i] ? v[i] : "");
}

static void state_lines(const struct action *x, struct dialog *g, const struct incident *i)
{
	if (is(x, "ack")) {
		dialog_line(g, ROLE_normal, "STOPS",
		            "paging, repeats and the ladder of %s; who was "
		            "told hears that you are on it",
		            i->id);
	} else if (is(x, "mitigate")) {
		dialog_line(g, ROLE_normal, "MEANS",
		            "customers are served again; the cause may still "
		            "be there. Updates go on.");
		add_reasons(g, "customers are served again", "moved to the standby account",
		            "a workaround holds");
	} else if (is(x, "resolve")) {
		dialog_line(g, ROLE_normal, "STOPS",
		            "every clock but report (24 h) and review (48 h), "
		            "which are counted from now; who was told hears it");
		add_reasons(g, "checks pass again; traffic is normal", "the provider resolved it",
		            "the change was taken back");
	} else if (is(x, "close")) {
		dialog_line(g, ROLE_normal, "STOPS", "the deadlines of report and review");
	}
}

static void severity_lines(struct app *a, struct dialog *g, const struct incident *i)
{
	const struct severity_row *v;
	size_t n = app_severities(a, &v);

	dialog_line(g, ROLE_normal, "NOW", "%s; when in doubt the higher", i->severity);
	dialog_line(g, ROLE_normal, "STOPS", "the clocks of %s; those of the other begin now",
	            i->severity);
	for (size_t k = 0; k < n; k++)
		dialog_choice(g, "%s %s: %s", v[k].id, v[k].label,
		              v[k].n_criteria ? v[k].criteria[0] : "");
	add_reasons(g, "more customers are affected than thought",
	            "fewer customers are affected than thought", "it lasts longer than expected");
}

static void clock_lines(const struct app *a, struct dialog *g, const struct incident_clock *c)
{
	char when[WHEN_TEXT];

	dialog_line(g, ROLE_danger, "CLOCK", "%s: %s%s%s", word_clock(c->kind),
	            c->text ? c->text : "", str_empty(c->target) ? "" : ", to ",
	            str_empty(c->target) ? "" : c->target);
	dialog_line(g, ROLE_normal, "DUE", "%s",
	            when_clock(when, c->due_at_ms, shell_utc(a->shell)));
}

static void fill_part(struct decision *d, struct dialog *g)
{
	bool of_part = is(d->action, "task") || is(d->action, "done") || is(d->action, "hold") ||
	               is(d->action, "run") || is(d->action, "todo");
	const struct incident_doc *doc = of_part ? app_incident_doc(d->app) : NULL;
	const struct incident_clock *c = clock_of(doc, d->subject.part);
	const struct incident_task *t = task_of(doc, d->subject.part);
	const struct incident_action *todo = todo_of(doc, d->subject.part);

	if (c)
		clock_lines(d->app, g, c);
	if (c && is(d->action, "done"))
		add_reasons(g,
		            c->kind == CK_UPDATE ? "posted to the channel and the status page"
		            : str_eq(c->ladder, "call") ? "called and reached"
		                                        : "done",
		            c->kind == CK_UPDATE        ? "posted to the channel only"
		            : str_eq(c->ladder, "call") ? "called, nobody answered"
		                                        : NULL,
		            NULL);
	if (t)
		dialog_line(g, ROLE_danger, t->done ? "NOT DONE" : "DONE", "%s", t->text);
	if (todo)
		dialog_line(g, ROLE_danger, "ACTION", "%s", todo->text);
	if (is(d->action, "hold"))
		dialog_line(g, ROLE_warn, "MEANS",
		            "nothing is sent by this clock until it runs again; "
		            "the time left is kept");
}

static void fill_role(struct decision *d, struct dialog *g)
{
	char name[64];

	snprintf(g->own_label, sizeof(g->own_label), "WHO");
	field_set(&g->own, me(d->app, name, sizeof(name)));
	for (size_t i = 0; i < INCIDENT_ROLES; i++)
		dialog_choice(g, "%s: %s", incident_role_words[i].name,
		              incident_role_words[i].what);
	/* a role of the incident under the cursor */
	for (size_t i = 0; i < INCIDENT_ROLES; i++)
		if (str_has_prefix(d->subject.part, "role ") &&
		    str_eq(d->subject.part + 5, incident_role_words[i].name))
			g->choice = (int)i;
}

static void fill(struct decision *d, struct dialog *g)
{
	const struct incident *i = app_incident_find(d->app, d->subject.id);

	if (!i)
		return;
	d->status = i->state;
	snprintf(d->plan_hash, sizeof(d->plan_hash), "%s", i->severity ? i->severity : "");
	dialog_line(g, ROLE_danger, "TARGET", "%s %s %s: %s", i->id, i->severity,
	            word_incident_state(i), i->title ? i->title : "");
	state_lines(d->action, g, i);
	if (is(d->action, "severity"))
		severity_lines(d->app, g, i);
	else if (is(d->action, "role"))
		fill_role(d, g);
	else if (is(d->action, "add"))
		snprintf(g->own_label, sizeof(g->own_label), "WHAT");
	else
		fill_part(d, g);
	dialog_arm(g, "");
	if (is(d->action, "role"))
		g->focus = 0; /* the role is chosen first; Tab goes to who */
}

static const char *on_check(struct decision *d)
{
	const struct incident *i = app_incident_find(d->app, d->subject.id);

	if (!i || (i->state == d->status && str_eq(i->severity, d->plan_hash)))
		return NULL;
	snprintf(d->what, sizeof(d->what), "%.20s is %s %s now; look at it again", i->id,
	         i->severity, word_incident_state(i));
	return d->what;
}

/* ---- what is sent ---- */

static bool pick(struct decision *d, struct dialog *g, struct jw *w)
{
	const struct severity_row *v;

	if (g->choice < 0 || g->choice >= (int)g->n_choices) {
		dialog_note(g, ROLE_warn, "choose one first: a number, or Up Down");
		return false;
	}
	if (is(d->action, "severity")) {
		if ((size_t)g->choice < app_severities(d->app, &v))
			jw_str(w, "severity", v[g->choice].id);
		jw_str(w, "reason", dialog_reason(g));
		return true;
	}
	jw_str(w, "role", incident_role_words[g->choice].name);
	jw_str(w, "person", g->own.text);
	return true;
}

static bool body_part(struct decision *d, struct dialog *g, struct jw *w)
{
	const struct incident_task *t = task_of(app_incident_doc(d->app), d->subject.part);

	if (is(d->action, "task")) {
		jw_str(w, "task", d->subject.part);
		jw_bool(w, "on", !(t && t->done));
		return true;
	}
	jw_str(w, "clock", d->subject.part);
	if (is(d->action, "hold")) {
		jw_str(w, "reason", g->own.text);
	} else if (is(d->action, "done")) {
		jw_str(w, "text", dialog_reason(g));
	}
	if (is(d->action, "hold") && !g->own.len) {
		dialog_note(g, ROLE_warn, "say why it is held");
		return false;
	}
	return true;
}

static bool body(struct decision *d, struct dialog *g, struct jw *w)
{
	const char *name = d->action->name + strlen("inc-");
	char who[64];

	if (is(d->action, "todo") || is(d->action, "add"))
		jw_str(w, "action", "action");
	else
		jw_str(w, "action", is(d->action, "command") ? "role" : name);
	if (is(d->action, "severity") || is(d->action, "role"))
		return pick(d, g, w);
	if (is(d->action, "command")) {
		jw_str(w, "role", "commander");
		jw_str(w, "person", me(d->app, who, sizeof(who)));
		return true;
	}
	if (is(d->action, "todo")) {
		jw_str(w, "id", d->subject.part);
		jw_str(w, "state", "done");
		return true;
	}
	if (is(d->action, "add")) {
		if (!g->own.len)
			dialog_note(g, ROLE_warn, "say what is to be done");
		jw_str(w, "text", g->own.text);
		return g->own.len > 0;
	}
	if (d->subject.part[0] && (is(d->action, "task") || is(d->action, "hold") ||
	                           is(d->action, "run") || is(d->action, "done")))
		return body_part(d, g, w);
	if (!str_empty(dialog_reason(g)))
		jw_str(w, "reason", dialog_reason(g));
	return true;
}

static void done(struct app *a, int status, const struct json *doc)
{
	(void)status;
	app_incident_took(a, doc);
}

static const struct action_hooks hooks = {
	.why_not = why_not, .fill = fill, .check = on_check, .body = body, .done = done
};

/* ---- people's keys that need no row ---- */

static void run_note(struct app *a, const struct action *x, const struct subject *s)
{
	(void)x;
	app_note(a, s);
}

static void run_declare(struct app *a, const struct action *x, const struct subject *s)
{
	(void)x;
	(void)s;
	app_declare(a);
}

static void people_why_not(const struct app *a, const struct action *x, const struct subject *s,
                           char *buf, size_t n)
{
	(void)x;
	(void)s;
	app_people_why_not(a, buf, n);
}

static void run_replay(struct app *a, const struct action *x, const struct subject *s)
{
	const char *id = str_eq(s->kind, "incident") ? s->id : "";

	(void)x;
	app_replay(a, id, 0);
}

static const struct action_hooks replay_hooks = { .run = run_replay };
static const struct action_hooks note_hooks = { .run = run_note, .why_not = people_why_not };
static const struct action_hooks declare_hooks = { .run = run_declare, .why_not = people_why_not };

#define INC(name_, label_, key_, ...)                                                              \
	{                                                                                          \
		.name = "inc-" name_, .label = label_, .key = key_, .kind = "incident",            \
		.role = PR_OPERATOR, .danger = DIALOG_PLAIN, .method = "POST", .path = DO,         \
		.hooks = &hooks, __VA_ARGS__                                                       \
	}

static const struct action actions[] = {
	INC("ack", "acknowledge: you are on it", 'a', .verb = "acknowledge"),
	INC("command", "take command", 'c', .verb = "take command"),
	INC("mitigate", "mitigated: customers are served", 'm', .verb = "say so"),
	INC("resolve", "resolved", 'r', .verb = "resolve it"),
	INC("close", "close it", 'x', .verb = "close it"),
	INC("severity", "other severity", 's', .verb = "change it"),
	INC("role", "who is what", 'w', .verb = "say so", .own_reason = true),
	INC("task", "tick the line of the checklist", 'k', .verb = "tick it"),
	INC("done", "it was done (update, deadline, to do)", 'd', .verb = "say so"),
	INC("hold", "hold the clock, with a reason", 'h', .verb = "hold it", .own_reason = true),
	INC("run", "let the clock run again", 'u', .verb = "let it run"),
	INC("add", "an action for afterwards", 'n', .verb = "add it", .own_reason = true),
	INC("todo", "the action is done", 'o', .verb = "say so"),
	{ .name = "inc-tell",
	  .label = "send the message",
	  .verb = "send it",
	  .kind = "telling",
	  .role = PR_OPERATOR,
	  .danger = DIALOG_WORD,
	  .method = "POST",
	  .path = "/api/v1/incidents/%s",
	  .hooks = &tell_hooks },
	{ .name = "note-edit",
	  .label = "change the note",
	  .key = 'e',
	  .kind = "note",
	  .role = PR_OPERATOR,
	  .reads = true,
	  .hooks = &note_edit_hooks },
	{ .name = "note-retract",
	  .label = "take the note back",
	  .verb = "take it back",
	  .key = 'x',
	  .kind = "note",
	  .role = PR_OPERATOR,
	  .danger = DIALOG_PLAIN,
	  .method = "POST",
	  .path = "/api/v1/notes/%s/retract",
	  .own_reason = true,
	  .hooks = &note_retract_hooks },
	{ .name = "note-back",
	  .label = "bring the note back",
	  .verb = "bring it back",
	  .kind = "note",
	  .role = PR_OPERATOR,
	  .danger = DIALOG_PLAIN,
	  .method = "POST",
	  .path = "/api/v1/notes/%s/retract",
	  .hooks = &note_retract_hooks },
	/* read-only consoles and roles are told by the form itself: stale data is no reason */
	{ .name = "note",
	  .label = "write a note (t)",
	  .kind = "",
	  .role = PR_OPERATOR,
	  .reads = true,
	  .hooks = &note_hooks },
	{ .name = "declare",
	  .label = "declare an incident (D)",
	  .kind = "",
	  .role = PR_OPERATOR,
	  .reads = true,
	  .hooks = &declare_hooks },
	{ .name = "replay",
	  .label = "replay: the console as it was (T)",
	  .kind = "",
	  .role = PR_VIEWER,
	  .reads = true,
	  .hooks = &replay_hooks },
};

size_t incident_action_count(void)
{
	return COUNT_OF(actions);
}

const struct action *incident_action_at(size_t i)
{
	return i < COUNT_OF(actions) ? &actions[i] : NULL;
}

void app_people_why_not(const struct app *a, char *buf, size_t n)
{
	buf[0] = '\0';
	if (app_past(a))
		snprintf(buf, n, "%s", app_past_why);
	else if (a->read_only)
		snprintf(buf, n, "this console is read-only");
	else if (client_role(a->client) && client_role(a->client) < PR_OPERATOR)
		snprintf(buf, n, "it takes the role operator");
	else if (a->frozen)
		snprintf(buf, n, "the picture is frozen (z)");
}
