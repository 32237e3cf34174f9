/*
 * See reports.h. A section's versions are counted through, also those set aside: a version
 * number names one text for ever. What stands is the highest that is not aside; texts aside
 * above it are still to be merged, those below it were there when it was written.
 */
#include "store/reports.h"

#include <string.h>

#include "store/incidents_internal.h"

int report_texts(struct store *s, const char *incident, struct review_text **ret, size_t *ret_n,
		 struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(
		s, &r, err,
		"SELECT section, version, by, at, aside, text FROM (SELECT *,"
		" coalesce(max(version) FILTER (WHERE NOT aside) OVER (PARTITION BY section), 0) "
		"AS stands"
		" FROM ringdown.report_text WHERE incident_id = $1) t WHERE version >= stands"
		" ORDER BY section, aside, version",
		"t", incident);

	if (e == 0)
		*ret = row_records(&review_text_type, r, ret_n);
	return e;
}

static int insert_text(struct tx *t, const char *incident, const char *section, int64_t version,
		       const char *text, bool aside, struct err *err)
{
	return tx_query(t, NULL, err,
			"INSERT INTO ringdown.report_text (incident_id, section, version,"
			" text, by, at, aside) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			"ttittmb", incident, section, version, text, t->who.actor, tx_now_ms(t),
			(int)aside);
}

/* *ret: what stands (version 0 = nothing yet); *ret_next: the next free version. */
static int standing(struct tx *t, const char *incident, const char *section,
		    struct review_text *ret, int64_t *ret_next, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	_cleanup_(pg_result_free_p) struct pg_result *top = NULL;
	int e = tx_query(
		t, &r, err,
		"SELECT section, version, text, by, at FROM ringdown.report_text"
		" WHERE incident_id = $1 AND section = $2 AND NOT aside ORDER BY version DESC"
		" LIMIT 1",
		"tt", incident, section);

	if (e == 0)
		e = tx_query(t, &top, err,
			     "SELECT coalesce(max(version), 0) + 1 FROM ringdown.report_text"
			     " WHERE incident_id = $1 AND section = $2",
			     "tt", incident, section);
	if (e < 0)
		return e;
	if (pg_rows(r))
		row_record(&review_text_type, ret, r, 0);
	*ret_next = pg_i64(top, 0, 0);
	return 0;
}

/* What could move a terminal's cursor or turn a line round goes; tabs and line ends stay: it is a
 * text, not a line. */
static char *clean_text(const char *text)
{
	struct str out = STR_INIT(2 * REPORT_TEXT_MAX);
	char *made;

	while (*text) {
		size_t n = strcspn(text, "\n\t\r");
		_cleanup_(free_p) char *raw = xstrndup(text, n), *clean = text_clean(raw, 0);

		str_add(&out, clean);
		text += n;
		if (*text && (*text != '\r' || text[1] != '\n'))
			str_addc(&out, *text == '\r' ? '\n' : *text);
		text += *text != '\0';
	}
	made = str_take(&out);
	str_fini(&out);
	return made;
}

static int check_text(const char *text, struct err *err)
{
	if (strlen(text) > REPORT_TEXT_MAX)
		return err_field(err, ERR_INVALID, "text", "a section holds at most %d bytes",
				 REPORT_TEXT_MAX);
	if (!utf8_valid(text, strlen(text)))
		return err_field(err, ERR_INVALID, "text", "is not UTF-8 text");
	return 0;
}

int report_put(struct store *s, const struct who *who, const char *incident,
	       const char *section, int64_t version, const char *text, int64_t *ret_version,
	       struct review_text *ret_theirs, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *words = NULL, *clean = NULL;
	struct incident now = { 0 };
	struct review_text is = { 0 };
	bool lost = false;
	int e = check_text(text, err);

	if (e == 0)
		clean = clean_text(text);

	if (e == 0)
		e = tx_begin(s, &t, who, err);
	if (e == 0)
		e = incident_lock(&t, incident, 0, &now, err);
	if (e == 0 && now.review == RV_CLOSED)
		e = err_set(err, ERR_CONFLICT,
			    "the review of %s is closed: its report stays as it is", incident);
	record_fini(&incident_type, &now);
	if (e == 0)
		e = standing(&t, incident, section, &is, ret_version, err);
	if (e == 0) {
		lost = is.version != version;
		e = insert_text(&t, incident, section, *ret_version, clean, lost, err);
	}
	if (e == 0) {
		words = xasprintf(lost ? "report: a second text for %s, kept aside as version %lld"
				       : "report: %s written, version %lld",
				  section, (long long)*ret_version);
		e = incident_changed(&t, incident, lost ? "report.aside" : "report.written",
				     NOTE_INFO, words, err);
	}
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	if (e == 0 && lost) {
		e = err_set(err, ERR_CONFLICT,
			    "%s wrote version %lld of '%s' meanwhile; yours was made from "
			    "version %lld and is kept aside as version %lld",
			    is.by ? is.by : "nobody", (long long)is.version, section,
			    (long long)version, (long long)*ret_version);
		*ret_theirs = is;
		is = (struct review_text){ 0 };
	}
	record_fini(&review_text_type, &is);
	return e;
}

/* ---- its way through the review ------------------------------------------------- */

/* Who put it where it is. NULL = unknown. */
static int last_sign(struct tx *t, const char *incident, char **ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err, "SELECT actor FROM ringdown.journal WHERE subject = $1 AND"
			 " kind = 'report.state' ORDER BY seq DESC LIMIT 1", "t", incident);

	*ret = e == 0 && pg_rows(r) ? col_dup(r, 0, 0) : NULL;
	return e;
}

static bool may_follow(int from, int to)
{
	switch (to) {
	case RV_DRAFT:
		return from == RV_NONE || from == RV_IN_REVIEW || from == RV_REVIEWED;
	case RV_IN_REVIEW:
		return from == RV_NONE || from == RV_DRAFT;
	case RV_REVIEWED:
		return from == RV_IN_REVIEW;
	case RV_CLOSED:
		return from == RV_REVIEWED;
	default:
		return false;
	}
}

static int check_step(struct tx *t, const struct incident *now, enum review_state to,
		      const char *reason, struct err *err)
{
	_cleanup_(free_p) char *by = NULL;
	int e = 0;

	if (now->review == (int)to)
		return err_set(err, ERR_CONFLICT, "the report of %s is %s already", now->id,
			       enum_name(&review_state_names, to));
	if (!may_follow(now->review, to))
		return err_set(err, ERR_CONFLICT, "the report of %s is %s: %s does not follow that",
			       now->id, enum_name(&review_state_names, now->review),
			       enum_name(&review_state_names, to));
	if (to == RV_IN_REVIEW && now->state < IS_RESOLVED)
		return err_set(err, ERR_CONFLICT, "%s is not over: resolve it first", now->id);
	if (to != RV_REVIEWED)
		return 0;
	e = last_sign(t, now->id, &by, err);
	if (e == 0 && str_eq(by, t->who.actor) &&
	    !(str_eq(t->who.role, "admin") && !str_empty(reason)))
		return err_set(
			err, ERR_DENIED, "%s put it in review: somebody else must read it%s", by,
			str_eq(t->who.role, "admin") ? ", or say with --reason why nobody can"
						     : "");
	return e;
}

/* The report is there once it is in review, the review was held once it is reviewed. */
static int end_deadlines(struct tx *t, const char *incident, enum review_state to, struct err *err)
{
	if (to != RV_IN_REVIEW && to != RV_REVIEWED)
		return 0;
	return tx_query(t, NULL, err,
			"UPDATE ringdown.incident_clock SET state = 'done', last_at = $2"
			" WHERE incident_id = $1 AND kind = 'deadline' AND state IN ('running', "
			"'due', 'held')"
			" AND target = ANY($3::text[])",
			"tmt", incident, tx_now_ms(t),
			to == RV_REVIEWED ? "{report,review}" : "{report}");
}

int report_state(struct store *s, const struct who *who, const char *incident,
		 enum review_state to, const char *reason, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *words = NULL;
	struct incident now = { 0 };
	const char *word = enum_name(&review_state_names, to);
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = incident_lock(&t, incident, 0, &now, err);
	if (e == 0)
		e = check_step(&t, &now, to, reason, err);
	record_fini(&incident_type, &now);
	if (e == 0)
		e = tx_one(&t, err, "UPDATE ringdown.incident SET review = $2 WHERE id = $1", "tt",
			   incident, word);
	if (e == 0)
		e = end_deadlines(&t, incident, to, err);
	if (e < 0)
		return e;
	words = xasprintf("report %s by %s%s%s", to == RV_IN_REVIEW ? "put in review" : word,
			  who->actor, str_empty(reason) ? "" : ": ", reason ? reason : "");
	e = incident_changed(&t, incident, "report.state", NOTE_INFO, words, err);
	return e < 0 ? e : tx_commit(&t, NULL, err);
}

/* ---- practices ------------------------------------------------------------------ */

int practices_done(struct store *s, struct practice_done **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
			    "SELECT DISTINCT ON (id) id, by, note, done_at FROM ringdown.practice"
			    " ORDER BY id, done_at DESC",
			    "");

	if (e < 0)
		return e;
	*ret_n = (size_t)pg_rows(r);
	*ret = *ret_n ? xcalloc(*ret_n, sizeof(**ret)) : NULL;
	for (size_t i = 0; i < *ret_n; i++)
		(*ret)[i] = (struct practice_done){
			.id = col_dup(r, (int)i, 0), .by = col_dup(r, (int)i, 1),
			.note = col_dup(r, (int)i, 2), .at_ms = pg_time(r, (int)i, 3),
		};
	return 0;
}

void practices_done_free(struct practice_done *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&v[i].id);
		free_p(&v[i].by);
		free_p(&v[i].note);
	}
	free_p(&v);
}

int practices_since(struct store *s, int64_t *ret_ms, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT adopted_at FROM ringdown.environment", "");

	*ret_ms = e == 0 && pg_rows(r) ? pg_time(r, 0, 0) : 0;
	return e;
}

int practice_told(struct tx *t, const char *id, int64_t due_ms, bool *ret_new, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = tx_query(t, &r, err,
			 "INSERT INTO ringdown.practice_told (id, due_at, at)"
			 " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1",
			 "tmm", id, due_ms, tx_now_ms(t));

	*ret_new = e == 0 && pg_rows(r) > 0;
	return e;
}

int practice_put(struct store *s, const struct who *who, const char *id, int64_t at_ms,
		 const char *note, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *words = NULL, *clean = text_clean(note ? note : "", 1000);
	int e = tx_begin(s, &t, who, err);

	if (e == 0)
		e = tx_query(&t, NULL, err,
			     "INSERT INTO ringdown.practice (id, done_at, by, note)"
			     " VALUES ($1, $2, $3, $4) ON CONFLICT (id, done_at) DO UPDATE SET by "
			     "= $3, note = $4",
			     "tmtt", id, at_ms ? at_ms : tx_now_ms(&t), who->actor, clean);
	if (e < 0)
		return e;
	words = xasprintf("practice %s done by %s%s%s", id, who->actor, *clean ? ": " : "", clean);
	tx_note(&t, NOTE_INFO, "practice.done", id, words, NULL);
	return tx_commit(&t, NULL, err);
}

int practices_moved(struct store *s, struct practice_move **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err, "SELECT id, by, reason, due_at, moved_to, at FROM"
			    " ringdown.practice_date ORDER BY id, due_at", "");

	*ret = NULL;
	*ret_n = 0;
	if (e < 0)
		return e;
	*ret_n = (size_t)pg_rows(r);
	*ret = *ret_n ? xcalloc(*ret_n, sizeof(**ret)) : NULL;
	for (size_t i = 0; i < *ret_n; i++)
		(*ret)[i] = (struct practice_move){
			.id = col_dup(r, (int)i, 0), .by = col_dup(r, (int)i, 1),
			.reason = col_dup(r, (int)i, 2), .due_ms = pg_time(r, (int)i, 3),
			.moved_to_ms = pg_time(r, (int)i, 4), .at_ms = pg_time(r, (int)i, 5),
		};
	return 0;
}

void practices_moved_free(struct practice_move *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&v[i].id);
		free_p(&v[i].by);
		free_p(&v[i].reason);
	}
	free_p(&v);
}

int practice_move(struct store *s, const struct who *who, const char *id, int64_t due_ms,
		  int64_t moved_to_ms, const char *reason, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *words = NULL, *clean = text_clean(reason ? reason : "", 1000);
	char due[TIME_TEXT], to[TIME_TEXT];
	int e = tx_begin(s, &t, who, err);

	if (e == 0 && moved_to_ms)
		e = tx_query(&t, NULL, err,
			     "INSERT INTO ringdown.practice_date (id, due_at, moved_to, by, at,"
			     " reason) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id, due_at) DO"
			     " UPDATE SET moved_to = $3, by = $4, at = $5, reason = $6",
			     "tmmtmt", id, due_ms, moved_to_ms, who->actor, tx_now_ms(&t), clean);
	else if (e == 0)
		e = tx_query(&t, NULL, err, "DELETE FROM ringdown.practice_date WHERE id = $1 AND"
			     " due_at = $2", "tm", id, due_ms);
	if (e < 0)
		return e;
	format_time(due, due_ms);
	words = moved_to_ms ? xasprintf("practice %s of %.10s moved to %.10s by %s%s%s", id, due,
					format_time(to, moved_to_ms), who->actor,
					*clean ? ": " : "", clean) :
			      xasprintf("practice %s is due on %.10s again, as the policy says"
					" (%s)", id, due, who->actor);
	tx_note(&t, NOTE_INFO, "practice.moved", id, words, NULL);
	return tx_commit(&t, NULL, err);
}
