/* decide: a person chooses the branch; what is likely is computed by the flow. */
#include "runbook/verbs.h"

static int describe(const struct verb_call *c, struct str *ret, struct err *err)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	int e = verb_text(c, c->op->text, &b, err);

	if (e == 0)
		verb_show(c, ret, str_get(&b));
	for (size_t i = 0; i < c->op->n_options && e == 0; i++) {
		const struct option *o = &c->op->options[i];

		str_addf(ret, "\n- %s", o->pick);
		if (o->label) {
			str_add(ret, ": ");
			verb_show(c, ret, o->label);
		}
	}
	str_fini(&b);
	return e;
}

const struct verb verb_decide = { .describe = describe };
