/* Field tables of what a review is made of; see review.h. Queries name their columns like
 * these members, so that rows become records by themselves. */
#include "model/review.h"

#include <ctype.h>
#include <string.h>

ENUM_NAMES(report_section_names, "section", REPORT_SECTION_LIST);

const char *report_section_title(enum report_section s)
{
	static const char *const titles[SECTION_MAX] = {
		[SECTION_SUMMARY] = "Executive summary",
		[SECTION_TIMELINE] = "Timeline",
		[SECTION_CAUSE] = "Root cause analysis",
		[SECTION_IMPACT] = "Impact assessment",
		[SECTION_LESSONS] = "Lessons learned",
		[SECTION_PREVENTION] = "Preventive measures",
	};

	return titles[s];
}

/* "Root cause", "root_cause" and "root-cause" are one. */
static bool same_word(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		int x = *a == ' ' || *a == '_' ? '-' : tolower((unsigned char)*a);

		if (x != *b)
			return false;
	}
	return !*a && !*b;
}

int report_section_find(const char *word)
{
	for (int i = 0; word && i < SECTION_MAX; i++)
		if (same_word(word, enum_name(&report_section_names, i)))
			return i;
	return -1;
}

/* ---- drafts ------------------------------------------------------------------------- */

void review_draft_beside(struct str *out, int64_t version, const char *by, const char *text)
{
	if (out->len && str_get(out)[out->len - 1] != '\n')
		str_addc(out, '\n');
	str_addf(out, "%%%% Not merged yet: version %lld by %s, written at the same time:\n",
		 (long long)version, by ? by : "somebody");
	str_add(out, text);
}

void review_draft(const struct json *section, struct str *out)
{
	str_addf(out, "%%%% %s. Lines with %%%% in front are left out.\n",
		 json_get_str(section, "title"));
	for (const struct json *v = json_first(json_get(section, "asks")); v; v = json_next(v))
		str_addf(out, "%%%%   %s\n", json_str(v));
	str_add(out, json_get_str(section, "text"));
	for (const struct json *v = json_first(json_get(section, "aside")); v; v = json_next(v))
		review_draft_beside(out, json_get_i64(v, "version", 0), json_get_str(v, "by"),
				    json_get_str(v, "text"));
}

void review_draft_text(const char *line, struct str *out)
{
	while (*line) {
		size_t n = strcspn(line, "\n");

		n += line[n] == '\n';
		if (strncmp(line, "%%", 2) != 0)
			str_addn(out, line, n);
		line += n;
	}
}

/* ---- records ------------------------------------------------------------------------- */

static const struct field event_fields[] = {
	FIELD(review_event, id, "id", "EVENT", F_STR),
	FIELD(review_event, status, "status", "STATE", F_ENUM, .names = &event_status_names),
	FIELD(review_event, severity, "severity", "SEVERITY", F_ENUM, .names = &severity_names),
	FIELD(review_event, trigger, "triggerType", "TRIGGER", F_ENUM, .names = &trigger_names),
	FIELD(review_event, from, "from", "FROM", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_event, to, "to", "TO", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_event, rule, "rule", "RULE", F_I64),
	FIELD(review_event, reason, "reason", "REASON", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_event, cause, "cause", "CAUSE", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_event, held_gate, "heldGate", "HELD BY", F_STR),
	FIELD(review_event, held, "held", "HELD BECAUSE", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_event, opened_at_ms, "openedAt", "OPENED", F_TIME),
	FIELD(review_event, decided_at_ms, "decidedAt", "DECIDED", F_TIME),
	FIELD(review_event, decided_by, "decidedBy", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_event, executed_by, "executedBy", "ENGINE", F_STR),
	FIELD(review_event, completed_at_ms, "completedAt", "COMPLETED", F_TIME),
	FIELD(review_event, ended_at_ms, "endedAt", "ENDED", F_TIME),
	FIELD(review_event, agents_total, "agentsTotal", "AGENTS", F_I64),
	FIELD(review_event, agents_moved, "agentsMoved", "MOVED", F_I64),
	FIELD(review_event, agents_failed, "agentsFailed", "FAILED", F_I64),
};
RECORD_TYPE(review_event_type, "event", review_event, event_fields);

static const struct field run_fields[] = {
	FIELD(review_run, id, "id", "RUN", F_STR),
	FIELD(review_run, runbook, "runbook", "RUNBOOK", F_STR),
	FIELD(review_run, title, "title", "TITLE", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_run, status, "status", "STATE", F_STR),
	FIELD(review_run, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_run, started_at_ms, "startedAt", "STARTED", F_TIME),
	FIELD(review_run, ended_at_ms, "endedAt", "ENDED", F_TIME),
};
RECORD_TYPE(review_run_type, "run", review_run, run_fields);

static const struct field health_fields[] = {
	FIELD(review_health, account, "account", "ACCOUNT", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_health, at_ms, "at", "AT", F_TIME),
	FIELD(review_health, status, "status", "STATE", F_STR),
	FIELD(review_health, rate, "failureRate", "FAILING", F_DOUBLE),
	FIELD(review_health, failing, "failing", "AGENTS FAILING", F_I64),
	FIELD(review_health, agents, "agents", "AGENTS", F_I64),
};
RECORD_TYPE(review_health_type, "health", review_health, health_fields);

static const struct field slice_fields[] = {
	FIELD(review_slice, at_ms, "at", "AT", F_TIME),
	FIELD(review_slice, calls, "calls", "CALLS", F_I64),
	FIELD(review_slice, calls_failed, "callsFailed", "FAILED", F_I64),
	FIELD(review_slice, messages, "messages", "MESSAGES", F_I64),
	FIELD(review_slice, messages_failed, "messagesFailed", "FAILED", F_I64),
};
RECORD_TYPE(review_slice_type, "slice", review_slice, slice_fields);

static const struct field org_fields[] = {
	FIELD(review_org, org, "org", "ORG", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_org, agents, "agents", "AGENTS FAILING", F_I64),
	FIELD(review_org, calls_failed, "callsFailed", "CALLS FAILED", F_I64),
	FIELD(review_org, messages_failed, "messagesFailed", "MESSAGES FAILED", F_I64),
};
RECORD_TYPE(review_org_type, "org", review_org, org_fields);

static const struct field traffic_fields[] = {
	FIELD(review_traffic, kind, "kind", "KIND", F_STR),
	FIELD(review_traffic, known, "known", "KNOWN", F_BOOL),
	FIELD(review_traffic, total, "total", "TOTAL", F_I64),
	FIELD(review_traffic, failed, "failed", "FAILED", F_I64),
	FIELD(review_traffic, usual_total, "usualTotal", "USUAL", F_I64),
	FIELD(review_traffic, usual_failed, "usualFailed", "USUALLY FAILED", F_I64),
	FIELD(review_traffic, beyond_usual, "beyondUsual", "BEYOND USUAL", F_I64),
	FIELD(review_traffic, never_came, "neverCame", "NEVER CAME", F_I64),
	FIELD(review_traffic, days, "days", "DAYS", F_I64),
	FIELD(review_traffic, how, "how", "HOW", F_STR),
};
RECORD_TYPE(review_traffic_type, "traffic", review_traffic, traffic_fields);

static const struct field sign_fields[] = {
	FIELD(review_sign, at_ms, "at", "AT", F_TIME),
	FIELD(review_sign, state, "state", "STATE", F_STR),
	FIELD(review_sign, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_sign, text, "text", "TEXT", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(review_sign_type, "signature", review_sign, sign_fields);

static const struct field text_fields[] = {
	FIELD(review_text, section, "section", "SECTION", F_STR),
	FIELD(review_text, version, "version", "VERSION", F_I64),
	FIELD(review_text, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(review_text, at_ms, "at", "AT", F_TIME),
	FIELD(review_text, aside, "aside", "ASIDE", F_BOOL,
	      .help = "lost against another text, waits to be merged"),
	FIELD(review_text, text, "text", "TEXT", F_STR),
};
RECORD_TYPE(review_text_type, "text", review_text, text_fields);

static const struct field span_fields[] = {
	FIELD(severity_span, incident, "incident", "INCIDENT", F_STR),
	FIELD(severity_span, severity, "severity", "SEVERITY", F_STR),
	FIELD(severity_span, ms, "ms", "FOR", F_DUR),
};
RECORD_TYPE(severity_span_type, "span", severity_span, span_fields);

static const struct field practice_fields[] = {
	FIELD(practice, id, "id", "PRACTICE", F_STR),
	FIELD(practice, title, "title", "WHAT", F_STR, .flags = FF_OUTSIDE),
	FIELD(practice, state, "state", "STATE", F_STR),
	FIELD(practice, due_at_ms, "dueAt", "DUE", F_TIME),
	FIELD(practice, planned_at_ms, "plannedAt", "PLANNED", F_TIME,
	      .help = "by the policy, where people moved it"),
	FIELD(practice, moved_by, "movedBy", "MOVED BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(practice, moved_reason, "movedReason", "BECAUSE", F_STR, .flags = FF_OUTSIDE),
	FIELD(practice, every_ms, "everyMs", "EVERY", F_DUR),
	FIELD(practice, done_at_ms, "doneAt", "LAST DONE", F_TIME),
	FIELD(practice, done_by, "doneBy", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(practice, note, "note", "NOTE", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(practice_type, "practice", practice, practice_fields);
