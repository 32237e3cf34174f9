/*
 * Reads a file of cases, plays each and compares what came of it with what the case expects;
 * adds up which steps and branches of the runbook any case went through.
 *
 * A branch is an option of a decision, and each side of a step's `when`.
 */
#include "runbook/cases.h"

#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "runbook/cases_play.h"
#include "runbook/parse.h"

static const char *const case_keys[] = {
	"name", "params", "results", "previews", "undoes", "answers", "picks", "confirm", "at",
	"dry",
	"undo", "expect",
};
static const char *const expect_keys[] = {
	"outcome", "path", "states", "bound", "undo", "waits", "holds", "late",
};

struct cover { const struct runbook *rb; size_t n; bool *step, *when_yes, *when_no, **picked; };

/* ---- the file --------------------------------------------------------------------------- */
static bool keys_known(const struct yaml *map, const char *const *keys, size_t n, const char *what,
		       const char *file, struct problems *p)
{
	bool ok = true;

	if (map->type != YAML_MAP) {
		problems_add(p, file, place_of(map), false, "%s is a map", what);
		return false;
	}
	for (const struct yaml *c = map->first; c; c = c->next) {
		size_t i = 0;
		while (i < n && !str_eq(keys[i], c->key))
			i++;
		if (i < n)
			continue;
		const char *near = str_nearest(c->key, keys, n);
		problems_add(p, file, (struct place){ c->key_line, c->key_column }, false,
			     "unknown key '%.60s' in %s%s%s%s", c->key, what,
			     near ? ", did you mean '" : "",
			     near ? near : "", near ? "'?" : "");
		ok = false;
	}
	return ok;
}

/* Steps of the runbook itself; those of called ones have a slash. */
static bool ids_known(const struct runbook *rb, const struct yaml *map, const char *file,
		      struct problems *p)
{
	bool ok = true;

	for (const struct yaml *c = map && map->type == YAML_MAP ? map->first : NULL; c;
	     c = c->next) {
		if (strchr(c->key, '/') || runbook_step(rb, c->key))
			continue;
		problems_add(p, file, (struct place){ c->key_line, c->key_column }, false,
			     "runbook %s has no step '%.60s'", rb->id, c->key);
		ok = false;
	}
	return ok;
}

static bool listed_known(const struct runbook *rb, const struct yaml *list, const char *file,
			 struct problems *p)
{
	bool ok = true;

	for (const struct yaml *c = list && list->type == YAML_LIST ? list->first : NULL; c;
	     c = c->next) {
		if (!c->text || strchr(c->text, '/') || runbook_step(rb, c->text))
			continue;
		problems_add(p, file, place_of(c), false, "runbook %s has no step '%.60s'", rb->id,
			     c->text);
		ok = false;
	}
	return ok;
}

static bool params_known(const struct runbook *rb, const struct yaml *map, const char *file,
			 struct problems *p)
{
	bool ok = true;

	for (const struct yaml *c = map && map->type == YAML_MAP ? map->first : NULL; c;
	     c = c->next) {
		bool found = strchr(c->key, '/') != NULL;

		for (size_t i = 0; i < rb->n_params && !found; i++)
			found = str_eq(rb->params[i].name, c->key);
		for (size_t i = 0; !found && runbook_step_at(rb, i, NULL); i++) {
			const struct operation *op = &runbook_step_at(rb, i, NULL)->op;

			for (size_t k = 0; k < op->n_needs_fields && !found; k++)
				found = str_eq(op->needs_fields[k], c->key);
		}
		if (!found)
			problems_add(p, file, (struct place){ c->key_line, c->key_column }, false,
				     "runbook %s has no parameter '%.60s'", rb->id, c->key);
		ok &= found;
	}
	return ok;
}

static bool case_fits(const struct runbook *rb, const struct yaml *c, const char *file,
		      struct problems *p)
{
	static const char *const by_step[] = { "results", "previews", "undoes", "answers", "picks",
					       "confirm", "at" };
	const struct yaml *expect = yaml_get(c, "expect");
	bool ok = keys_known(c, case_keys, COUNT_OF(case_keys), "a case", file, p);

	ok &= params_known(rb, yaml_get(c, "params"), file, p);
	for (size_t i = 0; i < COUNT_OF(by_step); i++)
		ok &= ids_known(rb, yaml_get(c, by_step[i]), file, p);
	if (ok && (!expect || !expect->first)) {
		problems_add(p, file, place_of(c), false, "a case expects something: 'expect' is"
			     " missing");
		return false;
	}
	if (expect) {
		ok &= keys_known(expect, expect_keys, COUNT_OF(expect_keys), "expect", file, p);
		ok &= listed_known(rb, yaml_get(expect, "path"), file, p);
		ok &= listed_known(rb, yaml_get(expect, "undo"), file, p);
		ok &= ids_known(rb, yaml_get(expect, "states"), file, p);
		ok &= ids_known(rb, yaml_get(expect, "bound"), file, p);
	}
	return ok;
}

/* ---- comparison -------------------------------------------------------------------------- */
static void compare_lists(struct play *p, const char *what, const struct yaml *want,
			  char *const *got, size_t n)
{
	struct str is = STR_INIT(20000), should = STR_INIT(20000);

	for (size_t i = 0; i < n; i++)
		str_addf(&is, "%s%s", i ? ", " : "", got[i]);
	for (const struct yaml *c = want->type == YAML_LIST ? want->first : NULL; c; c = c->next)
		str_addf(&should, "%s%s", should.len ? ", " : "", c->text ? c->text : "?");
	if (!str_eq(str_get(&is), str_get(&should)))
		play_wrong(p, "%s: %s\n  wanted: %s", what, str_get(&is), str_get(&should));
	str_fini(&is);
	str_fini(&should);
}

static void compare_states(struct play *p, const struct yaml *want, const struct run_doc *d)
{
	for (const struct yaml *c = want->first; c; c = c->next) {
		const char *is = NULL;
		for (size_t i = 0; i < d->n_steps; i++)
			if (str_eq(d->steps[i].id, c->key))
				is = enum_name(&run_step_state_names, d->steps[i].state);
		if (!str_eq(is, c->text))
			play_wrong(p, "state of %s: %s, wanted %s", c->key,
				   is ? is : "no such step", c->text ? c->text : "?");
	}
}

static void compare_bound(struct play *p, const struct yaml *want)
{
	for (const struct yaml *c = want->first; c; c = c->next) {
		const char *is = NULL;
		for (size_t i = 0; i < p->n_bound; i++)
			if (str_eq(p->bound[i].id, c->key))
				is = p->bound[i].command;
		if (!str_eq(is, c->text))
			play_wrong(p, "bound %s: %s\n  wanted: %s", c->key, is ? is : "was not run",
				   c->text ? c->text : "?");
	}
}

static void compare_holds(struct play *p, const struct yaml *want, const struct run_doc *d)
{
	char **names = NULL;
	size_t n = 0;

	for (size_t i = 0; i < d->n_holds; i++)
		*PUSH(&names, &n) = d->holds[i].name;
	compare_lists(p, "holds", want, names, n);
	free_p(&names);
}

static void compare_late(struct play *p, const struct yaml *want, const struct run_doc *d)
{
	char **names = NULL;
	size_t n = 0;

	for (size_t i = 0; i < d->n_phases; i++)
		if (d->phases[i].late)
			*PUSH(&names, &n) = d->phases[i].name;
	compare_lists(p, "late", want, names, n);
	free_p(&names);
}

static void compare(struct play *p, struct run_doc *d)
{
	const struct yaml *expect = yaml_get(p->y, "expect");
	const struct yaml *want = yaml_get(expect, "outcome");
	const char *outcome = d->run.outcome ? d->run.outcome : "open";
	bool aborted = d->run.status == RUN_ABORTED && want && str_eq(want->text, "aborted");

	if (want && !aborted && !str_eq(want->text, outcome))
		play_wrong(p, "outcome: %s, wanted %s", outcome, want->text ? want->text : "?");
	want = yaml_get(expect, "waits");
	if (want && !str_eq(want->text, d->wait.step))
		play_wrong(p, "waits at %s, wanted %s", d->wait.step ? d->wait.step : "no step",
			   want->text ? want->text : "?");
	if ((want = yaml_get(expect, "path")))
		compare_lists(p, "path", want, p->path, p->n_path);
	if ((want = yaml_get(expect, "states")))
		compare_states(p, want, d);
	if ((want = yaml_get(expect, "bound")))
		compare_bound(p, want);
	if ((want = yaml_get(expect, "undo")))
		compare_lists(p, "undo", want, d->undo, d->n_undo);
	if ((want = yaml_get(expect, "holds")))
		compare_holds(p, want, d);
	if ((want = yaml_get(expect, "late")))
		compare_late(p, want, d);
}

/* ---- coverage ------------------------------------------------------------------------------ */
static void cover_init(struct cover *c, const struct runbook *rb)
{
	const struct step *s;

	c->rb = rb;
	while (runbook_step_at(rb, c->n, NULL))
		c->n++;
	c->step = xcalloc(c->n + 1, sizeof(*c->step));
	c->when_yes = xcalloc(c->n + 1, sizeof(*c->when_yes));
	c->when_no = xcalloc(c->n + 1, sizeof(*c->when_no));
	c->picked = xcalloc(c->n + 1, sizeof(*c->picked));
	for (size_t i = 0; (s = runbook_step_at(rb, i, NULL)); i++)
		c->picked[i] = xcalloc(s->op.n_options + 1, sizeof(**c->picked));
}

static void cover_fini(struct cover *c)
{
	for (size_t i = 0; i < c->n; i++)
		free_p(&c->picked[i]);
	free_p(&c->picked);
	free_p(&c->step);
	free_p(&c->when_yes);
	free_p(&c->when_no);
}

static void cover_add(struct cover *c, const struct run_doc *d)
{
	const struct step *s;

	for (size_t i = 0; (s = runbook_step_at(c->rb, i, NULL)); i++)
		for (size_t k = 0; k < d->n_steps; k++) {
			const struct run_step *r = &d->steps[k];
			if (!str_eq(r->id, s->id))
				continue;
			bool ran = r->state == RS_DONE || r->state == RS_FAILED ||
				r->state == RS_UNDONE ||
				r->state == RS_UNKNOWN || r->state == RS_RUNNING;
			c->step[i] |= ran;
			c->when_yes[i] |= ran || r->state == RS_SKIPPED;
			c->when_no[i] |= r->state == RS_NOT_APPLICABLE;
			for (size_t o = 0; o < s->op.n_options; o++)
				c->picked[i][o] |= str_eq(r->picked, s->op.options[o].pick);
		}
}

static void count_one(struct coverage *c, bool hit, char *missed)
{
	c->n++;
	c->hit += hit;
	if (hit)
		free_p(&missed);
	else
		*PUSH(&c->missed, &c->n_missed) = missed;
}

static void cover_report(const struct cover *c, struct cases_report *r)
{
	const struct step *s;

	for (size_t i = 0; (s = runbook_step_at(c->rb, i, NULL)); i++) {
		count_one(&r->steps, c->step[i], xstrdup(s->id));
		for (size_t o = 0; o < s->op.n_options; o++)
			count_one(&r->branches, c->picked[i][o],
				  xasprintf("%s: %s", s->id, s->op.options[o].pick));
		if (!s->n_when)
			continue;
		count_one(&r->branches, c->when_yes[i], xasprintf("%s: when it applies", s->id));
		count_one(&r->branches, c->when_no[i], xasprintf("%s: when it does not", s->id));
	}
}

/* ---- all ------------------------------------------------------------------------------------- */
static void run_one(const struct library *lib, const struct runbook *rb, const struct yaml *y,
		    struct cover *cover, struct cases_report *ret)
{
	struct play p = { .y = y, .rb = rb, .lib = lib };
	struct case_result *r = PUSH(&ret->v, &ret->n);
	const struct yaml *expect = yaml_get(y, "expect");
	struct run_doc d = { 0 };

	play_case(&p);
	/* a run that is meant to stop somewhere does so: only what stopped it is forgotten */
	if (p.stuck && (yaml_get(expect, "waits") || str_eq(yaml_get_str(expect, "outcome"),
							    "open")))
		str_clear(&p.why);
	flow_doc(p.flow, p.now_ms, &d);
	compare(&p, &d);
	cover_add(cover, &d);
	r->name = xstrdup(yaml_get_str(y, "name") ? yaml_get_str(y, "name") : "without a name");
	r->at = place_of(y);
	while (p.why.len && p.why.s[p.why.len - 1] == '\n')
		p.why.s[--p.why.len] = '\0';
	r->why = p.why.len ? xstrdup(str_get(&p.why)) : NULL;
	ret->failed += r->why != NULL;
	run_doc_fini(&d);
	play_fini(&p);
}

/* The file, when it can be used. */
static struct yaml *load(const struct runbook *rb, const char *file, struct problems *problems,
			 struct err *err)
{
	struct yaml *y = yaml_load(file, err);
	const struct yaml *list = yaml_get(y, "cases");
	size_t errors = problems->n_errors;

	if (!y) {
		problems_add(problems, file, (struct place){ 1, 1 }, false, "%s", err->msg);
		return NULL;
	}
	if (!list || list->type != YAML_LIST || !list->first)
		problems_add(problems, file, place_of(y), false, "wants 'cases', a list");
	for (const struct yaml *c = list ? list->first : NULL; c; c = c->next)
		case_fits(rb, c, file, problems);
	if (problems->n_errors == errors)
		return y;
	yaml_free(y);
	err_set(err, ERR_INVALID, "%s has errors", file);
	return NULL;
}

void cases_check(const struct runbook *rb, struct problems *problems)
{
	size_t n = rb->file ? strlen(rb->file) : 0;
	struct err err = { 0 };

	if (n < 5 || !str_eq(rb->file + n - 5, ".yaml"))
		return;
	_cleanup_(free_p) char *file = xasprintf("%.*s.cases.yaml", (int)(n - 5), rb->file);
	if (access(file, F_OK) == 0)
		yaml_free(load(rb, file, problems, &err));
}

int cases_run(const struct library *lib, const struct runbook *rb, const char *file,
	      const char *only, struct cases_report *ret, struct problems *problems)
{
	struct err err = { 0 };
	struct yaml *y = load(rb, file, problems, &err);
	const struct yaml *list = yaml_get(y, "cases");
	struct cover cover = { 0 };

	if (!y)
		return err.code;
	ret->file = xstrdup(file);
	cover_init(&cover, rb);
	for (const struct yaml *c = list ? list->first : NULL; c; c = c->next)
		if (!only || str_eq(yaml_get_str(c, "name"), only))
			run_one(lib, rb, c, &cover, ret);
	cover_report(&cover, ret);
	cover_fini(&cover);
	yaml_free(y);
	return 0;
}

static void coverage_fini(struct coverage *c)
{
	for (size_t i = 0; i < c->n_missed; i++)
		free_p(&c->missed[i]);
	free_p(&c->missed);
}

void cases_report_fini(struct cases_report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free_p(&r->v[i].name);
		free_p(&r->v[i].why);
	}
	free_p(&r->v);
	free_p(&r->file);
	coverage_fini(&r->steps);
	coverage_fini(&r->branches);
	memset(r, 0, sizeof(*r));
}
