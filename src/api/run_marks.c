/*
 * Fingerprints of the steps of runs, with the revision at which each last changed; see
 * run_marks.h. A cache: nothing is wrong when it is empty, answers are only longer.
 */
#include "api/run_marks.h"

#include <string.h>

#include "core/hash.h"
#include "core/mem.h"

enum { RUNS_KEPT = 16 };

struct mark { uint64_t hash; int64_t revision; };
struct marked {
	char *id;
	struct mark *steps;
	size_t n;
	int64_t first;			/* revision at which we began to look */
	int64_t used;
};
struct run_marks {
	struct marked runs[RUNS_KEPT];
	int64_t revision, clock;
};

struct run_marks *run_marks_new(int64_t base)
{
	struct run_marks *m = xcalloc(1, sizeof(*m));

	m->revision = base;
	return m;
}

static void forget(struct marked *r)
{
	free_p(&r->id);
	free_p(&r->steps);
	*r = (struct marked){ 0 };
}

void run_marks_free(struct run_marks *m)
{
	for (size_t i = 0; m && i < RUNS_KEPT; i++)
		forget(&m->runs[i]);
	free_p(&m);
}

/* The place of this run, empty when it is not known in this form. */
static struct marked *place_of(struct run_marks *m, const struct run_doc *d)
{
	struct marked *oldest = &m->runs[0];

	for (size_t i = 0; i < RUNS_KEPT; i++) {
		struct marked *r = &m->runs[i];
		if (str_eq(r->id, d->run.id)) {
			if (r->n != d->n_steps)
				forget(r);
			return r;
		}
		oldest = r->used < oldest->used ? r : oldest;
	}
	forget(oldest);
	return oldest;
}

static uint64_t hash_of(const struct run_step *s, struct str *scratch)
{
	struct jw w = JW(scratch);

	str_clear(scratch);
	run_step_json(&w, s);
	return hash_add_text(HASH_START, str_get(scratch));
}

int64_t run_marks_note(struct run_marks *m, const struct run_doc *d, int64_t since, bool *changed,
		       bool *ret_partial)
{
	struct marked *r = place_of(m, d);
	struct str scratch = STR_INIT(STR_MAX_DEFAULT);
	int64_t next = m->revision + 1;
	bool fresh = !r->id;

	if (fresh) {
		r->id = xstrdup(d->run.id);
		r->n = d->n_steps;
		r->steps = xcalloc(d->n_steps + 1, sizeof(*r->steps));
		r->first = next;
	}
	*ret_partial = !fresh && since >= r->first && since <= m->revision;
	r->used = ++m->clock;
	for (size_t i = 0; i < d->n_steps; i++) {
		uint64_t hash = hash_of(&d->steps[i], &scratch);
		if (fresh || hash != r->steps[i].hash)
			r->steps[i] = (struct mark){ hash, next };
		if (r->steps[i].revision == next)
			m->revision = next;
		changed[i] = !*ret_partial || r->steps[i].revision > since;
	}
	if (fresh)
		m->revision = next;
	str_fini(&scratch);
	return m->revision;
}
