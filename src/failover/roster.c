/*
 * The agents in memory; see roster.h.
 *
 * Invariant: about a hundred and fifty bytes an agent with its text, and no work over all
 * of them without letting the loop turn in between. After a load it holds what a reading of
 * everything would give: rows written since the mark are taken in, and only if the numbers
 * of agents then agree is nothing missing (what was deleted writes no row).
 */
#include "failover/roster.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/task.h"
#include "providers/agents_api.h"
#include "store/agents.h"

enum { PAGE = 2000, YIELD_EVERY = 2000, WHOLE_EVERY = 100 };

void roster_yield(unsigned *n)
{
	if (++*n % YIELD_EVERY == 0)
		task_sleep(0);
}

void roster_fini(struct roster *r)
{
	for (size_t i = 0; i < r->n_accounts; i++)
		free_p(&r->accounts[i]);
	free_p(&r->accounts);
	free_p(&r->v);
	free_p(&r->text);
	free_p(&r->by_number);
	memset(r, 0, sizeof(*r));
}

int roster_account(struct roster *r, const char *id)
{
	for (size_t i = 0; i < r->n_accounts; i++)
		if (str_eq(r->accounts[i], id))
			return (int)i;
	r->accounts = grow(r->accounts, &r->cap_accounts, r->n_accounts + 1, sizeof(*r->accounts));
	r->accounts[r->n_accounts] = xstrdup(id);
	return (int)r->n_accounts++;
}

static uint32_t put_text(struct roster *r, const char *s)
{
	size_t n = s ? strlen(s) : 0;
	uint32_t at;

	if (r->text_len == 0) {
		r->text = grow(r->text, &r->text_cap, 1, 1);
		r->text[r->text_len++] = 0;
	}
	if (n == 0)
		return 0;
	r->text = grow(r->text, &r->text_cap, r->text_len + n + 1, 1);
	at = (uint32_t)r->text_len;
	memcpy(r->text + at, s, n + 1);
	r->text_len += n + 1;
	return at;
}

static size_t bucket_of(const char *s)
{
	uint64_t h = hash_add_text(HASH_START, s);

	return (size_t)(h ^ (h >> 29));
}

static void index_numbers(struct roster *r)
{
	uint32_t *index;
	size_t size = 16;
	unsigned turns = 0;

	while (size < r->n * 2)
		size *= 2;
	index = xcalloc(size, sizeof(*index));
	for (size_t i = 0; i < r->n; i++) {
		size_t at = bucket_of(roster_text(r, r->v[i].number)) & (size - 1);

		while (index[at])
			at = (at + 1) & (size - 1);
		index[at] = (uint32_t)i + 1;
		roster_yield(&turns);
	}
	free_p(&r->by_number);
	r->by_number = index;
	r->mask = size - 1;
}

struct roster_agent *roster_by_number(const struct roster *r, const char *e164)
{
	size_t at;

	if (!r->n || str_empty(e164))
		return NULL;
	for (at = bucket_of(e164) & r->mask; r->by_number[at]; at = (at + 1) & r->mask) {
		struct roster_agent *a = &r->v[r->by_number[at] - 1];

		if (!strcmp(roster_text(r, a->number), e164))
			return a;
	}
	return NULL;
}

/* Is it one of ours at all? As agents_pulse counts. */
static bool carried(const struct agent *a)
{
	return str_eq(a->status, "ACTIVE") && !str_empty(a->eleven_id) &&
	       !str_empty(agent_number_in_use(a));
}

static uint32_t keep_text(struct roster *r, uint32_t old, const char *s)
{
	if (!strcmp(roster_text(r, old), s ? s : ""))
		return old;
	r->wasted += old ? strlen(roster_text(r, old)) + 1 : 0;
	return put_text(r, s);
}

/* x: zeroed, or the agent as it was, whose texts are kept where they are still right. */
static void fill(struct roster *r, const struct agent_row *row, struct roster_agent *x)
{
	const struct agent *a = &row->a;

	x->id = keep_text(r, x->id, a->id);
	x->name = keep_text(r, x->name, a->name);
	x->number = keep_text(r, x->number, agent_number_in_use(a));
	x->eleven = keep_text(r, x->eleven, a->eleven_id);
	x->org = keep_text(r, x->org, a->org_id);
	x->account = (uint16_t)roster_account(r, a->account ? a->account : "");
	x->home = (uint16_t)roster_account(r, a->home_account ? a->home_account : "");
	x->integration = (uint8_t)a->integration;
	x->present = (int8_t)row->eleven_present;
	x->stored = (uint8_t)a->outcome;
	r->ext += row->ext - x->ext;
	x->ext = row->ext;
}

static void add(struct roster *r, const struct agent_row *row)
{
	struct roster_agent *x;

	r->v = grow(r->v, &r->cap, r->n + 1, sizeof(*r->v));
	x = &r->v[r->n++];
	memset(x, 0, sizeof(*x));
	fill(r, row, x);
}

static void carry(struct roster_agent *a, const struct roster_agent *o)
{
	a->hooks = o->hooks;
	a->code = o->code;
	a->since_ms = o->since_ms ? o->since_ms : a->since_ms;
	a->outcome = o->outcome;
	a->reason = o->reason;
	a->inherited = o->inherited;
	a->raw_outcome = o->raw_outcome;
	a->raw_reason = o->raw_reason;
	a->raw_inherited = o->raw_inherited;
	a->run = o->run;
	a->run_n = o->run_n;
	a->seen = o->seen;
	a->traffic = o->traffic;
	a->changed = a->outcome != a->stored;
}

/* Both are ordered by id. The finding goes on only where the agent still runs on the same
 * account with the same number. */
static void carry_over(struct roster *now, const struct roster *old)
{
	size_t j = 0;
	unsigned turns = 0;

	for (size_t i = 0; i < now->n && j < old->n; i++) {
		struct roster_agent *a = &now->v[i];
		const char *id = roster_text(now, a->id);
		int order = -1;

		roster_yield(&turns);
		while (j < old->n && (order = strcmp(roster_text(old, old->v[j].id), id)) < 0)
			j++;
		if (j == old->n || order != 0)
			continue;
		const struct roster_agent *o = &old->v[j];
		if (strcmp(roster_text(old, o->number), roster_text(now, a->number)) ||
		    strcmp(old->accounts[o->account], now->accounts[a->account]))
			continue;
		carry(a, o);
	}
}

static int by_id(const void *a, const void *b, void *ctx)
{
	const struct roster *r = ctx;

	return strcmp(roster_text(r, ((const struct roster_agent *)a)->id),
		      roster_text(r, ((const struct roster_agent *)b)->id));
}

/* Gives back what growing took too much. */
static void fit(struct roster *r)
{
	if (r->n && r->cap > r->n + r->n / 16) {
		r->v = xrealloc(r->v, r->n * sizeof(*r->v));
		r->cap = r->n;
	}
	if (r->text_len && r->text_cap > r->text_len + r->text_len / 16) {
		r->text = xrealloc(r->text, r->text_len);
		r->text_cap = r->text_len;
	}
}

static int load_whole(struct roster *r, struct store *s, const struct agents_pulse *pulse,
		      struct err *err)
{
	struct roster now = { 0 };
	struct agents_filter all = { 0 };
	_cleanup_(free_p) char *after = NULL;
	size_t n;

	for (size_t i = 0; i < r->n_accounts; i++)
		roster_account(&now, r->accounts[i]);
	/* about as many as last time: no doubling on the way there */
	if (r->n) {
		now.cap = r->n + r->n / 64 + 1;
		now.v = xmalloc(now.cap * sizeof(*now.v));
		now.text_cap = r->text_len + r->text_len / 64 + 1;
		now.text = xmalloc(now.text_cap);
	}
	do {
		struct agent_row *rows = NULL;
		int e = agents_page(s, &all, after, PAGE, &rows, &n, err);

		if (e < 0) {
			roster_fini(&now);
			return e;
		}
		for (size_t i = 0; i < n; i++)
			if (carried(&rows[i].a))
				add(&now, &rows[i]);
		if (n)
			str_replace(&after, rows[n - 1].a.id);
		agents_free(rows, n);
	} while (n == PAGE);
	/* the database's order of text need not be ours */
	if (now.n)
		qsort_r(now.v, now.n, sizeof(*now.v), by_id, &now);
	carry_over(&now, r);
	fit(&now);
	index_numbers(&now);
	now.version = r->version + 1;
	now.mark = pulse->mark;
	memcpy(now.seen_accounts, pulse->accounts, sizeof(now.seen_accounts));
	roster_fini(r);
	*r = now;
	return 0;
}

/* ---- what changed ------------------------------------------------------------------- */

static struct roster_agent *find(const struct roster *r, size_t n, const char *id)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(roster_text(r, r->v[mid].id), id);

		if (!order)
			return &r->v[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Agents that came and went, since the order and the numbers have to follow. */
struct moves { bool any, order; };

static void take_in(struct roster *r, size_t known, const struct agent_row *row, struct moves *m)
{
	struct roster_agent *a = find(r, known, row->a.id), was;

	if (!carried(&row->a)) {
		if (a && !a->gone) {
			a->gone = true;
			r->ext -= a->ext;
			m->any = m->order = true;
		}
		return;
	}
	if (!a) {
		add(r, row);
		m->any = m->order = true;
		return;
	}
	was = *a;
	memset(a, 0, sizeof(*a));
	a->id = was.id, a->name = was.name, a->number = was.number, a->eleven = was.eleven;
	a->org = was.org, a->ext = was.ext;
	fill(r, row, a);
	/* a text that is still right has kept its place */
	m->order |= a->number != was.number;
	m->any |= a->number != was.number || a->account != was.account || a->home != was.home ||
		  a->integration != was.integration || a->present != was.present;
	if (a->number == was.number && a->account == was.account)
		carry(a, &was);
}

static void settle(struct roster *r, const struct moves *m)
{
	size_t n = 0;

	r->version += m->any;
	if (!m->order)
		return;
	for (size_t i = 0; i < r->n; i++)
		if (!r->v[i].gone)
			r->v[n++] = r->v[i];
	r->n = n;
	if (n)
		qsort_r(r->v, n, sizeof(*r->v), by_id, r);
	index_numbers(r);
}

static int load_changes(struct roster *r, struct store *s, struct err *err)
{
	struct agents_filter f = { .since = r->mark };
	_cleanup_(free_p) char *after = NULL;
	struct moves moves = { 0 };
	size_t known = r->n, n;
	int e;

	do {
		struct agent_row *rows = NULL;

		e = agents_page(s, &f, after, PAGE, &rows, &n, err);
		for (size_t i = 0; e == 0 && i < n; i++)
			take_in(r, known, &rows[i], &moves);
		if (e == 0 && n)
			str_replace(&after, rows[n - 1].a.id);
		if (e == 0)
			agents_free(rows, n);
	} while (e == 0 && n == PAGE);
	/* what was taken in stays, also after a failure: it will be read again */
	settle(r, &moves);
	return e;
}

int roster_load(struct roster *r, struct store *s, struct err *err)
{
	struct agents_pulse now = { 0 };
	int e = agents_pulse(s, r->mark, &now, err);

	if (e < 0)
		return e;
	/* another server's marks, another set of homes: nothing read before can be relied on */
	if (!r->mark || now.mark < r->mark || strcmp(now.accounts, r->seen_accounts) ||
	    ++r->age >= WHOLE_EVERY || r->wasted > r->text_len / 8 + PAGE ||
	    (size_t)now.changed > r->n / 4 + PAGE)
		return load_whole(r, s, &now, err);
	e = now.changed ? load_changes(r, s, err) : 0;
	if (e < 0)
		return e;
	if ((size_t)now.carried != r->n || (size_t)now.ext != r->ext)
		return load_whole(r, s, &now, err);
	r->mark = now.mark;
	return 0;
}

void presence_add(void *presence, const struct remote_agent *a)
{
	struct presence *p = presence;

	p->v = grow(p->v, &p->cap, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = hash_add_text(HASH_START, a->id);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void roster_presence(struct roster *r, struct presence *listed, size_t *ret_changed)
{
	unsigned turns = 0;

	*ret_changed = 0;
	if (listed->n)
		qsort(listed->v, listed->n, sizeof(*listed->v), by_value);
	for (size_t i = 0; i < r->n; i++) {
		/* as much of it as a remote_agent holds */
		char key[sizeof(((struct remote_agent *)0)->id)] = "";
		uint64_t id;
		int8_t present;

		roster_yield(&turns);
		memccpy(key, roster_text(r, r->v[i].eleven), 0, sizeof(key) - 1);
		id = hash_add_text(HASH_START, key);
		present = listed->n &&
			  bsearch(&id, listed->v, listed->n, sizeof(*listed->v), by_value);
		r->v[i].presence_changed = present != r->v[i].present;
		*ret_changed += r->v[i].presence_changed;
		r->version += r->v[i].presence_changed;
		r->v[i].present = present;
	}
}

bool roster_feed(struct roster_agent *a, struct agent_finding f, bool counts,
		 const struct failover_settings *set, int64_t wall_ms)
{
	int64_t need = f.outcome == OUT_BAD ? set->fall : set->rise;

	a->raw_outcome = f.outcome;
	a->raw_reason = f.reason;
	a->raw_inherited = f.inherited;
	if (!counts || (f.outcome == OUT_UNKNOWN && a->run == OUT_BAD && a->run_n))
		return false;
	a->run_n = a->run == f.outcome && a->run_n ? (uint8_t)(a->run_n < 100 ? a->run_n + 1 :
							       100) :
						      1;
	a->run = f.outcome;
	if (a->outcome == f.outcome) {
		a->reason = f.reason;
		a->inherited = f.inherited;
		return false;
	}
	if (a->run_n < need && !(a->since_ms == 0 && f.outcome == OUT_OK))
		return false;
	a->outcome = f.outcome;
	a->reason = f.reason;
	a->inherited = f.inherited;
	a->since_ms = wall_ms;
	return true;
}
