/*
 * One sweep of one account: probe, then judge. Probing waits on the network and touches
 * only this account; judging has the roster to itself.
 *
 * Invariant: findings about the account come first; an agent that could not be looked at
 * takes the account's outcome where that is bad, else it is unknown. Every sweep feeds the
 * same tracks, whether the timer, a person or a test asked for it.
 */
#include <stdio.h>
#include <string.h>

#include "failover/lease.h"
#include "failover/watch.h"
#include "store/numbers.h"

enum { PAGES_FEW = 3, PAGES_MANY = 10, MANY_AGENTS = 1000, CHANGES_MAX_AGE_MS = 86400000 };

void monitor_lock(struct monitor *m)
{
	while (m->judging)
		condition_wait_anyway(&m->judged, -1);
	m->judging = true;
}

void monitor_unlock(struct monitor *m)
{
	m->judging = false;
	condition_wake(&m->judged);
}

static bool another_answers(const struct monitor *m, const struct watched *self)
{
	int64_t now = loop_now_ms(m->d->loop);

	for (size_t i = 0; i < m->n; i++) {
		const struct watched *w = m->v[i];

		if (w != self && w->listed && w->row.is_active && w->strikes.answered_ms &&
		    now - w->strikes.answered_ms <= m->d->set->evidence_fresh_ms &&
		    !strikes_any(&w->strikes))
			return true;
	}
	return false;
}

/* ---- numbers ---------------------------------------------------------------------- */

/* Marks the account's agents by the list; gone unless listed. Returns how many are there. */
static size_t match_numbers(struct monitor *m, const struct watched *w, int account,
			    const struct reading *r, const char **ret_any)
{
	size_t present = 0;
	unsigned turns = 0;

	(void)w;
	for (size_t i = 0; i < m->roster.n; i++) {
		struct roster_agent *a = &m->roster.v[i];

		if (a->account != account)
			continue;
		a->seen = r->numbers_read ? SEEN_GONE : SEEN_UNKNOWN;
		if (roster_watched(a))
			*ret_any = roster_text(&m->roster, a->number);
	}
	for (size_t i = 0; i < r->phones.n; i++) {
		struct roster_agent *a = roster_by_number(&m->roster, r->phones.v[i].e164);

		roster_yield(&turns);
		if (!a || a->account != account)
			continue;
		a->seen = r->phones.v[i].voice ? SEEN_OK : SEEN_NO_VOICE;
		present += roster_watched(a);
	}
	return present;
}

/* Was a number taken away by somebody who was allowed to? Then it is an alert. */
static void look_for_actors(struct monitor *m, const struct probe_ask *ask, struct watched *w,
			    int account)
{
	const struct telephony_ops *ops = providers_telephony(m->d->providers, ask->keys->provider);
	int64_t since = loop_wall_ms(m->d->loop) - CHANGES_MAX_AGE_MS;
	struct change_list l = { 0 };
	struct call_info info = { 0 };
	struct err err = { 0 };

	w->released = 0;
	ops->changes(m->d->providers, ask->keys, NULL, since, &l, &info);
	for (size_t i = 0; info.result == CALL_OK && l.n && i < m->roster.n; i++) {
		struct roster_agent *a = &m->roster.v[i];
		struct number_hooks h = { 0 };

		if (a->account != account || a->seen != SEEN_GONE || !roster_watched(a) ||
		    w->released > 20)
			continue;
		if (hooks_get(m->d->store, w->row.id, roster_text(&m->roster, a->number), &h,
			      &err) < 0)
			continue;
		for (size_t k = 0; k < l.n && !str_empty(h.sid); k++) {
			if (strcmp(l.v[k].resource_sid, h.sid) || str_empty(l.v[k].actor_sid) ||
			    !strstr(l.v[k].type, "delete"))
				continue;
			a->seen = SEEN_RELEASED;
			w->released++;
			break;
		}
		hooks_fini(&h);
	}
	LIST_FINI(&l);
}

static void judge_numbers(struct monitor *m, const struct probe_ask *ask, struct watched *w,
			  int account, struct reading *r)
{
	struct sample *s = &r->sample[PROBE_NUMBERS];
	const char *any = NULL;
	size_t present = match_numbers(m, w, account, r, &any), watched = 0, gone = 0;

	for (size_t i = 0; i < m->roster.n; i++) {
		const struct roster_agent *a = &m->roster.v[i];

		if (a->account != account || !roster_watched(a))
			continue;
		watched++;
		gone += a->seen == SEEN_GONE;
	}
	w->released = 0;
	if (!r->numbers_read || gone == 0)
		return;
	if (present == 0 && watched > 0 && (r->phones.n == 0 || watched > 2)) {
		sample_set(s, OUT_BAD, "all-gone", s->at_ms,
			   "all %zu numbers of its agents are gone", watched);
		/* that the account is active says nothing about its numbers */
		if (r->sample[PROBE_ACCOUNT].outcome != OUT_BAD &&
		    r->sample[PROBE_CREDENTIAL].outcome != OUT_BAD) {
			r->opinion[CF_PARENT] = r->opinion[CF_SECOND] = OP_NONE;
			r->opinion[CF_METHOD] = probe_one_number(ask, r, any);
		}
		return;
	}
	look_for_actors(m, ask, w, account);
	sample_set(s, OUT_OK, "some-gone", s->at_ms, "%zu of %zu numbers are gone", gone, watched);
}

/* ---- judging ------------------------------------------------------------------------ */

static void judge_traffic(struct monitor *m, struct watched *w, int account, struct reading *r,
			  int64_t since_ms)
{
	struct traffic_input in = { &r->calls, &r->messages, &r->alerts, account, since_ms,
				    m->d->set->traffic_min };
	struct sample *s = &r->sample[PROBE_TRAFFIC];
	struct traffic_totals *t = &w->traffic;
	const struct sample *finding = w->track[PROBE_CREDENTIAL].held.outcome == OUT_BAD ?
					       &w->track[PROBE_CREDENTIAL].held :
					       &w->track[PROBE_ACCOUNT].held;
	int64_t n;

	if (!r->traffic_read)
		in.calls = NULL, in.messages = NULL;
	traffic_count(&m->roster, &in, t);
	n = t->bad + t->ok;
	if (!r->traffic_read || n < m->d->set->traffic_min)
		return;
	if ((double)t->bad >= m->d->set->traffic_rate * (double)n) {
		sample_set(s, OUT_BAD, "account-codes", s->at_ms, "%lld of %lld fail, mostly %lld",
			   (long long)t->bad, (long long)n, (long long)t->main_code);
		s->code = t->main_code;
		r->opinion[CF_TRAFFIC] = OP_AGREES;
	} else {
		sample_set(s, OUT_OK, "", s->at_ms, "%lld of %lld are fine", (long long)t->ok,
			   (long long)n);
		/* fine only if something went well after the trouble was seen */
		if (finding->outcome == OUT_BAD && t->bad == 0 &&
		    t->newest_ok_ms > w->swept_wall_ms && w->swept_wall_ms)
			r->opinion[CF_TRAFFIC] = OP_DISAGREES;
	}
}

static void count_agent(struct account_facts *f, int outcome, int reason, bool inherited,
			int64_t reasons[AR_MAX])
{
	f->watched++;
	if (outcome == OUT_OK)
		f->ok++;
	else if (outcome == OUT_UNKNOWN) {
		f->unknown++;
		f->dry += reason == AR_TRAFFIC_DRY;
	} else if (inherited) {
		f->inherited++;
	} else {
		f->failing++;
		reasons[reason]++;
	}
}

static void main_reason(struct account_facts *f, const int64_t reasons[AR_MAX],
			const struct watched *w)
{
	int best = AR_OK;

	for (int i = 1; i < AR_MAX; i++)
		if (reasons[i] > reasons[best])
			best = i;
	f->main_reason = (enum agent_reason)best;
	f->main_code = best == AR_TRAFFIC ? w->traffic.main_code : 0;
}

static void judge_agents(struct monitor *m, struct watched *w, int account,
			 const struct reading *r, bool counts)
{
	int64_t held[AR_MAX] = { 0 }, raw[AR_MAX] = { 0 };
	struct account_scope scope = {
		.account_bad = r->sample[PROBE_ACCOUNT].outcome == OUT_BAD,
		.credential_bad = r->sample[PROBE_CREDENTIAL].outcome == OUT_BAD,
		.api_bad = r->sample[PROBE_API].outcome == OUT_BAD,
		.numbers_read = r->numbers_read,
		.in_window = w->in_window,
	};
	int64_t wall = loop_wall_ms(m->d->loop);
	unsigned turns = 0;

	for (size_t i = 0; i < m->roster.n; i++) {
		struct roster_agent *a = &m->roster.v[i];
		struct agent_finding f;

		roster_yield(&turns);
		if (a->account != account || !roster_watched(a))
			continue;
		f = agent_judge((enum seen_state)a->seen, &a->traffic, a->reason == AR_TRAFFIC ||
				a->raw_reason == AR_TRAFFIC_DRY, &scope, m->d->set);
		roster_feed(a, f, counts, m->d->set, wall);
		a->changed = a->outcome != a->stored;
		count_agent(&w->raw, a->raw_outcome, a->raw_reason, a->raw_inherited, raw);
		count_agent(&w->held, a->outcome, a->reason, a->inherited, held);
	}
	main_reason(&w->raw, raw, w);
	main_reason(&w->held, held, w);
}

static void judge_facts(struct monitor *m, struct watched *w, const struct reading *r)
{
	const struct failover_settings *set = m->d->set;
	int64_t now = loop_now_ms(m->d->loop), since = 0;

	for (int k = 0; k < PROBE_MAX; k++) {
		const struct sample *s = &r->sample[k];

		if (s->at_ms)
			track_feed(&w->track[k], s, set);
		w->raw.probe[k] = *s;
		w->held.probe[k] = w->track[k].held;
		if (!w->held.probe[k].at_ms)
			w->held.probe[k].at_ms = w->track[k].last.at_ms;
		if (track_outcome(&w->track[k], now, set->evidence_fresh_ms) == OUT_UNKNOWN)
			w->held.probe[k].outcome = OUT_UNKNOWN;
		/* what is unknown is explained by the newest sample */
		if (w->held.probe[k].outcome == OUT_UNKNOWN)
			memcpy(w->held.probe[k].why, w->track[k].last.why, WHY_LEN);
		if (k <= PROBE_NUMBERS && !since && w->held.probe[k].outcome == OUT_BAD)
			since = w->track[k].since_ms;
	}
	memcpy(w->opinion, r->opinion, sizeof(w->opinion));
	memcpy(w->held.opinion, r->opinion, sizeof(w->opinion));
	memcpy(w->raw.opinion, r->opinion, sizeof(w->opinion));
	w->held.finding_age_ms = w->raw.finding_age_ms = since ? now - since : 0;
}

/* What is seen once for all accounts, as a sample of this one. */
static void shared_samples(const struct monitor *m, const struct watched *w, struct reading *r)
{
	const struct feed_view *f = &m->feed[w->keys.provider == PROVIDER_TELNYX ? FEED_TELNYX :
										   FEED_TWILIO];

	if (m->eleven.asked)
		sample_set(&r->sample[PROBE_AGENT], m->eleven.answers ? OUT_OK : OUT_UNKNOWN,
			   m->eleven.answers ? "" : "unread", m->eleven.at_ms, "%s",
			   m->eleven.answers ? "ElevenLabs answers" : m->eleven.why);
	if (f->at_ms)
		sample_set(&r->sample[PROBE_FEED],
			   f->state >= FEED_DEGRADED	? OUT_BAD :
			   f->state == FEED_UNKNOWN	? OUT_UNKNOWN :
							  OUT_OK,
			   feed_state_name(f->state), f->at_ms, "%s",
			   f->what[0] ? f->what : "no trouble reported");
}

static void judge(struct monitor *m, const struct probe_ask *ask, struct watched *w,
		  struct reading *r, int64_t since_ms)
{
	const struct failover_settings *set = m->d->set;
	int account = roster_account(&m->roster, w->row.id);
	int64_t now = loop_now_ms(m->d->loop);
	bool counts = w->counted_ms == 0 || now - w->counted_ms >= set->sample_gap_ms;

	memset(&w->held, 0, sizeof(w->held));
	memset(&w->raw, 0, sizeof(w->raw));
	shared_samples(m, w, r);
	judge_numbers(m, ask, w, account, r);
	judge_traffic(m, w, account, r, since_ms);
	strikes_sample(&w->strikes, another_answers(m, w), now, set, &r->sample[PROBE_API]);
	if (counts)
		w->counted_ms = now;
	judge_agents(m, w, account, r, counts);
	judge_facts(m, w, r);
	severity_judge(&w->held, set, &w->verdict);
	w->test_outcome = severity_test(&w->raw, set, &w->test);
	w->sweeps_bad = verdict_rank(&w->test) >= 2 ? w->sweeps_bad + 1 : 0;
}

/* Things of the account that the gates and the standby's readiness ask for. */
static void keep(struct watched *w, const struct reading *r)
{
	if (r->info_known) {
		w->status = r->info.status;
		w->status_hidden = r->info.status_hidden;
		w->type_known = !r->info.status_hidden;
		w->trial = r->info.trial;
	} else if (r->sample[PROBE_ACCOUNT].outcome == OUT_BAD) {
		w->status = str_eq(r->sample[PROBE_ACCOUNT].cls, "closed") ? ACCOUNT_CLOSED :
									     ACCOUNT_SUSPENDED;
	}
	snprintf(w->parent_trouble, sizeof(w->parent_trouble), "%s", r->parent_trouble);
	if (r->balance_asked) {
		w->balance = r->balance;
		w->balance_known = r->balance.known;
	}
	w->latency_ms = r->latency_ms;
	w->requests = r->requests;
}

/* False: only what a follower asks. */
static bool probe_all(struct monitor *m, const struct probe_ask *ask, struct watched *w,
		      struct reading *r, int64_t since_ms)
{
	bool carrying = w->row.role == ROLE_CARRYING;

	probe_scope(ask, r);
	if (!monitor_leads(m))
		return false;
	probe_numbers(ask, r);
	if (carrying)
		probe_traffic(ask, r, since_ms,
			      w->held.watched > MANY_AGENTS ? PAGES_MANY : PAGES_FEW);
	if (carrying && m->d->set->video)
		probe_video(ask, r);
	if (w->sweep_n == 0 || !w->in_window)
		probe_balance(ask, r);
	probe_webhook(ask, r);
	return true;
}

void sweep_account(struct monitor *m, struct watched *w)
{
	int64_t wall = loop_wall_ms(m->d->loop);
	int64_t since_ms = wall - m->d->set->traffic_window_ms;
	struct reading r = { .at_ms = loop_now_ms(m->d->loop) };
	struct probe_ask ask = { .providers = m->d->providers, .keys = &r.keys,
				 .strikes = &w->strikes, .video_hits = &w->video_hits,
				 .loop = m->d->loop, .set = m->d->set };

	bool whole;

	credentials_copy(&r.keys, &w->keys);
	if (w->traffic_since_ms > since_ms)
		since_ms = w->traffic_since_ms;
	if (w->have_keys) {
		whole = probe_all(m, &ask, w, &r, since_ms);
	} else {
		whole = monitor_leads(m);
		sample_set(&r.sample[PROBE_CREDENTIAL], OUT_UNKNOWN, "no-keys", r.at_ms, "%s",
			   w->keys_why);
	}
	if (!task_cancelled()) {
		monitor_lock(m);
		judge(m, &ask, w, &r, since_ms);
		keep(w, &r);
		monitor_unlock(m);
		w->swept_ms = loop_now_ms(m->d->loop);
		w->swept_wall_ms = wall;
		w->sweep_n++;
		w->whole = whole;
		monitor_save_evidence(m, w, &r);
		if (r.numbers_read && monitor_leads(m))
			monitor_save_numbers(m, w, &r);
	}
	reading_fini(&r);
}
