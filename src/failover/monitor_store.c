/*
 * What the monitor reads from and leaves in the database: accounts and agents at the start
 * of a cycle; findings, history, changed judgements and evidence after it. The database may
 * be away: then what is in memory goes on, and the next cycle stores what is new.
 */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "failover/lease.h"
#include "failover/watch.h"
#include "notify/notify.h"
#include "store/agents.h"
#include "store/evidence.h"
#include "store/health.h"
#include "store/journal.h"
#include "store/outbox.h"
#include "store/tokens.h"

enum { JUDGE_BATCH = 1000, HOUSEKEEP_MS = 3600000, OUTBOX_KEEP_DAYS = 90, CALLS_DAYS = 7 };

/* ---- loading ------------------------------------------------------------------------- */

static struct watched *watched_for(struct monitor *m, const char *id)
{
	struct watched *w = monitor_account(m, id);

	if (w)
		return w;
	m->v = grow(m->v, &m->cap, m->n + 1, sizeof(*m->v));
	w = xcalloc(1, sizeof(*w));
	w->stored_health = -1;
	m->v[m->n++] = w;
	return w;
}

static void load_keys(struct monitor *m, struct watched *w)
{
	struct account_keys k = { 0 };
	struct err err = { 0 };
	int r = account_keys_load(m->d->store, w->row.id, &k, &err);

	if (r == 0) {
		credentials_fini(&w->keys);
		credentials_from_keys(&k, &w->keys);
		w->have_keys = true;
	} else if (r == ERR_NOT_FOUND) {
		w->have_keys = false;
		snprintf(w->keys_why, sizeof(w->keys_why), "%.150s", err.msg);
	}
	account_keys_fini(&k);
}

/* The id keeps its place in memory: tasks hold on to it across waits. */
static void copy_row(struct watched *w, const struct account *row)
{
	char *id = TAKE(w->row.id);

	record_copy(&account_type, &w->row, row);
	if (!id)
		return;
	free_p(&w->row.id);
	w->row.id = id;
}

static int load_accounts(struct monitor *m, struct err *err)
{
	struct account *rows = NULL;
	size_t n = 0;
	int r = accounts_list(m->d->store, &rows, &n, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < m->n; i++)
		m->v[i]->listed = false;
	for (size_t i = 0; i < n; i++) {
		struct watched *w = watched_for(m, rows[i].id);

		copy_row(w, &rows[i]);
		w->listed = true;
		/* in the order of the list, which is the order of candidates */
		for (size_t k = i; k < m->n; k++) {
			if (m->v[k] != w)
				continue;
			m->v[k] = m->v[i];
			m->v[i] = w;
			break;
		}
	}
	accounts_free(rows, n);
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i]->listed && m->v[i]->row.is_active)
			load_keys(m, m->v[i]);
	return 0;
}

int monitor_load(struct monitor *m, struct err *err)
{
	struct evidence_row *rows = NULL;
	char **busy = NULL;
	size_t n = 0;
	int64_t since = loop_wall_ms(m->d->loop) - m->d->set->evidence_fresh_ms;
	int r = load_accounts(m, err);

	if (r < 0)
		return r;
	monitor_lock(m);
	r = roster_load(&m->roster, m->d->store, err);
	monitor_unlock(m);
	if (r < 0)
		return r;
	r = evidence_latest(m->d->store, NULL, since, &rows, &n, err);
	if (r < 0)
		return r;
	evidence_free(m->followers.v, m->followers.n);
	m->followers.v = rows;
	m->followers.n = n;
	r = health_busy_accounts(m->d->store, &busy, &n, err);
	if (r < 0)
		return r;
	ids_free(m->busy, m->n_busy);
	m->busy = busy;
	m->n_busy = n;
	return 0;
}

/* ---- evidence ------------------------------------------------------------------------ */

void monitor_save_evidence(struct monitor *m, struct watched *w, const struct reading *r)
{
	static const enum probe_kind kinds[] = { PROBE_ACCOUNT, PROBE_CREDENTIAL, PROBE_NUMBERS,
						 PROBE_API, PROBE_TRAFFIC, PROBE_WEBHOOK };
	struct evidence_row rows[COUNT_OF(kinds)] = { 0 };
	struct err err = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const struct sample *s = &r->sample[kinds[i]];

		if (!s->at_ms)
			continue;
		rows[n++] = (struct evidence_row){
			.account = w->row.id, .kind = (int)kinds[i], .outcome = s->outcome,
			.method = (char *)(uintptr_t)"main", .class_ = (char *)(uintptr_t)s->cls,
			.reason = (char *)(uintptr_t)s->why, .code = s->code,
			.latency_ms = s->latency_ms,
		};
	}
	if (evidence_put(m->d->store, rows, n, &err) < 0)
		log_debug("monitor", "evidence not stored: %s", err.msg);
}

/* ---- findings ------------------------------------------------------------------------- */

static struct who leader(const struct monitor *m)
{
	struct who who = WHO_ENGINE(lease_epoch(m->d->lease));

	return who;
}

static void fill_row(struct monitor *m, struct watched *w)
{
	struct account *a = &w->row;
	int64_t wall = loop_wall_ms(m->d->loop);
	char text[64];

	if (w->stored_health != (int)w->verdict.health || !a->health_since_ms)
		a->health_since_ms = (int)w->verdict.health == a->health && a->health_since_ms ?
					     a->health_since_ms :
					     wall;
	a->health = (int)w->verdict.health;
	a->last_check_ms = w->swept_wall_ms;
	str_replace(&a->why, w->verdict.cause[0] ? w->verdict.cause : NULL);
	a->agents = w->held.watched;
	a->failing = w->held.failing + w->held.inherited;
	a->unknown = w->held.unknown;
	a->failure_rate = w->held.inherited ? 1 : w->verdict.rate;
	if (w->status != ACCOUNT_UNKNOWN)
		str_replace(&a->status, account_status_name(w->status));
	if (w->type_known)
		str_replace(&a->type, w->trial ? "Trial" : "Full");
	if (w->balance_known) {
		snprintf(text, sizeof(text), "%.2f %s", w->balance.amount, w->balance.currency);
		str_replace(&a->balance, text);
	}
	free_p(&a->standby_problems);
	a->standby_problems = standby_problems(m, w);
	a->standby_ready = str_eq(a->standby_problems, "[]");
}

static void note_change(struct tx *t, struct watched *w)
{
	struct str b = STR_INIT(65536), text = STR_INIT(400);
	struct jw out = JW(&b);

	jw_obj(&out, NULL);
	account_json(&out, "account", &w->row);
	jw_obj_end(&out);
	if (w->stored_health == w->row.health)
		str_addf(&text, "%s is %s as a standby", w->row.name,
			 w->row.standby_ready ? "ready" : "not ready");
	else
		str_addf(&text, "%s is %s%s%s", w->row.name, health_name(w->row.health),
			 str_empty(w->row.why) ? "" : ": ", w->row.why ? w->row.why : "");
	tx_note(t, w->row.health == HEALTH_CRITICAL || w->row.health == HEALTH_DEGRADED ? NOTE_BAD :
		   w->row.health == HEALTH_HEALTHY ? NOTE_INFO : NOTE_WARN,
		"account.health", w->row.id, str_get(&text), str_get(&b));
	str_fini(&b);
	str_fini(&text);
}

static int put_findings(struct monitor *m, struct watched *w, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = leader(m);
	struct str details = STR_INIT(STR_MAX_DEFAULT);
	struct jw out = JW(&details);
	bool changed = w->stored_health != w->row.health || w->stored_ready != w->row.standby_ready;
	struct health_check h = {
		.account = w->row.id, .status = health_name(w->row.health), .check_type = "cycle",
		.total = w->row.agents, .failed = w->row.failing, .rate = w->row.failure_rate,
		.latency_ms = w->latency_ms,
	};
	int r = tx_begin(m->d->store, &t, &who, err);

	monitor_account_doc(m, w, NULL, true, &out, NULL);
	h.details = str_get(&details);
	if (r == 0)
		r = account_health_put(&t, &w->row,
				       w->balance_known ? &w->balance.amount : NULL, err);
	if (r == 0)
		r = health_check_put(&t, &h, err);
	if (r == 0 && changed)
		note_change(&t, w);
	if (r == 0)
		r = tx_commit(&t, NULL, err);
	str_fini(&details);
	return r;
}

/* Agents whose finding changed, in batches; each is small enough for the database's limits. */
static int put_agents(struct monitor *m, struct watched *w, struct err *err)
{
	int account = roster_account(&m->roster, w->row.id), r = 0;
	struct agent_judgement *j = xcalloc(JUDGE_BATCH, sizeof(*j));
	struct who who = leader(m);
	size_t i = 0;

	while (r == 0 && i < m->roster.n) {
		_cleanup_(tx_rollback) struct tx t = { 0 };
		size_t n = 0, from = i;

		for (; i < m->roster.n && n < JUDGE_BATCH; i++) {
			const struct roster_agent *a = &m->roster.v[i];

			if (!a->changed || a->account != account)
				continue;
			j[n++] = (struct agent_judgement){
				.id = roster_text(&m->roster, a->id), .account = w->row.id,
				.outcome = a->outcome,
				.reason = agent_reason_text((enum agent_reason)a->reason),
			};
		}
		if (n == 0)
			break;
		r = tx_begin(m->d->store, &t, &who, err);
		if (r == 0)
			r = agents_judge(&t, j, n, err);
		if (r == 0)
			r = tx_commit(&t, NULL, err);
		for (size_t k = from; r == 0 && k < i; k++)
			if (m->roster.v[k].account == account) {
				m->roster.v[k].changed = false;
				m->roster.v[k].stored = m->roster.v[k].outcome;
			}
	}
	free_p(&j);
	return r;
}

void monitor_save(struct monitor *m, struct watched *w)
{
	struct err err = { 0 };
	int r;

	if (!w->whole)
		return;
	if (health_drifted(m->d->store, w->row.id, &w->drifted, &err) < 0 ||
	    health_routed(m->d->store, w->row.id, &w->routed, w->routed_example,
			  sizeof(w->routed_example), &err) < 0) {
		log_debug("monitor", "%s: %s", w->row.name, err.msg);
		return;
	}
	fill_row(m, w);
	monitor_lock(m);
	r = put_findings(m, w, &err);
	if (r == 0)
		r = put_agents(m, w, &err);
	monitor_unlock(m);
	if (r < 0) {
		log_warn("monitor", "%s: not stored: %s", w->row.name, err.msg);
		return;
	}
	w->stored_sweep = w->sweep_n;
	w->stored_health = w->row.health;
	w->stored_ready = w->row.standby_ready;
}

void monitor_save_presence(struct monitor *m)
{
	struct agent_presence *p = xcalloc(JUDGE_BATCH, sizeof(*p));
	struct who who = leader(m);
	struct err err = { 0 };
	size_t i = 0;
	int r = 0;

	monitor_lock(m);
	while (r == 0 && i < m->roster.n) {
		_cleanup_(tx_rollback) struct tx t = { 0 };
		size_t n = 0;

		for (; i < m->roster.n && n < JUDGE_BATCH; i++)
			if (m->roster.v[i].presence_changed)
				p[n++] = (struct agent_presence){
					.id = roster_text(&m->roster, m->roster.v[i].id),
					.present = m->roster.v[i].present == 1, .integration = -1,
				};
		if (n == 0)
			break;
		r = tx_begin(m->d->store, &t, &who, &err);
		if (r == 0)
			r = agents_presence(&t, p, n, &err);
		if (r == 0)
			r = tx_commit(&t, NULL, &err);
	}
	monitor_unlock(m);
	if (r < 0)
		log_debug("monitor", "presence not stored: %s", err.msg);
	free_p(&p);
}

/* Who is called most moves first, and plans say how many callers dial the old numbers. Without an
 * index a large table may take longer than a statement may: then the figures stay. */
static void count_calls(struct monitor *m, int64_t wall)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = leader(m);
	struct err err = { 0 };

	if (tx_begin(m->d->store, &t, &who, &err) < 0 ||
	    agents_calls(&t, wall - CALLS_DAYS * INT64_C(86400000), wall, &err) < 0 ||
	    tx_commit(&t, NULL, &err) < 0)
		log_info("monitor", "calls a day were not counted: %s", err.msg);
}

void monitor_housekeep(struct monitor *m)
{
	const struct failover_settings *set = m->d->set;
	int64_t now = loop_now_ms(m->d->loop), wall = loop_wall_ms(m->d->loop), removed;
	struct who who = leader(m);
	struct err err = { 0 };
	int r = 0;

	/* not before the first findings are in */
	if (m->cycle_n == 0 || (m->kept_house_ms && now - m->kept_house_ms < HOUSEKEEP_MS))
		return;
	m->kept_house_ms = now;
	if (set->history_keep_ms > 0)
		r = history_roll(m->d->store, &who, wall, set->history_keep_ms, &err);
	if (r == 0)
		r = idem_prune(m->d->store, wall - INT64_C(86400000), &err);
	if (r >= 0)
		r = outbox_prune(m->d->store, wall - OUTBOX_KEEP_DAYS * INT64_C(86400000), &err);
	if (r == 0 && set->journal_keep_ms > 0)
		r = journal_prune(m->d->store, &who, wall - set->journal_keep_ms, &removed, &err);
	if (r >= 0 && set->journal_keep_ms > 0) /* what may be rolled back is still needed */
		r = attempts_prune(m->d->store, &who, wall - set->journal_keep_ms -
				   set->rollback_offer_ms, &err);
	if (r < 0)
		log_warn("monitor", "housekeeping: %s", err.msg);
	count_calls(m, wall);
}
