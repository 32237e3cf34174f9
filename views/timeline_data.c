/*
 * Pages of the timeline. Invariant: rows are in one order, newest first, without a hole
 * between them; never more than TIMELINE_MOST are kept, the far side is dropped and can be
 * fetched again by the position of what is left. One question is under way at a time; a
 * search that the engine left off goes on where it was, row found or not.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "views/timeline.h"

enum { NEAR = 40, MOVED_MS = 1000, AGAIN_MS = 3000, SKEW_MS = 300000 };

void timeline_pages_init(struct timeline_pages *p, struct app *a)
{
	*p = (struct timeline_pages){ .app = a };
}

static void drop(struct timeline_pages *p, size_t from, size_t to)
{
	if (from >= to)
		return;
	for (size_t i = from; i < to; i++)
		record_fini(&timeline_entry_type, &p->rows[i]);
	memmove(p->rows + from, p->rows + to, (p->n - to) * sizeof(*p->rows));
	p->n -= to - from;
}

void timeline_pages_fini(struct timeline_pages *p)
{
	if (p->request)
		client_cancel(TAKE(p->request));
	drop(p, 0, p->n);
	free_p(&p->rows);
}

/* ---- questions ---- */

static void query(struct str *b, const char *name, const char *value)
{
	if (str_empty(value))
		return;
	str_addf(b, "&%s=", name);
	str_add_urlencoded(b, value);
}

/* A row's position, as the engine writes it. */
static void cursor_of(const struct timeline_entry *e, char *buf, size_t n)
{
	snprintf(buf, n, "%lld-%c-%s", (long long)e->happened_at_ms, e->id[0],
	         strchr(e->id, ':') ? strchr(e->id, ':') + 1 : "0");
}

static void got(void *ctx, int status, const struct json *doc, const char *problem);

static void ask(struct timeline_pages *p, int what, const char *cursor, int64_t at_ms)
{
	struct str b = STR_INIT(2000);
	char time[TIME_TEXT];

	str_addf(&b, "/api/v1/timeline?limit=%d", TIMELINE_PAGE);
	query(&b, "incident", p->incident);
	query(&b, "lane", str_eq(p->lane, "pinned") ? NULL : p->lane);
	query(&b, "pinned", str_eq(p->lane, "pinned") ? "1" : NULL);
	query(&b, "q", p->q);
	query(&b, "noise", p->noise ? "1" : NULL);
	query(&b, "cursor", cursor);
	query(&b, "forward", what == ASK_NEWER ? "1" : NULL);
	query(&b, "at", at_ms ? format_time(time, at_ms) : NULL);
	query(&b, "to", p->to_ms ? format_time(time, p->to_ms) : NULL);
	p->asked = (unsigned)what;
	p->asked_ms = loop_now_ms(p->app->loop);
	p->seq = client_state(p->app->client)->seq;
	p->request = client_get(p->app->client, str_get(&b), got, p);
	str_fini(&b);
}

/* Rows of the answer in its order; next: where it goes on, "" when nothing lies beyond. */
static struct timeline_entry *rows_of(const struct json *doc, size_t *ret_n, char next[64])
{
	const char *cursor = json_get_str(doc, "nextCursor");
	size_t n = 0;
	struct timeline_entry *v = records_read(&timeline_entry_type, json_get(doc, "entries"), &n);

	for (size_t i = 0; i < n;) /* without a position a row is of no use */
		if (str_empty(v[i].id)) {
			record_fini(&timeline_entry_type, &v[i]);
			memmove(&v[i], &v[i + 1], (--n - i) * sizeof(*v));
		} else {
			i++;
		}
	*ret_n = n;
	snprintf(next, 64, "%s", cursor ? cursor : "");
	return v;
}

static void reverse(struct timeline_entry *v, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct timeline_entry x = v[i];
		v[i] = v[n - 1 - i];
		v[n - 1 - i] = x;
	}
}

static void insert(struct timeline_pages *p, size_t at, struct timeline_entry *v, size_t n)
{
	if (!n)
		return;
	p->rows = xrealloc(p->rows, (p->n + n + 1) * sizeof(*p->rows));
	memmove(p->rows + at + n, p->rows + at, (p->n - at) * sizeof(*p->rows));
	memcpy(p->rows + at, v, n * sizeof(*v));
	p->n += n;
}

static void got(void *ctx, int status, const struct json *doc, const char *problem)
{
	struct timeline_pages *p = ctx;
	struct timeline_entry *v;
	int asked = (int)p->asked;
	char next[64];
	size_t n;

	p->request = NULL;
	p->asked = ASK_NONE;
	if (status != 200) {
		snprintf(p->problem, sizeof(p->problem), "%s",
		         problem ? problem : "the engine did not answer");
		p->changed(p->ctx);
		return;
	}
	p->problem[0] = '\0';
	v = rows_of(doc, &n, next);
	if (asked == ASK_NEWER) {
		reverse(v, n);
		insert(p, 0, v, n);
		p->newest = !next[0];
		memcpy(p->newer, next, sizeof(next));
		if (p->n > TIMELINE_MOST) {
			drop(p, TIMELINE_MOST, p->n);
			p->oldest = false;
			p->older[0] = '\0';
		}
	} else {
		if (asked == ASK_SEEK) {
			drop(p, 0, p->n);
			p->loaded = true;
			p->newer[0] = '\0';
		}
		insert(p, p->n, v, n);
		p->oldest = !next[0];
		memcpy(p->older, next, sizeof(next));
		if (p->n > TIMELINE_MOST) {
			drop(p, 0, p->n - TIMELINE_MOST);
			p->newest = false;
			p->newer[0] = '\0';
		}
	}
	if (p->newest && asked != ASK_OLDER)
		p->newest_ms = loop_wall_ms(p->app->loop);
	free_p(&v);
	p->changed(p->ctx);
}

void timeline_seek(struct timeline_pages *p, int64_t at_ms)
{
	if (p->request)
		client_cancel(TAKE(p->request));
	p->newest = at_ms == 0;
	ask(p, ASK_SEEK, NULL, at_ms ? at_ms + 1 : 0);
}

/* Behind the newest row; what was searched since and did not match is not searched again. */
static void ask_newer(struct timeline_pages *p)
{
	int64_t since = p->newest ? p->newest_ms - SKEW_MS : 0;
	char cursor[64];

	if (p->newer[0])
		memcpy(cursor, p->newer, sizeof(cursor));
	else if (p->q[0] && since > (p->n ? p->rows[0].happened_at_ms : 0))
		snprintf(cursor, sizeof(cursor), "%lld-j-0", (long long)since);
	else
		cursor_of(&p->rows[0], cursor, sizeof(cursor));
	ask(p, ASK_NEWER, cursor, 0);
}

static void ask_older(struct timeline_pages *p)
{
	char cursor[64];

	if (p->older[0])
		memcpy(cursor, p->older, sizeof(cursor));
	else
		cursor_of(&p->rows[p->n - 1], cursor, sizeof(cursor));
	ask(p, ASK_OLDER, cursor, 0);
}

void timeline_near(struct timeline_pages *p, size_t i)
{
	int64_t age = loop_now_ms(p->app->loop) - p->asked_ms;
	bool moved = p->newest && client_state(p->app->client)->seq != p->seq && age >= MOVED_MS;
	bool search = p->q[0] && p->newest_ms > SKEW_MS;

	if (p->request || (p->problem[0] && age < AGAIN_MS))
		return;
	if (!p->loaded || (!p->n && p->oldest && moved && !search)) {
		if (!p->loaded || age >= MOVED_MS)
			timeline_seek(p, 0);
	} else if (!p->oldest && i + NEAR >= p->n && (p->n || p->older[0])) {
		ask_older(p);
	} else if (((p->n && !p->newest && i < NEAR) || (moved && (p->n || search))) && !p->to_ms) {
		ask_newer(p);
	}
}
