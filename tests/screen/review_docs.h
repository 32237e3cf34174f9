/* The report of the scenes' incident and the practices, as an engine would give them. */
#ifndef RD_TESTS_REVIEW_DOCS_H
#define RD_TESTS_REVIEW_DOCS_H

#include "core/json.h"
#include "core/mem.h"

#define ODD "evil \\u202e\\u001b[2J<b> \xf0\x9f\x9a\x91"

/* What a person saved is there at the next look, in this process. */
static inline void report_of_scene(struct jw *w, const char *saved, int64_t version)
{
	jw_raw(w, "incident",
	       "{\"id\":\"INC-214\",\"severity\":\"P1\",\"state\":\"resolved\",\"kind\":\"real\","
	       "\"title\":\"acme-main: 18 of 40 agents fail\",\"version\":4,"
	       "\"reportDueAt\":\"2020-01-01T00:00:00.000Z\","
	       "\"reviewDueAt\":\"2099-01-01T00:00:00.000Z\",\"review\":\"draft\","
	       "\"roles\":[{\"role\":\"commander\",\"person\":\"anna\"}],"
	       "\"actions\":[{\"id\":\"A-1\",\"text\":\"renew the contract\",\"owner\":\"ben\","
	       "\"dueAt\":\"2020-02-01T00:00:00.000Z\",\"state\":\"open\","
	       "\"version\":3},{\"id\":\"A-2\",\"text\":\"" ODD "\",\"state\":\"open\"},"
	       "{\"id\":\"A-3\",\"text\":\"told everybody\",\"owner\":\"anna\",\"state\":\"done\"}]}");
	jw_str(w, "review", "draft");
	jw_raw(w, "signatures", "[]");
	jw_raw(w, "times", "{\"TTD\":25000,\"TTA\":null,\"TTM\":420000,\"TTR\":600000,\"impact\":445000}");
	jw_raw(w, "impact",
	       "{\"agentsFailing\":18,\"agents\":40,\"orgs\":-1,\"traffic\":[{\"kind\":\"calls\","
	       "\"known\":true,\"usualTotal\":90,\"beyondUsual\":40,\"neverCame\":4},"
	       "{\"kind\":\"messages\",\"known\":false}]}");
	jw_arr(w, "sections");
	jw_obj(w, NULL);
	jw_str(w, "id", "summary");
	jw_str(w, "title", "Executive summary");
	jw_raw(w, "asks", "[\"what happened, in two sentences\"]");
	jw_i64(w, "version", version);
	jw_str(w, "text", saved);
	jw_str(w, "by", saved ? "anna" : NULL);
	jw_raw(w, "facts", "[{\"kind\":\"item\",\"text\":\"Agents: 18 of 40 were seen failing.\"}]");
	jw_obj_end(w);
	jw_raw(w, NULL,
	       "{\"id\":\"root-cause\",\"title\":\"Why it was\",\"asks\":[\"primary cause\"],"
	       "\"version\":1,\"text\":\"The cloud.\\n\\n- no other region\",\"by\":\"anna\","
	       "\"at\":\"2026-11-20T10:00:00.000Z\",\"aside\":[{\"version\":2,\"by\":\"ben\","
	       "\"text\":\"Their network. " ODD "\"}],\"facts\":[{\"kind\":\"unknown\",\"text\":"
	       "\"The incident's cause is not filled in.\"},{\"kind\":\"table\",\"text\":"
	       "\"Calls and messages\",\"rows\":[[\"What\",\"In the window\",\"Failed\",\"Share\","
	       "\"Usual\",\"Usually failed\",\"Failed beyond usual\",\"Never came\"],[\"calls\","
	       "\"120\",\"44\",\"36.7 %\",\"90\",\"4\",\"40\",\"4\"]]},{\"kind\":\"table\",\"text\":"
	       "\"Action items\",\"rows\":[[\"Item\"],[\"not again\"]]}]}");
	jw_arr_end(w);
}

static inline void practices_of_scene(struct jw *w, bool done, bool moved)
{
	struct str b = STR_INIT(4000);

	str_addf(&b,
		 "[{\"id\":\"drill-yearly\",\"title\":\"a drill of a major incident\",\"state\":"
		 "\"%s\",\"dueAt\":\"%s\",\"everyMs\":31536000000%s},"
		 "{\"id\":\"incidents-monthly\",\"title\":\"all incidents of the month\",\"state\":"
		 "\"ok\",\"dueAt\":\"2099-01-01T00:00:00.000Z\",\"everyMs\":2592000000%s}]",
		 moved ? "ok" : "overdue",
		 moved ? "2098-05-01T23:59:59.000Z" : "2020-01-01T00:00:00.000Z",
		 moved ? ",\"plannedAt\":\"2020-01-01T00:00:00.000Z\",\"movedBy\":\"ben\","
			 "\"movedReason\":\"" ODD "\"" : "",
		 done ? ",\"doneAt\":\"2026-11-20T10:00:00.000Z\",\"doneBy\":\"anna\",\"note\":"
			"\"" ODD "\"" : "");
	jw_raw(w, "practices", str_get(&b));
	str_fini(&b);
}

/* 0 = not a question of the review; else the status. */
static inline int review_answer(const char *method, const char *path, const char *body,
				const char *scene, struct jw *w)
{
	static char *saved;
	static int64_t version;
	static bool moved;
	struct json *in;

	if (str_has_prefix(path, "/api/v1/practices")) {
		moved = moved || strstr(path, "/due");
		practices_of_scene(w, body != NULL, moved);
		return 200;
	}
	if (strstr(path, "/review"))
		return 200;
	if (!strstr(path, "/report"))
		return 0;
	if (str_eq(method, "GET")) {
		report_of_scene(w, saved, version);
		return 200;
	}
	in = json_parse(body, strlen(body), NULL);
	if (str_eq(scene, "inc-race") && json_get_i64(in, "version", 0) == 0) {
		jw_i64(w, "keptAs", 8);
		jw_raw(w, "theirs", "{\"section\":\"summary\",\"version\":7,\"by\":\"ben\",\"text\":"
				    "\"Ben was first.\"}");
		json_free(in);
		return 409;
	}
	str_replace(&saved, json_get_str(in, "text"));
	version = json_get_i64(in, "version", 0) + 1;
	jw_i64(w, "version", version);
	json_free(in);
	return 200;
}

#endif
