/*
 * t writes a note from anywhere: which incident, when it was, the text. The text is never
 * lost: it is on disk (0600) before it is sent and until the engine has it; a note that was
 * not sent, or not finished, is there again at the next t, also after the console was left.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/incidents.h"

enum { TEXT_MAX = 16000, DRAFT_MAX = 128 << 10, KEEP_MS = 500, ROW_INCIDENT = 0, ROW_AT, ROW_TEXT };

struct noting {
	struct app *app;
	struct client_request *request;
	bool in_form, failed;
	char incident[40], at[48]; /* of the draft */
	char *text;                /* NULL = no draft */
	size_t kept_len;           /* of the text when it was last written down */
	int64_t kept_ms;
	char wrong[120];
};

static const struct form_row rows[] = {
	{ "incident", "Incident", "which one; Space: the next, - is none", FORM_CHOICE, true },
	{ "happenedAt", "Happened at", "empty = now; 10:51, 10:51:30, -5m or 2026-11-21T10:51:00Z",
	  FORM_TEXT, false },
	{ "text", "Text",
	  "what happened, in one paragraph; " NOTE_TODO " at its beginning makes it an action too",
	  FORM_AREA, true },
};

/* ---- the draft ---- */

static char *draft_path(const struct app *a)
{
	return a->state_dir ? xasprintf("%s/note-draft.json", a->state_dir) : NULL;
}

static void draft_drop(struct noting *n)
{
	_cleanup_(free_p) char *path = draft_path(n->app);

	str_replace(&n->text, NULL);
	n->failed = false;
	if (path)
		unlink(path);
}

static bool write_all(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t k = write(fd, s, n);
		if (k <= 0)
			return false;
		s += k;
		n -= (size_t)k;
	}
	return true;
}

/* Whole or not at all; false = only this console knows it. */
static bool draft_keep(struct noting *n, const struct form *f)
{
	_cleanup_(free_p) char *path = draft_path(n->app), *tmp = NULL;
	struct str b = STR_INIT(DRAFT_MAX);
	struct jw w = JW(&b);
	bool good = false;
	int fd;

	str_replace(&n->text, form_get(f, ROW_TEXT));
	snprintf(n->incident, sizeof(n->incident), "%s",
	         form_get(f, ROW_INCIDENT) ? form_get(f, ROW_INCIDENT) : "");
	snprintf(n->at, sizeof(n->at), "%s", form_get(f, ROW_AT) ? form_get(f, ROW_AT) : "");
	if (!path || !n->text)
		return false;
	tmp = xasprintf("%s.%d", path, (int)getpid());
	jw_obj(&w, NULL);
	jw_str(&w, "incident", n->incident);
	jw_str(&w, "happenedAt", n->at);
	jw_str(&w, "text", n->text);
	jw_obj_end(&w);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		good = write_all(fd, str_get(&b), b.len);
		good = close(fd) == 0 && good && rename(tmp, path) == 0;
	}
	if (!good)
		unlink(tmp);
	str_fini(&b);
	return good;
}

static void draft_load(struct noting *n)
{
	_cleanup_(free_p) char *path = draft_path(n->app);
	_cleanup_(json_free_p) struct json *doc = NULL;
	struct str b = STR_INIT(DRAFT_MAX);
	char buf[8192];
	ssize_t k;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;

	if (fd < 0)
		return;
	while ((k = read(fd, buf, sizeof(buf))) > 0)
		str_addn(&b, buf, (size_t)k);
	close(fd);
	doc = b.full ? NULL : json_parse(str_get(&b), b.len, NULL);
	str_fini(&b);
	if (!json_get_str(doc, "text"))
		return;
	str_replace(&n->text, json_get_str(doc, "text"));
	snprintf(n->incident, sizeof(n->incident), "%s",
	         json_get_str(doc, "incident") ? json_get_str(doc, "incident") : "");
	snprintf(n->at, sizeof(n->at), "%s",
	         json_get_str(doc, "happenedAt") ? json_get_str(doc, "happenedAt") : "");
}

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
	int64_t ms;

	if (row != ROW_AT || app_when(n->app, text, &ms))
		return NULL;
	snprintf(n->wrong, sizeof(n->wrong),
	         "such as 10:51, 10:51:30, -5m or 2026-11-21T10:51:00Z");
	return n->wrong;
}

static const char *on_offer(void *ctx, size_t row, size_t i, const char **from)
{
	const struct noting *n = ctx;
	const struct state *s = app_state(n->app);

	*from = NULL;
	if (row != ROW_INCIDENT)
		return NULL;
	/* the open ones, then those that are over: a note may come late */
	for (int open = 1; open >= 0; open--)
		for (size_t k = 0; k < s->n_incidents; k++)
			if (incident_open(&s->incidents[k]) == open && i-- == 0) {
				*from = s->incidents[k].title;
				return s->incidents[k].id;
			}
	return i == 0 ? "-" : NULL;
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

		draft_drop(n);
		n->in_form = false; /* nothing is left to keep */
		if (open)
			form_close(shell_form(a->shell));
		shell_say(a->shell, ROLE_ok, "%s noted%s%s", id ? id : "", incident ? " on " : "",
		          incident ? incident : "");
		return;
	}
	n->failed = true;
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
	const char *incident = form_get(f, ROW_INCIDENT);
	struct str body = STR_INIT(DRAFT_MAX);
	struct jw w = JW(&body);
	int64_t at = 0;

	draft_keep(n, f);
	app_when(n->app, form_get(f, ROW_AT), &at);
	jw_obj(&w, NULL);
	jw_str(&w, "text", form_get(f, ROW_TEXT));
	jw_str(&w, "incident", str_eq(incident, "-") ? "" : incident);
	if (at)
		jw_time(&w, "happenedAt", at);
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

	if (!n || !n->in_form || n->request || !f || !f->open || f->pad.len == n->kept_len)
		return false;
	if (now - n->kept_ms < KEEP_MS)
		return true;
	n->kept_len = f->pad.len;
	n->kept_ms = now;
	if (n->kept_len)
		draft_keep(n, f);
	else
		draft_drop(n);
	return false;
}

/* Esc, ^C, the end of the console: what was written stays. */
static void on_leaving(void *ctx, const struct form *f)
{
	struct noting *n = ctx;

	if (n->request || !n->in_form || (n->text == NULL && !form_get(f, ROW_TEXT)))
		return;
	if (!form_get(f, ROW_TEXT))
		draft_drop(n);
	else
		draft_keep(n, f);
}

static void on_closed(void *ctx)
{
	struct noting *n = ctx;

	n->in_form = false;
	if (n->text && !n->request && n->app->shell)
		shell_say(n->app->shell, ROLE_warn,
		          "the note is kept as a draft, not sent: t goes on "
		          "with it");
}

static void choose_incident(const struct app *a, const struct subject *s, char *buf, size_t n)
{
	const struct incident *open = app_incident_open(a);

	if (s && str_eq(s->kind, "incident"))
		snprintf(buf, n, "%s", s->id);
	else
		snprintf(buf, n, "%s", open ? open->id : "-");
}

void app_note(struct app *a, const struct subject *s)
{
	struct noting *n = a->noting;
	struct form *f = shell_form(a->shell);
	char incident[40];

	if (!n) {
		n = a->noting = xcalloc(1, sizeof(*n));
		n->app = a;
		draft_load(n);
	}
	if (n->request) {
		shell_say(a->shell, ROLE_hint, "the last note is still being sent; it is kept");
		return;
	}
	form_open(f, n->text ? "NOTE (the draft that was not sent)" : "NOTE", rows, COUNT_OF(rows),
	          on_send, on_closed, n);
	form_area(f, TEXT_MAX);
	f->leaving = on_leaving;
	f->check = on_check;
	f->offer = on_offer;
	f->focus = ROW_TEXT;
	snprintf(f->sent, sizeof(f->sent), "sent; waiting for the engine ..");
	choose_incident(a, s, incident, sizeof(incident));
	form_set(f, "incident", n->text && n->incident[0] ? n->incident : incident);
	form_set(f, "happenedAt", n->text ? n->at : "");
	form_set(f, "text", n->text);
	n->in_form = true;
	shell_redraw(a->shell);
}

bool app_note_kept(const struct app *a)
{
	return a->noting && a->noting->text && !a->noting->request;
}

void app_note_free(struct app *a)
{
	struct noting *n = a->noting;

	if (!n)
		return;
	if (n->request)
		client_cancel(n->request);
	free_p(&n->text);
	free_p(&a->noting);
}
