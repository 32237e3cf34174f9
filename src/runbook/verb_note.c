/* note: something to read, nothing to do. */
#include "runbook/verbs.h"

static int describe(const struct verb_call *c, struct str *ret, struct err *err)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);
	int e = verb_text(c, c->op->text, &b, err);

	if (e == 0)
		verb_show(c, ret, str_get(&b));
	str_fini(&b);
	return e;
}

const struct verb verb_note = { .describe = describe };
