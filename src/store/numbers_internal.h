/* Shared by the files on numbers only. */
#ifndef RD_STORE_NUMBERS_INTERNAL_H
#define RD_STORE_NUMBERS_INTERNAL_H

#include "store/numbers.h"

/* One array, the parameter of the bulk statements. */
void numbers_seen_json(struct str *out, const struct number_seen *seen, size_t n);

#endif
