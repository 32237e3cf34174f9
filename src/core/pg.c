/*
 * PostgreSQL over non-blocking libpq: the pool, and statements. A connection is driven by one
 * watch and one deadline; a task that queries waits in task_await.
 *
 * Invariant: a connection whose statement failed below SQL (deadline, cancel, socket) is
 * closed and never used again.
 */
#include "core/pg.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/mem.h"
#include "core/pg_internal.h"
#include "core/str.h"

enum { SCRIPT_LIMIT_MS = 60000 };

/* ---- pool ------------------------------------------------------------------------------ */

struct pg_pool *pg_pool_new(struct loop *l, const struct pg_options *o)
{
	struct pg_pool *p = xcalloc(1, sizeof(*p));
	PQconninfoOption *parsed;

	p->loop = l;
	p->url = xstrdup(o->url ? o->url : "");
	p->app = xstrdup(o->application_name ? o->application_name : "ringdown");
	p->user = xstrdup(o->user);
	p->max = o->max_connections > 0 ? o->max_connections : 4;
	p->connect_timeout_ms = o->connect_timeout_ms > 0 ? o->connect_timeout_ms : 2000;
	p->statement_timeout_ms = o->statement_timeout_ms > 0 ? o->statement_timeout_ms : 2000;
	p->read_only = o->read_only;
	p->need_read_write = o->need_read_write;
	parsed = PQconninfoParse(p->url, NULL);
	for (PQconninfoOption *k = parsed; k && k->keyword; k++)
		if (strcmp(k->keyword, "password") == 0)
			p->password = secret_new(k->val);
	PQconninfoFree(parsed);
	return p;
}

/* The memory stays until the last connection and the last waiter are gone. */
static void pool_unref(struct pg_pool *p)
{
	if (!p->closed || p->open > 0 || p->waiting > 0)
		return;
	secret_free(p->password);
	free_p(&p->url);
	free_p(&p->app);
	free_p(&p->user);
	free_p(&p);
}

void pg_pool_free(struct pg_pool *p)
{
	if (!p)
		return;
	p->closed = true;
	while (p->idle) {
		struct pg_conn *c = p->idle;

		p->idle = c->next;
		pg_conn_free(c);
		p->open--;
	}
	while (p->waiters) {
		struct pg_waiter *w = p->waiters;

		p->waiters = w->next;
		condition_wake(&w->ready);
	}
	pool_unref(p);
}

/* Hands a connection, or a free place (c NULL), to the first who waits. false: nobody does. */
static bool give(struct pg_pool *p, struct pg_conn *c)
{
	struct pg_waiter *w = p->waiters;

	if (!w)
		return false;
	p->waiters = w->next;
	w->given = c;
	w->granted = true;
	condition_wake(&w->ready);
	return true;
}

static void give_place(struct pg_pool *p)
{
	if (give(p, NULL))
		return;
	p->open--;
	pool_unref(p);
}

/* In its turn: an idle connection or the right to open one. */
static int wait_turn(struct pg_pool *p, struct pg_conn **ret, struct err *err)
{
	struct pg_waiter w = { .next = NULL }, **end = &p->waiters;
	int outcome, max = p->max;

	while (*end)
		end = &(*end)->next;
	*end = &w;
	p->waiting++;
	outcome = condition_wait(&w.ready, p->connect_timeout_ms + p->statement_timeout_ms);
	p->waiting--;
	if (w.granted) { /* perhaps in the same turn that its time ran out */
		*ret = w.given;
		return 0;
	}
	for (struct pg_waiter **x = &p->waiters; *x; x = &(*x)->next)
		if (*x == &w) {
			*x = w.next;
			break;
		}
	pool_unref(p);
	if (outcome == OP_TIMEOUT)
		return err_set(err, ERR_TIMEOUT, "all %d database connections are busy", max);
	return err_set(err, ERR_CANCELLED, "cancelled");
}

/* Sees what the server said meanwhile: the first read takes its last words, the second the end. */
static bool still_alive(struct pg_conn *c)
{
	for (int i = 0; i < 2; i++) {
		if (!PQconsumeInput(c->pq))
			return false;
		PQisBusy(c->pq);
	}
	return PQstatus(c->pq) == CONNECTION_OK;
}

static struct pg_conn *take_idle(struct pg_pool *p)
{
	while (p->idle) {
		struct pg_conn *c = p->idle;

		p->idle = c->next;
		c->next = NULL;
		if (still_alive(c))
			return c;
		pg_conn_free(c);
		p->open--;
	}
	return NULL;
}

int pg_acquire(struct pg_pool *p, struct pg_conn **ret, struct err *err)
{
	struct pg_conn *c = take_idle(p);
	int r = 0;

	if (!c && p->open < p->max)
		p->open++;
	else if (!c)
		r = wait_turn(p, &c, err);
	if (r < 0)
		return r;
	if (!c) {
		r = pg_conn_open(p, &c, err);
		if (r < 0) {
			give_place(p);
			return r;
		}
	}
	assert(c);
	*ret = c;
	return 0;
}

void pg_release(struct pg_conn *c)
{
	struct pg_pool *p;

	if (!c)
		return;
	p = c->pool;
	if (p->closed || c->broken || PQstatus(c->pq) != CONNECTION_OK ||
	    PQtransactionStatus(c->pq) != PQTRANS_IDLE) {
		pg_conn_free(c);
		give_place(p);
		return;
	}
	if (give(p, c))
		return;
	c->next = p->idle;
	p->idle = c;
}

void pg_release_p(struct pg_conn **c)
{
	pg_release(*c);
	*c = NULL;
}

int pg_backend_pid(const struct pg_conn *c)
{
	return PQbackendPID(c->pq);
}

bool pg_broken(const struct pg_conn *c)
{
	return c->broken;
}

void pg_abort(struct pg_conn *c)
{
	c->broken = true;
	if (PQsocket(c->pq) >= 0)
		shutdown(PQsocket(c->pq), SHUT_RDWR);
	if (c->waiting)
		pg_conn_lost(c);
}

/* ---- statements ------------------------------------------------------------------------- */

static bool is_copy(const PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);

	return s == PGRES_COPY_IN || s == PGRES_COPY_OUT || s == PGRES_COPY_BOTH;
}

/* One row of many: copied while there is room, else only counted. */
static void keep_row(struct pg_conn *c, PGresult *r)
{
	int n = c->result ? PQntuples(c->result) : 0;

	c->rows++;
	if (!c->result)
		c->result = PQcopyResult(r, PG_COPYRES_ATTRS);
	if (n < c->max_rows && c->bytes < c->max_bytes)
		for (int i = 0; i < PQnfields(r); i++) {
			int len = PQgetlength(r, 0, i);

			if ((size_t)len > c->max_bytes - c->bytes)
				len = (int)(c->max_bytes - c->bytes);
			PQsetvalue(c->result, n, i, PQgetvalue(r, 0, i),
				   PQgetisnull(r, 0, i) ? -1 : len);
			c->bytes += (size_t)len;
		}
	PQclear(r);
}

static void step_query(struct pg_conn *c)
{
	int flushed;

	if (PQconsumeInput(c->pq) == 0 || (flushed = PQflush(c->pq)) < 0) {
		pg_conn_lost(c);
		return;
	}
	while (!PQisBusy(c->pq)) {
		PGresult *r = PQgetResult(c->pq);

		if (!r) {
			pg_conn_finish(c, OP_OK);
			return;
		}
		if (is_copy(r)) { /* not spoken here, and would never end */
			PQclear(r);
			pg_conn_lost(c);
			return;
		}
		if (PQresultStatus(r) == PGRES_SINGLE_TUPLE) {
			keep_row(c, r);
			continue;
		}
		/* the end of the rows, which we have */
		if (PQresultStatus(r) == PGRES_TUPLES_OK && c->max_rows && c->rows) {
			parse_i64(PQcmdTuples(r), 0, INT64_MAX, &c->affected);
			PQclear(r);
			continue;
		}
		/* the first error of a script counts, otherwise the last result */
		if (c->result && PQresultStatus(c->result) == PGRES_FATAL_ERROR) {
			PQclear(r);
			continue;
		}
		PQclear(c->result);
		c->result = r;
	}
	pg_conn_want(c, flushed ? WATCH_READ | WATCH_WRITE : WATCH_READ);
}

static int code_of(const char *state)
{
	if (!state)
		return ERR_FAILED;
	if (strcmp(state, "23505") == 0)
		return ERR_EXISTS;
	if (strcmp(state, "57014") == 0)
		return ERR_TIMEOUT;
	if (strcmp(state, "42501") == 0 || strcmp(state, "25006") == 0)
		return ERR_DENIED;
	if (strcmp(state, "42P01") == 0 || strcmp(state, "42703") == 0 ||
	    strcmp(state, "3F000") == 0)
		return ERR_NOT_FOUND;
	if (strcmp(state, "55P03") == 0 || strncmp(state, "40", 2) == 0 ||
	    strncmp(state, "23", 2) == 0)
		return ERR_CONFLICT;
	if (strncmp(state, "22", 2) == 0)
		return ERR_INVALID;
	if (strncmp(state, "08", 2) == 0 || strncmp(state, "57P", 3) == 0 ||
	    strncmp(state, "25P0", 4) == 0)
		return ERR_UNREACHABLE;
	return ERR_FAILED;
}

static int query_error(struct pg_conn *c, struct err *err)
{
	const char *state = PQresultErrorField(c->result, PG_DIAG_SQLSTATE);
	const char *what = PQresultErrorField(c->result, PG_DIAG_MESSAGE_PRIMARY);
	const char *constraint = PQresultErrorField(c->result, PG_DIAG_CONSTRAINT_NAME);
	_cleanup_(free_p) char *text = text_clean(what ? what : PQresultErrorMessage(c->result),
						  300);
	int code = code_of(state);

	err_set(err, code, "database: %s%s%s", text, state ? ", SQLSTATE " : "",
		state ? state : "");
	if (err && constraint)
		snprintf(err->field, sizeof(err->field), "%s", constraint);
	/* read-only where writing was promised: this server is no longer the primary */
	if (code == ERR_UNREACHABLE ||
	    (c->pool->need_read_write && state && strcmp(state, "25006") == 0))
		c->broken = true;
	return code;
}

static int wait_error(struct pg_conn *c, int outcome, int64_t limit_ms, struct err *err)
{
	_cleanup_(free_p) char *text = text_clean(PQerrorMessage(c->pq), 200);

	PQclear(c->result);
	c->result = NULL;
	if (outcome == OP_CANCELLED)
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (outcome == OP_TIMEOUT)
		return err_set(err, ERR_TIMEOUT, "the database did not answer within %lld ms",
			       (long long)limit_ms);
	return err_set(err, ERR_UNREACHABLE, "database connection lost: %s", text);
}

/* Waits for the statement sent; takes the result or fills err. */
static int run_sent(struct pg_conn *c, int sent, int64_t limit_ms, struct pg_result **ret,
		    struct err *err)
{
	int outcome, code = 0;

	if (!sent) {
		c->broken = true;
		return wait_error(c, OP_FAILED, limit_ms, err);
	}
	outcome = pg_conn_wait(c, step_query, limit_ms);
	if (outcome != OP_OK)
		return wait_error(c, outcome, limit_ms, err);
	switch (PQresultStatus(c->result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		break;
	default:
		code = query_error(c, err);
	}
	if (code == 0 && ret) {
		*ret = xcalloc(1, sizeof(**ret));
		(*ret)->row_by_row = c->max_rows && c->rows;
		(*ret)->affected = c->affected;
		(*ret)->res = TAKE(c->result);
	}
	PQclear(c->result);
	c->result = NULL;
	return code;
}

bool pg_in_transaction(const struct pg_conn *c)
{
	return !c->broken && PQtransactionStatus(c->pq) == PQTRANS_INTRANS;
}

/* 0 when a statement may be sent. */
static int check_usable(const struct pg_conn *c, struct err *err)
{
	if (c->broken)
		return err_set(err, ERR_UNREACHABLE, "the database connection was closed");
	if (task_cancelled())
		return err_set(err, ERR_CANCELLED, "cancelled");
	return 0;
}

int pg_query(struct pg_conn *c, const char *sql, struct pg_params *p, struct pg_result **ret,
	     struct err *err)
{
	int r = check_usable(c, err);

	if (r == 0) {
		r = PQsendQueryParams(c->pq, sql, p ? p->n : 0, p ? p->type : NULL, p ? p->v : NULL,
				      NULL, NULL, 0);
		/* the server's own limit comes first when it is alive: that keeps the connection */
		r = run_sent(c, r, c->pool->statement_timeout_ms + 500, ret, err);
	}
	if (p)
		pg_params_fini(p);
	return r;
}

/* Its name, made known to the server when it is new; false: to be sent as it is. */
static bool keep(struct pg_conn *c, const char *sql, const struct pg_params *p, char name[16])
{
	int i = 0;

	while (i < c->n_kept && strcmp(c->kept[i], sql) != 0)
		i++;
	snprintf(name, 16, "kept%d", i);
	if (i < c->n_kept)
		return true;
	if (i == PG_KEPT_MAX || PQtransactionStatus(c->pq) != PQTRANS_IDLE ||
	    run_sent(c, PQsendPrepare(c->pq, name, sql, p->n, p->type),
		     c->pool->statement_timeout_ms + 500, NULL, NULL) < 0)
		return false; /* what is wrong with it is said when it runs */
	c->kept[c->n_kept++] = xstrdup(sql);
	return true;
}

int pg_query_kept(struct pg_conn *c, const char *sql, struct pg_params *p, struct pg_result **ret,
		  struct err *err)
{
	char name[16];
	int r = check_usable(c, err);

	if (r < 0 || !keep(c, sql, p, name))
		return pg_query(c, sql, p, ret, err);
	r = run_sent(c, PQsendQueryPrepared(c->pq, name, p->n, p->v, NULL, NULL, 0),
		     c->pool->statement_timeout_ms + 500, ret, err);
	if (r == ERR_FAILED && !c->broken && PQtransactionStatus(c->pq) == PQTRANS_IDLE) {
		/* its table changed, or a pooler gave us another server's session: this
		 * connection has kept the wrong things */
		if (err)
			*err = (struct err){ 0 };
		r = pg_query(c, sql, p, ret, err);
		c->broken = true;
		return r;
	}
	pg_params_fini(p);
	return r;
}

int pg_query_capped(struct pg_conn *c, const char *sql, struct pg_params *p, int64_t max_rows,
		    size_t max_bytes, struct pg_result **ret, int64_t *ret_rows, struct err *err)
{
	int r = check_usable(c, err);

	c->max_rows = max_rows;
	c->max_bytes = max_bytes;
	c->rows = 0;
	c->bytes = 0;
	c->affected = 0;
	if (r == 0) {
		r = PQsendQueryParams(c->pq, sql, p->n, p->type, p->v, NULL, NULL, 0);
		if (r)
			PQsetSingleRowMode(c->pq);
		r = run_sent(c, r, c->pool->statement_timeout_ms + 500, ret, err);
	}
	*ret_rows = c->rows;
	pg_params_fini(p);
	c->max_rows = 0;
	return r;
}

int pg_script(struct pg_conn *c, const char *sql, struct err *err)
{
	int r = check_usable(c, err);

	/* the server's limit is for each statement, a file has many */
	return r < 0 ? r : run_sent(c, PQsendQuery(c->pq, sql), SCRIPT_LIMIT_MS, NULL, err);
}

int pg_run(struct pg_conn *c, struct pg_result **ret, struct err *err, const char *sql,
	   const char *fmt, ...)
{
	struct pg_params p = PG_PARAMS;
	va_list ap;

	va_start(ap, fmt);
	pg_p_format(&p, fmt, ap);
	va_end(ap);
	return pg_query(c, sql, &p, ret, err);
}
