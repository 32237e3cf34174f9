/*
 * Incidents as rows: reading one with all that belongs to it, listing, declaring, and the
 * changes that people make. An incident's row is locked first in every change, so that two
 * people meet there, and its version tells the second what the first did.
 */
#include "store/incidents.h"

#include <string.h>

#include "store/incidents_internal.h"

/* Columns by the names of the fields, so that one loop reads them. */
#define INCIDENT_COLUMNS                                                                           \
	"i.id, i.version, i.title, i.severity, i.state, i.kind, i.service, i.impact, i.cause,"     \
	" i.declared_by AS \"declaredBy\", i.acked_by AS \"ackedBy\", i.commander,"                \
	" i.started_at AS \"startedAt\", i.detected_at AS \"detectedAt\","                         \
	" i.declared_at AS \"declaredAt\", i.acked_at AS \"ackedAt\","                             \
	" i.mitigated_at AS \"mitigatedAt\", i.resolved_at AS \"resolvedAt\","                     \
	" i.closed_at AS \"closedAt\", i.status_quoted AS \"statusQuoted\", i.review,"             \
	" i.review_owner AS \"reviewOwner\", i.policy_hash AS \"policyHash\","                     \
	" CASE WHEN i.state = 'declared' THEN (SELECT min(c.due_at) FROM ringdown.incident_clock c"\
	"  WHERE c.incident_id = i.id AND c.kind = 'task' AND c.ladder = 'ack' AND"                \
	"  c.state IN ('running', 'due')) END AS \"ackDueAt\","                                    \
	" (SELECT min(c.due_at) FROM ringdown.incident_clock c WHERE c.incident_id = i.id AND"     \
	"  c.kind = 'severity' AND c.state = 'running') AS \"escalateAt\","                        \
	" (SELECT c.target FROM ringdown.incident_clock c WHERE c.incident_id = i.id AND"          \
	"  c.kind = 'severity' AND c.state = 'running' ORDER BY c.due_at LIMIT 1)"                 \
	"  AS \"escalateTo\","                                                                     \
	" (SELECT min(c.due_at) FROM ringdown.incident_clock c WHERE c.incident_id = i.id AND"     \
	"  c.kind = 'update' AND c.state IN ('running', 'due')) AS \"nextUpdateAt\","              \
	" (SELECT c.every_ms FROM ringdown.incident_clock c WHERE c.incident_id = i.id AND"        \
	"  c.kind = 'update' ORDER BY c.state = 'stopped', c.id DESC LIMIT 1)"                     \
	"  AS \"updateEveryMs\","                                                                  \
	" (SELECT min(c.due_at) FROM ringdown.incident_clock c WHERE c.incident_id = i.id AND"     \
	"  c.kind = 'deadline' AND c.target = 'report' AND c.state <> 'done')"                     \
	"  AS \"reportDueAt\","                                                                    \
	" (SELECT min(c.due_at) FROM ringdown.incident_clock c WHERE c.incident_id = i.id AND"     \
	"  c.kind = 'deadline' AND c.target = 'review' AND c.state <> 'done')"                     \
	"  AS \"reviewDueAt\","                                                                    \
	LINKED("alert", "alerts") "," LINKED("event", "events") "," LINKED("run", "runs") ","      \
	" (SELECT count(*) FROM ringdown.note n WHERE n.incident_id = i.id AND NOT n.gone)"        \
	"  AS notes"
#define LINKED(kind, name)                                                                         \
	" (SELECT count(*) FROM ringdown.incident_link l WHERE l.incident_id = i.id AND l.kind = '"\
	kind "' AND l.gone_by IS NULL) AS " name

/* ---- reading ------------------------------------------------------------------- */

static const struct part {
	const struct record_type *type;
	size_t rows, n;			/* offsets in struct incident_doc */
	const char *sql;
} parts[] = {
#define PART(type, member, sql)                                                                    \
	{ &type, offsetof(struct incident_doc, member),                                            \
	  offsetof(struct incident_doc, n_##member), sql }
	PART(incident_role_type, roles, "SELECT role, person, by, since, until"
	     " FROM ringdown.incident_role WHERE incident_id = $1 ORDER BY since, role LIMIT 500"),
	PART(incident_severity_type, severities, "SELECT severity, at, by, reason"
	     " FROM ringdown.incident_severity WHERE incident_id = $1 ORDER BY at LIMIT 500"),
	PART(incident_link_type, links, "SELECT kind, ref, at, by, text FROM ringdown.incident_link"
	     " WHERE incident_id = $1 AND gone_by IS NULL ORDER BY at, kind, ref LIMIT 1000"),
	PART(incident_clock_type, clocks, "SELECT " CLOCK_COLUMNS " FROM ringdown.incident_clock"
	     " WHERE incident_id = $1 ORDER BY state IN ('done', 'stopped'), due_at, id LIMIT 500"),
	PART(incident_action_type, actions, "SELECT 'A-' || id AS id, text, owner,"
	     " due_at AS \"dueAt\", state, by, at, version FROM ringdown.incident_action"
	     " WHERE incident_id = $1 ORDER BY ringdown.incident_action.id LIMIT 500"),
	PART(incident_task_type, tasks, "SELECT 'T-' || id AS id, text, done, by, at"
	     " FROM ringdown.incident_task WHERE incident_id = $1"
	     " ORDER BY ringdown.incident_task.id LIMIT 500"),
	PART(incident_quote_type, quotes, "SELECT 'N-' || n.id AS id, n.source, n.subject, n.text,"
	     " n.happened_at AS at, n.recorded_at AS \"readAt\","
	     " (extract(epoch FROM n.happened_at - i.detected_at) * 1000)::bigint AS \"behindMs\","
	     " (extract(epoch FROM n.recorded_at - n.happened_at) * 1000)::bigint AS \"lagMs\""
	     " FROM ringdown.note n JOIN ringdown.incident i ON i.id = n.incident_id"
	     " WHERE n.incident_id = $1 AND n.kind = 'quote' AND NOT n.gone"
	     " ORDER BY n.happened_at DESC, n.id DESC LIMIT 50"),
	PART(timeline_entry_type, written, "SELECT 'N-' || id AS id, happened_at AS"
	     " \"happenedAt\", recorded_at AS \"recordedAt\", 'people' AS lane, kind, by AS"
	     " actor, text, nullif(source, '') AS link, true AS editable, version"
	     " FROM ringdown.note WHERE incident_id = $1 AND kind = 'note' AND NOT gone"
	     " ORDER BY happened_at DESC, id DESC LIMIT 10"),
#undef PART
};

int incident_read(struct store *s, const char *id, struct incident_doc *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " INCIDENT_COLUMNS " FROM ringdown.incident i"
			    " WHERE i.id = $1", "t", id);

	*ret = (struct incident_doc){ 0 };
	if (e == 0 && pg_rows(r) == 0)
		e = err_set(err, ERR_NOT_FOUND, "no incident '%.60s'", id);
	if (e == 0)
		row_record(&incident_type, &ret->incident, r, 0);
	for (size_t i = 0; e == 0 && i < COUNT_OF(parts); i++) {
		_cleanup_(pg_result_free_p) struct pg_result *p = NULL;
		void *rows;

		e = store_query(s, &p, err, parts[i].sql, "t", id);
		if (e < 0)
			break;
		rows = row_records(parts[i].type, p, (size_t *)(void *)((char *)ret + parts[i].n));
		memcpy((char *)ret + parts[i].rows, &rows, sizeof(rows));
	}
	if (e < 0)
		incident_doc_fini(ret);
	return e;
}

int incidents_list(struct store *s, const char *state, int64_t limit, const char *before,
		   struct incident **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT " INCIDENT_COLUMNS " FROM ringdown.incident i"
			    " WHERE ($1::text IS NULL OR i.state = $1 OR ($1 = 'open' AND"
			    "  i.state IN ('declared', 'acknowledged', 'mitigated')))"
			    " AND ($2::text IS NULL OR (i.declared_at, i.id) < (SELECT declared_at,"
			    "  id FROM ringdown.incident WHERE id = $2))"
			    " ORDER BY i.declared_at DESC, i.id DESC LIMIT $3",
			    "tti", state, before, limit);

	if (e == 0)
		*ret = row_records(&incident_type, r, ret_n);
	return e;
}

int incident_alike(struct store *s, const char *dedup_key, const char *service, char **ret,
		   struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	enum { ALIKE_MS = 2 * 3600 * 1000 };
	int e = store_query(s, &r, err,
		"SELECT id FROM ringdown.incident WHERE state IN ('declared', 'acknowledged',"
		" 'mitigated') AND kind = 'real' AND (dedup_key = $1 OR ($2::text <> '' AND"
		" service = $2 AND declared_at > $3)) ORDER BY dedup_key = $1 DESC NULLS LAST,"
		" declared_at DESC LIMIT 1",
		"ttm", dedup_key, service ? service : "", loop_wall_ms(s->loop) - ALIKE_MS);

	*ret = NULL;
	if (e == 0 && pg_rows(r))
		*ret = col_dup(r, 0, 0);
	return e;
}

/* ---- what every change does ---------------------------------------------------- */

int incident_lock(struct tx *t, const char *id, int64_t version, struct incident *ret,
		  struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *lock = NULL;
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &lock, err, "SELECT 1 FROM ringdown.incident WHERE id = $1 FOR UPDATE",
			 "t", id);

	if (e == 0 && pg_rows(lock) == 0)
		return err_set(err, ERR_NOT_FOUND, "no incident '%.60s'", id);
	if (e == 0)
		e = tx_query(t, &r, err, "SELECT " INCIDENT_COLUMNS " FROM ringdown.incident i"
			     " WHERE i.id = $1", "t", id);
	if (e < 0)
		return e;
	row_record(&incident_type, ret, r, 0);
	if (version > 0 && ret->version != version)
		return err_set(err, ERR_CONFLICT, "%s was changed meanwhile (version %lld, yours"
			       " %lld): read it again", id, (long long)ret->version,
			       (long long)version);
	return 0;
}

int incident_changed(struct tx *t, const char *id, const char *kind, enum note_level level,
		     const char *text, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct incident now = { 0 };
	struct str data = STR_INIT(65536);
	struct jw w = JW(&data);
	int e = tx_one(t, err, "UPDATE ringdown.incident SET version = version + 1, changed_at = $2"
		       " WHERE id = $1", "tm", id, tx_now_ms(t));

	if (e == 0)
		e = tx_query(t, &r, err, "SELECT " INCIDENT_COLUMNS " FROM ringdown.incident i"
			     " WHERE i.id = $1", "t", id);
	if (e < 0)
		return e;
	row_record(&incident_type, &now, r, 0);
	jw_obj(&w, NULL);
	record_json(&w, "incident", &incident_type, &now);
	jw_obj_end(&w);
	tx_note(t, level, kind, id, text, str_get(&data));
	str_fini(&data);
	record_fini(&incident_type, &now);
	return 0;
}

int incident_clocks_add(struct tx *t, const char *id, const struct incident_clock *v, size_t n,
			struct err *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < n; i++)
		e = tx_query(t, NULL, err,
			"INSERT INTO ringdown.incident_clock (incident_id, kind, state, due_at,"
			" every_ms, respond_ms, rung, ladder, target, via, text) VALUES ($1, $2,"
			" $3, $4, $5, $6, $7, $8, $9, $10, $11)", "tttmiiitttt", id,
			enum_name(&clock_kind_names, v[i].kind),
			enum_name(&clock_state_names, v[i].state), v[i].due_at_ms, v[i].every_ms,
			v[i].respond_ms, v[i].rung, v[i].ladder, v[i].target, v[i].via,
			v[i].text ? v[i].text : "");
	return e;
}

/* ---- declaring ----------------------------------------------------------------- */

static int insert_incident(struct tx *t, const struct incident_new *n, char *id, struct err *err)
{
	/* when something long over was noticed is not known by when it was entered */
	bool asked = n->detected_at_ms || n->kind == IK_BACKFILL;
	int64_t now = tx_now_ms(t), detected = asked ? n->detected_at_ms : now;
	int64_t from = detected ? detected : n->started_at_ms ? n->started_at_ms : now;
	bool over = n->kind != IK_REAL && n->resolved_at_ms;
	const char *state = over ? "resolved" : "declared";
	int e = tx_query(t, NULL, err,
		"INSERT INTO ringdown.incident (id, title, severity, state, kind, service, impact,"
		" declared_by, started_at, detected_at, declared_at, resolved_at, policy_hash,"
		" dedup_key, changed_at, titled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
		" $10, $11, $12, $13, $14, $11, $15)", "ttttttttmmmmttm", id, n->title,
		n->severity, state,
		enum_name(&incident_kind_names, (int)n->kind), n->service ? n->service : "",
		n->impact ? n->impact : "", t->who.actor,
		n->started_at_ms ? n->started_at_ms : detected, detected, now, n->resolved_at_ms,
		n->policy_hash ? n->policy_hash : "", n->dedup_key, n->derived ? now : 0);

	/* what an engine declares is declared, whatever became of its clock since the alert */
	if (e == 0 && !str_eq(t->who.via, "engine"))
		e = incident_stamps_hold(t, id, err);
	if (e == 0)
		e = tx_query(t, NULL, err, "INSERT INTO ringdown.incident_severity (incident_id,"
			     " at, severity, by, reason) VALUES ($1, $2, $3, $4, $5)",
			     "tmttt", id, over ? from : now, n->severity, t->who.actor,
			     n->reason ? n->reason : "declared");
	for (size_t i = 0; e == 0 && i < n->n_tasks; i++)
		e = tx_query(t, NULL, err, "INSERT INTO ringdown.incident_task (incident_id, text)"
			     " VALUES ($1, $2)", "tt", id, n->tasks[i]);
	return e;
}

static int open_one(struct tx *t, const char *dedup_key, char **ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "SELECT id FROM ringdown.incident WHERE dedup_key = $1 AND"
			 " state IN ('declared', 'acknowledged', 'mitigated')", "t", dedup_key);

	*ret = e == 0 && pg_rows(r) ? col_dup(r, 0, 0) : NULL;
	return e;
}

int incident_declare(struct store *s, const struct who *who, const struct incident_new *n,
		     char **ret_id, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *id = NULL, *other = NULL, *text = NULL;
	int e;

	if (str_empty(n->title))
		return err_field(err, ERR_INVALID, "title", "an incident needs a title");
	e = tx_begin(s, &t, who, err);
	if (e == 0 && n->dedup_key)
		e = open_one(&t, n->dedup_key, &other, err);
	if (other)
		return err_field(err, ERR_EXISTS, other, "%s is open for the same cause", other);
	if (e == 0)
		e = store_next_id(&t, "ringdown.incident_seq", "INC-", &id, err);
	if (e == 0)
		e = insert_incident(&t, n, id, err);
	if (e == 0)
		e = incident_clocks_add(&t, id, n->clocks, n->n_clocks, err);
	if (e < 0)
		return e;
	text = xasprintf("%s declared%s: %s%s%s%s", n->severity,
			 n->kind == IK_DRILL ? " (drill)" : n->kind == IK_BACKFILL ? " (backfill)" :
				"",
			 n->title, n->reason ? " (" : "", n->reason ? n->reason : "",
			 n->reason ? ")" : "");
	e = incident_changed(&t, id, "incident.declared", NOTE_BAD, text, err);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	if (e == 0)
		*ret_id = TAKE(id);
	return e;
}
