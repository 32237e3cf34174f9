/*
 * All agents in memory, small: fixed records and one pool of text, found by number. Read from
 * the database page by page once; then only what somebody wrote since. Judgements are carried
 * over by agent id.
 */
#ifndef RD_FAILOVER_ROSTER_H
#define RD_FAILOVER_ROSTER_H

#include "failover/evidence.h"
#include "model/enums.h"

struct store;
struct remote_agent;

struct roster_agent {			/* 64 bytes: there may be a hundred thousand */
	int64_t since_ms;		/* wall: outcome since */
	uint32_t id, name, number, eleven, org;	/* offsets into roster.text; 0 = "" */
	uint32_t hooks;			/* hash of the webhooks last stored; 0 = none */
	uint32_t code;			/* newest account-class code of its traffic */
	uint16_t account, home;		/* index into roster.accounts */
	struct traffic traffic;
	uint16_t sms_bad, sms_ok;	/* messages by their own codes: for the alert, no verdict */
	uint8_t integration;		/* enum integration */
	int8_t present;			/* at ElevenLabs: 1, 0, -1 not known */
	uint8_t seen;			/* enum seen_state, of the last sweep */
	uint8_t outcome, reason;	/* the finding, after fall and rise */
	uint8_t raw_outcome, raw_reason;	/* of the last sweep alone */
	uint8_t run, run_n;
	uint8_t stored;			/* outcome in the database */
	bool inherited : 1, raw_inherited : 1, changed : 1, presence_changed : 1;
	bool ext : 1, gone : 1;		/* has a row of ours in the database; about to be removed */
};
struct roster {
	struct roster_agent *v;
	size_t n, cap;
	char *text;
	size_t text_len, text_cap;
	char **accounts;
	size_t n_accounts, cap_accounts;
	int64_t mark;			/* of the database when it was read; 0 = not yet */
	char seen_accounts[40];		/* which there were */
	size_t ext, wasted;		/* agents with a row of ours; text that nobody points to */
	int age;			/* loads since the last whole one */
	uint64_t version;		/* grows with every change of who is watched where */
	uint32_t *by_number;		/* open addressing: index + 1 */
	size_t mask;
};
void roster_fini(struct roster *r);
static inline const char *roster_text(const struct roster *r, uint32_t offset)
{
	return r->text ? r->text + offset : "";
}
/* Index of an account, added when new. */
int roster_account(struct roster *r, const char *id);
/* Brings *r in line with the database: what was written since the last time, or the whole where
 * that does not add up, and now and then in any case. Watched agents only count; see
 * roster_watched(). In a task; yields. On failure *r stays right, if perhaps old. */
int roster_load(struct roster *r, struct store *s, struct err *err);
/* NULL = nobody's. */
struct roster_agent *roster_by_number(const struct roster *r, const char *e164);
static inline bool roster_watched(const struct roster_agent *a)
{
	return a->present != 0;
}
/* Hashes of the ids that ElevenLabs lists: a tenth of what the list itself would take. */
struct presence { uint64_t *v; size_t n, cap; };
void presence_add(void *presence, const struct remote_agent *a);
/* Sets present from them; *ret_changed agents are marked. In a task. Sorts them. */
void roster_presence(struct roster *r, struct presence *listed, size_t *ret_changed);
/* A sample of the agent's outcome: fall and rise as everywhere. counts: far enough from the one
 * before. True when the finding changed. */
bool roster_feed(struct roster_agent *a, struct agent_finding f, bool counts,
		 const struct failover_settings *set, int64_t wall_ms);
/* Lets the loop turn once every so many calls; *n is the caller's counter. */
void roster_yield(unsigned *n);

#endif
