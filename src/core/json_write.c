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

/* Most text goes out as it came in: what needs no change is found without decoding. */
static size_t plain_bytes(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x7f && s[i] != '"' &&
	       s[i] != '\\')
		i++;
	return i;
}

void json_add_string(struct str *out, const char *s, size_t n)
{
	size_t from = 0; /* begin of the run that needs no change */
	size_t used;

	str_addc(out, '"');
	for (size_t i = plain_bytes(s, n); i < n; i += used) {
		unsigned char c = (unsigned char)s[i];
		used = 1;
		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
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

static void begin(struct jw *w, const char *name)
{
	if (w->comma)
		str_addc(w->out, ',');
	w->comma = true;
	if (name) {
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
		str_add(w->out, "null");
}

void jw_i64(struct jw *w, const char *name, int64_t v)
{
	begin(w, name);
	str_addf(w->out, "%lld", (long long)v);
}

void jw_double(struct jw *w, const char *name, double v)
{
	begin(w, name);
	json_add_double(w->out, v);
}

void jw_bool(struct jw *w, const char *name, bool v)
{
	jw_raw(w, name, v ? "true" : "false");
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
