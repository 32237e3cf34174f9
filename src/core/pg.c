/*
 * PostgreSQL over non-blocking libpq. A connection is driven by one watch and one
 * deadline; a task that queries waits in task_await. Host names are resolved by the
 * loop and handed to libpq as addresses, so libpq never blocks in a resolver.
 *
 * Invariant: a connection whose statement failed below SQL (deadline, cancel, socket)
 * is closed and never used again.
 */
#include "core/pg.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/task.h"

struct waiter {
	struct condition ready;
	struct pg_conn *given;
	struct waiter *next;
};

struct pg_pool {
	struct loop *loop;
	char *url, *app;
	int max, open;
	int64_t connect_timeout_ms, statement_timeout_ms;
	bool read_only, need_read_write;
	struct pg_conn *idle;		/* newest first */
	struct waiter *waiters;		/* FIFO */
	struct secret *password;
};

struct pg_conn {
	struct pg_pool *pool;
	PGconn *pq;
	struct watch *watch;
	int watched_fd;
	struct timer deadline;
	bool broken, timed_out;
	struct pg_conn *next;
	/* the wait under way */
	struct op op;
	bool waiting, finished;
	int outcome;
	void (*step)(struct pg_conn *c);
	PGresult *result;
};

struct pg_result {
	PGresult *res;
};

/* ---- waiting for one connection --------------------------------------------------- */

static void conn_unwatch(struct pg_conn *c)
{
	watch_free(c->watch);
	c->watch = NULL;
	c->watched_fd = -1;
}

static void finish_now(void *arg)
{
	struct pg_conn *c = arg;

	c->waiting = false;
	c->op.done(&c->op, c->outcome);
}

/* Ends the wait; done comes from the loop, never from here. */
static void finish(struct pg_conn *c, int outcome)
{
	if (c->finished)
		return;
	c->finished = true;
	c->outcome = outcome;
	timer_stop(&c->deadline);
	if (c->watch)
		watch_set(c->watch, 0);
	loop_defer(c->pool->loop, finish_now, c);
}

static void on_deadline(struct timer *t)
{
	struct pg_conn *c = t->user;

	c->broken = c->timed_out = true;
	finish(c, OP_TIMEOUT);
}

static void on_cancel(struct op *op)
{
	struct pg_conn *c = CONTAINER_OF(op, struct pg_conn, op);

	c->broken = true;
	finish(c, OP_CANCELLED);
}

static void on_socket(void *ctx, int events)
{
	struct pg_conn *c = ctx;

	(void)events;
	if (!c->finished && c->step)
		c->step(c);
}

static void wait_for(struct pg_conn *c, int events)
{
	int fd = PQsocket(c->pq);

	if (c->finished)
		return;
	if (fd < 0) {
		c->broken = true;
		finish(c, OP_FAILED);
		return;
	}
	if (!c->watch || c->watched_fd != fd) {
		conn_unwatch(c);
		c->watch = watch_new(c->pool->loop, fd, on_socket, c);
		c->watched_fd = fd;
		if (!c->watch) {
			c->broken = true;
			finish(c, OP_FAILED);
			return;
		}
	}
	watch_set(c->watch, events);
}

/* Runs step until it calls finish; in a task. */
static int conn_wait(struct pg_conn *c, void (*step)(struct pg_conn *), int64_t timeout_ms)
{
	int outcome;

	c->step = step;
	c->finished = false;
	c->waiting = true;
	c->op = (struct op){ .cancel = on_cancel };
	c->deadline.user = c;
	timer_start(c->pool->loop, &c->deadline, timeout_ms, on_deadline);
	step(c);
	outcome = task_await(&c->op);
	c->step = NULL;
	return outcome;
}

/* ---- connecting ---------------------------------------------------------------------- */

static void conn_free(struct pg_conn *c)
{
	timer_stop(&c->deadline);
	conn_unwatch(c);
	if (c->pq)
		PQfinish(c->pq);
	free_p(&c);
}

static void step_connect(struct pg_conn *c)
{
	switch (PQconnectPoll(c->pq)) {
	case PGRES_POLLING_OK:
		finish(c, OP_OK);
		break;
	case PGRES_POLLING_FAILED:
		c->broken = true;
		finish(c, OP_FAILED);
		break;
	case PGRES_POLLING_READING:
		conn_unwatch(c); /* the socket may be another one behind the same number */
		wait_for(c, WATCH_READ);
		break;
	default:
		conn_unwatch(c);
		wait_for(c, WATCH_WRITE);
		break;
	}
}

struct lookup {
	struct op op;
	struct resolve *resolve;
	struct str addrs;
	char error[120];
	struct loop *loop;
	int outcome;
};

static void lookup_finish(void *arg)
{
	struct lookup *l = arg;

	l->op.done(&l->op, l->outcome);
}

static void on_resolved(void *ctx, int n, const char *const *addrs, const char *error)
{
	struct lookup *l = ctx;

	l->resolve = NULL;
	if (n > 0)
		str_add(&l->addrs, addrs[0]);
	else
		snprintf(l->error, sizeof(l->error), "%s", error);
	l->outcome = n > 0 ? OP_OK : OP_FAILED;
	loop_defer(l->loop, lookup_finish, l);
}

static void lookup_cancel(struct op *op)
{
	struct lookup *l = CONTAINER_OF(op, struct lookup, op);

	if (!l->resolve)
		return;
	resolve_cancel(l->resolve);
	l->resolve = NULL;
	l->outcome = OP_CANCELLED;
	loop_defer(l->loop, lookup_finish, l);
}

/* The first address of a host. Sockets and addresses need none ("" then). */
static int lookup_host(struct pg_pool *p, const char *host, struct str *ret, struct err *err)
{
	struct lookup l = { .op = { .cancel = lookup_cancel }, .addrs = STR_INIT(200),
			    .loop = p->loop };
	int outcome;

	if (host[0] == '/' || host[0] == '@' || host[0] == '\0')
		return 0;
	l.resolve = loop_resolve(p->loop, host, p->connect_timeout_ms, on_resolved, &l);
	if (!l.resolve)
		return err_set(err, ERR_UNREACHABLE, "cannot look up %s", host);
	outcome = task_await(&l.op);
	str_add(ret, str_get(&l.addrs));
	str_fini(&l.addrs);
	if (outcome == OP_OK)
		return 0;
	return err_set(err, outcome == OP_CANCELLED ? ERR_CANCELLED : ERR_UNREACHABLE,
		       "cannot look up %s: %s", host, l.error);
}

static const char *conninfo_get(PQconninfoOption *o, const char *name)
{
	for (; o && o->keyword; o++)
		if (strcmp(o->keyword, name) == 0)
			return o->val;
	return NULL;
}

/* "a,b,c": one address for each host, "" for sockets. */
static int resolve_hosts(struct pg_pool *p, const char *hosts, struct str *ret, struct err *err)
{
	_cleanup_(free_p) char *copy = xstrdup(hosts ? hosts : "");
	char *rest = copy;
	int good = 0, r;
	bool first = true;

	do {
		char *host = strsep(&rest, ",");

		if (!first)
			str_addc(ret, ',');
		first = false;
		r = lookup_host(p, host, ret, err);
		if (r == ERR_CANCELLED)
			return r;
		if (r == 0)
			good++;
		else
			str_add(ret, "127.0.0.127"); /* keeps the place; nothing listens there */
	} while (rest);
	return good ? 0 : r;
}

static void quiet(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

static PGconn *start_connection(struct pg_pool *p, struct err *err)
{
	char options[400], tcp[24];
	char *message = NULL;
	PQconninfoOption *parsed = PQconninfoParse(p->url, &message);
	struct str addrs = STR_INIT(2000);
	const char *keys[60], *values[60];
	int n = 0;
	PGconn *pq = NULL;

	if (!parsed) {
		err_set(err, ERR_INVALID, "database address: %s", message ? message : "unusable");
		PQfreemem(message);
		return NULL;
	}
	snprintf(options, sizeof(options),
		 "%s -c statement_timeout=%lld -c idle_in_transaction_session_timeout=%lld "
		 "-c TimeZone=UTC -c DateStyle=ISO -c client_min_messages=warning%s",
		 conninfo_get(parsed, "options") ? conninfo_get(parsed, "options") : "",
		 (long long)p->statement_timeout_ms, (long long)p->statement_timeout_ms * 2,
		 p->read_only ? " -c default_transaction_read_only=on" : "");
	snprintf(tcp, sizeof(tcp), "%lld", (long long)p->statement_timeout_ms);
	if (conninfo_get(parsed, "hostaddr") ||
	    resolve_hosts(p, conninfo_get(parsed, "host"), &addrs, err) == 0) {
		for (PQconninfoOption *o = parsed; o->keyword && n < 50; o++) {
			if (!o->val || strcmp(o->keyword, "options") == 0)
				continue;
			keys[n] = o->keyword;
			values[n++] = o->val;
		}
#define ADD(k, v) (keys[n] = (k), values[n++] = (v))
		if (!conninfo_get(parsed, "hostaddr") && addrs.len && strspn(addrs.s, ",") != addrs.len)
			ADD("hostaddr", addrs.s);
		ADD("options", options);
		ADD("tcp_user_timeout", tcp);
		ADD("application_name", p->app);
		ADD("client_encoding", "UTF8");
		if (p->need_read_write && !conninfo_get(parsed, "target_session_attrs"))
			ADD("target_session_attrs", "read-write");
#undef ADD
		keys[n] = values[n] = NULL;
		pq = PQconnectStartParams(keys, values, 0);
	}
	str_fini(&addrs);
	PQconninfoFree(parsed);
	return pq;
}

static int connect_failed(struct pg_conn *c, int outcome, struct err *err)
{
	_cleanup_(free_p) char *text = text_clean(PQerrorMessage(c->pq), 300);
	int code = outcome == OP_CANCELLED ? ERR_CANCELLED :
		outcome == OP_TIMEOUT ? ERR_TIMEOUT : ERR_UNREACHABLE;

	if (outcome == OP_TIMEOUT)
		err_set(err, code, "the database did not answer within %lld ms",
			(long long)c->pool->connect_timeout_ms);
	else
		err_set(err, code, "cannot connect to the database: %s", text);
	return code;
}

static int conn_open(struct pg_pool *p, struct pg_conn **ret, struct err *err)
{
	struct pg_conn *c = xcalloc(1, sizeof(*c));
	int outcome;

	c->pool = p;
	c->deadline = TIMER_INIT;
	c->watched_fd = -1;
	err_set(err, ERR_UNREACHABLE, "cannot connect to the database");
	c->pq = start_connection(p, err);
	if (!c->pq || PQstatus(c->pq) == CONNECTION_BAD) {
		int code = c->pq ? connect_failed(c, OP_FAILED, err) :
			err && err->code ? err->code : ERR_UNREACHABLE;

		conn_free(c);
		return code;
	}
	PQsetnonblocking(c->pq, 1);
	PQsetNoticeReceiver(c->pq, quiet, NULL);
	outcome = conn_wait(c, step_connect, p->connect_timeout_ms);
	if (outcome != OP_OK) {
		int code = connect_failed(c, outcome, err);

		conn_free(c);
		return code;
	}
	if (err)
		*err = (struct err){ 0 };
	*ret = c;
	return 0;
}

/* ---- pool ------------------------------------------------------------------------------ */

struct pg_pool *pg_pool_new(struct loop *l, const struct pg_options *o)
{
	struct pg_pool *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->url = xstrdup(o->url);
	p->app = xstrdup(o->application_name ? o->application_name : "ringdown");
	p->max = o->max_connections > 0 ? o->max_connections : 4;
	p->connect_timeout_ms = o->connect_timeout_ms > 0 ? o->connect_timeout_ms : 2000;
	p->statement_timeout_ms = o->statement_timeout_ms > 0 ? o->statement_timeout_ms : 2000;
	p->read_only = o->read_only;
	p->need_read_write = o->need_read_write;
	PQconninfoOption *parsed = PQconninfoParse(p->url, NULL);
	p->password = secret_new(conninfo_get(parsed, "password"));
	PQconninfoFree(parsed);
	return p;
}

void pg_pool_free(struct pg_pool *p)
{
	if (!p)
		return;
	while (p->idle) {
		struct pg_conn *c = p->idle;

		p->idle = c->next;
		conn_free(c);
	}
	secret_free(p->password);
	free_p(&p->url);
	free_p(&p->app);
	free_p(&p);
}

/* In its turn: an idle connection or the right to open one. */
static int wait_turn(struct pg_pool *p, struct pg_conn **ret, struct err *err)
{
	struct waiter w = { .next = NULL }, **end = &p->waiters;
	int outcome;

	while (*end)
		end = &(*end)->next;
	*end = &w;
	outcome = condition_wait(&w.ready, p->connect_timeout_ms + p->statement_timeout_ms);
	for (struct waiter **x = &p->waiters; *x; x = &(*x)->next)
		if (*x == &w) {
			*x = w.next;
			break;
		}
	if (outcome == OP_OK) {
		*ret = w.given; /* NULL: open one, the place is already counted */
		return 0;
	}
	return err_set(err, outcome == OP_CANCELLED ? ERR_CANCELLED : ERR_TIMEOUT,
		       outcome == OP_CANCELLED ? "cancelled" :
		       "all %d database connections are busy", p->max);
}

/* Hands a connection, or a free place (c NULL), to the first who waits. false: nobody does. */
static bool give(struct pg_pool *p, struct pg_conn *c)
{
	struct waiter *w = p->waiters;

	if (!w)
		return false;
	p->waiters = w->next;
	w->given = c;
	condition_wake(&w->ready);
	return true;
}

int pg_acquire(struct pg_pool *p, struct pg_conn **ret, struct err *err)
{
	struct pg_conn *c = NULL;
	int r;

	while (p->idle && PQstatus(p->idle->pq) != CONNECTION_OK) {
		c = p->idle;
		p->idle = c->next;
		conn_free(c);
		p->open--;
	}
	c = p->idle;
	if (c) {
		p->idle = c->next;
	} else if (p->open < p->max) {
		p->open++;
	} else {
		r = wait_turn(p, &c, err);
		if (r < 0)
			return r;
	}
	if (!c) {
		r = conn_open(p, &c, err);
		if (r < 0) {
			if (!give(p, NULL))
				p->open--;
			return r;
		}
	}
	assert(c);
	c->next = NULL;
	*ret = c;
	return 0;
}

void pg_release(struct pg_conn *c)
{
	struct pg_pool *p;

	if (!c)
		return;
	p = c->pool;
	if (c->broken || PQstatus(c->pq) != CONNECTION_OK ||
	    PQtransactionStatus(c->pq) != PQTRANS_IDLE) {
		conn_free(c);
		if (!give(p, NULL))
			p->open--;
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
	if (c->waiting)
		finish(c, OP_FAILED);
}

/* ---- statements ------------------------------------------------------------------------- */

static void step_query(struct pg_conn *c)
{
	int flushed;

	if (PQconsumeInput(c->pq) == 0) {
		c->broken = true;
		finish(c, OP_FAILED);
		return;
	}
	flushed = PQflush(c->pq);
	if (flushed < 0) {
		c->broken = true;
		finish(c, OP_FAILED);
		return;
	}
	while (!PQisBusy(c->pq)) {
		PGresult *r = PQgetResult(c->pq);

		if (!r) {
			finish(c, OP_OK);
			return;
		}
		/* the first error of a script counts, otherwise the last result */
		if (c->result && PQresultStatus(c->result) == PGRES_FATAL_ERROR) {
			PQclear(r);
			continue;
		}
		PQclear(c->result);
		c->result = r;
	}
	wait_for(c, flushed ? WATCH_READ | WATCH_WRITE : WATCH_READ);
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
	if (strcmp(state, "42P01") == 0 || strcmp(state, "42703") == 0 || strcmp(state, "3F000") == 0)
		return ERR_NOT_FOUND;
	if (strcmp(state, "55P03") == 0 || strncmp(state, "40", 2) == 0 ||
	    strncmp(state, "23", 2) == 0)
		return ERR_CONFLICT;
	if (strncmp(state, "22", 2) == 0)
		return ERR_INVALID;
	if (strncmp(state, "08", 2) == 0 || strncmp(state, "57P", 3) == 0)
		return ERR_UNREACHABLE;
	return ERR_FAILED;
}

static int query_error(struct pg_conn *c, struct err *err)
{
	const char *state = PQresultErrorField(c->result, PG_DIAG_SQLSTATE);
	const char *what = PQresultErrorField(c->result, PG_DIAG_MESSAGE_PRIMARY);
	const char *constraint = PQresultErrorField(c->result, PG_DIAG_CONSTRAINT_NAME);
	_cleanup_(free_p) char *text = text_clean(what ? what : PQresultErrorMessage(c->result), 300);
	int code = code_of(state);

	err_set(err, code, "database: %s%s%s", text, state ? ", SQLSTATE " : "", state ? state : "");
	if (err && constraint)
		snprintf(err->field, sizeof(err->field), "%s", constraint);
	if (code == ERR_UNREACHABLE)
		c->broken = true;
	return code;
}

/* Waits for the statement sent; takes the result or fills err. */
static int run_sent(struct pg_conn *c, int sent, struct pg_result **ret, struct err *err)
{
	int outcome;

	c->result = NULL;
	if (!sent) {
		_cleanup_(free_p) char *text = text_clean(PQerrorMessage(c->pq), 200);

		c->broken = true;
		return err_set(err, ERR_UNREACHABLE, "database: %s", text);
	}
	/* the server's own statement_timeout comes first when it is alive */
	outcome = conn_wait(c, step_query, c->pool->statement_timeout_ms + 500);
	if (outcome != OP_OK) {
		PQclear(c->result);
		c->result = NULL;
		if (outcome == OP_CANCELLED)
			return err_set(err, ERR_CANCELLED, "cancelled");
		if (outcome == OP_TIMEOUT)
			return err_set(err, ERR_TIMEOUT, "the database did not answer within %lld ms",
				       (long long)c->pool->statement_timeout_ms);
		_cleanup_(free_p) char *text = text_clean(PQerrorMessage(c->pq), 200);
		return err_set(err, ERR_UNREACHABLE, "database connection lost: %s", text);
	}
	switch (PQresultStatus(c->result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		break;
	default: {
		int code = query_error(c, err);

		PQclear(c->result);
		c->result = NULL;
		return code;
	}
	}
	if (ret) {
		*ret = xcalloc(1, sizeof(**ret));
		(*ret)->res = c->result;
	} else {
		PQclear(c->result);
	}
	c->result = NULL;
	return 0;
}

int pg_query(struct pg_conn *c, const char *sql, struct pg_params *p, struct pg_result **ret,
	     struct err *err)
{
	int r;

	if (c->broken) {
		if (p)
			pg_params_fini(p);
		return err_set(err, ERR_UNREACHABLE, "the database connection was closed");
	}
	if (task_cancelled()) {
		if (p)
			pg_params_fini(p);
		c->broken = true;
		return err_set(err, ERR_CANCELLED, "cancelled");
	}
	r = PQsendQueryParams(c->pq, sql, p ? p->n : 0, NULL, p ? p->v : NULL, NULL, NULL, 0);
	r = run_sent(c, r, ret, err);
	if (p)
		pg_params_fini(p);
	return r;
}

int pg_script(struct pg_conn *c, const char *sql, struct err *err)
{
	if (c->broken)
		return err_set(err, ERR_UNREACHABLE, "the database connection was closed");
	return run_sent(c, PQsendQuery(c->pq, sql), NULL, err);
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
