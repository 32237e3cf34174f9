/*
 * The database in memory: transactions, lease, environment. One transaction writes at a
 * time, on a copy of the tables that replaces them at commit; what real isolation adds is
 * tested on PostgreSQL (tests/unit/race_test.c).
 *
 * Each call takes seeded time, fails while the database is away, and may be the last thing
 * that an engine does, before or after a commit.
 */
#include <stdio.h>
#include <string.h>

#include "store/accounts.h"
#include "store/control.h"
#include "store/items.h"
#include "store/lease_row.h"
#include "store/lost.h"
#include "store/steps.h"
#include "core/crypto.h"
#include "tests/world/world.h"

enum { IDLE_MS = 5000 };

const char *db_keep(struct world *w, const char *text)
{
	if (!text)
		return NULL;
	w->kept = grow(w->kept, &w->cap_kept, w->n_kept + 1, sizeof(*w->kept));
	char *copy = xstrdup(text);
	w->kept[w->n_kept++] = copy;
	return copy;
}

void db_free(struct world *w)
{
	for (size_t i = 0; i < w->n_kept; i++)
		free_p(&w->kept[i]);
	free_p(&w->kept);
	for (size_t i = 0; i < w->n_old_events; i++) {
		event_row_fini(w->old_events[i]);
		free_p(&w->old_events[i]);
	}
	free_p(&w->old_events);
	for (size_t i = 0; i < w->n_old_items; i++)
		items_free(w->old_items[i], 1);
	free_p(&w->old_items);
}

struct engine_in_world *engine_of(const struct store *s)
{
	return (struct engine_in_world *)(void *)s->pool;
}

struct world *world_of(const struct store *s)
{
	return engine_of(s)->w;
}

int db_call(struct store *s, struct err *err)
{
	struct engine_in_world *e = engine_of(s);
	struct world *w = e->w;
	int64_t ms = 1 + (int64_t)dice(w, 4);

	if (!w->calm && chance(w, w->db_fault))
		ms += (int64_t)dice(w, 1500);
	if (e->stalled_until_ms > w->now_ms && !w->calm)
		ms += e->stalled_until_ms - w->now_ms;
	bool slow = ms > s->timeout_ms;
	if (task_sleep(slow ? s->timeout_ms : ms) == OP_CANCELLED)
		return err_set(err, ERR_CANCELLED, "stopped");
	if (slow)
		return err_set(err, ERR_TIMEOUT, "the database did not answer");
	if (w->database_away || e->dead)
		return err_set(err, ERR_UNREACHABLE, "the database is away");
	return 0;
}

/* A transaction whose session was ended sees what nobody else ever will. */
struct db_tables *db_see(struct store *s, struct tx *t)
{
	struct world *w = world_of(s);

	return !t ? &w->now : w->writer.tx == t ? &w->next : &w->adrift;
}

/* ---- transactions ---------------------------------------------------------------------- */

static void let_go(struct world *w, struct tx *t)
{
	if (w->writer.tx == t) {
		w->writer.tx = NULL;
		condition_wake(&w->writer_gone);
	}
	t->conn = NULL;
}

static void db_end_writer(struct world *w)
{
	w->adrift = w->next;
	w->writer.tx = NULL;
	condition_wake(&w->writer_gone);
}

int tx_begin(struct store *s, struct tx *t, const struct who *who, struct err *err)
{
	struct engine_in_world *e = engine_of(s);
	struct world *w = e->w;

	memset(t, 0, sizeof(*t));
	t->store = s;
	t->who = *who;
	int r = db_call(s, err);
	if (r < 0)
		return r;
	while (w->writer.tx) {
		/* the server ends a session that does nothing inside its transaction */
		if (w->now_ms - w->writer.since_ms > IDLE_MS)
			db_end_writer(w);
		else if (condition_wait(&w->writer_gone, 500) == OP_CANCELLED)
			return err_set(err, ERR_CANCELLED, "stopped");
	}
	if (e->dead || w->database_away)
		return err_set(err, ERR_UNREACHABLE, "the database is away");
	if (who->epoch > 0 && (w->lease.epoch != who->epoch ||
			       strcmp(w->lease.holder, s->engine_id)))
		return err_set(err, ERR_LEASE, "epoch %lld is over", (long long)who->epoch);
	if (who->epoch > 0 && !who->any_timeline && w->now.timeline != w->timeline)
		return err_set(err, ERR_LEASE, "PostgreSQL failed over to another server");
	w->writer = (struct tx_in_world){ .tx = t, .since_ms = w->now_ms };
	w->next = w->now;
	w->n_effects_next = w->n_effects;
	w->n_journal_next = w->n_journal;
	t->conn = (struct pg_conn *)(void *)w;
	t->now_ms = loop_wall_ms(s->loop);
	return 0;
}

int64_t tx_now_ms(const struct tx *t)
{
	return t->now_ms;
}

void db_note(struct tx *t, const char *kind, const char *subject, int status)
{
	struct world *w = world_of(t->store);

	t->n_notes++;
	if (w->writer.tx != t || w->n_journal_next == W_JOURNAL)
		return;
	w->journal[w->n_journal_next++] = (struct db_line){
		db_keep(w, t->who.actor), db_keep(w, kind), db_keep(w, subject), status,
	};
}

void tx_note(struct tx *t, enum note_level level, const char *kind, const char *subject,
	     const char *text, const char *data)
{
	(void)level;
	(void)data;
	db_note(t, kind, subject, -1);
	say(world_of(t->store), "  %s %s %s: %s", t->store->engine_id, kind, subject ? subject : "",
	    text ? text : "");
}

/* What an asynchronous standby may still have when the server dies. */
static void remember(struct world *w)
{
	if (!w->loses || w->lost_ms)
		return;
	if (w->n_old == W_OLD)
		memmove(w->old, w->old + 1, (W_OLD - 1) * sizeof(w->old[0]));
	else
		w->n_old++;
	w->old[w->n_old - 1] = (struct db_old){ w->now, w->lease, w->n_effects, w->n_journal };
}

void db_lose_commits(struct world *w, int n)
{
	const struct db_old *o = &w->old[w->n_old - 1 - n];

	say(w, "the server fails over and loses %d commits; timeline %lld", n,
	    (long long)w->timeline + 1);
	db_end_writer(w);
	w->now = o->tables;
	w->lease = o->lease;
	w->n_effects = o->n_effects;
	w->n_journal = o->n_journal;
	w->timeline++;
	w->lost_ms = w->now_ms;
	for (int i = 0; i < W_ENGINES; i++)
		w->engines[i]->sessions++;	/* every connection breaks */
}

int tx_commit(struct tx *t, int64_t *ret_seq, struct err *err)
{
	struct engine_in_world *e = engine_of(t->store);
	struct world *w = e->w;
	int r = db_call(t->store, err);

	if (r >= 0 && w->writer.tx != t)
		r = err_set(err, ERR_UNREACHABLE, "the session was ended by the server");
	bool crash = r >= 0 && e->x && crash_here(w), after = crash && chance(w, 500);
	if (crash && !after)
		r = err_set(err, ERR_UNREACHABLE, "crash before commit");
	if (r >= 0) {
		remember(w);
		law_commit(e, t);
		w->now = w->next;
		w->n_effects = w->n_effects_next;
		w->n_journal = w->n_journal_next;
		w->commits++;
	}
	let_go(w, t);
	if (crash) {
		crash_engine(e, after ? "after a commit" : "before a commit");
		task_sleep(100);
		return err_set(err, ERR_UNREACHABLE, "crashed");
	}
	/* the answer to a commit may be lost, too, and the server be away for too long to ask it */
	if (r >= 0 && !w->calm && chance(w, w->db_fault / 20))
		return err_set(err, ERR_TIMEOUT, "no reply to the commit");
	if (ret_seq)
		*ret_seq = t->n_notes ? w->n_journal : 0;
	return r;
}

void tx_rollback(struct tx *t)
{
	if (t && t->conn)
		let_go(world_of(t->store), t);
}

/* ---- the lease --------------------------------------------------------------------------- */

struct pg_pool *lease_row_pool(const struct store *s)
{
	return s->pool;
}

int pg_acquire(struct pg_pool *pool, struct pg_conn **ret, struct err *err)
{
	struct engine_in_world *e = (struct engine_in_world *)(void *)pool;
	int r = db_call(&e->store, err);

	if (r >= 0) {
		*ret = (struct pg_conn *)(void *)e;
		e->lease_session = e->sessions;
	}
	return r;
}

void pg_release(struct pg_conn *c)
{
	(void)c;
}

void pg_abort(struct pg_conn *c)
{
	(void)c;
}

bool pg_broken(const struct pg_conn *c)
{
	const struct engine_in_world *e = (const struct engine_in_world *)(const void *)c;

	return e->lease_session != e->sessions;
}

void pg_pool_free(struct pg_pool *p)
{
	(void)p;
}

static struct store *store_of(struct pg_conn *c)
{
	return &((struct engine_in_world *)(void *)c)->store;
}

static int lease_call(struct pg_conn *c, struct err *err)
{
	int r = db_call(store_of(c), err);

	return r >= 0 && pg_broken(c) ? err_set(err, ERR_UNREACHABLE, "the connection broke") : r;
}

int lease_row_read(struct pg_conn *c, struct lease_row *ret, struct err *err)
{
	int r = lease_call(c, err);

	if (r >= 0)
		*ret = world_of(store_of(c))->lease;
	return r;
}

int lease_row_renew(struct pg_conn *c, int64_t epoch, int64_t now_ms, int64_t *ret_counter,
		    struct err *err)
{
	struct world *w = world_of(store_of(c));
	int r = lease_call(c, err);

	if (r < 0)
		return r;
	if (w->lease.epoch != epoch || strcmp(w->lease.holder, store_of(c)->engine_id))
		return err_set(err, ERR_LEASE, "taken over");
	w->lease.renewed_at_ms = now_ms;
	*ret_counter = ++w->lease.counter;
	/* the reply may be lost after it was done */
	return !w->calm && chance(w, w->db_fault / 4) ?
		err_set(err, ERR_TIMEOUT, "no reply to the renewal") : 0;
}

int lease_row_take(struct pg_conn *c, const struct lease_row *seen, const char *holder,
		   const char *address, int64_t min_epoch, int64_t now_ms, int64_t *ret_epoch,
		   struct err *err)
{
	struct world *w = world_of(store_of(c));
	int r = lease_call(c, err);

	(void)address;
	if (r < 0)
		return r;
	if (w->lease.epoch != seen->epoch || w->lease.counter != seen->counter ||
	    strcmp(w->lease.holder, seen->holder))
		return err_set(err, ERR_CONFLICT, "renewed meanwhile");
	if (w->writer.tx && w->writer.tx->who.epoch > 0)
		db_end_writer(w);
	snprintf(w->lease.holder, sizeof(w->lease.holder), "%s", holder);
	w->lease.epoch = (seen->epoch > min_epoch ? seen->epoch : min_epoch) + 1;
	w->lease.counter = 1;
	w->lease.taken_at_ms = w->lease.renewed_at_ms = now_ms;
	*ret_epoch = w->lease.epoch;
	say(w, "%s takes the lease, epoch %lld", holder, (long long)w->lease.epoch);
	return 0;
}

int lease_row_release(struct pg_conn *c, int64_t epoch, int64_t now_ms, struct err *err)
{
	struct world *w = world_of(store_of(c));
	int r = lease_call(c, err);

	(void)now_ms;
	if (r < 0)
		return r;
	if (w->lease.epoch != epoch)
		return err_set(err, ERR_LEASE, "not ours");
	w->lease.holder[0] = '\0';
	return 0;
}

/* ---- installation ------------------------------------------------------------------------- */

int environment_timeline(struct store *s, int64_t *ret_timeline, int64_t *ret_known,
			 struct err *err)
{
	struct world *w = world_of(s);
	int r = db_call(s, err);

	*ret_timeline = w->timeline;
	*ret_known = w->now.timeline;
	return r;
}

int database_identity(struct store *s, char **ret, struct err *err)
{
	*ret = NULL;
	int r = db_call(s, err);
	if (r >= 0)
		*ret = xstrdup("memory");
	return r;
}

int timeline_known(struct tx *t, int64_t timeline, struct err *err)
{
	db_see(t->store, t)->timeline = timeline;
	return db_call(t->store, err);
}

int lease_epoch_above(struct tx *t, int64_t epoch, bool *ret_raised, struct err *err)
{
	struct world *w = world_of(t->store);
	int r = db_call(t->store, err);

	*ret_raised = r >= 0 && w->lease.epoch <= epoch;
	if (*ret_raised)
		w->lease.epoch = epoch + 1;
	return r;
}

static int fail_attempt(struct tx *t, const char *id, struct err *err)
{
	struct event_row row = { 0 };
	int r = event_lock(t, id, &row, err);

	if (r >= 0 && event_status_attempting((enum event_status)row.e.status)) {
		enum event_status from = (enum event_status)row.e.status;

		row.e.status = EV_FAILED;
		str_replace(&row.e.error, "the server failed over");
		r = event_transition(t, &row, from, row.e.version, "the server failed over", err);
		if (r >= 0)
			r = effects_orphans(t, id, NULL, err);
	}
	event_row_fini(&row);
	return r;
}

/* As store/timeline.c. */
int timeline_settle(struct store *s, int64_t epoch, bool went_back, bool *ret_changed,
		    struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(epoch);
	int64_t is, was;
	int r = environment_timeline(s, &is, &was, err);

	who.any_timeline = true;
	*ret_changed = false;
	if (r < 0 || (!went_back && is == was))
		return r;
	r = tx_begin(s, &t, &who, err);
	if (r >= 0)
		db_see(s, &t)->timeline = is;
	if (r >= 0)
		r = lost_timeline_put(&t, 0, err);
	for (int i = 0; r >= 0 && i < db_see(s, &t)->n_events; i++)
		r = fail_attempt(&t, db_see(s, &t)->events[i]->e.id, err);
	if (r < 0)
		return r;
	tx_note(&t, NOTE_BAD, "database.changed", "database", "", NULL);
	r = tx_commit(&t, NULL, err);
	*ret_changed = r == 0;
	return r;
}

int account_keys_load(struct store *s, const char *id, struct account_keys *ret, struct err *err)
{
	int r = db_call(s, err);

	memset(ret, 0, sizeof(*ret));
	if (r < 0)
		return r;
	ret->id = xstrdup(id);
	ret->provider = xstrdup("twilio");
	ret->account_sid = xasprintf("AC%s", id + 3);
	ret->token = secret_new("token");
	ret->parent_sid = xstrdup("AC9");
	ret->parent_secret = secret_new("parent");
	return 0;
}

void account_keys_fini(struct account_keys *k)
{
	char **texts[] = { &k->id, &k->provider, &k->account_sid, &k->region, &k->edge, &k->api_key,
			   &k->second_key, &k->parent_sid, &k->parent_key };

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		free_p(texts[i]);
	secret_free(k->token);
	secret_free(k->parent_secret);
	memset(k, 0, sizeof(*k));
}

int account_not_ready(struct tx *t, const char *id, const char *reason, struct err *err)
{
	say(world_of(t->store), "  %s is not ready: %s", id, reason);
	return db_call(t->store, err);
}

int lineage_set_current(struct tx *t, const char *primary, const char *account, struct err *err)
{
	int r = db_call(t->store, err);

	(void)primary;
	if (r >= 0)
		db_see(t->store, t)->current = db_keep(world_of(t->store), account);
	return r;
}
