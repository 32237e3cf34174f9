/*
 * From findings to a severity (failover.md §2). Pure.
 */
#ifndef RD_FAILOVER_SEVERITY_H
#define RD_FAILOVER_SEVERITY_H

#include "failover/evidence.h"

/* What others say about a critical finding. */
enum opinion { OP_NONE /* not configured or not applicable */, OP_SILENT /* asked, no verdict */,
	       OP_AGREES, OP_DISAGREES };
enum confirmer { CF_PARENT, CF_SECOND, CF_TRAFFIC, CF_METHOD /* same credential, other call */,
		 CF_MAX };
const char *confirmer_text(enum confirmer c);	/* "parent", "second credential" ... */

/* One account as it is judged: findings of a cycle, or the samples of a test. */
struct account_facts {
	struct sample probe[PROBE_MAX];	/* outcome, class and why of each; at_ms 0 = not run */
	enum opinion opinion[CF_MAX];
	int64_t finding_age_ms;		/* of the critical finding */
	int64_t watched, failing, ok, unknown;	/* agents; failing = by evidence of their own */
	int64_t inherited;		/* bad only because the account is */
	int64_t dry;			/* of the unknown: failed by traffic before */
	enum agent_reason main_reason;	/* most frequent among the failing */
	int64_t main_code;		/* most frequent provider code, 0 = none */
};

struct verdict {
	enum severity severity;
	bool confirmed;			/* critical only */
	/* critical, not confirmed, and still within the time to be */
	bool confirming;
	bool undecided;			/* a test only: neither pass nor fail */
	enum health health;
	double rate;			/* failing / (failing + ok) */
	char cause[240];		/* one sentence part with numbers */
	char cause_key[64];		/* kinds that make it, for "same cause" */
};
void severity_judge(const struct account_facts *f, const struct failover_settings *set,
		    struct verdict *ret);
/* A test of a window or a held event: ok = pass, bad = fail, unknown = neither. */
enum outcome severity_test(const struct account_facts *f, const struct failover_settings *set,
			   struct verdict *ret);
static inline int verdict_rank(const struct verdict *v)
{
	return severity_rank(v->severity, v->confirmed);
}

/* Findings about the account itself, not its agents: account, credential, numbers, api. */
bool facts_account_bad(const struct account_facts *f);
/* More than half of the probes that ran are unknown, and nothing says the account is bad. */
bool facts_mostly_unknown(const struct account_facts *f);
/* Why a standby could not take over; NULL when its own probes are ok. Borrowed from f. */
const char *facts_trouble(const struct account_facts *f);

/* ---- may anything be done about it? ---------------------------------------------- */

enum blocker { BLOCK_NONE, BLOCK_ALIKE, BLOCK_UNREACHABLE, BLOCK_FOLLOWER };
struct fleet_member {			/* an active account, seen for "all bad alike" */
	const char *id;
	const struct account_facts *facts;
	bool struck;			/* api strikes reached, whatever else answers */
};
struct follower_view {			/* newest of a follower's evidence on an account */
	const char *engine;
	int outcome[PROBE_MAX];		/* PROBE_MAX outcomes; unknown = did not look */
	int64_t age_ms;
};
/* Why no action may come from the verdict on fleet[self] by itself; the sentence goes to why. */
enum blocker severity_blocked(const struct fleet_member *fleet, size_t n, size_t self,
			      const struct follower_view *views, size_t n_views,
			      const struct failover_settings *set, char *why, size_t why_len);

#endif
