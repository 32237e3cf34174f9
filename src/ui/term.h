/*
 * The terminal: modes, size, input bytes, and frames sent as the difference to what is
 * on the screen. The only file that knows terminfo.
 *
 * Nothing here blocks: bytes wait in memory until the terminal takes them, and a frame
 * is refused while the last one has not drained. Every way out restores the terminal.
 */
#ifndef RD_UI_TERM_H
#define RD_UI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include "core/err.h"
#include "core/loop.h"
#include "ui/cells.h"
#include "ui/theme.h"

struct term;

struct term_events {
	void (*input)(void *ctx, const char *bytes, size_t n);
	void (*resized)(void *ctx);
	void (*drained)(void *ctx);	/* a refused frame may be sent now */
	/* Hang-up, end of input, or (graceful only) a signal: the terminal is restored
	 * already, end now. */
	void (*gone)(void *ctx, int signum);
};
struct term_options {
	bool ascii;		/* asked for; LANG=C and terminals without UTF-8 imply it */
	bool no_color;
	/* TERM, HUP, INT, QUIT restore the terminal and call gone instead of ending the
	 * process at once; for a program that has children to stop. */
	bool graceful;
};

/* Takes the controlling terminal of fds 0 and 1; ERR_SYSTEM when they are not one, or
 * cannot position the cursor. *ret is the caller's. */
int term_open(struct loop *l, const struct term_options *o, const struct term_events *on, void *ctx,
	      struct term **ret, struct err *err);
/* Restores and frees; NULL ok. */
void term_close(struct term *t);

int term_width(const struct term *t);
int term_height(const struct term *t);
/* Does the environment say that characters are UTF-8? */
bool term_locale_utf8(void);
bool term_ascii(const struct term *t);
void term_set_theme(struct term *t, const struct theme *theme);

/* False: the last frame is still on its way, `drained` will come. */
bool term_paint(struct term *t, const struct cells *frame);
void term_forget(struct term *t);	/* the next frame is painted whole */
void term_bell(struct term *t);
/* OSC 52 (wrapped under tmux and screen); false: this terminal has none. */
bool term_clipboard(struct term *t, const char *text, size_t n);
void term_suspend(struct term *t);	/* ^Z; returns after fg, the next frame is whole */
/* To the normal screen (lines of text, cleaned by the caller) and back. */
void term_plain(struct term *t, const char *text);
void term_return(struct term *t);

#endif
