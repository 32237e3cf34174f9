/*
 * h: what the next shift must know about an incident, on one screen: where it stands, what
 * falls due next, what is still open, what was written and happened last. Two questions to the
 * engine, then a sheet; the same as `ringdown incident handover`.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/incidents.h"

struct handover {
	struct app *app;
	struct client_request *request;
	char id[24];
	struct incident_doc doc;
};

static void put_clocks(const struct handover *h, struct sheet *s)
{
	char due[80];
	int n = 0;

	for (size_t i = 0; i < h->doc.n_clocks && n < 5; i++) {
		const struct incident_clock *c = &h->doc.clocks[i];

		if (c->state != CS_RUNNING && c->state != CS_DUE && c->state != CS_HELD)
			continue;
		incident_due(h->app, c->due_at_ms, due, sizeof(due));
		sheet_line(s, role_clock(c->state), "  %-9s %-14s %s%s%s", word_clock(c->kind),
		           c->state == CS_HELD ? "HELD" : due, c->text ? c->text : "",
		           c->state == CS_HELD ? ", because: " : "",
		           c->state == CS_HELD && c->held_reason ? c->held_reason : "");
		n++;
	}
	if (!n)
		sheet_line(s, ROLE_dim, "  nothing falls due by itself");
}

static void put_open(const struct handover *h, struct sheet *s)
{
	size_t left = 0;
	int n = 0;

	for (size_t i = 0; i < h->doc.n_actions && n < 3; i++)
		if (str_eq(h->doc.actions[i].state, "open") && ++n)
			sheet_line(s, ROLE_normal, "  %s %s%s%s", h->doc.actions[i].id,
			           h->doc.actions[i].text, h->doc.actions[i].owner ? ", " : "",
			           h->doc.actions[i].owner ? h->doc.actions[i].owner : "");
	for (size_t i = 0; i < h->doc.n_tasks; i++) {
		if (h->doc.tasks[i].done)
			continue;
		if (left++ < 3)
			sheet_line(s, ROLE_normal, "  [ ] %s", h->doc.tasks[i].text);
	}
	if (left > 3)
		sheet_line(s, ROLE_dim, "      and %zu more of the checklist", left - 3);
	if (!n && !left)
		sheet_line(s, ROLE_dim, "  nothing is left open");
}

static void put_roles(const struct handover *h, struct sheet *s)
{
	char text[300] = "";
	size_t at = 0;

	for (size_t i = 0; i < h->doc.n_roles && at < sizeof(text); i++)
		if (!h->doc.roles[i].until_ms)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %s",
			                       at ? ", " : "", h->doc.roles[i].role,
			                       h->doc.roles[i].person);
	sheet_line(s, str_empty(h->doc.incident.commander) ? ROLE_warn : ROLE_normal, "%s%s",
	           str_empty(h->doc.incident.commander) ? "NO COMMANDER  " : "", text);
}

static void put_notes(const struct handover *h, struct sheet *s)
{
	char clock[WHEN_TEXT];

	if (h->doc.n_written)
		sheet_line(s, ROLE_title, "WRITTEN LAST");
	for (size_t i = 0; i < h->doc.n_written && i < 3; i++) {
		const struct timeline_entry *e = &h->doc.written[i];

		sheet_line(s, ROLE_normal, "  %s %s: %.800s",
		           when_clock(clock, e->happened_at_ms, shell_utc(h->app->shell)),
		           e->actor ? e->actor : "-", e->text ? e->text : "");
	}
}

static void show(struct handover *h, const struct json *entries)
{
	struct sheet *s = shell_sheet(h->app->shell);
	const struct incident *i = &h->doc.incident;
	char span[WHEN_TEXT], clock[WHEN_TEXT];
	int64_t at;

	sheet_open(s, "HAND-OVER", NULL, NULL);
	sheet_line(s, role_incident_severity(i->severity), "%s %s %s%s, open %s: %s", i->id,
	           i->severity, word_incident_state(i), i->kind == IK_DRILL ? " DRILL" : "",
	           when_span(span, app_now(h->app) - i->declared_at_ms), i->title ? i->title : "");
	if (!str_empty(i->impact))
		sheet_line(s, ROLE_normal, "impact  %s", i->impact);
	if (!str_empty(i->status_quoted))
		sheet_line(s, ROLE_normal, "vendor  %s", i->status_quoted);
	put_roles(h, s);
	sheet_line(s, ROLE_title, "DUE NEXT");
	put_clocks(h, s);
	sheet_line(s, ROLE_title, "STILL OPEN");
	put_open(h, s);
	put_notes(h, s);
	sheet_line(s, ROLE_title, "HAPPENED LAST");
	for (const struct json *x = json_first(entries); x; x = json_next(x)) {
		const char *by = json_get_str(x, "actor"), *text = json_get_str(x, "text");

		at = 0;
		if (json_get_str(x, "happenedAt"))
			parse_time_ms(json_get_str(x, "happenedAt"), &at);
		sheet_line(s, ROLE_normal, "  %s %s: %s",
		           when_clock(clock, at, shell_utc(h->app->shell)), by ? by : "-",
		           text ? text : "");
	}
	sheet_line(s, ROLE_dim, "as a command: ringdown incident handover %s", i->id);
	shell_redraw(h->app->shell);
}

static void failed(struct handover *h, const char *problem)
{
	shell_say(h->app->shell, ROLE_error, "hand-over: %s", problem ? problem : "no answer");
}

static void got_entries(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct handover *h = ctx;

	h->request = NULL;
	if (status == 200)
		show(h, json_get(doc, "entries"));
	else
		failed(h, problem);
}

static void got_doc(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct handover *h = ctx;
	struct str path = STR_INIT(300);
	struct err err = { 0 };

	h->request = NULL;
	if (status != 200 || incident_doc_from_json(&h->doc, doc, &err) < 0) {
		failed(h, status == 200 ? err.msg : problem);
		return;
	}
	str_add(&path, "/api/v1/timeline?limit=5&incident=");
	str_add_urlencoded(&path, h->id);
	h->request = client_get(h->app->client, str_get(&path), got_entries, h);
	str_fini(&path);
}

void app_handover(struct app *a, const char *incident)
{
	const struct incident *open = app_incident_open(a);
	struct handover *h = a->handover;
	struct str path = STR_INIT(300);

	if (!h) {
		h = a->handover = xcalloc(1, sizeof(*h));
		h->app = a;
	}
	if (app_past(a) || (str_empty(incident) && !open)) {
		shell_say(a->shell, ROLE_hint,
		          app_past(a) ? "hand-over: not recorded" : "no incident is open");
		return;
	}
	if (h->request)
		client_cancel(TAKE(h->request));
	snprintf(h->id, sizeof(h->id), "%s", str_empty(incident) ? open->id : incident);
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, h->id);
	h->request = client_get(a->client, str_get(&path), got_doc, h);
	str_fini(&path);
}

void app_handover_free(struct app *a)
{
	struct handover *h = a->handover;

	if (!h)
		return;
	if (h->request)
		client_cancel(h->request);
	incident_doc_fini(&h->doc);
	free_p(&a->handover);
}
