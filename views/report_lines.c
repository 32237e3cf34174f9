/*
 * The report as lines of a list: each section with what a person wrote, what was set aside,
 * what the record says, what is still asked for; then the action items. Nothing is cut: what
 * does not fit goes on the next line, and a table too wide for the screen becomes sentences.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "ui/list.h"
#include "views/incidents.h"
#include "views/report.h"

enum { COLUMNS = 12, GAP = 2, LAST_LEAST = 24, MEASURE = 110, BYTES = CELL_TEXT - 16 };

struct make {
	const struct report_data *d;
	struct report_lines *to;
	int width;
	bool ascii;
	const char *part;
	enum report_line_kind kind;
	size_t of_part;
};

void report_lines_fini(struct report_lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free_p(&l->v[i].text);
	free_p(&l->v);
	*l = (struct report_lines){ 0 };
}

static void put(struct make *m, enum role role, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
static void put(struct make *m, enum role role, const char *fmt, ...)
{
	struct report_line *l;
	va_list ap;

	m->to->v = grow(m->to->v, &m->to->cap, m->to->n + 1, sizeof(*m->to->v));
	l = &m->to->v[m->to->n++];
	*l = (struct report_line){ .kind = m->kind, .role = role };
	va_start(ap, fmt);
	l->text = xvasprintf(fmt, ap);
	va_end(ap);
	snprintf(l->part, sizeof(l->part), "%s", m->part);
	if (m->of_part++)
		snprintf(l->key, sizeof(l->key), "%s/%zu", m->part, m->of_part);
	else
		snprintf(l->key, sizeof(l->key), "%s", m->part);
	m->kind = m->kind == LINE_ITEM ? LINE_ITEM : LINE_TEXT;
}

/* Bytes of the first line of w columns, as many as a cell holds; where the next one begins. */
static size_t line_of(const struct make *m, const char *s, int w, size_t *ret_next)
{
	size_t n = text_break(s, w, m->ascii);

	if (n > BYTES)
		n = *ret_next = utf8_prefix(s, BYTES);
	else
		*ret_next = (size_t)(text_after(s + n) - s);
	return n;
}

/* first stands before the first line, as many blanks before the others. */
static void put_wrapped(struct make *m, enum role role, const char *first, const char *text)
{
	int indent = text_width(first, m->ascii);
	int w = (m->width < MEASURE ? m->width : MEASURE) - indent;
	size_t next;

	w = w > 10 ? w : 10;
	for (const char *p = text; *p; p += next) {
		size_t n = line_of(m, p, w, &next);

		if (p == text)
			put(m, role, "%s%.*s", first, (int)n, p);
		else
			put(m, role, "%*s%.*s", indent, "", (int)n, p);
	}
}

/* What a person wrote, line by line, a bar before each. */
static void put_written(struct make *m, enum role role, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n"), next;
		_cleanup_(free_p) char *raw = xstrndup(text, n);
		_cleanup_(free_p) char *line = text_clean(raw, 0);
		int w = (m->width < MEASURE ? m->width : MEASURE) - 4;

		if (!*line)
			put(m, role, "  |");
		for (const char *p = line; *p; p += next) {
			size_t fits = line_of(m, p, w > 10 ? w : 10, &next);

			put(m, role, "  | %.*s", (int)fits, p);
		}
		text += n + (text[n] == '\n');
	}
}

/* ---- tables ------------------------------------------------------------------------------- */

struct table {
	const struct json *rows;
	size_t columns;
	int w[COLUMNS];
	bool number[COLUMNS];
};

static bool is_number(const char *s)
{
	if (str_eq(s, "-") || str_eq(s, "unknown"))
		return true;
	while (isdigit((unsigned char)*s) || *s == '.' || *s == ' ' || *s == '%' || *s == '-')
		s++;
	return !*s;
}

static const char *cell(const struct json *row, size_t i)
{
	const struct json *v = json_first(row);
	const char *s;

	while (v && i--)
		v = json_next(v);
	s = json_str(v);
	return s ? s : "";
}

static void measure(struct make *m, struct table *t)
{
	const struct json *head = json_first(t->rows);

	t->columns = json_count(head) < COLUMNS ? json_count(head) : COLUMNS;
	for (size_t c = 0; c < t->columns; c++) {
		t->number[c] = json_count(t->rows) > 1;
		for (const struct json *row = head; row; row = json_next(row)) {
			int w = text_width(cell(row, c), m->ascii);

			t->w[c] = w > t->w[c] ? w : t->w[c];
			t->number[c] = t->number[c] && (row == head || is_number(cell(row, c)));
		}
	}
}

/* A cell's text with blanks to its width, before it for numbers. */
static void pad_cell(struct make *m, struct str *b, const struct table *t, size_t c,
                     const char *text)
{
	int fill = t->w[c] - text_width(text, m->ascii);

	if (t->number[c])
		str_addf(b, "%*s", fill > 0 ? fill : 0, "");
	str_add(b, text);
	if (!t->number[c] && c + 1 < t->columns)
		str_addf(b, "%*s", fill > 0 ? fill : 0, "");
}

static enum role row_role(const struct json *head, const struct json *row)
{
	if (row == head)
		return ROLE_label;
	for (size_t c = 0; c < json_count(row); c++)
		if (str_eq(cell(row, c), "unknown"))
			return ROLE_warn;
	return ROLE_normal;
}

static void put_row(struct make *m, const struct table *t, const struct json *row)
{
	enum role role = row_role(json_first(t->rows), row);
	_cleanup_(str_fini) struct str b = STR_INIT(1 << 16);
	size_t c;

	str_add(&b, "  ");
	for (c = 0; c + 1 < t->columns; c++) {
		pad_cell(m, &b, t, c, cell(row, c));
		str_addf(&b, "%*s", GAP, "");
	}
	if (t->number[c])
		pad_cell(m, &b, t, c, cell(row, c));
	if (t->number[c] || !*cell(row, c))
		put(m, role, "%s", str_get(&b));
	else
		put_wrapped(m, role, str_get(&b), cell(row, c));
}

/* "calls: in the window 120, failed 33 ..." */
static void put_sentence(struct make *m, const struct table *t, const struct json *row)
{
	_cleanup_(str_fini) struct str b = STR_INIT(1 << 16);
	const struct json *head = json_first(t->rows);

	str_addf(&b, "%s:", cell(row, 0));
	for (size_t c = 1; c < t->columns; c++)
		str_addf(&b, "%s %s %s", c > 1 ? "," : "", cell(head, c), cell(row, c));
	put_wrapped(m, row_role(head, row), "  - ", str_get(&b));
}

static void put_table(struct make *m, const struct json *block)
{
	struct table t = { .rows = json_get(block, "rows") };
	int sum = 4;

	if (json_count(t.rows) < 2)
		return; /* heads alone say nothing */
	measure(m, &t);
	for (size_t c = 0; c < t.columns; c++) {
		bool last = c + 1 == t.columns && !t.number[c];

		sum += last && t.w[c] > LAST_LEAST ? LAST_LEAST : t.w[c] + GAP;
	}
	if (*report_str(block, "text"))
		put(m, ROLE_title, "  %s", report_str(block, "text"));
	for (const struct json *row = json_first(t.rows); row; row = json_next(row))
		if (sum <= m->width)
			put_row(m, &t, row);
		else if (row != json_first(t.rows))
			put_sentence(m, &t, row);
}

/* ---- sections -------------------------------------------------------------------------------- */

static void put_head(struct make *m, const struct json *s, size_t no)
{
	int64_t version = json_get_i64(s, "version", 0);
	size_t aside = json_count(json_get(s, "aside"));
	char when[WHEN_TEXT], state[160];

	if (aside)
		snprintf(state, sizeof(state), "%zu TEXT%s NOT MERGED: e shows both", aside,
		         aside > 1 ? "S" : "");
	else if (version)
		snprintf(state, sizeof(state), "version %lld by %.40s, %s", (long long)version,
		         report_str(s, "by"),
		         when_since(when, report_time(s, "at"), app_now(m->d->app),
		                    shell_utc(m->d->app->shell)));
	else if (json_count(json_get(s, "asks")))
		snprintf(state, sizeof(state), "nobody wrote it yet");
	else
		snprintf(state, sizeof(state), "from the record");
	m->kind = LINE_SECTION;
	put(m, aside ? ROLE_warn : ROLE_title, "%zu %s   %s%s", no, report_str(s, "title"), state,
	    report_edit_waits(m->d, report_str(s, "id")) ? "; YOUR DRAFT WAITS: e" : "");
}

static void put_asides(struct make *m, const struct json *s)
{
	for (const struct json *v = json_first(json_get(s, "aside")); v; v = json_next(v)) {
		put(m, ROLE_warn, "  ! version %lld by %.60s, written at the same time:",
		    (long long)json_get_i64(v, "version", 0), report_str(v, "by"));
		put_written(m, ROLE_warn, report_str(v, "text"));
	}
}

static void put_block(struct make *m, const struct json *b)
{
	const char *kind = report_str(b, "kind"), *text = report_str(b, "text");

	if (str_eq(kind, "table") && str_eq(text, "Action items"))
		return; /* they are lines of their own, to be worked on */
	if (str_eq(kind, "table"))
		put_table(m, b);
	else if (str_eq(kind, "unknown"))
		put_wrapped(m, ROLE_warn, "  ? ", text);
	else if (str_eq(kind, "item"))
		put_wrapped(m, ROLE_normal, "  - ", text);
	else
		put_wrapped(m, str_eq(kind, "head") ? ROLE_title : ROLE_normal, "  ", text);
}

/* ---- action items ------------------------------------------------------------------------- */

static void put_item(struct make *m, const struct json *x)
{
	bool open = str_eq(report_str(x, "state"), "open");
	int64_t due = report_time(x, "dueAt"), now = app_now(m->d->app);
	char first[120], when[WHEN_TEXT];
	enum role role = open ? ROLE_normal : ROLE_dim;

	if (!open)
		snprintf(when, sizeof(when), "%.20s", report_str(x, "state"));
	else if (!due)
		snprintf(when, sizeof(when), "no date");
	else if (due < now)
		snprintf(when, sizeof(when), "OVERDUE since %.10s", report_str(x, "dueAt"));
	else
		snprintf(when, sizeof(when), "due %.10s", report_str(x, "dueAt"));
	if (open && due && due < now)
		role = ROLE_bad;
	else if (open && (!due || !*report_str(x, "owner")))
		role = ROLE_warn;
	snprintf(first, sizeof(first), "  %-5.12s %s %-12.24s %-14s ", report_str(x, "id"),
	         open ? "[ ]" : "[x]", *report_str(x, "owner") ? report_str(x, "owner") : "NOBODY",
	         when);
	put_wrapped(m, role, first, *report_str(x, "text") ? report_str(x, "text") : "-");
}

static void put_items(struct make *m)
{
	const struct json *list = json_get(json_get(m->d->doc, "incident"), "actions");
	size_t open = 0;

	for (const struct json *x = json_first(list); x; x = json_next(x))
		open += str_eq(report_str(x, "state"), "open");
	m->part = "items";
	m->kind = LINE_ITEMS;
	m->of_part = 0;
	put(m, ROLE_title, "ACTION ITEMS   %zu open of %zu   i adds one", open, json_count(list));
	for (const struct json *x = json_first(list); x; x = json_next(x)) {
		m->part = report_str(x, "id");
		m->kind = LINE_ITEM;
		m->of_part = 0;
		put_item(m, x);
	}
}

void report_lines_make(const struct report_data *d, int width, struct report_lines *ret)
{
	struct make m = { .d = d, .to = ret, .width = width > 20 ? width : 20,
		          .ascii = shell_ascii(d->app->shell) };
	size_t no = 1;

	for (const struct json *s = json_first(json_get(d->doc, "sections")); s; s = json_next(s)) {
		m.part = report_str(s, "id");
		m.of_part = 0;
		put_head(&m, s, no++);
		put_written(&m, ROLE_normal, report_str(s, "text"));
		put_asides(&m, s);
		for (const struct json *b = json_first(json_get(s, "facts")); b; b = json_next(b))
			put_block(&m, b);
	}
	if (d->doc)
		put_items(&m);
}
