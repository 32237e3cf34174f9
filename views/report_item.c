/* An action item as a form: what is to be done, by whom, until when, and where it stands. What
 * others wrote meanwhile is not overwritten unseen. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "model/incident.h"
#include "views/report.h"

enum { ROW_OWNER, ROW_DUE, ROW_STATE, ROW_TEXT, ROWS, TEXT_MAX = 4000 };

struct report_item {
	struct report_data *of;
	struct client_request *request;
	char id[24], incident[24];
	char *was[ROWS];		/* what stood when the form was opened, or was said since */
	int64_t version;		/* that it was made on; 0 = a new one */
	bool open;
	char wrong[120];
};

static const struct form_row rows[ROWS] = {
	{ "owner", "Owner", "one person; ^N: the next of those in the incident", FORM_TEXT, false },
	{ "dueAt", "Due", "a day 2026-12-01, an instant, or from now on: +7d; empty: none",
	  FORM_TEXT, false },
	{ "state", "State", "Space: open, done, dropped", FORM_CHOICE, true },
	{ "text", "What", "what is to be done, so that one can say it is done", FORM_AREA, true },
};

static const char *on_check(void *ctx, size_t row, const char *text)
{
	struct report_item *x = ctx;
	int64_t ms;

	if (row != ROW_DUE || str_empty(text) ||
	    incident_due_parse(text, app_now(x->of->app), &ms))
		return NULL;
	snprintf(x->wrong, sizeof(x->wrong), "such as 2026-12-01, +7d or 2026-12-01T12:00:00Z");
	return x->wrong;
}

/* Who is somebody in the incident; then who is here. */
static const char *on_offer(void *ctx, size_t row, size_t i, const char **from)
{
	static const char *const states[] = { "open", "done", "dropped" };
	const struct report_item *x = ctx;
	const struct json *in = json_get(x->of->doc, "incident");

	*from = NULL;
	if (row == ROW_STATE)
		return i < COUNT_OF(states) ? states[i] : NULL;
	if (row != ROW_OWNER)
		return NULL;
	for (const struct json *r = json_first(json_get(in, "roles")); r; r = json_next(r))
		if (!*report_str(r, "until") && i-- == 0) {
			*from = report_str(r, "role");
			return report_str(r, "person");
		}
	return NULL;
}

static void answered(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct report_item *x = ctx;
	struct app *a = x->of->app;

	x->request = NULL;
	report_moved(x->of);
	if (status >= 200 && status < 300) {
		if (x->open)
			form_close(shell_form(a->shell));
		shell_say(a->shell, ROLE_ok, "%s: %s", x->incident,
		          x->id[0] ? "the action item is changed" : "an action item more");
	} else if (x->open) {
		form_done(shell_form(a->shell), problem ? problem : "no answer",
		          json_get_str(doc, "field"));
	} else {
		shell_say(a->shell, ROLE_error, "action item: %s", problem ? problem : "no answer");
	}
	shell_redraw(a->shell);
}

static bool changed(const struct report_item *x, const struct form *f, size_t row)
{
	return !str_eq(form_get(f, row) ? form_get(f, row) : "", x->was[row]);
}

/* Somebody else wrote what is written here: it is said once, and ^S again is meant so. */
static bool written_since(struct report_item *x, struct form *f)
{
	const struct json *now = report_item(x->of, x->id);
	char text[240];

	if (now)
		x->version = json_get_i64(now, "version", 0);
	for (size_t i = 0; now && i < ROWS; i++) {
		const char *is = report_str(now, rows[i].name);

		if (str_eq(is, x->was[i]))
			continue;
		str_replace(&x->was[i], is);
		if (!changed(x, f, i))
			continue;
		snprintf(text, sizeof(text), "meanwhile it says: %.150s. ^S again puts yours there",
		         *is ? is : "nothing");
		form_done(f, text, rows[i].name);
		return true;
	}
	return false;
}

/* Only what was changed here: the rest stays as others have it. */
static void write_item(struct report_item *x, const struct form *f, struct jw *w)
{
	int64_t due;

	jw_str(w, "action", "action");
	if (x->id[0])
		jw_str(w, "id", x->id);
	if (x->version)
		jw_i64(w, "itemVersion", x->version);
	if (!x->id[0] || changed(x, f, ROW_TEXT))
		jw_str(w, "text", form_get(f, ROW_TEXT));
	if (changed(x, f, ROW_OWNER))
		jw_str(w, "owner", form_get(f, ROW_OWNER) ? form_get(f, ROW_OWNER) : "");
	if (changed(x, f, ROW_DUE) && !form_get(f, ROW_DUE))
		jw_str(w, "dueAt", "");
	else if (changed(x, f, ROW_DUE) &&
	         incident_due_parse(form_get(f, ROW_DUE), app_now(x->of->app), &due))
		jw_time(w, "dueAt", due);
	if (!x->id[0] || changed(x, f, ROW_STATE))
		jw_str(w, "state", form_get(f, ROW_STATE));
}

static void on_send(void *ctx, struct form *f)
{
	struct report_item *x = ctx;
	_cleanup_(str_fini) struct str body = STR_INIT(16000), path = STR_INIT(300);
	struct jw w = JW(&body);

	if (written_since(x, f))
		return;
	jw_obj(&w, NULL);
	write_item(x, f, &w);
	jw_obj_end(&w);
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, x->incident);
	str_add(&path, "/do");
	x->request = client_send(x->of->app->client, "POST", str_get(&path), str_get(&body),
	                         answered, x);
}

static void on_closed(void *ctx)
{
	struct report_item *x = ctx;

	x->open = false;
}

void report_item_free(struct report_data *d)
{
	if (!d->item)
		return;
	if (d->item->request)
		client_cancel(d->item->request);
	for (size_t i = 0; i < ROWS; i++)
		free_p(&d->item->was[i]);
	free_p(&d->item);
}

void report_item_form(struct report_data *d, const char *id)
{
	struct form *f = shell_form(d->app->shell);
	const struct json *is = report_item(d, id);
	struct report_item *x;

	if (d->item && d->item->request) {
		shell_say(d->app->shell, ROLE_hint, "the last one is still being sent");
		return;
	}
	form_close(f);
	report_item_free(d);
	x = d->item = xcalloc(1, sizeof(*x));
	x->of = d;
	snprintf(x->incident, sizeof(x->incident), "%s", d->id);
	snprintf(x->id, sizeof(x->id), "%s", is ? id : "");
	form_open(f, is ? "ACTION ITEM" : "A NEW ACTION ITEM", rows, COUNT_OF(rows), on_send,
	          on_closed, x);
	form_area(f, TEXT_MAX, false);
	f->focus = ROW_TEXT;
	f->check = on_check;
	f->offer = on_offer;
	snprintf(f->sent, sizeof(f->sent), "sent; waiting for the engine ..");
	for (size_t i = 0; i < ROWS; i++) {
		x->was[i] = xstrdup(!is && i == ROW_STATE ? "open" : report_str(is, rows[i].name));
		form_set(f, rows[i].name, x->was[i]);
	}
	x->version = is ? json_get_i64(is, "version", 0) : 0;
	x->open = true;
	shell_redraw(d->app->shell);
}
