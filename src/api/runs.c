/* Runbooks and their runs. What may be done is the machine's business (runbook/flow.h); here
 * are only the paths, roles and documents. */
#include "api/internal.h"

#include <string.h>

#include "api/run_marks.h"
#include "core/mem.h"
#include "engine/engine.h"
#include "engine/hub.h"
#include "engine/ports.h"
#include "runbook/runs.h"
#include "store/runs.h"

static struct who who_of(const struct call *c)
{
	return (struct who){ .actor = c->user, .role = enum_name(&person_role_names, (int)c->role),
			     .via = "api" };
}

/* ---- the list --------------------------------------------------------------------------- */

/* Open, or done and to be put back in time. */
static bool event_counts(const struct event *e, int64_t now_ms)
{
	return event_status_open((enum event_status)e->status) ||
	       (e->status == EV_COMPLETED && e->rollback_until_ms > now_ms);
}

/* Why it fits what is failing now: a firing alert of its trigger, or an event of its kind. */
static char *suggestion(const struct runbook *rb, const char *kinds, const struct state *s,
			int64_t now_ms)
{
	for (size_t i = 0; i < s->n_alerts; i++) {
		const struct alert *a = &s->alerts[i];

		for (size_t k = 0; a->state == AL_FIRING && k < rb->trigger.n_alerts; k++)
			if (str_eq(rb->trigger.alerts[k], a->name))
				return xasprintf("%s is firing%s%s%s%s", a->name,
						 str_empty(a->subject) ? "" : " on ",
						 str_empty(a->subject) ? "" : a->subject,
						 str_empty(a->text) ? "" : ": ",
						 str_empty(a->text) ? "" : a->text);
	}
	for (size_t i = 0; i < s->n_events; i++) {
		const struct event *e = &s->events[i];

		if (event_counts(e, now_ms) && runbook_fits_event(kinds, e))
			return xasprintf("%s is %s: %s", e->id, event_status_name(e->status),
					 e->cause ? e->cause : e->reason ? e->reason : "");
	}
	return NULL;
}

static void count_steps(const struct step *steps, size_t n, struct runbook_row *row)
{
	for (size_t i = 0; i < n; i++) {
		row->steps++;
		row->changes += steps[i].effect == EFFECT_CHANGE;
		row->destroys += steps[i].effect == EFFECT_DESTROY;
		for (size_t k = 0; k < steps[i].op.n_options; k++)
			count_steps(steps[i].op.options[k].steps, steps[i].op.options[k].n_steps,
				    row);
	}
}

static char *joined(char *const *texts, size_t n, const char *more)
{
	struct str b = STR_INIT(4000);

	for (size_t i = 0; i < n; i++)
		str_addf(&b, "%s%s", i ? " " : "", texts[i]);
	if (!str_empty(more))
		str_addf(&b, "%s%s", b.len ? "; " : "", more);
	return str_take(&b);
}

static void fill_row(struct call *c, const struct runbook *rb, const struct run_last *last,
		     size_t n_last, struct runbook_row *row)
{
	const char *problem = runs_problem(c->engine->runs, rb->id);

	row->id = xstrdup(rb->id);
	row->title = xstrdup(rb->title);
	row->service = xstrdup(rb->service);
	row->severity = xstrdup(rb->severity);
	row->file = xstrdup(rb->file);
	row->hash = xstrdup(rb->hash);
	row->phases = (int64_t)rb->n_phases;
	row->triggers = joined(rb->trigger.alerts, rb->trigger.n_alerts, rb->trigger.text);
	row->kinds = joined(rb->trigger.kinds, rb->trigger.n_kinds, NULL);
	row->alerts = joined(rb->trigger.alerts, rb->trigger.n_alerts, NULL);
	row->suggested = suggestion(rb, row->kinds, hub_state(c->engine->hub),
				    loop_wall_ms(c->engine->loop));
	row->problem = xstrdup(problem);
	for (size_t i = 0; i < rb->n_phases; i++)
		count_steps(rb->phases[i].steps, rb->phases[i].n_steps, row);
	for (size_t i = 0; i < n_last; i++)
		if (str_eq(last[i].runbook, rb->id))
			row->last_run_at_ms = last[i].at_ms;
}

static int get_runbooks(struct call *c)
{
	struct run_last *last = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0;

	if (runs_last(c->engine->store, &last, &n, &err) < 0)
		return api_problem_err(c, &err);
	const struct library *l = runs_library(c->engine->runs);

	jw_obj(&w, NULL);
	jw_arr(&w, "runbooks");
	for (size_t i = 0; l && i < library_count(l); i++) {
		struct runbook_row row = { 0 };

		fill_row(c, library_at(l, i), last, n, &row);
		record_json(&w, NULL, &runbook_row_type, &row);
		record_fini(&runbook_row_type, &row);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	runs_last_free(last, n);
	return 200;
}

static int get_runbook(struct call *c)
{
	const struct library *l = runs_library(c->engine->runs);
	const struct runbook *rb = l ? library_find(l, c->params[0]) : NULL;
	const char *near = l ? library_nearest(l, c->params[0]) : NULL;
	struct runbook_row row = { 0 };
	struct run_doc outline = { 0 };
	struct jw w = JW(&c->out);

	if (!rb)
		return api_problem(c, 404, NULL, near ? "there is no runbook %s; did you mean %s?" :
				   "there is no runbook %s", c->params[0], near);
	fill_row(c, rb, NULL, 0, &row);
	struct flow *f = flow_new(rb, l);
	flow_doc(f, 0, &outline);
	ports_offer(c->engine, &outline);
	flow_free(f);
	jw_obj(&w, NULL);
	record_json(&w, "runbook", &runbook_row_type, &row);
	jw_arr(&w, "symptoms");
	for (size_t i = 0; i < rb->n_symptoms; i++)
		jw_str(&w, NULL, rb->symptoms[i]);
	jw_arr_end(&w);
	jw_str(&w, "source", rb->source);
	run_doc_json(&w, "outline", &outline);
	jw_obj_end(&w);
	run_doc_fini(&outline);
	record_fini(&runbook_row_type, &row);
	return 200;
}

/* ---- runs --------------------------------------------------------------------------------- */

static int get_runs(struct call *c)
{
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	struct run *rows = NULL;
	int64_t limit = call_number(c, "limit");
	size_t n = 0;

	if (runs_list(c->engine->store, call_query(c, "status"), call_query(c, "runbook"),
		      call_query(c, "cursor"), limit, &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "runs");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &run_type, &rows[i]);
	jw_arr_end(&w);
	jw_str(&w, "nextCursor", (int64_t)n == limit ? rows[n - 1].id : NULL);
	jw_obj_end(&w);
	runs_list_free(rows, n);
	return 200;
}

/* since: a revision that the reader has; it gets the steps that are others since then. */
static int write_doc(struct call *c, const char *id, int64_t since, int status)
{
	struct run_doc d = { 0 };
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	bool partial;

	if (runs_doc(c->engine->runs, id, &d, &err) < 0)
		return api_problem_err(c, &err);
	ports_offer(c->engine, &d);
	_cleanup_(free_p) bool *changed = xcalloc(d.n_steps + 1, sizeof(*changed));
	int64_t revision = run_marks_note(api_run_marks(c->api), &d, since, changed, &partial);
	jw_obj(&w, NULL);
	run_doc_members(&w, &d, changed);
	jw_i64(&w, "revision", revision);
	jw_bool(&w, "partial", partial);
	jw_obj_end(&w);
	run_doc_fini(&d);
	return status;
}

/* ?wait=MS: answers when the run wants a person or is over, at the latest after that. */
static int get_run(struct call *c)
{
	struct err err = { 0 };
	int64_t ms = call_number(c, "wait");

	if (ms && runs_settle(c->engine->runs, c->params[0], ms, &err) < 0)
		return api_problem_err(c, &err);
	return write_doc(c, c->params[0], call_number(c, "since"), 200);
}

static int get_entries(struct call *c)
{
	struct run_entry_row *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int64_t version;
	size_t n = 0;

	if (run_version(c->engine->store, c->params[0], &version, &err) < 0 ||
	    run_entries(c->engine->store, c->params[0], call_number(c, "after"),
			call_number(c, "limit"), &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_i64(&w, "version", version);
	jw_arr(&w, "entries");
	for (size_t i = 0; i < n; i++) {
		jw_obj(&w, NULL);
		jw_i64(&w, "n", rows[i].n);
		jw_time(&w, "at", rows[i].at_ms);
		jw_str(&w, "kind", rows[i].kind);
		jw_str(&w, "step", rows[i].step);
		jw_str(&w, "by", rows[i].by);
		jw_raw(&w, "data", rows[i].data);
		jw_str(&w, "hash", rows[i].hash);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	run_entry_rows_free(rows, n);
	return 200;
}

static int post_run(struct call *c)
{
	struct who who = who_of(c);
	struct err err = { 0 };
	_cleanup_(free_p) char *id = NULL;
	struct run_start s = {
		.runbook = call_text(c, "runbook"), .kind = call_text(c, "kind"),
		.incident = call_text(c, "incident"), .subject = call_text(c, "subject"),
		.params = json_get(c->body, "params"), .dry = call_flag(c, "dry"),
	};

	if (runs_begin(c->engine->runs, &s, &who, &id, &err) < 0)
		return api_problem_err(c, &err);
	return write_doc(c, id, 0, 201);
}

static int post_do(struct call *c)
{
	struct who who = who_of(c);
	struct err err = { 0 };

	if (runs_order(c->engine->runs, c->params[0], c->body, &who, (int)c->role, NULL, &err) < 0)
		return api_problem_err(c, &err);
	return write_doc(c, c->params[0], 0, 200);
}

static const struct route routes[] = {
	{ "GET", "/api/v1/runbooks", PR_VIEWER, .handle = get_runbooks,
	  .help = "runbooks, and which fit what is failing now", .query = { Q_PAGES },
	  .list = "runbooks" },
	{ "GET", "/api/v1/runbooks/{id}", PR_VIEWER, .handle = get_runbook,
	  .help = "one runbook: source, outline, parameters" },
	{ "GET", "/api/v1/runs", PR_VIEWER, .handle = get_runs,
	  .help = "runs, newest first",
	  .query = { { "status", Q_WORD, "runs in it; open: all that are not over",
		       .names = &run_status_names, .also = (const char *const[]){ "open", NULL } },
		     { "runbook", Q_TEXT, "runs of it" }, Q_LIMIT(100),
		     { "cursor", Q_ID, "nextCursor of the page before", .prefix = "RUN-" } } },
	{ "GET", "/api/v1/runs/{id}", PR_VIEWER, .handle = get_run,
	  .help = "one run: steps, what it waits for, holds, undo",
	  .query = { { "wait", Q_INT, "so many ms at most until it wants somebody", .max = 10000 },
		     { "since", Q_INT, "a revision: only the steps that changed",
		       .max = INT64_MAX } } },
	{ "GET", "/api/v1/runs/{id}/entries", PR_VIEWER, .handle = get_entries,
	  .help = "what happened in a run, entry by entry",
	  .query = { { "after", Q_INT, "the entry to go on from", .max = INT64_MAX },
		     Q_LIMIT(200) } },
	{ "POST", "/api/v1/runs", PR_OPERATOR, .handle = post_run,
	  .body = { { "runbook", M_TEXT, .required = true, .max = 100 },
		    { "params", M_OBJECT }, { "kind", M_TEXT, .max = 20,
					      .help = "real, drill, dry" },
		    { "incident", M_TEXT, .max = 100 }, { "subject", M_TEXT, .max = 300 },
		    { "dry", M_BOOL, .help = "reads only; changes are printed" } },
	  .help = "starts a run" },
	{ "POST", "/api/v1/runs/{id}/do", PR_OPERATOR, .handle = post_do,
	  .body = { { "action", M_TEXT, .required = true, .max = 20 },
		    { "version", M_INT, .help = "of the run that the order was given on" },
		    { "step", M_TEXT, .max = 300 }, { "to", M_TEXT, .max = 200 },
		    { "name", M_TEXT, .max = 300 }, { "value", M_TEXT, .max = 4000 },
		    { "phrase", M_TEXT, .max = 300 }, { "second", M_BOOL },
		    { "breakGlass", M_BOOL }, { "answer", M_TEXT, .max = 4000 },
		    { "items", M_BOOLS, .help = "ticks of a checklist" },
		    { "pick", M_TEXT, .max = 100 }, { "reason", M_TEXT, .max = 1000 },
		    { "happened", M_BOOL }, { "hold", M_TEXT, .max = 200 },
		    { "text", M_TEXT, .max = 4000 } },
	  .help = "an order to a run: take give param confirm answer pick skip retry go jump pause "
		  "unpause approve reject happened undo keep release note abort" },
};
const struct route_table runs_routes = { routes, COUNT_OF(routes) };
