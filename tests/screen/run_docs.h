/*
 * Canned runbooks and runs for the scenes: what the engine would answer, with text in it
 * that tries to break the screen. The scene's name says what the run waits for.
 */
#ifndef RD_TESTS_RUN_DOCS_H
#define RD_TESTS_RUN_DOCS_H

#include "model/run.h"

#define S(text) ((char *)(uintptr_t)(text))
#define EVIL "\033[31mred\033[0m \xe2\x80\xae evil \xf0\x9f\x94\xa5 \xe5\xa4\xa7 \x07"

static struct run_check mix_checks[] = {
	{ S("row status=failed: n"), S("0, or less than 20 (warn)"), S("118"), S("fail"),
	  S("118, wanted 0") },
};
static struct run_check off_checks[] = {
	{ S("affected"), S("1"), NULL, S(""), NULL },
};

#define CODES                                                                                      \
	"{\"rows\":[{\"id\":\"m1\",\"orgId\":\"org_12\",\"code\":\"30007\",\"msg\":\""             \
	"\\u001b[2Jfiltered"                                                                       \
	"\"},{\"id\":\"m2\",\"orgId\":\"org_12\",\"code\":\"30003\","                       \
	"\"msg\":\"off \\u202e evil\"},"                                                         \
	"{\"id\":\"m3\",\"orgId\":\"org_7\",\"code\":\"99999\",\"msg\":\"\\ud83d\\udd25 new\"}],"  \
	"\"time\":\"12ms\"}"

static struct run_step run_steps[] = {
	{ .id = S("status-mix"), .phase = S("investigate"), .title = S("Status mix"),
	  .verb = S("sql"),
	  .effect = S("read"), .state = RS_DONE, .disposition = RDI_RAN, .outcome = S("fail"),
	  .timeout_ms = 30000, .by = S("engine"), .attempt = 1,
	  .command = S("SELECT \"status\", COUNT(*) AS n FROM \"MessageLog\" WHERE \"createdAt\" >"
		       " NOW() - '1h'"),
	  .result = S("{\"rows\":[{\"status\":\"delivered\",\"n\":2410},{\"status\":\"failed\","
		      "\"n\":118}]}"),
	  .checks = mix_checks, .n_checks = 1 },
	{ .id = S("failures"), .phase = S("investigate"), .title = S("Failures with their codes"),
	  .verb = S("sql"), .effect = S("read"), .state = RS_DONE, .disposition = RDI_RAN,
	  .outcome = S("pass"), .by = S("engine"), .attempt = 1, .timeout_ms = 30000,
	  .command = S("SELECT \"id\", \"orgId\", code, msg FROM \"MessageLog\" LIMIT 50"),
	  .result = S(CODES),
	  .explain = S("{\"code\":{\"30007\":\"carrier violation; fix content\",\"30003\":\"handset"
		       " unreachable; nothing\"}}") },
	{ .id = S("logs"), .phase = S("investigate"), .title = S("Engine log"), .verb = S("run"),
	  .effect = S("read"), .state = RS_DONE, .disposition = RDI_RAN, .outcome = S("pass"),
	  .attempt = 1, .timeout_ms = 30000, .command = S("tail -n 3 app.log"),
	  .output = S("first line " EVIL "\nsecond line \033]0;title\007\nthird") },
	{ .id = S("cause"), .phase = S("mitigate"), .title =
	  S("Where do the failures concentrate?"),
	  .verb = S("decide"), .effect = S("read"), .state = RS_DONE, .picked = S("content"),
	  .suggestion = S("content"), .evidence = S("top_code 30007 is in 30004, 30007"),
	  .options = S("[{\"pick\":\"account\",\"label\":\"everything fails\",\"likely\":false},"
	               "{\"pick\":\"content\",\"label\":\"only some"
	               " messages\",\"likely\":true,\"why\":\"top_code is 30007\"}]") },
	{ .id = S("org-off"), .phase = S("mitigate"), .title = S("Stop SMS of one organisation"),
	  .verb = S("sql"), .effect = S("change"), .state = RS_WAITING, .optional = true,
	  .timeout_ms = 30000,
	  .command = S("UPDATE \"OrgSettings\" SET \"smsDisabled\" = true WHERE \"orgId\" ="
		       " 'org_12'"),
	  .preview = S("{\"affected\":1,\"rows\":[{\"smsDisabled\":false}]}"),
	  .undo = S("UPDATE \"OrgSettings\" SET \"smsDisabled\" = false WHERE \"orgId\" ="
		    " 'org_12'"),
	  .hold = S("sms-off"), .checks = off_checks, .n_checks = 1 },
	{ .id = S("all-off"), .phase = S("mitigate"), .title = S("Stop all SMS"), .verb = S("run"),
	  .effect = S("destroy"), .state = RS_WAITING, .optional = true, .timeout_ms = 30000,
	  .command = S("pm2 restart app --update-env"), .why = S("no inverse") },
	{ .id = S("look"), .phase = S("resolve"), .title = S("Account state"), .verb = S("ask"),
	  .effect = S("read"), .state = RS_WAITING, .answer_kind = S("done"),
	  .items = S("[\"balance read\",\"suspension checked\",\"API credentials tried\"]") },
	{ .id = S("recovered"), .phase = S("resolve"), .verb = S("gate"), .effect = S("read"),
	  .title = S("recovered"), .state = RS_WAITING },
};
static struct run_hold run_holds[] = { { S("sms-off"), S("org-off"), S("anna"),
					 S("SMS of org_12 are off"), 0 } };
static struct run_note run_notes[] = { { 0, S("ben"), S("carrier says 30007 since 03:00 " EVIL) } };
static char *run_undos[] = { S("org-off") }, *run_nevers[] =
	{ S("edit provider credentials while the provider is down") };
static struct run_param run_params[] = {
	{ .name = S("window"), .type = S("duration"), .value = S("1h"), .set = true },
	{ .name = S("org_id"), .type = S("string"), .pattern = S("^org_[a-z0-9]+$"),
	  .max = S("12"), .wants = S("a text like ^org_, at most 12 characters"),
	  .help = S("the organisation to act on"), .offers =
		S("[{\"value\":\"org_7\",\"from\":\"by-org\"}]") },
	{ .name = S("public_impact"), .type = S("bool"), .at_start = true,
	  .help = S("customers notice it") },
};

static struct run_step *step_at(struct run_doc *d, const char *id)
{
	for (size_t i = 0; i < d->n_steps; i++)
		if (str_eq(d->steps[i].id, id))
			return &d->steps[i];
	return NULL;
}

static void wait_for(struct run_doc *d, int kind, const char *step, int state, const char *text)
{
	d->wait = (struct run_wait){ .kind = kind, .step = S(step), .text = S(text) };
	d->run.status = kind ? RUN_WAITING : RUN_RUNNING;
	d->run.wait = kind;
	d->run.step = S(step);
	d->run.wait_text = S(text);
	step_at(d, step)->state = state;
}

static void run_waits(struct run_doc *d, const char *scene, int64_t now)
{
	if (strstr(scene, "confirm")) {
		wait_for(d, RW_CONFIRM, "org-off", RS_READY, "a change wants to be confirmed");
	} else if (strstr(scene, "destroy")) {
		wait_for(d, RW_CONFIRM, "all-off", RS_READY, "this cannot be undone");
		d->wait.destroy = d->wait.second = true;
		d->wait.phrase = S("stop all sms");
	} else if (strstr(scene, "second")) {
		wait_for(d, RW_SECOND, "all-off", RS_READY, "ben asked for it; another person"
			 " confirms");
		d->run.driver = S("ben");
		d->wait.phrase = S("stop all sms");
	} else if (strstr(scene, "param")) {
		wait_for(d, RW_PARAM, "org-off", RS_READY, "org_id is needed");
		d->wait.param = S("org_id");
	} else if (strstr(scene, "answer")) {
		wait_for(d, RW_ANSWER, "look", RS_READY, "tick what is done");
	} else if (strstr(scene, "running")) {
		wait_for(d, RW_NONE, "logs", RS_RUNNING, "");
		step_at(d, "logs")->started_at_ms = now - 12000;
		step_at(d, "logs")->outcome = NULL;
	} else if (strstr(scene, "failed")) {
		wait_for(d, RW_FAILED, "status-mix", RS_FAILED, "118 failed, wanted 0");
		step_at(d, "status-mix")->result =
			S("{\"status\":409,\"json\":{\"detail\":\"the account is shut\"}}");
		step_at(d, "status-mix")->outcome = S("fail");
	} else if (strstr(scene, "happened")) {
		wait_for(d, RW_HAPPENED, "org-off", RS_UNKNOWN,
			 "the engine went away in the middle");
	} else if (strstr(scene, "gate")) {
		wait_for(d, RW_APPROVAL, "recovered", RS_READY, "an operator lets it go on");
		d->wait.until_ms = now + 600000;
		d->wait.next_ms = now + 30000;
		d->wait.at_end = S("stop");
	} else {
		wait_for(d, RW_PICK, "cause", RS_READY, "where do the failures concentrate?");
		step_at(d, "cause")->picked = NULL;
	}
}

static void run_doc_make(struct run_doc *d, const char *scene, int64_t now, bool begun)
{
	static struct run_step steps[COUNT_OF(run_steps)];
	static struct run_phase phases[] = {
		{ .name = S("investigate"), .box_to_ms = 1800000 },
		{ .name = S("mitigate"), .box_from_ms = 1800000, .box_to_ms = 3600000 },
		{ .name = S("resolve") },
	};

	memcpy(steps, run_steps, sizeof(steps));
	*d = (struct run_doc){
		.run = { .id = S("RUN-12"), .version = 14, .runbook = S("messaging-failures"),
			 .title = S("Messaging failures (Twilio) " EVIL), .severity = S("P1"),
			 .kind = S("real"),
			 .subject = S("org_12"), .started_at_ms = now - 245000,
			 .started_by = S("anna"),
			 .driver = strstr(scene, "watch") ? S("ben") : S("anna"), .done = 3,
			 .total = 8,
			 .holds = 1 },
		.phases = phases, .n_phases = COUNT_OF(phases),
		.steps = steps, .n_steps = COUNT_OF(steps),
		.params = run_params, .n_params = COUNT_OF(run_params),
		.never = run_nevers, .n_never = 1,
	};
	if (!begun) {
		for (size_t i = 0; i < d->n_steps; i++)
			d->steps[i].state = RS_WAITING;
		return;
	}
	phases[0].deadline_at_ms = now + 1555000;
	phases[1].deadline_at_ms = now - 190000;
	run_holds[0].since_ms = run_notes[0].at_ms = now - 60000;
	d->holds = run_holds;
	d->notes = run_notes;
	d->undo = run_undos;
	d->n_holds = d->n_notes = d->n_undo = 1;
	if (strstr(scene, "undo"))
		step_at(d, "org-off")->state = RS_DONE;
	run_waits(d, scene, now);
}

static void runbook_rows(struct jw *w, int64_t now)
{
	struct runbook_row rows[] = {
		{ .id = S("call-quality"), .title = S("Poor call quality"), .service = S("calls"),
		  .severity = S("P2"), .phases = 2, .steps = 9, .changes = 2 },
		{ .id = S("messaging-failures"), .title = S("Messaging failures (Twilio) " EVIL),
		  .service = S("sms"),
		  .severity = S("P1"), .triggers = S("twilio-message-failed, sms-storm"),
		  .kinds = S("sms"),
		  .phases = 3, .steps = 8, .changes = 1, .destroys = 1,
		  .suggested = S("the alert twilio-message-failed is on since 03:08Z"),
		  .last_run_at_ms = now - 86400000 },
		{ .id = S("half-written"), .title = S("Half written"), .service = S("ops"),
		  .severity = S("P3"),
		  .problem = S("half-written.yaml:12:3: unknown key 'expct', did you mean"
			       " 'expect'?") },
	};

	jw_arr(w, "runbooks");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		record_json(w, NULL, &runbook_row_type, &rows[i]);
	jw_arr_end(w);
}

/* The answer to a GET; false = not about runbooks. */
static bool run_answer(const char *path, const char *scene, int64_t now, struct jw *w)
{
	struct run_doc d;
	bool none = str_eq(scene, "none");

	if (strstr(path, "/api/v1/runbooks/")) {
		struct runbook_row row = { .id = S("messaging-failures"),
					   .title = S("Messaging failures (Twilio)"),
					   .phases = 3, .steps = 8, .changes = 1, .destroys = 1 };
		run_doc_make(&d, scene, now, false);
		if (strstr(scene, "plain"))
			d.n_params = 2; /* nothing to ask for at the start */
		record_json(w, "runbook", &runbook_row_type, &row);
		jw_raw(w, "symptoms", "[\"customers get no replies\"]");
		run_doc_json(w, "outline", &d);
	} else if (strstr(path, "/api/v1/runbooks")) {
		if (none)
			jw_raw(w, "runbooks", "[]");
		else
			runbook_rows(w, now);
	} else if (strstr(path, "/api/v1/runs/")) {
		return false; /* the document is the whole answer: run_document() */
	} else if (strstr(path, "/api/v1/runs")) {
		run_doc_make(&d, scene, now, true);
		jw_arr(w, "runs");
		if (!none && !strstr(scene, "fresh"))
			record_json(w, NULL, &run_type, &d.run);
		jw_arr_end(w);
		jw_str(w, "id", "RUN-12");
	} else {
		return false;
	}
	return true;
}

#endif
