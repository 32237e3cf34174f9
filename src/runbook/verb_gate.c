/* gate: waits for a time, a check or an approval. The flow keeps the clock. */
#include "runbook/verbs.h"

static void add_time(struct str *ret, const char *before, int64_t ms)
{
	char d[64];

	if (ms <= 0)
		return;
	format_duration(d, sizeof(d), ms);
	str_addf(ret, "%s%s", before, d);
}

static int describe(const struct verb_call *c, struct str *ret, struct err *err)
{
	const struct operation *op = c->op;

	(void)err;
	if (op->gate_time_ms) {
		add_time(ret, "wait ", op->gate_time_ms);
	} else if (op->gate_until) {
		str_addf(ret, "wait until %s passes", op->gate_until);
		add_time(ret, ", tried every ", op->gate_every_ms);
		add_time(ret, ", at most ", op->gate_max_ms);
	} else {
		str_addf(ret, "approval by %s", op->gate_role ? op->gate_role : "operator");
		add_time(ret, " within ", op->gate_window_ms);
		if (op->gate_at_end)
			str_addf(ret, ", then %s", op->gate_at_end);
		add_time(ret, "; checks every ", op->gate_every_ms);
		for (size_t i = 0; i < op->n_gate_steps; i++)
			str_addf(ret, "%s%s", i ? ", " : ": ", op->gate_steps[i]);
		if (op->gate_cancel)
			str_add(ret, "; cancelled when they pass");
	}
	return 0;
}

const struct verb verb_gate = { .describe = describe };
