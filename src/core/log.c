/*
 * The log. One line per message: JSON when the descriptor is a file or a pipe,
 * plain text on a terminal. A line is redacted and cleaned as a whole before any
 * sink sees it, so nothing that writes here has to remember to.
 *
 * The sink and the level are the program's one mutable global. Library code does
 * not log; the driver that gives up on something does, once.
 */
#include "core/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/crypto.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/str.h"

static struct {
	int fd;
	bool plain;
	enum log_level level;
	void (*tap)(void *ctx, enum log_level level, const char *line);
	void *tap_ctx;
} sink = { .fd = -1, .level = LOG_INFO };

enum { MESSAGE_MAX = 4000 };

void log_init(int fd, enum log_level level)
{
	sink.fd = fd;
	sink.level = level;
	sink.plain = fd >= 0 && isatty(fd);
}

void log_tap(void (*fn)(void *ctx, enum log_level level, const char *line), void *ctx)
{
	sink.tap = fn;
	sink.tap_ctx = ctx;
}

static const char *level_name(enum log_level level)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };

	return names[level];
}

/* The loop's clock is not known here; a log line wants the machine's. */
static int64_t wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);
		if (done <= 0)
			return; /* a full disk or a closed pipe must not stop the engine */
		p += done;
		n -= (size_t)done;
	}
}

void log_write(enum log_level level, const char *area, const char *fmt, ...)
{
	struct str raw = STR_INIT(64 << 10);
	struct str line = STR_INIT(64 << 10);
	char at[TIME_TEXT];
	va_list ap;

	if (level < sink.level || (sink.fd < 0 && !sink.tap))
		return;
	va_start(ap, fmt);
	char *text = xvasprintf(fmt, ap);
	va_end(ap);
	str_add(&raw, text);
	free(text);
	redact(&raw);
	char *msg = text_clean(str_get(&raw), MESSAGE_MAX);
	str_fini(&raw);
	format_time(at, wall_ms());
	if (sink.plain || sink.fd < 0) {
		str_addf(&line, "%s %-5s %s: ", at, level_name(level), area);
		str_add(&line, msg);
	} else {
		struct jw w = JW(&line);
		jw_obj(&w, NULL);
		jw_str(&w, "at", at);
		jw_str(&w, "level", level_name(level));
		jw_str(&w, "area", area);
		jw_str(&w, "msg", msg);
		jw_obj_end(&w);
	}
	free(msg);
	redact(&line);
	if (sink.tap)
		sink.tap(sink.tap_ctx, level, str_get(&line));
	str_addc(&line, '\n');
	if (sink.fd >= 0)
		write_all(sink.fd, str_get(&line), line.len);
	str_fini(&line);
}
