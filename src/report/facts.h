/* Shared by the files that turn a report's data into blocks. */
#ifndef RD_REPORT_FACTS_H
#define RD_REPORT_FACTS_H

#include "report/report.h"

/* fmt NULL: a block without text. Valid until the next one is added. */
struct report_block *block_add(struct report_blocks *b, enum block_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Index of a new table, for block_cell; heads: "When|Who|#Count". */
size_t block_table(struct report_blocks *b, const char *title, const char *heads);
/* The next cell of a table, row after row. */
void block_cell(struct report_blocks *b, size_t table, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void report_impact_facts(const struct report *r, struct report_blocks *b);

#endif
