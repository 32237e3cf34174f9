/*
 * Operations: one verb and the keys that belong to it, the same in a step, its preview and
 * its undo. A verb's reader fills the value; afterwards it is checked that there is exactly
 * one verb and that no key of another one is beside it.
 */
#include <ctype.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/parse.h"

enum { GATE_EVERY_MS = 30000, GATE_MAX_MS = 30 * 60000 };

static enum verb_id verb_of_key(const char *key)
{
	int v = 0;

	while (v < VERB_MAX && !str_eq(verb_words[v].name, key))
		v++;
	return (enum verb_id)v;
}

static void find_verb(struct reading *r, const struct yaml *y, struct operation *op)
{
	const struct yaml *first = NULL;

	op->verb = VERB_MAX;
	for (const struct yaml *c = y->first; c; c = c->next) {
		enum verb_id v = verb_of_key(c->key);
		if (v == VERB_MAX)
			continue;
		if (!first)
			op->verb = v;
		else
			wrong_key(r, c, "one step has one verb: '%s' is there already", first->key);
		first = first ? first : c;
	}
	if (!first)
		wrong(r, y, "no verb here: one of http sql run metric ask decide gate say call"
			    " note");
}

static void check_neighbours(struct reading *r, const struct yaml *y, const struct operation *op)
{
	for (const struct yaml *c = y->first; c && op->verb != VERB_MAX; c = c->next)
		for (size_t i = 0; i < keys_operation.n; i++) {
			const struct key *k = &keys_operation.keys[i];
			if (!str_eq(k->name, c->key) || !k->verbs || k->verbs & 1U << op->verb)
				continue;
			int v = 0;
			while (!(k->verbs & 1U << v))
				v++;
			wrong_key(r, c, "'%s' belongs to %s, this is %s", c->key,
				  verb_words[v].name, verb_words[op->verb].name);
		}
}

void read_operation(struct reading *r, const struct yaml *y, struct operation *op,
		    const struct part *more)
{
	const struct part parts[] = { *more, { &keys_operation, op } };

	op->at = place_of(y);
	op->verb = VERB_MAX;
	if (!wants(r, y, YAML_MAP, "a step: a map with a verb"))
		return;
	find_verb(r, y, op);
	read_map(r, y, parts, COUNT_OF(parts));
	check_neighbours(r, y, op);
}

/* ---- verbs ---- */
static bool known_method(const char *s, size_t n)
{
	static const char *const methods[] = {
		"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE",
	};

	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (strlen(methods[i]) == n && !strncmp(methods[i], s, n))
			return true;
	return false;
}

void read_http(struct reading *r, const struct yaml *y, void *base)
{
	struct operation *op = base;
	const struct yaml *at = y;

	if (y->type == YAML_MAP) {
		read_group(r, y, &keys_http, op);
		at = yaml_get(y, "url");
		if (!at || !op->text)
			return;
	} else if (read_scalar(r, y, "METHOD url")) {
		str_replace(&op->text, y->text);
	} else {
		return;
	}
	size_t n = strcspn(op->text, " ");
	if (op->text[n]) {
		if (!op->method)
			op->method = xstrndup(op->text, n);
		memmove(op->text, op->text + n + 1, strlen(op->text + n + 1) + 1);
	}
	if (!op->method)
		op->method = xstrdup("GET");
	if (!known_method(op->method, strlen(op->method)))
		wrong(r, at, "'%.20s' is none of GET HEAD OPTIONS POST PUT PATCH DELETE",
		      op->method);
	if (!op->text[0] || strpbrk(op->text, " \n\t"))
		wrong(r, at, "wants METHOD url, as GET https://example.com/health");
	else if (op->text[0] != '$' && !str_has_prefix(op->text, "https://") &&
		 !str_has_prefix(op->text, "http://") && !str_has_prefix(op->text, "ringdown:/"))
		wrong(r, at, "the URL begins with https://, http://, ringdown:/ or a $name");
}

static void read_words(struct reading *r, const struct yaml *y, struct operation *op,
		       const char *what)
{
	const char *s = read_scalar(r, y, what);

	if (s)
		str_replace(&op->text, s);
}

void read_sql(struct reading *r, const struct yaml *y, void *base)
{
	read_words(r, y, base, "an SQL statement");
}

void read_metric(struct reading *r, const struct yaml *y, void *base)
{
	read_words(r, y, base, "the name of a metric");
}

void read_ask(struct reading *r, const struct yaml *y, void *base)
{
	read_words(r, y, base, "a text for a person");
}

void read_decide(struct reading *r, const struct yaml *y, void *base)
{
	read_words(r, y, base, "a question");
}

void read_say(struct reading *r, const struct yaml *y, void *base)
{
	read_words(r, y, base, "the id of a message");
}

void read_call(struct reading *r, const struct yaml *y, void *base)
{
	read_words(r, y, base, "the id of a runbook");
}

void read_note(struct reading *r, const struct yaml *y, void *base)
{
	read_words(r, y, base, "a text");
}

void read_run(struct reading *r, const struct yaml *y, void *base)
{
	struct operation *op = base;

	if (y->type == YAML_SCALAR) {
		read_words(r, y, op, "a list of arguments or a script");
		return;
	}
	if (!wants(r, y, YAML_LIST, "a list of arguments or a script"))
		return;
	if (!y->first)
		wrong(r, y, "an empty command");
	for (const struct yaml *c = y->first; c; c = c->next) {
		if (!wants(r, c, YAML_SCALAR, "an argument"))
			continue;
		if (c == y->first && !read_scalar(r, c, "a program"))
			continue;
		*PUSH(&op->argv, &op->n_argv) = xstrdup(c->text);
	}
}

void read_json(struct reading *r, const struct yaml *y, void *base)
{
	struct operation *op = base;
	struct value v = { 0 };
	struct str out = STR_INIT(YAML_MAX_BYTES);
	struct jw w = JW(&out);

	(void)r;
	value_from_yaml(&v, y);
	value_json(&w, NULL, &v);
	free_p(&op->body_json);
	op->body_json = str_take(&out);
	value_fini(&v);
}

void read_auth(struct reading *r, const struct yaml *y, void *base)
{
	struct operation *op = base;

	read_group(r, y, &keys_auth, op);
	if (y->type != YAML_MAP)
		return;
	if (op->auth_bearer ? op->auth_secret || op->auth_user || op->auth_header :
	    !op->auth_secret || !op->auth_user == !op->auth_header)
		wrong(r, y, "wants {user, secret}, {bearer} or {header, secret}");
}

void read_options(struct reading *r, const struct yaml *y, void *base)
{
	struct operation *op = base;

	if (!wants(r, y, YAML_LIST, "a list of options"))
		return;
	if (!y->first)
		wrong(r, y, "a decision without options");
	for (const struct yaml *c = y->first; c; c = c->next) {
		struct option *o = PUSH(&op->options, &op->n_options);
		o->at = place_of(c);
		read_group(r, c, &keys_option, o);
		for (size_t i = 0; o->pick && i + 1 < op->n_options; i++)
			if (str_eq(op->options[i].pick, o->pick))
				wrong(r, c, "'%.60s' can be picked twice", o->pick);
	}
}

void read_recheck(struct reading *r, const struct yaml *y, void *base)
{
	read_group(r, y, &keys_recheck, base);
}

void read_if_pass(struct reading *r, const struct yaml *y, void *base)
{
	const char *s = read_scalar(r, y, "cancel");

	if (s && !str_eq(s, "cancel"))
		wrong(r, y, "only 'cancel' can follow when all pass");
	else if (s)
		((struct operation *)base)->gate_cancel = true;
}

void read_gate(struct reading *r, const struct yaml *y, void *base)
{
	struct operation *op = base;

	read_group(r, y, &keys_gate, op);
	if (y->type != YAML_MAP)
		return;
	bool time = yaml_get(y, "time");
	bool until = yaml_get(y, "until");
	bool approval = yaml_get(y, "approval");
	if (time + until + approval != 1)
		wrong(r, y, "a gate has exactly one of time, until, approval");
	if (approval && op->gate_role && !str_eq(op->gate_role, "operator") &&
	    !str_eq(op->gate_role, "admin") && !str_eq(op->gate_role, "viewer"))
		wrong(r, yaml_get(y, "approval"), "wants a role: operator or admin");
	if (!approval && (yaml_get(y, "window") || yaml_get(y, "at_end") || yaml_get(y, "recheck")))
		wrong(r, y, "window, at_end and recheck go with approval");
	if (!until && (yaml_get(y, "max") || yaml_get(y, "every")))
		wrong(r, y, "every and max go with until");
	if ((until || op->n_gate_steps) && !op->gate_every_ms)
		op->gate_every_ms = GATE_EVERY_MS;
	if (until && !op->gate_max_ms)
		op->gate_max_ms = GATE_MAX_MS;
	if (approval && !op->gate_at_end)
		op->gate_at_end = xstrdup("stop");
	if (approval && str_eq(op->gate_at_end, "go") && !op->gate_window_ms)
		wrong(r, y, "'at_end: go' needs a window");
}
