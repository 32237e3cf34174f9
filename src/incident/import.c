/* See import.h. Pure. The words of an instant may stand in any order ("00:15 PST Oct 20",
 * "Oct 20, 2025 12:15 AM"): each token is taken for what it can be, and what is missing is
 * named. Zones with daylight time are checked against the calendar. */
#include "incident/import.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/str.h"

enum { DAY_MS = 86400000, LINES_MAX = 100000 };
#define BREAKS " ,;()[]\t"

/* offset in minutes; other: the same place half a year later, changing as Europe does or the
 * United States. GMT has none: it is what people write for UTC. */
static const struct zone { const char *name; int offset; const char *other; bool daylight, europe;
			   } zones[] = {
	{ "UTC", 0, NULL, false }, { "GMT", 0, NULL, false }, { "Z", 0, NULL, false },
	{ "PST", -480, "PDT", false }, { "PDT", -420, "PST", true },
	{ "MST", -420, "MDT", false }, { "MDT", -360, "MST", true },
	{ "CST", -360, "CDT", false }, { "CDT", -300, "CST", true },
	{ "EST", -300, "EDT", false }, { "EDT", -240, "EST", true },
	{ "CET", 60, "CEST", false, true }, { "CEST", 120, "CET", true, true },
	{ "BST", 60, "GMT", true, true },
};

struct parts {
	int year, month, day, hour, minute, second;
	bool date, time, pm, am, zoned, swapped;	/* swapped: day and month could be either */
	int offset;
	const struct zone *zone;
	char unknown[40];		/* a word that may have been a zone */
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

	return 1 + (7 - weekday) % 7 + (n - 1) * 7;
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

/* At most max digits; *p behind them. */
static bool digits(const char **p, int max, int *ret)
{
	int n = 0;

	*ret = 0;
	for (; n < max && isdigit((unsigned char)**p); n++, (*p)++)
		*ret = *ret * 10 + (**p - '0');
	return n > 0;
}

static bool mark(const char **p, char c)
{
	*p += **p == c;
	return (*p)[-1] == c;
}

static bool offset_of(const char *s, int *ret)
{
	int sign = *s == '-' ? -1 : 1, h, m;

	if (*s != '+' && *s != '-')
		return false;
	s++;
	if (!digits(&s, 2, &h) || (mark(&s, ':'), !digits(&s, 2, &m)) || *s || h > 14 || m > 59)
		return false;
	*ret = sign * (h * 60 + m);
	return true;
}

bool import_zone_known(const char *zone)
{
	int ignored;

	return zone_of(zone) || offset_of(zone, &ignored);
}

static int month_of(const char *s)
{
	static const char *const names = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int i = 0; strlen(s) >= 3 && i < 12; i++)
		if (strncasecmp(s, names + (size_t)i * 3, 3) == 0)
			return i + 1;
	return 0;
}

/* ---- one token ------------------------------------------------------------------------- */

static bool take_date(struct parts *p, const char *s)
{
	const char *q = s;
	int a, b, c;

	if (digits(&q, 4, &a) && mark(&q, '-') && digits(&q, 2, &b) && mark(&q, '-') &&
	    digits(&q, 2, &c) && !*q && a > 1000) {
		p->year = a;
		p->month = b;
		p->day = c;
		return true;
	}
	q = s;
	if (!digits(&q, 2, &a) || !mark(&q, '/') || !digits(&q, 2, &b) || !mark(&q, '/') ||
	    !digits(&q, 4, &c) || *q)
		return false;
	p->year = c < 100 ? 2000 + c : c;
	p->swapped = a <= 12 && b <= 12 && a != b;
	p->month = a > 12 ? b : a;
	p->day = a > 12 ? a : b;
	return true;
}

static bool take_time(struct parts *p, char *s)
{
	int len = (int)strlen(s);
	const char *q = s;

	if (len > 2 && (strcasecmp(s + len - 2, "am") == 0 || strcasecmp(s + len - 2, "pm") == 0)) {
		p->pm = tolower((unsigned char)s[len - 2]) == 'p';
		p->am = !p->pm;
		s[len - 2] = '\0';
	}
	if (!digits(&q, 2, &p->hour) || !mark(&q, ':') || !digits(&q, 2, &p->minute))
		return false;
	return *q != ':' || (q++, digits(&q, 2, &p->second));
}

static void take_number(struct parts *p, const char *s)
{
	int64_t v;

	if (!parse_i64(s, 0, 9999, &v))
		return;
	if (v > 31)
		p->year = (int)v;
	else
		p->day = (int)v;
}

static void take(struct parts *p, char *s)
{
	if (take_date(p, s)) {
		p->date = true;
	} else if (isdigit((unsigned char)s[0]) && strchr(s, ':')) {
		p->time = take_time(p, s);
	} else if (strcasecmp(s, "am") == 0 || strcasecmp(s, "pm") == 0) {
		p->pm = tolower((unsigned char)s[0]) == 'p';
		p->am = !p->pm;
	} else if (offset_of(s, &p->offset)) {
		p->zoned = true;
	} else if (isdigit((unsigned char)s[0])) {
		take_number(p, s);
	} else if (zone_of(s)) {
		p->zone = zone_of(s);
		p->zoned = true;
		p->offset = p->zone->offset;
	} else if (month_of(s)) {
		p->month = month_of(s);
	} else if (isupper((unsigned char)s[0]) && (strchr(s, '/') ||
		   (strlen(s) <= 5 && isupper((unsigned char)s[strlen(s) - 1])))) {
		snprintf(p->unknown, sizeof(p->unknown), "%s", s);
	}
}

static void split(struct parts *p, const char *text)
{
	_cleanup_(free_p) char *copy = xstrdup(text);

	/* 2025-10-20T00:15 */
	for (char *c = copy; *c; c++)
		if (*c == 'T' && c > copy && isdigit((unsigned char)c[-1]) &&
		    isdigit((unsigned char)c[1]))
			*c = ' ';
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

static void check_zone(struct parts *p, const struct import_rules *r, struct str *why)
{
	const char *fallback = r->zone ? r->zone : "UTC";
	bool either = false, summer;

	if (p->unknown[0] && !p->zoned)
		doubt(why, "zone '%s' is not known: read as %s", p->unknown, fallback);
	else if (!p->zoned && !r->zone)
		doubt(why, "no zone: read as %s%s", fallback, "");
	if (!p->zoned) {
		p->zone = zone_of(fallback);
		if (p->zone)
			p->offset = p->zone->offset;
		else
			offset_of(fallback, &p->offset);
	}
	if (!p->zone || !p->zone->other)
		return;
	summer = daylight(p, p->zone, &either);
	if (either) {
		if (!p->zoned)
			doubt(why, "clocks changed in that hour: read as %s%s", p->zone->name, "");
	} else if (p->zone->daylight != summer) {
		doubt(why, "%s is written, but %s was in force on that day: read as that; an"
		      " hour's difference if it was meant literally", p->zone->name,
		      p->zone->other);
		p->offset = zone_of(p->zone->other)->offset;
	}
}

static void check_year(struct parts *p, const struct import_rules *r, struct str *why)
{
	char year[16], base[TIME_TEXT];
	const char *q = base;

	if (p->year)
		return;
	format_time(base, r->base_ms);
	snprintf(year, sizeof(year), "%.4s", base);
	digits(&q, 4, &p->year);
	doubt(why, "no year: read as %s%s", year, "");
}

int64_t import_instant(const char *text, const struct import_rules *r, char **ret_doubt)
{
	struct str why = STR_INIT(1000);
	struct parts p = { 0 };
	int64_t at, number;

	*ret_doubt = NULL;
	if (text && parse_time_ms(text, &at))
		return at;
	if (text && parse_i64(text, 1000000000, INT64_C(9999999999999), &number))
		return number < INT64_C(100000000000) ? number * 1000 : number;
	split(&p, text ? text : "");
	if (!p.time || p.month < 1 || p.month > 12 || p.day < 1 || p.day > 31 || p.hour > 23 ||
	    p.minute > 59 || p.second > 60) {
		*ret_doubt = xstrdup("the instant cannot be read: the line stands where the"
				     " incident began");
		return r->base_ms;
	}
	if (p.pm && p.hour < 12)
		p.hour += 12;
	if (p.am && p.hour == 12)
		p.hour = 0;
	check_year(&p, r, &why);
	if (p.swapped)
		doubt(&why, "day and month could be either way round: read as month/day%s%s", "",
		      "");
	check_zone(&p, r, &why);
	if (p.day > month_days(p.year, p.month))
		doubt(&why, "that month has no such day: counted on into the next%s%s", "", "");
	at = days_of(p.year, p.month, p.day) * DAY_MS +
	     ((p.hour * 60 + p.minute - p.offset) * (int64_t)60 + p.second) * 1000;
	if (why.len)
		*ret_doubt = str_take(&why);
	str_fini(&why);
	return at;
}

/* ---- files ---------------------------------------------------------------------- */

struct lines { struct import_line *v; size_t n, cap; const struct import_rules *r; };

static void add(struct lines *l, const char *at, const char *text)
{
	struct import_line *x;

	l->v = grow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
	x = &l->v[l->n++];
	*x = (struct import_line){ .text = xstrdup(str_empty(text) ? "(no text)" : text),
				   .original = xstrdup(at ? at : "") };
	x->at_ms = import_instant(at, l->r, &x->doubt);
}

static const char *const at_names[] = { "at", "time", "timestamp", "ts", "date", "when",
					"happenedAt" };
static const char *const text_names[] = { "text", "message", "msg", "event", "summary",
					  "description" };

static char *member(const struct json *v, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct json *m = json_get(v, names[i]);

		if (json_str(m))
			return xstrdup(json_str(m));
		if (json_type(m) == JSON_NUMBER)
			return xasprintf("%lld", (long long)json_i64(m, 0));
	}
	return NULL;
}

static void from_json(struct lines *l, const struct json *doc)
{
	const struct json *v = doc;

	if (json_type(doc) == JSON_OBJECT)	/* the first array inside */
		for (v = json_first(doc); v && json_type(v) != JSON_ARRAY; v = json_next(v))
			;
	for (v = json_first(v); v && l->n < LINES_MAX; v = json_next(v)) {
		_cleanup_(free_p) char *at = member(v, at_names, COUNT_OF(at_names));
		_cleanup_(free_p) char *text = json_str(v) ? xstrdup(json_str(v)) :
							     member(v, text_names,
								COUNT_OF(text_names));
		add(l, at, text);
	}
}

/* One field of RFC 4180 from *p on; *p behind it and its comma. true: the row goes on. */
static bool field(const char **p, struct str *ret)
{
	const char *s = *p;

	str_clear(ret);
	if (*s == '"') {
		for (s++; *s && (*s != '"' || s[1] == '"'); s++) {
			s += *s == '"';
			str_addc(ret, *s);
		}
		s += *s == '"';
	}
	for (; *s && *s != ',' && *s != '\n'; s++)
		if (*s != '\r')
			str_addc(ret, *s);
	*p = s + (*s != '\0');
	return *s == ',';
}

static bool is_name(const char *s, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(s, names[i]) == 0)
			return true;
	return false;
}

/* Without a head the first column is the instant and all others are the text. */
static void from_csv(struct lines *l, const char *p)
{
	struct str f = STR_INIT(1 << 20), text = STR_INIT(1 << 20), at = STR_INIT(1 << 16);
	int at_col = 0, text_col = -1;

	for (size_t row = 0; *p && l->n < LINES_MAX; row++) {
		bool more = true, head = false;

		str_clear(&text);
		str_clear(&at);
		for (int col = 0; more; col++) {
			more = field(&p, &f);
			if (row == 0 && is_name(str_get(&f), at_names, COUNT_OF(at_names))) {
				at_col = col;
				head = true;
			} else if (row == 0 && head && text_col < 0 &&
				   is_name(str_get(&f), text_names, COUNT_OF(text_names))) {
				text_col = col;
			}
			if (col == at_col)
				str_add(&at, str_get(&f));
			else if (text_col < 0 || col == text_col)
				str_addf(&text, "%s%s", text.len && f.len ? ", " : "", str_get(&f));
		}
		if (!head && (at.len || text.len))
			add(l, str_get(&at), str_get(&text));
	}
	str_fini(&f);
	str_fini(&text);
	str_fini(&at);
}

int import_parse(const char *text, size_t len, const struct import_rules *r,
		 struct import_line **ret, size_t *ret_n, struct err *err)
{
	struct lines l = { .r = r };
	size_t at = strspn(text, " \t\r\n");

	if (text[at] == '[' || text[at] == '{') {
		_cleanup_(json_free_p) struct json *doc = json_parse(text, len, err);

		if (!doc)
			return err->code;
		from_json(&l, doc);
	} else {
		from_csv(&l, text);
	}
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

void import_free(struct import_line *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].text);
		free(v[i].original);
		free(v[i].doubt);
	}
	free(v);
}
