/* One option's value: from text into the settings struct and back out of it. */
#ifndef RD_CORE_CONFIG_VALUE_H
#define RD_CORE_CONFIG_VALUE_H

#include "core/config.h"

/* Replaces the value; ERR_INVALID with "wants ..." (no place, no name) when text does not fit;
 * the old value then stays. NULL text unsets what can be unset. */
int option_set(const struct option_row *row, void *base, const char *text, struct err *err);
/* Appends one member to an OPT_LIST; the caller emptied it first with option_unset. */
int option_add(const struct option_row *row, void *base, const char *text, struct err *err);
void option_unset(const struct option_row *row, void *base);
void option_swap(const struct option_row *row, void *a, void *b);
/* Plain http to something that is not this machine? */
bool url_insecure(const char *url);

#endif
