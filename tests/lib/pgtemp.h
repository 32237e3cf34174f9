/*
 * A private PostgreSQL cluster for one test program: unix socket only, no fsync, gone at
 * exit whatever happens. Blocking; tests only.
 */
#ifndef RD_TESTS_PGTEMP_H
#define RD_TESTS_PGTEMP_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/loop.h"

struct pgtemp;
struct pgtemp *pgtemp_start(void);		/* aborts with a message when it cannot */
void pgtemp_stop(struct pgtemp *p);		/* also at exit */
const char *pgtemp_url(const struct pgtemp *p);	/* of database "postgres" */
/* A new empty database, or a copy of an idle one (NULL = empty); the URL lives as long as p. */
const char *pgtemp_database(struct pgtemp *p, const char *name, const char *copy_of);
/* Runs SQL through psql; the output (tuples only), static until the next call. */
const char *pgtemp_sql(struct pgtemp *p, const char *url, const char *sql);
void pgtemp_down(struct pgtemp *p);		/* immediate stop: as a crash */
void pgtemp_up(struct pgtemp *p);

/* Runs fn(arg) as a task on l until it is done. */
void in_task(struct loop *l, void (*fn)(void *arg), void *arg);
/* Starts n tasks fn(args[i]) at once and waits for all. */
void in_tasks(struct loop *l, int n, void (*fn)(void *arg), void *const *args);

#endif
