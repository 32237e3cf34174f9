/* Is this text exactly one JSON value (RFC 8259)? The check before cJSON builds a tree. */
#ifndef RD_CORE_JSON_SCAN_H
#define RD_CORE_JSON_SCAN_H

#include <stddef.h>
#include "core/err.h"

/* 0, or ERR_INVALID with "line:column: what". Knows nothing of duplicate members. */
int json_scan(const char *text, size_t len, struct err *err);

#endif
