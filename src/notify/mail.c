/*
 * Mail: plain text, one message for each recipient, so that a bad address harms nobody
 * else. Date and Message-ID belong to the occurrence, not to the attempt: a reader's
 * program can tell a second copy from a second message.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "notify/channel.h"

static bool configured(const struct notify_settings *set)
{
	return !str_empty(set->smtp_url) && !str_empty(set->smtp_from);
}

static void recipients(const struct notify_settings *set, struct strlist *ret)
{
	for (size_t i = 0; i < set->mail_to.n; i++)
		strlist_add(ret, set->mail_to.v[i]);
}

static bool loopback(const char *url)
{
	static const char *const hosts[] = { "127.", "localhost", "[::1]" };
	const char *host = strstr(url, "://");

	for (size_t i = 0; host && i < COUNT_OF(hosts); i++)
		if (str_has_prefix(host + 3, hosts[i]))
			return true;
	return false;
}

/* "Display <a@b>" or "a@b" -> a@b, without anything that could end a line or an argument. */
static char *address_of(const char *s)
{
	const char *open = strrchr(s, '<');
	char *a = xstrdup(open ? open + 1 : s), *out = a;

	for (const char *p = a; *p && *p != '>'; p++)
		if (!isspace((unsigned char)*p) && !iscntrl((unsigned char)*p) && *p != '<')
			*out++ = *p;
	*out = '\0';
	return a;
}

/* A header's text: one line; what is not ASCII as an encoded word (RFC 2047). */
static void add_header(struct str *m, const char *name, const char *value)
{
	bool ascii = true;

	for (const char *p = value; *p; p++)
		ascii = ascii && (unsigned char)*p >= 32 && (unsigned char)*p < 127;
	if (ascii) {
		str_addf(m, "%s: %s\r\n", name, value);
		return;
	}
	/* an encoded word holds at most 75 characters: 42 bytes, cut between code points */
	str_addf(m, "%s:", name);
	while (*value) {
		size_t n = strlen(value) < 42 ? strlen(value) : 42;

		while (value[n] && ((unsigned char)value[n] & 0xc0) == 0x80)
			n--;
		str_add(m, " =?UTF-8?B?");
		str_add_base64(m, value, n);
		value += n;
		str_add(m, "?=\r\n");
	}
}

static void add_body(struct str *m, const char *text)
{
	bool start = true;

	for (const char *p = text; *p; p++) {
		if (*p == '\r')
			continue;
		if (*p == '\n')
			str_add(m, "\r\n");
		else
			str_addc(m, *p);
		start = *p == '\n';
	}
	if (!start)
		str_add(m, "\r\n");
}

static void compose(struct str *m, const struct parcel *p, const char *from, const char *to)
{
	_cleanup_(free_p) char *sender = address_of(from);
	const char *host = strrchr(sender, '@');
	struct str subject = STR_INIT(400), body = STR_INIT(64 << 10);
	char date[64], id[SHA256_LEN * 2 + 1];

	say_subject(&subject, &p->say);
	say_body(&body, &p->say);
	format_rfc2822(date, sizeof(date), p->created_at_ms);
	sha256_hex(p->id, strlen(p->id), id);
	str_addf(m, "Date: %s\r\nFrom: ringdown <%s>\r\nTo: <%s>\r\n", date, sender, to);
	add_header(m, "Subject", str_get(&subject));
	str_addf(m, "Message-ID: <%.32s@%s>\r\n", id, host && host[1] ? host + 1 : "ringdown");
	sha256_hex(p->event, strlen(p->event), id);
	str_addf(m, "References: <%.32s@%s>\r\n", id, host && host[1] ? host + 1 : "ringdown");
	str_add(m, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
		   "Content-Type: text/plain; charset=utf-8\r\n"
		   "Content-Transfer-Encoding: 8bit\r\n\r\n");
	add_body(m, str_get(&body));
	str_fini(&subject);
	str_fini(&body);
}

static int send_mail(const struct notifier_deps *d, const struct parcel *p, struct refusal *why,
		     struct err *err)
{
	const struct notify_settings *set = d->set;
	_cleanup_(free_p) char *to = address_of(p->recipient);
	_cleanup_(free_p) char *from = address_of(set->smtp_from);
	struct str text = STR_INIT(128 << 10);
	int refused = 0, r;

	if (!strchr(to, '@')) {
		why->for_good = true;
		return err_set(err, ERR_INVALID, "'%.60s' is not a mail address", p->recipient);
	}
	compose(&text, p, set->smtp_from, to);
	const char *const rcpt[] = { to };
	const struct mail m = {
		.url = set->smtp_url, .require_tls = set->smtp_starttls && !loopback(set->smtp_url),
		.user = set->smtp_user, .password = set->smtp_password, .from = from, .to = rcpt,
		.n_to = 1, .text = str_get(&text), .timeout_ms = SEND_TIMEOUT_MS,
		.ca_file = str_empty(set->smtp_ca_file) ? NULL : set->smtp_ca_file,
		.insecure_tls = set->smtp_insecure,
	};
	r = mail_send(d->http, &m, &refused, err);
	if (r == 0 && refused)
		r = err_set(err, ERR_FAILED, "the mail server refused the recipient");
	/* a refused address stays refused; a refused login is mended on the other side */
	why->for_good = r == ERR_INVALID || (r == ERR_DENIED && !strcasestr(err->msg, "login"));
	str_fini(&text);
	return r;
}

const struct channel channel_mail = {
	.name = "mail", .word = "email",
	.kinds = KINDS_ALL & ~KIND(SAY_ACKED), .configured = configured,
	.recipients = recipients,
	.send = send_mail,
};
