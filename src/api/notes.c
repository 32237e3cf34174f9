/* What people write, and the timeline that it stands in: notes, lines of logs from outside,
 * marks. A note that names no incident goes to the newest open one. */
#include "api/internal.h"

#include "engine/engine.h"
#include "incident/incidents.h"
#include "read/timeline.h"
#include "store/incidents.h"

enum { IMPORT_MAX = 500, HOUR_MS = 3600000 };

static struct who who_of(const struct call *c)
{
	return (struct who){ .actor = c->user, .role = enum_name(&person_role_names, (int)c->role),
			     .via = "api" };
}

static int read_time(const char *text, const char *member, int64_t *ret, struct err *err)
{
	*ret = 0;
	if (str_empty(text) || parse_time_ms(text, ret))
		return 0;
	return err_field(err, ERR_INVALID, member, "must be an RFC 3339 time, with its zone");
}

static int answer_id(struct call *c, const char *id, const char *incident, int status)
{
	struct jw w = JW(&c->out);

	hub_wake(c->engine->hub);
	jw_obj(&w, NULL);
	jw_str(&w, "id", id);
	jw_str(&w, "incident", incident);
	jw_obj_end(&w);
	return status;
}

static int post_note(struct call *c)
{
	_cleanup_(free_p) char *newest = NULL, *id = NULL;
	struct who who = who_of(c);
	struct err err = { 0 };
	struct note_new n = { .incident = call_text(c, "incident"),
			      .subject = call_text(c, "subject"),
			      .text = call_text(c, "text"), .source = call_text(c, "source"),
			      .kind = "note" };

	if (read_time(call_text(c, "happenedAt"), "happenedAt", &n.happened_at_ms, &err) < 0 ||
	    read_time(call_text(c, "until"), "until", &n.until_ms, &err) < 0)
		return api_problem_err(c, &err);
	if (!n.incident) {
		if (incident_newest_open(c->engine->store, &newest, &err) < 0)
			return api_problem_err(c, &err);
		n.incident = newest;
	} else if (!*n.incident) {	/* "": of none */
		n.incident = NULL;
	}
	if (note_put(c->engine->store, &who, &n, &id, &err) < 0)
		return api_problem_err(c, &err);
	return answer_id(c, id, n.incident, 201);
}

static int patch_note(struct call *c)
{
	struct note_edit x = { .version = call_int(c, "version", 0), .text = call_text(c, "text"),
			       .source = call_text(c, "source") };
	struct who who = who_of(c);
	struct err err = { 0 };

	if (read_time(call_text(c, "happenedAt"), "happenedAt", &x.happened_at_ms, &err) < 0 ||
	    note_edit(c->engine->store, &who, c->params[0], &x, &err) < 0)
		return api_problem_err(c, &err);
	return answer_id(c, c->params[0], NULL, 200);
}

static int post_retract(struct call *c)
{
	struct who who = who_of(c);
	struct err err = { 0 };

	if (note_retract(c->engine->store, &who, c->params[0], call_int(c, "version", 0),
			 call_flag(c, "back"), call_text(c, "reason"), &err) < 0)
		return api_problem_err(c, &err);
	return answer_id(c, c->params[0], NULL, 200);
}

static int get_note(struct call *c)
{
	struct str out = STR_INIT((size_t)4 << 20);
	struct jw w = JW(&out);
	struct err err = { 0 };
	int e;

	jw_obj(&w, NULL);
	e = note_read(c->engine->store, c->params[0], &w, &err);
	jw_obj_end(&w);
	if (e == 0)
		str_add(&c->out, str_get(&out));
	str_fini(&out);
	return e < 0 ? api_problem_err(c, &err) : 200;
}

/* ---- logs from outside ------------------------------------------------------------------ */

struct imported { int64_t added, known, refused; struct err why; };

static int import_line(struct call *c, const struct who *who, const struct json *v,
		       struct imported *ret, struct err *err)
{
	struct note_new n = { .incident = c->params[0], .kind = "import",
			      .source = call_text(c, "source"), .text = json_get_str(v, "text"),
			      .original = json_get_str(v, "original"),
			      .doubt = json_get_str(v, "doubt"),
			      .subject = json_get_str(v, "subject") };
	int e = read_time(json_get_str(v, "at"), "at", &n.happened_at_ms, err);

	/* 0 is "not said", which the first instant of 1970 is not */
	if (e == 0 && n.happened_at_ms == 0 && json_get_str(v, "at"))
		n.happened_at_ms = 1;
	if (e == 0)
		e = note_put(c->engine->store, who, &n, NULL, err);
	if (e == 0)
		ret->added++;
	else if (e == ERR_EXISTS)
		ret->known++;
	else if (e == ERR_INVALID) {
		ret->refused++;
		ret->why = *err;
	} else
		return e;
	return 0;
}

static int post_import(struct call *c)
{
	const struct json *lines = json_get(json_get(c->body, "log"), "lines");
	struct incident_doc doc;
	struct imported got = { 0 };
	struct who who = who_of(c);
	struct jw w = JW(&c->out);
	struct err err = { 0 };

	if (json_type(lines) != JSON_ARRAY || json_count(lines) > IMPORT_MAX)
		return api_problem_field(c, 400, "log", "an object with \"lines\": at most 500 of "
					 "{at, text, original, doubt}");
	if (incident_read(c->engine->store, c->params[0], &doc, &err) < 0)
		return api_problem_err(c, &err);
	incident_doc_fini(&doc);
	for (const struct json *v = json_first(lines); v; v = json_next(v))
		if (import_line(c, &who, v, &got, &err) < 0)
			return api_problem_err(c, &err);
	hub_wake(c->engine->hub);
	jw_obj(&w, NULL);
	jw_i64(&w, "added", got.added);
	jw_i64(&w, "known", got.known);
	jw_i64(&w, "refused", got.refused);
	jw_str(&w, "why", got.refused ? got.why.msg : NULL);
	jw_obj_end(&w);
	return 200;
}

/* ---- the timeline --------------------------------------------------------------------------- */

/* An hour before it began to an hour after it was over, unless said. */
static int window_of(struct call *c, struct timeline_window *w, struct err *err)
{
	struct incident_doc doc;
	int e = w->incident ? incident_read(c->engine->store, w->incident, &doc, err) : 0;

	if (e < 0 || !w->incident)
		return e;
	const struct incident *i = &doc.incident;
	int64_t end = i->closed_at_ms ? i->closed_at_ms : i->resolved_at_ms;
	int64_t begin = i->declared_at_ms;

	if (i->started_at_ms && i->started_at_ms < begin)
		begin = i->started_at_ms;
	w->own_from_ms = w->from_ms;
	w->own_to_ms = w->to_ms;
	if (!w->from_ms)
		w->from_ms = begin - HOUR_MS;
	if (!w->to_ms && end)
		w->to_ms = end + HOUR_MS;
	incident_doc_fini(&doc);
	return 0;
}

static int get_timeline(struct call *c)
{
	_cleanup_(pg_release_p) struct pg_conn *conn = NULL;
	_cleanup_(free_p) char *next = NULL;
	struct timeline_window win = {
		.incident = call_query(c, "incident"), .cursor = call_query(c, "cursor"),
		.lane = call_query(c, "lane"), .q = call_query(c, "q"),
		.forward = call_on(c, "forward"), .noise = call_on(c, "noise"),
		.pinned = call_on(c, "pinned"), .limit = call_number(c, "limit"),
		.from_ms = call_instant(c, "from"), .to_ms = call_instant(c, "to"),
		.at_ms = call_instant(c, "at"),
	};
	struct timeline_entry *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0;

	if (window_of(c, &win, &err) < 0 || pg_acquire(c->engine->store->pool, &conn, &err) < 0 ||
	    read_timeline(conn, &win, &rows, &n, &next, &err) < 0)
		return api_problem_err(c, &err);
	timeline_json(&w, rows, n, next);
	records_free(&timeline_entry_type, rows, n);
	return 200;
}

static int post_mark(struct call *c)
{
	bool pinned = call_flag(c, "pinned"), hidden = call_flag(c, "hidden");
	const char *incident = call_text(c, "incident"), *entry = call_text(c, "entry");
	struct incident_doc doc;
	struct who who = who_of(c);
	struct err err = { 0 };

	if (incident_read(c->engine->store, incident, &doc, &err) < 0)
		return api_problem_err(c, &err);
	incident_doc_fini(&doc);
	if (timeline_mark(c->engine->store, &who, incident, entry,
			  json_get(c->body, "pinned") ? &pinned : NULL,
			  json_get(c->body, "hidden") ? &hidden : NULL, call_text(c, "text"),
			  &err) < 0)
		return api_problem_err(c, &err);
	return answer_id(c, entry, incident, 200);
}

#define TEXT(name_, max_, ...) { name_, M_TEXT, .max = max_, __VA_ARGS__ }
static const struct route routes[] = {
	{ "POST", "/api/v1/notes", PR_OPERATOR, .handle = post_note,
	  .body = { TEXT("text", 20000, .required = true),
		    TEXT("incident", 40, .help = "unset: the newest open one; \"\": none"),
		    TEXT("subject", 300), TEXT("happenedAt", 40, .help = "when it was, if not now"),
		    TEXT("until", 40), TEXT("source", 200, .help = "the evidence: EV-1, a link") },
	  .help = "writes a note; one that begins with \"" NOTE_TODO
		"\" becomes an action as well" },
	{ "PATCH", "/api/v1/notes/{id}", PR_OPERATOR, .handle = patch_note,
	  .body = { TEXT("text", 20000, .required = true), { "version", M_INT },
		    TEXT("happenedAt", 40), TEXT("source", 200) },
	  .help = "changes a note; the text before it is kept. 409: somebody else did since"
		  " version" },
	{ "GET", "/api/v1/notes/{id}", PR_VIEWER, .handle = get_note,
	  .help = "a note with every text that it ever had" },
	{ "POST", "/api/v1/notes/{id}/retract", PR_OPERATOR, .handle = post_retract,
	  .body = { TEXT("reason", 300), { "version", M_INT },
		    { "back", M_BOOL, .help = "it is brought back" } },
	  .help = "takes a note back, with a reason: it is hidden, not deleted" },
	{ "POST", "/api/v1/incidents/{id}/import", PR_OPERATOR, .handle = post_import,
	  .body = { TEXT("source", 200, .required = true),
		    { "log", M_OBJECT, .required = true, .help = "lines: [{at, text, original,"
		      " doubt}]" } },
	  .help = "lines of a log from outside, each kept with the instant as it was written" },
	{ "GET", "/api/v1/timeline", PR_VIEWER, .handle = get_timeline,
	  .help = "journal, notes and imports in one order; a search may leave off early, with a"
		  " nextCursor to go on",
	  .query = { { "incident", Q_TEXT, "of it: an hour before it to an hour after" },
		     { "from", Q_TIME, "from then on" }, { "to", Q_TIME, "until then" },
		     { "at", Q_TIME, "the page around it" },
		     { "forward", Q_FLAG, "oldest first" },
		     { "lane", Q_TEXT, "account, event, run, alert, message, people ..." },
		     { "q", Q_TEXT, "words that an entry has" },
		     { "noise", Q_FLAG, "what the system writes for itself as well" },
		     { "pinned", Q_FLAG, "pinned ones only" }, Q_LIMIT(200),
		     { "cursor", Q_TEXT, "nextCursor of the page before" } } },
	{ "POST", "/api/v1/timeline/mark", PR_OPERATOR, .handle = post_mark,
	  .body = { TEXT("incident", 40, .required = true), TEXT("entry", 60, .required = true),
		    { "pinned", M_BOOL }, { "hidden", M_BOOL }, TEXT("text", 2000) },
	  .help = "pins, hides or annotates an entry of an incident's timeline" },
};
const struct route_table notes_routes = { routes, COUNT_OF(routes) };
