/*
 * Text: the growing buffer, comparison, and the byte encodings (percent, base64,
 * hex). A buffer never grows past its cap; once it is full it takes nothing more,
 * so that its end is a clean cut of what was added first.
 *
 * Numbers and times are in strnum.c, Unicode in text.c.
 */
#include "core/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* Room for n more bytes; returns how many of them may be added. */
static size_t reserve(struct str *b, size_t n)
{
	size_t max = b->max ? b->max : STR_MAX_DEFAULT;

	if (b->full)
		return 0;
	if (n > max - b->len) {
		n = max - b->len;
		b->full = true;
	}
	if (b->len + n + 1 > b->cap) {
		size_t to = b->cap ? b->cap : 64;
		while (to < b->len + n + 1)
			to *= 2;
		if (to > max + 1)
			to = max + 1;
		b->s = xrealloc(b->s, to);
		b->cap = to;
	}
	return n;
}

void str_addn(struct str *b, const void *p, size_t n)
{
	n = reserve(b, n);
	if (!b->s)
		return;
	if (n)
		memcpy(b->s + b->len, p, n);
	b->len += n;
	b->s[b->len] = 0;
}

void str_add(struct str *b, const char *s)
{
	if (s)
		str_addn(b, s, strlen(s));
}

void str_addc(struct str *b, char c)
{
	if (b->full || b->len + 1 >= b->cap) {
		str_addn(b, &c, 1);
		return;
	}
	b->s[b->len++] = c;
	b->s[b->len] = 0;
}

void str_addf(struct str *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < sizeof(small)) {
		str_addn(b, small, (size_t)n);
		return;
	}
	char *big = xmalloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(big, (size_t)n + 1, fmt, ap);
	va_end(ap);
	str_addn(b, big, (size_t)n);
	free(big);
}

char *str_make_room(struct str *b, size_t n)
{
	size_t max = b->max ? b->max : STR_MAX_DEFAULT;

	if (b->full || n > max - b->len)
		return NULL;
	reserve(b, n);
	return b->s + b->len;
}

void str_add_i64(struct str *b, int64_t v)
{
	uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;
	char text[24], *at = text + sizeof(text);

	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (v < 0)
		*--at = '-';
	str_addn(b, at, (size_t)(text + sizeof(text) - at));
}

void str_clear(struct str *b)
{
	b->len = 0;
	b->full = false;
	if (b->s)
		b->s[0] = 0;
}

void str_fini(struct str *b)
{
	free(b->s);
	*b = STR_INIT(b->max);
}

char *str_take(struct str *b)
{
	char *s = b->s ? TAKE(b->s) : xstrdup("");

	*b = STR_INIT(b->max);
	return s;
}

const char *str_get(const struct str *b)
{
	return b->s ? b->s : "";
}

bool str_eq(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_has_prefix(const char *s, const char *prefix)
{
	return s && prefix && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_empty(const char *s)
{
	return !s || !*s;
}

static bool unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void str_add_urlencoded(struct str *b, const char *s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; s && *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (unreserved(c)) {
			str_addc(b, *s);
			continue;
		}
		char esc[3] = { '%', digits[c >> 4], digits[c & 15] };
		str_addn(b, esc, 3);
	}
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void str_add_base64(struct str *b, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned v = (unsigned)p[i] << 16;
		if (left > 1)
			v |= (unsigned)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		char out[4] = { base64_digits[v >> 18], base64_digits[(v >> 12) & 63],
				left > 1 ? base64_digits[(v >> 6) & 63] : '=',
				left > 2 ? base64_digits[v & 63] : '=' };
		str_addn(b, out, 4);
	}
}

static int base64_value(char c)
{
	const char *at = c ? strchr(base64_digits, c) : NULL;

	if (at)
		return (int)(at - base64_digits);
	return c == '-' ? 62 : c == '_' ? 63 : -1; /* the URL alphabet */
}

bool base64_decode(const char *s, struct str *ret)
{
	size_t len = s ? strlen(s) : 0;
	size_t pad = 0;
	unsigned v = 0;
	int bits = 0;

	while (len && pad < 2 && s[len - 1] == '=') {
		len--;
		pad++;
	}
	if (len % 4 == 1 || (pad && (len + pad) % 4))
		return false;
	for (size_t i = 0; i < len; i++) {
		int d = base64_value(s[i]);
		if (d < 0)
			return false;
		v = ((v << 6) | (unsigned)d) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			str_addc(ret, (char)((v >> bits) & 0xff));
		}
	}
	return (v & ((1u << bits) - 1)) == 0;
}

void str_add_hex(struct str *b, const void *data, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++) {
		char two[2] = { digits[p[i] >> 4], digits[p[i] & 15] };
		str_addn(b, two, 2);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(const char *s, void *out, size_t n)
{
	unsigned char *p = out;

	if (!s || strlen(s) != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int hi = hex_value(s[2 * i]);
		int lo = hex_value(s[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		p[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}
