/*
 * The probes of one account: asks the provider, says nothing about what follows. Runs in a
 * task; each call has the provider's own deadlines.
 */
#ifndef RD_FAILOVER_PROBE_H
#define RD_FAILOVER_PROBE_H

#include "failover/severity.h"
#include "failover/traffic.h"
#include "providers/app.h"
#include "providers/provider.h"
#include "providers/telephony.h"
#include "store/accounts.h"

/* What one sweep brought home. */
struct reading {
	int64_t at_ms;			/* monotonic, when it began */
	/* a copy: those of the account may be loaded anew meanwhile */
	struct credentials keys;
	struct sample sample[PROBE_MAX];	/* as seen, before fall and rise */
	enum opinion opinion[CF_MAX];
	struct account_info info;	/* as far as any credential showed it */
	bool info_known;
	struct call_info main, second, parent;	/* how the account's status was answered */
	bool second_asked, parent_asked;
	/* a credential that opens the account; MAIN when none does */
	enum credential_use works;
	bool any_works;
	char parent_trouble[WHY_LEN];	/* the parent itself fails; "" = no parent or fine */
	struct phone_list phones;
	bool numbers_read;
	struct call_list calls;
	struct message_list messages;
	struct alert_list alerts;
	bool traffic_read;
	struct balance balance;
	bool balance_asked;
	int64_t latency_ms;		/* of the status call */
	int requests;
};
void reading_fini(struct reading *r);

struct probe_ask {
	struct providers *providers;
	const struct credentials *keys;
	struct strikes *strikes;	/* of the account; fed */
	int *video_hits;		/* 5xx and timeouts of its rooms in a row; fed */
	struct loop *loop;
	const struct failover_settings *set;
};

/* Status with every credential there is; the account and credential samples, what the
 * credentials and the parent say about each other, the parent's own state. */
void probe_scope(const struct probe_ask *a, struct reading *r);
void probe_numbers(const struct probe_ask *a, struct reading *r);
/* Calls, messages and, when something failed, alerts since a wall time. */
void probe_traffic(const struct probe_ask *a, struct reading *r, int64_t since_wall_ms,
		   int max_pages);
void probe_balance(const struct probe_ask *a, struct reading *r);
/* All numbers are gone: does asking for one of them by itself say so, too? */
enum opinion probe_one_number(const struct probe_ask *a, struct reading *r, const char *e164);
/* Our endpoint, with a request signed by this account. */
void probe_webhook(const struct probe_ask *a, struct reading *r);

/* Rooms: another product on another host. It never speaks about the account itself, so what
 * refuses us there is unknown, and only repeated errors and timeouts are bad. */
void probe_video(const struct probe_ask *a, struct reading *r);

enum strike strike_of(const struct call_info *info);
/* "HTTP 401, 20003: Authenticate" for a sentence. */
void call_why(const struct call_info *info, char *buf, size_t n);

#endif
