/* The past, for replay: the state at an instant or a row, and the journal's rows as the stream
 * brings them, so that who has a state can go on by itself. */
#include "api/internal.h"

#include "engine/engine.h"
#include "engine/past.h"
#include "store/checkpoints.h"
#include "store/journal.h"

enum { ENTRIES_BYTES = 4 << 20 };

static int target(struct call *c, int64_t *ret_seq, int64_t *ret_at, int *status)
{
	struct err err = { 0 };

	*ret_at = 0;
	*ret_seq = call_number(c, "seq");
	if (*ret_seq >= 0)
		return 0;
	*ret_at = call_instant(c, "at");
	/* nothing is known of what is still to come */
	if (!call_query(c, "at") || *ret_at > loop_wall_ms(c->engine->loop))
		*ret_at = loop_wall_ms(c->engine->loop);
	if (journal_seq_at(c->engine->store, *ret_at, ret_seq, &err) == 0)
		return 0;
	*status = api_problem_err(c, &err);
	return -1;
}

static int get_replay(struct call *c)
{
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	struct state state;
	int64_t seq, at, back = call_number(c, "back"), head = 0, folded;
	int status = 0;

	if (target(c, &seq, &at, &status) < 0)
		return status;
	if (journal_head(c->engine->store, &head, &err) < 0)
		return api_problem_err(c, &err);
	seq = seq > head ? head : seq > back ? seq - back : 0;
	if (past_state(c->engine->store, seq, &state, &folded, &err) < 0) {
		state_fini(&state);
		return api_problem_err(c, &err);
	}
	if (at && !back)
		state.now_ms = at;
	jw_obj(&w, NULL);
	jw_time(&w, "at", state.now_ms);
	jw_i64(&w, "seq", state.seq);
	jw_i64(&w, "head", head);
	jw_i64(&w, "folded", folded);
	jw_raw(&w, "notRecorded", "[\"gates\",\"impact\",\"peers\",\"people\",\"agents\","
				  "\"numbers\"]");
	state_json(&w, "state", &state);
	jw_obj_end(&w);
	state_fini(&state);
	return 200;
}

static int get_journal(struct call *c)
{
	struct journal_row *rows = NULL;
	struct jw w = JW(&c->out);
	struct err err = { 0 };
	int64_t head = 0;
	size_t n = 0;

	if (journal_head(c->engine->store, &head, &err) < 0 ||
	    journal_after(c->engine->store, call_number(c, "after"), call_number(c, "limit"),
			  &rows, &n, &err) < 0)
		return api_problem_err(c, &err);
	jw_obj(&w, NULL);
	jw_i64(&w, "head", head);
	jw_arr(&w, "entries");
	for (size_t i = 0; i < n && c->out.len < ENTRIES_BYTES; i++)
		journal_row_json(&w, NULL, &rows[i]);
	jw_arr_end(&w);
	jw_obj_end(&w);
	journal_rows_free(rows, n);
	return 200;
}

static const struct route routes[] = {
	{ "GET", "/api/v1/replay", PR_VIEWER, .handle = get_replay,
	  .help = "the state at an instant of the past, now unless said",
	  .query = { { "at", Q_TIME, "the instant" },
		     { "seq", Q_INT, "or the newest row of the journal that counts",
		       .max = INT64_MAX, .otherwise = -1 },
		     { "back", Q_INT, "so many rows before it", .max = 1000 } } },
	{ "GET", "/api/v1/journal", PR_VIEWER, .handle = get_journal,
	  .help = "the journal's rows in order, as the stream brings them",
	  .query = { { "after", Q_INT, "the sequence to go on from", .max = INT64_MAX },
		     Q_LIMIT(200) } },
};
const struct route_table replay_routes = { routes, COUNT_OF(routes) };
