/* Statements, errors, deadlines, cancels and the pool, against a private cluster. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/pg.h"
#include "core/task.h"
#include "tests/lib/pgtemp.h"

/* Stands before the system's: names in .slow take five seconds. */
__attribute__((visibility("default"))) int getaddrinfo(const char *restrict node,
	const char *restrict service, const struct addrinfo *restrict hints,
	struct addrinfo **restrict res)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(__typeof__(real))(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");

	if (node && strstr(node, ".slow"))
		usleep(5000000);
	return real(node, service, hints, res);
}

struct fixture {
	struct loop *loop;
	struct pg_pool *pool;
	void (*script)(struct fixture *f);
	int done, order[8], n_order;
};

static struct pgtemp *cluster;

static struct pg_options options(void)
{
	return (struct pg_options){ .url = pgtemp_url(cluster), .max_connections = 2,
				    .connect_timeout_ms = 3000, .statement_timeout_ms = 1500,
				    .application_name = "pg_test" };
}

static const char *socket_dir(void)
{
	return strstr(pgtemp_url(cluster), "host=") + 5;
}

static void run_script(void *arg)
{
	struct fixture *f = arg;

	f->script(f);
	loop_stop(f->loop);
}

static void with_options(struct pg_options o, void (*script)(struct fixture *f))
{
	struct fixture f = { .script = script };

	f.loop = loop_new();
	f.pool = pg_pool_new(f.loop, &o);
	task_start(f.loop, "script", run_script, &f, NULL);
	loop_run(f.loop);
	pg_pool_free(f.pool);
	loop_free(f.loop);
}

static void with_pool(void (*script)(struct fixture *f))
{
	with_options(options(), script);
}

static struct pg_conn *acquire(struct fixture *f)
{
	struct pg_conn *c = NULL;
	struct err err = { 0 };

	if (pg_acquire(f->pool, &c, &err) < 0)
		fail_msg("%s", err.msg);
	return c;
}

static void run(struct pg_conn *c, const char *sql)
{
	struct err err = { 0 };

	if (pg_run(c, NULL, &err, sql, "") < 0)
		fail_msg("%s: %s", sql, err.msg);
}

/* ---- statements and values ------------------------------------------------------------ */

/* A statement that is kept goes on when its table is another one, on a fresh connection. */
static void script_kept(struct fixture *f)
{
	struct pg_conn *c = acquire(f);
	struct err err = { 0 };
	int first = pg_backend_pid(c);

	run(c, "CREATE TABLE kept_t AS SELECT 1 AS a");
	for (int i = 0; i < 8; i++) {
		struct pg_params p = PG_PARAMS;
		struct pg_result *r = NULL;

		if (i == 5)
			run(c, "ALTER TABLE kept_t ADD COLUMN b text DEFAULT 'x'");
		if (i == 6) {
			pg_release(c);
			c = acquire(f);
			assert_int_not_equal(pg_backend_pid(c), first);
		}
		pg_p_i64(&p, i == 7 ? 2 : 1);
		assert_int_equal(pg_query_kept(c, "SELECT * FROM kept_t WHERE a = $1::bigint", &p,
					       &r, &err), 0);
		assert_int_equal(pg_rows(r), i < 7);
		assert_int_equal(pg_cols(r), i < 5 ? 1 : 2);
		pg_result_free(r);
	}
	struct pg_params p = PG_PARAMS;
	assert_int_equal(pg_query_kept(c, "SELECT nothing FROM kept_t", &p, NULL, &err),
			 ERR_NOT_FOUND);
	assert_true(strstr(err.msg, "nothing") != NULL);
	run(c, "DROP TABLE kept_t");
	pg_release(c);
}

static void kept(void **state)
{
	(void)state;
	with_pool(script_kept);
}

static void script_values(struct fixture *f)
{
	struct pg_conn *c = acquire(f);
	struct pg_result *r = NULL;
	struct err err = { 0 };
	int64_t at = 1795000000123;

	assert_int_equal(pg_run(c, &r, &err, "SELECT $1::text AS t, $2::bigint AS \"camelCase\","
				" $3::bool, $4::float8, $5::timestamptz, $6::text, $7::timestamptz,"
				" '' AS e",
				"tibdmnm", "it's; --", (int64_t)-5, 1, 0.1, at, (int64_t)0), 0);
	assert_int_equal(pg_rows(r), 1);
	assert_int_equal(pg_cols(r), 8);
	assert_string_equal(pg_text(r, 0, 0), "it's; --");
	assert_string_equal(pg_col_name(r, 1), "camelCase");
	assert_int_equal(pg_col(r, "camelCase"), 1);
	assert_int_equal(pg_col(r, "nothing"), -1);
	assert_int_equal(pg_i64(r, 0, 1), -5);
	assert_true(pg_bool(r, 0, 2));
	assert_true(pg_double(r, 0, 3) == 0.1);
	assert_true(pg_time(r, 0, 4) == at);
	assert_true(pg_null(r, 0, 5));
	assert_string_equal(pg_text(r, 0, 5), "");
	assert_true(pg_time(r, 0, 6) == 0);
	assert_false(pg_null(r, 0, 7));
	assert_true(pg_null(r, 0, -1));
	pg_result_free(TAKE(r));

	run(c, "CREATE TEMP TABLE t (id int PRIMARY KEY, n int CONSTRAINT small CHECK (n < 10))");
	assert_int_equal(pg_run(c, &r, &err, "INSERT INTO t SELECT g, 1 FROM generate_series(1, 7)"
					     " g", ""), 0);
	assert_int_equal(pg_affected(r), 7);
	pg_result_free(TAKE(r));
	/* a large result comes whole */
	assert_int_equal(pg_run(c, &r, &err, "SELECT repeat('x', 100) FROM generate_series(1,"
					     " 20000)", ""), 0);
	assert_int_equal(pg_rows(r), 20000);
	pg_result_free(TAKE(r));
	/* a large parameter needs several flushes */
	char *big = xcalloc(1, 4000001);

	memset(big, 'y', 4000000);
	assert_int_equal(pg_run(c, &r, &err, "SELECT length($1)", "t", big), 0);
	assert_int_equal(pg_i64(r, 0, 0), 4000000);
	pg_result_free(TAKE(r));
	free_p(&big);
	pg_release(c);
}

static void values(void **state)
{
	(void)state;
	with_pool(script_values);
}

static void expect(struct pg_conn *c, int code, const char *sql)
{
	struct err err = { 0 };
	int r = pg_run(c, NULL, &err, sql, "");

	if (r != code || err.code != code)
		fail_msg("%s: %d %s, wanted %d", sql, r, err.msg, code);
}

static void script_errors(struct fixture *f)
{
	struct pg_conn *c = acquire(f);
	struct err err = { 0 };

	run(c, "CREATE TEMP TABLE t (id int CONSTRAINT t_key PRIMARY KEY, n int NOT NULL "
	       "CONSTRAINT small CHECK (n < 10))");
	run(c, "INSERT INTO t VALUES (1, 1)");
	assert_int_equal(pg_run(c, NULL, &err, "INSERT INTO t VALUES (1, 2)", ""), ERR_EXISTS);
	assert_string_equal(err.field, "t_key");
	expect(c, ERR_CONFLICT, "INSERT INTO t VALUES (2, 20)");
	expect(c, ERR_NOT_FOUND, "SELECT * FROM no_such_table");
	expect(c, ERR_NOT_FOUND, "SELECT no_such_column FROM t");
	expect(c, ERR_INVALID, "SELECT 'x'::int");
	expect(c, ERR_INVALID, "SELECT 1 / 0");
	expect(c, ERR_FAILED, "SELEKT");
	expect(c, ERR_TIMEOUT, "SELECT pg_sleep(60)"); /* the server's own limit */
	assert_false(pg_broken(c));
	run(c, "SET ROLE pg_monitor");
	expect(c, ERR_DENIED, "CREATE TABLE public.nope (id int)");
	run(c, "RESET ROLE");
	assert_int_equal(pg_script(c, "SELECT 1; SELECT 1 / 0; SELECT 2", &err), ERR_INVALID);
	assert_int_equal(pg_script(c, "CREATE TEMP TABLE a (); CREATE TEMP TABLE b (); DO $$ BEGIN "
				      "RAISE WARNING 'said to nobody'; END $$", &err), 0);
	assert_int_equal(pg_script(c, "", &err), 0);
	run(c, "SELECT 1");
	/* the server ends the session */
	expect(c, ERR_UNREACHABLE, "SELECT pg_terminate_backend(pg_backend_pid())");
	assert_true(pg_broken(c));
	expect(c, ERR_UNREACHABLE, "SELECT 1");
	pg_release(c);
	c = acquire(f);
	run(c, "SELECT 1");
	pg_release(c);
}

static void errors(void **state)
{
	(void)state;
	with_pool(script_errors);
}

static void show(struct pg_conn *c, const char *name, const char *want)
{
	char sql[100];
	struct pg_result *r = NULL;

	snprintf(sql, sizeof(sql), "SHOW %s", name);
	assert_int_equal(pg_run(c, &r, NULL, sql, ""), 0);
	assert_string_equal(pg_text(r, 0, 0), want);
	pg_result_free(r);
}

static void script_session(struct fixture *f)
{
	struct pg_conn *c = acquire(f);

	show(c, "statement_timeout", "1500ms");
	show(c, "idle_in_transaction_session_timeout", "3s");
	show(c, "TimeZone", "UTC");
	show(c, "DateStyle", "ISO, MDY");
	show(c, "application_name", "pg_test");
	show(c, "default_transaction_read_only", "on");
	expect(c, ERR_DENIED, "CREATE TABLE public.never (id int)");
	pg_release(c);
}

static void session(void **state)
{
	struct pg_options o = options();

	(void)state;
	o.read_only = true;
	with_options(o, script_session);
}

/* ---- deadlines and cancels --------------------------------------------------------------- */

static void script_deadline(struct fixture *f)
{
	struct pg_conn *c = acquire(f);
	struct err err = { 0 };
	int64_t from = loop_now_ms(f->loop);
	int pid = pg_backend_pid(c);

	run(c, "SET statement_timeout = 0"); /* a server that does not keep the time */
	assert_int_equal(pg_run(c, NULL, &err, "SELECT pg_sleep(60)", ""), ERR_TIMEOUT);
	assert_in_range(loop_now_ms(f->loop) - from, 1400, 30000);
	assert_true(pg_broken(c));
	pg_release(c);
	c = acquire(f);
	assert_int_not_equal(pg_backend_pid(c), pid);
	run(c, "BEGIN");
	pid = pg_backend_pid(c);
	pg_release(c); /* inside a transaction: not for others */
	c = acquire(f);
	assert_int_not_equal(pg_backend_pid(c), pid);
	pid = pg_backend_pid(c);
	pg_release(c);
	c = acquire(f);
	assert_int_equal(pg_backend_pid(c), pid);
	pg_abort(c);
	expect(c, ERR_UNREACHABLE, "SELECT 1");
	pg_release(c);
}

static void deadlines(void **state)
{
	(void)state;
	with_pool(script_deadline);
}

struct sleeper {
	struct fixture *f;
	struct pg_conn *c;
	int code;
	bool ended;
};

static void sleeper(void *arg)
{
	struct sleeper *s = arg;
	struct err err = { 0 };

	if (pg_acquire(s->f->pool, &s->c, &err) == 0)
		s->code = pg_run(s->c, NULL, &err, "SELECT pg_sleep(1)", "");
	else
		s->code = err.code;
	pg_release(s->c);
	s->ended = true;
}

static void script_cancel(struct fixture *f)
{
	struct sleeper s[4];
	struct task *t[4];
	struct pg_conn *c;

	/* cancelled while connecting, while querying, while waiting for a turn */
	for (int when = 0; when < 3; when++) {
		for (int i = 0; i < 4; i++) {
			s[i] = (struct sleeper){ .f = f };
			t[i] = task_start(f->loop, "sleeper", sleeper, &s[i], NULL);
		}
		task_sleep(when == 0 ? 0 : when == 1 ? 3 : 200);
		for (int i = 0; i < 4; i++)
			task_cancel(t[i]);
		for (int i = 0; i < 4; i++) {
			while (!s[i].ended)
				task_sleep(5);
			assert_int_equal(s[i].code, ERR_CANCELLED);
		}
	}
	c = acquire(f);
	run(c, "SELECT 1");
	pg_release(c);
}

static void cancels(void **state)
{
	(void)state;
	with_pool(script_cancel);
}

static void script_abort(struct fixture *f)
{
	struct sleeper s = { .f = f };

	task_start(f->loop, "sleeper", sleeper, &s, NULL);
	while (!s.c)
		task_sleep(5);
	task_sleep(50);
	pg_abort(s.c); /* from another task */
	while (!s.ended)
		task_sleep(5);
	assert_int_equal(s.code, ERR_UNREACHABLE);
}

static void aborts(void **state)
{
	(void)state;
	with_pool(script_abort);
}

/* ---- the pool ---------------------------------------------------------------------------- */

struct turn {
	struct fixture *f;
	int number;
};

static void take_turn(void *arg)
{
	struct turn *t = arg;
	struct pg_conn *c = acquire(t->f);

	t->f->order[t->f->n_order++] = t->number;
	run(c, "SELECT pg_sleep(0.03)");
	pg_release(c);
}

static void script_fifo(struct fixture *f)
{
	struct pg_conn *a = acquire(f), *b = acquire(f);
	struct turn turns[6];
	struct crowd crowd;

	crowd_init(&crowd, 6);
	for (int i = 0; i < 6; i++) {
		turns[i] = (struct turn){ f, i };
		crowd_add(&crowd, "turn", take_turn, &turns[i]);
	}
	task_sleep(30);
	assert_int_equal(f->n_order, 0);
	pg_release(a);
	pg_abort(b); /* a broken one leaves its place to the next */
	pg_release(b);
	crowd_join(&crowd);
	for (int i = 0; i < 6; i++)
		assert_int_equal(f->order[i], i);
}

static void fifo(void **state)
{
	(void)state;
	with_pool(script_fifo);
}

static void script_busy(struct fixture *f)
{
	struct pg_conn *a = acquire(f), *b = acquire(f), *c = NULL;
	struct err err = { 0 };

	assert_int_equal(pg_acquire(f->pool, &c, &err), ERR_TIMEOUT);
	assert_null(c);
	pg_release(a);
	pg_release(b);
	a = acquire(f);
	pg_release(a);
	/* all sessions end while they are idle: noticed, not handed out */
	pgtemp_sql(cluster, pgtemp_url(cluster), "SELECT pg_terminate_backend(pid, 30000) FROM "
		   "pg_stat_activity WHERE application_name = 'pg_test'");
	task_sleep(100);
	a = acquire(f);
	run(a, "SELECT 1");
	pg_release(a);
}

static void busy(void **state)
{
	struct pg_options o = options();

	(void)state;
	o.connect_timeout_ms = o.statement_timeout_ms = 400;
	with_options(o, script_busy);
}

/* ---- servers ------------------------------------------------------------------------------- */

static void script_unreachable(struct fixture *f)
{
	struct pg_conn *c = NULL;
	struct err err = { 0 };

	assert_int_equal(pg_acquire(f->pool, &c, &err), ERR_UNREACHABLE);
	assert_true(err.msg[0]);
	assert_null(strstr(err.msg, "hunter2"));
}

static void unreachable(void **state)
{
	static const char *const urls[] = {
		"postgresql:///x?host=/nonexistent", "postgresql://u:hunter2@127.0.0.1:1/x",
		"postgresql://u:hunter2@no-such-host.invalid/x",
		"postgresql://127.0.0.1:1,127.0.0.1:2/x",
	};
	struct pg_options o = options();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		o.url = urls[i];
		with_options(o, script_unreachable);
	}
}

static void script_works(struct fixture *f)
{
	struct pg_conn *c = acquire(f);

	run(c, "SELECT 1");
	pg_release(c);
}

static void several_hosts(void **state)
{
	struct pg_options o = options();
	char url[400];

	(void)state;
	o.need_read_write = true;
	snprintf(url, sizeof(url),
		 "postgresql:///postgres?host=127.0.0.1,no-such-host.invalid,localhost,%s"
		 "&port=1,1,1,5432&user=postgres&target_session_attrs=read-write",
		 socket_dir());
	o.url = url;
	with_options(o, script_works);
	snprintf(url, sizeof(url), "host=%s user=postgres dbname=postgres",
		 socket_dir());
	with_options(o, script_works); /* keyword form */
}

/* A listener that nobody accepts from: connected, then silence. */
static int silent_port(int *ret_fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr =
				  htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	*ret_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*ret_fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(*ret_fd, 5), 0);
	getsockname(*ret_fd, (struct sockaddr *)&in, &len);
	return ntohs(in.sin_port);
}

static void silent_first_host(void **state)
{
	struct pg_options o = options();
	char url[400];
	int fd;

	(void)state;
	snprintf(url, sizeof(url), "host=127.0.0.1,localhost,%s port=%d,1,5432 user=postgres"
				   " dbname=postgres", socket_dir(), silent_port(&fd));
	o.url = url;
	o.connect_timeout_ms = 900;
	with_options(o, script_works);
	shutdown(fd, SHUT_RDWR);
	close(fd);
}

/* A name whose server is silent takes its share and no more. */
static void slow_first_name(void **state)
{
	struct pg_options o = options();
	char url[400];

	(void)state;
	snprintf(url, sizeof(url), "host=db.slow,%s port=1,5432 user=postgres dbname=postgres",
		 socket_dir());
	o.url = url;
	o.connect_timeout_ms = 800;
	with_options(o, script_works);
}

static void script_bad_url(struct fixture *f)
{
	struct pg_conn *c = NULL;
	struct err err = { 0 };

	assert_int_equal(pg_acquire(f->pool, &c, &err), ERR_INVALID);
	assert_null(strstr(err.msg, "hunter2"));
}

static void bad_urls(void **state)
{
	static const char *const urls[] = { "host=x hunter2", "postgresql://u:hunter2@[::1/x",
					    "postgresql://u:hunter2@h/x?nonsense=hunter2",
					    "postgresql://u:p@h:hunter2%zz/x" };
	struct pg_options o = options();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		o.url = urls[i];
		with_options(o, script_bad_url);
	}
}

/* The pool goes while connections are out and tasks wait: nothing dangles. */
static void pool_ends_first(void **state)
{
	struct fixture f = { .loop = loop_new() };
	struct pg_options o = options();
	struct sleeper s[4];
	bool all = false;

	(void)state;
	f.pool = pg_pool_new(f.loop, &o);
	for (int i = 0; i < 4; i++) {
		s[i] = (struct sleeper){ .f = &f };
		task_start(f.loop, "sleeper", sleeper, &s[i], NULL);
	}
	while (!s[0].c || !s[1].c)
		loop_run_once(f.loop, 100);
	pg_pool_free(f.pool);
	for (int i = 0; i < 1000 && !all; i++) {
		loop_run_once(f.loop, 100);
		all = s[0].ended && s[1].ended && s[2].ended && s[3].ended;
	}
	assert_true(all);
	assert_int_equal(s[0].code, 0);
	assert_int_equal(s[3].code, ERR_CANCELLED);
	loop_free(f.loop);
}

static void script_restart(struct fixture *f)
{
	struct pg_conn *c = acquire(f);
	struct err err = { 0 };

	pgtemp_down(cluster);
	assert_int_equal(pg_run(c, NULL, &err, "SELECT 1", ""), ERR_UNREACHABLE);
	pg_release(c);
	assert_int_equal(pg_acquire(f->pool, &c, &err), ERR_UNREACHABLE);
	pgtemp_up(cluster);
	c = acquire(f);
	run(c, "SELECT 1");
	pg_release(c);
}

static void server_restart(void **state)
{
	(void)state;
	with_pool(script_restart);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(kept),
		cmocka_unit_test(errors),
		cmocka_unit_test(session),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(cancels),
		cmocka_unit_test(aborts),
		cmocka_unit_test(fifo),
		cmocka_unit_test(busy),
		cmocka_unit_test(unreachable),
		cmocka_unit_test(several_hosts),
		cmocka_unit_test(silent_first_host),
		cmocka_unit_test(slow_first_name),
		cmocka_unit_test(bad_urls),
		cmocka_unit_test(pool_ends_first),
		cmocka_unit_test(server_restart),
	};

	cluster = pgtemp_start();
	return cmocka_run_group_tests_name("pg", tests, NULL, NULL);
}
