/*
 * ElevenLabs Agents: agents, conversations, subscription, calls. Imported numbers
 * are in elevenlabs_numbers.c. One workspace with one key.
 *
 * Bodies carry the union of what the published description and the newest SDK
 * want (voice_id in agent lists).
 */
#include "sim/elevenlabs.h"

#include <stdio.h>
#include <string.h>
#include "core/mem.h"
#include "sim/ledger.h"
#include "sim/traffic.h"

static void access_json(struct jw *w)
{
	jw_obj(w, "access_info");
	jw_bool(w, "is_creator", true);
	jw_str(w, "creator_name", "Acme Voice");
	jw_str(w, "creator_email", "ops@acme.example");
	jw_str(w, "role", "admin");
	jw_obj_end(w);
}

static void agents_list(struct sim_request *q)
{
	struct sim_world *world = &q->sim->world;
	const char *size = sim_query(q, "page_size"), *cursor = sim_query(q, "cursor");
	const char *search = sim_query(q, "search"), *archived = sim_query(q, "archived");
	int64_t limit = 30, at = 0, count = 0;
	struct jw w;

	if (size && !parse_i64(size, 1, 100, &limit)) {
		sim_eleven_422(q, "query", "page_size", "Input should be between 1 and 100");
		return;
	}
	if (!str_empty(cursor) && !parse_i64(cursor, 0, (int64_t)world->n_agents, &at)) {
		sim_eleven_error(q, 400, "validation_error", "invalid_cursor", "Unknown cursor");
		return;
	}
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "agents");
	for (; at < (int64_t)world->n_agents && count < limit; at++) {
		struct sim_agent *g = world->agents[at];

		if (g->deleted || (!str_empty(search) && !strcasestr(g->name, search)) ||
		    (archived && str_eq(archived, "true") != g->archived))
			continue;
		count++;
		jw_obj(&w, NULL);
		jw_str(&w, "agent_id", g->eleven_id);
		jw_str(&w, "name", g->name);
		jw_arr(&w, "tags");
		jw_str(&w, NULL, g->org_id);
		jw_arr_end(&w);
		jw_i64(&w, "created_at_unix_secs", g->created_ms / 1000);
		access_json(&w);
		jw_i64(&w, "last_call_time_unix_secs", q->now_ms / 1000);
		jw_bool(&w, "archived", g->archived);
		jw_str(&w, "voice_id", "cjVigY5qzO86Huf0OWal");
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	if (at < (int64_t)world->n_agents) {
		char next[24];

		snprintf(next, sizeof(next), "%lld", (long long)at);
		jw_str(&w, "next_cursor", next);
	} else {
		jw_null(&w, "next_cursor");
	}
	jw_bool(&w, "has_more", at < (int64_t)world->n_agents);
	sim_json_end(q, &w);
}

struct sim_agent *sim_eleven_agent(struct sim_request *q, const char *id)
{
	struct sim_agent *g = sim_agent_get(&q->sim->world, id);

	if (g && !g->deleted && str_eq(g->eleven_id, id))
		return g;
	sim_eleven_error(q, 404, "not_found", "agent_not_found", "Document with id %s not found.",
			 id ? id : "");
	return NULL;
}

static void agent_get(struct sim_request *q)
{
	struct sim_agent *g = sim_eleven_agent(q, q->arg[0]);
	struct jw w;

	if (!g)
		return;
	sim_json_begin(q, &w, 200);
	jw_str(&w, "agent_id", g->eleven_id);
	jw_str(&w, "name", g->name);
	jw_obj(&w, "conversation_config");
	jw_obj(&w, "asr");
	jw_str(&w, "user_input_audio_format", "ulaw_8000");
	jw_obj_end(&w);
	jw_obj(&w, "tts");
	jw_str(&w, "voice_id", "cjVigY5qzO86Huf0OWal");
	jw_str(&w, "agent_output_audio_format", "ulaw_8000");
	jw_obj_end(&w);
	jw_obj(&w, "agent");
	jw_str(&w, "first_message", "Hello, how can I help?");
	jw_str(&w, "language", "en");
	jw_obj_end(&w);
	jw_obj_end(&w);
	jw_obj(&w, "metadata");
	jw_i64(&w, "created_at_unix_secs", g->created_ms / 1000);
	jw_i64(&w, "updated_at_unix_secs", g->created_ms / 1000);
	jw_obj_end(&w);
	jw_obj(&w, "platform_settings");
	jw_bool(&w, "archived", g->archived);
	jw_obj(&w, "call_limits");
	jw_i64(&w, "agent_concurrency_limit", -1);
	jw_i64(&w, "daily_limit", 100000);
	jw_bool(&w, "bursting_enabled", true);
	jw_obj_end(&w);
	jw_obj_end(&w);
	jw_arr(&w, "phone_numbers");
	for (struct sim_import *i = g->imports; i; i = i->next_of_agent)
		sim_eleven_number_json(&w, NULL, i);
	jw_arr_end(&w);
	jw_arr(&w, "whatsapp_accounts");
	jw_arr_end(&w);
	access_json(&w);
	jw_arr(&w, "tags");
	jw_str(&w, NULL, g->org_id);
	jw_arr_end(&w);
	jw_null(&w, "version_id");
	jw_null(&w, "branch_id");
	sim_json_end(q, &w);
}

static void agent_patch(struct sim_request *q)
{
	struct sim_agent *g = sim_eleven_agent(q, q->arg[0]);
	const char *name = json_get_str(q->json, "name");
	const struct json *archived = json_path(q->json, "platform_settings.archived");

	if (!g)
		return;
	if (name && !str_eq(name, g->name)) {
		g->name = sim_intern(&q->sim->world.pool, name);
		sim_ledger_effective(q, NULL);
	}
	if (archived && json_bool(archived, g->archived) != g->archived) {
		g->archived = !g->archived;
		sim_ledger_effective(q, NULL);
	}
	agent_get(q);
}

static void agent_delete(struct sim_request *q)
{
	struct sim_agent *g = sim_eleven_agent(q, q->arg[0]);

	if (!g)
		return;
	g->deleted = true;
	while (g->imports)
		sim_import_assign(&q->sim->world, g->imports, NULL, q->now_ms);
	sim_ledger_effective(q, NULL);
	sim_ledger_forbidden(q, "agent_deleted", "%s", g->id);
	sim_text(q, 200, "application/json", "{}");
}

static void subscription(struct sim_request *q)
{
	static const char *const zero[] = { "voice_slots_used", "professional_voice_slots_used",
					    "professional_voice_slots_used_in_workspace",
					    "voice_add_edit_counter" };
	static const char *const yes[] = { "can_extend_character_limit",
					   "allowed_to_extend_character_limit",
					   "can_extend_voice_limit",
					   "can_use_instant_voice_cloning",
					   "can_use_professional_voice_cloning" };
	struct jw w;

	sim_json_begin(q, &w, 200);
	jw_str(&w, "tier", "business");
	jw_i64(&w, "character_count", 1840221);
	jw_i64(&w, "character_limit", 11000000);
	jw_null(&w, "max_character_limit_extension");
	jw_str(&w, "max_credit_limit_extension", "unlimited");
	jw_i64(&w, "next_character_count_reset_unix", q->now_ms / 1000 + 86400 * 9);
	for (size_t i = 0; i < COUNT_OF(zero); i++)
		jw_i64(&w, zero[i], 0);
	for (size_t i = 0; i < COUNT_OF(yes); i++)
		jw_bool(&w, yes[i], true);
	jw_i64(&w, "voice_limit", 660);
	jw_null(&w, "max_voice_add_edits");
	jw_i64(&w, "professional_voice_limit", 3);
	jw_str(&w, "currency", "usd");
	jw_obj(&w, "current_overage");
	jw_str(&w, "amount", "0");
	jw_str(&w, "currency", "usd");
	jw_obj_end(&w);
	jw_str(&w, "status", "active");
	jw_str(&w, "billing_period", "monthly_period");
	jw_str(&w, "character_refresh_period", "monthly_period");
	jw_null(&w, "next_invoice");
	jw_arr(&w, "open_invoices");
	jw_arr_end(&w);
	jw_bool(&w, "has_open_invoices", false);
	jw_null(&w, "pending_change");
	sim_json_end(q, &w);
}

static void register_call(struct sim_request *q)
{
	const char *direction = json_get_str(q->json, "direction");
	struct sim_agent *g;
	struct str out = STR_INIT(4096);

	if (!sim_eleven_need(q, "agent_id") || !sim_eleven_need(q, "from_number") ||
	    !sim_eleven_need(q, "to_number"))
		return;
	g = sim_eleven_agent(q, json_get_str(q->json, "agent_id"));
	if (!g)
		return;
	str_addf(&out,
		 "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect><Stream "
		 "url=\"wss://api.elevenlabs.io/v1/convai/conversation?agent_id=%s\">"
		 "<Parameter name=\"direction\" value=\"%s\"/></Stream></Connect></Response>",
		 g->eleven_id, direction ? direction : "inbound");
	sim_text(q, 200, "text/html", out.s);
	str_fini(&out);
}

/* success=false with Twilio's words is how dead stored credentials show. */
static void outbound_call(struct sim_request *q)
{
	struct sim_world *world = &q->sim->world;
	struct sim_import *i;
	struct sim_account *a;
	char sid[SIM_SID], conv[40] = "conv_";
	bool works;
	struct jw w;

	if (!sim_eleven_need(q, "agent_id") || !sim_eleven_need(q, "agent_phone_number_id") ||
	    !sim_eleven_need(q, "to_number") ||
	    !sim_eleven_agent(q, json_get_str(q->json, "agent_id")))
		return;
	i = sim_map_get(&world->import_by_id, json_get_str(q->json, "agent_phone_number_id"));
	if (!i) {
		sim_eleven_error(q, 404, "not_found", "phone_number_not_found",
				 "Phone number not found.");
		return;
	}
	a = sim_account_get(world, i->account_sid);
	works = a && a->status == SIM_ACTIVE && !a->token_rejected && i->number &&
		!i->number->gone &&
		(str_eq(i->token, a->token) || str_eq(i->token, a->second_token));
	sim_json_begin(q, &w, 200);
	jw_bool(&w, "success", works);
	jw_str(&w, "message", works ? "Call initiated"
				    : "HTTP 401 error: Unable to create record: Authenticate");
	if (works) {
		sim_new_sid(world, "CA", sid);
		sim_new_hex(world, conv + 5, 26);
		sim_ledger_effective(q, NULL);
	}
	jw_str(&w, "conversation_id", works ? conv : NULL);
	jw_str(&w, "callSid", works ? sid : NULL);
	sim_json_end(q, &w);
}

static void conversation_json(struct jw *w, const struct sim_agent *g, const struct sim_call *c)
{
	bool failed = str_eq(c->status, "failed"), done = c->end_ms != 0;
	char id[48];

	snprintf(id, sizeof(id), "conv_%.26s", c->sid + 6);
	jw_obj(w, NULL);
	jw_str(w, "agent_id", g->eleven_id);
	jw_str(w, "agent_name", g->name);
	jw_str(w, "conversation_id", id);
	jw_i64(w, "start_time_unix_secs", c->start_ms / 1000);
	jw_i64(w, "call_duration_secs", c->duration_s);
	jw_i64(w, "message_count", failed ? 0 : 6);
	jw_str(w, "status", failed ? "failed" : done ? "done" : "in-progress");
	jw_str(w, "termination_reason", failed ? "Call failed at the carrier" : "");
	jw_str(w, "call_successful", failed ? "failure" : done ? "success" : "unknown");
	jw_str(w, "direction", "inbound");
	jw_arr(w, "tag_ids");
	jw_arr_end(w);
	jw_obj_end(w);
}

static void conversations(struct sim_request *q)
{
	struct sim_world *world = &q->sim->world;
	const char *agent = sim_query(q, "agent_id"), *size = sim_query(q, "page_size");
	int64_t after = 0, limit = 30, count = 0;
	struct sim_agent *only = NULL;
	struct jw w;

	if (!str_empty(agent) && !(only = sim_eleven_agent(q, agent)))
		return;
	if (size && !parse_i64(size, 1, 100, &limit)) {
		sim_eleven_422(q, "query", "page_size", "Input should be between 1 and 100");
		return;
	}
	if (sim_query(q, "call_start_after_unix"))
		parse_i64(sim_query(q, "call_start_after_unix"), 0, INT64_MAX / 1000, &after);
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "conversations");
	for (size_t i = 0; i < world->n_accounts && count < limit; i++) {
		struct sim_call_it it;
		struct sim_call c;

		sim_calls_from(&it, q->sim, world->accounts[i], SIM_CALLS, after * 1000,
			       q->now_ms);
		while (count < limit && sim_calls_next(&it, &c)) {
			if (!c.number || !c.number->agent || (only && c.number->agent != only))
				continue;
			conversation_json(&w, c.number->agent, &c);
			count++;
		}
	}
	jw_arr_end(&w);
	jw_null(&w, "next_cursor");
	jw_bool(&w, "has_more", false);
	sim_json_end(q, &w);
}

static const struct sim_route routes[] = {
	{ "GET", "/v1/convai/phone-numbers", "phone-numbers.list", sim_eleven_numbers_list, 0 },
	{ "POST", "/v1/convai/phone-numbers", "phone-numbers.import", sim_eleven_import, RT_WRITE },
	{ "POST", "/v1/convai/phone-numbers/create", "phone-numbers.import", sim_eleven_import,
	  RT_WRITE },
	{ "GET", "/v1/convai/v2/phone-numbers", "phone-numbers.page", sim_eleven_numbers_page, 0 },
	{ "GET", "/v1/convai/phone-numbers/{}", "phone-numbers.fetch", sim_eleven_number_get, 0 },
	{ "PATCH", "/v1/convai/phone-numbers/{}", "phone-numbers.update", sim_eleven_number_patch,
	  RT_WRITE },
	{ "DELETE", "/v1/convai/phone-numbers/{}", "phone-numbers.delete",
	  sim_eleven_number_delete, RT_WRITE },
	{ "GET", "/v1/convai/agents", "agents.list", agents_list, 0 },
	{ "GET", "/v1/convai/agents/{}", "agents.fetch", agent_get, 0 },
	{ "PATCH", "/v1/convai/agents/{}", "agents.update", agent_patch, RT_WRITE },
	{ "DELETE", "/v1/convai/agents/{}", "agents.delete", agent_delete, RT_WRITE },
	{ "GET", "/v1/user/subscription", "subscription", subscription, 0 },
	{ "POST", "/v1/convai/twilio/register-call", "register-call", register_call, 0 },
	{ "POST", "/v1/convai/twilio/outbound-call", "outbound-call", outbound_call, RT_WRITE },
	{ "GET", "/v1/convai/conversations", "conversations.list", conversations, 0 },
};

void sim_elevenlabs(struct sim_request *q)
{
	const struct sim_route *r = sim_route_find(q, routes, COUNT_OF(routes));
	const char *key = q->header ? q->header(q->header_ctx, "xi-api-key") : NULL;

	if (!key || !str_eq(key, q->sim->world.eleven_key)) {
		sim_eleven_error(q, 401, "authentication_error", "invalid_api_key",
				 "Invalid API key");
		return;
	}
	if (!r) {
		sim_text(q, 404, "application/json", "{\"detail\":\"Not Found\"}");
		return;
	}
	if (q->body_len && !q->json) {
		sim_eleven_422(q, "body", "0", "JSON decode error");
		return;
	}
	sim_head(q, "current-concurrent-requests", "%llu",
		 (unsigned long long)q->sim->ledger.in_flight);
	sim_head(q, "maximum-concurrent-requests", "30");
	r->fn(q);
}
