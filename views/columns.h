/* Columns that more than one view shows (overview and accounts, overview and log), and cells. */
#ifndef RD_VIEWS_COLUMNS_H
#define RD_VIEWS_COLUMNS_H

#include "views/app.h"

extern const struct column account_columns[];
extern const size_t n_account_columns;
/* In the order people want them: what is bad first, then carrying, then standby. */
void accounts_fill(struct list *l, const struct state *s);

/* One journal entry on a line: clock, subject, text; within a.w columns. */
void entry_draw(const struct app *a, struct area at, int y, const struct entry *e);

/* "12:30:05Z", or the day: the text of a cell. */
void cell_since(const struct view *v, int64_t at_ms, char *buf);

#endif
