/*
 * A text of several lines being written: a note, a message. Bounded; what comes in is
 * cleaned, so that it may be sent and shown as it is, and what did not fit is counted.
 * One paragraph, where a line end becomes a blank, unless it is one of lines.
 */
#ifndef RD_UI_PAD_H
#define RD_UI_PAD_H

#include "ui/cells.h"

struct pad {
	char *text;		/* with its NUL; NULL = empty */
	size_t len, at, cap;	/* bytes; at is on a character boundary */
	size_t max;
	size_t lost;		/* characters that did not fit since pad_set */
	int64_t edits;		/* grows with each change */
	int w, h;		/* of the last drawing: up and down need it */
	bool lines;		/* line ends stay, Enter makes one */
	bool cr;		/* the last piece of a paste ended with it: LF belongs to it */
};

void pad_fini(struct pad *p);
void pad_set(struct pad *p, const char *text);
const char *pad_text(const struct pad *p);	/* never NULL */
/* false: not a matter of the text, or up on its first line, down on its last. */
bool pad_key(struct pad *p, uint32_t key);
void pad_paste(struct pad *p, const char *text, size_t n);
/* Rows that it takes at w columns; at least 1. */
int pad_rows(const struct pad *p, int w);
/* Wrapped at words, scrolled so that the cursor is in sight. */
void pad_draw(struct pad *p, struct area a, bool focused);

#endif
