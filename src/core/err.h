/*
 * Errors. Functions return 0 for done, a negative enum err_code for "it failed"
 * (forward it, the text in struct err says what and why), and positive values
 * only for outcomes that the header of the function lists (handle them there).
 * Library code never logs; the caller that gives up logs once.
 */
#ifndef RD_CORE_ERR_H
#define RD_CORE_ERR_H

enum err_code {
	ERR_FAILED = -1,	/* anything without a better name */
	ERR_INVALID = -2,	/* input is wrong; text names the field or place */
	ERR_NOT_FOUND = -3,
	ERR_CONFLICT = -4,	/* lost a race, wrong state: text says what happened instead */
	ERR_DENIED = -5,	/* role or credential does not allow it */
	ERR_UNREACHABLE = -6,	/* network, database or process cannot be reached */
	ERR_TIMEOUT = -7,
	ERR_CANCELLED = -8,
	ERR_TOO_BIG = -9,	/* a cap was reached */
	ERR_LEASE = -10,	/* this engine no longer holds the lease */
	ERR_EXISTS = -11,	/* unique constraint */
	ERR_SYSTEM = -12,	/* a system call failed; text has strerror */
};

struct err {
	int code;		/* enum err_code, 0 = none */
	char msg[480];		/* one line, no secret, no control byte */
	char field[64];		/* API member or configuration key at fault, or "" */
};

/* Fills *e (may be NULL) and returns code, so that callers write
 * `return err_set(e, ERR_INVALID, "...")`. */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before the text already there; returns e->code. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As err_set, naming the field. */
int err_field(struct err *e, int code, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
