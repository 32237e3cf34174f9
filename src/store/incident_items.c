/*
 * What belongs to an incident and people change: links, action items, the checklist. An action
 * that two change at once keeps what was first; the words of both are on the timeline, and the
 * second is told.
 */
#include <string.h>

#include "store/incidents_internal.h"

/* ---- links ----------------------------------------------------------------------- */

int incident_link(struct tx *t, const char *id, const char *kind, const char *ref,
		  const char *text, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *words = NULL;
	int e = tx_query(t, &r, err,
		"INSERT INTO ringdown.incident_link (incident_id, kind, ref, text, at, by)"
		" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (incident_id, kind, ref) DO UPDATE"
		" SET gone_by = NULL WHERE ringdown.incident_link.gone_by IS NOT NULL AND $7"
		" RETURNING 1",
		"ttttmtb", id, kind, ref, text ? text : "", tx_now_ms(t), t->who.actor,
		!str_eq(t->who.via, "engine"));	/* what a person took off stays off */

	if (e < 0 || pg_rows(r) == 0)
		return e;
	words = xasprintf("linked: %s %s", kind, ref);
	return incident_changed(t, id, "incident.linked", NOTE_INFO, words, err);
}

int incident_unlink(struct store *s, const struct who *who, const char *id, const char *kind,
		    const char *ref, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *words = NULL;
	struct incident now = { 0 };
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = incident_lock(&t, id, 0, &now, err);
	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_one(&t, err, "UPDATE ringdown.incident_link SET gone_by = $4 WHERE"
			   " incident_id = $1 AND kind = $2 AND ref = $3 AND gone_by IS NULL",
			   "tttt", id, kind, ref,
			   who->actor);
	if (e == ERR_CONFLICT)
		return err_set(err, ERR_NOT_FOUND, "%s %s is not linked to %s", kind, ref, id);
	if (e < 0)
		return e;
	words = xasprintf("no longer linked: %s %s", kind, ref);
	e = incident_changed(&t, id, "incident.unlinked", NOTE_INFO, words, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

/* ---- action items ---------------------------------------------------------------- */

enum { LINE_MAX_CHARS = 700 /* of a text in the journal's line */ };

static int put_action(struct tx *t, const char *id, const struct action_edit *a, char **ret_id,
		      struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t n = 0;
	int e;

	if (!a->id)
		e = tx_query(t, &r, err, "INSERT INTO ringdown.incident_action (incident_id, text,"
			     " owner, due_at, by, at) VALUES ($1, $2, nullif($3, ''), $4, $5, $6)"
			     " RETURNING 'A-' || id",
			     "tttmtm", id, a->text, a->owner, a->due_at_ms, t->who.actor,
			     tx_now_ms(t));
	else if ((e = incident_number(a->id, "A-", &n, err)) == 0)
		e = tx_query(t, &r, err, "UPDATE ringdown.incident_action SET text = coalesce($3,"
			     " text), owner = nullif(coalesce($4, owner), ''), due_at = CASE WHEN"
			     " $5 THEN $6 ELSE due_at END, state = coalesce($7, state), version ="
			     " version + 1 WHERE id = $1 AND incident_id = $2 RETURNING 'A-' || id",
			     "itttbmt", n, id, a->text, a->owner, (int)a->due, a->due_at_ms,
			     a->state);
	if (e == 0)
		*ret_id = col_dup(r, 0, 0);
	return e;
}

/* Row 0: version, text, owner, due_at, state. */
static int read_action(struct tx *t, const char *incident, const char *id, struct pg_result **ret,
		       struct err *err)
{
	int64_t n;
	int e = incident_number(id, "A-", &n, err);

	if (e == 0)
		e = tx_query(t, ret, err, "SELECT version, text, owner, due_at, state FROM"
			     " ringdown.incident_action WHERE id = $1 AND incident_id = $2"
			     " FOR UPDATE", "it", n, incident);
	if (e == 0 && pg_rows(*ret) == 0)
		e = err_set(err, ERR_NOT_FOUND, "%s has no action '%.20s'", incident, id);
	return e;
}

static void say_value(struct str *b, const char *name, const char *is, const char *was)
{
	_cleanup_(free_p) char *now = text_clean(is, LINE_MAX_CHARS),
			      *then = text_clean(was, LINE_MAX_CHARS);

	str_addf(b, "%s%s: %s", b->len ? "; " : "", name, *now ? now : "nothing");
	if (!str_eq(now, then))
		str_addf(b, " (was: %s)", *then ? then : "nothing");
}

/* What it is to say from now on, with what it said: nobody's words are gone. */
static void say_action(struct str *b, const struct action_edit *a, const struct pg_result *was)
{
	bool more = was && pg_rows(was) > 0;
	char due[TIME_TEXT] = "", then[TIME_TEXT] = "";

	if (a->text)
		say_value(b, "text", a->text, more ? pg_text(was, 0, 1) : a->text);
	if (a->owner)
		say_value(b, "owner", a->owner, more ? pg_text(was, 0, 2) : a->owner);
	if (a->due && a->due_at_ms)
		format_time(due, a->due_at_ms);
	if (a->due && more && pg_time(was, 0, 3))
		format_time(then, pg_time(was, 0, 3));
	if (a->due)
		say_value(b, "due", due, more ? then : due);
	if (a->state)
		say_value(b, "state", a->state, more ? pg_text(was, 0, 4) : a->state);
}

/* A text too long for the line stays whole as a note. */
static int keep_whole(struct tx *t, const char *incident, const char *action, const char *text,
		      struct err *err)
{
	_cleanup_(free_p) char *whole = NULL;
	struct note_new n = { .incident = incident };

	if (str_empty(text) || strlen(text) <= LINE_MAX_CHARS)
		return 0;
	whole = xasprintf("a text of action %s that does not stand there: %s", action, text);
	n.text = whole;
	return note_add(t, &n, err);
}

static int check_action(const struct action_edit *a, struct err *err)
{
	if ((!a->id || a->text) && str_empty(a->text))
		return err_field(err, ERR_INVALID, "text", "an action needs a text");
	if (a->state && !str_eq(a->state, "open") && !str_eq(a->state, "done") &&
	    !str_eq(a->state, "dropped"))
		return err_field(err, ERR_INVALID, "state", "one of open, done, dropped");
	return 0;
}

int incident_action_put(struct store *s, const struct who *who, const char *id,
			const struct action_edit *a, char **ret_id, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *was = NULL;
	_cleanup_(str_fini) struct str what = STR_INIT(8000);
	_cleanup_(free_p) char *words = NULL, *made = NULL;
	struct incident now = { 0 };
	int64_t newest = 0;
	bool late;
	int e = check_action(a, err);

	if (e == 0)
		e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = incident_lock(&t, id, 0, &now, err);
	record_fini(&incident_type, &now);
	if (e == 0 && a->id)
		e = read_action(&t, id, a->id, &was, err);
	if (e < 0)
		return e;
	newest = was ? pg_i64(was, 0, 0) : 0;
	late = was && a->version > 0 && a->version != newest;
	e = late ? keep_whole(&t, id, a->id, a->text, err) : put_action(&t, id, a, &made, err);
	if (e == 0 && !late && was && a->text && !str_eq(a->text, pg_text(was, 0, 1)))
		e = keep_whole(&t, id, a->id, pg_text(was, 0, 1), err);
	if (e < 0)
		return e;
	say_action(&what, a, was);
	words = xasprintf("action %s %s%s%s", late ? a->id : made, late ?
			  "was changed by somebody else first; not put there" : a->id ? "changed" :
			  "added", what.len ? ": " : "", str_get(&what));
	e = incident_changed(&t, id, "incident.action", NOTE_INFO, words, err);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	if (e == 0 && late)
		e = err_set(err, ERR_CONFLICT, "%s was changed since (version %lld, yours %lld):"
			    " it says \"%.300s\"; yours is kept on the timeline", a->id,
			    (long long)newest, (long long)a->version, pg_text(was, 0, 1));
	if (e == 0 && ret_id)
		*ret_id = TAKE(made);
	return e;
}

/* ---- the checklist --------------------------------------------------------------- */

int incident_task_done(struct store *s, const struct who *who, const char *id,
		       const char *task, bool done, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *words = NULL;
	struct incident now = { 0 };
	int64_t n;
	int e = incident_number(task, "T-", &n, err);

	if (e == 0)
		e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = incident_lock(&t, id, 0, &now, err);
	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_query(&t, &r, err, "UPDATE ringdown.incident_task SET done = $3, by = $4, at"
			     " = $5 WHERE id = $1 AND incident_id = $2 RETURNING text", "itbtm", n,
			     id,
			     (int)done, who->actor, tx_now_ms(&t));
	if (e == 0 && pg_rows(r) == 0)
		e = err_set(err, ERR_NOT_FOUND, "%s has no task '%.20s'", id, task);
	if (e < 0)
		return e;
	words = xasprintf("%s: %s", done ? "done" : "not done after all", pg_text(r, 0, 0));
	e = incident_changed(&t, id, "incident.task", NOTE_INFO, words, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}
