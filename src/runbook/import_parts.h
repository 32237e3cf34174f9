/* The import from the inside: import*.c alone. */
#ifndef RD_RUNBOOK_IMPORT_PARTS_H
#define RD_RUNBOOK_IMPORT_PARTS_H

#include "core/markdown.h"
#include "runbook/import.h"
#include "runbook/parse.h"

enum piece_kind { PIECE_NOTE, PIECE_ASK, PIECE_RUN, PIECE_SQL };
struct piece {
	enum piece_kind kind;
	size_t phase;
	int from, to;			/* lines of the source */
	int lead;			/* where the words that lead to it begin; 0 = none */
	char *title, *text;		/* text NULL: the lines themselves */
	char **items; size_t n_items;
	char *cwd;
	struct pair *env; size_t n_env;
	bool follow;
	int out_from, out_to;		/* lines of the result */
};
struct import_param { char *name, *was; const char *type; int line; };
struct import {
	const char *name;
	const char **lines; size_t *lengths; size_t n;	/* the source; line 1 is lines[0] */
	bool *claimed;
	char *title;
	char **phases; size_t n_phases;
	char *stack[7];			/* headings above, by level */
	struct piece *pieces; size_t n_pieces;
	struct import_param *params; size_t n_params;
	const struct pair *env; size_t n_env;	/* of the code that is looked at */
	bool secrets_known;		/* all were found: the result was made once */
	struct import_report *report;
};

struct piece *import_piece(struct import *im, enum piece_kind kind, int from, int to);
void import_note(struct import *im, int from, int to);
void import_warn(struct import *im, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A code block. lead: the paragraph before it that says what it does, or NULL; what it says
 * is kept with the block, as the title of its first step or in its note. */
void import_code(struct import *im, const struct md *m, const struct md *lead);
/* Placeholders and literal credentials become parameters. In a script they are variables, in
 * SQL parameters; in prose only credentials are replaced. Caller frees. */
enum import_place { IN_SCRIPT, IN_SQL, IN_PROSE };
char *import_names(struct import *im, const char *text, enum import_place where, int line);
void import_emit(struct import *im, struct str *out);

#endif
