/*
 * say: a message from the policy's templates. Its fields come from the run's values, from the
 * incident that the run belongs to (runs_learn.c) and from the runbook; one without a value is
 * marked in the text, and refused when the step says that it needs it.
 *
 * Nothing is sent from here: the port puts it into the outbox.
 */
#include <string.h>

#include "core/mem.h"
#include "runbook/output.h"
#include "runbook/verbs.h"

enum { FIELD_MAX = 2000 };

/* The value of {{name}} as text; NULL = there is none. */
static char *field(const struct verb_call *c, const char *name)
{
	const struct value *v = c->scope->get(c->scope->ctx, name);
	const struct runbook *rb = c->runbook;
	struct str b = STR_INIT(FIELD_MAX * 4);

	if (v && v->type != V_NULL && !(v->type == V_TEXT && str_empty(v->text))) {
		if (v->type == V_TEXT && !v->secret)
			str_add(&b, v->text);
		else
			value_print(&b, v, FIELD_MAX);
		return str_take(&b);
	}
	if (rb && str_eq(name, "severity"))
		return xstrdup(rb->severity);
	if (rb && str_eq(name, "service"))
		return xstrdup(rb->service);
	if (rb && str_eq(name, "runbook"))
		return xasprintf("%s (%s)", rb->title, rb->id);
	if (str_eq(name, "commander"))
		return xstrdup(c->by);
	return NULL;
}

static bool needed(const struct operation *op, const char *name)
{
	for (size_t i = 0; i < op->n_needs_fields; i++)
		if (str_eq(op->needs_fields[i], name))
			return true;
	return false;
}

struct filling { const struct verb_call *c; char *wanted; };

static char *value_of(void *ctx, const char *name)
{
	struct filling *x = ctx;
	char *value = field(x->c, name);

	if (!value && !x->wanted && needed(x->c->op, name))
		x->wanted = xstrdup(name);
	return value;
}

/* Text with its fields filled; a missing one that is needed: ERR_NOT_FOUND. */
static int fill(const struct verb_call *c, const char *text, struct str *ret, struct err *err)
{
	struct filling x = { .c = c };
	int e = 0;

	policy_fill(&(struct policy_filling){ .value = value_of, .ctx = &x }, text, ret);
	if (x.wanted) {
		str_replace(&c->scope->needs, x.wanted);
		e = err_field(err, ERR_NOT_FOUND, x.wanted, "the message needs %s", x.wanted);
	}
	free_p(&x.wanted);
	return e;
}

static const struct policy_message *template(const struct verb_call *c, struct err *err)
{
	const struct policy *p = c->env->policy;
	const struct policy_message *m = policy_message(p, c->op->text);
	const char *names[100] = { NULL }, *near;

	if (m)
		return m;
	for (size_t i = 0; p && i < p->n_messages && i < COUNT_OF(names); i++)
		names[i] = p->messages[i].id;
	near = str_nearest(c->op->text, names, COUNT_OF(names));
	err_set(err, ERR_INVALID, "the policy has no message '%.60s'%s%s%s", c->op->text,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

/* Fields that are needed but stand nowhere in the template. */
static int extra_needs(const struct verb_call *c, const struct policy_message *m, struct err *err)
{
	for (size_t i = 0; i < c->op->n_needs_fields; i++) {
		const char *name = c->op->needs_fields[i];
		_cleanup_(free_p) char *value = field(c, name);
		bool there = value != NULL;

		for (size_t k = 0; k < m->n_fields && !there; k++)
			there = str_eq(m->fields[k], name);
		if (!there) {
			str_replace(&c->scope->needs, name);
			return err_field(err, ERR_NOT_FOUND, name, "the message needs %s", name);
		}
	}
	return 0;
}

static int message(const struct verb_call *c, struct str *subject, struct str *body,
		   struct err *err)
{
	const struct policy_message *m = template(c, err);
	int e = m ? extra_needs(c, m, err) : ERR_INVALID;

	if (e == 0)
		e = fill(c, m->subject ? m->subject : m->title, subject, err);
	if (e == 0)
		e = fill(c, m->body, body, err);
	if (c->masker) {
		masker_apply(c->masker, subject);
		masker_apply(c->masker, body);
	}
	return e;
}

static int describe(const struct verb_call *c, struct str *ret, struct err *err)
{
	struct str subject = STR_INIT(4000), body = STR_INIT(65536), to = STR_INIT(4000);
	int e = message(c, &subject, &body, err);

	/* whom it is for, also while its words are not complete */
	for (size_t i = 0; i < c->op->n_to; i++) {
		struct err why = { 0 };
		int x;

		str_add(&to, i ? ", " : "");
		x = verb_text(c, c->op->to[i], &to, e == 0 ? err : &why);
		e = e == 0 ? x : e;
	}
	str_addf(ret, "to ");
	verb_show(c, ret, str_get(&to));
	str_add(ret, "\n");
	verb_show(c, ret, str_get(&subject));
	str_add(ret, "\n");
	output_clean(c->masker, str_get(&body), body.len, 65536, ret);
	str_fini(&subject);
	str_fini(&body);
	str_fini(&to);
	return e;
}

static const char *text_of(const struct verb_call *c, const char *name)
{
	const struct value *v = c->scope->get(c->scope->ctx, name);

	return v && v->type == V_TEXT && !str_empty(v->text) && !v->secret ? v->text : NULL;
}

static int send_to(struct verb_call *c, char *const *to, const char *subject, const char *body,
		   struct value *result, struct err *err)
{
	const struct run_ports *p = c->env->ports;
	struct str missing = STR_INIT(4000);
	_cleanup_(free_p) char *dedup =
		xasprintf("run/%s/%s/%lld", c->run_id ? c->run_id : "-",
			  c->step && c->step->id ? c->step->id : "-", (long long)c->now_ms);
	struct run_say m = { .to = to, .n_to = c->op->n_to, .message = template(c, err),
			     .subject = subject, .text = body, .run = c->run_id,
			     .incident = text_of(c, "incident"), .severity = text_of(c, "severity"),
			     .status = text_of(c, "status"), .by = c->by, .dedup = dedup };
	int e = m.message ? p->say(p->ctx, &m, &missing, err) : ERR_INVALID;
	struct value *sent = value_add(result, "sent");

	sent->type = V_LIST;
	for (size_t i = 0; i < m.n_to && e == 0; i++)
		value_set_text(value_add(sent, NULL), to[i]);
	if (missing.len)
		value_set_text(value_add(result, "missing"), str_get(&missing));
	str_fini(&missing);
	return e;
}

static int send_all(struct verb_call *c, const char *subject, const char *body,
		    struct value *result, struct err *err)
{
	char **to = xcalloc(c->op->n_to + 1, sizeof(*to));
	int e = 0;

	if (!c->env->ports || !c->env->ports->say)
		e = err_set(err, ERR_UNREACHABLE, "nothing that could send messages is"
			    " configured");
	for (size_t i = 0; i < c->op->n_to && e == 0; i++) {
		struct str word = STR_INIT(1000);

		e = verb_text(c, c->op->to[i], &word, err);
		to[i] = str_take(&word);
	}
	if (e == 0)
		e = send_to(c, to, subject, body, result, err);
	for (size_t i = 0; i < c->op->n_to; i++)
		free_p(&to[i]);
	free_p(&to);
	return e;
}

static int run(struct verb_call *c, struct value *result, struct err *err)
{
	struct str subject = STR_INIT(4000), body = STR_INIT(65536);
	int e = message(c, &subject, &body, err);

	result->type = V_MAP;
	if (e == 0)
		e = send_all(c, str_get(&subject), str_get(&body), result, err);
	value_set_text(value_add(result, "text"), str_get(&body));
	value_set_text(value_add(result, "subject"), str_get(&subject));
	str_fini(&subject);
	str_fini(&body);
	return e;
}

const struct verb verb_say = { .describe = describe, .run = run };
