/*
 * What the console knows of a report: its sections as the engine made them, asked for while
 * somebody looks and whenever its incident moved. What was shown stays until something newer
 * is there. And the report as a file, in any of its formats.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/incidents.h"
#include "views/report.h"

enum { FRESH_MS = 60000, MOVED_MS = 500 };

struct report_data *report_data(struct app *a)
{
	if (!a->report) {
		a->report = xcalloc(1, sizeof(*a->report));
		a->report->app = a;
	}
	return a->report;
}

static void forget(struct report_data *d)
{
	if (d->asking)
		client_cancel(TAKE(d->asking));
	json_free(TAKE(d->doc));
	d->asked_ms = d->version = 0;
	d->problem[0] = '\0';
	d->answers++;
}

void app_report_free(struct app *a)
{
	struct report_data *d = a->report;

	if (!d)
		return;
	forget(d);
	if (d->exporting)
		client_cancel(d->exporting);
	if (d->naming)
		client_cancel(d->naming);
	report_edit_free(d);
	report_item_free(d);
	free_p(&a->report);
}

void app_report(struct app *a, const char *incident)
{
	struct report_data *d = report_data(a);

	if (str_empty(incident)) {
		shell_say(a->shell, ROLE_hint, "no incident here");
		return;
	}
	if (!str_eq(d->id, incident))
		forget(d);
	snprintf(d->id, sizeof(d->id), "%s", incident);
	snprintf(d->from, sizeof(d->from), "%s", shell_view(a->shell)->def->name);
	d->asked_ms = 0;
	shell_go(a->shell, "report");
}

/* The console knows the open and the latest; reports are read of older ones too. */
static void got_named(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct report_data *d = ctx;

	(void)doc;
	d->naming = NULL;
	if (status == 200)
		app_report(d->app, d->named);
	else
		shell_say(d->app->shell, ROLE_error, "report %s: %s", d->named,
		          problem ? problem : "no answer");
	shell_redraw(d->app->shell);
}

void app_report_named(struct app *a, const char *incident)
{
	struct report_data *d = report_data(a);
	struct str path = STR_INIT(300);

	if (app_incident_find(a, incident)) {
		app_report(a, incident);
		return;
	}
	if (d->naming)
		client_cancel(TAKE(d->naming));
	snprintf(d->named, sizeof(d->named), "%s", incident);
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, incident);
	d->naming = client_get(a->client, str_get(&path), got_named, d);
	str_fini(&path);
	shell_say(a->shell, ROLE_hint, "asking the engine for %s ..", d->named);
}

/* ---- the document ------------------------------------------------------------------------ */

static void got(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct report_data *d = ctx;

	d->asking = NULL;
	shell_changed(d->app->shell);
	if (status != 200) {
		snprintf(d->problem, sizeof(d->problem), "%s",
		         problem ? problem : "the engine did not answer");
		return;
	}
	json_free(d->doc);
	d->doc = json_copy(doc);
	d->version = json_get_i64(json_get(doc, "incident"), "version", 0);
	d->problem[0] = '\0';
	d->answers++;
}

void report_ask(struct report_data *d)
{
	const struct incident *i = app_incident_find(d->app, d->id);
	int64_t age = loop_now_ms(d->app->loop) - d->asked_ms;
	bool moved = i && d->doc && i->version > d->version;
	struct str path = STR_INIT(300);

	if (!d->id[0] || d->asking || !app_state(d->app)->seq || app_past(d->app) ||
	    (d->asked_ms && age < (moved ? MOVED_MS : FRESH_MS)))
		return;
	d->asked_ms = loop_now_ms(d->app->loop);
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, d->id);
	str_add(&path, "/report?format=sections");
	d->asking = client_get(d->app->client, str_get(&path), got, d);
	str_fini(&path);
}

void report_moved(struct report_data *d)
{
	d->asked_ms = 0;
	shell_changed(d->app->shell);
}

/* ---- its members ---------------------------------------------------------------------------- */

static const struct json *by_id(const struct json *list, const char *id)
{
	for (const struct json *v = json_first(list); v; v = json_next(v))
		if (str_eq(json_get_str(v, "id"), id))
			return v;
	return NULL;
}

const struct json *report_section(const struct report_data *d, const char *id)
{
	return by_id(json_get(d->doc, "sections"), id);
}

const struct json *report_item(const struct report_data *d, const char *id)
{
	return by_id(json_get(json_get(d->doc, "incident"), "actions"), id);
}

const char *report_str(const struct json *v, const char *name)
{
	const char *s = json_get_str(v, name);

	return s ? s : "";
}

int64_t report_time(const struct json *v, const char *name)
{
	int64_t ms;

	return parse_time_ms(report_str(v, name), &ms) ? ms : 0;
}

const char *report_review(const struct report_data *d)
{
	const char *s = report_str(d->doc, "review");

	return str_eq(s, "in_review") ? "in review" : str_eq(s, "none") ? "not begun" : s;
}

/* ---- as a file ------------------------------------------------------------------------------- */

static void got_file(void *ctx, int status, const char *text, size_t n, const char *problem)
{
	struct report_data *d = ctx;
	char name[80], stamp[32];

	d->exporting = NULL;
	if (status != 200) {
		shell_say(d->app->shell, ROLE_error, "nothing was written: %s",
		          problem ? problem : "the engine did not answer");
	} else {
		snprintf(name, sizeof(name), "report-%s-%s.%s", d->id,
		         shell_stamp(d->app->shell, stamp), d->format);
		shell_save(d->app->shell, name, text, n);
	}
	shell_redraw(d->app->shell);
}

void report_export(struct report_data *d, const char *format)
{
	struct str path = STR_INIT(300);

	if (d->exporting)
		client_cancel(TAKE(d->exporting));
	snprintf(d->format, sizeof(d->format), "%s", format);
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, d->id);
	str_addf(&path, "/report?format=%s", d->format);
	d->exporting = client_get_text(d->app->client, str_get(&path), got_file, d);
	str_fini(&path);
	shell_say(d->app->shell, ROLE_hint, "asking for the report as %s ..", d->format);
}
