/*
 * Field tables of runs and of what a run's document holds, and the document's nested JSON;
 * see run.h. The document is the summary's members with "wait", "phases", "steps" (each with
 * its "checks"), "params", "holds", "notes" and four lists of text beside them. Reading is
 * lenient: a newer engine may say more than this console knows.
 */
#include "model/run.h"

#include <string.h>

#include "model/event.h"

ENUM_NAMES(run_status_names, "run status", RUN_STATUS_LIST);
ENUM_NAMES(run_wait_names, "what a run waits for", RUN_WAIT_LIST);
ENUM_NAMES(run_step_state_names, "step state", RUN_STEP_STATE_LIST);
ENUM_NAMES(run_disposition_names, "disposition", RUN_DISPOSITION_LIST);

static const struct field run_fields[] = {
	FIELD(run, id, "id", "RUN", F_STR, .flags = FF_FILTER),
	FIELD(run, version, "version", "VERSION", F_I64, .flags = FF_DETAIL,
	      .help = "entries so far; an order names the one it was given on"),
	FIELD(run, status, "status", "STATE", F_ENUM, .flags = FF_SORT | FF_FILTER,
	      .names = &run_status_names),
	FIELD(run, outcome, "outcome", "OUTCOME", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(run, runbook, "runbook", "RUNBOOK", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(run, title, "title", "TITLE", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(run, severity, "severity", "SEVERITY", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(run, hash, "hash", "TEXT", F_STR, .flags = FF_DETAIL,
	      .help = "SHA-256 of the runbook as it was at the start"),
	FIELD(run, environment, "environment", "ENVIRONMENT", F_STR, .flags = FF_DETAIL),
	FIELD(run, kind, "kind", "KIND", F_STR, .flags = FF_SORT | FF_FILTER,
	      .help = "real, drill, dry"),
	FIELD(run, incident, "incident", "INCIDENT", F_STR, .flags = FF_FILTER),
	FIELD(run, subject, "subject", "SUBJECT", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(run, step, "step", "STEP", F_STR),
	FIELD(run, step_title, "stepTitle", "NOW", F_STR, .flags = FF_OUTSIDE),
	FIELD(run, wait, "waitingFor", "WAITS FOR", F_ENUM, .flags = FF_FILTER,
	      .names = &run_wait_names),
	FIELD(run, wait_text, "waitingText", "WHY", F_STR, .flags = FF_OUTSIDE),
	FIELD(run, started_at_ms, "startedAt", "STARTED", F_TIME, .flags = FF_SORT),
	FIELD(run, ended_at_ms, "endedAt", "ENDED", F_TIME, .flags = FF_SORT),
	FIELD(run, changed_at_ms, "changedAt", "CHANGED", F_TIME, .flags = FF_SORT | FF_DETAIL),
	FIELD(run, started_by, "startedBy", "BY", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(run, driver, "driver", "DRIVER", F_STR, .flags = FF_FILTER | FF_OUTSIDE,
	      .help = "who gives the orders; nobody: take it"),
	FIELD(run, done, "done", "DONE", F_I64),
	FIELD(run, total, "total", "TOTAL", F_I64),
	FIELD(run, holds, "holdsOpen", "HOLDS", F_I64, .flags = FF_SORT),
	FIELD(run, file_changed, "fileChanged", "FILE", F_BOOL, .flags = FF_DETAIL,
	      .help = "the runbook's file is no longer the text that runs"),
	FIELD(run, policy, "policy", "POLICY TEXT", F_STR, .flags = FF_DETAIL,
	      .help = "SHA-256 of policy.yaml as it was at the start"),
	FIELD(run, policy_changed, "policyChanged", "POLICY", F_BOOL, .flags = FF_DETAIL,
	      .help = "policy.yaml has changed since; what the run took from it stays"),
};
RECORD_TYPE(run_type, "run", run, run_fields);

static const struct field check_fields[] = {
	FIELD(run_check, subject, "subject", "WHAT", F_STR),
	FIELD(run_check, expected, "expected", "EXPECTED", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_check, actual, "actual", "RESULT", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_check, outcome, "outcome", "OUTCOME", F_STR),
	FIELD(run_check, why, "why", "WHY", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(run_check_type, "check", run_check, check_fields);

static const struct field step_fields[] = {
	FIELD(run_step, id, "id", "STEP", F_STR),
	FIELD(run_step, phase, "phase", "PHASE", F_STR),
	FIELD(run_step, title, "title", "TITLE", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_step, verb, "verb", "VERB", F_STR),
	FIELD(run_step, effect, "effect", "EFFECT", F_STR),
	FIELD(run_step, role, "role", "ROLE", F_STR),
	FIELD(run_step, help, "help", "HELP", F_STR, .flags = FF_DETAIL | FF_OUTSIDE),
	FIELD(run_step, why, "why", "WHY", F_STR, .flags = FF_DETAIL | FF_OUTSIDE),
	FIELD(run_step, depth, "depth", "DEPTH", F_I64, .flags = FF_DETAIL),
	FIELD(run_step, state, "state", "STATE", F_ENUM, .names = &run_step_state_names),
	FIELD(run_step, disposition, "disposition", "HOW", F_ENUM,
	      .names = &run_disposition_names),
	FIELD(run_step, outcome, "outcome", "OUTCOME", F_STR),
	FIELD(run_step, attempt, "attempt", "ATTEMPT", F_I64),
	FIELD(run_step, started_at_ms, "startedAt", "STARTED", F_TIME),
	FIELD(run_step, ended_at_ms, "endedAt", "ENDED", F_TIME),
	FIELD(run_step, timeout_ms, "timeoutMs", "TIMEOUT", F_DUR),
	FIELD(run_step, optional, "optional", "OPTIONAL", F_BOOL),
	FIELD(run_step, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_step, command, "command", "COMMAND", F_STR, .flags = FF_OUTSIDE,
	      .help = "as it really runs: bound and masked"),
	FIELD(run_step, reason, "reason", "REASON", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_step, result, "result", "RESULT", F_JSON, .flags = FF_DETAIL),
	FIELD(run_step, output, "output", "OUTPUT", F_STR, .flags = FF_DETAIL | FF_OUTSIDE),
	FIELD(run_step, preview, "preview", "PREVIEW", F_JSON, .flags = FF_DETAIL),
	FIELD(run_step, undo, "undo", "UNDO", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_step, undo_state, "undoState", "UNDO STATE", F_STR),
	FIELD(run_step, hold, "hold", "HOLD", F_STR),
	FIELD(run_step, explain, "explain", "EXPLAIN", F_JSON, .flags = FF_DETAIL),
	FIELD(run_step, suggestion, "suggestion", "SUGGESTION", F_STR),
	FIELD(run_step, evidence, "evidence", "EVIDENCE", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_step, picked, "picked", "PICKED", F_STR),
	FIELD(run_step, options, "options", "OPTIONS", F_JSON, .flags = FF_DETAIL),
	FIELD(run_step, items, "items", "ITEMS", F_JSON, .flags = FF_DETAIL),
	FIELD(run_step, answer_kind, "answerKind", "ANSWER AS", F_STR, .flags = FF_DETAIL),
	FIELD(run_step, answer, "answer", "ANSWER", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(run_step_type, "step", run_step, step_fields);

static const struct field phase_fields[] = {
	FIELD(run_phase, name, "name", "PHASE", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_phase, box_from_ms, "boxFromMs", "FROM", F_DUR),
	FIELD(run_phase, box_to_ms, "boxToMs", "TO", F_DUR),
	FIELD(run_phase, deadline_at_ms, "deadlineAt", "DEADLINE", F_TIME),
	FIELD(run_phase, late, "late", "LATE", F_BOOL),
};
RECORD_TYPE(run_phase_type, "phase", run_phase, phase_fields);

static const struct field param_fields[] = {
	FIELD(run_param, name, "name", "NAME", F_STR),
	FIELD(run_param, type, "type", "TYPE", F_STR),
	FIELD(run_param, value, "value", "VALUE", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_param, help, "help", "HELP", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_param, choices, "choices", "CHOICES", F_JSON, .flags = FF_DETAIL),
	FIELD(run_param, pattern, "pattern", "PATTERN", F_STR, .flags = FF_DETAIL),
	FIELD(run_param, min, "min", "AT LEAST", F_STR, .flags = FF_DETAIL,
	      .help = "as one would type it; of texts: of their length"),
	FIELD(run_param, max, "max", "AT MOST", F_STR, .flags = FF_DETAIL),
	FIELD(run_param, wants, "wants", "WANTS", F_STR, .flags = FF_DETAIL | FF_OUTSIDE,
	      .help = "what is to be typed, in words"),
	FIELD(run_param, set, "set", "SET", F_BOOL),
	FIELD(run_param, secret, "secret", "SECRET", F_BOOL),
	FIELD(run_param, at_start, "atStart", "AT START", F_BOOL, .flags = FF_DETAIL),
	FIELD(run_param, offers, "offers", "OFFERS", F_JSON, .flags = FF_DETAIL),
};
RECORD_TYPE(run_param_type, "param", run_param, param_fields);

static const struct field hold_fields[] = {
	FIELD(run_hold, name, "name", "HOLD", F_STR),
	FIELD(run_hold, step, "step", "STEP", F_STR),
	FIELD(run_hold, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_hold, text, "text", "WHAT", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_hold, since_ms, "since", "SINCE", F_TIME),
};
RECORD_TYPE(run_hold_type, "hold", run_hold, hold_fields);

static const struct field note_fields[] = {
	FIELD(run_note, at_ms, "at", "AT", F_TIME),
	FIELD(run_note, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_note, text, "text", "TEXT", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(run_note_type, "note", run_note, note_fields);

static const struct field wait_fields[] = {
	FIELD(run_wait, kind, "kind", "KIND", F_ENUM, .names = &run_wait_names),
	FIELD(run_wait, step, "step", "STEP", F_STR),
	FIELD(run_wait, text, "text", "TEXT", F_STR, .flags = FF_OUTSIDE),
	FIELD(run_wait, param, "param", "PARAMETER", F_STR),
	FIELD(run_wait, phrase, "phrase", "PHRASE", F_STR,
	      .help = "to be typed; empty: the word of the dialog"),
	FIELD(run_wait, second, "second", "SECOND", F_BOOL),
	FIELD(run_wait, destroy, "destroy", "DESTROYS", F_BOOL),
	FIELD(run_wait, until_ms, "until", "UNTIL", F_TIME),
	FIELD(run_wait, next_ms, "next", "NEXT CHECK", F_TIME),
	FIELD(run_wait, at_end, "atEnd", "THEN", F_STR),
};
RECORD_TYPE(run_wait_type, "wait", run_wait, wait_fields);

static const struct field row_fields[] = {
	FIELD(runbook_row, id, "id", "RUNBOOK", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(runbook_row, title, "title", "TITLE", F_STR,
	      .flags = FF_SORT | FF_FILTER | FF_OUTSIDE),
	FIELD(runbook_row, service, "service", "SERVICE", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(runbook_row, severity, "severity", "SEVERITY", F_STR,
	      .flags = FF_SORT | FF_FILTER),
	FIELD(runbook_row, triggers, "triggers", "TRIGGER", F_STR,
	      .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(runbook_row, suggested, "suggested", "FITS BECAUSE", F_STR,
	      .flags = FF_SORT | FF_FILTER | FF_OUTSIDE),
	FIELD(runbook_row, phases, "phases", "PHASES", F_I64),
	FIELD(runbook_row, steps, "steps", "STEPS", F_I64, .flags = FF_SORT),
	FIELD(runbook_row, changes, "changes", "CHANGES", F_I64, .flags = FF_SORT),
	FIELD(runbook_row, destroys, "destroys", "DESTROYS", F_I64, .flags = FF_SORT),
	FIELD(runbook_row, last_run_at_ms, "lastRunAt", "LAST RUN", F_TIME, .flags = FF_SORT),
	FIELD(runbook_row, problem, "problem", "PROBLEM", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(runbook_row, kinds, "kinds", "ROWS", F_STR, .flags = FF_DETAIL,
	      .help = "rows it is offered on"),
	FIELD(runbook_row, alerts, "alerts", "ALERTS", F_STR, .flags = FF_DETAIL,
	      .help = "names of alerts that it is for"),
	FIELD(runbook_row, file, "file", "FILE", F_STR, .flags = FF_DETAIL),
	FIELD(runbook_row, hash, "hash", "TEXT", F_STR, .flags = FF_DETAIL),
};
RECORD_TYPE(runbook_row_type, "runbook", runbook_row, row_fields);

/* ---- small rules -------------------------------------------------------------- */

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words; p && (p = strstr(p, word)); p += n)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

const char *runbook_fits_event(const char *kinds, const struct event *e)
{
	const char *words[] = { event_status_name(e->status), severity_name(e->severity), "event",
				"failover" };

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (words[i] && has_word(kinds, words[i]))
			return words[i];
	return NULL;
}

void run_param_offer(struct run_param *p, const char *value, const char *from)
{
	enum { OFFERS_MAX = 12 };
	_cleanup_(json_free_p) struct json *list =
		p->offers ? json_parse(p->offers, strlen(p->offers), NULL) : NULL;
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	if (str_empty(value) || json_count(list) >= OFFERS_MAX)
		return;
	jw_arr(&w, NULL);
	for (const struct json *j = json_first(list); j; j = json_next(j)) {
		if (str_eq(json_get_str(j, "value"), value)) {
			str_fini(&b);
			return;
		}
		jw_obj(&w, NULL);
		jw_str(&w, "value", json_get_str(j, "value"));
		jw_str(&w, "from", json_get_str(j, "from"));
		jw_obj_end(&w);
	}
	jw_obj(&w, NULL);
	jw_str(&w, "value", value);
	jw_str(&w, "from", from);
	jw_obj_end(&w);
	jw_arr_end(&w);
	free_p(&p->offers);
	p->offers = str_take(&b);
}

/* ---- the document -------------------------------------------------------------- */

static void list_fini(const struct record_type *t, void *list, size_t *n)
{
	void *items;

	memcpy(&items, list, sizeof(items));
	records_free(t, items, *n);
	memset(list, 0, sizeof(items));
	*n = 0;
}

static void texts_fini(char ***texts, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free_p(&(*texts)[i]);
	free_p(texts);
	*n = 0;
}

static void steps_fini(struct run_doc *d)
{
	for (size_t i = 0; i < d->n_steps; i++)
		list_fini(&run_check_type, &d->steps[i].checks, &d->steps[i].n_checks);
	list_fini(&run_step_type, &d->steps, &d->n_steps);
}

void run_doc_fini(struct run_doc *d)
{
	record_fini(&run_type, &d->run);
	record_fini(&run_wait_type, &d->wait);
	steps_fini(d);
	list_fini(&run_phase_type, &d->phases, &d->n_phases);
	list_fini(&run_param_type, &d->params, &d->n_params);
	list_fini(&run_hold_type, &d->holds, &d->n_holds);
	list_fini(&run_note_type, &d->notes, &d->n_notes);
	texts_fini(&d->undo, &d->n_undo);
	texts_fini(&d->never, &d->n_never);
	texts_fini(&d->checklist, &d->n_checklist);
}

static void texts_json(struct jw *w, const char *name, char *const *texts, size_t n)
{
	jw_arr(w, name);
	for (size_t i = 0; i < n; i++)
		jw_str(w, NULL, texts[i]);
	jw_arr_end(w);
}

void run_step_json(struct jw *w, const struct run_step *s)
{
	jw_obj(w, NULL);
	record_members(w, &run_step_type, s);
	records_json(w, "checks", &run_check_type, s->checks, s->n_checks);
	jw_obj_end(w);
}

void run_doc_members(struct jw *w, const struct run_doc *d, const bool *which)
{
	record_members(w, &run_type, &d->run);
	record_json(w, "wait", &run_wait_type, &d->wait);
	records_json(w, "phases", &run_phase_type, d->phases, d->n_phases);
	jw_arr(w, "steps");
	for (size_t i = 0; i < d->n_steps; i++)
		if (!which || which[i])
			run_step_json(w, &d->steps[i]);
	jw_arr_end(w);
	records_json(w, "params", &run_param_type, d->params, d->n_params);
	records_json(w, "holds", &run_hold_type, d->holds, d->n_holds);
	records_json(w, "notes", &run_note_type, d->notes, d->n_notes);
	texts_json(w, "undoStack", d->undo, d->n_undo);
	texts_json(w, "never", d->never, d->n_never);
	texts_json(w, "checklist", d->checklist, d->n_checklist);
}

void run_doc_json(struct jw *w, const char *name, const struct run_doc *d)
{
	jw_obj(w, name);
	run_doc_members(w, d, NULL);
	jw_obj_end(w);
}

/* Steps keep their order: the search goes on where the last one was found. */
bool run_doc_merge(struct run_doc *d, struct run_doc *news)
{
	size_t at = 0;

	for (size_t i = 0; i < news->n_steps; i++) {
		while (at < d->n_steps && !str_eq(d->steps[at].id, news->steps[i].id))
			at++;
		if (at == d->n_steps)
			return false;
		struct run_step old = d->steps[at];
		d->steps[at] = news->steps[i];
		news->steps[i] = old;
	}
	struct run_doc whole = *news;
	whole.steps = d->steps;
	whole.n_steps = d->n_steps;
	d->steps = news->steps;
	d->n_steps = news->n_steps;
	run_doc_fini(d);
	*d = whole;
	*news = (struct run_doc){ 0 };
	return true;
}

static char **read_texts(const struct json *list, size_t *ret_n)
{
	size_t n = json_type(list) == JSON_ARRAY ? json_count(list) : 0, i = 0;
	char **texts = n ? xcalloc(n, sizeof(*texts)) : NULL;

	for (const struct json *v = n ? json_first(list) : NULL; v; v = json_next(v))
		texts[i++] = xstrdup(json_str(v) ? json_str(v) : "");
	*ret_n = n;
	return texts;
}

/* Whatever d held is replaced. */
int run_doc_from_json(struct run_doc *d, const struct json *obj, struct err *err)
{
	size_t i = 0;
	int r;

	run_doc_fini(d);
	r = record_from_json(&run_type, &d->run, obj, false, err);
	if (r < 0)
		return r;
	if (json_get(obj, "wait"))
		(void)record_from_json(&run_wait_type, &d->wait, json_get(obj, "wait"), false,
				       NULL);
	d->phases = records_read(&run_phase_type, json_get(obj, "phases"), &d->n_phases);
	d->steps = records_read(&run_step_type, json_get(obj, "steps"), &d->n_steps);
	for (const struct json *v = json_first(json_get(obj, "steps")); v && i < d->n_steps;
	     v = json_next(v), i++)
		d->steps[i].checks = records_read(&run_check_type, json_get(v, "checks"),
					       &d->steps[i].n_checks);
	d->params = records_read(&run_param_type, json_get(obj, "params"), &d->n_params);
	d->holds = records_read(&run_hold_type, json_get(obj, "holds"), &d->n_holds);
	d->notes = records_read(&run_note_type, json_get(obj, "notes"), &d->n_notes);
	d->undo = read_texts(json_get(obj, "undoStack"), &d->n_undo);
	d->never = read_texts(json_get(obj, "never"), &d->n_never);
	d->checklist = read_texts(json_get(obj, "checklist"), &d->n_checklist);
	return 0;
}
