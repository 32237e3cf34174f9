/*
 * The fifteen gates (failover.md §4), computed for every lineage all the time. Pure: facts
 * in, one sentence each out. An empty or missing fact shuts its gate.
 */
#ifndef RD_FAILOVER_GATES_H
#define RD_FAILOVER_GATES_H

#include "failover/failover.h"
#include "failover/severity.h"
#include "model/event.h"

struct gate_facts {
	/* lease */
	bool lease_held;
	int64_t lease_valid_ms;
	const char *lease_why;			/* when it may not write */
	/* database */
	bool database_ok, database_durable;
	const char *database_why;
	/* attempt: another one that shares source, target or numbers */
	const char *other_event, *other_shares;	/* "EV-7", "the target"; NULL = none */
	/* environment */
	bool environment_ok, shadow;
	const char *environment_why;
	/* paused */
	bool paused, maintenance;
	const char *paused_by, *paused_reason;
	int64_t paused_until_ms;		/* wall; 0 = open end */
	/* hour */
	int64_t attempts_all, attempts_lineage;	/* with an outside write within the time */
	int64_t attempts_free_ms;		/* wall; when the oldest that counts ages out */
	/* evidence */
	int64_t evidence_age_ms;		/* -1 = none */
	int64_t evidence_at_ms;			/* wall; 0 = not told */
	int evidence_kinds, evidence_sweeps;	/* kinds that are bad; sweeps that agree */
	/* isolation and followers, from severity_blocked() */
	enum blocker blocker;
	const char *blocker_why;
	bool anything_answers;
	/* the target; id NULL = none fits, then why says so */
	const char *target, *target_name, *target_none_why;
	const char *target_trouble;		/* facts_trouble(); NULL = its own probes are ok */
	bool target_not_ready;			/* canaries failed there; not verified since */
	const char *target_not_ready_why;
	const char *parent_trouble;		/* its parent fails; NULL = no parent or fine */
	const char *shared_trouble;		/* region or platform is down as well */
	bool type_full, type_known, credential_fit;
	const char *credential_why;
	bool balance_known;
	double balance;
	/* numbers */
	int64_t numbers_needed, numbers_free;
	bool partial;				/* chosen by a person */
	/* routing of the numbers that would be used */
	int64_t routed_elsewhere;		/* with a trunk, an application or a wrong region */
	const char *routed_example;
	/* agents */
	bool any_import;
	bool eleven_answers, eleven_may_write, eleven_rights_known;
	const char *eleven_why;
	/* webhook */
	bool webhook_asked, webhook_ok;
	const char *webhook_why;
	/* a manual start does not ask for evidence */
	bool manual;
};

/* All GATE_MAX of them, in order; why is heap text: gates_free(out, GATE_MAX) after the array
 * was allocated, or gates_clear() for an array on the stack. */
void gates_compute(const struct gate_facts *f, const struct failover_settings *set,
		   int64_t now_wall_ms, struct gate_result out[GATE_MAX]);
void gates_clear(struct gate_result out[GATE_MAX]);
/* Those that depend on the target all pass; no sentence is made. */
bool gates_target_open(const struct gate_facts *f, const struct failover_settings *set,
		       int64_t now_wall_ms);

/* First shut gate that is not in overrides (bit = enum gate); -1 = all open. */
int gates_first_shut(const struct gate_result g[GATE_MAX], unsigned overrides);
/* Gates that count for a rollback (seen from the destination). */
bool gate_of_rollback(enum gate g);
/* Names to bits. ERR_INVALID: unknown name, or one that cannot be overridden (says how it opens
 * instead). */
int gates_parse(const char *const *names, size_t n, bool rollback, unsigned *ret_bits,
		struct err *err);
/* JSON array of the names in bits; caller frees. */
char *gates_names_json(unsigned bits);

#endif
