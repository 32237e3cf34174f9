/* call: another runbook inside this run. The flow walks it. */
#include "runbook/verbs.h"

static int describe(const struct verb_call *c, struct str *ret, struct err *err)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	int e = 0;

	str_addf(ret, "runbook %s", c->op->text);
	for (size_t i = 0; i < c->op->n_with && e == 0; i++) {
		str_clear(&b);
		e = verb_text(c, c->op->with[i].text, &b, err);
		str_addf(ret, "%s%s = ", i ? ", " : ", with ", c->op->with[i].name);
		verb_show(c, ret, str_get(&b));
	}
	str_fini(&b);
	return e;
}

const struct verb verb_call = { .describe = describe };
