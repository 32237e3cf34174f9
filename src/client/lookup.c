/*
 * Answers to single requests out of the database, while that is what the console is on:
 * windows of agents, by the query that the API serves. Everything else has to wait for an
 * engine.
 */
#include "client/internal.h"
#include "read/agents.h"

#include <string.h>

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000, ANSWER_MAX = 4 << 20 };

static const char agents_path[] = "/api/v1/agents";

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
		x->result = agents(x, conn);
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
	size_t n = strlen(agents_path);

	return c->link == LINK_DATABASE && fallback_pool(c) && strncmp(path, agents_path, n) == 0 &&
	       (path[n] == '\0' || path[n] == '?');
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
