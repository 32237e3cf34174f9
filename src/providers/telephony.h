/*
 * Operations on a telephony account: Twilio in full, Telnyx observed (numbers,
 * balance; the rest answers CALL_REFUSED with REASON_UNSUPPORTED). Unset text is
 * "" whether the provider sent "" or null.
 */
#ifndef RD_PROVIDERS_TELEPHONY_H
#define RD_PROVIDERS_TELEPHONY_H

#include "providers/phone.h"
#include "providers/provider.h"

enum account_status { ACCOUNT_UNKNOWN, ACCOUNT_ACTIVE, ACCOUNT_SUSPENDED, ACCOUNT_CLOSED };
const char *account_status_name(enum account_status s);
struct account_info {
	enum account_status status;	/* UNKNOWN with CALL_OK: see status_hidden */
	bool trial;			/* type is not Full */
	bool status_hidden;		/* the key class hides status and type */
	char sid[40], owner_sid[40];	/* equal for a parent */
	char name[80];
};
struct balance { bool known; double amount; char currency[8]; };	/* subaccounts have none */

enum call_status {
	CALL_STATUS_UNKNOWN, CALL_STATUS_QUEUED, CALL_STATUS_RINGING, CALL_STATUS_IN_PROGRESS,
	CALL_STATUS_COMPLETED, CALL_STATUS_BUSY, CALL_STATUS_FAILED, CALL_STATUS_NO_ANSWER,
	CALL_STATUS_CANCELED
};
const char *call_status_name(enum call_status s);
struct call_record {
	char sid[36], from[20], to[20];
	enum call_status status;
	bool inbound;
	int duration_s;
	int64_t start_ms, end_ms;	/* wall; 0 = not yet */
};
enum message_status {
	MESSAGE_UNKNOWN, MESSAGE_QUEUED, MESSAGE_SENDING, MESSAGE_SENT, MESSAGE_FAILED,
	MESSAGE_DELIVERED, MESSAGE_UNDELIVERED, MESSAGE_RECEIVED, MESSAGE_CANCELED
};
const char *message_status_name(enum message_status s);
struct message_record {
	char sid[36], from[20], to[20];
	enum message_status status;
	bool inbound;
	int code;			/* error code, 0 = none */
	int64_t at_ms;			/* sent, else created */
};
struct alert_record { char sid[36], resource_sid[36]; int code; int64_t at_ms; };
struct change_record {			/* monitor event: who changed a resource */
	char sid[36], type[64], resource_sid[36];
	char actor_sid[40], actor_type[24], source[24], ip[46];
	int64_t at_ms;
};
enum campaign_state { CAMPAIGN_NONE, CAMPAIGN_PENDING, CAMPAIGN_APPROVED, CAMPAIGN_FAILED };
struct sms_number { char sid[36], e164[20], service_sid[36]; enum campaign_state campaign; };

/* Results in arrays; `more` = the page cap was reached. Freed by LIST_FINI. */
struct call_list { struct call_record *v; size_t n, cap; bool more; };
struct message_list { struct message_record *v; size_t n, cap; bool more; };
struct alert_list { struct alert_record *v; size_t n, cap; bool more; };
struct change_list { struct change_record *v; size_t n, cap; bool more; };
struct sms_number_list { struct sms_number *v; size_t n, cap; bool more; };
struct code_list { int *v; size_t n, cap; bool more; };
struct offer_list { struct offer *v; size_t n, cap; bool more; };
#define LIST_FINI(l) do { free_p(&(l)->v); (l)->n = (l)->cap = 0; } while (0)

struct number_search {
	char country[4];		/* "US" */
	char kind[16];			/* "Local" "TollFree" "Mobile" "National" */
	char area_code[8], contains[20];
	bool voice, sms;
	int limit;			/* at most 100 */
};
struct offer {
	char e164[20], locality[48], region[16], country[4];
	bool voice, sms, mms, needs_address;
};

struct number_price { bool known; double monthly; char currency[8]; };

/* twiml: what is said when it is answered; NULL: nothing, or what url answers. */
struct test_call { const char *from, *to, *url; int timeout_s; const char *twiml; };

#define OP_HEAD struct providers *p, const struct credentials *c
#define WRITE_HEAD OP_HEAD, const struct write_guard *guard

struct telephony_ops {
	const char *name;
	/* Status of c->account_sid seen with one of the credentials; CRED_PARENT asks as the
	 * parent. With a Standard key: CALL_OK and status_hidden when the key works elsewhere. */
	enum call_result (*account)(OP_HEAD, enum credential_use use, struct account_info *ret,
				    struct call_info *info);
	/* of c->account_sid, or with CRED_PARENT of the parent itself */
	enum call_result (*balance)(OP_HEAD, enum credential_use use, struct balance *ret,
				    struct call_info *info);
	/* All numbers, by the returned links. On any failure the list is left empty. */
	enum call_result (*numbers)(OP_HEAD, enum credential_use use, struct phone_list *ret,
				    struct call_info *info);
	enum call_result (*number)(OP_HEAD, const char *sid, struct phone_list *ret,
				   struct call_info *info);
	/* CALL_NOT_FOUND when no number of the account is exactly this one. */
	enum call_result (*number_by_e164)(OP_HEAD, const char *e164, struct phone_list *ret,
					   struct call_info *info);
	/* Only the fields given; ret (may be NULL) gets the number as answered. */
	enum call_result (*number_update)(WRITE_HEAD, const char *sid, const struct webhooks *set,
					  struct phone_list *ret, struct call_info *info);
	/* Newest first since a wall time; at most max_pages of 1000. */
	enum call_result (*calls)(OP_HEAD, int64_t since_ms, int max_pages, struct call_list *ret,
				  struct call_info *info);
	/* Calls in progress; a count that stops at 1000. number NULL = all, else to that number. */
	enum call_result (*calls_live)(OP_HEAD, const char *number, int *ret,
				       struct call_info *info);
	enum call_result (*messages)(OP_HEAD, int64_t since_ms, int max_pages,
				     struct message_list *ret, struct call_info *info);
	enum call_result (*alerts)(OP_HEAD, int64_t since_ms, int max_pages, struct alert_list *ret,
				   struct call_info *info);
	/* Error codes of one call. */
	enum call_result (*call_codes)(OP_HEAD, const char *call_sid, struct code_list *ret,
				       struct call_info *info);
	/* Newest first; resource_sid NULL = the account's. */
	enum call_result (*changes)(OP_HEAD, const char *resource_sid, int64_t since_ms,
				    struct change_list *ret, struct call_info *info);
	/* Every number in a messaging service, with that service's campaign. */
	enum call_result (*sms_numbers)(OP_HEAD, struct sms_number_list *ret,
					struct call_info *info);
	/* Region whose webhook record takes inbound calls: "us1". */
	enum call_result (*voice_region)(OP_HEAD, const char *e164, char ret[16],
					 struct call_info *info);
	/* Do video rooms answer? */
	enum call_result (*video)(OP_HEAD, struct call_info *info);
	enum call_result (*number_search)(OP_HEAD, const struct number_search *want,
					  struct offer_list *ret, struct call_info *info);
	/* A month of such a number; not known where the provider cannot be asked for it. */
	enum call_result (*number_price)(OP_HEAD, const char *country, const char *kind,
					 struct number_price *ret, struct call_info *info);
	/* A person's explicit acts; the engine never calls them. */
	enum call_result (*number_buy)(WRITE_HEAD, const char *e164, const char *address_sid,
				       const char *bundle_sid, struct phone_list *ret,
				       struct call_info *info);
	/* With the parent's credential, inside one family only. */
	enum call_result (*number_transfer)(WRITE_HEAD, const char *sid, const char *to_account_sid,
					    struct call_info *info);
	enum call_result (*test_call)(WRITE_HEAD, const struct test_call *call, char ret_sid[36],
				      struct call_info *info);
	enum call_result (*call_status)(OP_HEAD, const char *sid, struct call_record *ret,
					struct call_info *info);
	/* One message, as a notification channel sends it. */
	enum call_result (*message_send)(WRITE_HEAD, const char *from, const char *to,
					 const char *text, char ret_sid[36],
					 struct call_info *info);
};
extern const struct telephony_ops twilio_ops;
extern const struct telephony_ops telnyx_ops;

#endif
