/*
 * What a person wrote and has not sent, as a file beside the console's other state: a note, the
 * section of a report, a message. It is there again after a lost line and a console that ended.
 */
#ifndef RD_VIEWS_DRAFT_H
#define RD_VIEWS_DRAFT_H

#include "core/json.h"
#include "views/app.h"

/* How often a text that grows is written down. */
enum { DRAFT_KEEP_MS = 500 };

/* Whole or not at all; false = not on disk (nowhere to keep it, a full disk). */
bool draft_write(const struct app *a, const char *name, const struct str *text);
/* NULL = there is none, or none that can be read. max: bytes. */
struct json *draft_read(const struct app *a, const char *name, size_t max);
bool draft_waits(const struct app *a, const char *name);
void draft_drop(const struct app *a, const char *name);

#endif
