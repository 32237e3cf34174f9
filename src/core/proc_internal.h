/* Shared by proc.c and proc_tree.c. */
#ifndef RD_CORE_PROC_INTERNAL_H
#define RD_CORE_PROC_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

/* In a fresh child with all signals blocked: becomes the guardian of a second child and
 * returns true in that one alone. false: no second child (errno). report stays open there. */
bool proc_tree_guard(int report, int64_t grace_ms);

#endif
