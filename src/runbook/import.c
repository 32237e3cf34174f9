/*
 * The walk over a document: headings become phases, lists and tasks what people do, code
 * what import_code.c makes of it. Each line of the source is claimed by what became of it;
 * lines that nobody claimed (link definitions, say) end as notes.
 *
 * The result is parsed and linted; a step that does not pass becomes a note of its own lines
 * and it is tried again, so that an import never gives a file that cannot be loaded.
 */
#include "runbook/import.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "core/mem.h"
#include "runbook/import_parts.h"

enum { ROUNDS_MAX = 200, TITLE_MAX = 110 };

void import_warn(struct import *im, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_(free_p) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	problems_add(&im->report->warnings, im->name, (struct place){ line, 1 }, true, "%s", text);
}

static bool blank(const struct import *im, int line)
{
	const char *s = im->lines[line - 1];

	for (size_t i = 0; i < im->lengths[line - 1]; i++)
		if (!isspace((unsigned char)s[i]))
			return false;
	return true;
}

static void claim(struct import *im, int from, int to)
{
	for (int i = from; i <= to && i <= (int)im->n; i++)
		if (i > 0)
			im->claimed[i - 1] = true;
}

/* ---- pieces ------------------------------------------------------------------------------ */
static size_t this_phase(struct import *im)
{
	if (!im->n_phases)
		*PUSH(&im->phases, &im->n_phases) = xstrdup("Introduction");
	return im->n_phases - 1;
}

struct piece *import_piece(struct import *im, enum piece_kind kind, int from, int to)
{
	size_t phase = this_phase(im);
	struct piece *p = PUSH(&im->pieces, &im->n_pieces);

	to = to > (int)im->n ? (int)im->n : to;
	p->kind = kind;
	p->phase = phase;
	p->from = from < 1 ? 1 : from;
	p->to = to < p->from ? p->from : to;
	claim(im, p->from, p->to);
	return p;
}

/* Notes that follow each other are one. */
void import_note(struct import *im, int from, int to)
{
	struct piece *last = im->n_pieces ? &im->pieces[im->n_pieces - 1] : NULL;
	bool joins = last && last->kind == PIECE_NOTE && last->phase == this_phase(im) &&
		last->to < from && to - last->from < 60;

	for (int i = joins ? last->to + 1 : from; joins && i < from; i++)
		joins = blank(im, i);
	if (joins) {
		last->to = to > (int)im->n ? (int)im->n : to;
		claim(im, from, to);
	} else {
		import_piece(im, PIECE_NOTE, from, to);
	}
}

/* ---- headings ------------------------------------------------------------------------------ */
static void heading(struct import *im, const struct md *m)
{
	struct str name = STR_INIT(2000);

	claim(im, m->line, m->end);
	if (m->level == 1 && !im->title && !str_empty(m->text)) {
		/* a line of === above an underlined title belongs to it, for the parser */
		size_t rule = strspn(m->text, "=-*_~#");
		rule = rule < 3 ? 0 : rule + strspn(m->text + rule, " ");
		im->title = text_clean(m->text + rule, TITLE_MAX);
		return;
	}
	for (int i = m->level; i < 7; i++)
		free_p(&im->stack[i]);
	im->stack[m->level] = xstrdup(str_empty(m->text) ? "-" : m->text);
	for (int i = 1; i < 7; i++)
		if (im->stack[i])
			str_addf(&name, "%s%s", name.len ? " / " : "", im->stack[i]);
	*PUSH(&im->phases, &im->n_phases) = text_clean(str_get(&name), 160);
	str_fini(&name);
}

/* ---- lists ---------------------------------------------------------------------------------- */
static bool holds(const struct md *m, enum md_type type, bool (*fits)(const struct md *))
{
	for (const struct md *c = m->first; c; c = c->next)
		if ((c->type == type && (!fits || fits(c))) || holds(c, type, fits))
			return true;
	return false;
}

static bool is_work(const struct md *m)
{
	return (m->type == MD_LIST && m->ordered) || (m->type == MD_ITEM && m->task);
}

static void blocks(struct import *im, const struct md *first, const struct md *lead);

static const char *item_text(const struct md *item)
{
	return item->first && item->first->type == MD_PARAGRAPH ? item->first->text : NULL;
}

static int last_line(const struct md *m)
{
	int end = m->end;

	for (const struct md *c = m->first; c; c = c->next) {
		int inner = last_line(c);
		end = inner > end ? inner : end;
	}
	return end;
}

/* Lists that only list: their items become the checklist of the step above. */
static bool plain_list(const struct md *m)
{
	if (m->type != MD_LIST)
		return false;
	for (const struct md *item = m->first; item; item = item->next)
		if (!item_text(item) || item->first->next)
			return false;
	return true;
}

static void add_items(struct piece *p, const struct md *list)
{
	for (const struct md *item = list->first; item; item = item->next)
		*PUSH(&p->items, &p->n_items) = text_clean(item_text(item), 0);
	p->to = last_line(list) > p->to ? last_line(list) : p->to;
}

/* An item that says what to do. With code inside, its text is the title of the code. */
static void do_item(struct import *im, const struct md *item)
{
	const char *text = item_text(item);
	const struct md *rest = text ? item->first->next : item->first;
	const struct md *after = text ? item->first : NULL;

	if (text && rest && rest->type == MD_CODE && strlen(text) <= TITLE_MAX) {
		claim(im, item->line, after->end);
		blocks(im, rest, after);
		return;
	}
	if (text) {
		struct piece *p = import_piece(im, PIECE_ASK, item->line, after->end);
		p->text = xstrdup(text);
		if (rest && plain_list(rest)) {
			add_items(p, rest);
			claim(im, rest->line, p->to);
			rest = rest->next;
		}
	}
	blocks(im, rest, NULL);
}

/* Tasks that stand together are one checklist under the text before them. */
static const struct md *task_items(struct import *im, const struct md *item)
{
	struct piece *p = import_piece(im, PIECE_ASK, item->line, item->line);
	size_t at = im->n_pieces - 1;
	size_t phase = p->phase;

	p->text = xasprintf("Done: %s", im->phases[phase]);
	for (; item && item->task; item = item->next) {
		const char *text = item_text(item);
		p = &im->pieces[at];
		if (text)
			*PUSH(&p->items, &p->n_items) = text_clean(text, 0);
		p->to = text ? item->first->end : item->line;
		claim(im, item->line, p->to);
		if (text && item->first->next) {
			blocks(im, item->first->next, item->first);
			return item->next; /* what is inside has its place in the order */
		}
	}
	return item;
}

static void list(struct import *im, const struct md *m)
{
	for (const struct md *item = m->first; item;) {
		bool work = m->ordered || holds(item, MD_CODE, NULL) ||
			holds(item, MD_LIST, is_work) ||
			holds(item, MD_ITEM, is_work);
		if (item->task) {
			item = task_items(im, item);
			continue;
		}
		if (work)
			do_item(im, item);
		else
			import_note(im, item->line, last_line(item));
		item = item->next;
	}
}

/* A short text that ends in a colon right before code says what the code does. */
static bool leads_to_code(const struct md *m)
{
	size_t n = strlen(m->text);

	return m->next && m->next->type == MD_CODE && n && n <= TITLE_MAX && m->text[n - 1] == ':';
}

/* lead: the words of the item that these blocks stand in; its first code is about them. */
static void blocks(struct import *im, const struct md *first, const struct md *lead)
{
	for (const struct md *m = first; m; m = m->next) {
		switch (m->type) {
		case MD_HEADING: heading(im, m); break;
		case MD_LIST: list(im, m); break;
		case MD_CODE:
			import_code(im, m, lead);
			lead = NULL;
			break;
		case MD_PARAGRAPH:
			if (leads_to_code(m)) {
				claim(im, m->line, m->end);
				import_code(im, m->next, m);
				m = m->next;
				break;
			}
			/* fallthrough */
		default: import_note(im, m->line, last_line(m)); break;
		}
	}
}

/* ---- the source ----------------------------------------------------------------- */
/* Text that YAML can hold: line ends as \n, no control characters, valid UTF-8. */
static char *tidy(const char *text, size_t len, size_t *ret_len)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	size_t at = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;

	while (at < len) {
		size_t n = 1;
		int32_t c = utf8_decode(text + at, len - at, &n);
		if (c == '\r' || c == 0x2028 || c == 0x2029 || c == 0x85) {
			bool pair = c == '\r' && at + 1 < len && text[at + 1] == '\n';
			str_add(&out, pair ? "" : "\n");
		} else if (c < 0 || (c >= 0xfffe && c <= 0xffff) || c == 0xfeff) {
			str_add(&out, "\xef\xbf\xbd");
		} else if ((c < ' ' && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0)) {
			str_addc(&out, ' ');
		} else {
			str_addn(&out, text + at, n);
		}
		at += n ? n : 1;
	}
	*ret_len = out.len;
	return str_take(&out);
}

static void split_lines(struct import *im, const char *text)
{
	size_t cap = 0;
	size_t cap2 = 0;

	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		im->lines = grow(im->lines, &cap, im->n + 1, sizeof(*im->lines));
		im->lengths = grow(im->lengths, &cap2, im->n + 1, sizeof(*im->lengths));
		im->lines[im->n] = p;
		im->lengths[im->n++] = n;
		p += n + (p[n] == '\n');
	}
	im->claimed = xcalloc(im->n + 1, sizeof(*im->claimed));
}

static bool line_is(const struct import *im, size_t i, const char *text)
{
	return im->lengths[i] == strlen(text) && !strncmp(im->lines[i], text, im->lengths[i]);
}

/* Front matter is blanked for the Markdown parser and kept as a note; its title is ours. */
static void front_matter(struct import *im)
{
	const char *mark = im->n && line_is(im, 0, "---") ? "---" : im->n &&
		line_is(im, 0, "+++") ? "+++" : NULL;
	size_t end = 1;

	while (mark && end < im->n && end < 300 && !line_is(im, end, mark))
		end++;
	if (!mark || end >= im->n || !line_is(im, end, mark))
		return;
	import_note(im, 1, (int)end + 1);
	for (size_t i = 1; i < end; i++) {
		const char *s = im->lines[i];
		size_t skip = im->lengths[i] > 6 && (!strncmp(s, "title:", 6) ||
						     !strncmp(s, "title ", 6)) ?
			6 + strspn(s + 6, " =\"'") : 0;
		if (!skip || skip >= im->lengths[i] || im->title)
			continue;
		_cleanup_(free_p) char *title = xstrndup(s + skip, im->lengths[i] - skip);
		size_t n = strlen(title);
		while (n && strchr("\"' ", title[n - 1]))
			title[--n] = '\0';
		if (n)
			im->title = text_clean(title, TITLE_MAX);
	}
}

static char *without_front_matter(const struct import *im, const char *text)
{
	char *copy = xstrdup(text);

	for (size_t i = 0; i < im->n && im->claimed[i]; i++)
		memset(copy + (im->lines[i] - text), ' ', im->lengths[i]);
	return copy;
}

static void unclaimed(struct import *im)
{
	for (int i = 1; i <= (int)im->n; i++) {
		if (im->claimed[i - 1] || blank(im, i))
			continue;
		int to = i;
		while (to < (int)im->n && !im->claimed[to] && !blank(im, to + 1))
			to++;
		import_note(im, i, to);
		i = to;
	}
}

static bool has_piece(const struct import *im, size_t phase)
{
	for (size_t i = 0; i < im->n_pieces; i++)
		if (im->pieces[i].phase == phase)
			return true;
	return false;
}

/* A heading with nothing below it, not even another heading, still says something. */
static void empty_headings(struct import *im)
{
	for (size_t i = 0; i < im->n_phases; i++) {
		size_t n = strlen(im->phases[i]);
		bool above = i + 1 < im->n_phases && !strncmp(im->phases[i + 1], im->phases[i],
							      n) &&
			!strncmp(im->phases[i + 1] + n, " / ", 3);
		if (has_piece(im, i) || above)
			continue;
		struct piece *p = PUSH(&im->pieces, &im->n_pieces);
		*p = (struct piece){ .kind = PIECE_NOTE, .phase = i,
				     .text = xstrdup(im->phases[i]) };
	}
}

/* ---- until it passes ------------------------------------------------------------ */
static bool mend(struct import *im, const struct problems *p)
{
	bool any = false;

	for (size_t i = 0; i < p->n; i++) {
		/* a word of the text is called as a secret that was found further down */
		if (!im->secrets_known && strstr(p->v[i].text, "words for people"))
			im->secrets_known = any = true;
		for (size_t k = 0; k < im->n_pieces && !p->v[i].warning; k++) {
			struct piece *x = &im->pieces[k];
			if (p->v[i].at.line < x->out_from || p->v[i].at.line > x->out_to)
				continue;
			if (x->kind == PIECE_RUN && !x->follow && strstr(p->v[i].text, "follow")) {
				x->follow = any = true;
			} else if (x->kind != PIECE_NOTE) {
				import_warn(im, x->from, "kept as a note: %s", p->v[i].text);
				x->kind = PIECE_NOTE;
				x->from = x->lead ? x->lead : x->from;
				free_p(&x->text);
				any = true;
			}
		}
	}
	return any;
}

static void does_not_pass(const struct import *im, const struct problems *p, struct err *err)
{
	size_t i = 0;

	while (i < p->n && p->v[i].warning)
		i++;
	err_set(err, ERR_FAILED, "%s: the result does not pass: line %d: %s", im->name,
		i < p->n ? p->v[i].at.line : 0, i < p->n ? p->v[i].text : "?");
}

static int until_it_passes(struct import *im, struct str *out, struct err *err)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		struct problems p = { 0 };
		str_clear(out);
		import_emit(im, out);
		struct runbook *rb = runbook_parse(str_get(out), out->len, "the import", &p);
		bool ok = rb != NULL;
		bool again = !ok && mend(im, &p);
		if (!ok && !again)
			does_not_pass(im, &p, err);
		runbook_free(rb);
		problems_fini(&p);
		if (ok || !again)
			return ok ? 0 : ERR_FAILED;
	}
	return err_set(err, ERR_FAILED, "%s: the result does not pass", im->name);
}

static void count(struct import *im)
{
	struct import_report *r = im->report;

	for (size_t i = 0; i < im->n_pieces; i++) {
		const struct piece *p = &im->pieces[i];
		int64_t lines = 0;
		for (int l = p->from; l && l <= p->to; l++)
			lines += !blank(im, l);
		bool runs = p->kind == PIECE_RUN || p->kind == PIECE_SQL;
		*(runs ? &r->executable : p->kind == PIECE_ASK ? &r->human : &r->note) += lines;
		*(runs ? &r->run_steps : p->kind == PIECE_ASK ? &r->ask_steps :
		  &r->note_steps) += 1;
	}
	for (size_t i = 0; i < im->n_phases; i++)
		r->phases += has_piece(im, i);
	r->params = (int64_t)im->n_params;
}

static void import_fini(struct import *im)
{
	for (size_t i = 0; i < im->n_pieces; i++) {
		struct piece *p = &im->pieces[i];
		free_p(&p->title);
		free_p(&p->text);
		free_p(&p->cwd);
		for (size_t k = 0; k < p->n_items; k++)
			free_p(&p->items[k]);
		for (size_t k = 0; k < p->n_env; k++) {
			free_p(&p->env[k].name);
			free_p(&p->env[k].text);
		}
		free_p(&p->items);
		free_p(&p->env);
	}
	for (size_t i = 0; i < im->n_phases; i++)
		free_p(&im->phases[i]);
	for (size_t i = 0; i < im->n_params; i++) {
		free_p(&im->params[i].name);
		free_p(&im->params[i].was);
	}
	for (size_t i = 0; i < COUNT_OF(im->stack); i++)
		free_p(&im->stack[i]);
	free_p(&im->pieces);
	free_p(&im->phases);
	free_p(&im->params);
	free_p(&im->lines);
	free_p(&im->lengths);
	free_p(&im->claimed);
	free_p(&im->title);
}

int runbook_import(const char *text, size_t len, const char *name, struct str *ret_yaml,
		   struct import_report *ret, struct err *err)
{
	struct import im = { .name = name, .report = ret };
	int r;

	if (len > YAML_MAX_BYTES)
		return err_set(err, ERR_TOO_BIG, "%s: larger than 10 MiB", name);
	_cleanup_(free_p) char *clean = tidy(text, len, &len);
	split_lines(&im, clean);
	front_matter(&im);
	_cleanup_(free_p) char *body = without_front_matter(&im, clean);
	struct md *doc = markdown_parse(body, len);
	blocks(&im, doc->first, NULL);
	unclaimed(&im);
	empty_headings(&im);
	r = until_it_passes(&im, ret_yaml, err);
	if (!r)
		count(&im);
	markdown_free(doc);
	import_fini(&im);
	return r;
}

void import_report_fini(struct import_report *r)
{
	problems_fini(&r->warnings);
	memset(r, 0, sizeof(*r));
}
