/*
 * What the decider finds through its index, against a plain search, over random changes of
 * accounts, agents, lineages, pools, standbys and events: the same target, the same gates,
 * the same counts. No database: a monitor and a decider filled by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "failover/decide_index.h"

enum { ACCOUNTS = 24, LINEAGES = 8, AGENTS = 60, CHANGES = 3000 };

struct fixture {
	struct loop *loop;
	struct monitor m;
	struct failover_settings set;
	struct failover_deps deps;
	struct decider *d;
	unsigned rng;
};

static unsigned pick(struct fixture *f, unsigned n)
{
	f->rng = f->rng * 1103515245u + 12345u;
	return (f->rng >> 16) % n;
}

static struct watched *any_account(struct fixture *f)
{
	return f->m.v[pick(f, (unsigned)f->m.n)];
}

static struct lineage *any_lineage(struct fixture *f)
{
	return f->d->v[pick(f, (unsigned)f->d->n)];
}

/* ---- the plain search -------------------------------------------------------------------- */

static bool naive_open(struct fixture *f, struct lineage *l, const struct gate_ask *ask,
		       const char *target)
{
	struct gate_result g[GATE_MAX] = { 0 };
	struct gate_ask one = *ask;
	bool open;

	one.target = target;
	context_gates(f->d, l, &one, g);
	open = g[GATE_ATTEMPT].pass;
	for (int i = GATE_TARGET_HEALTHY; i < GATE_MAX; i++)
		open = open && g[i].pass;
	gates_clear(g);
	return open;
}

static const char *naive_target(struct fixture *f, struct lineage *l, const struct gate_ask *ask)
{
	const struct decide_facts *facts = &f->d->facts;
	const char *first = NULL;
	bool own = false;

	for (size_t i = 0; i < facts->n_standby; i++) {
		const struct watched *w = monitor_account(&f->m, facts->standby[i].backup);

		if (strcmp(facts->standby[i].primary, l->primary))
			continue;
		own = true;
		if (!w || !w->listed || !w->row.is_active || str_eq(w->row.id, l->current))
			continue;
		first = first ? first : w->row.id;
		if (naive_open(f, l, ask, w->row.id))
			return w->row.id;
	}
	for (int primaries = 0; !own && primaries < 2; primaries++)
		for (size_t i = 0; i < f->m.n; i++) {
			const struct account *a = &f->m.v[i]->row;

			if (!f->m.v[i]->listed || !a->is_active ||
			    a->is_primary != (primaries == 1) ||
			    !str_eq(a->provider, "twilio") || str_eq(a->id, l->current) ||
			    str_eq(a->id, l->primary))
				continue;
			first = first ? first : a->id;
			if (naive_open(f, l, ask, a->id))
				return a->id;
		}
	return first;
}

static void naive_agents(struct fixture *f, const struct lineage *l, int64_t *agents,
			 int64_t *imports)
{
	struct roster *r = &f->m.roster;

	*agents = *imports = 0;
	for (size_t i = 0; i < r->n; i++)
		if (roster_watched(&r->v[i]) && str_eq(r->accounts[r->v[i].account], l->current) &&
		    str_eq(r->accounts[r->v[i].home], l->primary)) {
			++*agents;
			*imports += r->v[i].integration == INT_IMPORT;
		}
}

static void compare(struct fixture *f, struct lineage *l)
{
	struct gate_result got[GATE_MAX] = { 0 }, again[GATE_MAX] = { 0 };
	struct gate_ask ask = { .partial = pick(f, 2), .manual = pick(f, 4) == 0,
				.own_event = pick(f, 2) ? l->ev.e.id : NULL };
	const char *want = naive_target(f, l, &ask), *target = context_gates(f->d, l, &ask, got);
	struct decide_index *kept = f->d->index;
	int64_t agents, imports, a, i;

	if (!str_eq(want, target))
		fail_msg("target of %s: %s, by search %s", l->primary, target, want);
	/* the same question with an index made a moment ago */
	f->d->index = decide_index_new();
	decide_index_facts(f->d);
	assert_true(str_eq(context_gates(f->d, l, &ask, again), want));
	context_agents(f->d, l, &agents, &imports);
	decide_index_free(f->d->index);
	f->d->index = kept;
	context_agents(f->d, l, &a, &i);
	assert_true(a == agents && i == imports);
	for (int g = 0; g < GATE_MAX; g++) {
		assert_int_equal(got[g].pass, again[g].pass);
		assert_string_equal(got[g].why, again[g].why);
	}
	naive_agents(f, l, &agents, &imports);
	assert_int_equal(a, agents);
	assert_int_equal(i, imports);
	gates_clear(got);
	gates_clear(again);
}

/* ---- changes --------------------------------------------------------------------------------- */

static void new_account(struct fixture *f)
{
	struct watched *w;
	char id[16];

	if (f->m.n == ACCOUNTS)
		return;
	snprintf(id, sizeof(id), "acc%02zu", f->m.n * 7 % 100);
	w = xcalloc(1, sizeof(*w));
	f->m.v = grow(f->m.v, &f->m.cap, f->m.n + 1, sizeof(*f->m.v));
	f->m.v[f->m.n++] = w;
	w->row.id = xstrdup(id);
	w->row.name = xasprintf("name-%s", id);
	w->row.provider = xstrdup(pick(f, 6) ? "twilio" : "telnyx");
	w->row.is_primary = pick(f, 3) == 0;
	w->row.is_active = w->listed = w->have_keys = true;
	w->keys.token = secret_new("token");
	w->sweep_n = 1;
	w->swept_ms = loop_now_ms(f->loop);
	w->held.probe[PROBE_WEBHOOK].at_ms = w->swept_ms;
	for (int k = 0; k < PROBE_MAX; k++) {
		w->held.probe[k].outcome = OUT_OK;
		w->held.probe[k].at_ms = w->swept_ms;
	}
}

static void change_account(struct fixture *f)
{
	struct watched *w = any_account(f);
	struct watched *other = any_account(f);
	size_t a = 0, b = 0;

	switch (pick(f, 6)) {
	case 0:
		w->listed = !w->listed;
		break;
	case 1:
		w->row.is_active = !w->row.is_active;
		break;
	case 2:
		w->held.probe[pick(f, PROBE_MAX)].outcome = (int)pick(f, 3);
		break;
	case 3:
		snprintf(w->parent_trouble, sizeof(w->parent_trouble), "%s",
			 pick(f, 3) ? "" : "ill");
		break;
	case 4:
		w->trial = pick(f, 3) == 0;
		w->type_known = true;
		break;
	default: /* the list came in another order */
		while (f->m.v[a] != w)
			a++;
		while (f->m.v[b] != other)
			b++;
		f->m.v[a] = other;
		f->m.v[b] = w;
	}
}

static void change_lineage(struct fixture *f)
{
	struct lineage *l;

	if (f->d->n == 0 || (f->d->n < LINEAGES && pick(f, 2))) {
		struct watched *w = any_account(f);

		if (decider_lineage(f->d, w->row.id))
			return;
		l = decider_lineage_add(f->d, w->row.id);
		l->current = xstrdup(w->row.id);
		decide_index_moved(f->d);
		return;
	}
	l = any_lineage(f);
	if (pick(f, 2)) {
		str_replace(&l->current, any_account(f)->row.id);
		decide_index_moved(f->d);
		return;
	}
	event_row_fini(&l->ev);
	if (pick(f, 3) == 0)
		return;
	l->ev.e.id = xasprintf("EV-%u", pick(f, 100));
	l->ev.e.status = (int)pick(f, EV_STATUS_MAX);
	l->ev.e.from = xstrdup(l->current);
	l->ev.e.to = xstrdup(any_account(f)->row.id);
}

static void change_agents(struct fixture *f)
{
	struct roster *r = &f->m.roster;
	struct roster_agent *a;

	if (r->n < AGENTS) {
		r->v = grow(r->v, &r->cap, r->n + 1, sizeof(*r->v));
		memset(&r->v[r->n++], 0, sizeof(*r->v));
	}
	a = &r->v[pick(f, (unsigned)r->n)];
	a->account = (uint16_t)roster_account(r, any_account(f)->row.id);
	a->home = (uint16_t)roster_account(r, any_lineage(f)->primary);
	if (pick(f, 2))
		a->account = a->home;
	a->present = (int8_t)(pick(f, 3) - 1);
	a->integration = pick(f, 2) ? INT_IMPORT : INT_REGISTER_CALL;
	r->version++;
}

static void change_facts(struct fixture *f)
{
	struct decide_facts *x = &f->d->facts;

	decide_facts_fini(x);
	x->pools = xcalloc(ACCOUNTS, sizeof(*x->pools));
	for (size_t i = 0; i < f->m.n; i++)
		if (pick(f, 5))
			x->pools[x->n_pools++] = (struct pool_count){
				xstrdup(f->m.v[i]->row.id), pick(f, 60), pick(f, 4) == 0,
				pick(f, 2) ? xstrdup("+1: trunk") : NULL,
				pick(f, 9) ? NULL : xstrdup("canaries failed") };
	x->standby = xcalloc(LINEAGES * 3, sizeof(*x->standby));
	for (size_t i = 0; i < f->d->n; i++)
		for (unsigned k = pick(f, 2) ? pick(f, 3) : 0; k > 0; k--)
			x->standby[x->n_standby++] = (struct standby_row){
				xstrdup(f->d->v[i]->primary), xstrdup(any_account(f)->row.id), k };
	decide_index_facts(f->d);
}

static void agrees_with_a_plain_search(void **state)
{
	struct fixture f = { .rng = 7 };

	(void)state;
	f.loop = loop_new();
	f.set = (struct failover_settings){ .max_per_hour = 1, .max_per_hour_lineage = 1,
		.hour_ms = 3600000, .evidence_fresh_ms = 180000, .cycle_ms = 120000,
		.api_strikes = 3, .write_deadline_ms = 5000 };
	f.deps = (struct failover_deps){ .loop = f.loop, .set = &f.set, .engine_id = "eng-1" };
	f.m.d = &f.deps;
	f.m.eleven.answers = true;
	f.d = decider_new(&f.deps, &f.m);
	new_account(&f);
	while (f.d->n == 0)
		change_lineage(&f);
	for (int i = 0; i < CHANGES; i++) {
		static void (*const change[])(struct fixture *) = {
			new_account, change_account, change_account, change_lineage, change_agents,
			change_facts,
		};

		change[pick(&f, COUNT_OF(change))](&f);
		if (i % 7 == 0)
			compare(&f, any_lineage(&f));
		assert_non_null(decider_account(f.d, any_account(&f)->row.id));
	}
	for (size_t i = 0; i < f.m.n; i++)
		assert_ptr_equal(decider_account(f.d, f.m.v[i]->row.id),
				 monitor_account(&f.m, f.m.v[i]->row.id));
	decider_free(f.d);
	for (size_t i = 0; i < f.m.n; i++) {
		record_fini(&account_type, &f.m.v[i]->row);
		credentials_fini(&f.m.v[i]->keys);
		free_p(&f.m.v[i]);
	}
	free_p(&f.m.v);
	roster_fini(&f.m.roster);
	loop_free(f.loop);
}

static void keeps_the_first_of_two(void **state)
{
	struct id_map m = { 0 };
	char keys[1000][8];

	(void)state;
	assert_int_equal(id_map_get(&m, "x"), ID_NONE);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < COUNT_OF(keys); i++) {
			snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
			id_map_put(&m, keys[i], i);
			id_map_put(&m, keys[i], 5000);
		}
		id_map_put(&m, NULL, 1);
		assert_int_equal(m.n, COUNT_OF(keys));
		for (size_t i = 0; i < COUNT_OF(keys); i++)
			assert_int_equal(id_map_get(&m, keys[i]), i);
		assert_int_equal(id_map_get(&m, NULL), ID_NONE);
		assert_int_equal(id_map_get(&m, "k"), ID_NONE);
		id_map_clear(&m);
		assert_int_equal(id_map_get(&m, "k1"), ID_NONE);
	}
	id_map_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_plain_search),
		cmocka_unit_test(keeps_the_first_of_two),
	};

	return cmocka_run_group_tests_name("decide_index", tests, NULL, NULL);
}
