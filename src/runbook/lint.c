/*
 * Safety rules that a runbook is held to when it is read: a change says how it is confirmed
 * and undone, reads read, nothing waits for ever, no credential stands in the text. What
 * certainly goes wrong is an error; what only looks wrong is a warning.
 *
 * What commands and statements do is judged by their text (lint_text.c): enough to catch
 * what authors forget, no protection against those who want to hide something. That is
 * the business of roles, transactions and confirmations when it runs.
 */
#include <string.h>

#include "core/mem.h"
#include "runbook/lint.h"

void lint_error(const struct lint *l, struct place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	problems_add(l->r->p, l->r->file, at, false, "%s", text);
}

void lint_warn(const struct lint *l, struct place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	problems_add(l->r->p, l->r->file, at, true, "%s", text);
}

static bool acts(enum verb_id v)
{
	return v == VERB_HTTP || v == VERB_SQL || v == VERB_RUN;
}

static void lint_change(const struct lint *l, const struct step *s)
{
	bool destroy = s->effect == EFFECT_DESTROY;

	if (!acts(s->op.verb))
		return;
	if (!s->confirm && s->effect != EFFECT_UNKNOWN)
		lint_error(l, s->at, "a change is always confirmed: drop 'confirm: false'");
	if (destroy && !s->confirm_type)
		lint_error(l, s->at, "a destroying step needs a phrase to be typed: confirm: "
			"{type: ...}");
	if (s->effect == EFFECT_UNKNOWN)
		lint_warn(l, s->at, "effect unknown: this step cannot run until somebody says "
			"read, change or destroy");
	else if (!s->undo && !s->undo_none && !s->release)
		lint_error(l, s->at, "how is this %s undone? Say undo: {...}, or undo: none "
			"with a why",
			   effect_name(s->effect));
	if (s->undo_none && !s->why)
		lint_error(l, s->at, "'undo: none' needs a 'why'");
}

static void lint_read(const struct lint *l, const struct step *s)
{
	const struct { bool is; const char *name; } only[] = {
		{ s->undo || s->undo_none, "undo" }, { s->preview != NULL, "preview" },
		{ s->confirm_type || s->confirm_second, "confirm" },
		{ s->hold != NULL && acts(s->op.verb), "hold" },
	};

	for (size_t i = 0; i < COUNT_OF(only); i++)
		if (only[i].is)
			lint_error(l, s->at, "'%s' goes with a change: this step is declared "
				"to read",
				   only[i].name);
	if (s->op.verb == VERB_HTTP && !http_reads(&s->op) && !s->why)
		lint_error(l, s->at, "%s declared to read needs a 'why'", s->op.method);
}

static void lint_hold(const struct lint *l, const struct step *s)
{
	const char *wanted[] = { s->release, s->undo_release };
	bool released = str_eq(s->undo_release, s->hold);
	const struct step *other;

	for (size_t i = 0; s->hold && !released && (other = runbook_step_at(l->r->rb, i, NULL));
	     i++)
		released = str_eq(other->release, s->hold) || str_eq(other->undo_release, s->hold);
	if (s->hold && !released)
		lint_warn(l, s->at, "nothing here releases the hold '%s'", s->hold);
	for (size_t w = 0; w < COUNT_OF(wanted); w++) {
		bool held = !wanted[w];
		for (size_t i = 0; !held && (other = runbook_step_at(l->r->rb, i, NULL)); i++)
			held = str_eq(other->hold, wanted[w]);
		if (!held)
			lint_warn(l, s->at, "no step here sets the hold '%s'", wanted[w]);
	}
}

static void lint_words(const struct lint *l, const struct step *s)
{
	const struct operation *op = &s->op;

	if (op->verb == VERB_DECIDE && !op->n_options)
		lint_error(l, s->at, "a decision needs 'options'");
	if (op->verb == VERB_ASK && str_eq(op->answer, "choice") && !op->n_items)
		lint_error(l, s->at, "'answer: choice' needs 'items' to choose from");
	if (op->verb == VERB_SAY && op->say_every_ms && !op->say_until)
		lint_error(l, s->at, "'every' needs 'until': it would be sent for ever");
	if (op->verb == VERB_SAY && !op->n_to)
		lint_warn(l, s->at, "sent to nobody in particular: 'to' is missing");
	if (op->verb == VERB_HTTP && op->body_json && op->n_form)
		lint_error(l, s->at, "one body: json or form");
	if (op->verb == VERB_HTTP && http_reads(op) && (op->body_json || op->n_form))
		lint_error(l, s->at, "%s has no body", op->method);
}

static void lint_step(struct lint *l, const struct step *s)
{
	l->step = s;
	if (s->effect == EFFECT_READ)
		lint_read(l, s);
	else
		lint_change(l, s);
	lint_hold(l, s);
	lint_words(l, s);
	lint_operation(l, &s->op, s->effect);
	if (s->preview)
		lint_operation(l, s->preview, EFFECT_READ);
	if (s->preview && s->preview->verb == VERB_HTTP && !http_reads(s->preview))
		lint_error(l, s->preview->at, "a preview reads: no %s", s->preview->method);
	if (s->undo) /* confirmed when it is offered, whatever it does */
		lint_operation(l, s->undo, s->effect == EFFECT_READ ? EFFECT_CHANGE : s->effect);
}

void runbook_rules(struct reading *r)
{
	struct lint l = { .r = r };
	const struct step *s;

	for (size_t i = 0; (s = runbook_step_at(r->rb, i, NULL)); i++)
		if (s->op.verb != VERB_MAX)
			lint_step(&l, s);
}
