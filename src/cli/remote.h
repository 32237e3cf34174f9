/*
 * Commands that ask the engine: a loop of their own, one task, and requests to the
 * first engine that answers. What goes wrong is told here, with what to do next.
 */
#ifndef RD_CLI_REMOTE_H
#define RD_CLI_REMOTE_H

#include "cli/cli.h"
#include "core/json.h"
#include "model/fields.h"

struct loop;
struct http;

/* Loads the configuration and runs fn as a task; returns its exit status. */
int cli_run(struct cli *c, int (*fn)(struct cli *c));
/* The same; within fn, cli_user is user. */
int cli_run_with(struct cli *c, int (*fn)(struct cli *c), void *user);
void *cli_user(const struct cli *c);
struct loop *cli_loop(const struct cli *c);	/* within cli_run */
struct http *cli_http(const struct cli *c);

/* The failover resource of the API, as scripts know it. */
#define API_FAILOVER "/api/admin/twilio-failover"

/* GET path (with its query). 0 with *ret (json_free), or an exit status after telling. */
int remote_get(struct cli *c, const char *path, struct json **ret);
/* The same for what is no JSON. */
int remote_get_text(struct cli *c, const char *path, struct str *ret);
/* POST, PUT, PATCH, DELETE with an idempotency key, so that trying the next engine does nothing
 * twice. body NULL = none. 0 with *ret (NULL when the reply is empty), or an exit status after
 * telling; ret_status (may be NULL) is the HTTP status, 0 when not reached. */
int remote_send(struct cli *c, const char *method, const char *path, const char *body,
		struct json **ret, int *ret_status);

/* Asks and tells nothing: the status, 0 when no engine answers; *ret is what it said, NULL when
 * that is no JSON. */
int remote_try(struct cli *c, const char *method, const char *path, const char *body,
	       struct json **ret);

typedef int (*remote_reader)(void *rec, const struct json *obj, struct err *err);
/* Prints the list under member of GET path, all its pages: as JSON what the API sent, else a
 * table of the record's columns (NULL: its list columns). read NULL: record_from_json. */
int remote_list(struct cli *c, const char *path, const char *member, const struct record_type *type,
		remote_reader read, const char *columns);
/* The same, at most max rows (0 = all, page by page; REMOTE_WHOLE = the path knows no pages). */
enum { REMOTE_WHOLE = -1 };
int remote_list_max(struct cli *c, const char *path, const char *member,
		    const struct record_type *type, remote_reader read, const char *columns,
		    int64_t max);
/* For people: names of accounts in place of their ids. Says nothing when they cannot be had. */
struct table;
void remote_names(struct cli *c, struct table *t);
/* The id of the account that ref (id, SID or name) stands for; ref NULL: NULL. 0, or an exit
 * status after telling. Caller frees. */
int remote_account_id(struct cli *c, const char *ref, char **ret);
/* Prints a document that has no record: JSON as it is; text as indented "name: value" lines. */
void remote_print(struct cli *c, const struct json *doc);
/* Adds "?name=value" or "&name=value", encoded; NULL value adds nothing. */
void remote_query(struct str *path, const char *name, const char *value);

#endif
