/*
 * What people change in an incident: its state, severity, roles, stamps and words. The first
 * stamp of a state is the one that counts; a correction goes through incident_edit and is
 * journaled as one. What belongs to it is in incident_items.c.
 */
#include <stdio.h>
#include <string.h>

#include "store/incidents_internal.h"

int incident_number(const char *id, const char *prefix, int64_t *ret, struct err *err)
{
	if (id && str_has_prefix(id, prefix) && parse_i64(id + strlen(prefix), 1, INT64_MAX, ret))
		return 0;
	return err_set(err, ERR_NOT_FOUND, "'%.40s' is no id of the form %sNUMBER", id ? id : "",
		       prefix);
}

/* ---- states -------------------------------------------------------------------- */

/* What a state ends: an acknowledgement the three clocks that page, the end of the incident all
 * that still asks for something, and only its closing the deadlines of report and review. */
static int stop_clocks(struct tx *t, const char *id, enum incident_state to, struct err *err)
{
	bool over = to == IS_RESOLVED || to == IS_CLOSED;
	const char *kinds = to == IS_CLOSED ?
		"{routing,severity,ladder,update,digest,vendor,task,deadline}" :
			    over ? "{routing,severity,ladder,update,digest,vendor,task}" :
				   "{routing,severity,ladder}";
	int e = tx_query(t, NULL, err, "UPDATE ringdown.incident_clock SET state = 'stopped',"
			 " last_at = $2 WHERE incident_id = $1 AND state IN ('running', 'due',"
			 " 'held') AND kind = ANY($3::text[])", "tmt", id, tx_now_ms(t), kinds);

	/* nobody needs to acknowledge or to be called any more */
	if (e == 0 && !over)
		e = tx_query(t, NULL, err, "UPDATE ringdown.incident_clock SET state ="
			     " CASE ladder WHEN 'ack' THEN 'done' ELSE 'stopped' END, last_at = $2"
			     " WHERE incident_id = $1 AND kind = 'task' AND ladder IN ('ack',"
			     " 'call') AND state IN ('running', 'due', 'held')", "tm", id,
			     tx_now_ms(t));
	/* report and review are counted from the end */
	if (e == 0 && to == IS_RESOLVED)
		e = tx_query(t, NULL, err, "UPDATE ringdown.incident_clock SET state = 'running',"
			     " due_at = $2::timestamptz + respond_ms * interval '1 ms'"
			     " WHERE incident_id = $1 AND kind = 'deadline' AND respond_ms > 0 AND"
			     " state IN ('running', 'due')", "tm", id, tx_now_ms(t));
	return e;
}

static const char *stamp_sql(enum incident_state to)
{
	switch (to) {
	case IS_ACKNOWLEDGED:
		return "UPDATE ringdown.incident SET state = $2, acked_at = coalesce(acked_at, $3),"
		       " acked_by = coalesce(acked_by, $4) WHERE id = $1";
	case IS_MITIGATED:
		return "UPDATE ringdown.incident SET state = $2, mitigated_at ="
		       " coalesce(mitigated_at, $3), acked_at = coalesce(acked_at, $3), acked_by ="
		       " coalesce(acked_by, $4) WHERE id = $1";
	case IS_RESOLVED:
		return "UPDATE ringdown.incident SET state = $2, resolved_at ="
		       " coalesce(resolved_at, $3), mitigated_at = coalesce(mitigated_at, $3),"
		       " acked_at = coalesce(acked_at, $3), acked_by = coalesce(acked_by, $4),"
		       " review = CASE review WHEN 'none' THEN 'draft' ELSE review END WHERE id ="
		       " $1";
	case IS_CLOSED:
		return "UPDATE ringdown.incident SET state = $2, closed_at = coalesce(closed_at,"
		       " $3) WHERE id = $1 AND $4::text IS NOT NULL";
	case IS_DECLARED:
	case IS_MAX:
		break;
	}
	return NULL;
}

int incident_set_state(struct store *s, const struct who *who, const char *id, int64_t version,
		       enum incident_state to, int64_t at_ms, const char *reason,
		       struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *text = NULL;
	struct incident now = { 0 };
	const char *word = enum_name(&incident_state_names, (int)to), *sql = stamp_sql(to);
	char kind[40];
	int e;

	if (!sql)
		return err_field(err, ERR_INVALID, "state", "an incident cannot be put back to"
				 " declared");
	e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = incident_lock(&t, id, version, &now, err);
	if (e == 0 && (now.state >= (int)to || (to == IS_CLOSED && now.state != IS_RESOLVED)))
		e = err_set(err, ERR_CONFLICT, "%s is %s%s%s", id,
			    enum_name(&incident_state_names, now.state),
			    to == IS_CLOSED && now.state < IS_RESOLVED ? ": resolve it first" : "",
			    now.state == IS_ACKNOWLEDGED && to == IS_ACKNOWLEDGED ? " already" :
				"");
	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_query(&t, NULL, err, sql, "ttmt", id, word, at_ms ? at_ms : tx_now_ms(&t),
			     who->actor);
	if (e == 0 && at_ms)
		e = incident_stamps_hold(&t, id, err);
	if (e == 0)
		e = stop_clocks(&t, id, to, err);
	if (e < 0)
		return e;
	text = xasprintf("%s by %s%s%s", word, who->actor, str_empty(reason) ? "" : ": ",
			 reason ? reason : "");
	snprintf(kind, sizeof(kind), "incident.%s", word);
	e = incident_changed(&t, id, kind, NOTE_INFO, text, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

int incident_set_severity(struct store *s, const struct who *who, const char *id,
			  const char *severity, const char *reason,
			  const struct incident_clock *clocks, size_t n_clocks, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *text = NULL;
	struct incident now = { 0 };
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = incident_lock(&t, id, 0, &now, err);
	if (e == 0 && str_eq(now.severity, severity))
		e = err_set(err, ERR_CONFLICT, "%s is %s already", id, severity);
	if (e == 0 && now.state >= IS_RESOLVED)
		e = err_set(err, ERR_CONFLICT, "%s is %s: the severity it had stays", id,
			    enum_name(&incident_state_names, now.state));
	if (e == 0)
		e = tx_one(&t, err, "UPDATE ringdown.incident SET severity = $2 WHERE id = $1",
			   "tt", id, severity);
	if (e == 0)
		e = tx_query(&t, NULL, err, "INSERT INTO ringdown.incident_severity (incident_id,"
			     " at, severity, by, reason) VALUES ($1, $2, $3, $4, $5)", "tmttt", id,
			     tx_now_ms(&t), severity, who->actor, reason ? reason : "");
	/* the clocks of the old severity end; those of the new one begin now */
	if (e == 0)
		e = tx_query(&t, NULL, err, "UPDATE ringdown.incident_clock SET state = 'stopped',"
			     " last_at = $2 WHERE incident_id = $1 AND state IN ('running', 'due',"
			     " 'held') AND (kind IN ('routing', 'severity', 'ladder', 'digest',"
			     " 'update') OR  (kind = 'task' AND ladder IN ('ack', 'call')))",
			     "tm", id, tx_now_ms(&t));
	if (e == 0)
		e = incident_clocks_add(&t, id, clocks, n_clocks, err);
	if (e == 0) {
		text = xasprintf("severity %s, was %s%s%s", severity, now.severity,
				 str_empty(reason) ? "" : ": ", reason ? reason : "");
		e = incident_changed(&t, id, "incident.severity", NOTE_WARN, text, err);
	}
	record_fini(&incident_type, &now);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

/* On a small incident one person is several, but who decides does not fix. */
static int check_apart(struct tx *t, const char *id, const char *role, const char *person,
		       struct err *err)
{
	static const char *const apart[] = { "commander", "sme" };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	const char *other = str_eq(role, apart[0]) ? apart[1] : str_eq(role, apart[1]) ? apart[0] :
			    NULL;
	int e = !other ? 0 :
		tx_query(t, &r, err, "SELECT 1 FROM ringdown.incident_role WHERE incident_id = $1"
			 " AND role = $2 AND person = $3 AND until IS NULL", "ttt", id, other,
			 person);

	return e < 0 || !other || pg_rows(r) == 0 ? e :
	       err_set(err, ERR_CONFLICT, "%s is %s of %s: who decides does not fix; end that"
		       " first ('ringdown incident role %s %s'), or name somebody else", person,
		       other, id, id, other);
}

int incident_set_role(struct store *s, const struct who *who, const char *id, const char *role,
		      const char *person, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *text = NULL;
	struct incident now = { 0 };
	int e;

	role = incident_role_find(role, err);
	if (!role)
		return ERR_INVALID;
	e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = incident_lock(&t, id, 0, &now, err);
	record_fini(&incident_type, &now);
	if (e == 0 && !str_empty(person))
		e = check_apart(&t, id, role, person, err);
	if (e == 0)
		e = tx_query(&t, NULL, err, "UPDATE ringdown.incident_role SET until = $3"
			     " WHERE incident_id = $1 AND role = $2 AND until IS NULL", "ttm", id,
			     role,
			     tx_now_ms(&t));
	if (e == 0 && !str_empty(person))
		e = tx_query(&t, NULL, err, "INSERT INTO ringdown.incident_role (incident_id, role,"
			     " person, by, since) VALUES ($1, $2, $3, $4, $5)", "ttttm", id, role,
			     person,
			     who->actor, tx_now_ms(&t));
	if (e == 0 && str_eq(role, "commander"))
		e = tx_one(&t, err, "UPDATE ringdown.incident SET commander = nullif($2, '')"
			   " WHERE id = $1", "tt", id, person ? person : "");
	if (e < 0)
		return e;
	text = str_empty(person) ? xasprintf("nobody is %s", role) :
				   xasprintf("%s is %s", person, role);
	e = incident_changed(&t, id, "incident.role", NOTE_INFO, text, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

/* ---- words and stamps ---------------------------------------------------------- */

#define SET(column) "UPDATE ringdown.incident SET " #column " = $2 WHERE id = $1"
enum { EDIT_MAX = 4000 };
static const struct editable { const char *json, *sql; bool time; } editable[] = {
	/* a person's title stays as it is */
	{ "title", "UPDATE ringdown.incident SET title = $2, titled_at = NULL WHERE id = $1",
	  false },
	{ "impact", SET(impact), false },
	{ "cause", SET(cause), false },		      { "service", SET(service), false },
	{ "reviewOwner", SET(review_owner), false },
	{ "statusQuoted", SET(status_quoted), false }, { "startedAt", SET(started_at), true },
	{ "detectedAt", SET(detected_at), true },     { "ackedAt", SET(acked_at), true },
	{ "mitigatedAt", SET(mitigated_at), true },   { "resolvedAt", SET(resolved_at), true },
};
#undef SET

/* {"eta": "04:30"} -> {"eta": {"value", "at", "by"}}; null and "" stay null. */
static void said_fields(struct tx *t, const struct json *v, struct str *ret)
{
	struct jw w = JW(ret);

	jw_obj(&w, NULL);
	for (const struct json *f = json_first(v); f; f = json_next(f)) {
		if (str_empty(json_str(f))) {
			jw_null(&w, json_name(f));
			continue;
		}
		jw_obj(&w, json_name(f));
		jw_str(&w, "value", json_str(f));
		jw_time(&w, "at", tx_now_ms(t));
		jw_str(&w, "by", t->who.actor);
		jw_obj_end(&w);
	}
	jw_obj_end(&w);
}

int incident_fields_put(struct tx *t, const char *id, const struct json *v, struct err *err)
{
	enum { FIELDS_MAX = 200 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(str_fini) struct str text = STR_INIT(4 << 20);
	int e;

	if (json_type(v) != JSON_OBJECT)
		return err_field(err, ERR_INVALID, "fields", "fields must be an object");
	said_fields(t, v, &text);
	e = tx_query(t, &r, err, "UPDATE ringdown.incident SET fields ="
		     " jsonb_strip_nulls(coalesce(fields::jsonb, '{}') || $2::jsonb)::json"
		     " WHERE id = $1 RETURNING (SELECT count(*) FROM json_object_keys(fields))",
		     "tt", id, str_get(&text));
	if (e == 0 && pg_rows(r) && pg_i64(r, 0, 0) > FIELDS_MAX)
		return err_field(err, ERR_INVALID, "fields", "an incident keeps at most %d fields",
				 FIELDS_MAX);
	return e;
}

static int edit_one(struct tx *t, const char *id, const struct json *v, bool *ret_stamps,
		    struct err *err)
{
	const char *name = json_name(v), *text = json_str(v);
	int64_t at = 0;

	if (str_eq(name, "fields"))
		return incident_fields_put(t, id, v, err);
	for (size_t i = 0; i < COUNT_OF(editable); i++) {
		if (!str_eq(editable[i].json, name))
			continue;
		if (!text && json_type(v) != JSON_NULL)
			return err_field(err, ERR_INVALID, name, "%s must be a string", name);
		if (text && strlen(text) > EDIT_MAX)
			return err_field(err, ERR_INVALID, name, "%s is longer than %d bytes",
					 name, EDIT_MAX);
		if (str_empty(text) && str_eq(name, "title"))
			return err_field(err, ERR_INVALID, name, "an incident needs a title");
		if (editable[i].time && text && !parse_time_ms(text, &at))
			return err_field(err, ERR_INVALID, name, "%s must be an RFC 3339 time",
					 name);
		_cleanup_(free_p) char *clean = text_clean(text ? text : "", 0);

		*ret_stamps = *ret_stamps || editable[i].time;
		return editable[i].time ? tx_one(t, err, editable[i].sql, "tm", id, at) :
					  tx_one(t, err, editable[i].sql, "tt", id, clean);
	}
	return err_field(err, ERR_INVALID, name, "an incident has no '%.40s' that can be edited",
			 name);
}

#define EDITED "edited: "
/* What it says now; of the templates' fields each one. */
static void say_edit(struct str *b, const struct json *v)
{
	_cleanup_(free_p) char *value = text_clean(json_str(v) ? json_str(v) : "", 200);
	char instant[TIME_TEXT];
	int64_t at = 0;

	for (const struct json *f = json_first(v); json_type(v) == JSON_OBJECT && f;
	     f = json_next(f))
		say_edit(b, f);
	if (json_type(v) == JSON_OBJECT)
		return;
	str_addf(b, "%s%s: ", b->len > strlen(EDITED) ? "; " : "", json_name(v));
	if (parse_time_ms(value, &at))
		str_addf(b, "%.10s %.8sZ", format_time(instant, at), instant + 11);
	else
		str_add(b, *value ? value : "nothing");
}

int incident_edit(struct store *s, const struct who *who, const char *id, int64_t version,
		  const struct json *fields, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(str_fini) struct str text = STR_INIT(8000);
	struct incident now = { 0 };
	bool stamps = false;
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = incident_lock(&t, id, version, &now, err);
	record_fini(&incident_type, &now);
	str_add(&text, EDITED);
	for (const struct json *v = json_first(fields); e == 0 && v; v = json_next(v)) {
		e = edit_one(&t, id, v, &stamps, err);
		say_edit(&text, v);
	}
	if (e == 0 && stamps)
		e = incident_stamps_hold(&t, id, err);
	if (e == 0)
		e = incident_changed(&t, id, "incident.edited", NOTE_INFO, str_get(&text), err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

int incident_retitle(struct store *s, const struct who *who, const char *id, int64_t was_ms,
		     const char *title, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *text = xasprintf("titled by what is linked now: %s", title);
	struct incident now = { 0 };
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = incident_lock(&t, id, 0, &now, err);
	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_one(&t, err, "UPDATE ringdown.incident SET title = $2, titled_at = $3"
			   " WHERE id = $1 AND titled_at = $4 AND state IN ('declared',"
			   " 'acknowledged', 'mitigated')", "ttmm", id, title, tx_now_ms(&t),
			   was_ms);
	if (e == 0)
		e = incident_changed(&t, id, "incident.titled", NOTE_INFO, text, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}
