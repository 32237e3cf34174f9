/*
 * The smaller Twilio hosts: Video rooms, Routes (which region serves a number),
 * Lookups (formatting only), Pricing (what a number costs a month).
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

static void serve(struct sim_request *q, const struct sim_route *table, size_t n)
{
	const struct sim_route *r = sim_route_find(q, table, n);

	if (r && sim_twilio_auth(q, r))
		r->fn(q);
}

/* ---- Video ------------------------------------------------------------------------------ */

static void room_json(struct sim_request *q, struct jw *w, const char *name,
		      const struct sim_room *r)
{
	char text[96];

	jw_obj(w, name);
	jw_str(w, "sid", r->sid);
	jw_str(w, "account_sid", q->account->sid);
	jw_str(w, "status", r->status);
	jw_str(w, "unique_name", r->name);
	jw_str(w, "type", "group");
	sim_iso(w, "date_created", r->created_ms);
	sim_iso(w, "date_updated", r->ended_ms ? r->ended_ms : r->created_ms);
	sim_iso(w, "end_time", r->ended_ms);
	if (r->ended_ms)
		jw_i64(w, "duration", (r->ended_ms - r->created_ms) / 1000);
	else
		jw_null(w, "duration");
	jw_bool(w, "enable_turn", true);
	jw_null(w, "status_callback");
	jw_str(w, "status_callback_method", "POST");
	jw_i64(w, "max_participants", 50);
	jw_i64(w, "max_participant_duration", 14400);
	jw_i64(w, "max_concurrent_published_tracks", 170);
	jw_bool(w, "record_participants_on_connect", false);
	jw_arr(w, "video_codecs");
	jw_str(w, NULL, "VP8");
	jw_arr_end(w);
	jw_str(w, "media_region", "us1");
	jw_bool(w, "audio_only", false);
	jw_i64(w, "empty_room_timeout", 5);
	jw_i64(w, "unused_room_timeout", 5);
	jw_bool(w, "large_room", false);
	snprintf(text, sizeof(text), "https://video.twilio.com/v1/Rooms/%s", r->sid);
	jw_str(w, "url", text);
	jw_obj(w, "links");
	jw_obj_end(w);
	jw_obj_end(w);
}

static struct sim_room *open_room(struct sim_request *q, const char *sid_or_name)
{
	for (size_t i = q->account->n_rooms; i-- > 0;) {
		struct sim_room *r = &q->account->rooms[i];

		if (str_eq(r->sid, sid_or_name) ||
		    (str_eq(r->name, sid_or_name) && str_eq(r->status, "in-progress")))
			return r;
	}
	return NULL;
}

static void answer_room(struct sim_request *q, int status, const struct sim_room *r)
{
	struct jw w = JW(&q->out);

	str_clear(&q->out);
	room_json(q, &w, NULL, r);
	q->status = status;
	q->type = "application/json";
}

static void room_create(struct sim_request *q)
{
	const char *name = sim_form(q, "UniqueName");
	struct sim_account *a = q->account;
	struct sim_room *r;

	if (!str_empty(name) && open_room(q, name)) {
		sim_twilio_error(q, 400, 53113, "Room exists");
		return;
	}
	a->rooms = grow(a->rooms, &a->cap_rooms, a->n_rooms + 1, sizeof(*r));
	r = &a->rooms[a->n_rooms++];
	*r = (struct sim_room){ .status = "in-progress", .created_ms = q->now_ms };
	sim_new_sid(&q->sim->world, "RM", r->sid);
	r->name = sim_intern(&q->sim->world.pool, str_empty(name) ? r->sid : name);
	sim_ledger_effective(q, NULL);
	answer_room(q, 201, r);
}

static void room_fetch(struct sim_request *q)
{
	struct sim_room *r = open_room(q, q->arg[0]);

	if (r)
		answer_room(q, 200, r);
	else
		not_found(q);
}

static void room_update(struct sim_request *q)
{
	struct sim_room *r = open_room(q, q->arg[0]);

	if (!r) {
		not_found(q);
		return;
	}
	if (!str_eq(sim_form(q, "Status"), "completed")) {
		sim_twilio_error(q, 400, 53111, "Status must be completed");
		return;
	}
	if (!r->ended_ms) {
		r->ended_ms = q->now_ms;
		r->status = "completed";
		sim_ledger_effective(q, NULL);
	}
	answer_room(q, 202, r);
}

static void rooms_list(struct sim_request *q)
{
	const char *status = sim_query(q, "Status"), *name = sim_query(q, "UniqueName");
	size_t seen = 0, count = 0;
	struct sim_page p;
	struct jw w;

	if (!sim_page_read(q, &p))
		return;
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "rooms");
	for (size_t i = q->account->n_rooms; i-- > 0;) {
		const struct sim_room *r = &q->account->rooms[i];

		if (!str_eq(r->status, str_empty(status) ? "in-progress" : status) ||
		    (!str_empty(name) && !str_eq(name, r->name)))
			continue;
		if (seen++ < p.first || count >= (size_t)p.size)
			continue;
		room_json(q, &w, NULL, r);
		count++;
	}
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "rooms", count, seen > p.first + count);
	sim_json_end(q, &w);
}

static const struct sim_route video[] = {
	{ "GET", "/v1/Rooms", "rooms.list", rooms_list, 0 },
	{ "POST", "/v1/Rooms", "rooms.create", room_create, RT_WRITE },
	{ "GET", "/v1/Rooms/{}", "rooms.fetch", room_fetch, 0 },
	{ "POST", "/v1/Rooms/{}", "rooms.update", room_update, RT_WRITE },
};

void sim_video(struct sim_request *q)
{
	serve(q, video, COUNT_OF(video));
}

/* ---- Routes, Lookups ----------------------------------------------------------------------- */

static void route_number(struct sim_request *q)
{
	struct sim_number *n = sim_number_get(&q->sim->world, q->arg[0]);
	const char *region = sim_form(q, "VoiceRegion");
	char text[96];
	struct jw w;

	if (!n || n->gone || (n->account != q->account && n->account->parent != q->account)) {
		not_found(q);
		return;
	}
	if (str_eq(q->method, "POST") && !str_empty(region) && !str_eq(region, n->voice_region)) {
		n->voice_region = sim_intern(&q->sim->world.pool, region);
		sim_ledger_effective(q, n->account);
	}
	sim_json_begin(q, &w, 200);
	jw_str(&w, "phone_number", n->e164);
	jw_str(&w, "url", "");
	jw_str(&w, "sid", "");
	jw_str(&w, "account_sid", n->account->sid);
	sim_format_us(n->e164, text);
	jw_str(&w, "friendly_name", text);
	jw_str(&w, "voice_region", n->voice_region);
	sim_iso(&w, "date_created", n->created_ms);
	sim_iso(&w, "date_updated", n->updated_ms);
	sim_json_end(q, &w);
}

static const struct sim_route routes[] = {
	{ "GET", "/v2/PhoneNumbers/{}", "route.fetch", route_number, 0 },
	{ "POST", "/v2/PhoneNumbers/{}", "route.update", route_number, RT_WRITE },
};

void sim_routes(struct sim_request *q)
{
	serve(q, routes, COUNT_OF(routes));
}

static void lookup(struct sim_request *q)
{
	bool us = str_has_prefix(q->arg[0], "+1"), ok = strlen(q->arg[0]) >= 9;
	char text[96];
	struct jw w;

	sim_json_begin(q, &w, 200);
	jw_str(&w, "calling_country_code", us ? "1" : "44");
	jw_str(&w, "country_code", us ? "US" : "GB");
	jw_str(&w, "phone_number", q->arg[0]);
	snprintf(text, sizeof(text), "%.20s", q->arg[0]);
	jw_str(&w, "national_format", text);
	jw_bool(&w, "valid", ok);
	jw_arr(&w, "validation_errors");
	jw_arr_end(&w);
	snprintf(text, sizeof(text), "https://lookups.twilio.com/v2/PhoneNumbers/%.20s", q->arg[0]);
	jw_str(&w, "url", text);
	sim_json_end(q, &w);
}

static const struct sim_route lookups[] = {
	{ "GET", "/v2/PhoneNumbers/{}", "lookup", lookup, RT_TEST_OK },
};

void sim_lookups(struct sim_request *q)
{
	serve(q, lookups, COUNT_OF(lookups));
}

/* ---- Pricing ------------------------------------------------------------------------------ */

static void number_prices(struct sim_request *q)
{
	static const char *const prices[][2] = {
		{ "local", "1.15" }, { "toll free", "2.15" }, { "mobile", "3.00" },
		{ "national", "1.50" },
	};
	char text[96];
	struct jw w;

	sim_json_begin(q, &w, 200);
	jw_str(&w, "country", str_eq(q->arg[0], "US") ? "United States" : q->arg[0]);
	jw_str(&w, "iso_country", q->arg[0]);
	jw_arr(&w, "phone_number_prices");
	for (size_t i = 0; i < COUNT_OF(prices); i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "number_type", prices[i][0]);
		jw_str(&w, "base_price", prices[i][1]);
		jw_str(&w, "current_price", prices[i][1]);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_str(&w, "price_unit", "USD");
	snprintf(text, sizeof(text), "https://pricing.twilio.com/v1/PhoneNumbers/Countries/%.8s",
		 q->arg[0]);
	jw_str(&w, "url", text);
	sim_json_end(q, &w);
}

static const struct sim_route pricing[] = {
	{ "GET", "/v1/PhoneNumbers/Countries/{}", "pricing.numbers", number_prices, 0 },
};

void sim_pricing(struct sim_request *q)
{
	serve(q, pricing, COUNT_OF(pricing));
}
