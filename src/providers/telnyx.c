/*
 * Telnyx, observed only: numbers, balance, and whether the key works. It has no
 * call for an account's status, so the status stays hidden. Everything else is
 * refused as unsupported, and nothing here writes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "providers/request.h"
#include "providers/telephony.h"

static enum call_result get(OP_HEAD, enum credential_use use, const char *path, struct json **ret,
			    struct call_info *info)
{
	const char *base = p->settings->telnyx;
	size_t n = strlen(base);
	struct request rq = { .family = FAMILY_TELNYX, .method = "GET", .api_key = true,
			      .limiter = c->account_sid,
			      .bearer_prefix = "Authorization: Bearer " };
	const char *user;

	if (!credentials_pick(c, use, &user, &rq.bearer))
		return info_refuse(info, REASON_NO_CREDENTIAL, "the account has no such key");
	struct str url = STR_INIT(2048);
	bool versioned = n >= 3 && !strcmp(base + n - 3, "/v2");
	url_join(&url, base, versioned ? path + 3 : path);
	rq.url = str_get(&url);
	request_json(p, &rq, ret, info);
	str_fini(&url);
	return info->result;
}

static enum call_result balance(OP_HEAD, enum credential_use use, struct balance *ret,
				struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	char amount[32];

	info_begin(info);
	*ret = (struct balance){ 0 };
	if (get(p, c, use, "/v2/balance", &v, info) != CALL_OK)
		return info->result;
	const struct json *data = json_get(v, "data");
	text_of(data, "balance", amount, sizeof(amount));
	text_of(data, "currency", ret->currency, sizeof(ret->currency));
	ret->known = parse_double(amount, &ret->amount);
	if (!ret->known)
		return info_garbled(info, false, "not a balance", NULL, 0);
	return CALL_OK;
}

/* The key works, more cannot be seen. */
static enum call_result account(OP_HEAD, enum credential_use use, struct account_info *ret,
				struct call_info *info)
{
	struct balance b;

	*ret = (struct account_info){ 0 };
	if (balance(p, c, use, &b, info) != CALL_OK)
		return info->result;
	ret->status_hidden = true;
	snprintf(ret->sid, sizeof(ret->sid), "%s", c->account_sid);
	return CALL_OK;
}

static int read_phone(struct phone_list *l, const struct json *v)
{
	char id[40];

	text_of(v, "id", id, sizeof(id));
	if (!id[0] || str_empty(json_get_str(v, "phone_number")))
		return -1;
	/* the connection is where its calls go: what a trunk is at Twilio */
	const char *connection = json_get_str(v, "connection_id");
	struct webhooks hooks = { .v[WH_TRUNK_SID] = connection };
	struct phone *ph = phone_list_add(l, id, json_get_str(v, "phone_number"),
					  str_empty(connection) ? NULL : &hooks);
	text_clean_buf(ph->e164);
	char status[16];

	text_of(v, "status", status, sizeof(status));
	bool active = !strcmp(status, "active");
	ph->voice = active && json_type(json_get(v, "connection_id")) != JSON_NULL;
	ph->sms = active && !str_empty(json_get_str(v, "messaging_profile_id"));
	return 0;
}

static int read_page(struct phone_list *l, const struct json *page)
{
	const struct json *data = json_get(page, "data");

	if (json_type(data) != JSON_ARRAY)
		return -1;
	for (const struct json *v = json_first(data); v; v = json_next(v))
		if (read_phone(l, v))
			return -1;
	return 0;
}

static enum call_result walk(OP_HEAD, enum credential_use use, const char *filter,
			     struct phone_list *ret, struct call_info *info)
{
	enum { PAGES_MAX = 2000 };

	for (int page = 1; page <= PAGES_MAX; page++) {
		_cleanup_(json_free_p) struct json *v = NULL;
		struct str path = STR_INIT(512);
		str_add(&path, "/v2/phone_numbers?page%5Bsize%5D=250");
		str_addf(&path, "&page%%5Bnumber%%5D=%d", page);
		if (filter) {
			str_add(&path, "&filter%5Bphone_number%5D=");
			str_add_urlencoded(&path, filter);
		}
		get(p, c, use, str_get(&path), &v, info);
		str_fini(&path);
		if (info->result != CALL_OK)
			return info->result;
		if (read_page(ret, v))
			return info_garbled(info, false, "not a page of numbers", NULL, 0);
		if (page >= int_of(json_get(v, "meta"), "total_pages", 1))
			return CALL_OK;
	}
	return info_garbled(info, false, "a list of numbers without an end", NULL, 0);
}

static enum call_result numbers(OP_HEAD, enum credential_use use, struct phone_list *ret,
				struct call_info *info)
{
	info_begin(info);
	*ret = (struct phone_list){ 0 };
	if (walk(p, c, use, NULL, ret, info) != CALL_OK)
		phone_list_fini(ret);
	return info->result;
}

static enum call_result number_by_e164(OP_HEAD, const char *e164, struct phone_list *ret,
				       struct call_info *info)
{
	struct phone_list all = { 0 };

	info_begin(info);
	*ret = (struct phone_list){ 0 };
	if (walk(p, c, CRED_MAIN, e164, &all, info) == CALL_OK) {
		const struct phone *ph = phone_list_find(&all, e164);
		if (ph) {
			struct phone *copy = phone_list_add(ret, ph->sid, ph->e164, ph->hooks);
			const struct webhooks *hooks = copy->hooks;
			*copy = *ph;
			copy->hooks = hooks;
		} else {
			info->result = CALL_NOT_FOUND;
		}
	}
	phone_list_fini(&all);
	return info->result;
}

static enum call_result number(OP_HEAD, const char *sid, struct phone_list *ret,
			       struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(256);

	info_begin(info);
	*ret = (struct phone_list){ 0 };
	str_add(&path, "/v2/phone_numbers/");
	str_add_urlencoded(&path, sid);
	get(p, c, CRED_MAIN, str_get(&path), &v, info);
	str_fini(&path);
	if (info->result == CALL_OK && read_phone(ret, json_get(v, "data")))
		info_garbled(info, false, "not a number", NULL, 0);
	return info->result;
}

/* ---- what it does not do -------------------------------------------------------- */

static enum call_result unsupported(struct call_info *info, void *ret, size_t n)
{
	info_begin(info);
	if (ret)
		memset(ret, 0, n);
	return info_refuse(info, REASON_UNSUPPORTED, "Telnyx is only observed");
}

#define NOT_THERE(fn, ret, size, ...)                                                             \
	static enum call_result fn(__VA_ARGS__, struct call_info *info)                            \
	{                                                                                          \
		return unsupported(info, ret, size);                                               \
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
NOT_THERE(number_update, ret, ret ? sizeof(*ret) : 0, WRITE_HEAD, const char *sid,
	  const struct webhooks *set, struct phone_list *ret)
NOT_THERE(calls, ret, sizeof(*ret), OP_HEAD, int64_t since_ms, int max_pages, struct call_list *ret)
NOT_THERE(calls_live, ret, sizeof(*ret), OP_HEAD, const char *number, int *ret)
NOT_THERE(messages, ret, sizeof(*ret), OP_HEAD, int64_t since_ms, int max_pages,
	  struct message_list *ret)
NOT_THERE(alerts, ret, sizeof(*ret), OP_HEAD, int64_t since_ms, int max_pages,
	  struct alert_list *ret)
NOT_THERE(call_codes, ret, sizeof(*ret), OP_HEAD, const char *call_sid, struct code_list *ret)
NOT_THERE(changes, ret, sizeof(*ret), OP_HEAD, const char *resource_sid, int64_t since_ms,
	  struct change_list *ret)
NOT_THERE(sms_numbers, ret, sizeof(*ret), OP_HEAD, struct sms_number_list *ret)
NOT_THERE(voice_region, ret, 1, OP_HEAD, const char *e164, char ret[16])
NOT_THERE(video, NULL, 0, OP_HEAD)
NOT_THERE(number_search, ret, sizeof(*ret), OP_HEAD, const struct number_search *want,
	  struct offer_list *ret)
NOT_THERE(number_price, ret, sizeof(*ret), OP_HEAD, const char *country, const char *kind,
	  struct number_price *ret)
NOT_THERE(number_buy, ret, sizeof(*ret), WRITE_HEAD, const char *e164, const char *address_sid,
	  const char *bundle_sid, struct phone_list *ret)
NOT_THERE(number_transfer, NULL, 0, WRITE_HEAD, const char *sid, const char *to_account_sid)
NOT_THERE(test_call, ret_sid, 1, WRITE_HEAD, const struct test_call *call, char ret_sid[36])
NOT_THERE(call_status, ret, sizeof(*ret), OP_HEAD, const char *sid, struct call_record *ret)
NOT_THERE(message_send, ret_sid, 1, WRITE_HEAD, const char *from, const char *to, const char *text,
	  char ret_sid[36])
#pragma GCC diagnostic pop

const struct telephony_ops telnyx_ops = {
	.name = "telnyx",
	.account = account,
	.balance = balance,
	.numbers = numbers,
	.number = number,
	.number_by_e164 = number_by_e164,
	.number_update = number_update,
	.calls = calls,
	.calls_live = calls_live,
	.messages = messages,
	.alerts = alerts,
	.call_codes = call_codes,
	.changes = changes,
	.sms_numbers = sms_numbers,
	.voice_region = voice_region,
	.video = video,
	.number_search = number_search,
	.number_price = number_price,
	.number_buy = number_buy,
	.number_transfer = number_transfer,
	.test_call = test_call,
	.call_status = call_status,
	.message_send = message_send,
};
