/*
 * /_sim/…: read the state, change the world, lay faults, run scenarios. Answers
 * only to loopback; never subject to faults; not counted.
 */
#include "sim/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "sim/fault.h"
#include "sim/feeds.h"
#include "sim/ledger.h"
#include "sim/scenarios.h"
#include "sim/sent.h"

static void refuse(struct sim_request *q, int status, const struct err *e)
{
	struct jw w;

	sim_json_begin(q, &w, status);
	jw_str(&w, "error", e->msg);
	if (*e->field)
		jw_str(&w, "field", e->field);
	sim_json_end(q, &w);
}

static void finish(struct sim_request *q, int rc, const struct err *e)
{
	if (rc)
		refuse(q, rc == ERR_NOT_FOUND ? 404 : 400, e);
	else
		sim_text(q, 200, "application/json", "{\"ok\":true}");
}

static void not_found(struct sim_request *q)
{
	struct err e = { .msg = "not found" };

	refuse(q, 404, &e);
}

static void state(struct sim_request *q)
{
	struct jw w;

	sim_json_begin(q, &w, 200);
	sim_state_write(q->sim, &w, sim_query(q, "parts"));
	sim_json_end(q, &w);
}

static void digest(struct sim_request *q)
{
	char text[65];
	struct jw w;

	sim_digest(&q->sim->world, text);
	sim_json_begin(q, &w, 200);
	jw_str(&w, "digest", text);
	sim_json_end(q, &w);
}

/* {"agents":N,"seed":N,"scenario":NAME}: the world of that scenario, not yet started. */
static void reset(struct sim_request *q)
{
	struct sim_shape old = q->sim->world.shape;
	struct sim_shape shape = { .seed = old.seed, .agents = old.agents, .lineages = 1 };
	const char *name = json_get_str(q->json, "scenario");
	const struct sim_scenario *sc = sim_scenario_find(name);
	struct err e = { 0 };

	if (name && !sc) {
		finish(q, err_field(&e, ERR_INVALID, "scenario", "unknown scenario"), &e);
		return;
	}
	if (!q->json) {
		shape = old;
	} else {
		shape.seed = (uint64_t)json_get_i64(q->json, "seed", (int64_t)old.seed);
		if (sc)
			sim_scenario_shape(sc, &shape);
		shape.agents = (int)json_get_i64(q->json, "agents", shape.agents);
		shape.lineages = (int)json_get_i64(q->json, "lineages", shape.lineages);
	}
	if (shape.agents < 1 || shape.agents > 1000000 || shape.lineages < 1 ||
	    shape.lineages > shape.agents) {
		finish(q, err_field(&e, ERR_INVALID, "agents", "out of range"), &e);
		return;
	}
	q->account = q->caller = NULL;
	sim_reset(q->sim, &shape);
	finish(q, 0, &e);
}

static void fault_add(struct sim_request *q)
{
	struct err e = { 0 };
	int id = sim_fault_add(q->sim, q->json, &e);
	struct jw w;

	if (id < 0) {
		finish(q, id, &e);
		return;
	}
	sim_json_begin(q, &w, 201);
	jw_i64(&w, "id", id);
	sim_json_end(q, &w);
}

static void fault_list(struct sim_request *q)
{
	struct jw w;

	sim_json_begin(q, &w, 200);
	sim_fault_list(q->sim, &w);
	sim_json_end(q, &w);
}

static void fault_remove(struct sim_request *q)
{
	int64_t id;

	if (parse_i64(q->arg[0], 1, INT32_MAX, &id) && sim_fault_remove(q->sim, (int)id))
		sim_text(q, 204, NULL, "");
	else
		not_found(q);
}

static void fault_clear(struct sim_request *q)
{
	sim_fault_clear(q->sim);
	sim_text(q, 204, NULL, "");
}

static void account_set(struct sim_request *q)
{
	struct sim_world *w = &q->sim->world;
	struct sim_account *a = sim_account_get(w, q->arg[0]);
	struct err e = { 0 };
	int rc = 0;

	if (str_eq(q->arg[0], "@primaries")) {
		for (size_t i = 0; i < w->n_accounts && !rc; i++)
			if (str_eq(w->accounts[i]->role, "primary"))
				rc = sim_set_account(q->sim, w->accounts[i], q->json, &e);
		finish(q, rc, &e);
	} else if (a) {
		finish(q, sim_set_account(q->sim, a, q->json, &e), &e);
	} else {
		not_found(q);
	}
}

static void number_set(struct sim_request *q)
{
	struct sim_number *n = sim_number_get(&q->sim->world, q->arg[0]);
	struct err e = { 0 };

	if (n)
		finish(q, sim_set_number(q->sim, n, q->json, &e), &e);
	else
		not_found(q);
}

static void agent_set(struct sim_request *q)
{
	struct sim_agent *g = sim_agent_get(&q->sim->world, q->arg[0]);
	struct err e = { 0 };

	if (g)
		finish(q, sim_set_agent(q->sim, g, q->json, &e), &e);
	else
		not_found(q);
}

static void scenario_get(struct sim_request *q)
{
	struct jw w;

	sim_json_begin(q, &w, 200);
	sim_scenario_write(q->sim, &w);
	sim_json_end(q, &w);
}

/* {"name":S} starts it in the world as it is ("auto":true: timed stages follow by themselves,
 * "start":false only selects); {"stage":NAME} runs a stage of the one that was started. */
static void scenario_post(struct sim_request *q)
{
	const char *name = json_get_str(q->json, "name"), *stage = json_get_str(q->json, "stage");
	const struct sim_scenario *sc = sim_scenario_find(name);
	struct err e = { 0 };
	int rc = 0;

	if (name && !sc)
		rc = err_field(&e, ERR_INVALID, "name", "unknown scenario");
	else if (!name && !stage)
		rc = err_field(&e, ERR_INVALID, "name", "name or stage is needed");
	else if (sc && json_get_bool(q->json, "start", true))
		rc = sim_scenario_start(q->sim, sc, !json_get_bool(q->json, "auto", false), &e);
	else if (sc)
		q->sim->running.scenario = sc;
	if (!rc && stage)
		rc = sim_scenario_stage(q->sim, stage, &e);
	finish(q, rc, &e);
}

static void clock_set(struct sim_request *q)
{
	double speed = json_get_double(q->json, "speed", q->sim->world.speed);
	struct err e = { 0 };

	if (speed < 0.01 || speed > 100000) {
		finish(q, err_field(&e, ERR_INVALID, "speed", "0.01 to 100000"), &e);
		return;
	}
	if (speed != q->sim->world.speed)
		sim_set_speed(&q->sim->world, speed, sim_now(q->sim));
	q->sim->base_latency_ms = json_get_i64(q->json, "latencyMs", q->sim->base_latency_ms);
	q->sim->world.call_every_ms =
		json_get_i64(q->json, "callEveryMs", q->sim->world.call_every_ms);
	if (q->sim->world.call_every_ms < 100)
		q->sim->world.call_every_ms = 100;
	finish(q, 0, &e);
}

static void sent(struct sim_request *q)
{
	int64_t after = 0;
	struct jw w;

	if (sim_query(q, "after"))
		parse_i64(sim_query(q, "after"), 0, INT64_MAX, &after);
	sim_json_begin(q, &w, 200);
	sim_sent_write(q->sim, &w, sim_query(q, "kind"), after);
	sim_json_end(q, &w);
}

/* What providers do not document: {"importRefusesDuplicate","deleteClearsWebhook",
 * "inactiveAnswer","hookSecret","problemJson" (errors of the v1 hosts by RFC 9457)}. */
static void switches(struct sim_request *q)
{
	struct sim_world *w = &q->sim->world;
	const char *inactive = json_get_str(q->json, "inactiveAnswer");
	struct err e = { 0 };

	w->import_refuses_duplicate =
		json_get_bool(q->json, "importRefusesDuplicate", w->import_refuses_duplicate);
	w->delete_clears_webhook =
		json_get_bool(q->json, "deleteClearsWebhook", w->delete_clears_webhook);
	w->problem_json = json_get_bool(q->json, "problemJson", w->problem_json);
	for (size_t i = 0; inactive && i < w->n_accounts; i++)
		w->accounts[i]->inactive_answer = sim_intern(&w->pool, inactive);
	if (json_get(q->json, "hookSecret"))
		str_replace(&q->sim->app.hook_secret, json_get_str(q->json, "hookSecret"));
	finish(q, 0, &e);
}

static void phase(struct sim_request *q)
{
	struct err e = { 0 };

	q->sim->world.phase++;
	finish(q, 0, &e);
}

static void feed(struct sim_request *q)
{
	struct err e = { 0 };

	finish(q, sim_feed_set(q->sim, q->json, &e), &e);
}

/* {"refuse":["a@b",…]} */
static void mail(struct sim_request *q)
{
	struct sim_mailbox *m = &q->sim->mailbox;
	struct err e = { 0 };

	for (int i = 0; i < m->n_refuse; i++)
		free_p(&m->refuse[i]);
	m->n_refuse = 0;
	for (const struct json *r = json_first(json_get(q->json, "refuse"));
	     r && m->n_refuse < (int)COUNT_OF(m->refuse); r = json_next(r))
		if (json_str(r))
			m->refuse[m->n_refuse++] = xstrdup(json_str(r));
	finish(q, 0, &e);
}

static const struct sim_route routes[] = {
	{ "GET", "/state", "state", state, 0 },
	{ "GET", "/digest", "digest", digest, 0 },
	{ "POST", "/reset", "reset", reset, 0 },
	{ "POST", "/fault", "fault", fault_add, 0 },
	{ "GET", "/fault", "fault", fault_list, 0 },
	{ "DELETE", "/fault/{}", "fault", fault_remove, 0 },
	{ "DELETE", "/fault", "fault", fault_clear, 0 },
	{ "POST", "/account/{}", "account", account_set, 0 },
	{ "POST", "/number/{}", "number", number_set, 0 },
	{ "POST", "/agent/{}", "agent", agent_set, 0 },
	{ "GET", "/scenario", "scenario", scenario_get, 0 },
	{ "POST", "/scenario", "scenario", scenario_post, 0 },
	{ "POST", "/clock", "clock", clock_set, 0 },
	{ "GET", "/sent", "sent", sent, 0 },
	{ "POST", "/switch", "switch", switches, 0 },
	{ "POST", "/phase", "phase", phase, 0 },
	{ "POST", "/feed", "feed", feed, 0 },
	{ "POST", "/mail", "mail", mail, 0 },
};

void sim_control(struct sim_request *q)
{
	const struct sim_route *r = sim_route_find(q, routes, COUNT_OF(routes));
	struct err e = { .msg = "the control interface answers on loopback only" };

	if (q->peer && !str_has_prefix(q->peer, "127.") && !str_has_prefix(q->peer, "::1") &&
	    !str_has_prefix(q->peer, "[::1")) {
		refuse(q, 403, &e);
		return;
	}
	if (!r) {
		not_found(q);
		return;
	}
	if (q->body_len && !q->json) {
		finish(q, err_set(&e, ERR_INVALID, "the body is not JSON"), &e);
		return;
	}
	r->fn(q);
}

int sim_control_apply(struct sim *s, const char *method, const char *path, const char *body,
		      struct err *err)
{
	struct sim_request q = { .sim = s, .method = method, .path = path, .body = body };
	int rc = 0;

	q.body_len = body ? strlen(body) : 0;
	sim_route(&q);
	sim_answer(&q);
	if (q.status >= 400)
		rc = err_set(err, ERR_INVALID, "%s: %s", path, str_get(&q.out));
	sim_request_fini(&q);
	return rc;
}
