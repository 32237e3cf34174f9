/*
 * The records and how a provider changes them. The invariants kept here: every
 * number has one account; an import points at a number and back; a number that
 * was released stays known (so that a scenario can bring it back) but is in no
 * list; traffic flows only to numbers that something answers.
 *
 * Who may ask for a change, and what is answered, is the business of the services.
 */
#include "sim/world.h"

#include <stdio.h>
#include <string.h>
#include "core/crypto.h"
#include "core/mem.h"

void sim_new_hex(struct sim_world *w, char *ret, size_t digits)
{
	uint64_t x = 0;

	for (size_t i = 0; i < digits; i++) {
		if (i % 16 == 0)
			x = sim_mix(w->shape.seed * 0x2545f4914f6cdd1du + ++w->next_id);
		ret[i] = "0123456789abcdef"[x & 15];
		x >>= 4;
	}
	ret[digits] = '\0';
}

void sim_new_sid(struct sim_world *w, const char *prefix, char ret[SIM_SID])
{
	ret[0] = prefix[0];
	ret[1] = prefix[1];
	sim_new_hex(w, ret + 2, 32);
}

struct sim_account *sim_account_get(struct sim_world *w, const char *sid_or_name)
{
	struct sim_account *a = sim_map_get(&w->by_account_name, sid_or_name);

	if (a)
		return a;
	if (!str_has_prefix(sid_or_name, "AC"))
		return NULL;
	return sim_map_get(&w->by_sid, sid_or_name);
}

struct sim_number *sim_number_get(struct sim_world *w, const char *sid_or_e164)
{
	if (str_has_prefix(sid_or_e164, "PN"))
		return sim_map_get(&w->by_sid, sid_or_e164);
	return sim_map_get(&w->by_e164, sid_or_e164);
}

struct sim_agent *sim_agent_get(struct sim_world *w, const char *any_id)
{
	return sim_map_get(&w->agent_by_id, any_id);
}

struct sim_account *sim_account_add(struct sim_world *w, const char *name,
				    struct sim_account *parent, const char *role)
{
	struct sim_account *a = sim_blocks_add(&w->account_blocks, sizeof(*a));

	sim_new_sid(w, "AC", a->sid);
	sim_new_sid(w, "AC", a->test_sid);
	sim_new_hex(w, a->token, 32);
	sim_new_hex(w, a->second_token, 32);
	sim_new_hex(w, a->test_token, 32);
	a->name = a->friendly = sim_intern(&w->pool, name);
	a->role = role;
	a->type = "Full";
	a->region = "us1";
	a->edge = "ashburn";
	a->currency = "USD";
	a->inactive_answer = "20003";
	a->parent = parent;
	a->balance = 2500;
	a->lineage = -1;
	a->created_ms = a->updated_ms = w->wall0_ms - (int64_t)400 * 86400000;
	for (int i = 0; i < 2; i++) {
		struct sim_key *k = &a->keys[a->n_keys++];

		sim_new_sid(w, "SK", k->sid);
		sim_new_hex(w, k->secret, 32);
		k->standard = i == 1;
		k->name = i ? "app-standard" : "ops-main";
		sim_map_put(&w->by_sid, k->sid, a);
	}
	a->index = (int)w->n_accounts;
	w->accounts = grow(w->accounts, &w->cap_accounts, w->n_accounts + 1, sizeof(a));
	w->accounts[w->n_accounts++] = a;
	sim_map_put(&w->by_sid, a->sid, a);
	sim_map_put(&w->by_sid, a->test_sid, a);
	sim_map_put(&w->by_account_name, a->name, a);
	return a;
}

void sim_format_us(const char *e164, char ret[24])
{
	if (strlen(e164) == 12 && str_has_prefix(e164, "+1"))
		snprintf(ret, 24, "(%.3s) %.3s-%.4s", e164 + 2, e164 + 5, e164 + 8);
	else
		snprintf(ret, 24, "%s", e164);
}

static void list_number(struct sim_account *a, struct sim_number *n)
{
	a->numbers = grow(a->numbers, &a->cap_numbers, a->n_numbers + 1, sizeof(n));
	a->numbers[a->n_numbers++] = n;
	n->account = a;
}

static void unlist_number(struct sim_number *n)
{
	struct sim_account *a = n->account;
	struct sim_service *s = n->service;

	for (size_t i = a->n_numbers; i-- > 0;)
		if (a->numbers[i] == n) {
			memmove(&a->numbers[i], &a->numbers[i + 1],
				(--a->n_numbers - i) * sizeof(n));
			break;
		}
	for (size_t i = 0; s && i < s->n; i++)
		if (s->numbers[i] == n) {
			s->numbers[i] = s->numbers[--s->n];
			break;
		}
	n->service = NULL;
}

struct sim_number *sim_number_add(struct sim_world *w, struct sim_account *a, const char *e164,
				  const char *country)
{
	struct sim_number *n = sim_map_get(&w->by_e164, e164);

	if (!n) {
		n = sim_blocks_add(&w->number_blocks, sizeof(*n));
		snprintf(n->e164, sizeof(n->e164), "%s", e164);
		w->numbers = grow(w->numbers, &w->cap_numbers, w->n_numbers + 1, sizeof(n));
		w->numbers[w->n_numbers++] = n;
		sim_map_put(&w->by_e164, n->e164, n);
	} else {
		sim_map_del(&w->by_sid, n->sid);
	}
	sim_new_sid(w, "PN", n->sid);
	sim_map_put(&w->by_sid, n->sid, n);
	snprintf(n->country, sizeof(n->country), "%s", country);
	n->voice = n->sms = n->mms = true;
	n->gone = false;
	n->type = "local";
	n->status = "in-use";
	n->voice_region = "us1";
	n->slot = -1;
	for (int i = 0; i < NF_COUNT; i++)
		n->v[i] = "";
	n->v[NF_VOICE_METHOD] = n->v[NF_VOICE_FALLBACK_METHOD] = n->v[NF_SMS_METHOD] =
		n->v[NF_SMS_FALLBACK_METHOD] = n->v[NF_STATUS_CALLBACK_METHOD] = "POST";
	n->v[NF_RECEIVE_MODE] = "voice";
	n->v[NF_EMERGENCY_STATUS] = "Inactive";
	n->created_ms = n->updated_ms = w->wall0_ms - (int64_t)90 * 86400000;
	list_number(a, n);
	return n;
}

void sim_number_remove(struct sim_world *w, struct sim_number *n, int64_t now_ms)
{
	(void)w;
	if (n->gone)
		return;
	n->gone = true;
	unlist_number(n);
	sim_number_rethink(n, now_ms);
}

void sim_number_restore(struct sim_world *w, struct sim_number *n)
{
	if (!n->gone)
		return;
	n->gone = false;
	list_number(n->account, n);
	sim_number_rethink(n, w->anchor_wall_ms);
}

static void leave_slot(struct sim_number *n)
{
	if (n->slot >= 0)
		n->account->slots[n->slot] = NULL;
	n->slot = -1;
}

void sim_number_move(struct sim_world *w, struct sim_number *n, struct sim_account *to)
{
	(void)w;
	unlist_number(n);
	leave_slot(n);
	n->until_ms = 0;
	n->agent = NULL;
	list_number(to, n);
	n->sms_ready = false;
}

static bool answered(const struct sim_number *n)
{
	const char *url = n->v[NF_VOICE_URL];

	if (n->gone || !n->voice || *n->v[NF_TRUNK] || *n->v[NF_VOICE_APP])
		return false;
	if (strstr(url, "elevenlabs.io/twilio/inbound_call"))
		return n->import && n->import->agent;
	return str_has_prefix(url, SIM_APP_URL "/webhooks/voice");
}

void sim_number_rethink(struct sim_number *n, int64_t now_ms)
{
	struct sim_account *a = n->account;
	bool was = n->slot >= 0 && n->until_ms == 0;
	bool is = answered(n);

	n->agent = is && n->import && n->import->agent ? n->import->agent : n->agent;
	if (was == is)
		return;
	if (!is) {
		n->until_ms = now_ms;
		return;
	}
	if (n->slot < 0) {
		a->slots = grow(a->slots, &a->cap_slots, a->n_slots + 1, sizeof(n));
		n->slot = (int)a->n_slots;
		a->slots[a->n_slots++] = n;
	}
	n->since_ms = now_ms;
	n->until_ms = 0;
}

static void link_agent(struct sim_import *i, struct sim_agent *agent)
{
	if (i->agent) {
		struct sim_import **p = &i->agent->imports;

		while (*p && *p != i)
			p = &(*p)->next_of_agent;
		if (*p)
			*p = i->next_of_agent;
	}
	i->agent = agent;
	i->next_of_agent = NULL;
	if (agent) {
		i->next_of_agent = agent->imports;
		agent->imports = i;
	}
}

struct sim_import *sim_import_add(struct sim_world *w, struct sim_number *n, const char *label,
				  const char *sid, const char *token, struct sim_agent *agent,
				  bool sms, int64_t now_ms)
{
	struct sim_import *i = sim_blocks_add(&w->import_blocks, sizeof(*i));
	char hex[25];

	sim_new_hex(w, hex, 24);
	snprintf(i->id, sizeof(i->id), "phnum_%s", hex);
	snprintf(i->e164, sizeof(i->e164), "%s", n->e164);
	snprintf(i->account_sid, sizeof(i->account_sid), "%s", sid);
	snprintf(i->token, sizeof(i->token), "%s", token);
	i->label = sim_intern(&w->pool, label);
	i->number = n;
	link_agent(i, agent);
	i->sms = sms;
	i->next_same = sim_map_get(&w->import_by_e164, n->e164);
	i->pos = w->n_imports;
	w->imports = grow(w->imports, &w->cap_imports, w->n_imports + 1, sizeof(i));
	w->imports[w->n_imports++] = i;
	sim_map_put(&w->import_by_id, i->id, i);
	sim_map_put(&w->import_by_e164, i->e164, i);
	n->import = i;
	n->v[NF_VOICE_URL] = SIM_ELEVEN_VOICE_URL;
	n->v[NF_VOICE_METHOD] = "POST";
	n->v[NF_VOICE_FALLBACK_URL] = n->v[NF_STATUS_CALLBACK] = "";
	if (sms) {
		n->v[NF_SMS_URL] = SIM_ELEVEN_SMS_URL;
		n->v[NF_SMS_METHOD] = "POST";
	}
	n->updated_ms = now_ms;
	sim_number_rethink(n, now_ms);
	return i;
}

void sim_import_assign(struct sim_world *w, struct sim_import *i, struct sim_agent *agent,
		       int64_t now_ms)
{
	(void)w;
	link_agent(i, agent);
	if (i->number && i->number->import == i)
		sim_number_rethink(i->number, now_ms);
}

void sim_import_remove(struct sim_world *w, struct sim_import *i, int64_t now_ms)
{
	struct sim_import *top = sim_map_get(&w->import_by_e164, i->e164);
	struct sim_number *n = i->number;

	i->deleted = true;
	link_agent(i, NULL);
	w->imports[i->pos] = w->imports[--w->n_imports];
	w->imports[i->pos]->pos = i->pos;
	sim_map_del(&w->import_by_id, i->id);
	if (top == i) {
		sim_map_del(&w->import_by_e164, i->e164);
		if (i->next_same)
			sim_map_put(&w->import_by_e164, i->next_same->e164, i->next_same);
	} else {
		while (top && top->next_same != i)
			top = top->next_same;
		if (top)
			top->next_same = i->next_same;
	}
	if (n && n->import == i) {
		n->import = sim_map_get(&w->import_by_e164, n->e164);
		if (w->delete_clears_webhook && !n->import)
			n->v[NF_VOICE_URL] = "";
		sim_number_rethink(n, now_ms);
	}
}

void sim_history_add(struct sim_history *h, int64_t at_ms, double rate, int code)
{
	if (h->n == SIM_HISTORY)
		memmove(&h->v[0], &h->v[1], sizeof(h->v[0]) * (size_t)--h->n);
	h->v[h->n++] = (struct sim_health){ at_ms, rate, code };
}

const struct sim_health *sim_history_at(const struct sim_history *h, int64_t at_ms)
{
	for (int i = h ? h->n : 0; i-- > 0;)
		if (h->v[i].at_ms <= at_ms)
			return &h->v[i];
	return NULL;
}

int64_t sim_time(const struct sim_world *w, int64_t wall_ms)
{
	return w->anchor_sim_ms + (int64_t)((double)(wall_ms - w->anchor_wall_ms) * w->speed);
}

int64_t sim_wall(const struct sim_world *w, int64_t sim_ms)
{
	return w->anchor_wall_ms + (int64_t)((double)(sim_ms - w->anchor_sim_ms) / w->speed);
}

void sim_set_speed(struct sim_world *w, double speed, int64_t now_ms)
{
	w->anchor_sim_ms = sim_time(w, now_ms);
	w->anchor_wall_ms = now_ms;
	w->speed = speed;
}

void sim_world_fini(struct sim_world *w)
{
	for (size_t i = 0; i < w->n_accounts; i++) {
		struct sim_account *a = w->accounts[i];

		for (size_t k = 0; k < a->n_services; k++)
			free_p(&a->services[k]->numbers);
		free_p(&a->services);
		free_p(&a->numbers);
		free_p(&a->slots);
		free_p(&a->calls);
		free_p(&a->messages);
		free_p(&a->rooms);
		free_p(&a->events);
		free_p(&a->alerts);
	}
	for (size_t i = 0; i < w->n_numbers; i++) {
		free_p(&w->numbers[i]->calls_health);
		free_p(&w->numbers[i]->sms_health);
		free_p(&w->numbers[i]->trace);
	}
	free_p(&w->accounts);
	free_p(&w->numbers);
	free_p(&w->agents);
	free_p(&w->imports);
	sim_blocks_fini(&w->account_blocks);
	sim_blocks_fini(&w->number_blocks);
	sim_blocks_fini(&w->agent_blocks);
	sim_blocks_fini(&w->import_blocks);
	sim_blocks_fini(&w->service_blocks);
	sim_map_fini(&w->by_sid);
	sim_map_fini(&w->by_account_name);
	sim_map_fini(&w->by_e164);
	sim_map_fini(&w->agent_by_id);
	sim_map_fini(&w->import_by_id);
	sim_map_fini(&w->import_by_e164);
	sim_map_fini(&w->service_by_sid);
	sim_pool_fini(&w->pool);
	*w = (struct sim_world){ 0 };
}
