/*
 * Field tables of incidents and of what an incident's document holds, and its nested JSON;
 * see incident.h. The document is the incident's members with "roles", "severities", "links",
 * "clocks", "actions", "tasks" and "quotes" beside them.
 */
#include "model/incident.h"

#include <string.h>

#include "core/mem.h"

ENUM_NAMES(incident_state_names, "incident state", INCIDENT_STATE_LIST);
ENUM_NAMES(incident_kind_names, "kind of incident", INCIDENT_KIND_LIST);
ENUM_NAMES(clock_kind_names, "kind of clock", CLOCK_KIND_LIST);
ENUM_NAMES(clock_state_names, "state of a clock", CLOCK_STATE_LIST);
ENUM_NAMES(review_state_names, "state of a review", REVIEW_STATE_LIST);

static const struct field incident_fields[] = {
	FIELD(incident, id, "id", "INCIDENT", F_STR, .flags = FF_FILTER),
	FIELD(incident, version, "version", "VERSION", F_I64, .flags = FF_DETAIL,
	      .help = "each change adds one; an edit names the one it was made on"),
	FIELD(incident, severity, "severity", "SEVERITY", F_STR, .flags = FF_SORT | FF_FILTER),
	FIELD(incident, state, "state", "STATE", F_ENUM, .flags = FF_SORT | FF_FILTER,
	      .names = &incident_state_names),
	FIELD(incident, kind, "kind", "KIND", F_ENUM, .flags = FF_SORT | FF_FILTER,
	      .names = &incident_kind_names),
	FIELD(incident, title, "title", "TITLE", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(incident, service, "service", "SERVICE", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(incident, impact, "impact", "IMPACT", F_STR, .flags = FF_DETAIL | FF_OUTSIDE),
	FIELD(incident, cause, "cause", "CAUSE", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(incident, commander, "commander", "COMMANDER", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident, declared_by, "declaredBy", "BY", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(incident, acked_by, "ackedBy", "ACKNOWLEDGED BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident, started_at_ms, "startedAt", "STARTED", F_TIME, .flags = FF_SORT,
	      .help = "the impact began; may be before anybody knew"),
	FIELD(incident, detected_at_ms, "detectedAt", "DETECTED", F_TIME, .flags = FF_DETAIL),
	FIELD(incident, declared_at_ms, "declaredAt", "DECLARED", F_TIME, .flags = FF_SORT),
	FIELD(incident, acked_at_ms, "ackedAt", "ACKNOWLEDGED", F_TIME, .flags = FF_DETAIL),
	FIELD(incident, mitigated_at_ms, "mitigatedAt", "MITIGATED", F_TIME, .flags = FF_DETAIL),
	FIELD(incident, resolved_at_ms, "resolvedAt", "RESOLVED", F_TIME, .flags = FF_SORT),
	FIELD(incident, closed_at_ms, "closedAt", "CLOSED", F_TIME, .flags = FF_DETAIL),
	FIELD(incident, ack_due_at_ms, "ackDueAt", "ACK DUE", F_TIME),
	FIELD(incident, escalate_at_ms, "escalateAt", "ESCALATES", F_TIME),
	FIELD(incident, escalate_to, "escalateTo", "TO", F_STR, .flags = FF_DETAIL),
	FIELD(incident, update_every_ms, "updateEveryMs", "UPDATE EVERY", F_DUR,
	      .flags = FF_DETAIL),
	FIELD(incident, next_update_at_ms, "nextUpdateAt", "NEXT UPDATE", F_TIME),
	FIELD(incident, report_due_at_ms, "reportDueAt", "REPORT DUE", F_TIME,
	      .flags = FF_DETAIL),
	FIELD(incident, review_due_at_ms, "reviewDueAt", "REVIEW DUE", F_TIME,
	      .flags = FF_DETAIL),
	FIELD(incident, review, "review", "REVIEW", F_ENUM, .flags = FF_SORT | FF_FILTER,
	      .names = &review_state_names),
	FIELD(incident, review_owner, "reviewOwner", "REVIEW BY", F_STR,
	      .flags = FF_DETAIL | FF_OUTSIDE),
	FIELD(incident, status_quoted, "statusQuoted", "VENDOR SAYS", F_STR,
	      .flags = FF_DETAIL | FF_OUTSIDE),
	FIELD(incident, alerts, "alerts", "ALERTS", F_I64),
	FIELD(incident, events, "events", "EVENTS", F_I64),
	FIELD(incident, runs, "runs", "RUNS", F_I64),
	FIELD(incident, notes, "notes", "NOTES", F_I64),
	FIELD(incident, policy_hash, "policyHash", "POLICY", F_STR, .flags = FF_DETAIL),
};
RECORD_TYPE(incident_type, "incident", incident, incident_fields);

static const struct field role_fields[] = {
	FIELD(incident_role, role, "role", "ROLE", F_STR),
	FIELD(incident_role, person, "person", "PERSON", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_role, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_role, since_ms, "since", "SINCE", F_TIME),
	FIELD(incident_role, until_ms, "until", "UNTIL", F_TIME),
};
RECORD_TYPE(incident_role_type, "role", incident_role, role_fields);

static const struct field severity_fields[] = {
	FIELD(incident_severity, severity, "severity", "SEVERITY", F_STR),
	FIELD(incident_severity, at_ms, "at", "AT", F_TIME),
	FIELD(incident_severity, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_severity, reason, "reason", "REASON", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(incident_severity_type, "severity", incident_severity, severity_fields);

static const struct field link_fields[] = {
	FIELD(incident_link, kind, "kind", "KIND", F_STR),
	FIELD(incident_link, ref, "ref", "REFERENCE", F_STR),
	FIELD(incident_link, at_ms, "at", "AT", F_TIME),
	FIELD(incident_link, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_link, text, "text", "TEXT", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(incident_link_type, "link", incident_link, link_fields);

static const struct field clock_fields[] = {
	FIELD(incident_clock, id, "id", "CLOCK", F_STR),
	FIELD(incident_clock, kind, "kind", "KIND", F_ENUM, .names = &clock_kind_names),
	FIELD(incident_clock, state, "state", "STATE", F_ENUM, .names = &clock_state_names),
	FIELD(incident_clock, due_at_ms, "dueAt", "DUE", F_TIME),
	FIELD(incident_clock, every_ms, "everyMs", "EVERY", F_DUR),
	FIELD(incident_clock, respond_ms, "respondMs", "RESPONSE TIME", F_DUR),
	FIELD(incident_clock, rung, "rung", "RUNG", F_I64),
	FIELD(incident_clock, ladder, "ladder", "LADDER", F_STR),
	FIELD(incident_clock, target, "target", "TO", F_STR),
	FIELD(incident_clock, via, "via", "VIA", F_JSON),
	FIELD(incident_clock, text, "text", "NEXT", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_clock, held_by, "heldBy", "HELD BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_clock, held_reason, "heldReason", "BECAUSE", F_STR,
	      .flags = FF_OUTSIDE),
	FIELD(incident_clock, sent, "sent", "SENT", F_I64),
	FIELD(incident_clock, last_at_ms, "lastAt", "LAST", F_TIME),
};
RECORD_TYPE(incident_clock_type, "clock", incident_clock, clock_fields);

static const struct field action_fields[] = {
	FIELD(incident_action, id, "id", "ACTION", F_STR),
	FIELD(incident_action, text, "text", "TEXT", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_action, owner, "owner", "OWNER", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_action, due_at_ms, "dueAt", "DUE", F_TIME),
	FIELD(incident_action, state, "state", "STATE", F_STR),
	FIELD(incident_action, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_action, at_ms, "at", "AT", F_TIME),
	FIELD(incident_action, version, "version", "VERSION", F_I64, .flags = FF_DETAIL,
	      .help = "each change adds one; an edit names the one it was made on"),
};
RECORD_TYPE(incident_action_type, "action", incident_action, action_fields);

static const struct field task_fields[] = {
	FIELD(incident_task, id, "id", "TASK", F_STR),
	FIELD(incident_task, text, "text", "TEXT", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_task, done, "done", "DONE", F_BOOL),
	FIELD(incident_task, by, "by", "BY", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_task, at_ms, "at", "AT", F_TIME),
};
RECORD_TYPE(incident_task_type, "task", incident_task, task_fields);

static const struct field quote_fields[] = {
	FIELD(incident_quote, id, "id", "NOTE", F_STR, .flags = FF_DETAIL),
	FIELD(incident_quote, at_ms, "at", "SAID", F_TIME),
	FIELD(incident_quote, read_at_ms, "readAt", "READ", F_TIME),
	FIELD(incident_quote, behind_ms, "behindMs", "AFTER US", F_DUR,
	      .help = "said so long after we noticed; negative: before"),
	FIELD(incident_quote, lag_ms, "lagMs", "LAG", F_DUR,
	      .help = "from its time to our reading it"),
	FIELD(incident_quote, source, "source", "SOURCE", F_STR, .flags = FF_OUTSIDE),
	FIELD(incident_quote, subject, "subject", "SUBJECT", F_STR,
	      .flags = FF_OUTSIDE | FF_DETAIL),
	FIELD(incident_quote, text, "text", "TEXT", F_STR, .flags = FF_OUTSIDE),
};
RECORD_TYPE(incident_quote_type, "quote", incident_quote, quote_fields);

static const struct field timeline_fields[] = {
	FIELD(timeline_entry, id, "id", "ID", F_STR, .flags = FF_DETAIL),
	FIELD(timeline_entry, happened_at_ms, "happenedAt", "HAPPENED", F_TIME,
	      .flags = FF_SORT),
	FIELD(timeline_entry, recorded_at_ms, "recordedAt", "RECORDED", F_TIME,
	      .flags = FF_SORT | FF_DETAIL, .help = "never changes"),
	FIELD(timeline_entry, until_ms, "until", "UNTIL", F_TIME, .flags = FF_DETAIL),
	FIELD(timeline_entry, lane, "lane", "LANE", F_STR, .flags = FF_FILTER),
	FIELD(timeline_entry, kind, "kind", "KIND", F_STR, .flags = FF_FILTER),
	FIELD(timeline_entry, subject, "subject", "SUBJECT", F_STR,
	      .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(timeline_entry, actor, "actor", "WHO", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(timeline_entry, text, "text", "WHAT", F_STR, .flags = FF_FILTER | FF_OUTSIDE),
	FIELD(timeline_entry, severity, "severity", "LEVEL", F_STR, .flags = FF_FILTER),
	FIELD(timeline_entry, original, "original", "AS WRITTEN", F_STR,
	      .flags = FF_DETAIL | FF_OUTSIDE, .help = "an imported instant, unchanged"),
	FIELD(timeline_entry, doubt, "doubt", "DOUBT", F_STR, .flags = FF_DETAIL | FF_OUTSIDE),
	FIELD(timeline_entry, link, "link", "EVIDENCE", F_STR, .flags = FF_DETAIL),
	FIELD(timeline_entry, annotation, "annotation", "ANNOTATION", F_STR,
	      .flags = FF_DETAIL | FF_OUTSIDE),
	FIELD(timeline_entry, pinned, "pinned", "PINNED", F_BOOL, .flags = FF_FILTER),
	FIELD(timeline_entry, noise, "noise", "NOISE", F_BOOL, .flags = FF_DETAIL,
	      .help = "the system's own steps, hidden unless asked for"),
	FIELD(timeline_entry, editable, "editable", "EDITABLE", F_BOOL, .flags = FF_DETAIL),
	FIELD(timeline_entry, retracted, "retracted", "RETRACTED", F_BOOL, .flags = FF_DETAIL),
	FIELD(timeline_entry, hidden, "hidden", "HIDDEN", F_BOOL, .flags = FF_DETAIL),
	FIELD(timeline_entry, version, "version", "VERSION", F_I64, .flags = FF_DETAIL),
};
RECORD_TYPE(timeline_entry_type, "entry", timeline_entry, timeline_fields);

/* ---- words ----------------------------------------------------------------------- */

const struct incident_role_word incident_role_words[INCIDENT_ROLES] = {
	{ "commander", "decides, and fixes nothing" },
	{ "deputy", "stands in for the commander, watches the clocks" },
	{ "scribe", "writes down what is done and decided" },
	{ "sme", "knows the part that fails, and fixes it" },
	{ "customer-liaison", "speaks with customers" },
	{ "internal-liaison", "speaks with the rest of the company" },
};

static int unknown_role(const char *text, struct err *err)
{
	_cleanup_(free_p) char *clean = text_clean(text, 60);
	_cleanup_(str_fini) struct str all = STR_INIT(400);
	const char *names[INCIDENT_ROLES], *near;

	for (size_t i = 0; i < INCIDENT_ROLES; i++) {
		names[i] = incident_role_words[i].name;
		str_addf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	near = str_nearest(clean, names, INCIDENT_ROLES);
	return err_field(err, ERR_INVALID, "role", "'%s' is no role%s%s%s; there are %s", clean,
			 near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "",
			 str_get(&all));
}

/* Case, spaces and hyphens do not matter. */
static bool same_role(const char *word, const char *text)
{
	for (; *word && *text; word++, text++) {
		char c = *text == ' ' || *text == '_' ? '-' : *text;

		if (*word != (c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c))
			return false;
	}
	return !*word && !*text;
}

const char *incident_role_find(const char *text, struct err *err)
{
	const char *asked = text ? text : "";

	if (same_role("expert", asked))
		asked = "sme";
	for (size_t i = 0; i < INCIDENT_ROLES; i++)
		if (same_role(incident_role_words[i].name, asked))
			return incident_role_words[i].name;
	unknown_role(asked, err);
	return NULL;
}

bool incident_due_parse(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	enum { DAYS = 1000, DAY_MS = 86400000 };
	_cleanup_(free_p) char *day = strlen(text) == 10 ? xasprintf("%sT23:59:59Z", text) : NULL;
	int64_t ms;

	if (*text == '+' && parse_duration_ms(text + 1, &ms) && ms > 0 &&
	    ms < (int64_t)DAYS * DAY_MS) {
		*ret_ms = now_ms + ms;
		return true;
	}
	return parse_time_ms(day ? day : text, ret_ms);
}

/* ---- the document -------------------------------------------------------------- */

void incident_doc_fini(struct incident_doc *d)
{
	record_fini(&incident_type, &d->incident);
	records_free(&incident_role_type, d->roles, d->n_roles);
	records_free(&incident_severity_type, d->severities, d->n_severities);
	records_free(&incident_link_type, d->links, d->n_links);
	records_free(&incident_clock_type, d->clocks, d->n_clocks);
	records_free(&incident_action_type, d->actions, d->n_actions);
	records_free(&incident_task_type, d->tasks, d->n_tasks);
	records_free(&incident_quote_type, d->quotes, d->n_quotes);
	records_free(&timeline_entry_type, d->written, d->n_written);
	*d = (struct incident_doc){ 0 };
}

void incident_doc_json(struct jw *w, const char *name, const struct incident_doc *d)
{
	jw_obj(w, name);
	record_members(w, &incident_type, &d->incident);
	records_json(w, "roles", &incident_role_type, d->roles, d->n_roles);
	records_json(w, "severities", &incident_severity_type, d->severities, d->n_severities);
	records_json(w, "links", &incident_link_type, d->links, d->n_links);
	records_json(w, "clocks", &incident_clock_type, d->clocks, d->n_clocks);
	records_json(w, "actions", &incident_action_type, d->actions, d->n_actions);
	records_json(w, "tasks", &incident_task_type, d->tasks, d->n_tasks);
	records_json(w, "quotes", &incident_quote_type, d->quotes, d->n_quotes);
	records_json(w, "written", &timeline_entry_type, d->written, d->n_written);
	jw_obj_end(w);
}

/* Whatever d held is replaced. */
int incident_doc_from_json(struct incident_doc *d, const struct json *obj, struct err *err)
{
	int r;

	incident_doc_fini(d);
	r = record_from_json(&incident_type, &d->incident, obj, false, err);
	if (r < 0)
		return r;
	d->roles = records_read(&incident_role_type, json_get(obj, "roles"), &d->n_roles);
	d->severities = records_read(&incident_severity_type, json_get(obj, "severities"),
				     &d->n_severities);
	d->links = records_read(&incident_link_type, json_get(obj, "links"), &d->n_links);
	d->clocks = records_read(&incident_clock_type, json_get(obj, "clocks"), &d->n_clocks);
	d->actions = records_read(&incident_action_type, json_get(obj, "actions"), &d->n_actions);
	d->tasks = records_read(&incident_task_type, json_get(obj, "tasks"), &d->n_tasks);
	d->quotes = records_read(&incident_quote_type, json_get(obj, "quotes"), &d->n_quotes);
	d->written = records_read(&timeline_entry_type, json_get(obj, "written"), &d->n_written);
	return 0;
}
