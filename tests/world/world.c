/*
 * Runs seeds: engines, a hand that hurts them for some virtual minutes, then calm, and what
 * must hold (check.c). The same seed is the same run, to the last call: nothing here or
 * below reads a clock, an address or a random number that is not the seed's.
 *
 *	world --seed N		one run, with its trace
 *	world --seeds N [--from M]	many; prints those that fail
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/mem.h"
#include "tests/world/world.h"

enum { FAULTS_MS = 400000, TEARDOWN_MS = 8000, START_WALL_S = 1790000000 };
/* Three lease times, and what is left of the plan: seconds here, minutes with a hung ElevenLabs. */
enum { REST_MS = 3 * 15000 + 180000 };

/* ---- dice and words ------------------------------------------------------------------------- */

uint64_t dice(struct world *w, uint64_t sides)
{
	/* splitmix64 */
	uint64_t z = w->dice += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) % sides;
}

bool chance(struct world *w, int per_1000)
{
	return dice(w, 1000) < (uint64_t)per_1000;
}

bool crash_here(struct world *w)
{
	if (w->calm)
		return false;
	return ++w->steps == w->crash_at || chance(w, w->crash);
}

void say(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->trace)
		return;
	printf("%9.3f ", (double)w->now_ms / 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void broken(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->broken[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->broken, sizeof(w->broken), fmt, ap);
	va_end(ap);
	say(w, "BROKEN: %s", w->broken);
}

/* ---- the clock ------------------------------------------------------------------------------- */

/* Turns the loop in which something is due first. One that stands still keeps its time and finds
 * out later; all others see the same one. */
static bool turn(struct world *w)
{
	struct loop *loops[W_ENGINES + 1] = { w->loop }, *first = NULL;
	int64_t due = INT64_MAX;

	for (int n = 0; n < W_ENGINES; n++)
		loops[n + 1] = w->engines[n] && !w->engines[n]->frozen ? w->engines[n]->loop : NULL;
	for (int i = 0; i <= W_ENGINES; i++) {
		int64_t at = loops[i] ? loop_virtual_due(loops[i]) : INT64_MAX;

		if (at < due) {
			due = at;
			first = loops[i];
		}
	}
	if (!first)
		return false;
	if (due > w->now_ms)
		w->now_ms = due;
	for (int i = 0; i <= W_ENGINES; i++)
		if (loops[i])
			loop_virtual_advance(loops[i], w->now_ms);
	return loop_run_once(first, -1);
}

/* ---- engines -------------------------------------------------------------------- */

static void gained(void *ctx, int64_t epoch)
{
	struct engine_in_world *e = ctx;

	say(e->w, "%s leads, epoch %lld", e->id, (long long)epoch);
	monitor_wake(e->monitor);
	decider_wake(e->decider);
	executor_wake(e->x);
}

static void lost(void *ctx, const char *why)
{
	struct engine_in_world *e = ctx;

	say(e->w, "%s leads no more: %s", e->id, why);
	executor_lost(e->x);
	decider_wake(e->decider);
	monitor_wake(e->monitor);
}

/* As engine/engine.c does. */
static void gap(void *ctx, int64_t gap_ms, int64_t wall_step_ms)
{
	struct engine_in_world *e = ctx;

	if (!e->up || e->dead)
		return;
	say(e->w, "%s stood still for %lld ms, clock step %lld ms", e->id, (long long)gap_ms,
	    (long long)wall_step_ms);
	if (gap_ms)
		lease_doubt(e->lease);
	if (gap_ms > 2000 || wall_step_ms)
		decider_gap(e->decider);
}

static void wake(void *ctx)
{
	struct engine_in_world *e = ctx;

	decider_wake(e->decider);
	executor_wake(e->x);
}

static void engine_start(struct engine_in_world *e)
{
	static const struct failover_ports no_ports;
	struct world *w = e->w;
	struct lease_events events = { e, gained, lost };
	int kept = 0;

	snprintf(e->id, sizeof(e->id), "eng-%d", e->n + 1);
	e->store = (struct store){ .loop = e->loop, .pool = (struct pg_pool *)(void *)e,
				   .engine_id = e->id, .timeout_ms = 2000 };
	e->providers = *w->out_providers;
	e->providers.loop = e->loop;
	e->providers.telephony = e->providers.telnyx = &w->telephony;
	e->providers.agents = &w->agents;
	e->providers.app = &w->app;
	e->providers.feeds = &w->feeds;
	e->ports = no_ports;
	e->ports.ctx = e;
	e->ports.wake = wake;
	e->deps = (struct failover_deps){ .loop = e->loop, .store = &e->store,
					  .providers = &e->providers, .set = &w->set,
					  .ports = &e->ports, .engine_id = e->id,
					  .environment = "world" };
	for (int i = 0; i < e->n_intents; i++)
		if (e->intents[i].synced)
			e->intents[kept++] = e->intents[i];
	e->n_intents = kept;
	e->dead = e->frozen = false;
	e->up = true;
	e->stalled_until_ms = e->cut_until_ms = 0;
	loop_on_gap(e->loop, gap, e);
	e->monitor = monitor_new(&e->deps);
	e->decider = decider_new(&e->deps, e->monitor);
	e->x = executor_new(&e->deps, e->id);
	e->deps.lease = e->lease = lease_new(&e->deps, "", &events);
	monitor_start(e->monitor);
	decider_start(e->decider);
	say(w, "%s starts", e->id);
}

static void kill_now(void *arg)
{
	struct engine_in_world *e = arg;

	decider_stop(e->decider);
	monitor_stop(e->monitor);
	executor_stop(e->x);
	lease_stop(e->lease);
}

void crash_engine(struct engine_in_world *e, const char *where)
{
	if (e->dead || !e->up || !e->x)
		return;
	e->dead = true;
	e->w->crashes++;
	e->restart_ms = e->w->now_ms + TEARDOWN_MS + (int64_t)dice(e->w, 25000);
	say(e->w, "%s crashes %s", e->id, where);
	loop_defer(e->loop, kill_now, e);
}

static bool engine_idle(const struct engine_in_world *e)
{
	return executor_idle(e->x) && decider_idle(e->decider) && monitor_idle(e->monitor) &&
	       !e->orders;
}

static void engine_end(struct engine_in_world *e)
{
	executor_free(e->x);
	decider_free(e->decider);
	monitor_free(e->monitor);
	lease_free(e->lease);
	e->x = NULL;
	e->lease = NULL;
	e->up = false;
}

/* ---- the outside, as each engine meets it --------------------------------------- */

static int64_t out_delay(struct providers *p)
{
	struct engine_in_world *e = CONTAINER_OF(p, struct engine_in_world, providers);
	struct world *w = e->w;
	int64_t ms = w->latency_ms + (int64_t)dice(w, (uint64_t)w->latency_ms + 1);

	if (!w->calm && chance(w, w->out_fault))
		ms += (int64_t)dice(w, 4000);
	return ms;
}

/* Sent at once, or still on its way when something happens to the sender. */
static bool out_at_once(struct providers *p)
{
	return chance(CONTAINER_OF(p, struct engine_in_world, providers)->w, 500);
}

static bool out_dead(struct providers *p, const char *account)
{
	enum sickness how = sick_now(CONTAINER_OF(p, struct engine_in_world, providers)->w,
				     account);

	return how == SUSPENDED || how == REFUSED;
}

static bool out_lands(struct providers *p)
{
	return chance(CONTAINER_OF(p, struct engine_in_world, providers)->w, 500);
}

static enum fake_fault out_fate(struct providers *p, const char *kind)
{
	static const enum fake_fault faults[] = { FAULT_LOST, FAULT_DROPPED, FAULT_SERVER,
						  FAULT_SERVER_DONE, FAULT_RATE };
	struct engine_in_world *e = CONTAINER_OF(p, struct engine_in_world, providers);
	struct world *w = e->w;

	if (e->dead || e->cut_until_ms > w->now_ms)
		return FAULT_DROPPED;
	if (strcmp(kind, "unlock"))
		law_write(e, kind);
	say(w, "  %s writes: %s", e->id, kind);
	if (w->calm)
		return FAULT_NONE;
	if (crash_here(w)) {
		bool after = chance(w, 500);

		crash_engine(e, after ? "after a write" : "before a write");
		return after ? FAULT_CRASH_AFTER : FAULT_CRASH_BEFORE;
	}
	if (!chance(w, w->out_fault))
		return FAULT_NONE;
	w->faults++;
	return faults[dice(w, COUNT_OF(faults))];
}

/* ---- the installation ----------------------------------------------------------- */

static void hook(struct fake_number *n, enum webhook_field f, const char *text)
{
	snprintf(n->hooks[f], sizeof(n->hooks[f]), "%s", text);
}

static void make_agent(struct world *w, int i)
{
	struct db_tables *d = &w->now;
	bool import = !chance(w, 300);
	char number[20], text[400];

	snprintf(number, sizeof(number), "+1212555%04d", i);
	struct fake_number *h = fake_number_add(&w->out, "AC1", number);
	hook(h, WH_VOICE_URL, import ? "https://api.us.elevenlabs.io/twilio/inbound_call" :
				       "https://app.example/voice");
	hook(h, WH_VOICE_METHOD, "POST");
	hook(h, WH_SMS_URL, "https://app.example/sms");
	hook(h, WH_SMS_METHOD, "POST");
	hook(h, WH_STATUS_CALLBACK, "https://app.example/status");
	hook(h, WH_STATUS_CALLBACK_METHOD, "POST");
	snprintf(text, sizeof(text), "agent_%d", i);
	if (import)
		fake_import_add(&w->out, number, text);
	d->agents[i] = (struct db_agent){
		.number = db_keep(w, number), .eleven = db_keep(w, text), .name = db_keep(w, text),
		.integration = import ? INT_IMPORT : INT_REGISTER_CALL,
	};
	snprintf(text, sizeof(text), "ag%03d", i);
	d->agents[i].id = db_keep(w, text);
	snprintf(text, sizeof(text),
		 "{\"voice_url\":\"%s\",\"voice_method\":\"POST\",\"voice_fallback_url\":\"\","
		 "\"sms_url\":\"https://app.example/sms\",\"sms_method\":\"POST\","
		 "\"status_callback\":\"https://app.example/status\","
		 "\"status_callback_method\":\"POST\"}", h->hooks[WH_VOICE_URL]);
	d->hooks[d->n_hooks++] = (struct db_hooks){ db_keep(w, "acc1"), d->agents[i].number,
						    db_keep(w, h->sid), db_keep(w, text) };
}

static void make_pool_number(struct world *w, int account, int i)
{
	struct db_tables *d = &w->now;
	char number[20], sid[8], id[8];

	if (d->n_pool == W_POOL)
		return;
	snprintf(number, sizeof(number), "+121255%d%04d", 5 + account, i);
	snprintf(sid, sizeof(sid), "AC%d", account);
	snprintf(id, sizeof(id), "acc%d", account);
	struct fake_number *b = fake_number_add(&w->out, sid, number);
	hook(b, WH_VOICE_URL, "https://demo.twilio.com/welcome");
	hook(b, WH_VOICE_METHOD, "POST");
	hook(b, WH_STATUS_CALLBACK, "https://old.example/cb");
	hook(b, WH_STATUS_CALLBACK_METHOD, "GET");
	d->pool[d->n_pool++] = (struct db_pool){ .number = db_keep(w, number),
						 .account = db_keep(w, id),
						 .sid = db_keep(w, b->sid),
						 .status = NUM_AVAILABLE,
						 .sms_ready = chance(w, 500) };
}

static struct engine_in_world *engine_new(struct world *w, int n)
{
	struct engine_in_world *e = xcalloc(1, sizeof(*e));

	e->w = w;
	e->n = n;
	/* hosts' clocks are never quite the same */
	e->loop = loop_new_virtual((int64_t)START_WALL_S * 1000 + (int64_t)dice(w, 800),
				   w->seed + (uint64_t)n + 1);
	return e;
}

/* As --speed 10 would, but for what never scales. */
static void settings(struct failover_settings *set)
{
	*set = (struct failover_settings){
		.cycle_ms = 12000, .suspicious_cycle_ms = 2000, .fall = 2, .rise = 2,
		.sample_gap_ms = 500, .on_demand_ms = 3000, .api_strikes = 3,
		.traffic_window_ms = 60000, .traffic_min = 5, .traffic_rate = 0.5, .min_agents = 2,
		.min_rate = 0.5, .confirm_ms = 6000, .evidence_fresh_ms = 18000,
		.observe_after_gap_ms = 3000,
		.window_ms = 60000, .test_every_ms = 3000, .test_gap_ms = 9000,
		.last_test_ms = 20000,
		.passes = 2, .passes_reopen1 = 4, .passes_reopen2 = 8, .reopen_ms = 180000,
		.max_reopens = 3, .extend_ms = 60000, .extend_max_ms = 360000,
		.held_retest_ms = 3000,
		.announce_ms = 6000, .suppress_ms = 120000,
		.hour_ms = 120000, .max_per_hour = 1, .max_per_hour_lineage = 1,
		.lock_ttl_ms = 300000, .calls_wait_ms = 6000, .eleven_retry_ms = 60000,
		.eleven_retry_every_ms = 5000, .canaries = 2, .parallel = 3,
		.rollback_offer_ms = 86400000, .assign_by = xstrdup("priority"),
		.lease_ttl_ms = 15000, .lease_renew_ms = 3000, .db_timeout_ms = 2000,
		.write_deadline_ms = 5000,
	};
}

static void faults_of(struct world *w)
{
	static const int hurts[] = { 0, 5, 20, 60 };

	w->out_fault = hurts[dice(w, COUNT_OF(hurts))] * 2;
	w->db_fault = hurts[dice(w, COUNT_OF(hurts))];
	w->crash = hurts[dice(w, COUNT_OF(hurts))] / 10;
	w->crash_at = chance(w, 300) ? 1 + (int)dice(w, 400) : 0;
	w->latency_ms = 20 + (int64_t)dice(w, 300);
	w->interference = chance(w, 200);
	w->jumps = chance(w, 250);
	w->freezes = chance(w, 400);
	w->loses = chance(w, 120);
	w->ends_sick = chance(w, 200);
}

static void world_open(struct world *w, uint64_t seed, bool trace)
{
	memset(w, 0, sizeof(*w));
	w->seed = w->dice = seed;
	w->trace = trace;
	w->loop = loop_new_virtual((int64_t)START_WALL_S * 1000, seed);
	w->now_ms = loop_now_ms(w->loop);
	w->timeline = w->now.timeline = 1;
	w->now.looked = -1;
	w->out.loop = w->loop;
	faults_of(w);
	intents_belong(w);
	w->out_providers = fake_providers(&w->out);
	w->out.fate = out_fate;
	w->out.delay = out_delay;
	w->out.lands = out_lands;
	w->out.at_once = out_at_once;
	w->out.dead = out_dead;
	w->out.late_ms = 5000;
	settings(&w->set);
	sense_init(w);
	w->now.current = db_keep(w, "acc1");
	for (int i = 0; i < W_AGENTS; i++)
		make_agent(w, i);
	for (int i = 0; i < W_AGENTS + (int)dice(w, 3); i++)
		make_pool_number(w, 2, i);
	for (int i = 0; i < W_AGENTS - 1 + (int)dice(w, 3); i++)
		make_pool_number(w, 3, i);
	w->digest_before = fake_digest(&w->out);
	for (int n = 0; n < W_ENGINES; n++) {
		w->engines[n] = engine_new(w, n);
		engine_start(w->engines[n]);
	}
}

static void world_close(struct world *w)
{
	for (int n = 0; n < W_ENGINES; n++) {
		loop_free(w->engines[n]->loop);
		free_p(&w->engines[n]);
	}
	fake_providers_free(w->out_providers);
	free_p(&w->set.assign_by);
	free_p(&w->digest_before);
	free_p(&w->live);
	db_free(w);
	loop_free(w->loop);
}

/* ---- the hand ------------------------------------------------------------------- */

static void nothing(struct timer *t)
{
	(void)t;
}

static void turn_until(struct world *w, int64_t ms)
{
	struct timer t = TIMER_INIT;

	timer_start(w->loop, &t, ms - w->now_ms, nothing);
	while (timer_active(&t) && turn(w))
		;
}

static struct engine_in_world *any_engine(struct world *w)
{
	return w->engines[dice(w, W_ENGINES)];
}

static void hurt_engine(struct world *w, struct engine_in_world *e)
{
	int64_t now = w->now_ms;

	switch (dice(w, 6)) {
	case 0:
		e->stalled_until_ms = now + (int64_t)dice(w, 30000);
		e->stalled = true;
		say(w, "%s is cut off from the database", e->id);
		break;
	case 1:
		e->cut_until_ms = now + (int64_t)dice(w, 40000);
		say(w, "%s reaches no provider", e->id);
		break;
	case 2:
		if (!w->jumps)
			break;
		loop_step_wall(e->loop, (int64_t)dice(w, 7200000) - 3600000);
		say(w, "the wall clock of %s jumps", e->id);
		break;
	case 3:
		if (!w->freezes || !e->up || e->frozen)
			break;
		e->frozen = true;
		e->thaw_ms = now + 1500 + (int64_t)dice(w, 45000);
		w->freezes_seen++;
		say(w, "%s stands still", e->id);
		break;
	case 4:
		if (w->crash && chance(w, 300))
			crash_engine(e, "all by itself");
		break;
	default:
		if (e->up && !e->dead)
			lease_doubt(e->lease);
	}
}

static void hurt(struct world *w)
{
	switch (dice(w, 12)) {
	case 0:
	case 1:
	case 2:
		hurt_engine(w, any_engine(w));
		break;
	case 3:
		w->database_away = !w->database_away && chance(w, 500);
		say(w, "the database is %s", w->database_away ? "away" : "there");
		break;
	case 4:
		w->out.eleven_down = !w->out.eleven_down && chance(w, 500);
		say(w, "ElevenLabs is %s", w->out.eleven_down ? "away" : "there");
		break;
	case 5:
		/* the account in use more often than the others; for long enough to matter */
		fall_ill(w, chance(w, 600) ? w->now.current[3] - '1' : (int)dice(w, W_ACCOUNTS),
			 chance(w, 400) ? WELL : (enum sickness)dice(w, SICKNESSES));
		break;
	case 7:
		if (w->loses && !w->lost_ms && w->n_old > 1 && chance(w, 400))
			db_lose_commits(w, 1 + (int)dice(w, (uint64_t)w->n_old - 1));
		break;
	default:
		person_acts(w);
	}
}

/* What engine/live.c leaves for followers. */
static void put_live(struct world *w, const struct engine_in_world *e)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw out = JW(&b);

	if (!e->up || e->dead || e->frozen || !lease_held(e->lease))
		return;
	jw_obj(&out, NULL);
	decider_live(e->decider, &out);
	jw_obj_end(&out);
	free_p(&w->live);
	w->live = str_take(&b);
	w->live_at_ms = loop_wall_ms(e->loop);
}

static void tend_engines(struct world *w)
{
	int64_t now = w->now_ms;

	for (int n = 0; n < W_ENGINES; n++) {
		struct engine_in_world *e = w->engines[n];

		if (e->frozen && now >= e->thaw_ms) {
			e->frozen = false;
			say(w, "%s goes on", e->id);
		}
		if (e->dead && e->up && now >= e->restart_ms && engine_idle(e)) {
			engine_end(e);
			engine_start(e);
		}
		if (e->stalled && e->up && !e->dead && now >= e->stalled_until_ms) {
			e->stalled = false;
			lease_doubt(e->lease);
		}
		put_live(w, e);
	}
}

/* An open event is over or waits for a person; one that is held waits for better times where the
 * account is still ill. */
static bool at_rest(const struct world *w)
{
	for (int i = 0; i < w->now.n_events; i++) {
		enum event_status status = (enum event_status)w->now.events[i]->e.status;

		if (event_status_attempting(status) || status == EV_PENDING ||
		    (status == EV_HELD && !w->ends_sick))
			return false;
	}
	for (int n = 0; n < W_ENGINES; n++)
		if (w->engines[n]->dead || w->engines[n]->x->runs || w->engines[n]->x->owed)
			return false;
	/* an unlock that the next leader owes: not before it may write */
	return !w->out.locked || w->out.lock_until_ms <= w->now_ms;
}

static void calm_down(struct world *w)
{
	w->calm = true;
	w->database_away = w->out.eleven_down = false;
	for (int i = 0; i < W_ACCOUNTS && !w->ends_sick; i++)
		fall_ill(w, i, WELL);
	for (int n = 0; n < W_ENGINES; n++) {
		struct engine_in_world *e = w->engines[n];

		e->stalled_until_ms = e->cut_until_ms = e->thaw_ms = 0;
	}
	tend_engines(w);
	turn_until(w, w->now_ms + 5000);	/* orders under way arrive */
	w->now.paused = w->next.paused = w->now.maintenance = w->next.maintenance = false;
	say(w, "---- calm");
	int64_t until = w->now_ms + REST_MS;
	for (int quiet = 0; w->now_ms < until && quiet < 8; quiet = at_rest(w) ? quiet + 1 : 0) {
		turn_until(w, w->now_ms + 1000);
		tend_engines(w);
	}
}

static void run_world(struct world *w)
{
	while (w->now_ms < FAULTS_MS && !w->broken[0]) {
		turn_until(w, w->now_ms + 500 + (int64_t)dice(w, 6000));
		hurt(w);
		tend_engines(w);
	}
	calm_down(w);
	check_rest(w);
	for (int n = 0; n < W_ENGINES; n++) {
		w->engines[n]->dead = true;
		kill_now(w->engines[n]);
	}
	turn_until(w, w->now_ms + TEARDOWN_MS);
	for (int n = 0; n < W_ENGINES; n++) {
		if (!engine_idle(w->engines[n]))
			broken(w, "%s does not stop", w->engines[n]->id);
		else
			engine_end(w->engines[n]);
	}
}

/* ---- seeds ---------------------------------------------------------------------- */

struct totals {
	int64_t runs, failed, events, automatic, completed, rolled_back, crashes, freezes, lost,
		faults,
		writes, commits, orders, acks;
};

static void add_up(struct totals *t, const struct world *w)
{
	t->runs++;
	t->failed += w->broken[0] != 0;
	t->events += w->now.n_events;
	for (int i = 0; i < w->now.n_events; i++) {
		int status = w->now.events[i]->e.status;

		t->completed += status == EV_COMPLETED || status == EV_SUPERSEDED;
		t->rolled_back += status == EV_ROLLED_BACK;
	}
	t->crashes += w->crashes;
	t->freezes += w->freezes_seen;
	t->lost += w->lost_ms > 0;
	t->automatic += w->automatic;
	t->orders += w->operations;
	t->acks += w->acks;
	t->faults += w->faults;
	t->writes += w->out.writes;
	t->commits += w->commits;
}

/* Time stands still in an endless loop: this one is the computer's. */
enum { HANG_S = 60 };
static volatile uint64_t running_seed;

static void on_alarm(int signum)
{
	char text[100];
	int n = snprintf(text, sizeof(text), "# build/test/world/world --seed %llu: hangs\n",
			 (unsigned long long)running_seed);

	(void)signum;
	if (write(STDOUT_FILENO, text, (size_t)n) < 0)
		_exit(2);
	_exit(1);
}

static void run_seed(uint64_t seed, bool trace, struct totals *t)
{
	struct world *w = xcalloc(1, sizeof(*w));

	running_seed = seed;
	signal(SIGALRM, on_alarm);
	alarm(HANG_S);
	world_open(w, seed, trace);
	run_world(w);
	add_up(t, w);
	if (w->broken[0])
		printf("# build/test/world/world --seed %llu: %s\n", (unsigned long long)seed,
		       w->broken);
	world_close(w);
	free_p(&w);
}

int main(int argc, char **argv)
{
	int64_t seeds = 2000, from = 1, one = 0;
	struct totals t = { 0 };

	for (int i = 1; i + 1 < argc; i += 2) {
		int64_t *to = !strcmp(argv[i], "--seed") ? &one : !strcmp(argv[i], "--seeds") ?
			&seeds :
			      !strcmp(argv[i], "--from") ? &from : NULL;

		if (!to || !parse_i64(argv[i + 1], 0, INT64_MAX, to)) {
			fprintf(stderr, "usage: world [--seeds N] [--from N] [--seed N]\n");
			return 2;
		}
	}
	log_init(one ? 1 : -1, one ? LOG_INFO : LOG_ERROR);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (one)
		run_seed((uint64_t)one, true, &t);
	for (int64_t s = from; !one && s < from + seeds; s++)
		run_seed((uint64_t)s, false, &t);
	printf("# %lld seeds, %lld failed; %lld events (%lld approved by an engine, %lld completed,"
	       " %lld rolled back), %lld of %lld orders acknowledged\n",
	       (long long)t.runs, (long long)t.failed, (long long)t.events, (long long)t.automatic,
	       (long long)t.completed, (long long)t.rolled_back, (long long)t.acks,
	       (long long)t.orders);
	printf("# %lld crashes, %lld standstills, %lld databases that lost commits, %lld lost or"
	       " refused writes of %lld, %lld commits\n",
	       (long long)t.crashes, (long long)t.freezes, (long long)t.lost, (long long)t.faults,
	       (long long)t.writes, (long long)t.commits);
	return t.failed != 0;
}
