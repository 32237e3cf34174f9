/* The intent log: what was synced is read back, also around the turn of a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/mem.h"
#include "core/task.h"
#include "failover/intent.h"
#include "lib/pgtemp.h"

enum { LINES = 60 };

struct flow {
	struct loop *loop;
	struct intent_log *log;
	char dir[64];
	int64_t first, last, n;		/* as read */
	int64_t wrong;			/* out of order, or one missing in between */
	struct err err;
};

static void seen(void *ctx, const struct intent *i)
{
	struct flow *f = ctx;

	if (f->n && i->at_ms != f->last + 1)
		f->wrong++;
	f->first = f->n++ ? f->first : i->at_ms;
	f->last = i->at_ms;
}

static void read_all(struct flow *f)
{
	f->n = f->first = f->last = 0;
	assert_int_equal(intent_read(f->dir, "db", seen, f, &f->err), 0);
}

static void write_lines(void *arg)
{
	struct flow *f = arg;

	for (int64_t i = 1; i <= LINES; i++) {
		intent_add(f->log, &(struct intent){ .at_ms = i, .epoch = 3, .event = "EV-1",
						     .agent = "a", .kind = "number.update",
						     .subject = "+1", .after = "{\"x\":1}" });
		if (intent_sync(f->log, &f->err) < 0)
			return;
		read_all(f);
		/* a commit that is lost with its standby is never the newest alone */
		f->wrong += f->last != i || f->n < (i < 5 ? i : 5);
	}
}

static void test_turn(void **state)
{
	struct flow f = { .dir = "/tmp/ringdown-intent-XXXXXX" };
	char name[100];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(f.dir));
	f.loop = loop_new();
	f.log = intent_open(f.dir, "db", &f.err);
	assert_non_null(f.log);
	intent_keep(f.log, 500);
	in_task(f.loop, write_lines, &f);
	assert_string_equal(f.err.msg, "");
	assert_int_equal(f.last, LINES);
	assert_int_equal(f.wrong, 0);
	assert_true(f.n < LINES);	/* it does not grow for ever */
	snprintf(name, sizeof(name), "%s/intent-db.log", f.dir);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_size < 1000);
	unlink(name);
	snprintf(name, sizeof(name), "%s/intent-db.log.old", f.dir);
	unlink(name);
	rmdir(f.dir);
	intent_close(f.log);
	loop_free(f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_turn) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
