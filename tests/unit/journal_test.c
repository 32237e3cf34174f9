/*
 * The chain under eight writers at once on eight connections, tampering of every kind,
 * pruning, and commits whose reply is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/task.h"
#include "store/journal.h"
#include "tests/lib/storetest.h"

enum { WRITERS = 8, EACH = 12 };

static struct storetest st;
static const struct who joe = { .actor = "joe", .role = "operator", .via = "api" };

static int write_one(struct store *s, int notes, const char *text, int64_t *ret_seq,
		     struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	int e = tx_begin(s, &t, &joe, err);

	if (e < 0)
		return e;
	for (int i = 0; i < notes; i++)
		tx_note(&t, NOTE_INFO, "test.row", "subject", text,
			i % 2 ? "{\"a\":{\"b\" : 1}}" : NULL);
	return tx_commit(&t, ret_seq, err);
}

struct writer { struct store *s; int n, e; int64_t last; struct err err; };

static void write_many(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; i < EACH && w->e == 0; i++) {
		int64_t seq = 0;

		w->e = write_one(w->s, 1 + (w->n + i) % 5, "höhe \"x\" \\ line", &seq, &w->err);
		if (w->e == 0 && seq <= w->last)
			w->e = err_set(&w->err, ERR_FAILED, "sequence went back");
		w->last = seq;
	}
}

struct check { struct store *s; struct journal_verdict v; int e; struct err err; };

static void verify(void *arg)
{
	struct check *c = arg;

	c->e = journal_verify(c->s, &c->v, &c->err);
}

static struct journal_verdict verdict(const char *url)
{
	struct loop *l = loop_new();
	struct check c = { .s = storetest_open(&st, l, url, "check") };

	in_task(l, verify, &c);
	store_close(c.s);
	loop_free(l);
	if (c.e < 0)
		fail_msg("verify: %s", c.err.msg);
	return c.v;
}

/* A reader that follows "after SEQ" while others write must see every number once. */
struct reader { struct store *s; int64_t seq; bool stop, gap; };

static void follow(void *arg)
{
	struct reader *r = arg;

	while (!r->stop) {
		struct journal_row *rows = NULL;
		size_t n = 0;

		if (journal_after(r->s, r->seq, 100, &rows, &n, NULL) < 0)
			break;
		for (size_t i = 0; i < n; i++) {
			r->gap |= rows[i].seq != r->seq + 1;
			r->seq = rows[i].seq;
		}
		journal_rows_free(rows, n);
		task_sleep(1);
	}
}

static void write_all(void *arg)
{
	struct writer *w = arg;
	struct crowd c;

	crowd_init(&c, WRITERS);
	for (int i = 0; i < WRITERS; i++)
		crowd_add(&c, "writer", write_many, &w[i]);
	crowd_join(&c);
}

struct everything { struct writer *w; struct reader *r; int64_t rows; };

static void with_reader(void *arg)
{
	struct everything *e = arg;
	struct crowd c;

	crowd_init(&c, 2);
	crowd_add(&c, "reader", follow, e->r);
	write_all(e->w);
	for (int i = 0; i < 6000 && e->r->seq < e->rows; i++)
		task_sleep(10);
	e->r->stop = true;
	crowd_join(&c);
}

static void eight_writers_one_chain(void **state)
{
	struct loop *l = loop_new();
	const char *url = storetest_database(&st);
	struct writer w[WRITERS];
	struct reader r = { .s = storetest_open(&st, l, url, "reader") };
	struct everything all = { w, &r, 0 };
	int64_t rows = 0;

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .s = storetest_open(&st, l, url, "writer"), .n = i };
		for (int k = 0; k < EACH; k++)
			rows += 1 + (i + k) % 5;
	}
	all.rows = rows;
	in_task(l, with_reader, &all);
	for (int i = 0; i < WRITERS; i++) {
		if (w[i].e != 0)
			fail_msg("writer %d: %s", i, w[i].err.msg);
		store_close(w[i].s);
	}
	assert_false(r.gap);
	assert_int_equal(r.seq, rows);
	store_close(r.s);
	loop_free(l);
	struct journal_verdict v = verdict(url);
	assert_true(v.ok);
	assert_int_equal(v.checked, rows);
	assert_int_equal(v.last, rows);
}

static void fill(void *store)
{
	struct err err = { 0 };

	for (int i = 0; i < 6; i++)
		if (write_one(store, 2, "text", NULL, &err) < 0)
			fail_msg("%s", err.msg);
}

static const char *filled(void)
{
	struct loop *l = loop_new();
	const char *url = storetest_database(&st);
	struct store *s = storetest_open(&st, l, url, "w");

	in_task(l, fill, s);
	store_close(s);
	loop_free(l);
	return url;
}

static void tampering_is_found(void **state)
{
	static const struct { const char *sql; int64_t at; } cases[] = {
		{ "UPDATE ringdown.journal SET text = 'other' WHERE seq = 7", 7 },
		{ "UPDATE ringdown.journal SET actor = 'jane' WHERE seq = 3", 3 },
		{ "UPDATE ringdown.journal SET at = at + interval '1 ms' WHERE seq = 5", 5 },
		{ "UPDATE ringdown.journal SET data = '{\"a\":{\"b\":1}}' WHERE seq = 4", 4 },
		{ "UPDATE ringdown.journal SET data = NULL WHERE seq = 4", 4 },
		{ "DELETE FROM ringdown.journal WHERE seq = 6", 6 },
		{ "DELETE FROM ringdown.journal WHERE seq = 1", 1 },
		{ "DELETE FROM ringdown.journal WHERE seq >= 11", 11 },
		{ "UPDATE ringdown.journal SET hash = repeat('0', 64) WHERE seq = 2", 2 },
		{ "UPDATE ringdown.journal_head SET hash = repeat('0', 64)", 12 },
		{ "UPDATE ringdown.journal SET seq = 100 WHERE seq = 12", 12 },
		{ "INSERT INTO ringdown.journal_checkpoint SELECT seq, hash, hash, at, 'x' FROM"
		  " ringdown.journal WHERE seq = 9", 9 },
	};
	const char *url = filled();

	(void)state;
	assert_true(verdict(url).ok);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *broken = filled();

		pgtemp_sql(st.pg, broken, cases[i].sql);
		struct journal_verdict v = verdict(broken);
		if (v.ok || v.bad_seq != cases[i].at)
			fail_msg("%s: ok %d, at %lld: %s", cases[i].sql, v.ok, (long long)v.bad_seq,
				 v.why);
	}
}

struct prune { struct store *s; int64_t removed; int e; struct err err; };

static void prune(void *arg)
{
	struct prune *p = arg;

	p->e = journal_prune(p->s, &joe, loop_wall_ms(p->s->loop) + 1000, &p->removed, &p->err);
	if (p->e == 0)
		p->e = write_one(p->s, 1, "after", NULL, &p->err);
}

static void pruning_keeps_the_chain(void **state)
{
	struct loop *l = loop_new();
	const char *url = filled();
	struct prune p = { .s = storetest_open(&st, l, url, "w") };

	(void)state;
	in_task(l, prune, &p);
	store_close(p.s);
	loop_free(l);
	if (p.e < 0)
		fail_msg("prune: %s", p.err.msg);
	assert_true(p.removed >= 11);
	assert_true(verdict(url).ok);
	/* a checkpoint put in by hand does not verify */
	pgtemp_sql(st.pg, url, "UPDATE ringdown.journal_checkpoint SET hash = repeat('a', 64)");
	assert_false(verdict(url).ok);
}

/* ---- lost replies --------------------------------------------------------------------------- */

/*
 * A proxy in front of the server's socket, one process a connection: when the client sends
 * COMMIT it either drops the line at once, or lets the server do it and then drops the line
 * instead of the reply.
 */
static void relay(int client, const char *server_path, bool after)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[65536];

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", server_path);
	if (connect(server, (struct sockaddr *)&a, sizeof(a)) != 0)
		_exit(1);
	for (;;) {
		struct pollfd p[2] = { { .fd = client, .events = POLLIN },
				       { .fd = server, .events = POLLIN } };
		ssize_t n;

		poll(p, 2, -1);
		if (p[0].revents) {
			n = read(client, buf, sizeof(buf));
			if (n > 0 && memmem(buf, (size_t)n, "COMMIT", sizeof("COMMIT"))) {
				if (after && write(server, buf, (size_t)n) == n)
					n = read(server, buf, sizeof(buf));
				_exit(0);
			}
			if (n <= 0 || write(server, buf, (size_t)n) != n)
				_exit(0);
		}
		if (p[1].revents) {
			n = read(server, buf, sizeof(buf));
			if (n <= 0 || write(client, buf, (size_t)n) != n)
				_exit(0);
		}
	}
}

static pid_t start_proxy(const char *dir, const char *server_path, bool after)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/.s.PGSQL.5432", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 20), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGCHLD, SIG_IGN);
		for (;;) {
			int client = accept(fd, NULL, NULL);

			if (client >= 0 && fork() == 0)
				relay(client, server_path, after);
			close(client);
		}
	}
	close(fd);
	return pid;
}

struct lost { struct store *s; int64_t seq; int e; struct err err; };

static void lose(void *arg)
{
	struct lost *x = arg;

	x->e = write_one(x->s, 1, "maybe", &x->seq, &x->err);
}

static struct lost lost_commit(const char *url, bool after)
{
	char dir[] = "/tmp/rdproxy.XXXXXX", path[200], through[400];
	struct loop *l = loop_new();
	struct lost x = { 0 };
	const char *host = strstr(url, "host=") + 5;
	const char *name = strstr(url, "@/") + 2;
	pid_t pid;

	/* the URL is postgresql://postgres@/NAME?host=DIR */
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", host);
	snprintf(through, sizeof(through), "postgresql://postgres@/%.*s?host=%s",
		 (int)strcspn(name, "?"), name, dir);
	pid = start_proxy(dir, path, after);
	x.s = storetest_open(&st, l, through, "w");
	in_task(l, lose, &x);
	store_close(x.s);
	loop_free(l);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	snprintf(path, sizeof(path), "%s/.s.PGSQL.5432", dir);
	unlink(path);
	rmdir(dir);
	return x;
}

static void lost_before_commit(void **state)
{
	const char *url = filled();
	struct lost x = lost_commit(url, false);

	(void)state;
	assert_int_equal(x.e, ERR_UNREACHABLE);
	assert_non_null(strstr(x.err.msg, "nothing was changed"));
	assert_string_equal(pgtemp_sql(st.pg, url, "SELECT max(seq) FROM ringdown.journal"), "12");
}

static void lost_after_commit(void **state)
{
	const char *url = filled();
	struct lost x = lost_commit(url, true);

	(void)state;
	if (x.e != 0)
		fail_msg("committed, but said: %s", x.err.msg);
	assert_int_equal(x.seq, 13);
	assert_string_equal(pgtemp_sql(st.pg, url, "SELECT max(seq) FROM ringdown.journal"), "13");
}

static void failed_statement_is_not_committed_in(void *store)
{
	struct tx t = { 0 };
	struct err err = { 0 };

	assert_int_equal(tx_begin(store, &t, &joe, &err), 0);
	assert_true(pg_query(t.conn, "SELECT 1/0", NULL, NULL, &err) < 0);
	assert_true(tx_commit(&t, NULL, &err) < 0);
	assert_null(t.conn);
	assert_int_equal(tx_begin(store, &t, &joe, &err), 0);
	assert_int_equal(tx_commit(&t, NULL, &err), 0);
}

static void failed_statement_is_not_committed(void **state)
{
	(void)state;
	storetest_run(&st, failed_statement_is_not_committed_in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_writers_one_chain),
		cmocka_unit_test(tampering_is_found),
		cmocka_unit_test(pruning_keeps_the_chain),
		cmocka_unit_test(lost_before_commit),
		cmocka_unit_test(lost_after_commit),
		cmocka_unit_test(failed_statement_is_not_committed),
	};
	int failed;

	storetest_start(&st);
	failed = cmocka_run_group_tests_name("journal", tests, NULL, NULL);
	storetest_stop(&st);
	return failed;
}
