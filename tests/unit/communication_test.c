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
	message_reword(&m, NULL,
		       "Calls fail.\n\033[31mEnd: [eta?]"); /* the gap still stands there */
	assert_string_equal(m.body, "Calls fail.\n[31mEnd: [eta?]");
	assert_string_equal(message_unnamed(&m, &named), "eta");
	message_reword(&m, "Trouble", "Calls fail.");
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
		"\"unknown\",\"items\":[]}]}";
	struct watch_alert alerts[] = { { (char *)"video", (char *)"warn", (char *)"rooms fail" } };
	struct watch_account accounts[] = {
		{ (char *)"main", (char *)"twilio", (char *)"critical", (char *)"suspended", true },
		{ (char *)"spare", (char *)"telnyx", (char *)"critical", (char *)"", false },
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
		/* what is known to be well counts before what is not known */
		{ { .vendor = (char *)"aws", .feed = (char *)"x", .alerts = other, .n_alerts = 1 },
		  CAP_OK,
		  "no alert" },
	};
	struct watching w = { .alerts = alerts,
			      .n_alerts = 1,
			      .accounts = accounts,
			      .n_accounts = 2,
			      .feeds = json_parse(feeds, strlen(feeds), NULL),
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

/* ---- quotes -----------------------------------------------------------------------------------
 */

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
		cmocka_unit_test(rows), cmocka_unit_test(gaps), cmocka_unit_test(routes),
		cmocka_unit_test(components), cmocka_unit_test(sayings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
