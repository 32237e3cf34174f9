/*
 * Alerts: what fires, who is on it, what is silenced, what came from outside, and the rules
 * with the figures they judge. Any engine takes what people order; telling is the leader's
 * business, who is woken for it.
 */
#include "api/internal.h"

#include <stdio.h>
#include <string.h>

#include "alert/receive.h"
#include "alert/rules_doc.h"
#include "alert/sentry.h"
#include "api/intake.h"
#include "engine/engine.h"
#include "runbook/runs.h"
#include "store/alerts.h"
#include "store/alerts_received.h"

enum { SILENCE_MOST_DAYS = 30, SILENCE_DEFAULT_MS = 3600000 };

static struct who who_of(const struct call *c)
{
	return (struct who){ .actor = c->user, .role = c->role == PR_NONE ? "alerts" :
			     enum_name(&person_role_names, (int)c->role), .via = "api" };
}

static const struct policy *policy_of(const struct call *c)
{
	return runs_policy(c->engine->runs);
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word), k;

	for (; words && *words; words += k + (words[k] == ',')) {
		k = strcspn(words, ",");
		if (k == n && memcmp(words, word, n) == 0)
			return true;
	}
	return !words;
}

static int get_alerts(struct call *c)
{
	const struct state *s = hub_state(c->engine->hub);
	const char *state = call_query(c, "state"), *name = call_query(c, "name");
	int64_t limit = call_number(c, "limit"), from = call_number(c, "cursor");
	struct jw w = JW(&c->out);
	char next[24] = "";

	jw_obj(&w, NULL);
	jw_arr(&w, "alerts");
	for (size_t i = (size_t)from; i < s->n_alerts && !next[0]; i++) {
		if (!has_word(state, enum_name(&alert_state_names, s->alerts[i].state)) ||
		    (name && !str_eq(name, s->alerts[i].name)))
			continue;
		record_json(&w, NULL, &alert_type, &s->alerts[i]);
		if (--limit == 0 && i + 1 < s->n_alerts)
			snprintf(next, sizeof(next), "%zu", i + 1);
	}
	jw_arr_end(&w);
	jw_str(&w, "nextCursor", next[0] ? next : NULL);
	jw_obj_end(&w);
	return 200;
}

static int get_members(struct call *c)
{
	_cleanup_(free_p) char *name = NULL, *subject = NULL;
	struct alert_member *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0;

	if (alert_find(c->engine->store, c->params[0], &name, &subject, &err) < 0 ||
	    alert_members_list(c->engine->store, c->params[0], 1000, &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_str(&w, "id", c->params[0]);
	jw_str(&w, "name", name);
	jw_str(&w, "subject", subject);
	jw_arr(&w, "members");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &alert_member_type, &rows[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	records_free(&alert_member_type, rows, n);
	return 200;
}

static int get_deliveries(struct call *c)
{
	struct alert_delivery *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0;

	if (alert_deliveries_list(c->engine->store, call_number(c, "limit"), &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "deliveries");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &alert_delivery_type, &rows[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	records_free(&alert_delivery_type, rows, n);
	return 200;
}

/* The policy's rules, each with the figures that were read last: ours, or the leader's. */
static int get_rules(struct call *c)
{
	struct rule_row *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0;

	if (sentry_board(c->engine->sentry))
		alert_rules_now(sentry_board(c->engine->sentry), &rows, &n);
	else if (alert_rules(c->engine->store, policy_of(c), loop_wall_ms(c->engine->loop), &rows,
			     &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "rules");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &rule_type, &rows[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	records_free(&rule_type, rows, n);
	return 200;
}

/* ---- acknowledging -------------------------------------------------------------- */

static int done(struct call *c)
{
	hub_wake(c->engine->hub);
	sentry_wake(c->engine->sentry);
	return 200;
}

/* For as long as the order says, else as configured; never for ever. */
static int ack_until(struct call *c, int64_t *ret)
{
	const char *text = call_text(c, "for");
	int64_t ms = c->engine->o->alerts->ack_ms;

	if (text && (!parse_duration_ms(text, &ms) || ms <= 0 ||
		     ms > SILENCE_MOST_DAYS * INT64_C(86400000)))
		return api_problem_field(c, 400, "for",
					 "a duration of at most 30 days, such as 30m or 8h");
	*ret = loop_wall_ms(c->engine->loop) + ms;
	return 0;
}

static int acknowledge(struct call *c, bool on)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = who_of(c);
	struct err err = { 0 };
	int64_t until = 0;
	int status = on ? ack_until(c, &until) : 0;

	if (status)
		return status;
	if (tx_begin(c->engine->store, &t, &who, &err) < 0 ||
	    alert_ack(&t, c->params[0], on, until, call_text(c, "reason"), &err) < 0 ||
	    tx_commit(&t, NULL, &err) < 0)
		return api_problem_err(c, &err);
	str_add(&c->out, "{\"ok\":true}");
	return done(c);
}

static int post_ack(struct call *c)
{
	return acknowledge(c, true);
}

static int post_unack(struct call *c)
{
	return acknowledge(c, false);
}

/* ---- silences ------------------------------------------------------------------- */

static int get_silences(struct call *c)
{
	struct silence *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0;

	if (silences_list(c->engine->store, loop_wall_ms(c->engine->loop), &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "silences");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &silence_type, &rows[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	records_free(&silence_type, rows, n);
	return 200;
}

/* What ends within the hour, or whatever "within" says; and what seems forgotten. */
static int get_ending(struct call *c)
{
	struct alert_ending *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0;

	if (alerts_ending(c->engine->store, NULL, loop_wall_ms(c->engine->loop),
			  call_number(c, "within"), &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "ending");
	for (size_t i = 0; i < n; i++)
		record_json(&w, NULL, &alert_ending_type, &rows[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	records_free(&alert_ending_type, rows, n);
	return 200;
}

/* An end is always set: silences that nobody remembers are how outages are missed. */
static int until_of(struct call *c, int64_t *ret)
{
	int64_t now = loop_wall_ms(c->engine->loop), ms = SILENCE_DEFAULT_MS;
	const char *text = call_text(c, "for"), *at = call_text(c, "until");

	if (text && !parse_duration_ms(text, &ms))
		return api_problem_field(c, 400, "for",
					 "a duration with its unit, such as 30m or 1h30m");
	*ret = now + ms;
	if (at && !parse_time_ms(at, ret))
		return api_problem_field(c, 400, "until", "must be an RFC 3339 time, with its"
					 " zone");
	if (*ret <= now || *ret > now + SILENCE_MOST_DAYS * INT64_C(86400000))
		return api_problem_field(c, 400, at ? "until" : "for",
					 "must end within 30 days from now");
	return 0;
}

/* Names of what is to be silenced: one alert by its id, or all by name and subject. */
static int silenced_of(struct call *c, char **ret_name, char **ret_subject)
{
	const char *id = call_text(c, "alert"), *name = call_text(c, "name");
	const char *subject = json_get_str(c->body, "subject");
	struct err err = { 0 };

	if (!id == !name)
		return api_problem_field(c, 400, "alert", "either an alert's id or a name is"
					 " wanted");
	if (id && alert_find(c->engine->store, id, ret_name, ret_subject, &err) < 0)
		return api_problem_err(c, &err);
	if (id)
		return 0;
	if (str_eq(name, "*") && (!subject || str_eq(subject, "*")))
		return api_problem_field(c, 400, "name", "not everything at once: name or subject");
	*ret_name = xstrdup(name);
	*ret_subject = xstrdup(subject ? subject : "*");
	return 0;
}

static int hush(struct call *c, struct tx *t, struct err *err)
{
	struct str table = STR_INIT(1 << 20);
	int e;

	sentry_table(policy_of(c), &table);
	e = alerts_hush(t, str_get(&table), err);
	str_fini(&table);
	return e;
}

static int post_silence(struct call *c)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	_cleanup_(free_p) char *name = NULL, *subject = NULL;
	struct jw w = JW(&c->out);
	struct who who = who_of(c);
	struct err err = { 0 };
	int64_t until, id = 0;
	int status = until_of(c, &until);

	if (!status)
		status = silenced_of(c, &name, &subject);
	if (status)
		return status;
	if (tx_begin(c->engine->store, &t, &who, &err) < 0 ||
	    silence_put(&t, name, subject, until, call_text(c, "reason"), &id, &err) < 0 ||
	    hush(c, &t, &err) < 0 || tx_commit(&t, NULL, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_i64(&w, "id", id);
	jw_str(&w, "name", name);
	jw_str(&w, "subject", subject);
	jw_str(&w, "by", c->user);
	jw_time(&w, "until", until);
	jw_obj_end(&w);
	done(c);
	return 201;
}

static int delete_silence(struct call *c)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = who_of(c);
	struct err err = { 0 };
	int64_t id;

	if (!parse_i64(c->params[0], 1, INT64_MAX, &id))
		return api_problem(c, 404, NULL, "there is no silence '%.40s'", c->params[0]);
	if (tx_begin(c->engine->store, &t, &who, &err) < 0 || silence_end(&t, id, &err) < 0 ||
	    hush(c, &t, &err) < 0 || tx_commit(&t, NULL, &err) < 0)
		return api_problem_err(c, &err);
	str_add(&c->out, "{\"ok\":true}");
	return done(c);
}

/* ---- from outside --------------------------------------------------------------- */

static int post_receive(struct call *c)
{
	struct who who = who_of(c);
	struct receive_result kept;
	struct jw w = JW(&c->out);
	struct received r = { 0 };
	struct err err = { 0 };
	size_t len;
	const char *body = httpd_body(c->req, &len);
	int e = receive_parse(body, len, policy_of(c), loop_wall_ms(c->engine->loop), &r, &err);

	if (e < 0) {
		receive_refused(c->engine->store, &who, err.msg);
	} else {
		e = intake_turn(api_intake(c->api), &err);
		if (e == 0) {
			e = receive_keep(c->engine->store, &who, &r, &kept, &err);
			intake_turn_over(api_intake(c->api));
		}
	}
	if (e < 0) {
		received_fini(&r);
		return api_problem_err(c, &err);
	}
	jw_obj(&w, NULL);
	jw_i64(&w, "delivery", kept.delivery);
	jw_i64(&w, "alerts", (int64_t)r.alerts);
	jw_i64(&w, "kept", (int64_t)kept.kept);
	jw_i64(&w, "late", (int64_t)kept.late);
	jw_i64(&w, "dropped", (int64_t)kept.dropped);
	jw_i64(&w, "doubtful", (int64_t)r.skewed);
	jw_i64(&w, "truncated", r.truncated);
	jw_str(&w, "why", r.refused ? r.why : kept.dropped ? "more than are kept one by one" :
	       r.said[0] ? r.said : r.skewed ? r.skew : NULL);
	jw_obj_end(&w);
	intake_alerts(api_intake(c->api), kept.kept > kept.late ? kept.kept - kept.late : 0,
		      kept.late, kept.dropped, r.truncated);
	received_fini(&r);
	done(c);
	return 202;
}

#define REASON { "reason", M_TEXT, .max = 500 }

static const struct route routes[] = {
	{ "GET", "/api/v1/alerts", PR_VIEWER, 0, { { 0 } }, get_alerts,
	  "alerts, open and recent",
	  { { "state", Q_WORDS, "alerts in it", .names = &alert_state_names },
	    { "name", Q_TEXT, "alerts of it" }, Q_LIMIT(1000),
	    { "cursor", Q_INT, "nextCursor of the page before", .max = 1000000 } } },
	{ "GET", "/api/v1/alerts/rules", PR_VIEWER, 0, { { 0 } }, get_rules,
	  "rules of the policy with the figures they judge", { Q_PAGES }, "rules" },
	{ "GET", "/api/v1/alerts/deliveries", PR_VIEWER, 0, { { 0 } }, get_deliveries,
	  "what was received from outside, and what was left out of it", { Q_LIMIT(100) } },
	{ "POST", ALERTS_RECEIVE, PR_OPERATOR, ROUTE_NO_BODY_CHECK | ROUTE_ALERTS, { { 0 } },
	  post_receive, "alerts as Alertmanager's webhook sends them; tokens of the role alerts" },
	{ "GET", "/api/v1/alerts/{id}/members", PR_VIEWER, 0, { { 0 } }, get_members,
	  "what stands behind a received alert", { Q_PAGES }, "members" },
	{ "GET", "/api/v1/alerts/ending", PR_VIEWER, 0, { { 0 } }, get_ending,
	  "silences and acknowledgements that end soon, silences that seem forgotten",
	  { { "within", Q_SPAN, "so soon", .max = SILENCE_MOST_DAYS * INT64_C(86400000),
	      .otherwise = 3600000 }, Q_PAGES }, "ending" },
	{ "POST", "/api/v1/alerts/{id}/ack", PR_OPERATOR, 0,
	  { { "for", M_TEXT, .max = 20 }, REASON }, post_ack,
	  "somebody is on it; it is not told again until that runs out" },
	{ "POST", "/api/v1/alerts/{id}/unack", PR_OPERATOR, 0, { REASON }, post_unack,
	  "nobody is on it any more" },
	{ "GET", "/api/v1/silences", PR_VIEWER, 0, { { 0 } }, get_silences, "silences in force",
	  { Q_PAGES }, "silences" },
	{ "POST", "/api/v1/silences", PR_OPERATOR, 0,
	  { { "alert", M_TEXT, .max = 40 }, { "name", M_TEXT, .max = 80 },
	    { "subject", M_TEXT, .max = 200 }, { "for", M_TEXT, .max = 20 },
	    { "until", M_TEXT, .max = 40 }, REASON },
	  post_silence, "an alert, or all of a name and subject, not told; an hour unless said" },
	{ "DELETE", "/api/v1/silences/{id}", PR_OPERATOR, 0, { { 0 } }, delete_silence,
	  "ends a silence now" },
};
const struct route_table alerts_routes = { routes, COUNT_OF(routes) };
