/* A verb called as the engine does; see the header. */
#include "tests/lib/verbtest.h"

#include "core/mem.h"
#include "tests/lib/pgtemp.h"

static const struct value *get(void *ctx, const char *name)
{
	return value_get(&((struct verbtest *)ctx)->values, name);
}

static void output(void *ctx, const char *text, size_t n)
{
	str_addn(&((struct verbtest *)ctx)->live, text, n);
}

void verbtest_init(struct verbtest *t, enum verb_id verb, enum effect effect)
{
	*t = (struct verbtest){ .loop = loop_new(), .values = { .type = V_MAP },
				.masker = masker_new(), .live = STR_INIT(STR_MAX_DEFAULT) };
	t->env.loop = t->loop;
	t->env.http = http_new(t->loop);
	t->scope = (struct scope){ .get = get, .ctx = t };
	t->step.op.verb = verb;
	t->step.id = xstrdup("it");
	t->step.effect = effect;
	t->runbook.title = xstrdup("A test");
	t->runbook.id = xstrdup("test");
	t->runbook.severity = xstrdup("P2");
	t->call = (struct verb_call){ .env = &t->env, .step = &t->step, .op = &t->step.op,
				      .runbook = &t->runbook, .effect = effect, .scope = &t->scope,
				      .masker = t->masker, .expect_affected = -1, .run_id = "RUN-1",
				      .by = "anna", .now_ms = 1000, .timeout_ms = 5000,
				      .output = output, .output_ctx = t };
}

void verbtest_fini(struct verbtest *t)
{
	http_free(t->env.http);
	value_fini(&t->values);
	value_fini(&t->result);
	masker_free(t->masker);
	str_fini(&t->live);
	free_p(&t->scope.needs);
	free_p(&t->step.id);
	free_p(&t->runbook.title);
	free_p(&t->runbook.id);
	free_p(&t->runbook.severity);
	loop_free(t->loop);
}

struct value *verbtest_value(struct verbtest *t, const char *name)
{
	return value_add(&t->values, name);
}

void verbtest_text(struct verbtest *t, const char *name, const char *value)
{
	value_set_text(value_add(&t->values, name), value);
}

void verbtest_secret(struct verbtest *t, const char *name, const char *value)
{
	struct value *v = value_add(&t->values, name);

	value_set_text(v, value);
	v->secret = true;
	masker_add(t->masker, value, NULL);
}

static void in(void *arg)
{
	struct verbtest *t = arg;

	t->code = verb_by_id(t->step.op.verb)->run(&t->call, &t->result, &t->err);
}

int verbtest_run(struct verbtest *t)
{
	value_fini(&t->result);
	t->result = (struct value){ 0 };
	t->err = (struct err){ 0 };
	str_clear(&t->live);
	in_task(t->loop, in, t);
	return t->code;
}

char *verbtest_describe(struct verbtest *t)
{
	struct str b = STR_INIT(STR_MAX_DEFAULT);

	t->err = (struct err){ 0 };
	if (verb_by_id(t->step.op.verb)->describe(&t->call, &b, &t->err) == 0)
		return str_take(&b);
	str_fini(&b);
	return NULL;
}

double verbtest_number(struct verbtest *t, const char *subject)
{
	struct value v = { 0 };
	double n = -12345;

	if (subject_value(subject, &t->result, &v, NULL) == 0 && v.type == V_NUMBER)
		n = v.n;
	value_fini(&v);
	return n;
}

const char *verbtest_got(struct verbtest *t, const char *subject)
{
	const struct value *v = value_get(&t->result, subject);

	return v && v->type == V_TEXT ? v->text : "";
}
