/*
 * See sms.h. Counts are cells (minute, organisation, sender, status, code) in the order of
 * time: a refresh cuts off the newest minutes, reads those again and appends, so its cost
 * follows the traffic of a minute or two and not the size of the table. Names are kept once.
 *
 * Every query is bounded by time on the index over the creation time.
 */
#include "read/sms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, OVERLAP_MS = MINUTE_MS, WHOLE_MS = 5 * MINUTE_MS,
       FORGET_MS = 10 * MINUTE_MS };

const char *const sms_source_words[SMS_SOURCES + 1] = { "messagelog", "sms_messages", "twilio",
							NULL };

int sms_source_parse(const char *word)
{
	for (int i = 0; i < SMS_SOURCES; i++)
		if (str_eq(word, sms_source_words[i]))
			return i;
	return -1;
}

const char *sms_source_name(enum sms_source s)
{
	return sms_source_words[s];
}

/* ---- names, kept once ---------------------------------------------------------------- */

struct names { char **v; size_t n, cap; uint32_t *slot; size_t slots; };

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static void names_place(struct names *t, uint32_t id)
{
	size_t i = hash(t->v[id]) & (t->slots - 1);

	while (t->slot[i])
		i = (i + 1) & (t->slots - 1);
	t->slot[i] = id + 1;
}

static uint32_t name_id(struct names *t, const char *s)
{
	size_t i;

	if (2 * (t->n + 1) > t->slots) {
		t->slots = t->slots ? 2 * t->slots : 256;
		free(t->slot);
		t->slot = xcalloc(t->slots, sizeof(*t->slot));
		for (uint32_t k = 0; k < t->n; k++)
			names_place(t, k);
	}
	for (i = hash(s) & (t->slots - 1); t->slot[i]; i = (i + 1) & (t->slots - 1))
		if (strcmp(t->v[t->slot[i] - 1], s) == 0)
			return t->slot[i] - 1;
	t->v = grow(t->v, &t->cap, t->n + 1, sizeof(*t->v));
	t->v[t->n] = xstrdup(s);
	t->slot[i] = (uint32_t)++t->n;
	return (uint32_t)t->n - 1;
}

static void names_clear(struct names *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
	free(t->slot);
	memset(t, 0, sizeof(*t));
}

/* ---- cells ------------------------------------------------------------------------------ */

struct cell { int64_t minute_ms, n; uint32_t org, sender, status; int32_t code; };
struct sms_counts {
	enum sms_source source;
	bool light;
	struct names names;
	struct cell *cells;
	size_t n, cap;
	int64_t from_ms;		/* covered since; 0 = nothing yet */
	int64_t as_of_ms, whole_ms;	/* last refresh, last complete one */
	int64_t window_ms, asked_ms;	/* the longest time asked for lately, and when */
};

struct sms_counts *sms_counts_new(enum sms_source source, bool light)
{
	struct sms_counts *c = xcalloc(1, sizeof(*c));

	c->source = source;
	c->light = light;
	return c;
}

void sms_counts_clear(struct sms_counts *c)
{
	names_clear(&c->names);
	c->n = 0;
	c->from_ms = c->as_of_ms = c->whole_ms = 0;
}

void sms_counts_touch(struct sms_counts *c, int64_t now_ms)
{
	c->as_of_ms = c->whole_ms = now_ms;
}

void sms_counts_free(struct sms_counts *c)
{
	if (!c)
		return;
	sms_counts_clear(c);
	free(c->cells);
	free(c);
}

int64_t sms_counts_as_of(const struct sms_counts *c)
{
	return c->as_of_ms;
}

void sms_counts_add(struct sms_counts *c, int64_t at_ms, const char *org, const char *sender,
		    const char *status, int64_t code, int64_t n)
{
	c->cells = grow(c->cells, &c->cap, c->n + 1, sizeof(*c->cells));
	c->cells[c->n++] = (struct cell){
		.minute_ms = at_ms / MINUTE_MS * MINUTE_MS, .n = n, .org = name_id(&c->names, org),
		.sender = name_id(&c->names, sender), .status = name_id(&c->names, status),
		.code = (int32_t)code,
	};
}

/* Only failures carry a code, so only their metadata is opened. */
static const char *const count_sql[][2] = {
	[SMS_MESSAGELOG] = {
		"SELECT date_trunc('minute', \"createdAt\"), \"orgId\", \"from\", status,"
		" CASE WHEN status IN ('failed', 'undelivered') THEN metadata->>'twilioErrorCode'"
		" END, count(*) FROM \"MessageLog\" WHERE direction = 'outbound' AND \"createdAt\""
		" >= $1 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1",
		"SELECT date_trunc('minute', \"createdAt\"), NULL, NULL, status, NULL, count(*)"
		" FROM \"MessageLog\" WHERE direction = 'outbound' AND \"createdAt\" >= $1"
		" GROUP BY 1, 4 ORDER BY 1" },
	[SMS_MESSAGES] = {
		"SELECT date_trunc('minute', created_at), tenant_id, from_number, status,"
		" error_code, count(*) FROM sms_messages WHERE created_at >= $1 GROUP BY 1, 2, 3,"
		" 4, 5 ORDER BY 1",
		"SELECT date_trunc('minute', created_at), NULL, NULL, status, NULL, count(*)"
		" FROM sms_messages WHERE created_at >= $1 GROUP BY 1, 4 ORDER BY 1" },
};

int sms_counts_refresh(struct sms_counts *c, struct pg_conn *conn, int64_t now_ms,
		       int64_t window_ms, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct pg_params p = PG_PARAMS;
	int64_t want, since;
	bool whole;
	int e;

	/* people look at different windows in turn: the longest is kept while anybody asks for
	 * it */
	if (window_ms >= c->window_ms || now_ms - c->asked_ms > FORGET_MS) {
		c->window_ms = window_ms;
		c->asked_ms = now_ms;
	}
	want = (now_ms - c->window_ms) / MINUTE_MS * MINUTE_MS;
	whole = !c->from_ms || want < c->from_ms || now_ms - c->whole_ms > WHOLE_MS ||
		now_ms < c->as_of_ms;
	if (c->as_of_ms == now_ms && !whole)
		return 0;
	since = whole ? want : (c->as_of_ms - OVERLAP_MS) / MINUTE_MS * MINUTE_MS;
	pg_p_time(&p, since);
	e = pg_query_kept(conn, count_sql[c->source][c->light], &p, &r, err);
	if (e < 0)
		return e == ERR_TIMEOUT ? err_prefix(err, "too many messages to count without an"
						     " index on their time ('ringdown migrate"
						     " --app-indexes')") : e;
	if (whole)
		sms_counts_clear(c);
	while (c->n && c->cells[c->n - 1].minute_ms >= since)
		c->n--;
	for (int i = 0; i < pg_rows(r); i++) {
		int64_t code = 0;

		parse_i64(pg_text(r, i, 4), 0, 999999, &code);
		sms_counts_add(c, pg_time(r, i, 0), pg_text(r, i, 1), pg_text(r, i, 2),
			       pg_text(r, i, 3), code, pg_i64(r, i, 5));
	}
	if (whole) {
		c->from_ms = want;
		c->whole_ms = now_ms;
	}
	c->as_of_ms = now_ms;
	return 0;
}

/* ---- groups ------------------------------------------------------------------------------- */

static void count(struct sms_group *g, const char *status, int64_t n)
{
	static const char *const waiting[] = { "queued", "sending", "accepted", "scheduled",
					       "pending" };

	g->total += n;
	if (str_eq(status, "delivered") || str_eq(status, "read"))
		g->delivered += n;
	else if (str_eq(status, "sent"))
		g->sent += n;
	else if (str_eq(status, "failed"))
		g->failed += n;
	else if (str_eq(status, "undelivered"))
		g->undelivered += n;
	for (size_t i = 0; i < COUNT_OF(waiting); i++)
		if (str_eq(status, waiting[i]))
			g->queued += n;
}

static int by_size(const void *a, const void *b)
{
	const struct sms_group *x = a, *y = b;
	int64_t fx = x->failed + x->undelivered, fy = y->failed + y->undelivered;

	if (fx != fy)
		return fx < fy ? 1 : -1;
	return x->total == y->total ? strcmp(x->key, y->key) : x->total < y->total ? 1 : -1;
}

static int by_time(const void *a, const void *b)
{
	const struct sms_group *x = a, *y = b;

	return x->at_ms == y->at_ms ? 0 : x->at_ms < y->at_ms ? 1 : -1;
}

/* The number that tells groups apart. */
static uint64_t key_of(const struct cell *c, enum sms_by by)
{
	switch (by) {
	case SMS_BY_STATUS: return c->status;
	case SMS_BY_CODE: return (uint64_t)c->code;
	case SMS_BY_ORG: return c->org;
	case SMS_BY_SENDER: return c->sender;
	case SMS_BY_HOUR: return (uint64_t)(c->minute_ms / HOUR_MS);
	default: return 0;
	}
}

struct keyed { uint64_t key; size_t cell; };

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	return x->key == y->key ? (x->cell > y->cell) - (x->cell < y->cell) : x->key < y->key ? -1 :
		1;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static struct sms_group group_of(const struct sms_counts *c, const struct keyed *k, size_t n,
				 enum sms_by by)
{
	const struct cell *first = &c->cells[k[0].cell];
	struct sms_group g = { .key = "", .code = by == SMS_BY_CODE ? first->code : 0 };
	uint32_t *orgs = by == SMS_BY_CODE ? xcalloc(n, sizeof(*orgs)) : NULL;

	if (by == SMS_BY_STATUS)
		g.key = c->names.v[first->status];
	else if (by == SMS_BY_ORG)
		g.key = c->names.v[first->org];
	else if (by == SMS_BY_SENDER)
		g.key = c->names.v[first->sender];
	if (by == SMS_BY_HOUR)
		g.at_ms = first->minute_ms / HOUR_MS * HOUR_MS;
	for (size_t i = 0; i < n; i++) {
		const struct cell *x = &c->cells[k[i].cell];

		count(&g, c->names.v[x->status], x->n);
		if (orgs)
			orgs[i] = x->org;
	}
	if (orgs) {
		qsort(orgs, n, sizeof(*orgs), compare_u32);
		for (size_t i = 0; i < n; i++)
			g.orgs += i == 0 || orgs[i] != orgs[i - 1];
		free(orgs);
	}
	return g;
}

struct sms_group *sms_counts_by(const struct sms_counts *c, enum sms_by by, int64_t from_ms,
				const char *org, size_t *ret_n)
{
	struct keyed *k = xcalloc(c->n + 1, sizeof(*k));
	struct sms_group *out = NULL;
	size_t n = 0, groups = 0, cap = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct cell *x = &c->cells[i];

		if (x->minute_ms >= from_ms && (!org || str_eq(c->names.v[x->org], org)) &&
		    (by != SMS_BY_CODE || str_has_prefix(c->names.v[x->status], "failed") ||
		     str_has_prefix(c->names.v[x->status], "undelivered")))
			k[n++] = (struct keyed){ key_of(x, by), i };
	}
	qsort(k, n, sizeof(*k), by_key);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && k[end].key == k[i].key; end++)
			;
		out = grow(out, &cap, groups + 1, sizeof(*out));
		out[groups++] = group_of(c, k + i, end - i, by);
	}
	free(k);
	if (groups)
		qsort(out, groups, sizeof(*out), by == SMS_BY_HOUR ? by_time : by_size);
	*ret_n = groups;
	return out;
}

/* ---- failed messages ------------------------------------------------------------------------ */

static const char *const failure_sql[] = {
	[SMS_MESSAGELOG] =
		"SELECT id, \"createdAt\", \"orgId\", \"from\", \"to\", status,"
		" metadata->>'twilioErrorCode', metadata->>'twilioErrorMessage', channel,"
		" CASE WHEN $7 THEN content END FROM \"MessageLog\""
		" WHERE direction = 'outbound' AND status IN ('failed', 'undelivered')"
		" AND \"createdAt\" >= $1 AND \"createdAt\" <= $2"
		" AND ($3 = '' OR (\"createdAt\", id) < ($2, $3))"
		" AND ($4::text IS NULL OR \"orgId\" = $4)"
		" AND ($5::text IS NULL OR metadata->>'twilioErrorCode' = $5)"
		" AND ($6::text IS NULL OR \"from\" = $6)"
		" ORDER BY \"createdAt\" DESC, id DESC LIMIT $8",
	[SMS_MESSAGES] =
		"SELECT id, created_at, tenant_id, from_number, to_number, status, error_code,"
		" error_message, 'sms', CASE WHEN $7 THEN message_body END FROM sms_messages"
		" WHERE status IN ('failed', 'undelivered') AND created_at >= $1 AND created_at <="
		" $2 AND ($3 = '' OR (created_at, id) < ($2, $3))"
		" AND ($4::text IS NULL OR tenant_id = $4) AND ($5::text IS NULL OR error_code ="
		" $5) AND ($6::text IS NULL OR from_number = $6) ORDER BY created_at DESC, id DESC"
		" LIMIT $8",
};

static char *text_at(const struct pg_result *r, int row, int col)
{
	return pg_null(r, row, col) ? NULL : xstrdup(pg_text(r, row, col));
}

int sms_failures(struct pg_conn *conn, const struct sms_filter *f, struct sms_failure **ret,
		 size_t *ret_n, char **ret_cursor, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	const char *after = f->cursor ? strchr(f->cursor, ':') : NULL;
	int64_t until = INT64_C(32503680000000); /* the year 3000: no cursor, no upper bound */
	int e, n;

	if (!str_empty(f->cursor)) {
		_cleanup_(free_p) char *ms = xstrndup(f->cursor,
						      after ? (size_t)(after - f->cursor) : 0);
		if (!after || !parse_i64(ms, 1, until, &until))
			return err_field(err, ERR_INVALID, "cursor", "not a cursor of this list");
	}
	e = pg_run(conn, &r, err, failure_sql[f->source], "mmttttbi", f->since_ms, until,
		   after ? after + 1 : "", f->org, f->code, f->sender, (int)f->content, f->limit);
	if (e < 0)
		return e;
	n = pg_rows(r);
	*ret = xcalloc((size_t)n + 1, sizeof(**ret));
	*ret_n = (size_t)n;
	for (int i = 0; i < n; i++)
		(*ret)[i] = (struct sms_failure){
			.id = text_at(r, i, 0), .at_ms = pg_time(r, i, 1), .org = text_at(r, i, 2),
			.from = text_at(r, i, 3), .to = text_at(r, i, 4),
			.status = text_at(r, i, 5),
			.code = text_at(r, i, 6), .message = text_at(r, i, 7),
			.channel = text_at(r, i, 8),
			.content = text_at(r, i, 9),
		};
	*ret_cursor = n && n == f->limit ? xasprintf("%lld:%s", (long long)(*ret)[n - 1].at_ms,
						      (*ret)[n - 1].id) : NULL;
	return 0;
}

void sms_failures_free(struct sms_failure *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rows[i].id);
		free(rows[i].org);
		free(rows[i].from);
		free(rows[i].to);
		free(rows[i].status);
		free(rows[i].code);
		free(rows[i].message);
		free(rows[i].channel);
		free(rows[i].content);
	}
	free(rows);
}
