/*
 * The result as YAML: block style and quoted texts only, so that every reader of YAML takes
 * it the same way. Lines of the result are counted, to know which step a problem is about.
 */
#include <ctype.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/import_parts.h"

enum { TITLE_MAX = 110 };
struct out { struct str *s; int line; };

static void line_end(struct out *o)
{
	str_addc(o->s, '\n');
	o->line++;
}

static void quoted(struct out *o, const char *text)
{
	str_addc(o->s, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			str_addc(o->s, '\'');
		str_addc(o->s, *text == '\n' || *text == '\t' ? ' ' : *text);
	}
	str_addc(o->s, '\'');
}

static void pair(struct out *o, const char *before, const char *key, const char *text)
{
	str_addf(o->s, "%s%s: ", before, key);
	quoted(o, text);
	line_end(o);
}

/* A text of any form as a literal block, "-" when it says nothing; indent is that of the key. */
static void block(struct out *o, int indent, const char *before, const char *key, const char *text)
{
	size_t n = strlen(text);

	while (n && (text[n - 1] == '\n' || text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	if (!n) {
		text = "-";
		n = 1;
	}
	str_addf(o->s, "%s%s: |2-", before, key);
	line_end(o);
	for (size_t at = 0; at < n;) {
		size_t len = strcspn(text + at, "\n");
		len = len > n - at ? n - at : len;
		if (len)
			str_addf(o->s, "%*s", indent + 2, "");
		str_addn(o->s, text + at, len);
		line_end(o);
		at += len + 1;
	}
}

/* The lines of the source, without the indentation they share. */
static char *source_lines(const struct import *im, int from, int to)
{
	struct str s = STR_INIT(STR_MAX_DEFAULT);
	size_t shared = 1000;

	for (int i = from; i <= to; i++) {
		const char *l = im->lines[i - 1];
		size_t pad = strspn(l, " ");
		if (pad < im->lengths[i - 1] && pad < shared)
			shared = pad;
	}
	for (int i = from; i <= to; i++) {
		size_t n = im->lengths[i - 1];
		size_t skip = shared < n ? shared : n;
		str_addn(&s, im->lines[i - 1] + skip, n - skip);
		str_addc(&s, '\n');
	}
	return str_take(&s);
}

/* The first line that says something: no fence, rule, table's line or blank. */
static const char *telling(const char *text)
{
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *s = p + strspn(p, "#*->|`~+_= \t");
		bool fence = !strncmp(p + strspn(p, " "), "```", 3) ||
			!strncmp(p + strspn(p, " "), "~~~", 3);
		if (*s && *s != '\n' && !fence)
			return p;
	}
	return text;
}

/* Prose of the source means its dollars; in a runbook's words a name behind one is a value. */
static char *plain_dollars(const char *text)
{
	struct str s = STR_INIT(STR_MAX_DEFAULT);

	for (const char *p = text; *p; p++) {
		if (*p == '$' && (isalnum((unsigned char)p[1]) || (p[1] && strchr("_{$", p[1]))))
			str_addc(&s, '$');
		str_addc(&s, *p);
	}
	return str_take(&s);
}

static void emit_note(struct import *im, struct out *o, const struct piece *p, const char *text)
{
	_cleanup_(free_p) char *safe = import_names(im, text, IN_PROSE, p->from);
	_cleanup_(free_p) char *note = plain_dollars(safe);
	const char *line = telling(safe);
	_cleanup_(free_p) char *first = xstrndup(line, strcspn(line, "\n"));
	_cleanup_(free_p) char *words = text_clean(first + strspn(first, "#*->|` \t"), 60);
	_cleanup_(free_p) char *title = p->from ? xasprintf("%s (line %d)", *words ? words : "text",
							    p->from) :
						 xstrdup(*words ? words : "text");

	pair(o, "  - ", "title", title);
	block(o, 4, "    ", "note", note);
}

static void emit_ask(struct import *im, struct out *o, const struct piece *p)
{
	_cleanup_(free_p) char *text = import_names(im, p->text, IN_PROSE, p->from);
	_cleanup_(free_p) char *title = text_clean(text, 110), *words = plain_dollars(text);

	if (str_eq(title, words) && *text) {
		pair(o, "  - ", "ask", words);
	} else {
		pair(o, "  - ", "title", *title ? title : "step");
		block(o, 4, "    ", "ask", words);
	}
	if (p->n_items) {
		str_add(o->s, "    items:");
		line_end(o);
	}
	for (size_t i = 0; i < p->n_items; i++) {
		_cleanup_(free_p) char *item = import_names(im, p->items[i], IN_PROSE, p->from);
		_cleanup_(free_p) char *said = plain_dollars(item);

		str_add(o->s, "    - ");
		quoted(o, *said ? said : "-");
		line_end(o);
	}
}

/* The first line that does something, without what only joins it to the next. */
static char *first_command(const char *text)
{
	size_t n;

	while (*text && (*text == '\n' || !strncmp(text, "#!", 2) || !strncmp(text, "set -", 5))) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	n = strcspn(text, "\n");
	while (n && strchr(" \t\\|&", text[n - 1]))
		n--;
	return xstrndup(text, n);
}

static void emit_run(struct import *im, struct out *o, const struct piece *p)
{
	_cleanup_(free_p) char *first = first_command(p->text);
	_cleanup_(free_p) char *made = text_clean(first, 100);
	_cleanup_(free_p) char *given = p->title ? import_names(im, p->title, IN_PROSE, p->from) :
		NULL;

	_cleanup_(free_p) char *title = text_clean(given && *given ? given : *made ? made : "step",
						   TITLE_MAX);

	pair(o, "  - ", "title", title);
	if (given && strlen(given) > TITLE_MAX)
		block(o, 4, "    ", "help", given);
	str_add(o->s, "    effect: 'unknown'");
	line_end(o);
	block(o, 4, "    ", p->kind == PIECE_SQL ? "sql" : "run", p->text);
	if (p->cwd && p->kind == PIECE_RUN)
		pair(o, "    ", "cwd", p->cwd);
	if (p->follow)
		pair(o, "    ", "follow", "60s");
	if (p->n_env && p->kind == PIECE_RUN) {
		str_add(o->s, "    env:");
		line_end(o);
		for (size_t i = 0; i < p->n_env; i++)
			pair(o, "      ", p->env[i].name, p->env[i].text);
	}
}

static void emit_piece(struct import *im, struct out *o, struct piece *p)
{
	p->out_from = o->line;
	if (p->kind == PIECE_RUN || p->kind == PIECE_SQL) {
		emit_run(im, o, p);
	} else if (p->kind == PIECE_ASK) {
		emit_ask(im, o, p);
	} else {
		_cleanup_(free_p) char *text = p->text ? xstrdup(p->text) :
			source_lines(im, p->from, p->to);
		emit_note(im, o, p, text);
	}
	p->out_to = o->line - 1;
}

static void emit_params(const struct import *im, struct out *o)
{
	if (im->n_params) {
		str_add(o->s, "params:");
		line_end(o);
	}
	for (size_t i = 0; i < im->n_params; i++) {
		const struct import_param *p = &im->params[i];
		_cleanup_(free_p) char *help = p->was ? xasprintf("%s in line %d", p->was,
			p->line) :
						xasprintf("a credential of line %d, to be replaced",
							  p->line);
		str_addf(o->s, "  %s:", p->name);
		line_end(o);
		pair(o, "    ", "type", p->type);
		pair(o, "    ", "help", help);
	}
}

static char *made_id(const struct import *im)
{
	const char *slash = strrchr(im->name, '/');
	const char *from = slash ? slash + 1 : im->name;
	struct str id = STR_INIT(60);

	for (size_t i = 0, n = strcspn(from, "."); i < n; i++) {
		char c = from[i];
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			str_addc(&id, c);
		else if (c >= 'A' && c <= 'Z')
			str_addc(&id, (char)(c - 'A' + 'a'));
		else if (id.len && id.s[id.len - 1] != '-')
			str_addc(&id, '-');
	}
	while (id.len && id.s[id.len - 1] == '-')
		id.s[--id.len] = '\0';
	return id.len ? str_take(&id) : xstrdup("imported");
}

void import_emit(struct import *im, struct str *out)
{
	struct str body = STR_INIT(STR_MAX_DEFAULT);
	struct out o = { &body, 0 };
	_cleanup_(free_p) char *id = made_id(im);

	/* the steps first: they find the parameters */
	for (size_t ph = 0; ph < im->n_phases; ph++) {
		bool any = false;
		for (size_t i = 0; i < im->n_pieces; i++) {
			if (im->pieces[i].phase != ph)
				continue;
			if (!any) {
				pair(&o, "- ", "phase", *im->phases[ph] ? im->phases[ph] : "-");
				str_add(&body, "  steps:");
				line_end(&o);
			}
			any = true;
			emit_piece(im, &o, &im->pieces[i]);
		}
	}
	struct out head = { out, 1 };
	str_add(out, "# Imported from Markdown. Steps with 'effect: unknown' stay off until it is"
		" said what each does.");
	line_end(&head);
	str_add(out, "ringdown: 1");
	line_end(&head);
	pair(&head, "", "id", id);
	pair(&head, "", "title", im->title && *im->title ? im->title : id);
	emit_params(im, &head);
	str_add(out, "phases:");
	line_end(&head);
	if (!im->n_pieces)
		str_add(out, "- phase: 'empty'\n  steps: []\n");
	for (size_t i = 0; i < im->n_pieces; i++) {
		im->pieces[i].out_from += head.line;
		im->pieces[i].out_to += head.line;
	}
	str_addn(out, str_get(&body), body.len);
	str_fini(&body);
}
