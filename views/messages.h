/*
 * Telling people of an incident: the message that is looked at (messages.c), and the form in
 * which its fields are filled in, with what was typed kept for each message (message_form.c).
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
	char *fields; /* JSON object */
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
	struct form_row *rows; /* of the open form: one for each field that fits on a line */
	size_t *row_field, n_rows;
	bool leaving; /* the form closes by itself: nothing is to be said */
};

/* What was typed for this message; NULL = nothing. */
struct message_draft *messages_draft(const struct messages *m);
void messages_draft_drop(struct messages *m, const char *id, const char *name);
/* The body of a question for the message as it would be with the draft; sends it. */
void messages_ask(struct messages *m, client_done done);
/* The form; ^S shows the message again, with what it became. */
void messages_form(struct messages *m);
void messages_form_fini(struct messages *m);
/* The answer to messages_ask: shows the message, or opens the dialog when nothing is missing and
 * the form asked for it. */
void messages_show(struct messages *m, const struct json *doc, bool send);

#endif
