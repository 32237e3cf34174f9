/*
 * The parts of a large object one after the other, so that a document of a megabyte needs
 * no tree of many; see json.h.
 *
 * Invariant: the text was checked as a whole before the first part is given out, so that
 * skipping a value is counting brackets outside of strings.
 */
#include <string.h>

#include "core/json.h"
#include "core/json_scan.h"
#include "core/mem.h"

static const char *blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* Past the string that begins here. */
static const char *skip_string(const char *p)
{
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p + 1;
}

static const char *skip(const char *p)
{
	int depth = 0;

	do {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		p++;
	} while (depth > 0);
	/* a bare number or word ends where something else begins */
	if (p[-1] != '}' && p[-1] != ']' && p[-1] != '"')
		p += strcspn(p, ",]} \t\r\n");
	return p;
}

struct walk {
	json_part fn;
	void *ctx;
	char *text, *given;		/* NULL: it is kept; given back up to here */
};

/* What is before p is done with. */
static void done(struct walk *w, const char *p)
{
	enum { STEP = 64 << 10 };
	char *at = w->text ? w->given + (p - w->given) : NULL;

	if (at && at - w->given >= STEP) {
		mem_give_back(w->given, at);
		w->given = at;
	}
}

static int walk_array(struct walk *w, const char *p, const char *name)
{
	p = blanks(p + 1);
	while (*p != ']') {
		const char *end = skip(p);
		int r = w->fn(w->ctx, name, true, p, (size_t)(end - p));

		if (r)
			return r;
		done(w, end);
		p = blanks(end);
		if (*p == ',')
			p = blanks(p + 1);
	}
	return 0;
}

static int walk(struct walk *w, const char *text, size_t len, struct err *err)
{
	const char *p = blanks(text);
	int r = json_scan(text, len, err);

	if (r)
		return r;
	if (*p != '{')
		return err_set(err, ERR_INVALID, "1:1: expected an object");
	p = blanks(p + 1);
	while (*p != '}') {
		const char *end = skip_string(p);
		struct json *name = json_parse(p, (size_t)(end - p), err);

		if (!name)
			return ERR_INVALID;
		p = blanks(blanks(end) + 1);
		end = skip(p);
		r = *p == '[' ? walk_array(w, p, json_str(name)) :
				w->fn(w->ctx, json_str(name), false, p, (size_t)(end - p));
		json_free(name);
		if (r)
			return r;
		p = blanks(end);
		if (*p == ',')
			p = blanks(p + 1);
	}
	return 0;
}

int json_walk(const char *text, size_t len, json_part fn, void *ctx, struct err *err)
{
	struct walk w = { .fn = fn, .ctx = ctx };

	return walk(&w, text, len, err);
}

int json_walk_away(char *text, size_t len, json_part fn, void *ctx, struct err *err)
{
	struct walk w = { .fn = fn, .ctx = ctx, .text = text, .given = text };

	return walk(&w, text, len, err);
}
