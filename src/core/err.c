/*
 * Errors as values: filling, prefixing and naming struct err. The text is kept on
 * one line and free of control bytes here, once, because it travels unchanged to
 * terminals, logs, API replies and mails.
 *
 * It does not log and does not know about secrets; who builds a text from outside
 * data redacts it first.
 */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/str.h"

static void put(struct err *e, const char *fmt, va_list ap)
{
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	text_clean_buf(e->msg);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	e->field[0] = 0;
	va_start(ap, fmt);
	put(e, fmt, ap);
	va_end(ap);
	return code;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->msg)];
	char head[sizeof(e->msg)];
	va_list ap;

	if (!e)
		return ERR_FAILED;
	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	/* the prefix is the shorter and better known part: keep room for the cause */
	snprintf(e->msg, sizeof(e->msg), "%.160s%s%.300s", head, old[0] ? ": " : "", old);
	text_clean_buf(e->msg);
	return e->code;
}

int err_field(struct err *e, int code, const char *field, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	snprintf(e->field, sizeof(e->field), "%s", field ? field : "");
	text_clean_buf(e->field);
	va_start(ap, fmt);
	put(e, fmt, ap);
	va_end(ap);
	return code;
}
