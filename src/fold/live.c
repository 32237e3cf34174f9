/*
 * Live documents: only what differs from what the reader has. The reader's state is our own,
 * because we fold what we send, so nothing has to be remembered beside it.
 *
 * Invariant: a document made here, folded into `have`, leaves `want`; folded twice it does
 * no harm.
 */
#include "fold/internal.h"

#include <string.h>

/* Sequence, time, version and position are not ours to say. */
void live_head(struct jw *w, const struct state *have, const struct state *want)
{
	struct state now = *want;

	now.seq = have->seq;
	now.now_ms = have->now_ms;
	now.version = have->version;
	now.live = have->live;
	record_changes(w, &state_head_type, have, &now);
}

/* Does it read otherwise? Rounded and cleaned values come back from JSON a little different. */
static bool reads_changed(const struct record_type *t, const void *have, const void *want)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	bool any;

	if (record_equal(t, have, want))
		return false;
	any = record_changes(&JW(&b), t, have, want);
	str_fini(&b);
	return any;
}

void live_impact(struct jw *w, const struct state *have, const struct impact *want)
{
	if (!reads_changed(&impact_type, &have->impact, want))
		return;
	jw_obj(w, "impact");
	record_changes(w, &impact_type, &have->impact, want);
	jw_obj_end(w);
}

void live_peers(struct jw *w, const struct state *have, const struct peer *want, size_t n)
{
	bool same = have->n_peers == n;

	for (size_t i = 0; same && i < n; i++)
		same = !reads_changed(&peer_type, &have->peers[i], &want[i]);
	if (same)
		return;
	jw_arr(w, "peers");
	for (size_t i = 0; i < n; i++)
		record_json(w, NULL, &peer_type, &want[i]);
	jw_arr_end(w);
}

/* ---- accounts ------------------------------------------------------------------------ */

void live_accounts(struct jw *w, const struct state *have, const struct account *const *want,
		   size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		const struct account *known = state_account(have, want[i]->id);

		if (known && !reads_changed(&account_type, known, want[i]))
			continue;
		if (!any)
			jw_arr(w, "accounts");
		any = true;
		if (!known) {
			account_json(w, NULL, want[i]);
			continue;
		}
		jw_obj(w, NULL);
		jw_str(w, "id", want[i]->id);
		record_changes(w, &account_type, known, want[i]);
		jw_obj_end(w);
	}
	if (any)
		jw_arr_end(w);
}

/* ---- gates ----------------------------------------------------------------------------- */

static const struct gate_result *gate_of(const struct lineage_gates *g, int gate)
{
	for (size_t i = 0; g && i < g->n_gates; i++)
		if (g->gates[i].gate == gate)
			return &g->gates[i];
	return NULL;
}

static bool gate_same(const struct gate_result *have, const struct gate_result *want)
{
	return have && !reads_changed(&gate_result_type, have, want);
}

/* The gates of one lineage that differ; 0 = none. */
static size_t gates_differ(const struct lineage_gates *have, const struct lineage_gates *want)
{
	size_t n = !have || !str_eq(have->target, want->target);

	for (size_t i = 0; i < want->n_gates; i++)
		n += !gate_same(gate_of(have, want->gates[i].gate), &want->gates[i]);
	return n;
}

static void lineage_change(struct jw *w, const struct lineage_gates *have,
			   const struct lineage_gates *want)
{
	jw_obj(w, NULL);
	jw_str(w, "lineage", want->lineage);
	jw_str(w, "target", want->target);
	jw_arr(w, "gates");
	for (size_t i = 0; i < want->n_gates; i++)
		if (!gate_same(gate_of(have, want->gates[i].gate), &want->gates[i]))
			record_json(w, NULL, &gate_result_type, &want->gates[i]);
	jw_arr_end(w);
	jw_obj_end(w);
}

/* Both lists come from the same source in the same order, as a rule: look there first. */
static const struct lineage_gates *lineage_at(const struct lineage_gates *v, size_t n, size_t i,
					      const char *lineage)
{
	if (i < n && str_eq(v[i].lineage, lineage))
		return &v[i];
	for (size_t k = 0; k < n; k++)
		if (str_eq(v[k].lineage, lineage))
			return &v[k];
	return NULL;
}

static void open_changes(struct jw *w, bool *any)
{
	if (!*any)
		jw_arr(w, "gateChanges");
	*any = true;
}

void live_gates(struct jw *w, const struct state *have, const struct lineage_gates *want, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		const struct lineage_gates *known = lineage_at(have->gates, have->n_gates, i,
							       want[i].lineage);

		if (known && !gates_differ(known, &want[i]))
			continue;
		open_changes(w, &any);
		lineage_change(w, known, &want[i]);
	}
	for (size_t i = 0; i < have->n_gates; i++) {
		if (lineage_at(want, n, i, have->gates[i].lineage))
			continue;
		open_changes(w, &any);
		jw_obj(w, NULL);
		jw_str(w, "lineage", have->gates[i].lineage);
		jw_bool(w, "gone", true);
		jw_obj_end(w);
	}
	if (any)
		jw_arr_end(w);
}

/* ---- all of it --------------------------------------------------------------------------- */

static void put_lists(struct jw *w, const struct state *s)
{
	jw_arr(w, "accounts");
	for (size_t i = 0; i < s->n_accounts; i++)
		account_json(w, NULL, &s->accounts[i]);
	jw_arr_end(w);
	jw_arr(w, "peers");
	for (size_t i = 0; i < s->n_peers; i++)
		record_json(w, NULL, &peer_type, &s->peers[i]);
	jw_arr_end(w);
	jw_arr(w, "people");
	for (size_t i = 0; i < s->n_people; i++)
		record_json(w, NULL, &person_type, &s->people[i]);
	jw_arr_end(w);
}

void live_whole(struct jw *w, const struct state *s)
{
	record_members(w, &state_head_type, s);
	record_json(w, "impact", &impact_type, &s->impact);
	put_lists(w, s);
	put_gates(w, s);
}
