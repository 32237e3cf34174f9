/* Shared inside src/api only. */
#ifndef RD_API_INTERNAL_H
#define RD_API_INTERNAL_H

#include "api/api.h"
#include "model/event.h"

void problem_begin(struct jw *w, int status, const char *title, const char *detail);
void problem_plain(struct str *out, int status, const char *detail);
int api_problem_field(struct call *c, int status, const char *field, const char *detail);
static inline void gates_json_of(struct jw *w, const struct gate_result *g, size_t n)
{
	gates_json(w, "gates", g, n);
}

/* Ten thousand alerts come in one piece; that path takes more than maxBody says. */
#define ALERTS_RECEIVE "/api/v1/alerts/receive"
enum { ALERTS_MAX_BODY = 12 << 20 };

/* body.c: the body against the row; 0, or a status with the problem in c->out. */
int body_check(struct call *c, const struct json *body);

/* query.c: what stands behind the "?" against the row; 0, or a status with the problem. */
int query_check(struct call *c, const char *text);
void query_free(struct call *c);
size_t query_words(const struct query_param *q, const char **ret, size_t most);

/* pages.c: the page that was asked for out of the whole list in c->out. */
void pages_cut(struct call *c);

/* match.c: the row for method and path. params are heap copies, decoded. NULL: *ret_status is
 * 404, or 405 with the allowed methods in allow. */
const struct route *route_match(const char *method, const char *path, char *params[PARAMS_MAX],
				int *ret_status, struct str *allow);

/* auth.c */
struct auth;
struct auth *auth_new(struct api *a);
void auth_free(struct auth *auth);
/* In a task. 0 and c->user/role filled, or a status with the problem in c->out. */
int auth_check(struct auth *auth, struct call *c);
void auth_forget(struct auth *auth);	/* a token was revoked: drop what is remembered */

struct run_marks *api_run_marks(const struct api *a);
struct intake *api_intake(const struct api *a);

#endif
