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
#include "store/lease_row.h"
#include "store/steps.h"
#include "tests/world/world.h"

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
	int64_t ms = 1 + (int64_t)dice(w, 4), now = loop_now_ms(w->loop);

	if (!w->calm && chance(w, w->db_fault))
		ms += (int64_t)dice(w, 1500);
	if (e->stalled_until_ms > now && !w->calm)
		ms += e->stalled_until_ms - now;
	bool slow = ms > s->timeout_ms;
	if (task_sleep(slow ? s->timeout_ms : ms) == OP_CANCELLED)
		return err_set(err, ERR_CANCELLED, "stopped");
	if (slow)
		return err_set(err, ERR_TIMEOUT, "the database did not answer");
	if (w->database_away || e->dead)
		return err_set(err, ERR_UNREACHABLE, "the database is away");
	return 0;
}

struct db_tables *db_see(struct store *s, struct tx *t)
{
	struct world *w = world_of(s);

	return t ? &w->next : &w->now;
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

int tx_begin(struct store *s, struct tx *t, const struct who *who, struct err *err)
{
	struct world *w = world_of(s);

	memset(t, 0, sizeof(*t));
	t->store = s;
	t->who = *who;
	int r = db_call(s, err);
	if (r < 0)
		return r;
	while (w->writer.tx)
		if (condition_wait(&w->writer_gone, -1) == OP_CANCELLED)
			return err_set(err, ERR_CANCELLED, "stopped");
	if (who->epoch > 0 && (w->lease.epoch != who->epoch ||
			       strcmp(w->lease.holder, s->engine_id)))
		return err_set(err, ERR_LEASE, "epoch %lld is over", (long long)who->epoch);
	w->writer = (struct tx_in_world){ .tx = t };
	w->next = w->now;
	w->n_effects_next = w->n_effects;
	t->conn = (struct pg_conn *)(void *)w;
	t->now_ms = loop_wall_ms(w->loop);
	return 0;
}

int64_t tx_now_ms(const struct tx *t)
{
	return t->now_ms;
}

void tx_note(struct tx *t, enum note_level level, const char *kind, const char *subject,
	     const char *text, const char *data)
{
	(void)level;
	(void)data;
	t->n_notes++;
	say(world_of(t->store), "  %s %s %s: %s", t->store->engine_id, kind, subject ? subject : "",
	    text ? text : "");
}

int tx_commit(struct tx *t, int64_t *ret_seq, struct err *err)
{
	struct engine_in_world *e = engine_of(t->store);
	struct world *w = e->w;
	int r = db_call(t->store, err);

	if (r >= 0 && w->writer.tx == t && w->writer.doomed)
		r = err_set(err, ERR_UNREACHABLE, "the session was ended by another engine");
	bool crash = r >= 0 && e->x && crash_here(w), after = crash && chance(w, 500);
	if (crash && !after)
		r = err_set(err, ERR_UNREACHABLE, "crash before commit");
	if (r >= 0) {
		w->next.journal += t->n_notes;
		w->now = w->next;
		w->n_effects = w->n_effects_next;
		w->commits++;
	}
	let_go(w, t);
	if (crash) {
		crash_engine(e, after ? "after a commit" : "before a commit");
		while (task_sleep(1000) != OP_CANCELLED)
			;
		return err_set(err, ERR_CANCELLED, "crashed");
	}
	if (ret_seq)
		*ret_seq = t->n_notes ? w->now.journal : 0;
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

	if (r >= 0)
		*ret = (struct pg_conn *)(void *)e;
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
	(void)c;
	return false;
}

void pg_pool_free(struct pg_pool *p)
{
	(void)p;
}

static struct store *store_of(struct pg_conn *c)
{
	return &((struct engine_in_world *)(void *)c)->store;
}

int lease_row_read(struct pg_conn *c, struct lease_row *ret, struct err *err)
{
	int r = db_call(store_of(c), err);

	if (r >= 0)
		*ret = world_of(store_of(c))->lease;
	return r;
}

int lease_row_renew(struct pg_conn *c, int64_t epoch, int64_t now_ms, int64_t *ret_counter,
		    struct err *err)
{
	struct world *w = world_of(store_of(c));
	int r = db_call(store_of(c), err);

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
	int r = db_call(store_of(c), err);

	(void)address;
	if (r < 0)
		return r;
	if (w->lease.epoch != seen->epoch || w->lease.counter != seen->counter ||
	    strcmp(w->lease.holder, seen->holder))
		return err_set(err, ERR_CONFLICT, "renewed meanwhile");
	if (w->writer.tx && w->writer.tx->who.epoch > 0)
		w->writer.doomed = true;
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
	int r = db_call(store_of(c), err);

	(void)now_ms;
	if (r < 0)
		return r;
	if (w->lease.epoch != epoch)
		return err_set(err, ERR_LEASE, "not ours");
	w->lease.holder[0] = '\0';
	return 0;
}

/* ---- installation ------------------------------------------------------------------------- */

int timeline_settle(struct store *s, int64_t epoch, bool went_back, bool *ret_changed,
		    struct err *err)
{
	(void)epoch;
	(void)went_back;
	*ret_changed = false;
	return db_call(s, err);
}

int environment_timeline(struct store *s, int64_t *ret_timeline, int64_t *ret_known,
			 struct err *err)
{
	*ret_timeline = *ret_known = 1;
	return db_call(s, err);
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
	(void)timeline;
	return db_call(t->store, err);
}

int lease_epoch_above(struct tx *t, int64_t epoch, bool *ret_raised, struct err *err)
{
	(void)epoch;
	*ret_raised = false;
	return db_call(t->store, err);
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
	return 0;
}

void account_keys_fini(struct account_keys *k)
{
	char **texts[] = { &k->id, &k->provider, &k->account_sid, &k->region, &k->edge, &k->api_key,
			   &k->second_key, &k->parent_sid, &k->parent_key };

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		free_p(texts[i]);
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

int alert_raise(struct tx *t, const char *name, const char *subject, const char *severity,
		const char *text, bool *ret_new, struct err *err)
{
	(void)severity;
	if (ret_new)
		*ret_new = true;
	say(world_of(t->store), "  alert %s %s: %s", name, subject, text);
	return db_call(t->store, err);
}

int alert_resolve(struct tx *t, const char *name, const char *subject, bool *ret_was,
		  struct err *err)
{
	(void)name;
	(void)subject;
	if (ret_was)
		*ret_was = false;
	return db_call(t->store, err);
}
