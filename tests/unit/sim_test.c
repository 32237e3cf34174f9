/*
 * Rules of the simulated world: what an import does to a number, which setting
 * wins, how inactive accounts are answered, paging, faults, the digest, and what
 * counts as forbidden or duplicate. Requests go through the router, without HTTP.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include "core/mem.h"
#include "sim/app.h"
#include "sim/control.h"
#include "sim/fault.h"
#include "sim/scenarios.h"
#include "sim/traffic.h"

struct fixture {
	struct loop *loop;
	struct sim *sim;
	struct sim_account *main, *parent, *backup, *backup2, *other_parent;
	int status;			/* of the last answer */
	struct json *json;
	char *text;
	char auth[128], type[64], signature[40], eleven[48];
};

static const char *header(void *ctx, const char *name)
{
	struct fixture *f = ctx;

	if (str_eq(name, "Authorization"))
		return *f->auth ? f->auth : NULL;
	if (str_eq(name, "Content-Type"))
		return f->type;
	if (str_eq(name, "X-Twilio-Signature"))
		return f->signature;
	if (str_eq(name, "xi-api-key"))
		return f->eleven;
	if (str_eq(name, "X-Internal-Key"))
		return f->sim->world.internal_key;
	return NULL;
}

static void as(struct fixture *f, const char *user, const char *password)
{
	struct str pair = STR_INIT(256), b64 = STR_INIT(256);

	str_addf(&pair, "%s:%s", user, password);
	str_add_base64(&b64, pair.s, pair.len);
	snprintf(f->auth, sizeof(f->auth), "Basic %s", b64.s);
	str_fini(&pair);
	str_fini(&b64);
}

static void as_account(struct fixture *f, const struct sim_account *a)
{
	as(f, a->sid, a->token);
}

static int ask(struct fixture *f, const char *method, const char *path, const char *query,
	       const char *body)
{
	struct sim_request q = { .sim = f->sim, .method = method, .path = path,
				 .host = "sim.example", .query_text = query, .body = body,
				 .body_len = body ? strlen(body) : 0, .header = header,
				 .header_ctx = f, .peer = "127.0.0.1:9" };

	snprintf(f->type, sizeof(f->type), "%s",
		 body && *body == '{' ? "application/json" : "application/x-www-form-urlencoded");
	json_free(f->json);
	free_p(&f->text);
	sim_route(&q);
	sim_answer(&q);
	f->status = q.status;
	f->text = xstrdup(str_get(&q.out));
	f->json = q.out.len ? json_parse(q.out.s, q.out.len, NULL) : NULL;
	sim_request_fini(&q);
	return f->status;
}

/* Path below the account of a number, or of the account itself. */
static int on(struct fixture *f, const char *method, const struct sim_account *a,
	      const char *rest, const char *query, const char *body)
{
	char path[256];

	snprintf(path, sizeof(path), "/2010-04-01/Accounts/%s%s", a->sid, rest);
	return ask(f, method, path, query, body);
}

static int update(struct fixture *f, struct sim_number *n, const char *body)
{
	char rest[96];

	snprintf(rest, sizeof(rest), "/IncomingPhoneNumbers/%s.json", n->sid);
	return on(f, "POST", n->account, rest, NULL, body);
}

static int import(struct fixture *f, struct sim_number *n, struct sim_agent *g,
		  const char *more)
{
	char body[512];

	snprintf(body, sizeof(body),
		 "{\"phone_number\":\"%s\",\"label\":\"x\",\"sid\":\"%s\",\"token\":\"%s\","
		 "\"agent_id\":\"%s\"%s}",
		 n->e164, n->account->sid, n->account->token, g->eleven_id, more);
	return ask(f, "POST", "/v1/convai/phone-numbers", NULL, body);
}

static void control(struct fixture *f, const char *path, const char *body)
{
	struct err e = { 0 };

	if (sim_control_apply(f->sim, "POST", path, body, &e))
		fail_msg("%s: %s", path, e.msg);
}

static int64_t number_of(struct fixture *f, const char *member)
{
	return json_get_i64(f->json, member, -1);
}

static int setup_shape(void **state, const struct sim_shape *shape)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->loop = loop_new_virtual(1795000000000, 7);
	f->sim = sim_new(f->loop, shape);
	f->main = sim_account_get(&f->sim->world, "acme-main");
	f->parent = sim_account_get(&f->sim->world, "acme-parent");
	f->backup = sim_account_get(&f->sim->world, "acme-backup-1");
	f->backup2 = sim_account_get(&f->sim->world, "acme-backup-2");
	f->other_parent = sim_account_get(&f->sim->world, "acme-backup-parent");
	snprintf(f->eleven, sizeof(f->eleven), "%s", f->sim->world.eleven_key);
	as_account(f, f->main);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_shape(state, &(struct sim_shape){ .seed = 1, .agents = 40, .lineages = 1 });
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	json_free(f->json);
	free_p(&f->text);
	sim_free(f->sim);
	loop_free(f->loop);
	free_p(&f);
	return 0;
}

/* ---- accounts and credentials ------------------------------------------------------------ */

static void same_seed_same_world(void **state)
{
	struct fixture *f = *state;
	struct loop *l = loop_new_virtual(1, 1);
	struct sim *twin = sim_new(l, &f->sim->world.shape);
	char a[65], b[65];

	sim_digest(&f->sim->world, a);
	sim_digest(&twin->world, b);
	assert_string_equal(a, b);
	assert_string_equal(f->main->sid, sim_account_get(&twin->world, "acme-main")->sid);
	assert_string_equal(f->main->token, sim_account_get(&twin->world, "acme-main")->token);
	sim_free(twin);
	loop_free(l);
}

static void key_classes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(on(f, "GET", f->main, ".json", NULL, NULL), 200);
	assert_non_null(json_get_str(f->json, "auth_token"));
	as(f, f->main->keys[0].sid, f->main->keys[0].secret);
	assert_int_equal(on(f, "GET", f->main, ".json", NULL, NULL), 200);
	as(f, f->main->keys[1].sid, f->main->keys[1].secret);	/* standard */
	assert_int_equal(on(f, "GET", f->main, ".json", NULL, NULL), 401);
	assert_int_equal(number_of(f, "code"), 20003);
	assert_int_equal(on(f, "GET", f->main, "/IncomingPhoneNumbers.json", "PageSize=1", NULL),
			 200);
	as(f, f->main->test_sid, f->main->test_token);
	assert_int_equal(on(f, "GET", f->main, ".json", NULL, NULL), 403);
	assert_int_equal(number_of(f, "code"), 20008);
	as(f, f->main->sid, "wrong");
	assert_int_equal(on(f, "GET", f->main, ".json", NULL, NULL), 401);
	f->auth[0] = '\0';
	assert_int_equal(on(f, "GET", f->main, ".json", NULL, NULL), 401);
}

static void suspended_answers(void **state)
{
	static const struct { const char *how; int status, code; } table[] = {
		{ "20003", 401, 20003 }, { "20005", 403, 20005 }, { "20403", 403, 20403 },
		{ "90010", 403, 90010 }, { "open", 200, -1 },
	};
	struct fixture *f = *state;
	char body[64];

	control(f, "/_sim/account/acme-main", "{\"status\":\"suspended\"}");
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		snprintf(body, sizeof(body), "{\"inactiveAnswer\":\"%s\"}", table[i].how);
		control(f, "/_sim/account/acme-main", body);
		assert_int_equal(on(f, "GET", f->main, ".json", NULL, NULL), table[i].status);
		assert_int_equal(number_of(f, "code"), table[i].code);
	}
	assert_string_equal(json_get_str(f->json, "status"), "suspended");
	assert_int_equal(update(f, f->main->numbers[0], "FriendlyName=x"), 403);
	assert_int_equal(number_of(f, "code"), 20005);
	/* the parent sees it whatever the switch says, in its list, too */
	as_account(f, f->parent);
	control(f, "/_sim/account/acme-main", "{\"inactiveAnswer\":\"20003\"}");
	assert_int_equal(on(f, "GET", f->main, ".json", NULL, NULL), 200);
	assert_string_equal(json_get_str(f->json, "status"), "suspended");
	assert_int_equal(ask(f, "GET", "/2010-04-01/Accounts.json", "Status=suspended", NULL), 200);
	assert_int_equal(json_count(json_get(f->json, "accounts")), 1);
	/* a suspended parent takes its children with it */
	control(f, "/_sim/account/acme-main", "{\"status\":\"active\"}");
	control(f, "/_sim/account/acme-parent", "{\"status\":\"suspended\"}");
	as_account(f, f->main);
	assert_int_equal(on(f, "GET", f->main, ".json", NULL, NULL), 401);
}

static void both_error_shapes(void **state)
{
	struct fixture *f = *state;

	f->auth[0] = '\0';
	assert_int_equal(ask(f, "GET", "/video/v1/Rooms", NULL, NULL), 401);
	assert_non_null(json_get_str(f->json, "more_info"));
	control(f, "/_sim/switch", "{\"problemJson\":true}");
	assert_int_equal(ask(f, "GET", "/video/v1/Rooms", NULL, NULL), 401);
	assert_int_equal(number_of(f, "code"), 20003);
	assert_non_null(json_get_str(f->json, "detail"));
	assert_int_equal(on(f, "GET", f->main, ".json", NULL, NULL), 401);
	assert_non_null(json_get_str(f->json, "more_info"));
}

static void others_are_invisible(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(on(f, "GET", f->backup, ".json", NULL, NULL), 404);
	as_account(f, f->parent);
	assert_int_equal(on(f, "GET", f->backup, ".json", NULL, NULL), 404);
	assert_int_equal(on(f, "GET", f->main, "/IncomingPhoneNumbers.json", NULL, NULL), 200);
	assert_int_equal(on(f, "GET", f->main, "/Balance.json", NULL, NULL), 404);
	assert_int_equal(on(f, "GET", f->parent, "/Balance.json", NULL, NULL), 200);
	assert_string_equal(json_get_str(f->json, "balance"), "2500.00");
}

/* ---- numbers -------------------------------------------------------------------------------- */

static void pages_follow_the_link(void **state)
{
	struct fixture *f = *state;
	char path[512], seen[64][18];
	const char *next;
	size_t n = 0, pages = 0;

	on(f, "GET", f->main, "/IncomingPhoneNumbers.json", "PageSize=7", NULL);
	for (;;) {
		const struct json *list = json_get(f->json, "incoming_phone_numbers");

		pages++;
		for (const struct json *x = json_first(list); x; x = json_next(x))
			snprintf(seen[n++], 18, "%s", json_get_str(x, "phone_number"));
		next = json_get_str(f->json, "next_page_uri");
		if (!next)
			break;
		assert_true(*next == '/');
		snprintf(path, sizeof(path), "%s", next);
		*strchr(path, '?') = '\0';
		assert_int_equal(ask(f, "GET", path, path + strlen(path) + 1, NULL), 200);
	}
	assert_int_equal(pages, 6);
	assert_int_equal(n, 40);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			assert_string_not_equal(seen[i], seen[k]);
	assert_int_equal(on(f, "GET", f->main, "/IncomingPhoneNumbers.json", "PageSize=x", NULL),
			 400);
	on(f, "GET", f->main, "/IncomingPhoneNumbers.json", "PhoneNumber=%2B1415", NULL);
	assert_int_equal(json_count(json_get(f->json, "incoming_phone_numbers")), 4);
	on(f, "GET", f->main, "/IncomingPhoneNumbers.json", "PageSize=5000", NULL);
	assert_int_equal(number_of(f, "page_size"), 1000);
}

static void update_is_partial_and_checked(void **state)
{
	struct fixture *f = *state;
	struct sim_number *n = f->main->numbers[0];

	assert_int_equal(update(f, n, "SmsUrl=https%3A%2F%2Fa.example%2Fs"), 200);
	assert_string_equal(json_get_str(f->json, "sms_url"), "https://a.example/s");
	assert_string_equal(json_get_str(f->json, "voice_url"), SIM_ELEVEN_VOICE_URL);
	assert_int_equal(update(f, n, "SmsUrl="), 200);
	assert_string_equal(json_get_str(f->json, "sms_url"), "");
	assert_int_equal(update(f, n, "VoiceUrl=ftp%3A%2F%2Fx"), 400);
	assert_int_equal(number_of(f, "code"), 21402);
	assert_int_equal(update(f, n, "VoiceMethod=PUT"), 400);
	assert_int_equal(number_of(f, "code"), 21403);
	assert_int_equal(update(f, n, "{\"VoiceUrl\":\"https://x.example\"}"), 415);
	assert_int_equal(on(f, "POST", f->main, "/IncomingPhoneNumbers/PNx.json", NULL, "A=b"),
			 404);
	assert_int_equal(number_of(f, "code"), 20404);
}

static void trunk_beats_application_beats_url(void **state)
{
	struct fixture *f = *state;
	struct sim_number *n = f->main->numbers[0];

	assert_true(n->slot >= 0 && n->until_ms == 0);
	update(f, n, "VoiceApplicationSid=AP00000000000000000000000000000001");
	assert_true(n->until_ms != 0);	/* the URL is not in effect any more */
	assert_string_equal(json_get_str(f->json, "voice_url"), SIM_ELEVEN_VOICE_URL);
	update(f, n, "TrunkSid=TK00000000000000000000000000000001");
	assert_string_equal(json_get_str(f->json, "voice_application_sid"), "");
	assert_non_null(json_get_str(f->json, "trunk_sid"));
	update(f, n, "VoiceApplicationSid=AP00000000000000000000000000000001");
	assert_null(json_get_str(f->json, "trunk_sid"));
	update(f, n, "VoiceApplicationSid=");
	assert_true(n->until_ms == 0);
}

static void transfer_within_one_parent(void **state)
{
	struct fixture *f = *state;
	struct sim_number *n = f->backup->numbers[0];
	char body[64];

	snprintf(body, sizeof(body), "AccountSid=%s", f->backup2->sid);
	as_account(f, f->backup);
	assert_int_equal(update(f, n, body), 400);
	assert_int_equal(number_of(f, "code"), 21474);
	as_account(f, f->other_parent);
	snprintf(body, sizeof(body), "AccountSid=%s", f->main->sid);
	assert_int_equal(update(f, n, body), 400);
	assert_int_equal(number_of(f, "code"), 21474);
	as(f, f->other_parent->keys[0].sid, f->other_parent->keys[0].secret);
	snprintf(body, sizeof(body), "AccountSid=%s", f->backup2->sid);
	assert_int_equal(update(f, n, body), 400);
	assert_int_equal(number_of(f, "code"), 21473);
	as_account(f, f->other_parent);
	assert_int_equal(update(f, n, body), 200);
	assert_ptr_equal(n->account, f->backup2);
	assert_int_equal(f->backup2->n_numbers, 53);
	assert_int_equal(f->backup->n_numbers, 51);
}

static void buying_and_releasing(void **state)
{
	struct fixture *f = *state;
	char e164[32], body[64];

	as_account(f, f->backup);
	on(f, "GET", f->backup, "/AvailablePhoneNumbers/US/Local.json", "AreaCode=415", NULL);
	assert_int_equal(f->status, 200);
	snprintf(e164, sizeof(e164), "%s",
		 json_str(json_path(f->json, "available_phone_numbers.0.phone_number")));
	snprintf(body, sizeof(body), "PhoneNumber=%%2B%s", e164 + 1);
	assert_int_equal(on(f, "POST", f->backup, "/IncomingPhoneNumbers.json", NULL, body), 201);
	assert_int_equal(on(f, "POST", f->backup, "/IncomingPhoneNumbers.json", NULL, body), 400);
	assert_int_equal(number_of(f, "code"), 21422);
	assert_int_equal(f->sim->ledger.forbidden.total, 1);
	snprintf(body, sizeof(body), "/IncomingPhoneNumbers/%s.json",
		 sim_number_get(&f->sim->world, e164)->sid);
	assert_int_equal(on(f, "DELETE", f->backup, body, NULL, NULL), 204);
	assert_int_equal(on(f, "GET", f->backup, body, NULL, NULL), 404);
	assert_int_equal(f->sim->ledger.forbidden.total, 2);
	assert_int_equal(on(f, "GET", f->backup, "/AvailablePhoneNumbers/US/Mobile.json", NULL,
			    NULL), 404);
}

/* ---- ElevenLabs ------------------------------------------------------------------------------ */

static void import_rewrites_the_number(void **state)
{
	struct fixture *f = *state;
	struct sim_number *n = f->backup->numbers[0];
	struct sim_agent *g = f->sim->world.agents[0];

	as_account(f, f->backup);
	update(f, n, "StatusCallback=https%3A%2F%2Fa.example%2Fst&SmsUrl=https%3A%2F%2Fa.example");
	assert_int_equal(import(f, n, g, ",\"enable_sms\":false"), 200);
	assert_string_equal(n->v[NF_VOICE_URL], SIM_ELEVEN_VOICE_URL);
	assert_string_equal(n->v[NF_STATUS_CALLBACK], "");
	assert_string_equal(n->v[NF_SMS_URL], "https://a.example");
	assert_true(n->slot >= 0 && !n->until_ms);
	assert_int_equal(import(f, f->backup->numbers[1], g, ""), 200);	/* enable_sms defaults on */
	assert_string_equal(f->backup->numbers[1]->v[NF_SMS_URL], SIM_ELEVEN_SMS_URL);
	assert_int_equal(f->sim->ledger.duplicate.total, 0);
	assert_int_equal(f->sim->ledger.forbidden.total, 0);
}

static void import_needs_twilio(void **state)
{
	struct fixture *f = *state;
	struct sim_agent *g = f->sim->world.agents[0];
	char path[96];

	control(f, "/_sim/account/acme-backup-1", "{\"status\":\"suspended\"}");
	assert_int_equal(import(f, f->backup->numbers[0], g, ""), 400);
	control(f, "/_sim/account/acme-backup-1", "{\"heal\":true}");
	control(f, "/_sim/fault",
		"{\"match\":{\"service\":\"twilio\"},\"fault\":{\"status\":503}}");
	assert_int_equal(import(f, f->backup->numbers[0], g, ""), 400);
	sim_fault_clear(f->sim);
	assert_int_equal(import(f, f->backup->numbers[0], g, ""), 200);
	assert_int_equal(ask(f, "POST", "/v1/convai/phone-numbers", NULL, "{\"label\":\"x\"}"),
			 422);
	assert_int_equal(json_type(json_get(f->json, "detail")), JSON_ARRAY);
	snprintf(path, sizeof(path), "/v1/convai/agents/%s", g->eleven_id);
	assert_int_equal(ask(f, "GET", path, NULL, NULL), 200);
	assert_int_equal(json_count(json_get(f->json, "phone_numbers")), 2);
	snprintf(f->eleven, sizeof(f->eleven), "nope");
	assert_int_equal(ask(f, "GET", path, NULL, NULL), 401);
	assert_string_equal(json_str(json_path(f->json, "detail.code")), "invalid_api_key");
}

static void assignment_and_digest(void **state)
{
	struct fixture *f = *state;
	struct sim_number *n = f->backup->numbers[0];
	struct sim_agent *g = f->sim->world.agents[0];
	char before[65], after[65], path[96], body[64], voice[128];

	sim_digest(&f->sim->world, before);
	snprintf(voice, sizeof(voice), "VoiceUrl=%s", n->v[NF_VOICE_URL]);
	import(f, n, g, ",\"enable_sms\":false");
	sim_digest(&f->sim->world, after);
	assert_string_not_equal(before, after);
	/* undo: unassigned counts as none, the webhook is put back */
	snprintf(path, sizeof(path), "/v1/convai/phone-numbers/%s", n->import->id);
	assert_int_equal(ask(f, "PATCH", path, NULL, "{\"agent_id\":null}"), 200);
	assert_int_equal(json_type(json_get(f->json, "assigned_agent")), JSON_NULL);
	as_account(f, f->backup);
	assert_int_equal(update(f, n, voice), 200);
	sim_digest(&f->sim->world, after);
	assert_string_equal(before, after);
	assert_int_equal(f->sim->ledger.duplicate.total, 0);
	/* the same thing once more in the same phase is one too many */
	snprintf(body, sizeof(body), "{\"agent_id\":\"%s\"}", g->eleven_id);
	ask(f, "PATCH", path, NULL, body);
	assert_int_equal(f->sim->ledger.duplicate.total, 1);
}

static void second_import_is_a_switch(void **state)
{
	struct fixture *f = *state;
	struct sim_number *n = f->backup->numbers[0];
	struct sim_agent *g = f->sim->world.agents[0];

	import(f, n, g, "");
	control(f, "/_sim/switch", "{\"importRefusesDuplicate\":true}");
	assert_int_equal(import(f, n, g, ""), 409);
	assert_int_equal(f->sim->ledger.duplicate.total, 0);
	control(f, "/_sim/switch", "{\"importRefusesDuplicate\":false}");
	assert_int_equal(import(f, n, g, ""), 200);
	assert_int_equal(f->sim->ledger.duplicate.total, 1);
	ask(f, "GET", "/v1/convai/phone-numbers", NULL, NULL);
	assert_int_equal(json_count(f->json), 42);
}

/* ---- ledger --------------------------------------------------------------------- */

static void forbidden_writes(void **state)
{
	struct fixture *f = *state;
	char path[96];

	assert_int_equal(update(f, f->main->numbers[0], "FriendlyName=x"), 200); /* the source */
	assert_int_equal(f->sim->ledger.forbidden.total, 1);
	assert_int_equal(update(f, f->main->numbers[0], "FriendlyName=x"), 200); /* no change */
	assert_int_equal(f->sim->ledger.forbidden.total, 1);
	as_account(f, f->parent);
	assert_int_equal(on(f, "POST", f->main, ".json", NULL, "Status=suspended"), 200);
	assert_true(f->sim->ledger.forbidden.total >= 2);
	snprintf(path, sizeof(path), "/v1/convai/agents/%s", f->sim->world.agents[3]->eleven_id);
	uint64_t before = f->sim->ledger.forbidden.total;
	assert_int_equal(ask(f, "DELETE", path, NULL, NULL), 200);
	assert_int_equal(f->sim->ledger.forbidden.total, before + 1);
	as_account(f, f->backup);
	on(f, "POST", f->backup, "/Keys.json", NULL, "FriendlyName=k");
	assert_int_equal(f->status, 201);
	assert_int_equal(f->sim->ledger.forbidden.total, before + 2);
}

static void duplicate_writes(void **state)
{
	struct fixture *f = *state;
	struct sim_number *n = f->backup->numbers[0];

	as_account(f, f->backup);
	update(f, n, "SmsUrl=https%3A%2F%2Fa.example");
	update(f, n, "SmsUrl=https%3A%2F%2Fa.example");		/* not effective */
	assert_int_equal(f->sim->ledger.duplicate.total, 0);
	update(f, n, "SmsUrl=https%3A%2F%2Fb.example");		/* moved on after reaching it */
	assert_int_equal(f->sim->ledger.duplicate.total, 1);
	control(f, "/_sim/phase", "{}");
	update(f, n, "SmsUrl=https%3A%2F%2Fa.example");
	assert_int_equal(f->sim->ledger.duplicate.total, 1);
	ask(f, "POST", "/app/internal/failover/lock", NULL,
	    "{\"eventId\":\"e1\",\"epoch\":1,\"ttlSeconds\":300}");
	update(f, n, "SmsUrl=https%3A%2F%2Fb.example");		/* another event */
	assert_int_equal(f->sim->ledger.duplicate.total, 1);
	/* an edit by hand is nobody's duplicate */
	sim_set_number(f->sim, n, json_get(NULL, "x"), NULL);
	control(f, "/_sim/account/acme-backup-1", "{\"heal\":true}");
	assert_int_equal(f->sim->ledger.duplicate.total, 1);
}

/* ---- faults --------------------------------------------------------------------- */

static void meet(struct fixture *f, const char *service, struct sim_account *a,
		 const char *method, const char *path, struct sim_effect *ret)
{
	struct sim_asked q = { .service = service, .method = method, .path = path,
			       .full_path = path, .account = a, .body = "SmsUrl=https" };

	sim_fault_match(f->sim, &q, ret);
}

static void faults_match_and_run_out(void **state)
{
	struct fixture *f = *state;
	struct sim_effect e;
	struct err err = { 0 };
	static const struct { const char *text, *field; } wrong[] = {
		{ "{\"match\":{\"servce\":\"x\"},\"fault\":{}}", "servce" },
		{ "{\"match\":{\"service\":\"twilo\"},\"fault\":{}}", "service" },
		{ "{\"fault\":{\"status\":\"503\"}}", "status" },
		{ "{\"fault\":{\"hang\":1}}", "hang" },
	};

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct json *bad = json_parse(wrong[i].text, strlen(wrong[i].text), NULL);

		assert_true(sim_fault_add(f->sim, bad, &err) < 0);
		assert_string_equal(err.field, wrong[i].field);
		json_free(bad);
	}
	control(f, "/_sim/fault",
		"{\"match\":{\"service\":\"twilio\",\"account\":\"acme-main\",\"method\":\"POST\","
		"\"path\":\"*/IncomingPhoneNumbers/*\",\"body\":\"SmsUrl\"},"
		"\"fault\":{\"status\":503,\"times\":2,\"skip\":1}}");
	for (int i = 0; i < 4; i++) {
		meet(f, "twilio", f->main, "POST",
		     "/2010-04-01/Accounts/AC/IncomingPhoneNumbers/PN.json", &e);
		assert_int_equal(e.status, i == 1 || i == 2 ? 503 : 0);
		sim_effect_fini(&e);
	}
	meet(f, "twilio", f->backup, "POST", "/2010-04-01/x", &e);
	assert_int_equal(e.status, 0);
	control(f, "/_sim/fault",
		"{\"match\":{\"service\":\"twilio-all\"},\"fault\":{\"latencyMs\":50}}");
	control(f, "/_sim/fault", "{\"match\":{},\"fault\":{\"latencyMs\":5,\"dropReply\":true}}");
	meet(f, "monitor", NULL, "GET", "/v1/Alerts", &e);
	assert_int_equal(e.latency_ms, 55);
	assert_true(e.drop_reply);
	sim_fault_clear(f->sim);
	control(f, "/_sim/fault", "{\"match\":{},\"fault\":{\"body\":\"<html>\",\"times\":1}}");
	meet(f, "monitor", NULL, "GET", "/v1/Alerts", &e);
	assert_int_equal(e.status, 200);
	assert_string_equal(e.body, "<html>");
	sim_effect_fini(&e);
}

/* ---- traffic -------------------------------------------------------------------- */

static void count_calls(struct fixture *f, struct sim_account *a, int64_t from, int *ret_all,
			int *ret_failed)
{
	struct sim_call_it it;
	struct sim_call c;
	int64_t last = INT64_MAX;

	*ret_all = *ret_failed = 0;
	sim_calls_from(&it, f->sim, a, SIM_CALLS, from, INT64_MAX);
	while (sim_calls_next(&it, &c)) {
		struct sim_call again;

		assert_true(c.start_ms <= last);
		last = c.start_ms;
		assert_true(sim_call_by_sid(f->sim, a, c.sid, &again));
		assert_int_equal(again.start_ms, c.start_ms);
		++*ret_all;
		*ret_failed += c.code != 0;
	}
}

static void wait_for(struct fixture *f, int64_t ms)
{
	struct timer t = TIMER_INIT;

	timer_start(f->loop, &t, ms, (void (*)(struct timer *))timer_stop);
	while (timer_active(&t))
		loop_run_once(f->loop, ms);
}

static void traffic_follows_health(void **state)
{
	struct fixture *f = *state;
	int64_t start = sim_now(f->sim);
	int all, failed;

	wait_for(f, 600000);
	count_calls(f, f->main, start, &all, &failed);
	assert_in_range(all, 1190, 1210);	/* 40 numbers, one call each 20 s */
	assert_int_equal(failed, 0);
	count_calls(f, f->backup, start, &all, &failed);
	assert_int_equal(all, 0);
	start = sim_now(f->sim);
	control(f, "/_sim/account/acme-main", "{\"agentsFailing\":{\"count\":10,\"code\":32005}}");
	wait_for(f, 60000);
	count_calls(f, f->main, start, &all, &failed);
	assert_in_range(all, 119, 121);
	assert_in_range(failed, 29, 31);
	assert_int_equal(ask(f, "GET", "/monitor/v1/Alerts", "LogLevel=error&PageSize=20", NULL),
			 200);
	assert_string_equal(json_str(json_path(f->json, "alerts.0.error_code")), "32005");
	assert_non_null(json_get_str(json_get(f->json, "meta"), "next_page_url"));
	control(f, "/_sim/account/acme-main", "{\"heal\":true}");
	start = sim_now(f->sim);
	wait_for(f, 60000);
	count_calls(f, f->main, start, &all, &failed);
	assert_int_equal(failed, 0);
}

static void speed_compresses_time(void **state)
{
	struct fixture *f = *state;
	int64_t start;
	int all, failed;

	control(f, "/_sim/clock", "{\"speed\":60}");
	wait_for(f, 20000);
	start = sim_now(f->sim) - 10000;
	count_calls(f, f->main, start, &all, &failed);
	assert_in_range(all, 1190, 1210);
}

static void unregistered_number_texts_show_later(void **state)
{
	struct fixture *f = *state;
	struct sim_number *n = f->backup->numbers[1];	/* not in the campaign */
	char body[128], rest[96];

	as_account(f, f->backup);
	snprintf(body, sizeof(body), "To=%%2B14155550100&Body=hi&From=%%2B%s", n->e164 + 1);
	assert_int_equal(on(f, "POST", f->backup, "/Messages.json", NULL, body), 201);
	assert_string_equal(json_get_str(f->json, "status"), "queued");
	snprintf(rest, sizeof(rest), "/Messages/%s.json", json_get_str(f->json, "sid"));
	wait_for(f, 1000);
	assert_int_equal(on(f, "GET", f->backup, rest, NULL, NULL), 200);
	assert_string_equal(json_get_str(f->json, "status"), "undelivered");
	assert_int_equal(number_of(f, "error_code"), 30034);
	snprintf(body, sizeof(body), "To=%%2B14155550100&Body=hi&From=%%2B%s",
		 f->main->numbers[0]->e164 + 1);
	assert_int_equal(on(f, "POST", f->backup, "/Messages.json", NULL, body), 400);
	assert_int_equal(number_of(f, "code"), 21660);
}

/* ---- application ---------------------------------------------------------------- */

static void webhook_probe_checks_the_signature(void **state)
{
	struct fixture *f = *state;
	char body[128], *url = "http://sim.example/app/webhooks/test";
	struct sim_params p = { 0 };

	snprintf(body, sizeof(body), "CallSid=CA1&AccountSid=%s", f->main->sid);
	sim_params_parse(&p, body, strlen(body));
	sim_twilio_sign(f->main->token, url, &p, f->signature);
	assert_int_equal(ask(f, "POST", "/app/webhooks/test", NULL, body), 200);
	assert_non_null(strstr(f->text, "<Response"));
	sim_twilio_sign(f->main->second_token, url, &p, f->signature);
	assert_int_equal(ask(f, "POST", "/app/webhooks/test", NULL, body), 200);
	sim_twilio_sign(f->backup->token, url, &p, f->signature);
	assert_int_equal(ask(f, "POST", "/app/webhooks/test", NULL, body), 403);
	sim_params_fini(&p);
}

/* The example of Twilio's documentation. */
static void signature_known_answer(void **state)
{
	static const char body[] = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234"
				   "&From=%2B14158675309&To=%2B18005551212";
	struct sim_params p = { 0 };
	char made[32];

	(void)state;
	sim_params_parse(&p, body, strlen(body));
	sim_twilio_sign("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", &p, made);
	assert_string_equal(made, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
	sim_params_fini(&p);
}

static void lock_time_is_counted(void **state)
{
	struct fixture *f = *state;

	ask(f, "POST", "/app/internal/failover/lock", NULL,
	    "{\"eventId\":\"e\",\"epoch\":1,\"ttlSeconds\":300}");
	wait_for(f, 4000);
	ask(f, "POST", "/app/internal/failover/unlock", NULL, "{\"eventId\":\"e\",\"epoch\":1}");
	wait_for(f, 60000);
	assert_in_range(sim_app_longest_lock_ms(&f->sim->app, sim_now(f->sim)), 3990, 4010);
	ask(f, "POST", "/app/internal/failover/lock", NULL,
	    "{\"eventId\":\"e\",\"epoch\":2,\"ttlSeconds\":10}");
	wait_for(f, 60000);	/* expired: the application goes on by itself */
	assert_in_range(sim_app_longest_lock_ms(&f->sim->app, sim_now(f->sim)), 9990, 10010);
}

/* ---- scenarios ------------------------------------------------------------------ */

static void every_scenario_runs(void **state)
{
	const struct sim_scenario *sc;

	(void)state;
	for (size_t i = 0; (sc = sim_scenario_at(i)); i++) {
		struct sim_shape shape = { .seed = 3, .agents = 40, .lineages = 1 };
		struct err err = { 0 };
		struct fixture *f;
		void *st;

		sim_scenario_shape(sc, &shape);
		setup_shape(&st, &shape);
		f = st;
		if (sim_scenario_start(f->sim, sc, true, &err))
			fail_msg("%s: %s", sc->name, err.msg);
		for (int k = 1; k < SIM_STAGES_MAX && sc->stage[k].name; k++)
			if (sim_scenario_stage(f->sim, sc->stage[k].name, &err) &&
			    !strstr(err.msg, "no number is in use"))
				fail_msg("%s/%s: %s", sc->name, sc->stage[k].name, err.msg);
		teardown(&st);
	}
	assert_true(sim_scenario_find("approve-race") && sim_scenario_find("sms-storm"));
}

static void timed_stage_and_heal(void **state)
{
	struct fixture *f = *state;
	char before[65], after[65];
	struct err err = { 0 };

	sim_digest(&f->sim->world, before);
	assert_int_equal(sim_scenario_start(f->sim, sim_scenario_find("recovers"), false, &err), 0);
	assert_false(f->main->numbers[0]->voice);
	wait_for(f, 329000);
	assert_false(f->main->numbers[0]->voice);
	wait_for(f, 2000);
	assert_true(f->main->numbers[0]->voice);
	control(f, "/_sim/account/acme-main", "{\"numbers\":\"deleted\"}");
	assert_int_equal(f->main->n_numbers, 0);
	control(f, "/_sim/account/acme-main", "{\"heal\":true}");
	assert_int_equal(f->main->n_numbers, 40);
	sim_digest(&f->sim->world, after);
	(void)before;
	assert_int_equal(strlen(after), 64);
}

static void control_names_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	assert_true(sim_control_apply(f->sim, "POST", "/_sim/account/acme-main",
				      "{\"statos\":\"active\"}", &e) < 0);
	assert_non_null(strstr(e.msg, "statos"));
	assert_true(sim_control_apply(f->sim, "POST", "/_sim/account/acme-main",
				      "{\"status\":7}", &e) < 0);
	assert_true(sim_control_apply(f->sim, "POST", "/_sim/account/nobody", "{}", &e) < 0);
	assert_true(sim_control_apply(f->sim, "POST", "/_sim/scenario", "{\"name\":\"x\"}",
				      &e) < 0);
	assert_int_equal(ask(f, "GET", "/_sim/state", NULL, NULL), 200);
	assert_int_equal(json_count(json_get(f->json, "numbers")), 144);
	assert_int_equal(number_of(f, "forbiddenWrites"), 0);
	assert_int_equal(ask(f, "POST", "/_sim/reset", NULL, "{\"agents\":3}"), 200);
	ask(f, "GET", "/_sim/state", "parts=agents,world", NULL);
	assert_int_equal(json_count(json_get(f->json, "agents")), 3);
	assert_null(json_get(f->json, "numbers"));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(same_seed_same_world),
		T(key_classes),
		T(suspended_answers),
		T(both_error_shapes),
		T(others_are_invisible),
		T(pages_follow_the_link),
		T(update_is_partial_and_checked),
		T(trunk_beats_application_beats_url),
		T(transfer_within_one_parent),
		T(buying_and_releasing),
		T(import_rewrites_the_number),
		T(import_needs_twilio),
		T(assignment_and_digest),
		T(second_import_is_a_switch),
		T(forbidden_writes),
		T(duplicate_writes),
		T(faults_match_and_run_out),
		T(traffic_follows_health),
		T(speed_compresses_time),
		T(unregistered_number_texts_show_later),
		T(webhook_probe_checks_the_signature),
		cmocka_unit_test(signature_known_answer),
		T(lock_time_is_counted),
		cmocka_unit_test(every_scenario_runs),
		T(timed_stage_and_heal),
		T(control_names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
