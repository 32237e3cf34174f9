/*
 * A sweep's list of numbers into the database: the pool of a standby, and the webhooks of
 * every number beside their approved baseline. Only what changed since the last sweep is
 * written for agents' own numbers.
 *
 * Invariant: the pool of an account with an attempt under way is left to the attempt.
 */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "failover/e164.h"
#include "failover/lease.h"
#include "failover/watch.h"
#include "store/numbers.h"

enum { HOOKS_BATCH = 500, REGIONS_PER_SWEEP = 30, REGIONS_MAX = 2000 };

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
	const struct telephony_ops *ops = providers_telephony(m->d->providers, w->keys.provider);
	int asked = 0;

	for (size_t i = 0; i < r->phones.n && asked < REGIONS_PER_SWEEP; i++) {
		struct region_seen seen = { 0 };
		struct call_info info = { 0 };

		if (w->n_regions >= REGIONS_MAX || region_of(w, r->phones.v[i].e164))
			continue;
		asked++;
		if (ops->voice_region(m->d->providers, &w->keys, r->phones.v[i].e164, seen.region,
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

struct pool_row {
	struct number_seen seen;
	struct e164_place place;
	char problem[120], caps[64];
};

static void describe(const struct watched *w, const struct phone *p,
		     const struct sms_number_list *sms, bool sms_read, struct pool_row *row)
{
	const char *own = w->keys.region[0] ? w->keys.region : "us1";
	const char *region = region_of(w, p->e164);

	e164_place(p->e164, NULL, &row->place);
	snprintf(row->caps, sizeof(row->caps), "{\"voice\":%s,\"sms\":%s,\"mms\":%s}",
		 p->voice ? "true" : "false", p->sms ? "true" : "false", p->mms ? "true" : "false");
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
		.capabilities = row->caps, .voice_ready = p->voice && !row->problem[0],
		.sms_ready = sms_read ? 0 : -1, .problem = row->problem[0] ? row->problem : NULL,
		.trunk_sid = hook(p, WH_TRUNK_SID), .application_sid = hook(p, WH_VOICE_APPLICATION_SID),
		.voice_region = region,
	};
	for (size_t k = 0; sms_read && k < sms->n; k++)
		if (!strcmp(sms->v[k].e164, p->e164) && sms->v[k].campaign == CAMPAIGN_APPROVED)
			row->seen.sms_ready = 1;
}

static int put_pool(struct monitor *m, struct watched *w, const struct reading *r,
		    const struct sms_number_list *sms, bool sms_read, struct err *err)
{
	struct pool_row *rows = xcalloc(r->phones.n + 1, sizeof(*rows));
	struct number_seen *seen = xcalloc(r->phones.n + 1, sizeof(*seen));
	char **hooks = xcalloc(r->phones.n + 1, sizeof(*hooks));
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(lease_epoch(m->d->lease));
	struct sync_result res = { 0 };
	unsigned turns = 0;
	int e;

	for (size_t i = 0; i < r->phones.n; i++) {
		describe(w, &r->phones.v[i], sms, sms_read, &rows[i]);
		hooks[i] = hooks_text(r->phones.v[i].hooks);
		seen[i] = rows[i].seen;
		seen[i].observed = hooks[i];
		roster_yield(&turns);
	}
	e = tx_begin(m->d->store, &t, &who, err);
	if (e == 0)
		e = numbers_sync(&t, w->row.id, seen, r->phones.n, &res, err);
	if (e == 0)
		e = hooks_observed(&t, w->row.id, seen, r->phones.n,
				   w->verdict.severity <= SEV_MINOR, err);
	if (e == 0)
		e = tx_commit(&t, NULL, err);
	if (e == 0) {
		w->synced.added = res.added;
		w->synced.updated = res.updated;
		w->synced.gone = res.gone;
		w->synced.kept = res.kept;
	}
	for (size_t i = 0; i < r->phones.n; i++)
		free_p(&hooks[i]);
	free_p(&hooks);
	free_p(&seen);
	free_p(&rows);
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
	const struct telephony_ops *ops = providers_telephony(m->d->providers, w->keys.provider);
	struct sms_number_list sms = { 0 };
	struct call_info info = { 0 };
	struct err err = { 0 };
	bool pool = !w->row.is_primary && !busy(m, w->row.id) && (!w->in_window || w->sync_now);
	int e = 0;

	if (pool && w->row.role == ROLE_CARRYING && !w->sync_now && w->sweep_n > 1)
		pool = w->sweep_n % 10 == 0;
	if (pool) {
		look_at_regions(m, w, r);
		ops->sms_numbers(m->d->providers, &w->keys, &sms, &info);
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
