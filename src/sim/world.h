/*
 * The world: every record, its indexes, its clock; building one from a seed and
 * changing it the way a provider would. Nothing here knows HTTP.
 */
#ifndef RD_SIM_WORLD_H
#define RD_SIM_WORLD_H

#include "core/str.h"
#include "sim/map.h"
#include "sim/model.h"

struct sim_shape {			/* what a world is built from */
	uint64_t seed;
	int agents;
	int lineages;			/* primaries; agents are shared out evenly */
	bool own_standby;		/* one standby per lineage instead of two backups */
	int backup_numbers[2];		/* numbers of each backup; 0 = agents + 12 */
	bool register_call;
	bool no_second_key;		/* the primary has its auth token only */
};

struct sim_world {
	struct sim_shape shape;
	struct sim_pool pool;
	struct sim_blocks account_blocks, number_blocks, agent_blocks, import_blocks,
		service_blocks;
	struct sim_account **accounts; size_t n_accounts, cap_accounts;
	struct sim_number **numbers; size_t n_numbers, cap_numbers;
	struct sim_agent **agents; size_t n_agents, cap_agents;
	struct sim_import **imports; size_t n_imports, cap_imports;	/* living ones */
	struct sim_map by_sid, by_account_name, by_e164, agent_by_id, import_by_id,
		import_by_e164, service_by_sid;
	char eleven_key[40], internal_key[40], telnyx_key[40];
	uint64_t next_id;
	/* Simulated time runs speed times as fast as the wall clock. */
	double speed;
	int64_t wall0_ms, anchor_wall_ms, anchor_sim_ms;
	int64_t call_every_ms, message_every_ms;	/* per answered number, simulated */
	int64_t cycle;				/* slots in one period of traffic */
	int phase;				/* see ledger.h */
	/* Switches for what providers do not document. */
	bool import_refuses_duplicate, delete_clears_webhook, problem_json;
};

void sim_world_build(struct sim_world *w, const struct sim_shape *shape, int64_t now_ms);
void sim_world_fini(struct sim_world *w);

/* prefix + 32 hex digits, from the seed; every call gives another one. */
void sim_new_sid(struct sim_world *w, const char *prefix, char ret[SIM_SID]);
void sim_new_hex(struct sim_world *w, char *ret, size_t digits);

struct sim_account *sim_account_get(struct sim_world *w, const char *sid_or_name);
struct sim_number *sim_number_get(struct sim_world *w, const char *sid_or_e164);
struct sim_agent *sim_agent_get(struct sim_world *w, const char *any_id);

struct sim_account *sim_account_add(struct sim_world *w, const char *name,
				    struct sim_account *parent, const char *role);
struct sim_number *sim_number_add(struct sim_world *w, struct sim_account *a, const char *e164,
				  const char *country);
void sim_number_remove(struct sim_world *w, struct sim_number *n, int64_t now_ms);
void sim_number_restore(struct sim_world *w, struct sim_number *n);
void sim_number_move(struct sim_world *w, struct sim_number *n, struct sim_account *to);
void sim_format_us(const char *e164, char ret[24]);	/* "(415) 555-0100" */
/* Works out who answers at a number after its webhooks, import or account changed: trunk
 * beats application beats VoiceUrl. */
void sim_number_rethink(struct sim_number *n, int64_t now_ms);

/* ElevenLabs import with all that it does to the number. */
struct sim_import *sim_import_add(struct sim_world *w, struct sim_number *n, const char *label,
				  const char *sid, const char *token, struct sim_agent *agent,
				  bool sms, int64_t now_ms);
void sim_import_assign(struct sim_world *w, struct sim_import *i, struct sim_agent *agent,
		       int64_t now_ms);
void sim_import_remove(struct sim_world *w, struct sim_import *i, int64_t now_ms);

void sim_history_add(struct sim_history *h, int64_t at_ms, double rate, int code);
const struct sim_health *sim_history_at(const struct sim_history *h, int64_t at_ms);

int64_t sim_time(const struct sim_world *w, int64_t wall_ms);	/* wall -> simulated */
int64_t sim_wall(const struct sim_world *w, int64_t sim_ms);
void sim_set_speed(struct sim_world *w, double speed, int64_t now_ms);

/* SHA-256 over webhooks and assignments, sorted, without ids and dates. */
void sim_digest(const struct sim_world *w, char ret[65]);

#define SIM_ELEVEN_VOICE_URL "https://api.us.elevenlabs.io/twilio/inbound_call"
#define SIM_ELEVEN_SMS_URL "https://api.us.elevenlabs.io/twilio/inbound_sms"
#define SIM_APP_URL "https://voice.acme.example"

#endif
