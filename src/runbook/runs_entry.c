/*
 * One entry: judged on the newest state under the run's row, applied, stored with the
 * summary that follows from it, committed. Whoever loses the race reads what won and is
 * judged again; whoever cannot commit forgets the run and reads it anew.
 *
 * Invariant: nobody changes anything on a state whose last entry is not committed (busy,
 * deferred). Begins and ends of what only reads may be stored a moment later, several in one
 * transaction; a driver that dies before has done nothing that cannot be done again.
 */
#include <string.h>

#include "core/log.h"
#include "runbook/param.h"
#include "runbook/runs_priv.h"

enum { PAGE = 500, TRIES = 5 };

/* ---- the frozen text ------------------------------------------------------------------ */

const struct runbook *frozen_find(void *frozen, const char *id)
{
	const struct frozen *z = frozen;

	for (size_t i = 0; i < z->n; i++)
		if (str_eq(z->v[i]->id, id))
			return z->v[i];
	return NULL;
}

void frozen_fini(struct frozen *z)
{
	for (size_t i = 0; i < z->n; i++)
		runbook_free(z->v[i]);
	free_p(&z->v);
	z->n = 0;
}

int frozen_parse(struct frozen *z, const struct json *started, struct err *err)
{
	const struct json *sources = json_get(started, "sources");

	z->v = xcalloc(json_count(sources) + 1, sizeof(*z->v));
	for (const struct json *j = json_first(sources); j; j = json_next(j)) {
		struct problems p = { 0 };
		const char *text = json_str(j);
		struct runbook *rb = text ? runbook_parse(text, strlen(text), json_name(j), &p) :
			NULL;

		problems_fini(&p);
		if (!rb)
			return err_set(err, ERR_INVALID, "the stored text of %s cannot be read",
				       json_name(j));
		z->v[z->n++] = rb;
	}
	return z->n ? 0 : err_set(err, ERR_INVALID, "the run has no text");
}

/* ---- reading ---------------------------------------------------------------------------- */

/* What was found when the run began comes before the runbook's own default; what does not fit
 * leaves the question to a person. */
void found_use(struct runbook *rb, const struct json *found)
{
	const struct json *of = json_get(found, rb->id);

	for (size_t i = 0; i < rb->n_params; i++) {
		struct param *p = &rb->params[i];
		const char *text = json_get_str(of, p->name);
		struct value v = { 0 };

		if (!text)
			continue;
		value_fini(&p->otherwise);
		p->has_default = param_value(p, text, &v, NULL) == 0;
		if (p->has_default)
			p->otherwise = v;
		else
			value_fini(&v);
	}
}

static int start_flow(struct held_run *h, const struct run_entry_row *first, struct err *err)
{
	_cleanup_(json_free_p) struct json *j =
		first->data ? json_parse(first->data, strlen(first->data), err) : NULL;
	int e;

	frozen_fini(&h->text);
	e = j ? frozen_parse(&h->text, j, err) : ERR_INVALID;
	for (size_t i = 0; e == 0 && i < h->text.n; i++)
		found_use(h->text.v[i], json_get(j, "found"));
	for (size_t i = 0; e == 0 && i < h->text.n; i++)
		runbook_hasten(h->text.v[i], h->runs->d.speed);
	if (e == 0)
		h->f = flow_new_from(h->text.v[0], frozen_find, &h->text);
	/* read anew by the same engine: nobody has to be asked again */
	if (e == 0 && h->n_old)
		flow_inherit(h->f, h->old[h->n_old - 1].f);
	return e;
}

static int apply_row(struct held_run *h, const struct run_entry_row *row, struct err *err)
{
	struct run_entry e = { .n = row->n, .at_ms = row->at_ms, .step = row->step, .by = row->by,
			       .data = row->data,
			       .kind = enum_parse(&run_entry_names, row->kind) };

	if (!h->f && start_flow(h, row, err) < 0)
		return err ? err->code : ERR_INVALID;
	return row->n <= flow_version(h->f) ? 0 : flow_apply(h->f, &e, err);
}

int held_catch_up(struct held_run *h, struct err *err)
{
	size_t n = PAGE;
	int e = 0;

	if (h->n_deferred)		/* we are ahead; who is not welcome finds it when storing */
		return 0;
	while (e == 0 && n == PAGE) {
		struct run_entry_row *rows = NULL;

		e = run_entries(h->runs->d.store, h->id, h->f ? flow_version(h->f) : 0, PAGE, &rows,
				&n, err);
		if (e < 0)
			return e;
		for (size_t i = 0; i < n && e == 0; i++)
			e = apply_row(h, &rows[i], err);
		run_entry_rows_free(rows, n);
	}
	if (e == 0 && !h->f)
		return err_set(err, ERR_NOT_FOUND, "there is no run %s", h->id);
	return e;
}

static void drop_deferred(struct held_run *h)
{
	for (size_t i = 0; i < h->n_deferred; i++) {
		run_entry_fini(&h->deferred[i].e);
		free_p(&h->deferred[i].note);
	}
	h->n_deferred = 0;
}

/* The driver may still hold a step of it. */
static void forget(struct held_run *h)
{
	drop_deferred(h);
	if (!h->f)
		return;
	h->old = xrealloc(h->old, (h->n_old + 1) * sizeof(*h->old));
	h->old[h->n_old++] = (struct old_flow){ .f = h->f, .text = h->text };
	h->f = NULL;
	h->text = (struct frozen){ 0 };
}

void held_drop_old(struct held_run *h)
{
	for (size_t i = 0; i < h->n_old; i++) {
		flow_free(h->old[i].f);
		frozen_fini(&h->old[i].text);
	}
	free_p(&h->old);
	h->n_old = 0;
}

void held_free(struct held_run *h)
{
	held_drop_old(h);
	drop_deferred(h);
	free_p(&h->deferred);
	flow_free(h->f);
	frozen_fini(&h->text);
	free_p(&h->id);
	free_p(&h->last_by);
	free_p(&h->tried);
	free_p(&h->learnt);
	free_p(&h->holds);
	free_p(&h);
}

static void wait_idle(struct held_run *h)
{
	while (h->busy && !task_cancelled())
		condition_wait(&h->changed, 1000);
}

struct held_run *held_get(struct runs *r, const char *id, struct err *err)
{
	struct held_run *h = r->first;

	while (h && !str_eq(h->id, id))
		h = h->next;
	if (!h) {
		h = xcalloc(1, sizeof(*h));
		h->runs = r;
		h->id = xstrdup(id);
		h->role = PR_OPERATOR;
		h->next = r->first;
		r->first = h;
	}
	h->users++;
	h->used_ms = loop_now_ms(r->d.loop);
	wait_idle(h);
	h->busy = true;
	int e = held_catch_up(h, err);
	h->busy = false;
	condition_wake(&h->changed);
	if (e == 0)
		return h;
	held_release(h);
	return NULL;
}

void held_release(struct held_run *h)
{
	h->users--;
	h->used_ms = loop_now_ms(h->runs->d.loop);
}

/* ---- writing ----------------------------------------------------------------------------- */

static char *document(const struct held_run *h, int64_t now_ms)
{
	struct run_doc d = { 0 };
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&b);

	flow_doc(h->f, now_ms, &d);
	run_doc_json(&w, NULL, &d);
	run_doc_fini(&d);
	return str_take(&b);
}

/* Begins, and checks of a gate that leave it as it is, are not everybody's business. */
static bool quiet(const struct run_entry *e, const struct run *r)
{
	if (e->kind == RE_GATE)
		return e->data && strstr(e->data, "outcome") && str_eq(r->step, e->step);
	return e->kind == RE_BEGIN || e->kind == RE_UNDO_BEGIN;
}

static enum note_level level_of(const struct run_entry *e, const struct run *r)
{
	bool bad = e->data && (strstr(e->data, "\"outcome\":\"fail\"") ||
			       strstr(e->data, "\"outcome\":\"error\""));

	if (e->kind == RE_LATE || e->kind == RE_ABORT || (e->kind == RE_END && bad) ||
	    r->wait == RW_HAPPENED)
		return NOTE_WARN;
	return NOTE_INFO;
}

static void describe_entry(const struct run_entry *e, const struct run *r, struct str *out)
{
	_cleanup_(json_free_p) struct json *d =
		e->data ? json_parse(e->data, strlen(e->data), NULL) : NULL;
	const char *outcome = json_get_str(d, "outcome");

	str_addf(out, "%s: %s", r->runbook, enum_name(&run_entry_names, e->kind));
	if (e->step)
		str_addf(out, " %s", e->step);
	if (json_get_bool(d, "lost", false))
		str_add(out, ", unknown: did it happen?");
	else if (outcome)
		str_addf(out, ", %s", outcome);
	if (json_get_str(d, "pick"))
		str_addf(out, ": %s", json_get_str(d, "pick"));
	if (json_get_str(d, "reason"))
		str_addf(out, " (%s)", json_get_str(d, "reason"));
	if (e->kind == RE_NOTE)
		str_addf(out, ": %s", json_get_str(d, "text"));
	if (str_eq(json_get_str(d, "from"), "incident"))
		str_add(out, ": what the message says is as the incident has it");
	if (e->kind == RE_FINISH)
		str_addf(out, ": %s", r->outcome ? r->outcome : "");
}

/* What the journal says of the entry that was applied last; r: the state behind it. */
static void tell(const struct run_entry *e, const struct run *r, struct deferred *ret)
{
	struct str note = STR_INIT(2000);

	ret->level = level_of(e, r);
	if (!quiet(e, r)) {
		describe_entry(e, r, &note);
		ret->note = str_take(&note);
	}
	str_fini(&note);
}

static struct run_entry_row row_of(const struct run_entry *e, int64_t epoch)
{
	return (struct run_entry_row){
		.n = e->n, .at_ms = e->at_ms, .epoch = epoch, .step = e->step, .by = e->by,
		.kind = (char *)(uintptr_t)enum_name(&run_entry_names, e->kind), .data = e->data };
}

/* What was deferred, then e (may be NULL), as they were applied. */
static int write_entries(struct held_run *h, struct tx *t, const struct run_entry *e,
			 struct err *err)
{
	size_t n = h->n_deferred + (e != NULL);
	struct run_entry_row *rows = xcalloc(n, sizeof(*rows));
	struct run_told *told = xcalloc(n, sizeof(*told));
	struct deferred last = { 0 };
	struct run summary = { 0 };
	struct todo next;
	bool undo;

	flow_run(h->f, &summary);
	for (size_t i = 0; i < h->n_deferred; i++) {
		rows[i] = row_of(&h->deferred[i].e, t->who.epoch);
		told[i] = (struct run_told){ h->deferred[i].level, h->deferred[i].note };
	}
	if (e) {
		tell(e, &summary, &last);
		rows[n - 1] = row_of(e, t->who.epoch);
		told[n - 1] = (struct run_told){ last.level, last.note };
	}
	int64_t at_ms = rows[n - 1].at_ms;
	_cleanup_(free_p) char *doc = flow_over(h->f) ? document(h, at_ms) : NULL;

	flow_next(h->f, at_ms, &next);
	/* what is over may still be undone: the leader finds it by this */
	bool undoing = flow_over(h->f) && (next.kind == TODO_UNDO || flow_in_flight(h->f, &undo));
	struct run_update u = { .summary = &summary, .doc = doc,
				.due_ms = undoing ? at_ms : next.until_ms };
	int r = run_append(t, h->id, rows, told, n, &u, err);

	free_p(&last.note);
	free_p(&rows);
	free_p(&told);
	record_fini(&run_type, &summary);
	return r;
}

/* The row says something else than we know: what we only have in memory is void. */
static int behind(struct held_run *h, struct tx *t, struct err *err)
{
	tx_rollback(t);
	if (h->n_deferred)
		forget(h);
	return held_catch_up(h, err);
}

/* Inside busy. fn NULL: nothing but what was deferred. ERR_CONFLICT without an entry:
 * somebody was first. */
static int try_store(struct held_run *h, const struct who *who, entry_fn fn, void *ctx,
		     bool *ret_again, struct err *err)
{
	_cleanup_(tx_rollback) struct tx t = { 0 };
	struct run_entry e = { 0 };
	int64_t version = 0;
	int r = h->f ? 0 : held_catch_up(h, err);

	*ret_again = false;
	if (r == 0)
		r = tx_begin(h->runs->d.store, &t, who, err);
	if (r == 0)
		r = run_lock(&t, h->id, &version, err);
	if (r == 0 && version != flow_version(h->f) - (int64_t)h->n_deferred) {
		*ret_again = fn != NULL;
		return behind(h, &t, err);
	}
	if (r == 0 && fn)
		r = fn(ctx, h, &e, err);
	if (r < 0)
		return r;
	if (fn) {
		e.n = flow_version(h->f) + 1;
		e.at_ms = tx_now_ms(&t);
		r = flow_apply(h->f, &e, err);
	}
	if (r == 0 && (fn || h->n_deferred))
		r = write_entries(h, &t, fn ? &e : NULL, err);
	if (r == 0)
		r = tx_commit(&t, NULL, err);
	if (r < 0)
		forget(h);
	else
		drop_deferred(h);
	run_entry_fini(&e);
	return r;
}

int held_store(struct held_run *h, const struct who *who, entry_fn fn, void *ctx, struct err *err)
{
	bool again = true;
	int r = 0;

	wait_idle(h);
	h->busy = true;
	for (int i = 0; r == 0 && again && i < TRIES; i++)
		r = try_store(h, who, fn, ctx, &again, err);
	if (r == 0 && again)
		r = err_set(err, ERR_CONFLICT, "%s moves too fast: try again", h->id);
	if (!h->f) {
		struct err why = { 0 };

		if (held_catch_up(h, &why) < 0)
			log_warn("runs", "%s: %s", h->id, why.msg);
	}
	h->busy = false;
	condition_wake(&h->changed);
	if (r == 0 && h->runs->d.changed)
		h->runs->d.changed(h->runs->d.ctx);
	return r;
}

struct known { int kind; const char *step, *data; int64_t version; };

static int known_entry(void *ctx, struct held_run *h, struct run_entry *ret, struct err *err)
{
	const struct known *k = ctx;

	if (flow_over(h->f) && k->kind != RE_END && k->kind != RE_UNDO_BEGIN &&
	    k->kind != RE_UNDO_END && k->kind != RE_PARAM)
		return err_set(err, ERR_CONFLICT, "the run is over");
	if ((k->kind == RE_BEGIN || k->kind == RE_GATE || k->kind == RE_FINISH ||
	     k->kind == RE_PREVIEW) && flow_version(h->f) != k->version)
		return err_set(err, ERR_CONFLICT, "the run has moved on");
	*ret = (struct run_entry){ .kind = k->kind, .step = xstrdup(k->step),
				   .by = xstrdup("engine"), .data = xstrdup(k->data) };
	return 0;
}

int held_put(struct held_run *h, int kind, const char *step, const char *data, struct err *err)
{
	struct runs *r = h->runs;
	struct who who = WHO_ENGINE(r->d.epoch(r->d.ctx));
	struct known k = { kind, step, data, h->f ? flow_version(h->f) : 0 };

	if (who.epoch <= 0)
		return err_set(err, ERR_LEASE, "this engine does not lead");
	return held_store(h, &who, known_entry, &k, err);
}

int held_defer(struct held_run *h, int kind, const char *step, const char *data, int64_t ms,
	       struct err *err)
{
	struct known k = { kind, step, data, h->f ? flow_version(h->f) : 0 };
	int64_t due = loop_now_ms(h->runs->d.loop) + ms;
	struct run summary = { 0 };
	struct deferred d = { 0 };
	int r;

	wait_idle(h);
	if (!h->f || h->busy)
		return err_set(err, ERR_CONFLICT, "%s cannot be read now", h->id);
	r = known_entry(&k, h, &d.e, err);
	if (r < 0)
		return r;
	d.e.n = flow_version(h->f) + 1;
	d.e.at_ms = loop_wall_ms(h->runs->d.loop);
	r = flow_apply(h->f, &d.e, err);
	if (r < 0) {
		run_entry_fini(&d.e);
		forget(h);
		return r;
	}
	flow_run(h->f, &summary);
	tell(&d.e, &summary, &d);
	record_fini(&run_type, &summary);
	h->deferred = grow(h->deferred, &h->cap_deferred, h->n_deferred + 1, sizeof(d));
	h->flush_ms = h->n_deferred && h->flush_ms < due ? h->flush_ms : due;
	h->deferred[h->n_deferred++] = d;
	condition_wake(&h->changed);
	return 0;
}

bool held_due(const struct held_run *h)
{
	return h->n_deferred && loop_now_ms(h->runs->d.loop) >= h->flush_ms;
}

int held_flush(struct held_run *h, struct err *err)
{
	struct runs *r = h->runs;
	struct who who = WHO_ENGINE(r->d.epoch(r->d.ctx));

	wait_idle(h);
	if (!h->n_deferred)
		return 0;
	if (who.epoch > 0)
		return held_store(h, &who, NULL, NULL, err);
	forget(h);
	return err_set(err, ERR_LEASE, "this engine does not lead");
}
