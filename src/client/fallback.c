/*
 * The database itself, when no engine has answered for a while: every 2 s one read-only
 * statement on one connection, which is given back as soon as an engine answers again.
 *
 * Invariant: what was read is shown only if the engines are still away when it arrives;
 * after that the next link begins with a snapshot of its own, as an engine knows more
 * (people, its own state).
 */
#include "client/internal.h"
#include "read/impact.h"
#include "read/snapshot.h"

#include <stdio.h>
#include <string.h>

enum {
	AWAY_MS = 5000,			/* engines silent for so long: ask the database */
	RACE_MS = 1500,			/* but let the other engines answer first */
	EVERY_MS = 2000,
	LIMIT_MS = 5000,		/* connecting, and a statement */
	IMPACT_EVERY_MS = 15000,
	LEASE_MS = 15000,
};

struct fallback {
	struct client *client;
	struct task *task;
	struct condition wake;
	struct pg_pool *pool;
	struct impact impact;
	int64_t impact_ms;
	int64_t counter, counter_ms;	/* of the lease, and when it last moved */
};

/* ---- one reading ----------------------------------------------------------------------- */

/* Whether the lease's holder is alive: its counter moves. The first time only its clock tells. */
static bool leads(struct fallback *f, const struct snapshot_head *h)
{
	struct client *c = f->client;
	int64_t now = loop_now_ms(c->loop), old;

	if (!f->counter_ms) {
		old = client_server_now_ms(c) - h->lease_renewed_at_ms;
		f->counter_ms = now - (old < 0 ? 0 : old);
	} else if (f->counter != h->lease_counter) {
		f->counter_ms = now;
	}
	f->counter = h->lease_counter;
	return !str_empty(h->holder) && now - f->counter_ms < LEASE_MS;
}

static int read_parts(struct fallback *f, struct str *out, struct snapshot_head *head,
		      struct err *err)
{
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	struct client *c = f->client;
	int64_t now = client_server_now_ms(c);
	struct jw w = JW(out);
	int r = pg_acquire(f->pool, &conn, err);

	if (r < 0)
		return r;
	jw_obj(&w, NULL);
	r = read_snapshot(conn, now, &w, head, err);
	if (r < 0)
		return r;
	jw_i64(&w, "seq", head->seq);
	jw_time(&w, "at", now);
	jw_bool(&w, "databaseOk", true);
	jw_str(&w, "environment", head->environment);
	jw_str(&w, "leader", leads(f, head) ? head->holder : NULL);
	jw_bool(&w, "production", c->state.production);
	jw_bool(&w, "demo", c->state.demo);
	if (!f->impact_ms || loop_now_ms(c->loop) - f->impact_ms >= IMPACT_EVERY_MS) {
		f->impact_ms = loop_now_ms(c->loop);
		read_impact(conn, now, &f->impact, NULL);
	}
	jw_obj_end(&w);
	return task_cancelled() ? ERR_CANCELLED : 0;
}

static int load(struct fallback *f, const struct str *text, const struct snapshot_head *head,
		struct err *err)
{
	struct client *c = f->client;
	_cleanup_(json_free_p) struct json *doc = json_parse(str_get(text), text->len, err);
	_cleanup_(json_free_p) struct json *live =
		head->live ? json_parse(head->live, strlen(head->live), NULL) : NULL;
	struct state fresh;
	int64_t at;
	int r;

	state_init(&fresh);
	r = doc ? state_load(&fresh, doc, err) : ERR_FAILED;
	if (r < 0) {
		state_fini(&fresh);
		return r;
	}
	at = fresh.now_ms;
	if (live) /* gates, figures; what it says of engines and time is older than ours */
		state_live(&fresh, live, NULL);
	fresh.now_ms = at;
	fresh.impact = f->impact;
	fresh.database_ok = true;
	c->need_snapshot = true;
	client_replace(c, &fresh);
	return 0;
}

static void failed(struct client *c, const struct err *err)
{
	client_set_db_trouble(c, err->msg);
	if (c->link == LINK_DATABASE && client_db_age_ms(c) > AWAY_MS)
		client_set_link(c, LINK_SAVED);
}

static bool away(const struct client *c)
{
	return !c->connected && !c->opening && !c->dying;
}

static void poll_once(struct fallback *f)
{
	struct client *c = f->client;
	struct str text = STR_INIT((size_t)32 << 20);
	struct snapshot_head head = { 0 };
	struct err err = { 0 };
	int r = read_parts(f, &text, &head, &err);

	if (away(c)) {
		if (r == 0)
			r = load(f, &text, &head, &err);
		if (r == 0) {
			client_heard_database(c);
			client_set_db_trouble(c, "");
			client_set_link(c, LINK_DATABASE);
		} else if (r != ERR_CANCELLED) {
			failed(c, &err);
		}
	}
	snapshot_head_fini(&head);
	str_fini(&text);
}

/* ---- the task ---------------------------------------------------------------------------- */

/* How long until the database is to be asked; 0 = now, -1 = not before the link is lost. */
static int64_t until_due(const struct client *c)
{
	int64_t silent = c->byte_ms > 0 ? c->byte_ms : c->lost_ms, due = silent + AWAY_MS;
	int64_t now = loop_now_ms(c->loop);

	if (c->connected)
		return -1;
	if (c->n_apis == 0)
		return 0;
	if (due < c->lost_ms + RACE_MS)
		due = c->lost_ms + RACE_MS;
	return now >= due ? 0 : due - now;
}

static struct pg_pool *open_pool(const struct client *c)
{
	struct pg_options o = { .url = c->database, .max_connections = 1,
				.connect_timeout_ms = LIMIT_MS, .statement_timeout_ms = LIMIT_MS,
				.application_name = "ringdown console", .read_only = true };

	return pg_pool_new(c->loop, &o);
}

static void run(void *arg)
{
	struct fallback *f = arg;

	while (!task_cancelled()) {
		int64_t wait = until_due(f->client);

		if (wait == 0) {
			if (!f->pool)
				f->pool = open_pool(f->client);
			poll_once(f);
			wait = EVERY_MS;
		}
		if (f->client->connected && f->pool) {
			pg_pool_free(TAKE(f->pool));
			f->impact_ms = f->counter_ms = 0;
			client_set_db_trouble(f->client, "");
		}
		condition_wait(&f->wake, wait);
	}
	pg_pool_free(TAKE(f->pool));
}

static void ended(void *arg)
{
	struct fallback *f = arg;
	struct client *c = f->client;

	c->fallback = NULL;
	free_p(&f);
	client_maybe_free(c);
}

void fallback_start(struct client *c)
{
	struct fallback *f;

	if (!c->database)
		return;
	f = c->fallback = xcalloc(1, sizeof(*f));
	f->client = c;
	f->impact = IMPACT_UNKNOWN;
	f->task = task_start(c->loop, "fallback", run, f, ended);
}

void fallback_wake(struct client *c)
{
	if (c->fallback)
		condition_wake(&c->fallback->wake);
}

void fallback_stop(struct client *c)
{
	if (c->fallback)
		task_cancel(c->fallback->task);
}

struct pg_pool *fallback_pool(const struct client *c)
{
	return c->fallback ? c->fallback->pool : NULL;
}
