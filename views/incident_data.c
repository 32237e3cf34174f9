/*
 * What the console knows of incidents beside their summaries, which the stream brings: the
 * document of the one that is looked at, and the severities of the policy. Both are asked
 * for when the journal moved. What was shown stays until something newer is there.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/incidents.h"
#include "views/runs.h"

enum {
	DOC_MS = 15000,
	MOVED_MS = 300,
	SEVERITIES_MS = 60000,
	SEVERITIES_AGAIN_MS = 3000,
	SEVERITIES = 10
};

struct incident_data {
	struct app *app;
	char watched[24], problem[160];
	struct incident_doc doc;
	bool have;
	struct client_request *request, *ask_severities;
	int64_t asked_ms, severities_ms, version;
	struct severity_row severities[SEVERITIES];
	size_t n_severities;
};

static void forget_severities(struct incident_data *d)
{
	for (size_t i = 0; i < d->n_severities; i++) {
		for (size_t k = 0; k < d->severities[i].n_criteria; k++)
			free_p(&d->severities[i].criteria[k]);
		free_p(&d->severities[i].criteria);
	}
	d->n_severities = 0;
}

static void forget_doc(struct incident_data *d)
{
	if (d->request)
		client_cancel(TAKE(d->request));
	incident_doc_fini(&d->doc);
	d->have = false;
	d->asked_ms = d->version = 0;
	d->problem[0] = '\0';
}

struct incident_data *incident_data_new(struct app *a)
{
	struct incident_data *d = xcalloc(1, sizeof(*d));

	d->app = a;
	return d;
}

void incident_data_free(struct incident_data *d)
{
	forget_doc(d);
	if (d->ask_severities)
		client_cancel(d->ask_severities);
	forget_severities(d);
	free_p(&d);
}

/* ---- the document ---- */

static void take(struct incident_data *d, const struct json *doc)
{
	struct incident_doc fresh = { 0 };
	struct err err = { 0 };

	if (incident_doc_from_json(&fresh, doc, &err) < 0) {
		snprintf(d->problem, sizeof(d->problem), "the answer cannot be read: %.120s",
		         err.msg);
		incident_doc_fini(&fresh);
		return;
	}
	incident_doc_fini(&d->doc);
	d->doc = fresh;
	d->have = true;
	d->problem[0] = '\0';
}

static void got_doc(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct incident_data *d = ctx;

	d->request = NULL;
	if (status == 200)
		take(d, doc);
	else
		snprintf(d->problem, sizeof(d->problem), "%s",
		         problem ? problem : "the engine did not answer");
	shell_changed(d->app->shell);
}

void app_incident_took(struct app *a, const struct json *doc)
{
	struct incident_data *d = a->incidents;

	if (d->watched[0] && str_eq(json_get_str(doc, "id"), d->watched) && json_get(doc, "clocks"))
		take(d, doc);
	d->asked_ms = 0;
	shell_changed(a->shell);
}

static bool looked_at(const struct incident_data *d)
{
	return d->watched[0] && d->app->shell &&
	       str_eq(shell_view(d->app->shell)->def->name, "incident");
}

static void ask_doc(struct incident_data *d)
{
	const struct incident *i = app_incident_find(d->app, d->watched);
	int64_t age = loop_now_ms(d->app->loop) - d->asked_ms;
	bool moved = i && d->have && i->version > d->doc.incident.version;
	struct str path = STR_INIT(300);

	if (d->request || (d->asked_ms && age < (moved || !d->have ? MOVED_MS : DOC_MS)))
		return;
	d->asked_ms = loop_now_ms(d->app->loop);
	str_add(&path, "/api/v1/incidents/");
	str_add_urlencoded(&path, d->watched);
	d->request = client_get(d->app->client, str_get(&path), got_doc, d);
	str_fini(&path);
}

void app_incident_watch(struct app *a, const char *id)
{
	struct incident_data *d = a->incidents;

	if (str_eq(d->watched, id ? id : ""))
		return;
	forget_doc(d);
	snprintf(d->watched, sizeof(d->watched), "%s", id ? id : "");
	shell_changed(a->shell);
}

const char *app_incident_watched(const struct app *a)
{
	return a->incidents->watched;
}

const struct incident_doc *app_incident_doc(const struct app *a)
{
	return a->incidents->have && !app_past(a) ? &a->incidents->doc : NULL;
}

const char *app_incident_problem(const struct app *a)
{
	return a->incidents->problem;
}

/* ---- severities ---- */

static void take_severity(struct severity_row *r, const struct json *x)
{
	const struct json *list = json_get(x, "criteria"), *m;

	*r = (struct severity_row){ .respond_ms = json_get_i64(x, "respondMs", 0),
		                    .escalate_after_ms = json_get_i64(x, "escalateAfterMs", 0),
		                    .update_every_ms = json_get_i64(x, "updateEveryMs", 0),
		                    .digest = json_get_bool(x, "digest", false) };
	snprintf(r->id, sizeof(r->id), "%s", json_get_str(x, "id") ? json_get_str(x, "id") : "");
	snprintf(r->label, sizeof(r->label), "%s",
	         json_get_str(x, "label") ? json_get_str(x, "label") : "");
	snprintf(r->escalate_to, sizeof(r->escalate_to), "%s",
	         json_get_str(x, "escalateTo") ? json_get_str(x, "escalateTo") : "");
	for (m = json_first(json_get(x, "page")); m; m = json_next(m)) {
		size_t at = strlen(r->page);
		if (json_str(m))
			snprintf(r->page + at, sizeof(r->page) - at, "%s%.30s", at ? ", " : "",
			         json_str(m));
	}
	r->criteria = xcalloc(json_count(list) + 1, sizeof(char *));
	for (m = json_first(list); m; m = json_next(m))
		if (json_str(m))
			r->criteria[r->n_criteria++] = xstrdup(json_str(m));
}

static void got_severities(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct incident_data *d = ctx;

	(void)problem;
	d->ask_severities = NULL;
	if (status != 200)
		return;
	forget_severities(d);
	for (const struct json *x = json_first(json_get(doc, "severities"));
	     x && d->n_severities < SEVERITIES; x = json_next(x))
		take_severity(&d->severities[d->n_severities++], x);
}

static void ask_severities(struct incident_data *d)
{
	int64_t now = loop_now_ms(d->app->loop);

	if (d->ask_severities ||
	    (d->severities_ms &&
	     now - d->severities_ms < (d->n_severities ? SEVERITIES_MS : SEVERITIES_AGAIN_MS)))
		return;
	d->severities_ms = now;
	d->ask_severities = client_get(d->app->client, "/api/v1/severities", got_severities, d);
}

size_t app_severities(struct app *a, const struct severity_row **ret)
{
	*ret = a->incidents->severities;
	return a->incidents->n_severities;
}

/* ---- the state ---- */

const struct incident *app_incident_find(const struct app *a, const char *id)
{
	const struct state *s = app_state(a);

	for (size_t i = 0; i < s->n_incidents; i++)
		if (str_eq(s->incidents[i].id, id))
			return &s->incidents[i];
	return NULL;
}

static bool presses_more(const struct incident *x, const struct incident *y)
{
	int c;

	if ((x->kind == IK_REAL) != (y->kind == IK_REAL))
		return x->kind == IK_REAL;
	c = strcmp(x->severity ? x->severity : "P9", y->severity ? y->severity : "P9");
	return c < 0 || (c == 0 && x->declared_at_ms > y->declared_at_ms);
}

const struct incident *app_incident_open(const struct app *a)
{
	const struct state *s = app_state(a);
	const struct incident *best = NULL;

	for (size_t i = 0; i < s->n_incidents; i++)
		if (incident_open(&s->incidents[i]) &&
		    (!best || presses_more(&s->incidents[i], best)))
			best = &s->incidents[i];
	return best;
}

/* Every due thing once; sh NULL: only counted. */
static int due_items(const struct app *a, struct sheet *sh)
{
	static const struct {
		size_t at;
		const char *what;
		bool open;
	} kinds[] = {
		{ offsetof(struct incident, ack_due_at_ms), "nobody has acknowledged it", true },
		{ offsetof(struct incident, next_update_at_ms), "an update is due", true },
		{ offsetof(struct incident, report_due_at_ms), "the report is due", false },
		{ offsetof(struct incident, review_due_at_ms), "the review is due", false },
	};
	const struct state *s = app_state(a);
	char span[WHEN_TEXT];
	int n = 0;

	for (size_t i = 0; i < s->n_incidents; i++) {
		const struct incident *x = &s->incidents[i];

		for (size_t k = 0; k < COUNT_OF(kinds); k++) {
			int64_t at =
			        *(const int64_t *)(const void *)((const char *)x + kinds[k].at);

			if (!at || at > app_now(a) || x->kind == IK_BACKFILL ||
			    x->state == IS_CLOSED || (kinds[k].open && !incident_open(x)) ||
			    (k == 0 && x->state != IS_DECLARED))
				continue;
			n++;
			if (sh)
				sheet_line(sh, ROLE_bad, "DUE %s ago  %s %s: %s",
				           when_span(span, app_now(a) - at), x->id,
				           x->severity ? x->severity : "", kinds[k].what);
		}
	}
	for (size_t i = 0; i < s->n_runs; i++) {
		if (!run_open(&s->runs[i]) || s->runs[i].status != RUN_WAITING)
			continue;
		n++;
		if (sh)
			sheet_line(sh, ROLE_warn, "WAITS  %s %s for %s", s->runs[i].id,
			           s->runs[i].runbook ? s->runs[i].runbook : "",
			           word_wait(s->runs[i].wait));
	}
	return n + app_practices_due(a, sh);
}

int app_due_count(const struct app *a)
{
	return due_items(a, NULL);
}

int app_due_lines(const struct app *a, struct sheet *sh)
{
	return due_items(a, sh);
}

/* An incident nobody acknowledged is heard when it is declared and when that is due. */
static void alarms(struct app *a)
{
	const struct state *s = client_state(a->client);
	int64_t now = client_server_now_ms(a->client);
	char key[80];

	for (size_t i = 0; i < s->n_incidents; i++) {
		const struct incident *x = &s->incidents[i];
		bool due = x->ack_due_at_ms && x->ack_due_at_ms <= now;
		if (x->state != IS_DECLARED)
			continue;
		snprintf(key, sizeof(key), "%.30s %s", x->id, due ? "due" : "declared");
		shell_alarm(a->shell, key);
	}
}

void app_incidents_changed(struct app *a)
{
	struct incident_data *d = a->incidents;

	alarms(a);
	if (a->frozen || app_past(a) || client_link(a->client) != LINK_API)
		return;
	ask_severities(d);
	app_practices_changed(a);
	if (looked_at(d))
		ask_doc(d);
}
