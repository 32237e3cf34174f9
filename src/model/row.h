/* Rows of a query whose columns are named like the fields of a record. */
#ifndef RD_MODEL_ROW_H
#define RD_MODEL_ROW_H

#include "core/pg.h"
#include "model/fields.h"

/* Into a record that is zeroed or valid; columns that are no field are passed over. */
void row_record(const struct record_type *t, void *rec, const struct pg_result *r, int row);
/* All of them; NULL when there is none. The caller's: records_free. */
void *row_records(const struct record_type *t, const struct pg_result *r, size_t *ret_n);

#endif
