/*
 * A table over any number of rows. The rows are the view's (records it owns); the list
 * keeps cursor, order, filter, columns. Two kinds: local (all rows handed in by
 * list_begin/list_add/list_end on each update: filtered and sorted here) and windowed
 * (list_window: the engine filters and sorts, `row` is asked for what is visible only).
 *
 * The cursor sticks to a row by its key, not to a place on the screen.
 */
#ifndef RD_UI_LIST_H
#define RD_UI_LIST_H

#include <stddef.h>

#include "ui/bindings.h"
#include "ui/cells.h"

#define CELL_TEXT 256

/* A member of the records: a text (char *, NULL = none) or a whole number (int64_t). */
struct member {
	enum { MEMBER_NONE, MEMBER_TEXT, MEMBER_INT } type;
	size_t at;
};
#define MEMBER(S, M)                                                                               \
	{ _Generic(&((struct S *)0)->M, char **: MEMBER_TEXT, const char **: MEMBER_TEXT,          \
		   int64_t *: MEMBER_INT),                                                         \
	  offsetof(struct S, M) }

struct column {
	const char *title;
	const char *name;		/* for the engine's sort=; NULL = not sortable there */
	int w, wide;			/* least and most columns; wide 0 = w */
	int align;			/* > 0 right */
	int drop;			/* 0 = always shown; the highest goes first when narrow */
	bool grow;			/* takes what is left */
	/* What is shown: a member in `role`, or `none` in `none_role` where it is empty ... */
	struct member show;
	enum role role, none_role;
	const char *none;		/* NULL = nothing */
	/* ... or text of the cell into buf (CELL_TEXT); returns its role. rec is what list_add
	 * got. */
	enum role (*text)(void *ctx, const void *rec, char *buf);
	/* How rows are sorted: cmp, else by the number shown or this one, else by text. */
	int (*cmp)(const void *a, const void *b);
	struct member sort_by;
};

struct list_row {
	const void *rec;
	char key[64];
};

struct list {
	const struct column *columns;
	size_t n_columns;
	void *ctx;			/* for column.text */
	struct list_row *rows;		/* local rows after filter and sort */
	size_t n, cap, n_all;
	int64_t total;			/* rows in all: local n, or what the engine said */
	bool windowed;
	const void *(*row)(void *ctx, int64_t i, char key[64]);	/* NULL = not loaded yet */
	int64_t cursor, top;
	int page;			/* rows visible at the last draw */
	char key[64];			/* of the selected row */
	char filter[64];
	int sort;			/* column, -1 = as handed in */
	bool reverse, changed;		/* changed: sort or filter, for windowed views to fetch */
	int first_column;		/* < and > */
	int title_w;			/* of the title over the first column */
	int16_t *widths;
};

void list_init(struct list *l, const struct column *columns, size_t n, void *ctx);
void list_fini(struct list *l);
void list_begin(struct list *l);
void list_add(struct list *l, const void *rec, const char *key);
void list_end(struct list *l);
void list_window(struct list *l, int64_t total,
		 const void *(*row)(void *ctx, int64_t i, char key[64]));
/* The selected record; NULL when there is none (or it is not loaded). */
const void *list_selected(struct list *l);
void list_select_key(struct list *l, const char *key);
/* Moving, sorting, columns; false: not a matter of lists. */
bool list_act(struct list *l, enum act act);
void list_set_filter(struct list *l, const char *text);
/* Column heads on the first line (in a rule if ruled), rows below. focused: cursor shown. */
void list_draw(struct list *l, struct area a, const char *title, bool focused);
/* All rows as lines of text (Y, w, shot). */
void list_lines(struct list *l, int width, struct str *out);
/* The selected row as one line, columns separated by tabs. */
void list_row_text(struct list *l, struct str *out);

#endif
