/*
 * Makes a plan out of facts; see plan.h.
 *
 * Numbers are given out in tiers: the agent's own backup number (or, on the way home,
 * its own number), then one of the same country and area code, then one of the same
 * country. Inside a tier the agents that are preferred choose first. Everything is
 * sorted by values that do not depend on the order of the facts, so that the same facts
 * always give the same hash. It does not look at any provider: a number that is unfit
 * is said so by `problem`, which the monitor keeps.
 */
#include "failover/plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"
#include "failover/e164.h"

enum { CALLS_IMPORT = 5, CALLS_REGISTER = 3, LATENCY_GUESS_MS = 150, SWEEP_MS = 5000 };

const char *plan_match_name(enum plan_match m)
{
	static const char *const names[] = { "own", "home", "area", "country" };

	return names[m];
}

/* ---- numbers: sorted by country, area, readiness; taken ones are skipped -------- */

struct pool_number {
	const struct number *n;
	struct e164_place place;
	size_t next;			/* itself while free, else towards the next free one */
};
struct pool {
	struct pool_number *v;		/* by place, then ready for SMS, then number */
	size_t *by_e164;		/* indexes into v */
	size_t n;
};

static int pool_compare(const void *a, const void *b)
{
	const struct pool_number *x = a, *y = b;
	int by = e164_place_compare(&x->place, &y->place);

	if (by)
		return by;
	if (x->n->sms_ready != y->n->sms_ready)
		return x->n->sms_ready ? -1 : 1;
	return strcmp(x->n->phone_number, y->n->phone_number);
}

static int pool_e164_compare(const void *a, const void *b, void *pool)
{
	const struct pool *p = pool;

	return strcmp(p->v[*(const size_t *)a].n->phone_number,
		      p->v[*(const size_t *)b].n->phone_number);
}

static void pool_init(struct pool *p, const struct plan_facts *f)
{
	p->v = xcalloc(f->n_numbers + 1, sizeof(*p->v));
	for (size_t i = 0; i < f->n_numbers; i++) {
		const struct number *n = &f->numbers[i];

		if (!n->voice_ready || !str_empty(n->problem) || str_empty(n->phone_number))
			continue;
		p->v[p->n].n = n;
		e164_place(n->phone_number, n->country, &p->v[p->n].place);
		p->n++;
	}
	qsort(p->v, p->n, sizeof(*p->v), pool_compare);
	p->by_e164 = xcalloc(p->n + 1, sizeof(*p->by_e164));
	for (size_t i = 0; i < p->n; i++)
		p->v[i].next = p->by_e164[i] = i;
	p->v[p->n].next = p->n;
	qsort_r(p->by_e164, p->n, sizeof(*p->by_e164), pool_e164_compare, p);
}

static void pool_fini(struct pool *p)
{
	free_p(&p->v);
	free_p(&p->by_e164);
}

/* The first free one at or after i (p->n = none); paths are shortened on the way. */
static size_t pool_free_from(struct pool *p, size_t i)
{
	size_t to = i;

	while (p->v[to].next != to)
		to = p->v[to].next;
	while (i != to) {
		size_t next = p->v[i].next;

		p->v[i].next = to;
		i = next;
	}
	return to;
}

static const struct number *pool_take(struct pool *p, size_t i)
{
	p->v[i].next = i + 1;
	return p->v[i].n;
}

/* The first position whose place is not before this one; whole country without area. */
static size_t pool_lower(const struct pool *p, const struct e164_place *place)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e164_place_compare(&p->v[mid].place, place) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct number *pool_by_place(struct pool *p, const struct e164_place *place,
					  bool area)
{
	struct e164_place from = *place;
	size_t i;

	if (area && !from.area[0])
		return NULL;
	if (!area)
		from.area[0] = '\0';
	i = pool_free_from(p, pool_lower(p, &from));
	if (i == p->n || strcmp(p->v[i].place.country, from.country) ||
	    (area && strcmp(p->v[i].place.area, from.area)))
		return NULL;
	return pool_take(p, i);
}

static const struct number *pool_by_e164(struct pool *p, const char *e164)
{
	size_t lo = 0, hi = p->n;

	if (str_empty(e164))
		return NULL;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2, i = p->by_e164[mid];
		int by = strcmp(p->v[i].n->phone_number, e164);

		if (!by)
			return pool_free_from(p, i) == i ? pool_take(p, i) : NULL;
		if (by < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* ---- who chooses first, who goes first ------------------------------------------ */

struct order {
	const struct plan_facts *f;
	size_t *v;			/* indexes of agents */
};

static int64_t priority_of(const struct plan_facts *f, size_t i)
{
	return f->priority ? f->priority[i] : 0;
}

static int compare_i64(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int order_compare(const void *a, const void *b, void *facts)
{
	const struct plan_facts *f = facts;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int by_priority = compare_i64(priority_of(f, x), priority_of(f, y));
	int by_calls = compare_i64(f->agents[y].calls_per_day, f->agents[x].calls_per_day);
	bool calls_first = str_eq(f->assign_by, "calls");

	if (calls_first ? by_calls : by_priority)
		return calls_first ? by_calls : by_priority;
	if (calls_first ? by_priority : by_calls)
		return calls_first ? by_priority : by_calls;
	return strcmp(f->agents[x].id, f->agents[y].id);
}

/* Agents that work now say most about the target, then those that worked last. */
static bool better_canary(const struct agent *a, const struct agent *b)
{
	static const int rank[OUT_MAX] = { [OUT_OK] = 0, [OUT_UNKNOWN] = 1, [OUT_BAD] = 2 };

	if (rank[a->outcome] != rank[b->outcome])
		return rank[a->outcome] < rank[b->outcome];
	return a->outcome == OUT_BAD && a->since_ms > b->since_ms;
}

/* ---- the plan ------------------------------------------------------------------- */

static void add_move(struct plan *p, const struct plan_facts *f, const struct agent *a,
		     const struct number *n, enum plan_match match)
{
	struct plan_move *m = &p->moves[p->n_moves++];
	bool home = match == MATCH_HOME;

	*m = (struct plan_move){
		.agent = xstrdup(a->id),
		.name = xstrdup(a->name),
		.eleven_id = xstrdup(a->eleven_id),
		.org_id = xstrdup(a->org_id),
		.integration = a->integration,
		.from_number = xstrdup(agent_number_in_use(a)),
		.to_number = xstrdup(home ? a->phone_number : n->phone_number),
		.to_sid = home || str_empty(n->sid) ? NULL : xstrdup(n->sid),
		.match = match,
		.healthy = a->outcome == OUT_OK,
		.sms_ready = home || n->sms_ready,
		.calls_per_day = a->calls_per_day,
	};
	p->healthy += m->healthy;
	p->sms_held += !m->sms_ready;
	p->old_calls_per_day += a->calls_per_day;
	(void)f;
}

static void add_stay(struct plan *p, const struct agent *a, size_t usable)
{
	const char *number = agent_number_in_use(a);

	p->stays[p->n_stays++] = (struct plan_stay){
		.agent = xstrdup(a->id),
		.name = xstrdup(a->name),
		.number = xstrdup(number),
		.why = usable ? xasprintf("no free voice-ready number in the country of %s",
					  str_empty(number) ? "its number" : number) :
				xstrdup("the target has no free voice-ready number left"),
	};
}

struct given { const struct number *n; enum plan_match match; bool yes; };

static void give_numbers(const struct plan_facts *f, const size_t *order, struct pool *pool,
			 struct given *given)
{
	for (int tier = MATCH_OWN; tier <= MATCH_COUNTRY; tier++) {
		for (size_t k = 0; k < f->n_agents; k++) {
			size_t i = order[k];
			const struct agent *a = &f->agents[i];
			struct e164_place place;
			struct given *g = &given[i];

			if (g->yes)
				continue;
			if (tier == MATCH_HOME) {
				g->yes = str_eq(f->to, a->home_account) &&
					 !str_empty(a->phone_number);
			} else if (tier == MATCH_OWN) {
				g->n = pool_by_e164(pool, a->backup_number);
			} else {
				e164_place(agent_number_in_use(a), NULL, &place);
				g->n = pool_by_place(pool, &place, tier == MATCH_AREA);
			}
			g->yes = g->yes || g->n;
			g->match = (enum plan_match)tier;
		}
	}
}

static void choose_canaries(const struct plan_facts *f, struct plan *p, const size_t *moved)
{
	size_t want = f->canaries > 0 ? (size_t)f->canaries : 1;

	if (want > p->n_moves)
		want = p->n_moves;
	/* moved[i]: the agent of move i; chosen ones are swapped to the front */
	size_t *agent = xcalloc(p->n_moves + 1, sizeof(*agent));
	memcpy(agent, moved, p->n_moves * sizeof(*agent));
	for (size_t c = 0; c < want; c++) {
		size_t best = c;

		for (size_t i = c + 1; i < p->n_moves; i++)
			if (better_canary(&f->agents[agent[i]], &f->agents[agent[best]]))
				best = i;
		/* the others keep their order */
		struct plan_move m = p->moves[best];
		size_t a = agent[best];

		memmove(&p->moves[c + 1], &p->moves[c], (best - c) * sizeof(m));
		memmove(&agent[c + 1], &agent[c], (best - c) * sizeof(a));
		p->moves[c] = m;
		p->moves[c].canary = true;
		agent[c] = a;
	}
	free_p(&agent);
}

static int64_t expected_ms(const struct plan_facts *f, const struct plan *p)
{
	int64_t latency = f->latency_ms > 0 ? f->latency_ms : LATENCY_GUESS_MS;
	int64_t parallel = f->parallel > 0 ? f->parallel : 1, calls = 0, canaries = 0;

	for (size_t i = 0; i < p->n_moves; i++) {
		if (p->moves[i].canary)
			canaries++;
		else
			calls += p->moves[i].integration == INT_IMPORT ? CALLS_IMPORT :
									 CALLS_REGISTER;
	}
	int64_t ms = (canaries ? CALLS_IMPORT * latency : 0) +
		     (calls + parallel - 1) / parallel * latency + SWEEP_MS + 10 * latency;
	if (f->degraded && f->calls_live != 0)
		ms += f->calls_wait_ms;
	return ms;
}

static int move_compare(const void *a, const void *b)
{
	const struct plan_move *const *x = a, *const *y = b;

	return strcmp((*x)->agent, (*y)->agent);
}

/* Health, order and calls in progress change by the minute and are not material. */
static void hash_plan(struct plan *p)
{
	const struct plan_move **sorted = xcalloc(p->n_moves + 1, sizeof(*sorted));
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	for (size_t i = 0; i < p->n_moves; i++)
		sorted[i] = &p->moves[i];
	qsort(sorted, p->n_moves, sizeof(*sorted), move_compare);
	str_addf(&b, "%s\n%s\n%s\n", p->lineage, p->from, p->to);
	for (size_t i = 0; i < p->n_moves; i++)
		str_addf(&b, "%s %s %s\n", sorted[i]->agent, sorted[i]->from_number,
			 sorted[i]->to_number);
	sha256_hex(str_get(&b), b.len, p->hash);
	str_fini(&b);
	free_p(&sorted);
}

struct plan *plan_make(const struct plan_facts *f)
{
	struct plan *p = xcalloc(1, sizeof(*p));
	size_t *order = xcalloc(f->n_agents + 1, sizeof(*order));
	size_t *moved = xcalloc(f->n_agents + 1, sizeof(*moved));
	struct given *given = xcalloc(f->n_agents + 1, sizeof(*given));
	struct pool pool = { 0 };

	*p = (struct plan){
		.lineage = xstrdup(f->lineage),
		.from = xstrdup(f->from),
		.to = xstrdup(f->to),
		.moves = xcalloc(f->n_agents + 1, sizeof(*p->moves)),
		.stays = xcalloc(f->n_agents + 1, sizeof(*p->stays)),
		.needed = (int64_t)f->n_agents,
		.calls_live = f->calls_live,
	};
	pool_init(&pool, f);
	p->usable = str_eq(f->to, f->lineage) ? (int64_t)f->n_agents : (int64_t)pool.n;
	for (size_t i = 0; i < f->n_agents; i++)
		order[i] = i;
	qsort_r(order, f->n_agents, sizeof(*order), order_compare, (void *)(uintptr_t)f);
	give_numbers(f, order, &pool, given);
	for (size_t k = 0; k < f->n_agents; k++) {
		const struct given *g = &given[order[k]];

		if (g->yes) {
			moved[p->n_moves] = order[k];
			add_move(p, f, &f->agents[order[k]], g->n, g->match);
		} else {
			add_stay(p, &f->agents[order[k]],
				 (size_t)p->usable > p->n_moves ? 1 : 0);
		}
	}
	choose_canaries(f, p, moved);
	p->expected_ms = expected_ms(f, p);
	hash_plan(p);
	pool_fini(&pool);
	free_p(&order);
	free_p(&moved);
	free_p(&given);
	return p;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_moves; i++) {
		struct plan_move *m = &p->moves[i];
		char **texts[] = { &m->agent, &m->name, &m->eleven_id, &m->org_id,
				   &m->from_number, &m->to_number, &m->to_sid };

		for (size_t k = 0; k < COUNT_OF(texts); k++)
			free_p(texts[k]);
	}
	for (size_t i = 0; i < p->n_stays; i++) {
		struct plan_stay *s = &p->stays[i];
		char **texts[] = { &s->agent, &s->name, &s->number, &s->why };

		for (size_t k = 0; k < COUNT_OF(texts); k++)
			free_p(texts[k]);
	}
	free_p(&p->moves);
	free_p(&p->stays);
	free_p(&p->lineage);
	free_p(&p->from);
	free_p(&p->to);
	free_p(&p);
}

void plan_free_p(struct plan **p)
{
	plan_free(*p);
}

/* ---- as JSON -------------------------------------------------------------------- */

static void sentence(struct jw *w, int64_t n, const char *fmt)
{
	if (n > 0) {
		char *s = xasprintf(fmt, (long long)n);

		jw_str(w, NULL, s);
		free_p(&s);
	}
}

/* What a person must know does not come along (provider-apis.md §7). */
static void not_moving(struct jw *w, const struct plan *p)
{
	jw_arr(w, "notMoving");
	sentence(w, p->old_calls_per_day,
		 "callers of the old numbers: about %lld calls a day reach nobody");
	sentence(w, p->sms_held, "SMS of %lld agents: the new number has no registered campaign");
	sentence(w, (int64_t)p->n_stays, "%lld agents stay: no number fits them");
	if (p->n_moves) {
		jw_str(w, NULL, "WhatsApp and RCS senders");
		jw_str(w, NULL, "short codes");
		jw_str(w, NULL, "opt-out lists: they belong to the old sender");
	}
	jw_arr_end(w);
}

static void moves_json(struct jw *w, const struct plan *p)
{
	jw_arr(w, "moves");
	for (size_t i = 0; i < p->n_moves; i++) {
		const struct plan_move *m = &p->moves[i];

		jw_obj(w, NULL);
		jw_str(w, "agentId", m->agent);
		jw_str(w, "name", m->name);
		jw_str(w, "fromNumber", m->from_number);
		jw_str(w, "toNumber", m->to_number);
		jw_str(w, "match", plan_match_name(m->match));
		jw_str(w, "integration", enum_name(&integration_names, m->integration));
		jw_bool(w, "canary", m->canary);
		jw_bool(w, "healthy", m->healthy);
		jw_bool(w, "smsReady", m->sms_ready);
		jw_i64(w, "callsPerDay", m->calls_per_day);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_arr(w, "stays");
	for (size_t i = 0; i < p->n_stays; i++) {
		jw_obj(w, NULL);
		jw_str(w, "agentId", p->stays[i].agent);
		jw_str(w, "name", p->stays[i].name);
		jw_str(w, "number", p->stays[i].number);
		jw_str(w, "why", p->stays[i].why);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

void plan_json(struct jw *w, const char *name, const struct plan *p, bool agents)
{
	jw_obj(w, name);
	jw_str(w, "hash", p->hash);
	jw_str(w, "lineage", p->lineage);
	jw_str(w, "fromAccountId", p->from);
	jw_str(w, "toAccountId", p->to);
	jw_i64(w, "agents", (int64_t)p->n_moves);
	jw_i64(w, "needed", p->needed);
	jw_i64(w, "usable", p->usable);
	jw_i64(w, "staying", (int64_t)p->n_stays);
	jw_i64(w, "healthyMoved", p->healthy);
	jw_i64(w, "smsHeld", p->sms_held);
	jw_i64(w, "oldCallsPerDay", p->old_calls_per_day);
	if (p->calls_live < 0)
		jw_null(w, "callsLive");
	else
		jw_i64(w, "callsLive", p->calls_live);
	jw_i64(w, "expectedMs", p->expected_ms);
	jw_bool(w, "partial", p->n_stays > 0);
	jw_arr(w, "canaries");
	for (size_t i = 0; i < p->n_moves && p->moves[i].canary; i++)
		jw_str(w, NULL, p->moves[i].agent);
	jw_arr_end(w);
	not_moving(w, p);
	if (agents)
		moves_json(w, p);
	jw_obj_end(w);
}
