/*
 * `ringdown engine --once`: for a scheduler that starts engines instead of one that runs. Waits
 * for the lease, runs one health cycle, or as many as it takes to prove what looks wrong, lets
 * the decider look, and carries out what was decided and tells people before it ends: nobody
 * else would. Where another engine leads it observes and leaves deciding to that one.
 */
#include "cli/engine_once.h"

#include "cli/cli.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/task.h"
#include "engine/engine.h"
#include "failover/failover.h"
#include "failover/lease.h"
#include "failover/monitor.h"
#include "model/account.h"
#include "store/accounts.h"
#include "store/events.h"
#include "store/health.h"
#include "store/outbox.h"

enum { LOOK_MS = 200, TELL_MS = 15000 };

static void await_lease(struct engine *e)
{
	const struct failover_settings *f = e->o->failover;
	int64_t until = loop_now_ms(e->loop) + f->lease_ttl_ms + 2 * f->write_deadline_ms;

	while (!lease_held(e->lease) && loop_now_ms(e->loop) < until && !task_cancelled())
		task_sleep(LOOK_MS);
}

/* The engine's own timer comes back soon while something is suspicious. */
static void await_proof(struct engine *e)
{
	const struct failover_settings *f = e->o->failover;

	for (int64_t i = 1; i < f->fall && monitor_suspicious(e->monitor); i++) {
		int64_t age = monitor_age_ms(e->monitor);
		int64_t until = loop_now_ms(e->loop) + 2 * f->suspicious_cycle_ms;

		while (monitor_age_ms(e->monitor) >= age && loop_now_ms(e->loop) < until &&
		       !task_cancelled()) {
			age = monitor_age_ms(e->monitor);
			task_sleep(LOOK_MS);
		}
	}
}

static bool acting(struct engine *e)
{
	struct events_filter f = { .status = "approved,executing,rolling_back", .limit = 1 };
	_cleanup_(free_p) char *cursor = NULL;
	struct event_row *rows = NULL;
	struct err err = { 0 };
	size_t n = 0;

	if (!lease_held(e->lease) || events_list(e->store, &f, &rows, &n, &cursor, &err) < 0)
		return false;
	event_rows_free(rows, n);
	return n > 0;
}

static bool telling(struct engine *e, int64_t until)
{
	int64_t waiting = 0, dead;
	struct err err = { 0 };

	return loop_now_ms(e->loop) < until && lease_held(e->lease) &&
	       outbox_counts(e->store, &waiting, &dead, &err) == 0 && waiting > 0;
}

static void print_opened(struct cli *c, struct engine *e, int64_t since_ms)
{
	char **ids = NULL;
	size_t n = 0;
	struct err err = { 0 };

	if (health_opened_since(e->store, since_ms, &ids, &n, &err) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		cli_print(c, "%s was opened\n", ids[i]);
	ids_free(ids, n);
}

static void print_accounts(struct cli *c, const struct json *doc)
{
	for (const struct json *a = json_first(json_get(doc, "accounts")); a; a = json_next(a)) {
		const struct json *t = json_get(a, "totals");

		cli_print(c, "%s: %s, %lld agents, %lld failing, %lld unknown\n",
			  json_get_str(a, "name"), json_get_str(a, "status"),
			  (long long)json_get_i64(t, "agents", 0),
			  (long long)json_get_i64(t, "failing", 0),
			  (long long)json_get_i64(t, "unknown", 0));
	}
}

static int cycle(struct cli *c, struct engine *e, struct json **ret)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct err err = { 0 };
	int r = 0;

	if (monitor_cron(e->monitor, &out, &err) < 0 || !(*ret = json_parse(out.s, out.len, &err)))
		r = cli_fail_err(c, &err);
	str_fini(&out);
	return r;
}

int engine_once(struct cli *c, struct engine *e)
{
	int64_t since_ms = loop_wall_ms(e->loop);
	struct json *doc = NULL;
	int r;

	await_lease(e);
	r = cycle(c, e, &doc);
	if (r == 0) {
		await_proof(e);
		json_free(doc);
		doc = NULL;
		r = cycle(c, e, &doc);
	}
	if (r == 0) {
		print_accounts(c, doc);
		print_opened(c, e, since_ms);
		if (!lease_held(e->lease))
			cli_print(c, "another engine leads: it decides\n");
	}
	while (r == 0 && acting(e) && !task_cancelled())
		task_sleep(LOOK_MS);
	for (int64_t until = loop_now_ms(e->loop) + TELL_MS;
	     r == 0 && telling(e, until) && !task_cancelled();)
		task_sleep(LOOK_MS);
	json_free(doc);
	return r;
}
