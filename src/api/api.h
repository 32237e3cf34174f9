/*
 * The HTTP API: a route is one row (method, path, role, body, query) and one handler
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
enum { MEMBERS_MAX = 20, PARAMS_MAX = 3, QUERY_MAX = 12 };

enum query_type { Q_TEXT, Q_INT, Q_WORD, Q_WORDS /* with commas between */, Q_TIME,
		  Q_SPAN /* 30m */, Q_FLAG /* 1 or 0 */, Q_ID /* prefix and a number */ };
/* A parameter that a route takes behind its "?"; what no row names is refused. */
struct query_param {
	const char *name;
	enum query_type type;
	const char *help;
	bool required;
	int64_t min, max, otherwise;	/* Q_INT; Q_SPAN in ms; Q_TEXT: max length, 0 = 300 */
	const struct enum_names *names;	/* Q_WORD, Q_WORDS: these ... */
	const char *const *also;	/* ... and these; NULL-terminated */
	const char *prefix;		/* Q_ID */
};
#define Q_LIMIT(usual)                                                                             \
	{ "limit", Q_INT, "rows at most", .min = 1, .max = 1000, .otherwise = usual }
#define Q_PAGES                                                                                    \
	Q_LIMIT(1000), { "cursor", Q_INT, "nextCursor of the page before", .max = INT32_MAX }
#define Q_ACCOUNT(what) { "accountId", Q_TEXT, what, .max = 100 }

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
	const struct route *route;
	struct call_pair { char *name, *value; } *query; /* checked against the row; decoded */
	size_t n_query;
	char *params[PARAMS_MAX];	/* what stands for {x} in the path, in order; decoded */
	const struct json *body;	/* checked object; NULL without one */
	char *user;			/* name of the token */
	enum person_role role;
	struct str out;			/* the reply's body */
	bool over_rate;			/* refused as one too many of its token's */
	bool answered;			/* the handler replied itself (streams, text) */
};

struct route {
	const char *method, *path;	/* "/api/v1/x/{id}" */
	enum person_role role;
	unsigned flags;
	struct member body[MEMBERS_MAX];
	int (*handle)(struct call *c);	/* HTTP status; body in c->out */
	const char *help;
	struct query_param query[QUERY_MAX];
	const char *list;	/* member that is written whole and cut by limit, cursor */
};
/* One table for each resource file, listed in routes.h. */
struct route_table { const struct route *routes; size_t n; };
const struct route *api_routes(size_t index);	/* all of them in order; NULL at the end */

struct api_settings {
	char *listen;			/* "127.0.0.1:8470" */
	char *advertise;		/* URL others use; NULL = from listen */
	bool open_health;		/* /healthz /readyz /metrics without a token */
	int64_t max_body, max_connections, rate_per_minute, alerts_per_minute, stream_queue;
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
/* Query parameters that the row names; their values were checked before the handler ran. */
const char *call_query(const struct call *c, const char *name); /* NULL when it is not given */
int64_t call_number(const struct call *c, const char *name);	/* else the row's default */
int64_t call_instant(const struct call *c, const char *name);	/* 0 when it is not given */
bool call_on(const struct call *c, const char *name);
/* The id for a query that is an account's id, SID or name; *ret NULL when it is not given (free
 * it). False after a 404. */
bool call_query_account(struct call *c, const char *name, char **ret, int *status);

#endif
