/*
 * Times as text. Pure: instants in, text out. Invariant: a stale countdown is marked and
 * never says what happened at its end. It starts no timer; the shell has the one that
 * ticks on the second.
 */
#include "ui/when.h"

#include <stdio.h>
#include <time.h>

static struct tm broken_down(int64_t at_ms, bool utc)
{
	time_t s = (time_t)(at_ms / 1000);
	struct tm tm;

	if (utc)
		gmtime_r(&s, &tm);
	else
		localtime_r(&s, &tm);
	return tm;
}

const char *when_clock(char buf[WHEN_TEXT], int64_t at_ms, bool utc)
{
	struct tm tm;

	if (at_ms <= 0)
		return "-";
	tm = broken_down(at_ms, utc);
	snprintf(buf, WHEN_TEXT, "%02d:%02d:%02d%s", tm.tm_hour, tm.tm_min, tm.tm_sec,
	         utc ? "Z" : "");
	return buf;
}

const char *when_minute(char buf[WHEN_TEXT], int64_t at_ms, bool utc)
{
	struct tm tm;

	if (at_ms <= 0)
		return "-";
	tm = broken_down(at_ms, utc);
	snprintf(buf, WHEN_TEXT, "%02d:%02d%s", tm.tm_hour, tm.tm_min, utc ? "Z" : "");
	return buf;
}

const char *when_span(char buf[WHEN_TEXT], int64_t ms)
{
	long long s = (ms < 0 ? 0 : ms) / 1000;

	if (s < 3600)
		snprintf(buf, WHEN_TEXT, "%02lld:%02lld", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, WHEN_TEXT, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(buf, WHEN_TEXT, "%lldd %02lldh", s / 86400, s / 3600 % 24);
	return buf;
}

const char *when_since(char buf[WHEN_TEXT], int64_t at_ms, int64_t now_ms, bool utc)
{
	if (at_ms <= 0)
		return "-";
	if (now_ms - at_ms < 12 * 3600 * 1000LL)
		return when_clock(buf, at_ms, utc);
	long long h = (now_ms - at_ms) / 3600000;
	snprintf(buf, WHEN_TEXT, "%lldd %02lldh", h / 24, h % 24);
	return buf;
}

const char *when_age(char buf[WHEN_TEXT], int64_t ms)
{
	long long s = (ms < 0 ? 0 : ms) / 1000;

	if (s < 60)
		snprintf(buf, WHEN_TEXT, "%llds", s);
	else if (s < 3600)
		snprintf(buf, WHEN_TEXT, "%lldm%02lld", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, WHEN_TEXT, "%lldh%02lld", s / 3600, s / 60 % 60);
	else
		snprintf(buf, WHEN_TEXT, "%lldd", s / 86400);
	return buf;
}

bool when_countdown(char buf[WHEN_TEXT], const struct countdown *c)
{
	int64_t left = c->at_ms - c->now_ms;
	int64_t quiet = c->now_ms - c->last_test_ms;
	char span[WHEN_TEXT];

	if (c->at_ms <= 0) {
		snprintf(buf, WHEN_TEXT, "-");
		return false;
	}
	if (c->stale && left < 0) {
		int64_t s = -left / 1000;
		snprintf(buf, WHEN_TEXT, "deadline passed %lld:%02lld ago, outcome unknown",
		         (long long)(s / 60), (long long)(s % 60));
		return true;
	}
	if (!c->stale && c->last_test_ms > 0 && quiet > COUNTDOWN_QUIET_MS) {
		snprintf(buf, WHEN_TEXT, "no test for %lld s", (long long)(quiet / 1000));
		return true;
	}
	if (left < 0) {
		snprintf(buf, WHEN_TEXT, "deciding");
		return false;
	}
	if (left >= 10 * 60000 && left < 3600000 && !c->exact) {
		snprintf(buf, WHEN_TEXT, "%s%lldm", c->stale ? "~" : "", (long long)(left / 60000));
		return true;
	}
	/* the last second is shown as 00:01: 00:00 would claim that it is over */
	snprintf(buf, WHEN_TEXT, "%s%s", c->stale ? "~" : "", when_span(span, left + 999));
	return true;
}
