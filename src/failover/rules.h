/*
 * The rule table: from state and facts to the next state. The first row that fits is the
 * decision; its id is stored with the event. Pure, and readable with `ringdown rules`.
 *
 * To add a rule: one row in rules.c, ids ascending; a new fact: one line in RULE_FACTS and
 * its bit in context.c.
 */
#ifndef RD_FAILOVER_RULES_H
#define RD_FAILOVER_RULES_H

#include "core/json.h"
#include "core/str.h"
#include "model/enums.h"

/* From-state of a lineage without an open event (and none that could reopen). */
enum { RULE_IDLE = EV_STATUS_MAX };
const char *rule_state_name(int state);		/* event status, or "idle" */

/* One line a fact: id, how it reads when true. */
#define RULE_FACTS(X)                                                                              \
	X(RF_OBSERVING, "observing after a gap or a clock step")                                   \
	X(RF_BLOCKED, "all accounts alike, too much unknown, or a follower disagrees")             \
	X(RF_SUPPRESSED, "a person decided on this before")                                        \
	X(RF_CONFIRMING, "a second opinion is still awaited")                                      \
	X(RF_CRITICAL, "critical and confirmed")                                                   \
	X(RF_DEGRADED, "degraded")                                                                 \
	X(RF_UNCONFIRMED, "critical, unconfirmed")                                                 \
	X(RF_MINOR, "minor")                                                                       \
	X(RF_WORSE, "worse than the event says")                                                   \
	X(RF_OPEN, "all gates open")                                                               \
	X(RF_PAUSED, "automation paused")                                                          \
	X(RF_DEADLINE, "failing for the whole window")                                             \
	X(RF_UNTOLD, "nobody could be told, and not extended for it yet")                          \
	X(RF_LAST_DONE, "the last test is finished")                                               \
	X(RF_LAST_FAILED, "the last test failed in time")                                          \
	X(RF_LAST_LATE, "the last test was not finished in time")                                  \
	X(RF_UNJUDGED, "its tests go on, but none can be judged any more")                         \
	X(RF_PASSED, "enough tests passed in a row")                                               \
	X(RF_ANNOUNCED, "announced")                                                               \
	X(RF_ANNOUNCE_OVER, "announced long enough ahead")                                         \
	X(RF_RETESTED, "failed again in a test after the announcement")                            \
	X(RF_REALERT, "a reminder is due")                                                         \
	X(RF_FLAP_UNPAGED, "flapping, and nobody was paged for it")                                \
	X(RF_NEWER_DONE, "a newer event of the lineage is completed")
#define RULE_FACT_ID(id, text) id,
enum rule_fact { RF_NONE, RULE_FACTS(RULE_FACT_ID) RF_MAX };
const char *rule_fact_text(enum rule_fact f);

enum rule_action {
	RA_STAY,		/* nothing but the reason */
	RA_ALERT,		/* tell, open nothing */
	RA_CONFIRM,		/* ask again at once */
	RA_OPEN,		/* open an event in the to-state */
	RA_APPROVE,		/* store the plan, reserve numbers, approved */
	RA_WINDOW,		/* start a full window */
	RA_HOLD,		/* held, naming the gate */
	RA_CANCEL,
	RA_REOPEN,
	RA_UPGRADE,		/* severity and cause change in place */
	RA_EXTEND_UNTOLD,	/* once, because nobody was told */
	RA_LAST_TEST,		/* start the last test */
	RA_ANNOUNCE,
	RA_REALERT,
	RA_PAGE_FLAPPING,
	RA_SUPERSEDE,
};

enum { RULE_CONDITIONS = 8 };
struct rule {
	int id;
	int from;		/* enum event_status or RULE_IDLE */
	int8_t when[RULE_CONDITIONS];	/* enum rule_fact: must hold; -fact: must not; 0 ends */
	int to;
	enum rule_action action;
	const char *why;
};

struct rule_ctx {
	int state;		/* enum event_status or RULE_IDLE */
	uint64_t facts;		/* bit = enum rule_fact */
};
#define RULE_BIT(f) (UINT64_C(1) << (f))
static inline void rule_fact_set(struct rule_ctx *c, enum rule_fact f, bool on)
{
	c->facts = on ? c->facts | RULE_BIT(f) : c->facts & ~RULE_BIT(f);
}

/* What people order and what the executor does, beside the rules. */
enum rule_by { BY_EXECUTOR, BY_PERSON };
struct rule_edge { int from, to; enum rule_by by; const char *why; };
const struct rule_edge *rules_edges(size_t *ret_n);

/* First row that fits; NULL = nothing to do. */
const struct rule *rules_match(const struct rule_ctx *c);
const struct rule *rules_table(size_t *ret_n);
const char *rule_action_name(enum rule_action a);

/* `ringdown rules`: text, Mermaid, or JSON. */
enum rules_format { RULES_TEXT, RULES_MERMAID, RULES_JSON, RULES_CSV };
void rules_print(struct str *out, enum rules_format format);

#endif
