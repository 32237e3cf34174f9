/*
 * Names for the HTTP client. A name is looked up by the loop, under the request's deadline,
 * and remembered for a while; curl gets addresses and never resolves, as that would block
 * or, when cancelled, join a thread. While the name servers are silent the last addresses
 * known go on being used: a failover must not need them.
 */
#include <stdio.h>
#include <string.h>

#include "core/http_internal.h"
#include "core/mem.h"

enum {
	FRESH_MS = 30000, STALE_MS = 3600000, AGAIN_MS = 5000 /* after a failed look-up */,
	PATIENCE_MS = 2000 /* for a look-up when old addresses are known */,
};

struct name {
	char *host, *addrs;		/* "1.2.3.4,5.6.7.8" */
	int64_t at_ms, fresh_until_ms;
	struct name *next;
};

static struct name *find(struct http *h, const char *host)
{
	for (struct name *n = h->names; n; n = n->next)
		if (strcasecmp(n->host, host) == 0)
			return n;
	return NULL;
}

static void name_free(struct name *n)
{
	free_p(&n->host);
	free_p(&n->addrs);
	free_p(&n);
}

void http_names_free(struct http *h)
{
	while (h->names) {
		struct name *n = h->names;

		h->names = n->next;
		name_free(n);
	}
}

/* Keeps the list short: names of long ago go. */
static void forget_old(struct http *h, int64_t now_ms)
{
	for (struct name **p = &h->names; *p;) {
		struct name *n = *p;

		if (now_ms - n->at_ms < STALE_MS) {
			p = &n->next;
			continue;
		}
		*p = n->next;
		name_free(n);
	}
}

static void remember(struct http *h, const char *host, const char *addrs)
{
	int64_t now_ms = loop_now_ms(h->loop);
	struct name *n;

	forget_old(h, now_ms);
	n = find(h, host);
	if (!n) {
		n = xcalloc(1, sizeof(*n));
		n->host = xstrdup(host);
		n->next = h->names;
		h->names = n;
	}
	str_replace(&n->addrs, addrs);
	n->at_ms = now_ms;
	n->fresh_until_ms = now_ms + FRESH_MS;
}

static void go(struct http_transfer *t, const char *addrs)
{
	_cleanup_(free_p) char *line = xasprintf("+%s:%d:%s", t->host, t->port, addrs);

	t->resolved = curl_slist_append(NULL, line);
	curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolved);
	http_transfer_go(t);
}

static void on_resolved(void *ctx, int n, const char *const *addrs, const char *error)
{
	struct http_transfer *t = ctx;
	struct str list = STR_INIT(1000);
	struct name *known;

	t->resolve = NULL;
	for (int i = 0; i < n; i++)
		str_addf(&list, "%s%s", i ? "," : "", addrs[i]);
	if (n > 0)
		remember(t->http, t->host, list.s);
	str_fini(&list);
	if (t->ended)
		return;
	known = find(t->http, t->host);
	if (!known) {
		http_transfer_end(t, HTTP_RESOLVE, error);
		return;
	}
	if (n == 0)
		known->fresh_until_ms = loop_now_ms(t->http->loop) + AGAIN_MS;
	go(t, known->addrs);
}

static bool is_address(const char *host)
{
	return host[strspn(host, "0123456789.")] == '\0' || strchr(host, ':') || host[0] == '[';
}

static bool good_scheme(const struct http_transfer *t, const char *scheme)
{
	return t->mail ? strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0 :
			 strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
}

/* Host and port of the URL; false when it is not one that we speak. */
static bool parse_url(struct http_transfer *t)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL, *scheme = NULL;
	int64_t number = 0;
	bool good = u && curl_url_set(u, CURLUPART_URL, t->url, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		good_scheme(t, scheme) && host[0] && parse_i64(port, 1, 65535, &number);

	if (good)
		t->host = xstrdup(host);
	t->port = (int)number;
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return good;
}

void http_transfer_resolve(struct http_transfer *t, int64_t timeout_ms, bool is_socket)
{
	const struct name *known;

	if (!parse_url(t)) {
		http_transfer_end(t, HTTP_REFUSED, "not a usable URL");
		return;
	}
	if (is_socket || is_address(t->host)) {
		http_transfer_go(t);
		return;
	}
	known = find(t->http, t->host);
	if (known && loop_now_ms(t->http->loop) < known->fresh_until_ms) {
		go(t, known->addrs);
		return;
	}
	if (known && timeout_ms > PATIENCE_MS)
		timeout_ms = timeout_ms / 2 < PATIENCE_MS ? timeout_ms / 2 : PATIENCE_MS;
	t->resolve = loop_resolve(t->http->loop, t->host, timeout_ms, on_resolved, t);
	if (!t->resolve)
		http_transfer_end(t, HTTP_RESOLVE, "cannot start the look-up");
}
