/*
 * What must hold when faults have stopped and every attempt is at rest. Each sentence here
 * is one of failover.md; the first that does not hold is the run's result.
 */
#include <stdio.h>
#include <string.h>

#include "tests/world/world.h"

/* Listed for a person in an event that did not move (or take back) everything? */
static bool listed(const struct db_tables *d, const char *agent)
{
	for (int e = 0; e < d->n_events; e++) {
		int status = d->events[e]->e.status;

		for (int k = 0; k < d->n_items[e]; k++) {
			const struct item *i = d->items[e][k];

			if (!str_eq(i->agent, agent))
				continue;
			if (status == EV_FAILED || status == EV_ACCEPTED ||
			    i->state == IT_CONFLICT || i->state == IT_STAYS)
				return true;
		}
	}
	return false;
}

static void one_agent_per_number(struct world *w)
{
	const struct db_tables *d = &w->now;

	for (int i = 0; i < d->n_pool; i++) {
		const struct db_pool *p = &d->pool[i];

		if ((p->status == NUM_ASSIGNED) != (p->agent != NULL))
			broken(w, "%s is %s, its agent %s", p->number,
			       enum_name(&number_status_names, p->status),
			       p->agent ? p->agent : "none");
		for (int k = i + 1; p->agent && k < d->n_pool; k++)
			if (str_eq(d->pool[k].agent, p->agent))
				broken(w, "%s has two numbers", p->agent);
	}
	for (int i = 0; i < W_AGENTS; i++)
		for (int k = i + 1; k < W_AGENTS; k++)
			if (d->agents[i].account && d->agents[k].account &&
			    !strcmp(d->agents[i].account, "acc2") &&
			    !strcmp(d->agents[k].account, "acc2") &&
			    str_eq(d->agents[i].backup, d->agents[k].backup))
				broken(w, "%s and %s share %s", d->agents[i].id, d->agents[k].id,
				       d->agents[i].backup);
	for (int i = 0; i < w->out.n_imports; i++)
		for (int k = i + 1; k < w->out.n_imports; k++)
			if (!strcmp(w->out.imports[i].e164, w->out.imports[k].e164))
				broken(w, "%s is imported twice", w->out.imports[i].e164);
}

static void nobody_in_between(struct world *w)
{
	const struct db_tables *d = &w->now;

	for (int i = 0; i < W_AGENTS; i++) {
		const struct db_agent *a = &d->agents[i];
		const char *on = a->account ? a->account : "acc1";

		if (strcmp(on, d->current) && !listed(d, a->id))
			broken(w, "%s is on %s, its lineage on %s, and no event lists it", a->id,
			       on, d->current);
	}
}

static const struct db_agent *agent(const struct world *w, const char *id)
{
	for (int i = 0; i < W_AGENTS; i++)
		if (str_eq(w->now.agents[i].id, id))
			return &w->now.agents[i];
	return NULL;
}

/* Everything in the plan is as desired, in the rows and outside. */
static void completed(struct world *w, int e)
{
	const struct db_tables *d = &w->now;
	const char *id = d->events[e]->e.id;
	bool as_found = false;

	/* what a person accepted as it was is what the next attempt takes along */
	for (int k = 0; k < e; k++)
		as_found = as_found || d->events[k]->e.status == EV_ACCEPTED;
	for (int k = 0; k < d->n_items[e]; k++) {
		const struct item *i = d->items[e][k];
		const struct db_agent *a = agent(w, i->agent);
		const struct fake_number *n = i->to_number ?
			fake_number_find(&w->out, i->to_number) : NULL;

		if (i->state == IT_STAYS)
			continue;
		if (i->state != IT_MOVED)
			broken(w, "%s is completed, %s in it %s", id, i->agent,
			       enum_name(&item_state_names, i->state));
		if (!a || !str_eq(a->account, i->to_account))
			broken(w, "%s is completed, the row of %s is not moved", id, i->agent);
		if (!n || (!as_found && strcmp(n->hooks[WH_SMS_URL], "https://app.example/sms")))
			broken(w, "%s is completed, %s has another SMS webhook", id, i->to_number);
		const struct fake_import *m = n ? fake_import_find(&w->out, n->e164) : NULL;
		if (i->integration == INT_IMPORT && (!m || !str_eq(m->agent, i->eleven_agent)))
			broken(w, "%s is completed, %s is not assigned at ElevenLabs", id,
			       i->to_number);
	}
}

static void at_home(struct world *w, int e)
{
	const struct db_tables *d = &w->now;
	bool whole = !w->interfered && !w->lost_ms;	/* images may be among what was lost */

	for (int k = 0; k < d->n_items[e]; k++) {
		const struct item *i = d->items[e][k];
		const struct db_agent *a = agent(w, i->agent);

		if (i->state == IT_CONFLICT || i->state == IT_STAYS) {
			whole = false;
			if (i->state == IT_CONFLICT && !i->error)
				broken(w, "%s left %s alone and does not say why",
				       d->events[e]->e.id, i->agent);
			continue;
		}
		if (i->state != IT_UNDONE)
			broken(w, "%s is rolled back, %s in it %s", d->events[e]->e.id, i->agent,
			       enum_name(&item_state_names, i->state));
		if (i->before && !str_eq(a->account ? a->account : "acc1", d->events[e]->e.from))
			broken(w, "%s is rolled back, %s is on %s", d->events[e]->e.id, i->agent,
			       a->account);
	}
	/* only the first attempt began from the very beginning */
	if (!whole || e != 0)
		return;
	_cleanup_(free_p) char *is = fake_digest(&w->out);
	if (strcmp(is, w->digest_before))
		broken(w, "%s is rolled back, the providers are not as before", d->events[e]->e.id);
}

static void nothing_left_over(struct world *w)
{
	const struct db_tables *d = &w->now;

	for (int i = 0; i < d->n_reserved; i++) {
		int e = db_event(d, d->reserved[i].event);

		if (e < 0 || d->events[e]->e.status != EV_FAILED)
			broken(w, "%s is reserved for %s, which is %s", d->reserved[i].number,
			       d->reserved[i].event, event_status_name(d->events[e]->e.status));
	}
	for (int i = 0; i < w->n_effects; i++)
		if (w->effects[i].state == EFFECT_INTENDED)
			broken(w, "write %d (%s of %s) never ended", i + 1, w->effects[i].kind,
			       w->effects[i].event);
	if (w->out.locked && w->out.lock_until_ms > loop_now_ms(w->loop))
		broken(w, "the application is still locked");
}

void check_rest(struct world *w)
{
	const struct db_tables *d = &w->now;
	int newest = d->n_events - 1;

	for (int e = 0; e < d->n_events; e++) {
		int status = d->events[e]->e.status;

		if (event_status_attempting((enum event_status)status))
			broken(w, "%s is still %s", d->events[e]->e.id, event_status_name(status));
		const char *why = d->events[e]->e.error;
		if (status == EV_FAILED && (str_empty(why) || strchr(why, '?')))
			broken(w, "%s failed and does not say why: %s", d->events[e]->e.id,
			       why ? why : "");
		if (event_status_open((enum event_status)status) && e != newest)
			broken(w, "%s is open beside a newer one", d->events[e]->e.id);
	}
	one_agent_per_number(w);
	nobody_in_between(w);
	nothing_left_over(w);
	if (newest >= 0 && d->events[newest]->e.status == EV_COMPLETED && !w->interfered)
		completed(w, newest);
	if (newest >= 0 && d->events[newest]->e.status == EV_ROLLED_BACK)
		at_home(w, newest);
	if (w->out.duplicates)
		broken(w, "%d duplicate writes", w->out.duplicates);
	if (w->out.forbidden)
		broken(w, "%d writes to the source", w->out.forbidden);
}
