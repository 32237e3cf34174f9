/* Markdown (GitHub's) as a tree of blocks, each with its lines; inline mark-up is not taken
 * apart. Whoever reads it goes back to the source by line numbers. */
#ifndef RD_CORE_MARKDOWN_H
#define RD_CORE_MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>

enum md_type { MD_DOCUMENT, MD_HEADING, MD_PARAGRAPH, MD_LIST, MD_ITEM, MD_CODE, MD_TABLE,
	       MD_OTHER };
struct md {
	enum md_type type;
	int level;			/* heading: 1 to 6 */
	bool ordered;			/* list */
	bool task, checked;		/* item */
	bool fenced;			/* code */
	/* heading, paragraph: without mark-up; code: as it stands */
	char *text;
	char *info;			/* code: first word behind the fence, or "" */
	int line, end;			/* first and last, from 1 */
	struct md *first, *next;	/* blocks inside; the next one */
};

/* Never NULL; what is nested too deeply is MD_OTHER. */
struct md *markdown_parse(const char *text, size_t len);
void markdown_free(struct md *m);

#endif
