/*
 * Incidents on a real PostgreSQL: declared once per cause, each state's first stamp kept,
 * clocks stopped by an acknowledgement and never moved behind a person's back, and no text
 * of anybody lost when two edit at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/task.h"
#include "store/incidents.h"
#include "store/journal.h"
#include "tests/lib/storetest.h"

static struct storetest st;
static const struct who anna = { .actor = "anna", .role = "operator", .via = "api" };
static const struct who ben = { .actor = "ben", .role = "operator", .via = "api" };
enum { MIN = 60000 };

static void must(int e, const struct err *err)
{
	if (e < 0)
		fail_msg("%s", err->msg);
}

static struct incident_clock clocks_v[] = {
	{ .kind = CK_ROUTING, .state = CS_RUNNING, .due_at_ms = 1000, .every_ms = 5 * MIN,
	  .via = (char[]){ "[\"slack\"]" }, .text = (char[]){ "first notice" } },
	{ .kind = CK_UPDATE, .state = CS_RUNNING, .due_at_ms = 2000, .every_ms = 30 * MIN,
	  .text = (char[]){ "the next update is due" } },
};

static char *declare(struct store *s, const char *key)
{
	static const char *const tasks[] = { "root cause written" };
	struct incident_new n = { .title = "calls fail", .severity = "P1", .service = "telephony",
				  .dedup_key = key, .clocks = clocks_v, .n_clocks = 2,
				  .tasks = tasks, .n_tasks = 1 };
	struct err err = { 0 };
	char *id = NULL;

	must(incident_declare(s, &anna, &n, &id, &err), &err);
	return id;
}

static void reads_back(void *arg)
{
	struct store *s = arg;
	struct incident_doc d;
	struct err err = { 0 };
	_cleanup_(free_p) char *id = declare(s, NULL);

	must(incident_read(s, id, &d, &err), &err);
	assert_string_equal(d.incident.title, "calls fail");
	assert_int_equal(d.incident.state, IS_DECLARED);
	assert_int_equal(d.incident.version, 2);
	assert_true(d.incident.detected_at_ms > 0);
	assert_int_equal(d.incident.started_at_ms, d.incident.detected_at_ms);
	assert_int_equal(d.n_clocks, 2);
	assert_int_equal(d.clocks[0].kind, CK_ROUTING);
	assert_string_equal(d.clocks[0].via, "[\"slack\"]");
	assert_int_equal(d.incident.next_update_at_ms, 2000);
	assert_int_equal(d.n_severities, 1);
	assert_int_equal(d.n_tasks, 1);
	must(incident_task_done(s, &ben, id, d.tasks[0].id, true, &err), &err);
	incident_doc_fini(&d);
	must(incident_read(s, id, &d, &err), &err);
	assert_true(d.tasks[0].done);
	assert_string_equal(d.tasks[0].by, "ben");
	incident_doc_fini(&d);
	assert_int_equal(incident_read(s, "INC-9", &d, &err), ERR_NOT_FOUND);
	assert_int_equal(incident_task_done(s, &ben, id, "T-99", true, &err), ERR_NOT_FOUND);
	assert_int_equal(incident_task_done(s, &ben, id, "nonsense", true, &err), ERR_NOT_FOUND);
}

static void one_per_cause(void *arg)
{
	struct store *s = arg;
	struct incident_new n = { .title = "again", .severity = "P1", .dedup_key = "event:EV-1" };
	struct err err = { 0 };
	_cleanup_(free_p) char *id = declare(s, "event:EV-1"), *other = NULL;

	assert_int_equal(incident_declare(s, &ben, &n, &other, &err), ERR_EXISTS);
	assert_string_equal(err.field, id);
	must(incident_alike(s, "event:EV-1", NULL, &other, &err), &err);
	assert_string_equal(other, id);
	free_p(&other);
	must(incident_alike(s, NULL, "telephony", &other, &err), &err);
	assert_string_equal(other, id);
	free_p(&other);
	must(incident_set_state(s, &anna, id, 0, IS_RESOLVED, 0, NULL, &err), &err);
	must(incident_declare(s, &ben, &n, &other, &err), &err);	/* a new one may open */
}

struct both { struct store *s; const struct who *who; char *id; int e; struct err err; };

static void declare_one(void *arg)
{
	struct both *b = arg;
	struct incident_new n = { .title = "same", .severity = "P0", .dedup_key = "alert:x" };

	b->e = incident_declare(b->s, b->who, &n, &b->id, &b->err);
}

/* Two people, two engines, the same second. */
static void declared_at_once(void *arg)
{
	struct both v[2] = { { .s = arg, .who = &anna }, { .s = arg, .who = &ben } };
	struct crowd c;

	crowd_init(&c, 2);
	for (int i = 0; i < 2; i++)
		crowd_add(&c, "declare", declare_one, &v[i]);
	crowd_join(&c);
	assert_true((v[0].e == 0) != (v[1].e == 0));
	assert_int_equal(v[0].e == 0 ? v[1].e : v[0].e, ERR_EXISTS);
	free_p(&v[0].id);
	free_p(&v[1].id);
}

static void states_keep_their_first_stamp(void *arg)
{
	struct store *s = arg;
	struct incident_doc d;
	struct err err = { 0 };
	_cleanup_(free_p) char *id = declare(s, NULL);

	must(incident_set_state(s, &ben, id, 0, IS_ACKNOWLEDGED, 0, NULL, &err), &err);
	must(incident_read(s, id, &d, &err), &err);
	assert_int_equal(d.clocks[0].kind, CK_UPDATE);	/* the public still waits for a word */
	assert_int_equal(d.clocks[0].state, CS_RUNNING);
	assert_int_equal(d.clocks[1].kind, CK_ROUTING);
	assert_int_equal(d.clocks[1].state, CS_STOPPED);
	incident_doc_fini(&d);
	assert_int_equal(incident_set_state(s, &anna, id, 0, IS_ACKNOWLEDGED, 0, NULL, &err),
			 ERR_CONFLICT);
	assert_int_equal(incident_set_state(s, &anna, id, 0, IS_CLOSED, 0, NULL, &err),
			 ERR_CONFLICT);
	assert_int_equal(incident_set_state(s, &anna, id, 1, IS_MITIGATED, 0, NULL, &err),
			 ERR_CONFLICT);
	must(incident_set_state(s, &anna, id, 0, IS_MITIGATED, 0, "rerouted", &err), &err);
	must(incident_set_state(s, &anna, id, 0, IS_RESOLVED, 0, NULL, &err), &err);
	must(incident_read(s, id, &d, &err), &err);
	assert_string_equal(d.incident.acked_by, "ben");
	assert_true(d.incident.acked_at_ms && d.incident.mitigated_at_ms >= d.incident.acked_at_ms);
	assert_int_equal(d.incident.review, RV_DRAFT);
	for (size_t i = 0; i < d.n_clocks; i++)
		assert_int_equal(d.clocks[i].state, CS_STOPPED);
	incident_doc_fini(&d);
	assert_int_equal(incident_set_severity(s, &anna, id, "P0", "late", NULL, 0, &err),
			 ERR_CONFLICT);
	must(incident_set_state(s, &anna, id, 0, IS_CLOSED, 0, NULL, &err), &err);
}

/* How often an update is due is what the severity of now says. */
static void updates_follow_severity(void *arg)
{
	struct incident_clock sooner = { .kind = CK_UPDATE, .state = CS_RUNNING,
					 .due_at_ms = 2000, .every_ms = 10 * MIN,
					 .text = (char[]){ "the next update is due" } };
	struct store *s = arg;
	struct incident_doc d;
	struct err err = { 0 };
	_cleanup_(free_p) char *id = declare(s, NULL);

	must(incident_set_severity(s, &anna, id, "P0", NULL, &sooner, 1, &err), &err);
	must(incident_read(s, id, &d, &err), &err);
	assert_int_equal(d.incident.update_every_ms, 10 * MIN);
	incident_doc_fini(&d);
}

/* A clock that was read as due and acknowledged meanwhile is not moved. */
static void clocks_yield_to_people(void *arg)
{
	struct store *s = arg;
	struct due_clock *due = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int64_t next = 0, was;
	_cleanup_(free_p) char *id = declare(s, NULL);
	_cleanup_(tx_rollback) struct tx t = { 0 };

	must(clocks_due(s, 1500, &due, &n, &next, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(next, 2000);
	assert_string_equal(due[0].incident, id);
	was = due[0].clock.due_at_ms;
	due[0].clock.due_at_ms = 9000;
	due[0].clock.sent = 1;
	must(tx_begin(s, &t, &anna, &err), &err);
	must(clock_put(&t, id, &due[0].clock, was, &err), &err);
	must(tx_commit(&t, NULL, &err), &err);
	must(tx_begin(s, &t, &anna, &err), &err);
	assert_int_equal(clock_put(&t, id, &due[0].clock, was, &err), ERR_CONFLICT);
	tx_rollback(&t);
	assert_int_equal(clock_hold(s, &ben, id, due[0].clock.id, true, "", &err), ERR_INVALID);
	must(clock_hold(s, &ben, id, due[0].clock.id, true, "vendor is on the phone", &err), &err);
	must(tx_begin(s, &t, &anna, &err), &err);
	assert_int_equal(clock_put(&t, id, &due[0].clock, 9000, &err), ERR_CONFLICT);
	tx_rollback(&t);
	assert_int_equal(clock_hold(s, &ben, id, due[0].clock.id, true, "again", &err),
			 ERR_CONFLICT);
	must(clock_hold(s, &ben, id, due[0].clock.id, false, NULL, &err), &err);
	clocks_free(due, n);
	must(clocks_due(s, 3000, &due, &n, &next, &err), &err);
	assert_int_equal(n, 1);		/* the update; the notice runs again from where it was */
	must(clock_done(s, &ben, id, due[0].clock.id, "told customers", &err), &err);
	clocks_free(due, n);
}

static void no_text_is_lost(void *arg)
{
	struct store *s = arg;
	struct note_new n = { .text = NOTE_TODO ": renew \x1b[31mthe certificate" };
	struct incident_doc d;
	struct err err = { 0 };
	static const char *const texts[] = { "ben's text", "\"anna's text\"", "\"anna again\"" };
	_cleanup_(free_p) char *id = declare(s, NULL), *note = NULL;
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct str b = STR_INIT(100000);
	struct jw w = JW(&b);

	n.incident = id;
	must(note_put(s, &anna, &n, &note, &err), &err);
	must(note_edit(s, &ben, note, &(struct note_edit){ 1, "ben's text" }, &err), &err);
	assert_int_equal(note_edit(s, &anna, note, &(struct note_edit){ 1, "anna's text" }, &err),
			 ERR_CONFLICT);
	assert_non_null(strstr(err.msg, "ben"));
	must(store_query(s, &r, &err, "SELECT text FROM (SELECT text FROM ringdown.note UNION ALL"
			 " SELECT text FROM ringdown.note_version) v ORDER BY text COLLATE \"C\"",
			 ""), &err);
	assert_int_equal(pg_rows(r), 3);
	assert_string_equal(pg_text(r, 0, 0), NOTE_TODO ": renew [31mthe certificate");
	assert_string_equal(pg_text(r, 1, 0), "anna's text");
	assert_string_equal(pg_text(r, 2, 0), "ben's text");
	must(incident_read(s, id, &d, &err), &err);
	assert_int_equal(d.n_actions, 1);
	assert_string_equal(d.actions[0].text, "renew [31mthe certificate");
	assert_int_equal(d.incident.notes, 1);
	incident_doc_fini(&d);
	/* what was kept beside it does not stand in the way of the next edit */
	assert_int_equal(note_edit(s, &anna, note, &(struct note_edit){ 2, "anna again" }, &err),
			 ERR_CONFLICT);
	must(note_edit(s, &anna, note, &(struct note_edit){ .text = "both", .source = "EV-1" },
		       &err), &err);
	jw_obj(&w, NULL);
	must(note_read(s, note, &w, &err), &err);
	jw_obj_end(&w);
	assert_non_null(strstr(str_get(&b), "\"text\":\"both\""));
	assert_non_null(strstr(str_get(&b), "\"source\":\"EV-1\""));
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_non_null(strstr(str_get(&b), texts[i]));
	str_fini(&b);
}

static void notes_are_taken_back(void *arg)
{
	struct store *s = arg;
	struct note_new n = { .text = "wrong account" },
			import = { .text = "x", .kind = "import", .source = "log.csv" };
	struct err err = { 0 };
	_cleanup_(free_p) char *id = declare(s, NULL), *note = NULL, *copy = NULL;

	n.incident = import.incident = id;
	must(note_put(s, &anna, &n, &note, &err), &err);
	must(note_put(s, &anna, &import, &copy, &err), &err);
	assert_int_equal(note_retract(s, &anna, note, 0, false, "", &err), ERR_INVALID);
	assert_int_equal(note_retract(s, &anna, note, 9, false, "typo", &err), ERR_CONFLICT);
	assert_int_equal(note_retract(s, &anna, note, 1, true, NULL, &err), ERR_CONFLICT);
	must(note_retract(s, &anna, note, 1, false, "it was acme", &err), &err);
	assert_int_equal(note_retract(s, &anna, note, 1, false, "again", &err), ERR_CONFLICT);
	must(note_retract(s, &anna, note, 1, true, NULL, &err), &err);
	/* a copy of what was said elsewhere stays as it is */
	assert_int_equal(note_retract(s, &anna, copy, 0, false, "no", &err), ERR_CONFLICT);
	assert_int_equal(note_edit(s, &anna, copy, &(struct note_edit){ .text = "y" }, &err),
			 ERR_CONFLICT);
}

static void links_and_edits(void *arg)
{
	struct store *s = arg;
	struct incident_doc d;
	struct err err = { 0 };
	struct who engine = WHO_ENGINE(0);
	static const char good[] = "{\"startedAt\":\"2025-10-20T07:15:00Z\",\"cause\":\"aws\"}",
			  odd[] = "{\"startedAt\":\"00:15 PST\"}";
	struct json *edit = json_parse(good, strlen(good), &err);
	struct json *bad = json_parse(odd, strlen(odd), &err);
	_cleanup_(free_p) char *id = declare(s, NULL);
	_cleanup_(tx_rollback) struct tx t = { 0 };

	must(tx_begin(s, &t, &engine, &err), &err);
	must(incident_link(&t, id, "event", "EV-7", "acme-main", &err), &err);
	must(incident_link(&t, id, "event", "EV-7", "acme-main", &err), &err);
	must(tx_commit(&t, NULL, &err), &err);
	must(incident_unlink(s, &ben, id, "event", "EV-7", &err), &err);
	must(tx_begin(s, &t, &engine, &err), &err);
	must(incident_link(&t, id, "event", "EV-7", "acme-main", &err), &err);	/* stays off */
	must(tx_commit(&t, NULL, &err), &err);
	must(incident_edit(s, &ben, id, 0, edit, &err), &err);
	assert_int_equal(incident_edit(s, &ben, id, 0, bad, &err), ERR_INVALID);
	assert_string_equal(err.field, "startedAt");
	must(incident_read(s, id, &d, &err), &err);
	assert_int_equal(d.n_links, 0);
	assert_int_equal(d.incident.started_at_ms, 1760944500000);
	assert_string_equal(d.incident.cause, "aws");
	incident_doc_fini(&d);
	json_free(edit);
	json_free(bad);
}

static struct incident_action action_of(struct store *s, const char *id)
{
	struct incident_doc d;
	struct err err = { 0 };
	struct incident_action a = { 0 };

	must(incident_read(s, id, &d, &err), &err);
	assert_int_equal(d.n_actions, 1);
	a = d.actions[0];
	d.actions[0] = (struct incident_action){ 0 };
	incident_doc_fini(&d);
	return a;
}

/* A word of the timeline: journal or note. */
static bool on_timeline(struct store *s, const char *word)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct err err = { 0 };

	must(store_query(s, &r, &err, "SELECT 1 FROM (SELECT text FROM ringdown.journal UNION ALL"
			 " SELECT text FROM ringdown.note) v WHERE position($1 in text) > 0", "t",
			 word), &err);
	return pg_rows(r) > 0;
}

/* Owner and date come and go; only what is named changes. */
static void an_action_changes(void *arg)
{
	struct store *s = arg;
	struct err err = { 0 };
	struct incident_action a;
	_cleanup_(free_p) char *id = declare(s, NULL), *item = NULL;
	struct action_edit x = { .text = "renew", .owner = "ben", .due = true, .due_at_ms = 5000 };

	must(incident_action_put(s, &anna, id, &x, &item, &err), &err);
	x = (struct action_edit){ .id = item, .due = true, .due_at_ms = 7000 };
	must(incident_action_put(s, &anna, id, &x, NULL, &err), &err);
	a = action_of(s, id);
	assert_int_equal(a.due_at_ms, 7000);
	assert_string_equal(a.owner, "ben");
	assert_string_equal(a.text, "renew");
	assert_int_equal(a.version, 2);
	record_fini(&incident_action_type, &a);
	x = (struct action_edit){ .id = item, .due = true, .owner = "" };
	must(incident_action_put(s, &anna, id, &x, NULL, &err), &err);
	a = action_of(s, id);
	assert_int_equal(a.due_at_ms, 0);
	assert_null(a.owner);
	record_fini(&incident_action_type, &a);
	assert_true(on_timeline(s, "owner: nothing (was: ben); due: nothing (was: 1970-01-01"));
	x = (struct action_edit){ .id = item, .text = "" };
	assert_int_equal(incident_action_put(s, &anna, id, &x, NULL, &err), ERR_INVALID);
	x = (struct action_edit){ .id = item, .state = "over" };
	assert_int_equal(incident_action_put(s, &anna, id, &x, NULL, &err), ERR_INVALID);
	assert_string_equal(err.field, "state");
	x = (struct action_edit){ .id = "A-999", .state = "done" };
	assert_int_equal(incident_action_put(s, &anna, id, &x, NULL, &err), ERR_NOT_FOUND);
}

struct writing { struct store *s; const struct who *who; const char *id, *item, *text; int e;
		 struct err err; };

static void write_action(void *arg)
{
	struct writing *w = arg;
	struct action_edit x = { .id = w->item, .version = 1, .text = w->text };

	w->e = incident_action_put(w->s, w->who, w->id, &x, NULL, &w->err);
}

/* Two at the same moment: one stands, the other is told, and every word is on the timeline, also
 * where the line of the journal is too short for it. */
static void an_action_of_two(void *arg)
{
	struct store *s = arg;
	struct err err = { 0 };
	struct incident_action a;
	char longer[2000];
	_cleanup_(free_p) char *id = declare(s, NULL), *item = NULL;
	struct action_edit x = { .text = "first words" };
	struct crowd c;

	memset(longer, 'y', sizeof(longer));
	memcpy(longer + sizeof(longer) - 10, " the end.", 10);
	must(incident_action_put(s, &anna, id, &x, &item, &err), &err);
	struct writing v[2] = { { .s = s, .who = &anna, .id = id, .item = item, .text = "anna's" },
				{ .s = s, .who = &ben, .id = id, .item = item, .text = longer } };
	crowd_init(&c, 2);
	for (int i = 0; i < 2; i++)
		crowd_add(&c, "write", write_action, &v[i]);
	crowd_join(&c);
	assert_true((v[0].e == 0) != (v[1].e == 0));
	assert_int_equal(v[0].e == 0 ? v[1].e : v[0].e, ERR_CONFLICT);
	a = action_of(s, id);
	assert_string_equal(a.text, v[0].e == 0 ? v[0].text : v[1].text);
	assert_int_equal(a.version, 2);
	record_fini(&incident_action_type, &a);
	/* and written over without a version by who did not look */
	x = (struct action_edit){ .id = item, .text = "last" };
	must(incident_action_put(s, &anna, id, &x, NULL, &err), &err);
	assert_true(on_timeline(s, "first words"));
	assert_true(on_timeline(s, "anna's"));
	assert_true(on_timeline(s, "yyy the end."));
}

static void roles_are_known(void *arg)
{
	struct store *s = arg;
	struct err err = { 0 };
	struct incident_doc d;
	_cleanup_(free_p) char *id = declare(s, NULL);

	assert_int_equal(incident_set_role(s, &anna, id, "scibe", "ben", &err), ERR_INVALID);
	assert_string_equal(err.field, "role");
	assert_non_null(strstr(err.msg, "did you mean 'scribe'"));
	assert_non_null(strstr(err.msg, "commander, deputy, scribe, sme, customer-liaison, "
					"internal-liaison"));
	assert_int_equal(incident_set_role(s, &anna, id, "", "ben", &err), ERR_INVALID);
	must(incident_set_role(s, &anna, id, "Customer liaison", "ben", &err), &err);
	must(incident_set_role(s, &anna, id, "SME", "ben", &err), &err);
	must(incident_set_role(s, &anna, id, "scribe", "ben", &err), &err);
	assert_int_equal(incident_set_role(s, &anna, id, "commander", "ben", &err), ERR_CONFLICT);
	must(incident_set_role(s, &anna, id, "expert", "", &err), &err);
	must(incident_set_role(s, &anna, id, "commander", "ben", &err), &err);
	assert_int_equal(incident_set_role(s, &anna, id, "sme", "ben", &err), ERR_CONFLICT);
	must(incident_read(s, id, &d, &err), &err);
	assert_int_equal(d.n_roles, 4);
	assert_string_equal(d.roles[0].role, "customer-liaison");
	incident_doc_fini(&d);
}

static void dates_as_people_write_them(void **state)
{
	static const struct { const char *text; int64_t ms; } v[] = {
		{ "2026-12-01", 1796169599000 }, { "+2d", 1000 + 2 * 86400000 },
		{ "+90m", 1000 + 90 * MIN }, { "2026-12-01T00:00:00Z", 1796083200000 },
		{ "soon", -1 }, { "+soon", -1 }, { "2026-13-01", -1 }, { "", -1 }, { "+0d", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(v); i++) {
		int64_t ms = -1;
		bool good = incident_due_parse(v[i].text, 1000, &ms);

		assert_int_equal(good, v[i].ms >= 0);
		if (good)
			assert_int_equal(ms, v[i].ms);
	}
}

static int start(void **state) { (void)state; storetest_start(&st); return 0; }
static int stop(void **state) { (void)state; storetest_stop(&st); return 0; }

static int edit(struct store *s, const char *id, const char *fields, struct err *err)
{
	_cleanup_(json_free_p) struct json *doc = json_parse(fields, strlen(fields), NULL);

	return incident_edit(s, &anna, id, 0, doc, err);
}

/* A stamp that cannot be is refused by name, and nothing of the order is kept. */
static void stamps_make_sense(void *arg)
{
	static const struct { const char *fields, *field; } wrong[] = {
		{ "{\"startedAt\":\"2999-01-01T00:00:00Z\"}", "startedAt" },
		{ "{\"detectedAt\":\"2999-01-01T00:00:00Z\"}", "detectedAt" },
		{ "{\"resolvedAt\":\"2020-01-01T02:00:00Z\"}", "resolvedAt" },
		{ "{\"mitigatedAt\":\"2020-01-01T02:00:00Z\"}", "mitigatedAt" },
		{ "{\"ackedAt\":\"2020-01-01T02:00:00Z\"}", "ackedAt" },
	};
	struct store *s = arg;
	struct incident_doc d;
	struct err err = { 0 };
	_cleanup_(free_p) char *id = declare(s, NULL);
	int64_t past = 0;

	assert_true(parse_time_ms("2020-01-01T01:00:00Z", &past));
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_int_equal(edit(s, id, wrong[i].fields, &err), ERR_INVALID);
		assert_string_equal(err.field, wrong[i].field);
	}
	must(edit(s, id, "{\"startedAt\":\"2020-01-01T00:30:00Z\",\"detectedAt\":"
			 "\"2020-01-01T01:00:00Z\"}", &err), &err);
	assert_int_equal(incident_set_state(s, &anna, id, 0, IS_ACKNOWLEDGED, past - 1, NULL, &err),
			 ERR_INVALID);
	assert_string_equal(err.field, "ackedAt");
	assert_int_equal(incident_set_state(s, &anna, id, 0, IS_MITIGATED, INT64_C(32503680000000),
					    NULL, &err), ERR_INVALID);
	must(incident_set_state(s, &anna, id, 0, IS_MITIGATED, past + 60000, NULL, &err), &err);
	assert_int_equal(incident_set_state(s, &anna, id, 0, IS_RESOLVED, past + 1, NULL, &err),
			 ERR_INVALID);
	must(incident_set_state(s, &anna, id, 0, IS_RESOLVED, past + 90000, NULL, &err), &err);
	assert_int_equal(edit(s, id, "{\"resolvedAt\":null}", &err), ERR_INVALID);
	/* an acknowledgement after the end is one; one that nobody knows of goes away */
	must(edit(s, id, "{\"ackedAt\":\"2020-01-01T03:00:00Z\"}", &err), &err);
	must(edit(s, id, "{\"ackedAt\":null}", &err), &err);
	must(incident_read(s, id, &d, &err), &err);
	assert_int_equal(d.incident.acked_at_ms, 0);
	assert_int_equal(d.incident.mitigated_at_ms, past + 60000);
	assert_int_equal(d.incident.resolved_at_ms, past + 90000);
	incident_doc_fini(&d);
}

#define ON_DATABASE(fn) static void t_##fn(void **state) { (void)state; storetest_run(&st, fn); }
ON_DATABASE(reads_back)
ON_DATABASE(one_per_cause)
ON_DATABASE(declared_at_once)
ON_DATABASE(states_keep_their_first_stamp)
ON_DATABASE(clocks_yield_to_people)
ON_DATABASE(no_text_is_lost)
ON_DATABASE(notes_are_taken_back)
ON_DATABASE(stamps_make_sense)
ON_DATABASE(updates_follow_severity)
ON_DATABASE(links_and_edits)
ON_DATABASE(an_action_changes)
ON_DATABASE(an_action_of_two)
ON_DATABASE(roles_are_known)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_reads_back),	       cmocka_unit_test(t_one_per_cause),
		cmocka_unit_test(t_declared_at_once),
		cmocka_unit_test(t_states_keep_their_first_stamp),
		cmocka_unit_test(t_clocks_yield_to_people), cmocka_unit_test(t_no_text_is_lost),
		cmocka_unit_test(t_notes_are_taken_back),
		cmocka_unit_test(t_links_and_edits), cmocka_unit_test(t_an_action_changes),
		cmocka_unit_test(t_an_action_of_two), cmocka_unit_test(t_roles_are_known),
		cmocka_unit_test(dates_as_people_write_them), cmocka_unit_test(t_stamps_make_sense),
		cmocka_unit_test(t_updates_follow_severity),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
