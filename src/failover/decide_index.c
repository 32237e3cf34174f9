/*
 * What the decider looks up often, found by id: accounts, pools, standbys, lineages, and
 * how many agents each lineage has. Without it a tick would cost lineages times accounts
 * squared.
 *
 * Invariant: nothing here is an opinion or outlives what it points to. Accounts are never
 * forgotten by the monitor; pools and standbys are indexed in the turn that read them;
 * agents are counted again when the roster or a lineage's account changed.
 */
#include <string.h>

#include "core/mem.h"
#include "failover/decide_index.h"

struct decide_index {
	struct id_map accounts, lineages, pools, standby;
	struct watched **watched;
	size_t n_watched;
	struct candidates cand;
	size_t cap_cand;
	const struct lineage **busy;
	size_t n_busy, cap_busy;
	bool counted;
	uint64_t roster_version;
};

struct decide_index *decide_index_new(void)
{
	return xcalloc(1, sizeof(struct decide_index));
}

void decide_index_free(struct decide_index *x)
{
	if (!x)
		return;
	id_map_fini(&x->accounts);
	id_map_fini(&x->lineages);
	id_map_fini(&x->pools);
	id_map_fini(&x->standby);
	free_p(&x->watched);
	free_p(&x->cand.v);
	free_p(&x->busy);
	free_p(&x);
}

/* ---- accounts ------------------------------------------------------------------------- */

struct watched *decider_account(const struct decider *d, const char *id)
{
	struct decide_index *x = d->index;
	const struct monitor *m = d->m;
	size_t at;

	if (x->n_watched != m->n) {
		id_map_clear(&x->accounts);
		x->watched = xrealloc(x->watched, (m->n + 1) * sizeof(*x->watched));
		for (size_t i = 0; i < m->n; i++) {
			x->watched[i] = m->v[i];
			id_map_put(&x->accounts, m->v[i]->row.id, i);
		}
		x->n_watched = m->n;
	}
	at = id_map_get(&x->accounts, id);
	return at == ID_NONE ? NULL : x->watched[at];
}

/* ---- lineages --------------------------------------------------------------------------- */

struct lineage *decider_lineage(const struct decider *d, const char *primary)
{
	size_t at = id_map_get(&d->index->lineages, primary);

	return at == ID_NONE ? NULL : d->v[at];
}

struct lineage *decider_lineage_add(struct decider *d, const char *primary)
{
	struct lineage *l = xcalloc(1, sizeof(*l));

	d->v = grow(d->v, &d->cap, d->n + 1, sizeof(*d->v));
	l->primary = xstrdup(primary);
	id_map_put(&d->index->lineages, l->primary, d->n);
	d->v[d->n++] = l;
	return l;
}

/* ---- agents ------------------------------------------------------------------------------- */

void decide_index_moved(struct decider *d)
{
	d->index->counted = false;
}

/* One pass over the agents for all lineages: each agent is at home in one. */
static void count_agents(const struct decider *d)
{
	struct roster *r = &d->m->roster;
	struct lineage **at_home;

	for (size_t i = 0; i < d->n; i++) {
		struct lineage *l = d->v[i];

		l->on = roster_account(r, l->current);
		l->home = roster_account(r, l->primary);
		l->agents = l->imports = 0;
	}
	at_home = xcalloc(r->n_accounts + 1, sizeof(struct lineage *));
	for (size_t i = 0; i < d->n; i++)
		at_home[d->v[i]->home] = d->v[i];
	for (size_t i = 0; i < r->n; i++) {
		const struct roster_agent *a = &r->v[i];
		struct lineage *l = at_home[a->home];

		if (!l || a->account != l->on || !roster_watched(a))
			continue;
		l->agents++;
		l->imports += a->integration == INT_IMPORT;
	}
	free_p(&at_home);
}

void context_agents(const struct decider *d, const struct lineage *l, int64_t *ret_agents,
		    int64_t *ret_imports)
{
	struct decide_index *x = d->index;

	if (!x->counted || x->roster_version != d->m->roster.version) {
		count_agents(d);
		x->counted = true;
		x->roster_version = d->m->roster.version;
	}
	*ret_agents = l->agents;
	*ret_imports = l->imports;
}

/* ---- what was read ------------------------------------------------------------------------- */

void decide_index_facts(struct decider *d)
{
	struct decide_index *x = d->index;

	id_map_clear(&x->pools);
	id_map_clear(&x->standby);
	for (size_t i = 0; i < d->facts.n_pools; i++)
		id_map_put(&x->pools, d->facts.pools[i].account, i);
	/* rows of one primary are neighbours: the first is enough */
	for (size_t i = 0; i < d->facts.n_standby; i++)
		id_map_put(&x->standby, d->facts.standby[i].primary, i);
}

const struct pool_count *decider_pool(const struct decider *d, const char *account)
{
	size_t at = id_map_get(&d->index->pools, account);

	return at == ID_NONE ? NULL : &d->facts.pools[at];
}

const struct lineage *const *decider_busy(const struct decider *d, size_t *ret_n)
{
	struct decide_index *x = d->index;

	x->n_busy = 0;
	for (size_t i = 0; i < d->n; i++) {
		const struct event *e = &d->v[i]->ev.e;

		if (!e->id || (!event_status_attempting((enum event_status)e->status) &&
			       e->status != EV_FAILED))
			continue;
		x->busy = grow(x->busy, &x->cap_busy, x->n_busy + 1, sizeof(*x->busy));
		x->busy[x->n_busy++] = d->v[i];
	}
	*ret_n = x->n_busy;
	return x->busy;
}

/* ---- candidates ---------------------------------------------------------------------------- */

static void add(struct decide_index *x, const struct watched *w)
{
	x->cand.v = grow(x->cand.v, &x->cap_cand, x->cand.n + 1, sizeof(*x->cand.v));
	x->cand.v[x->cand.n++] = w;
}

const struct candidates *decider_candidates(const struct decider *d, const struct lineage *l)
{
	struct decide_index *x = d->index;
	const struct watched *current = decider_account(d, l->current);
	const struct watched *home = decider_account(d, l->primary);
	size_t own = id_map_get(&x->standby, l->primary);

	x->cand.n = 0;
	for (size_t i = own; own != ID_NONE && i < d->facts.n_standby; i++) {
		const struct watched *w;

		if (!str_eq(d->facts.standby[i].primary, l->primary))
			break;
		w = decider_account(d, d->facts.standby[i].backup);
		if (w && w->listed && w->row.is_active && w != current)
			add(x, w);
	}
	/* the monitor's accounts come in order: primaries first, then priority and name */
	for (int primaries = 0; own == ID_NONE && primaries < 2; primaries++) {
		for (size_t i = 0; i < d->m->n; i++) {
			const struct watched *w = d->m->v[i];

			if (w->row.is_primary == (primaries == 1) && w->listed &&
			    w->row.is_active &&
			    w != current && w != home && str_eq(w->row.provider, "twilio"))
				add(x, w);
		}
	}
	return &x->cand;
}
