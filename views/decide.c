/*
 * Decisions: the table of actions and the dialog that each opens. The target, its version
 * and the plan's hash are fixed when the dialog opens; whatever happens to them meanwhile
 * disarms it. Invariant: nothing is sent except from confirm(), and never while the data
 * is stale.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/app.h"

#define A "/api/admin/twilio-failover/"
#define ST(s) (1u << EV_##s)
#define ST_OPEN                                                                                    \
	(ST(HELD) | ST(PENDING) | ST(APPROVED) | ST(EXECUTING) | ST(FAILED) | ST(ROLLING_BACK))

struct action {
	const char *name, *label;
	char key;
	const char *kind; /* of the subject; "" = needs none */
	unsigned states;  /* of an event */
	enum person_role role;
	enum dialog_danger danger;
	const char *method, *path; /* %s = the subject's id */
	bool dry_run;              /* the plan is asked for first */
	bool own_reason;
	const char *undo;  /* how it is taken back */
	const char *keeps; /* what it does not touch */
};

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
	ROW("sms-off", "stop SMS of this organisation", 'O', "org", 0, OPERATOR, WORD,
	    "/api/v1/sms/org-off",
	    .undo = "sms-on (the hold stays pinned to the header until then)"),
	ROW("sms-on", "let its SMS go again", 'I', "org", 0, OPERATOR, WORD, "/api/v1/sms/org-on",
	    .undo = "sms-off"),
	ROW("retry", "retry failed SMS, paced", 'T', "org", 0, OPERATOR, WORD, "/api/v1/sms/retry",
	    .undo = "none: a message that was sent was sent",
	    .keeps = "at most an hour old, once per message, never who opted out"),
	ROW("pause", "automation off", 'P', "", 0, OPERATOR, WORD, "/api/v1/pause",
	    .undo = "P again", .keeps = "tests, alerts and an attempt under way go on"),
	ROW("unpause", "automation on", 'P', "", 0, OPERATOR, WORD, "/api/v1/unpause",
	    .undo = "P again"),
	ROW("maintenance", "maintenance for an hour", 'm', "", 0, OPERATOR, WORD,
	    "/api/v1/maintenance", .undo = "automation on", .keeps = "it ends by itself"),
};

struct decision {
	struct app *app;
	const struct action *action;
	struct subject subject;
	int64_t version;
	int status;
	char plan_hash[80], what[200];
	char overrides[256];     /* JSON array, "" = none */
	char override_args[256]; /* the same for the command line */
	struct client_request *request;
	bool sent;             /* the change itself is under way */
	struct decision *next; /* of those whose dialog was left */
};

static void drop(struct decision *d)
{
	if (d->request)
		client_cancel(d->request);
	free_p(&d);
}

void app_decisions_free(struct app *a)
{
	if (a->decision)
		drop(TAKE(a->decision));
	while (a->left) {
		struct decision *d = a->left;
		a->left = d->next;
		drop(d);
	}
}

static void unlink_left(struct app *a, const struct decision *d)
{
	for (struct decision **p = &a->left; *p; p = &(*p)->next)
		if (*p == d) {
			*p = d->next;
			return;
		}
}

static const struct action *find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(actions); i++)
		if (str_eq(actions[i].name, name))
			return &actions[i];
	return NULL;
}

static bool paused(const struct app *a)
{
	return app_state(a)->control.paused || app_state(a)->control.maintenance;
}

/* "" when possible now, else why not. */
static void why_not(const struct app *a, const struct action *x, const struct subject *s, char *buf,
                    size_t n)
{
	const struct event *e = str_eq(s->kind, "event") ? state_event(app_state(a), s->id) : NULL;

	buf[0] = '\0';
	if (x->kind[0] && !str_eq(x->kind, s->kind))
		snprintf(buf, n, "needs an %s under the cursor", x->kind);
	else if (x->states && !e)
		snprintf(buf, n, "the event is not known any more");
	else if (x->states && !(x->states & 1u << e->status))
		snprintf(buf, n, "the event is %s", event_status_name(e->status));
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
}

size_t app_actions(void *app, const struct subject *s, struct shell_action *ret, size_t max)
{
	const struct app *a = app;
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(actions) && n < max; i++) {
		const struct action *x = &actions[i];
		if (x->kind[0] && !str_eq(x->kind, s->kind))
			continue;
		ret[n] = (struct shell_action){ .key = x->key };
		snprintf(ret[n].name, sizeof(ret[n].name), "%s", x->name);
		snprintf(ret[n].label, sizeof(ret[n].label), "%s", x->label);
		why_not(a, x, s, ret[n].why_not, sizeof(ret[n].why_not));
		n++;
	}
	return n;
}

/* What an action on this row would really be about. */
static void resolve(const struct app *a, const struct action *x, struct subject *sub)
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

static const struct action *find_meant(const struct app *a, const char *name)
{
	return find(str_eq(name, "pause") && paused(a) ? "unpause" : name);
}

bool app_possible(void *app, const char *action, const struct subject *s)
{
	const struct action *x = find_meant(app, action);
	struct subject sub = *s;
	char why[120];

	if (!x)
		return false;
	resolve(app, x, &sub);
	why_not(app, x, &sub, why, sizeof(why));
	return !why[0];
}

/* ---- what is sent ------------------------------------------------------------------------- */

static void body_of(const struct decision *d, bool dry_run, const char *reason, struct str *out)
{
	struct jw w = JW(out);
	const char *kind = d->subject.kind;

	jw_obj(&w, NULL);
	if (str_eq(d->action->name, "set-primary")) {
		jw_bool(&w, "isPrimary", true);
		jw_obj_end(&w);
		return;
	}
	if (str_eq(d->action->kind, "event"))
		jw_str(&w, "eventId", d->subject.id);
	else if (str_eq(d->action->name, "start")) {
		jw_str(&w, "accountId", d->subject.id);
		jw_str(&w, "triggerType", "MANUAL");
	} else if (str_eq(d->action->kind, "org") && str_eq(kind, "org"))
		jw_str(&w, "orgId", d->subject.id);
	if (dry_run)
		jw_bool(&w, "dryRun", true);
	if (str_eq(d->action->name, "extend"))
		jw_i64(&w, "minutes", 10);
	if (str_eq(d->action->name, "maintenance"))
		jw_i64(&w, "minutes", 60);
	if (!str_empty(reason))
		jw_str(&w, "reason", reason);
	if (d->plan_hash[0] && str_eq(d->action->name, "approve") && !dry_run)
		jw_str(&w, "planHash", d->plan_hash);
	if (d->overrides[0] && !dry_run)
		jw_raw(&w, "overrides", d->overrides);
	jw_obj_end(&w);
}

static void path_of(const struct decision *d, char *buf, size_t n)
{
	const char *p = d->action->path, *mark = strstr(p, "%s");

	if (mark)
		snprintf(buf, n, "%.*s%s%s", (int)(mark - p), p, d->subject.id, mark + 2);
	else
		snprintf(buf, n, "%s", p);
}

static void command_of(const struct decision *d, char *buf, size_t n)
{
	const char *name = d->action->name, *id = d->subject.id;

	if (str_eq(name, "start"))
		snprintf(buf, n, "ringdown failover start %s%s --reason ..", id, d->override_args);
	else if (str_eq(name, "ack"))
		snprintf(buf, n, "ringdown alerts ack %s", id);
	else if (str_eq(d->action->kind, "event"))
		snprintf(buf, n, "ringdown failover %s %s%s --reason ..", name, id,
		         d->override_args);
	else if (str_eq(name, "sync"))
		snprintf(buf, n, "ringdown numbers sync %s", id);
	else if (str_eq(d->action->kind, "account"))
		snprintf(buf, n, "ringdown accounts %s %s", name, id);
	else if (str_eq(d->action->kind, "org"))
		snprintf(buf, n, "ringdown sms %s %s --reason ..",
		         str_eq(name, "sms-off")  ? "org-off"
		         : str_eq(name, "sms-on") ? "org-on"
		                                  : name,
		         id);
	else
		snprintf(buf, n, "ringdown failover %s --reason ..", name);
}

static void answered(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct decision *d = ctx;
	struct app *a = d->app;
	char text[200];

	bool good = status >= 200 && status < 300;

	d->request = NULL;
	(void)doc;
	if (good)
		snprintf(text, sizeof(text), "%s: done %s", d->action->label, d->subject.id);
	else if (status == 0)
		snprintf(text, sizeof(text),
		         "no answer: %.120s; whether it happened shows in the event",
		         problem ? problem : "the engine is not reached");
	else
		snprintf(text, sizeof(text), "refused (%d): %.160s", status,
		         problem ? problem : "no reason given");
	if (a->decision != d) { /* its dialog was left meanwhile */
		unlink_left(a, d);
		shell_say(a->shell, good ? ROLE_ok : ROLE_error, "%s %s: %s", d->action->name,
		          d->subject.id, text);
		free_p(&d);
		return;
	}
	if (good) {
		dialog_close(shell_dialog(a->shell)); /* drops d */
		shell_say(a->shell, ROLE_ok, "%s", text);
		return;
	}
	d->sent = false;
	dialog_done(shell_dialog(a->shell), false, text);
	shell_redraw(a->shell);
}

static void on_confirm(void *ctx, struct dialog *dialog)
{
	struct decision *d = ctx;
	struct app *a = d->app;
	struct str body = STR_INIT(8192);
	char path[256];

	if (app_stale(a)) {
		dialog_disarm(dialog, "the data is stale: nothing was sent");
		return;
	}
	body_of(d, false, dialog_reason(dialog), &body);
	path_of(d, path, sizeof(path));
	dialog_sending(dialog, loop_now_ms(a->loop));
	d->sent = true;
	d->request = client_send(a->client, d->action->method, path,
	                         str_eq(d->action->method, "DELETE") ? NULL : str_get(&body),
	                         answered, d);
	str_fini(&body);
}

static void on_closed(void *ctx)
{
	struct decision *d = ctx;
	struct app *a = d->app;

	a->decision = NULL;
	if (d->sent) { /* what was sent counts: its answer is still waited for */
		d->next = a->left;
		a->left = d;
		return;
	}
	drop(d);
}

/* What happened to the target since the dialog opened. */
static const char *on_check(void *ctx)
{
	struct decision *d = ctx;
	struct app *a = d->app;
	const struct event *e;
	char age[WHEN_TEXT];

	if (app_stale(a)) {
		char command[512];
		command_of(d, command, sizeof(command));
		snprintf(
		        d->what, sizeof(d->what),
		        "the data is stale, so nothing can be changed from here; elsewhere: %.120s",
		        command);
		return d->what;
	}
	if (!str_eq(d->action->kind, "event"))
		return NULL;
	e = state_event(app_state(a), d->subject.id);
	if (!e) {
		snprintf(d->what, sizeof(d->what), "%.60s is not there any more", d->subject.id);
		return d->what;
	}
	if (e->status != d->status || e->version != d->version) {
		snprintf(d->what, sizeof(d->what), "%.20s is %s now%s%.30s, %s ago: %.90s", e->id,
		         event_status_name(e->status), e->decided_by ? " by " : "",
		         e->decided_by ? e->decided_by : "",
		         when_age(age, app_now(a) - e->state_since_ms), e->reason ? e->reason : "");
		return d->what;
	}
	if (str_eq(d->action->name, "approve") && d->plan_hash[0] && e->plan_hash &&
	    !str_eq(e->plan_hash, d->plan_hash)) {
		snprintf(d->what, sizeof(d->what), "the plan changed to #%.4s; look at it again",
		         e->plan_hash);
		return d->what;
	}
	return NULL;
}

static const struct dialog_events dialog_events = { .confirm = on_confirm,
	                                            .closed = on_closed,
	                                            .check = on_check };

/* ---- filling the dialog -------------------------------------------------------------------------
 */

static void arm(struct decision *d)
{
	struct app *a = d->app;
	struct dialog *dialog = shell_dialog(a->shell);
	const struct event *e = state_event(app_state(a), d->subject.id);
	char word[64];

	if (dialog->danger == DIALOG_TYPED ||
	    (dialog->danger == DIALOG_WORD && shell_header(a->shell)->production))
		snprintf(word, sizeof(word), "%.63s",
		         e ? app_account(a, dialog->danger == DIALOG_TYPED ? e->to : e->from)
		           : d->subject.title);
	else if (strlen(d->plan_hash) >= 8) /* a part of the plan's number that no view shows */
		snprintf(word, sizeof(word), "%.4s", d->plan_hash + 4);
	else
		snprintf(word, sizeof(word), "%04u",
		         (unsigned)(loop_random(a->loop) % 9000 + 1000));
	dialog_arm(dialog, word);
}

static void plan_lines(struct decision *d, const struct json *plan)
{
	struct dialog *dialog = shell_dialog(d->app->shell);
	struct event e = { 0 };
	struct str b = STR_INIT(1 << 20);
	char text[256];

	json_print(&b, plan);
	e.plan = str_take(&b);
	e.agents_total = json_get_i64(plan, "total", json_get_i64(plan, "needed", 0));
	event_plan_text(&e, text, sizeof(text));
	free_p(&e.plan);
	const char *hash = json_get_str(plan, "hash");
	if (!hash)
		hash = json_get_str(plan, "planHash");
	snprintf(d->plan_hash, sizeof(d->plan_hash), "%s", hash ? hash : "");
	const char *to = json_get_str(plan, "to");
	if (!to)
		to = json_get_str(plan, "toAccountId");
	if (to)
		dialog_line(dialog, ROLE_danger, "TO", "%s", app_account(d->app, to));
	dialog_line(dialog, ROLE_normal, "PLAN", "#%.4s  %s", hash ? hash : "?", text);
	if (json_count(json_get(plan, "conflicts")))
		dialog_line(dialog, ROLE_warn, "LEFT", "%zu items that somebody else changed",
		            json_count(json_get(plan, "conflicts")));
}

static void planned(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct decision *d = ctx;
	struct app *a = d->app;
	struct dialog *dialog = shell_dialog(a->shell);
	const struct json *plan = json_get(doc, "plan");
	char text[200];

	d->request = NULL;
	if (status == 200) {
		plan_lines(d, plan ? plan : doc);
		arm(d);
	} else {
		for (const struct json *g = json_first(json_get(doc, "gates")); g; g = json_next(g))
			if (!json_get_bool(g, "pass", true))
				dialog_line(dialog, ROLE_bad, "SHUT", "%s: %s",
				            json_get_str(g, "gate") ? json_get_str(g, "gate") : "?",
				            json_get_str(g, "why") ? json_get_str(g, "why") : "");
		snprintf(text, sizeof(text), "not possible%s%.160s", problem ? ": " : "",
		         problem ? problem : "");
		dialog_disarm(dialog, text);
	}
	shell_redraw(a->shell);
}

/* Shut gates that may be overridden become part of the approval, in plain sight. */
static void override_lines(struct decision *d, const struct event *e, bool *typed, bool *blocked)
{
	struct dialog *dialog = shell_dialog(d->app->shell);
	size_t n = 0;

	for (size_t i = 0; i < e->n_gates; i++) {
		const struct gate_result *g = &e->gates[i];
		size_t at = strlen(d->overrides), arg = strlen(d->override_args);
		if (g->pass)
			continue;
		dialog_line(dialog, ROLE_bad, g->overridable ? "OVERRIDE" : "SHUT", "%s: %s",
		            gate_name(g->gate), g->why ? g->why : "");
		if (!g->overridable) {
			*blocked = true;
			continue;
		}
		*typed |= g->typed;
		snprintf(d->overrides + at, sizeof(d->overrides) - at, "%s\"%s\"", n ? "," : "[",
		         gate_name(g->gate));
		snprintf(d->override_args + arg, sizeof(d->override_args) - arg, " --override %s",
		         gate_name(g->gate));
		n++;
	}
	if (n)
		snprintf(d->overrides + strlen(d->overrides),
		         sizeof(d->overrides) - strlen(d->overrides), "]");
}

static void event_lines(struct decision *d, const struct event *e)
{
	struct app *a = d->app;
	struct dialog *dialog = shell_dialog(a->shell);
	char text[256], what[WHEN_TEXT], when[WHEN_TEXT];
	bool typed = false, blocked = false;

	d->status = e->status;
	d->version = e->version;
	snprintf(d->plan_hash, sizeof(d->plan_hash), "%s", e->plan_hash ? e->plan_hash : "");
	dialog_line(dialog, ROLE_danger, "TARGET", "%s: %s to %s (%s)", e->id,
	            app_account(a, e->from), app_account(a, e->to), event_status_name(e->status));
	dialog_line(dialog, ROLE_normal, "CAUSE", "%s", e->cause ? e->cause : "none recorded");
	if (str_eq(d->action->name, "approve") || str_eq(d->action->name, "resume")) {
		event_plan_text(e, text, sizeof(text));
		dialog_line(dialog, ROLE_normal, "PLAN", "#%.4s  %s",
		            e->plan_hash ? e->plan_hash : "none", text);
	}
	if (e->status == EV_PENDING) {
		event_next(a, e, true, what, when);
		dialog_line(dialog, ROLE_normal, "ELSE", "%s %s", what, when);
	}
	if (str_eq(d->action->name, "approve")) {
		override_lines(d, e, &typed, &blocked);
		dialog->own_reason = d->overrides[0] != '\0';
		if (typed)
			dialog->danger = DIALOG_TYPED;
		if (blocked)
			dialog_disarm(dialog, "a gate is shut that nobody can override; nothing "
			                      "can be approved until it opens");
	}
}

static void reasons(struct decision *d, const struct event *e)
{
	struct dialog *dialog = shell_dialog(d->app->shell);
	const char *cause = e && !str_empty(e->cause) ? e->cause : NULL;
	int n = 0;

	if (d->action->danger == DIALOG_PLAIN && !str_eq(d->action->name, "extend"))
		return;
	if (cause)
		snprintf(dialog->reasons[n++], sizeof(dialog->reasons[0]), "%s", cause);
	if (str_eq(d->action->name, "rollback"))
		snprintf(dialog->reasons[n++], sizeof(dialog->reasons[0]),
		         "the home account is healthy again");
	snprintf(dialog->reasons[n++], sizeof(dialog->reasons[0]), "%s",
	         e ? "customers are affected and it will not mend itself"
	           : "agreed in the incident channel");
	snprintf(dialog->reasons[n++], sizeof(dialog->reasons[0]), "%s",
	         e ? "agreed in the incident channel" : "planned work");
}

static void open_dialog(struct app *a, const struct action *x, const struct subject *s)
{
	struct dialog *dialog = shell_dialog(a->shell);
	const struct event *e = str_eq(x->kind, "event") ? state_event(app_state(a), s->id) : NULL;
	const struct header *h = shell_header(a->shell);
	struct decision *d = xcalloc(1, sizeof(*d));
	char title[80], path[256], command[512];

	d->app = a;
	d->action = x;
	d->subject = *s;
	snprintf(title, sizeof(title), "%.24s %.40s", x->label, x->kind[0] ? s->title : "");
	/* opening closes the last one, which drops its decision: only then is this one ours */
	dialog_open(dialog, title, x->name, x->danger, &dialog_events, d);
	a->decision = d;
	dialog->own_reason = x->own_reason;
	if (h->production || h->demo)
		dialog_line(dialog, h->production ? ROLE_production : ROLE_demo, "WHERE", "%s",
		            h->demo ? "DEMO (simulated)" : h->environment);
	if (e)
		event_lines(d, e);
	else if (x->kind[0])
		dialog_line(dialog, ROLE_danger, "TARGET", "%s (%s)", s->title, s->id);
	if (x->keeps)
		dialog_line(dialog, ROLE_normal, "KEEPS", "%s", x->keeps);
	if (x->undo)
		dialog_line(dialog, ROLE_normal, "UNDO", "%s", x->undo);
	reasons(d, e);
	command_of(d, command, sizeof(command));
	snprintf(dialog->command, sizeof(dialog->command), "%.255s", command);
	if (!x->dry_run) {
		arm(d);
		return;
	}
	struct str body = STR_INIT(8192);
	body_of(d, true, NULL, &body);
	path_of(d, path, sizeof(path));
	d->request = client_send(a->client, "POST", path, str_get(&body), planned, d);
	str_fini(&body);
}

void app_act(void *app, const char *action, const struct subject *s)
{
	struct app *a = app;
	const struct action *x = find_meant(a, action);
	struct subject sub = s ? *s : (struct subject){ 0 };
	char why[120];

	if (!x)
		return;
	resolve(a, x, &sub);
	why_not(a, x, &sub, why, sizeof(why));
	if (why[0]) {
		struct decision d = { .action = x, .subject = sub };
		char command[512];
		command_of(&d, command, sizeof(command));
		shell_say(a->shell, ROLE_warn, "%s: not now, %s%s%s", x->name, why,
		          app_stale(a) ? "; elsewhere: " : "", app_stale(a) ? command : "");
		return;
	}
	if (!x->path) { /* no order but a form */
		app_account_form(a, str_eq(x->name, "edit") ? sub.id : NULL);
		shell_redraw(a->shell);
		return;
	}
	open_dialog(a, x, &sub);
	shell_redraw(a->shell);
}

/* ---- ':'
 * -------------------------------------------------------------------------------------------- */

const char *app_word(void *app, size_t i)
{
	struct app *a = app;
	const struct state *s = app_state(a);
	char *word = a->word;

	if (i < COUNT_OF(actions))
		return actions[i].name;
	i -= COUNT_OF(actions);
	if (i < s->n_events * 8) {
		static const char *const verbs[] = { "approve", "reject",   "extend", "cancel",
			                             "resume",  "rollback", "accept", "ack" };
		snprintf(word, sizeof(a->word), "%s %s", verbs[i % 8], s->events[i / 8].id);
		return word;
	}
	i -= s->n_events * 8;
	if (i < s->n_accounts) {
		snprintf(word, sizeof(a->word), "start %s", s->accounts[i].id);
		return word;
	}
	return NULL;
}

static bool subject_by_id(const struct app *a, const char *id, struct subject *ret)
{
	const struct event *e = state_event(app_state(a), id);
	const struct account *x = state_account(app_state(a), id);

	for (size_t i = 0; !x && i < app_state(a)->n_accounts; i++)
		if (str_eq(app_state(a)->accounts[i].name, id))
			x = &app_state(a)->accounts[i];
	if (e)
		event_subject(a, e, ret);
	else if (x)
		account_subject(x, ret);
	return e || x;
}

/* "approve EV-1" -> both words; false: there is not even one. */
static bool two_words(const char *line, char name[64], char id[64])
{
	size_t n = strcspn(line, " ");

	snprintf(name, 64, "%.*s", (int)(n < 63 ? n : 63), line);
	line += n;
	line += strspn(line, " ");
	n = strcspn(line, " ");
	snprintf(id, 64, "%.*s", (int)(n < 63 ? n : 63), line);
	return name[0] != '\0';
}

int app_command(void *app, const char *line, struct err *err)
{
	struct app *a = app;
	char name[64], id[64] = "";
	const char *names[COUNT_OF(actions)];
	struct subject sub = { 0 };
	struct view *v = shell_view(a->shell);

	/* `failover approve EV-1` as in the shell works too */
	if (str_has_prefix(line, "failover "))
		line += 9;
	if (!two_words(line, name, id))
		return 0;
	for (size_t i = 0; i < COUNT_OF(actions); i++)
		names[i] = actions[i].name;
	if (!find(name)) {
		const char *near = str_nearest(name, names, COUNT_OF(actions));
		return err_set(err, ERR_NOT_FOUND, "no command '%s'%s%s%s; Tab completes", name,
		               near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	if (id[0] && !subject_by_id(a, id, &sub))
		return err_set(err, ERR_NOT_FOUND, "no event or account '%s'", id);
	if (!id[0] && v->def->subject)
		v->def->subject(v, &sub);
	app_act(a, name, &sub);
	return 0;
}
