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

static char *lists(const char *lane, bool want_noise)
{
	struct str b = STR_INIT(4000);

	/* a row is decided by the first prefix that fits, so the list is of whole rows */
	str_addc(&b, '{');
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if ((lane && strcmp(kinds[i].lane, lane) != 0) || (kinds[i].noise && !want_noise))
			continue;
		str_addf(&b, "%s%zu", b.len > 1 ? "," : "", i);
	}
	/* what no prefix knows is the engine's */
	if (!lane || strcmp(lane, "engine") == 0)
		str_addf(&b, "%s-1", b.len > 1 ? "," : "");
	str_addc(&b, '}');
	return str_take(&b);
}

/* The same decision as kind_row(), made by the database. */
static void kind_case(struct str *sql)
{
	str_add(sql, "CASE ");
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		str_addf(sql, "WHEN starts_with(kind, '%s') THEN %zu ", kinds[i].prefix, i);
	str_add(sql, "ELSE -1 END");
}

/* $1 at, $2 number, $3 from, $4 to, $5 pattern, $6 incident, $7 limit, $8 pinned, $9 kinds */
static int read_journal(struct pg_conn *c, const struct timeline_window *w,
			const struct position *p, struct pg_result **ret, struct err *err)
{
	_cleanup_(str_fini) struct str sql = STR_INIT(16000);
	_cleanup_(free_p) char *pattern = pg_like(w->q), *rows = lists(w->lane, w->noise);

	str_add(&sql, "SELECT j.seq, j.at, NULL, j.at, j.kind, j.subject, j.actor, j.text, j.level,"
		" NULL, NULL, coalesce(m.pinned, false), coalesce(m.text, ''), 0, 'j:' || j.seq,"
		" 'journal ' || j.seq FROM ringdown.journal j LEFT JOIN ringdown.timeline_mark m"
		" ON m.incident_id = $6 AND m.entry = 'j:' || j.seq WHERE ");
	str_addf(&sql, "(j.at, j.seq) %c ($1::timestamptz, $2::bigint)", w->forward ? '>' : '<');
	str_add(&sql, " AND ($3::timestamptz IS NULL OR j.at >= $3)"
		" AND ($4::timestamptz IS NULL OR j.at <= $4)"
		" AND ($5::text IS NULL OR j.text ILIKE $5 OR j.subject ILIKE $5 OR j.actor ILIKE"
		" $5) AND NOT starts_with(j.kind, 'note') AND NOT coalesce(m.hidden, false)"
		" AND ($6::text IS NULL OR NOT starts_with(j.kind, 'incident.') OR j.subject = $6)"
		" AND (NOT $8 OR coalesce(m.pinned, false))"
		" AND (");
	kind_case(&sql);
	str_addf(&sql, ") = ANY($9::int[]) ORDER BY j.at %s, j.seq %s LIMIT $7",
		 w->forward ? "ASC" : "DESC", w->forward ? "ASC" : "DESC");
	return pg_run(c, ret, err, str_get(&sql), "mimmttibt", p->at_ms, from_number(w, p, 'j'),
		      w->from_ms, w->to_ms, pattern, w->incident, w->limit + 1, (int)w->pinned,
		      rows);
}

static int read_notes(struct pg_conn *c, const struct timeline_window *w, const struct position *p,
		      struct pg_result **ret, struct err *err)
{
	_cleanup_(str_fini) struct str sql = STR_INIT(8000);
	_cleanup_(free_p) char *pattern = pg_like(w->q);

	str_add(&sql, "SELECT n.id, n.happened_at, n.until, n.recorded_at, n.kind, n.subject, n.by,"
		" n.text, 'info', n.original, n.doubt, coalesce(m.pinned, false), coalesce(m.text,"
		" ''), n.version, 'n:' || n.id, nullif(n.source, '') FROM ringdown.note n"
		" LEFT JOIN ringdown.timeline_mark m ON m.incident_id = $6 AND m.entry = 'n:' ||"
		" n.id WHERE NOT n.gone AND ");
	str_addf(&sql, "(n.happened_at, n.id) %c ($1::timestamptz, $2::bigint)",
		 w->forward ? '>' : '<');
	/* an incident's own notes belong to it whenever they happened */
	str_add(&sql, " AND ($3::timestamptz IS NULL OR n.happened_at >= $3 OR n.incident_id = $6)"
		" AND ($4::timestamptz IS NULL OR n.happened_at <= $4 OR n.incident_id = $6)"
		" AND ($5::text IS NULL OR n.text ILIKE $5 OR n.subject ILIKE $5 OR n.by ILIKE $5)"
		" AND ($6::text IS NULL OR n.incident_id = $6 OR n.incident_id IS NULL)"
		" AND NOT coalesce(m.hidden, false) AND (NOT $8 OR coalesce(m.pinned, false))"
		" AND ($9::text IS NULL OR ($9 = 'outside') = (n.kind IN ('import', 'quote')))"
		" ORDER BY n.happened_at ");
	str_addf(&sql, "%s, n.id %s LIMIT $7", w->forward ? "ASC" : "DESC",
		 w->forward ? "ASC" : "DESC");
	return pg_run(c, ret, err, str_get(&sql), "mimmttibt", p->at_ms, from_number(w, p, 'n'),
		      w->from_ms, w->to_ms, pattern, w->incident, w->limit + 1, (int)w->pinned,
		      w->lane);
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
		.id = dup(r, i, 14), .link = dup(r, i, 15), .editable = source == 'n',
		.noise = source == 'j' && timeline_noise(kind),
	};
	e->lane = xstrdup(source == 'j' ? timeline_lane(kind) : str_eq(kind, "import") ||
			  str_eq(kind, "quote") ? "outside" : "people");
	e->text = *annotation ? xasprintf("%s [%s]", pg_text(r, i, 7), annotation) :
				xstrdup(pg_text(r, i, 7));
}

static struct position at_row(const struct pg_result *r, int i, char source)
{
	return (struct position){ pg_time(r, i, 1), pg_i64(r, i, 0), source };
}

static void merge(const struct timeline_window *w, const struct pg_result *j,
		  const struct pg_result *n, struct timeline_entry **ret, size_t *ret_n,
		  char **ret_next)
{
	int nj = pg_rows(j), nn = n ? pg_rows(n) : 0, a = 0, b = 0;
	struct timeline_entry *v = xcalloc((size_t)w->limit + 1, sizeof(*v));
	struct position last = { 0 };
	char next[64];
	size_t k = 0;

	while (k < (size_t)w->limit && (a < nj || b < nn)) {
		struct position pj = a < nj ? at_row(j, a, 'j') : (struct position){ 0 };
		struct position pn = b < nn ? at_row(n, b, 'n') : (struct position){ 0 };
		bool take_j = b == nn || (a < nj && (compare(&pj, &pn) < 0) == w->forward);

		last = take_j ? pj : pn;
		fill(&v[k++], take_j ? j : n, take_j ? a : b, take_j ? 'j' : 'n');
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
	_cleanup_(pg_result_free_p) struct pg_result *j = NULL, *n = NULL;
	bool notes = !w->lane || str_eq(w->lane, "people") || str_eq(w->lane, "outside");
	struct position p;
	int e = start_position(w, &p, err);

	if (e == 0 && !lane_known(w->lane))
		e = err_field(err, ERR_INVALID, "lane", "no lane '%.40s'", w->lane);
	if (e == 0)
		e = read_journal(c, w, &p, &j, err);
	if (e == 0 && notes)
		e = read_notes(c, w, &p, &n, err);
	if (e == 0)
		merge(w, j, n, ret, ret_n, ret_next);
	return e;
}
