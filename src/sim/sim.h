/*
 * One running simulator: the world, what was asked of it, the faults laid on it,
 * and what was sent to the services that only listen.
 */
#ifndef RD_SIM_SIM_H
#define RD_SIM_SIM_H

#include "core/json.h"
#include "core/loop.h"
#include "sim/world.h"

/* X(id, name in faults and counters, path prefix, part of the host name) */
#define SIM_SERVICES(X)                                                                            \
	X(TWILIO, "twilio", "/twilio", "api.")                                                     \
	X(MONITOR, "monitor", "/monitor", "monitor.")                                              \
	X(MESSAGING, "messaging", "/messaging", "messaging.")                                      \
	X(VIDEO, "video", "/video", "video.")                                                      \
	X(ROUTES, "routes", "/routes", "routes.")                                                  \
	X(PRICING, "pricing", "/pricing", "pricing.")                                              \
	X(LOOKUPS, "lookups", "/lookups", "lookups.")                                              \
	X(ELEVENLABS, "elevenlabs", "/elevenlabs", "elevenlabs.io")                                \
	X(TELNYX, "telnyx", "/telnyx", "api.telnyx.com")                                           \
	X(STATUS, "status", "/status", "status.")                                                  \
	X(AWS, "aws", "/aws", "health.aws.amazon.com")                                             \
	X(APP, "app", "/app", NULL)                                                                \
	X(SLACK, "slack", "/slack", "hooks.slack.com")                                             \
	X(PAGERDUTY, "pagerduty", "/pagerduty", "events.pagerduty.com")                            \
	X(HOOK, "hook", "/hook", NULL)                                                             \
	X(STATUSPAGE, "statuspage", "/statuspage", "api.statuspage.io")                            \
	X(CONTROL, "control", "/_sim", NULL)                                                       \
	X(SMTP, "smtp", NULL, NULL)
enum sim_service_id {
#define X(id, name, prefix, host) SV_##id,
	SIM_SERVICES(X)
#undef X
	SV_COUNT
};
const char *sim_service_name(enum sim_service_id id);

/* ---- faults (fault.c) ---- */
struct sim_fault {
	int id;
	char *service, *account, *path, *method, *body_part; /* match; NULL = any */
	int status, code;
	int64_t latency_ms, from_ms, until_ms;		/* wall; 0 = no bound */
	bool drop_reply, drop, hang, hold;
	double rate;
	int64_t times, skip, hits;			/* times -1 = for ever */
	char *body, *content_type;
	struct sim_fault *next;
};
/* What the faults that match do to one request together. */
struct sim_effect {
	int64_t latency_ms;
	bool drop_reply, drop, hang;
	int hold_id;					/* of what holds or hangs; 0 = none */
	int status, code;
	char *body, *content_type;			/* owned */
};

/* ---- what happened (ledger.c) ---- */
struct sim_op_count { const char *service, *op; uint64_t requests, errors, effective; };
struct sim_finding { const char *kind; char *detail; int64_t at_ms; };
enum { SIM_FINDINGS_MAX = 200, SIM_OPS_MAX = 160 };
struct sim_findings { struct sim_finding v[SIM_FINDINGS_MAX]; int n; uint64_t total; };
struct sim_ledger {
	struct sim_op_count op[SIM_OPS_MAX];
	int n_ops;
	uint64_t requests, effective, in_flight, max_in_flight;
	struct sim_findings forbidden, duplicate;
};

/* ---- the telephony application (app.c) ---- */
struct sim_lock {					/* one per event */
	char event[80];
	int64_t epoch, since_ms, until_ms;		/* until: expiry */
	bool in_force;					/* not unlocked since */
};
struct sim_app {
	bool feature[8];
	struct sim_lock lock[64];
	int n_locks;
	int64_t longest_lock_ms;
	uint64_t locks, unlocks, after_switches, webhooks_ok, webhooks_refused;
	char *hook_secret;
};

/* ---- what was sent to people (sent.c) ---- */
struct sim_sent_item { uint64_t seq; int64_t at_ms; const char *kind; char *to, *subject, *body; };
enum { SIM_SENT_MAX = 4096 };
struct sim_sent { struct sim_sent_item v[SIM_SENT_MAX]; uint64_t next; };
struct sim_mailbox { char *refuse[16]; int n_refuse; };

/* ---- status pages (feeds.c) ---- */
enum { SIM_FEED_AWS = 3, SIM_FEEDS = 4 };
struct sim_feed {
	char *part, *title, *said, *phase;
	const char *status, *indicator;
	int64_t since_ms;
};

/* ---- our own status page (statuspage.c) ---- */
enum { SIM_PAGE_INCIDENTS = 40, SIM_PAGE_UPDATES = 40, SIM_PAGE_PARTS = 6 };
struct sim_page_part { const char *status; int64_t updated_ms; };
struct sim_page_update { const char *status; char *body; int64_t at_ms; };
struct sim_page_incident {
	char id[16];
	char *page, *name, *metadata;
	const char *status;
	int64_t created_ms, updated_ms, resolved_ms;
	struct sim_page_update updates[SIM_PAGE_UPDATES]; size_t n_updates;
	bool part[SIM_PAGE_PARTS];	/* attached components */
};

/* ---- scenarios (scenarios.c) ---- */
struct sim_scenario;
enum { SIM_STAGES_MAX = 12 };
struct sim_running {
	const struct sim_scenario *scenario;
	bool started;
	struct timer timer[SIM_STAGES_MAX];
	bool ran[SIM_STAGES_MAX];
	struct sim *sim;
};

enum { SIM_TELNYX_NUMBERS = 8 };

struct sim {
	struct loop *loop;
	struct sim_world world;
	struct sim_fault *faults;
	int next_fault;
	struct sim_ledger ledger;
	struct sim_app app;
	struct sim_sent sent;
	struct sim_mailbox mailbox;
	struct sim_running running;
	struct sim_feed feed[SIM_FEEDS];
	struct sim_page_incident page[SIM_PAGE_INCIDENTS];
	size_t n_page;
	struct sim_page_part page_part[SIM_PAGE_PARTS];
	const char *telnyx_connection[SIM_TELNYX_NUMBERS];	/* NULL = as built */
	int64_t base_latency_ms;
	uint64_t random;
	int port, smtp_port;
	/* By the server, NULL without one: a fault was removed (id 0: the world goes); the
	 * requests that wait. */
	void (*released)(void *ctx, int fault_id);
	void (*write_waiting)(void *ctx, struct jw *w);
	void *server;
};

struct sim *sim_new(struct loop *l, const struct sim_shape *shape);
void sim_free(struct sim *s);
void sim_reset(struct sim *s, const struct sim_shape *shape);	/* world, counters, faults, sent */
int64_t sim_now(const struct sim *s);				/* wall, ms */
double sim_random(struct sim *s);				/* 0..1, seeded */

#endif
