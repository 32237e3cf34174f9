/*
 * Traffic as evidence; see traffic.h. Calls and messages are merged by time, because an
 * agent's newest five decide inside a window.
 *
 * Invariant: only what is finished counts, and only codes of the account's own trouble are
 * bad: a busy callee, a carrier's filter or a wrong number is a success of the account. A
 * failed call without a known code counts neither way.
 */
#include "failover/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

bool traffic_code_of_account(int64_t code)
{
	static const int codes[] = {
		10001, 10003, 20003, 20005, 20006, 20010, 20403, 21476, 21478,
		30002, 30037, 32005, 70051, 90010,
	};

	for (size_t i = 0; i < COUNT_OF(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

struct finished { int64_t at_ms; struct roster_agent *agent; int code; bool account_bad; };
struct finished_list { struct finished *v; size_t n, cap; };

static int newest_first(const void *a, const void *b)
{
	const struct finished *x = a, *y = b;

	return x->at_ms < y->at_ms ? 1 : x->at_ms > y->at_ms ? -1 : 0;
}

static struct roster_agent *agent_of(const struct roster *r, int account, bool inbound,
				     const char *from, const char *to)
{
	struct roster_agent *a = roster_by_number(r, inbound ? to : from);

	return a && a->account == account ? a : NULL;
}

static void push(struct finished_list *l, struct finished f)
{
	l->v = grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = f;
}

static int alert_order(const void *a, const void *b)
{
	return strcmp(((const struct alert_record *)a)->resource_sid,
		      ((const struct alert_record *)b)->resource_sid);
}

static int code_of_call(const struct alert_list *sorted, const char *sid)
{
	struct alert_record key = { 0 };
	const struct alert_record *found;

	if (!sorted || !sorted->n)
		return 0;
	memccpy(key.resource_sid, sid, 0, sizeof(key.resource_sid) - 1);
	found = bsearch(&key, sorted->v, sorted->n, sizeof(*sorted->v), alert_order);
	return found ? found->code : 0;
}

/* Most frequent value, by a small counting table; good enough beyond its size. */
struct votes { int code[16]; int64_t n[16]; };

static void vote(struct votes *v, int code)
{
	for (int i = 0; i < 16; i++) {
		if (v->n[i] && v->code[i] != code)
			continue;
		v->code[i] = code;
		v->n[i]++;
		return;
	}
}

static int64_t winner(const struct votes *v)
{
	int best = 0;

	for (int i = 1; i < 16; i++)
		if (v->n[i] > v->n[best])
			best = i;
	return v->code[best];
}

static void take_calls(const struct roster *r, const struct traffic_input *in,
		       struct finished_list *l)
{
	unsigned turns = 0;

	for (size_t i = 0; in->calls && i < in->calls->n; i++) {
		const struct call_record *c = &in->calls->v[i];
		struct finished f = { .at_ms = c->end_ms ? c->end_ms : c->start_ms };

		roster_yield(&turns);
		if (f.at_ms < in->since_ms)
			continue;
		f.agent = agent_of(r, in->account, c->inbound, c->from, c->to);
		switch (c->status) {
		case CALL_STATUS_COMPLETED:
		case CALL_STATUS_BUSY:
		case CALL_STATUS_NO_ANSWER:
		case CALL_STATUS_CANCELED:
			push(l, f);
			break;
		case CALL_STATUS_FAILED:
			f.code = code_of_call(in->alerts, c->sid);
			f.account_bad = traffic_code_of_account(f.code);
			if (f.code)
				push(l, f);
			break;
		default:
			break;
		}
	}
}

static void count_sms(const struct message_record *m, struct roster_agent *a,
		      struct traffic_totals *ret, struct votes *votes)
{
	bool bad = (m->status == MESSAGE_FAILED || m->status == MESSAGE_UNDELIVERED) && m->code &&
		   !traffic_code_of_account(m->code);

	if (m->inbound)
		return;
	ret->sms_n++;
	if (bad) {
		ret->sms_filtered++;
		vote(votes, m->code);
	}
	if (!a)
		return;
	if (bad && a->sms_bad < UINT16_MAX)
		a->sms_bad++;
	if (!bad && a->sms_ok < UINT16_MAX)
		a->sms_ok++;
}

static void take_messages(const struct roster *r, const struct traffic_input *in,
			  struct finished_list *l, struct traffic_totals *ret)
{
	struct votes votes = { 0 };
	unsigned turns = 0;

	for (size_t i = 0; in->messages && i < in->messages->n; i++) {
		const struct message_record *m = &in->messages->v[i];
		struct finished f = { .at_ms = m->at_ms, .code = m->code };

		roster_yield(&turns);
		if (m->at_ms < in->since_ms)
			continue;
		f.agent = agent_of(r, in->account, m->inbound, m->from, m->to);
		switch (m->status) {
		case MESSAGE_FAILED:
		case MESSAGE_UNDELIVERED:
			f.account_bad = traffic_code_of_account(m->code);
			/* fall through */
		case MESSAGE_SENT:
		case MESSAGE_DELIVERED:
		case MESSAGE_RECEIVED:
			push(l, f);
			count_sms(m, f.agent, ret, &votes);
			break;
		default:
			break;
		}
	}
	ret->sms_code = winner(&votes);
}

/* Agents whose messages mostly fail, and how many organisations they belong to. */
static void sum_sms(const struct roster *r, const struct traffic_input *in,
		    struct traffic_totals *ret)
{
	enum { ORGS_MAX = 64 };
	uint32_t orgs[ORGS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct roster_agent *a = &r->v[i];
		bool known = false;

		if (a->account != in->account || a->sms_bad + a->sms_ok < in->min_sms ||
		    a->sms_bad < a->sms_ok)
			continue;
		ret->sms_agents++;
		for (size_t k = 0; k < n && !known; k++)
			known = !strcmp(roster_text(r, orgs[k]), roster_text(r, a->org));
		if (!known && n < ORGS_MAX)
			orgs[n++] = a->org;
	}
	ret->sms_orgs = (int64_t)n;
}

void traffic_count(struct roster *r, const struct traffic_input *in, struct traffic_totals *ret)
{
	struct finished_list l = { 0 };
	struct votes votes = { 0 };
	unsigned turns = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].account != in->account)
			continue;
		r->v[i].traffic = (struct traffic){ 0 };
		r->v[i].sms_bad = r->v[i].sms_ok = 0;
	}
	if (in->alerts && in->alerts->n)
		qsort(in->alerts->v, in->alerts->n, sizeof(*in->alerts->v), alert_order);
	take_calls(r, in, &l);
	take_messages(r, in, &l, ret);
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), newest_first);
	for (size_t i = 0; i < l.n; i++) {
		const struct finished *f = &l.v[i];

		roster_yield(&turns);
		if (f->account_bad) {
			ret->bad++;
			vote(&votes, f->code);
		} else {
			ret->ok++;
			if (f->at_ms > ret->newest_ok_ms)
				ret->newest_ok_ms = f->at_ms;
		}
		if (!f->agent)
			continue;
		if (f->account_bad && !(f->agent->traffic.bad))
			f->agent->code = (uint32_t)f->code;
		traffic_add(&f->agent->traffic, f->account_bad);
	}
	ret->main_code = winner(&votes);
	sum_sms(r, in, ret);
	free_p(&l.v);
}
