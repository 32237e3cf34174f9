/*
 * The report of an incident as its views share it: what the engine made of it and where it is
 * asked for (report_data.c), its lines (report_lines.c), what can be done to it
 * (report_actions.c), the text of a section being written (report_edit.c).
 */
#ifndef RD_VIEWS_REPORT_H
#define RD_VIEWS_REPORT_H

#include "core/json.h"
#include "views/decision.h"

struct report_edit;
struct report_item;
struct report_data {
	struct app *app;
	char id[24], from[16];		/* of which incident; the view it was opened from */
	struct json *doc;		/* as the engine made it; NULL = not there yet */
	int64_t answers;		/* how many came: lines are made anew for each */
	struct client_request *asking, *exporting, *naming;
	char named[24];			/* is being asked for before it is opened */
	int64_t asked_ms, version;	/* version: of the incident when it was asked */
	char problem[160], format[8];
	struct report_edit *edit;	/* of the open form */
	struct report_item *item;
};

/* ---- report_data.c ---- */
struct report_data *report_data(struct app *a);		/* never NULL */
/* At each change while it is looked at. */
void report_ask(struct report_data *d);
/* Something of it was changed from here. */
void report_moved(struct report_data *d);
/* Members of the document; NULL = none such. */
const struct json *report_section(const struct report_data *d, const char *id);
const struct json *report_item(const struct report_data *d, const char *id);
const char *report_str(const struct json *v, const char *name);	/* "" when it is not there */
/* A time of the document; 0 = missing. */
int64_t report_time(const struct json *v, const char *name);
/* "draft", "in review" ... */
const char *report_review(const struct report_data *d);
/* Asks for it in that format and writes the file. */
void report_export(struct report_data *d, const char *format);

/* ---- report_lines.c ---- */
enum report_line_kind { LINE_SECTION, LINE_TEXT, LINE_ITEMS, LINE_ITEM };
struct report_line {
	enum report_line_kind kind;
	enum role role;
	char *text;
	char key[64];			/* "summary/3", "A-1" */
	char part[40];			/* section or item: what an order is about */
};
struct report_lines { struct report_line *v; size_t n, cap; bool ticks; };
void report_lines_make(const struct report_data *d, int width, struct report_lines *ret);
void report_lines_fini(struct report_lines *l);

/* ---- report_edit.c ---- */
void report_edit(struct report_data *d, const char *section);
/* A draft of it is on this disk. */
bool report_edit_waits(const struct report_data *d, const char *section);
void report_edit_free(struct report_data *d);

/* ---- report_item.c ---- */
void report_item_form(struct report_data *d, const char *id);	/* NULL or "" = a new one */
void report_item_free(struct report_data *d);

/* ---- report_actions.c ---- */
size_t report_action_count(void);
const struct action *report_action_at(size_t i);

#endif
