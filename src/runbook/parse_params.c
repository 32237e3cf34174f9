/*
 * Parameters as an author declares them. Their keys may come in any order, so what depends
 * on the type (limits, the default) is checked once all of them are read.
 */
#include <ctype.h>
#include <string.h>

#include "core/mem.h"
#include "core/regex.h"
#include "runbook/param.h"
#include "runbook/parse.h"

static void set_type(struct reading *r, const struct yaml *y, struct param *p, const char *s)
{
	const char *names[PARAM_FILE + 1];

	for (int i = 0; i <= PARAM_FILE; i++) {
		names[i] = param_type_name((enum param_type)i);
		if (str_eq(names[i], s)) {
			p->type = (enum param_type)i;
			return;
		}
	}
	const char *near = str_nearest(s, names, COUNT_OF(names));
	wrong(r, y, "'%.40s' is no type of parameter%s%s%s", s, near ? ", did you mean '" : "",
	      near ? near : "", near ? "'?" : "");
}

void read_type(struct reading *r, const struct yaml *y, void *base)
{
	const char *s = read_scalar(r, y, "a type");

	if (s)
		set_type(r, y, base, s);
}

static void read_limit(struct reading *r, const struct yaml *y, bool *has, double *ret)
{
	const char *s = read_scalar(r, y, "a number or a duration");
	int64_t ms;

	if (!s)
		return;
	*has = parse_double(s, ret);
	if (!*has && parse_duration_ms(s, &ms)) {
		*has = true;
		*ret = (double)ms;
	}
	if (!*has)
		wrong(r, y, "wants a number or a duration, not '%.40s'", s);
}

void read_min(struct reading *r, const struct yaml *y, void *base)
{
	struct param *p = base;

	read_limit(r, y, &p->has_min, &p->min);
}

void read_max(struct reading *r, const struct yaml *y, void *base)
{
	struct param *p = base;

	read_limit(r, y, &p->has_max, &p->max);
}

void read_default(struct reading *r, const struct yaml *y, void *base)
{
	struct param *p = base;

	if (!wants(r, y, YAML_SCALAR, "one value"))
		return;
	p->has_default = true;
	value_set_text(&p->otherwise, y->text);
}

void read_ask_when(struct reading *r, const struct yaml *y, void *base)
{
	const char *s = read_scalar(r, y, "start or at-use");

	if (s && !str_eq(s, "start") && !str_eq(s, "at-use"))
		wrong_word(r, y, s, "start|at-use");
	else if (s)
		((struct param *)base)->ask = *s == 's' ? ASK_AT_START : ASK_AT_USE;
}

static enum param_from from_of(const char *s)
{
	return str_eq(s, "env") ? FROM_ENV : str_eq(s, "file") ? FROM_FILE :
	       str_eq(s, "target") ? FROM_TARGET : str_eq(s, "cmd") ? FROM_CMD : FROM_NONE;
}

void read_from(struct reading *r, const struct yaml *y, void *base)
{
	struct param *p = base;

	if (y->type == YAML_MAP) {
		const struct yaml *c = y->first;
		if (!c || c->next || from_of(c->key) == FROM_NONE) {
			wrong(r, y, "wants exactly one of env, file, target, cmd");
			return;
		}
		p->from = from_of(c->key);
		if (p->from == FROM_CMD) {
			size_t n = 0;
			char **argv = NULL;
			read_texts(r, c, &argv, &n);
			argv = xrealloc(argv, (n + 1) * sizeof(*argv)); /* NULL-terminated */
			argv[n] = NULL;
			p->from_argv = argv;
		} else if (read_scalar(r, c, "a name")) {
			p->from_name = xstrdup(c->text);
		}
		return;
	}
	const char *s = read_scalar(r, y, "env, file, target or cmd");
	p->from = s ? from_of(s) : FROM_NONE;
	if (s && p->from == FROM_NONE)
		wrong_word(r, y, s, "env|file|target|cmd");
	if (p->from == FROM_FILE || p->from == FROM_CMD)
		wrong(r, y, "wants to know which: write {%s: ...}", s);
}

static bool variable_name(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n && n < 60 && !s[n] && !isdigit((unsigned char)*s);
}

static void name_source(struct param *p)
{
	if (p->from_name || (p->from != FROM_ENV && p->from != FROM_TARGET))
		return;
	p->from_name = xstrdup(p->name);
	for (char *c = p->from_name; *c && p->from == FROM_ENV; c++)
		*c = (char)toupper((unsigned char)*c);
}

static void check_default(struct reading *r, const struct yaml *y, struct param *p)
{
	const struct yaml *at = yaml_get(y, "default");
	struct err err = { 0 };
	struct value v = { 0 };

	if (!p->has_default || p->otherwise.type != V_TEXT)
		return;
	if (p->type == PARAM_SECRET)
		wrong(r, at, "a secret has no default: it would stand in this file");
	else if (param_value(p, p->otherwise.text, &v, &err))
		wrong(r, at, "%s", err.msg);
	else {
		value_fini(&p->otherwise);
		p->otherwise = v;
	}
}

static void check_param(struct reading *r, const struct yaml *y, struct param *p)
{
	struct err err = { 0 };
	struct regex *re = p->pattern ? regex_new(p->pattern, false, &err) : NULL;

	if (p->pattern && !re)
		wrong(r, yaml_get(y, "pattern"), "%s", err.msg);
	regex_free(re);
	if (p->type == PARAM_ENUM && !p->n_choices)
		wrong(r, y, "an enum needs 'choices'");
	if (p->type != PARAM_ENUM && p->n_choices && p->type != PARAM_STRING && p->type != PARAM_ID)
		wrong(r, yaml_get(y, "choices"), "choices go with enum, string and id");
	if (p->has_min && p->has_max && p->min > p->max)
		wrong(r, yaml_get(y, "min"), "min is greater than max");
	if (p->type == PARAM_SECRET && (p->from == FROM_TARGET || p->from == FROM_CMD))
		wrong(r, yaml_get(y, "from"), "a secret comes from a prompt, env or file");
	name_source(p);
	if (re || !p->pattern)
		check_default(r, y, p);
}

void read_params(struct reading *r, const struct yaml *y, void *base)
{
	struct runbook *rb = base;

	if (!wants(r, y, YAML_MAP, "a map of name: parameter"))
		return;
	for (const struct yaml *c = y->first; c; c = c->next) {
		struct param *p = PUSH(&rb->params, &rb->n_params);
		p->at = (struct place){ c->key_line, c->key_column };
		p->name = xstrdup(c->key);
		if (!variable_name(c->key))
			wrong_key(r, c, "'%.60s' is no name: letters, digits and _", c->key);
		if (c->type == YAML_SCALAR)
			read_type(r, c, p);
		else
			read_group(r, c, &keys_param, p);
		check_param(r, c, p);
	}
}
