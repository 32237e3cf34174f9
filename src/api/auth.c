/*
 * Who is asking: bearer tokens, compared by hash in the store, remembered for a few
 * seconds so that a console's stream of requests costs no query each; roles; a rate per
 * token; the cron endpoint's own secret.
 */
#include "api/internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/crypto.h"
#include "engine/engine.h"
#include "store/tokens.h"

enum { REMEMBER_MS = 5000, REMEMBERED_MAX = 256, FAILURES_PER_MINUTE = 120 };

struct known {
	char hash[65];
	char *name;
	enum person_role role;
	bool alerts;			/* may hand alerts in, and nothing else */
	int64_t until_ms, minute_ms, count, alerts_count;
};

struct auth {
	struct api *api;
	struct known known[REMEMBERED_MAX];
	int n;
	int64_t failures, failures_since_ms;
};

struct auth *auth_new(struct api *a)
{
	struct auth *auth = xcalloc(1, sizeof(*auth));

	auth->api = a;
	return auth;
}

void auth_forget(struct auth *auth)
{
	for (int i = 0; i < auth->n; i++)
		free_p(&auth->known[i].name);
	auth->n = 0;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	auth_forget(auth);
	free_p(&auth);
}

static struct known *remembered(struct auth *auth, const char *hash)
{
	for (int i = 0; i < auth->n; i++)
		if (equal_ct(auth->known[i].hash, hash))
			return &auth->known[i];
	return NULL;
}

static struct known *remember(struct auth *auth, const char *hash, const struct token_row *row)
{
	struct known *k = remembered(auth, hash);

	if (!k) {
		if (auth->n == REMEMBERED_MAX)
			auth_forget(auth);
		k = &auth->known[auth->n++];
		*k = (struct known){ 0 };
		memcpy(k->hash, hash, sizeof(k->hash));
	}
	str_replace(&k->name, row->name);
	int role = enum_parse(&person_role_names, row->role);
	k->role = role < 0 ? PR_NONE : (enum person_role)role;
	k->alerts = str_eq(row->role, "alerts");
	return k;
}

static int deny(struct call *c, const char *why)
{
	return api_problem(c, 401, NULL, "%s", why);
}

/* The token's text, or NULL. */
static const char *bearer(const struct call *c)
{
	const char *h = httpd_header(c->req, "Authorization");

	return h && strncasecmp(h, "Bearer ", 7) == 0 && h[7] ? h + 7 : NULL;
}

/* Guessing is slowed for everybody at once: tokens are long, so only guessers notice. */
static bool too_many_failures(struct auth *auth, int64_t now)
{
	if (now - auth->failures_since_ms > 60000) {
		auth->failures_since_ms = now;
		auth->failures = 0;
	}
	return auth->failures > FAILURES_PER_MINUTE;
}

/* A sender of alerts takes 429 for good and comes again after 503. */
static int later(struct call *c, const char *why)
{
	c->over_rate = true;
	httpd_add_header(c->req, "Retry-After", "10");
	return api_problem(c, c->route->flags & ROUTE_ALERTS ? 503 : 429, NULL, "%s", why);
}

static int look_up(struct auth *auth, struct call *c, const char *text, struct known **ret)
{
	int64_t now = loop_now_ms(c->engine->loop);
	struct token_row row = { 0 };
	struct err err = { 0 };
	char hash[65];
	int r;

	token_hash(text, hash);
	*ret = remembered(auth, hash);
	if (*ret && now < (*ret)->until_ms)
		return 0;
	if (too_many_failures(auth, now))
		return later(c, "too many wrong tokens; wait a minute");
	r = token_find(c->engine->store, text, &row, &err);
	if (r == ERR_DENIED) {
		auth->failures++;
		return deny(c, "this token is unknown or was revoked");
	}
	if (r < 0) {
		*ret = remembered(auth, hash);
		if (*ret) /* the database is away: what was known a moment ago still counts */
			return 0;
		return api_problem(c, 503, NULL, "the token cannot be checked: %s", err.msg);
	}
	*ret = remember(auth, hash, &row);
	(*ret)->until_ms = now + REMEMBER_MS;
	token_fini(&row);
	return 0;
}

static int over_rate(struct auth *auth, struct call *c, struct known *k)
{
	const struct api_settings *set = api_get_settings(auth->api);
	int64_t now = loop_now_ms(c->engine->loop);
	char why[100];

	if (now - k->minute_ms >= 60000) {
		k->minute_ms = now;
		k->count = k->alerts_count = 0;
	}
	bool alerts = c->route->flags & ROUTE_ALERTS;
	int64_t *count = alerts ? &k->alerts_count : &k->count;
	int64_t most = alerts ? set->alerts_per_minute : set->rate_per_minute;

	if (++*count <= most)
		return 0;
	snprintf(why, sizeof(why), "more than %lld requests in a minute with this token",
		 (long long)most);
	return later(c, why);
}

static int check_cron(struct call *c)
{
	const struct secret *secret = c->engine->o->cron_secret;
	const char *text = bearer(c);

	if (!secret)
		return api_problem(c, 503, NULL, "CRON_SECRET is not set on this engine");
	if (!text || !secret_equal(secret, text))
		return deny(c, "the cron endpoint asks for CRON_SECRET as bearer");
	c->user = xstrdup("cron");
	c->role = PR_VIEWER;
	return 0;
}

int auth_check(struct auth *auth, struct call *c)
{
	const struct route *r = c->route;
	const char *text = bearer(c);
	struct known *k;
	int status;

	if ((r->flags & ROUTE_OPEN) && api_get_settings(auth->api)->open_health)
		return 0;
	if (r->flags & ROUTE_CRON)
		return check_cron(c);
	if (!text)
		return deny(c, "send a token as \"Authorization: Bearer ...\"; "
			       "'ringdown token create' makes one");
	status = look_up(auth, c, text, &k);
	if (!status)
		status = over_rate(auth, c, k);
	if (status)
		return status;
	c->user = xstrdup(k->name);
	c->role = k->role;
	if (k->alerts && r->flags & ROUTE_ALERTS)
		return 0;
	if (c->role < r->role || c->role == PR_NONE)
		return api_problem(c, 403, NULL, "this needs the role %s; %s is %s",
				   enum_name(&person_role_names, (int)r->role), c->user,
				   enum_name(&person_role_names, (int)c->role));
	return 0;
}
