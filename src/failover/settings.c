/*
 * The settings of failover, one row each, with the section of the description that fixes
 * the default; and the two things done to them as a whole: division by --speed and the
 * checks between them.
 *
 * Invariant: what is not flagged OPT_SCALES is a bound on the network, the lock or the
 * lease, and stays what it is at any speed.
 */
#include "failover/failover.h"

#include "core/mem.h"
#include "core/str.h"

#define S(m) offsetof(struct failover_settings, m)
#define MS_MAX (4000 * 24 * 3600 * (int64_t)1000)
#define DUR(name_, m, def_, min_, help_)                                                           \
	{ .name = "failover." name_, .type = OPT_DURATION, .offset = S(m), .def = def_,            \
	  .min = min_, .max = MS_MAX, .flags = OPT_SCALES | OPT_RELOAD, .help = help_ }
#define FIXED(name_, m, def_, min_, help_)                                                         \
	{ .name = "failover." name_, .type = OPT_DURATION, .offset = S(m), .def = def_,            \
	  .min = min_, .max = MS_MAX, .help = help_ }
#define NUM(name_, m, def_, min_, max_, help_)                                                     \
	{ .name = "failover." name_, .type = OPT_INT, .offset = S(m), .def = def_, .min = min_,    \
	  .max = max_, .flags = OPT_RELOAD, .help = help_ }
#define REAL(name_, m, def_, help_)                                                                \
	{ .name = "failover." name_, .type = OPT_DOUBLE, .offset = S(m), .def = def_,              \
	  .flags = OPT_RELOAD, .help = help_ }
#define FLAG(name_, m, def_, help_)                                                                \
	{ .name = "failover." name_, .type = OPT_BOOL, .offset = S(m), .def = def_, .help = help_ }

static const struct option_row rows[] = {
	DUR("cycle", cycle_ms, "120s", 1, "Time between health cycles (section 2)."),
	DUR("suspiciousCycle", suspicious_cycle_ms, "10s", 1,
	    "Time between health cycles while anything is suspicious (section 2)."),
	NUM("fall", fall, "2", 1, 20, "Bad samples in a row that make a probe bad (section 2)."),
	NUM("rise", rise, "2", 1, 20, "Good samples in a row that make it ok again (section 2)."),
	DUR("sampleGap", sample_gap_ms, "5s", 0,
	    "Samples nearer together count as one (section 2)."),
	DUR("onDemand", on_demand_ms, "30s", 0,
	    "A check on demand within this time repeats the last result (section 2)."),
	NUM("apiStrikes", api_strikes, "3", 1, 100,
	    "5xx or timeouts in a row on an endpoint that count as its failure (section 2)."),
	DUR("trafficWindow", traffic_window_ms, "10m", 1000,
	    "How far back calls and messages are judged (section 2)."),
	NUM("trafficMin", traffic_min, "5", 1, 1000,
	    "Fewer finished calls and messages say nothing (section 2)."),
	REAL("trafficRate", traffic_rate, "0.5",
	     "Share of account-class failures that makes traffic bad (section 2)."),
	{ .name = "failover.video", .type = OPT_BOOL, .offset = S(video), .def = "false",
	  .flags = OPT_RELOAD,
	  .help = "Ask carrying accounts for video rooms, too; trouble there is an alert (section"
		  " 2)." },
	NUM("minAgents", min_agents, "2", 1, 100000,
	    "Failing agents that make an account degraded (section 2)."),
	REAL("minRate", min_rate, "0.5", "Or this share of the agents that were judged (section"
					 " 2)."),
	DUR("confirm", confirm_ms, "60s", 1,
	    "A critical finding must be confirmed within this time (section 2)."),
	FIXED("feedsEvery", feeds_every_ms, "60s", 1000,
	      "Time between readings of the providers' status pages (section 2)."),
	DUR("evidenceFresh", evidence_fresh_ms, "3m", 1, "Older evidence does not count (section"
	    " 2)."),
	DUR("observeAfterGap", observe_after_gap_ms, "30s", 0,
	    "After a stall or a clock step nothing is decided for this long (section 2)."),
	DUR("window", window_ms, "10m", 1, "Tested failing time before self-approval (section 3)."),
	DUR("testEvery", test_every_ms, "30s", 1, "Time between tests in a window (section 3)."),
	DUR("testGap", test_gap_ms, "90s", 1, "A longer gap between tests does not count (section"
					      " 3)."),
	FIXED("lastTest", last_test_ms, "20s", 1000,
	      "The last test must finish within this time (section 3)."),
	NUM("passes", passes, "2", 1, 100, "Passed tests in a row that cancel (section 3)."),
	NUM("passesReopen1", passes_reopen1, "4", 1, 100, "The same after one reopening (section"
	    " 3)."),
	NUM("passesReopen2", passes_reopen2, "8", 1, 100, "The same after more (section 3)."),
	DUR("reopen", reopen_ms, "30m", 0,
	    "The same cause within this time of a cancel reopens the event (section 3)."),
	NUM("maxReopens", max_reopens, "3", 1, 100,
	    "Reopenings after which an event is marked flapping (section 3)."),
	DUR("extend", extend_ms, "10m", 1, "What an extension adds unless said (section 3)."),
	DUR("extendMax", extend_max_ms, "60m", 0, "What all extensions may add (section 3)."),
	DUR("heldRetest", held_retest_ms, "30s", 1, "Time between tests while held (section 3)."),
	DUR("announce", announce_ms, "60s", 0,
	    "How long ahead a held critical event is announced when its gates open (section 3)."),
	DUR("suppress", suppress_ms, "1h", 0,
	    "How long a person's no stands for the same finding (section 3)."),
	DUR("hour", hour_ms, "60m", 0, "The time that maxPerHour speaks of (section 4)."),
	NUM("maxPerHour", max_per_hour, "1", 0, 100000,
	    "Attempts in that time, for the installation (section 4)."),
	NUM("maxPerHourLineage", max_per_hour_lineage, "1", 0, 1000,
	    "Attempts in that time, for one lineage (section 4)."),
	REAL("minBalance", min_balance, "20",
	     "Least balance of a target, in the provider's currency (section 4)."),
	FIXED("lockTtl", lock_ttl_ms, "5m", 1000, "The application's lock lasts this long (section"
						  " 5)."),
	DUR("callsWait", calls_wait_ms, "60s", 0,
	    "A degraded failover waits this long for calls in progress (section 5)."),
	DUR("elevenRetry", eleven_retry_ms, "10m", 0,
	    "How long an unreachable ElevenLabs is tried again (section 5)."),
	DUR("elevenRetryEvery", eleven_retry_every_ms, "15s", 1,
	    "Time between those tries (section 5)."),
	NUM("canaries", canaries, "3", 1, 100, "Agents that move first (section 5)."),
	NUM("parallel", parallel, "8", 1, 1000, "Agents that move at the same time (section 5)."),
	{ .name = "failover.testCall.to", .type = OPT_STR, .offset = S(test_call_to),
	  .help = "Number that a real test call rings; unset: none is made (section 5)." },
	{ .name = "failover.assignBy", .type = OPT_CHOICE, .offset = S(assign_by),
	  .def = "priority", .choices = "priority|calls",
	  .help = "Which agents get a number first when they are scarce (section 5)." },
	FIXED("rollbackOffer", rollback_offer_ms, "30d", 1000,
	      "How long a rollback is offered (section 6)."),
	FIXED("historyKeep", history_keep_ms, "90d", 0,
	      "How long checks, evidence and agents' changes are kept; hours of them stay rolled"
	      " up."),
	FIXED("journalKeep", journal_keep_ms, "400d", 0,
	      "How long the journal is kept, and with it what failovers wrote and tested; 0 = for"
	      " ever."),
	DUR("smsRetryAge", sms_retry_age_ms, "1h", 0, "Older messages are not sent again (section"
						      " 6)."),
	FIXED("leaseTtl", lease_ttl_ms, "15s", 1000, "Validity of the lease (section 7)."),
	FIXED("leaseRenew", lease_renew_ms, "3s", 100, "Time between renewals (section 7)."),
	FIXED("databaseTimeout", db_timeout_ms, "2s", 100, "Longest database call (section 7)."),
	FIXED("writeDeadline", write_deadline_ms, "5s", 100, "Longest outside write (section 7)."),
	FLAG("quorumDurable", quorum_durable, "false",
	     "The database service keeps what it acknowledged, without a synchronous standby "
	     "that we could see (section 7)."),
	FLAG("shadow", shadow, "false", "Decide and record, but never act (section 7)."),
};
void failover_settings_scale(struct failover_settings *s, double speed)
{
	for (size_t i = 0; i < failover_options.n && speed > 1; i++) {
		const struct option_row *row = &rows[i];
		int64_t *v = (int64_t *)((char *)s + row->offset);

		if (!(row->flags & OPT_SCALES) || *v <= 0)
			continue;
		*v = (int64_t)((double)*v / speed);
		if (*v < 1)
			*v = 1;
	}
}

static int check_share(const char *name, double v, struct err *err)
{
	return v > 0 && v <= 1 ? 0 : err_field(err, ERR_INVALID, name,
					       "%s must be above 0 and at most 1", name);
}

int failover_settings_check(const struct failover_settings *s, struct err *err)
{
	int64_t need = s->lease_renew_ms + 2 * s->db_timeout_ms + s->write_deadline_ms + 1000;
	int r;

	if (need > s->lease_ttl_ms)
		return err_field(err, ERR_INVALID, "failover.leaseTtl",
				 "leaseRenew + 2 x databaseTimeout + writeDeadline + 1s is %lld"
				 " ms, more than leaseTtl (%lld ms)",
				 (long long)need, (long long)s->lease_ttl_ms);
	if ((r = check_share("failover.minRate", s->min_rate, err)) < 0 ||
	    (r = check_share("failover.trafficRate", s->traffic_rate, err)) < 0)
		return r;
	if (s->test_gap_ms < s->test_every_ms)
		return err_field(err, ERR_INVALID, "failover.testGap",
				 "testGap is shorter than testEvery, so no window could ever"
				 " count");
	if (s->suspicious_cycle_ms > s->cycle_ms)
		return err_field(err, ERR_INVALID, "failover.suspiciousCycle",
				 "suspiciousCycle is longer than cycle");
	if (s->evidence_fresh_ms < s->suspicious_cycle_ms * s->fall)
		return err_field(err, ERR_INVALID, "failover.evidenceFresh",
				 "evidence grows old before %lld samples can be taken",
				 (long long)s->fall);
	return 0;
}

static int check_options(const void *settings, struct err *err)
{
	return failover_settings_check(settings, err);
}

const struct option_table failover_options = { "failover", rows, COUNT_OF(rows),
					       sizeof(struct failover_settings), check_options };
