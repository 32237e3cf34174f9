/*
 * The monitor: a timer that runs cycles over all active accounts, coalesced with what
 * people, cron and the decider's tests ask for; see monitor.h and watch.h.
 *
 * Invariant: one sweep of an account at a time, one cycle at a time; whoever asks meanwhile
 * waits for the running one or gets the last result. Nothing here decides.
 */
#include "failover/monitor.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "failover/lease.h"
#include "failover/watch.h"
#include "providers/agents_api.h"
#include "store/evidence.h"

enum { SWEEPS_AT_ONCE = 4, RIGHTS_EVERY_MS = 300000 };

/* ---- accounts ----------------------------------------------------------------------- */

struct watched *monitor_account(const struct monitor *m, const char *id)
{
	for (size_t i = 0; id && i < m->n; i++)
		if (str_eq(m->v[i]->row.id, id))
			return m->v[i];
	return NULL;
}

struct watched *monitor_find(const struct monitor *m, const char *ref)
{
	for (size_t i = 0; ref && i < m->n; i++) {
		const struct account *a = &m->v[i]->row;

		if (str_eq(a->id, ref) || str_eq(a->account_sid, ref) || str_eq(a->name, ref))
			return m->v[i];
	}
	return NULL;
}

bool monitor_leads(const struct monitor *m)
{
	return m->d->lease && lease_held(m->d->lease);
}

bool monitor_anything_answers(const struct monitor *m)
{
	int64_t now = loop_now_ms(m->d->loop);

	for (size_t i = 0; i < m->n; i++)
		if (m->v[i]->strikes.answered_ms &&
		    now - m->v[i]->strikes.answered_ms <= m->d->set->evidence_fresh_ms)
			return true;
	return false;
}

static bool track_odd(const struct watched *w)
{
	static const enum probe_kind kinds[] = { PROBE_ACCOUNT, PROBE_CREDENTIAL, PROBE_NUMBERS,
						 PROBE_API, PROBE_TRAFFIC };

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (track_suspicious(&w->track[kinds[i]]))
			return true;
	return strikes_any(&w->strikes) || w->raw.failing > 0 || w->held.failing > 0 ||
	       w->in_window;
}

bool monitor_suspicious(const struct monitor *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i]->listed && m->v[i]->row.is_active && track_odd(m->v[i]))
			return true;
	return m->eleven.fails > 0;
}

enum blocker monitor_blocked(const struct monitor *m, const struct watched *w, char *why,
			     size_t why_len)
{
	struct fleet_member *fleet = xcalloc(m->n + 1, sizeof(*fleet));
	struct follower_view *views = xcalloc(m->followers.n + 1, sizeof(*views));
	int64_t wall = loop_wall_ms(m->d->loop);
	size_t n = 0, n_views = 0, self = 0;
	enum blocker b;

	for (size_t i = 0; i < m->n; i++) {
		const struct watched *x = m->v[i];

		if (!x->listed || !x->row.is_active || x->sweep_n == 0 || !x->have_keys)
			continue;
		if (x == w)
			self = n;
		fleet[n].id = x->row.id;
		fleet[n].facts = &x->held;
		fleet[n++].struck =
			strikes_endpoints(&x->strikes, m->d->set->api_strikes) >= 2;
	}
	for (size_t i = 0; i < m->followers.n; i++) {
		const struct evidence_row *e = &m->followers.v[i];

		if (!str_eq(e->account, w->row.id) || str_eq(e->engine, m->d->engine_id) ||
		    e->kind < 0 || e->kind >= PROBE_MAX)
			continue;
		views[n_views].engine = e->engine;
		views[n_views].outcome[e->kind] = e->outcome;
		/* what it saw before we saw the trouble does not disagree with it */
		views[n_views].age_ms = e->at_ms < wall - w->held.finding_age_ms ?
						INT64_MAX : wall - e->at_ms;
		n_views++;
	}
	b = n ? severity_blocked(fleet, n, self, views, n_views, m->d->set, why, why_len) :
		BLOCK_NONE;
	free_p(&fleet);
	free_p(&views);
	return b;
}

void monitor_forget(struct monitor *m, const char *id)
{
	struct watched *w = monitor_account(m, id);

	if (!w)
		return;
	w->in_window = false;
	w->sweeps_bad = 0;
	w->traffic_since_ms = loop_wall_ms(m->d->loop);
	w->verdict = w->test;
	w->held = w->raw;
	for (int k = 0; k < PROBE_MAX; k++) {
		struct track *t = &w->track[k];

		if (t->held.outcome == OUT_BAD && t->last.outcome != OUT_BAD) {
			t->held = t->last;
			t->since_ms = t->last.at_ms;
			t->run = t->last.outcome;
			t->run_n = 1;
		}
	}
	for (size_t i = 0; i < m->roster.n; i++) {
		struct roster_agent *a = &m->roster.v[i];

		if (!str_eq(m->roster.accounts[a->account], id))
			continue;
		if (a->outcome == OUT_BAD && a->raw_outcome != OUT_BAD) {
			a->outcome = a->raw_outcome;
			a->reason = a->raw_reason;
			a->inherited = a->raw_inherited;
			a->changed = a->outcome != a->stored;
		}
		a->run = a->raw_outcome;
		a->run_n = 1;
	}
}

/* ---- sweeps ------------------------------------------------------------------------- */

static void run_sweep(struct monitor *m, struct watched *w)
{
	w->sweeping = true;
	sweep_account(m, w);
	w->sweeping = false;
	condition_wake(&w->swept);
	if (m->swept)
		m->swept(m->swept_ctx);
}

bool monitor_sweep(struct monitor *m, const char *id)
{
	struct watched *w = monitor_account(m, id);

	while (w && w->sweeping && !task_cancelled())
		condition_wait(&w->swept, -1);
	if (!w || task_cancelled() || m->stopping)
		return false;
	run_sweep(m, w);
	return !task_cancelled();
}

/* ---- what is seen once for all ------------------------------------------------------- */

static void see_eleven(struct monitor *m)
{
	struct presence listed = { 0 };
	struct call_info info = { 0 };
	struct eleven_view *v = &m->eleven;
	int64_t now = loop_now_ms(m->d->loop);
	size_t changed = 0;
	char why[WHY_LEN];

	m->d->providers->agents->agents(m->d->providers, presence_add, &listed, &info);
	v->asked = info.reason != REASON_NO_CREDENTIAL;
	v->answers = info.result == CALL_OK;
	v->fails = v->answers || !v->asked ? 0 : v->fails + 1;
	v->at_ms = loop_now_ms(m->d->loop);
	call_why(&info, why, sizeof(why));
	snprintf(v->why, sizeof(v->why), "%s%.120s", v->answers ? "" : "ElevenLabs: ",
		 v->answers ? "" : why);
	while (m->loading && !task_cancelled())
		condition_wait(&m->loaded, -1);
	if (v->answers && !task_cancelled()) {
		monitor_lock(m);
		roster_presence(&m->roster, &listed, &changed);
		monitor_unlock(m);
		if (changed && monitor_leads(m))
			monitor_save_presence(m);
	}
	free_p(&listed.v);
	if (v->answers && (!v->rights_known || now - v->rights_at_ms > RIGHTS_EVERY_MS)) {
		struct key_rights rights = { 0 };

		m->d->providers->agents->key_rights(m->d->providers, &rights, &info);
		v->rights_known = rights.known;
		v->may_write = rights.write;
		v->rights_at_ms = now;
	}
	if (v->answers && v->rights_known && !v->may_write)
		snprintf(v->why, sizeof(v->why), "the ElevenLabs key may not write");
}

static void see_feeds(struct monitor *m)
{
	int64_t now = loop_now_ms(m->d->loop);

	for (int f = 0; f < FEED_COUNT; f++) {
		struct feed_view *v = &m->feed[f];
		struct feed_report *r;
		struct call_info info = { 0 };

		if (v->at_ms && now - v->at_ms < m->d->set->feeds_every_ms)
			continue;
		r = xcalloc(1, sizeof(*r));
		m->d->providers->feeds->fetch(m->d->providers, (enum feed_id)f, r, &info);
		if (!r->unchanged || info.result != CALL_OK) {
			v->state = info.result == CALL_OK ? r->state : FEED_UNKNOWN;
			snprintf(v->what, sizeof(v->what), "%s%s%s",
				 r->n_items ? r->items[0].name : "", r->n_items ? ": " : "",
				 r->n_items ? r->items[0].status : "");
		}
		v->at_ms = now;
		free_p(&r);
	}
}

/* ---- cycles -------------------------------------------------------------------------- */

struct child { struct monitor *m; char *id; };

static void sweep_child(void *arg)
{
	struct child *c = arg;
	struct watched *w = monitor_account(c->m, c->id);

	/* a sweep under way is this cycle's */
	if (w && w->sweeping)
		condition_wait(&w->swept, -1);
	else if (w)
		run_sweep(c->m, w);
	free_p(&c->id);
	free_p(&c);
}

static void eleven_child(void *arg)
{
	struct monitor *m = arg;

	see_eleven(m);
}

static void feeds_child(void *arg)
{
	see_feeds(arg);
}

static void see_all(struct monitor *m, struct crowd *crowd)
{
	m->saw_all = monitor_leads(m);
	if (!m->saw_all)
		return;
	crowd_add(crowd, "elevenlabs", eleven_child, m);
	crowd_add(crowd, "feeds", feeds_child, m);
}

static void sweep_all(struct monitor *m, struct crowd *crowd)
{
	for (size_t i = 0; i < m->n; i++) {
		struct watched *w = m->v[i];
		struct child *c;

		if (!w->listed || !w->row.is_active)
			continue;
		c = xcalloc(1, sizeof(*c));
		c->m = m;
		c->id = xstrdup(w->row.id);
		if (crowd_add(crowd, "sweep", sweep_child, c) != 0) {
			free_p(&c->id);
			free_p(&c);
			break;
		}
	}
}

/* Probes and what is seen once for all, the latter beside the reading of the database. */
static void probe_cycle(struct monitor *m)
{
	struct crowd crowd;
	struct err err = { 0 };
	bool any = m->n > 0;

	crowd_init(&crowd, SWEEPS_AT_ONCE);
	m->loading = true;
	if (any)
		see_all(m, &crowd);
	if (monitor_load(m, &err) < 0)
		log_warn("monitor", "accounts as last known: %s", err.msg);
	m->loading = false;
	condition_wake(&m->loaded);
	if (!any && m->n && !task_cancelled())
		see_all(m, &crowd);
	if (!task_cancelled())
		sweep_all(m, &crowd);
	crowd_join(&crowd);
}

/* Did a leader look at everything? One that began to lead within a cycle did not. */
static bool all_whole(const struct monitor *m)
{
	if (m->n > 0 && !m->saw_all)
		return false;
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i]->listed && m->v[i]->row.is_active && m->v[i]->sweep_n &&
		    !m->v[i]->whole)
			return false;
	return true;
}

/* Waits for the cycle under way; else runs one. */
static void cycle(struct monitor *m)
{
	if (m->cycling) {
		condition_wait(&m->cycled, -1);
		return;
	}
	m->cycling = true;
	m->cycle_began_ms = loop_now_ms(m->d->loop);
	probe_cycle(m);
	if (!task_cancelled() && monitor_leads(m)) {
		for (size_t i = 0; i < m->n; i++)
			if (m->v[i]->listed && m->v[i]->stored_sweep != m->v[i]->sweep_n)
				monitor_save(m, m->v[i]);
		if (all_whole(m))
			monitor_alerts(m);
		monitor_housekeep(m);
	}
	m->cycle_ended_ms = loop_now_ms(m->d->loop);
	m->cycle_took_ms = m->cycle_ended_ms - m->cycle_began_ms;
	m->cycle_n++;
	m->cycling = false;
	condition_wake(&m->cycled);
	if (m->swept)
		m->swept(m->swept_ctx);
}

static void timer_task(void *arg)
{
	struct monitor *m = arg;

	while (!m->stopping && !task_cancelled()) {
		int64_t every, next;

		cycle(m);
		every = m->n == 0 || monitor_suspicious(m) ? m->d->set->suspicious_cycle_ms :
							     m->d->set->cycle_ms;
		if (monitor_leads(m) && !all_whole(m))
			every = 0;
		next = m->cycle_began_ms + every - loop_now_ms(m->d->loop);
		/* never back to back: what is slow is not helped by asking more */
		if (next < m->cycle_took_ms / 4)
			next = m->cycle_took_ms / 4;
		if (!m->stopping)
			condition_wait(&m->wake, next > 10 ? next : 10);
	}
}

static void timer_done(void *arg)
{
	struct monitor *m = arg;

	m->timer = NULL;
	m->tasks--;
}

struct monitor *monitor_new(struct failover_deps *d)
{
	struct monitor *m = xcalloc(1, sizeof(*m));

	m->d = d;
	return m;
}

void monitor_start(struct monitor *m)
{
	m->tasks++;
	m->timer = task_start(m->d->loop, "monitor", timer_task, m, timer_done);
}

void monitor_stop(struct monitor *m)
{
	m->stopping = true;
	if (m->timer)
		task_cancel(m->timer);
	condition_wake(&m->wake);
}

bool monitor_idle(const struct monitor *m)
{
	return m->tasks == 0;
}

void monitor_wake(struct monitor *m)
{
	condition_wake(&m->wake);
}

void monitor_free(struct monitor *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		record_fini(&account_type, &m->v[i]->row);
		credentials_fini(&m->v[i]->keys);
		free_p(&m->v[i]->regions);
		free_p(&m->v[i]->pool);
		free_p(&m->v[i]);
	}
	free_p(&m->v);
	roster_fini(&m->roster);
	evidence_free(m->followers.v, m->followers.n);
	ids_free(m->busy, m->n_busy);
	wishes_fini(&m->alerts);
	free_p(&m);
}

int64_t monitor_cycle_ms(const struct monitor *m)
{
	return m->cycle_took_ms;
}

int64_t monitor_age_ms(const struct monitor *m)
{
	return m->cycle_n ? loop_now_ms(m->d->loop) - m->cycle_ended_ms : -1;
}

/* ---- on demand ------------------------------------------------------------------------ */

static bool fresh(const struct monitor *m, int64_t at_ms)
{
	return at_ms && loop_now_ms(m->d->loop) - at_ms <= m->d->set->on_demand_ms;
}

static void put_doc(const struct monitor *m, const struct watched *x, const char *kinds,
		    struct jw *w)
{
	if (monitor_leads(m) || !monitor_leaders_doc(m, x, w, NULL))
		monitor_account_doc(m, x, kinds, false, w, NULL);
}

struct watched *monitor_find_new(struct monitor *m, const char *ref)
{
	/* the cycle under way may have read the accounts before; the next one has not */
	for (int tries = 0; tries < 2 && !task_cancelled(); tries++) {
		struct watched *w = monitor_find(m, ref);

		while (w && !w->have_keys && m->loading && !task_cancelled())
			condition_wait(&m->loaded, -1);
		if (w)
			return w;
		cycle(m);
	}
	return monitor_find(m, ref);
}

int monitor_cycle(struct monitor *m, const char *account, const char *kinds, struct str *ret,
		  struct err *err)
{
	struct jw w = JW(ret);
	struct watched *one;
	char at[TIME_TEXT];

	m->tasks++;
	if (m->cycle_n == 0 || (!account && !fresh(m, m->cycle_ended_ms)))
		cycle(m);
	one = account ? monitor_find_new(m, account) : NULL;
	if (account && !one) {
		m->tasks--;
		return err_field(err, ERR_NOT_FOUND, "accountId", "there is no account \"%s\"",
				 account);
	}
	if (one && !fresh(m, one->swept_ms) && monitor_sweep(m, one->row.id) && monitor_leads(m))
		monitor_save(m, one);
	m->tasks--;
	if (one) {
		put_doc(m, one, kinds, &w);
		return 0;
	}
	jw_obj(&w, NULL);
	jw_str(&w, "ranAt", format_time(at, loop_wall_ms(m->d->loop)));
	jw_arr(&w, "accounts");
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i]->listed && m->v[i]->row.is_active)
			put_doc(m, m->v[i], kinds, &w);
	jw_arr_end(&w);
	jw_arr(&w, "started");
	jw_arr_end(&w);
	jw_obj_end(&w);
	return 0;
}
