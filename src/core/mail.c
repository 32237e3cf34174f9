/*
 * Mail: curl connects, encrypts and logs in, as one more transfer of the HTTP client; the
 * rest of the dialogue is ours. curl's own would wait inside the loop for the server's
 * verdict on the message and for its farewell, and mail servers take their time.
 */
#include <stdio.h>
#include <string.h>

#include "core/http_internal.h"
#include "core/mem.h"
#include "core/task.h"

enum { MAX_RCPT = 500, MAX_ANSWER = 8192 };

/* What was sent last, and so what the next answer is about. */
enum state { SENT_FROM, SENT_RCPT, SENT_DATA, SENT_TEXT, SENT_QUIT };

struct talk {
	struct http_transfer *t;
	const struct mail *m;
	enum state state;
	size_t rcpt;			/* the recipient asked about */
	int accepted, refused, answer;	/* answer: the last code */
	bool eight_bit;			/* the server takes BODY=8BITMIME */
	struct str out, in;
	size_t out_sent;
};

/* ---- the dialogue ---------------------------------------------------------------------- */

/* An address is sent inside <> on a line of its own. */
static bool good_address(const char *s)
{
	if (str_empty(s))
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 127 || *s == '<' || *s == '>')
			return false;
	return true;
}

static void say(struct talk *k, enum state state, const char *line)
{
	k->state = state;
	str_add(&k->out, line);
	str_add(&k->out, "\r\n");
}

static void say_from(struct talk *k)
{
	_cleanup_(free_p) char *line = xasprintf("MAIL FROM:<%s>%s", k->m->from,
						 k->eight_bit ? " BODY=8BITMIME" : "");

	say(k, SENT_FROM, line);
}

static void say_rcpt(struct talk *k)
{
	_cleanup_(free_p) char *line = xasprintf("RCPT TO:<%s>", k->m->to[k->rcpt]);

	say(k, SENT_RCPT, line);
}

/* Every line ends with CRLF, and no line of the text can be taken for its end. */
static void say_text(struct talk *k)
{
	bool at_start = true;

	for (const char *p = k->m->text; *p; p++) {
		if (at_start && *p == '.')
			str_addc(&k->out, '.');
		at_start = *p == '\n' || *p == '\r';
		if (!at_start) {
			str_addc(&k->out, *p);
			continue;
		}
		if (p[0] == '\r' && p[1] == '\n')
			p++;
		str_add(&k->out, "\r\n");
	}
	if (!at_start)
		str_add(&k->out, "\r\n");
	say(k, SENT_TEXT, ".");
}

static void fail(struct talk *k, const char *line)
{
	_cleanup_(free_p) char *text = text_clean(line, 100);

	http_transfer_end(k->t, HTTP_BROKEN, text);
}

/* One whole answer; line is its last line. */
static void on_answer(struct talk *k, const char *line)
{
	bool good = line[0] == '2' || line[0] == '3';

	switch (k->state) {
	case SENT_FROM:
		if (good)
			say_rcpt(k);
		else
			fail(k, line);
		break;
	case SENT_RCPT:
		k->accepted += good;
		k->refused += !good;
		if (++k->rcpt < k->m->n_to)
			say_rcpt(k);
		else if (k->accepted > 0)
			say(k, SENT_DATA, "DATA");
		else
			fail(k, line);
		break;
	case SENT_DATA:
		if (line[0] == '3')
			say_text(k);
		else
			fail(k, line);
		break;
	case SENT_TEXT:
		if (!good) {
			fail(k, line);
			break;
		}
		say(k, SENT_QUIT, "QUIT"); /* a courtesy: its answer is not waited for */
		break;
	case SENT_QUIT:
		break;
	}
}

/* Takes whole lines from what came; "250-" is a line of an answer that goes on. */
static void take_lines(struct talk *k)
{
	char *end;

	while (!k->t->ended && k->in.len > 0 && (end = memchr(k->in.s, '\n', k->in.len))) {
		size_t n = (size_t)(end - k->in.s) + 1;
		char line[512];
		int64_t code;
		char digits[4];

		snprintf(line, sizeof(line), "%.*s", (int)n - 1, k->in.s);
		memmove(k->in.s, k->in.s + n, k->in.len - n + 1);
		k->in.len -= n;
		snprintf(digits, sizeof(digits), "%.3s", line);
		if (!parse_i64(digits, 200, 599, &code)) {
			http_transfer_end(k->t, HTTP_BROKEN, "not an answer of a mail server");
			return;
		}
		k->answer = (int)code;
		if (line[3] != '-')
			on_answer(k, line);
	}
}

/* ---- the connection ------------------------------------------------------------------------ */

static bool flush(struct talk *k)
{
	while (k->out_sent < k->out.len) {
		size_t n = 0;
		CURLcode code = curl_easy_send(k->t->easy, k->out.s + k->out_sent,
					       k->out.len - k->out_sent, &n);

		if (code == CURLE_AGAIN)
			return true;
		if (code != CURLE_OK)
			return false;
		k->out_sent += n;
	}
	str_clear(&k->out);
	k->out_sent = 0;
	return true;
}

static bool drain(struct talk *k)
{
	char buf[2048];
	size_t n = 0;
	CURLcode code;

	while ((code = curl_easy_recv(k->t->easy, buf, sizeof(buf), &n)) == CURLE_OK && n > 0) {
		str_addn(&k->in, buf, n);
		if (k->in.full)
			return false;
	}
	return code == CURLE_AGAIN;
}

static void step(void *ctx, int events)
{
	struct talk *k = ctx;
	bool alive = drain(k);

	(void)events;
	take_lines(k);
	if (k->t->ended)
		return;
	alive = flush(k) && alive;
	if (k->state == SENT_QUIT && (k->out.len == 0 || !alive))
		http_transfer_end(k->t, HTTP_DONE, NULL);
	else if (!alive)
		http_transfer_end(k->t, HTTP_BROKEN, "the mail server closed the connection");
	else
		watch_set(k->t->watch, k->out.len ? WATCH_READ | WATCH_WRITE : WATCH_READ);
}

/* curl is through with greeting, encryption and login. */
static void on_connected(struct http_transfer *t)
{
	struct talk *k = t->ctx;
	curl_socket_t fd = CURL_SOCKET_BAD;

	curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd);
	t->watch = fd == CURL_SOCKET_BAD ? NULL : watch_new(t->http->loop, fd, step, k);
	if (!t->watch) {
		http_transfer_end(t, HTTP_BROKEN, "the mail server closed the connection");
		return;
	}
	say_from(k);
	step(k, 0);
}

/* The lines of the server while curl talks to it. */
static size_t on_line(char *p, size_t size, size_t n, void *ctx)
{
	struct talk *k = ctx;

	n *= size;
	if (n >= 12 && strncasecmp(p + 4, "8BITMIME", 8) == 0)
		k->eight_bit = true;
	return n;
}

static void set_options(struct http_transfer *t, const struct mail *m, struct talk *k)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_line);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, k);
	if (m->require_tls)
		curl_easy_setopt(e, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	if (m->ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, m->ca_file);
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

/* ---- for callers ---------------------------------------------------------------- */

static int check(const struct mail *m, struct err *err)
{
	if (!good_address(m->from))
		return err_set(err, ERR_INVALID, "not a mail address to send from");
	if (m->n_to == 0 || m->n_to > MAX_RCPT)
		return err_set(err, ERR_INVALID, "a mail goes to 1 to %d recipients", MAX_RCPT);
	for (size_t i = 0; i < m->n_to; i++)
		if (!good_address(m->to[i]))
			return err_set(err, ERR_INVALID, "recipient %zu is not a mail address",
				       i + 1);
	if (task_cancelled())
		return err_set(err, ERR_CANCELLED, "cancelled");
	return 0;
}

static int code_of(enum http_result result, int answer)
{
	switch (result) {
	case HTTP_DONE:
		return 0;
	case HTTP_TIMEOUT:
		return ERR_TIMEOUT;
	case HTTP_CANCELLED:
		return ERR_CANCELLED;
	case HTTP_REFUSED:
		return ERR_INVALID;
	case HTTP_BROKEN:
		return answer >= 500 && answer < 600 ? ERR_DENIED : ERR_UNREACHABLE;
	default:
		return ERR_UNREACHABLE;
	}
}

int mail_send(struct http *h, const struct mail *m, int *ret_refused, struct err *err)
{
	int64_t limit = m->timeout_ms > 0 ? m->timeout_ms : 30000;
	struct talk k = { .m = m, .in = STR_INIT(MAX_ANSWER), .out = STR_INIT(STR_MAX_DEFAULT) };
	struct http_call c = { 0 };
	int r = check(m, err);

	*ret_refused = 0;
	if (r < 0)
		return r;
	k.t = http_transfer_new(h, &c, m->url);
	k.t->mail = true;
	k.t->ctx = &k;
	k.t->on_connected = on_connected;
	k.t->last_status = &k.answer;
	set_options(k.t, m, &k);
	timer_start(h->loop, &k.t->deadline, limit, http_on_deadline);
	http_transfer_resolve(k.t, limit, false);
	task_await(&c.op);
	r = code_of(c.reply.result, k.answer);
	if (r < 0)
		err_set(err, r, "mail server: %s", c.reply.error);
	else
		*ret_refused = k.refused;
	http_reply_fini(&c.reply);
	str_fini(&k.in);
	str_fini(&k.out);
	return r;
}
