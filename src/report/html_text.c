/*
 * Text on the page. Whatever was recorded is data: it is cleaned of control and direction
 * marks and escaped, so that no text can become markup, style or script.
 */
#include "report/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

/* Tables with no more columns than this stand beside each other. */
enum { SMALL = 3 };

static void escape(struct str *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (p[i]) {
		case '&': str_add(out, "&amp;"); break;
		case '<': str_add(out, "&lt;"); break;
		case '>': str_add(out, "&gt;"); break;
		case '"': str_add(out, "&quot;"); break;
		case '\'': str_add(out, "&#39;"); break;
		default: str_addc(out, p[i]); break;
		}
	}
}

void html_text(struct str *out, const char *text, size_t max)
{
	_cleanup_(free_p) char *clean = text_clean(text ? text : "", max);

	escape(out, clean, strlen(clean));
}

void html_textf(struct str *out, const char *fmt, ...)
{
	_cleanup_(free_p) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	html_text(out, text, 0);
}

void html_time(struct str *out, int64_t ms)
{
	char iso[TIME_TEXT], when[32];

	report_when(when, ms);
	if (ms)
		str_addf(out, "<time datetime=\"%s\">%s</time>", format_time(iso, ms), when);
	else
		str_add(out, "&mdash;");
}

/* ---- what people wrote ------------------------------------------------------------ */

/* `code` and **bold** where they close on the same line. */
static void inline_text(struct str *out, const char *line)
{
	const char *end;

	while (*line) {
		if (*line == '`' && (end = strchr(line + 1, '`')) && end > line + 1) {
			str_add(out, "<code>");
			escape(out, line + 1, (size_t)(end - line - 1));
			str_add(out, "</code>");
			line = end + 1;
		} else if (str_has_prefix(line, "**") && (end = strstr(line + 2, "**")) &&
			   end > line + 2) {
			str_add(out, "<strong>");
			escape(out, line + 2, (size_t)(end - line - 2));
			str_add(out, "</strong>");
			line = end + 2;
		} else {
			escape(out, line++, 1);
		}
	}
}

enum open_part { OPEN_NONE, OPEN_P, OPEN_LIST };

static void switch_to(struct str *out, enum open_part *is, enum open_part to)
{
	static const char *const ends[] = { "", "</p>\n", "</ul>\n" }, *const begins[] = {
		"", "<p>", "<ul>\n"
	};

	if (*is == to)
		return;
	str_add(out, ends[*is]);
	str_add(out, begins[to]);
	*is = to;
}

static void one_line(struct str *out, enum open_part *is, const char *line)
{
	size_t hashes = strspn(line, "#");

	line += strspn(line, " ");
	if (!*line) {
		switch_to(out, is, OPEN_NONE);
	} else if (hashes && line[hashes] == ' ') {
		switch_to(out, is, OPEN_NONE);
		str_add(out, "<h4>");
		inline_text(out, line + hashes + 1);
		str_add(out, "</h4>\n");
	} else if (str_has_prefix(line, "- ") || str_has_prefix(line, "* ")) {
		switch_to(out, is, OPEN_LIST);
		str_add(out, "<li>");
		inline_text(out, line + 2);
		str_add(out, "</li>\n");
	} else {
		if (*is == OPEN_P)
			str_add(out, "<br>");
		switch_to(out, is, OPEN_P);
		inline_text(out, line);
		str_addc(out, '\n');
	}
}

void html_written(struct str *out, const char *text)
{
	enum open_part is = OPEN_NONE;

	while (text && *text) {
		size_t n = strcspn(text, "\n");
		_cleanup_(free_p) char *raw = xstrndup(text, n);
		_cleanup_(free_p) char *line = text_clean(raw, 0);

		one_line(out, &is, line);
		text += n + (text[n] == '\n');
	}
	switch_to(out, &is, OPEN_NONE);
}

/* ---- blocks ----------------------------------------------------------------------------- */

static void cell(struct str *out, const struct report_block *v, size_t i)
{
	const char *tag = i < v->columns ? "th" : "td", *text = v->cells[i];
	const char *head = v->cells[v->columns ? i % v->columns : 0];
	bool mark = str_eq(text, "unknown") || str_eq(text, "NOBODY") || str_eq(text, "no date") ||
		    strstr(text, "OVERDUE");

	str_addf(out, "<%s%s%s>", tag, *head == '#' ? " class=n" : "",
		 i < v->columns ? " scope=col" : "");
	str_add(out, mark ? "<b class=miss>" : "");
	html_text(out, i < v->columns && *text == '#' ? text + 1 : text, 0);
	str_addf(out, "%s</%s>", mark ? "</b>" : "", tag);
}

static void table(struct str *out, const struct report_block *v)
{
	str_addf(out, "<div class=%s>\n", v->columns <= SMALL ? "small" : "wide");
	if (v->text) {
		str_add(out, "<h3>");
		html_text(out, v->text, 0);
		str_add(out, "</h3>\n");
	}
	str_add(out, "<div class=scroll><table>\n<thead><tr>");
	for (size_t i = 0; i < v->n_cells; i++) {
		if (i && i % v->columns == 0)
			str_add(out,
				i == v->columns ? "</tr></thead>\n<tbody><tr>" : "</tr>\n<tr>");
		cell(out, v, i);
	}
	str_add(out, v->n_cells > v->columns ? "</tr></tbody></table></div></div>\n" :
					       "</tr></thead></table></div></div>\n");
}

void html_blocks(struct str *out, const struct report_blocks *b)
{
	bool list = false, row = false;

	for (size_t i = 0; i < b->n; i++) {
		const struct report_block *v = &b->v[i];
		bool small = v->kind == BLOCK_TABLE && v->columns <= SMALL;
		bool item = v->kind == BLOCK_ITEM || v->kind == BLOCK_UNKNOWN;

		if (item != list)
			str_add(out, item ? "<ul class=facts>\n" : "</ul>\n");
		if (small != row)
			str_add(out, small ? "<div class=row>\n" : "</div>\n");
		list = item;
		row = small;
		if (v->kind == BLOCK_TABLE) {
			table(out, v);
			continue;
		}
		str_add(out, v->kind == BLOCK_UNKNOWN ? "<li class=miss><span class=q>?</span> "
			     : v->kind == BLOCK_ITEM  ? "<li>"
			     : v->kind == BLOCK_HEAD  ? "<h3>"
						      : "<p>");
		html_text(out, v->text, 0);
		str_add(out, item ? "</li>\n" : v->kind == BLOCK_HEAD ? "</h3>\n" : "</p>\n");
	}
	if (list || row)
		str_add(out, list ? "</ul>\n" : "</div>\n");
}
