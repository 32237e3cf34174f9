/*
 * What probes are told: each account is well, suspended (its parent says so too), refuses our
 * credentials (its parent finds it active), answers with errors, or lets the traffic of its
 * agents fail. The truth is kept, so that a decision can be held against it.
 */
#include <stdio.h>
#include <string.h>

#include "tests/world/world.h"

enum { MESSAGES = 6 };

static struct engine_in_world *asker(struct providers *p)
{
	return CONTAINER_OF(p, struct engine_in_world, providers);
}

static int account_no(const char *sid)
{
	int n = sid[0] && sid[1] ? sid[2] - '1' : -1;

	return n >= 0 && n < W_ACCOUNTS ? n : -1;
}

enum sickness sick_now(struct world *w, const char *account_sid)
{
	int n = account_no(account_sid);

	if (n < 0)
		return WELL;
	if (w->sick[n].how != WELL)
		w->sick[n].last_ms = w->now_ms;
	return w->sick[n].how;
}

void fall_ill(struct world *w, int account, enum sickness how)
{
	static const char *const words[] = { "well", "suspended", "refusing", "erring", "failing" };
	struct sick *s = &w->sick[account];

	if (s->how != WELL)
		s->last_ms = w->now_ms;
	if (s->how != how)
		say(w, "account %d is %s", account + 1, words[how]);
	s->how = how;
	s->since_ms = w->now_ms;
}

static enum call_result tell(struct call_info *info, enum call_result r)
{
	memset(info, 0, sizeof(*info));
	info->result = r;
	info->requests = 1;
	snprintf(info->message, sizeof(info->message), "fake");
	return r;
}

/* The way there and back; what an account in that state answers to anything. */
static enum call_result asked(struct providers *p, const struct credentials *c,
			      struct call_info *info)
{
	struct engine_in_world *e = asker(p);
	struct world *w = e->w;
	enum sickness how;

	if (task_sleep(w->out.delay(p)) == OP_CANCELLED)
		return tell(info, CALL_CANCELLED);
	if (e->dead || e->cut_until_ms > w->now_ms)
		return tell(info, CALL_UNREACHABLE);
	if (!w->calm && chance(w, w->out_fault / 2))
		return tell(info, chance(w, 500) ? CALL_TIMEOUT : CALL_RATE_LIMITED);
	how = sick_now(w, c->account_sid);
	return tell(info, how == SUSPENDED ? CALL_INACTIVE : how == REFUSED ? CALL_REJECTED :
			  how == ERRORS ? CALL_SERVER : CALL_OK);
}

static enum call_result account(OP_HEAD, enum credential_use use, struct account_info *ret,
				struct call_info *info)
{
	struct world *w = asker(p)->w;

	asked(p, c, info);
	if (use == CRED_PARENT && (info->result == CALL_INACTIVE || info->result == CALL_REJECTED))
		tell(info, CALL_OK);
	if (info->result != CALL_OK)
		return info->result;
	ret->status = sick_now(w, c->account_sid) == SUSPENDED ? ACCOUNT_SUSPENDED : ACCOUNT_ACTIVE;
	snprintf(ret->sid, sizeof(ret->sid), "%s", c->account_sid);
	return CALL_OK;
}

static enum call_result balance(OP_HEAD, enum credential_use use, struct balance *ret,
				struct call_info *info)
{
	(void)use;
	*ret = (struct balance){ .known = true, .amount = 100, .currency = "USD" };
	return asked(p, c, info);
}

static enum call_result numbers(OP_HEAD, enum credential_use use, struct phone_list *ret,
				struct call_info *info)
{
	if (asked(p, c, info) != CALL_OK)
		return info->result;
	return asker(p)->w->out_providers->telephony->numbers(p, c, use, ret, info);
}

static enum call_result calls(OP_HEAD, int64_t since_ms, int max_pages, struct call_list *ret,
			      struct call_info *info)
{
	(void)since_ms;
	(void)max_pages;
	(void)ret;
	return asked(p, c, info);
}

/* Some of each agent that runs on the account, as the database has it. */
static enum call_result messages(OP_HEAD, int64_t since_ms, int max_pages,
				 struct message_list *ret, struct call_info *info)
{
	struct world *w = asker(p)->w;
	int64_t wall = loop_wall_ms(p->loop);
	bool bad = sick_now(w, c->account_sid) == FAILING;
	int64_t well_ms = w->now_ms - w->sick[account_no(c->account_sid)].since_ms;

	(void)since_ms;
	(void)max_pages;
	if (asked(p, c, info) != CALL_OK)
		return info->result;
	for (int i = 0; i < W_AGENTS; i++) {
		const struct db_agent *a = &w->now.agents[i];
		const char *on = a->account ? a->account : "acc1";
		bool home = !strcmp(on, "acc1");

		if (strcmp(on + 3, c->account_sid + 2) || (!home && !a->backup))
			continue;
		for (int k = 0; k < MESSAGES; k++) {
			ret->v = grow(ret->v, &ret->cap, ret->n + 1, sizeof(*ret->v));
			struct message_record *m = &ret->v[ret->n++];

			memset(m, 0, sizeof(*m));
			m->at_ms = wall - 500 - k * 1500;
			/* what was sent before the change had the fate of that time */
			bool failed = k * 1500 + 500 <= well_ms ? bad : !bad && w->sick[account_no(
				      c->account_sid)].last_ms >= w->now_ms - 12000;
			m->status = failed ? MESSAGE_FAILED : MESSAGE_DELIVERED;
			m->code = failed ? 30002 : 0;
			snprintf(m->sid, sizeof(m->sid), "SM%d", i * MESSAGES + k);
			snprintf(m->from, sizeof(m->from), "%s", home ? a->number : a->backup);
			snprintf(m->to, sizeof(m->to), "+14155550100");
		}
	}
	return CALL_OK;
}

static enum call_result alerts(OP_HEAD, int64_t since_ms, int max_pages, struct alert_list *ret,
			       struct call_info *info)
{
	(void)since_ms;
	(void)max_pages;
	(void)ret;
	return asked(p, c, info);
}

static enum call_result changes(OP_HEAD, const char *resource_sid, int64_t since_ms,
				struct change_list *ret, struct call_info *info)
{
	(void)resource_sid;
	(void)since_ms;
	(void)ret;
	return asked(p, c, info);
}

static enum call_result sms_numbers(OP_HEAD, struct sms_number_list *ret, struct call_info *info)
{
	(void)ret;
	return asked(p, c, info);
}

static enum call_result voice_region(OP_HEAD, const char *e164, char ret[16],
				     struct call_info *info)
{
	(void)e164;
	snprintf(ret, 16, "us1");
	return asked(p, c, info);
}

static enum call_result agents(struct providers *p,
			       void (*fn)(void *ctx, const struct remote_agent *a), void *ctx,
			       struct call_info *info)
{
	struct world *w = asker(p)->w;

	if (task_sleep(w->out.delay(p)) == OP_CANCELLED)
		return tell(info, CALL_CANCELLED);
	if (w->out.eleven_down || asker(p)->cut_until_ms > w->now_ms)
		return tell(info, CALL_SERVER);
	for (int i = 0; i < W_AGENTS; i++) {
		struct remote_agent a = { 0 };

		snprintf(a.id, sizeof(a.id), "%s", w->now.agents[i].eleven);
		fn(ctx, &a);
	}
	return tell(info, CALL_OK);
}

static enum call_result key_rights(struct providers *p, struct key_rights *ret,
				   struct call_info *info)
{
	struct world *w = asker(p)->w;

	if (task_sleep(w->out.delay(p)) == OP_CANCELLED)
		return tell(info, CALL_CANCELLED);
	*ret = (struct key_rights){ .read = true, .write = true, .known = !w->out.eleven_down };
	return tell(info, w->out.eleven_down ? CALL_SERVER : CALL_OK);
}

static enum call_result fetch(struct providers *p, enum feed_id f, struct feed_report *ret,
			      struct call_info *info)
{
	(void)f;
	ret->state = FEED_OPERATIONAL;
	return tell(info, task_sleep(asker(p)->w->out.delay(p)) == OP_CANCELLED ? CALL_CANCELLED :
										  CALL_OK);
}

void sense_init(struct world *w)
{
	const struct providers *p = w->out_providers;

	w->telephony = *p->telephony;
	w->telephony.account = account;
	w->telephony.balance = balance;
	w->telephony.numbers = numbers;
	w->telephony.calls = calls;
	w->telephony.messages = messages;
	w->telephony.alerts = alerts;
	w->telephony.changes = changes;
	w->telephony.sms_numbers = sms_numbers;
	w->telephony.voice_region = voice_region;
	w->agents = *p->agents;
	w->agents.agents = agents;
	w->agents.key_rights = key_rights;
	w->app = *p->app;
	w->feeds.fetch = fetch;
}
