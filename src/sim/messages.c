/*
 * Messages. Creation checks the sender the way Twilio does; whether the carrier
 * takes it shows only later, in the status: a number outside an approved campaign
 * gets 201 and then 30034.
 */
#include "sim/twilio.h"

#include <stdio.h>
#include <string.h>
#include "core/mem.h"
#include "sim/ledger.h"
#include "sim/traffic.h"

static void message_json(struct sim_request *q, struct jw *w, const struct sim_call *c)
{
	const struct sim_record *r = c->record;
	const char *ours = r ? r->from : c->number->e164;
	char text[140];

	jw_obj(w, NULL);
	jw_str(w, "sid", c->sid);
	jw_str(w, "account_sid", q->account->sid);
	jw_str(w, "messaging_service_sid",
	       r && *r->service_sid ? r->service_sid
				    : c->number && c->number->service ? c->number->service->sid :
					NULL);
	jw_str(w, "from", c->outbound ? ours : c->other);
	jw_str(w, "to", c->outbound ? c->other : ours);
	jw_str(w, "body", r ? r->body : "Reminder: your appointment is tomorrow.");
	jw_str(w, "status", c->status);
	jw_str(w, "direction", c->outbound ? "outbound-api" : "inbound");
	jw_str(w, "num_segments", "1");
	jw_str(w, "num_media", "0");
	jw_null(w, "price");
	jw_str(w, "price_unit", "USD");
	if (c->code)
		jw_i64(w, "error_code", c->code);
	else
		jw_null(w, "error_code");
	jw_null(w, "error_message");
	jw_str(w, "api_version", "2010-04-01");
	sim_rfc2822(w, "date_created", c->start_ms);
	sim_rfc2822(w, "date_sent", c->end_ms);
	sim_rfc2822(w, "date_updated", c->end_ms ? c->end_ms : c->start_ms);
	snprintf(text, sizeof(text), "/2010-04-01/Accounts/%s/Messages/%s.json", q->account->sid,
		 c->sid);
	jw_str(w, "uri", text);
	jw_obj(w, "subresource_uris");
	snprintf(text, sizeof(text), "/2010-04-01/Accounts/%s/Messages/%s/Media.json",
		 q->account->sid, c->sid);
	jw_str(w, "media", text);
	jw_obj_end(w);
	jw_obj_end(w);
}

static bool message_wanted(const struct sim_request *q, const struct sim_call *c)
{
	const char *to = sim_query(q, "To"), *from = sim_query(q, "From");
	const char *ours = c->record ? c->record->from : c->number->e164;

	if (!str_empty(to) && !str_eq(to, c->outbound ? c->other : ours))
		return false;
	return str_empty(from) || str_eq(from, c->outbound ? ours : c->other);
}

void sim_messages_list(struct sim_request *q)
{
	size_t seen = 0, count = 0;
	struct sim_call_it it;
	struct sim_page p;
	struct sim_call c;
	int64_t from, to;
	bool more = false;
	struct jw w;

	if (!sim_page_read(q, &p) || !sim_date_range(q, "DateSent", &from, &to))
		return;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "messages");
	sim_calls_from(&it, q->sim, q->account, SIM_MESSAGES, from,
		       to < p.bound_ms ? to : p.bound_ms);
	while (!more && sim_calls_next(&it, &c)) {
		if (!message_wanted(q, &c) || seen++ < p.first)
			continue;
		if (count == (size_t)p.size) {
			more = true;
			break;
		}
		message_json(q, &w, &c);
		count++;
	}
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "messages", count, more);
	sim_json_end(q, &w);
}

static void answer_message(struct sim_request *q, int status, const char *sid)
{
	struct jw w = JW(&q->out);
	struct sim_call c;

	if (!str_has_prefix(sid, "SM") || !sim_call_by_sid(q->sim, q->account, sid, &c)) {
		sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->rest);
		return;
	}
	str_clear(&q->out);
	message_json(q, &w, &c);
	q->status = status;
	q->type = "application/json";
}

void sim_messages_fetch(struct sim_request *q)
{
	answer_message(q, 200, q->arg[1]);
}

static bool phone(const char *s)
{
	return *s == '+' && strlen(s) >= 9 && strlen(s) <= 16 &&
	       strspn(s + 1, "0123456789") == strlen(s) - 1;
}

/* The sender, or NULL after an error was answered. */
static struct sim_number *sender(struct sim_request *q)
{
	const char *from = sim_form(q, "From"), *service = sim_form(q, "MessagingServiceSid");
	struct sim_world *w = &q->sim->world;
	struct sim_number *n;

	if (!str_empty(service)) {
		struct sim_service *s = sim_map_get(&w->service_by_sid, service);

		if (!s || s->account != q->account) {
			sim_twilio_error(q, 400, 21705, "The Messaging Service is not valid");
			return NULL;
		}
		if (!s->n) {
			sim_twilio_error(q, 400, 21704, "The Messaging Service has no senders");
			return NULL;
		}
		return s->numbers[sim_hash(sim_form(q, "To")) % s->n];
	}
	if (str_empty(from)) {
		sim_twilio_error(q, 400, 21603, "A 'From' phone number is required");
		return NULL;
	}
	n = sim_number_get(w, from);
	if (n && !n->gone && n->account == q->account && n->sms)
		return n;
	if (n && !n->gone && n->account != q->account)
		sim_twilio_error(q, 400, 21660, "Mismatch between the 'From' number %s and the"
						" account", from);
	else if (n && !n->gone)
		sim_twilio_error(q, 400, 21606, "The 'From' number %s is not SMS-capable", from);
	else
		sim_twilio_error(q, 400, 21659, "'From' %s is not a Twilio phone number", from);
	return NULL;
}

static int delivery_code(struct sim_request *q, const struct sim_number *n)
{
	const struct sim_health *h = sim_history_at(&q->account->sms_health, q->now_ms);

	if (!h || sim_random(q->sim) >= h->rate)
		h = sim_history_at(n->sms_health, q->now_ms);
	if (h && sim_random(q->sim) < h->rate)
		return h->code;
	return n->sms_ready ? 0 : 30034;
}

void sim_messages_create(struct sim_request *q)
{
	const char *to = sim_form(q, "To"), *body = sim_form(q, "Body");
	struct sim_account *a = q->account;
	struct sim_pool *pool = &q->sim->world.pool;
	struct sim_number *n;
	struct sim_record *r;
	int code;

	if (str_empty(to) || !phone(to)) {
		sim_twilio_error(q, 400, str_empty(to) ? 21604 : 21211,
				 "A valid 'To' phone number is required");
		return;
	}
	if (str_empty(body) && str_empty(sim_form(q, "MediaUrl")) &&
	    str_empty(sim_form(q, "ContentSid"))) {
		sim_twilio_error(q, 400, 21602, "Message body is required");
		return;
	}
	n = sender(q);
	if (!n)
		return;
	if (str_eq(a->type, "Trial")) {
		sim_twilio_error(q, 400, 21608, "The number %s is unverified", to);
		return;
	}
	code = delivery_code(q, n);
	a->messages = grow(a->messages, &a->cap_messages, a->n_messages + 1, sizeof(*r));
	r = &a->messages[a->n_messages++];
	*r = (struct sim_record){ .created_ms = q->now_ms, .code = code };
	sim_new_sid(&q->sim->world, "SM", r->sid);
	r->from = sim_intern(pool, n->e164);
	r->to = sim_intern(pool, to);
	r->body = sim_intern(pool, body);
	r->service_sid = sim_intern(pool, sim_form(q, "MessagingServiceSid"));
	sim_ledger_effective(q, NULL);
	answer_message(q, 201, r->sid);
}
