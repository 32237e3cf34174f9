/* Scenarios in which the engine must not act, or is held. */
#include "cli/demo/script.h"
#include "store/store.h"

enum { LASTS_S = 900 };	/* time to declare, tell people and walk a runbook before it ends */

static void play_one_agent(struct demo *d)
{
	script_alert_only(d, 600);
}

static void play_region_outage(struct demo *d)
{
	if (!script_begin(d) || !script_gate_shut(d, GATE_ISOLATION) ||
	    !script_gate_shut(d, GATE_TARGET_HEALTHY))
		return;
	demo_sleep_story(d, 1200);
	const struct event *e = demo_event(d);
	if (e && e->status != EV_HELD)
		demo_fail(d, "the event is %s: it must be held or not be there",
			  event_status_name(e->status));
}

static void play_no_numbers(struct demo *d)
{
	if (script_begin(d) && demo_wait_status(d, "held", slack(d, 900)) &&
	    !str_eq(demo_event(d)->held_gate, "numbers"))
		demo_fail(d, "held by gate %s, not numbers", demo_event(d)->held_gate ?
			  demo_event(d)->held_gate : "(none)");
}

static void play_rate_limited(struct demo *d)
{
	if (script_begin(d))
		script_no_event_for(d, 1200);
}

/* The application writes its messages itself: here we stand in for it. */
static bool insert_failures(struct demo *d)
{
	static const char sql[] =
		"INSERT INTO \"MessageLog\" (id, \"orgId\", direction, channel, status, \"from\","
		" \"to\", content, metadata, \"createdAt\")"
		" SELECT 'storm-' || o.\"orgId\" || n, o.\"orgId\", 'outbound', 'sms',"
		" 'undelivered', '+14152010000', '+1415555' || lpad(n::text, 4, '0'), 'Claim your"
		" prize now', '{\"twilioErrorCode\":\"30007\",\"twilioErrorMessage\":\"Message"
		" filtered\"}'::jsonb, $1::timestamptz - n * interval '1 second'"
		" FROM generate_series(1, 120) n,"
		" (SELECT \"orgId\" FROM \"OrgSettings\" ORDER BY 1 LIMIT 2) o";
	struct store_options o = { .url = d->db_url, .engine_id = "demo", .timeout_ms = 20000 };
	struct err err = { 0 };
	struct store *s = store_open(d->loop, &o, &err);
	int r = s ? store_query(s, NULL, &err, sql, "m", loop_wall_ms(d->loop)) : err.code;

	store_close(s);
	return r >= 0 || demo_fail(d, "%s", err.msg);
}

static bool sms_alert(struct demo *d, const void *arg)
{
	(void)arg;
	for (size_t i = 0; i < d->state.n_alerts; i++)
		if (d->state.alerts[i].name && strstr(d->state.alerts[i].name, "sms"))
			return true;
	return false;
}

static void play_sms_storm(struct demo *d)
{
	int status = 0;
	struct json *codes;

	if (!script_begin(d) || !insert_failures(d) ||
	    !demo_wait(d, slack(d, 600), sms_alert, NULL, "an alert about SMS"))
		return;
	codes = demo_api(d, d->viewer, "GET", "/api/v1/sms/codes?source=messagelog&limit=50", NULL,
			 &status);
	struct str b = STR_INIT(1 << 20);
	json_print(&b, codes);
	if (status != 200 || !b.s || !strstr(b.s, "30007"))
		demo_fail(d, "the SMS view does not show code 30007 (HTTP %d)", status);
	str_fini(&b);
	json_free(codes);
	script_no_event_for(d, 600);
}

static const struct scenario rows[] = {
	{ "one-agent", "1 of 40 agents fails", "alert", 1, .play = play_one_agent,
	  .digest_same = true, .no_event = true },
	{ "region-outage", "primary and backups answer 5xx", "alert|held", 1,
	  .play = play_region_outage, .digest_same = true, .lasts_s = LASTS_S },
	{ "no-numbers", "the backups have too few voice-ready numbers", "held", 1,
	  .play = play_no_numbers, .digest_same = true },
	{ "self-isolated", "no provider can be reached; mail still can", "alert", 1,
	  .play = play_one_agent, .digest_same = true, .no_event = true, .lasts_s = LASTS_S },
	{ "rate-limited", "429 on most calls", "none|alert", 1, .play = play_rate_limited,
	  .digest_same = true, .no_event = true, .lasts_s = LASTS_S },
	{ "webhook-down", "our own webhook endpoint fails", "alert", 1, .play = play_one_agent,
	  .digest_same = true, .no_event = true, .lasts_s = LASTS_S },
	{ "elevenlabs-down", "ElevenLabs fails, Twilio is fine", "alert", 1, .play = play_one_agent,
	  .digest_same = true, .no_event = true, .lasts_s = LASTS_S },
	{ "sms-storm", "SMS failures by carrier filtering in two orgs", "alert", 1,
	  .play = play_sms_storm, .digest_same = true, .no_event = true },
};
const struct scenario_list quiet_scenarios = { rows, COUNT_OF(rows) };
