/*
 * The section on impact: every figure with how it was computed, and what no figure says.
 * Revenue and what customers said are not in any table: they are asked of people.
 */
#include <stdio.h>

#include "core/mem.h"
#include "report/facts.h"

static void rate(char *ret, size_t n, int64_t part, int64_t of)
{
	if (of > 0)
		snprintf(ret, n, "%.1f %%", 100.0 * (double)part / (double)of);
	else
		snprintf(ret, n, "-");
}

static void count_cell(struct report_blocks *b, size_t t, int64_t n)
{
	if (n < 0)
		block_cell(b, t, "unknown");
	else
		block_cell(b, t, "%lld", (long long)n);
}

static void traffic(const struct report *r, struct report_blocks *b)
{
	size_t t = block_table(
		b, "Calls and messages",
		"What|#In the window|#Failed|#Share|#Usual|#Usually failed|#Failed beyond usual|"
		"#Never came");

	for (size_t k = 0; k < COUNT_OF(r->traffic); k++) {
		const struct review_traffic *v = &r->traffic[k];
		bool usual = v->known && v->usual_total != TRAFFIC_UNKNOWN;
		char share[24];

		rate(share, sizeof(share), v->failed, v->total);
		block_cell(b, t, "%s", v->kind);
		count_cell(b, t, v->known ? v->total : -1);
		count_cell(b, t, v->known ? v->failed : -1);
		block_cell(b, t, "%s", v->known ? share : "-");
		count_cell(b, t, usual ? v->usual_total : -1);
		count_cell(b, t, usual ? v->usual_failed : -1);
		count_cell(b, t, usual ? v->beyond_usual : -1);
		count_cell(b, t, usual ? v->never_came : -1);
	}
	for (size_t k = 0; k < COUNT_OF(r->traffic); k++)
		block_add(b,
			  r->traffic[k].known && r->traffic[k].usual_total != TRAFFIC_UNKNOWN
				  ? BLOCK_ITEM
				  : BLOCK_UNKNOWN,
			  "%s: %s.", r->traffic[k].kind,
			  r->traffic[k].how ? r->traffic[k].how : "unknown");
}

static void orgs(const struct report *r, struct report_blocks *b)
{
	size_t t;

	if (r->orgs_all < 0) {
		block_add(b, BLOCK_UNKNOWN,
			  "Orgs affected: unknown, what failed then is not recorded.");
		return;
	}
	block_add(b, BLOCK_ITEM,
		  "Orgs with a failing agent, a failed call or a failed message: %lld%s.",
		  (long long)r->orgs_all,
		  r->orgs_all > (int64_t)r->n_orgs ? "; the worst are listed" : "");
	if (!r->n_orgs)
		return;
	t = block_table(b, "Orgs", "Org|#Agents failing|#Calls failed|#Messages failed");
	for (size_t k = 0; k < r->n_orgs; k++) {
		block_cell(b, t, "%s", r->orgs[k].org ? r->orgs[k].org : "-");
		count_cell(b, t, r->orgs[k].agents);
		count_cell(b, t, r->orgs[k].calls_failed);
		count_cell(b, t, r->orgs[k].messages_failed);
	}
}

void report_impact_facts(const struct report *r, struct report_blocks *b)
{
	const struct incident *i = &r->doc.incident;
	int64_t begin = i->started_at_ms ? i->started_at_ms : i->declared_at_ms;
	char from[32], to[32];

	report_when(from, begin);
	report_when(to, report_end(r));
	block_add(b, BLOCK_TEXT, "Counted from %s to %s%s.", from, to,
		  i->mitigated_at_ms || i->resolved_at_ms ? "" : " (now: it is not over)");
	if (!str_empty(i->impact))
		block_add(b, BLOCK_TEXT, "As declared: %s", i->impact);
	if (r->agents_failing < 0)
		block_add(b, BLOCK_UNKNOWN,
			  "Agents affected: unknown, their state then is not recorded.");
	else
		block_add(b, BLOCK_ITEM,
			  "Agents seen failing: %lld of %lld (changes of their state as watched).",
			  (long long)r->agents_failing, (long long)r->agents_all);
	traffic(r, b);
	block_add(b, BLOCK_TEXT,
		  "A call counts when it was completed or failed (busy and no answer are the "
		  "callee's), a message when it is outbound and was sent, delivered, undelivered "
		  "or failed. "
		  "Failed beyond usual = failed less the usual number of failures; never came = "
		  "usual "
		  "traffic less the traffic there was.");
	orgs(r, b);
	block_add(b, BLOCK_UNKNOWN,
		  "Revenue and what customers said are in no table: they are for people to write.");
}
