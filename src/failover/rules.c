/*
 * The rule table and its matcher; see rules.h.
 *
 * Ids step by ten inside a hundred for each from-state, so that a row can go between two.
 * What the executor and people order is listed as edges: to be printed and checked with the
 * rest, and asked by commands.c; rules_match() knows only the rules.
 *
 * Invariant: no row but those of confirmed findings or a full, failed window leads to
 * approved without a person.
 */
#include "failover/rules.h"

#include <stdlib.h>

#include "core/mem.h"

static const struct rule table[] = {
	/* no event is open */
	{ 100, RULE_IDLE, { RF_OBSERVING }, RULE_IDLE, RA_STAY,
	  "the engine watches for a while after a gap or a clock step" },
	{ 110, RULE_IDLE, { RF_BLOCKED }, RULE_IDLE, RA_ALERT,
	  "nothing follows by itself from what everybody or nobody sees" },
	{ 120, RULE_IDLE, { RF_SUPPRESSED }, RULE_IDLE, RA_STAY,
	  "a person decided on this finding already" },
	{ 130, RULE_IDLE, { RF_UNCONFIRMED, RF_CONFIRMING }, RULE_IDLE, RA_CONFIRM,
	  "critical, and a second opinion may still come" },
	{ 140, RULE_IDLE, { RF_CRITICAL, RF_OPEN }, EV_APPROVED, RA_APPROVE,
	  "critical, confirmed, all gates open" },
	{ 150, RULE_IDLE, { RF_CRITICAL, -RF_OPEN }, EV_HELD, RA_OPEN,
	  "critical and confirmed, but a gate is shut" },
	{ 160, RULE_IDLE, { RF_DEGRADED, RF_OPEN }, EV_PENDING, RA_OPEN,
	  "degraded: the approval window opens" },
	{ 170, RULE_IDLE, { RF_DEGRADED, -RF_OPEN }, EV_HELD, RA_OPEN,
	  "degraded, but a gate is shut" },
	{ 180, RULE_IDLE, { RF_UNCONFIRMED, RF_OPEN }, EV_PENDING, RA_OPEN,
	  "critical, unconfirmed: a window at whose end a person must decide" },
	{ 185, RULE_IDLE, { RF_UNCONFIRMED, -RF_OPEN }, EV_HELD, RA_OPEN,
	  "critical, unconfirmed, and a gate is shut" },
	{ 190, RULE_IDLE, { RF_MINOR }, RULE_IDLE, RA_ALERT, "too little for a failover" },

	/* cancelled not long ago, the same cause again */
	{ 200, EV_CANCELLED, { RF_OBSERVING }, EV_CANCELLED, RA_STAY,
	  "the engine watches for a while after a gap or a clock step" },
	{ 210, EV_CANCELLED, { RF_BLOCKED }, EV_CANCELLED, RA_ALERT,
	  "nothing follows by itself from what everybody or nobody sees" },
	{ 220, EV_CANCELLED, { -RF_MINOR }, EV_PENDING, RA_REOPEN,
	  "the same cause is back: the window goes on with its time kept" },

	/* the approval window */
	{ 300, EV_PENDING, { RF_OBSERVING }, EV_PENDING, RA_STAY,
	  "the engine watches for a while after a gap or a clock step" },
	{ 310, EV_PENDING, { RF_PASSED }, EV_CANCELLED, RA_CANCEL, "the tests pass again" },
	{ 320, EV_PENDING, { RF_PAUSED }, EV_HELD, RA_HOLD, "automation was paused" },
	{ 330, EV_PENDING, { RF_CRITICAL, RF_OPEN, -RF_BLOCKED }, EV_APPROVED, RA_APPROVE,
	  "critical and confirmed while the window was open" },
	{ 340, EV_PENDING, { RF_CRITICAL, -RF_OPEN, -RF_BLOCKED }, EV_HELD, RA_HOLD,
	  "critical and confirmed, but a gate is shut" },
	{ 350, EV_PENDING, { RF_WORSE, -RF_BLOCKED }, EV_PENDING, RA_UPGRADE,
	  "it became worse: severity and cause are those of now" },
	{ 355, EV_PENDING, { RF_UNJUDGED, -RF_OPEN }, EV_HELD, RA_HOLD,
	  "nothing can be judged any more, so the window cannot end by itself" },
	{ 360, EV_PENDING, { RF_FLAP_UNPAGED }, EV_PENDING, RA_PAGE_FLAPPING,
	  "it comes and goes: paged once" },
	{ 370, EV_PENDING, { RF_DEADLINE, RF_UNTOLD }, EV_PENDING, RA_EXTEND_UNTOLD,
	  "nobody could be told: extended once" },
	{ 380, EV_PENDING, { RF_DEADLINE, RF_LAST_DONE, RF_LAST_FAILED, RF_OPEN, RF_DEGRADED },
	  EV_APPROVED, RA_APPROVE, "failing for the whole window, and nobody decided" },
	{ 390, EV_PENDING, { RF_DEADLINE, RF_LAST_DONE }, EV_HELD, RA_HOLD,
	  "at the deadline a person is needed" },
	{ 395, EV_PENDING, { RF_DEADLINE, RF_LAST_LATE }, EV_HELD, RA_HOLD,
	  "the last test did not finish in time" },
	{ 398, EV_PENDING, { RF_DEADLINE }, EV_PENDING, RA_LAST_TEST,
	  "at the deadline: the last test" },

	/* held */
	{ 400, EV_HELD, { RF_OBSERVING }, EV_HELD, RA_STAY,
	  "the engine watches for a while after a gap or a clock step" },
	{ 410, EV_HELD, { RF_PASSED }, EV_CANCELLED, RA_CANCEL, "the tests pass again" },
	{ 420, EV_HELD, { RF_WORSE, -RF_BLOCKED }, EV_HELD, RA_UPGRADE,
	  "it became worse: severity and cause are those of now" },
	{ 430, EV_HELD, { RF_CRITICAL, RF_OPEN, RF_ANNOUNCED, RF_ANNOUNCE_OVER, RF_RETESTED },
	  EV_APPROVED, RA_APPROVE, "the gates opened, confirmed again, announced ahead" },
	{ 440, EV_HELD, { RF_CRITICAL, RF_OPEN, -RF_ANNOUNCED }, EV_HELD, RA_ANNOUNCE,
	  "the gates opened: announced ahead" },
	{ 450, EV_HELD, { RF_DEGRADED, RF_OPEN, -RF_BLOCKED }, EV_PENDING, RA_WINDOW,
	  "the gates opened: a full window" },
	{ 460, EV_HELD, { RF_REALERT }, EV_HELD, RA_REALERT, "still held: told again" },

	/* done */
	{ 800, EV_COMPLETED, { RF_NEWER_DONE }, EV_SUPERSEDED, RA_SUPERSEDE,
	  "a newer event of the lineage is completed" },
};
_Static_assert(COUNT_OF(table) <= 40, "the rule table must stay readable");

static const struct rule_edge edges[] = {
	{ RULE_IDLE, EV_APPROVED, BY_PERSON, "failover start" },
	{ EV_HELD, EV_APPROVED, BY_PERSON, "approve, or start (with overrides)" },
	{ EV_HELD, EV_REJECTED, BY_PERSON, "reject" },
	{ EV_HELD, EV_CANCELLED, BY_PERSON, "cancel" },
	{ EV_PENDING, EV_APPROVED, BY_PERSON, "approve, or start" },
	{ EV_PENDING, EV_REJECTED, BY_PERSON, "reject" },
	{ EV_PENDING, EV_CANCELLED, BY_PERSON, "cancel" },
	{ EV_APPROVED, EV_CANCELLED, BY_PERSON, "cancel" },
	{ EV_APPROVED, EV_EXECUTING, BY_EXECUTOR, "the steps begin" },
	{ EV_EXECUTING, EV_COMPLETED, BY_EXECUTOR, "everything is observed as desired" },
	{ EV_EXECUTING, EV_FAILED, BY_EXECUTOR, "it cannot go on by itself" },
	{ EV_EXECUTING, EV_CANCELLED, BY_EXECUTOR, "cancelled before step 3" },
	{ EV_EXECUTING, EV_ROLLING_BACK, BY_EXECUTOR, "cancelled from step 3 on" },
	{ EV_FAILED, EV_EXECUTING, BY_PERSON, "resume" },
	{ EV_FAILED, EV_ROLLING_BACK, BY_PERSON, "rollback" },
	{ EV_FAILED, EV_ACCEPTED, BY_PERSON, "accept" },
	{ EV_COMPLETED, EV_ROLLING_BACK, BY_PERSON, "rollback" },
	{ EV_ROLLING_BACK, EV_ROLLED_BACK, BY_EXECUTOR, "restored, or listed" },
	{ EV_ROLLING_BACK, EV_FAILED, BY_EXECUTOR, "it cannot go on by itself" },
};

const struct rule_edge *rules_edges(size_t *ret_n)
{
	*ret_n = COUNT_OF(edges);
	return edges;
}

const struct rule *rules_table(size_t *ret_n)
{
	*ret_n = COUNT_OF(table);
	return table;
}

static bool fits(const struct rule *r, const struct rule_ctx *c)
{
	if (r->from != c->state)
		return false;
	for (int i = 0; i < RULE_CONDITIONS && r->when[i]; i++)
		if (!!(c->facts & RULE_BIT(abs(r->when[i]))) != (r->when[i] > 0))
			return false;
	return true;
}

const struct rule *rules_match(const struct rule_ctx *c)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (fits(&table[i], c))
			return &table[i];
	return NULL;
}

/* ---- printing -------------------------------------------------------------------- */

#define FACT_TEXT(id, text) [id] = text,
static const char *const fact_texts[] = { RULE_FACTS(FACT_TEXT) };
static const char *const action_names[] = {
	[RA_STAY] = "stay", [RA_ALERT] = "alert", [RA_CONFIRM] = "confirm", [RA_OPEN] = "open",
	[RA_APPROVE] = "approve", [RA_WINDOW] = "window", [RA_HOLD] = "hold",
	[RA_CANCEL] = "cancel", [RA_REOPEN] = "reopen", [RA_UPGRADE] = "upgrade",
	[RA_EXTEND_UNTOLD] = "extend", [RA_LAST_TEST] = "last test",
	[RA_ANNOUNCE] = "announce", [RA_REALERT] = "remind", [RA_PAGE_FLAPPING] = "page",
	[RA_SUPERSEDE] = "supersede",
};

static const char *const by_names[] = { [BY_EXECUTOR] = "executor", [BY_PERSON] = "person" };

const char *rule_fact_text(enum rule_fact f)
{
	return f > RF_NONE && f < RF_MAX ? fact_texts[f] : "?";
}

const char *rule_action_name(enum rule_action a)
{
	return a < COUNT_OF(action_names) ? action_names[a] : "?";
}

const char *rule_state_name(int state)
{
	return state == RULE_IDLE ? "idle" : event_status_name(state);
}

static void add_conditions(struct str *out, const struct rule *r, const char *between)
{
	for (int i = 0; i < RULE_CONDITIONS && r->when[i]; i++)
		str_addf(out, "%s%s%s", i ? between : "", r->when[i] < 0 ? "not: " : "",
			 rule_fact_text((enum rule_fact)abs(r->when[i])));
}

static void print_text(struct str *out)
{
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const struct rule *r = &table[i];

		str_addf(out, "%3d  %-12s -> %-12s %-10s %s\n", r->id, rule_state_name(r->from),
			 rule_state_name(r->to), rule_action_name(r->action), r->why);
		str_add(out, "       when ");
		add_conditions(out, r, "; ");
		str_addc(out, '\n');
	}
	str_add(out, "\nordered by people, or done by the executor:\n");
	for (size_t i = 0; i < COUNT_OF(edges); i++)
		str_addf(out, "     %-12s -> %-12s %-10s %s\n", rule_state_name(edges[i].from),
			 rule_state_name(edges[i].to), by_names[edges[i].by], edges[i].why);
}

static void print_mermaid(struct str *out)
{
	str_add(out, "stateDiagram-v2\n\t[*] --> idle\n");
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const struct rule *r = &table[i];

		if (r->from != r->to)
			str_addf(out, "\t%s --> %s: %d %s\n", rule_state_name(r->from),
				 rule_state_name(r->to), r->id, rule_action_name(r->action));
	}
	for (size_t i = 0; i < COUNT_OF(edges); i++)
		str_addf(out, "\t%s --> %s: %s, %s\n", rule_state_name(edges[i].from),
			 rule_state_name(edges[i].to), by_names[edges[i].by], edges[i].why);
	for (int s = 0; s < EV_STATUS_MAX; s++)
		if (event_status_final((enum event_status)s))
			str_addf(out, "\t%s --> [*]\n", rule_state_name(s));
}

static void print_json(struct str *out)
{
	struct jw w = JW(out);

	jw_obj(&w, NULL);
	jw_arr(&w, "rules");
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const struct rule *r = &table[i];

		jw_obj(&w, NULL);
		jw_i64(&w, "id", r->id);
		jw_str(&w, "from", rule_state_name(r->from));
		jw_arr(&w, "when");
		for (int k = 0; k < RULE_CONDITIONS && r->when[k]; k++) {
			struct str one = STR_INIT(200);

			str_addf(&one, "%s%s", r->when[k] < 0 ? "not: " : "",
				 rule_fact_text((enum rule_fact)abs(r->when[k])));
			jw_str(&w, NULL, str_get(&one));
			str_fini(&one);
		}
		jw_arr_end(&w);
		jw_str(&w, "to", rule_state_name(r->to));
		jw_str(&w, "action", rule_action_name(r->action));
		jw_str(&w, "why", r->why);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	str_addc(out, '\n');
}

static void print_csv(struct str *out)
{
	str_add(out, "id,from,when,to,action,why\n");
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const struct rule *r = &table[i];

		str_addf(out, "%d,%s,\"", r->id, rule_state_name(r->from));
		add_conditions(out, r, "; ");
		str_addf(out, "\",%s,%s,\"%s\"\n", rule_state_name(r->to),
			 rule_action_name(r->action), r->why);
	}
}

void rules_print(struct str *out, enum rules_format format)
{
	if (format == RULES_MERMAID)
		print_mermaid(out);
	else if (format == RULES_JSON)
		print_json(out);
	else if (format == RULES_CSV)
		print_csv(out);
	else
		print_text(out);
}
