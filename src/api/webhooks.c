/*
 * Numbers that are not as approved, and what a person may do about one: take what is
 * there as approved, or put the approved webhooks back; and say that a number may send
 * SMS. Each shows before and after first (dryRun), names its undo, and is journaled with
 * what it replaced.
 *
 * A number that an attempt is working on is left to it.
 */
#include "api/side.h"

#include <string.h>

#include "engine/engine.h"
#include "engine/parts.h"
#include "failover/monitor.h"
#include "store/agents.h"
#include "store/numbers.h"

enum { FIELDS = WH_STATUS_CALLBACK_METHOD + 1 };	/* what follows them is not a webhook */

/* The number that a request is about, with what is approved and what was seen last. */
struct target {
	char *account, *number;
	struct number_hooks hooks;
	struct json *approved, *seen;
};

static void target_fini(struct target *t)
{
	free_p(&t->account);
	free_p(&t->number);
	hooks_fini(&t->hooks);
	json_free(t->approved);
	json_free(t->seen);
}

/* agentId: the number it is reached by now. */
static int find_number(struct call *c, struct target *t)
{
	const char *agent = call_text(c, "agentId"), *number = call_text(c, "phoneNumber");
	struct agent_row row = { 0 };
	struct err err = { 0 };

	if (!agent == !number)
		return api_problem_field(c, 400, "phoneNumber",
					 "phoneNumber or agentId, one of the two");
	if (number && !side_e164_ok(number))
		return api_problem_field(c, 400, "phoneNumber",
					 "an E.164 number such as +14155550100");
	if (number) {
		t->number = xstrdup(number);
		return 0;
	}
	if (agent_get(c->engine->store, agent, &row, &err) < 0)
		return api_problem_err(c, &err);
	t->account = xstrdup(row.a.account);
	t->number = xstrdup(agent_number_in_use(&row.a));
	agent_row_fini(&row);
	return t->number ? 0 : api_problem(c, 409, NULL, "the agent has no number");
}

static int find_account(struct call *c, struct target *t)
{
	const char *ref = call_text(c, "accountId");
	struct account a = { 0 };
	struct err err = { 0 };
	int r = 0;

	if (ref && (r = account_get(c->engine->store, ref, &a, &err)) == 0)
		str_replace(&t->account, a.id);
	else if (!ref && !t->account)
		r = hooks_account(c->engine->store, t->number, &t->account, &err);
	record_fini(&account_type, &a);
	return r < 0 ? api_problem_err(c, &err) : 0;
}

static int refuse_busy(struct call *c, const char *number)
{
	_cleanup_(free_p) char *event = NULL;
	struct err err = { 0 };

	if (number_attempt(c->engine->store, number, &event, &err) < 0)
		return api_problem_err(c, &err);
	return event ? api_problem(c, 409, NULL, "%s is at work on %s: wait until it ends", event,
				   number) :
		       0;
}

static struct json *doc_of(const char *text)
{
	return text ? json_parse(text, strlen(text), NULL) : NULL;
}

static int target_load(struct call *c, struct target *t)
{
	struct err err = { 0 };
	int status = find_number(c, t);

	if (!status)
		status = find_account(c, t);
	if (!status)
		status = refuse_busy(c, t->number);
	if (status)
		return status;
	if (hooks_get(c->engine->store, t->account, t->number, &t->hooks, &err) < 0)
		return api_problem_err(c, &err);
	t->approved = doc_of(t->hooks.baseline);
	t->seen = doc_of(t->hooks.observed);
	return 0;
}

static const char *field_of(const struct json *v, int f)
{
	const char *s = json_get_str(v, webhook_field_name((enum webhook_field)f));

	return s ? s : "";
}

static unsigned differences(const struct json *a, const struct json *b)
{
	unsigned bits = 0;

	for (int f = 0; f < FIELDS; f++)
		if (!str_eq(field_of(a, f), field_of(b, f)))
			bits |= 1u << f;
	return bits;
}

static void put_fields(struct jw *w, const char *name, const struct json *v, unsigned bits)
{
	jw_obj(w, name);
	for (int f = 0; f < FIELDS; f++)
		if (bits & 1u << f)
			jw_str(w, webhook_field_name((enum webhook_field)f), field_of(v, f));
	jw_obj_end(w);
}

static void put_target(struct jw *w, const struct target *t)
{
	jw_str(w, "accountId", t->account);
	jw_str(w, "phoneNumber", t->number);
}

/* ---- what is not as approved ---------------------------------------------------- */

static int get_webhooks(struct call *c)
{
	struct number_hooks *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	_cleanup_(free_p) char *account = NULL;
	size_t n = 0;
	int status;

	if (!call_query_account(c, "accountId", &account, &status))
		return status;
	if (hooks_drifted(c->engine->store, account, call_number(c, "limit"), &rows, &n,
			  &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "webhooks");
	for (size_t i = 0; i < n; i++) {
		_cleanup_(json_free_p) struct json *was = doc_of(rows[i].baseline);
		_cleanup_(json_free_p) struct json *is = doc_of(rows[i].observed);
		unsigned bits = differences(was, is);

		jw_obj(&w, NULL);
		jw_str(&w, "accountId", rows[i].account);
		jw_str(&w, "phoneNumber", rows[i].phone_number);
		jw_time(&w, "since", rows[i].drift_since_ms);
		put_fields(&w, "approved", was, bits);
		put_fields(&w, "observed", is, bits);
		jw_str(&w, "approvedBy", rows[i].approved_by);
		jw_time(&w, "approvedAt", rows[i].baseline_at_ms);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_obj_end(&w);
	hooks_free(rows, n);
	return 200;
}

/* ---- the changes ---------------------------------------------------------------- */

static int nothing(struct call *c, const struct target *t)
{
	return api_problem(c, 409, NULL, "the webhooks of %s are the approved ones", t->number);
}

static void change_json(struct call *c, const struct target *t, const char *text, const char *undo,
			const struct json *before, const struct json *after, unsigned bits)
{
	struct jw w = JW(&c->out);

	jw_obj(&w, NULL);
	put_target(&w, t);
	jw_str(&w, "text", text);
	put_fields(&w, "before", before, bits);
	put_fields(&w, "after", after, bits);
	jw_str(&w, "undo", undo);
	jw_bool(&w, "dryRun", call_flag(c, "dryRun"));
	jw_obj_end(&w);
}

static struct who who_of(const struct call *c)
{
	return (struct who){ .actor = c->user, .role = enum_name(&person_role_names, (int)c->role),
			     .via = "api" };
}

static void note_change(struct call *c, struct tx *t, const char *kind, const struct target *x,
			const char *what)
{
	const char *reason = call_text(c, "reason");
	_cleanup_(free_p) char *text = xasprintf("%s%s%s", what, reason ? ": " : "",
						 reason ? reason : "");
	struct str data = STR_INIT(1 << 16);
	struct jw w = JW(&data);

	jw_obj(&w, NULL);
	put_target(&w, x);
	jw_raw(&w, "before", x->hooks.baseline);
	jw_raw(&w, "observed", x->hooks.observed);
	jw_obj_end(&w);
	tx_note(t, NOTE_INFO, kind, x->number, text, str_get(&data));
	str_fini(&data);
}

static int adopt(struct call *c, struct target *x)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct who who = who_of(c);
	struct err err = { 0 };
	unsigned bits = differences(x->approved, x->seen);
	const char *text = "what is there becomes the approved webhooks; nothing is written at the"
			   " provider";

	if (!x->seen)
		return api_problem(c, 409, NULL, "the webhooks of %s were not read yet", x->number);
	if (!bits)
		return nothing(c, x);
	if (!call_flag(c, "dryRun")) {
		if (tx_begin(c->engine->store, &t, &who, &err) < 0 ||
		    hooks_adopt(&t, x->account, x->number, x->hooks.observed, &err) < 0)
			return api_problem_err(c, &err);
		note_change(c, &t, "webhooks.adopted", x, "webhooks adopted as approved");
		if (tx_commit(&t, NULL, &err) < 0)
			return api_problem_err(c, &err);
		monitor_wake(c->engine->monitor);
	}
	change_json(c, x, text, "set the old values at the provider and adopt them; the journal has"
				" them", x->approved, x->seen, bits);
	return 200;
}

static int post_adopt(struct call *c)
{
	struct target x = { 0 };
	int status = target_load(c, &x);

	if (!status)
		status = adopt(c, &x);
	target_fini(&x);
	return status;
}

/* As it is now, not as it was seen last. */
static int read_now(struct call *c, const struct side *s, struct target *x, char sid[40])
{
	struct phone_list l = { 0 };
	struct call_info info = { 0 };
	struct str b = STR_INIT(1 << 16);
	struct jw w = JW(&b);
	int status = 0;

	s->ops->number_by_e164(c->engine->providers, &s->cred, x->number, &l, &info);
	if (info.result != CALL_OK || l.n != 1) {
		status = side_told(c, &info, x->number);
	} else {
		jw_obj(&w, NULL);
		for (int f = 0; f < FIELDS; f++)
			jw_str(&w, webhook_field_name((enum webhook_field)f),
			       l.v[0].hooks->v[f] ? l.v[0].hooks->v[f] : "");
		jw_obj_end(&w);
		str_replace(&x->hooks.observed, str_get(&b));
		json_free(x->seen);
		x->seen = doc_of(x->hooks.observed);
		memcpy(sid, l.v[0].sid, sizeof(l.v[0].sid));
	}
	str_fini(&b);
	phone_list_fini(&l);
	return status;
}

/* On record first: what was there is in the journal before it is replaced. */
static int write_back(struct call *c, const struct side *s, struct target *x, const char *sid,
		      unsigned bits)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct write_guard guard = { side_may_write, c->engine };
	struct webhooks set = { { 0 } };
	struct who who = who_of(c);
	struct call_info info = { 0 };
	struct err err = { 0 };
	char again[40];

	if (tx_begin(c->engine->store, &t, &who, &err) < 0)
		return api_problem_err(c, &err);
	note_change(c, &t, "webhooks.repaired", x, "the approved webhooks are put back");
	if (tx_commit(&t, NULL, &err) < 0)
		return api_problem_err(c, &err);
	for (int f = 0; f < FIELDS; f++)
		if (bits & 1u << f)
			set.v[f] = field_of(x->approved, f);
	s->ops->number_update(c->engine->providers, &s->cred, &guard, sid, &set, NULL, &info);
	if (info.result != CALL_OK)
		return side_told(c, &info, x->number);
	int status = read_now(c, s, x, again);
	monitor_wake(c->engine->monitor);
	if (!status && differences(x->approved, x->seen) & bits)
		status = api_problem(c, 409, NULL, "%s was written and reads back otherwise",
				     x->number);
	return status;
}

static int repair(struct call *c, struct target *x)
{
	const char *text = "the approved webhooks are written at the provider";
	struct json *was = NULL;
	struct side s;
	char sid[40];
	int status = side_load(c, x->account, &s);

	if (status)
		return status;
	if (!x->approved)
		status = api_problem(c, 409, NULL, "no webhooks were approved for %s yet",
				     x->number);
	if (!status)
		status = read_now(c, &s, x, sid);
	unsigned bits = status ? 0 : differences(x->approved, x->seen);
	if (!status && !bits)
		status = nothing(c, x);
	if (!status)
		was = doc_of(x->hooks.observed);
	if (!status && !call_flag(c, "dryRun"))
		status = write_back(c, &s, x, sid, bits);
	if (!status) {
		change_json(c, x, text, "set them by hand again; the journal has what was there",
			    was, x->approved, bits);
		status = 200;
	}
	json_free(was);
	side_fini(&s);
	return status;
}

static int post_repair(struct call *c)
{
	struct target x = { 0 };
	int status = target_load(c, &x);

	if (!status)
		status = repair(c, &x);
	target_fini(&x);
	return status;
}

/* ---- SMS readiness -------------------------------------------------------------- */

static int set_ready(struct call *c, const struct target *x, bool ready)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	const char *reason = call_text(c, "reason");
	struct who who = who_of(c);
	struct err err = { 0 };

	if (tx_begin(c->engine->store, &t, &who, &err) < 0 ||
	    number_set_sms_ready(&t, x->number, ready, "person", &err) < 0)
		return api_problem_err(c, &err);
	_cleanup_(free_p) char *note = xasprintf("%s ready for SMS, says %s%s%s",
						 ready ? "is" : "is not", c->user,
						 reason ? ": " : "", reason ? reason : "");
	tx_note(&t, NOTE_INFO, "number.sms-ready", x->number, note, NULL);
	if (tx_commit(&t, NULL, &err) < 0)
		return api_problem_err(c, &err);
	parts_wake(c->engine);
	return 0;
}

static int post_sms_ready(struct call *c)
{
	bool ready = json_get_bool(c->body, "ready", true);
	struct jw w = JW(&c->out);
	struct target x = { 0 };
	int status = find_number(c, &x);

	if (!status && !call_flag(c, "dryRun"))
		status = set_ready(c, &x, ready);
	if (!status) {
		jw_obj(&w, NULL);
		jw_str(&w, "phoneNumber", x.number);
		jw_bool(&w, "smsReady", ready);
		jw_str(&w, "text", ready ?
		       "the number counts as registered; a hold on its agent's SMS ends" :
		       "the number does not count as registered; SMS is held when an agent moves to"
		       " it");
		jw_str(&w, "undo", ready ? "say that it is not ready" : "say that it is ready");
		jw_bool(&w, "dryRun", call_flag(c, "dryRun"));
		jw_obj_end(&w);
		status = 200;
	}
	target_fini(&x);
	return status;
}

#define NUMBER                                                                                     \
	{ "phoneNumber", M_TEXT, .max = 20 }, { "agentId", M_TEXT, .max = 100 },                   \
	{ "reason", M_TEXT, .max = 500 }, { "dryRun", M_BOOL }

static const struct route routes[] = {
	{ "GET", "/api/v1/webhooks", PR_VIEWER, 0, { { 0 } }, get_webhooks,
	  "numbers whose webhooks are not the approved ones, with both",
	  { Q_ACCOUNT("numbers of it"), Q_LIMIT(200) } },
	{ "POST", "/api/v1/webhooks/adopt", PR_OPERATOR, 0,
	  { { "accountId", M_TEXT, .max = 100 }, NUMBER }, post_adopt,
	  "take what a number has as approved" },
	{ "POST", "/api/v1/webhooks/repair", PR_OPERATOR, 0,
	  { { "accountId", M_TEXT, .max = 100 }, NUMBER }, post_repair,
	  "put the approved webhooks of a number back" },
	{ "POST", "/api/v1/numbers/sms-ready", PR_OPERATOR, 0, { NUMBER, { "ready", M_BOOL } },
	  post_sms_ready, "a person's word that a pool number may send SMS, or may not" },
};
const struct route_table webhooks_routes = { routes, COUNT_OF(routes) };
