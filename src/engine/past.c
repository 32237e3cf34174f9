/*
 * See past.h. A checkpoint is made from the one before it and the rows since, never from the
 * live state: that one also holds what is not journaled, and a past must not depend on who
 * was asked when.
 */
#include "engine/past.h"

#include <stdlib.h>
#include <string.h>

#include "core/duty.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "store/checkpoints.h"
#include "store/journal.h"

enum { BATCH = 200, LOOK_MS = 10000, BETWEEN_MS = 50, A_TURN = 20 };

struct past {
	struct store *store;
	bool (*leads)(void *ctx);
	void *ctx;
	bool told;			/* that there is no checkpoint */
	struct duty duty;
};

/* ---- any row ------------------------------------------------------------------------- */

static int64_t apply(struct state *s, const struct journal_row *rows, size_t n, int64_t to)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	int64_t applied = 0;

	for (size_t i = 0; i < n && rows[i].seq <= to; i++, applied++) {
		struct json *entry;

		str_clear(&b);
		journal_row_json(&JW(&b), NULL, &rows[i]);
		entry = json_parse(str_get(&b), b.len, NULL);
		if (entry)
			state_apply(s, entry, NULL);
		json_free(entry);
		s->now_ms = rows[i].at_ms;
	}
	str_fini(&b);
	return applied;
}

int past_state(struct store *s, int64_t seq, struct state *ret, int64_t *ret_folded,
	       struct err *err)
{
	_cleanup_(free_p) char *doc = NULL;
	int64_t from = 0, got = BATCH;
	int e;

	state_init(ret);
	*ret_folded = 0;
	e = checkpoint_before(s, seq, &doc, &from, err);
	if (e == 0 && doc)
		e = state_load_text(ret, doc, strlen(doc), err);
	while (e == 0 && ret->seq < seq && got == BATCH) {
		struct journal_row *rows = NULL;
		size_t n = 0;

		e = journal_after(s, ret->seq, BATCH, &rows, &n, err);
		if (e == 0)
			got = apply(ret, rows, n, seq);
		*ret_folded += e == 0 ? got : 0;
		journal_rows_free(rows, n);
	}
	return e;
}

/* ---- checkpoints ------------------------------------------------------------------------ */

static int write_one(struct store *s, int64_t seq, struct err *err)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct state state;
	int64_t folded;
	int e = past_state(s, seq, &state, &folded, err);

	if (e == 0) {
		struct jw w = JW(&b);

		state_json(&w, NULL, &state);
		e = b.full ? err_set(err, ERR_TOO_BIG, "the state is larger than a checkpoint may"
						       " be") :
			     checkpoint_put(s, seq, str_get(&b), err);
	}
	state_fini(&state);
	str_fini(&b);
	return e;
}

int past_checkpoints(struct store *s, size_t *ret, struct err *err)
{
	int64_t seq = 0;
	int e = checkpoint_due(s, &seq, err);

	for (*ret = 0; e == 0 && seq && *ret < A_TURN; (*ret)++) {
		e = write_one(s, seq, err);
		if (e == 0 && task_sleep(BETWEEN_MS) == OP_CANCELLED)
			return err_set(err, ERR_CANCELLED, "cancelled");
		if (e == 0)
			e = checkpoint_due(s, &seq, err);
	}
	return e < 0 ? e : checkpoints_prune(s, err);
}

static int64_t turn(void *arg)
{
	struct past *p = arg;
	struct err err = { 0 };
	size_t n = 0;
	int e = p->leads(p->ctx) ? past_checkpoints(p->store, &n, &err) : 0;

	if (e < 0 && e != ERR_CANCELLED && !p->told)
		log_warn("past", "no checkpoint for replay: %s", err.msg);
	p->told = e < 0;
	return n < A_TURN ? LOOK_MS : 0;
}

struct past *past_new(struct loop *l, struct store *s, bool (*leads)(void *ctx), void *ctx)
{
	struct past *p = xcalloc(1, sizeof(*p));

	*p = (struct past){ .store = s, .leads = leads, .ctx = ctx };
	duty_start(&p->duty, l, "past", turn, p);
	return p;
}

void past_stop(struct past *p)
{
	if (p)
		duty_stop(&p->duty);
}

bool past_idle(const struct past *p)
{
	return !p || duty_idle(&p->duty);
}

void past_free(struct past *p)
{
	if (p && duty_idle(&p->duty))
		free(p);
}
