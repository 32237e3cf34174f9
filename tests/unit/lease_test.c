/*
 * The lease's rows on a real server: who may take, what a takeover does to the old
 * leader's transactions, and that renewals are not starved by them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/task.h"
#include "store/lease_row.h"
#include "tests/lib/storetest.h"

static struct storetest st;

struct engine {
	struct store *s;
	struct pg_pool *pool;
	struct pg_conn *c;
	struct lease_row seen;
	int64_t epoch, counter;
	int e;
	struct err err;
};

struct world { struct loop *loop; struct engine a, b; struct condition step; int turn; };

static void open_engine(struct world *w, struct engine *x, const char *url, const char *id)
{
	x->s = storetest_open(&st, w->loop, url, id);
	x->pool = lease_row_pool(x->s);
}

static void run(void (*fn)(void *world))
{
	struct world w = { .loop = loop_new() };
	const char *url = storetest_database(&st);

	open_engine(&w, &w.a, url, "eng-a");
	open_engine(&w, &w.b, url, "eng-b");
	in_task(w.loop, fn, &w);
	for (int i = 0; i < 2; i++) {
		struct engine *x = i ? &w.b : &w.a;

		pg_release(x->c);
		pg_pool_free(x->pool);
		store_close(x->s);
	}
	loop_free(w.loop);
}

static int take(struct engine *x)
{
	if (!x->c) {
		x->e = pg_acquire(x->pool, &x->c, &x->err);
		if (x->e < 0)
			return x->e;
	}
	return lease_row_take(x->c, &x->seen, x->s->engine_id, "http://127.0.0.1:1", 0, 1000,
			      &x->epoch, &x->err);
}

/* A session that a takeover ended may die a moment later: then on another connection. */
static void look(struct engine *x)
{
	for (int i = 0; i < 20; i++) {
		if (!x->c)
			assert_int_equal(pg_acquire(x->pool, &x->c, &x->err), 0);
		x->e = lease_row_read(x->c, &x->seen, &x->err);
		if (x->e != ERR_UNREACHABLE)
			break;
		pg_release(TAKE(x->c));
	}
	if (x->e != 0)
		fail_msg("%s", x->err.msg);
}

static int renew(struct engine *x)
{
	return lease_row_renew(x->c, x->epoch, 2000, &x->counter, &x->err);
}

static int leader_tx(struct engine *x, int64_t epoch)
{
	struct who who = WHO_ENGINE(epoch);
	struct tx t = { 0 };
	int e = tx_begin(x->s, &t, &who, &x->err);

	if (e < 0)
		return e;
	tx_note(&t, NOTE_INFO, "test", "x", "leader", NULL);
	return tx_commit(&t, NULL, &x->err);
}

static void life_in(void *arg)
{
	struct world *w = arg;
	struct engine *a = &w->a, *b = &w->b;

	look(a);
	assert_string_equal(a->seen.holder, "");
	look(b);
	assert_int_equal(take(a), 0);
	assert_int_equal(a->epoch, 1);
	assert_int_equal(take(b), ERR_CONFLICT);	/* what b saw is no longer so */
	assert_int_equal(renew(a), 0);
	assert_int_equal(leader_tx(a, 1), 0);
	assert_int_equal(leader_tx(b, 1), ERR_LEASE);	/* right epoch, wrong engine */
	look(b);
	assert_string_equal(b->seen.holder, "eng-a");
	assert_string_equal(b->seen.address, "http://127.0.0.1:1");
	assert_int_equal(renew(a), 0);
	assert_int_equal(take(b), ERR_CONFLICT);	/* renewed since */
	/* from here on a's sessions may have been ended by b's attempts: it reconnects */
	look(b);
	assert_int_equal(take(b), 0);
	assert_int_equal(b->epoch, 2);
	look(a);
	assert_int_equal(renew(a), ERR_LEASE);
	int e;
	while ((e = leader_tx(a, 1)) == ERR_UNREACHABLE)
		;
	assert_int_equal(e, ERR_LEASE);
	assert_int_equal(leader_tx(b, 2), 0);
	assert_int_equal(lease_row_release(b->c, 1, 0, &b->err), ERR_LEASE);
	assert_int_equal(lease_row_release(b->c, 2, 0, &b->err), 0);
	assert_int_equal(leader_tx(b, 2), ERR_LEASE);
	look(a);
	assert_string_equal(a->seen.holder, "");
	assert_int_equal(lease_row_take(a->c, &a->seen, "eng-a", NULL, 40, 0, &a->epoch, &a->err),
			 0);
	assert_int_equal(a->epoch, 41);			/* above any epoch seen elsewhere */
}

static void life(void **state)
{
	(void)state;
	run(life_in);
}

/* The old leader stopped inside a transaction that holds the row: the takeover is not held
 * up, and the old one's commit fails. */
static void stopped_leader_in(void *arg)
{
	struct world *w = arg;
	struct engine *a = &w->a, *b = &w->b;
	struct who who;
	struct tx t = { 0 };
	int64_t before;

	look(a);
	assert_int_equal(take(a), 0);
	who = WHO_ENGINE(a->epoch);
	assert_int_equal(tx_begin(a->s, &t, &who, &a->err), 0);
	assert_int_equal(tx_query(&t, NULL, &a->err, "UPDATE ringdown.control SET paused = true",
				  ""), 0);
	look(b);
	before = loop_now_ms(w->loop);
	assert_int_equal(take(b), 0);
	assert_true(loop_now_ms(w->loop) - before < 1900);
	assert_true(tx_commit(&t, NULL, &a->err) < 0);
	struct pg_result *r = NULL;
	assert_int_equal(store_query(b->s, &r, &b->err, "SELECT paused FROM ringdown.control", ""),
			 0);
	assert_false(pg_bool(r, 0, 0));
	pg_result_free(r);
}

static void stopped_leader(void **state)
{
	(void)state;
	run(stopped_leader_in);
}

/* Same name, other process (a restart): only the recorded session is ended, so a transaction
 * of the old process makes the takeover wait, not fail half-way. */
static void fence_without_killing_in(void *arg)
{
	struct world *w = arg;
	struct engine *a = &w->a, *b = &w->b;
	struct who who;
	struct tx t = { 0 };

	look(a);
	assert_int_equal(take(a), 0);
	who = WHO_ENGINE(a->epoch);
	assert_int_equal(tx_begin(a->s, &t, &who, &a->err), 0);
	look(b);
	snprintf(b->seen.holder, sizeof(b->seen.holder), "nobody");	/* so none is ended */
	assert_int_equal(take(b), ERR_TIMEOUT);		/* waits for the lock, then gives up */
	assert_int_equal(tx_commit(&t, NULL, &a->err), 0);	/* nothing was taken: still valid */
	pg_release(TAKE(b->c));
	look(b);
	snprintf(b->seen.holder, sizeof(b->seen.holder), "nobody");
	assert_int_equal(take(b), 0);
	assert_int_equal(leader_tx(a, 1), ERR_LEASE);
}

static void fence_without_killing(void **state)
{
	(void)state;
	run(fence_without_killing_in);
}

/* The takeover waits in the middle of a leader's transaction: READ COMMITTED must still
 * refuse the next one. This is what a plain WHERE epoch = would miss. */
static void late_transaction(void *arg)
{
	struct world *w = arg;

	w->a.e = leader_tx(&w->a, 1);
}

static void take_over(void *arg)
{
	struct world *w = arg;

	snprintf(w->b.seen.holder, sizeof(w->b.seen.holder), "nobody");
	w->b.e = take(&w->b);
}

static void race_at_the_row_in(void *arg)
{
	struct world *w = arg;
	struct crowd c;

	look(&w->a);
	assert_int_equal(take(&w->a), 0);
	for (int i = 0; i < 40; i++) {
		int64_t epoch = w->a.epoch;
		struct lease_row after;

		look(&w->b);
		crowd_init(&c, 2);
		w->turn = i;
		crowd_add(&c, "tx", late_transaction, w);
		crowd_add(&c, "take", take_over, w);
		crowd_join(&c);
		assert_int_equal(w->b.e, 0);
		assert_true(w->a.e == 0 || w->a.e == ERR_LEASE);
		assert_int_equal(lease_row_read(w->b.c, &after, &w->b.err), 0);
		assert_int_equal(after.epoch, w->b.epoch);
		/* give it back to a under epoch 1 again, so that its late transaction is
		 * plausible */
		assert_int_equal(pg_script(w->b.c, "UPDATE ringdown.lease SET epoch = 1, holder ="
					   " 'eng-a'; UPDATE ringdown.lease_beat SET epoch = 1",
					   &w->b.err), 0);
		w->a.epoch = epoch;
	}
}

static void race_at_the_row(void **state)
{
	(void)state;
	run(race_at_the_row_in);
}

static void two_contenders_in(void *arg)
{
	struct world *w = arg;

	for (int i = 0; i < 30; i++) {
		struct crowd c;

		look(&w->a);
		look(&w->b);
		snprintf(w->a.seen.holder, sizeof(w->a.seen.holder), "nobody");
		crowd_init(&c, 2);
		crowd_add(&c, "b", take_over, w);
		w->a.e = take(&w->a);
		crowd_join(&c);
		assert_true((w->a.e == 0) != (w->b.e == 0));
		assert_true(w->a.e == ERR_CONFLICT || w->b.e == ERR_CONFLICT);
	}
}

static void two_contenders(void **state)
{
	(void)state;
	run(two_contenders_in);
}

struct busy { struct world *w; bool stop; int n, failed; };

static void busy_leader(void *arg)
{
	struct busy *b = arg;

	while (!b->stop) {
		if (leader_tx(&b->w->a, b->w->a.epoch) != 0)
			b->failed++;
		b->n++;
	}
}

static void renewals_are_not_starved_in(void *arg)
{
	struct world *w = arg;
	struct busy b = { .w = w };
	struct crowd c;

	look(&w->a);
	assert_int_equal(take(&w->a), 0);
	crowd_init(&c, 6);
	for (int i = 0; i < 6; i++)
		crowd_add(&c, "busy", busy_leader, &b);
	for (int i = 0; i < 40; i++) {
		int64_t before = loop_now_ms(w->loop);

		assert_int_equal(renew(&w->a), 0);
		assert_true(loop_now_ms(w->loop) - before < 2000); /* databaseTimeout */
		task_sleep(5);
	}
	b.stop = true;
	crowd_join(&c);
	assert_true(b.n > 40);
	assert_int_equal(b.failed, 0);
}

static void renewals_are_not_starved(void **state)
{
	(void)state;
	run(renewals_are_not_starved_in);
}

/* The server is not the one known: attempts under way wait for a person. */
static void another_server_in(void *arg)
{
	struct world *w = arg;
	struct engine *a = &w->a;
	struct who who = { .actor = "jane", .role = "admin" };
	struct pg_result *r = NULL;
	bool changed = true;

	look(a);
	assert_int_equal(take(a), 0);
	assert_int_equal(environment_adopt(a->s, &who, "test", &a->err), 0);
	assert_int_equal(store_query(a->s, NULL, &a->err,
		"INSERT INTO ringdown.event (id, status, severity, trigger_type, lineage,"
		" from_account, opened_at, state_since) SELECT 'EV-' || s, s, 'critical',"
		" 'AUTOMATIC', s, s, '2026-01-01', '2026-01-01' FROM unnest(ARRAY['pending',"
		" 'executing', 'rolling_back', 'completed']) s", ""), 0);
	assert_int_equal(timeline_settle(a->s, a->epoch, false, &changed, &a->err), 0);
	assert_false(changed);
	assert_int_equal(store_query(a->s, NULL, &a->err,
				     "UPDATE ringdown.environment SET timeline = 7", ""), 0);
	if (timeline_settle(a->s, a->epoch, false, &changed, &a->err) != 0)
		fail_msg("%s", a->err.msg);
	assert_true(changed);
	assert_int_equal(store_query(a->s, &r, &a->err, "SELECT string_agg(id || status, ' ' ORDER"
				     " BY id) FROM ringdown.event", ""), 0);
	assert_string_equal(pg_text(r, 0, 0), "EV-completedcompleted EV-executingfailed"
			    " EV-pendingpending EV-rolling_backfailed");
	pg_result_free(r);
	assert_int_equal(timeline_settle(a->s, a->epoch, false, &changed, &a->err), 0);
	assert_false(changed);
	assert_int_equal(timeline_settle(a->s, a->epoch, true, &changed, &a->err), 0);
	assert_true(changed);
	assert_int_equal(timeline_settle(a->s, a->epoch + 1, true, &changed, &a->err), ERR_LEASE);
}

static void another_server(void **state)
{
	(void)state;
	run(another_server_in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life), cmocka_unit_test(stopped_leader),
		cmocka_unit_test(fence_without_killing), cmocka_unit_test(race_at_the_row),
		cmocka_unit_test(two_contenders), cmocka_unit_test(renewals_are_not_starved),
		cmocka_unit_test(another_server),
	};
	int failed;

	storetest_start(&st);
	failed = cmocka_run_group_tests_name("lease", tests, NULL, NULL);
	storetest_stop(&st);
	return failed;
}
