/*
 * Imported numbers. Importing needs Twilio to work for the account, checks that
 * the number is there, and then rewrites its webhooks (world.c). What a second
 * import of the same number does is not documented: the switch
 * importRefusesDuplicate chooses between a refusal and a second entry, which is
 * then found as a duplicate write.
 */
#include "sim/elevenlabs.h"

#include <stdio.h>
#include <string.h>
#include "core/mem.h"
#include "sim/fault.h"
#include "sim/ledger.h"
#include "sim/twilio.h"

void sim_eleven_422(struct sim_request *q, const char *where, const char *field, const char *msg)
{
	struct jw w;

	sim_json_begin(q, &w, 422);
	jw_arr(&w, "detail");
	jw_obj(&w, NULL);
	jw_arr(&w, "loc");
	jw_str(&w, NULL, where);
	jw_str(&w, NULL, field);
	jw_arr_end(&w);
	jw_str(&w, "msg", msg);
	jw_str(&w, "type", "value_error");
	jw_obj_end(&w);
	jw_arr_end(&w);
	sim_json_end(q, &w);
}

bool sim_eleven_need(struct sim_request *q, const char *member)
{
	if (!str_empty(json_get_str(q->json, member)))
		return true;
	sim_eleven_422(q, "body", member, "Field required");
	return false;
}

void sim_eleven_number_json(struct jw *w, const char *name, const struct sim_import *i)
{
	jw_obj(w, name);
	jw_str(w, "phone_number", i->e164);
	jw_str(w, "label", i->label);
	jw_bool(w, "supports_inbound", true);
	jw_bool(w, "supports_outbound", true);
	jw_str(w, "phone_number_id", i->id);
	if (i->agent) {
		jw_obj(w, "assigned_agent");
		jw_str(w, "agent_id", i->agent->eleven_id);
		jw_str(w, "agent_name", i->agent->name);
		jw_null(w, "environment");
		jw_null(w, "branch_id");
		jw_obj_end(w);
	} else {
		jw_null(w, "assigned_agent");
	}
	jw_str(w, "provider", "twilio");
	jw_obj_end(w);
}

static bool wanted(struct sim_request *q, const struct sim_import *i)
{
	const char *provider = sim_query(q, "provider"), *agent = sim_query(q, "agent_id");

	if (!str_empty(provider) && !str_eq(provider, "twilio"))
		return false;
	return str_empty(agent) || (i->agent && str_eq(agent, i->agent->eleven_id));
}

void sim_eleven_numbers_list(struct sim_request *q)
{
	struct sim_world *world = &q->sim->world;
	struct jw w = JW(&q->out);

	jw_arr(&w, NULL);
	for (size_t i = 0; i < world->n_imports; i++)
		if (wanted(q, world->imports[i]))
			sim_eleven_number_json(&w, NULL, world->imports[i]);
	jw_arr_end(&w);
	q->status = 200;
	q->type = "application/json";
}

void sim_eleven_numbers_page(struct sim_request *q)
{
	struct sim_world *world = &q->sim->world;
	const char *size = sim_query(q, "page_size"), *cursor = sim_query(q, "cursor");
	int64_t limit = 30, at = 0, count = 0, n = (int64_t)world->n_imports;
	char next[24];
	struct jw w;

	if ((size && !parse_i64(size, 1, 1000, &limit)) ||
	    (!str_empty(cursor) && !parse_i64(cursor, 0, INT64_MAX, &at))) {
		sim_eleven_422(q, "query", "page_size", "Input should be between 1 and 1000");
		return;
	}
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "phone_numbers");
	for (; at < n && count < limit; at++)
		if (wanted(q, world->imports[at])) {
			sim_eleven_number_json(&w, NULL, world->imports[at]);
			count++;
		}
	jw_arr_end(&w);
	snprintf(next, sizeof(next), "%lld", (long long)at);
	jw_str(&w, "next_cursor", at < n ? next : NULL);
	jw_bool(&w, "has_more", at < n);
	sim_json_end(q, &w);
}

static void refuse_import(struct sim_request *q, const char *why)
{
	sim_eleven_error(q, 400, "invalid_request", "twilio_error", "%s", why);
}

/* ElevenLabs asks Twilio with the credentials it was given. */
static bool twilio_agrees(struct sim_request *q, struct sim_number *n)
{
	const char *token = json_get_str(q->json, "token");
	struct sim_account *a = q->account;
	bool right = a && !a->token_rejected &&
		     (str_eq(token, a->token) || str_eq(token, a->second_token));

	for (int i = 0; a && !a->keys_rejected && i < a->n_keys; i++)
		right |= !a->keys[i].revoked && str_eq(token, a->keys[i].secret);
	if (!right || a->status != SIM_ACTIVE || (a->parent && a->parent->status != SIM_ACTIVE)) {
		refuse_import(q, "HTTP 401 error: Unable to fetch record: Authenticate");
		return false;
	}
	if (sim_fault_down(q->sim, "twilio", a)) {
		refuse_import(q, "HTTP 503 error: Twilio could not be reached");
		return false;
	}
	if (!n || n->gone || n->account != a) {
		refuse_import(q, "The phone number was not found in the Twilio account");
		return false;
	}
	return true;
}

static bool agent_of_body(struct sim_request *q, struct sim_agent **ret)
{
	const char *id = json_get_str(q->json, "agent_id");

	*ret = NULL;
	if (str_empty(id))
		return true;
	*ret = sim_eleven_agent(q, id);
	return *ret != NULL;
}

void sim_eleven_import(struct sim_request *q)
{
	static const char *const needed[] = { "phone_number", "label", "sid", "token" };
	struct sim_world *world = &q->sim->world;
	struct sim_agent *agent;
	struct sim_number *n;
	struct sim_import *i;
	bool again;
	struct jw w;

	for (size_t k = 0; k < COUNT_OF(needed); k++)
		if (!sim_eleven_need(q, needed[k]))
			return;
	n = sim_number_get(world, json_get_str(q->json, "phone_number"));
	if (!agent_of_body(q, &agent) || !twilio_agrees(q, n))
		return;
	again = sim_map_get(&world->import_by_e164, n->e164) != NULL;
	if (again && world->import_refuses_duplicate) {
		sim_eleven_error(q, 409, "conflict", "phone_number_already_exists",
				 "Phone number already exists.");
		return;
	}
	i = sim_import_add(world, n, json_get_str(q->json, "label"), q->account->sid,
			   json_get_str(q->json, "token"), agent,
			   json_get_bool(q->json, "enable_sms", true), q->now_ms);
	i->phase = world->phase;
	i->reached = agent;
	sim_event_add(q, n->account, "phone-number.updated", n->sid, "account", "api");
	sim_ledger_effective(q, n->account);
	if (again)
		sim_ledger_duplicate(q, "import", "%s imported again", n->e164);
	sim_json_begin(q, &w, 200);
	jw_str(&w, "phone_number_id", i->id);
	sim_json_end(q, &w);
}

static struct sim_import *one(struct sim_request *q)
{
	struct sim_import *i = sim_map_get(&q->sim->world.import_by_id, q->arg[0]);

	if (!i)
		sim_eleven_error(q, 404, "not_found", "phone_number_not_found",
				 "Phone number with id %s not found.", q->arg[0]);
	return i;
}

static void answer_one(struct sim_request *q, const struct sim_import *i)
{
	struct jw w = JW(&q->out);

	str_clear(&q->out);
	sim_eleven_number_json(&w, NULL, i);
	q->status = 200;
	q->type = "application/json";
}

void sim_eleven_number_get(struct sim_request *q)
{
	struct sim_import *i = one(q);

	if (i)
		answer_one(q, i);
}

void sim_eleven_number_patch(struct sim_request *q)
{
	struct sim_import *i = one(q);
	const char *label = json_get_str(q->json, "label");
	struct sim_agent *agent;

	if (!i || !agent_of_body(q, &agent))
		return;
	/* sid and token cannot be changed: sent ones are ignored, as unknown members are. */
	if (json_get(q->json, "agent_id") && agent != i->agent) {
		sim_ledger_assign(q, i, i->agent, agent);
		sim_import_assign(&q->sim->world, i, agent, q->now_ms);
		sim_ledger_effective(q, NULL);
	}
	if (label && !str_eq(label, i->label)) {
		i->label = sim_intern(&q->sim->world.pool, label);
		sim_ledger_effective(q, NULL);
	}
	answer_one(q, i);
}

void sim_eleven_number_delete(struct sim_request *q)
{
	struct sim_import *i = one(q);

	if (!i)
		return;
	sim_import_remove(&q->sim->world, i, q->now_ms);
	sim_ledger_effective(q, NULL);
	sim_text(q, 200, "application/json", "{}");
}
