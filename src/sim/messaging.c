/*
 * messaging.twilio.com: Messaging Services, their senders, their campaign. A number
 * is ready for US texts while it is in a service whose campaign is VERIFIED.
 */
#include "sim/request.h"

#include <stdio.h>
#include <string.h>
#include "core/mem.h"
#include "sim/ledger.h"

static void not_found(struct sim_request *q)
{
	sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->rest);
}

static void service_json(struct jw *w, const char *name, const struct sim_service *s)
{
	char text[128];

	jw_obj(w, name);
	jw_str(w, "sid", s->sid);
	jw_str(w, "account_sid", s->account->sid);
	jw_str(w, "friendly_name", s->name);
	sim_iso(w, "date_created", s->created_ms);
	sim_iso(w, "date_updated", s->created_ms);
	jw_null(w, "inbound_request_url");
	jw_str(w, "inbound_method", "POST");
	jw_null(w, "fallback_url");
	jw_str(w, "fallback_method", "POST");
	jw_null(w, "status_callback");
	jw_bool(w, "sticky_sender", true);
	jw_bool(w, "mms_converter", true);
	jw_bool(w, "smart_encoding", true);
	jw_str(w, "scan_message_content", "inherit");
	jw_bool(w, "fallback_to_long_code", true);
	jw_bool(w, "area_code_geomatch", true);
	jw_bool(w, "synchronous_validation", false);
	jw_i64(w, "validity_period", 14400);
	jw_str(w, "usecase", "notifications");
	jw_bool(w, "us_app_to_person_registered", s->registered);
	jw_bool(w, "use_inbound_webhook_on_number", s->use_number_webhook);
	snprintf(text, sizeof(text), "https://messaging.twilio.com/v1/Services/%s", s->sid);
	jw_str(w, "url", text);
	jw_obj(w, "links");
	jw_obj_end(w);
	jw_obj_end(w);
}

static void services_list(struct sim_request *q)
{
	size_t count = 0;
	struct sim_page p;
	struct jw w;

	if (!sim_page_read(q, &p))
		return;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "services");
	for (size_t i = p.first; i < q->account->n_services && count < (size_t)p.size; i++, count++)
		service_json(&w, NULL, q->account->services[i]);
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "services", count, p.first + count < q->account->n_services);
	sim_json_end(q, &w);
}

static struct sim_service *own_service(struct sim_request *q)
{
	struct sim_service *s = sim_map_get(&q->sim->world.service_by_sid, q->arg[0]);

	if (s && s->account == q->account)
		return s;
	not_found(q);
	return NULL;
}

static void service_fetch(struct sim_request *q)
{
	struct sim_service *s = own_service(q);
	struct jw w = JW(&q->out);

	if (!s)
		return;
	service_json(&w, NULL, s);
	q->status = 200;
	q->type = "application/json";
}

static void sender_json(struct jw *w, const struct sim_number *n)
{
	char text[160];

	jw_obj(w, NULL);
	jw_str(w, "sid", n->sid);
	jw_str(w, "account_sid", n->account->sid);
	jw_str(w, "service_sid", n->service->sid);
	sim_iso(w, "date_created", n->created_ms);
	sim_iso(w, "date_updated", n->created_ms);
	jw_str(w, "phone_number", n->e164);
	jw_str(w, "country_code", n->country);
	jw_arr(w, "capabilities");
	if (n->voice)
		jw_str(w, NULL, "Voice");
	if (n->sms)
		jw_str(w, NULL, "SMS");
	if (n->mms)
		jw_str(w, NULL, "MMS");
	jw_arr_end(w);
	snprintf(text, sizeof(text), "https://messaging.twilio.com/v1/Services/%s/PhoneNumbers/%s",
		 n->service->sid, n->sid);
	jw_str(w, "url", text);
	jw_obj_end(w);
}

static void senders_list(struct sim_request *q)
{
	struct sim_service *s = own_service(q);
	size_t count = 0;
	struct sim_page p;
	struct jw w;

	if (!s || !sim_page_read(q, &p))
		return;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "phone_numbers");
	for (size_t i = p.first; i < s->n && count < (size_t)p.size; i++, count++)
		sender_json(&w, s->numbers[i]);
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "phone_numbers", count, p.first + count < s->n);
	sim_json_end(q, &w);
}

static void sender_add(struct sim_request *q)
{
	struct sim_service *s = own_service(q);
	struct sim_number *n = sim_number_get(&q->sim->world, sim_form(q, "PhoneNumberSid"));
	struct jw w = JW(&q->out);

	if (!s)
		return;
	if (!n || n->gone || n->account != q->account) {
		not_found(q);
		return;
	}
	if (n->service) {
		sim_twilio_error(q, 409, n->service == s ? 21710 : 21712,
				 "The phone number is already in a Messaging Service");
		return;
	}
	s->numbers = grow(s->numbers, &s->cap, s->n + 1, sizeof(n));
	s->numbers[s->n++] = n;
	n->service = s;
	n->sms_ready = s->registered && str_eq(s->campaign_status, "VERIFIED");
	sim_ledger_effective(q, q->account);
	sender_json(&w, n);
	q->status = 201;
	q->type = "application/json";
}

static void sender_remove(struct sim_request *q)
{
	struct sim_service *s = own_service(q);

	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->numbers[i]->sid, q->arg[1])) {
			s->numbers[i]->service = NULL;
			s->numbers[i]->sms_ready = false;
			s->numbers[i] = s->numbers[--s->n];
			sim_ledger_effective(q, q->account);
			sim_text(q, 204, NULL, "");
			return;
		}
	not_found(q);
}

static void campaign_json(struct jw *w, const struct sim_service *s)
{
	static const char *const no[] = { "has_embedded_links", "has_embedded_phone", "age_gated",
					  "direct_lending", "is_externally_registered", "mock" };
	static const char *const lists[] = { "message_samples", "opt_in_keywords",
					     "opt_out_keywords", "help_keywords", "errors" };

	jw_obj(w, NULL);
	jw_str(w, "sid", s->campaign_sid);
	jw_str(w, "account_sid", s->account->sid);
	jw_str(w, "messaging_service_sid", s->sid);
	jw_null(w, "brand_registration_sid");
	jw_str(w, "description", "Appointment notices");
	jw_str(w, "us_app_to_person_usecase", "MIXED");
	jw_str(w, "campaign_status", s->campaign_status);
	jw_str(w, "campaign_id", "CSIM001");
	jw_bool(w, "subscriber_opt_in", true);
	for (size_t i = 0; i < COUNT_OF(no); i++)
		jw_bool(w, no[i], false);
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		jw_arr(w, lists[i]);
		jw_arr_end(w);
	}
	jw_obj(w, "rate_limits");
	jw_obj_end(w);
	sim_iso(w, "date_created", s->created_ms);
	sim_iso(w, "date_updated", s->created_ms);
	jw_null(w, "url");
	jw_obj_end(w);
}

static void campaigns_list(struct sim_request *q)
{
	struct sim_service *s = own_service(q);
	struct sim_page p;
	size_t count;
	struct jw w;

	if (!s || !sim_page_read(q, &p))
		return;
	count = s->registered && p.first == 0 ? 1 : 0;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "compliance");
	if (count)
		campaign_json(&w, s);
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "compliance", count, false);
	sim_json_end(q, &w);
}

static const struct sim_route messaging[] = {
	{ "GET", "/v1/Services", "services.list", services_list, 0 },
	{ "GET", "/v1/Services/{}", "services.fetch", service_fetch, 0 },
	{ "GET", "/v1/Services/{}/PhoneNumbers", "senders.list", senders_list, 0 },
	{ "POST", "/v1/Services/{}/PhoneNumbers", "senders.add", sender_add, RT_WRITE },
	{ "DELETE", "/v1/Services/{}/PhoneNumbers/{}", "senders.remove", sender_remove, RT_WRITE },
	{ "GET", "/v1/Services/{}/Compliance/Usa2p", "campaigns.list", campaigns_list, 0 },
};

void sim_messaging(struct sim_request *q)
{
	const struct sim_route *r = sim_route_find(q, messaging, COUNT_OF(messaging));

	if (r && sim_twilio_auth(q, r))
		r->fn(q);
}
