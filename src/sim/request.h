/*
 * One request to the simulator and its answer. A service is a table of routes;
 * a handler fills the answer and never waits: latency and cut connections are
 * made around it.
 */
#ifndef RD_SIM_REQUEST_H
#define RD_SIM_REQUEST_H

#include "sim/sim.h"

struct sim_param { const char *name, *value; };
struct sim_params { struct sim_param *v; size_t n, cap; char *text; };

enum { SIM_ARGS = 3, SIM_HEADERS = 10 };
struct sim_request {
	/* as received; borrowed */
	struct sim *sim;
	const char *method, *host, *path, *query_text, *body, *peer;
	size_t body_len;
	const char *(*header)(void *ctx, const char *name);
	void *header_ctx;
	/* by the router */
	enum sim_service_id service;
	const char *rest;			/* path after the service's prefix */
	char *prefix;				/* what was cut off, for absolute links */
	char arg[SIM_ARGS][128];
	struct sim_params query, form;
	struct json *json;			/* when the body is JSON */
	const char *op;
	struct sim_account *account;		/* whose resource it is */
	struct sim_account *caller;		/* whose credential; NULL = refused */
	struct sim_key *key;			/* NULL: auth token */
	bool test_credential, token_was_right;
	bool effective;
	int64_t now_ms;
	/* the answer */
	int status;
	const char *type;
	struct str out;
	struct { const char *name; char value[200]; } head[SIM_HEADERS];
	int n_head;
};

enum { RT_ACCOUNT = 1, RT_TEST_OK = 2, RT_MAIN_KEY = 4, RT_WRITE = 8, RT_OPEN = 16 };
struct sim_route {
	const char *method, *pattern, *op;
	void (*fn)(struct sim_request *q);
	unsigned flags;
};

void sim_request_fini(struct sim_request *q);
/* Routes, authenticates and answers; faults are not looked at. */
void sim_route(struct sim_request *q);	/* service, rest, params, account */
void sim_answer(struct sim_request *q);	/* after sim_route */
/* NULL when nothing matches. Fills q->arg. */
const struct sim_route *sim_route_find(struct sim_request *q, const struct sim_route *table,
				       size_t n);

const char *sim_form(const struct sim_request *q, const char *name);	/* NULL = not sent */
const char *sim_query(const struct sim_request *q, const char *name);
void sim_params_parse(struct sim_params *p, const char *text, size_t len);
void sim_params_fini(struct sim_params *p);
const char *sim_params_get(const struct sim_params *p, const char *name);

void sim_head(struct sim_request *q, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void sim_json_begin(struct sim_request *q, struct jw *w, int status);	/* opens an object */
void sim_json_end(struct sim_request *q, struct jw *w);
void sim_text(struct sim_request *q, int status, const char *type, const char *text);

/* Twilio's error body. */
void sim_twilio_error(struct sim_request *q, int status, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* ElevenLabs' object form. */
void sim_eleven_error(struct sim_request *q, int status, const char *type, const char *code,
		      const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The error body that fits the service, for faults. */
void sim_service_error(struct sim_request *q, int status, int code);

/* Twilio paging. v2010 style (relative links) for SV_TWILIO, meta for the others. */
struct sim_page { int64_t page, size; size_t first; int64_t bound_ms; };
bool sim_page_read(struct sim_request *q, struct sim_page *p);	/* false: answered with 400 */
/* Writes the members around the list; count = written, more = another page exists. */
void sim_page_write(struct sim_request *q, struct jw *w, const struct sim_page *p,
		    const char *key, size_t count, bool more);
/* Date filter NAME, NAME<, NAME> into an inclusive range. false: answered. */
bool sim_date_range(struct sim_request *q, const char *name, int64_t *from, int64_t *to);
void sim_rfc2822(struct jw *w, const char *name, int64_t ms);	/* 0 = null */
void sim_iso(struct jw *w, const char *name, int64_t ms);	/* whole seconds; 0 = null */

/* Services: one function each that answers a routed request. */
void sim_twilio(struct sim_request *q);
void sim_monitor(struct sim_request *q);
void sim_messaging(struct sim_request *q);
void sim_video(struct sim_request *q);
void sim_routes(struct sim_request *q);
void sim_pricing(struct sim_request *q);
void sim_lookups(struct sim_request *q);
void sim_elevenlabs(struct sim_request *q);
void sim_telnyx(struct sim_request *q);
void sim_status(struct sim_request *q);
void sim_aws(struct sim_request *q);
void sim_app(struct sim_request *q);
void sim_slack(struct sim_request *q);
void sim_pagerduty(struct sim_request *q);
void sim_hook(struct sim_request *q);
void sim_statuspage(struct sim_request *q);
void sim_control(struct sim_request *q);

/* auth.c: Basic credentials of Twilio's hosts. false: answered. */
bool sim_twilio_auth(struct sim_request *q, const struct sim_route *r);
void sim_twilio_whose(struct sim_request *q);	/* fills account and caller, answers nothing */

#endif
