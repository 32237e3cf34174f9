/*
 * Inside providers only: members of an object read straight from JSON text, without a tree.
 * A page of a thousand numbers has sixty thousand values, of which a sweep needs a third;
 * building a tree costs more than fetching it. The text must have passed json_scan.
 */
#ifndef RD_PROVIDERS_ROW_H
#define RD_PROVIDERS_ROW_H

#include "core/json.h"

enum { ROW_MEMBERS = 128 };
struct row {
	struct row_member {
		const char *name, *value;	/* borrowed from the text; name without quotes */
		uint32_t name_len, value_len;
	} m[ROW_MEMBERS];
	int n;
	int at;				/* where the last look-up hit: members come in order */
};

/* 0, or negative: not an object, or more members than a row holds. */
int row_read(struct row *r, const char *text, size_t n);
/* The same from a tree; keep holds the text. */
int row_of_json(struct row *r, const struct json *v, struct str *keep);
bool row_has(const struct row *r, const char *name);	/* there, and not null */
/* As text_of: strings decoded, cleaned and cut; numbers as digits; all else "". */
void row_text(struct row *r, const char *name, char *buf, size_t n);
/* Appends the string and a NUL to scratch and returns it there; "" for all but a string.
 * NULL when scratch is full. Not cleaned: an address is compared byte by byte. */
const char *row_keep(struct row *r, const char *name, char *scratch, size_t size, size_t *used);
int64_t row_int(struct row *r, const char *name, int64_t otherwise);
bool row_bool(struct row *r, const char *name, bool otherwise);
int64_t row_time(struct row *r, const char *name);	/* as time_of */
/* The member as an object; negative when it is none. */
int row_object(struct row *r, const char *name, struct row *ret);

/* Elements of an array: fn gets each as a row and returns 0, or positive to stop in good
 * order (passed on), or negative when it is not what it should be. -1 also when the text is
 * no array of objects. In a task the loop gets a turn now and then; cancelled = 1. */
int rows_walk(const char *text, size_t n, int (*fn)(void *ctx, struct row *item), void *ctx);
/* An object whose member list is such an array, in one pass; r gets the other members. */
int row_read_page(struct row *r, const char *text, size_t n, const char *list,
		  int (*fn)(void *ctx, struct row *item), void *ctx);

#endif
