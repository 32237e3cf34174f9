/*
 * The dictionary of error numbers. It is small and looked up a few times a second at
 * most, so it is read from the embedded text each time: no table to build, nothing to
 * keep.
 *
 * Numbers are added without notice: an unknown one is told by its range and keeps its
 * link, and is never sent again automatically.
 */
#include "sms/codes.h"

#include <stdio.h>
#include <string.h>

#include "core/embed.h"
#include "core/mem.h"
#include "core/str.h"

EMBED(sms_codes_csv, "src/sms/twilio-error-codes.csv");

enum { CODE_COLUMNS = 7, CELL = 240 };

/* One cell of RFC 4180 text into buf; the position after its comma or at the line's end. */
static const char *cell(const char *p, char *buf, size_t n)
{
	bool quoted = *p == '"';
	size_t at = 0;

	p += quoted;
	for (; *p && (quoted || (*p != ',' && *p != '\n')); p++) {
		if (quoted && *p == '"' && *++p != '"')
			break;
		if (at + 1 < n && *p != '\r')
			buf[at++] = *p;
	}
	buf[at] = '\0';
	return *p == ',' ? p + 1 : p;
}

static const char *line_end(const char *p)
{
	const char *end = strchr(p, '\n');

	return end ? end + 1 : p + strlen(p);
}

static void take(char *to, size_t n, const char *from)
{
	snprintf(to, n, "%s", from);
}

static bool read_row(const char *p, struct sms_code *ret)
{
	char v[CODE_COLUMNS][CELL];

	for (size_t i = 0; i < CODE_COLUMNS; i++)
		p = cell(p, v[i], sizeof(v[i]));
	if (!parse_i64(v[0], 1, 999999, &ret->code))
		return false;
	ret->known = true;
	take(ret->meaning, sizeof(ret->meaning), v[1]);
	take(ret->category, sizeof(ret->category), v[2]);
	take(ret->surface, sizeof(ret->surface), v[3]);
	take(ret->retryable, sizeof(ret->retryable), v[4]);
	take(ret->signal, sizeof(ret->signal), v[5]);
	take(ret->advice, sizeof(ret->advice), v[6]);
	snprintf(ret->link, sizeof(ret->link), "https://www.twilio.com/docs/errors/%lld",
		 (long long)ret->code);
	return true;
}

bool sms_code_at(size_t i, struct sms_code *ret)
{
	const char *p = line_end(sms_codes_csv_start);

	for (; *p && i; i--)
		p = line_end(p);
	return *p && read_row(p, ret);
}

static const struct { int64_t from, to; const char *what, *category; } ranges[] = {
	{ 10000, 19999, "A platform or webhook error", "webhook" },
	{ 20000, 29999, "A refusal by the API", "request" },
	{ 30000, 30999, "A delivery failure", "carrier" },
	{ 31000, 31999, "A client error", "request" },
	{ 32000, 32999, "A SIP or voice error", "platform" },
	{ 53000, 53999, "A video error", "platform" },
	{ 63000, 63999, "An error of another channel (WhatsApp, RCS)", "platform" },
};

void sms_code_find(int64_t code, struct sms_code *ret)
{
	char start[24];

	memset(ret, 0, sizeof(*ret));
	snprintf(start, sizeof(start), "%lld,", (long long)code);
	for (const char *p = sms_codes_csv_start; *p; p = line_end(p))
		if (str_has_prefix(p, start) && read_row(p, ret))
			return;
	ret->code = code;
	take(ret->meaning, sizeof(ret->meaning), code ? "An error of unknown meaning" :
	     "No code given");
	take(ret->category, sizeof(ret->category), "unknown");
	take(ret->retryable, sizeof(ret->retryable), "no");
	take(ret->signal, sizeof(ret->signal), "none");
	if (!code)
		return;
	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		if (code < ranges[i].from || code > ranges[i].to)
			continue;
		snprintf(ret->meaning, sizeof(ret->meaning), "%s, not in our table",
			 ranges[i].what);
		take(ret->category, sizeof(ret->category), ranges[i].category);
	}
	take(ret->advice, sizeof(ret->advice), "Read the page of this number");
	snprintf(ret->link, sizeof(ret->link), "https://www.twilio.com/docs/errors/%lld",
		 (long long)code);
}

bool sms_code_may_retry(int64_t code, const char **ret_why)
{
	static const char *const may[] = { "yes", "once", "backoff", "later" };
	static const struct { int64_t code; const char *why; } never[] = {
		{ 21610, "the recipient opted out" },
		{ 21408, "the country is not enabled; sending again changes nothing" },
	};
	struct sms_code c;

	*ret_why = NULL;
	for (size_t i = 0; i < COUNT_OF(never); i++)
		if (never[i].code == code) {
			*ret_why = never[i].why;
			return false;
		}
	sms_code_find(code, &c);
	for (size_t i = 0; i < COUNT_OF(may); i++)
		if (str_eq(c.retryable, may[i]))
			return true;
	*ret_why = !code ? "no error code says that it may" :
		   !c.known ? "the code is not in the table" :
		   str_eq(c.retryable, "after_fix") ? "the cause must be mended first" :
		   str_eq(c.retryable, "next_day") ? "a daily limit is used up" :
		   "the same would happen again";
	return false;
}
