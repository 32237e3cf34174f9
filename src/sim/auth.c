/*
 * Basic authentication of Twilio's hosts. How an inactive account is answered is
 * not documented in one way, so it is a switch of the account (inactiveAnswer):
 * "20003" (401, the default), "20005", "20403", "90010" (403), or "open": reads work
 * and say that it is suspended, writes get 20005. A parent sees its subaccounts
 * whatever their state; when the parent is inactive, so are they.
 */
#include "sim/request.h"

#include <string.h>
#include "core/mem.h"

static bool basic(struct sim_request *q, struct str *ret, const char **user, const char **pass)
{
	const char *h = q->header ? q->header(q->header_ctx, "Authorization") : NULL;
	char *colon;

	*ret = STR_INIT(4096);
	if (!h || !str_has_prefix(h, "Basic ") || !base64_decode(h + 6, ret) || !ret->s)
		return false;
	colon = strchr(ret->s, ':');
	if (!colon)
		return false;
	*colon = '\0';
	*user = ret->s;
	*pass = colon + 1;
	return true;
}

static void check_secret(struct sim_request *q, struct sim_account *a, const char *user,
			 const char *pass)
{
	if (str_eq(user, a->test_sid)) {
		q->test_credential = true;
		q->token_was_right = str_eq(pass, a->test_token);
		return;
	}
	if (str_eq(user, a->sid)) {
		q->token_was_right = !a->token_rejected && (str_eq(pass, a->token) ||
							    str_eq(pass, a->second_token));
		return;
	}
	for (int i = 0; i < a->n_keys; i++)
		if (str_eq(user, a->keys[i].sid)) {
			q->key = &a->keys[i];
			q->token_was_right = !a->keys_rejected && !q->key->revoked &&
					     str_eq(pass, q->key->secret);
		}
}

void sim_twilio_whose(struct sim_request *q)
{
	static const char start[] = "/2010-04-01/Accounts/";
	struct sim_world *w = &q->sim->world;
	const char *user = NULL, *pass = NULL;
	struct str text;

	if (basic(q, &text, &user, &pass))
		q->caller = sim_map_get(&w->by_sid, user);
	if (q->caller && !str_has_prefix(user, "AC") && !str_has_prefix(user, "SK"))
		q->caller = NULL;
	if (q->caller)
		check_secret(q, q->caller, user, pass);
	q->account = q->caller;
	if (str_has_prefix(q->rest, start)) {
		char sid[SIM_SID] = "";
		const char *at = q->rest + strlen(start);

		if (strcspn(at, "/.") == SIM_SID - 1) {
			memcpy(sid, at, SIM_SID - 1);
			q->account = sim_account_get(w, sid);
		}
	}
	str_fini(&text);
}

static bool inactive(const struct sim_account *a)
{
	return a->status != SIM_ACTIVE || (a->parent && a->parent->status != SIM_ACTIVE);
}

static bool refuse(struct sim_request *q)
{
	sim_head(q, "WWW-Authenticate", "Basic realm=\"Twilio API\"");
	sim_twilio_error(q, 401, 20003, "Authenticate");
	return false;
}

static bool refuse_inactive(struct sim_request *q, const struct sim_route *r)
{
	const char *how = q->caller->inactive_answer;

	if (str_eq(how, "20003"))
		return refuse(q);
	if (str_eq(how, "open") && !(r->flags & RT_WRITE))
		return true;
	if (str_eq(how, "20403"))
		sim_twilio_error(q, 403, 20403, "Forbidden");
	else if (str_eq(how, "90010"))
		sim_twilio_error(q, 403, 90010, "Account is not in an active state");
	else
		sim_twilio_error(q, 403, 20005, "Account not active");
	return false;
}

/* A token or key of another region is as good as none. */
static bool wrong_region(const struct sim_request *q)
{
	static const char *const regions[] = { "us2", "ie1", "de1", "au1", "jp1",
					       "jp2", "sg1", "br1" };
	char part[8] = ".xxx.";

	for (size_t i = 0; q->host && i < COUNT_OF(regions); i++) {
		memcpy(part + 1, regions[i], 3);
		if (strstr(q->host, part))
			return !str_eq(regions[i], q->caller->region);
	}
	return false;
}

bool sim_twilio_auth(struct sim_request *q, const struct sim_route *r)
{
	if (!q->caller || !q->token_was_right || wrong_region(q))
		return refuse(q);
	if (q->test_credential && !(r->flags & RT_TEST_OK)) {
		sim_twilio_error(q, 403, 20008,
				 "Resource not accessible with Test Account Credentials");
		return false;
	}
	if (q->key && q->key->standard && (r->flags & RT_MAIN_KEY))
		return refuse(q);
	if (inactive(q->caller) && !refuse_inactive(q, r))
		return false;
	if (!q->account) {
		sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->rest);
		return false;
	}
	if (q->account == q->caller)
		return true;
	if (q->account->parent != q->caller || (q->key && q->key->standard)) {
		if (q->key)
			return refuse(q);
		sim_twilio_error(q, 404, 20404, "The requested resource %s was not found", q->rest);
		return false;
	}
	if (inactive(q->account) && (r->flags & RT_WRITE) && !(r->flags & RT_MAIN_KEY)) {
		sim_twilio_error(q, 403, 20005, "Account not active");
		return false;
	}
	return true;
}
