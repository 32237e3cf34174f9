/*
 * The roster against a real server: after a load it holds what a reading of everything would
 * give, whoever wrote what by whatever statement, and what did not change is not read again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/task.h"
#include "failover/roster.h"
#include "store/agents.h"
#include "tests/lib/storetest.h"

static struct storetest st;

enum { AGENTS = 6000 };

#define AGENT                                                                                      \
	"(id, name, \"orgId\", \"elevenLabsAgentId\","                                             \
	" \"twilioPhoneNumber\", \"twilioAccountId\")"
#define ACCOUNT "(id, name, \"accountSid\", \"authToken\", \"isPrimary\", \"isActive\")"

static void sql(struct store *s, const char *text)
{
	struct err err = { 0 };

	if (store_query(s, NULL, &err, text, "") < 0)
		fail_msg("%s: %s", text, err.msg);
}

static void load(struct roster *r, struct store *s)
{
	struct err err = { 0 };

	if (roster_load(r, s, &err) < 0)
		fail_msg("load: %s", err.msg);
}

static const struct roster_agent *agent(const struct roster *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(roster_text(r, r->v[i].id), id))
			return &r->v[i];
	return NULL;
}

static void same_text(const struct roster *a, uint32_t x, const struct roster *b, uint32_t y)
{
	assert_string_equal(roster_text(a, x), roster_text(b, y));
}

/* Loads what changed and compares with a reading of the whole. */
static void check(struct roster *r, struct store *s)
{
	struct roster whole = { 0 };
	size_t ext = 0;

	load(r, s);
	load(&whole, s);
	assert_int_equal(r->n, whole.n);
	for (size_t i = 0; i < r->n; i++) {
		const struct roster_agent *a = &r->v[i], *b = &whole.v[i];

		same_text(r, a->id, &whole, b->id);
		same_text(r, a->name, &whole, b->name);
		same_text(r, a->number, &whole, b->number);
		same_text(r, a->eleven, &whole, b->eleven);
		same_text(r, a->org, &whole, b->org);
		assert_string_equal(r->accounts[a->account], whole.accounts[b->account]);
		assert_string_equal(r->accounts[a->home], whole.accounts[b->home]);
		assert_int_equal(a->integration, b->integration);
		assert_int_equal(a->present, b->present);
		assert_int_equal(a->stored, b->stored);
		assert_int_equal(a->ext, b->ext);
		assert_ptr_equal(roster_by_number(r, roster_text(r, a->number)), a);
		ext += a->ext;
	}
	assert_int_equal(r->ext, ext);
	roster_fini(&whole);
}

static void set_up(struct store *s)
{
	sql(s, "INSERT INTO \"TwilioAccount\" " ACCOUNT " VALUES ('p', 'p', 'ACp', 't', true,"
	       " true), ('b', 'b', 'ACb', 't', false, true), ('c', 'c', 'ACc', 't', false, true)");
	sql(s, "INSERT INTO \"VoiceAgent\" " AGENT " SELECT 'v' || lpad(i::text, 5, '0'), 'agent '"
	       " || i, 'o', 'e' || i, '+1555' || i, CASE WHEN i % 2 = 0 THEN 'p' END FROM"
	       " generate_series(1, 6000) i");
	sql(s, "INSERT INTO ringdown.agent_ext (agent_id, outcome) SELECT id, 'ok' FROM"
	       " \"VoiceAgent\" WHERE id < 'v03000'");
}

/* What is done by others, and whether it takes a reading of everything. */
static const struct { const char *sql; bool whole, moves; } by_others[] = {
	{ "UPDATE \"VoiceAgent\" SET \"twilioPhoneNumber\" = '+14155550001' WHERE id = 'v00007'",
	  false, true },
	{ "UPDATE \"VoiceAgent\" SET \"twilioAccountId\" = 'b', \"backupPhoneNumber\" = '+1777'"
	  " WHERE id = 'v00008'", false, true },
	{ "UPDATE \"VoiceAgent\" SET name = 'another' WHERE id = 'v00009'", false, false },
	{ "UPDATE \"VoiceAgent\" SET status = 'PAUSED' WHERE id = 'v00010'", false, true },
	{ "UPDATE \"VoiceAgent\" SET status = 'ACTIVE' WHERE id = 'v00010'", false, true },
	{ "UPDATE \"VoiceAgent\" SET \"elevenLabsAgentId\" = NULL WHERE id = 'v00011'", false,
	  true },
	{ "UPDATE \"VoiceAgent\" SET \"twilioPhoneNumber\" = '' WHERE id = 'v00012'", false, true },
	{ "INSERT INTO \"VoiceAgent\" " AGENT " VALUES ('a new one', 'n', 'o', 'en', '+1888', 'p'),"
	  " ('zz', 'n', 'o', 'ez', '+1889', 'c'), ('not watched', 'n', 'o', NULL, '+1890', 'p')",
	  false, true },
	{ "DELETE FROM \"VoiceAgent\" WHERE id = 'v00020'", true, true },
	{ "DELETE FROM \"VoiceAgent\" WHERE id = 'not watched'", false, false },
	/* as many come as go */
	{ "WITH d AS (DELETE FROM \"VoiceAgent\" WHERE id = 'v00021') INSERT INTO"
	  " \"VoiceAgent\" " AGENT
	  " VALUES ('v00021b', 'n', 'o', 'eb', '+1900', 'p')", true, true },
	{ "UPDATE \"VoiceAgent\" SET id = 'v00022b' WHERE id = 'v00022'", true, true },
	{ "UPDATE ringdown.agent_ext SET home_account = 'c', integration = 'register_call',"
	  " eleven_present = true WHERE agent_id = 'v00030'", false, true },
	{ "UPDATE ringdown.agent_ext SET outcome = 'bad' WHERE agent_id = 'v00031'", false, false },
	{ "INSERT INTO ringdown.agent_ext (agent_id, eleven_present) VALUES ('v04000', false)",
	  false, true },
	{ "DELETE FROM ringdown.agent_ext WHERE agent_id = 'v00030'", true, true },
	{ "UPDATE \"VoiceAgent\" SET \"updatedAt\" = now() WHERE id < 'v00500'", false, false },
	{ "UPDATE \"VoiceAgent\" SET \"orgId\" = 'other'", true, true },
	/* several changes of one row, and back again */
	{ "UPDATE \"VoiceAgent\" SET name = 'x' WHERE id = 'v00040'; UPDATE \"VoiceAgent\" SET name"
	  " = 'agent 40' WHERE id = 'v00040'", false, false },
	/* homes that follow from the set of primaries */
	{ "UPDATE \"TwilioAccount\" SET \"isPrimary\" = true WHERE id = 'b'", true, true },
	{ "UPDATE \"TwilioAccount\" SET \"isPrimary\" = false WHERE id = 'p'", true, true },
	{ "INSERT INTO \"TwilioAccount\" " ACCOUNT " VALUES ('d', 'd', 'ACd', 't', false, true)",
	  true, true },
};

static void run_each(struct store *s, const char *list)
{
	_cleanup_(free_p) char *all = xstrdup(list);
	char *rest = all;

	for (char *one; (one = strsep(&rest, ";"));)
		sql(s, one);
}

static void others_in(void *arg)
{
	struct store *s = arg;
	struct roster r = { 0 };

	set_up(s);
	check(&r, s);
	assert_int_equal(r.n, AGENTS);
	for (size_t i = 0; i < COUNT_OF(by_others); i++) {
		uint64_t version;

		/* nothing happened meanwhile */
		check(&r, s);
		version = r.version;
		r.age = 10;
		run_each(s, by_others[i].sql);
		check(&r, s);
		if (by_others[i].whole != (r.age == 0) ||
		    by_others[i].moves != (r.version != version))
			fail_msg("%s: %s", by_others[i].sql, r.age ? "changes only" : "all of it");
	}
	roster_fini(&r);
}

static void others(void **state)
{
	(void)state;
	storetest_run(&st, others_in);
}

/* Written before the load, committed after it: the mark is the oldest that was not over. */
static void late_in(void *arg)
{
	struct store *s = arg;
	static const struct who jane = { .actor = "jane", .role = "admin", .via = "api" };
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct roster r = { 0 };
	struct err err = { 0 };

	set_up(s);
	check(&r, s);
	assert_int_equal(tx_begin(s, &t, &jane, &err), 0);
	assert_int_equal(tx_query(&t, NULL, &err, "UPDATE \"VoiceAgent\" SET \"twilioPhoneNumber\""
				  " = '+1999' WHERE id = 'v00100'", ""), 0);
	sql(s, "UPDATE \"VoiceAgent\" SET \"twilioPhoneNumber\" = '+1998' WHERE id = 'v00101'");
	for (int i = 0; i < 3; i++)
		check(&r, s);
	assert_non_null(roster_by_number(&r, "+1998"));
	assert_null(roster_by_number(&r, "+1999"));
	assert_int_equal(tx_commit(&t, NULL, &err), 0);
	check(&r, s);
	assert_non_null(roster_by_number(&r, "+1999"));
	assert_true(r.age > 0);
	roster_fini(&r);
}

static void late(void **state)
{
	(void)state;
	storetest_run(&st, late_in);
}

/* A finding goes on while the agent runs where it ran, and ends when it moves. */
static void findings_in(void *arg)
{
	struct store *s = arg;
	struct roster r = { 0 };
	struct roster_agent *a;

	set_up(s);
	load(&r, s);
	for (size_t i = 0; i < r.n; i++)
		r.v[i].outcome = OUT_BAD, r.v[i].hooks = 7;
	sql(s, "UPDATE \"VoiceAgent\" SET name = 'renamed' WHERE id = 'v00050'");
	sql(s, "UPDATE ringdown.agent_ext SET outcome = 'bad' WHERE agent_id = 'v00051'");
	sql(s, "UPDATE \"VoiceAgent\" SET \"twilioAccountId\" = 'b' WHERE id = 'v00052'");
	load(&r, s);
	a = (struct roster_agent *)(uintptr_t)agent(&r, "v00050");
	assert_true(a->outcome == OUT_BAD && a->hooks == 7 && a->changed);
	a = (struct roster_agent *)(uintptr_t)agent(&r, "v00051");
	assert_true(a->outcome == OUT_BAD && a->stored == OUT_BAD && !a->changed);
	a = (struct roster_agent *)(uintptr_t)agent(&r, "v00052");
	assert_true(a->outcome != OUT_BAD && !a->hooks);
	assert_int_equal(r.age, 1);
	/* the safety net reads everything and keeps the findings */
	r.age = 1000;
	load(&r, s);
	assert_int_equal(r.age, 0);
	assert_true(agent(&r, "v00050")->outcome == OUT_BAD &&
		    agent(&r, "v00052")->outcome != OUT_BAD);
	roster_fini(&r);
}

static void findings(void **state)
{
	(void)state;
	storetest_run(&st, findings_in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others), cmocka_unit_test(late), cmocka_unit_test(findings),
	};
	int failed;

	storetest_start(&st);
	failed = cmocka_run_group_tests_name("roster", tests, NULL, NULL);
	storetest_stop(&st);
	return failed;
}
