/* A matcher from the inside: for match.c and subject.c alone. */
#ifndef RD_RUNBOOK_MATCH_TREE_H
#define RD_RUNBOOK_MATCH_TREE_H

#include "runbook/match.h"

enum matcher_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IN, OP_MATCH, OP_CONTAINS, OP_EXISTS,
		  OP_COUNT, OP_ALL, OP_ANY, OP_NOT,
		  OP_AND,	/* parts hold together */
		  OP_BANDS,	/* parts "ok", "warn" in their order */
		  OP_MEMBERS,	/* name or path -> part */
		  OP_ROW };	/* column -> part; "where" is OP_MEMBERS */
struct matcher_part { char *name; struct matcher *m; };
struct matcher {
	enum matcher_op op;
	struct value literal;
	bool over_members;		/* all, any: of a list's members */
	struct regex *regex;
	struct matcher_part *parts; size_t n;
};

enum run_outcome run_outcome_worse(enum run_outcome a, enum run_outcome b);

#endif
