/* Telnyx, as far as it is observed: numbers (where their voice goes) and the balance. */
#include "sim/request.h"

#include <stdio.h>
#include <string.h>
#include "sim/ledger.h"

static void telnyx_error(struct sim_request *q, int status, const char *code, const char *title)
{
	struct jw w;

	sim_json_begin(q, &w, status);
	jw_arr(&w, "errors");
	jw_obj(&w, NULL);
	jw_str(&w, "code", code);
	jw_str(&w, "title", title);
	jw_str(&w, "detail", title);
	jw_obj_end(&w);
	jw_arr_end(&w);
	sim_json_end(q, &w);
}

static void telnyx_number(struct sim_request *q, struct jw *w, const char *name, int i)
{
	char text[40];

	jw_obj(w, name);
	snprintf(text, sizeof(text), "16931974%010d", i + 1);
	jw_str(w, "id", text);
	snprintf(text, sizeof(text), "+1646555%04d", 1000 + i);
	jw_str(w, "phone_number", text);
	jw_str(w, "status", "active");
	jw_str(w, "connection_id", q->sim->telnyx_connection[i] ? q->sim->telnyx_connection[i]
								: "1494404757140276705");
	jw_str(w, "connection_name", "elevenlabs-sip");
	jw_null(w, "messaging_profile_id");
	jw_str(w, "emergency_status", "disabled");
	jw_bool(w, "deletion_lock_enabled", true);
	jw_str(w, "record_type", "phone_number");
	jw_obj_end(w);
}

static void telnyx_numbers(struct sim_request *q)
{
	const char *want = sim_query(q, "filter[phone_number]");
	int64_t size = 20, page = 1;
	char text[40];
	struct jw w;

	if (sim_query(q, "page[size]"))
		parse_i64(sim_query(q, "page[size]"), 1, 250, &size);
	if (sim_query(q, "page[number]"))
		parse_i64(sim_query(q, "page[number]"), 1, 1000000, &page);
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "data");
	for (int64_t i = (page - 1) * size; i < SIM_TELNYX_NUMBERS && i < page * size; i++) {
		snprintf(text, sizeof(text), "+1646555%04d", 1000 + (int)i);
		if (str_empty(want) || str_eq(want, text))
			telnyx_number(q, &w, NULL, (int)i);
	}
	jw_arr_end(&w);
	jw_obj(&w, "meta");
	jw_i64(&w, "page_number", page);
	jw_i64(&w, "page_size", size);
	jw_i64(&w, "total_pages", (SIM_TELNYX_NUMBERS + size - 1) / size);
	jw_i64(&w, "total_results", SIM_TELNYX_NUMBERS);
	jw_obj_end(&w);
	sim_json_end(q, &w);
}

/* GET one, or PATCH its connection_id, which is where its voice goes. */
static void telnyx_one(struct sim_request *q)
{
	const char *id = q->rest + strlen("/v2/phone_numbers/");
	const char *connection = json_get_str(q->json, "connection_id");
	const char **slot;
	int64_t i;
	struct jw w;

	if (!str_has_prefix(id, "16931974") || !parse_i64(id + 8, 1, SIM_TELNYX_NUMBERS, &i)) {
		telnyx_error(q, 404, "10005", "Resource not found");
		return;
	}
	slot = &q->sim->telnyx_connection[--i];
	if (str_eq(q->method, "PATCH") && connection && !str_eq(connection, *slot)) {
		*slot = sim_intern(&q->sim->world.pool, connection);
		sim_ledger_effective(q, NULL);
	}
	sim_json_begin(q, &w, 200);
	telnyx_number(q, &w, "data", (int)i);
	sim_json_end(q, &w);
}

static void telnyx_balance(struct sim_request *q)
{
	struct jw w;

	sim_json_begin(q, &w, 200);
	jw_obj(&w, "data");
	jw_str(&w, "record_type", "balance");
	jw_str(&w, "balance", "812.40");
	jw_str(&w, "credit_limit", "0.00");
	jw_str(&w, "available_credit", "812.40");
	jw_str(&w, "currency", "USD");
	jw_obj_end(&w);
	sim_json_end(q, &w);
}

void sim_telnyx(struct sim_request *q)
{
	const char *auth = q->header ? q->header(q->header_ctx, "Authorization") : NULL;

	if (!auth || !str_has_prefix(auth, "Bearer ") ||
	    !str_eq(auth + 7, q->sim->world.telnyx_key)) {
		telnyx_error(q, 401, "10009", "Authentication failed");
		return;
	}
	sim_head(q, "x-ratelimit-limit", "200");
	sim_head(q, "x-ratelimit-remaining", "199");
	sim_head(q, "x-ratelimit-reset", "1");
	if (str_eq(q->method, "GET") && str_eq(q->rest, "/v2/phone_numbers")) {
		q->op = "numbers.list";
		telnyx_numbers(q);
	} else if (str_has_prefix(q->rest, "/v2/phone_numbers/") &&
		   (str_eq(q->method, "GET") || str_eq(q->method, "PATCH"))) {
		q->op = "numbers.one";
		telnyx_one(q);
	} else if (str_eq(q->method, "GET") && str_eq(q->rest, "/v2/balance")) {
		q->op = "balance";
		telnyx_balance(q);
	} else {
		telnyx_error(q, 404, "10005", "Resource not found");
	}
}
