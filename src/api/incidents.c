/* Incidents: declared, read, and what people do to them. The timeline and notes are in
 * notes.c; what may be done when is the store's and the host's business. */
#include "api/internal.h"

#include <stdio.h>

#include "engine/engine.h"
#include "incident/facts.h"
#include "incident/incidents.h"
#include "store/incidents.h"

static struct who who_of(const struct call *c)
{
	return (struct who){ .actor = c->user, .role = enum_name(&person_role_names, (int)c->role),
			     .via = "api" };
}

/* ---- reading ------------------------------------------------------------------------- */

static int get_incidents(struct call *c)
{
	struct incident *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int64_t limit = call_number(c, "limit");
	size_t n = 0;

	if (incidents_list(c->engine->store, call_query(c, "state"), limit,
			   call_query(c, "cursor"), &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "incidents");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &incident_type, &rows[i]);
	jw_arr_end(&w);
	jw_str(&w, "nextCursor", (int64_t)n == limit ? rows[n - 1].id : NULL);
	jw_obj_end(&w);
	records_free(&incident_type, rows, n);
	return 200;
}

static int write_doc(struct call *c, const char *id, int status)
{
	struct incident_doc d;
	struct jw w = JW(&c->out);
	struct err err = { 0 };

	if (incident_read(c->engine->store, id, &d, &err) < 0)
		return api_problem_err(c, &err);
	incident_doc_json(&w, NULL, &d);
	incident_doc_fini(&d);
	return status;
}

static int get_incident(struct call *c)
{
	return write_doc(c, c->params[0], 200);
}

static void write_texts(struct jw *w, const char *name, char *const *v, size_t n)
{
	jw_arr(w, name);
	for (size_t i = 0; i < n; i++)
		jw_str(w, NULL, v[i]);
	jw_arr_end(w);
}

/* What a person must know to declare: the criteria, and what follows from a choice. */
static int get_severities(struct call *c)
{
	const struct policy *p = incidents_policy(c->engine->incidents);
	struct jw w = JW(&c->out);

	jw_obj(&w, NULL);
	jw_str(&w, "policyHash", p ? p->hash : NULL);
	jw_arr(&w, "severities");
	for (size_t i = 0; p && i < p->n_severities; i++) {
		const struct policy_severity *s = &p->severities[i];

		jw_obj(&w, NULL);
		jw_str(&w, "id", s->id);
		jw_str(&w, "label", s->label);
		write_texts(&w, "criteria", s->criteria, s->n_criteria);
		jw_i64(&w, "respondMs", s->respond_ms);
		jw_i64(&w, "escalateAfterMs", s->escalate_after_ms);
		jw_str(&w, "escalateTo", s->escalate_to);
		write_texts(&w, "page", s->page, s->n_page);
		jw_i64(&w, "repeatMs", s->repeat_ms);
		jw_i64(&w, "updateEveryMs", s->update_every_ms);
		jw_bool(&w, "digest", s->digest);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	return 200;
}

/* ---- declaring ------------------------------------------------------------------------- */

/* *ret 0 when it is not given. False after a 400. */
static bool time_of(struct call *c, const char *member, int64_t *ret, int *status)
{
	const char *text = call_text(c, member);

	*ret = 0;
	if (str_empty(text) || parse_time_ms(text, ret))
		return true;
	*status = api_problem_field(c, 400, member, "must be an RFC 3339 time, with its zone");
	return false;
}

static int offer(struct call *c, const struct err *err)
{
	struct jw w = JW(&c->out);

	str_clear(&c->out);
	problem_begin(&w, 409, "An open incident may be the same", err->msg);
	jw_str(&w, "incident", err->field);
	jw_obj_end(&w);
	return 409;
}

static int post_incident(struct call *c)
{
	_cleanup_(free_p) char *id = NULL;
	const char *kind = call_text(c, "kind");
	int k = kind ? enum_parse(&incident_kind_names, kind) : IK_REAL, bad = 0;
	struct who who = who_of(c);
	struct err err = { 0 };
	struct incident_declare d = {
		.title = call_text(c, "title"), .severity = call_text(c, "severity"),
		.service = call_text(c, "service"), .impact = call_text(c, "impact"),
		.kind = (enum incident_kind)k, .force = call_flag(c, "force"),
	};

	if (k < 0)
		return api_problem_field(c, 400, "kind", "one of real, drill, backfill");
	if (!time_of(c, "startedAt", &d.started_at_ms, &bad) ||
	    !time_of(c, "detectedAt", &d.detected_at_ms, &bad) ||
	    !time_of(c, "resolvedAt", &d.resolved_at_ms, &bad))
		return bad;
	if (incidents_declare(c->engine->incidents, &who, &d, &id, &err) < 0)
		return err.code == ERR_EXISTS && str_has_prefix(err.field, "INC-") ?
		       offer(c, &err) : api_problem_err(c, &err);
	return write_doc(c, id, 201);
}

/* ---- orders ------------------------------------------------------------------------------ */

typedef int (*order_fn)(struct call *c, const char *id, const struct who *who, struct err *err);

static int need(const struct call *c, const char *member, const char **ret, struct err *err)
{
	*ret = call_text(c, member);
	return str_empty(*ret) ? err_field(err, ERR_INVALID, member,
					   "is required for this action") : 0;
}

static int to_state(struct call *c, const char *id, const struct who *who, enum incident_state to,
		    struct err *err)
{
	int64_t at = 0;

	if (call_text(c, "at") && !parse_time_ms(call_text(c, "at"), &at))
		return err_field(err, ERR_INVALID, "at", "must be an RFC 3339 time, with its zone");
	return incidents_state(c->engine->incidents, who, id, call_int(c, "version", 0), to, at,
			       call_text(c, "reason"), err);
}

static int do_ack(struct call *c, const char *id, const struct who *who, struct err *err)
{
	return to_state(c, id, who, IS_ACKNOWLEDGED, err);
}

static int do_mitigate(struct call *c, const char *id, const struct who *who, struct err *err)
{
	return to_state(c, id, who, IS_MITIGATED, err);
}

static int do_resolve(struct call *c, const char *id, const struct who *who, struct err *err)
{
	return to_state(c, id, who, IS_RESOLVED, err);
}

static int do_close(struct call *c, const char *id, const struct who *who, struct err *err)
{
	return to_state(c, id, who, IS_CLOSED, err);
}

static int do_severity(struct call *c, const char *id, const struct who *who, struct err *err)
{
	const char *severity;
	int e = need(c, "severity", &severity, err);

	return e < 0 ? e : incidents_severity(c->engine->incidents, who, id, severity,
					      call_text(c, "reason"), err);
}

static int do_role(struct call *c, const char *id, const struct who *who, struct err *err)
{
	const char *role;
	int e = need(c, "role", &role, err);

	return e < 0 ? e : incident_set_role(c->engine->store, who, id, role,
					     call_text(c, "person"), err);
}

static int do_edit(struct call *c, const char *id, const struct who *who, struct err *err)
{
	const struct json *fields = json_get(c->body, "fields");

	if (json_count(fields) == 0)
		return err_field(err, ERR_INVALID, "fields", "is required for this action");
	int e = facts_check(json_get(fields, "fields"), err);

	return e < 0 ? e : incident_edit(c->engine->store, who, id, call_int(c, "version", 0),
					 fields, err);
}

static int do_link(struct call *c, const char *id, const struct who *who, struct err *err)
{
	static const char *const kinds[] = { "event", "run", "alert", "note", "message", "incident",
					     "url" };
	_cleanup_(tx_rollback) struct tx t = { 0 };
	const char *kind, *ref = NULL;
	bool known = false;
	int e = need(c, "kind", &kind, err);

	if (e == 0)
		e = need(c, "ref", &ref, err);
	for (size_t i = 0; e == 0 && i < COUNT_OF(kinds); i++)
		known = known || str_eq(kind, kinds[i]);
	if (e == 0 && !known)
		e = err_field(err, ERR_INVALID, "kind",
			      "one of event, run, alert, note, message, incident, url");
	if (e == 0)
		e = tx_begin(c->engine->store, &t, who, err);
	if (e == 0)
		e = incident_link(&t, id, kind, ref, call_text(c, "text"), err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

static int do_unlink(struct call *c, const char *id, const struct who *who, struct err *err)
{
	const char *kind, *ref = NULL;
	int e = need(c, "kind", &kind, err);

	if (e == 0)
		e = need(c, "ref", &ref, err);
	return e < 0 ? e : incident_unlink(c->engine->store, who, id, kind, ref, err);
}

static int do_hold(struct call *c, const char *id, const struct who *who, struct err *err)
{
	const char *clock;
	int e = need(c, "clock", &clock, err);

	return e < 0 ? e : clock_hold(c->engine->store, who, id, clock, true,
				      call_text(c, "reason"), err);
}

static int do_run(struct call *c, const char *id, const struct who *who, struct err *err)
{
	const char *clock;
	int e = need(c, "clock", &clock, err);

	return e < 0 ? e : clock_hold(c->engine->store, who, id, clock, false, NULL, err);
}

static int do_done(struct call *c, const char *id, const struct who *who, struct err *err)
{
	const char *clock;
	int e = need(c, "clock", &clock, err);

	return e < 0 ? e : clock_done(c->engine->store, who, id, clock, call_text(c, "text"), err);
}

static int do_task(struct call *c, const char *id, const struct who *who, struct err *err)
{
	const char *task;
	int e = need(c, "task", &task, err);

	return e < 0 ? e : incident_task_done(c->engine->store, who, id, task,
					      json_get_bool(c->body, "on", true), err);
}

/* "" and null take a value away; NULL = it is not spoken of. */
static const char *taken(const struct call *c, const char *member)
{
	const struct json *v = json_get(c->body, member);

	return json_str(v) ? json_str(v) : v ? "" : NULL;
}

static int do_action(struct call *c, const char *id, const struct who *who, struct err *err)
{
	_cleanup_(free_p) char *made = NULL;
	struct action_edit a = { .id = call_text(c, "id"), .version = call_int(c, "itemVersion", 0),
				 .text = json_get_str(c->body, "text"),
				 .state = call_text(c, "state"), .owner = taken(c, "owner"),
				 .due = json_get(c->body, "dueAt") != NULL };

	if (call_text(c, "dueAt") &&
	    !incident_due_parse(call_text(c, "dueAt"), loop_wall_ms(c->engine->loop), &a.due_at_ms))
		return err_field(err, ERR_INVALID, "dueAt", "such as 2026-12-01, +7d or"
				 " 2026-12-01T12:00:00Z; \"\" takes the date away");
	return incident_action_put(c->engine->store, who, id, &a, &made, err);
}

static const struct { const char *name; order_fn fn; } orders[] = {
	{ "ack", do_ack }, { "mitigate", do_mitigate }, { "resolve", do_resolve },
	{ "close", do_close }, { "severity", do_severity }, { "role", do_role },
	{ "edit", do_edit }, { "link", do_link }, { "unlink", do_unlink }, { "hold", do_hold },
	{ "run", do_run }, { "done", do_done }, { "task", do_task }, { "action", do_action },
};

static int unknown_action(struct call *c, const char *action)
{
	const char *names[COUNT_OF(orders)], *near;
	char detail[200];

	for (size_t i = 0; i < COUNT_OF(orders); i++)
		names[i] = orders[i].name;
	near = str_nearest(action, names, COUNT_OF(names));
	snprintf(detail, sizeof(detail), "there is no such action%s%s%s",
		 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return api_problem_field(c, 400, "action", detail);
}

static int post_do(struct call *c)
{
	const char *action = call_text(c, "action"), *id = c->params[0];
	struct incident_doc doc;
	struct who who = who_of(c);
	struct err err = { 0 };

	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		if (!str_eq(orders[i].name, action))
			continue;
		if (incident_read(c->engine->store, id, &doc, &err) < 0)
			return api_problem_err(c, &err);
		incident_doc_fini(&doc);
		if (orders[i].fn(c, id, &who, &err) < 0)
			return api_problem_err(c, &err);
		hub_wake(c->engine->hub);
		incidents_wake(c->engine->incidents);
		return write_doc(c, id, 200);
	}
	return unknown_action(c, action);
}

#define TEXT(name_, max_, ...) { name_, M_TEXT, .max = max_, __VA_ARGS__ }
static const struct route routes[] = {
	{ "GET", "/api/v1/incidents", PR_VIEWER, .handle = get_incidents,
	  .help = "incidents, newest first",
	  .query = { { "state", Q_WORD, "incidents in it; open: all that are not over",
		       .names = &incident_state_names,
		       .also = (const char *const[]){ "open", NULL } }, Q_LIMIT(100),
		     { "cursor", Q_ID, "nextCursor of the page before", .prefix = "INC-" } } },
	{ "GET", "/api/v1/severities", PR_VIEWER, .handle = get_severities,
	  .help = "severities of the policy: criteria, and which clocks follow" },
	{ "GET", "/api/v1/incidents/{id}", PR_VIEWER, .handle = get_incident,
	  .help = "one incident: clocks, roles, links, checklist, actions" },
	{ "POST", "/api/v1/incidents", PR_OPERATOR, .handle = post_incident,
	  .body = { TEXT("title", 300, .required = true), TEXT("severity", 20, .required = true),
		    TEXT("service", 200), TEXT("impact", 2000),
		    TEXT("kind", 20, .help = "real, drill, backfill"), TEXT("startedAt", 40),
		    TEXT("detectedAt", 40), TEXT("resolvedAt", 40, .help = "of a backfill"),
		    { "force", M_BOOL, .help = "also when an open one may be the same" } },
	  .help = "declares an incident; 409 names an open one that may be the same" },
	{ "POST", "/api/v1/incidents/{id}/do", PR_OPERATOR, .handle = post_do,
	  .body = { TEXT("action", 20, .required = true),
		    { "version", M_INT, .help = "of the incident that the order was given on" },
		    TEXT("reason", 1000), TEXT("at", 40, .help = "when it was, if not now"),
		    TEXT("severity", 20), TEXT("role", 60), TEXT("person", 200),
		    { "fields", M_OBJECT, .help = "title impact cause service startedAt detectedAt "
		      "ackedAt mitigatedAt resolvedAt reviewOwner statusQuoted; fields: an object"
		      " of values for messages, null takes one away" },
		    TEXT("kind", 20), TEXT("ref", 500), TEXT("clock", 40), TEXT("task", 40),
		    { "on", M_BOOL }, TEXT("id", 40), TEXT("text", 4000), TEXT("owner", 200),
		    TEXT("dueAt", 40, .help = "of an action: a day, +7d or an instant; \"\" takes"
			 " owner or date away"),
		    TEXT("state", 20),
		    { "itemVersion", M_INT, .help = "of the action that was changed; 409: somebody"
		      " else did since, and yours is kept on the timeline" } },
	  .help = "an order to an incident: ack mitigate resolve close severity role edit link"
		  " unlink hold run done task action" },
};
const struct route_table incidents_routes = { routes, COUNT_OF(routes) };
