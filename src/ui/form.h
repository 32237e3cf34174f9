/*
 * A form over the view: labelled fields, some hidden (secrets, zeroed when it closes).
 * Tab and arrows move, Enter on the last field or ^S sends, Esc gives it up.
 */
#ifndef RD_UI_FORM_H
#define RD_UI_FORM_H

#include "ui/cells.h"
#include "ui/field.h"
#include "ui/pad.h"

/*
 * FORM_CHOICE: Space gives the next. FORM_LINES: several lines, one row until it is in focus.
 * FORM_AREA: the last row; takes the rest of the room, where something stands below the fields
 * only while it is in focus.
 */
enum form_kind {
	FORM_TEXT, FORM_SECRET, FORM_NUMBER, FORM_FLAG, FORM_CHOICE, FORM_LINES, FORM_AREA
};

struct form_row {
	const char *name;	/* API member */
	const char *label, *help;
	enum form_kind kind;
	bool required;
};
#define FORM_ROWS 32
#define FORM_LINES_BYTES 20000	/* the most of a FORM_LINES row */
struct form {
	bool open, sending;
	char title[80], note[240];
	enum role note_role;
	char sent[80];		/* said while the answer is awaited */
	bool shown;		/* on the terminal since shown_ms: keys before it do not count */
	int64_t shown_ms;
	const struct form_row *rows;
	size_t n, focus;
	struct field_edit values[FORM_ROWS];
	struct pad pad;		/* of the FORM_AREA row */
	struct pad *lines;	/* of FORM_LINES rows, one each row; NULL = there are none */
	/* All required fields are filled; then form_done, or form_close. */
	void (*send)(void *ctx, struct form *f);
	void (*closed)(void *ctx);
	/* Another row came into focus; may be NULL. */
	void (*entered)(void *ctx, struct form *f);
	/* While it closes, with its values still there; may be NULL. */
	void (*leaving)(void *ctx, const struct form *f);
	/* What is wrong with a value that is not empty, as it is typed; NULL = fine. */
	const char *(*check)(void *ctx, size_t row, const char *text);
	/* The i-th value offered for a row and where it is from; NULL = no more. */
	const char *(*offer)(void *ctx, size_t row, size_t i, const char **from);
	size_t offered;		/* ^N: the next one */
	/* What the fields make, drawn below them as they are typed; may be NULL. */
	void (*below)(void *ctx, const struct form *f, struct area a);
	void *ctx;
};

void form_open(struct form *f, const char *title, const struct form_row *rows, size_t n,
	       void (*send)(void *ctx, struct form *f), void (*closed)(void *ctx), void *ctx);
/* The most bytes of the FORM_AREA row, and whether it has lines; before its text is set. */
void form_area(struct form *f, size_t max, bool lines);
void form_focus(struct form *f, size_t row);
void form_set(struct form *f, const char *name, const char *value);
/* NULL when it was left empty, or there is no such row. */
const char *form_get(const struct form *f, size_t i);
const char *form_value(const struct form *f, const char *name);
/* The answer: what is wrong (the form stays) and the member at fault, or NULL. */
void form_done(struct form *f, const char *problem, const char *member);
void form_close(struct form *f);
void form_painted(struct form *f, int64_t now_ms);
void form_key(struct form *f, uint32_t key, int64_t now_ms);
void form_paste(struct form *f, const char *text, size_t n);
void form_draw(struct form *f, struct area a);

#endif
