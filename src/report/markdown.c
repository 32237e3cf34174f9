/*
 * The report as Markdown. What comes from the record is escaped, so that it cannot become
 * markup; what people wrote is Markdown already and only loses what would be HTML or break the
 * report's own headings.
 */
#include <string.h>

#include "core/mem.h"
#include "report/report.h"

static void escaped(struct str *out, const char *text)
{
	_cleanup_(free_p) char *clean = text_clean(text ? text : "", 0);

	for (const char *p = clean; *p; p++) {
		if (strchr("\\`*_[]<>|#", *p))
			str_addc(out, '\\');
		str_addc(out, *p);
	}
}

/* Headings of people go below ours; no HTML. */
static void written(struct str *out, const char *text)
{
	bool start = true;

	for (const char *p = text; *p; p++) {
		if (*p == '\r')
			continue;
		if (start && *p == '#')
			str_add(out, "###");
		if (*p == '<')
			str_addc(out, '\\');
		start = *p == '\n';
		if ((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t')
			str_addc(out, *p);
	}
	str_add(out, text[0] && text[strlen(text) - 1] == '\n' ? "\n" : "\n\n");
}

static void table(struct str *out, const struct report_block *v)
{
	if (v->text) {
		str_add(out, "\n**");
		escaped(out, v->text);
		str_add(out, "**\n");
	}
	str_addc(out, '\n');
	for (size_t i = 0; i < v->n_cells; i++) {
		size_t c = i % v->columns;
		const char *cell = v->cells[i];

		str_add(out, c == 0 ? "| " : " | ");
		escaped(out, i < v->columns && *cell == '#' ? cell + 1 : cell);
		if (c + 1 < v->columns)
			continue;
		str_add(out, " |\n");
		for (size_t k = 0; i + 1 == v->columns && k < v->columns; k++)
			str_addf(out, "%s%s%s", k ? "" : "|",
				 v->cells[k][0] == '#' ? " ---: |" : " --- |",
				 k + 1 == v->columns ? "\n" : "");
	}
	str_addc(out, '\n');
}

static void blocks(struct str *out, const struct report_blocks *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct report_block *v = &b->v[i];
		bool list = v->kind == BLOCK_ITEM || v->kind == BLOCK_UNKNOWN;
		bool more = i + 1 < b->n &&
			    (b->v[i + 1].kind == BLOCK_ITEM || b->v[i + 1].kind == BLOCK_UNKNOWN);

		if (v->kind == BLOCK_TABLE) {
			table(out, v);
			continue;
		}
		str_add(out, v->kind == BLOCK_ITEM ? "- " : v->kind == BLOCK_UNKNOWN ? "- **?** " :
			     v->kind == BLOCK_HEAD ? "### " : "");
		escaped(out, v->text);
		str_add(out, list && more ? "\n" : "\n\n");
	}
}

static void section(struct str *out, const struct report *r, size_t i)
{
	enum report_section s = r->parts[i].section;
	const struct review_text *text = report_text(r, s, false, 0), *aside;
	struct report_blocks b;
	char at[32];

	str_addf(out, "## %zu. ", i + 1);
	escaped(out, r->parts[i].title);
	str_add(out, "\n\n");
	if (text)
		written(out, text->text ? text->text : "");
	for (size_t n = 0; (aside = report_text(r, s, true, n)); n++) {
		report_when(at, aside->at_ms);
		str_addf(out, "> **Not merged yet**, version %lld, written at the same time by ",
			 (long long)aside->version);
		escaped(out, aside->by);
		str_addf(out, " (%s):\n>\n> ", at);
		escaped(out, aside->text);
		str_add(out, "\n\n");
	}
	report_facts(r, s, &b);
	blocks(out, &b);
	report_blocks_fini(&b);
}

void report_markdown(const struct report *r, struct str *out)
{
	const struct incident *i = &r->doc.incident;
	char at[32];

	str_addf(out, "# %s: ", i->id);
	escaped(out, i->title);
	report_when(at, r->now_ms);
	str_addf(out, "\n\nSeverity %s, %s%s. Report: %s. Made %s.\n\n",
		 i->severity ? i->severity : "-", enum_name(&incident_state_names, i->state),
		 i->kind == IK_DRILL      ? ", a DRILL"
		 : i->kind == IK_BACKFILL ? ", entered afterwards"
					  : "",
		 report_review_word(i->review), at);
	for (size_t k = 0; k < r->n_signs; k++) {
		report_when(at, r->signs[k].at_ms);
		str_addf(out, "- %s: ", at);
		escaped(out, r->signs[k].text);
		str_addc(out, '\n');
	}
	str_add(out, r->n_signs ? "\n" : "");
	for (size_t k = 0; k < r->n_parts; k++)
		section(out, r, k);
	str_addf(out,
		 "---\n\nAll %zu entries of the timeline: `ringdown report %s --format csv`.\n",
		 r->n_entries, i->id);
}
