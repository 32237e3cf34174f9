/*
 * See timeline_sql.h. Each source is read in the order of its index and no further than a page
 * needs; the database merges them. A lane is read kind by kind, for the kinds that there are,
 * so that a rare one costs as much as a common one. An incident's pins lead to their entries.
 *
 * Invariant: every value is bound; what stands in the text is ours, and of few forms.
 */
#include "read/timeline_sql.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/str.h"

struct query {
	const struct timeline_window *w;
	const struct timeline_position *from, *stop;
	char *pattern;
	int sources;			/* so far */
	struct str sql;
	struct pg_params p;
};

/* Of a source: the letter of its table, which names it in positions, and its columns. */
struct source { char row; const char *table, *kind, *at, *number, *who, *positions; };
static const struct source journal_of = {
	'j', "journal", "j.kind", "j.at", "j.seq", "j.actor",
	"SELECT j.at, j.seq FROM ringdown.journal j WHERE true"
};
static const struct source notes_of = {
	'n', "note", "n.kind", "n.happened_at", "n.id", "n.by",
	"SELECT n.happened_at, n.id FROM ringdown.note n WHERE true"
};

static void add_text(struct query *q, const char *v)
{
	pg_p_text(&q->p, v);
	str_addf(&q->sql, "$%d::text", q->p.n);
}

static void add_number(struct query *q, int64_t v)
{
	pg_p_i64(&q->p, v);
	str_addf(&q->sql, "$%d::bigint", q->p.n);
}

static void add_time(struct query *q, const char *before, int64_t ms)
{
	pg_p_time(&q->p, ms);
	str_addf(&q->sql, "%s$%d::timestamptz", before, q->p.n);
}

/* kind: what a source's kind is to be equal to, or NULL. Then all three are compared at once,
 * so that no index but the one by kind will do, whatever the planner thinks of the others. */
static void add_pair(struct query *q, const struct source *s, const char *kind, const char *op)
{
	if (kind)
		str_addf(&q->sql, " AND (%s, %s, %s) %s (%s, ", s->kind, s->at, s->number, op,
			 kind);
	else
		str_addf(&q->sql, " AND (%s, %s) %s (", s->at, s->number, op);
}

static void add_values(struct query *q, int64_t at_ms, int64_t n)
{
	add_time(q, "", at_ms);
	str_add(&q->sql, ", ");
	add_number(q, n);
	str_add(&q->sql, ")");
}

/* Between the two positions. At from's own instant and number only the source that comes later
 * is still to be read. */
static void add_between(struct query *q, const struct source *s, const char *kind)
{
	bool forward = q->w->forward;
	int64_t n = q->from->n;

	n += forward ? -(s->row > q->from->source) : s->row < q->from->source;
	add_pair(q, s, kind, forward ? ">" : "<");
	add_values(q, q->from->at_ms, n);
	if (!q->stop && !kind)
		return;
	add_pair(q, s, kind, forward ? "<=" : ">=");
	if (q->stop)
		add_values(q, q->stop->at_ms, q->stop->n);
	else
		str_add(&q->sql, forward ? "'infinity', 9223372036854775807)" : "'-infinity', 0)");
}

static void add_window(struct query *q, const char *at, int64_t from_ms, int64_t to_ms)
{
	if (from_ms) {
		str_addf(&q->sql, " AND %s", at);
		add_time(q, " >= ", from_ms);
	}
	if (to_ms) {
		str_addf(&q->sql, " AND %s", at);
		add_time(q, " <= ", to_ms);
	}
}

/* The limit stands in the text: it decides the plan, which can then be kept. */
static void add_order(struct query *q, const char *kind, const char *at, const char *number)
{
	const char *way = q->w->forward ? "ASC" : "DESC";

	str_add(&q->sql, " ORDER BY ");
	if (kind)
		str_addf(&q->sql, "%s %s, ", kind, way);
	str_addf(&q->sql, "%s %s, %s %s LIMIT %lld", at, way, number, way,
		 (long long)q->w->limit + 1);
}

/* In one text, which is half the work; most words are ASCII and need no other rules of case. */
static void add_pattern(struct query *q, const struct source *s)
{
	bool ascii = true;

	if (!q->pattern)
		return;
	for (const char *c = q->pattern; *c; c++)
		ascii &= !(*c & 0x80);
	str_addf(&q->sql, " AND (%c.text || E'\\n' || %c.subject || E'\\n' || %s)%s ILIKE ", s->row,
		 s->row, s->who, ascii ? " COLLATE \"C\"" : "");
	add_text(q, q->pattern);
}

/* Entries with what was put on them, or from what was put on to the few that are pinned. */
static void add_from(struct query *q, const struct source *s)
{
	const char *incident = q->w->incident;

	if (!q->w->pinned || !incident)
		str_addf(&q->sql, " FROM ringdown.%s %c", s->table, s->row);
	else
		str_addf(&q->sql, " FROM ringdown.timeline_mark m JOIN ringdown.%s %c ON %s = CASE"
			 " WHEN m.entry ~ '^%c:[0-9]{1,18}$' THEN substr(m.entry, 3)::bigint END",
			 s->table, s->row, s->number, s->row);
	if (incident && !q->w->pinned) {
		str_add(&q->sql, " LEFT JOIN ringdown.timeline_mark m ON m.incident_id = ");
		add_text(q, incident);
		str_addf(&q->sql, " AND m.entry = '%c:' || %s", s->row, s->number);
	}
	str_add(&q->sql, q->w->pinned && !incident ? " WHERE false" : " WHERE true");
	if (incident && q->w->pinned) {
		str_add(&q->sql, " AND m.pinned AND m.incident_id = ");
		add_text(q, incident);
	}
	if (incident && !q->w->noise)
		str_add(&q->sql, " AND NOT coalesce(m.hidden, false)");
}

static const char *marks_of(const struct query *q)
{
	return q->w->incident ? "m.pinned, m.text" : "NULL::boolean, NULL::text";
}

static const char *hidden_of(const struct query *q)
{
	return q->w->incident ? "coalesce(m.hidden, false)" : "false";
}

static void next_source(struct query *q)
{
	str_add(&q->sql, q->sources++ ? " UNION ALL (" : "(");
}

/* ---- the journal --------------------------------------------------------------- */

/* The same decision as kind_row()'s in timeline.c, made by the database. */
static void add_lane(struct query *q, const char *kind)
{
	const char *lane = q->w->lane;
	size_t n;
	const struct timeline_kind *kinds = timeline_kinds(&n);

	str_addf(&q->sql, " NOT %s ^@ 'note' AND CASE", kind);
	for (size_t i = 0; i < n; i++)
		str_addf(&q->sql, " WHEN %s ^@ '%s' THEN %s", kind, kinds[i].prefix,
			 str_eq(kinds[i].lane, lane) && (q->w->noise || !kinds[i].noise) ? "true" :
											   "false");
	/* what no prefix knows is the engine's */
	str_addf(&q->sql, " ELSE %s END", str_eq(lane, "engine") ? "true" : "false");
}

/* No row of the table that is no noise claims what a noisy one below it means. */
static void add_quiet(struct query *q)
{
	size_t n;
	const struct timeline_kind *kinds = timeline_kinds(&n);

	str_add(&q->sql, " AND NOT j.kind ^@ ANY(ARRAY['note'");
	for (size_t i = 0; i < n; i++)
		if (kinds[i].noise)
			str_addf(&q->sql, ", '%s'", kinds[i].prefix);
	str_add(&q->sql, "])");
}

/* A row for each kind of the lane that occurs: one step down the index for every kind. */
static void add_kinds(struct query *q)
{
	str_add(&q->sql, "SELECT x.* FROM (WITH RECURSIVE k (kind) AS ((SELECT min(kind) FROM"
		" ringdown.journal) UNION ALL SELECT (SELECT min(j.kind) FROM ringdown.journal j"
		" WHERE j.kind > k.kind) FROM k WHERE k.kind IS NOT NULL) SELECT kind FROM k WHERE"
		" k.kind IS NOT NULL AND");
	add_lane(q, "k.kind");
	str_add(&q->sql, ") k CROSS JOIN LATERAL (");
}

static void add_journal(struct query *q)
{
	const struct timeline_window *w = q->w;
	const struct source *s = &journal_of;
	bool by_kind = w->lane && !w->pinned;

	next_source(q);
	if (by_kind)
		add_kinds(q);
	str_addf(&q->sql, "SELECT 'j'::text, j.seq, j.at, j.kind, j.subject, j.actor, j.text,"
		 " j.level, %s, NULL::timestamptz, NULL::timestamptz, NULL::text, NULL::text,"
		 " NULL::bigint, NULL::text, false, %s", marks_of(q), hidden_of(q));
	add_from(q, s);
	add_between(q, s, by_kind ? "k.kind" : NULL);
	add_window(q, s->at, w->from_ms, w->to_ms);
	add_pattern(q, s);
	if (w->incident) {
		str_add(&q->sql, " AND (NOT j.kind ^@ 'incident.' OR j.subject = ");
		add_text(q, w->incident);
		str_add(&q->sql, ")");
	}
	if (!w->noise) /* without words it only moves figures */
		str_add(&q->sql, " AND j.text <> ''");
	if (w->lane && w->pinned) {
		str_add(&q->sql, " AND");
		add_lane(q, "j.kind");
	} else if (!w->lane && !w->noise) {
		add_quiet(q);
	} else if (!w->lane) {
		str_add(&q->sql, " AND NOT j.kind ^@ 'note'");
	}
	add_order(q, by_kind ? s->kind : NULL, s->at, s->number);
	if (by_kind) {
		str_add(&q->sql, ") x");
		add_order(q, NULL, "3", "2");
	}
	str_add(&q->sql, ")");
}

/* ---- notes --------------------------------------------------------------------- */

/* own: the incident's, which belong to it whenever they happened, unless somebody asked for a
 * window; else nobody's, in the window. */
static void add_notes(struct query *q, bool own)
{
	const struct timeline_window *w = q->w;
	const struct source *s = &notes_of;
	const char *kinds = str_eq(w->lane, "outside") ? "ARRAY['import', 'quote']" :
							 "ARRAY['note', 'update']";
	bool by_kind = w->lane && !w->pinned && !own;

	next_source(q);
	if (by_kind) {
		str_add(&q->sql, "SELECT x.* FROM unnest(");
		str_add(&q->sql, kinds);
		str_add(&q->sql, ") k CROSS JOIN LATERAL (");
	}
	str_addf(&q->sql, "SELECT 'n'::text, n.id, n.happened_at, n.kind, n.subject, n.by, n.text,"
		 " 'info', %s, n.until, n.recorded_at, n.original, n.doubt, n.version, n.source,"
		 " n.gone, %s", marks_of(q), hidden_of(q));
	add_from(q, s);
	add_between(q, s, by_kind ? "k" : NULL);
	if (!w->noise)
		str_add(&q->sql, " AND NOT n.gone");
	if (own) {
		str_add(&q->sql, " AND n.incident_id = ");
		add_text(q, w->incident);
		add_window(q, s->at, w->own_from_ms, w->own_to_ms);
	} else {
		add_window(q, s->at, w->from_ms, w->to_ms);
	}
	if (w->incident && !own)
		str_add(&q->sql, " AND n.incident_id IS NULL");
	add_pattern(q, s);
	if (w->lane && !by_kind)
		str_addf(&q->sql, " AND n.kind = ANY(%s)", kinds);
	add_order(q, by_kind ? s->kind : NULL, s->at, s->number);
	if (by_kind) {
		str_add(&q->sql, ") x");
		add_order(q, NULL, "3", "2");
	}
	str_add(&q->sql, ")");
}

/* ---- statements ---------------------------------------------------------------- */

static void query_fini(struct query *q)
{
	str_fini(&q->sql);
	free_p(&q->pattern);
}

int timeline_sql_rows(struct pg_conn *c, const struct timeline_window *w,
		      const struct timeline_position *from, const struct timeline_position *stop,
		      struct pg_result **ret, struct err *err)
{
	struct query q = { .w = w, .from = from, .stop = stop, .pattern = pg_like(w->q),
			   .sql = STR_INIT(16000), .p = PG_PARAMS };
	bool journal = !str_eq(w->lane, "outside");
	bool notes = !w->lane || !journal || str_eq(w->lane, "people");
	int e;

	if (journal)
		add_journal(&q);
	if (notes)
		add_notes(&q, false);
	if (notes && w->incident)
		add_notes(&q, true);
	if (q.sources > 1)
		add_order(&q, NULL, "3", "2");
	e = q.pattern ? pg_query(c, str_get(&q.sql), &q.p, ret, err) :
			pg_query_kept(c, str_get(&q.sql), &q.p, ret, err);
	query_fini(&q);
	return e;
}

/* From its index alone. */
static void add_stop(struct query *q, const struct source *s, int64_t entries)
{
	const char *way = q->w->forward ? "ASC" : "DESC";

	next_source(q);
	str_add(&q->sql, s->positions);
	add_between(q, s, NULL);
	add_window(q, s->at, q->w->from_ms, q->w->to_ms);
	str_addf(&q->sql, " ORDER BY %s %s, %s %s LIMIT 1 OFFSET ", s->at, way, s->number, way);
	add_number(q, entries);
	str_add(&q->sql, ")");
}

int timeline_sql_stop(struct pg_conn *c, const struct timeline_window *w,
		      const struct timeline_position *from, int64_t entries,
		      struct pg_result **ret, struct err *err)
{
	const char *way = w->forward ? "ASC" : "DESC";
	struct query q = { .w = w, .from = from, .sql = STR_INIT(2000), .p = PG_PARAMS };
	int e;

	add_stop(&q, &journal_of, entries);
	add_stop(&q, &notes_of, entries);
	str_addf(&q.sql, " ORDER BY 1 %s, 2 %s LIMIT 1", way, way);
	e = pg_query(c, str_get(&q.sql), &q.p, ret, err);
	query_fini(&q);
	return e;
}
