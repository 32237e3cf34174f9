/*
 * The lease keeper; see lease.h. One task on one direct connection: as holder it renews,
 * as contender it watches (epoch, counter) stand still on its own monotonic clock.
 *
 * Invariant: valid_until_ms is counted from before a renewal was sent, so the row's
 * next owner can never overlap with us by more than clocks drift within one TTL.
 */
#include "failover/lease.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/task.h"
#include "store/lease_row.h"

struct lease {
	struct failover_deps *deps;
	struct lease_events events;
	char *advertise;
	struct pg_pool *pool;
	struct pg_conn *conn;
	struct task *task;
	struct condition wake;
	struct timer expiry;
	bool stopping, doubt;

	int64_t epoch;			/* 0 = not the holder */
	int64_t valid_until_ms;		/* monotonic */
	int64_t first_write_ms;		/* monotonic: no outside write before */
	struct lease_row seen;		/* as last read */
	int64_t seen_since_ms;		/* monotonic: when (epoch, counter) last changed */
	int64_t max_epoch;		/* never take less than any epoch seen */
	bool went_back;			/* an epoch older than that was read: another database */
	int64_t timeline;		/* of the server that the lease was taken on */
	char trouble[200];
};

static int64_t now(const struct lease *l)
{
	return loop_now_ms(l->deps->loop);
}

/* ---- what others ask ------------------------------------------------------------- */

bool lease_held(const struct lease *l)
{
	return l->epoch > 0 && now(l) < l->valid_until_ms;
}

int64_t lease_epoch(const struct lease *l)
{
	return lease_held(l) ? l->epoch : 0;
}

int64_t lease_valid_ms(const struct lease *l)
{
	return lease_held(l) ? l->valid_until_ms - now(l) : 0;
}

bool lease_may_write(const struct lease *l)
{
	return lease_held(l) && !l->doubt && now(l) >= l->first_write_ms &&
	       l->valid_until_ms - now(l) > l->deps->set->write_deadline_ms;
}

const char *lease_why_not(const struct lease *l)
{
	if (l->epoch == 0)
		return l->trouble[0] ? l->trouble : "another engine holds the lease";
	if (l->doubt)
		return "this engine stood still and reads the lease again first";
	if (now(l) < l->first_write_ms)
		return "the lease was taken over just now; writes of the last holder may still"
		       " arrive";
	return "the lease was not renewed in time";
}

const char *lease_holder(const struct lease *l)
{
	return lease_held(l) ? l->deps->engine_id : l->seen.holder;
}

const char *lease_holder_address(const struct lease *l)
{
	return lease_held(l) ? l->advertise : l->seen.address;
}

/* ---- gaining and losing -------------------------------------------------------------- */

static void lose(struct lease *l, const char *why)
{
	if (l->epoch == 0)
		return;
	l->epoch = 0;
	l->doubt = false;
	timer_stop(&l->expiry);
	snprintf(l->trouble, sizeof(l->trouble), "%s", why);
	l->seen_since_ms = now(l);
	l->events.lost(l->events.ctx, why);
}

static void on_expiry(struct timer *t)
{
	lose(t->user, "the lease could not be renewed in time");
}

static void valid_from(struct lease *l, int64_t sent_ms)
{
	l->valid_until_ms = sent_ms + l->deps->set->lease_ttl_ms;
	timer_start(l->deps->loop, &l->expiry, l->valid_until_ms - now(l), on_expiry);
}

void lease_doubt(struct lease *l)
{
	if (l->epoch == 0) {
		l->seen_since_ms = now(l); /* what we did not watch does not count as still */
		return;
	}
	l->doubt = true;
	condition_wake(&l->wake);
}

static void remember(struct lease *l, const struct lease_row *row)
{
	if (row->epoch != l->seen.epoch || row->counter != l->seen.counter)
		l->seen_since_ms = now(l);
	if (row->epoch > l->max_epoch)
		l->max_epoch = row->epoch;
	else if (row->epoch < l->max_epoch)
		l->went_back = true;
	l->seen = *row;
}

/* ---- one turn -------------------------------------------------------------------------- */

static void drop_connection(struct lease *l)
{
	if (!l->conn)
		return;
	pg_abort(l->conn);
	pg_release(l->conn);
	l->conn = NULL;
}

/* A new connection may lead to another server: a promoted standby is not the one that gave
 * us the lease, whatever its row says. */
static int connect(struct lease *l, struct err *err)
{
	int64_t is, known;
	int r;

	if (l->conn && !pg_broken(l->conn))
		return 0;
	drop_connection(l);
	r = pg_acquire(l->pool, &l->conn, err);
	if (r < 0 || l->epoch == 0)
		return r;
	r = environment_timeline(l->deps->store, &is, &known, err);
	if (r < 0)
		drop_connection(l);	/* or the next turn would trust it unseen */
	else if (l->epoch && is != l->timeline)
		lose(l, "PostgreSQL failed over to another server");
	return r;
}

/* As holder. The doubt after a gap ends only with a renewal that was sent after it. */
static void renew(struct lease *l, struct err *err)
{
	int64_t sent = now(l), epoch = l->epoch, counter;
	int r = lease_row_renew(l->conn, epoch, loop_wall_ms(l->deps->loop), &counter, err);

	if (l->epoch != epoch)
		return; /* expired meanwhile */
	if (r == 0) {
		l->doubt = false;
		l->seen.counter = counter;
		l->trouble[0] = '\0';
		valid_from(l, sent);
	} else if (r == ERR_LEASE) {
		lose(l, "another engine took the lease over");
	} else {
		snprintf(l->trouble, sizeof(l->trouble), "%s", err->msg);
		drop_connection(l);
	}
}

/* Before anyone may act under the new epoch: is it still the database that we know? */
static int settle(struct lease *l, int64_t epoch, struct err *err)
{
	int64_t known;
	bool changed;
	int r = timeline_settle(l->deps->store, epoch, l->went_back, &changed, err);

	if (r == 0)
		r = environment_timeline(l->deps->store, &l->timeline, &known, err);
	if (r == 0)
		l->went_back = false;
	return r;
}

static void take(struct lease *l, bool was_free, struct err *err)
{
	const struct failover_settings *set = l->deps->set;
	int64_t sent = now(l), epoch;

	if (lease_row_take(l->conn, &l->seen, l->deps->engine_id, l->advertise, l->max_epoch,
			   loop_wall_ms(l->deps->loop), &epoch, err) < 0)
		return;
	l->max_epoch = epoch;
	l->seen.epoch = epoch;
	if (settle(l, epoch, err) < 0) {
		snprintf(l->trouble, sizeof(l->trouble), "%s", err->msg);
		lease_row_release(l->conn, epoch, loop_wall_ms(l->deps->loop), NULL);
		return;
	}
	l->epoch = epoch;
	l->doubt = false;
	l->trouble[0] = '\0';
	/* the last holder may have started a write until its validity ended, TTL after the last
	 * renewal we saw, and that write may arrive D later */
	l->first_write_ms = was_free ? sent :
		l->seen_since_ms + set->lease_ttl_ms + set->write_deadline_ms;
	valid_from(l, sent);
	l->events.gained(l->events.ctx, epoch);
}

static void contend(struct lease *l, struct err *err)
{
	struct lease_row row;

	if (lease_row_read(l->conn, &row, err) < 0) {
		snprintf(l->trouble, sizeof(l->trouble), "%s", err->msg);
		drop_connection(l);
		l->seen_since_ms = now(l);
		return;
	}
	remember(l, &row);
	l->trouble[0] = '\0';
	if (row.holder[0] == '\0')
		take(l, true, err);
	else if (now(l) - l->seen_since_ms >= l->deps->set->lease_ttl_ms)
		take(l, false, err);
}

static void keep(void *arg)
{
	struct lease *l = arg;
	const struct failover_settings *set = l->deps->set;

	while (!l->stopping && !task_cancelled()) {
		struct err err = { 0 };

		if (connect(l, &err) < 0) {
			snprintf(l->trouble, sizeof(l->trouble), "%s", err.msg);
			l->seen_since_ms = now(l);
		} else if (l->epoch) {
			renew(l, &err);
		} else {
			contend(l, &err);
		}
		/* as contender look more often than the holder renews */
		condition_wait(&l->wake, l->epoch ? set->lease_renew_ms : set->lease_renew_ms / 3);
	}
	if (l->epoch && l->conn && !pg_broken(l->conn)) {
		struct err err = { 0 };
		int64_t epoch = l->epoch;

		lose(l, "this engine stops");
		lease_row_release(l->conn, epoch, loop_wall_ms(l->deps->loop), &err);
	}
	drop_connection(l);
}

static void kept(void *arg)
{
	struct lease *l = arg;

	l->task = NULL;
}

/* ---- life ---------------------------------------------------------------------------------- */

struct lease *lease_new(struct failover_deps *deps, const char *advertise,
			const struct lease_events *events)
{
	struct lease *l = xcalloc(1, sizeof(*l));

	l->deps = deps;
	l->events = *events;
	l->advertise = xstrdup(advertise ? advertise : "");
	l->pool = lease_row_pool(deps->store);
	l->expiry = TIMER_INIT;
	l->expiry.user = l;
	l->seen_since_ms = now(l);
	l->task = task_start(deps->loop, "lease", keep, l, kept);
	return l;
}

void lease_stop(struct lease *l)
{
	l->stopping = true;
	condition_wake(&l->wake);
}

void lease_free(struct lease *l)
{
	if (!l)
		return;
	timer_stop(&l->expiry);
	pg_pool_free(l->pool);
	free_p(&l->advertise);
	free_p(&l);
}
