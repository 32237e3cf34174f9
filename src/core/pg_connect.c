/*
 * Opening connections, and waiting on one. The hosts of a URL are tried in order, each with
 * its share of the connect timeout, as libpq in its non-blocking form keeps no time of its
 * own and would give all of it to the first host that is silent. Names are looked up by the
 * loop; libpq only gets addresses, so it never blocks in a resolver.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/pg_internal.h"
#include "core/str.h"

enum { MAX_ADDRS = 4, MAX_KEYWORDS = 64, MIN_SHARE_MS = 100 };

/* ---- waiting for one connection ----------------------------------------------------- */

static void unwatch(struct pg_conn *c)
{
	watch_free(c->watch);
	c->watch = NULL;
	c->watched_fd = -1;
}

void pg_conn_free(struct pg_conn *c)
{
	timer_stop(&c->deadline);
	unwatch(c);
	PQfinish(c->pq);
	while (c->n_kept)
		free_p(&c->kept[--c->n_kept]);
	free_p(&c);
}

static void finish_now(void *arg)
{
	struct pg_conn *c = arg;

	c->waiting = false;
	c->op.done(&c->op, c->outcome);
}

/* Ends the wait; done comes from the loop, never from here. */
void pg_conn_finish(struct pg_conn *c, int outcome)
{
	if (c->finished)
		return;
	c->finished = true;
	c->outcome = outcome;
	if (outcome != OP_OK)
		c->broken = true;
	timer_stop(&c->deadline);
	if (c->watch)
		watch_set(c->watch, 0);
	loop_defer(c->pool->loop, finish_now, c);
}

void pg_conn_lost(struct pg_conn *c)
{
	pg_conn_finish(c, OP_FAILED);
}

static void on_deadline(struct timer *t)
{
	pg_conn_finish(t->user, OP_TIMEOUT);
}

static void on_cancel(struct op *op)
{
	pg_conn_finish(CONTAINER_OF(op, struct pg_conn, op), OP_CANCELLED);
}

static void on_socket(void *ctx, int events)
{
	struct pg_conn *c = ctx;

	(void)events;
	if (!c->finished && c->step)
		c->step(c);
}

void pg_conn_want(struct pg_conn *c, int events)
{
	int fd = PQsocket(c->pq);

	if (c->finished)
		return;
	if (fd < 0) {
		pg_conn_lost(c);
		return;
	}
	if (!c->watch || c->watched_fd != fd) {
		unwatch(c);
		c->watch = watch_new(c->pool->loop, fd, on_socket, c);
		c->watched_fd = fd;
	}
	if (c->watch)
		watch_set(c->watch, events);
	else
		pg_conn_lost(c);
}

int pg_conn_wait(struct pg_conn *c, void (*step)(struct pg_conn *), int64_t timeout_ms)
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

/* ---- names -------------------------------------------------------------------------------- */

struct lookup {
	struct op op;
	struct loop *loop;
	struct resolve *resolve;
	int outcome, n;
	char addrs[MAX_ADDRS][64], error[120];
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
	for (l->n = 0; l->n < n && l->n < MAX_ADDRS; l->n++)
		snprintf(l->addrs[l->n], sizeof(l->addrs[0]), "%s", addrs[l->n]);
	snprintf(l->error, sizeof(l->error), "%s", error ? error : "no address");
	l->outcome = l->n > 0 ? OP_OK : OP_FAILED;
	loop_defer(l->loop, lookup_finish, l);
}

static void on_lookup_cancel(struct op *op)
{
	struct lookup *l = CONTAINER_OF(op, struct lookup, op);

	if (!l->resolve)
		return;
	resolve_cancel(l->resolve);
	l->resolve = NULL;
	l->outcome = OP_CANCELLED;
	loop_defer(l->loop, lookup_finish, l);
}

static int lookup(struct lookup *l, const char *host, int64_t timeout_ms)
{
	l->op.cancel = on_lookup_cancel;
	snprintf(l->error, sizeof(l->error), "cannot start the look-up");
	l->resolve = loop_resolve(l->loop, host, timeout_ms, on_resolved, l);
	return l->resolve ? task_await(&l->op) : OP_FAILED;
}

/* ---- one server --------------------------------------------------------------------------- */

/* One attempt: what of the URL stays the same, and the place to go to. */
struct attempt {
	struct pg_pool *pool;
	PQconninfoOption *url;
	const char *host, *addr, *port, *attrs;
};

static const char *conninfo_get(PQconninfoOption *o, const char *name)
{
	for (; o && o->keyword; o++)
		if (strcmp(o->keyword, name) == 0)
			return o->val;
	return NULL;
}

static void quiet(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

struct keywords {
	const char *key[MAX_KEYWORDS], *value[MAX_KEYWORDS];
	int n;
};

static void put(struct keywords *k, const char *key, const char *value)
{
	if (!value || k->n == MAX_KEYWORDS - 1)
		return;
	k->key[k->n] = key;
	k->value[k->n++] = value;
}

/* Everything of the URL but what we replace. */
static void put_url(struct keywords *k, PQconninfoOption *o, const char *user)
{
	static const char *const ours[] = { "host", "hostaddr", "port", "options",
					    "application_name", "client_encoding",
					    "target_session_attrs" };

	for (; o->keyword; o++) {
		bool skip = false;

		for (size_t i = 0; i < COUNT_OF(ours); i++)
			skip |= strcmp(o->keyword, ours[i]) == 0;
		skip |= user && strcmp(o->keyword, "user") == 0;
		if (!skip)
			put(k, o->keyword, o->val);
	}
}

static PGconn *begin(const struct attempt *a)
{
	const struct pg_pool *p = a->pool;
	const char *more = conninfo_get(a->url, "options");
	/* compiling takes longer than any statement of ours and heeds no timeout: no jit */
	_cleanup_(free_p) char *options = xasprintf(
		"%s -c statement_timeout=%lld -c idle_in_transaction_session_timeout=%lld "
		"-c TimeZone=UTC -c DateStyle=ISO -c client_min_messages=warning -c jit=off%s",
		more ? more : "", (long long)p->statement_timeout_ms,
		(long long)p->statement_timeout_ms * 2,
		p->read_only ? " -c default_transaction_read_only=on" : "");
	_cleanup_(free_p) char *tcp = xasprintf("%lld", (long long)p->statement_timeout_ms);
	struct keywords k = { .n = 0 };

	put_url(&k, a->url, p->user);
	put(&k, "user", p->user);
	put(&k, "host", a->host);
	put(&k, "hostaddr", a->addr);
	put(&k, "port", a->port);
	put(&k, "options", options);
	put(&k, "application_name", p->app);
	put(&k, "client_encoding", "UTF8");
	put(&k, "target_session_attrs", a->attrs);
	if (!conninfo_get(a->url, "tcp_user_timeout"))
		put(&k, "tcp_user_timeout", tcp);
	/* Kerberos would look names up */
	if (!conninfo_get(a->url, "gssencmode") && !getenv("PGGSSENCMODE"))
		put(&k, "gssencmode", "disable");
	return PQconnectStartParams(k.key, k.value, 0);
}

static void step_connect(struct pg_conn *c)
{
	int want;

	switch (PQconnectPoll(c->pq)) {
	case PGRES_POLLING_OK:
		pg_conn_finish(c, OP_OK);
		return;
	case PGRES_POLLING_FAILED:
		pg_conn_lost(c);
		return;
	case PGRES_POLLING_READING:
		want = WATCH_READ;
		break;
	default:
		want = WATCH_WRITE;
		break;
	}
	unwatch(c); /* the socket may be another one behind the same number */
	pg_conn_want(c, want);
}

/* OP_OK with *ret, or another outcome with its text added to why. */
static int try_one(const struct attempt *a, int64_t timeout_ms, struct pg_conn **ret,
		   struct str *why)
{
	struct pg_conn *c = xcalloc(1, sizeof(*c));
	int outcome = OP_FAILED;

	c->pool = a->pool;
	c->deadline = TIMER_INIT;
	c->watched_fd = -1;
	c->pq = begin(a);
	if (c->pq && PQstatus(c->pq) != CONNECTION_BAD) {
		PQsetnonblocking(c->pq, 1);
		PQsetNoticeReceiver(c->pq, quiet, NULL);
		outcome = pg_conn_wait(c, step_connect, timeout_ms);
	}
	if (outcome == OP_OK) {
		*ret = c;
		return OP_OK;
	}
	if (outcome == OP_TIMEOUT) {
		str_addf(why, "%s%s did not answer within %lld ms", why->len ? "; " : "",
			 a->host ? a->host : "the server", (long long)timeout_ms);
	} else {
		_cleanup_(free_p) char *text = text_clean(PQerrorMessage(c->pq), 200);

		str_addf(why, "%s%s", why->len ? "; " : "", text);
	}
	pg_conn_free(c);
	return outcome;
}

/* ---- the servers of a URL -------------------------------------------------------------------- */

/* Sockets and addresses; they must not queue behind a slow name server. */
static bool needs_no_lookup(const struct attempt *a)
{
	struct in6_addr any;

	return a->addr || str_empty(a->host) || a->host[0] == '/' || a->host[0] == '@' ||
		inet_pton(AF_INET, a->host, &any) == 1 || inet_pton(AF_INET6, a->host, &any) == 1;
}

/* All addresses of one host, in its share of the time. */
static int try_host(const struct attempt *a, int64_t share_ms, struct pg_conn **ret,
		    struct str *why)
{
	struct lookup l = { .loop = a->pool->loop };
	int64_t until = loop_now_ms(l.loop) + share_ms;
	int outcome;

	if (needs_no_lookup(a))
		return try_one(a, share_ms, ret, why);
	outcome = lookup(&l, a->host, share_ms);
	if (outcome != OP_OK)
		str_addf(why, "%scannot look up %s: %s", why->len ? "; " : "", a->host, l.error);
	for (int i = 0; i < l.n; i++) {
		int64_t left = (until - loop_now_ms(l.loop)) / (l.n - i);
		struct attempt one = *a;

		one.addr = l.addrs[i];
		outcome = try_one(&one, left > MIN_SHARE_MS ? left : MIN_SHARE_MS, ret, why);
		if (outcome == OP_OK || outcome == OP_CANCELLED)
			break;
	}
	return outcome;
}

static int count_items(const char *list)
{
	int n = 1;

	for (; list && *list; list++)
		n += *list == ',';
	return n;
}

/* Item i of a comma list, or the last one; "" and NULL are NULL. */
static const char *item(const char *list, int i, char buf[300])
{
	size_t n;

	if (!list)
		return NULL;
	for (; i > 0 && strchr(list, ','); i--)
		list = strchr(list, ',') + 1;
	n = strcspn(list, ",");
	snprintf(buf, 300, "%.*s", (int)n, list);
	return buf[0] ? buf : NULL;
}

static int try_all(const struct attempt *a, int64_t until, struct pg_conn **ret, struct str *why)
{
	const char *hosts = conninfo_get(a->url, "host"), *addrs = conninfo_get(a->url, "hostaddr");
	const char *ports = conninfo_get(a->url, "port");
	char host[300], addr[300], port[300];
	int n, outcome = OP_FAILED;

	if (str_empty(hosts))
		hosts = getenv("PGHOST");
	n = count_items(addrs ? addrs : hosts);
	for (int i = 0; i < n; i++) {
		int64_t share = (until - loop_now_ms(a->pool->loop)) / (n - i);
		struct attempt one = *a;

		one.host = item(hosts, i, host);
		one.addr = item(addrs, i, addr);
		one.port = item(ports, i, port);
		outcome = try_host(&one, share > MIN_SHARE_MS ? share : MIN_SHARE_MS, ret, why);
		if (outcome == OP_OK || outcome == OP_CANCELLED)
			break;
	}
	return outcome;
}

/* libpq quotes the offending part, which may be the password: cut there. */
static int bad_url(const char *message, struct err *err)
{
	size_t n = 0;

	while (message && message[n] && message[n] != '\n') {
		if (message[n] != '"') {
			n++;
			continue;
		}
		if (message[n + 1] == '\0' || message[n + 2] != '"')
			break;
		n += 3;
	}
	return err_set(err, ERR_INVALID, "database address: %.*s", (int)n,
		       message ? message : "not usable");
}

int pg_conn_open(struct pg_pool *p, struct pg_conn **ret, struct err *err)
{
	char *message = NULL;
	struct attempt a = { .pool = p, .url = PQconninfoParse(p->url, &message) };
	struct str why = STR_INIT(400);
	int64_t until = loop_now_ms(p->loop) + p->connect_timeout_ms;
	int outcome, code = 0;

	if (!a.url) {
		code = bad_url(message, err);
		PQfreemem(message);
		return code;
	}
	a.attrs = conninfo_get(a.url, "target_session_attrs");
	if (!a.attrs && p->need_read_write)
		a.attrs = "read-write";
	if (a.attrs && strcmp(a.attrs, "prefer-standby") == 0) {
		a.attrs = "standby";
		outcome = try_all(&a, until - p->connect_timeout_ms / 2, ret, &why);
		a.attrs = "any";
		if (outcome != OP_OK && outcome != OP_CANCELLED)
			outcome = try_all(&a, until, ret, &why);
	} else {
		outcome = try_all(&a, until, ret, &why);
	}
	if (outcome == OP_CANCELLED)
		code = err_set(err, ERR_CANCELLED, "cancelled");
	else if (outcome != OP_OK)
		code = err_set(err, outcome == OP_TIMEOUT ? ERR_TIMEOUT : ERR_UNREACHABLE,
			       "cannot connect to the database: %s", str_get(&why));
	PQconninfoFree(a.url);
	str_fini(&why);
	return code;
}
