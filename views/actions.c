/*
 * The table of what can be done, with which subject, in which states, by whom, and what is
 * sent for it. Used by keys, action menu, command line and dialogs alike. It opens nothing
 * and sends nothing: decide.c does.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/incidents.h"
#include "views/report.h"
#include "views/runs.h"

#define A "/api/admin/twilio-failover/"
#define ST(s) (1u << EV_##s)
#define ST_OPEN                                                                                    \
	(ST(HELD) | ST(PENDING) | ST(APPROVED) | ST(EXECUTING) | ST(FAILED) | ST(ROLLING_BACK))
#define ROW(name_, label_, key_, kind_, states_, role_, danger_, path_, ...)                       \
	{                                                                                          \
		.name = name_, .label = label_, .key = key_, .kind = kind_, .states = states_,     \
		.role = PR_##role_, .danger = DIALOG_##danger_, .method = "POST", .path = path_,   \
		__VA_ARGS__                                                                        \
	}

static const struct action actions[] = {
	ROW("approve", "approve the failover now", 'A', "event", ST(PENDING) | ST(HELD), OPERATOR,
	    WORD, A "approve",
	    .undo = "cancel is free until step 3; roll back is offered for 30 days",
	    .keeps = "calls in progress are never ended"),
	ROW("reject", "reject it", 'X', "event", ST(PENDING) | ST(HELD), OPERATOR, WORD, A "reject",
	    .own_reason = true,
	    .undo = "start it by hand (F); by itself nothing opens for an hour unless it gets "
	            "worse"),
	ROW("extend", "extend the window by 10 min", 'E', "event", ST(PENDING), OPERATOR, PLAIN,
	    A "extend", .undo = "approve (A) ends the window at once"),
	ROW("cancel", "cancel, as far as it can be", 'C', "event", ST(APPROVED) | ST(EXECUTING),
	    OPERATOR, WORD, A "cancel", .undo = "start it again by hand (F)",
	    .keeps = "before step 3 nothing has moved; later it is rolled back from the next point "
	             "between agents"),
	ROW("resume", "resume a failed attempt", 'R', "event", ST(FAILED), OPERATOR, WORD,
	    A "resume", .undo = "roll back (U)", .keeps = "agents already moved stay moved"),
	ROW("rollback", "roll back", 'U', "event", ST(COMPLETED) | ST(FAILED), OPERATOR, WORD,
	    A "rollback", .dry_run = true, .undo = "start a failover by hand (F)",
	    .keeps = "what somebody else changed since is left and listed"),
	ROW("accept", "accept it as it is", 'O', "event", ST(FAILED), OPERATOR, WORD, A "accept",
	    .own_reason = true, .undo = "none: what differs is recorded as wanted",
	    .keeps = "nothing is written outside"),
	ROW("ack", "acknowledge", 'a', "event", ST_OPEN, OPERATOR, PLAIN, "/api/v1/ack",
	    .undo = "none needed: it only stops the paging"),
	ROW("start", "start a failover by hand", 'F', "account", 0, OPERATOR, WORD, A "start",
	    .dry_run = true,
	    .undo = "cancel is free until step 3; roll back is offered for 30 days",
	    .keeps = "calls in progress are never ended"),
	ROW("verify", "verify the credentials now", 'v', "account", 0, ADMIN, PLAIN,
	    A "accounts/%s/verify", .undo = "reads only"),
	ROW("sync", "sync numbers", 'n', "account", 0, OPERATOR, PLAIN,
	    A "accounts/%s/numbers/sync", .undo = "reads the provider; writes our own pool only"),
	{ .name = "remove",
	  .label = "remove the account",
	  .key = 'D',
	  .kind = "account",
	  .role = PR_ADMIN,
	  .danger = DIALOG_TYPED,
	  .method = "DELETE",
	  .path = A "accounts/%s",
	  .undo = "add it again, with its credentials",
	  .keeps = "an account in use is refused" },
	{ .name = "add", .label = "add an account", .key = 'N', .kind = "", .role = PR_ADMIN },
	{ .name = "edit",
	  .label = "edit the account",
	  .key = 'e',
	  .kind = "account",
	  .role = PR_ADMIN },
	{ .name = "set-primary",
	  .label = "make it a home account",
	  .key = 'p',
	  .kind = "account",
	  .role = PR_ADMIN,
	  .danger = DIALOG_TYPED,
	  .method = "PATCH",
	  .path = A "accounts/%s",
	  .undo = "set another one primary",
	  .keeps = "no agent moves" },
	ROW("org-off", "stop SMS of this organisation", 'O', "org", 0, OPERATOR, WORD,
	    "/api/v1/sms/org-off", .dry_run = true),
	ROW("org-on", "let its SMS go again", 'I', "org", 0, OPERATOR, WORD, "/api/v1/sms/org-on",
	    .dry_run = true),
	ROW("org-rate", "limit its SMS a minute", 'L', "org", 0, OPERATOR, WORD,
	    "/api/v1/sms/org-rate", .dry_run = true, .asks = "messages a minute"),
	ROW("retry", "send failed SMS again, paced", 'T', "org code", 0, OPERATOR, WORD,
	    "/api/v1/sms/retry", .dry_run = true,
	    .keeps = "at most an hour old, once per message, never who opted out"),
	ROW("global-off", "automatic SMS of everybody off", 'G', "org code message", 0, OPERATOR,
	    WORD, "/api/v1/sms/global-off", .dry_run = true),
	ROW("global-on", "automatic SMS of everybody on", 'H', "org code message", 0, OPERATOR,
	    WORD, "/api/v1/sms/global-on", .dry_run = true),
	ROW("adopt-webhooks", "take its number's webhooks as approved", 'W', "agent", 0, OPERATOR,
	    WORD, "/api/v1/webhooks/adopt", .dry_run = true,
	    .keeps = "nothing is written at the provider"),
	ROW("repair-webhooks", "put its number's approved webhooks back", 'B', "agent", 0, OPERATOR,
	    WORD, "/api/v1/webhooks/repair", .dry_run = true,
	    .keeps = "a number that an attempt is at work on is left to it"),
	ROW("sms-ready", "its number may send SMS", 'Y', "agent", 0, OPERATOR, WORD,
	    "/api/v1/numbers/sms-ready", .dry_run = true),
	ROW("pause", "automation off", 'P', "", 0, OPERATOR, WORD, "/api/v1/pause",
	    .undo = "P again", .keeps = "tests, alerts and an attempt under way go on"),
	ROW("unpause", "automation on", 'P', "", 0, OPERATOR, WORD, "/api/v1/unpause",
	    .undo = "P again"),
	ROW("maintenance", "maintenance for an hour", 'M', "", 0, OPERATOR, WORD,
	    "/api/v1/maintenance", .undo = "automation on", .keeps = "it ends by itself"),
};

size_t action_count(void)
{
	return COUNT_OF(actions) + run_action_count() + incident_action_count() +
	       alert_action_count() + report_action_count() + practice_action_count();
}

const struct action *action_at(size_t i)
{
	size_t runs = COUNT_OF(actions) + run_action_count(),
	       incidents = runs + incident_action_count(),
	       alerts = incidents + alert_action_count(), reports = alerts + report_action_count();

	return i < COUNT_OF(actions) ? &actions[i]
	       : i < runs            ? run_action_at(i - COUNT_OF(actions))
	       : i < incidents       ? incident_action_at(i - runs)
	       : i < alerts          ? alert_action_at(i - incidents)
	       : i < reports         ? report_action_at(i - alerts)
	                             : practice_action_at(i - reports);
}

const struct action *action_find(const char *name)
{
	const struct action *x;

	for (size_t i = 0; (x = action_at(i)); i++)
		if (str_eq(x->name, name))
			return x;
	return NULL;
}

/* Kinds are words: "org message". */
static bool kind_fits(const struct action *x, const struct subject *s)
{
	const char *p = s->kind[0] ? strstr(x->kind, s->kind) : NULL;
	size_t n = strlen(s->kind);

	return !x->kind[0] || (p && (p == x->kind || p[-1] == ' ') && (p[n] == ' ' || !p[n]));
}

static bool paused(const struct app *a)
{
	return app_state(a)->control.paused || app_state(a)->control.maintenance;
}

/* "" when possible now, else why not. */
void action_why_not(const struct app *a, const struct action *x, const struct subject *s, char *buf,
                    size_t n)
{
	const struct event *e = str_eq(s->kind, "event") ? state_event(app_state(a), s->id) : NULL;

	buf[0] = '\0';
	if (!kind_fits(x, s))
		snprintf(buf, n, "needs an %s under the cursor", x->kind);
	else if (x->states && !e)
		snprintf(buf, n, "the event is not known any more");
	else if (x->states && !(x->states & 1u << e->status))
		snprintf(buf, n, "the event is %s", event_status_name(e->status));
	else if (app_past(a) && !str_eq(x->name, "replay"))
		snprintf(buf, n, "%s", app_past_why);
	else if (x->reads)
		(void)0;
	else if (a->read_only)
		snprintf(buf, n, "this console is read-only");
	else if (client_role(a->client) && client_role(a->client) < x->role)
		snprintf(buf, n, "it takes the role %s", enum_name(&person_role_names, x->role));
	else if (a->frozen)
		snprintf(buf, n, "the picture is frozen (z)");
	else if (app_stale(a))
		snprintf(buf, n, "the data is stale");
	else if (str_eq(x->name, "pause") && paused(a))
		snprintf(buf, n, "automation is off already");
	else if (str_eq(x->name, "unpause") && !paused(a))
		snprintf(buf, n, "automation is on");
	if (!buf[0] && x->hooks && x->hooks->why_not)
		x->hooks->why_not(a, x, s, buf, n);
}

/* Answers to what a run does not ask now would only be noise. */
static bool asked_for(const struct app *a, const struct action *x, const struct subject *s)
{
	const struct run_doc *d = x->wait ? app_runs_doc_of(a, s->id) : NULL;

	return !x->wait || (d && (int)d->wait.kind == x->wait);
}

size_t app_actions(void *app, const struct subject *s, struct shell_action *ret, size_t max)
{
	const struct app *a = app;
	size_t n = 0;

	/* first what is about this very row */
	for (size_t k = 0; k < 2 * action_count() && n < max; k++) {
		const struct action *x = action_at(k % action_count());
		if (!kind_fits(x, s) || (x->kind[0] != '\0') != (k < action_count()) ||
		    !asked_for(a, x, s))
			continue;
		ret[n] = (struct shell_action){ .key = x->key };
		snprintf(ret[n].name, sizeof(ret[n].name), "%s", x->name);
		snprintf(ret[n].label, sizeof(ret[n].label), "%s", x->label);
		action_why_not(a, x, s, ret[n].why_not, sizeof(ret[n].why_not));
		n++;
	}
	/* what is pinned to the header is released from any row */
	for (size_t i = 0; i < app_state(a)->n_holds && i < HEADER_HOLDS && n < max; i++, n++) {
		const struct hold *h = &app_state(a)->holds[i];
		ret[n] = (struct shell_action){ .key = (char)('1' + i) };
		snprintf(ret[n].name, sizeof(ret[n].name), "release %zu", i);
		snprintf(ret[n].label, sizeof(ret[n].label), "release the hold %.20s %.24s",
		         h->what ? h->what : "?", h->subject ? h->subject : "");
	}
	return n;
}

const char *action_release(const struct app *a, const char *name, struct subject *ret)
{
	const struct state *s = app_state(a);
	int64_t i;

	if (!parse_i64(name + strlen("release "), 0, HEADER_HOLDS - 1, &i) ||
	    (size_t)i >= s->n_holds)
		return NULL;
	const struct hold *h = &s->holds[i];
	if (str_has_prefix(h->subject ? h->subject : "", "RUN-"))
		return run_action_release(h, ret);
	*ret = (struct subject){ .kind = "org" };
	snprintf(ret->id, sizeof(ret->id), "%s", h->subject ? h->subject : "");
	snprintf(ret->title, sizeof(ret->title), "%s", ret->id);
	return str_eq(h->what, "sms-global-off") ? "global-on"
	       : str_eq(h->what, "sms-off")      ? "org-on"
	                                         : "org-rate";
}

/* What an action on this row would really be about. */
void action_resolve(const struct app *a, const struct action *x, struct subject *sub)
{
	const struct state *s = app_state(a);

	/* on an account the event keys mean its open event */
	if (str_eq(x->kind, "event") && str_eq(sub->kind, "account"))
		for (size_t i = 0; i < s->n_events; i++)
			if (str_eq(s->events[i].from, sub->id) &&
			    event_status_open(s->events[i].status)) {
				event_subject(a, &s->events[i], sub);
				return;
			}
	/* and on an event F means its source */
	if (str_eq(x->name, "start") && str_eq(sub->kind, "event")) {
		const struct event *e = state_event(s, sub->id);
		const struct account *from = e ? state_account(s, e->from) : NULL;
		if (from)
			account_subject(from, sub);
	}
}

const struct action *action_meant(const struct app *a, const char *name, const struct subject *s)
{
	char order[40];

	/* on a run the general keys mean its own orders */
	if (s && str_eq(s->kind, "run")) {
		snprintf(order, sizeof(order), "run-%.30s",
		         str_eq(name, "rollback") ? "undo" : name);
		if (action_find(order) && !str_eq(name, "pause"))
			return action_find(order);
	}
	if (s && str_eq(s->kind, "incident") && str_eq(name, "ack"))
		return action_find("inc-ack");
	if (s && str_eq(s->kind, "alert") && str_eq(name, "ack"))
		return action_find("alert-ack");
	return action_find(str_eq(name, "pause") && paused(a) ? "unpause" : name);
}

bool app_possible(void *app, const char *action, const struct subject *s)
{
	const struct action *x = action_meant(app, action, s);
	struct subject sub = *s;
	char why[120];

	if (!x)
		return false;
	action_resolve(app, x, &sub);
	action_why_not(app, x, &sub, why, sizeof(why));
	return !why[0];
}

/* ---- what is sent ------------------------------------------------------------------------- */

static void body_subject(const struct decision *d, struct jw *w)
{
	const char *name = d->action->name, *kind = d->subject.kind;

	if (str_eq(d->action->kind, "event")) {
		jw_str(w, "eventId", d->subject.id);
	} else if (str_eq(name, "start")) {
		jw_str(w, "accountId", d->subject.id);
		jw_str(w, "triggerType", "MANUAL");
	} else if (str_eq(kind, "org") && !str_has_prefix(name, "global")) {
		jw_str(w, "orgId", d->subject.id);
	} else if (str_eq(d->action->kind, "agent")) {
		jw_str(w, "agentId", d->subject.id);
	} else if (str_eq(kind, "code") && str_eq(name, "retry")) {
		jw_str(w, "code", d->subject.id);
	}
}

void action_body(const struct decision *d, bool dry_run, const char *reason, struct str *out)
{
	struct jw w = JW(out);
	const char *name = d->action->name;

	jw_obj(&w, NULL);
	if (str_eq(name, "set-primary")) {
		jw_bool(&w, "isPrimary", true);
		jw_obj_end(&w);
		return;
	}
	body_subject(d, &w);
	if (dry_run)
		jw_bool(&w, "dryRun", true);
	if (str_eq(name, "extend"))
		jw_i64(&w, "minutes", 10);
	if (str_eq(name, "maintenance"))
		jw_i64(&w, "minutes", 60);
	if (d->amount >= 0)
		jw_i64(&w, "perMinute", d->amount);
	if (!str_empty(reason))
		jw_str(&w, "reason", reason);
	if (!dry_run && d->rows >= 0)
		jw_i64(&w, "rows", d->rows); /* other rows than the preview said: refused */
	if (!dry_run && d->plan_hash[0] && str_eq(name, "approve"))
		jw_str(&w, "planHash", d->plan_hash);
	if (!dry_run && d->overrides[0])
		jw_raw(&w, "overrides", d->overrides);
	jw_obj_end(&w);
}

void action_path(const struct decision *d, char *buf, size_t n)
{
	const char *p = d->action->path, *mark = strstr(p, "%s");

	if (mark)
		snprintf(buf, n, "%.*s%s%s", (int)(mark - p), p, d->subject.id, mark + 2);
	else
		snprintf(buf, n, "%s", p);
}

void action_command(const struct decision *d, char *buf, size_t n)
{
	const char *name = d->action->name, *id = d->subject.id;

	if (str_eq(name, "start"))
		snprintf(buf, n, "ringdown failover start %s%s --reason ..", id, d->override_args);
	else if (str_eq(d->subject.kind, "run"))
		snprintf(buf, n, "ringdown runbook resume %s", id);
	else if (str_eq(d->subject.kind, "runbook"))
		snprintf(buf, n, "ringdown runbook run %s%s", id,
		         str_eq(name, "runbook-dry") ? " --dry-run" : "");
	else if (str_eq(d->subject.kind, "alert"))
		snprintf(buf, n, "ringdown alerts %s %s", name + strlen("alert-"), id);
	else if (str_eq(d->subject.kind, "practice"))
		snprintf(buf, n, "ringdown practices done %s", id);
	else if (str_eq(name, "report-state"))
		snprintf(buf, n, "ringdown report state %s STATE", id);
	else if (str_eq(name, "report-edit"))
		snprintf(buf, n, "ringdown report edit %s %s", id, d->subject.part);
	else if (str_eq(d->subject.kind, "report"))
		snprintf(buf, n, "ringdown report %s", id);
	else if (str_eq(d->subject.kind, "telling"))
		snprintf(buf, n, "%s", d->subject.command);
	else if (str_eq(d->subject.kind, "note"))
		snprintf(buf, n, "ringdown note %s %s%s", name + strlen("note-"), id,
		         str_eq(name, "note-retract") ? " --reason .." : "");
	else if (str_eq(d->subject.kind, "incident"))
		snprintf(buf, n, "ringdown incident %s %s",
		         str_eq(name, "inc-command") ? "role" : name + strlen("inc-"), id);
	else if (str_eq(name, "ack"))
		snprintf(buf, n, "ringdown ack %s", id);
	else if (str_eq(d->action->kind, "event"))
		snprintf(buf, n, "ringdown %s %s%s --reason ..", name, id, d->override_args);
	else if (str_eq(name, "sync"))
		snprintf(buf, n, "ringdown numbers sync %s", id);
	else if (str_eq(d->action->kind, "agent"))
		snprintf(buf, n, "ringdown numbers %.*s --agent %s --reason ..",
		         (int)(str_eq(name, "sms-ready") ? strlen(name) : strcspn(name, "-")), name,
		         id);
	else if (str_eq(d->action->kind, "account"))
		snprintf(buf, n, "ringdown accounts %s %s", name, id);
	else if (str_has_prefix(d->action->path ? d->action->path : "", "/api/v1/sms/"))
		snprintf(buf, n, "ringdown sms %s%s%s --reason ..", name,
		         str_has_prefix(name, "global") ? "" : " ",
		         str_has_prefix(name, "global") ? "" : id);
	else
		snprintf(buf, n, "ringdown %s --reason ..", name);
}
