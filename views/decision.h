/*
 * Decisions, shared by actions.c (what can be done and what is sent for it) and decide.c
 * (the dialog in which it is decided).
 */
#ifndef RD_VIEWS_DECISION_H
#define RD_VIEWS_DECISION_H

#include "views/app.h"

struct action;
struct decision;
/* What a kind of order does its own way; every member may be NULL. */
struct action_hooks {
	/* Instead of a dialog. */
	void (*run)(struct app *a, const struct action *x, const struct subject *s);
	/* A form in its place; false = there is nothing to ask for, the dialog then. */
	bool (*form)(struct app *a, const struct action *x, const struct subject *s);
	/* More reasons against it; buf is empty when called. */
	void (*why_not)(const struct app *a, const struct action *x, const struct subject *s,
			char *buf, size_t n);
	/* Fills the dialog that was opened, and arms it or not. */
	void (*fill)(struct decision *d, struct dialog *dialog);
	/* What happened to the target since; NULL = nothing. */
	const char *(*check)(struct decision *d);
	/* Members of the body; false = something is missing, the dialog says what. */
	bool (*body)(struct decision *d, struct dialog *dialog, struct jw *w);
	void (*done)(struct app *a, int status, const struct json *doc);
};

struct action {
	const char *name, *label;
	const char *verb;		/* "Enter to ..."; NULL = the name */
	char key;
	const char *kind;		/* of the subject, words; "" = needs none */
	unsigned states;		/* of an event */
	enum person_role role;
	enum dialog_danger danger;
	const char *method, *path;	/* %s = the subject's id; NULL path = a form */
	bool dry_run;			/* what would happen is asked for first */
	bool own_reason;
	const char *asks;		/* a number that is asked for before the dialog */
	const char *undo;		/* how it is taken back */
	const char *keeps;		/* what it does not touch */
	const struct action_hooks *hooks;
	int wait;			/* of a run: only while it waits for this; 0 = any */
	bool reads;			/* possible on stale data and read-only consoles */
};

struct decision {
	struct app *app;
	const struct action *action;
	struct subject subject;
	int64_t version;
	int status;
	int64_t amount;			/* what was asked for; -1 = nothing */
	int64_t rows;			/* that the preview named; -1 = none */
	char plan_hash[80], what[200];
	char overrides[256];		/* JSON array, "" = none */
	char override_args[256];	/* the same for the command line */
	struct client_request *request;
	uint64_t seen;			/* of a run: what the dialog showed */
	char step[80];
	bool sent;			/* the change itself is under way */
	struct decision *next;		/* of those whose dialog was left */
};

size_t action_count(void);
const struct action *action_at(size_t i);
const struct action *action_find(const char *name);
/* The same, with the opposite where the switch already stands so (pause, unpause), and for
 * a run the order of that name: "approve" is "run-approve". */
const struct action *action_meant(const struct app *a, const char *name, const struct subject *s);
/* What it would really be about: an account's open event, an event's source. */
void action_resolve(const struct app *a, const struct action *x, struct subject *sub);
/* "release N" of the menu: the action that releases the N-th hold, and its subject; NULL = gone. */
const char *action_release(const struct app *a, const char *name, struct subject *ret);
/* "" when possible now, else why not. */
void action_why_not(const struct app *a, const struct action *x, const struct subject *s, char *buf,
		    size_t n);
void action_body(const struct decision *d, bool dry_run, const char *reason, struct str *out);
void action_path(const struct decision *d, char *buf, size_t n);
void action_command(const struct decision *d, char *buf, size_t n);

#endif
