/*
 * Monitor and decider together on a real database, with providers scripted in memory and
 * durations of milliseconds: what opens, what approves itself and what never does.
 * Nothing executes here, so an approved event stays approved.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/task.h"
#include "failover/commands.h"
#include "failover/gates.h"
#include "failover/lease.h"
#include "failover/watch.h"
#include "providers/agents_api.h"
#include "providers/app.h"
#include "providers/feed.h"
#include "providers/telephony.h"
#include "store/accounts.h"
#include "store/control.h"
#include "store/events.h"
#include "store/lease_row.h"
#include "tests/lib/storetest.h"

enum { AGENTS = 8, WAIT_MS = 60000 };
STORETEST(st)

/* ---- the world: two accounts, one answer each --------------------------------------------- */

struct world {
	bool suspended, rejected;	/* the primary */
	bool main_down;			/* its API answers 503 */
	bool parent_known;
	int no_voice;			/* so many of its numbers cannot take calls */
	bool target_down;
	bool webhook_down;
	bool video_down;
	int video_asked;
};

static struct world *world_of(struct providers *p)
{
	return p->test;
}

static bool is_primary(const struct credentials *c)
{
	return strcmp(c->account_sid, "ACmain") == 0;
}

static enum call_result answer(struct call_info *info, enum call_result r, int http, int64_t code)
{
	*info = (struct call_info){ .result = r, .http_status = http, .code = code, .requests = 1 };
	return r;
}

static enum call_result account(OP_HEAD, enum credential_use use, struct account_info *ret,
				struct call_info *info)
{
	struct world *w = world_of(p);
	bool bad = is_primary(c) && (w->suspended || w->rejected);

	*ret = (struct account_info){ .status = ACCOUNT_ACTIVE };
	if (is_primary(c) ? w->main_down : w->target_down)
		return answer(info, CALL_SERVER, 503, 0);
	if (use == CRED_PARENT) {
		if (w->suspended && is_primary(c))
			ret->status = ACCOUNT_SUSPENDED;
		return answer(info, CALL_OK, 200, 0);
	}
	return bad ? answer(info, CALL_REJECTED, 401, 20003) : answer(info, CALL_OK, 200, 0);
}

static enum call_result balance(OP_HEAD, enum credential_use use, struct balance *ret,
				struct call_info *info)
{
	(void)p, (void)c, (void)use;
	*ret = (struct balance){ .known = true, .amount = 100, .currency = "USD" };
	return answer(info, CALL_OK, 200, 0);
}

static void number_of(char buf[20], bool primary, int i)
{
	snprintf(buf, 20, "+1%s5550%03d", primary ? "212" : "213", i);
}

static enum call_result numbers(OP_HEAD, enum credential_use use, struct phone_list *ret,
				struct call_info *info)
{
	struct world *w = world_of(p);

	(void)use;
	if (is_primary(c) && (w->suspended || w->rejected))
		return answer(info, CALL_REJECTED, 401, 20003);
	if (is_primary(c) ? w->main_down : w->target_down)
		return answer(info, CALL_SERVER, 503, 0);
	for (int i = 0; i < AGENTS + 2; i++) {
		struct webhooks hooks = { { "https://x.example/voice" } };
		char e164[20], sid[24];
		struct phone *n;

		if (is_primary(c) && i >= AGENTS)
			break;
		number_of(e164, is_primary(c), i);
		snprintf(sid, sizeof(sid), "PN%s", e164 + 1);
		n = phone_list_add(ret, sid, e164, &hooks);
		n->voice = !(is_primary(c) && i < w->no_voice);
		n->sms = true;
	}
	return answer(info, CALL_OK, 200, 0);
}

static enum call_result video(OP_HEAD, struct call_info *info)
{
	struct world *w = world_of(p);

	w->video_asked += is_primary(c) ? 1 : 1000;	/* a standby is not to be asked */
	return w->video_down ? answer(info, CALL_SERVER, 503, 0) : answer(info, CALL_OK, 200, 0);
}

static enum call_result calls(OP_HEAD, int64_t since_ms, int max_pages, struct call_list *ret,
			      struct call_info *info)
{
	(void)p, (void)c, (void)since_ms, (void)max_pages, (void)ret;
	return answer(info, CALL_OK, 200, 0);
}

static enum call_result messages(OP_HEAD, int64_t since_ms, int max_pages,
				 struct message_list *ret, struct call_info *info)
{
	(void)p, (void)c, (void)since_ms, (void)max_pages, (void)ret;
	return answer(info, CALL_OK, 200, 0);
}

static enum call_result sms_numbers(OP_HEAD, struct sms_number_list *ret, struct call_info *info)
{
	(void)p, (void)c, (void)ret;
	return answer(info, CALL_OK, 200, 0);
}

static enum call_result voice_region(OP_HEAD, const char *e164, char ret[16],
				     struct call_info *info)
{
	(void)p, (void)c, (void)e164;
	snprintf(ret, 16, "us1");
	return answer(info, CALL_OK, 200, 0);
}

static enum call_result changes(OP_HEAD, const char *sid, int64_t since_ms,
				struct change_list *ret, struct call_info *info)
{
	(void)p, (void)c, (void)sid, (void)since_ms, (void)ret;
	return answer(info, CALL_OK, 200, 0);
}

static enum call_result agents(struct providers *p,
			       void (*fn)(void *ctx, const struct remote_agent *a), void *ctx,
			       struct call_info *info)
{
	(void)p;
	for (int i = 0; i < AGENTS; i++) {
		struct remote_agent a = { 0 };

		snprintf(a.id, sizeof(a.id), "el%d", i);
		fn(ctx, &a);
	}
	return answer(info, CALL_OK, 200, 0);
}

static enum call_result key_rights(struct providers *p, struct key_rights *ret,
				   struct call_info *info)
{
	(void)p;
	*ret = (struct key_rights){ true, true, true };
	return answer(info, CALL_OK, 200, 0);
}

static enum call_result feed(struct providers *p, enum feed_id f, struct feed_report *ret,
			     struct call_info *info)
{
	(void)p, (void)f;
	ret->state = FEED_OPERATIONAL;
	return answer(info, CALL_OK, 200, 0);
}

static enum call_result webhook_test(struct providers *p, const struct credentials *c,
				     const char *url, struct webhook_probe *ret,
				     struct call_info *info)
{
	(void)c, (void)url;
	*ret = (struct webhook_probe){ .http_status = 200, .answered = true, .twiml = true };
	return world_of(p)->webhook_down ? (ret->answered = false,
					    answer(info, CALL_SERVER, 503, 0)) :
					   answer(info, CALL_OK, 200, 0);
}

static const struct telephony_ops telephony = {
	.name = "scripted", .account = account, .balance = balance, .numbers = numbers,
	.calls = calls, .messages = messages, .sms_numbers = sms_numbers,
	.voice_region = voice_region, .changes = changes, .video = video,
};
static const struct agents_ops eleven = { .agents = agents, .key_rights = key_rights };
static const struct feed_ops feeds = { .fetch = feed };
static const struct app_ops app = { .webhook_test = webhook_test };

/* ---- a flow ---------------------------------------------------------------------------------- */

struct flow {
	struct loop *loop;
	struct store *store;
	struct world world;
	struct providers providers;
	struct failover_settings set;
	struct failover_ports ports;
	struct failover_deps deps;
	struct lease *lease;
	struct monitor *monitor;
	struct decider *decider;
	char *primary, *backup;
	struct event_row ev;
	struct command_result result;
	struct err err;
	bool single;
	char failed[300];
	void (*script)(struct flow *f);
};

static void nothing_gained(void *ctx, int64_t epoch)
{
	(void)ctx, (void)epoch;
}

static void nothing_lost(void *ctx, const char *why)
{
	(void)ctx, (void)why;
}

static void wake(void *ctx)
{
	struct flow *f = ctx;

	if (f->decider)
		decider_wake(f->decider);
}

#define NEED(cond, ...)                                                                            \
	do {                                                                                       \
		if (!f->failed[0] && !(cond)) {                                                    \
			int n_ = snprintf(f->failed, sizeof(f->failed), "line %d: %s: ", __LINE__, \
					  #cond);                                                  \
			if (n_ < (int)sizeof(f->failed))                                           \
				snprintf(f->failed + n_, sizeof(f->failed) - (size_t)n_,           \
					 __VA_ARGS__);                                             \
		}                                                                                  \
	} while (0)

static void add(struct flow *f, const char *name, const char *sid, bool primary, char **ret)
{
	struct account_input in = ACCOUNT_INPUT;
	struct who who = { .actor = "test", .role = "admin", .via = "cli" };

	in.name = name;
	in.account_sid = sid;
	in.is_primary = primary;
	in.is_active = 1;
	in.token = secret_new("token");
	if (!(primary && f->single)) {
		in.parent_sid = primary ? "ACparent" : "ACother";
		in.parent_secret = secret_new("parent-token");
	}
	NEED(account_add(f->store, &who, &in, ret, &f->err) == 0, "%s", f->err.msg);
	secret_free(in.token);
	secret_free(in.parent_secret);
}

static void fill(struct flow *f)
{
	struct who who = { .actor = "test", .role = "admin", .via = "cli" };

	NEED(environment_adopt(f->store, &who, "test", &f->err) == 0, "%s", f->err.msg);
	add(f, "main", "ACmain", true, &f->primary);
	add(f, "backup", "ACbackup", false, &f->backup);
	for (int i = 0; i < AGENTS; i++) {
		char id[8], el[8], number[20];

		snprintf(id, sizeof(id), "v%d", i);
		snprintf(el, sizeof(el), "el%d", i);
		number_of(number, true, i);
		NEED(store_query(f->store, NULL, &f->err,
				 "INSERT INTO \"VoiceAgent\" (id, name, status,"
				 " \"elevenLabsAgentId\", \"twilioPhoneNumber\") VALUES ($1, $1,"
				 " 'ACTIVE', $2, $3)", "ttt", id, el,
				 number) == 0, "%s", f->err.msg);
	}
}

/* Newest event; true once it has the status. */
static bool status_is(struct flow *f, enum event_status want)
{
	struct event_row *rows = NULL;
	size_t n = 0;

	event_row_fini(&f->ev);
	if (events_current(f->store, &rows, &n, &f->err) < 0)
		return false;
	if (n == 0) {
		event_rows_free(rows, n);
		return false;
	}
	event_load(f->store, NULL, rows[0].e.id, &f->ev, &f->err);
	event_rows_free(rows, n);
	return f->ev.e.status == (int)want;
}

static void wait_status(struct flow *f, enum event_status want, int line)
{
	int64_t until = loop_now_ms(f->loop) + WAIT_MS;

	while (!f->failed[0] && !status_is(f, want)) {
		if (loop_now_ms(f->loop) > until)
			snprintf(f->failed, sizeof(f->failed),
				 "line %d: %s did not come, it is %s (%s)", line,
				 event_status_name(want),
				 f->ev.e.id ? event_status_name(f->ev.e.status) : "nothing",
				 f->ev.e.reason ? f->ev.e.reason : "");
		task_sleep(15);
	}
}
#define WAIT(status) wait_status(f, status, __LINE__)

static int order(struct flow *f, command_fn fn, struct command c)
{
	static const struct who ben = { .actor = "ben", .role = "operator", .via = "api" };
	int r;

	c.who = &ben;
	if (!c.event)
		c.event = f->ev.e.id;
	command_result_fini(&f->result);
	f->err = (struct err){ 0 };
	r = fn(f->decider, &c, &f->result, &f->err);
	return r;
}

static int64_t count_events(struct flow *f)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;

	if (store_query(f->store, &r, &f->err, "SELECT count(*) FROM ringdown.event", "") < 0)
		return -1;
	return pg_i64(r, 0, 0);
}

static void settle(struct flow *f)
{
	int64_t until = loop_now_ms(f->loop) + WAIT_MS;

	while (loop_now_ms(f->loop) < until &&
	       (!lease_may_write(f->lease) || monitor_age_ms(f->monitor) < 0 ||
		!decider_gates(f->decider, f->primary, NULL) ||
		gates_first_shut(decider_gates(f->decider, f->primary, NULL),
				 1u << GATE_EVIDENCE) >= 0))
		task_sleep(15);
	for (int i = 0; i < 20; i++)
		task_sleep(15);
}

static void run_flow(void *arg)
{
	struct flow *f = arg;
	struct lease_events events = { f, nothing_gained, nothing_lost };

	fill(f);
	f->lease = lease_new(&f->deps, "http://127.0.0.1:1", &events);
	f->deps.lease = f->lease;
	f->monitor = monitor_new(&f->deps);
	f->decider = decider_new(&f->deps, f->monitor);
	monitor_start(f->monitor);
	decider_start(f->decider);
	settle(f);
	if (!f->failed[0])
		f->script(f);
	decider_stop(f->decider);
	monitor_stop(f->monitor);
	lease_stop(f->lease);
	for (int i = 0; i < 300 && !(decider_idle(f->decider) && monitor_idle(f->monitor)); i++)
		task_sleep(10);
	task_sleep(50);
}

static void flow(void (*script)(struct flow *f), bool single)
{
	struct flow f = { .single = single, .script = script };

	f.set = (struct failover_settings){
		.cycle_ms = 60, .suspicious_cycle_ms = 40, .fall = 2, .rise = 2,
		.sample_gap_ms = 10,
		.on_demand_ms = 20, .api_strikes = 3, .traffic_window_ms = 60000, .traffic_min = 5,
		.traffic_rate = 0.5, .min_agents = 2, .min_rate = 0.5, .confirm_ms = 100,
		.evidence_fresh_ms = 5000, .window_ms = 500, .test_every_ms = 60,
		.test_gap_ms = 4000,
		.last_test_ms = 20000, .passes = 2, .passes_reopen1 = 4, .passes_reopen2 = 8,
		.reopen_ms = 60000, .max_reopens = 3, .extend_ms = 200, .extend_max_ms = 1200,
		.held_retest_ms = 60, .announce_ms = 150, .suppress_ms = 60000, .hour_ms = 60000,
		.max_per_hour = 1, .max_per_hour_lineage = 1, .min_balance = 20, .canaries = 3,
		.parallel = 8, .assign_by = (char *)"priority", .lock_ttl_ms = 300000,
		.lease_ttl_ms = 15000, .lease_renew_ms = 3000, .db_timeout_ms = 2000,
		.write_deadline_ms = 5000, .rollback_offer_ms = 1000000,
	};
	f.loop = loop_new();
	f.store = storetest_open(&st, f.loop, storetest_database(&st), "eng-1");
	f.providers = (struct providers){ .telephony = &telephony, .telnyx = &telephony,
					  .agents = &eleven, .feeds = &feeds, .app = &app,
					  .loop = f.loop, .test = &f.world };
	f.ports = (struct failover_ports){ .ctx = &f, .wake = wake };
	f.deps = (struct failover_deps){ .loop = f.loop, .store = f.store,
					 .providers = &f.providers, .set = &f.set,
					 .ports = &f.ports, .engine_id = "eng-1",
					 .environment = "test" };
	in_task(f.loop, run_flow, &f);
	event_row_fini(&f.ev);
	command_result_fini(&f.result);
	decider_free(f.decider);
	monitor_free(f.monitor);
	lease_free(f.lease);
	store_close(f.store);
	loop_free(f.loop);
	free_p(&f.primary);
	free_p(&f.backup);
	if (f.failed[0])
		fail_msg("%s", f.failed);
}

/* ---- scripts -------------------------------------------------------------------- */

static void degraded_approves_itself(struct flow *f)
{
	f->world.no_voice = 3;
	WAIT(EV_PENDING);
	NEED(f->ev.e.rule == 160 && f->ev.e.plan_hash, "rule %lld", (long long)f->ev.e.rule);
	WAIT(EV_APPROVED);
	NEED(f->ev.e.rule == 380, "rule %lld", (long long)f->ev.e.rule);
	NEED(f->ev.e.tested_failing_ms >= 500, "%lld", (long long)f->ev.e.tested_failing_ms);
	NEED(f->ev.e.agents_total == AGENTS && str_eq(f->ev.e.to, f->backup), "%lld to %s",
	     (long long)f->ev.e.agents_total, f->ev.e.to);
	NEED(str_eq(f->ev.e.decided_by, "engine"), "%s", f->ev.e.decided_by);
}

static void recovers_and_reopens(struct flow *f)
{
	_cleanup_(free_p) char *id = NULL;
	int64_t tested;

	f->world.no_voice = 3;
	WAIT(EV_PENDING);
	id = xstrdup(f->ev.e.id);
	task_sleep(150);
	f->world.no_voice = 0;
	WAIT(EV_CANCELLED);
	tested = f->ev.e.tested_failing_ms;
	f->world.no_voice = 2;
	WAIT(EV_PENDING);
	NEED(str_eq(f->ev.e.id, id) && f->ev.e.reopens == 1 && f->ev.e.passes_needed == 4,
	     "%s, %lld reopens", f->ev.e.id, (long long)f->ev.e.reopens);
	NEED(f->ev.e.tested_failing_ms >= tested, "%lld", (long long)f->ev.e.tested_failing_ms);
}

static void critical_needs_no_window(struct flow *f)
{
	f->world.suspended = true;
	WAIT(EV_APPROVED);
	NEED(f->ev.e.rule == 140 && f->ev.e.confirmed && f->ev.e.tested_failing_ms == 0,
	     "rule %lld: %s", (long long)f->ev.e.rule, f->ev.e.cause);
}

static void unconfirmed_never_approves(struct flow *f)
{
	f->world.rejected = true;
	WAIT(EV_PENDING);
	NEED(f->ev.e.severity == SEV_CRITICAL && !f->ev.e.confirmed, "%s", f->ev.e.cause);
	WAIT(EV_HELD);
	for (int i = 0; i < 10; i++)
		task_sleep(60);
	NEED(status_is(f, EV_HELD), "%s", event_status_name(f->ev.e.status));
	/* a person may, with what they saw */
	NEED(order(f, command_approve, (struct command){ .reason = "the console says so,"
							 " too" }) == 0, "%s", f->err.msg);
	NEED(status_is(f, EV_APPROVED) && str_eq(f->ev.e.decided_by, "ben"), "%s",
	     f->ev.e.decided_by);
}

static void escalates_in_place(struct flow *f)
{
	_cleanup_(free_p) char *id = NULL;

	f->set.window_ms = 60000;
	f->world.no_voice = 3;
	WAIT(EV_PENDING);
	id = xstrdup(f->ev.e.id);
	f->world.suspended = true;
	WAIT(EV_APPROVED);
	NEED(str_eq(f->ev.e.id, id) && f->ev.e.severity == SEV_CRITICAL, "%s", f->ev.e.id);
}

static void rejection_stands(struct flow *f)
{
	f->set.window_ms = 60000;
	f->world.no_voice = 3;
	WAIT(EV_PENDING);
	NEED(order(f, command_reject, (struct command){ .reason = "known" }) == 0, "%s",
	     f->err.msg);
	NEED(f->result.status == EV_REJECTED, "%d", f->result.status);
	for (int i = 0; i < 10; i++)
		task_sleep(40);
	NEED(count_events(f) == 1, "%lld events", (long long)count_events(f));
	status_is(f, EV_REJECTED);
	NEED(order(f, command_approve, (struct command){ 0 }) == ERR_CONFLICT &&
	     strstr(f->err.msg, "rejected by ben"), "%s", f->err.msg);
	/* worse than what was rejected */
	f->world.suspended = true;
	WAIT(EV_APPROVED);
	NEED(count_events(f) == 2, "%lld events", (long long)count_events(f));
}

static void pause_holds(struct flow *f)
{
	static const struct who ben = { .actor = "ben", .role = "operator", .via = "api" };

	NEED(command_pause(f->decider, &ben, true, 0, "release", &f->err) == 0, "%s", f->err.msg);
	f->world.no_voice = 3;
	WAIT(EV_HELD);
	NEED(str_eq(f->ev.e.held_gate, "paused"), "%s", f->ev.e.held_gate);
	NEED(order(f, command_approve, (struct command){ 0 }) == ERR_CONFLICT && f->result.n_gates,
	     "%s", f->err.msg);
	NEED(command_pause(f->decider, &ben, false, 0, "done", &f->err) == 0, "%s", f->err.msg);
	WAIT(EV_PENDING);
	WAIT(EV_APPROVED);
	NEED(f->ev.e.tested_failing_ms >= 500, "%lld", (long long)f->ev.e.tested_failing_ms);
}

static void target_down_holds(struct flow *f)
{
	static const char *const healthy[] = { "target-healthy", "webhook" };

	int64_t until = loop_now_ms(f->loop) + WAIT_MS;
	const struct gate_result *g;

	f->world.target_down = true;
	while ((!(g = decider_gates(f->decider, f->primary, NULL)) ||
		g[GATE_TARGET_HEALTHY].pass) && loop_now_ms(f->loop) < until)
		task_sleep(15);
	f->world.no_voice = 3;
	WAIT(EV_HELD);
	NEED(str_eq(f->ev.e.held_gate, "target-healthy"), "%s: %s", f->ev.e.held_gate,
	     f->ev.e.reason);
	NEED(order(f, command_start, (struct command){ .account = "main" }) == ERR_CONFLICT &&
	     f->result.n_gates == GATE_MAX, "%s", f->err.msg);
	NEED(order(f, command_start, (struct command){ .account = "main", .overrides = healthy,
	     .n_overrides = 2, .reason = "it must" }) == 0, "%s", f->err.msg);
	NEED(status_is(f, EV_APPROVED) && f->ev.e.trigger == TRIG_MANUAL &&
	     strstr(f->ev.e.overrides, "target-healthy"), "%s", f->ev.e.overrides);
}

/* One account, then all of them: its tests can say nothing, so the window would stay for ever. */
static void unjudged_window_is_held(struct flow *f)
{
	f->world.main_down = true;
	WAIT(EV_PENDING);
	f->world.target_down = true;
	WAIT(EV_HELD);
	NEED(f->ev.e.rule == 355 && str_eq(f->ev.e.held_gate, "isolation"), "rule %lld, gate %s: %s",
	     (long long)f->ev.e.rule, f->ev.e.held_gate, f->ev.e.reason);
	int64_t tested = f->ev.e.tested_failing_ms, began;

	task_sleep(400);
	began = loop_now_ms(f->loop);
	f->world.target_down = false;
	WAIT(EV_PENDING);
	tested = f->ev.e.tested_failing_ms - tested; /* only since its tests say something */
	NEED(f->ev.e.rule == 450 && tested <= loop_now_ms(f->loop) - began,
	     "rule %lld after %lld ms", (long long)f->ev.e.rule, (long long)tested);
	f->world.main_down = false;
	WAIT(EV_CANCELLED);
}

static void orders(struct flow *f)
{
	struct command dry = { .account = "main", .dry_run = true };

	NEED(order(f, command_start, dry) == 0 && f->result.plan && count_events(f) == 0, "%s",
	     f->err.msg);
	NEED(order(f, command_start, (struct command){ .account = "nobody" }) == ERR_NOT_FOUND,
	     "%s", f->err.msg);
	f->set.window_ms = 60000;
	f->world.no_voice = 3;
	WAIT(EV_PENDING);
	NEED(order(f, command_extend, (struct command){ 0 }) == 0, "%s", f->err.msg);
	NEED(order(f, command_extend, (struct command){ .minutes = 60 }) == ERR_CONFLICT, "%s",
	     f->err.msg);
	NEED(order(f, command_approve, (struct command){ .plan_hash = "old" }) == ERR_CONFLICT &&
	     f->result.plan, "%s", f->err.msg);
	NEED(order(f, command_approve, (struct command){ .plan_hash = f->ev.e.plan_hash }) == 0,
	     "%s", f->err.msg);
	NEED(order(f, command_reject, (struct command){ 0 }) == ERR_CONFLICT &&
	     strstr(f->err.msg, "approved by ben"), "%s", f->err.msg);
	/* approved, not taken up: its numbers go back to the pool */
	NEED(order(f, command_cancel, (struct command){ 0 }) == 0, "%s", f->err.msg);
	NEED(status_is(f, EV_CANCELLED), "%s", event_status_name(f->ev.e.status));
	for (int i = 0; i < 10; i++)
		task_sleep(40);
	NEED(count_events(f) == 1 && status_is(f, EV_CANCELLED), "%lld events",
	     (long long)count_events(f));
}

/* ---- rolling back ------------------------------------------------------------------------- */

static void sql(struct flow *f, const char *text)
{
	NEED(store_query(f->store, NULL, &f->err, text, "") == 0, "%s", f->err.msg);
}

/* As if the approved event had been carried out. */
static void carried_out(struct flow *f)
{
	NEED(order(f, command_start, (struct command){ .account = "main" }) == 0, "%s", f->err.msg);
	NEED(status_is(f, EV_APPROVED), "%s", event_status_name(f->ev.e.status));
	sql(f, "UPDATE ringdown.event SET status = 'completed', version = version + 1,"
	       " completed_at = state_since, rollback_until = state_since + interval '1 day'");
	sql(f, "UPDATE ringdown.event_item SET state = 'moved', step = 7, before ="
	       " '{\"agent\":{}}'");
	sql(f, "UPDATE ringdown.lineage l SET current_account = e.to_account FROM ringdown.event e"
	       " WHERE e.lineage = l.primary_id");
	NEED(status_is(f, EV_COMPLETED), "%s", event_status_name(f->ev.e.status));
}

static const struct gate_result *gate(const struct flow *f, enum gate g)
{
	for (size_t i = 0; i < f->result.n_gates; i++)
		if (f->result.gates[i].gate == (int)g)
			return &f->result.gates[i];
	return NULL;
}

/* The numbers of the way back are the agents' own, looked at when it is asked for. */
static void rollback_counts_numbers(struct flow *f)
{
	static const char *const numbers[] = { "numbers" };
	const struct gate_result *g;

	carried_out(f);
	f->world.no_voice = 2;
	NEED(order(f, command_rollback, (struct command){ 0 }) == ERR_CONFLICT, "%s", f->err.msg);
	g = gate(f, GATE_NUMBERS);
	NEED(g && !g->pass && strstr(g->why, "2 of 8"), "%s", g ? g->why : "no gates");
	NEED(!gate(f, GATE_HOUR), "gates that do not count for a rollback are named, too");
	NEED(g->overridable, "the answer does not offer what is allowed");
	NEED(order(f, command_rollback, (struct command){ .overrides = numbers,
							  .n_overrides = 1 }) == 0, "%s",
							  f->err.msg);
	NEED(status_is(f, EV_ROLLING_BACK), "%s", event_status_name(f->ev.e.status));
}

static void leaders_word(struct flow *f, const char *credential)
{
	_cleanup_(free_p) char *doc = xasprintf(
		"{\"gates\":[{\"lineage\":\"%s\",\"target\":\"elsewhere\",\"gates\":["
		"{\"gate\":\"agents\",\"pass\":true,\"why\":\"ElevenLabs answers\"}]}]}",
		f->primary);
	_cleanup_(free_p) char *health = xasprintf(
		"INSERT INTO \"TwilioHealthCheck\" (id, \"accountId\", status, \"checkType\","
		" details, \"checkedAt\") SELECT 'zz' || count(*), '%s', 'healthy', 'cycle',"
		" '{\"accountId\":\"x\",\"checks\":[{\"kind\":\"account\",\"outcome\":\"ok\"},"
		"{\"kind\":\"credential\",\"outcome\":\"%s\",\"reason\":\"as the leader saw it\"},"
		"{\"kind\":\"api\",\"outcome\":\"ok\"},{\"kind\":\"numbers\","
		"\"outcome\":\"ok\"}]}', clock_timestamp() + interval '10 seconds' FROM"
		" \"TwilioHealthCheck\"",
		f->primary, credential);

	NEED(live_put(f->store, "leader", doc, &f->err) == 0, "%s", f->err.msg);
	sql(f, health);
}

/* The same order, given to an engine that does not lead: it goes by what the leader left. */
static void follower_takes_rollback(struct flow *f)
{
	struct failover_deps deps = f->deps;
	struct lease_events events = { f, nothing_gained, nothing_lost };
	struct decider *leader = f->decider;
	const struct gate_result *g;

	carried_out(f);
	deps.engine_id = "eng-2";
	deps.lease = lease_new(&deps, "http://127.0.0.1:2", &events);
	struct monitor *m = monitor_new(&deps);
	f->decider = decider_new(&deps, m);
	while (!lease_holder(deps.lease)[0] && !f->failed[0])
		task_sleep(15);
	leaders_word(f, "bad");
	NEED(order(f, command_rollback, (struct command){ 0 }) == ERR_CONFLICT, "%s", f->err.msg);
	g = gate(f, GATE_TARGET_HEALTHY);
	NEED(g && !g->pass && strstr(g->why, "as the leader saw it"), "%s", f->err.msg);
	leaders_word(f, "ok");
	NEED(order(f, command_rollback, (struct command){ 0 }) == 0, "%s", f->err.msg);
	NEED(status_is(f, EV_ROLLING_BACK), "%s", event_status_name(f->ev.e.status));
	NEED(!lease_held(deps.lease), "the follower leads");
	lease_stop(deps.lease);
	task_sleep(50);
	decider_free(f->decider);
	monitor_free(m);
	lease_free(deps.lease);
	f->decider = leader;
}

static void webhook_is_no_failure(struct flow *f)
{
	f->world.webhook_down = true;
	for (int i = 0; i < 12; i++)
		task_sleep(50);
	NEED(count_events(f) == 0, "%lld events", (long long)count_events(f));
}

static bool alert_fires(struct flow *f, const char *name)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;

	return store_query(f->store, &r, &f->err, "SELECT 1 FROM ringdown.alert WHERE name = $1"
			   " AND state <> 'resolved'", "t", name) == 0 && pg_rows(r) == 1;
}

static void wait_alert(struct flow *f, const char *name, bool want)
{
	int64_t until = loop_now_ms(f->loop) + WAIT_MS;

	while (loop_now_ms(f->loop) < until && alert_fires(f, name) != want)
		task_sleep(20);
	NEED(alert_fires(f, name) == want, "alert %s, wanted %d", name, want);
}

/* Rooms are asked for only where that is set, and their trouble is an alert, never an event. */
static void video_is_an_alert(struct flow *f)
{
	f->world.video_down = true;
	NEED(f->world.video_asked == 0, "%d", f->world.video_asked);
	f->set.video = true;
	wait_alert(f, "video", true);
	NEED(f->world.video_asked < 1000, "the standby was asked, too");
	NEED(count_events(f) == 0, "%lld events", (long long)count_events(f));
	f->world.video_down = false;
	wait_alert(f, "video", false);
}

static int64_t count_alerts(struct flow *f)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;

	if (store_query(f->store, &r, &f->err, "SELECT count(*) FROM ringdown.alert", "") < 0)
		return -1;
	return pg_i64(r, 0, 0);
}

/* An engine that gets the lease while its cycle runs has asked one account as a follower does:
 * that is no finding, and it looks again at once. */
static void leads_within_a_cycle(struct flow *f)
{
	struct failover_settings seldom = f->set;
	struct failover_deps deps = f->deps;
	struct monitor *m;
	int64_t until;

	NEED(count_alerts(f) == 0, "%lld alerts", (long long)count_alerts(f));
	decider_stop(f->decider);
	monitor_stop(f->monitor);
	while (!monitor_idle(f->monitor))
		task_sleep(10);
	seldom.cycle_ms = seldom.suspicious_cycle_ms = 600000;
	deps.set = &seldom;
	deps.lease = NULL;
	m = monitor_new(&deps);
	monitor_start(m);
	until = loop_now_ms(f->loop) + WAIT_MS;
	const struct watched *w = NULL;
	while (loop_now_ms(f->loop) < until && !(w && w->sweep_n)) {
		task_sleep(0);
		w = monitor_account(m, f->primary);
	}
	/* its evidence is on the way into the database, the cycle goes on */
	NEED(w && w->verdict.health == HEALTH_UNKNOWN && !w->whole && m->cycle_n == 0,
	     "cycle %lld: %s", (long long)m->cycle_n, w ? w->verdict.cause : "");
	deps.lease = f->lease;
	while (loop_now_ms(f->loop) < until && m->cycle_n < 2)
		task_sleep(5);
	NEED(m->cycle_n == 2 && w && w->verdict.health == HEALTH_HEALTHY, "cycle %lld: %s",
	     (long long)m->cycle_n, w ? w->verdict.cause : "");
	NEED(count_alerts(f) == 0, "%lld alerts", (long long)count_alerts(f));
	monitor_stop(m);
	while (!monitor_idle(m))
		task_sleep(10);
	monitor_free(m);
}

#define FLOW(name, single)                                                                         \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		flow(name, single);                                                                \
	}
FLOW(degraded_approves_itself, false)
FLOW(recovers_and_reopens, false)
FLOW(critical_needs_no_window, false)
FLOW(unconfirmed_never_approves, true)
FLOW(escalates_in_place, false)
FLOW(rejection_stands, false)
FLOW(pause_holds, false)
FLOW(target_down_holds, false)
FLOW(unjudged_window_is_held, false)
FLOW(orders, false)
FLOW(webhook_is_no_failure, false)
FLOW(video_is_an_alert, false)
FLOW(rollback_counts_numbers, false)
FLOW(follower_takes_rollback, false)
FLOW(leads_within_a_cycle, false)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_degraded_approves_itself),
		cmocka_unit_test(test_recovers_and_reopens),
		cmocka_unit_test(test_critical_needs_no_window),
		cmocka_unit_test(test_unconfirmed_never_approves),
		cmocka_unit_test(test_escalates_in_place),
		cmocka_unit_test(test_rejection_stands),
		cmocka_unit_test(test_pause_holds),
		cmocka_unit_test(test_target_down_holds),
		cmocka_unit_test(test_unjudged_window_is_held),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_webhook_is_no_failure),
		cmocka_unit_test(test_video_is_an_alert),
		cmocka_unit_test(test_rollback_counts_numbers),
		cmocka_unit_test(test_follower_takes_rollback),
		cmocka_unit_test(test_leads_within_a_cycle),
	};

	return cmocka_run_group_tests(tests, storetest_up, storetest_down);
}
