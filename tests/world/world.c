/*
 * Runs seeds: engines, a hand that hurts them for some virtual minutes, then calm, and what
 * must hold (check.c). The same seed is the same run, to the last call: nothing here or
 * below reads a clock, an address or a random number that is not the seed's.
 *
 *	world --seed N		one run, with its trace
 *	world --seeds N [--from M]	many; prints those that fail
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "tests/world/world.h"

enum { FAULTS_MS = 240000, TEARDOWN_MS = 8000, START_WALL_S = 1790000000 };
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
	printf("%9.3f ", (double)loop_now_ms(w->loop) / 1000);
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

/* ---- engines ---------------------------------------------------------------------------------- */

static void gained(void *ctx, int64_t epoch)
{
	struct engine_in_world *e = ctx;

	say(e->w, "%s leads, epoch %lld", e->id, (long long)epoch);
	executor_wake(e->x);
}

static void lost(void *ctx, const char *why)
{
	struct engine_in_world *e = ctx;

	say(e->w, "%s leads no more: %s", e->id, why);
	executor_lost(e->x);
}

static void engine_start(struct engine_in_world *e)
{
	struct world *w = e->w;
	struct lease_events events = { e, gained, lost };

	snprintf(e->id, sizeof(e->id), "eng-%d", e->n + 1);
	e->store = (struct store){ .loop = w->loop, .pool = (struct pg_pool *)(void *)e,
				   .engine_id = e->id, .timeout_ms = 2000 };
	e->providers = *w->out_providers;
	e->deps = (struct failover_deps){ .loop = w->loop, .store = &e->store,
					  .providers = &e->providers, .set = &w->set,
					  .engine_id = e->id };
	e->dead = false;
	e->up = true;
	e->stalled_until_ms = 0;
	e->deps.lease = e->lease = lease_new(&e->deps, "", &events);
	e->x = executor_new(&e->deps, NULL);
	say(w, "%s starts", e->id);
}

static void kill_now(void *arg)
{
	struct engine_in_world *e = arg;

	executor_stop(e->x);
	lease_stop(e->lease);
}

void crash_engine(struct engine_in_world *e, const char *where)
{
	if (e->dead || !e->up || !e->x)
		return;
	e->dead = true;
	e->w->crashes++;
	e->restart_ms = loop_now_ms(e->w->loop) + TEARDOWN_MS + (int64_t)dice(e->w, 25000);
	say(e->w, "%s crashes %s", e->id, where);
	loop_defer(e->w->loop, kill_now, e);
}

static void engine_end(struct engine_in_world *e)
{
	executor_free(e->x);
	lease_free(e->lease);
	e->x = NULL;
	e->lease = NULL;
	e->up = false;
}

/* ---- the outside, as each engine meets it --------------------------------------------------------- */

static int64_t out_delay(struct providers *p)
{
	struct engine_in_world *e = CONTAINER_OF(p, struct engine_in_world, providers);
	struct world *w = e->w;
	int64_t ms = w->latency_ms + (int64_t)dice(w, (uint64_t)w->latency_ms + 1);

	if (!w->calm && chance(w, w->out_fault))
		ms += (int64_t)dice(w, 4000);
	return ms;
}

static bool out_lands(struct providers *p)
{
	return chance(CONTAINER_OF(p, struct engine_in_world, providers)->w, 500);
}

static bool on_record(const struct world *w, int64_t epoch, const char *kind)
{
	for (int i = w->n_effects; i-- > 0;)
		if (w->effects[i].epoch == epoch && w->effects[i].state == EFFECT_INTENDED)
			return true;
	(void)kind;
	return false;
}

static void may_write(struct engine_in_world *e, const char *kind)
{
	struct world *w = e->w;
	int64_t epoch = lease_epoch(e->lease);

	if (!epoch || !lease_may_write(e->lease))
		broken(w, "%s writes (%s) without the lease", e->id, kind);
	if (epoch < w->max_epoch_written)
		broken(w, "%s writes (%s) in epoch %lld after a write in %lld", e->id, kind,
		       (long long)epoch, (long long)w->max_epoch_written);
	w->max_epoch_written = epoch;
	if (!on_record(w, epoch, kind))
		broken(w, "%s writes (%s) without a record of it", e->id, kind);
}

static enum fake_fault out_fate(struct providers *p, const char *kind)
{
	static const enum fake_fault faults[] = { FAULT_LOST, FAULT_DROPPED, FAULT_SERVER,
						  FAULT_SERVER_DONE, FAULT_RATE };
	struct engine_in_world *e = CONTAINER_OF(p, struct engine_in_world, providers);
	struct world *w = e->w;

	if (e->dead)
		return FAULT_DROPPED;
	if (strcmp(kind, "unlock"))
		may_write(e, kind);
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

/* ---- the installation -------------------------------------------------------------------------------- */

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

static void make_pool_number(struct world *w, int i)
{
	struct db_tables *d = &w->now;
	char number[20];

	snprintf(number, sizeof(number), "+1212556%04d", i);
	struct fake_number *b = fake_number_add(&w->out, "AC2", number);
	hook(b, WH_VOICE_URL, "https://demo.twilio.com/welcome");
	hook(b, WH_VOICE_METHOD, "POST");
	hook(b, WH_STATUS_CALLBACK, "https://old.example/cb");
	hook(b, WH_STATUS_CALLBACK_METHOD, "GET");
	d->pool[d->n_pool++] = (struct db_pool){ .number = db_keep(w, number),
						 .account = db_keep(w, "acc2"),
						 .sid = db_keep(w, b->sid),
						 .status = NUM_AVAILABLE, .sms_ready = chance(w, 500) };
}

static struct engine_in_world *engine_new(struct world *w, int n)
{
	struct engine_in_world *e = xcalloc(1, sizeof(*e));

	e->w = w;
	e->n = n;
	return e;
}

static void world_open(struct world *w, uint64_t seed, bool trace)
{
	static const int hurts[] = { 0, 5, 20, 60 };

	memset(w, 0, sizeof(*w));
	w->seed = w->dice = seed;
	w->trace = trace;
	w->loop = loop_new_virtual((int64_t)START_WALL_S * 1000, seed);
	w->out.loop = w->loop;
	w->out_fault = hurts[dice(w, COUNT_OF(hurts))] * 2;
	w->db_fault = hurts[dice(w, COUNT_OF(hurts))];
	w->crash = hurts[dice(w, COUNT_OF(hurts))] / 4;
	w->crash_at = chance(w, 300) ? 1 + (int)dice(w, 150) : 0;
	w->latency_ms = 20 + (int64_t)dice(w, 300);
	w->interference = chance(w, 200);
	w->out_providers = fake_providers(&w->out);
	w->out.fate = out_fate;
	w->out.delay = out_delay;
	w->out.lands = out_lands;
	w->set = (struct failover_settings){
		.lock_ttl_ms = 300000, .calls_wait_ms = 60000, .eleven_retry_ms = 600000,
		.eleven_retry_every_ms = 10000, .canaries = 2, .parallel = 3,
		.rollback_offer_ms = 86400000, .assign_by = xstrdup("priority"),
		.lease_ttl_ms = 15000, .lease_renew_ms = 3000, .db_timeout_ms = 2000,
		.write_deadline_ms = 5000,
	};
	w->now.current = db_keep(w, "acc1");
	for (int i = 0; i < W_AGENTS; i++)
		make_agent(w, i);
	for (int i = 0; i < W_AGENTS + (int)dice(w, 3); i++)
		if (w->now.n_pool < W_POOL)
			make_pool_number(w, i);
	w->digest_before = fake_digest(&w->out);
	w->desk = engine_new(w, W_ENGINES);
	w->desk->store = (struct store){ .loop = w->loop, .pool = (struct pg_pool *)(void *)w->desk,
					 .engine_id = w->desk->id, .timeout_ms = 2000 };
	for (int n = 0; n < W_ENGINES; n++) {
		w->engines[n] = engine_new(w, n);
		engine_start(w->engines[n]);
	}
}

static void world_close(struct world *w)
{
	for (int n = 0; n < W_ENGINES; n++)
		free_p(&w->engines[n]);
	free_p(&w->desk);
	fake_providers_free(w->out_providers);
	free_p(&w->set.assign_by);
	free_p(&w->digest_before);
	db_free(w);
	loop_free(w->loop);
}

/* ---- the hand ------------------------------------------------------------------------------------------ */

static void nothing(struct timer *t)
{
	(void)t;
}

static void turn_until(struct world *w, int64_t ms)
{
	struct timer t = TIMER_INIT;

	timer_start(w->loop, &t, ms - loop_now_ms(w->loop), nothing);
	while (timer_active(&t) && loop_run_once(w->loop, -1))
		;
}

static void hurt(struct world *w)
{
	struct engine_in_world *e = w->engines[dice(w, W_ENGINES)];
	int64_t now = loop_now_ms(w->loop);

	switch (dice(w, 12)) {
	case 0:
		e->stalled_until_ms = now + (int64_t)dice(w, 30000);
		e->stalled = true;
		say(w, "%s is cut off from the database", e->id);
		break;
	case 1:
		w->database_away = !w->database_away && chance(w, 500);
		say(w, "the database is %s", w->database_away ? "away" : "there");
		break;
	case 2:
		w->out.eleven_down = !w->out.eleven_down && chance(w, 500);
		say(w, "ElevenLabs is %s", w->out.eleven_down ? "away" : "there");
		break;
	case 3:
		snprintf(w->out.dead_account, sizeof(w->out.dead_account), "%s",
			 w->out.dead_account[0] || chance(w, 500) ? "" : "AC2");
		say(w, "the target is %s", w->out.dead_account[0] ? "dead" : "alive");
		break;
	case 4:
		loop_step_wall(w->loop, (int64_t)dice(w, 7200000) - 3600000);
		say(w, "the wall clock jumps");
		break;
	case 5:
		if (w->crash && chance(w, 300))
			crash_engine(e, "all by itself");
		break;
	case 6:
		if (e->up && !e->dead)
			lease_doubt(e->lease);
		break;
	default:
		task_start(w->loop, "person", person_acts, w, NULL);
	}
}

static void tend_engines(struct world *w)
{
	int64_t now = loop_now_ms(w->loop);

	for (int n = 0; n < W_ENGINES; n++) {
		struct engine_in_world *e = w->engines[n];

		if (e->dead && e->up && now >= e->restart_ms && executor_idle(e->x)) {
			engine_end(e);
			engine_start(e);
		}
		if (e->stalled && e->up && !e->dead && now >= e->stalled_until_ms) {
			e->stalled = false;
			lease_doubt(e->lease);
		}
	}
}

static bool at_rest(const struct world *w)
{
	for (int i = 0; i < w->now.n_events; i++)
		if (event_status_attempting((enum event_status)w->now.events[i]->e.status))
			return false;
	for (int n = 0; n < W_ENGINES; n++)
		if (w->engines[n]->dead || w->engines[n]->x->runs || w->engines[n]->x->owed)
			return false;
	return true;
}

static void calm_down(struct world *w)
{
	w->calm = true;
	w->database_away = w->out.eleven_down = false;
	w->out.dead_account[0] = '\0';
	for (int n = 0; n < W_ENGINES; n++)
		w->engines[n]->stalled_until_ms = 0;
	turn_until(w, loop_now_ms(w->loop) + 5000);	/* orders under way arrive */
	w->now.paused = w->next.paused = false;
	say(w, "---- calm");
	int64_t until = loop_now_ms(w->loop) + REST_MS;
	for (int quiet = 0; loop_now_ms(w->loop) < until && quiet < 8; quiet = at_rest(w) ? quiet + 1 : 0) {
		turn_until(w, loop_now_ms(w->loop) + 1000);
		tend_engines(w);
	}
}

static void run_world(struct world *w)
{
	while (loop_now_ms(w->loop) < FAULTS_MS && !w->broken[0]) {
		turn_until(w, loop_now_ms(w->loop) + 500 + (int64_t)dice(w, 6000));
		hurt(w);
		tend_engines(w);
	}
	calm_down(w);
	check_rest(w);
	for (int n = 0; n < W_ENGINES; n++) {
		w->engines[n]->dead = true;
		kill_now(w->engines[n]);
	}
	turn_until(w, loop_now_ms(w->loop) + TEARDOWN_MS);
	for (int n = 0; n < W_ENGINES; n++) {
		if (!executor_idle(w->engines[n]->x))
			broken(w, "%s does not stop", w->engines[n]->id);
		else
			engine_end(w->engines[n]);
	}
}

/* ---- seeds ------------------------------------------------------------------------------------------------ */

struct totals { int64_t runs, failed, events, completed, rolled_back, crashes, faults, writes, commits; };

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
	t->faults += w->faults;
	t->writes += w->out.writes;
	t->commits += w->commits;
}

static void run_seed(uint64_t seed, bool trace, struct totals *t)
{
	struct world *w = xcalloc(1, sizeof(*w));

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
		int64_t *to = !strcmp(argv[i], "--seed") ? &one : !strcmp(argv[i], "--seeds") ? &seeds :
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
	printf("# %lld seeds, %lld failed; %lld attempts (%lld completed, %lld rolled back), %lld crashes,"
	       " %lld lost or refused writes of %lld, %lld commits\n",
	       (long long)t.runs, (long long)t.failed, (long long)t.events, (long long)t.completed,
	       (long long)t.rolled_back, (long long)t.crashes, (long long)t.faults, (long long)t.writes,
	       (long long)t.commits);
	return t.failed != 0;
}
