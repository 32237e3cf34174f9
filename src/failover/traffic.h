/*
 * Which error codes speak against the account, and calls and messages counted per agent.
 * Codes: reference data of the provider, own grouping; recipient and content codes never
 * count.
 */
#ifndef RD_FAILOVER_TRAFFIC_H
#define RD_FAILOVER_TRAFFIC_H

#include "failover/roster.h"
#include "providers/telephony.h"

/* Account-class: the account is inactive, switched off or refused. */
bool traffic_code_of_account(int64_t code);

struct traffic_totals {
	int64_t bad, ok;		/* account-class failures; the rest that finished */
	int64_t main_code;		/* most frequent account-class code */
	int64_t newest_ok_ms;		/* wall; newest that went well */
	int64_t sms_filtered, sms_n;	/* messages refused by their own codes, of all finished */
	int64_t sms_code;		/* most frequent of those */
	int64_t sms_agents, sms_orgs;	/* agents with most of their messages refused; their orgs */
};
struct traffic_input {
	const struct call_list *calls;		/* NULL = not read */
	const struct message_list *messages;
	const struct alert_list *alerts;	/* codes of failed calls */
	int account;				/* index in the roster */
	int64_t since_ms;			/* wall; older ones do not count */
	/* so many messages before an agent's say anything */
	int64_t min_sms;
};
/* Clears and refills the traffic of the account's agents, newest first. In a task; yields. */
void traffic_count(struct roster *r, const struct traffic_input *in, struct traffic_totals *ret);

#endif
