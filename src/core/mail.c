/* Mail over curl's SMTP, as one more transfer of the client; see http.h. */
#include <stdio.h>
#include <string.h>

#include "core/http_internal.h"
#include "core/mem.h"
#include "core/task.h"

struct upload {
	const char *p;
	size_t left;
	int refused;
};

static size_t on_read(char *buf, size_t size, size_t n, void *ctx)
{
	struct upload *u = ctx;

	n *= size;
	if (n > u->left)
		n = u->left;
	memcpy(buf, u->p, n);
	u->p += n;
	u->left -= n;
	return n;
}

/* Server lines arrive as "headers"; a 5xx or 4xx to RCPT counts one refused recipient. */
static size_t on_line(char *p, size_t size, size_t n, void *ctx)
{
	struct upload *u = ctx;

	n *= size;
	if (n >= 4 && (p[0] == '5' || p[0] == '4') && p[3] == ' ')
		u->refused++;
	return n;
}

static void set_options(struct http_transfer *t, const struct mail *m, struct upload *u)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_URL, t->url);
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->curl_error);
	curl_easy_setopt(e, CURLOPT_MAIL_FROM, m->from);
	for (size_t i = 0; i < m->n_to; i++)
		t->rcpt = curl_slist_append(t->rcpt, m->to[i]);
	curl_easy_setopt(e, CURLOPT_MAIL_RCPT, t->rcpt);
	curl_easy_setopt(e, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(e, CURLOPT_READDATA, u);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_line);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, u);
	if (m->require_tls)
		curl_easy_setopt(e, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	if (m->insecure_tls) {
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (m->user) {
		t->password = secret_ref(m->password);
		curl_easy_setopt(e, CURLOPT_USERNAME, m->user);
		curl_easy_setopt(e, CURLOPT_PASSWORD, secret_reveal(m->password));
	}
}

int mail_send(struct http *h, const struct mail *m, int *ret_refused, struct err *err)
{
	struct upload u = { .p = m->text, .left = strlen(m->text) };
	struct http_call c = { 0 };
	struct http_transfer *t = http_transfer_new(h, &c, m->url);
	int64_t limit = m->timeout_ms > 0 ? m->timeout_ms : 30000;
	int r = 0;

	t->mail = true;
	set_options(t, m, &u);
	timer_start(h->loop, &t->deadline, limit, http_on_deadline);
	http_transfer_resolve(t, limit, false);
	task_await(&c.op);
	*ret_refused = u.refused;
	if (c.reply.result != HTTP_DONE)
		r = err_set(err, c.reply.result == HTTP_TIMEOUT ? ERR_TIMEOUT :
			    c.reply.result == HTTP_CANCELLED ? ERR_CANCELLED : ERR_UNREACHABLE,
			    "mail server: %s", c.reply.error);
	http_reply_fini(&c.reply);
	return r;
}
