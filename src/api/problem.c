/* Replies for what went wrong: RFC 9457 problem documents, one writer for all. */
#include "api/internal.h"

#include <stdarg.h>
#include <stdio.h>

static const char *status_title(int status)
{
	switch (status) {
	case 400: return "Bad request";
	case 401: return "Not authenticated";
	case 403: return "Not permitted";
	case 404: return "Not found";
	case 405: return "Method not allowed";
	case 408: return "Request too slow";
	case 409: return "Conflict";
	case 413: return "Too large";
	case 415: return "Unsupported media type";
	case 422: return "Refused by the provider";
	case 429: return "Too many requests";
	case 503: return "Not available";
	default: return status >= 500 ? "Internal error" : "Error";
	}
}

void problem_begin(struct jw *w, int status, const char *title, const char *detail)
{
	jw_obj(w, NULL);
	jw_str(w, "type", "about:blank");
	jw_str(w, "title", title ? title : status_title(status));
	jw_i64(w, "status", status);
	if (detail)
		jw_str(w, "detail", detail);
}

void problem_plain(struct str *out, int status, const char *detail)
{
	struct jw w = JW(out);

	problem_begin(&w, status, NULL, detail);
	jw_obj_end(&w);
}

int api_problem(struct call *c, int status, const char *title, const char *fmt, ...)
{
	char detail[1000];
	struct jw w = JW(&c->out);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	str_clear(&c->out);
	problem_begin(&w, status, title, detail);
	jw_obj_end(&w);
	return status;
}

int api_problem_field(struct call *c, int status, const char *field, const char *detail)
{
	struct jw w = JW(&c->out);

	str_clear(&c->out);
	problem_begin(&w, status, NULL, detail);
	jw_str(&w, "field", field);
	jw_obj_end(&w);
	return status;
}

static int status_of(int code)
{
	switch (code) {
	case ERR_INVALID: return 400;
	case ERR_NOT_FOUND: return 404;
	case ERR_CONFLICT:
	case ERR_EXISTS: return 409;
	case ERR_DENIED: return 403;
	case ERR_TOO_BIG: return 413;
	case ERR_LEASE:
	case ERR_UNREACHABLE:
	case ERR_TIMEOUT:
	case ERR_CANCELLED: return 503;
	default: return 500;
	}
}

int api_problem_err(struct call *c, const struct err *err)
{
	int status = status_of(err->code);

	if (err->field[0] && status < 500)
		return api_problem_field(c, status, err->field, err->msg);
	return api_problem(c, status, NULL, "%s", err->msg);
}

