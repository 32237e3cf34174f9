/* A run's document survives the way to JSON and back, with everything it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "model/event.h"
#include "model/run.h"

static const char full[] =
	"{\"id\":\"RUN-7\",\"version\":31,\"status\":\"waiting\","
	"\"runbook\":\"messaging-failures\",\"waitingFor\":\"second\","
	"\"startedAt\":\"2026-11-21T03:12:47.000Z\",\"holdsOpen\":1,\"fileChanged\":true,"
	"\"wait\":{\"kind\":\"second\",\"step\":\"all-off\",\"phrase\":\"stop all sms\","
	"\"second\":true,\"destroy\":true},\"phases\":[{\"name\":\"mitigate\",\"boxToMs\":1800000,"
	"\"late\":true}],\"steps\":[{\"id\":\"status-mix\",\"state\":\"done\","
	"\"disposition\":\"ran\",\"outcome\":\"warn\",\"result\":{\"rows\":2},"
	"\"checks\":[{\"subject\":\"row\",\"expected\":\"= 0\",\"actual\":\"3\","
	"\"outcome\":\"warn\"}]},{\"id\":\"all-off\",\"state\":\"not_applicable\"}],"
	"\"params\":[{\"name\":\"org_id\",\"choices\":[\"a\",\"b\"],\"set\":true}],"
	"\"holds\":[{\"name\":\"sms-off\",\"by\":\"jane\"}],\"notes\":[{\"by\":\"jane\","
	"\"text\":\"ask billing\"}],\"undoStack\":[\"org-off\",\"a\"],\"never\":[\"edit keys\"],"
	"\"checklist\":[]}";

static char *text_of(const struct run_doc *d)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	run_doc_json(&w, NULL, d);
	return str_take(&b);
}

static int read_doc(struct run_doc *d, const char *text)
{
	_cleanup_(json_free_p) struct json *j = json_parse(text, strlen(text), NULL);

	assert_non_null(j);
	return run_doc_from_json(d, j, NULL);
}

static void there_and_back(void **state)
{
	struct run_doc a = { 0 }, b = { 0 };
	_cleanup_(free_p) char *first = NULL, *second = NULL;

	(void)state;
	assert_int_equal(read_doc(&a, full), 0);
	assert_int_equal(a.run.wait, RW_SECOND);
	assert_int_equal(a.run.status, RUN_WAITING);
	assert_true(a.wait.second && a.wait.destroy && a.phases[0].late && a.run.file_changed);
	assert_int_equal(a.n_steps, 2);
	assert_int_equal(a.steps[0].n_checks, 1);
	assert_string_equal(a.steps[0].checks[0].actual, "3");
	assert_int_equal(a.steps[1].state, RS_NOT_APPLICABLE);
	assert_string_equal(a.steps[0].result, "{\"rows\":2}");
	assert_string_equal(a.undo[1], "a");
	assert_int_equal(a.n_checklist, 0);
	first = text_of(&a);
	assert_int_equal(read_doc(&b, first), 0);
	second = text_of(&b);
	assert_string_equal(first, second);
	assert_true(record_equal(&run_type, &a.run, &b.run));
	run_doc_fini(&a);
	run_doc_fini(&b);
}

/* The second document replaces the first, whatever that held. */
static void read_twice(void **state)
{
	struct run_doc d = { 0 };

	(void)state;
	assert_int_equal(read_doc(&d, full), 0);
	assert_int_equal(read_doc(&d, "{\"id\":\"RUN-8\",\"steps\":7,\"undoStack\":[1]}"), 0);
	assert_string_equal(d.run.id, "RUN-8");
	assert_int_equal(d.n_steps, 0);
	assert_int_equal(d.wait.kind, RW_NONE);
	assert_string_equal(d.undo[0], "");
	assert_true(read_doc(&d, "[]") < 0);
	run_doc_fini(&d);
}

static void events_and_kinds(void **state)
{
	struct event e = { .status = EV_PENDING, .severity = SEV_CRITICAL };

	(void)state;
	assert_string_equal(runbook_fits_event("held pending", &e), "pending");
	assert_string_equal(runbook_fits_event("degraded critical", &e), "critical");
	assert_string_equal(runbook_fits_event("event", &e), "event");
	assert_null(runbook_fits_event("completed depending", &e));
	assert_null(runbook_fits_event("", &e));
	assert_null(runbook_fits_event(NULL, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(read_twice),
		cmocka_unit_test(events_and_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
