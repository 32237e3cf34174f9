/*
 * Markdown over libcmark-gfm, with its extensions for tables and task lists; no other file
 * sees its headers. Only blocks become nodes of ours: of inline mark-up the words are kept.
 *
 * The library registers its extensions once for the process; nothing else of it lives on.
 */
#include "core/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

enum { DEPTH_MAX = 60 };

static enum md_type type_of(cmark_node *n)
{
	switch (cmark_node_get_type(n)) {
	case CMARK_NODE_DOCUMENT: return MD_DOCUMENT;
	case CMARK_NODE_HEADING: return MD_HEADING;
	case CMARK_NODE_PARAGRAPH: return MD_PARAGRAPH;
	case CMARK_NODE_LIST: return MD_LIST;
	case CMARK_NODE_ITEM: return MD_ITEM;
	case CMARK_NODE_CODE_BLOCK: return MD_CODE;
	default: break;
	}
	return str_eq(cmark_node_get_type_string(n), "table") ? MD_TABLE : MD_OTHER;
}

/* The words of a block, lines joined by a blank. */
static void add_words(cmark_node *n, struct str *out)
{
	cmark_iter *it = cmark_iter_new(n);
	cmark_event_type e;

	while ((e = cmark_iter_next(it)) != CMARK_EVENT_DONE) {
		cmark_node *at = cmark_iter_get_node(it);
		cmark_node_type t = cmark_node_get_type(at);
		if (e == CMARK_EVENT_ENTER && (t == CMARK_NODE_TEXT || t == CMARK_NODE_CODE ||
					       t == CMARK_NODE_HTML_INLINE))
			str_add(out, cmark_node_get_literal(at));
		else if (e == CMARK_EVENT_ENTER && (t == CMARK_NODE_SOFTBREAK ||
						    t == CMARK_NODE_LINEBREAK))
			str_addc(out, ' ');
		else if (e == CMARK_EVENT_EXIT && (t == CMARK_NODE_LINK || t == CMARK_NODE_IMAGE) &&
			 !str_empty(cmark_node_get_url(at)) &&
			 !strstr(str_get(out), cmark_node_get_url(at)))
			str_addf(out, " (%s)", cmark_node_get_url(at));
	}
	cmark_iter_free(it);
}

static struct md *convert(cmark_node *n, int depth)
{
	struct md *m = xcalloc(1, sizeof(*m));
	struct md **tail = &m->first;
	struct str words = STR_INIT(STR_MAX_DEFAULT);

	m->type = depth > DEPTH_MAX ? MD_OTHER : type_of(n);
	m->line = cmark_node_get_start_line(n);
	m->end = cmark_node_get_end_line(n);
	m->level = m->type == MD_HEADING ? cmark_node_get_heading_level(n) : 0;
	m->ordered = m->type == MD_LIST && cmark_node_get_list_type(n) == CMARK_ORDERED_LIST;
	m->task = m->type == MD_ITEM && str_eq(cmark_node_get_type_string(n), "tasklist");
	m->checked = m->task && cmark_gfm_extensions_get_tasklist_item_checked(n);
	if (m->type == MD_CODE) {
		int length, offset;
		char character;
		const char *info = cmark_node_get_fence_info(n);
		m->fenced = cmark_node_get_fenced(n, &length, &offset, &character) != 0;
		m->text = xstrdup(cmark_node_get_literal(n));
		m->info = xstrndup(info ? info : "", info ? strcspn(info, " \t{,") : 0);
	} else if (m->type == MD_HEADING || m->type == MD_PARAGRAPH) {
		add_words(n, &words);
		m->text = str_take(&words);
	}
	bool holds_blocks = m->type == MD_DOCUMENT || m->type == MD_LIST || m->type == MD_ITEM;
	for (cmark_node *c = holds_blocks ? cmark_node_first_child(n) : NULL; c;
	     c = cmark_node_next(c)) {
		*tail = convert(c, depth + 1);
		tail = &(*tail)->next;
	}
	return m;
}

struct md *markdown_parse(const char *text, size_t len)
{
	static const char *const extensions[] = { "table", "tasklist" };
	cmark_parser *p;
	cmark_node *root;
	struct md *m;

	cmark_gfm_core_extensions_ensure_registered();
	p = cmark_parser_new(CMARK_OPT_DEFAULT);
	for (size_t i = 0; i < COUNT_OF(extensions); i++)
		cmark_parser_attach_syntax_extension(p, cmark_find_syntax_extension(extensions[i]));
	cmark_parser_feed(p, text, len);
	root = cmark_parser_finish(p);
	m = convert(root, 0);
	cmark_node_free(root);
	cmark_parser_free(p);
	return m;
}

void markdown_free(struct md *m)
{
	while (m) {
		struct md *next = m->next;
		markdown_free(m->first);
		free_p(&m->text);
		free_p(&m->info);
		free_p(&m);
		m = next;
	}
}
