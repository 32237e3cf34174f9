/*
 * Telling people of an incident: the message that is looked at (messages.c), the form in which
 * its fields are filled in and its words changed (message_form.c), and what was typed, kept for
 * each message until it is sent (message_draft.c).
 */
#ifndef RD_VIEWS_MESSAGES_H
#define RD_VIEWS_MESSAGES_H

#include "core/json.h"
#include "views/app.h"

/* One {{name}} of the template. value NULL = a gap. */
struct message_field {
	char *name, *value, *from;
	char *how; /* of a gap: how it is given */
};

/* What a person typed for a message and has not sent. */
struct message_draft {
	char id[24], name[64], vendor[24];
	char *fields;         /* JSON object; NULL = none */
	char *subject, *body; /* in place of the template's; NULL = as they are */
	struct message_draft *next;
};

struct messages {
	struct app *app;
	struct client_request *request;
	char id[24], name[64], vendor[24];
	char hash[48];
	char *to;                        /* addressees on one line */
	char *components;                /* of our status page, as they were shown: an object */
	char *pattern_subject, *pattern; /* with {{name}}; NULL = the engine did not say */
	struct message_field *fields;    /* gaps first, then what was typed, then the rest */
	size_t n_fields, n_gaps;
	struct message_draft *drafts;
	struct form_row *rows; /* of the open form: n_rows fields, then subject and body */
	size_t *row_field, n_rows;
	char *shown[2]; /* subject and body as the form put them there by itself */
	bool in_form;
	bool leaving; /* the form closes by itself: nothing is to be said */
	int64_t kept_ms;
};

/* ---- message_draft.c ---- */
/* What was typed for this message; NULL = nothing. */
struct message_draft *messages_draft(struct messages *m);
bool messages_draft_waits(struct messages *m, const char *name, const char *vendor);
/* All NULL = nothing is left of it. */
void messages_draft_put(struct messages *m, const char *fields, const char *subject,
			const char *body);
void messages_draft_drop(struct messages *m, const char *id, const char *name, const char *vendor);
void messages_drafts_free(struct messages *m);
/* The words of the draft, as members of a question or an order. */
void messages_draft_words(struct messages *m, struct jw *w);

/* ---- message_form.c ---- */
/* Asks for the message as it would be with the draft. */
void messages_ask(struct messages *m, client_done done);
/* The form, at its first field or at the body; ^S shows the message with what it became. */
void messages_form(struct messages *m, bool body);
void messages_form_fini(struct messages *m);
/* The answer to messages_ask: shows the message, or opens the dialog when nothing is missing and
 * the form asked for it. */
void messages_show(struct messages *m, const struct json *doc, bool send);

#endif
