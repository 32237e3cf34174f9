/*
 * The dialogs of runs: what each shows before it can be confirmed, and what is sent. What
 * was shown is fixed by a number over wait, step, command and preview: when one of them
 * moves, the dialog disarms. The choice of a decision is never made in advance.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/runs.h"

static const struct other { /* what else can be done at a wait, in the dialog's order */
	const char *action, *of, *text;
	bool reason;
} others[] = {
	{ "run-failed", "retry", "try it again", false },
	{ "run-failed", "go", "go on although it failed", false },
	{ "run-failed", "skip", "skip it: count it as not done (say why)", true },
	{ "run-failed", "abort", "abort the run (say why)", true },
	{ "run-optional", "go", "do it", false },
	{ "run-optional", "skip", "skip it", false },
	{ "run-gate", "retry", "check now", false },
	{ "run-gate", "skip", "do not wait for it (say why)", true },
	{ "run-happened", "yes", "yes, it happened: I looked", false },
	{ "run-happened", "no", "no, it did not: it may be done again", false },
};

static const struct run_doc *doc_of(const struct decision *d)
{
	return app_runs_doc_of(d->app, d->subject.id);
}

static const char *order_name(const struct decision *d)
{
	const char *name = d->action->name + strlen("run-");

	return str_eq(name, "second") ? "confirm" : name;
}

static bool is(const struct decision *d, const char *name)
{
	return str_eq(d->action->name + strlen("run-"), name);
}

/* ---- what was shown ---- */

static uint64_t mix(uint64_t h, const char *s)
{
	for (; s && *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ULL;
	return (h ^ 0xff) * 1099511628211ULL;
}

/* Orders about the step that is due depend on all of it; the others only on who drives. */
static uint64_t seen(const struct decision *d, const struct run_doc *doc)
{
	const struct run_step *s = run_step_find(doc, d->step);
	uint64_t h = mix(1469598103934665603ULL, doc->run.driver);

	if (is(d, "note") || is(d, "release"))
		return 1;
	if (is(d, "undo"))
		return mix(h, doc->n_undo ? doc->undo[0] : "");
	if (d->action->wait) {
		h = mix(h, doc->run.step) + (uint64_t)doc->wait.kind;
		h = mix(h, s ? s->command : "");
		h = mix(h, s ? s->preview : "") + (uint64_t)(s ? s->attempt : 0);
	}
	return h + (run_open(&doc->run) ? 0 : 77);
}

static const char *on_check(struct decision *d)
{
	const struct run_doc *doc = doc_of(d);

	if (!doc || seen(d, doc) == d->seen)
		return NULL;
	if (!run_open(&doc->run))
		snprintf(d->what, sizeof(d->what), "the run is %s now", word_run(&doc->run));
	else if (!app_runs_is_me(d->app, doc->run.driver) && doc->run.driver)
		snprintf(d->what, sizeof(d->what), "%.40s drives now; look what changed",
		         doc->run.driver);
	else
		snprintf(d->what, sizeof(d->what),
		         "it has moved on meanwhile: %.40s is at %.60s; look at it again",
		         doc->run.id, doc->run.step ? doc->run.step : "its end");
	return d->what;
}

/* ---- why not ---- */

static void drive_why_not(const struct app *a, const char *name, const struct run_doc *d, char *buf,
                          size_t n)
{
	bool mine = app_runs_is_me(a, d->run.driver);

	if (str_eq(name, "take")) {
		if (mine)
			snprintf(buf, n, "you drive it");
		return;
	}
	if (str_eq(name, "note") || str_eq(name, "second") || str_eq(name, "approve") ||
	    str_eq(name, "reject") || str_eq(name, "pause") || str_eq(name, "abort"))
		return; /* anybody's */
	if (!mine)
		snprintf(buf, n, "%.40s drives it; take it over first (T)",
		         d->run.driver ? d->run.driver : "nobody");
}

/* The step whose undo was ordered and waits for a value; NULL: none. */
static const struct run_step *undo_waits(const struct run_doc *d)
{
	for (size_t i = 0; i < d->n_steps && d->wait.kind == RW_PARAM; i++)
		if (str_eq(d->steps[i].undo_state, "ordered"))
			return &d->steps[i];
	return NULL;
}

static void step_why_not(const char *name, const struct subject *s, const struct run_doc *d,
                         char *buf, size_t n)
{
	const struct run_step *step = run_step_find(d, s->part);
	bool due = d->run.step != NULL;

	if (str_eq(name, "keep") && !undo_waits(d))
		snprintf(buf, n, "no undo waits to begin");
	else if (str_eq(name, "undo") && !d->n_undo)
		snprintf(buf, n, "nothing is left to undo");
	else if (str_eq(name, "release") && !d->n_holds)
		snprintf(buf, n, "no hold is out");
	else if (str_eq(name, "skip") && (!due || d->wait.kind == RW_NONE))
		snprintf(buf, n, "no step waits for a person");
	else if (str_eq(name, "jump") && !step)
		snprintf(buf, n, "put the cursor on the step to go to");
	else if (str_eq(name, "jump") && str_eq(d->run.step, s->part))
		snprintf(buf, n, "it is there");
	else if (str_eq(name, "retry") &&
	         !(d->wait.kind == RW_FAILED || d->wait.kind == RW_GATE ||
	           (step && (step->state == RS_FAILED || step->state == RS_DONE))))
		snprintf(buf, n, "put the cursor on a step that has run");
	else if (str_eq(name, "pause") && d->run.status == RUN_PAUSED)
		snprintf(buf, n, "it is paused");
	else if (str_eq(name, "unpause") && d->run.status != RUN_PAUSED)
		snprintf(buf, n, "it is not paused");
}

static void why_not(const struct app *a, const struct action *x, const struct subject *s, char *buf,
                    size_t n)
{
	const struct run_doc *d = app_runs_doc_of(a, s->id);
	const char *name = x->name + strlen("run-");
	bool after = str_eq(name, "undo") || str_eq(name, "keep") || str_eq(name, "release") ||
	             str_eq(name, "note") ||
	             (str_eq(name, "take") && d && d->n_undo + d->n_holds > 0) ||
	             str_eq(name, "happened");

	if (!d)
		snprintf(buf, n, "open it first (Enter)");
	else if (app_runs_doc_problem(a)[0])
		snprintf(buf, n, "its document is not fresh: %.80s", app_runs_doc_problem(a));
	else if (!run_open(&d->run) && !after)
		snprintf(buf, n, "the run is over");
	else if (x->wait && x->wait != (int)d->wait.kind)
		snprintf(buf, n, d->wait.kind ? "it waits for %.60s" : "it waits for nobody",
		         word_wait(d->wait.kind));
	else
		drive_why_not(a, name, d, buf, n);
	if (d && !buf[0])
		step_why_not(name, s, d, buf, n);
}

/* ---- what is shown ---- */

/* A row of what is there now, as "name = value". */
static void row_line(struct dialog *g, const char *label, const struct json *row)
{
	char line[400] = "", value[200];

	for (const struct json *m = json_first(row); m; m = json_next(m)) {
		size_t at = strlen(line);
		run_value_text(m, value, sizeof(value));
		snprintf(line + at, sizeof(line) - at, "%s%s = %s", at ? ", " : "",
		         json_name(m) ? json_name(m) : "", value);
	}
	dialog_line(g, ROLE_normal, label, "%s", line);
}

/* What the preview found: rows of a query, or a command's words; and how many rows the
 * change would touch. */
static void preview_lines(struct dialog *g, const char *preview)
{
	struct json *doc = preview ? json_parse(preview, strlen(preview), NULL) : NULL;
	const struct json *inner = json_get(doc, "result"), *from = inner ? inner : doc;
	const struct json *rows = json_get(from, "table");
	const char *text = json_get_str(from, "stdout");
	int64_t affected = json_get_i64(doc, "affected", json_get_i64(from, "affected", -1));
	int n = 0;

	if (!rows)
		rows = json_get(from, "rows");
	if (affected >= 0)
		dialog_line(g, affected == 0 ? ROLE_warn : ROLE_normal, "ROWS",
		            "%lld affected when it was rehearsed and rolled back",
		            (long long)affected);
	for (const struct json *r = json_first(rows); r && n < 6; r = json_next(r), n++)
		row_line(g, n ? "" : "BEFORE", r);
	if (json_count(rows) > 6)
		dialog_line(g, ROLE_dim, "", "and %zu rows more", json_count(rows) - 6);
	if (rows && json_type(rows) == JSON_ARRAY && !json_count(rows))
		dialog_line(g, ROLE_warn, "BEFORE", "there is no such row");
	if (!str_empty(text))
		dialog_line(g, ROLE_normal, "BEFORE", "%.600s", text);
	json_free(doc);
}

static void check_lines(struct dialog *g, const struct run_step *s)
{
	for (size_t i = 0; i < s->n_checks; i++)
		dialog_line(g, ROLE_normal, i ? "" : "WANTED", "%s %s", s->checks[i].subject,
		            s->checks[i].expected ? s->checks[i].expected : "");
}

static void undo_line(struct dialog *g, const struct run_step *s)
{
	if (s->undo)
		dialog_line(g, ROLE_normal, "UNDO", "%s",
		            s->undo[0] ? s->undo : "there is one; it is shown once it is bound");
	else
		dialog_line(g, ROLE_warn, "UNDO", "none%s%s", str_empty(s->why) ? "" : ": ",
		            s->why ? s->why : "");
}

/* "[eta?]" in a message: a word of its template that has no value. */
static void gap_line(struct dialog *g, const struct run_step *s)
{
	char gaps[160] = "";

	for (const char *p = str_eq(s->verb, "say") && s->command ? s->command : ""; *p; p++) {
		size_t n = *p == '[' ? strcspn(p + 1, "]? \n") : 0, at = strlen(gaps);
		if (n && strncmp(p + 1 + n, "?]", 2) == 0 && at + n + 3 < sizeof(gaps))
			snprintf(gaps + at, sizeof(gaps) - at, "%s%.*s", at ? ", " : "", (int)n,
			         p + 1);
	}
	if (gaps[0])
		dialog_line(g, ROLE_bad, "GAPS", "nothing is known for %s: it goes out as shown",
		            gaps);
}

static void change_lines(struct decision *d, const struct run_doc *doc, const struct run_step *s)
{
	struct dialog *g = shell_dialog(d->app->shell);

	dialog_line(g, ROLE_danger, "WILL RUN", "%s", s->command ? s->command : "(not bound yet)");
	if (s->title && !str_eq(s->title, s->id))
		dialog_line(g, ROLE_normal, "STEP", "%s", s->title);
	gap_line(g, s);
	preview_lines(g, s->preview);
	check_lines(g, s);
	undo_line(g, s);
	if (!str_empty(s->hold))
		dialog_line(g, ROLE_warn, "HOLD", "%s: pinned to every screen until it is released",
		            s->hold);
	for (size_t i = 0; i < doc->n_never && doc->wait.destroy; i++)
		dialog_line(g, ROLE_warn, "NEVER", "%s", doc->never[i]);
	if (str_eq(d->action->name, "run-second"))
		dialog_line(g, ROLE_warn, "SECOND", "you confirm what %s asked for",
		            s->by             ? s->by
		            : doc->run.driver ? doc->run.driver
		                              : "somebody");
	else if (doc->wait.second)
		dialog_line(g, ROLE_warn, "SECOND", "another person has to confirm it after you");
}

static void arm_word(struct decision *d, const char *phrase)
{
	struct dialog *g = shell_dialog(d->app->shell);
	char word[64];

	if (g->danger == DIALOG_PLAIN)
		word[0] = '\0';
	else if (!str_empty(phrase)) {
		g->danger = DIALOG_TYPED;
		snprintf(word, sizeof(word), "%s", phrase);
	} else if (shell_header(d->app->shell)->production)
		snprintf(word, sizeof(word), "%s", d->step[0] ? d->step : d->subject.id);
	else
		snprintf(word, sizeof(word), "%04u",
		         (unsigned)(loop_random(d->app->loop) % 9000 + 1000));
	dialog_arm(g, word);
}

static void pick_choices(struct decision *d, const struct run_step *s)
{
	struct dialog *g = shell_dialog(d->app->shell);
	struct json *list = s->options ? json_parse(s->options, strlen(s->options), NULL) : NULL;

	for (const struct json *o = json_first(list); o; o = json_next(o)) {
		const char *pick = json_get_str(o, "pick"), *label = json_get_str(o, "label");
		const char *why = json_get_str(o, "why");
		bool likely = json_get_bool(o, "likely", false) || str_eq(pick, s->suggestion);
		dialog_choice(g, "%s%s%s%s%s%s%s", pick, label ? ": " : "", label ? label : "",
		              likely ? "   LIKELY, " : "", !likely && why ? "   (" : "",
		              why ? why : likely ? "computed" : "", !likely && why ? ")" : "");
	}
	json_free(list);
	if (!str_empty(s->evidence))
		dialog_line(g, ROLE_normal, "EVIDENCE", "%s", s->evidence);
	dialog_line(g, ROLE_dim, "", "%s",
	            str_empty(s->suggestion) ? "nothing measured speaks for one of them; you choose"
	                                     : "what is marked likely is computed; you choose");
}

static void answer_choices(struct decision *d, const struct run_step *s)
{
	struct dialog *g = shell_dialog(d->app->shell);
	const char *kind = s->answer_kind ? s->answer_kind : "done";
	struct json *list = s->items ? json_parse(s->items, strlen(s->items), NULL) : NULL;

	check_lines(g, s);
	if (str_eq(kind, "text") || str_eq(kind, "number")) {
		g->own_reason = true;
		snprintf(g->own_label, sizeof(g->own_label), "ANSWER");
	} else if (str_eq(kind, "yesno")) {
		dialog_choice(g, "yes");
		dialog_choice(g, "no");
	}
	g->many = str_eq(kind, "done") && json_count(list);
	for (const struct json *m = json_first(list); m; m = json_next(m)) {
		const char *text = json_str(m) ? json_str(m) : json_get_str(m, "text");
		if (str_eq(kind, "yesno") || g->own_reason)
			dialog_line(g, ROLE_normal, "", "- %s", text ? text : "?");
		else
			dialog_choice(g, "%s", text ? text : "?");
	}
	json_free(list);
	if (g->many)
		g->choice = 0;
}

/* A step that never ran because another did not pass cannot be gone over, only skipped. */
static bool applies(const struct decision *d, const struct other *o)
{
	const struct run_doc *doc = doc_of(d);
	const struct run_step *s = run_step_find(doc, d->step);

	if (!str_eq(o->action, d->action->name))
		return false;
	return !str_eq(o->of, "go") || !s || !is(d, "failed") || s->started_at_ms ||
	       !doc->wait.text || !str_has_prefix(doc->wait.text, "it needs ");
}

static void other_choices(struct decision *d)
{
	struct dialog *g = shell_dialog(d->app->shell);

	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (applies(d, &others[i]))
			dialog_choice(g, "%s", others[i].text);
	if (is(d, "happened"))
		dialog_line(g, ROLE_warn, "LOOK",
		            "the engine went away while it ran; look first (Esc leaves it open)");
}

static void undo_lines(struct decision *d, const struct run_doc *doc)
{
	struct dialog *g = shell_dialog(d->app->shell);
	const struct run_step *s = doc->n_undo ? run_step_find(doc, doc->undo[0]) : NULL;

	snprintf(d->step, sizeof(d->step), "%s", doc->n_undo ? doc->undo[0] : "");
	if (!s)
		return;
	dialog_line(g, ROLE_danger, "WILL RUN", "%s", s->undo ? s->undo : "?");
	dialog_line(g, ROLE_normal, "UNDOES", "%s: %s", s->id, s->command ? s->command : "");
	if (!str_empty(s->hold))
		dialog_line(g, ROLE_normal, "HOLD", "%s is released by it", s->hold);
	for (size_t i = 1; i < doc->n_undo; i++)
		dialog_line(g, ROLE_dim, i == 1 ? "THEN" : "", "%s, when you ask for it",
		            doc->undo[i]);
}

static void release_choice(struct decision *d, const struct run_doc *doc)
{
	struct dialog *g = shell_dialog(d->app->shell);
	const struct run_hold *h = doc->holds;

	for (size_t i = 0; i < doc->n_holds; i++)
		if (str_eq(doc->holds[i].name, d->subject.part) ||
		    str_eq(doc->holds[i].step, d->subject.part))
			h = &doc->holds[i];
	snprintf(d->step, sizeof(d->step), "%s", h ? h->name : d->subject.part);
	if (h)
		dialog_line(g, ROLE_danger, "HOLD", "%s by %s: %s", h->name, h->by ? h->by : "?",
		            h->text ? h->text : "");
	dialog_line(g, ROLE_warn, "MEANS",
	            "it is taken off every screen; nothing outside changes by that. To take the "
	            "change itself back: U");
}

static void abort_lines(struct decision *d, const struct run_doc *doc)
{
	struct dialog *g = shell_dialog(d->app->shell);

	for (size_t i = 0; i < doc->n_holds; i++)
		dialog_line(g, ROLE_warn, i ? "" : "HOLDS", "%s stays", doc->holds[i].name);
	for (size_t i = 0; i < doc->n_undo; i++)
		dialog_line(g, ROLE_normal, i ? "" : "UNDO", "%s can still be undone (U)",
		            doc->undo[i]);
}

static void give_lines(struct decision *d)
{
	struct dialog *g = shell_dialog(d->app->shell);
	const struct state *s = app_state(d->app);
	char names[300] = "";

	snprintf(g->own_label, sizeof(g->own_label), "TO");
	for (size_t i = 0; i < s->n_people; i++)
		if (!app_runs_is_me(d->app, s->people[i].name) && strlen(names) < 240)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%.40s",
			         names[0] ? ", " : "", s->people[i].name);
	dialog_line(g, ROLE_normal, "HERE", "%s", names[0] ? names : "nobody else");
}

/* Of what the run waits for. */
static void wait_lines(struct decision *d, const struct run_doc *doc, const struct run_step *s)
{
	struct dialog *g = shell_dialog(d->app->shell);

	if (!str_empty(doc->wait.text))
		dialog_line(g, ROLE_normal, "ASKS", "%s", doc->wait.text);
	else if (s && s->title)
		dialog_line(g, ROLE_normal, "ASKS", "%s", s->title);
	if (s && s->help)
		dialog_line(g, ROLE_dim, "HELP", "%s", s->help);
	if (s && (is(d, "failed") || is(d, "happened"))) {
		dialog_line(g, ROLE_normal, s->started_at_ms ? "RAN" : "RUNS", "%s",
		            s->command ? s->command : s->id);
		struct json *result =
		        s->result ? json_parse(s->result, strlen(s->result), NULL) : NULL;
		if (run_step_said(result))
			dialog_line(g, ROLE_bad, "SAID", "%.300s", run_step_said(result));
		json_free(result);
		for (size_t i = 0; i < s->n_checks && s->started_at_ms; i++)
			if (!str_eq(s->checks[i].outcome, "pass"))
				dialog_line(g, ROLE_bad, "GOT", "%s %s, wanted %s",
				            s->checks[i].subject,
				            s->checks[i].actual ? s->checks[i].actual : "-",
				            s->checks[i].expected ? s->checks[i].expected : "-");
	}
	if (s && is(d, "optional") && !str_empty(s->command))
		dialog_line(g, ROLE_normal, "RUNS", "%s", s->command);
	if (s && is(d, "pick"))
		pick_choices(d, s);
	else if (s && is(d, "answer"))
		answer_choices(d, s);
	else
		other_choices(d);
}

/* Who asked cannot be the other person; an admin may break the glass, with a reason. */
static bool alone(struct decision *d, const struct run_doc *doc)
{
	struct dialog *g = shell_dialog(d->app->shell);

	if (!app_runs_is_me(d->app, doc->run.driver))
		return false;
	if (client_role(d->app->client) < PR_ADMIN) {
		dialog_disarm(g, "you asked for it: another person has to do this");
		return true;
	}
	dialog_line(
	        g, ROLE_bad, "ALONE",
	        "you asked for it yourself: as an admin you break the glass, and it is reported");
	g->own_reason = true;
	return false;
}

/* Orders about the whole run name the run. */
static bool about_step(const struct decision *d)
{
	return d->step[0] && (d->action->wait || is(d, "skip") || is(d, "jump") || is(d, "retry") ||
	                      is(d, "undo") || is(d, "keep") || is(d, "release"));
}

static void fill(struct decision *d, struct dialog *g)
{
	const struct run_doc *doc = doc_of(d);
	const char *part = d->action->wait || is(d, "skip") ? doc->run.step : d->subject.part;
	const struct run_step *s;

	snprintf(d->step, sizeof(d->step), "%s", part ? part : "");
	s = run_step_find(doc, d->step);
	dialog_line(g, ROLE_normal, "RUN", "%s %s%s%s", doc->run.id, doc->run.runbook,
	            about_step(d) ? ", step " : "", about_step(d) ? d->step : "");
	if (is(d, "confirm") || is(d, "second")) {
		if (s)
			change_lines(d, doc, s);
	} else if (d->action->wait) {
		wait_lines(d, doc, s);
	} else if (is(d, "undo")) {
		undo_lines(d, doc);
	} else if (is(d, "keep")) {
		s = undo_waits(doc);
		snprintf(d->step, sizeof(d->step), "%s", s ? s->id : "");
		dialog_line(g, ROLE_normal, "STAYS", "%s: %s", d->step,
		            s && s->command ? s->command : "");
	} else if (is(d, "release")) {
		release_choice(d, doc);
	} else if (is(d, "abort")) {
		abort_lines(d, doc);
	} else if (is(d, "give")) {
		give_lines(d);
	} else if (is(d, "take")) {
		dialog_line(g, doc->run.driver ? ROLE_danger : ROLE_normal, "FROM", "%s",
		            doc->run.driver ? doc->run.driver : "nobody drives it");
	} else if (is(d, "note")) {
		snprintf(g->own_label, sizeof(g->own_label), "NOTE");
	} else if (s && s->command) {
		dialog_line(g, ROLE_normal, "RUNS", "%s", s->command);
	}
	if (d->action->keeps)
		dialog_line(g, ROLE_normal, "KEEPS", "%s", d->action->keeps);
	if (d->action->undo)
		dialog_line(g, ROLE_normal, "UNDO", "%s", d->action->undo);
	snprintf(g->title, sizeof(g->title), "%.44s %.34s", d->action->label,
	         about_step(d) ? d->step : d->subject.id);
	d->seen = seen(d, doc);
	if ((is(d, "second") || is(d, "approve")) && alone(d, doc))
		return;
	arm_word(d, is(d, "confirm") || is(d, "second") ? doc->wait.phrase : NULL);
}

/* ---- what is sent ---- */

static const struct other *other_of(const struct decision *d, int choice)
{
	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (applies(d, &others[i]) && choice-- == 0)
			return &others[i];
	return NULL;
}

static bool other_body(const struct decision *d, struct dialog *g, struct jw *w)
{
	const struct other *o = other_of(d, g->choice);

	if (!o)
		return false;
	if (o->reason && !g->own.len) {
		dialog_note(g, ROLE_warn, "say why: type it, then Enter");
		g->focus = 1;
		return false;
	}
	if (is(d, "happened")) {
		jw_str(w, "action", "happened");
		jw_bool(w, "happened", str_eq(o->of, "yes"));
	} else {
		jw_str(w, "action", o->of);
	}
	if (g->own.len)
		jw_str(w, "reason", g->own.text);
	return true;
}

static bool pick_body(const struct run_step *s, const struct dialog *g, struct jw *w)
{
	struct json *list =
	        s && s->options ? json_parse(s->options, strlen(s->options), NULL) : NULL;
	const struct json *o = json_first(list);
	bool found;

	for (int i = 0; o && i < g->choice; i++)
		o = json_next(o);
	found = json_get_str(o, "pick") != NULL;
	jw_str(w, "pick", json_get_str(o, "pick"));
	json_free(list);
	return found;
}

static bool answer_body(const struct run_step *s, struct dialog *g, struct jw *w)
{
	double number;

	if (g->own_reason && s && str_eq(s->answer_kind, "number") &&
	    !parse_double(g->own.text, &number)) {
		dialog_note(g, ROLE_warn, "a number is wanted");
		return false;
	}
	if (g->own_reason)
		jw_str(w, "answer", g->own.text);
	else if (g->many || !g->n_choices)
		jw_str(w, "answer", "done");
	else
		jw_str(w, "answer", g->choices[g->choice]);
	if (!g->many)
		return true;
	jw_arr(w, "items");
	for (size_t i = 0; i < g->n_choices; i++)
		jw_bool(w, NULL, g->ticked >> i & 1);
	jw_arr_end(w);
	return true;
}

static bool body(struct decision *d, struct dialog *g, struct jw *w)
{
	const struct run_doc *doc = doc_of(d);
	const struct run_step *s = run_step_find(doc, d->step);

	if (!doc || seen(d, doc) != d->seen) {
		dialog_note(g, ROLE_warn, "it has moved on; nothing was sent");
		return false;
	}
	jw_i64(w, "version", doc->run.version);
	if (!is(d, "release") && d->step[0])
		jw_str(w, "step", d->step);
	if (other_of(d, 0))
		return other_body(d, g, w);
	jw_str(w, "action", order_name(d));
	if (is(d, "pick"))
		return pick_body(s, g, w);
	if (is(d, "answer"))
		return answer_body(s, g, w);
	if (is(d, "confirm") || is(d, "second")) {
		jw_str(w, "phrase", str_empty(doc->wait.phrase) ? "" : g->typed.text);
		if (is(d, "second"))
			jw_bool(w, "second", true);
	}
	if ((is(d, "second") || is(d, "approve")) && app_runs_is_me(d->app, doc->run.driver))
		jw_bool(w, "breakGlass", true);
	if (is(d, "release"))
		jw_str(w, "hold", d->step);
	if (g->own.len)
		jw_str(w, is(d, "note") ? "text" : is(d, "give") ? "to" : "reason", g->own.text);
	return true;
}

static void done(struct app *a, int status, const struct json *doc)
{
	(void)status;
	app_runs_took(a, doc);
}

const struct action_hooks run_hooks = {
	.why_not = why_not, .fill = fill, .check = on_check, .body = body, .done = done
};

/* ---- the start ---- */

static const char *kind_of(const struct action *x)
{
	return str_eq(x->name, "runbook-dry")     ? "dry"
	       : str_eq(x->name, "runbook-drill") ? "drill"
	                                          : "real";
}

static void start_why_not(const struct app *a, const struct action *x, const struct subject *s,
                          char *buf, size_t n)
{
	const struct runbook_row *b = app_runs_book(a, s->id);
	const struct outline *o = app_runs_outline(a);

	(void)x;
	if (b && b->problem)
		snprintf(buf, n, "it is broken: %.90s", b->problem);
	else if (!o || !str_eq(o->row.id, s->id))
		snprintf(buf, n, "look at its steps first (Enter)");
}

static void start_fill(struct decision *d, struct dialog *g)
{
	const struct outline *o = app_runs_outline(d->app);
	const struct runbook_row *b = &o->row;
	const char *kind = kind_of(d->action);

	dialog_line(g, ROLE_normal, "RUNBOOK", "%s", b->title ? b->title : b->id);
	if (d->app->about[0])
		dialog_line(g, ROLE_normal, "FOR", "%s", d->app->about);
	dialog_line(g, ROLE_normal, "STEPS", "%lld; %lld change something, %lld destroy",
	            (long long)b->steps, (long long)b->changes, (long long)b->destroys);
	for (size_t i = 0; i < o->doc.n_never; i++)
		dialog_line(g, ROLE_warn, "NEVER", "%s", o->doc.never[i]);
	dialog_line(g, ROLE_normal, "THEN", "%s",
	            str_eq(kind, "dry") ? "reads run by themselves; changes are printed, never done"
	                                : "reads run by themselves; each change asks you first");
	dialog_line(g, ROLE_normal, "UNDO", "abort it (. B)");
	dialog_arm(g, "");
}

static bool start_body(struct decision *d, struct dialog *g, struct jw *w)
{
	(void)g;
	run_start_body(d->app, d->subject.id, kind_of(d->action), w);
	return true;
}

static void start_done(struct app *a, int status, const struct json *doc)
{
	const char *id = json_get_str(doc, "id");

	app_runs_refresh(a);
	if (status < 200 || status >= 300 || !id)
		return;
	shell_say(a->shell, ROLE_ok, "%s has begun; you drive", id);
	app_runs_watch(a, id);
	app_runs_took(a, doc);
	runbooks_leave(a);
	shell_go(a->shell, "walk");
}

/* With something to ask for it is a form instead. */
static bool start_form(struct app *a, const struct action *x, const struct subject *s)
{
	const struct outline *o = app_runs_outline(a);

	if (!o || !run_start_asks(o))
		return false;
	app_runs_start_form(a, s->id, kind_of(x));
	return true;
}

static const char *start_check(struct decision *d)
{
	(void)d;
	return NULL;
}

const struct action_hooks run_start_hooks = { .form = start_form,
	                                      .why_not = start_why_not,
	                                      .fill = start_fill,
	                                      .check = start_check,
	                                      .body = start_body,
	                                      .done = start_done };
