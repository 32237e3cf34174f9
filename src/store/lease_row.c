/*
 * The lease's rows and the engines' rows.
 *
 * Two rows on purpose: leader transactions lock `lease` FOR SHARE, renewals update
 * `lease_beat`. A takeover is one statement that updates both, the beat first: an owner
 * who renews meanwhile waits for it and then finds its epoch gone; transactions of the
 * old epoch either commit before it or fail. Clocks are not compared here or anywhere.
 */
#include "store/lease_row.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/internal.h"

struct pg_pool *lease_row_pool(const struct store *s)
{
	struct pg_options o = {
		.url = s->url, .max_connections = 1, .connect_timeout_ms = s->timeout_ms,
		.statement_timeout_ms = s->timeout_ms, .application_name = s->engine_id,
		.need_read_write = true,
	};

	return pg_pool_new(s->loop, &o);
}

int lease_row_read(struct pg_conn *c, struct lease_row *ret, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_query(c, "SELECT l.holder, l.address, b.epoch, b.counter, b.backend_pid,"
			 " l.taken_at, b.renewed_at FROM ringdown.lease l, ringdown.lease_beat b",
			 NULL, &r, err);

	if (e < 0)
		return e;
	if (pg_rows(r) != 1)
		return err_set(err, ERR_FAILED, "the lease row is missing: run `ringdown migrate`");
	snprintf(ret->holder, sizeof(ret->holder), "%s", pg_text(r, 0, 0));
	snprintf(ret->address, sizeof(ret->address), "%s", pg_text(r, 0, 1));
	ret->epoch = pg_i64(r, 0, 2);
	ret->counter = pg_i64(r, 0, 3);
	ret->backend_pid = (int)pg_i64(r, 0, 4);
	ret->taken_at_ms = pg_time(r, 0, 5);
	ret->renewed_at_ms = pg_time(r, 0, 6);
	return 0;
}

int lease_row_renew(struct pg_conn *c, int64_t epoch, int64_t now_ms, int64_t *ret_counter,
		    struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(c, &r, err,
		       "UPDATE ringdown.lease_beat SET counter = counter + 1, renewed_at = $2,"
		       " backend_pid = pg_backend_pid() WHERE epoch = $1 RETURNING counter",
		       "im", epoch, now_ms);

	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_LEASE, "another engine took the lease");
	if (ret_counter)
		*ret_counter = pg_i64(r, 0, 0);
	return 0;
}

/* A stopped client may sit in a transaction with the row locked. Best effort: without the
 * right to, the server's own idle timeout ends it. */
static void end_sessions(struct pg_conn *c, const struct lease_row *seen, const char *holder)
{
	bool same_name = str_eq(seen->holder, holder);

	if (seen->holder[0] == '\0')
		return;
	pg_run(c, NULL, NULL,
	       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
	       " WHERE pid <> pg_backend_pid() AND datname = current_database()"
	       " AND application_name = $1 AND (NOT $2::boolean OR pid = $3)",
	       "tbi", seen->holder, same_name, (int64_t)seen->backend_pid);
}

int lease_row_take(struct pg_conn *c, const struct lease_row *seen, const char *holder,
		   const char *address, int64_t min_epoch, int64_t now_ms, int64_t *ret_epoch,
		   struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int64_t epoch = (seen->epoch > min_epoch ? seen->epoch : min_epoch) + 1;
	int e;

	end_sessions(c, seen, holder);
	if (pg_broken(c))
		return err_set(err, ERR_UNREACHABLE, "the connection was lost");
	e = pg_run(c, &r, err,
		   "WITH beat AS (UPDATE ringdown.lease_beat SET epoch = $1, counter = counter + 1,"
		   " backend_pid = pg_backend_pid(), renewed_at = $2"
		   " WHERE epoch = $3 AND counter = $4 RETURNING epoch)"
		   " UPDATE ringdown.lease SET holder = $5, address = $6, epoch = beat.epoch,"
		   " taken_at = $2 FROM beat RETURNING lease.epoch",
		   "imiitt", epoch, now_ms, seen->epoch, seen->counter, holder,
		   address ? address : "");
	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_CONFLICT, "the lease was renewed or taken meanwhile");
	*ret_epoch = pg_i64(r, 0, 0);
	return 0;
}

int lease_row_release(struct pg_conn *c, int64_t epoch, int64_t now_ms, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = pg_run(c, &r, err,
		       "WITH beat AS (UPDATE ringdown.lease_beat SET counter = counter + 1,"
		       " renewed_at = $2, backend_pid = 0 WHERE epoch = $1 RETURNING epoch)"
		       " UPDATE ringdown.lease SET holder = '', address = '' FROM beat"
		       " WHERE lease.epoch = beat.epoch RETURNING 1", "im", epoch, now_ms);

	if (e < 0)
		return e;
	if (pg_rows(r) == 0)
		return err_set(err, ERR_LEASE, "the lease was not ours any more");
	return 0;
}

int engine_beat(struct store *s, const char *address, const char *version, int64_t started_at_ms,
		struct err *err)
{
	return store_query(s, NULL, err,
			   "INSERT INTO ringdown.engine (id, address, version, counter, started_at,"
			   " seen_at) VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT (id) DO UPDATE SET"
			   " address = excluded.address, version = excluded.version,"
			   " counter = engine.counter + 1, started_at = excluded.started_at,"
			   " seen_at = excluded.seen_at",
			   "tttmm", s->engine_id, address ? address : "", version ? version : "",
			   started_at_ms, loop_wall_ms(s->loop));
}

int engines_list(struct store *s, struct engine_row **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct engine_row *rows;
	int n, e = store_query(s, &r, err, "SELECT id, address, version, counter, started_at,"
			       " seen_at FROM ringdown.engine ORDER BY id", "");

	if (e < 0)
		return e;
	n = pg_rows(r);
	rows = xcalloc((size_t)n + 1, sizeof(*rows));
	for (int i = 0; i < n; i++)
		rows[i] = (struct engine_row){
			.id = col_dup(r, i, 0), .address = col_dup(r, i, 1),
			.version = col_dup(r, i, 2), .counter = pg_i64(r, i, 3),
			.started_at_ms = pg_time(r, i, 4), .seen_at_ms = pg_time(r, i, 5),
		};
	*ret = rows;
	*ret_n = (size_t)n;
	return 0;
}

void engines_free(struct engine_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rows[i].id);
		free(rows[i].address);
		free(rows[i].version);
	}
	free(rows);
}
