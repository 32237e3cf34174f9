/* HTTP to the engines and to the simulator's control; see demo.h. */
#include "cli/demo/demo.h"

#include <string.h>

#include "core/mem.h"

enum { TALK_MS = 60000 };

static struct json *talk(struct demo *d, const struct secret *token, const char *method,
			 const char *url, const char *body, int *status)
{
	struct http_request req = { .method = method, .url = url, .timeout_ms = TALK_MS,
				    .headers = { body ? "Content-Type: application/json" : NULL },
				    .body = body, .body_len = body ? strlen(body) : 0,
				    .bearer = (struct secret *)(uintptr_t)token,
				    .bearer_prefix = "Authorization: Bearer ",
				    .max_body = (size_t)256 << 20 };
	struct json *doc = NULL;
	struct http_reply r;

	http_fetch(d->http, &req, &r);
	if (status)
		*status = r.status;
	if (r.result == HTTP_DONE)
		doc = json_parse(str_get(&r.body), r.body.len, NULL);
	http_reply_fini(&r);
	return doc;
}

struct json *demo_sim(struct demo *d, const char *method, const char *path, const char *body,
		      int *status)
{
	_cleanup_(free_p) char *url = xasprintf("%s%s", d->sim_url, path);

	return talk(d, NULL, method, url, body, status);
}

/* The first engine that answers. */
struct json *demo_api(struct demo *d, const struct secret *token, const char *method,
		      const char *path, const char *body, int *status)
{
	int code = 0;

	for (int i = 0; i < DEMO_ENGINES; i++) {
		const struct demo_engine *e = &d->engine[i];
		_cleanup_(free_p) char *url = NULL;
		struct json *doc;

		if (!e->proc || !proc_running(e->proc) || e->stopped || !e->url)
			continue;
		url = xasprintf("%s%s", e->url, path);
		doc = talk(d, token, method, url, body, &code);
		if (code == 0)
			continue;
		if (status)
			*status = code;
		return doc;
	}
	if (status)
		*status = 0;
	return NULL;
}

char *demo_digest(struct demo *d)
{
	struct json *doc = demo_sim(d, "GET", "/_sim/digest", NULL, NULL);
	char *text = xstrdup(json_get_str(doc, "digest"));

	json_free(doc);
	return text;
}

int demo_order(struct demo *d, const char *verb, const char *event, const char *extra)
{
	_cleanup_(free_p) char *path = xasprintf("/api/admin/twilio-failover/%s", verb);
	_cleanup_(free_p) char *body = xasprintf("{\"eventId\":\"%s\",\"reason\":\"demo\"%s}",
						 event, extra ? extra : "");
	int status = 0;
	struct json *doc = demo_api(d, d->operator, "POST", path, body, &status);

	d->refused_status = status;
	free_p(&d->refused);
	if (status >= 400 || status == 0) {
		struct str b = STR_INIT(1 << 16);

		json_print(&b, doc);
		d->refused = str_take(&b);
	}
	json_free(doc);
	return status;
}

int demo_stage(struct demo *d, const char *stage)
{
	_cleanup_(free_p) char *body = xasprintf("{\"stage\":\"%s\"}", stage);
	int status = 0;

	json_free(demo_sim(d, "POST", "/_sim/scenario", body, &status));
	return status;
}
