/*
 * What people write: notes, marks on a timeline. Nothing that somebody
 * wrote is ever lost: an edit keeps the text before it as a version, and an edit made on an
 * old version is kept as a version too and answered with a conflict.
 */
#include <string.h>

#include "store/incidents_internal.h"

enum { NOTE_MAX = 20000 /* characters; a 1 MB paste is a file, not a note */ };

/* What follows NOTE_TODO on its line; NULL = not one. */
static char *todo_of(const char *text)
{
	if (!str_has_prefix(text, NOTE_TODO))
		return NULL;
	text += strlen(NOTE_TODO);
	while (*text == ':' || *text == ' ')
		text++;
	return *text && *text != '\n' ? xstrndup(text, strcspn(text, "\n")) : NULL;
}

static int insert_note(struct tx *t, const struct note_new *n, const char *text,
		       struct pg_result **ret, struct err *err)
{
	int64_t now = tx_now_ms(t);

	return tx_query(t, ret, err,
		"INSERT INTO ringdown.note (incident_id, subject, kind, happened_at, until,"
		" recorded_at, original, doubt, source, by, text) VALUES ($1, $2, $3, $4, $5, $6,"
		" $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING 'N-' || id", "tttmmmttttt",
		n->incident,
		n->subject ? n->subject : "", n->kind ? n->kind : "note",
		n->happened_at_ms ? n->happened_at_ms : now, n->until_ms, now, n->original,
		n->doubt,
		n->source ? n->source : "", t->who.actor, text);
}

int note_add(struct tx *t, const struct note_new *n, struct err *err)
{
	_cleanup_(free_p) char *text = text_clean(n->text, NOTE_MAX);

	return insert_note(t, n, text, NULL, err);
}

static int add_todo(struct tx *t, const char *incident, const char *text, struct err *err)
{
	_cleanup_(free_p) char *todo = todo_of(text);

	if (!todo || !incident)
		return 0;
	return tx_query(t, NULL, err, "INSERT INTO ringdown.incident_action (incident_id, text, by,"
			" at) VALUES ($1, $2, $3, $4)", "tttm", incident, todo, t->who.actor,
			tx_now_ms(t));
}

/* The journal row: under its incident when it has one. */
static int note_changed(struct tx *t, const char *incident, const char *subject, const char *kind,
			const char *text, struct err *err)
{
	_cleanup_(free_p) char *shown = text_clean(text, 300);

	if (incident)
		return incident_changed(t, incident, kind, NOTE_INFO, shown, err);
	tx_note(t, NOTE_INFO, kind, subject ? subject : "", shown, NULL);
	return 0;
}

int note_put(struct store *s, const struct who *who, const struct note_new *n, char **ret_id,
	     struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *text = NULL;
	struct incident now = { 0 };
	int e;

	if (str_empty(n->text))
		return err_field(err, ERR_INVALID, "text", "a note needs a text");
	/* a line of another log is one line */
	text = (str_eq(n->kind, "import") ? text_clean : text_clean_lines)(n->text, NOTE_MAX);
	if (!*text)
		return err_field(err, ERR_INVALID, "text", "a note needs a text");
	e = tx_begin(s, &t, who, err);
	if (e == 0 && n->incident)
		e = incident_lock(&t, n->incident, 0, &now, err);
	record_fini(&incident_type, &now);
	if (e == 0)
		e = insert_note(&t, n, text, &r, err);
	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_EXISTS, "this line was imported before");
	e = add_todo(&t, n->incident, text, err);
	if (e == 0)
		e = note_changed(&t, n->incident, n->subject,
				 str_eq(n->kind, "import") ? "note.imported" : "note", text, err);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	if (e == 0 && ret_id)
		*ret_id = col_dup(r, 0, 0);
	return e;
}

static int keep_version(struct tx *t, int64_t note, int64_t version, const char *by,
			const char *text, int64_t happened_at_ms, struct err *err)
{
	return tx_query(t, NULL, err, "INSERT INTO ringdown.note_version (note_id, version, at, by,"
			" happened_at, text) VALUES ($1, $2, $3, $4, $5, $6)", "iimtmt", note,
			version,
			tx_now_ms(t), by, happened_at_ms, text);
}

/* The note as it is, locked after its incident as everywhere: row 0 of *ret is version, by, text,
 * happened_at, subject, kind, gone, source. */
static int note_lock(struct tx *t, const char *id, int64_t *ret_n, char **ret_incident,
		     struct pg_result **ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct incident row = { 0 };
	int e = incident_number(id, "N-", ret_n, err);

	if (e == 0)
		e = tx_query(t, &r, err, "SELECT incident_id FROM ringdown.note WHERE id = $1", "i",
			     *ret_n);
	if (e == 0 && pg_rows(r) == 0)
		e = err_set(err, ERR_NOT_FOUND, "no note '%.20s'", id);
	if (e < 0)
		return e;
	*ret_incident = col_dup(r, 0, 0);
	if (*ret_incident)
		e = incident_lock(t, *ret_incident, 0, &row, err);
	record_fini(&incident_type, &row);
	if (e == 0)
		e = tx_query(t, ret, err, "SELECT version, by, text, happened_at, subject, kind,"
			     " gone, source FROM ringdown.note WHERE id = $1 FOR UPDATE", "i",
			     *ret_n);
	if (e == 0 && !str_eq(pg_text(*ret, 0, 5), "note"))
		e = err_set(err, ERR_CONFLICT, "%s is a copy of what was said elsewhere: it stays"
			    " as it is; annotate it instead", id);
	return e;
}

/* Theirs stays; ours is kept as a version that never was the newest. */
static int keep_beside(struct tx *t, int64_t n, int64_t newest, const char *by, const char *text,
		       int64_t at, struct err *err)
{
	int e = tx_one(t, err, "UPDATE ringdown.note SET version = version + 2 WHERE id = $1", "i",
		       n);

	return e == 0 ? keep_version(t, n, newest + 1, by, text, at, err) : e;
}

int note_edit(struct store *s, const struct who *who, const char *id, const struct note_edit *x,
	      struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *clean = NULL, *incident = NULL;
	int64_t n, at, newest;
	int e;

	clean = text_clean_lines(x->text, NOTE_MAX);
	if (!*clean)
		return err_field(err, ERR_INVALID, "text", "a note needs a text");
	e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = note_lock(&t, id, &n, &incident, &r, err);
	if (e < 0)
		return e;
	newest = pg_i64(r, 0, 0);
	at = x->happened_at_ms ? x->happened_at_ms : pg_time(r, 0, 3);
	if (x->version > 0 && x->version != newest) {
		e = keep_beside(&t, n, newest, who->actor, clean, at, err);
		if (e == 0)
			e = tx_commit(&t, NULL, err);
		return e < 0 ? e : err_set(err, ERR_CONFLICT,
					   "%s edited it since: your text is kept beside it as"
					   " version %lld", pg_text(r, 0, 1),
					   (long long)newest + 1);
	}
	e = keep_version(&t, n, newest, pg_text(r, 0, 1), pg_text(r, 0, 2), pg_time(r, 0, 3), err);
	if (e == 0)
		e = tx_one(&t, err, "UPDATE ringdown.note SET text = $2, happened_at = $3, by = $4,"
			   " source = coalesce($5, source), version = version + 1 WHERE id = $1",
			   "itmtt", n, clean, at, who->actor, x->source);
	if (e == 0)
		e = note_changed(&t, incident, pg_text(r, 0, 4), "note.edited", clean, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

int note_retract(struct store *s, const struct who *who, const char *id, int64_t version, bool back,
		 const char *reason, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(free_p) char *words = NULL, *incident = NULL, *shown = text_clean(reason, 300);
	int64_t n;
	int e;

	if (!back && !*shown)
		return err_field(err, ERR_INVALID, "reason", "say why it is taken back");
	e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = note_lock(&t, id, &n, &incident, &r, err);
	if (e == 0 && version > 0 && version != pg_i64(r, 0, 0))
		e = err_set(err, ERR_CONFLICT, "%s edited it since: look at it again",
			    pg_text(r, 0, 1));
	if (e == 0 && pg_bool(r, 0, 6) != back)
		e = err_set(err, ERR_CONFLICT, back ? "it was not taken back" :
						      "it was taken back already");
	if (e == 0)
		e = tx_one(&t, err, "UPDATE ringdown.note SET gone = $2 WHERE id = $1", "it", n,
			   back ? "f" : "t");
	if (e < 0)
		return e;
	words = xasprintf("%s of %s %s%s%.300s", id, pg_text(r, 0, 1),
			  back ? "brought back" : "taken back", *shown ? ": " : "", shown);
	/* a line of its own: the note itself is hidden from here on */
	if (incident)
		e = incident_changed(&t, incident, "incident.retracted", NOTE_INFO, words, err);
	else
		tx_note(&t, NOTE_INFO, "incident.retracted", "", words, NULL);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

int note_read(struct store *s, const char *id, struct jw *w, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL, *v = NULL;
	int64_t n;
	int e = incident_number(id, "N-", &n, err);

	if (e == 0)
		e = store_query(s, &r, err, "SELECT incident_id, subject, kind, source, by, text,"
				" original, doubt, happened_at, recorded_at, version, gone"
				" FROM ringdown.note WHERE id = $1", "i", n);
	if (e == 0 && pg_rows(r) == 0)
		e = err_set(err, ERR_NOT_FOUND, "no note '%.20s'", id);
	if (e == 0)
		e = store_query(s, &v, err, "SELECT version, at, by, happened_at, text"
				" FROM ringdown.note_version WHERE note_id = $1 ORDER BY version",
				"i", n);
	if (e < 0)
		return e;
	static const char *const texts[] = { "incident", "subject", "kind", "source", "by", "text",
					     "original", "doubt" };
	jw_str(w, "id", id);
	for (int i = 0; i < (int)COUNT_OF(texts); i++)
		jw_str(w, texts[i], pg_null(r, 0, i) ? NULL : pg_text(r, 0, i));
	jw_time(w, "happenedAt", pg_time(r, 0, 8));
	jw_time(w, "recordedAt", pg_time(r, 0, 9));
	jw_i64(w, "version", pg_i64(r, 0, 10));
	jw_bool(w, "retracted", pg_bool(r, 0, 11));
	jw_arr(w, "versions");
	for (int i = 0; i < pg_rows(v); i++) {
		jw_obj(w, NULL);
		jw_i64(w, "version", pg_i64(v, i, 0));
		jw_time(w, "at", pg_time(v, i, 1));
		jw_str(w, "by", pg_text(v, i, 2));
		jw_time(w, "happenedAt", pg_time(v, i, 3));
		jw_str(w, "text", pg_text(v, i, 4));
		jw_obj_end(w);
	}
	jw_arr_end(w);
	return 0;
}

int timeline_mark(struct store *s, const struct who *who, const char *incident,
		  const char *entry, const bool *pinned, const bool *hidden, const char *text,
		  struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *clean = text ? text_clean(text, NOTE_MAX) : NULL, *words = NULL;
	struct incident now = { 0 };
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = incident_lock(&t, incident, 0, &now, err);
	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_query(&t, NULL, err,
			"INSERT INTO ringdown.timeline_mark (incident_id, entry, pinned, hidden,"
			" text, by, at) VALUES ($1, $2, coalesce($3, false), coalesce($4, false),"
			" coalesce($5, ''), $6, $7) ON CONFLICT (incident_id, entry) DO UPDATE SET"
			" pinned = coalesce($3, ringdown.timeline_mark.pinned),"
			" hidden = coalesce($4, ringdown.timeline_mark.hidden),"
			" text = coalesce($5, ringdown.timeline_mark.text), by = $6, at = $7",
			"tttttt"
			"m", incident, entry, pinned ? (*pinned ? "t" : "f") : NULL,
			hidden ? (*hidden ? "t" : "f") : NULL, clean, who->actor, tx_now_ms(&t));
	if (e < 0)
		return e;
	/* the journal keeps each annotation, also where another takes its place */
	words = xasprintf("%s %s%s%s", pinned ? (*pinned ? "pinned" : "unpinned") :
				       hidden ? (*hidden ? "hidden" : "shown again") :
						"annotated",
			  entry, str_empty(clean) ? "" : ": ", clean ? clean : "");
	e = incident_changed(&t, incident, "timeline.mark", NOTE_INFO, words, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}
