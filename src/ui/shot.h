/* A frame as a document: for tickets, reviews, tests. */
#ifndef RD_UI_SHOT_H
#define RD_UI_SHOT_H

#include "ui/cells.h"

enum shot_format { SHOT_TEXT, SHOT_ANSI, SHOT_HTML, SHOT_SVG };
void shot_write(const struct cells *c, const struct theme *t, enum shot_format f, struct str *out);

#endif
