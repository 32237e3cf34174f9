/*
 * Twilio phone numbers: the sweep over all of them, one by SID or by E.164, the
 * partial update of webhooks and the region that takes inbound calls.
 *
 * Invariant: a sweep is whole or empty, so that a number missing from it is
 * missing at the provider. An update sends only the fields it was given.
 */
#include "providers/twilio.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

int twilio_read_phone(struct phone_list *l, struct row *v)
{
	char scratch[16384], sid[40], e164[20];
	struct webhooks hooks;
	struct row can;
	size_t used = 0;

	row_text(v, "sid", sid, sizeof(sid));
	row_text(v, "phone_number", e164, sizeof(e164));
	if (!sid[0] || !e164[0])
		return -1;
	for (int i = 0; i < WH_COUNT; i++) {
		hooks.v[i] = row_keep(v, webhook_field_name((enum webhook_field)i), scratch,
				      sizeof(scratch), &used);
		if (!hooks.v[i])
			return -1;
	}
	struct phone *ph = phone_list_add(l, sid, e164, &hooks);
	ph->beta = row_bool(v, "beta", false);
	if (row_object(v, "capabilities", &can))
		return 0;
	ph->voice = row_bool(&can, "voice", false);
	ph->sms = row_bool(&can, "sms", row_bool(&can, "SMS", false));
	ph->mms = row_bool(&can, "mms", row_bool(&can, "MMS", false));
	return 0;
}

int twilio_phone_of(struct phone_list *l, const struct json *v)
{
	struct str text = STR_INIT(256 * 1024);
	struct row row;
	int r = row_of_json(&row, v, &text);

	if (!r)
		r = twilio_read_phone(l, &row);
	str_fini(&text);
	return r;
}

static int add_phone(void *ctx, struct row *item)
{
	return twilio_read_phone(ctx, item);
}

enum call_result twilio_numbers(OP_HEAD, enum credential_use use, struct phone_list *ret,
				struct call_info *info)
{
	struct str path = STR_INIT(512);

	info_begin(info);
	*ret = (struct phone_list){ 0 };
	twilio_path(&path, c->account_sid, "/IncomingPhoneNumbers.json?PageSize=1000");
	struct twilio_walk w = {
		.use = use,
		.host = TW_API,
		.path = str_get(&path),
		.list = "incoming_phone_numbers",
		.fn = add_phone,
		.ctx = ret,
	};
	twilio_walk(p, c, &w, info);
	if (info->result == CALL_OK && w.more)
		info_garbled(info, false, "a list of numbers without an end", NULL, 0);
	if (info->result != CALL_OK)
		phone_list_fini(ret);
	str_fini(&path);
	return info->result;
}

static void number_path(struct str *path, const struct credentials *c, const char *sid)
{
	twilio_path(path, c->account_sid, "/IncomingPhoneNumbers/");
	str_add_urlencoded(path, sid);
	str_add(path, ".json");
}

/* The one number that a reply is about. */
static enum call_result take_number(struct json *v, const char *sid, bool write,
				    struct phone_list *ret, struct call_info *info)
{
	if (twilio_phone_of(ret, v) || strcmp(ret->v[0].sid, sid) != 0) {
		phone_list_fini(ret);
		return info_garbled(info, write, "not the number that was asked for", NULL, 0);
	}
	return info->result;
}

enum call_result twilio_number(OP_HEAD, const char *sid, struct phone_list *ret,
			       struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(512);

	info_begin(info);
	*ret = (struct phone_list){ 0 };
	number_path(&path, c, sid);
	twilio_get(p, c, CRED_MAIN, TW_API, str_get(&path), &v, info);
	str_fini(&path);
	if (info->result != CALL_OK)
		return info->result;
	return take_number(v, sid, false, ret, info);
}

struct wanted { struct phone_list *list; const char *e164; };

/* The filter of the provider is a prefix; only the exact number counts. */
static int add_if_wanted(void *ctx, struct row *item)
{
	struct wanted *want = ctx;
	char e164[20];

	row_text(item, "phone_number", e164, sizeof(e164));
	if (!e164[0])
		return -1;
	return strcmp(e164, want->e164) ? 0 : twilio_read_phone(want->list, item);
}

enum call_result twilio_number_by_e164(OP_HEAD, const char *e164, struct phone_list *ret,
				       struct call_info *info)
{
	struct wanted want = { .list = ret, .e164 = e164 };
	struct str path = STR_INIT(512);

	info_begin(info);
	*ret = (struct phone_list){ 0 };
	twilio_path(&path, c->account_sid, "/IncomingPhoneNumbers.json?PageSize=50&PhoneNumber=");
	str_add_urlencoded(&path, e164);
	struct twilio_walk w = {
		.use = CRED_MAIN,
		.host = TW_API,
		.path = str_get(&path),
		.list = "incoming_phone_numbers",
		.max_pages = 20,
		.fn = add_if_wanted,
		.ctx = &want,
	};
	twilio_walk(p, c, &w, info);
	str_fini(&path);
	if (info->result != CALL_OK)
		phone_list_fini(ret);
	else if (!ret->n)
		info->result = CALL_NOT_FOUND;
	return info->result;
}

enum call_result twilio_number_update(WRITE_HEAD, const char *sid, const struct webhooks *set,
				      struct phone_list *ret, struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct phone_list got = { 0 };
	struct str path = STR_INIT(512);
	struct str form = STR_INIT(32768);

	info_begin(info);
	if (ret)
		*ret = (struct phone_list){ 0 };
	for (int i = 0; i < WH_COUNT; i++)
		form_add(&form, webhook_field_param((enum webhook_field)i), set->v[i]);
	number_path(&path, c, sid);
	if (!form.len)
		info_refuse(info, REASON_NONE, "nothing to change was given");
	else
		twilio_post(p, c, guard, CRED_MAIN, TW_API, str_get(&path), form.s, &v, info);
	str_fini(&form);
	str_fini(&path);
	if (info->result == CALL_OK)
		take_number(v, sid, true, &got, info);
	if (ret)
		*ret = got;
	else
		phone_list_fini(&got);
	return info->result;
}

enum call_result twilio_voice_region(OP_HEAD, const char *e164, char ret[16],
				     struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(256);

	info_begin(info);
	ret[0] = 0;
	str_add(&path, "/v2/PhoneNumbers/");
	str_add_urlencoded(&path, e164);
	twilio_get(p, c, CRED_MAIN, TW_ROUTES, str_get(&path), &v, info);
	str_fini(&path);
	if (info->result != CALL_OK)
		return info->result;
	text_of(v, "voice_region", ret, 16);
	if (!ret[0])
		return info_garbled(info, false, "no region in the answer", NULL, 0);
	return CALL_OK;
}
