/*
 * A plan's facts from the database and a plan into it; see plan.h. Reading happens outside
 * any transaction: what went to somebody else meanwhile is refused by the constraints on
 * reservations, not by looking twice.
 */
#include "core/mem.h"
#include "failover/failover.h"
#include "failover/plan.h"
#include "store/agents.h"
#include "store/items.h"
#include "store/numbers.h"
#include "store/plans.h"
#include "store/steps.h"

enum { AGENTS_PAGE = 5000 };

struct facts_rows {
	struct agent *agents;
	int64_t *priority;
	size_t n, cap, cap_priority;
	struct agent_row **pages;	/* own the texts */
	size_t *page_n, n_pages, cap_pages, cap_page_n;
	struct number *numbers;
	size_t n_numbers;
};

static void facts_fini(struct facts_rows *f)
{
	for (size_t i = 0; i < f->n_pages; i++)
		agents_free(f->pages[i], f->page_n[i]);
	numbers_free(f->numbers, f->n_numbers);
	free_p(&f->pages);
	free_p(&f->page_n);
	free_p(&f->agents);
	free_p(&f->priority);
}

static int load_agents(struct store *s, struct facts_rows *f, const char *lineage,
		       const char *from, struct err *err)
{
	struct agents_filter filter = { .account = from, .home = lineage, .watched = true };
	const char *after = NULL;

	for (;;) {
		struct agent_row *rows = NULL;
		size_t n = 0;
		int r = agents_page(s, &filter, after, AGENTS_PAGE, &rows, &n, err);

		if (r < 0)
			return r;
		f->pages = grow(f->pages, &f->cap_pages, f->n_pages + 1, sizeof(*f->pages));
		f->page_n = grow(f->page_n, &f->cap_page_n, f->n_pages + 1, sizeof(*f->page_n));
		f->pages[f->n_pages] = rows;
		f->page_n[f->n_pages++] = n;
		f->agents = grow(f->agents, &f->cap, f->n + n + 1, sizeof(*f->agents));
		f->priority = grow(f->priority, &f->cap_priority, f->n + n + 1,
				   sizeof(*f->priority));
		for (size_t i = 0; i < n; i++, f->n++) {
			f->agents[f->n] = rows[i].a;
			f->priority[f->n] = rows[i].priority;
		}
		if (n < AGENTS_PAGE)
			return 0;
		after = rows[n - 1].a.id;
	}
}

int plan_load(struct store *s, const struct failover_settings *set, const char *lineage,
	      const char *from, const char *to, const char *reserved_by, bool degraded,
	      int64_t calls_live, struct plan **ret, struct err *err)
{
	_cleanup_(facts_fini) struct facts_rows rows = { 0 };
	int r = load_agents(s, &rows, lineage, from, err);

	if (r >= 0)
		r = plan_numbers(s, to, reserved_by, &rows.numbers, &rows.n_numbers, err);
	if (r < 0)
		return r;
	struct plan_facts f = {
		.lineage = lineage, .from = from, .to = to,
		.agents = rows.agents, .priority = rows.priority, .n_agents = rows.n,
		.numbers = rows.numbers, .n_numbers = rows.n_numbers,
		.assign_by = set->assign_by, .degraded = degraded, .calls_live = calls_live,
		.canaries = set->canaries, .parallel = set->parallel,
		.calls_wait_ms = set->calls_wait_ms,
	};
	*ret = plan_make(&f);
	return 0;
}

void plan_into_event(const struct plan *p, struct event *e)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	plan_json(&w, NULL, p, false);
	str_replace(&e->plan, str_get(&b));
	str_fini(&b);
	str_replace(&e->plan_hash, p->hash);
	str_replace(&e->to, p->to);
	e->agents_total = (int64_t)p->n_moves;
	e->agents_moved = e->agents_failed = 0;
	e->partial = p->n_stays > 0;
	for (int n = STEP_LOCK; n < STEP_MAX; n++) {
		record_fini(&event_step_type, &e->steps[n]);
		e->steps[n].n = n;
		e->steps[n].state = SS_WAITING;
		e->steps[n].total = n >= STEP_ASSIGN && n <= STEP_TEST ? e->agents_total : 1;
	}
}

/* The rows of the plan as items; texts stay the plan's. */
static struct item *borrow_items(const struct plan *p, bool pool_only, size_t *ret_n)
{
	struct item *v = xcalloc(p->n_moves + p->n_stays + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < p->n_moves; i++) {
		const struct plan_move *m = &p->moves[i];

		if (pool_only && m->match == MATCH_HOME)
			continue;
		v[n++] = (struct item){
			.agent = m->agent, .ord = (int64_t)i, .canary = m->canary,
			.integration = m->integration, .eleven_agent = m->eleven_id,
			.from_account = p->from, .to_account = p->to,
			.from_number = m->from_number, .to_number = m->to_number,
			.to_sid = m->to_sid, .state = IT_WAITING,
		};
	}
	/* who stays is on record too, so that a partial event lists what is where */
	for (size_t i = 0; i < p->n_stays && !pool_only; i++)
		v[n++] = (struct item){
			.agent = p->stays[i].agent, .ord = (int64_t)(p->n_moves + i),
			.from_account = p->from, .from_number = p->stays[i].number,
			.state = IT_STAYS, .error = p->stays[i].why,
		};
	*ret_n = n;
	return v;
}

int plan_store(struct tx *t, const char *event_id, const struct plan *p, struct err *err)
{
	size_t n = 0;
	int r = items_release(t, event_id, err);

	if (r >= 0) {
		_cleanup_(free_p) struct item *all = borrow_items(p, false, &n);

		r = items_put(t, event_id, all, n, err);
	}
	if (r >= 0) {
		_cleanup_(free_p) struct item *pool = borrow_items(p, true, &n);

		r = items_reserve(t, event_id, pool, n, err);
	}
	if (r >= 0)
		r = steps_put(t, event_id, (int64_t)p->n_moves, err);
	if (r < 0)
		return r;
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);
	plan_json(&w, NULL, p, false);
	r = attempt_plan(t, event_id, p->to, str_get(&b), p->hash, (int64_t)p->n_moves,
			 p->n_stays > 0, err);
	str_fini(&b);
	return r;
}

int plan_release(struct tx *t, const char *event_id, struct err *err)
{
	return items_release(t, event_id, err);
}
