/* The columns of ringdown.event as a table; shared by the event files of store/ only. */
#ifndef RD_STORE_EVENT_COLUMNS_H
#define RD_STORE_EVENT_COLUMNS_H

#include "store/events.h"

enum event_column_kind { EC_TEXT, EC_I64, EC_BOOL, EC_TIME, EC_ENUM, EC_JSON };
enum { EC_DECIDING = 1 /* written by event_open and event_transition */,
       EC_WINDOW = 2 /* written by event_test_add as well */ };

struct event_column {
	const char *name;
	enum event_column_kind kind;
	size_t offset;			/* in struct event_row */
	unsigned flags;
	const struct enum_names *names;	/* EC_ENUM */
};
extern const struct event_column event_columns[];
extern const size_t event_columns_n;

/* "e.id, e.version, ..." in table order, and gates last. */
void event_columns_select(struct str *sql);
/* "status, severity, ..." of those with any of the flags. */
void event_columns_list(struct str *sql, unsigned flags);
/* One row of a result of event_columns_select; *ret zeroed by the caller. */
void event_columns_read(const struct pg_result *r, int row, struct event_row *ret);
/* {"status":...}: all columns, for json_populate_record. */
void event_columns_json(struct str *out, const struct event_row *r);

#endif
