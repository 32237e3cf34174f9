/*
 * The scenario table. Times are simulated seconds from the start; stages without a
 * time wait to be named (POST /_sim/scenario {"stage":NAME}) or for a number of
 * writes. "start" runs when the scenario is started.
 */
#include "sim/scenarios.h"

#include <string.h>
#include "core/mem.h"
#include "sim/control.h"

#define MAIN "/_sim/account/acme-main"
#define BACKUP "/_sim/account/acme-backup-1"
#define FAULT "/_sim/fault"
#define MOST_FAIL                                                                                  \
	{                                                                                          \
		MAIN, "{\"agentsFailing\":{\"share\":0.75,\"code\":32005},"                        \
		      "\"voiceLost\":{\"count\":4}}"                                               \
	}
#define HEAL { MAIN, "{\"heal\":true}" }
#define SUSPEND { MAIN, "{\"status\":\"suspended\"}" }
#define START .name = "start"
#define RECOVER(at) { .name = "recover", .at_s = (at), .op = { HEAL } }
#define NUMBER_WRITES                                                                              \
	"\"service\":\"twilio\",\"method\":\"POST\",\"path\":\"*/IncomingPhoneNumbers/*\""
#define IMPORT_WRITES                                                                              \
	"\"service\":\"elevenlabs\",\"method\":\"POST,PATCH\",\"path\":\"/v1/convai/phone-numbers\""

static const struct sim_scenario table[] = {
	{ .name = "healthy", .what = "nothing happens" },
	{ .name = "degraded", .what = "most agents of the primary fail",
	  .stage = { { START, .op = { MOST_FAIL } }, RECOVER(0) } },
	{ .name = "approve", .what = "most agents fail; the primary recovers when told",
	  .stage = { { START, .op = { MOST_FAIL } }, RECOVER(0) } },
	{ .name = "recovers", .what = "most agents fail, then recover inside the window",
	  .stage = { { START, .op = { MOST_FAIL } }, RECOVER(330) } },
	{ .name = "flapping", .what = "recovers and fails again three times, then keeps failing",
	  .stage = { { START, .op = { MOST_FAIL } },
		     { .name = "recover", .op = { HEAL } },
		     { .name = "fail", .op = { MOST_FAIL } } } },
	{ .name = "reject", .what = "most agents fail and stay so",
	  .stage = { { START, .op = { MOST_FAIL } }, RECOVER(0) } },
	{ .name = "escalates", .what = "most agents fail, then the account is suspended",
	  .stage = { { START, .op = { MOST_FAIL } },
		     { .name = "suspend", .at_s = 420, .op = { SUSPEND } },
		     RECOVER(0) } },
	{ .name = "two-agents", .what = "two agents fail, then recover",
	  .stage = { { START, .op = { { MAIN, "{\"voiceLost\":{\"count\":2}}" } } },
		     RECOVER(330) } },
	{ .name = "one-agent", .what = "one agent fails",
	  .stage = { { START, .op = { { MAIN, "{\"voiceLost\":{\"count\":1}}" } } }, RECOVER(0) } },
	{ .name = "one-of-one", .agents = 1,
	  .what = "the only agent fails and the account's API answers 503",
	  .stage = { { START,
		       .op = { { MAIN, "{\"agentsFailing\":{\"share\":1,\"code\":32005}}" },
			       { FAULT, "{\"match\":{\"service\":\"twilio-all\","
					"\"account\":\"acme-main\"},"
					"\"fault\":{\"status\":503}}" } } },
		     { .name = "recover", .op = { { FAULT, "DELETE" }, HEAL } } } },
	{ .name = "suspended", .what = "the account is suspended; its parent says so",
	  .stage = { { START, .op = { SUSPEND } }, RECOVER(0) } },
	{ .name = "hacked", .no_parent = true,
	  .what = "token and keys of the primary are refused",
	  .stage = { { START,
		       .op = { { MAIN, "{\"tokenRejected\":true,\"keysRejected\":true}" } } },
		     RECOVER(0) } },
	{ .name = "unconfirmed", .no_parent = true, .single_credential = true,
	  .what = "the only credential is refused and nobody can say why",
	  .stage = { { START,
		       .op = { { MAIN, "{\"tokenRejected\":true,\"keysRejected\":true}" } } },
		     RECOVER(0) } },
	{ .name = "token-rotated", .no_parent = true,
	  .what = "the auth token is refused, the API key works",
	  .stage = { { START, .op = { { MAIN, "{\"tokenRejected\":true}" } } }, RECOVER(0) } },
	{ .name = "numbers-deleted", .what = "all numbers of the primary are gone",
	  .stage = { { START, .op = { { MAIN, "{\"numbers\":\"deleted\"}" } } }, RECOVER(0) } },
	/* As such days go: one account first, and a failover is called for; then all. */
	{ .name = "region-outage", .what = "the primary answers 5xx, minutes later all do",
	  .stage = { { START,
		       .op = { { FAULT, "{\"match\":{\"service\":\"twilio-all\","
					"\"account\":\"acme-main\"},"
					"\"fault\":{\"status\":503}}" },
			       { MAIN, "{\"agentsFailing\":{\"share\":0.6,\"code\":31005}}" },
			       { "/_sim/feed", "{\"page\":\"twilio\",\"component\":\"REST API\","
					       "\"status\":\"major_outage\"}" },
			       { "/_sim/feed", "{\"page\":\"aws\",\"component\":\"ec2\"}" } } },
		     { .name = "spread", .at_s = 180,
		       .op = { { FAULT, "{\"match\":{\"service\":\"twilio-all\"},"
					"\"fault\":{\"status\":503}}" } } },
		     { .name = "recover",
		       .op = { { FAULT, "DELETE" },
			       HEAL,
			       { "/_sim/feed", "{\"page\":\"twilio\",\"component\":null}" },
			       { "/_sim/feed", "{\"page\":\"aws\",\"component\":null}" } } } } },
	{ .name = "no-numbers", .backup_percent = { 50, 25 },
	  .what = "most agents fail and the backups are short of numbers",
	  .stage = { { START, .op = { MOST_FAIL } }, RECOVER(0) } },
	{ .name = "self-isolated", .what = "no provider can be reached; mail can",
	  .stage = { { START,
		       .op = { { FAULT, "{\"match\":{\"service\":\"twilio-all,elevenlabs,telnyx,"
					"status,aws,slack,pagerduty\"},"
					"\"fault\":{\"drop\":true}}" } } },
		     { .name = "recover", .op = { { FAULT, "DELETE" } } } } },
	{ .name = "rate-limited", .what = "429 on most calls",
	  .stage = { { START,
		       .op = { { FAULT, "{\"match\":{\"service\":\"twilio-all\"},"
					"\"fault\":{\"status\":429,\"rate\":0.8}}" } } },
		     { .name = "recover", .op = { { FAULT, "DELETE" } } } } },
	{ .name = "webhook-down", .what = "our own webhook endpoint fails",
	  .stage = { { START,
		       .op = { { FAULT, "{\"match\":{\"service\":\"app\",\"path\":\"/webhooks\"},"
					"\"fault\":{\"status\":503}}" } } },
		     { .name = "recover", .op = { { FAULT, "DELETE" } } } } },
	{ .name = "elevenlabs-down", .what = "ElevenLabs fails, Twilio is fine",
	  .stage = { { START,
		       .op = { { FAULT, "{\"match\":{\"service\":\"elevenlabs\"},"
					"\"fault\":{\"status\":500}}" },
			       { "/_sim/feed",
				 "{\"page\":\"elevenlabs\",\"component\":\"API\"}" } } },
		     { .name = "recover",
		       .op = { { FAULT, "DELETE" },
			       { "/_sim/feed",
				 "{\"page\":\"elevenlabs\",\"component\":null}" } } } } },
	/* Ours only: what was there before is taken, or canaries could not be undone. */
	{ .name = "canary-fails", .what = "the targets refuse our webhooks for every number",
	  .stage = { { START,
		       .op = { { FAULT, "{\"match\":{" NUMBER_WRITES
					",\"account\":\"acme-backup-1\","
					"\"body\":\"voice.acme.example\"},"
					"\"fault\":{\"status\":400,\"code\":21402}}" },
			       { FAULT, "{\"match\":{" NUMBER_WRITES
					",\"account\":\"acme-backup-2\","
					"\"body\":\"voice.acme.example\"},"
					"\"fault\":{\"status\":400,\"code\":21402}}" },
			       SUSPEND } },
		     { .name = "recover", .op = { { FAULT, "DELETE" }, HEAL } } } },
	{ .name = "target-dies",
	  .what = "the backup is suspended after 8 webhook writes; both recover when told",
	  .stage = { { START, .op = { SUSPEND } },
		     { .name = "target", .writes_to = "acme-backup-1", .writes = 8,
		       .op = { { BACKUP, "{\"status\":\"suspended\"}" } } },
		     { .name = "recover",
		       .op = { HEAL, { BACKUP, "{\"heal\":true}" } } } } },
	{ .name = "half-applied",
	  .what = "writes are done but replies are lost, and 503 in the middle",
	  .stage = { { START,
		       .op = { { FAULT, "{\"match\":{" NUMBER_WRITES
					"},\"fault\":{\"dropReply\":true,\"rate\":0.25}}" },
			       { FAULT, "{\"match\":{" IMPORT_WRITES
					"},\"fault\":{\"dropReply\":true,\"rate\":0.25}}" },
			       { FAULT, "{\"match\":{" NUMBER_WRITES
					"},\"fault\":{\"status\":503,\"rate\":0.15}}" },
			       { FAULT, "{\"match\":{" IMPORT_WRITES
					"},\"fault\":{\"status\":500,\"rate\":0.15}}" },
			       SUSPEND } },
		     { .name = "recover", .op = { { FAULT, "DELETE" }, HEAL } } } },
	{ .name = "engine-crash", .what = "suspended, and ElevenLabs is slow",
	  .stage = { { START,
		       .op = { { FAULT, "{\"match\":{" IMPORT_WRITES
					"},\"fault\":{\"latencyMs\":250}}" },
			       SUSPEND } },
		     { .name = "recover", .op = { { FAULT, "DELETE" }, HEAL } } } },
	{ .name = "stale-leader", .what = "suspended; one write is held on the wire when told",
	  .stage = { { START,
		       .op = { { FAULT, "{\"match\":{" NUMBER_WRITES
					"},\"fault\":{\"latencyMs\":100}}" },
			       SUSPEND } },
		     { .name = "hold",
		       .op = { { FAULT, "{\"match\":{" NUMBER_WRITES
					"},\"fault\":{\"hold\":true,\"times\":1}}" } } },
		     { .name = "release", .op = { { FAULT, "DELETE" } } },
		     RECOVER(0) } },
	{ .name = "unattended", .what = "most agents fail and stay so",
	  .stage = { { START, .op = { MOST_FAIL } }, RECOVER(0) } },
	{ .name = "db-down", .what = "most agents fail and stay so",
	  .stage = { { START, .op = { MOST_FAIL } }, RECOVER(0) } },
	{ .name = "cooldown", .what = "the primary is suspended; later the backup is, too",
	  .stage = { { START, .op = { SUSPEND } },
		     { .name = "backup-fails",
		       .op = { { BACKUP, "{\"status\":\"suspended\",\"source\":true}" } } },
		     { .name = "recover",
		       .op = { HEAL, { BACKUP, "{\"heal\":true}" } } } } },
	{ .name = "rollback-conflict", .what = "suspended; someone edits a webhook of the backup",
	  .stage = { { START, .op = { SUSPEND } },
		     { .name = "edit",
		       .op = { { BACKUP, "{\"editOne\":{\"smsUrl\":"
					 "\"https://edited.example/sms\"}}" } } },
		     RECOVER(0) } },
	{ .name = "rollback-early", .what = "suspended and stays so",
	  .stage = { { START, .op = { SUSPEND } }, RECOVER(0) } },
	{ .name = "two-primaries", .lineages = 2, .backup_percent = { 60, 10 },
	  .what = "two primaries are suspended, the backups have numbers for one",
	  .stage = { { START,
		       .op = { { "/_sim/account/@primaries", "{\"status\":\"suspended\"}" } } },
		     { .name = "recover",
		       .op = { { "/_sim/account/@primaries", "{\"heal\":true}" } } } } },
	{ .name = "register-call", .register_call = true,
	  .what = "agents without import; the account is suspended",
	  .stage = { { START, .op = { SUSPEND } }, RECOVER(0) } },
	{ .name = "approve-race", .agents = 100, .lineages = 50, .own_standby = true,
	  .what = "fifty primaries with two agents each fail at once",
	  .stage = { { START,
		       .op = { { "/_sim/account/@primaries",
				 "{\"voiceLost\":{\"count\":2},"
				 "\"agentsFailing\":{\"share\":1,\"code\":32005}}" } } },
		     { .name = "recover",
		       .op = { { "/_sim/account/@primaries", "{\"heal\":true}" } } } } },
	{ .name = "paused", .what = "most agents fail and stay so",
	  .stage = { { START, .op = { MOST_FAIL } }, RECOVER(0) } },
	{ .name = "notify-down", .what = "suspended; mail and Slack refuse",
	  .stage = { { START,
		       .op = { { FAULT, "{\"match\":{\"service\":\"smtp\"},"
					"\"fault\":{\"status\":451}}" },
			       { FAULT, "{\"match\":{\"service\":\"slack\"},"
					"\"fault\":{\"status\":500}}" },
			       SUSPEND } },
		     { .name = "recover", .op = { { FAULT, "DELETE" }, HEAL } } } },
	{ .name = "sms-storm", .what = "carriers filter the messages of two organisations",
	  .stage = { { START,
		       .op = { { MAIN, "{\"agentsSmsFailing\":{\"orgs\":2,\"code\":30007}}" } } },
		     RECOVER(0) } },
};

const struct sim_scenario *sim_scenario_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (str_eq(table[i].name, name))
			return &table[i];
	return NULL;
}

const struct sim_scenario *sim_scenario_at(size_t i)
{
	return i < COUNT_OF(table) ? &table[i] : NULL;
}

void sim_scenario_shape(const struct sim_scenario *sc, struct sim_shape *shape)
{
	if (sc->agents)
		shape->agents = sc->agents;
	if (sc->lineages)
		shape->lineages = sc->lineages;
	for (int i = 0; i < 2; i++)
		if (sc->backup_percent[i])
			shape->backup_numbers[i] =
				(shape->agents * sc->backup_percent[i] + 99) / 100;
	shape->own_standby |= sc->own_standby;
	shape->register_call |= sc->register_call;
	shape->no_second_key |= sc->single_credential;
}

/* ---- running one ---------------------------------------------------------------------- */

void sim_scenario_init(struct sim *s)
{
	for (int i = 0; i < SIM_STAGES_MAX; i++)
		s->running.timer[i] = TIMER_INIT;
	s->running.sim = s;
}

void sim_scenario_stop(struct sim *s)
{
	for (int i = 0; i < SIM_STAGES_MAX; i++) {
		timer_stop(&s->running.timer[i]);
		s->running.ran[i] = false;
	}
	s->running.scenario = NULL;
	s->running.started = false;
}

static int run_stage(struct sim *s, int index, struct err *err)
{
	const struct sim_stage *st = &s->running.scenario->stage[index];

	timer_stop(&s->running.timer[index]);
	s->running.ran[index] = true;
	for (int i = 0; i < SIM_STAGE_OPS && st->op[i].path; i++) {
		bool del = str_eq(st->op[i].body, "DELETE");
		int rc = sim_control_apply(s, del ? "DELETE" : "POST", st->op[i].path,
					   del ? NULL : st->op[i].body, err);

		if (rc)
			return rc;
	}
	return 0;
}

static void timed(struct timer *t)
{
	struct sim_running *r = t->user;

	run_stage(r->sim, (int)(t - r->timer), NULL);
}

int sim_scenario_start(struct sim *s, const struct sim_scenario *sc, bool manual,
		       struct err *err)
{
	int rc = 0;

	sim_scenario_stop(s);
	s->running.scenario = sc;
	s->running.started = true;
	for (int i = 0; i < SIM_STAGES_MAX && sc->stage[i].name; i++) {
		if (i == 0)
			rc = run_stage(s, 0, err);
		else if (!manual && sc->stage[i].at_s) {
			s->running.timer[i].user = &s->running;
			timer_start(s->loop, &s->running.timer[i],
				    (int64_t)(sc->stage[i].at_s * 1000 / s->world.speed), timed);
		}
	}
	return rc;
}

int sim_scenario_stage(struct sim *s, const char *stage, struct err *err)
{
	const struct sim_scenario *sc = s->running.scenario;

	for (int i = 0; sc && i < SIM_STAGES_MAX && sc->stage[i].name; i++)
		if (str_eq(sc->stage[i].name, stage))
			return run_stage(s, i, err);
	return err_field(err, ERR_NOT_FOUND, "stage", "no such stage in the running scenario");
}

void sim_scenario_wrote(struct sim *s, struct sim_account *a)
{
	const struct sim_scenario *sc = s->running.scenario;

	if (!s->running.started || !sc)
		return;
	for (int i = 0; i < SIM_STAGES_MAX && sc->stage[i].name; i++)
		if (sc->stage[i].writes && !s->running.ran[i] &&
		    str_eq(sc->stage[i].writes_to, a->name) &&
		    a->webhook_writes >= (uint64_t)sc->stage[i].writes)
			run_stage(s, i, NULL);
}

static void write_one(const struct sim *s, struct jw *w, const char *name,
		      const struct sim_scenario *sc)
{
	bool current = sc == s->running.scenario;

	jw_obj(w, name);
	jw_str(w, "name", sc->name);
	jw_str(w, "what", sc->what);
	jw_bool(w, "parentConfigured", !sc->no_parent);
	jw_bool(w, "secondCredential", !sc->single_credential);
	jw_arr(w, "stages");
	for (int i = 0; i < SIM_STAGES_MAX && sc->stage[i].name; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", sc->stage[i].name);
		jw_i64(w, "atSeconds", sc->stage[i].at_s);
		jw_bool(w, "ran", current && s->running.ran[i]);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_obj_end(w);
}

void sim_scenario_write(const struct sim *s, struct jw *w)
{
	if (s->running.scenario)
		write_one(s, w, "scenario", s->running.scenario);
	else
		jw_null(w, "scenario");
	jw_arr(w, "scenarios");
	for (size_t i = 0; i < COUNT_OF(table); i++)
		write_one(s, w, NULL, &table[i]);
	jw_arr_end(w);
}
