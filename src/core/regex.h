/* Regular expressions (PCRE2) with match limits: outside patterns cannot hang us. */
#ifndef RD_CORE_REGEX_H
#define RD_CORE_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include "core/err.h"

struct regex;
struct regex *regex_new(const char *pattern, bool ignore_case, struct err *err);
void regex_free(struct regex *r);
/* false also when the match limit was hit. */
bool regex_match(const struct regex *r, const char *text, size_t len);

#endif
