/*
 * monitor.twilio.com: alerts (made from failed calls, see traffic.h, plus stored
 * ones) and events, which say who changed what.
 */
#include "sim/twilio.h"

#include <stdio.h>
#include <string.h>
#include "core/mem.h"
#include "sim/traffic.h"

void sim_event_add(struct sim_request *q, struct sim_account *a, const char *type,
		   const char *resource, const char *actor_type, const char *source)
{
	struct sim_note *e;

	/* A fleet's worth of edits is kept, not more. */
	if (a->n_events > 200000)
		return;
	a->events = grow(a->events, &a->cap_events, a->n_events + 1, sizeof(*e));
	e = &a->events[a->n_events++];
	*e = (struct sim_note){ .type = type, .actor_type = actor_type, .source = source,
				.actor = "", .data = "", .text = "", .at_ms = q->now_ms };
	sim_new_sid(&q->sim->world, "AE", e->sid);
	snprintf(e->resource, sizeof(e->resource), "%s", resource);
}

static void alert_json(struct sim_request *q, struct jw *w, const char *resource, int code,
		       const char *url, int64_t at_ms, bool whole)
{
	char text[160], sid[SIM_SID] = "NO";

	memcpy(sid + 2, resource + 2, SIM_SID - 2);
	jw_str(w, "sid", sid);
	jw_str(w, "account_sid", q->account->sid);
	jw_str(w, "resource_sid", resource);
	snprintf(text, sizeof(text), "%d", code);
	jw_str(w, "error_code", text);
	jw_str(w, "log_level", "error");
	snprintf(text, sizeof(text), "sourceComponent=12000&ErrorCode=%d&LogLevel=ERROR", code);
	jw_str(w, "alert_text", text);
	snprintf(text, sizeof(text), "https://www.twilio.com/docs/errors/%d", code);
	jw_str(w, "more_info", text);
	jw_str(w, "request_method", "POST");
	jw_str(w, "request_url", url);
	jw_str(w, "api_version", "2010-04-01");
	jw_null(w, "service_sid");
	sim_iso(w, "date_created", at_ms);
	sim_iso(w, "date_generated", at_ms);
	sim_iso(w, "date_updated", at_ms);
	if (whole) {
		jw_str(w, "request_variables", "");
		jw_str(w, "request_headers", "");
		jw_str(w, "response_headers", "");
		jw_str(w, "response_body", "");
	}
	snprintf(text, sizeof(text), "https://monitor.twilio.com/v1/Alerts/%s", sid);
	jw_str(w, "url", text);
}

static void alerts_list(struct sim_request *q)
{
	const char *level = sim_query(q, "LogLevel");
	const char *start = sim_query(q, "StartDate"), *end = sim_query(q, "EndDate");
	int64_t from = 0, to = INT64_MAX;
	size_t seen = 0, count = 0;
	bool more = false, failing;
	struct sim_call_it it;
	struct sim_page p;
	struct sim_call c;
	struct jw w;

	if (!sim_page_read(q, &p))
		return;
	if ((!str_empty(start) && strlen(start) > 10 && !parse_time_ms(start, &from)) ||
	    (!str_empty(end) && strlen(end) > 10 && !parse_time_ms(end, &to))) {
		sim_twilio_error(q, 400, 20001, "Invalid date");
		return;
	}
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "alerts");
	sim_calls_from(&it, q->sim, q->account, SIM_CALLS, from,
		       to < p.bound_ms ? to : p.bound_ms);
	failing = (str_empty(level) || str_eq(level, "error")) &&
		  sim_any_failing(q->account, it.from_ms);
	while (failing && !more && sim_calls_next(&it, &c)) {
		if (!c.code || seen++ < p.first)
			continue;
		if (count == (size_t)p.size || seen > 10000) {
			more = count == (size_t)p.size;
			break;
		}
		jw_obj(&w, NULL);
		alert_json(q, &w, c.sid, c.code, c.number ? c.number->v[NF_VOICE_URL] : "",
			   c.start_ms, false);
		jw_obj_end(&w);
		count++;
	}
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "alerts", count, more);
	sim_json_end(q, &w);
}

static void alert_fetch(struct sim_request *q)
{
	char sid[SIM_SID] = "CA";
	struct sim_call c;
	struct jw w;

	if (strlen(q->arg[0]) == SIM_SID - 1 && str_has_prefix(q->arg[0], "NO")) {
		memcpy(sid + 2, q->arg[0] + 2, SIM_SID - 2);
		if (sim_call_by_sid(q->sim, q->account, sid, &c) && c.code) {
			sim_json_begin(q, &w, 200);
			alert_json(q, &w, sid, c.code, c.number ? c.number->v[NF_VOICE_URL] : "",
				   c.start_ms, true);
			sim_json_end(q, &w);
			return;
		}
	}
	sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->rest);
}

static void event_json(struct sim_request *q, struct jw *w, const struct sim_note *e)
{
	char text[96];

	jw_obj(w, NULL);
	jw_str(w, "sid", e->sid);
	jw_str(w, "account_sid", q->account->sid);
	jw_str(w, "event_type", e->type);
	jw_str(w, "resource_sid", e->resource);
	jw_str(w, "resource_type", "phone-number");
	jw_str(w, "actor_sid", *e->actor ? e->actor : NULL);
	jw_str(w, "actor_type", e->actor_type);
	jw_str(w, "source", e->source);
	jw_str(w, "source_ip_address", "203.0.113.10");
	jw_str(w, "description", *e->text ? e->text : NULL);
	jw_obj(w, "event_data");
	jw_obj_end(w);
	sim_iso(w, "event_date", e->at_ms);
	snprintf(text, sizeof(text), "https://monitor.twilio.com/v1/Events/%s", e->sid);
	jw_str(w, "url", text);
	jw_obj(w, "links");
	jw_obj_end(w);
	jw_obj_end(w);
}

static void events_list(struct sim_request *q)
{
	const char *resource = sim_query(q, "ResourceSid"), *type = sim_query(q, "EventType");
	const char *start = sim_query(q, "StartDate");
	struct sim_account *a = q->account;
	size_t seen = 0, count = 0;
	int64_t from = 0;
	struct sim_page p;
	struct jw w;

	if (!sim_page_read(q, &p))
		return;
	if (!str_empty(start))
		parse_time_ms(start, &from);
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "events");
	for (size_t i = a->n_events; i-- > 0;) {
		const struct sim_note *e = &a->events[i];

		if ((!str_empty(resource) && !str_eq(resource, e->resource)) ||
		    (!str_empty(type) && !str_eq(type, e->type)) || e->at_ms < from)
			continue;
		if (seen++ < p.first || count >= (size_t)p.size)
			continue;
		event_json(q, &w, e);
		count++;
	}
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "events", count, seen > p.first + count);
	sim_json_end(q, &w);
}

static const struct sim_route routes[] = {
	{ "GET", "/v1/Alerts", "alerts.list", alerts_list, 0 },
	{ "GET", "/v1/Alerts/{}", "alerts.fetch", alert_fetch, 0 },
	{ "GET", "/v1/Events", "events.list", events_list, 0 },
};

void sim_monitor(struct sim_request *q)
{
	const struct sim_route *r = sim_route_find(q, routes, COUNT_OF(routes));

	if (r && sim_twilio_auth(q, r))
		r->fn(q);
}
