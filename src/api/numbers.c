/*
 * Getting numbers: search, buy, transfer. Acts of a person only: each wants the number
 * repeated, stays under a price and a count, and is in the journal before anything is
 * sent. Nothing here is reached by the engine's own decisions.
 */
#include "api/side.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/parts.h"
#include "failover/monitor.h"
#include "failover/probe.h"
#include "store/numbers.h"

enum { DAY_MS = 24 * 3600 * 1000 };

void side_fini(struct side *s)
{
	record_fini(&account_type, &s->a);
	credentials_fini(&s->cred);
}

int side_load(struct call *c, const char *ref, struct side *ret)
{
	struct account_keys keys = { 0 };
	struct err err = { 0 };

	*ret = (struct side){ 0 };
	if (account_get(c->engine->store, ref, &ret->a, &err) < 0 ||
	    account_keys_load(c->engine->store, ret->a.id, &keys, &err) < 0) {
		side_fini(ret);
		return api_problem_err(c, &err);
	}
	credentials_from_keys(&keys, &ret->cred);
	account_keys_fini(&keys);
	ret->ops = providers_telephony(c->engine->providers, ret->cred.provider);
	if (ret->cred.provider == PROVIDER_TWILIO)
		return 0;
	side_fini(ret);
	return api_problem(c, 409, NULL, "numbers are bought and moved at Twilio accounts only");
}

int side_told(struct call *c, const struct call_info *info, const char *what)
{
	char why[400];
	int status = info->result == CALL_REJECTED || info->result == CALL_REFUSED ||
		     info->result == CALL_INACTIVE ? 422 : info->result == CALL_NOT_FOUND ? 404 :
			503;

	call_why(info, why, sizeof(why));
	return api_problem(c, status, NULL, "%s: %s%s", what, why, info->maybe_done ?
			   "; it may have happened all the same: run 'ringdown numbers sync' and"
			   " look" : "");
}

bool side_may_write(void *ctx)
{
	const struct engine *e = ctx;

	return !e->stopping;
}

/* One line in the journal, in a transaction of its own. */
static int note(struct call *c, enum note_level level, const char *kind, const char *subject,
		const char *text)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = { .actor = c->user, .role = enum_name(&person_role_names, (int)c->role),
			   .via = "api" };
	struct err err = { 0 };

	if (tx_begin(c->engine->store, &t, &who, &err) < 0)
		return api_problem_err(c, &err);
	tx_note(&t, level, kind, subject, text, NULL);
	if (tx_commit(&t, NULL, &err) < 0)
		return api_problem_err(c, &err);
	hub_wake(c->engine->hub);
	return 0;
}

/* The pool follows at once where this engine leads, else with the leader's next cycle. */
static void sync_pool(struct call *c, const char *account)
{
	struct str ignored = STR_INIT(4000);
	struct err err = { 0 };

	monitor_sync(c->engine->monitor, account, &ignored, &err);
	monitor_wake(c->engine->monitor);
	str_fini(&ignored);
}

bool side_e164_ok(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	return n >= 8 && n <= 16 && s[0] == '+' && strspn(s + 1, "0123456789") == n - 1;
}

/* The number, given twice. 0 or a status. */
static int check_number(struct call *c, bool confirmed)
{
	const char *number = call_text(c, "phoneNumber");

	if (!side_e164_ok(number))
		return api_problem_field(c, 400, "phoneNumber",
					 "an E.164 number such as +14155550100");
	if (confirmed && !str_eq(call_text(c, "confirm"), number))
		return api_problem_field(c, 400, "confirm", "repeat the number here: this costs or"
					 " moves something");
	return 0;
}

/* ---- search ------------------------------------------------------------------------------ */

static void price_json(struct jw *w, const struct number_price *p)
{
	if (!p->known) {
		jw_null(w, "price");
		return;
	}
	jw_obj(w, "price");
	jw_double(w, "monthly", p->monthly);
	jw_str(w, "currency", p->currency);
	jw_obj_end(w);
}

static const char *kind_of(const struct call *c)
{
	return call_text(c, "kind") ? call_text(c, "kind") : "Local";
}

static void get_price(struct call *c, const struct side *s, struct number_price *ret)
{
	struct call_info info = { 0 };

	*ret = (struct number_price){ 0 };
	s->ops->number_price(c->engine->providers, &s->cred, call_text(c, "country"), kind_of(c),
			     ret, &info);
}

static void read_search(const struct call *c, struct number_search *ret)
{
	*ret = (struct number_search){ .voice = json_get_bool(c->body, "voice", true),
				       .sms = json_get_bool(c->body, "sms", false),
				       .limit = (int)call_int(c, "limit", 20) };
	snprintf(ret->country, sizeof(ret->country), "%s",
		 call_text(c, "country") ? call_text(c, "country") : "US");
	snprintf(ret->kind, sizeof(ret->kind), "%s", kind_of(c));
	snprintf(ret->area_code, sizeof(ret->area_code), "%s",
		 call_text(c, "areaCode") ? call_text(c, "areaCode") : "");
	snprintf(ret->contains, sizeof(ret->contains), "%s",
		 call_text(c, "contains") ? call_text(c, "contains") : "");
}

static void offers_json(struct jw *w, const struct offer_list *list)
{
	jw_arr(w, "offers");
	for (size_t i = 0; i < list->n; i++) {
		const struct offer *o = &list->v[i];

		jw_obj(w, NULL);
		jw_str(w, "phoneNumber", o->e164);
		jw_str(w, "locality", o->locality);
		jw_str(w, "region", o->region);
		jw_str(w, "country", o->country);
		jw_bool(w, "voice", o->voice);
		jw_bool(w, "sms", o->sms);
		jw_bool(w, "mms", o->mms);
		jw_bool(w, "needsAddress", o->needs_address);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static int bad_kind(struct call *c)
{
	static const char *const kinds[] = { "Local", "TollFree", "Mobile", "National" };

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (str_eq(kind_of(c), kinds[i]))
			return 0;
	return api_problem_field(c, 400, "kind", "one of Local, TollFree, Mobile, National");
}

static int post_search(struct call *c)
{
	struct offer_list offers = { 0 };
	struct call_info info = { 0 };
	struct number_search want;
	struct number_price price;
	struct jw w = JW(&c->out);
	struct side s;
	int status = bad_kind(c);

	if (!status)
		status = side_load(c, call_text(c, "accountId"), &s);
	if (status)
		return status;
	read_search(c, &want);
	if (s.ops->number_search(c->engine->providers, &s.cred, &want, &offers, &info) != CALL_OK) {
		side_fini(&s);
		return side_told(c, &info, "the search");
	}
	get_price(c, &s, &price);
	jw_obj(&w, NULL);
	jw_str(&w, "accountId", s.a.id);
	price_json(&w, &price);
	offers_json(&w, &offers);
	jw_obj_end(&w);
	LIST_FINI(&offers);
	side_fini(&s);
	return 200;
}

/* ---- buy ----------------------------------------------------------------------------------- */

/* Price and count against the caps of the request and of the installation. */
static int check_caps(struct call *c, const struct number_price *price)
{
	const struct api_settings *set = api_get_settings(c->api);
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	double cap = json_get_double(c->body, "maxMonthlyPrice", set->number_price);
	struct err err = { 0 };

	if (cap > set->number_price)
		cap = set->number_price;
	if (!price->known && !call_flag(c, "priceUnknown"))
		return api_problem(c, 409, NULL, "the price is not known; priceUnknown:true buys"
						 " all the same");
	if (price->known && price->monthly > cap)
		return api_problem(c, 409, NULL, "%.2f %s a month is above the cap of %.2f",
				   price->monthly, price->currency, cap);
	if (store_query(c->engine->store, &r, &err, "SELECT count(*) FROM ringdown.journal"
			" WHERE kind = 'number.bought' AND at > $1", "m",
			loop_wall_ms(c->engine->loop) - DAY_MS) < 0)
		return api_problem_err(c, &err);
	if (pg_i64(r, 0, 0) >= set->numbers_per_day)
		return api_problem(c, 409, NULL, "%lld numbers were bought in 24 hours;"
						 " numbers.maxPerDay is %lld",
						 (long long)pg_i64(r, 0, 0),
						 (long long)set->numbers_per_day);
	return 0;
}

static void bought_json(struct call *c, const struct side *s, const struct phone *p,
			const struct number_price *price, bool dry)
{
	struct jw w = JW(&c->out);

	jw_obj(&w, NULL);
	jw_str(&w, "accountId", s->a.id);
	jw_str(&w, "phoneNumber", call_text(c, "phoneNumber"));
	jw_str(&w, "phoneNumberSid", p ? p->sid : NULL);
	price_json(&w, price);
	jw_bool(&w, "dryRun", dry);
	jw_obj_end(&w);
}

static int buy(struct call *c, const struct side *s, const struct number_price *price)
{
	const char *number = call_text(c, "phoneNumber"), *why = call_text(c, "reason");
	_cleanup_(free_p) char *text = xasprintf("buying %s for %s%s%s", number, s->a.name,
						 why ? ": " : "", why ? why : "");
	_cleanup_(free_p) char *done = xasprintf("%s bought for %s", number, s->a.name);
	struct write_guard guard = { side_may_write, c->engine };
	struct phone_list phones = { 0 };
	struct call_info info = { 0 }, look = { 0 };
	int status = note(c, NOTE_WARN, "number.buying", number, text);

	if (status)
		return status;
	s->ops->number_buy(c->engine->providers, &s->cred, &guard, number,
			   call_text(c, "addressSid"), call_text(c, "bundleSid"), &phones, &info);
	/* a lost answer: the account's own list says whether it is there */
	if (info.result != CALL_OK && info.maybe_done)
		s->ops->number_by_e164(c->engine->providers, &s->cred, number, &phones, &look);
	if (info.result != CALL_OK && !phones.n) {
		phone_list_fini(&phones);
		return side_told(c, &info, "the purchase");
	}
	status = note(c, NOTE_WARN, "number.bought", number, done);
	if (!status) {
		sync_pool(c, s->a.id);
		bought_json(c, s, phones.n ? &phones.v[0] : NULL, price, false);
		status = 201;
	}
	phone_list_fini(&phones);
	return status;
}

static int post_buy(struct call *c)
{
	bool dry = call_flag(c, "dryRun");
	struct number_price price;
	struct side s;
	int status = check_number(c, !dry);

	if (!status)
		status = bad_kind(c);
	if (!status)
		status = side_load(c, call_text(c, "accountId"), &s);
	if (status)
		return status;
	get_price(c, &s, &price);
	status = check_caps(c, &price);
	if (!status && dry) {
		bought_json(c, &s, NULL, &price, true);
		status = 200;
	} else if (!status) {
		status = buy(c, &s, &price);
	}
	side_fini(&s);
	return status;
}

/* ---- transfer -------------------------------------------------------------------------------- */

static const char *family_of(const struct side *s)
{
	return s->cred.parent_sid[0] ? s->cred.parent_sid : s->cred.account_sid;
}

/* Between strangers only people can move a number. */
static int checklist(struct call *c, const struct side *from, const struct side *to)
{
	static const char *const lines[] = {
		"Both accounts belong to you: log in to each and note its SID.",
		"No failover is under way, and no agent uses the number (ringdown agents --search"
		" NUMBER).",
		"Remove the number from messaging services, campaigns and SIP trunks of the losing"
		" account.",
		"Ask Twilio's support from the losing account to move the number; name both SIDs"
		" and the number.",
		"Confirm the request from the gaining account.",
		"Register it for SMS again in the gaining account: campaigns do not move.",
		"Afterwards: ringdown numbers sync for both accounts.",
	};
	struct jw w = JW(&c->out);
	char detail[400];

	snprintf(detail, sizeof(detail), from->cred.parent_sid[0] || to->cred.parent_sid[0] ?
		 "%.80s and %.80s are not in one family with a known parent credential; the"
		 " provider's support moves such numbers" : "%.80s and %.80s have no common parent;"
		 " the provider's support moves such numbers", from->a.name, to->a.name);
	str_clear(&c->out);
	problem_begin(&w, 409, "Not between these accounts", detail);
	jw_arr(&w, "checklist");
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		jw_str(&w, NULL, lines[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	return 409;
}

/* Nobody may be reached by it now. */
static int check_unused(struct call *c, const char *number)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	if (store_query(c->engine->store, &r, &err,
			"SELECT coalesce((SELECT id FROM \"VoiceAgent\" WHERE \"twilioPhoneNumber\""
			" = $1 OR \"backupPhoneNumber\" = $1 LIMIT 1), (SELECT agent_id FROM"
			" ringdown.reservation WHERE phone_number = $1 LIMIT 1), '')", "t",
			number) < 0)
		return api_problem_err(c, &err);
	if (pg_text(r, 0, 0)[0])
		return api_problem(c, 409, NULL, "%s is %s's number; move an unused one", number,
				   pg_text(r, 0, 0));
	return 0;
}

static int transfer(struct call *c, const struct side *from, const struct side *to)
{
	const char *number = call_text(c, "phoneNumber"), *why = call_text(c, "reason");
	_cleanup_(free_p) char *text = xasprintf("moving %s from %s to %s%s%s", number,
						 from->a.name, to->a.name, why ? ": " : "",
						 why ? why : "");
	_cleanup_(free_p) char *done = xasprintf("%s moved from %s to %s", number, from->a.name,
						 to->a.name);
	struct write_guard guard = { side_may_write, c->engine };
	struct phone_list phones = { 0 };
	struct call_info info = { 0 };
	int status = 0;

	if (from->ops->number_by_e164(c->engine->providers, &from->cred, number, &phones,
				      &info) != CALL_OK)
		status = info.result == CALL_NOT_FOUND ?
			 api_problem(c, 404, NULL, "%s has no number %s", from->a.name, number) :
			 side_told(c, &info, "looking the number up");
	if (!status && call_flag(c, "dryRun")) {
		str_add(&c->out, "{\"dryRun\":true,\"possible\":true}");
		status = 200;
	}
	if (!status)
		status = note(c, NOTE_WARN, "number.moving", number, text);
	if (!status && from->ops->number_transfer(c->engine->providers, &from->cred, &guard,
						  phones.v[0].sid, to->cred.account_sid,
						  &info) != CALL_OK)
		status = side_told(c, &info, "the transfer");
	if (!status)
		status = note(c, NOTE_WARN, "number.moved", number, done);
	if (!status) {
		struct jw w = JW(&c->out);

		sync_pool(c, from->a.id);
		sync_pool(c, to->a.id);
		jw_obj(&w, NULL);
		jw_str(&w, "phoneNumber", number);
		jw_str(&w, "accountId", to->a.id);
		jw_obj_end(&w);
		status = 200;
	}
	phone_list_fini(&phones);
	return status;
}

static int post_transfer(struct call *c)
{
	struct side from, to;
	int status = check_number(c, !call_flag(c, "dryRun"));

	if (!status)
		status = side_load(c, call_text(c, "fromAccountId"), &from);
	if (status)
		return status;
	status = side_load(c, call_text(c, "toAccountId"), &to);
	if (!status) {
		if (str_eq(from.a.id, to.a.id))
			status = api_problem_field(c, 400, "toAccountId",
						   "the same account as fromAccountId");
		else if (!credentials_have(&from.cred, CRED_PARENT) ||
			 !str_eq(family_of(&from), family_of(&to)))
			status = checklist(c, &from, &to);
		else
			status = check_unused(c, call_text(c, "phoneNumber"));
		if (!status)
			status = transfer(c, &from, &to);
		side_fini(&to);
	}
	side_fini(&from);
	return status;
}

#define ACCOUNT(name_) { name_, M_TEXT, .required = true, .max = 100 }
#define NUMBER                                                                                     \
	{ "phoneNumber", M_TEXT, .required = true, .max = 20 }, { "confirm", M_TEXT, .max = 20 }
#define REASON { "reason", M_TEXT, .max = 500 }
#define KIND { "country", M_TEXT, .max = 2 }, { "kind", M_TEXT, .max = 12 }

static const struct route routes[] = {
	{ "POST", "/api/v1/numbers/search", PR_OPERATOR, 0,
	  { ACCOUNT("accountId"), KIND, { "areaCode", M_TEXT, .max = 7 },
	    { "contains", M_TEXT, .max = 16 },
	    { "voice", M_BOOL }, { "sms", M_BOOL }, { "limit", M_INT, .min = 1, .max = 100 } },
	  post_search, "numbers for sale, with their price a month" },
	{ "POST", "/api/v1/numbers/buy", PR_ADMIN, 0,
	  { ACCOUNT("accountId"), NUMBER, KIND, { "maxMonthlyPrice", M_NUMBER },
	    { "priceUnknown", M_BOOL },
	    { "addressSid", M_TEXT, .max = 40 }, { "bundleSid", M_TEXT, .max = 40 }, REASON,
	    { "dryRun", M_BOOL } }, post_buy, "buy one number; confirm repeats it" },
	{ "POST", "/api/v1/numbers/transfer", PR_ADMIN, 0,
	  { ACCOUNT("fromAccountId"), ACCOUNT("toAccountId"), NUMBER, REASON,
	    { "dryRun", M_BOOL } },
	  post_transfer, "move an unused number inside one family; a checklist otherwise" },
};
const struct route_table numbers_routes = { routes, COUNT_OF(routes) };
