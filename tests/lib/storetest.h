/* For tests on a migrated database: one template per program, a copy and a store per test. */
#ifndef RD_TESTS_STORETEST_H
#define RD_TESTS_STORETEST_H

#include <unistd.h>

#include "core/log.h"
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

/* The one cluster of a program, and what cmocka calls before and after its group of tests:
 * STORETEST(st) on top, cmocka_run_group_tests(tests, storetest_up, storetest_down) in main. */
#define STORETEST(st)                                                                              \
	static struct storetest st;                                                                \
	static int storetest_up(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		log_init(STDERR_FILENO, LOG_ERROR);                                                \
		storetest_start(&st);                                                              \
		return 0;                                                                          \
	}                                                                                          \
	static int storetest_down(void **state)                                                    \
	{                                                                                          \
		(void)state;                                                                       \
		storetest_stop(&st);                                                               \
		return 0;                                                                          \
	}

#endif
