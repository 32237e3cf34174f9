/* Runbooks: parser, names, rules; what was read must be tellable in every form. */
#include "fuzz.h"
#include "core/mem.h"
#include "runbook/bind.h"
#include "runbook/outline.h"
#include "runbook/runbook.h"

static bool known(int64_t code)
{
	return code & 1;
}

static const struct value *get(void *ctx, const char *name)
{
	static char text[] = "'; x";
	static const struct value v = { .type = V_TEXT, .text = text };

	(void)ctx;
	return name[0] == 'n' ? NULL : &v;
}

static void bind_all(const char *text)
{
	struct scope s = { .get = get };
	struct bound_sql b = { 0 };
	struct str out = STR_INIT(1 << 20);
	struct err err = { 0 };

	if (!bind_sql(&s, text, &b, &err))
		bound_sql_fini(&b);
	bind_text(&s, text, BIND_URL, &out, NULL, &err);
	str_fini(&out);
	free_p(&s.needs);
}

FUZZ
{
	struct problems p = { 0 };
	struct runbook *rb = runbook_parse((const char *)data, size, "fuzz", &p);
	struct str out = STR_INIT(1 << 20);
	struct jw w = JW(&out);
	char *text = memcpy(xcalloc(1, size + 1), data, size);

	if (!rb && !p.n_errors)
		abort(); /* refused without a word */
	if (rb) {
		runbook_json(&w, NULL, rb);
		str_clear(&out);
		runbook_text(&out, rb);
		str_clear(&out);
		runbook_markdown(&out, rb);
		runbook_lint_codes(rb, known, &p);
	}
	bind_all(text);
	problems_print(&out, &p);
	problems_fini(&p);
	runbook_free(rb);
	str_fini(&out);
	free_p(&text);
	return 0;
}
