/*
 * Scenes for screen tests: a client that answers from memory instead of a network, and
 * the console on top of it, so that each view can be looked at empty, loaded, stale, in
 * error. Included once per test program; defines what client.h declares.
 */
#ifndef RD_TESTS_SCENE_H
#define RD_TESTS_SCENE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/proc.h"
#include "tests/screen/incident_docs.h"
#include "tests/screen/review_docs.h"
#include "tests/screen/run_docs.h"
#include "views/app.h"
#include "views/runs.h"

struct client_request {
	struct client *c;
	client_done done;
	client_text_done text_done;
	void *ctx;
	char method[8], path[256];
	char *body;
	struct client_request *next;
};
struct client {
	struct loop *loop;
	struct state state;
	void (*changed)(void *ctx);
	void *ctx;
	const char *scene;
	bool started;
	int64_t good_ms; /* last good byte, monotonic */
	struct timer timer;
	struct client_request *requests;
	struct str sent; /* what was POSTed, for the tests to see */
};

static const char *scene_now; /* set by main */
#define SCENE(name) str_eq(c->scene, name)

static struct json *parse(struct str *b)
{
	struct err err = { 0 };
	struct json *j = json_parse(str_get(b), b->len, &err);

	if (!j)
		fprintf(stderr, "scene: %s\n", err.msg);
	str_fini(b);
	return j;
}

static void scene_account(struct jw *w, const char *id, const char *name, const char *role,
                          const char *health, int64_t since, int agents, int failing, int nfree,
                          const char *why, int64_t now)
{
	jw_obj(w, NULL);
	jw_str(w, "id", id);
	jw_str(w, "name", name);
	jw_str(w, "provider", "twilio");
	jw_str(w, "accountSid", "AC0123456789abcdef0123456789abcdef");
	jw_str(w, "role", role);
	jw_bool(w, "isPrimary", str_eq(role, "carrying"));
	jw_bool(w, "isActive", true);
	jw_str(w, "status", "active");
	jw_str(w, "type", "Full");
	jw_str(w, "health", health);
	jw_time(w, "healthSince", since);
	jw_time(w, "lastCheck", now - 2000);
	jw_str(w, "why", why);
	jw_i64(w, "agents", agents);
	jw_i64(w, "failing", failing);
	jw_double(w, "failureRate", agents ? (double)failing / agents : 0);
	jw_i64(w, "numbersTotal", 60);
	jw_i64(w, "numbersFree", nfree);
	jw_i64(w, "voiceReady", nfree);
	jw_i64(w, "smsReady", nfree > 6 ? nfree - 6 : 0);
	jw_bool(w, "standbyReady", str_eq(health, "healthy"));
	jw_str(w, "balance", "120.50 USD");
	jw_time(w, "credentialsSetAt", now - (int64_t)40 * 86400000);
	jw_obj_end(w);
}

static void scene_gates(struct jw *w, const char *shut)
{
	jw_arr(w, "gates");
	for (int i = 0; i < GATE_MAX; i++) {
		bool pass = !str_eq(gate_name(i), shut);
		jw_obj(w, NULL);
		jw_str(w, "gate", gate_name(i));
		jw_bool(w, "pass", pass);
		jw_str(w, "why",
		       pass ? "as it should be" : "1 of 3 probes of the target fails since 02:40");
		jw_bool(w, "overridable", i >= GATE_HOUR);
		jw_bool(w, "typed", i >= GATE_TARGET_HEALTHY && i <= GATE_TARGET_INDEPENDENT);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static void scene_event(struct jw *w, const char *id, const char *status, const char *severity,
                        const char *from, const char *to, int64_t now, const char *shut)
{
	bool pending = str_eq(status, "pending");

	jw_obj(w, NULL);
	jw_str(w, "id", id);
	jw_i64(w, "version", 3);
	jw_str(w, "status", status);
	jw_str(w, "severity", severity);
	jw_bool(w, "confirmed", true);
	jw_str(w, "triggerType", "AUTOMATIC");
	jw_i64(w, "rule", 210);
	jw_str(w, "cause", "18 of 40 agents fail since 03:08:12Z; calls 41% bad, n 118");
	jw_str(w, "fromAccountId", from);
	jw_str(w, "toAccountId", to);
	jw_str(w, "lineage", from);
	jw_time(w, "openedAt", now - 199000);
	jw_time(w, "stateSince", now - (pending ? 199000 : 1867000));
	jw_time(w, "startedAt", now - 199000);
	if (pending) {
		jw_i64(w, "windowMs", 600000);
		jw_i64(w, "testedFailingMs", 199000);
		jw_time(w, "deadlineAt", now + 401000);
		jw_time(w, "lastTestAt", now - 16000);
		jw_time(w, "nextTestAt", now + 14000);
		jw_i64(w, "passesNeeded", 2);
		jw_i64(w, "testsFailed", 7);
		jw_arr(w, "tests");
		for (int i = 6; i >= 0; i--) {
			jw_obj(w, NULL);
			jw_time(w, "at", now - 16000 - i * 30000);
			jw_str(w, "outcome", "bad");
			jw_str(w, "detail", "18 of 40");
			jw_raw(w, "parts",
			       "{\"api\":\"ok\",\"webhook\":\"ok\",\"agents\":\"bad\",\"numbers\":"
			       "\"ok\"}");
			jw_obj_end(w);
		}
		jw_arr_end(w);
	}
	if (str_eq(status, "held"))
		jw_str(w, "heldGate", "target-healthy");
	if (str_eq(status, "executing") || str_eq(status, "completed")) {
		bool over = str_eq(status, "completed");
		jw_arr(w, "steps");
		for (int i = 1; i < STEP_MAX; i++) {
			jw_obj(w, NULL);
			jw_i64(w, "n", i);
			jw_str(w, "name", step_name(i));
			jw_str(w, "state", over || i < 5 ? "done" : i == 5 ? "running" : "waiting");
			jw_i64(w, "done", i < 5 ? 38 : 14);
			jw_i64(w, "total", 38);
			jw_time(w, "startedAt", over || i <= 5 ? now - 60000 + i * 5000 : 0);
			jw_time(w, "endedAt", over || i < 5 ? now - 58000 + i * 5000 : 0);
			jw_obj_end(w);
		}
		jw_arr_end(w);
		jw_str(w, "decidedBy", "anna");
	}
	jw_i64(w, "agentsTotal", 38);
	jw_i64(w, "agentsMoved",
	       str_eq(status, "completed")   ? 38
	       : str_eq(status, "executing") ? 14
	                                     : 0);
	jw_str(w, "planHash", "7c1e55aa00");
	jw_raw(w, "plan",
	       "{\"moves\":38,\"expectedMs\":120000,\"smsHeld\":6,\"callsLive\":12,"
	       "\"oldCallsPerDay\":214,\"healthy\":20}");
	scene_gates(w, shut);
	jw_obj_end(w);
}

static void scene_load(struct client *c)
{
	struct str b = STR_INIT(8 << 20);
	struct jw w = JW(&b);
	int64_t now = loop_wall_ms(c->loop);
	bool many = SCENE("many");
	struct json *j;
	struct err err = { 0 };

	jw_obj(&w, NULL);
	jw_i64(&w, "seq", 100);
	jw_time(&w, "at", now);
	jw_str(&w, "environment", "production");
	jw_bool(&w, "production", !SCENE("demo"));
	jw_bool(&w, "demo", SCENE("demo"));
	jw_str(&w, "leader", "eng-1");
	jw_bool(&w, "databaseOk", true);
	jw_raw(&w, "impact",
	       "{\"callsOk\":0.59,\"callsOkNormal\":0.98,\"smsDelivered\":0.91,"
	       "\"smsDeliveredNormal\":0.97,\"callsLive\":12}");
	jw_arr(&w, "accounts");
	if (!SCENE("none")) {
		scene_account(&w, "acc_1", "acme-main", "carrying", "degraded", now - 275000, 40,
		              18, 0, "calls 41% bad, n 118", now);
		scene_account(&w, "acc_2", "acme-backup-1", "standby", "healthy",
		              now - (int64_t)52 * 3600000, 0, 0, 52, NULL, now);
		scene_account(&w, "acc_3", "globex-main", "carrying", "critical", now - 1867000, 12,
		              12, 0, "401, parent agrees", now);
		scene_account(&w, "acc_4", "globex-backup", "standby", "degraded", now - 1965000, 0,
		              0, 9, "api 5xx, region us1 \033[31mred\033[0m \xe2\x80\xae evil",
		              now);
	}
	for (int i = 0; many && i < 296; i++) {
		char id[32];
		snprintf(id, sizeof(id), "customer-%03d", i);
		scene_account(&w, id, id, "carrying", "healthy", now - (int64_t)86400000 * 3, 20, 0,
		              0, NULL, now);
	}
	jw_arr_end(&w);
	if (SCENE("alarmed"))
		jw_raw(&w, "alerts",
		       "[{\"id\":\"AL-1\",\"name\":\"webhook\",\"severity\":\"bad\",\"state\":"
		       "\"firing\",\"text\":\"our endpoint does not answer\"}]");
	jw_arr(&w, "events");
	if (!SCENE("none") && !SCENE("alarmed")) {
		scene_event(&w, "EV-118", SCENE("executing") ? "executing" : "pending", "degraded",
		            "acc_1", "acc_2", now, SCENE("shut") ? "isolation" : "");
		if (many) {
			scene_event(&w, "EV-119", "pending", "degraded", "customer-001", "acc_2",
			            now, "");
			scene_event(&w, "EV-120", "pending", "degraded", "customer-002", "acc_2",
			            now, "");
		}
		scene_event(&w, "EV-117", "held", "critical", "acc_3", "acc_4", now,
		            "target-healthy");
		scene_event(&w, "EV-109", "completed", "degraded", "acc_1", "acc_2",
		            now - (int64_t)18 * 86400000, "");
	}
	jw_arr_end(&w);
	jw_arr(&w, "entries");
	for (int i = 0; !SCENE("none") && i < 20; i++) {
		jw_obj(&w, NULL);
		jw_i64(&w, "seq", 100 - i);
		jw_time(&w, "at", now - i * 33000 - 16000);
		jw_str(&w, "kind", "test");
		jw_str(&w, "subject", i % 3 ? "EV-118" : "acme-main");
		jw_str(&w, "actor", i % 4 ? "engine eng-1" : "ben");
		jw_str(&w, "text", "test FAIL: 18 agents; api, numbers, webhook ok");
		jw_str(&w, "severity", i % 5 ? "info" : "bad");
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_arr(&w, "holds");
	if (!SCENE("none"))
		jw_raw(&w, NULL,
		       "{\"id\":\"H1\",\"what\":\"sms-off\",\"subject\":\"org_12\",\"by\":\"ben\","
		       "\"reason\":\"carrier 30007\",\"since\":\"2026-11-20T00:00:00.000Z\"}");
	jw_arr_end(&w);
	if (str_has_prefix(c->scene, "inc"))
		incidents_of_scene(&w, c->scene, now);
	jw_arr(&w, "people");
	if (!SCENE("none"))
		jw_raw(&w, NULL,
		       "{\"name\":\"ben\",\"role\":\"operator\",\"lookingAt\":\"EV-118\","
		       "\"dialog\":false}");
	jw_arr_end(&w);
	jw_arr(&w, "peers");
	jw_raw(&w, NULL,
	       "{\"id\":\"eng-1\",\"address\":\"127.0.0.1:8080\",\"leader\":true,\"epoch\":7}");
	jw_arr_end(&w);
	jw_arr(&w, "gates");
	jw_obj(&w, NULL);
	jw_str(&w, "lineage", "acc_1");
	jw_str(&w, "target", "acc_2");
	scene_gates(&w, "webhook");
	jw_obj_end(&w);
	jw_arr_end(&w);
	jw_obj_end(&w);
	j = parse(&b);
	if (!j || state_load(&c->state, j, &err))
		fprintf(stderr, "scene: %s\n", err.msg);
	json_free(j);
}

static void scene_tick(struct timer *t)
{
	struct client *c = t->user;

	if (!SCENE("stale")) /* heartbeats stop in that scene */
		c->good_ms = loop_now_ms(c->loop);
	c->state.now_ms = loop_wall_ms(c->loop);
	c->changed(c->ctx);
	timer_start(c->loop, t, 2000, scene_tick);
}

struct client *client_new(struct loop *l, const struct client_options *o,
                          void (*changed)(void *ctx), void *ctx)
{
	struct client *c = xcalloc(1, sizeof(*c));

	(void)o;
	*c = (struct client){ .loop = l,
		              .changed = changed,
		              .ctx = ctx,
		              .scene = scene_now,
		              .timer = TIMER_INIT,
		              .sent = STR_INIT(65536) };
	c->timer.user = c;
	state_init(&c->state);
	return c;
}

void client_start(struct client *c)
{
	c->started = true;
	if (SCENE("error") || SCENE("connecting"))
		return;
	scene_load(c);
	c->good_ms = loop_now_ms(c->loop) - (SCENE("stale") ? 105000 : 0);
	c->changed(c->ctx);
	timer_start(c->loop, &c->timer, 2000, scene_tick);
}

void client_cancel(struct client_request *r)
{
	struct client_request **p = &r->c->requests;

	while (*p && *p != r)
		p = &(*p)->next;
	if (*p)
		*p = r->next;
	r->text_done = NULL;
	r->done = NULL; /* the deferred call frees it */
}

void client_free(struct client *c)
{
	timer_stop(&c->timer);
	while (c->requests)
		client_cancel(c->requests);
	state_fini(&c->state);
	str_fini(&c->sent);
	free_p(&c);
}

const struct state *client_state(const struct client *c)
{
	return &c->state;
}

enum client_link client_link(const struct client *c)
{
	return SCENE("error")        ? LINK_NONE
	       : SCENE("connecting") ? LINK_CONNECTING
	       : c->good_ms          ? LINK_API
	                             : LINK_NONE;
}

const char *client_where(const struct client *c)
{
	return SCENE("error") ? "nothing" : "eng-1 127.0.0.1:8080";
}

const char *client_trouble(const struct client *c)
{
	return SCENE("error")   ? "cannot reach 127.0.0.1:8080: refused; next try in 4 s"
	       : SCENE("stale") ? "127.0.0.1:8080 does not answer; trying the next engine"
	                        : "";
}

int64_t client_api_age_ms(const struct client *c)
{
	return c->good_ms ? loop_now_ms(c->loop) - c->good_ms : -1;
}

int64_t client_db_age_ms(const struct client *c)
{
	return client_api_age_ms(c);
}

bool client_stale(const struct client *c)
{
	return c->started && (client_api_age_ms(c) < 0 || client_api_age_ms(c) > 3000);
}

int64_t client_server_now_ms(const struct client *c)
{
	return loop_wall_ms(c->loop);
}

const char *client_user(const struct client *c)
{
	(void)c;
	return "anna operator";
}

enum person_role client_role(const struct client *c)
{
	return SCENE("admin") ? PR_ADMIN : SCENE("inc-viewer") ? PR_VIEWER : PR_OPERATOR;
}

static void agents_page(const char *path, struct jw *w)
{
	const char *at = strstr(path, "offset=");
	int64_t first = at ? strtoll(at + 7, NULL, 10) : 0;

	jw_arr(w, "agents");
	for (int64_t i = first; i < first + 100 && i < 100000; i++) {
		char buf[64];
		jw_obj(w, NULL);
		snprintf(buf, sizeof(buf), "agent_%06lld", (long long)i);
		jw_str(w, "id", buf);
		snprintf(buf, sizeof(buf), "Reception %lld", (long long)i);
		jw_str(w, "name", buf);
		jw_str(w, "outcome", i < 18 ? "bad" : "ok");
		snprintf(buf, sizeof(buf), "+1415555%04lld", (long long)(i % 10000));
		jw_str(w, "phoneNumber", buf);
		jw_str(w, "homeAccount", "acc_1");
		jw_str(w, "account", "acc_1");
		jw_str(w, "integration", "import");
		jw_str(w, "reason", i < 18 ? "5 of 5 calls failed (11200)" : "");
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_i64(w, "total", 100000);
}

static void request_run(void *arg)
{
	struct client_request *r = arg;
	struct str b = STR_INIT(8 << 20);
	struct jw w = JW(&b);

	if (r->text_done) {
		struct client *c = r->c;
		client_text_done done = r->text_done;
		void *ctx = r->ctx;
		client_cancel(r);
		if (SCENE("inc-down"))
			done(ctx, 0, NULL, 0, "the engine is not reached");
		else
			done(ctx, 200, "# INC-214\n", 10, NULL);
	} else if (r->done) {
		struct client *c = r->c;
		client_done done = r->done;
		void *ctx = r->ctx;
		client_cancel(r);
		struct run_doc whole;
		int status = 0;
		bool is_run = strstr(r->path, "/api/v1/runs/") && str_eq(r->method, "GET");
		if (is_run) {
			run_doc_make(&whole, c->scene, loop_wall_ms(c->loop), true);
			run_doc_json(&w, NULL, &whole);
		} else {
			jw_obj(&w, NULL);
			status = review_answer(r->method, r->path, r->body, c->scene, &w);
			run_answer(r->path, c->scene, loop_wall_ms(c->loop), &w);
			if (!status)
				incident_answer(r->method, r->path, r->body, &w, loop_wall_ms(c->loop));
		}
		if (strstr(r->path, "/agents"))
			agents_page(r->path, &w);
		if (strstr(r->path, "/sms/"))
			jw_raw(&w, "rows",
			       "[{\"code\":\"30007\",\"orgId\":\"org_12\",\"count\":118,"
			       "\"rate\":0.041,\"meaning\":\"carrier filtered it\","
			       "\"advice\":\"slow down and register the campaign\"},"
			       "{\"code\":\"30003\",\"count\":12,\"rate\":0.004,\"meaning\":"
			       "\"phone unreachable\","
			       "\"advice\":\"retry once after an hour\"}]");
		if (strstr(r->path, "/api/v1/calls")) {
			jw_raw(&w, "hours",
			       "[{\"hour\":\"2026-11-21T03:00:00.000Z\",\"calls\":120,"
			       "\"completed\":64,\"failed\":44,\"busy\":2,\"noAnswer\":9,"
			       "\"other\":1,\"success\":59.26,\"avgSeconds\":61},"
			       "{\"hour\":\"2026-11-21T02:00:00.000Z\",\"calls\":60,"
			       "\"completed\":60,\"failed\":0,\"busy\":0,\"noAnswer\":0,"
			       "\"other\":0,\"success\":100,\"avgSeconds\":180}]");
			jw_raw(&w, "outcomes",
			       "[{\"outcome\":\"completed\",\"calls\":124,\"share\":68.9,"
			       "\"avgSeconds\":120},{\"outcome\":\"failed\",\"calls\":44,"
			       "\"share\":24.4,\"avgSeconds\":0},{\"outcome\":"
			       "\"odd\\u202e\\u001b[2J\",\"calls\":12,\"share\":6.7,"
			       "\"avgSeconds\":0}]");
		}
		if (r->body && strstr(r->body, "dryRun"))
			jw_raw(&w, "plan",
			       "{\"hash\":\"9f3a77\",\"to\":\"acc_2\",\"moves\":38,\"expectedMs\":"
			       "90000}");
		if (!is_run)
			jw_obj_end(&w);
		struct json *j = parse(&b);
		if (SCENE("error") || (SCENE("inc-down") && r->body) ||
		    (SCENE("inc-lost") && r->body && strstr(r->body, "\"fields\"")) ||
		    (r->body && strstr(r->body, "customer-race")))
			done(ctx, 0, NULL, "the engine is not reached");
		else if (strstr(r->path, "INC-999"))
			done(ctx, 404, j, "there is no incident INC-999");
		else if (SCENE("inc-alike") && str_eq(r->path, "/api/v1/incidents") &&
		         !strstr(r->body, "force")) {
			struct json *other = json_parse("{\"incident\":\"INC-214\"}", 22, NULL);
			done(ctx, 409, other, "INC-214 is open and may be the same");
			json_free(other);
		} else if (str_eq(r->method, "PATCH") && strstr(r->body, "\"version\":3")) {
			ben_was_faster = true;
			done(ctx, 409, j, "ben edited it since");
		} else if (SCENE("lost-race") && str_eq(r->method, "POST") &&
		         !strstr(r->body, "dryRun"))
			done(ctx, 409, j, "EV-118 was approved by ben 2 s before you");
		else if (status == 409)
			done(ctx, 409, j, "ben wrote version 7 meanwhile");
		else
			done(ctx, 200, j, NULL);
		json_free(j);
	}
	str_fini(&b);
	free_p(&r->body);
	free_p(&r);
}

static struct client_request *request(struct client *c, const char *method, const char *path,
                                      const char *body, client_done done, void *ctx)
{
	struct client_request *r = xcalloc(1, sizeof(*r));

	r->c = c;
	r->done = done;
	r->ctx = ctx;
	snprintf(r->method, sizeof(r->method), "%s", method);
	snprintf(r->path, sizeof(r->path), "%s", path);
	r->body = xstrdup(body);
	r->next = c->requests;
	c->requests = r;
	if (getenv("SCENE_LOG") && body) {
		FILE *f = fopen(getenv("SCENE_LOG"), "a");
		fprintf(f, "%s %s %s\n", method, path, body);
		fclose(f);
	}
	loop_defer(c->loop, request_run, r);
	return r;
}

struct client_request *client_get(struct client *c, const char *path, client_done done, void *ctx)
{
	return request(c, "GET", path, NULL, done, ctx);
}

struct client_request *client_get_text(struct client *c, const char *path, client_text_done done,
                                       void *ctx)
{
	struct client_request *r = request(c, "GET", path, NULL, NULL, ctx);

	r->text_done = done;
	return r;
}

struct client_request *client_send(struct client *c, const char *method, const char *path,
                                   const char *body, client_done done, void *ctx)
{
	return request(c, method, path, body, done, ctx);
}

void client_presence(struct client *c, const char *looking_at, bool dialog)
{
	(void)c;
	(void)looking_at;
	(void)dialog;
}

/* The console on our terminal in that scene. */
static int scene_run(const char *scene, const char *view)
{
	proc_standard_fds();
	struct loop *l = loop_new();
	struct app_options o = { .environment = "production",
		                 .production = true,
		                 .client.state_dir = getenv("SCENE_STATE"),
		                 .shell = { .view = view, .utc = true } };
	struct app *a;
	struct err err = { 0 };

	scene_now = scene;
	o.shell.term.no_color = getenv("NO_COLOR") && *getenv("NO_COLOR");
	o.read_only = str_eq(scene, "read-only");
	o.demo = str_eq(scene, "demo");
	if (app_new(l, &o, &a, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		loop_free(l);
		return 2;
	}
	if (str_eq(view, "walk") && !str_eq(scene, "none"))
		app_runs_watch(a, "RUN-12");
	loop_run(l);
	app_free(a);
	loop_free(l);
	return 0;
}

#endif
