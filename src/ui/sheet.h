/*
 * A sheet over the view: help, action menu, copy menu, unread list, gates, plan. Lines,
 * some of which can be chosen by cursor and Enter or by their letter.
 */
#ifndef RD_UI_SHEET_H
#define RD_UI_SHEET_H

#include "ui/cells.h"

struct sheet_line {
	enum role role;
	char *text;
	char *value;		/* what chosen() gets; NULL = cannot be chosen */
	char key;		/* chooses it; 0 = none */
};
struct sheet {
	bool open, choosable;
	char title[96];
	struct sheet_line *lines;
	size_t n, cap;
	int cursor, top, page;
	bool scrolled;		/* by hand: the cursor may be out of sight */
	void (*chosen)(void *ctx, const char *value);
	void *ctx;
};

void sheet_open(struct sheet *s, const char *title, void (*chosen)(void *ctx, const char *value),
		void *ctx);
void sheet_line(struct sheet *s, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void sheet_choice(struct sheet *s, char key, const char *value, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Text of several lines, broken at words into lines of w columns. */
void sheet_text(struct sheet *s, enum role role, int w, const char *text);
void sheet_close(struct sheet *s);
/* Whether the letter chooses one of its lines. */
bool sheet_means(const struct sheet *s, uint32_t key);
/* Every key is the sheet's while it is open; q, Esc and ^C close it. */
void sheet_key(struct sheet *s, uint32_t key);
void sheet_draw(struct sheet *s, struct area a);

#endif
