/* What several verbs share: the table by id, texts for people, the time a step took. */
#include <string.h>

#include "core/mem.h"
#include "runbook/verbs.h"

const struct verb *verb_by_id(enum verb_id id)
{
	static const struct verb *const table[] = {
#define X(id, name) [id] = &verb_##name,
		VERB_LIST(X)
#undef X
	};

	return (size_t)id < COUNT_OF(table) ? table[id] : NULL;
}

int verb_text(const struct verb_call *c, const char *text, struct str *ret, struct err *err)
{
	return bind_text(c->scope, text ? text : "", BIND_PLAIN, ret, NULL, err);
}

void verb_show(const struct verb_call *c, struct str *ret, const char *text)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	str_add(&b, text);
	if (c->masker)
		masker_apply(c->masker, &b);
	_cleanup_(free_p) char *clean = text_clean(str_get(&b), 0);
	str_add(ret, clean);
	str_fini(&b);
}

void verb_time(struct value *result, int64_t ms)
{
	struct value *v = value_add(result, "time");

	v->type = V_DURATION;
	v->ms = ms;
}

static bool begins(const char *text, const char *subject)
{
	size_t n = strlen(subject);

	return str_has_prefix(text, subject) && !strchr("_abcdefghijklmnopqrstuvwxyz",
							text[n] ? text[n] : '_');
}

static bool named(const char *text, const char *subject)
{
	return str_eq(text, subject) || begins(text, subject);
}

bool verb_expects(const struct verb_call *c, const char *subject)
{
	const struct step *s = c->step;

	for (size_t i = 0; s && i < s->n_expect; i++)
		if (named(s->expect[i].subject, subject))
			return true;
	for (size_t i = 0; s && i < s->n_unless; i++)
		if (named(s->retry_unless[i].subject, subject))
			return true;
	for (size_t i = 0; s && i < s->n_save; i++)
		if (named(s->save[i].expression, subject))
			return true;
	for (size_t i = 0; s && i < s->n_preview_save; i++)
		if (named(s->preview_save[i].expression, subject))
			return true;
	return false;
}
