/* The statements that timeline.c reads with; for it alone. */
#ifndef RD_READ_TIMELINE_SQL_H
#define RD_READ_TIMELINE_SQL_H

#include "read/timeline.h"

#define TIMELINE_LAST (INT64_MAX - 1)	/* no number is larger */

struct timeline_kind { const char *prefix, *lane; bool noise; };
const struct timeline_kind *timeline_kinds(size_t *ret_n);

/* In the order of the instant, the number, the source: 'j' journal, 'n' note. */
struct timeline_position { int64_t at_ms, n; char source; };

/* A row of either source, as far as it has them. */
enum timeline_column { C_SOURCE, C_NUMBER, C_AT, C_KIND, C_SUBJECT, C_WHO, C_TEXT, C_LEVEL,
		       C_PINNED, C_ANNOTATION, C_UNTIL, C_RECORDED, C_ORIGINAL, C_DOUBT,
		       C_VERSION, C_FROM, C_GONE, C_HIDDEN };

/* One more than w->limit of what lies behind `from`, up to and with `stop` (NULL: to the end). */
int timeline_sql_rows(struct pg_conn *c, const struct timeline_window *w,
		      const struct timeline_position *from, const struct timeline_position *stop,
		      struct pg_result **ret, struct err *err);
/* Instant and number of the entry so many behind `from`, whatever is searched; maybe no row. */
int timeline_sql_stop(struct pg_conn *c, const struct timeline_window *w,
		      const struct timeline_position *from, int64_t entries,
		      struct pg_result **ret, struct err *err);

#endif
