/*
 * Calls and their notifications. A call body has no error code: that is in the
 * notifications and in Monitor alerts, as at Twilio.
 */
#include "sim/twilio.h"

#include <stdio.h>
#include <string.h>
#include "core/mem.h"
#include "sim/ledger.h"
#include "sim/sent.h"
#include "sim/traffic.h"

static void call_json(struct sim_request *q, struct jw *w, const struct sim_call *c)
{
	const char *ours = c->record ? c->record->from : c->number->e164;
	const char *from = c->outbound ? ours : c->other, *to = c->outbound ? c->other : ours;
	char text[140], from_text[24], to_text[24];

	sim_format_us(from, from_text);
	sim_format_us(to, to_text);
	jw_obj(w, NULL);
	jw_str(w, "sid", c->sid);
	jw_str(w, "account_sid", q->account->sid);
	sim_rfc2822(w, "date_created", c->start_ms);
	sim_rfc2822(w, "date_updated", c->end_ms ? c->end_ms : c->start_ms);
	jw_null(w, "parent_call_sid");
	jw_str(w, "to", to);
	jw_str(w, "to_formatted", to_text);
	jw_str(w, "from", from);
	jw_str(w, "from_formatted", from_text);
	jw_str(w, "phone_number_sid", c->number ? c->number->sid : NULL);
	jw_str(w, "status", c->status);
	sim_rfc2822(w, "start_time", str_eq(c->status, "queued") ? 0 : c->start_ms);
	sim_rfc2822(w, "end_time", c->end_ms);
	snprintf(text, sizeof(text), "%d", c->duration_s);
	jw_str(w, "duration", c->end_ms ? text : NULL);
	jw_null(w, "price");
	jw_str(w, "price_unit", "USD");
	jw_str(w, "direction", c->outbound ? "outbound-api" : "inbound");
	jw_null(w, "answered_by");
	jw_str(w, "api_version", "2010-04-01");
	jw_null(w, "forwarded_from");
	jw_null(w, "group_sid");
	jw_null(w, "caller_name");
	jw_str(w, "queue_time", "0");
	jw_null(w, "trunk_sid");
	snprintf(text, sizeof(text), "/2010-04-01/Accounts/%s/Calls/%s.json", q->account->sid,
		 c->sid);
	jw_str(w, "uri", text);
	jw_obj(w, "subresource_uris");
	snprintf(text, sizeof(text), "/2010-04-01/Accounts/%s/Calls/%s/Notifications.json",
		 q->account->sid, c->sid);
	jw_str(w, "notifications", text);
	jw_obj_end(w);
	jw_obj_end(w);
}

static bool call_wanted(const struct sim_request *q, const struct sim_call *c)
{
	const char *status = sim_query(q, "Status"), *to = sim_query(q, "To");
	const char *from = sim_query(q, "From"), *parent = sim_query(q, "ParentCallSid");
	const char *ours = c->record ? c->record->from : c->number->e164;

	if (!str_empty(parent) || (!str_empty(status) && !str_eq(status, c->status)))
		return false;
	if (!str_empty(to) && !str_eq(to, c->outbound ? c->other : ours))
		return false;
	return str_empty(from) || str_eq(from, c->outbound ? ours : c->other);
}

void sim_calls_list(struct sim_request *q)
{
	int64_t from, to, end_from, end_to;
	size_t seen = 0, count = 0;
	struct sim_call_it it;
	struct sim_page p;
	struct sim_call c;
	bool more = false;
	struct jw w;

	if (!sim_page_read(q, &p) || !sim_date_range(q, "StartTime", &from, &to) ||
	    !sim_date_range(q, "EndTime", &end_from, &end_to))
		return;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "calls");
	sim_calls_from(&it, q->sim, q->account, SIM_CALLS, from > end_from ? from : end_from,
		       to < p.bound_ms ? to : p.bound_ms);
	while (!more && sim_calls_next(&it, &c)) {
		if (!call_wanted(q, &c) || seen++ < p.first)
			continue;
		if (count == (size_t)p.size) {
			more = true;
			break;
		}
		call_json(q, &w, &c);
		count++;
	}
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "calls", count, more);
	sim_json_end(q, &w);
}

static bool find_call(struct sim_request *q, struct sim_call *ret)
{
	if (str_has_prefix(q->arg[1], "CA") &&
	    sim_call_by_sid(q->sim, q->account, q->arg[1], ret))
		return true;
	sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->rest);
	return false;
}

static void answer_call(struct sim_request *q, int status, const struct sim_call *c)
{
	struct jw w = JW(&q->out);

	str_clear(&q->out);
	call_json(q, &w, c);
	q->status = status;
	q->type = "application/json";
}

void sim_calls_fetch(struct sim_request *q)
{
	struct sim_call c;

	if (find_call(q, &c))
		answer_call(q, 200, &c);
}

void sim_calls_create(struct sim_request *q)
{
	const char *to = sim_form(q, "To"), *from = sim_form(q, "From");
	struct sim_account *a = q->account;
	struct sim_number *n = sim_number_get(&q->sim->world, from);
	const struct sim_health *h;
	struct sim_record *r;
	struct sim_call c;

	if (str_empty(to) || str_empty(from)) {
		sim_twilio_error(q, 400, str_empty(to) ? 21201 : 21213, "No '%s' number specified",
				 str_empty(to) ? "To" : "From");
		return;
	}
	if (str_empty(sim_form(q, "Url")) && str_empty(sim_form(q, "Twiml")) &&
	    str_empty(sim_form(q, "ApplicationSid"))) {
		sim_twilio_error(q, 400, 21205, "Url parameter is required");
		return;
	}
	if (!n || n->gone || (n->account != a && !q->test_credential)) {
		sim_twilio_error(q, 400, 21210,
				 "The source phone number provided, %s, is not yet verified for "
				 "your account",
				 from);
		return;
	}
	a->calls = grow(a->calls, &a->cap_calls, a->n_calls + 1, sizeof(*r));
	r = &a->calls[a->n_calls++];
	*r = (struct sim_record){ .created_ms = q->now_ms };
	sim_new_sid(&q->sim->world, "CA", r->sid);
	r->to = sim_intern(&q->sim->world.pool, to);
	r->from = sim_intern(&q->sim->world.pool, from);
	h = sim_history_at(&a->calls_health, q->now_ms);
	r->code = h && h->rate >= 1 ? h->code : n->voice ? 0 : 21210;
	if (sim_form(q, "Twiml") && strstr(sim_form(q, "Twiml"), "<Say>"))
		sim_sent_add(q->sim, "call", to, from, sim_form(q, "Twiml"));
	sim_ledger_effective(q, NULL);
	sim_call_by_sid(q->sim, a, r->sid, &c);
	answer_call(q, 201, &c);
}

void sim_calls_update(struct sim_request *q)
{
	const char *status = sim_form(q, "Status");
	struct sim_call c;

	if (!find_call(q, &c))
		return;
	if (str_eq(q->method, "DELETE") || str_eq(status, "completed") ||
	    str_eq(status, "canceled")) {
		sim_ledger_forbidden(q, "call_ended", "%s", c.sid);
		sim_ledger_effective(q, NULL);
		if (c.record)
			((struct sim_record *)c.record)->canceled = true;
	}
	if (str_eq(q->method, "DELETE"))
		sim_text(q, 204, NULL, "");
	else
		answer_call(q, 200, &c);
}

static void notification_json(struct sim_request *q, struct jw *w, const struct sim_call *c)
{
	char text[160], sid[SIM_SID] = "NO";

	memcpy(sid + 2, c->sid + 2, SIM_SID - 2);
	jw_obj(w, NULL);
	jw_str(w, "sid", sid);
	jw_str(w, "account_sid", q->account->sid);
	jw_str(w, "api_version", "2010-04-01");
	jw_str(w, "call_sid", c->sid);
	snprintf(text, sizeof(text), "%d", c->code);
	jw_str(w, "error_code", text);
	jw_str(w, "log", "0");
	snprintf(text, sizeof(text), "sourceComponent=12000&ErrorCode=%d&LogLevel=ERROR", c->code);
	jw_str(w, "message_text", text);
	sim_rfc2822(w, "message_date", c->start_ms);
	sim_rfc2822(w, "date_created", c->start_ms);
	sim_rfc2822(w, "date_updated", c->start_ms);
	snprintf(text, sizeof(text), "https://www.twilio.com/docs/errors/%d", c->code);
	jw_str(w, "more_info", text);
	jw_str(w, "request_method", "POST");
	jw_str(w, "request_url", c->number ? c->number->v[NF_VOICE_URL] : "");
	snprintf(text, sizeof(text), "/2010-04-01/Accounts/%s/Notifications/%s.json",
		 q->account->sid, sid);
	jw_str(w, "uri", text);
	jw_obj_end(w);
}

void sim_call_notifications(struct sim_request *q)
{
	struct sim_page p;
	struct sim_call c;
	size_t count;
	struct jw w;

	if (!sim_page_read(q, &p) || !find_call(q, &c))
		return;
	count = c.code && p.first == 0 ? 1 : 0;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "notifications");
	if (count)
		notification_json(q, &w, &c);
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "notifications", count, false);
	sim_json_end(q, &w);
}

void sim_notifications_list(struct sim_request *q)
{
	size_t seen = 0, count = 0;
	int64_t from, to;
	struct sim_call_it it;
	struct sim_page p;
	struct sim_call c;
	bool more = false, failing;
	struct jw w;

	if (!sim_page_read(q, &p) || !sim_date_range(q, "MessageDate", &from, &to))
		return;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "notifications");
	sim_calls_from(&it, q->sim, q->account, SIM_CALLS, from,
		       to < p.bound_ms ? to : p.bound_ms);
	failing = sim_any_failing(q->account, it.from_ms);
	while (failing && !more && sim_calls_next(&it, &c)) {
		if (!c.code || seen++ < p.first)
			continue;
		if (count == (size_t)p.size) {
			more = true;
			break;
		}
		notification_json(q, &w, &c);
		count++;
	}
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "notifications", count, more);
	sim_json_end(q, &w);
}
