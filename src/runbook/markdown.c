/*
 * A runbook as Markdown, for a wiki or a printout: everything that a person would need to
 * do it by hand. Commands stand in fences that are longer than any run of backquotes in
 * them; other text is escaped, so that nothing in it becomes mark-up.
 */
#include <string.h>

#include "core/mem.h"
#include "runbook/keys.h"
#include "runbook/outline.h"
#include "runbook/param.h"

static void add_escaped(struct str *out, const char *text)
{
	_cleanup_(free_p) char *line = text_clean(text ? text : "", 0);

	for (const char *p = line; *p; p++) {
		if (strchr("\\`*_[]<>|#", *p))
			str_addc(out, '\\');
		str_addc(out, *p);
	}
}

static void indent(struct str *out, int depth)
{
	for (int i = 0; i < depth; i++)
		str_add(out, "   ");
}

static void add_fence(struct str *out, int depth, const char *language, const char *text)
{
	size_t longest = 2;

	for (const char *p = text; *p; p++) {
		size_t n = strspn(p, "`");
		longest = n > longest ? n : longest;
		p += n ? n - 1 : 0;
	}
	str_addc(out, '\n');
	indent(out, depth);
	for (size_t i = 0; i <= longest; i++)
		str_addc(out, '`');
	str_addf(out, "%s\n", language);
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		indent(out, depth);
		str_addn(out, p, n);
		str_addc(out, '\n');
		p += n + (p[n] == '\n');
	}
	indent(out, depth);
	for (size_t i = 0; i <= longest; i++)
		str_addc(out, '`');
	str_add(out, "\n\n");
}

static void add_pairs(struct str *out, const char *head, const struct pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%s%s%s\n", head, v[i].name, *head ? ": " : "=", v[i].text);
}

static void add_operation(struct str *out, int depth, const struct operation *op)
{
	struct str text = STR_INIT(STR_MAX_DEFAULT);

	if (op->verb == VERB_HTTP || op->verb == VERB_SQL || op->verb == VERB_RUN) {
		add_pairs(&text, "", op->env, op->n_env);
		if (op->cwd)
			str_addf(&text, "cd %s\n", op->cwd);
		operation_text(&text, op);
		str_addc(&text, '\n');
		add_pairs(&text, "? ", op->query, op->n_query);
		add_pairs(&text, "", op->headers, op->n_headers);
		add_pairs(&text, "form ", op->form, op->n_form);
		if (op->body_json)
			str_addf(&text, "%s\n", op->body_json);
		add_fence(out, depth, op->verb == VERB_SQL ? "sql" : op->verb == VERB_RUN ? "sh" :
			  "http", str_get(&text));
	} else if (op->verb == VERB_METRIC || op->verb == VERB_GATE || op->verb == VERB_SAY ||
		   op->verb == VERB_CALL) {
		operation_text(&text, op);
		indent(out, depth);
		str_addf(out, "%s: ", verb_words[op->verb].name);
		add_escaped(out, str_get(&text));
		str_add(out, "\n");
	}
	for (size_t i = 0; i < op->n_items; i++) {
		indent(out, depth);
		str_add(out, "- [ ] ");
		add_escaped(out, op->items[i]);
		str_addc(out, '\n');
	}
	str_fini(&text);
}

static void add_fact(struct str *out, int depth, const char *name, const char *text)
{
	if (!text)
		return;
	indent(out, depth);
	str_addf(out, "- %s: ", name);
	add_escaped(out, text);
	str_addc(out, '\n');
}

static void add_steps(struct str *out, const struct step *v, size_t n, int depth);

static void add_step(struct str *out, const struct step *s, size_t number, int depth)
{
	indent(out, depth);
	str_addf(out, "%zu. ", number);
	add_escaped(out, s->title);
	if (s->effect != EFFECT_READ)
		str_addf(out, " **(%s)**", effect_name(s->effect));
	str_addf(out, "%s `%s`\n", s->optional ? " (optional)" : "", s->id);
	if (s->help) {
		indent(out, depth + 1);
		add_escaped(out, s->help);
		str_add(out, "\n");
	}
	add_operation(out, depth + 1, &s->op);
	for (size_t i = 0; i < s->n_expect; i++) {
		struct str m = STR_INIT(2000);
		str_addf(&m, "%s ", s->expect[i].subject);
		matcher_print(&m, s->expect[i].m);
		add_fact(out, depth + 1, "expect", str_get(&m));
		str_fini(&m);
	}
	add_fact(out, depth + 1, "role", s->role);
	add_fact(out, depth + 1, "typed to confirm", s->confirm_type);
	add_fact(out, depth + 1, "by another person", s->confirm_second ? "yes" : NULL);
	add_fact(out, depth + 1, "leaves the hold", s->hold);
	add_fact(out, depth + 1, "releases the hold", s->release);
	if (s->undo) {
		indent(out, depth + 1);
		str_add(out, "- undo:\n");
		add_operation(out, depth + 2, s->undo);
	}
	add_fact(out, depth + 1, s->undo_none ? "no undo" : "why", s->why);
	for (size_t i = 0; i < s->op.n_options; i++) {
		const struct option *o = &s->op.options[i];
		indent(out, depth + 1);
		str_addf(out, "- **%s** ", o->pick);
		add_escaped(out, o->label);
		str_addc(out, '\n');
		add_steps(out, o->steps, o->n_steps, depth + 2);
	}
}

static void add_steps(struct str *out, const struct step *v, size_t n, int depth)
{
	for (size_t i = 0; i < n; i++)
		add_step(out, &v[i], i + 1, depth);
}

static void add_list(struct str *out, const char *head, char *const *v, size_t n, bool boxes)
{
	if (n)
		str_addf(out, "\n## %s\n\n", head);
	for (size_t i = 0; i < n; i++) {
		str_add(out, boxes ? "- [ ] " : "- ");
		add_escaped(out, v[i]);
		str_addc(out, '\n');
	}
}

static void add_table(struct str *out, const struct rb_table *t)
{
	const struct value *first = &t->rows.items[0];

	str_addf(out, "\n### %s\n\n|", t->name);
	for (size_t i = 0; i < first->n_items; i++) {
		str_addc(out, ' ');
		add_escaped(out, first->items[i].name);
		str_add(out, " |");
	}
	str_add(out, "\n|");
	for (size_t i = 0; i < first->n_items; i++)
		str_add(out, "---|");
	for (size_t r = 0; r < t->rows.n_items; r++) {
		str_add(out, "\n|");
		for (size_t i = 0; i < first->n_items; i++) {
			struct str cell = STR_INIT(2000);
			const struct value *v = value_get(&t->rows.items[r], first->items[i].name);
			if (v)
				value_print(&cell, v, 400);
			str_addc(out, ' ');
			add_escaped(out, str_get(&cell));
			str_add(out, " |");
			str_fini(&cell);
		}
	}
	str_addc(out, '\n');
}

static void add_params(struct str *out, const struct runbook *rb)
{
	if (rb->n_params)
		str_add(out, "\n## Parameters\n\n| name | what | |\n|---|---|---|\n");
	for (size_t i = 0; i < rb->n_params; i++) {
		struct str wants = STR_INIT(1000);
		param_wants(&rb->params[i], &wants);
		str_addf(out, "| `$%s` | ", rb->params[i].name);
		add_escaped(out, str_get(&wants));
		str_add(out, " | ");
		add_escaped(out, rb->params[i].help);
		str_add(out, " |\n");
		str_fini(&wants);
	}
}

void runbook_markdown(struct str *out, const struct runbook *rb)
{
	struct str triggers = STR_INIT(2000);

	str_add(out, "# ");
	add_escaped(out, rb->title);
	str_addf(out, "\n\n`%s`%s%s%s%s\n", rb->id, rb->severity ? ", severity " : "",
		 rb->severity ? rb->severity : "", rb->service ? ", " : "",
		 rb->service ? rb->service : "");
	runbook_triggers(&triggers, rb);
	if (triggers.len) {
		str_add(out, "\nWhen: ");
		add_escaped(out, str_get(&triggers));
		str_addc(out, '\n');
	}
	str_fini(&triggers);
	for (size_t i = 0; i < rb->n_never; i++) {
		str_add(out, "\n> **Never:** ");
		add_escaped(out, rb->never[i].text);
		str_addc(out, '\n');
	}
	add_list(out, "Symptoms", rb->symptoms, rb->n_symptoms, false);
	add_params(out, rb);
	for (size_t i = 0; i < rb->n_phases; i++) {
		char from[40], to[40];
		format_duration(from, sizeof(from), rb->phases[i].box_from_ms);
		format_duration(to, sizeof(to), rb->phases[i].box_to_ms);
		str_add(out, "\n## ");
		add_escaped(out, rb->phases[i].name);
		if (rb->phases[i].has_box)
			str_addf(out, " (%s to %s)", from, to);
		str_add(out, "\n\n");
		add_steps(out, rb->phases[i].steps, rb->phases[i].n_steps, 0);
	}
	if (rb->n_tables)
		str_add(out, "\n## Tables\n");
	for (size_t i = 0; i < rb->n_tables; i++)
		if (rb->tables[i].rows.n_items)
			add_table(out, &rb->tables[i]);
	add_list(out, "Afterwards", rb->checklist, rb->n_checklist, true);
	for (size_t i = 0; i < rb->n_deadlines; i++) {
		char within[40];
		format_duration(within, sizeof(within), rb->deadlines[i].within_ms);
		str_add(out, "- [ ] ");
		add_escaped(out, rb->deadlines[i].what);
		str_addf(out, ", within %s\n", within);
	}
	add_list(out, "Prevention", rb->prevention, rb->n_prevention, false);
	add_list(out, "Review", rb->review, rb->n_review, false);
	add_list(out, "Links", rb->links, rb->n_links, false);
}
