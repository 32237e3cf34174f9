/*
 * What the record says, section by section, in sentences and tables. Pure. A figure that is
 * not known is a block of its own (BLOCK_UNKNOWN), so that no writer can drop it quietly.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "report/facts.h"

enum { KEY_MOMENTS = 50, MOMENT_TEXT = 280, PEOPLE_TEXT = 4000 /* their words are kept */ };

/* ---- building ------------------------------------------------------------------- */

struct report_block *block_add(struct report_blocks *b, enum block_kind kind, const char *fmt, ...)
{
	va_list ap;
	struct report_block *v;

	b->v = grow(b->v, &b->cap, b->n + 1, sizeof(*b->v));
	v = &b->v[b->n++];
	*v = (struct report_block){ .kind = kind };
	if (!fmt)
		return v;
	va_start(ap, fmt);
	v->text = xvasprintf(fmt, ap);
	va_end(ap);
	return v;
}

/* heads: "When|Who|#Count" */
size_t block_table(struct report_blocks *b, const char *title, const char *heads)
{
	struct report_block *v = block_add(b, BLOCK_TABLE, title ? "%s" : NULL, title);
	size_t at = b->n - 1;

	for (const char *p = heads; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL) {
		v->cells = xrealloc(v->cells, (v->n_cells + 1) * sizeof(*v->cells));
		v->cells[v->n_cells++] = xstrndup(p, strcspn(p, "|"));
	}
	v->columns = v->n_cells;
	return at;
}

void block_cell(struct report_blocks *b, size_t table, const char *fmt, ...)
{
	struct report_block *v = &b->v[table];
	va_list ap;

	v->cells = xrealloc(v->cells, (v->n_cells + 1) * sizeof(*v->cells));
	va_start(ap, fmt);
	v->cells[v->n_cells++] = xvasprintf(fmt, ap);
	va_end(ap);
}

void report_blocks_fini(struct report_blocks *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free_p(&b->v[i].text);
		for (size_t k = 0; k < b->v[i].n_cells; k++)
			free_p(&b->v[i].cells[k]);
		free_p(&b->v[i].cells);
	}
	free_p(&b->v);
	*b = (struct report_blocks){ 0 };
}

static const char *or_dash(const char *s)
{
	return str_empty(s) ? "-" : s;
}

/* ---- summary -------------------------------------------------------------------- */

static void how_it_ended(const struct report *r, struct report_blocks *b)
{
	const struct incident *i = &r->doc.incident;
	char from[32], to[32], impact[40], resolved[40];

	report_when(from, i->started_at_ms);
	report_when(to, i->mitigated_at_ms ? i->mitigated_at_ms : i->resolved_at_ms);
	report_span(impact, incident_time(i, TIME_IMPACT));
	report_span(resolved, incident_time(i, TIME_TTR));
	if (incident_time(i, TIME_IMPACT) >= 0)
		block_add(b, BLOCK_TEXT, "Users were affected for %s, from %s to %s.", impact, from,
			  to);
	else if (i->resolved_at_ms)
		block_add(b, BLOCK_UNKNOWN,
			  "How long users were affected is not known: %s is missing.",
			  i->started_at_ms ? "the instant of mitigation" : "the beginning");
	else
		block_add(b, BLOCK_TEXT, "Users are affected since %s; it is not over.", from);
	if (incident_time(i, TIME_TTR) >= 0)
		block_add(b, BLOCK_TEXT, "Resolution time: %s from detection.", resolved);
}

static void who_led(const struct report *r, struct report_blocks *b)
{
	const struct incident *i = &r->doc.incident;

	block_add(b, BLOCK_TEXT, "Declared by %s%s%s%s%s.", or_dash(i->declared_by),
		  i->acked_by ? ", acknowledged by " : "", i->acked_by ? i->acked_by : "",
		  i->commander ? ", commanded by " : "", i->commander ? i->commander : "");
	if (!str_empty(i->status_quoted))
		block_add(b, BLOCK_TEXT, "The provider said: \"%s\"", i->status_quoted);
}

static void event_sentence(const struct review_event *e, struct report_blocks *b)
{
	char opened[32], spent[40];

	report_when(opened, e->opened_at_ms);
	report_span(spent, e->completed_at_ms && e->decided_at_ms
				   ? e->completed_at_ms - e->decided_at_ms
				   : -1);
	if (e->completed_at_ms)
		block_add(b, BLOCK_ITEM,
			  "%s, opened %s: %lld of %lld agents moved from %s to %s within %s of the "
			  "decision by %s; now %s.",
			  e->id, opened, (long long)e->agents_moved, (long long)e->agents_total,
			  or_dash(e->from), or_dash(e->to), spent, or_dash(e->decided_by),
			  enum_name(&event_status_names, e->status));
	else
		block_add(b, BLOCK_ITEM, "%s, opened %s, of %s: %s%s%s%s%s.", e->id, opened,
			  or_dash(e->from), enum_name(&event_status_names, e->status),
			  e->held_gate ? " by gate " : "", e->held_gate ? e->held_gate : "",
			  str_empty(e->reason) ? "" : "; ", str_empty(e->reason) ? "" : e->reason);
	if (!str_empty(e->held) && e->status != EV_HELD)
		block_add(b, BLOCK_ITEM, "%s was held: %s.", e->id, e->held);
}

static void lost_sentence(const struct review_traffic *t, struct report_blocks *b)
{
	if (!t->known || t->usual_total == TRAFFIC_UNKNOWN) {
		block_add(b, BLOCK_UNKNOWN, "Lost %s: %s%s.", t->kind, t->known ? "unknown; " : "",
			  or_dash(t->how));
		return;
	}
	block_add(b, BLOCK_ITEM,
		  "%s: about %lld lost (%lld failed beyond the usual, %lld fewer than usual came).",
		  str_eq(t->kind, "calls") ? "Calls" : "Messages",
		  (long long)t->beyond_usual + (long long)t->never_came,
		  (long long)t->beyond_usual,
		  (long long)t->never_came);
}

static void agents_sentence(const struct report *r, struct report_blocks *b)
{
	if (r->agents_failing < 0)
		block_add(b, BLOCK_UNKNOWN,
			  "Agents affected: unknown, their state then is not recorded.");
	else
		block_add(b, BLOCK_ITEM, "Agents: %lld of %lld were seen failing.",
			  (long long)r->agents_failing, (long long)r->agents_all);
}

static void summary(const struct report *r, struct report_blocks *b)
{
	const struct incident *i = &r->doc.incident;

	block_add(b, BLOCK_TEXT, "%s on %s: %s.", or_dash(i->severity), or_dash(i->service),
		  or_dash(i->title));
	if (!str_empty(i->impact))
		block_add(b, BLOCK_TEXT, "Impact as declared: %s.", i->impact);
	how_it_ended(r, b);
	for (size_t k = 0; k < r->n_events; k++)
		event_sentence(&r->events[k], b);
	if (!r->n_events)
		block_add(b, BLOCK_ITEM, "No failover belongs to it: no agent was moved.");
	agents_sentence(r, b);
	for (size_t k = 0; k < COUNT_OF(r->traffic); k++)
		lost_sentence(&r->traffic[k], b);
	who_led(r, b);
}

/* ---- timeline ------------------------------------------------------------------- */

static void stamps(const struct report *r, struct report_blocks *b)
{
	const struct incident *i = &r->doc.incident;
	bool entered = i->kind == IK_BACKFILL;
	const struct { const char *what; int64_t at; } rows[] = {
		{ "Impact began", i->started_at_ms },	{ "Detected", i->detected_at_ms },
		{ entered ? NULL : "Declared", i->declared_at_ms },
		{ "Acknowledged", i->acked_at_ms },
		{ "Mitigated", i->mitigated_at_ms },	{ "Resolved", i->resolved_at_ms },
	};
	size_t t = block_table(b, "Stages", "Stage|At|After the stage before");
	int64_t before = 0;

	for (size_t k = 0; k < COUNT_OF(rows); k++) {
		char at[32], span[40];

		if (!rows[k].what)
			continue; /* when it was entered is no stage of it */
		report_when(at, rows[k].at);
		report_span(span, rows[k].at && before && rows[k].at >= before ? rows[k].at - before
									       : -1);
		block_cell(b, t, "%s", rows[k].what);
		block_cell(b, t, "%s", at);
		block_cell(b, t, "%s", span);
		if (rows[k].at)
			before = rows[k].at;
	}
}

static void times(const struct report *r, struct report_blocks *b)
{
	const struct incident *i = &r->doc.incident;
	size_t t = block_table(b, "Times", "Time|Is|Median of others");

	for (int k = 0; k < TIME_KINDS; k++) {
		const struct time_summary *u = &r->usual[k];
		char is[40], median[40];

		report_span(is, incident_time(i, (enum time_kind)k));
		report_span(median, u->n ? u->median : TIME_MISSING);
		block_cell(b, t, "%s, %s", enum_name(&time_kind_names, k),
			   time_kind_help((enum time_kind)k));
		block_cell(b, t, "%s", is);
		if (u->n)
			block_cell(b, t, "%s (n %zu)", median, u->n);
		else
			block_cell(b, t, "-");
	}
	if (r->n_severities == 0)
		return;
	t = block_table(b, "Time at each severity", "Severity|#Minutes");
	for (size_t k = 0; k < r->n_severities; k++) {
		block_cell(b, t, "%s", r->severities[k].severity);
		block_cell(b, t, "%.1f", (double)r->severities[k].ms / 60000);
	}
}

static void in_time(const struct report *r, struct report_blocks *b)
{
	char allowed[40], over[40];
	int64_t took;
	const struct incident_severity *s = severity_acknowledged(&r->doc, &took);

	if (!r->respond_ms || !s || took < 0)
		return;
	report_span(allowed, r->respond_ms);
	report_span(over, took - r->respond_ms);
	if (took > r->respond_ms)
		block_add(b, BLOCK_TEXT, "Acknowledged %s later than the %s that %s allows.", over,
			  allowed, s->severity);
	else
		block_add(b, BLOCK_TEXT, "Acknowledged within the %s that %s allows.", allowed,
			  s->severity);
}

/* Which of two key moments a reader misses less: what was measured, or what was done. */
static bool was_done(const struct timeline_entry *e)
{
	return e->pinned || !(str_eq(e->lane, "alert") || str_eq(e->lane, "account") ||
			      (str_eq(e->lane, "people") && str_eq(e->actor, "engine")));
}

static void moment(struct report_blocks *b, size_t t, const struct timeline_entry *e)
{
	/* of a message its beginning: to whom, about what; the whole stands on the timeline */
	bool whole = str_eq(e->lane, "people") && !str_eq(e->kind, "update");
	_cleanup_(free_p) char *text = text_clean(e->text, whole ? PEOPLE_TEXT : MOMENT_TEXT);
	char at[32];

	report_when(at, e->happened_at_ms);
	block_cell(b, t, "%s%s", at, e->doubt ? " (?)" : "");
	block_cell(b, t, "%s", or_dash(e->lane));
	block_cell(b, t, "%s", or_dash(e->actor));
	block_cell(b, t, "%s%s%s%s%s", e->pinned ? "PINNED " : "", or_dash(text),
		   e->doubt ? " [doubtful instant: " : "", e->doubt ? e->doubt : "",
		   e->doubt ? "]" : "");
}

/* Where there are too many, what was measured is left out first; of what was done, the middle. */
static void moments(const struct report *r, struct report_blocks *b)
{
	size_t n = 0, done = 0, t, nth = 0, room;

	for (size_t i = 0; i < r->n_entries; i++) {
		bool key = report_key_moment(&r->entries[i]);

		n += key;
		done += key && was_done(&r->entries[i]);
	}
	block_add(b, BLOCK_TEXT, "%zu entries were recorded%s; %zu of them are key moments%s.",
		  r->n_entries, r->cut ? " (and more: the rest is left out here)" : "", n,
		  done > KEY_MOMENTS ? ", of which the first and the last are shown" :
		  n > KEY_MOMENTS    ? ", of which some alerts are left out here" : "");
	if (!n)
		return;
	t = block_table(b, "Key moments", "At|Lane|Who|What");
	room = done < KEY_MOMENTS ? KEY_MOMENTS - done : 0;
	for (size_t i = 0; i < r->n_entries; i++) {
		const struct timeline_entry *e = &r->entries[i];

		if (!report_key_moment(e))
			continue;
		if (!was_done(e)) {
			if (room && room--)
				moment(b, t, e);
			continue;
		}
		nth++;
		if (done <= KEY_MOMENTS || nth <= KEY_MOMENTS / 2 || nth + KEY_MOMENTS / 2 > done)
			moment(b, t, e);
	}
}

static void timeline(const struct report *r, struct report_blocks *b)
{
	stamps(r, b);
	times(r, b);
	in_time(r, b);
	moments(r, b);
}

/* ---- cause, lessons, prevention ------------------------------------------------------ */

static void cause(const struct report *r, struct report_blocks *b)
{
	const struct incident *i = &r->doc.incident;

	if (str_empty(i->cause))
		block_add(b, BLOCK_UNKNOWN, "The incident's cause is not filled in.");
	else
		block_add(b, BLOCK_TEXT, "Cause: %s", i->cause);
	for (size_t k = 0; k < r->n_events; k++)
		if (!str_empty(r->events[k].cause))
			block_add(b, BLOCK_ITEM, "What the engine saw (%s, rule %lld): %s",
				  r->events[k].id, (long long)r->events[k].rule,
				  r->events[k].cause);
	if (r->n_runs) {
		size_t t = block_table(b, "Runbooks followed", "Run|Runbook|State|By|Took");

		for (size_t k = 0; k < r->n_runs; k++) {
			const struct review_run *u = &r->runs[k];
			char took[40];

			report_span(took, u->ended_at_ms ? u->ended_at_ms - u->started_at_ms : -1);
			block_cell(b, t, "%s", u->id);
			block_cell(b, t, "%s", or_dash(u->runbook));
			block_cell(b, t, "%s", or_dash(u->status));
			block_cell(b, t, "%s", or_dash(u->by));
			block_cell(b, t, "%s", took);
		}
	}
}

static void actions(const struct report *r, struct report_blocks *b)
{
	size_t t;

	if (!r->doc.n_actions) {
		block_add(b, BLOCK_UNKNOWN, "No action items yet.");
		return;
	}
	t = block_table(b, "Action items", "Item|Owner|Due|State|What");
	for (size_t k = 0; k < r->doc.n_actions; k++) {
		const struct incident_action *a = &r->doc.actions[k];
		bool late = a->due_at_ms && a->due_at_ms < r->now_ms && str_eq(a->state, "open");
		char due[32];

		report_when(due, a->due_at_ms);
		block_cell(b, t, "%s", or_dash(a->id));
		block_cell(b, t, "%s", str_empty(a->owner) ? "NOBODY" : a->owner);
		block_cell(b, t, "%s", a->due_at_ms ? due : "no date");
		block_cell(b, t, "%s%s", or_dash(a->state), late ? ", OVERDUE" : "");
		block_cell(b, t, "%s", or_dash(a->text));
	}
}

static void lessons(const struct report *r, struct report_blocks *b)
{
	size_t open = 0;

	for (size_t k = 0; k < r->doc.n_tasks; k++)
		open += !r->doc.tasks[k].done;
	if (r->doc.n_tasks)
		block_add(b, BLOCK_TEXT, "Checklist: %zu of %zu lines were ticked off.",
			  r->doc.n_tasks - open, r->doc.n_tasks);
	for (size_t k = 0; k < r->doc.n_tasks; k++)
		if (!r->doc.tasks[k].done)
			block_add(b, BLOCK_ITEM, "not ticked off: %s",
				  or_dash(r->doc.tasks[k].text));
	actions(r, b);
}

static void prevention(const struct report *r, struct report_blocks *b)
{
	size_t open = 0, nobody = 0, undated = 0;

	for (size_t k = 0; k < r->doc.n_actions; k++) {
		const struct incident_action *a = &r->doc.actions[k];

		if (!str_eq(a->state, "open"))
			continue;
		open++;
		nobody += str_empty(a->owner);
		undated += !a->due_at_ms;
	}
	block_add(b, BLOCK_TEXT, "%zu action item%s open.", open, open == 1 ? " is" : "s are");
	if (nobody || undated)
		block_add(b, BLOCK_UNKNOWN, "%zu without an owner, %zu without a date.", nobody,
			  undated);
}

void report_facts(const struct report *r, enum report_section s, struct report_blocks *ret)
{
	static void (*const fill[SECTION_MAX])(const struct report *r, struct report_blocks *b) = {
		[SECTION_SUMMARY] = summary, [SECTION_TIMELINE] = timeline,
		[SECTION_CAUSE] = cause,     [SECTION_IMPACT] = report_impact_facts,
		[SECTION_LESSONS] = lessons, [SECTION_PREVENTION] = prevention,
	};

	*ret = (struct report_blocks){ 0 };
	fill[s](r, ret);
	if (report_text(r, s, false, 0))
		return;
	for (const char *const *ask = report_section_asks(s); *ask; ask++)
		block_add(ret, BLOCK_UNKNOWN, "Not written yet: %s.", *ask);
}
