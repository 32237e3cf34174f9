/*
 * What must hold at every commit and before every outside write: decisions only by who may
 * make them, with their gates and their evidence; transitions that failover.md allows; the
 * hour; nothing outside without lease, decision, journal and both records; what was answered
 * to a person is there.
 */
#include <stdio.h>
#include <string.h>

#include "failover/gates.h"
#include "tests/world/world.h"

/* From the making of a plan to the last write that it may still have on the wire. */
enum { SLACK_MS = 12000 };

/* ---- transitions ----------------------------------------------------------------------- */

static bool allowed(enum event_status from, enum event_status to)
{
#define S(x) (1u << EV_##x)
	static const unsigned next[] = {
		[EV_HELD] = S(PENDING) | S(APPROVED) | S(CANCELLED) | S(REJECTED),
		[EV_PENDING] = S(APPROVED) | S(HELD) | S(CANCELLED) | S(REJECTED),
		[EV_APPROVED] = S(EXECUTING) | S(CANCELLED),
		[EV_EXECUTING] = S(COMPLETED) | S(FAILED) | S(CANCELLED) | S(ROLLING_BACK),
		[EV_COMPLETED] = S(ROLLING_BACK) | S(SUPERSEDED),
		[EV_FAILED] = S(EXECUTING) | S(ROLLING_BACK) | S(ACCEPTED),
		[EV_ROLLING_BACK] = S(ROLLED_BACK) | S(FAILED),
		[EV_CANCELLED] = S(PENDING) | S(HELD) | S(APPROVED),
	};

	return (size_t)from < COUNT_OF(next) && next[from] >> to & 1;
}

/* After a loss of commits any event may be put before a person. */
static bool excused(const struct world *w, enum event_status to)
{
	return w->lost_ms && (to == EV_FAILED || to == EV_HELD);
}

/* ---- approvals --------------------------------------------------------------------------- */

static bool has_override(const struct event *e, const char *gate)
{
	_cleanup_(free_p) char *want = xasprintf("\"%s\"", gate);

	return e->overrides && strstr(e->overrides, want);
}

static void law_gates(struct engine_in_world *by, const struct event *e, bool by_engine)
{
	for (size_t i = 0; i < e->n_gates; i++) {
		const struct gate_result *g = &e->gates[i];

		if (g->pass || (!by_engine && g->overridable && has_override(e, gate_name(g->gate))))
			continue;
		broken(by->w, "%s was approved by %s although gate %s was shut: %s", e->id,
		       by_engine ? "an engine" : "a person", gate_name(g->gate),
		       g->why ? g->why : "");
	}
	if (e->n_gates < GATE_MAX)
		broken(by->w, "%s was approved with %zu gates", e->id, e->n_gates);
}

/* No attempt wrote forward in the last hour. */
static void law_hour(struct world *w, int own, const struct event *e)
{
	if (w->jumps || w->lost_ms || has_override(e, "hour"))
		return;
	for (int i = 0; i < w->next.n_events; i++)
		if (i != own && w->truth[i].last_forward_ms &&
		    w->now_ms - w->truth[i].last_forward_ms + SLACK_MS < w->set.hour_ms)
			broken(w, "%s was approved %lld ms after a write of %s", e->id,
			       (long long)(w->now_ms - w->truth[i].last_forward_ms),
			       w->next.events[i]->e.id);
}

/* An engine decides by itself only on what was really so a moment ago, and, unless it is critical,
 * after a whole window of failing tests. */
static void law_cause(struct world *w, const struct event_row *was, const struct event *e)
{
	const struct sick *s = &w->sick[e->from[3] - '1'];
	int64_t last_ms = s->how != WELL ? w->now_ms : s->last_ms;

	if (!last_ms || w->now_ms - last_ms > w->set.evidence_fresh_ms + w->set.last_test_ms)
		broken(w, "%s was approved by an engine, account %s has been well for %lld ms",
		       e->id, e->from, (long long)(w->now_ms - last_ms));
	if (e->severity == SEV_CRITICAL && !e->confirmed)
		broken(w, "%s was approved by an engine, unconfirmed", e->id);
	if (e->severity == SEV_CRITICAL)
		return;
	if (!was || was->e.status != EV_PENDING)
		broken(w, "%s was approved by an engine without a window", e->id);
	else if (was->e.tested_failing_ms < was->e.window_ms + was->e.extended_ms)
		broken(w, "%s was approved by an engine after %lld of %lld ms", e->id,
		       (long long)was->e.tested_failing_ms, (long long)was->e.window_ms);
}

static void law_approved(struct engine_in_world *by, const struct tx *t, int i,
			 const struct event_row *was)
{
	struct world *w = by->w;
	const struct event *e = &w->next.events[i]->e;
	bool by_engine = t->who.epoch > 0;
	bool reserved = false;

	w->truth[i] = (struct truth){ .approved_ms = w->now_ms };
	if (by_engine && (by->frozen || t->who.epoch != w->lease.epoch))
		broken(w, "%s was approved by %s, which does not lead", e->id, by->id);
	law_gates(by, e, by_engine);
	law_hour(w, i, e);
	if (by_engine) {
		w->automatic++;
		law_cause(w, was, e);
	}
	for (int k = 0; k < w->next.n_reserved; k++)
		reserved = reserved || str_eq(w->next.reserved[k].event, e->id);
	if (!w->next.n_items[i])
		broken(w, "%s was approved without a plan", e->id);
	if (!reserved && !str_eq(e->to, "acc1"))
		broken(w, "%s was approved and nothing is reserved for it", e->id);
}

/* ---- commits -------------------------------------------------------------------------------- */

static bool journaled(const struct world *w, const char *event, int status)
{
	for (int i = w->n_journal; i < w->n_journal_next; i++)
		if (str_eq(w->journal[i].subject, event) && w->journal[i].status == status)
			return true;
	return false;
}

void law_commit(struct engine_in_world *by, const struct tx *t)
{
	struct world *w = by->w;
	int open = 0;

	for (int i = 0; i < w->next.n_events; i++) {
		const struct event_row *is = w->next.events[i];
		const struct event_row *was = i < w->now.n_events ? w->now.events[i] : NULL;
		enum event_status to = (enum event_status)is->e.status;

		open += event_status_open(to);
		if (is == was || (was && was->e.status == is->e.status))
			continue;
		if (was && !allowed((enum event_status)was->e.status, to) && !excused(w, to))
			broken(w, "%s went from %s to %s", is->e.id,
			       event_status_name(was->e.status), event_status_name(to));
		if (to != EV_SUPERSEDED && !journaled(w, is->e.id, (int)to))
			broken(w, "%s became %s and the journal does not say so", is->e.id,
			       event_status_name(to));
		if (to == EV_APPROVED)
			law_approved(by, t, i, was);
	}
	if (open > 1)
		broken(w, "%d events of the lineage are open", open);
}

/* ---- writes --------------------------------------------------------------------- */

static bool on_record(const struct world *w, int64_t epoch)
{
	for (int i = w->n_effects; i-- > 0;)
		if (w->effects[i].epoch == epoch && w->effects[i].state == EFFECT_INTENDED)
			return true;
	return false;
}

static bool on_disk(const struct engine_in_world *e, int64_t epoch)
{
	for (int i = e->n_intents; i-- > 0;)
		if (e->intents[i].synced && e->intents[i].i.epoch == epoch)
			return true;
	return false;
}

static bool decided(const struct world *w, const char *event)
{
	for (int i = 0; i < w->n_journal; i++)
		if (str_eq(w->journal[i].subject, event) && w->journal[i].status == EV_APPROVED)
			return true;
	return false;
}

void law_write(struct engine_in_world *e, const char *kind)
{
	struct world *w = e->w;
	int64_t epoch = lease_epoch(e->lease);
	int under_way = -1;

	if (e->frozen)
		broken(w, "%s writes (%s) while it stands still", e->id, kind);
	if (!epoch || !lease_may_write(e->lease))
		broken(w, "%s writes (%s) without the lease", e->id, kind);
	if (epoch < w->max_epoch_written)
		broken(w, "%s writes (%s) in epoch %lld after a write in %lld", e->id, kind,
		       (long long)epoch, (long long)w->max_epoch_written);
	w->max_epoch_written = epoch;
	for (int i = 0; i < w->now.n_events; i++)
		if (event_status_attempting((enum event_status)w->now.events[i]->e.status))
			under_way = i;
	/* what nobody could know yet: the commits it goes by are gone since a moment */
	if (w->lost_ms && w->now_ms - w->lost_ms < w->set.lease_ttl_ms)
		return;
	if (!on_record(w, epoch))
		broken(w, "%s writes (%s) without a record of it", e->id, kind);
	if (!on_disk(e, epoch))
		broken(w, "%s writes (%s) and its log does not know", e->id, kind);
	if (under_way < 0)
		/* the attempt ended while the write waited: the sweep of the end finds it */
		return;
	if (!decided(w, w->now.events[under_way]->e.id))
		broken(w, "%s writes (%s) for %s, which the journal does not know as approved",
		       e->id, kind, w->now.events[under_way]->e.id);
	if (w->now.events[under_way]->e.status == EV_EXECUTING)
		w->truth[under_way].last_forward_ms = w->now_ms;
}

/* ---- answers -------------------------------------------------------------------- */

void law_answered(struct world *w, const char *actor, const char *what, int r)
{
	bool found = false;

	for (int i = 0; i < w->n_journal; i++)
		found = found || str_eq(w->journal[i].actor, actor);
	if (r >= 0) {
		w->acks++;
		if (!found && !w->lost_ms)
			broken(w, "%s %s was acknowledged and the journal does not know", actor,
			       what);
	} else if (found && (r == ERR_CONFLICT || r == ERR_INVALID || r == ERR_NOT_FOUND)) {
		broken(w, "%s %s was refused and done all the same", actor, what);
	}
}
