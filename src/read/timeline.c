/*
 * See timeline.h. The statement is timeline_sql.c's; here are lanes, positions, and rows made
 * of what it gives. Position = (instant, number, source), so that a page begins exactly
 * behind the one before, also where a thousand rows share a millisecond.
 *
 * A search for words that are rare reads on, part by part, each a bounded stretch of the two
 * indexes, and leaves off after SEARCH_MOST entries: its answer then is short of the limit and
 * has a position to go on from.
 */
#include "read/timeline.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "read/timeline_sql.h"

enum {
	SEARCH_FIRST = 5000, SEARCH_PART = 50000, SEARCH_MOST = 200000,
	ENTRY_BYTES = 420,		/* of JSON, more or less: grown once for a page */
};

static const char *const lanes[] = { "account", "event", "run", "alert", "message", "people",
				     "outside", "engine" };

/* By the beginning of the kind; the first that fits. */
static const struct timeline_kind kinds[] = {
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
	{ "incident.titled", "engine", true },	{ "incident.linked", "people", true },
	{ "incident.", "people", false },
	{ "note", "people", false },		{ "report.", "people", true },
	{ "control.", "people", false },	{ "hold.", "people", false },
	{ "sms.", "people", false },		{ "feature", "people", false },
	{ "token.", "people", true },		{ "journal.", "engine", true },
	{ "environment.", "engine", false },	{ "database.", "engine", false },
	{ "lease", "engine", false },		{ "engine", "engine", true },
};

const struct timeline_kind *timeline_kinds(size_t *ret_n)
{
	*ret_n = COUNT_OF(kinds);
	return kinds;
}

static int kind_row(const char *kind)
{
	for (size_t i = 0; kind && i < COUNT_OF(kinds); i++)
		if (str_has_prefix(kind, kinds[i].prefix))
			return (int)i;
	return -1;
}

bool timeline_noise(const char *kind)
{
	int i = kind_row(kind);

	return i >= 0 && kinds[i].noise;
}

/* ---- positions ----------------------------------------------------------------- */

static void print_position(char ret[64], const struct timeline_position *p)
{
	snprintf(ret, 64, "%lld-%c-%lld", (long long)p->at_ms, p->source, (long long)p->n);
}

/* "MS-SOURCE-NUMBER" */
static bool read_position(const char *text, struct timeline_position *ret)
{
	const char *dash = strchr(text, '-');
	char at[24];

	if (!dash || dash - text >= (ptrdiff_t)sizeof(at) || !dash[1] || dash[2] != '-')
		return false;
	snprintf(at, sizeof(at), "%.*s", (int)(dash - text), text);
	ret->source = dash[1];
	return (ret->source == 'j' || ret->source == 'n') &&
	       parse_i64(at, 0, INT64_MAX, &ret->at_ms) &&
	       parse_i64(dash + 3, 0, TIMELINE_LAST, &ret->n);
}

static int start_position(const struct timeline_window *w, struct timeline_position *ret,
			  struct err *err)
{
	*ret = (struct timeline_position){ w->forward ? 1 : INT64_MAX / 1000000,
					   w->forward ? 0 : TIMELINE_LAST,
					   w->forward ? 'j' : 'n' };
	if (w->cursor && !read_position(w->cursor, ret))
		return err_field(err, ERR_INVALID, "cursor", "this is no position of a timeline");
	if (!w->cursor && w->at_ms)
		ret->at_ms = w->at_ms;
	return 0;
}

/* ---- rows ---------------------------------------------------------------------- */

static char *dup(const struct pg_result *r, int row, int col)
{
	const char *s = pg_text(r, row, col);

	return *s ? xstrdup(s) : NULL;
}

/* By hand, like the writing of JSON: a page has many of them. */
static char *numbered(const char *before, int64_t n)
{
	struct str b = STR_INIT(64);

	str_add(&b, before);
	str_add_i64(&b, n);
	return str_take(&b);
}

static void fill(struct timeline_entry *e, const struct pg_result *r, int i,
		 const struct timeline_position *p)
{
	const char *kind = pg_text(r, i, C_KIND), *annotation = pg_text(r, i, C_ANNOTATION);
	const char *text = pg_text(r, i, C_TEXT), *before;
	bool journal = p->source == 'j';
	int known = journal ? kind_row(kind) : -1;

	*e = (struct timeline_entry){
		.id = numbered(journal ? "j:" : "n:", p->n),
		.happened_at_ms = p->at_ms, .kind = xstrdup(kind),
		.subject = dup(r, i, C_SUBJECT), .actor = dup(r, i, C_WHO),
		.severity = dup(r, i, C_LEVEL), .pinned = pg_bool(r, i, C_PINNED),
		.annotation = dup(r, i, C_ANNOTATION), .retracted = pg_bool(r, i, C_GONE),
		.hidden = pg_bool(r, i, C_HIDDEN),
	};
	before = e->retracted ? "TAKEN BACK: " : e->hidden ? "HIDDEN: " : "";
	e->text = !*annotation && !*before ? xstrdup(text) :
		xasprintf("%s%s%s%s%s", before, text, *annotation ? " [" : "", annotation,
			  *annotation ? "]" : "");
	if (journal) {
		e->recorded_at_ms = p->at_ms;
		e->link = numbered("journal ", p->n);
		e->lane = xstrdup(known < 0 ? "engine" : kinds[known].lane);
		e->noise = (known >= 0 && kinds[known].noise) || e->hidden;
		return;
	}
	e->until_ms = pg_time(r, i, C_UNTIL);
	e->recorded_at_ms = pg_time(r, i, C_RECORDED);
	e->original = dup(r, i, C_ORIGINAL);
	e->doubt = dup(r, i, C_DOUBT);
	e->version = pg_i64(r, i, C_VERSION);
	e->link = dup(r, i, C_FROM);
	e->editable = str_eq(kind, "note");
	e->noise = e->retracted || e->hidden;
	e->lane = xstrdup(str_eq(kind, "import") || str_eq(kind, "quote") ? "outside" : "people");
}

static struct timeline_position at_row(const struct pg_result *r, int i)
{
	return (struct timeline_position){ pg_time(r, i, C_AT), pg_i64(r, i, C_NUMBER),
					   *pg_text(r, i, C_SOURCE) };
}

struct page { struct timeline_entry *v; size_t n; char *next; };

static void leave_off(struct page *page, const struct timeline_position *at)
{
	char text[64];

	print_position(text, at);
	page->next = xstrdup(text);
}

/* The same number of both sources in one instant: the database knows no order of the two. */
static bool tie(const struct pg_result *r, int a, int b)
{
	return a >= 0 && b < pg_rows(r) &&
	       str_eq(pg_text(r, a, C_NUMBER), pg_text(r, b, C_NUMBER)) &&
	       str_eq(pg_text(r, a, C_AT), pg_text(r, b, C_AT));
}

static int in_order(const struct pg_result *r, int i, bool forward)
{
	char first = forward ? 'j' : 'n', is = *pg_text(r, i, C_SOURCE);

	if (tie(r, i, i + 1))
		return is == first ? i : i + 1;
	if (tie(r, i - 1, i))
		return is == first ? i - 1 : i;
	return i;
}

/* Takes rows until the page is full, which then knows where the next one begins. */
static void take(struct page *page, const struct timeline_window *w, const struct pg_result *r)
{
	struct timeline_position last = { 0 };

	for (int i = 0; i < pg_rows(r); i++) {
		int row = in_order(r, i, w->forward);

		if (page->n == (size_t)w->limit) {
			leave_off(page, &last);
			return;
		}
		last = at_row(r, row);
		fill(&page->v[page->n++], r, row, &last);
	}
}

/* ---- reading ------------------------------------------------------------------- */

static bool lane_known(const char *lane)
{
	for (size_t i = 0; i < COUNT_OF(lanes); i++)
		if (str_eq(lanes[i], lane))
			return true;
	return lane == NULL;
}

/* The position behind so many entries, whatever they are; *ret_more false: there are fewer. */
static int find_stop(struct pg_conn *c, const struct timeline_window *w,
		     const struct timeline_position *from, int64_t entries,
		     struct timeline_position *ret, bool *ret_more, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = timeline_sql_stop(c, w, from, entries, &r, err);

	*ret_more = e == 0 && pg_rows(r) > 0;
	if (*ret_more) /* at its number both sources are done */
		*ret = (struct timeline_position){ pg_time(r, 0, 0), pg_i64(r, 0, 1),
						   w->forward ? 'n' : 'j' };
	return e;
}

static int read_part(struct pg_conn *c, const struct timeline_window *w,
		     const struct timeline_position *from, const struct timeline_position *stop,
		     struct page *page, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = timeline_sql_rows(c, w, from, stop, &r, err);

	if (e == 0)
		take(page, w, r);
	return e;
}

static int search(struct pg_conn *c, const struct timeline_window *w,
		  struct timeline_position p, struct page *page, struct err *err)
{
	struct timeline_position stop = p;
	int64_t part = SEARCH_FIRST, seen = 0;
	bool more = true;
	int e = 0;

	while (e == 0 && more && !page->next) {
		if (seen >= SEARCH_MOST || page->n == (size_t)w->limit) {
			leave_off(page, &p);
			break;
		}
		e = find_stop(c, w, &p, part, &stop, &more, err);
		if (e == 0)
			e = read_part(c, w, &p, more ? &stop : NULL, page, err);
		p = stop;
		seen += part;
		part = part * 4 < SEARCH_PART ? part * 4 : SEARCH_PART;
	}
	return e;
}

int read_timeline(struct pg_conn *c, const struct timeline_window *w,
		  struct timeline_entry **ret, size_t *ret_n, char **ret_next, struct err *err)
{
	struct timeline_position p;
	struct page page = { .n = 0 };
	int e = start_position(w, &p, err);

	if (e == 0 && !lane_known(w->lane))
		e = err_field(err, ERR_INVALID, "lane", "no lane '%.40s'", w->lane);
	if (e < 0)
		return e;
	page.v = xcalloc((size_t)w->limit + 1, sizeof(*page.v));
	/* the few that are pinned are all looked through */
	e = w->q && !w->pinned ? search(c, w, p, &page, err) :
				 read_part(c, w, &p, NULL, &page, err);
	if (e < 0) {
		records_free(&timeline_entry_type, page.v, page.n);
		free_p(&page.next);
		return e;
	}
	*ret = page.v;
	*ret_n = page.n;
	*ret_next = page.next;
	return 0;
}

void timeline_json(struct jw *w, const struct timeline_entry *v, size_t n, const char *next)
{
	jw_obj(w, NULL);
	jw_arr(w, "entries");
	(void)str_room(w->out, n * ENTRY_BYTES);
	for (size_t i = 0; i < n; i++)
		record_json(w, NULL, &timeline_entry_type, &v[i]);
	jw_arr_end(w);
	jw_str(w, "nextCursor", next);
	jw_obj_end(w);
}
