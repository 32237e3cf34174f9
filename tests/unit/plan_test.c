/* Plans as tables: who gets which number, who stays, who goes first, what is material. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "failover/e164.h"
#include "failover/plan.h"

static struct agent agent(const char *id, const char *number, const char *own, int64_t calls)
{
	return (struct agent){
		.id = (char *)(uintptr_t)id, .name = (char *)(uintptr_t)id,
		.phone_number = (char *)(uintptr_t)number,
		.backup_number = (char *)(uintptr_t)own, .home_account = (char *)(uintptr_t)"home",
		.account = (char *)(uintptr_t)"home", .outcome = OUT_BAD, .calls_per_day = calls,
	};
}

static struct number number(const char *e164, bool sms, const char *problem)
{
	return (struct number){ .phone_number = (char *)(uintptr_t)e164, .voice_ready = true,
				.sms_ready = sms, .problem = (char *)(uintptr_t)problem };
}

static const struct plan_move *move_of(const struct plan *p, const char *agent_id)
{
	for (size_t i = 0; i < p->n_moves; i++)
		if (!strcmp(p->moves[i].agent, agent_id))
			return &p->moves[i];
	return NULL;
}

static struct plan_facts facts(const struct agent *a, size_t n, const struct number *v, size_t m)
{
	return (struct plan_facts){ .lineage = "home", .from = "home", .to = "backup", .agents = a,
				    .n_agents = n, .numbers = v, .n_numbers = m,
				    .assign_by = "priority", .calls_live = -1, .canaries = 3,
				    .parallel = 8 };
}

static void test_places(void **state)
{
	static const struct { const char *e164, *country, *area; } rows[] = {
		{ "+12125550100", "US", "212" }, { "+14165550100", "CA", "416" },
		{ "+442071838750", "44", "2071" }, { "+4989123456", "49", "8912" },
		{ "+380441234567", "380", "4412" }, { "+74951234567", "7", "4951" },
		{ "12345", "", "" }, { "", "", "" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct e164_place p;

		e164_place(rows[i].e164, NULL, &p);
		assert_string_equal(p.country, rows[i].country);
		assert_string_equal(p.area, rows[i].area);
	}
}

static void test_tiers(void **state)
{
	struct agent a[] = {
		agent("a1", "+12125550001", "+13105550009", 1),	/* own wins over area */
		agent("a2", "+12125550002", NULL, 2),		/* area, sms-ready first */
		agent("a3", "+14155550003", NULL, 3),		/* country */
		agent("a4", "+442071838750", NULL, 4),		/* nobody */
	};
	struct number n[] = {
		number("+12125550101", false, NULL), number("+12125550102", true, NULL),
		number("+13105550009", true, NULL), number("+16465550103", false, NULL),
		number("+442071838751", true, "a trunk is set"),
	};
	struct plan_facts f = facts(a, COUNT_OF(a), n, COUNT_OF(n));
	struct plan *p = plan_make(&f);

	(void)state;
	assert_int_equal(p->n_moves, 3);
	assert_int_equal(p->n_stays, 1);
	assert_string_equal(p->stays[0].agent, "a4");
	assert_string_equal(move_of(p, "a1")->to_number, "+13105550009");
	assert_int_equal(move_of(p, "a1")->match, MATCH_OWN);
	assert_string_equal(move_of(p, "a2")->to_number, "+12125550102");
	assert_int_equal(move_of(p, "a2")->match, MATCH_AREA);
	assert_int_equal(move_of(p, "a3")->match, MATCH_COUNTRY);
	assert_int_equal(p->needed, 4);
	assert_int_equal(p->usable, 4);
	assert_int_equal(p->old_calls_per_day, 6);
	plan_free(p);
}

static void test_scarce(void **state)
{
	struct agent a[] = { agent("a1", "+12125550001", NULL, 1),
			     agent("a2", "+12125550002", NULL, 9),
			     agent("a3", "+12125550003", NULL, 5) };
	struct number n[] = { number("+12125550101", true, NULL) };
	int64_t priority[] = { 10, 100, 100 };
	struct plan_facts f = facts(a, COUNT_OF(a), n, 1);

	(void)state;
	f.priority = priority;
	struct plan *p = plan_make(&f);
	assert_string_equal(p->moves[0].agent, "a1");
	assert_int_equal(p->n_stays, 2);
	plan_free(p);
	f.assign_by = "calls";
	p = plan_make(&f);
	assert_string_equal(p->moves[0].agent, "a2");
	plan_free(p);
}

static void test_home(void **state)
{
	struct agent a[] = { agent("a1", "+12125550001", "+13105550009", 1) };
	struct plan_facts f = facts(a, 1, NULL, 0);

	(void)state;
	a[0].account = (char *)(uintptr_t)"backup";
	f.from = "backup";
	f.to = "home";
	struct plan *p = plan_make(&f);
	assert_int_equal(p->n_moves, 1);
	assert_int_equal(p->moves[0].match, MATCH_HOME);
	assert_string_equal(p->moves[0].from_number, "+13105550009");
	assert_string_equal(p->moves[0].to_number, "+12125550001");
	plan_free(p);
}

static void test_canaries(void **state)
{
	struct agent a[6];
	struct number n[6];
	static const char *const ids[] = { "a1", "a2", "a3", "a4", "a5", "a6" };
	static const char *const from[] = { "+12125550001", "+12125550002", "+12125550003",
					    "+12125550004", "+12125550005", "+12125550006" };
	static const char *const to[] = { "+12125550101", "+12125550102", "+12125550103",
					  "+12125550104", "+12125550105", "+12125550106" };
	(void)state;
	for (int i = 0; i < 6; i++) {
		a[i] = agent(ids[i], from[i], NULL, 0);
		a[i].since_ms = 100 + i;	/* a6 failed last */
		n[i] = number(to[i], true, NULL);
	}
	a[2].outcome = OUT_OK;
	a[1].outcome = OUT_UNKNOWN;
	struct plan_facts f = facts(a, 6, n, 6);
	struct plan *p = plan_make(&f);
	assert_string_equal(p->moves[0].agent, "a3");
	assert_string_equal(p->moves[1].agent, "a2");
	assert_string_equal(p->moves[2].agent, "a6");
	assert_true(p->moves[2].canary);
	assert_false(p->moves[3].canary);
	assert_string_equal(p->moves[3].agent, "a1");
	assert_int_equal(p->healthy, 1);
	plan_free(p);
}

static void test_hash(void **state)
{
	struct agent a[] = { agent("a1", "+12125550001", NULL, 1),
			     agent("a2", "+12125550002", NULL, 2) };
	struct agent b[] = { a[1], a[0] };
	struct number n[] = { number("+12125550101", true, NULL),
			      number("+12125550102", true, NULL) };
	struct number m[] = { n[1], n[0] };
	struct plan_facts f = facts(a, 2, n, 2), g = facts(b, 2, m, 2);
	struct plan *p = plan_make(&f), *q = plan_make(&g);

	(void)state;
	assert_string_equal(p->hash, q->hash);
	plan_free(q);
	/* health and calls in progress are not material */
	b[0].outcome = OUT_OK;
	g.calls_live = 7;
	q = plan_make(&g);
	assert_string_equal(p->hash, q->hash);
	plan_free(q);
	g.n_numbers = 1;
	q = plan_make(&g);
	assert_string_not_equal(p->hash, q->hash);
	plan_free(q);
	plan_free(p);
}

static void test_many(void **state)
{
	enum { N = 20000 };
	struct agent *a = xcalloc(N, sizeof(*a));
	struct number *n = xcalloc(N, sizeof(*n));

	(void)state;
	for (int i = 0; i < N; i++) {
		a[i] = agent(xasprintf("a%05d", i), xasprintf("+1212%07d", i), NULL, i % 7);
		n[i] = number(xasprintf("+1%d%07d", i % 2 ? 212 : 646, i), i % 3 == 0, NULL);
	}
	struct plan_facts f = facts(a, N, n, N);
	struct plan *p = plan_make(&f);
	assert_int_equal(p->n_moves, N);
	const char **seen = xcalloc(N, sizeof(*seen));
	for (size_t i = 0; i < N; i++)
		seen[i] = p->moves[i].to_number;
	free_p(&seen);
	plan_free(p);
	for (int i = 0; i < N; i++) {
		free_p(&a[i].id);
		free_p(&a[i].phone_number);
		free_p(&n[i].phone_number);
	}
	free_p(&a);
	free_p(&n);
}

static void test_json(void **state)
{
	struct agent a[] = { agent("a1", "+12125550001", NULL, 12) };
	struct number n[] = { number("+12125550101", false, NULL) };
	struct plan_facts f = facts(a, 1, n, 1);
	struct plan *p = plan_make(&f);
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	(void)state;
	plan_json(&w, NULL, p, true);
	struct json *v = json_parse(str_get(&b), b.len, NULL);
	assert_non_null(v);
	assert_string_equal(json_get_str(v, "hash"), p->hash);
	assert_int_equal(json_get_i64(v, "smsHeld", 0), 1);
	assert_string_equal(json_str(json_path(v, "moves.0.toNumber")), "+12125550101");
	assert_non_null(strstr(str_get(&b), "12 calls a day"));
	json_free(v);
	str_fini(&b);
	plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places), cmocka_unit_test(test_tiers),
		cmocka_unit_test(test_scarce), cmocka_unit_test(test_home),
		cmocka_unit_test(test_canaries), cmocka_unit_test(test_hash),
		cmocka_unit_test(test_many), cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
