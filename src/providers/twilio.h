/*
 * Inside providers only: what the parts of the Twilio client share. twilio.c has
 * addresses, requests, paging, the account and the table; the others one subject
 * each.
 */
#ifndef RD_PROVIDERS_TWILIO_H
#define RD_PROVIDERS_TWILIO_H

#include "providers/request.h"
#include "providers/row.h"
#include "providers/telephony.h"

#define TWILIO_PRICING "https://pricing.twilio.com"

enum twilio_host { TW_API, TW_MONITOR, TW_MESSAGING, TW_VIDEO, TW_ROUTES, TW_PRICING };
/* Base of a host for this account: "https://api.dublin.ie1.twilio.com", or as configured. */
void twilio_base(struct str *out, const struct providers *p, const struct credentials *c,
		 enum twilio_host host);

/* One GET. path starts with "/". */
enum call_result twilio_get(OP_HEAD, enum credential_use use, enum twilio_host host,
			    const char *path, struct json **ret, struct call_info *info);
/* One form POST. ret may be NULL. */
enum call_result twilio_post(WRITE_HEAD, enum credential_use use, enum twilio_host host,
			     const char *path, const char *form, struct json **ret,
			     struct call_info *info);
/* "/2010-04-01/Accounts/{sid}" + rest, of c's account. */
void twilio_path(struct str *out, const char *account_sid, const char *rest);

/* All pages: list names the array; each element goes to fn, which returns 0, a positive
 * value to stop in good order, or negative when the element is not what it should be. */
struct twilio_walk {
	enum credential_use use;
	enum twilio_host host;
	const char *path;
	const char *list;
	int max_pages;			/* 0 = no limit but the safety one */
	int (*fn)(void *ctx, struct row *item);
	void *ctx;
	bool more;			/* out: stopped by max_pages */
};
enum call_result twilio_walk(OP_HEAD, struct twilio_walk *w, struct call_info *info);

/* One number body into the list; 0, or negative when it is none. */
int twilio_read_phone(struct phone_list *l, struct row *v);
/* The same from a tree. */
int twilio_phone_of(struct phone_list *l, const struct json *v);

/* twilio_numbers.c */
enum call_result twilio_numbers(OP_HEAD, enum credential_use use, struct phone_list *ret,
				struct call_info *info);
enum call_result twilio_number(OP_HEAD, const char *sid, struct phone_list *ret,
			       struct call_info *info);
enum call_result twilio_number_by_e164(OP_HEAD, const char *e164, struct phone_list *ret,
				       struct call_info *info);
enum call_result twilio_number_update(WRITE_HEAD, const char *sid, const struct webhooks *set,
				      struct phone_list *ret, struct call_info *info);
enum call_result twilio_voice_region(OP_HEAD, const char *e164, char ret[16],
				     struct call_info *info);
/* twilio_market.c */
enum call_result twilio_number_search(OP_HEAD, const struct number_search *want,
				      struct offer_list *ret, struct call_info *info);
enum call_result twilio_number_price(OP_HEAD, const char *country, const char *kind,
				     struct number_price *ret, struct call_info *info);
enum call_result twilio_number_buy(WRITE_HEAD, const char *e164, const char *address_sid,
				   const char *bundle_sid, struct phone_list *ret,
				   struct call_info *info);
enum call_result twilio_number_transfer(WRITE_HEAD, const char *sid, const char *to_account_sid,
					struct call_info *info);
/* twilio_traffic.c */
enum call_result twilio_calls(OP_HEAD, int64_t since_ms, int max_pages, struct call_list *ret,
			      struct call_info *info);
enum call_result twilio_calls_live(OP_HEAD, const char *number, int *ret, struct call_info *info);
enum call_result twilio_messages(OP_HEAD, int64_t since_ms, int max_pages,
				 struct message_list *ret, struct call_info *info);
enum call_result twilio_call_codes(OP_HEAD, const char *call_sid, struct code_list *ret,
				   struct call_info *info);
enum call_result twilio_call_status(OP_HEAD, const char *sid, struct call_record *ret,
				    struct call_info *info);
enum call_result twilio_test_call(WRITE_HEAD, const struct test_call *call, char ret_sid[36],
				  struct call_info *info);
enum call_result twilio_message_send(WRITE_HEAD, const char *from, const char *to,
				     const char *text, char ret_sid[36], struct call_info *info);
/* twilio_monitor.c */
enum call_result twilio_alerts(OP_HEAD, int64_t since_ms, int max_pages, struct alert_list *ret,
			       struct call_info *info);
enum call_result twilio_changes(OP_HEAD, const char *resource_sid, int64_t since_ms,
				struct change_list *ret, struct call_info *info);
enum call_result twilio_video(OP_HEAD, struct call_info *info);
enum call_result twilio_sms_numbers(OP_HEAD, struct sms_number_list *ret, struct call_info *info);

#endif
