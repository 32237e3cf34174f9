/*
 * The HTTP API: a route is one row (method, path, role, body members) and one handler
 * that runs as a task. Matching, authentication, roles, body checks, idempotency and
 * problem replies happen before and around the handler, from the row.
 */
#ifndef RD_API_API_H
#define RD_API_API_H

#include "core/httpd.h"
#include "core/json.h"
#include "model/enums.h"
#include "model/event.h"

struct engine;
struct api;

enum member_type { M_TEXT, M_INT, M_BOOL, M_TEXTS /* array of strings */, M_OBJECT, M_NUMBER,
		   M_BOOLS /* array of true and false */ };
struct member {
	const char *name;
	enum member_type type;
	bool required;
	int64_t min, max;		/* M_INT; both 0 = any; M_TEXT: max length, 0 = 2000 */
	const char *help;
};
enum { MEMBERS_MAX = 20, PARAMS_MAX = 3 };

enum route_flags {
	ROUTE_OPEN = 1,			/* no token (configurable): /healthz ... */
	ROUTE_CRON = 2,			/* CRON_SECRET instead of a token */
	ROUTE_NO_BODY_CHECK = 4,	/* the handler reads the raw body */
	ROUTE_STREAM = 8,		/* the handler answers with a stream itself */
	ROUTE_ALERTS = 16,		/* tokens of the role "alerts", or operators */
};

struct call {
	struct engine *engine;
	struct api *api;
	struct httpd_req *req;		/* NULL: from inside */
	struct json *query;		/* of a call from inside */
	const struct route *route;
	char *params[PARAMS_MAX];	/* what stands for {x} in the path, in order; decoded */
	const struct json *body;	/* checked object; NULL without one */
	char *user;			/* name of the token */
	enum person_role role;
	struct str out;			/* the reply's body */
	bool answered;			/* the handler replied itself (streams, text) */
};

struct route {
	const char *method, *path;	/* "/api/v1/x/{id}" */
	enum person_role role;
	unsigned flags;
	struct member body[MEMBERS_MAX];
	int (*handle)(struct call *c);	/* HTTP status; body in c->out */
	const char *help;
};
/* One table for each resource file, listed in routes.h. */
struct route_table { const struct route *routes; size_t n; };
const struct route *api_routes(size_t index);	/* all of them in order; NULL at the end */

struct api_settings {
	char *listen;			/* "127.0.0.1:8470" */
	char *advertise;		/* URL others use; NULL = from listen */
	bool open_health;		/* /healthz /readyz /metrics without a token */
	int64_t max_body, max_connections, rate_per_minute, stream_queue;
	int64_t numbers_per_day;	/* bought by people; 0 = none may be */
	double number_price;		/* dearest monthly price that may be bought */
};
extern const struct option_table api_options;

struct api *api_new(struct engine *e, const struct api_settings *set, struct err *err);
void api_stop(struct api *a);		/* no new requests; streams end; open calls finish */
void api_free(struct api *a);
int api_port(const struct api *a);
/* A request that comes from inside, in a task: role, body and handler as for any other; no
 * streams. 0 with status and body, whatever the status. */
int api_call(struct api *a, const char *method, const char *path, const char *body,
	     const char *by, int role, int *ret_status, struct str *ret_body, struct err *err);
const struct api_settings *api_get_settings(const struct api *a);

/* For handlers. Each returns the status for `return`. */
/* c->out as something that is no JSON. */
void api_reply_page(struct call *c, const char *type);
int api_problem(struct call *c, int status, const char *title, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* From err->code: INVALID 400 (field), NOT_FOUND 404, CONFLICT 409, DENIED 403, EXISTS 409,
 * LEASE/UNREACHABLE/TIMEOUT 503, else 500. */
int api_problem_err(struct call *c, const struct err *err);

const char *call_text(const struct call *c, const char *member);	/* NULL when absent */
int64_t call_int(const struct call *c, const char *member, int64_t otherwise);
bool call_flag(const struct call *c, const char *member);
/* Query parameters; the number form answers 400 itself (returns false) when it is not one. */
const char *call_query(const struct call *c, const char *name);
/* Words of names, separated by commas; false after a 400 that names the nearest one. */
bool call_query_words(struct call *c, const char *name, const struct enum_names *names,
		      const char **ret, int *status);
/* The id for a query that is an account's id, SID or name; *ret NULL when it is not given (free
 * it). False after a 404. */
/* A cursor that is the id of the last row given out: prefix and a number; NULL = none. */
bool call_query_id(struct call *c, const char *name, const char *prefix, const char **ret,
		   int *status);
bool call_query_account(struct call *c, const char *name, char **ret, int *status);
bool call_query_i64(struct call *c, const char *name, int64_t min, int64_t max, int64_t otherwise,
		    int64_t *ret, int *status);

#endif
