/*
 * See timeline.h. Two sources in one order, each read through its own index with the same
 * limit and merged here: position = (instant, source, number), so that a page begins exactly
 * behind the one before, also where a thousand rows share a millisecond.
 */
#include "read/timeline.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static const char *const lanes[] = { "account", "event", "run", "alert", "message", "people",
				     "outside", "engine", NULL };

const char *const *timeline_lanes(void)
{
	return lanes;
}

/* By the beginning of the kind; the first that fits. */
static const struct { const char *prefix, *lane; bool noise; } kinds[] = {
	{ "account.resealed", "engine", true },	{ "account.figures", "account", true },
	{ "account.health", "account", false }, { "account.", "account", false },
	{ "number", "account", false },		{ "agent", "account", false },
	{ "event.step", "event", true },	{ "event.planned", "event", true },
	{ "event.", "event", false },		{ "run.output", "run", true },
	{ "run", "run", false },		{ "alert.", "alert", false },
	{ "silence", "people", false },		{ "notify.queued", "message", true },
	{ "notify.", "message", false },	{ "message", "message", false },
	{ "report.state", "people", false },	{ "practice", "people", false },
	{ "timeline.", "people", true },	{ "incident.message", "people", true },
	{ "incident.quoted", "outside", true }, { "incident.undelivered", "message", false },
	{ "incident.", "people", false },
	{ "note", "people", false },		{ "report.", "people", true },
	{ "control.", "people", false },	{ "hold.", "people", false },
	{ "sms.", "people", false },		{ "feature", "people", false },
	{ "token.", "people", true },		{ "journal.", "engine", true },
	{ "environment.", "engine", false },	{ "database.", "engine", false },
	{ "lease", "engine", false },		{ "engine", "engine", true },
};

static int kind_row(const char *kind)
{
	for (size_t i = 0; kind && i < COUNT_OF(kinds); i++)
		if (str_has_prefix(kind, kinds[i].prefix))
			return (int)i;
	return -1;
}

const char *timeline_lane(const char *kind)
{
	int i = kind_row(kind);

	return i < 0 ? "engine" : kinds[i].lane;
}

bool timeline_noise(const char *kind)
{
	int i = kind_row(kind);

	return i >= 0 && kinds[i].noise;
}

/* ---- positions ----------------------------------------------------------------- */

struct position { int64_t at_ms, n; char source; };	/* sources in order: j, n */

static void print_position(char ret[64], const struct position *p)
{
	snprintf(ret, 64, "%lld-%c-%lld", (long long)p->at_ms, p->source, (long long)p->n);
}

/* "MS-SOURCE-NUMBER" */
static bool read_position(const char *text, struct position *ret)
{
	const char *dash = strchr(text, '-');
	char at[24];

	if (!dash || dash - text >= (ptrdiff_t)sizeof(at) || !dash[1] || dash[2] != '-')
		return false;
	snprintf(at, sizeof(at), "%.*s", (int)(dash - text), text);
	ret->source = dash[1];
	return (ret->source == 'j' || ret->source == 'n') &&
	       parse_i64(at, 0, INT64_MAX, &ret->at_ms) &&
	       parse_i64(dash + 3, 0, INT64_MAX, &ret->n);
}

static int compare(const struct position *a, const struct position *b)
{
	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->n < b->n ? -1 : a->n > b->n;
}

/* The number from which a source goes on at the cursor's own millisecond. */
static int64_t from_number(const struct timeline_window *w, const struct position *p, char source)
{
	if (p->source == source)
		return p->n;
	/* backward wants numbers below: all of a source that sorts before the cursor's */
	return (source < p->source) == !w->forward ? (w->forward ? 0 : INT64_MAX) :
						     (w->forward ? INT64_MAX : 0);
}

static int start_position(const struct timeline_window *w, struct position *ret, struct err *err)
{
	*ret = (struct position){ w->forward ? 1 : INT64_MAX / 1000000, w->forward ? 0 : INT64_MAX,
				  w->forward ? 'j' : 'n' };
	if (w->cursor && !read_position(w->cursor, ret))
		return err_field(err, ERR_INVALID, "cursor", "this is no position of a timeline");
	if (!w->cursor && w->at_ms)
		ret->at_ms = w->at_ms;
	return 0;
}

/* ---- reading ------------------------------------------------------------------- */

/* A statement being put together: only what applies is in it, so that it is planned quickly,
 * and each value is bound where it stands. */
struct query { struct str sql; struct pg_params p; };

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

/* The same decision as kind_row(), made by the database. */
static void add_lane(struct query *q, const char *lane, bool noise)
{
	str_add(&q->sql, " AND CASE");
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		str_addf(&q->sql, " WHEN j.kind ^@ '%s' THEN %s", kinds[i].prefix,
			 strcmp(kinds[i].lane, lane) == 0 && (noise || !kinds[i].noise) ? "true" :
											  "false");
	/* what no prefix knows is the engine's */
	str_addf(&q->sql, " ELSE %s END", strcmp(lane, "engine") == 0 ? "true" : "false");
}

/* No row of the table that is no noise claims what a noisy one below it means. */
static void add_quiet(struct query *q)
{
	str_add(&q->sql, " AND NOT j.kind ^@ ANY(ARRAY['note'");
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (kinds[i].noise)
			str_addf(&q->sql, ", '%s'", kinds[i].prefix);
	str_add(&q->sql, "])");
}

/* Of one incident: its marks, by the entry's id. */
static void add_marks(struct query *q, const struct timeline_window *w, const char *entry)
{
	if (!w->incident)
		return;
	str_add(&q->sql, " LEFT JOIN ringdown.timeline_mark m ON m.incident_id = ");
	add_text(q, w->incident);
	str_addf(&q->sql, " AND m.entry = %s", entry);
}

static const char *marks_of(const struct timeline_window *w)
{
	return w->incident ? "coalesce(m.pinned, false), coalesce(m.text, '')" : "false, ''";
}

static void add_order(struct query *q, const struct timeline_window *w, const char *at,
		      const char *number)
{
	const char *way = w->forward ? "ASC" : "DESC";

	str_addf(&q->sql, " ORDER BY %s %s, %s %s LIMIT ", at, way, number, way);
	add_number(q, w->limit + 1);
}

static void add_where(struct query *q, const struct timeline_window *w, const struct position *p,
		      char source, const char *at, const char *number)
{
	str_addf(&q->sql, " WHERE (%s, %s) %c (", at, number, w->forward ? '>' : '<');
	add_time(q, "", p->at_ms);
	str_add(&q->sql, ", ");
	add_number(q, from_number(w, p, source));
	str_add(&q->sql, ")");
	if (w->incident)
		str_add(&q->sql, " AND NOT coalesce(m.hidden, false)");
	if (w->pinned)
		str_add(&q->sql, w->incident ? " AND m.pinned" : " AND false");
}

static void add_pattern(struct query *q, const char *pattern, const char *who, const char *row)
{
	const char *const columns[] = { "text", "subject", who };

	if (!pattern)
		return;
	for (size_t i = 0; i < COUNT_OF(columns); i++) {
		str_addf(&q->sql, "%s%s.%s ILIKE ", i ? " OR " : " AND (", row, columns[i]);
		add_text(q, pattern);
	}
	str_add(&q->sql, ")");
}

static void add_journal(struct query *q, const struct timeline_window *w,
			const struct position *p, const char *pattern)
{
	str_addf(&q->sql, "(SELECT j.seq, j.at, NULL::timestamptz, j.at, j.kind, j.subject,"
		 " j.actor, j.text, j.level, NULL::text, NULL::text, %s, 0::bigint, 'j:' || j.seq,"
		 " 'journal ' || j.seq, false FROM ringdown.journal j", marks_of(w));
	add_marks(q, w, "'j:' || j.seq");
	add_where(q, w, p, 'j', "j.at", "j.seq");
	if (w->from_ms)
		add_time(q, " AND j.at >= ", w->from_ms);
	if (w->to_ms)
		add_time(q, " AND j.at <= ", w->to_ms);
	add_pattern(q, pattern, "actor", "j");
	if (w->incident) {
		str_add(&q->sql, " AND (NOT j.kind ^@ 'incident.' OR j.subject = ");
		add_text(q, w->incident);
		str_add(&q->sql, ")");
	}
	if (w->lane || w->noise)
		str_add(&q->sql, " AND NOT j.kind ^@ 'note'");
	if (!w->noise) /* without words it only moves figures */
		str_add(&q->sql, " AND j.text <> ''");
	if (w->lane)
		add_lane(q, w->lane, w->noise);
	else if (!w->noise)
		add_quiet(q);
	add_order(q, w, "j.at", "j.seq");
	str_add(&q->sql, ")");
}

static void add_notes(struct query *q, const struct timeline_window *w, const struct position *p,
		      const char *pattern)
{
	str_addf(&q->sql, "(SELECT n.id, n.happened_at, n.until, n.recorded_at, n.kind, n.subject,"
		 " n.by, n.text, 'info', n.original, n.doubt, %s, n.version, 'n:' || n.id,"
		 " nullif(n.source, ''), n.gone FROM ringdown.note n", marks_of(w));
	add_marks(q, w, "'n:' || n.id");
	add_where(q, w, p, 'n', "n.happened_at", "n.id");
	if (!w->noise)
		str_add(&q->sql, " AND NOT n.gone");
	/* an incident's own notes belong to it whenever they happened */
	for (int i = 0; i < 2; i++) {
		int64_t ms = i ? w->to_ms : w->from_ms;

		if (!ms)
			continue;
		add_time(q, i ? " AND (n.happened_at <= " : " AND (n.happened_at >= ", ms);
		if (w->incident) {
			str_add(&q->sql, " OR n.incident_id = ");
			add_text(q, w->incident);
		}
		str_add(&q->sql, ")");
	}
	add_pattern(q, pattern, "by", "n");
	if (w->incident) {
		str_add(&q->sql, " AND (n.incident_id IS NULL OR n.incident_id = ");
		add_text(q, w->incident);
		str_add(&q->sql, ")");
	}
	if (w->lane)
		str_addf(&q->sql, " AND %s n.kind IN ('import', 'quote')",
			 str_eq(w->lane, "outside") ? "" : "NOT");
	add_order(q, w, "n.happened_at", "n.id");
	str_add(&q->sql, ")");
}

/* Both sources in one statement, the journal's rows first; *ret_nj: how many of them. */
static int read_both(struct pg_conn *c, const struct timeline_window *w,
		     const struct position *p, struct pg_result **ret, int *ret_nj,
		     struct err *err)
{
	_cleanup_(free_p) char *pattern = pg_like(w->q);
	bool journal = !str_eq(w->lane, "outside");
	bool notes = !w->lane || !journal || str_eq(w->lane, "people");
	struct query q = { .sql = STR_INIT(16000), .p = PG_PARAMS };
	int e;

	if (journal)
		add_journal(&q, w, p, pattern);
	if (journal && notes)
		str_add(&q.sql, " UNION ALL ");
	if (notes)
		add_notes(&q, w, p, pattern);
	e = pg_query(c, str_get(&q.sql), &q.p, ret, err);
	str_fini(&q.sql);
	for (*ret_nj = 0; e == 0 && *ret_nj < pg_rows(*ret); ++*ret_nj)
		if (*pg_text(*ret, *ret_nj, 14) != 'j')
			break;
	return e;
}

static char *dup(const struct pg_result *r, int row, int col)
{
	return pg_null(r, row, col) || !*pg_text(r, row, col) ? NULL :
		xstrdup(pg_text(r, row, col));
}

static void fill(struct timeline_entry *e, const struct pg_result *r, int i, char source)
{
	const char *kind = pg_text(r, i, 4), *annotation = pg_text(r, i, 12);

	*e = (struct timeline_entry){
		.happened_at_ms = pg_time(r, i, 1), .until_ms = pg_time(r, i, 2),
		.recorded_at_ms = pg_time(r, i, 3), .kind = xstrdup(kind), .subject = dup(r, i, 5),
		.actor = dup(r, i, 6), .severity = dup(r, i, 8), .original = dup(r, i, 9),
		.doubt = dup(r, i, 10), .pinned = pg_bool(r, i, 11), .version = pg_i64(r, i, 13),
		.id = dup(r, i, 14), .link = dup(r, i, 15), .annotation = dup(r, i, 12),
		.editable = source == 'n' && str_eq(kind, "note"), .retracted = pg_bool(r, i, 16),
		.noise = (source == 'j' && timeline_noise(kind)) || pg_bool(r, i, 16),
	};
	e->lane = xstrdup(source == 'j' ? timeline_lane(kind) : str_eq(kind, "import") ||
			  str_eq(kind, "quote") ? "outside" : "people");
	e->text = xasprintf("%s%s%s%s%s", e->retracted ? "TAKEN BACK: " : "", pg_text(r, i, 7),
			    *annotation ? " [" : "", annotation, *annotation ? "]" : "");
}

static struct position at_row(const struct pg_result *r, int i, char source)
{
	return (struct position){ pg_time(r, i, 1), pg_i64(r, i, 0), source };
}

static void merge(const struct timeline_window *w, const struct pg_result *r, int nj,
		  struct timeline_entry **ret, size_t *ret_n, char **ret_next)
{
	int nn = pg_rows(r), a = 0, b = nj;
	struct timeline_entry *v = xcalloc((size_t)w->limit + 1, sizeof(*v));
	struct position last = { 0 };
	char next[64];
	size_t k = 0;

	while (k < (size_t)w->limit && (a < nj || b < nn)) {
		struct position pj = a < nj ? at_row(r, a, 'j') : (struct position){ 0 };
		struct position pn = b < nn ? at_row(r, b, 'n') : (struct position){ 0 };
		bool take_j = b == nn || (a < nj && (compare(&pj, &pn) < 0) == w->forward);

		last = take_j ? pj : pn;
		fill(&v[k++], r, take_j ? a : b, take_j ? 'j' : 'n');
		a += take_j;
		b += !take_j;
	}
	*ret = v;
	*ret_n = k;
	*ret_next = NULL;
	if (a < nj || b < nn) {
		print_position(next, &last);
		*ret_next = xstrdup(next);
	}
}

static bool lane_known(const char *lane)
{
	for (size_t i = 0; lanes[i]; i++)
		if (str_eq(lanes[i], lane))
			return true;
	return lane == NULL;
}

int read_timeline(struct pg_conn *c, const struct timeline_window *w,
		  struct timeline_entry **ret, size_t *ret_n, char **ret_next, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct position p;
	int nj = 0;
	int e = start_position(w, &p, err);

	if (e == 0 && !lane_known(w->lane))
		e = err_field(err, ERR_INVALID, "lane", "no lane '%.40s'", w->lane);
	if (e == 0)
		e = read_both(c, w, &p, &r, &nj, err);
	if (e == 0)
		merge(w, r, nj, ret, ret_n, ret_next);
	return e;
}
