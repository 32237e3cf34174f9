/*
 * JSON writer: appends to a struct str, keeps commas right, escapes, and replaces
 * invalid UTF-8, so that whatever goes in, the text that comes out is JSON. It
 * builds no tree; large replies cost their own length and nothing else.
 */
#include "core/json.h"

#include <string.h>

static void add_escaped(struct str *out, char c)
{
	switch (c) {
	case '"': str_add(out, "\\\""); break;
	case '\\': str_add(out, "\\\\"); break;
	case '\n': str_add(out, "\\n"); break;
	case '\r': str_add(out, "\\r"); break;
	case '\t': str_add(out, "\\t"); break;
	default: str_addf(out, "\\u%04x", (unsigned char)c); break;
	}
}

/* Goes out as it came in. */
static inline bool plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Eight bytes at once: all of them are plain. */
static bool plain_word(const char *s)
{
	const uint64_t one = 0x0101010101010101, high = one * 0x80;
	uint64_t v, quote, slash, del;

	memcpy(&v, s, sizeof(v));
	quote = v ^ one * '"';
	slash = v ^ one * '\\';
	del = v ^ one * 0x7f;
	/* a byte that is less than another makes a subtraction borrow into its high bit */
	return !(((v - one * 0x20) | (quote - one) | (slash - one) | (del - one) | v) & high);
}

/* Most text is plain, which is found without decoding. */
static bool all_plain(const char *s, size_t n)
{
	size_t i = 0;

	if (n >= 8) {
		for (; i + 8 < n; i += 8)
			if (!plain_word(s + i))
				return false;
		return plain_word(s + n - 8);
	}
	while (i < n && plain(s[i]))
		i++;
	return i == n;
}

static void add_decoded(struct str *out, const char *s, size_t n)
{
	size_t from = 0; /* begin of the run that needs no change */
	size_t used;

	str_addc(out, '"');
	for (size_t i = 0; i < n; i += used) {
		unsigned char c = (unsigned char)s[i];
		used = 1;
		if (plain(s[i]))
			continue;
		if (c > 0x7f && utf8_decode(s + i, n - i, &used) >= 0)
			continue;
		str_addn(out, s + from, i - from);
		if (c > 0x7f)
			str_add(out, "\xef\xbf\xbd");
		else
			add_escaped(out, s[i]);
		from = i + used;
	}
	str_addn(out, s + from, n - from);
	str_addc(out, '"');
}

void json_add_string(struct str *out, const char *s, size_t n)
{
	char *at = all_plain(s, n) ? str_room(out, n + 2) : NULL;

	if (!at) {
		add_decoded(out, s, n);
		return;
	}
	at[0] = '"';
	memcpy(at + 1, s, n);
	at[n + 1] = '"';
	str_filled(out, n + 2);
}

/* ,"name": in one go, of which a page has thousands. False: it is not of the usual kind. */
static bool begin_short(struct jw *w, const char *name)
{
	enum { LONGEST = 60 };
	char *to = str_room(w->out, LONGEST + 4), *at = to;

	if (!to)
		return false;
	if (w->comma)
		*at++ = ',';
	*at++ = '"';
	for (int i = 0; *name; i++) {
		if (i == LONGEST || !plain(*name))
			return false;
		*at++ = *name++;
	}
	*at++ = '"';
	*at++ = ':';
	str_filled(w->out, (size_t)(at - to));
	return true;
}

static void begin(struct jw *w, const char *name)
{
	bool done = name && begin_short(w, name);

	if (w->comma && !done)
		str_addc(w->out, ',');
	w->comma = true;
	if (name && !done) {
		json_add_string(w->out, name, strlen(name));
		str_addc(w->out, ':');
	}
}

void jw_obj(struct jw *w, const char *name)
{
	begin(w, name);
	str_addc(w->out, '{');
	w->comma = false;
}

void jw_obj_end(struct jw *w)
{
	str_addc(w->out, '}');
	w->comma = true;
}

void jw_arr(struct jw *w, const char *name)
{
	begin(w, name);
	str_addc(w->out, '[');
	w->comma = false;
}

void jw_arr_end(struct jw *w)
{
	str_addc(w->out, ']');
	w->comma = true;
}

void jw_str(struct jw *w, const char *name, const char *s)
{
	jw_strn(w, name, s, s ? strlen(s) : 0);
}

void jw_strn(struct jw *w, const char *name, const char *s, size_t n)
{
	begin(w, name);
	if (s)
		json_add_string(w->out, s, n);
	else
		str_addn(w->out, "null", 4);
}

void jw_i64(struct jw *w, const char *name, int64_t v)
{
	begin(w, name);
	str_add_i64(w->out, v);
}

void jw_double(struct jw *w, const char *name, double v)
{
	begin(w, name);
	json_add_double(w->out, v);
}

void jw_bool(struct jw *w, const char *name, bool v)
{
	begin(w, name);
	str_addn(w->out, v ? "true" : "false", v ? 4 : 5);
}

void jw_null(struct jw *w, const char *name)
{
	jw_raw(w, name, NULL);
}

void jw_time(struct jw *w, const char *name, int64_t ms)
{
	char buf[TIME_TEXT];

	jw_str(w, name, ms ? format_time(buf, ms) : NULL);
}

void jw_raw(struct jw *w, const char *name, const char *json)
{
	begin(w, name);
	str_add(w->out, json ? json : "null");
}

void jw_json(struct jw *w, const char *name, const struct json *v)
{
	begin(w, name);
	json_print(w->out, v);
}
