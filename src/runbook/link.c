/*
 * What can only be said of a whole runbook: ids of steps (given once, or made from titles),
 * and that every name that is used stands for something that is known by then: a parameter,
 * or what an earlier step saves.
 *
 * Names in scripts are the shell's variables too, so an unknown one there is no error.
 */
#include <ctype.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/bind.h"
#include "runbook/parse.h"

struct saved { const char *name; size_t by; bool secret; };
struct linking {
	struct reading *r;
	struct runbook *rb;
	struct step **steps; size_t n;	/* reading order */
	struct saved *saved; size_t n_saved;
	const char **ids; size_t n_ids;	/* those that were given or made so far */
	/* while the texts of one step are looked at */
	size_t now;
	const struct step *step;
	bool undo;			/* its undo: own saves are known */
};

static void at_place(struct linking *l, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void at_place(struct linking *l, struct place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	problems_add(l->r->p, l->r->file, at, false, "%s", text);
}

static void collect(struct linking *l, struct step *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*PUSH(&l->steps, &l->n) = &v[i];
		for (size_t o = 0; o < v[i].op.n_options; o++)
			collect(l, v[i].op.options[o].steps, v[i].op.options[o].n_steps);
	}
}

/* ---- ids and titles ---- */
static const struct step *find_step(const struct linking *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->steps[i]->id, id))
			return l->steps[i];
	return NULL;
}

static char *made_title(const struct step *s)
{
	const struct operation *op = &s->op;
	struct str t = STR_INIT(400);
	char buf[40];

	switch (op->verb) {
	case VERB_HTTP: str_addf(&t, "%s %s", op->method, op->text); break;
	case VERB_RUN:
		for (size_t i = 0; i < op->n_argv && t.len < 80; i++)
			str_addf(&t, "%s%s", i ? " " : "", op->argv[i]);
		str_add(&t, op->n_argv ? NULL : op->text);
		break;
	case VERB_SAY: str_addf(&t, "Send %s", op->text); break;
	case VERB_CALL: str_addf(&t, "Runbook %s", op->text); break;
	case VERB_METRIC: str_addf(&t, "Metric %s", op->text); break;
	case VERB_GATE:
		format_duration(buf, sizeof(buf), op->gate_time_ms);
		if (op->gate_time_ms)
			str_addf(&t, "Wait %s", buf);
		else if (op->gate_until)
			str_addf(&t, "Wait until %s passes", op->gate_until);
		else
			str_addf(&t, "Approval by %s", op->gate_role);
		break;
	default: str_add(&t, op->text); break;
	}
	char *line = text_clean(str_get(&t), 80);
	str_fini(&t);
	return line;
}

static char *slug(const char *text, const char *verb)
{
	struct str s = STR_INIT(60);

	for (; *text && s.len < 32; text++) {
		if (isalnum((unsigned char)*text))
			str_addc(&s, (char)tolower((unsigned char)*text));
		else if (s.len && s.s[s.len - 1] != '-')
			str_addc(&s, '-');
	}
	while (s.len && s.s[s.len - 1] == '-')
		s.s[--s.len] = '\0';
	if (!s.len)
		str_add(&s, verb);
	return str_take(&s);
}

static void check_given_ids(struct linking *l)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; l->steps[i]->id && k < i; k++) {
			if (!str_eq(l->steps[i]->id, l->steps[k]->id))
				continue;
			at_place(l, l->steps[i]->at, "id '%s' is used twice, first in line %d",
				 l->steps[i]->id, l->steps[k]->at.line);
			break;
		}
}

static void make_ids(struct linking *l)
{
	check_given_ids(l);
	for (size_t i = 0; i < l->n; i++) {
		struct step *s = l->steps[i];
		if (!s->title)
			s->title = s->op.verb == VERB_MAX ? xstrdup("?") : made_title(s);
		if (s->id)
			continue;
		_cleanup_(free_p) char *base = slug(s->title, s->op.verb == VERB_MAX ? "step" :
						    verb_words[s->op.verb].name);
		char *id = xstrdup(base);
		for (int n = 2; find_step(l, id); n++) {
			free_p(&id);
			id = xasprintf("%s-%zu", base, n < 20 ? (size_t)n : i + (size_t)n);
		}
		s->id = id;
		s->made_id = true;
	}
	for (size_t i = 0; i < l->n; i++)
		*PUSH(&l->ids, &l->n_ids) = l->steps[i]->id;
}

/* Is this a step? If not, says so with the nearest. */
static const struct step *need_step(struct linking *l, struct place at, const char *id)
{
	const struct step *s = find_step(l, id);

	if (!s) {
		const char *near = str_nearest(id, l->ids, l->n_ids);
		at_place(l, at, "no step has the id '%s'%s%s%s", id, near ? ", did you mean '" : "",
			 near ? near : "", near ? "'?" : "");
	}
	return s;
}

/* ---- names ---- */
static const struct param *find_param(const struct linking *l, const char *name)
{
	for (size_t i = 0; i < l->rb->n_params; i++)
		if (str_eq(l->rb->params[i].name, name))
			return &l->rb->params[i];
	return NULL;
}

static void add_saved(struct linking *l, const struct save *v, size_t n, size_t by)
{
	for (size_t i = 0; i < n; i++) {
		if (find_param(l, v[i].name))
			at_place(l, v[i].at, "'%s' is a parameter already", v[i].name);
		*PUSH(&l->saved, &l->n_saved) = (struct saved){ v[i].name, by, v[i].secret };
	}
}

/* Known at this point? 2 = only later. */
static int find_name(const struct linking *l, const char *name, bool *ret_secret)
{
	const struct param *p = find_param(l, name);
	int found = 0;

	*ret_secret = p && p->type == PARAM_SECRET;
	if (p)
		return 1;
	for (size_t i = 0; l->step && i < l->step->n_bind; i++)
		if (str_eq(l->step->bind[i].name, name))
			return 1;
	for (size_t i = 0; i < l->n_saved; i++) {
		if (!str_eq(l->saved[i].name, name))
			continue;
		*ret_secret |= l->saved[i].secret;
		bool before = l->saved[i].by < l->now || (l->undo && l->saved[i].by == l->now);
		found = before || found == 1 ? 1 : 2;
	}
	for (size_t i = 0; l->step && i < l->step->n_preview_save; i++)
		if (str_eq(l->step->preview_save[i].name, name))
			found = 1;
	return found;
}

static void unknown_name(struct linking *l, struct place at, const char *name)
{
	const char **names = xcalloc(l->rb->n_params + l->n_saved + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < l->rb->n_params; i++)
		names[n++] = l->rb->params[i].name;
	for (size_t i = 0; i < l->n_saved; i++)
		names[n++] = l->saved[i].name;
	const char *near = str_nearest(name, names, n);
	at_place(l, at, "nothing has the name $%s%s%s%s", name, near ? ", did you mean $" : "",
		 near ? near : "", near ? "?" : "");
	free_p(&names);
}

static void use_name(struct linking *l, enum text_use use, const char *name, struct place at)
{
	bool secret;
	int found = find_name(l, name, &secret);

	if (!found && use == USE_WORDS)
		problems_add(l->r->p, l->r->file, at, true, "nothing has the name $%s: people read"
			     " it as it stands; $$ is a dollar", name);
	else if (!found && use != USE_SCRIPT)
		unknown_name(l, at, name);
	else if (found == 2 && use != USE_SCRIPT)
		at_place(l, at, "$%s is only known after a later step saves it", name);
	if (found && secret && (use == USE_ARGUMENT || use == USE_URL || use == USE_QUERY ||
				use == USE_SQL || use == USE_CWD || use == USE_WORDS))
		at_place(l, at, "secret $%s in %s: others can read it there; use a header, "
			"auth, json, form or env",
			 name, text_use_names[use]);
}

struct sql_use { struct linking *l; struct place at; };

static void sql_name(void *ctx, const char *name, bool quoted)
{
	struct sql_use *u = ctx;
	bool secret;

	if (!quoted)
		use_name(u->l, USE_SQL, name, u->at);
	else if (find_name(u->l, name, &secret))
		at_place(u->l, u->at, "$%s stands inside quotes: SQL binds it without them", name);
}

static void use_text(void *ctx, enum text_use use, const char *text, struct place at)
{
	struct linking *l = ctx;
	struct sql_use u = { l, at };
	size_t statements;
	char **names;

	if (use == USE_SQL) {
		bind_sql_scan(text, sql_name, &u, &statements);
		if (statements != 1)
			at_place(l, at, statements ? "%zu statements: a step has one" :
				 "no statement here", statements);
		return;
	}
	size_t n = bind_names(text, &names);
	for (size_t i = 0; i < n; i++) {
		use_name(l, use, names[i], at);
		free_p(&names[i]);
	}
	free_p(&names);
}

/* Names of auth are those of secret parameters, with or without the dollar. */
static void use_secret(struct linking *l, char **name, struct place at)
{
	bool secret;

	if (!*name)
		return;
	if (**name == '$')
		memmove(*name, *name + 1, strlen(*name));
	if (!find_name(l, *name, &secret))
		unknown_name(l, at, *name);
	else if (!secret)
		at_place(l, at, "'%s' is no secret parameter", *name);
}

static void link_operation(struct linking *l, struct operation *op)
{
	operation_texts(op, use_text, l);
	use_secret(l, &op->auth_secret, op->at);
	use_secret(l, &op->auth_bearer, op->at);
}

/* ---- references ---- */
static void link_conditions(struct linking *l, const struct condition_when *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool secret;
		link_conditions(l, v[i].any, v[i].n_any);
		if (!v[i].name || !strcmp(v[i].name, "") || find_name(l, v[i].name, &secret) == 1)
			continue;
		size_t k = 0;
		while (k < l->n && !str_eq(l->steps[k]->id, v[i].name))
			k++;
		if (k < l->n && k >= l->now)
			at_place(l, v[i].at, "step '%s' comes later", v[i].name);
		else if (k == l->n && find_name(l, v[i].name, &secret) == 2)
			at_place(l, v[i].at, "'%s' is only known after a later step saves it",
				 v[i].name);
		else if (k == l->n) {
			const char *near = str_nearest(v[i].name, l->ids, l->n_ids);
			at_place(l, v[i].at, "'%s' is no parameter, saved name or step%s%s%s",
				 v[i].name, near ? ", did you mean '" : "", near ? near : "",
				 near ? "'?" :
					"");
		}
	}
}

static const struct rb_table *need_table(struct linking *l, struct place at, const char *name)
{
	const char *names[64];
	size_t n = 0;

	for (size_t i = 0; i < l->rb->n_tables; i++) {
		if (str_eq(l->rb->tables[i].name, name))
			return &l->rb->tables[i];
		if (n < COUNT_OF(names))
			names[n++] = l->rb->tables[i].name;
	}
	const char *near = str_nearest(name, names, n);
	at_place(l, at, "no table '%s' here%s%s%s", name, near ? ", did you mean '" : "",
		 near ? near : "", near ? "'?" : "");
	return NULL;
}

static void need_column(struct linking *l, struct place at, const struct rb_table *t,
			const char *name)
{
	if (t && name && t->rows.n_items && !value_get(&t->rows.items[0], name))
		at_place(l, at, "table '%s' has no column '%s'", t->name, name);
}

static void link_needs(struct linking *l, struct step *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->op.n_needs_fields; i++) {
		char *name = s->op.needs_fields[i];
		size_t k = 0;
		while (k < l->now && !str_eq(l->steps[k]->id, name))
			k++;
		if (s->op.verb == VERB_SAY && k == l->now) { /* no step before: a field */
			s->op.needs_fields[kept++] = name;
			continue;
		}
		if (need_step(l, s->at, name) && str_eq(name, s->id))
			at_place(l, s->at, "step '%s' needs itself", name);
		else if (k == l->now && find_step(l, name))
			at_place(l, s->at, "it needs step '%s', which comes later", name);
		*PUSH(&s->needs, &s->n_needs) = name;
	}
	s->op.n_needs_fields = kept;
}

static void link_gate(struct linking *l, const struct step *s)
{
	const struct operation *op = &s->op;
	const struct step *of;

	for (size_t i = 0; i <= op->n_gate_steps; i++) {
		const char *id = i < op->n_gate_steps ? op->gate_steps[i] : op->gate_until;
		if (!id)
			continue;
		of = need_step(l, op->at, id);
		if (of && (of->effect != EFFECT_READ || of->op.verb > VERB_METRIC))
			at_place(l, op->at, "a gate can only repeat checks that read; '%s' "
				"does not", id);
	}
}

static void link_step(struct linking *l, struct step *s)
{
	l->step = s;
	l->undo = false;
	link_operation(l, &s->op);
	if (s->preview)
		link_operation(l, s->preview);
	l->undo = true;
	if (s->undo)
		link_operation(l, s->undo);
	l->undo = false;
	link_conditions(l, s->when, s->n_when);
	l->now++; /* a decision's own answer is not known, but all before it */
	for (size_t i = 0; i < s->op.n_options; i++)
		link_conditions(l, s->op.options[i].likely, s->op.options[i].n_likely);
	l->now--;
	link_needs(l, s);
	link_gate(l, s);
	for (size_t i = 0; i < s->n_explain; i++)
		need_table(l, s->explain[i].at, s->explain[i].text);
	for (size_t i = 0; i < s->n_bind; i++) {
		const struct rb_table *t = s->bind[i].table ?
			need_table(l, s->bind[i].at, s->bind[i].table) : NULL;
		need_column(l, s->bind[i].at, t, s->bind[i].column);
		for (size_t k = 0; k < s->bind[i].n_where; k++)
			need_column(l, s->bind[i].where[k].at, t, s->bind[i].where[k].subject);
	}
}

static void link_saves(struct linking *l, const struct operation *op,
		       const struct save *v, size_t n)
{
	char name[40];
	const char *arg;


	for (size_t i = 0; i < n; i++) {
		if (!v[i].expression || op->verb == VERB_MAX)
			continue;
		if (!subject_split(v[i].expression, name, sizeof(name), &arg) ||
		    !verb_has_subject(op->verb, name))
			at_place(l, v[i].at, "%s has no '%s' to save; it has %s",
				 verb_words[op->verb].name, v[i].expression,
				 verb_words[op->verb].subjects_help);
	}
}

static void link_never(struct linking *l, struct step *s)
{
	for (size_t i = 0; i < l->rb->n_never; i++)
		for (size_t b = 0; b < l->rb->never[i].n_blocks; b++)
			for (size_t t = 0; t < s->n_tags; t++)
				if (str_eq(s->tags[t], l->rb->never[i].blocks[b]) && !s->blocked_by)
					s->blocked_by = xstrdup(l->rb->never[i].text);
}

void runbook_link(struct reading *r)
{
	struct linking l = { .r = r, .rb = r->rb };

	for (size_t i = 0; i < r->rb->n_phases; i++)
		collect(&l, r->rb->phases[i].steps, r->rb->phases[i].n_steps);
	make_ids(&l);
	for (size_t i = 0; i < l.n; i++) {
		add_saved(&l, l.steps[i]->save, l.steps[i]->n_save, i);
		add_saved(&l, l.steps[i]->preview_save, l.steps[i]->n_preview_save, i);
		link_saves(&l, &l.steps[i]->op, l.steps[i]->save, l.steps[i]->n_save);
		if (l.steps[i]->preview)
			link_saves(&l, l.steps[i]->preview, l.steps[i]->preview_save,
				   l.steps[i]->n_preview_save);
	}
	for (l.now = 0; l.now < l.n; l.now++) {
		link_step(&l, l.steps[l.now]);
		link_never(&l, l.steps[l.now]);
	}
	free_p(&l.steps);
	free_p(&l.saved);
	free_p(&l.ids);
}
