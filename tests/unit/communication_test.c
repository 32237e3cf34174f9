/* What is decided without a database: which row declares, how a message reads with its gaps and
 * where it goes, how well a component is, what is quoted of a status page. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "incident/capability.h"
#include "incident/declare.h"
#include "incident/message.h"
#include "incident/quotes.h"
#include "incident/title.h"

enum { MIN = 60000 };
static const char policy_text[] =
	"ringdown: 1\n"
	"severities:\n"
	"  P0: {respond: 15m, escalate: {after: 0m, to: vp}, page: [pager]}\n"
	"  P1: {respond: 30m, escalate: {after: 1h, to: em}, page: [slack]}\n"
	"  P2: {respond: 2h, escalate: {after: 4h, to: tl}, page: [slack]}\n"
	"vendors:\n"
	"  twilio: {name: Twilio, tier: basic, levels: [{console: am}, {email: "
	"s@twilio.example}],\n"
	"    when: [{outage: {gt: 30m}}], needs: [account sid], tiers: {basic: 24h}}\n"
	"contacts:\n- {role: cto, email: cto@x.example}\n- {role: mute, email: ''}\n"
	"depends:\n"
	"- {capability: calls, component: voice, vendor: twilio, accounts: true}\n"
	"- {capability: rooms, component: video, vendor: twilio, alerts: [video]}\n"
	"- {capability: tokens, component: keys, vendor: twilio, alerts: [other]}\n"
	"- {capability: deploys, component: x, vendor: x}\n"
	"status_page:\n"
	"  components:\n"
	"  - {component: Phone, shows: [calls]}\n"
	"  - {component: Meetings, shows: [rooms, tokens]}\n"
	"  - {component: Mixed, shows: [calls, tokens, deploys]}\n"
	"  - {component: Keys, shows: [tokens, deploys]}\n"
	"  - {component: Builds, shows: [deploys]}\n"
	"  states:\n"
	"  - {down: all, state: major_outage}\n"
	"  - {down: any, state: partial_outage}\n"
	"  - {degraded: any, state: degraded_performance}\n"
	"audiences: {team: [slack, email], customers: [status-page]}\n"
	"fields: {company: Acme, phone: ''}\n"
	"declare:\n"
	"- {event: critical, confirmed: true, severity: P0}\n"
	"- {event: critical, severity: P1}\n"
	"- {event: degraded, share: 50, severity: P1}\n"
	"- {event: degraded, severity: P2}\n"
	"- {alert: drops, level: critical, for: 5m, severity: P1}\n"
	"- {alert: drops, severity: P2}\n"
	"messages:\n"
	"  note: {subject: '{{severity}} {{company}}', body: 'Impact: {{impact}}. End: {{eta}}.',\n"
	"    audience: [team, customers]}\n"
	"  letter: {body: 'To {{vendor}}', audience: [vendor], vendor: true}\n";

static struct json *parsed(const char *text)
{
	return json_parse(text, strlen(text), NULL);
}

static struct policy *policy(void)
{
	struct err err = { 0 };
	struct policy *p = policy_parse(policy_text, strlen(policy_text), "test.yaml", &err);

	if (!p)
		fail_msg("%s", err.msg);
	return p;
}

/* ---- declaring ------------------------------------------------------------------------- */

static void rows(void **state)
{
	static const struct {
		struct occasion o;
		int64_t after;
		double speed;
		const char *want;
	} t[] = {
		{ { .event = true, .name = "critical", .confirmed = true }, 0, 1, "P0" },
		{ { .event = true, .name = "critical" }, 0, 1, "P1" },
		{ { .event = true, .name = "degraded", .share = 50 }, 0, 1, "P1" }, /* the higher */
		{ { .event = true, .name = "degraded", .share = 49.9 }, 0, 1, "P2" },
		{ { .event = true, .name = "minor", .share = 100 }, 0, 1, NULL },
		{ { .name = "drops", .level = "warn" }, 10 * MIN, 1, "P2" },
		{ { .name = "drops", .level = "bad" }, 4 * MIN, 1, "P2" },
		{ { .name = "drops", .level = "bad" }, 5 * MIN, 1, "P1" },
		{ { .name = "drops", .level = "bad" },
		  1 * MIN,
		  5,
		  "P1" }, /* a demonstration's pace */
		{ { .name = "other", .level = "bad" }, 10 * MIN, 1, NULL },
	};
	struct policy *p = policy();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		const struct policy_declare *d = declare_row(p, &t[i].o, t[i].after, t[i].speed);

		if (!str_eq(d ? d->severity : NULL, t[i].want))
			fail_msg("row %zu: %s", i, d ? d->severity : "none");
	}
	assert_true(severity_higher(p, "P0", "P2"));
	assert_false(severity_higher(p, "P1", "P1"));
	assert_false(severity_higher(p, "P9", "P2"));
	policy_free(p);
}

/* The gravest that lasts gives the name, the others are counted. */
static void titles(void **state)
{
	struct occasion v[] = {
		{ .name = (char *)"drops", .level = (char *)"warn", .text = (char *)"3 % of calls drop",
		  .since_ms = 10 },
		{ .event = true, .name = (char *)"degraded", .share = 60, .since_ms = 30,
		  .text = (char *)"main: 24 of \033[31m40 agents fail" },
		{ .name = (char *)"unknown", .level = (char *)"bad", .text = (char *)"odd", .since_ms = 5 },
		{ .event = true, .name = (char *)"critical", .since_ms = 20, .text = (char *)"main: gone" },
	};
	static const char *const want[] = {
		NULL, "3 % of calls drop", "main: 24 of [31m40 agents fail; and 1 more",
		"main: 24 of [31m40 agents fail; and 2 more",
		"main: gone; and 3 more",
	};
	struct policy *p = policy();

	(void)state;
	for (size_t n = 0; n <= COUNT_OF(v); n++) {
		char *title = title_of(p, v, n, 10 * MIN, 1);

		if (!str_eq(title, want[n]))
			fail_msg("%zu: %s", n, title);
		free(title);
	}
	policy_free(p);
}

/* ---- messages ----------------------------------------------------------------------------- */

static void gaps(void **state)
{
	struct strlist named = { 0 };
	struct policy *p = policy();
	struct facts f = { 0 };
	struct draft m;
	char seen[17], later[17];

	(void)state;
	facts_add(&f, "severity", "P1", "test");
	facts_add(&f, "severity", "P2", "too late");
	facts_add(&f, "company", "", "an empty one is none");
	facts_add(&f, "company", "Acme", "policy");
	facts_add(&f, "impact", "calls fail", "test");
	assert_int_equal(message_fill(p, "note", &f, NULL, &m, NULL), 0);
	assert_string_equal(m.subject, "P1 Acme");
	assert_string_equal(m.body, "Impact: calls fail. End: [eta?].");
	assert_int_equal(m.missing.n, 1);
	assert_string_equal(message_unnamed(&m, &named), "eta");
	message_hash(&m, seen);
	message_reword(&m, NULL, NULL,
		       "Calls fail.\n\033[31mEnd: [eta?]"); /* the gap still stands there */
	assert_string_equal(m.body, "Calls fail.\n[31mEnd: [eta?]");
	assert_string_equal(message_unnamed(&m, &named), "eta");
	strlist_add(&named, "eta");
	message_reword(&m, &named, "Trouble [[severity?]\r\nBcc: x",
		       "By hand [eta?] [sic?] [\r\n\r\n[company?] [");
	assert_string_equal(m.subject, "Trouble [P1  Bcc: x");
	assert_string_equal(m.body, "By hand not known yet [sic?] [\n\nAcme [");
	assert_int_equal(m.missing.n, 1); /* it was accepted, and that is said */
	assert_null(message_unnamed(&m, &named));
	strlist_fini(&named);
	message_reword(&m, &named, "Trouble", "Calls fail.");
	assert_string_equal(m.subject, "Trouble");
	assert_null(message_unnamed(&m, &named));
	message_fini(&m);
	strlist_add(&named, "eta");
	assert_int_equal(message_fill(p, "note", &f, &named, &m, NULL), 0);
	assert_string_equal(m.body, "Impact: calls fail. End: not known yet.");
	assert_null(message_unnamed(&m, &named));
	message_hash(&m, later);
	assert_string_not_equal(seen, later);
	message_fini(&m);
	strlist_fini(&named);
	facts_fini(&f);
	policy_free(p);
}

static bool goes(const struct draft *m, const char *channel, const char *recipient, bool configured)
{
	for (size_t i = 0; i < m->n_ways; i++)
		if (str_eq(m->ways[i].channel, channel) && str_eq(m->ways[i].recipient, recipient))
			return m->ways[i].configured == configured;
	return false;
}

static void routes(void **state)
{
	struct notify_settings set = { .smtp_url = (char *)"smtp://mail",
				       .smtp_from = (char *)"r@x" };
	struct strlist to = { 0 };
	struct policy *p = policy();
	struct facts f = { 0 };
	struct draft m;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(message_fill(p, "letter", &f, NULL, &m, &err), 0);
	assert_int_equal(message_route(&m, p, &set, "twilio", &to, &err), 0);
	assert_true(goes(&m, "mail", "s@twilio.example", true));	/* its first address */
	message_fini(&m);
	assert_int_equal(message_fill(p, "letter", &f, NULL, &m, &err), 0);
	assert_int_equal(message_route(&m, p, &set, NULL, &to, &err), 0);
	assert_true(goes(&m, "vendor", NULL, false));
	message_fini(&m);
	strlist_add(&to, "team");
	strlist_add(&to, "email");	/* the same way again */
	strlist_add(&to, "customers");
	strlist_add(&to, "role:cto");
	strlist_add(&to, "role:mute");
	strlist_add(&to, "a@b.example");
	assert_int_equal(message_fill(p, "note", &f, NULL, &m, &err), 0);
	assert_int_equal(message_route(&m, p, &set, NULL, &to, &err), 0);
	assert_int_equal(m.n_ways, 6);
	assert_true(goes(&m, "slack", NULL, false));
	assert_true(goes(&m, "mail", NULL, true));
	assert_true(goes(&m, "statuspage", NULL, false));
	assert_true(goes(&m, "mail", "cto@x.example", true));
	assert_true(goes(&m, "role:mute", NULL, false));
	assert_true(goes(&m, "mail", "a@b.example", true));
	message_fini(&m);
	strlist_add(&to, "custommers");
	assert_int_equal(message_fill(p, "note", &f, NULL, &m, &err), 0);
	assert_int_equal(message_route(&m, p, &set, NULL, &to, &err), ERR_INVALID);
	assert_non_null(strstr(err.msg, "did you mean 'customers'"));
	message_fini(&m);
	assert_int_equal(message_fill(p, "notte", &f, NULL, &m, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.msg, "'note'"));
	strlist_fini(&to);
	policy_free(p);
}

/* ---- capabilities -------------------------------------------------------------------------- */

static void components(void **state)
{
	static const char feeds[] =
		"{\"feeds\":[{\"feed\":\"twilio\",\"state\":\"down\",\"items\":[{\"name\":\"REST "
		"API\","
		"\"status\":\"major_outage\",\"state\":\"down\"}]},{\"feed\":\"aws\",\"state\":"
		"\"unknown\",\"items\":[]},{\"feed\":\"telnyx\",\"state\":\"operational\","
		"\"readAt\":\"2025-10-20T07:04:59.000Z\",\"items\":[]},{\"feed\":\"new\",\"state\":\"operational\",\"items\":[]}]}";
	struct watch_alert alerts[] = { { (char *)"video", (char *)"warn", (char *)"rooms fail" } };
	struct watch_account accounts[] = {
		{ (char *)"main", (char *)"twilio", (char *)"critical", (char *)"suspended", true },
		{ (char *)"spare", (char *)"telnyx", (char *)"critical", (char *)"", false },
		{ (char *)"fresh", (char *)"new", (char *)"unknown", (char *)"", true },
	};
	char *video[] = { (char *)"video" }, *other[] = { (char *)"other" };
	const struct {
		struct policy_dependency d;
		enum capability_state want;
		const char *why;
	} t[] = {
		{ { .vendor = (char *)"twilio", .feed = (char *)"REST API" },
		  CAP_DOWN,
		  "major_outage" },
		{ { .vendor = (char *)"twilio", .feed = (char *)"Voice" }, CAP_OK, "no trouble" },
		{ { .vendor = (char *)"aws", .feed = (char *)"us-east" },
		  CAP_UNKNOWN,
		  "does not answer" },
		/* it said that all is well, ten minutes ago and one second */
		{ { .vendor = (char *)"telnyx", .feed = (char *)"Voice" },
		  CAP_UNKNOWN,
		  "has not answered since 2025-10-20T07:04:59" },
		{ { .vendor = (char *)"twilio", .alerts = video, .n_alerts = 1 },
		  CAP_DEGRADED,
		  "rooms" },
		{ { .vendor = (char *)"twilio", .alerts = other, .n_alerts = 1 },
		  CAP_OK,
		  "no alert" },
		{ { .vendor = (char *)"twilio", .accounts = true }, CAP_DOWN, "suspended" },
		{ { .vendor = (char *)"telnyx", .accounts = true },
		  CAP_UNKNOWN,
		  "nothing watches" },
		{ { .vendor = (char *)"own", .self = (char *)"database" }, CAP_OK, "answers" },
		{ { .vendor = (char *)"vercel" }, CAP_UNKNOWN, "nothing watches" },
		/* what is known to be well counts before what is not known, in any order */
		{ { .vendor = (char *)"new", .feed = (char *)"x", .accounts = true },
		  CAP_OK,
		  "no trouble" },
		{ { .vendor = (char *)"aws", .feed = (char *)"x", .alerts = other, .n_alerts = 1 },
		  CAP_OK,
		  "no alert" },
	};
	struct watching w = { .alerts = alerts,
			      .n_alerts = 1,
			      .accounts = accounts,
			      .n_accounts = 3,
			      .feeds = json_parse(feeds, strlen(feeds), NULL),
			      .now_ms = 1760944500000 /* 2025-10-20 07:15 UTC */,
			      .database = true };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		char *why = NULL;
		enum capability_state s = component_state(&t[i].d, &w, &why);

		if (s != t[i].want || !strstr(why, t[i].why))
			fail_msg("row %zu: %d %s", i, (int)s, why);
		free(why);
	}
	json_free(w.feeds);
}

/* ---- our status page ----------------------------------------------------------------------- */

static void page_is(struct page_components *c, const char *const want[5])
{
	assert_int_equal(c->n, 5);
	for (size_t i = 0; i < 5; i++)
		if (!str_eq(c->v[i].state, want[i]))
			fail_msg("%s is %s, not %s", c->v[i].name, c->v[i].state, want[i]);
}

/* Each follows from what it shows; what nobody knows is left as it stands there. */
static void page(void **state)
{
	struct watch_alert alerts[] = { { (char *)"video", (char *)"warn", (char *)"slow" } };
	struct watch_account accounts[] = {
		{ (char *)"main", (char *)"twilio", (char *)"critical", (char *)"gone", true },
	};
	struct watching w = { .alerts = alerts, .n_alerts = 1, .accounts = accounts,
			      .n_accounts = 1, .database = true };
	static const char *const broken[] = { "major_outage", "degraded_performance",
					      "partial_outage", "operational", NULL };
	static const char *const said[] = { "major_outage", "operational", NULL, "operational",
					    "partial_outage" };
	static const char *const over[] = { "operational", "operational", "operational",
					    "operational", "operational" };
	static const char given[] = "{\"Builds\":\"partial_outage\",\"Meetings\":\"operational\","
				    "\"Mixed\":null}";
	struct json *j = parsed(given);
	struct json *bad[] = { parsed("{\"Phon\":\"operational\"}"),
			       parsed("{\"Phone\":\"broken\"}") };
	struct policy *p = policy();
	struct page_components c;
	struct err err = { 0 };
	char *wire;

	(void)state;
	page_components_of(p, &w, false, &c);
	page_is(&c, broken);
	assert_non_null(strstr(c.v[0].why, "calls is down: voice: account main is critical"));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_non_null(bad[i]);
		assert_int_equal(page_components_say(&c, bad[i], &err), ERR_INVALID);
		assert_string_equal(err.field, "components");
		json_free(bad[i]);
	}
	page_is(&c, broken);
	assert_int_equal(page_components_say(&c, j, &err), 0);
	page_is(&c, said);
	assert_false(c.v[0].given);
	assert_true(c.v[4].given);
	wire = page_components_wire(&c);
	assert_string_equal(wire, "{\"Phone\":\"major_outage\",\"Meetings\":\"operational\","
			    "\"Keys\":\"operational\",\"Builds\":\"partial_outage\"}");
	free(wire);
	page_components_fini(&c);
	/* over: all return, and what speaks against it is shown */
	page_components_of(p, &w, true, &c);
	page_is(&c, over);
	assert_non_null(strstr(c.v[0].why, "is down"));
	page_components_fini(&c);
	json_free(j);
	policy_free(p);
}

/* ---- values that people give --------------------------------------------------------------- */

static void eta_is(const char *stored, const char *given, int64_t resolved, const char *want,
		   const char *from)
{
	struct incident_doc d = { .incident = { .id = (char *)"INC-1", .resolved_at_ms = resolved } };
	struct evidence e = { .fields = (char *)(uintptr_t)stored };
	struct json *j = given ? parsed(given) : NULL;
	const struct fact *f;
	struct facts facts;

	facts_of(NULL, &d, &e, NULL, j, 1760944500000 /* 2025-10-20 07:15 UTC */, &facts);
	f = facts_find(&facts, "eta");
	if (!str_eq(f ? f->value : NULL, want) || (from && f && !strstr(f->from, from)))
		fail_msg("%s / %s: %s (%s)", stored, given, f ? f->value : "none", f ? f->from : "");
	facts_fini(&facts);
	json_free(j);
}

/* An expected end is what a person said, as of when; never one that has passed, never a guess. */
static void expected_end(void **state)
{
#define STORED(v) "{\"eta\":{\"value\":\"" v "\",\"at\":\"2025-10-20T07:00:00.000Z\",\"by\":\"anna\"}}"
	(void)state;
	eta_is(NULL, NULL, 0, NULL, NULL);
	eta_is(STORED("an hour"), NULL, 0, "an hour (as of 2025-10-20 07:00 UTC)", "by anna");
	eta_is(STORED("2025-10-20T08:30:00Z"), NULL, 0,
	       "2025-10-20 08:30 UTC (as of 2025-10-20 07:00 UTC)", "by anna, 2025-10-20 07:00");
	eta_is(STORED("2025-10-20T07:10:00Z"), NULL, 0, NULL, NULL);
	eta_is(STORED("2025-10-20T08:30:00Z"), "{\"eta\":\"noon\"}", 0, "noon", "given");
	eta_is(NULL, "{\"eta\":\"2025-10-20T07:15:00Z\"}", 0, NULL, NULL);
	eta_is(NULL, "{\"eta\":\"\"}", 0, NULL, NULL);
	eta_is(STORED("an hour"), NULL, 5, "over", NULL);
#undef STORED
}

static void given_values(void **state)
{
	static const struct { const char *json; bool good; } t[] = {
		{ "{}", true }, { "{\"eta\":\"x\",\"a_1\":null}", true }, { "{\"\":\"x\"}", false },
		{ "{\"Eta\":\"x\"}", false }, { "{\"a b\":\"x\"}", false }, { "{\"a\":1}", false },
		{ "{\"a\":{\"value\":\"x\"}}", false }, { "{\"a\u202eb\":\"x\"}", false },
	};
	struct str big = STR_INIT(100000), out = STR_INIT(1000);
	struct jw w = JW(&out);
	struct facts known = { 0 };
	struct json *j;
	char *how;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		j = parsed(t[i].json);
		assert_non_null(j);
		if ((facts_check(j, NULL) == 0) != t[i].good)
			fail_msg("%s", t[i].json);
		json_free(j);
	}
	str_add(&big, "{\"a\":\"");
	for (size_t i = 0; i <= FACT_MAX; i++)
		str_addc(&big, 'x');
	str_add(&big, "\"}");
	j = json_parse(big.s, big.len, NULL);
	assert_int_equal(facts_check(j, NULL), ERR_INVALID);
	json_free(j);
	str_fini(&big);
	/* the record has its own place for some */
	j = parsed("{\"eta\":\"1\",\"impact\":\"2\",\"name\":\"3\",\"network_traces\":\"4\","
		   "\"x\":\"\"}");
	assert_non_null(j);
	jw_obj(&w, NULL);
	assert_int_equal(facts_kept(&w, j, &known), 2);
	jw_obj_end(&w);
	assert_string_equal(str_get(&out), "{\"eta\":\"1\",\"network_traces\":\"4\"}");
	/* what is known, or was said before in the same words, is not said by this message */
	facts_add(&known, "eta", "1", "filled in by anna, 2025-10-20 07:00 UTC");
	facts_add(&known, "network_traces", "5", "filled in by ben, 2025-10-20 07:00 UTC");
	str_clear(&out);
	w = JW(&out);
	jw_obj(&w, NULL);
	assert_int_equal(facts_kept(&w, j, &known), 1);
	jw_obj_end(&w);
	assert_string_equal(str_get(&out), "{\"network_traces\":\"4\"}");
	facts_fini(&known);
	facts_add(&known, "network_traces", "5", "runs");
	assert_int_equal(facts_kept(&w, j, &known), 1);
	facts_fini(&known);
	json_free(j);
	str_fini(&out);
	how = facts_how("INC-7", "eta");
	assert_non_null(strstr(how, "ringdown incident edit INC-7 --field eta="));
	free(how);
	how = facts_how("INC-7", "other");
	assert_string_equal(how, "ringdown incident edit INC-7 --field other=VALUE");
	free(how);
}

/* ---- quotes -------------------------------------------------------------------------------- */

static void sayings(void **state)
{
	static const char before[] = "{\"incidents\":[{\"id\":\"i1\",\"name\":\"old\"},"
				     "{\"id\":\"i2\",\"name\":\"new\"}]}";
	struct json *was = json_parse(before, strlen(before), NULL);
	struct feed_report r = { .state = FEED_DOWN, .n_incidents = 1, .updated_ms = 5 };
	struct saying *v = NULL;
	size_t n;

	(void)state;
	r.incidents[0] = (struct feed_incident){ .id = "i2", .name = "new", .status = "identified",
						 .impact = "major", .said = "we found it",
						 .said_ms = 42 };
	n = quotes_of(FEED_TWILIO, &r, was, 99, &v);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].subject, "twilio/i2/identified");
	assert_string_equal(v[0].text, "Twilio says: new (identified, major): we found it");
	assert_int_equal(v[0].said_ms, 42);
	assert_string_equal(v[1].text, "Twilio no longer reports: old");
	assert_int_equal(v[1].said_ms, 99);
	sayings_free(v, n);
	/* a component without an incident, at the page's own time */
	r = (struct feed_report){ .state = FEED_DEGRADED, .n_items = 1, .updated_ms = 7 };
	r.items[0] = (struct feed_item){ .name = "Voice", .status = "partial_outage" };
	n = quotes_of(FEED_TELNYX, &r, NULL, 99, &v);
	assert_int_equal(n, 1);
	assert_string_equal(v[0].text, "Telnyx says: Voice is partial_outage");
	assert_int_equal(v[0].said_ms, 7);
	sayings_free(v, n);
	json_free(was);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows), cmocka_unit_test(titles), cmocka_unit_test(gaps), cmocka_unit_test(routes),
		cmocka_unit_test(components), cmocka_unit_test(page),
		cmocka_unit_test(expected_end), cmocka_unit_test(given_values),
		cmocka_unit_test(sayings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
