/*
 * A verb: what a step can do, one .c each; its words and the effect that it has unless a step
 * says otherwise are the format's (keys.h, parse_steps.c). ask, decide, gate, call and note act
 * through the flow alone; the others have run().
 */
#ifndef RD_RUNBOOK_VERB_H
#define RD_RUNBOOK_VERB_H

#include "core/loop.h"
#include "runbook/bind.h"
#include "runbook/ports.h"

struct verb_env {			/* of the host; everything borrowed */
	struct loop *loop;
	struct http *http;
	struct store *store;		/* ringdown's database */
	const char *app_url;		/* the application's, as the run's restricted role */
	const char *app_change_url;	/* for effect change and more; NULL: refused */
	const char *ringdown_url;
	const char *root;		/* directory that cwd and files may not leave; NULL = any */
	const char *const *path_env;	/* "PATH=..." and what else every child gets */
	const struct policy *policy;
	const char *target;		/* name of the policy target (environment) */
	const struct run_ports *ports;
	struct proc_keepers *keepers;	/* guardians of programs; NULL = one for each */
	bool allow_insecure_http;	/* plain http beyond loopback */
};

struct verb_call {
	const struct verb_env *env;
	const struct runbook *runbook;
	const struct step *step;
	const struct operation *op;	/* the step's, its preview's or its undo's */
	enum effect effect;		/* reads are enforced */
	struct scope *scope;
	struct masker *masker;
	bool rehearse;			/* sql change: in a transaction that is rolled back */
	int64_t expect_affected;	/* -1 = not given; else a mismatch rolls back */
	const char *run_id, *by;
	int role;
	int64_t now_ms, timeout_ms;
	/* Live output, sanitised and masked by the callee; from the loop. */
	void (*output)(void *ctx, const char *text, size_t n);
	void *output_ctx;
};

struct verb {
	/* As it really runs, masked; needs: err ERR_NOT_FOUND names the missing value. */
	int (*describe)(const struct verb_call *c, struct str *ret, struct err *err);
	/* result: a map of subjects. Negative: it could not be tried or did not end (err). */
	int (*run)(struct verb_call *c, struct value *result, struct err *err);
};
const struct verb *verb_by_id(enum verb_id id);

#endif
