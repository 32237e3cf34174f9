/* What the scenario scripts share; only they include it. */
#ifndef RD_CLI_DEMO_SCRIPT_H
#define RD_CLI_DEMO_SCRIPT_H

#include <signal.h>
#include <string.h>

#include "cli/demo/demo.h"
#include "core/mem.h"

/* Real time allowed for something that takes so many seconds of the story. */
static inline int64_t slack(const struct demo *d, double story_seconds)
{
	return demo_story_ms(d, story_seconds) + 90000;
}

/* Waits until all accounts are healthy and the pool is known, remembers the digest, then
 * lets the outage begin. */
bool script_begin(struct demo *d);
bool script_begin_only_settle(struct demo *d);
bool script_outage(struct demo *d);
/* Completed without any window. */
void script_at_once(struct demo *d);
bool script_window_opens(struct demo *d);
/* An order that must be taken (2xx). */
bool script_order(struct demo *d, const char *verb, const char *extra);
bool script_order_on(struct demo *d, const char *verb, const char *event, const char *extra);
bool script_healthy(struct demo *d, const char *account, int64_t ms);
bool script_rolls_back(struct demo *d);
/* An alert is seen and no event opens for so long (story seconds). */
bool script_alert_only(struct demo *d, double seconds);
bool script_no_event_for(struct demo *d, double seconds);
bool script_gate_shut(struct demo *d, enum gate gate);
int script_leader(struct demo *d);		/* index of the leading engine, -1 = unknown */
bool script_leader_is_not(struct demo *d, int i, int64_t ms);

struct scenario_list { const struct scenario *rows; size_t n; };
extern const struct scenario_list window_scenarios, acting_scenarios, quiet_scenarios,
	fault_scenarios;

#endif
