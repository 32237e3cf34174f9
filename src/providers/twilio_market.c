/*
 * Acquiring numbers at Twilio: search, buy, move inside one parent. A person's
 * explicit acts; the engine has no way here. There is no release.
 */
#include "providers/twilio.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"

static int add_offer(void *ctx, struct row *item)
{
	struct offer_list *l = ctx;
	struct row can;
	char needs[16];

	if (!row_has(item, "phone_number"))
		return -1;
	struct offer *o = LIST_PUSH(l);
	row_text(item, "phone_number", o->e164, sizeof(o->e164));
	row_text(item, "locality", o->locality, sizeof(o->locality));
	row_text(item, "region", o->region, sizeof(o->region));
	row_text(item, "iso_country", o->country, sizeof(o->country));
	row_text(item, "address_requirements", needs, sizeof(needs));
	if (!row_object(item, "capabilities", &can)) {
		o->voice = row_bool(&can, "voice", false);
		o->sms = row_bool(&can, "SMS", row_bool(&can, "sms", false));
		o->mms = row_bool(&can, "MMS", row_bool(&can, "mms", false));
	}
	o->needs_address = needs[0] && strcmp(needs, "none") != 0;
	return 0;
}

enum call_result twilio_number_search(OP_HEAD, const struct number_search *want,
				      struct offer_list *ret, struct call_info *info)
{
	struct str path = STR_INIT(1024);
	struct str query = STR_INIT(512);
	int limit = want->limit < 1 ? 20 : want->limit > 100 ? 100 : want->limit;
	char size[16];

	info_begin(info);
	*ret = (struct offer_list){ 0 };
	snprintf(size, sizeof(size), "%d", limit);
	form_add(&query, "PageSize", size);
	form_add(&query, "AreaCode", want->area_code[0] ? want->area_code : NULL);
	form_add(&query, "Contains", want->contains[0] ? want->contains : NULL);
	form_add(&query, "VoiceEnabled", want->voice ? "true" : NULL);
	form_add(&query, "SmsEnabled", want->sms ? "true" : NULL);
	twilio_path(&path, c->account_sid, "/AvailablePhoneNumbers/");
	str_add_urlencoded(&path, want->country[0] ? want->country : "US");
	str_addc(&path, '/');
	str_add_urlencoded(&path, want->kind[0] ? want->kind : "Local");
	str_addf(&path, ".json?%s", str_get(&query));
	struct twilio_walk w = {
		.use = CRED_MAIN,
		.host = TW_API,
		.path = str_get(&path),
		.list = "available_phone_numbers",
		.max_pages = 1,
		.fn = add_offer,
		.ctx = ret,
	};
	twilio_walk(p, c, &w, info);
	str_fini(&query);
	str_fini(&path);
	if (info->result != CALL_OK)
		LIST_FINI(ret);
	return info->result;
}

/* "TollFree" here is "toll free" there. */
static bool same_kind(const char *kind, const char *type)
{
	if (str_eq(kind, "TollFree"))
		return str_eq(type, "toll free");
	return type && !strcasecmp(kind, type);
}

/* A base set for tests or a proxy must not lead to the real host by what it leaves out. */
static bool pricing_asked(const struct providers_settings *set)
{
	return set->twilio_pricing ||
	       (set->twilio_api && str_has_prefix(set->twilio_api, "https://api.twilio.com"));
}

enum call_result twilio_number_price(OP_HEAD, const char *country, const char *kind,
				     struct number_price *ret, struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(256);

	info_begin(info);
	*ret = (struct number_price){ 0 };
	if (!pricing_asked(p->settings))
		return info->result = CALL_OK;
	str_add(&path, "/v1/PhoneNumbers/Countries/");
	str_add_urlencoded(&path, str_empty(country) ? "US" : country);
	twilio_get(p, c, CRED_MAIN, TW_PRICING, str_get(&path), &v, info);
	str_fini(&path);
	if (info->result != CALL_OK)
		return info->result;
	for (const struct json *x = json_first(json_get(v, "phone_number_prices")); x;
	     x = json_next(x))
		if (same_kind(str_empty(kind) ? "Local" : kind, json_get_str(x, "number_type")) &&
		    json_get_str(x, "current_price"))
			ret->known = parse_double(json_get_str(x, "current_price"), &ret->monthly);
	snprintf(ret->currency, sizeof(ret->currency), "%s",
		 json_get_str(v, "price_unit") ? json_get_str(v, "price_unit") : "USD");
	return CALL_OK;
}

enum call_result twilio_number_buy(WRITE_HEAD, const char *e164, const char *address_sid,
				   const char *bundle_sid, struct phone_list *ret,
				   struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;
	struct str path = STR_INIT(512);
	struct str form = STR_INIT(1024);

	info_begin(info);
	*ret = (struct phone_list){ 0 };
	form_add(&form, "PhoneNumber", e164);
	form_add(&form, "AddressSid", str_empty(address_sid) ? NULL : address_sid);
	form_add(&form, "BundleSid", str_empty(bundle_sid) ? NULL : bundle_sid);
	twilio_path(&path, c->account_sid, "/IncomingPhoneNumbers.json");
	twilio_post(p, c, guard, CRED_MAIN, TW_API, str_get(&path), str_get(&form), &v, info);
	str_fini(&form);
	str_fini(&path);
	if (info->result != CALL_OK)
		return info->result;
	if (twilio_phone_of(ret, v))
		return info_garbled(info, true, "not a number", NULL, 0);
	return CALL_OK;
}

enum call_result twilio_number_transfer(WRITE_HEAD, const char *sid, const char *to_account_sid,
					struct call_info *info)
{
	struct str path = STR_INIT(512);
	struct str form = STR_INIT(256);

	info_begin(info);
	form_add(&form, "AccountSid", to_account_sid);
	twilio_path(&path, c->account_sid, "/IncomingPhoneNumbers/");
	str_add_urlencoded(&path, sid);
	str_add(&path, ".json");
	twilio_post(p, c, guard, CRED_PARENT, TW_API, str_get(&path), str_get(&form), NULL, info);
	str_fini(&form);
	str_fini(&path);
	return info->result;
}
