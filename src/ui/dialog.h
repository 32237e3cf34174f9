/*
 * The dialog in which a change is decided. It is confirmed by typing a word that only the
 * painted dialog shows; Enter alone, Esc, ^C, end of input and a hang-up are No. The
 * target is fixed when it opens; when the world moves on it disarms and says what happened.
 *
 * loading -> armed -> (disarmed) -> sending -> done. Keys that came before the dialog
 * was on the screen never reach it.
 */
#ifndef RD_UI_DIALOG_H
#define RD_UI_DIALOG_H

#include "ui/cells.h"
#include "ui/field.h"

enum dialog_danger {
	DIALOG_PLAIN,	/* our own records only: Enter does it */
	DIALOG_WORD,	/* the dialog's word */
	DIALOG_TYPED,	/* the target's name */
};
enum dialog_state {
	DIALOG_CLOSED,
	DIALOG_LOADING,	 /* the plan is being asked for: cannot be confirmed yet */
	DIALOG_ARMED,
	DIALOG_DISARMED, /* cannot be confirmed any more; says why */
	DIALOG_SENDING,	 /* sent, the answer is awaited; closing does not take it back */
	DIALOG_DONE,	 /* the answer is shown until a key */
};

struct dialog_line {
	enum role role;
	char label[12];
	char *text;
};
struct dialog;
struct dialog_events {
	void (*confirm)(void *ctx, struct dialog *d);	/* then dialog_sending or dialog_done */
	void (*closed)(void *ctx);			/* always, once */
	/* Called at every update while loading or armed: what happened to the target since,
	 * NULL = nothing. */
	const char *(*check)(void *ctx);
};
struct dialog {
	enum dialog_state state;
	enum dialog_danger danger;
	char title[80], verb[24], word[64], command[256];
	struct dialog_line *lines;
	size_t n, cap;
	char reasons[3][160];
	int reason;			/* chosen, 0..2 */
	bool own_reason;		/* free text is asked for */
	char own_label[12];		/* what it is called; "" = WHY */
	char **choices;			/* to be chosen from; nothing is chosen at first */
	size_t n_choices;
	int choice;			/* -1 = none yet; many: the one under the cursor */
	bool many;			/* any number of them: Space ticks */
	uint64_t ticked;
	struct field_edit typed, own;
	int focus;			/* 0 the word, 1 the reason */
	int top, page;
	char note[200];			/* why disarmed, what is being done, what came of it */
	enum role note_role;
	bool shown;			/* on the terminal since shown_ms */
	int64_t shown_ms, since_ms;
	bool ticks;
	const struct dialog_events *on;
	void *ctx;
};

/* word: what must be typed (DIALOG_WORD, DIALOG_TYPED). verb: "approve". */
void dialog_open(struct dialog *d, const char *title, const char *verb, enum dialog_danger danger,
		 const struct dialog_events *on, void *ctx);
void dialog_line(struct dialog *d, enum role role, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void dialog_clear_lines(struct dialog *d);
/* One more to choose from; at most 60. */
void dialog_choice(struct dialog *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* From confirm: not sent, this is missing. */
void dialog_note(struct dialog *d, enum role role, const char *text);
void dialog_arm(struct dialog *d, const char *word);
void dialog_disarm(struct dialog *d, const char *why);
void dialog_sending(struct dialog *d, int64_t now_ms);
void dialog_done(struct dialog *d, bool good, const char *what);
void dialog_close(struct dialog *d);
void dialog_fini(struct dialog *d);
bool dialog_is_open(const struct dialog *d);
/* The chosen or written reason. */
const char *dialog_reason(const struct dialog *d);

/* Asks check. */
void dialog_update(struct dialog *d);
/* The frame with the dialog has left for the terminal. */
void dialog_painted(struct dialog *d, int64_t now_ms);
void dialog_key(struct dialog *d, uint32_t key, int64_t now_ms);
void dialog_paste(struct dialog *d, const char *text, size_t n, int64_t now_ms);
void dialog_draw(struct dialog *d, struct area a, int64_t now_ms);

#endif
