/*
 * Notes: what is being written (note.c) with the draft that keeps it (note_draft.c), and notes
 * that are changed or taken back (note_edit.c).
 */
#ifndef RD_VIEWS_NOTE_H
#define RD_VIEWS_NOTE_H

#include "core/json.h"
#include "views/incidents.h"

/* The most bytes of a note on the screen; and of its draft as a file. */
enum { NOTE_TEXT_MAX = 16000, NOTE_DRAFT_MAX = 128 << 10 };

struct note_draft {
	char id[24]; /* of the note that is changed; "" = a new one */
	char incident[40], at[48], source[200];
	int64_t version; /* that the change was begun on */
	char *text;
	struct note_draft *next;
};

struct noting {
	struct app *app;
	struct client_request *request;
	bool in_form;
	char about[64];             /* the row that t was pressed on, as evidence; "" = none */
	char id[24];                /* of the note in the form; "" = a new one */
	int64_t version;            /* of it, as it was read */
	char at[48], source[200];   /* as the form showed them first */
	char *was;                  /* the text too */
	char *theirs, *by;          /* what somebody else made of it meanwhile */
	struct note_draft *drafts;  /* those that were loaded or written */
	int64_t kept_edits;         /* of the text when it was last written down */
	int64_t kept_ms;
	char wrong[120];
};

struct noting *noting_of(struct app *a); /* made at the first call */

/* note_draft.c: memory, and a file of mode 0600 where there is a directory for it. */
struct note_draft *note_draft_get(struct noting *n, const char *id); /* NULL = none */
/* Whole or not at all on disk; the memory has it in any case. */
void note_draft_keep(struct noting *n, const struct note_draft *d);
void note_draft_drop(struct noting *n, const char *id);
void note_drafts_free(struct noting *n);

/* note.c: the form; d gives its values, from a draft or from the note itself. */
void note_form(struct noting *n, const struct note_draft *d, const char *title);

/* note_edit.c */
void note_edit_send(struct noting *n);
void note_edit_fini(struct noting *n);
extern const struct action_hooks note_edit_hooks, note_retract_hooks;

#endif
