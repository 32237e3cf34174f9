/*
 * The text of a section, written in place. Two may write at once and nobody's text is lost:
 * the engine keeps the second beside the first, and here both stand in the form then, to be
 * merged. What is being written is on disk (0600) until the engine has it, and there again
 * when the section is opened the next time.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "model/review.h"
#include "views/draft.h"
#include "views/report.h"

enum { PAD_MAX = 3 * REPORT_TEXT_MAX, BODY_MAX = 6 * PAD_MAX + 4096 };

struct report_edit {
	struct report_data *of;
	char id[24], section[40], title[80], asks[240];
	int64_t version;		/* that the text was made from */
	char *was;			/* what stood when it was opened */
	bool open, saved;
	bool merges;			/* texts set aside stand in it: saving settles them */
	int64_t kept_edits, kept_ms;
	struct client_request *request;
	struct form_row row;
};

/* ---- the draft ---- */

static char *draft_name(const char *id, const char *section)
{
	return xasprintf("report-%s-%s", id, section);
}

static void forget_draft(const struct report_edit *e)
{
	_cleanup_(free_p) char *name = draft_name(e->id, e->section);

	draft_drop(e->of->app, name);
}

static void draft_keep(struct report_edit *e, const char *text)
{
	_cleanup_(free_p) char *name = draft_name(e->id, e->section);
	_cleanup_(str_fini) struct str b = STR_INIT(BODY_MAX);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	jw_i64(&w, "version", e->version);
	jw_bool(&w, "merges", e->merges);
	jw_str(&w, "text", text);
	jw_obj_end(&w);
	draft_write(e->of->app, name, &b);
}

bool report_edit_waits(const struct report_data *d, const char *section)
{
	_cleanup_(free_p) char *name = draft_name(d->id, section);

	return draft_waits(d->app, name);
}

/* NULL = there is none. */
static struct json *draft_load(const struct report_edit *e)
{
	_cleanup_(free_p) char *name = draft_name(e->id, e->section);

	return draft_read(e->of->app, name, BODY_MAX);
}

bool app_report_keep(struct app *a)
{
	struct report_edit *e = a->report ? a->report->edit : NULL;
	struct form *f = a->shell ? shell_form(a->shell) : NULL;
	int64_t now = loop_now_ms(a->loop);

	if (!e || !e->open || e->request || !f || !f->open || f->pad.edits == e->kept_edits)
		return false;
	if (now - e->kept_ms < DRAFT_KEEP_MS)
		return true;
	e->kept_edits = f->pad.edits;
	e->kept_ms = now;
	draft_keep(e, pad_text(&f->pad));
	return false;
}

/* ---- saving ---- */

static void not_saved(struct report_edit *e, const char *problem)
{
	char text[240];

	snprintf(text, sizeof(text), "NOT SAVED: %.150s. Kept: ^S tries again, Esc leaves it",
	         problem ? problem : "no answer");
	form_done(shell_form(e->of->app->shell), text, NULL);
}

/* Without the lines that said where a text came from. */
static void own_text(const struct report_edit *e, const struct form *f, struct str *out)
{
	if (e->merges)
		review_draft_text(pad_text(&f->pad), out);
	else
		str_add(out, pad_text(&f->pad));
}

/* Theirs above, ours below, both kept by the engine whatever happens here. */
static void merge(struct report_edit *e, const struct json *doc)
{
	struct form *f = shell_form(e->of->app->shell);
	const struct json *theirs = json_get(doc, "theirs");
	_cleanup_(str_fini) struct str b = STR_INIT(PAD_MAX), mine = STR_INIT(PAD_MAX);
	char text[240];

	own_text(e, f, &mine);
	str_add(&b, report_str(theirs, "text"));
	review_draft_beside(&b, json_get_i64(doc, "keptAs", 0), "you", str_get(&mine));
	e->version = json_get_i64(theirs, "version", 0);
	e->merges = true;
	str_replace(&e->was, report_str(theirs, "text"));
	form_set(f, "text", str_get(&b));
	draft_keep(e, pad_text(&f->pad));
	snprintf(text, sizeof(text),
	         "%.60s wrote version %lld meanwhile. Both stand here and both are kept: merge "
	         "them, then ^S",
	         report_str(theirs, "by"), (long long)e->version);
	form_done(f, text, NULL);
}

static void answered(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct report_edit *e = ctx;
	struct app *a = e->of->app;

	e->request = NULL;
	report_moved(e->of);
	if (status >= 200 && status < 300) {
		e->saved = true;
		forget_draft(e);
		if (e->open)
			form_close(shell_form(a->shell));
		shell_say(a->shell, ROLE_ok, "%s: version %lld", e->title,
		          (long long)json_get_i64(doc, "version", 0));
	} else if (!e->open) {
		shell_say(a->shell, status == 409 ? ROLE_warn : ROLE_error,
		          "%s: %s; e shows it again", e->title, problem ? problem : "no answer");
	} else if (status == 409 && json_get(doc, "theirs")) {
		merge(e, doc);
	} else {
		not_saved(e, problem);
	}
	shell_redraw(a->shell);
}

static void on_send(void *ctx, struct form *f)
{
	struct report_edit *e = ctx;
	_cleanup_(str_fini) struct str text = STR_INIT(PAD_MAX), body = STR_INIT(BODY_MAX);
	_cleanup_(str_fini) struct str path = STR_INIT(300);
	struct jw w = JW(&body);

	own_text(e, f, &text);
	if (text.len > REPORT_TEXT_MAX || !text.len) {
		form_done(f, text.len ? "longer than a section may be (200000 bytes)"
		                      : "an empty text is not saved", NULL);
		return;
	}
	if (!e->merges && str_eq(str_get(&text), e->was)) {
		e->saved = true;
		forget_draft(e);
		form_close(f);
		shell_say(e->of->app->shell, ROLE_hint, "%s: nothing was changed", e->title);
		return;
	}
	draft_keep(e, pad_text(&f->pad));
	jw_obj(&w, NULL);
	jw_str(&w, "text", str_get(&text));
	jw_i64(&w, "version", e->version);
	jw_obj_end(&w);
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, e->id);
	str_addf(&path, "/report/%s", e->section);
	e->request = client_send(e->of->app->client, "PUT", str_get(&path), str_get(&body),
	                         answered, e);
}

static void on_leaving(void *ctx, const struct form *f)
{
	struct report_edit *e = ctx;
	_cleanup_(str_fini) struct str text = STR_INIT(PAD_MAX);

	if (e->saved || e->request)
		return;
	own_text(e, f, &text);
	if (!text.len || str_eq(str_get(&text), e->was)) {
		forget_draft(e);
		e->saved = true;
	} else {
		draft_keep(e, pad_text(&f->pad));
	}
}

static void on_closed(void *ctx)
{
	struct report_edit *e = ctx;
	struct app *a = e->of->app;

	e->open = false;
	e->of->answers++; /* whether a draft waits is said in its lines */
	if (!a->shell)
		return;
	shell_changed(a->shell);
	if (!e->saved && !e->request)
		shell_say(a->shell, ROLE_warn, "%s is kept as a draft, not saved: e goes on "
		          "with it", e->title);
}

/* ---- the form ---- */

void report_edit_free(struct report_data *d)
{
	struct report_edit *e = d->edit;

	if (!e)
		return;
	if (e->request)
		client_cancel(e->request);
	free_p(&e->was);
	free_p(&d->edit);
}

static void start_text(const struct json *s, struct str *out)
{
	str_add(out, report_str(s, "text"));
	for (const struct json *v = json_first(json_get(s, "aside")); v; v = json_next(v))
		review_draft_beside(out, json_get_i64(v, "version", 0), report_str(v, "by"),
		                    report_str(v, "text"));
}

static void ask_list(struct report_edit *e, const struct json *s)
{
	size_t n = sizeof(e->asks);

	snprintf(e->asks, n, "%s",
	         e->merges ? "Lines with %% in front are left out." : "Markdown.");
	for (const struct json *v = json_first(json_get(s, "asks")); v; v = json_next(v))
		snprintf(e->asks + strlen(e->asks), n - strlen(e->asks), "%s %s",
		         v == json_first(json_get(s, "asks")) ? " Asked:" : ",", json_str(v));
}

void report_edit(struct report_data *d, const char *section)
{
	const struct json *s = report_section(d, section);
	struct form *f = shell_form(d->app->shell);
	_cleanup_(json_free_p) struct json *draft = NULL;
	_cleanup_(str_fini) struct str text = STR_INIT(PAD_MAX);
	struct report_edit *e;

	if (d->edit && d->edit->request) {
		shell_say(d->app->shell, ROLE_hint, "%s is still being saved", d->edit->title);
		return;
	}
	form_close(f);
	report_edit_free(d);
	e = d->edit = xcalloc(1, sizeof(*e));
	e->of = d;
	snprintf(e->id, sizeof(e->id), "%s", d->id);
	snprintf(e->section, sizeof(e->section), "%s", section);
	snprintf(e->title, sizeof(e->title), "%s %.50s", d->id, report_str(s, "title"));
	e->version = json_get_i64(s, "version", 0);
	e->was = xstrdup(report_str(s, "text"));
	e->merges = json_count(json_get(s, "aside")) > 0;
	ask_list(e, s);
	start_text(s, &text);
	draft = draft_load(e);
	if (json_get_str(draft, "text"))
		e->version = json_get_i64(draft, "version", 0);
	e->merges = json_get_bool(draft, "merges", e->merges);
	e->row = (struct form_row){ "text", "Text", e->asks, FORM_AREA, false };
	form_open(f, e->title, &e->row, 1, on_send, on_closed, e);
	form_area(f, PAD_MAX, true);
	f->leaving = on_leaving;
	snprintf(f->sent, sizeof(f->sent), "saving ..");
	form_set(f, "text", json_get_str(draft, "text") ? json_get_str(draft, "text")
	                                                : str_get(&text));
	if (json_get_str(draft, "text")) {
		f->note_role = ROLE_warn;
		snprintf(f->note, sizeof(f->note), "the draft that was not saved, made from "
		         "version %lld; ^S saves it", (long long)e->version);
	}
	e->open = true;
	e->kept_edits = f->pad.edits;
	shell_redraw(d->app->shell);
}
