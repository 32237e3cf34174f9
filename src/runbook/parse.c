/*
 * The parser: walks YAML by the rows of keys.c and fills the structs of runbook.h. Every
 * problem is noted with its place and reading goes on, so that an author sees them all at
 * once; a runbook with an error is not given out.
 *
 * Kinds of values that have more to them than a row can say are read in parse_*.c; what
 * needs the whole file (names, ids, defaults) follows in link.c.
 */
#include "runbook/parse.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/crypto.h"
#include "core/mem.h"
#include "core/regex.h"

struct place place_of(const struct yaml *y)
{
	return (struct place){ y->line, y->column };
}

void wrong(struct reading *r, const struct yaml *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	problems_add(r->p, r->file, place_of(at), false, "%s", text);
}

void wrong_key(struct reading *r, const struct yaml *member, const char *fmt, ...)
{
	const struct place at = { member->key_line, member->key_column };
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	problems_add(r->p, r->file, at, false, "%s", text);
}

void *push(void *array, size_t *n, size_t size)
{
	size_t cap = *n;

	array = grow(array, &cap, *n + 1, size);
	memset((char *)array + *n * size, 0, size);
	++*n;
	return array;
}

bool wants(struct reading *r, const struct yaml *y, enum yaml_type type, const char *what)
{
	static const char *const names[] = { "a text", "a list", "a map" };

	if (y->type == type)
		return true;
	wrong(r, y, "wants %s, this is %s", what, names[y->type]);
	return false;
}

const char *read_scalar(struct reading *r, const struct yaml *y, const char *what)
{
	if (!wants(r, y, YAML_SCALAR, what))
		return NULL;
	if (!y->text[strspn(y->text, " \n\t")]) {
		wrong(r, y, "wants %s, this is empty", what);
		return NULL;
	}
	return y->text;
}

bool read_duration(struct reading *r, const struct yaml *y, int64_t *ret)
{
	const char *s = read_scalar(r, y, "a duration such as 90s, 5m or 1h30m");

	if (s && parse_duration_ms(s, ret))
		return true;
	if (s)
		wrong(r, y, "'%.40s' is no duration: write a number with its unit, as 90s, 5m,"
			" 1h30m", s);
	return false;
}

bool read_bool(struct reading *r, const struct yaml *y, bool *ret)
{
	const char *s = read_scalar(r, y, "true or false");

	if (s && !y->quoted && (str_eq(s, "true") || str_eq(s, "false"))) {
		*ret = *s == 't';
		return true;
	}
	if (s)
		wrong(r, y, "wants true or false, not '%.40s'", s);
	return false;
}

bool valid_id(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return isalnum((unsigned char)*s) && !s[n] && n <= 80;
}

void read_pairs(struct reading *r, const struct yaml *y, struct pair **v, size_t *n)
{
	if (!wants(r, y, YAML_MAP, "a map of name: text"))
		return;
	for (const struct yaml *c = y->first; c; c = c->next) {
		if (!wants(r, c, YAML_SCALAR, "a text"))
			continue;
		struct pair *p = PUSH(v, n);
		*p = (struct pair){ xstrdup(c->key), xstrdup(c->text), place_of(c) };
	}
}

void read_texts(struct reading *r, const struct yaml *y, char ***v, size_t *n)
{
	if (y->type == YAML_MAP) {
		wrong(r, y, "wants a list of texts, this is a map%s",
		      y->first ? ": quote a text that has a colon in it" : "");
		return;
	}
	if (y->type == YAML_SCALAR) {
		if (read_scalar(r, y, "a list of texts"))
			*PUSH(v, n) = xstrdup(y->text);
		return;
	}
	for (const struct yaml *c = y->first; c; c = c->next) {
		if (c->type == YAML_MAP && c->first && !c->first->next)
			wrong(r, c, "wants a text, this is a map: quote a text that has a "
				"colon in it");
		else if (read_scalar(r, c, "a text"))
			*PUSH(v, n) = xstrdup(c->text);
	}
}

static bool in_choices(const char *choices, const char *s, int *ret_index)
{
	size_t n = strlen(s);

	*ret_index = 0;
	for (const char *p = choices; n; p++, ++*ret_index) {
		if (strcspn(p, "|") == n && !strncmp(p, s, n))
			return true;
		p = strchr(p, '|');
		if (!p)
			break;
	}
	return false;
}

void wrong_word(struct reading *r, const struct yaml *at, const char *text, const char *choices)
{
	_cleanup_(free_p) char *words = xstrdup(choices);
	const char *names[40];
	size_t n = 0;

	for (char *p = words; *p && n < COUNT_OF(names);) {
		size_t len = strcspn(p, "|");
		names[n++] = p;
		p += len + (p[len] == '|');
		p[-1] = p[-1] == '|' ? '\0' : p[-1];
	}
	const char *near = str_nearest(text, names, n);
	wrong(r, at, "'%.40s' is not one of %s%s%s%s", text, choices,
	      near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void read_key(struct reading *r, const struct yaml *y, const struct key *k, char *base)
{
	void *at = base + k->offset;
	const char *s;
	int index;

	switch (k->type) {
	case KEY_TEXT:
		s = read_scalar(r, y, "a text");
		if (s)
			str_replace(at, s);
		break;
	case KEY_ID:
		s = read_scalar(r, y, "an id");
		if (s && !valid_id(s))
			wrong(r, y, "'%.40s' is no id: letters, digits, - and _, at most 80", s);
		else if (s)
			str_replace(at, s);
		break;
	case KEY_BOOL: read_bool(r, y, at); break;
	case KEY_DURATION: read_duration(r, y, at); break;
	case KEY_CHOICE:
		s = read_scalar(r, y, "a word");
		if (s && !in_choices(k->choices, s, &index))
			wrong_word(r, y, s, k->choices);
		else if (s && k->flags & KEY_AS_TEXT)
			str_replace(at, s);
		break;
	case KEY_TEXTS: read_texts(r, y, at, (size_t *)(void *)(base + k->count)); break;
	case KEY_PAIRS: read_pairs(r, y, at, (size_t *)(void *)(base + k->count)); break;
	case KEY_SPECIAL: k->read(r, y, base); break;
	}
}

static const struct key *find_key(const struct key_group *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (str_eq(g->keys[i].name, name))
			return &g->keys[i];
	return NULL;
}

static void unknown_key(struct reading *r, const struct yaml *c, const struct part *parts, size_t n)
{
	const char *names[100];
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		const struct key_group *g = parts[i].group;
		assert(g->keys);
		for (size_t k = 0; k < g->n && count < COUNT_OF(names); k++)
			names[count++] = g->keys[k].name;
	}
	const char *near = str_nearest(c->key, names, count);
	wrong_key(r, c, "unknown key '%.60s' in %s%s%s%s", c->key, parts[0].group->name,
		  near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void read_map(struct reading *r, const struct yaml *y, const struct part *parts, size_t n)
{
	if (!wants(r, y, YAML_MAP, "a map"))
		return;
	for (const struct yaml *c = y->first; c; c = c->next) {
		const struct key *k = NULL;
		size_t i = 0;
		while (i < n && !(k = find_key(parts[i].group, c->key)))
			i++;
		if (k)
			read_key(r, c, k, parts[i].base);
		else
			unknown_key(r, c, parts, n);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < parts[i].group->n; k++) {
			const struct key *row = &parts[i].group->keys[k];
			if (row->flags & KEY_REQUIRED && !yaml_get(y, row->name))
				wrong(r, y, "'%s' is missing in this %s", row->name,
				      parts[i].group->name);
		}
}

void read_group(struct reading *r, const struct yaml *y, const struct key_group *g, void *base)
{
	const struct part part = { g, base };

	read_map(r, y, &part, 1);
}

/* ---- the top of a file ---- */
void read_version(struct reading *r, const struct yaml *y, void *base)
{
	const char *s = read_scalar(r, y, "1");

	(void)base;
	if (s && !str_eq(s, "1"))
		wrong(r, y, "version %.20s of the format is not known here, only 1", s);
}

void read_trigger(struct reading *r, const struct yaml *y, void *base)
{
	read_group(r, y, &keys_trigger, &((struct runbook *)base)->trigger);
}

void read_after(struct reading *r, const struct yaml *y, void *base)
{
	read_group(r, y, &keys_after, base);
}

void read_never(struct reading *r, const struct yaml *y, void *base)
{
	struct runbook *rb = base;

	if (!wants(r, y, YAML_LIST, "a list of rules"))
		return;
	for (const struct yaml *c = y->first; c; c = c->next) {
		struct never *n = PUSH(&rb->never, &rb->n_never);
		n->at = place_of(c);
		read_group(r, c, &keys_never, n);
	}
}

void read_deadlines(struct reading *r, const struct yaml *y, void *base)
{
	struct runbook *rb = base;

	if (!wants(r, y, YAML_LIST, "a list of deadlines"))
		return;
	for (const struct yaml *c = y->first; c; c = c->next)
		read_group(r, c, &keys_deadline, PUSH(&rb->deadlines, &rb->n_deadlines));
}

static void read_row(struct reading *r, const struct yaml *row, const struct yaml *first,
		     struct value *rows)
{
	if (!wants(r, row, YAML_MAP, "a row: a map of column: value"))
		return;
	for (const struct yaml *c = row->first; c; c = c->next) {
		if (c->type != YAML_SCALAR)
			wrong(r, c, "a cell of a table is one value");
		else if (first->type == YAML_MAP && !yaml_get(first, c->key))
			wrong_key(r, c, "the first row has no column '%.60s'", c->key);
	}
	value_from_yaml(value_add(rows, NULL), row);
}

void read_tables(struct reading *r, const struct yaml *y, void *base)
{
	struct runbook *rb = base;

	if (!wants(r, y, YAML_MAP, "a map of name: rows"))
		return;
	for (const struct yaml *c = y->first; c; c = c->next) {
		struct rb_table *t = PUSH(&rb->tables, &rb->n_tables);
		t->at = place_of(c);
		t->name = xstrdup(c->key);
		t->rows.type = V_LIST;
		if (!wants(r, c, YAML_LIST, "a list of rows"))
			continue;
		if (!c->first)
			wrong(r, c, "table '%.60s' is empty", c->key);
		for (const struct yaml *row = c->first; row; row = row->next)
			read_row(r, row, c->first, &t->rows);
	}
}

void read_phases(struct reading *r, const struct yaml *y, void *base)
{
	struct runbook *rb = base;

	if (!wants(r, y, YAML_LIST, "a list of phases"))
		return;
	if (!y->first)
		wrong(r, y, "there is no phase");
	for (const struct yaml *c = y->first; c; c = c->next) {
		struct phase *p = PUSH(&rb->phases, &rb->n_phases);
		p->at = place_of(c);
		read_group(r, c, &keys_phase, p);
	}
}

void read_box(struct reading *r, const struct yaml *y, void *base)
{
	struct phase *p = base;
	const char *s = read_scalar(r, y, "a time box such as 0m..15m");
	const char *dots = s ? strstr(s, "..") : NULL;
	_cleanup_(free_p) char *from = dots ? xstrndup(s, (size_t)(dots - s)) : NULL;

	if (!s)
		return;
	p->has_box = from && parse_duration_ms(from, &p->box_from_ms) &&
		parse_duration_ms(dots + 2, &p->box_to_ms);
	if (!p->has_box)
		wrong(r, y, "'%.40s' is no time box: write it as 0m..15m", s);
	else if (p->box_from_ms >= p->box_to_ms)
		wrong(r, y, "the box ends before it begins");
}

void read_steps_of_phase(struct reading *r, const struct yaml *y, void *base)
{
	struct phase *p = base;

	read_steps(r, y, &p->steps, &p->n_steps);
}

/* ---- the whole file ---- */
/* What YAML 1.1 and 1.2 understand differently, and what no text may hold. */
static void check_scalars(struct reading *r, const struct yaml *y)
{
	static const char *const words[] = { "yes", "no", "on", "off" };

	for (const struct yaml *c = y; c; c = c->next) {
		const char *s = c->text;
		if (c->type != YAML_SCALAR) {
			check_scalars(r, c->first);
			continue;
		}
		for (const char *p = s; *p; p++)
			if (((unsigned char)*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f) {
				wrong(r, c, "a control character (byte 0x%02x) in a text",
				      (unsigned char)*p);
				break;
			}
		if (c->quoted)
			continue;
		for (size_t i = 0; i < COUNT_OF(words); i++)
			if (!strcasecmp(s, words[i]))
				wrong(r, c, "%s is read as a text here and as true or false "
					"elsewhere: write '%s', or true or false",
				      s, s);
		size_t n = strlen(s);
		if (n > 1 && *s == '0' && strspn(s, "01234567") == n)
			wrong(r, c, "%.40s is an octal number elsewhere: write '%.40s'", s, s);
	}
}

/* An error of core/yaml, "FILE:LINE:COLUMN: what", as a problem. */
static void add_yaml_error(struct problems *p, const char *file, const char *msg)
{
	struct place at = { 1, 1 };
	size_t n = strlen(file);
	int64_t line, column;

	if (!strncmp(msg, file, n) && msg[n] == ':') {
		const char *l = msg + n + 1;
		const char *c = strchr(l, ':');
		const char *t = c ? strstr(c, ": ") : NULL;
		_cleanup_(free_p) char *a = t ? xstrndup(l, (size_t)(c - l)) : NULL;
		_cleanup_(free_p) char *b = t ? xstrndup(c + 1, (size_t)(t - c - 1)) : NULL;
		if (t && parse_i64(a, 1, INT32_MAX, &line) && parse_i64(b, 1, INT32_MAX, &column)) {
			at = (struct place){ (int)line, (int)column };
			msg = t + 2;
		} else {
			msg = l + (*l == ' ');
		}
	}
	problems_add(p, file, at, false, "%s", msg);
}

struct runbook *runbook_parse(const char *text, size_t len, const char *file, struct problems *ret)
{
	struct reading r = { .file = file, .p = ret };
	size_t errors = ret->n_errors;
	struct err err = { 0 };
	char hash[2 * SHA256_LEN + 1];
	size_t bom = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	struct yaml *y = yaml_parse(text + bom, len - bom, file, &err);

	if (!y) {
		add_yaml_error(ret, file, err.msg);
		return NULL;
	}
	r.rb = xcalloc(1, sizeof(*r.rb));
	r.rb->file = xstrdup(file);
	r.rb->source = xstrndup(text, len);
	sha256_hex(text, len, hash);
	r.rb->hash = xstrdup(hash);
	check_scalars(&r, y);
	if (y->type == YAML_MAP && !(y->first && str_eq(y->first->key, "ringdown")))
		wrong(&r, y, "this is no runbook: it must begin with 'ringdown: 1'");
	else
		read_group(&r, y, &keys_runbook, r.rb);
	yaml_free(y);
	/* names of what could not be read would only be told again as unknown */
	if (ret->n_errors == errors)
		runbook_link(&r);
	if (ret->n_errors == errors)
		runbook_rules(&r);
	if (ret->n_errors == errors)
		return r.rb;
	runbook_free(r.rb);
	return NULL;
}
