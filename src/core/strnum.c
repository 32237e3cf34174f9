/*
 * Text to numbers, durations and instants, and back. Every parser takes the whole
 * string or refuses it, and never overflows: what a person or a provider typed is
 * either understood exactly or not at all.
 *
 * Calendar arithmetic is done here rather than by the C library so that neither
 * the locale nor TZ can change an answer.
 */
#include "core/str.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"

bool parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	char *end;

	if (!s || !(*s == '-' || (*s >= '0' && *s <= '9')))
		return false;
	if (*s == '-' && !(s[1] >= '0' && s[1] <= '9'))
		return false;
	errno = 0;
	long long v = strtoll(s, &end, 10);
	if (errno || *end || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

bool parse_double(const char *s, double *ret)
{
	char *end;

	/* no hex, no inf, no nan, no blanks: only what JSON could say */
	if (!s || !*s || s[strspn(s, "+-.0123456789eE")])
		return false;
	double v = strtod(s, &end);
	if (*end || end == s || !isfinite(v))
		return false;
	*ret = v;
	return true;
}

static const struct {
	const char *name;
	int64_t ms;
} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

bool parse_duration_ms(const char *s, int64_t *ret_ms)
{
	int64_t total = 0;
	size_t next_unit = 0; /* units come from large to small, each once */

	if (str_empty(s))
		return false;
	while (*s) {
		char digits[20];
		size_t n = strspn(s, "0123456789");
		int64_t v;
		if (!n || n >= sizeof(digits))
			return false;
		memcpy(digits, s, n);
		digits[n] = 0;
		if (!parse_i64(digits, 0, INT64_MAX, &v))
			return false;
		s += n;
		size_t len = strcspn(s, "0123456789");
		size_t u = next_unit;
		while (u < COUNT_OF(units) &&
		       !(strlen(units[u].name) == len && !strncmp(s, units[u].name, len)))
			u++;
		if (u == COUNT_OF(units) || v > (INT64_MAX - total) / units[u].ms)
			return false;
		total += v * units[u].ms;
		next_unit = u + 1;
		s += len;
	}
	*ret_ms = total;
	return true;
}

void format_duration(char *buf, size_t n, int64_t ms)
{
	char out[64];
	int at = 0;
	uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;

	if (ms < 0)
		out[at++] = '-';
	if (!left)
		at += snprintf(out + at, sizeof(out) - (size_t)at, "0s");
	for (size_t u = 0; u < COUNT_OF(units); u++) {
		uint64_t v = left / (uint64_t)units[u].ms;
		if (v)
			at += snprintf(out + at, sizeof(out) - (size_t)at, "%llu%s",
				       (unsigned long long)v, units[u].name);
		left %= (uint64_t)units[u].ms;
	}
	snprintf(buf, n, "%.*s", at, out);
}

/* Days since 1970-01-01 of a Gregorian date; counts in eras of 400 years from March. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_from_days(int64_t z, int *y, int *m, int *d)
{
	z += 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

static int days_in_month(int y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m == 2 && leap ? 29 : days[m - 1];
}

struct civil {
	int y, mo, d, h, mi, s, ms;
	int offset_min;
};

static bool civil_ms(const struct civil *c, int64_t *ret_ms)
{
	if (c->y < 1 || c->y > 9999 || c->mo < 1 || c->mo > 12 || c->d < 1 ||
	    c->d > days_in_month(c->y, c->mo) || c->h > 23 || c->mi > 59 || c->s > 60)
		return false;
	int64_t days = days_from_civil(c->y, c->mo, c->d);
	int64_t s = ((days * 24 + c->h) * 60 + c->mi - c->offset_min) * 60 + c->s;
	*ret_ms = s * 1000 + c->ms;
	return true;
}

/* Exactly n digits at *s, which moves on. */
static bool digits(const char **s, int n, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		char c = (*s)[i];
		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	*s += n;
	*ret = v;
	return true;
}

static bool skip(const char **s, const char *any)
{
	if (!**s || !strchr(any, **s))
		return false;
	(*s)++;
	return true;
}

/* "+hh:mm", also "+hhmm" and "+hh" as other programs write it; to the end. */
static bool numeric_offset(const char *s, int *ret_min)
{
	int sign = *s == '-' ? -1 : 1;
	int h;
	int m = 0;

	if (!skip(&s, "+-") || !digits(&s, 2, &h))
		return false;
	if (*s) {
		skip(&s, ":");
		if (!digits(&s, 2, &m) || *s)
			return false;
	}
	if (h > 23 || m > 59)
		return false;
	*ret_min = sign * (h * 60 + m);
	return true;
}

bool parse_time_ms(const char *s, int64_t *ret_ms)
{
	struct civil c = { 0 };

	if (!s || !digits(&s, 4, &c.y) || !skip(&s, "-") || !digits(&s, 2, &c.mo) ||
	    !skip(&s, "-") || !digits(&s, 2, &c.d) || !skip(&s, "Tt ") || !digits(&s, 2, &c.h) ||
	    !skip(&s, ":") || !digits(&s, 2, &c.mi) || !skip(&s, ":") || !digits(&s, 2, &c.s))
		return false;
	if (*s == '.') {
		size_t n = strspn(++s, "0123456789");
		if (!n || n > 18)
			return false;
		for (size_t i = 0; i < 3; i++)
			c.ms = c.ms * 10 + (i < n ? s[i] - '0' : 0);
		s += n;
	}
	if ((*s == 'Z' || *s == 'z') && !s[1])
		return civil_ms(&c, ret_ms);
	return numeric_offset(s, &c.offset_min) && civil_ms(&c, ret_ms);
}

static void split_ms(int64_t ms, struct civil *c, int64_t *ret_days)
{
	int64_t days = ms / 86400000 - (ms % 86400000 < 0);
	int rest = (int)(ms - days * 86400000);

	civil_from_days(days, &c->y, &c->mo, &c->d);
	c->h = rest / 3600000;
	c->mi = rest / 60000 % 60;
	c->s = rest / 1000 % 60;
	c->ms = rest % 1000;
	*ret_days = days;
}

static char *put_digits(char *at, int n, int v, char end)
{
	for (int i = n; i-- > 0; v /= 10)
		at[i] = (char)('0' + v % 10);
	at[n] = end;
	return at + n + 1;
}

/* By hand: a page of rows has hundreds of them. */
const char *format_time(char buf[TIME_TEXT], int64_t ms)
{
	const int64_t last = 253402300799999; /* 9999-12-31T23:59:59.999Z */
	struct civil c;
	int64_t days;

	if (ms > last)
		ms = last;
	if (ms < -62135596800000)
		ms = -62135596800000; /* 0001-01-01 */
	split_ms(ms, &c, &days);
	char *at = put_digits(buf, 4, c.y, '-');

	at = put_digits(at, 2, c.mo, '-');
	at = put_digits(at, 2, c.d, 'T');
	at = put_digits(at, 2, c.h, ':');
	at = put_digits(at, 2, c.mi, ':');
	at = put_digits(at, 2, c.s, '.');
	*put_digits(at, 3, c.ms, 'Z') = '\0';
	return buf;
}

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

bool parse_rfc2822_ms(const char *s, int64_t *ret_ms)
{
	struct civil c = { 0 };

	if (!s)
		return false;
	const char *comma = strchr(s, ',');
	if (comma) {
		if (comma - s != 3)
			return false;
		s = comma + 1;
	}
	s += strspn(s, " ");
	if (!digits(&s, s[0] && s[1] >= '0' && s[1] <= '9' ? 2 : 1, &c.d) || !skip(&s, " "))
		return false;
	for (int m = 0; m < 12; m++)
		if (!strncasecmp(s, month_names + 3 * m, 3))
			c.mo = m + 1;
	if (!c.mo)
		return false;
	s += 3;
	if (!skip(&s, " ") || !digits(&s, 4, &c.y) || !skip(&s, " ") || !digits(&s, 2, &c.h) ||
	    !skip(&s, ":") || !digits(&s, 2, &c.mi))
		return false;
	if (skip(&s, ":") && !digits(&s, 2, &c.s))
		return false;
	if (!skip(&s, " "))
		return false;
	if (!strcmp(s, "GMT") || !strcmp(s, "UTC") || !strcmp(s, "UT") || !strcmp(s, "Z"))
		return civil_ms(&c, ret_ms);
	return numeric_offset(s, &c.offset_min) && civil_ms(&c, ret_ms);
}

void format_rfc2822(char *buf, size_t n, int64_t ms)
{
	static const char weekdays[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
	struct civil c;
	int64_t days;

	split_ms(ms, &c, &days);
	int wd = (int)(((days % 7) + 7) % 7);
	snprintf(buf, n, "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000", weekdays + 3 * wd, c.d,
		 month_names + 3 * (c.mo - 1), c.y, c.h, c.mi, c.s);
}
