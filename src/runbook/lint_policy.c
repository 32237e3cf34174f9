/* What a runbook takes from policy.yaml must be there: severities, metrics, messages, members
 * of targets. Without a policy nothing of this is checked. */
#include <string.h>

#include "core/mem.h"
#include "policy/policy.h"
#include "runbook/outline.h"
#include "runbook/runbook.h"

static void absent(struct problems *ret, const struct runbook *rb, struct place at,
		   const char *what, const char *name, const char *near)
{
	problems_add(ret, rb->file, at, false, "policy.yaml has no %s '%s'%s%s%s", what, name,
		     near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static const char *nearest_message(const struct policy *p, const char *id)
{
	const char **names = xcalloc(p->n_messages + 1, sizeof(*names));

	for (size_t i = 0; i < p->n_messages; i++)
		names[i] = p->messages[i].id;
	const char *near = str_nearest(id, names, p->n_messages);
	free_p(&names);
	return near;
}

static bool field_of(const struct policy_message *m, const char *name)
{
	for (size_t i = 0; i < m->n_fields; i++)
		if (str_eq(m->fields[i], name))
			return true;
	return false;
}

static void check_step(const struct runbook *rb, const struct step *s, const struct policy *p,
		       struct problems *ret)
{
	const struct policy_message *m = s->op.verb == VERB_SAY ? policy_message(p, s->op.text) :
		NULL;

	if (s->op.verb == VERB_METRIC && !policy_metric(p, s->op.text))
		absent(ret, rb, s->at, "metric", s->op.text, policy_nearest_metric(p, s->op.text));
	if (s->op.verb == VERB_SAY && !m)
		absent(ret, rb, s->at, "message", s->op.text, nearest_message(p, s->op.text));
	for (size_t i = 0; m && i < s->op.n_needs_fields; i++)
		if (!field_of(m, s->op.needs_fields[i]))
			problems_add(ret, rb->file, s->at, true, "message '%s' has no field '%s'",
				     m->id, s->op.needs_fields[i]);
}

void runbook_lint_policy(const struct runbook *rb, const struct policy *p, struct problems *ret)
{
	const struct place top = { 1, 1 };
	const struct step *s;

	if (rb->severity && !policy_severity(p, rb->severity))
		absent(ret, rb, top, "severity", rb->severity, NULL);
	for (size_t i = 0; (s = runbook_step_at(rb, i, NULL)); i++)
		check_step(rb, s, p, ret);
	for (size_t i = 0; i < rb->n_params; i++) {
		const struct param *param = &rb->params[i];
		bool found = param->from != FROM_TARGET || param->has_default || !p->n_targets;
		for (size_t t = 0; t < p->n_targets && !found; t++)
			found = policy_target_value(p, p->targets[t].name,
						    param->from_name) != NULL;
		if (!found)
			problems_add(ret, rb->file, param->at, true,
				     "no target of policy.yaml has '%s': it will be asked for",
				     param->from_name);
	}
}
