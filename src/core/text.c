/*
 * Unicode: validation, cleaning of text that came from outside, and the nearest
 * known name for a mistyped one. What passes text_clean cannot move the cursor,
 * change colours, reorder or hide its neighbours, nor forge a line of a log.
 *
 * It does not measure width (ui does) and does not redact secrets (crypto does).
 */
#include "core/str.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

int32_t utf8_decode(const void *data, size_t n, size_t *ret_len)
{
	static const int32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = data;
	unsigned char c = p[0];
	size_t want = c < 0x80 ? 1 : c >= 0xf0 && c <= 0xf4 ? 4 : c >= 0xe0 ? 3 : 2;
	size_t i;

	*ret_len = 1;
	if (want == 1)
		return c;
	if (c < 0xc2 || c > 0xf4)
		return -1;
	int32_t cp = c & (0x7f >> want);
	for (i = 1; i < want; i++) {
		if (i >= n || (p[i] & 0xc0) != 0x80)
			return -1;
		/* overlong, surrogate or above 0x10ffff shows in the second byte */
		if (i == 1 && ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ||
			       (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f)))
			return -1;
		cp = cp << 6 | (p[i] & 0x3f);
		*ret_len = i + 1;
	}
	return cp >= least[want] ? cp : -1;
}

size_t utf8_prefix(const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t used = 1;
	size_t i;

	for (i = 0; i < n; i += used) {
		uint64_t eight;

		/* most text is plain: eight bytes at a time */
		while (n - i >= 8 && (memcpy(&eight, p + i, 8), !(eight & 0x8080808080808080u)))
			i += 8;
		if (i == n)
			break;
		used = 1;
		if (p[i] >= 0x80 && utf8_decode(p + i, n - i, &used) < 0)
			break;
	}
	return i;
}

bool utf8_valid(const void *p, size_t n)
{
	return utf8_prefix(p, n) == n;
}

/* Ranges that show nothing, reorder or attach: controls, bidi, zero width, selectors, tags. */
static const struct {
	int32_t from, to;
} dropped[] = {
	{ 0x00, 0x1f },	      { 0x7f, 0x9f },	    { 0xad, 0xad },	  { 0x34f, 0x34f },
	{ 0x61c, 0x61c },     { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },	  { 0x180b, 0x180f },
	{ 0x200b, 0x200f },   { 0x202a, 0x202e },   { 0x2060, 0x206f },	  { 0x3164, 0x3164 },
	{ 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },	  { 0xfff0, 0xfffb },
	{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

enum keep { KEEP, DROP, SPACE };

static enum keep judge(int32_t cp)
{
	if (cp >= 0x20 && cp < 0x7f)
		return KEEP;
	if (cp == '\t' || cp == '\n' || cp == '\r' || cp == 0x85 || cp == 0x2028 || cp == 0x2029)
		return SPACE;
	for (size_t i = 0; i < COUNT_OF(dropped); i++)
		if (cp >= dropped[i].from && cp <= dropped[i].to)
			return DROP;
	return KEEP;
}

static void cut(struct str *out, size_t len, size_t max_chars)
{
	out->len = len;
	str_addn(out, "...", max_chars < 3 ? max_chars : 3);
}

static bool is_line_end(int32_t cp)
{
	return cp != '\t' && judge(cp) == SPACE;
}

/* lines: a line end stays one. */
static char *clean(const char *s, size_t max_chars, bool lines)
{
	const unsigned char *p = (const unsigned char *)(s ? s : "");
	size_t left = strlen((const char *)p);
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	size_t chars = 0;
	size_t kept = 0;	/* byte length of the first max_chars - 3 characters */
	size_t keep = max_chars > 3 ? max_chars - 3 : 0;
	size_t used;

	for (; left; p += used, left -= used) {
		int32_t cp = utf8_decode(p, left, &used);
		enum keep k = cp < 0 ? KEEP : judge(cp);
		bool end = lines && is_line_end(cp);

		if (k == DROP || (end && cp == '\r' && left > 1 && p[1] == '\n'))
			continue;
		for (; end && out.len && out.s[out.len - 1] == ' '; chars--)
			out.len--;
		kept = kept < out.len ? kept : out.len;
		if (end && !out.len)
			continue;
		if (max_chars && chars == max_chars) {
			cut(&out, kept, max_chars);
			break;
		}
		if (k == SPACE)
			str_addc(&out, end ? '\n' : ' ');
		else if (cp < 0)
			str_add(&out, "\xef\xbf\xbd");
		else
			str_addn(&out, p, used);
		if (++chars == keep)
			kept = out.len;
	}
	while (lines && out.len && (out.s[out.len - 1] == '\n' || out.s[out.len - 1] == ' '))
		out.len--;
	if (out.s)
		out.s[out.len] = '\0';
	return str_take(&out);
}

char *text_clean(const char *s, size_t max_chars)
{
	return clean(s, max_chars, false);
}

char *text_clean_lines(const char *s, size_t max_chars)
{
	return clean(s, max_chars, true);
}

void text_clean_buf(char *s)
{
	unsigned char *p = (unsigned char *)s;
	size_t left = strlen(s);
	char *to = s;
	size_t used;

	for (; left; p += used, left -= used) {
		int32_t cp = utf8_decode(p, left, &used);
		enum keep k = cp < 0 ? KEEP : judge(cp);
		if (k == SPACE) {
			*to++ = ' ';
		} else if (cp < 0) {
			*to++ = '?'; /* U+FFFD would not fit in place */
		} else if (k == KEEP) {
			memmove(to, p, used);
			to += used;
		}
	}
	*to = 0;
}

enum { NAME_MAX_LEN = 96 };

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : (unsigned char)c;
}

/* Edits (insert, delete, replace, swap neighbours) from a to b; case does not count. */
static int distance(const char *a, size_t n, const char *b, size_t m)
{
	int rows[3][NAME_MAX_LEN + 1];
	int *before = rows[0];
	int *prev = rows[1];
	int *cur = rows[2];

	for (size_t j = 0; j <= m; j++)
		prev[j] = (int)j;
	for (size_t i = 1; i <= n; i++) {
		cur[0] = (int)i;
		for (size_t j = 1; j <= m; j++) {
			int differ = lower(a[i - 1]) != lower(b[j - 1]);
			int best = prev[j - 1] + differ;
			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (cur[j - 1] + 1 < best)
				best = cur[j - 1] + 1;
			if (i > 1 && j > 1 && differ && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]) && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			cur[j] = best;
		}
		int *spare = before;
		before = prev;
		prev = cur;
		cur = spare;
	}
	return prev[m];
}

const char *str_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t len = word ? strlen(word) : 0;

	if (len < 2 || len > NAME_MAX_LEN)
		return NULL;
	int limit = len < 6 ? 1 : (int)(len / 3);
	if (len == 5)
		limit = 2;
	for (size_t i = 0; i < n; i++) {
		size_t m = names[i] ? strlen(names[i]) : 0;
		if (!m || m > NAME_MAX_LEN)
			continue;
		int d = distance(word, len, names[i], m);
		if (d <= limit) {
			best = names[i];
			limit = d - 1;
		}
	}
	return best;
}
