/* SMS: reports, actions and the application's features. What they do is sms/sms.h's business;
 * message content is given to operators only and noted in the journal. */
#include "api/internal.h"

#include "engine/engine.h"
#include "sms/sms.h"

enum { MINUTE_MS = 60000 };

static struct who who_of(const struct call *c)
{
	return (struct who){ .actor = c->user, .role = enum_name(&person_role_names, (int)c->role),
			     .via = "api" };
}

/* ---- reports -------------------------------------------------------------------------- */

static int note_reveal(struct call *c, const struct sms_query *q)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = who_of(c);
	struct err err = { 0 };

	if (c->role < PR_OPERATOR)
		return api_problem(c, 403, "Forbidden", "message content is for operators");
	if (tx_begin(c->engine->store, &t, &who, &err) < 0)
		return api_problem_err(c, &err);
	tx_note(&t, NOTE_WARN, "sms.content", q->org ? q->org : "",
		"looked at the content of messages", NULL);
	return tx_commit(&t, NULL, &err) < 0 ? api_problem_err(c, &err) : 0;
}

static void read_query(const struct call *c, struct sms_query *q)
{
	const char *source = call_query(c, "source");
	int64_t minutes = call_number(c, "minutes");

	q->source = source ? (enum sms_source)sms_source_parse(source) : SMS_MESSAGELOG;
	q->limit = call_number(c, "limit");
	if (!minutes)
		minutes = q->kind == SMS_HOURS ? 1440 : 60;
	q->window_ms = minutes * MINUTE_MS;
	q->org = call_query(c, "orgId");
	q->code = call_query(c, "code");
	q->sender = call_query(c, "sender");
	q->cursor = call_query(c, "cursor");
	q->content = call_on(c, "content");
}

static int get_report(struct call *c)
{
	struct sms_query q = { 0 };
	struct err err = { 0 };
	int kind = sms_report_parse(c->params[0]), status = 0;

	if (kind < 0)
		return api_problem(c, 404, "Not found",
				   "there are mix, failures, codes, orgs, senders and hours");
	q.kind = (enum sms_report_kind)kind;
	read_query(c, &q);
	if (q.content && q.kind == SMS_FAILURES)
		status = note_reveal(c, &q);
	if (status)
		return status;
	if (sms_report(c->engine->sms, &q, &c->out, &err) < 0)
		return api_problem_err(c, &err);
	return 200;
}

/* ---- actions ----------------------------------------------------------------------------- */

static int reply(struct call *c, int e, const struct err *err)
{
	if (e < 0) {
		str_clear(&c->out);
		return api_problem_err(c, err);
	}
	hub_wake(c->engine->hub);
	return 200;
}

static struct sms_order order_of(const struct call *c)
{
	struct sms_order o = SMS_ORDER;

	o.org = call_text(c, "orgId");
	o.per_minute = call_int(c, "perMinute", call_int(c, "maxMessagesPerMinute", -1));
	o.rows = call_int(c, "rows", -1);
	o.reason = call_text(c, "reason");
	o.dry_run = call_flag(c, "dryRun");
	o.code = call_text(c, "code");
	o.limit = call_int(c, "limit", o.limit);
	return o;
}

static int post_org(struct call *c, int (*act)(struct sms *, const struct who *,
					       const struct sms_order *, struct str *,
						struct err *))
{
	struct sms_order o = order_of(c);
	struct who who = who_of(c);
	struct err err = { 0 };

	return reply(c, act(c->engine->sms, &who, &o, &c->out, &err), &err);
}

static int post_off(struct call *c)
{
	return post_org(c, sms_org_off);
}

static int post_on(struct call *c)
{
	return post_org(c, sms_org_on);
}

static int post_rate(struct call *c)
{
	return post_org(c, sms_org_rate);
}

static int post_retry(struct call *c)
{
	struct sms_order o = order_of(c);
	struct str ids = STR_INIT(1 << 20);
	struct who who = who_of(c);
	struct err err = { 0 };
	int status;

	if (json_get(c->body, "messageIds")) {
		json_print(&ids, json_get(c->body, "messageIds"));
		o.messages = str_get(&ids);
	}
	status = reply(c, sms_retry(c->engine->sms, &who, &o, &c->out, &err), &err);
	str_fini(&ids);
	return status;
}

static int post_undo(struct call *c)
{
	struct who who = who_of(c);
	struct err err = { 0 };

	return reply(c, sms_undo(c->engine->sms, &who, call_text(c, "actionId"), &c->out, &err),
		     &err);
}

static int post_global(struct call *c, bool on)
{
	struct sms_order o = order_of(c);
	struct who who = who_of(c);
	struct err err = { 0 };

	return reply(c, sms_global(c->engine->sms, &who, on, &o, &c->out, &err), &err);
}

static int post_global_off(struct call *c)
{
	return post_global(c, false);
}

static int post_global_on(struct call *c)
{
	return post_global(c, true);
}

/* ---- the application's features -------------------------------------------------------------- */

static int get_features(struct call *c)
{
	struct err err = { 0 };

	if (sms_features(c->engine->sms, &c->out, &err) < 0)
		return api_problem_err(c, &err);
	return 200;
}

static int post_feature(struct call *c)
{
	struct who who = who_of(c);
	struct err err = { 0 };
	int e = sms_feature_set(c->engine->sms, &who, call_text(c, "name"), call_flag(c, "on"),
				call_text(c, "reason"), &err);

	if (e == 0)
		e = sms_features(c->engine->sms, &c->out, &err);
	return reply(c, e, &err);
}

#define ORG { "orgId", M_TEXT, .required = true, .max = 200 }
#define COMMON { "reason", M_TEXT, .max = 500 }, { "dryRun", M_BOOL },                             \
	{ "rows", M_INT, .min = 0, .max = 1000000, .help = "what the preview said; else refused" }
#define RATE(word) { word, M_INT, .min = 0, .max = 100000 }
#define S "/api/v1/sms/"

static const struct route routes[] = {
	{ "GET", S "{report}", PR_VIEWER, 0, { { 0 } }, get_report,
	  "mix, failures, codes, orgs, senders, hours",
	  { { "source", Q_WORD, "messagelog unless said", .also = sms_source_words },
	    { "minutes", Q_INT, "so far back; 60, 1440 for hours", .min = 1, .max = 1440 },
	    { "orgId", Q_TEXT, "of one organisation" }, { "code", Q_TEXT, "with one error code" },
	    { "sender", Q_TEXT, "from one number" },
	    { "content", Q_FLAG, "with what was written; for operators, and noted" },
	    Q_LIMIT(200), { "cursor", Q_TEXT, "nextCursor of the page before" } } },
	{ "POST", S "org-off", PR_OPERATOR, 0, { ORG, COMMON }, post_off,
	  "stop SMS of an organisation; a hold stays pinned" },
	{ "POST", S "org-on", PR_OPERATOR, 0, { ORG, COMMON }, post_on, "let its SMS go again" },
	{ "POST", S "org-rate", PR_OPERATOR, 0,
	  { ORG, COMMON, RATE("perMinute"), RATE("maxMessagesPerMinute") }, post_rate,
	  "at most so many messages a minute" },
	{ "POST", S "retry", PR_OPERATOR, 0,
	  { { "orgId", M_TEXT, .max = 200 }, COMMON, RATE("perMinute"),
	    { "code", M_TEXT, .max = 10 },
	    { "limit", M_INT, .min = 1, .max = 1000 }, { "messageIds", M_TEXTS } }, post_retry,
	  "send failed messages again: an hour old at most, once each, at a pace" },
	{ "POST", S "undo", PR_OPERATOR, 0,
	  { { "actionId", M_TEXT, .required = true, .max = 40 }, { "reason", M_TEXT, .max = 500 } },
	  post_undo, "put back what an action replaced" },
	{ "POST", S "global-off", PR_OPERATOR, 0, { COMMON }, post_global_off,
	  "automatic SMS of everybody off (the application's sms_automation)" },
	{ "POST", S "global-on", PR_OPERATOR, 0, { COMMON }, post_global_on, "and on again" },
	{ "GET", "/api/v1/features", PR_VIEWER, 0, { { 0 } }, get_features,
	  "feature flags of the application" },
	{ "POST", "/api/v1/features", PR_OPERATOR, 0,
	  { { "name", M_TEXT, .required = true, .max = 48 }, { "on", M_BOOL, .required = true },
	    { "reason", M_TEXT, .max = 500 } }, post_feature, "switch one" },
};
const struct route_table sms_routes = { routes, COUNT_OF(routes) };
