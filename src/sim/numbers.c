/*
 * IncomingPhoneNumbers and AvailablePhoneNumbers: list with filters and pages,
 * partial update, transfer between accounts of one parent, buying, releasing.
 *
 * Lists are in the order of the account's own array, so a page costs what it
 * returns; a filter by exact number is one look-up.
 */
#include "sim/twilio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "sim/fields.h"
#include "sim/ledger.h"
#include "sim/scenarios.h"

static void not_found(struct sim_request *q)
{
	sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->rest);
}

static struct sim_number *own_number(struct sim_request *q)
{
	struct sim_number *n = sim_number_get(&q->sim->world, q->arg[1]);

	return n && !n->gone && n->account == q->account ? n : NULL;
}

/* A plain number matches as a prefix, '*' stands for any digits. */
static bool number_matches(const char *e164, const char *filter)
{
	const char *plain = *filter == '+' ? e164 : e164 + 1;

	for (; *filter; filter++, plain++) {
		if (*filter == '*') {
			for (const char *p = plain;; p++) {
				if (number_matches(p, filter + 1))
					return true;
				if (!*p)
					return false;
			}
		}
		if (*filter != *plain)
			return false;
	}
	return true;
}

static bool listed(const struct sim_request *q, const struct sim_number *n)
{
	const char *phone = sim_query(q, "PhoneNumber"), *name = sim_query(q, "FriendlyName");
	const char *beta = sim_query(q, "Beta"), *origin = sim_query(q, "Origin");
	char text[24];

	if (!str_empty(phone) && !number_matches(n->e164, phone))
		return false;
	sim_format_us(n->e164, text);
	if (!str_empty(name) && !str_eq(name, *n->v[NF_FRIENDLY] ? n->v[NF_FRIENDLY] : text))
		return false;
	if (!str_empty(beta) && str_eq(beta, "true") != n->beta)
		return false;
	return str_empty(origin) || str_eq(origin, "twilio");
}

static void list_filtered(struct sim_request *q, struct jw *w, const struct sim_page *p)
{
	struct sim_account *a = q->account;
	struct sim_number *exact = sim_number_get(&q->sim->world, sim_query(q, "PhoneNumber"));
	size_t n = exact ? 1 : a->n_numbers, seen = 0, count = 0;

	jw_arr(w, "incoming_phone_numbers");
	for (size_t i = 0; i < n; i++) {
		struct sim_number *x = exact ? exact : a->numbers[i];

		if (x->gone || x->account != a || !listed(q, x))
			continue;
		if (seen++ < p->first || count >= (size_t)p->size)
			continue;
		sim_number_json(q, w, NULL, x);
		count++;
	}
	jw_arr_end(w);
	sim_page_write(q, w, p, "incoming_phone_numbers", count, seen > p->first + count);
}

void sim_numbers_list(struct sim_request *q)
{
	static const char *const filters[] = { "PhoneNumber", "FriendlyName", "Beta", "Origin" };
	struct sim_account *a = q->account;
	bool filtered = false;
	struct sim_page p;
	size_t end;
	struct jw w;

	if (!sim_page_read(q, &p))
		return;
	for (size_t i = 0; i < COUNT_OF(filters); i++)
		filtered |= !str_empty(sim_query(q, filters[i]));
	sim_json_begin(q, &w, 200);
	if (filtered) {
		list_filtered(q, &w, &p);
		sim_json_end(q, &w);
		return;
	}
	end = p.first + (size_t)p.size < a->n_numbers ? p.first + (size_t)p.size : a->n_numbers;
	jw_arr(&w, "incoming_phone_numbers");
	for (size_t i = p.first; i < end; i++)
		sim_number_json(q, &w, NULL, a->numbers[i]);
	jw_arr_end(&w);
	sim_page_write(q, &w, &p, "incoming_phone_numbers", end > p.first ? end - p.first : 0,
		       end < a->n_numbers);
	sim_json_end(q, &w);
}

static void answer_number(struct sim_request *q, int status, const struct sim_number *n)
{
	struct str out = STR_INIT(65536);
	struct jw w = JW(&out);

	sim_number_json(q, &w, NULL, n);
	sim_text(q, status, "application/json", str_get(&out));
	str_fini(&out);
}

void sim_numbers_fetch(struct sim_request *q)
{
	struct sim_number *n = own_number(q);

	if (n)
		answer_number(q, 200, n);
	else
		not_found(q);
}

/* Checks every field that was sent before any is set. */
static bool fields_valid(struct sim_request *q)
{
	for (int i = 0; i < NF_COUNT; i++) {
		const char *v = sim_form(q, sim_fields[i].param);
		int code;

		if (v && !sim_field_valid(i, v, &code)) {
			sim_twilio_error(q, 400, code, "%s is not valid: %s", sim_fields[i].param,
					 v);
			return false;
		}
	}
	return true;
}

static bool apply_fields(struct sim_request *q, struct sim_number *n)
{
	struct sim_world *w = &q->sim->world;
	bool changed = false;

	for (int i = 0; i < NF_COUNT; i++) {
		const char *v = sim_form(q, sim_fields[i].param), *old = n->v[i];

		if (!v || str_eq(v, old))
			continue;
		sim_ledger_field(q, n, i, old, sim_intern(&w->pool, v));
		sim_field_set(w, n, i, v);
		changed = true;
	}
	return changed;
}

/* A parent may hand a number to another of its accounts; nothing else moves one. */
static bool transfer(struct sim_request *q, struct sim_number *n, const char *to_sid)
{
	struct sim_account *to = sim_account_get(&q->sim->world, to_sid), *from = n->account;

	if (!to || to == from)
		return to == from;
	if (q->key || (q->caller != from->parent && q->caller != from)) {
		sim_twilio_error(q, 400, 21473, "Only the parent account may transfer a number");
		return false;
	}
	if (to != q->caller && to->parent != q->caller) {
		sim_twilio_error(q, 400, 21474,
				 "The target account is not a subaccount of this parent");
		return false;
	}
	sim_ledger_effective(q, from);
	sim_ledger_effective(q, to);
	sim_number_move(&q->sim->world, n, to);
	return true;
}

void sim_numbers_update(struct sim_request *q)
{
	struct sim_number *n = own_number(q);
	const char *to = sim_form(q, "AccountSid");

	if (!n) {
		not_found(q);
		return;
	}
	if (!fields_valid(q))
		return;
	if (!str_empty(to) && !str_eq(to, n->account->sid)) {
		if (!transfer(q, n, to)) {
			if (!q->status)
				sim_twilio_error(q, 400, 21474, "The target account is unknown");
			return;
		}
	}
	if (apply_fields(q, n)) {
		sim_ledger_effective(q, n->account);
		n->updated_ms = q->now_ms;
		sim_number_rethink(n, q->now_ms);
		sim_event_add(q, n->account, "phone-number.updated", n->sid, "account", "api");
		n->account->webhook_writes++;
		sim_scenario_wrote(q->sim, n->account);
	}
	answer_number(q, 200, n);
}

static bool free_number(struct sim_world *w, const char *e164)
{
	struct sim_number *n = sim_number_get(w, e164);

	return !n || n->gone;
}

static void available_number(const char *area, unsigned i, char ret[18])
{
	/* 555-01xx is never in use elsewhere here; the rest is spread by a hash. */
	snprintf(ret, 18, "+1%.3s%03u%04u", area, 200 + (unsigned)(sim_mix(i) % 700) / 8 * 8 + 1,
		 (unsigned)(sim_mix(i * 31u + 7) % 10000));
}

void sim_numbers_buy(struct sim_request *q)
{
	const char *e164 = sim_form(q, "PhoneNumber"), *area = sim_form(q, "AreaCode");
	struct sim_world *w = &q->sim->world;
	char text[18] = "";
	struct sim_number *n;

	if (!fields_valid(q))
		return;
	if (str_empty(e164) && str_empty(area)) {
		sim_twilio_error(q, 400, 21450, "PhoneNumber or AreaCode is required");
		return;
	}
	if (str_empty(e164)) {
		for (unsigned i = 0; i < 50 && (!*text || !free_number(w, text)); i++)
			available_number(area, i, text);
		e164 = text;
	}
	if (*e164 != '+' || strlen(e164) > 16 || strspn(e164 + 1, "0123456789") < 8) {
		sim_twilio_error(q, 400, 21421, "PhoneNumber is not valid: %s", e164);
		return;
	}
	if (!free_number(w, e164)) {
		sim_twilio_error(q, 400, 21422, "PhoneNumber is not available: %s", e164);
		return;
	}
	if (q->test_credential) {
		sim_twilio_error(q, 400, 21422, "PhoneNumber is not available: %s", e164);
		return;
	}
	n = sim_number_add(w, q->account, e164, str_has_prefix(e164, "+1") ? "US" : "GB");
	n->created_ms = n->updated_ms = q->now_ms;
	for (int i = 0; i < NF_COUNT; i++)
		if (sim_form(q, sim_fields[i].param))
			sim_field_set(w, n, i, sim_form(q, sim_fields[i].param));
	sim_number_rethink(n, q->now_ms);
	sim_ledger_effective(q, q->account);
	sim_ledger_forbidden(q, "number_bought", "%s in %s", e164, q->account->name);
	sim_event_add(q, q->account, "phone-number.created", n->sid, "account", "api");
	answer_number(q, 201, n);
}

void sim_numbers_release(struct sim_request *q)
{
	struct sim_number *n = own_number(q);

	if (!n) {
		not_found(q);
		return;
	}
	sim_ledger_effective(q, n->account);
	sim_ledger_forbidden(q, "number_released", "%s of %s", n->e164, n->account->name);
	sim_event_add(q, n->account, "phone-number.deleted", n->sid, "account", "api");
	sim_number_remove(&q->sim->world, n, q->now_ms);
	sim_text(q, 204, NULL, "");
}

static void available_json(struct jw *w, const char *e164, const char *country)
{
	char text[24];

	sim_format_us(e164, text);
	jw_obj(w, NULL);
	jw_str(w, "friendly_name", text);
	jw_str(w, "phone_number", e164);
	jw_null(w, "lata");
	jw_null(w, "locality");
	jw_null(w, "rate_center");
	jw_null(w, "latitude");
	jw_null(w, "longitude");
	jw_null(w, "region");
	jw_null(w, "postal_code");
	jw_str(w, "iso_country", country);
	jw_str(w, "address_requirements", "none");
	jw_bool(w, "beta", false);
	jw_obj(w, "capabilities");
	jw_bool(w, "voice", true);
	jw_bool(w, "SMS", true);
	jw_bool(w, "MMS", true);
	jw_bool(w, "fax", false);
	jw_obj_end(w);
	jw_obj_end(w);
}

/* Searching reserves nothing: the same numbers come again until one is bought. */
void sim_available_list(struct sim_request *q)
{
	const char *area = sim_query(q, "AreaCode"), *country = q->arg[1], *type = q->arg[2];
	bool us = str_eq(country, "US") || str_eq(country, "CA");
	bool toll_free = str_eq(type, "TollFree");
	struct sim_page p;
	char e164[18];
	int64_t count = 0;
	struct jw w;

	if ((us && str_eq(type, "Mobile")) ||
	    (!us && !str_eq(country, "GB")) ||
	    (!str_eq(type, "Local") && !toll_free && !str_eq(type, "Mobile") &&
	     !str_eq(type, "National"))) {
		not_found(q);
		return;
	}
	if (!sim_page_read(q, &p))
		return;
	if (str_empty(area) || strlen(area) != 3)
		area = toll_free ? "888" : us ? "415" : "442";
	sim_json_begin(q, &w, 200);
	jw_arr(&w, "available_phone_numbers");
	for (unsigned i = 0; i < 60 && count < p.size && count < 30; i++) {
		if (us)
			available_number(area, i, e164);
		else
			snprintf(e164, sizeof(e164), "+4420%08u",
				 79460000 + (unsigned)(sim_mix(i) % 9999));
		if (!free_number(&q->sim->world, e164))
			continue;
		available_json(&w, e164, country);
		count++;
	}
	jw_arr_end(&w);
	jw_str(&w, "uri", q->rest);
	sim_json_end(q, &w);
}
