/*
 * Alerts from findings: what is odd and leads to no failover by itself, in sentences.
 * Wishes are compared with what was stored last, so a quiet cycle writes nothing. Invariant: what
 * another leader stored is read when this one begins to lead, and stands until it has looked
 * often enough to know better: an alert that ended and began again would be told as a new one.
 */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "failover/lease.h"
#include "failover/watch.h"
#include "store/control.h"

enum { WISHES_MAX = 400 };
static const char *const ours[] = { "account", "isolation", "disagreement", "webhook", "elevenlabs",
				    "feed", "video", "drift", "number-released", "sms-filtered" };

static void wishes_of(const struct monitor *m, const struct watched *w, bool isolated,
		      struct wishes *l)
{
	const struct verdict *v = &w->verdict;
	char why[240];

	if (v->severity == SEV_CRITICAL || v->severity == SEV_DEGRADED)
		wish(l, "account", w->row.id, "bad", w->row.role != ROLE_CARRYING, "%s: %s",
		     w->row.name, v->cause);
	else if (v->severity == SEV_MINOR && !w->held.probe[PROBE_WEBHOOK].at_ms)
		wish(l, "account", w->row.id, "warn", true, "%s: %s", w->row.name, v->cause);
	else if (v->severity == SEV_MINOR &&
		 (w->held.failing || facts_account_bad(&w->held) ||
		  w->held.probe[PROBE_TRAFFIC].outcome == OUT_BAD))
		wish(l, "account", w->row.id, "warn", true, "%s: %s", w->row.name, v->cause);
	else if (v->health == HEALTH_UNKNOWN && !isolated)
		wish(l, "account", w->row.id, "warn", w->row.role == ROLE_CARRYING, "%s: %s",
		     w->row.name, v->cause);
	if (verdict_rank(v) >= 2 && monitor_blocked(m, w, why, sizeof(why)) == BLOCK_FOLLOWER)
		wish(l, "disagreement", w->row.id, "warn", true, "%s: %s", w->row.name, why);
	if (w->released)
		wish(l, "number-released", w->row.id, "warn", true,
		     "%s: %lld numbers were released by a known actor", w->row.name,
		     (long long)w->released);
	if (w->drifted && w->row.role == ROLE_CARRYING && w->row.is_primary)
		wish(l, "drift", w->row.id, "warn", true,
		     "%s: the webhooks of %lld numbers are not the approved ones", w->row.name,
		     (long long)w->drifted);
	if (w->held.probe[PROBE_VIDEO].outcome == OUT_BAD)
		wish(l, "video", w->row.id, "warn", true, "%s: %s; no failover follows from this",
		     w->row.name, w->held.probe[PROBE_VIDEO].why);
	if (w->traffic.sms_agents)
		wish(l, "sms-filtered", w->row.id, "bad", true,
		     "%s: messages of %lld agents in %lld organisations mostly fail, code %lld",
		     w->row.name, (long long)w->traffic.sms_agents, (long long)w->traffic.sms_orgs,
		     (long long)w->traffic.sms_code);
}

static void shared_wishes(const struct monitor *m, bool isolated, const char *why,
			  struct wishes *l)
{
	const struct sample *hook = NULL;

	if (isolated)
		wish(l, "isolation", "", "bad", true, "%s", why);
	for (size_t i = 0; i < m->n && !hook; i++)
		if (m->v[i]->listed && m->v[i]->held.probe[PROBE_WEBHOOK].outcome == OUT_BAD)
			hook = &m->v[i]->held.probe[PROBE_WEBHOOK];
	if (hook)
		wish(l, "webhook", "", "bad", true, "%s", hook->why);
	if (m->eleven.fails >= m->d->set->fall)
		wish(l, "elevenlabs", "", "bad", true, "%s", m->eleven.why);
	for (int f = 0; f < FEED_COUNT; f++)
		if (m->feed[f].state >= FEED_DEGRADED)
			wish(l, "feed", feed_name((enum feed_id)f), "warn", false,
			     "%s reports %s%s%s", feed_name((enum feed_id)f),
			     feed_state_name(m->feed[f].state),
			     m->feed[f].what[0] ? ": " : "", m->feed[f].what);
}

static void load_stored(struct monitor *m)
{
	struct alert *rows = NULL;
	struct err err = { 0 };
	struct wishes l;
	size_t n = 0;

	wishes_init(&l, WISHES_MAX);
	if (alerts_list(m->d->store, loop_wall_ms(m->d->loop), WISHES_MAX, &rows, &n, &err) == 0) {
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < COUNT_OF(ours); k++)
				if (rows[i].state != AL_RESOLVED && str_eq(rows[i].name, ours[k]))
					wish(&l, rows[i].name, rows[i].subject, rows[i].severity,
					     false, "%s", rows[i].text);
		alerts_free(rows, n);
		m->alerts_epoch = lease_epoch(m->d->lease);
		m->alerts_looks = 0;
	}
	wishes_fini(&m->alerts);
	m->alerts = l;
}

static int put(struct monitor *m, const struct wishes *l, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = WHO_ENGINE(lease_epoch(m->d->lease));
	const struct failover_ports *p = m->d->ports;
	int r = tx_begin(m->d->store, &t, &who, err);

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		const struct alert_wish *w = &l->v[i], *old = wishes_find(&m->alerts, w->name,
			w->subject);

		if (old && wish_same(w, old->severity, old->text))
			continue;
		r = alert_raise(&t, w->name, w->subject, w->severity, w->text, w->tell, err);
	}
	for (size_t i = 0; r == 0 && i < m->alerts.n; i++)
		if (!wishes_find(l, m->alerts.v[i].name, m->alerts.v[i].subject))
			r = alert_resolve(&t, m->alerts.v[i].name, m->alerts.v[i].subject, NULL,
					  err);
	if (r == 0)
		r = tx_commit(&t, NULL, err);
	if (r == 0 && p && p->alerts_moved)
		p->alerts_moved(p->ctx);
	return r;
}

static bool same(const struct monitor *m, const struct wishes *l)
{
	if (l->n != m->alerts.n)
		return false;
	for (size_t i = 0; i < l->n; i++) {
		const struct alert_wish *w = &l->v[i];
		const struct alert_wish *old = wishes_find(&m->alerts, w->name, w->subject);

		if (!old || !wish_same(w, old->severity, old->text))
			return false;
	}
	return true;
}

/* One sample proves nothing, in either direction. */
static bool looked_enough(struct monitor *m)
{
	const struct failover_settings *set = m->d->set;
	int64_t now = loop_now_ms(m->d->loop);

	if (m->alerts_looks == 0 || now - m->alerts_looked_ms >= set->sample_gap_ms) {
		m->alerts_looks++;
		m->alerts_looked_ms = now;
	}
	return m->alerts_looks >= (set->fall > set->rise ? set->fall : set->rise);
}

/* It may get worse at once, but neither milder nor over. */
static void keep_stored(const struct monitor *m, struct wishes *l)
{
	for (size_t i = 0; i < m->alerts.n; i++) {
		const struct alert_wish *old = &m->alerts.v[i];
		const struct alert_wish *w = wishes_find(l, old->name, old->subject);

		if (!w)
			wish(l, old->name, old->subject, old->severity, old->tell, "%s", old->text);
		else if (!str_eq(w->severity, "bad"))
			l->v[w - l->v] = *old;
	}
}

void monitor_alerts(struct monitor *m)
{
	struct wishes l;
	struct err err = { 0 };
	bool isolated = false, loaded;
	char why[240] = "";

	wishes_init(&l, WISHES_MAX);
	if (m->alerts_epoch != lease_epoch(m->d->lease))
		load_stored(m);
	loaded = m->alerts_epoch && m->alerts_epoch == lease_epoch(m->d->lease);
	for (size_t i = 0; i < m->n && !isolated; i++) {
		enum blocker b = m->v[i]->listed && m->v[i]->sweep_n ?
					 monitor_blocked(m, m->v[i], why, sizeof(why)) :
					 BLOCK_NONE;

		isolated = b == BLOCK_ALIKE || (b == BLOCK_UNREACHABLE &&
						!monitor_anything_answers(m));
	}
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i]->listed && m->v[i]->row.is_active && m->v[i]->sweep_n)
			wishes_of(m, m->v[i], isolated, &l);
	shared_wishes(m, isolated, why, &l);
	if (loaded && !looked_enough(m))
		keep_stored(m, &l);
	if (loaded && !same(m, &l)) {
		if (put(m, &l, &err) == 0) {
			wishes_fini(&m->alerts);
			m->alerts = l;
			l = (struct wishes){ 0 };
		} else {
			log_warn("monitor", "alerts not stored: %s", err.msg);
		}
	}
	wishes_fini(&l);
}
