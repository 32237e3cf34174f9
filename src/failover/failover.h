/*
 * What the parts of failover share: settings and the things they work with.
 *
 * health, severity, rules, gates, window and plan are pure (facts in, verdict out);
 * probe, monitor, decide, execute and rollback do I/O as tasks and hold no opinion.
 * Meanings and numbers: failover.md; each setting names its section.
 */
#ifndef RD_FAILOVER_FAILOVER_H
#define RD_FAILOVER_FAILOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"
#include "core/loop.h"

struct store;
struct tx;
struct event;
struct providers;
struct lease;

/* All durations in ms. Rows flagged OPT_SCALES are divided by --speed. */
struct failover_settings {
	/* §2 evidence */
	int64_t cycle_ms, suspicious_cycle_ms;		/* 120 s, 10 s */
	int64_t fall, rise, sample_gap_ms;		/* 2, 2, 5 s */
	int64_t on_demand_ms;				/* cycles coalesce: 30 s */
	int64_t api_strikes;				/* 3 */
	int64_t traffic_window_ms, traffic_min;		/* 10 min, 5 */
	double traffic_rate;				/* 0.5 */
	bool video;					/* ask for rooms, too: no */
	int64_t min_agents;				/* 2 */
	double min_rate;				/* 0.5 */
	int64_t confirm_ms;				/* 60 s */
	int64_t feeds_every_ms;				/* 60 s; never scaled */
	int64_t evidence_fresh_ms;			/* 3 min */
	int64_t observe_after_gap_ms;			/* 30 s */
	/* §3 states and window */
	int64_t window_ms, test_every_ms, test_gap_ms;	/* 10 min, 30 s, 90 s */
	int64_t last_test_ms;				/* 20 s; a network deadline: never scaled */
	int64_t passes, passes_reopen1, passes_reopen2;	/* 2, 4, 8 */
	int64_t reopen_ms, max_reopens;			/* 30 min, 3 */
	int64_t extend_ms, extend_max_ms;		/* 10 min, 60 min */
	int64_t held_retest_ms, announce_ms;		/* 30 s, 60 s */
	int64_t suppress_ms;				/* 1 h */
	/* §4 gates */
	int64_t hour_ms, max_per_hour, max_per_hour_lineage; /* 60 min, 1, 1 */
	double min_balance;				/* target's balance, provider's currency */
	/* §5 execution */
	int64_t lock_ttl_ms;				/* 5 min; never scaled */
	int64_t calls_wait_ms;				/* 60 s */
	int64_t eleven_retry_ms, eleven_retry_every_ms;	/* 10 min */
	int64_t canaries, parallel;			/* 3, 8 */
	char *test_call_to;				/* NULL = no real call */
	/* preference among agents: priority, calls */
	char *assign_by;
	/* §6 */
	int64_t rollback_offer_ms, sms_retry_age_ms;	/* 30 days, 1 h */
	int64_t history_keep_ms, journal_keep_ms;	/* 90 days, 400 days; 0 = for ever */
	/* §7; none of these scales */
	int64_t lease_ttl_ms, lease_renew_ms, db_timeout_ms, write_deadline_ms;	/* 15 3 2 5 s */
	bool quorum_durable;				/* the service is declared durable */
	bool shadow;					/* decide and record, never act */
};
extern const struct option_table failover_options;
/* Divides every scaling duration; speed >= 1. */
void failover_settings_scale(struct failover_settings *s, double speed);
/* Refuses renew + 2 x database timeout + D + 1 s > TTL, and the like. */
int failover_settings_check(const struct failover_settings *s, struct err *err);

/* Small functions that the host fills in, so that siblings need not know each other. */
struct failover_ports {
	void *ctx;
	/* Something changed that the deciding task should look at now. */
	void (*wake)(void *ctx);
	/* Tell people, in the causing transaction (notify/notify.h has the kinds). e may be
	 * NULL. */
	int (*say)(void *ctx, struct tx *t, int say_kind, const struct event *e,
		   const char *subject, const char *text, struct err *err);
	/* Alerts were raised or ended, and that is committed; NULL = nobody is interested. */
	void (*alerts_moved)(void *ctx);
};

struct failover_deps {
	struct loop *loop;
	struct store *store;
	struct providers *providers;
	struct lease *lease;
	const struct failover_settings *set;
	const struct failover_ports *ports;
	const char *engine_id;		/* "eng-1" */
	bool leader_only_reads;		/* follower: observe, never write outside */
	/* name that the database must be adopted for; NULL or "" = none */
	const char *environment;
};

#endif
