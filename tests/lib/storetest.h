/* For tests on a migrated database: one template per program, a copy and a store per test. */
#ifndef RD_TESTS_STORETEST_H
#define RD_TESTS_STORETEST_H

#include "store/store.h"
#include "tests/lib/pgtemp.h"

#define TEST_KEY "0123456789abcdef0123456789abcdef"

struct storetest {
	struct pgtemp *pg;
	struct keyring *keys;
	int n;
};
void storetest_start(struct storetest *st);	/* cluster, migrated database "template_rd" */
void storetest_stop(struct storetest *st);
/* A fresh copy; the URL lives until the end. */
const char *storetest_database(struct storetest *st);
struct store *storetest_open(struct storetest *st, struct loop *l, const char *url,
			     const char *engine_id);
/* Runs fn(store) as a task on a fresh copy. */
void storetest_run(struct storetest *st, void (*fn)(void *store));

#endif
