/*
 * Traffic without storage. Position j of an account's cycle belongs to slot
 * j mod cycle and to the simulated moment j * every / cycle, so that any page of
 * any window is computed from its j alone; the SID carries j and a check value.
 * Stored calls and messages (made through the API) are merged in by time.
 */
#include "sim/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY_MS = 86400000 };

static uint64_t check_of(const struct sim *s, const struct sim_account *a, enum sim_traffic kind,
			 int64_t j)
{
	return sim_mix(sim_mix((uint64_t)j * 4 + kind) ^ s->world.shape.seed ^
		       ((uint64_t)a->index << 40));
}

static void make_sid(const struct sim *s, const struct sim_account *a, enum sim_traffic kind,
		     int64_t j, char ret[SIM_SID])
{
	snprintf(ret, SIM_SID, "%s%016llx%04x%01x%011llx", kind == SIM_CALLS ? "CA" : "SM",
		 (unsigned long long)check_of(s, a, kind, j), (unsigned)a->index & 0xffff,
		 (unsigned)kind, (unsigned long long)j & 0xfffffffffffu);
}

static int64_t every_of(const struct sim *s, enum sim_traffic kind)
{
	return kind == SIM_CALLS ? s->world.call_every_ms : s->world.message_every_ms;
}

static bool fails(const struct sim_history *h, int64_t at_ms, double dice, int *ret_code)
{
	const struct sim_health *now = sim_history_at(h, at_ms);

	if (!now || dice >= now->rate)
		return false;
	*ret_code = now->code;
	return true;
}

static void call_outcome(const struct sim *s, const struct sim_account *a, struct sim_call *c,
			 uint64_t hash, int64_t now_ms)
{
	double dice = (double)(hash >> 11) / 9007199254740992.0;
	int seconds = 15 + (int)(hash % 50);
	unsigned noise = (unsigned)(hash >> 20) % 100;

	if (fails(&a->calls_health, c->start_ms, dice, &c->code) ||
	    fails(c->number->calls_health, c->start_ms, dice, &c->code)) {
		c->status = "failed";
		c->end_ms = c->start_ms;
		return;
	}
	if (noise < 3) {
		c->status = noise < 2 ? "no-answer" : "busy";
		c->end_ms = c->start_ms;
		return;
	}
	c->end_ms = c->start_ms + (int64_t)(seconds * 1000 / s->world.speed);
	c->duration_s = seconds;
	c->status = "completed";
	if (c->end_ms > now_ms) {
		c->end_ms = 0;
		c->duration_s = 0;
		c->status = "in-progress";
	}
}

static void message_outcome(const struct sim_account *a, struct sim_call *c, uint64_t hash)
{
	double dice = (double)(hash >> 11) / 9007199254740992.0;
	unsigned noise = (unsigned)(hash >> 20) % 200;

	c->outbound = (hash & 1) == 0;
	c->end_ms = c->start_ms;
	c->status = c->outbound ? "delivered" : "received";
	if (!c->outbound)
		return;
	if (fails(&a->sms_health, c->start_ms, dice, &c->code) ||
	    fails(c->number->sms_health, c->start_ms, dice, &c->code))
		c->status = c->code == 30002 ? "failed" : "undelivered";
	else if (!c->number->sms_ready)
		c->code = 30034;
	else if (noise < 3)
		c->code = noise < 2 ? 30003 : 30008;
	if (c->code && !str_eq(c->status, "failed"))
		c->status = "undelivered";
}

static bool compute(struct sim *s, struct sim_account *a, enum sim_traffic kind, int64_t j,
		    int64_t now_ms, struct sim_call *ret)
{
	struct sim_world *w = &s->world;
	size_t slot = (size_t)(j % w->cycle);
	struct sim_number *n = slot < a->n_slots ? a->slots[slot] : NULL;
	uint64_t hash;
	int64_t at;

	if (!n)
		return false;
	at = sim_wall(w, (int64_t)((double)j * (double)every_of(s, kind) / (double)w->cycle));
	if (at < n->since_ms || at > now_ms || (n->until_ms && at >= n->until_ms))
		return false;
	hash = check_of(s, a, kind, j);
	*ret = (struct sim_call){ .number = n, .start_ms = at };
	make_sid(s, a, kind, j, ret->sid);
	snprintf(ret->other, sizeof(ret->other), "+1%03u555%04u", 201 + (unsigned)(hash % 700),
		 (unsigned)(hash >> 32) % 10000);
	if (kind == SIM_CALLS)
		call_outcome(s, a, ret, hash, now_ms);
	else
		message_outcome(a, ret, hash);
	return true;
}

/* What became of a stored call or message by now. */
static void stored_view(const struct sim_record *r, enum sim_traffic kind, struct sim *s,
			int64_t now_ms, struct sim_call *ret)
{
	int64_t age = now_ms - r->created_ms;

	*ret = (struct sim_call){ .record = r, .start_ms = r->created_ms, .outbound = true };
	memcpy(ret->sid, r->sid, SIM_SID);
	snprintf(ret->other, sizeof(ret->other), "%.17s", r->to);
	ret->number = sim_number_get(&s->world, r->from);
	if (kind == SIM_MESSAGES) {
		ret->status = age < 200 ? "queued" : age < 500 ? "sent" : "delivered";
		ret->end_ms = age < 200 ? 0 : r->created_ms + 200;
		if (r->code && age >= 500) {
			ret->status = r->code == 30002 ? "failed" : "undelivered";
			ret->code = r->code;
		}
		return;
	}
	ret->status = r->canceled ? "canceled" : age < 500 ? "queued" : "in-progress";
	if (age >= 3000 || r->canceled)
		ret->end_ms = r->created_ms + 3000;
	if (age >= 3000 && !r->canceled) {
		ret->status = r->code ? "failed" : "completed";
		ret->code = r->code;
		ret->duration_s = r->code ? 0 : 3;
	}
}

void sim_calls_from(struct sim_call_it *it, struct sim *s, struct sim_account *a,
		    enum sim_traffic kind, int64_t from_ms, int64_t to_ms)
{
	struct sim_world *w = &s->world;
	int64_t now = sim_now(s), every = every_of(s, kind), oldest, to;
	double per_ms = (double)w->cycle / (double)every;

	if (to_ms > now)
		to_ms = now;
	*it = (struct sim_call_it){ .sim = s, .account = a, .kind = kind, .now_ms = now };
	to = sim_time(w, to_ms);
	oldest = sim_time(w, now) - HISTORY_MS;
	if (from_ms > 0 && sim_time(w, from_ms) > oldest)
		oldest = sim_time(w, from_ms);
	it->from_ms = from_ms > 0 ? from_ms : sim_wall(w, oldest);
	it->to_ms = to_ms;
	it->j = a->n_slots ? (int64_t)((double)to * per_ms) : 0;
	it->j_end = a->n_slots ? (int64_t)((double)oldest * per_ms) : 1;
	it->stored = kind == SIM_CALLS ? a->n_calls : a->n_messages;
}

static bool next_synthetic(struct sim_call_it *it)
{
	int64_t slots = (int64_t)it->account->n_slots, cycle = it->sim->world.cycle;

	while (!it->has_ahead && it->j >= it->j_end) {
		int64_t j = it->j--;

		if (j % cycle >= slots) {	/* over the empty part of the cycle */
			it->j = j - (j % cycle - slots + 1);
			continue;
		}
		it->has_ahead = compute(it->sim, it->account, it->kind, j, it->now_ms,
					&it->ahead) &&
				it->ahead.start_ms <= it->to_ms &&
					it->ahead.start_ms >= it->from_ms;
	}
	return it->has_ahead;
}

bool sim_calls_next(struct sim_call_it *it, struct sim_call *ret)
{
	const struct sim_record *list =
		it->kind == SIM_CALLS ? it->account->calls : it->account->messages;
	const struct sim_record *r;

	while (it->stored && list[it->stored - 1].created_ms > it->to_ms)
		it->stored--;
	r = it->stored ? &list[it->stored - 1] : NULL;
	if (r && r->created_ms < it->from_ms)
		r = NULL;
	if (next_synthetic(it) && (!r || it->ahead.start_ms > r->created_ms)) {
		*ret = it->ahead;
		it->has_ahead = false;
		return true;
	}
	if (!r)
		return false;
	stored_view(r, it->kind, it->sim, it->now_ms, ret);
	it->stored--;
	return true;
}

bool sim_call_by_sid(struct sim *s, struct sim_account *a, const char *sid, struct sim_call *ret)
{
	enum sim_traffic kind = str_has_prefix(sid, "CA") ? SIM_CALLS : SIM_MESSAGES;
	const struct sim_record *list = kind == SIM_CALLS ? a->calls : a->messages;
	size_t n = kind == SIM_CALLS ? a->n_calls : a->n_messages;
	char again[SIM_SID];
	int64_t j;

	for (size_t i = n; i-- > 0;)
		if (str_eq(list[i].sid, sid)) {
			stored_view(&list[i], kind, s, sim_now(s), ret);
			return true;
		}
	if (strlen(sid) != SIM_SID - 1)
		return false;
	j = (int64_t)strtoll(sid + 2 + 21, NULL, 16);
	make_sid(s, a, kind, j, again);
	return str_eq(again, sid) && compute(s, a, kind, j, sim_now(s), ret);
}

static bool failing_since(const struct sim_history *h, int64_t from_ms)
{
	const struct sim_health *first = sim_history_at(h, from_ms);

	if (first && first->rate > 0)
		return true;
	for (int i = 0; h && i < h->n; i++)
		if (h->v[i].at_ms >= from_ms && h->v[i].rate > 0)
			return true;
	return false;
}

bool sim_any_failing(const struct sim_account *a, int64_t from_ms)
{
	if (failing_since(&a->calls_health, from_ms))
		return true;
	for (size_t i = 0; i < a->n_slots; i++)
		if (a->slots[i] && failing_since(a->slots[i]->calls_health, from_ms))
			return true;
	for (size_t i = 0; i < a->n_calls; i++)
		if (a->calls[i].code)
			return true;
	return false;
}
