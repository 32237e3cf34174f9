/*
 * The private cluster with real processes: first start, use, reuse of its data, two
 * programs at once, a stale pid file, a path too long for a socket, and what stays behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/pg.h"
#include "core/str.h"
#include "core/task.h"
#include "engine/embedded.h"
#include "tests/lib/pgtemp.h"

struct run {
	struct loop *loop;
	const char *dir;
	const char *sql;
	bool ours, pause, passing;
	char got[200], url[600];
	struct err err;
	int e;
};

static int query(struct run *r, const char *url, const char *sql, struct err *err)
{
	struct pg_options o = { .url = url, .max_connections = 1 };
	struct pg_pool *p = pg_pool_new(r->loop, &o);
	struct pg_conn *c = NULL;
	struct pg_result *res = NULL;
	int e = pg_acquire(p, &c, err);

	if (e == 0)
		e = pg_query(c, sql, NULL, &res, err);
	if (e == 0 && pg_rows(res))
		snprintf(r->got, sizeof(r->got), "%s", pg_text(res, 0, 0));
	pg_result_free(res);
	pg_release(c);
	pg_pool_free(p);
	return e;
}

static void start_use_stop(void *arg)
{
	struct run *r = arg;
	struct embedded *e = NULL;

	r->e = embedded_start(r->loop, r->dir, r->passing, &e, &r->err);
	if (r->e < 0)
		return;
	snprintf(r->url, sizeof(r->url), "%s", embedded_url(e));
	r->ours = embedded_ours(e);
	r->e = query(r, embedded_url(e), r->sql, &r->err);
	if (r->e == 0 && r->pause) {
		struct err unused;

		r->e = embedded_pause(e, &r->err);
		if (r->e == 0 && query(r, embedded_url(e), "SELECT 1", &unused) == 0)
			r->e = err_set(&r->err, ERR_FAILED, "paused and still answering");
		if (r->e == 0)
			r->e = embedded_resume(e, &r->err);
		if (r->e == 0)
			r->e = query(r, embedded_url(e), r->sql, &r->err);
	}
	embedded_stop(e);
	embedded_free(e);
}

static char *temp_dir(void)
{
	char name[] = "/tmp/rdemb.XXXXXX";

	assert_non_null(mkdtemp(name));
	assert_int_equal(chmod(name, 0755), 0);
	return xstrdup(name);
}

static void remove_dir(char *dir)
{
	pid_t pid = fork();

	if (pid == 0)
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
	waitpid(pid, NULL, 0);
	free(dir);
}

static void once(struct run *r)
{
	r->loop = loop_new();
	in_task(r->loop, start_use_stop, r);
	loop_free(r->loop);
	if (r->e != 0)
		fail_msg("embedded: %s", r->err.msg);
}

static bool server_left(const char *dir)
{
	char sql[300];
	int status;

	/* a test may use the shell */
	snprintf(sql, sizeof(sql), "ps -eo args | grep -v grep | grep -- '%s' | grep -q postgres",
		 dir);
	status = system(sql);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void starts_and_keeps_data(void **state)
{
	char *dir = temp_dir();
	struct run a = { .dir = dir, .sql = "CREATE TABLE kept AS SELECT 7 AS n" };
	struct run b = { .dir = dir, .sql = "SELECT n FROM kept", .pause = true };

	(void)state;
	once(&a);
	assert_true(a.ours);
	assert_false(server_left(dir));
	once(&b);
	assert_string_equal(b.got, "7");
	assert_false(server_left(dir));
	remove_dir(dir);
}

static void stale_pid_file(void **state)
{
	char *dir = temp_dir();
	struct run a = { .dir = dir, .sql = "SHOW fsync" };
	char path[300];
	FILE *f;

	(void)state;
	once(&a);
	snprintf(path, sizeof(path), "%s/pg/data/postmaster.pid", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	/* our own number: alive, but no server of this directory */
	fprintf(f, "%d\n%s/pg/data\n1700000000\n5432\n%s/pg/run\n\n  1 2\nready\n", (int)getpid(),
		dir, dir);
	fclose(f);
	once(&a);
	assert_string_equal(a.got, "on");	/* what is to last waits for the disk */
	remove_dir(dir);
}

/* Two in one program are two as well: one starts, the other joins or starts after it. */
static void two_at_once(void **state)
{
	char *dir = temp_dir();
	struct loop *l = loop_new();
	struct run a = { .dir = dir, .sql = "SELECT 1", .loop = l, .passing = true }, b = a;
	void *args[] = { &a, &b };

	(void)state;
	in_tasks(l, 2, start_use_stop, args);
	loop_free(l);
	/* the one that joined may lose the server when the other stops it: only starting counts */
	if (a.e != 0 && b.e != 0)
		fail_msg("both failed: %s; %s", a.err.msg, b.err.msg);
	assert_false(strstr(a.err.msg, "lock file") || strstr(b.err.msg, "lock file"));
	assert_false(server_left(dir));
	remove_dir(dir);
}

static void long_paths(void **state)
{
	char *dir = temp_dir(), *deep;
	struct run a = { .sql = "SHOW fsync", .passing = true };

	(void)state;
	deep = xasprintf("%s/%0100d", dir, 7);
	a.dir = deep;
	once(&a);
	assert_null(strstr(a.url, deep));
	assert_string_equal(a.got, "off");
	free(deep);
	assert_false(server_left(dir));
	remove_dir(dir);
}

/* The starter is killed: the server follows it. */
static void dies_with_its_parent(void **state)
{
	char *dir = temp_dir();
	struct run a = { .dir = dir, .sql = "SELECT 1" };
	int fds[2];
	char c;
	pid_t pid;

	(void)state;
	once(&a);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct run r = { .dir = dir, .loop = loop_new(), .sql = "SELECT 1" };

		close(fds[0]);
		if (write(fds[1], "x", 1) != 1)
			_exit(1);
		in_task(r.loop, start_use_stop, &r);
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	for (int i = 0; i < 500 && !server_left(dir); i++)
		usleep(5000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 400 && server_left(dir); i++)
		usleep(25000);
	assert_false(server_left(dir));
	close(fds[0]);
	once(&a);
	remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_and_keeps_data),
		cmocka_unit_test(stale_pid_file),
		cmocka_unit_test(two_at_once),
		cmocka_unit_test(long_paths),
		cmocka_unit_test(dies_with_its_parent),
	};

	return cmocka_run_group_tests_name("embedded", tests, NULL, NULL);
}
