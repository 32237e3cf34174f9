/*
 * api.twilio.com: the route table, accounts, balance, keys, usage triggers. Numbers,
 * available numbers, calls and messages have files of their own.
 *
 * An account body carries auth_token in clear text when it is read with an auth
 * token, as the real one does: whoever keeps bodies must scrub them.
 */
#include "sim/twilio.h"

#include <stdio.h>
#include <string.h>
#include "core/mem.h"
#include "sim/fields.h"
#include "sim/ledger.h"

static const char *const status_names[] = { "active", "suspended", "closed" };

static void account_json(struct sim_request *q, struct jw *w, const char *name,
			 const struct sim_account *a)
{
	static const char *const subs[][2] = {
		{ "available_phone_numbers", "AvailablePhoneNumbers" },
		{ "balance", "Balance" },
		{ "calls", "Calls" },
		{ "incoming_phone_numbers", "IncomingPhoneNumbers" },
		{ "keys", "Keys" },
		{ "messages", "Messages" },
		{ "notifications", "Notifications" },
	};
	char text[128];

	jw_obj(w, name);
	jw_str(w, "sid", a->sid);
	jw_str(w, "friendly_name", a->friendly);
	jw_str(w, "owner_account_sid", a->parent ? a->parent->sid : a->sid);
	jw_str(w, "status", status_names[a->status]);
	jw_str(w, "type", a->type);
	jw_str(w, "auth_token", q->key ? NULL : a->token);
	sim_rfc2822(w, "date_created", a->created_ms);
	sim_rfc2822(w, "date_updated", a->updated_ms);
	snprintf(text, sizeof(text), "/2010-04-01/Accounts/%s.json", a->sid);
	jw_str(w, "uri", text);
	jw_obj(w, "subresource_uris");
	for (size_t i = 0; i < COUNT_OF(subs); i++) {
		snprintf(text, sizeof(text), "/2010-04-01/Accounts/%s/%s.json", a->sid, subs[i][1]);
		jw_str(w, subs[i][0], text);
	}
	jw_obj_end(w);
	jw_obj_end(w);
}

static void account_fetch(struct sim_request *q)
{
	struct str out = STR_INIT(65536);
	struct jw w = JW(&out);

	account_json(q, &w, NULL, q->account);
	sim_text(q, 200, "application/json", str_get(&out));
	str_fini(&out);
}

static void account_list(struct sim_request *q)
{
	const char *status = sim_query(q, "Status"), *name = sim_query(q, "FriendlyName");
	struct sim_world *world = &q->sim->world;
	struct sim_page p;
	size_t seen = 0, count = 0;
	struct jw w;

	if (!sim_page_read(q, &p))
		return;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "accounts");
	for (size_t i = 0; i < world->n_accounts; i++) {
		struct sim_account *a = world->accounts[i];

		if (a != q->caller && a->parent != q->caller)
			continue;
		if (!str_empty(status) && !str_eq(status, status_names[a->status]))
			continue;
		if (!str_empty(name) && !str_eq(name, a->friendly))
			continue;
		if (seen++ < p.first || count >= (size_t)p.size)
			continue;
		account_json(q, &w, NULL, a);
		count++;
	}
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "accounts", count, seen > p.first + count);
	sim_json_end(q, &w);
}

static bool change_status(struct sim_request *q, const char *status)
{
	struct sim_account *a = q->account;

	if (a == q->caller || a->parent != q->caller) {
		sim_twilio_error(q, 400, 20001, "Only subaccounts can be changed");
		return false;
	}
	if (a->parent->status != SIM_ACTIVE) {
		sim_twilio_error(q, 400, 21476, "The parent account is suspended");
		return false;
	}
	if (a->suspended_by_twilio) {
		sim_twilio_error(q, 400, 21478, "The account was suspended by Twilio");
		return false;
	}
	for (int i = 0; i < 3; i++)
		if (str_eq(status, status_names[i])) {
			sim_ledger_forbidden(q, "account_status", "%s -> %s", a->name, status);
			if (a->status != (enum sim_status)i)
				sim_ledger_effective(q, a);
			a->status = (enum sim_status)i;
			return true;
		}
	sim_twilio_error(q, 400, 20001, "Invalid status: %s", status);
	return false;
}

static void account_update(struct sim_request *q)
{
	const char *status = sim_form(q, "Status"), *name = sim_form(q, "FriendlyName");

	if (!str_empty(status) && !change_status(q, status))
		return;
	if (!str_empty(name) && !str_eq(name, q->account->friendly)) {
		q->account->friendly = sim_intern(&q->sim->world.pool, name);
		sim_ledger_effective(q, q->account);
	}
	q->account->updated_ms = q->now_ms;
	account_fetch(q);
}

static void balance(struct sim_request *q)
{
	char text[32];
	struct jw w;

	if (q->account->parent) {	/* subaccounts have none */
		sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->rest);
		return;
	}
	snprintf(text, sizeof(text), "%.2f", q->account->balance);
	sim_json_begin(q, &w, 200);
	jw_str(&w, "account_sid", q->account->sid);
	jw_str(&w, "balance", text);
	jw_str(&w, "currency", q->account->currency);
	sim_json_end(q, &w);
}

static void key_json(struct jw *w, const char *name, const struct sim_account *a,
		     const struct sim_key *k)
{
	jw_obj(w, name);
	jw_str(w, "sid", k->sid);
	jw_str(w, "friendly_name", k->name);
	sim_rfc2822(w, "date_created", a->created_ms);
	sim_rfc2822(w, "date_updated", a->created_ms);
	jw_obj_end(w);
}

static void key_list(struct sim_request *q)
{
	struct sim_page p;
	size_t seen = 0, count = 0;
	struct jw w;

	if (!sim_page_read(q, &p))
		return;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "keys");
	for (int i = 0; i < q->account->n_keys; i++) {
		if (q->account->keys[i].revoked)
			continue;
		if (seen++ < p.first || count >= (size_t)p.size)
			continue;
		key_json(&w, NULL, q->account, &q->account->keys[i]);
		count++;
	}
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "keys", count, seen > p.first + count);
	sim_json_end(q, &w);
}

static void key_create(struct sim_request *q)
{
	struct sim_account *a = q->account;
	struct sim_key *k;
	struct jw w;

	if (a->n_keys == (int)COUNT_OF(a->keys)) {
		sim_twilio_error(q, 400, 20001, "Too many keys");
		return;
	}
	k = &a->keys[a->n_keys++];
	sim_new_sid(&q->sim->world, "SK", k->sid);
	sim_new_hex(&q->sim->world, k->secret, 32);
	k->name = sim_intern(&q->sim->world.pool, sim_form(q, "FriendlyName"));
	k->standard = true;
	sim_map_put(&q->sim->world.by_sid, k->sid, a);
	sim_ledger_effective(q, a);
	sim_ledger_forbidden(q, "credential", "key created in %s", a->name);
	sim_json_begin(q, &w, 201);
	jw_str(&w, "sid", k->sid);
	jw_str(&w, "friendly_name", k->name);
	jw_str(&w, "secret", k->secret);
	sim_rfc2822(&w, "date_created", q->now_ms);
	sim_rfc2822(&w, "date_updated", q->now_ms);
	sim_json_end(q, &w);
}

static void key_delete(struct sim_request *q)
{
	for (int i = 0; i < q->account->n_keys; i++)
		if (str_eq(q->account->keys[i].sid, q->arg[1]) && !q->account->keys[i].revoked) {
			q->account->keys[i].revoked = true;
			sim_ledger_effective(q, q->account);
			sim_ledger_forbidden(q, "credential", "key deleted in %s",
					     q->account->name);
			sim_text(q, 204, NULL, "");
			return;
		}
	sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->rest);
}

static void usage_triggers(struct sim_request *q)
{
	struct sim_page p;
	struct jw w;

	if (!sim_page_read(q, &p))
		return;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "usage_triggers");
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "usage_triggers", 0, false);
	sim_json_end(q, &w);
}

#define A "/2010-04-01/Accounts/{}"
static const struct sim_route routes[] = {
	{ "GET", A "/IncomingPhoneNumbers.json", "numbers.list", sim_numbers_list, 0 },
	{ "POST", A "/IncomingPhoneNumbers/{}.json", "numbers.update", sim_numbers_update,
	  RT_WRITE },
	{ "GET", A "/IncomingPhoneNumbers/{}.json", "numbers.fetch", sim_numbers_fetch, 0 },
	{ "POST", A "/IncomingPhoneNumbers.json", "numbers.buy", sim_numbers_buy,
	  RT_WRITE | RT_TEST_OK },
	{ "DELETE", A "/IncomingPhoneNumbers/{}.json", "numbers.release", sim_numbers_release,
	  RT_WRITE },
	{ "GET", A "/AvailablePhoneNumbers/{}/{}.json", "available.list", sim_available_list, 0 },
	{ "GET", A "/Calls.json", "calls.list", sim_calls_list, 0 },
	{ "POST", A "/Calls.json", "calls.create", sim_calls_create, RT_WRITE | RT_TEST_OK },
	{ "GET", A "/Calls/{}.json", "calls.fetch", sim_calls_fetch, 0 },
	{ "POST", A "/Calls/{}.json", "calls.update", sim_calls_update, RT_WRITE },
	{ "DELETE", A "/Calls/{}.json", "calls.delete", sim_calls_update, RT_WRITE },
	{ "GET", A "/Calls/{}/Notifications.json", "calls.notifications", sim_call_notifications,
	  0 },
	{ "GET", A "/Notifications.json", "notifications.list", sim_notifications_list, 0 },
	{ "GET", A "/Messages.json", "messages.list", sim_messages_list, 0 },
	{ "POST", A "/Messages.json", "messages.create", sim_messages_create,
	  RT_WRITE | RT_TEST_OK },
	{ "GET", A "/Messages/{}.json", "messages.fetch", sim_messages_fetch, 0 },
	{ "GET", A "/Balance.json", "balance", balance, 0 },
	{ "GET", A "/Keys.json", "keys.list", key_list, RT_MAIN_KEY },
	{ "POST", A "/Keys.json", "keys.create", key_create, RT_MAIN_KEY | RT_WRITE },
	{ "DELETE", A "/Keys/{}.json", "keys.delete", key_delete, RT_MAIN_KEY | RT_WRITE },
	{ "GET", A "/Usage/Triggers.json", "triggers.list", usage_triggers, 0 },
	{ "GET", "/2010-04-01/Accounts.json", "accounts.list", account_list, RT_MAIN_KEY },
	{ "GET", A ".json", "accounts.fetch", account_fetch, RT_MAIN_KEY },
	{ "POST", A ".json", "accounts.update", account_update, RT_MAIN_KEY | RT_WRITE },
};
#undef A

static bool known_path(struct sim_request *q)
{
	static const char *const methods[] = { "GET", "POST", "DELETE" };
	struct sim_request probe = *q;

	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		probe.method = methods[i];
		if (sim_route_find(&probe, routes, COUNT_OF(routes)))
			return true;
	}
	return false;
}

void sim_twilio(struct sim_request *q)
{
	const struct sim_route *r = sim_route_find(q, routes, COUNT_OF(routes));

	if (!r && known_path(q)) {
		sim_twilio_error(q, 405, 20004, "Method not allowed");
		return;
	}
	if (!r) {
		sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->rest);
		return;
	}
	if (!sim_twilio_auth(q, r))
		return;
	if (str_eq(q->method, "POST") && q->body_len && !q->form.n) {
		sim_twilio_error(q, 415, 20415,
				 "Unsupported media type: application/x-www-form-urlencoded is"
				 " needed");
		return;
	}
	r->fn(q);
}
