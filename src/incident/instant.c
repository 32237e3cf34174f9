/*
 * See instant.h. Pure. The words of an instant may stand in any order ("00:15 PST Oct 20",
 * "Oct 20, 2025 12:15 AM"): each token is taken for what it can be, what is missing is named,
 * and so is what could not be taken for anything. Zones with daylight time are checked against
 * the calendar; of places only those are known whose rule is one of the two that are written here.
 */
#include "incident/instant.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/str.h"

#define DAY_MS INT64_C(86400000)
#define BREAKS " ,;()[]\t\r\n"
enum { FAR_DAYS = 3 * 366, SKEW_MS = 5 * 60000 };

/* offset in minutes; other: the same place half a year later, changing as Europe does or the
 * United States. GMT has none: it is what people write for UTC. place: other is its daylight
 * time, and the calendar says which of the two was in force. */
static const struct zone { const char *name; int offset; const char *other;
			   bool daylight, europe, place; } zones[] = {
	{ .name = "UTC" }, { .name = "GMT" }, { .name = "Z" }, { .name = "Etc/UTC" },
	{ "PST", -480, "PDT", false, false, false }, { "PDT", -420, "PST", true, false, false },
	{ "MST", -420, "MDT", false, false, false }, { "MDT", -360, "MST", true, false, false },
	{ "CST", -360, "CDT", false, false, false }, { "CDT", -300, "CST", true, false, false },
	{ "EST", -300, "EDT", false, false, false }, { "EDT", -240, "EST", true, false, false },
	{ "CET", 60, "CEST", false, true, false }, { "CEST", 120, "CET", true, true, false },
	{ "EET", 120, "EEST", false, true, false }, { "EEST", 180, "EET", true, true, false },
	{ "BST", 60, "GMT", true, true, false },
#define AMERICA(name, offset, summer) { name, offset, summer, false, false, true }
#define EUROPE(name, offset, summer) { name, offset, summer, false, true, true }
	AMERICA("PT", -480, "PDT"), AMERICA("US/Pacific", -480, "PDT"),
	AMERICA("America/Los_Angeles", -480, "PDT"), AMERICA("America/Vancouver", -480, "PDT"),
	AMERICA("MT", -420, "MDT"), AMERICA("US/Mountain", -420, "MDT"),
	AMERICA("America/Denver", -420, "MDT"), AMERICA("CT", -360, "CDT"),
	AMERICA("US/Central", -360, "CDT"), AMERICA("America/Chicago", -360, "CDT"),
	AMERICA("ET", -300, "EDT"), AMERICA("US/Eastern", -300, "EDT"),
	AMERICA("America/New_York", -300, "EDT"), AMERICA("America/Toronto", -300, "EDT"),
	EUROPE("Europe/London", 0, "BST"), EUROPE("Europe/Lisbon", 0, "WEST"),
	EUROPE("Europe/Amsterdam", 60, "CEST"), EUROPE("Europe/Berlin", 60, "CEST"),
	EUROPE("Europe/Brussels", 60, "CEST"), EUROPE("Europe/Copenhagen", 60, "CEST"),
	EUROPE("Europe/Madrid", 60, "CEST"), EUROPE("Europe/Oslo", 60, "CEST"),
	EUROPE("Europe/Paris", 60, "CEST"), EUROPE("Europe/Prague", 60, "CEST"),
	EUROPE("Europe/Rome", 60, "CEST"), EUROPE("Europe/Stockholm", 60, "CEST"),
	EUROPE("Europe/Vienna", 60, "CEST"), EUROPE("Europe/Warsaw", 60, "CEST"),
	EUROPE("Europe/Zurich", 60, "CEST"), EUROPE("Europe/Athens", 120, "EEST"),
	EUROPE("Europe/Helsinki", 120, "EEST"), EUROPE("Europe/Kyiv", 120, "EEST"),
#undef AMERICA
#undef EUROPE
	{ .name = "Asia/Kolkata", .offset = 330 }, { .name = "Asia/Singapore", .offset = 480 },
	{ .name = "Asia/Tokyo", .offset = 540 }, { .name = "JST", .offset = 540 },
	{ .name = "America/Phoenix", .offset = -420 },
};

struct parts {
	int year, month, day, hour, minute, second, ms;
	bool time, pm, am, zoned, about;
	bool swapped, short_year;	/* day and month either way; a year of two digits */
	int offset;
	const struct zone *zone;
	char unknown[40];		/* a word that may have been a zone */
	struct str odd;			/* the others that were not understood */
};

static int64_t days_of(int y, int m, int d)
{
	y -= m <= 2;
	int era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return (int64_t)era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* The n-th Sunday of a month. */
static int sunday(int y, int m, int n)
{
	int weekday = (int)((days_of(y, m, 1) + 4) % 7);	/* 0 = Sunday */

	return 1 + (7 - (weekday + 7) % 7) % 7 + (n - 1) * 7;
}

static int month_days(int y, int m)
{
	return (int)(days_of(m == 12 ? y + 1 : y, m == 12 ? 1 : m + 1, 1) - days_of(y, m, 1));
}

static int last_sunday(int y, int m)
{
	int fifth = sunday(y, m, 5);

	return fifth > month_days(y, m) ? fifth - 7 : fifth;
}

/* Was daylight time in force? Second Sunday of March to the first of November (since 2007), in
 * Europe last Sunday of March to the last of October; *ret_either: in the hour that is left out
 * or comes twice, where only the zone that is written tells. */
static bool daylight(const struct parts *p, const struct zone *z, bool *ret_either)
{
	int y = p->year, last = z->europe ? 10 : 11, standard = z->offset - (z->daylight ? 60 : 0);
	int from = z->europe ? last_sunday(y, 3) : sunday(y, 3, 2);
	int to = z->europe ? last_sunday(y, 10) : sunday(y, 11, 1);
	int gap = z->europe ? 1 + standard / 60 : 2, twice = z->europe ? gap : 1;

	if (p->month == 3 && p->day == from) {
		*ret_either = p->hour == gap;
		return p->hour >= gap;
	}
	if (p->month == last && p->day == to) {
		*ret_either = p->hour == twice;
		return p->hour <= twice;
	}
	if (p->month == 3)
		return p->day > from;
	if (p->month == last)
		return p->day < to;
	return p->month > 3 && p->month < last;
}

static const struct zone *zone_of(const char *name)
{
	for (size_t i = 0; name && i < COUNT_OF(zones); i++)
		if (strcasecmp(zones[i].name, name) == 0)
			return &zones[i];
	return NULL;
}

/* At most max digits; *p behind them. How many there were. */
static int digits(const char **p, int max, int *ret)
{
	int n = 0;

	*ret = 0;
	for (; n < max && isdigit((unsigned char)**p); n++, (*p)++)
		*ret = *ret * 10 + (**p - '0');
	return n;
}

static bool mark(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* -07:00 -0700 +2 */
static bool offset_of(const char *s, int *ret)
{
	int sign = *s == '-' ? -1 : 1, h, m = 0;

	if (*s != '+' && *s != '-')
		return false;
	s++;
	if (!digits(&s, 2, &h))
		return false;
	if ((mark(&s, ':') || *s) && digits(&s, 2, &m) != 2)
		return false;
	if (*s || h > 14 || m > 59)
		return false;
	*ret = sign * (h * 60 + m);
	return true;
}

/* A name, an offset, or GMT+2. */
static bool take_zone(struct parts *p, const char *s)
{
	const struct zone *z = zone_of(s);
	bool named = strncasecmp(s, "UTC", 3) == 0 || strncasecmp(s, "GMT", 3) == 0;

	if (!z && !offset_of(named ? s + 3 : s, &p->offset))
		return false;
	p->zone = z;
	if (z)
		p->offset = z->offset;
	p->zoned = true;
	return true;
}

bool import_zone_known(const char *zone)
{
	struct parts p = { 0 };

	return take_zone(&p, zone);
}

/* The name, or its beginning of at least three letters. */
static int month_of(const char *s)
{
	static const char *const names[] = { "january", "february", "march", "april", "may", "june",
					     "july", "august", "september", "october", "november",
					     "december" };
	size_t n = strlen(s);

	n -= n && s[n - 1] == '.';
	for (size_t i = 0; n >= 3 && i < COUNT_OF(names); i++)
		if (n <= strlen(names[i]) && strncasecmp(s, names[i], n) == 0)
			return (int)i + 1;
	return 0;
}

static bool among(const char *s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

/* ---- one token ------------------------------------------------------------------------- */

/* What is not understood is said, not passed over. */
static void take_odd(struct parts *p, const char *s)
{
	size_t n = strlen(s);

	if (!p->unknown[0] && isupper((unsigned char)s[0]) &&
	    (strchr(s, '/') || (n <= 5 && isupper((unsigned char)s[n - 1]))))
		snprintf(p->unknown, sizeof(p->unknown), "%s", s);
	else
		str_addf(&p->odd, "%s%.40s", p->odd.len ? " " : "", s);
}

static bool set_year(struct parts *p, int year, int n_digits)
{
	p->short_year = n_digits == 2;
	p->year = year;
	return n_digits == 4 || n_digits == 2;
}

/* A day of two numbers: the first is taken for the month unless it cannot be one. */
static void set_day(struct parts *p, int a, int b)
{
	p->swapped = a <= 12 && b <= 12 && a != b;
	p->month = a > 12 ? b : a;
	p->day = a > 12 ? a : b;
}

/* 2025-10-20 2025/10/20 10/20/2025 20.10.2025 20-Oct-2025; *ret_end behind it. */
static bool take_date(struct parts *p, const char *s, const char **ret_end)
{
	int a, b, c, n = digits(&s, 4, &a), letters;
	char sep = *s, word[12];

	if (!n || !sep || !strchr("-/.", sep))
		return false;
	s++;
	letters = (int)strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (letters >= 3 && letters < (int)sizeof(word)) {
		snprintf(word, sizeof(word), "%.*s", letters, s);
		s += letters;
		b = month_of(word);
	} else {
		letters = 0;
		if (!digits(&s, 2, &b))
			return false;
	}
	if (!b || !mark(&s, sep))
		return false;
	int last = digits(&s, 4, &c);

	*ret_end = s;
	if (n == 4) {
		p->month = b;
		p->day = c;
		return last && last <= 2 && set_year(p, a, 4);
	}
	if (n > 2 || (last != 2 && last != 4))
		return false;
	if (letters || sep == '.') {
		p->day = a;
		p->month = b;
	} else {
		set_day(p, a, b);
	}
	return set_year(p, c, last);
}

static bool half_of_day(struct parts *p, const char *s)
{
	static const char *const am[] = { "am", "a.m.", "a.m" }, *const pm[] = { "pm", "p.m.",
										 "p.m" };

	p->am = p->am || among(s, am, COUNT_OF(am));
	p->pm = p->pm || among(s, pm, COUNT_OF(pm));
	return among(s, am, COUNT_OF(am)) || among(s, pm, COUNT_OF(pm));
}

/* 0:15 00:15:30.5 12:15pm 07:15Z 00:15-07:00 7pm */
static bool take_time(struct parts *p, const char *s)
{
	const char *q = s;
	int h, m = 0, sec = 0, ms = 0;

	if (p->time || !digits(&q, 2, &h))
		return false;
	if (!mark(&q, ':')) {
		if (!half_of_day(p, q))
			return false;
	} else {
		if (digits(&q, 2, &m) != 2)
			return false;
		if (mark(&q, ':') && digits(&q, 2, &sec) != 2)
			return false;
		if (*q == '.' && isdigit((unsigned char)q[1])) {
			const char *from = ++q;

			while (q - from < 3 && isdigit((unsigned char)*q))
				ms = ms * 10 + (*q++ - '0');
			for (int k = (int)(q - from); k < 3; k++)
				ms *= 10;
			q += strspn(q, "0123456789");
		}
		if (*q && !half_of_day(p, q) && !take_zone(p, q))
			take_odd(p, q);
	}
	p->hour = h;
	p->minute = m;
	p->second = sec;
	p->ms = ms;
	p->time = true;
	return true;
}

/* A day, a year, 20th, 20251020. */
static bool take_number(struct parts *p, const char *s)
{
	static const char *const ends[] = { "", "st", "nd", "rd", "th" };
	size_t n = strspn(s, "0123456789");
	const char *q = s;
	int v;

	if (!n || n > 8 || !among(s + n, ends, COUNT_OF(ends)))
		return false;
	digits(&q, 8, &v);
	if (n == 8 && !p->year && !p->day) {
		p->year = v / 10000;
		p->month = v / 100 % 100;
		p->day = v % 100;
		return true;
	}
	if (n <= 2 && v >= 1 && v <= 31 && !p->day) {
		p->day = v;
		return true;
	}
	return !p->year && (n == 4 || n == 2) && v > 0 && set_year(p, v, (int)n);
}

static void take(struct parts *p, char *s)
{
	static const char *const nearly[] = { "about", "around", "approx", "approx.",
					      "approximately", "circa", "ca", "ca.", "c." };
	static const char *const idle[] = { "at", "on", "of", "the", "mon", "tue", "wed", "thu",
					    "fri", "sat", "sun", "monday", "tuesday", "wednesday",
					    "thursday", "friday", "saturday", "sunday" };
	const char *rest = NULL;

	if (*s == '~') {
		p->about = true;
		s++;
	}
	if (!p->month && take_date(p, s, &rest)) {
		/* 20/Oct/2025:07:15:00 */
		if (*rest && !(*rest == ':' && take_time(p, rest + 1)))
			take_odd(p, rest);
	} else if (isdigit((unsigned char)s[0]) && (take_time(p, s) || take_number(p, s))) {
		return;
	} else if (among(s, nearly, COUNT_OF(nearly))) {
		p->about = true;
	} else if (!half_of_day(p, s) && !(!p->zoned && take_zone(p, s)) && *s &&
		   !among(s, idle, COUNT_OF(idle))) {
		if (!p->month && month_of(s))
			p->month = month_of(s);
		else
			take_odd(p, s);
	}
}

static void split(struct parts *p, const char *text)
{
	_cleanup_(free_p) char *copy = xstrdup(text);

	/* 2025-10-20T00:15 00:15:30,250 */
	for (char *c = copy; *c; c++) {
		if (c == copy || !isdigit((unsigned char)c[-1]) || !isdigit((unsigned char)c[1]))
			continue;
		if (*c == 'T')
			*c = ' ';
		if (*c == ',' && c - copy > 6 && c[-3] == ':' && c[-6] == ':')
			*c = '.';
	}
	for (char *t = copy + strspn(copy, BREAKS); *t; ) {
		char *end = t + strcspn(t, BREAKS);
		bool last = !*end;

		*end = '\0';
		take(p, t);
		t = last ? end : end + 1 + strspn(end + 1, BREAKS);
	}
}

/* ---- doubts --------------------------------------------------------------------------------- */

static void doubt(struct str *b, const char *fmt, const char *a, const char *c)
{
	if (b->len)
		str_add(b, "; ");
	str_addf(b, fmt, a, c);
}

/* The standard time of a place. */
static const char *standard_name(const struct zone *z)
{
	for (size_t i = 0; i < COUNT_OF(zones); i++)
		if (!zones[i].place && zones[i].offset == z->offset &&
		    (z->offset == 0 || str_eq(zones[i].other, z->other)))
			return zones[i].name;
	return z->name;
}

static void check_daylight(struct parts *p, bool written, struct str *why)
{
	const struct zone *z = p->zone;
	bool either = false, summer = daylight(p, z, &either);

	if (z->place) {
		p->offset = z->offset + (summer ? 60 : 0);
		if (either)
			doubt(why, p->month == 3 ? "that hour was left out that day: read as %s%s" :
			      "that hour came twice that day: read as the first, %s%s",
			      summer ? z->other : standard_name(z), "");
	} else if (either) {
		if (!written)
			doubt(why, "clocks changed in that hour: read as %s%s", z->name, "");
	} else if (z->daylight != summer) {
		doubt(why, "%s is written, but %s was in force on that day: read as that; an"
		      " hour's difference if it was meant literally", z->name, z->other);
		p->offset = zone_of(z->other)->offset;
	}
}

static void check_zone(struct parts *p, const struct import_rules *r, struct str *why)
{
	const char *fallback = r->zone ? r->zone : "UTC";
	bool written = p->zoned;

	if (p->unknown[0] && !written)
		doubt(why, "zone '%s' is not known: read as %s", p->unknown, fallback);
	else if (p->unknown[0])
		doubt(why, "'%s' was not understood%s", p->unknown, "");
	else if (!written && !r->zone)
		doubt(why, "no zone: read as %s%s", fallback, "");
	if (!written)
		take_zone(p, fallback);
	if (p->zone && p->zone->other)
		check_daylight(p, written, why);
}

static int64_t instant_of(const struct parts *p)
{
	return days_of(p->year, p->month, p->day) * DAY_MS + p->ms +
	       ((p->hour * 60 + p->minute - p->offset) * (int64_t)60 + p->second) * 1000;
}

static int64_t apart(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

/* Without a year: the one that is nearest to the incident (a log of December, in January). */
static void check_year(struct parts *p, const struct import_rules *r, struct str *why)
{
	char base[TIME_TEXT], year[16];
	const char *q = base;
	int around;

	format_time(base, r->base_ms);
	digits(&q, 4, &around);
	if (p->year && !p->short_year)
		return;
	if (p->year) {
		p->year += around - around % 100;
		p->year -= p->year > around + 50 ? 100 : 0;
	} else {
		struct parts x = *p;

		p->year = around;
		for (x.year = around - 1; x.year <= around + 1; x.year++)
			if (apart(instant_of(&x), r->base_ms) < apart(instant_of(p), r->base_ms))
				p->year = x.year;
	}
	snprintf(year, sizeof(year), "%d", p->year);
	doubt(why, p->short_year ? "two digits for a year: read as %s%s" :
	      "no year: read as %s%s", year, "");
}

static void check_words(struct parts *p, struct str *why)
{
	if (p->about)
		doubt(why, "it says that it is not exact%s%s", "", "");
	if (p->odd.len)
		doubt(why, "'%s' was not understood%s", str_get(&p->odd), "");
	if ((p->am || p->pm) && (p->hour > 12 || p->hour == 0 || (p->am && p->pm)))
		doubt(why, "hour and AM or PM contradict each other: read as of 24 hours%s%s", "",
		      "");
	else if (p->pm && p->hour < 12)
		p->hour += 12;
	else if (p->am && p->hour == 12)
		p->hour = 0;
	if (p->swapped)
		doubt(why, "day and month could be either way round: read as month/day%s%s", "",
		      "");
}

/* Read without a doubt, and yet hardly meant: 1970, next year. */
static void check_far(int64_t at, const struct import_rules *r, struct str *why)
{
	char days[24];

	snprintf(days, sizeof(days), "%lld", (long long)(apart(at, r->base_ms) / DAY_MS));
	if (r->now_ms && at > r->now_ms + SKEW_MS)
		doubt(why, "it lies in the future%s%s", "", "");
	else if (r->base_ms && apart(at, r->base_ms) > FAR_DAYS * DAY_MS)
		doubt(why, at < r->base_ms ? "%s days before the incident began%s" :
		      "%s days after the incident began%s", days, "");
}

/* Seconds since 1970, perhaps with a fraction, or the same in ms, µs or ns. */
static bool read_epoch(const char *text, int64_t *ret)
{
	size_t n = strspn(text, "0123456789"), frac = 0;
	int64_t v, ms = 0;

	if (text[n] == '.')
		frac = strspn(text + n + 1, "0123456789");
	/* fourteen digits are a date and a time written as one */
	if (n < 10 || n == 11 || n == 14 || n > 19 || text[n + (frac ? frac + 1 : 0)])
		return false;
	_cleanup_(free_p) char *whole = xstrndup(text, n);

	if (!parse_i64(whole, 0, INT64_MAX, &v))
		return false;
	for (size_t i = 0; n == 10 && i < 3; i++)
		ms = ms * 10 + (i < frac ? text[n + 1 + i] - '0' : 0);
	*ret = n == 10 ? v * 1000 + ms : n <= 13 ? v : n <= 17 ? v / 1000 : v / 1000000;
	return true;
}

static int64_t read_words(const char *text, const struct import_rules *r, struct str *why)
{
	struct parts p = { .odd = STR_INIT(200) };
	int64_t at = r->base_ms;

	split(&p, text ? text : "");
	if (!p.time || p.month < 1 || p.month > 12 || p.day < 1 || p.day > 31 || p.hour > 23 ||
	    p.minute > 59 || p.second > 60) {
		doubt(why, "the instant cannot be read: the line stands where the incident"
		      " began%s%s", "", "");
	} else {
		check_words(&p, why);
		check_year(&p, r, why);
		check_zone(&p, r, why);
		if (p.day > month_days(p.year, p.month))
			doubt(why, "that month has no such day: counted on into the next%s%s", "",
			      "");
		at = instant_of(&p);
	}
	str_fini(&p.odd);
	return at;
}

int64_t import_instant(const char *text, const struct import_rules *r, char **ret_doubt)
{
	struct str why = STR_INIT(1000);
	int64_t at;

	text = text ? text + strspn(text, " \t") : "";
	if (!parse_time_ms(text, &at) && !read_epoch(text, &at))
		at = read_words(text, r, &why);
	if (at < 0) {
		doubt(&why, "nothing is kept from before 1970: the line stands where the incident"
		      " began%s%s", "", "");
		at = r->base_ms;
	}
	at += at == 0;		/* 0 is "not said" everywhere */
	check_far(at, r, &why);
	*ret_doubt = why.len ? str_take(&why) : NULL;
	str_fini(&why);
	return at;
}
