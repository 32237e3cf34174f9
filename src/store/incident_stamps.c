/*
 * Do an incident's stamps make sense? Asked whenever somebody gives one: a month that is slipped
 * or a zone that is left out would otherwise show as a missing time, or pull a mean up by years.
 * What nobody knows stays away; an acknowledgement may well be later than the end.
 */
#include <string.h>

#include "store/incidents_internal.h"

enum { SKEW_MS = 5 * 60000 };

#define STAMP(member, json) { json, offsetof(struct incident, member) }
enum { STARTED, DETECTED, ACKED, MITIGATED, RESOLVED, STAMPS };
static const struct { const char *name; size_t at; } stamps[STAMPS] = {
	[STARTED] = STAMP(started_at_ms, "startedAt"),
	[DETECTED] = STAMP(detected_at_ms, "detectedAt"),
	[ACKED] = STAMP(acked_at_ms, "ackedAt"),
	[MITIGATED] = STAMP(mitigated_at_ms, "mitigatedAt"),
	[RESOLVED] = STAMP(resolved_at_ms, "resolvedAt"),
};
#undef STAMP
static const struct { int first, then; } order[] = {
	{ DETECTED, ACKED }, { DETECTED, MITIGATED }, { DETECTED, RESOLVED },
	{ STARTED, MITIGATED }, { STARTED, RESOLVED }, { MITIGATED, RESOLVED },
};
/* A stamp that an order gives: it cannot be there before that. */
static const struct { int stamp; enum incident_state from; const char *verb; } given[] = {
	{ ACKED, IS_ACKNOWLEDGED, "ack" }, { MITIGATED, IS_MITIGATED, "mitigate" },
	{ RESOLVED, IS_RESOLVED, "resolve" },
};

static int64_t stamp(const struct incident *i, int which)
{
	int64_t at;

	memcpy(&at, (const char *)i + stamps[which].at, sizeof(at));
	return at;
}

static int wrong(struct err *err, int which, const char *what, int than)
{
	return err_field(err, ERR_INVALID, stamps[which].name, "%s %s%s", stamps[which].name, what,
			 than < STAMPS ? stamps[than].name : "");
}

static int check(const struct incident *i, int64_t now_ms, struct err *err)
{
	for (int k = 0; k < STAMPS; k++)
		if (stamp(i, k) > now_ms + SKEW_MS)
			return wrong(err, k, "lies in the future", STAMPS);
	for (size_t k = 0; k < COUNT_OF(given); k++)
		if (stamp(i, given[k].stamp) && i->state < (int)given[k].from)
			return err_field(err, ERR_INVALID, stamps[given[k].stamp].name,
					 "it is %s: '%s' gives that stamp, with the time it was",
					 enum_name(&incident_state_names, i->state), given[k].verb);
	for (size_t k = 0; k < COUNT_OF(order); k++) {
		int64_t first = stamp(i, order[k].first), then = stamp(i, order[k].then);

		if (first && then && then < first)
			return wrong(err, order[k].then, "lies before ", order[k].first);
	}
	if (i->state >= IS_RESOLVED && !i->resolved_at_ms)
		return wrong(err, RESOLVED, "is needed: the incident is over", STAMPS);
	return 0;
}

int incident_stamps_hold(struct tx *t, const char *id, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	struct incident now = { 0 };
	int e = tx_query(t, &r, err, "SELECT state, started_at AS \"startedAt\", detected_at AS"
			 " \"detectedAt\", acked_at AS \"ackedAt\", mitigated_at AS"
			 " \"mitigatedAt\", resolved_at AS \"resolvedAt\""
			 " FROM ringdown.incident WHERE id = $1", "t", id);

	if (e < 0 || pg_rows(r) == 0)
		return e;
	row_record(&incident_type, &now, r, 0);
	e = check(&now, tx_now_ms(t), err);
	record_fini(&incident_type, &now);
	return e;
}
