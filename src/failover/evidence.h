/*
 * Evidence: samples of probes become findings by fall and rise; requests to an account
 * become strikes; calls and messages become traffic; all of it becomes the judgement of
 * one agent. Pure: times are given, on the monotonic clock.
 */
#ifndef RD_FAILOVER_EVIDENCE_H
#define RD_FAILOVER_EVIDENCE_H

#include "failover/failover.h"
#include "model/enums.h"

/* ---- samples and findings ------------------------------------------------------ */

enum { CLS_LEN = 20, WHY_LEN = 160 };

/* One answer of a probe. cls is a word of ours ("suspended", "rejected", "5xx"), why a
 * part of a sentence, cleaned. */
struct sample {
	int outcome;			/* enum outcome */
	char cls[CLS_LEN];
	char why[WHY_LEN];
	int64_t code, latency_ms;
	int64_t at_ms;			/* 0 = never taken */
};
void sample_set(struct sample *s, enum outcome outcome, const char *cls, int64_t now_ms,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* A probe over time. `held` is the finding: it changes after `fall` bad or `rise` other
 * samples in a row, each at least sample_gap_ms after the one counted before it. The first
 * ok sample of all counts at once. An unknown sample does not break a run. */
struct track {
	struct sample last;		/* newest, whatever it says */
	struct sample held;		/* the finding; at_ms = last sample that agreed with it */
	int64_t since_ms;		/* when the finding took its outcome */
	int64_t counted_ms;		/* last sample that counted */
	int run, run_n;			/* outcome of the running row, its length */
	int sweeps;			/* counted samples that agreed with the finding */
};
/* True when the finding changed. */
bool track_feed(struct track *t, const struct sample *s, const struct failover_settings *set);
/* The finding, or unknown when nothing newer than fresh_ms supports it. */
enum outcome track_outcome(const struct track *t, int64_t now_ms, int64_t fresh_ms);
/* Something says bad that is not a finding yet (or a finding is bad). */
bool track_suspicious(const struct track *t);

/* ---- strikes: the api probe ------------------------------------------------------ */

enum endpoint { EP_ACCOUNT, EP_NUMBERS, EP_CALLS, EP_MESSAGES, EP_ALERTS, EP_BALANCE, EP_MAX };
enum strike { STRIKE_NONE /* says nothing: 429, cancelled */, STRIKE_HIT /* 5xx, timeout */,
	      STRIKE_ANSWERED };
struct strikes {
	uint8_t n[EP_MAX];		/* hits in a row */
	int64_t answered_ms;		/* last answer of any endpoint; 0 = never */
};
void strikes_feed(struct strikes *s, enum endpoint e, enum strike what, int64_t now_ms);
/* Endpoints with at least k hits in a row. */
int strikes_endpoints(const struct strikes *s, int64_t k);
bool strikes_any(const struct strikes *s);
/* The api probe's sample: bad needs two endpoints struck and another account that answers;
 * struck while nothing else answers is unknown, class "alike". */
void strikes_sample(const struct strikes *s, bool another_answers, int64_t now_ms,
		    const struct failover_settings *set, struct sample *ret);

/* ---- one agent ------------------------------------------------------------------- */

enum seen_state { SEEN_UNKNOWN, SEEN_OK, SEEN_GONE, SEEN_NO_VOICE,
		   SEEN_RELEASED /* gone, but a known actor did it: an alert, no failure */ };

/* Finished calls and messages of an agent; recent: newest first, bit set = account-class
 * failure. */
struct traffic {
	uint16_t bad, ok;		/* in the traffic window */
	uint8_t recent, recent_n;	/* at most 5 */
};
enum { TRAFFIC_RECENT = 5 };
/* Adds a finished one; called from newest to oldest. */
void traffic_add(struct traffic *t, bool account_failure);
/* in_window: the last five decide, fewer are unknown. */
enum outcome traffic_outcome(const struct traffic *t, bool in_window,
			     const struct failover_settings *set);

/* Why an agent is judged as it is; the text is in agent_reason_text(). */
enum agent_reason { AR_OK, AR_NUMBER_GONE, AR_NO_VOICE, AR_TRAFFIC, AR_API, AR_ACCOUNT,
		    AR_CREDENTIAL, AR_UNREAD, AR_RELEASED, AR_TRAFFIC_DRY, AR_MAX };
const char *agent_reason_text(enum agent_reason r);	/* "" for AR_OK */

/* What is known of the account when its agents are judged. */
struct account_scope {
	bool account_bad, credential_bad, api_bad;
	bool numbers_read;		/* the sweep answered */
	bool in_window;
};
struct agent_finding {
	uint8_t outcome;		/* enum outcome */
	uint8_t reason;			/* enum agent_reason */
	/* bad only because the account is: never degraded by itself */
	bool inherited;
};
struct agent_finding agent_judge(enum seen_state number, const struct traffic *traffic,
				   bool failed_by_traffic_before, const struct account_scope *a,
				   const struct failover_settings *set);

#endif
