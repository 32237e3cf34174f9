/*
 * YAML over libyaml's event parser; no other file sees its header. The result is a
 * plain tree in which every node knows its place, so that whoever finds something
 * wrong can point at it.
 *
 * Aliases are copied in; the number of nodes, the bytes of copied text and the
 * depth are capped, so a few lines cannot expand into gigabytes. Left out on
 * purpose: tags, merge keys, several documents, keys that are not scalars.
 */
#include "core/yaml.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "core/mem.h"
#include "core/str.h"

enum { DEPTH_MAX = 64 };

struct anchor {
	char *name;
	const struct yaml *node;
	struct anchor *next;
};

struct builder {
	yaml_parser_t parser;
	yaml_event_t event;
	bool have_event;
	const char *file;
	struct err *err;
	size_t nodes;
	size_t copied;			/* bytes of text made by aliases */
	struct anchor *anchors;		/* latest first: a name can be given again */
};

static int place_err(struct err *err, const char *file, int line, int column, const char *what)
{
	return err_set(err, ERR_INVALID, "%s:%d:%d: %s", file, line, column, what);
}

int yaml_err(struct err *err, const char *file, const struct yaml *at, const char *fmt, ...)
{
	char what[sizeof(err->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return place_err(err, file, at ? at->line : 1, at ? at->column : 1, what);
}

static int event_err(struct builder *b, const char *what)
{
	return place_err(b->err, b->file, (int)b->event.start_mark.line + 1,
			 (int)b->event.start_mark.column + 1, what);
}

static int next_event(struct builder *b)
{
	if (b->have_event)
		yaml_event_delete(&b->event);
	b->have_event = yaml_parser_parse(&b->parser, &b->event);
	if (b->have_event)
		return 0;
	const yaml_parser_t *p = &b->parser;
	yaml_mark_t at = p->problem_mark;
	char what[300], where[60] = "";
	if (p->context && p->context_mark.line != at.line)
		snprintf(where, sizeof(where), " that begins at %zu:%zu",
			 p->context_mark.line + 1, p->context_mark.column + 1);
	bool block = p->context && strstr(p->context, "block ");
	snprintf(what, sizeof(what), "%s%s%s%s%s", p->problem ? p->problem : "not YAML",
		 p->context ? " " : "", p->context ? p->context : "", where,
		 block ? ": is the indentation right, and what has a colon in quotes?" : "");
	return place_err(b->err, b->file, (int)at.line + 1, (int)at.column + 1, what);
}

static struct yaml *node_new(struct builder *b, enum yaml_type type)
{
	if (++b->nodes > YAML_MAX_NODES) {
		err_set(b->err, ERR_TOO_BIG,
			"%s:%zu:%zu: more than %d values, with what aliases repeat", b->file,
			b->event.start_mark.line + 1, b->event.start_mark.column + 1,
			YAML_MAX_NODES);
		return NULL;
	}
	struct yaml *y = xcalloc(1, sizeof(*y));
	y->type = type;
	y->line = (int)b->event.start_mark.line + 1;
	y->column = (int)b->event.start_mark.column + 1;
	return y;
}

/* A copy of what an alias names, at the alias' own place. */
static int copy_node(struct builder *b, const struct yaml *from, int depth, struct yaml **ret)
{
	struct yaml *y = depth > DEPTH_MAX ? NULL : node_new(b, from->type);
	struct yaml **tail;

	if (!y)
		return depth > DEPTH_MAX ? event_err(b, "nested too deeply") : ERR_TOO_BIG;
	*ret = y; /* the caller owns even a half-built copy */
	y->quoted = from->quoted;
	b->copied += (from->text ? strlen(from->text) : 0) + (from->key ? strlen(from->key) : 0);
	if (b->copied > YAML_MAX_BYTES)
		return event_err(b, "aliases expand to too much text");
	y->text = xstrdup(from->text);
	tail = &y->first;
	for (const struct yaml *c = from->first; c; c = c->next) {
		int r = copy_node(b, c, depth + 1, tail);
		if (*tail) {
			(*tail)->key = xstrdup(c->key);
			(*tail)->key_line = y->line;
			(*tail)->key_column = y->column;
		}
		if (r)
			return r;
		assert(*tail);
		tail = &(*tail)->next;
	}
	return 0;
}

static int build_alias(struct builder *b, int depth, struct yaml **ret)
{
	const char *name = (const char *)b->event.data.alias.anchor;
	char what[100];

	for (const struct anchor *a = b->anchors; a; a = a->next)
		if (str_eq(a->name, name))
			return copy_node(b, a->node, depth, ret);
	snprintf(what, sizeof(what), "no anchor '&%.60s' before this", name);
	return event_err(b, what);
}

static void add_anchor(struct builder *b, char *name, const struct yaml *node)
{
	if (!name)
		return;
	struct anchor *a = xcalloc(1, sizeof(*a));
	a->name = name;
	a->node = node;
	a->next = b->anchors;
	b->anchors = a;
}

static int by_key(const void *a, const void *b)
{
	const struct yaml *x = *(const struct yaml *const *)a;
	const struct yaml *y = *(const struct yaml *const *)b;
	int r = strcmp(x->key, y->key);

	if (!r)
		r = (x->key_line > y->key_line) - (x->key_line < y->key_line);
	return r ? r : (x->key_column > y->key_column) - (x->key_column < y->key_column);
}

static int check_duplicates(struct builder *b, const struct yaml *map)
{
	size_t n = 0;
	size_t i = 0;
	int r = 0;

	for (const struct yaml *c = map->first; c; c = c->next)
		n++;
	const struct yaml **list = xcalloc(n, sizeof(*list));
	for (const struct yaml *c = map->first; c; c = c->next)
		list[i++] = c;
	qsort(list, n, sizeof(*list), by_key);
	for (i = 1; i < n && !r; i++) {
		if (!str_eq(list[i - 1]->key, list[i]->key))
			continue;
		r = err_set(b->err, ERR_INVALID, "%s:%d:%d: key '%.80s' is there twice, first in"
						 " line %d", b->file, list[i]->key_line,
						 list[i]->key_column, list[i]->key,
			    list[i - 1]->key_line);
	}
	free(list);
	return r;
}

static int build(struct builder *b, int depth, struct yaml **ret);

static int build_scalar(struct builder *b, struct yaml **ret)
{
	const char *text = (const char *)b->event.data.scalar.value;
	const char *tag = (const char *)b->event.data.scalar.tag;

	*ret = node_new(b, YAML_SCALAR);
	if (!*ret)
		return ERR_TOO_BIG;
	(*ret)->quoted = b->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (tag && str_eq(tag, YAML_STR_TAG))
		(*ret)->quoted = true;
	else if (tag)
		return event_err(b, "tags are not supported");
	if (strlen(text) != b->event.data.scalar.length) /* "\0" in a quoted scalar */
		return event_err(b, "NUL in a text");
	(*ret)->text = xstrdup(text);
	add_anchor(b, xstrdup((const char *)b->event.data.scalar.anchor), *ret);
	return 0;
}

static int build_list(struct builder *b, int depth, struct yaml *list)
{
	struct yaml **tail = &list->first;

	for (;;) {
		int r = next_event(b);
		if (r)
			return r;
		if (b->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		r = build(b, depth + 1, tail);
		if (r)
			return r;
		assert(*tail);
		tail = &(*tail)->next;
	}
}

static int build_map(struct builder *b, int depth, struct yaml *map)
{
	struct yaml **tail = &map->first;

	for (;;) {
		int r = next_event(b);
		if (r)
			return r;
		if (b->event.type == YAML_MAPPING_END_EVENT)
			return check_duplicates(b, map);
		if (b->event.type != YAML_SCALAR_EVENT)
			return event_err(b, "a key must be a plain word");
		if (b->event.data.scalar.tag)
			return event_err(b, "tags are not supported");
		if (strlen((const char *)b->event.data.scalar.value) != b->event.data.scalar.length)
			return event_err(b, "NUL in a key");
		int line = (int)b->event.start_mark.line + 1;
		int column = (int)b->event.start_mark.column + 1;
		_cleanup_(free_p) char *key = xstrdup((const char *)b->event.data.scalar.value);
		if (str_eq(key, "<<"))
			return event_err(b, "merge keys are not supported");
		r = next_event(b);
		if (!r)
			r = build(b, depth + 1, tail);
		if (*tail) {
			(*tail)->key = TAKE(key);
			(*tail)->key_line = line;
			(*tail)->key_column = column;
		}
		if (r)
			return r;
		assert(*tail);
		tail = &(*tail)->next;
	}
}

/* Builds the value that the current event begins; *ret is the caller's also on error. */
static int build(struct builder *b, int depth, struct yaml **ret)
{
	yaml_event_t *e = &b->event;

	if (e->type == YAML_SCALAR_EVENT)
		return build_scalar(b, ret);
	if (e->type == YAML_ALIAS_EVENT)
		return build_alias(b, depth, ret);
	bool map = e->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *tag = map ? e->data.mapping_start.tag : e->data.sequence_start.tag;
	const yaml_char_t *name = map ? e->data.mapping_start.anchor :
		e->data.sequence_start.anchor;
	if (tag)
		return event_err(b, "tags are not supported");
	if (depth > DEPTH_MAX)
		return event_err(b, "nested too deeply");
	*ret = node_new(b, map ? YAML_MAP : YAML_LIST);
	if (!*ret)
		return ERR_TOO_BIG;
	_cleanup_(free_p) char *anchor = xstrdup((const char *)name);
	int r = map ? build_map(b, depth, *ret) : build_list(b, depth, *ret);
	if (!r)
		add_anchor(b, TAKE(anchor), *ret); /* only now: no node contains itself */
	return r;
}

static int build_document(struct builder *b, struct yaml **ret)
{
	do {
		int r = next_event(b);
		if (r)
			return r;
	} while (b->event.type == YAML_STREAM_START_EVENT);
	if (b->event.type == YAML_STREAM_END_EVENT) {
		*ret = node_new(b, YAML_MAP);
		return 0;
	}
	int r = next_event(b); /* behind the document's start */
	if (!r)
		r = build(b, 0, ret);
	if (!r)
		r = next_event(b); /* its end */
	if (!r)
		r = next_event(b);
	if (r)
		return r;
	if (b->event.type != YAML_STREAM_END_EVENT)
		return event_err(b, "a second document begins here; only one is read");
	struct yaml *y = *ret;
	assert(y);
	if (y->type == YAML_SCALAR && !y->quoted && str_empty(y->text)) {
		free(TAKE(y->text)); /* only comments */
		y->type = YAML_MAP;
	}
	return 0;
}

/* What libyaml would take or report badly: size, NUL, tabs that indent, bad UTF-8. */
static int check_bytes(const char *text, size_t len, const char *file, struct err *err)
{
	int line = 1;
	const char *start = text;
	size_t valid;

	if (len > YAML_MAX_BYTES)
		return err_set(err, ERR_TOO_BIG, "%s: larger than %zu MiB", file,
			       YAML_MAX_BYTES >> 20);
	valid = utf8_prefix(text, len);
	for (const char *p = text; p < text + len; p++) {
		int column = (int)(p - start) + 1;
		if (p == text + valid)
			return place_err(err, file, line, column, "invalid UTF-8");
		if (!*p)
			return place_err(err, file, line, column, "NUL byte");
		if (*p == '\t' && p == start)
			return place_err(err, file, line, column,
					 "a tab indents this line; use spaces");
		if (*p == '\n') {
			line++;
			start = p + 1;
		}
	}
	return 0;
}

struct yaml *yaml_parse(const char *text, size_t len, const char *file, struct err *err)
{
	struct builder b = { .file = file, .err = err };
	struct yaml *root = NULL;

	if (check_bytes(text, len, file, err))
		return NULL;
	if (!yaml_parser_initialize(&b.parser)) {
		err_set(err, ERR_FAILED, "%s: libyaml cannot start", file);
		return NULL;
	}
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, len);
	if (build_document(&b, &root)) {
		yaml_free(root);
		root = NULL;
	}
	if (b.have_event)
		yaml_event_delete(&b.event);
	yaml_parser_delete(&b.parser);
	while (b.anchors) {
		struct anchor *a = b.anchors;
		b.anchors = a->next;
		free(a->name);
		free(a);
	}
	return root;
}

struct yaml *yaml_load(const char *file, struct err *err)
{
	struct str text = STR_INIT(YAML_MAX_BYTES + 1);
	struct yaml *y = NULL;
	char buf[65536];
	size_t n;
	FILE *f = fopen(file, "rbe");

	if (!f) {
		err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "%s: %s", file,
			strerror(errno));
		return NULL;
	}
	while (!text.full && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		str_addn(&text, buf, n);
	if (ferror(f))
		err_set(err, ERR_SYSTEM, "%s: %s", file, strerror(errno));
	else
		y = yaml_parse(str_get(&text), text.len, file, err);
	fclose(f);
	str_fini(&text);
	return y;
}

void yaml_free(struct yaml *y)
{
	while (y) {
		struct yaml *next = y->next;
		yaml_free(y->first);
		free(y->text);
		free(y->key);
		free(y);
		y = next;
	}
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	if (!map || map->type != YAML_MAP)
		return NULL;
	for (const struct yaml *c = map->first; c; c = c->next)
		if (str_eq(c->key, key))
			return c;
	return NULL;
}

const char *yaml_get_str(const struct yaml *map, const char *key)
{
	const struct yaml *y = yaml_get(map, key);

	return y && y->type == YAML_SCALAR ? y->text : NULL;
}
