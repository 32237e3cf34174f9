/*
 * Severity of what was found at one account, and the reasons for which nothing follows
 * from it by itself; see severity.h.
 *
 * Invariant: critical needs a second opinion that agrees and none that disagrees; an agent
 * that is bad only because its account could not be asked never makes the account degraded,
 * or an unconfirmed finding could approve itself through its agents.
 */
#include "failover/severity.h"

#include <stdio.h>
#include <string.h>

#include "core/str.h"

const char *confirmer_text(enum confirmer c)
{
	static const char *const texts[] = { "parent account", "second credential", "traffic",
					     "another call" };

	return c < CF_MAX ? texts[c] : "?";
}

static bool bad(const struct account_facts *f, enum probe_kind k)
{
	return f->probe[k].outcome == OUT_BAD;
}

static bool all_gone(const struct account_facts *f)
{
	return bad(f, PROBE_NUMBERS) && str_eq(f->probe[PROBE_NUMBERS].cls, "all-gone");
}

bool facts_account_bad(const struct account_facts *f)
{
	return bad(f, PROBE_ACCOUNT) || bad(f, PROBE_CREDENTIAL) || all_gone(f) ||
	       bad(f, PROBE_API);
}

/* Probes that speak about this account; feeds, video and our own endpoint do not. */
static const enum probe_kind own_probes[] = { PROBE_ACCOUNT, PROBE_CREDENTIAL, PROBE_NUMBERS,
					      PROBE_API, PROBE_TRAFFIC };

bool facts_mostly_unknown(const struct account_facts *f)
{
	int ran = 0, unknown = 0;

	for (size_t i = 0; i < sizeof(own_probes) / sizeof(own_probes[0]); i++) {
		const struct sample *s = &f->probe[own_probes[i]];

		/* too little traffic is normal at night: it says nothing either way */
		if (s->at_ms == 0 || str_eq(s->cls, "few"))
			continue;
		ran++;
		unknown += s->outcome == OUT_UNKNOWN;
	}
	return ran > 0 && unknown * 2 > ran && !facts_account_bad(f);
}

const char *facts_trouble(const struct account_facts *f)
{
	static const enum probe_kind need[] = { PROBE_ACCOUNT, PROBE_CREDENTIAL, PROBE_API,
						PROBE_NUMBERS };

	for (size_t i = 0; i < sizeof(need) / sizeof(need[0]); i++) {
		const struct sample *s = &f->probe[need[i]];

		/* a key class that may not read the status leaves the rest to tell */
		if (s->outcome == OUT_UNKNOWN && str_eq(s->cls, "hidden"))
			continue;
		if (s->outcome == OUT_BAD && need[i] == PROBE_NUMBERS)
			continue; /* what it has is the numbers gate's business */
		if (s->outcome != OUT_OK)
			return s->at_ms ? s->why : "not checked yet";
	}
	return NULL;
}

/* ---- severity -------------------------------------------------------------------- */

static const struct sample *critical_finding(const struct account_facts *f)
{
	if (bad(f, PROBE_ACCOUNT))
		return &f->probe[PROBE_ACCOUNT];
	if (bad(f, PROBE_CREDENTIAL))
		return &f->probe[PROBE_CREDENTIAL];
	return all_gone(f) ? &f->probe[PROBE_NUMBERS] : NULL;
}

static bool degraded(const struct account_facts *f, int64_t failing,
		     const struct failover_settings *set)
{
	int64_t judged = failing + f->ok;
	double rate = judged ? (double)failing / (double)judged : 0;

	if (failing == 0 || (f->watched > 0 && f->unknown * 2 > f->watched))
		return false;
	if (failing == 1 && (f->watched > 2 || !facts_account_bad(f)))
		return false;
	return failing >= set->min_agents || rate >= set->min_rate;
}

static bool anything(const struct account_facts *f)
{
	if (f->failing > 0)
		return true;
	for (int k = 0; k < PROBE_MAX; k++)
		if (bad(f, (enum probe_kind)k))
			return true;
	return false;
}

static void cause_critical(const struct account_facts *f, const struct sample *s,
			   struct verdict *ret)
{
	const char *kind = s == &f->probe[PROBE_ACCOUNT]      ? "account" :
			   s == &f->probe[PROBE_CREDENTIAL] ? "credential" :
								"numbers";
	int n = snprintf(ret->cause, sizeof(ret->cause), "%s", s->why);
	int voices = 0;

	snprintf(ret->cause_key, sizeof(ret->cause_key), "%s:%s", kind, s->cls);
	for (int c = 0; c < CF_MAX && n < (int)sizeof(ret->cause); c++) {
		if (f->opinion[c] != OP_AGREES && f->opinion[c] != OP_DISAGREES)
			continue;
		n += snprintf(ret->cause + n, sizeof(ret->cause) - (size_t)n, "; %s %s",
			      confirmer_text((enum confirmer)c),
			      f->opinion[c] == OP_AGREES ? "agrees" : "says it is fine");
		voices++;
	}
	if (!voices && n < (int)sizeof(ret->cause))
		snprintf(ret->cause + n, sizeof(ret->cause) - (size_t)n,
			 "; nothing else could confirm it");
}

static void cause_agents(const struct account_facts *f, struct verdict *ret)
{
	int n = snprintf(ret->cause, sizeof(ret->cause), "%lld of %lld agents fail (%.0f %%): %s",
			 (long long)f->failing, (long long)f->watched, ret->rate * 100,
			 agent_reason_text(f->main_reason));
	/* which of its probes an agent fails by may change while the trouble is the same */
	const char *key = f->main_reason == AR_API ? "api" : "agents";

	if (f->main_code && n < (int)sizeof(ret->cause))
		snprintf(ret->cause + n, sizeof(ret->cause) - (size_t)n, " (mostly %lld)",
			 (long long)f->main_code);
	snprintf(ret->cause_key, sizeof(ret->cause_key), "%s", key);
}

static void cause_minor(const struct account_facts *f, struct verdict *ret)
{
	if (f->failing > 0) {
		cause_agents(f, ret);
		return;
	}
	for (int k = 0; k < PROBE_MAX; k++) {
		if (!bad(f, (enum probe_kind)k))
			continue;
		snprintf(ret->cause, sizeof(ret->cause), "%s: %s", probe_kind_name(k),
			 f->probe[k].why);
		snprintf(ret->cause_key, sizeof(ret->cause_key), "%s", probe_kind_name(k));
		return;
	}
}

static bool any_opinion(const struct account_facts *f, enum opinion o)
{
	for (int c = 0; c < CF_MAX; c++)
		if (f->opinion[c] == o)
			return true;
	return false;
}

static enum health health_of(const struct account_facts *f, const struct verdict *v)
{
	if (v->severity == SEV_CRITICAL)
		return HEALTH_CRITICAL;
	if (v->severity == SEV_DEGRADED || bad(f, PROBE_API))
		return HEALTH_DEGRADED;
	if (facts_mostly_unknown(f) || (f->watched > 0 && f->unknown * 2 > f->watched) ||
	    f->probe[PROBE_CREDENTIAL].at_ms == 0)
		return HEALTH_UNKNOWN;
	return v->severity == SEV_MINOR ? HEALTH_MINOR : HEALTH_HEALTHY;
}

void severity_judge(const struct account_facts *f, const struct failover_settings *set,
		    struct verdict *ret)
{
	const struct sample *critical = critical_finding(f);
	int64_t judged = f->failing + f->ok;

	memset(ret, 0, sizeof(*ret));
	ret->rate = judged ? (double)f->failing / (double)judged : 0;
	if (critical)
		ret->confirmed = any_opinion(f, OP_AGREES) && !any_opinion(f, OP_DISAGREES);
	if (critical && (ret->confirmed || !degraded(f, f->failing, set))) {
		ret->severity = SEV_CRITICAL;
		ret->confirming = !ret->confirmed && any_opinion(f, OP_SILENT) &&
				  !any_opinion(f, OP_DISAGREES) &&
				  f->finding_age_ms < set->confirm_ms;
		cause_critical(f, critical, ret);
	} else if (degraded(f, f->failing, set)) {
		ret->severity = SEV_DEGRADED;
		ret->confirmed = false;
		cause_agents(f, ret);
	} else if (anything(f)) {
		ret->severity = SEV_MINOR;
		cause_minor(f, ret);
	}
	ret->health = health_of(f, ret);
	if (ret->health == HEALTH_UNKNOWN && !ret->cause[0])
		snprintf(ret->cause, sizeof(ret->cause), "%s",
			 f->unknown * 2 > f->watched ? "most agents could not be judged" :
						       "most probes got no answer");
}

enum outcome severity_test(const struct account_facts *f, const struct failover_settings *set,
			   struct verdict *ret)
{
	severity_judge(f, set, ret);
	if (ret->severity >= SEV_DEGRADED)
		return OUT_BAD;
	if (facts_mostly_unknown(f) || (f->watched > 0 && f->unknown * 2 > f->watched) ||
	    degraded(f, f->failing + f->dry, set)) {
		ret->undecided = true;
		return OUT_UNKNOWN;
	}
	return OUT_OK;
}

/* ---- blockers -------------------------------------------------------------------- */

/* The kind of account-wide trouble, as a small set, so that "alike" can be told. */
static unsigned trouble_bits(const struct fleet_member *m)
{
	unsigned bits = 0;

	if (m->struck || bad(m->facts, PROBE_API))
		bits |= 1;
	if (bad(m->facts, PROBE_CREDENTIAL))
		bits |= 2;
	if (bad(m->facts, PROBE_ACCOUNT))
		bits |= 4;
	if (facts_mostly_unknown(m->facts))
		bits |= 8;
	return bits;
}

static const char *alike_text(unsigned bits)
{
	if (bits & 1)
		return "all active accounts give server errors or timeouts alike";
	if (bits & 2)
		return "all active accounts refuse our credentials alike";
	if (bits & 4)
		return "all active accounts are reported inactive alike";
	return "no active account could be asked";
}

static bool follower_disagrees(const struct account_facts *f, const struct follower_view *v)
{
	static const enum probe_kind asked[] = { PROBE_ACCOUNT, PROBE_CREDENTIAL, PROBE_API };

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (bad(f, asked[i]) && v->outcome[asked[i]] == OUT_OK)
			return true;
	return false;
}

enum blocker severity_blocked(const struct fleet_member *fleet, size_t n, size_t self,
			      const struct follower_view *views, size_t n_views,
			      const struct failover_settings *set, char *why, size_t why_len)
{
	unsigned alike = 15;

	why[0] = 0;
	for (size_t i = 0; i < n; i++)
		alike &= trouble_bits(&fleet[i]);
	if (n >= 2 && alike) {
		snprintf(why, why_len, "%s: the trouble may be ours or everybody's",
			 alike_text(alike));
		return alike == 8 ? BLOCK_UNREACHABLE : BLOCK_ALIKE;
	}
	if (facts_mostly_unknown(fleet[self].facts)) {
		snprintf(why, why_len, "most probes of the account got no answer");
		return BLOCK_UNREACHABLE;
	}
	for (size_t i = 0; i < n_views; i++) {
		if (views[i].age_ms > set->evidence_fresh_ms ||
		    !follower_disagrees(fleet[self].facts, &views[i]))
			continue;
		snprintf(why, why_len, "engine %s sees the account answer", views[i].engine);
		return BLOCK_FOLLOWER;
	}
	return BLOCK_NONE;
}
