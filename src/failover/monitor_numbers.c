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

#include "core/log.h"
#include "core/mem.h"
#include "failover/e164.h"
#include "failover/lease.h"
#include "failover/watch.h"
#include "store/numbers.h"

enum { HOOKS_BATCH = 250, REGIONS_PER_SWEEP = 30, REGIONS_MAX = 500,
       POOL_AGAIN_MS = 600000 };

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

static uint32_t hooks_hash(const struct webhooks *h)
{
	uint64_t x = 1469598103934665603u;

	for (int f = 0; h && f < WH_COUNT; f++) {
		for (const char *p = h->v[f] ? h->v[f] : ""; *p; p++)
			x = (x ^ (unsigned char)*p) * 1099511628211u;
		x = (x ^ 31) * 1099511628211u;
	}
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
		memcpy(seen.e164, r->phones.v[i].e164, sizeof(seen.e164));
		w->regions = grow(w->regions, &w->cap_regions, w->n_regions + 1, sizeof(*w->regions));
		w->regions[w->n_regions++] = seen;
	}
}

/* ---- the pool ------------------------------------------------------------------------------ */

struct pool_row { struct number_seen seen; struct e164_place place; char problem[96]; char *hooks; };

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

static void describe(const struct watched *w, const struct phone *p,
		     const struct sms_number_list *sms, bool sms_read, struct pool_row *row)
{
	const char *own = w->keys.region[0] ? w->keys.region : "us1";
	const char *region = region_of(w, p->e164);

	memset(row, 0, sizeof(*row));
	e164_place(p->e164, NULL, &row->place);
	if (!p->voice)
		snprintf(row->problem, sizeof(row->problem), "cannot take calls");
	else if (hook(p, WH_TRUNK_SID)[0])
		snprintf(row->problem, sizeof(row->problem), "a trunk takes its calls");
	else if (hook(p, WH_VOICE_APPLICATION_SID)[0])
		snprintf(row->problem, sizeof(row->problem), "an application takes its calls");
	else if (region && strcmp(region, own))
		snprintf(row->problem, sizeof(row->problem), "its calls go to region %.16s, not %.16s",
			 region, own);
	row->seen = (struct number_seen){
		.phone_number = p->e164, .sid = p->sid, .country = row->place.country,
		.area_code = row->place.area[0] ? row->place.area : NULL,
		.capabilities = caps_of(p), .voice_ready = p->voice && !row->problem[0],
		.sms_ready = sms_ready(sms, sms_read, p->e164),
		.problem = row->problem[0] ? row->problem : NULL,
		.trunk_sid = hook(p, WH_TRUNK_SID),
		.application_sid = hook(p, WH_VOICE_APPLICATION_SID), .voice_region = region,
	};
}

/* What a sync would write, as one number: an unchanged list is not written again. */
static uint64_t pool_hash(const struct watched *w, const struct reading *r,
			  const struct sms_number_list *sms, bool sms_read)
{
	uint64_t sum = r->phones.n + w->n_regions * 1000003u + (sms_read ? 1 : 0) +
		       (w->verdict.severity <= SEV_MINOR ? 2 : 0);
	unsigned turns = 0;

	for (size_t i = 0; i < r->phones.n; i++) {
		const struct phone *p = &r->phones.v[i];
		uint64_t x = hooks_hash(p->hooks) * 31u +
			     (unsigned)(p->voice * 4 + p->sms * 2 + p->mms) * 7u +
			     (unsigned)(sms_ready(sms, sms_read, p->e164) + 1);

		for (const char *c = p->e164; *c; c++)
			x = (x ^ (unsigned char)*c) * 1099511628211u;
		sum += x ^ (x >> 31);
		roster_yield(&turns);
	}
	return sum;
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

static int put_batches(struct monitor *m, struct watched *w, const struct reading *r,
		       const struct sms_number_list *sms, bool sms_read, struct sync_result *res,
		       struct err *err)
{
	struct pool_row *rows = xcalloc(HOOKS_BATCH, sizeof(*rows));
	int64_t began_ms = 0;
	size_t n = 0;
	int e = 0;

	for (size_t i = 0; i < r->phones.n && e == 0; i++) {
		describe(w, &r->phones.v[i], sms, sms_read, &rows[n]);
		rows[n].hooks = hooks_text(r->phones.v[i].hooks);
		if (++n < HOOKS_BATCH && i + 1 < r->phones.n)
			continue;
		e = put_pool_batch(m, w, rows, n, &began_ms, res, err);
		while (n)
			free_p(&rows[--n].hooks);
	}
	while (n)
		free_p(&rows[--n].hooks);
	free_p(&rows);
	return e == 0 ? put_gone(m, w, began_ms, res, err) : e;
}

static int put_pool(struct monitor *m, struct watched *w, const struct reading *r,
		    struct sms_number_list *sms, bool sms_read, struct err *err)
{
	struct sync_result res = { 0 };
	int64_t now = loop_now_ms(m->d->loop);
	uint64_t hash;
	int e;

	if (sms->n)
		qsort(sms->v, sms->n, sizeof(*sms->v), by_e164);
	hash = pool_hash(w, r, sms, sms_read);
	if (!w->sync_now && w->pool_ms && hash == w->pool_hash && now - w->pool_ms < POOL_AGAIN_MS)
		return 0;
	e = put_batches(m, w, r, sms, sms_read, &res, err);
	if (e < 0)
		return e;
	w->pool_hash = hash;
	w->pool_ms = now;
	w->synced.added = res.added;
	w->synced.updated = res.updated;
	w->synced.gone = res.gone;
	w->synced.kept = res.kept;
	return 0;
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
	size_t n = 0;
	int e = 0;

	for (size_t i = 0; i < r->phones.n && e == 0; i++) {
		const struct phone *p = &r->phones.v[i];
		struct roster_agent *a = roster_by_number(&m->roster, p->e164);
		uint32_t hash = hooks_hash(p->hooks);

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
	one = monitor_find(m, account);
	if (one) {
		one->sync_now = true;
		memset(&one->synced, 0, sizeof(one->synced));
		monitor_sweep(m, one->row.id);
		if (monitor_leads(m))
			monitor_save(m, one);
	}
	m->tasks--;
	if (!one)
		return err_field(err, ERR_NOT_FOUND, "account", "there is no account \"%s\"", account);
	if (!monitor_leads(m)) {
		one->sync_now = false;
		return err_set(err, ERR_CONFLICT, "only the leading engine (%s) brings numbers in line",
			       m->d->lease ? lease_holder(m->d->lease) : "none now");
	}
	if (one->sync_now) {
		one->sync_now = false;
		return err_set(err, ERR_CONFLICT, "%s: %s", one->row.name,
			       one->row.is_primary ? "a primary has no pool of its own" :
			       busy(m, one->row.id) ? "an attempt is under way on it" :
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
