/*
 * t writes a note from anywhere: which incident, when it was, what shows it, the text. A note
 * that was not sent, or not finished, is there again at the next t (note_draft.c). The same form
 * changes a note that there is (note_edit.c).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "views/draft.h"
#include "views/note.h"

#define ROW_AT                                                                                     \
	{ "happenedAt", "Happened at", "empty = now; 10:51, 10:51:30, -5m or 2026-11-21T10:51:00Z",\
	  FORM_TEXT, false }
#define ROW_SOURCE                                                                                 \
	{ "source", "Evidence", "what shows it: EV-118, RUN-3, AL-7, a journal row j:812, a link", \
	  FORM_TEXT, false }
#define ROW_TEXT(help_) { "text", "Text", help_, FORM_AREA, true }

static const struct form_row rows[] = {
	{ "incident", "Incident", "which one; Space: the next, - is none", FORM_CHOICE, true },
	ROW_AT,
	ROW_SOURCE,
	ROW_TEXT("what happened, in as many lines as it takes; " NOTE_TODO
	         " first makes line 1 an action"),
};
static const struct form_row edit_rows[] = {
	ROW_AT,
	ROW_SOURCE,
	ROW_TEXT("the text before it is kept as a version; nobody's words are lost"),
};

/* ---- when it was ---- */

/* Two digits below max. */
static bool two(const char **s, int max, int *ret)
{
	const char *p = *s;

	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*ret = (p[0] - '0') * 10 + p[1] - '0';
	*s = p + 2;
	return *ret < max;
}

static bool clock_time(const char *s, int64_t now_ms, bool utc, int64_t *ret)
{
	time_t now = (time_t)(now_ms / 1000);
	int h, m, sec = 0;
	struct tm tm;

	if (!two(&s, 24, &h) || *s++ != ':' || !two(&s, 60, &m) ||
	    (*s == ':' && (s++, !two(&s, 60, &sec))))
		return false;
	utc = utc || *s == 'Z';
	s += *s == 'Z';
	if (*s || !(utc ? gmtime_r(&now, &tm) : localtime_r(&now, &tm)))
		return false;
	tm.tm_hour = h;
	tm.tm_min = m;
	tm.tm_sec = sec;
	tm.tm_isdst = -1;
	*ret = (int64_t)(utc ? timegm(&tm) : mktime(&tm)) * 1000;
	if (*ret > now_ms + 60000) /* it was, so it was yesterday */
		*ret -= 86400000;
	return true;
}

/* 0 = now. */
bool app_when(const struct app *a, const char *s, int64_t *ret)
{
	int64_t now = app_now(a), ms;

	*ret = 0;
	if (str_empty(s) || str_eq(s, "now"))
		return true;
	if (*s == '-' && parse_duration_ms(s + 1, &ms) && ms >= 0 && ms < INT64_C(400) * 86400000) {
		*ret = now - ms;
		return true;
	}
	return clock_time(s, now, shell_utc(a->shell), ret) || parse_time_ms(s, ret);
}

/* ---- the form ---- */

static const char *on_check(void *ctx, size_t row, const char *text)
{
	struct noting *n = ctx;
	const struct form *f = shell_form(n->app->shell);
	int64_t ms;

	if (!str_eq(f->rows[row].name, "happenedAt") || app_when(n->app, text, &ms))
		return NULL;
	snprintf(n->wrong, sizeof(n->wrong),
	         "such as 10:51, 10:51:30, -5m or 2026-11-21T10:51:00Z");
	return n->wrong;
}

static const char *offer_incident(const struct app *a, size_t i, const char **from)
{
	const struct state *s = app_state(a);

	/* the open ones, then those that are over: a note may come late */
	for (int open = 1; open >= 0; open--)
		for (size_t k = 0; k < s->n_incidents; k++)
			if (incident_open(&s->incidents[k]) == open && i-- == 0) {
				*from = s->incidents[k].title;
				return s->incidents[k].id;
			}
	return i == 0 ? "-" : NULL;
}

static const char *on_offer(void *ctx, size_t row, size_t i, const char **from)
{
	const struct noting *n = ctx;
	const struct state *s = app_state(n->app);
	const char *name = shell_form(n->app->shell)->rows[row].name;

	*from = NULL;
	if (str_eq(name, "incident"))
		return offer_incident(n->app, i, from);
	if (!str_eq(name, "source"))
		return NULL;
	if (n->about[0] && i-- == 0) {
		*from = "the row it was pressed on";
		return n->about;
	}
	for (size_t k = 0; k < s->n_events; k++)
		if (event_status_open(s->events[k].status) && i-- == 0)
			return s->events[k].id;
	for (size_t k = 0; k < s->n_alerts; k++)
		if (s->alerts[k].state == AL_FIRING && i-- == 0) {
			*from = s->alerts[k].name;
			return s->alerts[k].id;
		}
	return NULL;
}

static void take(char *buf, size_t n, const struct form *f, const char *name)
{
	const char *text = form_value(f, name);

	snprintf(buf, n, "%s", text ? text : "");
}

static bool as_it_was(const struct noting *n, const struct note_draft *d)
{
	return str_eq(d->text, n->was) && str_eq(d->at, n->at) && str_eq(d->source, n->source);
}

static void keep(struct noting *n, const struct form *f)
{
	struct note_draft d = { .version = n->version };

	snprintf(d.id, sizeof(d.id), "%s", n->id);
	take(d.incident, sizeof(d.incident), f, "incident");
	take(d.at, sizeof(d.at), f, "happenedAt");
	take(d.source, sizeof(d.source), f, "source");
	d.text = xstrdup(form_value(f, "text"));
	if (d.text && !(n->id[0] && as_it_was(n, &d)))
		note_draft_keep(n, &d);
	else
		note_draft_drop(n, n->id);
	free_p(&d.text);
}

static void answered(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct noting *n = ctx;
	struct app *a = n->app;
	const char *id = json_get_str(doc, "id"), *incident = json_get_str(doc, "incident");
	char text[240];

	n->request = NULL;
	if (status >= 200 && status < 300) {
		bool open = n->in_form;

		note_draft_drop(n, "");
		n->in_form = false; /* nothing is left to keep */
		if (open)
			form_close(shell_form(a->shell));
		shell_say(a->shell, ROLE_ok, "%s noted%s%s", id ? id : "", incident ? " on " : "",
		          incident ? incident : "");
		return;
	}
	snprintf(text, sizeof(text),
	         "NOT SENT: %.130s. Kept: ^S tries again, Esc leaves it, t brings "
	         "it back",
	         problem ? problem : "no answer");
	if (n->in_form)
		form_done(shell_form(a->shell), text, json_get_str(doc, "field"));
	else
		shell_say(a->shell, ROLE_error, "note %s", text);
	shell_redraw(a->shell);
}

static void on_send(void *ctx, struct form *f)
{
	struct noting *n = ctx;
	const char *incident = form_value(f, "incident");
	struct str body = STR_INIT(NOTE_DRAFT_MAX);
	struct jw w = JW(&body);
	int64_t at = 0;

	keep(n, f);
	if (n->id[0]) {
		note_edit_send(n);
		return;
	}
	app_when(n->app, form_value(f, "happenedAt"), &at);
	jw_obj(&w, NULL);
	jw_str(&w, "text", form_value(f, "text"));
	jw_str(&w, "incident", str_eq(incident, "-") ? "" : incident);
	if (at)
		jw_time(&w, "happenedAt", at);
	if (form_value(f, "source"))
		jw_str(&w, "source", form_value(f, "source"));
	jw_obj_end(&w);
	n->request =
	        client_send(n->app->client, "POST", "/api/v1/notes", str_get(&body), answered, n);
	str_fini(&body);
}

/* A signal may end the console at any moment: what is being written is kept as it grows. */
bool app_note_keep(struct app *a)
{
	struct noting *n = a->noting;
	struct form *f = a->shell ? shell_form(a->shell) : NULL;
	int64_t now = loop_now_ms(a->loop);

	if (!n || !n->in_form || n->request || !f || !f->open || f->pad.edits == n->kept_edits)
		return false;
	if (now - n->kept_ms < DRAFT_KEEP_MS)
		return true;
	n->kept_edits = f->pad.edits;
	n->kept_ms = now;
	keep(n, f);
	return false;
}

/* Esc, ^C, the end of the console: what was written stays. */
static void on_leaving(void *ctx, const struct form *f)
{
	struct noting *n = ctx;

	if (!n->request && n->in_form)
		keep(n, f);
}

static void on_closed(void *ctx)
{
	struct noting *n = ctx;
	bool was = n->in_form;

	n->in_form = false;
	if (was && !n->request && n->app->shell && note_draft_get(n, n->id))
		shell_say(n->app->shell, ROLE_warn,
		          "the note is kept as a draft, not sent: %s goes on with it",
		          n->id[0] ? "e" : "t");
}

void note_form(struct noting *n, const struct note_draft *d, const char *title)
{
	struct form *f = shell_form(n->app->shell);
	const struct form_row *r = n->id[0] ? edit_rows : rows;
	size_t count = n->id[0] ? COUNT_OF(edit_rows) : COUNT_OF(rows);

	form_open(f, title, r, count, on_send, on_closed, n);
	form_area(f, NOTE_TEXT_MAX, true);
	f->leaving = on_leaving;
	f->check = on_check;
	f->offer = on_offer;
	f->focus = count - 1;
	snprintf(f->sent, sizeof(f->sent), "sent; waiting for the engine ..");
	form_set(f, "incident", d->incident);
	form_set(f, "happenedAt", d->at);
	form_set(f, "source", d->source);
	form_set(f, "text", d->text);
	n->kept_edits = f->pad.edits;
	n->in_form = true;
	shell_redraw(n->app->shell);
}

/* ---- from anywhere ---- */

static bool is_evidence(const struct subject *s)
{
	static const char *const kinds[] = { "event", "run", "alert", "entry" };

	for (size_t i = 0; s && i < COUNT_OF(kinds); i++)
		if (str_eq(s->kind, kinds[i]))
			return s->id[0] != '\0';
	return false;
}

struct noting *noting_of(struct app *a)
{
	if (!a->noting) {
		a->noting = xcalloc(1, sizeof(*a->noting));
		a->noting->app = a;
	}
	return a->noting;
}

void app_note(struct app *a, const struct subject *s)
{
	const struct incident *open = app_incident_open(a);
	struct noting *n = noting_of(a);
	struct note_draft fresh = { 0 };
	const struct note_draft *d;

	if (n->request) {
		shell_say(a->shell, ROLE_hint, "the last note is still being sent; it is kept");
		return;
	}
	n->id[0] = '\0';
	n->version = 0;
	snprintf(n->about, sizeof(n->about), "%s", is_evidence(s) ? s->id : "");
	d = note_draft_get(n, "");
	if (!d) {
		bool here = s && (str_eq(s->kind, "incident") || str_eq(s->kind, "report"));

		snprintf(fresh.incident, sizeof(fresh.incident), "%s",
		         here   ? s->id
		         : open ? open->id
		                : "-");
	}
	note_form(n, d ? d : &fresh, d ? "NOTE (the draft that was not sent)" : "NOTE");
}

void app_note_free(struct app *a)
{
	struct noting *n = a->noting;

	if (!n)
		return;
	if (n->request)
		client_cancel(n->request);
	note_edit_fini(n);
	note_drafts_free(n);
	free_p(&a->noting);
}
