/*
 * One JSON POST for the channels that are HTTP, and what its answer means for trying
 * again. Redirects are not followed: an address that moved is a setting to mend.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "notify/channel.h"

void channel_meaning(const struct http_reply *reply, struct refusal *why)
{
	char wait[32];
	int64_t s;

	if (reply->result != HTTP_DONE)
		return;
	why->for_good = !(reply->status == 408 || reply->status == 420 || reply->status == 425 ||
			  reply->status == 429 ||
			  reply->status >= 500);
	if (http_header(reply, "Retry-After", wait, sizeof(wait)) &&
	    parse_i64(wait, 0, 3600, &s))
		why->retry_after_ms = s * 1000;
}

int channel_post(const struct notifier_deps *d, const char *url, const char *body,
		 const char *const *headers, struct refusal *why, struct err *err)
{
	struct http_request rq = {
		.method = "POST", .url = url, .headers = { "Content-Type: application/json" },
		.body = body, .body_len = strlen(body), .timeout_ms = SEND_TIMEOUT_MS,
		.max_body = 65536,
	};
	struct http_reply reply = { 0 };
	int r = 0;

	for (int i = 0; headers && headers[i] && i < HTTP_MAX_HEADERS - 2; i++)
		rq.headers[i + 1] = headers[i];
	http_fetch(d->http, &rq, &reply);
	if (reply.result == HTTP_CANCELLED) {
		r = err_set(err, ERR_CANCELLED, "cancelled");
	} else if (reply.result != HTTP_DONE) {
		r = err_set(err, ERR_UNREACHABLE, "%s: %s", http_result_name(reply.result),
			    reply.error);
	} else if (reply.status < 200 || reply.status > 299) {
		_cleanup_(free_p) char *text = text_clean(str_get(&reply.body), 120);

		r = err_set(err, ERR_FAILED, "answered %d %s", reply.status, text);
	}
	if (r < 0)
		channel_meaning(&reply, why);
	http_reply_fini(&reply);
	return r;
}

char *channel_on_base(const char *url, const char *base)
{
	const char *path = strstr(url, "://");

	if (str_empty(base))
		return xstrdup(url);
	path = path ? strchr(path + 3, '/') : NULL;
	size_t n = strlen(base);
	while (n && base[n - 1] == '/')
		n--;
	return xasprintf("%.*s%s", (int)n, base, path ? path : "/");
}
