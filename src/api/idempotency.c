/* See idempotency.h; the rows are the store's. */
#include "api/idempotency.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "store/tokens.h"

enum { STALE_MS = 60000 };

static bool changes(const struct call *c)
{
	return !str_eq(c->route->method, "GET") && !(c->route->flags & ROUTE_CRON);
}

int idempotency_begin(struct idempotency *i, struct call *c)
{
	const char *key = httpd_header(c->req, "Idempotency-Key");
	struct idem_reply before = { 0 };
	struct err err = { 0 };
	_cleanup_(free_p) char *route = NULL;
	size_t len;
	int r;

	*i = (struct idempotency){ 0 };
	if (!key || !changes(c))
		return 0;
	if (strlen(key) >= sizeof(i->key) || key[0] == '\0')
		return api_problem(c, 400, NULL, "Idempotency-Key: between 1 and %zu characters",
				   sizeof(i->key) - 1);
	route = xasprintf("%s %s", c->route->method, httpd_path(c->req));
	r = idem_begin(c->engine->store, c->user, key, route, httpd_body(c->req, &len), STALE_MS,
		       &before, &err);
	if (r < 0)
		return api_problem_err(c, &err);
	if (r == IDEM_REPLAY) {
		httpd_add_header(c->req, "Idempotency-Replayed", "true");
		str_add(&c->out, before.reply);
		free_p(&before.reply);
		return before.status;
	}
	i->claimed = true;
	snprintf(i->key, sizeof(i->key), "%s", key);
	return 0;
}

/* What failed on our side may be tried again with the same key. */
void idempotency_end(struct idempotency *i, struct call *c, int status)
{
	struct err err = { 0 };

	if (!i->claimed)
		return;
	if (status >= 500 || c->answered)
		idem_forget(c->engine->store, c->user, i->key, &err);
	else
		idem_finish(c->engine->store, c->user, i->key, status, str_get(&c->out), &err);
}
