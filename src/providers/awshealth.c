/*
 * The public AWS health feed: a JSON array in UTF-16 with a byte order mark. It is
 * turned into UTF-8 first; lone surrogates become U+FFFD.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "providers/feed.h"
#include "providers/request.h"

static void add_utf8(struct str *out, uint32_t c)
{
	if (c < 0x80) {
		str_addc(out, (char)c);
	} else if (c < 0x800) {
		str_addc(out, (char)(0xc0 | c >> 6));
		str_addc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		str_addc(out, (char)(0xe0 | c >> 12));
		str_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		str_addc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		str_addc(out, (char)(0xf0 | c >> 18));
		str_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		str_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		str_addc(out, (char)(0x80 | (c & 0x3f)));
	}
}

static uint32_t unit(const unsigned char *s, bool big)
{
	return big ? (uint32_t)s[0] << 8 | s[1] : (uint32_t)s[1] << 8 | s[0];
}

static void from_utf16(struct str *out, const unsigned char *s, size_t n, bool big)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint32_t c = unit(s + i, big);
		if (c >= 0xd800 && c < 0xdc00 && i + 3 < n) {
			uint32_t low = unit(s + i + 2, big);
			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		add_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	}
}

/* Byte order by the mark, else by where the zero of the first ASCII character is. */
static void to_utf8(struct str *out, const char *body, size_t n)
{
	const unsigned char *s = (const unsigned char *)body;

	if (n >= 2 && s[0] == 0xfe && s[1] == 0xff)
		from_utf16(out, s + 2, n - 2, true);
	else if (n >= 2 && s[0] == 0xff && s[1] == 0xfe)
		from_utf16(out, s + 2, n - 2, false);
	else if (n >= 2 && s[0] == 0 && s[1])
		from_utf16(out, s, n, true);
	else if (n >= 2 && s[0] && s[1] == 0)
		from_utf16(out, s, n, false);
	else if (n >= 3 && !memcmp(s, "\xef\xbb\xbf", 3))
		str_addn(out, body + 3, n - 3);
	else
		str_addn(out, body, n);
}

static bool allowed(const struct strlist *services, const char *name)
{
	if (!services || !services->n)
		return true;
	for (size_t i = 0; i < services->n; i++)
		if (services->v[i][0] && strcasestr(name, services->v[i]))
			return true;
	return false;
}

/* "0" is over; readers differ about "1", so it weighs as the milder. */
static enum feed_state state_of(int64_t status)
{
	if (status <= 0)
		return FEED_OPERATIONAL;
	return status >= 3 ? FEED_DOWN : FEED_DEGRADED;
}

/* The newest line of an event's log; its time is in seconds. */
static void read_log(const struct json *log, struct feed_incident *in)
{
	for (const struct json *l = json_first(log); l; l = json_next(l)) {
		int64_t at = int_of(l, "timestamp", 0) * 1000;

		if (in->said[0] && at <= in->said_ms)
			continue;
		text_of(l, "message", in->said, sizeof(in->said));
		in->said_ms = at;
	}
	if (in->said_ms > in->updated_ms)
		in->updated_ms = in->said_ms;
}

static void read_event(const struct json *v, const struct strlist *services,
		       struct feed_report *ret)
{
	char service[80];

	text_of(v, "service", service, sizeof(service));
	if (!allowed(services, service))
		return;
	ret->n_matched++;
	enum feed_state s = state_of(int_of(v, "status", 0));
	if (s == FEED_OPERATIONAL)
		return;
	if (s > ret->state)
		ret->state = s;
	int64_t at = int_of(v, "date", 0);
	if (at * 1000 > ret->updated_ms)
		ret->updated_ms = at * 1000;
	if (ret->n_items < FEED_MAX_ITEMS) {
		struct feed_item *item = &ret->items[ret->n_items++];
		snprintf(item->name, sizeof(item->name), "%s", service);
		text_of(v, "status", item->status, sizeof(item->status));
		item->state = s;
	}
	if (ret->n_incidents < FEED_MAX_INCIDENTS) {
		struct feed_incident *in = &ret->incidents[ret->n_incidents++];
		text_of(v, "arn", in->id, sizeof(in->id));
		text_of(v, "summary", in->name, sizeof(in->name));
		text_of(v, "status", in->status, sizeof(in->status));
		in->started_ms = in->updated_ms = at * 1000;
		read_log(json_get(v, "event_log"), in);
	}
}

int awshealth_read(const char *body, size_t n, const struct strlist *services,
		   struct feed_report *ret, struct err *err)
{
	struct str text = STR_INIT((size_t)32 << 20);
	struct err why = { 0 };

	*ret = (struct feed_report){ 0 };
	to_utf8(&text, body, n);
	_cleanup_(json_free_p) struct json *v = json_parse(str_get(&text), text.len, &why);
	str_fini(&text);
	if (!v)
		return err_set(err, ERR_INVALID, "not JSON (%.100s)", why.msg);
	if (json_type(v) != JSON_ARRAY)
		return err_set(err, ERR_INVALID, "%s where an array should be", json_type_name(v));
	ret->state = FEED_OPERATIONAL; /* no event is good news */
	for (const struct json *e = json_first(v); e; e = json_next(e))
		if (json_type(e) == JSON_OBJECT)
			read_event(e, services, ret);
	return 0;
}
