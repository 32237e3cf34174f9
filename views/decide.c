/*
 * Decisions: the dialog that each action opens, from the preview to the answer. The
 * target, its version and the plan's hash are fixed when the dialog opens; whatever
 * happens to them meanwhile disarms it. Invariant: nothing is sent except from
 * on_confirm, and never while the data is stale.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/incidents.h"
#include "views/runs.h"

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

static void answered(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct decision *d = ctx;
	struct app *a = d->app;
	const struct action_hooks *hooks = d->action->hooks;
	char text[200];

	bool good = status >= 200 && status < 300;

	d->request = NULL;
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
		if (hooks && hooks->done)
			hooks->done(a, status, doc);
		return;
	}
	if (good) {
		dialog_close(shell_dialog(a->shell)); /* drops d */
		shell_say(a->shell, ROLE_ok, "%s", text);
	} else {
		d->sent = false;
		dialog_done(shell_dialog(a->shell), false, text);
		shell_redraw(a->shell);
	}
	if (hooks && hooks->done)
		hooks->done(a, status, doc);
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
	if (d->action->hooks && d->action->hooks->body) {
		struct jw w = JW(&body);
		jw_obj(&w, NULL);
		if (!d->action->hooks->body(d, dialog, &w)) {
			str_fini(&body);
			return;
		}
		jw_obj_end(&w);
	} else {
		action_body(d, false, dialog_reason(dialog), &body);
	}
	action_path(d, path, sizeof(path));
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
		action_command(d, command, sizeof(command));
		snprintf(
		        d->what, sizeof(d->what),
		        "the data is stale, so nothing can be changed from here; elsewhere: %.120s",
		        command);
		return d->what;
	}
	if (d->action->hooks && d->action->hooks->check)
		return d->action->hooks->check(d);
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
	bool back = str_eq(d->action->name, "rollback"); /* away from where the agents are now */
	char word[64];

	if (dialog->danger == DIALOG_TYPED ||
	    (dialog->danger == DIALOG_WORD && shell_header(a->shell)->production))
		snprintf(word, sizeof(word), "%.63s",
		         e ? app_account(a, dialog->danger == DIALOG_TYPED &&
					 !back ? e->to : e->from)
		           : d->subject.title);
	else if (strlen(d->plan_hash) >= 8) /* a part of the plan's number that no view shows */
		snprintf(word, sizeof(word), "%.4s", d->plan_hash + 4);
	else
		snprintf(word, sizeof(word), "%04u",
		         (unsigned)(loop_random(a->loop) % 9000 + 1000));
	dialog_arm(dialog, word);
}

/* Of a change of SMS settings: how many rows, before and after, in the engine's words. */
static void change_lines(struct decision *d, const struct json *doc)
{
	struct dialog *dialog = shell_dialog(d->app->shell);
	const char *undo = json_get_str(doc, "undo");

	d->rows = json_get_i64(doc, "rows", -1);
	dialog_line(dialog, ROLE_danger, "WILL", "%s", json_get_str(doc, "text"));
	if (d->rows >= 0)
		dialog_line(dialog, ROLE_normal, "ROWS",
		            "%lld; refused if it is another number by then", (long long)d->rows);
	for (int i = 0; i < 2; i++) {
		const struct json *x = json_get(doc, i ? "after" : "before");
		struct str b = STR_INIT(1000);
		if (json_type(x) == JSON_OBJECT) {
			json_print(&b, x);
			dialog_line(dialog, ROLE_normal, i ? "AFTER" : "BEFORE", "%s", str_get(&b));
		}
		str_fini(&b);
	}
	if (undo)
		dialog_line(dialog, ROLE_normal, "UNDO", "%s", undo);
}

static void back_lines(struct decision *d, const struct json *plan)
{
	struct dialog *dialog = shell_dialog(d->app->shell);
	int64_t conflicts = json_get_i64(plan, "conflicts", 0),
	        stays = json_get_i64(plan, "stays", 0);

	dialog_line(dialog, ROLE_danger, "TO", "%s",
	            app_account(d->app, json_get_str(plan, "toAccountId")));
	dialog_line(dialog, ROLE_normal, "PLAN",
	            "%lld of %lld agents go home, %lld are there already",
	            (long long)json_get_i64(plan, "restore", 0),
	            (long long)json_get_i64(plan, "agents", 0),
	            (long long)json_get_i64(plan, "done", 0));
	if (conflicts)
		dialog_line(dialog, ROLE_warn, "LEFT",
		            "%lld that somebody else changed; they are listed",
		            (long long)conflicts);
	if (stays)
		dialog_line(dialog, ROLE_warn, "STAY", "%lld cannot go home", (long long)stays);
}

static void plan_lines(struct decision *d, const struct json *plan)
{
	struct dialog *dialog = shell_dialog(d->app->shell);
	const char *hash = json_get_str(plan, "hash"), *to = json_get_str(plan, "to");
	struct event e = { 0 };
	struct str b = STR_INIT(1 << 20);
	char text[256];

	if (json_get(plan, "restore")) {
		back_lines(d, plan);
		return;
	}
	if (json_get_str(plan, "text")) {
		change_lines(d, plan);
		return;
	}
	json_print(&b, plan);
	e.plan = str_take(&b);
	e.agents_total = json_get_i64(plan, "needed", 0);
	event_plan_text(&e, text, sizeof(text));
	free_p(&e.plan);
	hash = hash ? hash : json_get_str(plan, "planHash");
	to = to ? to : json_get_str(plan, "toAccountId");
	snprintf(d->plan_hash, sizeof(d->plan_hash), "%s", hash ? hash : "");
	if (to)
		dialog_line(dialog, ROLE_danger, "TO", "%s", app_account(d->app, to));
	dialog_line(dialog, ROLE_normal, "PLAN", "#%.4s  %s", hash ? hash : "?", text);
}

/* Shut gates that may be overridden become part of the order, in plain sight. false: one is shut
 * that nobody can override. */
static bool override_gates(struct decision *d, const struct gate_result *gates, size_t n)
{
	struct dialog *dialog = shell_dialog(d->app->shell);
	bool free = true;

	for (size_t i = 0; i < n; i++) {
		const struct gate_result *g = &gates[i];
		size_t at = strlen(d->overrides), arg = strlen(d->override_args);
		if (g->pass)
			continue;
		dialog_line(dialog, ROLE_bad, g->overridable ? "OVERRIDE" : "SHUT", "%s: %s",
		            gate_name(g->gate), g->why ? g->why : "");
		if (!g->overridable) {
			free = false;
			continue;
		}
		if (g->typed)
			dialog->danger = DIALOG_TYPED;
		snprintf(d->overrides + at, sizeof(d->overrides) - at, "%s\"%s\"", at ? "," : "[",
		         gate_name(g->gate));
		snprintf(d->override_args + arg, sizeof(d->override_args) - arg, " --override %s",
		         gate_name(g->gate));
	}
	if (d->overrides[0]) {
		snprintf(d->overrides + strlen(d->overrides),
		         sizeof(d->overrides) - strlen(d->overrides), "]");
		dialog->own_reason = true;
	}
	return free;
}

/* The gates of a rollback come with its plan: seen from the destination, they are others than
 * those of the event. */
static void back_gates(struct decision *d, const struct json *list)
{
	struct dialog *dialog = shell_dialog(d->app->shell);
	size_t n = 0;
	struct gate_result *gates = records_read(&gate_result_type, list, &n);
	char command[512];

	if (!override_gates(d, gates, n))
		dialog_disarm(dialog, "a gate is shut that nobody can override; nothing can be "
		                      "rolled back until it opens");
	records_free(&gate_result_type, gates, n);
	action_command(d, command, sizeof(command));
	snprintf(dialog->command, sizeof(dialog->command), "%.255s", command);
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
		if (str_eq(d->action->name, "rollback"))
			back_gates(d, json_get(doc, "gates"));
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

static void event_lines(struct decision *d, const struct event *e)
{
	struct app *a = d->app;
	struct dialog *dialog = shell_dialog(a->shell);
	char text[256], when[WHEN_TEXT];

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
	/* an instant, not a countdown: these lines do not change while they are read */
	if (e->status == EV_PENDING)
		dialog_line(dialog, ROLE_normal, "ELSE", "%s at %s",
		            event_approves_itself(e) ? "it approves itself" : "it will be held",
		            when_clock(when, e->deadline_at_ms, shell_utc(a->shell)));
	if (str_eq(d->action->name, "approve")) {
		if (!override_gates(d, e->gates, e->n_gates))
			dialog_disarm(dialog, "a gate is shut that nobody can override; nothing "
			                      "can be approved until it opens");
	}
}

static void reason_add(struct dialog *dialog, const char *text)
{
	for (size_t i = 0; i < COUNT_OF(dialog->reasons); i++)
		if (!dialog->reasons[i][0]) {
			snprintf(dialog->reasons[i], sizeof(dialog->reasons[i]), "%s", text);
			return;
		}
}

/* From the evidence first; at most three. */
static void reasons(struct decision *d, const struct event *e)
{
	struct dialog *dialog = shell_dialog(d->app->shell);

	if (d->action->danger == DIALOG_PLAIN && !str_eq(d->action->name, "extend"))
		return;
	if (str_eq(d->action->name, "rollback"))
		reason_add(dialog, "the home account is healthy again");
	else if (e && !str_empty(e->cause))
		reason_add(dialog, e->cause);
	if (str_eq(d->action->name, "start") || str_eq(d->action->name, "pause") ||
	    str_eq(d->action->name, "maintenance"))
		reason_add(dialog, "planned work");
	else if (e)
		reason_add(dialog, "customers are affected and it will not mend itself");
	else
		reason_add(dialog, "carriers filter these messages");
	reason_add(dialog, "agreed in the incident channel");
}

static const char *verb_of(const struct action *x)
{
	return x->verb ? x->verb : str_has_prefix(x->name, "run-") ? x->name + 4 : x->name;
}

static void open_dialog(struct app *a, const struct action *x, const struct subject *s,
                        int64_t amount)
{
	struct dialog *dialog = shell_dialog(a->shell);
	const struct event *e = str_eq(x->kind, "event") ? state_event(app_state(a), s->id) : NULL;
	const struct header *h = shell_header(a->shell);
	struct decision *d = xcalloc(1, sizeof(*d));
	char title[80], path[256], command[512];

	d->app = a;
	d->action = x;
	d->subject = *s;
	d->amount = amount;
	d->rows = -1;
	snprintf(title, sizeof(title), "%.44s %.34s", x->label, x->kind[0] ? s->title : "");
	/* opening closes the last one, which drops its decision: only then is this one ours */
	dialog_open(dialog, title, verb_of(x), x->danger, &dialog_events, d);
	a->decision = d;
	dialog->own_reason = x->own_reason;
	if (h->production || h->demo)
		dialog_line(dialog, h->production ? ROLE_production : ROLE_demo, "WHERE", "%s",
		            h->demo ? "DEMO (simulated)" : h->environment);
	if (x->hooks && x->hooks->fill) {
		action_command(d, command, sizeof(command));
		snprintf(dialog->command, sizeof(dialog->command), "%.255s", command);
		x->hooks->fill(d, dialog);
		return;
	}
	if (e)
		event_lines(d, e);
	else if (x->kind[0])
		dialog_line(dialog, ROLE_danger, "TARGET",
		            str_eq(s->title, s->id) ? "%s" : "%s (%s)", s->title, s->id);
	if (x->keeps)
		dialog_line(dialog, ROLE_normal, "KEEPS", "%s", x->keeps);
	if (x->undo)
		dialog_line(dialog, ROLE_normal, "UNDO", "%s", x->undo);
	reasons(d, e);
	action_command(d, command, sizeof(command));
	snprintf(dialog->command, sizeof(dialog->command), "%.255s", command);
	if (!x->dry_run) {
		arm(d);
		return;
	}
	struct str body = STR_INIT(8192);
	action_body(d, true, NULL, &body);
	action_path(d, path, sizeof(path));
	d->request = client_send(a->client, "POST", path, str_get(&body), planned, d);
	str_fini(&body);
}

static void on_amount(void *ctx, const char *text)
{
	struct app *a = ctx;
	int64_t v;

	if (!text)
		return;
	if (!parse_i64(text, 0, 100000, &v))
		shell_say(a->shell, ROLE_warn, "%s: a number is needed", a->asked_for->name);
	else
		open_dialog(a, a->asked_for, &a->asked_about, v);
	shell_redraw(a->shell);
}

void app_act(void *app, const char *action, const struct subject *s)
{
	struct app *a = app;
	struct subject sub = s ? *s : (struct subject){ 0 };
	const struct action *x;
	char why[120];

	if (str_has_prefix(action, "release "))
		action = action_release(a, action, &sub);
	x = action ? action_meant(a, action, &sub) : NULL;
	if (!x)
		return;
	if (str_eq(x->name, "run-release") && !app_runs_doc_of(a, sub.id)) {
		app_runs_watch(a, sub.id); /* it is released where one sees what it is of */
		shell_go(a->shell, "walk");
		shell_say(a->shell, ROLE_hint, "%s set this hold: U undoes it, . l releases it",
		          sub.id);
		return;
	}
	action_resolve(a, x, &sub);
	action_why_not(a, x, &sub, why, sizeof(why));
	if (why[0]) {
		struct decision d = { .action = x, .subject = sub, .amount = -1, .rows = -1 };
		char command[512];
		action_command(&d, command, sizeof(command));
		shell_say(a->shell, ROLE_warn, "%s: not now, %s%s%s", x->name, why,
		          app_stale(a) ? "; elsewhere: " : "", app_stale(a) ? command : "");
		return;
	}
	if (x->hooks && x->hooks->run) {
		x->hooks->run(a, x, &sub);
		shell_redraw(a->shell);
		return;
	}
	if (x->hooks && x->hooks->form && x->hooks->form(a, x, &sub))
		return;
	if (!x->path) { /* no order but a form */
		app_account_form(a, str_eq(x->name, "edit") ? sub.id : NULL);
		shell_redraw(a->shell);
		return;
	}
	if (x->asks) {
		a->asked_for = x;
		a->asked_about = sub;
		shell_ask(a->shell, x->asks, "60", false, on_amount, a);
		return;
	}
	open_dialog(a, x, &sub, -1);
	shell_redraw(a->shell);
}

/* ---- ':'
 * -------------------------------------------------------------------------------------------- */

const char *app_word(void *app, size_t i)
{
	struct app *a = app;
	const struct state *s = app_state(a);
	char *word = a->word;

	if (i < action_count())
		return action_at(i)->name;
	i -= action_count();
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
	i -= s->n_accounts;
	if (i < s->n_incidents) {
		snprintf(word, sizeof(a->word), "report %.120s", s->incidents[i].id);
		return word;
	}
	i -= s->n_incidents;
	const struct runbook_row *books;
	if (i < app_runs_books(a, &books)) {
		snprintf(word, sizeof(a->word), "runbook %.120s", books[i].id);
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
	else if (app_incident_find(a, id))
		incident_subject(app_incident_find(a, id), NULL, ret);
	else if (app_runs_find(a, id))
		run_subject(app_runs_find(a, id), NULL, ret);
	else if (app_runs_book(a, id))
		runbook_subject(app_runs_book(a, id), ret);
	return ret->id[0] != '\0';
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

static bool is_incident_id(const char *id)
{
	size_t n = strlen("INC-"), digits = str_has_prefix(id, "INC-") ? strlen(id + n) : 0;

	return digits && digits < 16 && strspn(id + n, "0123456789") == digits;
}

int app_command(void *app, const char *line, struct err *err)
{
	struct app *a = app;
	char name[64], id[64] = "";
	const char *names[96];
	struct subject sub = { 0 };
	struct view *v = shell_view(a->shell);

	/* `failover approve EV-1` as in the shell works too */
	if (str_has_prefix(line, "failover "))
		line += 9;
	if (!two_words(line, name, id))
		return 0;
	for (size_t i = 0; i < action_count() && i < COUNT_OF(names); i++)
		names[i] = action_at(i)->name;
	if (str_eq(name, "report") && id[0]) {
		if (!is_incident_id(id))
			return err_set(err, ERR_NOT_FOUND, "no incident '%s'; such as INC-12", id);
		app_report_named(a, id);
		return 0;
	}
	if (id[0] && !subject_by_id(a, id, &sub))
		return err_set(err, ERR_NOT_FOUND, "no event, account, incident, run or runbook"
						   " '%s'", id);
	if (!id[0] && v->def->subject)
		v->def->subject(v, &sub);
	if (!action_meant(a, name, &sub)) {
		const char *near = str_nearest(name, names, action_count());
		return err_set(err, ERR_NOT_FOUND, "no command '%s'%s%s%s; Tab completes", name,
		               near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	app_act(a, name, &sub);
	return 0;
}
