/* See live.h. One task: checks the database, writes or reads the leader's document, and
 * publishes it with this engine's own part (peers, people). */
#include "engine/live.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "core/task.h"
#include "engine/parts.h"
#include "engine/presence.h"
#include "read/impact.h"
#include "store/accounts.h"
#include "store/control.h"
#include "store/lease_row.h"
#include "store/outbox.h"
#include "store/store.h"

enum { TICK_MS = 1000, SAVE_EVERY = 2, CHECK_EVERY = 2, IMPACT_EVERY = 15, ACCOUNTS_EVERY = 3 };

struct live {
	struct engine *e;
	struct task *task;
	struct condition wake;
	bool stopping;
	int64_t ticks;
	bool database_ok, durable;
	char database_why[300];
	int64_t waiting, dead;
	struct impact impact;
	char *leader_doc;		/* parts that the leader wrote; for followers */
	char *last;			/* what was published last, without the time */
	int64_t accounts_since_ms;	/* newest check of an account that was published */
};

bool live_database_ok(const struct live *l)
{
	return l && l->database_ok;
}

const char *live_database_why(const struct live *l)
{
	return l ? l->database_why : "the database was not looked at yet";
}

static void check_database(struct live *l)
{
	struct engine *e = l->e;
	struct err err = { 0 };
	int r = store_check(e->store, e->o->failover->quorum_durable, &l->durable, &err);

	l->database_ok = r == 0;
	snprintf(l->database_why, sizeof(l->database_why), "%s", r == 0 ? "" : err.msg);
	if (r < 0)
		return;
	outbox_counts(e->store, &l->waiting, &l->dead, &err);
	if (engine_beat(e->store, e->address, e->o->version, loop_wall_ms(e->loop) -
			(loop_now_ms(e->loop) - e->started_ms), &err) < 0)
		log_debug("live", "%s", err.msg);
}

static void refresh_impact(struct live *l)
{
	_cleanup_(pg_release_p) struct pg_conn *c = NULL;
	struct err err = { 0 };

	if (pg_acquire(l->e->store->pool, &c, &err) < 0 ||
	    read_impact(c, loop_wall_ms(l->e->loop), &l->impact, &err) < 0)
		log_debug("live", "impact: %s", err.msg);
}

static void add_peers(struct live *l, struct jw *w)
{
	struct engine *e = l->e;
	struct engine_row *rows = NULL;
	struct err err = { 0 };
	size_t n = 0;

	if (!l->database_ok || engines_list(e->store, &rows, &n, &err) < 0)
		return;
	jw_arr(w, "peers");
	for (size_t i = 0; i < n; i++) {
		bool leads = str_eq(rows[i].id, lease_holder(e->lease));
		struct peer p = { rows[i].id, rows[i].address, leads, rows[i].seen_at_ms,
				  leads ? lease_epoch(e->lease) : 0 };

		record_json(w, NULL, &peer_type, &p);
	}
	jw_arr_end(w);
	engines_free(rows, n);
}

/* What the leader alone knows, as members. */
static void add_leader_parts(struct live *l, struct jw *w)
{
	parts_live(l->e, w);
	record_json(w, "impact", &impact_type, &l->impact);
}

static void save_leader_parts(struct live *l)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	struct err err = { 0 };

	jw_obj(&w, NULL);
	add_leader_parts(l, &w);
	jw_obj_end(&w);
	if (!str_eq(b.s, l->leader_doc) && live_put(l->e->store, "leader", b.s, &err) == 0)
		str_replace(&l->leader_doc, b.s);
	str_fini(&b);
}

static void read_leader_parts(struct live *l)
{
	struct err err = { 0 };
	int64_t at;
	char *doc = NULL;

	if (live_get(l->e->store, "leader", &doc, &at, &err) == 0 && doc) {
		free_p(&l->leader_doc);
		l->leader_doc = TAKE(doc);
	}
}

/* Figures of accounts that were checked since the last time; their state is journaled, the
 * figures alone are not. Apart from the rest, so that an unchanged document stays unsent. */
static void publish_accounts(struct live *l)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	struct account *rows = NULL;
	struct err err = { 0 };
	int64_t newest = l->accounts_since_ms;
	size_t n = 0, changed = 0;

	if (accounts_list(l->e->store, &rows, &n, &err) < 0)
		return;
	jw_obj(&w, NULL);
	jw_arr(&w, "accounts");
	for (size_t i = 0; i < n; i++) {
		if (rows[i].last_check_ms <= l->accounts_since_ms)
			continue;
		if (rows[i].last_check_ms > newest)
			newest = rows[i].last_check_ms;
		account_json(&w, NULL, &rows[i]);
		changed++;
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	accounts_free(rows, n);
	l->accounts_since_ms = newest;
	if (changed)
		hub_live(l->e->hub, b.s);
	str_fini(&b);
}

/* The leader's members, spliced into ours. */
static void splice(struct jw *w, const char *doc)
{
	struct json *j = doc ? json_parse(doc, strlen(doc), NULL) : NULL;

	for (const struct json *v = json_first(j); v; v = json_next(v))
		jw_json(w, json_name(v), v);
	json_free(j);
}

static void publish(struct live *l)
{
	struct engine *e = l->e;
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	jw_str(&w, "leader", lease_holder(e->lease));
	jw_str(&w, "environment", e->environment);
	jw_bool(&w, "production", e->production);
	jw_bool(&w, "demo", e->demo);
	jw_bool(&w, "databaseOk", l->database_ok);
	jw_str(&w, "databaseWhy", l->database_why);
	jw_i64(&w, "outboxWaiting", l->waiting);
	jw_i64(&w, "outboxDead", l->dead);
	if (lease_held(e->lease))
		add_leader_parts(l, &w);
	else
		splice(&w, l->leader_doc);
	add_peers(l, &w);
	presence_json(e->presence, &w, "people", loop_now_ms(e->loop));
	jw_obj_end(&w);
	/* unchanged: the stream's heartbeat is enough */
	if (!str_eq(b.s, l->last)) {
		str_replace(&l->last, b.s);
		hub_live(e->hub, b.s);
	}
	str_fini(&b);
}

static void run(void *arg)
{
	struct live *l = arg;

	while (!l->stopping && !task_cancelled()) {
		l->e->turn_ms = loop_now_ms(l->e->loop);
		if (l->ticks % CHECK_EVERY == 0)
			check_database(l);
		if (l->database_ok && l->ticks % IMPACT_EVERY == 0 && lease_held(l->e->lease))
			refresh_impact(l);
		if (l->database_ok && l->ticks % SAVE_EVERY == 0) {
			if (lease_held(l->e->lease))
				save_leader_parts(l);
			else
				read_leader_parts(l);
		}
		publish(l);
		if (l->database_ok && hub_loaded(l->e->hub) && l->ticks % ACCOUNTS_EVERY == 0)
			publish_accounts(l);
		l->ticks++;
		condition_wait(&l->wake, TICK_MS);
	}
}

static void ended(void *arg)
{
	struct live *l = arg;

	l->task = NULL;
}

struct live *live_new(struct engine *e)
{
	struct live *l = xcalloc(1, sizeof(*l));

	l->e = e;
	l->impact = IMPACT_UNKNOWN;
	snprintf(l->database_why, sizeof(l->database_why), "not looked at yet");
	l->task = task_start(e->loop, "live", run, l, ended);
	return l;
}

void live_stop(struct live *l)
{
	if (!l)
		return;
	l->stopping = true;
	if (l->task)
		task_cancel(l->task);
}

void live_free(struct live *l)
{
	if (!l)
		return;
	free_p(&l->leader_doc);
	free_p(&l->last);
	free_p(&l);
}
