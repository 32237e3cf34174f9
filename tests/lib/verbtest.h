/* A verb called as the engine does: a scope of a few values, an operation, one task. */
#ifndef RD_TESTS_VERBTEST_H
#define RD_TESTS_VERBTEST_H

#include "core/http.h"
#include "runbook/verbs.h"

struct verbtest {
	struct loop *loop;
	struct verb_env env;
	struct step step;
	struct runbook runbook;
	struct verb_call call;
	struct scope scope;
	struct value values;		/* map: what names stand for */
	struct masker *masker;
	struct str live;		/* what was shown live */
	/* of the last run */
	struct value result;
	struct err err;
	int code;
};
void verbtest_init(struct verbtest *t, enum verb_id verb, enum effect effect);
void verbtest_fini(struct verbtest *t);
void verbtest_text(struct verbtest *t, const char *name, const char *value);
struct value *verbtest_value(struct verbtest *t, const char *name);
void verbtest_secret(struct verbtest *t, const char *name, const char *value);
int verbtest_run(struct verbtest *t);
char *verbtest_describe(struct verbtest *t);	/* caller frees; NULL: t->err */
double verbtest_number(struct verbtest *t, const char *subject);
const char *verbtest_got(struct verbtest *t, const char *subject); /* text; "" = none */

#endif
