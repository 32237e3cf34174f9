/*
 * What the control interface sets on accounts, numbers and agents. Every member is
 * a row of a table; an unknown one is refused by name, so that a typing error in a
 * test does not pass as a healthy world.
 */
#include "sim/control.h"

#include <stdio.h>
#include <string.h>
#include "core/mem.h"
#include "sim/fields.h"
#include "sim/twilio.h"

struct setter {
	const char *name;
	enum json_type type;
	int (*set)(struct sim *s, void *target, const struct json *v, struct err *err);
};

static int apply(struct sim *s, void *target, const struct setter *table, size_t n,
		 const struct json *spec, struct err *err)
{
	if (json_type(spec) != JSON_OBJECT)
		return err_set(err, ERR_INVALID, "an object is needed");
	for (const struct json *m = json_first(spec); m; m = json_next(m)) {
		size_t i = 0;
		int rc;

		while (i < n && !str_eq(table[i].name, json_name(m)))
			i++;
		if (i == n)
			return err_field(err, ERR_INVALID, json_name(m), "unknown member");
		if (json_type(m) != table[i].type)
			return err_field(err, ERR_INVALID, json_name(m), "wrong type: %s",
					 json_type_name(m));
		rc = table[i].set(s, target, m, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- health ---------------------------------------------------------------------------- */

static void set_health(struct sim_history **h, int64_t now, double rate, int code)
{
	if (!*h && rate <= 0)
		return;
	if (!*h)
		*h = xcalloc(1, sizeof(**h));
	sim_history_add(*h, now, rate, code);
}

/* {"share":0.75} or {"count":2} or {"orgs":2} of the numbers that agents answer. */
static size_t chosen(const struct json *v, size_t n)
{
	int64_t count = json_get_i64(v, "count", -1), orgs = json_get_i64(v, "orgs", -1);
	double share = json_get_double(v, "share", 1);
	size_t k = (size_t)(share * (double)n + 0.5);

	if (orgs >= 0)
		k = (size_t)orgs * 5;
	if (count >= 0)
		k = (size_t)count;
	return k < n ? k : n;
}

static int agents_failing(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;
	size_t n = chosen(v, a->n_numbers), done = 0;
	int code = (int)json_get_i64(v, "code", 32005);
	double rate = json_get_double(v, "rate", 1);

	(void)err;
	for (size_t i = 0; i < a->n_numbers && done < n; i++, done++)
		set_health(&a->numbers[i]->calls_health, sim_now(s), rate, code);
	return 0;
}

static int agents_sms_failing(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;
	size_t n = chosen(v, a->n_numbers);
	int code = (int)json_get_i64(v, "code", 30007);

	(void)err;
	for (size_t i = 0; i < n; i++)
		set_health(&a->numbers[i]->sms_health, sim_now(s),
			   json_get_double(v, "rate", 0.9), code);
	return 0;
}

static int voice_lost(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;
	size_t n = chosen(v, a->n_numbers);

	(void)err;
	for (size_t i = 0; i < n; i++) {
		a->numbers[i]->voice = false;
		sim_number_rethink(a->numbers[i], sim_now(s));
	}
	return 0;
}

static int fail_rate(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;

	(void)err;
	sim_history_add(&a->calls_health, sim_now(s), json_get_double(v, "rate", 1),
			(int)json_get_i64(v, "code", 32005));
	return 0;
}

static int sms_fail_rate(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;

	(void)err;
	sim_history_add(&a->sms_health, sim_now(s), json_get_double(v, "rate", 1),
			(int)json_get_i64(v, "code", 30037));
	return 0;
}

static void set_state(struct sim *s, struct sim_account *a, enum sim_status status)
{
	if (status == a->status)
		return;
	a->status = status;
	a->updated_ms = sim_now(s);
	sim_history_add(&a->calls_health, sim_now(s), status == SIM_ACTIVE ? 0 : 1, 10003);
	sim_history_add(&a->sms_health, sim_now(s), status == SIM_ACTIVE ? 0 : 1, 30002);
}

static int heal(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;
	int64_t now = sim_now(s);

	(void)err;
	if (!json_bool(v, false))
		return 0;
	set_state(s, a, SIM_ACTIVE);
	a->token_rejected = a->keys_rejected = a->suspended_by_twilio = false;
	if (a->calls_health.n)
		sim_history_add(&a->calls_health, now, 0, 0);
	if (a->sms_health.n)
		sim_history_add(&a->sms_health, now, 0, 0);
	for (size_t i = 0; i < s->world.n_numbers; i++) {
		struct sim_number *n = s->world.numbers[i];

		if (n->account != a)
			continue;
		sim_number_restore(&s->world, n);
		n->voice = true;
		set_health(&n->calls_health, now, 0, 0);
		set_health(&n->sms_health, now, 0, 0);
		sim_number_rethink(n, now);
	}
	return 0;
}

/* ---- account ------------------------------------------------------------------------------ */

static int status(struct sim *s, void *target, const struct json *v, struct err *err)
{
	static const char *const names[] = { "active", "suspended", "closed" };

	for (int i = 0; i < 3; i++)
		if (str_eq(json_str(v), names[i])) {
			set_state(s, target, (enum sim_status)i);
			return 0;
		}
	return err_field(err, ERR_INVALID, "status", "active, suspended or closed");
}

static int set_token(char *to, const struct json *v, struct err *err)
{
	if (strlen(json_str(v)) > 32)
		return err_field(err, ERR_INVALID, json_name(v), "at most 32 characters");
	snprintf(to, 33, "%s", json_str(v));
	return 0;
}

static int auth_token(struct sim *s, void *target, const struct json *v, struct err *err)
{
	(void)s;
	return set_token(((struct sim_account *)target)->token, v, err);
}

static int second_token(struct sim *s, void *target, const struct json *v, struct err *err)
{
	(void)s;
	return set_token(((struct sim_account *)target)->second_token, v, err);
}

static int numbers(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;

	if (str_eq(json_str(v), "deleted")) {
		while (a->n_numbers)
			sim_number_remove(&s->world, a->numbers[a->n_numbers - 1], sim_now(s));
		return 0;
	}
	if (!str_eq(json_str(v), "restored"))
		return err_field(err, ERR_INVALID, "numbers", "deleted or restored");
	for (size_t i = 0; i < s->world.n_numbers; i++)
		if (s->world.numbers[i]->account == a)
			sim_number_restore(&s->world, s->world.numbers[i]);
	return 0;
}

/* Somebody changes one number that an agent uses (the lowest) by hand in the console. */
static int edit_one(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;
	struct sim_number *pick = NULL;

	for (size_t i = 0; i < a->n_numbers; i++) {
		struct sim_number *n = a->numbers[i];
		bool used = n->slot >= 0 && !n->until_ms;

		if (used && (!pick || strcmp(n->e164, pick->e164) < 0))
			pick = n;
	}
	if (!pick)
		return err_field(err, ERR_NOT_FOUND, "editOne", "no number is in use");
	return sim_set_number(s, pick, v, err);
}

static int revoke(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;

	(void)s;
	for (int i = 0; i < a->n_keys; i++)
		if (str_eq(a->keys[i].sid, json_str(v)) || str_eq(json_str(v), "all"))
			a->keys[i].revoked = true;
	(void)err;
	return 0;
}

#define BOOL_SETTER(fn, field)                                                                     \
	static int fn(struct sim *s, void *target, const struct json *v, struct err *err)          \
	{                                                                                          \
		(void)s;                                                                           \
		(void)err;                                                                         \
		((struct sim_account *)target)->field = json_bool(v, false);                       \
		return 0;                                                                          \
	}
#define TEXT_SETTER(fn, field)                                                                     \
	static int fn(struct sim *s, void *target, const struct json *v, struct err *err)          \
	{                                                                                          \
		(void)err;                                                                         \
		((struct sim_account *)target)->field = sim_intern(&s->world.pool, json_str(v));   \
		return 0;                                                                          \
	}
BOOL_SETTER(token_rejected, token_rejected)
BOOL_SETTER(keys_rejected, keys_rejected)
BOOL_SETTER(by_twilio, suspended_by_twilio)
BOOL_SETTER(source, source)
TEXT_SETTER(type, type)
TEXT_SETTER(region, region)
TEXT_SETTER(edge, edge)
TEXT_SETTER(inactive_answer, inactive_answer)

static int balance(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;
	struct str text = STR_INIT(64);
	double d;
	bool ok;

	(void)s;
	json_print(&text, v);
	ok = parse_double(str_get(&text), &d);
	str_fini(&text);
	if (!ok)
		return err_field(err, ERR_INVALID, "balance", "a number");
	a->balance = d;
	return 0;
}

static int max_concurrent(struct sim *s, void *target, const struct json *v, struct err *err)
{
	(void)s;
	(void)err;
	((struct sim_account *)target)->max_concurrent = (int)json_i64(v, 0);
	return 0;
}

static int campaign(struct sim *s, void *target, const struct json *v, struct err *err)
{
	struct sim_account *a = target;

	(void)err;
	for (size_t i = 0; i < a->n_services; i++) {
		struct sim_service *m = a->services[i];

		m->campaign_status = sim_intern(&s->world.pool, json_str(v));
		m->registered = str_eq(json_str(v), "VERIFIED");
		for (size_t k = 0; k < m->n; k++)
			m->numbers[k]->sms_ready = m->registered;
	}
	return 0;
}

int sim_set_account(struct sim *s, struct sim_account *a, const struct json *spec,
		    struct err *err)
{
	static const struct setter table[] = {
		{ "status", JSON_STRING, status },
		{ "authToken", JSON_STRING, auth_token },
		{ "secondaryToken", JSON_STRING, second_token },
		{ "tokenRejected", JSON_BOOL, token_rejected },
		{ "keysRejected", JSON_BOOL, keys_rejected },
		{ "suspendedByTwilio", JSON_BOOL, by_twilio },
		{ "inactiveAnswer", JSON_STRING, inactive_answer },
		{ "source", JSON_BOOL, source },
		{ "type", JSON_STRING, type },
		{ "region", JSON_STRING, region },
		{ "edge", JSON_STRING, edge },
		{ "balance", JSON_NUMBER, balance },
		{ "maxConcurrent", JSON_NUMBER, max_concurrent },
		{ "numbers", JSON_STRING, numbers },
		{ "revokeKey", JSON_STRING, revoke },
		{ "campaignStatus", JSON_STRING, campaign },
		{ "agentsFailing", JSON_OBJECT, agents_failing },
		{ "agentsSmsFailing", JSON_OBJECT, agents_sms_failing },
		{ "voiceLost", JSON_OBJECT, voice_lost },
		{ "failing", JSON_OBJECT, fail_rate },
		{ "smsFailing", JSON_OBJECT, sms_fail_rate },
		{ "editOne", JSON_OBJECT, edit_one },
		{ "heal", JSON_BOOL, heal },
	};

	return apply(s, a, table, COUNT_OF(table), spec, err);
}

/* ---- number ---------------------------------------------------------------------------------- */

static int number_member(struct sim *s, struct sim_number *n, const struct json *m,
			 struct err *err)
{
	const char *name = json_name(m), *text = json_str(m);
	int64_t now = sim_now(s);

	if (str_eq(name, "voice"))
		n->voice = json_bool(m, true);
	else if (str_eq(name, "sms"))
		n->sms = json_bool(m, true);
	else if (str_eq(name, "smsReady"))
		n->sms_ready = json_bool(m, true);
	else if (str_eq(name, "voiceRegion") && text)
		n->voice_region = sim_intern(&s->world.pool, text);
	else if (str_eq(name, "status") && text)
		n->status = sim_intern(&s->world.pool, text);
	else if (str_eq(name, "failing"))
		set_health(&n->calls_health, now, json_bool(m, true) ? 1 : 0, 32005);
	else if (str_eq(name, "deleted") && json_bool(m, false))
		sim_number_remove(&s->world, n, now);
	else if (str_eq(name, "deleted"))
		sim_number_restore(&s->world, n);
	else if (str_eq(name, "account") && sim_account_get(&s->world, text))
		sim_number_move(&s->world, n, sim_account_get(&s->world, text));
	else
		return err_field(err, ERR_INVALID, name, "unknown member or wrong type");
	return 0;
}

int sim_set_number(struct sim *s, struct sim_number *n, const struct json *spec, struct err *err)
{
	struct sim_request by_hand = { .sim = s, .now_ms = sim_now(s) };
	int code, rc;

	if (json_type(spec) != JSON_OBJECT)
		return err_set(err, ERR_INVALID, "an object is needed");
	for (const struct json *m = json_first(spec); m; m = json_next(m)) {
		int f = 0;

		while (f < NF_COUNT && !str_eq(sim_fields[f].camel, json_name(m)))
			f++;
		if (f < NF_COUNT) {
			const char *v = json_str(m) ? json_str(m) : "";

			if (!sim_field_valid(f, v, &code))
				return err_field(err, ERR_INVALID, json_name(m), "not valid");
			sim_field_set(&s->world, n, f, v);
			continue;
		}
		rc = number_member(s, n, m, err);
		if (rc)
			return rc;
	}
	n->updated_ms = by_hand.now_ms;
	sim_event_add(&by_hand, n->account, "phone-number.updated", n->sid, "user", "web");
	sim_number_rethink(n, by_hand.now_ms);
	return 0;
}

/* ---- agent ---------------------------------------------------------------------- */

/* {"failing":true,"code":32005,"rate":1,"smsFailing":…,"account":SID}: without an account,
 * the agent's own number is meant. */
int sim_set_agent(struct sim *s, struct sim_agent *g, const struct json *spec, struct err *err)
{
	static const char *const names[] = { "failing", "smsFailing", "code", "rate",
					     "account", "archived",   "deleted", "name" };
	struct sim_account *a = sim_account_get(&s->world, json_get_str(spec, "account"));
	struct sim_number *n = g->home;
	double rate = json_get_double(spec, "rate", 1);
	int64_t now = sim_now(s);

	for (const struct json *m = json_first(spec); m; m = json_next(m)) {
		size_t i = 0;

		while (i < COUNT_OF(names) && !str_eq(names[i], json_name(m)))
			i++;
		if (i == COUNT_OF(names))
			return err_field(err, ERR_INVALID, json_name(m), "unknown member");
	}
	for (struct sim_import *i = g->imports; a && i; i = i->next_of_agent)
		if (i->number && i->number->account == a)
			n = i->number;
	if (json_get(spec, "failing"))
		set_health(&n->calls_health, now, json_get_bool(spec, "failing", true) ? rate : 0,
			   (int)json_get_i64(spec, "code", 32005));
	if (json_get(spec, "smsFailing"))
		set_health(&n->sms_health, now, json_get_bool(spec, "smsFailing", true) ? rate : 0,
			   (int)json_get_i64(spec, "code", 30007));
	g->archived = json_get_bool(spec, "archived", g->archived);
	g->deleted = json_get_bool(spec, "deleted", g->deleted);
	if (json_get_str(spec, "name"))
		g->name = sim_intern(&s->world.pool, json_get_str(spec, "name"));
	return 0;
}
