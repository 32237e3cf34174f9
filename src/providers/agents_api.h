/*
 * ElevenLabs: agents, their phone numbers, and the workspace's quota. The key is
 * the installation's (settings). A number is unassigned, never deleted.
 */
#ifndef RD_PROVIDERS_AGENTS_API_H
#define RD_PROVIDERS_AGENTS_API_H

#include "providers/provider.h"

struct remote_agent { char id[48]; char name[64]; bool archived; };

struct remote_number {
	char id[48];			/* phone_number_id: changes with every import */
	char e164[20];
	char agent_id[48];		/* "" = none assigned */
	char provider[16];		/* "twilio" "sip_trunk" */
};
struct remote_number_list { struct remote_number *v; size_t n, cap; };

struct subscription {
	char status[24], tier[24];
	int64_t used, limit;		/* characters */
	bool open_invoices;
};
/* What the key was allowed to do when asked. */
struct key_rights { bool read, write; bool known; };

struct agents_ops {
	/* All agents that are not archived, page by page, each to fn: a list of a hundred thousand
	 * is kept by nobody. After anything but CALL_OK they were not all. */
	enum call_result (*agents)(struct providers *p,
				   void (*fn)(void *ctx, const struct remote_agent *a), void *ctx,
				   struct call_info *info);
	enum call_result (*agent)(struct providers *p, const char *id, struct remote_agent *ret,
				  struct call_info *info);
	enum call_result (*numbers)(struct providers *p, struct remote_number_list *ret,
				    struct call_info *info);
	/* All entries with that number (after a lost reply there may be two); CALL_NOT_FOUND
	 * when there is none. */
	enum call_result (*number_by_e164)(struct providers *p, const char *e164,
					   struct remote_number_list *ret, struct call_info *info);
	/* One number by its id, for the read-back. */
	enum call_result (*number)(struct providers *p, const char *id, struct remote_number *ret,
				   struct call_info *info);
	/* Import with this account's credentials and assign in one call, SMS routing left alone
	 * (enable_sms false). agent_id NULL = import only. It rewrites the number's VoiceUrl. */
	enum call_result (*import)(struct providers *p, const struct credentials *c,
				   const struct write_guard *guard, const char *e164,
				   const char *label, const char *agent_id, char ret_id[48],
				   struct call_info *info);
	/* agent_id NULL or "" unassigns. */
	enum call_result (*assign)(struct providers *p, const struct write_guard *guard,
				   const char *number_id, const char *agent_id,
				   struct call_info *info);
	enum call_result (*subscription)(struct providers *p, struct subscription *ret,
					 struct call_info *info);
	/* Finds out without changing anything: a PATCH without members on a number id that
	 * cannot exist is 404 or 422 with the right and 401/403 without. */
	enum call_result (*key_rights)(struct providers *p, struct key_rights *ret,
				       struct call_info *info);
};
extern const struct agents_ops elevenlabs_ops;

#endif
