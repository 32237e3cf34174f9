/*
 * The listeners: Slack and PagerDuty answer as they do, a generic webhook sink
 * answers 204, and everything that arrives is kept (the last 4096) to be read back.
 */
#include "sim/sent.h"

#include <stdio.h>
#include <string.h>
#include "core/mem.h"

static void item_fini(struct sim_sent_item *i)
{
	free_p(&i->to);
	free_p(&i->subject);
	free_p(&i->body);
	*i = (struct sim_sent_item){ 0 };
}

void sim_sent_add(struct sim *s, const char *kind, const char *to, const char *subject,
		  const char *body)
{
	struct sim_sent_item *i = &s->sent.v[s->sent.next % SIM_SENT_MAX];

	item_fini(i);
	i->seq = ++s->sent.next;
	i->at_ms = sim_now(s);
	i->kind = kind;
	i->to = xstrdup(to ? to : "");
	i->subject = xstrdup(subject ? subject : "");
	i->body = xstrdup(body ? body : "");
}

void sim_sent_clear(struct sim *s)
{
	for (size_t i = 0; i < SIM_SENT_MAX; i++)
		item_fini(&s->sent.v[i]);
	s->sent.next = 0;
	for (int i = 0; i < s->mailbox.n_refuse; i++)
		free_p(&s->mailbox.refuse[i]);
	s->mailbox.n_refuse = 0;
}

void sim_sent_write(struct sim *s, struct jw *w, const char *kind, int64_t after)
{
	uint64_t first = s->sent.next > SIM_SENT_MAX ? s->sent.next - SIM_SENT_MAX : 0;

	if (after > 0 && (uint64_t)after > first)
		first = (uint64_t)after;
	jw_arr(w, "sent");
	for (uint64_t k = first; k < s->sent.next; k++) {
		const struct sim_sent_item *i = &s->sent.v[k % SIM_SENT_MAX];

		if (!str_empty(kind) && !str_eq(kind, i->kind))
			continue;
		jw_obj(w, NULL);
		jw_i64(w, "seq", (int64_t)i->seq);
		jw_time(w, "at", i->at_ms);
		jw_str(w, "kind", i->kind);
		jw_str(w, "to", i->to);
		jw_str(w, "subject", i->subject);
		jw_str(w, "body", i->body);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_i64(w, "next", (int64_t)s->sent.next);
}

bool sim_mail_refused(const struct sim *s, const char *recipient)
{
	for (int i = 0; i < s->mailbox.n_refuse; i++)
		if (strcasecmp(s->mailbox.refuse[i], recipient) == 0)
			return true;
	return false;
}

void sim_slack(struct sim_request *q)
{
	const char *text = json_get_str(q->json, "text");

	q->op = "post";
	if (!str_eq(q->method, "POST") || !q->json) {
		sim_text(q, 400, "text/plain", "invalid_payload");
		return;
	}
	if (str_empty(text) && !json_get(q->json, "blocks") &&
	    !json_get(q->json, "attachments")) {
		sim_text(q, 400, "text/plain", "no_text");
		return;
	}
	sim_sent_add(q->sim, "slack", q->rest, text, q->body);
	sim_text(q, 200, "text/plain", "ok");
}

static void pagerduty_refuse(struct sim_request *q, const char *why)
{
	struct jw w;

	sim_json_begin(q, &w, 400);
	jw_str(&w, "status", "invalid event");
	jw_str(&w, "message", "Event object is invalid");
	jw_arr(&w, "errors");
	jw_str(&w, NULL, why);
	jw_arr_end(&w);
	sim_json_end(q, &w);
}

void sim_pagerduty(struct sim_request *q)
{
	const char *action = json_get_str(q->json, "event_action");
	const char *key = json_get_str(q->json, "routing_key");
	const char *dedup = json_get_str(q->json, "dedup_key");
	const char *severity = json_get_str(json_get(q->json, "payload"), "severity");
	const char *summary = json_get_str(json_get(q->json, "payload"), "summary");
	char made[40] = "";
	struct jw w;

	q->op = "enqueue";
	if (!str_eq(q->rest, "/v2/enqueue") || !str_eq(q->method, "POST")) {
		sim_text(q, 404, "text/plain", "not found");
		return;
	}
	if (str_empty(key) || strlen(key) != 32) {
		pagerduty_refuse(q, "'routing_key' is missing or not 32 characters");
		return;
	}
	if (!str_eq(action, "trigger") && !str_eq(action, "acknowledge") &&
	    !str_eq(action, "resolve")) {
		pagerduty_refuse(q, "'event_action' is invalid");
		return;
	}
	if (str_eq(action, "trigger") &&
	    (str_empty(summary) || strlen(summary) > 1024 ||
	     str_empty(json_get_str(json_get(q->json, "payload"), "source")) ||
	     (!str_eq(severity, "critical") && !str_eq(severity, "error") &&
	      !str_eq(severity, "warning") && !str_eq(severity, "info")))) {
		pagerduty_refuse(q, "'payload' needs summary, source and severity");
		return;
	}
	if (!str_eq(action, "trigger") && str_empty(dedup)) {
		pagerduty_refuse(q, "'dedup_key' is missing");
		return;
	}
	if (str_empty(dedup)) {
		sim_new_hex(&q->sim->world, made, 32);
		dedup = made;
	}
	sim_sent_add(q->sim, "pagerduty", dedup, action, q->body);
	sim_json_begin(q, &w, 202);
	jw_str(&w, "status", "success");
	jw_str(&w, "message", "Event processed");
	jw_str(&w, "dedup_key", dedup);
	sim_json_end(q, &w);
}

void sim_hook(struct sim_request *q)
{
	const char *sign = q->header ? q->header(q->header_ctx, "X-Ringdown-Signature") : NULL;

	q->op = "post";
	sim_sent_add(q->sim, "webhook", q->rest, sign, q->body ? q->body : "");
	sim_text(q, 204, NULL, "");
}
