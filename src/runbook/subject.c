/*
 * Subjects: which part of a step's result is meant by a word of `expect` or an expression
 * of `save`, with the few figures that are computed over a table (rows, cell, row, sum,
 * mode ...).
 *
 * A result is a map with the members that its verb has; "table" is a list of rows, each a
 * map. Empty cells are left out of the figures. Text of commands loses its last newlines,
 * as in a shell.
 */
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "runbook/match_tree.h"

/* "sum(col)", "sum:col" -> name, argument; a bare word has the argument "". */
struct expression { char name[32]; char arg[300]; };

static bool split(const char *text, struct expression *e)
{
	size_t n = strcspn(text, "(:");

	if (*text == '$') { /* a path alone: of the JSON body */
		n = 0;
		memcpy(e->name, "json", 5);
	} else {
		if (!n || n >= sizeof(e->name))
			return false;
		memcpy(e->name, text, n);
		e->name[n] = '\0';
	}
	size_t rest = strlen(text) - n;
	const char *from = text + n;
	if (*from == '(') {
		if (rest < 3 || from[rest - 1] != ')')
			return false;
		from++;
		rest -= 2;
	} else if (*from == ':') {
		from++;
		rest--;
	}
	if (rest >= sizeof(e->arg))
		return false;
	memcpy(e->arg, from, rest);
	e->arg[rest] = '\0';
	return true;
}

static const struct value *column(const struct value *row, const char *name)
{
	return *name ? value_get(row, name) : row->n_items ? &row->items[0] : NULL;
}

static void set_copy(struct value *ret, const struct value *from)
{
	value_copy(ret, from);
	free_p(&ret->name);
	ret->name = NULL;
}

enum figure { SUM, MIN, MAX, AVG };

static int figure(enum figure f, const struct value *table, const char *col, struct value *ret,
		  struct err *err)
{
	double acc = 0;
	size_t n = 0;

	for (size_t i = 0; i < table->n_items; i++) {
		const struct value *v = column(&table->items[i], col);
		if (!v)
			return err_set(err, ERR_NOT_FOUND, "no column '%.60s'", col);
		if (v->type == V_NULL)
			continue;
		if (v->type != V_NUMBER)
			return err_set(err, ERR_INVALID, "column '%.60s' holds %s, not numbers",
				       col, value_type_name(v->type));
		if (f == MIN || f == MAX)
			acc = !n || (f == MIN ? v->n < acc : v->n > acc) ? v->n : acc;
		else
			acc += v->n;
		n++;
	}
	if (!n && f != SUM)
		return err_set(err, ERR_NOT_FOUND, "no value in column '%.60s'", col);
	value_set_number(ret, f == AVG ? acc / (double)n : acc);
	return 0;
}

/* The most frequent value; the first of them on a tie. */
static int mode(const struct value *table, const char *col, struct value *ret, struct err *err)
{
	const struct value *best = NULL;
	size_t best_n = 0;

	for (size_t i = 0; i < table->n_items; i++) {
		const struct value *v = column(&table->items[i], col);
		size_t n = 0;
		if (!v || v->type == V_NULL || (best && value_equal(v, best)))
			continue;
		for (size_t k = i; k < table->n_items; k++) {
			const struct value *other = column(&table->items[k], col);
			n += other && value_equal(v, other);
		}
		if (n > best_n) {
			best = v;
			best_n = n;
		}
	}
	if (!best)
		return err_set(err, ERR_NOT_FOUND, "no value in column '%.60s'", col);
	set_copy(ret, best);
	return 0;
}

/* Figures over the table; 1 = not one of them. */
static int table_value(const struct expression *e, const struct value *result, struct value *ret,
		       struct err *err)
{
	static const char *const figures[] = { "sum", "min", "max", "avg" };
	const struct value *t = value_get(result, "table");

	if (!t || t->type != V_LIST)
		return 1;
	for (size_t i = 0; i < COUNT_OF(figures); i++)
		if (str_eq(e->name, figures[i]))
			return figure((enum figure)i, t, e->arg, ret, err);
	if (str_eq(e->name, "mode"))
		return mode(t, e->arg, ret, err);
	if (str_eq(e->name, "rows")) {
		value_set_number(ret, (double)t->n_items);
		return 0;
	}
	if (str_eq(e->name, "cell")) {
		const struct value *v = t->n_items ? column(&t->items[0], e->arg) : NULL;
		if (!v)
			return err_set(err, ERR_NOT_FOUND, t->n_items ? "no such column" :
				       "no row");
		set_copy(ret, v);
		return 0;
	}
	if (str_eq(e->name, "column")) {
		value_set_text(ret, NULL);
		ret->type = V_LIST;
		for (size_t i = 0; i < t->n_items; i++) {
			const struct value *v = column(&t->items[i], e->arg);
			if (v && v->type != V_NULL)
				set_copy(value_add(ret, NULL), v);
		}
		return 0;
	}
	return 1;
}

static const struct value *member(const struct value *map, const char *name, bool any_case)
{
	if (!map || map->type != V_MAP || !any_case)
		return value_get(map, name);
	for (size_t i = 0; i < map->n_items; i++)
		if (map->items[i].name && !strcasecmp(map->items[i].name, name))
			return &map->items[i];
	return NULL;
}

static void trim(struct value *v)
{
	size_t n = v->type == V_TEXT ? strlen(v->text) : 0;

	while (n && (v->text[n - 1] == '\n' || v->text[n - 1] == '\r'))
		v->text[--n] = '\0';
}

int subject_value(const char *expression, const struct value *result, struct value *ret,
		  struct err *err)
{
	struct expression e = { 0 };
	const struct value *v;

	if (!split(expression, &e))
		return err_set(err, ERR_INVALID, "'%.80s' is no subject", expression);
	int r = table_value(&e, result, ret, err);
	if (r <= 0)
		return r;
	v = value_get(result, e.name);
	if (e.arg[0] && str_eq(e.name, "json"))
		v = v ? value_path(v, e.arg) : NULL;
	else if (e.arg[0])
		v = member(v, e.arg, str_eq(e.name, "header"));
	if (!v)
		return err_set(err, ERR_NOT_FOUND, "the result has no %.80s", expression);
	set_copy(ret, v);
	if (str_eq(e.name, "stdout") || str_eq(e.name, "stderr"))
		trim(ret);
	return 0;
}

bool subject_split(const char *expression, char *name, size_t n, const char **ret_arg)
{
	struct expression e = { 0 };

	if (!split(expression, &e) || strlen(e.name) >= n)
		return false;
	memcpy(name, e.name, strlen(e.name) + 1);
	*ret_arg = e.arg[0] ? strstr(expression, e.arg) : "";
	return true;
}

/* ---- checking ---- */
struct check { struct str *actual, *why; enum run_outcome worst; size_t n; };

static void one(struct check *c, const char *name, const struct matcher *m, const struct value *v)
{
	struct str why = STR_INIT(4000);
	enum run_outcome o = matcher_test(m, v, &why);

	if (c->n++)
		str_add(c->actual, ", ");
	if (name)
		str_addf(c->actual, "%s ", name);
	if (v)
		value_print(c->actual, v, 200);
	else
		str_add(c->actual, "not there");
	if (o > RO_PASS) {
		str_add(c->why, c->why->len ? "; " : "");
		if (name)
			str_addf(c->why, "%s: ", name);
		str_add(c->why, str_get(&why));
	}
	c->worst = run_outcome_worse(c->worst, o);
	str_fini(&why);
}

bool row_matches(const struct matcher *where, const struct value *row)
{
	struct str ignored = STR_INIT(4000);
	bool fits = true;

	for (size_t i = 0; where && i < where->n && fits; i++)
		fits = matcher_test(where->parts[i].m, value_get(row, where->parts[i].name),
				    &ignored) <= RO_WARN;
	str_fini(&ignored);
	return fits;
}

static void test_rows(struct check *c, const struct matcher *m, const struct value *table)
{
	const struct value zero = { .type = V_NUMBER };
	const struct matcher *where = NULL;
	size_t found = 0;

	for (size_t i = 0; i < m->n; i++)
		if (str_eq(m->parts[i].name, "where"))
			where = m->parts[i].m;
	for (size_t r = 0; table && r < table->n_items; r++) {
		if (!row_matches(where, &table->items[r]))
			continue;
		found++;
		for (size_t i = 0; i < m->n; i++)
			if (m->parts[i].m != where)
				one(c, m->parts[i].name, m->parts[i].m,
				    value_get(&table->items[r], m->parts[i].name));
	}
	for (size_t i = 0; !found && i < m->n; i++) /* no such row counts as 0 */
		if (m->parts[i].m != where)
			one(c, m->parts[i].name, m->parts[i].m, &zero);
}

enum run_outcome subject_test(const char *subject, const struct matcher *m,
			      const struct value *result, struct str *actual, struct str *why)
{
	struct check c = { actual, why, RO_PASS, 0 };
	struct value v = { 0 };
	struct err err = { 0 };
	int r = 0;

	str_clear(actual);
	str_clear(why);
	if (m->op == OP_ROW) {
		test_rows(&c, m, value_get(result, "table"));
	} else if (m->op == OP_MEMBERS) {
		const struct value *map = value_get(result, subject);
		bool path = str_eq(subject, "json");
		for (size_t i = 0; i < m->n; i++) {
			const char *name = m->parts[i].name;
			one(&c, name, m->parts[i].m, path ? (map ? value_path(map, name) : NULL) :
			    member(map, name, str_eq(subject, "header")));
		}
	} else {
		r = subject_value(subject, result, &v, &err);
		if (r == ERR_INVALID) {
			str_add(why, err.msg);
			c.worst = RO_ERROR;
		} else {
			one(&c, NULL, m, r ? NULL : &v);
		}
		value_fini(&v);
	}
	return c.worst;
}
