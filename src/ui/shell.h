/*
 * The frame around all views: header, footer, view switching, command line, filter,
 * sheets, the dialog, painting. It knows neither the data nor the network: a struct
 * shell_app answers for both, a struct view_def for each screen.
 *
 * One paint per turn of the loop, at most 30 a second unless a key asked for it; one
 * timer on the second drives everything that counts.
 */
#ifndef RD_UI_SHELL_H
#define RD_UI_SHELL_H

#include "core/loop.h"
#include "ui/bindings.h"
#include "ui/cells.h"
#include "ui/dialog.h"
#include "ui/form.h"
#include "ui/list.h"
#include "ui/sheet.h"
#include "ui/term.h"

struct shell;

/* What a key acts on: the row under the cursor. */
struct subject {
	char kind[16];		/* "event", "account", "agent", "message", "hold", "" = none */
	char id[64];
	char part[80];		/* of it: a step of a run; "" = all of it */
	char title[96];		/* "EV-118 acme-main to acme-backup-1" */
	char command[200];	/* "ringdown events EV-118" */
	char link[200];		/* "" = none */
};

/* What a view's act wants; only the shell redraws, updates, closes. */
enum want {
	WANT_NOTHING = 0,
	WANT_REDRAW = 1,
	WANT_UPDATE = 2,	/* update() first: sort, filter or subject changed */
	WANT_BACK = 4,		/* leave the view */
	WANT_UNHANDLED = 8,	/* not mine: the shell's meaning applies */
};

struct view;
struct view_def {
	const char *name, *title, *help;
	char key;		/* '1'..'9', '0' */
	size_t state_size;
	const struct column *columns;	/* of view->list; NULL = none */
	size_t n_columns;
	const enum act *keys;	/* ACT_NONE ends: footer and help, beside what is everywhere */
	const enum act *without; /* ACT_NONE ends: keys of everywhere that do nothing here */
	void (*open)(struct view *v);		/* once, before the first update; may be NULL */
	void (*enter)(struct view *v);		/* each time it comes to the front; may be NULL */
	void (*update)(struct view *v);		/* data -> rows */
	void (*draw)(struct view *v, struct area a);	/* rows -> cells */
	unsigned (*act)(struct view *v, enum act act);	/* enum want bits; may be NULL */
	bool (*subject)(struct view *v, struct subject *ret);
	/* What Y and w put below the list: draws it downwards, returns how many rows. May be
	 * NULL. */
	int (*below)(struct view *v, struct area a);
	void (*close)(struct view *v);
	bool present;		/* shows what is asked of the engine now: nothing of the past */
};
struct view {
	const struct view_def *def;
	struct shell *shell;
	void *app;		/* shell_app.ctx */
	void *state;		/* def->state_size bytes, zeroed */
	struct list list;
	bool opened;
	bool ticks;		/* set by draw: something in it changes each second */
};

#define HEADER_HOLDS 4
struct header {			/* filled anew before each frame */
	char environment[48];
	bool production, demo, read_only;
	char leader[32];
	int64_t api_age_ms, db_age_ms;	/* -1 = never */
	char api_word[24], db_word[24];	/* instead of an age: "down", "connecting" */
	char automation[40];
	enum role automation_role;
	int64_t now_ms;		/* server's wall clock as measured */
	bool stale;
	int64_t as_of_ms;	/* of the data when stale */
	char user[48];
	char trouble[160];	/* one sentence, "" = fine */
	char incident[160];
	char holds[HEADER_HOLDS][160];
	int n_holds;
	int unread, here;
	char brief[80];		/* for a screen too small for anything else */
	char past[48];		/* "" = the present: first of all, instead of ages */
	char coach[160];	/* demo: what to press next; in the past: where we are */
	bool ticks;		/* strips count */
};

struct shell_action {		/* a row of the action menu */
	char name[24], label[64];
	char key;		/* 0 = none */
	char why_not[120];	/* "" = possible now */
};

struct shell_app {
	void *ctx;
	const struct view_def *const *views;	/* NULL ends; the first opens */
	void (*started)(void *ctx);		/* once, after the first paint */
	void (*header)(void *ctx, struct header *h);
	void (*refresh)(void *ctx);
	/* Actions on a subject, possible or not; returns how many. */
	size_t (*actions)(void *ctx, const struct subject *s, struct shell_action *ret, size_t max);
	/* Whether a key for it is worth showing; may be NULL. */
	bool (*possible)(void *ctx, const char *action, const struct subject *s);
	/* Opens the dialog (or does it, when it is none) for an action. */
	void (*act)(void *ctx, const char *action, const struct subject *s);
	/* Lines of the unread list; marks them read. */
	void (*unread)(void *ctx, struct sheet *s);
	/* A ':' command that the shell does not know: 0 done, else err. */
	int (*command)(void *ctx, const char *line, struct err *err);
	/* i-th completion of a word, NULL = no more. */
	const char *(*word)(void *ctx, size_t i);
	void (*presence)(void *ctx, const char *looking_at, bool dialog);
	/* A key before it means anything else (no overlay is open); true = it was taken. */
	bool (*key)(void *ctx, uint32_t key);
	/* Hold the data still, or let it go on; may be NULL. */
	void (*freeze)(void *ctx, bool on);
	void (*quit)(void *ctx);		/* the console is over: stop the loop */
};

struct shell_options {
	struct term_options term;
	const char *theme, *theme_dir;	/* NULL = dark */
	const char *view;		/* NULL = the first */
	const char *quit_note;		/* demo: what quitting stops; NULL = quits at once */
	bool utc;
};

int shell_new(struct loop *l, const struct shell_options *o, const struct shell_app *app,
	      struct shell **ret, struct err *err);
/* Without a terminal, for `shot` and tests: draws into cells of that size. */
struct shell *shell_new_headless(struct loop *l, const struct shell_options *o,
				 const struct shell_app *app, int w, int h, bool ascii);
void shell_free(struct shell *s);	/* restores the terminal; NULL ok */
const struct cells *shell_frame(struct shell *s);	/* headless: draws, returns the frame */

/* Data changed: update the view and paint soon. */
void shell_changed(struct shell *s);
void shell_redraw(struct shell *s);
/* A line at the bottom until the next key (or forever for errors). */
void shell_say(struct shell *s, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A new critical thing with a key of its own: bell (at most one in 10 s) once per key. */
void shell_alarm(struct shell *s, const char *key);
bool shell_go(struct shell *s, const char *view);
struct view *shell_view(struct shell *s);	/* the one in front */
struct view *shell_find_view(struct shell *s, const char *name);
/* The same, but NULL when nobody has looked at it yet. */
struct view *shell_opened_view(struct shell *s, const char *name);
struct dialog *shell_dialog(struct shell *s);
struct sheet *shell_sheet(struct shell *s);
struct form *shell_form(struct shell *s);
const struct header *shell_header(const struct shell *s);
bool shell_utc(const struct shell *s);
bool shell_ascii(const struct shell *s);
struct loop *shell_loop(const struct shell *s);
int shell_width(const struct shell *s);
/* Into a new file, 0600; says its whole path, or why not. */
bool shell_save(struct shell *s, const char *path, const char *text, size_t n);
/* "20261121T031247Z", for names of files. */
const char *shell_stamp(const struct shell *s, char buf[32]);
/* Asks for one line (a path, minutes, a note); done gets NULL when it was given up. */
void shell_ask(struct shell *s, const char *label, const char *preset, bool hidden,
	       void (*done)(void *ctx, const char *text), void *ctx);

#endif
