/* One line of text being typed: command line, filter, dialog and form fields. */
#ifndef RD_UI_FIELD_H
#define RD_UI_FIELD_H

#include "ui/cells.h"

struct field_edit {
	char text[512];
	size_t len, at;		/* bytes; at is on a character boundary */
	size_t max;		/* most bytes; 0 = all */
	size_t lost;		/* characters that did not fit since it was set */
	bool hidden;		/* shown as dots: secrets */
};

void field_set(struct field_edit *f, const char *text);
/* Printable keys, Backspace, arrows, Home, End, ^A ^E ^U ^W; false: not for a field. */
bool field_key(struct field_edit *f, uint32_t key);
/* Text of a paste: cleaned, line ends become blanks. */
void field_paste(struct field_edit *f, const char *text, size_t n);
/* Draws w columns, scrolled so that the cursor is visible, and puts the real cursor there. */
void field_draw(const struct field_edit *f, struct area a, int x, int y, int w, bool focused);

#endif
