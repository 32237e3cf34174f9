/*
 * Changing a note, and taking it back. A change names the version that it was made on; where
 * somebody else was faster, both texts are shown and one chooses: both, one's own, theirs. The
 * engine keeps every text as a version, so nothing that is chosen here loses words.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/note.h"
#include "views/timeline.h"

#define NOTES "/api/v1/notes/"

static const char *str(const struct json *v, const char *name)
{
	return json_get_str(v, name) ? json_get_str(v, name) : "";
}

static void ask(struct noting *n, client_done done)
{
	_cleanup_(free_p) char *path = xasprintf(NOTES "%s", n->id);

	n->request = client_get(n->app->client, path, done, n);
}

static void over(struct noting *n, const char *what)
{
	bool open = n->in_form;

	note_draft_drop(n, n->id);
	n->in_form = false;
	if (open)
		form_close(shell_form(n->app->shell));
	shell_say(n->app->shell, ROLE_ok, "%s: %s", n->id, what);
	app_timeline_reload(n->app);
}

/* ---- two at once ---- */

static void saved(void *ctx, int status, const struct json *doc, const char *problem);

static void patch(struct noting *n, const struct note_draft *d)
{
	_cleanup_(free_p) char *path = xasprintf(NOTES "%s", n->id);
	struct str body = STR_INIT(NOTE_DRAFT_MAX);
	struct jw w = JW(&body);
	int64_t at = 0;

	app_when(n->app, d->at, &at);
	jw_obj(&w, NULL);
	jw_str(&w, "text", d->text);
	jw_i64(&w, "version", n->version);
	if (at && !str_eq(d->at, n->at))
		jw_time(&w, "happenedAt", at);
	jw_str(&w, "source", d->source);
	jw_obj_end(&w);
	n->request = client_send(n->app->client, "PATCH", path, str_get(&body), saved, n);
	str_fini(&body);
}

/* The draft with what they wrote before it. */
static void both(struct noting *n, const struct note_draft *d)
{
	_cleanup_(free_p) char *text = xasprintf("%s\n\n%s", n->theirs, d->text);
	struct note_draft x = *d;
	char title[80];

	x.text = text;
	x.version = n->version;
	snprintf(title, sizeof(title), "NOTE %s: theirs, then yours; ^S keeps both", n->id);
	note_form(n, &x, title);
}

static void settled(void *ctx, const char *value)
{
	struct noting *n = ctx;
	const struct note_draft *d = note_draft_get(n, n->id);

	if (!d || n->request)
		return;
	if (str_eq(value, "both"))
		both(n, d);
	else if (str_eq(value, "mine"))
		patch(n, d);
	else
		over(n, "left as it is; your text is kept as a version of it");
}

static void show_both(struct noting *n)
{
	struct sheet *s = shell_sheet(n->app->shell);
	const struct note_draft *d = note_draft_get(n, n->id);
	int w = shell_width(n->app->shell) - 6;
	char title[80];

	snprintf(title, sizeof(title), "%s WAS CHANGED BY %.30s WHILE YOU WROTE", n->id, n->by);
	sheet_open(s, title, settled, n);
	sheet_choice(s, 'b', "both", "keep both: theirs, then yours, to be read once more");
	sheet_choice(s, 'y', "mine", "yours in its place; theirs stays as a version");
	sheet_choice(s, 'l', "theirs", "leave theirs; yours stays as a version");
	sheet_line(s, ROLE_title, "THEIRS (%s)", n->by);
	sheet_text(s, ROLE_normal, w, n->theirs);
	sheet_line(s, ROLE_title, "YOURS (kept as a draft until you choose)");
	sheet_text(s, ROLE_normal, w, d ? d->text : "");
}

static void got_theirs(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct noting *n = ctx;
	struct form *f = shell_form(n->app->shell);
	int64_t version = json_get_i64(doc, "version", 0);
	const char *why = status == 200 ? n->wrong : problem ? problem : "no answer";

	n->request = NULL;
	if (status != 200 || version == n->version) {
		if (n->in_form)
			form_done(f, why, NULL);
		else
			shell_say(n->app->shell, ROLE_error, "%s: %s", n->id, why);
	} else {
		n->version = version;
		str_replace(&n->theirs, str(doc, "text"));
		str_replace(&n->by, str(doc, "by"));
		if (n->in_form) {
			n->in_form = false; /* the draft has it */
			form_close(f);
		}
		show_both(n);
	}
	shell_redraw(n->app->shell);
}

static void saved(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct noting *n = ctx;
	char text[240];

	n->request = NULL;
	if (status >= 200 && status < 300) {
		over(n, "changed; the text before is kept as a version");
	} else if (status == 409) {
		snprintf(n->wrong, sizeof(n->wrong), "%s", problem ? problem : "refused");
		ask(n, got_theirs);
	} else {
		snprintf(text, sizeof(text), "NOT SENT: %.130s. Kept: ^S tries again, e brings it"
		         " back", problem ? problem : "no answer");
		if (n->in_form)
			form_done(shell_form(n->app->shell), text, json_get_str(doc, "field"));
		else
			shell_say(n->app->shell, ROLE_error, "%s %s", n->id, text);
	}
	shell_redraw(n->app->shell);
}

void note_edit_send(struct noting *n)
{
	const struct note_draft *d = note_draft_get(n, n->id);

	if (d)
		patch(n, d);
	else
		over(n, "nothing was changed");
}

/* ---- opening it ---- */

static void got_note(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct noting *n = ctx;
	struct shell *s = n->app->shell;
	const struct note_draft *kept = note_draft_get(n, n->id);
	struct note_draft d = { 0 };
	char title[80];

	n->request = NULL;
	shell_redraw(s);
	if (status != 200) {
		shell_say(s, ROLE_error, "%s: %s", n->id, problem ? problem : "no answer");
		return;
	}
	if (shell_form(s)->open || shell_sheet(s)->open || dialog_is_open(shell_dialog(s)))
		return; /* one went on to something else */
	shell_say(s, ROLE_hint, "%s", "");
	snprintf(n->at, sizeof(n->at), "%s", str(doc, "happenedAt"));
	snprintf(n->source, sizeof(n->source), "%s", str(doc, "source"));
	str_replace(&n->was, str(doc, "text"));
	n->version = kept ? kept->version : json_get_i64(doc, "version", 0);
	snprintf(title, sizeof(title), "NOTE %s of %.24s%s", n->id, str(doc, "by"),
	         kept ? " (your change that was not sent)" : "");
	if (!kept) {
		snprintf(d.at, sizeof(d.at), "%s", n->at);
		snprintf(d.source, sizeof(d.source), "%s", n->source);
		d.text = xstrdup(n->was);
	}
	note_form(n, kept ? kept : &d, title);
	free_p(&d.text);
}

static void run_edit(struct app *a, const struct action *x, const struct subject *s)
{
	struct noting *n = noting_of(a);

	(void)x;
	if (n->request) {
		shell_say(a->shell, ROLE_hint, "the last note is still being sent; it is kept");
		return;
	}
	snprintf(n->id, sizeof(n->id), "%s", s->id);
	n->about[0] = '\0';
	shell_say(a->shell, ROLE_hint, "reading %s ..", s->id);
	ask(n, got_note);
}

static void people_why_not(const struct app *a, const struct action *x, const struct subject *s,
                           char *buf, size_t n)
{
	(void)x;
	(void)s;
	app_people_why_not(a, buf, n);
}

/* ---- taking it back ---- */

static bool is_back(const struct action *x)
{
	return str_eq(x->name, "note-back");
}

/* As one of the views shows it. */
static const struct timeline_entry *shown(const struct app *a, const char *id)
{
	const struct incident_doc *d = app_incident_doc(a);
	const struct timeline_entry *e = app_timeline_entry(a, id);

	for (size_t i = 0; d && !e && i < d->n_written; i++)
		if (str_eq(d->written[i].id, id))
			e = &d->written[i];
	return e;
}

static void retract_why_not(const struct app *a, const struct action *x, const struct subject *s,
                            char *buf, size_t n)
{
	const struct timeline_entry *e = shown(a, s->id);

	if (!e)
		snprintf(buf, n, "put the cursor on the note");
	else if (e->retracted != is_back(x))
		snprintf(buf, n, is_back(x) ? "it was not taken back" : "it is taken back already");
}

static void fill(struct decision *d, struct dialog *g)
{
	const struct timeline_entry *e = shown(d->app, d->subject.id);

	if (!e) {
		dialog_disarm(g, "the note is not in sight any more");
		return;
	}
	d->version = e->version;
	dialog_line(g, ROLE_danger, "NOTE", "%s of %s: %.600s", d->subject.id,
	            e->actor ? e->actor : "?", e->text ? e->text : "");
	dialog_line(g, ROLE_normal, "MEANS",
	            is_back(d->action) ? "it stands in the timeline and the report again"
	                               : "it is hidden (v shows it) and leaves the report; who "
	                                 "took it back and why stands in the timeline");
	dialog_line(g, ROLE_normal, "UNDO", is_back(d->action) ? "x again" : "v, then x on it");
	dialog_arm(g, "");
}

static bool body(struct decision *d, struct dialog *g, struct jw *w)
{
	jw_i64(w, "version", d->version);
	jw_bool(w, "back", is_back(d->action));
	if (g->own.len)
		jw_str(w, "reason", g->own.text);
	return true;
}

static void done(struct app *a, int status, const struct json *doc)
{
	(void)status;
	(void)doc;
	app_timeline_reload(a);
}

const struct action_hooks note_edit_hooks = { .run = run_edit, .why_not = people_why_not };
const struct action_hooks note_retract_hooks = {
	.why_not = retract_why_not, .fill = fill, .body = body, .done = done
};

void note_edit_fini(struct noting *n)
{
	free_p(&n->was);
	free_p(&n->theirs);
	free_p(&n->by);
}
