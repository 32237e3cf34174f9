/*
 * A private PostgreSQL cluster: unix socket only, under a state directory, for demos,
 * tests and `engine --embedded`. As root it runs as another user. Several programs may
 * share one; who started it stops it.
 */
#ifndef RD_ENGINE_EMBEDDED_H
#define RD_ENGINE_EMBEDDED_H

#include <stdbool.h>

#include "core/err.h"
#include "core/loop.h"

struct embedded;
/* In a task. Initialises dir on first use, starts or joins the server, creates database
 * "ringdown". passing: for a demo or a test, whose data need not outlast the machine: nothing waits
 * for the disk. ERR_NOT_FOUND: no PostgreSQL programs. */
int embedded_start(struct loop *l, const char *dir, bool passing, struct embedded **ret,
		   struct err *err);
const char *embedded_url(const struct embedded *e);
bool embedded_ours(const struct embedded *e);	/* we started it */
/* In a task, a cancelled one too; stops what we started: fast, after 4 s at once, after 2 more by
 * KILL of all its processes. Standing still helps none of them. */
void embedded_stop(struct embedded *e);
/* Whoever made the server's processes stand still: they go on. NULL ok. */
void embedded_continue(struct embedded *e);
void embedded_kill(struct embedded *e);		/* ours, at once; not waited for. NULL ok */
/* Tests and scenarios: the server goes away and comes back under the same address. */
int embedded_pause(struct embedded *e, struct err *err);
int embedded_resume(struct embedded *e, struct err *err);
void embedded_free(struct embedded *e);		/* NULL ok; still running: TERM, not waited for */

#endif
