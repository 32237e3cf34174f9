/*
 * Matchers: parsed from YAML into a small tree, then tested against values. All conditions
 * of one map hold together; a band map {ok, warn} takes the first that holds. What cannot
 * be compared (a text with a number) is an error with both types in its sentence, never a
 * quiet "no".
 *
 * Which part of a step's result a matcher sees is decided in subject.c.
 */
#include "runbook/match.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "core/regex.h"
#include "runbook/match_tree.h"
#include "runbook/runbook.h"

enum { REGEX_INPUT_MAX = 1 << 20, WHY_MAX = 120 };

const char *run_outcome_name(enum run_outcome o)
{
	static const char *const names[] = { "", "pass", "warn", "unknown", "fail", "error" };

	return (size_t)o < COUNT_OF(names) ? names[o] : "";
}

enum run_outcome run_outcome_worse(enum run_outcome a, enum run_outcome b)
{
	return a > b ? a : b;
}

static const char *const op_names[] = {
	[OP_EQ] = "eq", [OP_NE] = "ne", [OP_LT] = "lt", [OP_LE] = "le", [OP_GT] = "gt",
	[OP_GE] = "ge", [OP_IN] = "in", [OP_MATCH] = "match", [OP_CONTAINS] = "contains",
	[OP_EXISTS] = "exists", [OP_COUNT] = "count", [OP_ALL] = "all", [OP_ANY] = "any",
	[OP_NOT] = "not",
};

static int op_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(op_names); i++)
		if (str_eq(op_names[i], name))
			return (int)i;
	return -1;
}

void matcher_free(struct matcher *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		matcher_free(m->parts[i].m);
	for (size_t i = 0; i < m->n; i++)
		free_p(&m->parts[i].name);
	free_p(&m->parts);
	value_fini(&m->literal);
	regex_free(m->regex);
	free_p(&m);
}

/* ---- reading ---- */
struct reader { const char *file; struct problems *p; };

static struct matcher *complain(const struct reader *r, const struct yaml *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static struct matcher *complain(const struct reader *r, const struct yaml *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	problems_add(r->p, r->file, (struct place){ at->line, at->column }, false, "%s", text);
	return NULL;
}

/* Stands for the key of a member, where that is what is wrong. */
static struct yaml key_of(const struct yaml *member)
{
	return (struct yaml){ .line = member->key_line, .column = member->key_column };
}

static struct matcher *matcher_new(enum matcher_op op)
{
	struct matcher *m = xcalloc(1, sizeof(*m));

	m->op = op;
	return m;
}

static void add_part(struct matcher *m, const char *name, struct matcher *part)
{
	size_t cap = m->n;

	m->parts = grow(m->parts, &cap, m->n + 1, sizeof(*m->parts));
	m->parts[m->n++] = (struct matcher_part){ xstrdup(name), part };
}

/* Takes part; false (all freed) when it is NULL. */
static bool add_or_free(struct matcher **m, const char *name, struct matcher *part)
{
	if (part) {
		add_part(*m, name, part);
		return true;
	}
	matcher_free(TAKE(*m));
	return false;
}

static struct matcher *read_any(const struct reader *r, const struct yaml *y);

static struct matcher *read_literal(const struct reader *r, enum matcher_op op,
				    const struct yaml *y)
{
	struct matcher *m = matcher_new(op);
	int64_t ms;

	value_from_yaml(&m->literal, y);
	if (m->literal.type == V_TEXT && m->literal.text[0] == '$' &&
	    (isalpha((unsigned char)m->literal.text[1]) || m->literal.text[1] == '{'))
		problems_add(r->p, r->file, (struct place){ y->line, y->column }, true,
			     "compared with the text '%s' itself: matchers bind no names",
			     m->literal.text);
	bool ordered = op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;
	if (ordered && m->literal.type != V_NUMBER &&
	    !(m->literal.type == V_TEXT &&
	      (parse_duration_ms(m->literal.text, &ms) || parse_time_ms(m->literal.text, &ms)))) {
		matcher_free(m);
		return complain(r, y, "'%s' wants a number, a duration such as 90s, or a time",
				op_names[op]);
	}
	return m;
}

/* `all: [M, M]` over one value; `all: M` over the members of a list. */
static struct matcher *read_group(const struct reader *r, enum matcher_op op, const struct yaml *y)
{
	struct matcher *m = matcher_new(op);

	m->over_members = y->type != YAML_LIST;
	if (m->over_members)
		return add_or_free(&m, NULL, read_any(r, y)) ? m : NULL;
	if (!y->first) {
		matcher_free(m);
		return complain(r, y, "'%s' is empty", op_names[op]);
	}
	for (const struct yaml *c = y->first; c; c = c->next)
		if (!add_or_free(&m, NULL, read_any(r, c)))
			return NULL;
	return m;
}

static struct matcher *read_op(const struct reader *r, enum matcher_op op, const struct yaml *y)
{
	struct err err = { 0 };
	struct matcher *m;

	switch (op) {
	case OP_MATCH:
		if (y->type != YAML_SCALAR)
			return complain(r, y, "'match' wants a regular expression");
		m = matcher_new(op);
		m->regex = regex_new(y->text, false, &err);
		value_set_text(&m->literal, y->text);
		if (m->regex)
			return m;
		matcher_free(m);
		return complain(r, y, "%s", err.msg);
	case OP_EXISTS:
		m = read_literal(r, op, y);
		if (m->literal.type == V_BOOL)
			return m;
		matcher_free(m);
		return complain(r, y, "'exists' wants true or false");
	case OP_IN:
		if (y->type != YAML_LIST || !y->first)
			return complain(r, y, "'in' wants a list of values");
		return read_literal(r, op, y);
	case OP_COUNT:
	case OP_NOT:
		m = matcher_new(op);
		return add_or_free(&m, NULL, read_any(r, y)) ? m : NULL;
	case OP_CONTAINS:
		m = matcher_new(op);
		if (y->type != YAML_SCALAR)
			return add_or_free(&m, NULL, read_any(r, y)) ? m : NULL;
		matcher_free(m);
		return read_literal(r, op, y);
	case OP_ALL:
	case OP_ANY:
		return read_group(r, op, y);
	default:
		if ((op == OP_EQ || op == OP_NE) && y->type == YAML_MAP)
			return complain(r, y, "'%s' wants a value or a list", op_names[op]);
		return read_literal(r, op, y);
	}
}

static struct matcher *read_bands(const struct reader *r, const struct yaml *y)
{
	struct matcher *m = matcher_new(OP_BANDS);

	for (const struct yaml *c = y->first; c; c = c->next) {
		if (!str_eq(c->key, "ok") && !str_eq(c->key, "warn")) {
			const struct yaml key = key_of(c);
			matcher_free(m);
			return complain(r, &key, "beside 'ok' and 'warn' there is no '%.60s'",
					c->key);
		}
		if (!add_or_free(&m, c->key, read_any(r, c)))
			return NULL;
	}
	return m;
}

static struct matcher *read_any(const struct reader *r, const struct yaml *y)
{
	if (y->type == YAML_SCALAR || y->type == YAML_LIST)
		return read_literal(r, OP_EQ, y);
	if (!y->first)
		return complain(r, y, "an empty matcher holds for nothing");
	if (yaml_get(y, "ok") || yaml_get(y, "warn"))
		return read_bands(r, y);
	struct matcher *m = matcher_new(OP_AND);
	for (const struct yaml *c = y->first; c; c = c->next) {
		int op = op_find(c->key);
		if (op < 0) {
			const char *near = str_nearest(c->key, op_names, COUNT_OF(op_names));
			const struct yaml key = key_of(c);
			matcher_free(m);
			return complain(r, &key, "unknown matcher '%.60s'%s%s%s", c->key,
					near ? ", did you mean '" : "; there are ",
					near ? near : "eq ne lt le gt ge in match contains exists "
					"count all any not, and bands {ok: M, warn: M}",
					near ? "'?" : "");
		}
		if (!add_or_free(&m, NULL, read_op(r, (enum matcher_op)op, c)))
			return NULL;
	}
	return m;
}

struct matcher *matcher_parse(const struct yaml *y, const char *file, struct problems *p)
{
	const struct reader r = { file, p };

	return read_any(&r, y);
}

/* name -> matcher; keys of json must be paths; "where" of row is one more such map. */
static struct matcher *read_members(const struct reader *r, const char *subject,
				    const struct yaml *y)
{
	bool row = str_eq(subject, "row");
	struct matcher *m = matcher_new(row ? OP_ROW : OP_MEMBERS);

	for (const struct yaml *c = y->first; c; c = c->next) {
		struct matcher *part;
		if (row && str_eq(c->key, "where")) {
			if (c->type != YAML_MAP || !c->first) {
				matcher_free(m);
				return complain(r, c, "'where' wants a map of column: matcher");
			}
			part = read_members(r, "where", c);
		} else if (str_eq(subject, "json") && !value_path_valid(c->key)) {
			const struct yaml key = key_of(c);
			matcher_free(m);
			return complain(r, &key, "'%.80s' is no path such as $.a.b[0].c", c->key);
		} else {
			part = read_any(r, c);
		}
		if (!add_or_free(&m, c->key, part))
			return NULL;
	}
	return m;
}

struct matcher *matcher_parse_for(const char *subject, const struct yaml *y, const char *file,
				  struct problems *p)
{
	static const char *const maps[] = { "json", "header", "row", "counts", "where" };
	const struct reader r = { file, p };
	bool map = false;

	for (size_t i = 0; i < COUNT_OF(maps); i++)
		map |= str_eq(subject, maps[i]);
	if (!map)
		return read_any(&r, y);
	if (y->type == YAML_MAP && y->first) /* operators alone: over the whole */
		for (const struct yaml *c = y->first; c && map; c = c->next)
			map = !(op_find(c->key) >= 0 && str_eq(subject, "json"));
	if (!map)
		return read_any(&r, y);
	if (y->type != YAML_MAP || !y->first)
		return complain(&r, y, "'%s' wants a map of %s: matcher", subject,
				str_eq(subject, "json") ? "path" :
				str_eq(subject, "row") ? "column" : "name");
	return read_members(&r, subject, y);
}

/* ---- testing ---- */
static void say(struct str *why, const struct value *v, const struct matcher *m)
{
	str_clear(why);
	if (v)
		value_print(why, v, WHY_MAX);
	else
		str_add(why, "not there");
	str_add(why, ", wanted ");
	matcher_print(why, m);
}

static enum run_outcome cannot(struct str *why, const struct value *v, const struct matcher *m)
{
	str_clear(why);
	str_add(why, v ? value_type_name(v->type) : "nothing");
	str_add(why, " (");
	value_print(why, v, WHY_MAX);
	str_add(why, ") cannot be compared with ");
	matcher_print(why, m);
	return RO_ERROR;
}

/* The literal as the other side's type where its text says so: 2s, a time. */
static bool as_type(const struct value *lit, enum value_type t, int64_t *ret_ms)
{
	if (lit->type == t) {
		*ret_ms = lit->ms;
		return true;
	}
	if (lit->type != V_TEXT)
		return false;
	return t == V_DURATION ? parse_duration_ms(lit->text, ret_ms) :
				 parse_time_ms(lit->text, ret_ms);
}

/* -1 0 1; 2 = cannot be compared. */
static int compare(const struct value *v, const struct value *lit)
{
	int64_t ms;

	if (v->type == V_DURATION || v->type == V_TIME) {
		if (!as_type(lit, v->type, &ms))
			return 2;
		return (v->ms > ms) - (v->ms < ms);
	}
	if (v->type != V_NUMBER || lit->type != V_NUMBER || isnan(v->n))
		return 2;
	return (v->n > lit->n) - (v->n < lit->n);
}

/* 1 equal, 0 not, -1 types differ. */
static int equal(const struct value *v, const struct value *lit)
{
	if (v->type == V_DURATION || v->type == V_TIME) {
		int c = compare(v, lit);
		return c == 2 ? -1 : !c;
	}
	if (v->type == V_NULL || lit->type == V_NULL)
		return v->type == lit->type;
	return v->type == lit->type ? value_equal(v, lit) : -1;
}

static enum run_outcome outcome_of(bool holds, const struct value *v, const struct matcher *m,
				   struct str *why)
{
	if (holds)
		return RO_PASS;
	say(why, v, m);
	return RO_FAIL;
}

static enum run_outcome test_in(const struct matcher *m, const struct value *v, struct str *why)
{
	bool comparable = false;

	for (size_t i = 0; i < m->literal.n_items; i++) {
		int e = equal(v, &m->literal.items[i]);
		if (e == 1)
			return RO_PASS;
		comparable |= e == 0;
	}
	return comparable ? outcome_of(false, v, m, why) : cannot(why, v, m);
}

static bool regex_over(const struct regex *re, const char *text)
{
	size_t n = strlen(text);

	return regex_match(re, text, n < REGEX_INPUT_MAX ? n : REGEX_INPUT_MAX);
}

static enum run_outcome test_contains(const struct matcher *m, const struct value *v,
				      struct str *why)
{
	struct str ignored = STR_INIT(4000);
	bool found = false;

	if (v->type == V_TEXT && !m->n && m->literal.type == V_TEXT)
		return outcome_of(strstr(v->text, m->literal.text) != NULL, v, m, why);
	if (v->type == V_MAP && !m->n && m->literal.type == V_TEXT)
		return outcome_of(value_get(v, m->literal.text) != NULL, v, m, why);
	if (v->type != V_LIST)
		return cannot(why, v, m);
	for (size_t i = 0; i < v->n_items && !found; i++)
		found = m->n ? matcher_test(m->parts[0].m, &v->items[i], &ignored) <= RO_WARN :
			       equal(&v->items[i], &m->literal) == 1;
	str_fini(&ignored);
	return outcome_of(found, v, m, why);
}

static enum run_outcome test_count(const struct matcher *m, const struct value *v, struct str *why)
{
	struct value n = { 0 };
	enum run_outcome o;

	if (v && v->type != V_LIST && v->type != V_MAP && v->type != V_NULL)
		return cannot(why, v, m);
	value_set_number(&n, v ? (double)v->n_items : 0);
	o = matcher_test(m->parts[0].m, &n, why);
	if (o != RO_PASS)
		str_add(why, " of them");
	return o;
}

static enum run_outcome test_group(const struct matcher *m, const struct value *v, struct str *why)
{
	size_t n = m->over_members ? (v ? v->n_items : 0) : m->n;
	enum run_outcome best = RO_NONE;
	enum run_outcome worst = RO_PASS;
	struct str one = STR_INIT(4000);

	if (m->over_members && v && v->type != V_LIST && v->type != V_MAP)
		return cannot(why, v, m);
	for (size_t i = 0; i < n; i++) {
		enum run_outcome o = matcher_test(m->parts[m->over_members ? 0 : i].m,
						  m->over_members ? &v->items[i] : v, &one);
		if ((m->op == OP_ALL && o > worst) || (m->op == OP_ANY && (!best || o < best))) {
			str_clear(why);
			str_add(why, str_get(&one));
		}
		worst = run_outcome_worse(worst, o);
		best = !best || o < best ? o : best;
	}
	str_fini(&one);
	if (m->op == OP_ALL)
		return worst;
	return n ? best : outcome_of(false, v, m, why);
}

static enum run_outcome test_bands(const struct matcher *m, const struct value *v, struct str *why)
{
	for (size_t i = 0; i < m->n; i++) {
		enum run_outcome o = matcher_test(m->parts[i].m, v, why);
		if (o == RO_ERROR)
			return o;
		if (o == RO_PASS && str_eq(m->parts[i].name, "ok"))
			return RO_PASS;
		if (o == RO_PASS) {
			say(why, v, m);
			return RO_WARN;
		}
	}
	return outcome_of(false, v, m, why);
}

static enum run_outcome test_and(const struct matcher *m, const struct value *v, struct str *why)
{
	enum run_outcome worst = RO_PASS;
	struct str one = STR_INIT(4000);

	for (size_t i = 0; i < m->n; i++) {
		enum run_outcome o = matcher_test(m->parts[i].m, v, &one);
		if (o > worst) {
			str_clear(why);
			str_add(why, str_get(&one));
			worst = o;
		}
	}
	str_fini(&one);
	/* one sentence with all conditions says more than the first that failed */
	if (worst == RO_FAIL && m->n > 1)
		say(why, v, m);
	return worst;
}

static enum run_outcome test_not(const struct matcher *m, const struct value *v, struct str *why)
{
	enum run_outcome o = matcher_test(m->parts[0].m, v, why);

	if (o == RO_ERROR)
		return o;
	return outcome_of(o == RO_FAIL, v, m, why);
}

static enum run_outcome test_value(const struct matcher *m, const struct value *v, struct str *why)
{
	int c;

	switch (m->op) {
	case OP_EQ:
	case OP_NE:
		c = equal(v, &m->literal);
		if (c < 0)
			return cannot(why, v, m);
		return outcome_of((m->op == OP_EQ) == (c == 1), v, m, why);
	case OP_IN: return test_in(m, v, why);
	case OP_MATCH:
		if (v->type != V_TEXT)
			return cannot(why, v, m);
		return outcome_of(regex_over(m->regex, v->text), v, m, why);
	case OP_CONTAINS: return test_contains(m, v, why);
	default:
		c = compare(v, &m->literal);
		if (c == 2)
			return cannot(why, v, m);
		return outcome_of(m->op == OP_LT ? c < 0 : m->op == OP_LE ? c <= 0 :
				  m->op == OP_GT ? c > 0 : c >= 0, v, m, why);
	}
}

enum run_outcome matcher_test(const struct matcher *m, const struct value *v, struct str *why)
{
	str_clear(why);
	switch (m->op) {
	case OP_AND: return test_and(m, v, why);
	case OP_BANDS: return test_bands(m, v, why);
	case OP_ALL:
	case OP_ANY: return test_group(m, v, why);
	case OP_NOT: return test_not(m, v, why);
	case OP_COUNT: return test_count(m, v, why);
	case OP_EXISTS: return outcome_of((v != NULL) == m->literal.b, v, m, why);
	case OP_MEMBERS:
	case OP_ROW: return cannot(why, v, m); /* subject.c takes them apart */
	default: break;
	}
	if (v)
		return test_value(m, v, why);
	if (m->literal.type == V_NULL && (m->op == OP_EQ || m->op == OP_NE))
		return outcome_of(m->op == OP_EQ, v, m, why);
	return outcome_of(m->op == OP_NE, v, m, why);
}

/* ---- printing ---- */
void matcher_print(struct str *out, const struct matcher *m)
{
	static const char *const words[] = {
		[OP_NE] = "not ", [OP_LT] = "< ", [OP_LE] = "<= ", [OP_GT] = "> ", [OP_GE] = ">= ",
		[OP_IN] = "one of ", [OP_MATCH] = "matching ", [OP_CONTAINS] = "with ",
		[OP_COUNT] = "a count ", [OP_NOT] = "not ",
	};
	const char *word = (size_t)m->op < COUNT_OF(words) ? words[m->op] : NULL;
	bool in_group = m->op == OP_ALL || m->op == OP_ANY;

	if (m->op == OP_EXISTS) {
		str_add(out, m->literal.b ? "there" : "not there");
		return;
	}
	str_add(out, word);
	if (in_group && m->over_members)
		str_add(out, m->op == OP_ALL ? "every member " : "any member ");
	if (!m->n) {
		if (m->literal.type == V_TEXT && !m->literal.text[0])
			str_add(out, "''");
		else
			value_print(out, &m->literal, WHY_MAX);
	}
	for (size_t i = 0; i < m->n; i++) {
		const char *name = m->parts[i].name;
		if (i)
			str_add(out, m->op == OP_ANY ? " or " : m->op == OP_BANDS ? ", " : " and ");
		if (m->op == OP_BANDS && str_eq(name, "warn"))
			str_add(out, "warning ");
		else if (m->op != OP_BANDS && name)
			str_addf(out, "%s ", name);
		matcher_print(out, m->parts[i].m);
	}
}
