/*
 * A strict scanner for JSON text: grammar, UTF-8, escapes, depth, nothing after the
 * value. It keeps one bit per open bracket and no tree, so hostile text costs one
 * pass and no memory.
 *
 * "\u0000" is refused: no value of ours holds a NUL, and cutting the text there
 * would make two different texts equal.
 */
#include "core/json_scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/json.h"
#include "core/str.h"

struct scan {
	const char *text, *p, *end;
	const char *what;			/* first error, NULL = none */
	bool object[JSON_MAX_DEPTH];		/* what each open bracket is */
	int depth;
};

static bool fail(struct scan *s, const char *what)
{
	if (!s->what)
		s->what = what;
	return false;
}

static void blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool is_digit(const struct scan *s)
{
	return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool digits(struct scan *s)
{
	if (!is_digit(s))
		return fail(s, "a digit is missing in a number");
	while (is_digit(s))
		s->p++;
	return true;
}

static bool number(struct scan *s)
{
	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0') {
		s->p++;
		if (is_digit(s))
			return fail(s, "a number starts with 0");
	} else if (!digits(s)) {
		return false;
	}
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		return digits(s);
	}
	return true;
}

static bool hex4(struct scan *s, unsigned *ret)
{
	uint8_t b[2];
	char four[5] = "";

	if (s->end - s->p < 4)
		return fail(s, "cut inside \\u");
	memcpy(four, s->p, 4);
	if (!hex_decode(four, b, 2))
		return fail(s, "\\u without four hex digits");
	*ret = (unsigned)b[0] << 8 | b[1];
	s->p += 4;
	return true;
}

static bool escape(struct scan *s)
{
	unsigned u = 0;
	unsigned low = 0;

	s->p++;
	if (s->p >= s->end)
		return fail(s, "the text ends inside a string");
	if (*s->p != 'u') {
		if (!*s->p || !strchr("\"\\/bfnrt", *s->p))
			return fail(s, "unknown escape");
		s->p++;
		return true;
	}
	s->p++;
	if (!hex4(s, &u))
		return false;
	if (!u)
		return fail(s, "\\u0000 in a string");
	if (u < 0xd800 || u > 0xdfff)
		return true;
	if (u > 0xdbff || s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
		return fail(s, "half of a surrogate pair");
	s->p += 2;
	if (!hex4(s, &low))
		return false;
	return (low >= 0xdc00 && low <= 0xdfff) || fail(s, "half of a surrogate pair");
}

#define ALL_BYTES(c) (UINT64_C(0x0101010101010101) * (c))

/* The upper bit of each byte that is zero, and perhaps of some behind the first such. */
static uint64_t zero_bytes(uint64_t v)
{
	return (v - ALL_BYTES(1)) & ~v & ALL_BYTES(0x80);
}

/* Skips what stands for itself in a string, eight bytes at a time. */
static void plain(struct scan *s)
{
	uint64_t v;

	while (s->end - s->p >= 8) {
		memcpy(&v, s->p, 8);
		/* below 0x20: gone when its upper three bits are */
		v = zero_bytes(v ^ ALL_BYTES('"')) | zero_bytes(v ^ ALL_BYTES('\\')) |
		    zero_bytes(v & ALL_BYTES(0xe0));
		if (v) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			s->p += __builtin_ctzll(v) / 8;
#endif
			return;
		}
		s->p += 8;
	}
}

static bool string(struct scan *s)
{
	if (s->p >= s->end || *s->p != '"')
		return fail(s, "a string must start here");
	s->p++;
	plain(s);
	while (s->p < s->end && *s->p != '"') {
		if ((unsigned char)*s->p < 0x20)
			return fail(s, "control character in a string");
		if (*s->p != '\\')
			s->p++;
		else if (!escape(s))
			return false;
	}
	if (s->p >= s->end)
		return fail(s, "the text ends inside a string");
	s->p++;
	return true;
}

static bool word(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);
		if ((size_t)(s->end - s->p) >= n && !memcmp(s->p, words[i], n)) {
			s->p += n;
			return true;
		}
	}
	return fail(s, "a value must start here");
}

static bool name(struct scan *s)
{
	blanks(s);
	if (!string(s))
		return false;
	blanks(s);
	if (s->p >= s->end || *s->p != ':')
		return fail(s, "':' is missing after a name");
	s->p++;
	return true;
}

/* Opens a bracket: true with the place of its first value or behind it when empty. */
static bool open_bracket(struct scan *s, bool *ret_empty)
{
	bool object = *s->p == '{';

	if (s->depth == JSON_MAX_DEPTH)
		return fail(s, "nested too deeply");
	s->object[s->depth++] = object;
	s->p++;
	blanks(s);
	*ret_empty = s->p < s->end && *s->p == (object ? '}' : ']');
	if (*ret_empty) {
		s->p++;
		s->depth--;
		return true;
	}
	return !object || name(s);
}

/* After a value: closes brackets until a comma (true, at the next value) or the end. */
static bool after_value(struct scan *s, bool *ret_end)
{
	*ret_end = false;
	for (;;) {
		blanks(s);
		if (!s->depth) {
			*ret_end = true;
			return s->p == s->end || fail(s, "bytes after the value");
		}
		bool object = s->object[s->depth - 1];
		if (s->p >= s->end)
			return fail(s, object ? "'}' is missing" : "']' is missing");
		char c = *s->p++;
		if (c == ',')
			return !object || name(s);
		if (c != (object ? '}' : ']')) {
			s->p--;
			return fail(s, "',' or a closing bracket is missing");
		}
		s->depth--;
	}
}

static bool value(struct scan *s)
{
	bool end = false;

	while (!end) {
		bool done = true; /* a whole value, not only an open bracket */
		blanks(s);
		if (s->p >= s->end)
			return fail(s, "a value is missing");
		char c = *s->p;
		bool ok;
		if (c == '{' || c == '[')
			ok = open_bracket(s, &done);
		else if (c == '"')
			ok = string(s);
		else if (c == '-' || (c >= '0' && c <= '9'))
			ok = number(s);
		else
			ok = word(s);
		if (!ok || (done && !after_value(s, &end)))
			return false;
	}
	return true;
}

static int place_err(const struct scan *s, struct err *err)
{
	int line = 1;
	int column = 1;

	for (const char *p = s->text; p < s->p && p < s->end; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			column++;
		}
	}
	return err_set(err, ERR_INVALID, "%d:%d: %s", line, column, s->what);
}

int json_scan(const char *text, size_t len, struct err *err)
{
	struct scan s = { .text = text, .p = text, .end = text + len };

	if (!text || !len) {
		s.text = s.p = s.end = "";
		s.what = "the text is empty";
		return place_err(&s, err);
	}
	if (!value(&s))
		return place_err(&s, err);
	size_t valid = utf8_prefix(text, len);
	if (valid < len) {
		s.p = text + valid;
		s.what = "invalid UTF-8";
		return place_err(&s, err);
	}
	return 0;
}
