/*
 * Evidence: from samples to findings, from requests to strikes, from calls to traffic, and
 * the judgement of one agent; see evidence.h.
 *
 * Invariant: only an answer that names the account's own trouble becomes "bad". What could
 * not be asked is unknown, and an unknown sample neither starts nor ends a row of bad ones.
 * Does not fetch anything and never looks at a clock.
 */
#include "failover/evidence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* ---- samples and findings ------------------------------------------------------ */

void sample_set(struct sample *s, enum outcome outcome, const char *cls, int64_t now_ms,
		const char *fmt, ...)
{
	va_list ap;

	s->outcome = (int)outcome;
	snprintf(s->cls, sizeof(s->cls), "%s", cls ? cls : "");
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	text_clean_buf(s->why);
	s->at_ms = now_ms;
}

static void track_hold(struct track *t, const struct sample *s, int n)
{
	t->held = *s;
	t->since_ms = s->at_ms;
	t->sweeps = n;
}

bool track_feed(struct track *t, const struct sample *s, const struct failover_settings *set)
{
	bool first = t->counted_ms == 0;
	int64_t need = s->outcome == OUT_BAD ? set->fall : set->rise;
	bool changed = false;

	t->last = *s;
	if (!first && s->at_ms - t->counted_ms < set->sample_gap_ms) {
		if (s->outcome == t->held.outcome && s->outcome != OUT_UNKNOWN)
			t->held.at_ms = s->at_ms;
		return false;
	}
	t->counted_ms = s->at_ms;
	if (s->outcome == OUT_UNKNOWN && t->run == OUT_BAD)
		return false;	/* the row of bad ones goes on after it */
	t->run_n = t->run == s->outcome ? t->run_n + 1 : 1;
	t->run = s->outcome;
	if (s->outcome == t->held.outcome) {
		int64_t since = t->since_ms;
		int sweeps = t->sweeps;

		track_hold(t, s, sweeps + 1);
		t->since_ms = since ? since : s->at_ms;
	} else if (t->run_n >= need || (first && s->outcome == OUT_OK)) {
		track_hold(t, s, t->run_n);
		changed = true;
	}
	return changed;
}

enum outcome track_outcome(const struct track *t, int64_t now_ms, int64_t fresh_ms)
{
	if (t->held.at_ms == 0 || now_ms - t->held.at_ms > fresh_ms)
		return OUT_UNKNOWN;
	return (enum outcome)t->held.outcome;
}

bool track_suspicious(const struct track *t)
{
	return t->held.outcome == OUT_BAD || t->last.outcome == OUT_BAD;
}

/* ---- strikes ------------------------------------------------------------------- */

void strikes_feed(struct strikes *s, enum endpoint e, enum strike what, int64_t now_ms)
{
	if (what == STRIKE_HIT && s->n[e] < UINT8_MAX)
		s->n[e]++;
	if (what == STRIKE_ANSWERED) {
		s->n[e] = 0;
		s->answered_ms = now_ms;
	}
}

int strikes_endpoints(const struct strikes *s, int64_t k)
{
	int n = 0;

	for (int e = 0; e < EP_MAX; e++)
		n += s->n[e] >= k;
	return n;
}

bool strikes_any(const struct strikes *s)
{
	return strikes_endpoints(s, 1) > 0;
}

void strikes_sample(const struct strikes *s, bool another_answers, int64_t now_ms,
		    const struct failover_settings *set, struct sample *ret)
{
	int struck = strikes_endpoints(s, set->api_strikes);

	if (struck >= 2 && another_answers)
		sample_set(ret, OUT_BAD, "5xx", now_ms,
			   "%d endpoints gave %lld server errors or timeouts in a row", struck,
			   (long long)set->api_strikes);
	else if (struck >= 2)
		sample_set(ret, OUT_UNKNOWN, "alike", now_ms,
			   "%d endpoints fail, and no other account answers", struck);
	else if (strikes_any(s))
		sample_set(ret, OUT_UNKNOWN, "errors", now_ms, "some requests fail");
	else if (s->answered_ms == 0)
		sample_set(ret, OUT_UNKNOWN, "unread", now_ms, "not asked yet");
	else
		sample_set(ret, OUT_OK, "", now_ms, "the API answers");
}

/* ---- traffic and agents ---------------------------------------------------------- */

void traffic_add(struct traffic *t, bool account_failure)
{
	if (account_failure && t->bad < UINT16_MAX)
		t->bad++;
	else if (!account_failure && t->ok < UINT16_MAX)
		t->ok++;
	if (t->recent_n < TRAFFIC_RECENT) {
		t->recent |= (uint8_t)((account_failure ? 1u : 0u) << t->recent_n);
		t->recent_n++;
	}
}

enum outcome traffic_outcome(const struct traffic *t, bool in_window,
			     const struct failover_settings *set)
{
	int64_t bad = t->bad, n = (int64_t)t->bad + t->ok;

	if (in_window) {
		if (t->recent_n < TRAFFIC_RECENT)
			return OUT_UNKNOWN;
		bad = __builtin_popcount(t->recent);
		n = TRAFFIC_RECENT;
	} else if (n < set->traffic_min) {
		return OUT_UNKNOWN;
	}
	return (double)bad >= set->traffic_rate * (double)n ? OUT_BAD : OUT_OK;
}

const char *agent_reason_text(enum agent_reason r)
{
	static const char *const texts[] = {
		[AR_OK] = "",
		[AR_NUMBER_GONE] = "its number is gone from the account",
		[AR_NO_VOICE] = "its number cannot take calls",
		[AR_TRAFFIC] = "its calls or messages fail by account-class codes",
		[AR_API] = "the account's API fails",
		[AR_ACCOUNT] = "the account is not active",
		[AR_CREDENTIAL] = "the account refuses its credentials",
		[AR_UNREAD] = "could not be read",
		[AR_RELEASED] = "its number was released or changed by a known actor",
		[AR_TRAFFIC_DRY] = "failed before, too little traffic since",
	};

	return r < AR_MAX ? texts[r] : "?";
}

static struct agent_finding judged(enum outcome o, enum agent_reason r, bool inherited)
{
	return (struct agent_finding){ (uint8_t)o, (uint8_t)r, inherited };
}

struct agent_finding agent_judge(enum seen_state number, const struct traffic *traffic,
				   bool failed_by_traffic_before, const struct account_scope *a,
				   const struct failover_settings *set)
{
	enum outcome t = traffic_outcome(traffic, a->in_window, set);

	if (a->api_bad)
		return judged(OUT_BAD, AR_API, false);
	if (number == SEEN_GONE)
		return judged(OUT_BAD, AR_NUMBER_GONE, false);
	if (number == SEEN_NO_VOICE)
		return judged(OUT_BAD, AR_NO_VOICE, false);
	if (t == OUT_BAD)
		return judged(OUT_BAD, AR_TRAFFIC, false);
	if (a->account_bad)
		return judged(OUT_BAD, AR_ACCOUNT, true);
	if (number == SEEN_UNKNOWN && a->credential_bad)
		return judged(OUT_BAD, AR_CREDENTIAL, true);
	if (t == OUT_UNKNOWN && failed_by_traffic_before && a->in_window)
		return judged(OUT_UNKNOWN, AR_TRAFFIC_DRY, false);
	if (number == SEEN_RELEASED)
		return judged(OUT_OK, AR_RELEASED, false);
	if (number == SEEN_UNKNOWN && t != OUT_OK)
		return judged(OUT_UNKNOWN, AR_UNREAD, false);
	return judged(OUT_OK, AR_OK, false);
}
