/*
 * Colours and attributes by role. Code names roles only; values are in themes/NAME
 * files, the five shipped ones compiled in and read by the same parser as a user's.
 *
 * A line is `role = FG [on BG] [bold|underline|reverse|dim ...]`, FG and BG one of
 * default, black, red, green, yellow, blue, magenta, cyan, white, bright-NAME,
 * 0..255 or #RRGGBB. `#` followed by a space, or at the start of a line, is a comment.
 */
#ifndef RD_UI_THEME_H
#define RD_UI_THEME_H

#include <stddef.h>
#include <stdint.h>
#include "core/err.h"

#define ROLES(X)                                                                                   \
	X(normal, "plain text")                                                                    \
	X(title, "titles in rules, column heads")                                                  \
	X(rule, "the rules themselves")                                                            \
	X(header, "the first line")                                                                \
	X(production, "the word PRODUCTION")                                                       \
	X(demo, "the words DEMO (simulated)")                                                      \
	X(label, "names of fields")                                                                \
	X(key, "keys in footer, menus and help")                                                   \
	X(hint, "footer words, coach line")                                                        \
	X(dim, "what matters less")                                                                \
	X(bad, "BAD, FAIL, critical")                                                              \
	X(warn, "WARN, degraded, held")                                                            \
	X(ok, "ok, completed")                                                                     \
	X(unknown, "? and unknown")                                                                \
	X(stale, "AS OF, values with ~")                                                           \
	X(count, "countdowns")                                                                     \
	X(selected, "the cell of the selected row that names it")                                  \
	X(match, "what the filter found")                                                          \
	X(input, "text being typed")                                                               \
	X(dialog, "frame of a dialog")                                                             \
	X(danger, "what a dialog is about to change")                                              \
	X(error, "the last error")                                                                 \
	X(chart, "bars")

enum role {
#define ROLE_ENUM(name, help) ROLE_##name,
	ROLES(ROLE_ENUM)
#undef ROLE_ENUM
	ROLE_COUNT
};

enum { ATTR_BOLD = 1, ATTR_UNDERLINE = 2, ATTR_REVERSE = 4, ATTR_DIM = 8 };

#define COLOR_DEFAULT (-1)
#define COLOR_RGB 0x1000000 /* | 0xRRGGBB */

struct style {
	int32_t fg, bg; /* COLOR_DEFAULT, 0..255, or COLOR_RGB | rgb */
	uint8_t attrs;
};

struct theme {
	char name[32];
	struct style role[ROLE_COUNT];
};

/* Every role plain but for attributes: what shows before any theme, and on mono. */
void theme_init(struct theme *t);
/* file names the source in errors ("file:line:column: ..."). Unnamed roles keep theme_init's. */
int theme_parse(struct theme *ret, const char *file, const char *text, size_t n, struct err *err);
/* A shipped name, a name in dir (may be NULL), or a path with '/'. */
int theme_load(struct theme *ret, const char *name, const char *dir, struct err *err);

/* The nearest of the terminal's n colours (8, 16, 88, 256 or 1 << 24) for a colour. */
int theme_nearest(int32_t color, int n_colors);

#endif
