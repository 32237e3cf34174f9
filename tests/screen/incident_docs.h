/* An incident of the scenes: its summary in the state, its document, the severities. */
#ifndef RD_TESTS_INCIDENT_DOCS_H
#define RD_TESTS_INCIDENT_DOCS_H

#include "core/json.h"

/* The scene's instants hang on its beginning: rows of the journal do not move. */
static inline int64_t scene_began(int64_t now)
{
	static int64_t began;

	if (!began)
		began = now;
	return began;
}

static void incident_summary(struct jw *w, const char *id, const char *severity, const char *state,
                             const char *kind, const char *title, int64_t now)
{
	bool declared = str_eq(state, "declared");

	jw_str(w, "id", id);
	jw_i64(w, "version", 4);
	jw_str(w, "severity", severity);
	jw_str(w, "state", state);
	jw_str(w, "kind", kind);
	jw_str(w, "title", title);
	jw_str(w, "service", "telephony");
	jw_str(w, "impact", "18 of 40 agents fail; calls ok 59 %");
	jw_str(w, "declaredBy", "ben");
	jw_time(w, "startedAt", now - 300000);
	jw_time(w, "declaredAt", now - 275000);
	if (!declared)
		jw_time(w, "ackedAt", now - 200000);
	if (str_eq(state, "resolved"))
		jw_time(w, "resolvedAt", now - 60000);
	if (declared)
		jw_time(w, "ackDueAt", now + 1525000);
	else if (!str_eq(state, "resolved"))
		jw_time(w, "nextUpdateAt", now - 130000);
	if (declared)
		jw_str(w, "escalateTo", "eng-manager");
	jw_str(w, "statusQuoted",
	       "Twilio: we are investigating \033[31mred\033[0m \xe2\x80\xae evil");
	jw_i64(w, "alerts", 2);
	jw_i64(w, "events", 1);
	jw_i64(w, "notes", 3);
}

/* Members of the state. */
static inline void incidents_of_scene(struct jw *w, const char *scene, int64_t now)
{
	static const struct {
		const char *id, *severity, *state, *kind, *title;
	} all[] = {
		{ "INC-214", "P1", "declared", "real", "acme-main: 18 of 40 agents fail" },
		{ "INC-213", "P3", "acknowledged", "drill",
		  "exercise \xf0\x9f\x9a\x92 of the month" },
		{ "INC-209", "P0", "resolved", "real", "everything was out" },
	};

	if (str_eq(scene, "none") || str_eq(scene, "quiet"))
		return;
	now = scene_began(now);
	jw_raw(w, "alerts",
	       "[{\"id\":\"AL-1\",\"name\":\"sms_rate\",\"subject\":\"org_12\","
	       "\"severity\":\"warn\",\"state\":\"firing\",\"grouping\":\"sms\",\"text\":\"too few"
	       " arrive\"},{\"id\":\"AL-2\",\"name\":\"old\",\"subject\":\"org_12\","
	       "\"severity\":\"bad\",\"state\":\"resolved\"},"
	       "{\"id\":\"AL-3\",\"name\":\"account-down\",\"subject\":\"acc_1\",\"severity\":"
	       "\"bad\",\"state\":\"firing\",\"text\":\"401\"},"
	       "{\"id\":\"AL-4\",\"name\":\"agents\",\"subject\":\"acc_1\",\"severity\":\"bad\","
	       "\"state\":\"firing\",\"inhibitedBy\":\"AL-3\"}]");
	jw_arr(w, "incidents");
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		jw_obj(w, NULL);
		incident_summary(w, all[i].id, all[i].severity, all[i].state, all[i].kind,
		                 all[i].title, now);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

static void incident_clock_row(struct jw *w, const char *id, const char *kind, const char *state,
                               int64_t due, const char *text, const char *target)
{
	jw_obj(w, NULL);
	jw_str(w, "id", id);
	jw_str(w, "kind", kind);
	jw_str(w, "state", state);
	jw_time(w, "dueAt", due);
	jw_str(w, "text", text);
	jw_str(w, "target", target);
	jw_raw(w, "via", "[\"slack\",\"phone\"]");
	if (str_eq(state, "held")) {
		jw_str(w, "heldBy", "ben");
		jw_str(w, "heldReason", "they know");
	}
	jw_i64(w, "sent", 1);
	jw_obj_end(w);
}

static inline void incident_doc_of_scene(struct jw *w, int64_t now)
{
	incident_summary(w, "INC-214", "P1", "declared", "real", "acme-main: 18 of 40 agents fail",
	                 now);
	jw_arr(w, "clocks");
	incident_clock_row(w, "C-1", "routing", "running", now + 725000, "first notice, repeated",
	                   NULL);
	incident_clock_row(w, "C-2", "ladder", "held", now + 60000, "rung 2: team-lead",
	                   "team-lead");
	incident_clock_row(w, "C-3", "update", "due", now - 130000, "the next update is due", NULL);
	incident_clock_row(w, "C-4", "severity", "stopped", now, "was never wanted", "eng-manager");
	jw_arr_end(w);
	jw_raw(w, "roles",
	       "[{\"role\":\"scribe\",\"person\":\"carl\",\"by\":\"ben\","
	       "\"since\":\"2026-11-21T03:08:00.000Z\"}]");
	jw_raw(w, "severities",
	       "[{\"severity\":\"P2\",\"at\":\"2026-11-21T03:08:00.000Z\",\"by\":\"ben\"},"
	       "{\"severity\":\"P1\",\"at\":\"2026-11-21T03:09:00.000Z\",\"by\":\"anna\"}]");
	jw_raw(w, "tasks",
	       "[{\"id\":\"T-1\",\"text\":\"scope known\",\"done\":true,\"by\":\"ben\"},"
	       "{\"id\":\"T-2\",\"text\":\"status pages read\",\"done\":false}]");
	jw_raw(w, "actions",
	       "[{\"id\":\"A-1\",\"text\":\"buy numbers\",\"owner\":\"ben\",\"state\":\"open\"}]");
	jw_raw(w, "written",
	       "[{\"id\":\"N-12\",\"actor\":\"ben\",\"text\":\"it was acme\",\"version\":3,"
	       "\"happenedAt\":\"2026-11-21T03:10:00.000Z\",\"link\":\"EV-118\"}]");
	jw_raw(w, "links",
	       "[{\"kind\":\"event\",\"ref\":\"EV-118\",\"text\":\"18 of 40 agents fail\","
	       "\"at\":\"2026-11-21T03:08:00.000Z\",\"by\":\"engine\"}]");
}

static inline void severities_of_scene(struct jw *w)
{
	static const char *const rows[][3] = {
		{ "P0", "critical", "the whole system is out" },
		{ "P1", "high", "more than half of the users" },
		{ "P2", "medium", "less than half of the users" },
		{ "P3", "low", "a few users" },
	};

	jw_arr(w, "severities");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		jw_obj(w, NULL);
		jw_str(w, "id", rows[i][0]);
		jw_str(w, "label", rows[i][1]);
		jw_arr(w, "criteria");
		jw_str(w, NULL, rows[i][2]);
		jw_arr_end(w);
		jw_i64(w, "respondMs", 900000);
		jw_i64(w, "escalateAfterMs", 3600000);
		jw_str(w, "escalateTo", "vp-eng");
		jw_raw(w, "page", "[\"pager\",\"slack\"]");
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

/* Five thousand rows, one a second, the newest now; a page of them as the query asks. */
static inline void timeline_of_scene(const char *path, struct jw *w, int64_t now)
{
	const char *cursor = strstr(path, "cursor="), *at = strstr(path, "&at=");
	bool forward = strstr(path, "forward=1") != NULL;
	int64_t n = 5000, step = forward ? 1 : -1, base = now - now % 1000;
	char time[64];

	if (cursor && (cursor = strstr(cursor, "-j-")))
		n = strtoll(cursor + 3, NULL, 10) + step;
	if (at) {
		int64_t ms = 0;
		snprintf(time, sizeof(time), "%.13s:%.2s:%.6sZ", at + 4, at + 20, at + 25);
		if (parse_time_ms(time, &ms))
			n = 5000 - (base - ms) / 1000;
	}
	/* a search for this is left off a thousand rows down, with none found */
	bool left_off = strstr(path, "q=deep") && !cursor;

	if (left_off)
		n = 4000;
	jw_arr(w, "entries");
	for (int i = 0; !left_off && i < 200 && n > 0 && n <= 5000; i++, n += step) {
		char text[80];

		jw_obj(w, NULL);
		bool note = n % 10 == 8;
		snprintf(text, sizeof(text), n % 10 == 3 || note ? "n:%lld" : "j:%lld",
		         (long long)n);
		jw_str(w, "id", text);
		jw_time(w, "happenedAt", base - (5000 - n) * 1000);
		jw_time(w, "recordedAt", base - (5000 - n) * 1000);
		jw_str(w, "lane", n % 10 == 3 ? "outside" : n % 7 ? "event" : "account");
		jw_str(w, "kind", n % 7 ? "event.test" : "account.health");
		jw_str(w, "subject", n % 7 ? "EV-118" : "acc_1");
		jw_str(w, "actor", "eng-1");
		snprintf(text, sizeof(text), "%srow %lld \xe2\x80\xae\033[1m",
		         strstr(path, "q=deep")         ? "deep "
		         : strstr(path, "noise=1")      ? "loud "
		         : strstr(path, "lane=account") ? "alone "
		                                        : "",
		         (long long)n);
		jw_str(w, "text", text);
		jw_str(w, "severity", n % 7 ? "info" : "bad");
		jw_bool(w, "hidden", strstr(path, "noise=1") != NULL);
		if (note) {
			jw_bool(w, "editable", true);
			jw_i64(w, "version", 3);
			jw_str(w, "link", n == 4998 ? "https://x.example/y" : "RUN-12");
			jw_bool(w, "retracted", n == 4988);
			jw_str(w, "annotation", "seen");
		}
		if (n % 10 == 3) {
			jw_str(w, "doubt", "no zone was written: UTC assumed");
			jw_str(w, "original", "00:15 Oct 20");
		}
		jw_obj_end(w);
	}
	jw_arr_end(w);
	snprintf(time, sizeof(time), "%lld-j-%lld", (long long)(base - (5000 - n) * 1000),
		 (long long)(n - step));
	jw_str(w, "nextCursor", n > 0 && n <= 5000 ? time : NULL);
}

/* The journal of the scene: 400 rows, one a second; row 200 opens EV-118, 300 approves it. */
static inline void journal_row_of_scene(struct jw *w, int64_t n, int64_t now)
{
	char text[64];

	now = scene_began(now);
	jw_obj(w, NULL);
	jw_i64(w, "seq", n);
	jw_time(w, "at", now - now % 1000 - (400 - n) * 1000);
	jw_str(w, "kind", "event.test");
	jw_str(w, "subject", "EV-118");
	jw_str(w, "actor", "eng-1");
	snprintf(text, sizeof(text), "past row %lld", (long long)n);
	jw_str(w, "text", text);
	jw_str(w, "severity", "info");
	if (n == 200 || n == 300) {
		jw_obj(w, "data");
		jw_obj(w, "event");
		jw_str(w, "id", "EV-118");
		jw_i64(w, "version", n);
		jw_str(w, "status", n == 200 ? "pending" : "approved");
		jw_str(w, "fromAccountId", "acc_1");
		jw_str(w, "toAccountId", "acc_2");
		jw_str(w, "cause", "18 of 40 agents fail");
		jw_time(w, "openedAt", now - 200000);
		jw_time(w, "stateSince", now - (400 - n) * 1000);
		jw_time(w, "deadlineAt", now + 400000);
		jw_obj_end(w);
		jw_obj_end(w);
	}
	jw_obj_end(w);
}

static inline void journal_of_scene(const char *path, struct jw *w, int64_t now)
{
	int64_t n = strtoll(strstr(path, "after=") + 6, NULL, 10) + 1;

	jw_i64(w, "head", 400);
	jw_arr(w, "entries");
	for (int i = 0; i < 60 && n <= 400; i++, n++)
		journal_row_of_scene(w, n, now);
	jw_arr_end(w);
}

static inline void replay_of_scene(const char *path, struct jw *w, int64_t now)
{
	const char *at = strstr(path, "&at="), *q = strstr(path, "&seq=");
	int64_t n = q ? strtoll(q + 5, NULL, 10) : 0, ms = 0;

	now = scene_began(now);
	if (at && parse_time_ms(at + 4, &ms))
		n = 400 - (now - now % 1000 - ms) / 1000;
	n = n > 400 ? 400 : n;
	n = n > 150 ? n - 150 : 0;
	jw_time(w, "at", now - now % 1000 - (400 - n) * 1000);
	jw_i64(w, "seq", n);
	jw_i64(w, "head", 400);
	jw_obj(w, "state");
	jw_i64(w, "seq", n);
	jw_raw(w, "accounts",
	       "[{\"id\":\"acc_1\",\"name\":\"acme-main\",\"health\":\"healthy\",\"agents\":40}]");
	jw_obj_end(w);
}

/* A message with the gaps that the question does not fill in. */
static inline void preview_of_scene(const char *body, struct jw *w)
{
	static const char *const gaps[] = { "eta", "cause" };
	struct json *doc = json_parse(body, strlen(body), NULL);
	const struct json *given = json_get(doc, "fields");

	jw_str(w, "incident", "INC-214");
	jw_str(w, "template", "customer-notice");
	jw_str(w, "title", "Notice to customers");
	jw_str(w, "subject", json_get_str(doc, "subject") ? json_get_str(doc, "subject")
							  : "Trouble \033[31m");
	jw_str(w, "body", json_get_str(doc, "body") ? json_get_str(doc, "body")
			  : json_get_str(given, "eta") ? "It fails.\nExpected end: soon\n"
						     : "It fails.\nExpected end: [eta?]\n");
	jw_str(w, "hash", "abc123");
	jw_raw(w, "pattern",
	       "{\"subject\":\"Trouble\",\"body\":\"It fails: {{impact}}.\\n"
	       "Expected end: {{eta}}\\nCause: {{cause}}\\n\"}");
	jw_arr(w, "missing");
	for (size_t i = 0; i < COUNT_OF(gaps); i++)
		if (!json_get_str(given, gaps[i]))
			jw_str(w, NULL, gaps[i]);
	jw_arr_end(w);
	jw_arr(w, "fields");
	if (!json_get_str(given, "impact"))
		jw_raw(w, NULL,
		       "{\"name\":\"impact\",\"value\":\"all\",\"from\":\"incident\"}");
	for (const struct json *x = json_first(given); x; x = json_next(x)) {
		jw_obj(w, NULL);
		jw_str(w, "name", json_name(x));
		jw_str(w, "value", json_str(x));
		jw_str(w, "from", "given");
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_raw(w, "gaps", "[{\"name\":\"eta\",\"how\":\"only people know it\"}]");
	jw_raw(w, "statusPage", "{\"action\":\"create\",\"status\":\"investigating\",\"components\":[{\"name\":\"Calls\",\"state\":\"major_outage\","
	       "\"why\":\"18 fail\"},{\"name\":\"Site\",\"state\":null}]}");
	jw_raw(w, "to", "[{\"channel\":\"mail\",\"recipient\":\"a@b.example\",\"as\":\"team\"}]");
	json_free(doc);
}

static inline void message_of_scene(const char *path, const char *body, struct jw *w)
{
	if (strstr(path, "/preview"))
		preview_of_scene(body, w);
	else if (strstr(path, "/vendor/"))
		jw_raw(w, "x",
		       "0,\"name\":\"Twilio\",\"criteria\":[{\"text\":\"longer than 30m\","
		       "\"met\":true,\"why\":\"it lasts 1h\"}],\"required\":[{\"need\":\"account"
		       " sid\",\"values\":[\"AC1\"]},{\"need\":\"call sids\",\"missing\":true,"
		       "\"hint\":\"none failed\"}]");
	else if (strstr(path, "/messages") && strstr(path, "/messages")[9] == '\0')
		jw_raw(w, "templates", "[{\"id\":\"customer-notice\",\"title\":\"Notice to"
		       " customers\",\"missing\":[\"eta\",\"cause\"]},"
		       "{\"id\":\"vendor-escalation\",\"title\":\"Escalation\",\"vendor\":true}]");
	else
		preview_of_scene(body ? body : "{}", w);
}

/* A note of anna's; ben changes it before the first change of ours arrives. */
static bool ben_was_faster;

static inline void note_of_scene(const char *method, const char *path, struct jw *w)
{
	if (!str_eq(method, "GET")) {
		jw_str(w, "id", "N-7");
		return;
	}
	jw_str(w, "id", path + strlen("/api/v1/notes/"));
	jw_str(w, "by", ben_was_faster ? "ben" : "anna");
	jw_str(w, "text", ben_was_faster ? "it was \xe2\x80\xae" "globex\033[31m" : "it was acme");
	jw_str(w, "source", "EV-118");
	jw_str(w, "happenedAt", "2026-11-21T03:10:00.000Z");
	jw_i64(w, "version", ben_was_faster ? 5 : 3);
}

/* GET documents and the answers to what was sent. */
static inline void incident_answer(const char *method, const char *path, const char *body,
                                   struct jw *w, int64_t now)
{
	if (str_has_prefix(path, "/api/v1/timeline?"))
		timeline_of_scene(path, w, now);
	else if (str_has_prefix(path, "/api/v1/replay?"))
		replay_of_scene(path, w, now);
	else if (str_has_prefix(path, "/api/v1/journal?"))
		journal_of_scene(path, w, now);
	else if (str_has_prefix(path, "/api/v1/severities"))
		severities_of_scene(w);
	else if (str_has_prefix(path, "/api/v1/notes"))
		note_of_scene(method, path, w);
	else if (strstr(path, "/messages") || strstr(path, "/vendor/"))
		message_of_scene(path, body, w);
	else if (str_has_prefix(path, "/api/v1/incidents/") || str_eq(path, "/api/v1/incidents"))
		incident_doc_of_scene(w, now);
}

#endif
