/* What a run waits for, as one sentence for people: list, strip, notifications, errors. */
#include <string.h>

#include "runbook/flow_priv.h"
#include "runbook/param.h"

static const char *name_of(const struct node *n)
{
	return str_empty(n->s->title) ? n->s->id : n->s->title;
}

static void param_text(const struct flow *f, const char *name, struct str *out)
{
	const char *bare;
	int frame = flow_param_frame(f, name, &bare);
	const struct runbook *rb = f->frames[frame].rb;

	for (size_t i = 0; i < rb->n_params; i++) {
		const struct param *p = &rb->params[i];

		if (!str_eq(p->name, bare))
			continue;
		str_addf(out, "%s is wanted: ", name);
		if (!str_empty(p->help))
			str_add(out, p->help);
		else
			param_wants(p, out);
		return;
	}
	str_addf(out, "%s is wanted for the message", name);
}

static void failed_text(const struct node *n, struct str *out)
{
	if (n->state == RS_WAITING && n->preview_bad)
		str_addf(out, "the preview of %s failed", name_of(n));
	else
		str_addf(out, "%s %s", name_of(n), n->outcome == RO_ERROR ?
			 "could not be done" : "failed");
	const char *why = n->state == RS_WAITING ? n->preview_why : n->why;

	if (!str_empty(why))
		str_addf(out, ": %s", why);
}

void wait_text(const struct flow *f, const struct node *n, int kind, const char *param,
	       struct str *out)
{
	switch (kind) {
	case RW_PARAM:
		param_text(f, param, out);
		break;
	case RW_CONFIRM:
		str_addf(out, "%s is to be confirmed", name_of(n));
		break;
	case RW_SECOND:
		str_addf(out, "%s confirmed %s; a second person is needed",
			 n->confirmed_by ? n->confirmed_by : "someone", name_of(n));
		break;
	case RW_ANSWER:
	case RW_PICK:
		str_add(out, n->s->op.text);
		break;
	case RW_GATE:
		str_addf(out, n->s->op.gate_until ? "until %s passes" : "%s", n->s->op.gate_until ?
			 n->s->op.gate_until : name_of(n));
		break;
	case RW_APPROVAL:
		str_addf(out, "%s: approval by %s", name_of(n), n->s->op.gate_role ?
			 n->s->op.gate_role : "another person");
		break;
	case RW_FAILED:
		failed_text(n, out);
		break;
	case RW_HAPPENED:
		str_addf(out, "%s%s was in flight when its engine went away: did it happen?",
			 n->undo == UNDO_UNKNOWN ? "the undo of " : "", name_of(n));
		break;
	case RW_OPTIONAL:
		str_addf(out, "%s is optional: do it or skip it", name_of(n));
		break;
	}
}
