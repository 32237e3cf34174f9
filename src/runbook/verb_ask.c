/* ask: a question, or things to be done and ticked off. The flow waits for the answer. */
#include "runbook/verbs.h"

static int describe(const struct verb_call *c, struct str *ret, struct err *err)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	int e = verb_text(c, c->op->text, &b, err);

	if (e == 0)
		verb_show(c, ret, str_get(&b));
	for (size_t i = 0; i < c->op->n_items && e == 0; i++) {
		str_clear(&b);
		e = verb_text(c, c->op->items[i], &b, err);
		str_add(ret, "\n- ");
		verb_show(c, ret, str_get(&b));
	}
	str_fini(&b);
	return e;
}

const struct verb verb_ask = { .describe = describe };
