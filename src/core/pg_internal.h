/* Shared by the files that know libpq: pg.c (pool, statements), pg_connect.c, pg_values.c. */
#ifndef RD_CORE_PG_INTERNAL_H
#define RD_CORE_PG_INTERNAL_H

#include <libpq-fe.h>

#include "core/crypto.h"
#include "core/op.h"
#include "core/pg.h"
#include "core/task.h"

struct pg_waiter {
	struct condition ready;
	struct pg_conn *given;		/* NULL with granted: the right to open one */
	bool granted;
	struct pg_waiter *next;
};

struct pg_pool {
	struct loop *loop;
	char *url, *app, *user;
	int max, open, waiting;
	int64_t connect_timeout_ms, statement_timeout_ms;
	bool read_only, need_read_write, closed;
	struct pg_conn *idle;		/* newest first */
	struct pg_waiter *waiters;	/* FIFO */
	struct secret *password;
};

enum { PG_KEPT_MAX = 32 };

struct pg_conn {
	struct pg_pool *pool;
	PGconn *pq;
	struct watch *watch;
	int watched_fd;
	struct timer deadline;
	bool broken;
	struct pg_conn *next;
	/* the wait under way */
	struct op op;
	bool waiting, finished;
	int outcome;
	void (*step)(struct pg_conn *c);
	PGresult *result;
	/* statements that the server keeps planned (pg_query_kept), by their text */
	char *kept[PG_KEPT_MAX];
	int n_kept;
	/* row by row (pg_query_capped): what is kept and what came */
	int64_t max_rows, rows, affected;
	size_t max_bytes, bytes;
};

struct pg_result {
	PGresult *res;
	bool row_by_row;
	int64_t affected;		/* of such a one */
};

/* In a task: one of the servers that the URL names, within the pool's connect timeout. */
int pg_conn_open(struct pg_pool *p, struct pg_conn **ret, struct err *err);
void pg_conn_free(struct pg_conn *c);

/* In a task: runs step now and whenever the socket is ready, until it calls pg_conn_finish
 * or time is up. An outcome other than OP_OK means that the connection is broken. */
int pg_conn_wait(struct pg_conn *c, void (*step)(struct pg_conn *), int64_t timeout_ms);
void pg_conn_finish(struct pg_conn *c, int outcome);
void pg_conn_lost(struct pg_conn *c);
void pg_conn_want(struct pg_conn *c, int events);	/* when step shall run again */

#endif
