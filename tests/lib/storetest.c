/* A migrated template database is copied for each test, which takes about 50 ms. */
#include "tests/lib/storetest.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/migrate.h"

struct prepare { struct store *s; int e; struct err err; };

static void prepare(void *arg)
{
	struct prepare *p = arg;
	struct migrate_options o = { .environment = NULL };
	struct migrate_result r;

	p->e = migrate_run(p->s, &o, &r, &p->err);
	migrate_result_fini(&r);
}

void storetest_start(struct storetest *st)
{
	struct loop *l = loop_new();
	struct prepare p = { 0 };

	st->pg = pgtemp_start();
	st->keys = keyring_new(TEST_KEY, NULL, NULL);
	p.s = storetest_open(st, l, pgtemp_database(st->pg, "template_rd", NULL), "prepare");
	in_task(l, prepare, &p);
	store_close(p.s);
	loop_free(l);
	if (p.e < 0) {
		fprintf(stderr, "storetest: %s\n", p.err.msg);
		exit(99);
	}
}

void storetest_stop(struct storetest *st)
{
	keyring_free(st->keys);
	pgtemp_stop(st->pg);
}

const char *storetest_database(struct storetest *st)
{
	char name[32];

	snprintf(name, sizeof(name), "t%d", ++st->n);
	return pgtemp_database(st->pg, name, "template_rd");
}

struct store *storetest_open(struct storetest *st, struct loop *l, const char *url,
			     const char *engine_id)
{
	struct store_options o = { .url = url, .engine_id = engine_id, .keys = st->keys };
	struct err err = { 0 };
	struct store *s = store_open(l, &o, &err);

	if (!s) {
		fprintf(stderr, "storetest: %s\n", err.msg);
		exit(99);
	}
	return s;
}

void storetest_run(struct storetest *st, void (*fn)(void *store))
{
	struct loop *l = loop_new();
	struct store *s = storetest_open(st, l, storetest_database(st), "eng-1");

	in_task(l, fn, s);
	store_close(s);
	loop_free(l);
}
