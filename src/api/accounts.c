/* Accounts and their credentials (contract.md §4): listed for all, changed by admins after
 * a live check. No reply ever holds a credential. */
#include "api/internal.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/parts.h"
#include "failover/monitor.h"
#include "failover/probe.h"
#include "failover/verify.h"
#include "store/accounts.h"

#define A "/api/admin/twilio-failover/accounts"
enum { PREVIOUS_TOKEN_MS = 24 * 3600 * 1000 };	/* both generations verify signatures so long */

static struct who who_of(const struct call *c)
{
	return (struct who){ .actor = c->user, .role = enum_name(&person_role_names, (int)c->role),
			     .via = "api" };
}

static int get_accounts(struct call *c)
{
	struct account *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	size_t n = 0;

	if (accounts_list(c->engine->store, &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_arr(&w, "accounts");
	for (size_t i = 0; i < n; i++)
		account_json(&w, NULL, &rows[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	accounts_free(rows, n);
	return 200;
}

static int get_account(struct call *c)
{
	struct account a = { 0 };
	struct jw w = JW(&c->out);
	struct err err = { 0 };

	if (account_get(c->engine->store, c->params[0], &a, &err) < 0)
		return api_problem_err(c, &err);
	account_json(&w, NULL, &a);
	record_fini(&account_type, &a);
	return 200;
}

/* ---- input -------------------------------------------------------------------------- */

static void read_input(struct call *c, struct account_input *in)
{
	*in = ACCOUNT_INPUT;
	in->name = call_text(c, "name");
	in->provider = call_text(c, "provider");
	in->account_sid = call_text(c, "accountSid");
	in->region = call_text(c, "region");
	in->edge = call_text(c, "edge");
	in->token = secret_new(call_text(c, "authToken"));
	in->api_key = call_text(c, "apiKeySid");
	in->api_secret = secret_new(call_text(c, "apiKeySecret"));
	in->second_key = call_text(c, "secondKeySid");
	in->second_secret = secret_new(call_text(c, "secondSecret"));
	in->parent_sid = call_text(c, "parentSid");
	in->parent_secret = secret_new(call_text(c, "parentAuthToken"));
	in->priority = call_int(c, "priority", -1);
	if (json_get(c->body, "isPrimary"))
		in->is_primary = call_flag(c, "isPrimary");
	if (json_get(c->body, "isActive"))
		in->is_active = call_flag(c, "isActive");
}

static void input_fini(struct account_input *in)
{
	secret_free(in->token);
	secret_free(in->api_secret);
	secret_free(in->second_secret);
	secret_free(in->parent_secret);
}

static void copy(char *to, size_t n, const char *from)
{
	if (from)
		snprintf(to, n, "%s", from);
}

/* What is stored (for a change), with what was given put over it. */
static void credentials_of(const struct account_input *in, const struct account_keys *stored,
			   struct credentials *ret)
{
	if (stored)
		credentials_from_keys(stored, ret);
	else
		*ret = (struct credentials){ 0 };
	if (in->provider)
		ret->provider = str_eq(in->provider, "telnyx") ? PROVIDER_TELNYX : PROVIDER_TWILIO;
	copy(ret->account_sid, sizeof(ret->account_sid), in->account_sid);
	copy(ret->region, sizeof(ret->region), in->region);
	copy(ret->edge, sizeof(ret->edge), in->edge);
	copy(ret->api_key, sizeof(ret->api_key), in->api_key);
	copy(ret->second_key, sizeof(ret->second_key), in->second_key);
	copy(ret->parent_sid, sizeof(ret->parent_sid), in->parent_sid);
#define PUT(slot, given)                                                                           \
	do {                                                                                       \
		if (given) {                                                                       \
			secret_free(slot);                                                         \
			slot = secret_ref(given);                                                  \
		}                                                                                  \
	} while (0)
	PUT(ret->token, in->token);
	PUT(ret->api_secret, in->api_secret);
	PUT(ret->second_secret, in->second_secret);
	PUT(ret->parent_secret, in->parent_secret);
#undef PUT
}

/* "AC" and 32 hex digits; a key SID in its place is the usual slip (90002). */
static const char *bad_sid(const struct account_input *in)
{
	const char *sid = in->account_sid;

	if (!sid || str_eq(in->provider, "telnyx"))
		return NULL;
	if (str_has_prefix(sid, "SK"))
		return "this is an API key (SK...); the account's own SID begins with AC";
	if (!str_has_prefix(sid, "AC") || strlen(sid) != 34 ||
	    strspn(sid + 2, "0123456789abcdefABCDEF") != 32)
		return "an account SID is AC and 32 hexadecimal digits";
	return NULL;
}

/* 0: usable, *ret filled (verified_fini). Else the status to answer with. */
static int check(struct call *c, const struct account_input *in, const struct account_keys *stored,
		 struct verified *ret)
{
	struct credentials cred;
	struct err err = { 0 };
	struct jw w = JW(&c->out);
	int r;

	credentials_of(in, stored, &cred);
	r = account_verify(&c->engine->deps, &cred, ret, &err);
	credentials_fini(&cred);
	if (r < 0) {
		verified_fini(ret);
		return api_problem_err(c, &err);
	}
	if (ret->usable)
		return 0;
	problem_begin(&w, 422, NULL, ret->why_not);
	verified_json(&w, "check", ret);
	jw_obj_end(&w);
	verified_fini(ret);
	return 422;
}

/* ---- changes -------------------------------------------------------------------------- */

static int answer_account(struct call *c, const char *id, const struct verified *v, int status)
{
	struct account a = { 0 };
	struct jw w = JW(&c->out);
	struct err err = { 0 };

	if (account_get(c->engine->store, id, &a, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	account_json(&w, "account", &a);
	if (v)
		verified_json(&w, "check", v);
	jw_obj_end(&w);
	record_fini(&account_type, &a);
	hub_wake(c->engine->hub);
	monitor_wake(c->engine->monitor);
	return status;
}

static int add(struct call *c, struct account_input *in)
{
	_cleanup_(free_p) char *id = NULL;
	struct verified v = { 0 };
	struct who who = who_of(c);
	struct err err = { 0 };
	int status;

	if (bad_sid(in))
		return api_problem_field(c, 400, "accountSid", bad_sid(in));
	if (!in->token && !(in->api_key && in->api_secret))
		return api_problem_field(c, 400, "authToken",
					 "give authToken, or apiKeySid with apiKeySecret");
	status = check(c, in, NULL, &v);
	if (status)
		return status;
	in->type = v.status_hidden ? NULL : v.trial ? "Trial" : "Full";
	if (account_add(c->engine->store, &who, in, &id, &err) < 0)
		status = api_problem_err(c, &err);
	else
		status = answer_account(c, id, &v, 201);
	verified_fini(&v);
	return status;
}

/* What is wrong whatever the provider says. A region that is none would be taken for an account
 * that cannot be reached. */
static int check_words(struct call *c)
{
	const char *provider = call_text(c, "provider");
	struct err err = { 0 };

	if (provider && !str_eq(provider, "twilio") && !str_eq(provider, "telnyx"))
		return api_problem_field(c, 400, "provider", "twilio or telnyx");
	if (json_get(c->body, "name") && !call_text(c, "name"))
		return api_problem_field(c, 400, "name", "must not be empty");
	return region_check(call_text(c, "region"), &err) < 0 ? api_problem_err(c, &err) : 0;
}

static int post_account(struct call *c)
{
	struct account_input in;
	int status = check_words(c);

	if (status)
		return status;
	read_input(c, &in);
	status = add(c, &in);
	input_fini(&in);
	return status;
}

static bool changes_credentials(const struct account_input *in)
{
	return in->account_sid || in->token || in->api_key || in->api_secret || in->second_key ||
	       in->second_secret || in->parent_sid || in->parent_secret;
}

static int edit(struct call *c, const char *id, const struct account_input *in)
{
	struct account_keys stored = { 0 };
	struct verified v = { 0 };
	struct who who = who_of(c);
	struct err err = { 0 };
	int status = 0;

	if (bad_sid(in))
		return api_problem_field(c, 400, "accountSid", bad_sid(in));
	if (changes_credentials(in)) {
		if (account_keys_load(c->engine->store, id, &stored, &err) < 0)
			return api_problem_err(c, &err);
		status = check(c, in, &stored, &v);
		account_keys_fini(&stored);
	}
	if (status)
		return status;
	if (account_edit(c->engine->store, &who, id, in, PREVIOUS_TOKEN_MS, &err) < 0)
		status = api_problem_err(c, &err);
	else
		status = answer_account(c, id, changes_credentials(in) ? &v : NULL, 200);
	verified_fini(&v);
	return status;
}

/* The path may name an account by id, SID or name. */
static int resolve(struct call *c, char **ret_id)
{
	struct account a = { 0 };
	struct err err = { 0 };

	if (account_get(c->engine->store, c->params[0], &a, &err) < 0)
		return api_problem_err(c, &err);
	*ret_id = TAKE(a.id);
	record_fini(&account_type, &a);
	return 0;
}

static int patch_account(struct call *c)
{
	_cleanup_(free_p) char *id = NULL;
	struct account_input in;
	int status = resolve(c, &id);

	if (!status)
		status = check_words(c);
	if (status)
		return status;
	read_input(c, &in);
	status = edit(c, id, &in);
	input_fini(&in);
	return status;
}

static int delete_account(struct call *c)
{
	_cleanup_(free_p) char *id = NULL;
	struct who who = who_of(c);
	struct err err = { 0 };
	int status = resolve(c, &id);

	if (status)
		return status;
	if (account_remove(c->engine->store, &who, id, &err) < 0)
		return api_problem_err(c, &err);
	str_add(&c->out, "{\"ok\":true}");
	hub_wake(c->engine->hub);
	monitor_wake(c->engine->monitor);
	return 200;
}

static int post_verify(struct call *c)
{
	_cleanup_(free_p) char *id = NULL;
	struct account_keys keys = { 0 };
	struct credentials cred;
	struct verified v = { 0 };
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int status = resolve(c, &id), r;

	if (status)
		return status;
	if (account_keys_load(c->engine->store, id, &keys, &err) < 0)
		return api_problem_err(c, &err);
	credentials_from_keys(&keys, &cred);
	account_keys_fini(&keys);
	r = account_verify(&c->engine->deps, &cred, &v, &err);
	credentials_fini(&cred);
	if (r == 0)
		verified_json(&w, NULL, &v);
	verified_fini(&v);
	return r < 0 ? api_problem_err(c, &err) : 200;
}

static int post_sync(struct call *c)
{
	_cleanup_(free_p) char *id = NULL;
	struct err err = { 0 };
	int status = resolve(c, &id);

	if (status)
		return status;
	if (monitor_sync(c->engine->monitor, id, &c->out, &err) < 0)
		return api_problem_err(c, &err);
	return 200;
}

#define FIELDS                                                                                     \
	{ "authToken", M_TEXT, .max = 200 }, { "apiKeySid", M_TEXT, .max = 40 },                   \
	{ "apiKeySecret", M_TEXT, .max = 200 }, { "secondKeySid", M_TEXT, .max = 40 },             \
	{ "secondSecret", M_TEXT, .max = 200 }, { "parentSid", M_TEXT, .max = 40 },                \
	{ "parentAuthToken", M_TEXT, .max = 200 }, { "region", M_TEXT, .max = 16 },                \
	{ "edge", M_TEXT, .max = 24 }, { "priority", M_INT, .min = 0, .max = 1000 },               \
	{ "isPrimary", M_BOOL }, { "isActive", M_BOOL }, { "reason", M_TEXT, .max = 500 }

static const struct route routes[] = {
	{ "GET", A, PR_VIEWER, 0, { { 0 } }, get_accounts, "all accounts, never a credential",
	  { Q_PAGES }, "accounts" },
	{ "POST", A, PR_ADMIN, 0,
	  { { "name", M_TEXT, .required = true, .max = 100 },
	    { "accountSid", M_TEXT, .required = true, .max = 64 },
	    { "provider", M_TEXT, .max = 20 },
	    FIELDS }, post_account, "add an account after a live check of its credentials" },
	{ "GET", A "/{id}", PR_VIEWER, 0, { { 0 } }, get_account, "one account" },
	{ "PATCH", A "/{id}", PR_ADMIN, 0,
	  { { "name", M_TEXT, .max = 100 }, { "accountSid", M_TEXT, .max = 64 }, FIELDS },
	  patch_account, "change it; changed credentials are checked live" },
	{ "DELETE", A "/{id}", PR_ADMIN, 0, { { 0 } }, delete_account,
	  "forget an account that nothing uses" },
	{ "POST", A "/{id}/verify", PR_ADMIN, 0, { { "reason", M_TEXT, .max = 500 } }, post_verify,
	  "what its credentials are and cannot do" },
	{ "POST", A "/{id}/numbers/sync", PR_OPERATOR, 0, { { "reason", M_TEXT, .max = 500 } },
	  post_sync, "bring the number pool in line with the provider" },
};
const struct route_table accounts_routes = { routes, COUNT_OF(routes) };
