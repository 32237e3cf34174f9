/*
 * How runs, their steps and their results are said, everywhere the same way: the word
 * first, then the colour. Pure: documents in, text out.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/runs.h"

bool run_open(const struct run *r)
{
	return r->status == RUN_RUNNING || r->status == RUN_WAITING || r->status == RUN_PAUSED;
}

const char *word_step(const struct run_step *s)
{
	switch (s->state) {
	case RS_READY:
		return "NOW";
	case RS_RUNNING:
		return "RUNNING";
	case RS_DONE:
		if (s->disposition == RDI_DRY)
			return "dry";
		return "done";
	case RS_FAILED:
		return "FAILED";
	case RS_SKIPPED:
		return "skipped";
	case RS_UNKNOWN:
		return "UNKNOWN";
	case RS_UNDONE:
		return "undone";
	case RS_NOT_APPLICABLE:
		return "n/a";
	default:
		return "-";
	}
}

enum role role_step(const struct run_step *s)
{
	switch (s->state) {
	case RS_READY:
	case RS_RUNNING:
		return ROLE_count;
	case RS_DONE:
		return s->disposition == RDI_DRY ? ROLE_unknown : ROLE_ok;
	case RS_FAILED:
		return ROLE_bad;
	case RS_UNKNOWN:
		return ROLE_warn;
	case RS_SKIPPED:
	case RS_UNDONE:
		return ROLE_normal;
	default:
		return ROLE_dim;
	}
}

enum role role_run_outcome(const char *outcome)
{
	return str_eq(outcome, "pass")                               ? ROLE_ok
	       : str_eq(outcome, "warn")                             ? ROLE_warn
	       : str_eq(outcome, "fail") || str_eq(outcome, "error") ? ROLE_bad
	       : str_eq(outcome, "unknown")                          ? ROLE_unknown
	                                                             : ROLE_normal;
}

const char *word_run_outcome(const char *outcome)
{
	return str_eq(outcome, "fail")    ? "FAIL"
	       : str_eq(outcome, "error") ? "ERROR"
	       : str_eq(outcome, "warn")  ? "WARN"
	       : str_empty(outcome)       ? "-"
	                                  : outcome;
}

const char *word_wait(int wait)
{
	static const char *const words[] = {
		[RW_NONE] = "",
		[RW_PARAM] = "a value",
		[RW_CONFIRM] = "a confirmation",
		[RW_SECOND] = "a second person",
		[RW_ANSWER] = "an answer",
		[RW_PICK] = "a decision",
		[RW_GATE] = "a gate",
		[RW_APPROVAL] = "an approval",
		[RW_FAILED] = "a person after a failure",
		[RW_HAPPENED] = "word whether it happened",
		[RW_OPTIONAL] = "a yes or a skip",
		[RW_CALL] = "another run",
	};

	return wait >= 0 && wait < (int)COUNT_OF(words) && words[wait] ? words[wait] : "a person";
}

const char *word_wait_short(int wait)
{
	return wait == RW_PARAM      ? "value?"
	       : wait == RW_CONFIRM  ? "confirm"
	       : wait == RW_SECOND   ? "2nd person"
	       : wait == RW_GATE     ? "gate"
	       : wait == RW_APPROVAL ? "approve"
	       : wait == RW_HAPPENED ? "happened?"
	       : wait == RW_OPTIONAL ? "optional"
	       : wait == RW_CALL     ? "called run"
	                             : "";
}

const char *word_run(const struct run *r)
{
	switch (r->status) {
	case RUN_RUNNING:
		return "running";
	case RUN_WAITING:
		return "WAITING";
	case RUN_PAUSED:
		return "PAUSED";
	case RUN_DONE:
		return "done";
	case RUN_FAILED:
		return "FAILED";
	default:
		return "ABORTED";
	}
}

enum role role_run(const struct run *r)
{
	switch (r->status) {
	case RUN_RUNNING:
		return ROLE_count;
	case RUN_WAITING:
	case RUN_PAUSED:
		return ROLE_warn;
	case RUN_FAILED:
		return ROLE_bad;
	case RUN_DONE:
		return role_run_outcome(r->outcome ? r->outcome : "pass");
	default:
		return ROLE_dim;
	}
}

const struct run_step *run_step_find(const struct run_doc *d, const char *id)
{
	for (size_t i = 0; d && i < d->n_steps; i++)
		if (str_eq(d->steps[i].id, id))
			return &d->steps[i];
	return NULL;
}

bool run_box_text(const struct app *a, const struct run_phase *p, char *buf, size_t n)
{
	int64_t left = p->deadline_at_ms - app_now(a);
	const struct run_doc *d = app_runs_doc(a);
	const char *mark = app_stale(a) ? "~" : "";
	char from[24], to[24], span[WHEN_TEXT];

	buf[0] = '\0';
	if (!p->box_to_ms)
		return false;
	format_duration(from, sizeof(from), p->box_from_ms);
	format_duration(to, sizeof(to), p->box_to_ms);
	if (d && !run_open(&d->run)) { /* nothing counts any more */
		snprintf(buf, n, "%s", p->late ? "was LATE" : "");
		return false;
	}
	if (!p->deadline_at_ms)
		snprintf(buf, n, "box %s to %s", p->box_from_ms ? from : "0m", to);
	else if (left > 0)
		snprintf(buf, n, "%s%s left of %s", mark, when_span(span, left), to);
	else
		snprintf(buf, n, "LATE %s%s", mark, when_span(span, -left));
	return p->deadline_at_ms != 0;
}

bool app_runs_is_me(const struct app *a, const char *name)
{
	const char *user = client_user(a->client);
	size_t n = name ? strlen(name) : 0;

	return n && user && strncmp(user, name, n) == 0 && (!user[n] || user[n] == ' ');
}

void run_subject(const struct run *r, const char *step, struct subject *ret)
{
	*ret = (struct subject){ .kind = "run" };
	snprintf(ret->id, sizeof(ret->id), "%s", r->id ? r->id : "");
	snprintf(ret->part, sizeof(ret->part), "%s", step ? step : "");
	snprintf(ret->title, sizeof(ret->title), "%.20s %.70s", ret->id,
	         step         ? step
	         : r->runbook ? r->runbook
	                      : "");
	snprintf(ret->command, sizeof(ret->command), "ringdown runbook resume %s", ret->id);
}

void runbook_subject(const struct runbook_row *b, struct subject *ret)
{
	*ret = (struct subject){ .kind = "runbook" };
	snprintf(ret->id, sizeof(ret->id), "%s", b->id);
	snprintf(ret->title, sizeof(ret->title), "%s", b->id);
	snprintf(ret->command, sizeof(ret->command), "ringdown runbook show %s", b->id);
}

void run_watchers(const struct app *a, const struct run *r, char *buf, size_t n)
{
	const struct state *s = app_state(a);
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < s->n_people && at + 24 < n; i++) {
		const struct person *p = &s->people[i];
		if (!str_eq(p->looking_at, r->id) || app_runs_is_me(a, p->name) ||
		    str_eq(p->name, r->driver) || strstr(buf, p->name))
			continue; /* with two consoles still one person */
		at += (size_t)snprintf(buf + at, n - at, "%s%.20s", at ? ", " : "", p->name);
	}
}

void run_value_text(const struct json *v, char *buf, size_t n)
{
	struct str b = STR_INIT(4096);

	switch (json_type(v)) {
	case JSON_NULL:
		snprintf(buf, n, "-");
		break;
	case JSON_STRING:
		snprintf(buf, n, "%s", json_str(v));
		break;
	case JSON_BOOL:
		snprintf(buf, n, "%s", json_bool(v, false) ? "yes" : "no");
		break;
	default:
		json_print(&b, v);
		snprintf(buf, n, "%s", str_get(&b));
		break;
	}
	str_fini(&b);
}

/* ---- everything about the run that is not a step ---- */

static void sheet_params(struct sheet *sh, const struct run_doc *d)
{
	for (size_t i = 0; i < d->n_params; i++) {
		const struct run_param *p = &d->params[i];
		if (!i)
			sheet_line(sh, ROLE_title, "parameters");
		sheet_line(sh, p->set ? ROLE_normal : ROLE_dim, "  %-20s %s", p->name,
		           !p->set     ? "asked for when it is needed"
		           : p->secret ? "***"
		           : p->value  ? p->value
		                       : "");
	}
}

void run_sheet(struct app *a)
{
	const struct run_doc *d = app_runs_doc(a);
	struct sheet *sh = shell_sheet(a->shell);
	char title[96], t[WHEN_TEXT];

	if (!d)
		return;
	snprintf(title, sizeof(title), "RUN %.30s", d->run.id);
	sheet_open(sh, title, NULL, NULL);
	sheet_line(sh, ROLE_normal, "%s, started by %s at %s", d->run.runbook,
	           d->run.started_by ? d->run.started_by : "?",
	           when_clock(t, d->run.started_at_ms, shell_utc(a->shell)));
	sheet_params(sh, d);
	sheet_line(sh, ROLE_title, "undo, the next one first (U)");
	for (size_t i = 0; i < d->n_undo; i++) {
		const struct run_step *s = run_step_find(d, d->undo[i]);
		sheet_line(sh, ROLE_normal, "  %-20s %s", d->undo[i], s && s->undo ? s->undo : "");
	}
	if (!d->n_undo)
		sheet_line(sh, ROLE_dim, "  nothing to undo");
	for (size_t i = 0; i < d->n_holds; i++)
		sheet_line(sh, ROLE_warn, "HOLD %s  %s by %s  %s", d->holds[i].name,
		           when_span(t, app_now(a) - d->holds[i].since_ms),
		           d->holds[i].by ? d->holds[i].by : "?",
		           d->holds[i].text ? d->holds[i].text : "");
	for (size_t i = 0; i < d->n_never; i++)
		sheet_line(sh, ROLE_warn, "NEVER %s", d->never[i]);
	if (d->n_notes)
		sheet_line(sh, ROLE_title, "notes, newest first (t adds one)");
	for (size_t i = d->n_notes; i-- > 0;)
		sheet_line(sh, ROLE_normal, "  %s %s: %s",
		           when_clock(t, d->notes[i].at_ms, shell_utc(a->shell)),
		           d->notes[i].by ? d->notes[i].by : "?",
		           d->notes[i].text ? d->notes[i].text : "");
	for (size_t i = 0; i < d->n_checklist; i++)
		sheet_line(sh, ROLE_normal, "%s%s", i ? "        " : "AFTER   ", d->checklist[i]);
}
