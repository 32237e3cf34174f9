/*
 * Steps and what modifies them: expectations, conditions, saves, binds, retries, how a
 * change is confirmed and undone. The verb itself is read in parse_ops.c.
 */
#include <string.h>

#include "core/mem.h"
#include "runbook/parse.h"

enum { TIMEOUT_MS = 30000, RETRY_EVERY_MS = 5000 };

bool http_reads(const struct operation *op)
{
	return str_eq(op->method, "GET") || str_eq(op->method, "HEAD") ||
		str_eq(op->method, "OPTIONS");
}

static enum effect default_effect(const struct operation *op)
{
	if (op->verb == VERB_SAY || (op->verb == VERB_HTTP && !http_reads(op)))
		return EFFECT_CHANGE;
	return EFFECT_READ;
}

static bool acts(const struct step *s)
{
	return s->op.verb == VERB_HTTP || s->op.verb == VERB_SQL || s->op.verb == VERB_RUN ||
		s->op.verb == VERB_SAY;
}

static void read_step(struct reading *r, const struct yaml *y, struct step *s)
{
	const struct part step = { &keys_step, s };
	const struct yaml *timeout = yaml_get(y, "timeout");

	s->at = place_of(y);
	s->timeout_ms = TIMEOUT_MS;
	s->confirm = true;
	read_operation(r, y, &s->op, &step);
	if (!yaml_get(y, "effect"))
		s->effect = default_effect(&s->op);
	bool reads = s->effect == EFFECT_READ;
	if (!yaml_get(y, "confirm"))
		s->confirm = !reads && acts(s);
	if (!yaml_get(y, "on_fail"))
		s->on_fail = reads ? ON_FAIL_GO : ON_FAIL_ASK;
	if (timeout && s->timeout_ms <= 0)
		wrong(r, timeout, "a timeout of nothing never lets it run");
	else if (!timeout && s->op.follow_ms) /* time to end it on top */
		s->timeout_ms += s->op.follow_ms;
}

void read_steps(struct reading *r, const struct yaml *y, struct step **v, size_t *n)
{
	size_t count = 0;

	if (!wants(r, y, YAML_LIST, "a list of steps"))
		return;
	for (const struct yaml *c = y->first; c; c = c->next)
		count++;
	if (r->steps <= RUNBOOK_STEPS_MAX && r->steps + count > RUNBOOK_STEPS_MAX)
		wrong(r, y, "more than %d steps: split the runbook and call its parts",
		      RUNBOOK_STEPS_MAX);
	r->steps += count;
	if (r->steps > RUNBOOK_STEPS_MAX)
		return;
	*v = xcalloc(count ? count : 1, sizeof(**v));
	for (const struct yaml *c = y->first; c; c = c->next)
		read_step(r, c, &(*v)[(*n)++]);
}

void read_steps_of_option(struct reading *r, const struct yaml *y, void *base)
{
	struct option *o = base;

	if (r->depth >= RUNBOOK_DEPTH_MAX) {
		wrong(r, y, "decisions are nested too deeply");
		return;
	}
	r->depth++;
	read_steps(r, y, &o->steps, &o->n_steps);
	r->depth--;
}

/* ---- expectations ---- */
static bool is_operator(const char *key)
{
	static const char *const ops[] = {
		"eq", "ne", "lt", "le", "gt", "ge", "in", "match", "contains", "exists", "count",
		"all", "any", "not", "ok", "warn",
	};

	for (size_t i = 0; i < COUNT_OF(ops); i++)
		if (str_eq(ops[i], key))
			return true;
	return false;
}

static void add_expect(struct reading *r, const struct yaml *y, const char *subject,
		       struct expect **v, size_t *n)
{
	struct matcher *m = matcher_parse_for(subject, y, r->file, r->p);

	if (!m)
		return;
	struct expect *e = PUSH(v, n);
	*e = (struct expect){ place_of(y), xstrdup(subject), m };
}

static void read_subject(struct reading *r, const struct yaml *c, enum verb_id verb,
			 struct expect **v, size_t *n)
{
	char name[40];
	const char *arg;

	if (!subject_split(c->key, name, sizeof(name), &arg) || !verb_has_subject(verb, name)) {
		size_t k = 0;
		while (verb_words[verb].subjects[k])
			k++;
		const char *near = str_nearest(c->key, verb_words[verb].subjects, k);
		wrong_key(r, c, "%s has no '%.60s'; it has %s%s%s%s", verb_words[verb].name, c->key,
			  verb_words[verb].subjects_help, near ? "; did you mean '" : "",
			  near ? near : "", near ? "'?" : "");
		return;
	}
	add_expect(r, c, c->key, v, n);
}

void read_expects(struct reading *r, const struct yaml *y, enum verb_id verb, struct expect **v,
		  size_t *n)
{
	if (verb == VERB_MAX)
		return;
	if (y->type == YAML_MAP && !y->first) {
		wrong(r, y, "an empty expectation holds for nothing");
		return;
	}
	if (y->type == YAML_MAP && !is_operator(y->first->key)) {
		for (const struct yaml *c = y->first; c; c = c->next)
			read_subject(r, c, verb, v, n);
		return;
	}
	if (y->type == YAML_SCALAR && !read_scalar(r, y, "an expectation"))
		return;
	if (!verb_words[verb].main_subject)
		wrong(r, y, "of what? write subject: matcher; %s has %s", verb_words[verb].name,
		      verb_words[verb].subjects_help);
	else
		add_expect(r, y, verb_words[verb].main_subject, v, n);
}

void read_expect(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;

	read_expects(r, y, s->op.verb, &s->expect, &s->n_expect);
}

void read_retry(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;

	s->retry_every_ms = RETRY_EVERY_MS;
	read_group(r, y, &keys_retry, s);
}

void read_times(struct reading *r, const struct yaml *y, void *base)
{
	const char *text = read_scalar(r, y, "a number");
	int64_t n = 0;

	if (text && !parse_i64(text, 1, 1000, &n))
		wrong(r, y, "wants a number from 1 to 1000, not '%.40s'", text);
	((struct step *)base)->retry_times = (int)n;
}

void read_unless(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;

	read_expects(r, y, s->op.verb, &s->retry_unless, &s->n_unless);
}

/* ---- conditions ---- */
static void read_conditions(struct reading *r, const struct yaml *y, struct condition_when **v,
			    size_t *n, bool any_allowed)
{
	if (!wants(r, y, YAML_MAP, "a map of name: matcher"))
		return;
	if (!y->first)
		wrong(r, y, "an empty condition");
	for (const struct yaml *c = y->first; c; c = c->next) {
		if (!(any_allowed && str_eq(c->key, "any") && c->type == YAML_LIST)) {
			struct matcher *m = matcher_parse(c, r->file, r->p);
			if (!m)
				continue;
			struct condition_when *w = PUSH(v, n);
			w->name = xstrdup(c->key);
			w->m = m;
			w->at = (struct place){ c->key_line, c->key_column };
			continue;
		}
		struct condition_when any = { 0 };
		for (const struct yaml *alt = c->first; alt; alt = alt->next) {
			size_t first = any.n_any;
			read_conditions(r, alt, &any.any, &any.n_any, false);
			if (any.n_any > first)
				any.any[first].n_all = any.n_any - first;
		}
		*PUSH(v, n) = any;
	}
}

void read_when(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;

	read_conditions(r, y, &s->when, &s->n_when, true);
}

void read_likely(struct reading *r, const struct yaml *y, void *base)
{
	struct option *o = base;

	read_conditions(r, y, &o->likely, &o->n_likely, true);
}

/* ---- names ---- */
static void read_saves(struct reading *r, const struct yaml *y, struct save **v, size_t *n)
{
	if (!wants(r, y, YAML_MAP, "a map of name: subject"))
		return;
	for (const struct yaml *c = y->first; c; c = c->next) {
		struct save *s = PUSH(v, n);
		s->at = (struct place){ c->key_line, c->key_column };
		s->name = xstrdup(c->key);
		if (strspn(c->key,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") !=
		    strlen(c->key) || strlen(c->key) > 60 || (*c->key >= '0' && *c->key <= '9'))
			wrong_key(r, c, "'%.60s' is no name: letters, digits and _", c->key);
		if (c->type == YAML_MAP)
			read_group(r, c, &keys_save, s);
		else if (read_scalar(r, c, "a subject"))
			s->expression = xstrdup(c->text);
	}
}

void read_save(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;

	read_saves(r, y, &s->save, &s->n_save);
}

void read_preview_save(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;

	read_saves(r, y, &s->preview_save, &s->n_preview_save);
}

void read_bind(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;

	if (!wants(r, y, YAML_MAP, "a map of name: {table, column, where}"))
		return;
	for (const struct yaml *c = y->first; c; c = c->next) {
		struct binding *b = PUSH(&s->bind, &s->n_bind);
		b->at = (struct place){ c->key_line, c->key_column };
		b->name = xstrdup(c->key);
		read_group(r, c, &keys_binding, b);
	}
}

void read_where(struct reading *r, const struct yaml *y, void *base)
{
	struct binding *b = base;

	if (!wants(r, y, YAML_MAP, "a map of column: matcher"))
		return;
	for (const struct yaml *c = y->first; c; c = c->next)
		add_expect(r, c, c->key, &b->where, &b->n_where);
}

/* ---- changes ---- */
void read_effect(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;
	const char *text = read_scalar(r, y, "an effect");

	for (int e = EFFECT_READ; text && e <= EFFECT_UNKNOWN; e++)
		if (str_eq(text, effect_name((enum effect)e))) {
			s->effect = (enum effect)e;
			return;
		}
	if (text)
		wrong_word(r, y, text, "read|change|destroy|unknown");
}

void read_confirm(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;

	if (y->type == YAML_MAP)
		read_group(r, y, &keys_confirm, s);
	else
		read_bool(r, y, &s->confirm);
}

void read_preview(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;
	const struct part part = { &keys_preview, s };

	s->preview = xcalloc(1, sizeof(*s->preview));
	read_operation(r, y, s->preview, &part);
	unsigned ok = 1U << VERB_HTTP | 1U << VERB_SQL | 1U << VERB_RUN | 1U << VERB_METRIC;
	if (s->preview->verb != VERB_MAX && !(ok & 1U << s->preview->verb))
		wrong(r, y, "a preview reads: http, sql, run or metric");
}

void read_undo(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;
	const struct part part = { &keys_undo, s };

	if (y->type == YAML_SCALAR) {
		s->undo_none = str_eq(y->text, "none");
		if (!s->undo_none)
			wrong(r, y, "wants an operation or none, not '%.40s'", y->text);
		return;
	}
	s->undo = xcalloc(1, sizeof(*s->undo));
	read_operation(r, y, s->undo, &part);
	unsigned ok = 1U << VERB_HTTP | 1U << VERB_SQL | 1U << VERB_RUN | 1U << VERB_SAY |
		1U << VERB_ASK;
	if (s->undo->verb != VERB_MAX && !(ok & 1U << s->undo->verb))
		wrong(r, y, "an undo acts: http, sql, run, say or ask");
}

void read_release(struct reading *r, const struct yaml *y, void *base)
{
	struct step *s = base;
	const char *text = read_scalar(r, y, "the name of a hold");

	if (text)
		str_replace(&s->release, text);
}

void read_on_fail(struct reading *r, const struct yaml *y, void *base)
{
	static const char *const names[] = { "stop", "go", "ask" };
	struct step *s = base;
	const char *text = read_scalar(r, y, "stop, go or ask");

	for (size_t i = 0; text && i < COUNT_OF(names); i++)
		if (str_eq(names[i], text)) {
			s->on_fail = (enum on_fail)i;
			return;
		}
	if (text)
		wrong_word(r, y, text, "stop|go|ask");
}
