/* See row.h. Columns are looked up by name, so that a query may give them in any order. */
#include "model/row.h"

#include "core/mem.h"

static void column(const struct record_type *t, char *recs, const struct pg_result *r, int col,
		   int from, int n)
{
	const struct field *f = record_field(t, pg_col_name(r, col));

	for (int i = 0; f && i < n; i++)
		record_set_text(f, recs + (size_t)i * t->size,
				pg_null(r, from + i, col) ? NULL : pg_text(r, from + i, col));
}

void row_record(const struct record_type *t, void *rec, const struct pg_result *r, int row)
{
	for (int c = 0; c < pg_cols(r); c++)
		column(t, rec, r, c, row, 1);
}

void *row_records(const struct record_type *t, const struct pg_result *r, size_t *ret_n)
{
	int n = pg_rows(r);
	char *recs = n ? xcalloc((size_t)n, t->size) : NULL;

	for (int c = 0; n && c < pg_cols(r); c++)
		column(t, recs, r, c, 0, n);
	*ret_n = (size_t)n;
	return recs;
}
