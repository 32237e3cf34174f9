/*
 * What the console knows of runbooks and runs: lists, the document of the run that is
 * watched, the runbook that is looked at. All of it is fetched when the journal moved,
 * and the document of a run once a second while a step of it runs, for its output.
 *
 * Invariant: what was shown stays until something newer is there; a failed question never
 * empties a list, it only says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/runs.h"

enum { BOOKS_MS = 15000, RUNS_MS = 5000, DOC_MS = 10000, LIVE_MS = 1000 };
/* how long after the last answer a moved journal is reason to ask again */
enum { BOOKS_MOVED_MS = 5000, RUNS_MOVED_MS = 1000, DOC_MOVED_MS = 250 };

struct asked { /* one kind of question */
	struct client_request *request;
	int64_t asked_ms, got_ms, seq;
	char problem[160];
};
struct run_data {
	struct app *app;
	struct timer live;
	struct runbook_row *books;
	size_t n_books, cap_books;
	struct run *runs;
	size_t n_runs, cap_runs;
	char watched[64], preview[96];
	struct run_doc doc;
	int64_t revision; /* of it, as the engine counts; 0 = ask for all of it */
	struct outline outline;
	bool have_doc, have_outline;
	int64_t followed_seq;
	struct asked ask_books, ask_runs, ask_doc, ask_outline;
};

static void outline_fini(struct outline *o)
{
	record_fini(&runbook_row_type, &o->row);
	run_doc_fini(&o->doc);
	for (size_t i = 0; i < o->n_symptoms; i++)
		free_p(&o->symptoms[i]);
	free_p(&o->symptoms);
	*o = (struct outline){ 0 };
}

static void forget_books(struct run_data *d)
{
	for (size_t i = 0; i < d->n_books; i++)
		record_fini(&runbook_row_type, &d->books[i]);
	d->n_books = 0;
}

static void forget_runs(struct run_data *d)
{
	for (size_t i = 0; i < d->n_runs; i++)
		record_fini(&run_type, &d->runs[i]);
	d->n_runs = 0;
}

static void forget_doc(struct run_data *d)
{
	run_doc_fini(&d->doc);
	d->doc = (struct run_doc){ 0 };
	d->have_doc = false;
	d->revision = 0;
	if (d->ask_doc.request)
		client_cancel(d->ask_doc.request);
	d->ask_doc = (struct asked){ 0 };
}

struct run_data *run_data_new(struct app *a)
{
	struct run_data *d = xcalloc(1, sizeof(*d));

	d->app = a;
	d->live = TIMER_INIT;
	d->live.user = d;
	return d;
}

void run_data_free(struct run_data *d)
{
	struct asked *all[] = { &d->ask_books, &d->ask_runs, &d->ask_outline };

	timer_stop(&d->live);
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (all[i]->request)
			client_cancel(all[i]->request);
	forget_doc(d);
	forget_books(d);
	forget_runs(d);
	outline_fini(&d->outline);
	free_p(&d->books);
	free_p(&d->runs);
	free_p(&d);
}

/* ---- answers ---- */

static bool answered(struct run_data *d, struct asked *q, int status, const char *problem)
{
	q->request = NULL;
	if (status == 200) {
		q->got_ms = loop_now_ms(d->app->loop);
		q->problem[0] = '\0';
	} else {
		snprintf(q->problem, sizeof(q->problem), "%s",
		         problem ? problem : "the engine did not answer");
	}
	shell_changed(d->app->shell);
	return status == 200;
}

static void got_books(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct run_data *d = ctx;

	if (!answered(d, &d->ask_books, status, problem))
		return;
	forget_books(d);
	for (const struct json *x = json_first(json_get(doc, "runbooks")); x; x = json_next(x)) {
		struct runbook_row r;
		record_init(&runbook_row_type, &r);
		if (record_from_json(&runbook_row_type, &r, x, false, NULL) || str_empty(r.id)) {
			record_fini(&runbook_row_type, &r);
			continue;
		}
		d->books = grow(d->books, &d->cap_books, d->n_books + 1, sizeof(*d->books));
		d->books[d->n_books++] = r;
	}
}

static int compare_runs(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (run_open(x) != run_open(y))
		return run_open(x) ? -1 : 1;
	return x->started_at_ms > y->started_at_ms ? -1 : x->started_at_ms < y->started_at_ms;
}

static void sort_runs(struct run_data *d)
{
	if (d->n_runs > 1)
		qsort(d->runs, d->n_runs, sizeof(*d->runs), compare_runs);
}

/* The stream carries the summaries of runs; copies, because ours are in another order. */
static void follow_state(struct run_data *d)
{
	const struct state *s = app_state(d->app);

	if (d->followed_seq == s->seq && d->n_runs == s->n_runs)
		return;
	d->followed_seq = s->seq;
	forget_runs(d);
	d->runs = grow(d->runs, &d->cap_runs, s->n_runs, sizeof(*d->runs));
	for (size_t i = 0; i < s->n_runs; i++) {
		record_init(&run_type, &d->runs[i]);
		record_copy(&run_type, &d->runs[i], &s->runs[i]);
	}
	d->n_runs = s->n_runs;
	sort_runs(d);
}

static void got_runs(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct run_data *d = ctx;

	if (!answered(d, &d->ask_runs, status, problem))
		return;
	forget_runs(d);
	for (const struct json *x = json_first(json_get(doc, "runs")); x; x = json_next(x)) {
		struct run r;
		record_init(&run_type, &r);
		if (record_from_json(&run_type, &r, x, false, NULL) || str_empty(r.id)) {
			record_fini(&run_type, &r);
			continue;
		}
		d->runs = grow(d->runs, &d->cap_runs, d->n_runs + 1, sizeof(*d->runs));
		d->runs[d->n_runs++] = r;
	}
	sort_runs(d);
}

static void take_doc(struct run_data *d, const struct json *doc)
{
	struct run_doc fresh = { 0 };
	struct err err = { 0 };

	if (run_doc_from_json(&fresh, doc, &err)) {
		snprintf(d->ask_doc.problem, sizeof(d->ask_doc.problem),
		         "the answer cannot be read: %.120s", err.msg);
		run_doc_fini(&fresh);
		return;
	}
	d->revision = json_get_i64(doc, "revision", 0);
	if (json_get_bool(doc, "partial", false)) {
		if (!d->have_doc || !run_doc_merge(&d->doc, &fresh)) {
			run_doc_fini(&fresh);
			d->revision = d->ask_doc.asked_ms = 0; /* all of it, then */
		}
		return;
	}
	run_doc_fini(&d->doc);
	d->doc = fresh;
	d->have_doc = true;
}

static void got_doc(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct run_data *d = ctx;

	if (answered(d, &d->ask_doc, status, problem))
		take_doc(d, doc);
}

void app_runs_took(struct app *a, const struct json *doc)
{
	struct run_data *d = a->runs;

	if (d->watched[0] && str_eq(json_get_str(doc, "id"), d->watched) && json_get(doc, "steps"))
		take_doc(d, doc);
	app_runs_refresh(a);
}

static void got_outline(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct run_data *d = ctx;
	const struct json *list = json_get(doc, "symptoms"), *m;
	struct err err = { 0 };

	if (!answered(d, &d->ask_outline, status, problem))
		return;
	outline_fini(&d->outline);
	record_init(&runbook_row_type, &d->outline.row);
	record_from_json(&runbook_row_type, &d->outline.row, json_get(doc, "runbook"), false, NULL);
	if (run_doc_from_json(&d->outline.doc, json_get(doc, "outline"), &err))
		snprintf(d->ask_outline.problem, sizeof(d->ask_outline.problem),
		         "its steps cannot be read: %.120s", err.msg);
	d->outline.symptoms = xcalloc(json_count(list) + 1, sizeof(char *));
	for (m = json_first(list); m; m = json_next(m))
		if (json_str(m))
			d->outline.symptoms[d->outline.n_symptoms++] = xstrdup(json_str(m));
	d->have_outline = true;
}

/* ---- questions ---- */

static bool due(struct run_data *d, struct asked *q, int64_t every_ms, int64_t moved_ms)
{
	int64_t age = loop_now_ms(d->app->loop) - q->asked_ms;
	bool moved = q->seq != app_state(d->app)->seq;

	if (q->request)
		return false;
	return !q->asked_ms || age >= every_ms || (moved && age >= moved_ms);
}

static void ask(struct run_data *d, struct asked *q, const char *path, client_done done)
{
	q->asked_ms = loop_now_ms(d->app->loop);
	q->seq = app_state(d->app)->seq;
	q->request = client_get(d->app->client, path, done, d);
}

static bool has_running(const struct run_doc *doc)
{
	for (size_t i = 0; i < doc->n_steps; i++)
		if (doc->steps[i].state == RS_RUNNING)
			return true;
	return doc->wait.kind == RW_GATE || doc->wait.kind == RW_APPROVAL;
}

static void ask_doc(struct run_data *d)
{
	_cleanup_(free_p) char *path = NULL;
	struct str id = STR_INIT(300);

	str_add_urlencoded(&id, d->watched);
	path = xasprintf("/api/v1/runs/%s?since=%lld", str_get(&id),
	                 (long long)(d->have_doc ? d->revision : 0));
	str_fini(&id);
	ask(d, &d->ask_doc, path, got_doc);
}

static bool walking(const struct run_data *d)
{
	return str_eq(shell_view(d->app->shell)->def->name, "walk");
}

/* The stream tells each run's version: without a newer one there is nothing to ask for. */
static bool doc_due(struct run_data *d, int64_t every_ms)
{
	const struct state *s = app_state(d->app);
	bool known = false;

	for (size_t i = 0; i < s->n_runs && d->have_doc; i++)
		known |= str_eq(s->runs[i].id, d->watched) &&
		         s->runs[i].version <= d->doc.run.version;
	return due(d, &d->ask_doc, every_ms, known ? every_ms : DOC_MOVED_MS);
}

/* Live output comes with the document: asked for while somebody looks and a step runs. */
static void on_live(struct timer *t)
{
	struct run_data *d = t->user;

	if (!d->watched[0] || !walking(d))
		return;
	if (!d->app->frozen && doc_due(d, has_running(&d->doc) ? LIVE_MS : DOC_MS))
		ask_doc(d);
	timer_start(d->app->loop, t, LIVE_MS, on_live);
}

static void ask_outline(struct run_data *d)
{
	_cleanup_(free_p) char *path = NULL;
	struct str id = STR_INIT(400);

	str_add_urlencoded(&id, d->preview);
	path = xasprintf("/api/v1/runbooks/%s", str_get(&id));
	str_fini(&id);
	ask(d, &d->ask_outline, path, got_outline);
}

void app_runs_update(struct app *a)
{
	struct run_data *d = a->runs;

	if (a->frozen || (!app_state(a)->seq && client_link(a->client) != LINK_API))
		return;
	if (due(d, &d->ask_books, BOOKS_MS, BOOKS_MOVED_MS))
		ask(d, &d->ask_books, "/api/v1/runbooks", got_books);
	if (app_state(a)->n_runs)
		follow_state(d);
	else if (due(d, &d->ask_runs, RUNS_MS, RUNS_MOVED_MS))
		ask(d, &d->ask_runs, "/api/v1/runs?limit=100", got_runs);
	if (d->preview[0] && !d->ask_outline.request &&
	    (!d->ask_outline.asked_ms || due(d, &d->ask_outline, BOOKS_MS, BOOKS_MS)))
		ask_outline(d);
	if (!d->watched[0])
		return;
	if (doc_due(d, DOC_MS))
		ask_doc(d);
	if (!timer_active(&d->live) && walking(d))
		timer_start(a->loop, &d->live, LIVE_MS, on_live);
}

/* A run that a person is wanted for is heard once. */
static void alarms(struct app *a)
{
	const struct state *s = app_state(a);
	char key[160];

	for (size_t i = 0; i < s->n_runs; i++) {
		const struct run *r = &s->runs[i];
		if (!run_open(r) || (r->wait != RW_FAILED && r->wait != RW_HAPPENED &&
		                     r->wait != RW_SECOND && r->wait != RW_APPROVAL))
			continue;
		snprintf(key, sizeof(key), "%s %s %d", r->id, r->step ? r->step : "", r->wait);
		shell_alarm(a->shell, key);
	}
}

void app_runs_prefetch(struct app *a)
{
	alarms(a);
	if (!a->runs->ask_books.asked_ms)
		app_runs_update(a);
}

void app_runs_refresh(struct app *a)
{
	struct run_data *d = a->runs;

	d->ask_runs.asked_ms = d->ask_doc.asked_ms = 0;
	if (!d->ask_books.problem[0])
		d->ask_books.asked_ms = 0;
	shell_changed(a->shell);
}

/* ---- what views read ---- */

size_t app_runs_books(const struct app *a, const struct runbook_row **ret)
{
	*ret = a->runs->books;
	return a->runs->n_books;
}

const struct runbook_row *app_runs_book(const struct app *a, const char *id)
{
	for (size_t i = 0; i < a->runs->n_books; i++)
		if (str_eq(a->runs->books[i].id, id))
			return &a->runs->books[i];
	return NULL;
}

size_t app_runs_list(const struct app *a, const struct run **ret)
{
	*ret = a->runs->runs;
	return a->runs->n_runs;
}

const struct run *app_runs_find(const struct app *a, const char *id)
{
	for (size_t i = 0; i < a->runs->n_runs; i++)
		if (str_eq(a->runs->runs[i].id, id))
			return &a->runs->runs[i];
	return NULL;
}

const char *app_runs_problem(const struct app *a)
{
	const struct run_data *d = a->runs;

	return d->ask_books.problem[0] ? d->ask_books.problem : d->ask_runs.problem;
}

const char *app_runs_doc_problem(const struct app *a)
{
	return a->runs->ask_doc.problem;
}

bool app_runs_loading(const struct app *a)
{
	return !a->runs->ask_books.got_ms;
}

void app_runs_watch(struct app *a, const char *id)
{
	struct run_data *d = a->runs;

	if (str_eq(d->watched, id ? id : ""))
		return;
	forget_doc(d);
	snprintf(d->watched, sizeof(d->watched), "%s", id ? id : "");
	shell_changed(a->shell);
}

const char *app_runs_watched(const struct app *a)
{
	return a->runs->watched;
}

const struct run_doc *app_runs_doc(const struct app *a)
{
	return a->runs->have_doc ? &a->runs->doc : NULL;
}

const struct run_doc *app_runs_doc_of(const struct app *a, const char *id)
{
	return a->runs->have_doc && str_eq(a->runs->doc.run.id, id) ? &a->runs->doc : NULL;
}

void app_runs_preview(struct app *a, const char *runbook)
{
	struct run_data *d = a->runs;

	if (str_eq(d->preview, runbook))
		return;
	if (d->ask_outline.request)
		client_cancel(d->ask_outline.request);
	d->ask_outline = (struct asked){ 0 };
	outline_fini(&d->outline);
	d->have_outline = false;
	snprintf(d->preview, sizeof(d->preview), "%s", runbook);
	shell_changed(a->shell);
}

const struct outline *app_runs_outline(const struct app *a)
{
	return a->runs->have_outline ? &a->runs->outline : NULL;
}

const char *app_runs_outline_problem(const struct app *a)
{
	return a->runs->ask_outline.problem;
}
