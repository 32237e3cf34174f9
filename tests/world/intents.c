/*
 * The local intent logs in memory, one for each engine: what was synced is there after a
 * crash, what was only added is not. Declared in failover/intent.h.
 */
#include <string.h>

#include "failover/intent.h"
#include "tests/world/world.h"

struct intent_log { struct engine_in_world *e; };

/* A log is opened by the name of a directory, and that is an engine's id. */
static struct world *here;

void intents_belong(struct world *w)
{
	here = w;
}

static struct engine_in_world *engine_named(const char *dir)
{
	for (int n = 0; n < W_ENGINES; n++)
		if (here->engines[n] && !strcmp(here->engines[n]->id, dir))
			return here->engines[n];
	return NULL;
}

struct intent_log *intent_open(const char *dir, const char *database, struct err *err)
{
	struct intent_log *l = xcalloc(1, sizeof(*l));

	(void)database;
	(void)err;
	l->e = engine_named(dir);
	return l;
}

void intent_close(struct intent_log *l)
{
	free_p(&l);
}

void intent_add(struct intent_log *l, const struct intent *i)
{
	struct engine_in_world *e = l ? l->e : NULL;

	if (!e || e->n_intents == W_INTENTS)
		return;
	e->intents[e->n_intents++] = (struct logged){
		{ i->at_ms, i->epoch, db_keep(e->w, i->event),
		  db_keep(e->w, i->agent ? i->agent : ""),
		  db_keep(e->w, i->kind), db_keep(e->w, i->subject ? i->subject : ""),
		  db_keep(e->w, i->before), db_keep(e->w, i->after) }, false,
	};
}

int intent_sync(struct intent_log *l, struct err *err)
{
	struct engine_in_world *e = l ? l->e : NULL;

	if (!e)
		return 0;
	int n = e->n_intents;
	/* a worker writes; others may add meanwhile */
	if (task_sleep((int64_t)dice(e->w, 3)) == OP_CANCELLED)
		return err_set(err, ERR_CANCELLED, "stopped");
	if (e->dead || (!e->w->calm && chance(e->w, e->w->db_fault / 8)))
		return err_set(err, ERR_SYSTEM, "intent log: no space left on device");
	for (int i = 0; i < n; i++)
		e->intents[i].synced = true;
	return 0;
}

int intent_read(const char *dir, const char *database,
		void (*fn)(void *ctx, const struct intent *i), void *ctx, struct err *err)
{
	const struct engine_in_world *e = engine_named(dir);

	(void)database;
	(void)err;
	for (int i = 0; e && i < e->n_intents; i++)
		if (e->intents[i].synced)
			fn(ctx, &e->intents[i].i);
	return 0;
}

int64_t intent_merged(const char *dir, const char *database)
{
	(void)database;
	return engine_named(dir)->merged;
}

int intent_merged_put(const char *dir, const char *database, int64_t timeline, struct err *err)
{
	(void)database;
	(void)err;
	engine_named(dir)->merged = timeline;
	return 0;
}
