/* Shared by incidents*.c and notes.c. */
#ifndef RD_STORE_INCIDENTS_INTERNAL_H
#define RD_STORE_INCIDENTS_INTERNAL_H

#include "model/row.h"
#include "store/incidents.h"
#include "store/internal.h"

#define CLOCK_COLUMNS                                                                              \
	"'C-' || ringdown.incident_clock.id AS id, kind, state, due_at AS \"dueAt\","              \
	" every_ms AS \"everyMs\", respond_ms AS \"respondMs\", rung, ladder, target, via, text,"  \
	" held_by AS \"heldBy\", held_reason AS \"heldReason\", sent, last_at AS \"lastAt\""

/* Locks the incident's row. version 0 = any; else ERR_CONFLICT when it moved on. ret is the
 * caller's to free, also after an error. */
int incident_lock(struct tx *t, const char *id, int64_t version, struct incident *ret,
		  struct err *err);
/* Adds one to the version and journals the record as it is now. */
int incident_changed(struct tx *t, const char *id, const char *kind, enum note_level level,
		     const char *text, struct err *err);
int incident_clocks_add(struct tx *t, const char *id, const struct incident_clock *v, size_t n,
			struct err *err);
/* What templates ask for, with who said it when; null takes a field away. */
int incident_fields_put(struct tx *t, const char *id, const struct json *fields, struct err *err);
/* A note of a person in a transaction that journals it itself. */
int note_add(struct tx *t, const struct note_new *n, struct err *err);
/* After a stamp was given: ERR_INVALID with the field when they contradict each other. */
int incident_stamps_hold(struct tx *t, const char *id, struct err *err);
/* "C-12" -> 12; ERR_NOT_FOUND for what cannot be one. */
int incident_number(const char *id, const char *prefix, int64_t *ret, struct err *err);

#endif
