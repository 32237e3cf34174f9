/*
 * A runbook told without running it: an outline for people and the same as JSON. Nothing is
 * bound here; names stay names. Markdown is in markdown.c.
 */
#include "runbook/outline.h"

#include <string.h>

#include "core/mem.h"
#include "runbook/keys.h"
#include "runbook/param.h"

static void add_word(struct str *out, const char *arg)
{
	bool plain = *arg && !strpbrk(arg, " \t\n'\"\\|&;()<>*?[]{}`!#~");

	if (plain) {
		str_add(out, arg);
		return;
	}
	str_addc(out, '\'');
	for (; *arg; arg++) {
		if (*arg == '\'')
			str_add(out, "'\\''");
		else
			str_addc(out, *arg);
	}
	str_addc(out, '\'');
}

static void gate_text(struct str *out, const struct operation *op)
{
	char buf[40];

	if (op->gate_time_ms) {
		format_duration(buf, sizeof(buf), op->gate_time_ms);
		str_addf(out, "wait %s", buf);
	} else if (op->gate_until) {
		format_duration(buf, sizeof(buf), op->gate_max_ms);
		str_addf(out, "wait until %s passes, at most %s", op->gate_until, buf);
	} else {
		format_duration(buf, sizeof(buf), op->gate_window_ms);
		str_addf(out, "approval by %s", op->gate_role);
		if (op->gate_window_ms)
			str_addf(out, " within %s, then %s", buf, op->gate_at_end);
	}
}

void operation_text(struct str *out, const struct operation *op)
{
	switch (op->verb) {
	case VERB_HTTP: str_addf(out, "%s %s", op->method, op->text); break;
	case VERB_RUN:
		for (size_t i = 0; i < op->n_argv; i++) {
			str_add(out, i ? " " : "");
			add_word(out, op->argv[i]);
		}
		if (!op->n_argv)
			str_add(out, op->text);
		break;
	case VERB_GATE: gate_text(out, op); break;
	case VERB_SAY:
		str_add(out, op->text);
		for (size_t i = 0; i < op->n_to; i++)
			str_addf(out, "%s%s", i ? ", " : " to ", op->to[i]);
		break;
	case VERB_MAX: break;
	default: str_add(out, op->text); break;
	}
}

void runbook_triggers(struct str *out, const struct runbook *rb)
{
	const struct run_trigger *t = &rb->trigger;

	for (size_t i = 0; i < t->n_alerts; i++)
		str_addf(out, "%s%s", out->len ? ", " : "", t->alerts[i]);
	for (size_t i = 0; i < t->n_kinds; i++)
		str_addf(out, "%s%s", out->len ? ", " : "", t->kinds[i]);
	if (!out->len)
		str_add(out, t->text);
}

struct runbook_counts runbook_count(const struct runbook *rb)
{
	struct runbook_counts c = { 0 };
	const struct step *s;

	for (size_t i = 0; (s = runbook_step_at(rb, i, NULL)); i++) {
		c.steps++;
		c.changes += s->effect == EFFECT_CHANGE;
		c.destroys += s->effect == EFFECT_DESTROY;
	}
	return c;
}

/* ---- text ---- */
static void add_line(struct str *out, int depth, const char *text)
{
	_cleanup_(free_p) char *line = text_clean(text, 0);

	for (int i = 0; i < depth; i++)
		str_add(out, "  ");
	str_addf(out, "%s\n", line);
}

static void steps_text(struct str *out, const struct step *v, size_t n, int depth)
{
	for (size_t i = 0; i < n; i++) {
		struct str line = STR_INIT(4000);
		struct str what = STR_INIT(4000);
		const struct step *s = &v[i];
		str_addf(&line, "%-18s %-7s%s%s %s", s->id, verb_words[s->op.verb].name,
			 s->effect == EFFECT_CHANGE ? " change" : s->effect == EFFECT_DESTROY ?
				" DESTROY" :
			 s->effect == EFFECT_UNKNOWN ? " UNKNOWN" : "",
			 s->optional ? " (optional)" : "",
			 s->title);
		add_line(out, depth, str_get(&line));
		operation_text(&what, &s->op);
		if (!str_eq(str_get(&what), s->title))
			add_line(out, depth + 2, str_get(&what));
		for (size_t k = 0; k < s->op.n_items; k++) {
			_cleanup_(free_p) char *item = xasprintf("- %s", s->op.items[k]);
			add_line(out, depth + 2, item);
		}
		for (size_t o = 0; o < s->op.n_options; o++) {
			const struct option *opt = &s->op.options[o];
			_cleanup_(free_p) char *head = xasprintf("-> %s: %s", opt->pick,
								 opt->label ? opt->label : "");
			add_line(out, depth + 1, head);
			steps_text(out, opt->steps, opt->n_steps, depth + 3);
		}
		str_fini(&line);
		str_fini(&what);
	}
}

static void list_text(struct str *out, const char *head, char *const *v, size_t n)
{
	if (n)
		str_addf(out, "\n%s\n", head);
	for (size_t i = 0; i < n; i++) {
		_cleanup_(free_p) char *line = xasprintf("- %s", v[i]);
		add_line(out, 1, line);
	}
}

void runbook_text(struct str *out, const struct runbook *rb)
{
	str_addf(out, "%s  %s\n", rb->id, rb->title);
	if (rb->service || rb->severity)
		str_addf(out, "%s%s%s\n", rb->service ? rb->service : "", rb->service ? "  " : "",
			 rb->severity ? rb->severity : "");
	for (size_t i = 0; i < rb->n_never; i++)
		str_addf(out, "NEVER: %s\n", rb->never[i].text);
	list_text(out, "Symptoms", rb->symptoms, rb->n_symptoms);
	if (rb->n_params)
		str_add(out, "\nParameters\n");
	for (size_t i = 0; i < rb->n_params; i++) {
		struct str wants = STR_INIT(1000);
		param_wants(&rb->params[i], &wants);
		str_addf(out, "  $%-16s %s%s%s\n", rb->params[i].name, str_get(&wants),
			 rb->params[i].help ? "; " : "", rb->params[i].help ? rb->params[i].help :
				"");
		str_fini(&wants);
	}
	for (size_t i = 0; i < rb->n_phases; i++) {
		char from[40], to[40];
		format_duration(from, sizeof(from), rb->phases[i].box_from_ms);
		format_duration(to, sizeof(to), rb->phases[i].box_to_ms);
		str_addf(out, "\n%s", rb->phases[i].name);
		if (rb->phases[i].has_box)
			str_addf(out, "  (%s to %s)", from, to);
		str_addc(out, '\n');
		steps_text(out, rb->phases[i].steps, rb->phases[i].n_steps, 1);
	}
	list_text(out, "Afterwards", rb->checklist, rb->n_checklist);
	list_text(out, "Prevention", rb->prevention, rb->n_prevention);
}

/* ---- JSON ---- */
static void texts_json(struct jw *w, const char *name, char *const *v, size_t n)
{
	jw_arr(w, name);
	for (size_t i = 0; i < n; i++)
		jw_str(w, NULL, v[i]);
	jw_arr_end(w);
}

static void duration_json(struct jw *w, const char *name, int64_t ms)
{
	char buf[40];

	format_duration(buf, sizeof(buf), ms);
	jw_str(w, name, buf);
}

static void operation_json(struct jw *w, const char *name, const struct operation *op)
{
	struct str text = STR_INIT(100000);

	if (!op) {
		jw_null(w, name);
		return;
	}
	operation_text(&text, op);
	jw_obj(w, name);
	jw_str(w, "verb", verb_words[op->verb].name);
	jw_str(w, "text", str_get(&text));
	jw_obj_end(w);
	str_fini(&text);
}

static void expects_json(struct jw *w, const struct step *s)
{
	jw_arr(w, "expect");
	for (size_t i = 0; i < s->n_expect; i++) {
		struct str text = STR_INIT(2000);
		matcher_print(&text, s->expect[i].m);
		jw_obj(w, NULL);
		jw_str(w, "subject", s->expect[i].subject);
		jw_str(w, "wanted", str_get(&text));
		jw_obj_end(w);
		str_fini(&text);
	}
	jw_arr_end(w);
}

static void steps_json(struct jw *w, const char *name, const struct step *v, size_t n);

static void step_json(struct jw *w, const struct step *s)
{
	struct str text = STR_INIT(100000);

	operation_text(&text, &s->op);
	jw_obj(w, NULL);
	jw_str(w, "id", s->id);
	jw_str(w, "title", s->title);
	jw_str(w, "verb", verb_words[s->op.verb].name);
	jw_str(w, "text", str_get(&text));
	jw_str(w, "effect", effect_name(s->effect));
	jw_str(w, "help", s->help);
	jw_str(w, "role", s->role);
	jw_str(w, "why", s->why);
	texts_json(w, "tags", s->tags, s->n_tags);
	texts_json(w, "needs", s->needs, s->n_needs);
	texts_json(w, "items", s->op.items, s->op.n_items);
	jw_bool(w, "optional", s->optional);
	duration_json(w, "timeout", s->timeout_ms);
	jw_str(w, "hold", s->hold);
	jw_str(w, "release", s->release);
	jw_str(w, "confirmPhrase", s->confirm_type);
	jw_bool(w, "second", s->confirm_second);
	jw_str(w, "blockedBy", s->blocked_by);
	jw_i64(w, "line", s->at.line);
	expects_json(w, s);
	operation_json(w, "preview", s->preview);
	operation_json(w, "undo", s->undo);
	jw_arr(w, "options");
	for (size_t i = 0; i < s->op.n_options; i++) {
		jw_obj(w, NULL);
		jw_str(w, "pick", s->op.options[i].pick);
		jw_str(w, "label", s->op.options[i].label);
		steps_json(w, "steps", s->op.options[i].steps, s->op.options[i].n_steps);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_obj_end(w);
	str_fini(&text);
}

static void steps_json(struct jw *w, const char *name, const struct step *v, size_t n)
{
	jw_arr(w, name);
	for (size_t i = 0; i < n; i++)
		step_json(w, &v[i]);
	jw_arr_end(w);
}

static void params_json(struct jw *w, const struct runbook *rb)
{
	jw_arr(w, "params");
	for (size_t i = 0; i < rb->n_params; i++) {
		const struct param *p = &rb->params[i];
		struct str wants = STR_INIT(1000);
		param_wants(p, &wants);
		jw_obj(w, NULL);
		jw_str(w, "name", p->name);
		jw_str(w, "type", param_type_name(p->type));
		jw_str(w, "help", p->help);
		jw_str(w, "wants", str_get(&wants));
		jw_str(w, "pattern", p->pattern);
		texts_json(w, "choices", p->choices, p->n_choices);
		if (p->has_default)
			value_json(w, "default", &p->otherwise);
		else
			jw_null(w, "default");
		jw_str(w, "ask", p->ask == ASK_AT_START ? "start" : "at-use");
		jw_bool(w, "secret", p->type == PARAM_SECRET);
		jw_obj_end(w);
		str_fini(&wants);
	}
	jw_arr_end(w);
}

static void phases_json(struct jw *w, const struct runbook *rb)
{
	jw_arr(w, "phases");
	for (size_t i = 0; i < rb->n_phases; i++) {
		const struct phase *p = &rb->phases[i];
		jw_obj(w, NULL);
		jw_str(w, "name", p->name);
		if (p->has_box) {
			duration_json(w, "boxFrom", p->box_from_ms);
			duration_json(w, "boxTo", p->box_to_ms);
		}
		steps_json(w, "steps", p->steps, p->n_steps);
		jw_obj_end(w);
	}
	jw_arr_end(w);
}

void runbook_json(struct jw *w, const char *name, const struct runbook *rb)
{
	jw_obj(w, name);
	jw_str(w, "id", rb->id);
	jw_str(w, "title", rb->title);
	jw_str(w, "service", rb->service);
	jw_str(w, "severity", rb->severity);
	jw_str(w, "file", rb->file);
	jw_str(w, "hash", rb->hash);
	jw_obj(w, "trigger");
	texts_json(w, "alerts", rb->trigger.alerts, rb->trigger.n_alerts);
	texts_json(w, "kinds", rb->trigger.kinds, rb->trigger.n_kinds);
	jw_str(w, "text", rb->trigger.text);
	jw_obj_end(w);
	texts_json(w, "symptoms", rb->symptoms, rb->n_symptoms);
	texts_json(w, "links", rb->links, rb->n_links);
	jw_arr(w, "never");
	for (size_t i = 0; i < rb->n_never; i++)
		jw_str(w, NULL, rb->never[i].text);
	jw_arr_end(w);
	params_json(w, rb);
	phases_json(w, rb);
	texts_json(w, "checklist", rb->checklist, rb->n_checklist);
	jw_arr(w, "deadlines");
	for (size_t i = 0; i < rb->n_deadlines; i++) {
		jw_obj(w, NULL);
		jw_str(w, "do", rb->deadlines[i].what);
		duration_json(w, "within", rb->deadlines[i].within_ms);
		jw_obj_end(w);
	}
	jw_arr_end(w);
	texts_json(w, "prevention", rb->prevention, rb->n_prevention);
	texts_json(w, "review", rb->review, rb->n_review);
	jw_obj_end(w);
}
