/*
 * Text: a growing buffer with a cap, checked numbers, times and durations as
 * text, cleaning of text that came from outside.
 */
#ifndef RD_CORE_STR_H
#define RD_CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* s is always NUL-terminated once something was added; NULL when empty and new.
 * Beyond max bytes further text is dropped and `full` is set. */
struct str {
	char *s;
	size_t len, cap, max;
	bool full;
};
#define STR_INIT(m) ((struct str){ .max = (m) })
#define STR_MAX_DEFAULT ((size_t)64 << 20)

void str_add(struct str *b, const char *s);	       /* NULL adds nothing */
void str_addn(struct str *b, const void *p, size_t n);
void str_addc(struct str *b, char c);
void str_addf(struct str *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_add_i64(struct str *b, int64_t v);
/* Where n more bytes may be put, then counted by str_filled; NULL: there is no room for all. */
char *str_make_room(struct str *b, size_t n);
static inline char *str_room(struct str *b, size_t n)
{
	return !b->full && b->cap - b->len > n ? b->s + b->len : str_make_room(b, n);
}
static inline void str_filled(struct str *b, size_t n)
{
	b->len += n;
	b->s[b->len] = 0;
}
void str_clear(struct str *b);			       /* keeps the memory */
void str_fini(struct str *b);
char *str_take(struct str *b);			       /* heap text, never NULL; b is empty after */
const char *str_get(const struct str *b);	       /* never NULL */

bool str_eq(const char *a, const char *b);	       /* NULL equals only NULL */
bool str_has_prefix(const char *s, const char *prefix);
bool str_empty(const char *s);			       /* NULL or "" */
/* The one number parser: whole string, range checked. */
bool parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret);
bool parse_double(const char *s, double *ret);
/* "90s" "10m" "1h30m" "250ms" "2d" -> milliseconds; a bare number is refused. */
bool parse_duration_ms(const char *s, int64_t *ret_ms);
/* Shortest exact form of a duration in the same syntax, e.g. "1h30m". */
void format_duration(char *buf, size_t n, int64_t ms);
/* RFC 3339, any offset -> UTC milliseconds since 1970. */
bool parse_time_ms(const char *s, int64_t *ret_ms);
#define TIME_TEXT 32
/* "2026-11-21T03:12:47.123Z" */
const char *format_time(char buf[TIME_TEXT], int64_t ms);
/* RFC 2822 date as Twilio v2010 sends it -> ms; false when unparsable. */
bool parse_rfc2822_ms(const char *s, int64_t *ret_ms);
void format_rfc2822(char *buf, size_t n, int64_t ms);

/* Nearest of n names by edit distance, or NULL when none is near. names[i] may be NULL. */
const char *str_nearest(const char *word, const char *const *names, size_t n);

/* Copy of outside text fit for terminal, log and mail: invalid UTF-8 becomes U+FFFD,
 * C0/C1 controls, DEL, bidi overrides and zero-width marks are dropped (tab, CR and LF
 * become a space), cut to max_chars code points (0 = no limit), the last three of which
 * are then "..." . Caller frees. Never NULL. */
char *text_clean(const char *s, size_t max_chars);
/* The same of a text of several lines: line ends of every kind become LF, a tab a space; without
 * blanks at the end of a line and without empty lines around it. */
char *text_clean_lines(const char *s, size_t max_chars);
/* In place variant for short known buffers; an invalid sequence becomes '?'. */
void text_clean_buf(char *s);
bool utf8_valid(const void *p, size_t n);
size_t utf8_prefix(const void *p, size_t n);	       /* length of the valid beginning */
/* One code point at p (n > 0 bytes left), or -1; *ret_len bytes belong together. */
int32_t utf8_decode(const void *p, size_t n, size_t *ret_len);

/* Percent-encodes everything but unreserved characters. */
void str_add_urlencoded(struct str *b, const char *s);
void str_add_base64(struct str *b, const void *p, size_t n);
bool base64_decode(const char *s, struct str *ret);
void str_add_hex(struct str *b, const void *p, size_t n);
bool hex_decode(const char *s, void *out, size_t n);   /* exactly n bytes */

#endif
