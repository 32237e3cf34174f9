/* R3's three clocks by table: what is told when, to whom, and what an acknowledgement stops. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "incident/clocks.h"

enum { MIN = 60000, HOUR = 60 * MIN, NOW = 1000000 };
#define T(s) ((char[]){ s })

static char *pager_slack[] = { "pager", "slack" }, *phone[] = { "phone" }, *mail[] = { "email" },
	    *p0[] = { "P0" };
static struct policy_severity severities[] = {
	{ .id = "P0", .respond_ms = 15 * MIN, .escalate_after_ms = 0, .escalate_to = "vp-eng",
	  .page = pager_slack, .n_page = 2, .repeat_ms = 5 * MIN, .update_every_ms = 30 * MIN },
	{ .id = "P1", .respond_ms = 30 * MIN, .escalate_after_ms = HOUR,
	  .escalate_to = "eng-manager", .page = pager_slack, .n_page = 2, .repeat_ms = 15 * MIN },
	{ .id = "P3", .respond_ms = 8 * HOUR, .escalate_after_ms = 24 * HOUR,
	  .escalate_to = "team-lead", .page = mail, .n_page = 1, .digest = true },
};
/* no repeat of its own: what is shipped for P0 */
static struct policy_severity unsaid = { .id = "P2", .respond_ms = 2 * HOUR,
					 .escalate_after_ms = 4 * HOUR, .page = mail, .n_page = 1 };
static struct policy_rung rungs[] = {
	{ .role = "on-call", .via = pager_slack, .n_via = 2, .respond_ms = 15 * MIN },
	{ .role = "team-lead", .via = pager_slack, .n_via = 2, .respond_ms = 30 * MIN },
	{ .role = "vp-eng", .via = phone, .n_via = 1, .respond_ms = 15 * MIN, .only = p0,
	  .n_only = 1 },
	{ .role = "cto", .via = phone, .n_via = 1, .respond_ms = 15 * MIN },
};
static struct policy_ladder ladders[] = { { .name = "engineering", .rungs = rungs, .n_rungs = 4 } };
static struct policy policy = { .severities = severities, .n_severities = 3, .ladders = ladders,
				.n_ladders = 1 };

static struct incident_clock *kind(struct incident_clock *v, size_t n, enum clock_kind k)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == (int)k)
			return &v[i];
	return NULL;
}

static void p0_opens_all(void **state)
{
	struct incident i = { .severity = T("P0"), .state = IS_DECLARED };
	struct incident_clock *v, said;
	size_t n = clocks_open(&policy, &i, NULL, "engineering", NOW, &v);

	(void)state;
	assert_int_equal(n, 4);
	assert_int_equal(kind(v, n, CK_ROUTING)->due_at_ms, NOW);
	assert_int_equal(kind(v, n, CK_SEVERITY)->due_at_ms, NOW);	/* immediate */
	assert_string_equal(kind(v, n, CK_SEVERITY)->target, "vp-eng");
	assert_int_equal(kind(v, n, CK_UPDATE)->due_at_ms, NOW + 30 * MIN);
	assert_true(clocks_fire(&policy, &i, kind(v, n, CK_SEVERITY), NOW, &said));
	assert_string_equal(said.target, "vp-eng");
	record_fini(&incident_clock_type, &said);
	assert_int_equal(kind(v, n, CK_SEVERITY)->state, CS_DONE);
	assert_false(clocks_fire(&policy, &i, kind(v, n, CK_SEVERITY), NOW + HOUR, &said));
	records_free(&incident_clock_type, v, n);
}

/* What is said is the rung that was due; the row then holds the next one. */
static void ladder_passes_over_rungs(void **state)
{
	struct incident i = { .severity = T("P1"), .state = IS_DECLARED };
	struct incident_clock *v, *l, said;
	size_t n = clocks_open(&policy, &i, NULL, "engineering", NOW, &v);
	static const struct { int64_t at; const char *who, *via; } want[] = {
		{ NOW, "on-call", "[\"pager\",\"slack\"]" },
		{ NOW + 15 * MIN, "team-lead", "[\"pager\",\"slack\"]" },
		{ NOW + 45 * MIN, "cto", "[\"phone\"]" },	/* vp-eng is for P0 only */
	};

	(void)state;
	l = kind(v, n, CK_LADDER);
	for (size_t k = 0; k < 3; k++) {
		assert_false(clocks_fire(&policy, &i, l, want[k].at - 1, &said));
		assert_true(clocks_fire(&policy, &i, l, want[k].at, &said));
		assert_string_equal(said.target, want[k].who);
		assert_string_equal(said.via, want[k].via);
		record_fini(&incident_clock_type, &said);
	}
	assert_int_equal(l->state, CS_DONE);
	assert_int_equal(l->sent, 3);
	records_free(&incident_clock_type, v, n);
}

/* A first notice is repeated while nobody acknowledges it, also when only the time to respond
 * says how often. */
static void notice_repeats_by_response(void **state)
{
	struct policy p = { .severities = &unsaid, .n_severities = 1 };
	struct incident i = { .severity = T("P2"), .state = IS_DECLARED };
	struct incident_clock *v, *c;
	size_t n = clocks_open(&p, &i, NULL, "engineering", NOW, &v);

	(void)state;
	c = kind(v, n, CK_ROUTING);
	assert_non_null(c);
	assert_int_equal(c->every_ms, 2 * HOUR);
	records_free(&incident_clock_type, v, n);
}

static void notice_repeats(void **state)
{
	struct incident i = { .severity = T("P0"), .state = IS_DECLARED };
	struct incident_clock *v, *r, said;
	size_t n = clocks_open(&policy, &i, NULL, "engineering", NOW, &v);

	(void)state;
	r = kind(v, n, CK_ROUTING);
	assert_true(clocks_fire(&policy, &i, r, NOW, &said));
	record_fini(&incident_clock_type, &said);
	assert_int_equal(r->due_at_ms, NOW + 5 * MIN);
	r->state = CS_STOPPED;	/* acknowledged */
	assert_false(clocks_fire(&policy, &i, r, NOW + HOUR, &said));
	records_free(&incident_clock_type, v, n);
	i.state = IS_RESOLVED;
	assert_int_equal(clocks_open(&policy, &i, NULL, "engineering", NOW, &v), 0);
}

/* Somebody is on a trifle, and it turns out to be an outage: those of an outage hear of it. */
static void raised_after_ack(void **state)
{
	struct incident i = { .severity = T("P0"), .state = IS_ACKNOWLEDGED };
	struct incident_clock *v, *r, said;
	size_t n = clocks_open(&policy, &i, "P3", "engineering", NOW, &v);

	(void)state;
	assert_int_equal(n, 3);
	r = kind(v, n, CK_ROUTING);
	assert_true(clocks_fire(&policy, &i, r, NOW, &said));
	assert_non_null(strstr(said.text, "it was a P3: raised, told once"));
	record_fini(&incident_clock_type, &said);
	assert_int_equal(r->state, CS_DONE);	/* nothing repeats: somebody is on it */
	r = kind(v, n, CK_SEVERITY);
	assert_string_equal(r->target, "vp-eng");
	assert_int_equal(r->due_at_ms, NOW);
	assert_null(kind(v, n, CK_LADDER));
	records_free(&incident_clock_type, v, n);

	i.severity = T("P1");	/* its role hears when nobody acknowledges, and somebody did */
	n = clocks_open(&policy, &i, "P3", "engineering", NOW, &v);
	assert_non_null(kind(v, n, CK_ROUTING));
	assert_null(kind(v, n, CK_SEVERITY));
	records_free(&incident_clock_type, v, n);

	n = clocks_open(&policy, &i, "P0", "engineering", NOW, &v);
	assert_null(kind(v, n, CK_ROUTING));	/* it fell: nobody is woken for that */
	assert_null(kind(v, n, CK_SEVERITY));
	records_free(&incident_clock_type, v, n);
}

static void update_is_a_persons(void **state)
{
	struct incident i = { .severity = T("P0"), .state = IS_ACKNOWLEDGED };
	struct incident_clock *v, said;
	size_t n = clocks_open(&policy, &i, NULL, "engineering", NOW, &v);

	(void)state;
	assert_int_equal(n, 1);
	assert_true(clocks_fire(&policy, &i, v, NOW + 31 * MIN, &said));
	record_fini(&incident_clock_type, &said);
	assert_int_equal(v->state, CS_DUE);
	assert_false(clocks_fire(&policy, &i, v, NOW + 90 * MIN, &said));	/* once */
	records_free(&incident_clock_type, v, n);
}

static void p3_is_a_digest(void **state)
{
	struct incident i = { .severity = T("P3"), .state = IS_DECLARED };
	struct incident_clock *v, said;
	size_t n = clocks_open(&policy, &i, NULL, "engineering", NOW, &v);

	(void)state;
	assert_int_equal(n, 2);
	assert_null(kind(v, n, CK_ROUTING));
	assert_null(kind(v, n, CK_LADDER));
	assert_false(clocks_fire(&policy, &i, kind(v, n, CK_DIGEST), NOW + 23 * HOUR, &said));
	assert_true(clocks_fire(&policy, &i, kind(v, n, CK_DIGEST), NOW + 24 * HOUR, &said));
	record_fini(&incident_clock_type, &said);
	assert_int_equal(kind(v, n, CK_DIGEST)->due_at_ms, (int64_t)NOW + 48 * HOUR);
	records_free(&incident_clock_type, v, n);
	i.severity = T("P9");
	assert_int_equal(clocks_open(&policy, &i, NULL, NULL, NOW, &v), 0);
}

/* Whom a clock will tell, and which way, stands in its words before it does. */
static void clocks_say_whom(void **state)
{
	struct policy_contact people[] = { { .role = T("team-lead"), .name = T("Ann") } };
	struct policy p = policy;
	struct incident i = { .severity = T("P1"), .state = IS_DECLARED };
	struct incident_clock *v, said;
	size_t n;

	(void)state;
	p.contacts = people;
	p.n_contacts = 1;
	n = clocks_open(&p, &i, NULL, "engineering", NOW, &v);
	assert_string_equal(kind(v, n, CK_LADDER)->text, "rung 1: on-call, by pager and slack");
	assert_true(clocks_fire(&p, &i, kind(v, n, CK_LADDER), NOW, &said));
	record_fini(&incident_clock_type, &said);
	assert_string_equal(kind(v, n, CK_LADDER)->text,
			    "rung 2: team-lead, Ann, by pager and slack");
	assert_string_equal(kind(v, n, CK_SEVERITY)->text,
			    "nobody acknowledged a P1: tell eng-manager, by pager and slack");
	for (size_t k = 0; k < n; k++)
		record_fini(&incident_clock_type, &v[k]);
	free(v);
}

/* A provider's clock goes from level to level and ends behind the last. */
static void vendor_levels(void **state)
{
	struct policy_level levels[] = { { T("email"), T("a@b") }, { T("console"), T("am") },
					 { T("phone"), T("+1") } };
	struct policy_vendor vendor = { .id = T("twilio"), .levels = levels, .n_levels = 3 };
	struct policy p = { .vendors = &vendor, .n_vendors = 1 };
	struct incident i = { .severity = T("P1"), .state = IS_ACKNOWLEDGED };
	struct incident_clock c = { .kind = CK_VENDOR, .state = CS_RUNNING, .due_at_ms = NOW,
				    .respond_ms = HOUR, .rung = 1, .target = T("twilio") }, said;

	(void)state;
	assert_true(clocks_fire(&p, &i, &c, NOW, &said));
	assert_int_equal(said.rung, 1);
	record_fini(&incident_clock_type, &said);
	assert_int_equal(c.rung, 2);
	assert_int_equal(c.due_at_ms, NOW + HOUR);
	assert_true(clocks_fire(&p, &i, &c, NOW + HOUR, &said));
	record_fini(&incident_clock_type, &said);
	assert_int_equal(c.state, CS_RUNNING);
	assert_true(clocks_fire(&p, &i, &c, NOW + 2 * HOUR, &said));
	record_fini(&incident_clock_type, &said);
	assert_int_equal(c.state, CS_DONE);
	assert_false(clocks_fire(&p, &i, &c, NOW + 3 * HOUR, &said));
	record_fini(&incident_clock_type, &said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p0_opens_all),	       cmocka_unit_test(ladder_passes_over_rungs),
		cmocka_unit_test(notice_repeats_by_response), cmocka_unit_test(notice_repeats),
		cmocka_unit_test(raised_after_ack), cmocka_unit_test(update_is_a_persons),
		cmocka_unit_test(clocks_say_whom), cmocka_unit_test(vendor_levels),
		cmocka_unit_test(p3_is_a_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
