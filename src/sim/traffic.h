/*
 * Synthetic traffic, computed when it is asked for: every answered number gets a
 * call each call_every_ms and sends or receives a message each message_every_ms
 * of simulated time, at a moment of its own. Outcomes follow the health of the
 * number and of its account at that moment.
 *
 * How traffic is read: Calls.json?StartTime>=...&PageSize=... gives status (failed,
 * completed) by To number, newest first; Monitor Alerts give error_code by
 * resource_sid = call SID, and so do Calls/{CA}/Notifications.json.
 * Messages.json?DateSent>=... carry error_code themselves.
 */
#ifndef RD_SIM_TRAFFIC_H
#define RD_SIM_TRAFFIC_H

#include "sim/request.h"

enum sim_traffic { SIM_CALLS, SIM_MESSAGES };
struct sim_call {				/* a call or a message */
	char sid[SIM_SID], other[18];		/* the other party */
	struct sim_number *number;		/* ours; NULL for stored ones of gone numbers */
	const struct sim_record *record;	/* stored, not synthetic */
	const char *status;			/* as Twilio says it */
	bool outbound;
	int code;				/* 0 = none */
	int64_t start_ms, end_ms;		/* wall; end 0 = still going */
	int duration_s;
};
struct sim_call_it {
	struct sim *sim;
	struct sim_account *account;
	enum sim_traffic kind;
	int64_t from_ms, to_ms, now_ms, every_ms;
	int64_t j, j_end;			/* next position in the cycle, going down */
	size_t stored;				/* next stored record + 1, going down */
	struct sim_call ahead;			/* synthetic one looked at but not given */
	bool has_ahead;
};
/* Newest first, within [from_ms, to_ms]. */
void sim_calls_from(struct sim_call_it *it, struct sim *s, struct sim_account *a,
		    enum sim_traffic kind, int64_t from_ms, int64_t to_ms);
bool sim_calls_next(struct sim_call_it *it, struct sim_call *ret);
/* By SID; false when there is no such call or message in the account. */
bool sim_call_by_sid(struct sim *s, struct sim_account *a, const char *sid, struct sim_call *ret);
/* Is there any failing health that could make alerts since from_ms? */
bool sim_any_failing(const struct sim_account *a, int64_t from_ms);

#endif
