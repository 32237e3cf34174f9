/*
 * A drill against the real accounts: what would happen if each carrying account failed now. Health
 * is checked, gates are asked, a plan is made, all by reading; the plan is a dry run, so nothing
 * is written at any provider. What would hold a failover today is the result.
 */
#include <stdio.h>
#include <string.h>

#include "cli/drill.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/loop.h"
#include "core/mem.h"

struct preflight {
	char *health, *target, *shut, *plan;
	int64_t moves, stays, expected_ms, took_ms;
	bool planned;
};

static void preflight_fini(struct preflight *p)
{
	free_p(&p->health);
	free_p(&p->target);
	free_p(&p->shut);
	free_p(&p->plan);
}

/* Gates that are shut, with why, as one text. */
static char *shut_gates(const struct json *gates)
{
	struct str b = STR_INIT(4000);

	for (const struct json *g = json_first(gates); g; g = json_next(g))
		if (!json_get_bool(g, "pass", true))
			str_addf(&b, "%s%s (%s)", b.len ? "; " : "", json_get_str(g, "gate"),
				 json_get_str(g, "why") ? json_get_str(g, "why") : "?");
	return str_take(&b);
}

static const char *name_of(const struct json *accounts, const char *id)
{
	for (const struct json *a = json_first(json_get(accounts, "accounts")); a; a = json_next(a))
		if (str_eq(json_get_str(a, "id"), id))
			return json_get_str(a, "name");
	return id ? id : "-";
}

static void take_plan(struct preflight *p, const struct json *doc, const struct json *accounts)
{
	const struct json *plan = json_get(doc, "plan");

	p->planned = plan != NULL;
	if (!plan) {
		p->plan = xstrdup(json_get_str(doc, "detail") ? json_get_str(doc, "detail")
							      : "no plan");
		return;
	}
	p->target = xstrdup(name_of(accounts, json_get_str(plan, "toAccountId")));
	p->moves = json_get_i64(plan, "agents", 0);
	p->stays = json_get_i64(plan, "staying", 0);
	p->expected_ms = json_get_i64(plan, "expectedMs", 0);
}

/* False when no engine answers. */
static bool look(struct cli *c, const struct json *accounts, const char *id, struct preflight *p)
{
	_cleanup_(free_p) char *check = xasprintf(API_FAILOVER "/health-check?accountId=%s", id);
	_cleanup_(free_p) char *ask = xasprintf("{\"accountId\":\"%s\"}", id);
	_cleanup_(free_p) char *start =
		xasprintf("{\"accountId\":\"%s\",\"triggerType\":\"MANUAL\","
			  "\"dryRun\":true,\"reason\":\"drill\"}",
			  id);
	struct json *health = NULL, *detect = NULL, *plan = NULL;
	int64_t before = loop_now_ms(cli_loop(c));
	int status = remote_try(c, "GET", check, NULL, &health);

	*p = (struct preflight){ 0 };
	if (status) {
		p->health = xstrdup(json_get_str(health, "status") ? json_get_str(health, "status")
								   : "unknown");
		status = remote_try(c, "POST", API_FAILOVER "/detect", ask, &detect);
	}
	if (status)
		status = remote_try(c, "POST", API_FAILOVER "/start", start, &plan);
	if (status) {
		/* a plan's gates are those of a person's order; without one, of the decision */
		const struct json *gates = json_get(plan, "gates");

		p->shut = shut_gates(gates ? gates : json_get(detect, "gates"));
		take_plan(p, plan, accounts);
	}
	p->took_ms = loop_now_ms(cli_loop(c)) - before;
	json_free(health);
	json_free(detect);
	json_free(plan);
	return status != 0;
}

static void add_line(struct str *b, const char *name, const struct preflight *p)
{
	char about[40];

	format_duration(about, sizeof(about), p->expected_ms / 1000 * 1000);
	str_addf(b, "%s is %s. ", name, p->health);
	if (p->planned)
		str_addf(b, "A failover would move %lld agents to %s in about %s; %lld would stay.",
			 (long long)p->moves, p->target, about, (long long)p->stays);
	else
		str_addf(b, "No plan: %s.", p->plan);
	str_addf(b, "%s%s Checked in %lldms.\n",
		 p->shut && *p->shut ? " Shut gates: " : " No gate is shut.",
		 p->shut ? p->shut : "", (long long)p->took_ms);
}

static bool wanted(struct cli *c, const struct json *a)
{
	const char *account = cli_opt(c, "account");

	if (account)
		return str_eq(account, json_get_str(a, "id")) ||
		       str_eq(account, json_get_str(a, "name")) ||
		       str_eq(account, json_get_str(a, "accountSid"));
	return json_get_bool(a, "isActive", true) && str_eq(json_get_str(a, "role"), "carrying") &&
	       json_get_i64(a, "agents", 0) > 0;
}

int drill_live(struct cli *c, struct drill_result *ret)
{
	struct str notes = STR_INIT(16000);
	struct json *doc = NULL;
	size_t n = 0, bad = 0;
	int r;

	ret->started_at_ms = ret->detected_at_ms = loop_wall_ms(cli_loop(c));
	r = remote_get(c, API_FAILOVER "/accounts", &doc);
	for (const struct json *a = json_first(json_get(doc, "accounts")); r == 0 && a;
	     a = json_next(a)) {
		struct preflight p;

		if (!wanted(c, a))
			continue;
		n++;
		if (!look(c, doc, json_get_str(a, "id"), &p))
			r = cli_fail(c, EXIT_UNREACHABLE, "no engine answers any more");
		else
			add_line(&notes, json_get_str(a, "name"), &p);
		bad += !p.planned || p.moves == 0 || p.stays > 0;
		preflight_fini(&p);
	}
	if (r == 0 && n == 0)
		r = cli_fail(c, EXIT_NO, "no carrying account with agents%s",
			     cli_opt(c, "account") ? " of that name" : "");
	json_free(doc);
	ret->resolved_at_ms = ret->mitigated_at_ms = loop_wall_ms(cli_loop(c));
	ret->title = xstrdup("Drill: failover of the real accounts, planned only");
	ret->failed = bad > 0;
	ret->outcome =
		bad ? xasprintf("%zu of %zu accounts could not be moved whole", bad, n)
		    : xasprintf("all %zu accounts could be moved whole; nothing was written", n);
	ret->notes = str_take(&notes);
	return r;
}
