/*
 * Which $names an operation uses, found once per step. A shell script's own variables are
 * among them; they are told apart later: only declared parameters are ever asked for.
 */
#include <string.h>

#include "runbook/flow_priv.h"

static void add_name(struct node *n, const char *name)
{
	for (size_t i = 0; i < n->n_names; i++)
		if (strcmp(n->names[i], name) == 0)
			return;
	n->names = xrealloc(n->names, (n->n_names + 1) * sizeof(*n->names));
	n->names[n->n_names++] = xstrdup(name);
}

static void add_text(struct node *n, const char *text)
{
	char **names = NULL;
	size_t count = text ? bind_names(text, &names) : 0;

	for (size_t i = 0; i < count; i++) {
		add_name(n, names[i]);
		free_p(&names[i]);
	}
	free_p(&names);
}

static void add_pairs(struct node *n, const struct pair *p, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_text(n, p[i].text);
}

static void add_operation(struct node *n, const struct operation *op)
{
	bool words = op->verb == VERB_GATE || op->verb == VERB_METRIC || op->verb == VERB_SAY;

	if (!words)
		add_text(n, op->text);
	for (size_t i = 0; op->verb == VERB_ASK && i < op->n_items; i++)
		add_text(n, op->items[i]);
	add_pairs(n, op->headers, op->n_headers);
	add_pairs(n, op->query, op->n_query);
	add_pairs(n, op->form, op->n_form);
	add_pairs(n, op->env, op->n_env);
	add_pairs(n, op->with, op->n_with);
	add_text(n, op->body_json);
	add_text(n, op->auth_user);
	add_text(n, op->cwd);
	if (op->auth_secret)
		add_name(n, op->auth_secret);
	if (op->auth_bearer)
		add_name(n, op->auth_bearer);
	for (size_t i = 0; i < op->n_argv; i++)
		add_text(n, op->argv[i]);
	for (size_t i = 0; i < op->n_to; i++)
		add_text(n, op->to[i]);
	for (size_t i = 0; i < op->n_needs_fields; i++)
		add_name(n, op->needs_fields[i]);
}

void node_collect_names(struct node *n)
{
	add_operation(n, &n->s->op);
	if (n->s->preview)
		add_operation(n, n->s->preview);
	if (!n->s->undo)
		return;
	/* asked for before the step, too: what cannot be undone for want of a value is no change
	 * to begin with */
	add_operation(n, n->s->undo);
	char **all = TAKE(n->names);
	size_t n_all = n->n_names;

	n->n_names = 0;
	add_operation(n, n->s->undo);
	n->undo_names = n->names;
	n->n_undo_names = n->n_names;
	n->names = all;
	n->n_names = n_all;
}
