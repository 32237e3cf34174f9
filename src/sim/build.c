/*
 * Builds a world from a shape and a seed: accounts, numbers with their webhooks,
 * agents, imports, Messaging Services. The same shape and seed give the same
 * world, ids and secrets included (but for dates, which are relative to now).
 */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto.h"
#include "core/mem.h"

static const int area_codes[] = { 415, 212, 312, 206, 617, 303, 512, 305, 404, 702, 503, 619 };
static const char *const org_first[] = { "Harbor", "Cedar",  "Summit", "Lakeside", "Bright",
					 "Union",  "Maple",  "Pioneer", "Beacon",  "Sierra" };
static const char *const org_second[] = { "Dental",  "Plumbing", "Roofing", "Legal",    "Clinic",
					  "Heating", "Realty",	 "Auto",    "Veterinary",
					  "Storage" };
static const char *const roles[] = { "Reception", "Booking", "After hours", "Billing", "Dispatch" };
enum { AGENTS_PER_ORG = 5, SPARE_NUMBERS = 12 };

static void next_number(uint64_t *counter, char ret[18])
{
	uint64_t i = (*counter)++;
	uint64_t rest = 2010000 + (i / COUNT_OF(area_codes) * 7919) % 7900000;

	snprintf(ret, 18, "+1%d%07u", area_codes[i % COUNT_OF(area_codes)], (unsigned)rest);
}

static struct sim_service *add_service(struct sim_world *w, struct sim_account *a)
{
	struct sim_service *s = sim_blocks_add(&w->service_blocks, sizeof(*s));

	sim_new_sid(w, "MG", s->sid);
	sim_new_sid(w, "QE", s->campaign_sid);
	s->name = "voice agents";
	s->campaign_status = "VERIFIED";
	s->registered = s->use_number_webhook = true;
	s->account = a;
	s->created_ms = a->created_ms;
	a->services = grow(a->services, &a->cap_services, a->n_services + 1, sizeof(s));
	a->services[a->n_services++] = s;
	sim_map_put(&w->service_by_sid, s->sid, s);
	return s;
}

static void join_service(struct sim_service *s, struct sim_number *n)
{
	s->numbers = grow(s->numbers, &s->cap, s->n + 1, sizeof(n));
	s->numbers[s->n++] = n;
	n->service = s;
	n->sms_ready = true;
}

static void set_webhooks(struct sim_number *n, bool register_call)
{
	n->v[NF_VOICE_URL] =
		register_call ? SIM_APP_URL "/webhooks/voice" : SIM_ELEVEN_VOICE_URL;
	n->v[NF_VOICE_FALLBACK_URL] = SIM_APP_URL "/webhooks/voice-fallback";
	n->v[NF_SMS_URL] = SIM_APP_URL "/webhooks/sms";
	n->v[NF_SMS_FALLBACK_URL] = SIM_APP_URL "/webhooks/sms-fallback";
	n->v[NF_STATUS_CALLBACK] = SIM_APP_URL "/webhooks/status";
}

static struct sim_agent *add_agent(struct sim_world *w, struct sim_number *home)
{
	struct sim_agent *g = sim_blocks_add(&w->agent_blocks, sizeof(*g));
	size_t i = w->n_agents, org = i / AGENTS_PER_ORG;
	char hex[21], text[96];

	sim_new_hex(w, hex, 20);
	snprintf(g->id, sizeof(g->id), "agent_%05zu", i + 1);
	snprintf(g->eleven_id, sizeof(g->eleven_id), "agent_%s", hex);
	snprintf(g->org_id, sizeof(g->org_id), "org_%04zu", org + 1);
	snprintf(text, sizeof(text), "%s %s", org_first[org % 10], org_second[org / 10 % 10]);
	g->org = sim_intern(&w->pool, text);
	snprintf(text, sizeof(text), "%s %s %s", org_first[org % 10], org_second[org / 10 % 10],
		 roles[i % AGENTS_PER_ORG]);
	g->name = sim_intern(&w->pool, text);
	g->integration = w->shape.register_call ? "register_call" : "import";
	g->home = home;
	g->priority = i % AGENTS_PER_ORG == 0 ? 1 : 2;
	g->created_ms = home->created_ms;
	w->agents = grow(w->agents, &w->cap_agents, w->n_agents + 1, sizeof(g));
	w->agents[w->n_agents++] = g;
	sim_map_put(&w->agent_by_id, g->id, g);
	sim_map_put(&w->agent_by_id, g->eleven_id, g);
	return g;
}

static void fill_primary(struct sim_world *w, struct sim_account *a, int agents,
			 uint64_t *counter)
{
	struct sim_service *s = add_service(w, a);
	char e164[18];

	for (int i = 0; i < agents; i++) {
		struct sim_number *n;
		struct sim_agent *g;

		next_number(counter, e164);
		n = sim_number_add(w, a, e164, "US");
		g = add_agent(w, n);
		n->agent = g;
		if (!w->shape.register_call)
			sim_import_add(w, n, g->name, a->sid, a->token, g, false, n->created_ms);
		set_webhooks(n, w->shape.register_call);
		sim_number_rethink(n, n->created_ms);
		join_service(s, n);
	}
}

/* Every other spare number is in the approved campaign: the rest can call but not text. */
static void fill_backup(struct sim_world *w, struct sim_account *a, int numbers, uint64_t *counter)
{
	struct sim_service *s = add_service(w, a);
	char e164[18];

	for (int i = 0; i < numbers; i++) {
		struct sim_number *n;

		next_number(counter, e164);
		n = sim_number_add(w, a, e164, "US");
		n->v[NF_VOICE_URL] = "https://demo.twilio.com/welcome/voice/";
		n->v[NF_SMS_URL] = "https://demo.twilio.com/welcome/sms/reply";
		if (i % 2 == 0)
			join_service(s, n);
	}
}

static void add_lineages(struct sim_world *w)
{
	const struct sim_shape *sh = &w->shape;
	struct sim_account *parent = sim_account_add(w, "acme-parent", NULL, "parent");
	struct sim_account *other = sim_account_add(w, "acme-backup-parent", NULL, "parent");
	uint64_t counter = 0;
	char name[40];

	for (int i = 0; i < sh->lineages; i++) {
		int agents = sh->agents / sh->lineages + (i < sh->agents % sh->lineages);
		struct sim_account *a;

		if (i == 0)
			snprintf(name, sizeof(name), "acme-main");
		else
			snprintf(name, sizeof(name), "acme-main-%d", i + 1);
		a = sim_account_add(w, name, parent, "primary");
		a->lineage = i;
		a->source = true;
		a->keys[0].revoked = a->keys[1].revoked = sh->no_second_key;
		fill_primary(w, a, agents, &counter);
	}
	for (int i = 0; i < (sh->own_standby ? sh->lineages : 2); i++) {
		int share = sh->own_standby ? (sh->agents + sh->lineages - 1) / sh->lineages
					    : sh->agents;
		struct sim_account *a;

		snprintf(name, sizeof(name), "acme-backup-%d", i + 1);
		a = sim_account_add(w, name, other, "backup");
		a->lineage = sh->own_standby ? i : -1;
		a->priority = i + 1;
		counter = (counter / COUNT_OF(area_codes) + 1) * COUNT_OF(area_codes);
		fill_backup(w, a,
			    i < 2 && sh->backup_numbers[i] && !sh->own_standby
				    ? sh->backup_numbers[i]
				    : share + SPARE_NUMBERS,
			    &counter);
	}
}

void sim_world_build(struct sim_world *w, const struct sim_shape *shape, int64_t now_ms)
{
	double speed = w->speed > 0 ? w->speed : 1;
	char hex[33];

	sim_world_fini(w);
	w->shape = *shape;
	w->speed = speed;
	w->wall0_ms = w->anchor_wall_ms = now_ms;
	w->anchor_sim_ms = (int64_t)30 * 86400000;
	w->call_every_ms = shape->agents > 2000 ? (int64_t)shape->agents * 10 : 20000;
	w->message_every_ms = 3 * w->call_every_ms;
	w->cycle = shape->agents + 64;
	sim_new_hex(w, hex, 32);
	snprintf(w->eleven_key, sizeof(w->eleven_key), "sk_%s", hex);
	sim_new_hex(w, hex, 32);
	snprintf(w->internal_key, sizeof(w->internal_key), "int_%s", hex);
	sim_new_hex(w, hex, 32);
	snprintf(w->telnyx_key, sizeof(w->telnyx_key), "KEY%s", hex);
	add_lineages(w);
}

/* ---- digest ------------------------------------------------------------------ */

static int by_e164(const void *a, const void *b)
{
	return strcmp((*(struct sim_number *const *)a)->e164,
		      (*(struct sim_number *const *)b)->e164);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void chain(char state[65], struct str *line)
{
	str_add(line, state);
	sha256_hex(line->s, line->len, state);
	str_clear(line);
}

static void add_imports(const struct sim_world *w, struct sim_number *n, struct str *line)
{
	const struct sim_import *i = sim_map_get(&w->import_by_e164, n->e164);
	const char *agents[8] = { NULL };
	size_t count = 0;

	for (; i && count < COUNT_OF(agents); i = i->next_same)
		if (i->agent)
			agents[count++] = i->agent->eleven_id;
	qsort(agents, count, sizeof(agents[0]), by_text);
	for (size_t k = 0; k < count; k++)
		str_addf(line, "|import %s", agents[k]);
}

void sim_digest(const struct sim_world *w, char ret[65])
{
	struct sim_number **sorted = xcalloc(w->n_numbers + 1, sizeof(struct sim_number *));
	struct str line = STR_INIT(65536);

	memcpy(sorted, w->numbers, w->n_numbers * sizeof(*sorted));
	qsort(sorted, w->n_numbers, sizeof(*sorted), by_e164);
	memset(ret, '0', 64);
	ret[64] = '\0';
	for (size_t i = 0; i < w->n_numbers; i++) {
		struct sim_number *n = sorted[i];

		if (n->gone)
			continue;
		str_addf(&line, "%s|%s", n->e164, n->account->name);
		for (int f = NF_VOICE_URL; f <= NF_TRUNK; f++)
			str_addf(&line, "|%s", n->v[f]);
		str_addf(&line, "|%s", n->service ? n->service->name : "");
		add_imports(w, n, &line);
		chain(ret, &line);
	}
	str_fini(&line);
	free_p(&sorted);
}
