/*
 * A sweep's list of numbers into the database: the pool of a standby, and the webhooks of
 * every number beside their approved baseline. Only what changed since the last sweep is
 * written for agents' own numbers.
 *
 * Invariant: the pool of an account with an attempt under way is left to the attempt.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/log.h"
#include "core/mem.h"
#include "failover/e164.h"
#include "failover/id_map.h"
#include "failover/lease.h"
#include "failover/watch.h"
#include "store/accounts.h"
#include "store/numbers.h"

enum { HOOKS_BATCH = 250, REGIONS_PER_SWEEP = 30, REGIONS_MAX = 500,
       POOL_AGAIN_MS = 600000, POOL_PAUSE = 100 };

static bool busy(const struct monitor *m, const char *id)
{
	for (size_t i = 0; i < m->n_busy; i++)
		if (str_eq(m->busy[i], id))
			return true;
	return false;
}

static char *hooks_text(const struct webhooks *h)
{
	struct str b = STR_INIT(65536);
	struct jw w = JW(&b);

	jw_obj(&w, NULL);
	for (int f = 0; h && f < WH_COUNT; f++)
		jw_str(&w, webhook_field_name((enum webhook_field)f), h->v[f] ? h->v[f] : "");
	jw_obj_end(&w);
	return str_take(&b);
}

static uint64_t hash_text(uint64_t h, const char *s)
{
	return hash_add(hash_add_text(h, s), 31);
}

static uint32_t hooks_hash(const struct webhooks *h)
{
	uint64_t x = HASH_START;

	for (int f = 0; h && f < WH_COUNT; f++)
		x = hash_text(x, h->v[f]);
	return (uint32_t)(x ^ (x >> 32)) | 1;
}

static const char *hook(const struct phone *p, enum webhook_field f)
{
	return p->hooks && p->hooks->v[f] ? p->hooks->v[f] : "";
}

/* ---- regions: one request a number, so a few at a time, remembered ------------------------- */

static const char *region_of(const struct watched *w, const char *e164)
{
	for (size_t i = 0; i < w->n_regions; i++)
		if (!strcmp(w->regions[i].e164, e164))
			return w->regions[i].region;
	return NULL;
}

static void look_at_regions(struct monitor *m, struct watched *w, const struct reading *r)
{
	const struct telephony_ops *ops = providers_telephony(m->d->providers, r->keys.provider);
	int asked = 0;

	for (size_t i = 0; i < r->phones.n && asked < REGIONS_PER_SWEEP; i++) {
		struct region_seen seen = { 0 };
		struct call_info info = { 0 };

		if (w->n_regions >= REGIONS_MAX || region_of(w, r->phones.v[i].e164))
			continue;
		asked++;
		if (ops->voice_region(m->d->providers, &r->keys, r->phones.v[i].e164, seen.region,
				      &info) != CALL_OK) {
			if (info.result != CALL_NOT_FOUND)
				break;
			/* never routed by region: the default, which is the account's own */
			snprintf(seen.region, sizeof(seen.region), "%s",
				 w->keys.region[0] ? w->keys.region : "us1");
		}
		snprintf(seen.e164, sizeof(seen.e164), "%s", r->phones.v[i].e164);
		w->regions = grow(w->regions, &w->cap_regions, w->n_regions + 1,
				  sizeof(*w->regions));
		w->regions[w->n_regions++] = seen;
	}
}

/* ---- the pool ------------------------------------------------------------------------------ */

struct pool_row { struct number_seen seen; struct e164_place place; char problem[96]; char *hooks;
		  };

static const char *caps_of(const struct phone *p)
{
#define CAPS(v, s, m) "{\"voice\":" v ",\"sms\":" s ",\"mms\":" m "}"
	static const char *const texts[] = {
		CAPS("false", "false", "false"), CAPS("true", "false", "false"),
		CAPS("false", "true", "false"),	 CAPS("true", "true", "false"),
		CAPS("false", "false", "true"),	 CAPS("true", "false", "true"),
		CAPS("false", "true", "true"),	 CAPS("true", "true", "true"),
	};

	return texts[(p->voice ? 1 : 0) | (p->sms ? 2 : 0) | (p->mms ? 4 : 0)];
}

static int by_e164(const void *a, const void *b)
{
	return strcmp(((const struct sms_number *)a)->e164, ((const struct sms_number *)b)->e164);
}

/* 1 with an approved campaign, 0 without; -1 = not known. The list is sorted. */
static int sms_ready(const struct sms_number_list *sms, bool sms_read, const char *e164)
{
	struct sms_number key = { 0 };
	const struct sms_number *found;

	if (!sms_read)
		return -1;
	memccpy(key.e164, e164, 0, sizeof(key.e164) - 1);
	found = sms->n ? bsearch(&key, sms->v, sms->n, sizeof(*sms->v), by_e164) : NULL;
	return found && found->campaign == CAMPAIGN_APPROVED;
}

/* One sweep's list on its way into the pool. */
struct pool {
	struct monitor *m;
	struct watched *w;
	const struct reading *r;
	const struct sms_number_list *sms;	/* sorted */
	bool sms_read;
	struct id_map regions;		/* of the account, by number */
	struct pool_seen *now;		/* in the order of the list, then by number */
	bool *write;			/* in the order of the list */
};

static const char *pool_region(const struct pool *x, const char *e164)
{
	size_t at = id_map_get(&x->regions, e164);

	return at == ID_NONE ? NULL : x->w->regions[at].region;
}

static void describe(const struct pool *x, const struct phone *p, struct pool_row *row)
{
	const char *own = x->w->keys.region[0] ? x->w->keys.region : "us1";
	const char *region = pool_region(x, p->e164);

	memset(row, 0, sizeof(*row));
	e164_place(p->e164, NULL, &row->place);
	if (!p->voice)
		snprintf(row->problem, sizeof(row->problem), "cannot take calls");
	else if (hook(p, WH_TRUNK_SID)[0] && x->w->keys.provider != PROVIDER_TELNYX)
		snprintf(row->problem, sizeof(row->problem), "a trunk takes its calls");
	else if (hook(p, WH_VOICE_APPLICATION_SID)[0])
		snprintf(row->problem, sizeof(row->problem), "an application takes its calls");
	else if (region && strcmp(region, own))
		snprintf(row->problem, sizeof(row->problem),
			 "its calls go to region %.16s, not %.16s", region, own);
	row->seen = (struct number_seen){
		.phone_number = p->e164, .sid = p->sid, .country = row->place.country,
		.area_code = row->place.area[0] ? row->place.area : NULL,
		.capabilities = caps_of(p), .voice_ready = p->voice && !row->problem[0],
		.sms_ready = sms_ready(x->sms, x->sms_read, p->e164),
		.problem = row->problem[0] ? row->problem : NULL,
		.trunk_sid = hook(p, WH_TRUNK_SID),
		.application_sid = hook(p, WH_VOICE_APPLICATION_SID), .voice_region = region,
	};
}

/* What would be written of each number, as one number each. */
static void hash_rows(struct pool *x)
{
	bool approve = x->w->verdict.severity <= SEV_MINOR;
	const struct webhooks *last = NULL;
	uint32_t hooks = 0;
	unsigned turns = 0;

	for (size_t i = 0; i < x->r->phones.n; i++) {
		const struct phone *p = &x->r->phones.v[i];
		uint64_t h = hash_text(HASH_START, p->sid);

		/* equal sets are one in memory */
		if (p->hooks != last || i == 0)
			hooks = hooks_hash(p->hooks);
		last = p->hooks;
		h = hash_add(h, hooks);
		h = hash_add(h, (unsigned)(p->voice * 4 + p->sms * 2 + p->mms + approve * 8));
		h = hash_add(h, (unsigned)(sms_ready(x->sms, x->sms_read, p->e164) + 1));
		h = hash_text(h, pool_region(x, p->e164));
		x->now[i] = (struct pool_seen){ hash_text(HASH_START, p->e164),
						(uint32_t)(h ^ h >> 32) };
		roster_yield(&turns);
	}
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct pool_seen *)a)->number, y =
		((const struct pool_seen *)b)->number;

	return x < y ? -1 : x > y;
}

static const struct pool_seen *pool_find(const struct pool_seen *v, size_t n,
					 const struct pool_seen *key)
{
	return n ? bsearch(key, v, n, sizeof(*v), by_number) : NULL;
}

/* Marks what differs from what was written last; sorts x->now. True: everything has to be
 * written, because it is due or a number is gone (which only the whole list can say). */
static bool compare_rows(struct pool *x)
{
	struct watched *w = x->w;
	size_t n = x->r->phones.n;
	int64_t pause = w->pool_took_ms * POOL_PAUSE;
	bool all = w->sync_now || !w->pool_ms || n < w->n_pool ||
		   loop_now_ms(x->m->d->loop) - w->pool_ms >= (pause > POOL_AGAIN_MS ? pause :
							       POOL_AGAIN_MS);
	unsigned turns = 0;

	for (size_t i = 0; i < n; i++) {
		const struct pool_seen *old = pool_find(w->pool, w->n_pool, &x->now[i]);

		x->write[i] = !old || old->row != x->now[i].row;
		roster_yield(&turns);
	}
	if (n)
		qsort(x->now, n, sizeof(*x->now), by_number);
	for (size_t i = 0; i < w->n_pool && !all; i++) {
		all = !pool_find(x->now, n, &w->pool[i]);
		roster_yield(&turns);
	}
	return all;
}

/* Batch by batch: a whole list as text would be most of our memory. */
static int put_pool_batch(struct monitor *m, struct watched *w, struct pool_row *rows, size_t n,
			  int64_t *began_ms, struct sync_result *res, struct err *err)
{
	struct number_seen *seen = xcalloc(n + 1, sizeof(*seen));
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(lease_epoch(m->d->lease));
	int e = tx_begin(m->d->store, &t, &who, err);

	for (size_t i = 0; i < n; i++)
		seen[i] = rows[i].seen;
	if (e == 0 && !*began_ms)
		*began_ms = tx_now_ms(&t);
	if (e == 0)
		e = numbers_put(&t, w->row.id, seen, n, res, err);
	for (size_t i = 0; i < n; i++)
		seen[i].observed = rows[i].hooks;
	if (e == 0)
		e = hooks_observed(&t, w->row.id, seen, n, w->verdict.severity <= SEV_MINOR, err);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	free_p(&seen);
	return e;
}

static int put_gone(struct monitor *m, struct watched *w, int64_t began_ms,
		    struct sync_result *res, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(lease_epoch(m->d->lease));
	int e = tx_begin(m->d->store, &t, &who, err);

	if (e == 0)
		e = numbers_gone(&t, w->row.id, began_ms ? began_ms : tx_now_ms(&t), res, err);
	return e == 0 ? tx_commit(&t, NULL, err) : e;
}

static int put_batches(struct pool *x, bool all, struct sync_result *res, struct err *err)
{
	struct pool_row *rows = xcalloc(HOOKS_BATCH, sizeof(*rows));
	int64_t began_ms = 0;
	size_t n = 0;
	int e = 0;

	for (size_t i = 0; i < x->r->phones.n && e == 0; i++) {
		if (!all && !x->write[i])
			continue;
		describe(x, &x->r->phones.v[i], &rows[n]);
		rows[n].hooks = hooks_text(x->r->phones.v[i].hooks);
		if (++n < HOOKS_BATCH)
			continue;
		e = put_pool_batch(x->m, x->w, rows, n, &began_ms, res, err);
		while (n)
			free_p(&rows[--n].hooks);
	}
	if (e == 0 && n)
		e = put_pool_batch(x->m, x->w, rows, n, &began_ms, res, err);
	while (n)
		free_p(&rows[--n].hooks);
	free_p(&rows);
	return e == 0 && all ? put_gone(x->m, x->w, began_ms, res, err) : e;
}

static int put_pool(struct monitor *m, struct watched *w, const struct reading *r,
		    struct sms_number_list *sms, bool sms_read, struct err *err)
{
	struct pool x = { .m = m, .w = w, .r = r, .sms = sms, .sms_read = sms_read };
	struct sync_result res = { 0 };
	int64_t began;
	bool all;
	int e;

	if (sms->n)
		qsort(sms->v, sms->n, sizeof(*sms->v), by_e164);
	for (size_t i = 0; i < w->n_regions; i++)
		id_map_put(&x.regions, w->regions[i].e164, i);
	x.now = xcalloc(r->phones.n + 1, sizeof(*x.now));
	x.write = xcalloc(r->phones.n + 1, sizeof(*x.write));
	hash_rows(&x);
	all = compare_rows(&x);
	began = loop_now_ms(m->d->loop);
	e = put_batches(&x, all, &res, err);
	if (e == 0) {
		free_p(&w->pool);
		w->pool = TAKE(x.now);
		w->n_pool = r->phones.n;
	}
	if (e == 0 && all) {
		w->pool_ms = loop_now_ms(m->d->loop);
		w->pool_took_ms = w->pool_ms - began;
		w->synced.added = res.added;
		w->synced.updated = res.updated;
		w->synced.gone = res.gone;
		w->synced.kept = res.kept;
	}
	/* the row was read before: what it says of the pool is to be told in this cycle */
	if (e == 0 && (res.added || res.updated || res.gone))
		e = account_count_numbers(m->d->store, &w->row, err);
	id_map_fini(&x.regions);
	free_p(&x.now);
	free_p(&x.write);
	return e;
}

/* ---- agents' own numbers --------------------------------------------------------------------- */

static int put_batch(struct monitor *m, struct watched *w, struct number_seen *seen, size_t n,
		     struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(lease_epoch(m->d->lease));
	int e = n ? tx_begin(m->d->store, &t, &who, err) : 0;

	if (e == 0 && n)
		e = hooks_observed(&t, w->row.id, seen, n, w->verdict.severity <= SEV_MINOR, err);
	if (e == 0 && n)
		e = tx_commit(&t, NULL, err);
	for (size_t i = 0; i < n; i++) {
		char *text = (char *)(uintptr_t)seen[i].observed;

		free_p(&text);
	}
	return e;
}

static int put_hooks(struct monitor *m, struct watched *w, const struct reading *r,
		     struct err *err)
{
	struct number_seen *seen = xcalloc(HOOKS_BATCH, sizeof(*seen));
	const struct webhooks *last = NULL;
	uint32_t hash = 0;
	size_t n = 0;
	int e = 0;

	for (size_t i = 0; i < r->phones.n && e == 0; i++) {
		const struct phone *p = &r->phones.v[i];
		struct roster_agent *a = roster_by_number(&m->roster, p->e164);

		if (p->hooks != last || i == 0)
			hash = hooks_hash(p->hooks);
		last = p->hooks;

		if (!a || a->hooks == hash)
			continue;
		a->hooks = hash;
		seen[n++] = (struct number_seen){
			.phone_number = p->e164, .sid = p->sid, .sms_ready = -1,
			.trunk_sid = hook(p, WH_TRUNK_SID),
			.application_sid = hook(p, WH_VOICE_APPLICATION_SID),
			.observed = hooks_text(p->hooks),
		};
		if (n == HOOKS_BATCH) {
			e = put_batch(m, w, seen, n, err);
			n = 0;
		}
	}
	if (e == 0)
		e = put_batch(m, w, seen, n, err);
	free_p(&seen);
	return e;
}

void monitor_save_numbers(struct monitor *m, struct watched *w, const struct reading *r)
{
	const struct telephony_ops *ops = providers_telephony(m->d->providers, r->keys.provider);
	struct sms_number_list sms = { 0 };
	struct call_info info = { 0 };
	struct err err = { 0 };
	bool pool = !w->row.is_primary && !busy(m, w->row.id) && (!w->in_window || w->sync_now);
	int e = 0;

	if (pool && w->row.role == ROLE_CARRYING && !w->sync_now && w->sweep_n > 1)
		pool = w->sweep_n % 10 == 0;
	if (pool) {
		look_at_regions(m, w, r);
		ops->sms_numbers(m->d->providers, &r->keys, &sms, &info);
		e = put_pool(m, w, r, &sms, info.result == CALL_OK, &err);
		LIST_FINI(&sms);
		w->sync_now = false;
	} else if (!busy(m, w->row.id)) {
		monitor_lock(m);
		e = put_hooks(m, w, r, &err);
		monitor_unlock(m);
	}
	if (e < 0)
		log_debug("monitor", "%s: numbers not stored: %s", w->row.name, err.msg);
}

int monitor_sync(struct monitor *m, const char *account, struct str *ret, struct err *err)
{
	struct jw w = JW(ret);
	struct watched *one;

	m->tasks++;
	one = monitor_find_new(m, account);
	if (one) {
		one->sync_now = true;
		memset(&one->synced, 0, sizeof(one->synced));
		monitor_sweep(m, one->row.id);
		if (monitor_leads(m))
			monitor_save(m, one);
	}
	m->tasks--;
	if (!one)
		return err_field(err, ERR_NOT_FOUND, "account", "there is no account \"%s\"",
				 account);
	if (!monitor_leads(m)) {
		one->sync_now = false;
		return err_set(err, ERR_CONFLICT, "only the leading engine (%s) brings numbers in"
						  " line", m->d->lease ? lease_holder(m->d->lease) :
						  "none now");
	}
	if (one->sync_now) {
		one->sync_now = false;
		return err_set(err, ERR_CONFLICT, "%s: %s", one->row.name,
			       one->row.is_primary ? "a primary has no pool of its own" :
			       busy(m, one->row.id) ? "an attempt is under way on it" :
			       !one->have_keys ? one->keys_why :
						      one->held.probe[PROBE_NUMBERS].why);
	}
	jw_obj(&w, NULL);
	jw_i64(&w, "added", one->synced.added);
	jw_i64(&w, "updated", one->synced.updated);
	jw_i64(&w, "gone", one->synced.gone);
	jw_i64(&w, "kept", one->synced.kept);
	jw_obj_end(&w);
	return 0;
}
