/*
 * See live.h. One task: checks the database, writes or reads the leader's document, and
 * publishes what of it, and of this engine's own part (peers, people), differs from the
 * hub's state, which is what every reader has.
 *
 * Invariant: nothing is published before the hub has read the database once; it would be
 * folded into a state that the first read replaces.
 */
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
	char *leader_doc;		/* parts that the leader wrote */
	struct state theirs;		/* the same, folded; for followers */
	bool theirs_known, unsaved;
	char *people;			/* as published last */
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

/* ---- the leader's document in the database ------------------------------------------------ */

static void save_leader_parts(struct live *l)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	struct err err = { 0 };

	if (!l->unsaved)
		return;
	jw_obj(&w, NULL);
	parts_live(l->e, &w);
	record_json(&w, "impact", &impact_type, &l->impact);
	jw_obj_end(&w);
	if (str_eq(b.s, l->leader_doc)) {
		l->unsaved = false;
	} else if (live_put(l->e->store, "leader", b.s, &err) == 0) {
		str_replace(&l->leader_doc, b.s);
		l->unsaved = false;
	}
	l->theirs_known = false;
	str_fini(&b);
}

static void read_leader_parts(struct live *l)
{
	_cleanup_(json_free_p) struct json *j = NULL;
	_cleanup_(free_p) char *doc = NULL;
	struct err err = { 0 };
	int64_t at;

	l->unsaved = true; /* should we lead one day */
	if (live_get(l->e->store, "leader", &doc, &at, &err) < 0 || !doc ||
	    (l->theirs_known && str_eq(doc, l->leader_doc)))
		return;
	j = json_parse(doc, strlen(doc), NULL);
	if (!j || state_live(&l->theirs, j, NULL) < 0)
		return;
	l->theirs_known = true;
	free_p(&l->leader_doc);
	l->leader_doc = TAKE(doc);
}

/* ---- publishing ------------------------------------------------------------------------------ */

static void add_peers(struct live *l, const struct state *have, struct jw *w)
{
	struct engine *e = l->e;
	struct engine_row *rows = NULL;
	struct err err = { 0 };
	struct peer *peers;
	size_t n = 0;

	if (!l->database_ok || engines_list(e->store, &rows, &n, &err) < 0)
		return;
	peers = xcalloc(n + 1, sizeof(*peers));
	for (size_t i = 0; i < n; i++) {
		bool leads = str_eq(rows[i].id, lease_holder(e->lease));

		peers[i] = (struct peer){ rows[i].id, rows[i].address, leads, rows[i].seen_at_ms,
					  leads ? lease_epoch(e->lease) : 0 };
	}
	live_peers(w, have, peers, n);
	free_p(&peers);
	engines_free(rows, n);
}

static void add_people(struct live *l, struct jw *w)
{
	struct engine *e = l->e;
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	presence_json(e->presence, &JW(&b), NULL, loop_now_ms(e->loop));
	if (!str_eq(str_get(&b), l->people)) {
		str_replace(&l->people, str_get(&b));
		jw_raw(w, "people", str_get(&b));
	}
	str_fini(&b);
}

/* Gates, cycle time, impact: ours while we lead, else what the leader left. */
static void add_leader_parts(struct live *l, const struct state *have, struct jw *w)
{
	size_t before = w->out->len;
	struct lineage_gates *gates;
	size_t n;

	if (!lease_held(l->e->lease)) {
		if (!l->theirs_known)
			return;
		live_impact(w, have, &l->theirs.impact);
		live_gates(w, have, l->theirs.gates, l->theirs.n_gates);
		return;
	}
	live_impact(w, have, &l->impact);
	if (parts_gates(l->e, &gates, &n)) {
		live_gates(w, have, gates, n);
		free_p(&gates);
	}
	l->unsaved |= w->out->len != before;
}

static void add_head(struct live *l, const struct state *have, struct jw *w)
{
	struct engine *e = l->e;
	bool leads = lease_held(e->lease);
	struct state want = *have;	/* only its scalars are looked at */

	want.leader = (char *)(uintptr_t)lease_holder(e->lease);
	want.environment = e->shown_environment;
	want.production = e->production;
	want.demo = e->demo;
	want.database_ok = l->database_ok;
	want.database_why = l->database_why;
	want.outbox_waiting = l->waiting;
	want.outbox_dead = l->dead;
	if (leads || l->theirs_known)
		want.cycle_ms = leads ? parts_cycle_ms(e) : l->theirs.cycle_ms;
	l->unsaved |= leads && want.cycle_ms != have->cycle_ms;
	live_head(w, have, &want);
}

static void publish(struct live *l)
{
	const struct state *have = hub_state(l->e->hub);
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	/* the one that waits comes first: what follows is compared and sent in one turn */
	add_peers(l, have, &w);
	add_head(l, have, &w);
	add_leader_parts(l, have, &w);
	add_people(l, &w);
	jw_obj_end(&w);
	/* nothing differs: the stream's heartbeat is enough */
	if (!str_eq(b.s, "{}"))
		hub_live(l->e->hub, b.s);
	str_fini(&b);
}

/* What replay must know of an account beside its health: how many fail, where agents are and what
 * is free. */
static bool moved(const struct account *have, const struct account *now)
{
	return have && (have->role != now->role || have->agents != now->agents ||
			have->failing != now->failing || !str_eq(have->why, now->why) ||
			have->numbers_free != now->numbers_free ||
			have->standby_ready != now->standby_ready ||
			!str_eq(have->current_account, now->current_account));
}

static void journal_moves(struct live *l, const struct account *const *checked, size_t n)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(lease_epoch(l->e->lease));
	struct err err = { 0 };
	bool any = false;

	for (size_t i = 0; i < n && who.epoch; i++) {
		struct str b = STR_INIT(65536);
		struct jw w = JW(&b);

		if (!moved(state_account(hub_state(l->e->hub), checked[i]->id), checked[i]))
			continue;
		if (!any && tx_begin(l->e->store, &t, &who, &err) < 0)
			break;
		any = true;
		jw_obj(&w, NULL);
		account_json(&w, "account", checked[i]);
		jw_obj_end(&w);
		tx_note(&t, NOTE_INFO, "account.figures", checked[i]->id, "", str_get(&b));
		str_fini(&b);
	}
	if (any && tx_commit(&t, NULL, &err) < 0)
		log_debug("live", "figures are not journaled: %s", err.msg);
}

/* Figures of accounts that were checked since the last time; when the check was, and what is left
 * on an account, are not journaled by themselves. Asked for only when there was a check. */
static void publish_accounts(struct live *l)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	const struct account **checked;
	struct account *rows = NULL;
	struct err err = { 0 };
	int64_t newest;
	size_t n = 0, n_checked = 0;

	if (accounts_newest_check(l->e->store, &newest, &err) < 0 ||
	    newest <= l->accounts_since_ms ||
	    accounts_list(l->e->store, &rows, &n, &err) < 0)
		return;
	checked = xcalloc(n + 1, sizeof(struct account *));
	for (size_t i = 0; i < n; i++)
		if (rows[i].last_check_ms > l->accounts_since_ms)
			checked[n_checked++] = &rows[i];
	journal_moves(l, checked, n_checked);
	jw_obj(&w, NULL);
	live_accounts(&w, hub_state(l->e->hub), checked, n_checked);
	jw_obj_end(&w);
	l->accounts_since_ms = newest;
	if (!str_eq(b.s, "{}"))
		hub_live(l->e->hub, b.s);
	free_p(&checked);
	accounts_free(rows, n);
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
		if (hub_loaded(l->e->hub))
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
	l->unsaved = true;
	state_init(&l->theirs);
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
	free_p(&l->people);
	state_fini(&l->theirs);
	free_p(&l);
}
