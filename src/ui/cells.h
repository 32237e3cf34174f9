/*
 * The cell grid that everything draws into. Text is cleaned here: a control byte or a
 * broken sequence can never get into a cell, so it can never reach the terminal.
 *
 * An area is a clipped window onto the grid, passed by value; coordinates are relative
 * to it and anything outside is dropped. In ASCII mode every cell holds 0x20..0x7e.
 */
#ifndef RD_UI_CELLS_H
#define RD_UI_CELLS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/str.h"
#include "ui/theme.h"

struct cell {
	uint32_t ch; /* code point; 0 = right half of the wide one before */
	uint8_t role;
};

struct cells {
	int w, h;
	struct cell *at;      /* h rows of w */
	bool ascii;
	int cur_x, cur_y;     /* where the real cursor rests; cur_y < 0 = hidden */
	bool cur_visible;
};

void cells_init(struct cells *c);
void cells_resize(struct cells *c, int w, int h); /* content is blank after */
void cells_clear(struct cells *c);
void cells_fini(struct cells *c);
/* Row y as UTF-8, trailing blanks cut. */
void cells_row_text(const struct cells *c, int y, struct str *out);

struct area {
	struct cells *c;
	int x, y, w, h;
};

struct area area_all(struct cells *c);
struct area area_sub(struct area a, int x, int y, int w, int h);
void area_clear(struct area a, enum role role);
void area_put(struct area a, int x, int y, enum role role, uint32_t ch);
void area_fill(struct area a, int x, int y, int w, enum role role, char ch);
/* Returns the column after the text; clipped at the area's edge. */
int area_text(struct area a, int x, int y, enum role role, const char *s);
int area_textf(struct area a, int x, int y, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Into w columns: whole words only, ".." where something is missing; a single word that
 * is too long is cut with "~". align < 0 left, > 0 right. */
void area_field(struct area a, int x, int y, int w, int align, enum role role, const char *s);
/* Wraps at words from row y on; returns the row after the last. */
int area_wrap(struct area a, int x, int y, int w, enum role role, const char *s);
/* A rule across the area with a title in it: "-TITLE------". Returns the title's end. */
int area_rule(struct area a, int y, const char *title);
void area_cursor(struct area a, int x, int y);

/* Columns that a text takes once cleaned. */
int text_width(const char *s, bool ascii);
/* Bytes of s on its first line of w columns: whole words, an endless one is broken; 0 = an empty
 * line. What follows begins at text_after(s + that). */
size_t text_break(const char *s, int w, bool ascii);
const char *text_after(const char *s);
/* 0, 1 or 2. */
int codepoint_width(uint32_t cp);
/* Next code point of s (U+FFFD for a broken byte), *s moved on; 0 at the end. */
uint32_t utf8_next(const char **s);
/* Bytes written to buf (no NUL). */
size_t utf8_encode(uint32_t cp, char buf[4]);

#endif
