/*
 * A drill against the real accounts: what would happen if each carrying account failed now. The
 * engine makes the plan and reads what every step of it would find; it is asked by GET only, so
 * nothing is written at any provider and nothing in the failover's state. What would hold a
 * failover today is the result.
 */
#include <stdio.h>
#include <string.h>

#include "cli/drill.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/loop.h"
#include "core/mem.h"

/* Gates that are shut, with why. */
static void add_gates(struct str *b, const struct json *gates)
{
	size_t n = 0;

	for (const struct json *g = json_first(gates); g; g = json_next(g))
		if (!json_get_bool(g, "pass", true))
			str_addf(b, "%s%s (%s)", n++ ? "; " : " Shut gates: ",
				 json_get_str(g, "gate"),
				 json_get_str(g, "why") ? json_get_str(g, "why") : "?");
	str_add(b, n ? "." : " No gate is shut.");
}

static const char *text_of(const struct json *v, const char *name)
{
	const char *s = json_get_str(v, name);

	return s ? s : "-";
}

static void add_plan(struct str *b, const struct json *doc)
{
	const struct json *plan = json_get(doc, "plan");
	char about[40];

	str_addf(b, "%s is %s.", text_of(doc, "from"), text_of(doc, "health"));
	if (!plan) {
		str_add(b, " No account could take over.");
		return;
	}
	format_duration(about, sizeof(about), json_get_i64(plan, "expectedMs", 0) / 1000 * 1000);
	str_addf(b, " A failover would move %lld agents to %s in about %s; %lld would stay.",
		 (long long)json_get_i64(plan, "agents", 0), text_of(doc, "to"), about,
		 (long long)json_get_i64(plan, "staying", 0));
}

/* Returns how many steps could not be done. */
static size_t add_steps(struct str *b, const struct json *doc)
{
	size_t no = 0;

	for (const struct json *v = json_first(json_get(doc, "steps")); v; v = json_next(v)) {
		const char *can = text_of(v, "can");

		no += str_eq(can, "no");
		str_addf(b, "  %lld %-14s %-5s would %s: %s\n",
			 (long long)json_get_i64(v, "step", 0), text_of(v, "name"), can,
			 text_of(v, "would"), text_of(v, "why"));
	}
	return no;
}

static void add_details(struct str *b, const struct json *doc)
{
	enum { SHOWN = 8 };
	size_t n = 0;

	for (const struct json *v = json_first(json_get(doc, "agents")); v && n < SHOWN;
	     v = json_next(v), n++)
		str_addf(b, "    %s (%s): %s\n", text_of(v, "name"), text_of(v, "number"),
			 text_of(v, "why"));
	n = 0;
	for (const struct json *v = json_first(json_get(doc, "webhooks")); v && n < SHOWN;
	     v = json_next(v), n++)
		str_addf(b, "    %s %s: \"%s\" would be \"%s\"\n", text_of(v, "number"),
			 text_of(v, "field"), text_of(v, "now"), text_of(v, "then"));
	str_addf(b, "  %lld webhook fields would be written; %lld agents have something against"
		 " them; %lld reads in %lldms.\n",
		 (long long)json_get_i64(doc, "webhookFields", 0),
		 (long long)json_get_i64(doc, "agentsAgainst", 0),
		 (long long)json_get_i64(doc, "reads", 0),
		 (long long)json_get_i64(doc, "tookMs", 0));
}

/* 0 or an exit status after telling; *ret_bad: it could not be moved whole. */
static int look(struct cli *c, const char *id, struct str *notes, bool *ret_bad)
{
	_cleanup_(free_p) char *path = xasprintf(API_FAILOVER "/preflight?accountId=%s", id);
	struct json *doc = NULL;
	const struct json *plan;
	size_t no = 0;
	int r = remote_get(c, path, &doc);

	if (r == 0) {
		plan = json_get(doc, "plan");
		add_plan(notes, doc);
		add_gates(notes, json_get(doc, "gates"));
		str_addc(notes, '\n');
		if (json_get(doc, "steps")) {
			no = add_steps(notes, doc);
			add_details(notes, doc);
		}
		*ret_bad = !plan || json_get_i64(plan, "agents", 0) == 0 ||
			   json_get_i64(plan, "staying", 0) > 0 || no > 0;
	}
	json_free(doc);
	return r;
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
	struct str notes = STR_INIT(19000);	/* one note holds it */
	struct json *doc = NULL;
	size_t n = 0, bad = 0;
	int r;

	ret->started_at_ms = ret->detected_at_ms = loop_wall_ms(cli_loop(c));
	r = remote_get(c, API_FAILOVER "/accounts", &doc);
	if (r == EXIT_UNREACHABLE)
		cli_note(c, "a live drill asks an engine: start one that never acts with 'ringdown"
			    " engine --shadow', or name yours with --api");
	for (const struct json *a = json_first(json_get(doc, "accounts")); r == 0 && a;
	     a = json_next(a)) {
		bool whole_not = false;

		if (!wanted(c, a))
			continue;
		n++;
		r = look(c, json_get_str(a, "id"), &notes, &whole_not);
		bad += whole_not;
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
