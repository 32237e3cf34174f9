/*
 * Twilio's other hosts: Monitor (alerts; who changed a resource), Messaging (which
 * numbers have a registered campaign), Video (do rooms answer).
 */
#include "providers/twilio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static void add_date(struct str *path, const char *name, int64_t ms)
{
	char t[TIME_TEXT];

	format_time(t, ms - ms % 1000);
	if (strlen(t) > 20)
		snprintf(t + 19, sizeof(t) - 19, "Z");
	str_addf(path, "&%s=", name);
	str_add_urlencoded(path, t);
}

/* ---- alerts --------------------------------------------------------------------- */

static int add_alert(void *ctx, struct row *item)
{
	struct alert_list *l = ctx;
	int64_t code = row_int(item, "error_code", 0);

	if (!row_has(item, "sid"))
		return -1;
	struct alert_record *r = LIST_PUSH(l);
	row_text(item, "sid", r->sid, sizeof(r->sid));
	row_text(item, "resource_sid", r->resource_sid, sizeof(r->resource_sid));
	r->code = code > 0 && code <= INT32_MAX ? (int)code : 0;
	r->at_ms = row_time(item, "date_generated");
	if (!r->at_ms)
		r->at_ms = row_time(item, "date_created");
	return 0;
}

enum call_result twilio_alerts(OP_HEAD, int64_t since_ms, int max_pages, struct alert_list *ret,
			       struct call_info *info)
{
	struct str path = STR_INIT(512);

	info_begin(info);
	*ret = (struct alert_list){ 0 };
	str_add(&path, "/v1/Alerts?LogLevel=error&PageSize=1000");
	add_date(&path, "StartDate", since_ms);
	struct twilio_walk w = { .host = TW_MONITOR, .path = str_get(&path), .list = "alerts",
				 .max_pages = max_pages, .fn = add_alert, .ctx = ret };
	twilio_walk(p, c, &w, info);
	ret->more = w.more;
	str_fini(&path);
	if (info->result != CALL_OK)
		LIST_FINI(ret);
	return info->result;
}

/* ---- changes -------------------------------------------------------------------- */

struct change_window { struct change_list *list; int64_t since_ms; };

static int add_change(void *ctx, struct row *item)
{
	struct change_window *w = ctx;
	int64_t at = row_time(item, "event_date");

	if (!row_has(item, "sid"))
		return -1;
	if (at && at < w->since_ms)
		return 1;
	struct change_record *r = LIST_PUSH(w->list);
	row_text(item, "sid", r->sid, sizeof(r->sid));
	row_text(item, "event_type", r->type, sizeof(r->type));
	row_text(item, "resource_sid", r->resource_sid, sizeof(r->resource_sid));
	row_text(item, "actor_sid", r->actor_sid, sizeof(r->actor_sid));
	row_text(item, "actor_type", r->actor_type, sizeof(r->actor_type));
	row_text(item, "source", r->source, sizeof(r->source));
	row_text(item, "source_ip_address", r->ip, sizeof(r->ip));
	r->at_ms = at;
	return 0;
}

enum call_result twilio_changes(OP_HEAD, const char *resource_sid, int64_t since_ms,
				struct change_list *ret, struct call_info *info)
{
	struct change_window ctx = { .list = ret, .since_ms = since_ms };
	struct str path = STR_INIT(512);

	info_begin(info);
	*ret = (struct change_list){ 0 };
	str_add(&path, "/v1/Events?PageSize=100");
	if (resource_sid) {
		str_add(&path, "&ResourceSid=");
		str_add_urlencoded(&path, resource_sid);
	}
	add_date(&path, "StartDate", since_ms);
	struct twilio_walk w = { .host = TW_MONITOR, .path = str_get(&path), .list = "events",
				 .max_pages = 2, .fn = add_change, .ctx = &ctx };
	twilio_walk(p, c, &w, info);
	ret->more = w.more;
	str_fini(&path);
	if (info->result != CALL_OK)
		LIST_FINI(ret);
	return info->result;
}

enum call_result twilio_video(OP_HEAD, struct call_info *info)
{
	_cleanup_(json_free_p) struct json *v = NULL;

	info_begin(info);
	twilio_get(p, c, CRED_MAIN, TW_VIDEO, "/v1/Rooms?PageSize=1", &v, info);
	if (info->result == CALL_OK && !json_has_array(v, "rooms"))
		info_garbled(info, false, "not a page of rooms", NULL, 0);
	return info->result;
}

/* ---- sms readiness -------------------------------------------------------------- */

struct service { char sid[36]; };
struct service_list { struct service *v; size_t n, cap; };

static int add_service(void *ctx, struct row *item)
{
	struct service_list *l = ctx;

	if (!row_has(item, "sid"))
		return -1;
	struct service *s = LIST_PUSH(l);
	row_text(item, "sid", s->sid, sizeof(s->sid));
	return 0;
}

/* The best state of a service's campaigns. */
static int read_campaign(void *ctx, struct row *item)
{
	enum campaign_state *best = ctx;
	enum campaign_state s = CAMPAIGN_PENDING;
	char word[24];

	row_text(item, "campaign_status", word, sizeof(word));
	if (str_eq(word, "VERIFIED") || str_eq(word, "APPROVED"))
		s = CAMPAIGN_APPROVED;
	else if (str_eq(word, "FAILED") || str_eq(word, "SUSPENDED") || str_eq(word, "DELETED"))
		s = CAMPAIGN_FAILED;
	if (s == CAMPAIGN_APPROVED || (s == CAMPAIGN_PENDING && *best != CAMPAIGN_APPROVED) ||
	    *best == CAMPAIGN_NONE)
		*best = s;
	return 0;
}

struct service_numbers {
	struct sms_number_list *list;
	const char *service;
	enum campaign_state s;
};

static int add_sms_number(void *ctx, struct row *item)
{
	struct service_numbers *in = ctx;

	if (!row_has(item, "phone_number"))
		return -1;
	struct sms_number *n = LIST_PUSH(in->list);
	row_text(item, "sid", n->sid, sizeof(n->sid));
	row_text(item, "phone_number", n->e164, sizeof(n->e164));
	snprintf(n->service_sid, sizeof(n->service_sid), "%s", in->service);
	n->campaign = in->s;
	return 0;
}

static enum call_result walk_service(OP_HEAD, const char *sid, const char *rest, const char *list,
				     int (*fn)(void *ctx, struct row *item), void *ctx,
				     struct call_info *info)
{
	struct str path = STR_INIT(256);

	str_add(&path, "/v1/Services/");
	str_add_urlencoded(&path, sid);
	str_add(&path, rest);
	struct twilio_walk w = { .host = TW_MESSAGING, .path = str_get(&path), .list = list,
				 .fn = fn, .ctx = ctx };
	twilio_walk(p, c, &w, info);
	str_fini(&path);
	return info->result;
}

static enum call_result service_numbers(OP_HEAD, const struct service *s,
					struct sms_number_list *ret, struct call_info *info)
{
	struct service_numbers in = { .list = ret, .service = s->sid };

	walk_service(p, c, s->sid, "/Compliance/Usa2p?PageSize=50", "compliance", read_campaign,
		     &in.s, info);
	if (info->result == CALL_NOT_FOUND) /* a service without any registration */
		info->result = CALL_OK;
	if (info->result != CALL_OK)
		return info->result;
	return walk_service(p, c, s->sid, "/PhoneNumbers?PageSize=1000", "phone_numbers",
			    add_sms_number, &in, info);
}

enum call_result twilio_sms_numbers(OP_HEAD, struct sms_number_list *ret, struct call_info *info)
{
	struct service_list services = { 0 };
	struct twilio_walk w = { .host = TW_MESSAGING, .path = "/v1/Services?PageSize=100",
				 .list = "services", .fn = add_service, .ctx = &services };

	info_begin(info);
	*ret = (struct sms_number_list){ 0 };
	twilio_walk(p, c, &w, info);
	for (size_t i = 0; info->result == CALL_OK && i < services.n; i++)
		service_numbers(p, c, &services.v[i], ret, info);
	free(services.v);
	if (info->result != CALL_OK)
		LIST_FINI(ret);
	return info->result;
}
