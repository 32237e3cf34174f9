/*
 * A runbook in memory: its end, finding steps, and reading one from a file.
 */
#include "runbook/runbook.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

static void free_texts(char ***v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_p(&(*v)[i]);
	free_p(v);
}

static void free_pairs(struct pair **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&(*v)[i].name);
		free_p(&(*v)[i].text);
	}
	free_p(v);
}

static void free_expects(struct expect **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&(*v)[i].subject);
		matcher_free((*v)[i].m);
	}
	free_p(v);
}

static void free_conditions(struct condition_when **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&(*v)[i].name);
		matcher_free((*v)[i].m);
		free_conditions(&(*v)[i].any, (*v)[i].n_any);
	}
	free_p(v);
}

static void free_saves(struct save **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free_p(&(*v)[i].name);
		free_p(&(*v)[i].expression);
	}
	free_p(v);
}

static void free_steps(struct step **v, size_t n);

static void operation_fini(struct operation *op)
{
	free_p(&op->text);
	free_p(&op->method);
	free_pairs(&op->headers, op->n_headers);
	free_pairs(&op->query, op->n_query);
	free_pairs(&op->form, op->n_form);
	free_pairs(&op->env, op->n_env);
	free_p(&op->body_json);
	free_p(&op->auth_user);
	free_p(&op->auth_secret);
	free_p(&op->auth_bearer);
	free_p(&op->auth_header);
	free_p(&op->db);
	free_p(&op->tx);
	free_texts(&op->argv, op->n_argv);
	free_p(&op->cwd);
	free_pairs(&op->count, op->n_count);
	free_p(&op->answer);
	free_texts(&op->items, op->n_items);
	for (size_t i = 0; i < op->n_options; i++) {
		free_p(&op->options[i].pick);
		free_p(&op->options[i].label);
		free_conditions(&op->options[i].likely, op->options[i].n_likely);
		free_steps(&op->options[i].steps, op->options[i].n_steps);
	}
	free_p(&op->options);
	free_p(&op->gate_until);
	free_p(&op->gate_role);
	free_p(&op->gate_at_end);
	free_texts(&op->gate_steps, op->n_gate_steps);
	free_texts(&op->to, op->n_to);
	free_texts(&op->needs_fields, op->n_needs_fields);
	free_p(&op->say_until);
	free_pairs(&op->with, op->n_with);
}

static void step_fini(struct step *s)
{
	free_p(&s->id);
	free_p(&s->title);
	free_p(&s->help);
	free_p(&s->role);
	free_p(&s->why);
	free_texts(&s->tags, s->n_tags);
	operation_fini(&s->op);
	free_conditions(&s->when, s->n_when);
	free_texts(&s->needs, s->n_needs);
	free_expects(&s->retry_unless, s->n_unless);
	free_expects(&s->expect, s->n_expect);
	free_saves(&s->save, s->n_save);
	for (size_t i = 0; i < s->n_bind; i++) {
		free_p(&s->bind[i].name);
		free_p(&s->bind[i].table);
		free_p(&s->bind[i].column);
		free_expects(&s->bind[i].where, s->bind[i].n_where);
	}
	free_p(&s->bind);
	free_pairs(&s->explain, s->n_explain);
	free_texts(&s->mask, s->n_mask);
	if (s->preview)
		operation_fini(s->preview);
	free_p(&s->preview);
	free_saves(&s->preview_save, s->n_preview_save);
	if (s->undo)
		operation_fini(s->undo);
	free_p(&s->undo);
	free_p(&s->undo_release);
	free_p(&s->confirm_type);
	free_p(&s->hold);
	free_p(&s->release);
	free_p(&s->blocked_by);
}

static void free_steps(struct step **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		step_fini(&(*v)[i]);
	free_p(v);
}

static void param_fini(struct param *p)
{
	free_p(&p->name);
	free_p(&p->help);
	free_p(&p->pattern);
	free_p(&p->from_name);
	for (size_t i = 0; p->from_argv && p->from_argv[i]; i++)
		free_p(&p->from_argv[i]);
	free_p(&p->from_argv);
	free_texts(&p->choices, p->n_choices);
	value_fini(&p->otherwise);
}

static void free_lists(struct runbook *rb)
{
	for (size_t i = 0; i < rb->n_deadlines; i++)
		free_p(&rb->deadlines[i].what);
	free_p(&rb->deadlines);
	for (size_t i = 0; i < rb->n_never; i++) {
		free_p(&rb->never[i].text);
		free_texts(&rb->never[i].blocks, rb->never[i].n_blocks);
	}
	free_p(&rb->never);
	for (size_t i = 0; i < rb->n_params; i++)
		param_fini(&rb->params[i]);
	free_p(&rb->params);
	for (size_t i = 0; i < rb->n_tables; i++) {
		free_p(&rb->tables[i].name);
		value_fini(&rb->tables[i].rows);
	}
	free_p(&rb->tables);
	for (size_t i = 0; i < rb->n_phases; i++) {
		free_p(&rb->phases[i].name);
		free_steps(&rb->phases[i].steps, rb->phases[i].n_steps);
	}
	free_p(&rb->phases);
}

void runbook_free(struct runbook *rb)
{
	if (!rb)
		return;
	free_p(&rb->file);
	free_p(&rb->hash);
	free_p(&rb->source);
	free_p(&rb->id);
	free_p(&rb->title);
	free_p(&rb->service);
	free_p(&rb->severity);
	free_texts(&rb->trigger.alerts, rb->trigger.n_alerts);
	free_p(&rb->trigger.text);
	free_texts(&rb->trigger.kinds, rb->trigger.n_kinds);
	free_texts(&rb->symptoms, rb->n_symptoms);
	free_texts(&rb->links, rb->n_links);
	free_texts(&rb->prevention, rb->n_prevention);
	free_texts(&rb->review, rb->n_review);
	free_texts(&rb->checklist, rb->n_checklist);
	free_lists(rb);
	free_p(&rb);
}

/* Walks in reading order; stops when *index reaches 0 or the id is found. */
static const struct step *walk(const struct step *v, size_t n, const char *id, size_t *index,
			       int depth, int *ret_depth)
{
	for (size_t i = 0; i < n; i++) {
		if (id ? str_eq(v[i].id, id) : !*index) {
			if (ret_depth)
				*ret_depth = depth;
			return &v[i];
		}
		--*index;
		for (size_t o = 0; o < v[i].op.n_options; o++) {
			const struct option *opt = &v[i].op.options[o];
			const struct step *s = walk(opt->steps, opt->n_steps, id, index, depth + 1,
						    ret_depth);
			if (s)
				return s;
		}
	}
	return NULL;
}

static const struct step *walk_all(const struct runbook *rb, const char *id, size_t index,
				   int *ret_depth)
{
	for (size_t i = 0; i < rb->n_phases; i++) {
		const struct step *s = walk(rb->phases[i].steps, rb->phases[i].n_steps, id, &index,
					    0, ret_depth);
		if (s)
			return s;
	}
	return NULL;
}

const struct step *runbook_step(const struct runbook *rb, const char *id)
{
	return id ? walk_all(rb, id, 0, NULL) : NULL;
}

static void hasten(int64_t *ms, double speed)
{
	*ms = *ms > 0 ? (int64_t)((double)*ms / speed) + 1 : *ms;
}

static void hasten_steps(struct step *v, size_t n, double speed)
{
	for (size_t i = 0; i < n; i++) {
		struct operation *op = &v[i].op;

		hasten(&op->gate_time_ms, speed);
		hasten(&op->say_every_ms, speed);
		for (size_t k = 0; k < op->n_options; k++)
			hasten_steps(op->options[k].steps, op->options[k].n_steps, speed);
	}
}

void runbook_hasten(struct runbook *rb, double speed)
{
	if (speed <= 1)
		return;
	rb->speed = speed;
	for (size_t i = 0; i < rb->n_phases; i++)
		hasten_steps(rb->phases[i].steps, rb->phases[i].n_steps, speed);
}

const struct step *runbook_step_at(const struct runbook *rb, size_t index, int *ret_depth)
{
	return walk_all(rb, NULL, index, ret_depth);
}

struct runbook *runbook_load(const char *file, struct problems *ret)
{
	struct str text = STR_INIT(YAML_MAX_BYTES + 1);
	struct runbook *rb = NULL;
	char buf[65536];
	size_t n;
	FILE *f = fopen(file, "rbe");

	while (f && !text.full && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		str_addn(&text, buf, n);
	if (!f || ferror(f))
		problems_add(ret, file, (struct place){ 1, 1 }, false, "%s", strerror(errno));
	else
		rb = runbook_parse(str_get(&text), text.len, file, ret);
	if (f)
		fclose(f);
	str_fini(&text);
	return rb;
}
