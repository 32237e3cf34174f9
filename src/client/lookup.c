/*
 * Answers to single requests out of the database, while that is what the console is on: windows of
 * agents, calls, the timeline, by the queries that the API serves. Everything else has to wait
 * for an engine.
 */
#include "client/internal.h"
#include "read/agents.h"
#include "read/calls.h"
#include "read/timeline.h"

#include <string.h>

enum {
	LIMIT_DEFAULT = 100, LIMIT_MAX = 1000, ANSWER_MAX = 4 << 20, TIMELINE_DEFAULT = 200,
	HOUR_MS = 3600000,
};

struct lookup {
	struct client *client;
	struct task *task;
	char *path;
	lookup_done done;
	void *ctx;
	struct str out;
	struct err err;
	int result;
};

/* ---- the query string ---------------------------------------------------------------------- */

static void add_decoded(struct str *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char hex[3] = { 0 }, c;

		if (s[i] == '%' && i + 2 < n) {
			memcpy(hex, s + i + 1, 2);
			if (hex_decode(hex, &c, 1)) {
				str_addc(out, c);
				i += 2;
				continue;
			}
		}
		str_addc(out, s[i] == '+' ? ' ' : s[i]);
	}
}

/* The value of a parameter, decoded; NULL when it is not there or empty. Caller frees. */
static char *parameter(const char *path, const char *name)
{
	const char *p = strchr(path, '?');
	size_t len = strlen(name);
	struct str value = STR_INIT(1000);

	while (p) {
		const char *from = p + 1, *end = strchrnul(from, '&');

		if (strncmp(from, name, len) == 0 && from[len] == '=') {
			add_decoded(&value, from + len + 1, (size_t)(end - from) - len - 1);
			break;
		}
		p = *end ? end : NULL;
	}
	if (value.len)
		return str_take(&value);
	str_fini(&value);
	return NULL;
}

static int64_t number(const char *path, const char *name, int64_t max, int64_t otherwise)
{
	_cleanup_(free_p) char *text = parameter(path, name);
	int64_t v;

	return text && parse_i64(text, 0, max, &v) ? v : otherwise;
}

/* ---- agents --------------------------------------------------------------------- */

static int agents(struct lookup *x, struct pg_conn *conn)
{
	_cleanup_(free_p) char *q = parameter(x->path, "q"), *sort = parameter(x->path, "sort"),
			       *account = parameter(x->path, "accountId"),
			       *home = parameter(x->path, "homeAccountId"),
			       *outcome = parameter(x->path, "outcome");
	struct agents_window win = { .q = q, .sort = sort, .account = account, .home = home,
				     .outcome = outcome,
				     .offset = number(x->path, "offset", INT64_MAX, 0),
				     .limit = number(x->path, "limit", LIMIT_MAX, LIMIT_DEFAULT) };
	struct jw w = JW(&x->out);
	struct agent *rows = NULL;
	int64_t total = 0;
	size_t n = 0;
	int r = read_agents(conn, &win, &rows, &n, &total, &x->err);

	if (r < 0)
		return r;
	jw_obj(&w, NULL);
	jw_i64(&w, "total", total);
	jw_i64(&w, "offset", win.offset);
	jw_arr(&w, "agents");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &agent_type, &rows[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	read_agents_free(rows, n);
	return 0;
}

/* ---- calls, the timeline -------------------------------------------------------- */

static int calls(struct lookup *x, struct pg_conn *conn)
{
	int64_t hours = number(x->path, "hours", CALLS_MOST_H, CALLS_DAY_H);
	struct jw w = JW(&x->out);

	return read_calls(conn, client_server_now_ms(x->client), hours ? hours : 1, &w, &x->err);
}

static bool flag(const char *path, const char *name)
{
	return number(path, name, 1, 0) == 1;
}

static int64_t instant(const char *path, const char *name)
{
	_cleanup_(free_p) char *text = parameter(path, name);
	int64_t ms = 0;

	return text && parse_time_ms(text, &ms) ? ms : 0;
}

/* An hour before it began to an hour after it was over, as the API has it. */
static void window_of(const struct client *c, struct timeline_window *w)
{
	for (size_t i = 0; w->incident && i < c->state.n_incidents; i++) {
		const struct incident *in = &c->state.incidents[i];
		int64_t end = in->closed_at_ms ? in->closed_at_ms : in->resolved_at_ms;
		int64_t begin = in->declared_at_ms;

		if (!str_eq(in->id, w->incident))
			continue;
		if (in->started_at_ms && in->started_at_ms < begin)
			begin = in->started_at_ms;
		if (!w->from_ms)
			w->from_ms = begin - HOUR_MS;
		if (!w->to_ms && end)
			w->to_ms = end + HOUR_MS;
	}
}

static int timeline(struct lookup *x, struct pg_conn *conn)
{
	_cleanup_(free_p) char *incident = parameter(x->path, "incident"),
			       *cursor = parameter(x->path, "cursor"),
			       *lane = parameter(x->path, "lane"), *q = parameter(x->path, "q"),
			       *next = NULL;
	struct timeline_window win = {
		.incident = incident, .cursor = cursor, .lane = lane, .q = q,
		.forward = flag(x->path, "forward"), .noise = flag(x->path, "noise"),
		.pinned = flag(x->path, "pinned"), .from_ms = instant(x->path, "from"),
		.to_ms = instant(x->path, "to"), .at_ms = instant(x->path, "at"),
		.limit = number(x->path, "limit", LIMIT_MAX, TIMELINE_DEFAULT),
	};
	struct timeline_entry *rows = NULL;
	struct jw w = JW(&x->out);
	size_t n = 0;
	int r;

	window_of(x->client, &win);
	r = read_timeline(conn, &win, &rows, &n, &next, &x->err);
	if (r < 0)
		return r;
	timeline_json(&w, rows, n, next);
	records_free(&timeline_entry_type, rows, n);
	return 0;
}

typedef int (*answer_fn)(struct lookup *x, struct pg_conn *conn);

static const struct { const char *path; answer_fn answer; } known[] = {
	{ "/api/v1/agents", agents },
	{ "/api/v1/calls", calls },
	{ "/api/v1/timeline", timeline },
};

static int known_at(const char *path)
{
	size_t n = strcspn(path, "?");

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strlen(known[i].path) == n && memcmp(path, known[i].path, n) == 0)
			return (int)i;
	return -1;
}

/* ---- the task ------------------------------------------------------------------- */

static void run(void *arg)
{
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	struct lookup *x = arg;
	struct pg_pool *pool = fallback_pool(x->client);

	if (!pool)
		x->result = err_set(&x->err, ERR_UNREACHABLE, "the database was left meanwhile");
	else
		x->result = pg_acquire(pool, &conn, &x->err);
	if (x->result == 0)
		x->result = known[known_at(x->path)].answer(x, conn);
}

static void ended(void *arg)
{
	struct lookup *x = arg;

	x->done(x->ctx, x->result == 0 ? &x->out : NULL, x->err.msg);
	str_fini(&x->out);
	free_p(&x->path);
	free_p(&x);
}

bool lookup_knows(const struct client *c, const char *path)
{
	return c->link == LINK_DATABASE && fallback_pool(c) && known_at(path) >= 0;
}

struct lookup *lookup_start(struct client *c, const char *path, lookup_done done, void *ctx)
{
	struct lookup *x = xcalloc(1, sizeof(*x));

	x->client = c;
	x->path = xstrdup(path);
	x->done = done;
	x->ctx = ctx;
	x->out = STR_INIT(ANSWER_MAX);
	x->task = task_start(c->loop, "lookup", run, x, ended);
	return x;
}

void lookup_cancel(struct lookup *x)
{
	task_cancel(x->task);
}
